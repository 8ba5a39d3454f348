"""Honest evaluation: whole people, sessions or trials are held out, and chance stands beside every score."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastemo._folds import Fold, group_names, leave_out
from fastemo._held_out import Scored, Task
from fastemo._metrics import confusion_matrix, mean_interval, scores
from fastemo._offline import called
from fastemo._report import Evaluation, GroupScore, Score, Shuffled
from fastemo._training import check_labelled, run_given
from fastemo._validate import check_in
from fastemo.emotions import LabelSpace
from fastemo.recording import Recording

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["Evaluation", "evaluate"]

FEW_GROUPS = 3
LEVELS = ("window", "event", "recording")
#: The score that stands for all others, by kind of label.
HEADLINE = {"classes": "accuracy", "multilabel": "AP - prevalence", "intensities": "CCC"}


def evaluate(
    pipe: Pipeline,
    X: Any,
    y: Any = None,
    *,
    by: str | Sequence[Any] = "subject",
    calibrate: bool | str = False,
    level: str = "window",
    n_splits: int | None = None,
    n_shuffles: int = 0,
    interval: str = "t",
    seed: int = 0,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """How well a pipeline decodes people, sessions or trials that it has not learnt from.

    Each group is held out in turn; a copy of the pipeline is fitted to the others only and scored on the valid
    windows of the group. The pipeline itself is not touched.

    Parameters
    ----------
    pipe : Pipeline
        With a decoder; need not be fitted.
    X : recordings
        What `Pipeline.fit` takes. Recordings with `role="baseline"` are neither scored nor learnt as a class.
    y : sequence, optional
        One label per recording, in place of the recordings' own labels or events.
    by : {"subject", "session", "trial", "stimulus", "recording"} or sequence
        What is held out together; a session is one person's, a trial one session's. Or one group per recording.
        Windows cannot be split: neighbours are alike, and a decoder would recognise the trial.
    calibrate : bool or "baseline"
        Adapt the fitted copy to each held-out person by `Pipeline.calibrate` on their own baselines.
    level : {"window", "event", "recording"}
        Score each valid window, or what the valid windows of an event or of a recording say together.
    n_splits : int, optional
        So many folds of several groups (stratified by label) instead of one fold per group.
    n_shuffles : int
        Evaluations with labels shuffled between the recordings of each person: the control that shows what
        the same procedure finds where there is nothing to find.
    interval : {"t", "bootstrap"}
        How the 95 % confidence interval of the mean over groups is made.
    seed : int
        For folds, shuffles and the bootstrap.
    n_jobs : int
        Folds at a time; -1 for as many as there are cores. The result does not depend on it.
    progress : callable, optional
        Called with the number of folds done and of all folds.

    Returns
    -------
    Evaluation
        Shows itself as a table; `to_dict()` for JSON.

    Raises
    ------
    ValueError, TypeError
        One group only, a recording without its group or label, a class that is in one group only, a trial in
        two groups, a pipeline without a decoder.

    Warns
    -----
    UserWarning
        Fewer than three groups; stimuli or files that are in training and test alike.

    Notes
    -----
    People, not windows, are the units of the mean and its interval: windows of one recording are not independent.
    Stages that learn nothing run once for all folds; all that is learnt is learnt anew in each fold.

    Examples
    --------
    >>> import fastemo as fe
    >>> rng = np.random.default_rng(0)
    >>> recordings = [
    ...     fe.Recording(rng.normal(0, size, (2, 1000)), 100, label=label, subject=who)
    ...     for who in ("s1", "s2", "s3", "s4") for label, size in (("calm", 5), ("joy", 15))
    ... ]
    >>> pipe = fe.Pipeline([fe.Window(1, hop=1), fe.BandPower({"all": (1, 40)}, log=True), fe.LDA()])
    >>> result = fe.evaluate(pipe, recordings, by="subject")
    >>> result.accuracy, result.n_groups, result.chance["majority"]
    (1.0, 4, 0.5)
    """
    check_in("level", level, LEVELS)
    check_in("interval", interval, ("t", "bootstrap"))
    check_in("calibrate", calibrate, (False, True, "baseline"))
    if isinstance(n_shuffles, bool) or not isinstance(n_shuffles, (int, np.integer)) or n_shuffles < 0:
        raise ValueError(f"n_shuffles must be a whole number of at least 0, got {n_shuffles!r}")
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or (n_jobs < 1 and n_jobs != -1):
        raise ValueError(f"n_jobs must be a whole number of at least 1, or -1, got {n_jobs!r}")
    if pipe.decoder is None:
        raise ValueError("pipe has no decoder, so there is nothing to score: add one such as LDA()")
    recordings = pipe._recordings(X, y, fresh=True)
    check_labelled(recordings)
    if level == "recording":
        _check_own_labels(recordings)
    names, what = group_names(recordings, by)
    task = Task(pipe, recordings, level, bool(calibrate), run_given(pipe, recordings))
    folds = leave_out(recordings, names, [task.main_label(i) for i in range(len(recordings))], n_splits, seed)
    task.check_classes(folds, names, what)
    notes = _notes(recordings, folds, names, what, task)
    for note in notes:
        warnings.warn(note, UserWarning, stacklevel=2)

    total, done = len(folds) * (1 + n_shuffles), [0]

    def one(fold: Fold, task: Task) -> list[Scored]:
        scored = task.run(fold)
        done[0] += 1
        if progress is not None:
            progress(done[0], total)
        return scored

    workers = (os.cpu_count() or 1) if n_jobs == -1 else n_jobs
    with ThreadPoolExecutor(workers) as pool:
        scored = [s for part in pool.map(lambda fold: one(fold, task), folds) for s in part]
        groups = _by_group(scored, names, task)
        rng = np.random.default_rng(seed)
        found = _summary(groups, interval, rng)
        shuffled = None
        if n_shuffles:
            headline, values = HEADLINE[task.space.kind], []
            for _ in range(n_shuffles):
                null = task.shuffled(rng, folds, names, what)
                parts = list(pool.map(lambda fold, null=null: one(fold, null), folds))
                again = _by_group([s for part in parts for s in part], names, null)
                values.append(_summary(again, interval, rng)[headline].mean)
            shuffled = Shuffled(headline, tuple(values), found[headline].mean)
    truth = np.concatenate([s.truth for s in scored])
    outputs = np.concatenate([s.outputs for s in scored])
    together = scores(task.space.kind, truth, outputs, task.space.names)
    is_classes = task.space.kind == "classes"
    return Evaluation(
        by=what,
        level=level,
        kind=task.space.kind,
        classes=task.space.classes,
        normalisation=task.normalisation,
        calibrated=bool(calibrate),
        interval=interval,
        n_folds=len(folds),
        counts=task.counts(),
        groups=tuple(GroupScore(g.name, len(g.truth), g.scores) for g in groups),
        scores={name: score._replace(together=together[name]) for name, score in found.items()},
        chance=_chance(groups, task.space) if is_classes else {},
        confusion=confusion_matrix(truth, outputs.argmax(axis=1), len(task.space)) if is_classes else None,
        stimuli_seen=_stimuli_seen(recordings, folds),
        shuffled=shuffled,
        notes=tuple(notes),
    )


class _Group(NamedTuple):
    name: str
    truth: np.ndarray
    scores: dict[str, float]


def _check_own_labels(recordings: Sequence[Recording]) -> None:
    for i, rec in enumerate(recordings):
        if rec.role == "data" and rec.label is None:
            raise ValueError(
                f'{called(recordings, i)} has events but no label of its own, which level="recording" scores: '
                'use level="window"'
            )


def _by_group(scored: Sequence[Scored], names: Sequence[str | None], task: Task) -> list[_Group]:
    """The scores of each group that has anything to score."""
    parts: dict[str, list[Scored]] = {}
    for s in sorted(scored, key=lambda s: s.recording):
        parts.setdefault(str(names[s.recording]), []).append(s)
    if not parts:
        raise ValueError(
            "no window is valid and labelled, so there is nothing to score: use longer recordings, for the "
            "filters must fill first, or look at their quality"
        )
    groups = []
    for name, own in parts.items():
        truth = np.concatenate([s.truth for s in own])
        outputs = np.concatenate([s.outputs for s in own])
        groups.append(_Group(name, truth, scores(task.space.kind, truth, outputs, task.space.names)))
    return groups


def _summary(groups: Sequence[_Group], interval: str, rng: np.random.Generator) -> dict[str, Score]:
    """Mean and interval over groups of each score."""
    found = {}
    for name in groups[0].scores:
        mean, low, high = mean_interval(np.array([g.scores[name] for g in groups]), interval, rng)
        found[name] = Score(mean, low, high, np.nan)
    return found


def _chance(groups: Sequence[_Group], space: LabelSpace) -> dict[str, float]:
    """Accuracy without looking at the brain: the best constant answer, and a guess among equals."""
    shares = [np.bincount(g.truth, minlength=len(space)) / len(g.truth) for g in groups]
    return {"majority": float(np.mean(shares, axis=0).max()), "uniform": 1 / len(space)}


def _stimuli_seen(recordings: Sequence[Recording], folds: Sequence[Fold]) -> float | None:
    """Share of the held-out recordings with a stimulus whose stimulus is in their training; None without any."""
    seen = []
    for fold in folds:
        known = {recordings[i].stimulus for i in fold.train}
        shown = [recordings[i].stimulus for i in fold.test]
        seen += [stimulus in known for stimulus in shown if stimulus is not None]
    return float(np.mean(seen)) if seen else None


def _notes(
    recordings: Sequence[Recording],
    folds: Sequence[Fold],
    names: Sequence[str | None],
    what: str,
    task: Task,
) -> list[str]:
    """What a reader has to know before believing the figures."""
    notes = []
    n_groups = len({name for name, rec in zip(names, recordings, strict=True) if rec.role == "data"})
    if n_groups < FEW_GROUPS:
        notes.append(f"{n_groups} groups are too few to say how sure the mean is: the interval means little")
    seen = _stimuli_seen(recordings, folds)
    if seen:
        notes.append(
            f"{seen:.0%} of the held-out recordings show a stimulus that is also in their training, so the decoder may "
            'recognise the stimulus rather than the emotion: compare by="stimulus"'
        )
    if what in ("trial", "recording", "group"):
        shared = [
            i
            for fold in folds
            for i in fold.test
            if recordings[i].source in {recordings[k].source for k in fold.train} - {None}
        ]
        if shared:
            notes.append(
                f"{len(shared)} of the held-out recordings are parts of files that also train: what drifts slowly "
                'through a file tells them apart too: compare by="session" or by="subject"'
            )
    if not task.calibrate and any(getattr(stage, "adapts", False) for stage in task.pipe.stages):
        notes.append(
            "the pipeline can adapt to each person's rest, but the held-out ones were decoded without: "
            "calibrate=True does it"
        )
    return notes
