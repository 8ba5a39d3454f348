"""Spectra, trends and the analytic signal of whole arrays, against SciPy."""

import warnings

import numpy as np
import pytest
import scipy.signal as sps
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_cases import LAYOUTS, SHAPES, needs_core, never_scipy, noise

import fastemo as fe

assert never_scipy  # a fixture


def same(got, expected):
    """To what two FFTs, two orders of summation and float32 where it is the result may differ."""
    if isinstance(expected, tuple):
        assert len(got) == len(expected)
        for g, e in zip(got, expected, strict=True):
            same(g, e)
        return
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    scale = np.abs(expected).max(initial=1e-300)
    single = got.dtype in (np.float32, np.complex64)
    np.testing.assert_allclose(
        got, expected, rtol=1e-4 if single else 1e-9, atol=scale * (1e-5 if single else 1e-13)
    )


def both(name, *arguments, **options):
    return getattr(fe.signal, name)(*arguments, **options), getattr(sps, name)(*arguments, **options)


OPTIONS = [
    {"nperseg": 64},
    {"nperseg": 100, "noverlap": 99},
    {"nperseg": 77, "noverlap": 0},
    {"nperseg": 64, "nfft": 150},
    {"nperseg": 97, "nfft": 97, "detrend": "linear"},
    {"nperseg": 64, "detrend": False},
    {"nperseg": 64, "scaling": "spectrum"},
    {"window": "boxcar", "nperseg": 1, "noverlap": 0},
    {"window": ("kaiser", 5.0), "nperseg": 50},
    {"window": sps.get_window("hamming", 60)},
    {"window": list(np.hanning(32)), "nperseg": 32},
]


