"""Co-activation patterns: the few configurations that moments of strong activity fall into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_positive
from fastemo.fmri._dynamic import _count, _series

__all__ = ["CoactivationStates", "state_occupancy"]


def state_occupancy(states: Any, n_states: int) -> dict[str, np.ndarray]:
    """What a course of states comes to.

    Parameters
    ----------
    states : array_like of int, shape (n_samples,)
        0 to n_states - 1; -1, no state, interrupts.
    n_states : int

    Returns
    -------
    dict
        "share" of the frames (fractional occupancy) and mean "dwell" time in samples of each state (NaN if it never
        occurs), "transitions" (n_states, n_states), how often a frame of the row's state is followed by one of the
        column's, and "probabilities", the same by rows (NaN in a row of a state that is never left).

    Examples
    --------
    >>> found = state_occupancy([0, 0, 1, 1, 1, -1, 0, 1], 2)
    >>> found["share"], found["dwell"], found["transitions"].tolist()
    (array([0.375, 0.5  ]), array([1.5, 2. ]), [[1, 2], [0, 2]])
    """
    states = np.asarray(states)
    if states.ndim != 1 or states.dtype.kind not in "iu" or len(states) == 0:
        raise ValueError(f"states must be whole numbers of shape (n_samples,), got shape {states.shape}")
    if states.min() < -1 or states.max() >= n_states:
        raise ValueError(f"states must be -1 to {n_states - 1}, got {states.min()} to {states.max()}")
    counts = np.bincount(states[states >= 0], minlength=n_states)
    begins = states[np.r_[True, states[1:] != states[:-1]]]
    visits = np.bincount(begins[begins >= 0], minlength=n_states)
    dwell = np.divide(counts, visits, out=np.full(n_states, np.nan), where=visits > 0)
    a, b = states[:-1], states[1:]
    both = (a >= 0) & (b >= 0)
    transitions = np.zeros((n_states, n_states), np.int64)
    np.add.at(transitions, (a[both], b[both]), 1)
    left = transitions.sum(axis=1, keepdims=True)
    probabilities = np.divide(transitions, left, out=np.full(transitions.shape, np.nan), where=left > 0)
    return {
        "share": counts / len(states),
        "dwell": dwell,
        "transitions": transitions,
        "probabilities": probabilities,
    }


def runs_of(x: Any) -> list[np.ndarray]:
    """One run (n_regions, n_samples) or a list of them, which then have the same regions."""
    runs = (
        [_series(run) for run in x] if isinstance(x, (list, tuple)) and np.ndim(x[0]) == 2 else [_series(x)]
    )
    sizes = [len(run) for run in runs]
    if len(set(sizes)) > 1:
        raise ValueError(f"all runs must have the same regions, got {sizes} of them")
    return runs


def largest_first(labels: np.ndarray, n_states: int) -> np.ndarray:
    """States in the order of how many frames they have."""
    return np.argsort(-np.bincount(labels, minlength=n_states), kind="stable")


@dataclass(frozen=True, eq=False, repr=False)
class CoactivationStates:
    """Co-activation patterns and which of them each volume is in. Made by `fit`.

    Liu and Duyn 2013, doi:10.1073/pnas.1216856110: frames of strong activity are clustered by their direction; each
    frame, in training or live, then has the state whose pattern it is most like.

    Parameters
    ----------
    patterns : ndarray, shape (n_states, n_regions)
        Unit vectors, in the order of how many frames they have.
    mean, sd : ndarray, shape (n_regions,)
        What frames are z-scored by.
    threshold : float
        Root mean square of a z-scored frame below which it is in no state.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.repeat(np.tile([0, 1], 10), 20)
    >>> x = rng.standard_normal((6, 400)) * 0.3
    >>> x[:3, truth == 0] += 1
    >>> x[3:, truth == 1] += 1
    >>> states = CoactivationStates.fit(x, 2)
    >>> found = states.assign(x)
    >>> share = np.mean(found[found >= 0] == truth[found >= 0])
    >>> bool(max(share, 1 - share) > 0.95)
    True
    """

    patterns: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    threshold: float

    @classmethod
    def fit(cls, x: Any, n_states: int, *, share: float = 0.5, seed: int = 0) -> CoactivationStates:
        """Cluster the strongest frames by cosine similarity (k-means of unit vectors, ten starts).

        Parameters
        ----------
        x : array_like, shape (n_regions, n_samples)
            Runs one after the other, each without drift.
        n_states : int
            4 to 12 are usual.
        share : float
            Of the frames, the strongest, that are clustered; in (0, 1].
        seed : int
        """
        from sklearn.cluster import KMeans

        x, n_states = _series(x), _count("n_states", n_states, 1)
        if check_positive("share", share) > 1:
            raise ValueError(f"share must be in (0, 1], got {share!r}")
        mean, sd = x.mean(axis=1), x.std(axis=1)
        if (sd == 0).any():
            raise ValueError(f"the regions {np.flatnonzero(sd == 0).tolist()} stand still: leave them out")
        z = ((x - mean[:, None]) / sd[:, None]).T
        strength = np.sqrt((z**2).mean(axis=1))
        threshold = float(np.quantile(strength, 1 - share))
        strong = z[strength >= threshold]
        if len(strong) < 2 * n_states:
            raise ValueError(
                f"{len(strong)} strong frames are too few for {n_states} states: raise share, or use more volumes"
            )
        units = strong / np.linalg.norm(strong, axis=1, keepdims=True)
        means = KMeans(n_states, n_init=10, random_state=seed).fit(units)
        centres = means.cluster_centers_[largest_first(means.labels_, n_states)]
        return cls(centres / np.linalg.norm(centres, axis=1, keepdims=True), mean, sd, threshold)

    @property
    def n_states(self) -> int:
        return len(self.patterns)

    def assign(self, x: Any) -> np.ndarray:
        """The state of each frame of (n_regions, n_samples), shape (n_samples,); -1 where activity is weak.

        Each frame on its own: a chunk of any size, down to one volume, gives the same.
        """
        z = ((_series(x, len(self.mean)) - self.mean[:, None]) / self.sd[:, None]).T.copy()
        # Frame by frame, so that bits do not depend on how many come at once.
        likeness = np.array([self.patterns @ frame for frame in z]).reshape(-1, self.n_states)
        strength = np.array([frame @ frame for frame in z])
        strong = np.sqrt(strength / len(self.mean)) >= self.threshold
        return np.where(strong, likeness.argmax(axis=1), -1)

    def occupancy(self, states: Any) -> dict[str, np.ndarray]:
        """Share, dwell time and transitions of a course of states: see `state_occupancy`."""
        return state_occupancy(states, self.n_states)

    def __repr__(self) -> str:
        return f"CoactivationStates({self.n_states} states of {len(self.mean)} regions)"
