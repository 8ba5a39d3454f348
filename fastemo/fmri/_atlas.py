"""What a masker was made of: to tell one atlas from another, to make it again elsewhere, to keep it in a model file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastemo.fmri._images import Image

__all__ = [
    "KnownAtlas",
    "Labels",
    "affine_of",
    "digest_of",
    "labels_from",
    "labels_tensors",
    "packed",
    "unpacked",
]


class KnownAtlas(NamedTuple):
    """An atlas of which no more is known than its regions and its digest."""

    names: tuple[str, ...]
    digest: str


class Labels(NamedTuple):
    """An image with the number of a region, from 1 on, in each voxel or 0, and a mask; each where its own voxels are."""

    atlas: Image
    mask: Image | None


def digest_of(kind: str, names: Sequence[str], *parts: Any) -> str:
    """Of an atlas by its regions and the arrays, images and words that it was made of."""
    state = hashlib.sha256("\0".join([kind, *names]).encode())
    for part in parts:
        if isinstance(part, Image):
            state.update(_bytes(part.data))
            state.update(b"nowhere" if part.affine is None else _bytes(np.round(part.affine, 3) + 0.0))
        else:
            state.update(_bytes(part) if isinstance(part, np.ndarray) else repr(part).encode())
    return state.hexdigest()


def _bytes(x: np.ndarray) -> bytes:
    """Values and shape, whatever the dtype."""
    wide = np.ascontiguousarray(x, "<f8" if x.dtype.kind == "f" else "<i8")
    return repr(x.shape).encode() + wide.tobytes()


def labels_tensors(labels: Labels) -> dict[str, np.ndarray]:
    """As a model file holds them."""
    found = {"labels": packed(labels.atlas.data)}
    if labels.atlas.affine is not None:
        found["affine"] = labels.atlas.affine
    if labels.mask is not None:
        found["mask"] = packed(labels.mask.data)
        if labels.mask.affine is not None:
            found["mask_affine"] = labels.mask.affine
    return found


def labels_from(tensors: Mapping[str, np.ndarray]) -> Labels:
    """The inverse of `labels_tensors`."""
    atlas = Image(unpacked(tensors["labels"]), affine_of(tensors, "affine"))
    if "mask" not in tensors:
        return Labels(atlas, None)
    return Labels(atlas, Image(unpacked(tensors["mask"]) != 0, affine_of(tensors, "mask_affine")))


def packed(numbers: np.ndarray) -> np.ndarray:
    """Numbers (x, y, z) from 0 on as bytes (x, y, z, 1, 2 or 4), the lowest first."""
    most = int(numbers.max())
    width = 1 if most < 2**8 else 2 if most < 2**16 else 4
    return np.ascontiguousarray(numbers, f"<u{width}")[..., None].view(np.uint8)


def unpacked(tensor: np.ndarray) -> np.ndarray:
    """The inverse of `packed`."""
    if tensor.dtype != np.uint8 or tensor.ndim != 4 or tensor.shape[3] not in (1, 2, 4) or 0 in tensor.shape:
        raise ValueError(f"the atlas has an image of {tensor.dtype} of shape {tensor.shape}")
    return np.ascontiguousarray(tensor).view(f"<u{tensor.shape[3]}")[..., 0]


def affine_of(tensors: Mapping[str, np.ndarray], name: str) -> np.ndarray | None:
    """A matrix that says where voxels are, if it is there."""
    affine = tensors.get(name)
    if affine is not None and (affine.shape != (4, 4) or not np.isfinite(affine).all()):
        raise ValueError(f"the atlas has an {name} that is no 4 x 4 matrix of numbers")
    return affine
