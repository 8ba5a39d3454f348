"""The figures that we hold ourselves to: one thread, float64, the peer in the same run, the answer checked first."""

import itertools
import time

import numpy as np
import peers
import pytest
from conftest import ROWS

import fastemo as fe
from fastemo._cases import CASES

N = 64
HOP = 50
BANDS = dict(zip(("delta", "theta", "alpha", "beta", "gamma"), peers.BANDS, strict=True))


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def recording():
    return 10 * np.random.default_rng(1).standard_normal((N, 300_000))


@pytest.mark.parametrize(("n", "goal"), [(1, 40), (10, 22), (50, 10)])
def test_sos_filter(versus, rng, n, goal):
    x = rng.standard_normal((N, n))
    out = np.empty_like(x)
    own, peer = fe.signal.SosFilter(peers.SOS, N), peers.SosFilt(peers.SOS, N)
    for _ in range(5):
        np.testing.assert_array_equal(own.process(x, out), peer(x))
    process = own.process
    versus(f"SosFilter, 64 ch x {n}", lambda: process(x, out), scipy_sosfilt=(lambda: peer(x), goal))


def test_sos_filter_samples_first(versus, rng):
    x = rng.standard_normal((50, N))
    out = np.empty_like(x)
    own, peer = fe.signal.SosFilter(peers.SOS, N), peers.SosFilt(peers.SOS, N, axis=0)
    np.testing.assert_array_equal(own.process(x, out, "samples_first"), peer(x))
    process = own.process
    versus(
        "SosFilter, 50 x 64 ch, samples first",
        lambda: process(x, out, "samples_first"),
        scipy_sosfilt=(lambda: peer(x), 12),
    )


def test_band_power_of_a_window(versus, rng):
    x = 10 * rng.standard_normal((N, 1000))
    peer = peers.FftBands()
    np.testing.assert_allclose(fe.spectral.band_power(x, 500, BANDS), peer(x), rtol=1e-10)
    np.testing.assert_allclose(peers.welch_bands(x, 1000), peer(x), rtol=1e-10)
    versus(
        "FFT band power, 64 ch x 1000",
        lambda: fe.spectral.band_power(x, 500, BANDS),
        rfft_and_matmul=(lambda: peer(x), 3),
        scipy_welch=(lambda: peers.welch_bands(x), 20),
        scipy_welch_one_segment=(lambda: peers.welch_bands(x, 1000), 20),
    )


def decoder(hop):
    """A pipeline fitted on noise: its speed does not depend on what it has learnt."""
    rng = np.random.default_rng(2)
    names = [f"ch{c}" for c in range(N)]
    stages = [fe.BandPass(1, 45), fe.Notch(50), fe.Window(2.0, hop), fe.DifferentialEntropy(BANDS), fe.LDA()]
    pipe = fe.Pipeline(stages, sfreq=500, ch_names=names, check_unit=False)
    x = rng.standard_normal((9, N, 4000)) * np.array([5, 7, 9]).repeat(3)[:, None, None]
    return pipe.fit(x, ["calm", "joy", "fear"] * 3)


@pytest.fixture(scope="module")
def live():
    return decoder(hop=10 / 500)


def test_whole_step(versus, rng, live):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    coef, bias = live.fitted_["lda"]["coef"], live.fitted_["lda"]["bias"]
    lda = LinearDiscriminantAnalysis().fit(rng.standard_normal((300, coef.shape[1])), np.arange(300) % 3)
    lda.coef_, lda.intercept_ = coef, bias  # the same decoder for all three
    slow, fast = peers.VarianceLoop(N, lda), peers.RunningSumsLoop(N, coef, bias, 10)
    engine = live.engine()
    out = np.zeros(4, engine.dtype)
    chunks = 10 * rng.standard_normal((300, N, 10))
    for chunk in chunks:  # from silence, or from the first sample: after 6 s that is forgotten
        n, expected, by_variance = engine.push_into(chunk, out), fast(chunk), slow(chunk)
    assert n == 1
    np.testing.assert_allclose(out[0]["outputs"], expected, rtol=1e-3, atol=1e-6)
    # A variance is a mean square less the squared mean, which is next to nothing behind a band-pass.
    np.testing.assert_allclose(by_variance, expected, rtol=2e-2, atol=1e-3)
    push, stream = engine.push_into, itertools.cycle(chunks)
    versus(
        "whole step, 10 x 64 chunk to probabilities",
        lambda: push(next(stream), out),
        variance_and_sklearn=(lambda: slow(next(stream)), 100),
        running_sums_and_numpy=(lambda: fast(next(stream)), 50),
    )


