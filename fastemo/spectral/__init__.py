"""Spectra, power in frequency bands, and what follows from it: arrays in, arrays out, time along the last axis."""

from fastemo.spectral._asymmetry import dasm, dcau, frontal_alpha_asymmetry, rasm
from fastemo.spectral._bands import band_power, min_length
from fastemo.spectral._entropy import differential_entropy
from fastemo.spectral._multitaper import dpss, multitaper
from fastemo.spectral._shape import aperiodic, peak_frequency
from fastemo.spectral._transform import rfft
from fastemo.spectral._wavelets import morlet, morlet_wavelets

__all__ = [
    "aperiodic",
    "band_power",
    "dasm",
    "dcau",
    "differential_entropy",
    "dpss",
    "frontal_alpha_asymmetry",
    "min_length",
    "morlet",
    "morlet_wavelets",
    "multitaper",
    "peak_frequency",
    "rasm",
    "rfft",
]
