"""The rules of the engine, each with an example worked by hand, and what it promises whatever the input."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal as ss
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import decoder, make_program, mean_square

from fastemo._backend import core
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.prediction import Prediction, prediction_dtype
from fastemo.reference.engine import Engine as ReferenceEngine

BACKENDS = [
    "reference",
    pytest.param("native", marks=pytest.mark.skipif(core is None, reason="no compiled core")),
]
HOLD, INTERPOLATE, RESET = range(3)
NAN = np.nan


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def records(engine, chunk, stamps=None, layout="channels_first"):
    """Predictions of a chunk as one array."""
    return engine.push_array(np.asarray(chunk, np.float64), stamps, layout)


def same_bits(a, b):
    """Whether all fields are equal to the bit; padding is nobody's."""
    return all(a[name].tobytes() == b[name].tobytes() for name in a.dtype.names)


class Probe:
    """An engine that hands out its cleaned samples: windows of one sample, which put out its square."""

    def __init__(self, backend, n_channels=1, **header):
        self.engine = Engine(make_program([mean_square()], n_channels, **header), backend=backend)

    def __call__(self, chunk, stamps=None):
        r = records(self.engine, np.atleast_2d(np.asarray(chunk, np.float64)), stamps)
        self.index, self.stamp, self.valid = r["index"].tolist(), r["stamp"], r["valid"].tolist()
        self.substituted = (1 - r["channel_quality"]).T.astype(bool).tolist()
        # Squared and rooted again: good to a rounding.
        x = np.round(np.sqrt(r["outputs"]).T, 12).tolist()
        return x if len(x) > 1 else x[0]

    @property
    def counters(self):
        return {k: v for k, v in self.engine.counters.items() if v and k not in ("samples", "predictions")}


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


def test_unit_is_scaled(backend):
    probe = Probe(backend, input_scale=1e6, unit="V")
    assert probe([2e-6, 3e-6]) == [2, 3]


def test_jitter_moves_the_line_and_fills_nothing(backend):
    probe = Probe(backend)
    assert probe([1, 2, 3, 4], [10, 10.02, 10.03, 10.045]) == [1, 2, 3, 4]
    np.testing.assert_array_equal(probe.stamp, [10, 10.02, 10.03, 10.045])
    assert probe.counters == {}


def test_the_line_is_followed_by_an_alpha_beta_tracker():
    door = ReferenceEngine(make_program([mean_square()])).input
    for stamp in (10.0, 10.014):
        assert door.missing_before(stamp) == 0
    # e = 10.014 - 10.01
    assert door.line == pytest.approx(10.01 + 0.004 / 64, abs=1e-12)
    assert door.period == pytest.approx(0.01 + 0.004 / 64 / 4096, abs=1e-15)
    assert door.missing_before(10.06) == 4
    assert door.line == 10.06


def test_a_slow_clock_is_no_gap(backend):
    # 0.2 % slow: 40 ms late after 20 s were the line not to follow, and the tolerance is 15 ms.
    n = 2000
    probe = Probe(backend)
    probe(np.ones(n), np.arange(n) / 100 * 1.002)
    assert probe.counters == {}


def test_gap_is_held(backend):
    probe = Probe(backend, n_channels=2)
    x = probe([[1, 2, 5], [10, 20, 50]], [0.0, 0.01, 0.05])
    assert x == [[1, 2, 2, 2, 2, 5], [10, 20, 20, 20, 20, 50]]
    assert probe.index == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(probe.stamp, [0, 0.01, 0.02, 0.03, 0.04, 0.05], rtol=1e-14)
    assert probe.substituted == [[False, False, True, True, True, False]] * 2
    assert probe.valid == [1, 1, 0, 0, 0, 1]
    assert probe.counters == {"gaps": 1, "filled": 3}


def test_gap_is_interpolated(backend):
    probe = Probe(backend, input_gap_policy=INTERPOLATE)
    assert probe([1, 2, 6], [0.0, 0.01, 0.05]) == [1, 2, 3, 4, 5, 6]
    assert probe.valid == [1, 1, 0, 0, 0, 1]
    assert probe.counters == {"gaps": 1, "filled": 3}


