"""Multitaper spectra and Morlet wavelets: against MNE, the reference, and what they promise."""

import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

import fastemo as fe
from fastemo import _backend, _design
from fastemo.spectral import band_power, dpss, min_length, morlet, morlet_wavelets, multitaper

FS = 250.0
BANDS = {"theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 50)}
# Sums and transforms round in another order than the peers': a few units in the last place of the largest bin.
RTOL = 1e-11


@pytest.fixture
def x():
    return 10 * np.random.default_rng(0).standard_normal((11, 700)).cumsum(axis=-1) + 30


def layouts(x):
    wide = np.zeros((x.shape[0], 3 * x.shape[1]))
    wide[:, ::3] = x
    return np.asfortranarray(x), wide[:, ::3], x[:, ::-1].copy()[:, ::-1], x[::-1].copy()[::-1]


@pytest.mark.parametrize("n", [500, 501, 512, 491])
@pytest.mark.parametrize("bandwidth", [None, 2.0, 6.5])
def test_multitaper_is_mnes(x, n, bandwidth):
    time_frequency = pytest.importorskip("mne").time_frequency
    wanted, freqs = time_frequency.psd_array_multitaper(
        x[:, :n], FS, fmin=1, fmax=60, bandwidth=bandwidth, normalization="full", verbose=False
    )
    f, p = multitaper(x[:, :n], FS, 1, 60, bandwidth=bandwidth)
    assert_allclose(f, freqs)
    assert_allclose(p, wanted, rtol=RTOL)
    whole, _ = time_frequency.psd_array_multitaper(
        x[:, :n], FS, bandwidth=bandwidth, normalization="full", verbose=False
    )
    assert_allclose(multitaper(x[:, :n], FS, bandwidth=bandwidth)[1], whole, rtol=1e-9)


@pytest.mark.parametrize("limits", [(0, np.inf), (3, 45)])
def test_adaptive_weights_are_mnes(x, limits):
    time_frequency = pytest.importorskip("mne").time_frequency
    wanted, _ = time_frequency.psd_array_multitaper(
        x, FS, *limits, adaptive=True, normalization="full", verbose=False
    )
    # The iteration carries rounding on until it stops.
    assert_allclose(multitaper(x, FS, *limits, weights="adaptive")[1], wanted, rtol=1e-9)


@pytest.mark.parametrize("weights", ["eigenvalue", "uniform", "adaptive"])
@pytest.mark.parametrize("shape", [(1, 300), (7, 300), (8, 251), (3, 5, 300), (300,)])
def test_multitaper_agrees_with_the_reference(weights, shape):
    x = np.random.default_rng(1).standard_normal(shape)
    f, p = multitaper(x, FS, weights=weights)
    wanted_f, wanted = fe.reference.multitaper(x, FS, weights=weights)
    assert_array_equal(f, wanted_f)
    assert_allclose(p, wanted, rtol=1e-9)


def test_tapers_are_orthonormal_and_scipys():
    windows = pytest.importorskip("scipy.signal").windows
    tapers = dpss(300, 3.5, 5)[0]
    assert_allclose(tapers @ tapers.T, np.eye(5), atol=1e-3)  # periodic: a sample short of exactly so
    assert_allclose(tapers, windows.dpss(300, 3.5, 5, sym=False, norm=2))
    assert len(dpss(300, 4)[0]) == 7
    assert (dpss(300, 4)[1] > 0.9).all()
    tapers[:] = 0  # a copy: the next call is not spoilt
    assert dpss(300, 3.5, 5)[0].any()


@pytest.mark.parametrize("method", ["welch", "multitaper", "morlet"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 640), (7, 640), (8, 651), (19, 640), (3, 5, 640), (640,)])
def test_band_power_agrees_with_the_reference(method, dtype, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    ours = band_power(x, FS, BANDS, method)
    wanted = fe.reference.band_power(np.atleast_2d(x), FS, BANDS, method)
    assert ours.dtype == np.float64
    assert_allclose(ours, wanted.reshape(ours.shape), rtol=1e-10)


@pytest.mark.parametrize("weights", ["eigenvalue", "uniform", "adaptive"])
def test_multitaper_bands_are_sums_of_the_density(x, weights):
    f, p = multitaper(x, FS, 4, 50 - 1e-9, weights=weights)
    wanted = np.stack([p[:, (f >= lo) & (f < hi)].sum(axis=-1) * f[1] - 0 for lo, hi in BANDS.values()], -1)
    wanted *= (f[1] - f[0]) / f[1]
    assert_allclose(band_power(x, FS, BANDS, "multitaper", weights=weights), wanted, rtol=RTOL)


@pytest.mark.parametrize("method", ["multitaper", "morlet", "welch"])
def test_same_bits_everywhere(x, method):
    power = band_power(x, FS, BANDS, method)
    for view in layouts(x):
        assert_array_equal(band_power(view, FS, BANDS, method), power)
    assert_array_equal(band_power(x, FS, BANDS, method, threads=3), power)
    assert_array_equal(band_power(x[3], FS, BANDS, method), power[3])
    assert_array_equal(band_power(x[2:5], FS, BANDS, method), power[2:5])
    assert_array_equal(band_power(np.stack([x, x]), FS, BANDS, method)[1], power)
    single = x.astype(np.float32)
    assert_array_equal(
        band_power(single, FS, BANDS, method), band_power(single.astype(float), FS, BANDS, method)
    )
    out = np.empty_like(power)
    assert band_power(x, FS, BANDS, method, out=out) is out
    assert_array_equal(out, power)


def test_welch_of_many_short_segments_of_one_signal(x):
    """A signal alone has its segments side by side: the same bits."""
    many = band_power(x, FS, BANDS, "welch", nperseg=100, noverlap=77)
    for i in range(len(x)):
        assert_array_equal(band_power(x[i], FS, BANDS, "welch", nperseg=100, noverlap=77), many[i])
    long = np.random.default_rng(0).standard_normal((9, 9000))
    power = band_power(long, FS, BANDS, "welch", nperseg=300, noverlap=250)
    f, density = fe.signal.welch(long, FS, nperseg=300, noverlap=250)
    wanted = [density[:, (f >= lo) & (f < hi)].sum(axis=-1) * f[1] for lo, hi in BANDS.values()]
    assert_allclose(power, np.stack(wanted, axis=-1), rtol=RTOL)
    assert_array_equal(band_power(long[0], FS, BANDS, "welch", nperseg=300, noverlap=250), power[0])


@pytest.mark.parametrize(
    ("nperseg", "noverlap"), [(256, 128), (100, 50), (51, 34), (60, 0), (64, 56), (9, 8), (640, 0)]
)
def test_welch_of_segments_read_in_any_way(x, nperseg, noverlap):
    """Stretches that segments share, segments apart, samples apart: the mean that is taken off has the same bits."""
    f, p = fe.signal.welch(x, FS, nperseg=nperseg, noverlap=noverlap)
    bands = {"all": (f[1], FS / 2)}
    power = band_power(x, FS, bands, "welch", nperseg=nperseg, noverlap=noverlap)
    for view in layouts(x):
        assert_array_equal(fe.signal.welch(view, FS, nperseg=nperseg, noverlap=noverlap)[1], p)
        assert_array_equal(band_power(view, FS, bands, "welch", nperseg=nperseg, noverlap=noverlap), power)
    assert_array_equal(fe.signal.welch(x[2], FS, nperseg=nperseg, noverlap=noverlap)[1], p[2])
    wanted = scipy.signal.welch(x, FS, nperseg=nperseg, noverlap=noverlap)[1]
    assert_allclose(p, wanted, rtol=1e-9, atol=1e-13 * wanted.max())


@pytest.mark.parametrize("n_cycles", [7.0, 2.5, [3.0, 5.0, 7.0]])
@pytest.mark.parametrize("zero_mean", [True, False])
def test_morlet_is_mnes(x, n_cycles, zero_mean):
    time_frequency = pytest.importorskip("mne").time_frequency
    freqs = [8.0, 17.0, 40.0]
    for ours, theirs in zip(
        morlet_wavelets(FS, freqs, n_cycles, zero_mean),
        time_frequency.morlet(FS, freqs, n_cycles, zero_mean=zero_mean),
        strict=True,
    ):
        assert_allclose(ours, theirs, atol=1e-15)
    for output in ("power", "complex"):
        wanted = time_frequency.tfr_array_morlet(
            x[None], FS, freqs, n_cycles, zero_mean=zero_mean, output=output, decim=3, verbose=False
        )[0]
        got = morlet(x, FS, freqs, n_cycles, zero_mean=zero_mean, output=output, decim=3)
        assert got.shape == wanted.shape
        assert_allclose(got, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("shape", [(1, 400), (9, 401), (2, 3, 400), (400,)])
def test_morlet_agrees_with_the_reference(shape):
    x = np.random.default_rng(1).standard_normal(shape)
    freqs = [6.0, 10.5, 30.0]
    wanted = fe.reference.morlet(x, FS, freqs, 4.0, output="complex")
    got = morlet(x, FS, freqs, 4.0, output="complex")
    assert_allclose(got, wanted, atol=1e-13)
    out = np.empty(wanted.shape)
    assert morlet(x, FS, freqs, 4.0, out=out) is out
    assert_allclose(out, np.abs(wanted) ** 2, atol=1e-13)
    assert_array_equal(morlet(x, FS, freqs, 4.0, threads=2), out)
    assert_array_equal(morlet(x, FS, freqs, 4.0, decim=7), out[..., ::7])


def test_white_noise_has_its_power_in_windows_of_any_length():
    x = np.random.default_rng(2).standard_normal((3000, 400))
    for n in (200, 400):
        for method in ("multitaper", "morlet", "fft"):
            power = band_power(x[:, :n], FS, {"b": (15, 30)}, method).mean()
            assert_allclose(power, 2 / FS * 15, rtol=0.02)  # four times the spread of the estimate


def test_relative_log_and_db(x):
    for method in ("fft", "multitaper", "morlet"):
        power = band_power(x, FS, BANDS, method)
        share = band_power(x, FS, BANDS, method, relative=True)
        assert_allclose(share, power / power.sum(axis=-1, keepdims=True), rtol=1e-15)
        assert_allclose(band_power(x, FS, BANDS, method, db=True), 10 * np.log10(power), rtol=1e-14)
        out = np.empty_like(power)
        assert band_power(x, FS, BANDS, method, db=True, relative=True, out=out) is out
        assert_allclose(out, 10 * np.log10(share), rtol=1e-14)
    assert_array_equal(band_power(np.zeros((1, 700)), FS, BANDS, db=True), -40)


def test_flat_and_broken_channels(x):
    x[3], x[5, 100] = 7.0, np.nan
    for weights in ("eigenvalue", "adaptive"):
        p = multitaper(x, FS, weights=weights)[1]
        assert_array_equal(p[3] < 1e-20, True)
        assert_array_equal(np.isfinite(p).all(axis=-1), np.arange(11) != 5)
    power = band_power(x, FS, BANDS, "morlet")
    assert_array_equal(np.isfinite(power).all(axis=-1), np.arange(11) != 5)


def test_adaptive_weights_that_do_not_settle_are_told(monkeypatch, x):
    quiet = x * 1e-300  # squares vanish below the smallest number: nothing to weigh
    assert np.isfinite(multitaper(quiet, FS, weights="adaptive")[1]).all()


def test_empty_arrays():
    assert band_power(np.empty((0, 700)), FS, BANDS, "multitaper").shape == (0, 4)
    assert band_power(np.empty((2, 0, 700)), FS, BANDS, "morlet").shape == (2, 0, 4)
    assert morlet(np.empty((0, 700)), FS, [10.0]).shape == (0, 1, 700)
    assert multitaper(np.empty((0, 700)), FS)[1].shape == (0, 351)


def test_min_length_says_what_is_refused():
    rng = np.random.default_rng(0)
    bands = {"low": (2.2, 3.1), "alpha": (8, 13)}
    for method, options in [("fft", {}), ("multitaper", {"bandwidth": 0.8}), ("morlet", {"n_cycles": 3.0})]:
        seconds = min_length(bands, method, FS, cycles=0, **options)
        n = round(seconds * FS)
        assert n == pytest.approx(seconds * FS)
        x = rng.standard_normal((2, n))
        assert np.isfinite(band_power(x, FS, bands, method, **options)).all()
    with pytest.raises(ValueError, match=r"shorter than the wavelet .* use a window of at least"):
        band_power(x[:, :-1], FS, bands, "morlet", n_cycles=3.0)
    assert min_length(bands, "fft", FS) == pytest.approx(1 / 0.9, abs=1 / FS)
    assert min_length(bands, "fft", FS, cycles=3) == pytest.approx(3 / 2.2, abs=1 / FS)
    assert min_length(bands, "multitaper", FS) == pytest.approx(8 / 0.9, abs=1 / FS)
    sos = _design.butterworth(FS, 2.2, 3.1, 4, "")
    assert min_length(bands, "filterbank", FS) == _design.filled_after(sos) / FS
    assert fe.min_length is min_length
    with pytest.raises(ValueError, match="beyond the Nyquist"):
        min_length({"g": (30, 126)}, "fft", FS)
    with pytest.raises(ValueError, match="no window is long enough"):
        min_length(bands, "multitaper", FS, bandwidth=2)


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (
            lambda x: band_power(x, FS, BANDS, "multitaper", taper="hamming"),
            "no meaning for method='multitaper'",
        ),
        (lambda x: band_power(x, FS, BANDS, "fft", bandwidth=3), "bandwidth=3 has no meaning"),
        (lambda x: band_power(x, FS, BANDS, "fft", weights="uniform"), "weights='uniform' has no meaning"),
        (lambda x: band_power(x, FS, BANDS, "welch", n_cycles=3.0), "n_cycles=3.0 has no meaning"),
        (lambda x: band_power(x, FS, BANDS, "multitaper", bandwidth=0.1), "bandwidth=0.1 Hz is less than"),
        (lambda x: band_power(x, FS, BANDS, "multitaper", bandwidth=251), "must be below sfreq"),
        (lambda x: band_power(x, FS, BANDS, "multitaper", weights="best"), "weights must be one of"),
        (lambda x: band_power(x, FS, BANDS, "multitaper", detrend="linear"), "detrend must be one of"),
        (lambda x: band_power(x, FS, BANDS, "morlet", detrend="linear"), "detrend must be one of"),
        (
            lambda x: band_power(x, FS, {"d": (1, 2)}, "morlet"),
            "the band 'd' .1-2 Hz.: a window of 2.8 s is shorter",
        ),
        (lambda x: band_power(x, FS, {"g": (90, 126)}, "morlet"), "beyond the Nyquist"),
        (lambda x: band_power(x, FS, BANDS, log=True, db=True), "choose one"),
        (lambda x: multitaper(x, FS, 50, 40), "hold none of the frequencies"),
        (
            lambda x: multitaper(x, FS, weights="adaptive", bandwidth=1),
            "adaptive weights need at least 3 tapers",
        ),
        (lambda x: multitaper(x, 0), "sfreq must be"),
        (lambda x: multitaper(x, FS, out=np.empty((11, 3))), "out must be a writable"),
        (lambda x: multitaper(x, FS, threads=0), "threads must be"),
        (lambda x: morlet(x, FS, [200.0]), "at most the Nyquist frequency 125 Hz"),
        (lambda x: morlet(x, FS, []), "freqs must be above 0"),
        (lambda x: morlet(x, FS, [10.0, 11.0], [1.0, 2.0, 3.0]), "n_cycles must be one number"),
        (lambda x: morlet(x, FS, [1.0]), "use a window of at least"),
        (lambda x: morlet(x, FS, [10.0], output="phase"), "output must be one of"),
        (lambda x: morlet(x, FS, [10.0], decim=0), "decim must be a whole number of at least 1"),
        (lambda x: morlet(x, FS, [10.0], out=np.empty((11, 1, 700), complex)), "out must be a writable"),
        (lambda x: dpss(8, 4), "nw must be below n / 2"),
        (lambda x: dpss(8, 2, 9), "k must be at most n"),
        (lambda x: dpss(0), "n must be a whole number"),
    ],
)
def test_bad_arguments(x, call, fragment):
    with pytest.raises(ValueError, match=fragment):
        call(x)


