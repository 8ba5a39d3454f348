"""A linear decoder, and the whole loop from samples to probabilities as one compiled function."""

from __future__ import annotations

import numpy as np
from numba import njit

from fastemo.jit.filters import OPTIONS, bank_power_rows, sosfilt_rows

__all__ = ["linear_scores", "sliding_inference", "softmax"]


@njit(**OPTIONS)
def linear_scores(coef, bias, x, out):
    """out = coef x + bias, coef (n_outputs, n_features)."""
    for k in range(len(bias)):
        total = bias[k]
        for i in range(len(x)):
            total += coef[k, i] * x[i]
        out[k] = total


@njit(**OPTIONS)
def softmax(x):
    """Probabilities of scores, in place."""
    top = x.max()
    total = 0.0
    for k in range(len(x)):
        x[k] = np.exp(x[k] - top)
        total += x[k]
    for k in range(len(x)):
        x[k] /= total


@njit(**OPTIONS)
def _infer(x, sos, z0, z1, bank, bank_z0, bank_z1, length, hop, block, floor, coef, bias, out):
    """Rows x (n_samples, n_channels) to probabilities out (n_windows, n_outputs).

    Squares are summed over blocks of gcd(hop, length) samples and windows over whole blocks.
    """
    n_bands, n_channels = bank.shape[0], x.shape[1]
    n_blocks = length // block
    ring = np.zeros((n_blocks, n_bands, n_channels))
    rows, scratch = np.empty((block, n_channels)), np.empty((block, n_channels))
    features = np.empty(n_bands * n_channels)
    window = 0
    for i in range(x.shape[0] // block):
        sums = ring[i % n_blocks]
        sums[:] = 0.0
        sosfilt_rows(sos, z0, z1, x[i * block : (i + 1) * block], rows)
        bank_power_rows(bank, bank_z0, bank_z1, rows, scratch, sums)
        end = (i + 1) * block
        if end < length or (end - length) % hop != 0:
            continue
        for b in range(n_bands):
            for c in range(n_channels):
                total = 0.0
                for j in range(n_blocks):
                    total += ring[j, b, c]
                power = max(total / length, floor)
                features[b * n_channels + c] = 0.5 * np.log(2 * np.pi * np.e * power)
        linear_scores(coef, bias, features, out[window])
        softmax(out[window])
        window += 1


def sliding_inference(
    x: np.ndarray,
    sos: np.ndarray,
    bank: np.ndarray,
    length: int,
    hop: int,
    coef: np.ndarray,
    bias: np.ndarray,
    floor: float = 1e-4,
) -> np.ndarray:
    """Probabilities per window of a differential-entropy decoder; as `fastemo.reference.sliding_inference`.

    Parameters
    ----------
    x : ndarray, shape (n_channels, n_samples)
    sos : ndarray, shape (n_sections, 6)
        Filter of the signal; starts from its first sample.
    bank : ndarray, shape (n_bands, n_sections, 6)
        Filter bank; starts from its first input.
    length, hop : int
        In samples.
    coef, bias : ndarray, shapes (n_classes, n_bands * n_channels) and (n_classes,)
        Decoder of the entropies, ordered [band][channel].
    floor : float
        Smallest power.

    Returns
    -------
    ndarray, shape (n_windows, n_classes)
    """
    from scipy.signal import sosfilt_zi

    rows = np.ascontiguousarray(np.asarray(x, np.float64).T)
    n_windows = (len(rows) - length) // hop + 1 if len(rows) >= length else 0
    out = np.empty((n_windows, len(bias)))
    if not n_windows:
        return out
    zi = sosfilt_zi(sos)
    z0, z1 = zi[:, :1] * rows[0], zi[:, 1:] * rows[0]
    gain = np.prod(sos[:, :3].sum(axis=1) / sos[:, 3:].sum(axis=1))
    bank_zi = np.stack([sosfilt_zi(s) for s in bank])[..., None] * (gain * rows[0])
    bank_z0, bank_z1 = np.ascontiguousarray(bank_zi[:, :, 0]), np.ascontiguousarray(bank_zi[:, :, 1])
    block = int(np.gcd(length, hop))
    _infer(rows, sos, z0, z1, bank, bank_z0, bank_z1, length, hop, block, floor, coef, bias, out)
    return out
