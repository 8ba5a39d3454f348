"""Phase-amplitude coupling of windows in the stream: the numbers of the function on the same samples."""

import numpy as np
import pytest
from programs import BACKENDS, make_program, same_bits

import fastemo as fe
from fastemo._backend import core
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.features import phase_amplitude_coupling
from fastemo.features.coupling import coupling_plan

SFREQ = 250.0
PHASE, AMPLITUDE = {"theta": (4.0, 8.0), "low": (6.0, 10.0)}, {"gamma": (30.0, 60.0), "high": (60.0, 100.0)}
native = pytest.mark.skipif(core is None, reason="no compiled core")


def coupled(n=2000, n_channels=3, seed=0):
    """Gamma whose size follows theta, in noise; an offset."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / SFREQ
    theta = np.cos(2 * np.pi * 6 * t + np.cumsum(rng.normal(0, 0.1, n)))
    x = 10 * theta + 3 * (1 + theta) * np.sin(2 * np.pi * 45 * t)
    return x + 2 * rng.normal(size=(n_channels, n)) + 1000


def pipeline(n_channels, method="modulation_index", length=2.6, hop=0.5, **options):
    stages = [fe.Window(length, hop), fe.PhaseAmplitudeCoupling(PHASE, AMPLITUDE, method, **options)]
    return fe.Pipeline(stages, sfreq=SFREQ, ch_names=[f"c{i}" for i in range(n_channels)], check_unit=False)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", ["modulation_index", "mvl", "normalized_mvl"])
def test_is_the_function_on_the_same_window(backend, method):
    x = coupled(1300)
    records = Engine(pipeline(3, method, n_bins=9).program, backend=backend).push_array(x)
    assert len(records) == 6
    for record in records:
        stop = record["index"] + 1
        wanted = phase_amplitude_coupling(
            x[:, stop - 650 : stop], SFREQ, [*PHASE.values()], [*AMPLITUDE.values()], method, n_bins=9
        ).values
        got = record["outputs"].reshape(2, 2, 3)
        np.testing.assert_allclose(got, np.moveaxis(wanted, 0, -1), rtol=1e-9, atol=1e-12)
    # The coupling that there is shows: of theta and gamma, more than of theta and what is only noise.
    outputs = records["outputs"].reshape(-1, 2, 2, 3)
    assert (outputs[:, 0, 0] > 2 * outputs[:, 0, 1]).mean() > 0.9 or method == "normalized_mvl"


@native
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_threads_and_neighbours_do_not_matter(threads):
    x = coupled(1500, 11)
    program = pipeline(11).program
    whole, engine = Engine(program).push_array(x), Engine(program, threads=threads)
    cuts = np.sort(np.random.default_rng(threads).integers(0, x.shape[1], 30))
    assert same_bits(np.concatenate([engine.push_array(part) for part in np.split(x, cuts, axis=1)]), whole)
    alone = Engine(pipeline(1).program).push_array(x[9:10])["outputs"]
    np.testing.assert_array_equal(alone, whole["outputs"].reshape(-1, 4, 11)[:, :, 9])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_constant_has_no_answer(backend):
    x = coupled(700, 2)
    x[1] = 5.0
    for method in ("modulation_index", "normalized_mvl"):
        record = Engine(pipeline(2, method).program, backend=backend).push_array(x)[0]
        rows = record["outputs"].reshape(4, 2)
        assert np.isfinite(rows[:, 0]).all()
        assert np.isnan(rows[:, 1]).all()
        assert not record["valid"]
    record = Engine(pipeline(2, "mvl").program, backend=backend).push_array(x)[0]
    assert not record["outputs"].reshape(4, 2)[:, 1].any()


def test_names_and_delay():
    pipe = pipeline(2)
    names = list(pipe.get_feature_names_out())
    assert names[0] == "modulation_index__theta~gamma:c0"
    assert names[-1] == "modulation_index__low~high:c1"
    assert pipe.program.scalar("time.delay") == 0
    assert pipe.delays == {"window": pytest.approx(649 / 2 / SFREQ), "phaseamplitudecoupling": 0}


def test_bad_parameters():
    with pytest.raises(ValueError, match="method must be one of"):
        fe.PhaseAmplitudeCoupling(PHASE, AMPLITUDE, "plv")
    with pytest.raises(ValueError, match="n_bins must be at least 2, got 1"):
        fe.PhaseAmplitudeCoupling(PHASE, AMPLITUDE, n_bins=1)
    with pytest.raises(ValueError, match="10 cycles of 4 Hz"):
        pipeline(1, length=2.0).program  # noqa: B018
    narrow = fe.PhaseAmplitudeCoupling({"theta": (4, 8)}, {"gamma": (40, 50)})
    with pytest.raises(ValueError, match="at least twice the highest frequency of phase, 16 Hz"):
        fe.Pipeline([fe.Window(3, 1), narrow], sfreq=SFREQ, ch_names=["a"]).program  # noqa: B018


def op_of(**changes):
    reach, n_fft, gains = coupling_plan("here", 125, SFREQ, [(20, 22)], [(50, 100)])
    numbers = {"n_fft": n_fft, "reach": reach, "n_phase": 1, "method": 0, "n_bins": 6}
    tensors = {"gains": gains} | {name: np.array([v]) for name, v in numbers.items()}
    return Op("coupling", (1,), tensors | {name: np.asarray(v) for name, v in changes.items()})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "changes",
    [
        {"reach": [125]}, {"reach": [-1]}, {"n_fft": [130]}, {"n_fft": [17 * 64], "gains": np.ones((2, 545))}, {"n_fft": [1 << 40]}, {"n_phase": [2]}, {"n_phase": [0]},
        {"method": [3]}, {"n_bins": [1]}, {"n_bins": [1 << 30]}, {"gains": np.ones((2, 9))},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_programs_are_refused(backend, changes):
    def engine(op, length=125):
        ops = [Op("window", (0,)), op]
        return Engine(make_program(ops, 2, SFREQ, window_length=length, window_hop=length), backend=backend)

    assert len(engine(op_of()).push_array(np.zeros((2, 125)))) == 1
    with pytest.raises(ValueError, match="coupling"):
        engine(op_of(**changes))
