"""The power spectral density as mne-features takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.features._reduce import check_length, each, signals_of, whole

__all__ = ["power_spectrum"]

PSD_METHODS = ("welch", "multitaper", "fft")
TOP_HZ = 256.0
BATCH = 1 << 17  # samples
WELCH = {"welch_n_fft": 256, "welch_n_per_seg": None, "welch_n_overlap": 0}


def power_spectrum(
    x: Any,
    sfreq: float,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density as mne-features' function of this name gives it, up to 256 Hz.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
        In Hz.
    psd_method : {"welch", "multitaper", "fft"}
        "welch": Hamming taper, each segment less its mean, density (unit^2/Hz). "multitaper": DPSS tapers of
        half-bandwidth 4 with concentration above 0.9, weighted by it, times sfreq. "fft": squared amplitudes
        of x less its mean over n_samples^2, doubled.
    psd_params : dict, optional
        Of "welch": welch_n_fft (256, or the length of x if that is less), welch_n_per_seg (welch_n_fft),
        welch_n_overlap (0).
    threads : int
        Batches of signals are shared among so many threads; results do not depend on it.

    Returns
    -------
    psd : ndarray of float64, shape (..., n_channels, n_freqs)
        NaN for a signal that holds NaN or infinity.
    freqs : ndarray, shape (n_freqs,)
        In Hz.

    Examples
    --------
    >>> psd, freqs = power_spectrum(np.sin(2 * np.pi * 10 * np.arange(500) / 250), 250)
    >>> freqs[psd.argmax()].round(1)
    np.float64(9.8)
    """
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    check_in("psd_method", psd_method, PSD_METHODS)
    signals, shape = signals_of(x)
    n = signals.shape[1]
    if psd_method == "welch":
        params = _welch_params(psd_params)
        psd, n_fft = by_batch(signals, lambda part: welch(part, sfreq, **params), threads)
    elif psd_method == "multitaper":
        psd, n_fft = by_batch(signals, lambda part: (_multitaper(part), n), threads)
    else:
        boxcar = np.full(n, 1 / n)
        psd, n_fft = by_batch(signals, lambda part: (one_sided(power_of(part, boxcar, n), n), n), threads)
    freqs = np.arange(n_fft // 2 + 1) * (sfreq / n_fft)
    psd, freqs = psd[:, freqs <= min(TOP_HZ, sfreq / 2)], freqs[freqs <= min(TOP_HZ, sfreq / 2)]
    return psd.reshape(*shape, len(freqs)), freqs


def by_batch(
    signals: np.ndarray, spectrum: Callable[[np.ndarray], tuple[np.ndarray, int]], threads: int = 1
) -> tuple[np.ndarray, int]:
    """Spectra of signals, so many at a time as stay in the cache; of one that is not finite it is NaN.

    The first sample is taken from each signal, whose mean is going to be removed: a constant has no power at all.
    """
    step = max(1, BATCH // signals.shape[1])

    def work(start: int) -> tuple[np.ndarray, int]:
        part = signals[start : start + step].astype(np.float64)
        with np.errstate(invalid="ignore"):
            part -= part[:, :1].copy()
        bad = ~np.isfinite(part).all(axis=1)
        part[bad] = 0
        psd, n_fft = spectrum(part)
        psd[bad] = np.nan
        return psd, n_fft

    parts = each(work, range(0, max(len(signals), 1), step), threads)
    return np.concatenate([psd for psd, _ in parts]), parts[0][1]


def _welch_params(psd_params: Mapping[str, Any] | None) -> dict[str, Any]:
    if psd_params is not None and not isinstance(psd_params, Mapping):
        raise ValueError(f"psd_params must be a dict or None, got {psd_params!r}")
    for name in psd_params or {}:
        check_in("a key of psd_params", name, WELCH)
    params = WELCH | dict(psd_params or {})
    return {name.removeprefix("welch_"): value for name, value in params.items()}


def power_of(x: np.ndarray, taper: np.ndarray, n_fft: int) -> np.ndarray:
    """|rfft((x - mean) taper)|^2 along the last axis, padded with zeros to `n_fft`."""
    if n_fft == len(taper):
        return _transform(taper.tobytes()).compute(x)
    padded = np.zeros((*x.shape[:-1], n_fft))
    padded[..., : len(taper)] = (x - x.mean(axis=-1, keepdims=True)) * taper
    bins = resolve("rfft")(padded)
    return bins.real**2 + bins.imag**2


@lru_cache(maxsize=16)
def _transform(taper: bytes) -> Any:
    """The transform that gives each bin by itself."""
    weights = np.frombuffer(taper)
    n_bins = len(weights) // 2 + 1
    bins = np.arange(n_bins)
    edges = np.stack([bins, bins + 1], axis=1)
    return resolve("FftBandPower")(weights, True, 0, np.ones(n_bins), edges, np.ones(n_bins))


def one_sided(power: np.ndarray, n_fft: int) -> np.ndarray:
    """Twice the power but at 0 Hz and at the Nyquist frequency."""
    power[..., 1 : (n_fft + 1) // 2] *= 2
    return power


def welch(
    x: np.ndarray, sfreq: float, n_fft: int, n_per_seg: int | None, n_overlap: int, taper: str = "hamming"
) -> tuple[np.ndarray, int]:
    n = x.shape[1]
    n_fft = min(whole("welch_n_fft", n_fft, 1), n) if n_per_seg is None else whole("welch_n_fft", n_fft, 1)
    length = min(n, n_fft if n_per_seg is None else min(whole("welch_n_per_seg", n_per_seg, 1), n_fft))
    n_overlap = whole("welch_n_overlap", n_overlap, 0)
    if n_overlap >= length:
        raise ValueError(f"welch_n_overlap must be less than the segment's {length} samples, got {n_overlap}")
    segments = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)[:, :: length - n_overlap]
    a = 0.54 if taper == "hamming" else 0.5
    w = a - (1 - a) * np.cos(2 * np.pi * np.arange(length) / length)
    power = power_of(segments, w, n_fft).mean(axis=1)
    return one_sided(power, n_fft) / (sfreq * np.sum(w**2)), n_fft


def _multitaper(x: np.ndarray) -> np.ndarray:
    from scipy.signal.windows import dpss

    n = x.shape[1]
    check_length("the multitaper spectrum", n, 9, "half-bandwidth 4")
    tapers, weights = dpss(n, 4.0, 8, sym=False, norm=2, return_ratios=True)
    keep = weights > 0.9 if (weights > 0.9).any() else weights == weights.max()
    total = np.zeros((len(x), n // 2 + 1))
    for taper, weight in zip(tapers[keep], weights[keep], strict=True):
        total += weight * power_of(x, taper, n)
    return one_sided(total, n) / weights[keep].sum()
