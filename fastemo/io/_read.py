"""`read`: one recording from one file, whatever its format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastemo import _validate
from fastemo._events import crop_events
from fastemo._validate import UV_PER_UNIT, check_channels, check_in, check_positive, check_sfreq_match
from fastemo.io._arrays import open_npy, open_npz
from fastemo.io._csv import open_csv
from fastemo.io._mne import open_mne
from fastemo.io._source import Source, split_member
from fastemo.recording import Recording

__all__ = ["SUFFIXES", "read", "read_for"]

MNE_KINDS = {".edf": "EDF", ".bdf": "BDF", ".vhdr": "BrainVision", ".fif": "FIF", ".fif.gz": "FIF"}
TEXT = (".csv", ".tsv", ".txt")
NIFTI = (".nii", ".nii.gz")
SUFFIXES = (*MNE_KINDS, ".npz", ".npy", *TEXT, *NIFTI)


def read(
    path: str | os.PathLike[str],
    *,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    unit: str | None = None,
    label: Any = None,
    subject: Any = None,
    session: Any = None,
    trial: Any = None,
    stimulus: Any = None,
    role: str | None = None,
    start: float | None = None,
    stop: float | None = None,
    ignore: Sequence[str | int] = (),
    check_unit: bool = True,
    atlas: Any = None,
    events: Any = None,
    confounds: Any = None,
    delay: float = 0.0,
    rest: Any = None,
) -> Recording:
    """Read one recording, in microvolts.

    EDF, BDF, BrainVision (.vhdr) and FIF go through MNE. `.npz` holds `data` (n_channels, n_samples) and
    may hold `sfreq`, `ch_names`, `unit`; `.npy` is such data alone. CSV (.csv, .tsv, .txt) has one row per
    sample, with or without a line of names; in a zip archive it is `archive.zip/member.csv`, as
    `arrays.npz/name` is one array of several. "EEG " before a channel's name is dropped. NIfTI (.nii, .nii.gz)
    goes through nibabel and an `atlas`: a channel for a region, a sample for a volume, unit "1".

    Parameters
    ----------
    path : str or path
    sfreq : float, optional
        Sampling frequency in Hz: needed where the file does not say it (CSV, .npy), checked where it does.
    ch_names : sequence of str, optional
        Channels wanted, in this order. By default those that are EEG by type and name: no ECG, clock,
        marker, or ear against ear (A2-A1). Where the file names no channels, the names of all of them.
    unit : {"uV", "mV", "V", "1"}, optional
        Needed where the file does not say it (CSV, .npy), checked where it does. Data in "1" stay as they
        are.
    label, subject, session, trial, stimulus, role
        What is known about the recording. A label replaces the file's annotations, which are its events
        otherwise.
    start, stop : float, optional
        Seconds: the stretch to read.
    ignore : sequence of str or int
        Columns of a CSV file that are no channels (times, markers), by name or number.
    check_unit : bool
        Refuse data whose size cannot be EEG, such as volts taken for microvolts.
    atlas : image, path or `fastemo.fmri.Masker`, optional
        For NIfTI, and needed there: labels (3-D; their means), maps (4-D), or a mask (3-D, one value beside 0; single
        voxels). A masker is used where the voxels of the file are, as by its `on`.
    events : path of a BIDS events.tsv, or sequence of (onset, duration, label), optional
        For NIfTI. By default that of the same run beside the file, if there is one and no `label`.
    confounds : path, mapping or "auto", optional
        For NIfTI: as `fastemo.fmri.read_confounds` reads them, or gives them; "auto" takes fMRIPrep's table of the same
        run beside the file. They become channels after the regions.
    delay : float
        For NIfTI: seconds by which events are moved, for the BOLD signal lags; 5 is usual.
    rest : optional
        For NIfTI: label of the time between events.

    Returns
    -------
    Recording

    Raises
    ------
    FileNotFoundError
        No such file.
    ImportError
        A format that needs MNE or nibabel, without it.
    ValueError
        An unknown suffix, an empty or damaged file, a channel that is not there, a rate or unit that is
        missing or contradicts the file, a stretch beyond its end.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> path = tempfile.mkdtemp() + "/calm.npz"
    >>> np.savez(path, data=np.zeros((2, 500)), sfreq=250, ch_names=["F3", "F4"], unit="uV")
    >>> read(path, label="calm")
    Recording(2 channels, 2 s at 250 Hz, uV, label='calm')
    """
    given = {
        "label": label,
        "subject": subject,
        "session": session,
        "trial": trial,
        "stimulus": stimulus,
        "role": role,
    }
    about = {name: value for name, value in given.items() if value is not None}
    images = {"events": events, "confounds": confounds, "delay": delay, "rest": rest}
    if os.fspath(path).lower().endswith(NIFTI):
        from fastemo.io._nifti import read_nifti

        _check_file(Path(path), ignore)
        recording = read_nifti(
            Path(path), atlas, sfreq=sfreq, ch_names=ch_names, unit=unit, about=about, **images
        )
        return recording if start is None and stop is None else recording.crop(start, stop)
    for name, value in {"atlas": atlas, **images}.items():
        if value is not None and not (name == "delay" and value == 0):
            raise ValueError(f"{name} is for NIfTI files (.nii, .nii.gz), and {os.fspath(path)} is none")
    source = _open(path, ignore)
    claimed = unit or source.units[0]
    data, rate, names, unit, first = _load(source, sfreq, ch_names, unit, start, stop)
    if check_unit:
        _validate.check_unit(data, unit, where=source.name, claimed=claimed)
    events = source.events if label is None else None
    if events is not None:
        events = crop_events(events, first / rate, (first + data.shape[1]) / rate)
    known = source.known | about
    return Recording(data, rate, names, unit, events=events, source=os.fspath(path), **known)


def read_for(
    path: str | os.PathLike[str],
    sfreq: float | None,
    ch_names: Sequence[str] | None,
    unit: str | None,
    atlas: Any = None,
) -> Recording:
    """Read a file for a pipeline: what the pipeline expects stands in for what the file does not say."""
    if hasattr(atlas, "on") and os.fspath(path).lower().endswith(NIFTI):
        regions = ch_names is None or set(ch_names) <= set(atlas.names)
        return read(path, atlas=atlas, ch_names=ch_names, confounds=None if regions else "auto")
    source = _open(path, ())
    unit = (unit or "uV") if None in source.units else None
    data, rate, names, unit, _ = _load(source, sfreq, ch_names, unit, None, None)
    return Recording(data, rate, names, unit, events=source.events, source=os.fspath(path), **source.known)


def _open(path: str | os.PathLike[str], ignore: Sequence[str | int]) -> Source:
    path = Path(path)
    file, member = split_member(path)
    _check_file(path, ignore)
    suffix = ".fif.gz" if path.name.lower().endswith(".fif.gz") else path.suffix.lower()
    if path.name.lower().endswith(NIFTI):
        raise ValueError(
            f"{path.name} holds volumes, and no atlas is known: read it with fastemo.read(..., atlas=...)"
        )
    if file.suffix.lower() == ".npz":
        return open_npz(file, member)
    if suffix in TEXT:
        return open_csv(file, member, ignore)
    if member is not None:
        raise ValueError(f"only CSV files are read from within a .zip, got {path.name}: unpack it first")
    if suffix == ".npy":
        return open_npy(file)
    if suffix in MNE_KINDS:
        return open_mne(file, MNE_KINDS[suffix])
    hint = {
        ".eeg": "; give the .vhdr file",
        ".vmrk": "; give the .vhdr file",
        ".zip": "; name a member: x.zip/a.csv",
    }
    raise ValueError(
        f"{path.name} has the unknown suffix {suffix!r}{hint.get(suffix, '')}; supported are "
        f"{', '.join(SUFFIXES)}"
    )


def _check_file(path: Path, ignore: Sequence[str | int]) -> None:
    file, _ = split_member(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if file.is_dir():
        raise ValueError(f"{path} is a folder: use read_pattern for all files in it")
    if file.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty")
    if ignore and path.suffix.lower() not in TEXT:
        raise ValueError(f"ignore is for the columns of CSV files, and {path.name} is none")


def _load(
    source: Source,
    sfreq: float | None,
    ch_names: Sequence[str] | None,
    unit: str | None,
    start: float | None,
    stop: float | None,
) -> tuple[np.ndarray, float, Sequence[str] | None, str, int]:
    """Data in uV (or "1"), sfreq, names, unit, number of the first sample; checks come before loading."""
    rate = _rate(source, sfreq)
    index, names = _channels(source, ch_names)
    units = [source.units[i % len(source.units)] for i in index]
    scales = [source.scales[i % len(source.scales)] for i in index]
    if unit is not None:
        check_in("unit", unit, UV_PER_UNIT)
        stated = next((u for u in units if u not in (None, unit)), None)
        if stated is not None:
            raise ValueError(
                f"unit is {unit!r}, but {source.name} says {stated!r}: leave unit= out to go by the file"
            )
    elif None in units:
        raise ValueError(f'{source.name} does not say the unit of its data: pass unit="uV", "mV", "V" or "1"')
    data, first = source.load(index, start, stop, rate)
    factors = np.array([UV_PER_UNIT[unit or "uV"] if scale is None else scale for scale in scales])
    if (factors != 1).any():
        data = data * factors[:, None].astype(data.dtype)
    unitless = all((u or unit) == "1" for u in units)
    return data, rate, names, "1" if unitless else "uV", first


def _rate(source: Source, sfreq: float | None) -> float:
    if sfreq is not None:
        sfreq = check_positive("sfreq", sfreq, unit="Hz")
    if source.sfreq is None:
        if sfreq is None:
            raise ValueError(f"{source.name} does not say its sampling frequency: pass sfreq= in Hz")
        return sfreq
    if sfreq is not None:
        check_sfreq_match(source.sfreq, sfreq, source.name)
    return source.sfreq


def _channels(source: Source, ch_names: Sequence[str] | None) -> tuple[list[int], Sequence[str] | None]:
    if isinstance(ch_names, str):
        raise TypeError(f"ch_names must be a sequence of names, got the string {ch_names!r}")
    if source.ch_names is None:
        if ch_names is not None and len(ch_names) != source.n_channels:
            raise ValueError(
                f"{source.name} has {source.n_channels} channels without names, so ch_names must be as many; "
                f"got {len(ch_names)}"
            )
        return list(range(source.n_channels)), ch_names
    if ch_names is not None:
        return check_channels(ch_names, source.ch_names, source.name), list(ch_names)
    index = list(range(source.n_channels) if source.eeg is None else source.eeg)
    if not index:
        raise ValueError(
            f"{source.name} has no channel that looks like EEG: choose some with ch_names=, from "
            f"{', '.join(source.ch_names)}"
        )
    return index, [source.ch_names[i] for i in index]
