"""Kernels, ops and the engine in plain NumPy, written to be read: the oracle of everything that is compiled.

The function kernels bear the names they have in `fastemo.signal` and `fastemo.spectral`.
"""

from fastemo.reference.connectivity import (
    analytic_measures,
    analytic_spectra,
    cross_spectra,
    envelope_correlations,
    tapered_measures,
    tapered_spectra,
    wavelet_measures,
)
from fastemo.reference.features import count_phrases, reduce
from fastemo.reference.inference import linear_scores, sigmoid, sliding_inference, softmax
from fastemo.reference.information import neighbour_transfer
from fastemo.reference.riemann import congruence, covariance, hermitian_product, spectral_map
from fastemo.reference.signal import SosFilter, sosfilt
from fastemo.reference.spectral import (
    FftBandPower,
    band_power,
    bank_power,
    differential_entropy,
    rfft,
    rfft_power,
    sliding_mean_square,
)
from fastemo.reference.subspace import AsrFilter
from fastemo.reference.tapers import TaperedSpectra, WaveletTransform, morlet, multitaper

__all__ = [
    "AsrFilter",
    "FftBandPower",
    "SosFilter",
    "TaperedSpectra",
    "WaveletTransform",
    "analytic_measures",
    "analytic_spectra",
    "band_power",
    "bank_power",
    "count_phrases",
    "cross_spectra",
    "congruence",
    "covariance",
    "differential_entropy",
    "envelope_correlations",
    "hermitian_product",
    "linear_scores",
    "morlet",
    "multitaper",
    "neighbour_transfer",
    "reduce",
    "rfft",
    "rfft_power",
    "sigmoid",
    "sliding_inference",
    "sliding_mean_square",
    "softmax",
    "sosfilt",
    "tapered_measures",
    "tapered_spectra",
    "spectral_map",
    "wavelet_measures",
]
