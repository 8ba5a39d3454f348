"""Images of any kind as arrays: NumPy, nibabel, or paths of NIfTI files."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Image", "load_image", "on_grid_of"]

SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
# Positions of voxels that differ by less (mm) are the same.
SAME_MM = 1e-3


class Image(NamedTuple):
    """An array, where its voxels are, seconds from volume to volume and where it came from; None if unknown."""

    data: np.ndarray
    affine: np.ndarray | None = None
    tr: float | None = None
    source: str | None = None

    @property
    def called(self) -> str:
        return "the array" if self.source is None else os.path.basename(self.source)


def load_image(name: str, image: Any, ndim: tuple[int, ...]) -> Image:
    """`image` with its samples, refused if it has another number of dimensions."""
    source = None
    if isinstance(image, (str, os.PathLike)):
        source = os.fspath(image)
        if not os.path.isfile(source):
            raise FileNotFoundError(f"{name}: there is no file {source}")
        try:
            import nibabel
        except ImportError as error:
            raise ImportError("reading NIfTI files needs nibabel: pip install fastemo[fmri]") from error
        try:
            image = nibabel.load(source)
        except nibabel.filebasedimages.ImageFileError as error:
            raise ValueError(f"{name}: {os.path.basename(source)} is no image: {error}") from None
    if isinstance(image, Image):
        found = image
    elif hasattr(image, "dataobj"):
        found = Image(_samples(name, image), np.asarray(image.affine, float), _tr(image), source)
    else:
        found = Image(np.asarray(image))
    data = found.data
    if data.ndim not in ndim:
        wanted = " or ".join(map(str, ndim))
        raise ValueError(f"{name} must have {wanted} dimensions, got shape {data.shape} of {found.called}")
    if data.dtype.kind not in "fiub" or 0 in data.shape:
        raise ValueError(f"{name} must hold real numbers, got shape {data.shape} of dtype {data.dtype}")
    return found


def _samples(name: str, image: Any) -> np.ndarray:
    try:
        return np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"{name}: the samples of the image cannot be read: {error}") from None


def _tr(image: Any) -> float | None:
    header = image.header
    if image.ndim < 4 or not hasattr(header, "get_xyzt_units"):
        return None
    unit = header.get_xyzt_units()[1]
    tr = float(header.get_zooms()[3]) * SECONDS.get(unit, 0.0)
    # Headers hold it in single precision: 0.8 s is not 0.800000011920929.
    return round(tr, 6) if np.isfinite(tr) and tr > 0 else None


def on_grid_of(name: str, image: Image, target: Image, labels: bool) -> Image:
    """`image` resampled to the voxels of `target`: nearest for labels, linear for weights."""
    same_shape = image.data.shape[:3] == target.data.shape[:3]
    if image.affine is None or target.affine is None:
        if not same_shape:
            raise ValueError(
                f"{name} has shape {image.data.shape[:3]}, but the volumes have {target.data.shape[:3]}: give both as "
                "images that say where their voxels are, and they will be resampled"
            )
        return image
    if same_shape and np.allclose(image.affine, target.affine, atol=SAME_MM):
        return image
    try:
        import nibabel
        from nilearn.image import resample_img
    except ImportError as error:
        raise ImportError(
            f"{name} is on another grid than the volumes, which needs nilearn: pip install fastemo[fmri]"
        ) from error
    data = image.data.astype(np.int32 if labels else np.float64)
    try:
        resampled = resample_img(
            nibabel.Nifti1Image(data, image.affine),
            target.affine,
            target.data.shape[:3],
            interpolation="nearest" if labels else "linear",
            copy_header=True,
            force_resample=True,
        )
    except ValueError as error:
        raise ValueError(
            f"{name} cannot be brought to the voxels of the volumes, so both must be in one space, such as MNI: {error}"
        ) from error
    return image._replace(data=np.asanyarray(resampled.dataobj), affine=target.affine)
