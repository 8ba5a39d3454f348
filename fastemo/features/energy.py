"""Energy of each signal in frequency bands, by the filters that mne-features takes from MNE."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_positive
from fastemo.features._freq_bands import BANDS, check_freq_bands
from fastemo.features._reduce import check_length, each, signals_of

__all__ = ["energy_freq_bands"]

# A Hamming window of n taps has a transition of 3.3 sfreq / n.
HAMMING_TRANSITION = 3.3
BATCH = 1 << 16  # samples filtered at a time: they stay in the cache


def energy_freq_bands(
    x: Any, sfreq: float, freq_bands: Any = BANDS, deriv_filt: bool = True, *, threads: int = 1
) -> np.ndarray:
    """Sum of squares of the signal filtered to each band, as mne-features defines it [1]_.

    The filters are MNE's default: linear phase, windowed by Hamming, transitions of a quarter of the edge, 2 Hz at
    least; ends continued by point reflection; no delay, hence not for a stream (`BandPower` is).

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
    sfreq : float
        In Hz.
    freq_bands : sequence of float, sequence of pairs, or dict of pairs
        Successive edges, or the edges of each band, in Hz; above 0 and below half of sfreq.
    deriv_filt : bool
        Filter x[i + 1] - x[i - 1] instead of x.
    threads : int
        Batches of signals are shared among so many threads; results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_bands)
        NaN for a signal that holds NaN or infinity.

    References
    ----------
    .. [1] Kharbouch et al., An algorithm for seizure onset detection using intracranial EEG, 2011,
       doi:10.1016/j.yebeh.2011.08.031.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 10 * np.arange(500) / 250)
    >>> energy_freq_bands(x, 250, [(8, 13), (20, 30)], deriv_filt=False).round()
    array([249.,   0.])
    """
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    edges, _ = check_freq_bands(freq_bands, sfreq)
    for low, high in edges:
        if not 0 < low < high < sfreq / 2:
            raise ValueError(
                f"freq_bands must rise from above 0 to below the Nyquist frequency, {sfreq / 2:g} Hz, "
                f"got the band {low:g} to {high:g} Hz"
            )
    signals, shape = signals_of(x)
    check_length("energy_freq_bands", signals.shape[1], 2)
    filters = [band_pass(sfreq, low, high) for low, high in edges]
    reach = min(max(len(taps) // 2 for taps in filters), signals.shape[1] - 1)
    energies = np.empty((len(signals), len(filters)))
    step = max(1, BATCH // signals.shape[1])

    def work(start: int) -> None:
        part = signals[start : start + step].astype(np.float64)
        finite = np.isfinite(part).all(axis=1)
        part[~finite] = 0
        if deriv_filt:
            ends = np.concatenate([part[:, :1], part, part[:, -1:]], axis=1)
            part = ends[:, 2:] - ends[:, :-2]
        longer = continued(part, reach)
        for b, taps in enumerate(filters):
            energies[start : start + step, b] = _energy(longer, part.shape[1], taps)
        energies[start : start + step][~finite] = np.nan

    each(work, range(0, len(signals), step), threads)
    return energies.reshape(*shape, -1)


def low_pass(sfreq: float, edge: float, transition: float) -> np.ndarray:
    """Taps of a windowed sinc, an odd number, whose sum is 1."""
    n = round(HAMMING_TRANSITION * sfreq / transition)
    n += 1 - n % 2
    taps = np.sinc(2 * edge / sfreq * (np.arange(n) - n // 2)) * np.hamming(n)
    return taps / taps.sum()


def band_pass(sfreq: float, low: float, high: float) -> np.ndarray:
    """The difference of two low passes, as long as the sharper transition asks."""
    below = min(max(0.25 * low, 2.0), low)
    above = min(max(0.25 * high, 2.0), sfreq / 2 - high)
    n = int(np.ceil(HAMMING_TRANSITION / min(below, above) * sfreq))
    n += 1 - n % 2
    taps = np.zeros(n)
    for part, sign in (
        (low_pass(sfreq, high + above / 2, above), 1),
        (low_pass(sfreq, low - below / 2, below), -1),
    ):
        margin = (n - len(part)) // 2
        taps[margin : n - margin] += sign * part
    return taps


def continued(x: np.ndarray, reach: int) -> np.ndarray:
    """`x` with so many samples more at either end, by reflection in the end points."""
    head = 2 * x[:, :1] - x[:, reach:0:-1]
    tail = 2 * x[:, -1:] - x[:, -2 : -reach - 2 : -1]
    return np.concatenate([head, x, tail], axis=1)


def _energy(longer: np.ndarray, n: int, taps: np.ndarray) -> np.ndarray:
    """Sum of squares of the middle n samples of `longer`, filtered; beyond its ends it is 0."""
    from scipy.fft import irfft, next_fast_len, rfft

    half, reach = len(taps) // 2, (longer.shape[1] - n) // 2
    reach_used = min(half, reach)
    near = longer[:, reach - reach_used : reach + n + reach_used]
    # What wraps around falls before the samples that are wanted.
    n_fft = next_fast_len(near.shape[1] + half - reach_used, real=True)
    bins = rfft(near, n_fft)
    bins *= rfft(taps, n_fft)
    start = half + reach_used
    filtered = irfft(bins, n_fft, overwrite_x=True)[:, start : start + n]
    return np.einsum("ij,ij->i", filtered, filtered)
