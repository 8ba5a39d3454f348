"""Real transforms and band power of one window, in the shapes that EEG comes in."""

import numpy as np
import peers
import pytest
import scipy.fft

import fastemo as fe
from fastemo._backend import core

BANDS = dict(zip(("delta", "theta", "alpha", "beta", "gamma"), peers.BANDS, strict=True))
SHAPES = [(64, 1000), (62, 800), (32, 512), (128, 2048), (64, 250), (19, 512)]


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("n_channels", "n"), [*SHAPES, (64, 1001), (64, 1009), (1, 1000)])
@pytest.mark.parametrize("single", [False, True])
def test_rfft(versus, rng, n_channels, n, single):
    ducc0 = pytest.importorskip("ducc0")
    x = rng.standard_normal((n_channels, n)).astype(np.float32 if single else np.float64)
    out, theirs = np.empty((2, n_channels, n // 2 + 1), np.complex64 if single else np.complex128)
    truth = scipy.fft.rfft(x.astype(np.float64))
    np.testing.assert_allclose(core.rfft(x, out), truth, atol=1e-3 if single else 1e-12)
    goal = 1.2 if (n_channels, n) in SHAPES[:4] else None
    versus(
        f"rfft, {n_channels} x {n}, {x.dtype}",
        lambda: core.rfft(x, out),
        ducc0=(lambda: ducc0.fft.r2c(x, axes=(1,), out=theirs), goal),
        scipy=lambda: scipy.fft.rfft(x),
    )


@pytest.mark.parametrize(("n_channels", "n"), SHAPES)
def test_band_power(versus, rng, n_channels, n):
    ducc0 = pytest.importorskip("ducc0")
    x = 10 * rng.standard_normal((n_channels, n)) + 30
    peer = peers.FftBands(n)
    tapered, bins = np.empty_like(x), np.empty((n_channels, n // 2 + 1), complex)

    def by_ducc0():
        np.multiply(x - x.mean(axis=1, keepdims=True), peer.taper, out=tapered)
        ducc0.fft.r2c(tapered, axes=(1,), out=bins)
        return (bins.real**2 + bins.imag**2) @ peer.matrix

    np.testing.assert_allclose(by_ducc0(), peer(x), rtol=1e-10)
    np.testing.assert_allclose(fe.spectral.band_power(x, peers.SFREQ, BANDS), peer(x), rtol=1e-10)
    versus(
        f"FFT band power, {n_channels} ch x {n}",
        lambda: fe.spectral.band_power(x, peers.SFREQ, BANDS),
        rfft_and_matmul=(lambda: peer(x), 3),
        ducc0=(by_ducc0, 1.8),
        scipy_welch=lambda: peers.welch_bands(x),
    )
