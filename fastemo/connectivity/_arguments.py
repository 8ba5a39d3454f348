"""What may be asked of measures of connectivity: the checks of their arguments."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from math import pi, sqrt
from typing import Any

import numpy as np

from fastemo._validate import check_in, close_matches
from fastemo.reference.connectivity import MEASURES

__all__ = [
    "DIRECTED",
    "GROUPED",
    "check_counts",
    "check_flat",
    "check_scale",
    "check_seed",
    "check_threads",
    "epochs_of",
    "methods_of",
    "names_of",
    "pairs_of",
    "refuse_nan",
]

#: The measures between groups, by their usual names.
GROUPED = ("cacoh", "mic", "mim", "gc", "gc_tr")
#: The measures of an autoregressive model by frequency, by their usual names; the last two have no direction.
DIRECTED = (
    "pdc", "gpdc", "ffpdc", "pdcf", "dtf", "gdtf", "ffdtf", "ddtf", "granger", "coh", "pcoh",
)  # fmt: skip
FAMILIES = {"connectivity": MEASURES, "group_connectivity": GROUPED, "directed_connectivity": DIRECTED}

DEBIASED = {"ppc", "pli2_unbiased", "wpli2_debiased"}
FEW = 10


def epochs_of(x: Any) -> np.ndarray:
    if np.ma.isMaskedArray(x):
        raise TypeError("x is a masked array, expected a plain one: use x.filled(np.nan)")
    x = np.asarray(x)
    if x.dtype.kind not in "iuf" or x.dtype.itemsize > 8:
        raise TypeError(f"x must be an array of real numbers, got dtype {x.dtype}: use x.astype(float)")
    x = np.require(x, np.float32 if x.dtype.kind == "f" and x.dtype.itemsize <= 4 else np.float64, "A")
    if x.ndim == 2:
        x = x[None]
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(
            f"x must have shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples), got {x.shape}"
        )
    if x.shape[1] < 2:
        raise ValueError("x has 1 channel, expected at least 2: connectivity is between channels")
    if x.shape[2] < 2:
        raise ValueError("x has 1 sample per epoch, expected at least 2: time is the last axis")
    return x


def methods_of(methods: Any, known: Sequence[str]) -> list[str]:
    """Names of measures, each once."""
    chosen = [methods] if isinstance(methods, str) else methods
    if not isinstance(chosen, Sequence) or not all(isinstance(m, str) for m in chosen):
        raise TypeError(
            f"methods must be a name or a sequence of names, got {methods!r}: choose of {', '.join(known)}"
        )
    if not chosen:
        raise ValueError(f"methods is empty, expected some of {', '.join(known)}")
    for m in chosen:
        for function, family in FAMILIES.items():
            if m in family and m not in known:
                raise ValueError(f"methods holds {m!r}, which is a measure of {function}: use that for it")
        check_in("methods", m, known)
    return list(dict.fromkeys(chosen))


def check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
    return int(seed)


def check_threads(threads: Any) -> int:
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


@lru_cache(maxsize=8)
def _numbered(n_channels: int) -> tuple[str, ...]:
    return tuple(str(i) for i in range(n_channels))


def names_of(ch_names: Sequence[str] | None, n_channels: int) -> tuple[str, ...]:
    if isinstance(ch_names, str):
        raise TypeError(f"ch_names must be a sequence of names, one per channel, got {ch_names!r}")
    if ch_names is None:
        return _numbered(n_channels)
    names = tuple(ch_names)
    if len(names) != n_channels:
        raise ValueError(f"ch_names has {len(names)} names, but x has {n_channels} channels")
    if len(set(names)) < n_channels:
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"ch_names holds {twice!r} more than once: give each channel a name of its own")
    return names


@lru_cache(maxsize=8)
def _all_pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.tril_indices(n, -1)


def pairs_of(indices: Any, names: Sequence[str], of: str = "channels") -> tuple[np.ndarray, np.ndarray]:
    """Numbers of seeds and targets, given as numbers or names of channels or groups; by default all below the diagonal."""
    n = len(names)
    if indices is None:
        seeds, targets = _all_pairs(n)
        return seeds.copy(), targets.copy()
    numbers_of = f"{of.removesuffix('s')} numbers or names"
    try:
        seeds, targets = (np.asarray(i) for i in indices)
    except (TypeError, ValueError):
        raise ValueError(
            f"indices must be two sequences of {numbers_of}, (seeds, targets), got {indices!r}"
        ) from None
    seeds, targets = (_numbers(side, names, of) for side in (seeds, targets))
    for name, numbers in (("seeds", seeds), ("targets", targets)):
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) == 0:
            raise ValueError(f"the {name} in indices must be a sequence of {numbers_of}, got {numbers!r}")
        if numbers.min() < 0 or numbers.max() >= n:
            whose = "the channels of x" if of == "channels" else f"the {n} {of}"
            raise ValueError(
                f"the {name} in indices must be from 0 to {n - 1}, {whose}, got "
                f"{int(numbers.min() if numbers.min() < 0 else numbers.max())}"
            )
    if len(seeds) != len(targets):
        raise ValueError(
            f"indices has {len(seeds)} seeds and {len(targets)} targets: expected one target per seed"
        )
    return seeds.astype(np.intp), targets.astype(np.intp)


def _numbers(numbers: np.ndarray, names: Sequence[str], of: str) -> np.ndarray:
    """Numbers as they are, or those of names."""
    if numbers.ndim != 1 or numbers.dtype.kind != "U":
        return numbers
    found = numbers.tolist()
    for name in found:
        if name not in names:
            close = close_matches(name, names)
            hint = (
                f", did you mean {' or '.join(map(repr, close))}?"
                if close
                else f": they are {', '.join(names)}"
            )
            raise ValueError(f"indices names {name!r}, which is none of the {of}{hint}")
    return np.array([names.index(name) for name in found])


def check_flat(x: np.ndarray, names: Sequence[str]) -> None:
    """Refuses a channel that is constant over an observation, and signals whose products are no numbers."""
    start = x[:, :, :8]
    check_scale(float(max(start.max(), -start.min())))
    if not (start[:, :, 0] == start[:, :, 1]).any():
        return
    for o, c in np.argwhere((start == start[:, :, :1]).all(axis=-1)):
        if (x[o, c] == x[o, c, 0]).all():
            raise ValueError(
                f"channel {names[c]!r} is flat in observation {o}: it has no phase there; drop or interpolate it"
            )


def check_scale(reach: float) -> None:
    """Refuses signals whose largest value, or one of their largest, has no fourth power; NaN is for others."""
    if 0 < reach < 1e-75 or 1e75 < reach < np.inf:
        raise ValueError(
            f"x has values of about {reach:.1g}, whose products are beyond what numbers hold: scale it, to microvolts for "
            "example"
        )


def refuse_nan(x: np.ndarray, names: Sequence[str]) -> None:
    bad = np.argwhere(~np.isfinite(x))
    if len(bad) == 0:
        raise ValueError("x is too large to be transformed: scale it to its unit first")
    o, c, _ = bad[0]
    raise ValueError(
        f"x holds {len(bad)} NaN or infinite values, the first in channel {names[c]!r} of observation {o}: "
        "drop the epoch or interpolate the channel"
    )


def check_counts(
    counts: dict[str, int],
    effective: dict[str, float],
    observations: str,
    mode: str,
    instead: str | None = None,
) -> None:
    """Refuses measures of one observation, saying what to do `instead`, and warns of few."""
    void = [m for m, n in counts.items() if n < 2]
    if void:
        if instead is None:
            shorter = "a shorter nperseg" if observations == "segments" else None
            segments = 'observations="segments" with nperseg='
            instead = shorter or (segments if mode == "fourier" else 'observations="tapers" or "segments"')
        raise ValueError(
            f"{', '.join(void)} would rest on one observation, where every pair gives the same value: pass more epochs, "
            f"or {instead}"
        )
    few = {m: n for m, n in effective.items() if n < FEW and m not in DEBIASED}
    if few:
        least = min(few.values())
        warnings.warn(
            f"{', '.join(few)} rest on {least:.3g} independent observations ({observations}): "
            f"coherence and PLV of unrelated signals are about {sqrt(pi / (4 * least)):.2f} there, so compare only with "
            "results of as many, or use ppc or wpli2_debiased",
            RuntimeWarning,
            stacklevel=3,
        )
