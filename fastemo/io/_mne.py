"""What MNE reads: EDF, BDF, BrainVision and FIF files, and its Raw and Epochs objects."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastemo._validate import UV_PER_UNIT, check_channels, check_span
from fastemo.io._source import Source, eeg_names, is_eeg
from fastemo.recording import Event, Recording

__all__ = ["from_mne", "open_mne"]

# The channel types that MNE holds in volts and that record the brain.
ELECTRIC_TYPES = ("eeg", "seeg", "ecog", "dbs")
# Annotations that mark bad or joined data in MNE, or the start of a file: no label of anything.
NO_LABELS = ("bad", "edge", "new segment", "boundary")


def from_mne(inst: Any, ch_names: Sequence[str] | None = None) -> list[Recording]:
    """Recordings of an MNE Raw (one, annotations as events) or Epochs (one each), in volts.

    Parameters
    ----------
    inst : mne.io.Raw or mne.Epochs
        Anything with `get_data`, `info` and `ch_names`. Channels marked bad stay: fastemo judges quality
        itself.
    ch_names : sequence of str, optional
        Channels wanted, in this order; the EEG channels by default.

    Returns
    -------
    list of Recording

    Raises
    ------
    ValueError
        A channel that is not there, or no EEG channel at all.
    """
    names, index = _channels(inst)
    if ch_names is not None:
        index = check_channels(ch_names, names, "the MNE object")
    if not index:
        raise ValueError(
            f"the MNE object has no EEG channel among {', '.join(names)}: set_channel_types says which are"
        )
    picked = [names[i] for i in index]
    data = np.asarray(inst.get_data())
    sfreq = float(inst.info["sfreq"])
    if data.ndim == 2:
        events = _annotations(inst, data.shape[1] / sfreq, sfreq)
        return [Recording(data[index], sfreq, picked, "V", events=events)]
    code_names: dict[int, str] = {}
    for name, code in (getattr(inst, "event_id", None) or {}).items():
        code_names.setdefault(int(code), name)
    codes = [None] * len(data) if getattr(inst, "events", None) is None else [int(e[2]) for e in inst.events]
    return [
        Recording(
            epoch[index],
            sfreq,
            picked,
            "V",
            label=None if code is None else code_names.get(code, code),
            trial=k,
        )
        for k, (epoch, code) in enumerate(zip(data, codes, strict=True))
    ]


def _channels(inst: Any) -> tuple[list[str], list[int]]:
    """Names of the channels, and which of them are EEG by type and name."""
    names = eeg_names(inst.ch_names)
    types = inst.get_channel_types() if hasattr(inst, "get_channel_types") else ["eeg"] * len(names)
    return names, [i for i, name in enumerate(names) if types[i] in ELECTRIC_TYPES and is_eeg(name)]


def _annotations(raw: Any, duration: float, sfreq: float) -> list[Event] | None:
    """Annotations that last longer than a sample, as events: shorter ones are markers and label nothing."""
    # Onsets count from the start of the measurement, of which `raw` may be a cut.
    first = float(getattr(raw, "first_time", 0.0))
    events = [
        Event(float(note["onset"]) - first, float(note["duration"]), str(note["description"]))
        for note in getattr(raw, "annotations", None) or ()
        if not str(note["description"]).lower().startswith(NO_LABELS)
    ]
    events = [
        e for e in events if e.duration * sfreq > 1.5 and e.onset < duration and e.onset + e.duration > 0
    ]
    return events or None


def open_mne(path: Path, kind: str) -> Source:
    """Opens a file through MNE; samples are loaded when asked for."""
    try:
        import mne
    except ImportError as error:
        raise ImportError(f'reading {kind} files needs MNE: pip install "fastemo[io]"') from error

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            raw = mne.io.read_raw(path, preload=False, verbose="warning")
            if any("preload=True" in str(w.message) for w in caught):  # channels of several rates
                raw.load_data(verbose="error")
        except Exception as error:
            raise ValueError(f"{path.name} cannot be read as {kind}: {error}") from error
    if any("does not match the file size" in str(w.message) for w in caught):
        warnings.warn(
            f"{path.name} is not as long as its header says: it was cut off; what is there is read",
            stacklevel=4,
        )

    names, eeg = _channels(raw)
    stated = [_stated(getattr(raw, "_orig_units", {}).get(name, "V")) for name in raw.ch_names]

    def load(
        index: Sequence[int], start: float | None, stop: float | None, sfreq: float
    ) -> tuple[np.ndarray, int]:
        first, last = check_span(start, stop, raw.n_times, sfreq, path.name)
        # MNE takes sorted channels only.
        order = np.argsort(index)
        data = np.empty((len(index), last - first))
        data[order] = raw.get_data(np.asarray(index)[order], first, last)
        return data, first

    return Source(
        name=path.name,
        n_channels=len(names),
        load=load,
        ch_names=names,
        eeg=eeg,
        sfreq=float(raw.info["sfreq"]),
        units=stated,
        scales=[None if unit is None else UV_PER_UNIT["V"] for unit in stated],
        events=_annotations(raw, raw.n_times / raw.info["sfreq"], raw.info["sfreq"]),
    )


def _stated(unit: str) -> str | None:
    """The unit a header gives; None when it gives none, and MNE has left the numbers as they are."""
    unit = unit.replace("µ", "u").replace("μ", "u")
    return unit if unit in ("uV", "mV", "V") else None
