"""Phase-amplitude coupling: closed forms, the reference, known couplings, surrogates."""

import numpy as np
import pytest

from fastemo import features as f
from fastemo.features.coupling import _coupling
from fastemo.reference import coupling as reference

SFREQ = 250.0
THETA, GAMMA = [(4, 8)], [(20, 40), (40, 80)]


def coupled(n=6000, depth=1.0, seed=0):
    """Noise, and a theta rhythm whose phase drives a rhythm of 60 Hz.

    Theta's frequency drifts, smoothly: a jump is broadband, and couples with the phase it jumps from.
    """
    rng = np.random.default_rng(seed)
    drift = np.convolve(rng.normal(size=n), np.hanning(250) / 9.7, "same")
    theta = np.cos(2 * np.pi * np.cumsum(6 + 0.7 * drift) / SFREQ)
    gamma = (1 + depth * theta) * np.sin(2 * np.pi * 60 * np.arange(n) / SFREQ)
    return theta + 0.3 * gamma + 0.1 * rng.normal(size=n)


def pair(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.uniform(0, 0.4, n)), rng.gamma(2, size=n)


def test_closed_forms():
    phase = 2 * np.pi * (np.arange(18000) + 0.5) / 1800
    for k in (0.0, 0.3, 0.9):
        amplitude = 3 * (1 + k * np.cos(phase - 0.7))
        assert f.mean_vector_length(phase, amplitude) == pytest.approx(3 * k / 2, abs=1e-12)
        wanted = (k / 2) / np.sqrt(1 + k * k / 2)
        assert f.mean_vector_length(phase, amplitude, normalize=True) == pytest.approx(wanted, abs=1e-12)
        edges = np.linspace(-np.pi, np.pi, 19) - 0.7
        share = 1 / 18 + k * np.diff(np.sin(edges)) / (2 * np.pi)
        wanted = 1 + (share * np.log(share)).sum() / np.log(18)
        assert f.modulation_index(phase, amplitude) == pytest.approx(wanted, abs=1e-5)
    one_bin = np.where(np.abs(phase % (2 * np.pi) - 0.1) < 0.05, 1.0, 0.0)
    assert f.modulation_index(phase, one_bin) == pytest.approx(1)
    assert f.modulation_index(phase, np.ones_like(phase)) == 0


@pytest.mark.parametrize("n_bins", [2, 18, 25])
def test_the_reference(n_bins):
    phase, amplitude = pair()
    wanted = reference.modulation_index(phase, amplitude, n_bins)
    assert f.modulation_index(phase, amplitude, n_bins) == pytest.approx(wanted, rel=1e-11)
    for normalize in (False, True):
        wanted = reference.mean_vector_length(phase, amplitude, normalize)
        assert f.mean_vector_length(phase, amplitude, normalize) == pytest.approx(wanted, rel=1e-11)


def test_empty_bins_have_no_share():
    phase, amplitude = np.array([-3.0, -2.9, 0.1, 0.2]), np.array([1.0, 2.0, 3.0, 4.0])
    assert f.modulation_index(phase, amplitude) == pytest.approx(
        reference.modulation_index(phase, amplitude), rel=1e-12
    )


def test_batches_broadcast():
    phase = np.stack([pair(seed=s)[0] for s in range(3)])
    amplitude = np.stack([pair(seed=s)[1] for s in range(2)])
    for function in (f.modulation_index, f.mean_vector_length):
        got = function(phase[:, None], amplitude)
        assert got.shape == (3, 2)
        for i in range(3):
            for j in range(2):
                assert got[i, j] == pytest.approx(function(phase[i], amplitude[j]), rel=1e-12)


