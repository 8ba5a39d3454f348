"""The cases of covariances: a part of the table in `fastemo._cases`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from fastemo._program import Op

__all__ = ["covariance_ops", "of_windows"]


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


def covariance_ops(kind: str, n: int, rng: np.random.Generator) -> list[Op]:
    """Programs whose last op is the one in question: of the signal's covariance, and of twice the signal's."""
    oas = {"estimator": np.array([4]), "shrinkage": np.array([0.0])}
    if kind == "fading_cov":
        return [Op(kind, (0,), oas | {"forgetting": np.array([0.98])})]
    ops = [Op("window", (0,)), Op("cov", (1,), oas)]
    if kind == "cov":
        return ops
    ops += [
        Op("matrix", (0,), {"coef": 2 * np.eye(n)}),
        Op("window", (3,)),
        Op("cov", (4,), oas),
        Op("concat", (2, 5)),
    ]
    whitening = (np.eye(n) + 0.1 * rng.standard_normal((3, 2, n, n)) / np.sqrt(n)) / 10
    floor = np.array([1e-10])
    tensors = {
        "congruence": {"matrix": whitening[0]},
        "tangent": {"whitening": whitening[0], "floor": floor},
        "mdm": {"whitening": whitening, "floor": floor},
    }
    return [*ops, Op(kind, (6,), tensors[kind])]
