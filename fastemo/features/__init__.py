"""Features of signals: arrays in, arrays out, batched over all axes but the last.

Every function takes x of shape (..., n_channels, n_samples) and `threads`. Names are those of mne-features and
antropy; where the two differ, `definition` chooses. `docs/features.md` lists them all.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from fastemo.features import bivariate as _bivariate
from fastemo.features import coupling as _coupling
from fastemo.features import entropy as _entropy
from fastemo.features import fractal as _fractal
from fastemo.features import shape as _shape
from fastemo.features import spectrum as _spectrum
from fastemo.features import statistics as _statistics
from fastemo.features import wavelets as _wavelets
from fastemo.features._reduce import FEATURES
from fastemo.features.bivariate import *  # noqa: F403
from fastemo.features.coupling import *  # noqa: F403
from fastemo.features.energy import energy_freq_bands
from fastemo.features.entropy import *  # noqa: F403
from fastemo.features.extraction import extract_features
from fastemo.features.fractal import *  # noqa: F403
from fastemo.features.psd import power_spectrum
from fastemo.features.shape import *  # noqa: F403
from fastemo.features.spectrum import *  # noqa: F403
from fastemo.features.statistics import *  # noqa: F403
from fastemo.features.wavelets import *  # noqa: F403

__all__ = [
    "FEATURES",
    "FeatureExtractor",
    *_statistics.__all__,
    *_shape.__all__,
    *_fractal.__all__,
    *_entropy.__all__,
    *_wavelets.__all__,
    "power_spectrum",
    *_spectrum.__all__,
    "energy_freq_bands",
    *_coupling.__all__,
    *_bivariate.__all__,
    "extract_features",
]

if _TYPE_CHECKING:
    from fastemo.features.extractor import FeatureExtractor


def __getattr__(name: str):
    if name == "FeatureExtractor":  # the one that needs scikit-learn
        from fastemo.features.extractor import FeatureExtractor

        return FeatureExtractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
