"""Recursive filters of whole arrays: SciPy's bits, whatever the shape, type and layout."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal as sps
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_cases import LAYOUTS, SHAPES, needs_core, never_scipy, noise

import fastemo as fe

assert never_scipy  # a fixture

BUTTER = sps.butter(4, [1, 45], "bandpass", fs=250, output="sos")
DESIGNS = {
    "band-pass": BUTTER,
    "low-pass": sps.butter(3, 30, fs=250, output="sos"),
    "high-pass": sps.butter(5, 0.5, "highpass", fs=250, output="sos"),
    "elliptic": sps.ellip(7, 0.1, 60, [8, 13], "bandpass", fs=250, output="sos"),
    "notch": sps.tf2sos(*sps.iirnotch(50, 30, fs=250)),
    "one": sps.butter(1, [8, 13], "bandpass", fs=250, output="sos"),
    "first order": sps.butter(1, 20, fs=250, output="sos"),
    "five": sps.butter(5, [8, 13], "bandpass", fs=250, output="sos"),
}
TRANSFERS = [
    sps.butter(order, [0.1, 0.3] if band else 0.2, "bandpass" if band else "lowpass")
    for order in (1, 2, 3, 6)
    for band in (False, True)
] + [([1.0, 2.0], [2.0, -0.5, 0.25, 0.1]), ([0.5, 0.25, 0.125, 1.0, 0.5], [4.0, 1.0])]


@needs_core
@pytest.mark.usefixtures("never_scipy")
class TestIsSciPy:
    @pytest.mark.parametrize("sos", DESIGNS.values(), ids=DESIGNS)
    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_sosfilt(self, sos, shape, axis):
        x = noise(shape)
        np.testing.assert_array_equal(fe.signal.sosfilt(sos, x, axis), sps.sosfilt(sos, x, axis))

    @pytest.mark.parametrize("transfer", TRANSFERS)
    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_lfilter(self, transfer, shape, axis):
        x = noise(shape)
        np.testing.assert_array_equal(fe.signal.lfilter(*transfer, x, axis), sps.lfilter(*transfer, x, axis))

    @pytest.mark.parametrize("sos", DESIGNS.values(), ids=DESIGNS)
    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_sosfiltfilt(self, sos, shape, axis):
        x = noise(shape)
        np.testing.assert_array_equal(fe.signal.sosfiltfilt(sos, x, axis), sps.sosfiltfilt(sos, x, axis))

    @pytest.mark.parametrize("padtype", ["odd", "even", "constant", None])
    @pytest.mark.parametrize("padlen", [None, 0, 1, 100, 511, 512, 513, 1199])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_padding(self, padtype, padlen, dtype):
        x = noise((9, 1200), dtype)
        for case in (x, x[0]):
            got = fe.signal.sosfiltfilt(BUTTER, case, padtype=padtype, padlen=padlen)
            expected = sps.sosfiltfilt(BUTTER, case, padtype=padtype, padlen=padlen)
            assert got.dtype == expected.dtype
            if dtype == np.float32:  # SciPy extends the signal in float32
                expected = sps.sosfiltfilt(BUTTER, case.astype(np.float64), padtype=padtype, padlen=padlen)
            np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("transfer", TRANSFERS)
    @pytest.mark.parametrize("padtype", ["odd", "even", "constant", None])
    def test_filtfilt(self, transfer, padtype):
        x = noise((5, 700))
        got = fe.signal.filtfilt(*transfer, x, padtype=padtype)
        np.testing.assert_array_equal(got, sps.filtfilt(*transfer, x, padtype=padtype))

    @pytest.mark.parametrize("n_taps", [2, 9, 10, 40, 101])
    @pytest.mark.parametrize("padtype", ["odd", "even", "constant", None])
    def test_filters_without_recursion(self, n_taps, padtype):
        """Their sums may be in another order than SciPy's."""
        taps, x = sps.firwin(n_taps, 0.3) * 2, noise((3, 700, 2))
        np.testing.assert_allclose(
            fe.signal.filtfilt(taps, 2.0, x, 1, padtype=padtype),
            sps.filtfilt(taps, 2.0, x, 1, padtype=padtype),
            rtol=1e-12,
        )
        np.testing.assert_allclose(
            fe.signal.lfilter(taps, 2.0, x, 1), sps.lfilter(taps, 2.0, x, 1), rtol=1e-12
        )

    @pytest.mark.parametrize("taken", [4, 300])
    @pytest.mark.parametrize("n_taps", [5, 40])
    def test_filters_without_recursion_go_on(self, n_taps, taken):
        taps, x = sps.firwin(n_taps, 0.3), noise((3, taken))
        zi = noise((3, n_taps - 1), seed=1)
        for got, expected in zip(
            fe.signal.lfilter(taps, [1.0], x, zi=zi), sps.lfilter(taps, [1.0], x, zi=zi), strict=True
        ):
            np.testing.assert_allclose(got, expected, rtol=1e-12)

    @pytest.mark.parametrize(("shape", "axis"), SHAPES)
    def test_goes_on_from_a_state(self, shape, axis):
        x = noise(shape)
        state_shape = list(shape)
        state_shape[axis] = 2
        zi = noise((len(BUTTER), *state_shape), seed=1)
        pairs = [(fe.signal.sosfilt(BUTTER, x, axis, zi), sps.sosfilt(BUTTER, x, axis, zi))]
        b, a = TRANSFERS[1]
        state_shape[axis] = len(a) - 1
        zi = noise(state_shape, seed=2)
        pairs += [(fe.signal.lfilter(b, a, x, axis, zi), sps.lfilter(b, a, x, axis, zi))]
        for got, expected in pairs:
            np.testing.assert_array_equal(got[0], expected[0])
            np.testing.assert_array_equal(got[1], expected[1])

    def test_stretches_a_state(self):
        b, a = TRANSFERS[1]
        x, zi = noise((4, 100)), noise((1, len(a) - 1))
        for got, expected in zip(fe.signal.lfilter(b, a, x, zi=zi), sps.lfilter(b, a, x, zi=zi), strict=True):
            np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("of_x", [np.float32, np.float64, np.int16, np.int64, np.uint8, bool])
    @pytest.mark.parametrize("of_filter", [np.float32, np.float64])
    def test_types(self, of_x, of_filter):
        """The result has SciPy's type; in float32 it is better than SciPy's, and integers do not overflow."""
        x = (noise((3, 300), offset=0) * 10).astype(of_x)
        sos, b = BUTTER.astype(of_filter), np.array([0.1, 0.2, 0.1], of_filter)
        a = np.array([1, -0.9, 0.5], of_filter)
        calls = {
            "sosfilt": (sos, x),
            "sosfiltfilt": (sos, x if of_x is not bool else x.astype(np.int8)),
            "lfilter": (b, a, x),
        }
        for name, arguments in calls.items():
            got, expected = getattr(fe.signal, name)(*arguments), getattr(sps, name)(*arguments)
            assert got.dtype == expected.dtype, name
            single = got.dtype == np.float32
            *of_filter, signal = (v.astype(np.float64) if single else v for v in arguments)
            truth = getattr(sps, name)(*of_filter, signal.astype(np.float64))
            np.testing.assert_allclose(got, truth, rtol=1e-6 if single else 0, atol=1e-5 if single else 0)

    def test_takes_lists_and_scalars_of_numpy(self):
        x = [1.0, 2.0, 3.0, 2.0, 1.0]
        np.testing.assert_array_equal(
            fe.signal.sosfilt(BUTTER.tolist(), x, np.int8(0)), sps.sosfilt(BUTTER, x)
        )
        np.testing.assert_array_equal(
            fe.signal.lfilter([1.0, 0.5], [1.0, -0.5], x), sps.lfilter([1.0, 0.5], [1.0, -0.5], x)
        )
        swapped = np.array(x, ">f8")
        np.testing.assert_array_equal(fe.signal.sosfilt(BUTTER, swapped), sps.sosfilt(BUTTER, x))

    @pytest.mark.parametrize("sos", DESIGNS.values(), ids=DESIGNS)
    def test_states_of_a_constant(self, sos):
        for design in (sos, sos.astype(np.float32)):
            got, expected = fe.signal.sosfilt_zi(design), sps.sosfilt_zi(design)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("transfer", [*TRANSFERS, ([0.5, 0.5], [1.0])])
    def test_state_of_a_constant(self, transfer):
        np.testing.assert_array_equal(fe.signal.lfilter_zi(*transfer), sps.lfilter_zi(*transfer))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_spreads_as_in_scipy(self, value):
        x = noise((9, 200))
        x[2, 50], x[8, 199], x[5, 0] = value, value, value
        b, a = TRANSFERS[1]
        with np.errstate(invalid="ignore"):  # SciPy's own arithmetic
            for got, expected in [
                (fe.signal.sosfilt(BUTTER, x), sps.sosfilt(BUTTER, x)),
                (fe.signal.sosfilt(BUTTER, x[2]), sps.sosfilt(BUTTER, x[2])),
                (fe.signal.lfilter(b, a, x), sps.lfilter(b, a, x)),
                (fe.signal.sosfiltfilt(BUTTER, x), sps.sosfiltfilt(BUTTER, x)),
            ]:
                np.testing.assert_array_equal(got, expected)

    def test_a_decaying_impulse(self):
        """SciPy's state becomes subnormal in the end, ours zero."""
        x = np.zeros((2, 20_000))
        x[:, 0] = 1
        got, expected = fe.signal.sosfilt(DESIGNS["low-pass"], x), sps.sosfilt(DESIGNS["low-pass"], x)
        sound = np.abs(expected) > 1e-290
        assert 1000 < sound.sum() < x.size
        np.testing.assert_array_equal(got[sound], expected[sound])
        assert np.abs(got[~sound]).max() < 1e-285