@needs_core
@pytest.mark.usefixtures("never_scipy")
class TestIsSciPy:
    @pytest.mark.parametrize("name", ["welch", "spectrogram"])
    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
    def test_options(self, name, options, dtype):
        for shape, axis in [((300,), -1), ((3, 300), -1), ((300, 9), 0), ((2, 300, 3), 1)]:
            x = (10 * noise(shape)).astype(dtype)
            same(*both(name, x, 250.0, axis=axis, **options))

    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_shapes(self, shape, axis):
        x, y, size = noise(shape), noise(shape, seed=1), {"nperseg": 60, "axis": axis, "fs": 250}
        same(*both("welch", x, **size))
        same(*both("periodogram", x, 250, axis=axis))
        same(*both("csd", x, y, **size))
        same(*both("coherence", x, y, **size))
        same(*both("spectrogram", x, **size))
        same(*both("stft", x, **size))
        if shape != (1, 333):  # one signal, and a length with a large prime factor: left to SciPy
            same(*both("hilbert", x, axis=axis))
        same(*both("detrend", x, axis))
        same(*both("detrend", x, axis, "constant"))

    @pytest.mark.parametrize("options", OPTIONS)
    def test_pairs(self, options):
        x, y = noise((5, 300)), noise((5, 300), seed=1)
        same(*both("csd", x, y, 250.0, **options))
        same(*both("csd", x[:, None], y[None], 250.0, **options))
        same(*both("csd", x[0], y[0], 250.0, **options))
        if "scaling" not in options and options.get("nperseg") != 1:
            same(*both("coherence", x, y, 250.0, **options))

    def test_pairs_of_types(self):
        x, y = noise((5, 300), np.float32), noise((5, 300), seed=1)
        for pair in [(x, y), (y, x), (x, x[::-1])]:
            got, expected = fe.signal.csd(*pair, nperseg=64)[1], sps.csd(*pair, nperseg=64)[1]
            assert got.dtype == expected.dtype
            truth = sps.csd(*(v.astype(np.float64) for v in pair), nperseg=64)[1]
            np.testing.assert_allclose(got, truth, rtol=1e-6, atol=1e-6 * np.abs(truth).max())

    @pytest.mark.parametrize("n_segments", [1, 2, 5, 8])
    def test_medians(self, n_segments):
        x, y = noise((3, 50 + 25 * (n_segments - 1))), noise((3, 50 + 25 * (n_segments - 1)), seed=1)
        same(*both("welch", x, nperseg=50, average="median"))
        same(*both("csd", x, y, nperseg=50, average="median"))
        for name in ("welch", "csd"):
            got, expected = both(
                name,
                *(v.astype(np.float32) for v in ((x,) if name == "welch" else (x, y))),
                nperseg=50,
                average="median",
            )
            assert got[1].dtype == expected[1].dtype

    @pytest.mark.parametrize("nfft", [None, 100, 300, 301, 1000])
    @pytest.mark.parametrize("window", ["boxcar", "hann", None])
    @pytest.mark.parametrize("detrend", ["constant", "linear", False])
    def test_periodogram(self, nfft, window, detrend):
        x = noise((3, 300, 2))
        same(*both("periodogram", x, 250, window, nfft, detrend, axis=1))

    @pytest.mark.parametrize("mode", ["psd", "complex", "magnitude", "angle", "phase"])
    @pytest.mark.parametrize(("shape", "axis"), [((700,), -1), ((3, 700), -1), ((700, 2), 0), ((9, 150), 1)])
    def test_modes(self, mode, shape, axis):
        # Angles at 0 Hz are 0 or pi by the sign of a rounding error once the mean is off.
        x = noise(shape)
        same(*both("spectrogram", x, 250, nperseg=64, mode=mode, axis=axis, detrend=False))

    @pytest.mark.parametrize("boundary", ["zeros", None])
    @pytest.mark.parametrize("padded", [True, False])
    @pytest.mark.parametrize("scaling", ["spectrum", "psd"])
    @pytest.mark.parametrize(
        "options",
        [{"nperseg": 64}, {"nperseg": 63, "noverlap": 60}, {"nperseg": 1, "noverlap": 0, "window": "boxcar"}],
    )
    def test_stft(self, boundary, padded, scaling, options):
        for shape, axis in [((300,), -1), ((3, 301), -1), ((300, 9), 0)]:
            x = noise(shape)
            same(
                *both("stft", x, 250, boundary=boundary, padded=padded, scaling=scaling, axis=axis, **options)
            )

    def test_shortens_segments_and_says_so(self):
        x = noise((2, 100))
        for name, arguments in [
            ("welch", (x,)),
            ("csd", (x, x[::-1])),
            ("spectrogram", (x,)),
            ("stft", (x,)),
        ]:
            with pytest.warns(UserWarning, match="nperseg=256 is greater than the 100 samples") as caught:
                got = getattr(fe.signal, name)(*arguments)
            assert caught[0].filename == __file__
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                same(got, getattr(sps, name)(*arguments))

    @pytest.mark.parametrize("n", [1, 2, 3, 16, 97, 1000, 1009])
    @pytest.mark.parametrize("length", [None, 1, 50, 128, 997])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
    def test_hilbert(self, n, length, dtype):
        x = (noise((5, n)) * 9).astype(dtype)
        got, expected = both("hilbert", x, length)
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=np.abs(x).max() * (1e-5 if dtype == np.float32 else 1e-12)
        )

    @pytest.mark.parametrize("n", [2048, 2056, 4072, 8 * 521, 10000])  # from 2048 on, eighths of one signal
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_long_hilbert(self, n, dtype):
        x = (9 * noise((3, n))).astype(dtype)
        close = {"rtol": 0, "atol": 1e-4 if dtype == np.float32 else 1e-12}
        whole, expected = both("hilbert", x)
        np.testing.assert_allclose(whole, expected, **close)
        np.testing.assert_array_equal(whole.real, x)
        for length in (max(n - 8, 2048), n + 8, 3 * n + 8):
            np.testing.assert_allclose(*both("hilbert", x, length), **close)
        turned = np.asfortranarray(np.moveaxis(x, -1, 0))[:, ::-1]
        np.testing.assert_array_equal(fe.signal.hilbert(turned, axis=0), whole[::-1].T)
        np.testing.assert_array_equal(fe.signal.hilbert(x[1]), whole[1])
        np.testing.assert_array_equal(fe.signal.hilbert(x, threads=2), whole)
        x[1, 5] = np.nan
        np.testing.assert_array_equal(fe.signal.hilbert(x)[[0, 2]], whole[[0, 2]])
        assert np.isnan(fe.signal.hilbert(x)[1].imag).all()

    @pytest.mark.parametrize("bp", [0, 100, [50, 51, 299], [0, 300], np.array([200, 10])])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
    def test_detrend(self, bp, dtype):
        x = (noise((3, 300, 2)) + np.linspace(0, 9, 300)[:, None]).astype(dtype)
        got, expected = both("detrend", x, 1, "linear", bp)
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, atol=1e-5 if dtype == np.float32 else 1e-12)

    def test_detrend_overwrites_if_it_may(self):
        for kind in ("linear",):
            x = noise((9, 300))
            expected = sps.detrend(x, type=kind)
            np.testing.assert_allclose(
                fe.signal.detrend(x, type=kind, overwrite_data=True), expected, atol=1e-12
            )
            np.testing.assert_allclose(x, expected, atol=1e-12)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_what_is_not_finite_stays_in_its_signal(self, value):
        x = noise((9, 600))
        x[2, 50] = value
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            for name, options in [
                ("welch", {"nperseg": 64}),
                ("spectrogram", {"nperseg": 64}),
                ("detrend", {"type": "constant"}),
            ]:
                got, expected = both(name, x, **options)
                got, expected = (v[-1] if isinstance(v, tuple) else v for v in (got, expected))
                np.testing.assert_array_equal(np.isfinite(got), np.isfinite(expected))


