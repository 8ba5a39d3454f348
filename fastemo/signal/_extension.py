"""How a signal goes on beyond its ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo.signal._arrays import sliced

__all__ = ["MODES", "extended"]

_NUMPY: dict[str, dict[str, Any]] = {
    "edge": {"mode": "edge"},
    "wrap": {"mode": "wrap"},
    "symmetric": {"mode": "symmetric"},
    "antisymmetric": {"mode": "symmetric"},  # times the sign of the repetition
    "reflect": {"mode": "reflect"},
    "antireflect": {"mode": "reflect", "reflect_type": "odd"},
}
MODES = (*_NUMPY, "smooth", "line")


def extended(x: np.ndarray, axis: int, edge: int, mode: str) -> np.ndarray:
    """`x` with `edge` samples more at both ends, in a mode of `scipy.signal.upfirdn`; from two samples on."""
    n, width = x.shape[axis], [(0, 0)] * x.ndim
    width[axis] = (edge, edge)
    if mode in _NUMPY:
        y = np.pad(x, width, **_NUMPY[mode])
        if mode == "antisymmetric":
            odd = np.arange(-edge, n + edge) // n % 2 == 1
            np.moveaxis(y, axis, 0)[odd] *= -1
        return y
    first, last = sliced(x, axis, 0, 1), sliced(x, axis, n - 1, n)
    if mode == "smooth":
        start, end = sliced(x, axis, 1, 2) - first, last - sliced(x, axis, n - 2, n - 1)
    else:
        start = end = (last - first) / x.dtype.type(n - 1)
    shape = [1] * x.ndim
    shape[axis] = edge
    steps = np.arange(1, edge + 1).astype(x.dtype).reshape(shape)
    return np.concatenate([first - np.flip(steps, axis) * start, x, last + steps * end], axis)
