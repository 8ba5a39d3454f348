"""What of nilearn has a faster twin in `fastemo.fmri`, `fastemo.riemann` and `fastemo.signal`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from fastemo import riemann, signal
from fastemo._accelerate._replacement import Replacement, same_parameters
from fastemo.riemann._tangent import tangent_vectors

__all__ = ["replacements"]


def replacements() -> list[Replacement]:
    """Those of the installed version whose parameters are those that ours were written for."""
    ours: dict[str, Any] = {
        "nilearn.regions.img_to_signals_labels": img_to_signals_labels,
        "nilearn.signal.butterworth": butterworth,
        "nilearn.connectome.connectivity_matrices._geometric_mean": geometric_mean,
    }
    made = []
    for path, function in ours.items():
        module, _, name = path.rpartition(".")
        if hasattr(import_module(module), name):
            made.append(Replacement(path, function, within="nilearn"))
    _to_signals.extend(r for r in made if r.ours is img_to_signals_labels)
    return [r for r in made if same_parameters(r.original, r.ours)]


_to_signals: list[Replacement] = []


def img_to_signals_labels(
    imgs: Any,
    labels_img: Any,
    mask_img: Any = None,
    background_label: Any = 0,
    order: Any = "F",
    strategy: Any = "mean",
    keep_masked_labels: Any = False,
    return_masked_atlas: Any = True,
    n_jobs: Any = 1,
) -> Any:
    """Means over the labels of every volume of an image in memory; the first volume is theirs, and all that it says."""
    data = getattr(imgs, "dataobj", None)
    if strategy != "mean" or keep_masked_labels or not return_masked_atlas or order not in ("C", "F"):
        return NotImplemented
    if type(data) is not np.ndarray or data.dtype.char not in "fd" or data.ndim != 4 or data.shape[3] < 2:
        return NotImplemented
    with np.errstate(all="ignore"):
        if not np.isfinite(data.sum()):
            return NotImplemented
    options = (labels_img, mask_img, background_label, order, strategy, keep_masked_labels, True, n_jobs)
    first, labels, atlas = _to_signals[0].original(imgs.slicer[..., :1], *options)
    kept, numbers = np.asarray(atlas.dataobj), np.asarray(labels)
    inside = kept != background_label
    if first.shape != (1, len(numbers)) or not np.array_equal(np.sort(numbers), np.unique(kept[inside])):
        raise ValueError("labels are no whole numbers, or have no voxel left")
    position = np.argsort(numbers)
    row = position[np.searchsorted(numbers[position], kept[inside])]
    share = 1 / np.bincount(row, minlength=len(numbers))
    means = csr_array((share[row], (row, np.arange(len(row)))), shape=(len(numbers), len(row)))
    return np.asarray((means @ data[inside]).T, dtype=first.dtype, order=order), labels, atlas


def butterworth(
    signals: Any,
    sampling_rate: Any,
    low_pass: Any = None,
    high_pass: Any = None,
    order: Any = 5,
    padtype: Any = "odd",
    padlen: Any = None,
    copy: Any = False,
) -> Any:
    """Forward and backward, where the limits need no correction."""
    limits = [f for f in (high_pass, low_pass) if f is not None]
    plain = type(signals) is np.ndarray and signals.dtype == np.float64 and signals.ndim in (1, 2)
    if not plain or not limits or not all(isinstance(f, (int, float)) for f in limits):
        return NotImplemented
    if not 0 < limits[0] <= limits[-1] < sampling_rate / 2 or (len(limits) == 2 and limits[0] == limits[1]):
        return NotImplemented
    from scipy.signal import butter

    kind = "band" if len(limits) == 2 else "low" if high_pass is None else "high"
    sos = butter(order, limits if len(limits) == 2 else limits[0], kind, output="sos", fs=sampling_rate)
    found = signal.sosfiltfilt(sos, signals, axis=0, padtype=padtype, padlen=padlen)
    if copy:
        return found
    signals[...] = found
    return signals


def geometric_mean(matrices: Any, init: Any = None, max_iter: Any = 10, tol: Any = 1e-7) -> Any:
    """nilearn's descent, step by step, with all matrices at once: behind ConnectivityMeasure(kind="tangent")."""
    stack = np.array(matrices)
    if init is not None or tol is None or stack.dtype != np.float64 or stack.ndim != 3:
        return NotImplemented
    if not np.allclose(stack, stack.transpose(0, 2, 1), atol=1e-8):
        return NotImplemented
    stack = (stack + stack.transpose(0, 2, 1)) / 2
    mean, step, before = stack.mean(axis=0), 1.0, np.inf
    for _ in range(max_iter):
        root, inverse = riemann.sqrtm(mean), riemann.invsqrtm(mean)
        tangent = riemann.unupper(tangent_vectors(stack, inverse).mean(axis=0))
        mean = root @ riemann.expm(step * tangent) @ root
        mean = (mean + mean.T) / 2
        length = float(np.linalg.norm(tangent))
        if length < before:
            before = length
        elif length > before:
            step, length = step / 2, before
        if length / mean.size < tol:
            return mean
    return NotImplemented  # theirs warns
