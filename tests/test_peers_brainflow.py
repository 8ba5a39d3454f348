"""BrainFlow's DataFilter and what docs/coming_from.md says to write instead: the same numbers."""

import importlib.resources
import importlib.util
import sys
import types

import numpy as np
import pytest
import scipy.signal

import fastemo as fe

if importlib.util.find_spec("brainflow") is None:
    pytest.skip("brainflow is not installed", allow_module_level=True)

FS = 250
X = 5 * np.random.default_rng(0).standard_normal((3, 1000)).cumsum(axis=1)
BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}


@pytest.fixture(scope="module")
def bf():
    """BrainFlow finds its library through pkg_resources where Python's own importlib fails, and setuptools lacks that now."""
    if importlib.util.find_spec("pkg_resources") is None:
        stand_in = types.ModuleType("pkg_resources")
        stand_in.resource_filename = lambda _, path: str(importlib.resources.files("brainflow") / path)
        sys.modules["pkg_resources"] = stand_in
    try:
        import brainflow.data_filter as module

        module.DataFilter.get_nearest_power_of_two(FS)
    except Exception as error:  # its compiled library is not for every machine
        pytest.skip(f"brainflow does not load here: {error}")
    finally:
        if getattr(sys.modules.get("pkg_resources"), "__file__", None) is None:
            sys.modules.pop("pkg_resources", None)
    return module


def done(function, x, *args):
    """BrainFlow changes one channel in place."""
    x = np.ascontiguousarray(x).copy()
    function(x, *args)
    return x


def close(got, expected, tolerance=1e-8):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "limits", "kind"),
    [
        ("perform_lowpass", [30.0], "lowpass"), ("perform_highpass", [2.0], "highpass"),
        ("perform_bandpass", [8.0, 13.0], "bandpass"), ("perform_bandstop", [20.0, 30.0], "bandstop"),
    ],
)  # fmt: skip
def test_filters(bf, name, limits, kind):
    perform = getattr(bf.DataFilter, name)
    sos = scipy.signal.butter(4, limits if len(limits) == 2 else limits[0], kind, fs=FS, output="sos")
    theirs = [done(perform, x, FS, *limits, 4, bf.FilterTypes.BUTTERWORTH.value, 0) for x in X]
    close(fe.signal.sosfilt(sos, X), np.array(theirs))
    both_ways = [done(perform, x, FS, *limits, 4, bf.FilterTypes.BUTTERWORTH_ZERO_PHASE.value, 0) for x in X]
    close(forward_and_backward(sos, X), np.array(both_ways))


def forward_and_backward(sos, x):
    """The way back starts from the state in which the way forth ended."""
    y, state = fe.signal.sosfilt(sos, x, zi=np.zeros((len(sos), *x.shape[:-1], 2)))
    return fe.signal.sosfilt(sos, y[..., ::-1], zi=state)[0][..., ::-1]


def test_away_from_the_ends_sosfiltfilt_is_the_same(bf):
    x = np.random.default_rng(1).standard_normal(5000)
    theirs = done(
        bf.DataFilter.perform_highpass, x, FS, 2.0, 4, bf.FilterTypes.BUTTERWORTH_ZERO_PHASE.value, 0
    )
    sos = scipy.signal.butter(4, 2.0, "highpass", fs=FS, output="sos")
    np.testing.assert_allclose(fe.signal.sosfiltfilt(sos, x)[1500:-1500], theirs[1500:-1500], atol=1e-5)


@pytest.mark.parametrize(("noise", "limits"), [("FIFTY", (48, 52)), ("SIXTY", (58, 62))])
def test_environmental_noise(bf, noise, limits):
    theirs = [done(bf.DataFilter.remove_environmental_noise, x, FS, bf.NoiseTypes[noise].value) for x in X]
    sos = scipy.signal.butter(4, limits, "bandstop", fs=FS, output="sos")
    close(forward_and_backward(sos, X), np.array(theirs))


def test_moving_mean(bf):
    theirs = done(bf.DataFilter.perform_rolling_filter, X[0], 5, bf.AggOperations.MEAN.value)
    close(fe.signal.lfilter(np.full(5, 0.2), 1, X[0])[4:], theirs[4:])


def test_mean_of_every_so_many(bf):
    theirs = bf.DataFilter.perform_downsampling(X[0].copy(), 4, bf.AggOperations.MEAN.value)
    close(X[0].reshape(-1, 4).mean(axis=1), theirs, 1e-12)
    last = bf.DataFilter.perform_downsampling(X[0].copy(), 4, bf.AggOperations.EACH.value)
    np.testing.assert_array_equal(X[0][3::4], last)


def test_detrending(bf):
    theirs = done(bf.DataFilter.detrend, X[0], bf.DetrendOperations.LINEAR.value)
    close(fe.signal.detrend(X[0]), theirs, 1e-11)


def test_spectra(bf):
    hann = bf.WindowOperations.HANNING.value
    theirs, freqs = bf.DataFilter.get_psd_welch(X[0].copy(), 256, 128, FS, hann)
    f, p = fe.signal.welch(X[0], FS, "hann", 256, 128, detrend=False)
    close(p * 3 / 8, theirs)
    np.testing.assert_allclose(f, freqs)
    theirs, _ = bf.DataFilter.get_psd(X[0, :512].copy(), FS, hann)
    close(fe.signal.periodogram(X[0, :512], FS, "hann", detrend=False)[1] * 3 / 8, theirs)


def test_entropy_is_of_its_band_powers(bf):
    """The pack's power is get_band_power of get_psd_welch as get_custom_band_powers calls it."""
    n_fft = 2 * bf.DataFilter.get_nearest_power_of_two(FS)
    powers = []
    for x in X:
        hann = bf.WindowOperations.HANNING.value
        psd = bf.DataFilter.get_psd_welch(x.copy(), n_fft, 4 * n_fft // 5, FS, hann)
        powers.append([bf.DataFilter.get_band_power(psd, *band) for band in BANDS.values()])
    ours = fe.spectral.differential_entropy(X, FS, BANDS, "brainflow")
    np.testing.assert_allclose(ours, 0.5 * np.log(2 * np.pi * np.e * np.array(powers)), rtol=1e-9)


def test_relative_band_powers(bf):
    theirs, _ = bf.DataFilter.get_custom_band_powers(X, list(BANDS.values()), [0, 1, 2], FS, False)
    power = np.exp(2 * fe.spectral.differential_entropy(X, FS, BANDS, "brainflow")).mean(axis=0)
    np.testing.assert_allclose(power / power.sum(), theirs, rtol=1e-9)


def test_average_band_powers(bf):
    theirs, _ = bf.DataFilter.get_avg_band_powers(X, [0, 1, 2], FS, False)
    power = np.exp(2 * fe.spectral.differential_entropy(X, FS, "brainflow", "brainflow")).mean(axis=0)
    np.testing.assert_allclose(power / power.sum(), theirs, rtol=1e-9)


def test_railed_percentage(bf):
    """The largest absolute value in percent of the ADS1299's full scale."""
    x = 1000 * X[0]
    np.testing.assert_allclose(
        bf.DataFilter.get_railed_percentage(x, 24), 100 * np.abs(x).max() / 187500, rtol=1e-6
    )
