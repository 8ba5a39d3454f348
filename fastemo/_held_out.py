"""Fitting to some recordings and scoring the others, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastemo._folds import Fold, baselines_of
from fastemo._offline import called, decide, run
from fastemo._training import Given, labels_of, learn_from, run_given
from fastemo.emotions import LabelSpace, label_space
from fastemo.recording import Recording
from fastemo.stages import Recenter, Standardize

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["Scored", "Task", "shuffle_labels"]


class Scored(NamedTuple):
    """What one recording contributes."""

    recording: int
    truth: np.ndarray
    outputs: np.ndarray


class Task:
    """Everything that the folds share."""

    def __init__(
        self, pipe: Pipeline, recordings: Sequence[Recording], level: str, calibrate: bool, given: Given
    ) -> None:
        self.pipe, self.recordings, self.level, self.calibrate = pipe, recordings, level, calibrate
        self.given = given
        self.labels: list[list[Any]] = []
        for rec, out in zip(recordings, given.outputs, strict=True):
            is_data = rec.role == "data"
            self.labels.append(labels_of(rec, out, given.build) if is_data else [None] * len(out))
        labelled = [np.array([label is not None for label in labels], bool) for labels in self.labels]
        self.learnt = [p & here for p, here in zip(given.picked, labelled, strict=True)]
        self.scored = [
            here & out["valid"].astype(bool) for here, out in zip(labelled, given.outputs, strict=True)
        ]
        known = [label for i in range(len(recordings)) for label in self._taken(i, self.learnt)]
        if not known:
            raise ValueError("no window that could be used has a label: check that events cover the windows")
        self.space: LabelSpace = label_space(known, pipe.emotions)

    def _taken(self, i: int, masks: Sequence[np.ndarray]) -> list[Any]:
        return [label for label, here in zip(self.labels[i], masks[i], strict=True) if here]

    def main_label(self, i: int) -> Any:
        """The label that most windows of a recording have, as something that can be compared."""
        found = [str(label) for label in self._taken(i, self.learnt)]
        return max(found, key=found.count) if found else None

    def check_classes(self, folds: Sequence[Fold], names: Sequence[str | None], what: str) -> None:
        """Refuses folds whose training lacks a class."""
        if self.space.kind == "intensities":
            return
        for fold in folds:
            known: set[Any] = set()
            for i in fold.train:
                for label in self._taken(i, self.learnt):
                    known |= {label} if self.space.kind == "classes" else set(label)
            for label in self.space.classes:
                if label not in known:
                    alone = ", ".join(dict.fromkeys(str(names[i]) for i in fold.test))
                    where = alone if alone.startswith(what) else f"{what} {alone}"
                    raise ValueError(
                        f"{label!r} occurs in {where} only, so nothing is left to learn it from when that is "
                        "held out: record it more than once, hold out something else, or leave the class out"
                    )

    def run(self, fold: Fold) -> list[Scored]:
        """Fit to the training recordings of a fold, score the others."""
        train = [self.recordings[i] for i in fold.train]
        pipe = type(self.pipe)(**self.pipe.get_params(deep=False))
        # What learns from signals must not have seen those that are held out.
        given = run_given(pipe, train) if self.given.fitted else self.given.take(fold.train)
        vars(pipe).update(learn_from(pipe, train, given))
        columns = [pipe.label_space_.classes.index(label) for label in self.space.classes]
        adapted: dict[tuple[int, ...], Pipeline] = {}
        out = []
        for i in fold.test:
            if not self.scored[i].any():
                continue
            ready = self._calibrated(pipe, i, adapted) if self.calibrate else pipe
            records = run(ready.program, [self.recordings[i]])[0]
            # A gate that has learnt in this fold may refuse other windows than the one that has seen all.
            here = self.scored[i] & ~records["abstained"].astype(bool)
            if not here.any():
                continue
            outputs = records["outputs"][here][:, columns]
            labels = [label for label, there in zip(self.labels[i], here, strict=True) if there]
            if self.level == "recording":
                outputs, labels = decide(outputs, self.space)[None], [self.recordings[i].label]
            elif self.level == "event":
                outputs, labels = self._by_event(i, here, outputs)
                if not labels:
                    continue
            out.append(Scored(i, self.space.encode(labels), outputs))
        return out

    def _by_event(self, i: int, here: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, list[Any]]:
        """What the scored windows of each event say together, and the events' labels."""
        rec, taken = self.recordings[i], self.given.outputs[i][here]
        if rec.events is None:
            return decide(outputs, self.space)[None], [rec.label]
        numbered = rec.replace(events=[(e.onset, e.duration, k) for k, e in enumerate(rec.events)])
        which = np.array(labels_of(numbered, taken, self.given.build), float)
        events = [k for k in range(len(rec.events)) if (which == k).any()]
        together = [decide(outputs[which == k], self.space) for k in events]
        return np.array(together), [rec.events[k].label for k in events]

    def _calibrated(self, pipe: Pipeline, i: int, adapted: dict[tuple[int, ...], Pipeline]) -> Pipeline:
        rest = tuple(baselines_of(self.recordings, i))
        if not rest:
            raise ValueError(
                f"calibrate=True needs a baseline of each person, but there is none for "
                f'{called(self.recordings, i)}: add recordings with role="baseline" and the same subject'
            )
        if rest not in adapted:
            adapted[rest] = pipe.calibrate([self.recordings[k] for k in rest])
        return adapted[rest]

    def shuffled(
        self, rng: np.random.Generator, folds: Sequence[Fold], names: Sequence[str | None], what: str
    ) -> Task:
        """The same task with labels that mean nothing."""
        for _ in range(100):
            null = Task(
                self.pipe, shuffle_labels(self.recordings, rng), self.level, self.calibrate, self.given
            )
            try:
                null.check_classes(folds, names, what)
            except ValueError:
                continue
            return null
        raise ValueError(
            "n_shuffles: the shuffled labels leave a class out of training each time: use fewer classes or "
            "more recordings, or n_shuffles=0"
        )

    @property
    def normalisation(self) -> str:
        """The rung of the ladder of normalisations: what features are scaled by."""
        scalers = [stage for stage in self.pipe.stages if isinstance(stage, (Recenter, Standardize))]
        if not scalers:
            return "none"
        if self.calibrate and any(scaler.baseline for scaler in scalers):
            return "pre-trial rest baseline"
        return "train statistics"

    def counts(self) -> dict[str, int]:
        found = {"windows": 0, "scored": 0, "not valid": 0, "abstained": 0, "unlabelled": 0}
        for rec, out, labels, scored in zip(
            self.recordings, self.given.outputs, self.labels, self.scored, strict=True
        ):
            if rec.role == "baseline":
                continue
            abstained = out["abstained"].astype(bool)
            invalid = ~out["valid"].astype(bool) & ~abstained
            found["windows"] += len(labels)
            found["scored"] += int(scored.sum())
            found["abstained"] += int(abstained.sum())
            found["not valid"] += int(invalid.sum())
            found["unlabelled"] += int((~scored & ~invalid & ~abstained).sum())
        return found


def shuffle_labels(recordings: Sequence[Recording], rng: np.random.Generator) -> list[Recording]:
    """The recordings with their labels exchanged: between those of one person, where a person has several labels.

    Labels of events are exchanged within their recording. Windows keep together, as in a trial: windows shuffled one
    by one would be no control for what trials have in common.
    """
    data = [i for i, rec in enumerate(recordings) if rec.role == "data"]
    whole = [i for i in data if recordings[i].events is None]
    people = {
        recordings[i].subject: [k for k in whole if recordings[k].subject == recordings[i].subject]
        for i in whole
    }
    blocks = [
        own for own in people.values() if any(recordings[k].label != recordings[own[0]].label for k in own)
    ]
    out = list(recordings)
    for block in blocks or [whole]:
        for to, source in zip(block, rng.permutation(block), strict=True):
            out[to] = recordings[to].replace(label=recordings[source].label)
    for i in data:
        events = recordings[i].events
        if events is not None:
            order = rng.permutation(len(events))
            mixed = [(e.onset, e.duration, events[k].label) for e, k in zip(events, order, strict=True)]
            out[i] = recordings[i].replace(events=mixed)
    return out
