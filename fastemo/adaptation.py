"""Adapting a fitted pipeline to one person: to their rest without labels, its decoder to labelled segments."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._offline import called, run
from fastemo._signals import fit_signals
from fastemo._training import check_labelled, labels_of, pick_windows
from fastemo._validate import check_positive
from fastemo.recording import Recording
from fastemo.stages import SignalTrainable, Trainable
from fastemo.stages.alignment import MIN_CALIBRATION_WINDOWS
from fastemo.stages.base import Labelled

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["calibrate"]


def calibrate(pipe: Pipeline, rest: Any, labelled: Any, y: Any, prior: float) -> Pipeline:
    """What `Pipeline.calibrate` does."""
    pipe._check_fitted()
    if rest is None and labelled is None:
        raise ValueError("calibrate needs something of the person: rest, labelled segments, or both")
    if y is not None and labelled is None:
        raise ValueError("y are the labels of labelled, which is missing: give the segments too")
    check_positive("prior", prior, unit="windows")
    segments = None if labelled is None else _segments(pipe, labelled, y)
    adapted = copy.copy(pipe) if rest is None else _to_rest(pipe, rest)
    if segments is not None:
        _to_labels(adapted, segments, prior)
    return adapted


def _to_rest(pipe: Pipeline, rest: Any) -> Pipeline:
    adapting = [
        (i, name, stage)
        for i, (name, stage) in enumerate(pipe.named_stages.items())
        if isinstance(stage, Trainable) and stage.adapts
    ]
    on_signals = any(isinstance(stage, SignalTrainable) for stage in pipe.stages)
    if not adapting and not on_signals:
        raise ValueError(
            "this pipeline has no stage that adapts to a person: use Standardize(baseline=True), or "
            'Recenter(baseline=True) for covariances, and fit with recordings of role="baseline" for each subject'
        )
    recordings = pipe._recordings(rest)
    adapted = copy.copy(pipe)
    if on_signals:
        adapted.fitted_ = adapted.fitted_ | fit_signals(pipe, recordings, only_rest=False)
        adapted._cache = None
    for i, name, stage in adapting:
        # A later stage learns from what the earlier ones, adapted already, make of the rest.
        build, program = adapted._lowered(i)
        outputs = run(program, recordings)
        picked = pick_windows(outputs, recordings, "calibrate on", build)
        rows = np.concatenate([out["outputs"][mask] for out, mask in zip(outputs, picked, strict=True)])
        if len(rows) < MIN_CALIBRATION_WINDOWS:
            raise ValueError(
                f"rest has {len(rows)} windows that can be used, expected at least "
                f"{MIN_CALIBRATION_WINDOWS}: "
                "give a longer one, a minute is usual"
            )
        adapted.fitted_ = adapted.fitted_ | {name: stage.calibrate(rows, adapted.fitted_[name])}
    adapted._cache = None
    return adapted


def _segments(pipe: Pipeline, labelled: Any, y: Any) -> list[Recording]:
    """Recordings with labels that the pipeline knows."""
    space = pipe._labels()
    recordings = pipe._recordings(labelled, y)
    for i, rec in enumerate(recordings):
        if rec.role == "baseline":
            raise ValueError(f"labelled holds a baseline, {called(recordings, i)}: give it as rest")
    check_labelled(recordings)
    if space.kind == "classes":
        own = (
            label
            for rec in recordings
            for label in ([rec.label] if rec.events is None else [event.label for event in rec.events])
        )
        for label in own:
            if label not in space.classes:
                raise ValueError(
                    f"labelled has the label {label!r}, but this pipeline tells apart only "
                    f"{', '.join(map(repr, space.classes))}: leave it out, or fit with recordings of it"
                )
    return recordings


def _to_labels(adapted: Pipeline, recordings: Sequence[Recording], prior: float) -> None:
    space = adapted.label_space_
    i, name = next((i, n) for i, (n, s) in enumerate(adapted.named_stages.items()) if s is adapted.decoder)
    build, program = adapted._lowered(i)
    outputs = run(program, recordings)
    picked = pick_windows(outputs, recordings, "calibrate on", build)
    rows, labels = [], []
    for out, mask, rec in zip(outputs, picked, recordings, strict=True):
        own = labels_of(rec, out, build)
        here = [k for k in np.flatnonzero(mask) if own[k] is not None]
        rows.append(out["outputs"][here])
        labels += [own[k] for k in here]
    if len(labels) < MIN_CALIBRATION_WINDOWS:
        raise ValueError(
            f"labelled has {len(labels)} windows that can be used, expected at least {MIN_CALIBRATION_WINDOWS}: give "
            f"longer segments (windows of {build.length / build.sfreq:g} s, behind filters that take "
            f"{build.warmup_seconds:.2g} s to fill), or all of them in one recording with events"
        )
    known = Labelled(
        rows=np.concatenate(rows),
        targets=space.encode(labels),
        names=space.names,
        kind=space.kind,
        weight=min(1.0, build.hop / build.length),
        n_rows=build._n_bands or 1,
    )
    decoder: Any = adapted.decoder
    adapted.fitted_ = adapted.fitted_ | {name: decoder.adapt(known, adapted.fitted_[name], float(prior))}
    adapted._cache = None
