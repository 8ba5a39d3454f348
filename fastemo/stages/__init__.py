"""Stages: frozen descriptions of the steps of a pipeline, each of which lowers itself to ops of the
engine."""

from fastemo.stages.alignment import Standardize
from fastemo.stages.analytic import Analytic
from fastemo.stages.artefacts import ASR, EOGRegression, Interpolate, Quality
from fastemo.stages.asymmetries import Asymmetry
from fastemo.stages.base import SignalTrainable, Stage, Trainable, Windows, WindowTrainable
from fastemo.stages.connectivity import Connectivity
from fastemo.stages.coupling import PhaseAmplitudeCoupling
from fastemo.stages.decoders import LDA, Decoder, Logistic, Ridge
from fastemo.stages.features import BandPower, DifferentialEntropy, Features, LogTransform, RelativePower
from fastemo.stages.filters import BandPass, CustomSos, HighPass, LowPass, Notch
from fastemo.stages.fir import FIR, RemoveDrift
from fastemo.stages.hilbert import Hilbert
from fastemo.stages.potato import Potato, PotatoScore
from fastemo.stages.reductions import Complexity, SpectralShape, TimeDomain
from fastemo.stages.referencing import Bipolar, CommonAverage, Reference, SpatialFilter
from fastemo.stages.repair import InterpolateBads
from fastemo.stages.resampling import Decimate, Resample
from fastemo.stages.riemann import MDM, Covariance, Recenter, TangentSpace
from fastemo.stages.running import Despike, RegressOut, RunningStandardize
from fastemo.stages.smoothing import Smooth, WindowMean
from fastemo.stages.user import UserFeature, feature
from fastemo.stages.windows import Window

__all__ = [
    "ASR",
    "Analytic",
    "Asymmetry",
    "BandPass",
    "BandPower",
    "Bipolar",
    "CommonAverage",
    "Covariance",
    "Complexity",
    "Connectivity",
    "CustomSos",
    "Decimate",
    "Decoder",
    "Despike",
    "DifferentialEntropy",
    "EOGRegression",
    "FIR",
    "Features",
    "HighPass",
    "Hilbert",
    "Interpolate",
    "InterpolateBads",
    "LDA",
    "MDM",
    "LogTransform",
    "Logistic",
    "LowPass",
    "Notch",
    "Potato",
    "PotatoScore",
    "PhaseAmplitudeCoupling",
    "Quality",
    "Recenter",
    "Reference",
    "RegressOut",
    "RelativePower",
    "RemoveDrift",
    "Resample",
    "Ridge",
    "RunningStandardize",
    "SignalTrainable",
    "Smooth",
    "SpatialFilter",
    "SpectralShape",
    "Stage",
    "Standardize",
    "TangentSpace",
    "Trainable",
    "TimeDomain",
    "UserFeature",
    "Window",
    "WindowMean",
    "WindowTrainable",
    "Windows",
    "feature",
]
