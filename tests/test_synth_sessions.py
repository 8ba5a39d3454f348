"""Sessions and transmission of the generator, and the settings it refuses."""

import numpy as np
import pytest

from fastemo.emotions import to_vad
from fastemo.synth import (
    Coupling,
    Difficulty,
    Effect,
    simulate,
    simulate_session,
    simulation,
    transmit,
)
from fastemo.synth.signatures import RISE

QUIET = {"artefacts": 0.0, "label_noise": 0.0}


def test_a_session_follows_its_schedule():
    schedule = [(10, 10, "sadness", 0.8), (40, 5, "fear")]
    (rest, live), truth = simulate_session(60, schedule=schedule, baseline_length=20)
    assert (rest.role, rest.duration, live.role, live.duration) == ("baseline", 20, "data", 60)
    t = np.arange(6000) / 100
    sadness = truth.intensities[1][truth.emotions.index("sadness")]
    during = (t >= 10) & (t < 20)
    np.testing.assert_allclose(
        sadness[during], 0.8 * -np.expm1(-(t[during] - 10) / RISE["sadness"]), atol=1e-12
    )
    assert sadness[t < 10].max() == 0
    assert (np.diff(sadness[t >= 20]) < 0).all()
    fear = truth.intensities[1][truth.emotions.index("fear")]
    assert fear[t < 40].max() == 0
    assert fear[t >= 41].max() > 0.95
    others = np.delete(truth.intensities[1], truth.emotions.index("neutral"), axis=0).sum(axis=0)
    neutral = truth.intensities[1][truth.emotions.index("neutral")]
    np.testing.assert_allclose(neutral, np.maximum(0, 1 - others), atol=1e-12)
    assert [e.label for e in live.events] == ["neutral", "sadness", "neutral", "fear", "neutral"]
    assert live.window_labels([0, 14, 41], 2.0) == ["neutral", "sadness", "fear"]
    assert [e.emotion for e in truth.episodes[1]] == ["sadness", "fear"]
    assert all(e.reported > e.onset for e in truth.episodes[1])
    np.testing.assert_allclose(truth.intensity_at(1, [5.0, 42.0])[:, 2], fear[[500, 4200]])
    np.testing.assert_allclose(truth.vad(1), to_vad(truth.intensities[1].T, truth.emotions))


def test_random_sessions_have_blends_and_variety():
    (live,), truth = simulate_session(400, baseline_length=0, difficulty=0.2, seed=2)
    felt = [e.emotion for e in truth.episodes[0]]
    assert set(felt) == {"joy", "sadness", "fear", "anger"}
    assert any(e.ramp for e in truth.episodes[0])
    assert any(e.peak < 0.7 for e in truth.episodes[0])
    strong = truth.intensities[0][:4] > 0.15
    assert (strong.sum(axis=0) >= 2).any(), "two at once somewhere"
    assert truth.intensities[0].max() <= 1
    assert truth.intensities[0].min() >= 0
    assert {e.label for e in live.events} <= set(truth.emotions)


def test_a_session_has_no_seam_after_the_baseline():
    (rest, live), _ = simulate_session(
        30, schedule=[(5, 5, "joy")], difficulty=Difficulty.at(0.2, artefacts=0)
    )
    both = np.hstack([rest.data, live.data])
    step = np.abs(np.diff(both, axis=1))
    seam = step[:, rest.n_samples - 1]
    assert (seam < 6 * step.std(axis=1)).all()


def test_people_are_the_same_in_trials_and_sessions():
    _, trials = simulate(3, 2, 1)
    _, session = simulate_session(5, subject=3)
    a, b = trials.subjects["S03"], session.subjects["S03"]
    np.testing.assert_array_equal(a.log_gains, b.log_gains)
    np.testing.assert_array_equal(trials.leadfield("S03"), session.leadfield("S03"))
    for emotion in trials.emotions:
        np.testing.assert_array_equal(
            trials.pattern(emotion, "beta", "S03"), session.pattern(emotion, "beta", "S03")
        )


