"""The potato as a gate of the engine: the scores of the offline one, live, and what abstaining does."""

import numpy as np
import pytest
from programs import BACKENDS, make_program, mean_square, records, same_bits

import fastemo as fe
from fastemo import riemann as rm
from fastemo._program import Op
from fastemo.engine import Engine

CH = ["Fp1", "Fp2", "C3", "T7", "T8"]
EYES = ["Fp2", "Fp1"]
WINDOW = fe.Window(1, hop=0.5)


def calm(n=12_000, seed=0, scale=10.0):
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).standard_normal((5, 5)) / 2 + 2 * np.eye(5)
    return scale * mix @ rng.standard_normal((5, n))


def blink(x, at, channels=(0, 1), size=400):
    x = x.copy()
    for start in at:
        x[list(channels), start : start + 60] += size * np.hanning(60)
    return x


def cut(x, length=100, hop=50):
    return np.stack([x[:, k : k + length] for k in range(0, x.shape[1] - length + 1, hop)])


def pipeline(*stages, **options):
    return fe.Pipeline([WINDOW, *stages], **({"sfreq": 100, "ch_names": CH, "check_unit": False} | options))


def labelled(seed=0):
    """Calm and a slightly louder joy, blinks in some."""
    x = [calm(3000, seed=seed + k, scale=10 + (k % 2)) for k in range(8)]
    x[1] = blink(x[1], [500, 1800])
    return np.stack(x), ["calm", "joy"] * 4


class TestScores:
    def test_are_those_of_the_offline_potato(self):
        x = blink(calm(), [700, 5010, 9000])
        c = rm.covariances(cut(x), "oas")
        expected = fe.artefacts.Potato(2.5).fit(c).z_scores(c)
        got = pipeline(fe.PotatoScore(2.5)).fit(x).transform(x)[:, 0]
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
        assert (expected > 2.5).sum() >= 3

    def test_are_pyriemanns(self):
        peer = pytest.importorskip("pyriemann.artifact_detection")
        x = calm()
        c = rm.covariances(cut(x), "scm")
        theirs = peer.Potato(metric="riemann", threshold=10).fit(c).transform(c)
        got = pipeline(fe.PotatoScore(10, estimator="scm")).fit(x).transform(x)[:, 0]
        np.testing.assert_allclose(got, theirs, atol=1e-4)

    def test_of_a_field_are_those_of_each_group(self):
        x = blink(calm(), [700, 5010])
        groups = {"eyes": EYES, "rest": ["C3", "T7", "T8"]}
        pipe = pipeline(fe.PotatoScore(channels=groups)).fit(x)
        for k, own in enumerate(groups.values()):
            picks = [CH.index(name) for name in own]
            alone = pipeline(fe.PotatoScore(), ch_names=own).fit(x[picks]).transform(x[picks])
            np.testing.assert_allclose(pipe.transform(x)[:, k], alone[:, 0], rtol=1e-9, atol=1e-9)
        assert pipe.get_feature_names_out().tolist() == ["z:eyes", "z:rest"]

    def test_windows_that_abstain_do_not_teach(self):
        x = calm()
        broken = x.copy()
        broken[:3, 4000:5000] = 0.0
        quality = fe.Quality(minimum=0.8)
        pipes = [fe.Pipeline([quality, WINDOW, fe.PotatoScore()], sfreq=100, ch_names=CH, check_unit=False)
                 .fit(y) for y in (x, broken)]  # fmt: skip
        a, b = (pipe.fitted_["potatoscore"]["mean_0"] for pipe in pipes)
        assert rm.distance_riemann(a, b) < 0.05


