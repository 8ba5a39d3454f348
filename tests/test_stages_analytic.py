"""Analytic signals in the stream: envelope, power, phase and frequency, and when they are of."""

import numpy as np
import pytest
from programs import BACKENDS, make_program, same_bits

import fastemo as fe
from fastemo._backend import core
from fastemo._design import analytic_bandpass, analytic_bank
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.stages.analytic import PLANES, measure_tensors

SFREQ = 250.0
BANDS = {"alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
native = pytest.mark.skipif(core is None, reason="no compiled core")


def chirp(n=2000, seed=0):
    """A rhythm of 10 Hz whose size and frequency change, in noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / SFREQ
    size = 10 + 4 * np.sin(2 * np.pi * 0.4 * t)
    return (
        size * np.sin(2 * np.pi * 10 * t + 0.5 * np.sin(2 * np.pi * 0.3 * t)) + rng.normal(size=(3, n)) + 40
    )


def analytic_op(bands=BANDS, order=4, wanted=("phase",), log=False, **changes):
    poles, weights, direct = analytic_bank(SFREQ, bands, order, "here")
    tensors = {"poles": poles, "weights": weights, "direct": direct}
    tensors |= measure_tensors(wanted, SFREQ, log, False)[1]
    arrays = {name: np.atleast_1d(value) for name, value in (tensors | changes).items()}
    return Op("analytic", (0,), arrays)


def samples(op, x, backend=None):
    """The signal behind an op: the last sample of windows of one."""
    last = Op("reduce", (2,), {
        "names": np.frombuffer(b"mean", np.uint8), "params": np.zeros((1, 1)), "n_params": np.array([0]),
    })  # fmt: skip
    program = make_program([op, Op("window", (1,)), last], len(x), SFREQ)
    return Engine(program, backend=backend).push_array(x)["outputs"].T


def expected(x, bands=BANDS, order=4):
    """Impulse responses of the filters, written as sums, convolved with the signal."""
    k, found = np.arange(x.shape[1]), []
    for low, high in bands.values():
        poles, weights, direct = analytic_bandpass(SFREQ, low, high, order, "here")
        h = (weights[:, None] * poles[:, None] ** k).sum(axis=0)
        h[0] += direct
        found.append([np.convolve(row - row[0], h)[: len(row)] for row in x])
    return np.array(found)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("order", [1, 4])
def test_every_measure_is_that_of_the_analytic_signal(backend, order):
    x = chirp(700)
    bands = {name: BANDS[name] for name in (["beta"] if order == 1 else BANDS)}
    got = samples(analytic_op(bands, order, fe.stages.analytic.MEASURES, log=True), x, backend)
    got = got.reshape(len(PLANES), len(bands), *x.shape)
    z = expected(x, bands, order)
    moved = np.abs(z) > 0
    np.testing.assert_allclose(got[0], z.real, atol=1e-9)
    np.testing.assert_allclose(got[1], z.imag, atol=1e-9)
    np.testing.assert_allclose(got[2], np.abs(z), atol=1e-9)
    np.testing.assert_allclose(got[3], np.log(np.maximum(np.abs(z) ** 2 / 2, 1e-4)), atol=1e-8)
    # Signals of the size of the rounding have no phase.
    clear = np.abs(z) > 1e-3
    np.testing.assert_allclose((got[4] + 1j * got[5])[clear], np.exp(1j * np.angle(z[clear])), atol=1e-8)
    assert not got[4:6][:, ~moved].any()
    steps = np.angle(z[..., 1:] * z[..., :-1].conj()) * SFREQ / (2 * np.pi)
    both = clear[..., 1:] & clear[..., :-1]
    np.testing.assert_allclose(got[6][..., 1:][both], steps[both], atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_frequencies_to_the_last_digits(backend):
    """Filters of one pole, whose impulse responses turn by its angle at every sample: all angles there are."""
    turns = np.linspace(-np.pi + 1e-9, np.pi - 1e-9, 999)
    poles = 0.98 * np.stack([np.cos(turns), np.sin(turns)], axis=-1)[:, None]
    changes = {"poles": poles, "weights": np.tile([1.0, 0.0], (999, 1, 1)), "direct": np.zeros((999, 2))}
    x = np.zeros((1, 20))
    x[:, 5] = 1
    got = samples(analytic_op(wanted=("frequency",), **changes), x, backend)
    assert not got[:, :6].any()
    wanted = np.repeat(turns[:, None] * SFREQ / (2 * np.pi), 14, axis=1)
    np.testing.assert_allclose(got[:, 6:], wanted, rtol=1e-14, atol=1e-12)


def test_envelopes_are_dated_by_their_delay():
    """A burst's envelope peaks where the burst does, but for what the delay at one frequency differs from the mean."""
    t = np.arange(1500) / SFREQ
    x = np.exp(-((t - 3) ** 2) / 0.5) * np.sin(2 * np.pi * 10.2 * t)[None]
    for front in ([], [fe.FIR(high=40)], [fe.Resample(125)]):
        stages = [*front, fe.Analytic({"alpha": (8, 13)}), fe.Window(0.02, 0.02), fe.TimeDomain(["mean"])]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=["Oz"], check_unit=False)
        records = pipe.engine().push_array(10 * x)
        assert abs(records["time"][records["outputs"][:, 0].argmax()] - 3) < 0.045
        assert pipe.delays["analytic"] == pytest.approx(
            fe.Analytic({"alpha": (8, 13)}).delays(SFREQ)["alpha"], abs=0.002
        )
    assert pipe.program.scalar("time.warmup") > 100


