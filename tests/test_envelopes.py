"""Envelope correlation, against MNE's on the same analytic signals."""

import re

import numpy as np
import pytest

from fastemo import reference
from fastemo._design import analytic_bank
from fastemo.connectivity import envelope_correlation

SFREQ = 200.0
BANDS = {"alpha": (8, 13), "beta": (13, 30)}


def epochs(n_epochs=3, n_channels=5, n=1200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_epochs, n_channels, n))
    size = 1.5 + np.cumsum(rng.standard_normal((n_epochs, n)), axis=-1) / 20
    x[:, :2] *= size[:, None]
    x[:, 3] += x[:, 0]
    return x


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("orthogonalize", ["pairwise", False])
def test_the_toolbox_agrees(log, absolute, orthogonalize):
    peer = pytest.importorskip("mne_connectivity")
    x = epochs()
    spectra = reference.analytic_spectra(x, *analytic_bank(SFREQ, BANDS, 4, "here"), 200)
    z = spectra[:, :, 0, 0, :5] + 1j * spectra[:, :, 0, 1, :5]
    ours = envelope_correlation(
        x, SFREQ, BANDS, orthogonalize=bool(orthogonalize), log=log, absolute=absolute, skip=1.0
    )
    for band in range(2):
        each = np.swapaxes(z[band].reshape(3, 1000, 5), 1, 2)
        theirs = peer.envelope_correlation(
            each, orthogonalize=orthogonalize, log=log, absolute=absolute, verbose="error"
        )
        expected = theirs.get_data("dense")[..., 0].mean(axis=0)[ours.seeds, ours.targets]
        np.testing.assert_allclose(ours[ours.methods[0]][:, band], expected, rtol=0, atol=1e-9)


def test_zero_lag_is_taken_off():
    """A copy of a channel with noise has its envelope; orthogonalised they share little. A true relation stays."""
    x = epochs(n=4000)
    plain = envelope_correlation(x, SFREQ, BANDS, orthogonalize=False).dense()
    apart = envelope_correlation(x, SFREQ, BANDS).dense()
    assert plain[0, 3].min() > 0.5
    assert apart[0, 1].min() > 0.2
    np.testing.assert_array_equal(apart, np.swapaxes(apart, 0, 1))
    x[:, 4] = x[:, 2]
    assert (envelope_correlation(x, SFREQ, BANDS).dense()[2, 4] == 0).all()
    assert (envelope_correlation(x, SFREQ, BANDS, log=True).dense()[2, 4] == 0).all()
    np.testing.assert_allclose(envelope_correlation(x, SFREQ, BANDS, orthogonalize=False).dense()[2, 4], 1)


def test_scale_threads_and_order_of_channels_do_not_matter():
    x = epochs(2, 11)
    result = envelope_correlation(x, SFREQ, BANDS)
    scaled = envelope_correlation(x * np.geomspace(1e-6, 1e3, 11)[:, None], SFREQ, BANDS)
    np.testing.assert_allclose(scaled["aec_orth"], result["aec_orth"], rtol=1e-8, atol=1e-10)
    shared = envelope_correlation(np.asfortranarray(x), SFREQ, BANDS, threads=3)
    np.testing.assert_array_equal(shared["aec_orth"], result["aec_orth"])
    turned = envelope_correlation(x[:, ::-1], SFREQ, BANDS).dense()[::-1, ::-1]
    np.testing.assert_allclose(turned, result.dense(), rtol=1e-9, atol=1e-11)


def test_a_result_knows_its_observations_and_warns():
    x = epochs()
    result = envelope_correlation(x, SFREQ, BANDS, skip=1)
    assert result.n_observations == {"aec_orth": pytest.approx(3 * 2 * 5 * 5)}
    with pytest.warns(RuntimeWarning, match="have 8 independent samples in the narrowest band"):
        envelope_correlation(x[..., :360], SFREQ, BANDS, skip=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": None}, "pass bands"),
        ({"skip": 7}, "pass a longer signal"),
        ({"order": 0.5}, "order must be a whole number"),
        ({"threads": 0}, "threads must be"),
        ({"ch_names": ["a", "b"]}, "ch_names has 2 names"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        envelope_correlation(epochs(), SFREQ, **{"bands": BANDS, **options})


def test_bad_signals():
    x = epochs()
    x[1, 2, 5] = np.nan
    with pytest.raises(ValueError, match="1 NaN or infinite"):
        envelope_correlation(x, SFREQ, BANDS)
    x[1, 2] = 0
    with pytest.raises(ValueError, match="flat"):
        envelope_correlation(x, SFREQ, BANDS)


def test_the_core_refuses_what_does_not_fit():
    from fastemo._backend import core

    if core is None:
        pytest.skip("the compiled core is not built")
    z = np.ones((1, 20, 1, 2, 8))
    for bad in ((z[0], 1, 5), (z, 3, 5), (z, 0, 5), (z, 1, 9), (z, 1, 0), (z[..., :5], 1, 5)):
        with pytest.raises(ValueError, match=r"must have shape|n_epochs is|n_channels is"):
            core.envelope_correlations(*bad)
