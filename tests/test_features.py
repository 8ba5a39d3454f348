"""Features of a window: the compiled reductions against the reference, their invariances, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastemo import features as f
from fastemo._backend import core
from fastemo.features import FEATURES
from fastemo.reference.features import REDUCTIONS
from fastemo.reference.features import reduce as reference
from fastemo.reference.features.complexity import count_phrases

needs_core = pytest.mark.skipif(core is None, reason="no compiled core")

RNG = np.random.default_rng(0)
# Features with parameters that exercise more than their defaults.
PARAMS = {
    "decorr_time": {"sfreq": 250.0},
    "quantile": {"q": [0.0, 0.1, 0.5, 0.95, 1.0]},
    "kurtosis": {"fisher": True},
    "perm_entropy": {"order": 4, "delay": 2, "normalize": True},
    "svd_entropy": {"order": 10, "delay": 2, "normalize": True},
    "num_zerocross": {"normalize": True},
    "zero_crossings": {"threshold": 0.5},
    "teager_kaiser_energy": {"wavelet": "db2"},
    "wavelet_coef_energy": {"wavelet": "db4"},
}
OTHERS = [
    ("hjorth_mobility", {"definition": "mne_features"}),
    ("hjorth_complexity", {"definition": "mne_features"}),
    ("higuchi_fd", {"kmax": 7, "definition": "mne_features"}),
    ("sample_entropy", {"order": 3, "tolerance": 2.0}),
    ("sample_entropy", {"order": 1}),
    ("app_entropy", {"order": 1, "definition": "mne_features"}),
    ("perm_entropy", {"order": 7}),
    ("lempel_ziv", {"threshold": "mean", "normalize": False}),
    ("lempel_ziv", {"threshold": 1.5}),
    ("variance", {"ddof": 0}),
]
CASES = [(name, PARAMS.get(name, {})) for name in FEATURES] + OTHERS
SPECTRUM = {
    "pow_freq_bands": [[0, 0, 1, 5, 5, 20], [1, 1, 0, 30, 7, 8]],
    "spect_moment": [[2, 0, 0.5], [4, 1, 0.5]],
    "spect_entropy": [[1, 0], [0, 1]],
    "spect_slope": [[1, 30, 0, 0.5], [3, 9, 1, 0.5]],
    "spect_edge_freq": [[40, 0.5, 0.5], [30, 0.5, 0, 0.9, 1]],
}
# Where a value is a difference of logarithms of counts or a sum of a thousand rounded terms.
RTOL = 1e-10


def eeg(n_signals, n_samples, seed=0):
    """Something between white and brown, with an offset."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(n_signals, n_samples))
    return 3 + 2 * white + np.cumsum(white[:, ::-1], axis=1) / 2


def described(name, n_samples, params):
    return FEATURES[name].reduction(n_samples, **params)


def test_every_reduction_has_a_feature():
    assert {described(name, 500, params).name for name, params in CASES} == set(REDUCTIONS) - set(SPECTRUM)


@needs_core
@pytest.mark.parametrize("n_signals", [1, 7, 8, 19])
@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_core_agrees_with_the_reference(name, params, n_signals):
    for n_samples in (61, 200):
        x = eeg(n_signals, n_samples, seed=n_samples)
        r = described(name, n_samples, params)
        got = core.reduce(x, [r.name], [r.params])
        np.testing.assert_allclose(got, reference(x, [r.name], [r.params]), rtol=RTOL, atol=1e-12)


@needs_core
@pytest.mark.parametrize(("name", "params"), CASES)
def test_ties_agree_with_the_reference(name, params):
    """Whole numbers: equal samples, distances equal to each other, levels that are hit."""
    x = np.round(eeg(3, 150))
    r = described(name, 150, params)
    got = core.reduce(x, [r.name], [r.params])
    np.testing.assert_allclose(got, reference(x, [r.name], [r.params]), rtol=RTOL, atol=1e-12)


