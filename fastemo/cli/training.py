"""`fastemo train` and `fastemo evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastemo.cli._common import (
    Json,
    adapts,
    check_output,
    cut_baselines,
    err,
    make_pipeline,
    out,
    parse_span,
    print_json,
    progress,
    told_warnings,
)
from fastemo.cli._reading import StudyReading, read_sources, reads

__all__ = ["COMMANDS"]

Sources = Annotated[
    list[str],
    typer.Argument(
        help="MANIFEST.csv with columns path, label and any of subject, session, trial, start, stop (seconds), role, "
        "events, confounds; "
        "or, with --pattern, files and folders."
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        help="Regular expression over paths with named groups: label, subject, session, trial, role."
    ),
]
PipelineName = Annotated[
    str,
    typer.Option("--pipeline", help="A preset (de-lda, psd-logistic, de-ridge, bold-logistic) or FILE.toml."),
]
Baseline = Annotated[
    str | None,
    typer.Option(help="START:STOP in seconds of each subject's first recording that is rest, such as 0:60."),
]
Hop = Annotated[float | None, typer.Option(help="Seconds from window to window, of a preset.")]


def _recordings(sources: list[str], pattern: str | None, baseline: str | None, reading: StudyReading) -> list:
    recordings = read_sources(sources, pattern, reading)
    return cut_baselines(recordings, parse_span(baseline)) if baseline else recordings


@reads
def train(
    sources: Sources,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file to write, NAME.fastemo.")],
    *,
    pattern: Pattern = None,
    pipeline: PipelineName = "de-lda",
    hop: Hop = None,
    baseline: Baseline = None,
    reading: StudyReading,
    evaluate: Annotated[
        str | None,
        typer.Option(help="Evaluate too, leaving out one subject, session, trial or recording at a time."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a decoder on labelled recordings and write it to one file.

    Where recordings of rest are given (role "baseline", or --baseline), features are standardised by each person's
    own rest, and `decode --baseline` does so for a new person.
    """
    import fastemo as fe

    check_output(output)
    with told_warnings() as said:
        recordings = _recordings(sources, pattern, baseline, reading)
        pipe = make_pipeline(pipeline, hop, baseline=_has_rest(recordings))
        score = None
        if evaluate:
            with progress("Evaluating") as done:
                score = fe.evaluate(pipe, recordings, by=evaluate, calibrate=adapts(pipe), progress=done)
                said.update(score.notes)
        with progress("Training"):
            pipe.fit(recordings)
        pipe.save(output, evaluation=score.to_dict() if score else None)
    summary = {
        "model": str(output),
        "n_recordings": len(recordings),
        "n_subjects": len({r.subject for r in recordings}),
        "classes": [str(c) for c in pipe.classes_],
        "n_channels": len(pipe.program.ch_names),
        "sfreq": pipe.program.sfreq,
        "evaluation": score.to_dict() if score else None,
    }
    if as_json:
        print_json(summary)
        return
    out.print(repr(pipe), markup=False)
    if score:
        out.print(repr(score), markup=False)
    err.print(f"Wrote {output}")


def _has_rest(recordings: list) -> bool:
    return any(r.role == "baseline" for r in recordings)


@reads
def evaluate(
    sources: Sources,
    *,
    by: Annotated[
        str, typer.Option(help="What is left out at a time: subject, session, trial, recording, stimulus.")
    ] = "subject",
    pattern: Pattern = None,
    pipeline: PipelineName = "de-lda",
    hop: Hop = None,
    baseline: Baseline = None,
    calibrate: Annotated[bool, typer.Option(help="Adapt to each held-out person by their rest.")] = False,
    reading: StudyReading,
    level: Annotated[str, typer.Option(help="What is scored: each window, event or recording.")] = "window",
    folds: Annotated[
        int | None, typer.Option(min=2, help="So many folds of several groups instead of one for each group.")
    ] = None,
    shuffles: Annotated[
        int, typer.Option(min=0, help="Evaluations with shuffled labels, to see what chance finds.")
    ] = 0,
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="Interval by resampling groups instead of Student's t.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of folds, shuffles and the bootstrap.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Folds at a time.")] = 1,
    as_json: Json = False,
) -> None:
    """Score a pipeline honestly: whole people, sessions or recordings are left out, never windows.

    Prints accuracy with its 95 % confidence interval over groups, chance level, and the confusion matrix.
    """
    import fastemo as fe

    with told_warnings() as said:
        recordings = _recordings(sources, pattern, baseline, reading)
        if calibrate and not _has_rest(recordings):
            raise ValueError(
                '--calibrate needs rest: give --baseline START:STOP, or recordings with role "baseline"'
            )
        pipe = make_pipeline(pipeline, hop, baseline=calibrate)
        with progress("Evaluating") as done:
            score = fe.evaluate(
                pipe,
                recordings,
                by=by,
                calibrate=calibrate,
                level=level,
                n_splits=folds,
                n_shuffles=shuffles,
                interval="bootstrap" if bootstrap else "t",
                seed=seed,
                n_jobs=jobs,
                progress=done,
            )
        said.update(score.notes)
    if as_json:
        print_json(score.to_dict())
    else:
        out.print(repr(score), markup=False)


COMMANDS = {"train": train, "evaluate": evaluate}
