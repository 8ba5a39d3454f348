"""Spectra averaged over segments: Welch's method, periodograms, cross-spectra, coherence."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, into, whole
from fastemo.signal._segments import asked_of, pair_of

__all__ = ["coherence", "csd", "periodogram", "welch"]


def welch(
    x: Any,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectrum as the mean over overlapping segments [1]_, as `scipy.signal.welch`.

    Parameters
    ----------
    x : array_like
        Of any shape and strides.
    fs : float
        Sampling frequency in Hz.
    window : str, tuple or array_like
        As in `scipy.signal.get_window`, or the values themselves.
    nperseg, noverlap, nfft : int, optional
        Samples per segment (256), by which segments overlap (half), and with the zeros that are filled up.
    detrend : {"constant", "linear", False} or callable
        What is taken off each segment; a function is given one after the other, with time as
        its last axis.
    return_onesided : bool
        Negative frequencies as well if False.
    scaling : {"density", "spectrum"}
        Unit squared per Hz, or unit squared.
    axis : int
        The axis of time, and then of frequency.
    average : {"mean", "median"}
        Over segments; a median forgives a few bad ones.
    out : ndarray of float32 or float64, optional
    threads : int
        Results do not depend on it.

    Returns
    -------
    f : ndarray, shape (nfft // 2 + 1,)
        In Hz.
    Pxx : ndarray of float32 for float32, else float64
        Or `out`.

    References
    ----------
    .. [1] Welch (1967), IEEE Transactions on Audio and Electroacoustics 15(2), doi:10.1109/TAU.1967.1161901

    Examples
    --------
    >>> t = np.arange(1000) / 250
    >>> f, p = welch(2 * np.sin(2 * np.pi * 10 * t), fs=250, nperseg=250)
    >>> float(f[p.argmax()]), round(float(p.sum() * f[1]), 6)
    (10.0, 2.0)
    """
    threads = check_threads(threads)
    options = (fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis)
    if callable(detrend):
        return _into_second(out, _by_function(x, x, options, average, threads))
    asked = asked_of(x, *options)
    if asked is not None and average in ("mean", "median"):
        if average == "mean" or asked.n_segments == 1:
            direct = None if asked.two_sided else out
            power = asked.sided(asked.plan.mean(*asked.segments, direct, threads), asked.segments[1])
        else:
            power = asked.plan.each(*asked.segments, None, threads)
            if power is not NotImplemented:
                power = asked.sided(_median(power), asked.segments[1])
        if power is not NotImplemented:
            return asked.frequencies.copy(), _put(out, power)
    return _into_second(out, by_scipy("welch", (x, *options, average)))


