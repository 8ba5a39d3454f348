"""Rows of the table of cases (`fastemo._cases`) about what happens in the stream, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from fastemo._case_programs import BANDS, SFREQ

__all__ = ["FRONT_STAGES", "SIGNAL_OPS"]


def _measures(measures: int) -> dict[str, Any]:
    numbers = {"gain": 2.0, "floor": 1e-4, "per_radian": SFREQ / (2 * np.pi)}
    return {name: np.array([value]) for name, value in numbers.items()} | {"measures": np.array([measures])}


def _analytic(n: int, rng: np.random.Generator) -> dict[str, Any]:
    from fastemo._design import analytic_bank

    poles, weights, direct = analytic_bank(SFREQ, BANDS, 4, "the cases")
    return {"poles": poles, "weights": weights, "direct": direct, **_measures(127)}


#: Ops of the signal: name, class of bits, and their tensors for so many channels.
SIGNAL_OPS: tuple[tuple[str, str, Callable[[int, np.random.Generator], dict[str, Any]]], ...] = (
    ("analytic", "B", _analytic),
)

#: Stages of the signal: name, class of bits, and the stage.
FRONT_STAGES: tuple[tuple[str, str, Callable[[ModuleType], Any]], ...] = (
    ("Resample up", "A", lambda fe: fe.Resample(320)),
    ("Analytic", "B", lambda fe: fe.Analytic(BANDS, ["envelope", "phase", "frequency"])),
    ("Analytic power", "B", lambda fe: fe.Analytic({"alpha": (8, 13)}, "power", db=True)),
)
