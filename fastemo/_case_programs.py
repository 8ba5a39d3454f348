"""Programs of a few ops, for the table of cases: the last op is the one in question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo._program import Op, Program

SFREQ = 250.0
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
LENGTH, HOP = 125, 25  # of windows, in samples


def _sos() -> np.ndarray:
    from fastemo._design import butterworth

    return butterworth(SFREQ, 1, 45, 4, "the cases")


def _bank() -> tuple[np.ndarray, np.ndarray]:
    from fastemo._design import butterworth, first_sample_state

    bank = np.stack([butterworth(SFREQ, lo, hi, 4, "the cases") for lo, hi in BANDS.values()])
    return bank, np.stack([first_sample_state(sos) for sos in bank])


def _header(**header: Any) -> dict[str, np.ndarray]:
    values = {
        "input.scale": 1.0, "input.gap_policy": 0, "input.max_gap": 250, "input.gap_tolerance": 0.04,
        "input.on_backward": 0, "window.length": LENGTH, "window.hop": HOP, "quality.flat": 62,
        "quality.rail": np.inf, "quality.step": np.inf, "quality.noisy": 0.1, "quality.minimum": 0.0,
        "time.warmup": 0, "time.delay": 0.0, "output.kind": 0,
    }  # fmt: skip
    values |= {name.replace("_", ".", 1): value for name, value in header.items()}
    return {k: np.array([v], np.int64 if isinstance(v, int) else np.float64) for k, v in values.items()}


class _Run:
    """The whole signal through an engine: the outputs of all windows."""

    def __init__(self, program: Program, implementation: str) -> None:
        from fastemo.engine import Engine

        self.program = program
        self._engine = Engine(program, backend=implementation)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self._engine.reset()
        return self._engine.push_array(x)["outputs"]


def _program(ops: list[Op], n_channels: int) -> Program:
    names = "\n".join(f"ch{c}" for c in range(n_channels))
    return Program(tuple(ops), _header(), {"sfreq": "250", "unit": "uV", "ch_names": names, "labels": ""})


def _ops(build: Callable[[int, np.random.Generator], list[Op]]) -> Callable:
    """A program of a few ops, the last of which is the one in question."""

    def make(implementation: str, n_channels: int, n_samples: int) -> Callable:
        ops = build(n_channels, np.random.default_rng(n_channels))
        return _Run(_program(ops, n_channels), implementation)

    return make


def _power(slot: int = 0) -> Op:
    """Mean square of every channel: the least that makes a vector of a signal."""
    return Op("bank_power", (slot,), {"coef": np.array([[[1.0, 0, 0, 1, 0, 0]]]), "zi": np.zeros((1, 1, 2))})


def _bands(slot: int = 0) -> Op:
    bank, zi = _bank()
    return Op("bank_power", (slot,), {"coef": bank, "zi": zi})


def _scalars(**values: float) -> dict[str, np.ndarray]:
    return {k: np.array([v], np.int64 if isinstance(v, int) else np.float64) for k, v in values.items()}


def _signal_op(kind: str, tensors: Callable[[int, np.random.Generator], dict]) -> Callable:
    return _ops(lambda n, rng: [Op(kind, (0,), tensors(n, rng)), _power(1)])


def _vector_op(kind: str, tensors: Callable[[int, np.random.Generator], dict], **before: Any) -> Callable:
    """The op behind the band powers of a filter bank, three rows of channels."""
    return _ops(lambda n, rng: [_bands(), Op(kind, (1,), tensors(n, rng))])


def _score_op(kind: str) -> Callable:
    return _ops(
        lambda n, rng: [
            _bands(),
            Op("log", (1,), _scalars(gain=0.5, offset=0.0, floor=1e-4)),
            Op("linear", (2,), {"coef": rng.standard_normal((4, 3 * n)) / n, "bias": rng.standard_normal(4)}),
            Op(kind, (3,), {}),
        ]
    )


def _fft_op(n: int, rng: np.random.Generator) -> list[Op]:
    tensors = {"taper": np.hanning(LENGTH + 1)[:-1], "bins": np.array([2, 30]), "scale": np.full(28, 0.01)}
    return [Op("window", (0,)), Op("fft_power", (1,), tensors | _scalars(detrend=1))]


def _taper_op(n: int, rng: np.random.Generator) -> list[Op]:
    tensors = {"tapers": rng.random((3, 60)), "weights": rng.random(3), "bins": np.array([2, 20])}
    return [
        Op("window", (0,)),
        Op("taper_power", (1,), tensors | _scalars(hop=20, detrend=1) | {"scale": rng.random(18)}),
    ]


def _sliding_op(n: int, rng: np.random.Generator) -> list[Op]:
    tensors = {"taper": np.array([0.5, 0.5]), "bins": np.array([1, 20]), "scale": rng.random(19)}
    tensors |= {"edges": np.array([[0, 4], [7, 19]]), "weight": rng.random(2)} | _scalars(detrend=1)
    return [Op("sliding_power", (0,), tensors)]


def _bandsum_op(n: int, rng: np.random.Generator) -> list[Op]:
    edges = {"edges": np.array([[0, 4], [4, 5], [10, 28]]), "weight": np.array([0.5, 2.0, 1.0])}
    return [*_fft_op(n, rng), Op("bandsum", (2,), edges)]
