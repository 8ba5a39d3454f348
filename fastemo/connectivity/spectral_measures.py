"""Measures from cross-spectra over epochs, tapers or segments."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor, pi, sqrt
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import band_edges
from fastemo._validate import check_in, check_positive
from fastemo.bands import check_bands
from fastemo.connectivity.result import Connectivity

__all__ = ["METHODS", "connectivity"]

#: The measures, by their usual names.
METHODS = (
    "coh", "cohy", "imcoh", "plv", "ciplv", "ppc", "pli", "pli2_unbiased", "dpli", "wpli", "wpli2_debiased", "psi",
)  # fmt: skip

# Those that average over tapers as well as over observations; the others take one cross-spectrum per observation.
COHERENCIES = {"coh", "cohy", "imcoh", "psi"}
DEBIASED = {"ppc", "pli2_unbiased", "wpli2_debiased"}
FEW = 10


def connectivity(
    x: Any,
    sfreq: float,
    bands: Any = None,
    *,
    methods: str | Sequence[str] = "coh",
    fmin: Any = None,
    fmax: Any = None,
    mode: str = "multitaper",
    observations: str = "epochs",
    indices: Any = None,
    faverage: bool = True,
    mt_bandwidth: float | None = None,
    nperseg: int | None = None,
    noverlap: int | None = None,
    ch_names: Sequence[str] | None = None,
    threads: int = 1,
) -> Connectivity:
    """Connectivity between channels in frequency bands, from one pass over their cross-spectra.

    Definitions and names are those of `mne_connectivity.spectral_connectivity_epochs` (and of its
    `phase_slope_index`); docs/connectivity.md has the formulas.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        float32 or float64; integers are converted. The mean of every epoch is taken off.
    sfreq : float
        Sampling frequency in Hz.
    bands : str, mapping of names to (lo, hi), or sequence of (lo, hi)
        In Hz, [lo, hi); the name of a set in `fastemo.BANDS`. Pass these, or `fmin` and `fmax`.
    methods : str or sequence of str
        Of "coh", "cohy", "imcoh", "plv", "ciplv", "ppc", "pli", "pli2_unbiased", "dpli", "wpli",
        "wpli2_debiased", "psi".
    fmin, fmax : float or sequence of float
        Bands that hold both their ends, as in mne-connectivity.
    mode : {"multitaper", "fourier"}
        "multitaper": Slepian tapers weighted by their concentration, those below 0.9 left out. "fourier": one
        symmetric Hann taper.
    observations : {"epochs", "tapers", "segments"}
        What is averaged over. "epochs": one cross-spectrum per epoch, the sum over its tapers. "tapers": one per
        epoch and taper. "segments": one per segment of `nperseg` samples of each epoch.
    indices : (seeds, targets), optional
        Two sequences of channel numbers of the same length; by default all pairs below the diagonal.
    faverage : bool
        Average each measure over the bins of a band, or else return every bin in any of the bands.
    mt_bandwidth : float, optional
        Full bandwidth of the tapers in Hz ("multitaper"); by default that of 8 bins.
    nperseg, noverlap : int, optional
        Length and overlap of segments in samples ("segments"); the overlap is half of a segment by default.
    ch_names : sequence of str, optional
    threads : int
        Results do not depend on it.

    Returns
    -------
    Connectivity

    Raises
    ------
    ValueError, TypeError
        Fewer observations than a measure needs; a band in which there is no bin (two for "psi"); a channel that is
        flat or not finite; channel numbers out of range; an option that has no meaning for the others.

    Warns
    -----
    RuntimeWarning
        A measure with a bias rests on fewer than 10 observations.

    Notes
    -----
    Two copies of one channel have a coherence and PLV of 1 and are exactly 0 in the measures of the imaginary part
    (dPLI: 1/2). Memory is that of the spectra and of the result: nothing is kept per pair and bin.

    Examples
    --------
    Two channels share a rhythm of 10 Hz, the second a quarter of a cycle late.

    >>> rng = np.random.default_rng(0)
    >>> t = np.arange(500) / 250
    >>> phase = rng.uniform(0, 2 * np.pi, (30, 1))
    >>> x = rng.standard_normal((30, 3, 500))
    >>> x[:, 0] += np.sin(2 * np.pi * 10 * t + phase)
    >>> x[:, 1] += np.sin(2 * np.pi * 10 * t + phase - np.pi / 2)
    >>> result = connectivity(x, 250, {"alpha": (9, 11)}, methods=["wpli2_debiased"])
    >>> bool(result.dense()[0, 1, 0] > 0.9), bool(abs(result.dense()[0, 2, 0]) < 0.1)
    (True, True)
    """
    methods = _methods(methods)
    x = _epochs(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    check_in("mode", mode, ("multitaper", "fourier"))
    check_in("observations", observations, ("epochs", "tapers", "segments"))
    if mode != "multitaper" and mt_bandwidth is not None:
        raise ValueError(f"mt_bandwidth={mt_bandwidth!r} has no meaning for mode={mode!r}: leave it out")
    if observations != "segments" and (nperseg is not None or noverlap is not None):
        raise ValueError(
            f"nperseg and noverlap have no meaning for observations={observations!r}: leave them out"
        )
    names = _names(ch_names, x.shape[1])
    seeds, targets = _pairs(indices, x.shape[1])

    independent = 1.0
    if observations == "segments":
        x, step = _segments(x, nperseg, noverlap)
    n_samples = x.shape[-1]
    band_names, edges = _bands(bands, fmin, fmax, n_samples, sfreq)
    if not faverage:
        if "psi" in methods:
            raise ValueError('"psi" is a sum over the bins of a band: it needs faverage=True')
        edges, band_names = _single_bins(edges, n_samples, sfreq)
    elif "psi" in methods:
        _check_slopes(edges, band_names, n_samples, sfreq)
    first, stop = int(edges[:, 0].min()), int(edges[:, 1].max())

    bandwidth = None if mt_bandwidth is None else check_positive("mt_bandwidth", mt_bandwidth, unit="Hz")
    tapers = _tapers(mode, n_samples, None if bandwidth is None else bandwidth * n_samples / (2 * sfreq))
    if observations == "segments":
        independent = _independent_share(tapers[0], step, x.shape[0])
    n_epochs, n_tapers = x.shape[0], len(tapers)
    counts = {
        m: n_epochs * (n_tapers if m in COHERENCIES or observations == "tapers" else 1) for m in methods
    }
    effective = {m: independent * count for m, count in counts.items()}
    _check_counts(counts, effective, observations, mode)

    rows, columns, row_of, column_of, stops = _layout(indices is None, seeds, targets, x.shape[1])
    used = names
    if columns is not None:
        x, used = x[:, columns], [names[c] for c in columns]
    _check_flat(x, used)
    spectra = resolve("tapered_spectra")(x, tapers, first, stop, _threads(threads))
    if not np.isfinite(spectra[0]).all():
        _refuse_nan(x, used)
    if observations == "tapers":
        spectra = spectra.reshape(len(spectra), -1, 1, *spectra.shape[3:])

    bits = sum(1 << METHODS.index(m) for m in methods)
    planes = resolve("cross_spectra")(spectra, edges - first, rows, stops, bits, _threads(threads))
    picked = planes[:, :, row_of, column_of]
    values, plane = {}, 0
    for m in (m for m in METHODS if m in methods):
        values[m] = picked[plane].T if m != "cohy" else (picked[plane] + 1j * picked[plane + 1]).T
        plane += 2 if m == "cohy" else 1

    spacing = sfreq / n_samples
    limits = np.stack([edges[:, 0], edges[:, 1] - 1], axis=1) * spacing
    return Connectivity(
        {m: values[m] for m in methods},
        seeds,
        targets,
        names,
        limits.mean(axis=1),
        limits,
        band_names,
        effective,
    )


def _methods(methods: str | Sequence[str]) -> list[str]:
    chosen = [methods] if isinstance(methods, str) else list(methods)
    if not chosen:
        raise ValueError(f"methods is empty, expected some of {', '.join(METHODS)}")
    for m in chosen:
        check_in("methods", m, METHODS)
    return list(dict.fromkeys(chosen))


def _epochs(x: Any) -> np.ndarray:
    if np.ma.isMaskedArray(x):
        raise TypeError("x is a masked array, expected a plain one: use x.filled(np.nan)")
    x = np.asarray(x)
    if x.dtype.kind not in "iuf" or x.dtype.itemsize > 8:
        raise TypeError(f"x must be an array of real numbers, got dtype {x.dtype}: use x.astype(float)")
    x = np.require(x, np.float32 if x.dtype.kind == "f" and x.dtype.itemsize <= 4 else np.float64, "A")
    if x.ndim == 2:
        x = x[None]
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(
            f"x must have shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples), got {x.shape}"
        )
    if x.shape[1] < 2:
        raise ValueError("x has 1 channel, expected at least 2: connectivity is between channels")
    return x


def _threads(threads: Any) -> int:
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


def _names(ch_names: Sequence[str] | None, n_channels: int) -> tuple[str, ...]:
    names = tuple(str(i) for i in range(n_channels)) if ch_names is None else tuple(ch_names)
    if len(names) != n_channels:
        raise ValueError(f"ch_names has {len(names)} names, but x has {n_channels} channels")
    return names


def _pairs(indices: Any, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    if indices is None:
        return np.tril_indices(n_channels, -1)
    try:
        seeds, targets = (np.asarray(i) for i in indices)
    except (TypeError, ValueError):
        raise ValueError("indices must be two sequences of channel numbers: (seeds, targets)") from None
    for name, numbers in (("seeds", seeds), ("targets", targets)):
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) == 0:
            raise ValueError(f"the {name} in indices must be a sequence of channel numbers, got {numbers!r}")
        if numbers.min() < 0 or numbers.max() >= n_channels:
            raise ValueError(
                f"the {name} in indices must be from 0 to {n_channels - 1}, the channels of x, got "
                f"{int(numbers.min() if numbers.min() < 0 else numbers.max())}"
            )
    if len(seeds) != len(targets):
        raise ValueError(
            f"indices has {len(seeds)} seeds and {len(targets)} targets: expected one target per seed"
        )
    return seeds.astype(np.intp), targets.astype(np.intp)


def _layout(all_pairs: bool, seeds: np.ndarray, targets: np.ndarray, n_channels: int) -> tuple[Any, ...]:
    """First signals, the channels to keep (targets first), where each pair is in the planes, and how far rows go."""
    if all_pairs:
        rows = np.arange(1, n_channels)
        return rows, None, seeds - 1, targets, rows
    unique_targets, column_of = np.unique(targets, return_inverse=True)
    unique_seeds, row_of = np.unique(seeds, return_inverse=True)
    columns = np.concatenate([unique_targets, np.setdiff1d(unique_seeds, unique_targets)])
    position = {int(c): i for i, c in enumerate(columns)}
    rows = np.array([position[int(s)] for s in unique_seeds])
    return rows, columns, row_of, column_of, np.full(len(rows), len(unique_targets))


def _segments(x: np.ndarray, nperseg: Any, noverlap: Any) -> tuple[np.ndarray, int]:
    n = x.shape[-1]
    if isinstance(nperseg, bool) or not isinstance(nperseg, (int, np.integer)) or not 2 <= nperseg <= n:
        raise ValueError(f"nperseg must be from 2 to the {n} samples of an epoch, got {nperseg!r}")
    overlap = nperseg // 2 if noverlap is None else noverlap
    if isinstance(overlap, bool) or not isinstance(overlap, (int, np.integer)) or not 0 <= overlap < nperseg:
        raise ValueError(f"noverlap must be from 0 to nperseg - 1 = {nperseg - 1}, got {overlap!r}")
    step = int(nperseg - overlap)
    windows = np.lib.stride_tricks.sliding_window_view(x, int(nperseg), axis=-1)[:, :, ::step]
    return np.moveaxis(windows, 2, 1).reshape(-1, x.shape[1], int(nperseg)), step


def _independent_share(taper: np.ndarray, step: int, n: int) -> float:
    """Share of independent observations among n overlapping segments (Welch 1967, doi:10.1109/TAU.1967.1161901)."""
    total, excess = float(taper @ taper), 0.0
    for k in range(1, min(n, ceil(len(taper) / step))):
        excess += 2 * (1 - k / n) * float(taper[k * step :] @ taper[: len(taper) - k * step] / total) ** 2
    return 1 / (1 + excess)


def _bands(bands: Any, fmin: Any, fmax: Any, n: int, sfreq: float) -> tuple[tuple[str, ...], np.ndarray]:
    """Names, and edges (n_bands, 4): first and past-the-last bin, and those strictly inside, for the phase slope."""
    if (bands is None) == (fmin is None and fmax is None):
        raise ValueError("pass bands, or fmin and fmax: one of the two is needed")
    if bands is not None:
        names, limits = check_bands(bands, sfreq)
        edges = band_edges(dict(zip(names, limits.tolist())), n, sfreq)
        inside = edges[:, 0] + (np.abs(edges[:, 0] * sfreq / n - limits[:, 0]) <= 1e-9 * limits[:, 0])
        return names, np.column_stack([edges, inside, edges[:, 1]]).astype(np.intp)
    if fmin is None or fmax is None:
        raise ValueError(f"fmin and fmax are needed together, got fmin={fmin!r} and fmax={fmax!r}")
    low, high = np.atleast_1d(np.asarray(fmin, float)), np.atleast_1d(np.asarray(fmax, float))
    if low.ndim != 1 or low.shape != high.shape:
        raise ValueError(f"fmin and fmax must be of the same length, got shapes {low.shape} and {high.shape}")
    names, rows = [], []
    for lo, hi in zip(low.tolist(), high.tolist()):
        if not 0 <= lo <= hi <= sfreq / 2:
            raise ValueError(
                f"fmin and fmax must be 0 <= fmin <= fmax <= {sfreq / 2:g} Hz, got {lo:g} and {hi:g}"
            )
        at_lo, at_hi = lo * n / sfreq, hi * n / sfreq
        first, stop = ceil(at_lo * (1 - 1e-12)), floor(at_hi * (1 + 1e-12)) + 1
        if stop <= first:
            raise ValueError(
                f"{n / sfreq:g} s have a frequency every {sfreq / n:g} Hz and none from {lo:g} to {hi:g} Hz: "
                f"use at least {1 / (hi - lo) if hi > lo else 1 / lo:g} s"
            )
        inside = (
            first + (abs(first - at_lo) <= 1e-9 * max(at_lo, 1)),
            stop - (abs(stop - 1 - at_hi) <= 1e-9 * at_hi),
        )
        names.append(f"{lo:g}-{hi:g}")
        rows.append((first, stop, *inside))
    return tuple(names), np.array(rows, dtype=np.intp)


def _single_bins(edges: np.ndarray, n: int, sfreq: float) -> tuple[np.ndarray, tuple[str, ...]]:
    bins = np.unique(np.concatenate([np.arange(a, b) for a, b in edges[:, :2]]))
    return np.stack([bins, bins + 1, bins, bins], axis=1), tuple(f"{b * sfreq / n:g}" for b in bins)


def _check_slopes(edges: np.ndarray, names: Sequence[str], n: int, sfreq: float) -> None:
    for name, (first, stop, inside, until) in zip(names, edges.tolist()):
        if until - inside < 2:
            width = (stop - first) * sfreq / n
            raise ValueError(
                f'"psi" needs two bins inside the band {name!r}, but {n / sfreq:g} s have {max(until - inside, 0)} there: '
                f"use at least {3 / width:g} s"
            )


@lru_cache(maxsize=16)
def _tapers(mode: str, n: int, half_nbw: float | None) -> np.ndarray:
    """Tapers (n_tapers, n), each times the root of its weight."""
    if mode == "fourier":
        tapers = np.hanning(n)[None]
    else:
        from scipy.signal.windows import dpss

        half_nbw = 4.0 if half_nbw is None else half_nbw
        if half_nbw < 0.5 or half_nbw >= n / 2:
            raise ValueError(
                f"mt_bandwidth must be at least one bin and below the sampling frequency, got {2 * half_nbw:g} bins"
                if n > 8
                else f'an observation has {n} samples, expected more than 8 for mode="multitaper"'
            )
        tapers, concentration = dpss(n, half_nbw, int(2 * half_nbw), sym=False, return_ratios=True)
        keep = concentration > 0.9
        if not keep.any():
            keep = concentration == concentration.max()
        tapers = tapers[keep] * np.sqrt(concentration[keep, None])
    tapers.setflags(write=False)
    return tapers


def _check_counts(counts: dict[str, int], effective: dict[str, float], observations: str, mode: str) -> None:
    void = [m for m, n in counts.items() if n < 2]
    if void:
        instead = (
            'observations="segments" with nperseg='
            if mode == "fourier"
            else 'observations="tapers" or "segments"'
        )
        raise ValueError(
            f"{', '.join(void)} would rest on one observation, where every pair gives the same value: pass more epochs, "
            f"or {instead}"
        )
    few = {m: n for m, n in effective.items() if n < FEW and m not in DEBIASED}
    if few:
        least = min(few.values())
        warnings.warn(
            f"{', '.join(few)} rest on {least:.3g} independent observations ({observations}): "
            f"coherence and PLV of unrelated signals are about {sqrt(pi / (4 * least)):.2f} there, so compare only with "
            "results of as many, or use ppc or wpli2_debiased",
            RuntimeWarning,
            stacklevel=3,
        )


def _check_flat(x: np.ndarray, names: Sequence[str]) -> None:
    """Refuses a channel that is constant over an observation: it has no phase there."""
    start = x[:, :, :8]
    for o, c in np.argwhere((start == start[:, :, :1]).all(axis=-1)):
        if (x[o, c] == x[o, c, 0]).all():
            raise ValueError(
                f"channel {names[c]!r} is flat in observation {o}: it has no phase there; drop or interpolate it"
            )


def _refuse_nan(x: np.ndarray, names: Sequence[str]) -> None:
    bad = np.argwhere(~np.isfinite(x))
    if len(bad) == 0:
        raise ValueError("x is too large to be transformed: scale it to its unit first")
    o, c, _ = bad[0]
    raise ValueError(
        f"x holds {len(bad)} NaN or infinite values, the first in channel {names[c]!r} of observation {o}: "
        "drop the epoch or interpolate the channel"
    )
