"""Artifact subspace reconstruction: what is too large goes, the rest stays, and chunks do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfreqz

import fastemo as fe
from fastemo._backend import core
from fastemo.artefacts import ASR, AsrState, calibrate_asr, shaping_filter
from fastemo.artefacts._amplitudes import clean_amplitudes
from fastemo.montage import MONTAGES
from fastemo.reference.subspace import AsrFilter, subspace_map

SFREQ = 250.0
CH = list(MONTAGES["19"])
HIGH_PASS = butter(2, 1, "highpass", fs=SFREQ, output="sos")
native = pytest.mark.skipif(core is None, reason="there is no compiled core")


def brain(seconds, seed, artefacts=0.0):
    """A simulated recording of 19 channels and where its artefacts are."""
    recordings, truth = fe.synth.simulate(
        n_subjects=1, n_trials=1, trial_length=seconds, ch_names="19", line_freq=0.0, baseline_length=0,
        difficulty=fe.synth.Difficulty.at(0.2, artefacts=artefacts), seed=seed,
    )  # fmt: skip
    return fe.signal.sosfilt(HIGH_PASS, np.asarray(recordings[0].data, float))[:, 500:], truth


@pytest.fixture(scope="module")
def calm():
    return brain(64, seed=1)[0]


@pytest.fixture(scope="module")
def dirty(calm):
    """Another minute of the same person with blinks and bursts added, and itself without them."""
    clean = brain(64, seed=1)[0][:, ::-1][:, :5000].copy()
    rng = np.random.default_rng(5)
    x, mask = clean.copy(), np.zeros(clean.shape[1], bool)
    for k, start in enumerate(range(600, 4600, 800)):
        n = 120
        course = 150 * np.hanning(n) * (np.sin(0.6 * np.arange(n)) if k % 2 else 1)
        x[:, start : start + n] += rng.standard_normal((len(x), 1)) * course
        mask[start : start + n] = True
    return x, clean, mask


@pytest.fixture(scope="module")
def state(calm):
    return calibrate_asr(calm, SFREQ, cutoff=10)


def asr_of(state, **options):
    return ASR(SFREQ, 10, **options).set_state(state)


class TestCalibration:
    def test_the_shaping_filter_has_its_gains(self):
        """Within 0.25 of the published gains between 3 and 80 Hz, and stable; eight poles cannot turn sharper at 2 Hz."""
        for sfreq in (128.0, 200.0, 250.0, 256.0, 500.0, 512.0):
            sos = shaping_filter(sfreq)
            f = np.array([6.0, 9, 12, 20, 30, 40, 60])
            wanted = np.interp(f, [3, 13, 16, 40, min(80, sfreq / 2 - 1)], [0.33, 0.33, 1, 1, 3])
            gain = np.abs(sosfreqz(sos, f, fs=sfreq)[1])
            assert np.abs(gain - wanted).max() < 0.3
            assert np.abs(np.concatenate([np.roots(s[3:]) for s in sos])).max() < 0.99

    def test_amplitudes_are_those_of_the_clean_ones(self):
        """Known mean and deviation under a third of large artefacts and a few drop-outs."""
        rng = np.random.default_rng(0)
        clean, large, none = rng.normal(10, 1, 1000), rng.uniform(13, 80, 400), rng.uniform(0, 3, 60)
        mu, sd = clean_amplitudes(np.concatenate([clean, large, none]))
        assert abs(mu - 10) < 0.3
        assert abs(sd - 1) < 0.3

    def test_equal_amplitudes_have_no_spread(self):
        assert clean_amplitudes(np.full(200, 3.0)) == (3.0, 0.0)

    def test_bursts_are_left_out_of_the_calibration(self, dirty):
        x, clean, mask = dirty
        got, wanted = calibrate_asr(x, SFREQ), calibrate_asr(clean, SFREQ)
        assert got.clean[mask].mean() < 0.2
        assert got.clean[~mask].mean() > 0.6
        size = lambda s: np.sqrt((s.thresholds**2).sum())  # noqa: E731
        # Twenty seconds are forty independent windows: they say an amplitude within a quarter or so.
        assert size(got) == pytest.approx(size(wanted), rel=0.3)

    def test_amplitudes_are_meegkits(self):
        """The same search over the same grid; a value on the edge of a bin may fall to its other side."""
        peer = pytest.importorskip("meegkit.utils.asr")
        rng = np.random.default_rng(1)
        for k in range(8):
            clean = rng.gamma(20 + 5 * k, 1, 400)
            values = np.concatenate([clean, rng.uniform(1, 5, 5 * k) * clean.max()])
            np.testing.assert_allclose(
                clean_amplitudes(values), peer.fit_eeg_distribution(values)[:2], rtol=1e-6
            )

    def test_is_like_meegkits(self, calm):
        """The same method but for how blocks are cut (theirs overlap and are padded), so that each component's fit, a
        search on a grid, falls on another point; their sizes together agree."""
        peer = pytest.importorskip("meegkit.asr")
        from scipy.signal import tf2sos

        theirs = peer.ASR(
            sfreq=SFREQ, cutoff=10, method="euclid", estimator="scm", blocksize=25, max_bad_chans=0.2
        )
        theirs.fit(calm)
        ours = calibrate_asr(calm, SFREQ, 10, shaping=tf2sos(theirs.ab_[1], theirs.ab_[0]))
        mixing = theirs.state_["M"]
        assert np.linalg.norm(ours.covariance - mixing @ mixing) < 0.1 * np.linalg.norm(ours.covariance)
        limits = [np.sort(np.linalg.norm(t, axis=1)) for t in (ours.thresholds, theirs.state_["T"])]
        ratio = limits[0] / limits[1]
        assert abs(np.median(ratio) - 1) < 0.1
        assert 0.6 < ratio.min() < ratio.max() < 1.6

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"x": np.zeros((3, 1000))}, "lasts 4 s, expected at least 10 s"),
            ({"x": np.zeros((3, 5000))}, "must not be flat"),
            ({"x": np.full((3, 5000), np.nan)}, "must be finite"),
            ({"sfreq": 50.0}, "at least 100 Hz"),
            ({"cutoff": 0}, "cutoff must be"),
            ({"max_bad_channels": 1}, "must be a share below 1"),
            ({"x": np.zeros(9)}, "must have 2 dimensions"),
        ],
    )
    def test_refuses(self, change, message):
        arguments = {"x": np.random.default_rng(0).standard_normal((3, 5000)), "sfreq": SFREQ} | change
        with pytest.raises(ValueError, match=message):
            calibrate_asr(**arguments)


class TestMap:
    def test_is_the_published_one(self, state):
        """I - V (V'WV)^-1 V'W is M (diag(keep) V'M)^+ V' with M the root of the covariance."""
        rng = np.random.default_rng(0)
        u, t = state.covariance, state.thresholds
        s = u + 50 * u.trace() / len(u) * np.outer(*[rng.standard_normal(len(u))] * 2)
        values, vectors = np.linalg.eigh(s)
        keep = values < ((t @ vectors) ** 2).sum(axis=0)
        assert 0 < (~keep).sum() < 4
        lam, e = np.linalg.eigh(u)
        m = (e * np.sqrt(lam)) @ e.T
        published = m @ np.linalg.pinv(keep[:, None] * (vectors.T @ m)) @ vectors.T
        got = subspace_map(s, most=len(u), **state.tensors())
        np.testing.assert_allclose(got, published, atol=1e-6)

    def test_at_most_so_many_directions_go(self, state):
        rank = np.linalg.matrix_rank(subspace_map(1e6 * np.eye(19), most=5, **state.tensors()))
        assert rank == 14

    @native
    @pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 16, 19, 32, 33, 64, 128])
    def test_the_compiled_filter_is_the_reference(self, n):
        """One direction far too large, another just so, through every width of the matrices."""
        rng = np.random.default_rng(n)
        mix = rng.standard_normal((n, n)) + 2 * np.eye(n)
        x = mix @ rng.standard_normal((n, 400))
        x[:, 130:220] += 300 * rng.standard_normal((n, 1)) * np.hanning(90)
        if n > 4:
            x[:, 300:360] += rng.standard_normal((n, 3)) @ rng.standard_normal((3, 60)) * 60
        u = mix @ mix.T
        arguments = {
            "sos": shaping_filter(SFREQ), "zi": np.zeros((4, 2)), "limit": 9 * u, "inverse": np.linalg.inv(u),
            "n_blocks": 4, "hop": 20, "delay": 31, "most": max(1, n * 2 // 3),
        }  # fmt: skip
        got, expected = core.AsrFilter(**arguments).process(x), AsrFilter(**arguments).process(x)
        assert np.abs(expected - np.pad(x, ((0, 0), (31, 0)), "edge")[:, :400]).max() > 10
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8 * np.abs(x).max())

    @native
    def test_clean_samples_are_not_touched(self, state, calm):
        """To the bit: where nothing is too large the map is the identity and is not multiplied by."""
        asr = ASR(SFREQ, 10, lookahead=0).set_state(state._replace(thresholds=100 * state.thresholds))
        np.testing.assert_array_equal(asr.process(calm), calm)

    @native
    def test_values_beyond_all_bounds_come_through(self, state, calm):
        x = calm[:, :500].copy()
        x[:, 100:110] = 1e200
        assert np.isfinite(asr_of(state).process(x)[:, :100]).all()


class TestFilter:
    def test_takes_artefacts_out_and_leaves_the_brain(self, state, dirty):
        x, clean, mask = dirty
        got = asr_of(state).transform(x)
        before, after = (np.abs(y - clean)[:, mask].mean() for y in (x, got))
        assert after < 0.25 * before
        far = ~np.convolve(mask, np.ones(501), "same").astype(bool)
        # At a cutoff of 10 little of the brain is taken for an artefact.
        assert np.abs(got - clean)[:, far].mean() < 0.1 * np.abs(clean)[:, far].mean()

    def test_takes_out_what_the_simulator_puts_in(self):
        """The same simulated person with and without eyes and muscles."""
        clean, _ = brain(64, seed=4)
        x, truth = brain(64, seed=4, artefacts=1.0)
        mask = truth.mask(0, "blink").any(axis=0)[500:]
        got = ASR(SFREQ, 10).fit(clean).transform(x)
        frontal = [CH.index("Fp1"), CH.index("Fp2")]
        before, after = (np.abs(y - clean)[frontal][:, mask].mean() for y in (x, got))
        assert after < 0.5 * before

    def test_without_lookahead_it_is_a_block_late(self, state, dirty):
        x, clean, mask = dirty
        now, later = asr_of(state, lookahead=0).transform(x), asr_of(state).transform(x)
        errors = [np.abs(y - clean)[:, mask].mean() for y in (x, now, later)]
        assert errors[2] < errors[1] < errors[0]

    def test_is_meegkits_on_the_same_settings(self, state, dirty):
        """The same filter, calibration, window and chunk. Theirs smooths from the first chunk's map on, ours from the
        identity; the eigenvectors' rounding grows by the calibration's condition."""
        peer = pytest.importorskip("meegkit.asr")
        from scipy.signal import tf2sos

        x, _, _ = dirty
        theirs = peer.ASR(sfreq=SFREQ, cutoff=10, method="euclid", estimator="scm", memory=25)
        lam, e = np.linalg.eigh(state.covariance)
        theirs.state_ = {"M": (e * np.sqrt(lam)) @ e.T, "T": state.thresholds, "R": None}
        theirs._fitted = True
        expected = np.hstack([theirs.transform(x[:, i : i + 25]) for i in range(0, x.shape[1], 25)])
        shaping = tf2sos(theirs.ab_[1], theirs.ab_[0])
        ours = ASR(SFREQ, 10, window=0.1, hop=0.1, lookahead=0.1, shaping=shaping).set_state(state)
        got = ours.process(x)[:, 25:]
        assert np.abs(expected - x).max() > 50
        np.testing.assert_allclose(got[:, 25:], expected[:, 25:-25], rtol=0, atol=1e-4)

    @settings(max_examples=25)
    @given(cuts=st.lists(st.integers(0, 1200), max_size=12), delay=st.sampled_from([0, 1, 25, 63]))
    def test_chunking_does_not_matter(self, state, dirty, cuts, delay):
        x = dirty[0][:, 400:1600]
        asr = asr_of(state, lookahead=delay / SFREQ)
        whole = asr.process(x)
        asr.reset()
        chunks = np.split(x, sorted(cuts), axis=1)
        np.testing.assert_array_equal(np.hstack([asr.process(c) for c in chunks]), whole)

    def test_layout_type_and_place_do_not_matter(self, state, dirty):
        x = dirty[0][:, :700].astype(np.float32)
        asr = asr_of(state)
        expected = asr.process(x.astype(float))
        for y in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
            asr.reset()
            np.testing.assert_array_equal(asr.process(y), expected)
        asr.reset()
        own = x.astype(float)
        assert asr.process(own, own) is own
        np.testing.assert_array_equal(own, expected)

    def test_transform_leaves_a_new_stream(self, state, dirty):
        x = dirty[0][:, :800]
        asr = asr_of(state)
        first = asr.process(x)
        asr.transform(x)
        np.testing.assert_array_equal(asr.process(x), first)

    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda s: ASR(SFREQ).process(np.zeros((19, 5))), RuntimeError, "not calibrated"),
            (lambda s: asr_of(s).process(np.zeros((3, 5))), ValueError, "chunk has"),
            (lambda s: asr_of(s).process(np.full((19, 5), np.nan)), ValueError, "chunk must be finite"),
            (lambda s: ASR(SFREQ, window=0.05), ValueError, "at least one hop"),
            (lambda s: ASR(SFREQ, lookahead=-1), ValueError, "lookahead must be"),
            (lambda s: ASR(SFREQ, max_removed=1.5), ValueError, "max_removed must be a share"),
            (lambda s: ASR(50.0), ValueError, "at least 100 Hz"),
        ],
    )
    def test_refuses(self, state, make, error, message):
        with pytest.raises(error, match=message):
            make(state)

    @native
    def test_the_core_refuses_what_does_not_fit(self):
        good = {
            "sos": shaping_filter(SFREQ), "zi": np.zeros((4, 2)), "limit": np.eye(3), "inverse": np.eye(3),
            "n_blocks": 4, "hop": 20, "delay": 0, "most": 2,
        }  # fmt: skip
        bad = {
            "sos": np.zeros((0, 6)), "zi": np.zeros((3, 2)), "limit": np.zeros((3, 2)), "inverse": np.eye(2),
            "n_blocks": 0, "hop": 0, "delay": -1, "most": 4,
        }  # fmt: skip
        for name, value in bad.items():
            with pytest.raises(ValueError, match=rf"{name}|limit|zi"):
                core.AsrFilter(**(good | {name: value}))
        for name in ("limit", "inverse", "zi"):
            with pytest.raises(ValueError, match=f"{name} must be finite"):
                core.AsrFilter(**(good | {name: good[name] * np.nan}))


class TestStage:
    TAIL = (fe.Window(1, hop=0.5), fe.BandPower({"theta": (4, 8), "alpha": (8, 13)}, log=True))

    def pipe(self, *more, **options):
        stages = [fe.HighPass(1, order=2), fe.ASR(10, **options), *self.TAIL, *more]
        return fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH, check_unit=False)

    def recordings(self):
        made, _ = fe.synth.simulate(n_subjects=3, n_trials=4, ch_names="19", difficulty=0.1, seed=2)
        return made

    def test_learns_from_baselines_and_cleans(self):
        made = self.recordings()
        pipe = self.pipe().fit(made)
        rest = [rec for rec in made if rec.role == "baseline"]
        again = self.pipe().fit(rest)
        np.testing.assert_array_equal(pipe.fitted_["asr"]["limit"], again.fitted_["asr"]["limit"])
        x = np.asarray(made[-1].data, float).copy()
        x[:, 1000:1100] += 2000 * np.random.default_rng(0).standard_normal((19, 1)) * np.hanning(100)
        rows = {name: p.transform(x) for name, p in {"asr": pipe, "raw": self.raw()}.items()}
        still = self.raw().transform(np.asarray(made[-1].data, float))
        n = len(rows["asr"])
        assert np.abs(rows["asr"] - still[:n]).max() < np.abs(rows["raw"] - still).max() / 2

    def raw(self):
        return fe.Pipeline([fe.HighPass(1, order=2), *self.TAIL], sfreq=SFREQ, ch_names=CH, check_unit=False)

    def test_time_and_warm_up_know_of_the_delay(self):
        made = self.recordings()
        later, now = self.pipe(lookahead=0.4).fit(made), self.pipe(lookahead=0).fit(made)
        delay = [p.program.header["time.delay"].item() for p in (later, now)]
        assert delay[0] - delay[1] == pytest.approx(0.4, abs=1e-6)
        assert later.program.scalar("time.warmup") >= now.program.scalar("time.warmup") + 100

    def test_is_the_function(self):
        """The features of the engine's cleaned signal are those of the array's."""
        made = self.recordings()
        pipe = self.pipe(lookahead=0).fit(made)
        x = np.asarray(made[-1].data, float).copy()
        x[:, 1000:1100] += 3000 * np.random.default_rng(0).standard_normal((19, 1)) * np.hanning(100)
        op = next(op for op in pipe.program.ops if op.kind == "asr")
        tensors = {name: op[name] for name in op.tensors}
        sos = tensors.pop("coef")
        numbers = {k: tensors.pop(k).item() for k in ("n_blocks", "hop", "delay", "most")}
        high = fe.HighPass(1, order=2).sections(SFREQ)
        from fastemo._design import first_sample_state

        filtered = fe.signal.sosfilt(high, x, zi=first_sample_state(high)[:, None] * x[:, :1])[0]
        cleaned = AsrFilter(sos, tensors["zi"], tensors["limit"], tensors["inverse"], **numbers).process(
            filtered
        )
        tail = fe.Pipeline(list(self.TAIL), sfreq=SFREQ, ch_names=CH, check_unit=False)
        np.testing.assert_allclose(pipe.transform(x), tail.transform(cleaned), rtol=1e-7, atol=1e-9)

    @pytest.mark.filterwarnings("ignore::UserWarning")
    def test_decodes_evaluates_calibrates_and_survives_a_file(self, tmp_path):
        made = self.recordings()
        pipe = self.pipe(fe.Standardize(), fe.LDA()).fit(made)
        who = next(rec for rec in made if rec.role == "baseline")
        adapted = pipe.calibrate(who)
        assert not np.array_equal(adapted.fitted_["asr"]["limit"], pipe.fitted_["asr"]["limit"])
        np.testing.assert_array_equal(adapted.fitted_["lda"]["coef"], pipe.fitted_["lda"]["coef"])
        pipe.save(tmp_path / "m.fastemo")
        again = fe.load(tmp_path / "m.fastemo")
        a, b = (p.predict_windows(made[-1])["probabilities"] for p in (pipe, again))
        np.testing.assert_array_equal(a, b)
        result = fe.evaluate(self.pipe(fe.Standardize(), fe.LDA()), made, by="subject", n_shuffles=0)
        assert 0 <= result.accuracy <= 1

    @pytest.mark.filterwarnings("ignore::UserWarning")
    def test_held_out_recordings_do_not_calibrate_it(self, monkeypatch):
        """In a fold ASR learns from the training recordings only."""
        made = [rec for rec in self.recordings() if rec.role == "data"]
        seen = []
        learn = fe.ASR.fit_signal

        def spy(self, signals, sfreq):
            seen.append(sum(x.shape[1] for x in signals))
            return learn(self, signals, sfreq)

        monkeypatch.setattr(fe.ASR, "fit_signal", spy)
        fe.evaluate(self.pipe(fe.Standardize(), fe.LDA()), made, by="subject", n_shuffles=0)
        assert seen == [sum(r.n_samples for r in made), *[sum(r.n_samples for r in made) // 3 * 2] * 3]

    def test_refuses(self):
        pipe = self.pipe()
        with pytest.raises(Exception, match="not fitted"):
            pipe.engine()
        with pytest.raises(ValueError, match="window must be at least one hop"):
            fe.ASR(window=0.05)
        with pytest.raises(ValueError, match="cutoff must be"):
            fe.ASR(-1)
        with pytest.raises(ValueError, match="max_removed must be a share"):
            fe.ASR(max_removed=2)
        assert isinstance(AsrState(np.eye(2), np.eye(2), np.ones(3, bool)).tensors(), dict)


class TestOp:
    @pytest.mark.parametrize("backend", ["native", "reference"])
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("hop", np.array([0])),
            ("hop", np.array([1 << 40])),
            ("n_blocks", np.array([0])),
            ("delay", np.array([-1])),
            ("most", np.array([0])),
            ("most", np.array([20])),
            ("limit", np.eye(3)),
            ("inverse", np.full((19, 19), np.nan)),
            ("zi", np.zeros((3, 2))),
            ("coef", np.zeros((4, 5))),
        ],
    )
    def test_tensors_that_do_not_fit_are_refused(self, backend, name, value):
        if backend == "native" and core is None:
            pytest.skip("there is no compiled core")
        from fastemo._artefact_cases import SIGNAL_OPS
        from fastemo._case_programs import _power, _program
        from fastemo._program import Op
        from fastemo.engine import Engine

        tensors = {row[0]: row[2] for row in SIGNAL_OPS}["asr"](19, np.random.default_rng(0))
        Engine(_program([Op("asr", (0,), tensors), _power(1)], 19), backend=backend)
        with pytest.raises(ValueError, match=r"asr"):
            Engine(_program([Op("asr", (0,), tensors | {name: value}), _power(1)], 19), backend=backend)

    @native
    def test_threads_and_chunks_do_not_change_a_bit(self, dirty):
        from fastemo._artefact_cases import SIGNAL_OPS
        from fastemo._case_programs import _power, _program
        from fastemo._program import Op
        from fastemo.engine import Engine

        tensors = {row[0]: row[2] for row in SIGNAL_OPS}["asr"](19, np.random.default_rng(0))
        program = _program([Op("asr", (0,), tensors), _power(1)], 19)
        x = dirty[0]
        whole = Engine(program).push_array(x)["outputs"]
        np.testing.assert_array_equal(Engine(program, threads=2).push_array(x)["outputs"], whole)
        engine = Engine(program)
        parts = [engine.push_array(x[:, i : i + 37])["outputs"] for i in range(0, x.shape[1], 37)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
