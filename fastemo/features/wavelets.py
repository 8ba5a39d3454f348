"""Energies of a discrete wavelet transform of each signal, as mne-features defines them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb

import numpy as np

from fastemo.features._reduce import Reduction, check_length, feature

__all__ = ["teager_kaiser_energy", "wavelet_coef_energy"]

MAX_LEVELS = 6


@lru_cache
def daubechies(n: int) -> tuple[float, ...]:
    """Low-pass taps of the decomposition by Daubechies' wavelet with n vanishing moments, n from 1 to 20.

    The polynomial sum_k C(n - 1 + k, k) y^k has roots that map, by z + 1/z = 2 - 4 y, to pairs of zeros; the filter
    has those inside the unit circle and n at -1 (Daubechies 1988, doi:10.1002/cpa.3160410705).

    Examples
    --------
    >>> np.round(daubechies(2), 4)
    array([-0.1294,  0.2241,  0.8365,  0.483 ])
    """
    taps = np.array([1.0 + 0j])
    for y in np.roots([comb(n - 1 + k, k) for k in range(n)][::-1]):
        half = 1 - 2 * y
        z = half + np.sqrt(half * half - 1 + 0j)
        taps = np.convolve(taps, [1, -z if abs(z) < 1 else -1 / z])
    for _ in range(n):
        taps = np.convolve(taps, [1, 1])
    return tuple((taps.real[::-1] * np.sqrt(2) / taps.real.sum()).tolist())


def wavelet_taps(wavelet: str | Sequence[float]) -> tuple[float, ...]:
    """Low-pass taps of an orthogonal wavelet by name, or the taps themselves, checked."""
    if not isinstance(wavelet, str):
        taps = np.asarray(wavelet, np.float64)
        if taps.ndim != 1 or len(taps) < 2 or len(taps) % 2 or not np.isfinite(taps).all():
            raise ValueError(f"wavelet must be a name or an even number of low-pass taps, got {wavelet!r}")
        return tuple(taps.tolist())
    if wavelet == "haar":
        return daubechies(1)
    if wavelet.startswith("db") and wavelet[2:].isdigit() and 1 <= int(wavelet[2:]) <= 20:
        return daubechies(int(wavelet[2:]))
    try:
        import pywt
    except ImportError:
        raise ImportError(
            f"the wavelet {wavelet!r} is none of haar, db1 to db20, which fastemo has: install PyWavelets "
            "(pip install PyWavelets), or pass the low-pass taps of its decomposition"
        ) from None
    found = pywt.Wavelet(wavelet)
    if not found.orthogonal:
        raise ValueError(
            f"the wavelet {wavelet!r} is not orthogonal: choose one of the db, sym or coif families"
        )
    return tuple(found.dec_lo)


def _decomposition(what: str, n: int, wavelet: str | Sequence[float]) -> tuple[float, ...]:
    """Levels, as many as make sense up to six, and taps."""
    taps = wavelet_taps(wavelet)
    check_length(what, n, 2 * (len(taps) - 1), f"one level of a wavelet of {len(taps)} taps")
    levels = min((n // (len(taps) - 1)).bit_length() - 1, MAX_LEVELS)
    return levels, *taps


@feature
def wavelet_coef_energy(n_samples: int, wavelet: str | Sequence[float] = "db4") -> Reduction:
    """Sum of the squared details of each level of a wavelet transform, the finest first.

    Parameters
    ----------
    <x>
    wavelet : str or sequence of float
        "haar", "db1" to "db20"; any other orthogonal wavelet that PyWavelets knows, if it is installed; or the
        low-pass taps of the decomposition. Ends are mirrored.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_levels)
        As many levels as n_samples allows, up to 6. NaN for a signal that holds NaN or infinity.

    Examples
    --------
    >>> wavelet_coef_energy([1.0, 1.0, 3.0, 3.0], "haar").round(12)
    array([0., 4.])
    """
    params = _decomposition("wavelet_coef_energy", n_samples, wavelet)
    return Reduction("wavelet_coef_energy", params, tuple(f"level{k + 1}" for k in range(int(params[0]))))


@feature
def teager_kaiser_energy(n_samples: int, wavelet: str | Sequence[float] = "db4") -> Reduction:
    """Mean and standard deviation of the Teager-Kaiser energy of the levels of a wavelet transform [1]_.

    Parameters
    ----------
    <x>
    wavelet : str or sequence of float
        As in `wavelet_coef_energy`.
    <threads>

    Returns
    -------
    ndarray of float64, shape (..., n_channels, 2 (n_levels + 1))
        Mean and unbiased standard deviation of the approximation, then of the details from the coarsest on. NaN
        where a level has fewer than three (four) samples, and for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Badani et al., Detection of epilepsy based on discrete wavelet transform and Teager-Kaiser energy
       operator, 2017, doi:10.1109/CALCON.2017.8280712.

    Examples
    --------
    >>> teager_kaiser_energy(np.ones(64), "db4").shape
    (8,)
    """
    params = _decomposition("teager_kaiser_energy", n_samples, wavelet)
    levels = ["rough", *(f"level{k}" for k in range(int(params[0]), 0, -1))]
    return Reduction(
        "teager_kaiser_energy",
        params,
        tuple(f"{level}_{stat}" for level in levels for stat in ("mean", "std")),
    )
