"""Files read as what they are, and every bad one refused with its reason."""

import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastemo import datasets, io
from fastemo.recording import Event, as_recordings

SFREQ = 100
X = np.cumsum(np.random.default_rng(0).normal(size=(3, 500)), axis=1)
NAMES = ["Fz", "Cz", "Pz"]
EEGMAT = Path(os.environ.get("FASTEMO_DATA", ""), "eegmat")

needs_data = pytest.mark.skipif(not os.environ.get("FASTEMO_DATA"), reason="FASTEMO_DATA is not set")


def edf_bytes(x, names, units, sfreq=SFREQ, bdf=False):
    """A minimal EDF (BDF) file of records of one second, 1/64 (1/1024) units per count."""
    n_records = x.shape[1] // sfreq
    top, gain = (2**23, 1024) if bdf else (2**15, 64)

    def fields(width, values):
        return "".join(str(v).ljust(width) for v in values).encode("latin-1")

    n = len(x)
    head = b"\xffBIOSEMI" if bdf else fields(8, ["0"])
    head += fields(80, ["X X X X", "Startdate X X X X"]) + fields(8, ["01.01.20", "00.00.00", 256 * (n + 1)])
    head += fields(44, ["24BIT" if bdf else ""]) + fields(8, [n_records, 1]) + fields(4, [n])
    head += fields(16, names) + fields(80, [""] * n) + fields(8, units)
    for limit in (-top / gain, (top - 1) / gain, -top, top - 1):
        head += fields(8, [f"{limit:.8g}"[:8]] * n)
    head += fields(80, [""] * n) + fields(8, [sfreq] * n) + fields(32, [""] * n)
    counts = np.round(x[:, : n_records * sfreq] * gain).astype("<i4").reshape(n, n_records, sfreq)
    samples = counts.transpose(1, 0, 2).reshape(-1, 1).view("u1")[:, : 3 if bdf else 2]
    return head + samples.tobytes()


def write_csv(path, names=NAMES, delimiter=",", newline="\n", before=""):
    lines = [delimiter.join(names)] if names else []
    lines += [delimiter.join(f"{v:.17g}" for v in row) for row in X.T]
    path.write_text(before + newline.join(lines) + newline, encoding="utf-8", newline="")
    return path


@pytest.fixture
def npz(tmp_path):
    path = tmp_path / "calm.npz"
    np.savez(path, data=X, sfreq=SFREQ, ch_names=NAMES, unit="uV")
    return path


