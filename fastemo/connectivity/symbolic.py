"""Mutual information of the order of successive samples."""

from __future__ import annotations

from itertools import permutations
from math import factorial, log
from typing import Any

import numpy as np

from fastemo._validate import check_positive
from fastemo.connectivity._arguments import check_flat, epochs_of, names_of, refuse_nan

__all__ = ["wsmi"]


def wsmi(
    x: Any, sfreq: float, *, kernel: int = 3, tau: int = 8, weighted: bool = True, anti_aliasing: bool = True
) -> np.ndarray:
    """Weighted symbolic mutual information between all channels, of each epoch [1]_.

    A sample becomes the symbol that says how it and the next `kernel - 1` samples, `tau` apart, rank. Mutual information
    of two channels' symbols is summed without equal and without opposite ones, which one source at zero lag makes, and
    divided by ln(kernel!): `mne_connectivity.wsmi`.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
    sfreq : float
        In Hz.
    kernel : int
        Samples of a symbol, 2 to 5; an epoch should hold many times the squared number of symbols, 36 for 3.
    tau : int
        Samples between them: symbols look at frequencies up to sfreq / (kernel tau).
    weighted : bool
        Leave equal and opposite symbols out.
    anti_aliasing : bool
        Low-pass (Butterworth, order 6, zero phase) at that frequency first.

    Returns
    -------
    ndarray, shape (n_epochs, n_channels, n_channels)
        Symmetric, the diagonal is 0. Unrelated channels have about (kernel! - 1)^2 / (2 n ln(kernel!)), n the independent
        symbols.

    Raises
    ------
    ValueError
        An epoch too short for one symbol.

    References
    ----------
    .. [1] King et al., Information sharing in the brain indexes consciousness in noncommunicative patients, 2013,
       doi:10.1016/j.cub.2013.07.075.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((3, 4000))
    >>> x[1, 5:] += 2 * x[0, :-5]
    >>> found = wsmi(x, 250, tau=4)[0]
    >>> bool(found[0, 1] > 5 * found[0, 2])
    True
    """
    x = epochs_of(x).astype(np.float64)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    for name, value, most in (("kernel", kernel, 5), ("tau", tau, x.shape[-1])):
        least = 2 if name == "kernel" else 1
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
            raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    span = tau * (kernel - 1)
    if x.shape[-1] <= span:
        raise ValueError(
            f"an epoch has {x.shape[-1]} samples, but a symbol of {kernel} samples {tau} apart spans {span + 1}: use a "
            "smaller tau or longer epochs"
        )
    names = names_of(None, x.shape[1])
    if not np.isfinite(x).all():
        refuse_nan(x, names)
    check_flat(x, names)
    cutoff = sfreq / kernel / tau
    if anti_aliasing and cutoff < 0.99 * sfreq / 2:
        from scipy.signal import butter, sosfiltfilt

        x = sosfiltfilt(butter(6, cutoff, fs=sfreq, output="sos"), x)

    n = x.shape[-1] - span
    order = np.argsort(np.stack([x[..., k * tau : k * tau + n] for k in range(kernel)], axis=-1), axis=-1)
    known = list(permutations(range(kernel)))
    number = np.zeros((kernel,) * kernel, np.intp)
    for i, symbol in enumerate(known):
        number[symbol] = i
    symbols = number[tuple(np.moveaxis(order, -1, 0))]
    weights = np.ones((len(known), len(known)))
    if weighted:
        for i, symbol in enumerate(known):
            weights[i, i] = weights[i, known.index(symbol[::-1])] = 0
    return np.stack([_information(epoch, weights) for epoch in symbols]) / log(factorial(kernel))


def _information(symbols: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mutual information of symbols (n_channels, n), each pair of symbols with its weight."""
    n_channels, n = symbols.shape
    n_symbols = len(weights)
    there = (symbols[:, None] == np.arange(n_symbols)[:, None]).astype(np.float64).reshape(-1, n)
    joint = (there @ there.T / n).reshape(n_channels, n_symbols, n_channels, n_symbols)
    single = there.mean(axis=-1).reshape(n_channels, n_symbols)
    expected = single[:, :, None, None] * single
    ratio = np.divide(joint, expected, out=np.ones_like(joint), where=joint > 0)
    out = np.einsum("xayb,ab->xy", joint * np.log(ratio), weights)
    np.fill_diagonal(out, 0.0)
    return (out + out.T) / 2  # the two sums differ in their last bits
