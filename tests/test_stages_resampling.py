"""Changes of rate in the stream: values, clock, stamps, gaps and quality."""

from itertools import pairwise
from math import ceil

import numpy as np
import pytest
from programs import (
    BACKENDS,
    HOLD,
    INTERPOLATE,
    RESET,
    bad_stream,
    make_program,
    mean_square,
    records,
    same_bits,
)
from scipy.signal import resample_poly, upfirdn

import fastemo as fe
from fastemo import model_file
from fastemo._backend import core
from fastemo._fir_design import resampling_taps
from fastemo._lowering import Build, lower
from fastemo._program import Op, Program, Rate
from fastemo.engine import Engine

native = pytest.mark.skipif(core is None, reason="no compiled core")
RATIOS = [(1, 1), (1, 4), (2, 3), (32, 125), (3, 7), (2, 1), (7, 2), (125, 32)]


def resample(slot, up, down, taps=None, first=1):
    taps = (
        (resampling_taps(up, down) if max(up, down) > 1 else [1.0])
        if taps is None
        else np.asarray(taps, float)
    )
    tensors = {"taps": taps, "up": np.array([up]), "down": np.array([down]), "first": np.array([first])}
    return Op("resample", (slot,), tensors)


def program(up, down, taps=None, first=1, n_channels=1, **header):
    return make_program([resample(0, up, down, taps, first), mean_square(1)], n_channels, **header)


