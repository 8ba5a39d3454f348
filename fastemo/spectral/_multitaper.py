"""Spectra under several orthogonal tapers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import band_edges, dpss_tapers, one_sided_scale
from fastemo._validate import check_in, check_positive
from fastemo.bands import check_bands
from fastemo.spectral._common import KEPT, Bands, count, designed, number_of_threads, signals

__all__ = ["dpss", "multitaper", "taper_plan"]

WEIGHTS = ("eigenvalue", "uniform", "adaptive")


def dpss(n: int, nw: float = 4.0, k: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The tapers of n samples whose energy is most concentrated within nw / n cycles per sample [1]_.

    Parameters
    ----------
    n : int
        Samples.
    nw : float
        Half bandwidth times length, below n / 2.
    k : int, optional
        How many; by default those of which more than 0.9 is concentrated, at least one.

    Returns
    -------
    tapers : ndarray of float64, shape (k, n)
        Orthonormal, periodic as `scipy.signal.windows.dpss(n, nw, k, sym=False)`.
    ratios : ndarray of float64, shape (k,)
        The share of each one's energy within the bandwidth: the eigenvalues.

    References
    ----------
    .. [1] Slepian (1978), Bell System Technical Journal 57(5), doi:10.1002/j.1538-7305.1978.tb02104.x

    Examples
    --------
    >>> tapers, ratios = dpss(250, 4)
    >>> tapers.shape, ratios.round(3).tolist()
    ((7, 250), [1.0, 1.0, 1.0, 1.0, 0.999, 0.993, 0.937])
    """
    n, nw = count("n", n), check_positive("nw", nw)
    if n > 1 and nw >= n / 2:
        raise ValueError(f"nw must be below n / 2 = {n / 2:g}, got {nw:g}: take fewer or more samples")
    if k is not None and count("k", k) > n:
        raise ValueError(f"k must be at most n = {n}, got {k}")
    tapers, ratios = dpss_tapers(n, nw, k)
    return tapers.copy(), ratios.copy()


def multitaper(
    x: Any,
    sfreq: float = 1.0,
    fmin: float = 0.0,
    fmax: float = np.inf,
    *,
    bandwidth: float | None = None,
    weights: str = "eigenvalue",
    detrend: str | bool = "constant",
    threads: int = 1,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided power density of the whole of each signal under several DPSS tapers [1]_.

    As `mne.time_frequency.psd_array_multitaper(x, sfreq, normalization="full")`, which returns the two results in
    the other order; its "length" is this times sfreq.

    Parameters
    ----------
    x : array_like, shape (..., n_samples)
        float32 or float64 of any strides, taken as it lies in memory.
    sfreq : float
        Sampling frequency in Hz.
    fmin, fmax : float
        In Hz, both included.
    bandwidth : float, optional
        Full width in Hz over which the estimate smooths, 2 nw sfreq / n_samples; by default nw = 4. As many
        tapers are taken as have more than 0.9 of their energy in it.
    weights : {"eigenvalue", "uniform", "adaptive"}
        Each taper by its eigenvalue, all alike, or chosen for each frequency such that a taper counts for
        little where what leaks into it from elsewhere would outweigh the signal [1]_; for this at least three
        tapers are needed. A signal that is constant has the power 0.
    detrend : {"constant", False}
        Whether the mean is taken off first.
    threads : int
        Results do not depend on it.
    out : ndarray of float64, shape (..., n_frequencies), C-contiguous, optional

    Returns
    -------
    f : ndarray, shape (n_frequencies,)
        In Hz.
    p : ndarray of float64, shape (..., n_frequencies)
        In the squared unit of `x` per Hz.

    Warns
    -----
    RuntimeWarning
        Adaptive weights that still changed after 150 iterations.

    References
    ----------
    .. [1] Thomson (1982), Proceedings of the IEEE 70(9), doi:10.1109/PROC.1982.12433

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(1000)
    >>> f, p = multitaper(x, 250, 5, 45, bandwidth=4)
    >>> f[[0, -1]].tolist(), bool(abs(p.mean() - 2 / 250) < 1e-3)
    ([5.0, 45.0], True)
    """
    x = signals(x)
    n = x.shape[-1]
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    f = np.fft.rfftfreq(n, 1 / sfreq)
    first, stop = int(np.searchsorted(f, fmin)), int(np.searchsorted(f, fmax, "right"))
    if not first < stop:
        raise ValueError(
            f"fmin={fmin:g} and fmax={fmax:g} Hz hold none of the frequencies from 0 to {f[-1]:g} Hz, "
            f"{sfreq / n:g} Hz apart"
        )
    plan = designed(_density_plan, (), n, sfreq, bandwidth, weights, detrend, first, stop, keep=n <= KEPT)
    return f[first:stop], plan.compute(x, 1, 1, 0, out, number_of_threads(threads))


def taper_plan(bands: Bands, n: int, sfreq: float, bandwidth: Any, weights: str, detrend: Any) -> Any:
    """Of the power in bands."""
    names, limits = check_bands(bands, check_positive("sfreq", sfreq, unit="Hz"))
    edges = band_edges(dict(zip(names, limits.tolist())), n, sfreq)
    first, stop = int(edges.min()), int(edges.max())
    width = np.full(len(names), sfreq / n)
    return _plan(n, sfreq, bandwidth, weights, detrend, first, stop, edges - first, width)


def _density_plan(
    _: Any, n: int, sfreq: float, bandwidth: Any, weights: str, detrend: Any, first: int, stop: int
) -> Any:
    no_bands = np.empty((0, 2), np.int64)
    return _plan(n, sfreq, bandwidth, weights, detrend, first, stop, no_bands, np.empty(0))


def _plan(
    n: int,
    sfreq: float,
    bandwidth: Any,
    weights: str,
    detrend: Any,
    first: int,
    stop: int,
    edges: np.ndarray,
    width: np.ndarray,
) -> Any:
    check_in("weights", weights, WEIGHTS)
    check_in("detrend", detrend, ("constant", False))
    if bandwidth is None:
        nw = min(4.0, n / 2 * 0.999)
    else:
        nw = check_positive("bandwidth", bandwidth, unit="Hz") * n / (2 * sfreq)
    if nw < 0.5 and n > 1:
        raise ValueError(
            f"bandwidth={bandwidth:g} Hz is less than the {sfreq / n:g} Hz between two frequencies of {n / sfreq:g} s: "
            f"widen it, or use at least {1 / bandwidth:g} s"
        )
    if nw >= n / 2 and n > 1:
        raise ValueError(f"bandwidth={bandwidth:g} Hz must be below sfreq = {sfreq:g} Hz")
    tapers, ratios = dpss_tapers(n, nw, None)
    if weights == "adaptive" and len(ratios) < 3:
        raise ValueError(
            f"adaptive weights need at least 3 tapers, {n / sfreq:g} s and this bandwidth give {len(ratios)}: "
            "widen the bandwidth, take longer windows or another weights="
        )
    scale = one_sided_scale(tapers[0] / np.linalg.norm(tapers[0]), sfreq)
    shares = np.full(len(ratios), 1 / len(ratios)) if weights == "uniform" else ratios / ratios.sum()
    adaptive = ratios if weights == "adaptive" else np.empty(0)
    return resolve("TaperedSpectra")(
        tapers, detrend == "constant", first, stop, scale, shares, adaptive, edges, width
    )
