"""SosFilter in all its implementations: what it refuses, and that nothing has changed then."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal as ss

import fastemo as fe
from fastemo import jit, reference
from fastemo._backend import core

SOS = ss.butter(4, [1, 45], "bandpass", fs=250, output="sos")
X = np.random.default_rng(0).normal(size=(5, 40))
READ_ONLY = np.zeros((5, 40))
READ_ONLY.flags.writeable = False


@pytest.fixture(params=["native", "jit", "reference"])
def cls(request):
    if request.param == "native" and core is None:
        pytest.skip("there is no compiled core")
    return {"native": core, "jit": jit, "reference": reference}[request.param].SosFilter


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((X[:3],), ValueError, "chunk has 3 channels, expected 5"),
        ((X.T,), ValueError, "chunk has 40 channels, expected 5.*pass the other layout="),
        ((X, None, "samples_first"), ValueError, "chunk has 40 channels, expected 5.*pass the other layout="),
        ((X[0],), ValueError, r"chunk has 1 dimensions, expected 2: \(n_channels, n_samples\)"),
        ((X.astype(int),), TypeError, "chunk has dtype int64, expected float32 or float64"),
        ((X.tolist(),), TypeError, "chunk is a list, expected a NumPy array of float32 or float64"),
        ((X, None, "rows"), ValueError, "layout is 'rows', expected 'channels_first' or 'samples_first'"),
        ((X, np.zeros((5, 2))), ValueError, r"out has shape \(5, 2\), expected that of chunk, \(5, 40\)"),
        ((X, np.zeros((5, 40), int)), TypeError, "out has dtype int64, expected float32 or float64"),
        ((X, [0.0]), TypeError, "out is a list, expected a NumPy array"),
        ((X, READ_ONLY), ValueError, "out is read-only"),
    ],
)
def test_process_refuses_and_stays_as_it_was(cls, args, error, message):
    f, g = cls(SOS, 5), cls(SOS, 5)
    f.process(X), g.process(X)
    with pytest.raises(error, match=message):
        f.process(*args)
    np.testing.assert_array_equal(f.process(X), g.process(X))


def test_empty_chunk_is_nothing(cls):
    f = cls(SOS, 5, ss.sosfilt_zi(SOS))
    assert f.process(X[:, :0]).shape == (5, 0)
    zi = ss.sosfilt_zi(SOS)[:, None] * X[None, :, :1]
    np.testing.assert_array_equal(f.process(X), ss.sosfilt(SOS, X, zi=zi)[0])


def test_nan_stays_in_its_channel(cls):
    x = X.copy()
    x[2, 7], x[3, 9] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        expected = ss.sosfilt(SOS, x)
    np.testing.assert_array_equal(cls(SOS, 5).process(x), expected)


def test_out_may_be_float32_of_any_layout(cls):
    expected = ss.sosfilt(SOS, X).astype(np.float32)
    out = np.zeros((40, 10), np.float32).T[::2]
    assert cls(SOS, 5).process(X, out) is out
    np.testing.assert_array_equal(out, expected)


def test_process_of_the_public_filter_is_the_compiled_method():
    if core is None:
        pytest.skip("there is no compiled core")
    assert "process" not in vars(fe.signal.SosFilter)
    assert fe.signal.SosFilter.process is core.SosFilter.process


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((SOS[:, :5], 5), ValueError, r"sos must be second-order sections of shape \(n_sections, 6\)"),
        ((2 * SOS, 5), ValueError, r"sos\[:, 3\] \(a0\) must be 1"),
        (([[1, 0, 0, 1, -2.1, 1.1]], 5), ValueError, "sos must be stable"),
        (([[np.nan, 0, 0, 1, 0, 0]], 5), ValueError, "sos must be finite"),
        ((SOS, 0), ValueError, "n_channels"),
        ((SOS, 2.5), TypeError, "n_channels must be a whole number of at least 1, got 2.5"),
        ((SOS, 5, "last"), ValueError, "init must be one of .*got 'last'"),
    ],
)
def test_public_filter_refuses_to_be_made(args, error, message):
    with pytest.raises(error, match=message):
        fe.signal.SosFilter(*args)


def test_public_filter_starts_from_the_first_sample():
    constant = np.full((1, 50), 4000.0)
    # The state solves a linear system, so rest is exact only to rounding of 4000.
    assert np.abs(fe.signal.SosFilter(SOS, 1, "first").process(constant)).max() < 1e-8
    assert np.abs(fe.signal.SosFilter(SOS, 1).process(constant)).max() > 1000


@pytest.mark.parametrize("without", ["_core", "_core numba"])
def test_the_next_best_takes_over(without):
    """Without the compiled core Numba does it, without Numba NumPy, all with the same bits."""
    code = f"""
import sys, warnings
warnings.simplefilter("ignore")
for name in {without.split()!r}:
    sys.modules["fastemo._core" if name == "_core" else name] = None
import numpy as np, fastemo as fe
from scipy.signal import butter, sosfilt
sos, x = butter(4, [1, 45], "bandpass", fs=250, output="sos"), np.random.default_rng(0).normal(size=(3, 50))
f = fe.signal.SosFilter(sos, 3)
halves = f.process(x[:, :20]), f.process(x[:, 20:].T, layout="samples_first").T
np.testing.assert_array_equal(np.hstack(halves), sosfilt(sos, x))
fe.signal.SosFilter(sos, 3, "first").process(x, x)
fe.spectral.band_power(x, 250, [(10, 40)])
print(type(f).__mro__[1].__module__)
"""
    environment = {**os.environ, "FASTEMO_REQUIRE_NATIVE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == {"_core": "fastemo.jit.filters"}.get(without, "fastemo.reference.signal")
