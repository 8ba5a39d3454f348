"""Bringing features to a common scale: of the training data, or of each person at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo.stages.base import Trainable, Windows

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["MIN_CALIBRATION_WINDOWS", "Standardize"]

# Fewer windows say too little about a mean and a spread.
MIN_CALIBRATION_WINDOWS = 5


@dataclass(frozen=True, eq=False, repr=False)
class Standardize(Trainable):
    """Subtracts each feature's mean and divides by its standard deviation.

    Parameters
    ----------
    baseline : bool
        False: mean and deviation of the training windows, the same for everyone.
        True: those of each person's own rest. In training every subject is scaled by their recordings with
        `role="baseline"`; `Pipeline.calibrate` does the same for a new person. Without a calibration the
        statistics of all the training subjects' baselines together stand in.

    Notes
    -----
    A feature that never varies carries nothing and becomes 0. The deviation is the biased one (ddof=0), as in
    scikit-learn.

    Examples
    --------
    >>> Standardize(baseline=True)
    Standardize(baseline=True)
    """

    takes = gives = "vector"
    baseline: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.baseline, (bool, np.bool_)):
            raise TypeError(f"baseline must be True or False, got {self.baseline!r}")

    @property
    def adapts(self) -> bool:
        return self.baseline

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        if not self.baseline:
            return mean_and_scale(windows.rows[windows.train])
        check_baselines("Standardize", windows)
        return mean_and_scale(windows.rows[windows.baseline])

    def training_rows(self, windows: Windows, fitted: Mapping[str, np.ndarray]) -> np.ndarray | None:
        if not self.baseline:
            return None
        rows = np.full(windows.rows.shape, np.nan)
        for subject in subjects_of(windows):
            own = windows.subjects == subject
            stats = mean_and_scale(windows.rows[own & windows.baseline])
            rows[own] = (windows.rows[own] - stats["mean"]) * stats["scale"]
        return rows

    def calibrate(self, rows: np.ndarray, fitted: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return mean_and_scale(rows)

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.affine(fitted["mean"], fitted["scale"])


def mean_and_scale(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and reciprocal standard deviation of each column; the latter 0 where the column is constant."""
    mean, sd = rows.mean(axis=0), rows.std(axis=0)
    varies = sd > 1e-10 * np.abs(mean)
    return {"mean": mean, "scale": np.divide(1.0, sd, out=np.zeros_like(sd), where=varies)}


def check_baselines(name: str, windows: Windows) -> None:
    """Refuses subjects without enough windows at rest."""
    for subject in subjects_of(windows):
        n = int(np.count_nonzero(windows.baseline & (windows.subjects == subject)))
        if n < MIN_CALIBRATION_WINDOWS:
            raise ValueError(
                f"{name}(baseline=True) needs at least {MIN_CALIBRATION_WINDOWS} valid baseline "
                f"windows of each subject, got {n} of subject {subject!r}: "
                f'add recordings with role="baseline", or use {name}()'
            )


def subjects_of(windows: Windows) -> list:
    """The subjects whose windows train, in order of appearance."""
    return list(dict.fromkeys(windows.subjects[windows.train]))
