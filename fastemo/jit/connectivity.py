"""Measures of connectivity from spectra or analytic signals, second signals side by side."""

from __future__ import annotations

import numpy as np
from numba import njit

from fastemo.jit.filters import OPTIONS
from fastemo.reference import connectivity as reference
from fastemo.reference.connectivity import MEASURES

__all__ = ["coherence_pairs", "cross_spectra", "plv_pairs", "tapered_measures", "wpli_pairs"]


@njit(**OPTIONS)
def plv_pairs(re, im, out):
    """Phase-locking value of all pairs over observations (n_observations, n_channels), into out (n_channels, n_channels)."""
    n, n_channels = re.shape
    u_re, u_im = np.empty_like(re), np.empty_like(im)
    for i in range(n):
        for c in range(n_channels):
            size = np.sqrt(re[i, c] ** 2 + im[i, c] ** 2)
            scale = 1 / size if size > 0 else 0.0
            u_re[i, c], u_im[i, c] = re[i, c] * scale, im[i, c] * scale
    sums = np.zeros((2, n_channels))
    for r in range(n_channels):
        _add_products(u_re, u_im, r, sums)
        for c in range(n_channels):
            out[r, c] = np.sqrt(sums[0, c] ** 2 + sums[1, c] ** 2) / n


@njit(**OPTIONS)
def coherence_pairs(re, im, out):
    """Magnitude of the coherency of all pairs over observations (n_observations, n_channels)."""
    n, n_channels = re.shape
    power = np.zeros(n_channels)
    for i in range(n):
        for c in range(n_channels):
            power[c] += re[i, c] ** 2 + im[i, c] ** 2
    sums = np.zeros((2, n_channels))
    for r in range(n_channels):
        _add_products(re, im, r, sums)
        for c in range(n_channels):
            both = np.sqrt(power[r] * power[c])
            out[r, c] = np.sqrt(sums[0, c] ** 2 + sums[1, c] ** 2) / both if both > 0 else 0.0


@njit(**OPTIONS)
def wpli_pairs(re, im, out):
    """Weighted phase-lag index of all pairs over observations (n_observations, n_channels)."""
    n, n_channels = re.shape
    total, size = np.zeros(n_channels), np.zeros(n_channels)
    for r in range(n_channels):
        total[:], size[:] = 0.0, 0.0
        for i in range(n):
            x_re, x_im = re[i, r], im[i, r]
            for c in range(n_channels):
                s = x_im * re[i, c] - x_re * im[i, c]
                total[c] += s
                size[c] += abs(s)
        for c in range(n_channels):
            out[r, c] = abs(total[c]) / size[c] if size[c] > 0 else 0.0


@njit(**OPTIONS)
def _add_products(re, im, r, sums):
    """Sums over observations of channel r times the conjugate of every channel."""
    sums[:] = 0.0
    for i in range(len(re)):
        x_re, x_im = re[i, r], im[i, r]
        for c in range(re.shape[1]):
            sums[0, c] += x_re * re[i, c] + x_im * im[i, c]
            sums[1, c] += x_im * re[i, c] - x_re * im[i, c]


def cross_spectra(
    spectra: np.ndarray,
    bands: np.ndarray,
    rows: np.ndarray,
    stops: np.ndarray,
    measures: int,
    threads: int = 1,
) -> np.ndarray:
    """Planes of measures, as `fastemo.reference.cross_spectra`. `threads` is there for the signature."""
    positions = [i for i in range(len(MEASURES)) if measures >> i & 1]
    n_planes = len(positions) + (measures >> MEASURES.index("cohy") & 1)
    out = np.zeros((n_planes, len(bands), len(rows), spectra.shape[-1]))
    _planes(
        np.ascontiguousarray(spectra, np.float64),
        np.asarray(bands, np.int64),
        np.asarray(rows, np.int64),
        np.asarray(stops, np.int64),
        int(measures),
        out,
    )
    return out


def tapered_measures(
    x: np.ndarray,
    tapers: np.ndarray,
    bands: np.ndarray,
    measures: int,
    apart: bool = False,
    threads: int = 1,
) -> np.ndarray | None:
    """Measures of all pairs, as `fastemo.reference.tapered_measures`."""
    return reference.tapered_measures(x, tapers, bands, measures, apart, threads, cross_spectra)


