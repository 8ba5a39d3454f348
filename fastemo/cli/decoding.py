"""`fastemo decode`, `stream` and `extract`."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from fastemo.cli._common import (
    Json,
    adapts,
    check_output,
    err,
    make_pipeline,
    out,
    parse_span,
    print_json,
    progress,
    told_warnings,
)
from fastemo.cli._reading import Reading, read_for, reads
from fastemo.cli._trace import Step, Trace

__all__ = ["COMMANDS"]

Model = Annotated[Path, typer.Argument(help="A model file, NAME.fastemo.")]
Source = Annotated[
    str, typer.Argument(help="A recording: EDF, BDF, BrainVision, FIF, NIfTI, .npz, .npy or CSV.")
]
Sources = Annotated[
    list[str],
    typer.Argument(help="Recordings of one person: EDF, BDF, BrainVision, FIF, NIfTI, .npz, .npy or CSV."),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        help="START:STOP in seconds of rest in the (first) recording, such as 0:60, to adapt to the person by; what "
        "comes before STOP is not decoded."
    ),
]


class _Loaded:
    """A model and the recordings to decode, as it wants them; adapted to a stretch of rest if asked."""

    def __init__(self, model: Path, sources: Sequence[str], baseline: str | None, reading: Reading) -> None:
        import fastemo as fe

        self.pipe = fe.load(model)
        if self.pipe.decoder is None:
            raise ValueError(
                f"{model} has no decoder: `fastemo extract --pipeline {model}` writes its features"
            )
        self.recordings = self.pipe._recordings([read_for(self.pipe, s, reading) for s in sources])
        #: Seconds of each recording that were taken off its start.
        self.begins = [0.0] * len(sources)
        if baseline:
            start, stop = parse_span(baseline)
            first = self.recordings[0]
            self.pipe = self.pipe.calibrate(first.crop(start, stop))
            self.recordings[0] = first.crop(stop)
            self.begins[0] = round(stop * first.sfreq) / first.sfreq
        elif adapts(self.pipe):
            warnings.warn(
                "the model can adapt to a person by their rest and was not given any: --baseline 0:60, or "
                "whatever stretch is rest",
                UserWarning,
                stacklevel=2,
            )

    @property
    def labels(self) -> list[str]:
        return list(self.pipe.label_space_.names)

    def windows(self, chunk: float | None) -> list[np.ndarray]:
        """Predictions in the time of the files."""
        tables = self.pipe.predict_windows(self.recordings)
        for table, rec, begin in zip(tables, self.recordings, self.begins, strict=True):
            if chunk:
                _replay(self.pipe, rec, chunk, table)
            table["time"] += begin
            table["stamp"] += begin
            table["index"] += round(begin * rec.sfreq)
        return tables


@reads
def decode(
    model: Model,
    sources: Sources,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Predictions, .csv, .jsonl or .parquet; a summary if not given."),
    ] = None,
    baseline: Baseline = None,
    chunk: Annotated[
        float | None,
        typer.Option(
            min=0.001, help="Replay in chunks of so many seconds too, and see that nothing changes."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture of the trace (of one recording).")
    ] = None,
    reading: Reading,
    as_json: Json = False,
) -> None:
    """Decode recordings: one prediction per window, with its time, quality and validity."""
    from fastemo import io

    for path in (output, plot):
        if path is not None:
            check_output(path)
    if plot is not None and len(sources) > 1:
        raise ValueError(f"--plot draws one recording, got {len(sources)}: decode them one by one")
    with told_warnings(), progress("Decoding"):
        loaded = _Loaded(model, sources, baseline, reading)
        tables = loaded.windows(chunk)
    if output is not None:
        windows = tables[0] if len(tables) == 1 else _stacked(tables, sources)
        io.write_predictions(output, windows, labels=loaded.labels, ch_names=loaded.pipe.program.ch_names)
        err.print(f"Wrote {len(windows)} predictions to {output}", markup=False)
    if plot is not None:
        from fastemo.plot import plot_trace

        plot_trace(tables[0], labels=loaded.labels, path=plot)
        err.print(f"Wrote {plot}", markup=False)
    summaries = [
        {"recording": source} | _summary(table, loaded.labels)
        for source, table in zip(sources, tables, strict=True)
    ]
    if as_json:
        print_json(summaries[0] if len(summaries) == 1 else summaries)
    elif output is None:
        for summary in summaries:
            for key, value in summary.items():
                out.print(f"{key}: {_shown(value)}", markup=False)


def _replay(pipe: Any, rec: Any, seconds: float, windows: np.ndarray) -> None:
    """Chunk by chunk through a live engine; anything but the same bits would be a fault of ours."""
    engine, n = pipe.engine(), max(1, round(seconds * rec.sfreq))
    parts = [engine.push_array(rec.data[:, i : i + n]) for i in range(0, rec.n_samples, n)]
    parts.append(engine.flush_array())
    if np.concatenate(parts)["outputs"].tobytes() != np.ascontiguousarray(_outputs(windows)).tobytes():
        raise RuntimeError("chunks gave other bits than the whole recording: please report this")


def _outputs(windows: np.ndarray) -> np.ndarray:
    return windows["intensities" if "intensities" in (windows.dtype.names or ()) else "probabilities"]


def _stacked(tables: Sequence[np.ndarray], sources: Sequence[str]) -> np.ndarray:
    """One table of several, each row with its recording."""
    fields = [("recording", object), *((name, tables[0].dtype[name]) for name in tables[0].dtype.names or ())]
    out = np.empty(sum(map(len, tables)), fields)
    out["recording"] = np.repeat(np.array(sources, object), [len(table) for table in tables])
    for name in tables[0].dtype.names or ():
        out[name] = np.concatenate([table[name] for table in tables])
    return out


def _summary(windows: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    valid = windows["valid"]
    summary: dict[str, Any] = {
        "windows": len(windows),
        "valid": int(valid.sum()),
        "abstained": int(windows["abstained"].sum()),
        "mean_quality": round(float(windows["quality"].mean()), 4),
    }
    if valid.any():
        mean = _outputs(windows)[valid].mean(axis=0)
        summary["mean_outputs"] = {n: round(float(m), 4) for n, m in zip(names, mean, strict=True)}
        if "label" in (windows.dtype.names or ()):
            shown = [_label(label) for label in windows["label"][valid]]
            summary["labels"] = {label: shown.count(label) for label in dict.fromkeys(sorted(shown))}
    return summary


def _label(label: Any) -> str:
    return "|".join(sorted(label)) if isinstance(label, (set, frozenset)) else str(label)


def _shown(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


@reads
def stream(
    model: Model,
    source: Source,
    *,
    baseline: Baseline = None,
    chunk: Annotated[float, typer.Option(min=0.001, help="Seconds per chunk.")] = 0.1,
    speed: Annotated[float, typer.Option(min=0.01, help="Times real time.")] = 1.0,
    reading: Reading,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines also in a terminal.")] = False,
) -> None:
    """Replay a recording at its own pace: a moving trace in a terminal, else JSON lines as they fall due."""
    with told_warnings():
        loaded = _Loaded(model, [source], baseline, reading)
    engine, rec, offset = loaded.pipe.engine(), loaded.recordings[0], loaded.begins[0]
    n = max(1, round(chunk * rec.sfreq))
    moving = out.is_terminal and not as_json
    with Trace(out, loaded.labels, live=moving) as trace:
        begin = time.perf_counter()
        for i in range(0, rec.n_samples, n):
            part = rec.data[:, i : i + n]
            # A chunk is there when its last sample has been recorded.
            wait = begin + (i + part.shape[1]) / rec.sfreq / speed - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            at_the_end = engine.flush if i + n >= rec.n_samples else list
            for p in [*engine.push(part), *at_the_end()]:
                if moving:
                    trace.add(Step(p.time + offset, p))
                else:
                    print(json.dumps(_row(p, offset)), flush=True)
    err.print(repr(engine.latency()), markup=False)


def _row(p: Any, offset: float) -> dict[str, Any]:
    named = zip(p.labels, p.outputs.tolist(), strict=True)
    values = {"valence": p.valence, "arousal": p.arousal, "dominance": p.dominance}
    numbers = (
        {"time": p.time + offset} | {f"p_{name}" if p.kind != 3 else name: v for name, v in named} | values
    )
    row: dict[str, Any] = {k: v if np.isfinite(v) else None for k, v in numbers.items()}
    return row | {"label": p.label, "quality": p.quality, "valid": p.valid, "abstained": p.abstained}


@reads
def extract(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", help="Features, .csv or .parquet.")],
    *,
    pipeline: Annotated[
        str, typer.Option("--pipeline", help="A preset, FILE.toml or a model file; its features are written.")
    ] = "de-lda",
    hop: Annotated[float | None, typer.Option(help="Seconds from window to window, of a preset.")] = None,
    reading: Reading,
) -> None:
    """Write the features of every window of a recording: time (s), whether it is valid, and a column each."""
    import fastemo as fe

    check_output(output)
    if output.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"--output is {output.name}, expected a name that ends in .csv or .parquet")
    if hop is not None and pipeline.endswith(".fastemo"):
        raise ValueError(f"--hop is for presets: {pipeline} has its own")
    with told_warnings(), progress("Extracting"):
        if pipeline.endswith(".fastemo"):
            pipe = fe.load(pipeline)
            recording = read_for(pipe, source, reading)
        else:
            recording = fe.read(source, **reading.arguments())
            # The features that need no learning; what follows would have to be trained.
            whole = make_pipeline(pipeline, hop)
            given = whole.stages[: whole._n_given]
            pipe = fe.Pipeline(given, recording.sfreq, list(recording.ch_names), recording.unit)
        records = pipe._feature_records(pipe._recordings([recording]))[0]
        names = pipe.get_feature_names_out().tolist()
    columns = {"time": records["time"], "valid": records["valid"].astype(bool)}
    columns |= dict(zip(names, records["outputs"].T, strict=True))
    table = np.empty(len(records), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        table[name] = values
    fe.io.write_predictions(output, table)
    err.print(f"Wrote {len(table)} windows of {len(names)} features to {os.fspath(output)}", markup=False)


COMMANDS = {"decode": decode, "stream": stream, "extract": extract}
