"""NumPy's own files: .npy and .npz, read without pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastemo._validate import UV_PER_UNIT, check_array_2d, check_in, check_positive, check_span, close_matches
from fastemo.io._source import Source, eeg_names, is_eeg

__all__ = ["open_npy", "open_npz", "source_of_array"]

ALIASES = {"sfreq": ("sfreq", "fs"), "ch_names": ("ch_names", "channels"), "unit": ("unit",)}
METADATA = ("label", "subject", "session", "trial", "stimulus", "role")


def open_npy(path: Path) -> Source:
    """One array (n_channels, n_samples), which says neither rate nor names nor unit."""
    with path.open("rb") as file:
        return source_of_array(path.name, _load(path, file))


def open_npz(path: Path, member: str | None) -> Source:
    """The array `member`, else `data`, else the only one with two dimensions, and what stands beside it.

    Beside it may stand `sfreq` (or `fs`), `ch_names` (or `channels`), `unit`, or `uv_per_lsb` for integer
    counts, and single values of label, subject, session, trial, stimulus, role.
    """
    with path.open("rb") as file, _load(path, file) as arrays:
        key = _data_key(arrays, member, path.name)
        data = _member(arrays, key, path.name)
        known: dict[str, Any] = {}
        for name, aliases in ALIASES.items():
            for alias in aliases:
                if alias in arrays.files:
                    known[name] = _member(arrays, alias, path.name)
        scale = _member(arrays, "uv_per_lsb", path.name) if "uv_per_lsb" in arrays.files else None
        metadata = {name: _member(arrays, name, path.name) for name in METADATA if name in arrays.files}

    name = path.name if member is None else f"{path.name}/{member}"
    source = source_of_array(name, data)
    if "sfreq" in known:
        source.sfreq = check_positive(f"sfreq in {name}", _single(known["sfreq"], "sfreq", name), unit="Hz")
    if "ch_names" in known:
        names = [str(n) for n in np.atleast_1d(known["ch_names"])]
        if len(names) != source.n_channels:
            raise ValueError(
                f"{name} names {len(names)} channels, but its data have {source.n_channels} rows"
            )
        source.ch_names = eeg_names(names)
        source.eeg = [i for i, n in enumerate(source.ch_names) if is_eeg(n)]
    if scale is not None:
        source.units = ("uV",)
        source.scales = (check_positive(f"uv_per_lsb in {name}", _single(scale, "uv_per_lsb", name)),)
    elif "unit" in known:
        unit = check_in(f"unit in {name}", _single(known["unit"], "unit", name), UV_PER_UNIT)
        source.units, source.scales = (unit,), (UV_PER_UNIT[unit],)
    source.known = {name: value.item() for name, value in metadata.items() if value.size == 1}
    return source


def source_of_array(name: str, data: np.ndarray) -> Source:
    """A source over samples that are in memory already."""
    if data.ndim == 3:
        raise ValueError(
            f"{name} holds several recordings (shape {data.shape}): load it with NumPy and pass the array"
        )
    data = check_array_2d(name, data)

    def load(index, start, stop, sfreq):
        first, last = check_span(start, stop, data.shape[1], sfreq, name)
        return data[index, first:last], first

    return Source(name=name, n_channels=len(data), load=load)


def _load(path: Path, file: BinaryIO) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} cannot be read as {path.suffix}: {_reason(error)}") from error


def _member(arrays: Any, key: str, name: str) -> np.ndarray:
    try:
        return arrays[key]
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{key!r} in {name} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if "pickle" in str(error).lower():
        return "it is no plain array, and pickled objects are never loaded because they can run code"
    return str(error) or type(error).__name__


def _data_key(arrays: Any, member: str | None, name: str) -> str:
    keys = list(arrays.files)
    if member is not None:
        if member not in keys:
            near = close_matches(member, keys)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it holds {', '.join(keys[:20])}"
            raise ValueError(f"{name} has no array {member!r}; {hint}")
        return member
    if "data" in keys:
        return "data"
    planes = [key for key in keys if _member(arrays, key, name).ndim == 2]
    if len(planes) != 1:
        raise ValueError(
            f"{name} must hold 'data' (n_channels, n_samples), or only one array of two dimensions; it holds "
            f"{', '.join(keys[:20]) or 'none'}: name one as {name}/NAME"
        )
    return planes[0]


def _single(value: np.ndarray, key: str, name: str) -> Any:
    if value.size != 1:
        raise ValueError(f"{key} in {name} must be a single value, got shape {value.shape}")
    return value.item()
