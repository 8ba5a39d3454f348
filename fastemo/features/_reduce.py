"""How a feature of a window becomes a public function, a stage's row and a call of the core: from one description.

A feature is written as a function from the number of samples and its own parameters to a `Reduction`: it checks the
parameters and turns them into the core's numbers. The decorator `feature` makes of it the function that users call,
and keeps the description as its `reduction`, from which stages and `extract_features` build lists for one pass.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from fastemo._backend import resolve

__all__ = [
    "FEATURES",
    "Reduction",
    "check_length",
    "each",
    "feature",
    "reduce_signals",
    "signals_of",
    "whole",
]

SHARED = {
    "<x>": """x : array_like of float32, float64 or integers, shape (..., n_channels, n_samples)
        Signals along the last axis; any strides, any number of axes before it. Computed in float64.""",
    "<threads>": """threads : int
        Groups of eight signals are shared among so many threads; results do not depend on it.""",
    "<one>": """ndarray of float64, shape (..., n_channels)
        NaN for a signal that holds NaN or infinity.""",
}


class Reduction(NamedTuple):
    """A reduction by its name in the core, its parameters as numbers, and what to call its values.

    `values` is None where there is one value that needs no name of its own.
    """

    name: str
    params: tuple[float, ...] = ()
    values: tuple[str, ...] | None = None


class Feature(Protocol):
    """A function of signals that carries its description."""

    reduction: Callable[..., Reduction]

    def __call__(self, x: Any, *args: Any, threads: int = 1, **kwargs: Any) -> Any: ...


FEATURES: dict[str, Feature] = {}


def feature(describe: Callable[..., Reduction]) -> Feature:
    """The public function of a feature; `describe` has the number of samples as its first parameter."""
    own = list(inspect.signature(describe).parameters.values())[1:]
    x = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    threads = inspect.Parameter("threads", inspect.Parameter.KEYWORD_ONLY, default=1, annotation=int)

    @functools.wraps(describe)
    def compute(x: Any, *args: Any, threads: int = 1, **kwargs: Any) -> Any:
        signals, shape = signals_of(x)
        reduction = describe(signals.shape[1], *args, **kwargs)
        values = reduce_signals(signals, [reduction], threads)
        return (
            values[:, 0].reshape(shape)[()]
            if reduction.values is None
            else values.reshape(*shape, values.shape[1])
        )

    function = cast(Any, compute)
    del function.__wrapped__
    function.__signature__ = inspect.Signature([x, *own, threads])
    function.__annotations__ = {}
    for mark, text in SHARED.items():
        function.__doc__ = (function.__doc__ or "").replace(mark, text)
    function.reduction = describe
    FEATURES[describe.__name__] = function
    return function


def signals_of(x: Any) -> tuple[np.ndarray, tuple[int, ...]]:
    """`x` as (n_signals, n_samples) of float32 or float64, and the shape of its axes before the last."""
    if np.ma.isMaskedArray(x):
        raise TypeError("x is a masked array, expected a plain one: use x.filled(np.nan)")
    x = np.asarray(x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must hold at least one sample along its last axis, got shape {x.shape}")
    if x.dtype.kind in "iub":
        x = x.astype(np.float64)
    if x.dtype.kind != "f" or x.dtype.itemsize > 8:
        raise TypeError(f"x must be float32 or float64, got dtype {x.dtype}: use x.astype(float)")
    x = np.require(x, np.float64 if x.dtype.itemsize == 8 else np.float32, "A")
    return x.reshape(-1, x.shape[-1]), x.shape[:-1]


def reduce_signals(signals: np.ndarray, reductions: Sequence[Reduction], threads: int = 1) -> np.ndarray:
    """The values of all reductions of each signal: (n_signals, n_values)."""
    names = [r.name for r in reductions]
    params = [list(r.params) for r in reductions]
    return resolve("reduce")(signals, names, params, whole("threads", threads, 1))


def each(work: Callable[[int], Any], starts: Iterable[int], threads: int = 1) -> list[Any]:
    """Results of independent parts of some work, in order."""
    starts = list(starts)
    threads = min(whole("threads", threads, 1), len(starts))
    if threads <= 1:
        return [work(start) for start in starts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, starts))


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """`value` as an int from `low` on, up to `high`."""
    wanted = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be {wanted}, got {value!r}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return int(value)


def check_length(feature: str, n_samples: int, least: int, why: str = "") -> None:
    """Refuses a window of fewer than `least` samples."""
    if n_samples < least:
        because = f" ({why})" if why else ""
        raise ValueError(
            f"{feature} needs at least {least} samples{because}, got {n_samples}: take a longer window"
        )
