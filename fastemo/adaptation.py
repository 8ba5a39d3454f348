"""Adapting a fitted pipeline to one person from a few of their windows at rest, without labels."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._offline import run
from fastemo._signals import fit_signals
from fastemo._training import pick_windows
from fastemo.stages import SignalTrainable, Trainable
from fastemo.stages.alignment import MIN_CALIBRATION_WINDOWS

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["calibrate"]


def calibrate(pipe: Pipeline, rest: Any) -> Pipeline:
    """What `Pipeline.calibrate` does."""
    pipe._check_fitted()
    adapting = [
        (i, name, stage)
        for i, (name, stage) in enumerate(pipe.named_stages.items())
        if isinstance(stage, Trainable) and stage.adapts
    ]
    on_signals = any(isinstance(stage, SignalTrainable) for stage in pipe.stages)
    if not adapting and not on_signals:
        raise ValueError(
            "this pipeline has no stage that adapts to a person: use Standardize(baseline=True), or "
            'Recenter(baseline=True) for covariances, and fit with recordings of role="baseline" for each subject'
        )
    recordings = pipe._recordings(rest)
    adapted = copy.copy(pipe)
    if on_signals:
        adapted.fitted_ = adapted.fitted_ | fit_signals(pipe, recordings, only_rest=False)
        adapted._cache = None
    for i, name, stage in adapting:
        # A later stage learns from what the earlier ones, adapted already, make of the rest.
        build, program = adapted._lowered(i)
        outputs = run(program, recordings)
        picked = pick_windows(outputs, recordings, "calibrate on", build)
        rows = np.concatenate([out["outputs"][mask] for out, mask in zip(outputs, picked, strict=True)])
        if len(rows) < MIN_CALIBRATION_WINDOWS:
            raise ValueError(
                f"rest has {len(rows)} windows that can be used, expected at least "
                f"{MIN_CALIBRATION_WINDOWS}: "
                "give a longer one, a minute is usual"
            )
        adapted.fitted_ = adapted.fitted_ | {name: stage.calibrate(rows, adapted.fitted_[name])}
    adapted._cache = None
    return adapted
