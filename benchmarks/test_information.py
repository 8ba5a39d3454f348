"""Transfer entropy by nearest neighbours, against k-d trees of SciPy."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.special import digamma

from fastemo.connectivity import knn_transfer_entropy


def trees(x, k=4, order=2):
    """The same estimator from channel 0 to 1, as it is usually written."""
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    n = x.shape[1]
    now = x[1, order:, None]
    past, source = (np.stack([c[order - i : n - i] for i in range(1, order + 1)], axis=1) for c in x[::-1])
    whole = np.hstack([now, past, source])
    e = cKDTree(whole).query(whole, k + 1, p=np.inf)[0][:, -1]
    e = np.nextafter(e, 0)

    def count(points):
        return cKDTree(points).query_ball_point(points, e, p=np.inf, return_length=True)

    terms = (
        digamma(count(past))
        - digamma(count(np.hstack([past, now])))
        - digamma(count(np.hstack([past, source])))
    )
    return digamma(k) + terms.mean()


@pytest.mark.parametrize("n", [1000, 5000])
def test_knn_transfer_entropy(versus, n):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, n))
    x[1, 1:] += 0.8 * x[0, :-1]
    options = {"order": 2, "exclude": 0, "n_surrogates": 0, "indices": ([0], [1]), "noise": 0}
    np.testing.assert_allclose(knn_transfer_entropy(x, **options).raw, trees(x), rtol=1e-6)
    versus(
        f"one pair of {n} samples, order 2, 4 neighbours",
        lambda: knn_transfer_entropy(x, **options),
        rounds=5,
        k_d_trees=lambda: trees(x),
    )
