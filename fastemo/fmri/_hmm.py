"""Hidden Markov states with Gaussian emissions: trained on runs, followed live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.fmri._dynamic import _count, _series
from fastemo.fmri._states import largest_first, runs_of, state_occupancy

__all__ = ["HMM", "HMMStream"]


class HMMStream:
    """The forward pass, volume by volume. Made by `HMM.stream`."""

    def __init__(self, model: HMM) -> None:
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Begin a new run."""
        self._before: np.ndarray | None = None
        self.log_likelihood = 0.0

    def process(self, chunk: Any) -> np.ndarray:
        """Probability of each state given all volumes so far, shape (n_states, n_samples)."""
        model = self._model
        x = _series(chunk, model.means.shape[1])
        out = np.empty((model.n_states, x.shape[1]))
        for i, frame in enumerate(x.T):
            out[:, i] = self._step(model.log_density(frame))
        return out

    def _step(self, log: np.ndarray) -> np.ndarray:
        """The next volume, of which the log densities (n_states,) are known."""
        prior = self._model.start if self._before is None else self._before @ self._model.transitions
        top = log.max()
        density = np.exp(log - top)
        joint = prior * density
        # Where all that is likely is impossible by the prior, the newest volume alone says.
        if not joint.any():
            joint = density
        total = joint.sum()
        self.log_likelihood += float(top + np.log(total))
        self._before = joint / total
        return self._before


