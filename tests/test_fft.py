"""The real FFT: right for every length, and the same bits however the samples lie in memory."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

import fastemo as fe
from fastemo._backend import core

# Every radix, their products, primes above 13 and their multiples, powers, and what EEG windows are.
LENGTHS = [
    *range(1, 132), 169, 200, 210, 243, 250, 256, 343, 400, 500, 512, 625, 804, 1000, 1001, 1009, 1018, 1024,
    1331, 2000, 2048, 2197, 3003, 4096, 10007,
]  # fmt: skip

needs_core = pytest.mark.skipif(core is None, reason="the compiled core is not built")


def exact(x):
    return scipy.fft.rfft(x.astype(np.longdouble)).astype(np.complex128)


def signals(n, n_signals=3, dtype=np.float64):
    return np.random.default_rng(n).standard_normal((n_signals, n)).astype(dtype)


@pytest.mark.parametrize("n", LENGTHS)
def test_every_length(n):
    x = signals(n)
    bins = fe.spectral.rfft(x)
    truth = exact(x)
    assert bins.shape == (3, n // 2 + 1)
    np.testing.assert_allclose(bins, truth, rtol=0, atol=1e-15 * np.abs(truth).max())
    assert (bins[:, 0].imag == 0).all()
    if n % 2 == 0:
        assert (bins[:, -1].imag == 0).all()


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 100, 512, 1000, 1009])
@pytest.mark.parametrize("n_signals", [1, 2, 7, 8, 9, 16, 19, 70])
def test_single_precision_and_any_number_of_signals(n, n_signals):
    x = signals(n, n_signals, np.float32)
    bins = fe.spectral.rfft(x)
    assert bins.dtype == np.complex64
    truth = exact(x)
    np.testing.assert_allclose(bins, truth, rtol=0, atol=1e-6 * np.abs(truth).max())
    double = fe.spectral.rfft(x.astype(np.float64))
    np.testing.assert_allclose(double, truth, rtol=0, atol=1e-15 * np.abs(truth).max())


def layouts(x):
    """`x` again, laid out in every way that matters to a door."""
    n_signals, n = x.shape
    wide = np.zeros((2 * n_signals, 3 * n + 1), x.dtype)
    wide[::2, 1::3] = x
    backwards = np.ascontiguousarray(x[:, ::-1])
    shifted = np.zeros((n_signals, n + 1), x.dtype)
    shifted[:, 1:] = x
    tall = np.zeros((n, n_signals + 5), x.dtype)
    tall[:, 3 : 3 + n_signals] = x.T
    return {
        "samples first": np.asfortranarray(x),
        "every third sample": wide[::2, 1::3],
        "backwards": backwards[:, ::-1],
        "behind another sample": shifted[:, 1:],
        "among other channels": tall[:, 3 : 3 + n_signals].T,
    }


@pytest.mark.parametrize("n", [1, 5, 8, 17, 20, 96, 250, 1000])
@pytest.mark.parametrize("n_signals", [1, 8, 19, 64])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_same_bits_in_every_layout(n, n_signals, dtype):
    x = signals(n, n_signals, dtype)
    bins = fe.spectral.rfft(x)
    for name, y in layouts(x).items():
        np.testing.assert_array_equal(fe.spectral.rfft(y), bins, err_msg=name)


@given(st.integers(1, 40), st.integers(1, 300), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_every_signal_is_on_its_own(n_signals, n, random):
    """Neighbours, order and number of signals do not change a bit of one."""
    x = signals(n, n_signals)
    order = random.sample(range(n_signals), random.randint(1, n_signals))
    np.testing.assert_array_equal(fe.spectral.rfft(x[order]), fe.spectral.rfft(x)[order])


@needs_core
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_or_two_signals_have_the_bits_of_many(n, dtype):
    """They are transformed one by one, with lanes within the signal."""
    x = signals(n, 16, dtype)
    bins = fe.spectral.rfft(x)
    for few in (x[3:4], x[7:9], np.asfortranarray(x)[3:4], np.repeat(x, 3, axis=1)[7:9, ::3]):
        np.testing.assert_array_equal(fe.spectral.rfft(few), bins[3:4] if len(few) == 1 else bins[7:9])
    np.testing.assert_array_equal(fe.spectral.rfft(x[:10]), bins[:10])


@needs_core
def test_threads_do_not_change_a_bit():
    x = signals(1000, 300)
    np.testing.assert_array_equal(fe.spectral.rfft(x, threads=3), fe.spectral.rfft(x))


def test_axes_and_batches():
    x = np.random.default_rng(0).standard_normal((4, 5, 60))
    np.testing.assert_allclose(fe.spectral.rfft(x), scipy.fft.rfft(x), atol=1e-13)
    for axis in (0, 1, -2):
        np.testing.assert_allclose(fe.spectral.rfft(x, axis), scipy.fft.rfft(x, axis=axis), atol=1e-13)
    windows = np.lib.stride_tricks.sliding_window_view(x, 20, axis=-1)[:, :, ::3]
    np.testing.assert_array_equal(fe.spectral.rfft(windows), fe.spectral.rfft(windows.copy()))
    assert fe.spectral.rfft(np.empty((0, 8))).shape == (0, 5)


@pytest.mark.parametrize("n", [60, 101])
def test_nan_stays_in_its_signal(n):
    x = signals(n, 9)
    bins = fe.spectral.rfft(x)
    x[4, 7] = np.nan
    spoilt = fe.spectral.rfft(x)
    assert np.isnan(spoilt[4].real).all()
    others = np.arange(9) != 4
    np.testing.assert_array_equal(spoilt[others], bins[others])


@pytest.mark.parametrize("n", [16, 45, 1000, 1009])
def test_what_defines_a_transform(n):
    x, y = signals(n, 2)
    bins = fe.spectral.rfft(np.array([x, y, 3 * x - y, np.roll(x, 1)]))
    np.testing.assert_allclose(bins[2], 3 * bins[0] - bins[1], atol=1e-12)
    shift = np.exp(-2j * np.pi * np.arange(n // 2 + 1) / n)
    np.testing.assert_allclose(bins[3], bins[0] * shift, atol=1e-12)
    weight = np.full(n // 2 + 1, 2.0)
    weight[0] = 1
    if n % 2 == 0:
        weight[-1] = 1
    np.testing.assert_allclose(weight @ np.abs(bins[0]) ** 2, n * (x @ x), rtol=1e-13)
    impulse = np.zeros((1, n))
    impulse[0, 0] = 1
    np.testing.assert_allclose(fe.spectral.rfft(impulse), np.ones((1, n // 2 + 1)), atol=1e-14)


HASH = """
import hashlib, sys
import numpy as np
import fastemo as fe
from fastemo._backend import core
assert core.target() == sys.argv[1]
rng = np.random.default_rng(0)
digest = hashlib.sha256()
largest = 0.0
for n in (7, 96, 250, 512, 1000, 1001, 1009):
    x = rng.standard_normal((11, n))
    digest.update(fe.spectral.rfft(x).tobytes())
    digest.update(fe.spectral.rfft(x.astype(np.float32)).tobytes())
    digest.update(fe.spectral.rfft(x[0]).tobytes())
    digest.update(fe.spectral.rfft(x[0].astype(np.float32)).tobytes())
    if n > 90:
        digest.update(fe.spectral.band_power(x, 200, {"b": (8, 30), "g": (30, 50)}).tobytes())
