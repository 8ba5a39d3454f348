"""The compiled parts of fastemo.riemann are what their reference says."""

import numpy as np
import pytest
from matrices import ESTIMATORS, SIZES, native, spd, windows
from numpy.testing import assert_allclose, assert_array_equal

from fastemo import riemann as rm
from fastemo._backend import core
from fastemo.reference import riemann as reference


@native
class TestKernels:
    """The compiled kernels against the reference, and against themselves."""

    @pytest.mark.parametrize("n", SIZES)
    @pytest.mark.parametrize("function", ["log", "exp", "sqrt", "inverse_sqrt", "power"])
    def test_functions(self, n, function):
        x = spd(11, n)
        x = x / np.abs(x).max() if function == "exp" else x
        got, faults = core.spectral_map("function", function, 0.3, 0.0, x, None, 1)
        expected, _ = reference.spectral_map("function", function, 0.3, 0.0, x, None, 1)
        assert not faults.any()
        # backward stable: small eigenvalues have an error relative to the largest, which 1/sqrt and log enlarge
        conditions = np.linalg.cond(x).max()
        assert_allclose(got, expected, rtol=0, atol=1e-15 * n * conditions * np.abs(expected).max())
        assert_array_equal(got, got.swapaxes(1, 2))

    @pytest.mark.parametrize("n", SIZES)
    @pytest.mark.parametrize("what", ["tangent", "distances", "values"])
    def test_under_whitenings(self, n, what):
        x, whitening = spd(10, n, spread=0.3), np.linalg.inv(spd(3, n, seed=1, spread=0.3))
        whitening = whitening[:1] if what == "tangent" else whitening
        got, _ = core.spectral_map(what, "log", 0.0, 0.0, x, whitening, 1)
        expected, _ = reference.spectral_map(what, "log", 0.0, 0.0, x, whitening, 1)
        if what == "values":
            got = np.sort(got)
        assert_allclose(got, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())

    @pytest.mark.parametrize("n", SIZES)
    def test_whitening_need_not_be_symmetric(self, n):
        rng = np.random.default_rng(n)
        x, w = spd(4, n), rng.standard_normal((n, n))
        assert_allclose(
            core.congruence(x, w, 1), w @ x @ w.T, rtol=1e-12, atol=1e-12 * np.abs(x).max() * n**2
        )

    @pytest.mark.parametrize("n", SIZES)
    @pytest.mark.parametrize("what", ["function", "tangent", "distances", "values"])
    def test_company_and_threads_change_no_bit(self, n, what):
        x, whitening = spd(21, n), rm.invsqrtm(spd(1, n, seed=1))
        arguments = what, "log", 0.0, 0.0
        together, _ = core.spectral_map(*arguments, x, whitening, 1)
        alone = [core.spectral_map(*arguments, one[None], whitening, 1)[0][0] for one in x]
        assert_array_equal(together, alone)
        assert_array_equal(together[:3], core.spectral_map(*arguments, x[:3], whitening, 1)[0])
        assert_array_equal(together, core.spectral_map(*arguments, x, whitening, 3)[0])

    @pytest.mark.parametrize("n", [5, 19, 24])
    def test_a_bad_matrix_spoils_none_of_its_company(self, n):
        x = spd(9, n)
        expected, _ = core.spectral_map("function", "log", 0.0, 0.0, x, None, 1)
        x[1, n - 1, 2], x[4, 0, n - 1], x[8] = np.nan, 1e3, -x[8]
        got, faults = core.spectral_map("function", "log", 0.0, 0.0, x, None, 1)
        assert faults.tolist() == [0, 1, 0, 0, 2, 0, 0, 0, 3]
        assert np.isnan(got[[1, 4, 8]]).all()
        assert_array_equal(got[[0, 2, 3, 5, 6, 7]], expected[[0, 2, 3, 5, 6, 7]])

    def test_hard_spectra(self):
        """Equal eigenvalues, diagonal and split matrices, graded ones, and any scale."""
        n = 12
        q = np.linalg.qr(np.random.default_rng(3).standard_normal((n, n)))[0]
        hard = [
            np.eye(n),
            np.zeros((n, n)),
            np.ones((n, n)),
            np.diag(np.arange(n) - 3.0),
            np.kron(np.eye(4), [[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]),
            (q * np.repeat([1.0, 2.0, 3.0], 4)) @ q.T,
            (q * 10.0 ** -np.arange(n)) @ q.T,
            (q * 10.0 ** -np.arange(n)[::-1]) @ q.T,
            np.diag(np.full(n, 2.0)) + np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1),
        ]
        for scale in (1e-120, 1e-12, 1.0, 1e120):
            x = np.array([(m + m.T) / 2 * scale for m in hard])
            got, faults = core.spectral_map("values", "log", 0.0, 0.0, x, None, 1)
            assert not faults.any()
            assert_allclose(np.sort(got[:, 0]), np.linalg.eigvalsh(x), rtol=0, atol=1e-14 * n * scale)

    @pytest.mark.parametrize("seed", range(20))
    def test_random_sizes(self, seed):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 50))
        x = rng.standard_normal((int(rng.integers(1, 20)), n, n)) * 10.0 ** rng.integers(-6, 6)
        x = x + x.swapaxes(1, 2)
        got, _ = core.spectral_map("values", "log", 0.0, 0.0, x, None, 1)
        assert_allclose(np.sort(got[:, 0]), np.linalg.eigvalsh(x), rtol=0, atol=1e-14 * n * np.abs(x).max())

    def test_floor(self):
        x = np.diag([1.0, 1e-20, 0.0])[None]
        got, faults = core.spectral_map("tangent", "log", 0.0, 1e-10, x, None, 1)
        assert not faults.any()
        assert_allclose(rm.unupper(got[0]), np.diag(np.log([1, 1e-10, 1e-10])), atol=1e-12)

    @pytest.mark.parametrize(
        ("n_channels", "n_times"), [(1, 1), (3, 64), (8, 65), (9, 128), (19, 500), (64, 129)]
    )
    @pytest.mark.parametrize("estimator", range(len(ESTIMATORS)), ids=ESTIMATORS)
    def test_covariance(self, estimator, n_channels, n_times):
        n_times += 3
        x = windows(3, n_channels, n_times)
        for centre in (True, False) if ESTIMATORS[estimator] in ("scm", "lwf", "oas") else (True,):
            got = core.covariance(x, estimator, 0.2, centre, 1)
            expected = reference.covariance(x, estimator, 0.2, centre, 1)
            assert_allclose(got, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
            assert_array_equal(got, got.swapaxes(1, 2))

    @pytest.mark.parametrize("estimator", ["scm", "lwf"])
    def test_layout_and_threads_change_no_bit(self, estimator):
        x = windows(7, 11, 200)
        expected = rm.covariances(x, estimator)
        assert_array_equal(rm.covariances(x, estimator, threads=3), expected)
        assert_array_equal(rm.covariances(np.asfortranarray(x), estimator), expected)
        assert_array_equal(rm.covariances(x[:, :, ::-1].copy()[:, :, ::-1], estimator), expected)
        assert_array_equal(rm.covariances(np.repeat(x, 2, axis=1)[:, ::2], estimator), expected)
        assert_array_equal(rm.covariances(x[3], estimator), expected[3])

    def test_a_large_offset_cancels_nothing(self):
        x = windows(2, 5, 1000)
        far = x + 1e9 * np.arange(1, 6)[:, None]
        # what is left is the rounding of the samples themselves
        assert_allclose(
            rm.covariances(far, "scm"),
            rm.covariances(far - far.mean(axis=-1, keepdims=True), "scm"),
            rtol=1e-6,
        )
        assert (np.linalg.eigvalsh(rm.covariances(far, "scm")) > 0).all()

    @pytest.mark.parametrize("n_times", [65, 1000, 5003])
    def test_samples_far_from_those_of_the_first_block(self, n_times):
        x = windows(1, 9, n_times)
        x[:, :, 64:] += 1e6 * np.arange(9)[:, None]
        about = x - x.mean(axis=-1, keepdims=True)
        expected = about @ about.swapaxes(1, 2) / n_times
        # n / 64 times the rounding of a sum of n at most, as kernels/scatter.hpp says
        rounding = np.finfo(float).eps * np.sqrt(n_times) * n_times / 64
        assert_allclose(rm.covariances(x, "scm"), expected, rtol=0, atol=rounding * np.abs(expected).max())

    @pytest.mark.parametrize("n_times", [64, 200, 1000])
    def test_a_flat_channel_varies_by_nothing_but_rounding(self, n_times):
        x = windows(2, 5, n_times)
        x[:, 1], x[:, 3] = 0.1, 1e5 / 3
        variances = np.diagonal(rm.covariances(x, "scm"), axis1=1, axis2=2)
        assert (variances >= 0).all()
        assert (variances[:, [1, 3]] < 1e-30 * np.array([0.1, 1e5]) ** 2 * n_times).all()

    @pytest.mark.parametrize("n_channels", [1, 3, 8, 19, 64])
    @pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
    def test_hermitian_product(self, n_channels, dtype):
        rng = np.random.default_rng(0)
        z = (rng.standard_normal((2, n_channels, 77)) + 1j * rng.standard_normal((2, n_channels, 77))).astype(
            dtype
        )
        got = rm.hermitian_product(z)
        wide = z.astype(complex)
        assert_allclose(got, wide @ wide.conj().swapaxes(1, 2), rtol=0, atol=1e-12 * 77)
        assert_array_equal(got, got.conj().swapaxes(1, 2))
        assert_array_equal(rm.hermitian_product(np.asfortranarray(z)), got)
        assert_array_equal(rm.hermitian_product(np.repeat(z, 2, axis=2)[:, :, ::2], threads=2), got)
        twice = rm.hermitian_product(z[:, [0, 0]])
        assert (twice.imag == 0).all()

    @pytest.mark.parametrize(
        "arguments",
        [
            ("function", "log", 0.0, 0.0, np.zeros((2, 3, 4)), None, 1),
            ("function", "log", 0.0, 0.0, np.zeros((3, 3)), None, 1),
            ("function", "log", 0.0, 0.0, np.zeros((2, 3, 3), np.float32), None, 1),
            ("function", "log", 0.0, 0.0, np.zeros((2, 6, 6))[:, ::2, ::2], None, 1),
            ("function", "log", 0.0, -1.0, np.zeros((2, 3, 3)), None, 1),
            ("function", "sine", 0.0, 0.0, np.zeros((2, 3, 3)), None, 1),
            ("function", "log", 0.0, 0.0, np.zeros((2, 3, 3)), np.zeros((2, 3, 3)), 1),
            ("values", "log", 0.0, 0.0, np.zeros((2, 3, 3)), np.zeros((2, 2, 2)), 1),
            ("values", "log", 0.0, 0.0, np.zeros((2, 3, 3)), np.zeros((0, 3, 3)), 1),
            ("values", "log", 0.0, 0.0, np.zeros((2, 3, 3)), None, 0),
        ],
    )
    def test_the_core_refuses_what_does_not_fit(self, arguments):
        with pytest.raises((TypeError, ValueError)):
            core.spectral_map(*arguments)