@pytest.mark.parametrize("method", ["modulation_index", "mvl", "normalized_mvl"])
@pytest.mark.parametrize("n", [500, 499])
def test_surrogates_swap_the_parts(method, n):
    phase, amplitude = pair(n)
    cuts = np.array([1, 7, 250, n - 1])
    wanted = []
    for a in (amplitude, *reference.surrogates(amplitude, cuts)):
        if method == "modulation_index":
            wanted.append(reference.modulation_index(phase, a))
        else:
            wanted.append(reference.mean_vector_length(phase, a, method == "normalized_mvl"))
    got = _coupling(2 * np.exp(1j * phase)[None], amplitude[None], method, 18, cuts)
    # sums of a transform: absolute rounding of the size of the amplitude
    np.testing.assert_allclose(got[:, 0, 0], wanted, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("method", ["modulation_index", "mvl", "normalized_mvl"])
def test_finds_what_is_there(method):
    x = np.stack([coupled(seed=0), coupled(depth=0.0, seed=1)])
    found = f.phase_amplitude_coupling(x, SFREQ, THETA, GAMMA, method, n_surrogates=200, seed=3)
    assert found.values.shape == found.z.shape == found.p.shape == (2, 1, 2)
    assert found.p[0, 0, 1] == pytest.approx(1 / 201)
    assert found.z[0, 0, 1] > 5
    assert (found.p[[0, 1, 1], 0, [0, 0, 1]] > 0.01).all()


def test_phase_and_amplitude_are_those_of_the_bands():
    """A pure sine in the middle of each band: its phase and amplitude, up to the ripple of the filters."""
    t = np.arange(5000) / SFREQ
    theta_phase = 2 * np.pi * 6 * t - np.pi / 2
    modulated = 1 + 0.5 * np.cos(theta_phase)
    x = 2 * np.cos(theta_phase) + modulated * np.sin(2 * np.pi * 60 * t)
    values = {
        m: f.phase_amplitude_coupling(x, SFREQ, THETA, [(40, 80)], m).values[0, 0]
        for m in ("mvl", "normalized_mvl")
    }
    assert values["mvl"] == pytest.approx(0.25, rel=0.01)
    assert values["normalized_mvl"] == pytest.approx(0.25 / np.sqrt(1.125), rel=0.01)


def test_reproducible_whatever_the_layout_and_threads():
    x = np.stack([coupled(3000, seed=s) for s in range(3)])
    options = {"n_surrogates": 20, "seed": 5}
    wanted = f.phase_amplitude_coupling(x, SFREQ, THETA, GAMMA, **options)
    for other in (np.asfortranarray(x), x[None, ::-1][0, ::-1]):
        for threads in (1, 2):
            got = f.phase_amplitude_coupling(other, SFREQ, THETA, GAMMA, threads=threads, **options)
            for a, b in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(a, b)
    alone = f.phase_amplitude_coupling(x[1], SFREQ, THETA, GAMMA, **options)
    np.testing.assert_array_equal(alone.z, wanted.z[1])
    plain = f.phase_amplitude_coupling(x, SFREQ, THETA, GAMMA)
    np.testing.assert_array_equal(plain.values, wanted.values)
    assert plain.z is None
    assert plain.p is None


def test_without_amplitude_or_with_nan_there_is_no_number():
    x = np.stack([coupled(3000), np.full(3000, 7.3), coupled(3000)])
    x[2, 17] = np.nan
    for method in ("modulation_index", "normalized_mvl"):
        found = f.phase_amplitude_coupling(x, SFREQ, THETA, GAMMA, method, n_surrogates=5, seed=0)
        assert np.isfinite(found.values[0]).all()
        assert all(np.isnan(part[1:]).all() for part in found)
    mvl = f.phase_amplitude_coupling(x, SFREQ, THETA, GAMMA, "mvl").values
    assert (mvl[1] == 0).all()
    assert np.isnan(mvl[2]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros(600)}, r"needs at least 625 samples \(10 cycles of 4 Hz\), got 600"),
        ({"phase": [(0, 4)]}, "phase must rise from above 0 .* got the band 0 to 4 Hz"),
        ({"amplitude": [(60, 200)]}, "amplitude must lie between 0 and the Nyquist frequency, 125 Hz"),
        (
            {"amplitude": [(60, 70)]},
            "10 Hz wide, expected at least twice the highest frequency of phase, 16 Hz",
        ),
        ({"phase": [4]}, "phase must be successive edges"),
        ({"method": "glm"}, "method must be one of"),
        ({"n_bins": 1}, "n_bins must be a whole number of at least 2"),
        ({"n_surrogates": -1}, "n_surrogates must be a whole number of at least 0"),
        ({"threads": 0}, "threads must be a whole number of at least 1"),
        ({"sfreq": 0}, "sfreq must be a finite number above 0"),
    ],
)
def test_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        f.phase_amplitude_coupling(
            **{"x": np.zeros(2000), "sfreq": SFREQ, "phase": THETA, "amplitude": GAMMA} | change
        )


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"got shapes \(3,\) and \(4,\)"):
        f.modulation_index(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match=r"got shapes \(\) and \(\)"):
        f.mean_vector_length(1.0, 2.0)
