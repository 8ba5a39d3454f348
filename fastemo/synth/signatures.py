"""What each emotion does to the simulated brain: the ground truth, in one table to read and edit.

The directions follow findings in the literature loosely; nothing here is a claim about real brains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from fastemo.bands import BandSet
from fastemo.synth.anatomy import SOURCES, source_index

__all__ = [
    "COUPLINGS",
    "DECAY",
    "EVOKED",
    "RISE",
    "SIGNATURES",
    "SYNTH_BANDS",
    "Coupling",
    "Effect",
    "Evoked",
]

#: The bands in which simulated sources are active, in Hz.
SYNTH_BANDS = BandSet(
    {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 45)}
)


class Effect(NamedTuple):
    """A relative change of one source's power in one band at full intensity: -0.3 is 30 % less."""

    source: str
    band: str
    change: float


class Coupling(NamedTuple):
    """A directed link: the source's activity in a band reaches the target `lag` seconds later.

    A lag of 0 is a common input to both, the decoy of connectivity measures.
    """

    source: str
    target: str
    band: str
    lag: float


def _both(region: str, band: str, change: float) -> tuple[Effect, Effect]:
    return Effect(f"{region} L", band, change), Effect(f"{region} R", band, change)


#: Effects by emotion. An emotion's blend adds log-gains: ln gain = sum_k a_k ln(1 + change_k).
SIGNATURES: Mapping[str, Sequence[Effect]] = MappingProxyType(
    {
        "joy": (
            Effect("dlPFC L", "alpha", -0.30),
            *_both("temporal", "gamma", 0.40),
            *_both("occipital", "beta", 0.15),
        ),
        "sadness": (
            Effect("dlPFC R", "alpha", -0.25),
            Effect("vlPFC R", "alpha", -0.25),
            *_both("posterior midline", "alpha", 0.30),
        ),
        "fear": (*_both("medial frontal", "theta", 0.60), Effect("temporal R", "beta", 0.30)),
        "anger": (
            Effect("dlPFC L", "beta", 0.40),
            Effect("frontopolar L", "beta", 0.40),
            Effect("temporal R", "gamma", 0.35),
        ),
        "surprise": (
            *_both("parietal", "delta", 1.00),
            *_both("parietal", "theta", 1.00),
            *_both("medial frontal", "theta", 0.30),
        ),
        "disgust": (*_both("vlPFC", "beta", -0.25), Effect("dlPFC R", "gamma", 0.30)),
        "neutral": (),
    }
)

#: Links by emotion, as strong as the emotion.
COUPLINGS: Mapping[str, Sequence[Coupling]] = MappingProxyType(
    {
        "joy": (Coupling("dlPFC L", "parietal L", "theta", 0.025),),
        "sadness": (Coupling("medial frontal L", "posterior midline L", "alpha", 0.040),),
        "fear": (Coupling("temporal R", "medial frontal R", "theta", 0.030),),
        "anger": (Coupling("vlPFC R", "motor R", "beta", 0.015),),
        "surprise": (Coupling("occipital L", "parietal L", "theta", 0.050),),
        "disgust": (Coupling("vlPFC L", "vlPFC R", "gamma", 0.010),),
    }
)

#: Time constants of the rise of an emotion in seconds; 1 s for others.
RISE: Mapping[str, float] = MappingProxyType(
    {"surprise": 0.15, "fear": 0.3, "disgust": 0.5, "anger": 0.8, "joy": 1.5, "sadness": 4.0}
)

#: Time constants of the decay in seconds; drawn from 3 to 8 s for others.
DECAY: Mapping[str, float] = MappingProxyType({"surprise": 1.0, "fear": 3.0})


class Evoked(NamedTuple):
    """A wave at the onset of an episode, in uV at the best electrode; times in seconds."""

    region: str
    amplitude: float
    peak: float
    width: float


#: Waves by emotion, in sessions: surprise has one like the P3.
EVOKED: Mapping[str, Evoked] = MappingProxyType({"surprise": Evoked("parietal", 5.0, 0.45, 0.08)})


def check_tables(
    emotions: Iterable[str],
    signatures: Mapping[str, Sequence[Effect]],
    couplings: Mapping[str, Sequence[Coupling]],
) -> None:
    """Refuses rows that name no source or band of the simulated brain, and emotions without a row."""
    for emotion in emotions:
        if emotion not in signatures:
            raise ValueError(f"signatures has no row for {emotion!r}; add one, () for no effect")
    for row in [e for rows in signatures.values() for e in rows]:
        source_index(row.source)
        if row.band not in SYNTH_BANDS:
            raise ValueError(f"signatures: {row.band!r} is no band; there are {', '.join(SYNTH_BANDS)}")
        if not -1 < row.change < np.inf:
            raise ValueError(f"signatures: a change must be above -1 (all power lost), got {row.change!r}")
    for link in [c for rows in couplings.values() for c in rows]:
        if source_index(link.source) == source_index(link.target):
            raise ValueError(f"couplings: {link.source!r} cannot drive itself")
        if link.band not in SYNTH_BANDS:
            raise ValueError(f"couplings: {link.band!r} is no band; there are {', '.join(SYNTH_BANDS)}")
        if not 0 <= link.lag < 1:
            raise ValueError(f"couplings: a lag must be in [0, 1) s, got {link.lag!r}")


def change_table(emotions: Sequence[str], signatures: Mapping[str, Sequence[Effect]]) -> np.ndarray:
    """The table as an array of relative changes, shape (n_emotions, n_sources, n_bands)."""
    bands = list(SYNTH_BANDS)
    out = np.zeros((len(emotions), len(SOURCES), len(bands)))
    for k, emotion in enumerate(emotions):
        for source, band, change in signatures[emotion]:
            out[k, source_index(source), bands.index(band)] = change
    return out
