"""MNE's FIR filter on ours."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from fastemo import signal
from fastemo._accelerate._replacement import Replacement, same_parameters

__all__ = ["replacements"]


def replacements() -> list[Replacement]:
    """What is behind all of MNE's FIR filters, where the installed version has it."""
    filters = import_module("mne.filter")
    if not all(
        hasattr(filters, f"_{name}") for name in ("overlap_add_filter", "smart_pad", "prep_for_filtering")
    ):
        return []
    made = Replacement("mne.filter._overlap_add_filter", overlap_add_filter, within="mne")
    return [made] if same_parameters(made.original, overlap_add_filter) else []


def overlap_add_filter(
    x: Any,
    h: Any,
    n_fft: Any = None,
    phase: str = "zero",
    picks: Any = None,
    n_jobs: Any = None,
    copy: bool = True,
    pad: str = "reflect_limited",
) -> Any:
    """The FIR filter behind `filter_data`, `notch_filter` and the methods of Raw, Epochs and Evoked."""
    taps = np.asarray(h)
    plain = type(x) is np.ndarray and x.dtype == np.float64 and x.ndim > 0 and x.size > 0
    if not plain or taps.ndim != 1 or len(taps) < 2 or taps.dtype.kind != "f":
        return NotImplemented
    if not (n_jobs is None or (type(n_jobs) is int and n_jobs > 0)) or (
        phase == "zero" and len(taps) % 2 == 0
    ):
        return NotImplemented
    longest = 2 * len(taps) - 1 if phase == "zero-double" else len(taps)
    if n_fft is not None and not (type(n_fft) is int and n_fft >= 2 * longest - 1):
        return NotImplemented  # a length of blocks that they refuse; ours are chosen otherwise
    filters = import_module("mne.filter")
    threads = n_jobs or 1
    edge = max(min(len(taps), x.shape[-1]) - 1, 0)
    if phase == "zero-double":
        taps = np.convolve(taps, taps[::-1])
    start = edge + ((len(taps) - 1) // 2 if phase.startswith("zero") else 0)
    rows, shape, picks = filters._prep_for_filtering(x, copy, picks)
    # A few signals at a time, so that what is padded stays in the cache.
    for group in np.array_split(picks, -(-len(picks) // 8) or 1):
        if len(group):
            padded = np.stack([filters._smart_pad(rows[p], (edge, edge), pad) for p in group])
            filtered = signal.oaconvolve(padded, taps[None], axes=-1, threads=threads)
            rows[group] = filtered[:, start : start + rows.shape[1]]
    return rows.reshape(shape)
