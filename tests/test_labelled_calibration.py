"""Adapting a decoder to labelled segments of a person: offline, in a running engine, and what is refused."""

import numpy as np
import pytest
from pipelines import CH, SFREQ, people, recording, recordings
from programs import BACKENDS, same_bits

import fastemo as fe
from fastemo.engine import Engine
from fastemo.stages._heads import near
from fastemo.stages.base import Labelled

DE = fe.DifferentialEntropy({"theta": (4, 8), "alpha": (8, 13)})
HEAD = [fe.HighPass(2), fe.Window(1, hop=0.5)]
PIPELINES = {
    "LDA": [*HEAD, DE, fe.Standardize(baseline=True), fe.LDA()],
    "Logistic": [*HEAD, DE, fe.Standardize(), fe.Logistic(), fe.Smooth(2)],
    "tangent": [*HEAD, fe.Covariance(), fe.Recenter(baseline=True), fe.TangentSpace(), fe.LDA()],
    "MDM": [*HEAD, fe.Covariance(), fe.Recenter(baseline=True), fe.MDM()],
}
OF_MANY = {**PIPELINES, "intensities": [*HEAD, DE, fe.Standardize(), fe.Ridge()]}


def fitted(name):
    people_ = people()
    if name == "intensities":
        values = {"calm": 0.0, "joy": 1.0}
        return fe.Pipeline(OF_MANY[name]).fit(
            [rec.replace(label=values[rec.label]) for rec in people_ if rec.label in values]
        )
    return fe.Pipeline(OF_MANY[name]).fit(people_)


def told(name="LDA", n=2, gain=1.5):
    """Segments of a person whose calm looks like others' joy, and the reverse."""
    swapped = {"calm": "joy", "joy": "calm"}
    values = {"calm": 0.0, "joy": 1.0}
    return [
        recording(shown, seed=300 + 10 * i + k, gain=gain).replace(
            label=values[felt] if name == "intensities" else felt
        )
        for i in range(n)
        for k, (felt, shown) in enumerate(swapped.items())
    ]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", OF_MANY)
def test_a_running_engine_goes_on_as_the_saved_calibrated_model(name, backend, tmp_path):
    pipe, x = fitted(name), recording("joy", seconds=30, seed=900, gain=1.5).data
    person = pipe.calibrate(labelled=told(name))
    person.save(tmp_path / "person.fastemo")
    loaded = fe.load(tmp_path / "person.fastemo")
    unsmoothed = all(not isinstance(stage, fe.Smooth) for stage in pipe.stages)
    engine = Engine(pipe.program, backend=backend, pipeline=pipe)
    cut = 1234
    first = engine.push_array(x[:, :cut])
    returned = engine.calibrate(labelled=told(name))
    second = engine.push_array(x[:, cut:])
    before, after = (Engine(p.program, backend=backend).push_array(x) for p in (pipe, loaded))
    n = len(first)
    assert same_bits(first, before[:n])
    assert engine.counters["samples"] == x.shape[1]
    if unsmoothed:
        assert same_bits(second, after[n:])
    assert not np.array_equal(before["outputs"][n:], second["outputs"], equal_nan=True)
    for param, arrays in person.fitted_.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(returned.fitted_[param][key], array)
    engine.reset()
    assert same_bits(engine.push_array(x), after)


@pytest.mark.parametrize("name", PIPELINES)
def test_learns_what_a_person_says(name):
    pipe, new = fitted(name), told(name, n=6)[8:]
    assert np.mean(pipe.predict(new) == [rec.label for rec in new]) == 0
    person = pipe.calibrate(labelled=told(name, n=4), prior=1)
    assert np.mean(person.predict(new) == [rec.label for rec in new]) == 1
    assert np.mean(pipe.predict(new) == [rec.label for rec in new]) == 0  # stays as it is


def test_intensities_move_too():
    pipe, new = fitted("intensities"), told("intensities", n=6)[8:]
    truth = np.array([rec.label for rec in new])
    person = pipe.calibrate(labelled=told("intensities", n=4), prior=1)
    assert np.corrcoef(pipe.predict(new), truth)[0, 1] < -0.9
    assert np.corrcoef(person.predict(new), truth)[0, 1] > 0.9


@pytest.mark.parametrize("name", OF_MANY)
def test_a_large_prior_holds_everything(name):
    pipe = fitted(name)
    person = pipe.calibrate(labelled=told(name), prior=1e9)
    x = recording("joy", seed=900)
    field = "intensities" if name == "intensities" else "probabilities"
    a, b = (p.predict_windows(x)[field] for p in (pipe, person))
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_rest_and_labels_together_are_one_after_the_other():
    pipe, rest = fitted("LDA"), recording("rest", seconds=20, seed=500, gain=2.0)
    both = pipe.calibrate(rest, told())
    one_by_one = pipe.calibrate(rest).calibrate(labelled=told())
    for name, arrays in both.fitted_.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, one_by_one.fitted_[name][key])


def test_events_and_y_label_as_in_fit():
    pipe = fitted("LDA")
    parts = told(n=1)
    seconds = parts[0].duration
    whole = fe.Recording(
        np.concatenate([rec.data for rec in parts], axis=1), SFREQ, CH,
        events=[(i * seconds, seconds, rec.label) for i, rec in enumerate(parts)],
    )  # fmt: skip
    by_events = pipe.calibrate(labelled=whole)
    by_y = pipe.calibrate(labelled=[rec.data for rec in parts], y=[rec.label for rec in parts])
    by_label = pipe.calibrate(labelled=parts)
    np.testing.assert_array_equal(by_y.fitted_["lda"]["coef"], by_label.fitted_["lda"]["coef"])
    assert not np.array_equal(by_events.fitted_["lda"]["coef"], pipe.fitted_["lda"]["coef"])