def test_sessions_move_the_cap():
    recordings, truth = simulate(1, 5, 1, n_sessions=2, baseline_length=1)
    assert [r.session for r in recordings] == [1] * 6 + [2] * 6
    first, second = truth.leadfield("S01", 1), truth.leadfield("S01", 2)
    assert 0.01 < np.abs(first - second).max() < 0.5


def test_anticipation_precedes_the_onset_only_if_asked_for():
    kwargs = {
        "schedule": [(10, 10, "fear")], "baseline_length": 0, "difficulty": Difficulty.at(0, **QUIET),
        "emotions": ("fear", "neutral"),
    }  # fmt: skip
    none, truth = simulate_session(30, **kwargs)
    early, same = simulate_session(30, anticipation=1.0, **kwargs)
    np.testing.assert_array_equal(truth.intensities[0], same.intensities[0])
    changed = np.abs(none[0].data - early[0].data).max(axis=0) > 1e-9
    times = np.flatnonzero(changed) / 250
    assert 7.9 < times.min() < 9.6
    assert times.max() < 10.1


def test_surprise_evokes_a_late_positive_wave(monkeypatch):
    kwargs = {
        "schedule": [(10, 3, "surprise")], "baseline_length": 4, "emotions": ("surprise", "neutral"), "ch_names": "19",
    }  # fmt: skip
    (_, waved), _ = simulate_session(20, **kwargs)
    monkeypatch.setattr(simulation, "EVOKED", {})
    (_, flat), _ = simulate_session(20, **kwargs)
    wave = waved.data - flat.data
    c, n = np.unravel_index(wave.argmax(), wave.shape)
    assert waved.ch_names[c] in ("P3", "P4", "Pz")
    assert n / 250 == pytest.approx(10.45, abs=0.01)
    assert 3 < wave.max() < 15


