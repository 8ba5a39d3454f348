"""Graph measures, against networkx and bctpy."""

import re
import warnings

import numpy as np
import pytest

from fastemo.connectivity import graph


def weights(n=12, share=0.4, seed=0):
    rng = np.random.default_rng(seed)
    w = np.triu(rng.random((n, n)) * (rng.random((n, n)) < share), 1)
    return w + w.T


MATRICES = [
    weights(),
    weights(20, 0.3, 1),
    weights(7, 0.9, 2),
    weights(15, 0.12, 3),
    np.ones((5, 5)),
    np.zeros((4, 4)),
]
IDS = ["12", "20", "dense", "in parts", "complete", "empty"]


@pytest.fixture(params=MATRICES, ids=IDS)
def w(request):
    return request.param * (1 - np.eye(len(request.param)))


@pytest.fixture
def network(w):
    nx = pytest.importorskip("networkx")
    g = nx.from_numpy_array(w)
    for _, _, data in g.edges(data=True):
        data["length"] = 1 / data["weight"]
    return nx, g


def of_nodes(values, n):
    return np.array([values[i] for i in range(n)])


def test_clustering(w, network):
    nx, g = network
    np.testing.assert_allclose(
        graph.clustering(w), of_nodes(nx.clustering(g, weight="weight"), len(w)), rtol=1e-12
    )


def test_betweenness(w, network):
    nx, g = network
    for normalized in (True, False):
        expected = nx.betweenness_centrality(g, weight="length", normalized=normalized)
        found = graph.betweenness_centrality(w, normalized)
        np.testing.assert_allclose(found, of_nodes(expected, len(w)), rtol=1e-9, atol=1e-12)


def test_paths_and_efficiency(w, network):
    nx, g = network
    expected = np.full(w.shape, np.inf)
    for i, to in nx.all_pairs_dijkstra_path_length(g, weight="length"):
        for j, d in to.items():
            expected[i, j] = d
    np.testing.assert_allclose(graph.path_lengths(w), expected, rtol=1e-12)
    off = ~np.eye(len(w), dtype=bool)
    np.testing.assert_allclose(graph.global_efficiency(w), (1 / expected[off]).mean(), rtol=1e-12)
    connected = expected[off][np.isfinite(expected[off])]
    found = graph.characteristic_path_length(w)
    assert found == pytest.approx(connected.mean(), rel=1e-12) if len(connected) else np.isnan(found)


def test_efficiency_of_edges_without_weight(w, network):
    nx, g = network
    edges = (w > 0).astype(float)
    assert graph.global_efficiency(edges) == pytest.approx(nx.global_efficiency(g), rel=1e-12)
    assert graph.local_efficiency(edges).mean() == pytest.approx(nx.local_efficiency(g), rel=1e-12)


def test_local_efficiency_of_weights(w):
    bct = pytest.importorskip("bct")
    found = graph.local_efficiency(w, "wang")
    np.testing.assert_allclose(found, bct.efficiency_wei(w, local=True), rtol=1e-9, atol=1e-12)
    edges = (w > 0).astype(float)
    np.testing.assert_allclose(
        graph.local_efficiency(edges, "wang"), graph.local_efficiency(edges), rtol=1e-12
    )
    np.testing.assert_array_equal(graph.local_efficiency(np.stack([w, edges]), "wang")[0], found)
    with pytest.raises(ValueError, match="definition must be one of 'subgraph', 'wang'; got 'rubinov'"):
        graph.local_efficiency(w, "rubinov")


def test_eigenvector_centrality(w, network):
    nx, g = network
    if not w.any() or not nx.is_connected(g):
        pytest.skip("no unique eigenvector")
    expected = nx.eigenvector_centrality_numpy(g, weight="weight")
    np.testing.assert_allclose(graph.eigenvector_centrality(w), of_nodes(expected, len(w)), rtol=1e-8)


def test_strength_degree_density(w, network):
    nx, g = network
    np.testing.assert_allclose(
        graph.strength(w), of_nodes(dict(g.degree(weight="weight")), len(w)), rtol=1e-12
    )
    np.testing.assert_array_equal(graph.degree(w), of_nodes(dict(g.degree), len(w)))
    assert graph.density(w) == pytest.approx(nx.density(g))


