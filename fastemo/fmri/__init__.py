"""fMRI: volumes and atlases to series of regions, events and the haemodynamic response, connectivity that changes.

What comes out are Recordings like any other, with a region for a channel and a sample for a volume: the same pipelines,
evaluation and engine run on them, one volume per push. nibabel reads NIfTI files: ``pip install fastemo[fmri]``.
"""

from fastemo.fmri._bold import (
    delay_events,
    fill_events,
    late_events,
    read_bold,
    read_confounds,
    read_events,
)
from fastemo.fmri._dcc import DCC
from fastemo.fmri._dynamic import (
    ExponentialConnectivity,
    SlidingConnectivity,
    edge_time_series,
    exponential_connectivity,
    gaussian_taper,
    pair_vectors,
    sliding_connectivity,
    to_xarray,
)
from fastemo.fmri._hmm import HMM, HMMStream
from fastemo.fmri._hrf import convolve_hrf, hrf
from fastemo.fmri._leida import LEiDA, PhaseStream, leading_eigenvectors
from fastemo.fmri._masker import Masker
from fastemo.fmri._states import CoactivationStates, state_occupancy
from fastemo.fmri._surrogates import DynamicsTest, dynamics_test, phase_randomized

__all__ = [
    "DCC",
    "HMM",
    "CoactivationStates",
    "DynamicsTest",
    "ExponentialConnectivity",
    "HMMStream",
    "LEiDA",
    "Masker",
    "PhaseStream",
    "SlidingConnectivity",
    "convolve_hrf",
    "delay_events",
    "dynamics_test",
    "edge_time_series",
    "exponential_connectivity",
    "fill_events",
    "gaussian_taper",
    "hrf",
    "late_events",
    "leading_eigenvectors",
    "pair_vectors",
    "phase_randomized",
    "read_bold",
    "read_confounds",
    "read_events",
    "sliding_connectivity",
    "state_occupancy",
    "to_xarray",
]