def test_lines_refuse_what_is_not_finite():
    x = noise((9, 300))
    x[3, 7] = np.nan
    before = x.copy()
    with pytest.raises(ValueError, match="infs or NaNs"):
        fe.signal.detrend(x, out=x)
    with pytest.raises(ValueError, match="infs or NaNs"):
        fe.signal.detrend(x, overwrite_data=True)
    np.testing.assert_array_equal(x, before)
    for name in ("welch", "periodogram", "spectrogram"):
        with pytest.raises(ValueError, match="x has infs or NaNs"):
            getattr(fe.signal, name)(x, detrend="linear")
    for call in (fe.signal.csd, fe.signal.coherence):
        with pytest.raises(ValueError, match="x has infs or NaNs"):
            call(x, x[::-1], detrend="linear")
    fe.signal.welch(np.r_[np.ones(300), np.nan], nperseg=100, detrend="linear")  # in no segment


FUNCTIONS = {
    "welch": lambda x, **more: fe.signal.welch(x, nperseg=64, **more)[1],
    "welch median": lambda x, **more: fe.signal.welch(x, nperseg=64, average="median", **more)[1],
    "periodogram": lambda x, **more: fe.signal.periodogram(x, **more)[1],
    "csd": lambda x, **more: fe.signal.csd(x, x[..., ::-1] + 1, nperseg=64, **more)[1],
    "coherence": lambda x, **more: fe.signal.coherence(x, x[..., ::-1] ** 2, nperseg=64, **more)[1],
    "spectrogram": lambda x, **more: fe.signal.spectrogram(x, nperseg=64, **more)[2],
    "stft": lambda x, **more: fe.signal.stft(x, nperseg=64, **more)[2],
    "hilbert": lambda x, **more: fe.signal.hilbert(x, **more),
    "detrend": lambda x, **more: fe.signal.detrend(x, **more),
    "detrend constant": lambda x, **more: fe.signal.detrend(x, type="constant", **more),
}


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS)
class TestWhereAndHow:
    @pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
    def test_layout_does_not_matter(self, call, layout):
        x = noise((11, 300))
        np.testing.assert_array_equal(call(layout(x)), call(x))

    def test_neither_do_neighbours(self, call):
        x = noise((13, 900))
        together = call(x)
        for c in range(13):
            np.testing.assert_array_equal(call(x[c]), together[c])

    @pytest.mark.parametrize("threads", [2, 3, 16])
    def test_nor_threads(self, call, threads):
        x = noise((70, 900))
        np.testing.assert_array_equal(call(x, threads=threads), call(x))

    def test_refuses_threads(self, call):
        with pytest.raises(ValueError, match="threads must be a whole number of at least 1, got 0"):
            call(noise((3, 300)), threads=0)


@pytest.mark.parametrize(
    "name", ["welch", "welch median", "periodogram", "spectrogram", "detrend", "detrend constant"]
)
def test_into_an_array(name):
    x = noise((9, 900))
    expected = FUNCTIONS[name](x)
    for dtype in (np.float64, np.float32):
        out = np.full((*expected.shape[:-1], 2 * expected.shape[-1]), -1.0, dtype)[..., ::2]
        assert FUNCTIONS[name](x, out=out) is out
        np.testing.assert_array_equal(out, expected.astype(dtype))
    with pytest.raises(ValueError, match=r"out has shape \(2, 2\), expected that of the result"):
        FUNCTIONS[name](x, out=np.zeros((2, 2)))
    if name.startswith("detrend"):
        assert FUNCTIONS[name](x, out=x) is x
        np.testing.assert_array_equal(x, expected)


