"""fastemo: decode emotional states from brain signals, live and at scale.

Names are resolved on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module as _import_module

from fastemo._version import __version__

_MODULES = (
    "bands", "emotions", "signal", "spectral", "features", "connectivity", "riemann", "fmri", "reference",
    "jit", "io", "datasets", "synth", "montage", "presets", "artefacts",
)  # fmt: skip

_WHERE = {
    "BANDS": "bands",
    "Recording": "recording",
    "Pipeline": "pipeline",
    "load": "pipeline",
    "Engine": "engine",
    "Prediction": "prediction",
    "evaluate": "evaluation",
    "min_length": "spectral",
    "read": "io",
    "simulate": "synth",
    "accelerate": "_accelerate",
    "feature": "stages",
    "get_include": "_embed",
    "get_library": "_embed",
}
_STAGES = (
    "CommonAverage", "Reference", "Bipolar", "SpatialFilter",
    "BandPass", "HighPass", "LowPass", "Notch", "CustomSos", "FIR", "RemoveDrift", "Resample", "Decimate",
    "Analytic", "Hilbert", "Quality",
    "RegressOut", "Despike", "RunningStandardize",
    "Interpolate", "InterpolateBads", "ASR", "EOGRegression", "Potato", "PotatoScore",
    "Window", "BandPower", "DifferentialEntropy", "Asymmetry", "Features", "LogTransform", "RelativePower",
    "TimeDomain", "Complexity", "SpectralShape", "Connectivity", "PhaseAmplitudeCoupling",
    "Covariance", "Recenter", "TangentSpace", "MDM", "Standardize", "LDA", "Logistic", "Ridge", "Smooth", "WindowMean",
)  # fmt: skip
_WHERE |= dict.fromkeys(_STAGES, "stages")

__all__ = ["__version__", *sorted(_WHERE), *_MODULES]


def __getattr__(name: str):
    if name in _MODULES:
        return _import_module(f"fastemo.{name}")
    if name in _WHERE:
        value = getattr(_import_module(f"fastemo.{_WHERE[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fastemo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
