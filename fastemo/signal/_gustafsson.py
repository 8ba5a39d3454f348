"""Forward and backward filtering from the states in which the order of the two does not matter."""

from __future__ import annotations

import numpy as np

from fastemo.signal._iir import lfilter

__all__ = ["both_ways"]


def both_ways(b: np.ndarray, a: np.ndarray, x: np.ndarray, irlen: int | None, threads: int) -> np.ndarray:
    """`x` filtered both ways along its last axis by Gustafsson's method [1]_, in float64.

    With F the filter, R reversal and O its free response to each initial state, forward first gives
    R F R (F x + O s) + R O t and backward first F R (F R x + O t) + O s. The states s and t are those in which these
    agree, by least squares. With `irlen` O counts as zero after so many samples.

    References
    ----------
    .. [1] Gustafsson, Determining the initial states in forward-backward filtering, 1996, doi:10.1109/78.492552.
    """

    def forward(signals: np.ndarray) -> np.ndarray:
        return lfilter(b, a, signals, threads=threads)

    def backward(signals: np.ndarray) -> np.ndarray:
        return np.flip(forward(np.flip(signals, -1)), -1)

    x = x.astype(np.float64)
    order, n = max(len(a), len(b)) - 1, x.shape[-1]
    if order == 0:
        return x * (b[0] / a[0]) ** 2
    whole = irlen is None or n < 2 * irlen
    m = n if irlen is None or whole else irlen
    free = lfilter(b, a, np.zeros((order, m)), zi=np.eye(order))[0]
    free_backward = backward(free)
    at_start = free_backward - free  # and at the end the negative of its reverse
    y, other = backward(forward(x)), forward(backward(x))
    gap = other - y
    if whole:
        system = np.concatenate([at_start, -np.flip(at_start, -1)]).T
    else:
        system = np.zeros((2 * m, 2 * order))
        system[:m, :order], system[m:, order:] = at_start.T, -np.flip(at_start, -1).T
        gap = np.concatenate([gap[..., :m], gap[..., n - m :]], -1)
    states = np.linalg.lstsq(system, gap.reshape(-1, len(system)).T, rcond=None)[0].T
    s, t = (part.reshape(*x.shape[:-1], order) for part in np.split(states, 2, axis=1))
    y[..., :m] += s @ free_backward
    y[..., n - m :] += t @ np.flip(free, -1)
    return y
