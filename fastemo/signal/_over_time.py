"""Spectra of successive segments."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.signal._arrays import by_scipy, check_threads, into, whole
from fastemo.signal._extension import extended
from fastemo.signal._segments import asked_of

__all__ = ["spectrogram", "stft"]

# Extensions of a signal by their names here.
_MODES = {"even": "reflect", "odd": "antireflect", "constant": "edge"}


def spectrogram(
    x: Any,
    fs: float = 1.0,
    window: Any = ("tukey", 0.25),
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    mode: str = "psd",
    *,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra of successive segments, as `scipy.signal.spectrogram`.

    Parameters
    ----------
    x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis
        As in `welch`, but segments overlap by an eighth.
    mode : {"psd", "complex", "magnitude", "angle", "phase"}
        "phase" is unwrapped.
    out : ndarray of float32 or float64, optional
    threads : int

    Returns
    -------
    f : ndarray
        In Hz.
    t : ndarray
        Centres of the segments in seconds.
    Sxx : ndarray
        Like `x`, with frequencies along `axis` and segments along a new last axis; or `out`.

    Examples
    --------
    >>> f, t, s = spectrogram(np.zeros((2, 1000)), fs=250, nperseg=250, noverlap=0)
    >>> s.shape, t.tolist()
    ((2, 126, 4), [0.5, 1.5, 2.5, 3.5])
    """
    threads = check_threads(threads)
    options = (fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, mode)
    modes = ("psd", "complex", "magnitude", "angle", "phase")
    overlap = "eighth" if noverlap is None else noverlap
    asked = None
    if mode in modes:
        kind = "power" if mode == "psd" else "amplitude"
        asked = asked_of(
            x, fs, window, nperseg, overlap, nfft, detrend, return_onesided, scaling, axis, kind=kind
        )
    if asked is not None:
        along = asked.segments[1] % asked.signals.ndim
        s: Any
        if mode == "psd":
            s = asked.sided(
                asked.plan.each(*asked.segments, None if asked.two_sided else out, threads), along
            )
        else:
            s = asked.sided(asked.plan.bins(*asked.segments, threads), along)
            if s is not NotImplemented:
                s = _of_complex(s, mode, along)
        if s is not NotImplemented:
            s = s if s is out else into(out, s)
            return asked.frequencies.copy(), asked.times(fs), s
    f, t, s = by_scipy("spectrogram", (x, *options))
    return f, t, into(out, s)


def stft(
    x: Any,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
    scaling: str = "spectrum",
    *,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Short-time Fourier transform, as `scipy.signal.stft`.

    Parameters
    ----------
    x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, axis
        As in `welch`; nothing is taken off.
    boundary : {"zeros", None, "even", "odd", "constant"}
        How `x` goes on beyond its ends by half a segment.
    padded : bool
        Fill up with zeros to a whole number of segments.
    scaling : {"spectrum", "psd"}
    threads : int

    Returns
    -------
    f : ndarray
        In Hz.
    t : ndarray
        Centres of the segments in seconds.
    Zxx : ndarray of complex64 or complex128
        Like `x`, with frequencies along `axis` and segments along a new last axis.

    Examples
    --------
    >>> f, t, z = stft(np.ones(1000), fs=250, nperseg=250)
    >>> z.shape, round(float(abs(z[0, 4])), 6)
    ((126, 9), 1.0)
    """
    threads = check_threads(threads)
    arguments = (
        x,
        fs,
        window,
        nperseg,
        noverlap,
        nfft,
        detrend,
        return_onesided,
        boundary,
        padded,
        axis,
        scaling,
    )
    if scaling in ("spectrum", "psd"):
        scales = "spectrum" if scaling == "spectrum" else "density"
        options = (fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scales, axis)
        longer = _with_ends(x, window, nperseg, axis, boundary)
        asked = None
        if longer is not None:
            zeros = boundary == "zeros"
            asked = asked_of(longer, *options, kind="amplitude", boundary=zeros, padded=bool(padded))
        if asked is not None:
            z = asked.sided(asked.plan.bins(*asked.segments, threads), asked.segments[1] % asked.signals.ndim)
            if z is not NotImplemented:
                shift = 0 if boundary in (None, "zeros") else asked.n_samples / 2
                return asked.frequencies.copy(), asked.times(fs, shift), z
    return by_scipy("stft", arguments)


def _with_ends(x: Any, window: Any, nperseg: Any, axis: Any, boundary: Any) -> Any:
    """`x` with half a segment more at both ends; None where SciPy must say what is wrong."""
    if boundary is None or boundary == "zeros":
        return x
    along, n = whole(axis), whole(nperseg)
    if not isinstance(window, (str, tuple)):
        n = len(window) if isinstance(window, (list, np.ndarray)) else None
    plain = isinstance(x, np.ndarray) and x.dtype.char in "fd" and isinstance(along, int)
    if boundary not in _MODES or not plain or not isinstance(n, int) or not -x.ndim <= along < x.ndim:
        return None
    return extended(x, along, n // 2, _MODES[boundary]) if 1 < n <= x.shape[along] else None


def _of_complex(bins: np.ndarray, mode: str, axis: int) -> np.ndarray:
    if mode == "complex":
        return bins
    if mode == "magnitude":
        return np.abs(bins)
    angle = np.angle(bins)
    return np.unwrap(angle, axis=axis) if mode == "phase" else angle
