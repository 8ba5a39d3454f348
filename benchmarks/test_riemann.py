"""Covariances, tangent spaces and nearest means against pyRiemann, and a rank-k update against BLAS."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg.blas import zherk

from fastemo import riemann as rm

pytest.importorskip("pyriemann")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def windows():
    """A thousand windows of 64 channels with a common part: half a gigabyte."""
    x = np.random.default_rng(0).standard_normal((1000, 64, 1000))
    x += x[:, :1] * 0.5
    return x


def matrices(n_matrices, n):
    x = np.random.default_rng(n).standard_normal((n_matrices, n, 3 * n))
    return x @ x.swapaxes(1, 2) / (3 * n)


@pytest.mark.parametrize(
    ("estimator", "n_windows", "goal"),
    [("scm", 1000, 10), ("oas", 1000, 10), ("lwf", 100, None), ("sch", 100, None), ("scm", 1, None)],
)
def test_covariances(versus, windows, estimator, n_windows, goal):
    from pyriemann.geometry.covariance import covariances

    x = windows[:n_windows]
    assert_allclose(rm.covariances(x[:9], estimator), covariances(x[:9], estimator), rtol=0, atol=1e-11)
    versus(
        f"covariances {estimator}, {n_windows} x 64 x 1000",
        lambda: rm.covariances(x, estimator),
        rounds=5,
        pyriemann=(lambda: covariances(x, estimator), goal),
    )


@pytest.mark.parametrize(
    ("n_matrices", "n", "goal"), [(1, 32, 3), (1000, 32, 2), (1, 64, None), (300, 64, None)]
)
def test_tangent_space(versus, n_matrices, n, goal):
    from pyriemann.tangentspace import TangentSpace

    x = matrices(max(n_matrices, 9), n)
    own, theirs = rm.TangentSpace().fit(x), TangentSpace().fit(x)
    x = x[:n_matrices]
    assert_allclose(own.transform(x), theirs.transform(x), rtol=0, atol=1e-5)
    versus(
        f"tangent space of {n_matrices} of {n} x {n}",
        lambda: own.transform(x),
        pyriemann=(lambda: theirs.transform(x), goal),
    )


@pytest.mark.parametrize(
    ("n_matrices", "n", "goal"), [(1, 32, 4), (1000, 32, 3), (1, 64, None), (300, 64, None)]
)
def test_mdm(versus, n_matrices, n, goal):
    from pyriemann.classification import MDM

    x = matrices(max(n_matrices, 30), n)
    y = np.arange(len(x)) % 3
    own, theirs = rm.MDM().fit(x, y), MDM().fit(x, y)
    x = x[:n_matrices]
    assert_allclose(own.transform(x), theirs.transform(x), rtol=1e-5)
    versus(
        f"MDM of 3 classes, {n_matrices} of {n} x {n}",
        lambda: own.predict(x),
        pyriemann=(lambda: theirs.predict(x), goal),
    )


@pytest.mark.parametrize("n", [8, 32, 64])
def test_functions(versus, n):
    x = matrices(200, n)
    values, vectors = np.linalg.eigh(x)
    assert_allclose(rm.logm(x), (vectors * np.log(values)[:, None]) @ vectors.swapaxes(1, 2), atol=1e-10)

    def by_lapack():
        values, vectors = np.linalg.eigh(x)
        return (vectors * np.log(values)[:, None]) @ vectors.swapaxes(1, 2)

    versus(f"logm of 200 of {n} x {n}", lambda: rm.logm(x), numpy=by_lapack)


def test_mean(versus):
    from pyriemann.geometry.mean import mean_riemann

    x = matrices(100, 32)
    assert_allclose(rm.mean_riemann(x), mean_riemann(x), atol=1e-7)
    versus(
        "mean_riemann of 100 of 32 x 32",
        lambda: rm.mean_riemann(x),
        rounds=5,
        pyriemann=lambda: mean_riemann(x),
    )


def test_hermitian_product(versus):
    rng = np.random.default_rng(0)
    z = rng.standard_normal((64, 1000)) + 1j * rng.standard_normal((64, 1000))
    columns = np.asfortranarray(z)
    assert_allclose(np.triu(rm.hermitian_product(z)), np.triu(zherk(1.0, columns)), atol=1e-10)
    versus(
        "z z^H, 64 x 1000",
        lambda: rm.hermitian_product(z),
        zherk_without_copies=(lambda: zherk(1.0, columns), 1.4),
    )
