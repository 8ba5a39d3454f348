"""Signals without their trend, and with their phase."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, compiled, floats, is_smooth, whole

__all__ = ["detrend", "hilbert"]

_detrend, _hilbert = compiled("detrend"), compiled("hilbert")

_LEVELS = {"constant": 1, "c": 1, "linear": 0, "l": 0}

# The core transforms long signals one at a time, in eight parts; other signals fill one lane of eight each. From these
# lengths on SciPy's transform is faster: of lengths that eight does not divide, with all lanes filled and with few;
# and of few signals whose length has a large prime factor.
_EIGHTHS, _LONG_FULL, _LONG_FEW, _LONG_PRIME = 2048, 65536, 2048, 256


def detrend(
    data: Any,
    axis: int = -1,
    type: str = "linear",
    bp: Any = 0,
    overwrite_data: bool = False,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Take off the mean, or straight lines by least squares, as `scipy.signal.detrend`.

    Parameters
    ----------
    data : array_like
        Of any shape and strides.
    axis : int
        The axis of time.
    type : {"linear", "constant"}
    bp : int or sequence of int
        Where one line ends and the next begins ("linear").
    overwrite_data : bool
        The result may take the place of the data.
    out : ndarray of float32 or float64, of the shape of data, optional
        May be `data` itself.
    threads : int

    Returns
    -------
    ndarray
        Of the shape of `data`, float32 for float32 and else float64; or `out`.

    Raises
    ------
    ValueError
        A value that is not finite under a line, as in SciPy; under a mean it spreads.

    Examples
    --------
    >>> detrend([1.0, 2.0, 3.0, 4.0]).round(12) + 0.0
    array([0., 0., 0., 0.])
    """
    y = NotImplemented
    threads, along = check_threads(threads), whole(axis)
    arrays = floats(data, integers=np.float64)
    if arrays is not None and type in _LEVELS and isinstance(along, int) and not _is_half(data):
        signals = arrays[0]
        if -signals.ndim <= along < signals.ndim:
            n = signals.shape[along]
            breaks = (0, n) if _LEVELS[type] or (isinstance(bp, int) and bp == 0) else _breaks(bp, n)
            if overwrite_data and out is None and signals is data and signals.flags.writeable:
                out = signals
            if breaks is not None:
                y = _detrend(signals, along, breaks, _LEVELS[type], out, threads)
    return by_scipy("detrend", (data, axis, type, bp, overwrite_data), out) if y is NotImplemented else y


def hilbert(x: Any, N: int | None = None, axis: int = -1, *, threads: int = 1) -> np.ndarray:
    """The analytic signal, as `scipy.signal.hilbert`: `x` and, as imaginary part, its Hilbert transform.

    Its absolute value is the envelope and its angle the phase of a narrow band. Needs the whole of `x`, so that its
    ends are as if they met.

    Parameters
    ----------
    x : array_like
        Real, of any shape and strides.
    N : int, optional
        Length of the transform: `x` is cut or filled up with zeros.
    axis : int
        The axis of time.
    threads : int

    Returns
    -------
    ndarray of complex64 for float32, else complex128
        Of the shape of `x`, or with N samples along `axis`.

    Examples
    --------
    >>> t = np.arange(250) / 250
    >>> np.abs(hilbert(3 * np.sin(2 * np.pi * 10 * t))).round(6).max()
    np.float64(3.0)
    """
    y = NotImplemented
    threads, along = check_threads(threads), whole(axis)
    arrays = floats(x, integers=np.float64)
    if arrays is not None and isinstance(along, int) and not _is_half(x):
        signals = arrays[0]
        if -signals.ndim <= along < signals.ndim and signals.size > 0:
            n = signals.shape[along] if N is None else whole(N)
            if isinstance(n, int) and _is_ours(n, signals.size // signals.shape[along]):
                y = _hilbert(signals, n, along, threads)
    return by_scipy("hilbert", (x, N, axis)) if y is NotImplemented else y


def _breaks(bp: Any, n: int) -> tuple[int, ...] | None:
    """The ends of the pieces, from 0 to n; None where SciPy must say what is wrong."""
    points = np.atleast_1d(np.asarray(bp))
    if points.ndim != 1 or points.dtype.kind not in "iu" or (points < 0).any() or (points > n).any():
        return None
    return tuple(np.unique(np.concatenate([[0], points, [n]])).tolist())


def _is_ours(n: int, n_signals: int) -> bool:
    if n % 8 == 0 and n >= _EIGHTHS:
        return True
    if n_signals >= 4:
        return n < _LONG_FULL
    return n < _LONG_PRIME or (n < _LONG_FEW and is_smooth(n))


def _is_half(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.char == "e"
