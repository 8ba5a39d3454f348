"""Dynamic conditional correlation: volatility by GARCH, then correlations that follow the standardised residuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_finite
from fastemo.fmri._dynamic import _series, correlation_of

__all__ = ["DCC"]

MIN_SAMPLES = 50
# Sums of the two coefficients stay below 1, where the processes have a finite variance.
STATIONARY = 0.999


@dataclass(frozen=True, eq=False, repr=False)
class DCC:
    """Dynamic conditional correlation of regions, fitted once and then O(n_regions^2) per sample. Made by `fit`.

    Engle 2002 [1]_: variances s_t = w + a y_{t-1}^2 + b s_{t-1} of each region, e = y / sqrt(s), and
    Q_t = (1 - alpha - beta) S + alpha e_{t-1} e_{t-1}' + beta Q_{t-1} with S the correlation of e; the correlation at t is
    Q_t scaled to a unit diagonal. It looks at samples before t only. Lindquist et al. 2014 [2]_ found it the best balance
    of sensitivity and specificity for resting fMRI.

    Parameters
    ----------
    mean : ndarray, shape (n_regions,)
    garch : ndarray, shape (n_regions, 3)
        w, a, b of each region.
    alpha, beta : float
        Of the correlations.
    target : ndarray, shape (n_regions, n_regions)
        S.

    References
    ----------
    .. [1] Engle, Dynamic conditional correlation, 2002, doi:10.1198/073500102288618487.
    .. [2] Lindquist et al., Evaluating dynamic bivariate correlations in resting-state fMRI, 2014,
       doi:10.1016/j.neuroimage.2014.06.052.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> t = np.arange(600)
    >>> rho = 0.8 * np.sin(t / 60)
    >>> x = rng.standard_normal((2, 600))
    >>> x[1] = rho * x[0] + np.sqrt(1 - rho**2) * x[1]
    >>> model = DCC.fit(x)
    >>> found = model.transform(x)[:, 0, 1]
    >>> bool(np.corrcoef(found[50:], rho[50:])[0, 1] > 0.8)
    True
    """

    mean: np.ndarray
    garch: np.ndarray
    alpha: float
    beta: float
    target: np.ndarray

    @classmethod
    def fit(cls, x: Any) -> DCC:
        """Quasi maximum likelihood in two steps: each region's GARCH(1, 1), then alpha and beta of all pairs together.

        Parameters
        ----------
        x : array_like, shape (n_regions, n_samples)
            At least two regions and 50 samples. With many regions the second step maximises the mean likelihood of
            pairs (the composite likelihood of Pakel et al. 2021, doi:10.1080/07350015.2020.1713795), which needs no
            inverse of a large matrix.

        Returns
        -------
        DCC
        """
        x = _series(x)
        if len(x) < 2 or x.shape[1] < MIN_SAMPLES:
            raise ValueError(f"x must have at least 2 regions and {MIN_SAMPLES} samples, got shape {x.shape}")
        if (np.ptp(x, axis=1) == 0).any():
            still = np.flatnonzero(np.ptp(x, axis=1) == 0).tolist()
            raise ValueError(f"the regions {still} stand still, so they have no volatility: leave them out")
        mean = x.mean(axis=1)
        y = x - mean[:, None]
        garch = np.array([_fit_garch(row) for row in y])
        e = y / np.sqrt(_variances(y, garch))
        target = correlation_of(e @ e.T / e.shape[1])
        alpha, beta = _fit_correlation(e, target)
        return cls(mean, garch, alpha, beta, target)

    def transform(self, x: Any) -> np.ndarray:
        """The correlations at each sample, shape (n_samples, n_regions, n_regions)."""
        x = _series(x, len(self.mean))
        step = self.stream()
        return np.stack([step(sample) for sample in x.T])

    def stream(self) -> Callable[[np.ndarray], np.ndarray]:
        """A function of one sample (n_regions,) after the other that gives the correlations at it, as `transform`."""
        w, a, b = self.garch.T
        variance = w / (1 - a - b)
        q = self.target.copy()
        rest = (1 - self.alpha - self.beta) * self.target
        last: list[np.ndarray] = []

        def step(sample: np.ndarray) -> np.ndarray:
            nonlocal variance
            sample = check_finite("sample", np.asarray(sample, np.float64))
            if sample.shape != self.mean.shape:
                raise ValueError(f"sample must have shape {self.mean.shape}, got {sample.shape}")
            if last:
                y = last.pop()
                e = y / np.sqrt(variance)
                variance = w + a * y * y + b * variance
                np.multiply(q, self.beta, out=q)
                np.add(q, rest, out=q)
                np.add(q, np.multiply(e[:, None], self.alpha * e), out=q)
            last.append(sample - self.mean)
            return correlation_of(q.copy())

        return step

    def __repr__(self) -> str:
        return f"DCC({len(self.mean)} regions, alpha={self.alpha:.3g}, beta={self.beta:.3g})"


def _variances(y: np.ndarray, garch: np.ndarray) -> np.ndarray:
    """s_t of each region (n, n_samples), from its long-run variance on."""
    w, a, b = garch.T
    out = np.empty_like(y)
    out[:, 0] = w / (1 - a - b)
    for t in range(1, y.shape[1]):
        out[:, t] = w + a * y[:, t - 1] ** 2 + b * out[:, t - 1]
    return out


def _fit_garch(y: np.ndarray) -> tuple[float, float, float]:
    """w, a, b of one region; w follows from the sample variance (variance targeting)."""
    from scipy.signal import lfilter

    total = float(np.mean(y**2))
    squares = y**2 / total

    def cost(p: np.ndarray) -> float:
        a, b = p
        start = np.array([1.0])
        drive = np.concatenate([start, (1 - a - b) + a * squares[:-1]])
        s = lfilter([1.0], [1.0, -b], drive)
        return float(np.mean(np.log(s) + squares / s))

    a, b = _best(cost)
    return (1 - a - b) * total, a, b


def _fit_correlation(e: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """alpha and beta by the mean likelihood of pairs: all up to 200, else that many spread evenly."""
    from scipy.signal import lfilter

    rows, columns = np.triu_indices(len(e), 1)
    if len(rows) > MAX_PAIRS:
        chosen = np.linspace(0, len(rows) - 1, MAX_PAIRS).astype(int)
        rows, columns = rows[chosen], columns[chosen]
    used = np.unique(np.concatenate([rows, columns]))
    squares, products = e**2, e[rows] * e[columns]
    long_run = target[rows, columns]

    def follow(past: np.ndarray, mean: np.ndarray, alpha: float, beta: float) -> np.ndarray:
        drive = np.column_stack([mean, (1 - alpha - beta) * mean[:, None] + alpha * past[:, :-1]])
        return lfilter([1.0], [1.0, -beta], drive, axis=1)

    def cost(p: np.ndarray) -> float:
        alpha, beta = p
        diagonal = np.empty_like(e)
        diagonal[used] = follow(squares[used], np.ones(len(used)), alpha, beta)
        q = follow(products, long_run, alpha, beta)
        r = np.clip(q / np.sqrt(diagonal[rows] * diagonal[columns]), -0.9999, 0.9999)
        left = 1 - r * r
        return float(np.mean(np.log(left) + (squares[rows] + squares[columns] - 2 * r * products) / left))

    return _best(cost)


MAX_PAIRS = 200


def _best(cost: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """Two coefficients of at least 0 whose sum is below 1: the best of a few starts."""
    from scipy.optimize import minimize

    # In (persistence, share) the constraint is a box.
    def unfolded(p: np.ndarray) -> float:
        return cost(np.array([p[0] * p[1], p[0] * (1 - p[1])]))

    starts = [(0.95, 0.05), (0.8, 0.2), (0.3, 0.3)]
    bounds = [(0.0, STATIONARY), (0.0, 1.0)]
    found = min(
        (minimize(unfolded, s, bounds=bounds, method="L-BFGS-B") for s in starts), key=lambda r: r.fun
    )
    persistence, share = found.x
    return float(persistence * share), float(persistence * (1 - share))
