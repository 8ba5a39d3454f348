"""Connectivity of 64 channels in five bands, against mne-connectivity."""

import warnings

import numpy as np
import pytest

from fastemo.connectivity import connectivity

peer = pytest.importorskip("mne_connectivity")

FS = 500.0
FMIN, FMAX = (1, 4, 8, 13, 30), (4, 8, 13, 30, 45)
EIGHT = ["coh", "imcoh", "plv", "ciplv", "ppc", "pli", "dpli", "wpli"]


@pytest.fixture(scope="module")
def epochs():
    return np.random.default_rng(0).standard_normal((32, 64, 1000))


def ours(x, methods, mode, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return connectivity(x, FS, fmin=FMIN, fmax=FMAX, methods=methods, mode=mode, **options)


def theirs(x, methods, mode):
    return peer.spectral_connectivity_epochs(
        x, method=methods, sfreq=FS, mode=mode, fmin=FMIN, fmax=FMAX, faverage=True, verbose="error"
    )


@pytest.mark.parametrize(
    ("n_epochs", "methods", "mode", "goal"),
    [
        (1, ["coh"], "multitaper", 50),
        (32, ["coh"], "fourier", 20),
        (32, EIGHT, "multitaper", 30),
        (32, EIGHT, "fourier", None),
    ],
)
def test_spectral(versus, epochs, n_epochs, methods, mode, goal):
    x = epochs[:n_epochs]
    result, expected = ours(x, methods, mode), theirs(x, methods, mode)
    expected = expected if isinstance(expected, list) else [expected]
    for method, other in zip(methods, expected):
        other = other.get_data("dense")[result.seeds, result.targets]
        np.testing.assert_allclose(result[method], other, rtol=1e-8, atol=1e-10)
    what = methods[0] if len(methods) == 1 else f"{len(methods)} measures"
    versus(
        f"{n_epochs} x 64 ch x 1000, 5 bands, {what}, {mode}",
        lambda: ours(x, methods, mode),
        rounds=3,
        spectral_connectivity_epochs=(lambda: theirs(x, methods, mode), goal),
    )


def test_many_channels(versus):
    """Pairs grow with the square of channels: 256 of them."""
    x = np.random.default_rng(0).standard_normal((32, 256, 500))
    versus(
        "32 x 256 ch x 500, 5 bands, wpli, fourier",
        lambda: ours(x, "wpli", "fourier"),
        rounds=1,
        seconds=0.01,
        spectral_connectivity_epochs=(lambda: theirs(x, "wpli", "fourier"), 20),
    )
