"""FIR filters: 64 channels x 10 min at 500 Hz against MNE, and a stream in chunks against SciPy."""

import numpy as np
import pytest
import scipy.signal as sps

import fastemo as fe
from fastemo._fir_design import fir_taps

FS = 500.0
N = 300_000
S = fe.signal


@pytest.fixture(scope="module")
def recording():
    """64 channels of coloured noise, in uV."""
    rng = np.random.default_rng(0)
    return np.cumsum(rng.standard_normal((64, N)), axis=-1) * 0.05 + 10 * rng.standard_normal((64, N))


@pytest.fixture(scope="module")
def mne():
    module = pytest.importorskip("mne")
    module.set_log_level("ERROR")
    return module.filter


def both(mne, x):
    return mne.notch_filter(mne.filter_data(x, FS, 1, 45), FS, 50)


def test_band_pass_and_notch_as_two_calls(versus, recording, mne):
    def own():
        return S.notch_filter(S.filter_data(recording, FS, 1, 45), FS, 50)

    np.testing.assert_allclose(own(), both(mne, recording), rtol=0, atol=1e-8)
    versus(
        "FIR 1-45 Hz, then notch, 64 x 300 000",
        own,
        rounds=5,
        mne=(lambda: both(mne, recording), 4),
    )


def test_band_pass_and_notch_as_one_filter(versus, recording, mne):
    out = np.empty_like(recording)

    def own():
        return S.filter_data(recording, FS, 1, 45, notch_freqs=50, out=out)

    inner = slice(5000, -5000)
    np.testing.assert_allclose(own()[:, inner], both(mne, recording)[:, inner], rtol=0, atol=1e-8)
    versus(
        "FIR 1-45 Hz and notch as one, 64 x 300 000",
        own,
        rounds=5,
        mne=(lambda: both(mne, recording), 6),
    )


def test_the_same_in_the_stream(versus, recording, mne):
    """The engine checks, marks and windows besides; its results are those of a live stream."""
    stages = [fe.FIR(1, 45), fe.Notch(50), fe.Window(2, 2), fe.TimeDomain(["std"])]
    engine = fe.Pipeline(stages, sfreq=FS, ch_names=[f"c{i}" for i in range(64)], check_unit=False).engine()

    def own():
        engine.reset()
        return engine.push_array(recording)

    taps = fir_taps(FS, 1, 45)
    filtered = sps.lfilter(
        *sps.iirnotch(50, 30, fs=FS), sps.oaconvolve(recording, taps[None], axes=-1)[:, :N]
    )
    deviation = filtered[:, 200_000:201_000].std(axis=1, ddof=1)
    np.testing.assert_allclose(own()["outputs"][200], deviation, rtol=1e-6)
    versus(
        "FIR 1-45 Hz, notch and 300 windows in the engine, 64 x 300 000",
        own,
        rounds=5,
        mne=lambda: both(mne, recording),
    )


@pytest.mark.parametrize("call", ["filter_data", "notch_filter"])
def test_two_threads(versus, recording, call):
    out = np.empty_like(recording)
    arguments = (recording, FS, 1, 45) if call == "filter_data" else (recording, FS, 50)
    versus(
        f"{call}, 64 x 300 000, two threads",
        lambda: getattr(S, call)(*arguments, out=out, threads=2),
        rounds=5,
        one_thread=(lambda: getattr(S, call)(*arguments, out=out), 1.8),
    )


@pytest.mark.parametrize("n_taps", [101, 825, 3301])
def test_a_stream_in_chunks(versus, n_taps):
    """64 channels in chunks of ten samples, against `lfilter` with its state kept."""
    taps = sps.firwin(n_taps, [1, 45], fs=FS, pass_zero=False)
    chunks = np.random.default_rng(0).standard_normal((100, 64, 10))
    stages = [fe.FIR(taps=taps), fe.Window(1, 1), fe.TimeDomain(["std"])]
    engine = fe.Pipeline(stages, sfreq=FS, ch_names=[f"c{i}" for i in range(64)], check_unit=False).engine()
    out = np.zeros(engine.max_predictions(10), engine.dtype)
    state = [np.zeros((64, n_taps - 1))]

    def own():
        for chunk in chunks:
            engine.push_into(chunk, out)

    def scipy():
        for chunk in chunks:
            _, state[0] = sps.lfilter(taps, 1.0, chunk, zi=state[0])

    versus(f"100 chunks of 10 x 64 through {n_taps} taps", own, scipy_lfilter=scipy)
