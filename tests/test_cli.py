"""The command line, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastemo as fe
from fastemo.cli import main

EDF = Path(os.environ.get("FASTEMO_DATA", ""), "eegmat", "raw_edf")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three simulated people as CSV files, and the manifest of them."""
    folder = tmp_path_factory.mktemp("study")
    people, _ = fe.simulate(
        3, 4, trial_length=9.0, emotions=("joy", "fear"), ch_names="19", sfreq=128, seed=1
    )
    rows = ["path,label,subject,role"]
    for i, r in enumerate(people):
        np.savetxt(folder / f"{i}.csv", r.data.T, delimiter=",", header=",".join(r.ch_names), comments="")
        rows.append(f"{i}.csv,{r.label or ''},{r.subject},{r.role}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(rows) + "\n")
    return manifest


CSV = ["--sfreq", "128", "--unit", "uV"]


def run(*arguments):
    """What `fastemo ...` exits with."""
    try:
        main([str(a) for a in arguments])
    except SystemExit as stop:
        return stop.code or 0
    return 0


@pytest.fixture(scope="module")
def model(study):
    path = study.parent / "me.fastemo"
    assert run("train", study, "-o", path, "--hop", "0.5", *CSV) == 0
    return path


@pytest.mark.parametrize(
    "command", ["demo", "train", "evaluate", "decode", "stream", "extract", "info", "doctor"]
)
def test_help(command, capsys):
    assert run(command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_program_is_installed():
    done = subprocess.run(
        [sys.executable, "-m", "fastemo", "--help"], capture_output=True, text=True, check=True
    )
    assert "decode" in done.stdout


def test_trained_model_predicts_as_in_python(study, model, capsys, tmp_path):
    pipe = fe.load(model)
    assert pipe.classes_.tolist() == ["fear", "joy"]
    recording = fe.read(study.parent / "3.csv", sfreq=128, unit="uV")
    expected = pipe.predict_windows(recording)
    for name in ("p.csv", "p.jsonl", "p.parquet"):
        assert (
            run("decode", model, study.parent / "3.csv", "-o", tmp_path / name, "--chunk", "0.05", *CSV) == 0
        )
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert len(rows) == len(expected)
    np.testing.assert_array_equal([r["p_joy"] for r in rows], expected["probabilities"][:, 1])
    header, first = (tmp_path / "p.csv").read_text().splitlines()[:2]
    assert float(first.split(",")[header.split(",").index("p_joy")]) == expected["probabilities"][0, 1]


def test_decode_adapts_to_the_person_and_plots(study, model, capsys, tmp_path):
    picture = tmp_path / "p.png"
    assert (
        run("decode", model, study.parent / "0.csv", "--baseline", "0:20", "--plot", picture, "--json", *CSV)
        == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert summary["windows"] == 17  # 30 s of rest less 20, windows of 2 s every 0.5 s
    assert picture.stat().st_size > 10_000


def test_evaluate(study, capsys):
    arguments = ["evaluate", study, "--by", "subject", "--hop", "1", "--calibrate", *CSV]
    assert run(*arguments, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert json.dumps(result).count("accuracy") > 0
    assert run(*arguments) == 0
    shown = capsys.readouterr().out
    assert "chance" in shown
    assert "%" in shown


def test_info_of_a_model_and_of_a_recording(study, model, capsys):
    assert run("info", model) == 0
    assert "trained on" in capsys.readouterr().out
    assert run("info", model, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["labels"] == ["fear", "joy"]
    assert content["provenance"]["n_subjects"] == 3
    assert run("info", study.parent / "1.csv", "--json", *CSV) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["n_channels"] == 19
    assert content["quality"] == pytest.approx(1, abs=0.05)


def test_extract_is_transform(study, model, tmp_path):
    path = tmp_path / "f.csv"
    assert run("extract", study.parent / "3.csv", "-o", path, "--pipeline", model, *CSV) == 0
    names = path.read_text().splitlines()[0].split(",")
    pipe = fe.load(model)
    expected = pipe.transform(fe.read(study.parent / "3.csv", sfreq=128, unit="uV"))
    assert names == list(pipe.get_feature_names_out())
    np.testing.assert_array_equal(np.loadtxt(path, delimiter=",", skiprows=1), expected)


def test_stream_prints_predictions_as_they_fall_due(study, model, capsys):
    assert run("stream", model, study.parent / "3.csv", "--speed", "1000", *CSV) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = fe.load(model).predict_windows(fe.read(study.parent / "3.csv", sfreq=128, unit="uV"))
    assert [r["label"] for r in rows] == expected["label"].tolist()


def test_pipeline_from_toml(study, tmp_path):
    toml = tmp_path / "p.toml"
    toml.write_text(
        '[[stages]]\nstage = "Window"\nlength = 2\nhop = 1\n[[stages]]\nstage = "BandPower"\nbands = "standard"\nlog = true\n'
        '[[stages]]\nstage = "Standardize"\n[[stages]]\nstage = "Logistic"\n'
    )
    path = tmp_path / "m.fastemo"
    assert run("train", study, "-o", path, "--pipeline", toml, *CSV) == 0
    assert [type(s).__name__ for s in fe.load(path).stages] == [
        "Window",
        "BandPower",
        "Standardize",
        "Logistic",
    ]


def test_demo(capsys, tmp_path):
    assert run("demo", "--quick", "--json", "--plot", tmp_path / "d.png") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy"] > result["chance"]["majority"] > result["chance"]["uniform"] / 2
    assert result["latency_us"]["p50"] > 0
    assert (tmp_path / "d.png").exists()


def test_doctor(capsys):
    assert run("doctor", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["self_test"].startswith(("passed", "skipped"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "nothing.edf"], "nothing.edf"),
        (["train", "a.txt", "-o", "x.fastemo"], "expected one MANIFEST.csv"),
        (["train", "m.csv", "-o", "nowhere/x.fastemo"], "there is no folder nowhere"),
        (["decode", "no.fastemo", "x.csv"], "no.fastemo"),
    ],
)
def test_errors_are_one_sentence_and_a_status(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1


def test_wrong_baselines_and_presets_are_named(study, capsys):
    assert run("evaluate", study, "--baseline", "60", *CSV) == 1
    assert "START:STOP" in capsys.readouterr().err
    assert run("evaluate", study, "--pipeline", "de-lga", *CSV) == 1
    assert "de-lda" in capsys.readouterr().err


@pytest.mark.skipif(not EDF.is_dir(), reason="FASTEMO_DATA is not set")
def test_original_edf_files(capsys, tmp_path):
    pattern = r"Subject(?P<subject>\d+)_(?P<label>[12])\.edf"
    model = tmp_path / "m.fastemo"
    assert run("train", EDF, "--pattern", pattern, "-o", model, "--baseline", "0:60") == 0
    capsys.readouterr()
    assert run("decode", model, EDF / "Subject00_2.edf", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["abstained"] > 0  # the last 1.7 s are constant
    assert summary["valid"] > 150
