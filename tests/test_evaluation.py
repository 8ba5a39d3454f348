"""Evaluation: metrics against scikit-learn, nothing of the held-out in training, chance where there is only chance."""

import json
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

import fastemo as fe
from fastemo._metrics import DEFINITIONS, confusion_matrix, mean_interval, scores
from fastemo._report import shown

SFREQ = 100.0
CLASSES = ("calm", "joy")


def recording(rng, size, n_seconds=8, **about):
    return fe.Recording(rng.normal(0, size, (3, int(n_seconds * SFREQ))), SFREQ, ["F3", "F4", "Pz"], **about)


def people(n=4, n_trials=3, seed=0, gains=(5, 9), spread=0.3, baseline=False):
    """Two classes that differ in size, and people who differ in gain."""
    rng = np.random.default_rng(seed)
    out = []
    for who in range(n):
        own = float(np.exp(rng.normal(0, spread)))
        if baseline:
            out.append(recording(rng, own * 7, subject=f"s{who}", role="baseline"))
        for trial in range(n_trials):
            for label, gain in zip(CLASSES, gains, strict=True):
                about = {"subject": f"s{who}", "session": trial % 2, "trial": f"{label}{trial}"}
                out.append(recording(rng, own * gain, label=label, **about))
    return out


def pipeline(*stages, hop=1.0, **params):
    features = [fe.Window(1, hop=hop), fe.BandPower({"low": (1, 15), "high": (15, 40)}, log=True)]
    return fe.Pipeline([*features, *(stages or [fe.Standardize(), fe.LDA()])], **params)


