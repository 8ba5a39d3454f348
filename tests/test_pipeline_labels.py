"""What a pipeline takes for labels, and how it takes a person's baseline off."""

import numpy as np
import pytest
from pipelines import SFREQ, people, pipeline, recording, recordings, stages
from sklearn.base import is_regressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge as RidgeRegression

import fastemo as fe


class TestLabels:
    def test_whole_numbers_stay_whole_numbers(self):
        X = np.stack([rec.data for rec in recordings()])
        pipe = pipeline(sfreq=SFREQ).fit(X, [0, 3] * 4)
        assert pipe.predict(X[:2]).tolist() == [0, 3]
        assert pipe.predict(X).dtype.kind == "i"
        assert set(pipe.predict_windows(X[1])["label"]) <= {0, 3}

    def test_several_labels_at_once(self):
        recs, sets = [], []
        for i in range(12):
            rec = recording("x", seed=i)
            here = {name for name, present in [("left", i % 2), ("right", i // 2 % 2)] if present}
            gain = np.array([[3.0 if "left" in here else 1], [3.0 if "right" in here else 1], [1]])
            recs.append(rec.replace(data=rec.data * gain, label=here))
            sets.append(frozenset(here))
        pipe = pipeline(fe.LDA()).fit(recs)
        assert pipe.label_space_.kind == "multilabel"
        assert pipe.predict(recs).tolist() == sets
        assert pipe.score(recs) == 1
        assert pipe.predict_proba(recs).shape == (12, 2)
        table = pipe.predict_windows(recs[3])
        assert table["label"][-1] == {"left", "right"}
        assert table["probabilities"][-1].sum() > 1.5
        valid = np.arange(len(table)) * 50 >= pipe.program.scalar("time.warmup")
        features = fe.Pipeline(stages()[:4]).fit(recs)
        x = np.concatenate([features.transform(rec)[valid] for rec in recs])
        y = np.repeat([int("right" in s) for s in sets], valid.sum())
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x, y)
        right = lda.predict_proba(features.transform(recs[3]))[:, 1]
        np.testing.assert_allclose(table["probabilities"][:, 1], right, rtol=1e-8)

    @pytest.mark.parametrize("named", [True, False])
    def test_intensities(self, named):
        recs, values = [], np.linspace(-1, 1, 9)
        for i, v in enumerate(values):
            rec = recording("x", seed=i)
            label = {"valence": v, "arousal": -v} if named else float(v)
            recs.append(rec.replace(data=rec.data * np.exp([[v], [0], [0]]), label=label))
        pipe = pipeline(fe.Ridge(alpha=2)).fit(recs)
        predicted = pipe.predict(recs)
        assert predicted.shape == ((9, 2) if named else (9,))
        assert pipe.score(recs) > 0.9
        assert is_regressor(pipe)
        table = pipe.predict_windows(recs[0])
        assert "label" not in table.dtype.names
        features = fe.Pipeline(stages()[:4]).fit(recs)
        valid = table["valid"]
        x = np.concatenate([features.transform(rec)[valid] for rec in recs])
        y = np.repeat([[v, -v] if named else [v] for v in values], valid.sum(), axis=0)
        expected = RidgeRegression(alpha=2).fit(x, y).predict(features.transform(recs[0]))
        np.testing.assert_allclose(table["intensities"], expected.reshape(len(table), -1), rtol=1e-8)
        if named:
            np.testing.assert_array_equal(table["valence"], table["intensities"][:, 0])
            np.testing.assert_array_equal(predicted[0], table["intensities"][valid].mean(axis=0))
        with pytest.raises(AttributeError, match="intensities, not probabilities"):
            pipe.predict_proba(recs)

    def test_valence_of_known_emotions_and_of_ones_own(self):
        pipe = pipeline().fit(recordings(["joy", "fear"]))
        table = pipe.predict_windows(recording("joy"))
        p = table["probabilities"]
        np.testing.assert_allclose(table["valence"], p @ [-0.7, 0.8], rtol=1e-12)
        own = {"calm": (0.1, -0.9, 0.2), "joy": (1.0, 0.5, 0.5)}
        table = pipeline(emotions=own).fit(recordings()).predict_windows(recording("joy"))
        np.testing.assert_allclose(table["arousal"], table["probabilities"] @ [-0.9, 0.5], rtol=1e-12)

    @pytest.mark.parametrize(
        ("labels", "decoder", "message"),
        [
            ([0.5, 0.1], fe.LDA(), "LDA cannot learn labels that are intensities: use Ridge"),
            (["joy", "calm"], fe.Ridge(), "Ridge cannot learn .* one class per window: use LDA or Logistic"),
            ([{"a"}, {"b"}], fe.LDA(priors=[0.5, 0.5]), "priors have no meaning for several labels"),
            (["joy", "calm"], fe.LDA(priors=[0.2, 0.3, 0.5]), r"one per class \(2\), got 3"),
        ],
    )
    def test_decoders_refuse_labels_of_another_kind(self, labels, decoder, message):
        X = np.stack([rec.data for rec in recordings(n=2)])
        with pytest.raises(ValueError, match=message):
            pipeline(decoder, sfreq=SFREQ).fit(X, labels * 2)

    def test_priors_are_those_of_scikit_learn(self):
        recs = recordings()
        pipe = pipeline(fe.LDA(shrinkage=0.2, priors=[0.9, 0.1])).fit(recs)
        features = fe.Pipeline(stages()[:4]).fit(recs)
        valid = pipe.predict_windows(recs[0])["valid"]
        x = np.concatenate([features.transform(rec)[valid] for rec in recs])
        y = np.repeat([rec.label for rec in recs], valid.sum())
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2, priors=[0.9, 0.1]).fit(x, y)
        got = pipe.predict_windows(recs[0])["probabilities"]
        np.testing.assert_allclose(got, lda.predict_proba(features.transform(recs[0])), rtol=1e-8)


class TestBaselines:
    def test_baselines_never_train_and_are_never_scored(self):
        recs = people()
        pipe = pipeline().fit(recs)
        assert pipe.classes_.tolist() == ["calm", "joy"]
        data = [rec for rec in recs if rec.role == "data"]
        np.testing.assert_array_equal(
            pipe.fitted_["lda"]["coef"], pipeline().fit(data).fitted_["lda"]["coef"]
        )
        assert pipe.score(recs) == pipe.score(data)
        assert pipe.provenance_["n_baselines"] == 3
        rest = [rec for rec in recs if rec.role == "baseline"]
        for method in (pipe.fit, pipe.score):
            with pytest.raises(ValueError, match="only baselines"):
                method(rest)

    def test_each_subject_is_scaled_by_their_own_rest(self):
        recs = people()
        pipe = fe.Pipeline(stages(fe.LDA(shrinkage=0.5), baseline=True)).fit(recs)
        features = fe.Pipeline(stages()[:3])
        x, y, rests = [], [], []
        valid = np.arange(15) * 50 >= pipe.program.scalar("time.warmup")
        for k in range(0, 9, 3):
            rest = features.transform(recs[k])[valid]
            rests.append(rest)
            for rec in recs[k + 1 : k + 3]:
                x.append((features.transform(rec)[valid] - rest.mean(axis=0)) / rest.std(axis=0))
                y += [rec.label] * valid.sum()
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5).fit(np.concatenate(x), y)
        got = pipe.fitted_["lda"]["coef"]
        np.testing.assert_allclose(got[1] - got[0], lda.coef_[0], rtol=1e-7)
        pooled = np.concatenate(rests)
        np.testing.assert_allclose(pipe.fitted_["standardize"]["mean"], pooled.mean(axis=0))
        np.testing.assert_allclose(pipe.fitted_["standardize"]["scale"], 1 / pooled.std(axis=0))

    def test_calibration_removes_what_is_the_persons_own(self):
        pipe = fe.Pipeline(stages(baseline=True)).fit(people())
        rest = recording("rest", seed=500, gain=5, role="baseline")
        test = [recording(c, seed=600 + k, gain=5) for k, c in enumerate(["calm", "joy"] * 5)]
        before = pipe.predict_proba(test)
        adapted = pipe.calibrate(rest)
        assert adapted.score(test) == 1
        np.testing.assert_array_equal(pipe.predict_proba(test), before)
        assert adapted.fitted_["lda"] is pipe.fitted_["lda"]
        features = fe.Pipeline(stages()[:3]).transform(rest)
        valid = adapted.predict_windows(rest)["valid"]
        np.testing.assert_allclose(adapted.fitted_["standardize"]["mean"], features[valid].mean(axis=0))

    def test_two_scalings_are_adapted_in_turn(self):
        twice = [*stages(baseline=True)[:4], fe.Standardize(baseline=True), fe.LDA()]
        pipe = fe.Pipeline(twice).fit(people()).calibrate(recording("rest", gain=5))
        np.testing.assert_allclose(pipe.fitted_["standardize-2"]["mean"], 0, atol=1e-9)
        np.testing.assert_allclose(pipe.fitted_["standardize-2"]["scale"], 1, rtol=1e-9)

    def test_what_cannot_be_calibrated_is_refused(self, fitted):
        with pytest.raises(ValueError, match=r"no stage that adapts.*Standardize"):
            fitted.calibrate(recording("rest"))
        pipe = fe.Pipeline(stages(baseline=True)).fit(people())
        with pytest.raises(ValueError, match="rest has 2 windows that can be used, expected at least 5"):
            pipe.calibrate(recording("rest", seconds=4.2))
        with pytest.raises(NotFittedError):
            fe.Pipeline(stages(baseline=True)).calibrate(recording("rest"))

    def test_training_without_baselines_is_refused(self):
        recs = [rec for rec in people() if rec.subject != "s1" or rec.role == "data"]
        with pytest.raises(
            ValueError, match=r"at least 5 valid baseline windows of each subject, got 0 of .* 's1'"
        ):
            fe.Pipeline(stages(baseline=True)).fit(recs)

    def test_groups_are_subjects(self):
        recs = [rec.replace(subject=None) for rec in people()]
        pipe = fe.Pipeline(stages(baseline=True)).fit(recs, groups=np.repeat(["a", "b", "c"], 3))
        assert pipe.provenance_["n_subjects"] == 3
        with pytest.raises(ValueError, match=r"groups must have one subject per recording \(9\), got 2"):
            fe.Pipeline(stages(baseline=True)).fit(recs, groups=["a", "b"])
