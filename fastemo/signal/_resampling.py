"""Changes of the sampling rate."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, compiled, floats, into, sliced, whole
from fastemo.signal._extension import MODES
from fastemo.signal._fir import are_factors, has_axis, upfirdn_of
from fastemo.signal._iir import filtfilt, lfilter, sosfilt, sosfiltfilt

__all__ = ["decimate", "resample_poly"]

_upfirdn = compiled("upfirdn")


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
        How `x` goes on beyond its ends, a `mode` of `upfirdn`; or what is taken off first and put back: "mean",
        "median", "minimum", "maximum".
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
    y: Any = NotImplemented
    threads = check_threads(threads)
    arrays = floats(x, integers=np.float64)
    backgrounds: dict[str, Any] = {"mean": np.mean, "median": np.median, "minimum": np.min, "maximum": np.max}
    known = padtype in backgrounds or padtype in MODES or padtype == "constant"
    if arrays is not None and known and (cval is None or padtype == "constant") and _is_real(x):
        signals, along = arrays[0], whole(axis)
        if has_axis(signals, along) and are_factors(whole(up), whole(down)):
            common = gcd(up, down)
            up_by, down_by = int(up) // common, int(down) // common
            taps = None
            if up_by != down_by:
                taps = _resampling_taps(up_by, down_by, window, signals.dtype)
            elif signals is x:
                y = into(out, signals.copy())
            if taps is not None:
                background = 0
                if padtype in backgrounds:
                    background = backgrounds[padtype](signals, axis=along, keepdims=True)
                    signals = signals - background
                n_out = -(-signals.shape[along] * up_by // down_by)
                offset = (len(taps) - 1) // 2
                mode = padtype if padtype in MODES else "constant"
                y = upfirdn_of(taps, signals, up_by, down_by, along, offset, n_out, mode, cval, out, threads)
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
        Or a filter of your own.
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
    whole_numbers = isinstance(by, int) and by > 0 and (order is None or isinstance(order, int))
    y: Any = NotImplemented
    if arrays is not None and whole_numbers and _is_real(x) and has_axis(arrays[0], along):
        signals = arrays[0]
        form, design = _decimation_filter(ftype, by, order, signals.dtype)
        if form == "fir" and zero_phase:
            y = resample_poly(signals, 1, by, along, design, out=out, threads=threads)
        elif form == "fir":
            y = _upfirdn(design, signals, 1, by, along, 0, -(-signals.shape[along] // by), out, threads)
        elif form == "sos":
            filtered = (sosfiltfilt if zero_phase else sosfilt)(design, signals, along, threads=threads)
            y = into(out, sliced(filtered, along, None, None, by))
        elif form == "tf":
            b, a = design
            filtered = (filtfilt if zero_phase else lfilter)(b, a, signals, along, threads=threads)
            y = into(out, sliced(filtered, along, None, None, by))
    return by_scipy("decimate", (x, q, n, ftype, axis, zero_phase), out) if y is NotImplemented else y


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


def _decimation_filter(ftype: Any, q: int, order: int | None, dtype: np.dtype) -> tuple[str, Any]:
    """The form of the low-pass ("fir", "sos", "tf"; "" where SciPy must say what is wrong) and its coefficients."""
    if isinstance(ftype, str) and ftype in ("fir", "iir"):
        return ("fir" if ftype == "fir" else "sos"), _usual_low_pass(ftype, q, order).astype(dtype)
    from scipy.signal import dlti, zpk2sos

    if not isinstance(ftype, dlti):
        return "", None
    roots = ftype.to_zpk()
    if len(roots.poles) == 0:
        transfer = ftype.to_tf()
        return "fir", np.atleast_1d(transfer.num / transfer.den)
    if np.iscomplex(roots.poles).any() or np.iscomplex(roots.gain):
        transfer = ftype.to_tf()
        return "tf", (transfer.num, transfer.den)
    return "sos", zpk2sos(roots.zeros, roots.poles, roots.gain).astype(dtype)


@lru_cache(maxsize=32)
def _usual_low_pass(ftype: str, q: int, order: int | None) -> np.ndarray:
    from scipy.signal import cheby1, firwin

    if ftype == "fir":
        return firwin((20 * q if order is None else order) + 1, 1 / q, window="hamming")
    return cheby1(8 if order is None else order, 0.05, 0.8 / q, output="sos")


def _is_real(x: Any) -> bool:
    """Whether SciPy's result for `x` is float64, or float32 for float32: half precision goes its own ways."""
    return not (isinstance(x, (np.ndarray, np.generic)) and x.dtype.char == "e")
