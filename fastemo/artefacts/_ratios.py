"""How much muscle and mains there is, against the brain."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_positive

__all__ = ["line_ratio", "muscle_ratio"]

BRAIN, MUSCLE = (4.0, 30.0), (30.0, 45.0)


def muscle_ratio(x: Any, sfreq: float) -> np.ndarray:
    """Power in 30-45 Hz over that in 4-30 Hz.

    A brain has a few hundredths; a tense muscle one and more. What a decoder finds where this is high may be the face.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        At least a quarter of a second; for windows of a recording see `numpy.lib.stride_tricks.sliding_window_view`.
    sfreq : float
        Above 90 Hz.

    Returns
    -------
    ndarray, shape (..., n_channels)
        0 where there is no signal.

    Notes
    -----
    By Welch's method with Hann windows of a second. `Quality(muscle=...)` holds the same ratio, by filters and live,
    against a limit.

    Examples
    --------
    >>> t = np.arange(500) / 250
    >>> x = np.stack([np.sin(2 * np.pi * 10 * t), np.sin(2 * np.pi * 10 * t) + np.sin(2 * np.pi * 38 * t)])
    >>> muscle_ratio(x, sfreq=250).round(2)
    array([0., 1.])
    """
    return _ratio(x, sfreq, MUSCLE)


def line_ratio(x: Any, sfreq: float, line_freq: float = 50.0) -> np.ndarray:
    """Power within 1 Hz of the mains over that in 4-30 Hz.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        At least a quarter of a second.
    sfreq : float
        Above 2 (line_freq + 1) Hz.
    line_freq : float
        In Hz.

    Returns
    -------
    ndarray, shape (..., n_channels)
        0 where there is no signal.

    Examples
    --------
    >>> t = np.arange(500) / 250
    >>> x = np.sin(2 * np.pi * 10 * t) + 2 * np.sin(2 * np.pi * 50 * t)
    >>> round(float(line_ratio(x, sfreq=250)), 1)
    4.0
    """
    line = check_positive("line_freq", line_freq, unit="Hz")
    return _ratio(x, sfreq, (line - 1, line + 1))


def _ratio(x: Any, sfreq: float, band: tuple[float, float]) -> np.ndarray:
    from fastemo.signal import welch

    x = np.asarray(x)
    check_positive("sfreq", sfreq, unit="Hz")
    if x.ndim == 0 or x.shape[-1] < 0.25 * sfreq:
        n = x.shape[-1] if x.ndim else 0
        raise ValueError(f"x lasts {n / sfreq:g} s, expected at least 0.25 s: give a longer window")
    if band[1] >= sfreq / 2:
        raise ValueError(f"sfreq must be above {2 * band[1]:g} Hz to see {band[1]:g} Hz, got {sfreq:g}")
    f, power = welch(x, sfreq, nperseg=min(x.shape[-1], round(sfreq)))
    inside = (f >= band[0]) & (f <= band[1])
    if not inside.any():  # a short window's bins are further apart than the band is wide
        inside = np.abs(f - sum(band) / 2) == np.abs(f - sum(band) / 2).min()
    brain = power[..., (f >= BRAIN[0]) & (f < BRAIN[1])].sum(axis=-1)
    return np.divide(power[..., inside].sum(axis=-1), brain, out=np.zeros_like(brain), where=brain > 0)
