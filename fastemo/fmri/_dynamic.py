"""Connectivity that changes: sliding tapered windows, exponential weights, edge time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._validate import check_finite, check_in, check_positive

__all__ = [
    "ExponentialConnectivity",
    "SlidingConnectivity",
    "edge_time_series",
    "exponential_connectivity",
    "gaussian_taper",
    "pair_vectors",
    "sliding_connectivity",
    "to_xarray",
]

KINDS = ("correlation", "covariance")


def gaussian_taper(length: int, sigma: float = 3.0) -> np.ndarray:
    """Weights of a window whose edges fade: a rectangle convolved with a Gaussian, scaled to sum to 1.

    Parameters
    ----------
    length : int
        Samples, at least 2. Allen et al. 2014 [1]_ take 22 volumes of 2 s.
    sigma : float
        Standard deviation of the Gaussian in samples; 0 leaves the rectangle.

    Returns
    -------
    ndarray of float64, shape (length,)

    References
    ----------
    .. [1] Allen et al., Tracking whole-brain connectivity dynamics in the resting state, 2014,
       doi:10.1093/cercor/bhs352.

    Examples
    --------
    >>> gaussian_taper(5, 1.0).round(3)
    array([0.164, 0.22 , 0.232, 0.22 , 0.164])
    """
    length = _count("length", length, 2)
    sigma = check_positive("sigma", sigma, zero=True, unit="samples")
    if sigma == 0:
        return np.full(length, 1 / length)
    lags = np.subtract.outer(np.arange(length), np.arange(length))
    weights = np.exp(-0.5 * (lags / sigma) ** 2).sum(axis=1)
    return weights / weights.sum()


def sliding_connectivity(
    x: Any, length: int, step: int = 1, *, sigma: float = 3.0, kind: str = "correlation"
) -> np.ndarray:
    """Connectivity of all pairs in a tapered window that slides.

    r = sum_t w (x - m_x)(y - m_y) / sqrt(sum_t w (x - m_x)^2 sum_t w (y - m_y)^2), m the weighted means.

    Parameters
    ----------
    x : array_like, shape (n_regions, n_samples)
    length, step : int
        Of the window and from one to the next, in samples. Windows below 30 to 60 s find changes in stationary data
        too: compare with surrogates.
    sigma : float
        Of `gaussian_taper`, in samples.
    kind : {"correlation", "covariance"}

    Returns
    -------
    ndarray of float64, shape (n_windows, n_regions, n_regions)
        Window k covers the samples k step to k step + length - 1. Correlations with a region that stands still are NaN.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 200))
    >>> x[1, 100:] += 3 * x[0, 100:]
    >>> r = sliding_connectivity(x, 40, 80)[:, 0, 1]
    >>> bool(abs(r[0]) < 0.3), bool(r[-1] > 0.9)
    (True, True)
    """
    x = _series(x)
    step = _count("step", step, 1)
    window = SlidingConnectivity(len(x), length, sigma=sigma, kind=kind)
    if x.shape[1] < window.length:
        raise ValueError(f"x has {x.shape[1]} samples, fewer than one window of {window.length}")
    starts = range(0, x.shape[1] - window.length + 1, step)
    return np.stack([window.of(x[:, i : i + window.length]) for i in starts])


class SlidingConnectivity:
    """`sliding_connectivity` as a stream: one matrix per sample once the window is full.

    Parameters
    ----------
    n_regions, length : int
    sigma, kind
        As in `sliding_connectivity`.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((3, 50))
    >>> live = SlidingConnectivity(3, 22)
    >>> parts = [live.process(x[:, :30]), live.process(x[:, 30:])]
    >>> bool((np.concatenate(parts) == sliding_connectivity(x, 22)).all())
    True
    """

    def __init__(self, n_regions: int, length: int, *, sigma: float = 3.0, kind: str = "correlation") -> None:
        self.n_regions, self.length = _count("n_regions", n_regions, 1), _count("length", length, 2)
        self.kind = check_in("kind", kind, KINDS)
        self._weights = gaussian_taper(length, sigma)
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._past = np.empty((self.n_regions, 0))

    def process(self, chunk: Any) -> np.ndarray:
        """The matrices of the windows that end in a chunk (n_regions, n), shape (n_windows, n_regions, n_regions)."""
        x = np.hstack([self._past, _series(chunk, self.n_regions)])
        n = max(0, x.shape[1] - self.length + 1)
        out = np.empty((n, self.n_regions, self.n_regions))
        for i in range(n):
            out[i] = self.of(x[:, i : i + self.length])
        self._past = x[:, max(0, x.shape[1] - self.length + 1) :].copy()
        return out

    def of(self, window: np.ndarray) -> np.ndarray:
        """The matrix of one window (n_regions, length)."""
        # A copy in one layout: the bits are then those of the samples, wherever they lie.
        x = np.ascontiguousarray(window)
        x = x - x[:, :1]  # what stands still is exactly 0, and large offsets cost no digits
        x = (x - (x * self._weights).sum(axis=1, keepdims=True)) * np.sqrt(self._weights)
        cov = x @ x.T
        return cov if self.kind == "covariance" else correlation_of(cov)


def exponential_connectivity(x: Any, decay: float, *, kind: str = "correlation") -> np.ndarray:
    """Connectivity in which a sample counts `decay` times less than the next: one matrix per sample.

    The exponentially weighted moving average, with weighted means taken off and weights that sum to 1 from the first
    sample on.

    Parameters
    ----------
    x : array_like, shape (n_regions, n_samples)
    decay : float
        In (0, 1); 0.94 to 0.98 are usual: 1 / (1 - decay) samples of memory.
    kind : {"correlation", "covariance"}

    Returns
    -------
    ndarray of float64, shape (n_samples, n_regions, n_regions)
        Correlations are NaN at the first sample.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((4, 100))
    >>> exponential_connectivity(x, 0.96).shape
    (100, 4, 4)
    """
    x = _series(x)
    return ExponentialConnectivity(len(x), decay, kind=kind).process(x)


class ExponentialConnectivity:
    """`exponential_connectivity` as a stream, O(n_regions^2) per sample.

    Parameters
    ----------
    n_regions : int
    decay, kind
        As in `exponential_connectivity`.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((3, 50))
    >>> live = ExponentialConnectivity(3, 0.95, kind="covariance")
    >>> last = [live.process(x[:, i : i + 1]) for i in range(50)][-1]
    >>> bool((last[0] == exponential_connectivity(x, 0.95, kind="covariance")[-1]).all())
    True
    """

    def __init__(self, n_regions: int, decay: float, *, kind: str = "correlation") -> None:
        self.n_regions = _count("n_regions", n_regions, 1)
        if not 0 < check_positive("decay", decay) < 1:
            raise ValueError(f"decay must be between 0 and 1, such as 0.96, got {decay!r}")
        self.decay, self.kind = float(decay), check_in("kind", kind, KINDS)
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._weight = 0.0
        self._mean = np.zeros(self.n_regions)
        self._scatter = np.zeros((self.n_regions, self.n_regions))

    def process(self, chunk: Any) -> np.ndarray:
        """The matrix after each sample of a chunk (n_regions, n), shape (n, n_regions, n_regions)."""
        x = _series(chunk, self.n_regions)
        out = np.empty((x.shape[1], self.n_regions, self.n_regions))
        for i, row in enumerate(x.T):
            before = self.decay * self._weight
            self._weight = before + 1
            d = row - self._mean
            self._mean += d / self._weight
            np.multiply(d[:, None], d * (before / self._weight), out=out[i])
            self._scatter *= self.decay
            self._scatter += out[i]
            np.divide(self._scatter, self._weight, out=out[i])
            if self.kind == "correlation":
                correlation_of(out[i])
        return out


def edge_time_series(x: Any) -> np.ndarray:
    """Products of z-scored regions, pair by pair: whose mean over time is the correlation of the pair.

    Faskowitz et al. 2020, doi:10.1038/s41593-020-00719-y. Live, `pair_vectors` of the outer product of a volume's running
    z-scores (`RunningStandardize`) is the same with the means and deviations so far.

    Parameters
    ----------
    x : array_like, shape (n_regions, n_samples)

    Returns
    -------
    ndarray of float64, shape (n_pairs, n_samples)
        Pairs (0, 1), (0, 2), ..., (1, 2), ...; NaN for a region that stands still.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((3, 100))
    >>> edges = edge_time_series(x)
    >>> bool(np.allclose(edges.mean(axis=1), pair_vectors(np.corrcoef(x))))
    True
    """
    x = _series(x)
    sd = x.std(axis=1, keepdims=True)
    z = np.divide(x - x.mean(axis=1, keepdims=True), sd, out=np.full_like(x, np.nan), where=sd > 0)
    rows, columns = np.triu_indices(len(x), 1)
    return z[rows] * z[columns]


def pair_vectors(matrices: Any) -> np.ndarray:
    """What is above the diagonal, row by row: (..., n, n) to (..., n_pairs).

    Examples
    --------
    >>> pair_vectors([[1, 2, 3], [2, 1, 4], [3, 4, 1]])
    array([2., 3., 4.])
    """
    m = np.asarray(matrices, np.float64)
    if m.ndim < 2 or m.shape[-1] != m.shape[-2]:
        raise ValueError(f"matrices must have shape (..., n, n), got {m.shape}")
    rows, columns = np.triu_indices(m.shape[-1], 1)
    return m[..., rows, columns]


def to_xarray(matrices: Any, ch_names: Sequence[str], times: Any = None, name: str = "correlation") -> Any:
    """Matrices over time as an `xarray.DataArray` with the dimensions time, seed and target.

    Parameters
    ----------
    matrices : array_like, shape (n_windows, n_regions, n_regions)
    ch_names : sequence of str
    times : array_like, shape (n_windows,), optional
        Seconds; the windows' numbers if not given.
    name : str
    """
    m = np.asarray(matrices, np.float64)
    if m.ndim != 3 or m.shape[1:] != (len(ch_names),) * 2:
        raise ValueError(
            f"matrices must have shape (n_windows, {len(ch_names)}, {len(ch_names)}), got {m.shape}"
        )
    times = np.arange(len(m)) if times is None else np.asarray(times, np.float64)
    if times.shape != (len(m),):
        raise ValueError(f"times must be one per window ({len(m)}), got shape {times.shape}")
    try:
        import xarray
    except ImportError as error:
        raise ImportError("to_xarray needs xarray: pip install xarray") from error
    names = list(ch_names)
    return xarray.DataArray(
        m, dims=("time", "seed", "target"), coords={"time": times, "seed": names, "target": names}, name=name
    )


def correlation_of(cov: np.ndarray) -> np.ndarray:
    """A covariance made the correlation, in place; NaN where a variance is 0."""
    variance = np.diagonal(cov)
    scale = np.divide(1.0, np.sqrt(variance), out=np.full(len(cov), np.nan), where=variance > 0)
    cov *= scale
    cov *= scale[:, None]
    np.clip(cov, -1, 1, out=cov)
    np.fill_diagonal(cov, np.where(np.isnan(scale), np.nan, 1.0))
    return cov


def _series(x: Any, n_regions: int | None = None) -> np.ndarray:
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or x.shape[0] == 0 or (n_regions is None and x.shape[1] == 0):
        raise ValueError(f"x must have shape (n_regions, n_samples), got {x.shape}")
    if n_regions is not None and len(x) != n_regions:
        raise ValueError(f"chunk must have {n_regions} rows, one per region, got shape {x.shape}")
    return check_finite("x", x)


def _count(name: str, value: Any, least: int) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)
