"""Energies of a discrete wavelet transform."""

from __future__ import annotations

import numpy as np

__all__ = ["teager_kaiser_energy", "wavelet_coef_energy"]


def transform(x, levels, low):
    """Details of each level, the finest first, and the approximation (Mallat 1989); ends are mirrored."""
    low = np.asarray(low)
    n_taps = len(low)
    high = low[::-1] * (-1) ** np.arange(1, n_taps + 1)
    details = []
    for _ in range(int(levels)):
        mirrored = np.pad(x, ((0, 0), (n_taps - 1, n_taps - 1)), "symmetric")
        smooth, rest = (
            np.stack([np.convolve(s, taps, "valid")[1::2] for s in mirrored]) for taps in (low, high)
        )
        details.append(rest)
        x = smooth
    return details, x


def wavelet_coef_energy(x, levels, *low):
    details, _ = transform(x, levels, low)
    return np.array([(d**2).sum(axis=1) for d in details])


def teager_kaiser_energy(x, levels, *low):
    details, rough = transform(x, levels, low)
    rows = []
    for c in [rough, *details[::-1]]:
        energy = c[:, 1:-1] ** 2 - c[:, :-2] * c[:, 2:]
        nothing = np.full(len(x), np.nan)
        rows.append(energy.mean(axis=1) if energy.shape[1] > 0 else nothing)
        rows.append(energy.std(axis=1, ddof=1) if energy.shape[1] > 1 else nothing)
    return np.array(rows)
