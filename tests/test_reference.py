"""The reference kernels and ops against SciPy, NumPy and sums done by hand."""

import numpy as np
import pytest
import scipy.signal as ss
from hypothesis import given
from hypothesis import strategies as st

from fastemo._program import Op
from fastemo.reference import band_power, differential_entropy, rfft_power, sliding_mean_square
from fastemo.reference.ops import OPS, Slot
from fastemo.reference.signal import SosFilter, sosfilt

RNG = np.random.default_rng(0)
SOS = ss.butter(4, [1, 45], "bandpass", fs=250, output="sos")
HIGHPASS = ss.butter(3, 1, "highpass", fs=250, output="sos")
BANK = np.array(
    [ss.butter(4, band, "bandpass", fs=250, output="sos") for band in ([4, 8], [8, 13], [13, 30])]
)
X = RNG.normal(size=(5, 300)) * 20 + 400


@pytest.mark.parametrize("sos", [SOS, HIGHPASS, SOS[:1]])
@pytest.mark.parametrize(("shape", "axis"), [((200,), -1), ((3, 200), -1), ((200, 3), 0), ((2, 3, 50), 1)])
def test_sosfilt_has_the_bits_of_scipy(sos, shape, axis):
    x = RNG.normal(size=shape)
    np.testing.assert_array_equal(sosfilt(sos, x, axis), ss.sosfilt(sos, x, axis))
    zi_shape = list(shape)
    zi_shape[axis] = 2
    zi = RNG.normal(size=(len(sos), *zi_shape))
    for got, wanted in zip(sosfilt(sos, x, axis, zi), ss.sosfilt(sos, x, axis, zi), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_sosfilt_has_the_dtype_of_scipy():
    for dtype in (np.float32, np.float64, np.int16):
        x = (100 * RNG.normal(size=50)).astype(dtype)
        wanted = ss.sosfilt(SOS, x)
        assert sosfilt(SOS, x).dtype == wanted.dtype
        np.testing.assert_array_equal(sosfilt(SOS, x), wanted)
    x32, sos32 = X.astype(np.float32), SOS.astype(np.float32)
    np.testing.assert_array_equal(sosfilt(sos32, x32), ss.sosfilt(sos32, x32))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            (np.zeros((2, 5)), X),
            r"sos must be second-order sections of shape \(n_sections, 6\), got shape \(2, 5\)",
        ),
        ((2 * SOS, X), r"sos\[:, 3\] \(a0\) must be 1"),
        ((SOS, 1.0), "x must have at least one dimension"),
        ((SOS, X, -1, np.zeros((4, 5))), r"zi must have shape \(4, 5, 2\)"),
    ],
)
def test_sosfilt_refuses(args, message):
    with pytest.raises(ValueError, match=message):
        sosfilt(*args)


@pytest.mark.parametrize("init", ["zero", "first"])
@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_sos_filter_does_not_see_chunks(init, cuts):
    f, x = SosFilter(SOS, 5, ss.sosfilt_zi(SOS) if init == "first" else None), X[:, :60]
    parts = [f.process(chunk) for chunk in np.split(x, sorted(cuts), axis=1)]
    zi = ss.sosfilt_zi(SOS)[:, None] * x[None, :, :1] if init == "first" else np.zeros((4, 5, 2))
    np.testing.assert_array_equal(np.hstack(parts), ss.sosfilt(SOS, x, zi=zi)[0])


def test_sos_filter_layouts_dtypes_and_out():
    whole = ss.sosfilt(SOS, X)
    np.testing.assert_array_equal(SosFilter(SOS, 5).process(X.T, layout="samples_first"), whole.T)
    x32 = X.astype(np.float32)
    np.testing.assert_array_equal(SosFilter(SOS, 5).process(x32), ss.sosfilt(SOS, x32.astype(np.float64)))
    y = X.copy()
    assert SosFilter(SOS, 5).process(y, out=y) is y
    np.testing.assert_array_equal(y, whole)
    f = SosFilter(SOS, 5)
    f.process(X)
    f.reset()
    np.testing.assert_array_equal(f.process(X), whole)


def test_init_first_makes_no_step():
    constant = np.full((1, 50), 4000.0)
    # The state of sosfilt_zi solves a linear system, so rest is exact only to rounding of 4000.
    assert np.abs(SosFilter(HIGHPASS, 1, ss.sosfilt_zi(HIGHPASS)).process(constant)).max() < 1e-8
    assert np.abs(SosFilter(HIGHPASS, 1).process(constant)).max() > 3000


