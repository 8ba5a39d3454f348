"""Connectivity between groups of channels, against mne-connectivity."""

import re

import numpy as np
import pytest

from fastemo.connectivity import GROUPED, group_connectivity

SFREQ = 200.0
GROUPS = {"a": [0, 1, 2], "b": [3, 4], "c": [5, 6, 7, 8]}
BANDS = {"alpha": (8, 13), "beta": (13, 30)}
UNDIRECTED = ("cacoh", "mic", "mim")


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
    ours = group_connectivity(
        x, SFREQ, GROUPS, fmin=8, fmax=30, methods=UNDIRECTED, mode=mode, faverage=False
    )
    members = [*GROUPS.values()]
    indices = ([members[i] for i in ours.seeds], [members[j] for j in ours.targets])
    for m in UNDIRECTED:
        theirs = peer.spectral_connectivity_epochs(
            x, method=m, indices=indices, sfreq=SFREQ, mode=mode, fmin=8, fmax=30, verbose="error"
        )
        # Signs and phases of theirs are those of the eigenvectors at hand.
        expected = np.abs(theirs.get_data())
        np.testing.assert_allclose(ours[m], expected, rtol=1e-6, atol=1e-8, err_msg=m)
    np.testing.assert_allclose(ours.freqs, theirs.freqs)


