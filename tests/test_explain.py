"""What `explain` shows is what the decoder has learnt, and with simulated people it is the truth."""

import json

import numpy as np
import pytest

import fastemo as fe
from fastemo._backend import core
from fastemo.patterns import Explanation, forward_patterns

BANDS = {"theta": (4, 8), "alpha": (8, 13)}


def haufe(x, coef):
    """The formula as it stands, the scores scaled to unit variance."""
    cov = np.cov(x.T, ddof=0)
    w = coef.T / np.sqrt(np.diag(coef @ cov @ coef.T))
    return (cov @ w @ np.linalg.inv(w.T @ cov @ w)).T


class TestFormula:
    def test_equals_the_formula(self, rng):
        x = rng.standard_normal((400, 6)) @ rng.standard_normal((6, 6)) + 3
        coef = rng.standard_normal((3, 6))
        np.testing.assert_allclose(forward_patterns(x, coef), haufe(x, coef), rtol=1e-9)

    def test_recovers_the_mixing_that_the_weights_invert(self, rng):
        mixing = rng.standard_normal((5, 5))
        x = rng.standard_normal((50_000, 5)) @ mixing.T
        found = forward_patterns(x, np.linalg.inv(mixing))
        # Sources of unit variance and no correlation but that of a sample of 50 000.
        np.testing.assert_allclose(found, mixing.T, atol=0.05)

    def test_a_channel_that_only_cancels_noise_has_no_pattern(self, rng):
        source, noise = rng.standard_normal((2, 50_000))
        found = forward_patterns(np.column_stack([source + noise, noise]), np.array([[1.0, -1.0]]))
        np.testing.assert_allclose(found, [[1, 0]], atol=0.02)

    def test_softmax_does_not_see_what_all_classes_share(self, rng):
        x, coef, shared = rng.standard_normal((400, 6)), rng.standard_normal((3, 6)), rng.standard_normal(6)
        a = forward_patterns(x, coef, centre=True)
        b = forward_patterns(x, coef + 100 * shared, centre=True)
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)

    def test_two_classes_are_opposite(self, rng):
        x, coef = rng.standard_normal((400, 6)), rng.standard_normal((2, 6))
        a, b = forward_patterns(x, coef, centre=True)
        np.testing.assert_allclose(a, -b, rtol=1e-9)
        # Half of it each: the two scores are one.
        np.testing.assert_allclose(b, haufe(x, coef[1:] - coef[:1])[0] / 2, rtol=1e-9)


def two_kinds(n=12):
    """Joy doubles channel F3, calm doubles O2; noise on P3 is nobody's."""
    recs = []
    for i in range(n):
        label = ("joy", "calm")[i % 2]
        gain = np.array([[2.0 if label == "joy" else 1], [1], [2.0 if label == "calm" else 1], [1]])
        data = 5 * gain * np.random.default_rng(i).standard_normal((4, 800))
        recs.append(fe.Recording(data, 100, ["F3", "P3", "O2", "EOG"], label=label))
    return recs


def explained(feature, *decoders):
    ahead = [fe.HighPass(2), fe.Window(1, hop=0.5), feature, fe.Standardize()]
    return fe.Pipeline([*ahead, *(decoders or [fe.LDA()])]).fit(two_kinds()).explain()


