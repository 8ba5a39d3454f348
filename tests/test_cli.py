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
from fastemo.cli._common import cut_baselines

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
    "command", ["demo", "train", "evaluate", "decode", "stream", "extract", "info", "bench", "doctor"]
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
    assert (
        run("decode", model, study.parent / "0.csv", "--baseline", "0:20", "-o", tmp_path / "p.csv", *CSV)
        == 0
    )
    times = np.genfromtxt(tmp_path / "p.csv", delimiter=",", names=True)
    assert times["stamp"][0] == pytest.approx(22 - 1 / 128)  # in the time of the file


def test_decode_without_rest_says_what_is_missing(study, model, capsys):
    assert run("decode", model, study.parent / "3.csv", *CSV) == 0
    shown = capsys.readouterr()
    assert "--baseline" in shown.err
    assert "labels: " in shown.out


def test_what_is_missing_is_an_option(study, model, capsys):
    assert run("decode", str(model), str(study.parent / "3.csv"), "--unit", "uV") == 1
    assert "pass --sfreq" in capsys.readouterr().err


def test_decode_several_recordings_of_one_person(study, model, tmp_path, capsys):
    files = [study.parent / "0.csv", study.parent / "1.csv", study.parent / "2.csv"]
    path = tmp_path / "all.jsonl"
    assert run("decode", model, *files, "--baseline", "0:28", "-o", path, *CSV) == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(dict.fromkeys(r["recording"] for r in rows)) == [str(f) for f in files]
    first, second = (fe.read(f, sfreq=128, unit="uV") for f in files[:2])
    expected = fe.load(model).calibrate(first.crop(0, 28)).predict_windows(second)
    got = [r["p_joy"] for r in rows if r["recording"] == str(files[1])]
    np.testing.assert_array_equal(got, expected["probabilities"][:, 1])
    assert run("decode", model, *files, "--plot", tmp_path / "p.png", *CSV) == 1
    assert "--plot draws one recording, got 3" in capsys.readouterr().err


def test_several_labels_at_once(study, tmp_path):
    manifest = study.parent / "several.csv"
    text = study.read_text().replace(",joy,", ",joy|high,").replace(",fear,", ",fear,")
    manifest.write_text(text)
    assert run("train", manifest, "-o", tmp_path / "m.fastemo", "--hop", "1", *CSV) == 0
    assert fe.load(tmp_path / "m.fastemo").label_space_.kind == "multilabel"
    assert run("decode", tmp_path / "m.fastemo", study.parent / "3.csv", "-o", tmp_path / "p.csv", *CSV) == 0
    labels = {line.split(",")[-1] for line in (tmp_path / "p.csv").read_text().splitlines()[1:]}
    assert labels <= {"", "fear", "joy", "high", "high|joy", "fear|high", "fear|joy", "fear|high|joy"}


