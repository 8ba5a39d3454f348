"""pyRiemann and nilearn on our kernels: the same numbers, and what falls through."""

import numpy as np
import pytest
from signal_cases import needs_core

import fastemo as fe

pytestmark = needs_core
RNG = np.random.default_rng(0)


class TestPyriemann:
    X = RNG.standard_normal((9, 6, 80)) @ np.diag(1 + np.arange(80) % 5)
    C = fe.riemann.covariances(X, "oas")

    def both(self, path, *args, hit=True, tolerance=1e-10, **kwargs):
        module = pytest.importorskip(f"pyriemann.geometry.{path.rpartition('.')[0]}")
        name = path.rpartition(".")[2]
        expected = getattr(module, name)(*args, **kwargs)
        with fe.accelerate("pyriemann") as acceleration:
            got = getattr(module, name)(*args, **kwargs)
        assert acceleration.counts()[f"pyriemann.geometry.{path}"] == ((1, 0, 0) if hit else (0, 1, 0))
        assert type(got) is type(expected)
        assert np.shape(got) == np.shape(expected)
        np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what theirs calls
    @pytest.mark.parametrize("estimator", ["cov", "scm", "corr", "lwf", "oas", "sch"])
    def test_covariances(self, estimator):
        self.both("covariance.covariances", self.X, estimator)
        self.both("covariance.covariances", self.X[0], estimator=estimator)

    @pytest.mark.filterwarnings("ignore:Convergence not reached")
    def test_covariances_left_to_theirs(self):
        self.both("covariance.covariances", self.X, assume_centered=True, estimator="scm")
        self.both("covariance.covariances", self.X * 1j, "scm", hit=False)
        self.both("covariance.covariances", self.X, "hub", hit=False)
        self.both("covariance.covariances", self.X, "scm", weights=np.full(80, 1 / 80), hit=False)

    @pytest.mark.parametrize("metric", ["riemann", "logeuclid"])
    def test_means(self, metric):
        self.both("mean.gmean", self.C, metric=metric)
        self.both("mean.gmean", self.C, metric=metric, sample_weight=1.0 + np.arange(9))

    def test_mean_from_elsewhere_and_loosely(self):
        self.both("mean.mean_riemann", self.C, init=np.eye(6), tol=1e-3)
        self.both("mean.gmean", self.C, metric="harmonic", hit=False)
        self.both("mean.gmean", self.C.astype(np.float32), hit=False, tolerance=1e-5)

    def test_a_mean_that_does_not_converge_warns_as_theirs(self):
        module = pytest.importorskip("pyriemann.geometry.mean")
        with (
            fe.accelerate("pyriemann") as acceleration,
            pytest.warns(UserWarning, match="not reached") as seen,
        ):
            module.mean_riemann(self.C, maxiter=2)
        assert len(seen) == 1
        assert acceleration.counts()["pyriemann.geometry.mean.mean_riemann"] == (0, 1, 0)

    @pytest.mark.parametrize("metric", ["riemann", "logeuclid", "wasserstein"])
    def test_distances(self, metric):
        a, b = self.C, self.C[::-1] + 0.1 * np.eye(6)
        self.both("distance.distance", a, b, metric, tolerance=1e-7)
        self.both("distance.distance", a, b[2], metric, squared=True, tolerance=1e-7)
        self.both("distance.distance", a[0], b[0], metric=metric, tolerance=1e-7)
        self.both(f"distance.distance_{metric}", a, b, tolerance=1e-7)

    def test_pairwise_distances(self):
        self.both("distance.pairwise_distance", self.C)
        self.both(
            "distance.pairwise_distance", self.C, self.C[:3], metric="logeuclid", squared=True, tolerance=1e-9
        )
        self.both("distance.pairwise_distance", self.C, metric="kullback", hit=False)

    @pytest.mark.parametrize("metric", ["riemann", "logeuclid", "wasserstein"])
    def test_tangent_space(self, metric):
        self.both("tangentspace.tangent_space", self.C, self.C[0] + np.eye(6), metric=metric)
        self.both("tangentspace.log_map", self.C[1], self.C[0], metric=metric)

    @pytest.mark.parametrize("name", ["sqrtm", "invsqrtm", "logm", "expm"])
    def test_functions_of_matrices(self, name):
        self.both(f"base.{name}", self.C / 10)
        self.both(f"base.{name}", self.C.astype(np.complex128), hit=False)

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what theirs calls
    @pytest.mark.parametrize("metric", ["riemann", "logeuclid", "wasserstein"])
    def test_back_from_the_tangent_space_and_along_it(self, metric):
        at, x = self.C[0] + np.eye(6), 0.1 * (self.C - self.C.mean(axis=0))
        ours = metric != "wasserstein"
        self.both("tangentspace.exp_map", x, at, metric=metric, hit=ours)
        self.both(
            "tangentspace.untangent_space", x[(slice(None), *np.triu_indices(6))], at, metric=metric, hit=ours
        )
        self.both("tangentspace.exp_map", x[0], at, metric="euclid", hit=False)
        a, b = np.concatenate([self.C] * 2), np.concatenate([self.C[::-1]] * 2)
        self.both("geodesic.geodesic", a, b, 0.3, metric=metric)
        self.both(f"geodesic.geodesic_{metric}", a[1], b[3], 0.7, hit=ours)
        self.both("geodesic.geodesic", self.C[1], self.C[3], 0.7, metric="euclid", hit=False)
        self.both(
            "geodesic.geodesic", self.C[1:3], self.C[3:5], np.array([0.2, 0.7]), metric=metric, hit=False
        )

    def test_powers(self):
        self.both("base.powm", self.C, 0.3)
        self.both("base.powm", self.C[0], -1)
        self.both("base.powm", self.C.astype(np.complex128), 0.3, hit=False)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_what_ours_refuses_is_theirs(self):
        module = pytest.importorskip("pyriemann.geometry.base")
        flat = np.diag([1.0, 0.0])
        with fe.accelerate("pyriemann") as acceleration:
            found = module.logm(flat)
        np.testing.assert_array_equal(found, module.logm(flat))
        assert acceleration.counts()["pyriemann.geometry.base.logm"] == (0, 1, 0)

    def test_estimators(self):
        classification = pytest.importorskip("pyriemann.classification")
        estimation = pytest.importorskip("pyriemann.estimation")
        tangentspace = pytest.importorskip("pyriemann.tangentspace")
        y = np.arange(9) % 3

        def run():
            c = estimation.Covariances("oas").fit_transform(self.X)
            return (
                classification.MDM().fit(c, y).transform(c),
                tangentspace.TangentSpace().fit_transform(c),
            )

        expected = run()
        with fe.accelerate("pyriemann") as acceleration:
            got = run()
        for a, b in zip(expected, got):
            np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-9)
        done = {path.rpartition(".")[2] for path, counts in acceleration.counts().items() if counts.hits}
        assert done == {"covariances", "gmean", "distance", "tangent_space"}
        assert not any(counts.fallbacks for counts in acceleration.counts().values())


