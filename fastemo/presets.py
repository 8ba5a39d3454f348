"""Pipelines to start from, by name: lists of stages as `Pipeline` takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastemo._validate import check_in
from fastemo.stages import (
    LDA,
    BandPass,
    BandPower,
    CommonAverage,
    DifferentialEntropy,
    Logistic,
    Quality,
    RegressOut,
    Ridge,
    Smooth,
    Stage,
    Standardize,
    TimeDomain,
    Window,
)

__all__ = ["PRESETS", "preset"]

_BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 45)}


def _cleaned() -> list[Stage]:
    return [CommonAverage(), BandPass(1, 45)]


def de_lda(hop: float = 0.25, tau: float = 2.0, baseline: bool = False) -> list[Stage]:
    """Differential entropy by a causal filter bank, shrinkage LDA, probabilities smoothed."""
    features = [Window(2.0, hop), DifferentialEntropy(_BANDS), Standardize(baseline)]
    return [*_cleaned(), *features, LDA(), Smooth(tau)]


def psd_logistic(hop: float = 0.25, tau: float = 2.0, baseline: bool = False) -> list[Stage]:
    """Logarithm of FFT band power, multinomial logistic regression, probabilities smoothed."""
    features = [Window(2.0, hop), BandPower(_BANDS, log=True), Standardize(baseline)]
    return [*_cleaned(), *features, Logistic(C=0.1), Smooth(tau)]


def de_ridge(hop: float = 0.25, tau: float = 2.0, baseline: bool = False) -> list[Stage]:
    """Differential entropy and ridge regression, for intensities such as valence and arousal."""
    features = [Window(2.0, hop), DifferentialEntropy(_BANDS), Standardize(baseline)]
    return [*_cleaned(), *features, Ridge(alpha=100.0), Smooth(tau)]


def bold_logistic(hop: float = 5.0, tau: float = 120.0, baseline: bool = False) -> list[Stage]:
    """fMRI: each region's mean over 5 s less its drift (a memory of `tau` seconds), multinomial logistic regression."""
    # Volumes of whole numbers may be alike for a while, which is no dead channel.
    features = [RegressOut(tau=tau), Quality(flat=60.0), Window(5.0, hop), TimeDomain(["mean"])]
    return [*features, Standardize(baseline), Logistic(C=0.01)]


#: The functions that make the stages, by name.
PRESETS: dict[str, Callable[..., list[Stage]]] = {
    "de-lda": de_lda,
    "psd-logistic": psd_logistic,
    "de-ridge": de_ridge,
    "bold-logistic": bold_logistic,
}


def preset(name: str, **params: Any) -> list[Stage]:
    """The stages of a preset.

    Those for EEG subtract the common average, band-pass causally from 1 to 45 Hz (record at 100 Hz or faster)
    and look at windows of 2 s in five bands: 1-4, 4-8, 8-14, 14-31 and 31-45 Hz. "de-lda" is the one to try
    first. "bold-logistic" is for regions in fMRI.

    Parameters
    ----------
    name : str
        One of `PRESETS`.
    **params
        `hop` (seconds, 0.25; fMRI 5), `tau` (seconds, 2) of the smoothing, or (120) of the drift in fMRI,
        `baseline` (False): whether features are scaled by each person's own rest.

    Examples
    --------
    >>> preset("de-lda", hop=0.5)[2]
    Window(length=2, hop=0.5)
    """
    return PRESETS[check_in("preset", name, PRESETS)](**params)
