"""Every case agrees with its reference, whatever the shape, type and layout of the signal."""

import numpy as np
import pytest

import fastemo as fe
from fastemo._backend import core
from fastemo._cases import CASES, SFREQ
from fastemo.engine import Engine

N_SAMPLES = 500
# Other orders of the same operations: a few hundred roundings, of numbers that may nearly cancel.
RTOL, ATOL = 1e-9, 1e-11
FIXED_CHANNELS = {"SpatialFilter": 7}
LEAST_CHANNELS = dict.fromkeys(
    (
        "Asymmetry",
        "Bipolar",
        "CommonAverage",
        "Connectivity",
        "Reference",
        "RegressOut",
        "cross",
        "cross_pairs",
        "envelope_correlations",
        "analytic_measures",
        "neighbour_transfer",
        "tapered_measures",
        "wavelet_measures",
    ),
    2,
)
LEAST_CHANNELS |= {"Interpolate": 4, "InterpolateBads": 19, "EOGRegression": 2}


def signal(n_channels, n_samples=N_SAMPLES, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / SFREQ
    x = 10 * rng.standard_normal((n_channels, n_samples)) + 20 * np.sin(2 * np.pi * 10 * t) + 5
    return x.astype(dtype)


def channels_of(case, n_channels):
    return max(FIXED_CHANNELS.get(case.name, n_channels), LEAST_CHANNELS.get(case.name.split()[0], 1))


def pairs(cases=CASES):
    """Every case with every implementation but the reference."""
    for case in cases:
        for implementation in case.implementations:
            if implementation != "reference":
                yield pytest.param(case, implementation, id=f"{case.kind}-{case.name}-{implementation}")


def call(case, implementation, x):
    if implementation == "native" and core is None:
        pytest.skip("there is no compiled core")
    return case.make(implementation, *x.shape)(x)


def check(case, implementation, x):
    expected = call(case, "reference", np.ascontiguousarray(x, np.float64))
    got = call(case, implementation, x)
    assert got.shape == expected.shape
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0  # nothing to compare where nothing happens
    scale = np.abs(expected).max()
    # What float32 gives in float32, as NumPy and SciPy do.
    rtol = 2e-6 if got.dtype in (np.float32, np.complex64) else RTOL
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=scale * (rtol if rtol > RTOL else ATOL))


@pytest.mark.parametrize(("case", "implementation"), list(pairs()))
@pytest.mark.parametrize("n_channels", [1, 7, 8, 19])
def test_is_the_reference(case, implementation, n_channels):
    check(case, implementation, signal(channels_of(case, n_channels)))


# Stages lower to ops, which are tried at these widths.
@pytest.mark.parametrize(("case", "implementation"), list(pairs(c for c in CASES if c.kind != "stage")))
@pytest.mark.parametrize("n_channels", [62, 64, 128])
def test_is_the_reference_in_many_channels(case, implementation, n_channels):
    check(case, implementation, signal(n_channels, 200))


@pytest.mark.parametrize(("case", "implementation"), list(pairs()))
def test_takes_float32(case, implementation):
    check(case, implementation, signal(channels_of(case, 9), dtype=np.float32))


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed": lambda x: x[:, ::-1].copy()[:, ::-1],
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "window": lambda x: np.hstack([x, x, x])[:, x.shape[1] : 2 * x.shape[1]],
    "upside down": lambda x: x[::-1].copy()[::-1],
    "rows of more": lambda x: np.repeat(x, 3, axis=0)[::3],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(("case", "implementation"), list(pairs()))
def test_layout_does_not_matter(case, implementation, layout):
    """To the bit: the same samples at another address with other strides are the same signal."""
    x = signal(channels_of(case, 11), 300)
    y = layout(x)
    assert y.strides != x.strides or layout in (LAYOUTS["window"],)
    np.testing.assert_array_equal(call(case, implementation, y), call(case, implementation, x))


@pytest.mark.parametrize(("case", "implementation"), list(pairs()))
def test_input_is_left_alone(case, implementation):
    x = signal(channels_of(case, 5), 300)
    before = x.copy()
    first = call(case, implementation, x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(call(case, implementation, x), first)


@pytest.mark.parametrize(
    ("case", "implementation"),
    list(pairs(c for c in CASES if c.name in {"sosfilt", "bank_power", "sos", "log"})),
)
def test_channels_are_independent(case, implementation):
    """Permuting channels permutes the results, to the bit, wherever they fall into the lanes."""
    x = signal(13)
    order = np.random.default_rng(2).permutation(13)
    straight, permuted = call(case, implementation, x), call(case, implementation, x[order])
    if case.kind == "op":
        straight = straight.reshape(len(straight), -1, 13)[..., order].reshape(permuted.shape)
    else:
        straight = straight[order]
    np.testing.assert_array_equal(permuted, straight)


@pytest.mark.skipif(core is None, reason="the compiled engine promises bits")
@pytest.mark.parametrize(
    "case", [pytest.param(c, id=f"{c.kind}-{c.name}") for c in CASES if c.kind != "kernel"]
)
def test_an_engine_knows_where_its_bits_are_the_same(case):
    """What ops say of themselves is what the table says of them; what Numba compiles promises nothing."""
    program = case.make("native", channels_of(case, 5), 300).program
    foreign = any(op.kind == "call" for op in program.ops)
    assert Engine(program)._engine.bits == ("" if foreign else case.bits)


def test_sosfilt_is_scipys_to_the_bit():
    from scipy.signal import butter, cheby2, iirnotch, sosfilt, tf2sos

    designs = [
        butter(4, [1, 45], "bandpass", fs=250, output="sos"),
        butter(3, 30, fs=250, output="sos"),
        butter(5, 0.5, "highpass", fs=250, output="sos"),
        cheby2(6, 40, [8, 13], "bandpass", fs=250, output="sos"),
        tf2sos(*iirnotch(50, 30, fs=250)),
        butter(1, [8, 13], "bandpass", fs=250, output="sos"),
    ]
    for sos in designs:
        for n_channels in (1, 5, 8, 24, 64, 67):
            x = signal(n_channels, 333, seed=n_channels)
            np.testing.assert_array_equal(fe.signal.SosFilter(sos, n_channels).process(x), sosfilt(sos, x))


def test_every_public_stage_and_op_has_a_case():
    from fastemo import stages
    from fastemo.reference.ops import OPS

    names = {case.name.split()[0] for case in CASES if case.kind == "stage"}
    # Window is in every stage case; the others are bases.
    assert set(stages.__all__) - names <= {
        "Window",
        "Stage",
        "Trainable",
        "SignalTrainable",
        "WindowTrainable",
        "Windows",
        "Decoder",
        "feature",
    }
    assert set(OPS) - {case.name for case in CASES if case.kind == "op"} <= {"window"}
