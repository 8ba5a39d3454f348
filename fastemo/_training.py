"""How a pipeline learns: features of every recording once, then each stage that learns in turn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastemo._atlases import common_atlas
from fastemo._lowering import Build, lower
from fastemo._offline import called, digest, pick_windows, run
from fastemo._signals import fit_signals
from fastemo.emotions import LabelSpace, label_space
from fastemo.recording import Recording
from fastemo.stages import Stage, Trainable, Windows

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["Given", "check_labelled", "fit", "labels_of", "learn_from", "run_given"]


class Given(NamedTuple):
    """What the stages before the first that learns make of recordings, and which windows count."""

    build: Build
    outputs: list[np.ndarray]
    picked: list[np.ndarray]
    fitted: dict[str, dict[str, np.ndarray]]

    def take(self, index: Sequence[int]) -> Given:
        """The same of some of the recordings."""
        return Given(
            self.build, [self.outputs[i] for i in index], [self.picked[i] for i in index], self.fitted
        )


def fit(pipe: Pipeline, X: Any, y: Any, groups: Any) -> dict[str, Any]:
    """What `Pipeline.fit` learns, as its attributes by name; the pipeline itself is not touched."""
    recordings = pipe._recordings(X, y, groups, fresh=True)
    learnt: dict[str, Any]
    if pipe._n_given == len(pipe.stages):
        first = recordings[0]
        fitted = fit_signals(pipe, recordings)
        learnt = {
            "fitted_": fitted,
            "sfreq_": first.sfreq,
            "ch_names_": list(first.ch_names),
            "provenance_": {},
        }
    else:
        check_labelled(recordings)
        given = run_given(pipe, recordings)
        for note in dict.fromkeys(given.build.notes):
            warnings.warn(note, RuntimeWarning, stacklevel=3)
        learnt = learn_from(pipe, recordings, given)
        _warn_of_lost_classes(recordings, learnt["label_space_"])
    learnt["atlas_"] = common_atlas(recordings)
    learnt["provenance_"] = provenance(recordings) | learnt["provenance_"]
    return learnt


def run_given(pipe: Pipeline, recordings: Sequence[Recording]) -> Given:
    """Run the stages before the first that learns from features."""
    fitted = fit_signals(pipe, recordings)
    build = Build(recordings[0].sfreq, list(recordings[0].ch_names), pipe.unit)
    lower(dict(list(pipe.named_stages.items())[: pipe._n_given]), fitted, build)
    outputs = run(build.program(pipe._options), recordings)
    return Given(build, outputs, pick_windows(outputs, recordings, "learn from", build), fitted)


def learn_from(pipe: Pipeline, recordings: Sequence[Recording], given: Given) -> dict[str, Any]:
    """What the other stages learn from that, as attributes of the pipeline by name."""
    windows, space = gather(recordings, given, pipe.emotions)
    return {
        "fitted_": given.fitted
        | learn(dict(list(pipe.named_stages.items())[pipe._n_given :]), windows, given.build),
        "sfreq_": recordings[0].sfreq,
        "ch_names_": list(recordings[0].ch_names),
        "label_space_": space,
        "classes_": np.array(space.classes),
        "provenance_": {"n_windows": int(windows.train.sum())},
    }


def provenance(recordings: Sequence[Recording]) -> dict[str, Any]:
    """What was learnt from, when and with what."""
    from datetime import datetime, timezone

    from fastemo._saving import versions

    data = [rec for rec in recordings if rec.role == "data"]
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions(),
        "data_sha256": digest(recordings),
        "n_recordings": len(data),
        "n_baselines": len(recordings) - len(data),
        "n_subjects": len({rec.subject for rec in data}),
        "duration_s": round(sum(rec.duration for rec in data), 3),
    }


def check_labelled(recordings: Sequence[Recording]) -> None:
    """Refuses recordings among which no data are, or data without a label."""
    if all(rec.role == "baseline" for rec in recordings):
        raise ValueError('X holds only baselines (role="baseline"), which never train the decoder: add data')
    for i, rec in enumerate(recordings):
        if rec.role == "data" and rec.label is None and rec.events is None:
            raise ValueError(
                f'{called(recordings, i)} has no label: pass y, give it label= or events=, or role="baseline"'
            )


def labels_of(rec: Recording, out: np.ndarray, build: Build) -> list[Any]:
    """The label of each window of a recording."""
    return rec.window_labels(first_samples(out, build) / build.input_sfreq, build.length / build.sfreq)


def first_samples(out: np.ndarray, build: Build) -> np.ndarray:
    """Number in the recording of the sample that each window begins with, if nothing was reset before it."""
    return build.rate.newest(build.rate.samples(out["index"] + 1) - build.length)


def gather(
    recordings: Sequence[Recording], given: Given, emotions: Mapping[str, Sequence[float]] | None
) -> tuple[Windows, LabelSpace]:
    """The windows of all recordings in one table, and what their labels mean."""
    build, outputs = given.build, given.outputs
    is_baseline = [rec.role == "baseline" for rec in recordings]
    labels: list[Any] = []
    for out, rec in zip(outputs, recordings, strict=True):
        labels += [None] * len(out) if rec.role == "baseline" else labels_of(rec, out, build)
    counts = [len(out) for out in outputs]
    baseline = np.repeat(is_baseline, counts)
    picked = np.concatenate(given.picked)
    train = picked & ~baseline & np.array([label is not None for label in labels])
    if not train.any():
        raise ValueError(
            "no window that could be used has a label: check that events cover at least half of a window of "
            f"{build.length / build.sfreq:g} s and lie after the first {build.warmup_seconds:.2g} s"
        )
    known = [label for label, here in zip(labels, train, strict=True) if here]
    space = label_space(known, emotions)
    encoded = space.encode(known)
    targets = np.zeros((len(train), *encoded.shape[1:]), encoded.dtype)
    targets[train] = encoded
    subjects = np.empty(len(recordings), object)
    subjects[:] = [rec.subject for rec in recordings]
    windows = Windows(
        rows=np.concatenate([out["outputs"] for out in outputs]),
        train=train,
        baseline=picked & baseline,
        usable=np.concatenate([usable(out, build) for out in outputs]),
        targets=targets,
        subjects=np.repeat(subjects, counts),
        recordings=np.repeat(np.arange(len(recordings)), counts),
        names=space.names,
        kind=space.kind,
        n_rows=build._n_bands or 1,
    )
    return windows, space


def _warn_of_lost_classes(recordings: Sequence[Recording], space: LabelSpace) -> None:
    """Says which classes have events but no window."""
    if space.kind != "classes":
        return
    named = dict.fromkeys(
        event.label for rec in recordings if rec.role == "data" for event in rec.events or ()
    )
    lost = [label for label in named if label not in space.classes]
    if lost:
        warnings.warn(
            f"no window that could be used is labelled {' or '.join(map(repr, lost))}, so it is not learnt: "
            "a label must cover at least half of a window",
            UserWarning,
            stacklevel=4,
        )


def usable(out: np.ndarray, build: Build) -> np.ndarray:
    """Windows that smoothers see: past the warm-up and not abstained."""
    return (first_samples(out, build) >= build.warmup) & ~out["abstained"].astype(bool)


def learn(stages: Mapping[str, Stage], windows: Windows, build: Build) -> dict[str, dict[str, np.ndarray]]:
    """Fit the stages, each to what those before it make of the training windows."""
    fitted: dict[str, dict[str, np.ndarray]] = {}
    for name, stage in stages.items():
        rows = None
        if isinstance(stage, Trainable):
            fitted[name] = stage.fit(windows)
            rows = stage.training_rows(windows, fitted[name])
        if stage.gives == "output":
            break
        if rows is None:
            rows = _run_rows(stage, fitted.get(name, {}), windows, build)
        windows = windows.with_rows(rows)
    return fitted


def _run_rows(stage: Stage, fitted: Mapping[str, np.ndarray], windows: Windows, build: Build) -> np.ndarray:
    """The rows that the lowered ops of a stage make of rows: in order, each recording from the start."""
    from fastemo.reference.ops import OPS, Slot

    part = build.continued()
    stage.lower(part, fitted)
    slots, ops = [Slot("vector", windows.rows.shape[1:])], []
    for lowered in part.ops:
        op = OPS[lowered.kind](lowered, [slots[i] for i in lowered.inputs], build.length)
        ops.append((op, lowered.inputs))
        slots.append(op.output)
    out = np.full((len(windows.rows), slots[-1].size), np.nan)
    recording = -1
    for i, row in enumerate(windows.rows):
        if windows.recordings[i] != recording:
            recording = windows.recordings[i]
            for op, _ in ops:
                op.reset()
        values = [row]
        for op, inputs in ops:
            passes = op.smooths and not windows.usable[i]
            values.append(values[inputs[0]] if passes else op.process(*(values[k] for k in inputs)))
        out[i] = values[-1].ravel()
    return out
