"""The cases of covariances: a part of the table in `fastemo._cases`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["of_windows"]


def of_windows(
    module: ModuleType,
    call: Callable[[ModuleType, np.ndarray, np.ndarray], Any],
    n_channels: int,
    n_samples: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """A function of the signal in three windows and of their covariances."""
    n = n_samples // 3

    def run(x: np.ndarray) -> np.ndarray:
        windows = x[:, : 3 * n].reshape(n_channels, 3, n).swapaxes(0, 1)
        result = call(module, windows, module.covariance(windows, 4, 0.0, True, 1))
        return result[0] if isinstance(result, tuple) else result

    return run
