"""Connectivity in Numba, from Python and from one's own compiled code."""

import numpy as np
import pytest
from numba import njit

from fastemo import jit, reference
from fastemo.reference.connectivity import MEASURES, measures_of, pair_sums

KERNELS = {"coh": jit.coherence_pairs, "plv": jit.plv_pairs, "wpli": jit.wpli_pairs}


def signals(n=200, n_channels=7, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, n_channels)) + 1j * rng.standard_normal((n, n_channels))
    z[:, 1] += z[:, 0] * np.exp(0.5j)
    return z


@pytest.mark.parametrize("method", KERNELS)
def test_kernels_are_their_definition(method):
    z = signals()
    out = np.empty((7, 7))
    KERNELS[method](np.ascontiguousarray(z.real), np.ascontiguousarray(z.imag), out)
    expected = measures_of(pair_sums(z[:, None], np.arange(7)), np.arange(7))[method]
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)


def test_a_channel_of_zeros():
    z = signals()
    z[:, 3] = 0
    for kernel in KERNELS.values():
        out = np.empty((7, 7))
        kernel(np.ascontiguousarray(z.real), np.ascontiguousarray(z.imag), out)
        assert (out[3] == 0).all()
        assert (out[:, 3] == 0).all()


@njit(error_model="numpy")
def strongest(re, im):
    out = np.empty((re.shape[1], re.shape[1]))
    jit.wpli_pairs(re, im, out)
    return out.argmax()


def test_they_are_called_from_compiled_code():
    z = signals()
    assert strongest(np.ascontiguousarray(z.real), np.ascontiguousarray(z.imag)) in (1, 7)


@pytest.mark.parametrize("measures", [1, 0b10, 0b1000, 1 << 9, 1 << 11, (1 << 12) - 1])
@pytest.mark.parametrize(("n_observations", "n_tapers"), [(5, 1), (4, 3)])
def test_cross_spectra_are_the_reference(measures, n_observations, n_tapers):
    rng = np.random.default_rng(0)
    spectra = rng.standard_normal((9, n_observations, n_tapers, 2, 16))
    bands, rows = np.array([[0, 4, 1, 4], [3, 9, 3, 9]]), np.arange(1, 11)
    ours = jit.cross_spectra(spectra, bands, rows, rows, measures)
    truth = reference.cross_spectra(spectra, bands, rows, rows, measures)
    np.testing.assert_allclose(ours, truth, rtol=1e-9, atol=1e-11)
    assert len(ours) == bin(measures).count("1") + (measures >> MEASURES.index("cohy") & 1)
