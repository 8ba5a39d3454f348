"""Robust and complex covariances, and the estimators of fastemo.riemann as scikit-learn and pyRiemann use them."""

import pickle

import numpy as np
import pytest
from matrices import hpd, spd, windows
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from fastemo import riemann as rm


def spoilt(seed=0):
    """Windows with some samples a hundred times too large."""
    x = windows().copy()
    x[..., ::40] *= 100
    return x


def complex_windows():
    x = windows()
    return x + 1j * np.roll(x, 3, axis=-1)[..., ::-1]


def two_classes(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3, 200))
    y = np.arange(n) % 2
    x[y == 1, 1] += 0.8 * x[y == 1, 0]
    return x, np.array(["calm", "joy"])[y]


# Huber's may need more than the 50 steps of both; deprecated is what pyRiemann calls itself.
BOTH = ["ignore:.*onverge:UserWarning", "ignore::DeprecationWarning"]


def like_theirs(test):
    for warning in BOTH:
        test = pytest.mark.filterwarnings(warning)(test)
    return test


class TestRobust:
    @like_theirs
    @pytest.mark.parametrize("estimator", ["hub", "stu", "tyl", "mcd", "sch"])
    def test_is_pyriemanns(self, estimator):
        pytest.importorskip("pyriemann", minversion="0.12")
        from pyriemann.geometry.covariance import covariances

        options = {"random_state": 0} if estimator == "mcd" else {}
        x = spoilt()
        expected = np.stack([covariances(one, estimator, **options) for one in x])
        assert_allclose(rm.covariances(x, estimator, **options), expected, rtol=1e-7, atol=1e-9)

    @like_theirs
    @pytest.mark.parametrize("estimator", ["cov", "scm", "corr", "lwf", "oas", "hub", "stu", "tyl"])
    def test_complex_is_pyriemanns(self, estimator):
        pytest.importorskip("pyriemann", minversion="0.12")
        from pyriemann.geometry.covariance import covariances

        z = complex_windows()
        expected = np.stack([covariances(one, estimator) for one in z])
        got = rm.covariances(z, estimator)
        assert_allclose(got, expected, rtol=1e-7, atol=1e-8)
        assert_allclose(got, got.conj().swapaxes(-1, -2), rtol=1e-12)

    @like_theirs
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("hub", {"q": 0.7}), ("stu", {"nu": 2}), ("tyl", {"norm": "determinant"}), ("hub", {"tol": 1e-8}),
            ("stu", {"assume_centered": True}),
        ],
    )  # fmt: skip
    def test_options_are_pyriemanns(self, name, options):
        pytest.importorskip("pyriemann", minversion="0.12")
        from pyriemann.geometry.covariance import covariance_mest

        x = spoilt()[0]
        assert_allclose(
            rm.covariance_mest(x, name, **options), covariance_mest(x, name, **options), rtol=1e-7
        )

    @pytest.mark.parametrize("estimator", ["hub", "stu", "tyl", "mcd"])
    def test_spikes_hardly_matter(self, estimator):
        x = np.random.default_rng(1).standard_normal((3, 2000))
        bad = x.copy()
        bad[:, ::200] += 50
        options = {"random_state": 0} if estimator == "mcd" else {}
        clean, found = (rm.covariances(one, estimator, **options) for one in (x, bad))
        assert np.abs(found - clean).max() < 0.25
        assert np.abs(rm.covariances(bad, "scm") - rm.covariances(x, "scm")).max() > 10

    @like_theirs
    def test_weights_of_samples(self):
        x = windows()
        w = np.random.default_rng(0).random(x.shape[-1])
        expected = np.stack([np.cov(one, aweights=w, ddof=0) for one in x])
        assert_allclose(rm.covariances(x, "scm", weights=w), expected, rtol=1e-9)
        assert_allclose(
            rm.covariances(x, "scm", weights=np.full(len(w), 3)), rm.covariances(x, "scm"), rtol=1e-9
        )
        pytest.importorskip("pyriemann", minversion="0.12")
        from pyriemann.geometry.covariance import covariance_scm

        z = complex_windows()
        assert_allclose(
            rm.covariances(z, "scm", weights=w), covariance_scm(z, weights=w), rtol=1e-9, atol=1e-12
        )

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda x: rm.covariances(np.repeat(x[:, :1], 2, axis=1), "hub"), ValueError, "too low a rank for 'hub'"),
            (lambda x: rm.covariances(x[..., :2], "tyl"), ValueError, "too low a rank"),
            (lambda x: rm.covariances(np.where(x > 2, np.nan, x), "stu"), ValueError, "finite"),
            (lambda x: rm.covariances(np.where(x > 2, np.nan, x), "mcd"), ValueError, "finite"),
            (lambda x: rm.covariances(1j * np.where(x > 2, np.nan, x)), ValueError, "finite"),
            (lambda x: rm.covariances(x, "hub", q=1.5), ValueError, "q must be"),
            (lambda x: rm.covariances(x, "stu", nu=0), ValueError, "nu must be"),
            (lambda x: rm.covariances(x, "tyl", norm="max"), ValueError, "norm must be"),
            (lambda x: rm.covariances(x, "hub", init=np.eye(2)), ValueError, "init must have shape"),
            (lambda x: rm.covariances(x, "hub", n_iter_max=0), ValueError, "n_iter_max"),
            (lambda x: rm.covariances(x, "oas", q=0.5), TypeError, "q=, which 'oas' does not take"),
            (lambda x: rm.covariances(x, "oas", weights=np.ones(3)), ValueError, "weights have no meaning"),
            (lambda x: rm.covariances(x, "scm", weights=np.ones(3)), ValueError, "one per sample"),
        ],
    )  # fmt: skip
    def test_bad_input_in_one_sentence(self, call, error, message):
        with pytest.raises(error, match=message):
            call(windows())

    def test_steps_that_do_not_suffice_are_told(self):
        with pytest.warns(UserWarning, match="did not converge in 1 steps"):
            rm.covariance_mest(spoilt()[0], "hub", tol=0, n_iter_max=1)


