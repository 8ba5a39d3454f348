"""The Riemannian potato: windows whose covariance is too far from the usual one."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_positive

__all__ = ["SMALLEST_DISTANCE", "Potato"]

# A matrix that is the mean itself is as near as numbers can tell.
SMALLEST_DISTANCE = 1e-12


class Potato:
    """Tells clean windows from others by the distance of their covariance from the mean of the clean ones.

    z = (ln d(C, M) - mu) / s, d the affine-invariant distance, M the geometric mean of the clean covariances, mu and s
    mean and deviation of ln d over them; a window with z above the threshold is not clean. `fit` leaves such windows
    out and begins again until none is left to leave out (Barachant et al. 2013).

    Parameters
    ----------
    threshold : float
        2.5 to 3 are usual.
    n_iter : int
        Most rounds of `fit`.

    Attributes
    ----------
    mean_ : ndarray, shape (n_channels, n_channels)
        M.
    mu_, sd_ : float
        mu and s.

    Notes
    -----
    Covariances must be positive definite: shrink those of short windows (`estimator="oas"`), and leave out a channel
    after a common average or an interpolation. Few channels that share a kind of artefact work better than all of them.
    `pyriemann`'s Potato computes the same.

    References
    ----------
    Barachant, Andreev & Congedo 2013, The Riemannian Potato, TOBI Workshop IV, hal-00781701.

    Examples
    --------
    >>> import fastemo as fe
    >>> rng = np.random.default_rng(0)
    >>> windows = rng.normal(0, 10, (60, 4, 250))
    >>> windows[7] *= 5
    >>> potato = Potato().fit(fe.riemann.covariances(windows))
    >>> np.flatnonzero(~potato.predict(fe.riemann.covariances(windows)))
    array([7])
    """

    mean_: np.ndarray
    mu_: float
    sd_: float

    def __init__(self, threshold: float = 3.0, n_iter: int = 100) -> None:
        self.threshold = check_positive("threshold", threshold)
        if isinstance(n_iter, bool) or not isinstance(n_iter, (int, np.integer)) or n_iter < 1:
            raise ValueError(f"n_iter must be a whole number of at least 1, got {n_iter!r}")
        self.n_iter = int(n_iter)

    def fit(self, covariances: Any) -> Potato:
        """Learn what is usual from covariances (n_windows, n_channels, n_channels), most of which are clean.

        Raises
        ------
        ValueError
            Fewer than three windows, or covariances that are not positive definite.
        """
        from fastemo.riemann import distance_riemann, mean_riemann

        c = _several(covariances)
        if len(c) < 3:
            raise ValueError(f"covariances must be at least 3 to say what is usual, got {len(c)}")
        clean = np.ones(len(c), bool)
        for _ in range(self.n_iter):
            mean = mean_riemann(c[clean])
            log_d = _log(distance_riemann(c, mean))
            mu, sd = float(log_d[clean].mean()), float(log_d[clean].std())
            still = clean & ((log_d - mu) <= self.threshold * sd)
            self.mean_, self.mu_, self.sd_ = mean, mu, sd
            if still.sum() < 3 or still.sum() == clean.sum():
                break
            clean = still
        return self

    def z_scores(self, covariances: Any) -> np.ndarray:
        """z of each covariance, (n_windows,); a single covariance (n_channels, n_channels) gives one number."""
        from fastemo.riemann import distance_riemann

        if not hasattr(self, "mean_"):
            raise RuntimeError("this Potato does not know what is usual: call fit with covariances first")
        c = _several(covariances, self.mean_.shape)
        z = (_log(distance_riemann(c, self.mean_)) - self.mu_) / max(self.sd_, 1e-300)
        return z[0] if np.ndim(covariances) == 2 else z

    def predict(self, covariances: Any) -> np.ndarray:
        """Which windows are clean, bool (n_windows,)."""
        return self.z_scores(covariances) <= self.threshold

    def partial_fit(self, covariances: Any, alpha: float = 0.01) -> Potato:
        """Follow slow changes: each covariance in turn, if clean, moves the mean along the geodesic by the share
        `alpha`, and mu and s as exponential averages do."""
        from fastemo.riemann import geodesic_riemann

        if not 0 < check_positive("alpha", alpha) <= 1:
            raise ValueError(f"alpha must be in (0, 1], got {alpha!r}")
        if not hasattr(self, "mean_"):
            return self.fit(covariances)
        for c in _several(covariances, self.mean_.shape):
            z = float(self.z_scores(c))
            if z > self.threshold:
                continue
            off = z * self.sd_
            self.mean_ = geodesic_riemann(self.mean_, c, alpha)
            self.mu_ += alpha * off
            self.sd_ = float(np.sqrt((1 - alpha) * (self.sd_**2 + alpha * off**2)))
        return self


def _log(distance: Any) -> np.ndarray:
    return np.log(np.maximum(np.atleast_1d(distance), SMALLEST_DISTANCE))


def _several(covariances: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    c = np.asarray(covariances, float)
    if c.ndim == 2:
        c = c[None]
    if c.ndim != 3 or c.shape[1] != c.shape[2]:
        raise ValueError(f"covariances must have shape (n_windows, n_channels, n_channels), got {c.shape}")
    if shape is not None and c.shape[1:] != shape:
        raise ValueError(f"covariances must be of {shape[0]} channels as in fit, got {c.shape[1]}")
    return c
