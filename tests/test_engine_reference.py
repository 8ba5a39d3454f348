"""Windows, quality and validity, each rule by hand, and what the engine promises whatever the input."""

import ctypes

import numpy as np
import pytest
import scipy.signal as ss
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import BACKENDS, NAN, bad_stream, decoder, make_program, mean_square, records, same_bits

from fastemo._backend import core
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.prediction import prediction_dtype
from fastemo.reference.engine import Engine as ReferenceEngine


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def test_record_is_the_c_struct():
    class Record(ctypes.Structure):
        _fields_ = (
            ("index", ctypes.c_int64), ("time", ctypes.c_double), ("stamp", ctypes.c_double),
            ("outputs", ctypes.c_double * 3), ("valence", ctypes.c_double), ("arousal", ctypes.c_double),
            ("dominance", ctypes.c_double), ("quality", ctypes.c_double),
            ("channel_quality", ctypes.c_double * 5),
            ("class_index", ctypes.c_int32), ("valid", ctypes.c_uint8), ("abstained", ctypes.c_uint8),
        )  # fmt: skip

    dtype = prediction_dtype(3, 5)
    assert dtype.itemsize == ctypes.sizeof(Record)
    assert dtype.names == tuple(name for name, _ in Record._fields_)
    for name in dtype.names:
        assert dtype.fields[name][1] == getattr(Record, name).offset


def test_dtype_of_the_engine(backend):
    assert Engine(decoder(5), backend=backend).dtype == prediction_dtype(2, 5)


def test_windows_by_hand(backend):
    engine = Engine(
        make_program([mean_square()], window_length=3, window_hop=2, time_delay=0.5), backend=backend
    )
    r = records(engine, [[1, 2, 3, 4, 5, 6]])
    assert r["index"].tolist() == [2, 4]
    np.testing.assert_allclose(r["outputs"][:, 0], [(1 + 4 + 9) / 3, (9 + 16 + 25) / 3], rtol=1e-15)
    np.testing.assert_array_equal(r["stamp"], [0.02, 0.04])
    np.testing.assert_allclose(r["time"], [0.02 - 0.01 - 0.5, 0.04 - 0.01 - 0.5], rtol=1e-15)
    assert records(engine, [[7.0]])["index"].tolist() == [6]


def test_hop_beyond_length(backend):
    engine = Engine(make_program([mean_square()], window_length=2, window_hop=5), backend=backend)
    r = records(engine, [np.arange(1, 14.0)])
    assert r["index"].tolist() == [1, 6, 11]
    np.testing.assert_array_equal(r["outputs"][:, 0], [(1 + 4) / 2, (36 + 49) / 2, (121 + 144) / 2])


def test_pipeline_is_the_textbook_chain(backend):
    x = np.random.default_rng(3).normal(size=(4, 200)) * 10 + 100
    program = decoder(4, quality_flat=1000)
    params = [op.tensors for op in program.ops]
    car = x - x.mean(axis=0)
    y = ss.sosfilt(params[1]["coef"], car, zi=params[1]["zi"][:, None] * car[None, :, :1])[0]
    bands = [
        ss.sosfilt(sos, y, zi=zi[:, None] * y[None, :, :1])[0]
        for sos, zi in zip(params[2]["coef"], params[2]["zi"], strict=True)
    ]
    smooth, wanted = None, []
    for end in range(20, 201, 7):
        w = y[:, end - 20 : end]
        spectrum = (
            0.1 * np.abs(np.fft.rfft((w - w.mean(axis=1, keepdims=True)) * params[4]["taper"]))[:, 1:9] ** 2
        )
        rows = [(b[:, end - 20 : end] ** 2).mean(axis=1) for b in bands]
        rows += [0.5 * spectrum[:, :3].sum(axis=1), 2 * spectrum[:, 3:].sum(axis=1)]
        features = 0.5 * np.log(np.maximum(np.concatenate(rows), 1e-4)) + 1.4
        scores = params[9]["coef"] @ ((features - params[8]["shift"]) * params[8]["scale"])
        p = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        if end - 20 >= 30:
            p = smooth = p if smooth is None else smooth + 0.25 * (p - smooth)
        wanted.append(p)
    r = records(Engine(program, backend=backend), x)
    # Rounding of filters and logarithms only.
    np.testing.assert_allclose(r["outputs"], wanted, rtol=1e-9)
    assert r["valid"].tolist() == [end - 20 >= 30 for end in range(20, 201, 7)]
    np.testing.assert_allclose(r["valence"], r["outputs"] @ [-1, 1], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(r["arousal"], 0.5, rtol=1e-12)
    assert np.isnan(r["dominance"]).all()
    np.testing.assert_array_equal(r["class_index"], np.argmax(wanted, axis=1))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 120), max_size=8), policy=st.integers(0, 2))
def test_chunks_are_not_seen(seed, cuts, policy):
    x, stamps = bad_stream(seed, stamped=seed % 4 > 0)
    program = decoder(3, input_gap_policy=policy, quality_minimum=0.6, time_warmup=9)
    whole = ReferenceEngine(program).push(x, stamps)
    engine, parts = ReferenceEngine(program), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 120], strict=True):
        part = None if stamps is None else stamps[start:stop]
        parts.append(engine.push(x[:, start:stop].T, part, "samples_first"))
    assert same_bits(np.concatenate(parts), whole)
    counters = engine.counters()
    assert counters["samples"] == 120
    assert counters["predictions"] == len(whole)
    assert counters["nans"] == np.isnan(x).sum()
    assert not len(whole) or whole["index"][-1] < counters["samples"] + counters["filled"]
    assert np.isnan(whole["outputs"]).any(axis=1).tolist() == whole["abstained"].astype(bool).tolist()


