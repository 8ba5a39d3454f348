"""fMRI: volumes and atlases to series of regions, events and the haemodynamic response.

What comes out are Recordings like any other, with a region for a channel and a sample for a volume: the same pipelines,
evaluation and engine run on them, one volume per push. nibabel reads NIfTI files: ``pip install fastemo[fmri]``.
"""

from fastemo.fmri._bold import delay_events, fill_events, read_bold, read_confounds, read_events
from fastemo.fmri._hrf import convolve_hrf, hrf
from fastemo.fmri._masker import Masker

__all__ = [
    "Masker",
    "convolve_hrf",
    "delay_events",
    "fill_events",
    "hrf",
    "read_bold",
    "read_confounds",
    "read_events",
]