@pytest.mark.parametrize(("policy", "late"), [(RESET, 0.05), (HOLD, 0.09), (INTERPOLATE, 1e9)])
def test_gap_resets(backend, policy, late):
    probe = Probe(backend, input_gap_policy=policy, time_warmup=2)
    assert probe([1, 2, 3, 4, 5, 6], [0.0, 0.01, 0.02, late, late + 0.01, late + 0.02]) == [1, 2, 3, 4, 5, 6]
    assert probe.valid == [0, 0, 1, 0, 0, 1]
    assert probe.index == [0, 1, 2, 3, 4, 5]
    assert probe.counters == {"gaps": 1, "resets": 1}


def test_gap_of_max_gap_resets_at_its_last_sample(backend):
    probe = Probe(backend)
    assert probe([1, 2, 3], [0.0, 0.01, 0.06]) == [1, 2, 2, 2, 2, 3]
    assert probe.index == [0, 1, 2, 3, 4, 6]
    assert probe.counters == {"gaps": 1, "filled": 4, "resets": 1}


def test_gap_reset_starts_filters_and_windows_anew(backend):
    program = decoder(3)
    x = np.random.default_rng(6).normal(size=(3, 80)) * 20
    engine = Engine(program, backend=backend)
    records(engine, x[:, :40], np.arange(40) / 100)
    after = records(engine, x[:, 40:], 5 + np.arange(40) / 100)
    fresh = records(Engine(program, backend=backend), x[:, 40:], 5 + np.arange(40) / 100)
    assert (after["index"] - fresh["index"] == 40).all()
    after["index"] = fresh["index"]
    assert same_bits(after, fresh)


def test_clock_that_jumps_back_yet_rises(backend):
    # Stamps creep until the fourth is 28 ms early. The line starts anew there: 40 ms on, three are missing.
    probe = Probe(backend, input_gap_tolerance=0.02)
    assert probe([1, 2, 3, 4, 5], [0.0, 0.001, 0.0011, 0.0012, 0.0412]) == [1, 2, 3, 4, 4, 4, 4, 5]
    assert probe.counters == {"gaps": 1, "filled": 3}


def test_departure_of_less_than_half_a_sample_is_no_gap(backend):
    probe = Probe(backend, input_gap_tolerance=0.001)
    assert probe([1, 2, 3], [0.0, 0.0145, 0.029]) == [1, 2, 3]
    assert probe([4], [0.0445]) == [3, 4]
    assert probe.counters == {"gaps": 1, "filled": 1}


def test_backward_stamps_raise(backend):
    probe, twin = Probe(backend), Probe(backend)
    probe([1, 2], [0.0, 0.01]), twin([1, 2], [0.0, 0.01])
    for stamps, message in (
        ([0.02, 0.02], r"stamps\[1\] is 0.02"),
        ([0.01, 0.02], r"stamps\[0\] is 0.01"),
        ([0.02, NAN], r"stamps\[1\] is nan, expected a finite number"),
        ([0.02, np.inf], r"stamps\[1\] is inf, expected a finite number"),
    ):
        with pytest.raises(ValueError, match=message):
            probe([8, 9], stamps)
    assert probe([3], [0.02]) == twin([3], [0.02]) == [3]
    assert probe.engine.counters == twin.engine.counters


def test_backward_stamps_are_dropped(backend):
    probe = Probe(backend, input_on_backward=1)
    assert probe([1, 2, 3, 4, 5, 6], [NAN, 0.0, 0.01, 0.005, NAN, 0.02]) == [2, 3, 6]
    assert probe([7, 8], [0.015, 0.03]) == [8]
    assert probe.index == [3]
    assert probe.counters == {"dropped": 4}
    assert probe.engine.counters["samples"] == 4


def test_stamps_come_always_or_never(backend):
    for first, then in ((None, [0.5]), ([0.5], None)):
        engine = Engine(make_program([mean_square()]), backend=backend)
        engine.push(np.ones((1, 1)), first)
        with pytest.raises(ValueError, match="stamps"):
            engine.push(np.ones((1, 1)), then)
        engine.push(np.ones((1, 0)), None)
        engine.reset()
        assert len(engine.push(np.ones((1, 1)), then)) == 1


def test_nan_is_held(backend):
    probe = Probe(backend, n_channels=2)
    assert probe([[1, NAN, np.inf, 4], [NAN, 6, -np.inf, NAN]]) == [[1, 1, 1, 4], [0, 6, 6, 6]]
    assert probe.substituted == [[False, True, True, False], [True, False, True, True]]
    assert probe.valid == [0, 0, 0, 0]
    assert probe.counters == {"nans": 5}


