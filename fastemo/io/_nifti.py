"""NIfTI runs and the files that lie beside them in a BIDS data set."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastemo._validate import check_sfreq_match
from fastemo.fmri import Masker, read_bold, read_confounds
from fastemo.fmri._images import load_image
from fastemo.recording import Recording

__all__ = ["NIFTI", "read_nifti"]

NIFTI = (".nii", ".nii.gz")
CONFOUNDS = ("_desc-confounds_timeseries.tsv", "_desc-confounds_regressors.tsv")


def read_nifti(
    path: Path,
    atlas: Any,
    *,
    sfreq: float | None,
    ch_names: Sequence[str] | None,
    unit: str | None,
    events: Any,
    confounds: Any,
    delay: float,
    rest: Any,
    about: dict[str, Any],
) -> Recording:
    """A run by regions (see `fastemo.io.read`)."""
    if atlas is None:
        raise ValueError(
            f"{path.name} holds volumes: pass atlas=, an image of labels, maps or a mask, or a fastemo.fmri.Masker"
        )
    if unit not in (None, "1"):
        raise ValueError(f'unit is {unit!r}, but volumes have none: leave unit= out, or pass "1"')
    image = load_image("bold", path, (4,))
    if sfreq is not None and image.tr is not None:
        check_sfreq_match(1 / image.tr, sfreq, path.name)
    if events is None and about.get("label") is None:
        events = beside(path, ("_events.tsv",))
    if isinstance(confounds, str) and confounds == "auto":
        confounds = beside(path, CONFOUNDS)
        if confounds is None:
            raise ValueError(f"there is no {_stem(path)}{CONFOUNDS[0]} beside {path.name}: pass its path")
    if isinstance(confounds, (str, os.PathLike)):
        confounds = read_confounds(confounds)
    tr = 1 / sfreq if sfreq is not None and image.tr is None else None
    recording = read_bold(
        image,
        _masker(atlas, image),
        tr=tr,
        events=events,
        confounds=confounds,
        delay=delay,
        rest=rest,
        **about,
    )
    return recording if ch_names is None else recording.pick(ch_names)


def beside(path: Path, endings: Sequence[str]) -> Path | None:
    """The file of the same run with one of these endings, by the names of BIDS."""
    found = (path.with_name(_stem(path) + ending) for ending in endings)
    return next((file for file in found if file.is_file()), None)


def _stem(path: Path) -> str:
    """sub-01_task-film_run-1 of sub-01_task-film_run-1_space-MNI_desc-preproc_bold.nii.gz."""
    return re.split(r"_(?:space|res|desc)-|_bold\b|\.nii", path.name)[0]


def _masker(atlas: Any, bold: Any) -> Masker:
    if isinstance(atlas, Masker):
        return atlas.on(bold)
    image = load_image("atlas", atlas, (3, 4))
    if image.data.ndim == 4:
        return Masker.from_maps(image, like=bold)
    if len(np.unique(image.data[np.nan_to_num(image.data) != 0])) > 1:
        return Masker.from_labels(image, like=bold)
    return Masker.from_mask(image)
