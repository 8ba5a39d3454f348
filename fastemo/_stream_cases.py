"""Rows of the table of cases (`fastemo._cases`) about what happens in the stream, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from fastemo._case_programs import BANDS, LENGTH, SFREQ
from fastemo._program import Op

__all__ = ["FRONT_STAGES", "SIGNAL_OPS", "coupling_op", "quadrature_ops"]


def _measures(measures: int) -> dict[str, Any]:
    numbers = {"gain": 2.0, "floor": 1e-4, "per_radian": SFREQ / (2 * np.pi)}
    return {name: np.array([value]) for name, value in numbers.items()} | {"measures": np.array([measures])}


def _analytic(n: int, rng: np.random.Generator) -> dict[str, Any]:
    from fastemo._design import analytic_bank

    poles, weights, direct = analytic_bank(SFREQ, BANDS, 4, "the cases")
    return {"poles": poles, "weights": weights, "direct": direct, **_measures(127)}


def _wavelets(block: int) -> Callable[[int, np.random.Generator], dict[str, Any]]:
    def tensors(n: int, rng: np.random.Generator) -> dict[str, Any]:
        from fastemo._design import morlet_wavelet

        wavelets = [morlet_wavelet(SFREQ, f, 3.0, True) for f in (9.0, 20.0, 30.0)]
        taps = np.concatenate(wavelets)
        return {
            "taps": np.stack([taps.real, taps.imag], axis=-1),
            "lengths": np.array([len(w) for w in wavelets]),
            "weights": rng.random(3),
            "delay": np.array([70]),
            "block": np.array([block]),
        }

    return tensors


def quadrature_ops() -> list[Op]:
    """An FIR Hilbert transformer of slot 0, and what the two say together."""
    from fastemo.stages.hilbert import hilbert_taps

    taps = hilbert_taps(SFREQ, 8.0)
    fir = {"taps": taps, "block": np.array([0]), "first": np.array([1])}
    return [
        Op("fir", (0,), fir),
        Op("quadrature", (0, 1), {"delay": np.array([len(taps) // 2]), **_measures(127)}),
    ]


def coupling_op() -> Op:
    """The op of phase-amplitude coupling, of slot 1."""
    from fastemo.features.coupling import coupling_plan

    reach, n_fft, gains = coupling_plan("the cases", LENGTH, SFREQ, [(20, 22), (22, 24)], [(50, 100)])
    numbers = {"n_fft": n_fft, "reach": reach, "n_phase": 2, "method": 0, "n_bins": 6}
    return Op("coupling", (1,), {"gains": gains} | {name: np.array([v]) for name, v in numbers.items()})


#: Ops of the signal: name, class of bits, and their tensors for so many channels.
SIGNAL_OPS: tuple[tuple[str, str, Callable[[int, np.random.Generator], dict[str, Any]]], ...] = (
    ("analytic", "B", _analytic),
    ("wavelets", "B", _wavelets(0)),
    ("wavelets fft", "B", _wavelets(32)),
)

#: Stages of the signal: name, class of bits, and the stage.
FRONT_STAGES: tuple[tuple[str, str, Callable[[ModuleType], Any]], ...] = (
    ("Resample up", "A", lambda fe: fe.Resample(320)),
    ("Analytic", "B", lambda fe: fe.Analytic(BANDS, ["envelope", "phase", "frequency"])),
    ("Analytic power", "B", lambda fe: fe.Analytic({"alpha": (8, 13)}, "power", db=True)),
    ("Hilbert", "B", lambda fe: fe.Hilbert(8, ["envelope", "phase", "frequency"])),
)
