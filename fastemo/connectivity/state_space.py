"""Granger causality between groups of signals, from their cross-spectrum alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

__all__ = ["autocovariance", "check_lags", "granger_spectra", "main_directions", "warn_of_lags", "whittle"]


def granger_spectra(
    csd: np.ndarray, n_seeds: int, n_lags: int, reverse: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Granger causality in nats of every bin, from the first `n_seeds` signals to the others and back.

    `csd` (n_bins, n, n) is taken for the whole spectrum. The model of its autocovariance is that of the state-space form
    of Barnett & Seth 2015 (doi:10.1103/PhysRevE.91.040101), whose transfer function, of an autoregressive model, is the
    inverse of A(f): so n by n systems are solved, and none of n times `n_lags`. `reverse` is that of time.
    """
    gamma = autocovariance(csd, n_lags)
    model, noise = whittle(np.swapaxes(gamma, 1, 2) if reverse else gamma)
    n_bins, n = csd.shape[:2]
    turns = np.exp(-1j * np.pi * np.multiply.outer(np.linspace(0, 1, n_bins), np.arange(1, n_lags + 1)))
    transfer = np.linalg.inv(np.eye(n) - np.tensordot(turns, model, 1))
    power = transfer @ noise @ np.swapaxes(transfer.conj(), 1, 2)
    seeds, targets = slice(0, n_seeds), slice(n_seeds, n)
    return _causality(power, transfer, noise, seeds, targets), _causality(
        power, transfer, noise, targets, seeds
    )


def _causality(
    power: np.ndarray, transfer: np.ndarray, noise: np.ndarray, source: slice, sink: slice
) -> np.ndarray:
    both = noise[sink, source]
    own = noise[source, source] - both.T @ np.linalg.solve(noise[sink, sink], both)
    h = transfer[:, sink, source]
    whole = power[:, sink, sink]
    rest = whole - h @ own @ np.swapaxes(h.conj(), 1, 2)
    return np.linalg.slogdet(whole)[1] - np.linalg.slogdet(rest)[1]


def autocovariance(csd: np.ndarray, n_lags: int) -> np.ndarray:
    """Cov(x_t, x_(t-k)), k from 0 to `n_lags`, of a spectrum whose first and last bin are 0 and half the rate."""
    return np.fft.irfft(csd, 2 * (len(csd) - 1), axis=0)[: n_lags + 1]


def whittle(gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Autoregressive coefficients (order, n, n) and covariance of the noise (Whittle 1963, doi:10.1093/biomet/50.1-2.129).

    Raises LinAlgError where `gamma` (order + 1, n, n) is not positive definite.
    """
    order, n = len(gamma) - 1, gamma.shape[1]
    ahead, back = np.zeros((0, n, n)), np.zeros((0, n, n))
    noise = noise_back = gamma[0]
    for k in range(1, order + 1):
        # What of x_t and x_(t-k) the samples between them leave unexplained.
        rest = gamma[k] - (ahead @ gamma[k - 1 : 0 : -1]).sum(axis=0)
        last = np.linalg.solve(noise_back, rest.T).T
        first = np.linalg.solve(noise, rest).T
        ahead, back = (
            np.concatenate([ahead - last @ back[::-1], last[None]]),
            np.concatenate([back - first @ ahead[::-1], first[None]]),
        )
        noise = gamma[0] - (ahead @ np.swapaxes(gamma[1 : k + 1], 1, 2)).sum(axis=0)
        noise_back = gamma[0] - (back @ gamma[1 : k + 1]).sum(axis=0)
    noise = (noise + noise.T) / 2
    np.linalg.cholesky(noise)
    return ahead, noise


def main_directions(c: np.ndarray, rank: int) -> np.ndarray:
    """Orthonormal columns (..., n, rank) that hold most of symmetric matrices; all of them are left as they are."""
    if rank == c.shape[-1]:
        return np.broadcast_to(np.eye(rank), c.shape)
    return np.linalg.eigh(c)[1][..., : -rank - 1 : -1]


def check_lags(n_lags: Any, modelled: tuple[int, int], n: int, sfreq: float) -> int:
    if isinstance(n_lags, bool) or not isinstance(n_lags, (int, np.integer)) or n_lags < 1:
        raise ValueError(f"n_lags must be a whole number of at least 1, got {n_lags!r}")
    n_bins = modelled[1] - modelled[0]
    if n_lags >= 2 * (n_bins - 1):
        whole = n_bins == n // 2 + 1
        mend = (
            f"epochs of at least {(n_lags + 3) / sfreq:g} s" if whole else 'spectrum="whole", longer epochs'
        )
        raise ValueError(
            f"n_lags is {n_lags}, but {n_bins} bins tell of {max(2 * (n_bins - 1) - 1, 0)} lags: use {mend} or fewer lags"
        )
    return int(n_lags)


def warn_of_lags(n: int, n_lags: int, n_signals: int) -> None:
    most = n_lags * n_signals
    if n < 10 * most:
        warnings.warn(
            f'"gc" fits {most} coefficients per channel to what {n} samples tell: use at least ten samples for each, so '
            "longer or more epochs, fewer n_lags or a lower rank=",
            RuntimeWarning,
            stacklevel=3,
        )
