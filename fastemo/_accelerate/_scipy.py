"""What of SciPy has a faster twin in `fastemo.signal`."""

from __future__ import annotations

from fastemo import signal
from fastemo._accelerate._replacement import Replacement, same_parameters
from fastemo.signal._arrays import ORIGINALS

__all__ = ["replacements"]

_NAMES = (
    "sosfilt", "sosfiltfilt", "sosfilt_zi", "lfilter", "lfilter_zi", "filtfilt",
    "oaconvolve", "upfirdn", "resample_poly", "decimate", "detrend", "hilbert",
    "welch", "periodogram", "csd", "coherence", "spectrogram", "stft",
)  # fmt: skip


def replacements() -> list[Replacement]:
    """Those of the installed version whose parameters are those that ours were written for."""
    made = []
    for name in _NAMES:
        replacement = Replacement(f"scipy.signal.{name}", getattr(signal, name))
        if same_parameters(replacement.original, replacement.ours):
            ORIGINALS[name] = replacement.hand_over
            made.append(replacement)
    return made