def test_the_slowest_band_dates_them_all_and_later_filters_add_to_it():
    stage = fe.Analytic(BANDS, ["envelope", "power"])
    alone = fe.Pipeline([stage, fe.Window(1, 0.5), fe.TimeDomain(["mean"])], sfreq=SFREQ, ch_names=["a", "b"])
    slowest = max(stage.delays(SFREQ).values())
    assert stage.delays(SFREQ)["alpha"] == slowest
    assert alone.program.scalar("time.delay") == pytest.approx(slowest)
    # Of an envelope the delay is that of the slow changes that a low-pass lets through.
    slow = [stage, fe.Resample(10), fe.Window(1, 0.5), fe.TimeDomain(["mean"])]
    later = fe.Pipeline(slow, sfreq=SFREQ, ch_names=["a", "b"])
    assert later.program.scalar("time.delay") == pytest.approx(slowest + 10 / 10, abs=0.01)
    assert later.program.scalar("time.warmup") > alone.program.scalar("time.warmup")
    assert later.delays == pytest.approx(
        {"analytic": slowest, "resample": 1, "window": 0.45, "timedomain": 0}, abs=1e-6
    )
    names = list(alone.get_feature_names_out())
    assert names[:3] == ["mean:envelope__alpha:a", "mean:envelope__alpha:b", "mean:envelope__beta:a"]
    assert names[4] == "mean:power__alpha:a"


def test_mean_power_is_the_power_of_the_band():
    x = 10 * np.random.default_rng(0).standard_normal((3, 8000))
    stages = [fe.Analytic(BANDS, "power"), fe.Window(4, 2), fe.TimeDomain(["mean"])]
    settings = {"sfreq": SFREQ, "ch_names": ["a", "b", "c"], "check_unit": False}
    power = fe.Pipeline(stages, **settings).transform(x)[2:]
    bank = fe.Pipeline([fe.Window(4, 2), fe.BandPower(BANDS, "filterbank")], **settings).transform(x)[2:]
    # The skirts of the two are not alike, and a window's power is random.
    np.testing.assert_allclose(power.mean(axis=0), bank.mean(axis=0), rtol=0.1)
    assert np.corrcoef(power.ravel(), bank.ravel())[0, 1] > 0.99


def test_phase_and_frequency_of_a_rhythm():
    t = np.arange(2000) / SFREQ
    f = np.sqrt(8 * 13)
    stages = [fe.Analytic({"alpha": (8, 13)}, ["phase", "frequency"]), fe.Window(1 / SFREQ, 1 / SFREQ)]
    pipe = fe.Pipeline([*stages, fe.TimeDomain(["mean"])], sfreq=SFREQ, ch_names=["a"], check_unit=False)
    got = pipe.engine().push_array(10 * np.cos(2 * np.pi * f * t)[None])
    cosine, sine, frequency = got["outputs"][-500:].T
    np.testing.assert_allclose(frequency, f, rtol=2e-3)
    np.testing.assert_allclose(cosine**2 + sine**2, 1, rtol=1e-12)
    # A quarter of a cycle between them, and the phase that the input had when the filter's delay is as of one frequency.
    np.testing.assert_allclose(np.diff(np.unwrap(np.arctan2(sine, cosine))), 2 * np.pi * f / SFREQ, rtol=5e-3)


@native
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads_do_not_matter(threads):
    x = np.repeat(chirp(), 5, axis=0)
    x[2, 300:340] = np.nan
    stages = [
        fe.Analytic(BANDS, fe.stages.analytic.MEASURES),
        fe.Window(0.4, 0.1),
        fe.TimeDomain(["mean", "variance"]),
    ]
    names = [f"c{i}" for i in range(len(x))]
    program = fe.Pipeline(stages, sfreq=SFREQ, ch_names=names, check_unit=False).program
    whole, engine = Engine(program).push_array(x), Engine(program, threads=threads)
    cuts = np.sort(np.random.default_rng(threads).integers(0, x.shape[1], 60))
    for _ in range(2):
        parts = [engine.push_array(chunk) for chunk in np.split(x, cuts, axis=1)]
        assert same_bits(np.concatenate(parts), whole)
        engine.reset()
    wanted = Engine(program, backend="reference").push_array(x)
    np.testing.assert_allclose(whole["outputs"], wanted["outputs"], rtol=1e-8, atol=1e-9)


def test_bad_parameters():
    with pytest.raises(ValueError, match="measures must be one of"):
        fe.Analytic("seed", "amplitude")
    with pytest.raises(ValueError, match="measures is empty, expected some of real, imag"):
        fe.Analytic("seed", [])
    with pytest.raises(ValueError, match='db=True has no meaning without "power" in measures'):
        fe.Analytic("seed", db=True)
    with pytest.raises(ValueError, match="log=True and db=True ask for two scales"):
        fe.Analytic("seed", "power", log=True, db=True)
    stages = [fe.Analytic({"high": (30, 130)}), fe.Window(1, 1), fe.TimeDomain(["mean"])]
    with pytest.raises(ValueError, match="Analytic"):
        fe.Pipeline(stages, sfreq=250, ch_names=["a"]).program  # noqa: B018


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measures": np.array([0])}, "has measures 0, expected"),
        ({"measures": np.array([128])}, "has measures 128, expected"),
        ({"floor": np.array([0.0])}, "has floor 0.0.*, expected at least 1e-300"),
        ({"poles": np.tile([1.0, 0.1], (2, 4, 1))}, "has a pole outside the unit circle"),
        ({"direct": np.zeros((1, 2))}, "direct"),
        ({"weights": np.zeros((2, 3, 2))}, "weights"),
    ],
)
def test_damaged_programs_are_refused(backend, change, message):
    with pytest.raises(ValueError, match=message):
        samples(analytic_op(**change), np.zeros((2, 5)), backend)
