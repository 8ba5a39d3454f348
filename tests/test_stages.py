"""Stages: what they lower to, what their features and decoders compute, and what they refuse."""

import dataclasses
import json

import numpy as np
import pytest
from lowered_stages import BANDS, CH, WINDOW, features, lowered, signal, windows
from scipy.signal import butter, group_delay, iirnotch, periodogram, sosfilt, sosfilt_zi

import fastemo as fe
from fastemo._backend import core
from fastemo._design import band_delay, band_edges, filled_after
from fastemo.engine import Engine
from fastemo.stages import Stage


class TestReferencing:
    def test_common_average_weighs_all_but_the_excluded(self):
        (op,) = lowered(fe.CommonAverage(exclude=["M1"])).ops
        assert op.kind == "reference"
        np.testing.assert_array_equal(op["weights"], [1 / 3, 1 / 3, 1 / 3, 0])

    def test_reference_weighs_the_named(self):
        (op,) = lowered(fe.Reference(["M1", "F3"])).ops
        np.testing.assert_array_equal(op["weights"], [0.5, 0, 0, 0.5])

    def test_bipolar_leaves_the_pairs(self):
        build = lowered(fe.Bipolar([("F3", "F4"), ("Fz", "M1")]))
        assert build.ch_names == ("F3-F4", "Fz-M1")
        np.testing.assert_array_equal(build.ops[0]["coef"], [[1, 0, -1, 0], [0, 1, 0, -1]])

    def test_later_stages_see_the_new_channels(self):
        build = lowered(fe.Bipolar([("F3", "F4")]), fe.Reference(["F3-F4"]))
        np.testing.assert_array_equal(build.ops[1]["weights"], [1.0])

    def test_spatial_filter_is_any_matrix(self):
        x, matrix = signal(), np.random.default_rng(1).standard_normal((2, 4))
        build = lowered(fe.SpatialFilter(matrix))
        assert build.ch_names == ("component0", "component1")
        bands = fe.BandPower(BANDS, method="filterbank")
        got = features(fe.SpatialFilter(matrix), WINDOW, bands, x=x)
        np.testing.assert_allclose(got, features(WINDOW, bands, x=matrix @ x), rtol=1e-9)

    def test_a_stage_cannot_be_changed_through_its_matrix(self):
        matrix = np.eye(4)
        stage = fe.SpatialFilter(matrix)
        matrix[0, 0] = 7
        assert stage.matrix[0, 0] == 1
        with pytest.raises(ValueError, match="read-only"):
            stage.matrix[0, 0] = 7


class TestFilters:
    @pytest.mark.parametrize(
        ("stage", "expected"),
        [
            (fe.BandPass(1, 40), butter(4, [1, 40], "bandpass", fs=100, output="sos")),
            (fe.HighPass(1, order=2), butter(2, 1, "highpass", fs=100, output="sos")),
            (fe.LowPass(30, order=3), butter(3, 30, "lowpass", fs=100, output="sos")),
            (fe.Notch(20), np.concatenate(iirnotch(20, 30, fs=100))[None]),
        ],
    )
    def test_designs_are_those_of_scipy(self, stage, expected):
        (op,) = lowered(stage).ops
        np.testing.assert_array_equal(op["coef"], expected)
        np.testing.assert_array_equal(op["zi"], sosfilt_zi(expected))

    def test_notches_of_all_harmonics_are_as_wide_as_the_first(self):
        sos = fe.Notch(10, q=20, harmonics=3).sections(100)
        for k, section in enumerate(sos, 1):
            f = np.array([10 * k - 0.25, 10 * k, 10 * k + 0.25])
            z = np.exp(-2j * np.pi * np.outer(f / 100, np.arange(3)))
            gain = np.abs(z @ section[:3] / (z @ section[3:]))
            # A width of freq / q = 0.5 Hz: half the power at its edges, which the bilinear map bends a little.
            np.testing.assert_allclose(gain, [np.sqrt(0.5), 0, np.sqrt(0.5)], atol=0.02)

    def test_zero_starts_from_rest(self):
        (op,) = lowered(fe.HighPass(1, init="zero")).ops
        assert not op["zi"].any()

    def test_custom_sections_are_taken_as_they_are(self):
        sos = butter(3, [5, 9], "bandpass", fs=100, output="sos")
        (op,) = lowered(fe.CustomSos(sos)).ops
        np.testing.assert_array_equal(op["coef"], sos)


