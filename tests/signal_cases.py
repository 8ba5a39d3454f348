"""What the tests of fastemo.signal share: signals of many shapes, types and layouts."""

import numpy as np
import pytest

from fastemo._backend import core

needs_core = pytest.mark.skipif(core is None, reason="there is no compiled core")

# Shapes with the axis of time; groups of eight signals, and what is left of one.
SHAPES = [
    ((1000,), 0),
    ((1, 333), -1),
    ((3, 700), 1),
    ((8, 1000), -1),
    ((19, 513), -1),
    ((640, 9), 0),
    ((2, 600, 5), 1),
    ((2, 3, 4, 260), 3),
]

LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed": lambda x: x[..., ::-1].copy()[..., ::-1],
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "rows of more": lambda x: np.repeat(x, 3, axis=0)[::3],
    "upside down": lambda x: x[::-1].copy()[::-1],
    "read-only": lambda x: np.lib.stride_tricks.as_strided(x, writeable=False),
}


def noise(shape, dtype=np.float64, seed=0, offset=5.0):
    """Noise with an offset: starts and trends then matter."""
    return (np.random.default_rng(seed).standard_normal(shape) + offset).astype(dtype)


@pytest.fixture
def never_scipy(monkeypatch):
    """What follows is computed by the core: SciPy is out of reach."""

    def asked(name, *arguments):
        raise AssertionError(f"{name} was left to SciPy")

    for module in ("_iir", "_fir", "_resampling", "_trend", "_spectra", "_over_time"):
        monkeypatch.setattr(f"fastemo.signal.{module}.by_scipy", asked)
