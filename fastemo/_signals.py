"""How stages before the window learn: from the signals that arrive at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastemo._lowering import Build, lower
from fastemo._offline import pick_windows, run
from fastemo._validate import UV_PER_UNIT
from fastemo.recording import Recording
from fastemo.stages import SignalTrainable, WindowTrainable

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["fit_signals"]


def fit_signals(
    pipe: Pipeline, recordings: Sequence[Recording], only_rest: bool = True
) -> dict[str, dict[str, np.ndarray]]:
    """What the stages before the window that learn have learnt, by parameter name.

    From the baselines where there are any and `only_rest`, else from all recordings.
    """
    named = list(pipe.named_stages.items())
    last = max((i for i, (_, stage) in enumerate(named) if isinstance(stage, SignalTrainable)), default=-1)
    if last < 0:
        return {}
    rest = [rec for rec in recordings if rec.role == "baseline"]
    if only_rest and rest:
        recordings = rest
    sfreq, ch_names = recordings[0].sfreq, list(recordings[0].ch_names)
    scale = UV_PER_UNIT[pipe.unit]
    fitted: dict[str, dict[str, np.ndarray]] = {}
    for i, (name, stage) in enumerate(named[: last + 1]):
        if not isinstance(stage, SignalTrainable):
            continue
        build = Build(sfreq, ch_names, pipe.unit)
        lower(dict(named[:i]), fitted, build)
        if isinstance(stage, WindowTrainable):
            stage.observe(build)
            outputs = run(build.program(pipe._options), recordings)
            picked = pick_windows(outputs, recordings, "learn from", build)
            rows = [out["outputs"][mask] for out, mask in zip(outputs, picked, strict=True)]
            fitted[name] = stage.fit_rows(np.concatenate(rows), build)
            continue
        signals = [_arriving(build, _held(scale * np.asarray(rec.data, np.float64))) for rec in recordings]
        fitted[name] = stage.fit_signal(signals, build.sfreq)
    return fitted


def _held(x: np.ndarray) -> np.ndarray:
    """Values that are not finite replaced by the channel's last one, 0 before the first."""
    good = np.isfinite(x)
    if good.all():
        return x
    newest = np.maximum.accumulate(np.where(good, np.arange(x.shape[1]), -1), axis=1)
    return np.where(newest >= 0, np.take_along_axis(x, np.maximum(newest, 0), axis=1), 0.0)


def _arriving(build: Build, x: np.ndarray) -> np.ndarray:
    """What the ops make of a whole recording."""
    from fastemo.reference.ops import OPS, Slot
    from fastemo.signal import sosfilt

    slots = [x]
    for op in build.ops:
        read = [slots[i] for i in op.inputs]
        x = read[0]
        if op.kind == "sos":
            slots.append(sosfilt(op["coef"], x, zi=op["zi"][:, None] * x[:, :1])[0])
        else:
            slots.append(OPS[op.kind](op, [Slot("signal", (len(x),)) for x in read], 1).process(*read))
    return slots[build.slot]