class TestTime:
    @pytest.mark.parametrize("cascade", [[(1, 40)], [(1, 40), (8, 13)], [(4, 8), (6, 12), (5, 30)]])
    def test_filled_is_the_first_sample_with_no_energy_to_come(self, cascade):
        sos = np.vstack([butter(4, band, "bandpass", fs=100, output="sos") for band in cascade])
        h = sosfilt(sos, np.eye(1, 20_000)[0])
        n = filled_after(sos)
        to_come = lambda k: np.sum(h[k + 1 :] ** 2) / np.sum(h**2)  # noqa: E731
        assert to_come(n) < 1e-6 <= to_come(n - 1)

    def test_delay_is_the_group_delay_weighed_by_power(self):
        sos = np.vstack([butter(4, [1, 40], "bandpass", fs=100, output="sos")] * 2)
        f = np.linspace(8, 13, 4001)
        response = np.ones(len(f), complex)
        delay = np.zeros(len(f))
        for section in sos:
            delay += group_delay((section[:3], section[3:]), f, fs=100)[1]
            z = np.exp(-2j * np.pi * np.outer(f / 100, np.arange(3)))
            response *= (z @ section[:3]) / (z @ section[3:])
        expected = np.sum(np.abs(response) ** 2 * delay) / np.sum(np.abs(response) ** 2) / 100
        assert band_delay(sos, 8, 13, 100) == pytest.approx(expected, rel=1e-4)

    def test_a_tone_in_the_band_comes_out_so_much_later(self):
        n, sfreq = np.arange(4000), 250
        burst = np.exp(-0.5 * ((n - 1500) / 120) ** 2) * np.cos(2 * np.pi * 10 * n / sfreq)
        sos = butter(4, [8, 12], "bandpass", fs=sfreq, output="sos")
        energy = sosfilt(sos, burst) ** 2
        late = (np.sum(n * energy) / np.sum(energy) - 1500) / sfreq
        assert band_delay(sos, 9.5, 10.5, sfreq) == pytest.approx(late, rel=0.02)

    def test_warm_up_and_delay_are_the_largest_over_bands_and_paths(self):
        bank = fe.DifferentialEntropy({"slow": (2, 4), "fast": (20, 30)})
        fft = fe.BandPower({"slow": (2, 4)})
        build = lowered(fe.BandPass(1, 40), WINDOW, fe.Features([fft, bank]))
        ahead = fe.BandPass(1, 40).sections(100)
        slow = np.vstack([ahead, butter(4, [2, 4], "bandpass", fs=100, output="sos")])
        program = build.program(fe.Pipeline([WINDOW, bank])._options)
        assert program.scalar("time.warmup") == filled_after(slow)
        assert program.scalar("time.delay") == pytest.approx(band_delay(slow, 2, 4, 100))
        assert set(build.delays) == {
            "bandpower__slow",
            "differentialentropy__slow",
            "differentialentropy__fast",
        }

    def test_without_filters_there_is_nothing_to_wait_for(self):
        build = lowered(WINDOW, fe.BandPower(BANDS))
        assert build.warmup == 0
        assert set(build.delays.values()) == {0.0}

    def test_length_and_hop_are_rounded_to_samples(self):
        build = lowered(fe.Window(0.504, hop=0.016), fe.BandPower(BANDS))
        assert (build.length, build.hop) == (50, 2)


