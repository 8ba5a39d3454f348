"""Files read as what they are, and every bad one refused with its reason."""

import sys
import zipfile

import numpy as np
import pytest
from recording_files import NAMES, SFREQ, X, edf_bytes, write_csv

from fastemo import io
from fastemo.recording import Event, as_recordings


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
