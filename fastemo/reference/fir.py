"""Filters of the stream that are sums of products, as ops."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo._program import Rate
from fastemo.reference.kind import Kind

__all__ = ["Fir", "Resample", "Wavelets"]

MOST_RAISED = 4096


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


class Resample(Kind):
    """y[m] = sum_k taps[k] v[m down - k], v the samples with up - 1 zeros after each."""

    reads = "signal"
    tensors: ClassVar = {
        "taps": (float, ("N",)),
        "up": (int, (1,)),
        "down": (int, (1,)),
        "first": (int, (1,)),
    }
    level: np.ndarray | None
    past: np.ndarray

    def slot(self):
        self.require(
            1 <= self.up <= 1 << 20 and 1 <= self.down <= 1 << 20,
            f"has up {self.up} and down {self.down}, expected 1 to {1 << 20}",
        )
        self.require(self.first in (0, 1), f"has first {self.first}, expected 0 or 1")
        self.phases = [self.taps[p :: self.up][::-1] for p in range(self.up)]
        self.memory = len(self.phases[0]) - 1
        return super().slot()

    def rate_behind(self, rate):
        behind = Rate((*rate.steps, (self.up, self.down)))
        self.require(
            behind.ratio <= MOST_RAISED,
            f"raises the sampling rate to more than {MOST_RAISED} times that of the input",
        )
        return behind

    def process(self, x):
        if self.level is None:
            self.level = self.first * x[:, :1]
        own, before = Rate(((self.up, self.down),)), self.position
        self.position += x.shape[1]
        x = np.concatenate([self.past, x - self.level], axis=1)
        self.past = x[:, x.shape[1] - self.memory :]
        results = range(own.samples(before), own.samples(self.position))
        y = np.zeros((len(x), len(results)))
        for j, m in enumerate(results):
            newest, phase = divmod(m * self.down, self.up)
            taps, stop = self.phases[phase], newest - before + self.memory + 1
            if len(taps):
                y[:, j] = np.add.accumulate(taps * x[:, stop - len(taps) : stop], axis=1)[:, -1]
        return y + self.level * (self.taps.sum() / self.up)

    def reset(self):
        self.level, self.position = None, 0
        self.past = np.zeros((self.inputs[0].shape[0], self.memory))


class Wavelets(Kind):
    """Root of the weighted powers of complex filters, their middles all as late; `block` is the compiled engine's."""

    reads = "signal"
    tensors: ClassVar = {
        "taps": (float, ("T", 2)),
        "lengths": (int, ("K",)),
        "weights": (float, ("K",)),
        "delay": (int, (1,)),
        "block": (int, (1,)),
    }
    level: np.ndarray | None
    past: np.ndarray

    def slot(self):
        odd = (self.lengths >= 1) & (self.lengths % 2 == 1)
        self.require(bool(odd.all()), f"has lengths {self.lengths.tolist()}, expected odd numbers")
        self.require(self.lengths.sum() == len(self.taps), f"has {len(self.taps)} taps for these lengths")
        half = int(self.lengths.max()) // 2
        self.require(half <= self.delay <= 1 << 22, f"has delay {self.delay}, expected {half} to {1 << 22}")
        block = self.block
        self.require(
            block == 0 or (16 <= block <= 1 << 16 and block & (block - 1) == 0),
            f"has block {block}, expected 0 or a power of two from 16 to 65536",
        )
        self.require(bool((self.weights >= 0).all()), "has a negative weight")
        taps = self.taps[:, 0] + 1j * self.taps[:, 1]
        self.wavelets = np.split(taps, np.cumsum(self.lengths)[:-1])
        self.memory = self.delay + half
        return super().slot()

    def process(self, x):
        if self.level is None:
            self.level = x[:, :1].copy()
        n = x.shape[1]
        x = np.concatenate([self.past, x - self.level], axis=1)
        self.past = x[:, n:]
        power = np.zeros((len(x), n))
        for taps, weight in zip(self.wavelets, self.weights, strict=True):
            # Tap k meets the sample `lead` + k before.
            lead, z = self.delay - len(taps) // 2, np.zeros((len(x), n), complex)
            for k in reversed(range(len(taps))):
                begin = self.memory - lead - k
                z += taps[k] * x[:, begin : begin + n]
            z += taps.sum() * self.level
            power += weight * (z.real**2 + z.imag**2)
        return np.sqrt(power)

    def reset(self):
        self.level, self.past = None, np.zeros((self.inputs[0].shape[0], self.memory))
