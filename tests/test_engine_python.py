"""The engine as Python holds it: predictions, errors that change nothing, records in place, latency."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import (
    BACKENDS,
    HOLD,
    INTERPOLATE,
    NAN,
    RESET,
    bad_stream,
    decoder,
    make_program,
    mean_square,
    records,
    same_bits,
)

from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.prediction import Prediction, prediction_dtype


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def output(kind, values, labels, vad, backend):
    """The only record of a program that puts out constants."""
    linear = Op("linear", (1,), {"coef": np.zeros((len(values), 1)), "bias": np.array(values, float)})
    program = make_program([mean_square(), linear], output_kind=kind, labels=labels, vad=vad)
    return Engine(program, backend=backend).push(np.ones((1, 1)))[0]


def test_class_probabilities(backend):
    p = output(1, [0.25, 0.5, 0.25], ("a", "b", "c"), [[1, 0, -0.5], [0, 0.5, 1], [NAN, 0, 0]], backend)
    assert (p.label, p.valence, p.arousal) == ("b", 0.125, 0.5)
    assert np.isnan(p.dominance)
    assert p.probabilities.tolist() == [0.25, 0.5, 0.25]
    assert repr(p) == (
        "Prediction(time=0.000, label='b', probabilities=(a 0.25, b 0.50, c 0.25), "
        "valence=0.12, arousal=0.50, quality=1.00)"
    )
    with pytest.raises(AttributeError, match=r"use prediction\.probabilities"):
        _ = p.intensities


def test_label_probabilities_are_weighted_by_no_more_than_their_sum(backend):
    p = output(2, [1.0, 0.6], ("a", "b"), [[1, -0.5], [1, 1], [0, 0]], backend)
    assert p.label is None
    assert p.valence == pytest.approx((1 - 0.3) / 1.6, rel=1e-15)
    assert output(2, [0.2, 0.1], ("a", "b"), [[1, -1], [1, 1], [0, 0]], backend).valence == pytest.approx(0.1)


def test_intensities_are_their_own_valence(backend):
    p = output(3, [0.7, -0.2], ("arousal", "valence"), np.ones((3, 2)), backend)
    assert (p.arousal, p.valence) == (0.7, -0.2)
    assert np.isnan(p.dominance)
    assert p.intensities.tolist() == [0.7, -0.2]
    assert p.label is None


def test_features_and_abstained_predictions(backend):
    engine = Engine(make_program([mean_square()], 2, quality_rail=9.0, quality_minimum=0.6), backend=backend)
    good, bad = engine.push(np.array([[2.0, 9.0], [3.0, 3.0]]))
    assert good.features.tolist() == [4, 9]
    assert (good.index, good.valid, good.abstained, good.label) == (0, True, False, None)
    assert repr(good) == "Prediction(time=0.000, 2 features, quality=1.00)"
    assert bad.abstained
    assert bad.channel_quality.tolist() == [0, 1]
    assert repr(bad) == "Prediction(time=0.010, abstained, quality=0.50)"
    with pytest.raises(AttributeError):
        good.valid = False


CHUNK = np.ones((3, 4))


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((np.ones((2, 4)),), ValueError, r"chunk has 2 channels \(shape \(2, 4\) taken as .*\), expected 3"),
        ((np.ones((4, 3)),), ValueError, 'expected 3: pass layout="samples_first"'),
        ((np.ones(3),), ValueError, r"chunk has shape \(3,\), expected \(n_channels, n_samples\)"),
        ((CHUNK.astype(np.int16),), TypeError, "dtype int16, .*whole numbers are counts"),
        ((CHUNK.astype(complex),), TypeError, "dtype complex128, expected float32 or float64"),
        ((CHUNK.astype(object),), TypeError, "dtype object"),
        ((CHUNK.astype(np.float16),), TypeError, "dtype float16"),
        ((np.full((3, 4), "1.0"),), TypeError, "dtype <U3"),
        ((np.ma.masked_array(CHUNK),), TypeError, "masked array"),
        ((CHUNK, None, "rows"), ValueError, "layout must be .*, got 'rows'"),
        ((CHUNK, [1.0, 2.0]), ValueError, r"stamps have shape \(2,\), expected \(4,\)"),
        ((CHUNK, ["a"] * 4), TypeError, "stamps have dtype"),
        ((CHUNK, [1.0, 2.0, 2.0, 3.0]), ValueError, r"stamps\[2\] is 2"),
        ((CHUNK, [1.0, 2.0, 3.0, NAN]), ValueError, r"stamps\[3\] is nan"),
    ],
)
def test_push_refuses_and_stays_as_it_was(backend, args, error, message):
    x = np.random.default_rng(8).normal(size=(3, 80)) * 20
    stamps = None if len(args) < 2 or args[1] is None else np.arange(80) / 100
    twin, engine = Engine(decoder(3), backend=backend), Engine(decoder(3), backend=backend)
    whole = records(twin, x, stamps)
    first = records(engine, x[:, :33], None if stamps is None else stamps[:33])
    with pytest.raises(error, match=message):
        engine.push(*args)
    rest = records(engine, x[:, 33:], None if stamps is None else stamps[33:])
    assert same_bits(np.concatenate([first, rest]), whole)
    assert engine.counters == twin.counters


@pytest.mark.parametrize("chunk", [np.ones((3, 0)), np.ones((3, 0), np.float32), [], np.ones(0)])
def test_empty_chunk_does_nothing(backend, chunk):
    engine = Engine(decoder(3), backend=backend)
    before = engine.counters
    assert engine.push(chunk) == []
    assert engine.push(chunk, []) == []
    assert engine.counters == before
    engine.push(np.ones((3, 1)), [0.0])


def test_push_into_is_push(backend):
    x = np.random.default_rng(9).normal(size=(3, 90)) * 20
    whole = records(Engine(decoder(3), backend=backend), x)
    engine, got = Engine(decoder(3), backend=backend), []
    out = np.zeros(engine.max_predictions(10), engine.dtype)
    for start in range(0, 90, 10):
        n = engine.push_into(np.ascontiguousarray(x[:, start : start + 10].T), out, layout="samples_first")
        got.append(out[:n].copy())
    assert same_bits(np.concatenate(got), whole)


def read_only(a):
    a.flags.writeable = False
    return a


@pytest.mark.parametrize(
    ("make_out", "error"),
    [
        (lambda d: np.zeros(3, d), ValueError),
        (lambda d: np.zeros(50), TypeError),
        (lambda d: np.zeros(50, prediction_dtype(3, 3)), TypeError),
        (lambda d: [None] * 50, TypeError),
        (lambda d: np.zeros((50, 1), d), ValueError),
        (lambda d: np.zeros(100, d)[::2], ValueError),
        (lambda d: read_only(np.zeros(50, d)), ValueError),
    ],
)
def test_push_into_refuses_and_stays_as_it_was(backend, make_out, error):
    x = np.random.default_rng(10).normal(size=(3, 80)) * 20
    engine = Engine(decoder(3), backend=backend)
    with pytest.raises(error, match=r"^out "):
        engine.push_into(x, make_out(engine.dtype))
    assert engine.counters["samples"] == 0
    assert same_bits(records(engine, x), records(Engine(decoder(3), backend=backend), x))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), policy=st.integers(0, 2), length=st.integers(1, 5), hop=st.integers(1, 7))
def test_max_predictions_is_always_enough(seed, policy, length, hop):
    x, stamps = bad_stream(seed, n=40)
    program = make_program([mean_square()], 3, window_length=length, window_hop=hop, input_gap_policy=policy)
    engine = Engine(program, backend="reference")
    for start in range(0, 40, 5):
        out = np.zeros(engine.max_predictions(5), engine.dtype)
        engine.push_into(x[:, start : start + 5], out, stamps[start : start + 5])


def test_max_predictions_by_hand(backend):
    for policy, wanted in ((HOLD, 25), (INTERPOLATE, 27), (RESET, 5)):
        program = make_program([mean_square()], window_length=4, window_hop=2, input_gap_policy=policy)
        assert Engine(program, backend=backend).max_predictions(10) == wanted


@pytest.mark.parametrize("policy", [HOLD, INTERPOLATE, RESET])
def test_reset_is_as_new(backend, policy):
    x, stamps = bad_stream(11)
    program = decoder(3, input_gap_policy=policy)
    engine = Engine(program, backend=backend)
    first = records(engine, x, stamps)
    counters = engine.counters
    engine.reset()
    assert not any(engine.counters.values())
    assert same_bits(records(engine, x, stamps), first)
    assert engine.counters == counters


def test_latency_is_told_by_op(backend):
    engine = Engine(decoder(3), backend=backend)
    for _ in range(4):
        engine.push(np.random.default_rng(0).normal(size=(3, 20)))
    table = engine.latency()
    assert {"01.sos", "02.bank_power", "11.ema"} <= set(table)
    assert table["push"].count == 4
    row = table["push"]
    assert 0 < row.p50 <= row.p99 <= row.p999 <= row.max
    assert repr(table).splitlines()[0].split() == ["us", "count", "p50", "p99", "p99.9", "max"]


def test_what_an_engine_says_of_itself(backend):
    engine = Engine(decoder(3), backend=backend)
    assert (engine.sfreq, engine.n_channels, engine.unit, engine.backend) == (100, 3, "uV", backend)
    assert (engine.ch_names, engine.labels) == (["ch0", "ch1", "ch2"], ["calm", "joy"])
    assert engine.delay == pytest.approx(0.095)
    assert repr(engine).startswith("<Engine: 3 channels at 100 Hz in uV -> calm, joy every 0.07 s, 0.")
    assert repr(engine).endswith(f" s late ({backend})>")
    assert isinstance(engine.push(np.ones((3, 20)))[0], Prediction)
    with pytest.raises(ValueError, match="backend must be"):
        Engine(decoder(3), backend="gpu")


@pytest.mark.parametrize(
    ("ops", "header", "message"),
    [
        ([Op("warp", (0,))], {}, "warp"),
        ([Op("window", (1,))], {}, "slot 1"),
        ([Op("window", (0,))], {}, "vector"),
        ([mean_square()], {"output_kind": 1, "labels": ("a", "b"), "vad": np.zeros((3, 2))}, "1 outputs.* 2"),
        ([mean_square()], {"output_kind": 1, "labels": ("a",), "vad": np.zeros((2, 1))}, "output.vad"),
        ([mean_square()], {"output_kind": 1, "labels": ("a",)}, "output.vad"),
        ([mean_square()], {"window_hop": 0}, "window.hop is 0, expected 1"),
        ([mean_square()], {"input_max_gap": 0}, "input.max_gap is 0, expected 1"),
        ([mean_square()], {"input_gap_policy": 3}, "input.gap_policy is 3"),
        ([mean_square()], {"quality_rail": NAN}, "quality.rail is nan"),
    ],
)
def test_programs_that_do_not_hold_together(backend, ops, header, message):
    with pytest.raises(ValueError, match=message):
        Engine(make_program(ops, **header), backend=backend)


def test_engine_needs_no_heavy_library():
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); "
        "import fastemo.engine, fastemo.reference.engine; "
        "print([m for m in ('numba', 'sklearn', 'scipy.signal') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
