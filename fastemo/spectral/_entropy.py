"""Differential entropy of band-passed signals."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.spectral._bands import band_power
from fastemo.spectral._common import FLOOR_UV2, Bands, only

__all__ = ["differential_entropy"]


def differential_entropy(
    x: Any,
    sfreq: float,
    bands: Bands,
    definition: str = "gauss",
    *,
    order: int = 4,
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Differential entropy of every channel in every band, in nats, as if the band's signal were Gaussian.

    `1/2 ln(2 pi e s^2)` [1]_ with s^2 the band power in uV^2, at least 1e-4 uV^2.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        In uV.
    sfreq : float
        Sampling frequency in Hz.
    bands : str, mapping of names to (lo, hi), or sequence of (lo, hi)
        In Hz, [lo, hi); the name of a set in `fastemo.BANDS`.
    definition : {"gauss", "spectral"}
        "gauss": s^2 is the mean square of a causal Butterworth band-pass of `x` (no mean taken off).
        "spectral": s^2 is the band power of the whole of `x` by FFT under a Hann taper, its mean taken off.
    order : int
        Of the band-passes of "gauss", as in `scipy.signal.butter`.
    threads : int
        Results do not depend on it.
    out : ndarray of float64, shape (..., n_channels, n_bands), C-contiguous, optional

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_bands)

    References
    ----------
    .. [1] Duan, Zhu & Lu (2013), IEEE/EMBS NER, doi:10.1109/NER.2013.6695876

    Examples
    --------
    >>> differential_entropy(np.zeros((1, 500)), 250, {"alpha": (8, 13)}).round(3)
    array([[-3.186]])
    """
    check_in("definition", definition, ("gauss", "spectral"))
    if definition == "spectral":
        only("definition", definition, order=(order, 4))
    method = "filterbank" if definition == "gauss" else "fft"
    power = band_power(x, sfreq, bands, method, order=order, threads=threads, out=out)
    np.log(2 * np.pi * np.e * np.maximum(power, FLOOR_UV2), out=power)
    power *= 0.5
    return power
