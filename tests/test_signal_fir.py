"""FIR filters, convolution and changes of rate of whole arrays, against SciPy."""

import numpy as np
import pytest
import scipy.signal as sps
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_cases import LAYOUTS, SHAPES, needs_core, never_scipy, noise

import fastemo as fe

assert never_scipy  # a fixture

# Sums of a few thousand products in another order, or by another FFT, relative to the largest value.
TOLERANCE = 1e-12


def same(got, expected, tolerance=TOLERANCE):
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    scale = np.abs(expected).max(initial=1e-300)
    np.testing.assert_allclose(
        got, expected, rtol=0, atol=scale * (1e-6 if got.dtype == np.float32 else tolerance)
    )


@needs_core
@pytest.mark.usefixtures("never_scipy")
class TestIsSciPy:
    @pytest.mark.parametrize(("up", "down"), [(1, 1), (1, 4), (3, 1), (32, 125), (7, 3), (5, 60), (160, 147)])
    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_upfirdn(self, up, down, shape, axis):
        h, x = noise(61, seed=1), noise(shape)
        same(fe.signal.upfirdn(h, x, up, down, axis), sps.upfirdn(h, x, up, down, axis))

    @pytest.mark.parametrize("n_taps", [1, 2, 3, 31, 500])
    @pytest.mark.parametrize("n", [1, 2, 7, 8, 40, 3000])
    def test_upfirdn_of_few(self, n_taps, n):
        h, x = noise(n_taps, seed=1), noise((2, n))
        for up, down in [(1, 1), (5, 2), (2, 5), (40, 3)]:
            same(fe.signal.upfirdn(h, x, up, down), sps.upfirdn(h, x, up, down))

    @pytest.mark.parametrize(("up", "down"), [(128, 500), (500, 128), (1, 2), (2, 1), (6, 4), (441, 480)])
    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_resample_poly(self, up, down, shape, axis):
        x = noise(shape)
        same(fe.signal.resample_poly(x, up, down, axis), sps.resample_poly(x, up, down, axis))

    def test_resample_poly_starts_at_axis_0(self):
        x = noise((300, 4))
        same(fe.signal.resample_poly(x, 2, 3), sps.resample_poly(x, 2, 3))

    @pytest.mark.parametrize("padtype", ["constant", "mean", "median", "minimum", "maximum"])
    @pytest.mark.parametrize(
        "window", [("kaiser", 8.0), "hamming", sps.firwin(41, 0.3), list(sps.firwin(40, 0.3))]
    )
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_resample_poly_options(self, padtype, window, dtype):
        x = noise((5, 300), dtype)
        got = fe.signal.resample_poly(x, 3, 7, 1, window, padtype)
        same(got, sps.resample_poly(x, 3, 7, 1, window, padtype))

    @pytest.mark.parametrize("ftype", ["iir", "fir"])
    @pytest.mark.parametrize("zero_phase", [True, False])
    @pytest.mark.parametrize(("q", "n"), [(2, None), (4, None), (5, 4), (10, 30)])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
    def test_decimate(self, ftype, zero_phase, q, n, dtype):
        n = min(n, 6) if n and ftype == "iir" else n
        x = (noise((3, 700, 2)) * 10).astype(dtype)
        got, expected = (f.decimate(x, q, n, ftype, 1, zero_phase) for f in (fe.signal, sps))
        assert got.dtype == expected.dtype
        if dtype == np.float32:  # SciPy filters in float32, with filters that are rounded to it
            assert np.abs(got - expected).max() < 2e-3 * np.abs(expected).max()
        else:
            same(got, sps.decimate(x.astype(np.float64), q, n, ftype, 1, zero_phase), 1e-11)

    @pytest.mark.parametrize("mode", ["full", "same", "valid"])
    @pytest.mark.parametrize("n_taps", [2, 9, 10, 101, 1651])
    @pytest.mark.parametrize("n", [50, 1651, 5000])
    def test_oaconvolve(self, mode, n_taps, n):
        x, h = noise((3, n)), noise(n_taps, seed=1)
        same(fe.signal.oaconvolve(x[0], h, mode), sps.oaconvolve(x[0], h, mode))
        if n >= n_taps:
            got, expected = (f.oaconvolve(x, h[None], mode, axes=-1) for f in (fe.signal, sps))
            same(got, expected)
            same(fe.signal.oaconvolve(x.T, h[:, None], mode, axes=0), expected.T)
            same(fe.signal.oaconvolve(x[:, None], h[None, None], mode), expected[:, None])

    def test_oaconvolve_either_way_round(self):
        x, h = noise((3, 500)), noise((1, 40), seed=1)
        same(fe.signal.oaconvolve(h, x, axes=1), sps.oaconvolve(h, x, axes=1))

    @pytest.mark.parametrize("of_x", [np.float32, np.float64, np.int16, np.int64, np.uint8])
    @pytest.mark.parametrize("of_h", [np.float32, np.float64, np.int16, np.int64])
    def test_types(self, of_x, of_h):
        x, h = (noise((3, 300)) * 9).astype(of_x), (noise(31, seed=1) * 9).astype(of_h)
        same(fe.signal.upfirdn(h, x, 2, 3), sps.upfirdn(h, x, 2, 3))
        same(fe.signal.resample_poly(x, 2, 3, 1), sps.resample_poly(x, 2, 3, 1))
        single = np.float32 in (
            of_x,
            of_h,
        )  # which SciPy transforms in float32 even where the result is wider
        same(fe.signal.oaconvolve(x, h[None]), sps.oaconvolve(x, h[None]), 1e-6 if single else TOLERANCE)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_what_is_not_finite_spreads_as_in_scipy(self, value):
        """Where taps reach it, in its own signal; by the FFT at least there."""
        x, h = noise((9, 3000)), noise(31, seed=1)
        x[2, 500], x[8, 2999] = value, value
        got, expected = fe.signal.upfirdn(h, x, 2, 3), sps.upfirdn(h, x, 2, 3)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(expected))
        h = noise(400, seed=1)
        got = fe.signal.oaconvolve(x, h[None], axes=1)
        assert not np.isfinite(got[2, 500:900]).any()
        assert np.isfinite(got[[0, 1, 3, 4, 5, 6, 7]]).all()


