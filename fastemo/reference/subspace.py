"""Artifact subspace reconstruction of a stream, written to be read (see docs/program.md, `asr`)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo.reference.kind import Kind
from fastemo.reference.signal import cascade, first_state

__all__ = ["Asr", "AsrFilter", "subspace_map"]


def subspace_map(covariance: np.ndarray, limit: np.ndarray, inverse: np.ndarray, most: int) -> np.ndarray:
    """R = I - V (V'WV)^-1 V'W, V the eigenvectors of the covariance, of the `most` largest, that are beyond the
    limit: v'Sv >= v'Qv."""
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[-most:], vectors[:, -most:]
    large = values >= ((limit @ vectors) * vectors).sum(axis=0)
    v = vectors[:, large]
    return np.eye(len(limit)) - v @ np.linalg.solve(v.T @ inverse @ v, v.T @ inverse)


class AsrFilter:
    """Chunks in, cleaned chunks out, `delay` samples late; the arguments are the tensors of the op."""

    def __init__(
        self,
        sos: np.ndarray,
        zi: np.ndarray,
        limit: np.ndarray,
        inverse: np.ndarray,
        n_blocks: int,
        hop: int,
        delay: int,
        most: int,
    ) -> None:
        self.sos, self.zi, self.limit, self.inverse = sos, zi, limit, inverse
        self.n_blocks, self.hop, self.delay, self.most = n_blocks, hop, delay, most
        self.n_channels = len(limit)
        self.weight = (1 - np.cos(np.pi * np.arange(1, hop + 1) / hop)) / 2
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self.state: np.ndarray | None = None
        self.block = np.empty((self.n_channels, 0))
        self.sums: list[np.ndarray] = []
        self.maps = [np.eye(self.n_channels)] * 2

    def process(self, chunk: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The next samples (n_channels, n)."""
        if chunk.ndim != 2 or len(chunk) != self.n_channels:
            raise ValueError(f"chunk has shape {chunk.shape}, expected ({self.n_channels}, n_samples)")
        x = np.asarray(chunk, np.float64)
        y = np.empty(x.shape) if out is None else out
        if x.shape[1] == 0:
            return y
        if self.state is None:
            self.state = first_state(self.zi, x)
            self.late = np.repeat(x[:, :1], self.delay, axis=1)
        raw = np.concatenate([self.late, x], axis=1)
        self.late = raw[:, x.shape[1] :]
        begin = 0
        while begin < x.shape[1]:
            in_block = self.block.shape[1]
            stop = min(x.shape[1], begin + self.hop - in_block)
            shaped = cascade(self.sos, self.state, x[:, begin:stop])
            self.block = np.concatenate([self.block, shaped], axis=1)
            before, newest = (weighted(m, raw[:, begin:stop]) for m in self.maps)
            weight = self.weight[in_block : in_block + stop - begin]
            y[:, begin:stop] = before + weight * (newest - before)
            if self.block.shape[1] == self.hop:
                self._close_block()
            begin = stop
        return y

    def _close_block(self) -> None:
        self.sums = [*self.sums, self.block @ self.block.T][-self.n_blocks :]
        self.block = self.block[:, :0]
        covariance = np.sum(self.sums, axis=0) / (len(self.sums) * self.hop)
        newest = subspace_map(covariance, self.limit, self.inverse, self.most)
        self.maps = [self.maps[1], newest]


def weighted(coef: np.ndarray, x: np.ndarray) -> np.ndarray:
    """`coef @ x` in the order of the channels; BLAS may round differently for another length of block."""
    y = np.zeros((len(coef), x.shape[1]))
    for j in range(len(x)):
        y += coef[:, j, None] * x[j]
    return y


class Asr(Kind):
    """The filter as an op."""

    reads = "signal"
    tensors: ClassVar = {
        "coef": (float, ("S", 6)),
        "zi": (float, ("S", 2)),
        "limit": (float, ("C", "C")),
        "inverse": (float, ("C", "C")),
        "n_blocks": (int, (1,)),
        "hop": (int, (1,)),
        "delay": (int, (1,)),
        "most": (int, (1,)),
    }

    def slot(self):
        bounds = {
            "hop": (1, 1 << 20),
            "n_blocks": (1, 1 << 16),
            "delay": (0, 1 << 24),
            "most": (1, self.sizes["C"]),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            self.require(low <= value <= high, f"has {name} {value}, expected {low} to {high}")
        limit, inverse = np.atleast_2d(self.limit), np.atleast_2d(self.inverse)
        self.filter = AsrFilter(
            self.coef, self.zi, limit, inverse, self.n_blocks, self.hop, self.delay, self.most
        )
        return super().slot()

    def process(self, x):
        return self.filter.process(x)

    def reset(self):
        self.filter.reset()

    def adopt(self, other):
        """Judge from now on by what another has learnt."""
        self.filter.limit, self.filter.inverse = other.filter.limit, other.filter.inverse
