"""Filters without recursion, and convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, compiled, floats, into, sliced, whole
from fastemo.signal._extension import MODES, extended

__all__ = ["are_factors", "fir", "has_axis", "oaconvolve", "upfirdn", "upfirdn_of"]

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
        How `x` goes on beyond its ends: "constant" (`cval`), "edge", "line", "smooth", "wrap", "symmetric",
        "reflect", "antisymmetric" or "antireflect".
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
    if arrays is not None and arrays[0].ndim == 1 and arrays[0].size > 0:
        taps, signals = arrays
        up_by, down_by, along = whole(up), whole(down), whole(axis)
        if are_factors(up_by, down_by) and has_axis(signals, along):
            n_out = ((signals.shape[along] - 1) * up_by + len(taps) - 1) // down_by + 1
            y = upfirdn_of(taps, signals, up_by, down_by, along, 0, n_out, mode, cval, out, threads)
    return by_scipy("upfirdn", (h, x, up, down, axis, mode, cval), out) if y is NotImplemented else y


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
    y = NotImplemented
    if (
        arrays is not None
        and arrays[0] is in1
        and arrays[1] is in2
        and in1.ndim == in2.ndim == 1 in (in1.size, in2.size)
    ):
        y = _by_one_number(in1, in2, mode, axes, out)
    elif arrays is not None:
        y = _one_filter(arrays[0], arrays[1], mode, axes, out, threads)
    return by_scipy("oaconvolve", (in1, in2, mode, axes), out) if y is NotImplemented else y


def fir(
    taps: np.ndarray, x: np.ndarray, axis: Any, zi: np.ndarray | None, out: np.ndarray | None, threads: int
) -> Any:
    """Causal FIR filter of plain arrays; with a state also the final one. NotImplemented where these do not fit."""
    if not has_axis(x, axis):
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


def upfirdn_of(
    taps: np.ndarray,
    x: np.ndarray,
    up: int,
    down: int,
    axis: int,
    offset: int,
    n_out: int,
    mode: Any,
    cval: Any,
    out: np.ndarray | None,
    threads: int,
) -> Any:
    """Values offset, offset + down, ... of the filtered signal at its raised rate, or NotImplemented."""
    if mode == "constant" and not cval:
        return _upfirdn(taps, x, up, down, axis, offset, n_out, out, threads)
    edge = -(-len(taps) // up)
    if mode == "constant" and isinstance(cval, (int, float, np.integer, np.floating)):
        width = [(0, 0)] * x.ndim
        width[axis] = (edge, edge)
        longer = np.pad(x, width, constant_values=cval)
    elif mode in MODES and x.shape[axis] > 1:
        longer = extended(x, axis, edge, mode)
    else:
        return NotImplemented
    return _upfirdn(taps, longer, up, down, axis, offset + edge * up, n_out, out, threads)


def _by_one_number(x: np.ndarray, h: np.ndarray, mode: Any, axes: Any, out: np.ndarray | None) -> Any:
    """Convolution of two signals of which one is a single number, or NotImplemented."""
    if 0 in (x.size, h.size) or axes is not None or mode not in ("full", "same", "valid"):
        return NotImplemented
    y, middle = x * h, (h.size - 1) // 2
    return into(out, y[middle : middle + 1] if mode == "same" and h.size > 1 else y)


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
            or not all(has_axis(x, a) for a in given)
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


def are_factors(up: Any, down: Any) -> bool:
    return isinstance(up, int) and isinstance(down, int) and up >= 1 and down >= 1


def has_axis(x: np.ndarray, axis: Any) -> bool:
    return isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.size > 0
