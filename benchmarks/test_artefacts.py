"""Artifact subspace reconstruction against meegkit: 32 channels, chunks of 25 samples at 250 Hz, artefacts and all."""

import numpy as np
import pytest

import fastemo as fe

SFREQ, CHUNK = 250.0, 25


@pytest.fixture(scope="module")
def signals():
    """A calm minute, and a minute with a burst every six seconds."""
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((32, 32)) + 2 * np.eye(32)
    sources = rng.standard_normal((32, 30_000))
    rest, x = (mix @ sources).reshape(32, 2, 15_000).swapaxes(0, 1)
    x = x.copy()
    for start in range(500, 14_000, 1500):
        x[:, start : start + 150] += 60 * rng.standard_normal((32, 1)) * np.hanning(150)
    return rest, x


def chunks(x):
    """Endless chunks, each a contiguous array as sources give them."""
    cut = [np.ascontiguousarray(x[:, i : i + CHUNK]) for i in range(0, x.shape[1], CHUNK)]
    while True:
        yield from cut


def test_asr_same_settings(versus, signals):
    """meegkit told to look at each chunk alone, which spares it its means of covariances."""
    peer = pytest.importorskip("meegkit.asr")
    from scipy.signal import tf2sos

    rest, x = signals
    theirs = peer.ASR(sfreq=SFREQ, cutoff=20, method="euclid", estimator="scm", memory=CHUNK)
    theirs.fit(rest)
    shaping = tf2sos(theirs.ab_[1], theirs.ab_[0])
    ours = fe.artefacts.ASR(SFREQ, 20, window=0.1, hop=0.1, lookahead=0.1, shaping=shaping)
    mixing = theirs.state_["M"]
    ours.set_state(fe.artefacts.AsrState(mixing @ mixing, theirs.state_["T"], np.ones(1, bool)))
    source = chunks(x)
    expected = np.hstack([theirs.transform(next(source)) for _ in range(600)])
    np.testing.assert_allclose(ours.process(x)[:, 50:], expected[:, 25:-25], rtol=0, atol=1e-6)

    mine, source = chunks(x), chunks(x)
    versus(
        "ASR, 32 channels, chunks of 25, each judged alone",
        lambda: ours.process(next(mine)),
        meegkit=(lambda: theirs.transform(next(source)), 5),
    )


def test_asr(versus, signals):
    peer = pytest.importorskip("meegkit.asr")
    rest, x = signals
    theirs = peer.ASR(sfreq=SFREQ, cutoff=20, method="euclid", estimator="scm")
    theirs.fit(rest)
    ours = fe.artefacts.ASR(SFREQ, 20).fit(rest)
    calm = slice(1000, 1900)
    np.testing.assert_array_equal(ours.transform(rest)[:, calm], rest[:, calm])
    assert np.abs(ours.transform(x)).max() < np.abs(x).max() / 2
    mine, source = chunks(x), chunks(x)
    versus(
        "ASR, 32 channels, chunks of 25, defaults of both",
        lambda: ours.process(next(mine)),
        meegkit=(lambda: theirs.transform(next(source)), 25),
    )


def test_asr_calibration(versus, signals):
    peer = pytest.importorskip("meegkit.asr")
    rest, _ = signals
    ours, theirs = (
        fe.artefacts.ASR(SFREQ, 20),
        peer.ASR(sfreq=SFREQ, cutoff=20, method="euclid", estimator="scm"),
    )
    versus(
        "ASR calibration, 32 channels x 60 s",
        lambda: ours.fit(rest),
        rounds=5,
        meegkit=(lambda: theirs.fit(rest), 2),
    )


def test_interpolate_bads(versus):
    mne = pytest.importorskip("mne")
    from fastemo.montage import MONTAGES, electrode_positions

    names = list(MONTAGES["32"])
    x = np.random.default_rng(0).standard_normal((32, 15_000))
    place = dict(zip(names, electrode_positions(names) * 0.095, strict=True))
    info = mne.create_info(names, SFREQ, "eeg")
    info.set_montage(mne.channels.make_dig_montage(place, coord_frame="head"))
    info["bads"] = ["T7", "Fz"]
    raw = mne.io.RawArray(x, info, verbose="error")

    def theirs():
        return (
            raw.copy().interpolate_bads(reset_bads=False, origin=(0.0, 0.0, 0.0), verbose="error").get_data()
        )

    np.testing.assert_allclose(fe.artefacts.interpolate_bads(x, names, ["T7", "Fz"]), theirs(), atol=1e-9)
    versus(
        "spherical splines, 2 of 32 channels x 60 s",
        lambda: fe.artefacts.interpolate_bads(x, names, ["T7", "Fz"]),
        mne=(theirs, 1),
    )
