"""Eye movements are regressed out; muscle and mains are measured, lower the quality and make windows abstain."""

import numpy as np
import pytest

import fastemo as fe
from fastemo._backend import core
from fastemo.artefacts import eog_coefficients, line_ratio, muscle_ratio, regress_eog
from fastemo.engine import Engine

SFREQ = 250.0
CH = ["Fp1", "Fp2", "C3", "O1"]
EYES = ["VEOG", "HEOG"]
native = pytest.mark.skipif(core is None, reason="there is no compiled core")


def pink(rng, n_channels, n):
    """Noise with power 1/f above 2 Hz, about 10 uV."""
    spectrum = np.fft.rfft(rng.standard_normal((n_channels, n)))
    f = np.fft.rfftfreq(n, 1 / SFREQ)
    x = np.fft.irfft(spectrum / np.sqrt(np.maximum(f, 2)), n)
    return 10 * x / x.std(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def looking():
    """EEG, what the eyes add to it, and the EOG."""
    rng = np.random.default_rng(0)
    n = 30_000
    eog = np.zeros((2, n))
    for start in rng.integers(0, n - 80, 60):
        eog[0, start : start + 80] += rng.uniform(80, 200) * np.hanning(80)
    for start in rng.integers(0, n - 300, 40):
        eog[1, start : start + 300] += rng.choice([-60, 60]) * np.exp(-np.arange(300) / 150)
    brain, weights = pink(rng, 4, n), np.array([[0.9, 0.2], [0.8, -0.3], [0.2, 0.1], [0.05, 0.0]])
    return brain, weights, eog


@pytest.fixture(scope="module")
def tense():
    """Muscle in channel 1 in the second, hum in channel 3 in the third quarter."""
    rng = np.random.default_rng(3)
    x = pink(rng, 4, 4000)
    from scipy.signal import butter

    noise = fe.signal.sosfilt(
        butter(4, [30, 90], "bandpass", fs=SFREQ, output="sos"), rng.standard_normal(4000)
    )
    x[1, 1000:2000] += 30 * noise[1000:2000]
    x[3, 2000:3000] += 60 * np.sin(2 * np.pi * 50 * np.arange(1000) / SFREQ)
    return x


class TestRegression:
    def test_finds_the_weights(self, looking):
        brain, weights, eog = looking
        x = brain + weights @ eog
        np.testing.assert_allclose(eog_coefficients(x + 7, eog - 3), weights, atol=0.03)
        clean = regress_eog(x, eog)
        assert (
            np.abs(clean - clean.mean(axis=1, keepdims=True) - brain).mean()
            < 0.1 * np.abs(weights @ eog).mean()
        )
        again = regress_eog(x, eog, coef=eog_coefficients(x, eog))
        np.testing.assert_array_equal(again, clean)

    def test_is_mnes(self, looking):
        mne = pytest.importorskip("mne")
        brain, weights, eog = looking
        x = brain + weights @ eog
        info = mne.create_info([*CH, *EYES], SFREQ, ["eeg"] * 4 + ["eog"] * 2)
        raw = mne.io.RawArray(np.vstack([x, eog]) * 1e-6, info, verbose="error")
        raw.set_eeg_reference([], verbose="error")
        model = mne.preprocessing.EOGRegression(picks="eeg", picks_artifact="eog").fit(raw)
        np.testing.assert_allclose(eog_coefficients(x, eog), model.coef_, rtol=1e-9)
        expected = model.apply(raw).get_data(picks="eeg") * 1e6
        np.testing.assert_allclose(regress_eog(x, eog), expected, rtol=0, atol=1e-9 * np.abs(x).max())

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"eog": np.zeros((1, 100))}, "none of which follows from the others"),
            ({"eog": np.tile(np.arange(100.0), (2, 1))}, "none of which follows from the others"),
            ({"eog": np.ones((1, 90))}, r"as long as x \(100 samples\), got 90"),
            ({"x": np.full((4, 100), np.nan)}, "x must be finite"),
            ({"coef": np.zeros((2, 2))}, r"coef must have shape \(4, 1\)"),
        ],
    )
    def test_refuses(self, change, message):
        arguments = {"x": np.zeros((4, 100)), "eog": np.sin(np.arange(100.0))[None]} | change
        with pytest.raises(ValueError, match=message):
            regress_eog(**arguments)