FUNCTIONS = {
    "sosfilt": lambda x, **more: fe.signal.sosfilt(BUTTER, x, **more),
    "sosfiltfilt": lambda x, **more: fe.signal.sosfiltfilt(BUTTER, x, **more),
    "lfilter": lambda x, **more: fe.signal.lfilter(*TRANSFERS[1], x, **more),
    "filtfilt": lambda x, **more: fe.signal.filtfilt(*TRANSFERS[1], x, **more),
    "fir": lambda x, **more: fe.signal.lfilter(sps.firwin(31, 0.2), 1.0, x, **more),
}


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS)
class TestWhereAndHow:
    @pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
    def test_layout_does_not_matter(self, call, layout):
        x = noise((11, 300))
        np.testing.assert_array_equal(call(layout(x)), call(x))

    def test_neither_do_neighbours(self, call):
        x = noise((13, 300))
        together = call(x)
        for c in range(13):
            np.testing.assert_array_equal(call(x[c]), together[c])

    @pytest.mark.parametrize("threads", [2, 3, 16])
    def test_nor_threads(self, call, threads):
        x = noise((70, 900))
        np.testing.assert_array_equal(call(x, threads=threads), call(x))

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_into_an_array(self, call, dtype):
        x = noise((9, 300))
        out = np.full((9, 600), -1.0, dtype)[:, ::2]
        assert call(x, out=out) is out
        np.testing.assert_array_equal(out, call(x).astype(dtype))

    @pytest.mark.parametrize("n", [40, 300, 1500])
    def test_in_place(self, call, n):
        for shape in [(9, n), (n,)]:
            x = noise(shape)
            expected = call(x)
            assert call(x, out=x) is x
            np.testing.assert_array_equal(x, expected)

    def test_into_a_part_of_the_signal(self, call):
        base = noise((9, 400))
        x, expected = base[:, 10:310].copy(), call(base[:, 10:310])
        np.testing.assert_array_equal(call(base[:, 10:310], out=base[:, :300]), expected)
        np.testing.assert_array_equal(base[:, 310:], noise((9, 400))[:, 310:])
        np.testing.assert_array_equal(call(x), expected)

    def test_input_is_left_alone(self, call):
        x = noise((9, 300))
        before = x.copy()
        call(x)
        np.testing.assert_array_equal(x, before)

    @pytest.mark.parametrize(
        ("more", "error", "words"),
        [
            ({"threads": 0}, ValueError, "threads must be a whole number of at least 1, got 0"),
            ({"threads": 1.5}, ValueError, "threads must be a whole number of at least 1, got 1.5"),
            ({"threads": True}, ValueError, "threads must be"),
            (
                {"out": np.zeros((2, 9))},
                ValueError,
                r"out has shape \(2, 9\), expected that of the result, \(3, 300\)",
            ),
            ({"out": np.zeros((3, 300), int)}, TypeError, "out must be a NumPy array .* got dtype int64"),
            ({"out": [1]}, TypeError, "out must be a NumPy array .* got list"),
        ],
    )
    def test_refuses(self, call, more, error, words):
        with pytest.raises(error, match=words):
            call(noise((3, 300)), **more)

    def test_refuses_what_cannot_be_written(self, call):
        out = np.zeros((3, 300))
        out.flags.writeable = False
        with pytest.raises(ValueError, match="out is read-only"):
            call(noise((3, 300)), out=out)


