"""Differential entropy of band-passed signals, in every definition that has been published with data or code."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._backend import core, resolve
from fastemo._definitions import DEFINITIONS, brainflow_bins, hann_between, seed_bins
from fastemo._design import butterworth, first_sample_state, taper_window
from fastemo._validate import check_in, check_positive, n_samples_of
from fastemo.bands import check_bands
from fastemo.spectral._bands import band_power
from fastemo.spectral._common import (
    Bands,
    check_cycle,
    count,
    designed,
    into,
    number_of_threads,
    only,
    signals,
)

__all__ = ["differential_entropy"]


def differential_entropy(
    x: Any,
    sfreq: float,
    bands: Bands,
    definition: str = "gauss",
    *,
    order: int | None = None,
    n_fft: int | None = None,
    causal: bool = False,
    window: float | None = None,
    hop: float | None = None,
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Differential entropy of every channel in every band, as if the band's signal were Gaussian [1]_.

    `1/2 ln(2 pi e s^2)` with s^2 the band's power, or what a data set or a tool has in its place.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        In uV.
    sfreq : float
        Sampling frequency in Hz.
    bands : str, mapping of names to (lo, hi), or sequence of (lo, hi)
        In Hz, [lo, hi); the name of a set in `fastemo.BANDS`, which has those of all the packs.
    definition : {"gauss", "spectral", "seed", "torcheeg", "libeer", "brainflow"}
        "gauss": s^2 is the mean square of a causal Butterworth band-pass of `x` (no mean taken off), in nats.
        "spectral": s^2 is the band power of the window by FFT under a Hann taper, its mean taken off, in nats.
        "seed": the features that come with the SEED data sets [2]_ (TorchEEG's `BandDifferentialEntropyV1` but
        for the ends of its taper): log2(100 E), E the mean of |X|^2 from the bin before floor(lo n_fft / sfreq)
        up to before floor(hi n_fft / sfreq), under a Hann taper whose zeros lie just outside of the window.
        "torcheeg": its `BandDifferentialEntropy`: 1/2 log2(2 pi e s^2), s^2 the variance of a causal Butterworth
        band-pass of order 5 that starts at rest (as one fraction, which loses digits in low, narrow bands). "libeer": its `de`: the same of a band-pass of order 3, forward
        and backward over the whole of `x`, the variance with n - 1. "brainflow": 1/2 ln(2 pi e s^2), s^2 the
        power of a channel that its `get_custom_band_powers(apply_filters=False)` averages.
    order : int, optional
        Of the band-passes, as in `scipy.signal.butter`; by default 4, in packs theirs.
    n_fft : int, optional
        Length of the transform of "seed", zeros added; by default the window's.
    causal : bool
        "libeer" only: both passes forward, so that the filter is as selective as the pack's and needs no future;
        this is what the stage `DifferentialEntropy` does.
    window, hop : float, optional
        In seconds: many windows in `x` instead of one, every `hop` (by default `window`). Filters run on over all
        of `x`; the other definitions see each window alone.
    threads : int
        Results do not depend on it.
    out : ndarray of float64, C-contiguous, optional

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_bands)
        With `window`, (n_windows, ..., n_channels, n_bands).

    Notes
    -----
    s^2 is at least 1e-4 uV^2 in "gauss" and "spectral", and above 0 in the packs, where silence gives about -500
    instead of minus infinity. What was trained on one definition cannot be used with another: they differ in
    unit, scale and selectivity.

    References
    ----------
    .. [1] Duan, Zhu & Lu (2013), IEEE/EMBS NER, doi:10.1109/NER.2013.6695876
    .. [2] Zheng & Lu (2015), IEEE Transactions on Autonomous Mental Development 7(3),
       doi:10.1109/TAMD.2015.2431497

    Examples
    --------
    >>> differential_entropy(np.zeros((1, 500)), 250, {"alpha": (8, 13)}).round(3)
    array([[-3.186]])
    >>> x = 10 * np.random.default_rng(0).standard_normal((62, 2000))
    >>> differential_entropy(x, 200, "seed", "seed", window=1.0).shape
    (10, 62, 5)
    """
    d = DEFINITIONS[check_in("definition", definition, DEFINITIONS)]
    if d.order is None:
        only("definition", definition, order=(order, None))
    if definition != "seed":
        only("definition", definition, n_fft=(n_fft, None))
    if definition != "libeer":
        only("definition", definition, causal=(causal, False))
    if hop is not None and window is None:
        raise ValueError(f"hop={hop!r} has no meaning without window=: give both or neither")
    x, n_threads = signals(x), number_of_threads(threads)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    cut = None if window is None else _windows_of(x.shape[-1], sfreq, window, hop)
    if d.order is None:
        seen = x if cut is None else _cut(x, *cut)
        power = _spectral_power(seen, sfreq, bands, definition, n_fft, out, n_threads)
    else:
        order = d.order if order is None else count("order", order)
        if definition == "gauss" and cut is None:
            power = band_power(x, sfreq, bands, "filterbank", order=order, threads=n_threads, out=out)
        else:
            power = _filtered_power(x, sfreq, bands, definition, order, bool(causal), cut, n_threads)
    np.log(np.maximum(power, d.floor, out=power), out=power)
    power *= d.gain
    power += d.offset
    return into(out, power)


def _windows_of(n: int, sfreq: float, window: Any, hop: Any) -> tuple[int, int]:
    length = n_samples_of("window", window, sfreq)
    step = length if hop is None else n_samples_of("hop", hop, sfreq)
    if length > n:
        raise ValueError(
            f"window={window:g} s is longer than the {n / sfreq:g} s of x: pass more of the recording, or shorten it"
        )
    return length, step