@needs_core
@pytest.mark.parametrize(("name", "params"), [(name, p) for name in SPECTRUM for p in SPECTRUM[name]])
def test_reductions_of_spectra_agree_with_the_reference(name, params):
    x = eeg(11, 41) ** 2
    x[3] = 0
    np.testing.assert_allclose(core.reduce(x, [name], [params]), reference(x, [name], [params]), rtol=RTOL)


@pytest.mark.parametrize(("name", "params"), CASES)
def test_a_signal_does_not_see_its_neighbours_threads_or_layout(name, params):
    x = eeg(13, 120)
    function = FEATURES[name]
    wanted = function(x, **params)
    one_by_one = np.stack([function(signal, **params) for signal in x])
    np.testing.assert_array_equal(one_by_one, wanted)
    np.testing.assert_array_equal(function(np.asfortranarray(x), **params), wanted)
    np.testing.assert_array_equal(function(x[:, ::-1].copy()[:, ::-1], **params), wanted)
    np.testing.assert_array_equal(function(x[::-2], **params), wanted[::-2])
    np.testing.assert_array_equal(function(x, **params, threads=3), wanted)
    np.testing.assert_array_equal(function(np.stack([x, x]), **params), np.stack([wanted, wanted]))


@pytest.mark.parametrize(("name", "params"), CASES)
def test_float32_is_taken_as_the_numbers_it_holds(name, params):
    x = eeg(3, 100).astype(np.float32)
    got = FEATURES[name](x, **params)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, FEATURES[name](x.astype(np.float64), **params))


def test_whole_numbers_are_taken():
    x = np.arange(60).reshape(2, 30) % 7
    np.testing.assert_array_equal(f.line_length(x), f.line_length(x.astype(float)))


@pytest.mark.parametrize(("name", "params"), CASES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_sample_makes_only_its_own_signal_nan(name, params, bad):
    x = eeg(9, 100)
    wanted = FEATURES[name](x, **params)
    x[4, 50] = bad
    wanted[4] = np.nan
    np.testing.assert_array_equal(FEATURES[name](x, **params), wanted)


NAN_WHEN_CONSTANT = {
    "skewness", "kurtosis", "hjorth_mobility", "hjorth_complexity", "katz_fd", "higuchi_fd",
    "detrended_fluctuation", "hurst_exp", "decorr_time", "sample_entropy",
}  # fmt: skip
ZERO_WHEN_CONSTANT = {
    "variance", "std", "ptp_amp", "hjorth_activity", "num_zerocross", "zero_crossings",
    "higher_order_crossings", "line_length", "teager_energy", "app_entropy", "samp_entropy", "perm_entropy",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NAN_WHEN_CONSTANT | ZERO_WHEN_CONSTANT))
def test_constants_give_what_the_docs_say(name):
    """7.3 has no short binary fraction: nothing here may be the rounding of a mean."""
    x = np.full((2, 100), 7.3)
    params = {"sfreq": 100.0} if name == "decorr_time" else {}
    wanted = np.nan if name in NAN_WHEN_CONSTANT else 0.0
    np.testing.assert_array_equal(
        FEATURES[name](x, **params), np.full_like(FEATURES[name](x, **params), wanted)
    )


def test_other_constants():
    x = np.full(100, 7.3)
    assert f.petrosian_fd(x) == 1
    assert f.lempel_ziv(x, normalize=False) == 2
    assert f.svd_entropy(x) == pytest.approx(0, abs=1e-12)
    assert np.isnan(f.svd_entropy(np.zeros(100)))
    assert f.wavelet_coef_energy(x) == pytest.approx(0, abs=1e-24)
    # mne-features puts a zero before the signal: then a constant is not one
    assert f.hjorth_mobility(x, "mne_features") > 0


@given(st.lists(st.integers(0, 2), min_size=2, max_size=60))
def test_phrases_are_those_of_a_naive_parse(symbols):
    text = "".join(map(str, symbols))
    count = start = 0
    while start < len(text):
        length = 1
        while start + length <= len(text) and text[start : start + length] in text[: start + length - 1]:
            length += 1
        start += length
        count += 1
    assert count_phrases(text) == count
    assert f.lziv_complexity(text) == count
    if len(set(text)) == 2 and "2" not in text:
        assert f.lempel_ziv(np.array(symbols, float), 0.5, normalize=False) == count


