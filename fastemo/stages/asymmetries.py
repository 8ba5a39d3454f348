"""Differences and ratios of features between pairs of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._pairs import find_pairs
from fastemo._validate import check_in
from fastemo.stages.base import Stage

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Asymmetry"]

KINDS = ("dasm", "rasm", "dcau", "faa")


@dataclass(frozen=True, eq=False, repr=False)
class Asymmetry(Stage):
    """What features of one channel have over those of another, in every band.

    Parameters
    ----------
    kinds : str or sequence of str
        "dasm": left minus right of all homologous pairs; "rasm": left over right (0 where that is 0), of use only
        where features stay away from 0; "dcau": frontal minus posterior [1]_; "faa": right minus left of F3-F4,
        F7-F8 and AF3-AF4, of log powers only: frontal alpha asymmetry, if the band is alpha.
    pairs : sequence of (str, str), optional
        Other pairs of channels, the left (frontal) one first; with one kind only.
    keep : bool
        Whether the features themselves are handed on too, before their asymmetries.

    References
    ----------
    .. [1] Duan, Zhu & Lu (2013), doi:10.1109/NER.2013.6695876; Zheng & Lu (2015), doi:10.1109/TAMD.2015.2431497

    Examples
    --------
    >>> Asymmetry(["dasm", "dcau"], keep=True)
    Asymmetry(kinds=['dasm', 'dcau'], keep=True)
    """

    takes = gives = "vector"
    kinds: Any
    pairs: Sequence[tuple[str, str]] | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        kinds = (self.kinds,) if isinstance(self.kinds, str) else tuple(self.kinds)
        for kind in kinds:
            check_in("kinds", kind, KINDS)
        if not kinds or len(set(kinds)) < len(kinds):
            raise ValueError(
                f"kinds must be one or several different ones of {', '.join(KINDS)}, got {self.kinds!r}"
            )
        object.__setattr__(self, "kinds", kinds)
        if self.pairs is not None:
            if len(kinds) > 1:
                raise ValueError(
                    "pairs= are those of one kind, got several: use one Asymmetry(...) with one kind"
                )
            object.__setattr__(self, "pairs", tuple(tuple(pair) for pair in self.pairs))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        if "faa" in self.kinds and build.scale != "log":
            raise ValueError(
                'Asymmetry("faa") needs logarithms of powers: put it after BandPower(..., log=True)'
            )
        before, features = build.slot, list(build.features)
        slots, made = ([before], list(features)) if self.keep else ([], [])
        for kind in self.kinds:
            first, second, names = self._rows(kind, features)
            if kind == "rasm":
                zero = np.zeros(len(first))
                left = build.add("linear", [before], coef=first, bias=zero)
                right = build.add("linear", [before], coef=second, bias=zero)
                slots.append(build.add("ratio", [left, right]))
            else:
                coef = second - first if kind == "faa" else first - second
                slots.append(build.add("linear", [before], coef=coef, bias=np.zeros(len(coef))))
            made += names
        if len(slots) > 1:
            build.add("concat", slots)
        build.becomes(made)

    def _rows(self, kind: str, features: list) -> tuple[np.ndarray, np.ndarray, list]:
        """Which feature is the first and which the second of every band and pair, as rows of a matrix."""
        groups: dict[tuple[str, str], dict[str, int]] = {}
        for i, feature in enumerate(features):
            groups.setdefault((feature.source, feature.band), {})[feature.channel] = i
        first, second, names = [], [], []
        unit = np.eye(len(features))
        for (source, band), channels in groups.items():
            for a, b in find_pairs(kind, list(channels), self.pairs)[0]:
                first.append(unit[channels[a]])
                second.append(unit[channels[b]])
                name = f"{b}-{a}" if kind == "faa" else f"{a}/{b}" if kind == "rasm" else f"{a}-{b}"
                names.append(
                    features[0]._replace(band=band, channel=name, source=f"{source}__{kind}".lstrip("_"))
                )
        return np.array(first), np.array(second), names
