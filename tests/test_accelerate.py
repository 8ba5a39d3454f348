"""Other packages' functions on our kernels: what is replaced, what falls through, what is put back."""

import os
import pickle
import subprocess
import sys
import threading
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from signal_cases import needs_core, noise

import fastemo as fe
from fastemo._accelerate import Acceleration
from fastemo._accelerate._replacement import Replacement, same_parameters

pytestmark = needs_core

SOS = scipy.signal.butter(4, [1, 45], "bandpass", fs=250, output="sos")
X = noise((3, 400))
ORIGINAL = scipy.signal.sosfilt


@pytest.fixture(autouse=True)
def _leaves_nothing_behind():
    yield
    assert scipy.signal.sosfilt is ORIGINAL
    assert scipy.signal._signaltools.sosfilt is ORIGINAL


def test_replaces_the_public_and_the_defining_name():
    with fe.accelerate("scipy") as acceleration:
        assert scipy.signal.sosfilt is not ORIGINAL
        assert scipy.signal._signaltools.sosfilt is scipy.signal.sosfilt
        assert scipy.signal.sosfilt.__wrapped__ is ORIGINAL
        assert scipy.signal.sosfilt.__doc__ == ORIGINAL.__doc__
        np.testing.assert_array_equal(scipy.signal.sosfilt(SOS, X), ORIGINAL(SOS, X))
    assert acceleration.counts()["scipy.signal.sosfilt"] == (1, 0, 0)
    assert "scipy.signal.welch" in acceleration.replaced


def test_every_function_of_ours_is_there():
    with fe.accelerate("scipy") as acceleration:
        names = {path.rpartition(".")[2] for path in acceleration.replaced}
    assert names == {name for name in fe.signal.__all__ if hasattr(scipy.signal, name)}


def test_what_does_not_fit_falls_through():
    with fe.accelerate("scipy") as acceleration:
        for x in (X * 1j, X.astype(np.longdouble), (X * 1j).tolist()):
            got, expected = scipy.signal.sosfilt(SOS, x), ORIGINAL(SOS, x)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)
        _, power = scipy.signal.welch(X * 1j, nperseg=64, return_onesided=False)
    counts = acceleration.counts()
    assert counts["scipy.signal.sosfilt"] == (0, 3, 0)
    assert counts["scipy.signal.welch"] == (0, 1, 0)
    np.testing.assert_array_equal(power, scipy.signal.welch(X * 1j, nperseg=64, return_onesided=False)[1])


def test_welch_and_csd_do_not_send_each_other_round_in_circles():
    """SciPy's welch calls csd, and our csd of one array calls our welch."""
    with fe.accelerate("scipy") as acceleration:
        x = X.astype(np.longdouble)
        scipy.signal.csd(x, x, nperseg=64)
        scipy.signal.welch(x, nperseg=64)
    assert acceleration.counts()["scipy.signal.csd"].fallbacks == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: scipy.signal.sosfilt(SOS[:, :5], X),
        lambda: scipy.signal.sosfiltfilt(SOS, X[:, :5]),
        lambda: scipy.signal.welch(X, nperseg=-1),
        lambda: scipy.signal.sosfilt(SOS, X, nonsense=1),
        lambda: scipy.signal.sosfilt(),
    ],
)
def test_errors_are_theirs(call):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        call()
    with fe.accelerate("scipy") as acceleration, pytest.raises(type(theirs.value)) as ours:
        call()
    assert str(ours.value) == str(theirs.value)
    assert sum(c.refusals for c in acceleration.counts().values()) == 1
    assert sum(c.hits + c.fallbacks for c in acceleration.counts().values()) == 0


def test_nests_and_is_idempotent():
    outer = fe.accelerate("scipy")
    dispatcher = scipy.signal.sosfilt
    with fe.accelerate("scipy", "scipy") as inner:
        assert scipy.signal.sosfilt is dispatcher
        inner.on()
        scipy.signal.sosfilt(SOS, X)
        assert inner.counts()["scipy.signal.sosfilt"].hits == 1
    inner.off()
    assert scipy.signal.sosfilt is dispatcher
    outer.off()
    assert scipy.signal.sosfilt is ORIGINAL
    outer.on()
    assert scipy.signal.sosfilt is dispatcher
    outer.off()
    outer.off()


