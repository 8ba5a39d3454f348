"""Connectivity between groups of channels, against mne-connectivity."""

import re

import numpy as np
import pytest

from fastemo.connectivity import GROUPED, group_connectivity

SFREQ = 200.0
GROUPS = {"a": [0, 1, 2], "b": [3, 4], "c": [5, 6, 7, 8]}
BANDS = {"alpha": (8, 13), "beta": (13, 30)}


def epochs(n_epochs=20, n=200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_epochs, 9, n + 5))
    x[:, 3, 5:] += 1.5 * x[:, 0, :-5]
    x[:, 5, 2:] += x[:, 4, :-2]
    mixed = np.kron(np.eye(3), np.ones((3, 3))) * 0.3 + np.eye(9)
    return mixed @ x[..., 5:]


@pytest.mark.parametrize("mode", ["multitaper", "fourier"])
def test_the_toolbox_agrees(mode):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    ours = group_connectivity(x, SFREQ, GROUPS, fmin=8, fmax=30, methods=GROUPED, mode=mode, faverage=False)
    members = [*GROUPS.values()]
    indices = ([members[i] for i in ours.seeds], [members[j] for j in ours.targets])
    for m in GROUPED:
        theirs = peer.spectral_connectivity_epochs(
            x, method=m, indices=indices, sfreq=SFREQ, mode=mode, fmin=8, fmax=30, verbose="error"
        )
        # Signs and phases of theirs are those of the eigenvectors at hand.
        expected = np.abs(theirs.get_data())
        np.testing.assert_allclose(ours[m], expected, rtol=1e-6, atol=1e-8, err_msg=m)
    np.testing.assert_allclose(ours.freqs, theirs.freqs)


def test_bands_are_means_of_bins():
    x = epochs()
    by_bin = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=GROUPED, faverage=False)
    by_band = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=GROUPED)
    inside = (by_bin.freqs >= 13) & (by_bin.freqs < 30)
    for m in GROUPED:
        np.testing.assert_allclose(by_band[m][:, 1], by_bin[m][:, inside].mean(axis=1), rtol=1e-12)
    assert by_band.bands == ("alpha", "beta")
    assert by_band.ch_names == ("a", "b", "c")


def test_mixing_within_a_group_changes_nothing():
    x = epochs()
    mixed = x.copy()
    mixed[:, :3] = np.array([[1, 2, 0], [0, 1, 3], [1, 0, 1]]) @ x[:, :3]
    mixed[:, 3:5] *= 1e5
    one, two = (group_connectivity(s, SFREQ, GROUPS, BANDS, methods=GROUPED) for s in (x, mixed))
    for m in GROUPED:
        np.testing.assert_allclose(one[m], two[m], rtol=1e-6)


def test_what_is_related_stands_out():
    result = group_connectivity(epochs(), SFREQ, GROUPS, BANDS, methods=GROUPED)
    for m in GROUPED:
        dense = result.dense(m)[..., 1]
        assert dense[0, 1] > 1.5 * dense[0, 2]
    assert (result["cacoh"] >= result["mic"] - 1e-12).all()
    assert (result["cacoh"] <= 1 + 1e-12).all()
    assert (result["mim"] >= result["mic"] ** 2 - 1e-12).all()


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        ({"a": [0]}, {}, "at least two names"),
        ({"a": [0, 1], "b": [1, 2]}, {}, "share channel 1"),
        ({"a": [0, 0], "b": [1]}, {}, "different channels"),
        ({"a": [0, 9], "b": [1]}, {}, "from 0 to 8"),
        ({"a": [], "b": [1]}, {}, "a sequence of channel numbers"),
        (GROUPS, {"methods": "mick"}, "did you mean 'mic'"),
        (GROUPS, {"methods": ()}, "methods is empty"),
        (GROUPS, {"mode": "fourier", "mt_bandwidth": 4}, "no meaning"),
        (GROUPS, {"indices": ([0], [3])}, "from 0 to 2"),
        (GROUPS, {"bands": {"x": (8.1, 8.3)}}, "use a window of at least"),
    ],
)
def test_bad_arguments(groups, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        group_connectivity(epochs(), SFREQ, groups, **{"bands": BANDS, **options})


@pytest.mark.filterwarnings("ignore:.*independent observations")
def test_bad_signals():
    x = epochs()
    x[:, 1] = x[:, 0] + x[:, 2]
    with pytest.raises(ValueError, match="channels of group 'a' are copies or sums"):
        group_connectivity(x, SFREQ, GROUPS, BANDS)
    with pytest.raises(ValueError, match="group 'a' has 3 channels and x gives 3 observations"):
        group_connectivity(epochs(3), SFREQ, GROUPS, BANDS, mode="fourier")
