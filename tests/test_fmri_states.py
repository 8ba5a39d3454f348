"""States of the brain over time: of phases, and hidden Markov states."""

from itertools import permutations, product

import numpy as np
import pytest

from fastemo import fmri


def agreement(found, truth):
    """The best share of equal states over all ways to name them."""
    n = truth.max() + 1
    return max(np.mean(np.array(names)[found] == truth) for names in permutations(range(n)))


def phases(rng, n=900):
    """Three patterns of lags among eight regions at 0.05 Hz, and which of them it is."""
    truth = np.arange(n) // 60 % 3
    away = np.zeros((3, 8))
    away[0, :3], away[1, 3:6], away[2, [0, 4, 7]] = np.pi, np.pi, np.pi
    x = np.cos(2 * np.pi * 0.05 * 2.0 * np.arange(n) + away[truth].T)
    return x + 0.3 * rng.standard_normal((8, n)) + 100, truth


class TestPhases:
    def test_the_eigenvector_is_that_of_the_matrix(self, rng):
        theta = rng.uniform(-np.pi, np.pi, (6, 30))
        for phase, v in zip(theta.T, fmri.leading_eigenvectors(theta), strict=True):
            coherence = np.cos(phase[:, None] - phase)
            values, vectors = np.linalg.eigh(coherence)
            assert abs(v @ vectors[:, -1]) == pytest.approx(1, abs=1e-9)
            np.testing.assert_allclose(coherence @ v, values[-1] * v, atol=1e-9)
            assert (v > 0).sum() <= 3

    def test_states_are_found_live_as_in_the_run(self, rng):
        x, truth = phases(rng)
        states = fmri.LEiDA.fit(x, 3, sfreq=0.5, band=(0.03, 0.07))
        y, _ = phases(np.random.default_rng(9))
        found = states.assign(y)
        assert (found[: states.n_settling] == -1).all()
        # A change is seen once the filter has followed.
        settled = (np.arange(900) % 60 >= 25) & (found >= 0)
        assert agreement(found[settled], truth[settled]) > 0.95
        for size in (1, 7):
            stream = states.stream()
            parts = [states.assign(y[:, i : i + size], stream) for i in range(0, 900, size)]
            np.testing.assert_array_equal(np.concatenate(parts), found)
        stream.reset()
        np.testing.assert_array_equal(states.assign(y, stream), found)
        got = states.occupancy(found)
        assert got["share"].sum() == pytest.approx(np.mean(found >= 0))

    def test_the_filter_makes_phases(self):
        t = np.arange(400) * 2.0
        x = np.cos(2 * np.pi * 0.05 * t + np.array([[0.0], [1.0]])) + 7
        got = fmri.LEiDA(np.eye(2), 0.5, (0.03, 0.07)).stream().process(x)
        apart = np.angle(np.exp(1j * (got[1] - got[0])))[150:]
        # The filter lets a little of the negative frequencies through.
        np.testing.assert_allclose(apart, 1.0, atol=0.03)

    def test_runs_are_runs(self, rng):
        x, _ = phases(rng)
        states = fmri.LEiDA.fit([x[:, :450], x[:, 450:]], 3, sfreq=0.5, band=(0.03, 0.07))
        assert repr(states) == "LEiDA(3 states of 8 regions, 0.03-0.07 Hz)"
        assert states.n_states == 3


def model(rng, k=3, n=2):
    p = rng.dirichlet(np.ones(k), k + 1)
    root = rng.normal(size=(k, n, n))
    return fmri.HMM(3 * rng.normal(size=(k, n)), root @ root.swapaxes(1, 2) + np.eye(n), p[0], p[1:])


def draw(rng, m, n):
    states = [rng.choice(m.n_states, p=m.start)]
    for _ in range(n - 1):
        states.append(rng.choice(m.n_states, p=m.transitions[states[-1]]))
    x = [rng.multivariate_normal(m.means[s], m.covariances[s]) for s in states]
    return np.array(x).T, np.array(states)


