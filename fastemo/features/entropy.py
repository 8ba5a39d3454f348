"""Entropies and complexity of each signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.features._reduce import Reduction, check_length, feature, whole

__all__ = [
    "app_entropy",
    "lempel_ziv",
    "lziv_complexity",
    "perm_entropy",
    "samp_entropy",
    "sample_entropy",
    "svd_entropy",
    "svd_fisher_info",
]

DEFINITIONS = ("antropy", "mne_features")
MEDIAN, MEAN, LEVEL = range(3)


def _templates(what: str, n: int, order: int, tolerance: float | None, definition: str) -> tuple[float, ...]:
    order = whole("order", order, 1, 64)
    check_in("definition", definition, DEFINITIONS)
    check_length(what, n, order + 2, f"order + 2, order={order}")
    r = -1.0 if tolerance is None else check_positive("tolerance", tolerance, zero=True)
    return order, r, definition == "mne_features"


@feature
def sample_entropy(
    n_samples: int, order: int = 2, tolerance: float | None = None, definition: str = "antropy"
) -> Reduction:
    """Sample entropy: -ln(A / B) [1]_.

    B are the pairs among the first n - order stretches of `order` samples that differ by less than the tolerance
    in every sample, A the pairs that still do with the next sample. Counts are exact.

    Parameters
    ----------
    <x>
    order : int
        The length m of the stretches.
    tolerance : float, optional
        The r of the literature, in the unit of x; by default 0.2 standard deviations of each signal.
    definition : {"antropy", "mne_features"}
        "antropy": biased standard deviation, and pairs nearer than r. "mne_features": unbiased, and pairs as near
        as r too; then the same as `samp_entropy`.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN where A or B is 0 (a constant, a signal that never comes near itself), never infinity; NaN for a signal
        that holds NaN or infinity.

    Notes
    -----
    Time grows with the square of n_samples, but only with the tenth or so of the pairs whose first samples are near.

    References
    ----------
    .. [1] Richman & Moorman, Physiological time-series analysis using approximate entropy and sample entropy,
       2000, doi:10.1152/ajpheart.2000.278.6.H2039.

    Examples
    --------
    >>> sample_entropy(np.random.default_rng(42).random(1000)).round(4)
    np.float64(2.2017)
    """
    given = _templates("sample_entropy", n_samples, order, tolerance, definition)
    return Reduction("sample_entropy", (*given, definition == "mne_features"))


@feature
def samp_entropy(n_samples: int, emb: int = 2) -> Reduction:
    """Sample entropy as mne-features defines it: `sample_entropy` with `definition="mne_features"`.

    Parameters
    ----------
    <x>
    emb : int
        The order.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN where it is not defined (mne-features raises), and for a signal that holds NaN or infinity.

    Examples
    --------
    >>> samp_entropy(np.sin(np.arange(1000) / 4)).round(2)
    np.float64(0.23)
    """
    order, r, other = _templates("samp_entropy", n_samples, emb, None, "mne_features")
    return Reduction("sample_entropy", (order, r, other, other))


@feature
def app_entropy(
    n_samples: int, order: int = 2, tolerance: float | None = None, definition: str = "antropy"
) -> Reduction:
    """Approximate entropy: phi(order) - phi(order + 1) [1]_.

    phi(m) is the mean over all stretches of m samples of the logarithm of the share of stretches, itself included,
    that differ from it by the tolerance at most in every sample.

    Parameters
    ----------
    <x>
    order : int
    tolerance : float, optional
        In the unit of x; by default 0.2 standard deviations of each signal.
    definition : {"antropy", "mne_features"}
        These are biased in "antropy", unbiased in "mne_features".
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        0 for a constant; NaN for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Pincus, Approximate entropy as a measure of system complexity, 1991, doi:10.1073/pnas.88.6.2297.

    Examples
    --------
    >>> app_entropy(np.random.default_rng(42).random(1000)).round(3)
    np.float64(1.818)
    """
    return Reduction("app_entropy", _templates("app_entropy", n_samples, order, tolerance, definition))


@feature
def perm_entropy(n_samples: int, order: int = 3, delay: int = 1, normalize: bool = False) -> Reduction:
    """Permutation entropy: -sum p log2 p over the orders in which successive samples come [1]_.

    Parameters
    ----------
    <x>
    order : int
        How many samples make a pattern, from 2 to 8. Equal samples count as rising.
    delay : int
        Samples from one of them to the next.
    normalize : bool
        Divide by log2(order!), the largest possible value.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        In bits. NaN for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Bandt & Pompe, Permutation entropy: a natural complexity measure for time series, 2002,
       doi:10.1103/PhysRevLett.88.174102.

    Examples
    --------
    >>> perm_entropy([[4, 7, 9, 10, 6, 11, 3]], normalize=True).round(4)
    array([0.5888])
    """
    order, delay = whole("order", order, 2, 8), whole("delay", delay, 1)
    least = (order - 1) * delay + 1
    check_length("perm_entropy", n_samples, least, f"(order - 1) delay + 1, order={order}, delay={delay}")
    return Reduction("perm_entropy", (order, delay, bool(normalize)))


def _embedding(what: str, n: int, order: int, delay: int) -> tuple[int, int]:
    order, delay = whole("order", order, 2, 64), whole("delay", delay, 1)
    check_length(what, n, (order - 1) * delay + 1, f"(order - 1) delay + 1, order={order}, delay={delay}")
    return order, delay


@feature
def svd_entropy(n_samples: int, order: int = 3, delay: int = 1, normalize: bool = False) -> Reduction:
    """Entropy of the singular values of the delay embedding: -sum s log2 s, s their shares in their sum [1]_.

    The embedding has a row x[t], x[t + delay], ... of `order` samples for each t.

    Parameters
    ----------
    <x>
    order : int
        From 2 to 64. antropy's default is 3, mne-features' is 10.
    delay : int
        antropy's default is 1, mne-features' is 2.
    normalize : bool
        Divide by log2(order).
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        In bits. NaN for zeros only and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Roberts, Penny & Rezek, Temporal and spatial complexity measures for electroencephalogram based
       brain-computer interfacing, 1999, doi:10.1007/BF02513272.

    Examples
    --------
    >>> svd_entropy([[4, 7, 9, 10, 6, 11, 3]], order=3, delay=1, normalize=True).round(4)
    array([0.687])
    """
    return Reduction("svd_entropy", (*_embedding("svd_entropy", n_samples, order, delay), bool(normalize)))


@feature
def svd_fisher_info(n_samples: int, order: int = 10, delay: int = 2) -> Reduction:
    """Fisher information of the singular values of the delay embedding: sum (s[p + 1] - s[p])^2 / s[p].

    Parameters
    ----------
    <x>
    order : int
        From 2 to 64.
    delay : int
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        As `svd_entropy`.

    Examples
    --------
    >>> svd_fisher_info(np.random.default_rng(0).normal(size=1000)).round(4)
    np.float64(0.0001)
    """
    return Reduction("svd_fisher_info", _embedding("svd_fisher_info", n_samples, order, delay))


@feature
def lempel_ziv(n_samples: int, threshold: str | float = "median", normalize: bool = True) -> Reduction:
    """Lempel-Ziv complexity of the signal cut at a threshold: phrases of zeros (up to it) and ones (above) [1]_.

    Parameters
    ----------
    <x>
    threshold : {"median", "mean"} or float
        Of each signal; a number is in the unit of x.
    normalize : bool
        Divide by n / log2(n), the count of a long random sequence.
    <threads>

    Returns
    -------
    <one>

    Notes
    -----
    By a suffix automaton, in time proportional to n_samples.

    References
    ----------
    .. [1] Lempel & Ziv, On the complexity of finite sequences, 1976, doi:10.1109/TIT.1976.1055501.

    Examples
    --------
    >>> lempel_ziv([[1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0]], threshold=0.5, normalize=False)
    array([6.])
    """
    check_length("lempel_ziv", n_samples, 2)
    if isinstance(threshold, str):
        kind, level = (
            (MEDIAN, MEAN)[("median", "mean").index(check_in("threshold", threshold, ("median", "mean")))],
            0.0,
        )
    else:
        kind, level = LEVEL, float(threshold)
        if not math.isfinite(level):
            raise ValueError(f"threshold must be 'median', 'mean' or a finite number, got {threshold!r}")
    return Reduction("lempel_ziv", (kind, level, bool(normalize)))


def lziv_complexity(sequence: str | Sequence[Any] | np.ndarray, normalize: bool = False) -> int | float:
    """Lempel-Ziv complexity of one sequence of symbols, as antropy's function of this name.

    Parameters
    ----------
    sequence : str or sequence of str, bool or numbers
        Floats are cut to whole numbers, as antropy does: cut a signal at a threshold first, or use `lempel_ziv`.
    normalize : bool
        Divide by n / log_b(n), b the number of different symbols, at least 2.

    Returns
    -------
    int, or float if normalized

    Examples
    --------
    >>> lziv_complexity("1001111011000010"), lziv_complexity([1, 0, 1, 0, 1, 0], normalize=True).round(3)
    (6, np.float64(1.292))
    """
    if not isinstance(sequence, (str, Sequence, np.ndarray)) or len(sequence) == 0:
        raise TypeError(f"sequence must be text or a sequence of at least one symbol, got {sequence!r}")
    symbols = np.asarray(list(sequence) if isinstance(sequence, str) else sequence)
    if symbols.ndim != 1:
        raise ValueError(f"sequence must have one dimension, got shape {symbols.shape}")
    if symbols.dtype.kind == "f":
        if not np.isfinite(symbols).all():
            raise ValueError("sequence must be finite, got NaN or infinity")
        symbols = symbols.astype(np.int64)
    elif symbols.dtype.kind == "U":
        symbols = np.array(list("".join(symbols)))
    different, codes = np.unique(symbols, return_inverse=True)
    n, base = len(codes), max(len(different), 2)
    if base == 2 and n > 1:
        count = int(lempel_ziv(codes, 0.5, normalize=False))
    else:
        count = resolve("count_phrases")(codes.tolist())
    return np.float64(count / (n / math.log(n, base))) if normalize else count
