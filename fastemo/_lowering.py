"""From stages to a program: a `Build` collects the ops while each stage lowers itself in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import repeat
from math import ceil, gcd
from typing import Any

import numpy as np

from fastemo._design import band_edges, first_sample_state, one_sided_scale, taper_window
from fastemo._filter_path import FilterPath
from fastemo._fir_design import fir_block
from fastemo._input_options import InputOptions
from fastemo._program import FORMAT_VERSION, Op, Program, Rate
from fastemo._steps import Feature, Step
from fastemo._validate import UV_PER_UNIT
from fastemo.bands import BandSet, check_bands
from fastemo.emotions import LabelSpace
from fastemo.stages import Quality, Stage

__all__ = ["Build", "Feature", "InputOptions", "lower", "until"]

SCALES = {
    "log": "logarithms", "scaled": "standardised features", "share": "shares of the whole",
    "covariance": "covariances", "tangent": "tangent vectors",
}  # fmt: skip
OUTPUT_KINDS = {"classes": 1, "multilabel": 2, "intensities": 3}


class Build:
    """A program in the making: what arrives at the next stage, and the ops so far.

    Attributes
    ----------
    sfreq, input_sfreq : float
        Sampling frequency of the current signal, and of the recording.
    ch_names : tuple of str
        Channels of the current signal.
    features : tuple of Feature
        Features of the current vector; empty before there are any.
    length, hop : int
        Of the window in samples; 0 before there is one.
    delays : dict of str to float
        Power-weighted mean group delay of each band, in seconds.
    warmup : int
        Samples of the recording until every filter so far has filled.
    choices : dict of str to list of str
        What stages chose by cost, in order, by the name of their class.
    """

    def __init__(
        self,
        sfreq: float,
        ch_names: Sequence[str],
        unit: str,
        space: LabelSpace | None = None,
        chosen: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self.sfreq = self.input_sfreq = sfreq
        self.rate = Rate()
        self.inputs = self.ch_names = tuple(ch_names)
        self.unit = unit
        self.space = space
        self.features: tuple[Feature, ...] = ()
        self.length = self.hop = 0
        self.delays: dict[str, float] = {}
        self.warmup = 0
        self.state_bytes = 0
        self.notes: list[str] = []  # what is doubtful about a pipeline: shown by it, and said by fit
        self.header: dict[str, np.ndarray] = {}
        self.ops: list[Op] = []
        self.steps: list[Step] = []
        self.slot = 0
        self.output_kind = 0
        self._path = FilterPath(((sfreq, ()),))
        self.choices: dict[str, list[str]] = {}
        # What a saved model was made with; stages that chose nothing then were as if they had chosen "fft".
        self._chosen = None if chosen is None else {stage: iter(names) for stage, names in chosen.items()}
        self._learning = 0  # samples of the recording until what learns from the stream has seen enough
        self._windows: dict[int, int] = {}
        # What the features measure ("power", "share", "log", ...), and how many bands they are laid out in
        # (0: none).
        self._scale = ""
        self._n_bands = 0

    def continued(self) -> Build:
        """A build without ops in which the current vector is what arrives."""
        part = copy(self)
        part.ops, part.steps, part.slot = [], [], 0
        return part

    def add(self, kind: str, inputs: Sequence[int] | None = None, **tensors: Any) -> int:
        """Append an op that reads `inputs` (the current slot if None); its slot becomes the current one."""
        arrays = {}
        for name, value in tensors.items():
            array = np.atleast_1d(np.asarray(value))
            dtype = {"f": np.float64, "u": np.uint8}.get(array.dtype.kind, np.int64)
            arrays[name] = np.ascontiguousarray(array, dtype)
        self.ops.append(Op(kind, (self.slot,) if inputs is None else tuple(inputs), arrays))
        self.slot = len(self.ops)
        return self.slot

    def signal(self, kind: str, ch_names: Sequence[str] | None = None, **tensors: Any) -> None:
        """An op from samples to samples; `ch_names` where the channels change."""
        self.add(kind, **tensors)
        if ch_names is not None:
            self.ch_names = tuple(ch_names)

    def filter(self, sos: np.ndarray, from_first_sample: bool) -> None:
        """A cascade of sections (n_sections, 6) along time."""
        zi = first_sample_state(sos) if from_first_sample else np.zeros((len(sos), 2))
        self.add("sos", coef=sos, zi=zi)
        self._path = self._path.behind(sos)
        self.state_bytes += 16 * len(sos) * len(self.ch_names)

    def fir(self, taps: np.ndarray, from_first_sample: bool) -> None:
        """A filter of taps (n_taps,) along time; one right behind another becomes one with it."""
        self._path = self._path.behind(taps)
        before = self.ops[-1] if self.ops and self.slot == len(self.ops) else None
        if before and before.kind == "fir" and before["first"].item() == from_first_sample:
            taps, self.slot = np.convolve(before["taps"], taps), before.inputs[0]
            self.ops.pop()
        block = fir_block(len(taps))
        self.add("fir", taps=taps, block=block, first=int(from_first_sample))
        n_parts = -(-(len(taps) - block) // block) if block else 0
        kept = 5 * block + 2 * (block + 1) * n_parts if block else 2 * len(taps)
        self.state_bytes += 8 * kept * len(self.ch_names)

    def resample(self, taps: np.ndarray, up: int, down: int, from_first_sample: bool) -> None:
        """The signal at up/down of its rate; `taps` (n_taps,) run at `up` times that."""
        self.add("resample", taps=taps, up=up, down=down, first=int(from_first_sample))
        self._path = self._path.resampled(taps, up, down)
        self.sfreq, self.rate = self._path.sfreq, Rate((*self.rate.steps, (up, down)))
        self.state_bytes += 16 * (len(taps) // up + 1) * len(self.ch_names)

    def choose(self, costs: Mapping[str, float], stage: str) -> str:
        """The cheapest of several ways to the same numbers, or the one that was chosen before."""
        choice = min(costs, key=costs.__getitem__)
        if self._chosen is not None:
            choice = next(self._chosen.get(stage, repeat("fft")), "none")
        if choice not in costs:
            raise ValueError(f"{choice!r} was chosen, expected one of {', '.join(costs)}")
        self.choices.setdefault(stage, []).append(choice)
        return choice

    def cut(self, length: int, hop: int) -> None:
        """Windows of so many samples."""
        self.length, self.hop = length, hop
        self.warmup = max(self._path.filled_after(), self._learning)

    def learns(self, warmup: int, n_remembered: int) -> None:
        """The op just added learns from the stream: samples it must have seen, and numbers it remembers."""
        self._learning = max(self._learning, ceil(warmup * (self.input_sfreq / self.sfreq)))
        self.state_bytes += 8 * n_remembered

    def delayed(self, n: int) -> None:
        """The op just added hands on the signal so many samples late."""
        if n > 0:
            self._path = self._path.behind(np.eye(n + 1)[n])

    @property
    def hop_seconds(self) -> float:
        return self.hop / self.sfreq

    @property
    def warmup_seconds(self) -> float:
        return self.warmup / self.input_sfreq

    def bank_power(self, bands: BandSet, sos: np.ndarray, at_rest: bool = False) -> None:
        """Mean square over the window of one cascade per band, `sos` (n_bands, n_sections, 6)."""
        zi = np.zeros((*sos.shape[:2], 2)) if at_rest else np.array([first_sample_state(s) for s in sos])
        self.add("bank_power", coef=sos, zi=zi)
        self.through(bands, sos)
        values = len(bands) * len(self.ch_names)
        blocks = self.length // gcd(self.length, self.hop)
        self.state_bytes += 8 * values * (2 * sos.shape[1] + blocks)
        self._by_band(bands)

    def fft_power(self, bands: BandSet, taper: Any, detrend: bool) -> None:
        """One-sided power of the tapered window in each band."""
        tapers = taper_window(taper, self.length)[None]
        self.density_power(bands, tapers, one_sided_scale(tapers[0], self.sfreq), detrend)

    def density_power(self, bands: BandSet, tapers: np.ndarray, scale: np.ndarray, *options: Any) -> None:
        """Sums in bands of a one-sided density under tapers (see `band_spectrum`), times the bins' spacing."""
        check_bands(bands, self.sfreq)
        n = tapers.shape[1]
        width = np.full(len(bands), self.sfreq / n)
        self.band_spectrum(bands, band_edges(bands, n, self.sfreq), width, tapers, scale, *options)

    def band_spectrum(
        self,
        bands: BandSet,
        edges: np.ndarray,
        width: np.ndarray,
        tapers: np.ndarray,
        scale: np.ndarray,
        detrend: bool,
        weights: np.ndarray | None = None,
        hop: int = 1,
    ) -> None:
        """Sums over bins, `edges` (n_bands, 2), of the power of the window under a taper, `scale` that of all bins.

        With `weights` there may be several tapers, which are put on segments of their length, `hop` apart.
        """
        first, stop = int(edges.min()), int(edges.max())
        spectrum = {"bins": [first, stop], "scale": scale[first:stop], "detrend": int(detrend)}
        window = self.window()
        if weights is None:
            self.add("fft_power", [window], taper=tapers[0], **spectrum)
        else:
            self.add("taper_power", [window], tapers=tapers, weights=weights, hop=hop, **spectrum)
        self.add("bandsum", edges=edges - first, weight=width)
        self.powers(bands)

    def powers(self, bands: BandSet) -> None:
        """The current slot holds the power of the signal as it is in each band and channel."""
        for name, band in bands.items():
            self.delays[name] = self._path.delay(*band)
        self._by_band(bands)

    def window(self) -> int:
        """The slot of the current signal's window, of which there is one for all features that read it."""
        signal = self.slot
        if signal not in self._windows:
            self._windows[signal] = self.add("window")
            self.state_bytes += 8 * self.length * len(self.ch_names)
        return self._windows[signal]

    def rows(self, names: Sequence[str], columns: Sequence[str] | None = None) -> None:
        """The current slot holds rows of these names, with a value for each channel or column."""
        columns = self.ch_names if columns is None else columns
        self.features = tuple(Feature(name, column) for name in names for column in columns)
        self.delays |= dict.fromkeys(names, self._path.delay(0, self.sfreq / 2))
        self._scale, self._n_bands = "", 0

    def through(self, bands: BandSet, sos: np.ndarray) -> None:
        """Counts the delay and the time to fill of one cascade per band."""
        for (name, edges), section in zip(bands.items(), sos, strict=True):
            path = self._path.behind(section)
            self.delays[name] = path.delay(*edges)
            self.warmup = max(self.warmup, path.filled_after())

    def becomes(self, features: Sequence[Feature], scale: str = "", n_bands: int = 0) -> None:
        """The current slot holds these features, of what `scale` says, in so many rows (0: one that is no band)."""
        self.features, self._scale, self._n_bands = tuple(features), scale, n_bands

    @property
    def scale(self) -> str:
        """What the features measure: "power", "share", "log", or "" for anything else."""
        return self._scale

    def _by_band(self, bands: BandSet) -> None:
        self.features = tuple(Feature(band, channel) for band in bands for channel in self.ch_names)
        self._scale, self._n_bands = "power", len(bands)

    def require_power(self, stage: Stage) -> None:
        """Refuses what has no meaning for features that are not powers."""
        name = type(stage).__name__
        if self._scale not in ("power", "share") or (name == "RelativePower" and self._scale == "share"):
            got = SCALES.get(self._scale, "other features")
            raise ValueError(
                f"{name} needs band powers, but {got} arrive: put it after BandPower(...) without log=True"
            )
        if name == "RelativePower" and not self._n_bands:
            raise ValueError(
                "RelativePower cannot tell which of several features make up the whole: "
                "set relative=True in each BandPower(...) instead"
            )

    def relative(self) -> None:
        """Each band's share of its channel's sum."""
        self.add("relative", n_rows=self._n_bands)
        self._scale = "share"

    def log(self, gain: float, offset: float, floor: float) -> None:
        """gain ln(max(x, floor)) + offset."""
        self.add("log", gain=float(gain), offset=float(offset), floor=float(floor))
        self._scale = "log"

    def affine(self, shift: np.ndarray, scale: np.ndarray) -> None:
        """(x - shift) scale, feature by feature."""
        self._expect(shift)
        self.add("affine", shift=shift, scale=scale)
        self._scale = "scaled"

    def row(self, kind: str, n_remembered: int = 1, **tensors: Any) -> None:
        """An op from row to row, whatever the row is; it remembers so many of them."""
        self.add(kind, **tensors)
        self.state_bytes += 8 * n_remembered * self.width

    def fan_out(self, features: Mapping[str, Stage]) -> None:
        """Several features of the same window, concatenated."""
        start = self.slot
        slots: list[int] = []
        found: list[Feature] = []
        delays: dict[str, float] = {}
        scales: set[str] = set()
        for name, feature in features.items():
            self.slot, self.delays = start, {}
            feature.lower(self, {})
            slots.append(self.slot)
            found += [f._replace(source=name) for f in self.features]
            delays |= {f"{name}__{band}": delay for band, delay in self.delays.items()}
            scales.add(self._scale)
        self.add("concat", slots)
        self.features, self.delays = tuple(found), delays
        self._scale, self._n_bands = scales.pop() if len(scales) == 1 else "mixed", 0

    def decode(self, coef: np.ndarray, bias: np.ndarray) -> None:
        """Probabilities of classes or of labels, or intensities: whatever the labels are."""
        assert self.space is not None
        self._expect(coef.T)
        self.add("linear", coef=coef, bias=bias)
        if self.space.kind != "intensities":
            self.add("softmax" if self.space.kind == "classes" else "sigmoid")
        self.output_kind = OUTPUT_KINDS[self.space.kind]

    def _expect(self, learnt: np.ndarray) -> None:
        if len(learnt) != self.width:
            raise ValueError(f"fitted to {len(learnt)} features, but {self.width} arrive: call fit again")

    @property
    def width(self) -> int:
        """Numbers in the current row."""
        if self.output_kind and self.space is not None:
            return len(self.space)
        return len(self.features) or len(self.ch_names)

    def gives(self) -> str:
        """What the last stage hands on, for people to read."""
        if self.output_kind:
            return f"{self.width} {'intensities' if self.output_kind == 3 else 'probabilities'}"
        if self.features:
            return f"{self.width} features"
        if self.length:
            return f"{self.length} samples every {self.hop}"
        return f"{self.width} channels" + (f" at {self.sfreq:g} Hz" if self.rate.steps else "")

    def program(self, options: InputOptions) -> Program:
        """The program so far; the current slot is its output."""
        labels = self.space.names if self.space is not None and self.output_kind else ()
        for name in (*self.inputs, *labels):
            if "\n" in name:
                raise ValueError(f"the name {name!r} has a line break, which a model cannot hold: rename it")
        if self.rate.steps and "quality.ratio" in self.header:
            raise ValueError(
                "Quality(muscle=..., line=...) checks windows of the recording: leave out Resample or that"
            )
        quality = Quality() if self.unit != "1" else Quality(step=None)
        header = quality.header(self.input_sfreq) | options.header(self.input_sfreq) | self.header
        header |= {
            "input.scale": np.array([UV_PER_UNIT[self.unit]]),
            "window.length": np.array([self.length]),
            "window.hop": np.array([self.hop]),
            "time.warmup": np.array([self.warmup]),
            "time.delay": np.array([max(self.delays.values(), default=0.0)]),
            "output.kind": np.array([self.output_kind]),
        }
        if self.space is not None and self.output_kind:
            header["output.vad"] = self.space.vad()
        metadata = {
            "format": "fastemo",
            "format_version": str(FORMAT_VERSION),
            "sfreq": repr(float(self.input_sfreq)).removesuffix(".0"),
            "unit": self.unit,
            "ch_names": "\n".join(self.inputs),
            "labels": "\n".join(labels),
        }
        return Program(tuple(self.ops), header, metadata)


def lower(stages: Mapping[str, Stage], fitted: Mapping[str, Mapping[str, np.ndarray]], build: Build) -> None:
    """Lower named stages in order onto `build`; `fitted` holds the arrays of those that learn."""
    for name, stage in stages.items():
        before, path, length = build.state_bytes, build._path, build.length
        stage.lower(build, fitted.get(name, {}))
        delay = build._path.since(path).delay(0, build.sfreq / 2)
        if build.length > length:
            delay += (build.length - 1) / 2 / build.sfreq
        build.steps.append(Step(stage, build.slot, build.gives(), build.state_bytes - before, delay))


def until(program: Program, slot: int) -> Program:
    """The program that ends with the features in `slot`."""
    header = {name: value for name, value in program.header.items() if name != "output.vad"}
    header["output.kind"] = np.array([0])
    return Program(program.ops[:slot], header, program.metadata | {"labels": ""})
