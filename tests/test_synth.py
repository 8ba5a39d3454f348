"""The generator: its signals look like EEG and its truth is true of them."""

from collections import Counter

import numpy as np
import pytest
from scipy.signal import butter, csd, sosfilt, sosfiltfilt, welch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from fastemo.synth import (
    COUPLINGS,
    SIGNATURES,
    SOURCES,
    SYNTH_BANDS,
    Coupling,
    Difficulty,
    Effect,
    artefacts,
    simulate,
    simulate_session,
)
from fastemo.synth.anatomy import source_index

BANDS = list(SYNTH_BANDS.values())


QUIET = {"artefacts": 0.0, "label_noise": 0.0}


def log_power(recording, length=4.0, skip=2.0):
    """The plain decoder's features: causal filter bank, log variance of windows, (n_windows, bands * channels)."""
    x = recording.data - recording.data.mean(axis=0)
    n, first = int(length * recording.sfreq), int(skip * recording.sfreq)
    out = []
    for band in BANDS:
        sos = butter(4, band, "bandpass", fs=recording.sfreq, output="sos")
        y = sosfilt(sos, x - x[:, :1], axis=1)[:, first:]
        m = y.shape[1] // n
        out.append(np.log((y[:, : m * n].reshape(len(y), m, n) ** 2).mean(axis=-1)))
    return np.stack(out).transpose(2, 0, 1).reshape(-1, len(BANDS) * len(x))


def features(recordings):
    """Features less each person's rest, true to what a live decoder can have; labels; people."""
    rest = {r.subject: log_power(r).mean(axis=0) for r in recordings if r.role == "baseline"}
    trials = [(r, log_power(r) - rest[r.subject]) for r in recordings if r.role == "data"]
    x = np.vstack([f for _, f in trials])
    y = np.repeat([r.label for r, _ in trials], [len(f) for _, f in trials])
    return x, y, np.repeat([r.subject for r, _ in trials], [len(f) for _, f in trials])


def lda(x, y):
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x, y)


@pytest.fixture(scope="module")
def easy():
    return simulate(n_subjects=6, n_trials=30, trial_length=10, difficulty=0.2, baseline_length=20)


def test_what_comes_out(easy):
    recordings, truth = easy
    assert len(recordings) == 6 * 31
    assert [r.role for r in recordings[:3]] == ["baseline", "data", "data"]
    trial = recordings[1]
    assert trial.data.shape == (32, 2500)
    assert trial.data.dtype == np.float64
    assert (trial.sfreq, trial.unit, trial.subject, trial.session, trial.trial) == (250, "uV", "S01", 1, 1)
    assert all(count == 6 * 6 for count in Counter(filter(None, truth.labels)).values())
    assert {r.stimulus for r in recordings if r.role == "data"} == {
        f"{e} {i}" for e in truth.emotions for i in range(1, 5)
    }
    assert recordings[0].label is None
    for i in (0, 1, 100):
        assert truth.intensities[i].shape == (5, round(recordings[i].duration * 100))
    k = truth.emotions.index(truth.labels[1])
    assert 0.7 <= truth.intensities[1][k].min() <= truth.intensities[1][k].max() <= 1
    assert np.delete(truth.intensities[1], k, axis=0).max() == 0
    assert truth.intensities[0].max() == 0


def test_everything_follows_from_the_seed():
    kwargs = {"n_trials": 3, "trial_length": 2, "baseline_length": 2}
    first, again = simulate(2, seed=5, **kwargs)[0], simulate(2, seed=5, **kwargs)[0]
    assert all(a == b for a, b in zip(first, again, strict=True))
    more = simulate(3, seed=5, **kwargs)[0]
    assert all(a == b for a, b in zip(first, more[:8], strict=True)), "others change nothing"
    other = simulate(2, seed=6, **kwargs)[0]
    assert not np.array_equal(first[0].data, other[0].data)
    assert not np.array_equal(first[0].data, first[4].data), "people differ"


def test_amplitudes_are_those_of_eeg(easy):
    recordings, _ = easy
    sos = butter(4, (1, 40), "bandpass", fs=250, output="sos")
    y = sosfiltfilt(sos, np.stack([r.data for r in recordings[1::9] if r.role == "data"]))
    mad = 1.4826 * np.median(np.abs(y - np.median(y, axis=-1, keepdims=True)), axis=-1)
    live = np.median(mad, axis=0)
    assert live.min() > 3
    assert live.max() < 30


