"""Band power by Morlet wavelets in the stream."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

import numpy as np

from fastemo._design import morlet_wavelet, wavelet_grid, wavelet_half
from fastemo.bands import BandSet, check_bands

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["morlet_power", "wavelet_block"]

SQUARE = np.array(
    [[[1.0, 0, 0, 1, 0, 0]]]
)  # a filter that passes all: what is left of `bank_power` is the mean square


def morlet_power(build: Build, bands: BandSet, n_cycles: float) -> None:
    """Mean over the window of the power of wavelets of each band, all of them as late as half the longest."""
    check_bands(bands, build.sfreq)
    grids = [wavelet_grid(low, high) for low, high in bands.values()]
    delay = max(wavelet_half(build.sfreq, float(f[0]), n_cycles) for f, _ in grids)
    signal, slots = build.slot, []
    for freqs, width in grids:
        wavelets = [morlet_wavelet(build.sfreq, f, n_cycles, True) for f in freqs.tolist()]
        taps, lengths = np.concatenate(wavelets), np.array([len(w) for w in wavelets])
        block = wavelet_block(lengths, delay)
        build.add(
            "wavelets", [signal], taps=np.stack([taps.real, taps.imag], axis=-1), lengths=lengths,
            weights=np.full(len(wavelets), width / build.sfreq), delay=delay, block=block,
        )  # fmt: skip
        slots.append(build.add("bank_power", coef=SQUARE, zi=np.zeros((1, 1, 2))))
        kept = 2 * (2 * block if block else 2 * delay) + 2 * delay + 4 * block
        build.state_bytes += 8 * kept * len(build.ch_names)
    if len(slots) > 1:
        build.add("concat", slots)
    late = build._path.behind(np.eye(delay + 1)[delay])
    longest = max((morlet_wavelet(build.sfreq, float(f[0]), n_cycles, True) for f, _ in grids), key=len)
    build.warmup = max(build.warmup, build._path.behind(longest.real).filled_after())
    for name, band in bands.items():
        build.delays[name] = late.delay(*band)
    build._by_band(bands)


def wavelet_block(lengths: np.ndarray, delay: int) -> int:
    """How a stream convolves with so many wavelets at the least cost: 0 directly, else the block of the FFT.

    As `fir_block`; what of a wavelet is more than a block late has no direct part.

    Examples
    --------
    >>> wavelet_block(np.array([41, 39]), 20), wavelet_block(np.array([637, 507, 421]), 928)
    (0, 512)
    """
    cost = {0: 0.12 * float(np.sum(lengths))}
    begin = delay - lengths // 2
    end = begin + lengths
    for block in (32, 64, 128, 256, 512, 1024, 2048):
        direct = np.clip(block - begin, 0, lengths)
        parts = np.where(direct < lengths, (end - 1) // block - np.maximum(begin, block) // block + 1, 0)
        back = np.where(parts > 0, 2 * (0.8 + 0.16 * log2(2 * block) + 0.2 * parts), 0)
        cost[block] = float(np.sum(0.12 * direct + back)) + 0.8 + 0.16 * log2(2 * block)
    return min(cost, key=cost.__getitem__)