@pytest.mark.parametrize("mode", ["multitaper", "fourier"])
@pytest.mark.parametrize("limits", [(8, 60), (5, 99.5), (0, 100)])
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_granger_causality_is_that_of_the_toolbox(mode, limits):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    options = {"fmin": limits[0], "fmax": limits[1], "mode": mode, "faverage": False}
    ours = group_connectivity(x, SFREQ, GROUPS, methods=("gc", "gc_tr"), n_lags=12, **options)
    assert [*zip(ours.seeds, ours.targets)] == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    members = [*GROUPS.values()]
    indices = ([members[i] for i in ours.seeds], [members[j] for j in ours.targets])
    for theirs in peer.spectral_connectivity_epochs(
        x, method=["gc", "gc_tr"], indices=indices, sfreq=SFREQ, gc_n_lags=12, verbose="error", **options
    ):
        np.testing.assert_allclose(ours[theirs.method], theirs.get_data(), rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(ours.freqs, theirs.freqs)


@pytest.mark.parametrize("rank", ["auto", {"a": 2}, {"a": 1, "b": 2, "c": 3}])
def test_the_toolbox_agrees_on_lower_ranks(rank):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    x[:, 1] = x[:, 0] + x[:, 2]
    options = {"fmin": 8, "fmax": 60, "mode": "fourier", "faverage": False}
    ours = group_connectivity(
        x, SFREQ, GROUPS, methods=GROUPED, n_lags=12, indices=([0, 1], [1, 2]), rank=rank, **options
    )
    theirs = peer.spectral_connectivity_epochs(
        x,
        method=list(GROUPED),
        indices=([[0, 1, 2], [3, 4]], [[3, 4], [5, 6, 7, 8]]),
        sfreq=SFREQ,
        gc_n_lags=12,
        rank=([rank["a"], rank.get("b", 2)], [rank.get("b", 2), rank.get("c", 4)])
        if rank != "auto"
        else None,
        verbose="error",
        **options,
    )
    for m in theirs:
        expected = np.abs(m.get_data())
        # Their ten steps do not always reach the largest coherence.
        rtol = 5e-3 if m.method == "cacoh" else 1e-6
        np.testing.assert_allclose(ours[m.method], expected, rtol=rtol, atol=1e-8)
        if m.method == "cacoh":
            assert (ours["cacoh"] > expected - 1e-8).all()


def test_the_toolbox_agrees_on_ranks_of_each_pair():
    """The same group with a rank of its own in each pair, and groups of unequal size."""
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    options = {"fmin": 8, "fmax": 60, "mode": "fourier", "faverage": False}
    rank = ([1, 3, 2], [2, 4, 1])
    ours = group_connectivity(
        x, SFREQ, GROUPS, methods=GROUPED, n_lags=12, indices=([0, 0, 0], [1, 2, 1]), rank=rank, **options
    )
    a, b, c = GROUPS.values()
    theirs = peer.spectral_connectivity_epochs(
        x, method=list(GROUPED), indices=([a, a, a], [b, c, b]), sfreq=SFREQ, gc_n_lags=12, rank=rank,
        verbose="error", **options,
    )  # fmt: skip
    for m in theirs:
        # Their ten steps do not always reach the largest coherence.
        rtol = 1e-2 if m.method == "cacoh" else 1e-6
        np.testing.assert_allclose(ours[m.method], np.abs(m.get_data()), rtol=rtol, atol=1e-8)
        assert (ours[m.method] > np.abs(m.get_data()) - 1e-8).all() or m.method != "cacoh"
    same = group_connectivity(x, SFREQ, GROUPS, BANDS, rank={"a": 2, "b": 1})
    by_pair = group_connectivity(x, SFREQ, GROUPS, BANDS, rank=([1, 4, 4], [2, 2, 1]))
    np.testing.assert_array_equal(same["mim"], by_pair["mim"])


def test_within_a_group():
    """Halved "mim" is the toolbox's; "mic" is the largest for any two combinations, theirs not always."""
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    x[:, 1, 4:] += x[:, 0, :-4]
    options = {"fmin": 8, "fmax": 60, "mode": "fourier", "faverage": False}
    pairs = ([0, 2, 0], [0, 2, 2])
    ours = group_connectivity(x, SFREQ, GROUPS, methods=("mim", "mic"), indices=pairs, **options)
    members = [*GROUPS.values()]
    theirs = peer.spectral_connectivity_epochs(
        x, method=["mim", "mic"], indices=tuple([members[g] for g in side] for side in pairs), sfreq=SFREQ,
        verbose="error", **options,
    )  # fmt: skip
    np.testing.assert_allclose(ours["mim"], theirs[0].get_data(), rtol=1e-6)
    assert (ours["mic"] > np.abs(theirs[1].get_data()) - 1e-9).all()
    assert ours.dense("mic")[0, 0].max() == ours["mic"][0].max()
    # The definition: whitened imaginary coherency, whose singular values come in pairs.
    z = np.fft.rfft((x - x.mean(-1, keepdims=True)) * np.hanning(x.shape[-1]))[:, :3, 8:61]
    c = np.einsum("eif,ejf->fij", z, z.conj()) / len(x)
    values, vectors = np.linalg.eigh(c.real)
    t = (vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2)
    sizes = np.linalg.svd((t @ c @ t).imag, compute_uv=False)
    np.testing.assert_allclose(ours["mic"][0], sizes[:, 0], rtol=1e-8)
    np.testing.assert_allclose(ours["mim"][0], np.sum(sizes**2, axis=1) / 2, rtol=1e-8)


def test_one_group_is_taken_with_itself():
    x = epochs()
    whole = group_connectivity(x, SFREQ, {"all": range(9)}, BANDS)
    assert (whole.seeds.tolist(), whole.targets.tolist()) == ([0], [0])
    # In any order of its channels.
    turned = group_connectivity(x, SFREQ, {"a": range(9), "b": range(8, -1, -1)}, BANDS)
    np.testing.assert_allclose(turned["mim"], whole["mim"], rtol=1e-9)
    # Of two channels it is their squared imaginary coherency, whitened.
    pair = group_connectivity(x, SFREQ, {"p": [0, 3]}, BANDS, methods=("mim", "mic"), faverage=False)
    np.testing.assert_allclose(pair["mim"], pair["mic"] ** 2, rtol=1e-9)


def test_groups_may_share_channels_where_only_delays_count():
    x = epochs()
    found = group_connectivity(x, SFREQ, {"a": [0, 1], "b": [1, 3]}, BANDS, methods=("mim", "mic"))
    assert (found["mic"] > 0).all()
    assert (found["mic"] <= 1).all()
    alone = group_connectivity(x, SFREQ, {"a": [1], "b": [1]}, BANDS, methods="mic")
    np.testing.assert_allclose(alone["mic"], 0, atol=1e-12)


def test_patterns_are_those_of_the_toolbox():
    """Up to sign; of "cacoh" up to its phase too, the last one tried there and not the best."""
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    options = {"fmin": 8, "fmax": 30, "faverage": False}
    indices = ([[0, 1, 2], [5, 6, 7, 8]], [[3, 4], [0, 1, 2]])
    ours = group_connectivity(x, SFREQ, GROUPS, methods=("mic", "cacoh"), indices=([0, 2], [1, 0]), **options)
    for theirs in peer.spectral_connectivity_epochs(
        x, method=["mic", "cacoh"], indices=indices, sfreq=SFREQ, verbose="error", **options
    ):
        mine = ours.patterns[theirs.method]
        given = np.array(theirs.attrs["patterns"], float)
        assert mine.shape == given.shape == (2, 2, 4, len(ours.freqs))
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(given))
        mine, given = np.nan_to_num(mine), np.nan_to_num(given)
        cosine = np.sum(mine * given, 2) / np.sqrt(np.sum(mine**2, 2) * np.sum(given**2, 2))
        assert (np.abs(cosine) > 1 - 1e-5).all()
        ratio = np.sum(mine**2, 2) / np.sum(given**2, 2)
        if theirs.method == "cacoh":  # weights of unit power: tapers' scale is another there
            ratio = ratio / ratio.mean()
        assert np.ptp(ratio) < 1e-4


