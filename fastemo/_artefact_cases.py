"""Rows of the table of cases (`fastemo._cases`) about artefacts."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from fastemo._program import Op

__all__ = ["FRONT_STAGES", "SIGNAL_OPS", "repair_ops"]


def _places() -> dict[str, tuple[float, float, float]]:
    """Somewhere on the head for up to 128 channels: a spiral over the upper half of the sphere."""
    z, angle = 1 - np.arange(128) / 128, 2.4 * np.arange(128)
    r = np.sqrt(1 - z**2)
    return {f"ch{c}": (r[c] * np.cos(angle[c]), r[c] * np.sin(angle[c]), z[c]) for c in range(128)}


def _asr(n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Limits that the signal of the tests exceeds in a direction or two."""
    from fastemo._design import first_sample_state
    from fastemo.artefacts import shaping_filter

    sos, mix = shaping_filter(250.0), rng.standard_normal((n, n)) / n + np.eye(n)
    numbers = {"n_blocks": 3, "hop": 20, "delay": 10, "most": 1 + n // 2}
    return {
        "coef": sos,
        "zi": first_sample_state(sos),
        "limit": 500 * np.eye(n),
        "inverse": mix @ mix.T,
        **{name: np.array([value]) for name, value in numbers.items()},
    }


def _interpolate_bads(fe: ModuleType) -> Any:
    """Judged by what the signal of the tests has now and then."""
    return fe.InterpolateBads(
        fe.Quality(rail=48.0, muscle=0.1), share=0.0, most=1.0, window=0.2, hop=0.04, positions=_places()
    )


def repair_ops(n: int, rng: np.random.Generator) -> list[Op]:
    """Channels 0 and 2 of the judged signal are far beyond the rail; those of the other are repaired."""
    from fastemo.artefacts._interpolation import inverse_of_splines

    places = _places()
    gain = np.ones(n)
    if n >= 5:
        gain[[0, 2]] = 1e6
    numbers = {"most": n, "hop": 9, "n_blocks": 4, "flat": 5}
    limits = {"rail": 1e4, "step": 1e12, "noisy": 0.5, "share": 0.3}
    tensors = {"inverse": inverse_of_splines(list(places)[:n], places)}
    tensors |= {name: np.array([value]) for name, value in (numbers | limits).items()}
    return [Op("matrix", (0,), {"coef": np.diag(gain)}), Op("repair", (1, 0), tensors)]


#: Ops of the signal: name, class of bits, and their tensors for so many channels.
SIGNAL_OPS: tuple[tuple[str, str, Callable[[int, np.random.Generator], dict[str, Any]]], ...] = (
    ("asr", "B", _asr),
)

#: Stages of the signal: name, class of bits, and the stage.
FRONT_STAGES: tuple[tuple[str, str, Callable[[ModuleType], Any]], ...] = (
    ("Interpolate", "A", lambda fe: fe.Interpolate(["ch2"], _places())),
    ("InterpolateBads", "A", _interpolate_bads),
    ("EOGRegression", "A", lambda fe: fe.EOGRegression(["ch1"], warmup=0.1)),
    ("Quality checks", "A", lambda fe: fe.Quality(muscle=0.5, line=0.02, minimum=0.0)),
    ("ASR", "B", lambda fe: fe.ASR(cutoff=3, lookahead=0.1)),
)
