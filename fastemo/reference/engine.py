"""The engine of docs/program.md in NumPy: oracle of the compiled one, and its stand-in without a compiler."""

from __future__ import annotations

import copy
from collections import deque
from time import perf_counter_ns
from typing import Any

import numpy as np

from fastemo._program import Program, Rate
from fastemo.prediction import CLASSES, FEATURES, INTENSITIES, prediction_dtype
from fastemo.reference.input import INTERPOLATE, RESET, Input, Row, Stretch
from fastemo.reference.ops import OPS, Gate, Slot
from fastemo.reference.quality import Quality
from fastemo.reference.repair import Repair

__all__ = ["Engine"]


class Engine:
    """A program, running: the same predictions however the samples are cut into chunks.

    Parameters
    ----------
    program : Program

    Attributes
    ----------
    dtype : numpy.dtype
        Of one prediction.

    Raises
    ------
    ValueError
        A program that does not hold together.
    """

    def __init__(self, program: Program) -> None:
        check_header(program)
        self.sfreq, self.n_channels = program.sfreq, len(program.ch_names)
        self.length, self.hop = program.scalar("window.length"), program.scalar("window.hop")
        self.warmup, self.delay = program.scalar("time.warmup"), program.scalar("time.delay")
        self.minimum = program.scalar("quality.minimum")
        self._make_ops(program)
        self.input, self.quality = Input(program), Quality(program, self.rate)
        self._make_output(program)
        self.dtype = prediction_dtype(self.n_outputs, self.n_channels)
        self.times = {name: Times() for name in [*self.names, "push"]}
        self.reset()

    def _make_ops(self, program: Program) -> None:
        slots = [Slot("signal", (self.n_channels,))]
        self.ops, self.sources = [], []
        rates, windows = [Rate()], None
        for i, op in enumerate(program.ops):
            if op.kind not in OPS:
                raise ValueError(f"op {i} is of kind {op.kind!r}, expected one of {', '.join(OPS)}")
            for slot in op.inputs:
                if not 0 <= slot <= i:
                    raise ValueError(f"op {i} ({op.kind}) reads slot {slot}, expected one of 0..{i}")
            made = OPS[op.kind](op, [slots[s] for s in op.inputs], self.length)
            self.ops.append(made)
            self.sources.append(op.inputs)
            slots.append(made.output)
            if made.reads == "signal" and any(rates[s] != rates[op.inputs[0]] for s in op.inputs):
                raise ValueError(f"op {i} ({op.kind}) reads signals of different sampling rates")
            rates.append(made.rate_behind(rates[op.inputs[0]]))
            if made.reads == "signal" and made.output.kind != "signal":
                windows = rates[-1] if windows is None else windows
                if rates[-1] != windows:
                    raise ValueError(
                        f"op {i} ({op.kind}) reads a signal of another sampling rate than the windows before it"
                    )
        if slots[-1].kind != "vector":
            raise ValueError(f"the program ends with a {slots[-1].kind}, expected a vector of outputs")
        self.rate = Rate() if windows is None else windows
        self.n_outputs = slots[-1].size
        self.names = [f"{i:02d}.{op.kind}" for i, op in enumerate(self.ops)]

    def _make_output(self, program: Program) -> None:
        self.kind = program.scalar("output.kind")
        labels = program.labels
        if self.kind == FEATURES:
            return
        if len(labels) != self.n_outputs:
            raise ValueError(f"the program has {self.n_outputs} outputs, but labels names {len(labels)}")
        self.vad = program.header["output.vad"]
        if self.vad.shape != (3, self.n_outputs):
            raise ValueError(f"output.vad has shape {self.vad.shape}, expected (3, {self.n_outputs})")
        self.named = [labels.index(d) if d in labels else None for d in ("valence", "arousal", "dominance")]

    def push(self, chunk: Any, stamps: Any = None, layout: str = "channels_first") -> np.ndarray:
        """Take in a chunk; return the predictions of the windows it completes.

        Parameters
        ----------
        chunk : ndarray of float32 or float64, shape (n_channels, n)
            In the program's unit; (n, n_channels) with `layout="samples_first"`. An empty one does nothing.
        stamps : array_like, shape (n,), optional
            Times of the samples in seconds.
        layout : {"channels_first", "samples_first"}

        Returns
        -------
        ndarray of `dtype`, shape (n_predictions,)

        Raises
        ------
        ValueError, TypeError
            Before anything is taken in.
        """
        x, stamps = self.input.check(chunk, stamps, layout)
        return self._run(x, stamps)

    def flush(self) -> np.ndarray:
        """Take in what is withheld, its gaps held; return the predictions of the windows it completes."""
        return self._run_all(self.input.flush())

    def push_into(
        self, chunk: Any, out: np.ndarray, stamps: Any = None, layout: str = "channels_first"
    ) -> int:
        """As `push`, into the first records of `out`; returns their number.

        Raises
        ------
        ValueError, TypeError
            Also where `out` is not a writable contiguous array of `dtype` with room for all; nothing is taken
            in then.
        """
        x, stamps = self.input.check(chunk, stamps, layout)
        check_out(out, self.dtype)
        planned = copy.deepcopy(self.input)
        needed = self._count(planned.process(x, stamps))
        if len(out) < needed:
            raise ValueError(
                f"out has room for {len(out)} predictions, this chunk brings {needed}: allocate "
                f"engine.max_predictions({x.shape[1]})"
            )
        records = self._run(x, stamps)
        out[: len(records)] = records
        return len(records)

    def adopt(self, program: Program) -> None:
        """Take over what the ops of another program of the same shape have learnt; the stream goes on."""
        other = Engine(program)
        if self.names != other.names or any(
            a.output != b.output for a, b in zip(self.ops, other.ops, strict=True)
        ):
            raise ValueError("model is another program than the one that runs")
        for i, given in enumerate(other.ops):
            if given.kind == "asr":
                self.ops[i].adopt(given)
            elif given.kind in ("affine", "congruence", "gate", "linear", "log", "mdm", "tangent"):
                self.ops[i] = given

    def max_predictions(self, n_samples: int) -> int:
        """Room that is always enough for a chunk of `n_samples`, gaps filled."""
        n = n_samples
        if self.input.policy != RESET:
            n *= 1 + self.input.max_gap
        if self.input.policy == INTERPOLATE:
            n += self.input.max_gap
        return -(-self.rate.samples(n) // min(self.hop, self.length))

    def counters(self) -> dict[str, int]:
        """What came in and what became of it."""
        return self.input.counters | {"predictions": self.n_predictions}

    def latency(self) -> list[tuple[str, int, float, float, float, float]]:
        """Name, count, p50, p99, p99.9 and max in ns of what each op, and the whole, took per push."""
        return [(name, *times.summary()) for name, times in self.times.items() if times.count]

    def reset(self) -> None:
        """As new, but for the record of latencies."""
        self.n_predictions = 0
        self.input.reset()
        self._begin()

    def _begin(self) -> None:
        self.position = 0
        self.quality.reset()
        for op in self.ops:
            op.reset()

    def _run(self, x: np.ndarray, stamps: np.ndarray | None) -> np.ndarray:
        return self._run_all(self.input.process(x, stamps))

    def _run_all(self, stretches: list[Stretch]) -> np.ndarray:
        began = perf_counter_ns()
        self.spent = dict.fromkeys(self.names, 0)
        self.records: list[np.ndarray] = []
        # A sample near the largest float may overflow in a square; that is its quality's matter.
        with np.errstate(all="ignore"):
            for stretch in stretches:
                if stretch.starts:
                    self._begin()
                self._run_stretch(stretch)
        self.n_predictions += len(self.records)
        for name, ns in self.spent.items():
            if ns:
                self.times[name].add(ns)
        if any(stretch.rows for stretch in stretches):
            self.times["push"].add(perf_counter_ns() - began)
        out = np.zeros(len(self.records), self.dtype)
        for i, record in enumerate(self.records):
            out[i] = record
        return out

    def _run_stretch(self, stretch: Stretch) -> None:
        rows = stretch.rows
        while rows:
            n = self._until_window(self.position)
            block, rows = rows[:n], rows[n:]
            signals = self._run_block(block)
            taken = self.rate.samples(self.position)
            self.position += len(block)
            # A sample of the input may bring several of the windows' rate, and windows end with more than one of them.
            there = self.rate.samples(self.position)
            begin = taken
            for stop in self._window_ends(taken, there):
                self._feed(signals, begin - taken, stop - taken)
                self.records.append(self._run_window(block[-1], stop))
                begin = stop
            self._feed(signals, begin - taken, there - taken)

    def _next_end(self, there: int) -> int:
        """Where the next window ends when so many samples of the windows' rate are there."""
        number = 0 if there < self.length else (there - self.length) // self.hop + 1
        return self.length + number * self.hop

    def _until_window(self, position: int) -> int:
        """Samples from `position` until the next window is complete."""
        return self.rate.needed(self._next_end(self.rate.samples(position))) - position

    def _window_ends(self, taken: int, there: int) -> range:
        """Where windows end as the samples of their rate that are there become more."""
        return range(self._next_end(taken), there + 1, self.hop)

    def _count(self, stretches: list[Stretch]) -> int:
        """How many windows the stretches complete."""
        count, position = 0, self.position
        for stretch in stretches:
            position = 0 if stretch.starts else position
            stop = position + len(stretch.rows)
            count += len(self._window_ends(self.rate.samples(position), self.rate.samples(stop)))
            position = stop
        return count

    def _run_block(self, rows: list[Row]) -> dict[int, Any]:
        """The signals that samples up to the end of a window, or of what there is, come to."""
        x = np.stack([row.value for row in rows], axis=1)
        self.quality.process(x, np.stack([row.substituted for row in rows], axis=1))
        signals: dict[int, Any] = {0: x}
        for i, (op, sources) in enumerate(zip(self.ops, self.sources, strict=True)):
            if op.output.kind == "signal":
                x = signals[sources[0]]
                # A slower signal may have no sample in the block.
                read = [signals[source] for source in sources]
                some = x.shape[1] > 0
                signals[i + 1] = (
                    self._timed(i, op.process, *read) if some else np.empty((*op.output.shape, 0))
                )
        return signals

    def _feed(self, signals: dict[int, Any], begin: int, stop: int) -> None:
        """Samples that windows are cut from, to what makes something of windows."""
        for i, (op, sources) in enumerate(zip(self.ops, self.sources, strict=True)):
            if op.reads == "signal" and op.output.kind != "signal" and stop > begin:
                self._timed(i, op.process, signals[sources[0]][:, begin:stop])

    def _run_window(self, newest: Row, stop: int) -> np.ndarray:
        """The window that ends before sample `stop` of its rate, `newest` the last of the input that it needs."""
        record = np.zeros((), self.dtype)
        scores = self.quality.scores(stop)
        # One after the other, as the contract says; np.mean adds in another order.
        quality = np.add.accumulate(scores)[-1] / self.n_channels
        full = self.rate.newest(stop - self.length) >= self.warmup
        record["index"], record["stamp"] = newest.number, newest.stamp
        centre = (self.length - 1) / 2 * self.rate.period - self.rate.beyond(stop - 1)
        record["time"] = newest.stamp - centre / self.sfreq - self.delay
        outputs = None if quality < self.minimum else self._outputs(stop, usable=full)
        rejected = outputs is None and quality >= self.minimum
        record["quality"], record["channel_quality"] = 0.0 if rejected else quality, scores
        record["abstained"] = outputs is None
        if outputs is None:
            outputs = np.full(self.n_outputs, np.nan)
        record["outputs"] = outputs
        record["valence"], record["arousal"], record["dominance"] = self._emotion(outputs)
        answered = bool(np.isfinite(outputs).all())
        record["valid"] = full and answered and not self.quality.substituted(stop)
        record["class_index"] = outputs.argmax() if self.kind == CLASSES and answered else -1
        return record

    def _outputs(self, stop: int, usable: bool) -> np.ndarray | None:
        """What the last op gives; None where a gate does not let the window pass."""
        passed = True
        begin, end = self.rate.needed(stop - self.length), self.rate.needed(stop)
        vectors: dict[int, np.ndarray] = {}
        for i, (op, sources) in enumerate(zip(self.ops, self.sources, strict=True)):
            if op.reads == "signal":
                if op.output.kind != "signal":
                    vectors[i + 1] = self._timed(i, op.value)
            elif op.smooths and not (usable and np.isfinite(vectors[sources[0]]).all()):
                vectors[i + 1] = vectors[sources[0]]
            else:
                vectors[i + 1] = self._timed(i, op.process, *(vectors[s] for s in sources))
            if isinstance(op, Gate):
                refused = not op.lets_pass(vectors[i + 1])
            else:
                refused = isinstance(op, Repair) and not op.passes(begin, end)
            if refused:
                passed = usable = False
        return vectors[len(self.ops)].ravel() if passed else None

    def _emotion(self, outputs: np.ndarray) -> np.ndarray:
        """Valence, arousal and dominance: the intensities so named, or the labels' own, weighted."""
        if self.kind == FEATURES:
            return np.full(3, np.nan)
        if self.kind == INTENSITIES:
            return np.array([np.nan if k is None else outputs[k] for k in self.named])
        return (self.vad * outputs).sum(axis=1) / np.maximum(1.0, outputs.sum())

    def _timed(self, i: int, call: Any, *args: np.ndarray) -> Any:
        began = perf_counter_ns()
        result = call(*args)
        self.spent[self.names[i]] += perf_counter_ns() - began
        return result


# Header tensors and the least and greatest value each may have; NaN is outside any bounds.
BOUNDS = {
    "input.scale": (-np.inf, np.inf),
    "input.gap_policy": (0, 2),
    "input.max_gap": (1, 1 << 27),
    "input.gap_tolerance": (0, np.inf),
    "input.on_backward": (0, 1),
    "window.length": (1, 1 << 27),
    "window.hop": (1, 1 << 27),
    "quality.flat": (2, np.inf),
    "quality.rail": (np.finfo(float).tiny, np.inf),
    "quality.step": (np.finfo(float).tiny, np.inf),
    "quality.noisy": (0, np.inf),
    "quality.minimum": (-np.inf, np.inf),
    "time.warmup": (0, 1 << 40),
    "time.delay": (-np.inf, np.inf),
    "output.kind": (0, 3),
}


def check_header(program: Program) -> None:
    """Whether every header tensor is there and within its bounds."""
    for name, (low, high) in BOUNDS.items():
        value = program.header.get(name)
        if value is None or value.size != 1:
            raise ValueError(f"{name} must be a tensor of one element, the program has {value!r}")
        if not low <= value.item() <= high:
            raise ValueError(f"{name} is {value.item()}, expected {low:g} to {high:g}")
    if program.scalar("output.kind") != FEATURES and "output.vad" not in program.header:
        raise ValueError("output.vad is missing from a program that decodes")


class Times:
    """Durations in ns: the newest ten thousand, and how many there were."""

    def __init__(self) -> None:
        self.count = 0
        self.newest: deque[int] = deque(maxlen=10_000)

    def add(self, ns: int) -> None:
        self.count += 1
        self.newest.append(ns)

    def summary(self) -> tuple[int, float, float, float, float]:
        p50, p99, p999 = np.percentile(self.newest, [50, 99, 99.9]).tolist()
        return self.count, p50, p99, p999, float(max(self.newest))


def check_out(out: Any, dtype: np.dtype) -> None:
    """Whether predictions can be written to `out`."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a {type(out).__name__}, expected an array: np.zeros(n, engine.dtype)")
    if out.dtype != dtype:
        raise TypeError("out has another dtype than engine.dtype: allocate it with np.zeros(n, engine.dtype)")
    if out.ndim != 1 or not out.flags.c_contiguous:
        raise ValueError(
            f"out has shape {out.shape} and strides {out.strides}, expected one dimension without holes"
        )
    if not out.flags.writeable:
        raise ValueError("out is read-only, expected a writable array")
