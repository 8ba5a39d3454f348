"""What mne-features and antropy read off a spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.features._freq_bands import BANDS, band_pairs, check_freq_bands
from fastemo.features._reduce import signals_of, whole
from fastemo.features.psd import by_batch, one_sided, power_of, power_spectrum, welch

__all__ = [
    "hjorth_complexity_spect",
    "hjorth_mobility_spect",
    "pow_freq_bands",
    "spect_edge_freq",
    "spect_entropy",
    "spect_slope",
    "spectral_entropy",
]


def pow_freq_bands(
    x: Any,
    sfreq: float,
    freq_bands: Any = BANDS,
    normalize: bool = True,
    ratios: str | None = None,
    ratios_triu: bool = False,
    psd_method: str = "welch",
    log: bool = False,
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Sum of the spectrum over the bins of each band, both edges included, as mne-features defines it.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
        In Hz.
    freq_bands : sequence of float, sequence of pairs, or dict of pairs
        Successive edges, or the edges of each band, in Hz.
    normalize : bool
        Over the sum of the whole spectrum.
    ratios : {None, "all", "only"}
        Ratios of bands, after the powers or instead of them.
    ratios_triu : bool
        Each pair of bands once, not in both directions.
    psd_method, psd_params, threads
        As `power_spectrum` takes them.
    log : bool
        10 log10 of the powers; ratios are then differences.

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_bands or n_bands and n_ratios)

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 10 * np.arange(500) / 250)
    >>> pow_freq_bands(x, 250, [(4, 8), (8, 13)]).round(2)
    array([0., 1.])
    """
    psd, freqs = power_spectrum(x, sfreq, psd_method, psd_params, threads=threads)
    return bands_of(psd, freqs, sfreq, freq_bands, normalize, ratios, ratios_triu, log)