def test_modularity(w, network):
    nx, g = network
    q, communities = graph.modularity(w)
    if not w.any():
        assert q == 0
        return
    parts = [set(np.flatnonzero(communities == c).tolist()) for c in np.unique(communities)]
    assert q == pytest.approx(nx.community.modularity(g, parts, weight="weight"), abs=1e-12)
    given, same = graph.modularity(w, communities[:], resolution=1.3)
    assert given == pytest.approx(
        nx.community.modularity(g, parts, weight="weight", resolution=1.3), abs=1e-12
    )
    np.testing.assert_array_equal(same, communities)
    best = max(
        nx.community.modularity(g, nx.community.louvain_communities(g, seed=s), weight="weight")
        for s in range(5)
    )
    assert max(graph.modularity(w, seed=s)[0] for s in range(5)) >= best - 0.01


def test_communities_that_are_there_are_found():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 8)
    w = np.where(truth[:, None] == truth, 0.8, 0.15) * rng.uniform(0.5, 1, (32, 32))
    w = np.triu(w, 1) + np.triu(w, 1).T
    q, found = graph.modularity(w)
    np.testing.assert_array_equal(found, truth)
    assert 0.2 < q < 0.75


def test_the_toolbox_agrees(w):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bct = pytest.importorskip("bct")
    if not w.any():
        pytest.skip("no edges")
    largest = w.max()
    np.testing.assert_allclose(graph.clustering(w), bct.clustering_coef_wu(w / largest), rtol=1e-10)
    np.testing.assert_allclose(graph.strength(w), bct.strengths_und(w))
    assert graph.density(w) == pytest.approx(bct.density_und(w)[0])
    with np.errstate(divide="ignore"):
        lengths = np.where(w > 0, 1 / w, 0)
    np.testing.assert_allclose(
        graph.betweenness_centrality(w, False) * 2, bct.betweenness_wei(lengths), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(graph.path_lengths(w), bct.distance_wei(lengths)[0], rtol=1e-12)
    if np.count_nonzero(w) == len(w) * (len(w) - 1) and len(np.unique(w)) > 3:
        for share in (0.2, 0.5, 1):
            expected = bct.threshold_proportional(w, share)
            np.testing.assert_allclose(graph.proportional_threshold(w, share), expected)


def test_many_matrices_at_once():
    many = np.stack([weights(9, 0.5, s) for s in range(6)]).reshape(2, 3, 9, 9)
    functions = (
        graph.strength, graph.degree, graph.density, graph.clustering, graph.path_lengths, graph.global_efficiency,
        graph.characteristic_path_length, graph.local_efficiency, graph.eigenvector_centrality,
        graph.betweenness_centrality, lambda w: graph.proportional_threshold(w, 0.2),
    )  # fmt: skip
    for function in functions:
        together = function(many)
        for at in np.ndindex(2, 3):
            np.testing.assert_allclose(together[at], function(many[at]), rtol=1e-12, atol=1e-14)


def test_the_diagonal_does_not_count():
    w = weights()
    for function in (graph.strength, graph.clustering, graph.global_efficiency, graph.eigenvector_centrality):
        np.testing.assert_array_equal(function(w + np.eye(len(w))), function(w))


def test_thresholds():
    w = np.ones((6, 6))
    assert graph.density(graph.proportional_threshold(w, 0.2)) == pytest.approx(0.2)
    thin = weights(10, 0.1)
    np.testing.assert_array_equal(graph.proportional_threshold(thin, 0.9), thin)


@pytest.mark.parametrize(
    ("w", "message"),
    [
        (np.ones((3, 4)), "w must have shape"),
        (np.ones((1, 1)), "n of at least 2"),
        ([[0, -1], [-1, 0]], "negative weights, the lowest -1"),
        ([[0, 1], [2, 0]], "not symmetric"),
        ([[0, np.nan], [np.nan, 0]], "NaN or infinite"),
    ],
)
def test_bad_matrices(w, message):
    for function in (graph.strength, graph.modularity, graph.betweenness_centrality):
        with pytest.raises(ValueError, match=message):
            function(w)


def test_bad_arguments():
    for share in (0, 1.1, -1):
        with pytest.raises(ValueError, match="share must be above 0"):
            graph.proportional_threshold(weights(), share)
    with pytest.raises(ValueError, match=re.escape("a label for each of the 12 nodes, got shape (3,)")):
        graph.modularity(weights(), [0, 1, 2])
    with pytest.raises(ValueError, match="one at a time"):
        graph.modularity(np.ones((2, 3, 3)))
