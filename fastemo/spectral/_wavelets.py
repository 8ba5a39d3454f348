"""Power in time and frequency by Morlet wavelets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import morlet_wavelet, wavelet_grid, wavelet_half, wavelet_parts
from fastemo._validate import check_in, check_positive
from fastemo.bands import check_bands
from fastemo.spectral._common import Bands, count, designed, number_of_threads, signals

__all__ = ["morlet", "morlet_wavelets", "wavelet_band_plan"]

OUTPUTS = ("complex", "power")

# Wavelets of this many samples together are kept for the next call.
KEPT = 1 << 19


def morlet_wavelets(
    sfreq: float, freqs: Sequence[float], n_cycles: float | Sequence[float] = 7.0, zero_mean: bool = False
) -> list[np.ndarray]:
    """Morlet wavelets [1]_, as `mne.time_frequency.morlet`.

    w(t) = A exp(-t^2 / 2 s^2) exp(2 pi i f t), s = n_cycles / (2 pi f), five s to either side, A such that the
    squares of its values sum to 2.

    Parameters
    ----------
    sfreq : float
        Sampling frequency in Hz.
    freqs : sequence of float
        In Hz.
    n_cycles : float or sequence of float
        For all, or for each frequency.
    zero_mean : bool
        Take off what a wavelet of few cycles has at 0 Hz.

    Returns
    -------
    list of ndarray of complex128
        Each of odd length, its centre in the middle.

    References
    ----------
    .. [1] Tallon-Baudry et al. (1997), Journal of Neuroscience 17(2), doi:10.1523/JNEUROSCI.17-02-00722.1997

    Examples
    --------
    >>> (w,) = morlet_wavelets(250, [10])
    >>> len(w), round(float((np.abs(w) ** 2).sum()), 6)
    (279, 2.0)
    """
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    at, cycles = _family(sfreq, freqs, n_cycles)
    return [morlet_wavelet(sfreq, f, c, bool(zero_mean)) for f, c in zip(at, cycles, strict=True)]


def morlet(
    x: Any,
    sfreq: float,
    freqs: Sequence[float],
    n_cycles: float | Sequence[float] = 7.0,
    *,
    zero_mean: bool = True,
    output: str = "power",
    decim: int = 1,
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Signals by frequency and time: each convolved with Morlet wavelets, as `mne.time_frequency.tfr_array_morlet`.

    What lies beyond the ends of a signal is zero.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        float32 or float64 of any strides, taken as it lies in memory.
    sfreq : float
        Sampling frequency in Hz.
    freqs : sequence of float
        In Hz.
    n_cycles, zero_mean
        As in `morlet_wavelets`.
    output : {"power", "complex"}
        |z|^2, or z itself. Divided by sfreq the power is a one-sided density: that of white noise is the noise's.
    decim : int
        Only every so many samples are given back, the first included.
    threads : int
        Results do not depend on it.
    out : ndarray of float64 or complex128, C-contiguous, optional

    Returns
    -------
    ndarray of float64 or complex128, shape (..., n_channels, n_frequencies, n_samples / decim)

    Raises
    ------
    ValueError
        A wavelet longer than the signals (with the length that it needs), a frequency beyond Nyquist.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 10 * np.arange(1000) / 250)
    >>> power = morlet(x, 250, [5, 10, 20])
    >>> power.shape, int(power[:, 500].argmax())
    ((3, 1000), 1)
    """
    x = signals(x)
    check_in("output", output, OUTPUTS)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    at, cycles = _family(sfreq, freqs, n_cycles)
    n = x.shape[-1]
    plan = designed(
        _plan, (), n, sfreq, tuple(at), tuple(cycles), bool(zero_mean), False, None, keep=n * len(at) <= KEPT
    )
    return plan.compute(x, OUTPUTS.index(output), count("decim", decim), out, number_of_threads(threads))


def wavelet_band_plan(bands: Bands, n: int, sfreq: float, n_cycles: float, detrend: Any) -> Any:
    """The transform with what each wavelet's power, summed over time, counts for in each band."""
    check_in("detrend", detrend, ("constant", False))
    names, limits = check_bands(bands, check_positive("sfreq", sfreq, unit="Hz"))
    grids = [wavelet_grid(lo, hi) for lo, hi in limits.tolist()]
    at = np.concatenate([f for f, _ in grids])
    cycles = np.full(len(at), check_positive("n_cycles", n_cycles))
    share, row = np.zeros((len(at), len(names))), 0
    for band, (f, width) in enumerate(grids):
        for i in range(len(f)):
            try:
                share[row, band] = width / sfreq / _seen(sfreq, f[i], float(n_cycles), n)
            except ValueError as error:
                raise ValueError(
                    f"the band {names[band]!r} ({limits[band][0]:g}-{limits[band][1]:g} Hz): {error}"
                ) from None
            row += 1
    return _plan((), n, sfreq, tuple(at), tuple(cycles), True, detrend == "constant", share)


def _seen(sfreq: float, f: float, n_cycles: float, n: int) -> float:
    """The number of samples, times the share of a wavelet's energy that on average lies within a window of n."""
    _fits(sfreq, f, n_cycles, n)
    energy = np.abs(morlet_wavelet(sfreq, f, n_cycles, True)) ** 2
    offsets = np.abs(np.arange(len(energy)) - len(energy) // 2)
    return float((energy * np.maximum(n - offsets, 0)).sum() / 2)


def _fits(sfreq: float, f: float, n_cycles: float, n: int) -> None:
    needed = 2 * wavelet_half(sfreq, f, n_cycles) + 1
    if needed > n:
        raise ValueError(
            f"a window of {n / sfreq:g} s is shorter than the wavelet of {n_cycles:g} cycles at {f:g} Hz: use a window "
            f"of at least {needed / sfreq:g} s, or fewer cycles"
        )


def _family(sfreq: float, freqs: Any, n_cycles: Any) -> tuple[list[float], list[float]]:
    try:
        at = np.atleast_1d(np.asarray(freqs, np.float64))
        cycles = np.atleast_1d(np.asarray(n_cycles, np.float64))
    except (TypeError, ValueError):
        raise TypeError(f"freqs and n_cycles must be numbers, got {freqs!r} and {n_cycles!r}") from None
    if at.ndim != 1 or len(at) == 0 or not (np.isfinite(at) & (at > 0) & (at <= sfreq / 2)).all():
        raise ValueError(
            f"freqs must be above 0 and at most the Nyquist frequency {sfreq / 2:g} Hz, got {freqs!r}"
        )
    if cycles.shape not in ((1,), at.shape) or not (np.isfinite(cycles) & (cycles > 0)).all():
        raise ValueError(f"n_cycles must be one number above 0, or one for each frequency, got {n_cycles!r}")
    return at.tolist(), np.broadcast_to(cycles, at.shape).tolist()


def _plan(
    _: Any,
    n: int,
    sfreq: float,
    at: Any,
    cycles: Any,
    zero_mean: bool,
    detrend: bool,
    share: np.ndarray | None,
) -> Any:
    for f, c in zip(at, cycles, strict=True):
        _fits(sfreq, f, c, n)
    wavelets = [morlet_wavelet(sfreq, f, c, zero_mean) for f, c in zip(at, cycles, strict=True)]
    n_fft, even, odd = wavelet_parts(wavelets, n)
    share = np.empty((len(at), 0)) if share is None else share
    return resolve("WaveletTransform")(n, n_fft, even, odd, detrend, share)