class TestArrays:
    def test_npz_says_everything(self, tmp_path):
        path = tmp_path / "a.npz"
        about = {"label": "joy", "subject": "s1", "role": "baseline", "trial": 3}
        np.savez(path, data=X / 1000, fs=SFREQ, channels=["EEG Fz", "EEG Cz", "ECG"], unit="mV", **about)
        rec = io.read(path)
        assert (rec.ch_names, rec.unit, rec.sfreq, rec.source) == (("Fz", "Cz"), "uV", 100.0, str(path))
        assert (rec.label, rec.subject, rec.role, rec.trial) == ("joy", "s1", "baseline", 3)
        np.testing.assert_allclose(rec.data, X[:2], rtol=1e-14)
        assert io.read(path, label="fear", role="data").label == "fear"
        assert io.read(path, role="data").role == "data"
        assert io.read(path, ch_names=["ECG", "Fz"]).ch_names == ("ECG", "Fz")

    def test_npz_counts_and_members(self, tmp_path):
        path = tmp_path / "all.npz"
        counts = np.round(X * 20).astype(np.int16)
        np.savez(path, s0=counts, s1=2 * counts, uv_per_lsb=0.05, fs=SFREQ)
        np.testing.assert_array_equal(io.read(path / "s1").data, 2 * counts * 0.05)
        with pytest.raises(
            ValueError, match=r"must hold 'data'.* it holds s0, s1.*: name one as all.npz/NAME"
        ):
            io.read(path)
        with pytest.raises(ValueError, match=r"all.npz has no array 's2'; it holds s0, s1"):
            io.read(path / "s2")

    def test_npz_keeps_float32(self, tmp_path):
        np.savez(tmp_path / "a.npz", X.astype(np.float32))
        rec = io.read(tmp_path / "a.npz", sfreq=SFREQ, unit="mV", check_unit=False)
        assert rec.data.dtype == np.float32

    def test_npy(self, tmp_path):
        path = tmp_path / "a.npy"
        np.save(path, X)
        rec = io.read(path, sfreq=SFREQ, unit="uV", ch_names=NAMES, start=1, stop=3)
        np.testing.assert_array_equal(rec.data, X[:, 100:300])
        assert rec.ch_names == tuple(NAMES)
        assert not io.read(path, sfreq=SFREQ, unit="uV").named

    def test_no_unit_stays_none(self, tmp_path):
        np.savez(tmp_path / "a.npz", data=X * 1e-9, sfreq=SFREQ, unit="1")
        rec = io.read(tmp_path / "a.npz")
        assert rec.unit == "1"
        np.testing.assert_array_equal(rec.data, X * 1e-9)

    @pytest.mark.parametrize(
        ("keywords", "says"),
        [
            ({"sfreq": 128}, r"calm.npz has sfreq 100 Hz, expected 128 Hz"),
            ({"sfreq": -1}, r"sfreq must be a finite number above 0"),
            ({"unit": "V"}, r"unit is 'V', but calm.npz says 'uV'"),
            ({"unit": "volt"}, r"unit must be one of"),
            ({"ch_names": ["fz"]}, r"calm.npz has no channel 'fz' \(did you mean 'Fz'\?\)"),
            ({"start": 5}, r"start=5 s is beyond the end of calm.npz, which lasts 5 s"),
            ({"start": 1, "stop": 6}, r"stop=6 s is beyond the end"),
            ({"start": 2, "stop": 1}, r"stop must be later than start"),
            ({"role": "rest"}, r"role must be one of"),
            ({"ignore": ["a"]}, r"ignore is for the columns of CSV files"),
        ],
    )
    def test_refuses_arguments(self, npz, keywords, says):
        with pytest.raises(ValueError, match=says):
            io.read(npz, **keywords)

    def test_a_string_is_no_list_of_names(self, npz):
        with pytest.raises(TypeError, match="ch_names must be a sequence of names"):
            io.read(npz, ch_names="Fz")

    @pytest.mark.parametrize(
        ("arrays", "says"),
        [
            ({"data": X, "ch_names": ["a"]}, r"names 1 channels, but its data have 3 rows"),
            ({"data": X, "sfreq": [1.0, 2.0]}, r"sfreq in a.npz must be a single value"),
            ({"data": X, "sfreq": 0.0}, r"sfreq in a.npz must be a finite number above 0"),
            ({"data": X, "unit": "T"}, r"unit in a.npz must be one of"),
            ({"data": X[None]}, r"holds several recordings \(shape \(1, 3, 500\)\)"),
            ({"data": X[0]}, r"must have 2 dimensions"),
            ({"n": 1}, r"must hold 'data'"),
            ({"data": np.array([{"a": 1}], object)}, r"pickled objects are never loaded"),
        ],
    )
    def test_refuses_npz(self, tmp_path, arrays, says):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(ValueError, match=says):
            io.read(tmp_path / "a.npz", unit="uV", sfreq=SFREQ)

    def test_refuses_damaged(self, npz, tmp_path):
        whole = npz.read_bytes()
        np.save(tmp_path / "a.npy", X)
        npy = (tmp_path / "a.npy").read_bytes()
        for name, content in {
            "cut.npz": whole[: len(whole) // 2],
            "text.npz": b"no archive at all",
            "cut.npy": npy[: len(npy) // 2],
            "text.npy": b"no array",
        }.items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match=f"{name} cannot be read as .np"):
                io.read(tmp_path / name)
        bent = bytearray(whole)
        bent[2000] ^= 255
        npz.write_bytes(bent)
        with pytest.raises(ValueError, match=r"'data' in calm.npz cannot be read: .*CRC"):
            io.read(npz)

    def test_says_what_it_needs(self, tmp_path):
        np.save(tmp_path / "a.npy", X)
        with pytest.raises(ValueError, match=r"a.npy does not say its sampling frequency: pass sfreq= in Hz"):
            io.read(tmp_path / "a.npy", unit="uV")
        with pytest.raises(ValueError, match=r'a.npy does not say the unit of its data: pass unit="uV"'):
            io.read(tmp_path / "a.npy", sfreq=SFREQ)
        with pytest.raises(
            ValueError, match=r"has 3 channels without names, so ch_names must be as many; got 2"
        ):
            io.read(tmp_path / "a.npy", sfreq=SFREQ, unit="uV", ch_names=["a", "b"])

    def test_catches_the_wrong_unit(self, tmp_path):
        np.save(tmp_path / "a.npy", X * 1e-6)
        with pytest.raises(
            ValueError, match=r"a.npy cannot be EEG in uV.*V taken for uV: correct the unit .unit=\"V\""
        ):
            io.read(tmp_path / "a.npy", sfreq=SFREQ, unit="uV")
        assert io.read(tmp_path / "a.npy", sfreq=SFREQ, unit="uV", check_unit=False).unit == "uV"
        np.testing.assert_allclose(io.read(tmp_path / "a.npy", sfreq=SFREQ, unit="V").data, X, rtol=1e-14)


class TestCSV:
    @pytest.mark.parametrize("delimiter", [",", ", ", ";", "\t", " "])
    @pytest.mark.parametrize("named", [True, False])
    def test_delimiters(self, tmp_path, delimiter, named):
        path = write_csv(tmp_path / "a.csv", NAMES if named else None, delimiter)
        rec = io.read(path, sfreq=SFREQ, unit="uV", ch_names=None if named else NAMES)
        assert rec.ch_names == tuple(NAMES)
        np.testing.assert_array_equal(rec.data, X)

    def test_comments_marks_and_line_ends(self, tmp_path):
        path = write_csv(
            tmp_path / "a.txt", newline="\r\n", before="\ufeff% made by a headset\r\n\r\n# 100 Hz\r\n"
        )
        np.testing.assert_array_equal(io.read(path, sfreq=SFREQ, unit="uV", start=1).data, X[:, 100:])

    def test_picks_and_ignores_columns(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text(
            '"Time (s)","Fz","note","Cz","score"\n' + "".join(f"{i},{i * i},hi,{-i},0\n" for i in range(9))
        )
        rec = io.read(path, sfreq=SFREQ, unit="uV", ignore=["note", "score"], check_unit=False)
        assert rec.ch_names == ("Fz", "Cz")
        np.testing.assert_array_equal(rec.data[0], np.arange(9.0) ** 2)
        rec = io.read(path, sfreq=SFREQ, unit="uV", ch_names=["Cz"], check_unit=False)
        np.testing.assert_array_equal(rec.data, [-np.arange(9.0)])
        with pytest.raises(ValueError, match=r"must hold numbers .* columns of channels: .*'hi'.* ignore="):
            io.read(path, sfreq=SFREQ, unit="uV")

    def test_ignores_numbered_columns(self, tmp_path):
        rec = io.read(
            write_csv(tmp_path / "a.csv", None), sfreq=SFREQ, unit="uV", ignore=[-1], ch_names=["a", "b"]
        )
        np.testing.assert_array_equal(rec.data, X[:2])

    def test_nan_is_a_lost_sample(self, tmp_path):
        (tmp_path / "a.csv").write_text("Fz,Cz\n1,2\nnan,3\n")
        rec = io.read(tmp_path / "a.csv", sfreq=SFREQ, unit="uV")
        np.testing.assert_array_equal(rec.data, [[1, np.nan], [2, 3]])

    def test_in_an_archive(self, tmp_path):
        write_csv(tmp_path / "a.csv")
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.write(tmp_path / "a.csv", "sub/a.csv")
        np.testing.assert_array_equal(io.read(tmp_path / "a.zip/sub/a.csv", sfreq=SFREQ, unit="uV").data, X)
        with pytest.raises(FileNotFoundError, match=r"a.zip has no member 'b.csv'; it holds sub/a.csv"):
            io.read(tmp_path / "a.zip/b.csv", sfreq=SFREQ, unit="uV")
        with pytest.raises(ValueError, match=r"name a member: x.zip/a.csv"):
            io.read(tmp_path / "a.zip")
        with pytest.raises(ValueError, match=r"only CSV files are read from within a .zip"):
            io.read(tmp_path / "a.zip/b.edf")
        (tmp_path / "b.zip").write_text("nothing")
        with pytest.raises(ValueError, match=r"b.zip cannot be read as .zip"):
            io.read(tmp_path / "b.zip/a.csv", sfreq=SFREQ, unit="uV")

    @pytest.mark.parametrize(
        ("content", "keywords", "says"),
        [
            ("Fz,Cz\n1,2\n", {"sfreq": None}, r"a.csv does not say its sampling frequency"),
            ("Fz,Cz\n1,2\n", {"unit": None}, r"a.csv does not say the unit"),
            ("Fz,Cz\n1,2\n", {"ch_names": ["Cx"]}, r"no channel 'Cx'.*; its channels are Fz, Cz"),
            ("Fz,Cz\n1,2\n", {"stop": 5}, r"stop=5 s is beyond the end of a.csv, which lasts 0.01 s"),
            ("Fz,Cz\n", {}, r"a.csv holds no samples, only a line of names"),
            ("\n# nothing\n", {}, r"a.csv is empty"),
            ("Fz,Cz\n1,2,3\n", {}, r"2 names in its first line but 3 values in the next"),
            ("Fz,Cz\n1,2\n3\n", {}, r"must hold numbers"),
            ("Fz,Cz\n1,\n", {}, r"must hold numbers \(nan for lost samples\)"),
            ("Fz,Fz\n1,2\n", {}, r"ch_names must be unique, got 'Fz' more than once"),
            ("time,marker\n1,2\n", {}, r"no channel that looks like EEG: .* from time, marker"),
            ("Fz,Cz\n1,2\n", {"ignore": ["cz"]}, r"a.csv has no channel 'cz'"),
            ("Fz,Cz\n1,2\n", {"ignore": [2]}, r"ignore names column 2, but a.csv has 2"),
            ("Fz,Cz\n1,2\n", {"ignore": [0, 1]}, r"ignore leaves no column"),
            ("1,2\n", {"ignore": ["Fz"]}, r"has no line of names: give its number"),
        ],
    )
    def test_refuses(self, tmp_path, content, keywords, says):
        (tmp_path / "a.csv").write_text(content)
        with pytest.raises(ValueError, match=says):
            io.read(tmp_path / "a.csv", **({"sfreq": SFREQ, "unit": "uV"} | keywords))

    def test_ignore_is_a_sequence(self, tmp_path):
        with pytest.raises(TypeError, match="ignore must be a sequence"):
            io.read(write_csv(tmp_path / "a.csv"), sfreq=SFREQ, unit="uV", ignore="Fz")


class TestMNE:
    @pytest.fixture(autouse=True)
    def mne(self):
        return pytest.importorskip("mne")

    @pytest.mark.parametrize("bdf", [False, True])
    def test_edf_and_bdf(self, tmp_path, bdf):
        path = tmp_path / ("a.bdf" if bdf else "a.edf")
        names = ["EEG Fz", "EEG Cz", "EEG A2-A1", "ECG ECG"]
        path.write_bytes(edf_bytes(np.concatenate([X, X[:1]]), names, ["uV"] * 4, bdf=bdf))
        rec = io.read(path, label="calm")
        assert (rec.ch_names, rec.unit, rec.sfreq, rec.label) == (("Fz", "Cz"), "uV", 100.0, "calm")
        # Half a count, and the limits in the header have eight characters.
        np.testing.assert_allclose(rec.data, X[:2], atol=0.5 / (1024 if bdf else 64) + 1e-4)
        part = io.read(path, ch_names=["Cz", "Fz"], start=1, stop=2.5, sfreq=100, unit="uV")
        np.testing.assert_array_equal(part.data, rec.data[::-1, 100:250])
        assert io.read(path, ch_names=["ECG ECG"]).ch_names == ("ECG ECG",)

    def test_edf_units(self, tmp_path):
        path = tmp_path / "a.edf"
        path.write_bytes(edf_bytes(X, NAMES, ["mV"] * 3))
        np.testing.assert_allclose(io.read(path, check_unit=False).data, 1000 * X, atol=8)
        with pytest.raises(ValueError, match=r"unit is 'uV', but a.edf says 'mV'"):
            io.read(path, unit="uV")
        path.write_bytes(edf_bytes(X, NAMES, [""] * 3))
        with pytest.raises(ValueError, match=r"a.edf does not say the unit of its data"):
            io.read(path)
        np.testing.assert_allclose(io.read(path, unit="uV").data, X, atol=0.008)
        with pytest.raises(ValueError, match=r"a.edf cannot be EEG in V: .* looks like uV taken for V"):
            io.read(path, unit="V")

    def test_refuses_arguments(self, tmp_path):
        path = tmp_path / "a.edf"
        path.write_bytes(edf_bytes(X, NAMES, ["uV"] * 3))
        for keywords, says in (
            ({"sfreq": 250}, r"a.edf has sfreq 100 Hz, expected 250 Hz"),
            ({"ch_names": ["pz"]}, r"a.edf has no channel 'pz' \(did you mean 'Pz'"),
            ({"stop": 9}, r"stop=9 s is beyond the end of a.edf, which lasts 5 s"),
        ):
            with pytest.raises(ValueError, match=says):
                io.read(path, **keywords)

    def test_damaged(self, tmp_path):
        path = tmp_path / "a.edf"
        whole = edf_bytes(X, NAMES, ["uV"] * 3)
        path.write_bytes(whole[:-700])
        with pytest.warns(UserWarning, match=r"a.edf is not as long as its header says"):
            rec = io.read(path)
        assert rec.duration == 3.0
        for content in (whole[:400], b"0" * 50, b"\x00" * 5000):
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"a.edf cannot be read as EDF: "):
                io.read(path)

    def test_brainvision(self, tmp_path):
        header = (
            "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
            "DataFile=a.eeg\nMarkerFile=a.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
            "NumberOfChannels=3\nSamplingInterval=10000\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n"
            "[Channel Infos]\nCh1=Fz,,1,µV\nCh2=Cz,,1,µV\nCh3=Pz,,1,µV\n"
        )
        markers = (
            "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
            "DataFile=a.eeg\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101000000000000\n"
            "Mk2=Stimulus,S  1,50,1,0\nMk3=Comment,joy,101,200,0\n"
        )
        (tmp_path / "a.vhdr").write_text(header, encoding="utf-8")
        (tmp_path / "a.vmrk").write_text(markers, encoding="utf-8")
        (tmp_path / "a.eeg").write_bytes(X.T.astype("<f4").tobytes())
        rec = io.read(tmp_path / "a.vhdr")
        np.testing.assert_allclose(rec.data, X, rtol=1e-6)
        assert rec.events == (Event(1.0, 2.0, "Comment/joy"),)
        assert io.read(tmp_path / "a.vhdr", start=2, stop=4).events == (Event(0.0, 1.0, "Comment/joy"),)
        assert io.read(tmp_path / "a.vhdr", label="calm").events is None
        with pytest.raises(ValueError, match=r"a.eeg has the unknown suffix '.eeg'; give the .vhdr file"):
            io.read(tmp_path / "a.eeg")

    def test_fif(self, tmp_path, mne):
        raw = mne.io.RawArray(X * 1e-6, mne.create_info(NAMES, SFREQ, "eeg"), verbose="error")
        raw.save(tmp_path / "a_raw.fif", fmt="double", verbose="error")
        rec = io.read(tmp_path / "a_raw.fif")
        np.testing.assert_allclose(rec.data, X, rtol=1e-12)
        (tmp_path / "b_raw.fif").write_bytes((tmp_path / "a_raw.fif").read_bytes()[:100])
        with pytest.raises(ValueError, match=r"b_raw.fif cannot be read as FIF"):
            io.read(tmp_path / "b_raw.fif")

    def test_several_rates_are_brought_to_one(self, tmp_path):
        names, path = ["Fz", "Cz"], tmp_path / "a.edf"
        head = bytearray(edf_bytes(X[:2], names, ["uV"] * 2)[:768])
        head[256 + 2 * 216 + 8 : 256 + 2 * 216 + 16] = b"50      "
        counts = np.round(X * 64).astype("<i2").reshape(3, 5, 100)
        records = np.concatenate([counts[0], counts[1][:, ::2]], axis=1)
        path.write_bytes(bytes(head) + records.tobytes())
        rec = io.read(path)
        assert rec.data.shape == (2, 500)
        np.testing.assert_allclose(rec.data[0], X[0], atol=0.008)


def test_without_mne(tmp_path, monkeypatch):
    (tmp_path / "a.edf").write_bytes(b"0")
    monkeypatch.setitem(sys.modules, "mne", None)
    with pytest.raises(ImportError, match=r'reading EDF files needs MNE: pip install "fastemo\[io\]"'):
        io.read(tmp_path / "a.edf")


def test_refuses_paths(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*a.edf"):
        io.read(tmp_path / "a.edf")
    with pytest.raises(ValueError, match=r"is a folder: use read_pattern"):
        io.read(tmp_path)
    (tmp_path / "a.edf").touch()
    with pytest.raises(ValueError, match=r"a.edf is empty"):
        io.read(tmp_path / "a.edf")
    (tmp_path / "a.mat").write_text("x")
    with pytest.raises(
        ValueError, match=r"a.mat has the unknown suffix '.mat'; supported are .edf, .bdf, .vhdr"
    ):
        io.read(tmp_path / "a.mat")


def test_pipelines_read_paths(npz, tmp_path):
    np.save(tmp_path / "a.npy", X * 1e-3)
    recs = as_recordings([npz, str(tmp_path / "a.npy")], ["a", "b"], sfreq=SFREQ, ch_names=NAMES, unit="mV")
    assert [(r.label, r.ch_names, r.unit) for r in recs] == [
        ("a", tuple(NAMES), "mV"),
        ("b", tuple(NAMES), "mV"),
    ]
    np.testing.assert_allclose(recs[0].data, recs[1].data, rtol=1e-12)
    assert as_recordings(npz, ch_names=["ch0", "ch1", "ch2"])[0].ch_names == ("ch0", "ch1", "ch2")
    with pytest.raises(ValueError, match=r"calm.npz has sfreq 100 Hz, expected 128 Hz"):
        as_recordings(npz, sfreq=128)


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
