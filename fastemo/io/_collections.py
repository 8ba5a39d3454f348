"""Many files at once: a manifest that lists them, or a pattern that their names follow."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastemo._validate import close_matches
from fastemo.io._read import SUFFIXES, read
from fastemo.recording import Recording

__all__ = ["parse_labels", "read_manifest", "read_pattern"]

ABOUT = ("label", "subject", "session", "trial", "stimulus", "role")
FILES = ("events", "confounds")  # of a NIfTI run
COLUMNS = ("path", *ABOUT, "start", "stop", *FILES)


def read_manifest(path: str | os.PathLike[str], **options: Any) -> list[Recording]:
    """Read the recordings that a manifest lists.

    A manifest is a CSV file with a line of names. `path` is needed and is relative to the manifest; label,
    subject, session, trial, stimulus, role, start and stop (seconds) are optional, as are events and confounds of a
    NIfTI run, which are files relative to the manifest too; an empty cell says nothing.

    Parameters
    ----------
    path : str or path
    **options
        Passed on to `read` for every file: sfreq, ch_names, unit, ignore, check_unit, atlas, confounds, delay, rest.

    Returns
    -------
    list of Recording
        In the order of the lines. Labels are read as `parse_labels` says.

    Raises
    ------
    FileNotFoundError, ValueError
        With the line: an unknown or missing column, a file or value that cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.savez(folder / "a.npz", data=np.zeros((2, 500)), sfreq=250, unit="uV")
    >>> n = (folder / "manifest.csv").write_text("path,label,stop\\na.npz,calm,1\\n")
    >>> read_manifest(folder / "manifest.csv")
    [Recording(2 channels, 1 s at 250 Hz, uV, label='calm')]
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no manifest {path}")
    rows = _manifest_rows(path)
    labels = parse_labels([row.get("label") for _, row in rows])
    recordings = []
    for (line, row), label in zip(rows, labels, strict=True):
        try:
            file = row.get("path")
            if file is None:
                raise ValueError("the path is empty")
            about: dict[str, Any] = {name: row.get(name) for name in ABOUT[1:]}
            about |= {name: _seconds(name, row.get(name)) for name in ("start", "stop")}
            files: dict[str, Any] = {name: cell for name in FILES if (cell := row.get(name)) is not None}
            files = {name: cell if cell == "auto" else path.parent / cell for name, cell in files.items()}
            recordings.append(read(path.parent / file, label=label, **about, **(options | files)))
        except (ValueError, OSError) as error:
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
            raise kind(f"{path.name}, line {line}: {error}") from error
    return recordings


def read_pattern(
    where: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], pattern: str, **options: Any
) -> list[Recording]:
    """Read the files whose paths match a regular expression, and take what is known about them from it.

    Parameters
    ----------
    where : str, path, or iterable of these
        A folder (all files in it, with a suffix that can be read), a glob such as "data/*/eeg/*.edf", or
        files.
    pattern : str
        Searched in the path (with "/"; relative to the folder, if `where` is one); other files are left
        out. Its named groups are some of label, subject, session, trial, stimulus, role.
    **options
        Passed on to `read` for every file.

    Returns
    -------
    list of Recording
        Sorted by path. Labels are read as `parse_labels` says.

    Raises
    ------
    ValueError
        An invalid pattern, an unknown or missing group, or no file that matches.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("s01_calm", "s01_joy", "notes"):
    ...     np.savez(folder / f"{name}.npz", data=np.zeros((2, 500)), sfreq=250, unit="uV")
    >>> for recording in read_pattern(folder, r"(?P<subject>s\\d+)_(?P<label>\\w+)\\.npz"):
    ...     print(recording)
    Recording(2 channels, 2 s at 250 Hz, uV, label='calm', subject='s01')
    Recording(2 channels, 2 s at 250 Hz, uV, label='joy', subject='s01')
    """
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is no regular expression: {error}") from None
    _check_known("pattern", "group", regex.groupindex, ABOUT)
    if not regex.groupindex:
        raise ValueError(
            f"pattern {pattern!r} has no named group; name some of {', '.join(ABOUT)}: (?P<subject>...)"
        )
    files = _files(where)
    found = [(file, match) for file, name in files if (match := regex.search(name))]
    if not found:
        example = f", such as {files[0][1]}" if files else ""
        raise ValueError(f"pattern {pattern!r} matches none of the {len(files)} files in {where}{example}")
    groups: list[dict[str, Any]] = [match.groupdict() for _, match in found]
    labels = parse_labels([group.pop("label", None) for group in groups])
    return [
        read(file, label=label, **group, **options)
        for (file, _), label, group in zip(found, labels, groups, strict=True)
    ]


