"""Connectivity over time by Morlet wavelets."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import morlet_wavelet, wavelet_half, wavelet_parts
from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import (
    FEW,
    check_flat,
    check_threads,
    epochs_of,
    names_of,
    pairs_of,
    refuse_nan,
)
from fastemo.connectivity._design import bands_in_hz
from fastemo.connectivity.result import ConnectivityResult
from fastemo.connectivity.spectral_measures import METHODS, layout
from fastemo.reference.connectivity import PER_SAMPLE

__all__ = ["wavelet_connectivity"]


def wavelet_connectivity(
    x: Any,
    sfreq: float,
    bands: Any = None,
    *,
    methods: str | Sequence[str] = "coh",
    freqs: Sequence[float] | None = None,
    n_cycles: float = 7.0,
    fmin: Any = None,
    fmax: Any = None,
    padding: float = 0.0,
    decim: int = 1,
    faverage: bool = True,
    indices: Any = None,
    ch_names: Sequence[str] | None = None,
    threads: int = 1,
) -> ConnectivityResult:
    """Connectivity over the samples of each epoch, by Morlet wavelets.

    As `mne_connectivity.spectral_connectivity_time` without smoothing, but for several epochs: their samples count as one
    long epoch, where that takes the mean of each epoch's measures.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
    sfreq : float
        In Hz.
    bands, fmin, fmax
        As for `connectivity`: [lo, hi), and with `fmin` and `fmax` both ends.
    methods : str or sequence of str
        Of "coh", "cohy", "imcoh", "plv", "ciplv", "pli", "dpli", "wpli".
    freqs : sequence of float, optional
        Of the wavelets in Hz; those inside a band count for it. By default all whole Hz.
    n_cycles : float
        Of each wavelet.
    padding : float
        Seconds at either end of an epoch that are left out, where wavelets reach beyond it.
    decim : int
        Only every so many samples are looked at.
    faverage : bool
        Average each measure over the frequencies of a band, or else return every frequency in any of the bands.
    indices : (seeds, targets), optional
    ch_names : sequence of str, optional
    threads : int
        Results do not depend on it.

    Returns
    -------
    ConnectivityResult

    Raises
    ------
    ValueError
        A band without a frequency, a wavelet longer than an epoch, measures that need independent observations.

    Warns
    -----
    RuntimeWarning
        Fewer than 10 independent samples at the lowest frequency.

    Examples
    --------
    >>> t = np.arange(2000) / 250
    >>> x = np.random.default_rng(0).standard_normal((3, 2000))
    >>> x[:2] += 2 * np.sin(2 * np.pi * 10 * t + np.array([[0], [1]]))
    >>> result = wavelet_connectivity(x, 250, {"alpha": (8, 13)}, methods="plv")
    >>> bool(result.dense()[0, 1, 0] > 0.9)
    True
    """
    chosen = [methods] if isinstance(methods, str) else list(dict.fromkeys(methods))
    if not chosen:
        raise ValueError(f"methods is empty, expected some of {', '.join(PER_SAMPLE)}")
    for m in chosen:
        if m in METHODS and m not in PER_SAMPLE:
            raise ValueError(
                f'"{m}" needs independent observations, and successive samples are none: use some of '
                f"{', '.join(PER_SAMPLE)}"
            )
        check_in("methods", m, PER_SAMPLE)
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    n_cycles = check_positive("n_cycles", n_cycles)
    threads = check_threads(threads)
    if isinstance(decim, bool) or not isinstance(decim, (int, np.integer)) or decim < 1:
        raise ValueError(f"decim must be a whole number of at least 1, got {decim!r}")
    names = names_of(ch_names, x.shape[1])
    seeds, targets = pairs_of(indices, names)
    rows, columns, row_of, column_of, stops = layout(indices is None, seeds, targets, x.shape[1])
    used: Sequence[str] = names
    if columns is not None:
        x, used = x[:, columns], [names[c] for c in columns]
    padding = check_positive("padding", padding, zero=True, unit="seconds")
    edge = int(padding * sfreq / decim)
    kept = np.arange(edge, -(-x.shape[-1] // decim) - edge)
    if len(kept) < 2:
        raise ValueError(
            f"padding={padding:g} leaves {len(kept)} samples of {x.shape[-1] / sfreq:g} s: make it shorter"
        )
    by_band = _frequencies(bands_in_hz(bands, fmin, fmax, sfreq), bands is None, freqs, sfreq)
    for f in (min(at) for at in by_band.values()):
        needed = 2 * wavelet_half(sfreq, f, n_cycles) + 1
        if needed > x.shape[-1]:
            raise ValueError(
                f"{x.shape[-1] / sfreq:g} s are shorter than the wavelet of {n_cycles:g} cycles at {f:g} Hz: use at least "
                f"{needed / sfreq:g} s, or fewer cycles"
            )
    check_flat(x, used)
    if not np.isfinite(x).all():
        refuse_nan(x, used)
    lowest = min(min(at) for at in by_band.values())
    seconds = len(x) * len(kept) * decim / sfreq
    effective = min(2 * np.sqrt(np.pi) * lowest / n_cycles * seconds, float(len(x) * len(kept)))
    if effective < FEW:
        warnings.warn(
            f"{', '.join(chosen)} rest on {effective:.3g} independent observations at {lowest:g} Hz: compare only with results "
            "of as many",
            RuntimeWarning,
            stacklevel=2,
        )

    bits = sum(1 << METHODS.index(m) for m in chosen)
    found, labels, limits = [], [], []
    for name, at in by_band.items():
        parts = _parts(sfreq, tuple(at), n_cycles, x.shape[-1])
        transform = (*parts, int(decim), int(kept[0]), int(kept[-1]) + 1)
        if columns is None:
            planes = resolve("wavelet_measures")(x, *transform, bits, threads)
        else:
            steps = np.arange(len(at))
            edges = np.stack([steps, steps + 1, steps, steps], axis=1)
            spectra = _spectra(x, *transform, threads)
            planes = resolve("cross_spectra")(spectra, edges, rows, stops, bits, threads)[
                :, :, row_of, column_of
            ]
        found.append(planes.mean(axis=1, keepdims=True) if faverage else planes)
        labels += [name] if faverage else [f"{f:g}" for f in at]
        limits += [(min(at), max(at))] if faverage else [(f, f) for f in at]
    picked = np.concatenate(found, axis=1) if len(found) > 1 else found[0]
    values, plane = {}, 0
    for m in (m for m in METHODS if m in chosen):
        values[m] = picked[plane].T if m != "cohy" else (picked[plane] + 1j * picked[plane + 1]).T
        plane += 2 if m == "cohy" else 1
    edges_hz = np.array(limits)
    count = dict.fromkeys(chosen, float(effective))
    return ConnectivityResult(
        {m: values[m] for m in chosen},
        seeds,
        targets,
        names,
        edges_hz.mean(axis=1),
        edges_hz,
        tuple(labels),
        count,
    )


def _frequencies(
    bands: dict[str, tuple[float, float]], closed: bool, freqs: Any, sfreq: float
) -> dict[str, list[float]]:
    """The frequencies of each band."""
    if freqs is None:
        at = np.arange(1.0, np.floor(sfreq / 2) + 1)
    else:
        at = np.unique(np.asarray(freqs, dtype=np.float64))
        if at.ndim != 1 or len(at) == 0 or not (np.isfinite(at) & (at > 0) & (at <= sfreq / 2)).all():
            raise ValueError(f"freqs must be above 0 and at most {sfreq / 2:g} Hz, got {freqs!r}")
    found = {
        name: at[(at >= lo) & ((at <= hi) if closed else (at < hi))].tolist()
        for name, (lo, hi) in bands.items()
    }
    for name, inside in found.items():
        if not inside:
            raise ValueError(f"the band {name!r} holds none of freqs: give some inside it")
    return found


@lru_cache(maxsize=8)
def _parts(
    sfreq: float, at: tuple[float, ...], n_cycles: float, n: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """`wavelet_parts` of Morlet wavelets."""
    n_fft, even, odd = wavelet_parts([morlet_wavelet(sfreq, f, n_cycles, False) for f in at], n)
    for part in (even, odd):
        part.setflags(write=False)
    return n_fft, even, odd


def _spectra(
    x: np.ndarray,
    n_fft: int,
    even: np.ndarray,
    odd: np.ndarray,
    decim: int,
    first: int,
    stop: int,
    threads: int,
) -> np.ndarray:
    """Wavelet transforms as observations: (n_freqs, n_epochs * n_kept, 1, 2, n_channels padded)."""
    n_epochs, n_channels, n = x.shape
    transform = resolve("WaveletTransform")(n, n_fft, even, odd, False, np.empty((len(even), 0)))
    out = np.zeros((len(even), n_epochs, stop - first, 1, 2, -(-n_channels // 8) * 8))
    for e in range(n_epochs):
        z = transform.compute(x[e], 0, decim, None, threads)[:, :, first:stop]
        turned = z.view(np.float64).reshape(n_channels, len(even), stop - first, 2)
        out[:, e, :, 0, :, :n_channels] = turned.transpose(1, 2, 3, 0)
    return out.reshape(len(even), -1, 1, 2, out.shape[-1])
