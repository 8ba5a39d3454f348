"""Who is held out: groups of recordings, and folds that keep each of them together."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastemo._offline import called
from fastemo._validate import check_in
from fastemo.recording import Recording

__all__ = ["BY", "Fold", "baselines_of", "group_names", "leave_out"]

# What makes two recordings the same group: a trial's number begins anew with each session and person.
BY: dict[str, tuple[str, ...]] = {
    "subject": ("subject",),
    "session": ("subject", "session"),
    "trial": ("subject", "session", "trial"),
    "stimulus": ("stimulus",),
    "recording": (),
}
# A baseline goes with its person or session; of trials, stimuli and recordings it is none.
WITH_BASELINES = ("subject", "session")


class Fold(NamedTuple):
    """Indices of the recordings that train (baselines among them) and of those that are scored."""

    train: list[int]
    test: list[int]


def group_names(recordings: Sequence[Recording], by: Any) -> tuple[list[str | None], str]:
    """The group of each recording, None for a baseline that belongs to none; and what a group is called.

    Raises
    ------
    ValueError, TypeError
        An unknown `by`, windows, a recording without a group, one group only, or a trial in two groups.
    """
    if isinstance(by, str):
        if by in ("window", "windows"):
            raise ValueError(
                'by="window" would train on windows of the very trials that are scored, which finds even random '
                'labels: use by="trial" or, for people never seen, by="subject"'
            )
        check_in("by", by, BY)
        names = [_own_group(recordings, i, by) for i in range(len(recordings))]
        what = by
    else:
        names, what = _given_groups(recordings, by), "group"
    found = {name for name, rec in zip(names, recordings, strict=True) if rec.role == "data"}
    if len(found) < 2:
        raise ValueError(
            f"by={by!r} makes one group only ({found.pop()}), so nothing is left to train on: evaluation needs at "
            "least two, three or more to say how sure it is"
            if isinstance(by, str)
            else "by holds one group only, so nothing is left to train on: at least two are needed"
        )
    if what in ("recording", "group"):
        _check_trials(recordings, names, by)
    return names, what


def _own_group(recordings: Sequence[Recording], i: int, by: str) -> str | None:
    rec = recordings[i]
    if rec.role == "baseline" and by not in WITH_BASELINES:
        return None
    if by == "recording":
        return f"recording {i}" + (f" ({os.path.basename(rec.source)})" if rec.source else "")
    own = getattr(rec, by)
    if own is None:
        if rec.role == "baseline":
            return None
        raise ValueError(
            f"{called(recordings, i)} has no {by}, which by={by!r} needs: give it to the recording ({by}=...), or "
            f"evaluate by another of {', '.join(BY)}"
        )
    parts = [getattr(rec, name) for name in BY[by]]
    return "/".join(str(part) for part in parts if part is not None)


def _given_groups(recordings: Sequence[Recording], by: Any) -> list[str | None]:
    try:
        values = list(by)
    except TypeError:
        raise TypeError(
            f"by must be one of {', '.join(BY)}, or one group per recording, got {by!r}"
        ) from None
    if len(values) != len(recordings):
        raise ValueError(
            f"by must have one group per recording ({len(recordings)}, baselines counted), got {len(values)}"
        )
    missing = [i for i, rec in enumerate(recordings) if values[i] is None and rec.role == "data"]
    if missing:
        raise ValueError(f"by[{missing[0]}] is None, but {called(recordings, missing[0])} needs a group")
    return [None if value is None else str(value) for value in values]


def _check_trials(recordings: Sequence[Recording], names: Sequence[str | None], by: Any) -> None:
    """Refuses to part a trial: its windows are too much alike to be in training and in the test."""
    seen: dict[Hashable, int] = {}
    for i, rec in enumerate(recordings):
        if rec.role == "baseline" or rec.trial is None:
            continue
        first = seen.setdefault((rec.subject, rec.session, rec.trial), i)
        if names[first] != names[i]:
            raise ValueError(
                f"{called(recordings, first)} and {called(recordings, i)} are of the same trial, but by puts them "
                'into two groups, so one would train for the other: use by="trial"'
            )


def leave_out(
    recordings: Sequence[Recording],
    names: Sequence[str | None],
    strata: Sequence[Hashable],
    n_splits: int | None,
    seed: int,
) -> list[Fold]:
    """Folds: each group is held out once, alone, or several at once with `n_splits`.

    `strata` is the label of each recording; folds are made to hold about the same share of each.
    """
    data = [i for i, rec in enumerate(recordings) if rec.role == "data"]
    groups = list(dict.fromkeys(names[i] for i in data))
    if n_splits is None:
        held_out: list[set[str | None]] = [{group} for group in groups]
    else:
        held_out = _split(data, names, strata, len(groups), n_splits, seed)
    folds = []
    for out in held_out:
        train = [i for i in data if names[i] not in out]
        people = {recordings[i].subject for i in train}
        train += [
            i
            for i, rec in enumerate(recordings)
            if rec.role == "baseline" and rec.subject in people and (names[i] is None or names[i] not in out)
        ]
        folds.append(Fold(sorted(train), [i for i in data if names[i] in out]))
    return folds


def _split(
    data: Sequence[int],
    names: Sequence[str | None],
    strata: Sequence[Hashable],
    n_groups: int,
    n_splits: int,
    seed: int,
) -> list[set[str | None]]:
    if isinstance(n_splits, bool) or not isinstance(n_splits, (int, np.integer)) or n_splits < 2:
        raise ValueError(f"n_splits must be a whole number of at least 2, got {n_splits!r}")
    if n_splits > n_groups:
        raise ValueError(f"n_splits must be at most the number of groups ({n_groups}), got {n_splits}")
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    label = {value: k for k, value in enumerate(dict.fromkeys(strata))}
    y, groups = [label[strata[i]] for i in data], [str(names[i]) for i in data]
    # A label with fewer recordings than folds cannot be in all of them.
    rare = min(np.bincount(y)) < n_splits
    kind = GroupKFold if rare else StratifiedGroupKFold
    splitter = kind(n_splits, shuffle=True, random_state=seed)
    return [{names[data[k]] for k in test} for _, test in splitter.split(data, y, groups)]


def baselines_of(recordings: Sequence[Recording], i: int) -> list[int]:
    """The baselines of a recording's person: those of its session, where there are any."""
    own = [
        k
        for k, rec in enumerate(recordings)
        if rec.role == "baseline" and rec.subject == recordings[i].subject
    ]
    same = [k for k in own if recordings[k].session == recordings[i].session]
    return same or own