X = noise(90)
BAD = {
    "nperseg": ("welch", (X,), {"nperseg": 0}),
    "noverlap": ("welch", (X,), {"nperseg": 32, "noverlap": 32}),
    "nfft": ("welch", (X,), {"nperseg": 32, "nfft": 16}),
    "window": ("welch", (X,), {"nperseg": 32, "window": "no such window"}),
    "window length": ("welch", (X,), {"nperseg": 32, "window": np.ones(16)}),
    "scaling": ("welch", (X,), {"nperseg": 32, "scaling": "loud"}),
    "average": ("welch", (X,), {"nperseg": 32, "average": "mode"}),
    "detrend": ("welch", (X,), {"nperseg": 32, "detrend": "cubic"}),
    "axis": ("welch", (X,), {"nperseg": 32, "axis": 1}),
    "window too long": ("spectrogram", (X,), {"window": np.ones(100)}),
    "mode": ("spectrogram", (X,), {"mode": "cepstrum"}),
    "boundary": ("stft", (X,), {"nperseg": 32, "boundary": "mirror"}),
    "stft scaling": ("stft", (X,), {"nperseg": 32, "scaling": "density"}),
    "broadcast": ("csd", (noise((2, 90)), noise((3, 90))), {"nperseg": 32}),
    "periodogram window": ("periodogram", (X,), {"window": np.ones(8)}),
    "hilbert complex": ("hilbert", (X * 1j,), {}),
    "hilbert length": ("hilbert", (X, 0), {}),
    "trend": ("detrend", (X,), {"type": "cubic"}),
    "breaks": ("detrend", (X,), {"bp": 91}),
}


@pytest.mark.parametrize(("name", "arguments", "options"), BAD.values(), ids=BAD)
def test_raises_as_scipy(name, arguments, options):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(sps, name)(*arguments, **options)
    with pytest.raises(type(theirs.value)):
        getattr(fe.signal, name)(*arguments, **options)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("welch", (X * 1j,), {"nperseg": 32}),
        ("welch", (np.empty((0, 9)),), {}),
        ("csd", (X, X), {"nperseg": 32}),
        ("coherence", (X, X), {"nperseg": 32}),
        ("spectrogram", (X * 1j,), {"nperseg": 32, "return_onesided": False}),
        ("periodogram", (np.empty(0),), {}),
        ("periodogram", (np.arange(100_003) % 7.0,), {}),  # a long prime
        ("detrend", (X * 1j,), {}),
        ("detrend", (X.astype(np.longdouble),), {"type": "constant"}),
    ],
)
def test_leaves_the_rest_to_scipy(name, arguments, options):
    same(*both(name, *arguments, **options))


@needs_core
@pytest.mark.parametrize(
    ("nperseg", "noverlap"), [(256, 128), (256, 192), (256, 248), (250, 150), (243, 162), (512, 0)]
)
def test_means_of_overlapping_segments_do_not_depend_on_company(nperseg, noverlap):
    """Alone a signal has its segments side by side, in company one after the other, with sums in common."""
    x = noise((19, 3000)) + 1e3
    options = {"nperseg": nperseg, "noverlap": noverlap}
    many = fe.signal.welch(x, 250.0, **options)[1]
    np.testing.assert_array_equal(many[5], fe.signal.welch(x[5], 250.0, **options)[1])
    same(many, sps.welch(x, 250.0, **options)[1])


@pytest.mark.parametrize(
    "unhashable", [{"noverlap": np.array(32)}, {"nfft": np.array(128)}, {"fs": np.array(2.0)}]
)
def test_options_without_a_hash(unhashable):
    x, options = noise((2, 500)), {"nperseg": 64} | unhashable
    same(fe.signal.welch(x, **options), sps.welch(x, **options))


def test_parseval():
    """The density adds up to the variance."""
    x = noise((3, 4096), offset=0)
    f, p = fe.signal.periodogram(x, 250)
    np.testing.assert_allclose(p.sum(axis=-1) * f[1], x.var(axis=-1), rtol=1e-12)


@settings(max_examples=50)
@given(
    n=st.integers(8, 500),
    nperseg=st.integers(1, 300),
    overlap=st.floats(0, 0.999),
    zeros=st.integers(0, 50),
    n_channels=st.integers(1, 10),
    detrend=st.sampled_from(["constant", "linear", False]),
)
def test_any_segments(n, nperseg, overlap, zeros, n_channels, detrend):
    nperseg = min(n, nperseg)
    if detrend == "linear" and nperseg < 3:
        detrend = False  # what is left is rounding errors
    x, y = noise((n_channels, n)), noise((n_channels, n), seed=1)
    options = {
        "nperseg": nperseg, "noverlap": int(overlap * nperseg), "nfft": nperseg + zeros, "detrend": detrend,
        "window": "hamming",
    }  # fmt: skip
    same(*both("welch", x, **options))
    same(*both("csd", x, y, **options))
    same(*both("spectrogram", x, **options))
    same(*both("stft", x, **options))
