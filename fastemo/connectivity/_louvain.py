"""Communities of a graph that have more weight among themselves than by chance."""

from __future__ import annotations

import numpy as np

__all__ = ["louvain", "quality"]


def quality(w: np.ndarray, labels: np.ndarray, resolution: float) -> float:
    total, strengths = w.sum(), w.sum(axis=0)
    if total == 0:
        return 0.0
    same = labels[:, None] == labels
    return float(((w - resolution * np.outer(strengths, strengths) / total) * same).sum() / total)


def louvain(w: np.ndarray, resolution: float, rng: np.random.Generator) -> np.ndarray:
    labels, graph = np.arange(len(w)), w
    if w.sum() == 0:
        return labels
    while True:
        moved = _move_nodes(graph, resolution, rng)
        names, moved = np.unique(moved, return_inverse=True)
        if len(names) == len(graph):
            return labels
        labels = moved[labels]
        member = np.eye(len(names))[moved]
        graph = member.T @ graph @ member  # weights within a community become a loop


def _move_nodes(w: np.ndarray, resolution: float, rng: np.random.Generator) -> np.ndarray:
    """Each node goes to the community that gains most by it, until none gains any more."""
    n, strengths, total = len(w), w.sum(axis=0), w.sum()
    labels, sums = np.arange(n), strengths.copy()
    changed = True
    while changed:
        changed = False
        for i in rng.permutation(n):
            own = labels[i]
            sums[own] -= strengths[i]
            towards = np.bincount(labels, np.where(np.arange(n) == i, 0, w[i]), minlength=n)
            gain = towards - resolution * strengths[i] * sums / total
            best = int(np.argmax(gain))
            if gain[best] <= gain[own] + 1e-12 * total:
                best = own
            labels[i] = best
            sums[best] += strengths[i]
            changed |= best != own
    return labels
