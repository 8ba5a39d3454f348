"""What a user may hand to fe.connectivity by mistake: one clear sentence for it, or a documented value."""

import re
import warnings

import numpy as np
import pytest

from fastemo import connectivity as fc
from fastemo.connectivity import graph

SFREQ = 250.0
BANDS = {"alpha": (8, 13)}
GROUPS = {"a": [0, 1], "b": [2, 3]}
X = np.random.default_rng(0).standard_normal((20, 4, 500))

EPOCHS = {
    "connectivity": lambda x: fc.connectivity(x, SFREQ, BANDS, methods=["coh", "wpli"]),
    "over time": lambda x: fc.connectivity(x, SFREQ, BANDS, mode="filterbank", observations="time"),
    "group_connectivity": lambda x: fc.group_connectivity(x, SFREQ, GROUPS, BANDS),
    "directed_connectivity": lambda x: fc.directed_connectivity(x, SFREQ, BANDS, order=2),
    "fit_autoregression": lambda x: fc.fit_autoregression(x, order=2),
    "granger": lambda x: fc.granger(x, order=2),
    "transfer_entropy": lambda x: fc.transfer_entropy(x, order=2),
    "knn_transfer_entropy": lambda x: fc.knn_transfer_entropy(x, n_surrogates=0, indices=([0], [1])),
    "phase_lag_time": lambda x: fc.phase_lag_time(x, SFREQ, BANDS),
    "envelope_correlation": lambda x: fc.envelope_correlation(x, SFREQ, BANDS),
    "wavelet_connectivity": lambda x: fc.wavelet_connectivity(x, SFREQ, BANDS),
    "wsmi": lambda x: fc.wsmi(x, SFREQ, tau=4),
}
SIGNALS = {
    "correlation": fc.correlation,
    "partial_correlation": fc.partial_correlation,
    "shrunk_covariance": fc.shrunk_covariance,
    "mutual_information": fc.mutual_information,
    "surrogates": fc.surrogates,
    "surrogate_threshold": lambda x: fc.surrogate_threshold(fc.correlation, x, n=2),
}
quiet = pytest.mark.filterwarnings("ignore:.*independent:RuntimeWarning")


def changed(change):
    x = X.copy()
    change(x)
    return x


def nan(x):
    x[3, 1, 7] = np.nan


def flat(x):
    x[3, 1] = 5


