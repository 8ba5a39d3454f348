"""MNE's spectra on our kernels: the same numbers, and what falls through."""

import numpy as np
import pytest
from signal_cases import needs_core

import fastemo as fe

mne = pytest.importorskip("mne")
tf = mne.time_frequency
pytestmark = needs_core

X = 10 * np.random.default_rng(0).standard_normal((2, 5, 700)).cumsum(axis=-1)


def both(name, *args, **kwargs):
    """Theirs, ours, and what became of the call."""
    theirs = getattr(tf, name)(*args, **kwargs, verbose=False)
    with fe.accelerate("mne") as acceleration:
        ours = getattr(tf, name)(*args, **kwargs, verbose=False)
    return theirs, ours, acceleration.counts()[f"mne.time_frequency.{name}"]


@pytest.mark.parametrize(
    "options",
    [
        {}, {"fmin": 3.0, "fmax": 40.0}, {"bandwidth": 3.0}, {"adaptive": True}, {"normalization": "full"},
        {"remove_dc": False}, {"fmin": 5, "adaptive": True, "bandwidth": 6}, {"n_jobs": 1},
    ],
)  # fmt: skip
def test_multitaper(options):
    theirs, ours, counts = both("psd_array_multitaper", X, 250.0, **options)
    assert counts == (1, 0, 0)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-8)


@pytest.mark.parametrize(
    "options",
    [
        {"low_bias": False}, {"output": "complex"}, {"bandwidth": "hann"}, {"max_iter": 99, "adaptive": True},
        {"fmin": 30.1, "fmax": 30.2},
    ],
)  # fmt: skip
def test_multitaper_that_falls_through(options):
    theirs, ours, counts = both("psd_array_multitaper", X, 250.0, **options)
    assert counts == (0, 1, 0)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(b, a)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_fft": 300, "n_per_seg": 200, "n_overlap": 150},
        {"window": "hann", "fmin": 4, "fmax": 30},
        {"remove_dc": False},
    ],
)
def test_welch(options):
    theirs, ours, counts = both("psd_array_welch", X, 250.0, **options)
    assert counts == (1, 0, 0)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-8)


def test_welch_that_falls_through():
    bad = X.copy()
    bad[:, :, 300:310] = np.nan
    for x, options in [(bad, {"n_fft": 100}), (X, {"average": "median"}), (X, {"average": None})]:
        theirs, ours, counts = both("psd_array_welch", x, 250.0, **options)
        assert counts == (0, 1, 0)
        np.testing.assert_array_equal(ours[0], theirs[0])


@pytest.mark.parametrize("output", ["complex", "power", "avg_power"])
@pytest.mark.parametrize(
    "options",
    [{}, {"n_cycles": np.array([3.0, 5.0, 7.0]), "decim": 4}, {"zero_mean": False, "use_fft": False}],
)
def test_morlet(output, options):
    theirs, ours, counts = both(
        "tfr_array_morlet", X, 250.0, np.array([8.0, 15.0, 30.0]), output=output, **options
    )
    assert counts == (1, 0, 0)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10 * np.abs(theirs).max())


def test_morlet_that_falls_through():
    for options in ({"output": "itc"}, {"output": "phase"}, {"decim": slice(None, None, 3)}):
        theirs, ours, counts = both("tfr_array_morlet", X, 250.0, np.array([8.0, 15.0]), **options)
        assert counts == (0, 1, 0)
        np.testing.assert_array_equal(ours, theirs)
    with fe.accelerate("mne"), pytest.raises(ValueError, match="longer than the signal"):
        tf.tfr_array_morlet(X, 250.0, np.array([1.0]))


def test_everything_is_put_back():
    original = tf.psd_array_welch
    with fe.accelerate("mne", "scipy") as acceleration:
        assert tf.psd_array_welch is not original
        assert len([name for name in acceleration.replaced if name.startswith("mne.time_frequency")]) == 3
    assert tf.psd_array_welch is original
