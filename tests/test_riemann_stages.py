"""Covariances in a pipeline: what the stages compute, live as offline, and what they refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from programs import make_program

import fastemo as fe
from fastemo import riemann as rm
from fastemo._backend import core
from fastemo._program import Op
from fastemo.engine import Engine

CH = ["F3", "Fz", "F4"]
BANDS = {"theta": (4, 8), "alpha": (8, 13)}
WINDOW = fe.Window(1, hop=0.5)
BACKENDS = ["native", "reference"] if core else ["reference"]


def signals(n=8, n_times=1000, seed=0):
    """Two classes that differ in how the outer channels go together."""
    rng = np.random.default_rng(seed)
    x = 10 * rng.standard_normal((n, 3, n_times))
    x[n // 2 :, 0] += 0.7 * x[n // 2 :, 2]
    return x, ["calm"] * (n // 2) + ["joy"] * (n - n // 2)


def people(n=3, seed=0):
    """A rest and one recording of each class of people whose channels are of different sizes."""
    out = []
    for i in range(n):
        x, y = signals(2, seed=seed + i)
        rest, _ = signals(2, seed=seed + 50 + i)
        mixing = np.eye(3) + np.random.default_rng(seed + i).uniform(0, 1, (3, 3))
        for data, label, role in ((rest[0], None, "baseline"), (x[0], y[0], "data"), (x[1], y[1], "data")):
            out.append(fe.Recording(mixing @ data, 100, CH, label=label, subject=f"s{i}", role=role))
    return out


def pipeline(*stages, **options):
    return fe.Pipeline([WINDOW, *stages], **({"sfreq": 100, "ch_names": CH} | options))


def cut(x, length=100, hop=50):
    return np.stack([x[:, k : k + length] for k in range(0, x.shape[1] - length + 1, hop)])


def triangles(c):
    i, j = np.triu_indices(c.shape[-1])
    return c[..., i, j]


class TestFeatures:
    @pytest.mark.parametrize("estimator", ["cov", "scm", "corr", "lwf", "oas", "sch", "shrunk"])
    def test_covariance_is_that_of_each_window(self, estimator):
        x = signals()[0][0]
        got = pipeline(fe.Covariance(estimator)).transform(x)
        assert_allclose(got, triangles(rm.covariances(cut(x), estimator)), rtol=1e-10, atol=1e-9)

    @pytest.mark.parametrize("backend", BACKENDS)
    @pytest.mark.parametrize("estimator", ["lwf", "oas", "sch"])
    def test_shrinkage_is_that_of_the_channels_alone(self, estimator, backend):
        """Ops before leave something in the lanes beyond the channels, which is no part of the covariance."""
        x = 10 * np.random.default_rng(1).standard_normal((5, 600))
        stages = [fe.CommonAverage(), WINDOW, fe.Covariance(estimator)]
        program = fe.Pipeline(stages, sfreq=100, ch_names=[f"ch{i}" for i in range(5)], unit="1").program
        got = Engine(program, backend=backend).push_array(x)["outputs"]
        expected = triangles(rm.covariances(cut(x - x.mean(axis=0)), estimator))
        assert_allclose(got, expected, rtol=1e-9, atol=1e-9)

    def test_bands_are_those_of_a_causal_filter(self):
        from scipy.signal import butter, sosfilt, sosfilt_zi

        x = signals()[0][0]
        pipe = pipeline(fe.Covariance("scm", BANDS, order=2))
        got = pipe.transform(x).reshape(-1, 2, 6)
        for b, band in enumerate(BANDS.values()):
            sos = butter(2, band, "bandpass", fs=100, output="sos")
            zi = sosfilt_zi(sos)[:, None] * x[:, :1]
            y = sosfilt(sos, x, zi=zi)[0]
            assert_allclose(got[:, b], triangles(rm.covariances(cut(y), "scm")), rtol=1e-9, atol=1e-9)
        assert pipe.get_feature_names_out().tolist()[5:8] == ["theta:F4", "alpha:F3", "alpha:F3-Fz"]

    def test_bands_take_part_in_warm_up_and_delay(self):
        plain, banded = (
            pipeline(stage)._lowered()[0] for stage in (fe.Covariance(), fe.Covariance(bands=BANDS))
        )
        assert plain.warmup == 0
        assert banded.warmup > 20
        assert banded.delays["theta"] > banded.delays["alpha"] > 0

    def test_recursion_is_exponential(self):
        x = signals()[0][0]
        once, smooth = (pipeline(fe.Covariance("scm", tau=tau)).transform(x) for tau in (None, 2.0))
        alpha = 1 - np.exp(-0.5 / 2)
        expected = once.copy()
        for i in range(1, len(once)):
            expected[i] = expected[i - 1] + alpha * (once[i] - expected[i - 1])
        assert_allclose(smooth, expected, rtol=1e-10)

    @pytest.mark.parametrize("backend", BACKENDS)
    @pytest.mark.parametrize("estimator", ["scm", "cov", "corr", "shrunk", "oas"])
    def test_memory_weighs_samples_by_age(self, estimator, backend):
        x = 10 * np.random.default_rng(2).standard_normal((5, 300)) + 1e4
        stages = [fe.CommonAverage(), WINDOW, fe.Covariance(estimator, memory=0.4)]
        program = fe.Pipeline(stages, sfreq=100, ch_names=[f"ch{i}" for i in range(5)], unit="1").program
        got = Engine(program, backend=backend).push_array(x)["outputs"]
        assert len(got) == 5
        x -= x.mean(axis=0)
        for row, stop in zip(got, range(100, 301, 50), strict=True):
            w = np.exp(-np.arange(stop)[::-1] / 40)
            n = w.sum() ** 2 / (w**2).sum()
            c = np.cov(x[:, :stop], aweights=w, ddof=int(estimator == "cov"))
            if estimator == "corr":
                c /= np.sqrt(np.outer(np.diag(c), np.diag(c)))
            share = {"shrunk": 0.1, "oas": 0.0}.get(estimator, 0.0)
            if estimator == "oas":
                alpha, mu = (c**2).mean(), np.trace(c) / 5
                share = min(1, (alpha + mu**2) / ((n + 1) * (alpha - mu**2 / 5)))
                assert n == pytest.approx(80, rel=0.02) or stop < 300
            c = (1 - share) * c + share * np.trace(c) / 5 * np.eye(5)
            assert_allclose(row, triangles(c), rtol=1e-8, atol=1e-8)

    def test_memory_is_the_same_in_any_chunks(self):
        x = signals()[0][0]
        program = pipeline(fe.Covariance("oas", BANDS, memory=2.0)).program
        whole = Engine(program).push_array(x)["outputs"].tobytes()
        for size in (1, 7, 333):
            engine = Engine(program)
            parts = [engine.push_array(x[:, i : i + size])["outputs"] for i in range(0, x.shape[1], size)]
            assert np.concatenate(parts).tobytes() == whole

    def test_what_overflows_is_passed_over(self):
        x = np.random.default_rng(0).standard_normal((2, 400))
        x[:, 150] = 1e200
        for backend in BACKENDS:
            program = fe.Pipeline(
                [WINDOW, fe.Covariance(memory=1)], sfreq=100, ch_names=CH[:2], unit="1"
            ).program
            assert np.isfinite(Engine(program, backend=backend).push_array(x)["outputs"]).all()

    @pytest.mark.parametrize("metric", ["riemann", "logeuclid"])
    def test_tangent_space_is_that_of_the_training_mean(self, metric):
        x, y = signals()
        pipe = pipeline(fe.Covariance(), fe.TangentSpace(metric), fe.LDA()).fit(x, y)
        c = rm.covariances(np.concatenate([cut(one) for one in x]), "oas")
        mean = rm.gmean(c, metric=metric)
        expected = rm.tangent_space(c, mean) if metric == "riemann" else rm.upper(rm.logm(c) - rm.logm(mean))
        assert_allclose(np.concatenate(pipe.transform(list(x))), expected, rtol=0, atol=1e-7)

    def test_recentring_brings_each_person_to_the_identity(self):
        recordings = people()
        pipe = pipeline(fe.Covariance(), fe.Recenter(baseline=True), fe.TangentSpace(), fe.LDA()).fit(
            recordings
        )
        rest = recordings[0]
        adapted = pipe.calibrate([rest])
        recentred = pipeline(fe.Covariance(), fe.Recenter(baseline=True))
        recentred.fitted_ = {"recenter": adapted.fitted_["recenter"]}
        c = recentred.transform(rest.data)
        i, j = np.triu_indices(3)
        matrices = np.empty((len(c), 3, 3))
        matrices[:, i, j] = matrices[:, j, i] = c
        assert_allclose(rm.mean_riemann(matrices), np.eye(3), atol=1e-6)
        assert (pipe.fitted_["recenter"]["mean"] != adapted.fitted_["recenter"]["mean"]).any()

    def test_training_on_recentred_people_is_what_calibration_gives(self):
        recordings = people()
        stages = fe.Covariance(bands=BANDS), fe.Recenter(baseline=True), fe.TangentSpace(), fe.LDA()
        pipe = pipeline(*stages).fit(recordings)
        seen = []
        for i in range(0, len(recordings), 3):
            adapted = pipe.calibrate([recordings[i]])
            for rec in recordings[i + 1 : i + 3]:
                valid = adapted.predict_windows(rec)["valid"]
                seen.append(adapted.transform(rec)[valid])
        # the reference of the tangent space is the mean of all that: vectors have no mean
        assert_allclose(np.concatenate(seen).mean(axis=0), 0, atol=1e-6)

    def test_mdm_is_that_of_the_functions(self):
        x, y = signals()
        pipe = pipeline(fe.Covariance(), fe.MDM()).fit(x, y)
        c = rm.covariances(np.concatenate([cut(one) for one in x]), "oas")
        expected = rm.MDM().fit(c, np.repeat(y, len(c) // len(x)))
        tables = pipe.predict_windows(list(x))
        got = np.concatenate([table["probabilities"] for table in tables])
        assert_allclose(got, expected.predict_proba(c), atol=1e-6)
        assert (pipe.predict(x) == y).all()

    def test_mdm_adds_up_bands(self):
        x, y = signals()
        both = pipeline(fe.Covariance(bands=BANDS), fe.MDM()).fit(x, y)
        means = both.fitted_["mdm"]["means"]
        assert means.shape == (2, 2, 3, 3)
        rows = pipeline(fe.Covariance(bands=BANDS)).transform(x[0]).reshape(-1, 2, 6)
        squared = np.zeros((len(rows), 2))
        for b in range(2):
            c = rm.unupper(rows[:, b] * rm.upper(np.ones((3, 3))))
            squared += rm.pairwise_distance(c, means[:, b], squared=True)
        expected = np.exp(-squared) / np.exp(-squared).sum(axis=1, keepdims=True)
        assert_allclose(both.predict_windows(x[0])["probabilities"], expected, atol=1e-8)


CHAINS = {
    "mdm": (fe.Covariance(bands=BANDS), fe.MDM()),
    "tangent": (fe.Covariance("lwf", tau=1.0), fe.Recenter(), fe.TangentSpace(), fe.Logistic()),
    "logeuclid": (fe.Covariance(), fe.TangentSpace("logeuclid"), fe.Standardize(), fe.LDA()),
}


@pytest.mark.parametrize("chain", CHAINS)
class TestStream:
    def fitted(self, chain):
        x, y = signals()
        return pipeline(*CHAINS[chain]).fit(x, y), x

    def test_chunks_threads_and_files_change_no_bit(self, chain, tmp_path):
        pipe, x = self.fitted(chain)
        whole = pipe.engine().push_array(x[1])["outputs"]
        for size in (1, 7, 50, 333):
            engine = pipe.engine()
            parts = [engine.push_array(x[1][:, i : i + size])["outputs"] for i in range(0, 1000, size)]
            assert_array_equal(np.concatenate(parts), whole)
        assert_array_equal(pipe.engine(threads=3).push_array(x[1])["outputs"], whole)
        pipe.save(tmp_path / "m.fastemo")
        again = fe.load(tmp_path / "m.fastemo")
        assert_array_equal(again.engine().push_array(x[1])["outputs"], whole)
        assert again.to_spec() == pipe.to_spec()

    def test_the_reference_engine_agrees(self, chain):
        pipe, x = self.fitted(chain)
        got = pipe.engine().push_array(x[1])["outputs"]
        expected = Engine(pipe.program, backend="reference").push_array(x[1])["outputs"]
        assert_allclose(got, expected, rtol=1e-8, atol=1e-10)

    def test_explains(self, chain):
        pipe, _ = self.fitted(chain)
        explanation = pipe.explain()
        assert explanation.channels == ("F3", "F3-Fz", "F3-F4", "Fz", "Fz-F4", "F4")
        # what tells the classes apart is how the outer channels go together
        difference = np.abs(np.diff(explanation.patterns, axis=0)).sum(axis=(0, 1))
        assert explanation.channels[int(difference.argmax())] in ("F3-F4", "F3")


def test_unseen_people_are_decoded_once_they_are_calibrated():
    recordings = people(6)
    pipe = pipeline(fe.Covariance(), fe.Recenter(baseline=True), fe.TangentSpace(), fe.LDA())
    result = fe.evaluate(pipe, recordings, by="subject", calibrate=True)
    assert result.accuracy > 0.85


def test_a_rank_that_is_too_low_is_no_end():
    """Behind a common average oas has full rank; scm has not, and says so when it is fitted."""
    x, y = signals()
    pipe = fe.Pipeline([fe.CommonAverage(), WINDOW, fe.Covariance(), fe.MDM()], sfreq=100, ch_names=CH).fit(
        x, y
    )
    assert np.isfinite(pipe.predict_proba(x)).all()
    with pytest.raises(ValueError, match=r"must be positive definite.*estimator="):
        fe.Pipeline([fe.CommonAverage(), WINDOW, fe.Covariance("scm"), fe.MDM()], sfreq=100, ch_names=CH).fit(
            x, y
        )
    flat = x[0].copy()
    flat[1] = 0
    assert np.isfinite(pipe.engine().push_array(flat)["outputs"]).all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: fe.Covariance("oass"), "did you mean 'oas'"),
            (lambda: fe.Covariance(order=2), "no meaning without bands"),
            (lambda: fe.Covariance(shrinkage=0.5), 'use estimator="shrunk"'),
            (lambda: fe.Covariance("shrunk", shrinkage=1.5), r"number in \[0, 1\]"),
            (lambda: fe.Covariance(tau=0), "tau must be"),
            (lambda: fe.Covariance(memory=-1), "memory must be"),
            (lambda: fe.Covariance("lwf", memory=1), "needs the samples of a window"),
            (lambda: fe.TangentSpace("euclid"), "metric must be one of 'riemann', 'logeuclid'"),
            (lambda: fe.MDM("x"), "metric must be one of"),
            (lambda: fe.Recenter(baseline=1), "baseline must be True or False"),
            (lambda: pipeline(fe.BandPower(BANDS), fe.TangentSpace()), "TangentSpace needs covariances"),
            (lambda: pipeline(fe.Covariance(), fe.TangentSpace(), fe.MDM()), "MDM needs covariances"),
            (lambda: pipeline(fe.Covariance(), fe.Standardize(), fe.Recenter()), "Recenter needs covariances"),
            (lambda: pipeline(fe.BandPower(BANDS), fe.Smooth(1.0), fe.MDM()), "MDM needs covariances"),
            (lambda: pipeline(fe.Covariance(bands={"a": (8, 60)})).transform(signals()[0][0]), "the band 'a'"),
            (lambda: fe.Pipeline([fe.Window(0.02, 0.5), fe.Covariance("sch")], 100, CH).transform(signals()[0][0]), "at least 3"),
        ],
    )  # fmt: skip
    def test_in_one_sentence(self, make, message):
        with pytest.raises((TypeError, ValueError), match=message):
            make()

    def test_smoothed_covariances_are_covariances(self):
        x, y = signals()
        pipe = pipeline(fe.Covariance(), fe.Smooth(1.0), fe.MDM()).fit(x, y)
        assert (pipe.predict(x) == y).all()

    def test_mdm_learns_classes_only(self):
        x, _ = signals()
        with pytest.raises(ValueError, match="MDM cannot learn labels that are several labels at once"):
            pipeline(fe.Covariance(), fe.MDM()).fit(x, [{"joy"}] * 4 + [{"calm"}] * 4)

    def test_people_without_a_rest(self):
        recordings = [rec for rec in people() if rec.role == "data" or rec.subject != "s1"]
        with pytest.raises(
            ValueError, match=r"Recenter\(baseline=True\) needs at least 5 .* got 0 of subject 's1'"
        ):
            pipeline(fe.Covariance(), fe.Recenter(baseline=True), fe.MDM()).fit(recordings)


OAS = {"estimator": np.array([4]), "shrinkage": np.array([0.0])}
EYES = np.broadcast_to(np.eye(3), (1, 3, 3)).copy()
FOUR = Op("linear", (2,), {"coef": np.zeros((4, 6)), "bias": np.zeros(4)})
FLOOR = {"floor": np.array([1e-10])}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("ops", "message"),
    [
        ([Op("cov", (1,), OAS | {"estimator": np.array([9])})], "estimator 9"),
        ([Op("cov", (1,), OAS | {"estimator": np.array([-1])})], "estimator -1"),
        ([Op("cov", (1,), OAS | {"shrinkage": np.array([1.5])})], "shrinkage"),
        ([Op("cov", (0,), OAS)], "reads a"),
        ([Op("fading_cov", (1,), OAS | {"forgetting": np.array([0.9])})], "reads a"),
        ([Op("fading_cov", (0,), OAS | {"forgetting": np.array([0.0])})], "forgetting"),
        (
            [Op("fading_cov", (0,), OAS | {"forgetting": np.array([0.9]), "estimator": np.array([3])})],
            "window",
        ),
        ([Op("cov", (1,), OAS), Op("congruence", (2,), {"matrix": EYES[:, :2, :2]})], "matrix"),
        ([Op("cov", (1,), OAS), Op("congruence", (2,), {"matrix": np.concatenate([EYES, EYES])})], "matrix"),
        ([Op("cov", (1,), OAS), Op("tangent", (2,), {"whitening": np.nan * EYES} | FLOOR)], "whitening"),
        ([Op("cov", (1,), OAS), Op("tangent", (2,), {"whitening": EYES, "floor": np.array([0.0])})], "floor"),
        ([Op("cov", (1,), OAS), Op("mdm", (2,), {"whitening": EYES} | FLOOR)], "whitening"),
        (
            [Op("cov", (1,), OAS), Op("mdm", (2,), {"whitening": np.zeros((0, 1, 3, 3))} | FLOOR)],
            "whitening|classes",
        ),
        (
            [Op("cov", (1,), OAS), FOUR, Op("mdm", (3,), {"whitening": EYES[None]} | FLOOR)],
            "triangles",
        ),
    ],
)
def test_programs_that_do_not_fit_are_refused(ops, message, backend):
    program = make_program([Op("window", (0,)), *ops], 3, window_length=20, window_hop=5)
    with pytest.raises(ValueError, match=message):
        Engine(program, backend=backend)
