"""Covariances that a few bad samples do not spoil, and those of complex signals: in NumPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastemo._validate import check_finite, check_in, check_positive

__all__ = ["covariance_mest", "mcd", "of_complex"]

M_ESTIMATORS = ("hub", "stu", "tyl")


def covariance_mest(
    X: Any,
    m_estimator: str,
    *,
    init: Any = None,
    tol: float = 1e-2,
    n_iter_max: int = 50,
    assume_centered: bool = False,
    q: float = 0.9,
    nu: float = 5,
    norm: str = "trace",
) -> np.ndarray:
    """Robust M-estimate of the covariance, as pyRiemann's `covariance_mest`: samples far off weigh less.

    C <- 1/n sum_t w(x_t' C^-1 x_t) x_t x_t' until it stands still (Ollila, Tyler, Koivunen, Poor 2012,
    doi:10.1109/TSP.2012.2212433).

    Parameters
    ----------
    X : array_like of real or complex numbers, shape (..., n_channels, n_times)
    m_estimator : {"hub", "stu", "tyl"}
        Huber's, Student's t or Tyler's weights. Tyler's has no scale: see `norm`.
    init : array_like, shape (n_channels, n_channels), optional
        Where to start; the covariance if not given.
    tol : float
        It ends when a step changes the matrix by less than this share.
    n_iter_max : int
        Steps; a warning says if they did not suffice.
    assume_centered : bool
        Do not take the channels' means off.
    q : float in (0, 1]
        Of "hub": the share of samples that are taken for good.
    nu : float
        Of "stu": the degrees of freedom.
    norm : {"trace", "determinant"}
        Of "tyl": the trace is made n_channels, or the determinant 1.

    Returns
    -------
    ndarray, shape (..., n_channels, n_channels)

    Raises
    ------
    ValueError
        Values that are not finite, and windows of too low a rank.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 500))
    >>> x[:, 7] = 40.0
    >>> bool(np.cov(x)[0, 1] > 2), bool(abs(covariance_mest(x, "stu")[0, 1]) < 0.5)
    (True, True)
    """
    check_in("m_estimator", m_estimator, M_ESTIMATORS)
    check_in("norm", norm, ("trace", "determinant"))
    q, nu, tol = check_positive("q", q), check_positive("nu", nu), check_positive("tol", tol, zero=True)
    if q > 1:
        raise ValueError(f"q must be in (0, 1], got {q:g}")
    if isinstance(n_iter_max, bool) or not isinstance(n_iter_max, (int, np.integer)) or n_iter_max < 1:
        raise ValueError(f"n_iter_max must be a whole number of at least 1, got {n_iter_max!r}")
    x = _checked(X)
    n = x.shape[-2]
    if not assume_centered:
        x = x - x.mean(axis=-1, keepdims=True)
    begin = None if init is None else np.asarray(init)
    if begin is not None and begin.shape != (n, n):
        raise ValueError(f"init must have shape {(n, n)}, got {begin.shape}")
    weigh = _weights(m_estimator, n, q, nu)
    flat = x.reshape(-1, *x.shape[-2:])
    out = np.empty((len(flat), n, n), flat.dtype)
    for i, (window, to) in enumerate(zip(flat, out, strict=True)):
        c = window @ window.conj().T / window.shape[1] if begin is None else begin
        for _ in range(n_iter_max):
            values = np.linalg.eigvalsh(c)
            if not values[0] > n * np.finfo(float).eps * abs(values[-1]):
                raise ValueError(
                    f"X[{i}] has a covariance of too low a rank for {m_estimator!r} (eigenvalues {values[0]:.2g} to "
                    f'{values[-1]:.2g}): use more samples, fewer channels, or "oas"'
                )
            distances = np.einsum("ct,ct->t", window.conj(), np.linalg.solve(c, window)).real
            weighted = window * np.sqrt(weigh(distances))
            before, c = c, weighted @ weighted.conj().T / window.shape[1]
            if np.linalg.norm(c - before) <= tol * np.linalg.norm(before):
                break
        else:
            warnings.warn(
                f"the estimate {m_estimator!r} of X[{i}] did not converge in {n_iter_max} steps: raise n_iter_max or tol",
                UserWarning,
                stacklevel=2,
            )
        if m_estimator == "tyl":
            c = c / (np.trace(c).real / n if norm == "trace" else np.exp(np.linalg.slogdet(c)[1] / n))
        to[:] = c
    return out.reshape(*x.shape[:-1], n)


def _weights(m_estimator: str, n: int, q: float, nu: float) -> Any:
    if m_estimator == "hub":
        from scipy.stats import chi2

        limit = chi2.ppf(q, n) / 2
        scale = chi2.cdf(2 * limit, n + 1) + limit * (1 - q) / n
        return lambda d: np.minimum(1, limit / np.maximum(d, 1e-300)) / scale
    if m_estimator == "stu":
        return lambda d: (2 * n + nu) / (nu + 2 * d)
    # A sample that is zero has no direction.
    return lambda d: np.divide(n, d, out=np.zeros_like(d), where=d > 0)


def mcd(X: Any, **options: Any) -> np.ndarray:
    """Minimum covariance determinant of each window, by scikit-learn's `fast_mcd` and its options.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 500))
    >>> x[:, 7] = 1000.0
    >>> bool(np.cov(x)[0, 1] > 1000), bool(abs(mcd(x, random_state=0)[0, 1]) < 0.1)
    (True, True)
    """
    from sklearn.covariance import fast_mcd

    x = _checked(X)
    flat = x.reshape(-1, *x.shape[-2:])
    return np.stack([fast_mcd(window.T, **options)[1] for window in flat]).reshape(*x.shape[:-1], x.shape[-2])


def of_complex(estimate: Any, X: np.ndarray) -> np.ndarray:
    """The covariance of complex signals from that of their real and imaginary parts, which `estimate` gives.

    Abrahamsson, Selen and Stoica 2007, doi:10.1109/ICASSP.2007.366399.

    Examples
    --------
    >>> of_complex(lambda x: x @ x.swapaxes(-1, -2), np.array([[1 + 1j, 0]]))
    array([[2.+0.j]])
    """
    n = X.shape[-2]
    c = estimate(np.concatenate([X.real, X.imag], axis=-2))
    re, im = slice(None, n), slice(n, None)
    return c[..., re, re] + c[..., im, im] + 1j * (c[..., im, re] - c[..., re, im])


def _checked(X: Any) -> np.ndarray:
    x = np.asarray(X)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"X must hold numbers, got dtype {x.dtype}")
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(f"X must have shape (..., n_channels, n_times), got {x.shape}")
    x = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64, copy=False)
    return check_finite("X", x)