class TestFeatures:
    def test_gauss_is_the_log_of_the_mean_square_of_a_causal_band_pass(self):
        x = signal()
        expected = []
        for band in BANDS.values():
            sos = butter(4, band, "bandpass", fs=100, output="sos")
            y, _ = sosfilt(sos, x, zi=sosfilt_zi(sos)[:, None] * x[:, :1])
            expected.append([0.5 * np.log(2 * np.pi * np.e * np.mean(w**2, axis=1)) for w in windows(y)])
        expected = np.concatenate(expected, axis=1)
        got = features(WINDOW, fe.DifferentialEntropy(BANDS), x=x)
        # Sums in another order.
        np.testing.assert_allclose(got, expected, rtol=1e-10)

    @pytest.mark.parametrize("length", [100, 101])
    def test_fft_power_is_the_periodogram_summed_over_the_band(self, length):
        x = signal()
        f, density = periodogram(x[:, :length], fs=100, window="hann", detrend="constant")
        df = f[1] - f[0]
        expected = [density[:, (f >= lo) & (f < hi)].sum(axis=1) * df for lo, hi in BANDS.values()]
        got = features(fe.Window(length / 100, hop=1), fe.BandPower(BANDS), x=x)[0]
        np.testing.assert_allclose(got, np.concatenate(expected), rtol=1e-10)

    def test_without_detrending_the_mean_leaks_into_the_slow_bins(self):
        x = np.full((1, 100), 50.0)
        slow = {"slow": (0.5, 2)}
        ahead = [fe.Quality(minimum=0), fe.Window(1, hop=1)]
        kept = features(*ahead, fe.BandPower(slow, detrend=False), x=x)
        taken = features(*ahead, fe.BandPower(slow), x=x)
        assert kept[0, 0] > 100
        assert taken[0, 0] == pytest.approx(0, abs=1e-20)

    def test_spectral_is_half_the_log_of_the_power(self):
        x = signal()
        power = features(WINDOW, fe.BandPower(BANDS), x=x)
        got = features(WINDOW, fe.DifferentialEntropy(BANDS, definition="spectral"), x=x)
        np.testing.assert_allclose(got, 0.5 * np.log(2 * np.pi * np.e * power), rtol=1e-12)

    def test_both_methods_measure_the_same_power(self):
        x = signal(n=20_000)
        whole = fe.Window(200, hop=200)
        fft = features(whole, fe.BandPower(BANDS), x=x)
        bank = features(whole, fe.BandPower(BANDS, method="filterbank"), x=x)
        # The edges of a Butterworth band are soft; white noise sees its noise bandwidth, 2.6 % above the nominal.
        np.testing.assert_allclose(bank, fft, rtol=0.1)

    @pytest.mark.parametrize("method", ["fft", "filterbank"])
    def test_relative_and_log(self, method):
        x = signal()
        power = features(WINDOW, fe.BandPower(BANDS, method=method), x=x).reshape(-1, 2, 4)
        share = power / power.sum(axis=1, keepdims=True)
        for relative, log, expected in [
            (True, False, share),
            (False, True, np.log(power)),
            (True, True, np.log(share)),
        ]:
            stage = fe.BandPower(BANDS, method=method, relative=relative, log=log)
            np.testing.assert_allclose(features(WINDOW, stage, x=x), expected.reshape(-1, 8), rtol=1e-10)

    def test_transforms_do_what_the_options_do(self):
        x = signal()
        np.testing.assert_array_equal(
            features(WINDOW, fe.BandPower(BANDS), fe.RelativePower(), fe.LogTransform(floor=1e-12), x=x),
            features(WINDOW, fe.BandPower(BANDS, relative=True, log=True), x=x),
        )

    def test_a_flat_channel_gives_the_floor(self):
        x = signal()
        x[1] = 3.0
        row = features(WINDOW, fe.DifferentialEntropy(BANDS), x=x)[0].reshape(2, 4)
        np.testing.assert_allclose(row[:, 1], 0.5 * np.log(2 * np.pi * np.e * 1e-4), rtol=1e-12)

    def test_features_stand_one_after_the_other(self):
        x = signal()
        parts = [
            fe.BandPower(BANDS, "fft", log=True),
            fe.DifferentialEntropy({"beta": (13, 30)}),
            fe.BandPower(BANDS, "fft"),
        ]
        pipe = fe.Pipeline([WINDOW, fe.Features(parts)], sfreq=100, ch_names=CH)
        together = [features(WINDOW, part, x=x) for part in parts]
        np.testing.assert_array_equal(pipe.transform(x), np.concatenate(together, axis=1))
        names = pipe.get_feature_names_out()
        assert names[0] == "bandpower-1__theta:F3"
        assert names[8] == "differentialentropy__beta:F3"
        assert names[-1] == "bandpower-2__alpha:M1"
        assert sum(op.kind == "window" for op in pipe.program.ops) == 1


class TestSmoothing:
    def test_exponential(self):
        x = signal()
        raw = features(WINDOW, fe.BandPower(BANDS), x=x)
        alpha = 1 - np.exp(-0.5 / 2)
        expected = [raw[0]]
        for row in raw[1:]:
            expected.append(expected[-1] + alpha * (row - expected[-1]))
        np.testing.assert_allclose(
            features(WINDOW, fe.BandPower(BANDS), fe.Smooth(2), x=x), expected, rtol=1e-12
        )

    @pytest.mark.parametrize("stage", [fe.WindowMean(3), fe.WindowMean(seconds=1.5)])
    def test_mean_of_the_last(self, stage):
        x = signal()
        raw = features(WINDOW, fe.BandPower(BANDS), x=x)
        expected = [raw[max(0, i - 2) : i + 1].mean(axis=0) for i in range(len(raw))]
        np.testing.assert_allclose(features(WINDOW, fe.BandPower(BANDS), stage, x=x), expected, rtol=1e-12)


