"""A function of another package and ours in its place: who is called when, and how often."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from typing import Any

__all__ = ["Replacement", "same_parameters"]

Function = Callable[..., Any]


class _Thread(threading.local):
    handed_over = False  # our function left the call to theirs
    parts_done = parts_left = 0  # what became of the calls of parts of theirs
    theirs = (
        False  # theirs runs, and all below it is theirs: SciPy's welch calls csd, and our csd calls welch
    )


_thread = _Thread()


def same_parameters(theirs: Function, ours: Function) -> bool:
    """Whether every call of theirs binds the same in ours: the parameters of one are the first of the other."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    of_theirs = list(inspect.signature(theirs).parameters.values())
    of_ours = list(inspect.signature(ours).parameters.values())
    return all(p.kind in kinds for p in of_theirs) and [p.name for p in of_theirs] == [
        p.name for p in of_ours if p.kind in kinds
    ]


class Replacement:
    """The dispatcher that stands in for one function while at least one acceleration wants it.

    Parameters
    ----------
    path : str
        Module and name of theirs, "scipy.signal.welch".
    ours : callable
        Takes the same arguments, and answers NotImplemented to what it leaves to theirs.
    slower : callable, optional
        Takes the arguments and says whether theirs is faster for them.
    within : str, optional
        A package whose modules that have imported the function by name get ours as well.
    parts : sequence of Replacement
        Where theirs does the talking and only what works below it is ours, `ours` being None: functions that are
        replaced along with this one. A call counts as done by ours if all its calls of parts were.
    asks : callable, optional
        Takes the arguments and says whether they ask for what ours has at all, such as a measure of that name.
    part : bool
        It is such a part, and stays in the one module.
    """

    def __init__(
        self,
        path: str,
        ours: Function | None,
        slower: Function | None = None,
        within: str | None = None,
        parts: Sequence[Replacement] = (),
        asks: Callable[..., bool] | None = None,
        part: bool = False,
    ):
        self.path = path
        self.ours = ours or self._by_parts
        self.parts, self.asks, self.part = tuple(parts), asks, part
        self.slower, self.within = slower, within
        module, _, self.name = path.rpartition(".")
        public = import_module(module)
        self.original: Function = getattr(public, self.name)
        self.users = 0
        self.hits = self.fallbacks = self.refusals = 0
        self.observer: Callable[[str, str, tuple[Any, ...], dict[str, Any]], None] | None = None
        self._lock = threading.Lock()
        self.dispatcher = self._dispatcher()
        self._places = [(public, self.name, self.original)]
        defining = sys.modules.get(getattr(self.original, "__module__", None) or "")
        if part:
            defining = None
        if defining is not None and defining is not public and callable(vars(defining).get(self.name)):
            self._places.append((defining, self.name, vars(defining)[self.name]))

    def _dispatcher(self) -> Function:
        original, ours, slower = self.original, self.ours, self.slower

        @wraps(original)
        def dispatcher(*args: Any, **kwargs: Any) -> Any:
            if not self.users or _thread.theirs:
                return original(*args, **kwargs)
            result, before = NotImplemented, _thread.handed_over
            _thread.handed_over = False
            try:
                if slower is None or not slower(*args, **kwargs):
                    result = ours(*args, **kwargs)
            except Exception:  # theirs raises the error that callers know, or does what ours cannot
                if _thread.handed_over:
                    self._count("refusals", args, kwargs)
                    raise
            finally:
                handed_over, _thread.handed_over = _thread.handed_over, before
            if result is NotImplemented:
                handed_over = True
                try:
                    result = self._theirs(args, kwargs)
                except Exception:
                    self._count("refusals", args, kwargs)
                    raise
            self._count("fallbacks" if handed_over else "hits", args, kwargs)
            if self.part:
                _thread.parts_left += handed_over
                _thread.parts_done += not handed_over
            return result

        # Some look at parameters without looking behind wrappers.
        dispatcher.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
        return dispatcher

    def _by_parts(self, *args: Any, **kwargs: Any) -> Any:
        """Theirs, with our parts in it."""
        before = _thread.parts_done, _thread.parts_left
        _thread.parts_done = _thread.parts_left = 0
        try:
            result = self.original(*args, **kwargs)
            _thread.handed_over |= _thread.parts_left > 0 or _thread.parts_done == 0
        except BaseException:
            _thread.handed_over = True
            raise
        finally:
            _thread.parts_done, _thread.parts_left = before
        return result

    def hand_over(self, *args: Any, **kwargs: Any) -> Any:
        """What our own function calls for what it leaves to theirs."""
        _thread.handed_over = True
        return self._theirs(args, kwargs)

    def _theirs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        before, _thread.theirs = _thread.theirs, True
        try:
            return self.original(*args, **kwargs)
        finally:
            _thread.theirs = before

    def _count(self, what: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)
        if self.observer is not None:
            self.observer(self.path, what, args, kwargs)

    def install(self) -> None:
        for part in self.parts:
            part.install()
        self.users += 1
        if self.users == 1:
            self._find_within()
            for module, name, there in self._places:
                if getattr(module, name) is there:
                    setattr(module, name, self.dispatcher)

    def remove(self) -> None:
        """Where something else has been put over ours it stays, and ours passes every call on."""
        for part in self.parts:
            part.remove()
        self.users -= 1
        if self.users == 0:
            self._find_within()
            for module, name, there in self._places:
                if getattr(module, name) is self.dispatcher:
                    setattr(module, name, there)

    def _find_within(self) -> None:
        """Modules of the package that hold theirs, or, loaded meanwhile, ours."""
        if self.within is None:
            return
        known = {(id(module), name) for module, name, _ in self._places}
        for path, module in list(sys.modules.items()):
            if path.partition(".")[0] == self.within and module is not None:
                for name, value in list(vars(module).items()):
                    held = value is self.original or value is self.dispatcher
                    if held and (id(module), name) not in known:
                        self._places.append((module, name, self.original))

    def counts(self) -> tuple[int, int, int]:
        with self._lock:
            return self.hits, self.fallbacks, self.refusals