@quiet
@pytest.mark.parametrize("function", [*EPOCHS.values(), *SIGNALS.values()], ids=[*EPOCHS, *SIGNALS])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (changed(nan), ValueError, "holds 1 NaN or infinite values, the first in channel"),
        (changed(flat), ValueError, "is flat"),
        (X[:, :1], ValueError, "at least 2"),
        (X[:, :, :1], ValueError, "at least 2"),
        (X[:0], ValueError, "x must have shape"),
        (X[0, 0], ValueError, "x must have shape"),
        (X + 0j, TypeError, "got dtype complex128: use x.astype(float)"),
        (X > 0, TypeError, "got dtype bool: use x.astype(float)"),
        (np.array([["a", "b"]] * 2), TypeError, "got dtype <U1: use x.astype(float)"),
        (None, TypeError, "got dtype object"),
        (X * 1e150, ValueError, "beyond what numbers hold: scale it"),
        (X * 1e-150, ValueError, "beyond what numbers hold: scale it"),
    ],
    ids=["nan", "flat", "one channel", "one sample", "no epochs", "1d", "complex", "bool", "text", "None", "huge", "tiny"],
)  # fmt: skip
def test_signals_that_are_none(function, x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        function(x)


@quiet
@pytest.mark.parametrize("function", EPOCHS.values(), ids=EPOCHS)
def test_the_unit_does_not_matter(function):
    """Volts and femtotesla in tesla are no tiny signals."""
    found = [function(X * scale) for scale in (1.0, 1e-6, 1e-15)]
    if isinstance(found[0], fc.ConnectivityResult):
        arrays = [np.concatenate([np.ravel(v) for v in f.values.values()]) for f in found]
    elif isinstance(found[0], fc.TransferEntropy):
        arrays = [f.values for f in found]
    else:
        arrays = [np.asarray(getattr(f, "coefficients", f)) for f in found]
    for array in arrays[1:]:
        np.testing.assert_allclose(array, arrays[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("function", [fc.connectivity, fc.directed_connectivity, fc.wavelet_connectivity])
def test_names_of_channels(function):
    with pytest.raises(ValueError, match="ch_names has 1 names, but x has 4 channels"):
        function(X, SFREQ, BANDS, ch_names=["a"])
    with pytest.raises(ValueError, match="ch_names holds 'a' more than once"):
        function(X, SFREQ, BANDS, ch_names=["a", "b", "a", "c"])
    with pytest.raises(TypeError, match="ch_names must be a sequence of names, one per channel, got 'abcd'"):
        function(X, SFREQ, BANDS, ch_names="abcd")


@pytest.mark.filterwarnings("ignore:the envelopes of an epoch:RuntimeWarning")
@quiet
def test_pairs_by_name_are_those_by_number():
    names = ["Fz", "Cz", "Pz", "Oz"]
    by_name, by_number = (["Oz", "Fz"], ["Cz", "Pz"]), ([3, 0], [1, 2])
    for function, options in (
        (fc.connectivity, {"bands": BANDS}),
        (fc.wavelet_connectivity, {"bands": BANDS}),
        (fc.phase_lag_time, {"bands": BANDS}),
        (fc.envelope_correlation, {"bands": BANDS}),
        (fc.knn_transfer_entropy, {"n_surrogates": 0}),
    ):
        rate = [] if function is fc.knn_transfer_entropy else [SFREQ]
        one, two = (function(X, *rate, indices=i, ch_names=names, **options) for i in (by_name, by_number))
        np.testing.assert_array_equal(one.seeds, two.seeds)
        np.testing.assert_array_equal(one.targets, two.targets)
        values = [r.values if isinstance(r.values, np.ndarray) else [*r.values.values()] for r in (one, two)]
        np.testing.assert_array_equal(*values)
    one, two = (
        fc.group_connectivity(X, SFREQ, GROUPS, BANDS, indices=i) for i in ((["b"], ["a"]), ([1], [0]))
    )
    np.testing.assert_array_equal(one["mim"], two["mim"])
    with pytest.raises(ValueError, match="indices names 'c', which is none of the groups: they are a, b"):
        fc.group_connectivity(X, SFREQ, GROUPS, BANDS, indices=(["c"], ["a"]))


@pytest.mark.filterwarnings("ignore:the envelopes of an epoch:RuntimeWarning")
def test_envelopes_of_chosen_pairs():
    for orthogonalize in (True, False):
        whole = fc.envelope_correlation(X, SFREQ, BANDS, orthogonalize=orthogonalize)
        some = fc.envelope_correlation(X, SFREQ, BANDS, orthogonalize=orthogonalize, indices=([2, 0], [1, 3]))
        m = whole.methods[0]
        np.testing.assert_array_equal(some[m][:, 0], whole.dense()[[2, 0], [1, 3], 0])
        assert some.dense(fill=np.nan)[3, 0, 0] == some.dense(fill=np.nan)[0, 3, 0] == some[m][1, 0]


def test_copies_share_all_information():
    """Whatever rounding does to their correlation."""
    rng = np.random.default_rng(0)
    for n in (50, 400, 1003):
        x = rng.standard_normal((2, n))
        x = np.stack([x[0], x[0], -3 * x[0] + 1, x[1]])
        for method in ("copula", "gaussian"):
            found = fc.mutual_information(x, method)
            assert found[0, 1] == np.inf
            assert np.isfinite(found[3]).all()
        assert found[0, 2] == np.inf


def test_a_result_is_no_matrix():
    result = fc.connectivity(X, SFREQ, BANDS)
    with pytest.raises(TypeError, match=r"w is a ConnectivityResult, .* such as result\.dense"):
        graph.strength(result)


@pytest.mark.parametrize(
    ("function", "methods", "error", "message"),
    [
        ("connectivity", None, TypeError, "methods must be a name or a sequence of names, got None"),
        ("connectivity", [1], TypeError, "methods must be a name or a sequence of names, got [1]"),
        ("connectivity", [], ValueError, "methods is empty"),
        ("connectivity", "gc", ValueError, "'gc', which is a measure of group_connectivity"),
        ("connectivity", ["coh", "pdc"], ValueError, "'pdc', which is a measure of directed_connectivity"),
        ("connectivity", "plw", ValueError, "did you mean 'plv'"),
        ("directed_connectivity", "plv", ValueError, "'plv', which is a measure of connectivity"),
        ("directed_connectivity", "pcd", ValueError, "did you mean 'pdc'"),
        ("group_connectivity", ["mim", "wpli"], ValueError, "'wpli', which is a measure of connectivity"),
    ],
)
def test_measures_by_name(function, methods, error, message):
    between = [GROUPS] if function == "group_connectivity" else []
    with pytest.raises(error, match=re.escape(message)):
        getattr(fc, function)(X, SFREQ, *between, BANDS, methods=methods)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": {"x": (10.1, 10.3)}}, "use a window of at least 5 s"),
        ({"fmin": 10.1, "fmax": 10.3}, "none from 10.1 to 10.3 Hz: use at least 5 s"),
        ({"fmin": 10.1, "fmax": 10.1}, "none from 10.1 to 10.1 Hz: the nearest is 10 Hz"),
        ({"bands": {"x": (10, 11)}, "methods": "psi"}, '"psi" needs two bins inside the band'),
        ({"bands": BANDS, "mt_bandwidth": 0.1}, "at least one bin, 1 / the epoch's length"),
        ({"bands": BANDS, "indices": ([4], [0])}, "the seeds in indices must be from 0 to 3"),
        ({"bands": BANDS, "indices": ([0], [-1])}, "the targets in indices must be from 0 to 3"),
        ({"bands": BANDS, "indices": ([0, 1], [2])}, "2 seeds and 1 targets"),
        ({"bands": BANDS, "indices": ([0.0], [1])}, "a sequence of channel numbers or names"),
        (
            {"bands": BANDS, "indices": (["Fz"], ["P4"]), "ch_names": ["Fz", "Cz", "Pz", "Oz"]},
            "indices names 'P4', which is none of the channels: they are Fz, Cz, Pz, Oz",
        ),
        (
            {"bands": BANDS, "indices": (["FZ"], ["Pz"]), "ch_names": ["Fz", "Cz", "Pz", "Oz"]},
            "indices names 'FZ', which is none of the channels, did you mean 'Fz'",
        ),
        ({"bands": BANDS, "mode": "cwt_morlet"}, "use wavelet_connectivity"),
        (
            {"bands": "alpha"},
            "no band set is called 'alpha', though bands are: pass {'alpha': (8, 13)} for one",
        ),
    ],
)
def test_bands_and_pairs(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.connectivity(X, SFREQ, **options)


@pytest.mark.parametrize(
    ("call", "mend"),
    [
        (
            lambda: fc.connectivity(X[:1], SFREQ, BANDS, methods="wpli"),
            'observations="tapers" or "segments"',
        ),
        (
            lambda: fc.connectivity(X[:1], SFREQ, BANDS, mode="fourier"),
            'observations="segments" with nperseg=',
        ),
        (
            lambda: fc.connectivity(
                X[:1], SFREQ, BANDS, mode="fourier", observations="segments", nperseg=500
            ),
            "a shorter nperseg",
        ),
        (
            lambda: fc.group_connectivity(X[:1], SFREQ, GROUPS, BANDS, mode="fourier"),
            'mode="multitaper"',
        ),
        (lambda: fc.phase_lag_time(X[:1], SFREQ, BANDS, mode="fourier"), 'mode="multitaper"'),
    ],
)
def test_one_observation_says_what_to_do_instead(call, mend):
    with pytest.raises(ValueError, match=re.escape(f"pass more epochs, or {mend}")):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: fc.connectivity(x, SFREQ, BANDS),
        lambda x: fc.connectivity(x, SFREQ, BANDS, mode="filterbank", observations="time"),
        lambda x: fc.group_connectivity(x, SFREQ, GROUPS, BANDS),
        lambda x: fc.phase_lag_time(x, SFREQ, BANDS),
        lambda x: fc.envelope_correlation(x, SFREQ, BANDS),
        lambda x: fc.wavelet_connectivity(x, SFREQ, BANDS),
        lambda x: fc.fit_autoregression(x[..., :100], order=3),
        lambda x: fc.directed_connectivity(x[..., :100], SFREQ, BANDS, order=3),
        lambda x: fc.granger(x[..., :100], order=3),
        lambda x: fc.transfer_entropy(x[..., :100], order=3),
    ],
)
def test_warnings_of_few_observations_point_at_the_caller(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(X[:1])
    assert len(caught) == 1
    assert caught[0].category is RuntimeWarning
    assert caught[0].filename == __file__


def test_copies_of_a_channel_have_documented_values():
    x = X.copy()
    x[:, 1] = x[:, 0]
    np.testing.assert_allclose(fc.correlation(x)[:, 0, 1], 1, rtol=1e-12)
    for method in ("copula", "gaussian"):
        information = fc.mutual_information(x, method)
        assert (information[:, 0, 1] > 15).all()  # infinite, or what rounding leaves of it
        assert not np.isnan(information).any()
    with pytest.raises(ValueError, match="no inverse"):
        fc.partial_correlation(x, 0.0)
    assert np.isfinite(fc.partial_correlation(x)).all()
    for call in (fc.granger, fc.transfer_entropy):
        with pytest.raises(ValueError, match="copies or sums of others"):
            call(x, order=2)
    result = fc.connectivity(x, SFREQ, BANDS, methods=fc.METHODS, indices=([1], [0]))
    for m in ("coh", "plv", "ppc"):
        np.testing.assert_allclose(result[m], 1, rtol=1e-9)
    for m in ("imcoh", "ciplv", "pli", "wpli", "wpli2_debiased", "psi"):
        assert result[m] == 0
    assert result["dpli"] == pytest.approx(0.5, abs=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fc.surrogates(X, seed=-1), ValueError, "seed must be a whole number of at least 0, got -1"),
        (lambda: fc.surrogates(X, seed="a"), ValueError, "seed must be a whole number"),
        (lambda: fc.surrogates(X, "shuffle"), ValueError, "kind must be one of"),
        (lambda: fc.surrogate_threshold(None, X), TypeError, "measure must be a function"),
        (lambda: fc.surrogate_threshold(fc.correlation, X, seed=1.5), ValueError, "seed must be"),
        (lambda: fc.surrogate_threshold(fc.correlation, X, n=0), ValueError, "n must be"),
        (lambda: fc.surrogate_threshold(fc.correlation, X, quantile=95), ValueError, "quantile must be"),
        (
            lambda: fc.surrogate_threshold(lambda x: fc.connectivity(x, SFREQ, BANDS), X, n=2),
            TypeError,
            'take one of its measures, such as result["plv"]',
        ),
        (
            lambda: fc.surrogate_threshold(
                lambda x: fc.connectivity(x, SFREQ, BANDS, methods="cohy")["cohy"], X, n=2
            ),
            TypeError,
            "or an absolute value",
        ),
        (
            lambda: fc.partial_correlation(X, None),
            ValueError,
            "shrinkage must be 'oas', 'lwf' or from 0 to 1",
        ),
        (lambda: fc.partial_correlation(X, 2), ValueError, "got 2"),
        (lambda: fc.partial_correlation(X, "lw"), ValueError, "did you mean 'lwf'"),
        (lambda: fc.knn_transfer_entropy(X, seed=-1), ValueError, "seed must be"),
    ],
)
def test_chance_and_shrinkage(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


W = np.abs(np.random.default_rng(0).standard_normal((5, 5)))
W = (W + W.T) / 2


@pytest.mark.parametrize("name", graph.__all__)
@pytest.mark.parametrize(
    ("w", "error", "message"),
    [
        (np.where(np.eye(5)[::-1] > 0, np.nan, W), ValueError, "NaN or infinite weights"),
        (-W, ValueError, "negative weights, the lowest"),
        (np.triu(W), ValueError, "not symmetric"),
        (W[:3], ValueError, "(..., n, n) with n of at least 2, got (3, 5)"),
        (np.stack([W, W], axis=-1), ValueError, "bands come first, as np.moveaxis(w, -1, 0)"),
        (np.zeros((1, 1)), ValueError, "n of at least 2"),
        (W + 0j, TypeError, "got dtype complex128: take absolute values"),
        (np.full((2, 2), "a"), TypeError, "got dtype <U1"),
        (None, TypeError, "got dtype object"),
    ],
)
def test_matrices_that_are_no_graph(name, w, error, message):
    options = {"share": 0.3} if name == "proportional_threshold" else {}
    with pytest.raises(error, match=re.escape(message)):
        getattr(graph, name)(w, **options)


@pytest.mark.parametrize("share", [0, 1.5, np.nan, "a", True, None])
def test_share_of_edges(share):
    with pytest.raises(ValueError, match="share must be above 0 and at most 1"):
        graph.proportional_threshold(W, share)


def test_options_of_modularity():
    with pytest.raises(ValueError, match="resolution must be a finite number above 0"):
        graph.modularity(W, resolution=-1)
    with pytest.raises(ValueError, match="seed must be a whole number"):
        graph.modularity(W, seed=-1)
    with pytest.raises(ValueError, match="a label for each of the 5 nodes"):
        graph.modularity(W, [0, 1])