def test_several_labels_at_once():
    sets = {"calm": {"ease"}, "joy": {"joy", "ease"}, "fear": set()}
    recs = [rec.replace(label=sets[rec.label]) for rec in recordings(("calm", "joy", "fear"), n=4)]
    pipe = fe.Pipeline([*HEAD, DE, fe.Standardize(), fe.LDA()]).fit(recs)
    person = pipe.calibrate(
        labelled=[recs[0].replace(label={"joy", "ease"}), recs[1].replace(label={"ease"})]
    )
    ease, joy = pipe.label_space_.names.index("ease"), pipe.label_space_.names.index("joy")
    np.testing.assert_array_equal(person.fitted_["lda"]["coef"][ease], pipe.fitted_["lda"]["coef"][ease])
    assert np.abs(person.fitted_["lda"]["coef"][joy] - pipe.fitted_["lda"]["coef"][joy]).max() > 1e-3


class TestHead:
    """The weights themselves."""

    rng = np.random.default_rng(5)
    x = rng.standard_normal((60, 4)) * [1, 10, 0.1, 1] + [0, 5, 0, 0]
    y = rng.integers(0, 3, 60)

    def known(self, x=None, y=None, kind="classes", weight=0.5):
        return Labelled(self.x if x is None else x, self.y if y is None else y, ("a", "b", "c"), kind, weight)

    def test_are_where_the_penalised_likelihood_is_largest(self):
        coef, bias = self.rng.standard_normal((3, 4)), self.rng.standard_normal(3)
        prior = 3.0
        new, offset = near(self.known(), coef, bias, prior)
        counts, mean, sd = np.bincount(self.y), self.x.mean(axis=0), self.x.std(axis=0)

        def loss(w, b):
            scores = self.x @ w.T + b
            log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            weights = 0.5 * len(self.y) / (3 * counts[self.y])
            change, at_mean = (w - coef) * sd, b + w @ mean - bias - coef @ mean
            return -weights @ log_p[np.arange(60), self.y] + prior / 8 * (
                np.sum(change**2) + np.sum(at_mean**2)
            )

        best = loss(new, offset)
        for _ in range(50):
            dw, db = self.rng.standard_normal((3, 4)) / sd, self.rng.standard_normal(3)
            for step in (1e-3, -1e-3):
                assert loss(new + step * dw, offset + step * (db - dw @ mean)) > best

    def test_do_not_depend_on_scales(self):
        coef, bias = self.rng.standard_normal((3, 4)), np.zeros(3)
        scale = np.array([1e3, 1e-3, 7, 1])
        a, b = near(self.known(), coef, bias, 5.0), near(self.known(self.x * scale), coef / scale, bias, 5.0)
        np.testing.assert_allclose(b[0] * scale, a[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(b[1], a[1], rtol=1e-4, atol=1e-6)

    def test_intensities_are_ridge_regression_about_the_old_weights(self):
        y = self.rng.standard_normal((60, 2))
        coef, bias = self.rng.standard_normal((2, 4)), np.zeros(2)
        new, offset = near(self.known(y=y, kind="intensities", weight=1.0), coef, bias, 1e-9)
        design = np.column_stack([self.x, np.ones(60)])
        plain = np.linalg.lstsq(design, y, rcond=None)[0]
        np.testing.assert_allclose(np.column_stack([new, offset]).T, plain, rtol=1e-6, atol=1e-8)

    def test_a_feature_that_does_not_vary_keeps_its_weight(self):
        x = self.x.copy()
        x[:, 1] = 4.0
        coef = self.rng.standard_normal((3, 4))
        new, _ = near(self.known(x), coef, np.zeros(3), 1.0)
        np.testing.assert_array_equal(new[:, 1], coef[:, 1])


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "error", "match"),
        [
            ({}, ValueError, "rest, labelled segments, or both"),
            ({"rest": recording("rest", 20), "y": ["joy"]}, ValueError, "y are the labels of labelled"),
            ({"labelled": told(), "prior": 0}, ValueError, "prior must be"),
            ({"labelled": told(), "prior": "much"}, TypeError, "prior must be"),
            ({"labelled": told()[:1]}, ValueError, "windows of 'calm' only"),
            ({"labelled": [recording("awe")]}, ValueError, "the label 'awe', but this pipeline tells apart only 'calm', 'joy'"),
            ({"labelled": [recording(None)]}, ValueError, "has no label"),
            ({"labelled": [recording("joy", role="baseline")]}, ValueError, "give it as rest"),
            ({"labelled": [rec.crop(0, 1.2) for rec in told()]}, ValueError, "give longer segments"),
            ({"labelled": told(), "y": ["joy"]}, ValueError, "one label per recording"),
        ],
    )  # fmt: skip
    @pytest.mark.filterwarnings("ignore:.*have no valid window")
    def test_in_one_sentence_and_nothing_changes(self, given, error, match):
        pipe, x = fitted("LDA"), recording("joy", seconds=20, seed=1).data
        engine, untouched = pipe.engine(), pipe.engine().push_array(x)
        for calibrate in (pipe.calibrate, engine.calibrate):
            with pytest.raises(error, match=match):
                calibrate(**given)
        assert same_bits(engine.push_array(x), untouched)

    def test_labels_need_a_decoder(self):
        pipe = fe.Pipeline([*HEAD, DE, fe.Standardize(baseline=True)], sfreq=SFREQ, ch_names=CH).fit(people())
        with pytest.raises(AttributeError, match="no decoder"):
            pipe.calibrate(labelled=told())
