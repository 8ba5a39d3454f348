"""Pairs of channels for asymmetries: which they are, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._validate import check_channels
from fastemo.montage import frontal_posterior_pairs, hemisphere_pairs

__all__ = ["FRONTAL", "find_pairs"]

#: What frontal asymmetry is read from, left and right.
FRONTAL = (("F3", "F4"), ("F7", "F8"), ("AF3", "AF4"))


def find_pairs(kind: str, ch_names: Sequence[str], pairs: Any) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Names and numbers of the channels of each pair: those given, or those that the montage has for this kind."""
    ch_names = [str(name) for name in ch_names]
    if pairs is None:
        found = frontal_posterior_pairs(ch_names) if kind == "dcau" else hemisphere_pairs(ch_names)
        if kind == "faa":
            by_name = {(left.upper(), right.upper()) for left, right in FRONTAL}
            found = [(left, right) for left, right in found if (left.upper(), right.upper()) in by_name]
        if not found:
            wanted = {"dcau": "frontal and posterior", "faa": "frontal left and right"}.get(
                kind, "left and right"
            )
            raise ValueError(
                f"no {wanted} electrodes are among the channels {', '.join(ch_names)}: name channels as in the 10-10 "
                "system, or give pairs="
            )
    else:
        found = [_pair(i, pair) for i, pair in enumerate(pairs)]
        if not found:
            raise ValueError('pairs must hold at least one pair such as ("F3", "F4"), got none')
    where = np.array([check_channels(pair, ch_names, "the signal") for pair in found])
    return found, where


def _pair(i: int, pair: Any) -> tuple[str, str]:
    if isinstance(pair, (str, bytes)) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise TypeError(f'pairs[{i}] must be two channel names such as ("F3", "F4"), got {pair!r}')
    first, second = pair
    if first == second:
        raise ValueError(f"pairs[{i}] must be two different channels, got {first!r} twice")
    return str(first), str(second)
