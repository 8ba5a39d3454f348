"""Morlet wavelets in the stream: the numbers of the whole recording's, later by half of the longest."""

import numpy as np
import pytest
from programs import BACKENDS, make_program, same_bits

import fastemo as fe
from fastemo._backend import core
from fastemo._design import morlet_wavelet, wavelet_grid, wavelet_half
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.stages._morlet import wavelet_block

SFREQ = 100.0
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
native = pytest.mark.skipif(core is None, reason="no compiled core")


def eeg(n=1500, n_channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return 10 * np.cumsum(rng.standard_normal((n_channels, n)), axis=1) / 3 + 500


def pipeline(n_channels, length=0.5, hop=0.1, bands=BANDS, n_cycles=7.0, sfreq=SFREQ, **options):
    stages = [fe.Window(length, hop), fe.BandPower(bands, "morlet", n_cycles=n_cycles, **options)]
    return fe.Pipeline(stages, sfreq=sfreq, ch_names=[f"c{i}" for i in range(n_channels)], check_unit=False)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_cycles", [3.0, 7.0])
def test_is_the_offline_transform_but_for_the_delay(backend, n_cycles):
    x = eeg()
    records = Engine(pipeline(3, n_cycles=n_cycles).program, backend=backend).push_array(x)
    got = records["outputs"].reshape(-1, 3, 3)
    delay = wavelet_half(SFREQ, wavelet_grid(4, 8)[0][0], n_cycles)
    density = []
    for band in BANDS.values():
        freqs, width = wavelet_grid(*band)
        power = fe.spectral.morlet(x, SFREQ, freqs, n_cycles)
        density.append(power.sum(axis=1) * width / SFREQ)
    checked = 0
    for k, record in enumerate(records):
        stop = record["index"] + 1 - delay
        start = stop - 50
        if start < delay:  # beyond the beginning there is zero for one, the first sample for the other
            continue
        wanted = [band[:, start:stop].mean(axis=1) for band in density]
        np.testing.assert_allclose(got[k], wanted, rtol=1e-8)
        # And it is dated where those samples are.
        assert record["time"] == pytest.approx((start + 24.5) / SFREQ, abs=1e-9)
        checked += 1
    assert checked > 80


def op_of(freqs=(9.0, 15.0, 30.0), n_cycles=4.0, delay=90, block=0, **changes):
    wavelets = [morlet_wavelet(SFREQ, f, n_cycles, True) for f in freqs]
    taps = np.concatenate(wavelets)
    tensors = {
        "taps": np.stack([taps.real, taps.imag], axis=-1), "lengths": np.array([len(w) for w in wavelets]),
        "weights": np.linspace(0.5, 1.5, len(wavelets)), "delay": np.array([delay]), "block": np.array([block]),
    }  # fmt: skip
    return Op("wavelets", (0,), tensors | changes)


def last_samples(op, x, backend=None):
    mean = Op("reduce", (2,), {
        "names": np.frombuffer(b"mean", np.uint8), "params": np.zeros((1, 1)), "n_params": np.array([0]),
    })  # fmt: skip
    program = make_program([op, Op("window", (1,)), mean], len(x), SFREQ)
    return Engine(program, backend=backend).push_array(x)["outputs"].T


@native
@pytest.mark.parametrize("delay", [40, 90, 300])
@pytest.mark.parametrize("block", [0, 16, 32, 64, 128, 1024])
def test_blocks_change_only_rounding(block, delay):
    x = eeg(700, 9)
    freqs = (13.0, 20.0, 30.0)
    wanted = last_samples(op_of(freqs, delay=delay), x, "reference")
    got = last_samples(op_of(freqs, delay=delay, block=block), x, "native")
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@native
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads_do_not_matter(threads):
    x = eeg(3000, 17)
    x[3, 700:720] = np.nan
    program = pipeline(17, sfreq=250, bands={"delta": (2, 4), **BANDS}).program
    assert len({op["block"].item() for op in program.ops if op.kind == "wavelets"}) > 1
    whole, engine = Engine(program).push_array(x), Engine(program, threads=threads)
    cuts = np.sort(np.random.default_rng(threads).integers(0, x.shape[1], 80))
    for _ in range(2):
        parts = [engine.push_array(chunk) for chunk in np.split(x, cuts, axis=1)]
        assert same_bits(np.concatenate(parts), whole)
        engine.reset()


@native
def test_channels_are_their_own():
    x = eeg(1200, 9)
    whole = pipeline(9).transform(x).reshape(-1, 3, 9)
    alone = pipeline(1).transform(x[4:5]).reshape(-1, 3)
    np.testing.assert_array_equal(alone, whole[:, :, 4])


def test_a_constant_has_no_power_and_noise_its_own():
    flat = last_samples(op_of(), np.full((2, 300), 1e4))
    np.testing.assert_allclose(
        flat, 0, atol=0.1
    )  # what wavelets cut off after five deviations leave of an offset
    noise = 10 * np.random.default_rng(1).standard_normal((2, 20_000))
    rows = pipeline(2, 20, 20).transform(noise)[1:].reshape(-1, 3, 2).mean(axis=(0, 2))
    widths = np.array([high - low for low, high in BANDS.values()])
    np.testing.assert_allclose(rows, 100 * widths / (SFREQ / 2), rtol=0.1)


def test_scales_and_delays():
    x = eeg(900, 2)
    power = pipeline(2).transform(x)
    np.testing.assert_allclose(
        pipeline(2, log=True).transform(x), np.log(np.maximum(power, 1e-4)), rtol=1e-12
    )
    shares = pipeline(2, relative=True).transform(x).reshape(-1, 3, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    pipe = pipeline(2)
    delay = wavelet_half(SFREQ, 4.5, 7.0) / SFREQ
    assert pipe.program.scalar("time.delay") == pytest.approx(delay)
    assert delay * SFREQ < pipe.program.scalar("time.warmup") < 2 * delay * SFREQ
    names = list(pipe.get_feature_names_out())
    assert names[0] == "theta:c0"
    assert names[-1] == "beta:c1"
    one = pipeline(2, bands={"alpha": (8, 13)}).transform(x)
    assert one.shape == (len(power), 2)


def test_short_wavelets_are_summed_directly_and_long_ones_by_the_fft():
    assert wavelet_block(np.array([41]), 20) == 0
    assert wavelet_block(np.array([1857, 1115]), 928) > 0
    # Those that are late anyway need no direct sums, so the block may be long.
    assert wavelet_block(np.array([201, 181, 161]), 928) >= 64


def test_bad_parameters():
    with pytest.raises(ValueError, match="n_cycles"):
        fe.BandPower(BANDS, "morlet", n_cycles=0)
    with pytest.raises(ValueError, match=r"n_cycles=3.0 has no meaning for method='fft'"):
        fe.BandPower(BANDS, "fft", n_cycles=3.0)
    with pytest.raises(ValueError, match="detrend=False has no meaning for method='morlet'"):
        fe.BandPower(BANDS, "morlet", detrend=False)
    with pytest.raises(ValueError, match="beta"):
        pipeline(1, bands={"beta": (13, 60)}).program  # noqa: B018


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lengths": np.array([4, 5, 7])}, "length"),
        ({"lengths": np.array([-1, 5, 7])}, "length"),
        ({"lengths": np.array([3, 3, 5])}, "taps"),
        ({"delay": np.array([3])}, "has delay 3, expected"),
        ({"delay": np.array([1 << 40])}, "has delay"),
        ({"block": np.array([24])}, "has block 24, expected 0 or a power of two"),
        ({"block": np.array([-16])}, "has block -16"),
        ({"weights": np.array([-1.0, 1.0, 1.0])}, "negative weight"),
        ({"weights": np.ones(2)}, "weights"),
    ],
)
def test_damaged_programs_are_refused(backend, changes, message):
    with pytest.raises(ValueError, match=message):
        last_samples(op_of(**changes), np.zeros((2, 5)), backend)