def lowered(*stages, sfreq=250.0):
    build = Build(sfreq, ["a", "b"], "uV")
    lower(dict(enumerate(stages)), {}, build)
    return build


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("up", "down"), RATIOS)
def test_samples_are_those_of_a_polyphase_filter(backend, up, down):
    rng = np.random.default_rng(down)
    x, taps = rng.standard_normal((3, 500 if up <= down else 150)) + 30, rng.standard_normal(40)
    for first in (0, 1):
        level = first * x[:, :1]
        longer = np.pad(x - level, ((0, 0), (0, 9)))  # as many results as there are, whatever the taps
        wanted = upfirdn(taps, longer, up, down)[:, : ceil(x.shape[1] * up / down)]
        wanted += level * taps.sum() / up
        got = Engine(program(up, down, taps, first, 3), backend=backend).push_array(x)["outputs"].T
        np.testing.assert_allclose(np.sqrt(got), np.abs(wanted), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_is_scipys_resampling_but_for_the_delay(backend):
    x = np.random.default_rng(0).standard_normal((1, 1000))
    got = Engine(program(32, 125, first=0), backend=backend).push_array(x)["outputs"][:, 0]
    delay = 10 * 125 // 125  # ten samples of the new rate, here a whole number
    wanted = resample_poly(x[0], 32, 125)
    np.testing.assert_allclose(
        np.sqrt(got[delay:]), np.abs(wanted[: len(got) - delay]), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("up", "down"), [(2, 1), (125, 32)])
def test_a_raised_rate_is_scipys_too(backend, up, down):
    x = np.random.default_rng(0).standard_normal((1, 200))
    got = Engine(program(up, down, first=0), backend=backend).push_array(x)["outputs"][:, 0]
    delay, whole = divmod(10 * up, down)  # ten samples of the input
    if whole:  # between two of the outputs: those of the filter itself, which SciPy centres
        wanted = upfirdn(resampling_taps(up, down), x[0], up, down)[: len(got)]
        delay = 0
    else:
        wanted = resample_poly(x[0], up, down)
    np.testing.assert_allclose(
        np.sqrt(got[delay:]), np.abs(wanted[: len(got) - delay]), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    "steps",
    [
        (),
        ((1, 4),),
        ((3, 1),),
        ((5, 2), (2, 3)),
        ((1, 3), (7, 2)),
        ((4, 1), (1, 4)),
        ((2, 3),),
        ((32, 125), (2, 5)),
        ((3, 5), (1, 1), (4, 7)),
    ],
)
def test_the_clock(steps):
    rate = Rate(steps)
    newest = [rate.newest(m) for m in range(200)]
    for n in range(0, 150, 7):
        assert rate.samples(n) == sum(rate.newest(k) < n for k in range(1000))
    for m in range(1, 200):
        assert rate.needed(m) == newest[m - 1] + 1
        assert 0 <= rate.beyond(m) <= sum(Rate(steps[:i]).period for i in range(len(steps)))
        span = [rate.needed(start + m) - rate.first(start) for start in range(30)]
        assert 1 <= min(span) <= max(span) <= rate.span(m)
    # Places are multiples of the period but for what each change of rate rounds down.
    place = np.array([rate.newest(m) + rate.beyond(m) for m in range(200)])
    np.testing.assert_allclose(place, np.arange(200) * rate.period, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("up", "down"), RATIOS)
def test_every_sample_is_dated(backend, up, down):
    """At 100 Hz: sample m lies at m down/up, and comes with the newest before that."""
    got = Engine(program(up, down, time_delay=0.5), backend=backend).push_array(np.ones((1, 300)))
    assert len(got) == ceil(300 * up / down)
    m = np.arange(len(got))
    np.testing.assert_array_equal(got["index"], m * down // up)
    np.testing.assert_array_equal(got["stamp"], got["index"] / 100)
    np.testing.assert_allclose(got["time"], m * down / up / 100 - 0.5, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_windows_count_new_samples(backend):
    engine = Engine(program(2, 5, window_length=10, window_hop=4, time_warmup=30), backend=backend)
    got = engine.push_array(np.random.default_rng(0).standard_normal((1, 300)))
    last = 9 + 4 * np.arange(len(got))
    assert len(got) == (120 - 10) // 4 + 1
    np.testing.assert_array_equal(got["index"], last * 5 // 2)
    np.testing.assert_allclose(got["time"], (last - 4.5) * 2.5 / 100, rtol=1e-12)
    np.testing.assert_array_equal(got["valid"], (last - 9) * 5 // 2 >= 30)


@pytest.mark.parametrize("backend", BACKENDS)
def test_stamps_are_those_of_the_recording(backend):
    stamps = 1e3 + np.cumsum(np.random.default_rng(1).uniform(0.008, 0.012, 200))
    got = Engine(program(2, 5), backend=backend).push_array(np.ones((1, 200)), stamps)
    np.testing.assert_array_equal(got["stamp"], stamps[got["index"]])


@pytest.mark.parametrize("backend", BACKENDS)
def test_quality_is_that_of_the_samples_a_window_needs(backend):
    """Window k of two new samples needs what came after those before it: nothing lost counts twice."""
    header = {"window_length": 2, "window_hop": 2, "input_max_gap": 50}
    x = np.ones((1, 60)) + np.random.default_rng(0).standard_normal((1, 60))
    x[0, 22] = np.nan
    got = Engine(program(2, 5, **header), backend=backend).push_array(x)
    spans = np.diff([0, *(got["index"] + 1)])
    assert set(spans[1:]) == {5}
    hit = (got["index"] >= 22) & (got["index"] - spans < 22)
    np.testing.assert_array_equal(got["quality"], np.where(hit, 1 - 1 / spans, 1.0))
    np.testing.assert_array_equal(got["valid"], ~hit)


@pytest.mark.parametrize("backend", BACKENDS)
def test_quality_where_windows_share_samples_of_the_recording(backend):
    """At twice the rate every sample speaks for two windows of one, and a window of four has two or three."""
    x = np.ones((1, 40)) + np.random.default_rng(0).standard_normal((1, 40))
    x[0, 22] = np.nan
    got = Engine(program(2, 1, input_max_gap=50), backend=backend).push_array(x)
    assert np.flatnonzero(got["quality"] == 0).tolist() == [44, 45]
    assert np.flatnonzero(got["valid"] == 0).tolist() == [44, 45]
    assert set(got["quality"]) == {0.0, 1.0}
    header = {"window_length": 4, "window_hop": 1, "input_max_gap": 50}
    got = Engine(program(2, 1, **header), backend=backend).push_array(x)
    for k, record in enumerate(got):
        first, last = k // 2, (k + 3) // 2
        hit = first <= 22 <= last
        assert record["index"] == last
        assert record["quality"] == (1 - 1 / (last - first + 1) if hit else 1.0)
        assert record["valid"] == (not hit)


@native
@pytest.mark.parametrize("policy", [HOLD, INTERPOLATE, RESET])
@pytest.mark.parametrize("seed", range(16))
def test_bits_depend_on_neither_chunks_nor_threads(policy, seed):
    rng = np.random.default_rng(seed)
    up, down = RATIOS[seed % len(RATIOS)]
    ops = [resample(0, up, down), resample(1, 2, 3), mean_square(2)]
    built = make_program(ops, 3, window_length=5, window_hop=3, input_gap_policy=policy, time_warmup=9)
    x, stamps = bad_stream(seed, 400)
    whole = records(Engine(built), x, stamps)
    engine = Engine(built, threads=2)
    cuts = [0, *np.sort(rng.integers(0, 400, 30)), 400]
    parts = [records(engine, x[:, a:b], stamps[a:b]) for a, b in pairwise(cuts)]
    assert same_bits(np.concatenate(parts), whole)
    assert len(whole) > 0 or policy == RESET  # which may begin anew too often


@native
@pytest.mark.parametrize("n", [1, 7, 100])
@pytest.mark.parametrize("policy", [HOLD, INTERPOLATE, RESET])
def test_room_for_predictions_is_always_enough(policy, n):
    built = program(3, 4, window_length=3, window_hop=2, input_gap_policy=policy, input_max_gap=6)
    engine = Engine(built)
    reference = Engine(built, backend="reference")
    assert engine.max_predictions(n) == reference.max_predictions(n)
    x, stamps = bad_stream(3, 300, 1)
    for start in range(0, 300, n):
        out = np.zeros(engine.max_predictions(n), engine.dtype)
        got = engine.push_into(x[:, start : start + n], out, stamps[start : start + n])
        assert got == len(reference.push_array(x[:, start : start + n], stamps[start : start + n]))


@native
@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"taps": np.zeros(0)}, "has 0 taps"),
        ({"up": np.array([0])}, "has up 0, expected 1 to"),
        ({"up": np.array([8193])}, "raises the sampling rate to more than 4096 times"),
        ({"down": np.array([0])}, "has down 0, expected 1 to"),
        ({"down": np.array([1 << 40])}, "expected 1 to 1048576"),
        ({"up": np.array([-1])}, "has up -1"),
        ({"first": np.array([-1])}, "has first -1"),
        ({"first": np.zeros(0, np.int64)}, "first"),
    ],
)
def test_the_core_refuses_tensors_that_do_not_fit(tensors, message):
    op = resample(0, 1, 2)
    bad = make_program([Op("resample", (0,), op.tensors | tensors), mean_square(1)])
    with pytest.raises(model_file.ModelError, match=message):
        core.Engine(model_file.write(bad.tensors(), bad.metadata))


@pytest.mark.parametrize("backend", BACKENDS)
def test_windows_are_cut_at_one_rate(backend):
    ops = [resample(0, 1, 2), mean_square(0), mean_square(1), Op("concat", (2, 3), {})]
    with pytest.raises(ValueError, match="another sampling rate than the windows before it"):
        Engine(make_program(ops), backend=backend)
    same = [resample(0, 1, 2), resample(0, 1, 2), mean_square(1), mean_square(2), Op("concat", (3, 4), {})]
    assert len(Engine(make_program(same), backend=backend).push_array(np.ones((1, 10)))) == 5


@native
def test_changes_of_rate_are_counted():
    many = make_program([*(resample(i, 1 + i, 20 + i) for i in range(17)), mean_square(17)])
    with pytest.raises(model_file.ModelError, match="one change of the sampling rate too many"):
        core.Engine(model_file.write(many.tensors(), many.metadata))


@native
def test_a_factor_beyond_the_taps_and_a_program_of_one_tap():
    x = np.random.default_rng(0).standard_normal((2, 3000))
    for up, down, taps in ((50, 1000, [1.0]), (1, 1 << 20, [1.0, 2.0]), (700, 701, np.ones(3))):
        got, wanted = (
            Engine(program(up, down, taps, 1, 2), backend=backend).push_array(x)
            for backend in ("native", "reference")
        )
        np.testing.assert_allclose(got["outputs"], wanted["outputs"], rtol=1e-12)


class TestStages:
    def test_window_and_bands_see_the_new_rate(self):
        build = lowered(fe.Resample(128), fe.Window(2, 0.1), fe.BandPower("seed"), sfreq=500.0)
        assert (build.sfreq, build.input_sfreq, build.length, build.hop) == (128, 500, 256, 13)
        assert build.delays["alpha"] == pytest.approx(10 / 128)
        with pytest.raises(ValueError, match="gamma"):
            lowered(fe.Resample(80), fe.Window(2, 0.1), fe.BandPower("seed"), sfreq=500.0)

    def test_warmup_is_in_samples_of_the_recording(self):
        before, behind = fe.HighPass(1), fe.LowPass(20)
        window = fe.Window(1, 0.5)
        alone = [lowered(before, window).warmup, lowered(fe.Decimate(4), window).warmup]
        filters = lowered(behind, window, sfreq=62.5).warmup
        assert lowered(before, fe.Decimate(4), behind, window).warmup == sum(alone) + 4 * filters

    def test_the_same_rate_is_nothing_to_do(self):
        assert lowered(fe.Resample(250), fe.Decimate(1)).ops == []

    def test_a_raised_rate(self):
        build = lowered(fe.Resample(500), fe.Window(2, 0.1), fe.BandPower("seed"), sfreq=128.0)
        assert (build.sfreq, build.input_sfreq, build.length, build.hop) == (500, 128, 1000, 50)
        assert build.delays["alpha"] == pytest.approx(10 / 128)
        assert lowered(fe.Resample(250.125)).sfreq == 250.125

    def test_minimum_phase_delays_less(self):
        delays = [
            lowered(fe.Decimate(4, phase=phase), fe.Window(1, 0.5), fe.BandPower({"a": (8, 13)})).delays["a"]
            for phase in ("linear", "minimum")
        ]
        assert delays[1] < 0.3 * delays[0]

    @pytest.mark.parametrize(
        ("stage", "message"),
        [
            (fe.Resample(np.pi), "no ratio of whole numbers"),
            (fe.Resample(1000 * np.pi), "no ratio of whole numbers"),
            (fe.Resample(250 * 5000), "no ratio of whole numbers"),
        ],
    )
    def test_refuses_rates_that_cannot_be(self, stage, message):
        with pytest.raises(ValueError, match=message):
            lowered(stage)

    @pytest.mark.parametrize(
        ("make", "error"),
        [
            (lambda: fe.Resample(0), ValueError),
            (lambda: fe.Resample(128, phase="zero"), ValueError),
            (lambda: fe.Decimate(0), ValueError),
            (lambda: fe.Decimate(2.5), TypeError),
            (lambda: fe.Decimate(5000), ValueError),
            (lambda: fe.Decimate(2, init="last"), ValueError),
        ],
    )
    def test_refuses_at_once(self, make, error):
        with pytest.raises(error):
            make()

    @pytest.mark.parametrize(("sfreq", "new"), [(500, 128), (128, 500), (100, 250)])
    def test_a_burst_is_found_where_it_is(self, sfreq, new):
        centre = 6.0
        t = np.arange(12 * sfreq) / sfreq
        x = (np.exp(-((t - centre) ** 2) / 0.02) * np.sin(2 * np.pi * 10 * t))[None]
        x += 1e-3 * np.random.default_rng(0).standard_normal(x.shape)
        stages = [fe.Resample(new), fe.Window(0.2, 0.04), fe.BandPower({"alpha": (5, 15)}, "filterbank")]
        pipe = fe.Pipeline(stages, sfreq=sfreq, ch_names=["Oz"], check_unit=False)
        got = Engine(pipe.program).push_array(x)
        power = got["outputs"][:, 0]
        assert np.sum(power * got["time"]) / np.sum(power) == pytest.approx(centre, abs=0.03)

    def test_learns_saves_and_loads(self, tmp_path):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((8, 2, 4000)) * np.repeat([5, 9], 4)[:, None, None]
        stages = [
            fe.HighPass(1),
            fe.Resample(128),
            fe.Window(1, 0.5),
            fe.BandPower("seed", log=True),
            fe.LDA(),
        ]
        pipe = fe.Pipeline(stages, sfreq=500, ch_names=["F3", "F4"]).fit(x, ["calm"] * 4 + ["joy"] * 4)
        assert list(pipe.predict(x)) == ["calm"] * 4 + ["joy"] * 4
        pipe.save(tmp_path / "slow.fastemo")
        again = fe.load(tmp_path / "slow.fastemo")
        np.testing.assert_array_equal(again.predict_proba(x), pipe.predict_proba(x))
        assert "2 channels at 128 Hz" in repr(again)
        with pytest.raises(ValueError, match="shorter than one window of 1 s"):
            pipe.predict(x[:, :, :400])

    def test_events_label_windows_at_their_own_time(self):
        x = np.random.default_rng(0).standard_normal((2, 5000))
        events = [(0.0, 5.0, "calm"), (5.0, 10.0, "joy")]
        rec = fe.Recording(x * 10, 500, ["F3", "F4"], events=events)
        stages = [fe.Resample(128), fe.Window(1, 0.5), fe.BandPower("seed", log=True), fe.LDA()]
        pipe = fe.Pipeline(stages).fit([rec])
        assert sorted(pipe.classes_) == ["calm", "joy"]


@native
def test_up_and_down_again_is_the_signal():
    """Through a higher rate and back: the same band power, later by both filters."""
    x = 10 * np.random.default_rng(0).standard_normal((2, 4000))
    there = [
        fe.Resample(400),
        fe.Resample(100),
        fe.Window(1, 0.5),
        fe.BandPower({"alpha": (8, 13)}, "filterbank"),
    ]
    settings = {"sfreq": 100, "ch_names": ["a", "b"], "check_unit": False}
    around, straight = (
        fe.Pipeline(stages, **settings).engine().push_array(x) for stages in (there, there[2:])
    )
    # Ten samples of 100 Hz for each way: 20, where the windows' hop is 50.
    shift = np.interp(around["time"][8:-2], straight["time"], straight["outputs"][:, 0])
    assert np.corrcoef(shift, around["outputs"][8:-2, 0])[0, 1] > 0.9


@native
def test_raising_takes_no_more_room_than_the_factor_says():
    taps = np.ones(8192)
    for up, n in ((4096, 3), (1024, 5)):
        built = program(up, 1, taps, 1, 2, window_length=up // 2, window_hop=up // 4)
        x = np.random.default_rng(up).standard_normal((2, n))
        got, wanted = (Engine(built, backend=b).push_array(x) for b in ("native", "reference"))
        assert len(got) == 4 * n - 1
        np.testing.assert_allclose(got["outputs"], wanted["outputs"], rtol=1e-12)
        assert Engine(built).max_predictions(n) == 4 * n * 5  # with a gap of four before every sample


def test_a_program_knows_the_rate_of_its_windows():
    built = make_program([resample(0, 2, 5), resample(1, 1, 2), mean_square(2)])
    assert built.window_rate == Rate(((2, 5), (1, 2)))
    assert built.window_sfreq == 20
    assert Program.from_tensors(built.tensors(), built.metadata).window_rate == built.window_rate


@pytest.mark.parametrize("backend", BACKENDS)
def test_checks_of_bands_are_refused_where_windows_are_resampled(backend):
    stages = [fe.Quality(muscle=3.0), fe.Resample(128), fe.Window(1, 0.5), fe.BandPower("seed")]
    with pytest.raises(ValueError, match="leave out Resample"):
        fe.Pipeline(stages, sfreq=500, ch_names=["Fz"]).engine()
    checked = fe.Pipeline([stages[0], *stages[2:]], sfreq=500, ch_names=["Fz"]).program
    ops = [resample(0, 1, 2), mean_square(1)]
    with pytest.raises(ValueError, match="windows are resampled"):
        Engine(Program(tuple(ops), checked.header, checked.metadata), backend=backend)
