"""Which signals go together, by frequency: arrays in, a `Connectivity` out."""

from fastemo.connectivity.result import Connectivity
from fastemo.connectivity.spectral_measures import METHODS, connectivity

__all__ = ["METHODS", "Connectivity", "connectivity"]
