"""Design of FIR filters as `mne.filter.create_filter` designs them, and how a stream runs them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log2
from typing import Any

import numpy as np

from fastemo._validate import check_in, check_positive

__all__ = [
    "FIR_PHASES",
    "FIR_WINDOWS",
    "check_taps",
    "fir_block",
    "fir_taps",
    "minimum_phase",
    "resampling_taps",
]

# Width of the transition times length of the filter (Ifeachor & Jervis 2002, table 7.3).
FIR_WINDOWS = {"hann": 3.1, "hamming": 3.3, "blackman": 5.0}
FIR_PHASES = ("linear", "minimum")


def fir_taps(
    sfreq: float,
    low: float | Sequence[float] | None,
    high: float | Sequence[float] | None,
    low_transition: float | None = None,
    high_transition: float | None = None,
    length: int | None = None,
    window: str = "hamming",
    phase: str = "linear",
    where: str = "the filter",
) -> np.ndarray:
    """Taps of a filter that passes `low` to `high` Hz, an odd number of them.

    One edge None makes it one-sided; `low` above `high` stops what lies between (both may then be sequences). The
    transitions lie outside the edges; by default they are min(max(low/4, 2), low) and min(max(high/4, 2), nyquist -
    high) Hz wide, and the filter is as long as the narrower one needs. It is a sum of windowed low-passes, each as
    short as its own transition allows. `phase="minimum"` has the same magnitude response.

    Examples
    --------
    >>> len(fir_taps(250, 1, 45))
    825
    """
    check_in("window", window, FIR_WINDOWS)
    check_in("phase", phase, FIR_PHASES)
    edges = _edges(sfreq, low, high, low_transition, high_transition, where)
    widths = [b - a for a, b, _ in edges]
    # In this order, so that halves are rounded as by MNE.
    nyquist = sfreq / 2
    needed = [_odd(round(FIR_WINDOWS[window] / ((b / nyquist - a / nyquist) / 2))) for a, b, _ in edges]
    if length is None:
        n = _odd(ceil(FIR_WINDOWS[window] / min(widths) * sfreq))
    else:
        n = _odd(length)
        if n < max(needed):
            raise ValueError(
                f"{where}: length={length} samples is too short for a transition of {min(widths):g} Hz at "
                f"sfreq={sfreq:g} Hz, which needs {max(needed)}: raise length or the transition"
            )
    taps = _sum_of_low_passes(sfreq, edges, needed, n, window)
    return minimum_phase(taps) if phase == "minimum" else taps


def _odd(n: int) -> int:
    return max(n, 1) | 1


def _edges(
    sfreq: float, low: Any, high: Any, low_transition: Any, high_transition: Any, where: str
) -> list[tuple[float, float, int]]:
    """Transitions (from, to, gain below) in Hz, in rising order."""
    nyquist = sfreq / 2
    lows = [] if low is None else [float(f) for f in np.atleast_1d(low)]
    highs = [] if high is None else [float(f) for f in np.atleast_1d(high)]
    if not lows and not highs:
        raise ValueError(f"{where} passes everything: give low, high or both")
    for f in lows + highs:
        if not 0 < f < nyquist:
            raise ValueError(
                f"{where} has an edge at {f:g} Hz, expected one above 0 and below the Nyquist frequency of "
                f"{nyquist:g} Hz (sfreq={sfreq:g} Hz): move it, or leave that edge out"
            )
    stops = bool(lows) and bool(highs) and (len(lows) > 1 or lows[0] > highs[0])
    if stops and len(lows) != len(highs):
        raise ValueError(f"{where} has {len(lows)} lower and {len(highs)} upper edges: give as many of both")
    if not stops and (lows and highs and lows[0] == highs[0]):
        raise ValueError(f"{where} passes nothing: low and high are both {lows[0]:g} Hz")
    for name, width in (("low_transition", low_transition), ("high_transition", high_transition)):
        if width is not None:
            check_positive(name, width, unit="Hz")
    edges = []
    # A band that is stopped begins after the upper edge of what passes below it, and its transitions lie inside.
    for f in highs if stops else lows:
        own = high_transition if stops else low_transition
        width = min(max(f / 4, 2.0), f) if own is None else own
        edges.append((f, f + width, 1) if stops else (f - width, f, 0))
    for f in lows if stops else highs:
        own = low_transition if stops else high_transition
        width = min(max(f / 4, 2.0), nyquist - f) if own is None else own
        edges.append((f - width, f, 0) if stops else (f, f + width, 1))
    edges.sort()
    if edges[0][0] < 0 or edges[-1][1] > nyquist * (1 + 1e-12):
        raise ValueError(
            f"{where} has a transition from {edges[0][0]:g} to {edges[-1][1]:g} Hz, expected 0 to {nyquist:g} Hz: "
            "make the transitions narrower"
        )
    for (_, end, below), (begin, _, next_below) in pairwise(edges):
        if end > begin * (1 + 1e-12) or below == next_below:
            raise ValueError(
                f"{where} has transitions that overlap between {begin:g} and {end:g} Hz: make them narrower or "
                "move the edges apart"
            )
    return edges


def _sum_of_low_passes(
    sfreq: float, edges: list[tuple[float, float, int]], needed: list[int], n: int, window: str
) -> np.ndarray:
    from scipy.signal import firwin

    taps = np.zeros(n)
    if edges[-1][2] == 0:  # what is above the last edge passes
        taps[n // 2] = 1.0
    for (begin, end, below), n_taps in zip(reversed(edges), reversed(needed), strict=True):
        around = (n - n_taps) // 2
        low_pass = firwin(n_taps, (begin + end) / 2, window=window, fs=sfreq)
        taps[around : n - around] += low_pass if below else -low_pass
    return taps


def minimum_phase(taps: np.ndarray) -> np.ndarray:
    """As many taps with nearly the same magnitude response and the least delay: the cepstrum folded onto one side."""
    n = 1 << ceil(log2(200 * len(taps)))  # fine enough a grid that the cepstrum hardly aliases
    magnitude = np.abs(np.fft.rfft(taps, n))
    magnitude += 1e-7 * magnitude[magnitude > 0].min()
    cepstrum = np.fft.irfft(np.log(magnitude))
    cepstrum[1 : n // 2] *= 2
    cepstrum[n // 2 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[: len(taps)]


def check_taps(taps: Any) -> np.ndarray:
    """`taps` as a float64 array of one dimension, finite and not all zero."""
    taps = np.array(taps, dtype=np.float64)
    if taps.ndim != 1 or len(taps) == 0:
        raise ValueError(f"taps must have one dimension and at least one element, got shape {taps.shape}")
    if not np.isfinite(taps).all():
        raise ValueError("taps must be finite, got NaN or infinite elements")
    if not taps.any():
        raise ValueError("taps are all zero, so nothing would pass: expected a filter")
    return taps


def fir_block(n_taps: int) -> int:
    """How a stream filters with so many taps at the least cost: 0 directly, else the block of the FFT.

    The first `block` taps are summed directly, the others by the FFT of blocks of as many samples, whose share in later
    samples is ready before these come: neither way delays anything. Costs are nanoseconds per sample and channel.

    Examples
    --------
    >>> fir_block(65), fir_block(825)
    (0, 64)
    """
    cost = {0: 0.06 * n_taps}
    for block in (32, 64, 128, 256, 512, 1024, 2048):
        if block < n_taps:
            cost[block] = 0.06 * block + 1.6 + 0.32 * log2(2 * block) + 0.2 * (n_taps - block) / block
    return min(cost, key=cost.__getitem__)


def resampling_taps(up: int, down: int) -> np.ndarray:
    """The low-pass of `scipy.signal.resample_poly` at the raised rate, its gain up."""
    from scipy.signal import firwin

    rate = max(up, down)
    return up * firwin(20 * rate + 1, 1 / rate, window=("kaiser", 5.0))
