"""Channel quality, what counts as broken and when a window is too bad to be decoded; and what mends the signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._design import butterworth, first_sample_state
from fastemo._validate import check_channels, check_positive
from fastemo.artefacts._asr import asr_geometry, calibrate_on, check_share, n_removable, shaping_filter
from fastemo.artefacts._interpolation import repair_matrix
from fastemo.stages.base import SignalTrainable, Stage, check_names

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["ASR", "EOGRegression", "Interpolate", "Quality", "check_directions"]

# Hz: what muscles have and the brain next to nothing of, below the mains; and what both have.
MUSCLE, BRAIN = (30.0, 45.0), (4.0, 30.0)


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
    muscle : float or None
        A channel with more than so many times the mean square of 4-30 Hz in 30-45 Hz scores 0; None: not judged.
        Brains stay below about 0.1, a tense muscle above 0.5.
    line : float or None
        The same for the mains: within 1 Hz of `line_freq`.
    line_freq : float
        In Hz.

    Notes
    -----
    Muscle and mains are judged in the signal as it comes in, whatever filters follow.
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
    muscle: float | None = None
    line: float | None = None
    line_freq: float = 50.0

    def __post_init__(self) -> None:
        check_positive("flat", self.flat, unit="seconds")
        for name in ("rail", "step"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), unit="uV")
        for name in ("muscle", "line"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        check_positive("line_freq", self.line_freq, unit="Hz")
        for name in ("noisy", "minimum"):
            if check_positive(name, getattr(self, name), zero=True) > 1:
                raise ValueError(f"{name} must be a share in [0, 1], got {getattr(self, name)!r}")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.header |= self.header(build.input_sfreq)

    def header(self, sfreq: float) -> dict[str, np.ndarray]:
        """The quality tensors of the program."""
        off = np.inf
        return {
            "quality.flat": np.array([max(2, round(self.flat * sfreq))]),
            "quality.rail": np.array([off if self.rail is None else float(self.rail)]),
            "quality.step": np.array([off if self.step is None else float(self.step)]),
            "quality.noisy": np.array([float(self.noisy)]),
            "quality.minimum": np.array([float(self.minimum)]),
        } | self._checks(sfreq)

    def _checks(self, sfreq: float) -> dict[str, np.ndarray]:
        """Bands that are held against that of the brain, which comes last."""
        wanted = {
            "muscle": (self.muscle, MUSCLE),
            "line": (self.line, (self.line_freq - 1, self.line_freq + 1)),
        }
        checks = {name: check for name, check in wanted.items() if check[0] is not None}
        if not checks:
            return {}
        for name, (_, (_, high)) in checks.items():
            if high >= sfreq / 2:
                raise ValueError(
                    f"Quality({name}=...) looks at up to {high:g} Hz, which needs a sampling frequency above "
                    f"{2 * high:g} Hz, got {sfreq:g}: leave it out"
                )
        edges = [band for _, band in checks.values()] + [BRAIN]
        sos = np.array([butterworth(sfreq, low, high, 4, "Quality") for low, high in edges])
        return {
            "quality.coef": sos,
            "quality.zi": np.array([first_sample_state(s) for s in sos]),
            "quality.ratio": np.array([float(limit) for limit, _ in checks.values() if limit is not None]),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Interpolate(Stage):
    """Replaces bad channels by what spherical splines make of the good ones, at every sample.

    Parameters
    ----------
    bads : sequence of str
        Channels to replace; `fastemo.artefacts.find_bad_channels` finds them in a recording.
    positions : mapping of str to (x, y, z), optional
        Directions from the centre of the head by channel name, before those of the 10-10 system.

    Notes
    -----
    Put it before a common average, or the bad channel is in the mean. `InterpolateBads` finds bad channels itself. Channels whose place is not known (eyes, heart)
    are left as they are and are no source. The quality of a window still counts the channel as it came in. The rank
    falls by the number of bad channels. See `fastemo.artefacts.spline_matrix` for the formula.

    Examples
    --------
    >>> Interpolate(["T7"])
    Interpolate(bads=['T7'])
    """

    takes = gives = "signal"
    bads: Sequence[str]
    positions: Mapping[str, Sequence[float]] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "bads", check_names("bads", self.bads))
        if not self.bads:
            raise ValueError("bads must name at least one channel, got none: leave the stage out")
        object.__setattr__(self, "positions", check_directions(self.positions))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        where = "the signal before Interpolate"
        build.signal("matrix", coef=repair_matrix(build.ch_names, self.bads, self.positions, where))


def check_directions(positions: Any) -> dict[str, tuple[float, ...]] | None:
    """Directions by name, as tuples of floats."""
    if positions is None:
        return None
    if not isinstance(positions, Mapping):
        raise TypeError(f'positions must map names to directions, as {{"Cz": (0, 0, 1)}}; got {positions!r}')
    places = {}
    for name, place in positions.items():
        direction = np.asarray(place, dtype=float)
        if direction.shape != (3,) or not np.isfinite(direction).all() or not direction.any():
            raise ValueError(
                f"positions[{name!r}] must be three finite numbers off the centre, got {place!r}"
            )
        places[name] = tuple(direction.tolist())
    return places


@dataclass(frozen=True, eq=False, repr=False)
class EOGRegression(Stage):
    """Takes off what goes with the EOG channels, by recursive least squares: the weights follow the stream.

    Parameters
    ----------
    channels : sequence of str
        At the eyes; best bipolar ones, one vertical and one horizontal. They are not put out. Frontal channels can
        stand in for them, at the price of frontal brain activity.
    forgetting : float
        Weight of the past per sample: it fades with a time constant of 1 / (1 - forgetting) samples. 1 forgets nothing.
    ridge : float
        What the sum of squared EOG is held against at the start, in uV^2: the weights grow as it is passed.
    warmup : float
        Seconds in which windows are not valid yet, for the weights to be found.

    Notes
    -----
    With eyes e: P <- (P - P e e'P / (l + e'P e)) / l, B <- B + P e (x - B'e)', output x - B'e with the new B
    (Schloegl et al. 2007, doi:10.1016/j.clinph.2006.09.003). A direction in which the eyes rest is not forgotten beyond
    the start. High-pass before it: the mean is not regressed on. `fastemo.artefacts.regress_eog` does this to whole
    recordings.

    Examples
    --------
    >>> EOGRegression(["VEOG", "HEOG"])
    EOGRegression(channels=['VEOG', 'HEOG'])
    """

    takes = gives = "signal"
    channels: Sequence[str]
    forgetting: float = 0.9999
    ridge: float = 1e4
    warmup: float = 10.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", check_names("channels", self.channels))
        if not self.channels:
            raise ValueError("channels must name at least one channel, got none")
        if not 0.9 <= check_positive("forgetting", self.forgetting) <= 1:
            raise ValueError(f"forgetting must be in [0.9, 1], usually 0.999 to 1, got {self.forgetting!r}")
        if not 1e-100 <= check_positive("ridge", self.ridge, unit="uV^2") <= 1e100:
            raise ValueError(f"ridge must be between 1e-100 and 1e100, got {self.ridge!r}")
        check_positive("warmup", self.warmup, zero=True, unit="seconds")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        eyes = check_channels(self.channels, build.ch_names, "the signal before EOGRegression")
        keep = [c for c in range(len(build.ch_names)) if c not in eyes]
        if not keep:
            raise ValueError("EOGRegression leaves no channel: all that arrive are channels at the eyes")
        build.signal(
            "rls",
            [build.ch_names[c] for c in keep],
            keep=keep,
            regressors=eyes,
            forgetting=float(self.forgetting),
            ridge=float(self.ridge),
        )
        build.learns(round(self.warmup * build.sfreq), len(eyes) * (len(eyes) + len(keep)))


@dataclass(frozen=True, eq=False, repr=False)
class ASR(SignalTrainable):
    """Artifact subspace reconstruction: directions in which the signal is far larger than at rest are put together
    again from all others. `fastemo.artefacts.ASR` says how, and does the same to arrays.

    It learns what clean signal is from the recordings with `role="baseline"`, or from all where there are none, leaving
    out what is far too large; `Pipeline.calibrate` learns it anew from a person's rest.

    Parameters
    ----------
    cutoff : float
        How many standard deviations above the mean clean amplitude a direction may reach. 20 to 30 is mild, 5 to 10
        severe.
    window : float
        Seconds of signal whose covariance is judged; rounded to whole hops.
    hop : float
        Seconds between judgements.
    lookahead : float
        Seconds that the signal is held back so that an artefact is seen before it comes out; predictions are as much
        later, and their `time` says so. With 0 the first `hop` to 2 `hop` of an artefact pass.
    max_removed : float
        Share of the directions that may be taken out at once.

    Notes
    -----
    Needs a sampling frequency of at least 100 Hz and a high-pass (0.5 to 1 Hz) before it. A decoder learns from what
    ASR has cleaned; never leave it out afterwards. Covariances of cleaned signals may lack directions: shrink them.
    Windows count as valid once a whole window has been judged.

    Examples
    --------
    >>> ASR(cutoff=10, lookahead=0)
    ASR(cutoff=10, lookahead=0)
    """

    takes = gives = "signal"
    cutoff: float = 20.0
    window: float = 0.5
    hop: float = 0.1
    lookahead: float = 0.25
    max_removed: float = 0.66

    def __post_init__(self) -> None:
        for name in ("cutoff", "window", "hop"):
            check_positive(name, getattr(self, name))
        if self.window < self.hop:
            raise ValueError(f"window must be at least one hop ({self.hop:g} s), got {self.window:g} s")
        check_positive("lookahead", self.lookahead, zero=True, unit="seconds")
        check_share(self.max_removed)

    def fit_signal(self, signals: Sequence[np.ndarray], sfreq: float) -> dict[str, np.ndarray]:
        return calibrate_on(signals, sfreq, self.cutoff, self.window).tensors()

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        sos = shaping_filter(float(build.sfreq))
        geometry = asr_geometry(build.sfreq, self.window, self.hop, self.lookahead)
        n = len(build.ch_names)
        if not fitted:  # only looked at: who runs it has been told to fit
            fitted = {"limit": np.eye(n), "inverse": np.eye(n)}
        if len(fitted["limit"]) != n:
            raise ValueError(
                f"ASR is fitted to {len(fitted['limit'])} channels, but {n} arrive: call fit again"
            )
        most = n_removable(self.max_removed, n)
        tensors: dict[str, Any] = {**fitted, **geometry}
        build.signal("asr", coef=sos, zi=first_sample_state(sos), most=most, **tensors)
        build.delayed(geometry["delay"])
        judged = geometry["n_blocks"] * geometry["hop"] + geometry["delay"]
        build.learns(judged, n * (n * (geometry["n_blocks"] + 3) + 2 * len(sos) + geometry["delay"]))
