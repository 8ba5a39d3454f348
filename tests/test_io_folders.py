"""Many files at once: manifests, name patterns, the data sets known by name, and predictions written."""

import json
import os
import sys

import numpy as np
import pytest
from recording_files import EEGMAT, NAMES, SFREQ, X, needs_data

from fastemo import datasets, io
from fastemo.recording import as_recordings


class TestManifest:
    def write(self, folder, text):
        (folder / "manifest.csv").write_text(text)
        return folder / "manifest.csv"

    def test_reads(self, npz):
        text = "path,label,subject,session,trial,start,stop,role\ncalm.npz,joy,s1,1,t1,0,2,\n\n"
        text += f"{npz},,s1,,,2.0,,baseline\n"
        first, second = io.read_manifest(self.write(npz.parent, text))
        assert (first.label, first.subject, first.session, first.trial, first.role) == (
            "joy",
            "s1",
            "1",
            "t1",
            "data",
        )
        np.testing.assert_array_equal(first.data, X[:, :200])
        assert (second.label, second.subject, second.session, second.role) == (None, "s1", None, "baseline")
        np.testing.assert_array_equal(second.data, X[:, 200:])

    def test_options_go_to_read(self, tmp_path):
        np.save(tmp_path / "a.npy", X)
        (rec,) = io.read_manifest(
            self.write(tmp_path, "path\na.npy\n"), sfreq=SFREQ, unit="uV", ch_names=NAMES
        )
        assert rec.ch_names == tuple(NAMES)

    @pytest.mark.parametrize(
        ("cells", "labels"),
        [
            (["0", "1", ""], [0, 1, None]),
            (["0.5", "1", ""], [0.5, 1.0, None]),
            (["1", "joy"], ["1", "joy"]),
            (["1_2", "nan"], ["1_2", "nan"]),
            (["joy|fear", "joy"], [frozenset({"joy", "fear"}), frozenset({"joy"})]),
            (["joy=0.7| fear=0.1"], [{"joy": 0.7, "fear": 0.1}]),
        ],
    )
    def test_labels(self, npz, cells, labels):
        rows = "".join(f"calm.npz,{cell}\n" for cell in cells)
        recs = io.read_manifest(self.write(npz.parent, "path,label\n" + rows))
        assert [rec.label for rec in recs] == labels
        assert [type(rec.label) for rec in recs] == [type(label) for label in labels]

    @pytest.mark.parametrize(
        ("text", "error", "says"),
        [
            ("", ValueError, r"manifest.csv is empty; its first line must name columns: path,label"),
            ("path,label\n", ValueError, r"manifest.csv lists no file"),
            ("file,label\n", ValueError, r"unknown column 'file'.*known are path, label"),
            ("path,lable\n", ValueError, r"unknown column 'lable'; did you mean 'label'"),
            ("label\njoy\n", ValueError, r"has no column 'path'"),
            ("path,path\na,b\n", ValueError, r"names a column twice"),
            ("path,label\ncalm.npz\n", ValueError, r"line 2: 1 cells, but 2 columns"),
            ("path,label\n,joy\n", ValueError, r"line 2: the path is empty"),
            ("path\ncalm.npz\nb.npz\n", FileNotFoundError, r"manifest.csv, line 3: there is no file .*b.npz"),
            ("path,start\ncalm.npz,x\n", ValueError, r"line 2: start must be seconds, got 'x'"),
            ("path,stop\ncalm.npz,9\n", ValueError, r"line 2: stop=9 s is beyond the end of calm.npz"),
            ("path,role\ncalm.npz,rest\n", ValueError, r"line 2: role must be one of"),
            ("path,label\ncalm.npz,joy=much\n", ValueError, r"label 'joy=much' must give a number"),
        ],
    )
    def test_refuses(self, npz, text, error, says):
        with pytest.raises(error, match=says):
            io.read_manifest(self.write(npz.parent, text))

    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no manifest"):
            io.read_manifest(tmp_path / "manifest.csv")


