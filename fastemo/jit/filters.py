"""Second-order sections, time-major: the inner loop runs over channels, which LLVM turns into vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["SosFilter", "bank_power", "bank_power_rows", "sosfilt_rows"]

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**OPTIONS)
def sosfilt_rows(sos, z0, z1, x, y):
    """Filter rows `x` (n_samples, n_channels) into `y`, which may be `x`; z0, z1 (n_sections, n_channels).

    Transposed direct form II in SciPy's order of operations.
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

    bank (n_bands, n_sections, 6); z0, z1 (n_bands, n_sections, n_channels); scratch like x; sums
    (n_bands, n_channels).
    """
    for b in range(bank.shape[0]):
        sosfilt_rows(bank[b], z0[b], z1[b], x, scratch)
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                sums[b, c] += scratch[n, c] * scratch[n, c]


def bank_power(x: np.ndarray, coef: np.ndarray, zi: np.ndarray) -> np.ndarray:
    """Mean square of each channel behind each filter of a bank, (n_channels, n_bands).

    As `fastemo.reference.bank_power`: states start at `zi` times the first sample.
    """
    rows = np.ascontiguousarray(np.asarray(x, np.float64).T)
    state = zi[..., None] * rows[0]  # [band][section][2][channel]
    z0, z1 = np.ascontiguousarray(state[:, :, 0]), np.ascontiguousarray(state[:, :, 1])
    sums = np.zeros((len(coef), rows.shape[1]))
    bank_power_rows(np.ascontiguousarray(coef), z0, z1, rows, np.empty_like(rows), sums)
    return sums.T / len(rows)


class SosFilter:
    """A cascade of second-order sections with its memory; as the compiled class of this name.

    Parameters
    ----------
    sos : ndarray, shape (n_sections, 6)
    n_channels : int
    zi : ndarray, shape (n_sections, 2), optional
        State per unit of each channel's first sample; zero if not given.

    Examples
    --------
    >>> f = SosFilter(np.array([[0.5, 0.5, 0, 1, 0, 0]]), 1)
    >>> f.process(np.array([[2.0, 4.0]])), f.process(np.array([[6.0]]))
    (array([[1., 3.]]), array([[5.]]))
    """

    def __init__(self, sos: np.ndarray, n_channels: int, zi: np.ndarray | None = None) -> None:
        if n_channels < 1:
            raise ValueError(f"n_channels is {n_channels}, expected at least 1")
        self._sos = np.ascontiguousarray(sos, np.float64)
        self._zi = np.zeros((len(self._sos), 2)) if zi is None else np.asarray(zi, np.float64)
        self.n_channels = n_channels
        self.n_sections = len(self._sos)
        self.reset()

    def process(
        self, chunk: np.ndarray, out: np.ndarray | None = None, layout: str = "channels_first"
    ) -> np.ndarray:
        """Filter a chunk into `out`, which may be the chunk itself, or into a new float64 array."""
        if layout not in ("channels_first", "samples_first"):
            raise ValueError(f"layout is {layout!r}, expected 'channels_first' or 'samples_first'")
        if not isinstance(chunk, np.ndarray) or chunk.dtype not in (np.float32, np.float64):
            raise TypeError("chunk must be a NumPy array of float32 or float64")
        channel_axis = 0 if layout == "channels_first" else 1
        if chunk.ndim != 2 or chunk.shape[channel_axis] != self.n_channels:
            raise ValueError(f"chunk has shape {chunk.shape}, expected {self.n_channels} channels ({layout})")
        if out is None:
            out = np.empty(chunk.shape)
        elif out.shape != chunk.shape:
            raise ValueError(f"out has shape {out.shape}, expected that of chunk, {chunk.shape}")
        if chunk.size:
            rows = np.array(chunk.T if channel_axis == 0 else chunk, np.float64, order="C")
            if not self._started:
                self._z0[...], self._z1[...] = self._zi[:, :1] * rows[0], self._zi[:, 1:] * rows[0]
                self._started = True
            sosfilt_rows(self._sos, self._z0, self._z1, rows, rows)
            out[...] = rows.T if channel_axis == 0 else rows
        return out

    def reset(self) -> None:
        """Forget the past: the next chunk begins a recording."""
        self._z0 = np.zeros((self.n_sections, self.n_channels))
        self._z1 = np.zeros_like(self._z0)
        self._started = False