def test_transmission_loses_and_doubles_packets():
    (live,), _ = simulate_session(60, baseline_length=0)
    clean = transmit(live, 0.1)
    assert not clean.lost.any()
    np.testing.assert_array_equal(np.hstack([x for x, _ in clean.chunks]), live.data)
    np.testing.assert_allclose(
        np.concatenate([t for _, t in clean.chunks]), np.arange(15000) / 250, atol=1e-4
    )

    poor = transmit(live, 0.1, losses=20, jitter=0.01, drift=20, seed=1)
    assert 0.01 < poor.lost.mean() < 0.3
    assert not poor.lost[:25].any()
    np.testing.assert_array_equal(np.hstack([x for x, _ in poor.chunks]), live.data[:, ~poor.lost])
    stamps = np.concatenate([t for _, t in poor.chunks])
    assert (np.diff(stamps) > 0).all()
    assert stamps[-1] == pytest.approx(14999 / 250 * (1 + 20e-6), abs=0.05)

    twice = transmit(live, 0.1, duplicates=0.5, seed=1)
    assert 600 * 1.3 < len(twice.chunks) < 600 * 1.7


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: simulate(0), ValueError, "n_subjects must be a whole number of at least 1, got 0"),
        (lambda: simulate(1, 2.5), ValueError, "n_trials must be a whole number of at least 1, got 2.5"),
        (lambda: simulate(1, n_sessions=True), ValueError, "n_sessions must be a whole number"),
        (lambda: simulate(1, stimuli_per_emotion=0), ValueError, "stimuli_per_emotion must be a whole number"),
        (lambda: simulate(1, 1, 0), ValueError, "trial_length must be a finite number above 0"),
        (lambda: simulate(1, baseline_length=-1), ValueError, "baseline_length must be a finite number of at least 0"),
        (lambda: simulate(1, sfreq=50), ValueError, "sfreq must be at least 100 Hz, got 50"),
        (lambda: simulate(1, emotions="joy"), TypeError, "emotions must be a sequence of names, got the string 'joy'"),
        (lambda: simulate(1, emotions=["joy"]), ValueError, "emotions must be at least two different names"),
        (lambda: simulate(1, emotions=["joy", "awe"]), ValueError, "signatures has no row for 'awe'"),
        (lambda: simulate(1, difficulty=2), ValueError, r"difficulty must be in \[0, 1\], got 2"),
        (lambda: simulate(1, coherence=1), ValueError, r"coherence must be in \[0, 1\), got 1"),
        (lambda: simulate(1, seed=-1), ValueError, "seed must be a whole number of at least 0, got -1"),
        (lambda: simulate(1, ch_names="64"), ValueError, "there is no montage '64'; there are 19, 32"),
        (lambda: simulate(1, ch_names=["Cz"]), ValueError, "at least two electrodes"),
        (lambda: simulate(1, ch_names=["Cz", "X1"]), ValueError, "'X1' is not an electrode of the 10-10 system"),
        (lambda: simulate(1, smile=-1), ValueError, "smile must be a finite number of at least 0"),
        (
            lambda: simulate(1, emotions=("a", "b"), signatures={"a": (Effect("dlpfc", "alpha", 1),), "b": ()}),
            ValueError,
            "there is no source 'dlpfc'; did you mean dlPFC",
        ),
        (
            lambda: simulate(1, emotions=("a", "b"), signatures={"a": (Effect("motor L", "mu", 1),), "b": ()}),
            ValueError,
            "'mu' is no band; there are delta, theta",
        ),
        (
            lambda: simulate(1, emotions=("a", "b"), signatures={"a": (Effect("motor L", "beta", -1),), "b": ()}),
            ValueError,
            r"a change must be above -1 \(all power lost\), got -1",
        ),
        (
            lambda: simulate(1, couplings={"joy": (Coupling("motor L", "motor L", "beta", 0.01),)}),
            ValueError,
            "'motor L' cannot drive itself",
        ),
        (
            lambda: simulate(1, couplings={"joy": (Coupling("motor L", "motor R", "beta", -0.01),)}),
            ValueError,
            r"a lag must be in \[0, 1\) s, got -0.01",
        ),
        (lambda: Difficulty.at(0.5, label_noise=1), ValueError, "label_noise must be below 1, got 1"),
        (lambda: Difficulty.at(0.5, drift=-1), ValueError, "difficulty: drift must be a finite number of at least 0"),
        (lambda: simulate_session(0), ValueError, "duration must be a finite number above 0"),
        (lambda: simulate_session(10, 0), ValueError, "subject must be a whole number of at least 1, got 0"),
        (lambda: simulate_session(10, anticipation=2), ValueError, r"anticipation must be in \[0, 1\], got 2"),
        (lambda: simulate_session(10, schedule=[(1, 2)]), ValueError, r"schedule\[0\] must be \(onset, duration"),
        (lambda: simulate_session(10, schedule=[(1, 2, "awe")]), ValueError, r"schedule\[0\]: 'awe' is not one of"),
        (lambda: simulate_session(10, schedule=[(20, 2, "joy")]), ValueError, "begins at 20 s, but the session lasts"),
        (lambda: simulate_session(10, schedule=[(1, 2, "joy", 3)]), ValueError, r"peak must be in \(0, 1\], got 3"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_questions_are_refused():
    recordings, truth = simulate(1, 2, 1, baseline_length=1)
    for call, message in [
        (lambda: truth.pattern("awe", "alpha"), "emotion must be one of joy, sadness"),
        (lambda: truth.pattern("joy", "mu"), "band must be one of delta, theta"),
        (lambda: truth.pattern("joy", (8, 200)), "beyond the Nyquist frequency 125 Hz"),
        (lambda: truth.pattern("joy", "alpha", subject="S09"), "subject must be one of S01; got 'S09'"),
        (
            lambda: truth.pattern("joy", "alpha", against="all"),
            "against must be 'others' or 'rest', got 'all'",
        ),
        (lambda: transmit(recordings[0], duplicates=2), r"duplicates must be a share in \[0, 1\], got 2"),
        (lambda: transmit(recordings[0], 0), "packet must be a finite number above 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
