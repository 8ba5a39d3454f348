"""Connectivity between groups of channels, such as regions of the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import (
    check_counts,
    check_flat,
    check_threads,
    epochs_of,
    names_of,
    pairs_of,
    refuse_nan,
)
from fastemo.connectivity._design import bins_of_bands, tapers_of
from fastemo.connectivity.result import ConnectivityResult

__all__ = ["GROUPED", "group_connectivity"]

#: The measures between groups, by their usual names.
GROUPED = ("cacoh", "mic", "mim")


def group_connectivity(
    x: Any,
    sfreq: float,
    groups: Mapping[str, Sequence[int]],
    bands: Any = None,
    *,
    methods: str | Sequence[str] = "mim",
    fmin: Any = None,
    fmax: Any = None,
    mode: str = "multitaper",
    mt_bandwidth: float | None = None,
    indices: Any = None,
    faverage: bool = True,
    threads: int = 1,
) -> ConnectivityResult:
    """Connectivity between groups of channels: each is taken as a whole, whatever its channels share among themselves.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        Cross-spectra are means over epochs and tapers.
    sfreq : float
        In Hz.
    groups : mapping of str to sequence of int
        Names and the channel numbers of each group, such as `{"frontal": [0, 1, 2], "parietal": [7, 8]}`.
    bands, fmin, fmax, mode, mt_bandwidth, faverage
        As for `connectivity`.
    methods : str or sequence of str
        Of "mim" (multivariate interaction measure: all imaginary coherency between the groups, squared [1]_), "mic"
        (maximised imaginary part of coherency: that of the two best combinations of channels, at least 0 [1]_), "cacoh"
        (canonical coherence: the largest coherence of any two combinations [2]_).
    indices : (seeds, targets), optional
        Numbers of groups; by default all pairs below the diagonal.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ConnectivityResult
        Its `ch_names` are the names of the groups.

    Raises
    ------
    ValueError
        Groups that share channels or whose channels are copies or sums of each other; fewer observations than channels.

    Notes
    -----
    With C the cross-spectrum, T = Re(C)^(-1/2) of each group and D = T_a C_ab T_b: "mim" is the sum of squares of Im D,
    "mic" its largest singular value, "cacoh" the largest singular value of Re(D exp(-i phi)) over all phi. All grow with
    the number of channels over that of observations.

    References
    ----------
    .. [1] Ewald et al. 2012, doi:10.1016/j.neuroimage.2011.11.084.
    .. [2] Vidaurre et al. 2019, doi:10.1016/j.neuroimage.2019.116009.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((40, 4, 500))
    >>> x[:, 2, 3:] += x[:, 0, :-3]
    >>> result = group_connectivity(x, 250, {"a": [0, 1], "b": [2, 3]}, {"beta": (13, 30)}, methods="mic")
    >>> bool(result["mic"][0, 0] > 0.5)
    True
    """
    chosen = [methods] if isinstance(methods, str) else list(dict.fromkeys(methods))
    if not chosen:
        raise ValueError(f"methods is empty, expected some of {', '.join(GROUPED)}")
    for m in chosen:
        check_in("methods", m, GROUPED)
    check_in("mode", mode, ("multitaper", "fourier"))
    if mode != "multitaper" and mt_bandwidth is not None:
        raise ValueError(f"mt_bandwidth={mt_bandwidth!r} has no meaning for mode={mode!r}: leave it out")
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    names, members = _groups(groups, x.shape[1])
    seeds, targets = pairs_of(indices, len(names))
    for a, b in zip(seeds, targets):
        shared = set(members[a].tolist()) & set(members[b].tolist())
        if shared:
            raise ValueError(
                f"groups {names[a]!r} and {names[b]!r} share channel {min(shared)}, which is coherent with itself: leave it "
                "out of one"
            )
    band_names, edges = bins_of_bands(bands, fmin, fmax, x.shape[-1], sfreq)
    tapers = tapers_of(mode, x.shape[-1], sfreq, mt_bandwidth)
    n = len(x) * len(tapers)
    check_counts(dict.fromkeys(chosen, n), dict.fromkeys(chosen, float(n)), "epochs", mode)
    check_flat(x, names_of(None, x.shape[1]))
    first, stop = int(edges[:, 0].min()), int(edges[:, 1].max())
    spectra = resolve("tapered_spectra")(x, tapers, first, stop, check_threads(threads))
    if not np.isfinite(spectra[0]).all():
        refuse_nan(x, names_of(None, x.shape[1]))
    z = (spectra[:, :, :, 0] + 1j * spectra[:, :, :, 1])[..., : x.shape[1]].reshape(len(spectra), n, -1)
    csd = np.swapaxes(z, 1, 2) @ z.conj() / n
    roots = [_inverse_root(csd[:, m][:, :, m].real, name, n) for name, m in zip(names, members)]
    by_bin: dict[str, list[np.ndarray]] = {m: [] for m in chosen}
    for a, b in zip(seeds, targets):
        d = roots[a] @ csd[:, members[a]][:, :, members[b]] @ roots[b]
        for m in chosen:
            by_bin[m].append(MEASURES[m](d))
    bins = np.unique(np.concatenate([np.arange(a, b) for a, b in edges[:, :2]])) if not faverage else None
    if bins is not None:
        edges = np.stack([bins, bins + 1], axis=1)
        band_names = tuple(f"{b * sfreq / x.shape[-1]:g}" for b in bins)
    values = {
        m: np.array([[v[a - first : b - first].mean() for a, b in edges[:, :2]] for v in by_bin[m]])
        for m in chosen
    }
    limits = np.stack([edges[:, 0], edges[:, 1] - 1], axis=1) * (sfreq / x.shape[-1])
    count = dict.fromkeys(chosen, float(n))
    return ConnectivityResult(values, seeds, targets, names, limits.mean(axis=1), limits, band_names, count)


def _groups(groups: Any, n_channels: int) -> tuple[tuple[str, ...], list[np.ndarray]]:
    if not isinstance(groups, Mapping) or len(groups) < 2:
        raise ValueError(f"groups must map at least two names to channel numbers, got {groups!r}")
    members = []
    for name, channels in groups.items():
        numbers = np.asarray(channels)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) == 0:
            raise ValueError(f"group {name!r} must be a sequence of channel numbers, got {channels!r}")
        if numbers.min() < 0 or numbers.max() >= n_channels or len(np.unique(numbers)) < len(numbers):
            raise ValueError(
                f"group {name!r} must hold different channels from 0 to {n_channels - 1}, got {numbers.tolist()}"
            )
        members.append(numbers.astype(np.intp))
    return tuple(str(name) for name in groups), members


def _inverse_root(c: np.ndarray, name: str, n: int) -> np.ndarray:
    """c^(-1/2) of symmetric matrices (n_bins, k, k)."""
    if n <= c.shape[-1]:
        raise ValueError(
            f"group {name!r} has {c.shape[-1]} channels and x gives {n} observations: pass more epochs or fewer channels"
        )
    values, vectors = np.linalg.eigh(c)
    if (values[:, 0] <= 1e-10 * values[:, -1]).any():
        raise ValueError(
            f"channels of group {name!r} are copies or sums of each other (as after an average reference within it): leave "
            "channels out"
        )
    return (vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2)


def _interaction(d: np.ndarray) -> np.ndarray:
    return np.sum(d.imag**2, axis=(1, 2))


def _imaginary(d: np.ndarray) -> np.ndarray:
    return np.linalg.norm(d.imag, 2, axis=(1, 2))


def _canonical(d: np.ndarray) -> np.ndarray:
    """The largest singular value of Re(d exp(-i phi)) over phi: best of a grid, then by its neighbours' parabola."""
    step = np.pi / 24
    at = np.arange(24) * step
    grid = np.stack([_turned(d, np.full(len(d), phi)) for phi in at])
    phi = at[grid.argmax(axis=0)]
    best = grid.max(axis=0)
    while step > 1e-9:
        below, above = _turned(d, phi - step), _turned(d, phi + step)
        bend = below - 2 * best + above
        move = np.where(bend < 0, 0.5 * step * (below - above) / np.where(bend < 0, bend, 1), 0)
        phi_new = phi + np.clip(move, -step, step)
        found = _turned(d, phi_new)
        better = found > best
        phi, best = np.where(better, phi_new, phi), np.where(better, found, best)
        step /= 4
    return best


def _turned(d: np.ndarray, phi: np.ndarray) -> np.ndarray:
    return np.linalg.norm((d * np.exp(-1j * phi)[:, None, None]).real, 2, axis=(1, 2))


MEASURES = {"cacoh": _canonical, "mic": _imaginary, "mim": _interaction}
