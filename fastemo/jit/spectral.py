"""Band power by an FFT of any length, two real signals at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from fastemo.jit.filters import OPTIONS
from fastemo.reference.spectral import FLOOR, Bands

__all__ = [
    "FftBandPower",
    "band_power",
    "band_sums",
    "differential_entropy",
    "power_spectrum",
    "rfft_power",
]


@lru_cache(maxsize=32)
def _plan(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Prime factors of n, and its roots of unity."""
    factors, rest, p = [], n, 2
    while rest > 1:
        if p * p > rest:
            p = rest
        while rest % p == 0:
            factors.append(p)
            rest //= p
        p += 1
    return np.array(factors, np.int64), np.exp(-2j * np.pi * np.arange(n) / n)


@njit(**OPTIONS)
def _fft(a, b, factors, roots):
    """Discrete Fourier transform of a, in place, b being scratch: Stockham's autosort, one prime at a time.

    O(n times the sum of the factors): fast where they are small, quadratic for a large prime.
    """
    total = len(a)
    n, stride = total, 1
    for p in factors:
        m = n // p
        for k in range(m):
            for r in range(p):
                for j in range(stride):
                    b[j + stride * (p * k + r)] = 0
                for t in range(p):
                    w = roots[(t * r * (total // p)) % total] * roots[(k * r * (total // n)) % total]
                    for j in range(stride):
                        b[j + stride * (p * k + r)] += a[j + stride * (k + m * t)] * w
        a[:] = b
        n, stride = m, stride * p


@njit(**OPTIONS)
def power_spectrum(x, taper, detrend, factors, roots, out):
    """|rfft((x - mean) taper)|^2 of every row of x (n_signals, n) into out (n_signals, n // 2 + 1).

    Two signals share one complex transform as real and imaginary part.
    """
    n_signals, n = x.shape
    z, scratch = np.empty(n, np.complex128), np.empty(n, np.complex128)
    for i in range(0, n_signals, 2):
        j = min(i + 1, n_signals - 1)
        first = x[i].mean() if detrend else 0.0
        second = x[j].mean() if detrend else 0.0
        for k in range(n):
            z[k] = complex((x[i, k] - first) * taper[k], (x[j, k] - second) * taper[k])
        _fft(z, scratch, factors, roots)
        for k in range(out.shape[1]):
            mirrored = np.conj(z[-k if k else 0])
            u, v = 0.5 * (z[k] + mirrored), 0.5 * (z[k] - mirrored)
            out[i, k] = u.real**2 + u.imag**2
            out[j, k] = v.real**2 + v.imag**2


@njit(**OPTIONS)
def band_sums(power, edges, weights, out):
    """out[i, b] = weights[b] sum of power[i, edges[b, 0]:edges[b, 1]]."""
    for i in range(power.shape[0]):
        for b in range(len(edges)):
            total = 0.0
            for k in range(edges[b, 0], edges[b, 1]):
                total += power[i, k]
            out[i, b] = total * weights[b]


def rfft_power(x: np.ndarray, taper: np.ndarray | None = None, detrend: bool = False) -> np.ndarray:
    """`abs(rfft(x * taper)) ** 2` over the last axis; as `fastemo.reference.rfft_power`."""
    n = x.shape[-1]
    rows = np.ascontiguousarray(x.reshape(-1, n), np.float64)
    out = np.empty((len(rows), n // 2 + 1))
    power_spectrum(rows, np.ones(n) if taper is None else taper, detrend, *_plan(n), out)
    return out.reshape(*x.shape[:-1], -1)


class FftBandPower:
    """Band power of windows of one length; as the compiled class of this name."""

    def __init__(
        self, taper: np.ndarray, detrend: bool, first: int, scale: np.ndarray, edges: Any, weight: Any
    ) -> None:
        self._taper, self._detrend, self._first = np.asarray(taper, np.float64), detrend, first
        self._scale, self._edges = np.asarray(scale), np.asarray(edges, np.int64)
        self._weight = np.broadcast_to(np.asarray(weight, np.float64), (len(self._edges),)).copy()

    def compute(self, x: np.ndarray, out: np.ndarray | None = None, threads: int = 1) -> np.ndarray:
        """Powers (..., n_bands) of `x` (..., n_samples); `threads` changes nothing."""
        power = rfft_power(np.asarray(x, np.float64), self._taper, self._detrend)
        stop = self._first + len(self._scale)
        power = np.ascontiguousarray(power[..., self._first : stop] * self._scale)
        sums = np.empty((power[..., 0].size, len(self._edges)))
        band_sums(power.reshape(len(sums), -1), self._edges, self._weight, sums)
        sums = sums.reshape(*power.shape[:-1], -1)
        if out is None:
            return sums
        out[...] = sums
        return out


def band_power(x: np.ndarray, sfreq: float, bands: Bands, method: str = "fft") -> np.ndarray:
    """Power of each channel in each band; as `fastemo.reference.band_power`, with this package's kernels."""
    from fastemo.bands import check_bands

    _, edges = check_bands(bands, sfreq)
    if method == "filterbank":
        return _filterbank(np.asarray(x, np.float64), sfreq, edges)
    if method != "fft":
        raise ValueError(f"method must be 'fft' or 'filterbank', got {method!r}")
    n = x.shape[-1]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    scale = np.full(n // 2 + 1, 2 / (sfreq * np.sum(taper**2)))
    scale[0] /= 2
    if n % 2 == 0:
        scale[-1] /= 2
    # Positions of the edges in bins; the slack forgives the rounding of a product such as 0.1 * 30.
    bins = np.ceil(edges * n / sfreq - 1e-9 * n).astype(np.int64)
    bins = np.minimum(bins, n // 2 + 1)
    return FftBandPower(taper, True, 0, scale, bins, sfreq / n).compute(x)


def _filterbank(x: np.ndarray, sfreq: float, edges: np.ndarray) -> np.ndarray:
    from scipy.signal import butter, sosfilt_zi

    from fastemo.jit.filters import bank_power

    bank = np.stack([butter(4, band, "bandpass", fs=sfreq, output="sos") for band in edges])
    zi = np.stack([sosfilt_zi(sos) for sos in bank])
    powers = bank_power(x.reshape(-1, x.shape[-1]), bank, zi)
    return powers.reshape(*x.shape[:-1], -1)


def differential_entropy(x: np.ndarray, sfreq: float, bands: Bands, definition: str = "gauss") -> np.ndarray:
    """Differential entropy in nats of each channel in each band; as `fastemo.reference.differential_entropy`."""
    methods = {"gauss": "filterbank", "spectral": "fft"}
    if definition not in methods:
        raise ValueError(f"definition must be 'gauss' or 'spectral', got {definition!r}")
    power = band_power(x, sfreq, bands, methods[definition])
    return 0.5 * np.log(2 * np.pi * np.e * np.maximum(power, FLOOR))
