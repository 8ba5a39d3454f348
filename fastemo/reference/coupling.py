"""Phase-amplitude coupling of one pair of signals, sample by sample."""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2, cos, floor, log, pi, sin, sqrt

import numpy as np

__all__ = ["mean_vector_length", "modulation_index", "surrogates"]


def mean_vector_length(phase: np.ndarray, amplitude: np.ndarray, normalize: bool = False) -> float:
    n = len(phase)
    re = sum(a * cos(p) for p, a in zip(phase, amplitude, strict=True)) / n
    im = sum(a * sin(p) for p, a in zip(phase, amplitude, strict=True)) / n
    length = sqrt(re * re + im * im)
    return length / sqrt(sum(a * a for a in amplitude) / n) if normalize else length


def modulation_index(phase: np.ndarray, amplitude: np.ndarray, n_bins: int = 18) -> float:
    in_bin: list[list[float]] = [[] for _ in range(n_bins)]
    for p, a in zip(phase, amplitude, strict=True):
        wrapped = atan2(sin(p), cos(p))
        in_bin[min(floor((wrapped + pi) / (2 * pi) * n_bins), n_bins - 1)].append(a)
    means = [sum(values) / len(values) if values else 0.0 for values in in_bin]
    shares = [mean / sum(means) for mean in means]
    entropy = -sum(share * log(share) for share in shares if share > 0)
    return (log(n_bins) - entropy) / log(n_bins)


def surrogates(amplitude: np.ndarray, cuts: Iterable[int]) -> list[np.ndarray]:
    """The amplitude with its two parts, before and after each cut, swapped."""
    return [np.concatenate([amplitude[cut:], amplitude[:cut]]) for cut in cuts]
