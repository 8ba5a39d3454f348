"""The compiled engine is the reference engine, whatever the program and however bad the stream."""

import numpy as np
import pytest
from programs import make_program, mean_square
from random_programs import random_program, random_stream

from fastemo._backend import core
from fastemo.engine import Engine
from fastemo.reference.ops import OPS

pytestmark = pytest.mark.skipif(core is None, reason="no compiled core")

# Both compute the same numbers in the same way; only sums and elementary functions may round differently.
CLOSE = ("outputs", "valence", "arousal", "dominance")


def compare(got, wanted):
    for name in wanted.dtype.names:
        if name in CLOSE:
            scale = np.max(np.abs(wanted[name]), initial=1.0, where=np.isfinite(wanted[name]))
            np.testing.assert_allclose(got[name], wanted[name], rtol=1e-9, atol=1e-11 * scale, err_msg=name)
        elif name == "class_index":
            # Outputs that are the same but for rounding may change places.
            both = np.stack([got[name], wanted[name]])
            np.testing.assert_array_equal(both[0] < 0, both[1] < 0)
            picked = np.take_along_axis(wanted["outputs"].T, both, axis=0)
            np.testing.assert_allclose(picked[0], picked[1], rtol=1e-9)
        else:
            np.testing.assert_array_equal(got[name], wanted[name], err_msg=name)


def outcome(engine, chunk, stamps, layout):
    """The records, or that there was an error."""
    try:
        return engine.push_array(chunk, stamps, layout)
    except ValueError:
        return ValueError


@pytest.mark.parametrize("seed", range(200))
def test_native_engine_is_the_reference(seed):
    program = random_program(seed)
    x, stamps = random_stream(seed, program)
    rng = np.random.default_rng(seed)
    x = x.astype(rng.choice([np.float32, np.float64]))
    reference = Engine(program, backend="reference")
    native = Engine(program, backend="native", threads=int(rng.integers(1, 4)))
    cuts = np.sort(rng.integers(0, x.shape[1], rng.integers(0, 20)))
    for start, stop in zip([0, *cuts], [*cuts, x.shape[1]], strict=True):
        chunk, times = x[:, start:stop], None if stamps is None else stamps[start:stop]
        layout = rng.choice(["channels_first", "samples_first"])
        if layout == "samples_first":
            chunk = chunk.T
        if rng.random() < 0.05:
            reference.reset()
            native.reset()
        wanted, got = outcome(reference, chunk, times, layout), outcome(native, chunk, times, layout)
        if wanted is ValueError or got is ValueError:
            assert got is wanted
        else:
            compare(got, wanted)
        assert native.counters == reference.counters
    compare(native.flush_array(), reference.flush_array())
    assert native.counters == reference.counters


def test_every_op_takes_its_turn():
    kinds = {op.kind for seed in range(200) for op in random_program(seed).ops}
    assert kinds == set(OPS) - {"call"}  # the user's op needs a function: it has tests of its own


def test_both_follow_the_line_of_stamps_equally():
    """The slowest clock that is still no gap: it depends on every constant of the tracker."""
    program = make_program([mean_square()])

    def gaps(backend, slow):
        engine = Engine(program, backend=backend)
        engine.push_array(np.ones((1, 400)), np.arange(400) * (0.01 + slow))
        return engine.counters["gaps"]

    low, high = 0.0, 1e-3
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if gaps("reference", middle) else (middle, high)
    assert (gaps("native", low * (1 - 1e-6)), gaps("native", high * (1 + 1e-6)) > 0) == (0, True)
    assert 0.015 / 64 < low < 2 * 0.015 / 64
