"""Band power by an FFT of any length, many signals side by side."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from fastemo import reference
from fastemo.jit.filters import OPTIONS, bank_power
from fastemo.reference.spectral import FLOOR, Bands

__all__ = [
    "FftBandPower",
    "band_power",
    "band_sums",
    "differential_entropy",
    "fft_plan",
    "power_spectrum",
    "rfft_power",
]

LANES = 16
# Passes take time in proportion to their factor; beyond this NumPy's convolution wins.
LARGEST_FACTOR = 61


@lru_cache(maxsize=32)
def fft_plan(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors of n, and cosine and negative sine of its roots of unity: what `power_spectrum` needs to know."""
    factors, rest, p = [], n, 4
    while rest > 1:
        while rest % p == 0:
            factors.append(p)
            rest //= p
        p = {4: 2, 2: 3}.get(p, p + 2)
    turn = 2 * np.pi * np.arange(n) / n
    return np.array(factors, np.int64), np.cos(turn), -np.sin(turn)


@njit(**OPTIONS)
def _fft(re, im, re2, im2, n, factors, cos, sin):
    """DFT of n rows of complex lanes, flat arrays, by Stockham's autosort; the arrays it ends up in."""
    left, run = n, len(re) // n
    for p in factors:
        m = left // p
        for k in range(m):
            for r in range(p):
                to = run * (p * k + r)
                for t in range(p):
                    w = (t * r * (n // p) + k * r * (n // left)) % n
                    c, s, start = cos[w], sin[w], run * (k + m * t)
                    if t == 0:
                        for j in range(run):
                            u, v = re[start + j], im[start + j]
                            re2[to + j] = u * c - v * s
                            im2[to + j] = u * s + v * c
                    else:
                        for j in range(run):
                            u, v = re[start + j], im[start + j]
                            re2[to + j] += u * c - v * s
                            im2[to + j] += u * s + v * c
        re, im, re2, im2 = re2, im2, re, im
        left, run = m, run * p
    return re, im


@njit(**OPTIONS)
def power_spectrum(x, taper, detrend, plan, first, out):
    """|DFT((x - mean) taper)|^2 of every row of x (n_signals, n) at bins first, first + 1, ...

    plan is `fft_plan(n)`; out (n_signals, n_bins). Cost is proportional to n times the sum of its factors.
    """
    n_signals, n = x.shape
    factors, cos, sin = plan
    # Four arrays, not rows of one: Numba does not see that rows are contiguous, and is three times slower.
    a, b, c, d = np.zeros(n * LANES), np.zeros(n * LANES), np.zeros(n * LANES), np.zeros(n * LANES)
    for start in range(0, n_signals, LANES):
        lanes = min(LANES, n_signals - start)
        for i in range(lanes):
            row = x[start + i]
            mean = row.mean() if detrend else 0.0
            for k in range(n):
                a[k * LANES + i] = (row[k] - mean) * taper[k]
        b[:] = 0.0
        re, im = _fft(a, b, c, d, n, factors, cos, sin)
        for i in range(lanes):
            for k in range(out.shape[1]):
                at = (first + k) * LANES + i
                out[start + i, k] = re[at] * re[at] + im[at] * im[at]


@njit(**OPTIONS)
def band_sums(power, edges, weights, out):
    """out[i, b] = weights[b] sum of power[i, edges[b, 0]:edges[b, 1]]."""
    for i in range(power.shape[0]):
        for b in range(len(edges)):
            total = 0.0
            for k in range(edges[b, 0], edges[b, 1]):
                total += power[i, k]
            out[i, b] = total * weights[b]


def _powers(x: np.ndarray, taper: np.ndarray, detrend: bool, first: int, n_bins: int) -> np.ndarray:
    n = x.shape[-1]
    plan = fft_plan(n)
    if plan[0].max(initial=1) > LARGEST_FACTOR:
        return reference.rfft_power(x, taper, detrend)[..., first : first + n_bins]
    rows = np.ascontiguousarray(x.reshape(-1, n), np.float64)
    out = np.empty((len(rows), n_bins))
    power_spectrum(rows, np.ascontiguousarray(taper, np.float64), bool(detrend), plan, first, out)
    return out.reshape(*x.shape[:-1], n_bins)


def rfft_power(x: np.ndarray, taper: np.ndarray | None = None, detrend: bool = False) -> np.ndarray:
    """`abs(rfft(x * taper)) ** 2` over the last axis; as `fastemo.reference.rfft_power`."""
    n = x.shape[-1]
    return _powers(x, np.ones(n) if taper is None else taper, detrend, 0, n // 2 + 1)


class FftBandPower(reference.FftBandPower):
    """`fastemo.reference.FftBandPower`, compiled.

    Examples
    --------
    >>> bands = FftBandPower(np.ones(4), False, 1, np.ones(2), np.array([[0, 1], [0, 2]]), np.ones(2))
    >>> bands.compute(np.array([[1.0, -1.0, 1.0, -1.0]])).round(9)
    array([[ 0., 16.]])
    """

    def _power(self, x: np.ndarray) -> np.ndarray:
        return _powers(x, self.taper, self.detrend, self.first, len(self.scale))


def band_power(x: np.ndarray, sfreq: float, bands: Bands, method: str = "fft") -> np.ndarray:
    """Power of each channel in each band; as `fastemo.reference.band_power`, with this package's kernels."""
    from fastemo._design import band_edges, one_sided_scale, taper_window
    from fastemo.bands import check_bands

    names, limits = check_bands(bands, sfreq)
    if method == "filterbank":
        powers = bank_power(x.reshape(-1, x.shape[-1]), *_bank(sfreq, tuple(map(tuple, limits.tolist()))))
        return powers.reshape(*x.shape[:-1], -1)
    if method != "fft":
        raise ValueError(f"method must be 'fft' or 'filterbank', got {method!r}")
    n = x.shape[-1]
    taper = taper_window("hann", n)
    edges = band_edges(dict(zip(names, limits.tolist())), n, sfreq)
    first, stop = int(edges.min()), int(edges.max())
    scale = one_sided_scale(taper, sfreq)[first:stop]
    return FftBandPower(taper, True, first, scale, edges - first, np.full(len(edges), sfreq / n)).compute(x)


@lru_cache(maxsize=8)
def _bank(sfreq: float, bands: tuple[tuple[float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    from fastemo._design import butterworth, first_sample_state

    bank = [butterworth(sfreq, low, high, 4, f"the band {low:g}-{high:g} Hz") for low, high in bands]
    return np.array(bank), np.array([first_sample_state(sos) for sos in bank])


def differential_entropy(x: np.ndarray, sfreq: float, bands: Bands, definition: str = "gauss") -> np.ndarray:
    """Differential entropy in nats of each channel in each band; as `fastemo.reference.differential_entropy`."""
    methods = {"gauss": "filterbank", "spectral": "fft"}
    if definition not in methods:
        raise ValueError(f"definition must be 'gauss' or 'spectral', got {definition!r}")
    power = band_power(x, sfreq, bands, methods[definition])
    return 0.5 * np.log(2 * np.pi * np.e * np.maximum(power, FLOOR))
