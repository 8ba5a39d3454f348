"""Correlation of amplitude envelopes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_positive
from fastemo.connectivity._arguments import FEW, check_threads, epochs_of, names_of, pairs_of
from fastemo.connectivity._design import analytic_plan, bands_in_hz
from fastemo.connectivity.result import ConnectivityResult

__all__ = ["envelope_correlation"]


def envelope_correlation(
    x: Any,
    sfreq: float,
    bands: Any = None,
    *,
    orthogonalize: bool = True,
    log: bool = False,
    absolute: bool = True,
    fmin: Any = None,
    fmax: Any = None,
    order: int | None = None,
    skip: float | None = None,
    indices: Any = None,
    ch_names: Sequence[str] | None = None,
    threads: int = 1,
) -> ConnectivityResult:
    """Correlation over time of the amplitude envelopes of all pairs, in frequency bands.

    Envelopes are absolute values of causal analytic signals, as for `connectivity(mode="filterbank")`. With
    `orthogonalize`, what of one signal is in phase with the other is taken off first, which removes what both pick up of
    one source at zero lag [1]_: o_ij = abs Im(z_i conj z_j) / abs z_j is correlated with abs z_j, and the mean is taken of
    both directions. Definitions are those of `mne_connectivity.envelope_correlation`.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        Correlations are those of each epoch by itself, then their mean. Use 5 to 10 s at least.
    sfreq : float
        In Hz.
    bands, fmin, fmax
        As for `connectivity`.
    orthogonalize : bool
        In pairs, sample by sample.
    log : bool
        Correlate logarithms of squared envelopes.
    absolute : bool
        With `orthogonalize`: take absolute values before the mean of both directions.
    order, skip
        Of the filter bank, as for `connectivity`.
    indices : (seeds, targets), optional
        As for `connectivity`.
    ch_names : sequence of str, optional
    threads : int
        Results do not depend on it.

    Returns
    -------
    ConnectivityResult
        Of one measure, "aec_orth" or "aec".

    Raises
    ------
    ValueError
        As for `connectivity`.

    Warns
    -----
    RuntimeWarning
        Fewer than 10 independent observations in an epoch (about 2 times its length in s times the bandwidth in Hz).

    References
    ----------
    .. [1] Hipp et al., Large-scale cortical correlation structure of spontaneous oscillatory activity, 2012,
       doi:10.1038/nn.3101.

    Examples
    --------
    Two rhythms that wax and wane together.

    >>> rng = np.random.default_rng(0)
    >>> size = 1 + np.sin(2 * np.pi * 0.3 * np.arange(5000) / 250)
    >>> x = rng.standard_normal((3, 5000))
    >>> x[:2] *= size
    >>> result = envelope_correlation(x, 250, {"beta": (13, 30)})
    >>> bool(result.dense()[0, 1, 0] > 0.4), bool(abs(result.dense()[0, 2, 0]) < 0.15)
    (True, True)
    """
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    names = names_of(ch_names, x.shape[1])
    threads = check_threads(threads)
    seeds, targets = pairs_of(indices, names)
    bank, skipped, limits, band_names, effective = analytic_plan(
        x, names, sfreq, bands_in_hz(bands, fmin, fmax, sfreq), order, skip
    )
    spectra = resolve("analytic_spectra")(x, *bank, skipped, threads)
    n_epochs, n_channels = x.shape[:2]
    least = float(effective.min()) / n_epochs
    if least < FEW:
        warnings.warn(
            f"the envelopes of an epoch have {least:.3g} independent samples in the narrowest band: correlations of unrelated "
            f"ones are about {1 / np.sqrt(least):.2f} there, so pass longer epochs",
            RuntimeWarning,
            stacklevel=2,
        )
    if orthogonalize:
        found = resolve("envelope_correlations")(spectra, n_epochs, n_channels, bool(log), threads)[
            ..., :n_channels
        ]
        found = np.abs(found) if absolute else found
        found = (found + np.swapaxes(found, -1, -2)) / 2
    else:
        found = _plain(spectra, n_epochs, n_channels, bool(log))
    values = found.mean(axis=1)[:, seeds, targets].T
    method = "aec_orth" if orthogonalize else "aec"
    count = {method: float(effective.min())}
    return ConnectivityResult(
        {method: values}, seeds, targets, names, limits.mean(axis=1), limits, band_names, count
    )


def _plain(spectra: np.ndarray, n_epochs: int, n_channels: int, log: bool) -> np.ndarray:
    """Correlations (n_bands, n_epochs, n_channels, n_channels) of the envelopes themselves."""
    parts = spectra[:, :, 0, :, :n_channels].reshape(len(spectra), n_epochs, -1, 2, n_channels)
    power = parts[..., 0, :] ** 2 + parts[..., 1, :] ** 2
    envelopes = np.log(power) if log else np.sqrt(power)
    envelopes -= envelopes.mean(axis=2, keepdims=True)
    norm = np.sqrt(np.sum(envelopes**2, axis=2))
    norm = np.where(norm > 0, norm, np.inf)
    return np.swapaxes(envelopes, -1, -2) @ envelopes / (norm[..., :, None] * norm[..., None, :])
