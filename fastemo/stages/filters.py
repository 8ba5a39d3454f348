"""Causal filters along time. They keep their state from chunk to chunk and start without a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._design import butterworth, check_sos, notch
from fastemo._validate import check_in, check_positive
from fastemo.stages.base import INITS, Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["BandPass", "CustomSos", "HighPass", "LowPass", "Notch"]


class _SosStage(Stage):
    """A cascade of second-order sections; subclasses say which."""

    takes = gives = "signal"
    init: str

    def sections(self, sfreq: float) -> np.ndarray:
        """The sections at a sampling frequency, shape (n_sections, 6)."""
        raise NotImplementedError

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.filter(self.sections(build.sfreq), from_first_sample=self.init == "first")

    def _check(self, *frequencies: str) -> None:
        for name in frequencies:
            check_positive(name, getattr(self, name), unit="Hz")
        check_in("init", self.init, INITS)


@dataclass(frozen=True, eq=False, repr=False)
class BandPass(_SosStage):
    """Butterworth band-pass.

    Parameters
    ----------
    low, high : float
        Edges in Hz, where the power has fallen to a half.
    order : int
        As in `scipy.signal.butter`: order 4 makes four second-order sections.
    init : {"first", "zero"}
        "first" starts each channel as if its first sample had been there for ever, so that an offset makes
        no transient; "zero" starts from rest.

    Examples
    --------
    >>> BandPass(1, 45)
    BandPass(low=1, high=45)
    """

    low: float
    high: float
    order: int = 4
    init: str = "first"

    def __post_init__(self) -> None:
        self._check("low", "high")
        check_count("order", self.order)
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got low={self.low:g}, high={self.high:g} Hz")

    def sections(self, sfreq: float) -> np.ndarray:
        return butterworth(sfreq, self.low, self.high, self.order, repr(self))


@dataclass(frozen=True, eq=False, repr=False)
class HighPass(_SosStage):
    """Butterworth high-pass: removes drifts below `freq` Hz.

    Parameters
    ----------
    freq : float
        Edge in Hz, where the power has fallen to a half.
    order : int
        As in `scipy.signal.butter`.
    init : {"first", "zero"}
        As in `BandPass`.

    Examples
    --------
    >>> HighPass(0.5).sections(250).shape
    (2, 6)
    """

    freq: float
    order: int = 4
    init: str = "first"

    def __post_init__(self) -> None:
        self._check("freq")
        check_count("order", self.order)

    def sections(self, sfreq: float) -> np.ndarray:
        return butterworth(sfreq, self.freq, None, self.order, repr(self))


@dataclass(frozen=True, eq=False, repr=False)
class LowPass(_SosStage):
    """Butterworth low-pass: removes what is above `freq` Hz.

    Parameters
    ----------
    freq : float
        Edge in Hz, where the power has fallen to a half.
    order : int
        As in `scipy.signal.butter`.
    init : {"first", "zero"}
        As in `BandPass`.

    Examples
    --------
    >>> LowPass(45, order=8)
    LowPass(freq=45, order=8)
    """

    freq: float
    order: int = 4
    init: str = "first"

    def __post_init__(self) -> None:
        self._check("freq")
        check_count("order", self.order)

    def sections(self, sfreq: float) -> np.ndarray:
        return butterworth(sfreq, None, self.freq, self.order, repr(self))


@dataclass(frozen=True, eq=False, repr=False)
class Notch(_SosStage):
    """Removes the mains hum: one second-order notch (`scipy.signal.iirnotch`) per harmonic.

    Parameters
    ----------
    freq : float
        50 or 60 Hz.
    q : float
        Quality of the first notch; each is `freq / q` Hz wide.
    harmonics : int or "all"
        How many multiples of `freq`, itself included; "all" that lie below the Nyquist frequency by at least a notch's
        width: a comb.
    init : {"first", "zero"}
        As in `BandPass`.

    Examples
    --------
    >>> Notch(50, harmonics=2).sections(250).shape
    (2, 6)
    >>> Notch(60, harmonics="all").sections(1000).shape
    (8, 6)
    """

    freq: float
    q: float = 30.0
    harmonics: int | str = 1
    init: str = "first"

    def __post_init__(self) -> None:
        self._check("freq")
        check_positive("q", self.q)
        if isinstance(self.harmonics, str):
            check_in("harmonics", self.harmonics, ("all",))
        else:
            check_count("harmonics", self.harmonics)

    def sections(self, sfreq: float) -> np.ndarray:
        if isinstance(self.harmonics, str):
            harmonics = max(1, int((sfreq / 2 - self.freq / self.q) / self.freq))
        else:
            harmonics = self.harmonics
        return notch(sfreq, self.freq, self.q, harmonics, repr(self))


@dataclass(frozen=True, eq=False, repr=False)
class CustomSos(_SosStage):
    """Second-order sections of your own design, run in the order of operations of `scipy.signal.sosfilt`.

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)
        b0, b1, b2, a0 = 1, a1, a2 of each section, for the sampling frequency of the pipeline.
    init : {"first", "zero"}
        As in `BandPass`.

    Examples
    --------
    >>> from scipy.signal import cheby1
    >>> CustomSos(cheby1(3, 0.5, [8, 13], "bandpass", fs=250, output="sos"))
    CustomSos(sos=<3 x 6>)
    """

    sos: Any
    init: str = "first"

    def __post_init__(self) -> None:
        sos = check_sos(self.sos)
        sos.flags.writeable = False
        object.__setattr__(self, "sos", sos)
        self._check()

    def sections(self, sfreq: float) -> np.ndarray:
        return self.sos