B, A = TRANSFERS[1]
BAD = {
    "sos shape": ("sosfilt", (np.ones((2, 5)), np.ones(9))),
    "sos dims": ("sosfilt", (np.ones((1, 2, 6)), np.ones(9))),
    "sos a0": ("sosfilt", (BUTTER * 2, np.ones(9))),
    "x scalar": ("sosfilt", (BUTTER, 3.0)),
    "axis": ("sosfilt", (BUTTER, np.ones((3, 9)), 2)),
    "zi shape": ("sosfilt", (BUTTER, np.ones((3, 9)), -1, np.zeros((4, 2)))),
    "integers": ("sosfilt", (np.ones((1, 6), int), np.ones(9, int))),
    "objects": ("sosfilt", (BUTTER, np.array([1, None]))),
    "objects in lfilter": ("lfilter", (B, A, np.array([1, 2, 3], object))),
    "text": ("sosfilt", (BUTTER, np.array(["a"]))),
    "short": ("sosfiltfilt", (BUTTER, np.ones(27))),
    "padtype": ("sosfiltfilt", (BUTTER, np.ones(99), -1, "mirror")),
    "padlen": ("sosfiltfilt", (BUTTER, np.ones(99), -1, "odd", 99)),
    "filtfilt short": ("filtfilt", (B, A, np.ones(5))),
    "filtfilt method": ("filtfilt", (B, A, np.ones(99), -1, "odd", None, "other")),
    "a0 is zero": ("lfilter", (B, [0.0, 1.0], np.ones(9))),
    "b empty": ("lfilter", ([], A, np.ones(9))),
    "b dims": ("lfilter", (np.ones((2, 2)), A, np.ones(9))),
    "lfilter zi": ("lfilter", (B, A, np.ones((3, 9)), -1, np.zeros((3, 1)))),
    "lfilter zi dims": ("lfilter", (B, A, np.ones((3, 9)), -1, np.zeros(4))),
    "lfilter scalar": ("lfilter", (B, A, 3.0)),
    "fir zi": ("lfilter", (np.ones(12), 1.0, np.ones((3, 9)), -1, np.zeros((3, 1)))),
    "zi of zero": ("lfilter_zi", ([1.0, 1.0], [0.0])),
}


