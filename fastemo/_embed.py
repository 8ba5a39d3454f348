"""Where the C library and its headers are, for programs that embed the engine."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_include", "get_library"]

_PACKAGE = Path(__file__).parent
_ABSENT = (
    "this fastemo was installed without its compiled core, so there is no C library: reinstall it where a C++ "
    "compiler is found"
)


def get_include() -> str:
    """The folder of ``fastemo.h`` and ``fastemo.hpp``.

    Raises
    ------
    FileNotFoundError
        If the package was installed without its compiled core.

    Examples
    --------
    >>> import fastemo as fe
    >>> fe.get_include().endswith("include")
    True
    """
    folder = _PACKAGE / "include"
    if not (folder / "fastemo.h").exists():
        raise FileNotFoundError(_ABSENT)
    return str(folder)


def get_library() -> str:
    """The path of the shared library: ``libfastemo.so``, ``libfastemo.dylib`` or ``fastemo.dll``.

    Raises
    ------
    FileNotFoundError
        If the package was installed without its compiled core.

    Examples
    --------
    >>> import fastemo as fe
    >>> "fastemo" in fe.get_library()
    True
    """
    for name in ("libfastemo.so", "libfastemo.dylib", "fastemo.dll"):
        if (_PACKAGE / "lib" / name).exists():
            return str(_PACKAGE / "lib" / name)
    raise FileNotFoundError(_ABSENT)
