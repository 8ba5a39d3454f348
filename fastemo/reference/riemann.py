"""Covariances and functions of symmetric matrices, written to be read: the oracle of the compiled kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["congruence", "covariance", "hermitian_product", "of_products", "spectral_map"]

# What was wrong with a matrix.
NOT_FINITE, NOT_SYMMETRIC, NOT_POSITIVE, TOO_LARGE = 1, 2, 3, 4
FUNCTIONS: dict[str, Any] = {
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "inverse_sqrt": lambda values: 1 / np.sqrt(values),
}
ESTIMATORS = ("cov", "scm", "corr", "lwf", "oas", "sch", "shrunk")
OF_PRODUCTS = ("cov", "scm", "corr", "oas", "shrunk")  # the others need the samples


def spectral_map(
    what: str,
    function: str,
    exponent: float,
    floor: float,
    matrices: np.ndarray,
    whitening: np.ndarray | None,
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """What the eigenvalues of matrices say, and which matrices were wrong (they give NaN).

    Parameters
    ----------
    what : {"function", "tangent", "distances", "values"}
        A function of each matrix; the upper triangle of its logarithm, off the diagonal times sqrt 2; the sum of the
        squared logarithms of its eigenvalues; the eigenvalues.
    function : {"log", "exp", "sqrt", "inverse_sqrt", "power"}
    exponent : float
        Of "power".
    floor : float
        Smaller eigenvalues count as this; 0: those of at most n eps times the largest are refused.
    matrices : ndarray, shape (n_matrices, n, n)
    whitening : ndarray, shape (n_whitenings, n, n), or None
        W of W C W', one unless distances or values are asked for.
    threads : int
        There is one here.

    Examples
    --------
    >>> spectral_map("distances", "log", 0, 0, np.diag([1.0, np.e])[None], None, 1)
    (array([[1.]]), array([0], dtype=uint8))
    """
    x = np.asarray(matrices)
    n_matrices, n = x.shape[:2]
    faults = np.zeros(n_matrices, np.uint8)
    finite = np.isfinite(x).all(axis=(1, 2))
    with np.errstate(invalid="ignore"):
        mean = (x + x.conj().swapaxes(1, 2)) / 2
        apart = np.abs(x - x.conj().swapaxes(1, 2)).max(axis=(1, 2), initial=0)
        faults[apart > 1e-6 * np.abs(mean).max(axis=(1, 2), initial=0)] = NOT_SYMMETRIC
    faults[~finite] = NOT_FINITE
    mean[faults > 0] = 0
    if whitening is not None:
        mean = whitening @ mean[:, None] @ whitening.conj().swapaxes(-1, -2)
    else:
        mean = mean[:, None]
    values, vectors = np.linalg.eigh(mean)
    if what == "function" and function == "exp":
        large = np.abs(values).max(axis=(1, 2), initial=0) > 700
        faults[large & (faults == 0)] = TOO_LARGE
        values[large] = 0
    elif what != "values":
        values = _required(values, floor, what == "function" and function == "sqrt", faults)
    if what == "values":
        result = values
    elif what == "distances":
        result = (np.log(values) ** 2).sum(axis=-1)
    else:
        name = "log" if what == "tangent" else function
        mapped = values**exponent if name == "power" else FUNCTIONS[name](values)
        result = ((vectors * mapped[..., None, :]) @ vectors.conj().swapaxes(-1, -2))[:, 0]
        if what == "tangent":
            rows, columns = np.triu_indices(n)
            result = result[:, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))
    result[faults > 0] = np.nan
    return result, faults


def _required(values: np.ndarray, floor: float, or_zero: bool, faults: np.ndarray) -> np.ndarray:
    """Eigenvalues as their function needs them: positive; what is not so is marked."""
    if floor > 0:
        return np.maximum(values, floor)
    least = values.shape[-1] * np.finfo(float).eps * np.abs(values).max(axis=-1)
    low = values.min(axis=-1)
    wrong = (low < -least if or_zero else low <= least).any(axis=-1)
    faults[wrong & (faults == 0)] = NOT_POSITIVE
    return np.maximum(values, 0 if or_zero else 1e-300)


def congruence(matrices: np.ndarray, whitening: np.ndarray, threads: int) -> np.ndarray:
    """W C W' of every matrix.

    Examples
    --------
    >>> congruence(np.eye(2)[None], np.diag([1.0, 2.0]), 1)
    array([[[1., 0.],
            [0., 4.]]])
    """
    return whitening @ matrices @ whitening.T


def covariance(
    windows: np.ndarray, estimator: int, shrinkage: float, centre: bool, threads: int
) -> np.ndarray:
    """The covariance of each window (n_windows, n_channels, n_samples); `estimator` counts in ESTIMATORS.

    Examples
    --------
    >>> covariance(np.array([[[1.0, -1.0, 1.0, -1.0]]]), 1, 0.0, True, 1)
    array([[[1.]]])
    """
    x = np.asarray(windows, np.float64)
    n = x.shape[-1]
    if centre:
        x = x - x.mean(axis=-1, keepdims=True)
    name = ESTIMATORS[estimator]
    c = x @ x.swapaxes(1, 2) / (n - 1 if name == "cov" else n)
    out = np.empty_like(c)
    for one, window, to in zip(c, x, out, strict=True):
        if name == "sch":
            inverse, correlation = _correlation(one)
            to[:] = _towards_diagonal(one, window**2 * inverse[:, None], correlation)
        elif name == "lwf":
            to[:] = _shrunk(one, _lwf(one, window))
        else:
            to[:] = of_products(name, one, n, shrinkage)
    return out


def of_products(name: str, c: np.ndarray, n: float, shrinkage: float) -> np.ndarray:
    """The estimate of a matrix of mean products, of about n samples; `name` is one of OF_PRODUCTS."""
    if name == "corr":
        _, correlation = _correlation(c)
        variances = np.diag(c)
        np.fill_diagonal(correlation, np.where(np.isfinite(variances), 1.0, variances))
        return correlation
    return _shrunk(c, {"oas": lambda: _oas(c, n), "shrunk": lambda: shrinkage}.get(name, lambda: 0.0)())


def _correlation(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One by the variances (0 where that is 0), and the correlations."""
    variances = np.diag(c)
    inverse = np.divide(1, variances, out=np.zeros(len(c)), where=variances > 0)
    return inverse, c * np.sqrt(np.outer(inverse, inverse))


