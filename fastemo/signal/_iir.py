"""Recursive filters: second-order sections and transfer functions, forward or both ways."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, compiled, floats, into, sliced, whole
from fastemo.signal._extension import extended
from fastemo.signal._fir import fir, has_axis

__all__ = ["filtfilt", "lfilter", "lfilter_zi", "sosfilt", "sosfilt_zi", "sosfiltfilt"]

_sosfilt, _lfilter = compiled("sosfilt"), compiled("lfilter")
_sosfiltfilt, _filtfilt = compiled("sosfiltfilt"), compiled("filtfilt")

# Extensions of a signal as the core numbers them.
_EXTENSIONS = {None: 0, "odd": 1, "even": 2, "constant": 3}
_MODES = {"odd": "antireflect", "even": "reflect", "constant": "edge"}

# FIR filters of more taps are sums of products also where they have a state; up to so many that takes longer than the
# recursive kernel.
_SHORT_FIR = 9


def sosfilt(
    sos: Any, x: Any, axis: int = -1, zi: Any = None, *, out: np.ndarray | None = None, threads: int = 1
) -> Any:
    """Filter along an axis with a cascade of second-order sections, as `scipy.signal.sosfilt`.

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)
        b0, b1, b2, a0 = 1, a1, a2 of each section.
    x : array_like
        Of any shape and strides.
    axis : int
        The axis of time.
    zi : array_like, shape (n_sections, ..., 2, ...), optional
        Initial state: n_sections and then the shape of `x`, with 2 in place of the length of `axis`.
    out : ndarray of float32 or float64, of the shape of x, optional
        Where to put the result; may be `x` itself.
    threads : int
        Results do not depend on it.

    Returns
    -------
    y : ndarray
        Of the shape of `x`, in the common type of `sos`, `x` and `zi`; or `out`.
    zf : ndarray
        The final state, if `zi` is given.

    Notes
    -----
    Computed in float64 and in SciPy's order of operations: a float64 result has the bits of SciPy's, except that
    subnormal numbers count as zero.

    Examples
    --------
    >>> sosfilt([[0.5, 0.5, 0, 1, 0, 0]], [2.0, 4.0, 6.0])
    array([1., 3., 5.])
    """
    y = _sosfilt(sos, x, axis, zi, out, threads)
    if y is not NotImplemented:
        return y
    threads = check_threads(threads)
    arrays = floats(sos, x, zi, optional=True)
    if arrays is not None:
        y = _sosfilt(np.atleast_2d(arrays[0]), arrays[1], whole(axis), arrays[2], out, threads)
    return by_scipy("sosfilt", (sos, x, axis, zi), out) if y is NotImplemented else y


def sosfiltfilt(
    sos: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Filter forward and backward with second-order sections: no phase shift; as `scipy.signal.sosfiltfilt`.

    Needs the future of every sample: do not use it for what must run live.

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)
    x : array_like
        Of any shape and strides.
    axis : int
        The axis of time.
    padtype : {"odd", "even", "constant", None}
        How `x` goes on beyond its ends.
    padlen : int, optional
        For how many samples, fewer than there are; by default about 6 per section.
    out : ndarray of float32 or float64, of the shape of x, optional
        May be `x` itself.
    threads : int

    Returns
    -------
    ndarray
        Of the shape of `x`, in the common type of `sos` and `x`; or `out`.

    Notes
    -----
    The padded signal, the forward result and its reverse are never in memory: samples are read twice and results
    written once. Bits are SciPy's, as in `sosfilt`.

    Examples
    --------
    >>> from scipy.signal import butter
    >>> x = np.sin(2 * np.pi * 10 * np.arange(1000) / 250)
    >>> y = sosfiltfilt(butter(4, [5, 20], "bandpass", fs=250, output="sos"), x)
    >>> bool(np.abs(y - x)[200:800].max() < 0.01)
    True
    """
    threads = check_threads(threads)
    arrays = floats(sos, x)
    if arrays is not None and padtype in _EXTENSIONS:
        sections, signals = np.atleast_2d(arrays[0]), arrays[1]
        if sections.ndim == 2 and sections.shape[1] == 6:
            n_taps = 2 * len(sections) + 1 - min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
            edge = _edge(padtype, padlen, int(n_taps))
            zi = sosfilt_zi(sections).astype(np.float64, copy=False)
            y = _sosfiltfilt(sections, zi, signals, whole(axis), _EXTENSIONS[padtype], edge, out, threads)
            if y is not NotImplemented:
                return y
    return by_scipy("sosfiltfilt", (sos, x, axis, padtype, padlen), out)


