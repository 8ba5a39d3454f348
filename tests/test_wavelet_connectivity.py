"""Connectivity over time by Morlet wavelets, against mne-connectivity."""

import re

import numpy as np
import pytest

from fastemo._backend import core
from fastemo.connectivity import wavelet_connectivity
from fastemo.reference.connectivity import PER_SAMPLE

SFREQ = 200.0
BANDS = {"alpha": (8, 13), "beta": (13, 30)}


def epochs(n_epochs=1, n_channels=4, n=1200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_epochs, n_channels, n + 4))
    x[:, 1, 4:] += x[:, 0, :-4]
    return x[..., 4:]


@pytest.mark.parametrize("padding", [0.0, 0.5])
@pytest.mark.parametrize("decim", [1, 3])
def test_the_toolbox_agrees(padding, decim):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    freqs = np.arange(6.0, 32.0, 2)
    methods = [m for m in PER_SAMPLE if m != "dpli"]
    ours = wavelet_connectivity(
        x,
        SFREQ,
        fmin=(8, 14),
        fmax=(12, 30),
        freqs=freqs,
        methods=methods,
        faverage=False,
        padding=padding,
        decim=decim,
    )
    theirs = peer.spectral_connectivity_time(
        x, freqs, method=methods, sfreq=SFREQ, fmin=(8, 14), fmax=(12, 30), faverage=False, padding=padding, decim=decim,
        verbose="error",
    )  # fmt: skip
    for m, result in zip(methods, theirs):
        dense = result.get_data("dense")[0]
        expected = dense[ours.seeds, ours.targets]
        expected = expected[:, np.isin(np.round(result.freqs, 6), np.round(ours.freqs, 6))]
        found = ours[m]
        if m in ("imcoh", "cohy"):  # of which channel comes first
            found, expected = np.abs(found), np.abs(expected)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, err_msg=m)


def test_bands_are_means_of_their_frequencies():
    """The toolbox's own, as of 0.9, reach to twice the index of their last frequency."""
    x = epochs()
    by_frequency = wavelet_connectivity(x, SFREQ, BANDS, methods=PER_SAMPLE, faverage=False)
    by_band = wavelet_connectivity(x, SFREQ, BANDS, methods=PER_SAMPLE)
    np.testing.assert_array_equal(by_frequency.freqs, np.arange(8, 30))
    for m in PER_SAMPLE:
        np.testing.assert_allclose(
            by_band[m][:, 0], by_frequency[m][:, :5].mean(axis=1), rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(
            by_band[m][:, 1], by_frequency[m][:, 5:].mean(axis=1), rtol=1e-12, atol=1e-15
        )


def test_epochs_are_one_long_one():
    x = epochs(3)
    result = wavelet_connectivity(x, SFREQ, BANDS, methods=PER_SAMPLE)
    twice = wavelet_connectivity(np.concatenate([x, x]), SFREQ, BANDS, methods=PER_SAMPLE)
    for m in PER_SAMPLE:
        np.testing.assert_allclose(twice[m], result[m], rtol=1e-9, atol=1e-11)
    assert twice.n_observations["plv"] == pytest.approx(2 * result.n_observations["plv"])


def test_pairs_threads_and_layout():
    x = epochs(2, 9)
    result = wavelet_connectivity(x, SFREQ, BANDS, methods=PER_SAMPLE)
    shared = wavelet_connectivity(np.asfortranarray(x), SFREQ, BANDS, methods=PER_SAMPLE, threads=3)
    some = wavelet_connectivity(x, SFREQ, BANDS, methods=PER_SAMPLE, indices=([7, 0], [2, 1]))
    for m in PER_SAMPLE:
        np.testing.assert_array_equal(shared[m], result[m])
        np.testing.assert_allclose(some[m][0], result.dense(m)[7, 2], rtol=1e-12)
        np.testing.assert_allclose(some[m][1], result.dense(m)[0, 1], rtol=1e-9, atol=1e-12)


def test_a_lag_has_its_sign():
    result = wavelet_connectivity(epochs(4), SFREQ, BANDS, methods=["dpli", "imcoh"])
    assert result.dense("dpli")[0, 1].min() > 0.6
    assert result.dense("imcoh")[0, 1].min() > 0
    assert result.bands == ("alpha", "beta")
    np.testing.assert_array_equal(result.limits, [[8, 12], [13, 29]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": "ppc"}, "needs independent observations"),
        ({"methods": []}, "methods is empty"),
        ({"methods": "plw"}, "did you mean 'plv'"),
        ({"freqs": [40]}, "holds none of freqs"),
        ({"freqs": [0, 10]}, "freqs must be above 0"),
        ({"n_cycles": 0}, "n_cycles must be"),
        ({"n_cycles": 80}, "are shorter than the wavelet of 80 cycles at 8 Hz"),
        ({"padding": 3}, "leaves 0 samples"),
        ({"decim": 0}, "decim must be"),
        ({"bands": None}, "pass bands"),
        ({"indices": ([4], [0])}, "from 0 to 3"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wavelet_connectivity(epochs(), SFREQ, **{"bands": BANDS, **options})


def test_few_observations_are_said_and_bad_signals_refused():
    x = epochs()
    with pytest.warns(RuntimeWarning, match="rest on 8.1 independent observations at 8 Hz"):
        wavelet_connectivity(x[..., :400], SFREQ, BANDS, padding=0.0)
    x[0, 2, 7] = np.inf
    with pytest.raises(ValueError, match="1 NaN or infinite"):
        wavelet_connectivity(x, SFREQ, BANDS)


def test_copies_have_no_lag():
    x = epochs(2, 9)
    x[:, 8] = x[:, 1]
    result = wavelet_connectivity(x, SFREQ, BANDS, methods=PER_SAMPLE, decim=2)
    for m in PER_SAMPLE:
        value = {"coh": 1, "cohy": 1, "plv": 1, "dpli": 0.5}.get(m, 0)
        np.testing.assert_allclose(result.dense(m)[8, 1], value, rtol=1e-12, atol=0, err_msg=m)


@pytest.mark.skipif(core is None, reason="the compiled core is not built")
@pytest.mark.parametrize(
    "change",
    [
        {"x": np.ones((3, 50))},
        {"x": np.ones((1, 1, 50))},
        {"n_fft": 49},
        {"n_fft": 66},
        {"even": np.ones(33)},
        {"odd": np.ones((1, 33))},
        {"odd": np.ones((2, 32))},
        {"decim": 0},
        {"decim": 60},
        {"first": -1},
        {"first": 8},
        {"stop": 18},
        {"measures": 0},
        {"measures": 1 << 5},
    ],
)
def test_the_core_refuses_what_does_not_fit(change):
    rows = np.ones((2, 33))
    arguments = {"x": np.ones((1, 3, 50)), "n_fft": 64, "even": rows, "odd": rows}
    arguments |= {"decim": 3, "first": 2, "stop": 8, "measures": 8}
    assert core.wavelet_measures(**arguments | {"stop": 17}).shape == (1, 2, 3)
    with pytest.raises(ValueError, match=r"x m|x has|n_fft must|even and odd|samples|measures is"):
        core.wavelet_measures(**arguments | change)
