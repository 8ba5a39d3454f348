"""Recordings keep what they are given, and the door makes them of anything that holds signals."""

import dataclasses
import pickle
from copy import deepcopy as copy_of

import numpy as np
import pytest

from fastemo.recording import Event, Recording, as_recordings

RNG = np.random.default_rng(0)
X = np.cumsum(RNG.normal(size=(3, 1000)), axis=1)


def recording(**changes):
    return Recording(**({"data": X, "sfreq": 100, "ch_names": ["Fz", "Cz", "Pz"]} | changes))


def test_keeps_samples_without_a_copy_and_read_only():
    rec = recording()
    assert np.shares_memory(rec.data, X)
    assert X.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        rec.data[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        rec.sfreq = 5


def test_what_it_says():
    rec = recording()
    assert (rec.n_channels, rec.n_samples, rec.duration, rec.unit, rec.role) == (3, 1000, 10.0, "uV", "data")
    assert recording(ch_names=None).ch_names == ("ch0", "ch1", "ch2")
    assert not recording(ch_names=None).named
    assert recording(data=[[1, 2], [3, 4], [5, 6]]).data.dtype == np.float64
    assert recording(data=X.astype(np.float32)).data.dtype == np.float32


def test_repr_shows_no_samples():
    rec = recording(label={"joy": 0.5}, subject="s1", role="baseline", events=[(0, 1, "a")])
    about = "3 channels, 10 s at 100 Hz, uV, label={'joy': 0.5}, subject='s1', 1 event, role='baseline'"
    assert repr(rec) == f"Recording({about})"


def test_equality():
    data = X.copy()
    data[0, 3] = np.nan
    assert recording(data=data) == recording(data=data.copy())
    assert recording() != recording(label="joy")
    assert recording() != recording(data=X + 1)
    assert recording() != "recording"


def test_copies_stay_frozen():
    rec = recording(label="joy", events=[(0, 1, "a")])
    for copy in (pickle.loads(pickle.dumps(rec)), copy_of(rec)):
        assert copy == rec
        assert not copy.data.flags.writeable


@pytest.mark.parametrize("label", ["joy", 3, 0.25, {"joy": 0.7}, None])
def test_labels_stay_as_they_are(label):
    assert recording(label=label).label == label


def test_labels_become_plain():
    assert type(recording(label=np.int64(2)).label) is int
    assert type(recording(subject=np.str_("s1")).subject) is str
    assert recording(label={"joy", "fear"}).label == frozenset({"joy", "fear"})


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"data": X[0]}, ValueError, r"data must have 2 dimensions"),
        ({"data": X[:, :0]}, ValueError, r"at least one channel and one sample"),
        ({"data": X + 1j}, TypeError, r"data must be float32 or float64"),
        ({"sfreq": 0}, ValueError, r"sfreq must be a finite number above 0 \(Hz\), got 0"),
        ({"sfreq": np.nan}, ValueError, r"sfreq must be"),
        ({"sfreq": None}, TypeError, r"sfreq must be"),
        ({"ch_names": ["Fz", "Cz"]}, ValueError, r"as many as the rows of data \(3\), got 2"),
        ({"ch_names": ["Fz", "Cz", "Fz"]}, ValueError, r"unique, got 'Fz' more than once"),
        ({"ch_names": "FCP"}, TypeError, r"sequence of names, got the string 'FCP'"),
        ({"ch_names": ["Fz", "Cz", 3]}, TypeError, r"non-empty strings"),
        ({"unit": "µV"}, ValueError, r"unit must be one of 'uV', 'mV', 'V', '1'; got 'µV' \(did you mean"),
        ({"role": "rest"}, ValueError, r"role must be one of 'data', 'baseline'; got 'rest'"),
        ({"label": np.zeros(3)}, TypeError, r"a label must be a name, number, set or dict"),
        ({"events": [(0, 1)]}, ValueError, r"events\[0\] must be \(onset in s, duration in s, label\)"),
        ({"events": [(0, 1, "a"), (0, 0, "b")]}, ValueError, r"events\[1\] .*duration above 0"),
        ({"events": [(np.nan, 1, "a")]}, ValueError, r"finite onset"),
        (
            {"events": [(500, 100, "a")]},
            ValueError,
            r"outside the recording, which lasts 10 s: times are seconds",
        ),
    ],
)
def test_refuses(changes, error, says):
    with pytest.raises(error, match=says):
        recording(**changes)


def test_replace_checks_again():
    assert recording().replace(label="joy").label == "joy"
    with pytest.raises(ValueError, match="role must be one of"):
        recording().replace(role="x")


