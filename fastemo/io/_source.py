"""An opened file: what it says about itself, and how to load samples of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastemo.recording import Event

__all__ = ["CONTAINERS", "Source", "eeg_name", "eeg_names", "is_eeg", "split_member"]

# Files that hold others: path/to/archive.zip/member.csv, path/to/arrays.npz/name.
CONTAINERS = (".zip", ".npz")

NOT_EEG = re.compile(
    r"(ecg|ekg|eog|[hv]eo|emg|gsr|eda|resp|ppg|pleth|spo2|temp|acc|gyr|mag_?[xyz]|sti|trig|status|event|marker"
    r"|annot|label|time|timestamp|tick|sample|counter|package|index|unix|contactquality|quality|cq_|bat)",
    re.IGNORECASE,
)
BETWEEN_EARS = re.compile(r"[am][12] ?- ?[am][12]", re.IGNORECASE)


@dataclass
class Source:
    """What a file says; None where it does not.

    `units` has one entry per channel, or a single one for all. `load(index, start, stop)` returns the
    samples (n_channels, n_samples) of the channels with these indices and the number of the first sample,
    from seconds.
    """

    name: str
    n_channels: int
    load: Callable[[Sequence[int], float | None, float | None, float], tuple[np.ndarray, int]]
    ch_names: Sequence[str] | None = None
    eeg: Sequence[int] | None = None
    sfreq: float | None = None
    units: Sequence[str | None] = (None,)
    scales: Sequence[float | None] = (None,)
    events: Sequence[Event] | None = None
    known: dict[str, Any] = field(default_factory=dict)


def eeg_name(name: str) -> str:
    """A channel's name without the "EEG " that EDF puts before it.

    >>> eeg_name("EEG Fp1"), eeg_name("ECG ECG")
    ('Fp1', 'ECG ECG')
    """
    return re.sub(r"^eeg[ _]+(?=\S)", "", name.strip(), flags=re.IGNORECASE)


def eeg_names(names: Sequence[str]) -> list[str]:
    """All names without "EEG ", or as they are if two of them would become one."""
    short = [eeg_name(name) for name in names]
    return short if len(set(short)) == len(short) else [name.strip() for name in names]


def is_eeg(name: str) -> bool:
    """Whether a channel or column may be EEG by its name: no clock, marker, muscle, or ear against ear."""
    name = eeg_name(name)
    return not (NOT_EEG.match(name) or BETWEEN_EARS.fullmatch(name))


def split_member(path: Path) -> tuple[Path, str | None]:
    """The file on disk and the member in it: `a.zip/b.csv` is `b.csv` in `a.zip`."""
    for parent in path.parents:
        if parent.suffix.lower() in CONTAINERS and parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    return path, None
