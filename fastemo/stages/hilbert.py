"""The analytic signal of the whole band, by an FIR Hilbert transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from fastemo._fir_design import fir_block
from fastemo._validate import check_positive
from fastemo.stages.analytic import check_measures, measure_tensors
from fastemo.stages.base import Stage

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Hilbert", "hilbert_taps"]

# Of the window. The gain steps by 2, from -1 to 1, so that it stays within twice this: one part in a hundred.
RIPPLE_DB = 46.0
MOST_TAPS = 1 << 16


@dataclass(frozen=True, eq=False, repr=False)
class Hilbert(Stage):
    """The analytic signal of each channel in one wide band: `scipy.signal.hilbert`, causally and with a fixed delay.

    The real part is the signal itself, late; the imaginary part is made by an FIR Hilbert transformer, which turns every
    frequency between `low` and sfreq/2 - `low` by a quarter of a cycle at the same delay.

    Parameters
    ----------
    low : float
        Lowest frequency in Hz at which the two parts are of the same size to one part in a hundred. The delay is about
        0.7 / `low` seconds: half of the filter.
    measures : str or sequence of str
        Of the analytic signal z, as in `Analytic`: "envelope", "power", "phase" (its cosine and its sine), "frequency",
        "real" and "imag".
    log, db : bool
        Power as its natural logarithm, or in decibels, of at least 1e-4 uV^2.

    Notes
    -----
    What follows works on new channels named "envelope:Fz". Envelope and phase mean something where one rhythm prevails:
    put a `BandPass` or `FIR` before it. For the rhythms of several bands use `Analytic`, which filters too and has less
    delay in fast bands; here the real part is exactly the signal that comes in, `delay` samples later.

    The filter is the ideal transformer 2 / (pi k) of odd k under a Kaiser window [1]_ (type III: antisymmetric, of odd
    length). Predictions are dated back by its delay.

    References
    ----------
    .. [1] Oppenheim, Schafer, Discrete-time signal processing, 3rd edition 2010, section 12.4.

    Examples
    --------
    >>> stage = Hilbert(4, ["envelope", "phase"])
    >>> stage.delay(250)
    0.172
    """

    takes = gives = "signal"
    low: float
    measures: str | Sequence[str] = ("real", "imag")
    log: bool = False
    db: bool = False

    def __post_init__(self) -> None:
        check_positive("low", self.low, unit="Hz")
        object.__setattr__(self, "measures", check_measures(self.measures, self.log, self.db))

    def design(self, sfreq: float) -> np.ndarray:
        """The taps of the transformer at a sampling frequency, shape (n_taps,)."""
        return hilbert_taps(sfreq, self.low)

    def delay(self, sfreq: float) -> float:
        """Seconds by which everything is late at a sampling frequency."""
        return len(self.design(sfreq)) // 2 / sfreq

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        taps, signal = self.design(build.sfreq), build.slot
        planes, tensors = measure_tensors(self.measures, build.sfreq, self.log, self.db)
        names = [f"{plane}:{ch}" for plane in planes for ch in build.ch_names]
        build.state_bytes += 8 * len(build.ch_names) * (5 * len(taps) // 2 + 5)
        turned = build.add("fir", [signal], taps=taps, block=fir_block(len(taps)), first=1)
        build.add("quadrature", [signal, turned], delay=len(taps) // 2, **tensors)
        build.ch_names = tuple(names)
        if {"real", "imag"}.issuperset(planes):
            build._path = build._path.behind(taps)
        else:
            build._path = build._path.detected(taps[None], {"": (self.low, build.sfreq / 2 - self.low)})


def hilbert_taps(sfreq: float, low: float) -> np.ndarray:
    """An FIR Hilbert transformer whose gain is 1 within one part in a hundred from `low` to sfreq/2 - `low`."""
    if low >= sfreq / 4:
        raise ValueError(
            f"Hilbert(low={low:g}) leaves no band at sfreq={sfreq:g} Hz: low must be below a quarter of it, {sfreq / 4:g} Hz"
        )
    # The gain goes from -1 to 1 between -low and low: Kaiser's length for a transition twice as wide.
    half = ceil((RIPPLE_DB - 7.95) / (2.285 * 4 * np.pi * low / sfreq) / 2)
    half += 1 - half % 2  # the last tap of an even one would be 0
    if 2 * half + 1 > MOST_TAPS:
        raise ValueError(
            f"Hilbert(low={low:g}) needs {2 * half + 1} taps at sfreq={sfreq:g} Hz, expected at most {MOST_TAPS}: raise low, "
            "or put Resample before it"
        )
    k = np.arange(1, half + 1)
    window = np.kaiser(2 * half + 1, 0.5842 * (RIPPLE_DB - 21) ** 0.4 + 0.07886 * (RIPPLE_DB - 21))
    right = np.where(k % 2, 2 / (np.pi * k), 0.0) * window[half + 1 :]
    return np.concatenate([-right[::-1], [0.0], right])
