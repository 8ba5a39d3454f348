"""Means of symmetric positive definite matrices, and the lines between two of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.riemann._matrices import (
    as_stack,
    check_pair,
    check_weights,
    congruence,
    expm,
    invsqrtm,
    logm,
    powm,
    sqrtm,
)
from fastemo.riemann._tangent import tangent_vectors, unupper

__all__ = [
    "geodesic", "geodesic_euclid", "geodesic_logeuclid", "geodesic_riemann", "geodesic_wasserstein", "gmean",
    "mean_euclid", "mean_harmonic", "mean_kullback_sym", "mean_logchol", "mean_logeuclid", "mean_riemann",
    "mean_wasserstein",
]  # fmt: skip


def mean_euclid(X: Any, sample_weight: Any = None) -> np.ndarray:
    """Arithmetic mean.

    Parameters
    ----------
    X : array_like, shape (n_matrices, n, n)
    sample_weight : array_like, shape (n_matrices,), optional

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> mean_euclid([np.eye(2), 3 * np.eye(2)])
    array([[2., 0.],
           [0., 2.]])
    """
    x, weights = _set(X, sample_weight)
    return np.tensordot(weights, x, axes=(0, 0))


def mean_harmonic(X: Any, sample_weight: Any = None) -> np.ndarray:
    """Inverse of the mean of the inverses.

    Examples
    --------
    >>> mean_harmonic([np.eye(2), np.eye(2) / 3])
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    x, weights = _set(X, sample_weight)
    return np.linalg.inv(np.tensordot(weights, np.linalg.inv(x), axes=(0, 0)))


def mean_logeuclid(X: Any, sample_weight: Any = None, *, threads: int = 1) -> np.ndarray:
    """Exponential of the mean of the logarithms: one step, and close to `mean_riemann` where matrices are alike.

    Parameters
    ----------
    X : array_like, shape (n_matrices, n, n)
    sample_weight : array_like, shape (n_matrices,), optional
    threads : int

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> mean_logeuclid([np.eye(2), 4 * np.eye(2)]).round(9)
    array([[2., 0.],
           [0., 2.]])
    """
    x, weights = _set(X, sample_weight)
    return expm(np.tensordot(weights, logm(x, threads=threads), axes=(0, 0)))


def mean_logchol(X: Any, sample_weight: Any = None) -> np.ndarray:
    """Mean of the Cholesky factors, with logarithms on the diagonal.

    Examples
    --------
    >>> mean_logchol([np.eye(2), 4 * np.eye(2)]).round(9)
    array([[2., 0.],
           [0., 2.]])
    """
    x, weights = _set(X, sample_weight)
    logm(x)  # refuses what has no factor
    factors = np.linalg.cholesky(x)
    diagonal = np.exp(np.tensordot(weights, np.log(np.diagonal(factors, axis1=1, axis2=2).real), axes=(0, 0)))
    mean = np.tril(np.tensordot(weights, factors, axes=(0, 0)), -1) + np.diag(diagonal)
    return mean @ mean.conj().T


