"""What may be asked of measures between groups of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.connectivity._arguments import pairs_of

__all__ = ["check_overlap", "components_of", "group_pairs", "groups_of", "ranks_of"]

IMAGINARY = ("mic", "mim")


def groups_of(groups: Any, n_channels: int) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """Names and channel numbers of groups."""
    if not isinstance(groups, Mapping) or not groups:
        raise ValueError(f"groups must map names to channel numbers, got {groups!r}")
    members = []
    for name, channels in groups.items():
        numbers = np.asarray(channels)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) == 0:
            raise ValueError(f"group {name!r} must be a sequence of channel numbers, got {channels!r}")
        if numbers.min() < 0 or numbers.max() >= n_channels or len(np.unique(numbers)) < len(numbers):
            raise ValueError(
                f"group {name!r} must hold different channels from 0 to {n_channels - 1}, got {numbers.tolist()}"
            )
        members.append(numbers.astype(np.intp))
    return tuple(str(name) for name in groups), members


def group_pairs(indices: Any, names: tuple[str, ...], causal: bool) -> tuple[np.ndarray, np.ndarray]:
    """Seeds and targets; by default all pairs, in both directions where they differ, and of one group itself."""
    n_groups = len(names)
    if indices is not None:
        return pairs_of(indices, names, "groups")
    if n_groups == 1 and not causal:
        return np.zeros(1, np.intp), np.zeros(1, np.intp)
    if n_groups == 1:
        raise ValueError('groups holds one group, and "gc" is from one to another: name two')
    seeds, targets = np.nonzero(~np.eye(n_groups, dtype=bool)) if causal else np.tril_indices(n_groups, -1)
    return seeds, targets


def check_overlap(
    methods: Sequence[str],
    names: Sequence[str],
    members: Sequence[np.ndarray],
    seeds: np.ndarray,
    targets: np.ndarray,
) -> None:
    """Refuses pairs that share channels where a channel with itself counts."""
    real = [m for m in methods if m not in IMAGINARY]
    for a, b in zip(seeds.tolist(), targets.tolist(), strict=True):
        shared = np.intersect1d(members[a], members[b])
        if a == b and len(members[a]) < 2:
            raise ValueError(
                f"group {names[a]!r} has one channel, which does not interact with itself: add others"
            )
        if len(shared) and real:
            pair = f"group {names[a]!r} is paired with itself" if a == b else (
                f"groups {names[a]!r} and {names[b]!r} share channel {shared[0]}"
            )  # fmt: skip
            what = "is 1 of a channel with itself" if "cacoh" in real else "has no direction within a group"
            raise ValueError(
                f'{pair}, and "{real[0]}" {what}: leave it out, or use "mic" and "mim", which see only what is delayed'
            )


def ranks_of(
    rank: Any,
    names: tuple[str, ...],
    members: Sequence[np.ndarray],
    x: np.ndarray,
    seeds: np.ndarray,
    targets: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """How many combinations to keep of the seeds and of the targets of each pair."""
    sizes = np.array([len(m) for m in members])
    if rank is None:
        return sizes[seeds], sizes[targets]
    if isinstance(rank, str) and rank == "auto":
        strengths = [np.linalg.svd(x[:, m], compute_uv=False) for m in members]
        found = np.array([np.sum(s >= 1e-6 * s[:, :1], axis=1).min() for s in strengths])
        return found[seeds], found[targets]
    if isinstance(rank, Mapping):
        for name in rank:
            check_in("a name in rank", name, names)
        by_group = [rank.get(name, size) for name, size in zip(names, sizes.tolist(), strict=True)]
        checked = np.array([_rank(r, name, n) for r, name, n in zip(by_group, names, sizes, strict=True)])
        return checked[seeds], checked[targets]
    if not isinstance(rank, (tuple, list)) or len(rank) != 2 or any(np.ndim(side) != 1 for side in rank):
        raise ValueError(
            'rank must be None, "auto", a mapping of names of groups to numbers, or two sequences, of the seeds and of the '
            f"targets of each pair, got {rank!r}"
        )
    out = []
    for side, groups, kind in zip(rank, (seeds, targets), ("seeds", "targets"), strict=True):
        if len(side) != len(groups):
            raise ValueError(
                f"rank has {len(side)} numbers for the {kind}, but there are {len(groups)} pairs: give one for each"
            )
        out.append(
            np.array([_rank(r, names[g], sizes[g]) for r, g in zip(side, groups.tolist(), strict=True)])
        )
    return out[0], out[1]


def components_of(n: Any, ranks: tuple[np.ndarray, np.ndarray], methods: Sequence[str]) -> int:
    """How many components to find; `methods` are those that have any."""
    least = int(min(side.min() for side in ranks))
    if n is None:
        return least
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n_components must be None or a whole number of at least 1, got {n!r}")
    if n > 1 and not methods:
        raise ValueError(f'n_components={n} has no meaning without "cacoh" or "mic": leave it out')
    if n > least:
        raise ValueError(
            f"n_components is {n}, but the smallest group (or rank) has {least}: ask for at most as many, or None for all"
        )
    return int(n)


def _rank(value: Any, name: str, size: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= size:
        raise ValueError(f"rank of group {name!r} must be from 1 to its {size} channels, got {value!r}")
    return int(value)
