"""`fastemo decode`, `stream` and `extract`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from fastemo.cli._common import (
    check_output,
    err,
    make_pipeline,
    out,
    parse_span,
    print_json,
    progress,
    read_options,
    told_warnings,
)

__all__ = ["COMMANDS"]

Model = Annotated[Path, typer.Argument(help="A model file, NAME.fastemo.")]
Source = Annotated[str, typer.Argument(help="A recording: EDF, BDF, BrainVision, FIF, .npz, .npy or CSV.")]
Baseline = Annotated[
    str | None,
    typer.Option(help="START:STOP in seconds of rest, such as 0:60, to adapt to the person by; not decoded."),
]
Rate = Annotated[float | None, typer.Option(help="Sampling frequency in Hz, for CSV and .npy.")]
Channels = Annotated[str | None, typer.Option(help="Names of a CSV's columns: Fz,Cz,Pz.")]
Unit = Annotated[str | None, typer.Option(help="uV, mV or V, for CSV and .npy.")]


def _load(model: Path, source: str, baseline: str | None, **options: Any) -> tuple[Any, Any]:
    """The pipeline, adapted if asked, and the recording less its baseline."""
    import fastemo as fe

    pipe = fe.load(model)
    recording = fe.read(source, **read_options(**options))
    if baseline:
        start, stop = parse_span(baseline)
        pipe = pipe.calibrate(recording.crop(start, stop))
        recording = recording.crop(stop, recording.duration)
    return pipe, recording


def decode(
    model: Model,
    source: Source,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Predictions, .csv, .jsonl or .parquet; a summary if not given."),
    ] = None,
    baseline: Baseline = None,
    chunk: Annotated[
        float | None,
        typer.Option(min=0, help="Replay in chunks of so many seconds, as live; the results are the same."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the trace.")] = None,
    sfreq: Rate = None,
    channels: Channels = None,
    unit: Unit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Decode a recording: one prediction per window, with its time, quality and validity."""
    from fastemo import io

    for path in (output, plot):
        if path is not None:
            check_output(path)
    with told_warnings():
        pipe, recording = _load(model, source, baseline, sfreq=sfreq, channels=channels, unit=unit)
        with progress("Decoding"):
            windows = pipe.predict_windows(recording)
            if chunk:
                _replay(pipe, recording, chunk, windows)
    names = [str(c) for c in getattr(pipe, "classes_", [])]
    if output is not None:
        io.write_predictions(output, windows, labels=names or None, ch_names=pipe.program.ch_names)
        err.print(f"Wrote {len(windows)} predictions to {output}")
    if plot is not None:
        from fastemo.plot import plot_trace

        plot_trace(windows, labels=names, path=plot)
        err.print(f"Wrote {plot}")
    summary = _summary(windows, names)
    if as_json:
        print_json(summary)
    elif output is None:
        for key, value in summary.items():
            out.print(f"{key}: {value}", markup=False)


def _replay(pipe: Any, recording: Any, seconds: float, windows: np.ndarray) -> None:
    """Chunk by chunk through a live engine; anything but the same bits would be a fault of ours."""
    ready = recording.match(pipe.program.ch_names).in_unit(pipe.unit)
    engine, n = pipe.engine(), max(1, round(seconds * ready.sfreq))
    parts = [engine.push_array(ready.data[:, i : i + n]) for i in range(0, ready.n_samples, n)]
    if np.concatenate(parts)["outputs"].tobytes() != np.ascontiguousarray(_outputs(windows)).tobytes():
        raise RuntimeError("chunks gave other bits than the whole recording: please report this")


def _outputs(windows: np.ndarray) -> np.ndarray:
    return windows[next(f for f in ("probabilities", "intensities", "features") if f in windows.dtype.names)]


