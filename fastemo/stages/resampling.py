"""Changes of the sampling rate in the stream, with the time of every sample kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from fastemo._fir_design import FIR_PHASES, minimum_phase, resampling_taps
from fastemo._validate import check_in, check_positive
from fastemo.stages.base import INITS, Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Decimate", "Resample"]

# Larger factors need so many taps that they are a mistake.
MOST_FACTOR = 4096


class _RateStage(Stage):
    """A change of the rate by up/down; subclasses say which."""

    takes = gives = "signal"
    phase: str
    init: str

    def factors(self, sfreq: float) -> tuple[int, int]:
        """What the rate is multiplied with and divided by."""
        raise NotImplementedError

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        up, down = self.factors(build.sfreq)
        if up == down:
            return
        taps = resampling_taps(up, down)
        if self.phase == "minimum":
            taps = minimum_phase(taps)
        build.resample(taps, up, down, from_first_sample=self.init == "first")

    def _check(self) -> None:
        check_in("phase", self.phase, FIR_PHASES)
        check_in("init", self.init, INITS)


@dataclass(frozen=True, eq=False, repr=False)
class Resample(_RateStage):
    """Lowers or raises the sampling rate to `sfreq`, whatever the ratio of the two: a causal polyphase filter.

    Parameters
    ----------
    sfreq : float
        The new rate in Hz. Stages behind see it: `Window` counts its samples. A higher one than that of the recording
        tells no more, but lets models and filters made for it be used.
    phase : {"linear", "minimum"}
        The low-pass is the one of `scipy.signal.resample_poly`; of linear phase it delays by ten samples of the
        lower of the two rates (78 ms at 128 Hz), of minimum phase less, by an amount that depends on frequency.
    init : {"first", "zero"}
        As in `FIR`.

    Notes
    -----
    500 to 128 Hz is 32/125: output m stands at place 125 m/32 of the input and comes with the sample there or before it. So
    does 128 to 500 Hz, 125/32: three or four outputs come with every input, and so may several predictions.
    Predictions are dated accordingly, to a fraction of a sample, and back by the delay. A gap is filled before the rate
    changes, at the rate of the recording, which also counts for quality.

    Examples
    --------
    >>> Resample(128).factors(500), Resample(500).factors(128)
    ((32, 125), (125, 32))
    """

    sfreq: float
    phase: str = "linear"
    init: str = "first"

    def __post_init__(self) -> None:
        check_positive("sfreq", self.sfreq, unit="Hz")
        self._check()

    def factors(self, sfreq: float) -> tuple[int, int]:
        ratio = (Fraction(self.sfreq) / Fraction(sfreq)).limit_denominator(MOST_FACTOR)
        if ratio.numerator > MOST_FACTOR:
            ratio = 1 / (1 / ratio).limit_denominator(MOST_FACTOR)
        if ratio.numerator > MOST_FACTOR or abs(float(ratio) * sfreq / self.sfreq - 1) > 1e-9:
            raise ValueError(
                f"{self!r} after {sfreq:g} Hz is no ratio of whole numbers up to {MOST_FACTOR}: use a rate that is, such "
                f"as {float(ratio.limit_denominator(64)) * sfreq:g} Hz"
            )
        return ratio.numerator, ratio.denominator


@dataclass(frozen=True, eq=False, repr=False)
class Decimate(_RateStage):
    """Keeps every `factor`-th sample of the low-passed signal: `Resample` to sfreq / factor.

    Parameters
    ----------
    factor : int
    phase : {"linear", "minimum"}
        As in `Resample`.
    init : {"first", "zero"}
        As in `FIR`.

    Examples
    --------
    >>> Decimate(4).factors(1000)
    (1, 4)
    """

    factor: int
    phase: str = "linear"
    init: str = "first"

    def __post_init__(self) -> None:
        if check_count("factor", self.factor) > MOST_FACTOR:
            raise ValueError(f"factor must be at most {MOST_FACTOR}, got {self.factor}")
        self._check()

    def factors(self, sfreq: float) -> tuple[int, int]:
        return 1, self.factor
