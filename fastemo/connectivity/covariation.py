"""Connectivity without frequencies: correlation, partial correlation, mutual information; and what chance would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.connectivity._arguments import check_scale, check_seed

__all__ = [
    "correlation",
    "mutual_information",
    "partial_correlation",
    "shrunk_covariance",
    "surrogate_threshold",
    "surrogates",
]


def correlation(x: Any) -> np.ndarray:
    """Pearson's correlation between all channels.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)

    Returns
    -------
    ndarray, shape (..., n_channels, n_channels)

    Examples
    --------
    >>> correlation([[1.0, 2, 3, 4], [2.0, 4, 6, 8.5]]).round(3)
    array([[1.   , 0.998],
           [0.998, 1.   ]])
    """
    return _scaled(_covariance(_signals(x)))


def partial_correlation(x: Any, shrinkage: str | float = "oas") -> np.ndarray:
    """Correlation of every two channels given all the others: -P_ij / sqrt(P_ii P_jj), P the inverse covariance.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        Each channel is standardised first, so that units do not matter.
    shrinkage : {"oas", "lwf"} or float
        Of the covariance towards a multiple of the identity: by formula, or by a share from 0 (none) to 1.

    Returns
    -------
    ndarray, shape (..., n_channels, n_channels)
        The diagonal is 1.

    Raises
    ------
    ValueError
        A covariance that has no inverse.

    Examples
    --------
    A chain: the ends are related through the middle only.

    >>> rng = np.random.default_rng(0)
    >>> middle = rng.standard_normal(4000)
    >>> x = np.stack([middle + rng.standard_normal(4000), middle, middle + rng.standard_normal(4000)])
    >>> float(correlation(x)[0, 2].round(1)), bool(abs(partial_correlation(x)[0, 2]) < 0.05)
    (0.5, True)
    """
    x = _signals(x)
    x = x / x.std(axis=-1, keepdims=True)
    covariance = shrunk_covariance(x, shrinkage)
    if (np.linalg.cond(covariance) > 1e12).any():
        raise ValueError(
            "the covariance has no inverse (copies of channels, or fewer samples than channels): use shrinkage='oas' or "
            "leave channels out"
        )
    out = -_scaled(np.linalg.inv(covariance))
    diagonal = np.arange(out.shape[-1])
    out[..., diagonal, diagonal] = 1.0
    return out


def shrunk_covariance(x: Any, shrinkage: str | float = "oas") -> np.ndarray:
    """Covariance (divided by n) pulled towards the identity times its mean variance.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    shrinkage : {"oas", "lwf"} or float
        "oas": Chen et al. 2010, "lwf": Ledoit & Wolf 2004, as `sklearn.covariance` has them; or a share.

    Returns
    -------
    ndarray, shape (..., n_channels, n_channels)
    """
    x = _signals(x)
    x = x - x.mean(axis=-1, keepdims=True)
    n_channels, n = x.shape[-2:]
    s = x @ np.swapaxes(x, -1, -2) / n
    mean = np.trace(s, axis1=-2, axis2=-1) / n_channels
    if isinstance(shrinkage, str):
        check_in("shrinkage", shrinkage, ("oas", "lwf"))
        square = np.sum(s**2, axis=(-2, -1))
        apart = square - n_channels * mean**2
        if shrinkage == "lwf":
            noise = (np.sum(np.sum(x**2, axis=-2) ** 2, axis=-1) / n - square) / n
            share = np.minimum(noise, apart) / np.where(apart > 0, apart, 1.0)
        else:
            alpha = square / n_channels**2
            whole = (n + 1) * (alpha - mean**2 / n_channels)
            share = np.minimum((alpha + mean**2) / np.where(whole > 0, whole, 1.0), 1.0)
            share = np.where(whole > 0, share, 1.0)
    else:
        number = isinstance(shrinkage, (int, float, np.integer, np.floating))
        share = np.asarray(float(shrinkage) if number else np.nan)
        if not 0 <= share <= 1:
            raise ValueError(f"shrinkage must be 'oas', 'lwf' or from 0 to 1, got {shrinkage!r}")
    return (1 - share)[..., None, None] * s + (share * mean)[..., None, None] * np.eye(n_channels)


def mutual_information(x: Any, method: str = "copula") -> np.ndarray:
    """Mutual information between all channels in nats, -1/2 ln(1 - rho^2).

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    method : {"copula", "gaussian"}
        rho is the correlation of the samples' normal scores (any distribution; Ince 2017, doi:10.1002/hbm.23471), or of
        the samples themselves.

    Returns
    -------
    ndarray, shape (..., n_channels, n_channels)
        The diagonal is 0; infinite for copies of a channel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 5000))
    >>> x[1] = np.exp(x[0] + 0.5 * x[1])
    >>> mutual_information(x).round(1)
    array([[0. , 0.8],
           [0.8, 0. ]])
    """
    check_in("method", method, ("copula", "gaussian"))
    x = _signals(x)
    if method == "copula":
        from scipy.special import ndtri

        ranks = np.argsort(np.argsort(x, axis=-1, kind="stable"), axis=-1, kind="stable")
        x = ndtri((ranks + 1) / (x.shape[-1] + 1))
    rho = correlation(x)
    diagonal = np.arange(rho.shape[-1])
    rho[..., diagonal, diagonal] = 0
    # Copies correlate to rounding: their information has no bound.
    square = np.where(np.abs(rho) > 1 - 8 * np.finfo(float).eps, 1.0, rho**2)
    with np.errstate(divide="ignore"):
        return -0.5 * np.log1p(-square) + 0.0


def surrogates(x: Any, kind: str = "phase", seed: int = 0) -> np.ndarray:
    """Signals that are as before one by one, but no longer related to each other.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    kind : {"phase", "shift"}
        "phase": random phases for every frequency, the spectrum stays. "shift": turned round in time by a random
        number of samples, so that the shape stays too.
    seed : int

    Returns
    -------
    ndarray, shape (..., n_channels, n_samples)

    Examples
    --------
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((2, 100)), axis=1)
    >>> y = surrogates(x, seed=1)
    >>> np.allclose(np.abs(np.fft.rfft(x)), np.abs(np.fft.rfft(y)))
    True
    """
    check_in("kind", kind, ("phase", "shift"))
    return _surrogate(_signals(x), kind, np.random.default_rng(check_seed(seed)))


def surrogate_threshold(
    measure: Callable[[np.ndarray], Any],
    x: Any,
    *,
    n: int = 200,
    quantile: float = 0.95,
    kind: str = "phase",
    seed: int = 0,
) -> np.ndarray:
    """What a measure reaches by chance: a quantile of its values over surrogates of the signals.

    Parameters
    ----------
    measure : callable
        From signals to an array, such as `lambda x: connectivity(x, sfreq, bands, methods="plv")["plv"]`.
    x : array_like, shape (..., n_channels, n_samples)
    n : int
        Number of surrogates.
    quantile : float
        Between 0 and 1, of each value by itself; over m pairs some 5 % of m lie above a quantile of 0.95.
    kind : {"phase", "shift"}
        As for `surrogates`.
    seed : int
        Surrogate number k is the same for any `n`.

    Returns
    -------
    ndarray
        Of the shape that `measure` gives.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 400))
    >>> level = surrogate_threshold(lambda x: np.abs(correlation(x)), x, n=100)
    >>> bool(0.05 < level[0, 1] < 0.15)
    True
    """
    check_in("kind", kind, ("phase", "shift"))
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, got {n!r}")
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile must be from 0 to 1, got {quantile!r}")
    if not callable(measure):
        raise TypeError(f"measure must be a function from signals to an array, got {measure!r}")
    x = _signals(x)
    streams = np.random.SeedSequence(check_seed(seed)).spawn(int(n))
    values = []
    for stream in streams:
        value = measure(_surrogate(x, kind, np.random.default_rng(stream)))
        array = np.asarray(value)
        if array.dtype.kind not in "iufb" or isinstance(value, Mapping):
            raise TypeError(
                f"measure must give an array of real numbers, got {type(value).__name__} of {array.dtype}: take one of its "
                'measures, such as result["plv"], or an absolute value'
            )
        values.append(array)
    return np.quantile(values, quantile, axis=0)


def _surrogate(x: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    n = x.shape[-1]
    if kind == "shift":
        start = rng.integers(0, n, x.shape[:-1])[..., None]
        return np.take_along_axis(x, (np.arange(n) + start) % n, axis=-1)
    spectrum = np.fft.rfft(x)
    turned = spectrum * np.exp(2j * np.pi * rng.random(spectrum.shape))
    turned[..., 0] = spectrum[..., 0]
    if n % 2 == 0:
        turned[..., -1] = spectrum[..., -1]
    return np.fft.irfft(turned, n)


def _signals(x: Any) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.kind not in "iuf":
        raise TypeError(f"x must be an array of real numbers, got dtype {x.dtype}: use x.astype(float)")
    x = x.astype(np.float64)
    if x.ndim < 2 or x.shape[-2] < 2 or x.shape[-1] < 2 or 0 in x.shape:
        raise ValueError(
            f"x must have shape (..., n_channels, n_samples) with at least 2 of both, got {x.shape}"
        )
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        raise ValueError(
            f"x holds {len(bad)} NaN or infinite values, the first in channel {int(bad[0][-2])}: drop or interpolate them"
        )
    check_scale(float(np.abs(x).max()))
    flat = np.argwhere(np.ptp(x, axis=-1) == 0)
    if len(flat):
        raise ValueError(
            f"channel {int(flat[0][-1])} is flat, so nothing correlates with it: drop or interpolate it"
        )
    return x


def _covariance(x: np.ndarray) -> np.ndarray:
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / np.abs(x).max(axis=-1, keepdims=True)
    return x @ np.swapaxes(x, -1, -2)


def _scaled(s: np.ndarray) -> np.ndarray:
    """A matrix divided by the roots of its diagonal."""
    root = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1))
    out = s / (root[..., :, None] * root[..., None, :])
    diagonal = np.arange(s.shape[-1])
    out[..., diagonal, diagonal] = 1.0
    return out
