"""A linear decoder, and the whole loop from samples to probabilities as one compiled function."""

from __future__ import annotations

import numpy as np
from numba import njit

from fastemo.jit.filters import OPTIONS, bank_power_rows, sosfilt_rows

__all__ = ["infer_rows", "linear_scores", "sigmoid", "sliding_inference", "softmax"]


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
def sigmoid(x):
    """Probability of each score by itself, in place."""
    for k in range(len(x)):
        x[k] = 1.0 / (1.0 + np.exp(-x[k]))


@njit(**OPTIONS)
def infer_rows(x, sos, z0, z1, bank, bank_z0, bank_z1, length, hop, floor, coef, bias, out):
    """Rows x (n_samples, n_channels) to probabilities out (n_windows, n_outputs).

    States as in `sosfilt_rows` and `bank_power_rows`. Squares are summed over blocks of gcd(hop, length) samples
    and windows over whole blocks.
    """
    block, rest = length, hop
    while rest:
        block, rest = rest, block % rest
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
    zi, bank_zi = sosfilt_zi(sos), np.stack([sosfilt_zi(s) for s in bank])
    z0, z1 = np.multiply.outer(zi[:, 0], rows[0]), np.multiply.outer(zi[:, 1], rows[0])
    # What the filter makes of the first sample is where the bank starts.
    first = np.prod(sos[:, :3].sum(axis=1) / sos[:, 3:].sum(axis=1)) * rows[0]
    bank_z0, bank_z1 = np.multiply.outer(bank_zi[..., 0], first), np.multiply.outer(bank_zi[..., 1], first)
    infer_rows(rows, sos, z0, z1, bank, bank_z0, bank_z1, length, hop, floor, coef, bias, out)
    return out
