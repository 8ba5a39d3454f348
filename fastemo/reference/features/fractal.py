"""Fractal dimensions and how fluctuations grow with scale."""

from __future__ import annotations

import numpy as np

from fastemo.reference.features.statistics import centred

__all__ = ["decorr_time", "detrended_fluctuation", "higuchi_fd", "hurst_exp", "katz_fd", "petrosian_fd"]

MAX_LAG = 50


def slope(x, y):
    """Of the least-squares line through the finite points of each row of y; NaN for fewer than two."""
    slopes = []
    for row in y:
        good = np.isfinite(row)
        apart = len(np.unique(x[good])) > 1
        slopes.append(np.polyfit(x[good], row[good], 1)[0] if apart else np.nan)
    return np.array(slopes)


def katz_fd(x):
    steps = np.abs(np.diff(x))
    length, far = steps.sum(axis=1), np.abs(x - x[:, :1]).max(axis=1)
    n = np.log10(x.shape[1] - 1)
    return n / (n + np.log10(np.where(far > 0, far / length, np.nan)))


def petrosian_fd(x):
    n = x.shape[1]
    changes = np.diff(np.signbit(np.diff(x)), axis=1).sum(axis=1)
    return np.log10(n) / (np.log10(n) + np.log10(n / (n + 0.4 * changes)))


def higuchi_fd(x, kmax, without_last):
    n, k_all = x.shape[1], np.arange(1, int(kmax) + 1)
    lengths = np.zeros((len(x), len(k_all)))
    for k in k_all:
        for m in range(k):
            pairs = (n - m - 1) // k
            steps = np.abs(np.diff(x[:, m::k][:, : pairs + (not without_last)]))
            lengths[:, k - 1] += steps.sum(axis=1) / k * (n - 1) / (k * pairs) / k
    return slope(np.log(1 / k_all), np.log(np.where(lengths > 0, lengths, np.nan)) * _all(lengths > 0))


def _all(good):
    """1 for rows in which everything is good, NaN for others."""
    return np.where(good.all(axis=1, keepdims=True), 1.0, np.nan)


def scales(n):
    """Lengths 4 1.2^i up to n / 10, whole."""
    exact = 4 * 1.2 ** np.arange(200)
    return np.unique(np.floor(exact[exact <= 0.1 * n])).astype(int)


def detrended_fluctuation(x):
    walk = np.cumsum(centred(x), axis=1)
    lengths = scales(x.shape[1])
    left = []
    for s in lengths:
        stretches = walk[:, : walk.shape[1] // s * s].reshape(len(x), -1, s)
        t = np.arange(s) - (s - 1) / 2
        y = stretches - stretches.mean(axis=2, keepdims=True)
        trend = (y @ t / (t @ t))[..., None] * t
        left.append(np.sqrt(((y - trend) ** 2).mean(axis=(1, 2))))
    left = np.array(left).T
    return slope(np.log(lengths), np.log(np.where(left > 0, left, np.nan)))


def hurst_exp(x, *lengths_and_expected):
    lengths, expected = np.split(np.array(lengths_and_expected), 2)
    logs = [np.log(_mean_rescaled_range(x, int(s))) for s in lengths]
    return slope(np.log(lengths), np.array(logs).T - expected)


def _mean_rescaled_range(x, s):
    """Over all beginnings of two samples or more of each stretch of s samples, where they have a spread."""
    stretches = x[:, : x.shape[1] // s * s].reshape(len(x), -1, s)
    walk = np.cumsum(stretches - stretches.mean(axis=2, keepdims=True), axis=2)
    reach = np.maximum.accumulate(walk, axis=2) - np.minimum.accumulate(walk, axis=2)
    spread = np.stack([stretches[..., :i].std(axis=2, ddof=1) for i in range(2, s + 1)], axis=-1)
    alive = np.ptp(stretches[..., :2], axis=2)[..., None] > 0
    alive = np.concatenate([alive, np.maximum.accumulate(spread[..., 1:] > 0, axis=2)], axis=2)
    ratios = np.where(alive, reach[..., 1:] / np.where(alive, spread, 1), 0)
    count = alive.sum(axis=(1, 2))
    return np.where(count > 0, ratios.sum(axis=(1, 2)) / count, np.nan)


def decorr_time(x, sfreq):
    n, z = x.shape[1], centred(x)
    lags = range(min(MAX_LAG, n - 1) + 1)
    sign = np.sign(np.stack([(z * np.roll(z, -lag, axis=1)).sum(axis=1) for lag in lags], axis=1))
    turns = np.diff(sign, axis=1) != 0
    time = np.where(turns.any(axis=1), (turns.argmax(axis=1) + 1) / sfreq, -1.0)
    return np.where(sign[:, 0] == 0, np.nan, time)
