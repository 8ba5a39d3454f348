"""What of antropy has a faster twin in `fastemo.features`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo import features
from fastemo._accelerate._replacement import Replacement

__all__ = ["replacements"]


def replacements() -> list[Replacement]:
    """Of few samples, or where one signal does not fill the lanes of our vectors, antropy is faster."""
    embedding = ("order", "delay", "normalize")
    return [
        Replacement("antropy.sample_entropy", _sample_entropy, lambda x, *_, **__: np.size(x) < 100),
        Replacement("antropy.app_entropy", _app_entropy),
        Replacement(
            "antropy.perm_entropy",
            _of_one(features.perm_entropy, *embedding),
            lambda x, *_, **__: np.size(x) > 500,
        ),
        Replacement(
            "antropy.svd_entropy",
            _of_one(features.svd_entropy, *embedding),
            lambda x, *_, **__: np.size(x) > 500,
        ),
        Replacement(
            "antropy.detrended_fluctuation",
            _of_one(features.detrended_fluctuation),
            lambda x: np.size(x) < 500,
        ),
        Replacement("antropy.katz_fd", _along(features.katz_fd), lambda x, *_, **__: np.ndim(x) < 2),
        Replacement(
            "antropy.petrosian_fd", _along(features.petrosian_fd), lambda x, *_, **__: np.ndim(x) < 2
        ),
    ]


def _of_one(function: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """A function of one signal, which gives a number."""

    def ours(x: Any, *args: Any, **kwargs: Any) -> Any:
        if not _fits(x) or x.ndim != 1 or len(args) > len(names):
            return NotImplemented
        given = dict(zip(names, args)) | kwargs
        return _number(function(x, **given)) if set(given) <= set(names) else NotImplemented

    return ours


def _sample_entropy(x: Any, order: int = 2, tolerance: Any = None, metric: str = "chebyshev") -> Any:
    if not _fits(x) or x.ndim != 1 or metric != "chebyshev":
        return NotImplemented
    return _number(features.sample_entropy(x, order, tolerance))


def _app_entropy(x: Any, order: int = 2, tolerance: Any = None, metric: str = "chebyshev") -> Any:
    if not _fits(x) or x.ndim != 1 or metric != "chebyshev":
        return NotImplemented
    return _number(features.app_entropy(x, order, tolerance))


def _along(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of every signal along an axis."""

    def ours(x: Any, axis: int = -1) -> Any:
        if not _fits(x) or x.ndim < 2:
            return NotImplemented
        found = function(np.moveaxis(x, axis, -1))
        return found if np.isfinite(found).all() else NotImplemented

    return ours


def _number(found: Any) -> Any:
    """What is no number antropy may see in another way."""
    return np.float64(found) if np.isfinite(found) else NotImplemented


def _fits(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype == np.float64 and x.size > 0
