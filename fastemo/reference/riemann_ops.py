"""The ops of covariances, written to be read. A row is the upper triangle of a matrix, by rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo.reference.kind import Kind, Slot
from fastemo.reference.riemann import ESTIMATORS, OF_PRODUCTS, covariance, of_products, spectral_map

__all__ = ["Congruence", "Cov", "FadingCov", "Mdm", "Tangent"]


def folded(matrices: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(matrices.shape[-1])
    return matrices[..., i, j]


def unfolded(rows: np.ndarray, n: int) -> np.ndarray:
    out = np.empty((len(rows), n, n))
    i, j = np.triu_indices(n)
    out[:, i, j] = out[:, j, i] = rows
    return out


class Cov(Kind):
    reads = "window"
    tensors: ClassVar = {"estimator": (int, (1,)), "shrinkage": (float, (1,))}

    def slot(self):
        self.require(0 <= self.estimator < len(ESTIMATORS), f"has estimator {self.estimator}, which is none")
        self.require(0 <= self.shrinkage <= 1, f"has shrinkage {self.shrinkage}, expected 0 to 1")
        least = {"cov": 2, "sch": 3}.get(ESTIMATORS[self.estimator], 1)
        self.require(
            self.length >= least, f"reads windows of {self.length} samples, expected {least} at least"
        )
        n = self.inputs[0].shape[0]
        return Slot("vector", (1, n * (n + 1) // 2))

    def process(self, x):
        return folded(covariance(x[None], self.estimator, self.shrinkage, True, 1))


class FadingCov(Cov):
    """The covariance of all samples since the reset, each weighing forgetting^age, about their weighted mean."""

    reads = "signal"
    tensors: ClassVar = {**Cov.tensors, "forgetting": (float, (1,))}
    weight: float
    squares: float
    mean: np.ndarray
    scatter: np.ndarray

    def slot(self):
        self.require(
            0 < self.forgetting <= 1, f"has forgetting {self.forgetting}, expected above 0 and up to 1"
        )
        slot = super().slot()
        name = ESTIMATORS[self.estimator]
        self.require(name in OF_PRODUCTS, f"has the estimator {name}, which needs a window")
        return slot

    def process(self, x):
        for sample in x.T:
            d = sample - self.mean
            if not np.isfinite(sum((d * d).tolist())):
                continue
            before = self.forgetting * self.weight
            self.weight = before + 1
            self.squares = self.forgetting * self.forgetting * self.squares + 1
            self.mean = self.mean + 1 / self.weight * d
            self.scatter = self.forgetting * self.scatter + np.outer(before / self.weight * d, d)

    def value(self):
        name = ESTIMATORS[self.estimator]
        total = self.weight - self.squares / self.weight if name == "cov" and self.weight else self.weight
        c = self.scatter / total if total > 0 else np.zeros_like(self.scatter)
        n = self.weight**2 / self.squares if self.weight else 1.0
        return folded(of_products(name, c, n, self.shrinkage)[None])

    def reset(self):
        n = self.inputs[0].shape[0]
        self.weight, self.squares = 0.0, 0.0
        self.mean, self.scatter = np.zeros(n), np.zeros((n, n))


class Matrices(Kind):
    """Reads rows of covariances."""

    def slot(self):
        rows, columns = self.inputs[0].shape
        n = int(np.sqrt(2 * columns))
        self.require(
            n * (n + 1) // 2 == columns, f"reads rows of {columns}, which are no triangles of matrices"
        )
        floor = getattr(self, "floor", 1.0) if "floor" in self.tensors else 1.0
        self.require(floor >= 1e-300, f"has floor {floor}, expected at least 1e-300")
        name = "matrix" if "matrix" in self.tensors else "whitening"
        shape = getattr(self, name).shape
        self.require(
            shape[-3:] == (rows, n, n), f"has {name} of shape {shape}, expected (..., {rows}, {n}, {n})"
        )
        self.n = n
        return Slot("vector", (rows, columns))


class Congruence(Matrices):
    tensors: ClassVar = {"matrix": (float, ("R", "N", "N"))}

    def process(self, x):
        return folded(self.matrix @ unfolded(x, self.n) @ self.matrix.swapaxes(1, 2))


class Tangent(Matrices):
    tensors: ClassVar = {"whitening": (float, ("R", "N", "N")), "floor": (float, (1,))}

    def process(self, x):
        pairs = zip(unfolded(x, self.n), self.whitening, strict=True)
        return np.concatenate(
            [spectral_map("tangent", "log", 0.0, self.floor, c[None], w[None], 1)[0] for c, w in pairs]
        )


class Mdm(Matrices):
    tensors: ClassVar = {"whitening": (float, ("K", "R", "N", "N")), "floor": (float, (1,))}

    def slot(self):
        super().slot()
        return Slot("vector", (1, len(self.whitening)))

    def process(self, x):
        squared = [
            spectral_map("distances", "log", 0.0, self.floor, c[None], self.whitening[:, r], 1)[0]
            for r, c in enumerate(unfolded(x, self.n))
        ]
        return -np.sum(squared, axis=0)