print(digest.hexdigest())
"""


@needs_core
def test_targets_with_fused_operations_give_the_same_bits():
    targets = [t for t in core.targets() if t != "baseline"]
    if len(targets) < 2:
        pytest.skip(f"this machine runs one target with fused operations at most: {core.targets()}")
    digests = {}
    for target in targets:
        done = subprocess.run(
            [sys.executable, "-c", HASH, target],
            env=os.environ | {"FASTEMO_TARGET": target}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        digests[target] = done.stdout.strip()
    assert len(hashlib.sha256().hexdigest()) == len(next(iter(digests.values())))
    assert len(set(digests.values())) == 1, digests


@pytest.mark.parametrize(
    ("x", "error", "fragment"),
    [
        (np.zeros((2, 0)), ValueError, "x must have at least one sample along its last axis, got shape"),
        (1.0, ValueError, "at least one sample"),
        (np.zeros(4, complex), TypeError, "x must be an array of real numbers, got dtype complex128"),
        (np.ma.zeros(4), TypeError, "x is a masked array"),
        (["a", "b"], TypeError, "x must be an array of real numbers"),
    ],
)
def test_bad_arrays(x, error, fragment):
    with pytest.raises(error, match=fragment):
        fe.spectral.rfft(x)


def test_bad_axis_and_threads():
    with pytest.raises(ValueError, match="axis must be from -2 to 1"):
        fe.spectral.rfft(np.zeros((2, 4)), 2)
    with pytest.raises(ValueError, match="threads must be a whole number of at least 1, got 0"):
        fe.spectral.rfft(np.zeros(4), threads=0)


@needs_core
def test_the_core_refuses_what_does_not_fit():
    x = np.zeros((3, 10))
    for out in (np.zeros((3, 6)), np.zeros((3, 5), complex), np.zeros((6, 3), complex).T):
        with pytest.raises(
            ValueError, match="out must be a writable, C-contiguous complex128 array of shape"
        ):
            core.rfft(x, out)
    out = np.zeros((3, 6), complex)
    assert core.rfft(x, out) is out
