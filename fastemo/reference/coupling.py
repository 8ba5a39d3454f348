"""Phase-amplitude coupling of one pair of signals, sample by sample."""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2, cos, floor, log, nan, pi, sin, sqrt
from typing import ClassVar

import numpy as np

from fastemo.reference.kind import Kind, Slot

__all__ = ["Coupling", "mean_vector_length", "modulation_index", "surrogates"]


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


class Coupling(Kind):
    """Phase-amplitude coupling of each channel's window, whose bands are filtered without delay."""

    reads = "window"
    tensors: ClassVar = {
        "gains": (float, ("B", "H")),
        "n_fft": (int, (1,)),
        "reach": (int, (1,)),
        "n_phase": (int, (1,)),
        "method": (int, (1,)),
        "n_bins": (int, (1,)),
    }

    def slot(self):
        n_bands, n, reach = len(self.gains), self.length, self.reach
        self.require(n >= 2, "has a window of 1 sample, expected at least 2")
        self.require(0 <= reach < n, f"has reach {reach}, expected 0 to {n - 1}")
        self.require(n + 2 * reach <= self.n_fft <= 1 << 24, f"has n_fft {self.n_fft}, too short or too long")
        rest = self.n_fft
        for prime in (2, 3, 5, 7, 11, 13):
            while rest % prime == 0:
                rest //= prime
        self.require(rest == 1, f"has n_fft {self.n_fft}, expected one without prime factors above 13")
        self.require(self.gains.shape[1] == self.n_fft // 2 + 1, f"has gains of shape {self.gains.shape}")
        self.require(0 < self.n_phase < n_bands, f"has n_phase {self.n_phase} of {n_bands} bands")
        self.require(0 <= self.method <= 2, f"has method {self.method}, expected 0 to 2")
        self.require(2 <= self.n_bins <= 1 << 16, f"has n_bins {self.n_bins}, expected 2 to 65536")
        return Slot("vector", (self.n_phase * (n_bands - self.n_phase), self.inputs[0].shape[0]))

    def process(self, x):
        return np.array([self.channel(row - row[0]) for row in x]).T

    def channel(self, row: np.ndarray) -> list[float]:
        """Of one channel, all pairs."""
        n, reach, n_fft = self.length, self.reach, self.n_fft
        head, tail = 2 * row[0] - row[reach:0:-1], 2 * row[-1] - row[-2 : -reach - 2 : -1]
        spectrum = np.fft.fft(np.concatenate([head, row, tail]), n_fft)
        spectrum[1 : (n_fft + 1) // 2] *= 2
        spectrum[n_fft // 2 + 1 :] = 0
        half = n_fft // 2 + 1
        bands = np.zeros((len(self.gains), n_fft), complex)
        bands[:, :half] = spectrum[:half] * self.gains * n_fft
        z = np.fft.ifft(bands)[:, reach : reach + n]
        phases, amplitudes = np.angle(z[: self.n_phase]), np.abs(z[self.n_phase :])
        return [self.of_pair(phase, amplitude) for phase in phases for amplitude in amplitudes]

    def of_pair(self, phase: np.ndarray, amplitude: np.ndarray) -> float:
        if self.method == 1:
            return mean_vector_length(phase, amplitude)
        if not amplitude.any():
            return nan
        if self.method == 2:
            return mean_vector_length(phase, amplitude, normalize=True)
        return max(modulation_index(phase, amplitude, self.n_bins), 0.0)