@pytest.mark.parametrize("how", ["busy", "asleep"])
def test_whole_step_every_5_ms(benchmark, rng, live, how):
    """What a call costs when caches have had 5 ms to forget, the core awake (busy) or not."""
    engine = live.engine()
    out = np.zeros(4, engine.dtype)
    chunk = 10 * rng.standard_normal((N, 10))
    push, times = engine.push_into, []
    for _ in range(800):
        if how == "asleep":
            time.sleep(5e-3)
        else:
            end = time.perf_counter() + 5e-3
            while time.perf_counter() < end:
                pass
        start = time.perf_counter_ns()
        push(chunk, out)
        times.append((time.perf_counter_ns() - start) / 1e3)
    benchmark.pedantic(push, (chunk, out), rounds=20)
    p50, p99, p999 = np.percentile(times, [50, 99, 99.9])
    benchmark.extra_info |= {"p50": p50, "p99": p99, "p99.9": p999}
    print(f"\nwhole step every 5 ms, {how}: p50 {p50:.1f} us, p99 {p99:.1f} us, p99.9 {p999:.1f} us")
    ROWS.append((f"whole step every 5 ms, {how} in between (p50; p99)", "-", p50, p99, None))


def features_only(stage, *before):
    names = [f"ch{c}" for c in range(N)]
    return fe.Pipeline(
        [*before, fe.Window(2.0, HOP / 500), stage], sfreq=500, ch_names=names, check_unit=False
    )


def test_ten_minutes_of_fft_band_power(versus, recording):
    engine = features_only(fe.BandPower(BANDS)).engine()

    def own():
        engine.reset()
        return engine.push_array(recording)["outputs"]

    expected = peers.blocked_fft(recording[:, :30_000], HOP)
    got = own().reshape(-1, len(BANDS), N).swapaxes(1, 2)
    np.testing.assert_allclose(got[: len(expected)], expected, rtol=1e-9)
    n_windows, some = len(got), 40
    versus(
        f"FFT band power, 64 ch x 10 min, {n_windows} windows",
        own,
        rounds=5,
        seconds=0.1,
        blocked_rfft_and_matmul=(lambda: peers.blocked_fft(recording, HOP), 8),
    )
    own_us = ROWS[-1][2]
    start = time.perf_counter()
    peers.mne_welch_loop(recording, HOP, some)
    mne_us = (time.perf_counter() - start) * 1e6 * n_windows / some
    ROWS.append(
        (
            f"FFT band power, 64 ch x 10 min, {n_windows} windows",
            f"mne psd_array_welch loop (from {some})",
            own_us,
            mne_us,
            20,
        )
    )


def test_ten_minutes_of_filter_bank_entropy(versus, recording):
    engine = features_only(fe.DifferentialEntropy(BANDS)).engine()

    def own():
        engine.reset()
        return engine.push_array(recording)["outputs"]

    expected = peers.bank_cumsum(recording[:, :30_000], HOP)
    got = own().reshape(-1, len(BANDS), N)
    # The peer's filters start from silence, ours from the first sample: compare once both have forgotten.
    np.testing.assert_allclose(got[300 : len(expected)], expected[300:], rtol=1e-5)
    versus(
        "filter-bank DE, 64 ch x 10 min, 0.1 s hop",
        own,
        rounds=5,
        seconds=0.1,
        bank_and_cumulative_sums=(lambda: peers.bank_cumsum(recording, HOP), 10),
    )


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=f"{c.kind}-{c.name}") for c in CASES if c.kind == "kernel"]
)
def test_kernel_against_its_reference(versus, rng, case):
    x = 10 * rng.standard_normal((N, 1000))
    names = {"native": "compiled", "jit": "numba", "reference": "numpy"}
    calls = {names[i]: case.make(i, *x.shape) for i in case.implementations}
    expected = calls["numpy"](x)
    for call in calls.values():
        np.testing.assert_allclose(call(x), expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())
    own, *others = calls
    slower = {name: lambda call=calls[name]: call(x) for name in others}
    work = f"{case.name} ({own}), 64 ch x 1000 at 250 Hz"
    versus(work, lambda: calls[own](x), rounds=5, seconds=0.03, **slower)