@settings(max_examples=50)
@given(st.integers(4, 60), st.integers(1, 3), st.integers(0, 2**32 - 1), st.booleans())
def test_sample_entropy_counts_exactly(n_samples, order, seed, whole_numbers):
    x = np.random.default_rng(seed).normal(size=max(n_samples, order + 2)) * 3
    x = np.round(x) if whole_numbers else x
    r = described("sample_entropy", len(x), {"order": order, "tolerance": 1.0})
    wanted = reference(x[None], [r.name], [r.params])[0, 0]
    np.testing.assert_allclose(f.sample_entropy(x, order, 1.0), wanted, rtol=1e-14)


def test_singular_values_of_a_nearly_singular_embedding():
    """A sine's embedding has rank two: what remains is rounding, not its square root."""
    x = np.sin(np.arange(400) / 9)
    assert f.svd_entropy(x, 10) < 1.1
    np.testing.assert_allclose(
        f.svd_entropy(x, 10), reference(x[None], ["svd_entropy"], [[10, 1, 0]])[0, 0], rtol=1e-11
    )


def test_known_values():
    noise = RNG.normal(size=(4, 20000))
    np.testing.assert_allclose(f.higuchi_fd(noise), 2, atol=0.02)
    np.testing.assert_allclose(f.detrended_fluctuation(noise), 0.5, atol=0.05)
    np.testing.assert_allclose(f.detrended_fluctuation(np.cumsum(noise, axis=1)), 1.5, atol=0.1)
    np.testing.assert_allclose(f.perm_entropy(noise, 4, normalize=True), 1, atol=1e-3)
    np.testing.assert_allclose(f.lempel_ziv(noise), 1, atol=0.05)
    line = np.arange(300.0)
    assert f.katz_fd(line) == pytest.approx(1)
    assert f.higuchi_fd(line) == pytest.approx(1)
    assert f.perm_entropy(line) == 0