def test_evaluate(study, capsys):
    arguments = ["evaluate", study, "--by", "subject", "--hop", "1", "--calibrate", *CSV]
    assert run(*arguments, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert json.dumps(result).count("accuracy") > 0
    assert run(*arguments) == 0
    shown = capsys.readouterr().out
    assert "chance" in shown
    assert "%" in shown


def test_evaluation_is_kept_in_the_model(study, tmp_path, capsys):
    path = tmp_path / "m.fastemo"
    assert run("train", study, "-o", path, "--hop", "1", "--evaluate", "subject", "--json", *CSV) == 0
    summary = json.loads(capsys.readouterr().out)
    assert run("info", path) == 0
    shown = capsys.readouterr().out
    accuracy = summary["evaluation"]["scores"]["accuracy"]["mean"]
    assert f"accuracy: {accuracy:.3f}, 95 % interval" in shown
    assert "evaluated on 3 unseen subjects (features scaled by: pre-trial rest baseline)" in shown
    assert "causal: yes" in shown
    people = fe.io.read_manifest(study, sfreq=128, unit="uV")
    pipe = fe.Pipeline(fe.presets.preset("de-lda", hop=1.0, baseline=True))
    assert fe.evaluate(pipe, people, calibrate=True).accuracy == accuracy


def test_info_of_a_model_and_of_a_recording(study, model, capsys):
    assert run("info", model) == 0
    assert "trained on" in capsys.readouterr().out
    assert run("info", model, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["labels"] == ["fear", "joy"]
    assert content["provenance"]["n_subjects"] == 3
    assert content["causal"] is True
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
    assert names == ["time", "valid", *pipe.get_feature_names_out()]
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    np.testing.assert_array_equal(table[:, 2:], expected)
    np.testing.assert_allclose(np.diff(table[:, 0]), 0.5, rtol=1e-12)


def test_stream_prints_predictions_as_they_fall_due(study, model, capsys):
    assert run("stream", model, study.parent / "3.csv", "--speed", "1000", *CSV) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = fe.load(model).predict_windows(fe.read(study.parent / "3.csv", sfreq=128, unit="uV"))
    assert [r["label"] for r in rows] == expected["label"].tolist()
    np.testing.assert_array_equal([r["p_joy"] for r in rows], expected["probabilities"][:, 1])


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
    with pytest.raises((ValueError, OSError)):
        main([*map(str, arguments), "--debug"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "see fastemo train --help"),
        (["decode", "m.fastemo", "x.csv", "--chnk", "1"], "--chnk"),
        (["trane"], "No such command 'trane'"),
        (["demo", "--difficulty", "2"], "--difficulty"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(arguments, words, capsys):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1


def test_wrong_baselines_and_presets_are_named(study, capsys):
    assert run("evaluate", study, "--baseline", "60", *CSV) == 1
    assert "START:STOP" in capsys.readouterr().err
    assert run("evaluate", study, "--pipeline", "de-lga", *CSV) == 1
    assert "de-lda" in capsys.readouterr().err


def test_what_a_toml_pipeline_gets_wrong_is_named(study, tmp_path, capsys):
    toml = tmp_path / "p.toml"
    for text, words in (
        ("stages = [", "p.toml is no TOML"),
        ("sfreq = 1", "has no list of [[stages]]"),
        ('stages = [{stage = "Windw"}]', "did you mean 'Window'"),
        ('stages = [{stage = "Window", length = 2, hop = 0}]', "hop must be"),
    ):
        toml.write_text(text)
        assert run("train", study, "-o", tmp_path / "m.fastemo", "--pipeline", toml, *CSV) == 1
        assert words in capsys.readouterr().err
    assert run("evaluate", study, "--pipeline", toml, "--hop", "1", *CSV) == 1
    assert "--hop is for presets" in capsys.readouterr().err


def test_baselines_are_cut_from_the_first_recording_of_each_subject():
    def rec(subject, seconds):
        return fe.Recording(np.zeros((1, 10 * seconds)), 10, label="a", subject=subject)

    cut = cut_baselines([rec("s1", 100), rec("s1", 50), rec("s2", 60)], (0, 60))
    assert [(r.subject, r.role, r.duration) for r in cut] == [
        ("s1", "baseline", 60),
        ("s1", "data", 40),
        ("s1", "data", 50),
        ("s2", "baseline", 60),
    ]
    assert cut[0].label is None
    with pytest.raises(ValueError, match=r"--baseline 0:60 is longer than the first recording of s1, 50 s"):
        cut_baselines([rec("s1", 50)], (0, 60))


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


SHORT = ["--channels", "4", "--samples", "250", "--seconds", "0"]


class TestBench:
    def test_times_what_it_is_asked_for(self, capsys):
        assert run("bench", "--only", "welch", "--only", "sosfilt", *SHORT, "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert report["n_channels"] == 4
        assert [row["name"] for row in report["cases"]] == ["welch", "sosfilt"]
        for row in report["cases"]:
            assert row["error"] is None
            assert "numpy" in row["times"]
            assert all(0 < t["p50"] <= t["p99"] for t in row["times"].values())
        assert "numba" in report["cases"][1]["times"]

    def test_shows_a_table(self, capsys):
        assert run("bench", "--only", "covariance", *SHORT) == 0
        shown = capsys.readouterr().out
        assert "covariance" in shown
        assert "4 channels x 250 samples" in shown

    def test_all_that_is_chosen_is_there(self, capsys):
        from fastemo.cli.timing import SELECTION

        assert run("bench", "--list", "--json") == 0
        assert set(SELECTION) <= {case["name"] for case in json.loads(capsys.readouterr().out)}

    def test_unknown_names_are_refused(self, capsys):
        assert run("bench", "--only", "band_power") == 1
        assert "there is no case 'band_power': did you mean 'band_power_bank'?" in capsys.readouterr().err

    def test_wrong_answers_are_not_timed(self, capsys, monkeypatch):
        from fastemo import _cases

        def make(implementation, n_channels, n_samples):
            return lambda x: x + (implementation == "jit")

        monkeypatch.setattr(_cases, "CASES", (_cases.Case("odd", "kernel", "A", make, ("jit", "reference")),))
        assert run("bench", "--only", "odd", *SHORT, "--json") == 1
        shown = capsys.readouterr()
        assert "odd (numba does not give what numpy gives)" in shown.err
        assert json.loads(shown.out)["cases"][0]["times"] == {}
