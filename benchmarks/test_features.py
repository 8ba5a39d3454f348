"""Features of windows against antropy and mne-features: one thread, float64, answers checked first."""

import warnings

import numpy as np
import pytest

from fastemo import features as f
from fastemo.features.extraction import BIVARIATE, MNE_FEATURES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    antropy = pytest.importorskip("antropy", reason="antropy is not installed")

SFREQ = 256.0
# Their spect_slope fails with NumPy 2.
UNIVARIATE = sorted(set(MNE_FEATURES) - {"spect_slope"})


def eeg(*shape):
    rng = np.random.default_rng(0)
    return 2 * np.cumsum(rng.standard_normal(shape), axis=-1) + 10 * rng.standard_normal(shape)


def each(function, x, **kwargs):
    return np.array([function(signal, **kwargs) for signal in x])


@pytest.fixture(scope="module")
def theirs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "mne_features.feature_extraction", reason="mne-features is not installed"
        )

    def extract(x, names):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return module.extract_features(x, SFREQ, names, separator="_")

    return extract


@pytest.mark.parametrize(
    ("name", "goal", "kwargs"),
    [
        ("sample_entropy", 8, {}),
        ("app_entropy", 8, {}),
        ("perm_entropy", None, {}),
        ("svd_entropy", None, {}),
        ("spectral_entropy", None, {"sf": SFREQ}),
        ("num_zerocross", None, {}),
        ("petrosian_fd", None, {}),
        ("katz_fd", None, {}),
        ("higuchi_fd", None, {}),
        ("detrended_fluctuation", None, {}),
    ],
)
def test_antropy(versus, name, goal, kwargs):
    x, own, peer = eeg(32, 1000), getattr(f, name), getattr(antropy, name)
    np.testing.assert_allclose(own(x, **kwargs), each(peer, x, **kwargs), rtol=1e-8)
    versus(
        f"{name}, 32 x 1000",
        lambda: own(x, **kwargs),
        antropy=(lambda: each(peer, x, **kwargs), goal),
    )


def test_lempel_ziv(versus):
    x = eeg(32, 1000)

    def peer():
        return [antropy.lziv_complexity((s > np.median(s)).astype(int), normalize=True) for s in x]

    np.testing.assert_allclose(f.lempel_ziv(x), peer(), rtol=1e-12)
    versus("lempel_ziv, 32 x 1000", lambda: f.lempel_ziv(x), antropy=peer)


@pytest.mark.parametrize("name", sorted(BIVARIATE))
def test_mne_features_of_pairs(versus, name, theirs):
    x = eeg(1, 8, 500)
    np.testing.assert_allclose(f.extract_features(x, SFREQ, [name]), theirs(x, [name]), rtol=1e-8, atol=1e-12)
    versus(
        f"{name}, pairs of 8 x 500",
        lambda: f.extract_features(x, SFREQ, [name]),
        mne_features=lambda: theirs(x, [name]),
    )


@pytest.mark.parametrize("name", UNIVARIATE)
def test_one_feature_of_mne_features(versus, theirs, name):
    x = eeg(2, 64, 1000)
    np.testing.assert_allclose(f.extract_features(x, SFREQ, [name]), theirs(x, [name]), rtol=1e-9)
    versus(
        f"extract_features {name}, 2 x 64 x 1000",
        lambda: f.extract_features(x, SFREQ, [name]),
        rounds=5,
        mne_features=lambda: theirs(x, [name]),
    )


def test_all_of_mne_features(versus, theirs):
    """Per epoch theirs takes as long whatever the number of epochs: two stand for a hundred, which take minutes."""
    x = eeg(100, 64, 1000)
    own, peer = f.extract_features(x, SFREQ, UNIVARIATE), theirs(x[:2], UNIVARIATE)
    np.testing.assert_allclose(own[:2], peer, rtol=1e-9, atol=1e-9)
    versus(
        f"extract_features, all {len(UNIVARIATE)}, 2 of 100 x 64 x 1000",
        lambda: f.extract_features(x[:2], SFREQ, UNIVARIATE),
        rounds=5,
        mne_features=(lambda: theirs(x[:2], UNIVARIATE), 20),
    )


def test_two_threads(versus):
    x = eeg(100, 64, 1000)
    one, two = (f.extract_features(x, SFREQ, UNIVARIATE, threads=k) for k in (1, 2))
    np.testing.assert_array_equal(one, two)
    versus(
        "extract_features, 100 x 64 x 1000, two threads",
        lambda: f.extract_features(x, SFREQ, UNIVARIATE, threads=2),
        rounds=5,
        one_thread=(lambda: f.extract_features(x, SFREQ, UNIVARIATE, threads=1), 1.8),
    )