def parse_labels(texts: list[str | None]) -> list[Any]:
    """Labels out of text: numbers if all are (integers are classes), else names.

    "joy|surprise" is a set of both ("|" the empty one; where one label is a set, all are),
    "joy=0.7|anger=0.2" intensities by name.

    >>> parse_labels(["1", "2"]), parse_labels(["0.5", "1"]), parse_labels(["1", "joy"])
    ([1, 2], [0.5, 1.0], ['1', 'joy'])
    >>> parse_labels(["joy=0.7|anger=0.2", None])
    [{'joy': 0.7, 'anger': 0.2}, None]
    >>> [sorted(names) for names in parse_labels(["joy|surprise", "joy", "|"])]
    [['joy', 'surprise'], ['joy'], []]
    """
    given = [text for text in texts if text is not None]
    for number, kind in ((r"[+-]?\d+", int), (r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", float)):
        if all(re.fullmatch(number, text, re.ASCII | re.IGNORECASE) for text in given):
            return [None if text is None else kind(text) for text in texts]
    sets = any("|" in text and "=" not in text for text in given)
    return [None if text is None else _parse_label(text, sets) for text in texts]


def _parse_label(text: str, in_sets: bool) -> Any:
    parts = [part.strip() for part in text.split("|")]
    if all("=" in part for part in parts):
        pairs = (part.split("=", 1) for part in parts)
        try:
            return {name.strip(): float(value) for name, value in pairs}
        except ValueError:
            raise ValueError(
                f"label {text!r} must give a number after each =, as in joy=0.7|anger=0.2"
            ) from None
    return frozenset(part for part in parts if part) if in_sets else parts[0]


def _manifest_rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    """Line numbers and cells by column; empty cells are None, empty lines are left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        raise ValueError(f"{path.name} is empty; its first line must name columns: {','.join(COLUMNS)}")
    _, names = lines[0]
    _check_known(path.name, "column", names, COLUMNS)
    if "path" not in names:
        raise ValueError(f"{path.name} has no column 'path'; its first line is {','.join(names)}")
    if len(set(names)) < len(names):
        raise ValueError(f"{path.name} names a column twice: {','.join(names)}")
    for number, cells in lines[1:]:
        if len(cells) != len(names):
            raise ValueError(f"{path.name}, line {number}: {len(cells)} cells, but {len(names)} columns")
    if len(lines) == 1:
        raise ValueError(f"{path.name} lists no file")
    return [
        (number, {n: c or None for n, c in zip(names, cells, strict=True)}) for number, cells in lines[1:]
    ]


def _check_known(where: str, what: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            near = close_matches(name, known)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"{where} has the unknown {what} {name!r}; {hint}known are {', '.join(known)}")


def _seconds(name: str, text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        raise ValueError(f"{name} must be seconds, got {text!r}") from None


def _files(where: Any) -> list[tuple[Path, str]]:
    """Files and what the pattern is searched in, sorted."""
    if not isinstance(where, (str, os.PathLike)):
        return sorted((Path(file), Path(file).as_posix()) for file in where)
    folder = Path(where)
    if folder.is_dir():
        found = [
            file for file in folder.rglob("*") if file.is_file() and file.name.lower().endswith(SUFFIXES)
        ]
        return sorted((file, file.relative_to(folder).as_posix()) for file in found)
    from glob import glob

    return sorted((Path(file), Path(file).as_posix()) for file in glob(os.fspath(where), recursive=True))
