"""The op that replaces bad channels by what spherical splines make of the good ones, while they are bad."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import numpy as np

from fastemo._program import Op
from fastemo.reference.kind import Kind, Slot

__all__ = ["Repair"]

BANDS: dict[str, tuple[type, tuple[int | str, ...]]] = {
    "coef": (float, ("B", "S", 6)),
    "zi": (float, ("B", "S", 2)),
    "ratio": (float, ("K",)),
}


class Repair(Kind):
    """Judges the channels of its first signal after every hop, and repairs those of its second."""

    reads = "signal"
    n_inputs = 2
    tensors: ClassVar = {
        "inverse": (float, ("C", "C")),
        "most": (int, (1,)),
        "hop": (int, (1,)),
        "n_blocks": (int, (1,)),
        "flat": (int, (1,)),
        "rail": (float, (1,)),
        "step": (float, (1,)),
        "noisy": (float, (1,)),
        "share": (float, (1,)),
    }
    checks: Any = None
    ratio: np.ndarray
    position: int
    last_lost: int
    lost: bool
    bad: np.ndarray
    weights: np.ndarray
    previous: np.ndarray | None
    run: np.ndarray
    counts: deque[np.ndarray]

    def __init__(self, op: Op, inputs: list[Slot], length: int) -> None:
        if "ratio" in op.tensors:
            self.tensors = self.tensors | BANDS  # type: ignore[misc]
        super().__init__(op, inputs, length)

    def slot(self):
        n = self.inputs[0].shape[0]
        self.require(
            self.inputs[1].shape[0] == n, f"judges {n} channels, but repairs {self.inputs[1].shape[0]}"
        )
        self.require(1 <= self.most <= n, f"has most {self.most}, expected 1 to {n}")
        self.require(
            self.hop >= 1 and self.n_blocks >= 1,
            f"has hop {self.hop} and {self.n_blocks} blocks, expected 1 or more",
        )
        self.require(self.hop * self.n_blocks <= 1 << 27, "judges by more than 2^27 samples")
        self.require(self.flat >= 2, f"has flat {self.flat}, expected at least 2")
        for name in ("rail", "step", "noisy", "share"):
            self.require(getattr(self, name) >= 0, f"has a negative {name}")
        self.known = np.diag(self.inverse) > 0
        if "ratio" in self.tensors:
            from fastemo.reference.ops import OPS

            self.ratio = np.atleast_1d(self.ratio)
            self.require(
                len(self.coef) == len(self.ratio) + 1,
                f"has {len(self.coef)} bands for {len(self.ratio)} ratios, expected one more than those",
            )
            bands = {"coef": self.coef, "zi": self.zi}
            self.checks = OPS["bank_power"](
                Op("repair", (0,), bands), [self.inputs[0]], self.hop * self.n_blocks
            )
        return Slot("signal", (n,))

    def rate_behind(self, rate):
        self.require(not rate.steps, "reads a signal of another sampling rate than the input's")
        return rate

    def process(self, judged, x):
        y = x.copy()
        at = 0
        while at < x.shape[1]:
            n = min(x.shape[1] - at, self.hop - self.position % self.hop)
            self._mark(judged[:, at : at + n])
            if len(self.bad):
                y[self.bad, at : at + n] = weighted(self.weights, x[:, at : at + n])
            self.position += n
            if self.lost:
                self.last_lost = self.position - 1
            if self.position % self.hop == 0:
                self._judge()
            at += n
        return y

    def _mark(self, x):
        """Counts samples that are flat or railed, and noisy ones."""
        if self.previous is None:
            self.previous = x[:, 0]
        for sample in x.T:
            self.run = np.where(sample == self.previous, self.run, 0) + 1
            self.counts[-1][0] += (self.run >= self.flat) | (np.abs(sample) >= self.rail)
            self.counts[-1][1] += np.abs(sample - self.previous) > self.step
            self.previous = sample
        if self.checks is not None:
            self.checks.process(x)

    def _judge(self):
        """What holds from the next sample on."""
        length = len(self.counts) * self.hop
        spoilt, noisy = np.sum(self.counts, axis=0)
        bad = (spoilt > self.share * length) | (noisy > self.noisy * length)
        if self.checks is not None and self.position >= self.hop * self.n_blocks:
            *powers, reference = self.checks.value()
            for power, ratio in zip(powers, self.ratio, strict=True):
                bad |= power > ratio * reference
        bad = np.flatnonzero(bad & self.known)
        good = self.known.sum() - len(bad)
        self.lost = len(bad) > self.most or (len(bad) > 0 and good < 3)
        self.bad = np.array([], int) if self.lost else bad
        if len(self.bad):
            self._weigh()
        self.counts.append(np.zeros((2, len(self.known))))

    def _weigh(self):
        """-(P_bb)^-1 P_bg for the good g, 0 elsewhere."""
        try:
            root = np.linalg.cholesky(self.inverse[np.ix_(self.bad, self.bad)])
        except np.linalg.LinAlgError:  # no matrix of splines
            self.lost, self.bad = True, np.array([], int)
            return
        sources = self.known.copy()
        sources[self.bad] = False
        self.weights = np.zeros((len(self.bad), len(self.known)))
        half = np.linalg.solve(root, -self.inverse[np.ix_(self.bad, sources)])
        self.weights[:, sources] = np.linalg.solve(root.T, half)

    def passes(self, begin, end):
        """Whether not too many channels were bad at any of the samples [begin, end); end is the newest."""
        return self.last_lost < begin

    def reset(self):
        n = self.inputs[0].shape[0]
        self.position, self.last_lost, self.lost = 0, -1, False
        self.bad = np.array([], int)
        self.previous, self.run = None, np.zeros(n)
        self.counts = deque([np.zeros((2, n))], maxlen=self.n_blocks)
        if self.checks is not None:
            self.checks.reset()


def weighted(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """`weights @ x` in the order of the channels."""
    y = np.zeros((len(weights), x.shape[1]))
    for j in range(len(x)):
        y += weights[:, j, None] * x[j]
    return y