class TestGate:
    def test_refuses_what_the_offline_potato_refuses(self):
        x = blink(calm(), [700, 5010, 9000])
        c = rm.covariances(cut(x), "oas")
        clean = fe.artefacts.Potato().fit(c).predict(c)
        pipe = pipeline(fe.Potato(), fe.BandPower({"alpha": (8, 13)})).fit(x)
        out = pipe.engine().push_array(x)
        np.testing.assert_array_equal(out["abstained"], ~clean)
        np.testing.assert_array_equal(out["quality"], clean.astype(float))
        np.testing.assert_array_equal(np.isnan(out["outputs"]).all(axis=1), ~clean)
        np.testing.assert_array_equal(out["valid"], clean)
        assert (out["channel_quality"] == 1).all()
        ungated = pipeline(fe.BandPower({"alpha": (8, 13)})).transform(x)
        np.testing.assert_array_equal(out["outputs"][clean], ungated[clean])

    def test_of_a_field_refuses_where_one_objects(self):
        x = blink(blink(calm(), [2030]), [7030], (3, 4), 2000)
        groups = {"eyes": EYES, "jaw": ["T7", "T8"]}
        z = pipeline(fe.PotatoScore(4, groups)).fit(calm(seed=1)).transform(x)
        out = pipeline(fe.Potato(4, groups), fe.TimeDomain(["std"])).fit(calm(seed=1)).engine().push_array(x)
        np.testing.assert_array_equal(out["abstained"], (z > 4).any(axis=1))
        assert (z > 4).any(axis=0).all()
        assert not (z > 4).all(axis=1).any()

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_chunks_do_not_matter(self, backend):
        x, y = labelled()
        pipe = pipeline(
            fe.Potato(2.0, {"eyes": EYES, "all": CH}),
            fe.BandPower({"alpha": (8, 13)}, log=True),
            fe.LDA(),
            fe.Smooth(2),
        )
        pipe.fit(x, y)
        stream = blink(x[0], [400, 1200])[:, :1500]
        whole = Engine(pipe.program, backend=backend).push_array(stream)
        assert 0 < whole["abstained"].sum() < len(whole)
        rng = np.random.default_rng(3)
        for size in (1, 7, 64):
            engine = Engine(pipe.program, backend=backend)
            parts, at = [], 0
            while at < stream.shape[1]:
                n = int(rng.integers(1, 2 * size + 1))
                parts.append(engine.push_array(stream[:, at : at + n]))
                at += n
            assert same_bits(np.concatenate(parts), whole)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_smoothers_do_not_see_what_it_refuses(self, backend):
        """A gate at 5 before a mean of two windows: windows of 9 leave no trace."""
        ops = [
            mean_square(),
            Op("gate", (1,), {"limit": np.array([5.0])}),
            Op("boxcar", (2,), {"n": np.array([2])}),
        ]
        engine = Engine(make_program(ops), backend=backend)
        out = records(engine, [[1.0, 2.0, 3.0, 1.0, 2.0]])
        np.testing.assert_allclose(out["outputs"][:, 0], [1, 2.5, np.nan, 2.5, 2.5], rtol=1e-15)
        assert out["abstained"].tolist() == [0, 0, 1, 0, 0]
        assert out["quality"].tolist() == [1, 1, 0, 1, 1]
        assert not out["valid"][2]

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_quality_comes_first(self, backend):
        """A window that is too bad keeps its quality, whatever the gate says."""
        ops = [mean_square(), Op("gate", (1,), {"limit": np.array([0.5])})]
        engine = Engine(
            make_program(ops, n_channels=2, quality_rail=50.0, quality_minimum=0.9), backend=backend
        )
        out = records(engine, [[1.0, 60.0, 0.1], [1.0, 0.1, 0.1]])
        assert out["quality"].tolist() == [0, 0.5, 1]
        assert out["abstained"].tolist() == [1, 1, 0]

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_what_cannot_be_said_does_not_pass(self, backend):
        x = calm(2000)
        pipe = pipeline(fe.Potato(), fe.TimeDomain(["mean"])).fit(x)
        x[:, 1000] = 1e200
        out = Engine(pipe.program, backend=backend).push_array(x)
        assert out["abstained"][19:21].all()
        assert out["abstained"].sum() < 10

    def test_trains_no_decoder_and_is_evaluated(self):
        x, y = labelled()
        stages = [fe.Potato(2.5), fe.BandPower({"alpha": (8, 13)}, log=True), fe.LDA()]
        pipe = pipeline(*stages).fit(x, y)
        assert pipe.provenance_["n_windows"] < pipeline(*stages[1:]).fit(x, y).provenance_["n_windows"]
        recs = [fe.Recording(a, 100, CH, label=b, subject=f"s{k // 2}") for k, (a, b) in enumerate(zip(x, y))]
        with pytest.warns(UserWarning, match="can adapt"):
            result = fe.evaluate(pipeline(*stages), recs, by="subject")
        assert 0.5 < result.scores["balanced accuracy"].mean <= 1

    def test_learns_from_rest_and_is_calibrated(self):
        x, y = labelled()
        rest = fe.Recording(calm(6000, seed=50), 100, CH, role="baseline")
        recs = [fe.Recording(a, 100, CH, label=b) for a, b in zip(x, y)]
        pipe = pipeline(fe.Potato(3), fe.BandPower({"alpha": (8, 13)}, log=True), fe.LDA())
        own = pipe.fit([rest, *recs]).fitted_["potato"]
        c = rm.covariances(cut(rest.data), "oas")
        np.testing.assert_allclose(own["mean_0"], fe.artefacts.Potato(3).fit(c).mean_, rtol=1e-8)
        louder = pipe.calibrate(rest.replace(data=2 * rest.data))
        np.testing.assert_allclose(louder.fitted_["potato"]["mean_0"], 4 * own["mean_0"], rtol=1e-8)
        np.testing.assert_allclose(louder.fitted_["potato"]["usual"], own["usual"], rtol=1e-6)

    def test_is_saved(self, tmp_path):
        x, y = labelled()
        groups = {"eyes": EYES, "jaw": ["T7", "T8"]}
        pipe = pipeline(fe.Potato(3, groups), fe.BandPower({"alpha": (8, 13)}, log=True), fe.LDA()).fit(x, y)
        pipe.save(tmp_path / "gate.fastemo")
        again = fe.load(tmp_path / "gate.fastemo")
        assert again.stages == pipe.stages
        stream = blink(x[0], [400, 1200])
        assert same_bits(again.engine().push_array(stream), pipe.engine().push_array(stream))


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: fe.Potato(0), ValueError, "threshold must be"),
            (lambda: fe.Potato(estimator="best"), ValueError, "estimator must be"),
            (lambda: fe.Potato(channels="Fp1"), TypeError, "channels must be a list"),
            (lambda: fe.Potato(channels=[]), ValueError, "channels must name at least one"),
            (lambda: fe.Potato(channels={}), ValueError, "at least one group"),
            (lambda: fe.Potato(channels={"eyes": []}), ValueError, r"channels\['eyes'\] must name at least one"),
            (lambda: fe.Pipeline([fe.Potato(), WINDOW, fe.TimeDomain(["std"])]), ValueError, "needs windows"),
            (lambda: pipeline(fe.Potato(channels=["Oz"]), fe.TimeDomain(["std"])).fit(calm()), ValueError, "Oz"),
            (lambda: pipeline(fe.PotatoScore()).fit(calm(250)), ValueError, "at least 5 windows"),
        ],
    )  # fmt: skip
    def test_bad_input_is_refused(self, make, error, message):
        with pytest.raises(error, match=message):
            make()

    def test_not_fitted(self):
        from sklearn.exceptions import NotFittedError

        with pytest.raises(NotFittedError):
            pipeline(fe.Potato(), fe.TimeDomain(["std"])).engine()
        assert "Potato" in repr(pipeline(fe.Potato(), fe.TimeDomain(["std"])))


def test_asr_behind_a_resampler_learns_at_the_new_rate():
    x = 10 * np.random.default_rng(0).standard_normal((5, 20_000))
    stages = [fe.HighPass(1), fe.Resample(125), fe.ASR(), WINDOW, fe.TimeDomain(["std"])]
    pipe = fe.Pipeline(stages, sfreq=250, ch_names=CH, check_unit=False).fit(x)
    slow = fe.signal.sosfilt(np.array([[1.0, 0, 0, 1, 0, 0]]), x)
    from fastemo._lowering import Build, lower
    from fastemo._signals import _arriving
    from fastemo.artefacts._asr import calibrate_on

    build = Build(250.0, CH, "uV")
    lower(dict(enumerate(stages[:2])), {}, build)
    expected = calibrate_on([_arriving(build, slow)], 125.0, 20.0, 0.5).tensors()
    np.testing.assert_array_equal(pipe.fitted_["asr"]["limit"], expected["limit"])
