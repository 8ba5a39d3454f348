"""Other packages' functions, run by ours: `fastemo.accelerate("scipy")`."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import NamedTuple

from fastemo._accelerate._replacement import Replacement
from fastemo._backend import core

__all__ = ["Acceleration", "Counts", "accelerate"]

# Package: what pip calls it, and our module that knows what of it has a twin here.
_PACKAGES = {
    "scipy": ("scipy", "_scipy"),
    "mne": ("mne", "_mne"),
    "mne_features": ("mne-features", "_mne_features"),
    "antropy": ("antropy", "_antropy"),
    "mne_connectivity": ("mne-connectivity", "_mne_connectivity"),
    "pyriemann": ("pyriemann", "_pyriemann"),
    "nilearn": ("nilearn", "_nilearn"),
}

_made: dict[str, list[Replacement]] = {}
_lock = threading.RLock()


class Counts(NamedTuple):
    """How often a replaced function was called, and what became of it."""

    hits: int  # done by ours
    fallbacks: int  # left to theirs
    refusals: int  # theirs raised an error


class Acceleration:
    """A running replacement of other packages' functions, as `accelerate` returns it.

    Also a context manager. Several may run at once; a function is theirs again when the last that wants it is off.

    Attributes
    ----------
    replaced : tuple of str
        Public names of the functions that ours stand in for.
    imported_earlier : dict of str to list of str
        Names of modules that had taken a function by `from ... import` before, which they keep: call `accelerate`
        before importing them, or write `module.function` there. Functions that were kept in other ways (as a default
        argument, in a list) cannot be found.
    """

    def __init__(self, replacements: list[Replacement], packages: tuple[str, ...]):
        self._replacements = replacements
        self._before = {r.path: r.counts() for r in replacements}
        self._running = False
        self.replaced = tuple(r.path for r in replacements)
        self.imported_earlier = _imported_earlier(replacements, packages)
        self.on()

    def on(self) -> None:
        """Put ours in the place of theirs (again); nothing happens where they are."""
        with _lock:
            if not self._running:
                self._running = True
                for r in self._replacements:
                    r.install()

    def off(self) -> None:
        """Put theirs back; nothing happens where they are back."""
        with _lock:
            if self._running:
                self._running = False
                for r in self._replacements:
                    r.remove()

    def counts(self) -> dict[str, Counts]:
        """Calls of every replaced function since this acceleration began, in all threads."""
        return {
            r.path: Counts(*(now - then for now, then in zip(r.counts(), self._before[r.path])))
            for r in self._replacements
        }

    def __enter__(self) -> Acceleration:
        self.on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.off()

    def __repr__(self) -> str:
        state = "on" if self._running else "off"
        return f"<Acceleration of {len(self.replaced)} functions, {state}>"

    def __str__(self) -> str:
        width = max((len(name) for name in self.replaced), default=8)
        lines = [f"{'replaced':{width}} {'hits':>8} {'fallbacks':>10} {'refusals':>9}"]
        for name, counts in self.counts().items():
            lines.append(f"{name:{width}} {counts.hits:8} {counts.fallbacks:10} {counts.refusals:9}")
        for name, modules in self.imported_earlier.items():
            lines.append(
                f"{name} was imported before by {', '.join(modules)}, which still call theirs: "
                "call fastemo.accelerate before importing them"
            )
        return "\n".join(lines)


def accelerate(*packages: str) -> Acceleration:
    """Let code written for other packages run on fastemo's kernels.

    The packages' functions that have a twin here are replaced, in the module where they are public and the one where
    they are defined, by dispatchers: what fits is computed here; what does not (complex, object or extended-precision
    arrays, arrays that are not NumPy's, options that only theirs has) goes to theirs, as does what theirs does
    faster. Arguments, results, types and errors are theirs.

    Parameters
    ----------
    *packages : {"scipy", "mne", "mne_features", "antropy", "mne_connectivity", "pyriemann", "nilearn"}
        Any of them. The others' own calls of SciPy need "scipy" as well.

    Returns
    -------
    Acceleration
        It is on at once and stays on, for all threads, until its `off()` or, as a context manager, the end of
        `with`. It lists what was `replaced` and what was `imported_earlier`, counts calls, and prints all of it.

    Raises
    ------
    ValueError
        No package, or one that is not known.
    ModuleNotFoundError
        A package that is not installed.

    Notes
    -----
    Call it before importing what uses the functions: `from scipy.signal import welch` takes what is there at that
    moment. A dispatcher that was taken while it was on passes calls on when it is off. While a function of theirs
    runs that ours handed over to, all it calls is theirs.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.signal
    >>> import fastemo as fe
    >>> with fe.accelerate("scipy") as acceleration:
    ...     y = scipy.signal.sosfilt([[0.5, 0.5, 0, 1, 0, 0]], [2.0, 4.0, 6.0])
    >>> y
    array([1., 3., 5.])
    >>> acceleration.counts()["scipy.signal.sosfilt"]
    Counts(hits=1, fallbacks=0, refusals=0)
    """
    known = ", ".join(map(repr, _PACKAGES))
    if not packages:
        raise ValueError(f"name what to accelerate: any of {known}")
    for package in packages:
        if package not in _PACKAGES:
            raise ValueError(f"fastemo does not know how to accelerate {package!r}, only {known}")
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"{package} is not installed: pip install {_PACKAGES[package][0]}")
    if core is None:
        warnings.warn(
            "fastemo runs without its compiled core and has nothing faster to offer: nothing was replaced",
            RuntimeWarning,
            stacklevel=2,
        )
        return Acceleration([], packages)
    with _lock:
        wanted = [r for package in dict.fromkeys(packages) for r in _replacements(package)]
        return Acceleration(wanted, packages)


def _replacements(package: str) -> list[Replacement]:
    if package not in _made:
        make: Callable[[], list[Replacement]] = import_module(
            f"fastemo._accelerate.{_PACKAGES[package][1]}"
        ).replacements
        _made[package] = make()
    return _made[package]


def _imported_earlier(replacements: list[Replacement], packages: tuple[str, ...]) -> dict[str, list[str]]:
    """Modules of others that hold a function of theirs under any name."""
    paths = {id(r.original): r.path for r in replacements}
    skipped = ("fastemo", *packages)
    found: dict[str, list[str]] = {}
    for name, module in sorted(sys.modules.items()):
        if module is None or name.split(".")[0] in skipped:
            continue
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in paths:
                found.setdefault(paths[id(value)], []).append(f"{name}.{key}")
    return found
