"""Pipelines saved and loaded: the same bits, and nothing run that a file names."""

import json

import numpy as np
import pytest
from pipelines import BANDS, assert_same, people, pipeline, recording, recordings, stages
from sklearn.exceptions import NotFittedError

import fastemo as fe
from fastemo import model_file
from fastemo.model_file import ModelError


class TestSaving:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: pipeline(fe.LDA(), fe.Smooth(1)).fit(recordings(["calm", "joy", "fear"])),
            lambda: fe.Pipeline(
                [fe.SpatialFilter(np.eye(3)), *stages(fe.Logistic(), baseline=True)],
                gap_policy="interpolate",
                emotions={"calm": [0.1, -0.5]},
            ).fit(people()),
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
        fe.Pipeline(stages(fe.LDA(), fe.Smooth(1), baseline=True)).fit(people()).save(tmp_path / "m")
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
