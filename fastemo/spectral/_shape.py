"""What a spectrum looks like beside its bands: the slope underneath, and the peak above it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_positive

__all__ = ["aperiodic", "peak_frequency"]


def aperiodic(f: Any, p: Any, fmin: float = 2.0, fmax: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """Offset and exponent of the 1/f background, log10 P = offset - exponent log10 f, without the peaks' help.

    Begins with the line of Theil and Sen [1]_, the median of the slopes between all pairs of frequencies, and five
    times drops what lies above the line by more than 2.5 robust standard deviations and fits the rest by least
    squares, so that peaks do not count. A change of the background looks like one in every band: take
    `10 ** (offset - exponent * log10(f))` off first. An exponent below 0.5 is more like muscle than brain.

    Parameters
    ----------
    f : array_like, shape (n_frequencies,)
        In Hz, as `multitaper` and `fastemo.signal.welch` give them.
    p : array_like, shape (..., n_frequencies)
        Power density.
    fmin, fmax : float
        In Hz, both included.

    Returns
    -------
    offset, exponent : ndarray of float64, shape (...)
        NaN where a density is 0 or not a number.

    References
    ----------
    .. [1] Sen (1968), Journal of the American Statistical Association 63(324), doi:10.1080/01621459.1968.10480934

    Examples
    --------
    >>> f = np.arange(1.0, 60.0)
    >>> p = 30 / f**1.5
    >>> p[9:12] += 20
    >>> offset, exponent = aperiodic(f, p)
    >>> round(float(offset), 3), round(float(exponent), 3)
    (1.477, 1.5)
    """
    f, p = _spectrum(f, p)
    keep = (f >= check_positive("fmin", fmin, unit="Hz")) & (f <= fmax)
    if keep.sum() < 3:
        raise ValueError(
            f"fmin={fmin:g} to fmax={fmax:g} Hz hold {keep.sum()} of the frequencies, expected at least 3"
        )
    p = p[..., keep]
    level = np.log10(np.where(p > 0, p, np.nan))
    at = np.log10(f[keep])
    i, j = np.triu_indices(len(at), 1)
    slope = np.median((level[..., j] - level[..., i]) / (at[j] - at[i]), axis=-1)[..., None]
    offset = np.median(level - slope * at, axis=-1, keepdims=True)
    for _ in range(5):
        above = level - offset - slope * at
        spread = 1.4826 * np.median(np.abs(above), axis=-1, keepdims=True)
        counts = (above <= np.maximum(2.5 * spread, 1e-9)).astype(np.float64)
        counts /= np.maximum(counts.sum(axis=-1, keepdims=True), 1)
        centre, mean = ((counts * v).sum(axis=-1, keepdims=True) for v in (at, level))
        slope = (counts * (at - centre) * level).sum(axis=-1, keepdims=True)
        spread = (counts * (at - centre) ** 2).sum(axis=-1, keepdims=True)
        slope = np.divide(slope, spread, out=np.full_like(slope, np.nan), where=spread > 0)
        offset = mean - slope * centre
    return offset[..., 0], -slope[..., 0]


def peak_frequency(f: Any, p: Any, band: tuple[float, float] = (7.0, 14.0)) -> np.ndarray:
    """Where the density is largest within a band, between frequencies by a parabola through its logarithms.

    Parameters
    ----------
    f : array_like, shape (n_frequencies,)
        In Hz, evenly spaced.
    p : array_like, shape (..., n_frequencies)
        Power density.
    band : (float, float)
        In Hz, both included. Alpha's, unless given: the individual alpha frequency.

    Returns
    -------
    ndarray of float64, shape (...)
        In Hz; NaN where the largest value lies at the edge of the band: no peak.

    Examples
    --------
    >>> f = np.arange(0, 60, 0.5)
    >>> peak_frequency(f, 1 / (1 + f) + np.exp(-((f - 10.2) ** 2) / 2)).round(1)
    np.float64(10.2)
    """
    f, p = _spectrum(f, p)
    inside = np.flatnonzero((f >= band[0]) & (f <= band[1]))
    if len(inside) < 3:
        raise ValueError(
            f"band={band} holds {len(inside)} of the frequencies, expected at least 3: use a longer window"
        )
    first = int(inside[0])
    top = np.argmax(p[..., inside], axis=-1)
    middle = np.clip(top, 1, len(inside) - 2) + first
    with np.errstate(divide="ignore", invalid="ignore"):
        before, at, after = (
            np.log(np.take_along_axis(p, middle[..., None] + d, -1)[..., 0]) for d in (-1, 0, 1)
        )
        shift = 0.5 * (before - after) / (before - 2 * at + after)
    peak = f[middle] + shift * (f[1] - f[0])
    return np.where((top > 0) & (top < len(inside) - 1) & np.isfinite(peak), peak, np.nan)[()]


def _spectrum(f: Any, p: Any) -> tuple[np.ndarray, np.ndarray]:
    f, p = np.asarray(f, np.float64), np.asarray(p, np.float64)
    if f.ndim != 1 or p.ndim < 1 or p.shape[-1] != len(f) or len(f) < 2:
        raise ValueError(
            f"f must have shape (n_frequencies,) and p (..., n_frequencies), got {f.shape} and {p.shape}"
        )
    return f, p
