"""Features of pairs of channels: definitions, mne-features' numbers, what is refused."""

import numpy as np
import pytest

from fastemo import features as f
from fastemo.features.extraction import BIVARIATE, extract_features

SFREQ = 128.0


def signals(n_channels=4, n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n_channels, n))
    x[:, 1, 5:] += x[:, 0, :-5]
    return x


PARAMS = {
    "max_cross_corr__include_diag": True,
    "nonlin_interdep__tau": 1,
    "nonlin_interdep__emb": 3,
    "nonlin_interdep__nn": 4,
    "nonlin_interdep__include_diag": True,
    "time_corr__include_diag": True,
    "spect_corr__with_eigenvalues": False,
    "spect_corr__psd_method": "multitaper",
}


@pytest.mark.filterwarnings("ignore")
def test_parameters_and_names_are_those_of_mne_features():
    peer = pytest.importorskip("mne_features.feature_extraction")
    x, names = signals(), [*BIVARIATE]
    options = {"return_as_df": True, "ch_names": ["Fz", "ch1", "O1", "Cz"], "separator": "_"}
    for params in (None, PARAMS):
        got = extract_features(x, SFREQ, names, params, **options)
        wanted = peer.extract_features(x, SFREQ, names, params, **options)
        assert list(got.columns) == list(wanted.columns)
        np.testing.assert_allclose(got.to_numpy(), wanted.to_numpy(), rtol=1e-9, atol=1e-12)


def test_batches_threads_and_dtypes():
    x = signals()
    for name in BIVARIATE:
        rate = [SFREQ] if name in ("max_cross_corr", "spect_corr") else []
        whole = getattr(f, name)(x, *rate)
        n = 6 + 4 * (name in ("time_corr", "spect_corr"))
        assert whole.shape == (2, n), name
        np.testing.assert_array_equal(getattr(f, name)(x[1], *rate), whole[1])
        np.testing.assert_array_equal(getattr(f, name)(x, *rate, threads=2), whole)
        np.testing.assert_array_equal(getattr(f, name)(x[:, None], *rate), whole[:, None])
        single = getattr(f, name)(x.astype(np.float32), *rate)
        np.testing.assert_array_equal(single, getattr(f, name)(x.astype(np.float32).astype(float), *rate))


def test_cross_correlation_sees_both_sides():
    x = signals()[0]
    both = f.max_cross_corr(x, SFREQ)
    first, turned = f.max_cross_corr(x, SFREQ, sides="first"), f.max_cross_corr(x[::-1], SFREQ, sides="first")
    np.testing.assert_allclose(both, np.maximum(first, turned[::-1][[0, 1, 3, 2, 4, 5]]), rtol=1e-12)
    assert first[0] < 0.3
    assert both[0] > 0.6
    z = (x - x.mean(-1, keepdims=True)) / x.std(-1, ddof=1, keepdims=True)
    lags = [
        abs(z[0, max(k, 0) : 400 + min(k, 0)] @ z[1, max(-k, 0) : 400 - max(k, 0)]) / (400 - abs(k))
        for k in range(-64, 65)
    ]
    np.testing.assert_allclose(both[0], max(lags), rtol=1e-12)
    np.testing.assert_allclose(
        f.max_cross_corr(x, SFREQ, 0.0), np.abs(np.corrcoef(x)[np.triu_indices(4, 1)]) * 399 / 400
    )


def test_phases_that_keep_their_distance():
    t = np.arange(1024) / SFREQ
    x = np.stack([np.sin(2 * np.pi * 8 * t), np.cos(2 * np.pi * 8 * t), np.sin(2 * np.pi * 20 * t)])
    np.testing.assert_allclose(f.phase_lock_val(x), [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(f.phase_lock_val(x, include_diag=True)[[0, 3, 5]], 1, rtol=1e-12)


def test_interdependence_is_that_of_states():
    x = signals()[0].cumsum(axis=1)
    x[2] = x[0]
    found = f.nonlin_interdep(x, include_diag=True)
    np.testing.assert_allclose(found[[0, 2, 4]], [2, 2, 2])
    np.testing.assert_allclose(f.nonlin_interdep(x * 1e6 + 1e9)[1], 2, rtol=1e-6)
    blocks = f.bivariate.MOST_VALUES
    try:
        f.bivariate.MOST_VALUES = 1000
        np.testing.assert_allclose(f.nonlin_interdep(x, include_diag=True), found, rtol=1e-12)
    finally:
        f.bivariate.MOST_VALUES = blocks


def test_channels_that_are_flat_or_not_finite():
    x = signals()[0]
    x[3, 7] = np.nan
    x[2] = 4.0
    for name in ("max_cross_corr", "nonlin_interdep"):
        found = getattr(f, name)(x, SFREQ) if name == "max_cross_corr" else getattr(f, name)(x)
        assert np.isfinite(found).tolist() == [True, False, False, False, False, False]
    assert np.isfinite(f.phase_lock_val(x)).tolist() == [True, True, False, True, False, False]
    for found in (f.time_corr(x), f.spect_corr(x, SFREQ)):
        assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: f.phase_lock_val(x[0, 0]), "at least 2 channels"),
        (lambda x: f.time_corr(x[:, :1]), "at least 2 channels"),
        (lambda x: f.max_cross_corr(x, 0), "sfreq"),
        (lambda x: f.max_cross_corr(x, SFREQ, -1), "max_lag"),
        (lambda x: f.max_cross_corr(x, SFREQ, 5.0), "max_lag is 640 samples"),
        (lambda x: f.max_cross_corr(x, SFREQ, sides="left"), "sides must be one of"),
        (lambda x: f.nonlin_interdep(x, emb=0), "emb must be a whole number of at least 1"),
        (lambda x: f.nonlin_interdep(x, nn=1), "nn must be a whole number of at least 2"),
        (lambda x: f.nonlin_interdep(x, tau=50), "nonlin_interdep needs at least 455 samples"),
        (lambda x: f.spect_corr(x, SFREQ, psd_method="wavelet"), "psd_method"),
        (
            lambda x: extract_features(x, SFREQ, ["time_corr"], {"time_corr__tau": 2}),
            "a parameter of time_corr",
        ),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call(signals())
