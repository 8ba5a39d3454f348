"""Small programs for tests of the engine, streams that try it, and what compares its predictions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt_zi

from fastemo._backend import core
from fastemo._program import Op, Program

BACKENDS = [
    "reference",
    pytest.param("native", marks=pytest.mark.skipif(core is None, reason="no compiled core")),
]
HOLD, INTERPOLATE, RESET = range(3)
NAN = np.nan

HEADER = {
    "input.scale": 1.0,
    "input.gap_policy": 0,
    "input.max_gap": 4,
    "input.gap_tolerance": 0.015,
    "input.on_backward": 0,
    "window.length": 1,
    "window.hop": 1,
    "quality.flat": 1 << 40,
    "quality.rail": np.inf,
    "quality.step": np.inf,
    "quality.noisy": 1.0,
    "quality.minimum": 0.0,
    "time.warmup": 0,
    "time.delay": 0.0,
    "output.kind": 0,
}


def make_program(
    ops: list[Op],
    n_channels: int = 1,
    sfreq: float = 100,
    labels: tuple = (),
    vad=None,
    unit: str = "uV",
    **header,
):
    """A program at 100 Hz; header tensors are named with an underscore for the dot."""
    values = dict(HEADER)
    for name, value in header.items():
        name = name.replace("_", ".", 1)
        assert name in values, name
        values[name] = value
    tensors = {
        name: np.array([v], np.int64 if isinstance(v, int) else np.float64) for name, v in values.items()
    }
    if vad is not None:
        tensors["output.vad"] = np.array(vad, np.float64)
    metadata = {
        "format": "fastemo",
        "format_version": "1",
        "sfreq": f"{sfreq:g}",
        "unit": unit,
        "ch_names": "\n".join(f"ch{c}" for c in range(n_channels)),
        "labels": "\n".join(labels),
    }
    return Program(tuple(ops), tensors, metadata)


def mean_square(slot: int = 0) -> Op:
    """The mean square over the window of the unfiltered signal: what the engine made of its input."""
    return Op("bank_power", (slot,), {"coef": np.array([[[1.0, 0, 0, 1, 0, 0]]]), "zi": np.zeros((1, 1, 2))})


def decoder(n_channels: int, seed: int = 0, **header) -> Program:
    """Common average, band-pass, two kinds of band power, log, softmax, smoothing: a usual pipeline."""
    rng = np.random.default_rng(seed)
    sos = butter(2, [1, 40], "bandpass", fs=100, output="sos")
    bank = np.array([butter(2, band, "bandpass", fs=100, output="sos") for band in ([4, 8], [8, 13])])
    taper, n_features = np.hanning(21)[:20], 4 * n_channels
    ops = [
        Op("reference", (0,), {"weights": np.full(n_channels, 1 / n_channels)}),
        Op("sos", (1,), {"coef": sos, "zi": sosfilt_zi(sos)}),
        Op("bank_power", (2,), {"coef": bank, "zi": np.array([sosfilt_zi(s) for s in bank])}),
        Op("window", (2,)),
        Op(
            "fft_power",
            (4,),
            {"taper": taper, "bins": np.array([1, 9]), "scale": np.full(8, 0.1), "detrend": np.array([1])},
        ),
        Op("bandsum", (5,), {"edges": np.array([[0, 3], [3, 8]]), "weight": np.array([0.5, 2.0])}),
        Op("concat", (3, 6)),
        Op("log", (7,), {"gain": np.array([0.5]), "offset": np.array([1.4]), "floor": np.array([1e-4])}),
        Op("affine", (8,), {"shift": rng.normal(size=n_features), "scale": rng.normal(size=n_features)}),
        Op("linear", (9,), {"coef": 0.3 * rng.normal(size=(2, n_features)), "bias": np.zeros(2)}),
        Op("softmax", (10,)),
        Op("ema", (11,), {"alpha": np.array([0.25])}),
    ]
    defaults = {"window_length": 20, "window_hop": 7, "time_warmup": 30, "output_kind": 1, "quality_flat": 6}
    vad = [[-1, 1], [0.5, 0.5], [np.nan, np.nan]]
    return make_program(ops, n_channels, labels=("calm", "joy"), vad=vad, **(defaults | header))


def filter_bank_decoder(n_channels: int, seed: int = 0, **header) -> Program:
    """As `decoder`, of ops that give the same bits on every CPU target: no FFT."""
    rng = np.random.default_rng(seed)
    bank = np.array([butter(2, band, "bandpass", fs=100, output="sos") for band in ([4, 8], [8, 13])])
    n_features = 2 * n_channels
    ops = [
        Op("reference", (0,), {"weights": rng.uniform(size=n_channels) / n_channels}),
        Op("matrix", (1,), {"coef": rng.normal(size=(n_channels, n_channels))}),
        Op("sos", (2,), {"coef": bank[1], "zi": sosfilt_zi(bank[1])}),
        Op("bank_power", (2,), {"coef": bank, "zi": np.array([sosfilt_zi(s) for s in bank])}),
        Op("relative", (4,), {"n_rows": np.array([2])}),
        Op("bank_power", (3,), {"coef": bank, "zi": np.array([sosfilt_zi(s) for s in bank])}),
        Op("concat", (5, 6)),
        Op("bandsum", (7,), {"edges": np.array([[0, 3], [2, 4]]), "weight": np.array([0.5, 2.0])}),
        Op("log", (8,), {"gain": np.array([0.5]), "offset": np.array([1.4]), "floor": np.array([1e-4])}),
        Op("affine", (9,), {"shift": rng.normal(size=n_features), "scale": rng.normal(size=n_features)}),
        Op("linear", (10,), {"coef": 0.3 * rng.normal(size=(2, n_features)), "bias": np.zeros(2)}),
        Op("boxcar", (11,), {"n": np.array([3])}),
        Op("softmax", (12,)),
        Op("ema", (13,), {"alpha": np.array([0.25])}),
    ]
    defaults = {"window_length": 20, "window_hop": 7, "time_warmup": 30, "output_kind": 1, "quality_flat": 6}
    vad = [[-1, 1], [0.5, 0.5], [np.nan, np.nan]]
    return make_program(ops, n_channels, labels=("calm", "joy"), vad=vad, **(defaults | header))


def bad_stream(seed, n=120, n_channels=3, stamped=True):
    """Samples with runs of NaN, alone and in all channels, and stamps with jitter and gaps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_channels, n)) * 20
    for _ in range(rng.integers(0, 6)):
        start, length = rng.integers(0, n), rng.integers(1, 9)
        x[rng.integers(0, n_channels) if rng.random() < 0.6 else slice(None), start : start + length] = NAN
    if not stamped:
        return x, None
    steps = rng.choice([1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 6, 9], size=n)
    return x, 1e3 + np.cumsum(steps + rng.uniform(-0.3, 0.3, size=n)) / 100


def records(engine, chunk, stamps=None, layout="channels_first"):
    """Predictions of a chunk as one array."""
    return engine.push_array(np.asarray(chunk, np.float64), stamps, layout)


def same_bits(a, b):
    """Whether all fields are equal to the bit; padding is nobody's."""
    return all(a[name].tobytes() == b[name].tobytes() for name in a.dtype.names)
