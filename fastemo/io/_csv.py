"""CSV: one row per sample, one column per channel, with or without a line of names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from fastemo._validate import check_channels, check_span
from fastemo.io._source import Source, eeg_names, is_eeg

__all__ = ["open_csv"]

COMMENTS = ("#", "%")
DELIMITERS = (", ", ",", ";", "\t", " ")


def open_csv(path: Path, member: str | None, ignore: Sequence[str | int] = ()) -> Source:
    """Reads the first lines now and the columns when they are asked for.

    The delimiter is the first of comma-blank, comma, semicolon, tab, blank that cuts the first line of
    numbers and the line of names into equally many pieces. Lines that begin with # or % are comments.
    """
    name = path.name if member is None else Path(member).name
    skip, lines = _first_lines(path, member, name)
    header = lines[0] if not _is_numbers(lines[0]) else None
    row = lines[0] if header is None else (lines[1] if len(lines) > 1 else "")
    if not row:
        raise ValueError(f"{name} holds no samples, only a line of names")
    cut = _delimiter(header, row, name)
    n_columns = len(_split(row, cut))
    columns = [str(i) for i in range(n_columns)] if header is None else eeg_names(_split(header, cut))
    taken = [i for i in range(n_columns) if i not in _ignored(ignore, columns, header is None, name)]
    if not taken:
        raise ValueError(f"ignore leaves no column of {name}")

    def load(index, start, stop, sfreq):
        use = [taken[i] for i in index]
        with _open(path, member) as lines:
            for _ in range(skip + (header is not None)):
                next(lines)
            try:
                data = np.loadtxt(
                    lines, delimiter=cut.strip() or None, usecols=use, ndmin=2, comments=COMMENTS
                )
            except ValueError as error:
                raise ValueError(
                    f"{name} must hold numbers (nan for lost samples) in the columns of channels: {error} "
                    "(rows count from 0 after the names; leave a column out with ignore=)"
                ) from None
        first, last = check_span(start, stop, len(data), sfreq, name)
        return np.ascontiguousarray(data[first:last].T), first

    source = Source(name=name, n_channels=len(taken), load=load)
    if header is not None:
        source.ch_names = [columns[i] for i in taken]
        source.eeg = [i for i, column in enumerate(source.ch_names) if is_eeg(column)]
    return source


@contextmanager
def _open(path: Path, member: str | None) -> Iterator[TextIO]:
    if member is None:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        yield io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace")


def _first_lines(path: Path, member: str | None, name: str) -> tuple[int, list[str]]:
    """How many lines are empty or comments at first, then the first two that are not."""
    lines: list[str] = []
    skip = 0
    try:
        with _open(path, member) as file:
            for line in file:
                if line.strip() and not line.lstrip().startswith(COMMENTS):
                    lines.append(line.strip())
                elif not lines:
                    skip += 1
                if len(lines) == 2:
                    break
    except KeyError:
        with zipfile.ZipFile(path) as archive:
            held = [n for n in archive.namelist() if not n.endswith("/")]
        raise FileNotFoundError(
            f"{path.name} has no member {member!r}; it holds {', '.join(held[:20])}"
        ) from None
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path.name} cannot be read as .zip: {error}") from error
    if not lines:
        raise ValueError(f"{name} is empty")
    return skip, lines


def _split(line: str, cut: str) -> list[str]:
    return [piece.strip().strip('"') for piece in (line.split() if cut == " " else line.split(cut))]


def _is_numbers(line: str) -> bool:
    """Whether a line is a sample: every piece a number or empty, however it is cut."""
    for cut in (",", ";", "\t", " "):
        try:
            [float(piece) for piece in _split(line, cut) if piece]
            return True
        except ValueError:
            continue
    return False


def _delimiter(header: str | None, row: str, name: str) -> str:
    sizes = {cut: (len(_split(header or row, cut)), len(_split(row, cut))) for cut in DELIMITERS}
    for cut, (n_names, n_values) in sizes.items():
        if n_names == n_values > 1:
            return cut
    if sizes[","] == (1, 1):
        return ","
    n_names, n_values = max(sizes.values(), key=lambda n: n[1])
    raise ValueError(f"{name} has {n_names} names in its first line but {n_values} values in the next")


def _ignored(ignore: Sequence[str | int], columns: list[str], unnamed: bool, name: str) -> set[int]:
    if isinstance(ignore, str):
        raise TypeError(f"ignore must be a sequence of columns, got the string {ignore!r}")
    out: set[int] = set()
    for column in ignore:
        if isinstance(column, int):
            if not -len(columns) <= column < len(columns):
                raise ValueError(f"ignore names column {column}, but {name} has {len(columns)}")
            out.add(column % len(columns))
        elif unnamed:
            raise ValueError(
                f"ignore names column {column!r}, but {name} has no line of names: give its number"
            )
        else:
            out |= set(check_channels([column], columns, name))
    return out
