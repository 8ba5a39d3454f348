"""The window: where the stream of samples becomes a sequence of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo._validate import check_positive, n_samples_of
from fastemo.stages.base import Stage

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Window"]


@dataclass(frozen=True, eq=False, repr=False)
class Window(Stage):
    """Cuts the signal into windows for the features that follow.

    Parameters
    ----------
    length : float
        Seconds, rounded to whole samples. A band needs about two cycles of its lowest frequency: 2 s for 1
        Hz.
    hop : float
        Seconds from one window to the next, rounded to whole samples; each hop makes one prediction.

    Examples
    --------
    >>> Window(2.0, hop=0.1)
    Window(length=2, hop=0.1)
    """

    takes = "signal"
    gives = "window"
    length: float
    hop: float

    def __post_init__(self) -> None:
        check_positive("length", self.length, unit="seconds")
        check_positive("hop", self.hop, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.cut(
            n_samples_of("length", self.length, build.sfreq), n_samples_of("hop", self.hop, build.sfreq)
        )
