"""The atlas that recordings of regions come from: one for a pipeline, carried by its model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo.recording import Recording

__all__ = ["check_atlas", "common_atlas", "described", "dump_atlas", "restore_atlas"]

# A model carries no atlas that takes more: probabilistic maps of the whole brain may.
MOST_BYTES = 2**26


def common_atlas(recordings: Sequence[Recording]) -> Any:
    """The atlas of all recordings that have one, None if none has; ValueError where there are two."""
    found = [rec for rec in recordings if rec.atlas is not None]
    for rec in found:
        if rec.atlas.digest != found[0].atlas.digest:
            raise ValueError(
                f"{_called(found[0])} has regions of one atlas ({described(found[0].atlas)}) and {_called(rec)} of another "
                f"({described(rec.atlas)}): read all runs with the same atlas="
            )
    return found[0].atlas if found else None


def check_atlas(recordings: Sequence[Recording], known: Any) -> None:
    """Refuses recordings of another atlas than the known one, if one is known."""
    if known is None:
        return
    for rec in recordings:
        if rec.atlas is not None and rec.atlas.digest != known.digest:
            raise ValueError(
                f"{_called(rec)} has regions of another atlas ({described(rec.atlas)}) than the pipeline learnt from "
                f"({described(known)}): read it with atlas=pipe.atlas_, which is what the command line does without --atlas"
            )


def described(atlas: Any) -> str:
    n = len(atlas.names)
    return f"{n} region{'' if n == 1 else 's'}, digest {atlas.digest[:8]}"


def _called(rec: Recording) -> str:
    return "a recording" if rec.source is None else str(rec.source)


def dump_atlas(atlas: Any) -> tuple[dict[str, np.ndarray], dict[str, Any] | None]:
    """Tensors and text that a model file carries of an atlas; of a large one, what it is known by."""
    if atlas is None:
        return {}, None
    tensors = {} if not hasattr(atlas, "to_tensors") else atlas.to_tensors()
    if sum(tensor.nbytes for tensor in tensors.values()) > MOST_BYTES:
        tensors = {}
    about = {"names": list(atlas.names), "digest": atlas.digest}
    return {f"atlas.{name}": tensor for name, tensor in tensors.items()}, about


def restore_atlas(tensors: dict[str, np.ndarray], about: Mapping[str, Any] | None) -> Any:
    """The inverse of `dump_atlas`; takes its tensors from `tensors`."""
    own = {name: tensors.pop(name) for name in [*tensors] if name.startswith("atlas.")}
    if about is None:
        return None
    from fastemo.fmri import Masker
    from fastemo.fmri._atlas import KnownAtlas

    names, digest = tuple(map(str, about["names"])), str(about["digest"])
    if not own:
        return KnownAtlas(names, digest)
    return Masker.from_tensors({k.removeprefix("atlas."): v for k, v in own.items()}, names, digest)
