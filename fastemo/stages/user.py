"""Features that users write: Numba-compilable functions of a window, run inside the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._functions import UserFunction, find, register
from fastemo._validate import check_in
from fastemo.stages.base import Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["UserFeature", "feature"]


@dataclass(frozen=True, eq=False, repr=False)
class UserFeature(Stage):
    """A feature made by a function of the user's: what `fastemo.feature` makes of it.

    Called with a window, and with `sfreq` and `out` if the function takes them, it is the function as it was written.

    Parameters
    ----------
    function : str
        "module:name" of the function.
    digest : str
        Of its source and options.

    Raises
    ------
    LookupError
        No such function has been defined under `fastemo.feature`, or only one with another source.
    """

    takes = "window"
    gives = "vector"
    function: str
    digest: str

    def __post_init__(self) -> None:
        python = self.user_function.python
        for name in ("__doc__", "__name__", "__module__"):
            object.__setattr__(self, name, getattr(python, name))
        object.__setattr__(self, "__wrapped__", python)

    @property
    def user_function(self) -> UserFunction:
        return find(self.function, self.digest)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.user_function.python(*args, **kwargs)

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        f = self.user_function
        f.try_out(len(build.ch_names), build.length, build.sfreq)
        build.add(
            "call",
            [build.window()],
            function=np.frombuffer(f.key.encode(), np.uint8),
            width=len(f.names),
            over=int(f.whole),
            sfreq=float(build.sfreq),
        )
        build.rows(f.names, ["window"] if f.whole else build.ch_names)

    def __repr__(self) -> str:
        return f"UserFeature({self.function!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.function, self.digest)


def _unpickled(function: str, digest: str) -> UserFeature:
    """As pickle finds any function: by the name of its module."""
    try:
        return UserFeature(function, digest)
    except LookupError:
        import_module(function.partition(":")[0])
        return UserFeature(function, digest)


def feature(
    function: Callable[..., Any] | None = None,
    *,
    width: int | None = None,
    names: Sequence[str] | None = None,
    over: str = "channel",
    boundscheck: bool = False,
) -> Any:
    """Make a feature of your own function, to use in a pipeline like the built-in ones.

    The function is compiled by Numba and runs inside the engine, live and offline, without the GIL. It may call
    other compiled functions, those of `fastemo.jit` among them.

    Parameters
    ----------
    function : callable
        f(x), f(x, sfreq), f(x, out) or f(x, sfreq, out), by these names but for the first. `x` is a float64 array of
        its own: the window of one channel, (n_samples,), or of all, (n_channels, n_samples); `sfreq` is in Hz.
        It returns a number, or writes its numbers to `out`, (width,).
    width : int, optional
        How many numbers it gives; by default as many as there are names, or 1.
    names : sequence of str, optional
        What they are called; by default as the function, numbered if there are several.
    over : {"channel", "window"}
        Call it for each channel, or once for the whole window.
    boundscheck : bool
        Check indices in the compiled function too, as Python does, at some cost.

    Returns
    -------
    UserFeature
        A stage that can still be called.

    Raises
    ------
    TypeError
        A function with other parameters, or one that gives several numbers and does not take `out`.
    ValueError
        Later, when a pipeline is made ready: a function that fails on a window of noise, with its error, or that
        Numba cannot compile, with its reason.

    Notes
    -----
    Where the function raises an error its numbers are NaN. It must depend on nothing but its arguments: windows of a
    recording may be computed in any order and in several threads. Saved models hold its name and a digest of its
    source (not of what it calls): `fastemo.load` asks for the function to be defined, from the same source, and never
    imports anything; from C such a model does not run.

    Examples
    --------
    >>> import fastemo as fe
    >>> @fe.feature(names=["steepest"])
    ... def steepest(x):
    ...     largest = 0.0
    ...     for i in range(1, len(x)):
    ...         largest = max(largest, abs(x[i] - x[i - 1]))
    ...     return largest
    >>> steepest(np.array([1.0, 3.0, 2.0]))
    np.float64(2.0)
    >>> pipe = fe.Pipeline([fe.Window(1, hop=0.5), steepest], sfreq=4, ch_names=["Fz"], check_unit=False)
    >>> pipe.transform(np.array([[1.0, 3.0, 2.0, 2.0, 7.0, 8.0]]))
    array([[2.],
           [5.]])
    """
    check_in("over", over, ("channel", "window"))
    if width is not None:
        check_count("width", width)
    if isinstance(names, str) or (names is not None and not all(isinstance(n, str) for n in names)):
        raise TypeError(f"names must be a list of texts, such as ['slope'], got {names!r}")
    if names is not None and (len(names) == 0 or len(set(names)) != len(names)):
        raise ValueError(f"names must be different names, at least one, got {list(names)!r}")
    if None not in (width, names) and len(names) != width:  # type: ignore[arg-type]
        raise ValueError(f"names holds {len(names)} names, but width is {width}")  # type: ignore[arg-type]

    def make(function: Callable[..., Any]) -> UserFeature:
        python = getattr(function, "py_func", function)
        if not callable(python) or getattr(python, "__name__", "<lambda>") == "<lambda>":
            raise TypeError(f"fastemo.feature takes a function with a name (def ...), got {function!r}")
        called = names
        if called is None:
            n = width or 1
            called = [python.__name__] if n == 1 else [f"{python.__name__}_{i}" for i in range(n)]
        made = register(UserFunction(function, tuple(called), over == "window", bool(boundscheck)))
        return UserFeature(made.name, made.digest)

    return make if function is None else make(function)
