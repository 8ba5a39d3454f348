"""Features that users write: who is registered, and how a function becomes something the engine can call.

A model file names such a function and never holds it; nothing is imported because a file says so.
"""

from __future__ import annotations

import ctypes
import hashlib
import inspect
import textwrap
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["MissingFunction", "UserFunction", "find", "of_program", "pointers", "register"]

_CAPSULE = b"fastemo.feature"  # what the core asks a pointer to be called
_OPTIONAL = ("sfreq", "out")


class MissingFunction(LookupError):
    """A model names a function that is not registered."""


class UserFunction:
    """A function of a window, with all that the engine must know.

    Attributes
    ----------
    name : str
        "module:function".
    digest : str
        Of its source and options: what it was when a model was saved.
    python : callable
        The function as it was written.
    names : tuple of str
        One for each number it gives.
    whole : bool
        It sees all channels at once, (n_channels, n_samples), and not each channel's (n_samples,).
    """

    def __init__(
        self, function: Callable[..., Any], names: tuple[str, ...], whole: bool, boundscheck: bool
    ) -> None:
        self.python: Callable[..., Any] = getattr(function, "py_func", function)  # of a Numba dispatcher
        module = "__main__" if self.python.__module__ == "__mp_main__" else self.python.__module__
        self.name = f"{module}:{self.python.__qualname__}"
        self.names, self.whole, self.boundscheck = names, whole, boundscheck
        self._given = function
        parameters = list(inspect.signature(self.python).parameters.values())
        self.takes = tuple(p.name for p in parameters[1:])
        plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        if not parameters or not plain or not set(self.takes) <= set(_OPTIONAL):
            raise TypeError(
                f"a feature takes the window and, if it wants them, sfreq and out, as in f(x, sfreq, out); "
                f"{self.python.__name__} takes {inspect.signature(self.python)}"
            )
        if len(names) > 1 and "out" not in self.takes:
            raise TypeError(
                f"{self.python.__name__} gives {len(names)} numbers, so it must take out, an array to write them to"
            )
        self.digest = hashlib.sha256(self._source().encode()).hexdigest()[:32]
        self._lock = threading.Lock()
        self._compiled: tuple[Any, int, bool, Any] | None = None
        self._tried: set[tuple[int, int, float]] = set()

    @property
    def key(self) -> str:
        """What programs call it."""
        return f"{self.name}@{self.digest}"

    def _source(self) -> str:
        options = f"{self.names} {self.whole}\n"
        try:
            return options + textwrap.dedent(inspect.getsource(self.python))
        except (OSError, TypeError):  # typed at a prompt: its code must do
            code = self.python.__code__
            return f"{options}{code.co_code.hex()} {code.co_consts} {code.co_names}"

    def run(self, window: np.ndarray, sfreq: float) -> np.ndarray:
        """In Python, (width, n_channels) or (width, 1) numbers of a window (n_channels, n_samples)."""
        parts = [window] if self.whole else list(window)
        columns = []
        for x in parts:
            try:
                columns.append(self._call(x.copy(), sfreq))
            except Exception:  # as compiled: no number
                columns.append(np.full(len(self.names), np.nan))
        return np.stack(columns, axis=1)

    def _call(self, x: np.ndarray, sfreq: float) -> np.ndarray:
        out = np.zeros(len(self.names))
        given = {"sfreq": sfreq, "out": out}
        result = self.python(x, **{name: given[name] for name in self.takes})
        if "out" not in self.takes:
            if result is None or np.ndim(result) > 0 or isinstance(result, str):
                what = "nothing" if result is None else repr(result) if np.ndim(result) == 0 else "an array"
                raise TypeError(
                    f"it returns {what}, expected one number: return that, or write several to out"
                )
            out[0] = result
        return out

    def try_out(self, n_channels: int, n_samples: int, sfreq: float) -> None:
        """Refuses a function that fails on a window of this size, while there is someone to tell."""
        key = (n_channels if self.whole else 1, n_samples, sfreq)
        if key in self._tried:
            return
        shape = (n_channels, n_samples) if self.whole else (n_samples,)
        x = 10 * np.random.default_rng(0).standard_normal(shape)
        try:
            with np.errstate(all="ignore"):
                self._call(x, sfreq)
        except Exception as error:
            raise ValueError(
                f"the feature {self.name} fails on a window of shape {shape}: {type(error).__name__}: {error}"
            ) from error
        self.pointer()
        self._tried.add(key)

    def pointer(self) -> tuple[Any, int, bool, Any]:
        """For the core: a capsule with the compiled function's address, width, whole, what keeps its code alive."""
        with self._lock:
            if self._compiled is None:
                compiled = self._compile()
                new = ctypes.pythonapi.PyCapsule_New
                new.restype, new.argtypes = (
                    ctypes.py_object,
                    [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
                )
                capsule = new(compiled.address, _CAPSULE, None)
                self._compiled = (capsule, len(self.names), self.whole, compiled)
            return self._compiled

    def _compile(self) -> Any:
        from numba import carray, cfunc, njit, types

        inner: Any = self._given
        if inner is self.python:
            inner = njit(error_model="numpy", boundscheck=self.boundscheck)(self.python)
        call = njit(_ADAPTERS[tuple(name in self.takes for name in _OPTIONAL)](inner))
        width, whole = len(self.names), self.whole
        array = types.CPointer(types.float64)
        signature = types.void(array, types.intp, types.intp, types.float64, array)

        def entry(data, n_channels, n_samples, sfreq, result):
            out = carray(result, (width,))
            try:
                if whole:
                    call(carray(data, (n_channels, n_samples)), sfreq, out)
                else:
                    call(carray(data, (n_samples,)), sfreq, out)
            except Exception:
                for i in range(width):
                    out[i] = np.nan

        try:
            return cfunc(signature)(entry)
        except Exception as error:  # mostly NumbaError, but also what it stumbles over
            raise ValueError(f"Numba cannot compile the feature {self.name}: {_in_short(error)}") from error


_ADAPTERS: dict[tuple[bool, ...], Callable[[Any], Callable[..., None]]] = {}


def _adapter(*takes: bool) -> Callable[..., Any]:
    def keep(make: Callable[[Any], Callable[..., None]]) -> Callable[[Any], Callable[..., None]]:
        _ADAPTERS[takes] = make
        return make

    return keep


@_adapter(False, False)
def _window_only(f: Any) -> Callable[..., None]:
    def call(x, sfreq, out):
        out[0] = f(x)

    return call


@_adapter(True, False)
def _window_and_rate(f: Any) -> Callable[..., None]:
    def call(x, sfreq, out):
        out[0] = f(x, sfreq=sfreq)

    return call


@_adapter(False, True)
def _window_and_out(f: Any) -> Callable[..., None]:
    def call(x, sfreq, out):
        f(x, out=out)

    return call


@_adapter(True, True)
def _window_rate_and_out(f: Any) -> Callable[..., None]:
    def call(x, sfreq, out):
        f(x, sfreq=sfreq, out=out)

    return call


# By name and digest: pipelines made before a function was changed keep the one they were made with.
_REGISTERED: dict[tuple[str, str], UserFunction] = {}


def register(function: UserFunction) -> UserFunction:
    """The function, or the same one that was registered before."""
    return _REGISTERED.setdefault((function.name, function.digest), function)


def find(name: str, digest: str) -> UserFunction:
    """The registered function that a model names; nothing is imported to find it."""
    found = _REGISTERED.get((name, digest))
    if found is not None:
        return found
    module = name.partition(":")[0]
    if any(other == name for other, _ in _REGISTERED):
        raise MissingFunction(
            f"the feature function {name!r} has changed since the model was made: use the version it was made with, "
            "or train and save the model again"
        )
    raise MissingFunction(
        f"the model needs the feature function {name!r}, which is not defined here: import {module} (whatever runs its "
        "@fastemo.feature) first; a model file never imports anything by itself"
    )


def of_program(key: str) -> UserFunction:
    """The function that an op of a program names."""
    name, _, digest = key.rpartition("@")
    return find(name, digest)


def pointers(keys: Iterable[str]) -> dict[str, tuple[Any, int, bool, Any]]:
    """For the core: what it calls, by what programs call it."""
    return {key: of_program(key).pointer() for key in keys}


def _in_short(error: Exception) -> str:
    """What Numba has to say, without its stack of compiler passes."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    noise = (
        "Failed in",
        "During: ",
        "<source elided>",
        "Enable logging",
        "- Resolution failure",
        "This error may",
    )
    kept = [line for line in lines if not line.startswith(noise)]
    place = next((line for line in lines if line.startswith("File ")), "")
    what = next((line for line in kept if not line.startswith(("File ", "def ", "@"))), "")
    return f"{what} ({place.rstrip(':')})" if place else what
