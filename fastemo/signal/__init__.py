"""Filters, resampling and spectra of arrays, with SciPy's names, arguments and results, only faster.

Every function takes what the function of that name in `scipy.signal` takes, and two keywords more: `threads`, on
how many threads to run (results do not depend on it), and, where the result is one array, `out`, where to put it.
What is not a NumPy array of real numbers, or an option that is only SciPy's, is handed to SciPy.
"""

from fastemo.signal._filtering import filter_data, notch_filter
from fastemo.signal._fir import oaconvolve, upfirdn
from fastemo.signal._iir import filtfilt, lfilter, lfilter_zi, sosfilt, sosfilt_zi, sosfiltfilt
from fastemo.signal._over_time import spectrogram, stft
from fastemo.signal._resampling import decimate, resample_poly
from fastemo.signal._sos_filter import SosFilter
from fastemo.signal._spectra import coherence, csd, periodogram, welch
from fastemo.signal._trend import detrend, hilbert

__all__ = [
    "SosFilter",
    "sosfilt",
    "sosfiltfilt",
    "sosfilt_zi",
    "lfilter",
    "lfilter_zi",
    "filtfilt",
    "oaconvolve",
    "upfirdn",
    "resample_poly",
    "decimate",
    "filter_data",
    "notch_filter",
    "detrend",
    "hilbert",
    "welch",
    "periodogram",
    "csd",
    "coherence",
    "spectrogram",
    "stft",
]
