"""Features against antropy and mne-features: their names give their numbers."""

import warnings

import numpy as np
import pytest

from fastemo import features as f
from fastemo.features import extract_features
from fastemo.features.extraction import BIVARIATE, MNE_FEATURES, SPECTRAL

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    antropy = pytest.importorskip("antropy", reason="antropy is not installed")

SFREQ = 256.0
# antropy adds 1e-9 to the denominator of its line fits.
FIT = 1e-8
EXACT = 1e-12


def eeg(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=shape), axis=-1) / 5 + rng.normal(size=shape)


X = eeg(5, 1000)


def each(function, x=X, **kwargs):
    return np.array([function(signal, **kwargs) for signal in x])


@pytest.mark.parametrize(
    ("name", "kwargs", "rtol"),
    [
        ("sample_entropy", {}, EXACT),
        ("sample_entropy", {"order": 3, "tolerance": 0.5}, EXACT),
        ("app_entropy", {}, EXACT),
        ("app_entropy", {"order": 3, "tolerance": 0.5}, EXACT),
        ("perm_entropy", {}, EXACT),
        ("perm_entropy", {"order": 4, "delay": 3, "normalize": True}, EXACT),
        ("perm_entropy", {"order": 6}, EXACT),
        ("svd_entropy", {}, EXACT),
        ("svd_entropy", {"order": 8, "delay": 2, "normalize": True}, EXACT),
        ("num_zerocross", {}, 0),
        ("num_zerocross", {"normalize": True}, 0),
        ("petrosian_fd", {}, EXACT),
        ("katz_fd", {}, EXACT),
        ("higuchi_fd", {}, FIT),
        ("higuchi_fd", {"kmax": 5}, FIT),
        ("detrended_fluctuation", {}, FIT),
        ("spectral_entropy", {"sf": SFREQ}, EXACT),
        ("spectral_entropy", {"sf": SFREQ, "method": "welch", "normalize": True}, EXACT),
        ("spectral_entropy", {"sf": SFREQ, "method": "welch", "nperseg": 301}, EXACT),
    ],
)
def test_antropy(name, kwargs, rtol):
    wanted = each(getattr(antropy, name), **kwargs)
    np.testing.assert_allclose(getattr(f, name)(X, **kwargs), wanted, rtol=rtol)


def test_antropy_on_ties():
    x = np.round(2 * X[:, :400])
    for name in ("sample_entropy", "app_entropy", "perm_entropy", "num_zerocross", "petrosian_fd"):
        np.testing.assert_allclose(getattr(f, name)(x), each(getattr(antropy, name), x), rtol=EXACT)


def test_antropy_hjorth():
    for sf in (None, SFREQ):
        for got, wanted in zip(f.hjorth_params(X, sf), antropy.hjorth_params(X, sf), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=EXACT)


@pytest.mark.parametrize("normalize", [False, True])
def test_antropy_lempel_ziv(normalize):
    binary = (X[0] > np.median(X[0])).astype(int)
    texts = ["1001111011000010", "HELLO WORLD! HELLO WORLD!", "aaaa", "a"][: 4 - normalize]
    for sequence in [*texts, binary, binary.tolist(), X[0], np.array([True, False, True])]:
        sequence = (
            np.abs(sequence) if isinstance(sequence, np.ndarray) and sequence.dtype == float else sequence
        )
        assert f.lziv_complexity(sequence, normalize) == pytest.approx(
            antropy.lziv_complexity(sequence, normalize)
        )
    got = f.lempel_ziv(X, normalize=normalize)
    wanted = [antropy.lziv_complexity((s > np.median(s)).astype(int), normalize) for s in X]
    np.testing.assert_allclose(got, wanted, rtol=EXACT)


@pytest.fixture(scope="module")
def theirs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "mne_features.feature_extraction", reason="mne-features is not installed"
        )

        def extract(x, names, params=None, **kwargs):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return module.extract_features(x, SFREQ, names, params, **{"separator": "_"} | kwargs)

        return extract


EPOCHS = eeg(2, 3, 1000, seed=1)


# Their spect_slope fails with NumPy 2: it is tested by its definition below.
@pytest.mark.parametrize("name", sorted({*MNE_FEATURES, *BIVARIATE} - {"spect_slope"}))
def test_mne_features(name, theirs):
    got, wanted = extract_features(EPOCHS, SFREQ, [name]), theirs(EPOCHS, [name])
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize(
    "how",
    [
        {"psd_method": "multitaper"},
        {"psd_method": "fft"},
        {"psd_params": {"welch_n_fft": 128, "welch_n_per_seg": 100, "welch_n_overlap": 50}},
    ],
)
def test_mne_features_by_every_spectrum(how, theirs):
    names = sorted(set(SPECTRAL) - {"spect_slope"})
    params = {f"{name}__{param}": value for name in names for param, value in how.items()}
    wanted = theirs(EPOCHS[..., :800], names, params)
    np.testing.assert_allclose(extract_features(EPOCHS[..., :800], SFREQ, names, params), wanted, rtol=1e-10)


