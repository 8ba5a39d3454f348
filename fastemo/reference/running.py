"""Ops that learn from the stream itself: recursive regression on other channels, running mean and deviation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo.reference.kind import Kind, Slot

__all__ = ["Rls", "Running"]

CONSTANT, TREND = -1, -2


class Rls(Kind):
    """Residuals of the channels `keep` after recursive least squares on the regressors."""

    reads = "signal"
    tensors: ClassVar = {
        "keep": (int, ("O",)),
        "regressors": (int, ("P",)),
        "forgetting": (float, (1,)),
        "ridge": (float, (1,)),
    }
    keep: np.ndarray
    regressors: np.ndarray
    time: int
    root: np.ndarray
    coef: np.ndarray

    def slot(self):
        n_channels = self.inputs[0].shape[0]
        self.keep, self.regressors = np.atleast_1d(self.keep), np.atleast_1d(self.regressors)
        there = (self.keep >= 0) & (self.keep < n_channels)
        self.require(bool(there.all()), f"keeps channels {self.keep}, expected some of {n_channels}")
        there = (self.regressors >= TREND) & (self.regressors < n_channels)
        self.require(
            bool(there.all()), f"regresses on channels {self.regressors}, expected some of {n_channels}"
        )
        self.require(
            0 < self.forgetting <= 1, f"has forgetting {self.forgetting}, expected above 0 and up to 1"
        )
        self.require(1e-100 <= self.ridge <= 1e100, f"has ridge {self.ridge}, expected 1e-100 to 1e100")
        return Slot("signal", (len(self.keep),))

    def process(self, x):
        y = x[self.keep].copy()
        for i in range(x.shape[1]):
            y[:, i] = self._step(x[:, i], y[:, i])
            self.time += 1
        return y

    def _step(self, x, y):
        special = {CONSTANT: 1.0, TREND: self.time / 128}
        f = np.array([x[r] if r >= 0 else special[int(r)] for r in self.regressors])
        # Summed in the order of the regressors: BLAS would round in another.
        n = len(f)
        a, power, error = np.zeros(n), 0.0, y
        for i in range(n):
            a = a + self.root[i] * f[i]
            error = error - f[i] * self.coef[i]
        for j in range(n):
            power += a[j] * a[j]
        total = self.forgetting + power
        if not np.isfinite(total):
            return error
        v = np.zeros(n)
        for j in range(n):
            v = v + self.root[:, j] * a[j]
        self.coef += np.outer(v / total, error)
        rest = self.forgetting / total
        gamma = 1 / (total * (1 + np.sqrt(rest)))
        self.root = (self.root - np.outer(gamma * v, a)) * (1 / np.sqrt(self.forgetting))
        limit, variance = 1 / self.ridge, np.zeros(n)
        for j in range(n):
            variance = variance + self.root[:, j] ** 2
        for i in np.flatnonzero(variance > limit).tolist():
            self.root[i] *= np.sqrt(limit / variance[i])
        return error * rest

    def reset(self):
        n = len(self.regressors)
        self.time = 0
        self.root, self.coef = np.eye(n) * np.sqrt(1 / self.ridge), np.zeros((n, len(self.keep)))


class Running(Kind):
    """Running mean and deviation: spikes are cut off, and with `scaled` the rest is z-scored."""

    reads = "signal"
    tensors: ClassVar = {
        "forgetting": (float, (1,)),
        "clip": (float, (1,)),
        "start": (int, (1,)),
        "scaled": (int, (1,)),
    }
    time: int
    weight: float
    mean: np.ndarray
    squares: np.ndarray

    def slot(self):
        self.require(
            0 < self.forgetting <= 1, f"has forgetting {self.forgetting}, expected above 0 and up to 1"
        )
        self.require(self.clip >= 0, f"has clip {self.clip}, expected at least 0")
        self.require(self.start >= 1, f"has start {self.start}, expected at least 1")
        self.require(self.scaled in (0, 1), f"has scaled {self.scaled}, expected 0 or 1")
        return super().slot()

    def process(self, x):
        y = x.copy()
        for i in range(x.shape[1]):
            y[:, i] = self._step(y[:, i])
            self.time += 1
        return y

    def _step(self, x):
        if self.clip > 0 and self.time >= self.start:
            limit = self.clip * np.sqrt(self.squares / self.weight)
            x = np.where(limit > 0, np.clip(x, self.mean - limit, self.mean + limit), x)
        before = self.forgetting * self.weight
        self.weight = before + 1
        d = x - self.mean
        self.mean = self.mean + d / self.weight
        self.squares = self.forgetting * self.squares + before / self.weight * d * d
        if not self.scaled:
            return x
        sd = np.sqrt(self.squares / self.weight)
        varies = sd > 1e-10 * np.abs(self.mean)
        return np.divide(x - self.mean, sd, out=np.zeros_like(x), where=varies)

    def reset(self):
        self.time, self.weight = 0, 0.0
        self.mean, self.squares = np.zeros((2, *self.inputs[0].shape))
