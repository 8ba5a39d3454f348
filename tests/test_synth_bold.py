"""Simulated runs in the scanner: what is found in them is what was put in."""

import numpy as np
import pytest

import fastemo as fe
from fastemo.synth import simulate_bold

MOTION = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


def delayed(recordings):
    return [r.replace(events=fe.fmri.delay_events(r.events, 4.0, r.duration)) for r in recordings]


def decoder(*front):
    tail = [fe.Quality(flat=60), fe.Window(4, hop=4), fe.TimeDomain(["mean"]), fe.Standardize(), fe.LDA()]
    return fe.Pipeline([*front, *tail], unit="1")


def test_emotions_are_decoded_by_what_runs_live():
    recordings, _ = simulate_bold(1, 6)
    result = fe.evaluate(decoder(fe.RegressOut(MOTION, tau=200)), delayed(recordings), by="session")
    assert result.accuracy > 0.4
    assert result.scores["accuracy"].low > 0.3


def test_motion_is_taken_off_by_its_parameters():
    """Of regions that nothing else moves, little more than the noise stays."""
    (run,), _ = simulate_bold(1, 1, effect=0.0, drift=0.0, motion=3.0, spikes=0.05, n_blocks=20)
    pipe = fe.Pipeline(
        [fe.RegressOut(MOTION), fe.Quality(flat=60), fe.Window(2, 2), fe.TimeDomain(["mean"])], unit="1"
    )
    cleaned = pipe.transform(run)[100:]
    assert run.data[:20].std(axis=1).mean() > 2.5
    assert 0.85 < cleaned.std(axis=0).mean() < 1.15


def test_nothing_is_found_where_nothing_is():
    recordings, truth = simulate_bold(1, 8, effect=0.0, coupling=0.0)
    assert not truth.loadings["S01"].any()
    result = fe.evaluate(decoder(fe.RegressOut(MOTION, tau=200)), delayed(recordings), by="session")
    assert result.scores["accuracy"].low < 0.25 < result.scores["accuracy"].high + 0.05


def test_loadings_come_back_from_regression():
    recordings, truth = simulate_bold(1, 6, drift=1.0)
    found = []
    for run, activity in zip(recordings, truth.activity, strict=True):
        t = np.arange(run.n_samples)
        design = [fe.fmri.convolve_hrf(activity, run.sfreq), run.data[20:], np.ones((1, len(t)))]
        design += [np.cos(np.pi * k * (t + 0.5) / len(t))[None] for k in range(1, 7)]
        found.append(np.linalg.lstsq(np.vstack(design).T, run.data[:20].T, rcond=None)[0][:4])
    found = np.mean(found, axis=0)
    for k, name in enumerate(truth.emotions):
        wanted = truth.loadings["S01"][k]
        if name == "neutral":
            assert not wanted.any()
            assert np.abs(found[k]).max() < 0.6
        else:
            assert np.corrcoef(found[k], wanted)[0, 1] > 0.9
            assert np.sqrt((wanted**2).mean()) == pytest.approx(1)


def test_pairs_go_together_while_their_emotion_lasts():
    recordings, truth = simulate_bold(
        1, 12, effect=0.0, drift=0.0, motion=0.0, coupling=0.8, block_length=40, tr=1.0
    )
    x = np.concatenate([r.data[:20] for r in recordings], axis=1) - 100
    a = np.concatenate(truth.activity, axis=1)
    assert abs(np.mean(x[:, 1:] * x[:, :-1]) - 0.4) < 0.05
    np.testing.assert_allclose(x.std(axis=1), 1, atol=0.06)
    for k, name in enumerate(truth.emotions):
        late = np.convolve(a[k], np.ones(12) / 12)[: a.shape[1]] > 0.95
        for i, j in truth.couplings[name]:
            together, apart = (
                np.corrcoef(x[[i, j]][:, late])[0, 1],
                np.corrcoef(x[[i, j]][:, a.sum(axis=0) < 0.01])[0, 1],
            )
            assert together > 0.6
            assert together > apart + 0.3


def test_everything_follows_from_the_seed():
    one, truth = simulate_bold(1, 2, seed=3)
    both, _ = simulate_bold(2, 2, seed=3)
    assert one == both[:2]
    assert simulate_bold(1, 2, seed=4)[0] != one
    assert [r.session for r in both] == [1, 2, 1, 2]
    assert one[0].unit == "1"
    assert one[0].ch_names[-6:] == tuple(MOTION)
    assert all(activity.shape == (4, one[0].n_samples) for activity in truth.activity)
    assert {len(e.label) > 0 for e in one[0].events} == {True}
    jerks = np.abs(np.diff(one[0].data[20:], axis=1)).max(axis=0)
    assert all(jerks[max(0, i - 1)] > np.median(jerks) for i in truth.spikes[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_runs": 0}, "n_runs must be"), ({"n_regions": 1}, "n_regions must be"), ({"tr": 0}, "tr must be"),
        ({"coupling": 1.0}, "coupling must be"), ({"spikes": -1}, "spikes must be"), ({"effect": -1}, "effect must be"),
        ({"emotions": ("joy", "joy")}, "distinct"), ({"emotions": "joy"}, "distinct"),
    ],
)  # fmt: skip
def test_bad_arguments_in_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        simulate_bold(**options)
