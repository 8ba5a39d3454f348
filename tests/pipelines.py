"""Recordings and pipelines that tests of the pipeline share."""

import numpy as np

import fastemo as fe

SFREQ, CH = 100, ["F3", "F4", "O1"]
BANDS = {"theta": (4, 8), "alpha": (8, 13)}
GAINS = {"calm": (1.0, 1.0, 2.0), "joy": (2.0, 1.0, 1.0), "fear": (1.0, 2.0, 1.0)}


def recording(label, seconds=8, seed=0, gain=1.0, **known):
    rng = np.random.default_rng(seed)
    scale = np.array(GAINS.get(label, (1.0, 1.0, 1.0)))[:, None]
    data = 5 * gain * scale * rng.standard_normal((3, round(seconds * SFREQ)))
    return fe.Recording(data, SFREQ, CH, label=label, **known)


def recordings(labels=("calm", "joy"), n=4, **known):
    return [recording(label, seed=10 * i + k, **known) for i in range(n) for k, label in enumerate(labels)]


def stages(*after, baseline=False, hop=0.5):
    ahead = [fe.HighPass(2), fe.Window(1, hop=hop), fe.DifferentialEntropy(BANDS)]
    return [*ahead, fe.Standardize(baseline), *(after or [fe.LDA()])]


def pipeline(*after, **params):
    return fe.Pipeline(stages(*after), **params)


def assert_same(a, b):
    """Two tables of predictions, equal to the bit; NaN is NaN."""
    assert a.dtype == b.dtype
    for name in a.dtype.names:
        if a.dtype[name].kind == "O":
            assert a[name].tolist() == b[name].tolist()
        else:
            np.testing.assert_array_equal(a[name], b[name])


def people():
    """Three people whose signals differ in size, each with a baseline and two labelled recordings."""
    recs = []
    for i, gain in enumerate((0.3, 1.0, 3.0)):
        who = f"s{i}"
        recs += [recording("rest", seed=100 + i, gain=gain, subject=who, role="baseline")]
        recs += [recording(c, seed=7 * i + k, gain=gain, subject=who) for k, c in enumerate(["calm", "joy"])]
    return recs