def periodogram(
    x: Any,
    fs: float = 1.0,
    window: Any = "boxcar",
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectrum of the whole of each signal, as `scipy.signal.periodogram`.

    Parameters
    ----------
    x : array_like
        Of any shape and strides.
    fs : float
        Sampling frequency in Hz.
    window, nfft, detrend, return_onesided, scaling, axis
        As in `welch`, with one segment; an `nfft` below the number of samples cuts `x`.
    out : ndarray of float32 or float64, optional
    threads : int

    Returns
    -------
    f : ndarray
        In Hz.
    Pxx : ndarray
        Or `out`.

    Examples
    --------
    >>> f, p = periodogram(np.cos(np.pi * np.arange(8)), fs=8)
    >>> p.round(6) + 0.0
    array([0., 0., 0., 0., 1.])
    """
    threads = check_threads(threads)
    options = (fs, "boxcar" if window is None else window, nfft, detrend, return_onesided, scaling, axis)
    signals = x if isinstance(x, np.ndarray) else np.asarray(x)
    along = whole(axis)
    if isinstance(along, int) and -signals.ndim <= along < signals.ndim and signals.size > 0:
        n = signals.shape[along]
        length = n if nfft is None else whole(nfft)
        if isinstance(length, int) and length > 0:
            if length < n:
                signals = np.moveaxis(np.moveaxis(signals, along, -1)[..., :length], -1, along)
            asked = asked_of(
                signals, fs, options[1], min(n, length), 0, length, detrend, return_onesided, scaling, along
            )
            if asked is not None:
                direct = None if asked.two_sided else out
                power = asked.sided(asked.plan.mean(*asked.segments, direct, threads), along)
                if power is not NotImplemented:
                    return asked.frequencies.copy(), _put(out, power)
    return _into_second(out, by_scipy("periodogram", (x, *options)))


def csd(
    x: Any,
    y: Any,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
    *,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Cross-spectrum of `x` and `y`, the mean of conj(X) Y over segments, as `scipy.signal.csd`.

    Parameters
    ----------
    x, y : array_like
        Of any strides. Of one shape, or of shapes that broadcast outside the axis of time (all pairs, say).
    fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
        As in `welch`.
    threads : int

    Returns
    -------
    f : ndarray
        In Hz.
    Pxy : ndarray of complex64 or complex128

    Examples
    --------
    A cosine and the same a quarter of a period later:

    >>> t = np.arange(1000) / 250
    >>> f, p = csd(np.cos(2 * np.pi * 10 * t), np.sin(2 * np.pi * 10 * t), fs=250, nperseg=250)
    >>> round(float(np.angle(p[10], deg=True)), 6)
    -90.0
    """
    if y is x:
        return welch(
            x,
            fs,
            window,
            nperseg,
            noverlap,
            nfft,
            detrend,
            return_onesided,
            scaling,
            axis,
            average,
            threads=threads,
        )
    threads = check_threads(threads)
    options = (fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis)
    if callable(detrend):
        return _by_function(x, y, options, average, threads)
    pair = pair_of(x, y, options) if average in ("mean", "median") else None
    if pair is not None:
        asked, other = pair
        if asked.signals.shape == other.signals.shape and (average == "mean" or asked.n_segments == 1):
            done = asked.plan.cross(*asked.segments, other.signals, threads)
            if done is not NotImplemented:
                return asked.frequencies.copy(), asked.sided(done[2], asked.segments[1])
        else:
            bins = [a.plan.bins(*a.segments, threads) for a in (asked, other)]
            if not any(b is NotImplemented for b in bins):
                product = _mean_product(bins[0], bins[1], average)
                return asked.frequencies.copy(), asked.sided(product, asked.segments[1] % asked.signals.ndim)
    return by_scipy("csd", (x, y, *options, average))


def coherence(
    x: Any,
    y: Any,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    axis: int = -1,
    *,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude-squared coherence |Pxy|^2 / (Pxx Pyy), as `scipy.signal.coherence`.

    Parameters
    ----------
    x, y, fs, window, nperseg, noverlap, nfft, detrend, axis, threads
        As in `csd`.

    Returns
    -------
    f : ndarray
        In Hz.
    Cxy : ndarray of float32 or float64
        From 0 to 1; with one segment always 1.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(2000)
    >>> f, c = coherence(x, 3 * x, fs=250)
    >>> bool(np.allclose(c, 1))
    True
    """
    threads = check_threads(threads)
    options = (fs, window, nperseg, noverlap, nfft, detrend)
    alike = y is not x and np.shape(x) == np.shape(y)
    pair = pair_of(x, y, (*options, True, "density", axis)) if alike else None
    if pair is not None and pair[0].signals.shape == pair[1].signals.shape:
        asked, other = pair
        done = asked.plan.cross(*asked.segments, other.signals, threads)
        if done is not NotImplemented:
            px, py, pxy = done
            return asked.frequencies.copy(), np.abs(pxy) ** 2 / px / py
    return by_scipy("coherence", (x, y, *options, axis))


def _by_function(x: Any, y: Any, options: tuple[Any, ...], average: str, threads: int) -> Any:
    """`csd`, and of one array `welch`, of segments from which a function has taken something."""
    function = options[5]
    pair = pair_of(x, y, (*options[:5], False, *options[6:])) if average in ("mean", "median") else None
    if pair is None:
        name = "welch" if x is y else "csd"
        return by_scipy(name, (x, *options, average) if x is y else (x, y, *options, average))
    asked = pair[0]
    bins = []
    for signals, axis, _, hop, n_segments in (pair[0].segments, pair[1].segments)[: 1 if x is y else 2]:
        starts = [hop * i for i in range(n_segments)]
        last = np.moveaxis(signals, axis, -1)
        pieces = [np.asarray(function(last[..., s : s + asked.n_samples]), last.dtype) for s in starts]
        cut = np.stack(pieces, axis=-2)
        found = asked.plan.bins(cut, -1, 0, asked.n_samples, 1, threads)[..., 0]
        bins.append(np.moveaxis(found, -2, -1))
    product = asked.sided(_mean_product(bins[0], bins[-1], average), -1)
    product = np.moveaxis(product.real if x is y else product, -1, asked.segments[1])
    return asked.frequencies.copy(), product


def _put(out: np.ndarray | None, result: Any) -> Any:
    """`result` in `out`, where it is not there already."""
    return result if result is out else into(out, result)


def _into_second(out: np.ndarray | None, result: tuple[np.ndarray, np.ndarray]) -> Any:
    return result[0], into(out, result[1])


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the last axis, corrected for what it is below the mean of a chi-squared variable."""
    even = 2.0 * np.arange(1, (values.shape[-1] - 1) // 2 + 1)
    return np.median(values, axis=-1) / float(1 + np.sum(1 / (even + 1) - 1 / even))


def _mean_product(x: np.ndarray, y: np.ndarray, average: str) -> np.ndarray:
    """The average of conj(x) y over the last axis."""
    if average == "mean" or x.shape[-1] == 1:
        return np.einsum("...s,...s->...", x.conj(), y) / x.shape[-1]
    product = x.conj() * y
    return _median(product.real) + 1j * _median(product.imag)
