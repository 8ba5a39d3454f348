"""Channels that break while the stream runs, and mend again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo._validate import check_positive
from fastemo.artefacts._interpolation import inverse_of_splines
from fastemo.stages.artefacts import Quality, check_directions
from fastemo.stages.base import Stage

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["InterpolateBads"]


@dataclass(frozen=True, eq=False, repr=False)
class InterpolateBads(Stage):
    """Replaces channels by what spherical splines make of the good ones, as long as they are bad.

    Ten times a second each channel of the recording, as it comes in, is judged by its last second: it is bad where too
    many samples are flat, railed or noisy, or where there is too much muscle or mains. From the next sample on it is
    interpolated in the signal that arrives here, until it is good again.

    Parameters
    ----------
    quality : Quality, optional
        What is bad: its `flat`, `rail`, `step`, `noisy`, `muscle`, `line`, `line_freq`. `Quality()` if not given, without
        `step` for data without a unit.
    share : float
        A channel is bad with more than this share of flat or railed samples.
    most : float
        Share of the electrodes that may be bad at once. With more, or with fewer than 3 good ones, none is replaced and
        the windows with such samples abstain, with quality 0.
    window, hop : float
        Seconds that are judged, and from one judgement to the next; the window is rounded to whole hops.
    positions : mapping of str to (x, y, z), optional
        Directions from the centre of the head by channel name, before those of the 10-10 system.

    Notes
    -----
    Put it behind a high-pass, or the channel jumps by its offset as it is replaced; before a common average, or the bad
    channel is in the mean; before a change of channels or of rate. Up to the first judgement that finds it, at most
    `hop` and what makes it bad, a broken channel passes. Channels whose place is not known (eyes, heart) are left as
    they are and are no source. The quality of a window still counts the channel as it came in: with `Quality(minimum=)`
    the window abstains all the same. The rank falls by the number of bad channels: shrink covariances. See
    `fastemo.artefacts.spline_matrix` for the formula.

    A new set of n bad channels costs about n^2 times the number of channels in multiplications, once; n is at most
    `most`.

    Examples
    --------
    >>> InterpolateBads(Quality(rail=187_500, line=5), most=0.2)
    InterpolateBads(quality=Quality(rail=187500, line=5), most=0.2)
    """

    takes = gives = "signal"
    quality: Quality | None = None
    share: float = 0.5
    most: float = 0.25
    window: float = 1.0
    hop: float = 0.1
    positions: Mapping[str, Sequence[float]] | None = None

    def __post_init__(self) -> None:
        if self.quality is not None and not isinstance(self.quality, Quality):
            raise TypeError(f"quality must be a Quality(...) that says what is bad, got {self.quality!r}")
        for name in ("share", "most"):
            if check_positive(name, getattr(self, name), zero=name == "share") > 1:
                raise ValueError(f"{name} must be a share in [0, 1], got {getattr(self, name)!r}")
        for name in ("window", "hop"):
            check_positive(name, getattr(self, name), unit="seconds")
        if self.window < self.hop:
            raise ValueError(f"window must be at least one hop ({self.hop:g} s), got {self.window:g} s")
        object.__setattr__(self, "positions", check_directions(self.positions))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        if build.rate.steps:
            raise ValueError("InterpolateBads judges the recording as it comes in: put it before Resample")
        if build.ch_names != build.inputs:
            raise ValueError(
                "InterpolateBads judges the channels of the recording, but others arrive: put it before the stage that "
                "changes the channels"
            )
        n, sfreq = len(build.ch_names), build.input_sfreq
        inverse = inverse_of_splines(build.ch_names, self.positions)
        n_known = np.count_nonzero(np.diag(inverse))
        if n_known < 4:
            raise ValueError(
                f"InterpolateBads needs at least 4 electrodes whose place on the head is known, got {n_known}: use names "
                "of the 10-10 system or give positions"
            )
        quality = self.quality or (Quality() if build.unit != "1" else Quality(step=None))
        given = {name.removeprefix("quality."): value for name, value in quality.header(sfreq).items()}
        limits = {
            name: np.minimum(given[name], np.finfo(float).max).item() for name in ("rail", "step", "noisy")
        }
        bands = {name: given[name] for name in ("coef", "zi", "ratio") if name in given}
        hop = max(1, round(self.hop * sfreq))
        n_blocks, most = max(1, round(self.window * sfreq / hop)), max(1, int(self.most * n_known))
        build.add(
            "repair", [0, build.slot], inverse=inverse, most=most, hop=hop, n_blocks=n_blocks,
            flat=given["flat"], share=float(self.share), **limits, **bands,
        )  # fmt: skip
        remembered = n * (most + 2 * n_blocks) + most**2
        if bands:
            remembered += n * len(bands["coef"]) * (2 * bands["coef"].shape[1] + n_blocks)
        build.learns(0, remembered)
