"""The 1/f background and peaks of spectra."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastemo.spectral import aperiodic, multitaper, peak_frequency

F = np.arange(0.5, 80, 0.5)


@pytest.mark.parametrize("exponent", [0.3, 1.0, 2.2])
def test_the_background_under_peaks(exponent):
    rng = np.random.default_rng(0)
    clean = 40 / F**exponent
    peak = 200 * np.exp(-((F - 10) ** 2) / 2)
    offset, found = aperiodic(F, clean)
    assert_allclose([offset, found], [np.log10(40), exponent], atol=1e-12)
    noisy = (clean + clean.min() * peak) * rng.chisquare(14, (200, len(F))) / 14
    offset, found = aperiodic(F, noisy)
    assert found.shape == (200,)
    assert abs(found.mean() - exponent) < 0.15


def test_a_peak_moves_least_squares_more():
    p = 40 / F * (1 + 30 * np.exp(-((F - 10) ** 2) / 2))
    keep = (F >= 2) & (F <= 40)
    line = np.polyfit(np.log10(F[keep]), np.log10(p[keep]), 1)[0]
    assert abs(aperiodic(F, p)[1] - 1) < 0.3 * abs(line + 1)


def test_of_a_signal():
    x = np.random.default_rng(1).standard_normal((4, 5000)).cumsum(axis=-1)
    f, p = multitaper(x, 250.0)
    assert_allclose(aperiodic(f, p)[1], 2, atol=0.15)
    p[2] = 0
    assert np.isnan(aperiodic(f, p)[1]).tolist() == [False, False, True, False]


def test_peaks():
    p = 1 / F + 3 * np.exp(-((F - 9.7) ** 2) / 3)
    assert_allclose(peak_frequency(F, p), 9.7, atol=0.1)
    both = np.stack([p, 1 / F])
    assert np.isnan(peak_frequency(F, both)).tolist() == [False, True]
    assert_allclose(peak_frequency(F, p[None, None], (5, 20)), [[9.7]], atol=0.1)
    assert np.isnan(peak_frequency(F, np.zeros_like(F)))


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (lambda: aperiodic(F, F[:-1]), r"and p \(..., n_frequencies\), got"),
        (lambda: aperiodic(F, F, 10, 10.5), "hold 2 of the frequencies"),
        (lambda: aperiodic(F, F, 0), "fmin must be a finite number above 0"),
        (lambda: peak_frequency(F, F, (10, 10.5)), "holds 2 of the frequencies"),
    ],
)
def test_bad_arguments(call, fragment):
    with pytest.raises(ValueError, match=fragment):
        call()
