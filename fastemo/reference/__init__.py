"""Kernels, ops and the engine in plain NumPy, written to be read: the oracle of everything that is compiled.

The function kernels bear the names they have in `fastemo.signal` and `fastemo.spectral`.
"""

from fastemo.reference.signal import SosFilter, sosfilt
from fastemo.reference.spectral import band_power, differential_entropy, rfft_power, sliding_mean_square

__all__ = ["SosFilter", "band_power", "differential_entropy", "rfft_power", "sliding_mean_square", "sosfilt"]
