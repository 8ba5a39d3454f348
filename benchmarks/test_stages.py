"""Stages in the running engine, hop by hop, against the library that people have, or against computing each hop anew."""

import itertools

import numpy as np
import peers
import pytest
import scipy.signal

import fastemo as fe
from fastemo._design import analytic_bandpass, wavelet_grid, wavelet_half

FS, HOP, LENGTH = peers.SFREQ, 50, peers.LENGTH
BANDS = {"theta": (4, 8), "alpha": (8, 14), "beta": (14, 31)}
NAMES = list(fe.montage.MONTAGES["32"])
WINDOW = fe.Window(LENGTH / FS, HOP / FS)


@pytest.fixture(scope="module")
def x():
    """32 channels with a common part, 40 s."""
    rng = np.random.default_rng(0)
    return 10 * rng.standard_normal((32, 20_000)) + 10 * rng.standard_normal(20_000)


def pipeline(*stages):
    return fe.Pipeline(list(stages), sfreq=FS, ch_names=NAMES)


def hops(x):
    return [np.ascontiguousarray(x[:, i : i + HOP]) for i in range(0, x.shape[1], HOP)]


def stepper(engine, x):
    """A call that pushes one hop after the other, round and round."""
    chunks, out = itertools.cycle(hops(x)), np.zeros(8, engine.dtype)
    return lambda: engine.push_into(next(chunks), out)


