"""Between what callers pass and what the compiled core takes; what it does not take goes to SciPy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo._backend import core

__all__ = [
    "ORIGINALS",
    "by_scipy",
    "check_threads",
    "compiled",
    "floats",
    "into",
    "is_smooth",
    "sliced",
    "whole",
]

# Functions of scipy.signal that something else now stands in for.
ORIGINALS: dict[str, Callable[..., Any]] = {}

_DOUBLE = np.dtype(np.float64)
_TAKEN = (np.ndarray, np.generic, list, tuple, float, int)


def compiled(name: str) -> Callable[..., Any]:
    """A function of the core, which answers NotImplemented to what it does not take; so does the absent core."""
    return getattr(core, name, lambda *arguments: NotImplemented)


def by_scipy(name: str, arguments: tuple[Any, ...], out: np.ndarray | None = None) -> Any:
    """What SciPy's function returns (or raises), in `out` if there is one."""
    function = ORIGINALS.get(name)
    if function is None:
        import scipy.signal

        function = getattr(scipy.signal, name)
    return into(out, function(*arguments))


def floats(
    *arrays: Any, at_least: Any = None, integers: Any = None, optional: bool = False
) -> list[Any] | None:
    """The values as float32 or float64 arrays whose common type is that of SciPy's result, or None.

    `at_least` is a type that takes part in finding the common one; `integers` the type that integers count as
    where SciPy does not go by NumPy's rules. With `optional` the last one may be None, and stays so.
    """
    if len(arrays) == 1 and type(arrays[0]) is np.ndarray and _is_plain(arrays[0]):
        return [arrays[0]]
    made, types = [], [] if at_least is None else [np.dtype(at_least)]
    for i, a in enumerate(arrays):
        if a is not None or not (optional and i == len(arrays) - 1):
            if not isinstance(a, _TAKEN):
                return None
            try:
                a = np.asarray(a)
            except ValueError:  # a ragged list
                return None
            types.append(np.dtype(integers) if integers and a.dtype.kind in "biu" else a.dtype)
        made.append(a)
    try:
        common = np.result_type(*types)
    except TypeError:  # text, for one
        return None
    if common.char not in "fd":
        return None
    return [None if a is None else _as_float(a, integers or np.float32) for a in made]


def _is_plain(a: np.ndarray) -> bool:
    dtype = a.dtype
    return (dtype is _DOUBLE or (dtype.char in "fd" and dtype.isnative)) and a.flags.aligned


def _as_float(a: np.ndarray, least: Any) -> np.ndarray:
    if _is_plain(a):
        return a
    return np.require(a, np.result_type(a.dtype, least if a.dtype.kind in "biu" else np.float32), "A")


def whole(value: Any) -> Any:
    """`value` as an int if it is a whole number; else as it is, for the core to refuse."""
    try:
        return operator.index(value)
    except TypeError:
        return value


def is_smooth(n: int) -> bool:
    """Whether an FFT of this length takes no detour: it has no prime factor above 13."""
    for prime in (2, 3, 5, 7, 11, 13):
        while n % prime == 0:
            n //= prime
    return n == 1


def check_threads(threads: Any) -> int:
    """`threads` as an int of at least 1."""
    if type(threads) is int and threads >= 1:
        return threads
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


def into(out: np.ndarray | None, result: Any) -> Any:
    """`result`, or the first of a tuple of them, in `out` if there is one."""
    if out is None:
        return result
    y, *rest = result if isinstance(result, tuple) else (result,)
    if type(out) is not np.ndarray or out.dtype.char not in "fdFD":
        got = f"dtype {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be a NumPy array of the type of the result, {y.dtype}, got {got}")
    if np.iscomplexobj(out) != np.iscomplexobj(y):
        raise TypeError(f"out has dtype {out.dtype}, but the result is {y.dtype}")
    if out.shape != y.shape:
        raise ValueError(f"out has shape {out.shape}, expected that of the result, {y.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only: pass an array that can be written to")
    out[...] = y
    return (out, *rest) if rest else out


def sliced(x: np.ndarray, axis: int, *limits: int | None) -> np.ndarray:
    """`x[..., slice(*limits), ...]` along an axis."""
    index = [slice(None)] * x.ndim
    index[axis] = slice(*limits)
    return x[tuple(index)]
