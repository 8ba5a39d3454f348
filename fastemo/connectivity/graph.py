"""Graph measures of connectivity matrices: weighted, undirected unless said otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import check_seed
from fastemo.connectivity._louvain import louvain, quality

__all__ = [
    "betweenness_centrality",
    "characteristic_path_length",
    "clustering",
    "degree",
    "density",
    "eigenvector_centrality",
    "global_efficiency",
    "local_efficiency",
    "modularity",
    "path_lengths",
    "proportional_threshold",
    "strength",
]


def strength(w: Any) -> np.ndarray:
    """Sum of the weights at each node, shape (..., n).

    Parameters
    ----------
    w : array_like, shape (..., n, n)
        Symmetric weights of at least 0; the diagonal does not count. So for every function here.

    Returns
    -------
    ndarray, shape (..., n)

    Examples
    --------
    >>> strength([[0, 0.5, 0.2], [0.5, 0, 0], [0.2, 0, 0]])
    array([0.7, 0.5, 0.2])
    """
    return _weights(w).sum(axis=-1)


def degree(w: Any) -> np.ndarray:
    """Number of edges (weights above 0) at each node, shape (..., n).

    Examples
    --------
    >>> degree([[0, 0.5, 0.2], [0.5, 0, 0], [0.2, 0, 0]])
    array([2, 1, 1])
    """
    return np.count_nonzero(_weights(w), axis=-1)


def density(w: Any) -> np.ndarray:
    """Share of the possible edges that there are.

    Examples
    --------
    >>> float(density([[0, 0.5, 0.2], [0.5, 0, 0], [0.2, 0, 0]]).round(3))
    0.667
    """
    w = _weights(w)
    return np.count_nonzero(w, axis=(-2, -1)) / (w.shape[-1] * (w.shape[-1] - 1))


def proportional_threshold(w: Any, share: float) -> np.ndarray:
    """The strongest edges, so many that they are `share` of all possible ones; the others become 0.

    Of equal weights those at the end of the list of pairs go first. Where there are fewer edges all stay.

    Parameters
    ----------
    w : array_like, shape (..., n, n)
    share : float
        Above 0 and at most 1; 0.1 to 0.3 is usual.

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> proportional_threshold([[0, 0.5, 0.2], [0.5, 0, 0.1], [0.2, 0.1, 0]], 1 / 3)
    array([[0. , 0.5, 0. ],
           [0.5, 0. , 0. ],
           [0. , 0. , 0. ]])
    """
    w = _weights(w)
    if isinstance(share, bool) or not isinstance(share, (int, float, np.number)) or not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
    rows, columns = np.triu_indices(w.shape[-1], 1)
    pairs = w[..., rows, columns]
    keep = int(np.floor(share * len(rows) + 0.5))
    order = np.argsort(-pairs, axis=-1, kind="stable")[..., keep:]
    pairs = pairs.copy()
    np.put_along_axis(pairs, order, 0.0, axis=-1)
    out = np.zeros_like(w)
    out[..., rows, columns] = pairs
    out[..., columns, rows] = pairs
    return out


def clustering(w: Any) -> np.ndarray:
    """Weighted clustering of each node (Onnela 2005): how strong the triangles are that it is part of.

    sum over pairs of neighbours of (w_ij w_jk w_ki)^(1/3) / (k_i (k_i - 1)), weights divided by the largest, k_i the
    degree; 0 below two neighbours. That is `networkx.clustering(weight=...)`.

    Examples
    --------
    >>> clustering([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    array([1., 1., 1.])
    """
    w = _weights(w)
    largest = w.max(axis=(-2, -1), keepdims=True)
    roots = np.cbrt(w / np.where(largest > 0, largest, 1))
    triangles = np.einsum("...ij,...ji->...i", roots @ roots, roots)
    k = np.count_nonzero(w, axis=-1)
    return triangles / np.maximum(k * (k - 1), 1)


def path_lengths(w: Any) -> np.ndarray:
    """Shortest paths between all nodes, an edge being 1 / weight long: infinite where there is none.

    Returns
    -------
    ndarray, shape (..., n, n)

    Examples
    --------
    >>> path_lengths([[0, 0.5, 0], [0.5, 0, 1], [0, 1, 0]])
    array([[0., 2., 3.],
           [2., 0., 1.],
           [3., 1., 0.]])
    """
    return _shortest(_weights(w))


def characteristic_path_length(w: Any) -> np.ndarray:
    """Mean of the shortest paths between nodes that are connected at all; NaN if none are.

    Examples
    --------
    >>> float(characteristic_path_length([[0, 0.5, 0], [0.5, 0, 1], [0, 1, 0]]))
    2.0
    """
    d = _shortest(_weights(w))
    counts = np.isfinite(d) & ~np.eye(d.shape[-1], dtype=bool)
    n = counts.sum(axis=(-2, -1))
    total = np.where(counts, d, 0).sum(axis=(-2, -1))
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def global_efficiency(w: Any) -> np.ndarray:
    """Mean over pairs of 1 / shortest path (Latora & Marchiori 2001); nodes that are not connected count 0.

    Examples
    --------
    >>> float(global_efficiency([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    1.0
    """
    return _efficiency(_shortest(_weights(w)))


def local_efficiency(w: Any, definition: str = "subgraph") -> np.ndarray:
    """Efficiency of the graph that each node's neighbours form among themselves, shape (..., n).

    Paths go through neighbours only; 0 below two neighbours. For weights of 0 and 1 both definitions are the local
    efficiency of networkx and bctpy.

    Parameters
    ----------
    w : array_like, shape (..., n, n)
    definition : {"subgraph", "wang"}
        "subgraph": `global_efficiency` of the neighbours, whatever the node's own weights. "wang": bctpy's for weighted
        graphs (Wang et al. 2017, doi:10.1162/NECO_a_00914), mean over pairs j, h of neighbours of node i of
        (w_ij w_ih)^(1/3) / d_jh, edges being w^(-1/3) long.

    Examples
    --------
    >>> local_efficiency([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    array([1., 1., 1.])
    """
    check_in("definition", definition, ("subgraph", "wang"))
    w = _weights(w)
    out = np.zeros(w.shape[:-1])
    for at in np.ndindex(w.shape[:-1]):
        neighbours = np.flatnonzero(w[at])
        if len(neighbours) > 1:
            among, own = w[at[:-1]][np.ix_(neighbours, neighbours)], np.ones(len(neighbours))
            if definition == "wang":
                among, own = np.cbrt(among), np.cbrt(w[at][neighbours])
            out[at] = _efficiency(_shortest(among), own)
    return out


def eigenvector_centrality(w: Any) -> np.ndarray:
    """The eigenvector of the largest eigenvalue, of unit length and not negative, shape (..., n).

    Where the graph falls apart it is that of the part with the largest eigenvalue.

    Examples
    --------
    >>> eigenvector_centrality([[0, 1, 1], [1, 0, 0], [1, 0, 0]]).round(3)
    array([0.707, 0.5  , 0.5  ])
    """
    w = _weights(w)
    _, vectors = np.linalg.eigh(w)
    return np.abs(vectors[..., -1])


def betweenness_centrality(w: Any, normalized: bool = True) -> np.ndarray:
    """Share of the shortest paths between other nodes that pass through each node (Brandes 2001), shape (..., n).

    Parameters
    ----------
    w : array_like, shape (..., n, n)
    normalized : bool
        Divide by the number of pairs of other nodes, as networkx does; else every pair counts 1.

    Examples
    --------
    >>> betweenness_centrality([[0, 1, 1], [1, 0, 0], [1, 0, 0]])
    array([1., 0., 0.])
    """
    w = _weights(w)
    n = w.shape[-1]
    out = np.zeros(w.shape[:-1])
    for at in np.ndindex(w.shape[:-2]):
        out[at] = _betweenness(w[at], _shortest(w[at]))
    return out / ((n - 1) * (n - 2)) if normalized and n > 2 else out / 2


def modularity(
    w: Any, communities: Any = None, *, resolution: float = 1.0, seed: int = 0
) -> tuple[float, np.ndarray]:
    """Newman's modularity Q, of given communities or of those that the Louvain method finds.

    Q = 1 / (2m) sum_ij (w_ij - resolution s_i s_j / (2m)) over pairs in the same community, s the strength, 2m the sum
    of all weights [1]_.

    Parameters
    ----------
    w : array_like, shape (n, n)
    communities : array_like of int, shape (n,), optional
        A label per node; by default they are found.
    resolution : float
        Above 1: smaller communities.
    seed : int
        Of the order in which nodes are tried.

    Returns
    -------
    q : float
        0 for a graph without edges.
    communities : ndarray of int, shape (n,)
        Numbered from 0 in the order of their first nodes.

    References
    ----------
    .. [1] Blondel, Guillaume, Lambiotte, Lefebvre, Fast unfolding of communities in large networks, 2008,
       doi:10.1088/1742-5468/2008/10/P10008.

    Examples
    --------
    >>> w = np.kron(np.eye(2), np.ones((3, 3))) + 0.1
    >>> q, communities = modularity(w)
    >>> communities
    array([0, 0, 0, 1, 1, 1])
    """
    w = _weights(w)
    if w.ndim != 2:
        raise ValueError(
            f"w must be one matrix (n, n) for modularity, got shape {w.shape}: pass one at a time"
        )
    resolution = check_positive("resolution", resolution)
    if communities is None:
        labels = louvain(w, resolution, np.random.default_rng(check_seed(seed)))
    else:
        labels = np.asarray(communities)
        if labels.shape != w.shape[:1]:
            raise ValueError(
                f"communities must have a label for each of the {len(w)} nodes, got shape {labels.shape}"
            )
    first = {label: i for i, label in reversed([*enumerate(labels.tolist())])}
    order = {label: k for k, label in enumerate(sorted(first, key=first.__getitem__))}
    labels = np.array([order[label] for label in labels.tolist()])
    return quality(w, labels, resolution), labels


def _weights(w: Any) -> np.ndarray:
    """Checked weights with a diagonal of 0."""
    if hasattr(w, "dense"):
        raise TypeError(
            f'w is a {type(w).__name__}, which may hold many matrices: take one, such as result.dense("coh")[..., 0]'
        )
    w = np.array(w)
    if w.dtype.kind not in "iufb":
        raise TypeError(
            f"w must be an array of real numbers, got dtype {w.dtype}: take absolute values of complex ones"
        )
    w = w.astype(np.float64)
    if w.ndim < 2 or w.shape[-1] != w.shape[-2] or w.shape[-1] < 2:
        mend = (
            ": bands come first, as np.moveaxis(w, -1, 0)" if w.ndim > 2 and w.shape[0] == w.shape[1] else ""
        )
        raise ValueError(f"w must have shape (..., n, n) with n of at least 2, got {w.shape}{mend}")
    diagonal = np.arange(w.shape[-1])
    w[..., diagonal, diagonal] = 0
    if not np.isfinite(w).all():
        raise ValueError("w holds NaN or infinite weights: leave those nodes out or set them to 0")
    if (w < 0).any():
        raise ValueError(
            f"w holds negative weights, the lowest {w.min():g}: take absolute values or clip at 0 first"
        )
    if not np.allclose(w, np.swapaxes(w, -1, -2), rtol=1e-9, atol=1e-12 * max(1.0, float(w.max(initial=0)))):
        raise ValueError("w is not symmetric: these measures are of undirected graphs, use (w + w.T) / 2")
    return w


def _shortest(w: np.ndarray) -> np.ndarray:
    """Floyd and Warshall, all matrices at once."""
    with np.errstate(divide="ignore"):
        d = 1 / w
    diagonal = np.arange(w.shape[-1])
    d[..., diagonal, diagonal] = 0
    for k in range(w.shape[-1]):
        np.minimum(d, d[..., :, k, None] + d[..., None, k, :], out=d)
    return d


def _efficiency(d: np.ndarray, weights: Any = 1.0) -> np.ndarray:
    """Mean of 1 / d over pairs of nodes, times the weights of both."""
    n = d.shape[-1]
    with np.errstate(divide="ignore"):
        inverse = 1 / d
    diagonal = np.arange(n)
    inverse[..., diagonal, diagonal] = 0
    return (inverse * np.multiply.outer(weights, weights)).sum(axis=(-2, -1)) / (n * (n - 1))


def _betweenness(w: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Pairs are counted in both directions."""
    with np.errstate(divide="ignore"):
        length = 1 / w
    n, total = len(w), np.zeros(len(w))
    for source in range(n):
        reach = d[source]
        # An edge u -> v lies on a shortest path from the source where it is as long as the difference.
        step = np.isfinite(reach)[:, None] & np.isclose(reach[:, None] + length, reach, rtol=1e-12, atol=0)
        order = np.argsort(reach, kind="stable")
        order = order[np.isfinite(reach[order])]
        paths, share = np.zeros(n), np.zeros(n)
        paths[source] = 1
        for v in order[1:]:
            paths[v] = paths[step[:, v]].sum()
        for v in order[:0:-1]:
            before = step[:, v]
            share[before] += paths[before] / paths[v] * (1 + share[v])
            total[v] += share[v]
    return total
