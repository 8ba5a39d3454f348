"""What a pipeline refuses, and how it says so."""

import numpy as np
import pytest
from pipelines import CH, SFREQ, pipeline, recording, recordings
from sklearn.exceptions import NotFittedError

import fastemo as fe


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
