"""The main kernels in Numba, with the names and arguments of the compiled ones.

For machines without a compiler, and for your own ``@njit`` code: every function listed under *kernels* can be
called from it. Nothing here uses fastmath; subnormal numbers are not flushed, so feed no long digital silence.

Kernels (arrays of float64): `sosfilt_rows`, `bank_power_rows`, `power_spectrum`, `band_sums`, `linear_scores`,
`softmax`, `sliding_inference`.
"""

from fastemo.jit.filters import SosFilter, bank_power, bank_power_rows, sosfilt_rows
from fastemo.jit.inference import linear_scores, sliding_inference, softmax
from fastemo.jit.spectral import (
    FftBandPower,
    band_power,
    band_sums,
    differential_entropy,
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
    "differential_entropy",
    "linear_scores",
    "power_spectrum",
    "rfft_power",
    "sliding_inference",
    "softmax",
    "sosfilt_rows",
]
