"""FIR filters in the stream: their design, their delay, their state, and how they are run."""

import numpy as np
import pytest
from programs import make_program, mean_square
from scipy.signal import freqz, lfilter, sosfilt, sosfreqz

import fastemo as fe
from fastemo import model_file
from fastemo._backend import core
from fastemo._design import band_delay, filled_after
from fastemo._fir_design import fir_block, fir_taps
from fastemo._lowering import Build, lower
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.stages import Stage

BACKENDS = ["reference", pytest.param("native", marks=pytest.mark.skipif(core is None, reason="no core"))]
native = pytest.mark.skipif(core is None, reason="no compiled core")


def program(taps, block=0, first=1, n_channels=1, **header):
    tensors = {"taps": np.asarray(taps, float), "block": np.array([block]), "first": np.array([first])}
    return make_program([Op("fir", (0,), tensors), mean_square(1)], n_channels, **header)


def lowered(*stages, sfreq=250.0):
    build = Build(sfreq, ["a", "b"], "uV")
    lower(dict(enumerate(stages)), {}, build)
    return build


class TestDesign:
    @pytest.mark.parametrize("sfreq", [100.0, 250.0, 512.0])
    @pytest.mark.parametrize(
        ("low", "high", "window"),
        [
            (1, 45, "hamming"),
            (0.1, None, "hamming"),
            (None, 40, "hann"),
            (4, 20, "blackman"),
            (30, 10, "hamming"),
        ],
    )
    def test_is_that_of_mne(self, low, high, window, sfreq):
        mne = pytest.importorskip("mne")
        theirs = mne.filter.create_filter(None, sfreq, low, high, fir_window=window, verbose="ERROR")
        np.testing.assert_allclose(fir_taps(sfreq, low, high, window=window), theirs, rtol=0, atol=1e-15)

    def test_transitions_are_that_of_mne(self):
        mne = pytest.importorskip("mne")
        options = {"l_trans_bandwidth": 0.7, "h_trans_bandwidth": 3.0}
        theirs = mne.filter.create_filter(None, 250.0, 2, 30, **options, verbose="ERROR")
        np.testing.assert_allclose(fir_taps(250.0, 2, 30, 0.7, 3.0), theirs, rtol=0, atol=1e-15)

    def test_minimum_phase_passes_the_same_with_less_delay(self):
        linear, minimum = fir_taps(250, 4, 30), fir_taps(250, 4, 30, phase="minimum")
        frequency = np.linspace(5, 29, 50)
        gain = [np.abs(freqz(h, worN=frequency, fs=250)[1]) for h in (linear, minimum)]
        np.testing.assert_allclose(*gain, atol=2e-3)
        assert band_delay([minimum], 8, 13, 250) < 0.25 * band_delay([linear], 8, 13, 250)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, "needs low, high or taps"),
            ({"low": -1}, "low must be"),
            ({"low": 1, "length": 0}, "length must be"),
            ({"high": 10, "window": "kaiser"}, "window must be"),
            ({"high": 10, "phase": "zero"}, "phase must be"),
            ({"taps": [1.0], "low": 1}, "not both"),
            ({"taps": [1.0], "phase": "minimum"}, "not both"),
            ({"taps": [[1.0]]}, "one dimension"),
            ({"taps": [np.nan]}, "finite"),
            ({"taps": [0.0]}, "all zero"),
        ],
    )
    def test_refuses_at_once(self, options, message):
        with pytest.raises(ValueError, match=message):
            fe.FIR(**options)

    @pytest.mark.parametrize(
        ("stage", "message"),
        [
            (fe.FIR(1, 125), "below the Nyquist frequency of 125"),
            (fe.FIR(1, 45, length=11), "needs 825"),
            (fe.FIR(1, low_transition=2), "make the transitions narrower"),
            (fe.FIR(12, 10), "transitions that overlap"),
            (fe.FIR(10, 10), "passes nothing"),
        ],
    )
    def test_refuses_what_the_rate_does_not_allow(self, stage, message):
        with pytest.raises(ValueError, match=message):
            lowered(stage)

    def test_spec_and_back(self):
        for stage in (fe.FIR(1, 45), fe.FIR(taps=[0.5, 0.5], init="zero")):
            assert Stage.from_spec(stage.to_spec()) == stage


