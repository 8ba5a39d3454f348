"""Measures from cross-spectra over epochs, tapers or segments."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import pi, sqrt
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import (
    check_flat,
    check_threads,
    epochs_of,
    names_of,
    pairs_of,
    refuse_nan,
)
from fastemo.connectivity._design import (
    bins_of_bands,
    check_slopes,
    independent_share,
    segments_of,
    single_bins,
    tapers_of,
)
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
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    check_in("mode", mode, ("multitaper", "fourier"))
    check_in("observations", observations, ("epochs", "tapers", "segments"))
    if mode != "multitaper" and mt_bandwidth is not None:
        raise ValueError(f"mt_bandwidth={mt_bandwidth!r} has no meaning for mode={mode!r}: leave it out")
    if observations != "segments" and (nperseg is not None or noverlap is not None):
        raise ValueError(
            f"nperseg and noverlap have no meaning for observations={observations!r}: leave them out"
        )
    names = names_of(ch_names, x.shape[1])
    seeds, targets = pairs_of(indices, x.shape[1])

    independent = 1.0
    if observations == "segments":
        x, step = segments_of(x, nperseg, noverlap)
    n_samples = x.shape[-1]
    band_names, edges = bins_of_bands(bands, fmin, fmax, n_samples, sfreq)
    if not faverage:
        if "psi" in methods:
            raise ValueError('"psi" is a sum over the bins of a band: it needs faverage=True')
        edges, band_names = single_bins(edges, n_samples, sfreq)
    elif "psi" in methods:
        check_slopes(edges, band_names, n_samples, sfreq)
    first, stop = int(edges[:, 0].min()), int(edges[:, 1].max())

    bandwidth = None if mt_bandwidth is None else check_positive("mt_bandwidth", mt_bandwidth, unit="Hz")
    tapers = tapers_of(mode, n_samples, None if bandwidth is None else bandwidth * n_samples / (2 * sfreq))
    if observations == "segments":
        independent = independent_share(tapers[0], step, x.shape[0])
    n_epochs, n_tapers = x.shape[0], len(tapers)
    counts = {
        m: n_epochs * (n_tapers if m in COHERENCIES or observations == "tapers" else 1) for m in methods
    }
    effective = {m: independent * count for m, count in counts.items()}
    _check_counts(counts, effective, observations, mode)

    rows, columns, row_of, column_of, stops = _layout(indices is None, seeds, targets, x.shape[1])
    used: Sequence[str] = names
    if columns is not None:
        x, used = x[:, columns], [names[c] for c in columns]
    check_flat(x, used)
    spectra = resolve("tapered_spectra")(x, tapers, first, stop, check_threads(threads))
    if not np.isfinite(spectra[0]).all():
        refuse_nan(x, used)
    if observations == "tapers":
        spectra = spectra.reshape(len(spectra), -1, 1, *spectra.shape[3:])

    bits = sum(1 << METHODS.index(m) for m in methods)
    planes = resolve("cross_spectra")(spectra, edges - first, rows, stops, bits, check_threads(threads))
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
