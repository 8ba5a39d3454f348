"""What a power spectrum says in a few numbers: x is (n_signals, n_bins), from 0 Hz on."""

from __future__ import annotations

import numpy as np

from fastemo.reference.features.entropy import shannon

__all__ = ["pow_freq_bands", "spect_edge_freq", "spect_entropy", "spect_moment", "spect_slope"]


def share(x):
    """Of each bin in the whole power; NaN where there is none."""
    whole = x.sum(axis=1, keepdims=True)
    return x / np.where(whole > 0, whole, np.nan)


def pow_freq_bands(x, normalize, log, *bins):
    bands = np.array(bins, int).reshape(-1, 2)
    powers = np.array([(share(x) if normalize else x)[:, a:b].sum(axis=1) for a, b in bands])
    return 10 * np.log10(np.where(powers > 0, powers, np.nan)) if log else powers


def spect_moment(x, k, normalize, spacing):
    return (share(x) if normalize else x) @ (np.arange(x.shape[1]) * spacing) ** k


def spect_entropy(x, first, normalize):
    return shannon(share(x)[:, int(first) :]) / (np.log2(x.shape[1]) if normalize else 1)


def spect_slope(x, first, stop, without_intercept, spacing):
    f = np.log10(np.arange(int(first), int(stop)) * spacing)
    p = x[:, int(first) : int(stop)]
    p = np.log10(np.where((p > 0).all(axis=1, keepdims=True), p, np.nan))
    level = p.mean(axis=1, keepdims=True)
    d = f - f.mean()
    slope = (p - level) @ d / (d @ d)
    error = ((p - level - slope[:, None] * d) ** 2).mean(axis=1)
    spread = p.var(axis=1)
    explained = 1 - error / np.where(spread > 0, spread, np.nan)
    values = [level[:, 0] - slope * f.mean(), slope, error, explained]
    return np.array(values[1:] if without_intercept else values)


def spect_edge_freq(x, n_reference, spacing, *shares):
    below, whole = np.cumsum(x, axis=1), np.cumsum(x, axis=1)[:, int(n_reference) - 1]
    edges = []
    for part in shares:
        reached = below >= (part * whole)[:, None]
        edges.append(np.where(reached.any(axis=1), reached.argmax(axis=1) * spacing, -1.0))
    return np.array(edges)
