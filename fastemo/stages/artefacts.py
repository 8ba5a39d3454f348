"""Channel quality: what counts as broken, and when a window is too bad to be decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo._validate import check_positive
from fastemo.stages.base import Stage

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Quality"]


@dataclass(frozen=True, eq=False, repr=False)
class Quality(Stage):
    """Sets how the incoming channels are judged. It may stand anywhere; without it the defaults hold.

    A channel scores one minus its share of substituted, flat and railed samples in the window, and 0 when
    too many of its samples are noisy. The mean over channels is the window's quality; below `minimum` the
    window abstains.

    Parameters
    ----------
    flat : float
        Seconds of identical samples (two at least) from which on a channel is flat.
    rail : float or None
        Absolute value in uV at which the amplifier saturates; None: unknown.
    step : float or None
        Difference of successive samples in uV above which the later one is noisy; None: not judged.
    noisy : float
        Share of noisy samples in a window above which the channel scores 0.
    minimum : float
        Quality below which a window abstains.

    Notes
    -----
    Steps above 100 to 150 uV are the usual sign of a loose electrode; eye blinks stay well below. At high
    sampling frequencies or with strong hum choose your own. Without this stage data
    without a unit (`unit="1"`) are not judged by `step`.

    Examples
    --------
    >>> Quality(rail=187_500, minimum=0.7)
    Quality(rail=187500, minimum=0.7)
    """

    takes = gives = "any"
    flat: float = 0.25
    rail: float | None = None
    step: float | None = 150.0
    noisy: float = 0.1
    minimum: float = 0.5

    def __post_init__(self) -> None:
        check_positive("flat", self.flat, unit="seconds")
        for name in ("rail", "step"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), unit="uV")
        for name in ("noisy", "minimum"):
            if check_positive(name, getattr(self, name), zero=True) > 1:
                raise ValueError(f"{name} must be a share in [0, 1], got {getattr(self, name)!r}")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.header |= self.header(build.sfreq)

    def header(self, sfreq: float) -> dict[str, np.ndarray]:
        """The quality tensors of the program."""
        off = np.inf
        return {
            "quality.flat": np.array([max(2, round(self.flat * sfreq))]),
            "quality.rail": np.array([off if self.rail is None else float(self.rail)]),
            "quality.step": np.array([off if self.step is None else float(self.step)]),
            "quality.noisy": np.array([float(self.noisy)]),
            "quality.minimum": np.array([float(self.minimum)]),
        }
