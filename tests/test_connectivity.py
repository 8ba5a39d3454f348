"""Connectivity: the toolbox's definitions, the reference's values, and clear answers to what cannot be measured."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastemo as fe
from fastemo._backend import core
from fastemo.connectivity import METHODS, connectivity
from fastemo.reference.connectivity import MEASURES

SFREQ = 250.0
BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}
ONE_PER_OBSERVATION = [m for m in METHODS if m not in ("coh", "cohy", "imcoh", "psi")]
needs_core = pytest.mark.skipif(core is None, reason="the compiled core is not built")


def epochs(n_epochs=12, n_channels=5, n=500, seed=0):
    """Noise that shares something, some of it delayed."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_epochs, n_channels, n + 10))
    shared = rng.standard_normal((n_epochs, n + 10))
    for c in range(n_channels):
        x[:, c] += 0.8 * np.roll(shared, c, axis=-1)
    return x[..., 10:]


@pytest.mark.parametrize("mode", ["multitaper", "fourier"])
@pytest.mark.parametrize("faverage", [True, False])
def test_the_toolbox_agrees(mode, faverage):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    fmin, fmax = (4.0, 8.0, 13.0), (8.0, 13.0, 30.0)
    methods = [m for m in METHODS if m != "psi"]
    ours = connectivity(x, SFREQ, fmin=fmin, fmax=fmax, methods=methods, mode=mode, faverage=faverage)
    theirs = peer.spectral_connectivity_epochs(
        x, method=methods, sfreq=SFREQ, mode=mode, fmin=fmin, fmax=fmax, faverage=faverage, verbose="error"
    )
    for m, result in zip(methods, theirs):
        expected = result.get_data("dense")[ours.seeds, ours.targets]
        # Two orders of the same sums and another FFT; the debiased forms divide by differences.
        np.testing.assert_allclose(ours[m], expected, rtol=1e-9, atol=1e-11, err_msg=m)
    np.testing.assert_allclose(ours.freqs, theirs[0].freqs)


@pytest.mark.parametrize("mode", ["multitaper", "fourier"])
def test_the_toolbox_agrees_on_the_phase_slope(mode):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    fmin, fmax = (4.0, 8.2), (8.0, 13.0)
    ours = connectivity(x, SFREQ, fmin=fmin, fmax=fmax, methods="psi", mode=mode)
    theirs = peer.phase_slope_index(x, sfreq=SFREQ, mode=mode, fmin=fmin, fmax=fmax, verbose="error")
    expected = theirs.get_data("dense")[ours.seeds, ours.targets]
    np.testing.assert_allclose(ours["psi"], expected, rtol=1e-10, atol=1e-12)


def test_the_toolbox_agrees_on_seeds_and_targets_and_on_the_bandwidth():
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    indices = ([3, 0, 3, 1], [0, 4, 1, 3])
    ours = connectivity(
        x, SFREQ, fmin=6, fmax=20, methods=["imcoh", "dpli"], indices=indices, mt_bandwidth=3.0
    )
    theirs = peer.spectral_connectivity_epochs(
        x, method=["imcoh", "dpli"], sfreq=SFREQ, fmin=6, fmax=20, indices=indices, faverage=True,
        mt_bandwidth=3.0, verbose="error",
    )  # fmt: skip
    for m, result in zip(("imcoh", "dpli"), theirs):
        np.testing.assert_allclose(ours[m], result.get_data(), rtol=1e-10, atol=1e-12)


def test_one_epoch_over_tapers_is_the_toolbox_s_coherence():
    peer = pytest.importorskip("mne_connectivity")
    x = epochs(1)
    with pytest.warns(RuntimeWarning, match=r"rest on 7 independent observations \(tapers\)"):
        ours = connectivity(x[0], SFREQ, fmin=8, fmax=13, methods=["coh", "plv"], observations="tapers")
    theirs = peer.spectral_connectivity_epochs(
        x, method="coh", sfreq=SFREQ, fmin=8, fmax=13, faverage=True, verbose="error"
    )
    expected = theirs.get_data("dense")[ours.seeds, ours.targets]
    np.testing.assert_allclose(ours["coh"], expected, rtol=1e-10)
    assert (ours["plv"] < 1).all()
    assert ours.n_observations == {"coh": 7, "plv": 7}