def mean_riemann(
    X: Any,
    *,
    tol: float = 1e-8,
    maxiter: int = 50,
    init: Any = None,
    sample_weight: Any = None,
    threads: int = 1,
) -> np.ndarray:
    """Geometric mean: the matrix whose affine-invariant distances to all have the smallest sum of squares.

    Parameters
    ----------
    X : array_like, shape (n_matrices, n, n)
    tol : float
        It ends where the mean tangent vector is no longer than this.
    maxiter : int
        Steps; a warning says if they did not suffice.
    init : array_like, shape (n, n), optional
        Where to start; the arithmetic mean if not given.
    sample_weight : array_like, shape (n_matrices,), optional
    threads : int

    Returns
    -------
    ndarray, shape (n, n)

    Raises
    ------
    ValueError
        Matrices that are not positive definite.

    Notes
    -----
    M <- M^1/2 exp(h J) M^1/2 with J the mean of ln(M^-1/2 X M^-1/2) (Moakher 2005, doi:10.1137/S0895479803436937). The
    step h is 1 and is halved only where J grew, so that it takes fewer steps than pyRiemann's, which shrinks it each
    time; both end at the same matrix to `tol`.

    Examples
    --------
    >>> mean_riemann([np.diag([1.0, 4.0]), np.diag([4.0, 1.0])]).round(9) + 0.0
    array([[2., 0.],
           [0., 2.]])
    """
    x, weights = _set(X, sample_weight)
    mean = mean_euclid(x, weights) if init is None else check_pair(x, init, ("X", "init"))[1]
    step, before = 1.0, np.inf
    for _ in range(maxiter):
        root, inverse = sqrtm(mean), invsqrtm(mean)
        tangent = unupper(weights @ tangent_vectors(x, inverse, threads))
        length = float(np.linalg.norm(tangent))
        if length > before:
            step /= 2
        before = length
        mean = _symmetric(root @ expm(step * tangent) @ root)
        if length <= tol or step <= tol:
            return mean
    warnings.warn(
        f"mean_riemann did not converge in {maxiter} steps: the mean tangent vector still has length {length:.2g}, "
        f"wanted {tol:g}",
        UserWarning,
        stacklevel=2,
    )
    return mean


def mean_wasserstein(
    X: Any,
    *,
    tol: float = 1e-8,
    maxiter: int = 50,
    init: Any = None,
    sample_weight: Any = None,
    threads: int = 1,
) -> np.ndarray:
    """Barycentre of centred Gaussians in the Bures-Wasserstein distance, by the fixed point of Alvarez-Esteban 2016.

    Parameters
    ----------
    X : array_like, shape (n_matrices, n, n)
    tol : float
        It ends where a step changes the mean by no more than this share of it.
    maxiter : int
    init : array_like, shape (n, n), optional
    sample_weight : array_like, shape (n_matrices,), optional
    threads : int

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> mean_wasserstein([np.eye(2), 9 * np.eye(2)]).round(6)
    array([[4., 0.],
           [0., 4.]])
    """
    x, weights = _set(X, sample_weight)
    mean = mean_euclid(x, weights) if init is None else check_pair(x, init, ("X", "init"))[1]
    for _ in range(maxiter):
        root, inverse = sqrtm(mean), invsqrtm(mean)
        middle = np.tensordot(weights, sqrtm(congruence(x, root, threads), threads=threads), axes=(0, 0))
        new = _symmetric(inverse @ middle @ middle @ inverse)
        change = float(np.linalg.norm(new - mean) / np.linalg.norm(mean))
        mean = new
        if change <= tol:
            return mean
    warnings.warn(
        f"mean_wasserstein did not converge in {maxiter} steps: the last changed it by {change:.2g}, wanted {tol:g}",
        UserWarning,
        stacklevel=2,
    )
    return mean


def mean_kullback_sym(X: Any, sample_weight: Any = None) -> np.ndarray:
    """Half way from the arithmetic to the harmonic mean.

    Examples
    --------
    >>> mean_kullback_sym([np.eye(2), np.eye(2)]).round(9)
    array([[1., 0.],
           [0., 1.]])
    """
    return geodesic_riemann(mean_euclid(X, sample_weight), mean_harmonic(X, sample_weight), 0.5)


MEANS: dict[str, Callable[..., np.ndarray]] = {
    "euclid": mean_euclid,
    "harmonic": mean_harmonic,
    "kullback_sym": mean_kullback_sym,
    "logchol": mean_logchol,
    "logeuclid": mean_logeuclid,
    "riemann": mean_riemann,
    "wasserstein": mean_wasserstein,
}


def gmean(X: Any, *, metric: str = "riemann", sample_weight: Any = None, **options: Any) -> np.ndarray:
    """Mean of matrices by the name of the metric, as pyRiemann's `gmean` (once `mean_covariance`).

    Parameters
    ----------
    X : array_like, shape (n_matrices, n, n)
    metric : str
        "euclid", "harmonic", "kullback_sym", "logchol", "logeuclid", "riemann" or "wasserstein".
    sample_weight : array_like, shape (n_matrices,), optional
    **options
        Of the mean in question.

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> gmean([np.eye(2), 4 * np.eye(2)], metric="riemann").round(9)
    array([[2., 0.],
           [0., 2.]])
    """
    return MEANS[check_in("metric", metric, MEANS)](X, sample_weight=sample_weight, **options)


