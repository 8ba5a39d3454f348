"""Object viewing in the scanner (Haxby et al. 2001), at a coarse resolution: perception, not emotion."""

from __future__ import annotations

import os

import numpy as np

from fastemo._events import Event
from fastemo._validate import check_in
from fastemo.datasets._locate import locate
from fastemo.recording import Recording

__all__ = ["haxby2001"]


def haxby2001(path: str | os.PathLike[str] | None = None, labels: str = "category") -> list[Recording]:
    """fMRI of one person looking at pictures: twelve runs of 121 volumes, 129 voxels of 25 mm, TR 2.5 s.

    In each run eight blocks of 22.5 s show one of eight categories, with rest between. Haxby et al. 2001,
    doi:10.1126/science.1063736; subject 1 as distributed with PyMVPA, Creative Commons Attribution-ShareAlike 3.0.

    Parameters
    ----------
    path : str or path, optional
        `haxby_sub001_25mm.npz` (arrays bold, label, run, tr), or a folder that holds it.
    labels : {"category", "task"}
        What the events are: the eight categories, without rest; or "task" and "rest". They come 5 s after what was
        shown, for the BOLD signal lags.

    Returns
    -------
    list of Recording
        One per run, unit "1", the run's number as session.

    Raises
    ------
    FileNotFoundError
        The file is not there.
    ValueError
        It is another file.
    """
    check_in("labels", labels, ("category", "task"))
    file = locate(path, "haxby2001", "haxby_sub001_25mm.npz")
    with np.load(file, allow_pickle=False) as arrays:
        missing = {"bold", "label", "run", "tr"} - set(arrays.files)
        if missing:
            raise ValueError(f"{file.name} is not the haxby2001 file: it lacks {', '.join(sorted(missing))}")
        bold, shown, run, tr = (arrays[name] for name in ("bold", "label", "run", "tr"))
    names = [f"voxel{i}" for i in range(bold.shape[1])]
    recordings = []
    for number in np.unique(run).tolist():
        here = run == number
        events = _blocks(shown[here], float(tr))
        if labels == "task":
            events = [e._replace(label="rest" if e.label == "rest" else "task") for e in events]
        else:
            events = [e for e in events if e.label != "rest"]
        recordings.append(
            Recording(
                np.ascontiguousarray(bold[here].T, dtype=np.float64),
                1 / float(tr),
                names,
                "1",
                events=events,
                subject="sub001",
                session=number,
                source=f"{file}/run{number}",
            )
        )
    return recordings


def _blocks(shown: np.ndarray, tr: float) -> list[Event]:
    """Stretches of volumes with one label."""
    starts = np.flatnonzero(np.r_[True, shown[1:] != shown[:-1]])
    stops = np.r_[starts[1:], len(shown)]
    return [
        Event(a * tr, (b - a) * tr, str(shown[a]))
        for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
    ]
