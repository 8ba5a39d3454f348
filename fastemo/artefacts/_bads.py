"""Channels that are broken for a whole recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_array_2d, check_positive, n_samples_of

__all__ = ["BadChannels", "find_bad_channels"]

# The spread of a normal distribution by its quartiles.
SD_PER_IQR = 0.7413
REASONS = ("missing", "flat", "deviation", "noise", "correlation", "line")


@dataclass(frozen=True, eq=False)
class BadChannels:
    """Which channels are bad, and why.

    Attributes
    ----------
    missing : ndarray of bool, shape (n_channels,)
        NaN or infinite samples. Such a channel is not judged further.
    flat : ndarray of bool, shape (n_channels,)
    deviation, noise, line : ndarray of float, shape (n_channels,)
        Robust z scores over the channels of the spread, of the ratio of what is above 50 Hz to what is below, and of
        the logarithm of mains power over its neighbourhood. NaN where not judged.
    correlation : ndarray of float, shape (n_channels,)
        Share of windows in which the channel goes with no other.
    by : dict of str to ndarray of bool
        The decision of each criterion by its name.
    """

    missing: np.ndarray
    flat: np.ndarray
    deviation: np.ndarray
    noise: np.ndarray
    correlation: np.ndarray
    line: np.ndarray
    by: dict[str, np.ndarray]

    @property
    def bad(self) -> np.ndarray:
        """Channels that fail in any way, bool (n_channels,)."""
        return np.any(list(self.by.values()), axis=0)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Names of the bad channels, of those in `ch_names`."""
        if len(ch_names) != len(self.missing):
            raise ValueError(f"ch_names must name {len(self.missing)} channels, got {len(ch_names)}")
        return [name for name, bad in zip(ch_names, self.bad, strict=True) if bad]

    def reasons(self, channel: int) -> list[str]:
        """Why channel number `channel` is bad; empty if it is good."""
        return [reason for reason, bad in self.by.items() if bad[channel]]

    def __repr__(self) -> str:
        told = "; ".join(f"{c}: {', '.join(self.reasons(c))}" for c in np.flatnonzero(self.bad).tolist())
        return f"BadChannels({told or 'none'})"


def find_bad_channels(
    x: Any,
    sfreq: float,
    *,
    flat: float = 0.1,
    deviation: float = 5.0,
    noise: float = 5.0,
    correlation: float = 0.4,
    max_uncorrelated: float = 0.01,
    line: float = 5.0,
    line_freq: float = 50.0,
    window: float = 1.0,
) -> BadChannels:
    """Channels that are flat, far too large or small, noisy, alone, or full of mains hum.

    The criteria of the PREP pipeline (Bigdely-Shamlo et al. 2015, doi:10.3389/fninf.2015.00016) but its RANSAC, and
    one for mains. Scores are robust: z = (value - median) / (0.7413 interquartile range), over the channels.

    Parameters
    ----------
    x : array_like, shape (n_channels, n_samples)
        In uV. Take off slow drift before (a high-pass of 1 Hz).
    sfreq : float
        Sampling frequency in Hz.
    flat : float
        Spread in uV (0.7413 interquartile range) below which a channel is flat.
    deviation : float
        A channel whose spread has a larger absolute z is bad.
    noise : float
        A channel is bad where the z of MAD(x - x_50) / MAD(x_50) is larger, x_50 being x below 50 Hz. Needs a
        sampling frequency above 100 Hz; else it is not judged.
    correlation : float
        In a window a channel is alone where the 98th percentile of its absolute correlations with the others, below
        50 Hz, is smaller than this. Needs three channels.
    max_uncorrelated : float
        Share of windows above which being alone makes a channel bad.
    line : float
        A channel is bad where the z of log(P(line_freq +- 1 Hz) / P(line_freq +- 5 Hz without that)) is larger.
        Needs a sampling frequency above 2 (line_freq + 5) Hz.
    line_freq : float
        Mains frequency in Hz.
    window : float
        Seconds; of the correlations.

    Returns
    -------
    BadChannels

    Raises
    ------
    ValueError
        Another shape, a recording shorter than a window, a parameter outside its range.

    Notes
    -----
    Scores over channels mean little for fewer than about eight of them. Two electrodes bridged by gel are not bad by
    these criteria.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> brain = rng.normal(0, 10, (3, 5000))
    >>> x = rng.normal(0, 1, (16, 3)) @ brain + rng.normal(0, 1, (16, 5000))
    >>> x[3], x[7] = 0.0, rng.normal(0, 20, 5000)
    >>> find_bad_channels(x, sfreq=250)
    BadChannels(3: flat; 7: correlation)
    """
    x = check_array_2d("x", x).astype(np.float64, copy=False)
    check_positive("sfreq", sfreq, unit="Hz")
    for name, value in (("flat", flat), ("deviation", deviation), ("noise", noise), ("line", line)):
        check_positive(name, value)
    check_positive("line_freq", line_freq, unit="Hz")
    for name, share in (("correlation", correlation), ("max_uncorrelated", max_uncorrelated)):
        if check_positive(name, share, zero=True) > 1:
            raise ValueError(f"{name} must be in [0, 1], got {share!r}")
    n = n_samples_of("window", window, sfreq)
    if x.shape[1] < max(n, 2):
        raise ValueError(
            f"x lasts {x.shape[1] / sfreq:g} s, shorter than one window of {n / sfreq:g} s: "
            "give a longer recording or a shorter window"
        )
    missing = ~np.isfinite(x).all(axis=1)
    spread = np.full(len(x), np.nan)
    spread[~missing] = _iqr(x[~missing], axis=1) * SD_PER_IQR
    is_flat = spread < flat
    judged = np.flatnonzero(~missing & ~is_flat)
    alive = x[judged]
    scores = {name: np.full(len(x), np.nan) for name in ("deviation", "noise", "correlation", "line")}
    if len(judged):
        scores["deviation"][judged] = robust_z(spread[judged])
        slow = alive
        if sfreq > 100:
            slow = _below_50_hz(alive, sfreq)
            scores["noise"][judged] = robust_z(_mad(alive - slow) / np.maximum(_mad(slow), 1e-300))
        if len(judged) >= 3:
            scores["correlation"][judged] = (_goes_with(slow, n) < correlation).mean(axis=0)
        if sfreq > 2 * (line_freq + 5) and line_freq > 5:
            scores["line"][judged] = robust_z(np.log(_hum(alive, sfreq, line_freq)))
    with np.errstate(invalid="ignore"):
        by = {
            "missing": missing,
            "flat": is_flat,
            "deviation": np.abs(scores["deviation"]) > deviation,
            "noise": scores["noise"] > noise,
            "correlation": scores["correlation"] > max_uncorrelated,
            "line": scores["line"] > line,
        }
    return BadChannels(missing=missing, flat=is_flat, **scores, by=by)


