"""The published definitions of differential entropy: what functions and stages share."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import NamedTuple

import numpy as np

__all__ = ["DEFINITIONS", "Definition", "brainflow_bins", "hann_between", "seed_bins"]


class Definition(NamedTuple):
    """How s^2 becomes entropy, gain ln(max(s^2, floor)) + offset; and the order of the filters, if there are any."""

    gain: float
    offset: float
    floor: float
    order: int | None


_NATS, _BITS = 0.5, 0.5 / np.log(2)
_LEVEL = np.log(2 * np.pi * np.e)
# (0.01 uV)^2: below the noise of any amplifier, so that a flat channel gives a number and not minus infinity.
_FLOOR = 1e-4
# The peers have no floor: this one changes nothing but silence.
_SILENCE = 1e-300

DEFINITIONS = {
    "gauss": Definition(_NATS, _NATS * _LEVEL, _FLOOR, 4),
    "spectral": Definition(_NATS, _NATS * _LEVEL, _FLOOR, None),
    "seed": Definition(2 * _BITS, 2 * _BITS * np.log(100), _SILENCE, None),
    "torcheeg": Definition(_BITS, _BITS * _LEVEL, _SILENCE, 5),
    "libeer": Definition(_BITS, _BITS * _LEVEL, _SILENCE, 3),
    "brainflow": Definition(_NATS, _NATS * _LEVEL, _SILENCE, None),
}

Bands = Mapping[str, tuple[float, float]]


def hann_between(n: int) -> np.ndarray:
    """A Hann taper whose zeros lie just outside of its n values, as MATLAB's `hanning`.

    Examples
    --------
    >>> hann_between(3).round(6).tolist()
    [0.5, 1.0, 0.5]
    """
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1))


def seed_bins(bands: Bands, n_fft: int, sfreq: float) -> np.ndarray:
    """First and past-the-last bin of the features of the SEED data sets: one bin early, shape (n_bands, 2).

    Examples
    --------
    >>> seed_bins({"delta": (1, 4), "theta": (4, 8)}, 200, 200).tolist()
    [[0, 4], [3, 8]]
    """
    edges = np.array([[floor(f / sfreq * n_fft) for f in band] for band in bands.values()]) - [1, 0]
    for (name, (low, high)), (first, stop) in zip(bands.items(), edges.tolist(), strict=True):
        if first < 0 or stop <= first:
            raise ValueError(
                f"definition='seed' begins {name!r} ({low:g}-{high:g} Hz) a frequency below its edge, which a window of "
                f"{n_fft / sfreq:g} s does not have: use a window of at least {1 / low:g} s"
            )
    return edges


def brainflow_bins(bands: Bands, n: int, sfreq: float) -> tuple[int, int, np.ndarray]:
    """Length of segments, samples from one to the next, and pairs of bins for each band, a bin apart.

    BrainFlow takes twice the power of two nearest to sfreq, half of that while it is more than n, an overlap of
    four fifths, and sums trapezoids from each bin in [low, high], to the next bin.

    Examples
    --------
    >>> brainflow_bins({"alpha": (8, 13)}, 1000, 250)
    (512, 103, array([[17, 27],
           [18, 28]]))
    """
    low_power = 1 << (int(sfreq).bit_length() - 1)
    n_fft = 2 * (low_power if int(sfreq) - low_power <= 2 * low_power - int(sfreq) else 2 * low_power)
    while n_fft > n:
        n_fft //= 2
    if n_fft < 8:
        raise ValueError(f"definition='brainflow' needs a window of at least 8 samples, got {n}")
    f = np.arange(n_fft // 2 + 1) * (sfreq / n_fft)
    edges = []
    for name, (low, high) in bands.items():
        first, stop = int(np.searchsorted(f, low)), int(np.searchsorted(f, high, "right"))
        stop = min(stop, n_fft // 2)
        if first >= stop:
            raise ValueError(
                f"definition='brainflow' has a frequency every {sfreq / n_fft:g} Hz in a window of {n / sfreq:g} s, and none "
                f"in the band {name!r} ({low:g}-{high:g} Hz): use a window of at least {2 / (high - low):g} s"
            )
        edges += [(first, stop), (first + 1, stop + 1)]
    return n_fft, n_fft - 4 * n_fft // 5, np.array(edges)
