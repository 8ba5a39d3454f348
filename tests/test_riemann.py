"""fastemo.riemann is what its definitions and pyRiemann say, for many matrices and for one, and refuses bad ones."""

import numpy as np
import pytest
from matrices import hpd, spd, windows
from numpy.testing import assert_allclose, assert_array_equal

import fastemo as fe
from fastemo import riemann as rm
from fastemo._backend import core
from fastemo.reference import riemann as reference
from fastemo.riemann._distances import DISTANCES


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what it calls itself
class TestPyriemann:
    """pyRiemann's functions of the same names, real and, where they take it, complex."""

    @pytest.fixture(autouse=True)
    def _peer(self):
        pytest.importorskip("pyriemann", minversion="0.12")

    @pytest.mark.parametrize("estimator", ["cov", "scm", "corr", "lwf", "oas", "sch"])
    def test_covariances(self, estimator):
        from pyriemann.geometry.covariance import covariances

        x = windows()
        assert_allclose(rm.covariances(x, estimator), covariances(x, estimator), rtol=1e-9, atol=1e-9)

    def test_covariances_with_a_prototype(self):
        from pyriemann.geometry.covariance import covariances_EP

        x = windows()
        assert_allclose(rm.covariances_EP(x, x[0, :2], "oas"), covariances_EP(x, x[0, :2], "oas"), rtol=1e-9)

    @pytest.mark.parametrize(
        "options", [{}, {"window": 101, "overlap": 0.5}, {"fs": 250, "fmin": 8, "fmax": 30}]
    )
    def test_cross_spectrum(self, options):
        from pyriemann.geometry.covariance import cross_spectrum

        x = windows()
        got, expected = rm.cross_spectrum(x, **options), cross_spectrum(x, **options)
        # pyRiemann takes the ends of a range for 0 Hz and the Nyquist frequency, and does not double them
        inner = slice(1, -1) if "fs" in options else slice(None)
        atol = 1e-12 * np.abs(expected[0]).max()
        assert_allclose(got[0][..., inner], expected[0][..., inner], rtol=0, atol=atol)
        if "fs" in options:
            assert_allclose(got[1], expected[1])
            whole, every = rm.cross_spectrum(x, fs=250)
            kept = (every >= 8) & (every <= 30)
            assert_allclose(got[0], whole[..., kept], rtol=0, atol=atol)

    @pytest.mark.parametrize("make", [spd, hpd])
    @pytest.mark.parametrize("name", ["sqrtm", "invsqrtm", "logm", "expm"])
    def test_functions(self, name, make):
        from pyriemann.geometry import base

        x = make(6, 5)
        x = x / np.abs(x).max()
        assert_allclose(getattr(rm, name)(x), getattr(base, name)(x), rtol=1e-8, atol=1e-9)
        assert_allclose(rm.powm(x, -0.4), base.powm(x, -0.4), rtol=1e-8, atol=1e-9)

    @pytest.mark.parametrize("make", [spd, hpd])
    @pytest.mark.parametrize(
        "metric",
        sorted(DISTANCES),
    )
    def test_distance(self, metric, make):
        from pyriemann.geometry.distance import distance, pairwise_distance

        x, y = make(6, 5), make(6, 5, seed=1)
        for squared in (False, True):
            options = {"metric": metric, "squared": squared}
            assert_allclose(rm.distance(x, y, **options), distance(x, y, **options), rtol=1e-8)
            assert_allclose(rm.distance(x, y[0], **options), distance(x, y[0], **options), rtol=1e-8)
            if make is spd:
                got = rm.pairwise_distance(x, y[:3], **options)
                assert_allclose(got, pairwise_distance(x, y[:3], **options), rtol=1e-7)
                assert_allclose(
                    rm.pairwise_distance(x, **options), pairwise_distance(x, **options), rtol=1e-7, atol=1e-7
                )
        assert np.shape(rm.distance(x[0], y[0], metric)) == ()

    @pytest.mark.parametrize("make", [spd, hpd])
    @pytest.mark.parametrize(
        "metric", ["euclid", "harmonic", "kullback_sym", "logchol", "logeuclid", "riemann", "wasserstein"]
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_mean(self, metric, weighted, make):
        from pyriemann.geometry.mean import gmean

        x = make(7, 4)
        weights = np.arange(1.0, 8) if weighted else None
        options = {"metric": metric, "sample_weight": weights}
        # both stop at 1e-8 in the length of the mean tangent vector
        assert_allclose(rm.gmean(x, **options), gmean(x, **options), rtol=0, atol=2e-7 * np.abs(x).max())

    @pytest.mark.parametrize("make", [spd, hpd])
    @pytest.mark.parametrize("metric", ["euclid", "logeuclid", "riemann", "wasserstein"])
    def test_tangent_space(self, metric, make):
        from pyriemann.geometry import tangentspace as peer

        x = make(6, 4)
        reference = rm.mean_euclid(x)
        t = rm.tangent_space(x, reference, metric=metric)
        assert_allclose(t, peer.tangent_space(x, reference, metric=metric), rtol=1e-7, atol=1e-8)
        assert_allclose(rm.untangent_space(t, reference, metric=metric), x, rtol=1e-7, atol=1e-8)
        assert_allclose(rm.upper(x), peer.upper(x))
        assert_allclose(rm.unupper(t), peer.unupper(t))

    @pytest.mark.parametrize("metric", ["euclid", "logeuclid", "riemann", "wasserstein"])
    def test_geodesic(self, metric):
        from pyriemann.geometry.geodesic import geodesic

        a, b = spd(3, 4), spd(3, 4, seed=1)
        for alpha in (0.0, 0.3, 1.0):
            got = rm.geodesic(a, b, alpha, metric)
            assert_allclose(got, geodesic(a, b, alpha, metric), rtol=1e-7, atol=1e-9)

    @pytest.mark.parametrize(
        "metric", ["riemann", "logeuclid", "euclid", {"mean": "logeuclid", "distance": "riemann"}]
    )
    def test_mdm(self, metric):
        from pyriemann.classification import MDM

        x, y = classes()
        got, expected = rm.MDM(metric).fit(x, y), MDM(metric).fit(x, y)
        assert_allclose(got.covmeans_, expected.covmeans_, rtol=1e-6)
        assert_allclose(got.transform(x), expected.transform(x), rtol=1e-6)
        assert_array_equal(got.predict(x), expected.predict(x))
        assert_allclose(got.predict_proba(x), expected.predict_proba(x), atol=1e-6)

    def test_fgmdm(self):
        from pyriemann.classification import FgMDM

        x, y = classes()
        got, expected = rm.FgMDM().fit(x, y), FgMDM().fit(x, y)
        assert_allclose(got.transform(x), expected.transform(x), rtol=1e-5, atol=1e-6)
        assert_array_equal(got.predict(x), expected.predict(x))

    def test_whitening(self):
        from pyriemann.preprocessing import Whitening

        x, _ = classes()
        assert_allclose(rm.Whitening().fit_transform(x), Whitening().fit_transform(x), rtol=1e-8, atol=1e-8)


def classes(n=30, n_channels=4):
    """Covariances of three classes that differ in the power of one channel."""
    y = np.arange(n) % 3
    x = np.random.default_rng(0).standard_normal((n, n_channels, 200))
    x[:, 0] *= np.array([1.0, 1.5, 2.2])[y, None]
    return rm.covariances(x + 0.5 * x[:, ::-1], "oas"), np.array(["calm", "joy", "fear"])[y]


class TestProperties:
    def test_inverse_functions(self):
        x = spd(5, 8)
        assert_allclose(rm.expm(rm.logm(x)), x, rtol=1e-8, atol=1e-9)
        assert_allclose(rm.sqrtm(x) @ rm.sqrtm(x), x, rtol=1e-10, atol=1e-10)
        assert_allclose(rm.powm(x, 0.5), rm.sqrtm(x), rtol=1e-9, atol=1e-9)

    def test_affine_invariance(self):
        x, y = spd(4, 6), spd(4, 6, seed=1)
        w = np.random.default_rng(2).standard_normal((6, 6))
        d = rm.distance_riemann(x, y)
        assert_allclose(rm.distance_riemann(w @ x @ w.T, w @ y @ w.T), d, rtol=1e-6)
        assert_allclose(rm.distance_riemann(y, x), d, rtol=1e-6)
        mean = rm.mean_riemann(x)
        assert_allclose(rm.mean_riemann(w @ x @ w.T), w @ mean @ w.T, rtol=1e-6, atol=1e-6)

    def test_the_length_of_a_tangent_vector_is_the_distance(self):
        x, reference = spd(4, 6), spd(1, 6, seed=1)[0]
        t = rm.tangent_space(x, reference)
        assert_allclose(np.linalg.norm(t, axis=1), rm.distance_riemann(x, reference), rtol=1e-8)

    @pytest.mark.parametrize("metric", ["riemann", "euclid", "logeuclid"])
    def test_recentring(self, metric):
        x = spd(8, 4)
        groups = np.repeat(["a", "b"], 4)
        y = rm.recenter(x, groups, metric=metric)
        if metric != "logeuclid":  # which does not move along
            for own in (y[:4], y[4:]):
                assert_allclose(rm.gmean(own, metric=metric), np.eye(4), atol=1e-6)
        assert_allclose(
            rm.recenter(x, reference=rm.gmean(x[:4], metric=metric))[:4], y[:4], rtol=1e-9, atol=1e-9
        )

    def test_alignment(self):
        x = windows(6, 4, 500) - 40
        y = rm.align(x, np.repeat([1, 2], 3))
        for own in (y[:3], y[3:]):
            assert_allclose((own @ own.swapaxes(1, 2) / 500).mean(axis=0), np.eye(4), atol=1e-10)
        reference = (x[:3] @ x[:3].swapaxes(1, 2) / 500).mean(axis=0)
        assert_allclose(rm.align(x[:3], reference=reference), y[:3], rtol=1e-9, atol=1e-9)

    def test_scikit_learn(self):
        from sklearn.base import clone
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline

        rng = np.random.default_rng(0)
        y = np.arange(40) % 2
        x = rng.standard_normal((40, 3, 200)) * np.where(y, 1.0, 1.8)[:, None, None]
        for pipe in (
            make_pipeline(rm.Covariances("oas"), rm.TangentSpace(), LogisticRegression()),
            make_pipeline(rm.Covariances("oas"), rm.MDM()),
            make_pipeline(rm.Covariances("lwf"), rm.Whitening(), rm.FgMDM()),
        ):
            assert cross_val_score(clone(pipe), x, y).mean() > 0.9

    def test_a_new_mean_is_seen(self):
        """MDM keeps the roots of its means, not those of earlier ones."""
        x, y = classes()
        mdm = rm.MDM().fit(x, y)
        mdm.predict(x)
        d = mdm.transform(x)
        mdm.covmeans_ = 2 * mdm.covmeans_
        assert not np.allclose(mdm.transform(x), d)


RANK_DEFICIENT = np.ones((3, 3)) + np.diag([1.0, 0, 0])


class TestBadInput:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: rm.logm(RANK_DEFICIENT), "C must be positive definite.*estimator="),
            (lambda: rm.invsqrtm(np.array([np.eye(3), RANK_DEFICIENT])), r"C\[1\] must be positive definite"),
            (lambda: rm.tangent_space(RANK_DEFICIENT, np.eye(3)), "X must be positive definite"),
            (lambda: rm.tangent_space(np.eye(3), RANK_DEFICIENT), "C must be positive definite"),
            (lambda: rm.distance_riemann(np.eye(3), -np.eye(3)), "C must be positive definite"),
            (lambda: rm.distance_logdet(np.eye(3), -np.eye(3)), "C must be positive definite"),
            (lambda: rm.sqrtm(np.diag([1.0, -1.0])), "C must be positive definite.*from -1 to 1"),
            (lambda: rm.logm(np.diag([1.0, np.nan])), "C must be finite, got 1 NaN"),
            (lambda: rm.logm([np.eye(2), np.diag([np.inf, 1])]), r"C\[1\] must be finite"),
            (
                lambda: rm.logm([[1.0, 0.5], [0.0, 1.0]]),
                "C must be symmetric, but opposite elements differ by up to 0.5",
            ),
            (lambda: rm.logm(np.ones((2, 3))), "square matrices"),
            (lambda: rm.logm([["a"]]), "C must hold numbers"),
            (lambda: rm.expm(np.diag([1.0, 1000.0])), "at most 700 for an exponential, got 1e.03"),
            (lambda: rm.powm(np.eye(2), np.nan), "alpha must be a finite number"),
            (lambda: rm.distance(np.eye(2), np.eye(3)), "B must be one matrix of the size"),
            (lambda: rm.distance(np.eye(2), np.eye(2), "rieman"), "did you mean 'riemann'"),
            (lambda: rm.gmean(np.eye(2)), "at least one matrix"),
            (lambda: rm.gmean([np.eye(2)], sample_weight=[1, 2]), "one weight per matrix"),
            (lambda: rm.gmean([np.eye(2)], sample_weight=[-1.0]), "not negative"),
            (lambda: rm.gmean([np.eye(2), RANK_DEFICIENT[:2, :2] * 0]), "positive definite"),
            (lambda: rm.unupper(np.zeros(4)), r"n \(n \+ 1\) / 2 columns"),
            (lambda: rm.tangent_space(np.eye(2), np.array([np.eye(2)] * 2)), "B|Cref must be one matrix"),
            (lambda: rm.covariances(np.full((2, 3, 9), np.nan)), r"X\[0\] must be finite, got 27 NaN"),
            (lambda: rm.covariances(np.full((3, 9), 1e300) * np.arange(9)), "squares overflow"),
            (lambda: rm.covariances(np.zeros((3, 9)), "ogk"), "estimator must be one of"),
            (lambda: rm.covariances(np.zeros((3, 1)), "cov"), "at least 2 samples"),
            (
                lambda: rm.covariances(np.zeros((3, 9)), "shrunk", shrinkage=2),
                "shrinkage must be a number in",
            ),
            (lambda: rm.covariances(np.zeros((3, 9)), "corr", assume_centered=True), "no meaning"),
            (lambda: rm.covariances(np.zeros((3, 9)), threads=0), "threads must be"),
            (lambda: rm.covariances(np.zeros(9)), "n_channels, n_times"),
            (lambda: rm.cross_spectrum(np.zeros((3, 9))), "window must be a whole number of 2 to 9"),
            (lambda: rm.cross_spectrum(np.zeros((3, 200)), fmin=3), "need fs"),
            (lambda: rm.cross_spectrum(np.zeros((3, 200)), fs=100, fmax=80), "at most fs/2"),
            (lambda: rm.recenter(np.ones((2, 3, 3)), ["a"]), "groups must name the group"),
            (lambda: rm.recenter([np.eye(2)], ["a"], reference=np.eye(2)), "leave one of them out"),
            (lambda: rm.align(np.ones((2, 3))), "n_trials, n_channels, n_times"),
            (lambda: rm.MDM().fit([np.eye(2)], ["a"]), "at least two classes"),
            (lambda: rm.MDM("rieman").fit([np.eye(2)] * 2, ["a", "b"]), "did you mean"),
            (lambda: rm.MDM({"mean": "riemann"}).fit([np.eye(2)] * 2, ["a", "b"]), "must have the keys"),
        ],
    )
    def test_is_refused_in_one_sentence(self, call, message):
        with pytest.raises((TypeError, ValueError), match=message):
            call()

    def test_the_matrix_that_is_wrong_spoils_no_other(self):
        x = spd(9, 5)
        good = x.copy()
        x[4, 2, 2] = np.nan
        kernel = core.spectral_map if core else reference.spectral_map
        got, faults = kernel("function", "log", 0.0, 0.0, x, None, 1)
        assert faults.tolist() == [0] * 4 + [1] + [0] * 4
        expected, _ = kernel("function", "log", 0.0, 0.0, good, None, 1)
        assert_array_equal(np.delete(got, 4, 0), np.delete(expected, 4, 0))
        assert np.isnan(got[4]).all()

    def test_means_warn_where_they_do_not_converge(self):
        for mean in (rm.mean_riemann, rm.mean_wasserstein):
            with pytest.warns(UserWarning, match="did not converge in 1 step"):
                mean(spd(5, 4), maxiter=1)

    def test_input_is_left_alone(self):
        x = spd(9, 5)
        before = x.copy()
        rm.logm(x), rm.tangent_space(x, x[0]), rm.gmean(x), rm.recenter(x), rm.distance(x, x[0])
        assert_array_equal(x, before)


def test_no_matrices_are_no_matter():
    assert rm.logm(np.empty((0, 3, 3))).shape == (0, 3, 3)
    assert rm.covariances(np.empty((0, 3, 10))).shape == (0, 3, 3)
    assert rm.tangent_space(np.empty((0, 3, 3)), np.eye(3)).shape == (0, 6)


def test_the_module_lists_its_names():
    assert set(rm.__all__) <= {*dir(rm), "Covariances", "TangentSpace", "MDM", "FGDA", "FgMDM", "Whitening"}
    assert fe.riemann is rm
    for name in rm.__all__:
        assert getattr(rm, name).__doc__