class TestExplanation:
    def test_by_band_and_channel(self):
        found = explained(fe.DifferentialEntropy(BANDS))
        assert found.classes == ("calm", "joy")
        assert (found.bands, found.channels) == (("theta", "alpha"), ("F3", "P3", "O2", "EOG"))
        assert found.patterns.shape == (2, 2, 4)
        joy = found.patterns[1]
        assert (joy[:, 0] > 0.2).all()
        assert (joy[:, 2] < -0.2).all()
        assert (np.abs(joy[:, [1, 3]]) < 0.1).all()

    def test_by_region(self):
        found = explained(fe.DifferentialEntropy(BANDS))
        regions, values = found.by_region()
        assert regions == ("frontal left", "parietal left", "occipital right", "other")
        np.testing.assert_allclose(values, found.patterns)
        top = found.strongest("joy", n=4)
        assert {region for region, _, _ in top} == {"frontal left", "occipital right"}
        assert [abs(value) for _, _, value in top] == sorted((abs(v) for _, _, v in top), reverse=True)
        with pytest.raises(
            ValueError, match=r"label must be one of 'calm', 'joy'; got 'Joy'.*did you mean 'joy'"
        ):
            found.strongest("Joy")

    def test_regions_average_their_channels(self):
        patterns = np.array([[[1.0, 3.0, 5.0]], [[0.0, np.nan, 2.0]]])
        found = Explanation(("a", "b"), ("alpha",), ("F3", "F5", "O2"), patterns)
        regions, values = found.by_region()
        assert regions == ("frontal left", "occipital right")
        np.testing.assert_allclose(values, [[[2, 5]], [[0, 2]]])

    def test_several_features_keep_their_stage(self):
        parts = fe.Features([fe.BandPower({"beta": (13, 30)}, "filterbank"), fe.DifferentialEntropy(BANDS)])
        found = explained(parts, fe.Logistic())
        assert found.bands == ("bandpower__beta", "differentialentropy__theta", "differentialentropy__alpha")
        assert np.isfinite(found.patterns).all()

    def test_what_is_unevenly_there_is_nan(self):
        features = [("alpha", "F3", "a"), ("alpha", "F4", "a"), ("beta", "F3", "b")]
        from fastemo._lowering import Feature

        found = Explanation.from_features(["x"], [Feature(*f) for f in features], np.array([[1.0, 2.0, 3.0]]))
        np.testing.assert_array_equal(found.patterns, [[[1, 2], [3, np.nan]]])
        assert found.by_region()[1].shape == (1, 2, 2)

    def test_it_survives_saving(self, tmp_path):
        stages = [
            fe.HighPass(2),
            fe.Window(1, hop=0.5),
            fe.DifferentialEntropy(BANDS),
            fe.LDA(),
            fe.Smooth(1),
        ]
        pipe = fe.Pipeline(stages).fit(two_kinds())
        pipe.save(tmp_path / "m")
        np.testing.assert_array_equal(fe.load(tmp_path / "m").explain().patterns, pipe.explain().patterns)

    def test_as_plain_values_and_as_text(self):
        found = explained(fe.DifferentialEntropy(BANDS))
        plain = json.loads(json.dumps(found.to_dict()))
        np.testing.assert_array_equal(plain["patterns"], found.patterns)
        assert plain["regions"][0] == "frontal left"
        text = repr(found)
        assert "joy" in text
        assert "frontal left" in text

    def test_labels_and_intensities_have_patterns_too(self):
        ahead = [fe.HighPass(2), fe.Window(1, hop=0.5), fe.DifferentialEntropy(BANDS), fe.Standardize()]
        recs = two_kinds()
        graded = [rec.replace(label={"joy": float(rec.label == "joy")}) for rec in recs]
        found = fe.Pipeline([*ahead, fe.Ridge()]).fit(graded).explain()
        assert found.classes == ("joy",)
        assert (found.patterns[0, :, 0] > 0.2).all()
        sets = [rec.replace(label={rec.label}) for rec in recs]
        found = fe.Pipeline([*ahead, fe.LDA()]).fit(sets).explain()
        assert (found.patterns[1, :, 0] > 0).all()

    def test_without_a_decoder_there_is_nothing_to_explain(self):
        pipe = fe.Pipeline([fe.Window(1, 1), fe.DifferentialEntropy(BANDS)], sfreq=100, ch_names=["F3"])
        with pytest.raises(AttributeError, match="no decoder"):
            pipe.explain()


@pytest.mark.skipif(core is None, reason="no compiled core: too slow without it")
def test_patterns_are_the_truth_of_simulated_people():
    recordings, truth = fe.synth.simulate(
        n_subjects=8, n_trials=50, trial_length=10, sfreq=125, ch_names="19", difficulty=0.2, seed=1
    )
    bands = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 45)}
    pipe = fe.Pipeline(
        [
            fe.CommonAverage(),
            fe.BandPass(1, 45),
            fe.Window(2, hop=1),
            fe.DifferentialEntropy(bands),
            fe.Standardize(baseline=True),
            fe.LDA(),
        ]
    )
    found = pipe.fit(recordings).explain()
    regions, by_region = found.by_region()
    for label, pattern, patterns_by_region in zip(found.classes, found.patterns, by_region, strict=True):
        true = np.array([truth.pattern(label, edges) for edges in bands.values()])
        groups = fe.montage.region_groups(found.channels)
        true_by_region = np.stack([true[:, index].mean(axis=1) for index in groups.values()], axis=1)
        assert list(groups) == list(regions)
        by_channel = np.corrcoef(pattern.ravel(), true.ravel())[0, 1]
        regional = np.corrcoef(patterns_by_region.ravel(), true_by_region.ravel())[0, 1]
        # Neutral has no signature of its own: its pattern is what all the others lack.
        least = 0.7 if label == "neutral" else 0.8
        assert by_channel > least, label
        assert regional > least, label


def test_patterns_as_xarray():
    pytest.importorskip("xarray")
    patterns = np.random.default_rng(0).normal(size=(2, 2, 3))
    found = Explanation(("calm", "joy"), ("theta", "alpha"), ("F3", "O2", "ECG"), patterns).to_xarray()
    assert found.dims == ("label", "band", "channel")
    assert float(found.sel(label="joy", band="theta", channel="O2")) == patterns[1, 0, 1]
    assert found.region.values.tolist() == ["frontal left", "occipital right", "other"]


def test_regions_that_are_no_electrodes_stand_for_themselves():
    patterns = np.array([[[3.0, -1.0]], [[-3.0, 1.0]]])
    explanation = Explanation(("calm", "joy"), ("mean",), ("amygdala", "insula"), patterns)
    assert explanation.by_region()[0] == ("amygdala", "insula")
    assert explanation.strongest("calm", 1) == [("amygdala", "mean", 3.0)]
    mixed = Explanation(("calm",), ("mean",), ("F3", "insula"), patterns[:1])
    assert mixed.by_region()[0] == ("frontal left", "other")