def as_out(name, x):
    return np.full_like(FUNCTIONS[name](x), -1)


FUNCTIONS = {
    "upfirdn": lambda x, **more: fe.signal.upfirdn(sps.firwin(41, 0.2), x, 3, 2, **more),
    "resample_poly": lambda x, **more: fe.signal.resample_poly(x, 32, 125, -1, **more),
    "decimate": lambda x, **more: fe.signal.decimate(x, 4, **more),
    "decimate fir": lambda x, **more: fe.signal.decimate(x, 4, ftype="fir", **more),
    "oaconvolve short": lambda x, **more: fe.signal.oaconvolve(
        x, np.ones((1,) * (x.ndim - 1) + (5,)), **more
    ),
    "oaconvolve": lambda x, **more: fe.signal.oaconvolve(x, np.ones((1,) * (x.ndim - 1) + (300,)), **more),
}


@pytest.mark.parametrize("name", FUNCTIONS)
class TestWhereAndHow:
    @pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
    def test_layout_does_not_matter(self, name, layout):
        x = noise((11, 900))
        np.testing.assert_array_equal(FUNCTIONS[name](layout(x)), FUNCTIONS[name](x))

    def test_neither_do_neighbours(self, name):
        x = noise((13, 2500))
        together = FUNCTIONS[name](x)
        for c in range(13):
            np.testing.assert_array_equal(FUNCTIONS[name](x[c]), together[c])

    @pytest.mark.parametrize("threads", [2, 3, 16])
    def test_nor_threads(self, name, threads):
        for shape in [(70, 900), (20_000,)]:
            x = noise(shape)
            np.testing.assert_array_equal(FUNCTIONS[name](x, threads=threads), FUNCTIONS[name](x))

    def test_into_an_array(self, name):
        x = noise((9, 900))
        expected = FUNCTIONS[name](x)
        out = np.full((9, 2 * expected.shape[1]), -1.0)[:, ::2]
        assert FUNCTIONS[name](x, out=out) is out
        np.testing.assert_array_equal(out, expected)
        single = np.empty(expected.shape, np.float32)
        np.testing.assert_array_equal(FUNCTIONS[name](x, out=single), expected.astype(np.float32))

    def test_into_memory_of_the_signal(self, name):
        x = noise((9, 900))
        expected = FUNCTIONS[name](x)
        if expected.size <= x.size:
            out = x.reshape(-1)[: expected.size].reshape(expected.shape)
            np.testing.assert_array_equal(FUNCTIONS[name](x, out=out), expected)

    @pytest.mark.parametrize(
        ("more", "error", "words"),
        [
            ({"threads": 0}, ValueError, "threads must be a whole number of at least 1, got 0"),
            ({"out": np.zeros((2, 9))}, ValueError, r"out has shape \(2, 9\), expected that of the result"),
            ({"out": np.zeros((3, 300), int)}, TypeError, "out must be a NumPy array"),
        ],
    )
    def test_refuses(self, name, more, error, words):
        with pytest.raises(error, match=words):
            FUNCTIONS[name](noise((3, 900)), **more)


