"""Connectivity between groups of channels, such as regions of the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import (
    GROUPED,
    check_counts,
    check_flat,
    check_threads,
    epochs_of,
    methods_of,
    names_of,
    refuse_nan,
)
from fastemo.connectivity._design import bins_of_bands, single_bins, tapers_of
from fastemo.connectivity._groups import check_overlap, components_of, group_pairs, groups_of, ranks_of
from fastemo.connectivity.result import ConnectivityResult
from fastemo.connectivity.state_space import check_lags, granger_spectra, main_directions, warn_of_lags

__all__ = ["GROUPED", "group_connectivity"]

CAUSAL = ("gc", "gc_tr")
PATTERNS = ("cacoh", "mic")


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
    rank: Any = None,
    n_components: int | None = 1,
    n_lags: int = 40,
    spectrum: str = "bands",
    threads: int = 1,
) -> ConnectivityResult:
    """Connectivity between groups of channels: each is taken as a whole, whatever its channels share among themselves.

    Values are those of `mne_connectivity.spectral_connectivity_epochs` (of "cacoh" and "mic" the magnitude: sign and phase
    there are those of the eigenvectors at hand).

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        Cross-spectra are means over epochs and tapers.
    sfreq : float
        In Hz.
    groups : mapping of str to sequence of int
        Names and the channel numbers of each group, such as `{"frontal": [0, 1, 2], "parietal": [7, 8]}`, of any size.
    bands, fmin, fmax, mode, mt_bandwidth, faverage
        As for `connectivity`.
    methods : str or sequence of str
        Of "mim" (multivariate interaction measure: all imaginary coherency between the groups, squared [1]_), "mic"
        (maximised imaginary part of coherency: that of the two best combinations of channels, at least 0 [1]_), "cacoh"
        (canonical coherence: the largest coherence of any two combinations [2]_), "gc" (Granger causality from seeds to
        targets in state-space form, in nats [3]_), "gc_tr" (the same with time reversed: what is left of "gc" less
        "gc_tr" is no matter of unequal noise).
    indices : (seeds, targets), optional
        Numbers or names of groups; by default all pairs below the diagonal, and with "gc" or "gc_tr" those above it too. "mim"
        and "mic" take a group with itself as well, such as `([0], [0])`: how much goes on within it, which is the
        default where there is one group. "mim" is halved there, for each pair of channels is in it twice, and is the
        global interaction measure [1]_ if the group is all channels.
    rank : "auto", mapping of str to int, or (seeds, targets), optional
        How many combinations of channels to keep of each group, the strongest; groups that a mapping does not name are
        taken whole, as all are by default. "auto": as many as have a singular value of at least 1e-6 of the largest in
        every epoch (what mne-connectivity does by default). Two sequences: of the seeds and of the targets of each pair,
        as that takes them.
    n_components : int or None
        How many combinations "cacoh" and "mic" find, one after the other; None: as many as the smallest rank allows. Those
        after the first are in `components` and `patterns` only.
    n_lags : int
        Order of the model of "gc" and "gc_tr".
    spectrum : {"bands", "whole"}
        What "gc" and "gc_tr" model. "bands": the bins from the lowest to the highest that is asked for, taken for the
        whole spectrum, as mne-connectivity does. "whole": from 0 to half of the sampling frequency, of which values are
        then read off the bands: what one model of the signals themselves says.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ConnectivityResult
        Its `ch_names` are the names of the groups. Of "cacoh" and "mic", `patterns` holds how the combination of each
        bin, or of a band's bin of the largest value, shows in the channels [4]_. With several, `components` holds the value
        of each.

    Raises
    ------
    ValueError
        Groups that share channels, but for "mim" and "mic", or whose channels are copies or sums of each other beyond
        their `rank`; fewer observations than channels; a rank above the number of channels; for "gc", fewer bins than
        `n_lags` needs, or bands with a gap between them.

    Notes
    -----
    With C the cross-spectrum, T = Re(C)^(-1/2) of each group and D = T_a C_ab T_b: "mim" is the sum of squares of Im D,
    "mic" its largest singular value, "cacoh" the largest singular value of Re(D exp(-i phi)) over all phi. All grow with
    the number of channels over that of observations, "gc" with that of lags too: of unrelated groups it is about
    n_lags times the channels of both groups multiplied, over the samples of all epochs. Further components of "mic" are
    the next singular values; those of "cacoh" are the largest among filters orthogonal to the ones before.

    "gc" fits x_t = sum_k A_k x_(t-k) + e to the autocovariance that belongs to the cross-spectrum (Whittle's recursion)
    and compares the power of the targets, S = H cov(e) H*, with what is left without the seeds' own noise:
    ln det S_tt - ln det(S_tt - H_ts cov(e_s | e_t) H_ts*).

    Warns
    -----
    RuntimeWarning
        Fewer than 10 observations, or for "gc" fewer than ten samples per coefficient.

    References
    ----------
    .. [1] Ewald et al. 2012, doi:10.1016/j.neuroimage.2011.11.084.
    .. [2] Vidaurre et al. 2019, doi:10.1016/j.neuroimage.2019.116009.
    .. [3] Barnett & Seth 2015, doi:10.1103/PhysRevE.91.040101; reversal: Winkler et al. 2016, doi:10.1109/TSP.2016.2531628.
    .. [4] Haufe et al. 2014, doi:10.1016/j.neuroimage.2013.10.067.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((40, 4, 500))
    >>> x[:, 2, 3:] += x[:, 0, :-3]
    >>> result = group_connectivity(x, 250, {"a": [0, 1], "b": [2, 3]}, {"beta": (13, 30)}, methods="mic")
    >>> bool(result["mic"][0, 0] > 0.5)
    True
    >>> groups = {"a": [0, 1], "b": [2, 3]}
    >>> result = group_connectivity(
    ...     x, 250, groups, {"beta": (13, 30)}, methods="gc", n_lags=10, spectrum="whole"
    ... )
    >>> bool(result.dense()[0, 1, 0] > 3 * result.dense()[1, 0, 0])
    True
    """
    chosen = methods_of(methods, GROUPED)
    check_in("mode", mode, ("multitaper", "fourier"))
    if mode != "multitaper" and mt_bandwidth is not None:
        raise ValueError(f"mt_bandwidth={mt_bandwidth!r} has no meaning for mode={mode!r}: leave it out")
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    names, members = groups_of(groups, x.shape[1])
    causal = [m for m in chosen if m in CAUSAL]
    check_in("spectrum", spectrum, ("bands", "whole"))
    if spectrum == "whole" and not causal:
        raise ValueError('spectrum="whole" has no meaning without "gc" or "gc_tr": leave it out')
    seeds, targets = group_pairs(indices, names, bool(causal))
    check_overlap(chosen, names, members, seeds, targets)
    n_samples = x.shape[-1]
    band_names, edges = bins_of_bands(bands, fmin, fmax, n_samples, sfreq)
    modelled = (0, n_samples // 2 + 1) if spectrum == "whole" else _whole(edges, bool(causal))
    n_lags = check_lags(n_lags, modelled, n_samples, sfreq) if causal else 0
    tapers = tapers_of(mode, n_samples, sfreq, mt_bandwidth)
    n = len(x) * len(tapers)
    instead = 'mode="multitaper"' if mode == "fourier" else "a larger mt_bandwidth"
    check_counts(dict.fromkeys(chosen, n), dict.fromkeys(chosen, float(n)), "epochs", mode, instead)
    check_flat(x, names_of(None, x.shape[1]))
    first, stop = modelled
    spectra = resolve("tapered_spectra")(x, tapers, first, stop, check_threads(threads))
    if not np.isfinite(spectra[0]).all():
        refuse_nan(x, names_of(None, x.shape[1]))
    ranks = ranks_of(rank, names, members, x, seeds, targets)
    n_components = components_of(n_components, ranks, [m for m in chosen if m in PATTERNS])
    z = (spectra[:, :, :, 0] + 1j * spectra[:, :, :, 1])[..., : x.shape[1]].reshape(len(spectra), n, -1)
    if causal:
        warn_of_lags(len(x) * 2 * (stop - first - 1), n_lags, int((ranks[0] + ranks[1]).max()))
    csd = np.swapaxes(z, 1, 2) @ z.conj() / n
    if not faverage:
        edges, band_names = single_bins(edges, n_samples, sfreq)
    at = edges[:, :2] - first
    values, patterns, components = {}, {}, {}
    still = [m for m in chosen if m not in CAUSAL]
    if still:
        asked = slice(at[:, 0].min(), at[:, 1].max())
        found = _undirected(csd[asked], seeds, targets, names, members, ranks, still, n, n_components)
        at = at - asked.start
        for m in still:
            of_bands = _of_bands(found[m], at)
            values[m] = of_bands[:, 0]
            if m in PATTERNS:
                best = np.stack([found[m][..., a:b].argmax(axis=-1) + a for a, b in at], axis=-1)
                shown = np.take_along_axis(found[f"{m} patterns"], best[None, :, :, None], axis=-1)
                patterns[m] = shown if n_components > 1 else shown[:, :, 0]
                if n_components > 1:
                    components[m] = of_bands
        at = at + asked.start
    if causal:
        half = csd * _share_of_ends(first, stop, n_samples)[:, None, None]
        for m in causal:
            by_bin = _causal(half, seeds, targets, names, members, ranks, n_lags, m == "gc_tr")
            values[m] = _of_bands(by_bin, at)
    limits = np.stack([edges[:, 0], edges[:, 1] - 1], axis=1) * (sfreq / n_samples)
    count = dict.fromkeys(chosen, float(n))
    values = {m: values[m] for m in chosen}
    return ConnectivityResult(
        values, seeds, targets, names, limits.mean(axis=1), limits, band_names, count, patterns, components
    )


def _of_bands(by_bin: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.stack([by_bin[..., a:b].mean(axis=-1) for a, b in edges], axis=-1)


def _undirected(
    csd: np.ndarray,
    seeds: np.ndarray,
    targets: np.ndarray,
    names: Sequence[str],
    members: Sequence[np.ndarray],
    ranks: tuple[np.ndarray, np.ndarray],
    methods: Sequence[str],
    n: int,
    n_components: int,
) -> dict[str, np.ndarray]:
    """Measures (n_pairs, n_components, n_bins), one of "mim", and patterns (2, n_pairs, n_components, most channels, n_bins)."""
    # Each group once with each rank.
    sides = [
        [*zip(g.tolist(), r.tolist(), strict=True)] for g, r in zip((seeds, targets), ranks, strict=True)
    ]
    own = {g: csd[:, members[g]][:, :, members[g]].real for g in np.union1d(seeds, targets).tolist()}
    bases = {(g, r): main_directions(own[g], r) for g, r in sorted({*sides[0], *sides[1]})}
    inner = {(g, r): np.swapaxes(base, 1, 2) @ own[g] @ base for (g, r), base in bases.items()}
    roots = {g: _inverse_root(c, names[g[0]], n) for g, c in inner.items()}
    most = max(len(m) for m in members)
    out: dict[str, np.ndarray] = {
        m: np.empty((len(seeds), n_components if m in PATTERNS else 1, len(csd))) for m in methods
    }
    for m in set(methods) & set(PATTERNS):
        out[f"{m} patterns"] = np.full((2, len(seeds), n_components, most, len(csd)), np.nan)
    for pair, (a, b) in enumerate(zip(*sides, strict=True)):
        between = csd[:, members[a[0]]][:, :, members[b[0]]]
        between = np.swapaxes(bases[a], 1, 2) @ between @ bases[b]
        d = roots[a] @ between @ roots[b]
        # Within a group each two channels meet twice.
        twice = {*members[a[0]].tolist()} == {*members[b[0]].tolist()}
        for m in methods:
            if m == "mim":
                out[m][pair] = np.sum(d.imag**2, axis=(1, 2)) / (2 if twice else 1)
                continue
            if m == "mic":
                left, sizes, right = np.linalg.svd(d.imag, full_matrices=False)
                filters = left[:, :, :n_components], np.swapaxes(right, 1, 2)[:, :, :n_components]
            else:
                sizes, *both = _canonical(between, inner[a], inner[b], d, roots[a], roots[b], n_components)
                filters = both[0], both[1]
            out[m][pair] = sizes[:, :n_components].T
            # Filters of unit length in the whitened space for "mic", of unit power for "cacoh", as their authors have it.
            for side, (group, weights) in enumerate(zip((a, b), filters, strict=True)):
                shown = own[group[0]] @ (bases[group] @ weights)
                out[f"{m} patterns"][side, pair, :, : len(members[group[0]])] = shown.transpose(2, 1, 0)
    return out


def _canonical(
    between: np.ndarray,
    inner_a: np.ndarray,
    inner_b: np.ndarray,
    d: np.ndarray,
    root_a: np.ndarray,
    root_b: np.ndarray,
    n_components: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Canonical coherences (n_bins, n_components) and their filters (n_bins, k, n_components).

    `d` is `between` whitened by the roots. Each component after the first is the best among filters that are orthogonal to
    those before, as mne-connectivity has it.
    """
    sizes, found_a, found_b = [], [], []
    white_a, white_b = root_a, root_b
    while True:
        left, size, right = np.linalg.svd((d * _best_turn(d)[:, None, None]).real, full_matrices=False)
        sizes.append(size[:, 0])
        found_a.append(white_a @ left[:, :, :1])
        found_b.append(white_b @ right[:, :1].transpose(0, 2, 1))
        if len(sizes) == n_components:
            break
        white_a, white_b = (
            _whitening_of_rest(np.concatenate(found, axis=2), inner)
            for found, inner in ((found_a, inner_a), (found_b, inner_b))
        )
        d = np.swapaxes(white_a, 1, 2) @ between @ white_b
    return np.stack(sizes, axis=1), np.concatenate(found_a, axis=2), np.concatenate(found_b, axis=2)


def _whitening_of_rest(filters: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Columns that whiten c in the space orthogonal to filters (n_bins, k, n_found)."""
    rest = np.linalg.svd(filters)[0][:, :, filters.shape[2] :]
    values, vectors = np.linalg.eigh(np.swapaxes(rest, 1, 2) @ c @ rest)
    return rest @ (vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2)


def _causal(
    csd: np.ndarray,
    seeds: np.ndarray,
    targets: np.ndarray,
    names: Sequence[str],
    members: Sequence[np.ndarray],
    ranks: tuple[np.ndarray, np.ndarray],
    n_lags: int,
    reverse: bool,
) -> np.ndarray:
    """Granger causality (n_pairs, n_bins); both directions of a pair are of one model."""
    total = csd.real.sum(axis=0)
    out = np.empty((len(seeds), len(csd)))
    where: dict[tuple[tuple[int, int], tuple[int, int]], list[int]] = {}
    sides = [
        [*zip(g.tolist(), r.tolist(), strict=True)] for g, r in zip((seeds, targets), ranks, strict=True)
    ]
    for pair, ends in enumerate(zip(*sides, strict=True)):
        where.setdefault(ends, []).append(pair)
    for a, b in where:
        if (b, a) in where and b < a:
            continue
        at = [members[a[0]], members[b[0]]]
        bases = [main_directions(total[np.ix_(m, m)], r) for m, (_, r) in zip(at, (a, b), strict=True)]
        both = np.concatenate(at)
        base = np.zeros((len(both), a[1] + b[1]))
        base[: len(at[0]), : a[1]], base[len(at[0]) :, a[1] :] = bases
        try:
            there, back = granger_spectra(base.T @ csd[:, both][:, :, both] @ base, a[1], n_lags, reverse)
            found = np.isfinite(there).all() and np.isfinite(back).all()
        except np.linalg.LinAlgError:
            found = False
        if not found:
            raise ValueError(
                f"the channels of groups {names[a[0]]!r} and {names[b[0]]!r} are copies or sums of each other, or nearly so: give "
                'a lower rank=, as rank="auto" does, or fewer n_lags'
            )
        out[where[a, b]] = there
        out[where.get((b, a), [])] = back
    return out


def _share_of_ends(first: int, stop: int, n: int) -> np.ndarray:
    """Bins at 0 and at half of the sampling frequency are shared by both halves of the spectrum."""
    bins = np.arange(first, stop)
    return np.where((bins == 0) | (2 * bins == n), 0.5, 1.0)


def _whole(edges: np.ndarray, causal: bool) -> tuple[int, int]:
    first, stop = int(edges[:, 0].min()), int(edges[:, 1].max())
    if causal and len(np.unique(np.concatenate([np.arange(a, b) for a, b in edges[:, :2]]))) < stop - first:
        raise ValueError(
            'there are gaps between the bands, and "gc" and "gc_tr" would take what is left for one spectrum: use '
            'spectrum="whole"'
        )
    return first, stop


def _inverse_root(c: np.ndarray, name: str, n: int) -> np.ndarray:
    """c^(-1/2) of symmetric matrices (n_bins, k, k)."""
    if n <= c.shape[-1]:
        raise ValueError(
            f"group {name!r} has {c.shape[-1]} channels and x gives {n} observations: pass more epochs, fewer channels or "
            "a lower rank="
        )
    values, vectors = np.linalg.eigh(c)
    if (values[:, 0] <= 1e-10 * values[:, -1]).any():
        raise ValueError(
            f"channels of group {name!r} are copies or sums of each other (as after an average reference within it): leave "
            'channels out, or give a lower rank=, as rank="auto" does'
        )
    return (vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2)


def _best_turn(d: np.ndarray) -> np.ndarray:
    """exp(-i phi) of the largest singular value of Re(d exp(-i phi)): best of a grid, then by its neighbours' parabola."""
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
    return np.exp(-1j * phi)


def _turned(d: np.ndarray, phi: np.ndarray) -> np.ndarray:
    return np.linalg.norm((d * np.exp(-1j * phi)[:, None, None]).real, 2, axis=(1, 2))