def test_a_dispatcher_that_was_kept_passes_calls_on_when_off():
    with fe.accelerate("scipy") as acceleration:
        kept = scipy.signal.sosfilt
    np.testing.assert_array_equal(kept(SOS, X), ORIGINAL(SOS, X))
    assert acceleration.counts()["scipy.signal.sosfilt"] == (0, 0, 0)


def test_names_imported_earlier_are_listed():
    module = types.ModuleType("somebody.else")
    module.filt = ORIGINAL
    sys.modules["somebody.else"] = module
    try:
        with fe.accelerate("scipy") as acceleration:
            assert "somebody.else.filt" in acceleration.imported_earlier["scipy.signal.sosfilt"]
            assert "call fastemo.accelerate before" in str(acceleration)
    finally:
        del sys.modules["somebody.else"]


def test_what_others_put_over_ours_stays():
    def theirs(*args):
        return "theirs"

    acceleration = fe.accelerate("scipy")
    scipy.signal.sosfilt = theirs
    acceleration.off()
    assert scipy.signal.sosfilt is theirs
    scipy.signal.sosfilt = ORIGINAL


def test_comes_back_after_an_error():
    with pytest.raises(RuntimeError, match="mine"), fe.accelerate("scipy"):
        raise RuntimeError("mine")


def test_our_own_functions_still_reach_scipy():
    with fe.accelerate("scipy") as acceleration:
        y = fe.signal.sosfilt(SOS, X * 1j)
    np.testing.assert_array_equal(y, ORIGINAL(SOS, X * 1j))
    assert acceleration.counts()["scipy.signal.sosfilt"] == (0, 0, 0)


def test_dispatchers_can_be_pickled_while_on():
    with fe.accelerate("scipy"):
        assert pickle.loads(pickle.dumps(scipy.signal.sosfilt)) is scipy.signal.sosfilt


def test_threads_are_counted():
    def work():
        for _ in range(200):
            scipy.signal.sosfilt(SOS, X[:, :8])
            scipy.signal.sosfilt(SOS, X[:, :8] * 1j)

    with fe.accelerate("scipy") as acceleration:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert acceleration.counts()["scipy.signal.sosfilt"] == (800, 800, 0)


def test_says_what_it_did():
    with fe.accelerate("scipy") as acceleration:
        assert repr(acceleration).endswith("on>")
    assert repr(acceleration).endswith("off>")
    assert "scipy.signal.stft" in str(acceleration)
    assert isinstance(acceleration, Acceleration)


def test_bad_names():
    with pytest.raises(ValueError, match="name what to accelerate"):
        fe.accelerate()
    with pytest.raises(ValueError, match="'sciypy', only 'scipy', 'mne'"):
        fe.accelerate("sciypy")