def _summary(windows: np.ndarray, names: list[str]) -> dict[str, Any]:
    valid = windows["valid"].astype(bool)
    summary: dict[str, Any] = {
        "windows": len(windows),
        "valid": int(valid.sum()),
        "abstained": int(windows["abstained"].astype(bool).sum()),
        "mean_quality": round(float(windows["quality"].mean()), 4) if len(windows) else None,
    }
    if names and valid.any():
        mean = _outputs(windows)[valid].mean(axis=0)
        summary["mean_outputs"] = {n: round(float(m), 4) for n, m in zip(names, mean, strict=True)}
        if "label" in windows.dtype.names:
            labels, counts = np.unique(windows["label"][valid].astype(str), return_counts=True)
            summary["labels"] = {str(k): int(v) for k, v in zip(labels, counts, strict=True)}
    return summary


def stream(
    model: Model,
    source: Source,
    baseline: Baseline = None,
    chunk: Annotated[float, typer.Option(min=0.001, help="Seconds per chunk.")] = 0.1,
    speed: Annotated[float, typer.Option(min=0.01, help="Times real time.")] = 1.0,
    sfreq: Rate = None,
    channels: Channels = None,
    unit: Unit = None,
) -> None:
    """Replay a recording at its own pace and print predictions as JSON lines as they fall due."""
    import json

    with told_warnings():
        pipe, recording = _load(model, source, baseline, sfreq=sfreq, channels=channels, unit=unit)
        ready = recording.match(pipe.program.ch_names).in_unit(pipe.unit)
    engine, n = pipe.engine(), max(1, round(chunk * ready.sfreq))
    begin = time.perf_counter()
    for i in range(0, ready.n_samples, n):
        wait = begin + i / ready.sfreq / speed - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        for p in engine.push(ready.data[:, i : i + n]):
            outputs = [None if np.isnan(v) else round(float(v), 6) for v in p.outputs]
            row = {"time": p.time, "label": None if p.label is None else str(p.label), "outputs": outputs}
            print(json.dumps(row | {"quality": p.quality, "valid": bool(p.valid)}), flush=True)
    err.print(repr(engine.latency()), markup=False)


def extract(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", help="Features, .csv or .parquet.")],
    pipeline: Annotated[
        str, typer.Option("--pipeline", help="A preset, FILE.toml or a model file; its features are written.")
    ] = "de-lda",
    sfreq: Rate = None,
    channels: Channels = None,
    unit: Unit = None,
) -> None:
    """Write the features of every window of a recording, one column each."""
    import fastemo as fe

    check_output(output)
    if output.suffix not in (".csv", ".parquet"):
        raise ValueError(f"--output is {output.name}, expected a name that ends in .csv or .parquet")
    with told_warnings(), progress("Extracting"):
        recording = fe.read(source, **read_options(sfreq, channels, unit))
        pipe = (
            fe.load(pipeline)
            if pipeline.endswith(".fastemo")
            else _features_of(make_pipeline(pipeline), recording)
        )
        features = pipe.transform(recording)
        names = [str(n) for n in pipe.get_feature_names_out()]
    _write_table(output, names, features)
    err.print(f"Wrote {features.shape[0]} windows of {features.shape[1]} features to {output}")


def _features_of(pipe: Any, recording: Any) -> Any:
    """The pipeline up to its features: what follows would have to learn."""
    import fastemo as fe

    stages = []
    for stage in pipe.stages:
        if hasattr(stage, "fit"):
            break
        stages.append(stage)
    return fe.Pipeline(stages, sfreq=recording.sfreq, ch_names=recording.ch_names)


def _write_table(path: Path, names: list[str], features: np.ndarray) -> None:
    if path.suffix == ".parquet":
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError("Parquet needs pyarrow: pip install fastemo[io]") from error
        parquet.write_table(pa.table(dict(zip(names, features.T, strict=True))), path)
        return
    np.savetxt(path, features, fmt="%.17g", delimiter=",", header=",".join(names), comments="")


COMMANDS = {"decode": decode, "stream": stream, "extract": extract}
