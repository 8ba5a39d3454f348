"""Correlation, partial correlation, mutual information, surrogates."""

import numpy as np
import pytest

from fastemo.connectivity import (
    connectivity,
    correlation,
    mutual_information,
    partial_correlation,
    shrunk_covariance,
    surrogate_threshold,
    surrogates,
)


def signals(*shape, seed=0):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.standard_normal(shape), axis=-1)
    return x + rng.standard_normal((*shape[:-2], 1, shape[-1]))


def test_correlation_is_numpys():
    x = signals(6, 300)
    np.testing.assert_allclose(correlation(x), np.corrcoef(x), atol=1e-14)
    many = signals(3, 2, 5, 100)
    np.testing.assert_allclose(correlation(many)[2, 1], np.corrcoef(many[2, 1]), atol=1e-14)
    np.testing.assert_allclose(correlation(x * 1e-9), correlation(x), atol=1e-13)
    np.testing.assert_allclose(correlation(x.astype(np.float32)), np.corrcoef(x), atol=1e-5)


@pytest.mark.parametrize("n", [4, 20, 400])
def test_shrinkage_is_scikit_learns(n):
    covariance = pytest.importorskip("sklearn.covariance")
    x = signals(8, n)
    np.testing.assert_allclose(shrunk_covariance(x, "lwf"), covariance.ledoit_wolf(x.T)[0], rtol=1e-10)
    np.testing.assert_allclose(shrunk_covariance(x, "oas"), covariance.oas(x.T)[0], rtol=1e-10)
    np.testing.assert_allclose(shrunk_covariance(x, 0.0), np.cov(x, bias=True), rtol=1e-10, atol=1e-12)
    both = shrunk_covariance(np.stack([x, 2 * x]), "lwf")
    np.testing.assert_allclose(both[1], 4 * both[0], rtol=1e-12)


def test_partial_correlation():
    x = signals(5, 2000)
    residual = []
    rest = np.delete(x, [0, 3], axis=0) - np.delete(x, [0, 3], axis=0).mean(axis=1, keepdims=True)
    for c in (0, 3):
        y = x[c] - x[c].mean()
        residual.append(y - np.linalg.lstsq(rest.T, y, rcond=None)[0] @ rest)
    found = partial_correlation(x, 0.0)
    assert found[0, 3] == pytest.approx(np.corrcoef(residual)[0, 1], rel=1e-8)
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 1)
    np.testing.assert_allclose(partial_correlation(x * 1e4, "oas"), partial_correlation(x, "oas"), rtol=1e-9)
    assert np.isfinite(partial_correlation(signals(10, 6))).all()
    with pytest.raises(ValueError, match="has no inverse"):
        partial_correlation(signals(10, 6), 0.0)


def test_mutual_information():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 20000))
    x[1] = 0.6 * x[0] + 0.8 * x[1]
    truth = -0.5 * np.log(1 - 0.36)
    for method in ("gaussian", "copula"):
        found = mutual_information(x, method)
        assert found[0, 1] == pytest.approx(truth, abs=0.01)
        assert found[0, 1] == found[1, 0]
        np.testing.assert_array_equal(np.diag(found), 0)
    bent = np.stack([np.exp(x[0]), x[1] ** 3])
    np.testing.assert_allclose(mutual_information(bent), mutual_information(x), atol=1e-12)
    assert np.isinf(mutual_information(np.stack([x[0], x[0]]), "copula")[0, 1])


@pytest.mark.parametrize("n", [100, 101])
def test_surrogates_keep_each_channel(n):
    x = signals(3, 4, n)
    y = surrogates(x, "phase", 3)
    np.testing.assert_allclose(np.abs(np.fft.rfft(y)), np.abs(np.fft.rfft(x)), atol=1e-10)
    np.testing.assert_allclose(y.mean(axis=-1), x.mean(axis=-1), atol=1e-12)
    z = surrogates(x, "shift", 3)
    np.testing.assert_array_equal(np.sort(z, axis=-1), np.sort(x, axis=-1))
    assert not np.array_equal(z, x)
    np.testing.assert_array_equal(surrogates(x, "shift", 3), z)
    assert not np.array_equal(surrogates(x, "shift", 4), z)


def test_a_threshold_is_passed_by_what_is_related_and_rarely_by_chance():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 8, 250))
    x[:, 1] += 0.7 * x[:, 0]

    def measure(x):
        return connectivity(x, 250, {"alpha": (8, 13)}, methods="plv")["plv"][:, 0]

    values, levels = measure(x), surrogate_threshold(measure, x, n=60, quantile=0.98, seed=1)
    assert values[0] > levels[0]
    assert (values[1:] > levels[1:]).mean() < 0.15
    first = surrogate_threshold(measure, x, n=3, quantile=0, seed=2)
    assert (surrogate_threshold(measure, x, n=6, quantile=0, seed=2) <= first).all()


@pytest.mark.parametrize("function", [correlation, partial_correlation, mutual_information, surrogates])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones(5), ValueError, "must have shape"),
        (np.ones((1, 5)), ValueError, "at least 2 of both"),
        (np.array([[1, 2, 3], [4, np.nan, 6]]), ValueError, "NaN or infinite"),
        (np.array([[1, 2, 3], [4, 4, 4]]), ValueError, "channel 1 is flat"),
        (np.array([["a", "b"], ["c", "d"]]), TypeError, "real numbers"),
    ],
)
def test_bad_signals(function, x, error, message):
    with pytest.raises(error, match=message):
        function(x)


def test_bad_arguments():
    x = signals(3, 50)
    with pytest.raises(ValueError, match="did you mean 'oas'"):
        partial_correlation(x, "oaz")
    with pytest.raises(ValueError, match="from 0 to 1"):
        partial_correlation(x, 1.5)
    with pytest.raises(ValueError, match="method must be one of"):
        mutual_information(x, "ksg")
    with pytest.raises(ValueError, match="kind must be one of"):
        surrogates(x, "cut")
    with pytest.raises(ValueError, match="n must be a whole number"):
        surrogate_threshold(correlation, x, n=0)
    with pytest.raises(ValueError, match="quantile must be from 0 to 1"):
        surrogate_threshold(correlation, x, quantile=95)
