"""What recordings hold besides the brain: finding it in whole recordings, and taking it out.

Arrays in, arrays out; signals are (n_channels, n_samples) in uV. The stages `Interpolate`, `EOGRegression` and `ASR`
do the same in the stream.
"""

from fastemo.artefacts._asr import ASR, AsrState, calibrate_asr, shaping_filter
from fastemo.artefacts._bads import BadChannels, find_bad_channels
from fastemo.artefacts._eyes import eog_coefficients, regress_eog
from fastemo.artefacts._interpolation import interpolate_bads, spline_matrix
from fastemo.artefacts._potato import Potato
from fastemo.artefacts._ratios import line_ratio, muscle_ratio

__all__ = [
    "ASR",
    "AsrState",
    "BadChannels",
    "Potato",
    "calibrate_asr",
    "eog_coefficients",
    "find_bad_channels",
    "interpolate_bads",
    "line_ratio",
    "muscle_ratio",
    "regress_eog",
    "shaping_filter",
    "spline_matrix",
]