def _cut(x: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Windows of the last axis as a view, (n_windows, ..., length)."""
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(x, length, axis=-1)[..., ::hop, :], -2, 0)


def _spectral_power(
    x: np.ndarray, sfreq: float, bands: Bands, definition: str, n_fft: Any, out: Any, threads: int
) -> np.ndarray:
    if definition == "spectral":
        return band_power(x, sfreq, bands, threads=threads, out=out)
    n = x.shape[-1]
    if definition == "seed":
        n_fft = n if n_fft is None else count("n_fft", n_fft)
        if n_fft < n:
            raise ValueError(f"n_fft must be at least the {n} samples of a window, got {n_fft}")
        if n_fft > n:
            x = np.concatenate([x, np.zeros((*x.shape[:-1], n_fft - n), x.dtype)], axis=-1)
        return designed(_seed_plan, bands, n, n_fft, sfreq).compute(x, out, threads)
    plan, hop, n_segments = designed(_brainflow_plan, bands, n, sfreq)
    halves = plan.compute(x, hop, n_segments, 1, None, threads)
    return halves[..., ::2] + halves[..., 1::2]


def _seed_plan(bands: Bands, n: int, n_fft: int, sfreq: float) -> Any:
    names, limits = check_bands(bands, sfreq)
    edges = seed_bins(dict(zip(names, limits.tolist(), strict=True)), n_fft, sfreq)
    first = int(edges.min())
    taper = np.concatenate([hann_between(n), np.zeros(n_fft - n)])
    scale = np.ones(int(edges.max()) - first)
    return resolve("FftBandPower")(taper, False, first, scale, edges - first, 1 / np.diff(edges)[:, 0])


def _brainflow_plan(bands: Bands, n: int, sfreq: float) -> tuple[Any, int, int]:
    names, limits = check_bands(bands, sfreq)
    n_fft, hop, edges = brainflow_bins(dict(zip(names, limits.tolist(), strict=True)), n, sfreq)
    first, stop = int(edges.min()), int(edges.max())
    scale = np.full(n_fft // 2 + 1, 2 / (sfreq * n_fft))
    scale[[0, -1]] /= 2
    width = np.full(len(edges), 0.5 * sfreq / n_fft)
    tapers, no_weights = taper_window("hann", n_fft)[None], np.empty(0)
    plan = resolve("TaperedSpectra")(
        tapers, False, first, stop, scale, np.ones(1), no_weights, edges - first, width
    )
    return plan, hop, (n - n_fft) // hop + 1


def _filtered_power(
    x: np.ndarray,
    sfreq: float,
    bands: Bands,
    definition: str,
    order: int,
    causal: bool,
    cut: tuple[int, int] | None,
    threads: int,
) -> np.ndarray:
    names, limits = check_bands(bands, sfreq)
    check_cycle(x.shape[-1], sfreq, names, limits)
    x = x if x.dtype == np.float64 else x.astype(np.float64)
    powers = []
    for name, (lo, hi) in zip(names, limits.tolist(), strict=True):
        where = f"the band {name!r}"
        if definition == "libeer" and not causal:
            y = _both_ways(x, *_transfer(sfreq, lo, hi, order, where), threads)
        elif definition == "torcheeg":
            y = _lfilter(x, *_transfer(sfreq, lo, hi, order, where), threads)
        else:
            sos = butterworth(sfreq, lo, hi, order, where)
            zi = first_sample_state(sos) if definition == "gauss" else None
            y = _sosfilt(sos, x, zi, threads)
            if definition == "libeer":
                y = _sosfilt(sos, y, None, threads)
        if cut is not None:
            y = _cut(y, *cut)
        # Windows of their own memory: sums are then the same whatever lies around.
        y = np.ascontiguousarray(y)
        powers.append(
            np.mean(y**2, axis=-1)
            if definition == "gauss"
            else np.var(y, axis=-1, ddof=definition == "libeer")
        )
    return np.stack(powers, axis=-1)


def _transfer(sfreq: float, low: float, high: float, order: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """The filter as one fraction, as the peers have it: of order 10 it loses digits in low, narrow bands."""
    from scipy.signal import butter

    butterworth(sfreq, low, high, order, where)  # which says what is wrong
    return butter(order, [low / (sfreq / 2), high / (sfreq / 2)], "bandpass")


def _sosfilt(sos: np.ndarray, x: np.ndarray, zi: np.ndarray | None, threads: int) -> np.ndarray:
    if zi is not None:
        zi = zi.reshape(len(sos), *(1,) * (x.ndim - 1), 2) * x[None, ..., :1]
    y = NotImplemented if core is None else core.sosfilt(sos, x, -1, zi, None, threads)
    if y is NotImplemented:
        from scipy.signal import sosfilt

        y = sosfilt(sos, x, zi=zi)
    return y[0] if isinstance(y, tuple) else y


def _lfilter(x: np.ndarray, b: np.ndarray, a: np.ndarray, threads: int) -> np.ndarray:
    y = NotImplemented if core is None else core.lfilter(b, a, x, -1, None, None, threads)
    if y is NotImplemented:
        from scipy.signal import lfilter

        y = lfilter(b, a, x)
    return y


def _both_ways(x: np.ndarray, b: np.ndarray, a: np.ndarray, threads: int) -> np.ndarray:
    from scipy.signal import filtfilt, lfilter_zi

    edge, n = 3 * len(a), x.shape[-1]
    if n <= edge:
        raise ValueError(
            f"definition='libeer' filters both ways and needs more than {edge} samples, got {n}: pass a longer window, "
            "or causal=True"
        )
    y = NotImplemented
    if core is not None:
        y = core.filtfilt(b, a, lfilter_zi(b, a), x, -1, 1, edge, None, threads)
    return filtfilt(b, a, x) if y is NotImplemented else y