def test_nan_is_interpolated_when_the_channel_is_back(backend):
    probe = Probe(backend, n_channels=2, input_gap_policy=INTERPOLATE)
    assert probe([[1, NAN, NAN], [5, 6, 7]]) == [[1], [5]]
    assert probe([[4, NAN], [8, 9]]) == [[2, 3, 4], [6, 7, 8]]
    assert probe.index == [1, 2, 3]
    assert probe.substituted == [[True, True, False], [False] * 3]
    assert probe([[6], [10]]) == [[5, 6], [9, 10]]


def test_no_more_than_max_gap_samples_are_withheld(backend):
    # The run has 6 samples, 4 may wait: the first two are held, the line starts from there.
    probe = Probe(backend, n_channels=2, input_gap_policy=INTERPOLATE)
    ones = np.arange(1.0, 9)
    assert probe([[1, *[NAN] * 6], ones[:7]])[0] == [1, 1, 1]
    assert probe([[6], ones[7:]]) == [[2, 3, 4, 5, 6], [4, 5, 6, 7, 8]]


def test_interpolation_does_not_wait_for_a_channel_that_never_was(backend):
    probe = Probe(backend, n_channels=2, input_gap_policy=INTERPOLATE)
    assert probe([[1, 2], [NAN, NAN]]) == [[1, 2], [0, 0]]


@pytest.mark.parametrize("policy", [HOLD, INTERPOLATE, RESET])
def test_channel_refills_its_filters_after_a_long_run(backend, policy):
    probe = Probe(backend, n_channels=2, input_gap_policy=policy, time_warmup=3, quality_minimum=-1.0)
    x = np.ones((2, 20))
    x[0, 4:9] = NAN  # one longer than max_gap
    x[1, 12:16] = NAN  # max_gap itself
    probe(x)
    assert np.flatnonzero(probe.substituted[0]).tolist() == [4, 5, 6, 7, 8, 9, 10, 11]
    assert np.flatnonzero(probe.substituted[1]).tolist() == [12, 13, 14, 15]
    assert np.flatnonzero(probe.valid).tolist() == [3, 16, 17, 18, 19]


def test_channel_missing_at_the_start_refills_too(backend):
    probe = Probe(backend, n_channels=2, time_warmup=2)
    assert probe([[1, 1, 1, 1, 1], [NAN, 2, 2, 2, 2]])[1] == [0, 2, 2, 2, 2]
    assert probe.substituted[1] == [True, True, True, False, False]


def test_all_channels_missing_resets_at_the_max_gap_th(backend):
    probe = Probe(backend, n_channels=2, time_warmup=1)
    x = np.ones((2, 12))
    x[:, 2:9] = NAN
    x[1, 8] = 3  # back with one channel
    assert probe(x) == [[1, 1, 1, 1, 1, 0, 1, 1, 1], [1, 1, 1, 1, 1, 3, 1, 1, 1]]
    assert probe.index == [0, 1, 2, 3, 4, 8, 9, 10, 11]
    assert probe.valid == [0, 1, 0, 0, 0, 0, 0, 1, 1]
    assert probe.counters == {"nans": 13, "resets": 1}


def test_reset_releases_what_is_withheld(backend):
    probe = Probe(backend, input_gap_policy=INTERPOLATE)
    assert probe([1, 2, NAN, NAN]) == [1, 2]
    assert probe([NAN, NAN, NAN]) == [2, 2, 2]
    assert probe([7]) == [7]
    assert probe.index == [7]
    assert probe.counters == {"nans": 5, "resets": 1}


def test_policy_reset_resets_at_the_first_sample_without_channels(backend):
    probe = Probe(backend, n_channels=2, input_gap_policy=RESET)
    assert probe([[NAN, 1, NAN, NAN, 4, NAN], [NAN, 2, NAN, NAN, 5, 6]]) == [[1, 4, 4], [2, 5, 6]]
    assert probe.index == [1, 4, 5]
    assert probe.counters == {"nans": 7, "resets": 1}


def test_gap_within_a_run_makes_it_longer(backend):
    probe = Probe(backend, n_channels=2, time_warmup=2)
    # Channel 1 misses two samples, three are filled: five, more than max_gap.
    probe([[1, 1, 1, 1, 1, 1], [1, NAN, NAN, 1, 1, 1]], [0.0, 0.01, 0.02, 0.06, 0.07, 0.08])
    assert probe.substituted[0] == [False] * 3 + [True] * 3 + [False] * 3
    assert probe.substituted[1] == [False] + [True] * 5 + [True, True, False]


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