def test_segments_are_epochs_of_their_own():
    x = epochs(2, n=1000)
    cut = np.stack([x[e, :, k : k + 200] for e in range(2) for k in range(0, 801, 100)])
    ours = connectivity(
        x, SFREQ, {"beta": (13, 30)}, methods=METHODS, mode="fourier", observations="segments", nperseg=200
    )
    same = connectivity(cut, SFREQ, {"beta": (13, 30)}, methods=METHODS, mode="fourier")
    for m in METHODS:
        np.testing.assert_array_equal(ours[m], same[m])
    # Half-overlapping Hann segments share little: 18 of them count for about 17.
    assert 16 < ours.n_observations["plv"] < 18
    assert same.n_observations["plv"] == 18


@needs_core
@pytest.mark.parametrize("n_channels", [2, 7, 8, 9, 19, 62])
@pytest.mark.parametrize(("n_observations", "n_tapers"), [(2, 1), (5, 1), (4, 3)])
def test_core_and_reference_agree(n_channels, n_observations, n_tapers):
    from fastemo.reference import cross_spectra, tapered_spectra

    rng = np.random.default_rng(n_channels)
    x = rng.standard_normal((n_observations, n_channels, 90))
    tapers = rng.standard_normal((n_tapers, 90))
    spectra = core.tapered_spectra(x, tapers, 3, 20)
    expected = tapered_spectra(x, tapers, 3, 20)
    np.testing.assert_allclose(
        spectra[..., :n_channels], expected[..., :n_channels], rtol=0, atol=1e-12 * np.abs(expected).max()
    )
    assert core.tapered_spectra(x.astype(np.float32), tapers, 3, 20).shape == spectra.shape

    bands = np.array([[0, 5, 1, 5], [5, 17, 5, 17], [3, 4, 3, 4]])
    rows = np.arange(1, n_channels)
    for measures in (1, 0b111, 1 << 9, 0b1000, (1 << 12) - 1):
        ours = core.cross_spectra(spectra, bands, rows, rows, measures)
        truth = cross_spectra(spectra, bands, rows, rows, measures)
        assert ours.shape == truth.shape
        inside = np.arange(spectra.shape[-1]) < rows[:, None]
        # ciplv, ppc and the debiased wPLI divide small differences by small ones.
        np.testing.assert_allclose(ours[:, :, inside], truth[:, :, inside], rtol=1e-9, atol=1e-11)


@needs_core
@pytest.mark.parametrize("n_channels", [2, 7, 8, 9, 19, 70])
@pytest.mark.parametrize(("n_observations", "n_tapers"), [(1, 5), (6, 1), (4, 3)])
def test_measures_of_all_pairs_are_the_reference(n_channels, n_observations, n_tapers):
    """Without the spectra in between; of 70 channels the second signals of coherence come in two parts."""
    from fastemo.reference import tapered_measures

    rng = np.random.default_rng(n_channels)
    x, tapers = rng.standard_normal((n_observations, n_channels, 90)), rng.standard_normal((n_tapers, 90))
    x[:, 0] += 0.5 * x[:, -1]
    bands = np.array([[3, 8, 4, 8], [8, 20, 8, 20], [7, 9, 7, 9]])
    for measures, apart in ((1, False), (1, True), (0b111, False), (1 << 9, False), (0b1000, True)):
        ours = core.tapered_measures(x, tapers, bands, measures, apart)
        truth = tapered_measures(x, tapers, bands, measures, apart)
        np.testing.assert_allclose(ours, truth, rtol=1e-9, atol=1e-11)
        np.testing.assert_array_equal(core.tapered_measures(x, tapers, bands, measures, apart, 3), ours)
        turned = np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2)
        np.testing.assert_array_equal(core.tapered_measures(turned, tapers, bands, measures, apart), ours)
    for module in (core, fe.reference):
        assert module.tapered_measures(np.where(x == x[-1, -1, 7], np.nan, x), tapers, bands, 1) is None
        assert module.tapered_measures(np.where(x == x[0, 0, 0], np.inf, x), tapers, bands, 0b10) is None


