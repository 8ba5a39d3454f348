"""Connectivity of 64 channels in five bands, against mne-connectivity and what people write in NumPy."""

import warnings

import numpy as np
import pytest
from scipy.signal import butter, hilbert, sosfilt

import fastemo as fe
from fastemo._backend import core
from fastemo._design import analytic_bank
from fastemo.connectivity import METHODS, connectivity, envelope_correlation, wavelet_connectivity
from fastemo.engine import Engine

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
        rounds=5,
        spectral_connectivity_epochs=(lambda: theirs(x, methods, mode), goal),
    )


def test_many_channels(versus):
    """Pairs grow with the square of channels: 256 of them."""
    x = np.random.default_rng(0).standard_normal((32, 256, 500))
    versus(
        "32 x 256 ch x 500, 5 bands, wpli, fourier",
        lambda: ours(x, "wpli", "fourier"),
        rounds=3,
        seconds=0.01,
        spectral_connectivity_epochs=(lambda: theirs(x, "wpli", "fourier"), 20),
    )


BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}


def analytic(window):
    """What people write: a band-pass forward, Hilbert's transform."""
    out = []
    for lo, hi in BANDS.values():
        sos = butter(4, [lo, hi], "bandpass", fs=FS, output="sos")
        out.append(hilbert(sosfilt(sos, window)))
    return out


def numpy_plv(window):
    values = []
    for z in analytic(window):
        u = z / np.abs(z)
        values.append(np.abs(u @ u.conj().T) / window.shape[1])
    return values


def numpy_wpli(window):
    values = []
    for z in analytic(window):
        out = np.empty((len(z), len(z)))
        for i, x in enumerate(z):
            im = (x * z.conj()).imag
            out[i] = np.abs(im.sum(axis=1)) / np.maximum(np.abs(im).sum(axis=1), 1e-300)
        values.append(out)
    return values


def over_time(x, methods, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return connectivity(
            x, FS, BANDS, methods=methods, mode="filterbank", observations="time", skip=0.0, **options
        )


@pytest.mark.parametrize(("method", "theirs", "goal"), [("plv", numpy_plv, 8), ("wpli", numpy_wpli, 30)])
def test_over_time(versus, epochs, method, theirs, goal):
    """Other filters (ours needs no transform of the window), the same quantity: told apart by what they say of noise."""
    window = epochs[0]
    found = over_time(window, method).dense(method)
    expected = np.stack(theirs(window), axis=-1)
    off = ~np.eye(64, dtype=bool)
    assert abs(found[off].mean() - expected[off].mean()) < 0.1
    versus(
        f"one window 64 ch x 1000, 5 bands, {method} over time, filter included",
        lambda: over_time(window, method),
        NumPy=(lambda: theirs(window), goal),
    )


def test_streaming(versus, epochs):
    """A hop of 10 samples: all pairs of PLV, wPLI and imaginary coherency over the last 1000 samples."""
    names = [f"ch{c}" for c in range(64)]
    methods = ["plv", "wpli", "imcoh"]
    pipe = fe.Pipeline(
        [fe.Window(1000 / FS, 10 / FS), fe.Connectivity(BANDS, methods)],
        sfreq=FS,
        ch_names=names,
        check_unit=False,
    )
    engine = Engine(pipe.program)
    out = np.empty(4, engine.dtype)
    x = np.concatenate([*epochs], axis=1)
    engine.push_array(x[:, :2000])
    bank = analytic_bank(FS, BANDS, 4, "here")
    at = 2000

    def hop():
        nonlocal at
        at = at + 10 if at + 20 <= x.shape[1] else 2000
        assert engine.push_into(x[:, at : at + 10], out) == 1

    bits = sum(1 << METHODS.index(m) for m in methods)

    def again():
        return core.analytic_measures(x[None, :, 1000:2000], *bank, 0, bits)

    versus("64 ch, 5 bands, hop 10, PLV + wPLI + imcoh of all pairs", hop, each_window_again=(again, 20))


@pytest.mark.parametrize("orthogonalize", ["pairwise", False])
def test_envelopes(versus, epochs, orthogonalize):
    window = epochs[0]

    def theirs():
        return [
            peer.envelope_correlation(z[None], orthogonalize=orthogonalize, verbose="error")
            for z in analytic(window)
        ]

    def own():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return envelope_correlation(window, FS, BANDS, orthogonalize=bool(orthogonalize), skip=0.0)

    found = own()
    expected = np.stack([c.get_data("dense")[0, :, :, 0] for c in theirs()], axis=-1)
    off = ~np.eye(64, dtype=bool)
    assert abs(np.abs(found.dense()[off]).mean() - np.abs(expected[off]).mean()) < 0.1
    versus(
        f"one window 64 ch x 1000, 5 bands, AEC {'orthogonalised' if orthogonalize else 'plain'}, filter included",
        own,
        rounds=5,
        hilbert_and_envelope_correlation=(theirs, 20 if orthogonalize else None),
    )


def test_wavelets(versus, epochs):
    window, freqs = epochs[:1], np.arange(3.0, 46.0)
    methods = ["coh", "imcoh", "plv", "ciplv", "pli", "wpli"]

    def own():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return wavelet_connectivity(
                window, FS, fmin=3, fmax=45, freqs=freqs, methods=methods, faverage=False, n_cycles=3.0
            )

    def theirs():
        return peer.spectral_connectivity_time(
            window,
            freqs,
            method=methods,
            sfreq=FS,
            fmin=3,
            fmax=45,
            faverage=False,
            n_cycles=3.0,
            verbose="error",
        )

    found, expected = own(), theirs()
    for m, result in zip(methods, expected):
        other = result.get_data("dense")[0][found.seeds, found.targets]
        np.testing.assert_allclose(np.abs(found[m]), np.abs(other), atol=1e-8)
    versus(
        "one window 64 ch x 1000, Morlet, 43 frequencies, 6 measures over time",
        own,
        rounds=3,
        seconds=0.01,
        spectral_connectivity_time=(theirs, 40),
    )