def test_pick():
    rec = recording().pick(["Pz", "Fz"])
    assert rec.ch_names == ("Pz", "Fz")
    np.testing.assert_array_equal(rec.data, X[[2, 0]])
    with pytest.raises(
        ValueError, match=r"calm.edf has no channel 'fz' \(did you mean 'Fz'\?\); its channels are"
    ):
        recording(source="data/calm.edf").pick(["fz", "Cz"])


def test_crop_moves_events_along():
    rec = recording(events=[(6, 1, "late"), (1, 4, "early"), (0, 0.5, "gone")]).crop(2, 6.5)
    np.testing.assert_array_equal(rec.data, X[:, 200:650])
    assert rec.events == (Event(0, 3, "early"), Event(4, 0.5, "late"))
    assert recording().crop().data.shape == X.shape
    with pytest.raises(ValueError, match=r"stop=11 s is beyond the end of the recording, which lasts 10 s"):
        recording().crop(0, 11)


def test_units_convert():
    volts = recording().in_unit("V")
    np.testing.assert_allclose(volts.data, X * 1e-6, rtol=1e-15)
    assert recording(data=X.astype(np.float32)).in_unit("mV").data.dtype == np.float32
    with pytest.raises(ValueError, match=r"unit '1', which cannot be converted to 'uV'"):
        recording(unit="1").in_unit("uV")


def test_match_by_name_or_position():
    assert recording().match(["Pz", "Fz"]).ch_names == ("Pz", "Fz")
    unnamed = recording(ch_names=None)
    assert unnamed.match(["A", "B", "C"]).ch_names == ("A", "B", "C")
    assert recording().match(["ch0", "ch1", "ch2"]).ch_names == ("ch0", "ch1", "ch2")
    with pytest.raises(ValueError, match=r"has 3 channels, expected 2: A, B"):
        unnamed.match(["A", "B"])
    with pytest.raises(ValueError, match=r"its samples come first: transpose it"):
        Recording(np.zeros((9, 2)), 100).match(["A", "B"])


def test_window_labels_follow_the_events():
    rec = recording(label="whole", events=[(0, 2, "a"), (2, 2, "b"), (4, 1, "a"), (8, 0.9, "c")])
    starts = [0, 1, 1.5, 3.5, 4.5, 5.5, 7, 7.5]
    assert rec.window_labels(starts, 2.0) == ["a", "a", "b", "a", None, None, None, None]
    assert rec.window_labels([7.5], 2.0, min_overlap=0.4) == ["c"]
    assert recording(label="whole").window_labels(starts, 2.0) == ["whole"] * 8
    assert recording(events=[]).window_labels([0], 1) == [None]


def test_window_labels_of_adjacent_events_add_up():
    rec = recording(events=[(0, 1, {"joy": 1.0}), (1, 1, {"joy": 1.0})])
    assert rec.window_labels([0, 0.5, 1.5], 1.0, min_overlap=1.0) == [{"joy": 1.0}, {"joy": 1.0}, None]


@pytest.mark.parametrize(
    ("arguments", "says"), [((0, 0), "length must be"), ((0, 1, 1.5), "min_overlap must be a share")]
)
def test_window_labels_refuse(arguments, says):
    with pytest.raises(ValueError, match=says):
        recording().window_labels(*arguments)


def test_structured_events():
    events = np.array([(1.0, 2.0, "joy")], dtype=[("onset_s", "f8"), ("duration_s", "f8"), ("label", "U8")])
    assert recording(events=events).events == (Event(1.0, 2.0, "joy"),)


def test_door_takes_arrays():
    stack = np.stack([X, 2 * X])
    recs = as_recordings(stack, np.array(["calm", "joy"]), sfreq=100, ch_names=["Fz", "Cz", "Pz"], unit="mV")
    assert [r.label for r in recs] == ["calm", "joy"]
    assert recs[1].unit == "mV"
    assert recs[1].ch_names == ("Fz", "Cz", "Pz")
    np.testing.assert_array_equal(recs[1].data, 2 * X)
    assert as_recordings(X, "joy", sfreq=100)[0].label == "joy"
    assert len(as_recordings([X, X[:, :500], stack], sfreq=100)) == 4


def test_door_takes_recordings():
    rec = recording(label="old", events=[(0, 1, "a")])
    assert as_recordings(rec) == [rec]
    (new,) = as_recordings([rec], ["new"], ch_names=["Cz"], unit="V")
    assert (new.label, new.events, new.ch_names, new.unit) == ("new", None, ("Cz",), "V")
    np.testing.assert_allclose(new.data, X[[1]] * 1e-6, rtol=1e-15)