def test_sos_filter_refuses_to_be_made():
    with pytest.raises(ValueError, match=r"zi must have shape \(4, 2\), got \(4, 5, 2\)"):
        SosFilter(SOS, 5, np.zeros((4, 5, 2)))
    with pytest.raises(ValueError, match="n_channels must be at least 1"):
        SosFilter(SOS, 0)


def make(kind, *inputs, length=50, **tensors):
    """An op by itself; inputs are example arrays, or slots."""
    slots = [i if isinstance(i, Slot) else Slot(OPS[kind].reads, np.shape(i)) for i in inputs]
    arrays = {name: np.atleast_1d(value) for name, value in tensors.items()}
    return OPS[kind](Op(kind, tuple(range(len(slots))), arrays), slots, length)


def signal_op(kind, **tensors):
    return make(kind, Slot("signal", (5,)), **tensors)


def test_reference_op():
    assert make("reference", Slot("signal", (2,)), weights=[0.5, 0.5]).process(
        np.array([[2.0, 1.0], [4.0, 9.0]])
    ).tolist() == [[-1, -4], [1, 4]]
    y = signal_op("reference", weights=np.full(5, 0.2)).process(X)
    np.testing.assert_allclose(y, X - X.mean(axis=0), atol=1e-12)


def test_matrix_op():
    coef = RNG.normal(size=(3, 5))
    op = signal_op("matrix", coef=coef)
    assert op.output == Slot("signal", (3,))
    np.testing.assert_allclose(op.process(X), coef @ X, rtol=1e-12)


def test_sos_op_starts_at_rest_on_the_first_sample():
    zi = ss.sosfilt_zi(SOS)
    op = signal_op("sos", coef=SOS, zi=zi)
    wanted = ss.sosfilt(SOS, X, zi=zi[:, None] * X[None, :, :1])[0]
    np.testing.assert_array_equal(np.hstack([op.process(X[:, :7]), op.process(X[:, 7:])]), wanted)
    op.reset()
    np.testing.assert_array_equal(op.process(X), wanted)


def test_bank_power_op_is_a_filter_and_a_moving_mean():
    zi = np.array([ss.sosfilt_zi(sos) for sos in BANK])
    op = signal_op("bank_power", coef=BANK, zi=zi)
    assert op.output == Slot("vector", (3, 5))
    filtered = np.array(
        [ss.sosfilt(s, X, zi=z[:, None] * X[None, :, :1])[0] for s, z in zip(BANK, zi, strict=True)]
    )
    for end in (50, 60, 90, 300):
        op.process(X[:, {50: 0, 60: 50, 90: 60, 300: 90}[end] : end])
        wanted = (filtered[:, :, end - 50 : end] ** 2).mean(axis=-1)
        np.testing.assert_allclose(op.value(), wanted, rtol=1e-13)
    op.reset()
    op.process(X[:, :50])
    np.testing.assert_allclose(op.value(), (filtered[:, :, :50] ** 2).mean(axis=-1), rtol=1e-13)


def test_window_op():
    op = signal_op("window")
    for start in range(0, 300, 30):
        op.process(X[:, start : start + 30])
    np.testing.assert_array_equal(op.value(), X[:, 250:])


@pytest.mark.parametrize("detrend", [0, 1])
@pytest.mark.parametrize("length", [50, 51])
def test_fft_power_op_is_a_sum_of_sines(detrend, length):
    taper, scale = RNG.normal(size=length), RNG.uniform(1, 2, size=8)
    x = X[:, :length]
    op = make(
        "fft_power", Slot("window", (5, length)), length=length,
        taper=taper, bins=[2, 10], scale=scale, detrend=detrend,
    )  # fmt: skip
    centred = x - x.mean(axis=1, keepdims=True) if detrend else x
    turns = np.exp(-2j * np.pi * np.outer(np.arange(2, 10), np.arange(length)) / length)
    wanted = scale[:, None] * np.abs(turns @ (centred * taper).T) ** 2
    assert op.output == Slot("vector", (8, 5))
    # An explicit sum of cosines of large arguments is good to about 1e-12 of the largest term.
    np.testing.assert_allclose(op.process(x), wanted, rtol=1e-9, atol=1e-8)


def test_band_ops():
    x = np.arange(8.0).reshape(4, 2)
    assert make("bandsum", x, edges=[[0, 2], [1, 4]], weight=[1.0, 0.5]).process(x).tolist() == [
        [2, 4],
        [6, 7.5],
    ]
    shares = make("relative", x, n_rows=4).process(np.array([[1.0, 0], [2, 0], [3, 0], [4, 0]]))
    assert shares.tolist() == [[0.1, 0], [0.2, 0], [0.3, 0], [0.4, 0]]


