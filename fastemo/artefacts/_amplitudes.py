"""How large clean signal is, found in amplitudes of which a part may be anything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

__all__ = ["clean_amplitudes", "clean_samples", "window_rms"]

OVERLAP = 0.66
QUANTILES = (0.022, 0.6)  # of clean signal, that are fitted
SHAPES = np.linspace(1.7, 3.5, 13)
STEP = 0.01
MIN_CLEAN, MAX_DROPOUTS = 0.25, 0.1
Z_LIMITS = (-3.5, 5.0)


def window_starts(n_samples: int, n: int) -> np.ndarray:
    """Where windows of n samples begin that overlap by 66 %."""
    return np.round(np.arange(0, n_samples - n, n * (1 - OVERLAP))).astype(int)


def window_rms(x: np.ndarray, n: int) -> np.ndarray:
    """Root mean square of every window, (n_channels, n_windows)."""
    starts = window_starts(x.shape[1], n)
    total = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x**2, axis=1)], axis=1)
    return np.sqrt(np.maximum(total[:, starts + n] - total[:, starts], 0) / n)


@cache
def _model(n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """For every shape: the density of the fitted part in `n_bins` bins (n_shapes, n_bins), summing to 1; and the ends
    of that part (n_shapes, 2), in units of the scale."""
    from scipy.stats import gennorm

    ends = np.array([gennorm.ppf(QUANTILES, shape) for shape in SHAPES])
    centres = (np.arange(n_bins) + 0.5) / n_bins
    z = ends[:, :1] + centres * np.diff(ends)
    density = np.exp(-(np.abs(z) ** SHAPES[:, None]))
    return density / density.sum(axis=1, keepdims=True), ends


def clean_amplitudes(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the clean ones among amplitudes.

    The part of the sorted values is looked for that looks most like the part between two quantiles of a generalised
    Gaussian: least Kullback-Leibler divergence of histograms, over where the part begins (up to a tenth of the values
    may be drop-outs), how wide it is (a quarter of the values at least must be clean) and the shape.

    Parameters
    ----------
    values : ndarray, shape (n,)

    Returns
    -------
    mu, sd : float
    """
    from scipy.special import gamma

    x = np.sort(values)
    n, widest = len(x), QUANTILES[1] - QUANTILES[0]
    begins = np.round(n * np.arange(QUANTILES[0], QUANTILES[0] + MAX_DROPOUTS + 1e-9, STEP)).astype(int)
    best = (np.inf, 0.0, 0.0, 0)
    for count in np.round(n * np.arange(widest, MIN_CLEAN * widest - 1e-9, -STEP)).astype(int):
        count = min(count, n - begins[-1])
        n_bins = round(3 * np.log2(1 + count / 2))
        if count < 2 or n_bins < 2:
            break
        low, width = x[begins], x[begins + count - 1] - x[begins]
        if not (width > 0).all():
            continue
        inside = (x[begins[:, None] + np.arange(count)] - low[:, None]) * (n_bins / width[:, None])
        bins = np.minimum(inside.astype(int), n_bins - 1) + n_bins * np.arange(len(begins))[:, None]
        histogram = np.bincount(bins.ravel(), minlength=n_bins * len(begins)).reshape(len(begins), n_bins)
        density, _ = _model(n_bins)
        entropy = (density * np.log(density)).sum(axis=1)
        divergence = entropy - np.log(histogram + 0.01) @ density.T + np.log(count)
        at, shape = np.unravel_index(divergence.argmin(), divergence.shape)
        if divergence[at, shape] < best[0]:
            best = (divergence[at, shape], low[at], width[at], int(shape))
    if not np.isfinite(best[0]):  # next to no spread: nothing to fit
        return float(np.median(x)), float(x.std())
    _, low, width, shape = best
    ends = _model(2)[1][shape]
    scale = width / (ends[1] - ends[0])
    b = SHAPES[shape]
    return float(low - ends[0] * scale), float(scale * np.sqrt(gamma(3 / b) / gamma(1 / b)))


def clean_samples(signals: Sequence[np.ndarray], n: int, max_bad: float) -> list[np.ndarray]:
    """Samples outside all windows of n in which more than a share of the channels is far too large or small."""
    rms = [window_rms(x, n) for x in signals]
    fits = np.array([clean_amplitudes(row) for row in np.concatenate(rms, axis=1)])
    sd = np.where(fits[:, 1] > 0, fits[:, 1], np.inf)
    allowed = min(int(np.floor(max_bad * len(fits) + 0.5)), len(fits) - 1)
    kept = []
    for x, amplitudes in zip(signals, rms, strict=True):
        z = np.sort((amplitudes - fits[:, :1]) / sd[:, None], axis=0)
        bad = (z[-1 - allowed] > Z_LIMITS[1]) | (z[allowed] < Z_LIMITS[0])
        keep = np.ones(x.shape[1], bool)
        for start in window_starts(x.shape[1], n)[bad]:
            keep[start : start + n] = False
        kept.append(keep)
    return kept