class TestNilearn:
    def both(self, path, *args, hit=True, tolerance=1e-12, **kwargs):
        module, _, name = path.rpartition(".")
        holder = pytest.importorskip(module)
        expected = getattr(holder, name)(*args, **kwargs)
        with fe.accelerate("nilearn") as acceleration:
            got = getattr(holder, name)(*args, **kwargs)
        assert acceleration.counts()[path] == ((1, 0, 0) if hit else (0, 1, 0))
        return expected, got

    def image(self, dtype=np.float32, n=7):
        nibabel = pytest.importorskip("nibabel")
        return nibabel.Nifti1Image(RNG.standard_normal((6, 5, 4, n)).astype(dtype), np.eye(4))

    def atlas(self):
        nibabel = pytest.importorskip("nibabel")
        labels = np.zeros((6, 5, 4), np.int32)
        labels[1:5, 1:4] = RNG.integers(2, 9, (4, 3, 4))
        return nibabel.Nifti1Image(labels, np.eye(4))

    @pytest.mark.parametrize("options", [{}, {"order": "C"}, {"background_label": 3}])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_means_of_labels(self, dtype, options):
        path = "nilearn.regions.img_to_signals_labels"
        expected, got = self.both(path, self.image(dtype), self.atlas(), **options)
        assert got[0].dtype == expected[0].dtype
        assert got[0].flags.f_contiguous == expected[0].flags.f_contiguous
        np.testing.assert_allclose(got[0], expected[0], rtol=0, atol=1e-6 if dtype == np.float32 else 1e-14)
        assert got[1] == expected[1]
        np.testing.assert_array_equal(got[2].get_fdata(), expected[2].get_fdata())

    def test_labels_left_to_theirs(self):
        path = "nilearn.regions.img_to_signals_labels"
        for image, options in ((self.image(), {"strategy": "maximum"}), (self.image(n=1), {})):
            expected, got = self.both(path, image, self.atlas(), hit=False, **options)
            np.testing.assert_array_equal(got[0], expected[0])

    def test_a_masker(self):
        maskers = pytest.importorskip("nilearn.maskers")
        image, atlas = self.image(), self.atlas()
        expected = maskers.NiftiLabelsMasker(atlas, standardize=None).fit_transform(image)
        with fe.accelerate("nilearn") as acceleration:
            got = maskers.NiftiLabelsMasker(atlas, standardize=None).fit_transform(image)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)
        assert acceleration.counts()["nilearn.regions.img_to_signals_labels"] == (1, 0, 0)

    @pytest.mark.parametrize("limits", [(0.1, None), (None, 0.02), (0.1, 0.02)])
    @pytest.mark.parametrize("copy", [True, False])
    def test_butterworth(self, limits, copy):
        signals = pytest.importorskip("nilearn.signal")
        x = RNG.standard_normal((120, 9))
        expected = signals.butterworth(x.copy(), 0.5, *limits, copy=copy)
        given = x.copy()
        with fe.accelerate("nilearn") as acceleration:
            got = signals.butterworth(given, 0.5, *limits, copy=copy)
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(given, x if copy else expected)
        assert acceleration.counts()["nilearn.signal.butterworth"] == (1, 0, 0)

    def test_cleaning(self):
        signals = pytest.importorskip("nilearn.signal")
        x = RNG.standard_normal((120, 9))
        options = {"t_r": 2, "low_pass": 0.1, "high_pass": 0.01, "standardize": "zscore_sample"}
        expected = signals.clean(x, **options)
        with fe.accelerate("nilearn") as acceleration:
            got = signals.clean(x, **options)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
        assert acceleration.counts()["nilearn.signal.butterworth"].hits == 1

    def test_unusual_limits_warn_as_theirs(self):
        signals = pytest.importorskip("nilearn.signal")
        x = RNG.standard_normal((120, 9))
        with fe.accelerate("nilearn") as acceleration, pytest.warns(UserWarning, match="frequency") as seen:
            signals.butterworth(x, 0.5, low_pass=0.3, copy=True)
        assert len(seen) == 1
        assert acceleration.counts()["nilearn.signal.butterworth"] == (0, 1, 0)

    def test_tangent_of_connectivity(self):
        connectome = pytest.importorskip("nilearn.connectome")
        x = [RNG.standard_normal((60, 7)) * (1 + i) for i in range(5)]

        def run():
            return connectome.ConnectivityMeasure(kind="tangent", standardize=False).fit_transform(x)

        expected = run()
        with fe.accelerate("nilearn") as acceleration:
            got = run()
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)
        path = "nilearn.connectome.connectivity_matrices._geometric_mean"
        assert acceleration.counts()[path] == (1, 0, 0)

    def test_errors_of_the_mean_are_theirs(self):
        module = pytest.importorskip("nilearn.connectome.connectivity_matrices")
        with fe.accelerate("nilearn"), pytest.raises(ValueError, match="positive definite"):
            module._geometric_mean([np.diag([1.0, -1.0])] * 2)