def last_windows(x, length=LENGTH):
    """Windows that end where hops do, round and round, once there are enough samples."""
    stops = range(-(-length // HOP) * HOP, x.shape[1] + 1, HOP)
    return itertools.cycle([np.ascontiguousarray(x[:, stop - length : stop]) for stop in stops])


def test_potato(versus, x):
    """A gate: one covariance and its distance to the usual ones per hop."""
    peer = pytest.importorskip("pyriemann.artifact_detection")
    from pyriemann.geometry.covariance import covariances

    def theirs(windows):
        return potato.predict(covariances(windows, "oas"))

    def cut(x):
        return np.lib.stride_tricks.sliding_window_view(x, LENGTH, axis=1)[:, ::HOP].swapaxes(0, 1)

    usual, y = x[:, :10_000], x[:, 10_000:].copy()
    y[:, 4000:6000] *= np.linspace(1, 3, 2000)
    pipe = pipeline(WINDOW, fe.Potato(5.0), fe.TimeDomain(["std"])).fit(usual)
    potato = peer.Potato(threshold=5.0).fit(covariances(cut(usual), "oas"))
    abstained = pipe.engine().push_array(y)["abstained"]
    np.testing.assert_array_equal(abstained == 0, theirs(cut(y)) == 1)
    assert 10 < abstained.sum() < 100
    windows = last_windows(y)
    versus(
        "Potato, 32 ch, 2 s windows, per hop of 0.1 s",
        stepper(pipe.engine(), y),
        pyriemann=lambda: theirs(next(windows)[None]),
    )


def test_interpolate_bads(versus, x):
    """MNE is told which channels are bad; the stage finds them itself."""
    mne = pytest.importorskip("mne")
    from fastemo.montage import electrode_positions

    y, bads = x.copy(), ["T7", "Fz"]
    y[[NAMES.index(name) for name in bads]] = 3.0
    place = dict(zip(NAMES, electrode_positions(NAMES) * 0.095, strict=True))
    info = mne.create_info(NAMES, FS, "eeg")
    info.set_montage(mne.channels.make_dig_montage(place, coord_frame="head"))
    info["bads"] = bads

    def theirs(chunk):
        raw = mne.io.RawArray(chunk, info, verbose="error")
        options = {"reset_bads": False, "origin": (0.0, 0.0, 0.0), "verbose": "error"}
        return raw.interpolate_bads(**options).get_data().mean(axis=1)

    pipe = pipeline(
        fe.Quality(minimum=0.0), fe.InterpolateBads(), fe.Window(HOP / FS, HOP / FS), fe.TimeDomain(["mean"])
    )
    got = pipe.engine().push_array(y)["outputs"]
    np.testing.assert_allclose(got[40], theirs(hops(y)[40]), atol=1e-9)
    chunks = itertools.cycle(hops(y))
    versus(
        "InterpolateBads, 2 of 32 ch, per 0.1 s",
        stepper(pipe.engine(), y),
        mne_told_the_channels=lambda: theirs(next(chunks)),
    )


class FadingCovariance:
    """About the weighted mean, from weighted sums that are carried on."""

    def __init__(self, seconds):
        self.weights = np.exp(-np.arange(HOP)[::-1] / (seconds * FS))
        self.decay = np.exp(-HOP / (seconds * FS))
        self.squares, self.sums, self.weight = np.zeros((32, 32)), np.zeros(32), 0.0

    def __call__(self, chunk):
        weighted = chunk * self.weights
        self.squares = self.decay * self.squares + weighted @ chunk.T
        self.sums = self.decay * self.sums + weighted.sum(axis=1)
        self.weight = self.decay * self.weight + self.weights.sum()
        mean = self.sums / self.weight
        return self.squares / self.weight - np.outer(mean, mean)


def test_fading_covariance(versus, x):
    pipe = pipeline(WINDOW, fe.Covariance("scm", memory=4.0))
    got, peer = pipe.engine().push_array(x)["outputs"], FadingCovariance(4.0)
    expected = [peer(chunk)[np.triu_indices(32)] for chunk in hops(x)]
    np.testing.assert_allclose(got, expected[LENGTH // HOP - 1 :], rtol=1e-8, atol=1e-8)
    chunks, windows = itertools.cycle(hops(x)), last_windows(x, 4000)
    versus(
        "Covariance with memory, 32 ch, per hop of 0.1 s",
        stepper(pipe.engine(), x),
        numpy_carried_on=lambda: peer(next(chunks)),
        own_window_of_8_s=lambda: fe.riemann.covariances(next(windows)[None], "scm"),
    )


class Envelopes:
    """One complex recursion of SciPy's for each pole, with its state kept."""

    def __init__(self):
        self.bands = [analytic_bandpass(FS, *band, 4, "here") for band in BANDS.values()]
        self.state = [[np.zeros((32, 1), complex) for _ in poles] for poles, _, _ in self.bands]

    def __call__(self, chunk):
        found = []
        for (poles, weights, direct), states in zip(self.bands, self.state, strict=True):
            z = direct * chunk
            for i, (pole, weight) in enumerate(zip(poles, weights, strict=True)):
                y, states[i] = scipy.signal.lfilter([1.0], [1.0, -pole], chunk, zi=states[i])
                z = z + weight * y
            found.append(np.abs(z).mean(axis=1))
        return np.array(found)


def test_analytic(versus, x):
    pipe = pipeline(fe.Analytic(BANDS), fe.Window(HOP / FS, HOP / FS), fe.TimeDomain(["mean"]))
    got, peer = pipe.engine().push_array(x)["outputs"].reshape(-1, 3, 32), Envelopes()
    expected = np.array([peer(chunk) for chunk in hops(x)])
    # The peer's filters start from silence, ours from the first sample: compare once both have forgotten.
    np.testing.assert_allclose(got[100:], expected[100:], rtol=1e-6)
    chunks, windows = itertools.cycle(hops(x)), last_windows(x)
    bank = [scipy.signal.butter(4, band, "bandpass", fs=FS, output="sos") for band in BANDS.values()]

    def by_hilbert():
        window = next(windows)
        return [np.abs(scipy.signal.hilbert(scipy.signal.sosfilt(sos, window)))[:, -HOP:] for sos in bank]

    versus(
        "Analytic, envelopes of 3 bands, 32 ch, per 0.1 s",
        stepper(pipe.engine(), x),
        scipy_lfilter_of_every_pole=lambda: peer(next(chunks)),
        bandpass_and_hilbert_of_2_s=by_hilbert,
    )


def test_morlet_band_power(versus, x):
    """Recomputed, a window of 2 s needs half a wavelet more on either side."""
    tfr = pytest.importorskip("mne").time_frequency.tfr_array_morlet
    half = wavelet_half(FS, wavelet_grid(*BANDS["theta"])[0][0], 7.0)
    inner = slice(half, half + LENGTH)

    def bands(transform, window):
        found = []
        for band in BANDS.values():
            freqs, width = wavelet_grid(*band)
            found.append(transform(window, freqs)[..., inner].mean(axis=-1).sum(axis=1) * width / FS)
        return np.array(found)

    def by_mne(window, freqs):
        return tfr(window[None], FS, freqs, 7.0, output="power", verbose="error")[0]

    def own(window, freqs):
        return fe.spectral.morlet(window, FS, freqs, 7.0)

    pipe = pipeline(WINDOW, fe.BandPower(BANDS, "morlet"))
    records, at = pipe.engine().push_array(x), 200
    stop = records["index"][at] + 1
    window = x[:, stop - LENGTH - 2 * half : stop]
    got = records["outputs"][at].reshape(3, 32)
    np.testing.assert_allclose(got, bands(own, window), rtol=1e-6)
    np.testing.assert_allclose(got, bands(by_mne, window), rtol=1e-6)
    windows = last_windows(x, LENGTH + 2 * half)
    versus(
        "Morlet band power, 32 ch, 2 s windows, per hop of 0.1 s",
        stepper(pipe.engine(), x),
        rounds=3,
        own_of_each_window=lambda: bands(own, next(windows)),
        mne_of_each_window=lambda: bands(by_mne, next(windows)),
    )
