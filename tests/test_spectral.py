"""Band power and differential entropy: against SciPy, the reference, and what they promise."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import fastemo as fe
from fastemo import _backend
from fastemo.spectral import band_power, differential_entropy

FS = 250.0
BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 50)}
# Sums and transforms round in another order than SciPy's: a few units in the last place of the largest bin.
RTOL = 1e-12


@pytest.fixture
def x():
    return 10 * np.random.default_rng(0).standard_normal((11, 500)) + 30


def summed(f, density, bands=BANDS):
    width = f[1] - f[0]
    return np.stack(
        [density[..., (f >= lo) & (f < hi)].sum(axis=-1) * width for lo, hi in bands.values()], axis=-1
    )


@pytest.mark.parametrize("n", [500, 501, 512, 250, 491])
@pytest.mark.parametrize("taper", ["hann", "hamming", "boxcar", ("tukey", 0.25)])
@pytest.mark.parametrize("detrend", ["constant", False])
def test_fft_is_scipys_periodogram(x, n, taper, detrend):
    x = np.tile(x, 2)[:, :n]
    f, density = scipy.signal.periodogram(x, FS, window=taper, detrend=detrend)
    power = band_power(x, FS, BANDS, taper=taper, detrend=detrend)
    # Without detrending a boxcar leaves next to nothing of an offset of 30 in the bands: compare to its power.
    atol = 0 if detrend else 1e-12
    np.testing.assert_allclose(power, summed(f, density), rtol=RTOL, atol=atol)


def test_bands_may_reach_zero_bins_nyquist_overlap_and_leave_gaps(x):
    bands = {"wide": (0.5, 125), "last": (120, 125), "one": (10, 10.4), "within": (5, 20)}
    f, density = scipy.signal.periodogram(x, FS, window="hann", detrend="constant")
    np.testing.assert_allclose(band_power(x, FS, bands), summed(f, density, bands), rtol=RTOL)


@pytest.mark.parametrize(("nperseg", "noverlap"), [(250, None), (256, 0), (101, 100), (500, 3)])
def test_welch_is_scipys(x, nperseg, noverlap):
    f, density = scipy.signal.welch(x, FS, nperseg=nperseg, noverlap=noverlap)
    power = band_power(x, FS, [(10, 40)], "welch", nperseg=nperseg, noverlap=noverlap)
    np.testing.assert_allclose(power, summed(f, density, {"b": (10, 40)}), rtol=RTOL)


def test_welch_defaults_are_scipys(x):
    f, density = scipy.signal.welch(x, FS)
    bands = {"alpha": (8, 14)}
    np.testing.assert_allclose(band_power(x, FS, bands, "welch"), summed(f, density, bands), rtol=RTOL)


def test_filterbank_is_scipys(x):
    power = band_power(x, FS, BANDS, "filterbank", order=3)
    for b, band in enumerate(BANDS.values()):
        sos = scipy.signal.butter(3, band, "bandpass", fs=FS, output="sos")
        zi = scipy.signal.sosfilt_zi(sos)[:, None] * x[:, :1, None].swapaxes(1, 2)[None, :, 0]
        y, _ = scipy.signal.sosfilt(sos, x, zi=zi)
        np.testing.assert_allclose(power[:, b], np.mean(y**2, axis=-1), rtol=RTOL)


@pytest.mark.parametrize("method", ["fft", "filterbank"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 500), (7, 500), (8, 251), (19, 500), (3, 5, 500), (500,)])
def test_agrees_with_the_reference(method, dtype, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    ours = band_power(x, FS, BANDS, method)
    wanted = fe.reference.band_power(np.atleast_2d(x), FS, BANDS, method)
    assert ours.dtype == np.float64
    assert ours.shape == (*shape[:-1], 5)
    np.testing.assert_allclose(ours, wanted.reshape(ours.shape), rtol=RTOL)


@pytest.mark.parametrize("definition", ["gauss", "spectral"])
def test_differential_entropy(x, definition):
    method = {"gauss": "filterbank", "spectral": "fft"}[definition]
    power = band_power(x, FS, BANDS, method)
    entropy = differential_entropy(x, FS, BANDS, definition)
    np.testing.assert_allclose(entropy, 0.5 * np.log(2 * np.pi * np.e * power), rtol=1e-13)
    np.testing.assert_allclose(
        entropy, fe.reference.differential_entropy(x, FS, BANDS, definition), rtol=1e-11
    )
    flat = differential_entropy(np.full((2, 500), 7.0), FS, BANDS, definition)
    np.testing.assert_allclose(flat, 0.5 * np.log(2 * np.pi * np.e * 1e-4), rtol=1e-13)


def test_relative_and_log(x):
    power = band_power(x, FS, BANDS)
    share = band_power(x, FS, BANDS, relative=True)
    np.testing.assert_allclose(share.sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(share, power / power.sum(axis=-1, keepdims=True), rtol=1e-15)
    np.testing.assert_array_equal(band_power(x, FS, BANDS, log=True), np.log(power))
    silent = np.zeros((1, 500))
    assert (band_power(silent, FS, BANDS, relative=True) == 0).all()
    np.testing.assert_array_equal(band_power(silent, FS, BANDS, log=True), np.log(1e-4))
    np.testing.assert_array_equal(band_power(silent, FS, BANDS, log=True, relative=True), np.log(1e-12))


def test_same_bits_in_every_layout_and_window(x):
    power = band_power(x, FS, BANDS)
    recording = np.zeros((15, 900))
    recording[2:13, 203:703] = x
    wide = np.zeros((11, 1500), np.float64)
    wide[:, ::3] = x
    for view in (np.asfortranarray(x), recording[2:13, 203:703], wide[:, ::3], x[:, ::-1].copy()[:, ::-1]):
        np.testing.assert_array_equal(band_power(view, FS, BANDS), power)
    np.testing.assert_array_equal(band_power(x, FS, BANDS, threads=2), power)
    single = x.astype(np.float32)
    widened = band_power(single.astype(np.float64), FS, BANDS)
    for view in (single, np.asfortranarray(single)):
        np.testing.assert_array_equal(band_power(view, FS, BANDS), widened)


def test_sliding_windows_are_taken_where_they_lie(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, 300, axis=-1)[:, ::25].swapaxes(0, 1)
    power = band_power(windows, FS, BANDS)
    assert power.shape == (9, 11, 5)
    for window, row in zip(windows, power, strict=True):
        np.testing.assert_array_equal(band_power(window.copy(), FS, BANDS), row)
    np.testing.assert_array_equal(band_power(windows, FS, BANDS, threads=3), power)
    one = band_power(windows[:, :1], FS, BANDS)
    np.testing.assert_array_equal(one, power[:, :1])


@given(st.integers(1, 30), st.integers(200, 330), st.floats(-1e3, 1e3), st.integers(-20, 20))
@settings(max_examples=40)
def test_scale_offset_and_order(n_channels, n, offset, exponent):
    x = np.random.default_rng(n).standard_normal((n_channels, n))
    power = band_power(x, FS, BANDS)
    assert (power > 0).all()
    np.testing.assert_array_equal(band_power(x * 2.0**exponent, FS, BANDS), power * 4.0**exponent)
    np.testing.assert_array_equal(band_power(x[::-1], FS, BANDS), power[::-1])
    np.testing.assert_allclose(band_power(x + offset, FS, BANDS), power, rtol=1e-9)
    for b, (name, band) in enumerate(BANDS.items()):
        np.testing.assert_allclose(band_power(x, FS, {name: band})[:, 0], power[:, b], rtol=RTOL)


def test_nan_and_infinity_stay_in_their_channel(x):
    power = band_power(x, FS, BANDS)
    x[3, 10], x[7, 300] = np.nan, np.inf
    for method in ("fft", "welch", "filterbank"):
        spoilt = band_power(x, FS, [(10, 40)], method)
        np.testing.assert_array_equal(np.isfinite(spoilt[:, 0]), [i not in (3, 7) for i in range(11)])
    others = [i for i in range(11) if i not in (3, 7)]
    np.testing.assert_array_equal(band_power(x, FS, BANDS)[others], power[others])


def test_a_sine_has_half_its_square():
    t = np.arange(1000) / FS
    x = 3 * np.sin(2 * np.pi * 20 * t)[None]
    for method in ("fft", "welch", "filterbank"):
        power = band_power(x, FS, {"beta": (14, 31), "gamma": (35, 50)}, method)
        np.testing.assert_allclose(power[0, 0], 4.5, rtol=0.05)
        assert power[0, 1] < 0.05


@pytest.mark.parametrize("method", ["fft", "welch", "filterbank"])
def test_out(x, method):
    out = np.empty((11, 1))
    power = band_power(x, FS, [(10, 40)], method, out=out)
    assert power is out
    np.testing.assert_array_equal(out, band_power(x, FS, [(10, 40)], method))
    entropy = differential_entropy(x, FS, [(10, 40)], out=out)
    assert entropy is out
    with pytest.raises(ValueError, match="out must be a"):
        band_power(x, FS, [(10, 40)], method, out=np.empty((11, 2)))
    with pytest.raises(ValueError, match="out must be a"):
        band_power(x, FS, [(10, 40)], method, out=np.empty((11, 1), np.float32))


def test_integers_lists_and_other_orders_of_bytes():
    x = np.random.default_rng(0).integers(-100, 100, (2, 250))
    power = band_power(x.astype(float), FS, BANDS)
    np.testing.assert_array_equal(band_power(x.astype(np.int16), FS, BANDS), power)
    np.testing.assert_array_equal(band_power(x.tolist(), FS, BANDS), power)
    np.testing.assert_array_equal(band_power(x.astype(">f8"), FS, BANDS), power)
    assert band_power(np.empty((0, 250)), FS, BANDS).shape == (0, 5)
    assert band_power(np.empty((0, 250)), FS, BANDS, "filterbank").shape == (0, 5)


@pytest.mark.parametrize("method", ["fft", "welch", "filterbank"])
def test_without_the_core(x, method, monkeypatch):
    compiled = band_power(x, FS, {"b": (10, 40)}, method)
    bins = fe.spectral.rfft(x.astype(np.float32))
    monkeypatch.setattr(_backend, "core", None)
    monkeypatch.setattr(fe.spectral._common, "_designs", {})
    np.testing.assert_allclose(band_power(x, FS, {"b": (10, 40)}, method), compiled, rtol=RTOL)
    out = np.empty((11, 1))
    assert band_power(x, FS, {"b": (10, 40)}, method, out=out) is out
    plain = fe.spectral.rfft(x.astype(np.float32))
    assert plain.dtype == bins.dtype
    np.testing.assert_allclose(plain, bins, atol=1e-6 * np.abs(bins).max())


def test_designs_are_kept_by_value(x):
    """A set of bands that is changed, or another taper, is not taken for the one before."""
    bands = {"a": [8, 14]}
    first = band_power(x, FS, bands)
    bands["a"][1] = 30
    assert (band_power(x, FS, bands) > first).all()
    assert (band_power(x, FS, {"a": (8, 14)}, taper="boxcar") != first).all()
    for n in range(200, 300):
        band_power(x[:, :n], FS, {"a": (8, 14)})
    assert len(fe.spectral._common._designs) <= 32


@pytest.mark.parametrize(
    ("options", "error", "fragment"),
    [
        (
            {"x": np.ones((2, 9)), "method": "filterbank"},
            ValueError,
            "less than one cycle of the band .* at least",
        ),
        ({"bands": {"gamma": (31, 126)}}, ValueError, "beyond the Nyquist frequency 125 Hz"),
        ({"bands": {"low": (8.1, 8.4)}}, ValueError, "none in the band 'low' .* use a window of at least"),
        ({"bands": {"back": (14, 8)}}, ValueError, r"must have lo < hi, got \(14, 8\)"),
        ({"bands": []}, ValueError, "bands must hold at least one band"),
        ({"bands": 3}, TypeError, "bands must be"),
        ({"bands": "seeed"}, ValueError, "did you mean"),
        ({"sfreq": 0}, ValueError, "sfreq must be a finite number above 0"),
        ({"sfreq": "fast"}, TypeError, "sfreq must be"),
        ({"method": "wlech"}, ValueError, "got 'wlech' .did you mean 'welch'"),
        (
            {"taper": "hannn"},
            ValueError,
            "taper must be a name that scipy.signal.get_window knows, got 'hannn'",
        ),
        ({"detrend": "linear"}, ValueError, "detrend must be one of"),
        ({"order": 3}, ValueError, "order=3 has no meaning for method='fft': leave it out"),
        ({"nperseg": 100}, ValueError, "nperseg=100 has no meaning for method='fft'"),
        (
            {"method": "welch", "nperseg": 501},
            ValueError,
            "nperseg must be from 1 to the 500 samples of x, got 501",
        ),
        (
            {"method": "welch", "noverlap": 256},
            ValueError,
            "noverlap must be from 0 to nperseg - 1 = 255, got 256",
        ),
        ({"method": "welch", "order": 3}, ValueError, "order=3 has no meaning for method='welch'"),
        ({"method": "filterbank", "taper": "boxcar"}, ValueError, "taper='boxcar' has no meaning"),
        ({"method": "filterbank", "detrend": False}, ValueError, "detrend=False has no meaning"),
        (
            {"method": "filterbank", "order": 0},
            ValueError,
            "order must be a whole number of at least 1, got 0",
        ),
        ({"method": "filterbank", "bands": {"g": (31, 125)}}, ValueError, "must end below the Nyquist"),
        ({"threads": 0}, ValueError, "threads must be a whole number of at least 1, got 0"),
        ({"threads": 1.5}, ValueError, "threads must be a whole number of at least 1, got 1.5"),
        ({"x": np.zeros((2, 0))}, ValueError, "x must have at least one sample"),
        ({"x": np.zeros((2, 500), complex)}, TypeError, "x must be an array of real numbers"),
        ({"x": np.ma.zeros((2, 500))}, TypeError, "x is a masked array"),
    ],
)
def test_bad_arguments(x, options, error, fragment):
    arguments = {"x": x, "sfreq": FS, "bands": BANDS, "method": "fft"} | options
    with pytest.raises(error, match=fragment):
        band_power(**arguments)


def test_bad_definitions(x):
    with pytest.raises(ValueError, match="definition must be one of 'gauss', 'spectral', 'seed'"):
        differential_entropy(x, FS, BANDS, "gaus")
    with pytest.raises(ValueError, match="order=3 has no meaning for definition='spectral'"):
        differential_entropy(x, FS, BANDS, "spectral", order=3)


@pytest.mark.skipif(_backend.core is None, reason="the compiled core is not built")
@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"taper": np.empty(0)}, "taper must have shape"),
        ({"first": 5}, "bins 5 to 7 are not among the 5 of 8 samples"),
        ({"first": -1}, "bins -1 to 1 are not among"),
        ({"scale": np.ones((1, 2))}, "scale must have shape"),
        ({"edges": np.array([[0, 3]])}, "edges of band 0 are 0 and 3"),
        ({"edges": np.array([[1, 1]])}, "edges of band 0 are 1 and 1"),
        ({"edges": np.array([0, 1])}, "edges must have shape"),
        ({"weight": np.ones(2)}, "edges must have shape"),
    ],
)
def test_the_core_refuses_tables_that_do_not_fit(change, fragment):
    tables = {
        "taper": np.ones(8), "detrend": True, "first": 1, "scale": np.ones(2),
        "edges": np.array([[0, 2]]), "weight": np.ones(1),
    }  # fmt: skip
    with pytest.raises(ValueError, match=fragment):
        _backend.core.FftBandPower(**(tables | change))
    bands = _backend.core.FftBandPower(**tables)
    with pytest.raises(ValueError, match="x must have 8 samples along its last axis"):
        bands.compute(np.zeros((2, 7)))
    x = np.zeros((2, 8))
    with pytest.raises(ValueError, match="out overlaps x"):
        bands.compute(x, x.reshape(16)[3:5].reshape(2, 1))
