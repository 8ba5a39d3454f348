"""Recordings: frozen signals with their names, unit and labels, and the door that makes them of anything."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo import _validate
from fastemo._events import Event, check_events, crop_events, label_windows, plain_label
from fastemo._validate import (
    UV_PER_UNIT,
    check_array_2d,
    check_channels,
    check_in,
    check_positive,
    check_sfreq_match,
    check_span,
)

__all__ = ["Event", "Recording", "as_recordings"]

ROLES = ("data", "baseline")


@dataclass(init=False, frozen=True, eq=False, repr=False)
class Recording:
    """A stretch of signal and what is known about it. Nothing in it changes after it is made.

    Parameters
    ----------
    data : array_like, shape (n_channels, n_samples)
        float32 or float64 samples, kept as a read-only view without a copy; integers become float64. NaN are
        allowed: they mark lost samples.
    sfreq : float
        Sampling frequency in Hz.
    ch_names : sequence of str, optional
        One unique name per row; "ch0", "ch1", ... by default.
    unit : {"uV", "mV", "V", "1"}
        Unit of the samples; "1" is none.
    label : object, optional
        A class (str or int), a set of str (several at once), a dict of intensities by name, or a float.
    events : sequence of (onset, duration, label) or structured array, optional
        Labels of stretches, in seconds from the first sample; kept sorted by onset.
    subject, session, trial, stimulus : str or int, optional
        Whose it is and what was shown; evaluation groups by them.
    role : {"data", "baseline"}
        A baseline calibrates and is never scored.
    source : str or path, optional
        Where it came from.
    atlas : fastemo.fmri.Masker, optional
        What its regions were made by, of a run of volumes.

    Raises
    ------
    ValueError, TypeError
        Any argument that does not fit, by name.

    Examples
    --------
    >>> import numpy as np
    >>> rec = Recording(np.zeros((2, 500)), 250, ["F3", "F4"], label="calm", subject="s01")
    >>> rec
    Recording(2 channels, 2 s at 250 Hz, uV, label='calm', subject='s01')
    >>> rec.pick(["F4"]).crop(0.5, 1.5).data.shape
    (1, 250)
    """

    data: np.ndarray
    sfreq: float
    ch_names: tuple[str, ...]
    unit: str
    label: Any
    events: tuple[Event, ...] | None
    subject: Any
    session: Any
    trial: Any
    stimulus: Any
    role: str
    source: str | None
    atlas: Any

    def __init__(
        self,
        data: Any,
        sfreq: float,
        ch_names: Sequence[str] | None = None,
        unit: str = "uV",
        label: Any = None,
        events: Any = None,
        subject: Any = None,
        session: Any = None,
        trial: Any = None,
        stimulus: Any = None,
        role: str = "data",
        source: str | os.PathLike[str] | None = None,
        atlas: Any = None,
    ) -> None:
        data = check_array_2d("data", data).view()
        data.flags.writeable = False
        sfreq = check_positive("sfreq", sfreq, unit="Hz")
        values = {
            "data": data,
            "sfreq": sfreq,
            "ch_names": _names(ch_names, len(data)),
            "unit": check_in("unit", unit, UV_PER_UNIT),
            "label": plain_label(label),
            "events": check_events(events, data.shape[1] / sfreq),
            "subject": plain_label(subject),
            "session": plain_label(session),
            "trial": plain_label(trial),
            "stimulus": plain_label(stimulus),
            "role": check_in("role", role, ROLES),
            "source": None if source is None else os.fspath(source),
            "atlas": atlas,
        }
        if atlas is not None and not hasattr(atlas, "digest"):
            raise TypeError(f"atlas must be a fastemo.fmri.Masker, got {type(atlas).__name__}")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def n_channels(self) -> int:
        return self.data.shape[0]

    @property
    def n_samples(self) -> int:
        return self.data.shape[1]

    @property
    def duration(self) -> float:
        """Seconds: n_samples / sfreq."""
        return self.n_samples / self.sfreq

    @property
    def named(self) -> bool:
        """Whether the channels have names other than the default ones."""
        return self.ch_names != default_names(self.n_channels)

    def replace(self, **changes: Any) -> Recording:
        """A new recording with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    def pick(self, ch_names: Sequence[str]) -> Recording:
        """The named channels, in the order given; an unknown one raises ValueError with its close matches."""
        names = [ch_names] if isinstance(ch_names, str) else list(ch_names)
        if tuple(names) == self.ch_names:
            return self
        index = check_channels(names, self.ch_names, _called(self))
        return self.replace(data=self.data[index], ch_names=names)

    def crop(self, start: float | None = None, stop: float | None = None) -> Recording:
        """The samples from `start` to `stop` and their events (seconds, rounded to samples)."""
        first, last = check_span(start, stop, self.n_samples, self.sfreq, _called(self))
        events = self.events and crop_events(self.events, first / self.sfreq, last / self.sfreq)
        return self.replace(data=self.data[:, first:last], events=events)

    def in_unit(self, unit: str) -> Recording:
        """The same signal in another unit; "1" can only stay "1"."""
        check_in("unit", unit, UV_PER_UNIT)
        if unit == self.unit:
            return self
        if "1" in (unit, self.unit):
            raise ValueError(f"{_called(self)} has unit {self.unit!r}, which cannot be converted to {unit!r}")
        return self.replace(data=self.data * (UV_PER_UNIT[self.unit] / UV_PER_UNIT[unit]), unit=unit)

    def match(self, ch_names: Sequence[str]) -> Recording:
        """Its channels `ch_names`, in that order: by name, or by position if one side has default names."""
        names = tuple(ch_names)
        if self.named and names != default_names(len(names)):
            return self.pick(names)
        if len(names) != self.n_channels:
            hint = "; its samples come first: transpose it" if self.n_samples == len(names) else ""
            raise ValueError(
                f"{_called(self)} has {self.n_channels} channels, expected {len(names)}: "
                f"{', '.join(names)}{hint}"
            )
        return self if names == self.ch_names else self.replace(ch_names=names)

    def window_labels(self, starts: Iterable[float], length: float, min_overlap: float = 0.5) -> list[Any]:
        """The label of each window.

        Parameters
        ----------
        starts : array_like, shape (n_windows,)
            Starts of the windows in seconds from the first sample.
        length : float
            Length of a window in seconds.
        min_overlap : float
            Share of the window, in (0, 1], that events of one label must cover together.

        Returns
        -------
        list
            With events: the label that covers most of each window (the earlier one of equals), None where it
            covers less than `min_overlap`. Without: the recording's own label for each.

        Examples
        --------
        >>> rec = Recording(np.zeros((1, 1000)), 100, events=[(2, 3, "joy")])
        >>> rec.window_labels([0, 1, 2, 4.5], 2.0)
        [None, 'joy', 'joy', None]
        """
        starts = np.atleast_1d(np.asarray(starts, dtype=np.float64))
        length = check_positive("length", length, unit="seconds")
        min_overlap = check_positive("min_overlap", min_overlap)
        if min_overlap > 1:
            raise ValueError(f"min_overlap must be a share in (0, 1], got {min_overlap:g}")
        if self.events is None:
            return [self.label] * len(starts)
        return label_windows(self.events, starts, length, min_overlap)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        rest = [f.name for f in dataclasses.fields(self) if f.name not in ("data", "atlas")]
        atlases = [getattr(rec.atlas, "digest", None) for rec in (self, other)]
        return (
            atlases[0] == atlases[1]
            and all(getattr(self, n) == getattr(other, n) for n in rest)
            and np.array_equal(self.data, other.data, equal_nan=True)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Recording, tuple(getattr(self, f.name) for f in dataclasses.fields(self))

    def __repr__(self) -> str:
        plural = "" if self.n_channels == 1 else "s"
        parts = [f"{self.n_channels} channel{plural}", f"{self.duration:g} s at {self.sfreq:g} Hz", self.unit]
        for name in ("label", "subject", "session", "trial", "stimulus"):
            if getattr(self, name) is not None:
                parts.append(f"{name}={getattr(self, name)!r}")
        if self.events is not None:
            parts.append(f"{len(self.events)} event{'' if len(self.events) == 1 else 's'}")
        if self.role != "data":
            parts.append(f"role={self.role!r}")
        return f"Recording({', '.join(parts)})"


def _called(rec: Recording) -> str:
    return "the recording" if rec.source is None else os.path.basename(rec.source)


def default_names(n: int) -> tuple[str, ...]:
    """The names of channels that have none."""
    return tuple(f"ch{i}" for i in range(n))


def _names(ch_names: Any, n_channels: int) -> tuple[str, ...]:
    if ch_names is None:
        return default_names(n_channels)
    if isinstance(ch_names, str):
        raise TypeError(f"ch_names must be a sequence of names, got the string {ch_names!r}")
    names = tuple(ch_names)
    if not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"ch_names must be non-empty strings, got {list(names)!r}")
    if len(names) != n_channels:
        raise ValueError(f"ch_names must be as many as the rows of data ({n_channels}), got {len(names)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"ch_names must be unique, got {', '.join(map(repr, twice))} more than once")
    return tuple(str(name) for name in names)


def as_recordings(
    X: Any,
    y: Any = None,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    unit: str | None = None,
    check_unit: bool = True,
    atlas: Any = None,
) -> list[Recording]:
    """Recordings of whatever holds signals.

    Parameters
    ----------
    X : Recording, array, MNE Raw or Epochs, str or path, or a list of any of these
        An array is (n_recordings, n_channels, n_samples) or one (n_channels, n_samples), in `unit` at
        `sfreq`. A Raw becomes one recording, its annotations the events; Epochs become one per epoch,
        labelled by the names in `event_id`; only their EEG channels are taken unless `ch_names` asks for
        others. A path is read by `fastemo.io.read`.
    y : sequence, optional
        One label per recording; replaces the labels and events that are there.
    sfreq : float, optional
        Needed for arrays; anything that says another rate raises.
    ch_names : sequence of str, optional
        Channels wanted, in this order: picked by name, by position from what has no names.
    unit : {"uV", "mV", "V", "1"}, optional
        Unit of the arrays ("uV" if not given) and of what comes out: recordings in another are converted.
    check_unit : bool
        Refuse data whose size cannot be EEG, such as volts taken for microvolts.
    atlas : fastemo.fmri.Masker, optional
        For paths of NIfTI files; recordings of another are refused. Channels that are no regions of it come from
        fMRIPrep's confounds beside the file.

    Returns
    -------
    list of Recording

    Raises
    ------
    ValueError, TypeError
        What cannot be read as recordings, a label count, rate, channel or unit that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> as_recordings(np.zeros((2, 3, 500)), ["calm", "joy"], sfreq=250)[1]
    Recording(3 channels, 2 s at 250 Hz, uV, label='joy')
    """
    if unit is not None:
        check_in("unit", unit, UV_PER_UNIT)
    if sfreq is not None:
        sfreq = check_positive("sfreq", sfreq, unit="Hz")
    picks = None if ch_names is None or tuple(ch_names) == default_names(len(ch_names)) else ch_names
    recordings = []
    for rec in _collect(X, sfreq, picks, unit, atlas):
        if atlas is not None:
            from fastemo._atlases import check_atlas

            check_atlas([rec], atlas)
        if sfreq is not None:
            check_sfreq_match(rec.sfreq, sfreq, _called(rec))
        if ch_names is not None:
            rec = rec.match(ch_names)
        if check_unit:
            _validate.check_unit(rec.data, rec.unit, where=_called(rec))
        recordings.append(rec if unit is None else rec.in_unit(unit))
    if not recordings:
        raise ValueError("X holds no recording; expected at least one")
    if y is None:
        return recordings
    labels = _labels(y, len(recordings))
    return [rec.replace(label=label, events=None) for rec, label in zip(recordings, labels, strict=True)]


def _labels(y: Any, n: int) -> list[Any]:
    # No np.ndim here: lists of names of different lengths are labels too.
    single = isinstance(y, (str, bytes, dict, set, frozenset)) or getattr(y, "ndim", 1) == 0
    if single or not hasattr(y, "__iter__"):
        labels = [y]
    elif isinstance(y, np.ndarray) and y.ndim != 1:
        raise ValueError(f"y must be one label per recording, got an array of shape {y.shape}")
    else:
        labels = list(y)
    if len(labels) != n:
        raise ValueError(f"y must have one label per recording ({n}), got {len(labels)}")
    return labels


def _collect(
    X: Any, sfreq: float | None, picks: Sequence[str] | None, unit: str | None, atlas: Any
) -> Iterable[Recording]:
    if isinstance(X, Recording):
        yield X
    elif isinstance(X, (str, os.PathLike)):
        from fastemo.io import read_for

        yield read_for(X, sfreq, picks, unit, atlas)
    elif hasattr(X, "get_data") and hasattr(X, "info"):
        from fastemo.io import from_mne

        yield from from_mne(X, picks)
    elif isinstance(X, np.ndarray) and X.dtype != object:
        if X.ndim not in (2, 3):
            raise ValueError(
                "X must be (n_recordings, n_channels, n_samples) or (n_channels, n_samples), "
                f"got an array of shape {X.shape}"
            )
        if sfreq is None:
            raise ValueError("sfreq must be given in Hz for arrays, which do not say their rate; got None")
        for data in X if X.ndim == 3 else [X]:
            yield Recording(data, sfreq, unit=unit or "uV")
    elif isinstance(X, (list, tuple, np.ndarray)):
        for item in X:
            yield from _collect(item, sfreq, picks, unit, atlas)
    else:
        raise TypeError(
            "X must be a Recording, an array, an MNE Raw or Epochs, a path, or a list of these; "
            f"got {type(X).__name__}"
        )