@njit(**OPTIONS)
def _planes(spectra, bands, rows, stops, measures, out):
    n_observations, n_tapers, stride = spectra.shape[1], spectra.shape[2], spectra.shape[4]
    power, sums, before = np.empty(stride), np.empty((7, stride)), np.empty((2, len(rows), stride))
    re, im = np.empty(stride), np.empty(stride)
    for band in range(len(bands)):
        first, stop = bands[band, 0], bands[band, 1]
        for b in range(first, stop):
            power[:] = 0.0
            for i in range(n_observations):
                for t in range(n_tapers):
                    for c in range(stride):
                        power[c] += spectra[b, i, t, 0, c] ** 2 + spectra[b, i, t, 1, c] ** 2
            slope = bands[band, 2] < b < bands[band, 3]
            for r in range(len(rows)):
                _sums_of_row(spectra[b], rows[r], stops[r], re, im, sums)
                for c in range(stops[r]):
                    both = np.sqrt(power[rows[r]] * power[c])
                    _add_measures(
                        sums[:, c], 1 / both if both > 0 else 0.0, n_observations, measures, 1 / (stop - first), slope,
                        before[:, r, c], out[:, band, r, c],
                    )  # fmt: skip


@njit(**OPTIONS)
def _sums_of_row(bin_, x, stop, re, im, sums):
    """Products, phases, signs, magnitudes and squares of channel x with channels [0, stop), over observations."""
    sums[:] = 0.0
    for i in range(len(bin_)):
        re[:stop], im[:stop] = 0.0, 0.0
        for t in range(bin_.shape[1]):
            x_re, x_im = bin_[i, t, 0, x], bin_[i, t, 1, x]
            for c in range(stop):
                re[c] += x_re * bin_[i, t, 0, c] + x_im * bin_[i, t, 1, c]
                im[c] += x_im * bin_[i, t, 0, c] - x_re * bin_[i, t, 1, c]
        for c in range(stop):
            size = np.sqrt(re[c] ** 2 + im[c] ** 2)
            scale = 1 / size if size > 0 else 0.0
            sums[0, c] += re[c]
            sums[1, c] += im[c]
            sums[2, c] += re[c] * scale
            sums[3, c] += im[c] * scale
            sums[4, c] += np.sign(im[c])
            sums[5, c] += abs(im[c])
            sums[6, c] += im[c] ** 2


@njit(**OPTIONS)
def _add_measures(sums, inverse_root, n, measures, weight, slope, before, out):
    """Every measure that is asked for, in the order of their bits, added to the band's mean."""
    re, im = sums[0] * inverse_root, sums[1] * inverse_root
    phase = sums[2] ** 2 + sums[3] ** 2
    plane = 0
    for bit in range(12):
        if not measures >> bit & 1:
            continue
        value = 0.0
        if bit == 0:
            value = np.sqrt(re**2 + im**2)
        elif bit == 1:
            out[plane] += re * weight
            plane += 1
            value = im
        elif bit == 2:
            value = im
        elif bit == 3:
            value = np.sqrt(phase) / n
        elif bit == 4:
            rest = max(1 - (sums[2] / n) ** 2, 0.0)
            value = abs(sums[3]) / n / (np.sqrt(rest) if rest > 0 else 1.0)
        elif bit == 5:
            value = (phase - n) / (n * (n - 1.0))
        elif bit == 6:
            value = abs(sums[4]) / n
        elif bit == 7:
            value = (sums[4] ** 2 / n - 1) / (n - 1.0)
        elif bit == 8:
            value = (sums[4] + n) / (2 * n)
        elif bit == 9:
            value = abs(sums[1]) / sums[5] if sums[5] > 0 else 0.0
        elif bit == 10:
            others = sums[5] ** 2 - sums[6]
            value = (sums[1] ** 2 - sums[6]) / others if others != 0 else 0.0
        else:
            if slope:
                out[plane] += before[0] * im - before[1] * re
            before[0], before[1] = re, im
        out[plane] += value * weight
        plane += 1
