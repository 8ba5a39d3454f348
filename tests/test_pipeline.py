"""The pipeline: an estimator to scikit-learn, the same bits live and offline, adapted, saved and loaded."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from pipelines import BANDS, CH, SFREQ, assert_same, pipeline, recording, recordings, stages
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

import fastemo as fe
from fastemo._backend import core
from fastemo.presets import PRESETS, preset


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
    assert pipe.get_params()["regressout__tau" if name == "bold-logistic" else "smooth__tau"] == 3
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
