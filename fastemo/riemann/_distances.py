"""Distances between symmetric positive definite matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.riemann._matrices import as_stack, check_pair, congruence, invsqrtm, logm, spectral_map, sqrtm

__all__ = [
    "distance", "distance_euclid", "distance_harmonic", "distance_kullback", "distance_kullback_right",
    "distance_kullback_sym", "distance_logchol", "distance_logdet", "distance_logeuclid", "distance_riemann",
    "distance_wasserstein", "distances_to", "pairwise_distance",
]  # fmt: skip


def distance_riemann(A: Any, B: Any, squared: bool = False, *, threads: int = 1) -> Any:
    """Affine-invariant distance: the root of the sum of ln^2 of the eigenvalues of B^-1 A.

    Parameters
    ----------
    A : array_like, shape (..., n, n)
    B : array_like, shape (..., n, n) or (n, n)
    squared : bool
    threads : int

    Returns
    -------
    float or ndarray, shape (...,)

    Raises
    ------
    ValueError
        Matrices that are not positive definite.

    Examples
    --------
    >>> round(float(distance_riemann(np.diag([1.0, np.e]), np.eye(2))), 9)
    1.0
    """
    a, b = check_pair(A, B)
    whitening = invsqrtm(b, threads=threads)
    if b.ndim == 2:
        d2 = spectral_map("distances", _flat(a), whitening[None], threads=threads, argument="A")[:, 0]
    else:
        d2 = spectral_map("distances", _flat(whitening @ a @ whitening), None, threads=threads, argument="A")[
            :, 0
        ]
    return _result(d2, a, squared)


def distance_euclid(A: Any, B: Any, squared: bool = False) -> Any:
    """Frobenius norm of the difference.

    Examples
    --------
    >>> float(distance_euclid(np.diag([3.0, 5.0]), np.diag([0.0, 1.0])))
    5.0
    """
    a, b = check_pair(A, B)
    return _result((np.abs(a - b) ** 2).sum(axis=(-2, -1)), a, squared)


def distance_logeuclid(A: Any, B: Any, squared: bool = False, *, threads: int = 1) -> Any:
    """Frobenius norm of the difference of the logarithms.

    Examples
    --------
    >>> round(float(distance_logeuclid(np.diag([1.0, np.e]), np.eye(2))), 9)
    1.0
    """
    a, b = check_pair(A, B)
    return distance_euclid(logm(a, threads=threads), logm(b, threads=threads), squared)


def distance_wasserstein(A: Any, B: Any, squared: bool = False, *, threads: int = 1) -> Any:
    """Bures-Wasserstein distance: tr(A + B - 2 (B^1/2 A B^1/2)^1/2) is its square. Semidefinite matrices will do.

    Examples
    --------
    >>> float(distance_wasserstein(np.diag([4.0, 0.0]), np.diag([1.0, 0.0])))
    1.0
    """
    a, b = check_pair(A, B)
    root = sqrtm(b, threads=threads)
    middle = sqrtm(root @ a @ root, threads=threads)
    d2 = np.trace(a + b - 2 * middle, axis1=-2, axis2=-1).real
    return _result(np.maximum(d2, 0), a, squared)


def distance_harmonic(A: Any, B: Any, squared: bool = False) -> Any:
    """Frobenius norm of the difference of the inverses.

    Examples
    --------
    >>> float(distance_harmonic(np.diag([1.0, 0.5]), np.eye(2)))
    1.0
    """
    a, b = check_pair(A, B)
    return distance_euclid(np.linalg.inv(a), np.linalg.inv(b), squared)


def distance_kullback(A: Any, B: Any, squared: bool = False) -> Any:
    """Kullback-Leibler divergence of centred Gaussians with covariances A from those with B; not symmetric.

    Examples
    --------
    >>> float(distance_kullback(np.eye(2), np.eye(2)))
    0.0
    """
    a, b = check_pair(A, B)
    trace = np.trace(np.linalg.solve(b, a), axis1=-2, axis2=-1).real
    d = 0.5 * (trace - a.shape[-1] + _logdet("B", b) - _logdet("A", a))
    return _result(d**2, a, squared, d)


def distance_kullback_right(A: Any, B: Any, squared: bool = False) -> Any:
    """`distance_kullback(B, A)`.

    Examples
    --------
    >>> float(distance_kullback_right(np.eye(2), np.eye(2)))
    0.0
    """
    a, b = check_pair(A, B)
    return distance_kullback(np.broadcast_to(b, a.shape), a, squared)


def distance_kullback_sym(A: Any, B: Any, squared: bool = False) -> Any:
    """Sum of both Kullback-Leibler divergences.

    Examples
    --------
    >>> float(distance_kullback_sym(np.eye(2), np.eye(2)))
    0.0
    """
    d = distance_kullback(A, B) + distance_kullback_right(A, B)
    return d**2 if squared else d


def distance_logchol(A: Any, B: Any, squared: bool = False) -> Any:
    """Distance of the Cholesky factors, with logarithms on the diagonal (Lin 2019, doi:10.1137/18M1221084).

    Examples
    --------
    >>> round(float(distance_logchol(np.diag([1.0, np.e**2]), np.eye(2))), 9)
    1.0
    """
    a, b = check_pair(A, B)
    la, lb = _cholesky("A", a), _cholesky("B", b)
    d2 = (np.abs(np.tril(la, -1) - np.tril(lb, -1)) ** 2).sum(axis=(-2, -1))
    logs = [np.log(np.diagonal(m, axis1=-2, axis2=-1).real) for m in (la, lb)]
    return _result(d2 + ((logs[0] - logs[1]) ** 2).sum(axis=-1), a, squared)


def distance_logdet(A: Any, B: Any, squared: bool = False) -> Any:
    """Root of ln det((A + B)/2) - ln det(A B)/2.

    Examples
    --------
    >>> float(distance_logdet(np.eye(2), np.eye(2)))
    0.0
    """
    a, b = check_pair(A, B)
    d2 = _logdet("A", (a + b) / 2) - 0.5 * (_logdet("A", a) + _logdet("B", b))
    return _result(np.maximum(d2, 0), a, squared)


DISTANCES: dict[str, Callable[..., Any]] = {
    "euclid": distance_euclid,
    "harmonic": distance_harmonic,
    "kullback": distance_kullback,
    "kullback_right": distance_kullback_right,
    "kullback_sym": distance_kullback_sym,
    "logchol": distance_logchol,
    "logdet": distance_logdet,
    "logeuclid": distance_logeuclid,
    "riemann": distance_riemann,
    "wasserstein": distance_wasserstein,
}


def distance(A: Any, B: Any, metric: str = "riemann", squared: bool = False) -> Any:
    """Distance between matrices by the name of the metric, as pyRiemann's `distance`.

    Parameters
    ----------
    A : array_like, shape (n, n) or (n_matrices, n, n)
    B : array_like, shape (n, n) or that of A
    metric : str
        "euclid", "harmonic", "kullback", "kullback_right", "kullback_sym", "logchol", "logdet", "logeuclid", "riemann"
        or "wasserstein".
    squared : bool

    Returns
    -------
    float or ndarray
        One for each matrix of A; of shape (n_matrices, 1) where B is a single matrix and A several, as there.

    Examples
    --------
    >>> distance(np.array([np.eye(2), np.e * np.eye(2)]), np.eye(2), squared=True).round(9)
    array([[0.],
           [2.]])
    """
    function = DISTANCES[check_in("metric", metric, DISTANCES)]
    d = function(A, B, squared=squared)
    return d[:, None] if np.ndim(A) == 3 and np.ndim(B) == 2 else d


def distances_to(X: np.ndarray, points: np.ndarray, metric: str, threads: int = 1) -> np.ndarray:
    """Squared distances of matrices (n_matrices, n, n) to points (n_points, n, n): (n_matrices, n_points)."""
    if metric == "riemann":
        return spectral_map("distances", X, invsqrtm(points, threads=threads), threads=threads)
    if metric == "logeuclid":
        logs, others = logm(X, threads=threads), logm(points, threads=threads)
        return np.stack([distance_euclid(logs, other, squared=True) for other in others], axis=1)
    return np.stack([DISTANCES[metric](X, point, squared=True) for point in points], axis=1)


def pairwise_distance(
    X: Any, Y: Any = None, metric: str = "riemann", squared: bool = False, *, threads: int = 1
) -> np.ndarray:
    """Distances between all matrices of X and all of Y (or of X).

    Parameters
    ----------
    X : array_like, shape (n_x, n, n)
    Y : array_like, shape (n_y, n, n), optional
    metric : str
        As in `distance`.
    squared : bool
    threads : int

    Returns
    -------
    ndarray, shape (n_x, n_y)

    Examples
    --------
    >>> pairwise_distance([np.eye(2), 2 * np.eye(2)], metric="euclid").round(3)
    array([[0.   , 1.414],
           [1.414, 0.   ]])
    """
    check_in("metric", metric, DISTANCES)
    x = as_stack("X", X)
    y = x if Y is None else as_stack("Y", Y)
    if x.ndim != 3 or y.ndim != 3 or x.shape[1:] != y.shape[1:]:
        raise ValueError(
            f"X and Y must have shapes (n_matrices, n, n) with one n, got {x.shape} and {y.shape}"
        )
    d2 = distances_to(x, y, metric, threads)
    if Y is None and not metric.startswith("kullback"):
        d2 = np.triu(d2, 1)
        d2 = d2 + d2.T
    return d2 if squared else np.sqrt(d2)


def _flat(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.reshape(-1, *x.shape[-2:]))


def _result(d2: np.ndarray, a: np.ndarray, squared: bool, d: np.ndarray | None = None) -> Any:
    """The distances in the shape of what was given."""
    if not squared:
        d2 = np.sqrt(d2) if d is None else d
    return np.asarray(d2).reshape(a.shape[:-2])[()]


def _cholesky(name: str, x: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        logm(x)  # says which matrix and why
        raise ValueError(f"{name} must be positive definite to rounding: shrink the covariances") from None


def _logdet(name: str, x: np.ndarray) -> np.ndarray:
    factor = _cholesky(name, x)
    return 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1).real).sum(axis=-1)


def whitened(x: np.ndarray, reference: np.ndarray, threads: int = 1) -> np.ndarray:
    """R^-1/2 X R^-1/2."""
    return congruence(x, invsqrtm(reference, threads=threads), threads)