@pytest.mark.parametrize("subject", ["S01", "S02", "S03"])
def test_spectrum_falls_with_an_alpha_peak(subject):
    recordings, truth = simulate(3, 1, 2, baseline_length=120, difficulty=Difficulty.at(0.2, **QUIET))
    rest = next(r for r in recordings if (r.subject, r.role) == (subject, "baseline"))
    f, p = welch(rest.data, 250, nperseg=1000)
    occipital = p[[rest.ch_names.index(n) for n in ("O1", "Oz", "O2")]].mean(axis=0)
    search = (f > 5) & (f < 20)
    peak = f[search][(occipital * f**1.2)[search].argmax()]
    assert abs(peak - truth.subjects[subject].alpha_peak) <= 1
    around = np.interp(peak, [5, 20], np.interp([5, 20], f, occipital))
    assert np.interp(peak, f, occipital) > 2 * around
    frontal = p[rest.ch_names.index("Fz")]
    away = ((f > 2) & (f < 6)) | ((f > 18) & (f < 42))
    slope = -np.polyfit(np.log(f[away]), np.log(frontal[away]), 1)[0]
    assert 0.5 < slope < 2.2


def test_joy_lowers_left_frontal_alpha():
    recordings, truth = simulate(
        4, 10, 10, emotions=("joy", "neutral"), difficulty=Difficulty.at(0, **QUIET), baseline_length=0
    )
    x = {e: np.vstack([log_power(r) for r in recordings if r.label == e]) for e in truth.emotions}
    change = (x["joy"].mean(axis=0) - x["neutral"].mean(axis=0)).reshape(len(BANDS), -1)
    alpha = dict(zip(recordings[0].ch_names, change[list(SYNTH_BANDS).index("alpha")], strict=True))
    gamma = dict(zip(recordings[0].ch_names, change[list(SYNTH_BANDS).index("gamma")], strict=True))
    assert alpha["F3"] < -0.2
    assert alpha["F3"] < alpha["F4"] - 0.2
    assert min(gamma["T7"], gamma["T8"]) > 0.4
    expected = np.array([truth.pattern("joy", band, against="rest") for band in BANDS])
    # Bands are not perfectly separated by filters and intensities stay below 1: the shape is what must agree.
    assert np.corrcoef(change.ravel(), expected.ravel())[0, 1] > 0.85
    assert 0.6 < np.linalg.norm(change) / np.linalg.norm(expected) < 1.1


def test_pattern_is_the_measured_change_of_power():
    """The computed covariance against long recordings of one person, emotion against rest, band by band."""
    recordings, truth = simulate(
        1,
        2,
        240,
        emotions=("fear", "anger"),
        difficulty=Difficulty.at(0.2, **QUIET, drift=0),
        baseline_length=240,
    )
    f, p = welch(np.stack([r.data for r in recordings]), 250, nperseg=1000)
    for i, r in enumerate(recordings):
        if r.role == "baseline":
            continue
        level = truth.intensities[i].max(axis=0).mean()
        for band in BANDS:
            inside = (f >= band[0]) & (f < band[1])
            measured = np.log(p[i][:, inside].sum(axis=-1) / p[0][:, inside].sum(axis=-1))
            subject = truth.subjects["S01"]
            expected = np.log(
                np.diag(subject.covariance(truth.world, band, truth.labels[i], level))
                / np.diag(subject.covariance(truth.world, band, None))
            )
            # The two minus the stimulus pattern, which is 0.16 of an emotion's here; 240 s leave a few per cent.
            assert np.abs(measured - expected).max() < 0.35
            if np.abs(expected).max() > 0.4:
                assert np.corrcoef(measured, expected)[0, 1] > 0.9


def test_forward_patterns_of_a_decoder_find_the_truth(easy):
    recordings, truth = easy
    x, y, _ = features(recordings)
    fitted = lda(x / x.std(axis=0), y)
    scaled = x / x.std(axis=0)
    within = np.cov((scaled - fitted.means_[np.searchsorted(fitted.classes_, y)]).T)
    weights = fitted.coef_ - fitted.coef_.mean(axis=0)
    patterns = (weights @ within) * x.std(axis=0)
    for emotion in ("joy", "sadness", "fear", "anger"):
        found = patterns[list(fitted.classes_).index(emotion)]
        expected = np.concatenate([truth.pattern(emotion, band) for band in BANDS])
        assert np.corrcoef(found, expected)[0, 1] > 0.8, emotion


