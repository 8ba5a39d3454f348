"""Filters without recursion, convolution, and changes of the sampling rate."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, compiled, floats, into, sliced, whole

__all__ = ["decimate", "fir", "oaconvolve", "resample_poly", "upfirdn"]

_upfirdn, _convolve = compiled("upfirdn"), compiled("convolve")


def upfirdn(
    h: Any,
    x: Any,
    up: int = 1,
    down: int = 1,
    axis: int = -1,
    mode: str = "constant",
    cval: float = 0,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Upsample by zeros, filter, keep every `down`-th sample; as `scipy.signal.upfirdn`.

    Parameters
    ----------
    h : array_like, 1-D
        Taps of the filter at the raised rate.
    x : array_like
        Of any shape and strides.
    up, down : int
    axis : int
        The axis of time.
    mode, cval : str, float
        How `x` goes on beyond its ends; all but zeros is left to SciPy.
    out : ndarray of float32 or float64, optional
    threads : int

    Returns
    -------
    ndarray
        Like `x`, with ((n - 1) up + len(h) - 1) // down + 1 samples along `axis`, in the common type of `h` and `x`,
        float32 at the least; or `out`.

    Examples
    --------
    >>> upfirdn([0.5, 1, 0.5], [1.0, 2.0, 3.0], up=2)
    array([0.5, 1. , 1.5, 2. , 2.5, 3. , 1.5])
    """
    y = NotImplemented
    threads = check_threads(threads)
    arrays = floats(h, x, at_least=np.float32)
    if arrays is not None and mode == "constant" and cval == 0 and arrays[0].ndim == 1:
        taps, signals = arrays
        up_by, down_by, along = whole(up), whole(down), whole(axis)
        if _are_factors(up_by, down_by) and _has_axis(signals, along):
            n_out = ((signals.shape[along] - 1) * up_by + len(taps) - 1) // down_by + 1
            y = _upfirdn(taps, signals, up_by, down_by, along, 0, n_out, out, threads)
    return by_scipy("upfirdn", (h, x, up, down, axis, mode, cval), out) if y is NotImplemented else y


