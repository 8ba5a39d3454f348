"""mne-connectivity on our kernels: the same containers with the same numbers, and what falls through."""

import numpy as np
import pytest
from signal_cases import needs_core

import fastemo as fe

mne = pytest.importorskip("mne")
mc = pytest.importorskip("mne_connectivity")
pytestmark = [
    needs_core,
    pytest.mark.filterwarnings("ignore:fmin=:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:There were no Annotations:RuntimeWarning"),
]

RATE = 100.0
MEASURES = [
    "coh", "cohy", "imcoh", "plv", "ciplv", "ppc", "pli", "pli2_unbiased", "dpli", "wpli", "wpli2_debiased",
]  # fmt: skip
OVER_TIME = ["coh", "cohy", "imcoh", "plv", "ciplv", "pli", "wpli"]
X = np.random.default_rng(0).standard_normal((6, 5, 300))
X[:, 1:] += 0.6 * X[:, :-1]
ORIGINAL = mc.spectral_connectivity_epochs


def same(theirs, ours):
    theirs, ours = (r if isinstance(r, list) else [r] for r in (theirs, ours))
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours):
        assert type(a) is type(b)
        assert a.dims == b.dims
        assert a.attrs.keys() == b.attrs.keys()
        assert a.attrs["method"] == b.attrs["method"]
        for name in a.coords:
            np.testing.assert_array_equal(a.coords[name], b.coords[name])
        assert a.get_data().dtype == b.get_data().dtype
        np.testing.assert_allclose(b.get_data(), a.get_data(), rtol=1e-9, atol=1e-11)


def both(name, *args, hit=True, **kwargs):
    expected = getattr(mc, name)(*args, verbose=False, **kwargs)
    with fe.accelerate("mne_connectivity") as acceleration:
        got = getattr(mc, name)(*args, verbose=False, **kwargs)
    same(expected, got)
    name = "spectral_connectivity_epochs" if name == "phase_slope_index" else name
    assert acceleration.counts()[f"mne_connectivity.{name}"] == ((1, 0, 0) if hit else (0, 1, 0))
    return got


class TestEpochs:
    @pytest.mark.parametrize(
        "options",
        [
            {}, {"mode": "fourier"}, {"mt_bandwidth": 6.0}, {"tmin": 0.5, "tmax": 2.0}, {"block_size": 3},
            {"fmin": (4, 20), "fmax": (9, 40), "faverage": True}, {"fmin": 4, "fmax": 40, "fdecim": 3},
            {"indices": (np.array([4, 2, 2]), np.array([0, 3, 1]))}, {"mt_low_bias": False},
            {"mode": "cwt_morlet", "cwt_freqs": np.array([8.0, 15.0, 30.0]), "cwt_n_cycles": 4.0},
        ],
    )  # fmt: skip
    def test_all_measures(self, options):
        both("spectral_connectivity_epochs", X, method=MEASURES, sfreq=RATE, **options)

    def test_epochs_with_a_bad_channel(self):
        epochs = mne.EpochsArray(X, mne.create_info(5, RATE, "eeg"), verbose=False)
        epochs.info["bads"] = ["2"]
        got = both("spectral_connectivity_epochs", epochs, method="wpli")
        assert got.names == epochs.ch_names
        assert not got.get_data("dense")[2].any()

    def test_lists_and_generators(self):
        both("spectral_connectivity_epochs", list(X), method="plv", sfreq=RATE)
        expected = ORIGINAL(X, method="plv", sfreq=RATE, verbose=False)
        with fe.accelerate("mne_connectivity") as acceleration:
            same(expected, mc.spectral_connectivity_epochs((x for x in X), method="plv", sfreq=RATE))
        assert acceleration.counts()["mne_connectivity.spectral_connectivity_epochs"].hits == 1

    def test_phase_slope(self):
        both("phase_slope_index", X, sfreq=RATE, fmin=10, fmax=30)

    @pytest.mark.parametrize(
        "options",
        [
            {"method": "mic"}, {"method": ["coh", "plv"], "mt_adaptive": True},
            {"method": "coh", "indices": (np.array([1, 0]), np.array([1, 2]))},
        ],
    )  # fmt: skip
    def test_left_to_theirs(self, options):
        both("spectral_connectivity_epochs", X, sfreq=RATE, hit=False, **options)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_one_epoch(self):
        both("spectral_connectivity_epochs", X[:1], method=["coh", "pli"], sfreq=RATE)
        both("spectral_connectivity_epochs", X[:1], method=["coh", "pli2_unbiased"], sfreq=RATE, hit=False)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    @pytest.mark.parametrize("epoch", [0, 3])
    def test_a_flat_channel_in_the_first_and_in_a_later_epoch(self, epoch):
        x = X.copy()
        x[epoch, 1] = 0
        both("spectral_connectivity_epochs", x, method=["coh", "wpli"], sfreq=RATE, hit=False)

    def test_too_much_to_keep(self, monkeypatch):
        monkeypatch.setattr("fastemo._accelerate._mne_connectivity._MOST_BYTES", 10**5)
        both("spectral_connectivity_epochs", X, method=["coh", "wpli"], sfreq=RATE, hit=False)

    def test_nothing_is_left_behind_by_a_call(self):
        import gc
        import weakref

        x = X.copy()
        seen = weakref.ref(x)
        gc.disable()
        try:
            with fe.accelerate("mne_connectivity"):
                mc.spectral_connectivity_epochs(x, method=["coh", "wpli"], sfreq=RATE, verbose=False)
            del x
            assert seen() is None
        finally:
            gc.enable()

    @pytest.mark.parametrize(
        "options", [{"method": "no such"}, {"fmin": 30, "fmax": 10}, {"mode": "no such"}, {"sfreq": None}]
    )
    def test_errors_are_theirs_and_raised_once(self, options):
        arguments = {"sfreq": RATE, "verbose": False} | options
        with pytest.raises(ValueError) as theirs:  # noqa: PT011
            mc.spectral_connectivity_epochs(X, **arguments)
        with fe.accelerate("mne_connectivity") as acceleration, pytest.raises(ValueError) as ours:  # noqa: PT011
            mc.spectral_connectivity_epochs(X, **arguments)
        assert str(ours.value) == str(theirs.value)
        assert acceleration.counts()["mne_connectivity.spectral_connectivity_epochs"] == (0, 0, 1)

    @pytest.mark.filterwarnings("default:fmin=:RuntimeWarning")
    def test_warnings_are_theirs_and_come_once(self):
        with fe.accelerate("mne_connectivity"), pytest.warns(RuntimeWarning, match="5 cycles") as seen:
            mc.spectral_connectivity_epochs(X, method="coh", sfreq=RATE, fmin=0.5, verbose=False)
        assert len(seen) == 1