def test_components_are_those_of_the_toolbox():
    """Values and, up to sign, patterns of all three components; theirs may stop a little short of the largest coherence."""
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    options = {"fmin": 8, "fmax": 30, "mode": "fourier", "faverage": False}
    pairs = ([0, 2], [2, 0])
    members = [*GROUPS.values()]
    indices = tuple([members[g] for g in side] for side in pairs)
    ours = group_connectivity(
        x, SFREQ, GROUPS, methods=("mic", "cacoh"), indices=pairs, n_components=None, **options
    )
    for theirs in peer.spectral_connectivity_epochs(
        x, method=["mic", "cacoh"], indices=indices, sfreq=SFREQ, n_components=3, verbose="error", **options
    ):
        mine, given = ours.components[theirs.method], np.abs(theirs.get_data())
        assert mine.shape == given.shape == (2, 3, len(ours.freqs))
        np.testing.assert_array_equal(mine[:, 0], ours[theirs.method])
        shown = np.nan_to_num(np.array(theirs.attrs["patterns"], float))
        own = np.nan_to_num(ours.patterns[theirs.method])
        assert own.shape == shown.shape == (2, 2, 3, 4, len(ours.freqs))
        cosine = np.abs(np.sum(own * shown, 3)) / np.sqrt(np.sum(own**2, 3) * np.sum(shown**2, 3))
        if theirs.method == "mic":
            np.testing.assert_allclose(mine, given, rtol=1e-6, atol=1e-9)
            # Theirs are eigenvectors of squares, the worse the smaller the value.
            assert np.median(cosine) > 1 - 1e-6
        else:
            # A component depends on those before it, and theirs are tried at ten phases.
            assert np.quantile(np.abs(mine - given), 0.8) < 1e-3
            assert np.median(cosine) > 1 - 1e-4


def test_one_component_is_the_first_of_several():
    x = epochs()
    several = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=UNDIRECTED, n_components=2)
    one = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=UNDIRECTED)
    assert one.components == {}
    assert set(several.components) == {"mic", "cacoh"}
    for m in UNDIRECTED:
        np.testing.assert_allclose(several[m], one[m], rtol=1e-12)
    for m in ("mic", "cacoh"):
        np.testing.assert_allclose(several.patterns[m][:, :, 0], one.patterns[m], rtol=1e-9, equal_nan=True)
        assert several.components[m].shape == (3, 2, 2)
    assert (several.components["mic"][:, 1] <= several.components["mic"][:, 0]).all()
    # All of "mic" together are "mim".
    whole = group_connectivity(
        x, SFREQ, {"a": [0, 1, 2], "c": [5, 6, 7]}, BANDS, methods=UNDIRECTED, n_components=3, faverage=False
    )
    np.testing.assert_allclose(np.sum(whole.components["mic"] ** 2, axis=1), whole["mim"], rtol=1e-9)


