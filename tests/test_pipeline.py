"""The pipeline: an estimator to scikit-learn, the same bits live and offline, adapted, saved and loaded."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as RidgeRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

import fastemo as fe
from fastemo import model_file
from fastemo._backend import core
from fastemo.model_file import ModelError
from fastemo.presets import PRESETS, preset

SFREQ, CH = 100, ["F3", "F4", "O1"]
BANDS = {"theta": (4, 8), "alpha": (8, 13)}
GAINS = {"calm": (1.0, 1.0, 2.0), "joy": (2.0, 1.0, 1.0), "fear": (1.0, 2.0, 1.0)}


def recording(label, seconds=8, seed=0, gain=1.0, **known):
    rng = np.random.default_rng(seed)
    scale = np.array(GAINS.get(label, (1.0, 1.0, 1.0)))[:, None]
    data = 5 * gain * scale * rng.standard_normal((3, round(seconds * SFREQ)))
    return fe.Recording(data, SFREQ, CH, label=label, **known)


def recordings(labels=("calm", "joy"), n=4, **known):
    return [recording(label, seed=10 * i + k, **known) for i in range(n) for k, label in enumerate(labels)]


def stages(*after, baseline=False, hop=0.5):
    ahead = [fe.HighPass(2), fe.Window(1, hop=hop), fe.DifferentialEntropy(BANDS)]
    return [*ahead, fe.Standardize(baseline), *(after or [fe.LDA()])]


def pipeline(*after, **params):
    return fe.Pipeline(stages(*after), **params)


def assert_same(a, b):
    """Two tables of predictions, equal to the bit; NaN is NaN."""
    assert a.dtype == b.dtype
    for name in a.dtype.names:
        if a.dtype[name].kind == "O":
            assert a[name].tolist() == b[name].tolist()
        else:
            np.testing.assert_array_equal(a[name], b[name])


@pytest.fixture(scope="module")
def fitted():
    return pipeline(fe.LDA(), fe.Smooth(1)).fit(recordings())


class TestLearning:
    def test_what_is_learnt_is_kept_by_name(self, fitted):
        assert fitted.fitted_.keys() == {"standardize", "lda"}
        assert fitted.fitted_["lda"]["coef"].shape == (2, 6)
        assert fitted.classes_.tolist() == ["calm", "joy"]
        assert (fitted.sfreq_, fitted.ch_names_) == (SFREQ, CH)

    def test_only_valid_labelled_windows_train(self):
        recs = recordings()
        pipe = pipeline().fit(recs)
        rows, labels = [], []
        for rec in recs:
            features = fe.Pipeline(stages()[:3]).transform(rec)
            starts = np.arange(len(features)) * 50
            valid = starts >= pipe.program.scalar("time.warmup")
            assert 0 < valid.sum() < len(valid)
            rows.append(features[valid])
            labels += [rec.label] * valid.sum()
        rows = np.concatenate(rows)
        np.testing.assert_allclose(pipe.fitted_["standardize"]["mean"], rows.mean(axis=0))
        np.testing.assert_allclose(pipe.fitted_["standardize"]["scale"], 1 / rows.std(axis=0))
        assert pipe.provenance_["n_windows"] == len(rows)
        z = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(z, labels)
        table = pipe.predict_windows(recs[0])
        expected = lda.predict_proba(fe.Pipeline(stages()[:4]).fit(recs).transform(recs[0]))
        np.testing.assert_allclose(table["probabilities"], expected, rtol=1e-8)

    @pytest.mark.parametrize("labels", [("calm", "joy"), ("calm", "joy", "fear")])
    def test_logistic_is_that_of_scikit_learn(self, labels):
        recs = recordings(labels)
        features = fe.Pipeline(stages()[:4]).fit(recs)
        pipe = pipeline(fe.Logistic(C=0.3)).fit(recs)
        warm = pipe.program.scalar("time.warmup")
        rows = [features.transform(rec) for rec in recs]
        valid = np.arange(len(rows[0])) * 50 >= warm
        x = np.concatenate([r[valid] for r in rows])
        y = np.repeat([rec.label for rec in recs], valid.sum())
        model = LogisticRegression(C=0.3, max_iter=1000).fit(x, y)
        np.testing.assert_allclose(
            pipe.predict_windows(recs[1])["probabilities"], model.predict_proba(rows[1]), rtol=1e-6
        )

    def test_events_label_windows(self):
        rec = recording("x", 30, events=[(0, 10, "calm"), (10, 10, "joy")])
        data = rec.data.copy()
        data[0, 1000:2000] *= 3
        pipe = pipeline().fit(rec.replace(data=data))
        assert pipe.classes_.tolist() == ["calm", "joy"]
        table = pipe.predict_windows(rec.replace(data=data))
        labelled = (table["stamp"] > 11) & (table["stamp"] < 20)
        assert np.mean(table["label"][labelled] == "joy") > 0.9
        # From the end of the warm-up to 20 s plus half a window.
        assert pipe.provenance_["n_windows"] == np.sum(table["valid"] & (table["stamp"] <= 20.5))

    def test_a_class_that_no_window_holds_is_reported(self):
        events = [(0, 10, "calm"), (10, 10, "joy"), (20, 0.2, "fear")]
        with pytest.warns(UserWarning, match="no window that could be used is labelled 'fear'"):
            pipe = pipeline().fit(recording("x", 30, events=events))
        assert pipe.classes_.tolist() == ["calm", "joy"]

    def test_fitting_twice_forgets_the_first_time(self):
        pipe = pipeline().fit(recordings())
        other = [rec.pick(["O1", "F3"]) for rec in recordings()]
        assert pipe.fit(other).ch_names_ == ["O1", "F3"]

    def test_an_error_leaves_the_fit_as_it_was(self):
        pipe = pipeline().fit(recordings())
        before = pipe.predict_windows(recording("joy"))
        with pytest.raises(ValueError, match="two classes"):
            pipe.fit(recordings(labels=["joy"]))
        assert_same(pipe.predict_windows(recording("joy")), before)

    def test_features_can_be_smoothed_before_the_decoder(self):
        recs = recordings()
        plain = fe.Pipeline([*stages()[:4], fe.Smooth(1)]).fit(recs)
        pipe = fe.Pipeline([*stages()[:4], fe.Smooth(1), fe.LDA(shrinkage=0.5)]).fit(recs)
        rows = [plain.transform(rec) for rec in recs]
        valid = np.arange(len(rows[0])) * 50 >= pipe.program.scalar("time.warmup")
        x = np.concatenate([r[valid] for r in rows])
        y = np.repeat([rec.label for rec in recs], valid.sum())
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5).fit(x, y)
        expected = lda.predict_proba(rows[0])
        np.testing.assert_allclose(pipe.predict_windows(recs[0])["probabilities"], expected, rtol=1e-8)

    def test_a_feature_that_never_varies_counts_for_nothing(self):
        flat = [rec.replace(data=rec.data * [[1], [1], [0]] + [[0], [0], [7]]) for rec in recordings()]
        pipe = pipeline().fit(flat)
        assert (pipe.fitted_["standardize"]["scale"][[2, 5]] == 0).all()
        assert pipe.score(flat) == 1


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


class TestAnswers:
    def test_a_recording_gets_the_mean_log_probability_of_its_valid_windows(self, fitted):
        recs = recordings()
        proba = fitted.predict_proba(recs)
        for rec, p in zip(recs, proba, strict=True):
            table = fitted.predict_windows(rec)
            logs = np.log(table["probabilities"][table["valid"]]).mean(axis=0)
            np.testing.assert_allclose(p, np.exp(logs) / np.exp(logs).sum(), rtol=1e-10)
        np.testing.assert_array_equal(fitted.predict(recs), fitted.classes_[proba.argmax(axis=1)])

    def test_live_and_offline_are_the_same_bits(self, fitted):
        rec = recording("joy", seed=5)
        table = fitted.predict_windows(rec)
        engine, live = fitted.engine(), []
        for k in range(0, rec.n_samples, 7):
            live += engine.push(rec.data[:, k : k + 7])
        for name in ("probabilities", "quality", "time", "valid", "abstained", "label"):
            np.testing.assert_array_equal(np.array([getattr(p, name) for p in live]), table[name])

    def test_the_order_of_recordings_and_of_channels_is_free(self, fitted):
        recs = recordings(n=8)
        turned = [rec.pick(CH[::-1]) for rec in recs[::-1]]
        np.testing.assert_array_equal(fitted.predict_proba(turned)[::-1], fitted.predict_proba(recs))

    def test_one_recording_gives_one_table_and_a_list_a_list(self, fitted):
        rec = recording("joy")
        assert isinstance(fitted.predict_windows(rec), np.ndarray)
        assert len(fitted.predict_windows([rec])) == 1
        assert isinstance(fitted.transform(rec.data), np.ndarray)
        assert len(fitted.transform(rec.data[None])) == 1

    def test_without_a_valid_window_all_are_used_with_a_warning(self, fitted):
        short = recording("joy", seconds=2)
        with pytest.warns(UserWarning, match=r"1 of 1 recordings have no valid window.*recording 0"):
            proba = fitted.predict_proba(short)
        p = fitted.predict_windows(short)["probabilities"]
        expected = np.exp(np.log(p).mean(axis=0))
        np.testing.assert_allclose(proba[0], expected / expected.sum(), rtol=1e-10)

    def test_a_recording_shorter_than_a_window_is_refused(self, fitted):
        for method in (fitted.predict, fitted.predict_windows, fitted.transform, fitted.fit):
            with pytest.raises(
                ValueError, match=r"recording 0.* lasts 0.9 s, shorter than one window of 1 s"
            ):
                method(recording("joy", seconds=0.9))

    def test_a_recording_of_which_all_abstains_is_refused(self, fitted):
        broken = recording("joy").replace(data=np.zeros((3, 800)))
        with pytest.raises(ValueError, match=r"too bad to decode: all 15 windows abstained.*quality 0.24"):
            fitted.predict(broken)
        table = fitted.predict_windows(broken)
        assert table["abstained"].all()
        assert set(table["label"]) == {None}

    def test_zeros_at_the_end_are_a_matter_of_quality(self, fitted):
        data = recording("joy", 10).data.copy()
        data[:, -170:] = 0
        table = fitted.predict_windows(recording("joy").replace(data=data))
        assert table["abstained"][-1]
        assert table["valid"][-4]
        assert fitted.predict(fe.Recording(data, SFREQ, CH)).tolist() == ["joy"]

    def test_transform_is_what_the_decoder_sees(self, fitted):
        rec = recording("joy")
        rows = fitted.transform(rec)
        assert fitted.get_feature_names_out().tolist()[:3] == ["theta:F3", "theta:F4", "theta:O1"]
        lda = fitted.fitted_["lda"]
        scores = rows @ lda["coef"].T + lda["bias"]
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        bare = pipeline().fit(recordings()).predict_windows(rec)["probabilities"]
        np.testing.assert_allclose(p / p.sum(axis=1, keepdims=True), bare, rtol=1e-9)

    def test_without_anything_to_learn_transform_needs_no_fit(self):
        rec = recording("joy")
        pipe = fe.Pipeline([fe.Window(1, hop=1), fe.BandPower(BANDS)])
        assert pipe.transform(rec).shape == (8, 6)
        with pytest.raises(ValueError, match="needs sfreq and ch_names, got sfreq=None, ch_names=None"):
            pipe.program  # noqa: B018
        placed = fe.Pipeline(pipe.stages, sfreq=SFREQ, ch_names=CH)
        assert [op.kind for op in placed.program.ops] == ["window", "fft_power", "bandsum"]
        np.testing.assert_array_equal(placed.transform(rec), pipe.transform(rec))
        assert pipe.fit(rec).program.ch_names == CH
        with pytest.raises(AttributeError, match="no decoder: add one such as LDA"):
            placed.predict(rec)

    def test_recordings_in_another_unit_are_converted(self, fitted):
        rec = recording("joy")
        volts = rec.replace(data=rec.data * 1e-6, unit="V")
        np.testing.assert_allclose(fitted.predict_proba(volts), fitted.predict_proba(rec), rtol=1e-9)

    def test_a_pipeline_in_volts_gives_the_same(self):
        in_volts = [rec.replace(data=rec.data * 1e-6, unit="V") for rec in recordings()]
        a = pipeline(unit="V").fit(in_volts)
        b = pipeline().fit(recordings())
        assert a.program.scalar("input.scale") == 1e6
        np.testing.assert_allclose(a.predict_proba(in_volts), b.predict_proba(recordings()), rtol=1e-6)


class TestBaselines:
    def people(self):
        recs = []
        for i, gain in enumerate((0.3, 1.0, 3.0)):
            who = f"s{i}"
            recs += [recording("rest", seed=100 + i, gain=gain, subject=who, role="baseline")]
            recs += [
                recording(c, seed=7 * i + k, gain=gain, subject=who) for k, c in enumerate(["calm", "joy"])
            ]
        return recs

    def test_baselines_never_train_and_are_never_scored(self):
        recs = self.people()
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
        recs = self.people()
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
        pipe = fe.Pipeline(stages(baseline=True)).fit(self.people())
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
        pipe = fe.Pipeline(twice).fit(self.people()).calibrate(recording("rest", gain=5))
        np.testing.assert_allclose(pipe.fitted_["standardize-2"]["mean"], 0, atol=1e-9)
        np.testing.assert_allclose(pipe.fitted_["standardize-2"]["scale"], 1, rtol=1e-9)

    def test_what_cannot_be_calibrated_is_refused(self, fitted):
        with pytest.raises(ValueError, match=r"no stage that adapts.*Standardize"):
            fitted.calibrate(recording("rest"))
        pipe = fe.Pipeline(stages(baseline=True)).fit(self.people())
        with pytest.raises(ValueError, match="rest has 2 windows that can be used, expected at least 5"):
            pipe.calibrate(recording("rest", seconds=4.2))
        with pytest.raises(NotFittedError):
            fe.Pipeline(stages(baseline=True)).calibrate(recording("rest"))

    def test_training_without_baselines_is_refused(self):
        recs = [rec for rec in self.people() if rec.subject != "s1" or rec.role == "data"]
        with pytest.raises(
            ValueError, match=r"at least 5 valid baseline windows of each subject, got 0 of .* 's1'"
        ):
            fe.Pipeline(stages(baseline=True)).fit(recs)

    def test_groups_are_subjects(self):
        recs = [rec.replace(subject=None) for rec in self.people()]
        pipe = fe.Pipeline(stages(baseline=True)).fit(recs, groups=np.repeat(["a", "b", "c"], 3))
        assert pipe.provenance_["n_subjects"] == 3
        with pytest.raises(ValueError, match=r"groups must have one subject per recording \(9\), got 2"):
            fe.Pipeline(stages(baseline=True)).fit(recs, groups=["a", "b"])


class TestScikitLearn:
    def test_parameters_by_name(self):
        two = fe.Features([fe.BandPower(BANDS), fe.DifferentialEntropy(BANDS)])
        pipe = fe.Pipeline([fe.HighPass(1), fe.HighPass(2), fe.Window(1, 1), two, fe.LDA()])
        params = pipe.get_params()
        assert params["highpass-2__freq"] == 2
        assert params["lda"] == fe.LDA()
        assert params["features__bandpower__log"] is False
        pipe.set_params(**{"highpass-1__freq": 3, "features__bandpower__log": True, "lda__shrinkage": 0.1})
        assert pipe.stages[0] == fe.HighPass(3)
        assert pipe.stages[3].features[0].log is True
        assert pipe.stages[4] == fe.LDA(shrinkage=0.1)
        assert pipe.set_params(lda=fe.Logistic(), unit="mV").stages[4] == fe.Logistic()
        assert pipe.unit == "mV"
        assert pipe.set_params() is pipe

    def test_set_params_checks_before_it_changes(self):
        pipe = pipeline()
        for params, message in [
            ({"unit": "mV", "lda__shrinkage": 3}, "shrinkage must be"),
            ({"unit": "mV", "lda__shrink": 3}, "did you mean 'shrinkage'"),
            ({"unit": "mV", "lad__shrinkage": 0.1}, "'lad__shrinkage' is no parameter.*lda__shrinkage"),
            ({"unit": "mV", "window": fe.LDA()}, "LDA works on features"),
            ({"unit": "uv"}, "did you mean 'uV'"),
        ]:
            with pytest.raises(ValueError, match=message):
                pipe.set_params(**params)
            assert pipe.unit == "uV"
            assert pipe.stages == stages()

    def test_set_params_forgets_what_no_longer_holds(self):
        pipe = pipeline(fe.LDA(), fe.Smooth(1)).fit(recordings())
        before = pipe.predict_windows(recording("joy"))["probabilities"]
        smoother = pipe.set_params(smooth__tau=5).predict_windows(recording("joy"))["probabilities"]
        assert not np.array_equal(before, smoother)
        assert np.array_equal(before[0], smoother[0])
        pipe.set_params(lda__shrinkage=0.5)
        with pytest.raises(NotFittedError, match="not fitted: call fit"):
            pipe.predict(recording("joy"))

    def test_clone_keeps_parameters_and_nothing_learnt(self, fitted):
        copied = clone(fitted)
        assert copied.stages == fitted.stages
        assert not hasattr(copied, "fitted_")

    @pytest.mark.parametrize("as_arrays", [True, False])
    def test_cross_validation(self, as_arrays):
        recs = recordings(n=6)
        y = [rec.label for rec in recs]
        X = np.stack([rec.data for rec in recs]) if as_arrays else recs
        pipe = pipeline(sfreq=SFREQ, ch_names=CH)
        assert cross_val_score(pipe, X, y, cv=3).tolist() == [1, 1, 1]
        assert cross_val_score(pipe, X, y, cv=2, scoring="neg_log_loss").max() < 0
        groups = np.repeat([0, 1, 2], 4)
        assert len(cross_val_score(pipe, X, y, cv=GroupKFold(3), groups=groups)) == 3

    def test_recordings_bring_their_labels(self):
        assert cross_val_score(pipeline(), recordings(n=6), cv=2).tolist() == [1, 1]

    def test_grid_search(self):
        recs = recordings(n=4)
        grid = GridSearchCV(pipeline(), {"lda__shrinkage": [0.1, 0.5], "window__hop": [0.25, 0.5]}, cv=2)
        grid.fit(recs, [rec.label for rec in recs])
        assert grid.best_score_ == 1
        assert grid.predict(recs[:2]).tolist() == ["calm", "joy"]

    def test_tags(self):
        assert is_classifier(pipeline())
        assert is_regressor(pipeline(fe.Ridge()))
        plain = fe.Pipeline(stages()[:3])
        assert not is_classifier(plain)
        assert plain.__sklearn_is_fitted__()
        assert not pipeline().__sklearn_is_fitted__()

    def test_pickle_for_parallel_work(self, fitted):
        again = pickle.loads(pickle.dumps(fitted))
        rec = recording("joy")
        np.testing.assert_array_equal(again.predict_proba(rec), fitted.predict_proba(rec))

    def test_making_a_pipeline_imports_nothing_heavy(self):
        code = (
            "import sys, fastemo as fe; fe.Pipeline([fe.Window(1, 1), fe.BandPower('seed'), fe.LDA()]);"
            "print([m for m in ('sklearn', 'scipy.signal', 'numba') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class TestSaving:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: pipeline(fe.LDA(), fe.Smooth(1)).fit(recordings(["calm", "joy", "fear"])),
            lambda: fe.Pipeline(
                [fe.SpatialFilter(np.eye(3)), *stages(fe.Logistic(), baseline=True)],
                gap_policy="interpolate",
                emotions={"calm": [0.1, -0.5]},
            ).fit(TestBaselines().people()),
            lambda: pipeline(fe.Ridge()).fit(
                [rec.replace(label={"b": float(i % 3), "a": 1.0 * i}) for i, rec in enumerate(recordings())]
            ),
            lambda: fe.Pipeline(
                [fe.CommonAverage(), fe.Window(1, 1), fe.BandPower(BANDS), fe.Standardize()]
            ).fit([rec.replace(label=i % 2) for i, rec in enumerate(recordings())]),
        ],
    )
    def test_loaded_gives_the_same_bits(self, make, tmp_path):
        pipe = make()
        pipe.save(tmp_path / "model.fastemo", evaluation={"accuracy": 0.75})
        again = fe.load(tmp_path / "model.fastemo")
        rec = recording("joy", seed=77)
        np.testing.assert_array_equal(again.transform(rec), pipe.transform(rec))
        if pipe.decoder is not None:
            np.testing.assert_array_equal(again.predict(rec), pipe.predict(rec))
            assert_same(again.predict_windows(rec), pipe.predict_windows(rec))
        assert again.classes_.tolist() == pipe.classes_.tolist()
        assert again.classes_.dtype.kind == pipe.classes_.dtype.kind
        assert again.get_params(deep=False) == pipe.get_params(deep=False)
        assert repr(again) == repr(pipe)
        assert again.provenance_ == pipe.provenance_ | {"evaluation": {"accuracy": 0.75}}
        assert again.provenance_["versions"]["fastemo"] == fe.__version__
        assert len(again.provenance_["data_sha256"]) == 64

    def test_saving_again_gives_the_same_file(self, fitted, tmp_path):
        fitted.save(tmp_path / "a")
        fe.load(tmp_path / "a").save(tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_a_loaded_pipeline_can_be_calibrated_and_smoothed_otherwise(self, tmp_path):
        fe.Pipeline(stages(fe.LDA(), fe.Smooth(1), baseline=True)).fit(TestBaselines().people()).save(
            tmp_path / "m"
        )
        pipe = fe.load(tmp_path / "m").set_params(smooth__tau=3)
        assert pipe.calibrate(recording("rest", gain=5)).score([recording("joy", gain=5)]) == 1

    def test_nothing_learnt_nothing_saved(self, tmp_path):
        with pytest.raises(NotFittedError):
            pipeline().save(tmp_path / "m")
        assert not (tmp_path / "m").exists()

    def altered(self, fitted, tmp_path, change):
        fitted.save(tmp_path / "m")
        tensors, metadata = model_file.read(tmp_path / "m")
        change(tensors, metadata)
        return model_file.write(tensors, metadata)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda t, m: t["selftest.output"].__iadd__(1e-3), "fails its self-test"),
            (lambda t, m: t["04.linear.bias"].__iadd__(1e-3), "altered model file"),
            (lambda t, m: t["fitted.lda.bias"].__iadd__(1e-3), "altered model file"),
            (lambda t, m: t["quality.minimum"].__iadd__(0.1), "altered model file"),
            (lambda t, m: m.update(labels="joy\ncalm"), "altered model file"),
            (lambda t, m: m.pop("stages"), "damaged model file.*'stages'"),
            (lambda t, m: m.update(stages="[1"), "damaged model file"),
            (lambda t, m: m.update(stages="[" * 100_000), "damaged model file"),
            (lambda t, m: m.update(stages="[]"), "damaged model file"),
            (lambda t, m: m.update(stages=m["stages"].replace("LDA", "Sorcery")), "newer fastemo.*'Sorcery'"),
            (lambda t, m: m.update(stages=m["stages"].replace('"freq', '"fre')), "damaged model file"),
            (lambda t, m: t.pop("selftest.input"), "damaged model file.*selftest.input"),
            (lambda t, m: t.pop("fitted.lda.coef"), "damaged model file.*coef"),
            (
                lambda t, m: t.update({"fitted.lda.coef": np.zeros((2, 5))}),
                "damaged.*fitted to 5 features, but 6",
            ),
            (lambda t, m: t.pop("03.affine.in"), "damaged model file"),
        ],
    )
    def test_altered_files_are_refused(self, fitted, tmp_path, change, message):
        with pytest.raises(ModelError, match=message):
            fe.load(self.altered(fitted, tmp_path, change))

    def test_stages_are_plain_text(self, fitted, tmp_path):
        fitted.save(tmp_path / "m")
        _, metadata = model_file.read(tmp_path / "m")
        spec = json.loads(metadata["stages"])["stages"]
        assert spec[-1] == {"stage": "Smooth", "tau": 1}
        assert fe.Pipeline.from_spec(spec).stages == fitted.stages


class TestBadInput:
    @pytest.mark.parametrize(
        ("params", "error", "message"),
        [
            ({"sfreq": 0}, ValueError, "sfreq must be a finite number above 0"),
            ({"ch_names": "F3"}, TypeError, "ch_names must be a list of channel names"),
            ({"ch_names": ["F3", "F3"]}, ValueError, "ch_names must name each channel once"),
            ({"unit": "volt"}, ValueError, "unit must be one of 'uV', 'mV', 'V', '1'; got 'volt'"),
            ({"gap_policy": "skip"}, ValueError, "gap_policy must be one of"),
            ({"max_gap": -1}, ValueError, "max_gap must be a finite number of at least 0"),
            ({"gap_tolerance": 0}, ValueError, "gap_tolerance must be a finite number above 0"),
            ({"on_backward": "ignore"}, ValueError, "on_backward must be one of 'raise', 'drop'"),
        ],
    )
    def test_parameters(self, params, error, message):
        with pytest.raises(error, match=message):
            pipeline(**params)

    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            (np.zeros((4, 3)), None, "recording 0 has no label: pass y"),
            (np.zeros(5), [1], "X must be .*got an array of shape"),
            (np.zeros((2, 4, 300)), [0, 1], "4 channels"),
            (np.zeros((2, 3, 300)), [0], r"one label per recording \(2\), got 1"),
            (np.ones((2, 3, 300)), ["joy", "joy"], "too bad to learn from: all 5 windows abstained"),
        ],
    )
    def test_arrays(self, X, y, message):
        with pytest.raises(ValueError, match=message):
            pipeline(sfreq=SFREQ, ch_names=CH).fit(X if X.shape != (4, 3) else np.ones((3, 300)), y)

    def test_arrays_need_a_rate(self):
        with pytest.raises(ValueError, match="sfreq must be given"):
            pipeline().fit(np.zeros((2, 3, 300)), [0, 1])

    def test_another_rate(self, fitted):
        with pytest.raises(ValueError, match="has sfreq 125 Hz, expected 100 Hz"):
            fitted.predict(fe.Recording(np.zeros((3, 500)), 125, CH))

    def test_a_missing_channel(self, fitted):
        with pytest.raises(ValueError, match="no channel 'O1'"):
            fitted.predict(fe.Recording(recording("joy").data, SFREQ, ["F3", "F4", "Oz"]))

    def test_volts_taken_for_microvolts(self, fitted):
        tiny = recording("joy").replace(data=recording("joy").data * 1e-6)
        with pytest.raises(ValueError, match="looks like V taken for uV"):
            fitted.predict(tiny)
        assert len(fe.Pipeline(fitted.stages[:3], check_unit=False).transform(tiny)) == 15

    def test_recordings_that_differ_in_rate_or_channels(self):
        recs = recordings(n=2)
        with pytest.raises(ValueError, match="no channel 'O1'"):
            pipeline().fit([recs[0], recs[1].pick(["F3", "F4"])])
        with pytest.raises(ValueError, match="has sfreq 90 Hz, expected 100 Hz"):
            pipeline().fit([recs[0], fe.Recording(recs[1].data, 90, CH, label="joy")])

    def test_one_class(self):
        with pytest.raises(ValueError, match="at least two classes, got only 'joy'"):
            pipeline().fit(recordings(["joy"]))

    def test_too_few_windows_of_a_class(self):
        recs = [recording("calm"), recording("joy", seconds=3.6)]
        with pytest.raises(ValueError, match="at least 2 valid windows of each class, got fewer of 'joy'"):
            pipeline().fit(recs)

    def test_a_label_that_is_nearly_always_there(self):
        recs = [rec.replace(label={"a"}) for rec in recordings(n=2)]
        recs.append(recording("calm", seconds=3.6).replace(label={"b"}))
        with pytest.raises(ValueError, match="2 valid windows with the label 'a' and 2 without it, got"):
            pipeline().fit(recs)

    def test_singular_covariance(self):
        copies = [rec.replace(data=rec.data[[0, 1, 1]]) for rec in recordings()]
        with pytest.raises(ValueError, match=r'6 features in \d+ windows have rank 4: use shrinkage="auto"'):
            pipeline(fe.LDA(shrinkage=None)).fit(copies)
        assert pipeline(fe.LDA(shrinkage=None)).fit(recordings()).score(recordings()) == 1
        assert pipeline(fe.LDA()).fit(copies).score(copies) == 1

    def test_not_fitted(self, tmp_path):
        pipe, rec = pipeline(), recording("joy")
        for use in (pipe.predict, pipe.predict_proba, pipe.predict_windows, pipe.transform, pipe.score):
            with pytest.raises(NotFittedError, match="not fitted: call fit"):
                use(rec)
        for use in (pipe.engine, pipe.explain):
            with pytest.raises(NotFittedError, match="not fitted: call fit"):
                use()

    def test_names_with_line_breaks(self):
        recs = [rec.replace(label="a\nb") if rec.label == "joy" else rec for rec in recordings()]
        with pytest.raises(ValueError, match="line break"):
            pipeline().fit(recs).program  # noqa: B018

    def test_bad_specs(self):
        with pytest.raises(TypeError, match="spec must be a list of tables"):
            fe.Pipeline.from_spec({"stage": "LDA"})


class TestShown:
    def test_before_and_after_the_fit(self, fitted):
        text = repr(pipeline())
        assert text.startswith("Pipeline: not fitted\n")
        assert "delay" not in text
        text = repr(fitted)
        assert text.splitlines()[0] == "Pipeline: fitted to calm, joy; 3 channels at 100 Hz in uV"
        for shown in (
            "100 samples every 50",
            "6 features",
            "2 probabilities",
            "delay in ms: theta ",
            "state: ",
        ):
            assert shown in text
        html = fitted._repr_html_()
        assert "<code>LDA()</code>" in html
        assert "2 probabilities" in html

    def test_a_large_state_is_named(self):
        many = [f"c{i}" for i in range(64)]
        small = [fe.Window(2, hop=0.1), fe.DifferentialEntropy("seed")]
        assert "keeps" not in repr(fe.Pipeline(small, sfreq=500, ch_names=many))
        large = [fe.Window(2, hop=0.002), fe.DifferentialEntropy("seed")]
        # 1000 block sums and 8 filter states for each of 5 x 64 features, 8 bytes each.
        assert "DifferentialEntropy keeps 2.6 MB" in repr(fe.Pipeline(large, sfreq=500, ch_names=many))

    def test_what_does_not_fit_is_shown_all_the_same(self):
        text = repr(
            fe.Pipeline([fe.BandPass(1, 80), fe.Window(1, 1), fe.BandPower(BANDS)], sfreq=100, ch_names=CH)
        )
        assert "BandPass(low=1, high=80)" in text


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_pipelines(name):
    pipe = fe.Pipeline(preset(name, hop=0.5, tau=3), sfreq=128, ch_names=CH)
    spec = json.loads(json.dumps(pipe.to_spec()))
    assert fe.Pipeline.from_spec(spec).stages == pipe.stages
    assert pipe.get_params()["smooth__tau"] == 3
    with pytest.raises(ValueError, match="did you mean 'de-lda'"):
        preset("de_lda")


@pytest.mark.skipif(core is None, reason="no compiled core: too slow without it")
def test_mental_arithmetic_of_real_people(data_folder):
    """Half of the people train, the other half are decoded: without, and with a minute of their own rest."""
    recs = fe.datasets.eegmat(data_folder / "eegmat")
    bands = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 45)}
    ahead = [fe.CommonAverage(), fe.BandPass(1, 45), fe.Window(2, hop=2), fe.DifferentialEntropy(bands)]
    subjects = sorted({rec.subject for rec in recs})
    accuracy = {False: [], True: []}
    for half in (subjects[::2], subjects[1::2]):
        train = [rec for rec in recs if rec.subject not in half]
        for calibrated, found in accuracy.items():
            pipe = fe.Pipeline([*ahead, fe.Standardize(calibrated), fe.LDA()]).fit(train)
            for who in half:
                own = {rec.trial: rec for rec in recs if rec.subject == who}
                person = pipe.calibrate(own["rest0"]) if calibrated else pipe
                for rec in (own["rest1"], own["task"]):
                    table = person.predict_windows(rec)
                    found.append(np.mean(table["label"][table["valid"]] == rec.label))
    assert np.mean(accuracy[False]) > 0.58
    assert np.mean(accuracy[True]) > 0.66
