"""Options of SciPy's functions that change what goes in or comes out: done by the core as well."""

import numpy as np
import pytest
import scipy.signal as sps
from signal_cases import needs_core, never_scipy, noise  # noqa: F401

import fastemo as fe

pytestmark = [needs_core, pytest.mark.usefixtures("never_scipy")]

MODES = ("edge", "line", "smooth", "wrap", "symmetric", "reflect", "antisymmetric", "antireflect")
B, A = sps.butter(3, 0.2)
X = noise((3, 200, 2))


def agree(name, *args, tolerance=1e-12, **options):
    expected, got = getattr(sps, name)(*args, **options), getattr(fe.signal, name)(*args, **options)
    pairs = zip(got, expected) if isinstance(expected, tuple) else [(got, expected)]
    for own, their in pairs:
        assert own.dtype == their.dtype
        np.testing.assert_allclose(
            own, their, rtol=tolerance, atol=tolerance * max(np.abs(their).max(), 1e-300)
        )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [2, 3, 50])  # shorter than the filter: extensions repeat
def test_upfirdn_goes_on_beyond_the_ends(mode, n):
    for n_taps, up, down in [(1, 1, 1), (30, 3, 2), (7, 2, 5)]:
        agree("upfirdn", noise(n_taps, seed=1), noise((3, n, 2)), up, down, axis=1, mode=mode)


def test_upfirdn_between_constants():
    agree("upfirdn", noise(9, seed=1), X, 3, 2, axis=1, mode="constant", cval=2.5)


@pytest.mark.parametrize("padtype", MODES)
def test_resample_poly_goes_on_beyond_the_ends(padtype):
    agree("resample_poly", X, 3, 5, axis=1, padtype=padtype)
    agree("resample_poly", X.astype(np.float32), 3, 5, axis=1, padtype=padtype, tolerance=1e-5)


def test_resample_poly_with_a_value_beyond_the_ends_or_nothing_to_do():
    agree("resample_poly", X, 2, 3, axis=1, cval=2.0)
    agree("resample_poly", X, 4, 4, axis=1)


SYSTEMS = {
    "fir": sps.dlti([0.25, 0.5, 0.25], [1.0]),
    "real poles": sps.dlti([0.1], [0.5, 0.25], 1.0),
    "complex poles": sps.dlti(B, A),
}


@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_decimate_by_a_filter_of_your_own(system, zero_phase):
    agree("decimate", X, 3, ftype=system, axis=1, zero_phase=zero_phase)


# Least squares: SciPy's system of equations is another one of the same solution.
@pytest.mark.parametrize("irlen", [None, 40, 150])
def test_filtfilt_by_gustafsson(irlen):
    agree("filtfilt", B, A, X, axis=1, method="gust", irlen=irlen, tolerance=1e-8)


def test_filtfilt_by_gustafsson_refuses_nan():
    x = X.copy()
    x.flat[3] = np.nan
    with pytest.raises(ValueError, match="infs or NaNs"):
        fe.signal.filtfilt(B, A, x, axis=1, method="gust")


def test_filtfilt_by_gustafsson_of_a_gain():
    agree("filtfilt", [2.0], [4.0], X, axis=1, method="gust")


@pytest.mark.parametrize("n_taps", [1, 2, 9, 12])
def test_short_fir_filters(n_taps):
    agree("lfilter", noise(n_taps, seed=1), [2.0], X, axis=1)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolution_with_one_number(mode):
    agree("oaconvolve", noise(9), noise(1, seed=1), mode)
    agree("oaconvolve", noise(1, seed=1), noise(9), mode)
    agree("oaconvolve", noise(1, seed=1), noise(8), mode)


@pytest.mark.parametrize("nfft", [32, 33])
@pytest.mark.parametrize("average", ["mean", "median"])
def test_both_sides_of_the_spectrum(nfft, average):
    options = {"nperseg": 32, "nfft": nfft, "axis": 1, "return_onesided": False}
    agree("welch", X, average=average, **options)
    agree("csd", X, X[::-1].copy(), average=average, **options)
    agree("csd", X, X[:1].copy(), average=average, **options)
    agree("spectrogram", X, **options)
    agree("spectrogram", X, mode="complex", **options)
    agree("periodogram", X, axis=1, nfft=nfft, return_onesided=False)


def test_both_sides_into_an_array():
    _, expected = sps.welch(X, nperseg=32, axis=1, return_onesided=False)
    out = np.empty_like(expected)
    assert fe.signal.welch(X, nperseg=32, axis=1, return_onesided=False, out=out)[1] is out
    np.testing.assert_allclose(out, expected, rtol=1e-12)


@pytest.mark.parametrize("axis", [1, -2])
@pytest.mark.parametrize("average", ["mean", "median"])
@pytest.mark.skipif(not hasattr(sps, "ShortTimeFFT"), reason="older SciPy gives functions other axes")
def test_segments_detrended_by_a_function(axis, average):
    def detrend(segment):
        return segment - np.median(segment, axis=-1, keepdims=True)

    agree("welch", X, nperseg=32, axis=axis, detrend=detrend, average=average)
    agree("csd", X, X[::-1].copy(), nperseg=32, axis=axis, detrend=detrend, average=average)
    agree("csd", X, X[::-1].copy(), nperseg=32, axis=axis, detrend=detrend, return_onesided=False)


def test_the_shorter_signal_is_filled_up():
    agree("csd", X, X[:, :170].copy(), nperseg=32, axis=1)
    agree("csd", X[:, :170].copy(), X, nperseg=32, axis=1)


@pytest.mark.parametrize("boundary", ["even", "odd", "constant", "zeros", None])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("onesided", [True, False])
def test_stft_goes_on_beyond_the_ends(boundary, padded, onesided):
    for window, nperseg in [("hann", 32), ("hann", 33), (np.ones(40), None)]:
        agree(
            "stft",
            X,
            250.0,
            window,
            nperseg,
            axis=1,
            boundary=boundary,
            padded=padded,
            return_onesided=onesided,
        )
