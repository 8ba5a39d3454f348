"""Spectra, power in frequency bands, and what follows from it: arrays in, arrays out, time along the last axis."""

from fastemo.spectral._bands import band_power, min_length
from fastemo.spectral._entropy import differential_entropy
from fastemo.spectral._multitaper import dpss, multitaper
from fastemo.spectral._transform import rfft
from fastemo.spectral._wavelets import morlet, morlet_wavelets

__all__ = [
    "band_power",
    "differential_entropy",
    "dpss",
    "min_length",
    "morlet",
    "morlet_wavelets",
    "multitaper",
    "rfft",
]
