"""Features of pairs of channels, by the names of mne-features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.features._reduce import check_length, each, signals_of, whole
from fastemo.features.psd import power_spectrum

__all__ = ["max_cross_corr", "nonlin_interdep", "phase_lock_val", "spect_corr", "time_corr"]

# Distances that are held at a time.
MOST_VALUES = 1 << 20


def max_cross_corr(
    x: Any,
    sfreq: float,
    max_lag: float = 0.5,
    sides: str = "both",
    include_diag: bool = False,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Largest absolute cross-correlation of each two channels over lags (Mormann 2006).

    Of standardised channels a and b (unbiased deviation), sum_t a_(t+lag) b_t / (n_samples - lag): a little above 1 is
    possible where few samples overlap.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
        In Hz.
    max_lag : float
        Seconds, rounded down to samples.
    sides : {"both", "first"}
        "first": only lags by which the first channel of a pair, that of the lower number, is behind the other, which are all
        that mne-features looks at; `extract_features` takes these.
    include_diag : bool
        Pairs of a channel and itself too.
    threads : int
        Epochs are shared among so many threads; results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs)
        The upper triangle by rows. NaN for a channel that is constant or not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(2, 1000))
    >>> x[1, 7:] = x[0, :-7]
    >>> max_cross_corr(x, 250).round(1), max_cross_corr(x, 250, sides="first").round(1)
    (array([1.]), array([0.1]))
    """
    from scipy.fft import next_fast_len

    check_in("sides", sides, ("both", "first"))
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    most = int(check_positive("max_lag", max_lag, zero=True, unit="seconds") * sfreq)

    def work(epoch: np.ndarray) -> np.ndarray:
        n_channels, n = epoch.shape
        check_length("max_cross_corr", n, most + 2, f"max_lag is {most} samples")
        z = (epoch - epoch.mean(axis=1, keepdims=True)) / epoch.std(axis=1, ddof=1, keepdims=True)
        n_fft = next_fast_len(n + most, real=True)
        spectra = np.fft.rfft(z, n_fft)
        overlap = n - np.arange(most + 1)
        rows = []
        for c in range(n_channels - (not include_diag)):
            product = np.fft.irfft(spectra[c] * spectra[c + (not include_diag) :].conj(), n_fft)
            behind = np.abs(product[:, : most + 1]) / overlap
            rows.append(behind.max(axis=1))
            if sides == "both" and most > 0:
                ahead = np.abs(product[:, : n_fft - most - 1 : -1]) / overlap[1:]
                rows[-1] = np.maximum(rows[-1], ahead.max(axis=1))
        return np.concatenate(rows)

    return _by_epoch(x, work, threads)


