"""The shape of each signal over time: Hjorth's parameters, crossings, length of line, energy."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.features._reduce import Reduction, check_length, feature, reduce_signals, signals_of, whole

__all__ = [
    "higher_order_crossings",
    "hjorth_activity",
    "hjorth_complexity",
    "hjorth_mobility",
    "hjorth_params",
    "line_length",
    "num_zerocross",
    "teager_energy",
    "zero_crossings",
]

DEFINITIONS = ("antropy", "mne_features")


@feature
def hjorth_activity(n_samples: int) -> Reduction:
    """Hjorth's activity: the biased variance of x [1]_.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    References
    ----------
    .. [1] Hjorth, EEG analysis based on time domain properties, 1970, doi:10.1016/0013-4694(70)90143-4.

    Examples
    --------
    >>> hjorth_activity([[1.0, 3.0]])
    array([1.])
    """
    return Reduction("variance", (0,))


@feature
def hjorth_mobility(n_samples: int, definition: str = "antropy") -> Reduction:
    """Hjorth's mobility: sqrt(var(x') / var(x)), x' the difference of successive samples [1]_.

    Parameters
    ----------
    <x>
    definition : {"antropy", "mne_features"}
        "antropy" is Hjorth's: biased variances. "mne_features" puts a zero before x, so that a signal's offset
        counts as a jump, and takes unbiased variances.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        Per sample: times sfreq it is per second. NaN for a constant and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Hjorth, EEG analysis based on time domain properties, 1970, doi:10.1016/0013-4694(70)90143-4.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 10 * np.arange(1000) / 250)
    >>> (hjorth_mobility(x) * 250 / (2 * np.pi)).round(2)  # a sine's is its frequency
    np.float64(9.97)
    """
    check_in("definition", definition, DEFINITIONS)
    check_length("hjorth_mobility", n_samples, 2)
    return Reduction("hjorth_mobility", (definition == "mne_features",))


@feature
def hjorth_complexity(n_samples: int, definition: str = "antropy") -> Reduction:
    """Hjorth's complexity: mobility(x') / mobility(x), 1 for a sine and larger for anything else [1]_.

    Parameters
    ----------
    <x>
    definition : {"antropy", "mne_features"}
        As in `hjorth_mobility`.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN for a line, a constant and a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Hjorth, EEG analysis based on time domain properties, 1970, doi:10.1016/0013-4694(70)90143-4.

    Examples
    --------
    >>> hjorth_complexity(np.sin(np.arange(1000) / 4)).round(3)
    np.float64(1.0)
    """
    check_in("definition", definition, DEFINITIONS)
    check_length("hjorth_complexity", n_samples, 3)
    return Reduction("hjorth_complexity", (definition == "mne_features",))


def hjorth_params(x: Any, sf: float | None = None, *, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Mobility and complexity together, as antropy's function of this name.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sf : float, optional
        Sampling frequency in Hz: the mobility is then in 1/s instead of per sample.
    threads : int

    Returns
    -------
    mobility, complexity : ndarray of float64, shape (..., n_channels)

    Examples
    --------
    >>> mobility, complexity = hjorth_params(np.sin(np.arange(1000) / 4), sf=250.0)
    >>> mobility.round(1), complexity.round(3)
    (np.float64(62.3), np.float64(1.0))
    """
    scale = 1.0 if sf is None else check_positive("sf", sf, unit="Hz")
    signals, shape = signals_of(x)
    check_length("hjorth_params", signals.shape[1], 3)
    pair = [Reduction("hjorth_mobility", (0,)), Reduction("hjorth_complexity", (0,))]
    mobility, complexity = reduce_signals(signals, pair, threads).T.reshape(2, *shape)
    return mobility * scale, complexity


@feature
def zero_crossings(n_samples: int, threshold: float = float(np.finfo(float).eps)) -> Reduction:
    """Crossings of zero as mne-features counts them: stretches of zeros, and changes of sign between two samples.

    Parameters
    ----------
    <x>
    threshold : float
        Smaller magnitudes count as zero; in the unit of x.
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> zero_crossings([[1.0, -1.0, 0.0, 0.0, 1.0]])
    array([2.])
    """
    return Reduction("zero_crossings", (check_positive("threshold", threshold, zero=True),))


@feature
def num_zerocross(n_samples: int, normalize: bool = False) -> Reduction:
    """Changes of sign as antropy counts them: 0 is positive.

    Parameters
    ----------
    <x>
    normalize : bool
        Divide by the number of samples.
    <threads>

    Returns
    -------
    <one>

    Examples
    --------
    >>> num_zerocross([[-1.0, 0.0, 1.0, 2.0, -3.0]])
    array([2.])
    """
    return Reduction("num_zerocross", (bool(normalize),))


@feature
def higher_order_crossings(n_samples: int, order: int = 6) -> Reduction:
    """Crossings of zero by x less its mean, and by its first, second, ... difference [1]_.

    Parameters
    ----------
    <x>
    order : int
        How many counts: differences 0 to order - 1.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels, order)
        A sample below 0 and a neighbour at or above 0 make a crossing. NaN for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Petrantonakis & Hadjileontiadis, Emotion recognition from EEG using higher order crossings, 2010,
       doi:10.1109/TITB.2009.2034649.

    Examples
    --------
    >>> higher_order_crossings([[0.0, 1.0, 0.0, 1.0, 4.0, 1.0]], order=3)
    array([[2., 3., 2.]])
    """
    order = whole("order", order, 1, 64)
    check_length("higher_order_crossings", n_samples, order + 1)
    return Reduction("higher_order_crossings", (order,), tuple(f"d{k}" for k in range(order)))


@feature
def line_length(n_samples: int) -> Reduction:
    """Mean of |x[i] - x[i - 1]| [1]_.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    References
    ----------
    .. [1] Esteller et al., Line length: an efficient feature for seizure onset detection, 2001,
       doi:10.1109/IEMBS.2001.1020545.

    Examples
    --------
    >>> line_length([[0.0, 1.0, -1.0]])
    array([1.5])
    """
    check_length("line_length", n_samples, 2)
    return Reduction("line_length")


@feature
def teager_energy(n_samples: int) -> Reduction:
    """Mean Teager-Kaiser energy: x[i]^2 - x[i - 1] x[i + 1] [1]_.

    `teager_kaiser_energy` is mne-features' variant, on the levels of a wavelet transform.

    Parameters
    ----------
    <x>
    <threads>

    Returns
    -------
    <one>

    References
    ----------
    .. [1] Kaiser, On a simple algorithm to calculate the energy of a signal, 1990,
       doi:10.1109/ICASSP.1990.115702.

    Examples
    --------
    >>> teager_energy(3 * np.sin(0.1 * np.arange(100))).round(4)  # (amplitude sin(omega))^2
    np.float64(0.0897)
    """
    check_length("teager_energy", n_samples, 3)
    return Reduction("teager_energy")
