"""Measures from cross-spectra over epochs, tapers or segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import (
    check_counts,
    check_flat,
    check_threads,
    epochs_of,
    methods_of,
    names_of,
    pairs_of,
    refuse_nan,
)
from fastemo.connectivity._design import (
    analytic_plan,
    bands_in_hz,
    bins_of_bands,
    check_slopes,
    independent_share,
    segments_of,
    single_bins,
    tapers_of,
)
from fastemo.connectivity.result import ConnectivityResult
from fastemo.reference.connectivity import PER_SAMPLE

__all__ = ["METHODS", "connectivity", "layout"]

#: The measures, by their usual names.
METHODS = (
    "coh", "cohy", "imcoh", "plv", "ciplv", "ppc", "pli", "pli2_unbiased", "dpli", "wpli", "wpli2_debiased", "psi",
)  # fmt: skip

# Those that average over tapers as well as over observations; the others take one cross-spectrum per observation.
COHERENCIES = {"coh", "cohy", "imcoh", "psi"}


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
    order: int | None = None,
    skip: float | None = None,
    ch_names: Sequence[str] | None = None,
    threads: int = 1,
) -> ConnectivityResult:
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
    mode : {"multitaper", "fourier", "filterbank"}
        "multitaper": Slepian tapers weighted by their concentration, those below 0.9 left out. "fourier": one
        symmetric Hann taper. "filterbank": causal analytic band-pass filters, for observations="time".
    observations : {"epochs", "tapers", "segments", "time"}
        What is averaged over. "epochs": one cross-spectrum per epoch, the sum over its tapers. "tapers": one per
        epoch and taper. "segments": one per segment of `nperseg` samples of each epoch. "time": one per sample of
        each epoch, as the stage `fastemo.Connectivity` has it; successive samples are not independent, so the
        measures that need independence are refused.
    indices : (seeds, targets), optional
        Two sequences of the same length of channel numbers, or of `ch_names`; by default all pairs below the diagonal.
    faverage : bool
        Average each measure over the bins of a band, or else return every bin in any of the bands.
    mt_bandwidth : float, optional
        Full bandwidth of the tapers in Hz ("multitaper"); by default that of 8 bins.
    nperseg, noverlap : int, optional
        Length and overlap of segments in samples ("segments"); the overlap is half of a segment by default.
    order : int, optional
        Of the filter bank, as in `scipy.signal.butter`; 4 by default.
    skip : float, optional
        Seconds at the start of each epoch that are left out while the filters fill ("filterbank"); by default as long as
        that takes.
    ch_names : sequence of str, optional
    threads : int
        Results do not depend on it.

    Returns
    -------
    ConnectivityResult

    Raises
    ------
    ValueError, TypeError
        Fewer observations than a measure needs, or successive samples where it needs independent ones; a band in which there is no bin (two for "psi"); a channel that is
        flat or not finite; channel numbers out of range; an option that has no meaning for the others.

    Warns
    -----
    RuntimeWarning
        A measure with a bias rests on fewer than 10 observations.

    Notes
    -----
    Two copies of one channel have a coherence and PLV of 1 and are exactly 0 in the measures of the imaginary part
    (dPLI: 1/2). Memory is that of the spectra and of the result: nothing is kept per pair and bin. Only the sums that
    `methods` need are taken, so that a measure may differ by rounding from the same one asked for with others.

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
    methods = methods_of(methods, METHODS)
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    if mode == "cwt_morlet":
        raise ValueError('mode="cwt_morlet" is a function of its own: use wavelet_connectivity')
    check_in("mode", mode, ("multitaper", "fourier", "filterbank"))
    check_in("observations", observations, ("epochs", "tapers", "segments", "time"))
    threads = check_threads(threads)
    only = {
        "mt_bandwidth": (mt_bandwidth, "mode", mode, ("multitaper",)),
        "order": (order, "mode", mode, ("filterbank",)),
        "skip": (skip, "mode", mode, ("filterbank",)),
        "nperseg": (nperseg, "observations", observations, ("segments",)),
        "noverlap": (noverlap, "observations", observations, ("segments",)),
    }
    for name, (value, option, chosen, needed) in only.items():
        if value is not None and chosen not in needed:
            raise ValueError(f"{name}={value!r} has no meaning for {option}={chosen!r}: leave it out")
    names = names_of(ch_names, x.shape[1])
    seeds, targets = pairs_of(indices, names)
    rows, columns, row_of, column_of, stops = layout(indices is None, seeds, targets, x.shape[1])
    used: Sequence[str] = names
    if columns is not None:
        x, used = x[:, columns], [names[c] for c in columns]

    bits = sum(1 << METHODS.index(m) for m in methods)
    if mode == "filterbank" or observations == "time":
        _check_time(methods, mode, observations, faverage)
        bank, skipped, limits, band_names, effective = analytic_plan(
            x, used, sfreq, bands_in_hz(bands, fmin, fmax, sfreq), order, skip, finite=columns is not None
        )
        counts = dict.fromkeys(methods, len(x) * (x.shape[-1] - skipped))
        smallest = dict.fromkeys(methods, float(effective.min()))
        check_counts(counts, smallest, observations, mode)
        if columns is None:
            picked = resolve("analytic_measures")(x, *bank, skipped, bits, threads)
        else:
            spectra = resolve("analytic_spectra")(x, *bank, skipped, threads)
            steps = np.arange(len(limits))
            edges = np.stack([steps, steps + 1, steps, steps], axis=1)
            picked = resolve("cross_spectra")(spectra, edges, rows, stops, bits, threads)[
                :, :, row_of, column_of
            ]
    else:
        if observations == "segments":
            x, step = segments_of(x, nperseg, noverlap)
        band_names, edges = bins_of_bands(bands, fmin, fmax, x.shape[-1], sfreq)
        if not faverage:
            if "psi" in methods:
                raise ValueError('"psi" is a sum over the bins of a band: it needs faverage=True')
            edges, band_names = single_bins(edges, x.shape[-1], sfreq)
        elif "psi" in methods:
            check_slopes(edges, band_names, x.shape[-1], sfreq)
        limits = np.stack([edges[:, 0], edges[:, 1] - 1], axis=1) * (sfreq / x.shape[-1])
        tapers = tapers_of(mode, x.shape[-1], sfreq, mt_bandwidth)
        independent = independent_share(tapers[0], step, x.shape[0]) if observations == "segments" else 1.0
        per_observation = len(tapers) if observations == "tapers" else 1
        counts = {m: len(x) * (len(tapers) if m in COHERENCIES else per_observation) for m in methods}
        smallest = {m: independent * count for m, count in counts.items()}
        check_counts(counts, smallest, observations, mode)
        check_flat(x, used)
        picked = (
            resolve("tapered_measures")(x, tapers, edges, bits, observations == "tapers", threads)
            if columns is None
            else _of_chosen(x, tapers, edges, bits, observations, threads, rows, stops, row_of, column_of)
        )
    if picked is None:
        refuse_nan(x, used)
    values, plane = {}, 0
    for m in (m for m in METHODS if m in methods):
        values[m] = picked[plane].T if m != "cohy" else (picked[plane] + 1j * picked[plane + 1]).T
        plane += 2 if m == "cohy" else 1
    return ConnectivityResult(
        {m: values[m] for m in methods},
        seeds,
        targets,
        names,
        0.5 * (limits[:, 0] + limits[:, 1]),
        limits,
        band_names,
        smallest,
    )


def _of_chosen(
    x: np.ndarray,
    tapers: np.ndarray,
    edges: np.ndarray,
    bits: int,
    observations: str,
    threads: int,
    rows: np.ndarray,
    stops: np.ndarray,
    row_of: np.ndarray,
    column_of: np.ndarray,
) -> np.ndarray | None:
    """What `tapered_measures` gives of all pairs, of those that `layout` laid out."""
    first = int(edges[:, 0].min())
    spectra = resolve("tapered_spectra")(x, tapers, first, int(edges[:, 1].max()), threads)
    if not np.isfinite(spectra[0]).all():
        return None
    if observations == "tapers":
        spectra = spectra.reshape(len(spectra), -1, 1, *spectra.shape[3:])
    return resolve("cross_spectra")(spectra, edges - first, rows, stops, bits, threads)[
        :, :, row_of, column_of
    ]


def _check_time(methods: Sequence[str], mode: str, observations: str, faverage: bool) -> None:
    if mode != "filterbank" or observations != "time":
        raise ValueError(
            f'mode="filterbank" and observations="time" go together, got mode={mode!r} and observations={observations!r}'
        )
    if not faverage:
        raise ValueError(
            'faverage=False has no meaning for mode="filterbank", which has no bins: leave it out'
        )
    for m in methods:
        if m not in PER_SAMPLE:
            raise ValueError(
                f'"{m}" needs independent observations, and successive samples are none: choose observations="segments", '
                f"or some of {', '.join(PER_SAMPLE)}"
            )


def layout(all_pairs: bool, seeds: np.ndarray, targets: np.ndarray, n_channels: int) -> tuple[Any, ...]:
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
