"""Parts of the cases: functions of whole arrays, and the designs they are tried with."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["array_function", "taps", "transfer"]


def array_function(call: Callable[[ModuleType, np.ndarray], Any], of_signal: bool = True) -> Callable:
    """A function of `fastemo.signal` (or `.spectral`), along the last axis, and its definition in the reference."""

    def make(implementation: str, n_channels: int, n_samples: int) -> Callable:
        from fastemo import reference, signal, spectral
        from fastemo.reference import arrays

        pair: Any = (signal, arrays) if of_signal else (spectral, reference)
        module = pair[implementation != "native"]

        def run(x: np.ndarray) -> np.ndarray:
            result = call(module, x)
            return result[-1] if isinstance(result, tuple) else result

        return run

    return make


def transfer() -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import butter

    return butter(3, [0.1, 0.3], "bandpass")


def taps(n: int) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(n, 0.3)
