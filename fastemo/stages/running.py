"""What learns from the stream itself, from its first sample on: regression on other channels, running z-scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo._validate import check_channels, check_positive
from fastemo.stages.base import Stage, check_names

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Despike", "RegressOut", "RunningStandardize"]

CONSTANT, TREND = -1, -2


@dataclass(frozen=True, eq=False, repr=False)
class RegressOut(Stage):
    """Takes off what a constant, a trend and other channels explain, by recursive least squares.

    The incremental general linear model of real-time fMRI: at every sample the model is the best one for all
    samples so far, and what is put out is that model's residual. With motion parameters as channels it takes
    motion off; with EOG channels, eye movements; with neither, drift.

    Parameters
    ----------
    channels : sequence of str
        Regressors among the channels. They are not put out.
    constant, trend : bool
        Whether the mean and a straight line over time are taken off too.
    tau : float, optional
        Seconds after which a sample counts 1/e: the model follows slow changes. By default nothing is forgotten.
        With `constant` alone this is the exponential moving average taken off, without its start-up error.
    ridge : float
        Penalty on the squared coefficients, in squared units of the regressors: negligible for parameters in mm and
        degrees. Directions that nothing excites stay where they are.
    warmup : float
        Seconds from the start during which predictions are not valid: the model has seen too little.

    Notes
    -----
    P <- (P - P f f'P / (l + f'P f)) / l, b <- b + P f (y - f'b), output y - f'b with the new b and
    l = exp(-1 / (tau sfreq)): O(p^2 + p n_channels) per sample. What is updated is the square root of P (Potter), which
    stays positive whatever is rounded. Without forgetting the output at each sample is the last residual of ordinary
    least squares on the samples so far. Real-time use: [1]_.

    References
    ----------
    .. [1] Kopel et al., No time for drifting: comparing performance and applicability of signal detrending
       algorithms for real-time fMRI, 2019, doi:10.1016/j.neuroimage.2019.02.058.

    Examples
    --------
    >>> RegressOut(["trans_x", "trans_y"], tau=120)
    RegressOut(channels=['trans_x', 'trans_y'], tau=120)
    """

    takes = gives = "signal"
    channels: Sequence[str] = ()
    constant: bool = True
    trend: bool = False
    tau: float | None = None
    ridge: float = 1e-8
    warmup: float = 15.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", check_names("channels", self.channels))
        for name in ("constant", "trend"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if not (self.channels or self.constant or self.trend):
            raise ValueError("RegressOut has nothing to regress on: name channels, or set constant or trend")
        if self.tau is not None:
            check_positive("tau", self.tau, unit="seconds")
        if not 1e-100 <= check_positive("ridge", self.ridge) <= 1e100:
            raise ValueError(f"ridge must be between 1e-100 and 1e100, got {self.ridge!r}")
        check_positive("warmup", self.warmup, zero=True, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        at = check_channels(self.channels, build.ch_names, "the signal before RegressOut")
        keep = [c for c in range(len(build.ch_names)) if c not in set(at)]
        if not keep:
            raise ValueError("RegressOut leaves no channel: all that arrive are regressors")
        regressors = [CONSTANT] * self.constant + [TREND] * self.trend + at
        build.signal(
            "rls",
            [build.ch_names[c] for c in keep],
            keep=keep,
            regressors=regressors,
            forgetting=_forgetting(self.tau, build.sfreq),
            ridge=float(self.ridge),
        )
        build.learns(round(self.warmup * build.sfreq), len(regressors) * (len(regressors) + len(keep)))


@dataclass(frozen=True, eq=False, repr=False)
class Despike(Stage):
    """Cuts off what is too far from the running mean.

    Parameters
    ----------
    threshold : float
        Standard deviations from the mean of the samples before; what is beyond becomes that limit.
    tau : float, optional
        Seconds after which a sample counts 1/e in mean and deviation; by default all count alike. Take the drift off
        first, or choose it well below the time of the drift.
    start : float
        Seconds from the start before anything is cut off.

    Notes
    -----
    Mean and deviation take in the sample as it was cut off, so that a spike cannot widen its own limits much; a lasting
    step is let through after some samples.

    Examples
    --------
    >>> Despike(4)
    Despike(threshold=4)
    """

    takes = gives = "signal"
    threshold: float = 3.0
    tau: float | None = None
    start: float = 20.0

    def __post_init__(self) -> None:
        check_positive("threshold", self.threshold)
        if self.tau is not None:
            check_positive("tau", self.tau, unit="seconds")
        check_positive("start", self.start, zero=True, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        _running(build, self.tau, float(self.threshold), self.start, scaled=False)


@dataclass(frozen=True, eq=False, repr=False)
class RunningStandardize(Stage):
    """Z-scores each channel by its own running mean and standard deviation, the present sample included.

    Parameters
    ----------
    tau : float, optional
        Seconds after which a sample counts 1/e; by default all since the start count alike.
    warmup : float
        Seconds from the start during which predictions are not valid; 20 to 30 samples say what a deviation is.

    Notes
    -----
    `Standardize` scales by what was learnt in training; this one forgets the training and looks at the stream alone, so
    that offsets and gains of a new run or day do not matter. A channel that has not varied yet is 0.

    Examples
    --------
    >>> RunningStandardize(tau=60)
    RunningStandardize(tau=60)
    """

    takes = gives = "signal"
    tau: float | None = None
    warmup: float = 20.0

    def __post_init__(self) -> None:
        if self.tau is not None:
            check_positive("tau", self.tau, unit="seconds")
        check_positive("warmup", self.warmup, zero=True, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        _running(build, self.tau, 0.0, 0.0, scaled=True)
        build.learns(round(self.warmup * build.sfreq), 0)


def _forgetting(tau: float | None, sfreq: float) -> float:
    return 1.0 if tau is None else float(np.exp(-1 / (tau * sfreq)))


def _running(build: Build, tau: float | None, clip: float, start: float, scaled: bool) -> None:
    build.signal(
        "running",
        forgetting=_forgetting(tau, build.sfreq),
        clip=clip,
        start=max(2, round(start * build.sfreq)),
        scaled=int(scaled),
    )
    build.learns(0, 2 * len(build.ch_names))
