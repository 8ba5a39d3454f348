"""Spectra under many tapers, wavelets, and band powers by every method, against SciPy and MNE."""

import numpy as np
import peers
import pytest
import scipy.signal

import fastemo as fe
from fastemo.spectral import band_power, morlet, multitaper

BANDS = dict(zip(("delta", "theta", "alpha", "beta", "gamma"), peers.BANDS, strict=True))
FS = peers.SFREQ
FREQS = np.arange(8.0, 45.0)


@pytest.fixture(scope="module")
def x():
    return 10 * np.random.default_rng(0).standard_normal((64, 1000)) + 30


def summed(f, p):
    return np.stack([p[:, (f >= lo) & (f < hi)].sum(axis=-1) for lo, hi in BANDS.values()], axis=-1) * (
        f[1] - f[0]
    )


@pytest.mark.parametrize("nperseg", [256, 500])
def test_welch(versus, x, nperseg):
    p = scipy.signal.welch(x, FS, nperseg=nperseg)[1]
    np.testing.assert_allclose(fe.signal.welch(x, FS, nperseg=nperseg)[1], p, rtol=1e-9)
    versus(
        f"welch, whole spectrum, 64 x 1000, segments of {nperseg}",
        lambda: fe.signal.welch(x, FS, nperseg=nperseg),
        scipy=(lambda: scipy.signal.welch(x, FS, nperseg=nperseg), 15),
    )


@pytest.mark.parametrize("nperseg", [256, 500])
def test_welch_bands(versus, x, nperseg):
    theirs = lambda: summed(*scipy.signal.welch(x, FS, nperseg=nperseg))  # noqa: E731
    np.testing.assert_allclose(band_power(x, FS, BANDS, "welch", nperseg=nperseg), theirs(), rtol=1e-9)
    versus(
        f"welch band power, 64 x 1000, segments of {nperseg}",
        lambda: band_power(x, FS, BANDS, "welch", nperseg=nperseg),
        scipy=(theirs, 20),
    )


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("bands", [False, True])
def test_multitaper(versus, x, adaptive, bands):
    psd = pytest.importorskip("mne").time_frequency.psd_array_multitaper
    options = {"adaptive": adaptive, "normalization": "full", "verbose": False}
    weights = "adaptive" if adaptive else "eigenvalue"
    theirs = lambda: psd(x, FS, 1, 45, **options)  # noqa: E731
    np.testing.assert_allclose(multitaper(x, FS, 1, 45, weights=weights)[1], theirs()[0], rtol=1e-8)
    name = f"{'adaptive ' if adaptive else ''}multitaper {'band power' if bands else 'density'}, 64 x 1000"
    if bands:
        versus(
            name,
            lambda: band_power(x, FS, BANDS, "multitaper", weights=weights),
            mne=(lambda: summed(*theirs()[::-1]), 12),
        )
    else:
        versus(name, lambda: multitaper(x, FS, 1, 45, weights=weights), mne=theirs)


@pytest.mark.parametrize("output", ["power", "complex"])
def test_morlet(versus, x, output):
    tfr = pytest.importorskip("mne").time_frequency.tfr_array_morlet
    theirs = lambda: tfr(x[None], FS, FREQS, 7.0, output=output, verbose=False)  # noqa: E731
    np.testing.assert_allclose(morlet(x, FS, FREQS, output=output), theirs()[0], atol=1e-9)
    out = morlet(x, FS, FREQS, output=output)
    versus(
        f"Morlet {output}, 64 x 1000, {len(FREQS)} frequencies",
        lambda: morlet(x, FS, FREQS, output=output, out=out),
        mne=theirs,
    )


@pytest.mark.parametrize("method", ["welch", "multitaper", "morlet"])
def test_two_threads(versus, method):
    """64 channels x 10 min: ratios of one thread to two."""
    x = 10 * np.random.default_rng(0).standard_normal((64, 300_000))
    if method == "multitaper":  # as windows of two seconds: one spectrum of ten minutes is not asked for
        x = np.ascontiguousarray(x.reshape(64, 300, 1000).swapaxes(0, 1))
    if method == "morlet":
        x = x[:, :20_000].copy()
    bands = {"alpha": (8, 13)} if method == "morlet" else BANDS
    out = np.empty((*x.shape[:-1], len(bands)))
    np.testing.assert_array_equal(
        band_power(x, FS, bands, method, threads=2), band_power(x, FS, bands, method)
    )
    versus(
        f"{method} band power, 64 ch, two threads",
        lambda: band_power(x, FS, bands, method, threads=2, out=out),
        rounds=5,
        one_thread=(lambda: band_power(x, FS, bands, method, out=out), 1.8),
    )
