"""The running engine as Python holds it: compiled where the extension is there, else the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._backend import core
from fastemo._functions import pointers
from fastemo._program import Program
from fastemo.prediction import Prediction
from fastemo.reference.input import check_chunk, check_stamps
from fastemo.stages._heads import PRIOR_WINDOWS

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["Engine", "Latency", "LatencyTable"]


@dataclass(frozen=True)
class Latency:
    """How long something took per push, in microseconds."""

    count: int
    p50: float
    p99: float
    p999: float
    max: float


class LatencyTable(Mapping[str, Latency]):
    """Latencies by name: one row for each op (`"00.sos"`), and `"push"` for the whole.

    Examples
    --------
    >>> table = LatencyTable([("push", 3, 8000, 9500, 9900, 10000)])
    >>> table["push"].p99
    9.5
    >>> table
    us           count       p50       p99     p99.9       max
    push             3       8.0       9.5       9.9      10.0
    """

    def __init__(self, rows: list[tuple[str, int, float, float, float, float]]) -> None:
        self._rows = {name: Latency(count, *(ns / 1e3 for ns in values)) for name, count, *values in rows}

    def __getitem__(self, name: str) -> Latency:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        width = max([8, *map(len, self._rows)])
        lines = [f"{'us':{width}} {'count':>9} {'p50':>9} {'p99':>9} {'p99.9':>9} {'max':>9}"]
        for name, row in self._rows.items():
            count, *values = astuple(row)
            lines.append(f"{name:{width}} {count:9d} " + " ".join(f"{v:9.1f}" for v in values))
        return "\n".join(lines)


class Engine:
    """A fitted pipeline, running: samples in, predictions out, the same bits for every cut into chunks.

    Parameters
    ----------
    program : Program
        What the pipeline was lowered to; `pipe.engine()` passes it.
    threads : int
        For the compiled engine.
    backend : {None, "native", "reference"}
        None takes the compiled engine if there is one.
    pipeline : Pipeline, optional
        That the program is of; `calibrate` needs it, and `pipe.engine()` passes it.

    Attributes
    ----------
    backend : str
    dtype : numpy.dtype
        Of one prediction in `push_into`: the fields of `Prediction`.
    sfreq : float
    n_channels : int
    ch_names, labels : list of str
    unit : str
        Of the samples pushed.
    delay : float
        Seconds from the time a prediction is about to its newest sample.
    push_into : callable
        `push_into(chunk, out, stamps=None, layout="channels_first") -> int`: as `push`, but into the first
        records of `out`, a writable contiguous array of `dtype`, and without making Python objects; returns
        how many. Where `out` is too short it raises before anything is taken in; `max_predictions(n)` records
        are always enough.

    Examples
    --------
    >>> import fastemo as fe
    >>> stages = [fe.Window(1.0, hop=0.5), fe.BandPower({"alpha": (8, 13)})]
    >>> engine = fe.Pipeline(stages, sfreq=250, ch_names=["O1", "O2"]).engine()
    >>> signal = np.random.default_rng(0).normal(size=(2, 500))
    >>> [p.stamp for chunk in np.split(signal, 5, axis=1) for p in engine.push(chunk)]
    [0.996, 1.496, 1.996]
    """

    push_into: Callable[..., int]
    _engine: Any

    def __init__(
        self,
        program: Program,
        *,
        threads: int = 1,
        backend: str | None = None,
        pipeline: Pipeline | None = None,
    ) -> None:
        if backend not in (None, "native", "reference"):
            raise ValueError(f'backend must be "native", "reference" or None, got {backend!r}')
        if backend == "native" and core is None:
            raise ValueError(
                'backend="native" needs the compiled extension, which is not there: see `fastemo doctor`'
            )
        self.backend = backend or ("reference" if core is None else "native")
        self._program, self._pipeline = program, pipeline
        self.sfreq, self.unit = program.sfreq, program.metadata["unit"]
        self.ch_names, self.labels = program.ch_names, program.labels
        self.n_channels = len(self.ch_names)
        self._kind = program.scalar("output.kind")
        if self.backend == "native":
            model = _model(program)
            called = (bytes(op["function"]).decode() for op in program.ops if op.kind == "call")
            self._engine = core.Engine(model, threads=threads, functions=pointers(called))
        else:
            from fastemo.reference.engine import Engine as ReferenceEngine

            self._engine = ReferenceEngine(program)
        rate = program.window_sfreq  # of a program that the engine has found to hold together
        self._hop = program.scalar("window.hop") / rate
        self.delay = (program.scalar("window.length") - 1) / 2 / rate + program.scalar("time.delay")
        # Bound here, so that nothing of Python stands between the caller and the compiled method.
        self.push_into = self._engine.push_into
        self.dtype: np.dtype = self._engine.dtype

    def push(self, chunk: Any, stamps: Any = None, layout: str = "channels_first") -> list[Prediction]:
        """Take in a chunk; return a prediction for each window that it completes.

        Parameters
        ----------
        chunk : ndarray of float32 or float64, shape (n_channels, n)
            Any n, in `unit`; (n, n_channels) with `layout="samples_first"`. An empty chunk does nothing.
        stamps : array_like, shape (n,), optional
            Times of the samples in seconds, rising. Given with every chunk or with none.
        layout : {"channels_first", "samples_first"}

        Returns
        -------
        list of Prediction

        Raises
        ------
        ValueError
            A chunk of another shape, stamps of another length or not rising (unless the pipeline drops such
            samples).
        TypeError
            Samples that are not float32 or float64. Whole numbers are refused because they are counts of a
            converter. After any error the engine is as it was before the call.
        """
        records = self.push_array(chunk, stamps, layout)
        return [Prediction(record, self.labels, self._kind) for record in records]

    def push_array(self, chunk: Any, stamps: Any = None, layout: str = "channels_first") -> np.ndarray:
        """As `push`, but the predictions are one structured array of `dtype`, shape (n_predictions,)."""
        x = check_chunk(chunk, self.n_channels, layout, self.unit)
        if stamps is not None:
            stamps = check_stamps(stamps, x.shape[1])
        if x.shape[1] == 0:
            return np.empty(0, self.dtype)
        return self._engine.push(x, stamps, "channels_first")

    def flush(self) -> list[Prediction]:
        """At the end of a stream: take what `gap_policy="interpolate"` still holds back, and return its predictions.

        Where the newest samples miss channels, they wait for the value that a line can be drawn to. `flush` ends the
        wait: those values are held, as with `gap_policy="hold"`, and windows that they are in are not `valid`. With
        other policies, and where nothing waits, nothing happens. The stream may go on afterwards.

        Returns
        -------
        list of Prediction
            What `push` would have returned for them; the same however the stream was cut into chunks.
        """
        return [Prediction(record, self.labels, self._kind) for record in self.flush_array()]

    def flush_array(self) -> np.ndarray:
        """As `flush`, but the predictions are one structured array of `dtype`, shape (n_predictions,)."""
        return self._engine.flush()

    def calibrate(
        self, rest: Any = None, labelled: Any = None, y: Any = None, *, prior: float = PRIOR_WINDOWS
    ) -> Pipeline:
        """Adapt to a person while the stream runs: `Pipeline.calibrate`, swapped in between two pushes.

        The stages that adapt (`Standardize(baseline=True)`, `Recenter(baseline=True)`, `ASR`, `Potato`) learn from the
        person's rest, the decoder from labelled segments. Filters, windows, smoothers, stamps and counters go on as they are: from the next push on windows
        are decoded as those of the calibrated pipeline, and no sample is lost. It may be called again, and from another
        thread while this one pushes; learning from a minute of rest may take a second or two.

        Parameters
        ----------
        rest : Recording, array (n_channels, n_samples) or list of them, optional
            What `Pipeline.calibrate` takes: about a minute of what has been pushed, in `unit`. Its first windows, in
            which the filters fill, do not count, as offline.
        labelled, y, prior : optional
            As in `Pipeline.calibrate`: what was labelled since the last call, as one recording with events or several
            with labels. Each call starts from the weights that the one before has left.

        Returns
        -------
        Pipeline
            The calibrated one, which can be saved.

        Raises
        ------
        ValueError
            Where `Pipeline.calibrate` refuses, or the engine was not made by `pipe.engine()`; it runs on unchanged.

        Examples
        --------
        >>> import fastemo as fe
        >>> recs, _ = fe.simulate(n_subjects=2, n_trials=8, trial_length=5, baseline_length=10, sfreq=100)
        >>> stages = [fe.HighPass(1), fe.Window(1, hop=0.5), fe.BandPower("standard", log=True),
        ...           fe.Standardize(baseline=True), fe.LDA()]
        >>> engine = fe.Pipeline(stages).fit(recs).engine()
        >>> rest = next(rec for rec in recs if rec.role == "baseline").data
        >>> chunks = np.array_split(rest, 100, axis=1)
        >>> early = [p for chunk in chunks for p in engine.push(chunk)]
        >>> person = engine.calibrate(np.concatenate(chunks, axis=1))
        >>> later = engine.push(rest)    # decoded by the person's own scale
        >>> told = [rec for rec in recs if rec.role == "data"][:8]
        >>> person = engine.calibrate(labelled=told)    # and by what the person says they felt
        """
        if self._pipeline is None:
            raise ValueError(
                "this engine was made of a program alone, which does not say how it learns: make it with pipe.engine()"
            )
        adapted = self._pipeline.calibrate(rest, labelled, y, prior=prior)
        _check_same_but_learnt(self._program, adapted.program)
        self._engine.adopt(_model(adapted.program) if self.backend == "native" else adapted.program)
        self._program, self._pipeline = adapted.program, adapted
        return adapted

    def max_predictions(self, n_samples: int) -> int:
        """Room for `push_into` that is always enough for a chunk of `n_samples`, gaps filled."""
        return self._engine.max_predictions(n_samples)

    def reset(self) -> None:
        """Forget the stream, its stamps and counters; only the record of latencies stays."""
        self._engine.reset()

    def latency(self) -> LatencyTable:
        """How long each op, and the whole, took per push: count, p50, p99, p99.9 and max in microseconds."""
        return LatencyTable(self._engine.latency())

    @property
    def counters(self) -> dict[str, int]:
        """Counts since the last `reset()`.

        `samples` taken in, `predictions` made, `gaps` found by the stamps, `filled` samples put into them,
        `nans` (values that were not finite), `dropped` samples (stamps that went backward) and `resets`
        (after gaps too long to fill).
        """
        return dict(self._engine.counters())

    def __repr__(self) -> str:
        outputs = ", ".join(self.labels) if self.labels else f"{self.dtype['outputs'].shape[0]} features"
        return (
            f"<Engine: {self.n_channels} channels at {self.sfreq:g} Hz in {self.unit} -> {outputs} "
            f"every {self._hop:g} s, {self.delay:.2f} s late ({self.backend})>"
        )


# Ops whose numbers may be learnt, and exchanged as the engine runs.
LEARNT = {"affine", "asr", "congruence", "gate", "linear", "log", "mdm", "tangent"}


def _model(program: Program) -> bytes:
    from fastemo import model_file

    return model_file.write(program.tensors(), program.metadata)


def _check_same_but_learnt(running: Program, adapted: Program) -> None:
    """Refuses a program that differs in more than what ops have learnt; rounding in the design of filters aside."""
    same = running.metadata == adapted.metadata and len(running.ops) == len(adapted.ops)
    pairs = [(running.header, adapted.header)]
    for a, b in zip(running.ops, adapted.ops, strict=False):
        same = same and (a.kind, a.inputs) == (b.kind, b.inputs)
        if a.kind not in LEARNT:
            pairs.append((a.tensors, b.tensors))
    for ours, theirs in pairs:
        same = same and ours.keys() == theirs.keys()
        same = same and all(
            ours[k].shape == theirs[k].shape and np.allclose(ours[k], theirs[k], 1e-6, 1e-12, equal_nan=True)
            for k in ours
        )
    if not same:
        raise ValueError(
            "what calibrate makes of this pipeline is another program: start a new engine with it"
        )
