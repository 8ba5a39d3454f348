"""Information between signals by nearest neighbours, written to be read."""

from __future__ import annotations

import numpy as np

__all__ = ["neighbour_transfer"]


def neighbour_transfer(
    present: np.ndarray,
    sink_past: np.ndarray,
    source_past: np.ndarray,
    times: np.ndarray,
    sinks: np.ndarray,
    sources: np.ndarray,
    k: int,
    exclude: float,
    digamma: np.ndarray,
    threads: int = 1,
) -> np.ndarray:
    """Mean of digamma(n_past) - digamma(n_past_now) - digamma(n_past_source) of each pair, counts with the point itself.

    `present` (n_channels, n), `sink_past` and `source_past` (n_channels, order, n), `times` (n,), `digamma` (n + 1,) of
    1, 2, .... Counted is what is nearer, in the largest difference, than the k-th neighbour in all coordinates; points
    no farther than `exclude` in time are no neighbours. NaN where a point has fewer than k. `threads` is there for the
    signature.
    """
    near_in_time = np.abs(times[:, None] - times) <= exclude
    out = np.empty(len(sinks))
    for p, (sink, source) in enumerate(zip(sinks, sources)):
        past = np.where(near_in_time, np.inf, _distances(sink_past[sink]))
        with_now = np.maximum(past, _distances(present[sink][None]))
        with_source = np.maximum(past, _distances(source_past[source]))
        e = np.sort(np.maximum(with_now, with_source), axis=1)[:, k - 1, None]
        counts = [np.sum(d < e, axis=1) for d in (past, with_now, with_source)]
        terms = digamma[counts[0]] - digamma[counts[1]] - digamma[counts[2]]
        out[p] = terms.mean() if np.isfinite(e).all() else np.nan
    return out


def _distances(points: np.ndarray) -> np.ndarray:
    """The largest difference of any coordinate between all points (n_coordinates, n)."""
    return np.abs(points[:, :, None] - points[:, None, :]).max(axis=0)