class TestPattern:
    @pytest.fixture
    def folder(self, tmp_path):
        for subject in ("s2", "s1"):
            (tmp_path / subject).mkdir()
            for label in ("joy", "calm"):
                np.savez(tmp_path / subject / f"{label}.npz", data=X, sfreq=SFREQ, unit="uV")
        (tmp_path / "notes.md").write_text("no recording")
        return tmp_path

    def test_folder_glob_and_list_agree(self, folder):
        pattern = r"(?P<subject>s\d)/(?P<label>\w+)\.npz$"
        recs = io.read_pattern(folder, pattern)
        assert [(r.subject, r.label) for r in recs] == [
            ("s1", "calm"),
            ("s1", "joy"),
            ("s2", "calm"),
            ("s2", "joy"),
        ]
        assert io.read_pattern(f"{folder}/*/*.npz", pattern) == recs
        assert io.read_pattern(folder.rglob("*.npz"), pattern) == recs
        assert len(io.read_pattern(folder, r"(?P<subject>s1)/", sfreq=SFREQ)) == 2

    @pytest.mark.parametrize(
        ("pattern", "says"),
        [
            ("(?P<label>", "is no regular expression"),
            (r"s\d", "has no named group; name some of label, subject"),
            (r"(?P<person>s\d)", "unknown group 'person'"),
            (r"(?P<subjects>s\d)", "unknown group 'subjects'; did you mean 'subject'"),
            (r"(?P<subject>p\d)", r"matches none of the 4 files in .*, such as s1/calm.npz"),
        ],
    )
    def test_refuses(self, folder, pattern, says):
        with pytest.raises(ValueError, match=says):
            io.read_pattern(folder, pattern)


