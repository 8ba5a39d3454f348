"""Real recordings through the public API, scored on people and recordings that were not learnt from.

EEGMAT is mental load, not emotion; the Emotiv set is eyes open against closed. The thresholds are what SciPy and
scikit-learn reach with the same causal chain, less a little.
"""

import numpy as np
import pytest

import fastemo as fe

BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 45)}
LITTLE_MUSCLE = {"theta": (4, 8), "alpha": (8, 14), "beta": (14, 30)}


@pytest.fixture(scope="module")
def eegmat(data_folder):
    return fe.datasets.eegmat(data_folder)


def decoder(low, high, bands, baseline=False):
    features = [fe.Window(2, 2), fe.DifferentialEntropy(bands), fe.Standardize(baseline=baseline)]
    return fe.Pipeline([fe.CommonAverage(), fe.BandPass(low, high), *features, fe.LDA()])


@pytest.mark.parametrize(
    ("low", "high", "bands", "calibrate", "at_least"),
    [
        (1, 45, BANDS, False, 0.63),
        (1, 45, BANDS, True, 0.70),
        (4, 30, LITTLE_MUSCLE, False, 0.63),
        (4, 30, LITTLE_MUSCLE, True, 0.68),
    ],
)
def test_rest_against_arithmetic_in_unseen_people(eegmat, low, high, bands, calibrate, at_least):
    pipe = decoder(low, high, bands, baseline=calibrate)
    result = fe.evaluate(pipe, eegmat, by="subject", calibrate=calibrate)
    assert result.n_groups == 24
    assert result.accuracy >= at_least
    assert result.scores["accuracy"].low > 0.5  # the confidence interval leaves chance out
    assert result.chance["majority"] == pytest.approx(0.5)


def test_eyes_open_and_closed_in_unseen_recordings(data_folder):
    recordings = fe.datasets.insight_eyes(data_folder)
    features = [fe.Window(2, 2), fe.DifferentialEntropy(BANDS), fe.Standardize()]
    result = fe.evaluate(fe.Pipeline([fe.BandPass(1, 45), *features, fe.LDA()]), recordings, by="recording")
    assert result.n_groups == 10
    assert result.accuracy >= 0.86


def test_live_is_offline_on_a_real_recording(eegmat):
    """Chunk by chunk in float32 and float64: the same bits as the recording in one piece."""
    people = [r for r in eegmat if r.subject in {"s00", "s01", "s02"}]
    pipe = decoder(1, 45, BANDS).fit([r for r in people if r.role == "data"])
    data = people[2].data
    whole = pipe.engine().push_array(data)
    for size, dtype in [(1, np.float64), (7, np.float64), (125, np.float64), (7500, np.float64)]:
        engine = pipe.engine()
        parts = [
            engine.push_array(data[:, i : i + size].astype(dtype)) for i in range(0, data.shape[1], size)
        ]
        assert np.concatenate(parts)["outputs"].tobytes() == np.ascontiguousarray(whole["outputs"]).tobytes()


def test_constant_ends_and_low_rank_are_quality_not_crashes(data_folder):
    """The EDF originals end in 1.7 s of a constant; some recordings have rank below 19."""
    folder = data_folder / "eegmat" / "raw_edf"
    rest, task = (
        fe.read(folder / "Subject00_1.edf", label="rest"),
        fe.read(folder / "Subject00_2.edf", label="task"),
    )
    pipe = decoder(1, 45, BANDS).fit([rest, task])
    windows = pipe.predict_windows(task)
    assert windows["abstained"][-1]
    assert windows["quality"][-1] < 0.5
    assert np.isnan(windows["probabilities"][-1]).all()
    assert np.isfinite(windows["probabilities"][~windows["abstained"].astype(bool)]).all()


VOLUME = [fe.Quality(flat=60), fe.Window(2.5, 2.5), fe.TimeDomain(["mean"])]


def test_task_against_rest_in_unseen_runs(data_folder):
    """Perception in the scanner, each volume decoded from what came before it."""
    runs = fe.datasets.haxby2001(data_folder, "task")
    stages = [fe.RegressOut(tau=120), *VOLUME, fe.Standardize(), fe.Logistic(C=0.01), fe.WindowMean(3)]
    result = fe.evaluate(fe.Pipeline(stages, unit="1"), runs, by="session")
    assert (result.n_groups, result.n_scored) == (12, 1380)
    assert result.accuracy >= 0.81
    assert result.scores["accuracy"].low > result.chance["majority"] + 0.1


def test_eight_categories_in_blocks_of_unseen_runs(data_folder):
    """With each run's linear trend taken off afterwards, which looks ahead within the run but at no label."""
    runs = fe.datasets.haxby2001(data_folder)
    runs = [run.replace(data=fe.signal.detrend(run.data)) for run in runs]
    stages = [*VOLUME, fe.Standardize(), fe.Logistic(C=0.01)]
    result = fe.evaluate(fe.Pipeline(stages, unit="1"), runs, by="session", level="event")
    assert (result.n_groups, result.n_scored) == (12, 96)
    assert result.accuracy > 0.28
    assert result.scores["accuracy"].low > result.chance["majority"]


def test_eight_categories_live(data_folder):
    """Causal all the way; of all variants on average, so that none is chosen by the runs it is scored on."""
    runs = [
        run.replace(events=fe.fmri.late_events(run.events, 12.5))
        for run in fe.datasets.haxby2001(data_folder)
    ]
    found = []
    for tau, shrinkage in ((60, 0.1), (60, 0.5), (120, 0.1), (120, 0.5)):
        mean_of_block = fe.FIR(taps=np.full(9, 1 / 9))
        stages = [fe.CommonAverage(), mean_of_block, fe.RegressOut(tau=tau), *VOLUME]
        pipe = fe.Pipeline([*stages, fe.Standardize(), fe.LDA(shrinkage)], unit="1")
        result = fe.evaluate(pipe, runs, by="session", level="event")
        assert (result.n_groups, result.n_scored) == (12, 96)
        found.append(result.accuracy)
    assert np.mean(found) > 0.26


def test_a_run_of_nifti_is_that_of_the_arrays(data_folder):
    pytest.importorskip("nibabel")
    folder = data_folder / "haxby2001" / "run001"
    masker = fe.fmri.Masker.from_mask(folder / "brain_mask_25mm.nii.gz")
    run = fe.fmri.read_bold(
        folder / "bold_25mm.nii.gz", masker, events=folder / "bold_events.tsv", delay=5, rest="rest"
    )
    arrays = fe.datasets.haxby2001(data_folder, "category")[0]
    assert run.sfreq == arrays.sfreq == 0.4
    np.testing.assert_array_equal(run.data, arrays.data)
    labels = run.window_labels(np.arange(121) * 2.5, 2.5)
    expected = arrays.window_labels(np.arange(121) * 2.5, 2.5)
    assert [None if label == "rest" else label for label in labels] == expected


def test_one_volume_per_push_is_the_run(data_folder):
    runs = fe.datasets.haxby2001(data_folder, "task")
    stages = [fe.RegressOut(tau=120), fe.Despike(4), fe.RunningStandardize(), *VOLUME, fe.LDA()]
    pipe = fe.Pipeline(stages, unit="1").fit(runs[:3])
    whole = pipe.engine().push_array(runs[3].data)
    engine = pipe.engine()
    volumes = [engine.push_array(np.ascontiguousarray(v[:, None])) for v in runs[3].data.T]
    assert np.concatenate(volumes)["outputs"].tobytes() == np.ascontiguousarray(whole["outputs"]).tobytes()