class TestLowering:
    def test_delay_is_half_the_length(self):
        build = lowered(fe.FIR(4, 40), fe.Window(1, 0.5), fe.BandPower({"alpha": (8, 13)}))
        (op, *_) = build.ops
        assert build.delays["alpha"] == pytest.approx((len(op["taps"]) - 1) / 2 / 250)
        assert build.warmup == filled_after([op["taps"]])

    def test_filters_in_a_row_become_one(self):
        first, second = fe.FIR(4), fe.FIR(high=40)
        build = lowered(first, second)
        (op,) = build.ops
        np.testing.assert_allclose(op["taps"], np.convolve(first.design(250), second.design(250)))
        assert [step.slot for step in build.steps] == [1, 1]
        alone = [lowered(stage, fe.Window(1, 0.5), fe.BandPower({"a": (8, 13)})) for stage in (first, second)]
        both = lowered(first, second, fe.Window(1, 0.5), fe.BandPower({"a": (8, 13)}))
        assert both.delays["a"] == pytest.approx(sum(build.delays["a"] for build in alone))

    def test_filters_that_begin_otherwise_stay_apart(self):
        assert len(lowered(fe.FIR(4), fe.FIR(high=40, init="zero")).ops) == 2
        assert len(lowered(fe.FIR(4), fe.HighPass(1), fe.FIR(high=40)).ops) == 3

    def test_warmup_of_a_mixed_cascade(self):
        sos, taps = fe.HighPass(4).sections(250), fe.FIR(high=40).design(250)
        build = lowered(fe.HighPass(4), fe.FIR(high=40), fe.Window(1, 0.5))
        impulse = np.zeros(4096)
        impulse[0] = 1
        energy = np.cumsum(lfilter(taps, 1, sosfilt(sos, impulse))[::-1] ** 2)[::-1]
        assert build.warmup == np.count_nonzero(energy >= 1e-6 * energy[0]) - 1

    def test_long_filters_go_by_the_fft(self):
        assert [fir_block(n) for n in (1, 30, 65)] == [0, 0, 0]
        assert fir_block(301) in (32, 64)
        assert 0 < fir_block(5000) < 5000


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("n_taps", "block"), [(1, 0), (40, 0), (41, 32), (301, 16), (301, 64), (700, 256)])
def test_is_the_sum_of_products(backend, n_taps, block):
    rng = np.random.default_rng(n_taps)
    x, taps = rng.standard_normal((3, 1500)) + 40, rng.standard_normal(n_taps) / n_taps
    for first in (0, 1):
        level = first * x[:, :1]
        wanted = lfilter(taps, 1, x - level) + level * taps.sum()
        got = Engine(program(taps, block, first, 3), backend=backend).push_array(x)["outputs"].T
        np.testing.assert_allclose(np.sqrt(got), np.abs(wanted), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_offset_makes_no_transient(backend):
    taps = fir_taps(100, 4, None)
    x = np.full((1, 300), 1e4)
    assert np.abs(Engine(program(taps, 32), backend=backend).push_array(x)["outputs"]).max() < 1e-12


@native
def test_bits_depend_on_neither_chunks_nor_threads():
    rng = np.random.default_rng(0)
    x, taps = rng.standard_normal((19, 2000)), rng.standard_normal(500)
    for block in (0, 32, 128):
        whole = Engine(program(taps, block, 1, 19)).push_array(x)["outputs"]
        engine = Engine(program(taps, block, 1, 19), threads=3)
        cuts = np.sort(rng.integers(0, 2000, 40))
        parts = [engine.push_array(part)["outputs"] for part in np.split(x, cuts, axis=1)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()
        engine.reset()
        assert engine.push_array(x)["outputs"].tobytes() == whole.tobytes()


@native
@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"taps": np.zeros(0)}, "has 0 taps"),
        ({"taps": np.ones((2, 2))}, "taps"),
        ({"taps": np.array([np.nan])}, "taps"),
        ({"block": np.array([8])}, "has block 8, expected 0 or a power of two"),
        ({"block": np.array([48])}, "has block 48, expected 0 or a power of two"),
        ({"block": np.array([128])}, "has block 128, expected 0 or a power of two"),
        ({"block": np.array([-1])}, "has block -1, expected 0 to"),
        ({"block": np.array([1 << 62])}, "expected 0 to 65536"),
        ({"first": np.array([2])}, "has first 2, expected 0 to 1"),
        ({"first": np.array([1.0])}, "first"),
    ],
)
def test_the_core_refuses_tensors_that_do_not_fit(tensors, message):
    good = {"taps": np.ones(100), "block": np.array([32]), "first": np.array([1])}
    bad = make_program([Op("fir", (0,), good | tensors), mean_square(1)])
    with pytest.raises(model_file.ModelError, match=message):
        core.Engine(model_file.write(bad.tensors(), bad.metadata))