@pytest.mark.parametrize(
    ("X", "keywords", "error", "says"),
    [
        (X, {}, ValueError, r"sfreq must be given in Hz for arrays"),
        (X[0], {"sfreq": 100}, ValueError, r"X must be .* got an array of shape \(1000,\)"),
        (X, {"sfreq": 100, "y": ["a", "b"]}, ValueError, r"one label per recording \(1\), got 2"),
        (X, {"sfreq": 100, "y": np.zeros((1, 2))}, ValueError, r"got an array of shape \(1, 2\)"),
        (X, {"sfreq": 100, "unit": "v"}, ValueError, r"unit must be one of"),
        (X.T, {"sfreq": 100, "ch_names": ["A", "B", "C"]}, ValueError, r"transpose it"),
        (X * 1e-6, {"sfreq": 100}, ValueError, r"looks like V taken for uV: correct the unit"),
        ([], {"sfreq": 100}, ValueError, r"X holds no recording"),
        ({"a": 1}, {"sfreq": 100}, TypeError, r"X must be a Recording, .* got dict"),
        (recording(), {"sfreq": 128}, ValueError, r"the recording has sfreq 100 Hz, expected 128 Hz"),
        (recording(), {"ch_names": ["Oz"]}, ValueError, r"has no channel 'Oz'"),
        (recording(unit="1"), {"unit": "uV"}, ValueError, r"cannot be converted"),
    ],
)
def test_door_refuses(X, keywords, error, says):
    with pytest.raises(error, match=says):
        as_recordings(X, **keywords)


def test_door_can_skip_the_unit_check():
    assert len(as_recordings(X * 1e-6, sfreq=100, check_unit=False)) == 1


class TestMNE:
    @pytest.fixture
    def mne(self):
        return pytest.importorskip("mne")

    @pytest.fixture
    def raw(self, mne):
        info = mne.create_info(["EEG Fz", "EEG Cz", "ECG"], 100.0, ["eeg", "eeg", "ecg"])
        raw = mne.io.RawArray(X * 1e-6, info, verbose="error")
        notes = [(1, 2, "joy"), (4, 0, "marker"), (5, 1, "BAD_blink"), (6, 3, "fear")]
        return raw.set_annotations(mne.Annotations(*zip(*notes, strict=True)))

    def test_raw(self, raw):
        (rec,) = as_recordings(raw)
        assert (rec.ch_names, rec.unit, rec.sfreq) == (("Fz", "Cz"), "V", 100.0)
        assert rec.events == (Event(1, 2, "joy"), Event(6, 3, "fear"))
        np.testing.assert_array_equal(rec.data, X[:2] * 1e-6)
        (rec,) = as_recordings(raw, "calm", unit="uV", ch_names=["ECG", "Fz"])
        assert (rec.label, rec.events, rec.unit) == ("calm", None, "uV")
        np.testing.assert_allclose(rec.data, X[[2, 0]], rtol=1e-12)

    def test_cropped_raw_keeps_events_in_place(self, raw):
        (rec,) = as_recordings(raw.copy().crop(2, 9, include_tmax=False))
        np.testing.assert_array_equal(rec.data, X[:2, 200:900] * 1e-6)
        assert rec.events == (Event(0, 1, "joy"), Event(4, 3, "fear"))

    def test_epochs(self, mne, raw):
        events = np.array([[0, 0, 1], [300, 0, 2], [600, 0, 3]])
        epochs = mne.Epochs(
            raw,
            events,
            {"joy": 1, "fear": 2},
            tmin=0,
            tmax=0.99,
            baseline=None,
            preload=True,
            verbose="error",
        )
        recs = as_recordings(epochs)
        assert [(r.label, r.trial, r.n_samples) for r in recs] == [("joy", 0, 100), ("fear", 1, 100)]
        np.testing.assert_array_equal(recs[1].data, X[:2, 300:400] * 1e-6)

    def test_without_eeg(self, raw):
        with pytest.raises(ValueError, match="no EEG channel among ECG: set_channel_types"):
            as_recordings(raw.copy().pick("ecg"))

    def test_missing_channel(self, raw):
        with pytest.raises(ValueError, match=r"the MNE object has no channel 'fz' \(did you mean 'Fz'"):
            as_recordings(raw, ch_names=["fz"])


def test_lists_of_names_of_different_lengths_are_labels():
    recordings = as_recordings(np.zeros((3, 2, 100)), [["joy", "fear"], ["fear"], []], sfreq=100)
    assert [r.label for r in recordings] == [["joy", "fear"], ["fear"], []]
