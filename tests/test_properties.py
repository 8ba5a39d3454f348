"""What holds for every op and stage: results depend on the samples, and on nothing else."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_oracle import channels_of, signal

import fastemo as fe
from fastemo import model_file
from fastemo._backend import core
from fastemo._cases import CASES
from fastemo._program import Program
from fastemo.engine import Engine

needs_core = pytest.mark.skipif(core is None, reason="no compiled core")
PROGRAMS = [pytest.param(c, id=f"{c.kind}-{c.name}") for c in CASES if c.kind != "kernel"]
N_SAMPLES = 700
FIELDS = (
    "index",
    "time",
    "stamp",
    "outputs",
    "quality",
    "channel_quality",
    "class_index",
    "valid",
    "abstained",
)


def program_of(case, n_channels):
    return case.make("native" if core is not None else "reference", n_channels, N_SAMPLES).program


def push_all(engine, x, cuts=()):
    return np.concatenate([engine.push_array(c) for c in np.split(x, cuts, axis=1)])


def same(a, b):
    return all(a[name].tobytes() == b[name].tobytes() for name in FIELDS)


@needs_core
@pytest.mark.parametrize("case", PROGRAMS)
def test_chunks_threads_and_types_do_not_matter(case):
    x = signal(channels_of(case, 19), N_SAMPLES, np.float32)
    program = program_of(case, len(x))
    whole = push_all(Engine(program), x)
    rng = np.random.default_rng(3)
    for threads, dtype, n_cuts in [
        (1, np.float64, 0),
        (1, np.float32, N_SAMPLES),
        (2, np.float64, 9),
        (3, np.float32, 0),
    ]:
        cuts = np.sort(rng.integers(0, N_SAMPLES + 1, n_cuts))
        assert same(push_all(Engine(program, threads=threads), x.astype(dtype), cuts), whole)


@needs_core
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, N_SAMPLES), max_size=40), st.sampled_from([c for c in CASES if c.kind == "op"])
)
def test_any_chunking_is_the_whole(cuts, case):
    x = signal(5, N_SAMPLES)
    program = program_of(case, 5)
    assert same(push_all(Engine(program), x, sorted(cuts)), push_all(Engine(program), x))


@pytest.mark.parametrize("case", PROGRAMS)
def test_reset_is_as_new_and_a_file_is_the_program(case):
    x = signal(channels_of(case, 3), 300)
    program = program_of(case, len(x))
    engine = Engine(program)
    first = push_all(engine, x)
    engine.reset()
    assert same(push_all(engine, x), first)
    read = Program.from_tensors(*model_file.read(model_file.write(program.tensors(), program.metadata)))
    assert same(push_all(Engine(read), x), first)


OF_THE_WINDOW = [c for c in PROGRAMS if c.id.startswith("op-fft") or c.id.endswith("stage-BandPower fft")]


@pytest.mark.parametrize("case", OF_THE_WINDOW)
def test_a_window_depends_on_its_samples_alone(case):
    """To the bit, for what is computed from the window itself (filters remember what was before)."""
    x = signal(6, N_SAMPLES)
    program = program_of(case, 6)
    length, hop = program.scalar("window.length"), program.scalar("window.hop")
    for k, outputs in enumerate(push_all(Engine(program), x)["outputs"]):
        window = x[:, k * hop : k * hop + length].copy()
        np.testing.assert_array_equal(push_all(Engine(program), window)["outputs"][0], outputs)


@needs_core
@pytest.mark.parametrize("case", [c for c in PROGRAMS if c.id.startswith("op")])
def test_threads_do_not_matter(case):
    """Enough channels and samples that every thread gets a share of every op."""
    x = signal(70, 3000)
    program = program_of(case, 70)
    one = push_all(Engine(program), x)
    for threads in (2, 3):
        assert same(push_all(Engine(program, threads=threads), x), one)


# Powers of the signal that outputs are proportional to.
DEGREES = {"relative": 0} | dict.fromkeys(
    ("reference", "matrix", "sos", "bank_power", "fft_power", "bandsum", "CommonAverage", "Bipolar", "BandPass",
     "HighPass", "LowPass", "Notch", "BandPower", "BandPower fft", "BandPower filterbank"), 2)  # fmt: skip


@pytest.mark.parametrize("case", [c for c in PROGRAMS if c.values[0].name in DEGREES])
@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_powers_of_two_pass_through_to_the_bit(case, factor):
    """Filters, transforms and sums only change the exponent; what is relative does not change at all."""
    x = signal(9, 300)
    program = program_of(case, 9)
    plain, scaled = (push_all(Engine(program), s)["outputs"] for s in (x, factor * x))
    np.testing.assert_array_equal(scaled, factor ** DEGREES[case.name] * plain)


@settings(max_examples=25)
@given(st.floats(0.01, 100), st.integers(1, 12))
def test_power_scales_with_the_square(factor, n_channels):
    x = signal(n_channels, 300)
    for method in ("fft", "filterbank"):
        power = fe.spectral.band_power(x, 250, "standard", method)
        scaled = fe.spectral.band_power(factor * x, 250, "standard", method)
        np.testing.assert_allclose(scaled, factor**2 * power, rtol=1e-9)


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 400), max_size=30),
    st.integers(1, 20),
    st.sampled_from(["zero", "first"]),
    st.booleans(),
)
def test_sos_filter_chunks_in_place_and_samples_first(cuts, n_channels, init, in_place):
    from scipy.signal import butter

    sos = butter(4, [1, 45], "bandpass", fs=250, output="sos")
    x = signal(n_channels, 400)
    whole = fe.signal.SosFilter(sos, n_channels, init).process(x)
    f, g = fe.signal.SosFilter(sos, n_channels, init), fe.signal.SosFilter(sos, n_channels, init)
    chunks = [c.copy() for c in np.split(x, sorted(cuts), axis=1)]
    firsts = [g.process(np.ascontiguousarray(c.T), layout="samples_first").T for c in chunks]
    np.testing.assert_array_equal(np.hstack([f.process(c, c if in_place else None) for c in chunks]), whole)
    np.testing.assert_array_equal(np.hstack(firsts), whole)
    f.reset()
    np.testing.assert_array_equal(f.process(x), whole)
