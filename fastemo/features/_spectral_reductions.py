"""What is read off a spectrum, as reductions of its bins for the stream; `freqs` are their frequencies from 0 Hz on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastemo.features._freq_bands import BANDS, check_freq_bands
from fastemo.features._reduce import Reduction
from fastemo.features.spectrum import check_edges, check_fit

__all__ = ["SPECTRAL"]


def pow_freq_bands(
    freqs: np.ndarray, sfreq: float, freq_bands: Any = BANDS, normalize: bool = True, log: bool = False
) -> Reduction:
    edges, names = check_freq_bands(freq_bands, sfreq)
    bins = np.stack(
        [np.searchsorted(freqs, edges[:, 0]), np.searchsorted(freqs, edges[:, 1], "right")], axis=1
    )
    return Reduction("pow_freq_bands", (bool(normalize), bool(log), *bins.ravel().tolist()), tuple(names))


def hjorth_mobility_spect(freqs: np.ndarray, sfreq: float, normalize: bool = False) -> Reduction:
    return Reduction("spect_moment", (2, bool(normalize), freqs[1]))


def hjorth_complexity_spect(freqs: np.ndarray, sfreq: float, normalize: bool = False) -> Reduction:
    return Reduction("spect_moment", (4, bool(normalize), freqs[1]))


def spect_entropy(freqs: np.ndarray, sfreq: float) -> Reduction:
    return Reduction("spect_entropy", (1, 0))


def spectral_entropy(freqs: np.ndarray, sfreq: float, normalize: bool = False) -> Reduction:
    return Reduction("spect_entropy", (0, bool(normalize)))


def spect_slope(
    freqs: np.ndarray, sfreq: float, fmin: float = 0.1, fmax: float = 50.0, with_intercept: bool = True
) -> Reduction:
    inside = np.flatnonzero(check_fit(freqs, fmin, fmax))
    values = ("intercept", "slope", "mse", "r2")[not with_intercept :]
    return Reduction(
        "spect_slope", (int(inside[0]), int(inside[-1]) + 1, not with_intercept, freqs[1]), values
    )


def spect_edge_freq(
    freqs: np.ndarray, sfreq: float, ref_freq: float | None = None, edge: Sequence[float] | None = None
) -> Reduction:
    shares, n_reference = check_edges(freqs, ref_freq, edge)
    return Reduction(
        "spect_edge_freq", (n_reference, freqs[1], *shares), tuple(f"{share:g}" for share in shares)
    )


SPECTRAL: dict[str, Callable[..., Reduction]] = {
    function.__name__: function
    for function in (
        pow_freq_bands,
        hjorth_mobility_spect,
        hjorth_complexity_spect,
        spect_entropy,
        spectral_entropy,
        spect_slope,
        spect_edge_freq,
    )
}