def test_difficulty_orders_accuracy():
    scores = {}
    for d in (0.0, 0.5, 1.0):
        recordings, _ = simulate(6, 20, 10, difficulty=d, baseline_length=20, ch_names="19", sfreq=128)
        x, y, who = features(recordings)
        unseen = np.isin(who, ["S05", "S06"])
        scores[d] = lda(x[~unseen], y[~unseen]).score(x[unseen], y[unseen])
    # 80 windows of two unseen people; chance is 0.2 with a standard error of 0.045.
    assert scores[0.0] > 0.8
    assert scores[0.0] - 0.15 > scores[0.5] > 0.35
    assert scores[1.0] < 0.35


def test_without_effect_emotions_leave_no_trace():
    null = Difficulty.at(0.2, effect=0)
    kwargs = {"n_subjects": 1, "n_trials": 5, "trial_length": 4, "difficulty": null, "baseline_length": 4}
    recordings, truth = simulate(**kwargs)
    silent, _ = simulate(**kwargs, signatures=dict.fromkeys(SIGNATURES, ()), couplings={})
    for a, b in zip(recordings, silent, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    assert all(np.abs(truth.pattern(e, "alpha")).max() < 1e-12 for e in truth.emotions)


def test_stimuli_leave_their_own_pattern_in_everybody():
    signatures = {"joy": (Effect("motor L", "beta", 3.0),), "neutral": ()}
    strong = Difficulty.at(0, **QUIET, drift=0, stimulus=1.0)
    recordings, _ = simulate(
        4, 8, 20, emotions=("joy", "neutral"), signatures=signatures, difficulty=strong, stimuli_per_emotion=2,
        baseline_length=0, couplings={},
    )  # fmt: skip
    x = {}
    for r in recordings:
        x.setdefault((r.subject, r.stimulus), []).append(log_power(r).mean(axis=0))

    def difference(subject):
        return np.mean(x[subject, "neutral 1"], axis=0) - np.mean(x[subject, "neutral 2"], axis=0)

    people = np.corrcoef([difference(f"S0{k}") for k in range(1, 5)])
    assert people[np.triu_indices(4, 1)].mean() > 0.6


def test_label_noise_is_in_the_labels_only():
    recordings, truth = simulate(4, 50, 0.5, difficulty=Difficulty.at(0, label_noise=0.3), baseline_length=0)
    wrong = np.mean([r.label != true for r, true in zip(recordings, truth.labels, strict=True)])
    assert 0.2 < wrong < 0.4  # 200 draws: three standard errors
    assert all(r.stimulus.startswith(true) for r, true in zip(recordings, truth.labels, strict=True))
    clean, _ = simulate(1, 5, 1, difficulty=0)
    assert all(r.stimulus.startswith(r.label) for r in clean if r.role == "data")


@pytest.mark.parametrize("lag", [0.025, 0.0])
def test_coupling_has_its_lag_and_direction(lag):
    link = Coupling("dlPFC L", "parietal L", "theta", lag)
    recordings, truth = simulate(
        1, 2, 200, emotions=("joy", "neutral"), signatures={"joy": (), "neutral": ()}, couplings={"joy": (link,)},
        coherence=0.6, difficulty=Difficulty.at(0, **QUIET, background=0, drift=0), baseline_length=0,
    )  # fmt: skip
    unmix = np.linalg.pinv(truth.leadfield())
    found = {}
    for r in recordings:
        s = unmix @ r.data
        pair = s[[source_index(link.source), source_index(link.target)]]
        f, cross = csd(pair[0], pair[1], 250, nperseg=500)
        _, power = welch(pair, 250, nperseg=500)
        theta = (f >= 5) & (f <= 7)
        coherency = cross[theta].mean() / np.sqrt(power[:, theta].mean(axis=1).prod())
        found[r.label] = coherency
    # Coherence at intensity a is 0.6 a^2, a = 0.7..1; a signal that arrives later has a negative phase 2 pi f lag.
    assert 0.5 < abs(found["joy"]) < 0.85
    assert -np.angle(found["joy"]) == pytest.approx(2 * np.pi * 6 * lag, abs=0.2)
    assert abs(found["neutral"]) < 0.25


def test_masks_are_where_artefacts_are(monkeypatch):
    kwargs = {"duration": 120, "baseline_length": 30, "difficulty": Difficulty.at(0.2, artefacts=3)}
    dirty, truth = simulate_session(**kwargs)
    monkeypatch.setattr(artefacts, "RATES", dict.fromkeys(artefacts.RATES, 0.0))
    clean, untouched = simulate_session(**kwargs)
    assert [a.kind for recording in untouched.artefacts for a in recording] == []
    kinds = Counter()
    for i, (a, b) in enumerate(zip(dirty, clean, strict=True)):
        changed = np.abs(a.data - b.data)
        mask = truth.mask(i)
        assert changed[~mask].max() == 0
        kinds.update(artefact.kind for artefact in truth.artefacts[i])
        for artefact in truth.artefacts[i]:
            part = changed[list(artefact.channels), artefact.start : artefact.stop]
            assert part.max() > 1
            assert truth.mask(i, artefact.kind)[artefact.channels[0], artefact.start]
    assert {"blink", "saccade", "muscle"} <= set(kinds)
    assert 80 < kinds["blink"] < 145, "45 a minute for 150 s, three standard deviations"
    blink = next(a for a in truth.artefacts[1] if a.kind == "blink")
    front = dirty[1].ch_names.index("Fp1")
    course = np.abs(dirty[1].data - clean[1].data)[:, blink.start : blink.stop]
    assert front in blink.channels
    assert course[front].max() >= 50
    assert dirty[1].ch_names.index("O1") not in blink.channels


def test_channels_come_off():
    recordings, truth = simulate_session(
        200, ch_names="19", difficulty=Difficulty.at(0, artefacts=30), baseline_length=0
    )
    off = [a for a in truth.artefacts[0] if a.kind in ("rail", "flat", "loose")]
    assert {a.kind for a in off} == {"rail", "flat", "loose"}
    last = {a.channels[0]: a for a in off}
    for (c,), kind in [(a.channels, a.kind) for a in last.values()]:
        if kind == "loose":
            continue
        a = last[c]
        np.testing.assert_array_equal(
            recordings[0].data[c, a.start : a.stop], 400.0 if kind == "rail" else 0.0
        )


def test_a_smile_is_muscle_and_not_brain():
    kwargs = {
        "emotions": ("joy", "neutral"),
        "difficulty": Difficulty.at(0, effect=0, **QUIET),
        "baseline_length": 0,
    }
    face, truth = simulate(2, 10, 6, smile=10.0, **kwargs)
    straight, _ = simulate(2, 10, 6, **kwargs)
    for a, b, label in zip(face, straight, truth.labels, strict=True):
        added = (a.data - b.data).std(axis=1)
        if label == "neutral":
            assert added.max() < 0.3, "only the 10 ms between trials"
        else:
            assert added[a.ch_names.index("T7")] > 5
            assert added[a.ch_names.index("T7")] > 5 * added[a.ch_names.index("Pz")]
    assert np.abs(truth.pattern("joy", "gamma")).max() < 1e-12


def test_signature_table_is_the_one_used():
    _, same = simulate(2, 2, 1, difficulty=0)
    for row in same.signatures:
        assert Effect(row.source, row.band, row.change) in SIGNATURES[row.emotion]
        assert row.log_gain == pytest.approx(same.difficulty.effect * np.log1p(row.change))
    assert len(same.signatures) == 2 * sum(len(SIGNATURES[e]) for e in same.emotions)
    _, own = simulate(2, 2, 1, difficulty=0.8)
    changes = {(r.emotion, r.source, r.band): [] for r in own.signatures}
    for r in own.signatures:
        changes[r.emotion, r.source, r.band].append(r.change)
    assert all(len(set(c)) == 2 for c in changes.values()), "people differ"


def test_tables_name_real_sources():
    assert len(SOURCES) == 20
    for row in [e for rows in SIGNATURES.values() for e in rows]:
        assert row.band in SYNTH_BANDS
        source_index(row.source)
    assert all(c.lag > 0 for links in COUPLINGS.values() for c in links)


@pytest.mark.parametrize("ch_names", ["19", "epoc", ("F3", "F4", "Pz", "EEG T3-Ref")])
@pytest.mark.parametrize("sfreq", [128, 200.0, 500])
def test_other_montages_and_rates(ch_names, sfreq):
    (rest, trial, _), truth = simulate(1, 2, 1.5, sfreq=sfreq, ch_names=ch_names, baseline_length=2)
    assert trial.data.shape == (len(rest.ch_names), round(1.5 * sfreq))
    assert np.isfinite(trial.data).all()
    assert truth.pattern("joy", "alpha").shape == (len(rest.ch_names),)
