"""What the functions of this package share: their arguments, and what was designed for earlier calls."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

__all__ = [
    "FLOOR_SHARE",
    "FLOOR_UV2",
    "KEPT",
    "Bands",
    "check_cycle",
    "count",
    "designed",
    "into",
    "number_of_threads",
    "only",
    "signals",
]

Bands = str | Mapping[str, Sequence[float]] | Sequence[Sequence[float]]

# Below the noise of any amplifier, so that a flat channel gives a number; and the floor of a share.
FLOOR_UV2 = 1e-4
FLOOR_SHARE = 1e-12

# What is designed for more samples than this is not kept for the next call: it fills memory.
KEPT = 1 << 16

_DOUBLE = np.dtype(np.float64)


def check_cycle(n: int, sfreq: float, names: Sequence[str], edges: np.ndarray) -> None:
    """Refuse a filter bank over samples in which a band cannot go up and down once, as an FFT refuses them."""
    k = int(np.argmin(edges[:, 1]))
    lo, hi = edges[k].tolist()
    if n * hi < sfreq * (1 - 1e-12):
        raise ValueError(
            f"{n / sfreq:g} s are less than one cycle of the band {names[k]!r} ({lo:g}-{hi:g} Hz): pass at least "
            f"{1 / hi:g} s; fastemo.min_length says how long a window has to be for its power to mean something"
        )


def signals(x: Any) -> np.ndarray:
    """`x` as an aligned float32 or float64 array of at least one sample; nothing is copied that need not be."""
    if type(x) is not np.ndarray or not _is_plain(x.dtype) or not x.flags.aligned:
        if np.ma.isMaskedArray(x):
            raise TypeError("x is a masked array, expected a plain one: use x.filled(np.nan)")
        x = np.asarray(x)
        if x.dtype.kind not in "iuf" or x.dtype.itemsize > 8:
            raise TypeError(f"x must be an array of real numbers, got dtype {x.dtype}: use x.astype(float)")
        single = x.dtype.kind == "f" and x.dtype.itemsize <= 4
        x = np.require(x, np.float32 if single else np.float64, "A")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have at least one sample along its last axis, got shape {x.shape}")
    return x


def _is_plain(dtype: np.dtype) -> bool:
    return dtype is _DOUBLE or (dtype.char in "df" and dtype.isnative)


def number_of_threads(threads: Any) -> int:
    if type(threads) is int and threads >= 1:
        return threads
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


def only(what: str, choice: str, **options: tuple[Any, Any]) -> None:
    """Refuses options, given as (value, default), that `choice` would ignore."""
    for name, (value, default) in options.items():
        if value is not default and value != default:
            raise ValueError(f"{name}={value!r} has no meaning for {what}={choice!r}: leave it out")


def into(out: np.ndarray | None, result: np.ndarray) -> np.ndarray:
    if out is None or out is result:
        return result
    if type(out) is not np.ndarray or out.shape != result.shape or out.dtype != result.dtype:
        got = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out must be a float64 array of shape {result.shape}, got {got}")
    out[...] = result
    return out


# What was designed for the last calls: for each set of other arguments, pairs of bands and what was made for them.
_designs: dict[Hashable, list[tuple[Bands, Any]]] = {}


def designed(make: Any, bands: Bands, *arguments: Any, keep: bool = True) -> Any:
    """`make(bands, *arguments)`, once for the same arguments if it is to be kept."""
    if not keep:
        return make(bands, *arguments)
    key = (make, *arguments)
    try:
        for known, made in _designs.get(key, ()):
            if known == bands:
                return made
    except (TypeError, ValueError):  # what cannot be hashed or compared is not kept
        return make(bands, *arguments)
    made = make(bands, *arguments)
    if len(_designs) >= 32:
        _designs.pop(next(iter(_designs)), None)
    kept = _designs.setdefault(key, [])
    kept.insert(0, (deepcopy(bands), made))
    del kept[8:]
    return made


def count(name: str, value: Any, least: int = 1) -> int:
    """`value` as a whole number of at least so many."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)