def sosfilt_zi(sos: Any) -> np.ndarray:
    """State of a cascade after a constant 1 has gone on for ever, as `scipy.signal.sosfilt_zi`.

    Times the first sample it is the state in which a signal with an offset makes no step at its beginning.

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)

    Returns
    -------
    ndarray, shape (n_sections, 2)

    Examples
    --------
    >>> sosfilt_zi([[0.5, 0.5, 0, 1, 0, 0]])
    array([[0.5, 0. ]])
    """
    arrays = floats(sos, integers=np.float64)
    if arrays is None or arrays[0].ndim != 2 or arrays[0].shape[1] != 6 or not (arrays[0][:, 3] == 1).all():
        return by_scipy("sosfilt_zi", (sos,))
    b, a = arrays[0][:, :3], arrays[0][:, 3:]
    one_minus = np.ones((len(b), 2, 2), a.dtype)  # the identity minus the transposed companion matrix
    one_minus[:, 0, 0] += a[:, 1]
    one_minus[:, 0, 1] = -1
    one_minus[:, 1, 0] = a[:, 2]
    states = np.linalg.solve(one_minus, (b[:, 1:] - a[:, 1:] * b[:, :1])[:, :, None])[:, :, 0]
    gains = b.sum(axis=1) / a.sum(axis=1)
    for s in range(1, len(b)):
        gains[s] *= gains[s - 1]
    states[1:] *= gains[:-1, None]
    return states


