"""Stamps, gaps and missing values: each rule of the engine's door with an example worked by hand."""

import numpy as np
import pytest
from programs import (
    BACKENDS,
    HOLD,
    INTERPOLATE,
    NAN,
    RESET,
    decoder,
    make_program,
    mean_square,
    records,
    same_bits,
)

import fastemo as fe
from fastemo.engine import Engine
from fastemo.reference.engine import Engine as ReferenceEngine


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


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


def flushed(probe):
    """What flush releases, as `Probe` gives it."""
    return np.round(np.sqrt(probe.engine.flush_array()["outputs"]).T, 12).tolist()


def test_flush_releases_what_is_withheld_and_the_stream_goes_on(backend):
    probe = Probe(backend, n_channels=2, input_gap_policy=INTERPOLATE, input_max_gap=6)
    assert probe([[1, NAN, NAN], [5, 6, NAN]]) == [[1], [5]]
    before = probe.counters
    records = probe.engine.flush_array()
    assert np.sqrt(records["outputs"]).T.round(12).tolist() == [[1, 1], [6, 6]]
    assert records["index"].tolist() == [1, 2]
    assert records["valid"].tolist() == [0, 0]
    assert probe.counters == before == {"nans": 3}
    assert probe.engine.counters["predictions"] == 3
    assert len(probe.engine.flush_array()) == 0
    # Lines now start from what was held.
    assert probe([[NAN, 4], [8, 9]]) == [[2.5, 4], [8, 9]]
    assert probe.index == [3, 4]
    assert probe.substituted == [[True, False], [False, False]]


def test_flush_counts_the_whole_run(backend):
    # Of five samples missing, more than max_gap, three are flushed: the channel's filters have to fill again.
    probe = Probe(backend, n_channels=2, input_gap_policy=INTERPOLATE, time_warmup=2)
    x = np.ones((2, 12))
    x[0, 3:8] = NAN
    probe(x[:, :6])
    assert flushed(probe) == [[1, 1, 1], [1, 1, 1]]
    probe(x[:, 6:])
    assert probe.substituted[0] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("policy", [HOLD, INTERPOLATE, RESET])
def test_flush_of_nothing_does_nothing(backend, policy):
    probe = Probe(backend, input_gap_policy=policy)
    assert flushed(probe) == [[]]
    assert probe([1, 2]) == [1, 2]
    assert flushed(probe) == [[]]
    probe([NAN])
    assert flushed(probe) == ([[2]] if policy == INTERPOLATE else [[]])
    assert probe([3]) == [3]


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_and_its_end_are_the_same_in_any_chunks(backend, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 196))  # a window ends with the last but one
    x[rng.random(x.shape) < 0.1] = NAN
    x[1, -3:] = NAN
    program = decoder(3, input_gap_policy=INTERPOLATE)
    whole = Engine(program, backend=backend)
    wanted = np.concatenate([records(whole, x), whole.flush_array()])
    engine = Engine(program, backend=backend)
    parts = [engine.push_array(part) for part in np.split(x, np.sort(rng.integers(0, 196, 20)), axis=1)]
    assert same_bits(np.concatenate([*parts, engine.flush_array()]), wanted)
    assert wanted["index"][-1] > records(Engine(program, backend=backend), x)["index"][-1]


def test_a_recording_that_ends_with_a_channel_missing_is_used_to_its_end():
    x = np.random.default_rng(0).standard_normal((2, 500))
    x[0, -30:] = NAN
    stages = [fe.Window(0.1, hop=0.1), fe.TimeDomain(["mean"])]
    for policy in ("hold", "interpolate"):
        pipe = fe.Pipeline(stages, sfreq=100, ch_names=["a", "b"], gap_policy=policy, check_unit=False)
        rows = pipe.transform(x)
        assert len(rows) == 50
        np.testing.assert_allclose(rows[-1], [x[0, -31], x[1, -10:].mean()])
        engine = pipe.engine()
        assert len(engine.push(x)) + len(engine.flush()) == 50


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
