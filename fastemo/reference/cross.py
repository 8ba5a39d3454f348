"""The ops of connectivity, written to be read."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastemo.reference.connectivity import (
    MEASURES,
    PER_SAMPLE,
    analytic,
    measures_of,
    pair_sums,
)
from fastemo.reference.history import History
from fastemo.reference.kind import Kind, Slot

__all__ = ["Cross", "CrossPairs"]


class Cross(Kind):
    """Measures of connectivity of all pairs, in every band, over the window or with a memory that fades."""

    reads = "signal"
    tensors: ClassVar = {
        "poles": (float, ("B", "N", 2)),
        "weights": (float, ("B", "N", 2)),
        "direct": (float, ("B", 2)),
        "measures": (int, (1,)),
        "decay": (float, (1,)),
    }
    state: np.ndarray | None

    def slot(self):
        n = self.inputs[0].shape[0]
        self.bank = [a[..., 0] + 1j * a[..., 1] for a in (self.poles, self.weights, self.direct)]
        self.require(n >= 2, "reads 1 channel, expected at least 2")
        self.require(0 <= self.decay < 1, f"has decay {self.decay}, expected 0 to 1")
        self.require(bool((np.abs(self.bank[0]) < 1).all()), "has a pole outside the unit circle")
        known = sum(1 << i for i, m in enumerate(MEASURES) if m in PER_SAMPLE)
        self.require(
            self.measures > 0 and not self.measures & ~known, f"has measures {self.measures} of {known}"
        )
        self.wanted = [m for i, m in enumerate(MEASURES) if self.measures >> i & 1]
        n_planes = len(self.wanted) + ("cohy" in self.wanted)
        return Slot("vector", (n_planes * len(self.poles), self.n_columns(n)))

    def n_columns(self, n):
        return n * (n - 1) // 2

    def process(self, x):
        poles, weights, direct = self.bank
        if self.state is None:
            self.state, self.offset = np.zeros((*poles.shape, len(x)), complex), x[:, :1].copy()
        z = analytic(poles, weights, direct, self.state, x - self.offset)
        if not self.decay:
            self.samples.append(z)
            return
        for n in range(x.shape[1]):
            for sums, band in zip(self.sums, z, strict=True):
                now = pair_sums(band[:, n][None, None], self.rows)
                for name in now:
                    sums[name] = self.decay * sums.get(name, 0.0) + (1 - self.decay) * now[name]

    def value(self):
        sums = self.sums if self.decay else [pair_sums(z.T[:, None], self.rows) for z in self.samples.last()]
        bands = [measures_of(s, self.rows) for s in sums]
        planes = []
        for m in self.wanted:
            values = [self.columns(of[m]) for of in bands]
            planes += [np.real(v) for v in values] + ([np.imag(v) for v in values] if m == "cohy" else [])
        return np.array(planes)

    def columns(self, matrix):
        """What a matrix of all pairs, first signals by rows, comes to."""
        return matrix[np.tril_indices(len(matrix), -1)]

    def reset(self):
        n_channels = self.inputs[0].shape[0]
        self.state, self.rows = None, np.arange(n_channels)
        self.sums: list[dict[str, Any]] = [{} for _ in self.poles]
        self.samples = History((len(self.poles), n_channels), 1 if self.decay else self.length, complex)


class CrossPairs(Cross):
    """Of chosen pairs, and means over groups of them."""

    tensors: ClassVar = Cross.tensors | {"pairs": (int, ("P", 2)), "groups": (int, ("P",))}

    def n_columns(self, n):
        self.require(
            bool(((self.pairs >= 0) & (self.pairs < n)).all()),
            f"has channels in pairs beyond the {n} it reads",
        )
        self.require(bool((self.pairs[:, 0] != self.pairs[:, 1]).all()), "pairs a channel with itself")
        steps = np.diff(self.groups, prepend=-1)
        self.require(
            bool((steps >= 0).all() and (steps <= 1).all() and steps[0] == 1),
            "has groups that do not go up by one from 0",
        )
        return int(self.groups[-1]) + 1

    def columns(self, matrix):
        of_pairs = matrix[self.pairs[:, 0], self.pairs[:, 1]]
        return np.array([of_pairs[self.groups == g].mean() for g in range(self.groups[-1] + 1)])