def test_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("fastemo._accelerate.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="scipy is not installed: pip install scipy"):
        fe.accelerate("scipy")


def test_without_the_core_nothing_is_replaced(monkeypatch):
    monkeypatch.setattr("fastemo._accelerate.core", None)
    with pytest.warns(RuntimeWarning, match="nothing was replaced"):
        assert fe.accelerate("scipy").replaced == ()


def test_theirs_where_it_is_faster():
    module = types.ModuleType("fastemo_test_peer")
    module.twice = lambda x: ["theirs", x]
    sys.modules[module.__name__] = module
    try:
        r = Replacement("fastemo_test_peer.twice", lambda x: ["ours", x], slower=lambda x: x < 5)
        r.install()
        assert (module.twice(3), module.twice(7)) == (["theirs", 3], ["ours", 7])
        assert r.counts() == (1, 1, 0)
        r.remove()
    finally:
        del sys.modules[module.__name__]


def test_parameters_must_be_the_same():
    assert same_parameters(lambda x, axis=-1: 0, lambda x, axis=-1, *, threads=1: 0)
    assert not same_parameters(lambda x, axis=-1: 0, lambda x: 0)
    assert not same_parameters(lambda axis, x: 0, lambda x, axis: 0)
    assert not same_parameters(lambda x, *, axis=-1: 0, lambda x, axis: 0)


def test_own_tests_of_scipy_for_two_functions(tmp_path):
    """All of them are run by `.ci/run`."""
    if find_spec("scipy.signal.tests") is None:
        pytest.skip("this SciPy came without its tests")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "fastemo._accelerate.pytest_plugin"]
    command += ["-p", "no:cacheprovider", "--accelerate-only=sosfilt,sosfiltfilt", "-W", "ignore"]
    command += ["--pyargs", "scipy.signal.tests.test_signaltools", "-k", "sosfilt or SOSFilt"]
    paths = os.pathsep.join([str(Path(fe.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "scipy.signal.sosfiltfilt" in done.stdout


class TestOthers:
    """The packages' results, by ours."""

    def agree(self, package, path, *args, tolerance=1e-9, hit=True, **options):
        module, _, name = path.rpartition(".")
        holder = pytest.importorskip(module)
        expected = getattr(holder, name)(*args, **options)
        with fe.accelerate(package) as acceleration:
            got = getattr(holder, name)(*args, **options)
        counts = acceleration.counts()[path]
        assert counts == ((1, 0, 0) if hit else (0, 1, 0))
        pairs = zip(got, expected) if isinstance(expected, tuple) else [(got, expected)]
        for own, their in pairs:
            assert np.shape(own) == np.shape(their)
            np.testing.assert_allclose(own, their, rtol=tolerance, atol=tolerance * np.abs(their).max())

    @pytest.mark.parametrize(
        ("name", "n"),
        [("sample_entropy", 400), ("app_entropy", 200), ("perm_entropy", 300), ("svd_entropy", 300),
         ("detrended_fluctuation", 900)],
    )  # fmt: skip
    def test_antropy(self, name, n):
        self.agree("antropy", f"antropy.{name}", noise(n, seed=3), tolerance=1e-7)

    @pytest.mark.parametrize("name", ["katz_fd", "petrosian_fd"])
    def test_antropy_of_several_signals(self, name):
        self.agree("antropy", f"antropy.{name}", noise((5, 300), offset=0))
        self.agree("antropy", f"antropy.{name}", noise((300, 5), offset=0), axis=0)
        self.agree("antropy", f"antropy.{name}", noise(300, offset=0), hit=False)

    def test_antropy_where_theirs_must_say(self):
        self.agree("antropy", "antropy.sample_entropy", noise(400), metric="euclidean", hit=False)
        self.agree("antropy", "antropy.perm_entropy", noise(300, np.float32), hit=False)

    @pytest.mark.parametrize("name", ["samp_entropy", "hurst_exp", "skewness", "svd_fisher_info", "katz_fd"])
    def test_mne_features(self, name):
        path = f"mne_features.univariate.compute_{name}"
        self.agree("mne_features", path, noise((40, 410), offset=0), tolerance=1e-8)

    def test_mne_features_with_a_rate_and_options(self):
        x = noise((3, 300), offset=0)
        path = "mne_features.univariate.compute_pow_freq_bands"
        self.agree("mne_features", path, 128.0, x, freq_bands=np.array([1.0, 10.0, 40.0]))
        self.agree("mne_features", "mne_features.univariate.compute_decorr_time", 128.0, x)
        self.agree("mne_features", "mne_features.univariate.compute_katz_fd", x, hit=False)

    def test_mne_features_all_at_once(self):
        path = "mne_features.feature_extraction.extract_features"
        x, options = noise((4, 3, 256)), {"separator": "_"}
        self.agree("mne_features", path, x, 256.0, ["std", "samp_entropy", "pow_freq_bands"], **options)
        self.agree("mne_features", path, x, 256.0, ["std", "time_corr", "max_cross_corr"], **options)
        own = ("own", lambda epoch: epoch[:, 0])
        self.agree("mne_features", path, x, 256.0, ["std", own], hit=False, **options)

    @pytest.mark.parametrize(
        "name", ["max_cross_corr", "phase_lock_val", "nonlin_interdep", "time_corr", "spect_corr"]
    )
    def test_mne_features_of_pairs(self, name):
        path, rate = (
            f"mne_features.bivariate.compute_{name}",
            [128.0] * (name in ("max_cross_corr", "spect_corr")),
        )
        self.agree("mne_features", path, *rate, noise((4, 300), offset=0), tolerance=1e-8)

    @pytest.mark.parametrize("phase", ["zero", "zero-double", "minimum"])
    def test_mne_filters(self, phase):
        mne = pytest.importorskip("mne")
        x = noise((2, 5, 900))
        arguments = {"phase": phase, "verbose": False, "picks": [0, 3]}
        expected = mne.filter.filter_data(x, 100.0, 5, 30, **arguments)
        before = x.copy()
        with fe.accelerate("mne") as acceleration:
            got = mne.filter.filter_data(x, 100.0, 5, 30, **arguments)
        np.testing.assert_array_equal(x, before)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)
        assert acceleration.counts()["mne.filter._overlap_add_filter"] == (1, 0, 0)

    def test_mne_raw(self):
        mne = pytest.importorskip("mne")
        raw = mne.io.RawArray(noise((4, 2000)) * 1e-6, mne.create_info(4, 100.0, "eeg"), verbose=False)
        expected = raw.copy().filter(1, 30, verbose=False).compute_psd("multitaper", verbose=False)
        with fe.accelerate("mne") as acceleration:
            got = raw.copy().filter(1, 30, verbose=False).compute_psd("multitaper", verbose=False)
        np.testing.assert_allclose(got.get_data(), expected.get_data(), rtol=1e-9, atol=1e-25)
        counts = acceleration.counts()
        assert counts["mne.filter._overlap_add_filter"].hits == 1
        assert counts["mne.time_frequency.psd_array_multitaper"].hits == 1

    def test_mne_spectra(self):
        path = "mne.time_frequency.psd_array_multitaper"
        x = noise((3, 4, 500))
        for options in ({}, {"fmin": 1, "fmax": 30, "bandwidth": 2.0, "normalization": "full"}):
            self.agree("mne", path, x, 100.0, verbose=False, **options)
        self.agree("mne", path, x[0, 0], 100.0, low_bias=False, verbose=False, hit=False)

    def test_mne_wavelets(self):
        path = "mne.time_frequency.tfr_array_morlet"
        for options in ({}, {"output": "power", "decim": 2, "n_cycles": np.array([2.0, 4.0])}):
            self.agree(
                "mne", path, noise((2, 3, 400)), 100.0, np.array([8.0, 20.0]), verbose=False, **options
            )
        self.agree("mne", path, noise((2, 3, 400)), 100.0, [8.0], output="itc", verbose=False, hit=False)

    def test_mne_features_names_and_parameters(self):
        """It reads them off the code of its functions, whoever's they are."""
        extraction = pytest.importorskip("mne_features.feature_extraction")
        options = {"return_as_df": True, "separator": "_", "funcs_params": {"quantile__q": [0.1, 0.9]}}
        x, features = noise((4, 3, 256)), ["quantile", "pow_freq_bands", "std"]
        expected = extraction.extract_features(x, 256.0, features, **options)
        with fe.accelerate("mne_features"):
            got = extraction.extract_features(x, 256.0, features, **options)
            transformer = extraction.FeatureFunctionTransformer(
                func=extraction.get_univariate_funcs(256.0)["quantile"]
            )
            assert transformer.get_params().keys() == {"q"}
        assert list(got.columns) == list(expected.columns)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