class TestEOGRegressionStage:
    TAIL = (fe.Window(1, hop=1), fe.BandPower({"delta": (1, 4)}, log=True))

    def pipe(self, *stages):
        return fe.Pipeline([*stages, *self.TAIL], sfreq=SFREQ, ch_names=[*CH, *EYES], check_unit=False)

    def test_takes_eye_movements_off_once_it_has_seen_some(self, looking):
        brain, weights, eog = looking
        x = np.vstack([brain + weights @ eog, eog])
        stage = fe.EOGRegression(EYES)
        drop = fe.SpatialFilter(np.eye(4, 6))
        clean, dirty = self.pipe(stage).transform(x)[20:], self.pipe(drop).transform(x)[20:]
        truth = self.pipe(drop).transform(np.vstack([brain, eog]))[20:]
        frontal = slice(0, 2)
        errors = [np.abs(y - truth)[:, frontal].mean() for y in (dirty, clean)]
        assert errors[1] < 0.2 * errors[0]

    def test_weights_follow_a_moved_electrode(self, looking):
        brain, weights, eog = looking
        half = eog.shape[1] // 2
        moved = np.hstack([weights @ eog[:, :half], 0.5 * weights @ eog[:, half:]])
        x = np.vstack([brain + moved, eog])
        drop = fe.SpatialFilter(np.eye(4, 6))
        truth = self.pipe(drop).transform(np.vstack([brain, eog]))[-30:]
        follows, stays = (
            np.abs(self.pipe(fe.EOGRegression(EYES, forgetting=f)).transform(x)[-30:] - truth)[:, :2].mean()
            for f in (0.9997, 1.0)
        )
        assert follows < 0.7 * stays

    def test_eye_channels_leave_and_windows_wait(self):
        pipe = self.pipe(fe.EOGRegression(EYES, warmup=4))
        assert [f.channel for f in pipe._features] == CH
        assert pipe.program.scalar("time.warmup") == 1000
        (op,) = (op for op in pipe.program.ops if op.kind == "rls")
        np.testing.assert_array_equal(op["regressors"], [4, 5])

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: fe.EOGRegression([]), "at least one channel"),
            (lambda: fe.EOGRegression(EYES, forgetting=0.5), "forgetting must be in"),
            (lambda: fe.EOGRegression(EYES, ridge=0), "ridge must be"),
            (lambda: fe.EOGRegression(EYES, warmup=-1), "warmup must be"),
        ],
    )
    def test_refuses(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    def test_refuses_eyes_that_do_not_arrive_and_nothing_else(self):
        with pytest.raises(ValueError, match="has no channel 'Z'"):
            self.pipe(fe.EOGRegression(["Z"])).engine()
        with pytest.raises(ValueError, match="leaves no channel"):
            self.pipe(fe.EOGRegression([*CH, *EYES])).engine()


class TestRatios:
    def test_pure_tones_have_their_ratio(self):
        t = np.arange(1000) / SFREQ
        x = np.sin(2 * np.pi * 10 * t) + 3 * np.sin(2 * np.pi * 38 * t) + 2 * np.sin(2 * np.pi * 50 * t)
        assert muscle_ratio(x, SFREQ) == pytest.approx(9, rel=0.01)
        assert line_ratio(x, SFREQ) == pytest.approx(4, rel=0.01)
        assert line_ratio(x, SFREQ, line_freq=60) == pytest.approx(0, abs=1e-3)

    def test_windows_and_channels_keep_their_places(self):
        x = np.random.default_rng(0).standard_normal((3, 4, 500))
        got = muscle_ratio(x, SFREQ)
        assert got.shape == (3, 4)
        np.testing.assert_allclose(got[1, 2], muscle_ratio(x[1, 2], SFREQ), rtol=1e-12)
        assert (muscle_ratio(np.zeros((2, 500)), SFREQ) == 0).all()
        assert np.isfinite(line_ratio(x[..., :70], SFREQ)).all()

    def test_muscle_bursts_of_the_simulator_stand_out(self):
        recordings, truth = fe.synth.simulate(
            n_subjects=2, n_trials=10, ch_names="19", difficulty=0.5, seed=0
        )
        quiet, tense = [], []
        for i, rec in enumerate(recordings):
            x, mask = np.asarray(rec.data, float), truth.mask(i, "muscle")
            for start in range(0, x.shape[1] - 250, 250):
                ratio, here = (
                    muscle_ratio(x[:, start : start + 250], SFREQ),
                    mask[:, start : start + 250].mean(axis=1),
                )
                tense += [ratio[here > 0.6].max()] if (here > 0.6).any() else []
                quiet += ratio[here == 0].tolist()
        assert len(tense) > 20
        assert np.median(tense) > 3 * np.median(quiet)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: muscle_ratio(np.zeros(10), SFREQ), "at least 0.25 s"),
            (lambda: muscle_ratio(np.zeros(500), 80), "sfreq must be above 90 Hz"),
            (lambda: line_ratio(np.zeros(500), 100), "sfreq must be above 102 Hz"),
            (lambda: line_ratio(np.zeros(500), SFREQ, line_freq=0), "line_freq must be"),
        ],
    )
    def test_refuses(self, call, message):
        with pytest.raises(ValueError, match=message):
            call()


