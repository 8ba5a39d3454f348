"""The discrete Fourier transform of many signals at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo.spectral._common import number_of_threads, signals

__all__ = ["rfft"]


def rfft(x: Any, axis: int = -1, *, threads: int = 1) -> np.ndarray:
    """Discrete Fourier transform of real signals, bins 0 to n // 2, as `scipy.fft.rfft`.

    Any length takes O(n log n). Several signals are transformed together, so pass them as one array.

    Parameters
    ----------
    x : array_like
        Real; float32 stays single precision, all else becomes float64.
    axis : int
        The axis of time.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ndarray of complex64 or complex128
        Like `x`, with n // 2 + 1 bins along `axis`.

    Examples
    --------
    >>> rfft([1.0, 0.0, -1.0, 0.0])
    array([0.+0.j, 2.+0.j, 0.+0.j])
    """
    x = signals(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(
            f"axis must be from {-x.ndim} to {x.ndim - 1} for an array of shape {x.shape}, got {axis}"
        )
    bins = resolve("rfft")(np.moveaxis(x, axis, -1), None, number_of_threads(threads))
    return np.moveaxis(bins, -1, axis)