def geodesic_euclid(A: Any, B: Any, alpha: Any = 0.5) -> np.ndarray:
    """(1 - alpha) A + alpha B.

    Examples
    --------
    >>> geodesic_euclid([[1.0]], [[3.0]], 0.5)
    array([[2.]])
    """
    a, b = check_pair(A, B)
    t = _share(alpha, a)
    return (1 - t) * a + t * b


def geodesic_logeuclid(A: Any, B: Any, alpha: Any = 0.5) -> np.ndarray:
    """exp((1 - alpha) ln A + alpha ln B).

    Examples
    --------
    >>> geodesic_logeuclid([[1.0]], [[4.0]], 0.5).round(9)
    array([[2.]])
    """
    a, b = check_pair(A, B)
    t = _share(alpha, a)
    return expm((1 - t) * logm(a) + t * logm(b))


def geodesic_riemann(A: Any, B: Any, alpha: float = 0.5) -> np.ndarray:
    """A^1/2 (A^-1/2 B A^-1/2)^alpha A^1/2.

    Parameters
    ----------
    A : array_like, shape (..., n, n)
    B : array_like, shape (..., n, n) or (n, n)
    alpha : float
        0 at A, 1 at B.

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> geodesic_riemann([[1.0]], [[4.0]], 0.5).round(9)
    array([[2.]])
    """
    a, b = check_pair(A, B)
    root, inverse = sqrtm(a), invsqrtm(a)
    return _symmetric(root @ powm(_symmetric(inverse @ b @ inverse), alpha) @ root)


def geodesic_wasserstein(A: Any, B: Any, alpha: Any = 0.5) -> np.ndarray:
    """The line of optimal transport between the Gaussians of covariances A and B.

    Examples
    --------
    >>> geodesic_wasserstein([[1.0]], [[9.0]], 0.5).round(9)
    array([[4.]])
    """
    a, b = check_pair(A, B)
    t = _share(alpha, a)
    root, inverse = sqrtm(a), invsqrtm(a)
    middle = root @ sqrtm(_symmetric(root @ b @ root)) @ inverse
    return (1 - t) ** 2 * a + t**2 * b + t * (1 - t) * (middle + middle.conj().swapaxes(-1, -2))


GEODESICS: dict[str, Callable[..., np.ndarray]] = {
    "euclid": geodesic_euclid,
    "logeuclid": geodesic_logeuclid,
    "riemann": geodesic_riemann,
    "wasserstein": geodesic_wasserstein,
}


def geodesic(A: Any, B: Any, alpha: float, metric: str = "riemann") -> np.ndarray:
    """The matrix a share `alpha` of the way from A to B, by the name of the metric.

    Parameters
    ----------
    A : array_like, shape (..., n, n)
    B : array_like, shape (..., n, n) or (n, n)
    alpha : float
    metric : {"riemann", "euclid", "logeuclid", "wasserstein"}

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> geodesic([[1.0]], [[4.0]], 1.0).round(9)
    array([[4.]])
    """
    return GEODESICS[check_in("metric", metric, GEODESICS)](A, B, alpha)


def _set(X: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    x = as_stack("X", X)
    if x.ndim != 3 or len(x) == 0:
        raise ValueError(f"X must have shape (n_matrices, n, n) with at least one matrix, got {x.shape}")
    return x, check_weights(sample_weight, len(x))


def _share(alpha: Any, a: np.ndarray) -> np.ndarray:
    t = np.asarray(alpha, np.float64)
    if t.ndim and t.shape != a.shape[:-2]:
        raise ValueError(f"alpha must be a number or one per matrix {a.shape[:-2]}, got shape {t.shape}")
    return t[..., None, None] if t.ndim else t


def _symmetric(x: np.ndarray) -> np.ndarray:
    return (x + x.conj().swapaxes(-1, -2)) / 2