@pytest.mark.skipif(core is None, reason="no compiled core")
@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), policy=st.integers(0, 2), on_backward=st.integers(0, 1))
def test_native_engine_is_the_reference(seed, policy, on_backward):
    x, stamps = bad_stream(seed, stamped=seed % 4 > 0)
    if on_backward and stamps is not None:
        stamps[50:53], stamps[70] = stamps[49], NAN
    program = decoder(
        3, input_gap_policy=policy, input_on_backward=on_backward, quality_minimum=0.6, time_warmup=9,
        quality_rail=45.0, quality_step=60.0, quality_noisy=0.1,
    )  # fmt: skip
    reference, native = Engine(program, backend="reference"), Engine(program, backend="native")
    wanted, got = records(reference, x, stamps), records(native, x, stamps)
    assert native.counters == reference.counters
    for name in ("index", "stamp", "time", "quality", "channel_quality", "class_index", "valid", "abstained"):
        np.testing.assert_array_equal(got[name], wanted[name])
    for name in ("outputs", "valence", "arousal"):
        np.testing.assert_allclose(got[name], wanted[name], rtol=1e-9)


def test_float32_and_layouts_are_the_same_samples(backend):
    x = (np.random.default_rng(5).normal(size=(4, 90)) * 20).astype(np.float32)
    program = decoder(4)
    whole = records(Engine(program, backend=backend), x.astype(np.float64))
    strided = np.zeros((8, 180), np.float32)[::2, ::2]
    strided[:] = x
    for chunk in (x, strided, x.T.copy(), x.T):
        layout = "channels_first" if len(chunk) == 4 else "samples_first"
        engine = Engine(program, backend=backend)
        assert same_bits(engine.push_array(chunk, layout=layout), whole)


def test_quality_counts_a_bad_sample_once(backend):
    program = make_program(
        [mean_square()], 3, window_length=10, window_hop=10, quality_flat=3, quality_rail=100.0
    )
    ramp = np.arange(10.0)
    flat = np.array([0, 1, 5, 5, 5, 5, 6, 7, 8, 9.0])  # the 3rd and 4th of the run
    worse = np.array(
        [0, 100, 100, 100, NAN, -200, 6, 7, 8, 9.0]
    )  # railed, then flat as well, then substituted
    r = records(Engine(program, backend=backend), [ramp, flat, worse])
    np.testing.assert_allclose(r["channel_quality"], [[1, 0.8, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(r["quality"], [2.3 / 3], rtol=1e-15)


def test_flat_run_reaches_back_over_windows_and_chunks(backend):
    engine = Engine(
        make_program([mean_square()], window_length=2, window_hop=2, quality_flat=3), backend=backend
    )
    scores = [records(engine, [[a, a]])["quality"].item() for a in (1.0, 1.0, 1.0, 2.0)]
    assert scores == [1, 0, 0, 1]


def test_noisy_channel_scores_nothing(backend):
    program = make_program(
        [mean_square()], 2, window_length=10, window_hop=10, quality_step=50.0, quality_noisy=0.2
    )
    twice, thrice = np.zeros(10), np.zeros(10)
    twice[4] = 60  # up and down: 2 of 10
    thrice[4], thrice[8:] = 60, 60.0
    r = records(Engine(program, backend=backend), [twice, thrice])
    assert r["channel_quality"].tolist() == [[1, 0]]


def test_noisy_fraction_at_the_limit_is_good(backend):
    # 15 of 22 samples: (15 / 22) * 22 rounds to less than 15.
    program = make_program([mean_square()], window_length=22, quality_step=50.0, quality_noisy=15 / 22)
    x = np.zeros(23)
    x[1:15:2], x[15:] = 60, 60
    assert records(Engine(program, backend=backend), [x])["channel_quality"].tolist() == [[1], [1]]


def test_abstention(backend):
    ops = [mean_square(), Op("ema", (1,), {"alpha": np.array([0.5])})]
    program = make_program(ops, window_length=2, window_hop=2, quality_rail=100.0, quality_minimum=0.6)
    r = records(Engine(program, backend=backend), [[2, 2, 100, 3, 4, 4]])
    assert r["abstained"].tolist() == [0, 1, 0]
    assert r["valid"].tolist() == [1, 0, 1]
    # The smoother never saw the second window: 4, then (4 + 16) / 2.
    np.testing.assert_array_equal(r["outputs"][:, 0], [4, NAN, 10])
    assert np.isnan(r["valence"]).all()


def test_smoothers_pass_windows_through_before_the_warm_up(backend):
    ops = [mean_square(), Op("boxcar", (1,), {"n": np.array([2])})]
    program = make_program(ops, time_warmup=2)
    r = records(Engine(program, backend=backend), [[1, 2, 3, 4, 5]])
    assert r["outputs"][:, 0].tolist() == [1, 4, 9, (9 + 16) / 2, (16 + 25) / 2]
    assert r["valid"].tolist() == [0, 0, 1, 1, 1]


def test_valid_needs_a_window_wholly_past_the_warm_up(backend):
    program = make_program([mean_square()], window_length=3, window_hop=1, time_warmup=2)
    r = records(Engine(program, backend=backend), [[1, 2, 3, 4, 5, NAN, 7, 8, 9, 10]])
    assert r["index"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert r["valid"].tolist() == [0, 0, 1, 0, 0, 0, 1, 1]