def test_predictions_are_dated_back_by_the_delay():
    """A burst in the alpha band is found where it is, not where the filter hands it on."""
    sfreq, centre = 250, 8.0
    t = np.arange(int(16 * sfreq)) / sfreq
    x = (np.exp(-((t - centre) ** 2) / 0.02) * np.sin(2 * np.pi * 10 * t))[None]
    x += 1e-3 * np.random.default_rng(0).standard_normal(x.shape)
    stages = [fe.FIR(4, 30), fe.Window(0.2, 0.04), fe.BandPower({"alpha": (5, 15)}, "filterbank")]
    pipe = fe.Pipeline(stages, sfreq=sfreq, ch_names=["Oz"], check_unit=False)
    records = Engine(pipe.program).push_array(x)
    power = records["outputs"][:, 0]
    assert np.sum(power * records["time"]) / np.sum(power) == pytest.approx(centre, abs=0.03)
    assert np.sum(power * records["stamp"]) / np.sum(power) > centre + 0.5


def test_saved_and_loaded(tmp_path):
    pipe = fe.Pipeline(
        [fe.FIR(1, 40), fe.FIR(51, 49, 0.5, 0.5), fe.Window(1, 0.5), fe.BandPower("seed")],
        sfreq=250,
        ch_names=["Cz"],
    )
    pipe.save(tmp_path / "fir.fastemo")
    x = np.random.default_rng(0).standard_normal((1, 3000)) * 10
    got = fe.load(tmp_path / "fir.fastemo").transform(x)
    assert got.tobytes() == pipe.transform(x).tobytes()


class TestCombAndDrift:
    def test_a_comb_takes_every_harmonic(self):
        sos = fe.Notch(50, harmonics="all").sections(500)
        gain = np.abs(sosfreqz(sos, worN=[50, 100, 150, 200, 75, 10], fs=500)[1])
        np.testing.assert_allclose(gain[:4], 0, atol=1e-9)
        np.testing.assert_allclose(gain[4:], 1, atol=0.05)
        assert len(fe.Notch(60, harmonics="all").sections(250)) == 2
        assert len(lowered(fe.Notch(50, harmonics="all"), sfreq=1000.0).ops) == 1

    def test_a_comb_without_a_harmonic_is_refused(self):
        with pytest.raises(ValueError, match="a notch must lie below"):
            fe.Notch(60, harmonics="all").sections(100)
        with pytest.raises(ValueError, match="harmonics"):
            fe.Notch(60, harmonics="some")

    @pytest.mark.parametrize("length", [0.1, 2.0])
    def test_the_mean_of_the_last_seconds_goes(self, length):
        x = np.cumsum(np.random.default_rng(0).standard_normal((1, 2000)), axis=1) + 100
        (op,) = lowered(fe.RemoveDrift(length)).ops
        n = round(250 * length)
        got = Engine(make_program([op, mean_square(1)])).push_array(x)["outputs"][:, 0]
        padded = np.concatenate([np.full(n - 1, x[0, 0]), x[0]])
        wanted = x[0] - np.convolve(padded, np.full(n, 1 / n), "valid")
        np.testing.assert_allclose(np.sqrt(got), np.abs(wanted), rtol=1e-9, atol=1e-10)

    def test_joins_a_filter_beside_it(self):
        assert len(lowered(fe.RemoveDrift(1.0), fe.FIR(high=40)).ops) == 1

    def test_one_sample_is_no_mean(self):
        with pytest.raises(ValueError, match="nothing would be left"):
            lowered(fe.RemoveDrift(0.004))


class TestDelays:
    def test_each_stage_has_its_own(self):
        filters = [fe.FIR(4, 40), fe.FIR(high=50), fe.Decimate(2)]
        stages = [*filters, fe.Window(1, 0.5), fe.BandPower("seed", log=True), fe.LDA()]
        pipe = fe.Pipeline(stages, sfreq=250, ch_names=["Fz"])
        delays = pipe.delays
        n_taps = [len(stage.design(250)) for stage in stages[:2]]
        assert delays["fir-1"] == pytest.approx((n_taps[0] - 1) / 2 / 250)
        assert delays["fir-2"] == pytest.approx((n_taps[1] - 1) / 2 / 250)
        assert delays["decimate"] == pytest.approx(10 / 125)
        assert delays["window"] == pytest.approx(124 / 2 / 125)
        assert "lda" not in delays  # before fit
        assert f"1 channels, {1e3 * delays['fir-1']:.0f} ms later" in repr(pipe)

    def test_a_recursive_filter_has_a_mean(self):
        pipe = fe.Pipeline(
            [fe.LowPass(20), fe.Window(1, 0.5), fe.BandPower("seed")], sfreq=250, ch_names=["Fz"]
        )
        wanted = band_delay(fe.LowPass(20).sections(250), 0, 125, 250)
        assert pipe.delays["lowpass"] == pytest.approx(wanted)
