"""Eye movements in all channels, by what goes with the channels at the eyes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_array_2d, check_finite

__all__ = ["eog_coefficients", "regress_eog"]


def eog_coefficients(x: Any, eog: Any) -> np.ndarray:
    """How much of each EOG channel is in each channel, by least squares.

    B = cov(x, eog) cov(eog)^-1 (Gratton et al. 1983, doi:10.1016/0013-4694(83)90135-9), as
    `mne.preprocessing.EOGRegression.fit`.

    Parameters
    ----------
    x : array_like, shape (n_channels, n_samples)
        A recording with eye movements in it.
    eog : array_like, shape (n_eog, n_samples)
        Bipolar or unipolar channels at the eyes.

    Returns
    -------
    ndarray, shape (n_channels, n_eog)

    Raises
    ------
    ValueError
        Recordings of different lengths, samples that are not finite, EOG channels that are flat or the same.

    Examples
    --------
    >>> eog = np.array([[0.0, 1.0, 0.0, -1.0]])
    >>> eog_coefficients(np.array([[5.0, 5.5, 5.0, 4.5]]), eog)
    array([[0.5]])
    """
    x, eog = _pair(x, eog)
    centred = eog - eog.mean(axis=1, keepdims=True)
    if np.linalg.matrix_rank(centred) < len(eog):
        raise ValueError(
            f"eog must hold {len(eog)} channels none of which follows from the others, got a flat one or the same twice"
        )
    return np.linalg.lstsq(centred.T, (x - x.mean(axis=1, keepdims=True)).T, rcond=None)[0].T


def regress_eog(x: Any, eog: Any, coef: Any = None) -> np.ndarray:
    """The signal without what goes with the EOG: x - B (eog - mean).

    Parameters
    ----------
    x : array_like, shape (n_channels, n_samples)
    eog : array_like, shape (n_eog, n_samples)
    coef : array_like, shape (n_channels, n_eog), optional
        Of another recording of the same person, from `eog_coefficients`; of this one by default.

    Returns
    -------
    ndarray of float64, shape (n_channels, n_samples)
        A new array.

    Notes
    -----
    EOG channels hear the brain as well: with frontal channels in their place, frontal brain activity goes too. The
    stage `EOGRegression` does this in the stream.

    Examples
    --------
    >>> blink = np.array([[0.0, 80.0, 0.0, 0.0]])
    >>> regress_eog(np.array([[1.0, 41.0, 1.0, 1.0]]), blink).round(9)
    array([[11., 11., 11., 11.]])
    """
    b = eog_coefficients(x, eog) if coef is None else np.asarray(coef, float)
    x, eog = _pair(x, eog)
    if b.shape != (len(x), len(eog)):
        raise ValueError(
            f"coef must have shape ({len(x)}, {len(eog)}), one row per channel and one column per EOG, got {b.shape}"
        )
    return x - check_finite("coef", b) @ (eog - eog.mean(axis=1, keepdims=True))


def _pair(x: Any, eog: Any) -> tuple[np.ndarray, np.ndarray]:
    arrays = {"x": x, "eog": eog}
    x, eog = (check_finite(k, check_array_2d(k, v).astype(np.float64, copy=False)) for k, v in arrays.items())
    if x.shape[1] != eog.shape[1]:
        raise ValueError(f"eog must be as long as x ({x.shape[1]} samples), got {eog.shape[1]}")
    return x, eog
