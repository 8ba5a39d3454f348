"""Transfer entropy by nearest neighbours: known values, bias, what is refused."""

import re

import numpy as np
import pytest

from fastemo import reference
from fastemo._backend import core
from fastemo.connectivity import knn_transfer_entropy, transfer_entropy

needs_core = pytest.mark.skipif(core is None, reason="the compiled core is not built")


def coupled(n=1500, strength=0.8, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n))
    x[1, 1:] += strength * x[0, :-1]
    return x


def points(n=300, n_channels=3, order=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_channels, n + order))
    past = np.stack([x[:, order - 1 - i : n + order - 1 - i] for i in range(order)], axis=1)
    return x[:, order:].copy(), past


def arguments(n=300, k=4, exclude=2.0, order=2, seed=0):
    from scipy.special import digamma

    present, past = points(n, order=order, seed=seed)
    sinks, sources = np.array([0, 1, 2, 1]), np.array([1, 2, 0, 0])
    return {
        "present": present, "sink_past": past, "source_past": past[:, ::-1].copy(), "times": np.arange(n, dtype=float),
        "sinks": sinks, "sources": sources, "k": k, "exclude": exclude, "digamma": digamma(np.arange(n + 1) + 1.0),
    }  # fmt: skip


@needs_core
@pytest.mark.parametrize("n", [12, 31, 32, 33, 65, 300])
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("exclude", [0.0, 2.0])
def test_the_core_counts_as_the_reference(n, k, exclude):
    a = arguments(n, k, exclude)
    np.testing.assert_allclose(core.neighbour_transfer(**a), reference.neighbour_transfer(**a), rtol=1e-12)


@needs_core
def test_ties_and_threads_do_not_matter():
    a = arguments(200)
    for name in ("present", "sink_past", "source_past"):
        a[name] = np.round(a[name], 1)
    expected = reference.neighbour_transfer(**a)
    np.testing.assert_allclose(core.neighbour_transfer(**a), expected, rtol=1e-12)
    np.testing.assert_array_equal(core.neighbour_transfer(**a), core.neighbour_transfer(**a, threads=3))
    # In whatever order the points come.
    turn = np.random.default_rng(0).permutation(200)
    b = a | {n: a[n][..., turn] for n in ("present", "sink_past", "source_past", "times")}
    np.testing.assert_allclose(core.neighbour_transfer(**b), expected, rtol=1e-12)


@needs_core
def test_points_without_neighbours_give_nan():
    a = arguments(20, exclude=12.0)
    assert np.isnan(core.neighbour_transfer(**a)).all()
    assert np.isnan(reference.neighbour_transfer(**a)).all()


@needs_core
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": 0}, "k is 0, expected 1 to 299"),
        ({"k": 300}, "k is 300"),
        ({"exclude": -1.0}, "exclude"),
        ({"exclude": np.nan}, "exclude"),
        ({"sinks": np.array([0, 1, 3, 1])}, "pair 2 has channel 3 of 3"),
        ({"sources": np.array([-1, 1, 2, 1])}, "pair 0 has channel -1"),
        ({"sources": np.array([0, 1])}, "sinks and sources"),
        ({"times": np.zeros(299)}, "times"),
        ({"digamma": np.zeros(300)}, "digamma"),
        ({"present": np.zeros((3, 0))}, "present"),
        ({"sink_past": np.zeros((2, 2, 300))}, "sink_past"),
        ({"source_past": np.full((3, 2, 300), np.nan)}, "source_past must be finite"),
    ],
)
def test_the_core_refuses(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        core.neighbour_transfer(**(arguments() | changes))


def test_gaussian_signals_have_the_value_of_the_formula():
    """Half of ln(1 + 0.8^2); the scatter of the estimate at 1500 points is about 0.02."""
    result = knn_transfer_entropy(coupled(), indices=([0, 1], [1, 0]))
    np.testing.assert_allclose(result.values, [0.5 * np.log(1 + 0.64), 0], atol=0.05)
    assert result.p_values[0] == 1 / 21
    assert result.p_values[1] > 0.05


def test_what_no_linear_model_sees():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 1500))
    x[1, 1:] *= 0.2 + x[0, :-1] ** 2
    found = knn_transfer_entropy(x, n_surrogates=10).dense()
    assert found[0, 1] > 0.1
    assert abs(found[1, 0]) < 0.03
    assert np.abs(transfer_entropy(x, order=1)).max() < 0.02


