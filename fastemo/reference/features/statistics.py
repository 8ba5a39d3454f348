"""Moments, extremes, Hjorth's parameters, crossings of zero."""

from __future__ import annotations

import numpy as np

__all__ = [
    "higher_order_crossings",
    "hjorth_complexity",
    "hjorth_mobility",
    "kurtosis",
    "line_length",
    "mean",
    "num_zerocross",
    "ptp_amp",
    "quantile",
    "rms",
    "skewness",
    "std",
    "teager_energy",
    "variance",
    "zero_crossings",
]


def mean(x):
    return x.mean(axis=1)


def centred(x):
    """x less its mean, by way of the first sample: a constant becomes exactly 0."""
    x = x - x[:, :1]
    return x - x.mean(axis=1, keepdims=True)


def variance(x, ddof):
    return (centred(x) ** 2).sum(axis=1) / (x.shape[1] - ddof)


def std(x, ddof):
    return np.sqrt(variance(x, ddof))


def ptp_amp(x):
    return np.ptp(x, axis=1)


def rms(x):
    return np.sqrt((x**2).mean(axis=1))


def _central_moments(x, k):
    """The second and k-th; the second is NaN where it is no more than the rounding of the mean."""
    second, high = ((centred(x) ** p).mean(axis=1) for p in (2, k))
    return np.where(second > (np.finfo(float).eps * x.mean(axis=1)) ** 2, second, np.nan), high


def skewness(x):
    m2, m3 = _central_moments(x, 3)
    return m3 / m2**1.5


def kurtosis(x, fisher):
    m2, m4 = _central_moments(x, 4)
    return m4 / m2**2 - 3 * fisher


def quantile(x, *q):
    return np.quantile(x, q, axis=1)


def _difference_variances(x, padded):
    """Variances of x and its difference, of the difference and its difference, as Hjorth's parameters pair them."""
    if not padded:
        return [(variance(a, 0), variance(np.diff(a), 0)) for a in (x, np.diff(x))]
    padded_x = np.insert(x, 0, 0, axis=1)
    padded_d = np.insert(np.diff(padded_x), 0, 0, axis=1)
    return [(variance(a, 1), variance(np.diff(a), 1)) for a in (padded_x, padded_d)]


def _mobility(of_x, of_difference):
    return np.where(of_x > 0, np.sqrt(of_difference / of_x), np.nan)


def hjorth_mobility(x, padded):
    return _mobility(*_difference_variances(x, padded)[0])


def hjorth_complexity(x, padded):
    first, second = _difference_variances(x, padded)
    return _mobility(*second) / _mobility(*first)


def num_zerocross(x, normalize):
    count = np.diff(np.signbit(x), axis=1).sum(axis=1)
    return count / x.shape[1] if normalize else count.astype(float)


def zero_crossings(x, threshold):
    sign = np.sign(np.where(np.abs(x) < threshold, 0, x))
    zero = sign == 0
    reached = (zero[:, 1:] & ~zero[:, :-1]).sum(axis=1) + zero[:, 0]
    return reached + (sign[:, 1:] * sign[:, :-1] < 0).sum(axis=1).astype(float)


def higher_order_crossings(x, order):
    z = centred(x)
    return [np.diff(np.diff(z, k) < 0, axis=1).sum(axis=1) for k in range(int(order))]


def line_length(x):
    return np.abs(np.diff(x)).mean(axis=1)


def teager_energy(x):
    return (x[:, 1:-1] ** 2 - x[:, :-2] * x[:, 2:]).mean(axis=1)
