"""Frequency bands as mne-features takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["BANDS", "band_pairs", "check_freq_bands"]

BANDS = (0.5, 4.0, 8.0, 13.0, 30.0, 100.0)


def check_freq_bands(freq_bands: Any, sfreq: float, name: str = "freq_bands") -> tuple[np.ndarray, list[str]]:
    """Edges (n_bands, 2) and names of bands given as mne-features takes them."""
    named = isinstance(freq_bands, Mapping)
    edges = np.asarray(list(freq_bands.values()) if named else freq_bands, np.float64)
    if edges.ndim == 1 and len(edges) > 1 and not named:
        edges = np.stack([edges[:-1], edges[1:]], axis=1)
    if edges.ndim != 2 or edges.shape[1] != 2 or len(edges) == 0:
        raise ValueError(
            f"{name} must be successive edges, pairs (low, high) or a dict of such pairs, got {freq_bands!r}"
        )
    if not ((edges >= 0) & (edges <= sfreq / 2)).all():
        raise ValueError(
            f"{name} must lie between 0 and the Nyquist frequency, {sfreq / 2:g} Hz, got {edges.tolist()}"
        )
    return edges, [str(k) for k in freq_bands] if named else [f"band{k}" for k in range(len(edges))]


def band_pairs(n_bands: int, triu: bool) -> list[tuple[int, int]]:
    """Pairs of different bands, in the order of their ratios; with `triu` each once."""
    return [(i, j) for i in range(n_bands) for j in range(i if triu else 0, n_bands) if i != j]
