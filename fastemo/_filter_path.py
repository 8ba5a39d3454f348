"""The filters that a signal has passed: how long they take to fill, and how far they delay a band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

import numpy as np

from fastemo._design import filled_after, path_delay

__all__ = ["FilterPath"]


class Detected(NamedTuple):
    """What is behind a signal that is no longer a filtered one, such as an envelope: the same for all frequencies.

    Seconds of delay altogether and of the last filter alone, and samples of the recording until all have filled.
    """

    delay: float = 0.0
    own: float = 0.0
    filled: int = 0


NOTHING = Detected()


@dataclass(frozen=True)
class FilterPath:
    """Filters one after the other: sections (n_sections, 6) or taps (n_taps,), by the rate in Hz they run at."""

    parts: tuple[tuple[float, tuple[np.ndarray, ...]], ...]
    passed: Detected = NOTHING

    def behind(self, *filters: np.ndarray) -> FilterPath:
        """The same with some more behind it."""
        *before, (sfreq, now) = self.parts
        return replace(self, parts=(*before, (sfreq, now + filters)))

    def resampled(self, taps: np.ndarray, up: int, down: int) -> FilterPath:
        """The same with a change of rate behind it, whose taps run at the raised rate."""
        raised = self.sfreq * up
        return replace(self, parts=(*self.parts, (raised, (taps,)), (raised / down, ())))

    def detected(self, filters: np.ndarray, bands: Mapping[str, tuple[float, float]]) -> FilterPath:
        """What is made of bands behind one filter each, `filters` (n_bands, ...): as late as the latest of them."""
        alone = FilterPath(((self.sfreq, ()),))
        pairs = list(zip(filters, bands.values(), strict=True))
        delay, own = (max(path.behind(f).delay(*band) for f, band in pairs) for path in (self, alone))
        filled = max(self.behind(f).filled_after() for f, _ in pairs)
        return FilterPath(tuple((sfreq, ()) for sfreq, _ in self.parts), Detected(delay, own, filled))

    @property
    def sfreq(self) -> float:
        """The rate in Hz behind all filters."""
        return self.parts[-1][0]

    def since(self, before: FilterPath) -> FilterPath:
        """Only the filters that `before`, the beginning of this path, has not."""
        known = [len(filters) for _, filters in before.parts]
        known += [0] * (len(self.parts) - len(known))
        passed = NOTHING
        if self.passed != before.passed:
            known, passed = [0] * len(known), Detected(self.passed.own)
        parts = tuple((sfreq, filters[n:]) for (sfreq, filters), n in zip(self.parts, known, strict=True))
        return FilterPath(parts, passed)

    def filled_after(self) -> int:
        """Samples of the recording until all have filled: behind a change of rate when those before it have."""
        recorded = self.parts[0][0]
        own = sum(ceil(filled_after(filters) * (recorded / sfreq)) for sfreq, filters in self.parts)
        return self.passed.filled + own

    def delay(self, low: float, high: float) -> float:
        """Power-weighted mean group delay over a band, in seconds."""
        return self.passed.delay + path_delay(self.parts, low, high)