def robust_z(values: np.ndarray) -> np.ndarray:
    """(value - median) / (0.7413 IQR); values at the median score 0 also where there is no spread."""
    off = values - np.median(values)
    scale = SD_PER_IQR * _iqr(values)
    # Equal channels differ by rounding only, which must not count as a spread.
    scale = max(scale, 1e-9 * np.abs(values).max(initial=0.0), 1e-300)
    return off / scale


def _hum(x: np.ndarray, sfreq: float, line_freq: float) -> np.ndarray:
    """Mean power density within 1 Hz of the mains over that from there to 5 Hz, along the last axis."""
    from fastemo.signal import welch

    n = min(x.shape[-1], round(2 * sfreq))
    f, power = welch(x, sfreq, nperseg=n)
    off = np.abs(f - line_freq)
    return power[..., off <= 1].mean(axis=-1) / np.maximum(
        power[..., (off > 1) & (off <= 5)].mean(axis=-1), 1e-300
    )


def _iqr(values: np.ndarray, axis: int | None = None) -> Any:
    low, high = np.percentile(values, [25, 75], axis=axis)
    return high - low


def _mad(x: np.ndarray) -> np.ndarray:
    return np.median(np.abs(x - np.median(x, axis=1, keepdims=True)), axis=1)


def _below_50_hz(x: np.ndarray, sfreq: float) -> np.ndarray:
    from scipy.signal import butter

    from fastemo.signal import sosfiltfilt

    sos = butter(4, 50, "lowpass", fs=sfreq, output="sos")
    return sosfiltfilt(sos, x, padlen=min(3 * (2 * len(sos) + 1), x.shape[1] - 1))


def _goes_with(x: np.ndarray, n: int) -> np.ndarray:
    """98th percentile of each channel's absolute correlations with the others in each window of n samples,
    (n_windows, n_channels)."""
    n_windows = x.shape[1] // n
    windows = x[:, : n_windows * n].reshape(len(x), n_windows, n).swapaxes(0, 1)
    windows = windows - windows.mean(axis=-1, keepdims=True)
    size = np.sqrt((windows**2).sum(axis=-1))
    windows = windows / np.where(size > 0, size, 1)[..., None]
    others = np.empty((n_windows, len(x), len(x) - 1))
    for k, unit in enumerate(windows):
        correlations = np.abs(unit @ unit.T)
        others[k] = correlations[~np.eye(len(x), dtype=bool)].reshape(len(x), -1)
    return np.percentile(others, 98, axis=-1)
