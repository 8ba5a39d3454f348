"""FIR filters along time: of linear phase, with one delay for all frequencies, or of minimum phase, with the least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._fir_design import FIR_PHASES, FIR_WINDOWS, check_taps, fir_taps
from fastemo._validate import check_in, check_positive, n_samples_of
from fastemo.stages.base import INITS, Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["FIR", "RemoveDrift"]


@dataclass(frozen=True, eq=False, repr=False)
class FIR(Stage):
    """FIR filter, designed as `mne.filter.create_filter` does, or of your own taps; causal.

    Parameters
    ----------
    low, high : float, optional
        Edges in Hz of what passes; one left out makes a low-pass or a high-pass. `low` above `high` stops what lies
        between.
    low_transition, high_transition : float, optional
        Width in Hz of the transitions, which lie outside the pass band; by default min(max(low/4, 2), low) and
        min(max(high/4, 2), nyquist - high).
    length : int, optional
        Taps; by default as many as the narrower transition needs (825 for 1 to 45 Hz at 250 Hz).
    window : {"hamming", "hann", "blackman"}
    phase : {"linear", "minimum"}
        A linear phase delays everything by (length - 1) / 2 samples; a minimum phase has nearly the same magnitude
        response with the least delay, which then depends on frequency.
    init : {"first", "zero"}
        "first" starts each channel as if its first sample had been there for ever, so that an offset makes no
        transient; "zero" starts from rest.
    taps : array_like, shape (n_taps,), optional
        A filter of your own, for the sampling frequency that arrives; then no other parameter but `init` is given.

    Notes
    -----
    Long filters are run by the FFT without delaying anything further: the newest samples are always summed directly. FIR
    stages that follow one another run as one filter. Predictions are dated back by the delay.

    Examples
    --------
    >>> FIR(1, 45)
    FIR(low=1, high=45)
    >>> len(FIR(1, 45).design(250))
    825
    """

    takes = gives = "signal"
    low: float | None = None
    high: float | None = None
    low_transition: float | None = None
    high_transition: float | None = None
    length: int | None = None
    window: str = "hamming"
    phase: str = "linear"
    init: str = "first"
    taps: Any = None

    def __post_init__(self) -> None:
        check_in("window", self.window, FIR_WINDOWS)
        check_in("phase", self.phase, FIR_PHASES)
        check_in("init", self.init, INITS)
        edges = ("low", "high", "low_transition", "high_transition")
        for name in edges:
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), unit="Hz")
        if self.length is not None:
            check_count("length", self.length)
        if self.taps is None:
            if self.low is None and self.high is None:
                raise ValueError("FIR needs low, high or taps: without any it would pass everything")
            return
        given = [name for name in (*edges, "length") if getattr(self, name) is not None]
        if given or self.phase != "linear" or self.window != "hamming":
            raise ValueError(
                f"FIR takes taps or a design, not both: leave out {', '.join(given) or 'window and phase'}, or taps"
            )
        taps = check_taps(self.taps)
        taps.flags.writeable = False
        object.__setattr__(self, "taps", taps)

    def design(self, sfreq: float) -> np.ndarray:
        """The taps at a sampling frequency, shape (n_taps,)."""
        if self.taps is not None:
            return self.taps
        edges = self.low, self.high, self.low_transition, self.high_transition
        return fir_taps(sfreq, *edges, self.length, self.window, self.phase, repr(self))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.fir(self.design(build.sfreq), from_first_sample=self.init == "first")


@dataclass(frozen=True, eq=False, repr=False)
class RemoveDrift(Stage):
    """Subtracts from each sample the mean of the last `length` seconds, itself included: slow drifts go at once.

    Parameters
    ----------
    length : float
        Seconds, rounded to whole samples. What lies above 1 / length Hz passes with a gain of about 1 and hardly any delay;
        below about 0.4 / length Hz it is removed.
    init : {"first", "zero"}
        As in `FIR`.

    Notes
    -----
    It is a FIR filter and becomes one with its neighbours of that kind; unlike a running sum it gathers no rounding errors.
    A line within the window leaves half its rise over `length`, a constant: `HighPass` removes that too, but rings.

    Examples
    --------
    >>> RemoveDrift(2.0)
    RemoveDrift(length=2)
    """

    takes = gives = "signal"
    length: float
    init: str = "first"

    def __post_init__(self) -> None:
        check_positive("length", self.length, unit="seconds")
        check_in("init", self.init, INITS)

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        n = n_samples_of("length", self.length, build.sfreq)
        if n < 2:
            raise ValueError(
                f"{self!r} is one sample at {build.sfreq:g} Hz, so nothing would be left: use at least {2 / build.sfreq:g} s"
            )
        taps = np.full(n, -1.0 / n)
        taps[0] += 1.0
        build.fir(taps, from_first_sample=self.init == "first")