ONES = np.ones(90)
BAD = {
    "h dims": ("upfirdn", (np.ones((2, 2)), ONES)),
    "h empty": ("upfirdn", ([], ONES)),
    "up": ("upfirdn", (ONES, ONES, 0)),
    "down": ("upfirdn", (ONES, ONES, 1, -1)),
    "mode": ("upfirdn", (ONES, ONES, 1, 1, -1, "mirror")),
    "resample up": ("resample_poly", (ONES, 0, 2)),
    "resample half": ("resample_poly", (ONES, 1.5, 2)),
    "resample window dims": ("resample_poly", (ONES, 1, 2, 0, np.ones((2, 2)))),
    "resample padtype": ("resample_poly", (ONES, 1, 2, 0, "hamming", "mirror")),
    "resample cval": ("resample_poly", (ONES, 1, 2, 0, "hamming", "mean", 1.0)),
    "resample window name": ("resample_poly", (ONES, 1, 2, 0, "no such window")),
    "decimate q": ("decimate", (ONES, 2.5)),
    "decimate n": ("decimate", (ONES, 2, 2.5)),
    "decimate ftype": ("decimate", (ONES, 2, None, "median")),
    "convolve dims": ("oaconvolve", (np.ones((2, 9)), ONES)),
    "convolve shapes": ("oaconvolve", (np.ones((2, 9)), np.ones((3, 4)), "full", 1)),
    "convolve mode": ("oaconvolve", (np.ones((2, 9)), np.ones((1, 4)), "half", 1)),
    "convolve axes": ("oaconvolve", (np.ones((2, 9)), np.ones((1, 4)), "full", [])),
    "convolve axis": ("oaconvolve", (np.ones((2, 9)), np.ones((1, 4)), "full", 2)),
}


@pytest.mark.parametrize(("name", "arguments"), BAD.values(), ids=BAD)
def test_raises_as_scipy(name, arguments):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(sps, name)(*arguments)
    with pytest.raises(type(theirs.value)):
        getattr(fe.signal, name)(*arguments)


COMPLEX = noise(90) * (1 + 2j)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("upfirdn", (ONES, COMPLEX, 2, 3)),
        ("upfirdn", (COMPLEX, ONES, 2, 3)),
        ("resample_poly", (COMPLEX, 2, 3)),
        ("resample_poly", (np.arange(90), 1, 1)),
        ("resample_poly", (noise(90, np.float16), 2, 3)),
        ("decimate", (COMPLEX, 3)),
        ("oaconvolve", (COMPLEX, ONES[:9])),
        ("oaconvolve", (noise((5, 90)), noise((3, 9)))),
        ("oaconvolve", (noise((5, 90)), noise((5, 9)), "same", 1)),
        ("oaconvolve", (noise(()), noise(()))),
        ("oaconvolve", (noise(9), np.empty(0))),
    ],
)
def test_leaves_the_rest_to_scipy(name, arguments):
    got, expected = getattr(fe.signal, name)(*arguments), getattr(sps, name)(*arguments)
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(got, expected)


def test_pure_tones_keep_their_phase():
    """500 to 128 Hz: a tone below both Nyquist frequencies is the same tone, sample for sample."""
    t, later = np.arange(5000) / 500, np.arange(1280) / 128
    for frequency in (1, 10, 40):
        y = fe.signal.resample_poly(np.sin(2 * np.pi * frequency * t), 128, 500)
        np.testing.assert_allclose(y[100:-100], np.sin(2 * np.pi * frequency * later)[100:-100], atol=2e-3)


@settings(max_examples=60)
@given(
    n=st.integers(1, 400),
    n_taps=st.integers(1, 90),
    up=st.integers(1, 9),
    down=st.integers(1, 9),
    n_channels=st.integers(1, 17),
    single=st.booleans(),
)
def test_any_rate(n, n_taps, up, down, n_channels, single):
    x, h = noise((n_channels, n), np.float32 if single else np.float64), noise(n_taps, seed=1)
    same(fe.signal.upfirdn(h, x, up, down), sps.upfirdn(h, x, up, down))
    same(fe.signal.resample_poly(x, up, down, 1), sps.resample_poly(x, up, down, 1))


@settings(max_examples=60)
@given(
    n=st.integers(1, 3000),
    n_taps=st.integers(1, 600),
    n_channels=st.integers(1, 17),
    mode=st.sampled_from(["full", "same", "valid"]),
)
def test_any_convolution(n, n_taps, n_channels, mode):
    x, h = noise((n_channels, n)), noise((1, n_taps), seed=1)
    same(fe.signal.oaconvolve(x[0], h[0], mode), sps.oaconvolve(x[0], h[0], mode))
    if n >= n_taps:
        same(fe.signal.oaconvolve(x, h, mode, 1), sps.oaconvolve(x, h, mode, 1))
