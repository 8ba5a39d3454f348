"""Predictions into files: CSV, JSON lines or Parquet, one flat row per window."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["write_predictions"]

# Fields of several values, and what the names of their columns begin with.
PREFIXES = {"probabilities": "p_", "outputs": "", "channel_quality": "quality_"}


def write_predictions(
    path: str | os.PathLike[str],
    predictions: np.ndarray,
    labels: Sequence[Any] | None = None,
    ch_names: Sequence[str] | None = None,
) -> None:
    """Write what `predict_windows` returns; the suffix says how: .csv, .jsonl or .parquet.

    Parameters
    ----------
    path : str or path
        A file that is there already is replaced.
    predictions : structured array, shape (n_windows,)
        A field of several values becomes as many columns: `probabilities` p_<label>, `outputs` <label>,
        `channel_quality` quality_<channel>, any other <field>_0, ... A set of labels becomes "joy|surprise".
    labels : sequence, optional
        Names of the outputs; numbers by default.
    ch_names : sequence of str, optional
        Names of the channels; numbers by default.

    Raises
    ------
    TypeError, ValueError
        No structured array, an unknown suffix, labels or names that are not as many as the values.
    ImportError
        Parquet without pyarrow.

    Examples
    --------
    >>> import tempfile
    >>> p = np.array([(1.0, [0.25, 0.75])], dtype=[("time", "f8"), ("probabilities", "f8", 2)])
    >>> path = tempfile.mkdtemp() + "/trace.csv"
    >>> write_predictions(path, p, labels=["calm", "joy"])
    >>> from pathlib import Path
    >>> print(Path(path).read_text())
    time,p_calm,p_joy
    1.0,0.25,0.75
    <BLANKLINE>
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise ValueError(
            f"{path.name} has the unknown suffix {path.suffix!r}; supported are {', '.join(WRITERS)}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into")
    WRITERS[path.suffix.lower()](path, _columns(predictions, labels, ch_names))


def _columns(
    predictions: Any, labels: Sequence[Any] | None, ch_names: Sequence[str] | None
) -> dict[str, np.ndarray]:
    names_of = getattr(getattr(predictions, "dtype", None), "names", None)
    if names_of is None or predictions.ndim != 1:
        raise TypeError(
            "predictions must be a structured array with one element per window, as predict_windows returns; "
            f"got {type(predictions).__name__}"
        )
    columns: dict[str, np.ndarray] = {}
    for field in names_of:
        values = predictions[field]
        if values.ndim == 1:
            columns[field] = _plain(values) if values.dtype == object else values
            continue
        values = values.reshape(len(values), int(np.prod(values.shape[1:])))
        argument, given = ("ch_names", ch_names) if field == "channel_quality" else ("labels", labels)
        if field not in PREFIXES:
            given = None
        names = range(values.shape[1]) if given is None else given
        if len(names) != values.shape[1]:
            raise ValueError(
                f"{argument} must be as many as the values of {field} ({values.shape[1]}), got {len(names)}"
            )
        prefix = f"{field}_" if given is None else PREFIXES[field]
        for name, column in zip(names, values.T, strict=True):
            if f"{prefix}{name}" in columns:
                raise ValueError(f"{argument} would give two columns the name {prefix}{name}")
            columns[f"{prefix}{name}"] = column
    return columns


def _plain(labels: np.ndarray) -> np.ndarray:
    """Several labels at once as manifests have them: "joy|surprise"."""
    out = labels.copy()
    out[:] = ["|".join(sorted(v)) if isinstance(v, (set, frozenset)) else v for v in labels]
    return out


def _rows(columns: dict[str, np.ndarray]) -> Any:
    return zip(*(column.tolist() for column in columns.values()), strict=True)


def _write_csv(path: Path, columns: dict[str, np.ndarray]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(_rows(columns))


def _write_jsonl(path: Path, columns: dict[str, np.ndarray]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in _rows(columns):
            # JSON has neither NaN nor infinity.
            values = [None if isinstance(v, float) and not math.isfinite(v) else v for v in row]
            file.write(json.dumps(dict(zip(columns, values, strict=True)), allow_nan=False) + "\n")


def _write_parquet(path: Path, columns: dict[str, np.ndarray]) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError('writing Parquet needs pyarrow: pip install "fastemo[io]"') from error
    table = pyarrow.table({name: pyarrow.array(np.ascontiguousarray(v)) for name, v in columns.items()})
    parquet.write_table(table, path)


WRITERS: dict[str, Callable[[Path, dict[str, np.ndarray]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
