"""Phase-amplitude coupling of windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._validate import check_in
from fastemo.bands import BandSet, check_bands
from fastemo.stages.base import Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["PhaseAmplitudeCoupling"]

METHODS = ("modulation_index", "mvl", "normalized_mvl")


@dataclass(frozen=True, eq=False, repr=False)
class PhaseAmplitudeCoupling(Stage):
    """How far the amplitude of fast rhythms follows the phase of slow ones of the same channel, in each window.

    Parameters
    ----------
    phase, amplitude : str, mapping or sequence of (low, high)
        Bands in Hz. The window must hold ten cycles of the slowest phase; a band of amplitude must be at least as wide as
        twice the highest frequency of phase.
    method : {"modulation_index", "mvl", "normalized_mvl"}
        As of `fastemo.features.phase_amplitude_coupling`.
    n_bins : int
        Bins of phase of the modulation index.

    Notes
    -----
    The values are those of `fastemo.features.phase_amplitude_coupling` on the same samples: bands are filtered within the
    window without delay. At the first sample, in which the window is reflected, the phase is a quarter of a turn: with
    `n_bins` a multiple of 4 rounding decides in which bin it falls. Each window is computed anew, so a long hop costs
    least.

    Examples
    --------
    >>> PhaseAmplitudeCoupling({"theta": (4, 8)}, {"gamma": (30, 60)})
    PhaseAmplitudeCoupling(phase={theta: 4-8}, amplitude={gamma: 30-60})
    """

    takes = "window"
    gives = "vector"
    phase: Any
    amplitude: Any
    method: str = "modulation_index"
    n_bins: int = 18

    def __post_init__(self) -> None:
        for name in ("phase", "amplitude"):
            names, edges = check_bands(getattr(self, name))
            object.__setattr__(self, name, BandSet(dict(zip(names, edges.tolist(), strict=True))))
        check_in("method", self.method, METHODS)
        if check_count("n_bins", self.n_bins) < 2:
            raise ValueError("n_bins must be at least 2, got 1")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        from fastemo.features.coupling import coupling_plan

        name = f"PhaseAmplitudeCoupling after Window({build.length / build.sfreq:g})"
        bands = [list(b.values()) for b in (self.phase, self.amplitude)]
        reach, n_fft, gains = coupling_plan(name, build.length, build.sfreq, *bands)
        build.add(
            "coupling", [build.window()], gains=gains, n_fft=n_fft, reach=reach, n_phase=len(self.phase),
            method=METHODS.index(self.method), n_bins=self.n_bins,
        )  # fmt: skip
        build.rows([f"{self.method}__{slow}~{fast}" for slow in self.phase for fast in self.amplitude])
