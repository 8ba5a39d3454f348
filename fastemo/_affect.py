"""The names of emotions and where they lie in valence, arousal and dominance.

Two descriptions of affect meet here: discrete names (joy, fear, ...), graded and possibly several at once,
and points (valence, arousal, dominance), each in [-1, 1]. Names map to points by a blend (`to_vad`); points
map to names only as a ranking with distances and weights (`nearest_emotions`), because several names share
a region.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fastemo._validate import check_positive, close_matches

__all__ = [
    "ALIASES",
    "BASIC",
    "DIMENSIONS",
    "EMOTIONS",
    "FACED",
    "Neighbour",
    "canonical",
    "nearest_emotions",
    "to_vad",
    "vad_table",
]

DIMENSIONS = ("valence", "arousal", "dominance")

#: Ekman's six basic emotions and neutral.
BASIC = ("joy", "sadness", "fear", "anger", "surprise", "disgust", "neutral")

#: The nine categories of the FACED data set (Chen 2023), in its order of clips.
FACED = (
    "anger",
    "disgust",
    "fear",
    "sadness",
    "neutral",
    "amusement",
    "inspiration",
    "joy",
    "tenderness",
)

_NAN = math.nan

#: (valence, arousal, dominance) prototypes in [-1, 1], approximate. Valence and arousal are circumplex
#: positions (Russell 1980); dominance follows Russell & Mehrabian (1977), rounded, with fear lowered to
#: keep it apart from anger, and is NaN where no norm is at hand. A user's own table can be given wherever
#: this one is used.
EMOTIONS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "joy": (0.8, 0.5, 0.4),
        "sadness": (-0.7, -0.4, -0.3),
        "fear": (-0.7, 0.7, -0.6),
        "anger": (-0.6, 0.7, 0.3),
        "surprise": (0.2, 0.8, -0.1),
        "disgust": (-0.7, 0.3, 0.1),
        "neutral": (0.0, 0.0, 0.0),
        "amusement": (0.7, 0.5, _NAN),
        "inspiration": (0.6, 0.4, _NAN),
        "tenderness": (0.6, -0.2, _NAN),
        "contentment": (0.7, -0.4, _NAN),
        "annoyance": (-0.4, 0.2, _NAN),
        "boredom": (-0.3, -0.7, -0.3),
    }
)

#: Other words for the emotions above; each word is looked up in lower case.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "joyful": "joy",
        "happy": "joy",
        "happiness": "joy",
        "sad": "sadness",
        "afraid": "fear",
        "fearful": "fear",
        "angry": "anger",
        "surprised": "surprise",
        "disgusted": "disgust",
        "amused": "amusement",
        "inspired": "inspiration",
        "tender": "tenderness",
        "content": "contentment",
        "contented": "contentment",
        "annoyed": "annoyance",
        "bored": "boredom",
    }
)


def canonical(name: Any) -> str:
    """The name of an emotion as `EMOTIONS` has it; any other name in lower case, without outer spaces.

    Examples
    --------
    >>> canonical("Happiness"), canonical("awe")
    ('joy', 'awe')
    """
    word = str(name).strip().lower()
    return ALIASES.get(word, word)


def vad_table(names: Iterable[Any], emotions: Mapping[str, Sequence[float]] | None = None) -> np.ndarray:
    """Valence, arousal and dominance of named emotions.

    Parameters
    ----------
    names : iterable
        Emotions, by any spelling `canonical` knows.
    emotions : mapping of str to (valence, arousal[, dominance]), optional
        A user's own prototypes in [-1, 1]; they come before those of `EMOTIONS`.

    Returns
    -------
    ndarray of float64, shape (3, n_names)
        NaN where a name or one of its values is not defined.

    Examples
    --------
    >>> vad_table(["happy", "rest", "flow"], {"flow": (0.6, 0.3, 0.4)})
    array([[0.8, nan, 0.6],
           [0.5, nan, 0.3],
           [0.4, nan, 0.4]])
    """
    own = {canonical(name): _point(f"emotions[{name!r}]", p) for name, p in (emotions or {}).items()}
    undefined = (_NAN, _NAN, _NAN)
    columns = []
    for name in names:
        known = EMOTIONS.get(canonical(name), undefined) if isinstance(name, str) else undefined
        columns.append(own.get(canonical(name), known))
    return np.array(columns, dtype=np.float64).reshape(-1, 3).T


def _point(what: str, point: Any) -> tuple[float, float, float]:
    """Two or three numbers in [-1, 1] as a point; dominance, or whatever is NaN, stays undefined."""
    try:
        values = [float(v) for v in point]
    except (TypeError, ValueError):
        values = []
    if len(values) not in (2, 3):
        raise TypeError(f"{what} must be (valence, arousal) or (valence, arousal, dominance), got {point!r}")
    if any(abs(v) > 1 for v in values):
        raise ValueError(f"{what} must lie in [-1, 1], got {point!r}: rescale ratings, 1..9 by (r - 5) / 4")
    valence, arousal, dominance = (*values, _NAN)[:3]
    return valence, arousal, dominance


def to_vad(
    weights: Any, names: Sequence[Any], emotions: Mapping[str, Sequence[float]] | None = None
) -> np.ndarray:
    """The point in valence, arousal, dominance of a blend of emotions: sum a_k v_k / max(1, sum a_k).

    A weak emotion lies near neutral, a strong one at its prototype, several in between; probabilities give
    the expected point.

    Parameters
    ----------
    weights : array_like, shape (..., n_names)
        Intensities or probabilities, at least 0.
    names : sequence
        The emotion of each weight.
    emotions : mapping, optional
        A user's own prototypes, as in `vad_table`.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        NaN in a dimension that one of the names does not have.

    Examples
    --------
    >>> to_vad([0.5, 0.25], ["joy", "sadness"]).round(3)
    array([0.225, 0.15 , 0.125])
    """
    a = np.asarray(weights, dtype=np.float64)
    if a.ndim == 0 or a.shape[-1] != len(names):
        raise ValueError(f"weights must end in one value per name ({len(names)}), got shape {a.shape}")
    if (a < 0).any():
        raise ValueError(f"weights must be at least 0, got {float(a.min()):g}")
    return (a @ vad_table(names, emotions).T) / np.maximum(1.0, a.sum(axis=-1, keepdims=True))


class Neighbour(NamedTuple):
    """An emotion near a point: its distance, and its weight among all the names considered."""

    name: str
    distance: float
    weight: float


def nearest_emotions(
    vad: Sequence[float],
    names: Sequence[str] = BASIC,
    n: int = 3,
    width: float = 0.35,
    emotions: Mapping[str, Sequence[float]] | None = None,
) -> list[Neighbour]:
    """The emotions whose prototypes lie nearest to a point, with how near they are.

    Points do not name emotions: fear, anger and disgust share valence and arousal. So this gives a ranking,
    never one name; near-equal weights mean that the point does not decide.

    Parameters
    ----------
    vad : sequence of 2 or 3 floats
        Valence, arousal and, if known, dominance in [-1, 1]; NaN is unknown.
    names : sequence of str
        The candidates.
    n : int
        How many to return.
    width : float
        Standard deviation around each prototype: weights are exp(-d^2 / (2 width^2)), scaled to sum to 1
        over all candidates.
    emotions : mapping, optional
        A user's own prototypes, as in `vad_table`.

    Returns
    -------
    list of Neighbour
        Nearest first. The distance is Euclidean over the dimensions that the point and every candidate have.

    Raises
    ------
    ValueError, TypeError
        A point outside [-1, 1] or unknown altogether, a candidate without a prototype.

    Examples
    --------
    >>> for name, distance, weight in nearest_emotions((-0.6, 0.6)):
    ...     print(f"{name:8}{distance:.2f} {weight:.2f}")
    anger   0.10 0.36
    fear    0.14 0.34
    disgust 0.32 0.25
    """
    point = np.array(_point("vad", vad))
    width = check_positive("width", width)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, got {n!r}")
    table = vad_table(names, emotions)
    if not len(names):
        raise ValueError("names must hold at least one emotion, got none")
    for name, column in zip(names, table.T, strict=True):
        if np.isnan(column).all():
            known = [*EMOTIONS, *(emotions or {})]
            hint = close_matches(name, known) or known
            raise ValueError(
                f"names: {name!r} has no prototype (known: {', '.join(hint)}); give it in emotions"
            )
    shared = ~np.isnan(point) & ~np.isnan(table).any(axis=1)
    if not shared.any():
        raise ValueError(f"vad must have a dimension that every candidate has, got {tuple(vad)!r}")
    d = np.sqrt(((table[shared] - point[shared, None]) ** 2).sum(axis=0))
    w = np.exp(-(d**2 - d.min() ** 2) / (2 * width**2))
    w /= w.sum()
    order = np.argsort(d, kind="stable")[:n]
    return [Neighbour(str(names[i]), float(d[i]), float(w[i])) for i in order]
