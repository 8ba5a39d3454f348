"""Run another package's own tests on our functions: `pytest -p fastemo._accelerate.pytest_plugin --pyargs ...`.

Functions are replaced before tests are collected. At the end every one of them must have been used, and ours must
have taken at least nine in ten of its calls on arrays of real floating-point numbers (at least one in each), of
those that ask for what ours has.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastemo._accelerate import Acceleration, accelerate

LEAST_SHARE = 0.9

_running: list[Acceleration] = []
_on_floats: Counter[tuple[str, str]] = Counter()


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--accelerate", default="scipy", help="packages, separated by commas (scipy)")
    parser.addoption(
        "--accelerate-only", default="", help="functions that must be used, separated by commas (all)"
    )


def pytest_configure(config: Any) -> None:
    packages = config.getoption("--accelerate").split(",")
    _running.append(accelerate(*packages))
    for replacement in _running[0]._replacements:
        replacement.observer = partial(_observe, replacement.asks)
        _tell_scipy(replacement.original, replacement.dispatcher)


def pytest_unconfigure() -> None:
    for acceleration in _running:
        acceleration.off()


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    if exitstatus == 0 and _shortcomings(session.config):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    terminalreporter.section("accelerated")
    terminalreporter.write_line(str(_running[0]))
    for line in _shortcomings(config):
        terminalreporter.write_line(line, red=True)


def _shortcomings(config: Any) -> list[str]:
    wanted = [name for name in config.getoption("--accelerate-only").split(",") if name]
    found = []
    for path, counts in _running[0].counts().items():
        if wanted and path.rpartition(".")[2] not in wanted:
            continue
        hits, fallbacks = _on_floats[path, "hits"], _on_floats[path, "fallbacks"]
        if counts.hits == 0:
            found.append(f"{path}: never done by ours")
        elif hits < LEAST_SHARE * (hits + fallbacks):
            found.append(f"{path}: ours took only {hits} of {hits + fallbacks} calls on real arrays")
    return found


def _observe(
    asks: Callable[..., bool] | None, path: str, what: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    if what == "refusals" or (asks is not None and not asks(*args, **kwargs)):
        return
    arrays = [a for a in (*args, *kwargs.values()) if isinstance(a, np.ndarray)]
    if arrays and all(a.dtype.char in "fd" and a.size > 0 for a in arrays):
        _on_floats[path, what] += 1


def _tell_scipy(original: Any, dispatcher: Any) -> None:
    """SciPy's tests look functions up in a table of what they can do."""
    table = getattr(sys.modules.get("scipy._lib._array_api"), "xp_capabilities_table", {})
    if original in table:
        table[dispatcher] = table[original]