def bands_of(psd, freqs, sfreq, freq_bands=BANDS, normalize=True, ratios=None, ratios_triu=False, log=False):
    edges, _ = check_freq_bands(freq_bands, sfreq)
    check_in("ratios", ratios, (None, "all", "only"))
    powers = np.stack(
        [psd[..., (freqs >= low) & (freqs <= high)].sum(axis=-1) for low, high in edges], axis=-1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        if normalize:
            powers = powers / psd.sum(axis=-1, keepdims=True)
        if log:
            powers = 10 * np.log10(powers)
        if ratios is None:
            return powers
        pairs = band_pairs(len(edges), ratios_triu)
        first, second = (powers[..., [pair[k] for pair in pairs]] for k in (0, 1))
        quotients = first - second if log else first / second
    return np.concatenate([powers, quotients], axis=-1) if ratios == "all" else quotients


def _moment(psd: np.ndarray, freqs: np.ndarray, power: int, normalize: bool) -> np.ndarray:
    moment = (psd * freqs**power).sum(axis=-1)
    if not normalize:
        return moment
    with np.errstate(divide="ignore", invalid="ignore"):
        return moment / psd.sum(axis=-1)


def hjorth_mobility_spect(
    x: Any,
    sfreq: float,
    normalize: bool = False,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Second moment of the spectrum: sum of f^2 PSD(f), as mne-features defines it.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
    normalize : bool
        Over the sum of the spectrum.
    psd_method, psd_params, threads
        As `power_spectrum` takes them.

    Returns
    -------
    ndarray of float64, shape (..., n_channels)

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 10 * np.arange(500) / 250)
    >>> np.sqrt(hjorth_mobility_spect(x, 250, normalize=True)).round(1)
    np.float64(10.0)
    """
    return _moment(*power_spectrum(x, sfreq, psd_method, psd_params, threads=threads), 2, normalize)


def hjorth_complexity_spect(
    x: Any,
    sfreq: float,
    normalize: bool = False,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Fourth moment of the spectrum: sum of f^4 PSD(f), as mne-features defines it.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
    normalize : bool
        Over the sum of the spectrum.
    psd_method, psd_params, threads
        As `power_spectrum` takes them.

    Returns
    -------
    ndarray of float64, shape (..., n_channels)

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 10 * np.arange(500) / 250)
    >>> (hjorth_complexity_spect(x, 250, normalize=True) ** 0.25).round()
    np.float64(11.0)
    """
    return _moment(*power_spectrum(x, sfreq, psd_method, psd_params, threads=threads), 4, normalize)


def _entropy(p: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(p * np.log2(np.where(p == 0, 1, p))).sum(axis=-1)


def spect_entropy(
    x: Any,
    sfreq: float,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Entropy of the spectrum as mne-features defines it: 0 Hz counts for the whole, but not as a term.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
    psd_method, psd_params, threads
        As `power_spectrum` takes them.

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        In bits. NaN for a constant.

    Examples
    --------
    >>> spect_entropy(np.random.default_rng(0).normal(size=5000), 250).round(1)
    np.float64(7.0)
    """
    return entropy_of(power_spectrum(x, sfreq, psd_method, psd_params, threads=threads)[0])


def entropy_of(psd: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _entropy(psd[..., 1:] / psd.sum(axis=-1, keepdims=True))


def spectral_entropy(
    x: Any,
    sf: float,
    method: str = "fft",
    nperseg: int | None = None,
    normalize: bool = False,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Entropy of the spectrum as antropy defines it: -sum p log2 p, p the share of each bin, 0 Hz included [1]_.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sf : float
        Sampling frequency in Hz.
    method : {"fft", "welch"}
        "fft": x less its mean. "welch": Hann taper, half overlapped segments less their means.
    nperseg : int, optional
        Samples of a segment of "welch": 256 by default, or all if there are fewer.
    normalize : bool
        Divide by log2 of the number of bins.
    threads : int
        Batches of signals are shared among so many threads; results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        In bits. NaN for a constant.

    References
    ----------
    .. [1] Inouye et al., Quantification of EEG irregularity by use of the entropy of the power spectrum, 1991,
       doi:10.1016/0013-4694(91)90138-T.

    Examples
    --------
    >>> t = np.arange(400) / 100
    >>> spectral_entropy(np.sin(2 * np.pi * t), 100).round(2) + 0.0
    np.float64(0.0)
    """
    sf = check_positive("sf", sf, unit="Hz")
    check_in("method", method, ("fft", "welch"))
    signals, shape = signals_of(x)
    n = signals.shape[1]
    if method == "fft":
        psd, _ = by_batch(signals, lambda part: (one_sided(power_of(part, np.ones(n), n), n), n), threads)
    else:
        length = min(256 if nperseg is None else whole("nperseg", nperseg, 1), n)
        psd, _ = by_batch(signals, lambda part: welch(part, sf, length, length, length // 2, "hann"), threads)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = _entropy(psd / psd.sum(axis=-1, keepdims=True))
    if normalize:
        entropy = entropy / np.log2(psd.shape[-1])
    return entropy.reshape(shape)[()]


def spect_slope(
    x: Any,
    sfreq: float,
    fmin: float = 0.1,
    fmax: float = 50.0,
    with_intercept: bool = True,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Least-squares line of log10 PSD on log10 frequency, as mne-features defines it.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
    fmin, fmax : float
        First and last frequency of the fit, in Hz.
    with_intercept : bool
        Whether the intercept is among the values.
    psd_method, psd_params, threads
        As `power_spectrum` takes them.

    Returns
    -------
    ndarray of float64, shape (..., n_channels, 4 or 3)
        Intercept, slope, mean squared error, share of the variance explained. NaN for a constant.

    Examples
    --------
    >>> spect_slope(np.cumsum(np.random.default_rng(0).normal(size=20000)), 250).round(1)[1]
    np.float64(-2.0)
    """
    psd, freqs = power_spectrum(x, sfreq, psd_method, psd_params, threads=threads)
    return slope_of(psd, freqs, fmin, fmax, with_intercept)


def check_fit(freqs: np.ndarray, fmin: float, fmax: float) -> np.ndarray:
    """Which bins the fit of a line takes."""
    fmin, fmax = check_positive("fmin", fmin, unit="Hz"), check_positive("fmax", fmax, unit="Hz")
    keep = (freqs >= fmin) & (freqs <= fmax)
    if keep.sum() < 2:
        raise ValueError(
            f"fmin={fmin:g} to fmax={fmax:g} Hz holds {keep.sum()} bins of the spectrum, expected at least 2"
        )
    return keep


def slope_of(psd, freqs, fmin=0.1, fmax=50.0, with_intercept=True):
    keep = check_fit(freqs, fmin, fmax)
    f = np.log10(freqs[keep])
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.log10(psd[..., keep])
        level, centre = p.mean(axis=-1, keepdims=True), f.mean()
        d = f - centre
        slope = ((p - level) @ d / (d @ d))[..., None]
        error = p - level - slope * d
        squared = (error**2).mean(axis=-1, keepdims=True)
        # the mean error is 0 by the fit, so what is left of the variance is the squared error
        explained = 1 - squared / p.var(axis=-1, keepdims=True)
    values = [level - slope * centre, slope, squared, explained]
    return np.concatenate(values if with_intercept else values[1:], axis=-1)


def spect_edge_freq(
    x: Any,
    sfreq: float,
    ref_freq: float | None = None,
    edge: Sequence[float] | None = None,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Frequency below which lies a share of the power up to a reference frequency, as mne-features defines it.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
    ref_freq : float, optional
        In Hz; the end of the spectrum by default.
    edge : sequence of float, optional
        Shares from 0 to 1; [0.5], the median frequency, by default.
    psd_method, psd_params, threads
        As `power_spectrum` takes them.

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_edges)
        In Hz, the frequency of a bin.

    Examples
    --------
    >>> spect_edge_freq(np.random.default_rng(0).normal(size=50000), 256, edge=[0.5, 0.95]).round(-1)
    array([ 60., 120.])
    """
    psd, freqs = power_spectrum(x, sfreq, psd_method, psd_params, threads=threads)
    return edge_of(psd, freqs, ref_freq, edge)


def check_edges(freqs: np.ndarray, ref_freq: float | None, edge: Any) -> tuple[np.ndarray, int]:
    """The shares, and how many bins make up the power they are shares of."""
    shares = np.atleast_1d(np.asarray([0.5] if edge is None else edge, np.float64))
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"edge must be a list of numbers from 0 to 1, got {edge!r}")
    reference = freqs[-1] if ref_freq is None else check_positive("ref_freq", ref_freq, unit="Hz")
    if reference > freqs[-1]:
        raise ValueError(
            f"ref_freq must be a frequency of the spectrum, up to {freqs[-1]:g} Hz, got {reference:g} Hz"
        )
    return shares, int(np.searchsorted(freqs, reference)) + 1


def edge_of(psd, freqs, ref_freq=None, edge=None):
    shares, n_reference = check_edges(freqs, ref_freq, edge)
    below = np.cumsum(psd, axis=-1)
    whole_power = psd[..., :n_reference].sum(axis=-1)
    edges = []
    for share in shares:
        reached = below >= (share * whole_power)[..., None]
        edges.append(np.where(reached.any(axis=-1), freqs[reached.argmax(axis=-1)], -1.0))
    return np.where(np.isnan(psd[..., :1]), np.nan, np.stack(edges, axis=-1))