def test_elementwise_ops():
    x = np.array([[1.0, np.e], [0.0, -1.0]])
    y = make("log", x, gain=2.0, offset=1.0, floor=0.5).process(x)
    np.testing.assert_allclose(y, [[1, 3], [1 + 2 * np.log(0.5)] * 2], rtol=1e-15)
    y = make("affine", x, shift=[1.0, 0, 0, 1], scale=[2.0, 1, 1, 3]).process(x)
    np.testing.assert_array_equal(y, [[0, np.e], [0, -6]])
    y = make("sigmoid", x[:1]).process(np.array([[0.0, np.log(3)]]))
    np.testing.assert_allclose(y, [[0.5, 0.75]], rtol=1e-15)


def test_concat_stacks_rows_of_equal_width():
    a, b, c = np.ones((2, 3)), np.zeros((1, 3)), np.full((1, 2), 5.0)
    np.testing.assert_array_equal(make("concat", a, b).process(a, b), np.vstack([a, b]))
    np.testing.assert_array_equal(make("concat", a, c).process(a, c), [[1, 1, 1, 1, 1, 1, 5, 5]])


def test_decoder_ops():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    y = make("linear", x, coef=[[1.0, 0, 0, -1], [1, 1, 1, 1]], bias=[0.5, 0.0]).process(x)
    assert y.tolist() == [[-2.5, 10]]
    np.testing.assert_allclose(make("softmax", y).process(np.log([[1.0, 3.0]])), [[0.25, 0.75]], rtol=1e-15)
    assert make("softmax", y).process(np.array([[1000.0, -1000.0]])).tolist() == [[1, 0]]


def test_smoothing_ops_by_hand():
    def run(op):
        return [op.process(np.array([[v]])).item() for v in (8.0, 0.0, 4.0, 4.0)]

    ema, boxcar = make("ema", np.zeros((1, 1)), alpha=0.25), make("boxcar", np.zeros((1, 1)), n=3)
    assert run(ema) == [8, 6, 5.5, 5.125]
    assert run(boxcar) == [8, 4, 4, 8 / 3]
    ema.reset(), boxcar.reset()
    assert run(ema)[0] == 8
    assert run(boxcar)[1] == 4


VECTOR = Slot("vector", (3, 5))


@pytest.mark.parametrize(
    ("kind", "inputs", "tensors", "message"),
    [
        (
            "reference",
            [Slot("signal", (5,))],
            {"weights": np.ones(4)},
            r"weights of shape \(4,\), expected \(5\)",
        ),
        ("reference", [Slot("signal", (5,))], {"weights": np.ones(5, int)}, "dtype int64, expected float64"),
        ("reference", [Slot("signal", (5,))], {"weights": np.full(5, np.nan)}, "NaN or infinity in weights"),
        ("reference", [Slot("signal", (5,))], {}, r"has tensors \[\], expected \['weights'\]"),
        ("reference", [VECTOR], {"weights": np.ones(5)}, "reads a vector, expected a signal"),
        ("reference", [], {"weights": np.ones(5)}, "reads no slot"),
        ("log", [VECTOR, VECTOR], {"gain": 1.0, "offset": 0.0, "floor": 1.0}, "reads 2 slots, expected 1"),
        ("log", [VECTOR], {"gain": 1.0, "offset": 0.0, "floor": 0.0}, "floor 0.0, expected at least"),
        (
            "sos",
            [Slot("signal", (5,))],
            {"coef": SOS, "zi": np.zeros((3, 2))},
            r"zi of shape \(3, 2\), expected \(4, 2\)",
        ),
        ("bandsum", [VECTOR], {"edges": [[0, 4]], "weight": [1.0]}, r"edges or some outside 0\.\.3"),
        ("bandsum", [VECTOR], {"edges": [[1, 1]], "weight": [1.0]}, "empty edges"),
        ("relative", [VECTOR], {"n_rows": 5}, "n_rows 5, but reads 3 rows"),
        (
            "fir",
            [Slot("signal", (5,))],
            {"taps": np.ones(40), "block": 40, "first": 0},
            "block 40, expected 0",
        ),
        (
            "resample",
            [Slot("signal", (5,))],
            {"taps": np.ones(4), "up": 0, "down": 2, "first": 0},
            "up 0 and down 2, expected 1 to",
        ),
        ("fir", [Slot("signal", (5,))], {"taps": np.ones(40), "block": 0, "first": 2}, "first 2, expected"),
        ("ema", [VECTOR], {"alpha": 0.0}, "alpha 0.0, expected above 0"),
        ("boxcar", [VECTOR], {"n": 0}, "n 0, expected at least 1"),
        (
            "fft_power",
            [Slot("window", (5, 50))],
            {"taper": np.ones(50), "bins": [20, 27], "scale": np.ones(7), "detrend": 0},
            r"bins 20\.\.27, expected some of 0\.\.26",
        ),
        (
            "fft_power",
            [Slot("window", (5, 50))],
            {"taper": np.ones(50), "bins": [0, 5], "scale": np.ones(4), "detrend": 0},
            "4 scales for 5 bins",
        ),
    ],
)
def test_ops_refuse_what_does_not_fit(kind, inputs, tensors, message):
    with pytest.raises(ValueError, match=f"op {kind} .*{message}"):
        make(kind, *inputs, **tensors)


