"""From volumes to regions: one sparse product per volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array

from fastemo._validate import check_in
from fastemo.fmri._atlas import Labels, affine_of, digest_of, labels_from, labels_tensors, packed, unpacked
from fastemo.fmri._images import SAME_MM, Image, load_image, on_grid_of

__all__ = ["Masker"]


class Masker:
    """Series of regions from volumes, one volume at a time or a whole run.

    Made by `from_labels`, `from_maps` or `from_mask`. It keeps the voxels that any region uses and one sparse matrix
    from them to the regions, so that a volume costs one gather and one sparse product, whatever the atlas.

    Parameters
    ----------
    weights : array_like or sparse array, shape (n_regions, n_voxels)
        What each voxel of a volume, in C order, contributes to each region.
    shape : (int, int, int)
        Of a volume.
    names : sequence of str
        One per region.
    affine : ndarray, shape (4, 4), optional
        Where the voxels are. Images elsewhere are then refused.

    Attributes
    ----------
    names : tuple of str
    shape : tuple of int
    n_voxels : int
        How many voxels any region uses.
    digest : str
        Of the atlas: its regions and the images that it was made of, wherever the voxels of the volumes are. Recordings
        carry the masker they were made by, and pipelines refuse those of another atlas than they learnt from.

    Examples
    --------
    >>> import numpy as np
    >>> atlas = np.array([[[1, 1, 0], [2, 2, 2]]])
    >>> masker = Masker.from_labels(atlas, names={1: "amygdala", 2: "insula"})
    >>> masker
    Masker(2 regions of 5 voxels in 1 x 2 x 3)
    >>> masker.volume(np.array([[[3.0, 5.0, 9.0], [1.0, 2.0, 6.0]]]))
    array([4., 3.])
    """

    def __init__(
        self, weights: Any, shape: Sequence[int], names: Sequence[str], affine: np.ndarray | None = None
    ) -> None:
        matrix = csr_array(weights, dtype=np.float64)
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        size = int(np.prod(self.shape))
        if len(shape) != 3 or matrix.ndim != 2 or matrix.shape[1] != size:
            raise ValueError(
                f"weights must have one column per voxel of shape {tuple(shape)}, got shape {matrix.shape}"
            )
        self.names = tuple(str(name) for name in names)
        if len(self.names) != matrix.shape[0] or len(set(self.names)) != len(self.names):
            raise ValueError(
                f"names must be distinct and one per region ({matrix.shape[0]}), got {list(self.names)}"
            )
        if not np.isfinite(matrix.data).all():
            raise ValueError("weights must be finite, got NaN or infinite ones")
        self.affine = None if affine is None else np.asarray(affine, np.float64)
        #: The image of labels it was made of, if it was.
        self.labels: Labels | None = None
        self._digest: str | None = None
        used = np.unique(matrix.indices)
        self._weights = matrix[:, used].tocsr()
        # Where those voxels are in a volume of either memory order.
        self._at = {
            "C": used,
            "F": np.ravel_multi_index(np.unravel_index(used, self.shape), self.shape, order="F"),
        }

    @classmethod
    def from_labels(
        cls,
        atlas: Any,
        names: Mapping[int, str] | Sequence[str] | None = None,
        *,
        mask: Any = None,
        like: Any = None,
        background: int = 0,
    ) -> Masker:
        """The mean over the voxels of each label.

        Parameters
        ----------
        atlas : array, nibabel image or path, 3-D
            A whole number per voxel.
        names : mapping of int to str, or sequence of str, optional
            By label, or in the order of the labels that occur; "region1", "region2", ... by label otherwise.
        mask : array, image or path, optional
            Only voxels where it is not 0 count, such as those of the brain.
        like : image or path, optional
            Whose voxels the volumes have; atlas and mask are resampled to it where theirs differ (needs nilearn).
        background : int
            The label that is no region.

        Raises
        ------
        ValueError
            Labels that are no whole numbers, names that do not fit, no voxel left of a region.
        """
        image = load_image("atlas", atlas, (3,))
        if not np.array_equal(image.data, np.round(image.data)):
            raise ValueError("atlas must hold whole numbers, got others: use from_maps for weighted maps")
        target = image if like is None else load_image("like", like, (3, 4))
        data = image.data.astype(np.int64)
        known = np.unique(data[data != background])
        if len(known) == 0:
            raise ValueError(f"atlas holds nothing but the background {background}")
        numbers = np.where(data == background, 0, np.searchsorted(known, data) + 1)
        # Small regions may have no voxel where the volumes have theirs.
        placed = on_grid_of("atlas", image._replace(data=numbers), target, labels=True).data
        there = np.unique(placed[placed > 0])
        called = _label_names(known[there - 1].tolist(), names)
        new = np.zeros(len(known) + 1, np.min_scalar_type(len(there)))
        new[there] = np.arange(1, len(there) + 1)
        covered = None
        if mask is not None:
            found = load_image("mask", mask, (3,))
            covered = found._replace(data=np.nan_to_num(found.data) != 0)
        return cls._of_labels(Labels(image._replace(data=new[numbers]), covered), called, target)

    @classmethod
    def _of_labels(cls, labels: Labels, names: Sequence[str], target: Image) -> Masker:
        """The mean over the voxels of each region where the target has its voxels."""
        numbers = on_grid_of("atlas", labels.atlas, target, labels=True).data
        if labels.mask is not None:
            numbers = np.where(on_grid_of("mask", labels.mask, target, labels=True).data != 0, numbers, 0)
        return cls._of_numbers(labels, names, Image(numbers, target.affine))

    @classmethod
    def _of_numbers(cls, labels: Labels, names: Sequence[str], placed: Image) -> Masker:
        """The same, of the number of a region, or 0, in each voxel of the volumes."""
        if placed.data.max() > len(names):
            raise ValueError(f"the atlas has {placed.data.max()} regions, but {len(names)} names")
        numbers = placed.data.astype(np.int64).ravel()
        flat = np.flatnonzero(numbers)
        counts = np.bincount(numbers[flat] - 1, minlength=len(names))
        empty = [name for name, n in zip(names, counts, strict=True) if n == 0]
        if empty:
            raise ValueError(
                f"no voxel is left of {', '.join(empty)}: leave these labels out of the atlas, widen the mask, or bring the "
                "volumes to the space of the atlas"
            )
        row = numbers[flat] - 1
        weights = csr_array((1 / counts[row], (row, flat)), shape=(len(names), numbers.size))
        masker = cls(weights, placed.data.shape, names, placed.affine)
        masker.labels = labels
        parts = [labels.atlas] if labels.mask is None else [labels.atlas, labels.mask]
        masker._digest = digest_of("labels", masker.names, *parts)
        return masker

    @classmethod
    def from_maps(
        cls,
        maps: Any,
        names: Sequence[str] | None = None,
        *,
        method: str = "least_squares",
        mask: Any = None,
        like: Any = None,
    ) -> Masker:
        """Series of overlapping weighted maps, such as probabilistic atlases and ICA components.

        Parameters
        ----------
        maps : array, nibabel image or path, 4-D
            The last axis are the maps.
        names : sequence of str, optional
            "map0", "map1", ... otherwise.
        method : {"least_squares", "average"}
            The series that together explain each volume best (as nilearn's NiftiMapsMasker), or the mean of the voxels
            weighted by each map on its own.
        mask, like
            As in `from_labels`.

        Raises
        ------
        ValueError
            Maps that are empty, or for "least_squares" linearly dependent.
        """
        check_in("method", method, ("least_squares", "average"))
        image = load_image("maps", maps, (4,))
        target = image if like is None else load_image("like", like, (3, 4))
        original = image
        image = on_grid_of("maps", image, target, labels=False)
        n = image.data.shape[3]
        called = [f"map{i}" for i in range(n)] if names is None else [str(name) for name in names]
        inside = _mask(mask, target)
        matrix = np.where(inside[..., None], image.data, 0).reshape(-1, n).T.astype(np.float64)
        if not np.isfinite(matrix).all():
            raise ValueError("maps must be finite, got NaN or infinite weights")
        used = np.flatnonzero(matrix.any(axis=0))
        if method == "average":
            total = matrix.sum(axis=1)
            if (total <= 0).any():
                raise ValueError(
                    f"map {int(np.argmin(total))} has no weight in the mask, so it has no average"
                )
            rows = matrix[:, used] / total[:, None]
        else:
            rank = int(np.linalg.matrix_rank(matrix[:, used])) if len(used) else 0
            if rank < n:
                raise ValueError(
                    f'the {n} maps have rank {rank} in the mask, so their series are not unique: use method="average", '
                    "or leave out what is empty or repeated"
                )
            rows = np.linalg.pinv(matrix[:, used]).T
        row, column = np.nonzero(rows)
        weights = csr_array((rows[row, column], (row, used[column])), shape=matrix.shape)
        masker = cls(weights, image.data.shape[:3], called, image.affine if like is None else target.affine)
        parts = [method, original] if mask is None else [method, original, load_image("mask", mask, (3,))]
        masker._digest = digest_of("maps", masker.names, *parts)
        return masker

    @classmethod
    def from_mask(cls, mask: Any, *, prefix: str = "voxel") -> Masker:
        """Each voxel where `mask` (array, image or path, 3-D) is not 0, as a region of its own, in C order."""
        image = load_image("mask", mask, (3,))
        used = np.flatnonzero(np.nan_to_num(image.data))
        if len(used) == 0:
            raise ValueError("mask is 0 everywhere, so there is no voxel to take")
        n = len(used)
        weights = csr_array((np.ones(n), (np.arange(n), used)), shape=(n, image.data.size))
        return cls(weights, image.data.shape, [f"{prefix}{i}" for i in range(n)], image.affine)

    @property
    def digest(self) -> str:
        if self._digest is None:
            where = () if self.affine is None else (np.round(self.affine, 3) + 0.0,)
            w = self._weights
            voxels = self._at["C"][w.indices]
            self._digest = digest_of("weights", self.names, self.shape, w.indptr, voxels, w.data, *where)
        return self._digest

    def on(self, image: Any) -> Masker:
        """The masker of the same atlas for volumes whose voxels are where those of an image are.

        Parameters
        ----------
        image : array, nibabel image or path, 3-D or 4-D

        Returns
        -------
        Masker
            This one where its voxels are there already; else another, for which an atlas of labels is resampled (needs
            nilearn).

        Raises
        ------
        ValueError
            Voxels elsewhere, and an atlas that is no image of labels; a region without a voxel there.
        """
        image = load_image("image", image, (3, 4))
        if self.affine is None or image.affine is None:
            return self
        if image.data.shape[:3] == self.shape and np.allclose(image.affine, self.affine, atol=SAME_MM):
            return self
        if self.labels is None:
            raise ValueError(
                f"{image.called} has its voxels elsewhere than the atlas, of which only weights are known: make a masker of "
                "its maps or mask with like= this image"
            )
        return Masker._of_labels(self.labels, self.names, image)

    def to_tensors(self) -> dict[str, np.ndarray]:
        """Arrays that `from_tensors` makes it of again: images of labels, or the weights of voxels."""
        w, voxels = self._weights, self._at["C"][self._weights.indices]
        region = np.repeat(np.arange(len(self.names)), np.diff(w.indptr))
        found = {} if self.affine is None else {"place": self.affine}
        if self.labels is None:
            shape = np.array(self.shape, np.int64)
            return found | {
                "shape": shape,
                "region": region.astype(np.int64),
                "voxel": voxels,
                "weight": w.data,
            }
        numbers = np.zeros(self.shape, np.int64)
        numbers.ravel()[voxels] = region + 1
        return found | labels_tensors(self.labels) | {"placed": packed(numbers)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray], names: Sequence[str], digest: str) -> Masker:
        """The inverse of `to_tensors`; ValueError where they make no masker, or one of another digest."""
        place = affine_of(tensors, "place")
        if "labels" in tensors:
            masker = cls._of_numbers(labels_from(tensors), names, Image(unpacked(tensors["placed"]), place))
            if masker.digest != digest:
                raise ValueError("the atlas is another one than it says")
            return masker
        shape = tensors["shape"].tolist()
        if tensors["shape"].dtype != np.int64 or len(shape) != 3 or min(shape) < 1 or max(shape) > 2**12:
            raise ValueError(f"the atlas has volumes of shape {shape}")
        where = (tensors["region"], tensors["voxel"])
        masker = cls(
            csr_array((tensors["weight"], where), shape=(len(names), prod(shape))), shape, names, place
        )
        masker._digest = digest
        return masker

    @property
    def n_voxels(self) -> int:
        return self._weights.shape[1]

    def volume(self, volume: Any) -> np.ndarray:
        """The regions of one volume.

        Parameters
        ----------
        volume : ndarray, shape of the masker
            Any real dtype and memory order; a NaN voxel makes NaN of its regions, which the engine takes for lost
            samples.

        Returns
        -------
        ndarray of float64, shape (n_regions,)
            The same bits as `transform` of the run.
        """
        x = np.asarray(volume)
        if x.shape != self.shape:
            raise ValueError(f"volume must have shape {self.shape}, got {x.shape}")
        order: Literal["C", "F"] = "F" if x.flags.f_contiguous else "C"
        return self._weights @ x.ravel(order=order).take(self._at[order]).astype(np.float64)

    def transform(self, bold: Any) -> np.ndarray:
        """The regions of each volume of a run.

        Parameters
        ----------
        bold : array, nibabel image or path, shape (x, y, z, n_volumes)

        Returns
        -------
        ndarray of float64, shape (n_regions, n_volumes)
        """
        image = load_image("bold", bold, (4,))
        self.check_place(image)
        if image.data.shape[:3] != self.shape:
            raise ValueError(f"bold must have volumes of shape {self.shape}, got {image.data.shape[:3]}")
        out = np.empty((len(self.names), image.data.shape[3]))
        for i in range(out.shape[1]):
            out[:, i] = self.volume(image.data[..., i])
        return out

    def check_place(self, image: Image) -> None:
        """Refuses an image whose voxels are elsewhere than those of the masker."""
        if self.affine is None or image.affine is None:
            return
        if not np.allclose(image.affine, self.affine, atol=1e-3):
            raise ValueError(
                f"{image.called} has its voxels elsewhere than the atlas (their affines differ): make the masker with "
                "like= this image, or use masker.on(image)"
            )

    def __repr__(self) -> str:
        plural = "" if len(self.names) == 1 else "s"
        size = " x ".join(map(str, self.shape))
        return f"Masker({len(self.names)} region{plural} of {self.n_voxels} voxels in {size})"


def _mask(mask: Any, target: Image) -> np.ndarray:
    if mask is None:
        return np.ones(target.data.shape[:3], bool)
    image = on_grid_of("mask", load_image("mask", mask, (3,)), target, labels=True)
    return np.nan_to_num(image.data) != 0


def _label_names(there: Sequence[int], names: Mapping[int, str] | Sequence[str] | None) -> list[str]:
    if names is None:
        return [f"region{label}" for label in there]
    if isinstance(names, Mapping):
        missing = [label for label in there if label not in names]
        if missing:
            raise ValueError(f"names has none for the labels {missing} of the atlas")
        return [str(names[label]) for label in there]
    if isinstance(names, str) or len(names) != len(there):
        raise ValueError(f"names must be one per label of the atlas ({len(there)}: {there}), got {names!r}")
    return [str(name) for name in names]