def test_surrogates_take_the_bias_off():
    """Of slow unrelated signals: the mean over 10 pairs, whose scatter is some 0.01."""
    rng = np.random.default_rng(0)
    x = np.zeros((20, 600))
    for t in range(1, 600):
        x[:, t] = 0.9 * x[:, t - 1] + rng.standard_normal(20)
    pairs = (np.arange(0, 20, 2), np.arange(1, 20, 2))
    result = knn_transfer_entropy(x, order=2, exclude=10, indices=pairs)
    assert abs(result.values.mean()) < 0.015
    assert np.mean(result.p_values < 0.05) <= 0.2
    np.testing.assert_allclose(result.values, result.raw - result.surrogates.mean(axis=0))


def test_the_delay_of_a_coupling_stands_out():
    x = coupled(1000)
    x[0] = np.roll(x[0], -4)  # now five samples ahead
    by_delay = [
        knn_transfer_entropy(x, delay=d, n_surrogates=0, indices=([0], [1])).values[0] for d in range(1, 8)
    ]
    assert np.argmax(by_delay) == 4


def chain(n=1200, seed=3):
    """0 drives 1, 1 drives 2: from 0 to 2 there is a path but no link."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, n))
    x[1, 1:] += x[0, :-1]
    x[2, 1:] += x[1, :-1]
    return x


def test_a_condition_tells_paths_from_links():
    x = chain()
    options = {"delay": 2, "indices": ([0], [2]), "n_surrogates": 10}
    path = knn_transfer_entropy(x, **options)
    given = knn_transfer_entropy(x, condition=[1], **options)
    assert path.p_values[0] == 1 / 11
    assert path.values[0] > 0.1
    assert abs(given.values[0]) < 0.04
    assert (path.conditions, given.conditions) == (((),), ((1,),))
    # A common driver, which is ahead of both.
    rng = np.random.default_rng(0)
    y = rng.standard_normal((3, 1200))
    y[0, 1:] += y[2, :-1]
    y[1, 2:] += y[2, :-2]
    alone = knn_transfer_entropy(y, indices=([0], [1]), n_surrogates=10)
    known = knn_transfer_entropy(y, indices=([0], [1]), n_surrogates=10, condition=[2], condition_order=2)
    assert alone.values[0] > 0.08
    assert abs(known.values[0]) < 0.04


def test_a_conditional_estimate_is_that_of_its_definition():
    """I(x_t ; y_past | x_past, z_past) with everything given in one array of the reference."""
    from scipy.special import digamma

    x = chain(300)
    got = knn_transfer_entropy(x, k=3, condition="others", n_surrogates=0, noise=0, exclude=0)
    z = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    now, before = z[:, 1:], z[:, :-1]
    far = lambda rows: np.abs(rows[:, :, None] - rows[:, None]).max(axis=0)  # noqa: E731
    for p, (source, sink) in enumerate(zip(got.seeds, got.targets, strict=True)):
        other = ({0, 1, 2} - {source, sink}).pop()
        past = far(before[[sink, other]])
        with_now, with_source = np.maximum(past, far(now[[sink]])), np.maximum(past, far(before[[source]]))
        whole = np.maximum(with_now, with_source)
        for d in (past, with_now, with_source, whole):
            np.fill_diagonal(d, np.inf)
        e = np.sort(whole, axis=1)[:, 2:3]
        counts = [1 + np.sum(d < e, axis=1) for d in (past, with_now, with_source)]
        terms = digamma(3) + digamma(counts[0]) - digamma(counts[1]) - digamma(counts[2])
        np.testing.assert_allclose(got.values[p], terms.mean(), rtol=1e-10)


def test_conditions_of_several_numbers_of_channels():
    """Pairs with the same condition are the same whatever else is asked for, in shares of any size."""
    from fastemo.connectivity import information

    x = np.concatenate([chain(300), chain(300, seed=4)])
    whole = knn_transfer_entropy(x, condition=[0, 4], n_surrogates=1)
    assert {len(given) for given in whole.conditions} == {0, 1, 2}
    some = [0, 7, 19]
    part = knn_transfer_entropy(
        x, condition=[4, 0], n_surrogates=1, threads=2, indices=(whole.seeds[some], whole.targets[some])
    )
    np.testing.assert_array_equal(part.values, whole.values[some])
    given = ((), (1,), (2,), (0, 1), (2, 3))
    for size in (1, 2**25, 2**40):
        shares = information._shares(given, size)
        assert sorted(np.concatenate(shares).tolist()) == [0, 1, 2, 3, 4]
        assert all(len({len(given[p]) for p in share}) == 1 for share in shares)


def test_units_epochs_threads_and_seeds():
    x = coupled(400)[None].repeat(2, 0) + 0.5 * np.random.default_rng(0).standard_normal((2, 2, 400))
    one = knn_transfer_entropy(x, n_surrogates=3)
    two = knn_transfer_entropy(x * [[1e-6], [1e3]] + 5, n_surrogates=3, threads=2)
    np.testing.assert_allclose(one.values, two.values, atol=0.01)  # a few points change sides
    np.testing.assert_array_equal(one.values, knn_transfer_entropy(x, n_surrogates=3, threads=3).values)
    more = knn_transfer_entropy(x, n_surrogates=5)
    np.testing.assert_array_equal(one.surrogates, more.surrogates[:3])
    assert (knn_transfer_entropy(x, n_surrogates=3, seed=1).surrogates != one.surrogates).any()
    assert one.n_points == 2 * 399
    none = knn_transfer_entropy(x, n_surrogates=0)
    np.testing.assert_array_equal(none.values, none.raw)
    assert (none.p_values == 1).all()


def test_quantised_signals_are_like_others():
    x = coupled(1000)
    found = knn_transfer_entropy(np.round(x * 4).astype(np.int16), indices=([0], [1]))
    np.testing.assert_allclose(found.values, 0.5 * np.log(1 + 0.64), atol=0.07)


def test_what_is_returned():
    result = knn_transfer_entropy(coupled(300), ch_names=["a", "b"], n_surrogates=2)
    dense = result.dense(np.nan)
    assert dense[0, 1] == result.values[0]
    assert np.isnan(dense[0, 0])
    assert repr(result) == "<TransferEntropy: 2 pairs of 299 points, 2 surrogates>"
    pytest.importorskip("xarray")
    assert float(result.to_xarray().sel(seed="a", target="b")) == dense[0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"order": 1.5}, "order must be a whole number"),
        ({"delay": 0}, "delay must be"),
        ({"n_surrogates": -1}, "n_surrogates must be"),
        ({"exclude": -1}, "exclude must be"),
        ({"order": 400}, "epochs of 300 samples leave 0 points after a past of 400"),
        ({"exclude": 148}, "k=4 neighbours need longer or more epochs"),
        ({"noise": -1}, "noise"),
        ({"condition": "all"}, "condition must be \"others\" or channel numbers, got 'all'"),
        ({"condition": "others"}, "needs a third channel"),
        ({"condition": [0, 1]}, "no channel beside the pairs' own, got [0, 1]"),
        ({"condition": [2]}, "different channels from 0 to 1, got [2]"),
        ({"condition": []}, "a sequence of channel numbers"),
        ({"condition": [0.5]}, "a sequence of channel numbers"),
        ({"condition_order": 2}, "condition_order=2 has no meaning without condition"),
        ({"indices": ([0], [0])}, "indices pairs channel 0 with itself"),
        ({"indices": ([0], [2])}, "from 0 to 1"),
        ({"threads": 0}, "threads"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        knn_transfer_entropy(coupled(300), **options)


def test_bad_signals():
    x = coupled(300)
    x[1, 7] = np.inf
    with pytest.raises(ValueError, match="1 NaN or infinite values, the first in channel 'b'"):
        knn_transfer_entropy(x, ch_names=["a", "b"])
    x[1] = 3
    with pytest.raises(ValueError, match="channel 'b' is flat"):
        knn_transfer_entropy(x, ch_names=["a", "b"])
