"""Power in frequency bands, written to be read: the oracle of the compiled kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fastemo.reference.signal import cascade

__all__ = [
    "FftBandPower",
    "band_power",
    "bank_power",
    "differential_entropy",
    "rfft",
    "rfft_power",
    "sliding_mean_square",
]

Bands = Mapping[str, tuple[float, float]] | Sequence[tuple[float, float]]

# (0.01 uV)^2, so that a flat channel has a finite entropy.
FLOOR = 1e-4


def rfft_power(x: np.ndarray, taper: np.ndarray | None = None, detrend: bool = False) -> np.ndarray:
    """`abs(rfft(x * taper)) ** 2` over the last axis, with `detrend` of `x` less its mean.

    Parameters
    ----------
    x : ndarray, shape (..., n_samples)
    taper : ndarray, shape (n_samples,), optional
    detrend : bool

    Returns
    -------
    ndarray, shape (..., n_samples // 2 + 1)

    Examples
    --------
    >>> rfft_power(np.array([1.0, -1.0, 1.0, -1.0]))
    array([ 0.,  0., 16.])
    """
    if detrend:
        x = x - x.mean(axis=-1, keepdims=True)
    if taper is not None:
        x = x * taper
    bins = np.fft.rfft(x)
    return bins.real**2 + bins.imag**2


def rfft(x: np.ndarray, out: np.ndarray | None = None, threads: int = 1) -> np.ndarray:
    """Bins 0 to n // 2 of the last axis; float32 gives complex64. `threads` changes nothing."""
    bins = np.fft.rfft(x).astype(np.complex64 if x.dtype == np.float32 else np.complex128, copy=False)
    if out is None:
        return bins
    out[...] = bins
    return out


class FftBandPower:
    """Sums over bands of the scaled power of DFT bins, for signals of one length.

    Parameters
    ----------
    taper : ndarray, shape (n_samples,)
    detrend : bool
        Whether the mean is taken off before the taper is put on.
    first : int
        The first bin needed.
    scale : ndarray, shape (n_bins,)
        Factor of the power of bins first, first + 1, ...
    edges : ndarray, shape (n_bands, 2)
        First and past-the-last bin of each band, counted from `first`.
    weight : ndarray, shape (n_bands,)
        Factor of each band's sum.

    Examples
    --------
    >>> bands = FftBandPower(np.ones(4), False, 1, np.ones(2), np.array([[0, 1], [0, 2]]), np.ones(2))
    >>> bands.compute(np.array([[1.0, -1.0, 1.0, -1.0]]))
    array([[ 0., 16.]])
    """

    def __init__(self, taper, detrend, first, scale, edges, weight) -> None:
        self.taper, self.detrend, self.first = taper, detrend, first
        self.scale, self.edges, self.weight = scale, edges, weight
        self.n_samples, self.n_bands = len(taper), len(weight)

    def compute(self, x: np.ndarray, out: np.ndarray | None = None, threads: int = 1) -> np.ndarray:
        """(..., n_samples) to (..., n_bands); `threads` changes nothing."""
        if x.shape[-1] != self.n_samples:
            raise ValueError(f"x has {x.shape[-1]} samples, expected {self.n_samples}")
        power = self._power(np.asarray(x, np.float64)) * self.scale
        sums = np.stack([power[..., a:b].sum(axis=-1) for a, b in self.edges], axis=-1) * self.weight
        if out is None:
            return sums
        out[...] = sums
        return out

    def _power(self, x: np.ndarray) -> np.ndarray:
        return rfft_power(x, self.taper, self.detrend)[..., self.first : self.first + len(self.scale)]


def bank_power(x: np.ndarray, coef: np.ndarray, zi: np.ndarray) -> np.ndarray:
    """Mean square of each channel behind each filter of a bank; states start at `zi` times the first sample.

    Parameters
    ----------
    x : ndarray, shape (n_channels, n_samples)
    coef : ndarray, shape (n_bands, n_sections, 6)
    zi : ndarray, shape (n_bands, n_sections, 2)

    Returns
    -------
    ndarray, shape (n_channels, n_bands)
    """
    x = np.asarray(x, np.float64)
    filtered = [cascade(s, np.multiply.outer(z, x[:, 0]), x) for s, z in zip(coef, zi, strict=True)]
    return np.stack([np.mean(y**2, axis=-1) for y in filtered], axis=-1)


def band_power(x: np.ndarray, sfreq: float, bands: Bands, method: str = "fft") -> np.ndarray:
    """Power of each channel in each band, in the squared unit of `x`.

    Parameters
    ----------
    x : ndarray, shape (..., n_channels, n_samples)
    sfreq : float
        In Hz.
    bands : mapping of names to (lo, hi), or sequence of (lo, hi), in Hz
        A band is [lo, hi).
    method : {"fft", "welch", "multitaper", "morlet", "filterbank"}
        "fft": mean removed, periodic Hann taper, one-sided density summed over the bins of the band times
        their spacing (Welch 1967, doi:10.1109/TAU.1967.1161901, with one segment). "filterbank": mean square
        of the output of a causal Butterworth band-pass of order 4 whose state starts at the first sample.
        "welch": mean over segments of 256 that overlap by half. "multitaper": the density of
        `multitaper` summed likewise. "morlet": mean over time of the power of wavelets of 7 cycles in the middle of
        parts of the band, over what white noise of density 1 gives, times the parts' width.

    Returns
    -------
    ndarray, shape (..., n_channels, n_bands)

    Examples
    --------
    >>> t = np.arange(500) / 250
    >>> band_power(2 * np.sin(2 * np.pi * 10 * t)[None], 250, {"theta": (4, 8), "alpha": (8, 13)}).round(6)
    array([[0., 2.]])
    """
    edges = list(bands.values()) if isinstance(bands, Mapping) else list(bands)
    powers = {
        "fft": _fft_power, "welch": _welch_power, "multitaper": _multitaper_power, "morlet": _morlet_power,
        "filterbank": _filterbank_power,
    }  # fmt: skip
    if method not in powers:
        raise ValueError(f"method must be one of {', '.join(map(repr, powers))}; got {method!r}")
    return powers[method](np.asarray(x, np.float64), sfreq, edges)


def _fft_power(x, sfreq, edges):
    n = x.shape[-1]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    density = rfft_power(x, taper, detrend=True) * 2 / (sfreq * np.sum(taper**2))
    density[..., 0] /= 2
    if n % 2 == 0:
        density[..., -1] /= 2
    return _summed(density, n, sfreq, edges)


def _summed(density, n, sfreq, edges):
    # Positions of the edges in bins; the slack forgives the rounding of a product such as 0.1 * 30.
    bins, slack = np.arange(density.shape[-1]), 1e-9 * n
    in_band = [(bins >= lo * n / sfreq - slack) & (bins < hi * n / sfreq - slack) for lo, hi in edges]
    return np.stack([density[..., k].sum(axis=-1) for k in in_band], axis=-1) * sfreq / n


def _welch_power(x, sfreq, edges):
    length = min(256, x.shape[-1])
    starts = range(0, x.shape[-1] - length + 1, length - length // 2)
    return np.mean([_fft_power(x[..., s : s + length], sfreq, edges) for s in starts], axis=0)


def _multitaper_power(x, sfreq, edges):
    from fastemo.reference.tapers import multitaper

    return _summed(multitaper(x, sfreq)[1], x.shape[-1], sfreq, edges)


def _morlet_power(x, sfreq, edges):
    from fastemo._design import morlet_wavelet, wavelet_grid
    from fastemo.reference.tapers import morlet

    x, n = x - x.mean(axis=-1, keepdims=True), x.shape[-1]
    powers = []
    for lo, hi in edges:
        freqs, width = wavelet_grid(lo, hi)
        power = morlet(x, sfreq, freqs)
        seen = []
        for f in freqs:
            energy = np.abs(morlet_wavelet(sfreq, f, 7.0, True)) ** 2
            # White noise of density 1 has the variance sfreq / 2 in every sample.
            seen.append(sfreq / 2 * np.convolve(np.ones(n), energy, mode="same"))
        powers.append((power.mean(axis=-1) / np.mean(seen, axis=-1)).sum(axis=-1) * width)
    return np.stack(powers, axis=-1)


def _filterbank_power(x, sfreq, edges):
    from scipy.signal import butter, sosfilt_zi

    powers = []
    for band in edges:
        sos = butter(4, band, "bandpass", fs=sfreq, output="sos")
        state = np.multiply.outer(sosfilt_zi(sos), x[..., 0])
        powers.append(np.mean(cascade(sos, state, x) ** 2, axis=-1))
    return np.stack(powers, axis=-1)


def differential_entropy(x: np.ndarray, sfreq: float, bands: Bands, definition: str = "gauss") -> np.ndarray:
    """Differential entropy of each channel in each band, were the band's signal Gaussian, by each definition.

    `1/2 ln(2 pi e max(P, 1e-4 uV^2))` (Duan, Zhu & Lu 2013, doi:10.1109/NER.2013.6695876) with P the power of
    `band_power`: `definition="gauss"` by the filter bank, `"spectral"` by the FFT. The others are those of SEED's
    features, TorchEEG, LibEER and (made into nats) BrainFlow; `fastemo.spectral.differential_entropy` says more.

    Parameters
    ----------
    x : ndarray, shape (..., n_channels, n_samples)
        In uV.
    sfreq : float
    bands : mapping or sequence
    definition : {"gauss", "spectral", "seed", "torcheeg", "libeer", "brainflow"}

    Returns
    -------
    ndarray, shape (..., n_channels, n_bands)

    Examples
    --------
    >>> differential_entropy(np.zeros((1, 500)), 250, {"alpha": (8, 13)}).round(3)
    array([[-3.186]])
    """
    methods = {"gauss": "filterbank", "spectral": "fft"}
    if definition in methods:
        power = band_power(x, sfreq, bands, methods[definition])
        return 0.5 * np.log(2 * np.pi * np.e * np.maximum(power, FLOOR))
    others = {"seed": _seed, "torcheeg": _torcheeg, "libeer": _libeer, "brainflow": _brainflow}
    if definition not in others:
        raise ValueError(f"definition must be one of {', '.join({**methods, **others})}; got {definition!r}")
    edges = list(bands.values()) if isinstance(bands, Mapping) else list(bands)
    x = np.asarray(x, np.float64)
    return np.stack([others[definition](x, sfreq, *band) for band in edges], axis=-1)


def _seed(x, sfreq, lo, hi):
    n = x.shape[-1]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1))
    energy = np.abs(np.fft.fft(x * taper)[..., : n // 2]) ** 2
    first, last = int(lo / sfreq * n), int(hi / sfreq * n)
    return np.log2(100 * energy[..., first - 1 : last].sum(axis=-1) / (last - first + 1))


def _torcheeg(x, sfreq, lo, hi):
    from scipy.signal import butter, lfilter

    y = lfilter(*butter(5, [lo, hi], "bandpass", fs=sfreq), x)
    return 0.5 * np.log2(2 * np.pi * np.e * np.var(y, axis=-1))


def _libeer(x, sfreq, lo, hi):
    from scipy.signal import butter, filtfilt

    y = filtfilt(*butter(3, [lo / (sfreq / 2), hi / (sfreq / 2)], "bandpass"), x)
    return 0.5 * np.log2(2 * np.pi * np.e * np.var(y, axis=-1, ddof=1))


def _brainflow(x, sfreq, lo, hi):
    n = 2 * 2 ** min(range(1, 30), key=lambda k: (abs(2**k - int(sfreq)), k))
    while n > x.shape[-1]:
        n //= 2
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    starts = range(0, x.shape[-1] - n + 1, n - 4 * n // 5)
    density = np.mean([rfft_power(x[..., s : s + n], taper) for s in starts], axis=0) / (sfreq * n)
    density[..., 1:-1] *= 2
    f = np.arange(n // 2 + 1) * sfreq / n
    trapezoids = 0.5 * sfreq / n * (density[..., :-1] + density[..., 1:])
    power = trapezoids[..., (f[:-1] >= lo) & (f[:-1] <= hi)].sum(axis=-1)
    return 0.5 * np.log(2 * np.pi * np.e * power)


def sliding_mean_square(x: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Mean of the squares in every full window; window k covers samples [k * hop, k * hop + length).

    Parameters
    ----------
    x : ndarray, shape (..., n_samples)
    length, hop : int
        In samples.

    Returns
    -------
    ndarray, shape (..., n_windows)
        No window where `x` is shorter than `length`.

    Examples
    --------
    >>> sliding_mean_square(np.array([1.0, 3.0, 5.0, 7.0]), length=2, hop=2)
    array([ 5., 37.])
    """
    if length < 1 or hop < 1:
        raise ValueError(f"length and hop must be at least 1 sample, got length={length} and hop={hop}")
    if x.shape[-1] < length:
        return np.empty((*x.shape[:-1], 0))
    windows = np.lib.stride_tricks.sliding_window_view(x, length, axis=-1)[..., ::hop, :]
    return np.mean(np.square(windows, dtype=np.float64), axis=-1)
