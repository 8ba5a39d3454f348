"""The filters that a signal has passed: how long they take to fill, and how far they delay a band."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

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

    def resampled(self, taps: np.ndarray, up: int, down: int) -> FilterPath:
        """The same with a change of rate behind it, whose taps run at the raised rate."""
        raised = self.sfreq * up
        return FilterPath((*self.parts, (raised, (taps,)), (raised / down, ())))

    @property
    def sfreq(self) -> float:
        """The rate in Hz behind all filters."""
        return self.parts[-1][0]

    def since(self, before: FilterPath) -> FilterPath:
        """Only the filters that `before`, the beginning of this path, has not."""
        known = [len(filters) for _, filters in before.parts]
        known += [0] * (len(self.parts) - len(known))
        return FilterPath(
            tuple((sfreq, filters[n:]) for (sfreq, filters), n in zip(self.parts, known, strict=True))
        )

    def filled_after(self) -> int:
        """Samples of the recording until all have filled: behind a change of rate when those before it have."""
        recorded = self.parts[0][0]
        return sum(ceil(filled_after(filters) * (recorded / sfreq)) for sfreq, filters in self.parts)

    def delay(self, low: float, high: float) -> float:
        """Power-weighted mean group delay over a band, in seconds."""
        return path_delay(self.parts, low, high)
