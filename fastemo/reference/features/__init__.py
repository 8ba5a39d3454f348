"""Reductions of a window in plain NumPy: x is (n_signals, n_samples), results are (n_values, n_signals).

The names are those of the compiled reductions, the parameters their numbers, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fastemo.reference.features import complexity, entropy, fractal, spectrum, statistics, wavelets
from fastemo.reference.features.complexity import count_phrases

__all__ = ["REDUCTIONS", "count_phrases", "reduce"]

REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    function.__name__.removesuffix("_"): function
    for module in (statistics, fractal, entropy, complexity, wavelets, spectrum)
    for function in (getattr(module, name) for name in module.__all__)
}


def reduce(
    x: np.ndarray, names: Sequence[str], params: Sequence[Sequence[float]], threads: int = 1
) -> np.ndarray:
    """The values of all reductions, one after the other: (n_signals, n_values).

    A signal with NaN or infinity gives NaN. `threads` is for the compiled twin: here there is one.

    Examples
    --------
    >>> reduce(np.array([[1.0, 2.0, 4.0]]), ["mean", "ptp_amp"], [[], []]).round(3)
    array([[2.333, 3.   ]])
    """
    x = np.asarray(x, np.float64)
    finite = np.isfinite(x).all(axis=1)
    signals = np.where(finite[:, None], x, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = [
            np.atleast_2d(np.asarray(REDUCTIONS[name](signals, *p), float))
            for name, p in zip(names, params, strict=True)
        ]
    values = np.concatenate(rows).T
    values[~finite] = np.nan
    return np.ascontiguousarray(values)
