"""Where names are resolved: the compiled extension if it is there, else Numba or NumPy.

This is the only module that imports `fastemo._core`.
"""

from __future__ import annotations

import os
import warnings

__all__ = ["core", "native_error", "resolve"]

native_error: str | None = None
try:
    from fastemo import _core as core
except ImportError as error:
    if "FASTEMO_TARGET" in str(error):  # a target was asked for by name: no other may take its place
        raise
    core = None  # type: ignore[assignment]
    native_error = str(error)
    message = (
        f"fastemo runs without its compiled core ({native_error}): every result is the same to rounding, but 10 "
        "to 1000 times slower. Reinstall where a C++ compiler and Python's headers are found."
    )
    if os.environ.get("FASTEMO_REQUIRE_NATIVE") == "1":
        raise ImportError(message) from error
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def resolve(name: str):
    """The best implementation of a kernel: compiled, else Numba, else the reference."""
    from importlib import import_module

    if core is not None and hasattr(core, name):
        return getattr(core, name)
    for module in ("fastemo.jit", "fastemo.reference"):
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):  # no Numba on this machine, or not this name
            continue
    raise AttributeError(f"no implementation of {name!r}")
