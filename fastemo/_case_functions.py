"""Functions as users write them, for the table of cases."""

from __future__ import annotations

import numpy as np

from fastemo._program import Op
from fastemo.stages.user import UserFeature, feature

__all__ = ["call_op", "coupling", "steepness"]


@feature(names=["steepest", "mean_slope"])
def steepness(x, sfreq, out):
    """The largest and the mean slope, in units per second."""
    largest, total = 0.0, 0.0
    for i in range(1, len(x)):
        slope = abs(x[i] - x[i - 1])
        largest = max(largest, slope)
        total += slope
    out[0], out[1] = largest * sfreq, total * sfreq / (len(x) - 1)


@feature(over="window")
def coupling(x):
    """The mean product of every channel with the next, round in a circle."""
    total = 0.0
    for c in range(len(x)):
        for i in range(x.shape[1]):
            total += x[c, i] * x[c - 1, i]
    return total / x.size


def call_op(stage: UserFeature, sfreq: float) -> Op:
    """The op of a feature that reads slot 1."""
    f = stage.user_function
    numbers = {
        "width": np.array([len(f.names)]),
        "over": np.array([int(f.whole)]),
        "sfreq": np.array([sfreq]),
    }
    return Op("call", (1,), {"function": np.frombuffer(f.key.encode(), np.uint8), **numbers})