@pytest.mark.parametrize("smoother", [fe.Smooth(2), fe.WindowMean(3)], ids=["ema", "boxcar"])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_what_is_not_finite_never_enters_a_smoother(smoother, backend):
    if backend == "native" and core is None:
        pytest.skip("needs the compiled core")
    x = signal()
    x[0, 200:330] = 1.0  # flat: without a skewness
    stages = [fe.Quality(minimum=0), WINDOW, fe.TimeDomain(["skewness"])]

    def rows(*more):
        program = fe.Pipeline([*stages, *more], sfreq=100, ch_names=CH).program
        return Engine(program, backend=backend).push_array(x)["outputs"]

    raw, smoothed = rows(), rows(smoother)
    finite = np.isfinite(raw).all(axis=1)
    assert not finite.all()
    assert finite[-1]
    np.testing.assert_array_equal(smoothed[~finite], raw[~finite])
    seen = raw[finite]
    if isinstance(smoother, fe.WindowMean):
        expected = [seen[max(0, i - 2) : i + 1].mean(axis=0) for i in range(len(seen))]
    else:
        expected = [seen[0]]
        for row in seen[1:]:
            expected.append(expected[-1] + (1 - np.exp(-0.5 / 2)) * (row - expected[-1]))
    np.testing.assert_allclose(smoothed[finite], expected, rtol=1e-12)


class TestQuality:
    def test_the_defaults_are_those_of_the_stage(self):
        plain = fe.Pipeline([WINDOW, fe.BandPower(BANDS)], sfreq=100, ch_names=CH).program
        stated = fe.Pipeline([WINDOW, fe.Quality(), fe.BandPower(BANDS)], sfreq=100, ch_names=CH).program
        quality = {name: value.item() for name, value in plain.header.items() if name.startswith("quality.")}
        assert quality == {
            "quality.flat": 25,
            "quality.rail": np.inf,
            "quality.step": 150,
            "quality.noisy": 0.1,
            "quality.minimum": 0.5,
        }
        assert all(stated.header[name] == value for name, value in quality.items())

    def test_bad_channels_make_a_window_abstain(self):
        x = signal()
        x[:3, 300:] = 1.0
        stages = [fe.Quality(minimum=0.5), WINDOW, fe.BandPower(BANDS)]
        rows = features(*stages, x=x)
        assert np.isfinite(rows[0]).all()
        assert np.isnan(rows[-1]).all()
        stages[0] = fe.Quality(minimum=0)
        assert np.isfinite(features(*stages, x=x)).all()

    def test_steps_are_in_microvolts_so_without_a_unit_there_is_none(self):
        pipe = fe.Pipeline([WINDOW, fe.BandPower(BANDS)], sfreq=100, ch_names=CH, unit="1")
        assert pipe.program.scalar("quality.step") == np.inf


