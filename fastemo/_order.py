"""In which order stages make a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastemo.stages import Stage

__all__ = ["check_order"]


def check_order(stages: Any) -> None:
    """Refuses stages that do not make a pipeline, with what to change."""
    if isinstance(stages, (str, Stage)) or not isinstance(stages, Sequence) or not stages:
        raise TypeError(f"stages must be a list of stages, such as [Window(2, hop=1), ...]; got {stages!r}")
    at, before, made = "signal", "", ""
    seen: list[str] = []
    for i, stage in enumerate(stages):
        if not isinstance(stage, Stage):
            hint = " (an instance, with brackets)" if isinstance(stage, type) else ""
            raise TypeError(f"stages[{i}] must be a stage{hint}, got {stage!r}")
        name = type(stage).__name__
        if stage.takes == "any":
            if name in seen:
                raise ValueError(f"stages hold {name} twice: keep one")
        elif stage.takes == at or (stage.takes == "row" and at in ("vector", "output")):
            if stage.after and made not in stage.after:
                raise ValueError(
                    f"stages[{i}]: {name} needs covariances, but stands after {before}: put it after Covariance(...)"
                )
            before = name
            if stage.gives != "row":
                at, made = stage.gives, name
        else:
            raise ValueError(f"stages[{i}]: {_misplaced(name, stage, at, before)}")
        seen.append(name)
    if at in ("signal", "window"):
        missing = "Window(length, hop) and a feature" if at == "signal" else "a feature"
        raise ValueError(
            f"stages end before there are features: add {missing} such as DifferentialEntropy(...)"
        )


def _misplaced(name: str, stage: Stage, at: str, before: str) -> str:
    if name == "Window" and at != "signal":
        return f"a second Window after {before}: a pipeline has one window, keep one"
    if stage.takes == "signal":
        return f"{name} works on the signal, but stands after {before}: move it before Window"
    if stage.takes == "window":
        if at == "signal":
            return f"{name} needs windows: put Window(length, hop) before it"
        return f"{name} needs windows, but {before} has made features of them: combine with Features([...])"
    if at in ("signal", "window"):
        missing = "Window(length, hop) and a feature" if at == "signal" else "a feature"
        return f"{name} works on features, but there are none: put {missing} such as BandPower(...) before it"
    if stage.gives == "output":
        return f"a second decoder {name} after {before}: a pipeline has one decoder, keep one"
    return f"{name} works on features, but stands after the decoder: move it before that"
