"""Bins, tapers and segments that cross-spectra are taken over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor
from typing import Any

import numpy as np

from fastemo._design import analytic_bank, band_edges, butterworth, filled_after
from fastemo._validate import check_positive
from fastemo.bands import check_bands
from fastemo.connectivity._arguments import check_flat, refuse_nan

__all__ = [
    "analytic_plan",
    "bands_in_hz",
    "bins_of_bands",
    "check_slopes",
    "independent_share",
    "segments_of",
    "single_bins",
    "tapers_of",
]


def _one_of(bands: Any, fmin: Any, fmax: Any) -> None:
    if (bands is None) == (fmin is None and fmax is None):
        raise ValueError("pass bands, or fmin and fmax: one of the two is needed")


def _limits(fmin: Any, fmax: Any) -> tuple[np.ndarray, np.ndarray]:
    if fmin is None or fmax is None:
        raise ValueError(f"fmin and fmax are needed together, got fmin={fmin!r} and fmax={fmax!r}")
    low, high = np.atleast_1d(np.asarray(fmin, float)), np.atleast_1d(np.asarray(fmax, float))
    if low.ndim != 1 or low.shape != high.shape:
        raise ValueError(f"fmin and fmax must be of the same length, got shapes {low.shape} and {high.shape}")
    return low, high


def _within(lo: float, hi: float, sfreq: float) -> None:
    if not 0 <= lo <= hi <= sfreq / 2:
        raise ValueError(
            f"fmin and fmax must be 0 <= fmin <= fmax <= {sfreq / 2:g} Hz, got {lo:g} and {hi:g}"
        )


def bands_in_hz(bands: Any, fmin: Any, fmax: Any, sfreq: float) -> dict[str, tuple[float, float]]:
    """Bands by name, as filters take them."""
    _one_of(bands, fmin, fmax)
    if bands is None:
        low, high = _limits(fmin, fmax)
        for lo, hi in zip(low.tolist(), high.tolist()):
            _within(lo, hi, sfreq)
        bands = {f"{lo:g}-{hi:g}": (lo, hi) for lo, hi in zip(low.tolist(), high.tolist())}
    names, edges = check_bands(bands, sfreq)
    return dict(zip(names, map(tuple, edges.tolist()), strict=True))


def analytic_plan(
    x: np.ndarray, names: Sequence[str], sfreq: float, bands: Any, order: Any, skip: Any, finite: bool = True
) -> tuple[tuple[np.ndarray, ...], int, np.ndarray, tuple[str, ...], np.ndarray]:
    """A filter bank, the samples to leave out, limits and names of its bands, and how many independent samples each has.

    Whether x is `finite` may be left for later.
    """
    order = 4 if order is None else order
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or not 1 <= order <= 16:
        raise ValueError(f"order must be a whole number from 1 to 16, got {order!r}")
    order = int(order)
    bank = analytic_bank(sfreq, bands, order, "bands")
    n = x.shape[-1]
    if skip is None:
        skipped = max(
            filled_after(butterworth(sfreq, low, high, order, "bands")) for low, high in bands.values()
        )
    else:
        skipped = round(check_positive("skip", skip, zero=True, unit="seconds") * sfreq)
    if skipped + 2 > n:
        raise ValueError(
            f"the first {skipped / sfreq:g} s are left out while the filters fill, and x has {n / sfreq:g} s: pass a longer "
            "signal, or skip= for less"
        )
    check_flat(x, names)
    if finite and not np.isfinite(x).all():
        refuse_nan(x, names)
    limits = np.array([*bands.values()])
    kept = n - skipped
    effective = np.minimum(len(x) * 2 * (limits[:, 1] - limits[:, 0]) * kept / sfreq, len(x) * kept)
    return bank, skipped, limits, tuple(bands), effective


def bins_of_bands(
    bands: Any, fmin: Any, fmax: Any, n: int, sfreq: float
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names, and edges (n_bands, 4): first and past-the-last bin, and those strictly inside, for the phase slope."""
    _one_of(bands, fmin, fmax)
    if bands is not None:
        names, limits = check_bands(bands, sfreq)
        edges = band_edges(dict(zip(names, limits.tolist())), n, sfreq)
        inside = edges[:, 0] + (np.abs(edges[:, 0] * sfreq / n - limits[:, 0]) <= 1e-9 * limits[:, 0])
        return names, np.column_stack([edges, inside, edges[:, 1]]).astype(np.intp)
    low, high = _limits(fmin, fmax)
    labels, rows = [], []
    for lo, hi in zip(low.tolist(), high.tolist()):
        _within(lo, hi, sfreq)
        at_lo, at_hi = lo * n / sfreq, hi * n / sfreq
        first, stop = ceil(at_lo * (1 - 1e-12)), floor(at_hi * (1 + 1e-12)) + 1
        if stop <= first:
            raise ValueError(
                f"{n / sfreq:g} s have a frequency every {sfreq / n:g} Hz and none from {lo:g} to {hi:g} Hz: "
                + (
                    f"use at least {1 / (hi - lo):g} s"
                    if hi > lo
                    else f"the nearest is {round(at_lo) * sfreq / n:g} Hz"
                )
            )
        inside = (
            first + (abs(first - at_lo) <= 1e-9 * max(at_lo, 1)),
            stop - (abs(stop - 1 - at_hi) <= 1e-9 * at_hi),
        )
        labels.append(f"{lo:g}-{hi:g}")
        rows.append((first, stop, *inside))
    return tuple(labels), np.array(rows, dtype=np.intp)