def test_the_pattern_of_a_band_is_that_of_its_strongest_bin():
    x = epochs()
    by_bin = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=("mic", "cacoh"), faverage=False)
    by_band = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=("mic", "cacoh"))
    inside = np.flatnonzero((by_bin.freqs >= 13) & (by_bin.freqs < 30))
    for m in ("mic", "cacoh"):
        for pair in range(3):
            best = inside[by_bin[m][pair, inside].argmax()]
            np.testing.assert_array_equal(
                by_band.patterns[m][:, pair, :, 1], by_bin.patterns[m][:, pair, :, best]
            )
    assert group_connectivity(x, SFREQ, GROUPS, BANDS, methods="mim").patterns == {}


def test_granger_causality_has_a_direction():
    x = epochs(40, 400)
    result = group_connectivity(
        x, SFREQ, GROUPS, BANDS, methods=("gc", "gc_tr", "mim"), n_lags=8, spectrum="whole"
    )
    gc, reverse = result.dense("gc")[..., 1], result.dense("gc_tr")[..., 1]
    assert gc[0, 1] > 4 * gc[1, 0]
    assert gc[1, 2] > 4 * gc[2, 1]
    # Reversed in time, who led follows.
    assert gc[0, 1] > reverse[0, 1]
    assert gc[1, 0] < reverse[1, 0]
    mim = result.dense("mim")
    np.testing.assert_allclose(mim, mim.swapaxes(0, 1), rtol=1e-9)
    one = group_connectivity(
        x, SFREQ, GROUPS, BANDS, methods="gc", n_lags=8, spectrum="whole", indices=([0], [1])
    )
    assert one.dense("gc")[1, 0, 0] == 0
    np.testing.assert_allclose(one["gc"], result["gc"][:1], rtol=1e-12)


def test_granger_causality_of_a_known_model():
    """The spectrum of y_t = a x_(t-1) + e: ln(1 + a^2 var(x) / var(e)) at every frequency."""
    from fastemo.connectivity.state_space import granger_spectra

    a = 0.8
    turn = np.exp(-1j * np.pi * np.linspace(0, 1, 65))
    h = np.zeros((65, 2, 2), complex)
    h[:, 0, 0] = h[:, 1, 1] = 1
    h[:, 1, 0] = a * turn
    noise = np.diag([2.0, 0.5])
    csd = h @ noise @ np.swapaxes(h.conj(), 1, 2)
    there, back = granger_spectra(csd, 1, 5)
    np.testing.assert_allclose(there, np.log(1 + a**2 * 2.0 / 0.5), rtol=1e-12)
    np.testing.assert_allclose(back, 0, atol=1e-12)


def test_bands_are_means_of_bins():
    x = epochs()
    by_bin = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=UNDIRECTED, faverage=False)
    by_band = group_connectivity(x, SFREQ, GROUPS, BANDS, methods=UNDIRECTED)
    inside = (by_bin.freqs >= 13) & (by_bin.freqs < 30)
    for m in UNDIRECTED:
        np.testing.assert_allclose(by_band[m][:, 1], by_bin[m][:, inside].mean(axis=1), rtol=1e-12)
    assert by_band.bands == ("alpha", "beta")
    assert by_band.ch_names == ("a", "b", "c")


def test_mixing_within_a_group_changes_nothing():
    x = epochs()
    mixed = x.copy()
    mixed[:, :3] = np.array([[1, 2, 0], [0, 1, 3], [1, 0, 1]]) @ x[:, :3]
    mixed[:, 3:5] *= 1e5
    one, two = (group_connectivity(s, SFREQ, GROUPS, BANDS, methods=UNDIRECTED) for s in (x, mixed))
    for m in UNDIRECTED:
        np.testing.assert_allclose(one[m], two[m], rtol=1e-6)


