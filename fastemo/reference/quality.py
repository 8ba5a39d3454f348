"""How good the signal of each channel is: marks per sample, scores per window (see docs/program.md)."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._program import Op, Program, Rate
from fastemo.reference.history import History
from fastemo.reference.kind import Slot
from fastemo.reference.ops import OPS

__all__ = ["Quality"]


class Quality:
    """Marks samples as bad (substituted, flat or railed), noisy, substituted; scores windows by the marks."""

    run: np.ndarray
    previous: np.ndarray | None
    marks: History

    def __init__(self, program: Program, rate: Rate) -> None:
        self.n_channels = len(program.ch_names)
        self.rate, self.window = rate, program.scalar("window.length")
        self.longest = rate.span(self.window)
        self.flat = program.scalar("quality.flat")
        self.rail = program.scalar("quality.rail")
        self.step = program.scalar("quality.step")
        self.noisy = program.scalar("quality.noisy")
        self.checks = self._checks(program)
        self.reset()

    def _checks(self, program: Program) -> Any:
        """The powers of bands of the input, the last of which the others are held against."""
        names = [f"quality.{name}" for name in ("coef", "zi", "ratio")]
        if not any(name in program.header for name in names):
            return None
        for name in names:
            if name not in program.header:
                raise ValueError(f"{name} is missing from a program with checks of bands")
        if self.rate.steps:
            raise ValueError(
                "quality.ratio checks the input window by window, which cannot be where windows are resampled"
            )
        self.limits = np.atleast_1d(program.header["quality.ratio"])
        tensors = {name: program.header[f"quality.{name}"] for name in ("coef", "zi")}
        checks = OPS["bank_power"](
            Op("quality", (0,), tensors), [Slot("signal", (self.n_channels,))], self.window
        )
        if not (self.limits > 0).all():
            raise ValueError(f"quality.ratio holds {self.limits.min()}, expected above 0")
        if checks.output.shape[0] != len(self.limits) + 1:
            raise ValueError(
                f"quality.coef has {checks.output.shape[0]} bands for {len(self.limits)} ratios, expected one more "
                "than those"
            )
        return checks

    def process(self, x: np.ndarray, substituted: np.ndarray) -> None:
        """Mark a block of cleaned samples (n_channels, n); `substituted` is boolean, of the same shape."""
        if not x.shape[1]:
            return
        before = x[:, 0] if self.previous is None else self.previous
        change = np.diff(x, axis=1, prepend=before[:, None])
        run = np.empty(x.shape, np.int64)
        for n in range(x.shape[1]):
            self.run = np.where(change[:, n] == 0, self.run, 0) + 1
            run[:, n] = self.run
        self.previous = x[:, -1].copy()
        bad = substituted | (run >= self.flat) | (np.abs(x) >= self.rail)
        self.marks.append(np.stack([bad, np.abs(change) > self.step, substituted]))
        if self.checks is not None:
            self.checks.process(x)

    def scores(self, stop: int) -> np.ndarray:
        """From 0 (unusable) to 1 for each channel over the window that ends before sample `stop` of its rate."""
        marks = self.last(stop)
        length, (bad, noisy, _) = marks.shape[-1], marks.sum(axis=-1)
        scores = np.where(noisy / length > self.noisy, 0.0, 1 - bad / length)
        if self.checks is None:
            return scores
        *powers, reference = self.checks.value()
        too_much = np.any(
            [p > limit * reference for p, limit in zip(powers, self.limits, strict=True)], axis=0
        )
        return np.where(too_much, 0.0, scores)

    def last(self, stop: int) -> np.ndarray:
        """The marks of the input's samples that speak for that window, the newest of which is the last one there is."""
        length = self.rate.needed(stop) - self.rate.first(stop - self.window)
        return self.marks.last()[..., self.longest - length :]

    def substituted(self, stop: int) -> bool:
        """Whether any sample of that window was substituted."""
        return bool(self.last(stop)[2].any())

    def reset(self) -> None:
        self.run = np.zeros(self.n_channels, np.int64)
        self.previous = None
        self.marks = History((3, self.n_channels), self.longest, bool)
        if self.checks is not None:
            self.checks.reset()