@pytest.mark.parametrize("separator", ["_", "__"])
def test_mne_features_parameters_and_names(separator, theirs):
    params = {
        "quantile__q": [0.1, 0.5],
        "higuchi_fd__kmax": 6,
        "svd_entropy__tau": 1,
        "svd_entropy__emb": 4,
        "app_entropy__emb": 3,
        "samp_entropy__metric": "chebyshev",
        "spect_edge_freq__edge": [0.5, 0.9],
        "spect_edge_freq__ref_freq": 60,
        "energy_freq_bands__freq_bands": np.array([[4.0, 8.0], [30.0, 40.0]]),
        "energy_freq_bands__deriv_filt": False,
        "wavelet_coef_energy__wavelet_name": "haar",
        "teager_kaiser_energy__wavelet_name": "db2",
        "zero_crossings__threshold": 0.5,
        "pow_freq_bands__freq_bands": {"alpha": [8, 13], "beta": [13, 30]},
        "pow_freq_bands__ratios": "all",
        "pow_freq_bands__log": True,
        "hjorth_mobility_spect__normalize": True,
    }
    names = list(dict.fromkeys(key.split("__")[0] for key in params))
    options = {"return_as_df": True, "ch_names": ["Fz", "ch1", "O1"], "separator": separator}
    got = extract_features(EPOCHS, SFREQ, names, params, **options)
    wanted = theirs(EPOCHS, names, params, **options)
    assert list(got.columns) == list(wanted.columns)
    np.testing.assert_allclose(got.to_numpy(), wanted.to_numpy(), rtol=1e-10)


def test_mne_features_ratios(theirs):
    for ratios in ("all", "only"):
        for triu in (False, True):
            params = {"pow_freq_bands__ratios": ratios, "pow_freq_bands__ratios_triu": triu}
            wanted = theirs(EPOCHS, ["pow_freq_bands"], params)
            np.testing.assert_allclose(
                extract_features(EPOCHS, SFREQ, ["pow_freq_bands"], params), wanted, rtol=1e-11
            )


def test_functions_of_the_user(theirs):
    funcs = [
        "mean",
        ("spread", lambda x: x.max(axis=1) - x.min(axis=1)),
        ("all", lambda x: np.array([x.sum()])),
    ]
    got = extract_features(EPOCHS, SFREQ, funcs, return_as_df=True)
    wanted = theirs(EPOCHS, funcs)
    np.testing.assert_allclose(got.to_numpy(), wanted, rtol=1e-11)
    assert list(got.columns)[3:] == [("spread", "ch0"), ("spread", "ch1"), ("spread", "ch2"), ("all", "0")]


def test_spect_slope_is_the_line_through_the_spectrum():
    psd, freqs = f.power_spectrum(X, SFREQ)
    keep = (freqs >= 2) & (freqs <= 40)
    for signal, values in zip(psd[:, keep], f.spect_slope(X, SFREQ, 2, 40), strict=True):
        log_f, log_p = np.log10(freqs[keep]), np.log10(signal)
        slope, intercept = np.polyfit(log_f, log_p, 1)
        error = log_p - slope * log_f - intercept
        explained = 1 - error.var() / log_p.var()
        np.testing.assert_allclose(values, [intercept, slope, (error**2).mean(), explained], rtol=1e-9)
    np.testing.assert_array_equal(
        f.spect_slope(X, SFREQ, 2, 40, False), f.spect_slope(X, SFREQ, 2, 40)[:, 1:]
    )


