"""Functions of whole arrays: 64 channels x 10 min at 500 Hz, and short single signals, against SciPy and MNE."""

import time
import warnings

import numpy as np
import pytest
import scipy.signal as sps

import fastemo as fe

FS = 500.0
N = 300_000
SOS = sps.butter(4, [1, 45], "bandpass", fs=FS, output="sos")
B, A = sps.butter(4, [1, 45], "bandpass", fs=FS)


@pytest.fixture(scope="module")
def recording():
    """64 channels of coloured noise, in uV."""
    rng = np.random.default_rng(0)
    return np.cumsum(rng.standard_normal((64, N)), axis=-1) * 0.05 + 10 * rng.standard_normal((64, N))


def lone(name, arguments, **options):
    return lambda: getattr(fe.signal, name)(*arguments, **options)


def theirs(name, arguments, **options):
    return lambda: getattr(sps, name)(*arguments, **options)


# name, arguments but the signal (None stands for it), options, at least
LONG = [
    ("sosfilt", (SOS, None), {}, 2),
    ("sosfiltfilt", (SOS, None), {}, 4),
    ("lfilter", (B, A, None), {}, 2),
    ("filtfilt", (B, A, None), {}, 2),
    ("resample_poly", (None, 128, 500), {"axis": -1}, 5),
    ("decimate", (None, 4), {}, 2),
    (
        "oaconvolve",
        (None, sps.firwin(1651, [1, 45], fs=FS, pass_zero=False)[None]),
        {"mode": "same", "axes": -1},
        2,
    ),
    ("detrend", (None,), {}, 2),
    ("detrend", (None,), {"type": "constant"}, 1),
    ("welch", (None, FS), {}, 4),
    ("csd", (None, None, FS), {}, 2),
    ("coherence", (None, None, FS), {}, 2),
    ("spectrogram", (None, FS), {}, 2),
    ("stft", (None, FS), {}, 2),
    ("hilbert", (None,), {}, 1),
]


def filled(arguments, x):
    """The signal in its places; a second one is another array."""
    places = iter((x, x[::-1]))
    return tuple(next(places) if a is None else a for a in arguments)


@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "arguments", "options", "goal"), LONG, ids=lambda v: v if isinstance(v, str) else ""
)
def test_long(versus, recording, name, arguments, options, goal, single):
    x = recording.astype(np.float32) if single else recording
    arguments = filled(arguments, x)
    got, expected = lone(name, arguments, **options)(), theirs(name, arguments, **options)()
    if isinstance(got, tuple):
        got, expected = got[-1], expected[-1]
    np.testing.assert_allclose(
        got, expected, rtol=0, atol=np.abs(expected).max() * (1e-3 if single else 1e-9)
    )
    more = ", ".join(f"{k}={v}" for k, v in options.items() if k == "type")
    versus(
        f"{name}{' ' + more if more else ''}, 64 x 300 000, {x.dtype}",
        lone(name, arguments, **options),
        rounds=5,
        scipy=(theirs(name, arguments, **options), goal),
    )


WITH_OUT = [
    "sosfilt",
    "sosfiltfilt",
    "lfilter",
    "filtfilt",
    "resample_poly",
    "oaconvolve",
    "detrend",
    "welch",
    "spectrogram",
]


@pytest.mark.parametrize("name", WITH_OUT)
def test_two_threads(versus, recording, name):
    """At least 1.8 times one thread, with the result's memory given."""
    _, arguments, options, _ = next(row for row in LONG if row[0] == name)
    arguments = filled(arguments, recording)
    result = lone(name, arguments, **options)()
    out = result[-1] if isinstance(result, tuple) else result
    versus(
        f"{name}, 64 x 300 000, two threads",
        lone(name, arguments, **options, out=out, threads=2),
        rounds=5,
        one_thread=(lone(name, arguments, **options, out=out), 1.8),
    )


SHORT = [
    ("sosfilt", (SOS, None), {}),
    ("sosfiltfilt", (SOS, None), {}),
    ("lfilter", (B, A, None), {}),
    ("filtfilt", (B, A, None), {}),
    ("lfilter", (sps.firwin(51, 0.2), [1.0], None), {}),
    ("upfirdn", (sps.firwin(61, 0.2), None, 1, 4), {}),
    ("resample_poly", (None, 128, 500), {}),
    ("decimate", (None, 4), {}),
    ("oaconvolve", (None, sps.firwin(101, 0.2)), {}),
    ("detrend", (None,), {}),
    ("detrend", (None,), {"type": "constant"}),
    ("hilbert", (None,), {}),
    ("welch", (None, FS), {}),
    ("csd", (None, None, FS), {}),
    ("spectrogram", (None, FS), {}),
    ("stft", (None, FS), {}),
]


@pytest.mark.parametrize("n", [100, 1000, 100_000])
@pytest.mark.parametrize(
    ("name", "arguments", "options"), SHORT, ids=lambda v: v if isinstance(v, str) else ""
)
def test_one_signal(versus, recording, name, arguments, options, n):
    """No size is slower than SciPy."""
    arguments = filled(arguments, recording[0, :n].copy())
    own, peer = lone(name, arguments, **options), theirs(name, arguments, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, expected = (
            result[-1] if isinstance(result := call(), tuple) else result for call in (own, peer)
        )
        np.testing.assert_allclose(got, expected, rtol=0, atol=np.abs(expected).max() * 1e-9)
        versus(f"{name}, {n} samples", own, rounds=5, seconds=0.05, scipy=(peer, 1))


@pytest.mark.parametrize("n_channels", [1, 64])
def test_windows(versus, recording, n_channels):
    """The full spectrum of one window."""
    x = recording[:n_channels, :1000].copy()
    np.testing.assert_allclose(fe.signal.welch(x, FS)[1], sps.welch(x, FS)[1], rtol=1e-9)
    versus(
        f"welch, {n_channels} x 1000",
        lambda: fe.signal.welch(x, FS),
        scipy=(lambda: sps.welch(x, FS), 15 if n_channels == 64 else 4),
    )


def test_band_power_by_welch(versus, recording):
    x, bands = recording[:, :1000].copy(), {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}

    def by_scipy():
        f, p = sps.welch(x, FS)
        return (
            np.stack([p[:, (f >= lo) & (f < hi)].sum(axis=-1) for lo, hi in bands.values()], axis=-1) * f[1]
        )

    got = fe.spectral.band_power(x, FS, bands, "welch")
    np.testing.assert_allclose(got, by_scipy(), rtol=1e-9)
    versus(
        "Welch band power, 64 x 1000",
        lambda: fe.spectral.band_power(x, FS, bands, "welch"),
        scipy=(by_scipy, 20),
    )


def test_share_of_the_memory_bound(recording):
    """`sosfiltfilt` reads its samples twice and writes its results once: how near to copying that is."""
    x, out = recording, np.empty_like(recording)

    def best(call):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    copy = best(lambda: np.copyto(out, x))
    filtered = best(lambda: fe.signal.sosfiltfilt(SOS, x, out=out))
    print(
        f"copy {copy * 1e3:.1f} ms, sosfiltfilt {filtered * 1e3:.1f} ms: {1.5 * copy / filtered:.0%} of the bound"
    )
    assert filtered < 20 * copy