@dataclass(frozen=True, eq=False, repr=False)
class HMM:
    """Hidden Markov model with Gaussian emissions: brain states that follow one another. Made by `fit`.

    Rabiner 1989, doi:10.1109/5.18626; for fMRI Vidaurre et al. 2017, doi:10.1073/pnas.1705120114. Live, `stream()` is the
    exact forward pass; afterwards, `posteriors` (forward and backward) and `viterbi` look ahead too.

    Parameters
    ----------
    means : ndarray, shape (n_states, n_regions)
        In the order of how many volumes the states have.
    covariances : ndarray, shape (n_states, n_regions, n_regions)
    start : ndarray, shape (n_states,)
        Probabilities of the first volume's state.
    transitions : ndarray, shape (n_states, n_states)
        Probabilities from the row's state to the column's.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.arange(400) // 25 % 2
    >>> x = rng.standard_normal((3, 400)) + 2.0 * truth
    >>> model = HMM.fit(x, 2)
    >>> found = model.viterbi(x)
    >>> share = np.mean(found == truth)
    >>> bool(max(share, 1 - share) > 0.98)
    True
    >>> stream = model.stream()
    >>> live = np.hstack([stream.process(x[:, i : i + 1]) for i in range(400)])
    >>> bool((live == model.filter(x)).all())
    True
    """

    means: np.ndarray
    covariances: np.ndarray
    start: np.ndarray
    transitions: np.ndarray

    def __post_init__(self) -> None:
        k, n = np.shape(self.means)
        shapes = {"covariances": (k, n, n), "start": (k,), "transitions": (k, k)}
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {np.shape(getattr(self, name))}")
        for name in ("start", "transitions"):
            p = np.asarray(getattr(self, name))
            if not ((p >= 0).all() and np.allclose(p.sum(axis=-1), 1)):
                raise ValueError(f"{name} must be probabilities that sum to 1, got {p.tolist()}")
        try:
            roots = np.linalg.cholesky(self.covariances)
        except np.linalg.LinAlgError:
            raise ValueError("covariances must be positive definite, and one of them is not") from None
        # Of z = W (x - mean), and of the constant beside -z'z/2.
        eye = np.broadcast_to(np.eye(n), (k, n, n))
        log_det = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
        object.__setattr__(self, "_whitening", np.linalg.solve(roots, eye))
        object.__setattr__(self, "_constant", -log_det - 0.5 * n * np.log(2 * np.pi))

    @classmethod
    def fit(
        cls,
        x: Any,
        n_states: int,
        *,
        covariance: str = "full",
        shrinkage: float = 0.1,
        n_iter: int = 200,
        tol: float = 1e-6,
        seed: int = 0,
    ) -> HMM:
        """Expectation-maximisation (Baum and Welch), from clusters of the volumes.

        Parameters
        ----------
        x : array_like, shape (n_regions, n_samples), or list of such
            Runs, each without drift; the chain begins anew in each.
        n_states : int
        covariance : {"full", "diag"}
            "diag": regions are independent within a state.
        shrinkage : float in [0, 1]
            Of each state's covariance towards its mean variance; 0.1 keeps states of few volumes of full rank.
        n_iter : int
            Most iterations.
        tol : float
            It ends when the log likelihood per volume rises by less.
        seed : int
            Of the clusters.

        Raises
        ------
        ValueError
            Too few volumes, regions that stand still.
        """
        from sklearn.cluster import KMeans

        runs, k = runs_of(x), _count("n_states", n_states, 1)
        check_in("covariance", covariance, ("full", "diag"))
        if check_positive("shrinkage", shrinkage, zero=True) > 1:
            raise ValueError(f"shrinkage must be in [0, 1], got {shrinkage!r}")
        n_iter, tol = _count("n_iter", n_iter, 1), check_positive("tol", tol, zero=True)
        frames = np.concatenate(runs, axis=1).T
        if len(frames) < 4 * k:
            raise ValueError(f"{len(frames)} volumes are too few for {k} states: use more, or fewer states")
        sd = frames.std(axis=0)
        if (sd == 0).any():
            raise ValueError(f"the regions {np.flatnonzero(sd == 0).tolist()} stand still: leave them out")
        labels = KMeans(k, n_init=10, random_state=seed).fit((frames - frames.mean(axis=0)) / sd).labels_
        share = np.eye(k)[labels]
        start, transitions = np.full(k, 1 / k), np.full((k, k), 0.1 / k) + 0.9 * np.eye(k)
        floor = 1e-6 * float((sd**2).mean())
        before = -np.inf
        for _ in range(n_iter):
            means, covariances = _emissions(frames, share, covariance, shrinkage, floor)
            model = cls(means, covariances, start, transitions)
            passes = [model._both_ways(run) for run in runs]
            share = np.concatenate([p[0] for p in passes])
            # A little of every transition, so that none is impossible for ever.
            counts = np.sum([p[1] for p in passes], axis=0) + 1e-3
            start = np.mean([p[0][0] for p in passes], axis=0) + 1e-6
            start, transitions = start / start.sum(), counts / counts.sum(axis=1, keepdims=True)
            now = sum(p[2] for p in passes) / len(frames)
            if now - before < tol:
                break
            before = now
        order = largest_first(share.argmax(axis=1), k)
        means, covariances = _emissions(frames, share, covariance, shrinkage, floor)
        return cls(means[order], covariances[order], start[order], transitions[np.ix_(order, order)])

    @property
    def n_states(self) -> int:
        return len(self.means)

    def log_density(self, frame: np.ndarray) -> np.ndarray:
        """Of one volume (n_regions,) in each state, shape (n_states,)."""
        z = (self._whitening @ (frame - self.means)[..., None])[..., 0]  # type: ignore[attr-defined]
        return self._constant - 0.5 * (z * z).sum(axis=1)  # type: ignore[attr-defined]

    def stream(self) -> HMMStream:
        """The forward pass of a new run."""
        return HMMStream(self)

    def filter(self, x: Any) -> np.ndarray:
        """Probability of each state given the volumes up to each, shape (n_states, n_samples): as live."""
        return self.stream().process(x)

    def assign(self, x: Any) -> np.ndarray:
        """The likeliest state of each volume given those up to it, shape (n_samples,)."""
        return self.filter(x).argmax(axis=0)

    def log_likelihood(self, x: Any) -> float:
        """Of a whole run."""
        stream = self.stream()
        stream.process(x)
        return float(stream.log_likelihood)

    def posteriors(self, x: Any) -> np.ndarray:
        """Probability of each state given the whole run (forward and backward), shape (n_states, n_samples)."""
        return self._both_ways(_series(x, self.means.shape[1]))[0].T

    def viterbi(self, x: Any) -> np.ndarray:
        """The likeliest course of states of a whole run, shape (n_samples,)."""
        x = _series(x, self.means.shape[1])
        with np.errstate(divide="ignore"):
            start, moves = np.log(self.start), np.log(self.transitions)
        best = np.empty((x.shape[1], self.n_states), np.int64)
        score = start
        for i, frame in enumerate(x.T):
            if i:
                ways = score[:, None] + moves
                best[i] = ways.argmax(axis=0)
                score = ways.max(axis=0)
            score = score + self.log_density(frame)
        states = np.empty(x.shape[1], np.int64)
        for i in range(len(states) - 1, -1, -1):
            states[i] = score.argmax() if i == len(states) - 1 else best[i + 1, states[i + 1]]
        return states

    def occupancy(self, states: Any) -> dict[str, np.ndarray]:
        """Share, dwell time and transitions of a course of states: see `state_occupancy`."""
        return state_occupancy(states, self.n_states)

    def _both_ways(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Posteriors (n_samples, n_states), expected transitions, log likelihood of a run."""
        stream, whitening, constant = self.stream(), self._whitening, self._constant  # type: ignore[attr-defined]
        apart = x - self.means[..., None]
        log = (constant[:, None] - 0.5 * ((whitening @ apart) ** 2).sum(axis=1)).T
        forward = np.array([stream._step(one) for one in log])
        density = np.exp(log - log.max(axis=1, keepdims=True))
        backward = np.ones(self.n_states)
        share, counts = forward.copy(), np.zeros((self.n_states, self.n_states))
        for i in range(len(share) - 1, 0, -1):
            after = density[i] * backward
            joint = forward[i - 1][:, None] * self.transitions * after
            total = joint.sum()
            if total > 0:
                counts += joint / total
                backward = self.transitions @ after
                backward /= backward.max()
            else:
                backward = np.ones(self.n_states)
            share[i - 1] = forward[i - 1] * backward
            share[i - 1] /= share[i - 1].sum()
        return share, counts, float(stream.log_likelihood)

    def __repr__(self) -> str:
        return f"HMM({self.n_states} states of {self.means.shape[1]} regions)"


def _emissions(
    frames: np.ndarray, share: np.ndarray, covariance: str, shrinkage: float, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances of each state, given how much of each volume (n_samples, n_states) it has."""
    n = frames.shape[1]
    weight = share.sum(axis=0) + 1e-10
    means = share.T @ frames / weight[:, None]
    covariances = np.empty((len(means), n, n))
    for mean, part, total, to in zip(means, share.T, weight, covariances, strict=True):
        d = frames - mean
        c = (part * d.T) @ d / total
        c = np.diag(np.diag(c)) if covariance == "diag" else c
        to[:] = (1 - shrinkage) * c + (shrinkage * np.trace(c) / n + floor) * np.eye(n)
    return means, covariances
