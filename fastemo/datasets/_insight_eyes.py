"""Eyes open and eyes closed, recorded with a consumer headset."""

from __future__ import annotations

import os
import zipfile
from pathlib import PurePosixPath

from fastemo.datasets._locate import locate
from fastemo.io import read
from fastemo.recording import Recording

__all__ = ["insight_eyes"]

CHANNELS = ("AF3", "T7", "Pz", "T8", "AF4")


def insight_eyes(path: str | os.PathLike[str] | None = None) -> list[Recording]:
    """Five recordings of 40 s with eyes open and five with eyes closed, one person, Emotiv Insight, 128 Hz.

    All "open" recordings precede all "closed" ones, so the condition is confounded with time. Samples keep
    the headset's offset of about 4200 uV. A. Gunawardhana, Brain-Download-Datasets ("1.Baseline"), 2021,
    MIT licence.

    Parameters
    ----------
    path : str or path, optional
        `1.Baseline.zip`, or a folder that holds it.

    Returns
    -------
    list of Recording
        In uV, in the order of recording; labels "open" and "closed", trial the name of the file.

    Raises
    ------
    FileNotFoundError
        The file is not there.
    ValueError
        It is another file.
    """
    file = locate(path, "emotiv-insight-eyes", "1.Baseline.zip")
    try:
        with zipfile.ZipFile(file) as archive:
            members = [PurePosixPath(name) for name in archive.namelist() if name.endswith(".csv")]
    except zipfile.BadZipFile as error:
        raise ValueError(f"{file.name} is no zip archive: {error}") from None
    members = [m for m in members if m.name.startswith(("Open_", "Closed_"))]
    if not members:
        raise ValueError(f"{file.name} holds no Open_*.csv and Closed_*.csv")
    return [
        read(
            file / member,
            sfreq=128,
            ch_names=CHANNELS,
            unit="uV",
            label=member.name.split("_")[0].lower(),
            subject="s00",
            trial=member.stem,
        )
        for member in sorted(members, key=lambda m: m.stem.split("_")[-1])
    ]