def lfilter(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    zi: Any = None,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> Any:
    """Filter along an axis with a rational transfer function, as `scipy.signal.lfilter`.

    Parameters
    ----------
    b, a : array_like, 1-D
        Numerator and denominator in powers of 1/z. Of an order above 6 or so prefer `sosfilt`: it is exact where
        this form is not.
    x : array_like
        Of any shape and strides.
    axis : int
        The axis of time.
    zi : array_like, optional
        Initial state: the shape of `x` with max(len(a), len(b)) - 1 in place of the length of `axis`.
    out : ndarray of float32 or float64, of the shape of x, optional
        May be `x` itself.
    threads : int

    Returns
    -------
    y : ndarray
        Of the shape of `x`, in the common type of the arguments; or `out`.
    zf : ndarray
        The final state, if `zi` is given.

    Notes
    -----
    Transposed direct form II in float64, in SciPy's order of operations and with its bits, as in `sosfilt`. With
    one `a` it is a sum of products, which may differ from SciPy's in the last bit.

    Examples
    --------
    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0])
    array([1.  , 0.5 , 0.25])
    """
    y = _lfilter(b, a, x, axis, zi, out, threads)
    if y is not NotImplemented:
        return y
    threads, axis = check_threads(threads), whole(axis)
    arrays = floats(b, a, x, zi, optional=True)
    if arrays is not None:
        top, bottom, signals, start = np.atleast_1d(arrays[0]), np.atleast_1d(arrays[1]), *arrays[2:]
        start = _expanded(start, signals, axis, max(len(top), len(bottom)) - 1)
        is_fir = bottom.shape == (1,) and top.ndim == 1 and bottom[0] != 0
        if is_fir and len(top) == 1 and start is None and has_axis(signals, axis):
            y = into(out, signals * (top / bottom[0]))
        elif is_fir and (len(top) > _SHORT_FIR or start is None):
            y = fir(top / bottom[0], signals, axis, start, out, threads)
        else:
            y = _lfilter(top, bottom, signals, axis, start, out, threads)
    return by_scipy("lfilter", (b, a, x, axis, zi), out) if y is NotImplemented else y


def filtfilt(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: int | None = None,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Filter forward and backward with a transfer function: no phase shift; as `scipy.signal.filtfilt`.

    Needs the future of every sample: do not use it for what must run live.

    Parameters
    ----------
    b, a : array_like, 1-D
    x : array_like
        Of any shape and strides.
    axis : int
        The axis of time.
    padtype : {"odd", "even", "constant", None}
        How `x` goes on beyond its ends.
    padlen : int, optional
        For how many samples, fewer than there are; by default 3 max(len(a), len(b)).
    method : {"pad", "gust"}
        Extend `x`, or start from the states in which the order of the two ways does not matter (Gustafsson 1996).
    irlen : int, optional
        For "gust": samples after which the impulse response counts as zero.
    out : ndarray of float32 or float64, of the shape of x, optional
        May be `x` itself.
    threads : int

    Returns
    -------
    ndarray
        Of the shape of `x`, in the common type of the arguments; or `out`.

    Examples
    --------
    >>> y = filtfilt([0.25, 0.5, 0.25], [1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], padlen=3)
    >>> y.round(9)
    array([1., 2., 3., 4., 5., 6.])
    """
    threads, axis = check_threads(threads), whole(axis)
    arrays = floats(b, a, x)
    if arrays is not None and method == "gust":
        y = _gust(arrays[0], arrays[1], arrays[2], axis, irlen, out, threads)
        if y is not NotImplemented:
            return y
    if arrays is not None and method == "pad" and padtype in _EXTENSIONS:
        top, bottom, signals = np.atleast_1d(arrays[0]), np.atleast_1d(arrays[1]), arrays[2]
        if top.ndim == bottom.ndim == 1 and len(bottom) > 0 and bottom[0] != 0 and len(top) + len(bottom) > 2:
            edge = _edge(padtype, padlen, max(len(top), len(bottom)))
            if len(bottom) == 1 and len(top) > _SHORT_FIR:
                y = _fir_both_ways(top / bottom[0], signals, axis, padtype, edge, out, threads)
            else:
                zi = lfilter_zi(top, bottom).astype(np.float64, copy=False)
                y = _filtfilt(top, bottom, zi, signals, axis, _EXTENSIONS[padtype], edge, out, threads)
            if y is not NotImplemented:
                return y
    return by_scipy("filtfilt", (b, a, x, axis, padtype, padlen, method, irlen), out)


def lfilter_zi(b: Any, a: Any) -> np.ndarray:
    """State of a transfer function after a constant 1 has gone on for ever, as `scipy.signal.lfilter_zi`.

    Parameters
    ----------
    b, a : array_like, 1-D

    Returns
    -------
    ndarray, shape (max(len(a), len(b)) - 1,)

    Examples
    --------
    >>> lfilter_zi([0.5, 0.5], [1.0])
    array([0.5])
    """
    arrays = floats(b, a, integers=np.float64)
    if arrays is not None:
        top, bottom = np.atleast_1d(arrays[0]), np.atleast_1d(arrays[1])
        n = max(len(top), len(bottom))
        if top.ndim == bottom.ndim == 1 and n > 1 and len(bottom) > 0 and bottom[0] != 0:
            if bottom[0] != 1:
                top, bottom = top / bottom[0], bottom / bottom[0]
            top, bottom = (np.concatenate([c, np.zeros(n - len(c), c.dtype)]) for c in (top, bottom))
            one_minus = np.eye(n - 1)  # and minus the transposed companion matrix
            one_minus[:, 0] += bottom[1:]
            np.fill_diagonal(one_minus[:, 1:], -1.0)
            one_minus = one_minus.astype(np.result_type(top, bottom), copy=False)
            return np.linalg.solve(one_minus, top[1:] - bottom[1:] * top[0])
    return by_scipy("lfilter_zi", (b, a))


def _edge(padtype: str | None, padlen: Any, n_taps: int) -> Any:
    if padtype is None:
        return 0
    return 3 * n_taps if padlen is None else whole(padlen)


def _gust(b: Any, a: Any, x: np.ndarray, axis: Any, irlen: Any, out: Any, threads: int) -> Any:
    top, bottom = np.atleast_1d(b), np.atleast_1d(a)
    if top.ndim != 1 or bottom.ndim != 1 or 0 in (top.size, bottom.size) or bottom[0] == 0:
        return NotImplemented
    # A gain is the only filter that SciPy gives what is not finite.
    if top.size == bottom.size == 1 and not np.isfinite(x).all():
        return NotImplemented
    length = whole(irlen)
    if not has_axis(x, axis) or not (length is None or (isinstance(length, int) and length > 0)):
        return NotImplemented
    if not np.isfinite(x).all():
        raise ValueError('method="gust" takes finite samples only, but x has infs or NaNs')
    from fastemo.signal._gustafsson import both_ways

    y = both_ways(top, bottom, np.moveaxis(x, axis, -1), length, threads)
    return into(out, np.moveaxis(y, -1, axis).astype(np.result_type(top, bottom, x), copy=False))


def _expanded(zi: np.ndarray | None, x: np.ndarray, axis: Any, order: int) -> np.ndarray | None:
    """`zi` with its axes of length 1 stretched to those of `x`, where that is what it lacks."""
    if zi is None or zi.ndim != x.ndim or not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        return zi
    shape = list(x.shape)
    shape[axis] = order
    fits = all(z == n or (z == 1 and d != axis % x.ndim) for d, (z, n) in enumerate(zip(zi.shape, shape)))
    return np.broadcast_to(zi, shape) if fits and zi.shape != tuple(shape) else zi


def _fir_both_ways(
    taps: np.ndarray, x: np.ndarray, axis: Any, padtype: str | None, edge: Any, out: Any, threads: int
) -> Any:
    if not isinstance(axis, int) or not isinstance(edge, int) or not -x.ndim <= axis < x.ndim:
        return NotImplemented
    if x.size == 0 or not 0 <= edge < x.shape[axis]:
        return NotImplemented
    shape = [1] * x.ndim
    shape[axis] = len(taps) - 1
    zi = np.cumsum(taps[:0:-1])[::-1].reshape(shape)  # after a constant 1
    y = x if edge == 0 or padtype is None else extended(x, axis, edge, _MODES[padtype])
    for _ in range(2):
        start = np.ascontiguousarray(zi * sliced(y, axis, 0, 1))
        y = np.flip(fir(taps, y, axis, start, None, threads)[0], axis)
    return into(out, sliced(y, axis, edge, edge + x.shape[axis]))