def test_what_is_related_stands_out():
    result = group_connectivity(epochs(), SFREQ, GROUPS, BANDS, methods=UNDIRECTED)
    for m in UNDIRECTED:
        dense = result.dense(m)[..., 1]
        assert dense[0, 1] > 1.5 * dense[0, 2]
    assert (result["cacoh"] >= result["mic"] - 1e-12).all()
    assert (result["cacoh"] <= 1 + 1e-12).all()
    assert (result["mim"] >= result["mic"] ** 2 - 1e-12).all()


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        ({}, {}, "groups must map names"),
        ({"a": [0]}, {}, "group 'a' has one channel, which does not interact with itself"),
        ({"a": [0, 1]}, {"methods": "gc"}, "name two"),
        ({"a": [0, 1], "b": [1, 2]}, {"methods": "cacoh"}, 'share channel 1, and "cacoh" is 1'),
        ({"a": [0, 1], "b": [1, 2]}, {"methods": ["mim", "gc"]}, "has no direction within a group"),
        (GROUPS, {"methods": "cacoh", "indices": ([0], [0])}, "group 'a' is paired with itself"),
        ({"a": [0, 0], "b": [1]}, {}, "different channels"),
        ({"a": [0, 9], "b": [1]}, {}, "from 0 to 8"),
        ({"a": [], "b": [1]}, {}, "a sequence of channel numbers"),
        (GROUPS, {"methods": "mick"}, "did you mean 'mic'"),
        (GROUPS, {"methods": ()}, "methods is empty"),
        (GROUPS, {"mode": "fourier", "mt_bandwidth": 4}, "no meaning"),
        (GROUPS, {"indices": ([0], [3])}, "must be from 0 to 2, the 3 groups, got 3"),
        (GROUPS, {"indices": 3}, "two sequences of group numbers or names, (seeds, targets), got 3"),
        (GROUPS, {"rank": ([1, 1], [1, 1, 1])}, "rank has 2 numbers for the seeds, but there are 3 pairs"),
        (
            GROUPS,
            {"rank": ([1, 1, 5], [1, 1, 1])},
            "rank of group 'c' must be from 1 to its 4 channels, got 5",
        ),
        (GROUPS, {"rank": ([[1]], [1])}, "two sequences"),
        (GROUPS, {"bands": {"x": (8.1, 8.3)}}, "use a window of at least"),
        (
            GROUPS,
            {"methods": "gc", "n_lags": 50},
            'n_lags is 50, but 22 bins tell of 41 lags: use spectrum="whole"',
        ),
        (GROUPS, {"methods": "gc", "n_lags": 0}, "n_lags must be a whole number of at least 1, got 0"),
        (GROUPS, {"methods": "gc", "n_lags": 300, "spectrum": "whole"}, "use epochs of at least 1.515 s"),
        (GROUPS, {"methods": "gc", "n_lags": 5, "bands": {"x": (4, 8), "y": (10, 13)}}, "gaps between"),
        (GROUPS, {"spectrum": "whole"}, 'no meaning without "gc"'),
        (GROUPS, {"spectrum": "all"}, "spectrum must be one of"),
        (
            GROUPS,
            {"methods": "mic", "n_components": 3},
            "n_components is 3, but the smallest group (or rank) has 2",
        ),
        (GROUPS, {"methods": "mic", "n_components": 0}, "n_components must be None or a whole number"),
        (GROUPS, {"methods": "mim", "n_components": 2}, 'has no meaning without "cacoh" or "mic"'),
        (GROUPS, {"rank": 2}, "a mapping of names of groups"),
        (GROUPS, {"rank": {"d": 2}}, "'d'"),
        (GROUPS, {"rank": {"a": 4}}, "rank of group 'a' must be from 1 to its 3 channels, got 4"),
        (GROUPS, {"rank": {"a": True}}, "rank of group 'a'"),
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
    with pytest.raises(ValueError, match="groups 'a' and 'b' are copies or sums of each other, or nearly so"):
        group_connectivity(x, SFREQ, GROUPS, BANDS, methods="gc", spectrum="whole", indices=([0], [1]))
    with pytest.raises(ValueError, match="group 'a' has 3 channels and x gives 3 observations"):
        group_connectivity(epochs(3), SFREQ, GROUPS, BANDS, mode="fourier")


def test_too_many_lags_are_warned_of():
    """20 epochs of 22 bins tell of 20 * 42 samples; 40 lags of 5 channels are 200 coefficients."""
    with pytest.warns(
        RuntimeWarning, match='"gc" fits 200 coefficients per channel to what 840 samples tell'
    ):
        group_connectivity(
            epochs(), SFREQ, {"a": [0, 1, 2], "b": [3, 4]}, fmin=8, fmax=29, methods="gc", n_lags=40
        )