class TestQualityChecks:
    def program(self, hop=0.1, **checks):
        stages = [
            fe.Quality(step=None, **checks),
            fe.Window(0.5, hop),
            fe.BandPower({"alpha": (8, 13)}, "filterbank"),
        ]
        return fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH, check_unit=False).program

    def test_channels_with_muscle_or_hum_score_nothing(self, tense):
        records = Engine(self.program(muscle=0.7, line=3.0)).push_array(tense)
        end = records["index"] + 1
        inside = [(end > first + 125 + 25) & (end < stop) for first, stop in ((1000, 2000), (2000, 3000))]
        sound = (end < 1000) | (end > 3000 + 125 + 50)
        scores = records["channel_quality"]
        assert (scores[inside[0]] == [1, 0, 1, 1]).all(axis=1).mean() > 0.9
        assert (scores[inside[1]] == [1, 1, 1, 0]).all()
        assert (scores[sound & (end > 250)] == 1).mean() > 0.98
        np.testing.assert_allclose(records["quality"], scores.mean(axis=1), rtol=1e-15)

    def test_windows_abstain(self, tense):
        x = tense[[1, 1, 1, 0]]
        records = Engine(self.program(muscle=0.7)).push_array(x)
        end = records["index"] + 1
        tense_windows = (end > 1000 + 150) & (end < 2000)
        assert records["abstained"][tense_windows].mean() > 0.9
        assert not records["abstained"][(end > 250) & (end < 1000)].any()

    @native
    @pytest.mark.parametrize("hop", [0.004, 0.1, 0.7])
    def test_the_engine_is_the_reference_for_every_chunking(self, tense, hop):
        program = self.program(hop=hop, muscle=0.5, line=1.0)
        x = tense[:, 900:1600] if hop < 0.01 else tense
        expected = Engine(program, backend="reference").push_array(x)
        assert 0 < (expected["channel_quality"] == 0).mean() < 1
        for size in (len(x[0]), 1, 7, 300):
            if size == 1 and hop > 0.01:
                continue
            engine = Engine(program)
            parts = [engine.push_array(x[:, i : i + size]) for i in range(0, x.shape[1], size)]
            got = np.concatenate(parts)
            np.testing.assert_array_equal(got["channel_quality"], expected["channel_quality"])
            np.testing.assert_array_equal(got["quality"], expected["quality"])
            np.testing.assert_array_equal(got["abstained"], expected["abstained"])

    @native
    def test_a_reset_forgets(self, tense):
        engine = Engine(self.program(muscle=0.5))
        first = engine.push_array(tense)
        engine.reset()
        again = engine.push_array(tense)
        np.testing.assert_array_equal(again["channel_quality"], first["channel_quality"])

    def test_a_file_keeps_them(self, tense, tmp_path):
        stages = [
            fe.Quality(muscle=0.5, line=2.0, line_freq=60),
            fe.Window(1, 1),
            fe.BandPower({"alpha": (8, 13)}),
        ]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH, check_unit=False)
        pipe.save(tmp_path / "m.fastemo")
        again = fe.load(tmp_path / "m.fastemo")
        for field in ("outputs", "channel_quality"):
            got, expected = (p.engine().push_array(tense)[field] for p in (again, pipe))
            np.testing.assert_array_equal(got, expected)
        assert "quality.ratio" in again.program.header

    @pytest.mark.parametrize("backend", ["native", "reference"])
    @pytest.mark.parametrize(
        ("header", "message"),
        [
            ({"quality.ratio": None}, "quality.ratio"),
            ({"quality.coef": None}, "quality"),
            ({"quality.ratio": np.array([0.0])}, "expected above 0"),
            ({"quality.ratio": np.array([1.0, 2.0])}, "expected one more"),
            ({"quality.zi": np.zeros((1, 4, 2))}, "zi"),
        ],
    )
    def test_programs_that_do_not_hold_together_are_refused(self, backend, header, message):
        if backend == "native" and core is None:
            pytest.skip("there is no compiled core")
        program = self.program(muscle=0.5)
        for name, value in header.items():
            program.header.pop(name)
            if value is not None:
                program.header[name] = value
        with pytest.raises(ValueError, match=message):
            Engine(program, backend=backend)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"muscle": 0}, "muscle must be"),
            ({"line": -1}, "line must be"),
            ({"line_freq": 0}, "line_freq must be"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(ValueError, match=message):
            fe.Quality(**options)

    def test_refuses_what_the_rate_cannot_show(self):
        pipe = fe.Pipeline(
            [fe.Quality(line=1.0), fe.Window(1, 1), fe.BandPower({"a": (8, 13)})], sfreq=100, ch_names=CH
        )
        with pytest.raises(ValueError, match=r"Quality\(line=...\) looks at up to 51 Hz"):
            pipe.engine()