@needs_core
def test_coherence_of_copies_and_of_nothing():
    """Copies have 1 to rounding, whatever their scale; a channel without power has 0."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 10, 64))
    x[:, 3], x[:, 9], x[:, 5] = 1e-60 * x[:, 1], -1e60 * x[:, 1], 0
    coherence = np.zeros((10, 10))
    coherence[np.tril_indices(10, -1)] = core.tapered_measures(
        x, np.ones((1, 64)), np.array([[3, 9, 3, 9]]), 1
    )
    assert abs(coherence[[3, 9, 9], [1, 1, 3]] - 1).max() < 1e-14
    assert (coherence[5, :5] == 0).all()
    assert (coherence[6:, 5] == 0).all()


@needs_core
def test_without_the_core_results_are_the_same(monkeypatch):
    x = epochs()
    ours = connectivity(x, SFREQ, BANDS, methods=METHODS)
    from fastemo import reference
    from fastemo.connectivity import spectral_measures

    monkeypatch.setattr(spectral_measures, "resolve", lambda name: getattr(reference, name))
    plain = connectivity(x, SFREQ, BANDS, methods=METHODS)
    for m in METHODS:
        np.testing.assert_allclose(ours[m], plain[m], rtol=1e-9, atol=1e-11)


def test_names_are_those_of_the_kernels():
    assert METHODS == MEASURES


def test_asked_together_or_alone_is_the_same():
    x = epochs()
    together = connectivity(x, SFREQ, BANDS, methods=METHODS)
    for m in METHODS:
        alone = connectivity(x, SFREQ, BANDS, methods=m)
        np.testing.assert_allclose(alone[m], together[m], rtol=1e-12, atol=1e-14)


@needs_core
@settings(max_examples=20)
@given(st.integers(2, 40), st.integers(2, 6), st.integers(0, 1000), st.integers(2, 4))
def test_threads_layout_and_order_of_channels_change_nothing(n_channels, n_epochs, seed, threads):
    x = epochs(n_epochs, n_channels, 250, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = connectivity(x, SFREQ, BANDS, methods=METHODS)
        shared = connectivity(np.asfortranarray(x), SFREQ, BANDS, methods=METHODS, threads=threads)
        turned = connectivity(x[:, ::-1], SFREQ, BANDS, methods=METHODS)
    for m in METHODS:
        np.testing.assert_array_equal(result[m], shared[m])
        there = turned.dense(m)[::-1, ::-1]
        np.testing.assert_allclose(there, result.dense(m), rtol=1e-9, atol=1e-10)


def test_scaling_a_channel_changes_nothing_and_bounds_hold():
    x = epochs()
    scaled = x * np.array([1, 1e-3, 50, 1e4, 7])[None, :, None]
    one, two = (connectivity(s, SFREQ, BANDS, methods=METHODS) for s in (x, scaled))
    for m in METHODS:
        np.testing.assert_allclose(one[m], two[m], rtol=1e-9, atol=1e-10)
    for m in ("coh", "plv", "pli", "dpli", "wpli"):
        assert (one[m] >= 0).all()
        assert (one[m] <= 1 + 1e-12).all()
    assert (np.abs(one["imcoh"]) <= one["coh"] + 1e-12).all()


def test_copies_of_a_channel_have_no_imaginary_part():
    x = epochs()
    x[:, 3] = x[:, 1]
    for mode in ("multitaper", "fourier"):
        result = connectivity(x, SFREQ, BANDS, methods=METHODS, mode=mode)
        for m in ("imcoh", "ciplv", "pli", "wpli", "wpli2_debiased"):
            assert (result.dense(m)[3, 1] == 0).all(), m
        np.testing.assert_allclose(result.dense("dpli")[3, 1], 0.5, rtol=1e-15)
        np.testing.assert_allclose(result.dense("coh")[3, 1], 1, rtol=1e-12)
        np.testing.assert_allclose(result.dense("plv")[3, 1], 1, rtol=1e-12)


def test_a_lag_has_its_sign():
    """The second channel follows the first by 8 ms: the first leads."""
    rng = np.random.default_rng(0)
    source = rng.standard_normal((30, 502))
    x = np.stack([source[:, 2:], source[:, :-2]], axis=1) + 0.1 * rng.standard_normal((30, 2, 500))
    result = connectivity(x, SFREQ, {"alpha": (8, 13)}, methods=["psi", "dpli", "imcoh"], indices=([0], [1]))
    assert result["psi"] > 0
    assert result["dpli"] > 0.9
    assert result["imcoh"] > 0
    other = connectivity(x, SFREQ, {"alpha": (8, 13)}, methods=["psi", "dpli", "imcoh"])
    for m in result:
        np.testing.assert_allclose(other.dense(m)[0, 1], result[m][0], rtol=1e-12)


def test_unrelated_signals_have_the_bias_that_the_warning_names():
    x = np.random.default_rng(0).standard_normal((9, 40, 250))
    with pytest.warns(RuntimeWarning, match=re.escape("are about 0.30 there")):
        result = connectivity(x, SFREQ, {"beta": (13, 30)}, methods=["plv", "ppc"], mode="fourier")
    assert abs(result["plv"].mean() - np.sqrt(np.pi / 36)) < 0.01
    assert abs(result["ppc"].mean()) < 0.01


@pytest.mark.parametrize("method", ONE_PER_OBSERVATION)
def test_one_observation_is_refused(method):
    with pytest.raises(ValueError, match=f"{method} would rest on one observation"):
        connectivity(epochs(1), SFREQ, BANDS, methods=method)


def test_one_epoch_under_one_taper_is_refused():
    with pytest.raises(ValueError, match='or observations="segments" with nperseg='):
        connectivity(epochs(1), SFREQ, BANDS, methods="coh", mode="fourier")


X = epochs(12, 3)
BAD = {
    "unknown method": ({"methods": "cohh"}, ValueError, "did you mean 'coh'"),
    "no method": ({"methods": []}, ValueError, "methods is empty"),
    "narrow band": ({"bands": {"x": (8.1, 8.3)}}, ValueError, "use a window of at least 5 s"),
    "narrow limits": ({"bands": None, "fmin": 8.1, "fmax": 8.3}, ValueError, "use at least 5 s"),
    "one bin for psi": ({"bands": {"x": (8, 9)}, "methods": "psi"}, ValueError, "needs two bins inside the band 'x'"),
    "psi by bin": ({"methods": "psi", "faverage": False}, ValueError, "needs faverage=True"),
    "no band": ({"bands": None}, ValueError, "pass bands, or fmin and fmax"),
    "both": ({"fmin": 4, "fmax": 8}, ValueError, "pass bands, or fmin and fmax"),
    "half": ({"bands": None, "fmin": 4}, ValueError, "needed together"),
    "beyond Nyquist": ({"bands": None, "fmin": 4, "fmax": 126}, ValueError, "fmax <= 125 Hz"),
    "seed out of range": ({"indices": ([3], [0])}, ValueError, "the seeds in indices must be from 0 to 2"),
    "negative target": ({"indices": ([0], [-1])}, ValueError, "the targets in indices must be from 0 to 2"),
    "uneven indices": ({"indices": ([0, 1], [2])}, ValueError, "2 seeds and 1 targets"),
    "no indices": ({"indices": 5}, ValueError, "must be two sequences"),
    "bandwidth of fourier": ({"mode": "fourier", "mt_bandwidth": 4}, ValueError, "has no meaning for mode='fourier'"),
    "narrow bandwidth": ({"mt_bandwidth": 0.1}, ValueError, "mt_bandwidth must be at least one bin"),
    "nperseg of epochs": ({"nperseg": 100}, ValueError, "no meaning for observations='epochs'"),
    "nperseg missing": ({"observations": "segments"}, ValueError, "nperseg must be from 2 to the 500 samples"),
    "names": ({"ch_names": ["a"]}, ValueError, "ch_names has 1 names, but x has 3 channels"),
    "threads": ({"threads": 0}, ValueError, "threads must be a whole number"),
    "mode": ({"mode": "cwt"}, ValueError, "mode must be one of"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_arguments(case):
    options, error, message = BAD[case]
    with pytest.raises(error, match=re.escape(message)):
        connectivity(X, SFREQ, **{"bands": BANDS, **options})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x[:, :1], ValueError, "x has 1 channel"),
        (lambda x: x[0, 0], ValueError, "x must have shape"),
        (lambda x: x + 1j, TypeError, "real numbers"),
        (lambda x: np.ma.masked_array(x), TypeError, "masked array"),
    ],
)
def test_bad_arrays(change, error, message):
    with pytest.raises(error, match=message):
        connectivity(change(X), SFREQ, BANDS)


def test_bad_channels_are_named():
    x = X.copy()
    x[4, 1, 77] = np.nan
    with pytest.raises(
        ValueError, match=r"1 NaN or infinite values, the first in channel 'Cz' of observation 4"
    ):
        connectivity(x, SFREQ, BANDS, ch_names=["Fz", "Cz", "Pz"])
    x[4, 1] = 0.1
    with pytest.raises(ValueError, match="channel 'Cz' is flat in observation 4"):
        connectivity(x, SFREQ, BANDS, ch_names=["Fz", "Cz", "Pz"])
    # A channel that is in no pair does not matter.
    connectivity(x, SFREQ, BANDS, indices=([0], [2]))


def test_the_result_knows_what_it_holds():
    result = connectivity(X, SFREQ, BANDS, methods=["coh", "cohy"], ch_names=["Fz", "Cz", "Pz"])
    assert result.methods == ("coh", "cohy")
    assert len(result) == 2
    assert result.bands == ("theta", "alpha", "beta")
    np.testing.assert_allclose(result.limits, [[4, 7.5], [8, 12.5], [13, 29.5]])
    dense = result.dense("cohy")
    np.testing.assert_array_equal(dense, dense.conj().swapaxes(0, 1))
    assert (np.diagonal(dense) == 0).all()
    with pytest.raises(KeyError, match="method must be one of coh, cohy"):
        result.dense()
    assert "3 pairs" in repr(result)


def test_the_result_becomes_an_xarray():
    pytest.importorskip("xarray")
    array = connectivity(X, SFREQ, BANDS, ch_names=["Fz", "Cz", "Pz"]).to_xarray()
    assert float(array.sel(seed="Fz", target="Pz", freq=10.25)) > 0
    assert array.attrs["n_observations"] == 84
    both = connectivity(X, SFREQ, BANDS, methods=["coh", "imcoh"], ch_names=["Fz", "Cz", "Pz"]).to_xarray()
    assert float(both["imcoh"].sel(seed="Fz", target="Pz", freq=10.25)) != 0
    np.testing.assert_allclose(both["coh"], array, rtol=0, atol=1e-14)  # alone, it is summed in another way


def test_it_is_found_from_the_top():
    assert fe.connectivity.connectivity is connectivity


@needs_core
def test_the_core_refuses_what_does_not_fit():
    x, tapers = np.zeros((2, 3, 40)), np.ones((1, 40))
    for bad in (
        (x[0], tapers, 0, 5),
        (x, tapers[:, 1:], 0, 5),
        (x, tapers, 5, 5),
        (x, tapers, -1, 5),
        (x, tapers, 0, 22),
    ):
        with pytest.raises(ValueError, match=r"must have shape|bins"):
            core.tapered_spectra(*bad)
    spectra, bands, rows = np.ones((4, 2, 1, 2, 8)), np.array([[0, 4, 0, 4]]), np.arange(3)
    for bad in (
        (spectra[..., :7], bands, rows, rows, 1),
        (spectra, bands[:, :2], rows, rows, 1),
        (spectra, bands + 1, rows, rows, 1),
        (spectra, bands, rows, rows[1:], 1),
        (spectra, bands, rows + 6, rows, 1),
        (spectra, bands, rows, rows + 7, 1),
        (spectra, bands, rows, rows - 1, 1),
        (spectra, bands, rows, rows, 0),
        (spectra, bands, rows, rows, 1 << 12),
    ):
        with pytest.raises(
            ValueError, match=r"must have shape|expected 0 <= first|beyond the 8|no set of measures"
        ):
            core.cross_spectra(*bad)
    x, bands = np.ones((2, 3, 40)), np.array([[2, 4, 2, 4]])
    for bad in (
        (x[0], tapers, bands, 1),
        (x[:, :1], tapers, bands, 1),
        (x, tapers[:, 1:], bands, 1),
        (x, tapers, bands[:0], 1),
        (x, tapers, bands[:, :3], 1),
        (x, tapers, bands - 3, 1),
        (x, tapers, bands + 18, 1),
        (x, tapers, bands[:, ::-1], 1),
        (x, tapers, bands, 0),
        (x, tapers, bands, 1 << 12),
    ):
        with pytest.raises(
            ValueError,
            match=r"must have shape|1 channel|is empty|expected 0 <= first|not among|no set of measures",
        ):
            core.tapered_measures(*bad)
