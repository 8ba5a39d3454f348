"""A feature of the user's: what a call costs, and the same function called from Python for each channel and window."""

import numpy as np
import pytest
from numba import njit

import fastemo as fe

CH = [f"E{i}" for i in range(64)]


@fe.feature
def first(x):
    return x[0]


@fe.feature
def crossings(x):
    n = 0
    for i in range(1, len(x)):
        n += (x[i] > 0) != (x[i - 1] > 0)
    return n


def engine_of(stage, n_samples):
    window = fe.Window(n_samples / 1000, hop=n_samples / 1000)
    return fe.Pipeline([window, stage], sfreq=1000, ch_names=CH, check_unit=False).engine()


def test_call():
    """Windows of one sample: nothing but calls, with the copies before and after them. 64 take 0.3 us."""
    engine = engine_of(first, 1)
    samples = np.random.default_rng(0).standard_normal((20_000, 64, 1))
    out = np.zeros(2, engine.dtype)
    for x in samples:
        engine.push_into(x, out)
    per_call = engine.latency()["01.call"].p50 / 64 * 1000
    print(f"\none call of a user's function: {per_call:.1f} ns")
    np.testing.assert_array_equal(out["outputs"][0], x[:, 0])


@pytest.mark.parametrize("n_samples", [100, 1000])
def test_against_calls_from_python(versus, n_samples):
    engine = engine_of(crossings, n_samples)
    x = np.random.default_rng(0).standard_normal((64, n_samples))
    out, compiled = np.zeros(2, engine.dtype), njit(crossings.user_function.python)

    def from_python():
        return [compiled(channel) for channel in x]

    assert engine.push_into(x, out) == 1
    np.testing.assert_array_equal(out["outputs"][0], from_python())
    versus(
        f"zero crossings of the user's, one window 64 x {n_samples}",
        lambda: engine.push_into(x, out),
        numba_from_python=from_python,
    )