EVERY = [
    fe.FIR(4, 40),
    fe.RegressOut(["M1"], trend=True),
    fe.Despike(1.5),
    fe.RunningStandardize(tau=1.0),
    fe.RemoveDrift(0.5),
    fe.Notch(8, harmonics="all"),
    fe.TimeDomain(["mean"]),
    fe.Complexity(["katz_fd"]),
    fe.SpectralShape(["spectral_entropy"]),
    fe.Resample(40),
    fe.Decimate(2),
    fe.CommonAverage(exclude=["M1"]),
    fe.Reference(["M1"]),
    fe.Bipolar([("F3", "F4")]),
    fe.SpatialFilter([[1.0, 0, 0, 0.5]], names=["a"]),
    fe.BandPass(1, 40, order=2),
    fe.HighPass(1, init="zero"),
    fe.LowPass(40),
    fe.Notch(50, harmonics=2),
    fe.CustomSos([[1, 0, 0, 1, -0.5, 0]]),
    fe.Quality(rail=400, step=None),
    fe.Analytic(BANDS, ["power", "phase"], order=2, db=True),
    fe.Hilbert(8, ["power", "frequency"], log=True),
    fe.Interpolate(["Fz"]),
    fe.InterpolateBads(most=1),
    fe.ASR(cutoff=10),
    fe.EOGRegression(["M1"]),
    fe.Potato(2.5, {"front": ["F3", "F4"], "all": ["F3", "Fz", "F4"]}),
    fe.PotatoScore(estimator="lwf"),
    fe.Window(2, hop=0.1),
    fe.BandPower(BANDS, relative=True, taper=("kaiser", 8.0)),
    fe.DifferentialEntropy("seed", definition="spectral"),
    fe.Asymmetry(["dasm", "dcau"], keep=True),
    fe.Features([fe.BandPower(BANDS), fe.DifferentialEntropy(BANDS)]),
    fe.Connectivity(BANDS, ["plv", "wpli"], memory=2.0),
    fe.PhaseAmplitudeCoupling({"theta": (4, 8)}, {"gamma": (30, 60)}, "mvl", n_bins=9),
    fe.LogTransform(),
    fe.Covariance("shrunk", BANDS, order=2, shrinkage=0.2, tau=3.0),
    fe.Recenter(baseline=True, metric="logeuclid"),
    fe.TangentSpace("logeuclid"),
    fe.MDM("logeuclid"),
    fe.RelativePower(),
    fe.Standardize(baseline=True),
    fe.LDA(shrinkage=0.1, priors=[0.25, 0.75]),
    fe.Logistic(C=0.5),
    fe.Ridge(alpha=3),
    fe.Smooth(2),
    fe.WindowMean(seconds=3),
]


class TestStages:
    def test_the_list_is_complete(self):
        assert {type(stage).__name__ for stage in EVERY} == set(fe._STAGES)

    @pytest.mark.parametrize("stage", EVERY, ids=lambda stage: type(stage).__name__)
    def test_spec_and_back(self, stage):
        spec = json.loads(json.dumps(stage.to_spec()))
        again = Stage.from_spec(spec)
        assert again == stage
        assert repr(again) == repr(stage)

    @pytest.mark.parametrize("stage", EVERY, ids=lambda stage: type(stage).__name__)
    def test_stages_never_change(self, stage):
        names = [f.name for f in dataclasses.fields(stage)] or ["anything"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(stage, names[0], None)

    @pytest.mark.parametrize("stage", EVERY, ids=lambda stage: type(stage).__name__)
    def test_stages_differ_by_their_parameters(self, stage):
        others = [other for other in EVERY if other is not stage]
        assert all(stage != other for other in others)
        assert stage == stage.replace()

    def test_replace_checks(self):
        assert fe.LDA().replace(shrinkage=0.5) == fe.LDA(shrinkage=0.5)
        with pytest.raises(ValueError, match=r"'shrinkge'.*did you mean 'shrinkage'"):
            fe.LDA().replace(shrinkge=0.5)
        with pytest.raises(ValueError, match=r"shrinkage must be .*got 2"):
            fe.LDA().replace(shrinkage=2)

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ({"low": 1}, '"stage" key'),
            ({"stage": "BandPas", "low": 1, "high": 4}, "did you mean 'BandPass'"),
            ({"stage": "BandPass", "lo": 1, "high": 4}, "parameter of BandPass must be one of .*'lo'"),
            ({"stage": "BandPass", "low": 1}, "BandPass.*missing.*'high'"),
            ({"stage": "Decoder"}, "stage must be one of"),
        ],
    )
    def test_bad_specs_are_refused(self, spec, message):
        with pytest.raises(ValueError, match=message):
            Stage.from_spec(spec)


def test_band_edges_forgive_rounding():
    # 4.1 * 300 / 123 is 10 but for rounding: bin 10 belongs to the band that starts there, not to the one that ends.
    edges = band_edges({"a": (3, 4.1), "b": (4.1, 6)}, 300, 123)
    assert edges[0, 1] == edges[1, 0] == 10


def test_a_stage_of_ones_own_is_one_class():
    class Doubled(Stage):
        takes = gives = "vector"

        def lower(self, build, fitted):
            build.affine(np.zeros(build.width), np.full(build.width, 2.0))

    own = dataclasses.dataclass(frozen=True, eq=False, repr=False)(Doubled)
    try:
        x = signal()
        got = features(WINDOW, fe.BandPower(BANDS), own(), x=x)
        np.testing.assert_array_equal(got, 2 * features(WINDOW, fe.BandPower(BANDS), x=x))
        assert Stage.from_spec({"stage": "Doubled"}) == own()
    finally:
        del Stage.registry["Doubled"]
