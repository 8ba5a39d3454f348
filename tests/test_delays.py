"""Delays from the slope of the phase: signs, errors that are what they say, what is refused."""

import re

import numpy as np
import pytest

from fastemo.connectivity import phase_lag_time

SFREQ = 250.0
BAND = {"beta": (13, 30)}


def delayed(n_epochs=30, n=500, samples=4, noise=1.0, seed=0):
    """Channel 1 has `samples` later what channel 0 had; channel 2 has nothing to do with them."""
    rng = np.random.default_rng(seed)
    source = rng.standard_normal((n_epochs, n + 40))
    x = np.stack([source[:, 20 + samples : n + 20 + samples], source[:, 20 : n + 20], source[:, :n]], axis=1)
    x[:, 2] = rng.standard_normal((n_epochs, n))
    return x + noise * rng.standard_normal(x.shape)


@pytest.mark.parametrize("mode", ["multitaper", "fourier"])
@pytest.mark.parametrize("samples", [-6, 0, 1, 4, 15])
def test_a_delay_is_found_with_its_sign(mode, samples):
    x = delayed(samples=samples)
    result = phase_lag_time(x, SFREQ, BAND, mode=mode)
    lag, error = result.dense("lag_time", np.nan)[..., 0], result.dense("lag_error", np.nan)[..., 0]
    assert abs(lag[0, 1] - samples / SFREQ) < 4 * error[0, 1]
    assert lag[1, 0] == -lag[0, 1]
    assert error[1, 0] == error[0, 1] < 2e-3
    # Where the tapers overlap little the phase at the middle of the band is that of the delay.
    middle = np.angle(np.exp(2j * np.pi * result.freqs[0] * samples / SFREQ))
    assert abs(np.angle(np.exp(1j * (result.dense("phase")[0, 1, 0] - middle)))) < 0.3


@pytest.mark.filterwarnings("ignore:.*independent observations")
@pytest.mark.parametrize(("mode", "noise"), [("fourier", 1.0), ("multitaper", 1.0), ("multitaper", 0.5)])
def test_the_error_is_what_delays_scatter_by(mode, noise):
    """Over 150 repetitions: the scatter within a fifth of the mean error, three in a thousand beyond four of them."""
    lags, errors = [], []
    for seed in range(150):
        result = phase_lag_time(
            delayed(12, 500, 3, noise, seed), SFREQ, {"band": (10, 40)}, mode=mode, indices=([0], [1])
        )
        lags.append(result["lag_time"][0, 0])
        errors.append(result["lag_error"][0, 0])
    lags, errors = np.array(lags), np.array(errors)
    assert np.isfinite(lags).all()
    assert 0.75 < lags.std() / np.sqrt(np.mean(errors**2)) < 1.3
    assert np.mean(np.abs(lags - 3 / SFREQ) > 4 * errors) < 0.02
    assert abs(lags.mean() - 3 / SFREQ) < 4 * lags.std() / np.sqrt(150)


def test_a_phase_is_no_delay():
    """A quarter of a cycle at every frequency."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal((40, 500)))
    x = np.stack([np.fft.irfft(spectrum, 500), np.fft.irfft(-1j * spectrum, 500)], axis=1)
    x += 0.3 * rng.standard_normal(x.shape)
    result = phase_lag_time(x, SFREQ, BAND, indices=([0], [1]))
    assert abs(result["lag_time"][0, 0]) < 4 * result["lag_error"][0, 0]
    np.testing.assert_allclose(result["phase"], np.pi / 2, atol=0.05)


@pytest.mark.parametrize("mode", ["multitaper", "fourier"])
def test_unrelated_signals_have_no_delay(mode):
    """But for one in a hundred; 840 pairs."""
    found = [
        phase_lag_time(np.random.default_rng(s).standard_normal((30, 8, 250)), SFREQ, BAND, mode=mode)
        for s in range(30)
    ]
    lags = np.array([f["lag_time"] for f in found])
    assert np.mean(np.isfinite(lags)) < 0.025
    np.testing.assert_array_equal(np.isnan(lags), [np.isinf(f["lag_error"]) for f in found])
    np.testing.assert_array_equal(np.isnan(lags), [np.isnan(f["phase"]) for f in found])


def test_scale_and_offset_do_not_matter_and_nothing_overflows():
    x = delayed()
    one = phase_lag_time(x, SFREQ, BAND)
    two = phase_lag_time(x * 1e-6 + np.array([[5.0], [1e-3], [0.0]]) * 1e-6, SFREQ, BAND)
    for m in one:
        np.testing.assert_allclose(one[m], two[m], rtol=1e-6)


def test_copies_have_no_delay():
    x = delayed()
    x[:, 1] = x[:, 0]
    result = phase_lag_time(x, SFREQ, BAND, indices=([0], [1]))
    assert abs(result["lag_time"][0, 0]) < 1e-12
    assert result["lag_error"][0, 0] < 1e-6


def test_bands_and_coordinates():
    result = phase_lag_time(delayed(), SFREQ, fmin=(8, 13), fmax=(13, 30), ch_names=["a", "b", "c"])
    assert result["lag_time"].shape == (3, 2)
    assert result.bands == ("8-13", "13-30")
    assert result.ch_names == ("a", "b", "c")
    pytest.importorskip("xarray")
    assert result.to_xarray("lag_time").sel(seed="a", target="b").shape == (2,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_lag": 1.5}, "max_lag is 1.5 s, expected at most half of the 2 s"),
        ({"max_lag": -1}, "max_lag"),
        (
            {"bands": {"narrow": (10, 11)}},
            "a slope needs three bins in the band 'narrow', but 2 s have 2 there",
        ),
        ({"mode": "fourier", "mt_bandwidth": 4}, "no meaning"),
        ({"indices": ([0], [3])}, "from 0 to 2"),
        ({"sfreq": 0}, "sfreq"),
        ({"threads": 0}, "threads"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        phase_lag_time(delayed(), **{"sfreq": SFREQ, "bands": BAND, **options})


def test_bad_signals():
    x = delayed()
    x[3, 1] = 7.0
    with pytest.raises(ValueError, match="channel '1' is flat in observation 3"):
        phase_lag_time(x, SFREQ, BAND)
    x[3, 1, 5] = np.nan
    with pytest.raises(ValueError, match="1 NaN or infinite values, the first in channel '1'"):
        phase_lag_time(x, SFREQ, BAND)
    with pytest.raises(ValueError, match="one observation"):
        phase_lag_time(delayed(1), SFREQ, BAND, mode="fourier")