def _shrunk(c: np.ndarray, share: float) -> np.ndarray:
    return (1 - share) * c + share * np.diag(c).mean() * np.eye(len(c))


def _lwf(c: np.ndarray, x: np.ndarray) -> float:
    """Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4."""
    n_channels, n = x.shape
    if n_channels == 1:
        return 0.0
    mu = np.trace(c) / n_channels
    delta = ((c - mu * np.eye(n_channels)) ** 2).sum() / n_channels
    beta = (((x**2).sum(axis=0) ** 2).sum() / n - (c**2).sum()) / (n_channels * n)
    return 0.0 if beta == 0 else min(beta, delta) / delta


def _oas(c: np.ndarray, n: float) -> float:
    """Chen, Wiesel, Eldar, Hero 2010, doi:10.1109/TSP.2010.2053029, as scikit-learn has it."""
    n_channels = len(c)
    if n_channels == 1:
        return 0.0
    alpha, mu2 = (c**2).mean(), (np.trace(c) / n_channels) ** 2
    down = (n + 1) * (alpha - mu2 / n_channels)
    return 1.0 if down == 0 else min((alpha + mu2) / down, 1.0)


def _towards_diagonal(c: np.ndarray, squares: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Schaefer and Strimmer 2005, doi:10.2202/1544-6115.1175."""
    n = squares.shape[1]
    beside = ~np.eye(len(c), dtype=bool)
    variance = (n / (n - 1) ** 3 * (squares @ squares.T - n * correlation**2))[beside].sum()
    total = ((n / (n - 1) * correlation[beside]) ** 2).sum()
    share = np.clip(variance / total, 0, 1) if total > 0 else 0.0
    return n / (n - 1) * np.where(beside, (1 - share) * c, c)


def hermitian_product(samples: np.ndarray, threads: int) -> np.ndarray:
    """z z^H of complex signals; they and the result have real and imaginary part in the last axis.

    Examples
    --------
    >>> hermitian_product(np.array([[[[3.0, 4.0]]]]), 1)
    array([[[[25.,  0.]]]])
    """
    z = samples[..., 0].astype(np.float64) + 1j * samples[..., 1]
    product = z @ z.conj().swapaxes(1, 2)
    return np.stack([product.real, product.imag], axis=-1)
