"""Band power of windows under one taper, by FFTs or by running sums of DFT bins: the same numbers to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._design import band_edges, band_power_costs, one_sided_scale, taper_window
from fastemo.bands import BandSet, check_bands

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["COSINES", "tapered_power"]

# Tapers a - b cos(2 pi t / n): a, b.
COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "boxcar": (1.0, 0.0)}
MOST_SLIDING = 1 << 20  # samples of a window that slides


def tapered_power(build: Build, bands: BandSet, method: str, taper: Any, detrend: bool, stage: str) -> None:
    """Adds the ops; `method` "auto" is the cheaper of "fft" and "sliding"."""
    n = build.length
    check_bands(bands, build.sfreq)
    edges = band_edges(bands, n, build.sfreq)
    first, stop = int(edges.min()), int(edges.max())
    if method == "auto":
        slides = isinstance(taper, str) and taper in COSINES and first >= 1 and n <= MOST_SLIDING
        method = build.choose(band_power_costs(n, build.hop, stop - first), stage) if slides else "fft"
    if method == "fft":
        build.fft_power(bands, taper, detrend)
        return
    build.add(
        "sliding_power", taper=np.array(COSINES[taper]), detrend=int(detrend), bins=[first, stop],
        scale=one_sided_scale(taper_window(taper, n), build.sfreq)[first:stop],
        edges=edges - first, weight=np.full(len(edges), build.sfreq / n),
    )  # fmt: skip
    build.state_bytes += 8 * len(build.ch_names) * (n + 4 * (stop - first + 2))
    build.powers(bands)