def phase_lock_val(x: Any, include_diag: bool = False, *, threads: int = 1) -> np.ndarray:
    """Phase-locking value over the samples of each two channels, of the phases of Hilbert's transform.

    The phases of a broad band mean little: band-pass first, or use `fastemo.connectivity.connectivity`.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    include_diag : bool
        Pairs of a channel and itself too.
    threads : int
        Epochs are shared among so many threads; results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs)
        The upper triangle by rows. NaN for a channel that is not finite.

    Examples
    --------
    >>> t = np.arange(500) / 250
    >>> phase_lock_val([np.sin(2 * np.pi * 10 * t), np.cos(2 * np.pi * 10 * t + 1)]).round(3)
    array([1.])
    """

    def work(epoch: np.ndarray) -> np.ndarray:
        n = epoch.shape[1]
        spectrum = np.fft.fft(epoch)
        spectrum[:, 1 : (n + 1) // 2] *= 2
        spectrum[:, n // 2 + 1 :] = 0
        z = np.fft.ifft(spectrum)
        size = np.abs(z)
        u = np.where(size == 0, 1, z) / np.where(size == 0, 1, size)
        return _upper(np.abs(u @ u.conj().T) / n, include_diag)

    return _by_epoch(x, work, threads)


def nonlin_interdep(
    x: Any, tau: int = 2, emb: int = 10, nn: int = 5, include_diag: bool = False, *, threads: int = 1
) -> np.ndarray:
    """Nonlinear interdependence of each two channels (Arnhold 1999, Mormann 2006): S(a | b) + S(b | a).

    S(a | b) is how far a's states are from their own `nn` nearest ones, over how far they are from a's states at the
    times of b's nearest ones; both as means of squared distances over all states, each of which is its own nearest one,
    as in mne-features.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    tau : int
        Samples between the coordinates of a state.
    emb : int
        Coordinates of a state.
    nn : int
        Nearest states, the state itself among them, so at least 2.
    include_diag : bool
        Pairs of a channel and itself too.
    threads : int
        Epochs are shared among so many threads; results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs)
        The upper triangle by rows; 2 for copies, near 0 for unrelated channels. NaN for a channel that is constant or not
        finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3, 500)).cumsum(axis=1)
    >>> x[1] = np.exp(x[0] / 10)
    >>> found = nonlin_interdep(x)
    >>> bool(found[0] > 5 * max(found[1:]))
    True
    """
    tau, emb, nn = whole("tau", tau, 1), whole("emb", emb, 1), whole("nn", nn, 2)

    def work(epoch: np.ndarray) -> np.ndarray:
        n_channels, n = epoch.shape
        check_length("nonlin_interdep", n, (emb - 1) * tau + nn, f"emb={emb}, tau={tau}, nn={nn}")
        n_states = n - (emb - 1) * tau
        good = np.isfinite(epoch).all(axis=1) & (np.ptp(epoch, axis=1) > 0)
        # Distances are those of differences: what is common to all states may go.
        centred = np.where(good[:, None], epoch - epoch.mean(axis=1, keepdims=True), 0)
        at = np.arange(n_states)[:, None] + tau * np.arange(emb)
        states = centred[:, at]
        near = np.stack([_nearest(state, nn) for state in states])
        apart = np.empty((n_channels, n_channels))
        for a in range(n_channels):
            for b in range(n_channels):
                apart[a, b] = np.mean(np.sum((states[a][near[b]] - states[a][:, None]) ** 2, axis=2))
        share = np.diag(apart)[:, None] / apart
        share[~good] = share[:, ~good] = np.nan
        return _upper(share + share.T, include_diag)

    return _by_epoch(x, work, threads)


def _nearest(states: np.ndarray, nn: int) -> np.ndarray:
    """The numbers of the `nn` nearest states of each, itself among them: (n_states, nn)."""
    size = np.sum(states**2, axis=1)
    step = max(1, MOST_VALUES // len(states))
    out = np.empty((len(states), nn), np.intp)
    for i in range(0, len(states), step):
        part = slice(i, i + step)
        distance = size - 2 * states[part] @ states.T
        # Rounding is not to make another state nearer than itself.
        np.put_along_axis(distance, np.arange(len(states))[part, None], -np.inf, axis=1)
        out[part] = np.argpartition(distance, nn - 1, axis=1)[:, :nn]
    return out


def time_corr(
    x: Any, with_eigenvalues: bool = True, include_diag: bool = False, *, threads: int = 1
) -> np.ndarray:
    """Correlation of each two channels once every sample is standardised over channels, and its spectrum.

    What all channels have in common at a sample is taken off, as by an average reference, and its scale too: mne-features'
    definition. For Pearson's correlation of the channels as they are use `fastemo.connectivity.correlation`.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    with_eigenvalues : bool
        After the pairs, the absolute eigenvalues of the matrix, ascending.
    include_diag : bool
        Pairs of a channel and itself too.
    threads : int
        Epochs are shared among so many threads; results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs) or (..., n_pairs + n_channels)
        The upper triangle by rows. NaN for an epoch that is not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3, 500))
    >>> time_corr(x).shape, time_corr(x, with_eigenvalues=False).shape
    ((6,), (3,))
    """
    return _by_epoch(x, lambda epoch: _correlations(epoch, with_eigenvalues, include_diag), threads)


def spect_corr(
    x: Any,
    sfreq: float,
    with_eigenvalues: bool = True,
    include_diag: bool = False,
    psd_method: str = "welch",
    psd_params: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """The same of the power spectra of channels: each frequency is standardised over channels.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
        In Hz.
    with_eigenvalues, include_diag
        As for `time_corr`.
    psd_method, psd_params, threads
        As `power_spectrum` takes them.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs) or (..., n_pairs + n_channels)
        The upper triangle by rows. NaN for an epoch that is not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(4, 500))
    >>> spect_corr(x, 250).shape
    (10,)
    """
    psd, _ = power_spectrum(x, sfreq, psd_method, psd_params, threads=threads)
    return _by_epoch(psd, lambda epoch: _correlations(epoch, with_eigenvalues, include_diag), threads)


def _correlations(epoch: np.ndarray, with_eigenvalues: bool, include_diag: bool) -> np.ndarray:
    n_channels = len(epoch)
    n_pairs = n_channels * (n_channels - 1) // 2 + n_channels * bool(include_diag)
    if not np.isfinite(epoch).all():
        return np.full(n_pairs + n_channels * bool(with_eigenvalues), np.nan)
    spread = epoch.std(axis=0)
    z = (epoch - epoch.mean(axis=0)) / np.where(
        spread > 10 * np.finfo(float).eps * np.abs(epoch).max(axis=0), spread, 1
    )
    z -= z.mean(axis=1, keepdims=True)
    matrix = z @ z.T
    root = np.sqrt(np.diag(matrix))
    matrix = np.clip(matrix / (root[:, None] * root), -1, 1)
    pairs = _upper(matrix, include_diag)
    if not with_eigenvalues:
        return pairs
    if not np.isfinite(matrix).all():
        return np.concatenate([pairs, np.full(n_channels, np.nan)])
    return np.concatenate([pairs, np.sort(np.abs(np.linalg.eigvalsh(matrix)))])


def _upper(matrix: np.ndarray, include_diag: bool) -> np.ndarray:
    return matrix[np.triu_indices(len(matrix), 0 if include_diag else 1)]


def _by_epoch(x: Any, work: Callable[[np.ndarray], np.ndarray], threads: int) -> np.ndarray:
    """`work` of each (n_channels, n_samples), in the shape of what is before these axes."""
    signals, shape = signals_of(x)
    if len(shape) < 1 or shape[-1] < 2 or 0 in shape:
        got = (*shape, signals.shape[1])
        raise ValueError(
            f"x must have shape (..., n_channels, n_samples) with at least 2 channels, got {got}"
        )
    epochs = signals.reshape(-1, shape[-1], signals.shape[1])

    def one(i: int) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return work(epochs[i].astype(np.float64))

    rows = each(one, range(len(epochs)), threads)
    return np.stack(rows).reshape(*shape[:-1], -1)
