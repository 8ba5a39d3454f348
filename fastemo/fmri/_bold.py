"""Runs, events and confounds: from the files of a BIDS data set to recordings."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo._events import Event, check_events, crop_events
from fastemo._validate import check_channels, check_positive
from fastemo.fmri._images import load_image
from fastemo.fmri._masker import Masker
from fastemo.recording import Recording

__all__ = ["delay_events", "fill_events", "late_events", "read_bold", "read_confounds", "read_events"]


def read_bold(
    bold: Any,
    masker: Masker,
    *,
    tr: float | None = None,
    events: Any = None,
    confounds: Mapping[str, Any] | None = None,
    delay: float = 0.0,
    rest: Any = None,
    **about: Any,
) -> Recording:
    """A run as a recording: a channel per region, a sample per volume.

    Parameters
    ----------
    bold : array, nibabel image or path, shape (x, y, z, n_volumes)
    masker : Masker
    tr : float, optional
        Seconds from volume to volume; by the header if not given.
    events : path of a BIDS events.tsv, or sequence of (onset, duration, label), optional
    confounds : mapping of str to array_like, shape (n_volumes,), optional
        As `read_confounds` gives them; they become channels after the regions, for `RegressOut` to take.
    delay : float
        Seconds by which the events are moved, for the BOLD signal lags: 5 s is usual.
    rest : optional
        Label of the time between events; None leaves it without.
    **about
        Of the recording: label, subject, session, trial, stimulus, role.

    Returns
    -------
    Recording
        sfreq 1/TR, unit "1".

    Raises
    ------
    ValueError
        A header without TR, confounds of another length, events outside the run.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> masker = Masker.from_labels(rng.integers(0, 4, (5, 5, 5)))
    >>> bold = rng.normal(100, 1, (5, 5, 5, 40))
    >>> read_bold(bold, masker, tr=2.0, events=[(10, 20, "joy")], delay=5, rest="rest", session="run1")
    Recording(3 channels, 80 s at 0.5 Hz, 1, session='run1', 3 events)
    """
    image = load_image("bold", bold, (4,))
    masker.check_place(image)
    if tr is None:
        tr = image.tr
        if tr is None:
            raise ValueError(
                f"{image.called} does not say the time from volume to volume: pass tr= in seconds"
            )
    tr = check_positive("tr", tr, unit="seconds")
    data, names = masker.transform(image.data), list(masker.names)
    for name, column in (confounds or {}).items():
        values = np.asarray(column, np.float64)
        if values.shape != (data.shape[1],):
            raise ValueError(
                f"confound {name!r} must have one value per volume ({data.shape[1]}), got shape {values.shape}"
            )
        data, names = np.vstack([data, values]), [*names, str(name)]
    if events is not None:
        if isinstance(events, (str, os.PathLike)):
            events = read_events(events)
        events = delay_events(events, delay, data.shape[1] * tr)
        if rest is not None:
            events = fill_events(events, data.shape[1] * tr, rest)
    return Recording(data, 1 / tr, names, "1", events=events, source=image.source, atlas=masker, **about)


def read_events(path: str | os.PathLike[str], column: str = "trial_type") -> list[Event]:
    """The events of a BIDS events.tsv: onset and duration in seconds, the label from `column`.

    Raises
    ------
    ValueError
        A column that is not there, a value that is no number. Events labelled "n/a" are left out.
    """
    rows, names = _table(path)
    for name in ("onset", "duration", column):
        check_channels([name], names, os.path.basename(path))
    out = []
    for number, row in enumerate(rows, 2):
        if row[column] == "n/a":
            continue
        try:
            out.append(Event(float(row["onset"]), float(row["duration"]), row[column]))
        except ValueError:
            raise ValueError(
                f"{os.path.basename(path)}, line {number}: onset and duration must be numbers, got "
                f"{row['onset']!r} and {row['duration']!r}"
            ) from None
    return out


def read_confounds(
    path: str | os.PathLike[str], columns: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Columns of a confounds table, such as fMRIPrep's desc-confounds_timeseries.tsv.

    Parameters
    ----------
    path : path
        Tab-separated, with a line of names; or numbers in columns, as motion correction writes them.
    columns : sequence of str, optional
        Those wanted; by default all, or the six motion parameters where they have fMRIPrep's names. Numbers without
        names are "confound0", "confound1", ...

    Returns
    -------
    dict of str to ndarray of float64, shape (n_volumes,)
        Derivatives have no first value ("n/a"), which becomes 0.
    """
    rows, names = _table(path)
    if columns is None:
        motion = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
        columns = motion if set(motion) <= set(names) else names
    check_channels(columns, names, os.path.basename(path))
    out = {}
    for name in columns:
        try:
            out[name] = np.array([0.0 if row[name] == "n/a" else float(row[name]) for row in rows])
        except ValueError:
            raise ValueError(f"column {name!r} of {os.path.basename(path)} does not hold numbers") from None
    return out


def _table(path: str | os.PathLike[str]) -> tuple[list[dict[str, str]], list[str]]:
    """Rows by column name, and the names."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        text = file.read()
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"{os.path.basename(path)} is empty")
    cells = list(csv.reader(lines, delimiter="\t")) if "\t" in lines[0] else [line.split() for line in lines]
    try:
        [float(cell) for cell in cells[0]]
        names, rows = [f"confound{i}" for i in range(len(cells[0]))], cells
    except ValueError:
        names, rows = cells[0], cells[1:]
    for row in rows:
        if len(row) != len(names):
            raise ValueError(f"{os.path.basename(path)} has rows of {len(names)} and {len(row)} columns")
    return [dict(zip(names, row, strict=True)) for row in rows], names


def delay_events(events: Any, delay: float, duration: float | None = None) -> list[Event]:
    """Events moved by `delay` seconds, cut at the end of a run of `duration` seconds.

    Examples
    --------
    >>> delay_events([(15.0, 22.5, "face")], 5.0)
    [Event(onset=20.0, duration=22.5, label='face')]
    """
    delay = check_positive("delay", delay, zero=True, unit="seconds")
    found = check_events(events, np.inf if duration is None else duration) or ()
    moved = [event._replace(onset=event.onset + delay) for event in found]
    return list(moved if duration is None else crop_events(moved, 0.0, duration))


def late_events(events: Any, seconds: float) -> list[Event]:
    """The last `seconds` of each event: what a decoder that looks back over the event learns from and answers at.

    Examples
    --------
    >>> late_events([(20.0, 22.5, "face"), (60.0, 5.0, "cat")], 12.5)
    [Event(onset=30.0, duration=12.5, label='face'), Event(onset=60.0, duration=5.0, label='cat')]
    """
    seconds = check_positive("seconds", seconds, unit="seconds")
    found = check_events(events, np.inf) or ()
    spans = [(event, min(event.duration, seconds)) for event in found]
    return [event._replace(onset=event.onset + event.duration - s, duration=s) for event, s in spans]


def fill_events(events: Any, duration: float, label: Any) -> list[Event]:
    """The events, and between them others with `label`, from 0 to `duration` seconds.

    Examples
    --------
    >>> [tuple(event) for event in fill_events([(10, 20, "joy")], 40, "rest")]
    [(0.0, 10.0, 'rest'), (10.0, 20.0, 'joy'), (30.0, 10.0, 'rest')]
    """
    duration = check_positive("duration", duration, unit="seconds")
    out, at = [], 0.0
    for event in check_events(events, duration) or ():
        if event.onset > at:
            out.append(Event(at, event.onset - at, label))
        out.append(event)
        at = max(at, event.onset + event.duration)
    if at < duration:
        out.append(Event(at, duration - at, label))
    return out
