"""Phase states (LEiDA): the few patterns that the phases of all regions fall into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._design import analytic_bank
from fastemo._validate import check_positive
from fastemo.fmri._dynamic import _count, _series
from fastemo.fmri._states import largest_first, runs_of, state_occupancy

__all__ = ["LEiDA", "PhaseStream", "leading_eigenvectors"]

ORDER = 3


def leading_eigenvectors(phases: Any) -> np.ndarray:
    """The leading eigenvector of the phase coherence cos(theta_i - theta_j) of each frame.

    The matrix is c c' + s s' with the cosines c and sines s of the phases, so the vector is known without building it:
    cos(theta_i - phi), phi half the angle of sum_j exp(2 i theta_j). Signs are such that most elements are negative
    (Cabral et al. 2017, doi:10.1038/s41598-017-05425-7): regions that are positive are those that part from the rest.

    Parameters
    ----------
    phases : array_like, shape (n_regions, n_samples)
        In radians.

    Returns
    -------
    ndarray, shape (n_samples, n_regions)
        Unit vectors.

    Examples
    --------
    >>> leading_eigenvectors([[0.1], [0.1], [0.1 + np.pi]]).round(3)
    array([[-0.577, -0.577,  0.577]])
    """
    theta = _series(phases).T
    out = np.empty(theta.shape)
    for frame, to in zip(
        theta, out, strict=True
    ):  # frame by frame: bits do not depend on how many come at once
        twice = 2 * frame
        v = np.cos(frame - np.arctan2(np.sin(twice).sum(), np.cos(twice).sum()) / 2)
        v /= np.sqrt((v * v).sum())
        n_positive = int((v > 0).sum())
        flips = n_positive > len(v) / 2 or (2 * n_positive == len(v) and v.sum() > 0)
        to[:] = -v if flips else v
    return out


class PhaseStream:
    """Causal phases of regions in a band, volume by volume. Made by `LEiDA.stream`."""

    def __init__(self, n_regions: int, sfreq: float, band: tuple[float, float]) -> None:
        bank = analytic_bank(sfreq, {"band": band}, ORDER, "LEiDA")
        self._poles, self._weights, self._direct = ((a[0, ..., 0] + 1j * a[0, ..., 1]) for a in bank)
        self.n_regions = n_regions
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self.n_seen, self._first = 0, np.zeros(self.n_regions)
        self._state = np.zeros((len(self._poles), self.n_regions), complex)

    def process(self, chunk: Any) -> np.ndarray:
        """Phases (n_regions, n_samples) of the next volumes."""
        x = _series(chunk, self.n_regions)
        out = np.empty(x.shape)
        for i, frame in enumerate(x.T):
            if self.n_seen == 0:
                self._first = frame.copy()
            self.n_seen += 1
            d = frame - self._first
            self._state = self._poles[:, None] * self._state + d
            out[:, i] = np.angle(self._direct * d + (self._weights[:, None] * self._state).sum(axis=0))
        return out


@dataclass(frozen=True, eq=False, repr=False)
class LEiDA:
    """Leading eigenvector dynamics: states of phase coherence, and which of them each volume is in. Made by `fit`.

    Cabral et al. 2017, doi:10.1038/s41598-017-05425-7, with phases from a causal filter in place of the Hilbert transform,
    which looks ahead: a volume has the same state live as in the whole run.

    Parameters
    ----------
    patterns : ndarray, shape (n_states, n_regions)
        Unit vectors, in the order of how many volumes they have.
    sfreq : float
        1 / TR in Hz.
    band : (float, float)
        In Hz.

    Examples
    --------
    >>> t, rng = np.arange(600) * 2.0, np.random.default_rng(0)
    >>> truth = np.arange(600) // 60 % 2
    >>> lag = np.pi * np.where(truth, [[0], [0], [1], [1]], [[0], [1], [1], [0]])
    >>> x = np.cos(2 * np.pi * 0.05 * t + lag) + 0.2 * rng.standard_normal((4, 600))
    >>> states = LEiDA.fit(x, 2, sfreq=0.5, band=(0.03, 0.07))
    >>> found = states.assign(x)
    >>> share = np.mean(found[100:] == truth[100:])
    >>> bool(max(share, 1 - share) > 0.8)
    True
    """

    patterns: np.ndarray
    sfreq: float
    band: tuple[float, float]

    @classmethod
    def fit(
        cls,
        x: Any,
        n_states: int,
        *,
        sfreq: float,
        band: Sequence[float] = (0.04, 0.07),
        seed: int = 0,
    ) -> LEiDA:
        """Cluster the leading eigenvectors of all volumes (k-means of unit vectors, ten starts).

        Parameters
        ----------
        x : array_like, shape (n_regions, n_samples), or list of such
            Runs; each begins with the filter at rest.
        n_states : int
        sfreq : float
            1 / TR in Hz.
        band : (float, float)
            In Hz.
        seed : int
        """
        from sklearn.cluster import KMeans

        runs, n_states = runs_of(x), _count("n_states", n_states, 1)
        sfreq, edges = check_positive("sfreq", sfreq, unit="Hz"), (float(band[0]), float(band[1]))
        found = cls(np.empty((0, len(runs[0]))), sfreq, edges)
        units = np.concatenate(
            [leading_eigenvectors(found.stream().process(run))[found.n_settling :] for run in runs]
        )
        if len(units) < 2 * n_states:
            raise ValueError(
                f"{len(units)} volumes after the {found.n_settling} that the filter takes to settle are too few for "
                f"{n_states} states: use longer runs, a wider band or fewer states"
            )
        means = KMeans(n_states, n_init=10, random_state=seed).fit(units)
        centres = means.cluster_centers_[largest_first(means.labels_, n_states)]
        return cls(centres / np.linalg.norm(centres, axis=1, keepdims=True), sfreq, edges)

    @property
    def n_states(self) -> int:
        return len(self.patterns)

    @property
    def n_settling(self) -> int:
        """Volumes at the start of a stream that have no state yet: one by the bandwidth, in seconds."""
        return int(np.ceil(self.sfreq / (self.band[1] - self.band[0])))

    def stream(self) -> PhaseStream:
        """The phases of a new stream, for `assign`."""
        return PhaseStream(self.patterns.shape[1], self.sfreq, self.band)

    def assign(self, chunk: Any, stream: PhaseStream | None = None) -> np.ndarray:
        """The state of each volume of (n_regions, n_samples), shape (n_samples,); -1 while the filter settles.

        Live, give every chunk with the same `stream`: chunks of any size, down to one volume, give the same. Without one
        a new stream begins.
        """
        stream = self.stream() if stream is None else stream
        before = stream.n_seen
        vectors = leading_eigenvectors(stream.process(chunk)) if np.size(chunk) else np.empty((0, 0))
        # |cosine|: a vector and its opposite are one axis.
        likeness = np.array([np.abs(self.patterns @ v) for v in vectors]).reshape(-1, self.n_states)
        settled = before + np.arange(len(vectors)) >= self.n_settling
        return np.where(settled, likeness.argmax(axis=1), -1)

    def occupancy(self, states: Any) -> dict[str, np.ndarray]:
        """Share, dwell time and transitions of a course of states: see `state_occupancy`."""
        return state_occupancy(states, self.n_states)

    def __repr__(self) -> str:
        low, high = self.band
        return f"LEiDA({self.n_states} states of {self.patterns.shape[1]} regions, {low:g}-{high:g} Hz)"
