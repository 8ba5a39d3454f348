"""Tangent spaces: where matrices are vectors, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.riemann._matrices import (
    as_stack,
    check_pair,
    congruence,
    expm,
    invsqrtm,
    logm,
    spectral_map,
    sqrtm,
)

__all__ = ["exp_map", "log_map", "tangent_space", "tangent_vectors", "untangent_space", "unupper", "upper"]


def _log_riemann(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    return logm(congruence(x, invsqrtm(reference), threads), threads=threads)


def _exp_riemann(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    return congruence(expm(x, threads=threads), sqrtm(reference), threads)


def _log_euclid(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    return x - reference


def _exp_euclid(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    return x + reference


def _log_logeuclid(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    """The derivative of exp at ln R, of ln X - ln R: in the basis of R's eigenvectors."""
    values, vectors = np.linalg.eigh(reference)
    logs = np.log(values)
    difference = vectors.conj().T @ (logm(x, threads=threads) - logm(reference)) @ vectors
    return vectors @ (_divided(logs, values) * difference) @ vectors.conj().T


def _exp_logeuclid(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    values, vectors = np.linalg.eigh(reference)
    difference = vectors.conj().T @ x @ vectors / _divided(np.log(values), values)
    return expm(logm(reference) + vectors @ difference @ vectors.conj().T, threads=threads)


def _divided(logs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(e^a - e^b)/(a - b) for all pairs of logarithms; e^a where they are as good as equal."""
    apart = logs[:, None] - logs
    close = np.abs(apart) < 1e-6
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (values[:, None] - values) / apart
    return np.where(close, np.sqrt(values[:, None] * values), ratio)


def _log_wasserstein(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    root, inverse = sqrtm(reference), invsqrtm(reference)
    half = inverse @ sqrtm(congruence(x, root, threads), threads=threads) @ root
    return half + half.conj().swapaxes(-1, -2) - 2 * reference


def _exp_wasserstein(x: np.ndarray, reference: np.ndarray, threads: int) -> np.ndarray:
    values, vectors = np.linalg.eigh(reference)
    half = vectors.conj().T @ x @ vectors / (values[:, None] + values)
    return reference + x + vectors @ (half @ (values[:, None] * half)) @ vectors.conj().T


Map = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
MAPS: dict[str, tuple[Map, Map]] = {
    "euclid": (_log_euclid, _exp_euclid),
    "logeuclid": (_log_logeuclid, _exp_logeuclid),
    "riemann": (_log_riemann, _exp_riemann),
    "wasserstein": (_log_wasserstein, _exp_wasserstein),
}


def log_map(X: Any, Cref: Any, *, metric: str = "riemann", threads: int = 1) -> np.ndarray:
    """Matrices to the tangent space at a reference, as pyRiemann's `log_map`.

    Parameters
    ----------
    X : array_like, shape (..., n, n)
    Cref : array_like, shape (n, n)
    metric : {"riemann", "euclid", "logeuclid", "wasserstein"}
        "riemann" gives ln(R^-1/2 X R^-1/2): whitened, so that lengths are those of distances.
    threads : int

    Returns
    -------
    ndarray, shape (..., n, n)
        Symmetric matrices.

    Examples
    --------
    >>> log_map(np.e * np.eye(2), np.eye(2)).round(9) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    x, reference = _mapped(X, Cref, metric, "X")
    return MAPS[metric][0](x, reference, threads)


def exp_map(X: Any, Cref: Any, *, metric: str = "riemann", threads: int = 1) -> np.ndarray:
    """Tangent matrices at a reference back to positive definite ones; the inverse of `log_map`.

    Parameters
    ----------
    X : array_like, shape (..., n, n)
    Cref : array_like, shape (n, n)
    metric : {"riemann", "euclid", "logeuclid", "wasserstein"}
    threads : int

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> exp_map(np.zeros((2, 2)), 3 * np.eye(2)).round(9)
    array([[3., 0.],
           [0., 3.]])
    """
    x, reference = _mapped(X, Cref, metric, "X")
    return MAPS[metric][1](x, reference, threads)


def upper(X: Any) -> np.ndarray:
    """Upper triangles by rows, off the diagonal times sqrt 2: the norm of the vector is that of the matrix.

    Parameters
    ----------
    X : array_like, shape (..., n, n)

    Returns
    -------
    ndarray, shape (..., n (n + 1) / 2)

    Examples
    --------
    >>> upper([[1.0, 2.0], [2.0, 3.0]]).round(3)
    array([1.   , 2.828, 3.   ])
    """
    x = as_stack("X", X)
    rows, columns = np.triu_indices(x.shape[-1])
    return x[..., rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))


def unupper(T: Any) -> np.ndarray:
    """Symmetric matrices of vectors; the inverse of `upper`.

    Parameters
    ----------
    T : array_like, shape (..., n (n + 1) / 2)

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> unupper([1.0, 0.0, 3.0])
    array([[1., 0.],
           [0., 3.]])
    """
    t = np.asarray(T)
    t = t.astype(np.complex128 if t.dtype.kind == "c" else np.float64)
    n = (int(np.sqrt(1 + 8 * t.shape[-1])) - 1) // 2 if t.ndim else 0
    if n < 1 or n * (n + 1) // 2 != t.shape[-1]:
        raise ValueError(f"T must have n (n + 1) / 2 columns for some n, got shape {t.shape}")
    rows, columns = np.triu_indices(n)
    out = np.empty((*t.shape[:-1], n, n), t.dtype)
    values = t / np.where(rows == columns, 1.0, np.sqrt(2))
    out[..., columns, rows] = values.conj()
    out[..., rows, columns] = values
    return out


def tangent_space(X: Any, Cref: Any, *, metric: str = "riemann", threads: int = 1) -> np.ndarray:
    """Tangent vectors of matrices at a reference, as pyRiemann's `tangent_space`.

    Parameters
    ----------
    X : array_like, shape (..., n, n)
        Symmetric positive definite.
    Cref : array_like, shape (n, n)
        The reference, usually a mean (`gmean`) of training data.
    metric : {"riemann", "euclid", "logeuclid", "wasserstein"}
    threads : int
        Results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n (n + 1) / 2)
        `upper(log_map(X, Cref))`: with "riemann" its length is the distance from the reference.

    Raises
    ------
    ValueError
        Matrices that are not finite, symmetric or positive definite.

    Examples
    --------
    >>> tangent_space([np.diag([np.e, 1.0])], np.eye(2)).round(9) + 0.0
    array([[1., 0., 0.]])
    """
    x, reference = _mapped(X, Cref, metric, "X")
    if metric == "riemann":
        flat = tangent_vectors(x.reshape(-1, *x.shape[-2:]), invsqrtm(reference), threads)
        return flat.reshape(*x.shape[:-2], flat.shape[1])
    return upper(MAPS[metric][0](x, reference, threads))


def untangent_space(T: Any, Cref: Any, *, metric: str = "riemann", threads: int = 1) -> np.ndarray:
    """Matrices of tangent vectors; the inverse of `tangent_space`.

    Parameters
    ----------
    T : array_like, shape (..., n (n + 1) / 2)
    Cref : array_like, shape (n, n)
    metric : {"riemann", "euclid", "logeuclid", "wasserstein"}
    threads : int

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> untangent_space([[1.0, 0.0, 0.0]], np.eye(2)).round(6) + 0.0
    array([[[2.718282, 0.      ],
            [0.      , 1.      ]]])
    """
    return exp_map(unupper(T), Cref, metric=metric, threads=threads)


def tangent_vectors(x: np.ndarray, whitening: np.ndarray, threads: int = 1, floor: float = 0.0) -> np.ndarray:
    """upper(ln(W C W^H)) of matrices (n_matrices, n, n), smaller eigenvalues counting as `floor` if that is not 0."""
    return spectral_map("tangent", np.ascontiguousarray(x), whitening[None], floor=floor, threads=threads)


def _mapped(X: Any, Cref: Any, metric: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    check_in("metric", metric, MAPS)
    x, reference = check_pair(X, Cref, (name, "Cref"))
    if reference.ndim != 2:
        raise ValueError(f"Cref must be one matrix of shape (n, n), got shape {reference.shape}")
    return x, reference