class TestPredictions:
    @pytest.fixture
    def predictions(self):
        dtype = [("time", "f8"), ("probabilities", "f8", 2), ("label", "U4"), ("valid", "?")]
        dtype += [("channel_quality", "f8", 2), ("extra", "f4", 2)]
        rows = [
            (0.1, [0.25, 0.75], "joy", True, [1, 0.5], [0, 1]),
            (0.2, [np.nan] * 2, "", False, [0, 1], [2, 3]),
        ]
        return np.array(rows, dtype)

    COLUMNS = ("time", "p_calm", "p_joy", "label", "valid", "quality_Fz", "quality_Cz", "extra_0", "extra_1")

    def write(self, path, predictions):
        io.write_predictions(path, predictions, labels=["calm", "joy"], ch_names=["Fz", "Cz"])
        return path

    def test_csv(self, tmp_path, predictions):
        lines = self.write(tmp_path / "p.csv", predictions).read_text().splitlines()
        assert lines == [
            ",".join(self.COLUMNS),
            "0.1,0.25,0.75,joy,True,1.0,0.5,0.0,1.0",
            "0.2,nan,nan,,False,0.0,1.0,2.0,3.0",
        ]

    def test_jsonl(self, tmp_path, predictions):
        rows = [
            json.loads(line)
            for line in self.write(tmp_path / "p.jsonl", predictions).read_text().splitlines()
        ]
        assert tuple(rows[0]) == self.COLUMNS
        assert rows[0]["p_joy"] == 0.75
        assert rows[1]["p_joy"] is None
        assert rows[1]["valid"] is False

    def test_parquet(self, tmp_path, predictions):
        parquet = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(self.write(tmp_path / "p.parquet", predictions))
        assert tuple(table.column_names) == self.COLUMNS
        np.testing.assert_array_equal(table["p_calm"].to_numpy(), [0.25, np.nan])
        assert table["label"].to_pylist() == ["joy", ""]

    def test_names_default_to_numbers(self, tmp_path):
        predictions = np.zeros(1, [("outputs", "f8", 2), ("probabilities", "f8", 1)])
        io.write_predictions(tmp_path / "p.csv", predictions)
        assert (tmp_path / "p.csv").read_text().splitlines()[0] == "outputs_0,outputs_1,probabilities_0"

    def test_no_windows(self, tmp_path, predictions):
        assert self.write(tmp_path / "p.csv", predictions[:0]).read_text() == ",".join(self.COLUMNS) + "\n"
        assert self.write(tmp_path / "p.jsonl", predictions[:0]).read_text() == ""

    def test_refuses(self, tmp_path, predictions):
        write = io.write_predictions
        with pytest.raises(ValueError, match=r"unknown suffix '.txt'; supported are .csv, .jsonl, .parquet"):
            write(tmp_path / "p.txt", predictions)
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            write(tmp_path / "no" / "p.csv", predictions)
        with pytest.raises(TypeError, match=r"predictions must be a structured array .* got ndarray"):
            write(tmp_path / "p.csv", np.zeros((2, 3)))
        with pytest.raises(
            ValueError, match=r"labels must be as many as the values of probabilities \(2\), got 3"
        ):
            write(tmp_path / "p.csv", predictions, labels=["a", "b", "c"])
        with pytest.raises(
            ValueError, match=r"ch_names must be as many as the values of channel_quality \(2\), got 1"
        ):
            write(tmp_path / "p.csv", predictions, ch_names=["a"])
        with pytest.raises(ValueError, match="labels would give two columns the name p_a"):
            write(tmp_path / "p.csv", predictions, labels=["a", "a"])
        assert not (tmp_path / "p.csv").exists()

    def test_without_pyarrow(self, tmp_path, predictions, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(ImportError, match=r'writing Parquet needs pyarrow: pip install "fastemo\[io\]"'):
            io.write_predictions(tmp_path / "p.parquet", predictions)


class TestDataSets:
    @needs_data
    def test_eegmat(self):
        recs = datasets.eegmat()
        assert len(recs) == 72
        assert {r.subject for r in recs} == {f"s{i:02d}" for i in range(24)}
        assert [(r.label, r.role, r.trial) for r in recs[:3]] == [
            (None, "baseline", "rest0"),
            ("rest", "data", "rest1"),
            ("task", "data", "task"),
        ]
        assert all((r.n_channels, r.sfreq, r.unit, r.duration) == (19, 125.0, "uV", 60.0) for r in recs)
        assert as_recordings(recs[1])[0].ch_names[:2] == ("Fp1", "Fp2")
        np.testing.assert_array_equal(io.read(EEGMAT / "eegmat_125hz.npz" / "s00_task").data, recs[2].data)

    @needs_data
    def test_insight_eyes(self):
        recs = datasets.insight_eyes(os.environ["FASTEMO_DATA"])
        assert [r.label for r in recs] == ["open"] * 5 + ["closed"] * 5
        assert recs[0].ch_names == ("AF3", "T7", "Pz", "T8", "AF4")
        assert all(r.sfreq == 128 and 39 < r.duration < 41 for r in recs)
        assert 4000 < np.median(recs[0].data) < 4400

    @needs_data
    def test_the_edf_originals(self):
        pytest.importorskip("mne")
        recs = io.read_pattern(EEGMAT / "raw_edf", r"Subject(?P<subject>\d+)_(?P<label>[12])\.edf")
        rest, task = recs
        assert (rest.label, task.label, rest.subject) == (1, 2, "00")
        assert rest.ch_names == datasets.eegmat(EEGMAT)[0].ch_names
        assert (rest.n_channels, rest.sfreq, rest.duration) == (19, 500.0, 182.0)
        # The flat end of zero counts stays: it is a matter of quality, not of reading.
        assert not np.diff(task.data[:, -450:]).any()
        # The 125 Hz copy begins with the same samples, filtered and rounded: the two agree to a few uV.
        slow = io.read(EEGMAT / "eegmat_125hz.npz" / "s00_task")
        fast = io.read(task.source, stop=60.0)
        assert np.corrcoef(slow.data[0, 100:], fast.data[0, 400::4])[0, 1] > 0.95
        with pytest.raises(ValueError, match=r"no channel 'T7'"):
            io.read(task.source, ch_names=["T7"])

    @needs_data
    def test_volts_read_as_microvolts(self, tmp_path):
        rec = datasets.eegmat()[0]
        np.save(tmp_path / "volts.npy", rec.in_unit("V").data)
        with pytest.raises(ValueError, match="V taken for uV"):
            io.read(tmp_path / "volts.npy", sfreq=125, unit="uV")
        np.save(tmp_path / "microvolts.npy", rec.data)
        with pytest.raises(ValueError, match="uV taken for V"):
            io.read(tmp_path / "microvolts.npy", sfreq=125, unit="V")

    def test_missing(self, tmp_path, monkeypatch):
        with pytest.raises(FileNotFoundError, match=r"no eegmat_125hz.npz in"):
            datasets.eegmat(tmp_path)
        monkeypatch.delenv("FASTEMO_DATA", raising=False)
        with pytest.raises(
            FileNotFoundError, match=r"where is 1.Baseline.zip\? Pass its path, or set FASTEMO_DATA"
        ):
            datasets.insight_eyes()

    def test_another_file(self, tmp_path):
        np.savez(tmp_path / "a.npz", data=X)
        with pytest.raises(ValueError, match=r"a.npz is no eegmat file: it lacks channels, fs, uv_per_lsb"):
            datasets.eegmat(tmp_path / "a.npz")
        with pytest.raises(ValueError, match=r"a.npz holds no Open_"):
            datasets.insight_eyes(tmp_path / "a.npz")
        (tmp_path / "b.zip").write_text("x")
        with pytest.raises(ValueError, match=r"b.zip is no zip archive"):
            datasets.insight_eyes(tmp_path / "b.zip")
