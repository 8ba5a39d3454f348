"""The main kernels in Numba, with the names and arguments of the compiled ones.

They serve machines without a compiler, and your own ``@njit`` code, which can call every function listed under
*kernels*: they take arrays, allocate little and check nothing. No fastmath; subnormal numbers are not flushed, so
feed no long digital silence to filters.

Kernels: `sosfilt_rows`, `bank_power_rows`, `power_spectrum`, `band_sums`, `linear_scores`, `softmax`, `sigmoid`,
`infer_rows`, `coherence_pairs`, `plv_pairs`, `wpli_pairs`. Samples are rows (n_samples, n_channels) where the name says so.

Examples
--------
>>> import numpy as np
>>> from numba import njit
>>> from fastemo.jit import sosfilt_rows
>>> @njit
... def peak(sos, rows):
...     state = np.zeros((2, len(sos), rows.shape[1]))
...     filtered = np.empty_like(rows)
...     sosfilt_rows(sos, state[0], state[1], rows, filtered)
...     return np.abs(filtered).max()
>>> peak(np.array([[0.5, 0.5, 0, 1, 0, 0]]), np.array([[2.0], [4.0], [-6.0]]))
3.0
"""

from fastemo.jit.connectivity import (
    coherence_pairs,
    cross_spectra,
    plv_pairs,
    tapered_measures,
    wpli_pairs,
)
from fastemo.jit.filters import SosFilter, bank_power, bank_power_rows, sosfilt_rows
from fastemo.jit.inference import infer_rows, linear_scores, sigmoid, sliding_inference, softmax
from fastemo.jit.spectral import (
    FftBandPower,
    band_power,
    band_sums,
    differential_entropy,
    fft_plan,
    power_spectrum,
    rfft_power,
)

__all__ = [
    "FftBandPower",
    "SosFilter",
    "band_power",
    "band_sums",
    "bank_power",
    "bank_power_rows",
    "coherence_pairs",
    "cross_spectra",
    "differential_entropy",
    "fft_plan",
    "infer_rows",
    "linear_scores",
    "plv_pairs",
    "power_spectrum",
    "rfft_power",
    "sigmoid",
    "sliding_inference",
    "softmax",
    "sosfilt_rows",
    "tapered_measures",
    "wpli_pairs",
]
