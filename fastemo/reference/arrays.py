"""Functions of whole arrays by their definitions, along the last axis: the oracle of `fastemo.signal`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.reference.signal import sosfilt

__all__ = [
    "coherence", "csd", "detrend", "extended", "filtfilt", "hilbert", "lfilter", "oaconvolve", "resample_poly",
    "sosfiltfilt", "spectrogram", "stft", "upfirdn", "welch",
]  # fmt: skip


def lfilter(b: Any, a: Any, x: Any, zi: Any = None) -> Any:
    """y[n] = b0 x[n] + b1 x[n-1] + ... - a1 y[n-1] - ...; also the final state if `zi` (..., order) is given.

    Examples
    --------
    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0])
    array([1.  , 0.5 , 0.25])
    """
    x = np.asarray(x, np.float64)
    order = max(len(a), len(b)) - 1
    b = np.concatenate([b, np.zeros(order + 1 - len(b))]) / a[0]
    a = np.concatenate([a, np.zeros(order + 1 - len(a))]) / a[0]
    z = np.zeros((order + 1, *x.shape[:-1]))  # the last one stays zero
    if zi is not None:
        z[:-1] = np.moveaxis(np.asarray(zi), -1, 0)
    y = np.empty(x.shape)
    for n in range(x.shape[-1]):
        y[..., n] = z[0] + b[0] * x[..., n]
        for k in range(order):
            z[k] = z[k + 1] + x[..., n] * b[k + 1] - y[..., n] * a[k + 1]
    return y if zi is None else (y, np.moveaxis(z[:-1], 0, -1))


def extended(x: np.ndarray, padtype: str | None, edge: int) -> np.ndarray:
    """`x` with `edge` samples more at either end, turned about its end points ("odd"), mirrored or held.

    Examples
    --------
    >>> extended(np.array([1.0, 3.0, 4.0]), "odd", 1)
    array([-1.,  1.,  3.,  4.,  5.])
    """
    if padtype is None or edge == 0:
        return x
    first, last = x[..., :1], x[..., -1:]
    before, after = x[..., edge:0:-1], x[..., -2 : -2 - edge : -1]
    if padtype == "odd":
        before, after = 2 * first - before, 2 * last - after
    elif padtype == "constant":
        before, after = np.repeat(first, edge, -1), np.repeat(last, edge, -1)
    return np.concatenate([before, x, after], axis=-1)


def sosfiltfilt(sos: Any, x: Any, padtype: str | None = "odd", padlen: int | None = None) -> np.ndarray:
    """Forward, and backward, each from the state after its first sample has gone on for ever.

    Examples
    --------
    >>> sosfiltfilt([[0.5, 0.5, 0, 1, 0, 0]], np.array([1.0, 2.0, 3.0]), padlen=1)
    array([1., 2., 3.])
    """
    from scipy.signal import sosfilt_zi

    sos = np.asarray(sos)
    n_taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    edge = 0 if padtype is None else 3 * n_taps if padlen is None else padlen
    y = extended(np.asarray(x, np.float64), padtype, int(edge))
    zi = sosfilt_zi(sos).reshape(len(sos), *[1] * (y.ndim - 1), 2)
    for _ in range(2):
        y = sosfilt(sos, y, zi=zi * y[..., :1])[0][..., ::-1]
    return y[..., edge : y.shape[-1] - edge]


def filtfilt(b: Any, a: Any, x: Any, padtype: str | None = "odd", padlen: int | None = None) -> np.ndarray:
    """As `sosfiltfilt`, with a transfer function.

    Examples
    --------
    >>> filtfilt([0.5, 0.5], [1.0], np.array([1.0, 2.0, 3.0]), padlen=1)
    array([1., 2., 3.])
    """
    from scipy.signal import lfilter_zi

    edge = 0 if padtype is None else 3 * max(len(a), len(b)) if padlen is None else padlen
    y = extended(np.asarray(x, np.float64), padtype, edge)
    zi = lfilter_zi(b, a)
    for _ in range(2):
        y = lfilter(b, a, y, zi=zi * y[..., :1])[0][..., ::-1]
    return y[..., edge : y.shape[-1] - edge]


def oaconvolve(x: Any, taps: Any, mode: str = "full") -> np.ndarray:
    """y[n] = sum_k taps[k] x[n - k], one filter for all signals.

    Examples
    --------
    >>> oaconvolve([1.0, 2.0, 3.0], [1.0, -1.0])
    array([ 1.,  1.,  1., -3.])
    """
    x, taps = np.asarray(x, np.float64), np.ravel(taps)
    n, n_taps = x.shape[-1], len(taps)
    y = np.zeros((*x.shape[:-1], n + n_taps - 1))
    for k, tap in enumerate(taps):
        y[..., k : k + n] += tap * x
    parts = {"full": slice(None), "same": slice((n_taps - 1) // 2, (n_taps - 1) // 2 + n)}
    return y[..., parts[mode]] if mode in parts else y[..., n_taps - 1 : n]


def upfirdn(h: Any, x: Any, up: int = 1, down: int = 1) -> np.ndarray:
    """Zeros between the samples, a filter, every `down`-th sample.

    Examples
    --------
    >>> upfirdn([0.5, 1, 0.5], [1.0, 2.0], up=2)
    array([0.5, 1. , 1.5, 2. , 1. ])
    """
    x = np.asarray(x, np.float64)
    raised = np.zeros((*x.shape[:-1], (x.shape[-1] - 1) * up + 1))
    raised[..., ::up] = x
    return oaconvolve(raised, h)[..., ::down]


def resample_poly(x: Any, up: int, down: int, axis: int = -1) -> np.ndarray:
    """`upfirdn` with a low-pass of 20 max(up, down) + 1 taps, less its delay.

    Examples
    --------
    >>> resample_poly(np.ones(100), 1, 2).shape
    (50,)
    """
    from scipy.signal import firwin

    x = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    common = np.gcd(up, down)
    up, down = up // common, down // common
    half = 10 * max(up, down)
    taps = firwin(2 * half + 1, 1 / max(up, down), window=("kaiser", 5.0)) * up
    n_out = -(-x.shape[-1] * up // down)
    delayed = np.zeros((*x.shape[:-1], n_out * down + 2 * half + 1))
    full = upfirdn(taps, x, up)
    delayed[..., : full.shape[-1]] = full[..., : delayed.shape[-1]]
    return np.moveaxis(delayed[..., half : half + n_out * down : down], -1, axis)


def detrend(x: Any, type: str = "linear") -> np.ndarray:
    """Less the mean, or the line of least squares.

    Examples
    --------
    >>> detrend([1.0, 2.0, 4.0], type="constant").round(3)
    array([-1.333, -0.333,  1.667])
    """
    x = np.asarray(x, np.float64)
    t = np.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2
    flat = x - x.mean(axis=-1, keepdims=True)
    if type == "constant" or len(t) == 1:
        return flat
    return flat - (x @ t / (t @ t))[..., None] * t


def hilbert(x: Any) -> np.ndarray:
    """The signal without its negative frequencies, twice.

    Examples
    --------
    >>> hilbert([1.0, 0.0, -1.0, 0.0])
    array([ 1.+0.j,  0.+1.j, -1.+0.j,  0.-1.j])
    """
    bins = np.fft.fft(x)
    n = bins.shape[-1]
    bins[..., 1 : (n + 1) // 2] *= 2
    bins[..., n // 2 + 1 :] = 0
    return np.fft.ifft(bins)


def segments(x: np.ndarray, nperseg: int, noverlap: int) -> np.ndarray:
    """Overlapping segments, shape (..., n_segments, nperseg)."""
    return np.lib.stride_tricks.sliding_window_view(x, nperseg, axis=-1)[..., :: nperseg - noverlap, :]


def _bins(x: Any, nperseg: int, noverlap: int, flat: bool = True) -> np.ndarray:
    pieces = segments(np.asarray(x, np.float64), nperseg, noverlap)
    return np.fft.rfft((detrend(pieces, "constant") if flat else pieces) * _hann(nperseg))


def _hann(n: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)


def _cross(x: np.ndarray, y: np.ndarray, nperseg: int, fs: float) -> np.ndarray:
    density = x.conj() * y * 2 / (fs * np.sum(_hann(nperseg) ** 2))
    density[..., 0] /= 2
    if nperseg % 2 == 0:
        density[..., -1] /= 2
    return density


def spectrogram(x: Any, fs: float, window: str = "hann", nperseg: int = 256) -> np.ndarray:
    """One-sided density of segments that overlap by an eighth, under a Hann taper, (..., n_bins, n_segments).

    Examples
    --------
    >>> spectrogram(np.ones(100), 100.0, nperseg=20).shape
    (11, 5)
    """
    assert window == "hann"
    bins = _bins(x, nperseg, nperseg // 8)
    return np.moveaxis(_cross(bins, bins, nperseg, fs).real, -1, -2)


def welch(x: Any, fs: float, nperseg: int) -> np.ndarray:
    """Mean one-sided density of segments that overlap by half, under a Hann taper, (..., n_bins).

    Examples
    --------
    >>> welch(np.ones(100), 100.0, 20).max()
    np.float64(0.0)
    """
    return csd(x, x, fs, nperseg).real


def csd(x: Any, y: Any, fs: float, nperseg: int) -> np.ndarray:
    """Mean of conj(X) Y, as `welch`.

    Examples
    --------
    >>> csd(np.arange(40) % 2, np.arange(40) % 2, 40.0, 20).real.argmax()
    np.int64(10)
    """
    x_bins, y_bins = (_bins(v, nperseg, nperseg // 2) for v in (x, y))
    return _cross(x_bins, y_bins, nperseg, fs).mean(axis=-2)


def coherence(x: Any, y: Any, fs: float, nperseg: int) -> np.ndarray:
    """|Pxy|^2 / (Pxx Pyy).

    Examples
    --------
    >>> coherence([1.0, 2.0, 4.0, 1.0], [1.0, 0.0, 0.0, 1.0], 4.0, 4).round(6)
    array([1., 1., 1.])
    """
    return np.abs(csd(x, y, fs, nperseg)) ** 2 / welch(x, fs, nperseg) / welch(y, fs, nperseg)


def stft(x: Any, nperseg: int) -> np.ndarray:
    """Bins of half-overlapping segments of `x` with zeros before and after it, of amplitudes, (..., n_bins, n_segments).

    Examples
    --------
    >>> stft(np.ones(100), 20).shape
    (11, 11)
    """
    x = np.asarray(x, np.float64)
    half, hop = nperseg // 2, nperseg - nperseg // 2
    size = x.shape[-1] + 2 * half
    size += -(size - nperseg) % hop % nperseg
    framed = np.zeros((*x.shape[:-1], size))
    framed[..., half : half + x.shape[-1]] = x
    return np.moveaxis(_bins(framed, nperseg, nperseg // 2, flat=False) / np.sum(_hann(nperseg)), -1, -2)
