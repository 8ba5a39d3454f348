"""Covariance matrices of windows of signals."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_finite, check_in
from fastemo.reference.riemann import ESTIMATORS
from fastemo.riemann._matrices import check_threads
from fastemo.riemann._robust import M_ESTIMATORS, covariance_mest, mcd, of_complex

__all__ = ["covariances", "covariances_EP", "cross_spectrum", "hermitian_product"]

_covariance, _hermitian_product = resolve("covariance"), resolve("hermitian_product")
LEAST_SAMPLES = {"cov": 2, "sch": 3}


def covariances(
    X: Any,
    estimator: str = "cov",
    *,
    shrinkage: float = 0.1,
    assume_centered: bool = False,
    weights: Any = None,
    threads: int = 1,
    **options: Any,
) -> np.ndarray:
    """Covariance matrix of each window, as pyRiemann's `covariances`.

    Parameters
    ----------
    X : array_like, shape (..., n_channels, n_times)
        Of any strides; float32 and float64 are not copied. Complex signals go through NumPy and give Hermitian matrices,
        as pyRiemann's do.
    estimator : {"cov", "scm", "corr", "lwf", "oas", "sch", "shrunk", "hub", "stu", "tyl", "mcd"}
        "cov": divided by n_times - 1, as `numpy.cov`; "scm": by n_times; "corr": of channels scaled to unit variance
        (a constant one correlates with none); shrunk towards the mean variance by the formula of Ledoit and Wolf
        [1]_ ("lwf") or of Chen et al. [2]_ ("oas"), as in scikit-learn, or by `shrinkage` ("shrunk"); shrunk towards
        the diagonal, after Schaefer and Strimmer [3]_ ("sch"). Robust ones, in NumPy: "hub", "stu" and "tyl", see
        `covariance_mest`, and the minimum covariance determinant of scikit-learn's `fast_mcd` ("mcd").
    shrinkage : float in [0, 1]
        Of "shrunk" only.
    assume_centered : bool
        Do not take the channels' means off; for "scm", "lwf", "oas" and the M-estimators.
    weights : array_like, shape (n_times,), optional
        How much each sample counts, for "scm", of the mean too; their scale does not matter.
    threads : int
        Results do not depend on it.
    **options
        Of robust estimators.

    Returns
    -------
    ndarray of float64 (complex128), shape (..., n_channels, n_channels)

    Raises
    ------
    ValueError
        NaN or infinite samples, or too few of them.

    Notes
    -----
    Samples are read once, in blocks about their own means that are then put together without cancellation [4]_: the
    result is positive semidefinite whatever the channels' offsets.

    References
    ----------
    .. [1] Ledoit, Wolf, A well-conditioned estimator for large-dimensional covariance matrices, 2004,
       doi:10.1016/S0047-259X(03)00096-4.
    .. [2] Chen, Wiesel, Eldar, Hero, Shrinkage algorithms for MMSE covariance estimation, 2010,
       doi:10.1109/TSP.2010.2053029.
    .. [3] Schaefer, Strimmer, A shrinkage approach to large-scale covariance matrix estimation, 2005,
       doi:10.2202/1544-6115.1175.
    .. [4] Chan, Golub, LeVeque, Algorithms for computing the sample variance, 1983, doi:10.1080/00031305.1983.10483115.

    Examples
    --------
    >>> covariances([[[1.0, -1.0, 1.0, -1.0], [2.0, -2.0, -2.0, 2.0]]], "scm")
    array([[[1., 0.],
            [0., 4.]]])
    """
    check_in("estimator", estimator, (*ESTIMATORS, *M_ESTIMATORS, "mcd"))
    if estimator in M_ESTIMATORS:
        return covariance_mest(X, estimator, assume_centered=assume_centered, **options)
    if estimator == "mcd":
        return (
            of_complex(lambda x: mcd(x, **options), np.asarray(X))
            if np.iscomplexobj(X)
            else mcd(X, **options)
        )
    if options:
        raise TypeError(f"covariances got {next(iter(options))}=, which {estimator!r} does not take")
    if (
        isinstance(shrinkage, bool)
        or not isinstance(shrinkage, (int, float, np.number))
        or not 0 <= shrinkage <= 1
    ):
        raise ValueError(f"shrinkage must be a number in [0, 1], got {shrinkage!r}")
    if assume_centered and estimator not in ("scm", "lwf", "oas"):
        raise ValueError(
            f'assume_centered=True has no meaning for estimator={estimator!r}: use "scm", "lwf" or "oas"'
        )
    if weights is not None:
        if estimator != "scm":
            raise ValueError(f'weights have no meaning for estimator={estimator!r}: use "scm"')
        return _weighted(X, weights, assume_centered)
    if np.iscomplexobj(X):
        if estimator in ("cov", "scm", "corr"):
            return _complex(X, estimator, assume_centered)
        again: dict[str, Any] = {
            "shrinkage": shrinkage,
            "assume_centered": assume_centered,
            "threads": threads,
        }
        return of_complex(lambda x: covariances(x, estimator, **again), np.asarray(X))
    x = _signals("X", X)
    least = LEAST_SAMPLES.get(estimator, 1)
    if x.shape[-1] < least:
        raise ValueError(f"X must hold at least {least} samples for {estimator!r}, got shape {x.shape}")
    flat = x.reshape(-1, *x.shape[-2:])
    code = ESTIMATORS.index(estimator)
    c = _covariance(flat, code, float(shrinkage), not assume_centered, check_threads(threads))
    finite = np.isfinite(c[:, 0]).all(axis=-1) & np.isfinite(np.einsum("bii->bi", c)).all(axis=-1)
    if not finite.all():
        i = int(np.flatnonzero(~finite)[0])
        bad = int((~np.isfinite(flat[i])).sum())
        what = f"{bad} NaN or infinite values" if bad else "values so large that their squares overflow"
        where = f"X[{i}]" if len(flat) > 1 else "X"
        raise ValueError(f"{where} must be finite, got {what}: leave the window out, or mend it first")
    return c.reshape(*x.shape[:-1], x.shape[-2])


def _weighted(X: Any, weights: Any, assume_centered: bool) -> np.ndarray:
    x = np.asarray(X, np.complex128) if np.iscomplexobj(X) else _signals("X", X).astype(np.float64)
    check_finite("X", x)
    w = np.asarray(weights, np.float64)
    if w.shape != x.shape[-1:] or not (np.isfinite(w).all() and (w >= 0).all() and w.sum() > 0):
        raise ValueError(
            f"weights must be one per sample ({x.shape[-1]}), finite, not negative and not all zero, got shape {w.shape}"
        )
    w = w / w.sum()
    if not assume_centered:
        x = x - (x * w).sum(axis=-1, keepdims=True)
    return (x * w) @ x.conj().swapaxes(-1, -2)


def _complex(X: Any, estimator: str, assume_centered: bool) -> np.ndarray:
    x = check_finite("X", np.asarray(X, np.complex128))
    n = x.shape[-1]
    if x.ndim < 2 or 0 in x.shape[-2:] or n < LEAST_SAMPLES.get(estimator, 1):
        raise ValueError(f"X must have shape (..., n_channels, n_times) and enough samples, got {x.shape}")
    if not assume_centered:
        x = x - x.mean(axis=-1, keepdims=True)
    c = hermitian_product(x) / (n - 1 if estimator == "cov" else n)
    if estimator == "corr":
        variances = np.einsum("...ii->...i", c).real
        inverse = np.sqrt(np.divide(1, variances, out=np.zeros(variances.shape), where=variances > 0))
        c *= inverse[..., None] * inverse[..., None, :]
        np.einsum("...ii->...i", c)[:] = 1
    return c


def covariances_EP(X: Any, P: Any, estimator: str = "cov", **options: Any) -> np.ndarray:
    """Covariance of each window together with a prototyped response, as pyRiemann's `covariances_EP`.

    Parameters
    ----------
    X : array_like, shape (..., n_channels, n_times)
    P : array_like, shape (n_channels_proto, n_times)
    estimator : str
        And further options: see `covariances`.

    Returns
    -------
    ndarray of float64, shape (..., n_channels_proto + n_channels, n_channels_proto + n_channels)

    Examples
    --------
    >>> covariances_EP(np.ones((1, 2, 4)), [[1.0, -1.0, 1.0, -1.0]], "scm").shape
    (1, 3, 3)
    """
    x, p = _signals("X", X), _signals("P", P)
    if p.ndim != 2 or p.shape[1] != x.shape[-1]:
        raise ValueError(f"P must have shape (n_channels_proto, {x.shape[-1]}), got {p.shape}")
    p = np.broadcast_to(p, (*x.shape[:-2], *p.shape))
    return covariances(np.concatenate([p, x], axis=-2), estimator, **options)


def hermitian_product(Z: Any, *, threads: int = 1) -> np.ndarray:
    """Z Z^H of complex signals, summed over their samples.

    Parameters
    ----------
    Z : array_like of complex numbers, shape (..., n_channels, n_samples)
        complex64 and complex128 of any strides are not copied.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ndarray of complex128, shape (..., n_channels, n_channels)
        Hermitian exactly; real exactly between channels that are equal.

    Examples
    --------
    >>> hermitian_product([[1 + 1j, 0], [0, 2j]])
    array([[2.+0.j, 0.+0.j],
           [0.+0.j, 4.+0.j]])
    """
    z = np.asarray(Z)
    if z.dtype.kind not in "biufc":
        raise TypeError(f"Z must hold complex numbers, got dtype {z.dtype}")
    if z.ndim < 2 or 0 in z.shape[-2:]:
        raise ValueError(f"Z must have shape (..., n_channels, n_samples), got {z.shape}")
    z = z.astype(np.complex64 if z.dtype == np.complex64 else np.complex128, copy=False)
    flat = z.reshape(-1, *z.shape[-2:])[..., None]
    product = _hermitian_product(flat.view(flat.real.dtype), check_threads(threads))
    return product.view(np.complex128)[..., 0].reshape(*z.shape[:-1], z.shape[-2])


def cross_spectrum(
    X: Any,
    window: int = 128,
    overlap: float = 0.75,
    fmin: float | None = None,
    fmax: float | None = None,
    fs: float | None = None,
    *,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Cross-spectral matrices by Welch's method, as pyRiemann's `cross_spectrum`.

    Parameters
    ----------
    X : array_like of real numbers, shape (..., n_channels, n_times)
    window : int
        Samples of a segment, under a Hann taper; no mean is taken off.
    overlap : float in (0, 1)
        Share of a segment that the next one has too.
    fmin, fmax : float, optional
        Frequencies in Hz to keep; they need `fs`.
    fs : float, optional
        Sampling frequency in Hz.
    threads : int
        Results do not depend on it.

    Returns
    -------
    S : ndarray of complex128, shape (..., n_channels, n_channels, n_freqs)
        One-sided. The real part is the co-spectrum.
    freqs : ndarray, shape (n_freqs,), or None without `fs`

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((3, 2, 500))
    >>> S, freqs = cross_spectrum(x, window=100, fmin=8, fmax=13, fs=250)
    >>> S.shape, freqs
    ((3, 2, 2, 2), array([10. , 12.5]))
    """
    x = _signals("X", X)
    n = x.shape[-1]
    if isinstance(window, bool) or not isinstance(window, (int, np.integer)) or not 2 <= window <= n:
        raise ValueError(f"window must be a whole number of 2 to {n} samples, got {window!r}")
    if not 0 < overlap < 1:
        raise ValueError(f"overlap must lie between 0 and 1, got {overlap!r}")
    if fs is None and not (fmin is None and fmax is None):
        raise ValueError("fmin and fmax need fs, the sampling frequency")
    step = max(1, int((1 - overlap) * window))
    taper = np.hanning(window)
    segments = np.lib.stride_tricks.sliding_window_view(x, window, axis=-1)[..., ::step, :]
    spectra = np.conj(np.fft.rfft(segments * taper, axis=-1))
    freqs = None
    scale = np.full(spectra.shape[-1], 2 / (spectra.shape[-2] * (taper**2).sum()))
    scale[0] /= 2
    if window % 2 == 0:
        scale[-1] /= 2
    if fs is not None:
        freqs = np.arange(spectra.shape[-1]) * (float(fs) / window)
        low, high = 0.0 if fmin is None else fmin, fs / 2 if fmax is None else fmax
        if not 0 <= low < high <= fs / 2:
            raise ValueError(
                f"fmin and fmax must rise from 0 to at most fs/2 = {fs / 2:g} Hz, got {low} and {high}"
            )
        kept = (freqs >= low) & (freqs <= high)
        freqs, scale, spectra = freqs[kept], scale[kept], spectra[..., kept]
    S = hermitian_product(np.moveaxis(spectra, -1, -3), threads=threads)
    return np.moveaxis(S, -3, -1) * scale, freqs


def _signals(name: str, X: Any) -> np.ndarray:
    """`X` as float32 or float64 signals (..., n_channels, n_times)."""
    x = np.asarray(X)
    if x.dtype.kind == "c":
        raise TypeError(
            f"{name} must be real, got dtype {x.dtype}: use hermitian_product for complex signals"
        )
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {x.dtype}")
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise ValueError(f"{name} must have shape (..., n_channels, n_times), got {x.shape}")
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    return np.require(x, dtype, "A")