@pytest.mark.parametrize(("name", "arguments"), BAD.values(), ids=BAD)
def test_raises_as_scipy(name, arguments):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(sps, name)(*arguments)
    with pytest.raises(type(theirs.value)) as ours:
        getattr(fe.signal, name)(*arguments)
    assert str(ours.value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sosfilt", (BUTTER, noise((2, 99)) * 1j)),
        ("sosfilt", (BUTTER, noise(99).astype(np.longdouble))),
        ("sosfilt", (BUTTER, np.empty((0, 5)))),
        ("sosfiltfilt", (BUTTER, noise((2, 99)) * 1j)),
        ("lfilter", (B, A, noise(99) * 1j)),
        ("lfilter", (np.asarray(B) * 1j, A, noise(99))),
        ("lfilter_zi", (np.asarray(B) * 1j, A)),
        ("sosfilt_zi", (BUTTER * 2,)),
    ],
)
def test_leaves_the_rest_to_scipy(name, arguments):
    got, expected = getattr(fe.signal, name)(*arguments), getattr(sps, name)(*arguments)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=60)
@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=3),
    n=st.integers(1, 90),
    axis=st.integers(0, 2),
    order=st.integers(1, 5),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_any_shape(shape, n, axis, order, dtype, seed):
    axis %= len(shape)
    shape[axis] = n
    x = noise(shape, dtype, seed)
    sos = sps.butter(order, 0.3, output="sos")
    b, a = sps.butter(order, 0.3)
    np.testing.assert_array_equal(fe.signal.sosfilt(sos, x, axis), sps.sosfilt(sos, x, axis))
    np.testing.assert_array_equal(fe.signal.lfilter(b, a, x, axis), sps.lfilter(b, a, x, axis))
    if n > 20:
        padlen, x = seed % n, x.astype(np.float64)
        np.testing.assert_array_equal(
            fe.signal.sosfiltfilt(sos, x, axis, padlen=padlen), sps.sosfiltfilt(sos, x, axis, padlen=padlen)
        )


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 400), max_size=6), n_channels=st.sampled_from([1, 3, 8, 11]))
def test_any_chunking(cuts, n_channels):
    """A state handed on makes pieces equal the whole."""
    x = noise((n_channels, 400))
    edges = [0, *sorted(cuts), 400]
    zi = np.zeros((len(BUTTER), n_channels, 2))
    pieces = []
    for a, b in pairwise(edges):
        if b > a:
            y, zi = fe.signal.sosfilt(BUTTER, x[:, a:b], zi=zi)
            pieces.append(y)
    np.testing.assert_array_equal(np.hstack(pieces), fe.signal.sosfilt(BUTTER, x))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sosfilt", ([[1.0, 0, 0, 1, 0, 0]], None)),
        ("sosfiltfilt", ([[1.0, 0, 0, 1, 0, 0]], None)),
        ("lfilter", ([1.0, 2.0], [1.0, 0.5], None)),
        ("filtfilt", ([1.0, 2.0], [1.0, 0.5], None)),
        ("upfirdn", ([1.0, 2.0], None)),
        ("oaconvolve", (None, [1.0, 2.0])),
        ("decimate", (None, 2)),
        ("hilbert", (None,)),
        ("detrend", (None,)),
        ("welch", (None,)),
        ("resample_poly", (None, 1, 2)),
    ],
)
def test_none_in_place_of_samples_raises_what_scipy_raises(name, arguments):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(sps, name)(*arguments)
    with pytest.raises(theirs.type) as ours:
        getattr(fe.signal, name)(*arguments)
    assert str(ours.value) == str(theirs.value)


def test_a_gain_both_ways_by_gustafsson_takes_anything():
    x = np.array([1.0, np.nan, 3.0, np.inf])
    expected = sps.filtfilt([2.0], [4.0], x, method="gust")
    np.testing.assert_array_equal(fe.signal.filtfilt([2.0], [4.0], x, method="gust"), expected)
