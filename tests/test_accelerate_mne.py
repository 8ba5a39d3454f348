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
    for options in ({"output": "itc"}, {"output": "phase"}, {"decim": slice(9, None, 3)}):
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


class TestObjects:
    """The methods of recordings in memory run on ours as well."""

    RATE = 200.0

    def raw(self):
        data = np.random.default_rng(1).standard_normal((4, 3000)) * 1e-5
        info = mne.create_info(["Fz", "Cz", "Pz", "Oz"], self.RATE, "eeg")
        return mne.io.RawArray(data, info, verbose=False)

    def epochs(self):
        data = np.random.default_rng(2).standard_normal((5, 4, 400)) * 1e-5
        return mne.EpochsArray(data, mne.create_info(4, self.RATE, "eeg"), verbose=False)

    def both(self, make, act, hits, packages=("mne",)):
        theirs = act(make())
        with fe.accelerate(*packages) as acceleration:
            ours = act(make())
        assert type(ours) is type(theirs)
        a, b = theirs.get_data(), ours.get_data()
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-9 * np.abs(a).max())
        counts = acceleration.counts()
        assert counts[hits].hits >= 1
        assert not any(c.fallbacks or c.refusals for c in counts.values())

    @pytest.mark.parametrize(
        "act",
        [
            lambda x: x.filter(1, 40, verbose=False),
            lambda x: x.filter(None, 30, phase="zero-double", verbose=False),
            lambda x: x.filter(2, None, phase="minimum", verbose=False),
            lambda x: x.notch_filter(50, verbose=False),
        ],
    )
    def test_fir_filters_of_raw(self, act):
        self.both(self.raw, act, "mne.filter._overlap_add_filter")

    def test_fir_filter_of_epochs(self):
        self.both(self.epochs, lambda x: x.filter(8, 40, verbose=False), "mne.filter._overlap_add_filter")

    def test_iir_filter_of_raw(self):
        """By SciPy's functions, which are replaced as such."""
        act = lambda x: x.filter(1, 40, method="iir", verbose=False)  # noqa: E731
        self.both(self.raw, act, "scipy.signal.sosfiltfilt", ("mne", "scipy"))

    def test_polyphase_resampling_of_raw(self):
        act = lambda x: x.resample(80, method="polyphase", verbose=False)  # noqa: E731
        self.both(self.raw, act, "scipy.signal.resample_poly", ("mne", "scipy"))

    @pytest.mark.parametrize("method", ["welch", "multitaper"])
    @pytest.mark.parametrize("kind", ["raw", "epochs"])
    def test_spectra(self, kind, method):
        options = {"n_fft": 256} if method == "welch" else {}
        self.both(
            getattr(self, kind),
            lambda x: x.compute_psd(method, fmax=60, verbose=False, **options),
            f"mne.time_frequency.psd_array_{method}",
        )

    @pytest.mark.parametrize("output", ["power", "complex"])
    @pytest.mark.parametrize("decim", [1, 3])
    def test_wavelets_of_epochs(self, decim, output):
        act = lambda x: x.compute_tfr(  # noqa: E731
            "morlet", [10.0, 20.0], n_cycles=3, decim=decim, output=output, verbose=False
        )
        self.both(self.epochs, act, "mne.time_frequency.tfr_array_morlet")


def test_the_length_of_blocks_is_ours():
    x, taps = X[0] / 10, np.hanning(101)
    theirs = mne.filter._overlap_add_filter(x, taps, 512)
    with fe.accelerate("mne") as acceleration:
        got = mne.filter._overlap_add_filter(x, taps, 512)
        with pytest.raises(ValueError, match="too short"):
            mne.filter._overlap_add_filter(x, taps, 64)
    np.testing.assert_allclose(got, theirs, rtol=0, atol=1e-11 * np.abs(theirs).max())
    assert acceleration.counts()["mne.filter._overlap_add_filter"] == (1, 0, 1)


def test_jobs_that_are_no_number_are_refused_as_theirs_does():
    with fe.accelerate("mne"), pytest.raises(ValueError, match="only allowed value is 'cuda'"):
        mne.filter.filter_data(X[0], 250.0, 4, 30, n_jobs="many", verbose=False)


def test_what_mne_says_on_the_way():
    """It is theirs for Welch's spectra."""
    with fe.accelerate("mne") as acceleration, mne.utils.catch_logging() as log:
        tf.psd_array_welch(X[0], 250.0, n_fft=128, verbose="debug")
    assert "Effective window size" in log.getvalue()
    assert acceleration.counts()["mne.time_frequency.psd_array_welch"].hits == 1
