"""Filters of the stream that are sums of products, as ops."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo.reference.kind import Kind

__all__ = ["Fir"]


class Fir(Kind):
    """Sums of products; `block` only says how the compiled engine goes about it."""

    reads = "signal"
    tensors: ClassVar = {"taps": (float, ("N",)), "block": (int, (1,)), "first": (int, (1,))}
    level: np.ndarray | None
    past: np.ndarray

    def slot(self):
        n, block = len(self.taps), self.block
        self.require(
            block == 0 or (16 <= block <= 1 << 16 and block & (block - 1) == 0 and block < n),
            f"has block {block}, expected 0 or a power of two from 16 on that is smaller than {n}",
        )
        self.require(self.first in (0, 1), f"has first {self.first}, expected 0 or 1")
        return super().slot()

    def process(self, x):
        if self.level is None:
            self.level = self.first * x[:, :1]
        n_before = self.past.shape[1]
        x = np.concatenate([self.past, x - self.level], axis=1)
        y = np.zeros((len(x), x.shape[1] - n_before))
        for k in reversed(range(len(self.taps))):
            y += self.taps[k] * x[:, n_before - k : x.shape[1] - k]
        self.past = x[:, x.shape[1] - n_before :]
        return y + self.level * self.taps.sum()

    def reset(self):
        self.level, self.past = None, np.zeros((self.inputs[0].shape[0], len(self.taps) - 1))
