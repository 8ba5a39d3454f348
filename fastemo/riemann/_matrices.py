"""Functions of symmetric positive definite matrices, and what all of the family need."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_positive
from fastemo.reference.riemann import NOT_FINITE, NOT_SYMMETRIC, TOO_LARGE
from fastemo.reference.riemann import spectral_map as by_numpy

__all__ = [
    "as_stack", "check_pair", "check_threads", "check_weights", "congruence", "expm", "invsqrtm", "logm", "powm",
    "spectral_map", "sqrtm",
]  # fmt: skip

_spectral_map, _congruence = resolve("spectral_map"), resolve("congruence")


def sqrtm(C: Any, *, threads: int = 1) -> np.ndarray:
    """Square root of symmetric (or Hermitian) positive semidefinite matrices.

    Parameters
    ----------
    C : array_like, shape (..., n, n)
    threads : int
        Results do not depend on it.

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n, n)

    Raises
    ------
    ValueError
        A matrix that is not finite, not symmetric or has a negative eigenvalue beyond rounding.

    Examples
    --------
    >>> sqrtm([[4.0, 0.0], [0.0, 9.0]])
    array([[2., 0.],
           [0., 3.]])
    """
    return _function("sqrt", C, threads)


def invsqrtm(C: Any, *, threads: int = 1) -> np.ndarray:
    """Inverse square root of symmetric (or Hermitian) positive definite matrices.

    Parameters
    ----------
    C : array_like, shape (..., n, n)
    threads : int

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n, n)

    Raises
    ------
    ValueError
        A matrix that is not finite, not symmetric or not of full rank.

    Examples
    --------
    >>> invsqrtm([[4.0, 0.0], [0.0, 16.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return _function("inverse_sqrt", C, threads)


def logm(C: Any, *, threads: int = 1) -> np.ndarray:
    """Logarithm of symmetric (or Hermitian) positive definite matrices.

    Parameters
    ----------
    C : array_like, shape (..., n, n)
    threads : int

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n, n)

    Raises
    ------
    ValueError
        A matrix that is not finite, not symmetric or not of full rank. (The logarithm of rounding noise would
        outweigh everything else in the result.)

    Examples
    --------
    >>> logm(np.diag([1.0, np.e])).round(9) + 0.0
    array([[0., 0.],
           [0., 1.]])
    """
    return _function("log", C, threads)


def expm(C: Any, *, threads: int = 1) -> np.ndarray:
    """Exponential of symmetric (or Hermitian) matrices.

    Parameters
    ----------
    C : array_like, shape (..., n, n)
    threads : int

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n, n)

    Raises
    ------
    ValueError
        A matrix that is not finite, not symmetric or has an eigenvalue beyond 700.

    Examples
    --------
    >>> expm(np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return _function("exp", C, threads)


def powm(C: Any, alpha: float, *, threads: int = 1) -> np.ndarray:
    """Power of symmetric (or Hermitian) positive definite matrices.

    Parameters
    ----------
    C : array_like, shape (..., n, n)
    alpha : float
        The exponent.
    threads : int

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n, n)

    Examples
    --------
    >>> powm(np.diag([4.0, 9.0]), -0.5).round(6)
    array([[0.5     , 0.      ],
           [0.      , 0.333333]])
    """
    try:
        exponent = float(alpha)
    except (TypeError, ValueError):
        raise TypeError(f"alpha must be a number, got {alpha!r}") from None
    if not np.isfinite(exponent):
        raise ValueError(f"alpha must be a finite number, got {alpha!r}")
    return _function("power", C, threads, exponent)


def _function(name: str, C: Any, threads: int, exponent: float = 0.0, argument: str = "C") -> np.ndarray:
    x = as_stack(argument, C)
    flat = spectral_map(
        "function", x.reshape(-1, *x.shape[-2:]), None, name, exponent, threads=threads, argument=argument
    )
    return flat.reshape(x.shape)


def as_stack(name: str, X: Any) -> np.ndarray:
    """`X` as float64 or complex128 square matrices, in C order."""
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, expected a plain one")
    x = np.asarray(X)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"{name} must hold numbers, got dtype {x.dtype}")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1] == 0:
        raise ValueError(f"{name} must hold square matrices of shape (..., n, n), got shape {x.shape}")
    return np.ascontiguousarray(x, np.complex128 if x.dtype.kind == "c" else np.float64)


def check_pair(A: Any, B: Any, names: tuple[str, str] = ("A", "B")) -> tuple[np.ndarray, np.ndarray]:
    """Two stacks of matrices of one size; B may be a single matrix for all of A."""
    a, b = as_stack(names[0], A), as_stack(names[1], B)
    if a.shape[-1] != b.shape[-1] or (b.ndim > 2 and a.shape != b.shape):
        raise ValueError(
            f"{names[1]} must be one matrix of the size of those in {names[0]}, or as many as there, got shapes "
            f"{a.shape} and {b.shape}"
        )
    return a, b


def check_threads(threads: Any) -> int:
    """`threads` as an int of at least 1."""
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


def check_weights(sample_weight: Any, n: int) -> np.ndarray:
    """Weights of n matrices that sum to 1; equal ones for None."""
    if sample_weight is None:
        return np.full(n, 1 / n)
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (n,):
        raise ValueError(f"sample_weight must have one weight per matrix ({n}), got shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise ValueError("sample_weight must be finite, not negative and not all zero")
    return weights / weights.sum()


def spectral_map(
    what: str,
    matrices: np.ndarray,
    whitening: np.ndarray | None,
    function: str = "log",
    exponent: float = 0.0,
    *,
    floor: float = 0.0,
    threads: int = 1,
    argument: str = "X",
) -> np.ndarray:
    """The kernel, compiled for real matrices; its faults as errors about `argument`."""
    threads = check_threads(threads)
    check_positive("floor", floor, zero=True)
    is_complex = matrices.dtype.kind == "c" or (whitening is not None and whitening.dtype.kind == "c")
    kernel = by_numpy if is_complex else _spectral_map
    result, faults = kernel(what, function, exponent, floor, matrices, whitening, threads)
    if faults.any():
        i = int(np.flatnonzero(faults)[0])
        raise ValueError(_fault(int(faults[i]), matrices[i], i if len(matrices) > 1 else None, argument))
    return result


def _fault(fault: int, matrix: np.ndarray, i: int | None, argument: str) -> str:
    where = f"{argument}[{i}]" if i is not None else argument
    if fault == NOT_FINITE:
        return f"{where} must be finite, got {int((~np.isfinite(matrix)).sum())} NaN or infinite values"
    if fault == NOT_SYMMETRIC:
        apart = np.abs(matrix - matrix.conj().T).max() / np.abs(matrix).max()
        return (
            f"{where} must be symmetric, but opposite elements differ by up to {apart:.2g} of the largest: "
            "pass (X + X.T) / 2 if that is meant"
        )
    values = np.linalg.eigvalsh((matrix + matrix.conj().T) / 2)
    if fault == TOO_LARGE:
        return (
            f"{where} must have eigenvalues of at most 700 for an exponential, got {np.abs(values).max():.3g}"
        )
    return (
        f"{where} must be positive definite, but its eigenvalues go from {values[0]:.3g} to {values[-1]:.3g}: "
        "channels depend on each other (an average reference, interpolated channels) or there are fewer samples than "
        'channels; leave a channel out, or shrink: estimator="oas" or "lwf"'
    )


def congruence(matrices: np.ndarray, whitening: np.ndarray, threads: int = 1) -> np.ndarray:
    """W C W^H of every matrix (..., n, n)."""
    if matrices.dtype.kind == "c" or whitening.dtype.kind == "c":
        return whitening @ matrices @ whitening.conj().swapaxes(-1, -2)
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    return _congruence(flat, np.ascontiguousarray(whitening), check_threads(threads)).reshape(matrices.shape)