class TestHMM:
    def test_passes_are_sums_over_all_courses(self, rng):
        """Of five volumes there are 243 courses of three states."""
        m = model(rng)
        x, _ = draw(rng, m, 5)
        density = np.exp([m.log_density(frame) for frame in x.T])
        courses = list(product(range(3), repeat=5))

        def weight(course, n):
            p = m.start[course[0]] * density[0, course[0]]
            for i in range(1, n):
                p *= m.transitions[course[i - 1], course[i]] * density[i, course[i]]
            return p

        weights = np.array([weight(c, 5) for c in courses])
        assert m.log_likelihood(x) == pytest.approx(np.log(weights.sum()), rel=1e-10)
        posteriors = [[weights[[c[i] == s for c in courses]].sum() for i in range(5)] for s in range(3)]
        np.testing.assert_allclose(
            m.posteriors(x), np.array(posteriors) / weights.sum(), rtol=1e-9, atol=1e-12
        )
        assert tuple(m.viterbi(x)) == courses[weights.argmax()]
        for n in range(1, 6):
            parts = np.array([weight(c, n) for c in courses])
            expected = [parts[[c[n - 1] == s for c in courses]].sum() for s in range(3)] / parts.sum()
            np.testing.assert_allclose(m.filter(x)[:, n - 1], expected, rtol=1e-9, atol=1e-12)

    def test_densities_are_scipys(self, rng):
        from scipy.stats import multivariate_normal

        m, frame = model(rng), np.array([0.3, -2.0])
        expected = [
            multivariate_normal(a, c).logpdf(frame) for a, c in zip(m.means, m.covariances, strict=True)
        ]
        np.testing.assert_allclose(m.log_density(frame), expected, rtol=1e-10)

    def test_learns_what_made_the_runs(self, rng):
        stay = np.full((3, 3), 0.02) + 0.94 * np.eye(3)
        truth = fmri.HMM(
            np.array([[2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 0, 0]]),
            np.stack([np.eye(4), np.eye(4), np.eye(4) + 0.8 * (1 - np.eye(4))]), np.full(3, 1 / 3), stay,
        )  # fmt: skip
        runs = [draw(rng, truth, 400)[0] for _ in range(4)]
        found = fmri.HMM.fit(runs, 3)
        unseen, of_unseen = draw(rng, truth, 600)
        best = agreement(truth.viterbi(unseen), of_unseen)
        assert agreement(found.viterbi(unseen), of_unseen) > best - 0.03
        assert agreement(found.assign(unseen), of_unseen) > 0.8
        # Looking ahead helps.
        assert agreement(found.posteriors(unseen).argmax(axis=0), of_unseen) > agreement(
            found.assign(unseen), of_unseen
        )
        np.testing.assert_allclose(np.diag(found.transitions), 0.96, atol=0.03)
        got = found.occupancy(found.viterbi(unseen))
        np.testing.assert_allclose(got["dwell"], 25, rtol=0.6)
        np.testing.assert_allclose(got["probabilities"].sum(axis=1), 1)

    def test_the_likelihood_rises(self, rng):
        m = model(rng, n=4)
        x, _ = draw(rng, m, 300)
        options = {"tol": 0.0, "shrinkage": 0.0}
        found = [fmri.HMM.fit(x, 3, n_iter=n, **options).log_likelihood(x) for n in (1, 3, 10, 30)]
        assert (np.diff(found) > -1e-3).all()
        assert found[-1] > m.log_likelihood(x) - 5

    @pytest.mark.parametrize("size", [1, 7, 100])
    def test_chunks_do_not_matter(self, rng, size):
        m = model(rng)
        x, _ = draw(rng, m, 100)
        stream = m.stream()
        parts = [stream.process(x[:, i : i + size]) for i in range(0, 100, size)]
        assert np.hstack(parts).tobytes() == m.filter(x).tobytes()
        stream.reset()
        assert stream.process(x[:, :1]).tobytes() == m.filter(x)[:, :1].tobytes()

    def test_an_outlier_is_no_end(self, rng):
        m = model(rng)
        x, _ = draw(rng, m, 50)
        x[:, 20] = 1e6
        assert np.isfinite(m.filter(x)).all()
        assert np.isfinite(m.posteriors(x)).all()
        impossible = fmri.HMM(np.array([[0.0], [100.0]]), np.ones((2, 1, 1)), np.array([1.0, 0]), np.eye(2))
        assert impossible.filter(np.array([[0.0, 100, 100]]))[1, -1] == 1

    def test_diagonal_states(self, rng):
        x = rng.normal(size=(3, 200)) + 3 * (np.arange(200) // 20 % 2)
        found = fmri.HMM.fit(x, 2, covariance="diag")
        assert all((c == np.diag(np.diag(c))).all() for c in found.covariances)
        assert agreement(found.viterbi(x), np.arange(200) // 20 % 2) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: fmri.HMM.fit(x, 0), "n_states must be"),
        (lambda x: fmri.HMM.fit(x[:, :6], 2), "6 volumes are too few for 2 states"),
        (lambda x: fmri.HMM.fit(np.vstack([x, np.ones(80)]), 2), "stand still"),
        (lambda x: fmri.HMM.fit(x, 2, covariance="tied"), "covariance must be one of"),
        (lambda x: fmri.HMM.fit(x, 2, shrinkage=2), "shrinkage must be"),
        (lambda x: fmri.HMM.fit([x, x[:2]], 2), "same regions"),
        (lambda x: fmri.HMM.fit(np.where(x > 2, np.nan, x), 2), "finite"),
        (lambda x: fmri.HMM.fit(x, 2).stream().process(x[:2]), "3 rows"),
        (lambda x: fmri.HMM(np.zeros((2, 1)), np.zeros((2, 1, 1)), np.ones(2) / 2, np.eye(2)), "positive definite"),
        (lambda x: fmri.HMM(np.zeros((2, 1)), np.ones((2, 1, 1)), np.ones(2), np.eye(2)), "sum to 1"),
        (lambda x: fmri.HMM(np.zeros((2, 1)), np.ones((2, 1)), np.ones(2) / 2, np.eye(2)), "covariances must have"),
        (lambda x: fmri.LEiDA.fit(x[:, :20], 4, sfreq=0.5), "too few for 4 states"),
        (lambda x: fmri.LEiDA.fit(x, 2, sfreq=0.5, band=(0.1, 0.3)), "Nyquist"),
        (lambda x: fmri.LEiDA.fit(x, 2, sfreq=0), "sfreq must be"),
        (lambda x: fmri.state_occupancy([0, 2], 2), "-1 to 1"),
        (lambda x: fmri.state_occupancy([0.5], 2), "whole numbers"),
    ],
)  # fmt: skip
def test_bad_input_in_one_sentence(make, message):
    x = np.random.default_rng(0).normal(size=(3, 80))
    with pytest.raises(ValueError, match=message):
        make(x)
