"""Smoothing from window to window, of features or of what the decoder says. Abstained windows are passed
over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo._validate import check_positive
from fastemo.stages.base import Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Smooth", "WindowMean"]


@dataclass(frozen=True, eq=False, repr=False)
class Smooth(Stage):
    """Exponential smoothing: y += alpha (x - y), alpha = 1 - exp(-hop / tau), from the first usable window
    on.

    Parameters
    ----------
    tau : float
        Time constant in seconds; a step is followed to 63 % after it. Emotions call for 3 to 20 s.

    Examples
    --------
    >>> Smooth(2.0)
    Smooth(tau=2)
    """

    takes = gives = "row"
    tau: float

    def __post_init__(self) -> None:
        check_positive("tau", self.tau, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.row("ema", alpha=-np.expm1(-build.hop_seconds / self.tau))


@dataclass(frozen=True, eq=False, repr=False)
class WindowMean(Stage):
    """Mean of the last windows, fewer at the start.

    Parameters
    ----------
    n : int, optional
        How many windows.
    seconds : float, optional
        Instead of `n`: as many windows as hops fit into this time, at least one.

    Examples
    --------
    >>> WindowMean(5), WindowMean(seconds=3.0)
    (WindowMean(n=5), WindowMean(seconds=3))
    """

    takes = gives = "row"
    n: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.n is None) == (self.seconds is None):
            raise ValueError(f"give either n or seconds, got n={self.n!r}, seconds={self.seconds!r}")
        if self.n is not None:
            check_count("n", self.n)
        else:
            check_positive("seconds", self.seconds, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        n = self.n or max(1, round((self.seconds or 0) / build.hop_seconds))
        build.row("boxcar", n_remembered=n, n=n)
