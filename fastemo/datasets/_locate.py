"""Where a data set lies."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["locate"]


def locate(path: str | os.PathLike[str] | None, folder: str, file: str) -> Path:
    """`path` itself if it is a file; else `file` in it, or in its `folder`. None: FASTEMO_DATA."""
    if path is None:
        path = os.environ.get("FASTEMO_DATA")
        if not path:
            raise FileNotFoundError(
                f"where is {file}? Pass its path, or set FASTEMO_DATA to the folder of {folder}/{file}"
            )
    base = Path(path)
    if base.is_file():
        return base
    for candidate in (base / file, base / folder / file):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"there is no {file} in {base} nor in {base / folder}")
