"""Differences between the halves of the head, and between its front and its back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._pairs import find_pairs
from fastemo.spectral._bands import band_power

__all__ = ["dasm", "dcau", "frontal_alpha_asymmetry", "rasm"]

Pairs = Sequence[tuple[str, str]]


def dasm(features: Any, ch_names: Sequence[str], pairs: Pairs | None = None) -> np.ndarray:
    """Differential asymmetry [1]_: the feature of the left channel minus that of the right.

    Parameters
    ----------
    features : array_like, shape (..., n_channels, n_bands)
        As `differential_entropy` gives them.
    ch_names : sequence of str
    pairs : sequence of (left, right), optional
        By default all homologues of the 10-10 system (`fastemo.montage.hemisphere_pairs`): 27 in SEED's montage.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs, n_bands)

    References
    ----------
    .. [1] Duan, Zhu & Lu (2013), IEEE/EMBS NER, doi:10.1109/NER.2013.6695876

    Examples
    --------
    >>> dasm([[3.0], [1.0], [2.0]], ["F3", "F4", "Cz"])
    array([[2.]])
    """
    first, second = _of_pairs("dasm", features, ch_names, pairs)
    return first - second


def rasm(features: Any, ch_names: Sequence[str], pairs: Pairs | None = None) -> np.ndarray:
    """Rational asymmetry [1]_: the feature of the left channel over that of the right, 0 where that is 0.

    Of use only on the scale it was trained on, and where features stay away from 0: as with entropies in uV.

    Parameters
    ----------
    features, ch_names, pairs
        As in `dasm`.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs, n_bands)

    References
    ----------
    .. [1] Duan, Zhu & Lu (2013), IEEE/EMBS NER, doi:10.1109/NER.2013.6695876

    Examples
    --------
    >>> rasm([[3.0], [2.0]], ["F3", "F4"])
    array([[1.5]])
    """
    first, second = _of_pairs("rasm", features, ch_names, pairs)
    return np.divide(first, second, out=np.zeros_like(first), where=second != 0)


def dcau(features: Any, ch_names: Sequence[str], pairs: Pairs | None = None) -> np.ndarray:
    """Differential caudality [1]_: the feature of the frontal channel minus that of the posterior one.

    Parameters
    ----------
    features, ch_names
        As in `dasm`.
    pairs : sequence of (frontal, posterior), optional
        By default those of `fastemo.montage.frontal_posterior_pairs`: 23 in SEED's montage.

    Returns
    -------
    ndarray of float64, shape (..., n_pairs, n_bands)

    References
    ----------
    .. [1] Zheng & Lu (2015), IEEE Transactions on Autonomous Mental Development 7(3),
       doi:10.1109/TAMD.2015.2431497

    Examples
    --------
    >>> dcau([[3.0], [2.0]], ["Fz", "Pz"])
    array([[1.]])
    """
    first, second = _of_pairs("dcau", features, ch_names, pairs)
    return first - second


def frontal_alpha_asymmetry(
    x: Any,
    sfreq: float,
    ch_names: Sequence[str],
    *,
    band: tuple[float, float] = (8.0, 13.0),
    pairs: Pairs | None = None,
    method: str = "fft",
    threads: int = 1,
    **options: Any,
) -> np.ndarray:
    """ln of the alpha power of the right frontal channel minus that of the left.

    Above 0 there is less alpha on the left, which is read as more activity there. A reliable measurement and a
    weak marker: it differs between people without meaning much. Reference to the average of many channels, not
    to Cz.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        In uV.
    sfreq : float
        Sampling frequency in Hz.
    ch_names : sequence of str
    band : (float, float)
        In Hz.
    pairs : sequence of (left, right), optional
        By default those of F3-F4, F7-F8 and AF3-AF4 that are there.
    method, options
        As in `band_power`.
    threads : int

    Returns
    -------
    ndarray of float64, shape (..., n_pairs)

    Examples
    --------
    >>> alpha = np.sin(2 * np.pi * 10 * np.arange(500) / 250)
    >>> frontal_alpha_asymmetry([10 * alpha, 20 * alpha], 250, ["F3", "F4"]).round(3)
    array([1.386])
    """
    power = band_power(x, sfreq, {"alpha": band}, method, log=True, threads=threads, **options)
    left, right = _of_pairs("faa", power, ch_names, pairs)
    return (right - left)[..., 0]


def _of_pairs(
    kind: str, features: Any, ch_names: Sequence[str], pairs: Pairs | None
) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(features, np.float64)
    if values.ndim < 2 or values.shape[-2] != len(ch_names):
        raise ValueError(
            f"features must have shape (..., {len(ch_names)} channels, n_bands), got {values.shape}"
        )
    where = find_pairs(kind, ch_names, pairs)[1]
    return values[..., where[:, 0], :], values[..., where[:, 1], :]
