"""Matrices and windows that tests of fastemo.riemann share."""

import numpy as np
import pytest

from fastemo._backend import core
from fastemo.reference import riemann as reference

native = pytest.mark.skipif(core is None, reason="there is no compiled core")
SIZES = (1, 2, 3, 7, 8, 9, 17, 32, 65)
ESTIMATORS = reference.ESTIMATORS


def spd(n_matrices, n, seed=0, spread=1.0):
    """Matrices whose eigenvalues are spread over some orders of magnitude."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_matrices, n, 2 * n + 3)) * np.exp(spread * rng.standard_normal((n, 1)))
    return x @ x.swapaxes(1, 2) / x.shape[2]


def hpd(n_matrices, n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_matrices, n, 3 * n)) + 1j * rng.standard_normal((n_matrices, n, 3 * n))
    return x @ x.conj().swapaxes(1, 2) / x.shape[2]


def windows(n_windows=5, n_channels=6, n_times=333, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_channels, n_channels))
    return mixing @ rng.standard_normal((n_windows, n_channels, n_times)) + 40