@pytest.mark.parametrize(
    ("name", "params", "n", "message"),
    [
        (
            "hjorth_complexity",
            {},
            2,
            "hjorth_complexity needs at least 3 samples, got 2: take a longer window",
        ),
        ("higuchi_fd", {"kmax": 8}, 15, r"needs at least 16 samples \(2 kmax, kmax=8\), got 15"),
        ("detrended_fluctuation", {}, 57, "needs at least 58 samples"),
        ("hurst_exp", {}, 35, "needs at least 36 samples"),
        ("sample_entropy", {"order": 3}, 4, r"needs at least 5 samples \(order \+ 2, order=3\), got 4"),
        ("perm_entropy", {"order": 4, "delay": 5}, 15, "needs at least 16 samples"),
        ("svd_entropy", {"order": 10, "delay": 2}, 18, "needs at least 19 samples"),
        ("wavelet_coef_energy", {}, 13, r"needs at least 14 samples \(one level of a wavelet of 8 taps\)"),
        ("variance", {}, 1, "needs at least 2 samples"),
    ],
)
def test_short_windows_are_refused_with_the_length_they_need(name, params, n, message):
    with pytest.raises(ValueError, match=message):
        FEATURES[name](np.arange(float(n)), **params)
    x = np.random.default_rng(0).normal(size=n + 1)
    assert np.isfinite(np.atleast_1d(FEATURES[name](x, **params))).any() or name == "sample_entropy"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: f.mean(np.zeros((3, 0))),
            ValueError,
            r"at least one sample along its last axis, got shape \(3, 0\)",
        ),
        (lambda x: f.mean(5.0), ValueError, r"got shape \(\)"),
        (lambda x: f.mean(x + 1j), TypeError, "x must be float32 or float64, got dtype complex128"),
        (lambda x: f.mean(np.ma.masked_array(x)), TypeError, "masked array"),
        (lambda x: f.mean(x, threads=0), ValueError, "threads must be a whole number of at least 1, got 0"),
        (lambda x: f.quantile(x, 1.5), ValueError, "q must be a number from 0 to 1"),
        (lambda x: f.quantile(x, []), ValueError, "q must be a number from 0 to 1"),
        (lambda x: f.std(x, ddof=2), ValueError, "ddof must be a whole number from 0 to 1, got 2"),
        (lambda x: f.perm_entropy(x, order=9), ValueError, "order must be a whole number from 2 to 8, got 9"),
        (lambda x: f.perm_entropy(x, delay=[1, 2]), TypeError, "delay must be a whole number"),
        (
            lambda x: f.sample_entropy(x, tolerance=-1),
            ValueError,
            "tolerance must be a finite number of at least 0",
        ),
        (
            lambda x: f.hjorth_mobility(x, "hjorth"),
            ValueError,
            "definition must be one of 'antropy', 'mne_features'",
        ),
        (lambda x: f.lempel_ziv(x, "mode"), ValueError, "threshold must be one of 'median', 'mean'"),
        (
            lambda x: f.lempel_ziv(x, np.nan),
            ValueError,
            "threshold must be 'median', 'mean' or a finite number",
        ),
        (lambda x: f.decorr_time(x, 0), ValueError, "sfreq must be a finite number above 0"),
        (lambda x: f.wavelet_coef_energy(x, [1.0, 2.0, 3.0]), ValueError, "an even number of low-pass taps"),
        (lambda x: f.lziv_complexity(""), TypeError, "at least one symbol"),
        (lambda x: f.lziv_complexity([0.0, np.nan]), ValueError, "sequence must be finite"),
        (lambda x: f.lziv_complexity(x), ValueError, "sequence must have one dimension"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(eeg(2, 100))


@needs_core
@pytest.mark.parametrize(
    ("names", "params", "message"),
    [
        (["sigma"], [[]], "names no reduction this version knows: sigma"),
        (["mean"], [[1.0]], "mean has 1 parameters, expected 0"),
        (["std"], [[0.5]], "std has parameter 0 = 0.5, which it cannot take"),
        (["svd_entropy"], [[1e9, 1, 0]], "which it cannot take"),
        (["perm_entropy"], [[5, 1 << 20, 0]], "needs at least 4194305 samples, the window has 100"),
        (["higuchi_fd"], [[np.nan, 0]], "which it cannot take"),
        (["hurst_exp"], [[200, 1.0]], "hurst_exp has the length 200, expected 2 to 100"),
        (["hurst_exp"], [[20.0]], "odd number"),
        (["wavelet_coef_energy"], [[20, 1, 1, 1, 1]], "needs at least"),
        (["pow_freq_bands"], [[0, 0, 1, 5, 6]], "half a band"),
        (["pow_freq_bands"], [[0, 0, 1, 101]], "needs at least 101 samples"),
        (["spect_slope"], [[3, 4, 0, 1.0]], "fewer than two bins"),
        (["mean"], [], "params are 0, expected one list for each of 1 names"),
    ],
)
def test_the_core_checks_for_itself(names, params, message):
    with pytest.raises(ValueError, match=message):
        core.reduce(eeg(1, 100), names, params)


def test_no_signals_give_no_values():
    assert f.quantile(np.empty((0, 5, 100)), [0.1, 0.2]).shape == (0, 5, 2)
    assert f.mean(np.empty((3, 0, 100))).shape == (3, 0)


def test_one_signal_gives_numbers():
    x = eeg(1, 100)[0]
    assert isinstance(f.mean(x), float)
    assert f.quantile(x, [0.1, 0.2]).shape == (2,)
    mobility, complexity = f.hjorth_params(x, sf=100.0)
    assert mobility == f.hjorth_mobility(x) * 100
    assert complexity == f.hjorth_complexity(x)


def test_signatures_are_shown():
    import inspect

    assert str(inspect.signature(f.higuchi_fd)).startswith(
        "(x, kmax: 'int' = 10, definition: 'str' = 'antropy', *,"
    )
    assert "float32, float64" in f.higuchi_fd.__doc__
    assert all(
        "<"
        not in (function.__doc__ or "")
        .split("Examples")[0]
        .split("Parameters")[1]
        .split("Returns")[0]
        .replace("< ", "")
        for function in FEATURES.values()
    )
