"""Events: labelled stretches of a recording, and the labels they give to windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Event", "check_events", "crop_events", "label_windows", "plain_label"]


class Event(NamedTuple):
    """A stretch of a recording with a label; times in seconds from its first sample."""

    onset: float
    duration: float
    label: Any


def plain_label(value: Any) -> Any:
    """NumPy scalars as Python's, sets as frozen ones: what compares, hashes and prints as one expects."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        raise TypeError(f"a label must be a name, number, set or dict of intensities by name, got {value!r}")
    return frozenset(value) if isinstance(value, set) else value


def check_events(events: Any, duration: float) -> tuple[Event, ...] | None:
    """Rows (onset, duration, label) as events in order; each must have a part within `duration` seconds."""
    if events is None:
        return None
    out = []
    for i, row in enumerate(events):
        try:
            onset, length, label = row
            event = Event(float(onset), float(length), plain_label(label))
        except (TypeError, ValueError):
            raise ValueError(f"events[{i}] must be (onset in s, duration in s, label), got {row!r}") from None
        if not (np.isfinite(event.onset) and np.isfinite(event.duration) and event.duration > 0):
            raise ValueError(f"events[{i}] must have a finite onset and a duration above 0, got {row!r}")
        if event.onset >= duration or event.onset + event.duration <= 0:
            raise ValueError(
                f"events[{i}] (onset {event.onset:g} s, duration {event.duration:g} s) lies outside the "
                f"recording, which lasts {duration:g} s: times are seconds from its first sample"
            )
        out.append(event)
    return tuple(sorted(out, key=lambda e: e.onset))


def crop_events(events: Sequence[Event], start: float, stop: float) -> tuple[Event, ...]:
    """The parts of events between two times in seconds, which then count from `start`."""
    spans = [(max(e.onset, start), min(e.onset + e.duration, stop), e.label) for e in events]
    return tuple(Event(first - start, last - first, label) for first, last, label in spans if first < last)


def label_windows(
    events: Sequence[Event], starts: np.ndarray, length: float, min_overlap: float
) -> list[Any]:
    """The label that covers most of each window, the earlier one of equals; None below `min_overlap`."""
    labels: list[Any] = []
    for event in events:
        if event.label not in labels:
            labels.append(event.label)
    if not labels:
        return [None] * len(starts)
    covered = np.zeros((len(labels), len(starts)))
    for onset, duration, label in events:
        overlap = np.minimum(starts + length, onset + duration) - np.maximum(starts, onset)
        covered[labels.index(label)] += np.maximum(overlap, 0.0)
    most = covered.argmax(axis=0)
    # Sums of times are a few roundings away from the share they stand for.
    enough = covered.max(axis=0) >= min_overlap * length * (1 - 1e-9)
    return [labels[i] if ok else None for i, ok in zip(most, enough, strict=True)]
