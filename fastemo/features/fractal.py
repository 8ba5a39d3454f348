"""Fractal dimensions, and how a signal's fluctuations grow with the scale."""

from __future__ import annotations

import math

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.features._reduce import Reduction, check_length, feature, whole

__all__ = [
    "decorr_time",
    "detrended_fluctuation",
    "higuchi_fd",
    "hurst_exp",
    "katz_fd",
    "petrosian_fd",
]


@feature
def katz_fd(n_samples: int) -> Reduction:
    """Katz's fractal dimension: ln n / (ln n + ln(d / L)), n the number of steps [1]_ [2]_.

    L is the sum of |x[i] - x[i - 1]|, d the largest |x[i] - x[0]|. A line has 1.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a constant and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Katz, Fractals and the analysis of waveforms, 1988, doi:10.1016/0010-4825(88)90041-8.
    .. [2] Esteller et al., A comparison of waveform fractal dimension algorithms, 2001, doi:10.1109/81.904882.

    Examples
    --------
    >>> katz_fd(np.arange(100.0)).round(3)
    np.float64(1.0)
    """
    check_length("katz_fd", n_samples, 3)
    return Reduction("katz_fd")


@feature
def petrosian_fd(n_samples: int) -> Reduction:
    """Petrosian's fractal dimension: ln n / (ln n + ln(n / (n + 0.4 N))), N the turns of the signal [1]_.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    References
    ----------
    .. [1] Petrosian, Kolmogorov complexity of finite sequences and recognition of different preictal EEG
       patterns, 1995, doi:10.1109/CBMS.1995.465426.

    Examples
    --------
    >>> petrosian_fd(np.sin(2 * np.pi * np.arange(3000) / 100)).round(4)
    np.float64(1.001)
    """
    check_length("petrosian_fd", n_samples, 3)
    return Reduction("petrosian_fd")


@feature
def higuchi_fd(n_samples: int, kmax: int = 10, definition: str = "antropy") -> Reduction:
    """Higuchi's fractal dimension: slope of ln L(k) on ln(1/k), k = 1..kmax [1]_.

    L(k) is the mean over m = 0..k-1 of (n - 1) / (k^2 N) times the sum over j = 1..N of
    |x[m + j k] - x[m + (j - 1) k]|, N = floor((n - m - 1) / k). White noise has 2, a line 1.

    Parameters
    ----------
    <x>
    kmax : int
        From 2 to half the number of samples.
    definition : {"antropy", "mne_features"}
        "antropy" is Higuchi's. "mne_features" leaves out j = N.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a constant and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Higuchi, Approach to an irregular time series on the basis of the fractal theory, 1988,
       doi:10.1016/0167-2789(88)90081-4.

    Examples
    --------
    >>> higuchi_fd(np.random.default_rng(0).normal(size=5000)).round(2)
    np.float64(2.0)
    """
    kmax = whole("kmax", kmax, 2)
    check_in("definition", definition, ("antropy", "mne_features"))
    check_length("higuchi_fd", n_samples, 2 * kmax, f"2 kmax, kmax={kmax}")
    return Reduction("higuchi_fd", (kmax, definition == "mne_features"))


@feature
def detrended_fluctuation(n_samples: int) -> Reduction:
    """Detrended fluctuation analysis: slope of ln F(s) on ln s [1]_.

    F(s) is the root mean square of what a line leaves of each stretch of s samples of the cumulative sum of
    x less its mean; s = floor(4 1.2^i) up to n / 10. White noise has 0.5, its sum 1.5.

    Parameters
    ----------
    <x>
        At least 58 samples, for two scales.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a constant and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Peng et al., Mosaic organization of DNA nucleotides, 1994, doi:10.1103/PhysRevE.49.1685.

    Examples
    --------
    >>> detrended_fluctuation(np.random.default_rng(0).normal(size=20000)).round(1)
    np.float64(0.5)
    """
    check_length("detrended_fluctuation", n_samples, 58, "two scales")
    return Reduction("detrended_fluctuation")


@feature
def hurst_exp(n_samples: int) -> Reduction:
    """Hurst exponent by rescaled ranges, as mne-features defines it.

    Slope of ln(R/S) less the logarithm of its expectation for white noise (Anis & Lloyd) plus ln(s)/2, on ln s, over
    up to 20 lengths s from 16 to half the signal. R/S is the mean over all beginnings of every stretch of s samples.

    Parameters
    ----------
    <x>
        At least 36 samples, for two lengths.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a constant and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Anis & Lloyd, The expected value of the adjusted rescaled Hurst range, 1976,
       doi:10.1093/biomet/63.1.111.

    Examples
    --------
    >>> hurst_exp(np.random.default_rng(0).normal(size=4000)).round(1)
    np.float64(0.5)
    """
    check_length("hurst_exp", n_samples, 36, "two lengths")
    lengths = np.unique(np.floor(np.logspace(4, np.log2(n_samples / 2), 20, base=2.0))).astype(int).tolist()
    return Reduction("hurst_exp", (*lengths, *map(_log_expected_range, lengths)))


def _log_expected_range(n: int) -> float:
    """Logarithm of the expected R/S of n samples of white noise, less ln(n)/2."""
    i = np.arange(1, n)
    total = np.sqrt((n - i) / i).sum() * (n - 0.5) / n
    if n <= 340:
        factor = math.gamma((n - 1) / 2) / (math.sqrt(math.pi) * math.gamma(n / 2))
    else:
        factor = (n - 0.5) / n / math.sqrt(math.pi * n / 2)
    return math.log(factor * total) - math.log(n) / 2


@feature
def decorr_time(n_samples: int, sfreq: float) -> Reduction:
    """Time until the autocorrelation first changes sign, as mne-features defines it.

    The autocorrelation is that of x less its mean, closed to a ring, over n - lag, at lags up to 50.

    Parameters
    ----------
    <x>
    sfreq : float
        In Hz.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        In seconds; -1 where the sign does not change. NaN for a constant and for a signal that holds NaN or infinity.

    Examples
    --------
    >>> decorr_time(np.sin(2 * np.pi * 10 * np.arange(500) / 250), 250)  # a quarter of its period
    np.float64(0.028)
    """
    check_length("decorr_time", n_samples, 2)
    return Reduction("decorr_time", (check_positive("sfreq", sfreq, unit="Hz"),))