class TestTime:
    FREQS = np.array([8.0, 12.0, 20.0])

    @pytest.mark.parametrize(
        "options",
        [
            {}, {"average": True}, {"padding": 0.3, "decim": 2}, {"mode": "multitaper"},
            {"fmin": (8, 12), "fmax": (12, 20), "faverage": True}, {"n_cycles": np.array([3.0, 4.0, 5.0])},
            {"indices": (np.array([4, 2]), np.array([0, 3]))},
        ],
    )  # fmt: skip
    def test_all_measures(self, options):
        both("spectral_connectivity_time", X, freqs=self.FREQS, method=OVER_TIME, sfreq=RATE, **options)

    @pytest.mark.parametrize("options", [{"sm_times": 0.2}, {"method": "mim"}])
    def test_left_to_theirs(self, options):
        both("spectral_connectivity_time", X, freqs=self.FREQS, sfreq=RATE, hit=False, **options)

    def test_copies_of_a_channel_are_left_to_theirs(self):
        """Their lag is rounding noise there, or zero divided by zero."""
        x = np.repeat(X[:, :1], 3, axis=1)
        with fe.accelerate("mne_connectivity") as acceleration, np.errstate(all="ignore"):
            mc.spectral_connectivity_time(x, self.FREQS, method="wpli", sfreq=RATE, verbose=False)
        assert acceleration.counts()["mne_connectivity.spectral_connectivity_time"] == (0, 1, 0)


class TestEnvelopes:
    @pytest.mark.parametrize("options", [{}, {"log": True}, {"absolute": False}, {"orthogonalize": False}])
    def test_arrays(self, options):
        both("envelope_correlation", X, names=list("abcde"), **options)
        both("envelope_correlation", list(X[:2]), **options)

    def test_analytic_signals(self):
        both("envelope_correlation", X + 1j * X[:, ::-1])

    def test_left_to_theirs(self):
        both("envelope_correlation", X.astype(np.float32), hit=False)
        both("envelope_correlation", X, orthogonalize=False, log=True, hit=False)
        epochs = mne.EpochsArray(X, mne.create_info(5, RATE, "eeg"), verbose=False)
        both("envelope_correlation", epochs, hit=False)


def test_parts_go_with_their_function():
    import sys

    module = sys.modules["mne_connectivity.spectral.epochs"]
    theirs = module._epoch_spectral_connectivity
    with fe.accelerate("mne_connectivity") as acceleration:
        assert module._epoch_spectral_connectivity is not theirs
        assert mc.spectral.spectral_connectivity_epochs is mc.spectral_connectivity_epochs is not ORIGINAL
        kept = mc.spectral_connectivity_epochs
    assert module._epoch_spectral_connectivity is theirs
    assert mc.spectral.spectral_connectivity_epochs is mc.spectral_connectivity_epochs is ORIGINAL
    same(kept(X, sfreq=RATE, verbose=False), ORIGINAL(X, sfreq=RATE, verbose=False))
    assert not any(sum(c) for c in acceleration.counts().values())
    assert not any("._" in name for name in acceleration.replaced)
