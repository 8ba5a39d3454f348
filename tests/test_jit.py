"""Numba kernels in the user's own compiled code, and where they part from NumPy."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.signal as ss
from numba import njit

from fastemo import jit, reference

SOS = ss.butter(2, [8, 13], "bandpass", fs=250, output="sos")
X = np.random.default_rng(0).normal(size=(37, 250))


@njit(error_model="numpy")
def own_feature(rows, sos, plan, taper, edges, coef, bias):
    """Alpha band power behind a filter, decoded: everything in one compiled function."""
    n_channels = rows.shape[1]
    state = np.zeros((2, len(sos), n_channels))
    filtered = np.empty_like(rows)
    jit.sosfilt_rows(sos, state[0], state[1], rows, filtered)
    power = np.empty((n_channels, 20))
    jit.power_spectrum(np.ascontiguousarray(filtered.T), taper, True, plan, 5, power)
    sums = np.empty((n_channels, len(edges)))
    jit.band_sums(power, edges, np.ones(len(edges)), sums)
    scores = np.empty(len(bias))
    jit.linear_scores(coef, bias, np.log(sums[:, 0]), scores)
    jit.softmax(scores)
    return scores


def test_kernels_are_called_from_own_compiled_code():
    rng = np.random.default_rng(1)
    taper, edges = np.hanning(250), np.array([[3, 8]])
    coef, bias = rng.normal(size=(3, 37)) / 37, rng.normal(size=3)
    got = own_feature(np.ascontiguousarray(X.T), SOS, jit.fft_plan(250), taper, edges, coef, bias)
    power = reference.rfft_power(ss.sosfilt(SOS, X), taper, detrend=True)[:, 8:13].sum(axis=1)
    scores = coef @ np.log(power) + bias
    np.testing.assert_allclose(got, np.exp(scores) / np.exp(scores).sum(), rtol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9, 30, 49, 97, 122, 128, 250, 251])
def test_transform_of_any_length(n):
    x, taper = X[:, :n] if n <= 250 else np.hstack([X, X])[:, :n], np.random.default_rng(n).uniform(size=n)
    for detrend in (False, True):
        expected = reference.rfft_power(x, taper, detrend)
        got = jit.rfft_power(x, taper, detrend)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12 * max(expected.max(), 1.0))


@pytest.mark.parametrize("call", [
    lambda x: jit.rfft_power(x),
    lambda x: jit.bank_power(x, SOS[None], ss.sosfilt_zi(SOS)[None]),
    lambda x: jit.SosFilter(SOS, len(x)).process(x),
])  # fmt: skip
def test_signals_do_not_touch_each_other(call):
    x = X.copy()
    x[3, 5], x[20] = np.nan, 1e12
    got, alone = call(x), call(X)
    clean = np.setdiff1d(np.arange(37), [3, 20])
    np.testing.assert_array_equal(got[clean], alone[clean])
    assert np.isnan(got[3]).any()


def test_windows_that_are_no_multiple_of_the_hop():
    rng = np.random.default_rng(2)
    bank = np.stack([SOS, ss.butter(2, [13, 30], "bandpass", fs=250, output="sos")])
    coef, bias = rng.normal(size=(2, 74)) / 74, rng.normal(size=2)
    for length, hop in [(60, 25), (25, 60), (250, 1), (251, 1), (7, 7)]:
        got = jit.sliding_inference(X, SOS, bank, length, hop, coef, bias)
        expected = reference.sliding_inference(X, SOS, bank, length, hop, coef, bias)
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_kernels_leave_the_interpreter_free_and_round_as_written():
    kernels = [k for k in map(jit.__dict__.get, jit.__all__) if hasattr(k, "targetoptions")]
    assert len(kernels) == 11
    for kernel in kernels:
        assert kernel.targetoptions["nogil"]
        assert kernel.targetoptions["error_model"] == "numpy"
        assert not kernel.targetoptions.get("fastmath")


def test_importing_fastemo_does_not_import_numba():
    code = "import sys, fastemo as fe, fastemo.signal, fastemo.spectral, fastemo.engine; print('numba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
