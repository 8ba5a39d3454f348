"""The broadband analytic signal in the stream: an FIR Hilbert transformer, its gain, its delay, its measures."""

import numpy as np
import pytest
import scipy.signal
from programs import BACKENDS, same_bits

import fastemo as fe
from fastemo.engine import Engine
from fastemo.stages.hilbert import hilbert_taps

SFREQ = 250.0


def samples(stage, x, backend=None, ahead=()):
    """The signal behind a stage: means of windows of one sample."""
    stages = [*ahead, stage, fe.Window(1 / SFREQ, hop=1 / SFREQ), fe.TimeDomain(["mean"])]
    pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=[f"c{i}" for i in range(len(x))], check_unit=False)
    return pipe, Engine(pipe.program, backend=backend).push_array(x)["outputs"].T


@pytest.mark.parametrize(("sfreq", "low"), [(250, 1), (250, 4), (250, 8), (128, 4), (1000, 30), (512, 100)])
def test_the_gain_is_one_within_a_hundredth(sfreq, low):
    taps = hilbert_taps(sfreq, low)
    f = np.linspace(low, sfreq / 2 - low, 2000)
    half = len(taps) // 2
    gain = scipy.signal.freqz(taps, worN=f, fs=sfreq)[1] * np.exp(2j * np.pi * f / sfreq * half)
    np.testing.assert_allclose(gain, -1j, atol=0.0101)
    assert len(taps) % 4 == 3
    np.testing.assert_array_equal(taps, -taps[::-1])
    assert half / sfreq == pytest.approx(0.67 / low, rel=0.1, abs=3 / sfreq)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("low", [1, 8])
def test_is_scipys_hilbert_late(backend, low):
    rng = np.random.default_rng(0)
    x = scipy.signal.sosfiltfilt(
        scipy.signal.butter(6, [10, 100], "bandpass", fs=SFREQ, output="sos"), rng.standard_normal((3, 3000))
    )
    pipe, got = samples(fe.Hilbert(low, fe.stages.analytic.MEASURES), x, backend)
    d = len(hilbert_taps(SFREQ, low)) // 2
    z = scipy.signal.hilbert(x)
    middle = slice(600, 2600)
    planes = got.reshape(7, 3, -1)[:, :, d:][:, :, middle]
    here = z[:, middle]
    np.testing.assert_array_equal(planes[0], x[:, middle])  # the signal itself
    np.testing.assert_allclose(planes[1], here.imag, atol=0.02 * np.abs(z).max())
    np.testing.assert_allclose(planes[2], np.hypot(planes[0], planes[1]), rtol=1e-12)
    np.testing.assert_allclose(planes[3], planes[2] ** 2 / 2, rtol=1e-12)
    strong = planes[2] > 0.3
    np.testing.assert_allclose(np.abs(planes[4] + 1j * planes[5] - here / np.abs(here))[strong], 0, atol=0.08)
    assert pipe.delays["hilbert"] == pytest.approx(d / SFREQ)
    assert fe.Hilbert(low).delay(SFREQ) == d / SFREQ


def test_frequency_of_a_chirp():
    t = np.arange(2500) / SFREQ
    x = 20 * np.sin(2 * np.pi * (8 * t + 1.5 * t**2))[None]  # 8 to 38 Hz
    _, got = samples(fe.Hilbert(4, "frequency"), x)
    d = len(hilbert_taps(SFREQ, 4)) // 2
    inside = slice(250, 2300)
    np.testing.assert_allclose(got[0, d:][inside], (8 + 3 * t)[:-d][inside], atol=0.5)


def test_is_dated_by_its_delay_and_valid_once_filled():
    t = np.arange(1500) / SFREQ
    x = 30 * np.exp(-((t - 3) ** 2) / 0.05) * np.sin(2 * np.pi * 12 * t)[None]
    for ahead in ([], [fe.FIR(high=40)], [fe.Resample(125)]):
        stages = [*ahead, fe.Hilbert(4, "envelope"), fe.Window(0.02, 0.02), fe.TimeDomain(["mean"])]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=["Oz"], check_unit=False)
        records = pipe.engine().push_array(x)
        assert abs(records["time"][records["outputs"][:, 0].argmax()] - 3) < 0.02
        assert records["valid"].argmax() * 0.02 >= 1.5 * fe.Hilbert(4).delay(SFREQ)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_offset_turns_nothing(backend):
    x = np.random.default_rng(1).standard_normal((2, 200))
    apart, together = (samples(fe.Hilbert(8), x + offset, backend)[1] for offset in (0, 4096))
    np.testing.assert_allclose(together[:2], apart[:2] + 4096, rtol=1e-12)
    np.testing.assert_allclose(together[2:], apart[2:], atol=1e-9)


@pytest.mark.parametrize("low", [1, 8])
def test_chunks_and_threads_change_nothing(low):
    x = np.random.default_rng(3).standard_normal((9, 1800)) * 20
    stages = [
        fe.FIR(high=60),
        fe.Hilbert(low, ["envelope", "phase"]),
        fe.Window(0.5, 0.1),
        fe.TimeDomain(["mean"]),
    ]
    pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=[f"c{i}" for i in range(9)])
    whole = pipe.engine().push_array(x)
    for cut, threads in ((1, 1), (7, 1), (70, 2), (333, 1)):
        engine = pipe.engine(threads=threads)
        parts = [engine.push_array(x[:, i : i + cut]) for i in range(0, x.shape[1], cut)]
        assert same_bits(np.concatenate(parts), whole)
    engine.reset()
    assert same_bits(engine.push_array(x), whole)


def test_real_part_behind_a_filter_is_the_filters():
    """The filter ahead does not melt into the transformer, of which only the imaginary part is made."""
    x = np.random.default_rng(4).standard_normal((2, 900)) * 20
    pipe, got = samples(fe.Hilbert(8), x, ahead=[fe.FIR(high=40)])
    _, filtered = samples(fe.FIR(high=40), x)
    d = len(hilbert_taps(SFREQ, 8)) // 2
    np.testing.assert_array_equal(got[:2, d:], filtered[:, :-d])
    assert [op.kind for op in pipe.program.ops][:3] == ["fir", "fir", "quadrature"]


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ((0,), ValueError, "low must be"),
        (("4",), TypeError, "low must be"),
        ((4, "angle"), ValueError, "measures must be one of"),
        ((4, []), ValueError, "measures is empty"),
        ((4, "envelope", True), ValueError, 'no meaning without "power"'),
        ((4, "power", True, True), ValueError, "choose one"),
    ],
)
def test_bad_arguments(given, error, match):
    with pytest.raises(error, match=match):
        fe.Hilbert(*given)


@pytest.mark.parametrize(
    ("low", "match"), [(62.5, "below a quarter of it, 62.5 Hz"), (1e-3, "raise low, or put Resample")]
)
def test_edges_that_no_filter_has(low, match):
    with pytest.raises(ValueError, match=match):
        fe.Hilbert(low).delay(SFREQ)