class TestMetrics:
    def test_classes_as_scikit_learn_has_them(self, rng):
        truth = rng.integers(0, 3, 200)
        p = rng.dirichlet(np.ones(3), 200)
        answers = p.argmax(axis=1)
        got = scores("classes", truth, p, "abc")
        assert got["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers))
        assert got["balanced accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, answers))
        assert got["macro F1"] == pytest.approx(metrics.f1_score(truth, answers, average="macro"))
        assert got["kappa"] == pytest.approx(metrics.cohen_kappa_score(truth, answers))
        assert got["log loss"] == pytest.approx(metrics.log_loss(truth, p))
        assert got["Brier"] == pytest.approx(((p - np.eye(3)[truth]) ** 2).sum(axis=1).mean())
        np.testing.assert_array_equal(
            confusion_matrix(truth, answers, 3), metrics.confusion_matrix(truth, answers)
        )

    def test_labels_as_scikit_learn_has_them(self, rng):
        truth = (rng.random((150, 4)) < 0.3).astype(int)
        p = np.round(np.clip(0.4 * truth + rng.random((150, 4)) * 0.7, 0, 1), 1)  # with ties
        answers = p > 0.5
        got = scores("multilabel", truth, p, "abcd")
        aps = [metrics.average_precision_score(t, s) - t.mean() for t, s in zip(truth.T, p.T, strict=True)]
        assert got["AP - prevalence"] == pytest.approx(np.mean(aps))
        for average in ("micro", "macro"):
            assert got[f"{average} F1"] == pytest.approx(metrics.f1_score(truth, answers, average=average))
        assert got["Hamming"] == pytest.approx(metrics.hamming_loss(truth, answers))
        assert got["exact"] == pytest.approx(metrics.accuracy_score(truth, answers))

    def test_intensities(self, rng):
        y = rng.normal(size=(100, 2))
        z = 0.5 * y + rng.normal(size=(100, 2)) + 1
        got = scores("intensities", y, z, ("valence", "arousal"))
        for k, name in enumerate(("valence", "arousal")):
            assert got[f"r {name}"] == pytest.approx(stats.pearsonr(y[:, k], z[:, k]).statistic)
            assert got[f"RMSE {name}"] == pytest.approx(np.sqrt(((y[:, k] - z[:, k]) ** 2).mean()))
            cov = np.cov(y[:, k], z[:, k], ddof=0)
            ccc = 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (y[:, k].mean() - z[:, k].mean()) ** 2)
            assert got[f"CCC {name}"] == pytest.approx(ccc)
        assert got["r"] == pytest.approx((got["r valence"] + got["r arousal"]) / 2)
        assert scores("intensities", y[:, :1], y[:, :1], ["v"]) == pytest.approx(
            {"r": 1, "CCC": 1, "RMSE": 0}
        )

    def test_confidence_that_is_right_has_no_calibration_error(self, rng):
        confidence = rng.uniform(0.5, 1, 60_000)
        p = np.column_stack([confidence, 1 - confidence])
        truth = (rng.random(60_000) > confidence).astype(int)
        # 15 bins of 4000: the expected error of a bin's share is about 0.8 sqrt(p q / 4000) = 0.006.
        assert scores("classes", truth, p, "ab")["ECE"] < 0.01
        sure = np.column_stack([np.full(100, 0.9), np.full(100, 0.1)])
        assert scores("classes", np.arange(100) % 2, sure, "ab")["ECE"] == pytest.approx(0.4, abs=0.08)

    def test_what_is_not_defined_is_nan(self):
        one_class = scores("classes", np.zeros(4, int), np.array([[0.8, 0.2]] * 4), "ab")
        assert np.isnan(one_class["kappa"])
        assert one_class["accuracy"] == 1
        constant = scores("intensities", np.ones((5, 1)), np.arange(5.0)[:, None], ["v"])
        assert np.isnan(constant["r"])
        assert np.isfinite(constant["RMSE"])

    def test_interval(self, rng):
        values = rng.normal(0.6, 0.1, 12)
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert mean_interval(values) == pytest.approx((values.mean(), *expected))
        mean, low, high = mean_interval(values, "bootstrap", rng)
        assert low < mean < high
        assert high - low == pytest.approx(expected[1] - expected[0], rel=0.3)
        assert np.isnan(mean_interval(np.array([0.5, np.nan]))[1:]).all()

    def test_every_score_has_a_definition(self, rng):
        y = rng.integers(0, 2, (20, 2))
        for kind, truth in (("classes", y[:, 0]), ("multilabel", y), ("intensities", y * 1.0)):
            names = ("v", "a")
            for name in scores(kind, truth, rng.random((20, 2)), names):
                assert name.removesuffix(" v").removesuffix(" a") in DEFINITIONS


class TestFolds:
    def test_each_fold_is_a_pipeline_that_has_not_seen_the_person(self):
        recordings = people()
        pipe = pipeline()
        result = fe.evaluate(pipe, recordings, by="subject")
        assert not hasattr(pipe, "fitted_")
        assert [g.name for g in result.groups] == ["s0", "s1", "s2", "s3"]
        for group in result.groups:
            train = [rec for rec in recordings if rec.subject != group.name]
            test = [rec for rec in recordings if rec.subject == group.name]
            fitted = pipeline().fit(train)
            right = [w["label"] == rec.label for rec in test for w in fitted.predict_windows(rec)]
            assert group.scores["accuracy"] == np.mean(right)
            assert group.n == len(right)
        assert result.accuracy == np.mean([g.scores["accuracy"] for g in result.groups])
        assert result.confusion.sum() == result.n_scored == 4 * 6 * 8
        assert result.scores["accuracy"].together == np.diag(result.confusion).sum() / result.n_scored

    @pytest.mark.parametrize(
        ("by", "n_groups"), [("subject", 4), ("session", 8), ("trial", 24), ("recording", 24)]
    )
    def test_groups(self, by, n_groups):
        result = fe.evaluate(pipeline(), people(), by=by)
        assert result.n_groups == result.n_folds == n_groups

    def test_ones_own_groups_and_several_at_once(self):
        recordings = people(6)
        halves = [rec.subject in ("s0", "s1", "s2") for rec in recordings]
        with pytest.warns(UserWarning, match="2 groups are too few"):
            result = fe.evaluate(pipeline(), recordings, by=halves)
        assert [g.name for g in result.groups] == ["True", "False"]
        folds = fe.evaluate(pipeline(), recordings, by="subject", n_splits=3)
        assert (folds.n_folds, folds.n_groups) == (3, 6)
        again = fe.evaluate(pipeline(), recordings, by="subject", n_splits=3, n_jobs=2)
        assert folds.to_dict() == again.to_dict()

    def test_held_out_baselines_do_not_train(self):
        recordings = people(baseline=True)
        pipe = pipeline(fe.Standardize(baseline=True), fe.LDA())
        with pytest.warns(UserWarning, match="calibrate=True"):
            before = fe.evaluate(pipe, recordings, by="subject").groups[2]
        k = next(i for i, rec in enumerate(recordings) if rec.subject == "s2" and rec.role == "baseline")
        recordings[k] = recordings[k].replace(data=recordings[k].data * np.array([[3.0], [1], [2]]))
        with pytest.warns(UserWarning, match="calibrate=True"):
            after = fe.evaluate(pipe, recordings, by="subject").groups[2]
        assert before == after

    def test_calibrates_on_the_persons_own_baseline(self):
        recordings = people(n=5, baseline=True, spread=1.0, gains=(5, 8))
        pipe = pipeline(fe.Standardize(baseline=True), fe.LDA())
        result = fe.evaluate(pipe, recordings, by="subject", calibrate=True)
        plain = fe.evaluate(pipeline(), recordings, by="subject")
        assert result.accuracy > plain.accuracy + 0.2
        assert (result.normalisation, plain.normalisation) == ("pre-trial rest baseline", "train statistics")
        rest, *test = [rec for rec in recordings if rec.subject == "s1"]
        fitted = pipe.fit([rec for rec in recordings if rec.subject != "s1"]).calibrate(rest)
        right = [w["label"] == rec.label for rec in test for w in fitted.predict_windows(rec)]
        assert result.groups[1].scores["accuracy"] == np.mean(right)
        assert result.n_scored == 5 * 6 * 8

    def test_recordings_as_a_whole(self):
        result = fe.evaluate(pipeline(), people(), level="recording")
        assert result.n_scored == 24
        assert result.accuracy > 0.9
        assert "24 recordings scored" in repr(result)

    def test_labels_given_beside_arrays(self, rng):
        x = rng.normal(0, 5, (8, 2, 500)) * np.array([1, 2] * 4)[:, None, None]
        result = fe.evaluate(pipeline(sfreq=SFREQ), x, ["calm", "joy"] * 4, by=[0, 0, 1, 1, 2, 2, 3, 3])
        assert result.accuracy > 0.9


class TestCounts:
    def test_windows_that_are_not_scored_are_counted(self, rng):
        recordings = people(3, 1)
        x = recordings[0].data.copy()
        x[:, 200:400] = 0.0  # flat: too bad to say anything
        recordings[0] = recordings[0].replace(data=x)
        y = recordings[1].data.copy()
        y[1, 310] = np.nan  # one substituted sample: a window that is not valid
        recordings[1] = recordings[1].replace(data=y)
        late = [(4.0, 4.0, "joy")]
        recordings[3] = recordings[3].replace(label=None, events=late)
        result = fe.evaluate(pipeline(), recordings, by="subject")
        counts = {"windows": 48, "scored": 41, "not valid": 1, "abstained": 2, "unlabelled": 4}
        assert result.counts == counts
        assert result.confusion.sum() == 41
        assert "(not valid 1, abstained 2, unlabelled 4)" in repr(result)

    def test_events_label_windows(self, rng):
        recordings = []
        for who in range(3):
            x = rng.normal(0, 5, (2, 2000))
            x[:, 1000:] *= 2
            events = [(0, 10, "calm"), (10, 10, "joy")]
            recordings.append(fe.Recording(x, SFREQ, events=events, subject=who))
        result = fe.evaluate(pipeline(), recordings)
        assert result.accuracy > 0.9
        assert result.confusion.sum(axis=1).tolist() == [30, 30]
        with pytest.raises(ValueError, match='no label of its own, which level="recording" scores'):
            fe.evaluate(pipeline(), recordings, level="recording")

    def test_chance_is_the_commonest_class(self, rng):
        recordings = [
            recording(rng, size, label=label, subject=who)
            for who in range(3)
            for label, size in (("calm", 5), ("calm", 5), ("calm", 5), ("joy", 9))
        ]
        assert fe.evaluate(pipeline(), recordings).chance == {"majority": 0.75, "uniform": 0.5}


class TestKinds:
    def test_several_labels_at_once(self, rng):
        recordings = []
        for who in range(3):
            for names in (set(), {"joy"}, {"fear"}, {"joy", "fear"}):
                size = np.array([9 if "joy" in names else 4, 9 if "fear" in names else 4, 5])
                x = rng.normal(0, 1, (3, 800)) * size[:, None]
                recordings.append(fe.Recording(x, SFREQ, label=names, subject=who))
        result = fe.evaluate(pipeline(), recordings)
        assert result.kind == "multilabel"
        assert result.scores["AP - prevalence"].mean == pytest.approx(0.5, abs=0.02)
        assert result.scores["Hamming"].mean < 0.05
        assert not result.chance
        assert result.confusion is None
        with pytest.raises(AttributeError, match="have no accuracy"):
            _ = result.accuracy

    def test_intensities(self, rng):
        recordings = []
        for who in range(3):
            for level in np.linspace(-1, 1, 7):
                x = rng.normal(0, 5 * np.exp(level), (3, 800))
                label = {"valence": float(level), "arousal": float(level**2)}
                recordings.append(fe.Recording(x, SFREQ, label=label, subject=who))
        result = fe.evaluate(pipeline(fe.Standardize(), fe.Ridge()), recordings)
        assert result.scores["r valence"].mean > 0.95
        assert result.scores["CCC"].mean < result.scores["CCC valence"].mean
        assert "RMSE arousal" in repr(result)


class TestHonesty:
    """The control: features of noise, a label per trial that means nothing."""

    N_TRIALS, N_WINDOWS, N_FEATURES, LENGTH = 40, 15, 100, 8

    def noise(self, seed, offset):
        """Trials whose features are a common offset and white noise, written as powers of a sine."""
        rng = np.random.default_rng(seed)
        t = np.arange(self.LENGTH)
        labels = rng.permutation(np.repeat(["a", "b"], self.N_TRIALS // 2))
        out = []
        for trial, label in enumerate(labels):
            features = rng.normal(0, 1, (self.N_FEATURES, self.N_WINDOWS))
            features += offset * rng.normal(0, 1, (self.N_FEATURES, 1))
            x = np.exp(features / 4)[..., None] * np.sin(2 * np.pi * 2 * t / self.LENGTH + 0.3)
            out.append(
                fe.Recording(x.reshape(self.N_FEATURES, -1), 8.0, unit="1", label=str(label), trial=trial)
            )
        return out

    def pipeline(self):
        window = fe.Window(1.0, hop=1.0)
        return fe.Pipeline(
            [window, fe.BandPower({"sine": (2, 3)}, log=True), fe.Standardize(), fe.LDA()], unit="1"
        )

    def test_trials_held_out_find_nothing_where_windows_would(self):
        held_out, window_split = [], []
        for seed in range(3):
            trials = self.noise(seed, offset=0.5)
            held_out.append(
                fe.evaluate(self.pipeline(), trials, by="trial", n_splits=5).scores["accuracy"].together
            )
            # What the library refuses: windows of one trial in training and test.
            windows = [
                rec.replace(data=rec.data[:, i * self.LENGTH : (i + 1) * self.LENGTH], trial=None)
                for rec in trials
                for i in range(self.N_WINDOWS)
            ]
            by = np.random.default_rng(seed).integers(0, 3, len(windows))
            window_split.append(fe.evaluate(self.pipeline(), windows, by=by).scores["accuracy"].together)
        # Three times 40 independent trials: chance, with a standard error of about 4.5 %.
        assert np.mean(held_out) == pytest.approx(0.5, abs=0.1)
        assert np.mean(window_split) > 0.65

    def test_windows_and_parts_of_trials_are_refused(self):
        recordings = people()
        with pytest.raises(ValueError, match="would train on windows of the very trials that are scored"):
            fe.evaluate(pipeline(), recordings, by="window")
        halves = [half for rec in recordings for half in (rec.crop(0, 4), rec.crop(4, 8))]
        for by in ("recording", np.arange(len(halves))):
            with pytest.raises(ValueError, match="are of the same trial, but by puts them into two groups"):
                fe.evaluate(pipeline(), halves, by=by)

    def test_shuffled_labels(self):
        real = fe.evaluate(pipeline(), people(), n_shuffles=9)
        assert real.shuffled.p_value == 1 / 10
        assert abs(real.shuffled.mean - 0.5) < 0.2
        null = fe.evaluate(pipeline(), people(gains=(7, 7)), n_shuffles=9)
        assert null.shuffled.p_value > 0.1
        assert "labels shuffled 9 times: accuracy" in repr(null)

    def test_same_stimuli_in_training_are_said(self):
        recordings = [rec.replace(stimulus=f"{rec.label} {rec.trial}") for rec in people()]
        with pytest.warns(UserWarning, match="100% of the held-out recordings show a stimulus that is also"):
            result = fe.evaluate(pipeline(), recordings, by="subject")
        assert result.stimuli_seen == 1
        assert "recognise the stimulus" in repr(result)
        other = fe.evaluate(pipeline(), recordings, by="stimulus")
        assert (other.n_groups, other.stimuli_seen) == (6, 0)

    def test_parts_of_one_file_are_said(self):
        recordings = [rec.replace(source=f"{rec.subject}.edf") for rec in people()]
        with pytest.warns(
            UserWarning, match="24 of the held-out recordings are parts of files that also train"
        ):
            fe.evaluate(pipeline(), recordings, by="trial")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fe.evaluate(pipeline(), recordings, by="subject")


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"by": "person"}, "by must be one of"),
            ({"by": [0, 1]}, r"by must have one group per recording \(24, baselines counted\), got 2"),
            ({"by": 3}, "by must be one of subject, session, trial, stimulus, recording, or one group per"),
            ({"by": "stimulus"}, r"has no stimulus, which by='stimulus' needs"),
            ({"by": [0] * 24}, "by holds one group only"),
            ({"by": [0] * 23 + [None]}, r"by\[23\] is None"),
            ({"level": "trial"}, "level must be one of"),
            ({"interval": "z"}, "interval must be one of"),
            ({"calibrate": "rest"}, "calibrate must be one of"),
            ({"calibrate": True}, "needs a baseline of each person, but there is none for recording 0"),
            ({"n_splits": 1}, "n_splits must be a whole number of at least 2, got 1"),
            ({"n_splits": 5}, r"n_splits must be at most the number of groups \(4\), got 5"),
            ({"n_shuffles": -1}, "n_shuffles must be a whole number of at least 0, got -1"),
            ({"n_jobs": 0}, "n_jobs must be"),
        ],
    )
    def test_arguments(self, change, message):
        with pytest.raises((ValueError, TypeError), match=message):
            fe.evaluate(pipeline(), people(), **change)

    def test_data(self, rng):
        with pytest.raises(ValueError, match=r"makes one group only \(s0\)"):
            fe.evaluate(pipeline(), people(1))
        alone = [*people(3), recording(rng, 20, label="fear", subject="s9")]
        with pytest.raises(
            ValueError, match="'fear' occurs in subject s9 only, so nothing is left to learn it from"
        ):
            fe.evaluate(pipeline(), alone)
        recordings = people(3)
        recordings[3] = recordings[3].replace(label=None)
        with pytest.raises(ValueError, match=r"recording 3 .* has no label"):
            fe.evaluate(pipeline(), recordings)
        with pytest.raises(ValueError, match="pipe has no decoder"):
            fe.evaluate(fe.Pipeline(pipeline().stages[:2]), people(3))
        with pytest.raises(ValueError, match="holds only baselines"):
            fe.evaluate(pipeline(), [recording(rng, 5, role="baseline")])


def test_result_is_plain_data_and_a_table():
    ticks = []
    result = fe.evaluate(
        pipeline(), people(), interval="bootstrap", progress=lambda done, total: ticks.append((done, total))
    )
    assert ticks == [(1, 4), (2, 4), (3, 4), (4, 4)]
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["scores"]["accuracy"]["mean"] == result.accuracy
    assert plain["confusion"] == result.confusion.tolist()
    text = repr(result)
    for part in (
        "4 subjects, one held out at a time",
        "chance (majority)",
        "50.0 %",
        "truth",
        "accuracy by subject: worst",
    ):
        assert part in text


def test_a_score_that_rounds_to_nothing_has_no_sign():
    assert [shown("kappa", -1e-9), shown("accuracy", -0.0), shown("kappa", -0.5)] == [
        "0.000",
        "0.0 %",
        "-0.500",
    ]
