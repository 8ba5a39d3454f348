"""What all pictures share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["check_names", "colour_limits", "finish", "new_figure"]

DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"


def new_figure(width: float, height: float) -> Any:
    """A figure of its own, in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install fastemo[plot]") from error
    return Figure(figsize=(width, height), layout="constrained")


def finish(figure: Any, path: str | os.PathLike[str] | None) -> Any:
    """The figure, written to `path` if there is one."""
    if path is not None:
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"there is no folder {folder} to write {os.path.basename(path)} to")
        figure.savefig(path, dpi=120)
    return figure


def check_names(ch_names: Sequence[str] | None, n: int) -> list[str]:
    """One name for each of n channels."""
    if ch_names is None:
        raise ValueError(
            "ch_names must be given for an array, which names no channels; a DataArray of to_xarray does"
        )
    if isinstance(ch_names, str) or len(ch_names) != n:
        raise ValueError(f"ch_names must be one per channel ({n}), got {ch_names!r}")
    return [str(name) for name in ch_names]


def colour_limits(values: np.ndarray, limits: tuple[float, float] | None) -> tuple[float, float, str]:
    """Lowest and highest value of the colours and their map: around 0 where values have both signs."""
    finite = values[np.isfinite(values)]
    if limits is not None:
        try:
            low, high = (float(v) for v in limits)
        except (TypeError, ValueError):
            low = high = np.nan
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"limits must be two finite numbers, the lower first, got {limits!r}")
    elif finite.size == 0:
        raise ValueError("there is no finite value to plot")
    elif finite.min() < 0 < finite.max():
        high = float(np.abs(finite).max())
        low = -high
    else:
        low, high = float(finite.min()), float(finite.max())
        if low == high:
            low, high = low - 0.5, high + 0.5
    return low, high, DIVERGING if low < 0 < high else SEQUENTIAL
