"""The simulated head: twenty cortical sources and how each one reaches the electrodes.

There is no head model. A source at radius 0.8 reaches an electrode on the unit sphere with weight
exp(-d^2 / (2 s^2)) cos(angle), d their distance, s = 0.45: broad, smooth maps as volume conduction makes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from fastemo._validate import close_matches
from fastemo.montage import electrode_positions

__all__ = ["SOURCES", "Source", "leadfield", "source_index"]

RADIUS, SPREAD = 0.8, 0.45

# Left electrodes whose mean direction a region lies under, and the rms of its alpha rhythm at the best
# electrode.
_REGIONS = {
    "frontopolar": (("Fp1", "AF3"), 2.5),
    "dlPFC": (("F3",), 3.5),
    "vlPFC": (("F7", "FT7"), 2.5),
    "medial frontal": (("F1", "FC1"), 3.0),
    "motor": (("C3",), 4.0),
    "temporal": (("T7",), 2.5),
    "temporo-parietal": (("TP7", "CP5"), 5.0),
    "parietal": (("P3",), 7.0),
    "occipital": (("O1", "PO3"), 10.0),
    "posterior midline": (("P1", "POz"), 7.0),
}


class Source(NamedTuple):
    """A patch of simulated cortex."""

    name: str
    region: str
    side: str
    position: tuple[float, float, float]
    alpha_rms: float


def _sources() -> tuple[Source, ...]:
    out = []
    for region, (electrodes, alpha_rms) in _REGIONS.items():
        centre = electrode_positions(electrodes).sum(axis=0)
        x, y, z = (RADIUS * centre / np.linalg.norm(centre)).tolist()
        for side, sign in (("L", 1), ("R", -1)):
            out.append(Source(f"{region} {side}", region, side, (sign * x, y, z), alpha_rms))
    return tuple(out)


SOURCES = _sources()


def source_index(name: str) -> int:
    """Number of a source, such as "dlPFC L"."""
    names = [source.name for source in SOURCES]
    if name not in names:
        near = close_matches(name, names) or names
        raise ValueError(f"there is no source {name!r}; did you mean {', '.join(near)}?")
    return names.index(name)


def _weights(electrodes: np.ndarray, sources: np.ndarray) -> np.ndarray:
    directions = sources / np.linalg.norm(sources, axis=1, keepdims=True)
    d2 = ((electrodes[:, None] - sources[None]) ** 2).sum(axis=-1)
    return np.exp(-d2 / (2 * SPREAD**2)) * (electrodes @ directions.T)


@cache
def _everywhere() -> np.ndarray:
    """A dense cap of electrodes: weights are scaled by their peak on it, whatever montage is used."""
    return electrode_positions(
        [f"{row}{n}" for row in ("AF", "F", "FC", "C", "CP", "P", "PO") for n in range(1, 7)]
        + ["Fp1", "Fp2", "F7", "F8", "T7", "T8", "P7", "P8", "O1", "O2", "Cz", "Pz", "Fz"]
    )


def leadfield(electrodes: np.ndarray, sources: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Weights of sources at electrodes, average-referenced.

    Parameters
    ----------
    electrodes : ndarray, shape (n_channels, 3)
        Unit vectors.
    sources : array_like, shape (n_sources, 3)

    Returns
    -------
    ndarray of float64, shape (n_channels, n_sources)
        1 is the peak over the whole scalp, so that a source's amplitude is in uV at its best electrode.
    """
    sources = np.asarray(sources, dtype=np.float64)
    weights = _weights(electrodes, sources) / np.abs(_weights(_everywhere(), sources)).max(axis=0)
    return weights - weights.mean(axis=0)