def test_rfft_power():
    taper = np.hanning(300)
    wanted = np.abs(np.fft.rfft((X - X.mean(axis=1, keepdims=True)) * taper)) ** 2
    # The square is taken of the parts here and of the modulus there.
    np.testing.assert_allclose(rfft_power(X, taper, detrend=True), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [300, 255])
def test_fft_band_power_is_one_segment_of_welch(n):
    x, bands = X[:, :n], {"theta": (4, 8), "alpha": (8, 13), "all": (0, 126)}
    f, density = ss.welch(x, 250, "hann", nperseg=n, noverlap=0, detrend="constant")
    wanted = [density[:, (f >= lo) & (f < hi)].sum(axis=1) * f[1] for lo, hi in bands.values()]
    np.testing.assert_allclose(band_power(x, 250, bands), np.transpose(wanted), rtol=1e-10)


def test_bands_do_not_hold_their_upper_edge():
    sine = np.sin(2 * np.pi * 10 * np.arange(1000) / 250)
    low, high = band_power(sine, 250, [(5, 10), (10, 20)])
    # The Hann taper spreads a sine over three bins with 1/6, 2/3 and 1/6 of its power of 1/2.
    np.testing.assert_allclose([low, high], [0.5 / 6, 0.5 * 5 / 6], rtol=1e-10)


def test_filterbank_power_and_entropy():
    bands = [(4, 8), (8, 13), (13, 30)]
    filtered = [ss.sosfilt(s, X, zi=ss.sosfilt_zi(s)[:, None] * X[None, :, :1])[0] for s in BANK]
    power = np.mean(np.square(filtered), axis=-1).T
    np.testing.assert_allclose(band_power(X, 250, bands, "filterbank"), power, rtol=1e-12)
    entropy = 0.5 * np.log(2 * np.pi * np.e * power)
    np.testing.assert_allclose(differential_entropy(X, 250, bands), entropy, rtol=1e-12)
    spectral = 0.5 * np.log(2 * np.pi * np.e * band_power(X, 250, bands))
    np.testing.assert_allclose(differential_entropy(X, 250, bands, "spectral"), spectral, rtol=1e-12)


def test_entropy_of_gaussian_noise_is_that_of_its_variance():
    noise = np.random.default_rng(1).normal(size=(1, 100_000)) * 3
    # All the power but that near 0 Hz; its estimate has a relative error of about sqrt(2/n).
    got = differential_entropy(noise, 250, [(0, 126)], "spectral").item()
    assert got == pytest.approx(0.5 * np.log(2 * np.pi * np.e * 9), abs=0.01)


@pytest.mark.parametrize(("length", "hop"), [(1, 1), (10, 3), (7, 7), (5, 12), (300, 1), (301, 1)])
def test_sliding_mean_square(length, hop):
    wanted = [np.mean(X[:, s : s + length] ** 2, axis=1) for s in range(0, 300 - length + 1, hop)]
    got = sliding_mean_square(X, length, hop)
    assert got.shape == (5, len(wanted))
    if wanted:
        np.testing.assert_allclose(got, np.transpose(wanted), rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: band_power(X, 250, [(4, 8)], method="welsh"),
            "method must be one of .*'filterbank'; got 'welsh'",
        ),
        (lambda: differential_entropy(X, 250, [(4, 8)], "sead"), "definition must be one of .*; got 'sead'"),
        (lambda: sliding_mean_square(X, 10, 0), "at least 1 sample, got length=10 and hop=0"),
    ],
)
def test_functions_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()
