"""Who leads whom: multivariate autoregressive models and the measures of direction taken from them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_positive
from fastemo.connectivity._arguments import DIRECTED, check_flat, epochs_of, methods_of, names_of, refuse_nan
from fastemo.connectivity._design import bins_of_bands
from fastemo.connectivity.result import ConnectivityResult

__all__ = [
    "DIRECTED",
    "Autoregression",
    "directed_connectivity",
    "fit_autoregression",
    "granger",
    "transfer_entropy",
]


@dataclass(frozen=True, eq=False)
class Autoregression:
    """x_t = sum_k A_k x_(t-k) + e, a vector of all channels at a time.

    Attributes
    ----------
    coefficients : ndarray, shape (order, n_channels, n_channels)
        A_k with row = sink, column = source.
    noise : ndarray, shape (n_channels, n_channels)
        Covariance of e.
    n_equations : int
        Samples that the fit rests on.
    """

    coefficients: np.ndarray
    noise: np.ndarray
    n_equations: int

    @property
    def order(self) -> int:
        return len(self.coefficients)

    @property
    def radius(self) -> float:
        """Largest modulus of an eigenvalue of the companion matrix; below 1 the model is stable."""
        p, n, _ = self.coefficients.shape
        companion = np.eye(n * p, k=-n)
        companion[:n] = np.concatenate(self.coefficients, axis=1)
        return float(np.abs(np.linalg.eigvals(companion)).max())

    def inverse_transfer(self, freqs: Any, sfreq: float) -> np.ndarray:
        """A(f) = I - sum_k A_k exp(-2 pi i f k / sfreq), shape (n_freqs, n_channels, n_channels)."""
        k = np.arange(1, self.order + 1)
        turns = np.exp(-2j * np.pi * np.multiply.outer(np.asarray(freqs, float), k) / sfreq)
        return np.eye(self.coefficients.shape[1]) - np.tensordot(turns, self.coefficients, 1)


def fit_autoregression(x: Any, order: int | None = None, max_order: int = 20) -> Autoregression:
    """Least-squares fit of a multivariate autoregressive model, pooled over epochs.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        The mean of every epoch is taken off.
    order : int, optional
        By default the one of at most `max_order` with the lowest Bayesian information criterion.
    max_order : int

    Returns
    -------
    Autoregression

    Raises
    ------
    ValueError
        Fewer equations than unknowns; channels that are copies or sums of others.

    Warns
    -----
    RuntimeWarning
        Fewer than ten equations per unknown of a channel, or a model that is not stable.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 5000))
    >>> x[1, 1:] += 0.8 * x[0, :-1]
    >>> fit_autoregression(x, order=1).coefficients.round(1)[0] + 0.0
    array([[0. , 0. ],
           [0.8, 0. ]])
    """
    return _fit(_checked(x), order, max_order, 3)


def _fit(x: np.ndarray, order: int | None, max_order: int, stacklevel: int) -> Autoregression:
    """The model of checked signals; warnings are `stacklevel` calls up."""
    if order is None:
        limit = min(_order(max_order, "max_order"), _most(x))
        if limit < 1:
            _order_fits(1, x)
        order = min(range(1, limit + 1), key=lambda p: _criterion(_solve(x, p), x.shape[1]))
    else:
        _order_fits(_order(order, "order"), x)
    model = _solve(x, order)
    if model.n_equations < 10 * order * x.shape[1]:
        warnings.warn(
            f"{model.n_equations} samples for {order * x.shape[1]} coefficients per channel: use at least ten samples for "
            "each, fewer channels or a lower order",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
    if model.radius >= 1:
        warnings.warn(
            f"the model is not stable (radius {model.radius:.3g}): the signal is not stationary, or the order too high",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
    return model


def directed_connectivity(
    x: Any,
    sfreq: float,
    bands: Any = None,
    *,
    methods: str | Sequence[str] = "gpdc",
    order: int | None = None,
    fmin: Any = None,
    fmax: Any = None,
    n_fft: int = 512,
    ch_names: Sequence[str] | None = None,
) -> ConnectivityResult:
    """Directed connectivity in frequency bands from an autoregressive model of all channels.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
    sfreq : float
        In Hz.
    bands, fmin, fmax
        As for `connectivity`; values are means over the frequencies of a band.
    methods : str or sequence of str
        Of "pdc" (partial directed coherence [1]_), "gpdc" (the same for channels of any size), "ffpdc" (its denominator
        summed over all frequencies), "pdcf" (partial directed coherence factor [1]_, by the whole covariance of the
        noise), "dtf" (directed transfer function [2]_), "gdtf", "ffdtf" (its denominator summed over all frequencies),
        "ddtf" (times the partial coherence), "granger" (Geweke's spectral causality [3]_ of each pair by itself, in nats);
        without direction "coh" and "pcoh", coherence and partial coherence of the model.
    order : int, optional
        Of the model; by default by the Bayesian information criterion, up to 20.
    n_fft : int
        Frequencies are multiples of sfreq / n_fft.
    ch_names : sequence of str, optional

    Returns
    -------
    ConnectivityResult
        For all ordered pairs: seeds are sources, targets are sinks, so `dense()[i, j]` is from i to j.

    References
    ----------
    .. [1] Baccala & Sameshima 2001, doi:10.1007/PL00007990.
    .. [2] Kaminski & Blinowska 1991, doi:10.1007/BF00198091.
    .. [3] Geweke 1982, doi:10.1080/01621459.1982.10477803.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 5000))
    >>> x[1, 1:] += 0.8 * x[0, :-1]
    >>> result = directed_connectivity(x, 250, {"beta": (13, 30)}, order=2)
    >>> bool(result.dense()[0, 1, 0] > 0.5), bool(result.dense()[1, 0, 0] < 0.1)
    (True, True)
    """
    chosen = methods_of(methods, DIRECTED)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    n_fft = _order(n_fft, "n_fft")
    band_names, edges = bins_of_bands(bands, fmin, fmax, n_fft, sfreq)
    x = _checked(x)
    names = names_of(ch_names, x.shape[1])
    model = _fit(x, order, 20, 3)
    freqs = np.arange(n_fft // 2 + 1) * sfreq / n_fft
    spectra = _directed(model, freqs, sfreq, [m for m in chosen if m != "granger"])
    if "granger" in chosen:
        spectra["granger"] = _geweke(x, model.order, freqs, sfreq)
    sources, sinks = np.nonzero(~np.eye(x.shape[1], dtype=bool))
    values = {}
    for m in chosen:
        by_band = [spectra[m][a:b].mean(axis=0) for a, b in edges[:, :2]]
        values[m] = np.stack([matrix[sinks, sources] for matrix in by_band], axis=1)
    limits = np.stack([edges[:, 0], edges[:, 1] - 1], axis=1) * (sfreq / n_fft)
    n = dict.fromkeys(chosen, float(model.n_equations))
    return ConnectivityResult(values, sources, sinks, names, limits.mean(axis=1), limits, band_names, n)


def granger(x: Any, order: int | None = None) -> np.ndarray:
    """Granger causality in time, conditional on all other channels, in nats.

    F[i, j] = ln(var(e_i without the past of j) / var(e_i)), from source j to sink i; the diagonal is 0. Of unrelated
    channels n_equations F is about chi-square with `order` degrees of freedom.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
    order : int, optional
        By default by the Bayesian information criterion.

    Returns
    -------
    ndarray, shape (n_channels, n_channels)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 5000))
    >>> x[1, 1:] += 0.8 * x[0, :-1]
    >>> granger(x, order=1).round(1) + 0.0
    array([[0. , 0. ],
           [0.5, 0. ]])
    """
    return _granger(x, order, 4)


def _granger(x: Any, order: int | None, stacklevel: int) -> np.ndarray:
    x = _checked(x)
    model = _fit(x, order, 20, stacklevel)
    past, now = _equations(x, model.order)
    gram, cross, total = past @ past.T, past @ now.T, np.einsum("ct,ct->c", now, now)
    full = np.diag(model.noise) * model.n_equations
    n, out = x.shape[1], np.zeros((x.shape[1], x.shape[1]))
    for j in range(n):
        keep = np.arange(len(past)) % n != j
        fitted = np.linalg.solve(gram[np.ix_(keep, keep)], cross[keep])
        residual = total - np.einsum("kc,kc->c", cross[keep], fitted)
        out[:, j] = np.log(np.maximum(residual / full, 1.0))
    np.fill_diagonal(out, 0.0)
    return out


def transfer_entropy(x: Any, order: int | None = None) -> np.ndarray:
    """Transfer entropy of Gaussian signals in nats, conditional on all other channels: half of `granger`.

    I(x_t; past of y | past of x and the rest), [i, j] from source j to sink i. For Gaussian signals this is exact
    (Barnett, Barrett & Seth 2009, doi:10.1103/PhysRevLett.103.238701); for others it is the part that a linear model
    sees.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
    order : int, optional

    Returns
    -------
    ndarray, shape (n_channels, n_channels)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 5000))
    >>> x[1, 1:] += 0.8 * x[0, :-1]
    >>> transfer_entropy(x, order=1).round(2) + 0.0
    array([[0.  , 0.  ],
           [0.25, 0.  ]])
    """
    return _granger(x, order, 4) / 2


def _checked(x: Any) -> np.ndarray:
    x = epochs_of(x).astype(np.float64)
    names = names_of(None, x.shape[1])
    if not np.isfinite(x).all():
        refuse_nan(x, names)
    check_flat(x, names)
    return x - x.mean(axis=-1, keepdims=True)


def _order(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def _most(x: np.ndarray) -> int:
    """The highest order with more equations than unknowns in a channel."""
    n_epochs, n_channels, n = x.shape
    return max((n_epochs * n - 1) // (n_channels + n_epochs), 0)


def _order_fits(order: int, x: np.ndarray) -> None:
    if order > _most(x):
        n_epochs, n_channels, n = x.shape
        raise ValueError(
            f"order {order} of {n_channels} channels has {order * n_channels} unknowns per channel, but x gives "
            f"{n_epochs * max(n - order, 0)} equations: pass more samples, fewer channels or a lower order"
        )


def _equations(x: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Past (order * n_channels, n_equations), lag by lag, and present (n_channels, n_equations)."""
    n_channels, n = x.shape[1:]
    lags = [x[:, :, order - k : n - k] for k in range(1, order + 1)]
    past = np.concatenate(lags, axis=1).transpose(1, 0, 2).reshape(order * n_channels, -1)
    return past, x[:, :, order:].transpose(1, 0, 2).reshape(n_channels, -1)


