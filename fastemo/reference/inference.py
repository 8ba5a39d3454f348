"""From samples to probabilities in one function, written to be read."""

from __future__ import annotations

import numpy as np

from fastemo.reference.signal import cascade
from fastemo.reference.spectral import sliding_mean_square

__all__ = ["linear_scores", "sigmoid", "sliding_inference", "softmax"]


def linear_scores(coef: np.ndarray, bias: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """out = coef x + bias, coef (n_outputs, n_features)."""
    out[:] = coef @ x + bias


def softmax(x: np.ndarray) -> None:
    """Probabilities of scores, in place."""
    x[:] = np.exp(x - x.max())
    x /= x.sum()


def sigmoid(x: np.ndarray) -> None:
    """Probability of each score by itself, in place."""
    x[:] = 1 / (1 + np.exp(-x))


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
    """Probabilities per window: filter, filter bank, mean square, differential entropy, linear, softmax.

    Parameters
    ----------
    x : ndarray, shape (n_channels, n_samples)
    sos, bank : ndarray, shapes (n_sections, 6) and (n_bands, n_sections, 6)
        Their states start from their first input.
    length, hop : int
        In samples.
    coef, bias : ndarray, shapes (n_classes, n_bands * n_channels) and (n_classes,)
    floor : float
        Smallest power.

    Returns
    -------
    ndarray, shape (n_windows, n_classes)
    """
    from scipy.signal import sosfilt_zi

    y = cascade(sos, np.multiply.outer(sosfilt_zi(sos), x[:, 0]), x)
    filtered = [cascade(s, np.multiply.outer(sosfilt_zi(s), y[:, 0]), y) for s in bank]
    power = np.stack([sliding_mean_square(band, length, hop) for band in filtered])  # [band][channel][window]
    entropy = 0.5 * np.log(2 * np.pi * np.e * np.maximum(power, floor))
    out = np.empty((power.shape[-1], len(bias)))
    for row, features in zip(out, entropy.reshape(coef.shape[1], -1).T, strict=True):
        linear_scores(coef, bias, features, row)
        softmax(row)
    return out