def single_bins(edges: np.ndarray, n: int, sfreq: float) -> tuple[np.ndarray, tuple[str, ...]]:
    bins = np.unique(np.concatenate([np.arange(a, b) for a, b in edges[:, :2]]))
    return np.stack([bins, bins + 1, bins, bins], axis=1), tuple(f"{b * sfreq / n:g}" for b in bins)


def check_slopes(edges: np.ndarray, names: Sequence[str], n: int, sfreq: float) -> None:
    for name, (first, stop, inside, until) in zip(names, edges.tolist()):
        if until - inside < 2:
            width = (stop - first) * sfreq / n
            raise ValueError(
                f'"psi" needs two bins inside the band {name!r}, but {n / sfreq:g} s have {max(until - inside, 0)} there: '
                f"use at least {3 / width:g} s"
            )


def tapers_of(mode: str, n: int, sfreq: float, bandwidth: Any) -> np.ndarray:
    """Tapers (n_tapers, n), each times the root of its weight; `bandwidth` in Hz."""
    if bandwidth is not None:
        bandwidth = check_positive("mt_bandwidth", bandwidth, unit="Hz") * n / (2 * sfreq)
    return _tapers(mode, n, bandwidth)


@lru_cache(maxsize=16)
def _tapers(mode: str, n: int, half_nbw: float | None) -> np.ndarray:
    """Tapers (n_tapers, n), each times the root of its weight."""
    if mode == "fourier":
        tapers = np.hanning(n)[None]
    else:
        from scipy.signal.windows import dpss

        half_nbw = 4.0 if half_nbw is None else half_nbw
        if half_nbw < 0.5 or half_nbw >= n / 2:
            raise ValueError(
                f"mt_bandwidth must be at least one bin, 1 / the epoch's length, and below the sampling frequency, got "
                f"{2 * half_nbw:g} bins"
                if n > 8
                else f'an observation has {n} samples, expected more than 8 for mode="multitaper"'
            )
        tapers, concentration = dpss(n, half_nbw, int(2 * half_nbw), sym=False, return_ratios=True)
        keep = concentration > 0.9
        if not keep.any():
            keep = concentration == concentration.max()
        tapers = tapers[keep] * np.sqrt(concentration[keep, None])
    tapers.setflags(write=False)
    return tapers


def segments_of(x: np.ndarray, nperseg: Any, noverlap: Any) -> tuple[np.ndarray, int]:
    n = x.shape[-1]
    if isinstance(nperseg, bool) or not isinstance(nperseg, (int, np.integer)) or not 2 <= nperseg <= n:
        raise ValueError(f"nperseg must be from 2 to the {n} samples of an epoch, got {nperseg!r}")
    overlap = nperseg // 2 if noverlap is None else noverlap
    if isinstance(overlap, bool) or not isinstance(overlap, (int, np.integer)) or not 0 <= overlap < nperseg:
        raise ValueError(f"noverlap must be from 0 to nperseg - 1 = {nperseg - 1}, got {overlap!r}")
    step = int(nperseg - overlap)
    windows = np.lib.stride_tricks.sliding_window_view(x, int(nperseg), axis=-1)[:, :, ::step]
    return np.moveaxis(windows, 2, 1).reshape(-1, x.shape[1], int(nperseg)), step


def independent_share(taper: np.ndarray, step: int, n: int) -> float:
    """Share of independent observations among n overlapping segments (Welch 1967, doi:10.1109/TAU.1967.1161901)."""
    total, excess = float(taper @ taper), 0.0
    for k in range(1, min(n, ceil(len(taper) / step))):
        excess += 2 * (1 - k / n) * float(taper[k * step :] @ taper[: len(taper) - k * step] / total) ** 2
    return 1 / (1 + excess)