def _solve(x: np.ndarray, order: int) -> Autoregression:
    past, now = _equations(x, order)
    n = len(now)
    scale = np.sqrt(np.mean(now**2, axis=1))
    scale = np.where(scale > 0, scale, 1.0)
    many = np.tile(scale, order)
    solution, _, rank, _ = np.linalg.lstsq((past / many[:, None]).T, (now / scale[:, None]).T, rcond=1e-10)
    if rank < len(past):
        raise ValueError(
            "channels are copies or sums of others (as after an average reference), which leaves their directions "
            "open: leave channels out"
        )
    residual = now - (solution.T * scale[:, None] / many) @ past
    coefficients = (solution.T * scale[:, None] / many).reshape(n, order, n).transpose(1, 0, 2)
    return Autoregression(coefficients, residual @ residual.T / now.shape[1], now.shape[1])


def _criterion(model: Autoregression, n_channels: int) -> float:
    _, determinant = np.linalg.slogdet(model.noise)
    return float(determinant + np.log(model.n_equations) / model.n_equations * model.order * n_channels**2)


def _directed(
    model: Autoregression, freqs: np.ndarray, sfreq: float, methods: Sequence[str]
) -> dict[str, np.ndarray]:
    """Measures (n_freqs, sink, source)."""
    a = model.inverse_transfer(freqs, sfreq)
    size, out = np.sqrt(np.diag(model.noise)), {}
    if {"pdc", "gpdc", "ffpdc"} & {*methods}:
        for name, weight in (("pdc", np.ones_like(size)), ("gpdc", 1 / size)):
            weighted = np.abs(a) * weight[:, None]
            out[name] = weighted / np.sqrt(np.sum(weighted**2, axis=1, keepdims=True))
        out["ffpdc"] = np.abs(a) / np.sqrt(np.sum(np.abs(a) ** 2, axis=(0, 1), keepdims=True))
    if {"dtf", "gdtf", "ffdtf", "ddtf"} & {*methods}:
        h = np.abs(np.linalg.inv(a))
        out["dtf"] = h / np.sqrt(np.sum(h**2, axis=2, keepdims=True))
        out["gdtf"] = h * size / np.sqrt(np.sum((h * size) ** 2, axis=2, keepdims=True))
        out["ffdtf"] = h / np.sqrt(np.sum(h**2, axis=(0, 2), keepdims=True))
    if "coh" in methods:
        h = np.linalg.inv(a)
        out["coh"] = _normalised(h @ model.noise @ np.conj(np.swapaxes(h, 1, 2)))
    if {"ddtf", "pcoh", "pdcf"} & {*methods}:
        g = np.conj(np.swapaxes(a, 1, 2)) @ np.linalg.inv(model.noise) @ a
        out["pcoh"] = _normalised(g)
        out["pdcf"] = np.abs(a) / np.sqrt(np.real(np.einsum("fii->fi", g)))[:, None, :]
    if "ddtf" in methods:
        out["ddtf"] = out["pcoh"] * out["ffdtf"]
    return out


def _normalised(s: np.ndarray) -> np.ndarray:
    """Absolute values of matrices (n_freqs, n, n) by the roots of their diagonals."""
    own = np.sqrt(np.real(np.einsum("fii->fi", s)))
    return np.abs(s) / (own[:, :, None] * own[:, None, :])


def _geweke(x: np.ndarray, order: int, freqs: np.ndarray, sfreq: float) -> np.ndarray:
    """Spectral causality (n_freqs, sink, source) of each pair by itself."""
    n = x.shape[1]
    out = np.zeros((len(freqs), n, n))
    for i in range(n):
        for j in range(i):
            model = _solve(x[:, [i, j]], order)
            h, s = np.linalg.inv(model.inverse_transfer(freqs, sfreq)), model.noise
            power = np.real(np.einsum("fab,bc,fac->fa", h, s, h.conj()))
            for sink, source in ((0, 1), (1, 0)):
                only = s[source, source] - s[0, 1] ** 2 / s[sink, sink]
                rest = power[:, sink] - only * np.abs(h[:, sink, source]) ** 2
                out[:, (i, j)[sink], (i, j)[source]] = np.log(power[:, sink] / rest)
    return out
