"""The Riemannian potato finds unusual windows, and follows what changes slowly."""

import numpy as np
import pytest

import fastemo as fe
from fastemo.artefacts import Potato


def windows(n, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).standard_normal((5, 5)) + 2 * np.eye(5)
    return scale * mix @ rng.standard_normal((n, 5, 250))


@pytest.fixture(scope="module")
def usual():
    return fe.riemann.covariances(windows(80))


def test_scores_of_clean_windows_are_standard(usual):
    z = Potato(threshold=10).fit(usual).z_scores(usual)
    assert abs(z.mean()) < 1e-6
    assert z.std() == pytest.approx(1, abs=1e-6)


def test_unusual_windows_are_found_and_do_not_teach(usual):
    odd = fe.riemann.covariances(
        windows(8, seed=1) + 20 * np.random.default_rng(2).standard_normal((8, 5, 1))
    )
    loud = fe.riemann.covariances(windows(8, seed=3, scale=3))
    potato = Potato().fit(np.concatenate([usual, loud, odd]))
    assert not potato.predict(loud).any()
    assert potato.predict(usual).mean() > 0.95
    alone = Potato().fit(usual)
    assert fe.riemann.distance_riemann(potato.mean_, alone.mean_) < 0.05


def test_scale_of_all_does_not_matter(usual):
    np.testing.assert_allclose(
        Potato().fit(9 * usual).z_scores(9 * usual), Potato().fit(usual).z_scores(usual), atol=1e-6
    )


def test_is_pyriemanns():
    """The same mean, distance and geometric z scores where every window is clean."""
    peer = pytest.importorskip("pyriemann.artifact_detection")
    c = fe.riemann.covariances(windows(60, seed=5))
    theirs = peer.Potato(metric="riemann", threshold=10).fit(c)
    np.testing.assert_allclose(Potato(threshold=10).fit(c).z_scores(c), theirs.transform(c), atol=1e-5)


def test_follows_a_slow_change_but_no_artefact(usual):
    potato = Potato().fit(usual)
    drifting = [fe.riemann.covariances(windows(1, seed=k, scale=1 + k / 400))[0] for k in range(400)]
    stays = Potato().fit(usual)
    for c in drifting:
        potato.partial_fit(c, alpha=0.05)
    assert potato.predict(drifting[-1])
    assert not stays.predict(drifting[-1])
    before = potato.mean_.copy()
    potato.partial_fit(1e4 * usual[0])
    np.testing.assert_array_equal(potato.mean_, before)


def test_one_covariance_gives_one_number(usual):
    potato = Potato().fit(usual)
    assert potato.z_scores(usual[3]) == pytest.approx(potato.z_scores(usual)[3])
    assert np.isfinite(potato.z_scores(potato.mean_))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: Potato(threshold=0), ValueError, "threshold must be"),
        (lambda c: Potato(n_iter=0), ValueError, "n_iter must be"),
        (lambda c: Potato().fit(c[:2]), ValueError, "at least 3"),
        (lambda c: Potato().fit(c[:, :2]), ValueError, "must have shape"),
        (lambda c: Potato().fit(-c), ValueError, "positive"),
        (lambda c: Potato().predict(c), RuntimeError, "call fit"),
        (lambda c: Potato().fit(c).predict(c[:, :2, :2]), ValueError, "of 5 channels as in fit, got 2"),
        (lambda c: Potato().fit(c).partial_fit(c, alpha=2), ValueError, "alpha must be"),
    ],
)
def test_refuses(usual, call, error, message):
    with pytest.raises(error, match=message):
        call(usual)