def test_without_the_core(x, monkeypatch):
    calls = [
        lambda: band_power(x, FS, BANDS, "multitaper"),
        lambda: band_power(x, FS, BANDS, "multitaper", weights="adaptive"),
        lambda: band_power(x, FS, BANDS, "morlet"),
        lambda: morlet(x, FS, [10.0, 20.0], output="complex", decim=2),
        lambda: multitaper(x, FS, 2, 40)[1],
    ]
    compiled = [call() for call in calls]
    monkeypatch.setattr(_backend, "core", None)
    monkeypatch.setattr(fe.spectral._common, "_designs", {})
    for call, wanted in zip(calls, compiled, strict=True):
        assert_allclose(call(), wanted, rtol=1e-8, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.skipif(_backend.core is None, reason="the compiled core is not built")
def test_the_core_refuses_tables_that_do_not_fit():
    tables = {
        "tapers": np.ones((2, 8)), "detrend": True, "first": 1, "stop": 3, "scale": np.ones(5), "weights": np.ones(2),
        "eigenvalues": np.empty(0), "edges": np.array([[0, 2]]), "width": np.ones(1),
    }  # fmt: skip
    for change in (
        {"tapers": np.ones(8)}, {"first": 3}, {"stop": 6}, {"scale": np.ones(4)}, {"weights": np.ones(3)},
        {"weights": np.array([1.0, -1.0])},
        {"eigenvalues": np.ones(3)}, {"eigenvalues": np.array([1.0, -1.0])}, {"edges": np.array([[0, 3]])},
        {"edges": np.array([[1, 1]])}, {"width": np.ones(2)},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must|not among|of band"):
            _backend.core.TaperedSpectra(**(tables | change))
    spectra = _backend.core.TaperedSpectra(**tables)
    x = np.zeros((2, 20))
    assert spectra.compute(x, 4, 4, 1, None, 1).shape == (2, 1)
    for arguments in ((4, 5), (0, 1), (1, 0), (13, 2)):
        with pytest.raises(ValueError, match="segments must lie within"):
            spectra.compute(x, *arguments, 1, None, 1)
    with pytest.raises(ValueError, match="at least 8 samples"):
        spectra.compute(x[:, :7], 1, 1, 1, None, 1)
    wavelets = {"n_samples": 6, "n_fft": 8, "even": np.ones((2, 5)), "odd": np.ones((2, 5)), "detrend": False}
    for change in (
        {"n_fft": 5},
        {"even": np.ones((2, 4))},
        {"odd": np.ones((1, 5))},
        {"share": np.ones((3, 1))},
    ):
        with pytest.raises(ValueError, match="must"):
            _backend.core.WaveletTransform(**({"share": np.ones((2, 0))} | wavelets | change))
    transform = _backend.core.WaveletTransform(**wavelets, share=np.ones((2, 0)))
    with pytest.raises(ValueError, match="x must have 6 samples"):
        transform.compute(np.zeros(7), 1, 1, None, 1)
    with pytest.raises(ValueError, match="no bands"):
        transform.compute(np.zeros(6), 2, 1, None, 1)
    memory = np.zeros(16)
    with pytest.raises(ValueError, match="out overlaps x"):
        transform.compute(memory[:6], 1, 1, memory[4:].reshape(2, 6), 1)
