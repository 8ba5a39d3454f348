"""Spectra under several tapers and by wavelets, written to be read: the oracle of the compiled kernels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastemo._design import dpss_tapers, morlet_wavelet, one_sided_scale
from fastemo.reference.spectral import rfft_power

__all__ = ["TaperedSpectra", "WaveletTransform", "adaptive_density", "morlet", "multitaper"]


def multitaper(
    x: np.ndarray, sfreq: float, nw: float = 4.0, weights: str = "eigenvalue"
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided power density under DPSS tapers (Thomson 1982, doi:10.1109/PROC.1982.12433), the mean removed.

    Parameters
    ----------
    x : ndarray, shape (..., n_samples)
    sfreq : float
    nw : float
        Half bandwidth times length.
    weights : {"eigenvalue", "uniform", "adaptive"}

    Returns
    -------
    f : ndarray, shape (n_samples // 2 + 1,)
    p : ndarray, shape (..., n_samples // 2 + 1)

    Examples
    --------
    >>> f, p = multitaper(np.sin(2 * np.pi * 10 * np.arange(500) / 250), 250)
    >>> round(float(p[(f >= 6) & (f < 14)].sum() * f[1]), 3)
    0.5
    """
    tapers, ratios = dpss_tapers(x.shape[-1], nw, None)
    x = np.asarray(x, np.float64)
    each = rfft_power((x - x.mean(axis=-1, keepdims=True))[..., None, :] * tapers)
    each *= one_sided_scale(tapers[0], sfreq)
    f = np.fft.rfftfreq(x.shape[-1], 1 / sfreq)
    if weights == "adaptive":
        return f, adaptive_density(each, ratios, slice(None))
    share = ratios if weights == "eigenvalue" else np.ones(len(ratios))
    return f, np.tensordot(each, share / share.sum(), axes=(-2, 0)) if x.ndim == 1 else np.einsum(
        "...tk,t->...k", each, share / share.sum()
    )


def adaptive_density(each: np.ndarray, ratios: np.ndarray, wanted: slice) -> np.ndarray:
    """The densities (..., n_tapers, n_bins) of the tapers under Thomson's adaptive weights, of the wanted bins.

    d_t = sqrt(r_t) S / (r_t S + (1 - r_t) v), S = sum d_t^2 S_t / sum d_t^2, with v the variance of the signal; from
    the first two tapers on, until the mean over tapers of the squared change of d is below 1e-10 everywhere.
    """
    n_bins = each.shape[-1]
    shape = each.shape[:-2]
    each = each.reshape(-1, len(ratios), n_bins)
    densities = []
    r = ratios[:, None]
    for signal in each:
        v = np.trapezoid((r * signal).sum(axis=0) / r.sum()) / (2 * n_bins)
        signal = signal[:, wanted]
        s = (r[:2] * signal[:2]).sum(axis=0) / r[:2].sum()
        before = np.zeros(1)
        for iteration in range(151):
            with np.errstate(invalid="ignore", divide="ignore"):
                d = np.sqrt(r) * s / (r * s + (1 - r) * v)
            if not ((d - before) ** 2).mean(axis=0).max() >= 1e-10:
                break
            if iteration == 150:
                warnings.warn(
                    "adaptive weights still changed after 150 iterations", RuntimeWarning, stacklevel=2
                )
                break
            s = (d**2 * signal).sum(axis=0) / (d**2).sum(axis=0)
            before = d
        densities.append(s)
    return np.array(densities).reshape(*shape, -1)


