"""Second-order sections, time-major: the inner loop runs over channels, which LLVM turns into vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fastemo.reference import signal as reference

__all__ = ["SosFilter", "bank_power", "bank_power_rows", "sosfilt_rows"]

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**OPTIONS)
def sosfilt_rows(sos, z0, z1, x, y):
    """Filter rows `x` (n_samples, n_channels) into `y`, which may be `x`; z0, z1 (n_sections, n_channels).

    Transposed direct form II in SciPy's order of operations; equal to `scipy.signal.sosfilt` to the bit.
    """
    n_channels = x.shape[1]
    for n in range(x.shape[0]):
        for c in range(n_channels):
            y[n, c] = x[n, c]
        for s in range(sos.shape[0]):
            b0, b1, b2, a1, a2 = sos[s, 0], sos[s, 1], sos[s, 2], sos[s, 4], sos[s, 5]
            for c in range(n_channels):
                v = y[n, c]
                w = b0 * v + z0[s, c]
                z0[s, c] = b1 * v - a1 * w + z1[s, c]
                z1[s, c] = b2 * v - a2 * w
                y[n, c] = w


@njit(**OPTIONS)
def bank_power_rows(bank, z0, z1, x, scratch, sums):
    """Add the squares of rows `x` (n_samples, n_channels) behind every filter of a bank to `sums`.

    bank (n_bands, n_sections, 6); z0, z1 (n_bands, n_sections, n_channels); sums (n_bands, n_channels); scratch
    (n_rows, n_channels) holds any number of rows.
    """
    for start in range(0, x.shape[0], scratch.shape[0]):
        rows = x[start : start + scratch.shape[0]]
        for b in range(bank.shape[0]):
            sosfilt_rows(bank[b], z0[b], z1[b], rows, scratch)
            for n in range(rows.shape[0]):
                for c in range(rows.shape[1]):
                    sums[b, c] += scratch[n, c] * scratch[n, c]


def bank_power(x: np.ndarray, coef: np.ndarray, zi: np.ndarray) -> np.ndarray:
    """Mean square of each channel behind each filter of a bank, (n_channels, n_bands).

    As `fastemo.reference.bank_power`: states start at `zi` times the first sample.
    """
    rows = np.ascontiguousarray(x.T, np.float64)
    z0, z1 = (np.multiply.outer(z, rows[0]) for z in np.moveaxis(zi, -1, 0))
    sums = np.zeros((len(coef), rows.shape[1]))
    bank_power_rows(np.ascontiguousarray(coef), z0, z1, rows, np.empty((64, rows.shape[1])), sums)
    return sums.T / len(rows)


class SosFilter(reference.SosFilter):
    """`fastemo.reference.SosFilter`, compiled.

    Examples
    --------
    >>> f = SosFilter(np.array([[0.5, 0.5, 0, 1, 0, 0]]), 1)
    >>> f.process(np.array([[2.0, 4.0]])), f.process(np.array([[6.0]]))
    (array([[1., 3.]]), array([[5.]]))
    """

    _rows: tuple[np.ndarray, np.ndarray] | None

    def _filter(self, x: np.ndarray) -> np.ndarray:
        if self._rows is None:
            self._rows = self._state[:, 0].copy(), self._state[:, 1].copy()
        rows = np.array(x.T, np.float64, order="C")
        sosfilt_rows(self._sos, *self._rows, rows, rows)
        return rows.T

    def reset(self) -> None:
        """Forget the past: the next chunk begins a recording."""
        super().reset()
        self._rows = None
