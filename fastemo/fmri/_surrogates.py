"""Whether connectivity changes more than stationary regions would seem to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastemo.fmri._dynamic import _count, _series, pair_vectors, sliding_connectivity

__all__ = ["DynamicsTest", "dynamics_test", "phase_randomized"]

MAX_CORRELATION = 1 - 1e-9  # whose Fisher z is finite


class DynamicsTest(NamedTuple):
    """Standard deviation over windows of each pair's Fisher z, that of stationary surrogates, and p values.

    Attributes
    ----------
    found : ndarray, shape (n_pairs,)
    null : ndarray, shape (n_surrogates, n_pairs)
    p_values : ndarray, shape (n_pairs,)
        Of each pair alone: with many pairs some are small by chance.
    p_any : float
        Whether any pair changes, by the largest of all: this one needs no correction.
    """

    found: np.ndarray
    null: np.ndarray
    p_values: np.ndarray
    p_any: float


def dynamics_test(
    x: Any, length: int, step: int = 1, *, sigma: float = 3.0, n_surrogates: int = 200, seed: int = 0
) -> DynamicsTest:
    """Do pairs change more from window to window than they would if nothing changed?

    Correlations in short windows vary however constant the regions are. The surrogates have the spectra and the constant
    correlations of the data, and no dynamics (`phase_randomized`).

    Parameters
    ----------
    x : array_like, shape (n_regions, n_samples)
    length, step, sigma
        As in `sliding_connectivity`.
    n_surrogates : int
    seed : int

    Returns
    -------
    DynamicsTest

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((3, 300))
    >>> dynamics_test(x, 30, 5, n_surrogates=50).p_any > 0.05
    True
    >>> x[1, 150:] += 3 * x[0, 150:]
    >>> dynamics_test(x, 30, 5, n_surrogates=50).p_any < 0.05
    True
    """
    x, n_surrogates = _series(x), _count("n_surrogates", n_surrogates, 1)
    if len(x) < 2:
        raise ValueError("x must have at least 2 regions to have pairs, got 1")
    rng = np.random.default_rng(seed)
    found = _spread(x, length, step, sigma)
    null = np.array([_spread(_randomized(x, rng), length, step, sigma) for _ in range(n_surrogates)])
    p_values = (1 + (null >= found).sum(axis=0)) / (1 + n_surrogates)
    p_any = float(1 + (null.max(axis=1) >= found.max()).sum()) / (1 + n_surrogates)
    return DynamicsTest(found, null, p_values, p_any)


def phase_randomized(x: Any, seed: int = 0) -> np.ndarray:
    """A stationary Gaussian twin: the same spectra and cross-spectra, new phases (the same shift for all regions).

    Prichard and Theiler 1994, doi:10.1103/PhysRevLett.73.951.

    Parameters
    ----------
    x : array_like, shape (n_regions, n_samples)
    seed : int

    Returns
    -------
    ndarray of float64, shape (n_regions, n_samples)

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 100))
    >>> y = phase_randomized(x)
    >>> bool(np.allclose(np.corrcoef(y), np.corrcoef(x)))
    True
    """
    return _randomized(_series(x), np.random.default_rng(seed))


def _randomized(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = x.shape[1]
    spectrum = np.fft.rfft(x, axis=1)
    turns = np.exp(2j * np.pi * rng.random(spectrum.shape[1]))
    turns[0] = 1.0
    if n % 2 == 0:
        turns[-1] = 1.0  # the highest frequency of an even number is real
    return np.fft.irfft(spectrum * turns, n, axis=1)


def _spread(x: np.ndarray, length: int, step: int, sigma: float) -> np.ndarray:
    r = pair_vectors(sliding_connectivity(x, length, step, sigma=sigma))
    if len(r) < 2:
        raise ValueError(
            f"x has {len(r)} window of {length} samples, but changes take at least 2: use more samples"
        )
    if np.isnan(r).any():
        raise ValueError("x has a region that stands still in some window: leave it out")
    return np.arctanh(np.clip(r, -MAX_CORRELATION, MAX_CORRELATION)).std(axis=0)