def resample_poly(
    x: Any,
    up: int,
    down: int,
    axis: int = 0,
    window: Any = ("kaiser", 5.0),
    padtype: str = "constant",
    cval: float | None = None,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Change the sampling rate by up/down with a zero-phase FIR filter, as `scipy.signal.resample_poly`.

    Note that `axis` is 0 unless told.

    Parameters
    ----------
    x : array_like
        Of any shape and strides.
    up, down : int
        500 to 128 Hz is up=128, down=500.
    axis : int
        The axis of time.
    window : str, tuple or array_like, 1-D
        Window of the low-pass that is designed, or the taps themselves.
    padtype : str
        "constant", or what is taken off first and put back: "mean", "median", "minimum", "maximum". The other ways
        to go on beyond the ends are left to SciPy.
    cval : float, optional
        For "constant"; zero.
    out : ndarray of float32 or float64, optional
    threads : int

    Returns
    -------
    ndarray
        Like `x`, with ceil(n up / down) samples along `axis`, in the type of `x`; or `out`.

    Notes
    -----
    Taps are summed in float64, oldest sample first: the same bits on every machine. Designed filters are kept for
    the next call.

    Examples
    --------
    >>> t = np.arange(500) / 500
    >>> y = resample_poly(np.sin(2 * np.pi * 3 * t), 128, 500)
    >>> y.shape
    (128,)
    """
    y = NotImplemented
    threads = check_threads(threads)
    arrays = floats(x, integers=np.float64)
    backgrounds: dict[str, Any] = {"mean": np.mean, "median": np.median, "minimum": np.min, "maximum": np.max}
    plain = padtype in backgrounds or (padtype == "constant" and not cval)
    if arrays is not None and plain and (cval is None or padtype == "constant") and _is_real(x):
        signals, along = arrays[0], whole(axis)
        if _has_axis(signals, along) and _are_factors(whole(up), whole(down)):
            common = gcd(up, down)
            up_by, down_by = int(up) // common, int(down) // common
            taps = None if up_by == down_by else _resampling_taps(up_by, down_by, window, signals.dtype)
            if taps is not None:
                background = 0
                if padtype in backgrounds:
                    background = backgrounds[padtype](signals, axis=along, keepdims=True)
                    signals = signals - background
                n_out = -(-signals.shape[along] * up_by // down_by)
                offset = (len(taps) - 1) // 2
                y = _upfirdn(taps, signals, up_by, down_by, along, offset, n_out, out, threads)
                if y is not NotImplemented and padtype in backgrounds:
                    y += background
    return (
        by_scipy("resample_poly", (x, up, down, axis, window, padtype, cval), out)
        if y is NotImplemented
        else y
    )


def decimate(
    x: Any,
    q: int,
    n: int | None = None,
    ftype: Any = "iir",
    axis: int = -1,
    zero_phase: bool = True,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Low-pass and keep every q-th sample, as `scipy.signal.decimate`.

    Parameters
    ----------
    x : array_like
        Of any shape and strides.
    q : int
    n : int, optional
        Order of the filter; by default 8 ("iir", Chebyshev of type I) or 20 q ("fir", Hamming window).
    ftype : {"iir", "fir"} or scipy.signal.dlti
        A filter of your own is left to SciPy.
    axis : int
        The axis of time.
    zero_phase : bool
        Without phase shift, and so not causal.
    out : ndarray of float32 or float64, optional
    threads : int

    Returns
    -------
    ndarray
        Like `x`, with ceil(n_samples / q) samples along `axis`; or `out`.

    Examples
    --------
    >>> decimate(np.ones(100), 4, ftype="fir").shape
    (25,)
    """
    threads, along, by = check_threads(threads), whole(axis), whole(q)
    order = whole(n) if n is not None else None
    arrays = floats(x, integers=np.float64)
    usual = isinstance(ftype, str) and ftype in ("iir", "fir") and _is_real(x)
    whole_numbers = isinstance(by, int) and by > 0 and (order is None or isinstance(order, int))
    if arrays is None or not usual or not whole_numbers or not _has_axis(arrays[0], along):
        return by_scipy("decimate", (x, q, n, ftype, axis, zero_phase), out)
    signals = arrays[0]
    design = _decimation_filter(ftype, by, order).astype(signals.dtype)
    if ftype == "fir":
        if zero_phase:
            return resample_poly(signals, 1, by, along, design, out=out, threads=threads)
        n_out = -(-signals.shape[along] // by)
        y = _upfirdn(design, signals, 1, by, along, 0, n_out, out, threads)
        return by_scipy("decimate", (x, q, n, ftype, axis, zero_phase), out) if y is NotImplemented else y
    from fastemo.signal._iir import sosfilt, sosfiltfilt

    filtered = (sosfiltfilt if zero_phase else sosfilt)(design, signals, along, threads=threads)
    return into(out, sliced(filtered, along, None, None, by))


def oaconvolve(
    in1: Any,
    in2: Any,
    mode: str = "full",
    axes: Any = None,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Convolve two arrays, one of them long, as `scipy.signal.oaconvolve`: the fast way to a long FIR filter.

    Taken are two 1-D arrays, and many signals with one filter: `in2` of the same dimensions as `in1`, of length 1
    along all axes but that of time. The rest is left to SciPy.

    Parameters
    ----------
    in1, in2 : array_like
        Of any strides.
    mode : {"full", "same", "valid"}
        All of it; as many results as `in1` has samples, centred; what does not touch the ends.
    axes : int or sequence of int, optional
        The axes to convolve along; by default all.
    out : ndarray of float32 or float64, optional
    threads : int

    Returns
    -------
    ndarray
        In the common type of `in1` and `in2`; or `out`.

    Notes
    -----
    Short filters are summed directly, longer ones by the FFT in blocks (overlap-save) of the length that costs least.
    A value that is not finite spoils its block, as in SciPy, though the blocks are others.

    Examples
    --------
    >>> oaconvolve(np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]]), np.array([[1.0, -1.0]]), axes=-1)
    array([[ 1.,  1.,  1., -3.],
           [ 0.,  1., -1.,  0.]])
    """
    threads = check_threads(threads)
    arrays = floats(in1, in2, integers=np.float64)
    y = NotImplemented if arrays is None else _one_filter(arrays[0], arrays[1], mode, axes, out, threads)
    return by_scipy("oaconvolve", (in1, in2, mode, axes), out) if y is NotImplemented else y


def fir(
    taps: np.ndarray, x: np.ndarray, axis: Any, zi: np.ndarray | None, out: np.ndarray | None, threads: int
) -> Any:
    """Causal FIR filter of plain arrays; with a state also the final one. NotImplemented where these do not fit."""
    if not _has_axis(x, axis):
        return NotImplemented
    n, order = x.shape[axis], len(taps) - 1
    if zi is not None:
        shape = list(x.shape)
        shape[axis] = order
        if zi.shape != tuple(shape):
            return NotImplemented
        taps = taps.astype(np.result_type(taps, zi), copy=False)
    if out is not None and np.may_share_memory(out, x):
        return into(out, fir(taps, x, axis, zi, None, threads))
    y = _upfirdn(taps, x, 1, 1, axis, 0, n, out, threads)
    if y is NotImplemented or zi is None:
        return y
    zf = _upfirdn(taps, x, 1, 1, axis, n, order, None, threads)
    beginning = sliced(y, axis, 0, order)
    beginning += sliced(zi, axis, 0, n)
    if n < order:
        left = sliced(zf, axis, 0, order - n)
        left += sliced(zi, axis, n, None)
    return y, zf


def _one_filter(
    x: np.ndarray, h: np.ndarray, mode: Any, axes: Any, out: np.ndarray | None, threads: int
) -> Any:
    """Convolution of signals with one filter, or NotImplemented."""
    if x.ndim != h.ndim or x.ndim == 0 or x.size == 0 or h.size == 0 or mode not in ("full", "same", "valid"):
        return NotImplemented
    among = set(range(x.ndim))
    if axes is not None:
        given = [whole(axes)] if np.ndim(axes) == 0 else [whole(a) for a in axes]
        if (
            not given
            or not all(_has_axis(x, a) for a in given)
            or len({a % x.ndim for a in given}) < len(given)
        ):
            return NotImplemented
        among = {a % x.ndim for a in given}
    along = [d for d in among if x.shape[d] != 1 and h.shape[d] != 1]
    if len(along) != 1 or (mode == "same" and x.ndim > 1 and h.size != h.shape[along[0]]):
        return NotImplemented
    axis = along[0]
    n_out, start = _extent(mode, x.shape[axis], h.shape[axis])
    if h.size != h.shape[axis] or (x.size == x.shape[axis] and x.size < h.size):
        x, h = h, x
    if h.size != h.shape[axis]:
        return NotImplemented
    return _convolve(h.reshape(-1), x, axis, start, n_out, out, threads)


def _extent(mode: str, n: int, n_taps: int) -> tuple[int, int]:
    """How many results of the full convolution, and from which on."""
    if mode == "full":
        return n + n_taps - 1, 0
    if mode == "same":
        return n, (n_taps - 1) // 2
    return abs(n - n_taps) + 1, min(n, n_taps) - 1


def _resampling_taps(up: int, down: int, window: Any, dtype: np.dtype) -> np.ndarray | None:
    if isinstance(window, (list, np.ndarray)):
        arrays = floats(window)
        return None if arrays is None or arrays[0].ndim != 1 or arrays[0].size == 0 else arrays[0] * up
    try:
        return _low_pass(max(up, down), window).astype(dtype) * up
    except TypeError:  # a window that cannot be a key: SciPy will say
        return None


@lru_cache(maxsize=32)
def _low_pass(rate: int, window: Any) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(20 * rate + 1, 1 / rate, window=window)


@lru_cache(maxsize=32)
def _decimation_filter(ftype: str, q: int, order: int | None) -> np.ndarray:
    from scipy.signal import cheby1, firwin

    if ftype == "fir":
        return firwin((20 * q if order is None else order) + 1, 1 / q, window="hamming")
    return cheby1(8 if order is None else order, 0.05, 0.8 / q, output="sos")


def _is_real(x: Any) -> bool:
    """Whether SciPy's result for `x` is float64, or float32 for float32: half precision goes its own ways."""
    return not (isinstance(x, (np.ndarray, np.generic)) and x.dtype.char == "e")


def _are_factors(up: Any, down: Any) -> bool:
    return isinstance(up, int) and isinstance(down, int) and up >= 1 and down >= 1


def _has_axis(x: np.ndarray, axis: Any) -> bool:
    return isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.size > 0