class TestByHand:
    """pyRiemann's users set what an estimator would have learnt."""

    @pytest.mark.parametrize("make", [spd, hpd])
    @pytest.mark.parametrize("metric", ["riemann", "logeuclid", "euclid"])
    def test_a_reference(self, make, metric):
        c = make(8, 4)
        by_hand, fitted = rm.TangentSpace(metric), rm.TangentSpace(metric).fit(c)
        by_hand.reference_ = fitted.reference_
        assert_array_equal(by_hand.transform(c), fitted.transform(c))
        assert_allclose(by_hand.inverse_transform(by_hand.transform(c)), c, rtol=1e-7, atol=1e-8)
        fitted.reference_ = np.eye(4)
        assert_allclose(
            fitted.transform(c), rm.tangent_space(c, np.eye(4), metric=metric), rtol=1e-9, atol=1e-9
        )

    @pytest.mark.parametrize("make", [spd, hpd])
    def test_class_means(self, make):
        c, y = make(12, 3), np.arange(12) % 2
        fitted, by_hand = rm.MDM().fit(c, y), rm.MDM()
        by_hand.covmeans_, by_hand.classes_ = fitted.covmeans_, np.array(["calm", "joy"])
        assert_array_equal(by_hand.transform(c), fitted.transform(c))
        assert by_hand.predict(c).tolist() == np.array(["calm", "joy"])[fitted.predict(c)].tolist()
        assert_array_equal(by_hand.predict_proba(c), fitted.predict_proba(c))
        white = rm.Whitening()
        white.reference_ = np.eye(3)
        assert_allclose(white.transform(c), c)


ESTIMATORS = [
    rm.Covariances("oas"), rm.TangentSpace("logeuclid"), rm.MDM(), rm.FGDA(), rm.FgMDM(), rm.Whitening("riemann"),
]  # fmt: skip


class TestScikitLearn:
    @pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
    def test_parameters_clones_and_pickles(self, estimator):
        x, y = two_classes()
        given = x if isinstance(estimator, rm.Covariances) else rm.covariances(x)
        again = clone(estimator)
        assert again.get_params() == estimator.get_params()
        assert again is not estimator
        again.set_params(threads=2)
        assert again.threads == 2
        assert again.fit(given, y) is again
        method = "predict_proba" if hasattr(again, "predict_proba") else "transform"
        found = getattr(again, method)(given)
        assert_array_equal(getattr(pickle.loads(pickle.dumps(again)), method)(given), found)
        assert not [name for name in vars(clone(again)) if name.endswith("_")]

    @pytest.mark.parametrize("estimator", ESTIMATORS[1:], ids=lambda e: type(e).__name__)
    def test_what_is_not_fitted_says_so(self, estimator):
        from sklearn.exceptions import NotFittedError

        with pytest.raises(NotFittedError):
            clone(estimator).transform(spd(3, 3))

    @pytest.mark.parametrize(
        "steps",
        [
            [rm.MDM()], [rm.FgMDM()], [rm.TangentSpace(), LogisticRegression()],
            [rm.Whitening("riemann"), rm.FGDA(), rm.TangentSpace(), LogisticRegression()],
        ],
        ids=["MDM", "FgMDM", "TangentSpace", "FGDA"],
    )  # fmt: skip
    def test_pipelines_are_cross_validated(self, steps):
        x, y = two_classes()
        pipe = make_pipeline(rm.Covariances("oas"), *map(clone, steps))
        assert cross_val_score(pipe, x, y, cv=4).mean() > 0.9
        pipe.fit(x, y)
        assert pipe.classes_.tolist() == ["calm", "joy"]
        assert_allclose(pipe.predict_proba(x).sum(axis=1), 1)
        search = GridSearchCV(pipe, {"covariances__estimator": ["scm", "lwf"]}, cv=3).fit(x, y)
        assert search.best_score_ > 0.9

    def test_weights_of_matrices(self):
        """A matrix of weight two is one that is there twice."""
        c, y = spd(10, 3), np.arange(10) % 2
        w = 1.0 + np.arange(10) % 3
        often = np.repeat(np.arange(10), w.astype(int))
        for estimator in (rm.TangentSpace(), rm.MDM(), rm.Whitening("riemann")):
            a = clone(estimator).fit(c, y, sample_weight=w).transform(c)
            b = clone(estimator).fit(c[often], y[often]).transform(c)
            assert_allclose(a, b, rtol=1e-6, atol=1e-7)

    @pytest.mark.parametrize("estimator", ESTIMATORS[1:], ids=lambda e: type(e).__name__)
    def test_matrices_without_full_rank_are_refused_by_number(self, estimator):
        c, y = spd(6, 3), np.arange(6) % 2
        c[4] = np.ones((3, 3))
        with pytest.raises(ValueError, match=r"X\[4\].*(full rank|positive)|4"):
            clone(estimator).set_params(metric="riemann").fit(c, y)
        c[4] = np.diag([1.0, 1.0, -1.0])
        with pytest.raises(ValueError, match=r"positive|rank"):
            clone(estimator).set_params(metric="riemann").fit(c, y)
