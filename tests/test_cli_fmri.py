"""NIfTI runs on the command line and through fe.read."""

import json

import numpy as np
import pytest

import fastemo as fe
from fastemo.cli import main

nibabel = pytest.importorskip("nibabel")

TR, SHAPE = 2.0, (6, 5, 4)
AFFINE = np.diag([3.0, 3, 3, 1])
TOML = """
unit = "1"
[[stages]]
stage = "RegressOut"
channels = ["trans_x"]
tau = 120
warmup = 10
[[stages]]
stage = "Quality"
flat = 60
[[stages]]
stage = "Window"
length = 2
hop = 2
[[stages]]
stage = "TimeDomain"
features = ["mean"]
[[stages]]
stage = "LDA"
"""


def save(array, path):
    image = nibabel.Nifti1Image(array, AFFINE)
    image.header.set_zooms((3, 3, 3, TR)[: array.ndim])
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four runs of 60 volumes as BIDS and fMRIPrep name them; joy raises region1, and motion raises everything."""
    folder = tmp_path_factory.mktemp("bids")
    rng = np.random.default_rng(0)
    atlas = rng.integers(0, 4, SHAPE).astype(np.int16)
    save(atlas, folder / "atlas.nii.gz")
    save((atlas > 0).astype(np.int16), folder / "mask.nii")
    save(np.stack([atlas == k for k in (1, 2, 3)], axis=-1).astype(np.float32), folder / "maps.nii")
    lines = ["path,session,confounds"]
    for run in (1, 2, 3, 4):
        stem = f"sub-01_task-film_run-{run}"
        onsets = 20.0 * np.arange(6)
        labels = ["joy", "calm"] * 3
        rows = [f"{onset}\t10\t{label}" for onset, label in zip(onsets, labels, strict=True)]
        (folder / f"{stem}_events.tsv").write_text("\n".join(["onset\tduration\ttrial_type", *rows]))
        motion = rng.normal(size=60)
        (folder / f"{stem}_desc-confounds_timeseries.tsv").write_text(
            "trans_x\n" + "\n".join(map(repr, motion.tolist()))
        )
        bold = 100 + rng.normal(size=(*SHAPE, 60)) + 3 * motion
        for onset, label in zip(onsets, labels, strict=True):
            if label == "joy":
                first = int((onset + 5) / TR)
                bold[atlas == 1, first : first + 5] += 2
        save(bold.astype(np.float32), folder / f"{stem}_space-MNI_desc-preproc_bold.nii.gz")
        lines.append(f"{stem}_space-MNI_desc-preproc_bold.nii.gz,{run},auto")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    (folder / "p.toml").write_text(TOML)
    return folder


def bold(folder, run):
    return folder / f"sub-01_task-film_run-{run}_space-MNI_desc-preproc_bold.nii.gz"


def run(*arguments):
    try:
        main([str(a) for a in arguments])
    except SystemExit as stop:
        return stop.code or 0
    return 0


def test_read_takes_regions_events_and_confounds(folder):
    got = fe.read(
        bold(folder, 1), atlas=folder / "atlas.nii.gz", confounds="auto", delay=5, rest="rest", session=1
    )
    masker = fe.fmri.Masker.from_labels(folder / "atlas.nii.gz")
    stem = "sub-01_task-film_run-1"
    expected = fe.fmri.read_bold(
        bold(folder, 1), masker, events=folder / f"{stem}_events.tsv", delay=5, rest="rest", session=1,
        confounds=fe.fmri.read_confounds(folder / f"{stem}_desc-confounds_timeseries.tsv"),
    )  # fmt: skip
    assert got == expected
    assert got.ch_names == ("region1", "region2", "region3", "trans_x")
    some = fe.read(bold(folder, 1), atlas=masker, ch_names=["region3"], start=10, stop=20)
    np.testing.assert_array_equal(some.data, got.data[2:3, 5:10])
    assert fe.read(bold(folder, 1), atlas=masker, label="joy").events is None


def test_an_atlas_is_labels_maps_or_a_mask(folder):
    labels, maps, mask = (
        fe.read(bold(folder, 1), atlas=folder / f"{n}") for n in ("atlas.nii.gz", "maps.nii", "mask.nii")
    )
    np.testing.assert_allclose(maps.data, labels.data, rtol=1e-6)
    assert mask.n_channels == int(np.asarray(nibabel.load(folder / "mask.nii").dataobj).sum())


def test_train_evaluate_decode_and_extract(folder, tmp_path, capsys):
    options = ["--atlas", folder / "atlas.nii.gz"]
    model, toml = tmp_path / "m.fastemo", folder / "p.toml"
    manifest = folder / "manifest.csv"
    assert (
        run("train", manifest, "-o", model, "--pipeline", toml, "--evaluate", "session", "--json", *options)
        == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert summary["n_channels"] == 4
    assert summary["sfreq"] == 0.5
    assert summary["evaluation"]["scores"]["accuracy"]["mean"] > 0.85
    out = tmp_path / "p.jsonl"
    assert (
        run("decode", model, bold(folder, 4), "--confounds", "auto", "-o", out, "--chunk", "2", *options) == 0
    )
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    pipe = fe.load(model)
    recording = fe.read(bold(folder, 4), atlas=folder / "atlas.nii.gz", confounds="auto")
    np.testing.assert_array_equal(
        [r["p_joy"] for r in rows], pipe.predict_windows(recording)["probabilities"][:, 1]
    )
    table = tmp_path / "f.csv"
    assert (
        run("extract", bold(folder, 4), "-o", table, "--pipeline", model, "--confounds", "auto", *options)
        == 0
    )
    assert table.read_text().startswith("time,valid,mean:region1")
    capsys.readouterr()
    assert run("info", bold(folder, 1), *options) == 0
    assert "3 channels at 0.5 Hz" in capsys.readouterr().out
    preset = ["--pipeline", "bold-logistic", "--by", "session", "--rest", "none", "--json"]
    assert run("evaluate", manifest, *preset, *options) == 0
    assert json.loads(capsys.readouterr().out)["n_groups"] == 4


def test_a_model_brings_its_atlas(folder, tmp_path, capsys):
    model, own, given = (tmp_path / name for name in ("m.fastemo", "own.jsonl", "given.jsonl"))
    options = ["--atlas", folder / "atlas.nii.gz"]
    assert run("train", folder / "manifest.csv", "-o", model, "--pipeline", folder / "p.toml", *options) == 0
    # Confounds too: the model has a channel that is no region.
    assert run("decode", model, bold(folder, 4), "-o", own) == 0
    assert run("decode", model, bold(folder, 4), "-o", given, "--confounds", "auto", *options) == 0
    assert own.read_text() == given.read_text()
    table = tmp_path / "f.csv"
    assert run("extract", bold(folder, 4), "-o", table, "--pipeline", model) == 0
    assert table.read_text().startswith("time,valid,mean:region1")
    capsys.readouterr()
    assert run("info", model) == 0
    assert "atlas: 3 regions, digest " in capsys.readouterr().out
    assert run("info", model, "--json") == 0
    about = json.loads(capsys.readouterr().out)["atlas"]
    assert about["regions"] == ["region1", "region2", "region3"]
    assert about["carried"]
    assert len(about["digest"]) == 64
    other = ["--atlas", folder / "maps.nii", "--confounds", "auto"]
    assert run("decode", model, bold(folder, 4), *other) != 0
    assert "(3 regions, digest " in capsys.readouterr().err
    labels = np.asarray(nibabel.load(folder / "atlas.nii.gz").dataobj)
    save(np.where(labels > 0, labels % 3 + 1, 0).astype(np.int16), tmp_path / "turned.nii")
    assert (
        run("decode", model, bold(folder, 4), "--atlas", tmp_path / "turned.nii", "--confounds", "auto") != 0
    )
    said = capsys.readouterr().err
    assert "regions of another atlas" in said
    assert "without --atlas" in said


def test_an_atlas_is_asked_for_as_an_option(folder, tmp_path, capsys):
    assert (
        run("train", folder / "manifest.csv", "-o", tmp_path / "m.fastemo", "--pipeline", folder / "p.toml")
        != 0
    )
    assert "holds volumes: pass --atlas, an image of labels" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "pass atlas="),
        ({"atlas": "nowhere.nii"}, "no file nowhere.nii"),
        ({"atlas": "atlas.nii.gz", "unit": "uV"}, "volumes have none"),
        ({"atlas": "atlas.nii.gz", "sfreq": 1.0}, "sfreq"),
        ({"atlas": "atlas.nii.gz", "ch_names": ["amygdala"]}, "amygdala"),
        ({"atlas": "atlas.nii.gz", "ignore": ["time"]}, "ignore is for"),
    ],
)
def test_read_refuses_in_one_sentence(folder, monkeypatch, arguments, words):
    monkeypatch.chdir(folder)
    with pytest.raises((ValueError, OSError), match=words):
        fe.read(bold(folder, 1), **arguments)


def test_what_is_for_nifti_alone(folder, tmp_path):
    np.savez(tmp_path / "a.npz", data=np.zeros((2, 500)), sfreq=250, unit="uV")
    with pytest.raises(ValueError, match="atlas is for NIfTI files"):
        fe.read(tmp_path / "a.npz", atlas=folder / "atlas.nii.gz")
    with pytest.raises(ValueError, match="delay is for NIfTI files"):
        fe.read(tmp_path / "a.npz", delay=5)
    save(np.ones((*SHAPE, 5), np.float32), tmp_path / "lone_bold.nii")
    with pytest.raises(ValueError, match="no lone_desc-confounds_timeseries"):
        fe.read(tmp_path / "lone_bold.nii", atlas=folder / "atlas.nii.gz", confounds="auto")
    with pytest.raises(ValueError, match="holds volumes"):
        fe.Pipeline([fe.Window(2, 2), fe.TimeDomain(["mean"])], unit="1").transform(
            str(tmp_path / "lone_bold.nii")
        )
