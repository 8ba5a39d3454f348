"""EEG before and during mental arithmetic (PhysioNet eegmat): mental load, not emotion."""

from __future__ import annotations

import os
import re

import numpy as np

from fastemo.datasets._locate import locate
from fastemo.recording import Recording

__all__ = ["eegmat"]

PARTS = {"rest0": ("baseline", None), "rest1": ("data", "rest"), "task": ("data", "task")}


def eegmat(path: str | os.PathLike[str] | None = None) -> list[Recording]:
    """EEG of people at rest and doing mental arithmetic (mental load, not emotion), 125 Hz, 19 channels.

    Per subject, 60 s each: `rest0`, the baseline for calibration (role "baseline", no label, never scored);
    `rest1`, labelled "rest"; `task`, labelled "task". Zyma et al. 2019, doi:10.3390/data4010014; Goldberger
    et al. 2000, doi:10.1161/01.CIR.101.23.e215; Open Data Commons Attribution License 1.0.

    Parameters
    ----------
    path : str or path, optional
        `eegmat_125hz.npz` (arrays sNN_rest0, sNN_rest1, sNN_task of counts, channels, fs, uv_per_lsb) or a
        folder that holds it.

    Returns
    -------
    list of Recording
        In uV (float64), subject by subject.

    Raises
    ------
    FileNotFoundError
        The file is not there.
    ValueError
        It is another file.
    """
    file = locate(path, "eegmat", "eegmat_125hz.npz")
    recordings = []
    with np.load(file, allow_pickle=False) as arrays:
        missing = {"channels", "fs", "uv_per_lsb"} - set(arrays.files)
        keys = sorted(key for key in arrays.files if re.fullmatch(r"s\d+_(rest0|rest1|task)", key))
        if missing or not keys:
            raise ValueError(
                f"{file.name} is no eegmat file: it lacks {', '.join(sorted(missing)) or 'recordings'}"
            )
        names = arrays["channels"].tolist()
        sfreq, scale = float(arrays["fs"]), float(arrays["uv_per_lsb"])
        for key in keys:
            subject, part = key.split("_")
            role, label = PARTS[part]
            recordings.append(
                Recording(
                    arrays[key] * scale,
                    sfreq,
                    names,
                    label=label,
                    subject=subject,
                    trial=part,
                    role=role,
                    source=f"{file}/{key}",
                )
            )
    return recordings
