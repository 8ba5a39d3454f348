"""Emotions: their names, their place in valence, arousal and dominance, and what a set of labels means.

Labels may be classes, several names at once, or graded intensities; `label_space` tells which from the
labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._affect import (
    ALIASES,
    BASIC,
    DIMENSIONS,
    EMOTIONS,
    FACED,
    Neighbour,
    canonical,
    nearest_emotions,
    to_vad,
    vad_table,
)

__all__ = [
    "ALIASES",
    "BASIC",
    "DIMENSIONS",
    "EMOTIONS",
    "FACED",
    "LabelSpace",
    "Neighbour",
    "canonical",
    "label_space",
    "nearest_emotions",
    "to_vad",
    "vad_table",
]


@dataclass(frozen=True)
class LabelSpace:
    """What the labels of a decoder are, and where each lies in valence, arousal and dominance.

    Made by `label_space`; immutable, hashable and comparable.

    Parameters
    ----------
    kind : {"classes", "multilabel", "intensities"}
        One of several; any of several at once; a number for each.
    classes : tuple
        The labels: str, int or bool as the user wrote them, in sorted order ("classes"); names otherwise.
    prototypes : tuple of (valence, arousal, dominance)
        One point per label; None where not defined.
    """

    kind: str
    classes: tuple[Any, ...]
    prototypes: tuple[tuple[float | None, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The labels as strings."""
        return tuple(str(c) for c in self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def vad(self) -> np.ndarray:
        """The table that maps outputs to valence, arousal and dominance, shape (3, n_labels).

        For classes and multi-label: the prototypes, NaN where a label has none. For intensities: a one in the
        column whose name is that dimension, zeros beside it, or NaN in all columns if no output is so named.
        """
        if self.kind != "intensities":
            table = [[math.nan if v is None else v for v in point] for point in self.prototypes]
            return np.array(table, dtype=np.float64).reshape(-1, 3).T
        words = [canonical(name) for name in self.names]
        rows = [
            [float(w == dim) for w in words] if dim in words else [math.nan] * len(words)
            for dim in DIMENSIONS
        ]
        return np.array(rows)

    def encode(self, y: Sequence[Any]) -> np.ndarray:
        """Labels as numbers for training.

        Returns
        -------
        ndarray
            "classes": int64 (n,), the index in `classes`. "multilabel": int64 (n, n_labels), 1 where present.
            "intensities": float64 (n, n_labels).

        Raises
        ------
        ValueError, TypeError
            Labels of another kind, or one that this space does not have.
        """
        labels = _listed(y)
        if not labels:
            raise ValueError("y must hold at least one label, got none")
        kind = _common_kind(labels)
        if kind != self.kind:
            raise ValueError(
                f"y holds labels of kind {kind!r}, expected {self.kind!r} ({', '.join(self.names)})"
            )
        index = {(type(c), c): i for i, c in enumerate(self.classes)}
        if kind == "classes":
            return np.array([self._index(index, label, i) for i, label in enumerate(labels)])
        if kind == "multilabel":
            out = np.zeros((len(labels), len(self)), dtype=np.int64)
            for i, names in enumerate(labels):
                out[i, [self._index(index, name, i) for name in names]] = 1
            return out
        rows = [_intensities(label) for label in labels]
        _same_names(rows, self.names)
        return np.array([[row[name] for name in self.names] for row in rows], dtype=np.float64)

    def _index(self, index: Mapping[Any, int], label: Any, i: int) -> int:
        if (type(label), label) not in index:
            raise ValueError(f"y[{i}] is {label!r}, expected one of {', '.join(map(repr, self.classes))}")
        return index[type(label), label]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them."""
        return {
            "kind": self.kind,
            "classes": list(self.classes),
            "prototypes": [list(point) for point in self.prototypes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LabelSpace:
        """The space that `to_dict` wrote."""
        points = tuple(tuple(point) for point in values["prototypes"])
        return cls(values["kind"], tuple(values["classes"]), points)


def label_space(y: Sequence[Any], emotions: Mapping[str, Sequence[float]] | None = None) -> LabelSpace:
    """What a set of labels means.

    Parameters
    ----------
    y : sequence
        One label per recording or window: str or int (classes); a set, frozenset, list or tuple of str
        (several at once, perhaps none); a dict of numbers by name, the same names each time, or a plain
        float, which is an intensity named "value".
    emotions : mapping of str to (valence, arousal[, dominance]), optional
        A user's own prototypes, as in `vad_table`.

    Returns
    -------
    LabelSpace
        Classes in sorted order, as `numpy.unique` has them; multi-label names sorted; intensities in the
        order of the first dict.

    Raises
    ------
    ValueError, TypeError
        No label, a missing or NaN one, kinds mixed, one class only, a label present in every set, or dicts
        with different names.

    Examples
    --------
    >>> label_space(["sadness", "joy", "joy"]).classes
    ('joy', 'sadness')
    >>> label_space([{"joy", "surprise"}, {"fear"}, set()]).kind
    'multilabel'
    >>> label_space([{"valence": 0.3, "arousal": -0.2}, {"valence": -0.5, "arousal": 0.1}]).names
    ('valence', 'arousal')
    """
    labels = _listed(y)
    if not labels:
        raise ValueError("y must hold at least one label, got none")
    kind = _common_kind(labels)
    classes: tuple[Any, ...]
    if kind == "classes":
        classes = tuple(sorted(set(labels)))
        if len(classes) == 1:
            raise ValueError(
                f"y must hold at least two classes, got only {classes[0]!r} ({len(labels)} times)"
            )
    elif kind == "multilabel":
        classes = tuple(sorted({name for names in labels for name in names}))
        if not classes:
            raise ValueError(f"y must name at least one label, got {len(labels)} empty sets")
        always = [name for name in classes if all(name in names for names in labels)]
        if always:
            raise ValueError(f"y has {always[0]!r} in every set, so there is nothing to tell it apart from")
    else:
        rows = [_intensities(label) for label in labels]
        classes = tuple(rows[0])
        _same_names(rows, classes)
    points = vad_table(classes, emotions).T.tolist()
    return LabelSpace(
        kind, classes, tuple(tuple(None if math.isnan(v) else v for v in point) for point in points)
    )


def _listed(y: Any) -> list[Any]:
    """Labels as Python values, whatever they came in."""
    one = isinstance(y, (str, bytes, Mapping, set, frozenset)) or getattr(y, "ndim", 1) == 0
    if one or not hasattr(y, "__iter__"):
        raise TypeError(f"y must be a sequence of labels, got {y!r}")
    labels = [label.item() if isinstance(label, np.generic) else label for label in y]
    return [label.tolist() if isinstance(label, np.ndarray) else label for label in labels]


def _kind(i: int, label: Any) -> str:
    if label is None:
        raise ValueError(f"y[{i}] is None: every recording or window needs a label; leave out those without")
    if isinstance(label, (str, bool, int)):
        return type(label).__name__
    if isinstance(label, float):
        if not math.isfinite(label):
            raise ValueError(f"y[{i}] must be finite, got {label!r}: leave out what has no label")
        return "float"
    if isinstance(label, Mapping):
        return "dict"
    if isinstance(label, (set, frozenset, list, tuple)):
        wrong = [name for name in label if not isinstance(name, str)]
        if wrong:
            raise TypeError(
                f"y[{i}] must hold names, got {wrong[0]!r} in it; numbers need names too: {{'valence': 0.3}}"
            )
        return "set"
    raise TypeError(
        f"y[{i}] must be a str or int, a set of str, a dict of numbers or a float, got {type(label).__name__}"
    )


_KINDS = {"str": "classes", "bool": "classes", "int": "classes", "set": "multilabel"}


def _common_kind(labels: list[Any]) -> str:
    first: dict[str, int] = {}
    for i, label in enumerate(labels):
        first.setdefault(_kind(i, label), i)
    if set(first) == {"int", "float"}:
        return "intensities"
    if len(first) > 1:
        (a, i), (b, j) = list(first.items())[:2]
        raise ValueError(f"y mixes kinds of label: y[{i}] is a {a}, y[{j}] is a {b}; give all of them alike")
    return _KINDS.get(next(iter(first)), "intensities")


def _intensities(label: Any) -> dict[str, float]:
    if not isinstance(label, Mapping):
        return {"value": float(label)}
    out = {}
    for name, value in label.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"y: the names of intensities must be non-empty strings, got {name!r}")
        try:
            out[name] = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"y: the intensity {name!r} must be a number, got {value!r}") from None
        if not math.isfinite(out[name]):
            raise ValueError(f"y: the intensity {name!r} must be finite, got {value!r}")
    if not out:
        raise ValueError("y: a dict of intensities must hold at least one, got {}")
    return out


def _same_names(rows: list[dict[str, float]], names: Sequence[str]) -> None:
    for i, row in enumerate(rows):
        if set(row) != set(names):
            raise ValueError(f"y[{i}] has intensities {', '.join(row)}, expected {', '.join(names)}")
