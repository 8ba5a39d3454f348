"""Filters on arrays, with SciPy's names and results, and their state for tools that stream."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import check_sos, first_sample_state
from fastemo._validate import check_in

__all__ = ["SosFilter"]

# A subclass, so that `process` is the compiled method itself, with nothing of Python around it.
_Filter: Any = resolve("SosFilter")


class SosFilter(_Filter):
    """A cascade of second-order sections with its memory: successive chunks continue one recording.

    Results equal those of `scipy.signal.sosfilt`, bit for bit, however the recording is cut, wherever its
    state is not subnormal (subnormal numbers count as zero here).

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)
        As `scipy.signal.butter(..., output="sos")` designs it.
    n_channels : int
    init : {"zero", "first"}
        Start from silence, or as if each channel's first sample had gone on for ever before, so that a
        constant offset makes no step.

    Raises
    ------
    ValueError, TypeError
        If `sos` is no set of stable sections or another argument is out of range.

    Methods
    -------
    process(chunk, out=None, layout="channels_first")
        Filter a chunk, (n_channels, n_samples) or with ``layout="samples_first"`` (n_samples, n_channels),
        float32 or float64 with any strides, into `out` (float32 or float64, possibly `chunk` itself) or a new
        float64 array. A wrong shape or type raises ValueError or TypeError and leaves the state as it was.
    reset()
        Forget the past: the next chunk begins a recording.

    Notes
    -----
    Transposed direct form II in float64. NaN spreads within its channel, as in SciPy. While more than about
    50 us of work is done the GIL is free.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.signal import butter
    >>> import fastemo as fe
    >>> alpha = fe.signal.SosFilter(butter(4, [8, 13], "bandpass", fs=250, output="sos"), n_channels=2)
    >>> chunk = np.ones((2, 10), np.float32)
    >>> alpha.process(chunk).shape
    (2, 10)
    """

    def __init__(self, sos: Any, n_channels: int, init: str = "zero") -> None:
        sos = check_sos(sos)
        check_in("init", init, ("zero", "first"))
        if isinstance(n_channels, bool) or not isinstance(n_channels, (int, np.integer)):
            raise TypeError(f"n_channels must be a whole number of at least 1, got {n_channels!r}")
        super().__init__(sos, n_channels, first_sample_state(sos) if init == "first" else None)
