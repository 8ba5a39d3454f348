"""What may be asked of measures of connectivity: the checks of their arguments."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import pi, sqrt
from typing import Any

import numpy as np

__all__ = ["check_counts", "check_flat", "check_threads", "epochs_of", "names_of", "pairs_of", "refuse_nan"]


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
    return x


def check_threads(threads: Any) -> int:
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


def names_of(ch_names: Sequence[str] | None, n_channels: int) -> tuple[str, ...]:
    names = tuple(str(i) for i in range(n_channels)) if ch_names is None else tuple(ch_names)
    if len(names) != n_channels:
        raise ValueError(f"ch_names has {len(names)} names, but x has {n_channels} channels")
    return names


def pairs_of(indices: Any, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    if indices is None:
        return np.tril_indices(n_channels, -1)
    try:
        seeds, targets = (np.asarray(i) for i in indices)
    except (TypeError, ValueError):
        raise ValueError("indices must be two sequences of channel numbers: (seeds, targets)") from None
    for name, numbers in (("seeds", seeds), ("targets", targets)):
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) == 0:
            raise ValueError(f"the {name} in indices must be a sequence of channel numbers, got {numbers!r}")
        if numbers.min() < 0 or numbers.max() >= n_channels:
            raise ValueError(
                f"the {name} in indices must be from 0 to {n_channels - 1}, the channels of x, got "
                f"{int(numbers.min() if numbers.min() < 0 else numbers.max())}"
            )
    if len(seeds) != len(targets):
        raise ValueError(
            f"indices has {len(seeds)} seeds and {len(targets)} targets: expected one target per seed"
        )
    return seeds.astype(np.intp), targets.astype(np.intp)


def check_flat(x: np.ndarray, names: Sequence[str]) -> None:
    """Refuses a channel that is constant over an observation: it has no phase there."""
    start = x[:, :, :8]
    for o, c in np.argwhere((start == start[:, :, :1]).all(axis=-1)):
        if (x[o, c] == x[o, c, 0]).all():
            raise ValueError(
                f"channel {names[c]!r} is flat in observation {o}: it has no phase there; drop or interpolate it"
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


def check_counts(counts: dict[str, int], effective: dict[str, float], observations: str, mode: str) -> None:
    void = [m for m, n in counts.items() if n < 2]
    if void:
        instead = (
            'observations="segments" with nperseg='
            if mode == "fourier"
            else 'observations="tapers" or "segments"'
        )
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