class TaperedSpectra:
    """The mean over segments of the scaled power of DFT bins under several tapers, by bin or in bands.

    Parameters
    ----------
    tapers : ndarray, shape (n_tapers, n_samples)
    detrend : bool
        Whether the mean of a segment is taken off first.
    first, stop : int
        The bins wanted.
    scale : ndarray, shape (n_samples // 2 + 1,)
        Factor of each bin's power.
    weights : ndarray, shape (n_tapers,)
    eigenvalues : ndarray, shape (n_tapers,) or empty
        Not empty: adaptive weights take the place of `weights`.
    edges : ndarray, shape (n_bands, 2)
        First and past-the-last bin of each band, counted from `first`.
    width : ndarray, shape (n_bands,)
        Factor of each band's sum.
    """

    def __init__(self, tapers, detrend, first, stop, scale, weights, eigenvalues, edges, width) -> None:
        self.tapers, self.detrend, self.wanted = tapers, detrend, slice(first, stop)
        self.scale, self.weights, self.eigenvalues = scale, weights, eigenvalues
        self.edges, self.width = edges, width

    def compute(self, x, hop, n_segments, in_bands, out=None, threads=1) -> np.ndarray:
        """(..., n_samples) to (..., n_bins) or, `in_bands`, (..., n_bands); `threads` changes nothing."""
        n = self.tapers.shape[-1]
        x = np.asarray(x, np.float64)
        power = sum(self._power(x[..., s * hop : s * hop + n]) for s in range(n_segments)) / n_segments
        if in_bands:
            power = np.stack([power[..., a:b].sum(axis=-1) for a, b in self.edges], axis=-1) * self.width
        return _into(out, power)

    def _power(self, x):
        if self.detrend:
            x = x - x.mean(axis=-1, keepdims=True)
        each = rfft_power(x[..., None, :] * self.tapers) * self.scale
        if len(self.eigenvalues):
            return adaptive_density(each, self.eigenvalues, self.wanted)
        return (each[..., self.wanted] * self.weights[:, None]).sum(axis=-2)


def morlet(
    x: np.ndarray,
    sfreq: float,
    freqs: Any,
    n_cycles: float = 7.0,
    zero_mean: bool = True,
    output: str = "power",
) -> np.ndarray:
    """Each signal convolved with each Morlet wavelet (zeros beyond its ends).

    Parameters
    ----------
    x : ndarray, shape (..., n_samples)
    sfreq : float
    freqs : sequence of float
    n_cycles : float
    zero_mean : bool
    output : {"power", "complex"}

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n_frequencies, n_samples)

    Examples
    --------
    >>> morlet(np.ones(300), 250, [10.0, 20.0]).shape
    (2, 300)
    """
    x = np.asarray(x, np.float64)
    rows = x.reshape(-1, x.shape[-1])
    wavelets = [morlet_wavelet(sfreq, f, n_cycles, zero_mean) for f in freqs]
    out = np.array([[np.convolve(row, w, mode="same") for w in wavelets] for row in rows])
    out = out.reshape(*x.shape[:-1], len(wavelets), x.shape[-1])
    return out if output == "complex" else np.abs(out) ** 2


class WaveletTransform:
    """Transforms of signals by wavelets that are given by their real spectra about their centres.

    Parameters
    ----------
    n_samples, n_fft : int
    even, odd : ndarray, shape (n_wavelets, n_fft // 2 + 1)
        The parts of each spectrum, divided by n_fft.
    detrend : bool
        Whether the mean is taken off first.
    share : ndarray, shape (n_wavelets, n_bands)
        What each wavelet's power, summed over time, counts for in each band.
    """

    def __init__(self, n_samples, n_fft, even, odd, detrend, share) -> None:
        self.n_samples, self.n_fft, self.detrend, self.share = n_samples, n_fft, detrend, share
        n_high = (n_fft - 1) // 2
        self.spectra = np.concatenate([even + odd, (even - odd)[:, n_high:0:-1]], axis=-1) * n_fft

    def compute(self, x, what, step, out=None, threads=1) -> np.ndarray:
        """0: complex (..., n_wavelets, n_times); 1: its power; 2: the power in bands. `threads` changes nothing."""
        x = np.asarray(x, np.float64)
        if x.shape[-1] != self.n_samples:
            raise ValueError(f"x has {x.shape[-1]} samples, expected {self.n_samples}")
        if self.detrend:
            x = x - x.mean(axis=-1, keepdims=True)
        z = np.fft.ifft(np.fft.fft(x, self.n_fft)[..., None, :] * self.spectra)[..., : self.n_samples]
        if what == 0:
            return _into(out, z[..., ::step])
        power = z.real**2 + z.imag**2
        return _into(out, power[..., ::step] if what == 1 else power.sum(axis=-1) @ self.share)


def _into(out, result):
    if out is None:
        return result
    if out.shape != result.shape or out.dtype != result.dtype:
        raise ValueError(
            f"out must be a {result.dtype} array of shape {result.shape}, got {out.dtype} {out.shape}"
        )
    out[...] = result
    return out
