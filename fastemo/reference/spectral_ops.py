"""The ops of spectra beyond one tapered window, and of asymmetries, written to be read as those of `reference/ops.py`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo.reference.history import History
from fastemo.reference.kind import Kind, Slot
from fastemo.reference.spectral import rfft_power

__all__ = ["Ratio", "SlidingPower", "TaperPower"]


class TaperPower(Kind):
    """The mean over segments of the window of the power that several tapers give together."""

    reads = "window"
    tensors: ClassVar = {
        "tapers": (float, ("T", "M")),
        "weights": (float, ("T",)),
        "hop": (int, (1,)),
        "bins": (int, (2,)),
        "scale": (float, ("N",)),
        "detrend": (int, (1,)),
    }

    def slot(self):
        (first, stop), n = self.bins, self.tapers.shape[1]
        self.require(n <= self.length, f"has tapers of {n} samples, the window has {self.length}")
        self.require(self.hop >= 1, f"has hop {self.hop}, expected at least 1")
        self.require(
            0 <= first < stop <= n // 2 + 1, f"has bins {first}..{stop}, expected some of 0..{n // 2 + 1}"
        )
        self.require(len(self.scale) == stop - first, f"has {len(self.scale)} scales for {stop - first} bins")
        self.require(self.detrend in (0, 1), f"has detrend {self.detrend}, expected 0 or 1")
        return Slot("vector", (len(self.scale), self.inputs[0].shape[0]))

    def process(self, x):
        n = self.tapers.shape[1]
        segments = [x[:, s : s + n] for s in range(0, self.length - n + 1, self.hop)]
        power = sum(
            w * rfft_power(segment, taper, detrend=bool(self.detrend))
            for segment in segments
            for taper, w in zip(self.tapers, self.weights, strict=True)
        )
        return (self.scale / len(segments))[:, None] * power[:, slice(*self.bins)].T


class SlidingPower(Kind):
    """Band powers of the last window under a taper of one cosine: here, each window's transform anew."""

    reads = "signal"
    tensors: ClassVar = {
        "taper": (float, (2,)),
        "detrend": (int, (1,)),
        "bins": (int, (2,)),
        "scale": (float, ("N",)),
        "edges": (int, ("B", 2)),
        "weight": (float, ("B",)),
    }
    samples: History

    def slot(self):
        first, stop = self.bins
        n_bins = self.length // 2 + 1
        self.require(1 <= first < stop <= n_bins, f"has bins {first}..{stop}, expected some of 1..{n_bins}")
        self.require(len(self.scale) == stop - first, f"has {len(self.scale)} scales for {stop - first} bins")
        self.require(self.detrend in (0, 1), f"has detrend {self.detrend}, expected 0 or 1")
        lo, hi = self.edges.T
        inside = bool(((lo >= 0) & (lo < hi) & (hi <= stop - first)).all())
        self.require(inside, f"has empty edges or some outside 0..{stop - first}")
        return Slot("vector", (len(self.edges), *self.inputs[0].shape))

    def process(self, x):
        self.samples.append(x)

    def value(self):
        turn = 2 * np.pi * np.arange(self.length) / self.length
        taper = self.taper[0] - self.taper[1] * np.cos(turn)
        power = rfft_power(self.samples.last(), taper, detrend=bool(self.detrend))
        power = self.scale[:, None] * power[:, slice(*self.bins)].T
        bands = zip(self.edges, self.weight, strict=True)
        return np.array([w * power[lo:hi].sum(axis=0) for (lo, hi), w in bands])

    def reset(self):
        self.samples = History(self.inputs[0].shape, self.length)


class Ratio(Kind):
    """One vector by another, 0 where that is 0."""

    n_inputs = 2

    def slot(self):
        self.require(self.inputs[0].shape == self.inputs[1].shape, "has inputs of different shapes")
        return super().slot()

    def process(self, x, by):
        return np.where(by == 0, 0.0, x / np.where(by == 0, 1.0, by))
