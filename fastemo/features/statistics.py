"""Statistics of each signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastemo.features._reduce import Reduction, check_length, feature, whole

__all__ = ["kurtosis", "mean", "ptp_amp", "quantile", "rms", "skewness", "std", "variance"]


@feature
def mean(n_samples: int) -> Reduction:
    """Mean.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> mean([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])
    array([3., 1.])
    """
    return Reduction("mean")


@feature
def variance(n_samples: int, ddof: int = 1) -> Reduction:
    """Sum of squared deviations from the mean over n_samples - ddof; exactly 0 for a constant.

    Parameters
    ----------
    <x>
    ddof : {1, 0}
        1 is unbiased and the default, as in mne-features.
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> variance([1.0, 2.0, 6.0]), variance([1.0, 2.0, 6.0], ddof=0).round(3)
    (np.float64(7.0), np.float64(4.667))
    """
    ddof = whole("ddof", ddof, 0, 1)
    check_length("variance", n_samples, ddof + 1)
    return Reduction("variance", (ddof,))


@feature
def std(n_samples: int, ddof: int = 1) -> Reduction:
    """Standard deviation, the root of `variance`.

    Parameters
    ----------
    <x>
    ddof : {1, 0}
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> std([[1.0, 3.0, 5.0]])
    array([2.])
    """
    ddof = whole("ddof", ddof, 0, 1)
    check_length("std", n_samples, ddof + 1)
    return Reduction("std", (ddof,))


@feature
def ptp_amp(n_samples: int) -> Reduction:
    """Largest less smallest value.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> ptp_amp([[1.0, -3.0, 5.0]])
    array([8.])
    """
    return Reduction("ptp_amp")


@feature
def rms(n_samples: int) -> Reduction:
    """Root of the mean square; the mean is not removed.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> rms([[3.0, -3.0, 3.0]])
    array([3.])
    """
    return Reduction("rms")


@feature
def skewness(n_samples: int) -> Reduction:
    """m3 / m2^1.5 of the biased central moments, as `scipy.stats.skew`.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a constant and for a signal that holds NaN or infinity.

    Examples
    --------
    >>> skewness([[-1.0, 0.0, 1.0], [0.0, 0.0, 3.0]]).round(4)
    array([0.    , 0.7071])
    """
    return Reduction("skewness")


@feature
def kurtosis(n_samples: int, fisher: bool = False) -> Reduction:
    """m4 / m2^2 of the biased central moments: 3 for a normal distribution, as in mne-features.

    Parameters
    ----------
    <x>
    fisher : bool
        Subtract 3, as `scipy.stats.kurtosis` does by default.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a constant and for a signal that holds NaN or infinity.

    Examples
    --------
    >>> kurtosis([[-1.0, 1.0, -1.0, 1.0]])
    array([1.])
    """
    return Reduction("kurtosis", (bool(fisher),))


@feature
def quantile(n_samples: int, q: float | Sequence[float] = 0.75) -> Reduction:
    """Quantiles, on the line between two order statistics as `numpy.quantile` by default.

    Parameters
    ----------
    <x>
    q : float or sequence of float
        Each from 0 to 1.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels) or, for a sequence, (..., n_channels, len(q))
        NaN for a signal that holds NaN or infinity.

    Examples
    --------
    >>> quantile([[3.0, 1.0, 2.0, 4.0]], [0.0, 0.5])
    array([[1. , 2.5]])
    """
    values = np.asarray(q, np.float64)
    if values.ndim > 1 or values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"q must be a number from 0 to 1 or a list of such numbers, got {q!r}")
    names = None if values.ndim == 0 else tuple(f"q{v:g}" for v in values)
    return Reduction("quantile", tuple(values.ravel().tolist()), names)
