"""What the engine does about time stamps, gaps and NaN."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["BACKWARD_POLICIES", "GAP_POLICIES", "InputOptions"]

GAP_POLICIES = ("hold", "interpolate", "reset")
BACKWARD_POLICIES = ("raise", "drop")


class InputOptions(NamedTuple):
    """What the engine does about time stamps, gaps and NaN; times in seconds."""

    gap_policy: str = "hold"
    max_gap: float = 1.0
    gap_tolerance: float | None = None
    on_backward: str = "raise"

    def header(self, sfreq: float) -> dict[str, np.ndarray]:
        tolerance = max(2 / sfreq, 0.040) if self.gap_tolerance is None else float(self.gap_tolerance)
        return {
            "input.gap_policy": np.array([GAP_POLICIES.index(self.gap_policy)]),
            "input.max_gap": np.array([max(1, round(self.max_gap * sfreq))]),
            "input.gap_tolerance": np.array([tolerance]),
            "input.on_backward": np.array([BACKWARD_POLICIES.index(self.on_backward)]),
        }
