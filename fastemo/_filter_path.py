"""The filters that a signal has passed: how long they take to fill, and how far they delay a band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastemo._design import filled_after, path_delay

__all__ = ["FilterPath"]


@dataclass(frozen=True)
class FilterPath:
    """Filters one after the other: sections (n_sections, 6) or taps (n_taps,), by the rate in Hz they run at."""

    parts: tuple[tuple[float, tuple[np.ndarray, ...]], ...]

    def behind(self, *filters: np.ndarray) -> FilterPath:
        """The same with some more behind it."""
        *before, (sfreq, now) = self.parts
        return FilterPath((*before, (sfreq, now + filters)))

    def filled_after(self) -> int:
        """Samples of the recording until all have filled."""
        return filled_after(self.parts[-1][1])

    def delay(self, low: float, high: float) -> float:
        """Power-weighted mean group delay over a band, in seconds."""
        return path_delay(self.parts, low, high)