def test_wavelets_are_those_of_pywavelets():
    pywt = pytest.importorskip("pywt", reason="PyWavelets is not installed")
    from fastemo.features.wavelets import wavelet_taps

    for name in ["haar", *(f"db{n}" for n in range(1, 21)), "sym5", "coif2"]:
        np.testing.assert_allclose(wavelet_taps(name), pywt.Wavelet(name).dec_lo, atol=1e-12)
    with pytest.raises(ValueError, match=r"'bior2\.2' is not orthogonal"):
        f.wavelet_coef_energy(X, "bior2.2")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            (X, SFREQ, ["mean"]),
            r"X must have 3 dimensions \(n_epochs, n_channels, n_times\), got shape \(5, 1000\)",
        ),
        ((EPOCHS, 0, ["mean"]), "sfreq must be a finite number above 0"),
        ((EPOCHS, SFREQ, "mean"), "selected_funcs must be a list of features"),
        ((EPOCHS, SFREQ, ["meen"]), r"did you mean 'mean'"),
        ((EPOCHS, SFREQ, ["mean", "mean"]), "names 'mean' twice"),
        ((EPOCHS, SFREQ, [("mean", np.mean)]), "the name 'mean' of a built-in one"),
        ((EPOCHS, SFREQ, [("mine", 3)]), r"names and \(name, function\) pairs"),
        ((EPOCHS, SFREQ, ["mean"], {"std__ddof": 1}), "must be named as a selected feature"),
        ((EPOCHS, SFREQ, ["mean"], {"mean__axis": 1}), "a parameter of mean must be one of"),
        ((EPOCHS, SFREQ, ["samp_entropy"], {"samp_entropy__metric": "euclidean"}), "must be 'chebyshev'"),
        ((EPOCHS, SFREQ, ["mean"], None, 1, ["a"]), "ch_names must name 3 channels, got 1"),
        ((EPOCHS, SFREQ, ["mean"], None, 0), "n_jobs must be a whole number of at least 1, got 0"),
        (
            (EPOCHS, SFREQ, ["pow_freq_bands"], {"pow_freq_bands__freq_bands": [1, 200]}),
            "Nyquist frequency, 128 Hz",
        ),
        (
            (EPOCHS, SFREQ, ["energy_freq_bands"], {"energy_freq_bands__freq_bands": [0, 4]}),
            "the band 0 to 4 Hz",
        ),
        ((EPOCHS, SFREQ, ["spect_entropy"], {"spect_entropy__psd_params": {"n": 1}}), "a key of psd_params"),
        ((EPOCHS, SFREQ, ["spect_slope"], {"spect_slope__fmin": 60}), "holds 0 bins of the spectrum"),
        ((EPOCHS, SFREQ, ["spect_edge_freq"], {"spect_edge_freq__ref_freq": 200}), "up to 128 Hz, got 200"),
        ((EPOCHS[..., :20], SFREQ, ["mean", "hurst_exp"]), "hurst_exp needs at least 36 samples"),
    ],
)
def test_extract_features_refuses(args, message):
    with pytest.raises(ValueError, match=message):
        extract_features(*args)


def test_bad_channels_are_nan_and_only_they():
    x = EPOCHS.copy()
    x[1, 2, 999] = np.nan
    names = sorted(MNE_FEATURES)
    got, wanted = extract_features(x, SFREQ, names), extract_features(EPOCHS, SFREQ, names)
    np.testing.assert_array_equal(got[0], wanted[0])
    assert np.isnan(got[1]).sum() * 3 == got.shape[1]
    kept = ~np.isnan(got[1])
    np.testing.assert_array_equal(got[1, kept], wanted[1, kept])


def test_constant_channels_have_no_spectrum():
    x = np.full((1, 1, 500), 7.3)
    names = ["spect_entropy", "pow_freq_bands", "spect_slope", "energy_freq_bands"]
    values = {name: extract_features(x, SFREQ, [name]) for name in names}
    assert np.isnan(values["spect_entropy"]).all()
    assert np.isnan(values["pow_freq_bands"]).all()
    assert np.isnan(values["spect_slope"]).all()
    np.testing.assert_allclose(values["energy_freq_bands"], 0, atol=1e-20)


def test_nothing_of_theirs_is_missing(theirs):
    import mne_features.bivariate
    import mne_features.univariate

    assert {name for name in dir(antropy) if callable(getattr(antropy, name))} <= set(f.__all__)
    univariate = {name[8:] for name in dir(mne_features.univariate) if name.startswith("compute_")}
    assert univariate == set(MNE_FEATURES)
    bivariate = {name[8:] for name in dir(mne_features.bivariate) if name.startswith("compute_")}
    assert bivariate == set(BIVARIATE)
    assert univariate | bivariate <= set(f.__all__)


def test_threads_do_not_matter():
    """Enough signals for several batches of all kinds."""
    x = eeg(3, 64, 1000)
    names = ["energy_freq_bands", "pow_freq_bands", "spect_slope", "std", "svd_entropy"]
    wanted = extract_features(x, SFREQ, names)
    for options in ({"threads": 2}, {"threads": 5}, {"n_jobs": 3}, {"n_jobs": -1}):
        np.testing.assert_array_equal(extract_features(x, SFREQ, names, **options), wanted)
    for name in ("spect_entropy", "spectral_entropy"):
        one, two = (getattr(f, name)(x, SFREQ, threads=threads) for threads in (1, 2))
        np.testing.assert_array_equal(one, two)


def test_threads_and_float32_do_not_matter():
    names = sorted(set(MNE_FEATURES) - {"energy_freq_bands"})
    x = EPOCHS.astype(np.float32)
    wanted = extract_features(x, SFREQ, names)
    np.testing.assert_array_equal(extract_features(x, SFREQ, names, n_jobs=2), wanted)
    np.testing.assert_allclose(extract_features(x.astype(float), SFREQ, names), wanted, rtol=1e-9)
