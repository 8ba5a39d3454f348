"""Design of filters, tapers and band edges, and what a filter costs in time: to fill, and as delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil, log2
from typing import Any

import numpy as np

__all__ = [
    "FILLED",
    "analytic_bandpass",
    "analytic_bank",
    "band_delay",
    "band_edges",
    "butterworth",
    "check_sos",
    "dpss_tapers",
    "filled_after",
    "first_sample_state",
    "morlet_wavelet",
    "notch",
    "one_sided_scale",
    "path_delay",
    "taper_window",
    "wavelet_grid",
    "wavelet_half",
    "wavelet_parts",
]

# A filter has filled when no more than this share of its impulse response's energy is still to come.
FILLED = 1e-6

# Beyond this many samples an impulse response is called endless.
LONGEST_RESPONSE = 1 << 22


def butterworth(sfreq: float, low: float | None, high: float | None, order: int, where: str) -> np.ndarray:
    """Second-order sections of a Butterworth filter; one edge None makes it one-sided.

    `order` is that of `scipy.signal.butter`: a band-pass of order 4 has four sections. Returns shape
    (n_sections, 6).
    """
    from scipy.signal import butter

    nyquist = sfreq / 2
    for edge in (low, high):
        if edge is not None and edge >= nyquist:
            raise ValueError(
                f"{where} reaches {edge:g} Hz, but at sfreq={sfreq:g} Hz a filter must end below the Nyquist "
                f"frequency of {nyquist:g} Hz: lower the edge or record faster"
            )
    if low is None:
        return butter(order, high, "lowpass", fs=sfreq, output="sos")
    if high is None:
        return butter(order, low, "highpass", fs=sfreq, output="sos")
    return butter(order, [low, high], "bandpass", fs=sfreq, output="sos")


@lru_cache(maxsize=64)
def analytic_bandpass(
    sfreq: float, low: float, high: float, order: int, where: str
) -> tuple[np.ndarray, np.ndarray, complex]:
    """A causal filter that passes a band's positive frequencies only: poles and weights (order,), and direct gain.

    y = direct x + sum_k weight_k s_k, s_k[n] = pole_k s_k[n - 1] + x[n]. The poles are those of the Butterworth band-pass
    at positive frequencies; half of the zeros are at 0 Hz, half at Nyquist. At the band's centre it is twice the
    band-pass, so that the real part is that of the band and the absolute value its envelope.
    """
    from scipy.signal import butter

    butterworth(sfreq, low, high, order, where)
    zeros, poles, gain = butter(order, [low, high], "bandpass", fs=sfreq, output="zpk")
    centre = np.exp(-2j * np.pi * np.sqrt(low * high) / sfreq)
    target = 2 * gain * np.prod(1 - zeros * centre) / np.prod(1 - poles * centre)
    poles = poles[poles.imag > 0]
    if len(poles) < order:
        raise ValueError(
            f"{where} is too wide for an analytic signal of order {order}: split it, or use an even order"
        )
    poles = poles[np.argsort(poles.imag)]
    n_low = (order + 1) // 2

    def numerator(x: Any) -> Any:
        return (1 - x) ** n_low * (1 + x) ** (order - n_low)

    scale = target * np.prod(1 - poles * centre) / numerator(centre)
    shares = [numerator(1 / p) / np.prod(1 - np.delete(poles, k) / p) for k, p in enumerate(poles)]
    direct = (-1) ** n_low / np.prod(-poles)
    weights = scale * np.array(shares)
    for kept in (poles, weights):
        kept.setflags(write=False)
    return poles, weights, complex(scale * direct)


def analytic_bank(
    sfreq: float, bands: Mapping[str, tuple[float, float]], order: int, where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One such filter per band: poles and weights (n_bands, order, 2), direct (n_bands, 2), pairs of parts."""
    return _analytic_bank(
        sfreq, tuple((name, low, high) for name, (low, high) in bands.items()), order, where
    )


@lru_cache(maxsize=64)
def _analytic_bank(
    sfreq: float, bands: tuple[tuple[str, float, float], ...], order: int, where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    filters = [
        analytic_bandpass(sfreq, low, high, order, f"the band {name!r} of {where}")
        for name, low, high in bands
    ]
    poles, weights, direct = (np.array(part) for part in zip(*filters, strict=True))
    pairs = tuple(np.stack([part.real, part.imag], axis=-1) for part in (poles, weights, direct))
    for part in pairs:
        part.setflags(write=False)
    return pairs[0], pairs[1], pairs[2]


def notch(sfreq: float, freq: float, q: float, harmonics: int, where: str) -> np.ndarray:
    """One notch section at each of the first `harmonics` multiples of `freq`, itself included.

    Each has the bandwidth `freq / q`. Returns shape (harmonics, 6).
    """
    from scipy.signal import iirnotch

    highest = freq * harmonics
    if highest >= sfreq / 2:
        raise ValueError(
            f"{where} reaches {highest:g} Hz, but at sfreq={sfreq:g} Hz a notch must lie below the Nyquist "
            f"frequency of {sfreq / 2:g} Hz: lower freq or harmonics, or leave the notch out"
        )
    return np.array([np.concatenate(iirnotch(k * freq, k * q, fs=sfreq)) for k in range(1, harmonics + 1)])


def check_sos(sos: Any, name: str = "sos") -> np.ndarray:
    """`sos` as a float64 array (n_sections, 6) of stable sections with a0 = 1."""
    sos = np.array(sos, dtype=np.float64)
    if sos.ndim != 2 or sos.shape[1] != 6 or len(sos) == 0:
        raise ValueError(
            f"{name} must be second-order sections of shape (n_sections, 6), got shape {sos.shape}: "
            'design with output="sos"'
        )
    if not np.isfinite(sos).all():
        raise ValueError(f"{name} must be finite, got NaN or infinite coefficients")
    if not (sos[:, 3] == 1).all():
        raise ValueError(
            f"{name}[:, 3] (a0) must be 1, got {sos[:, 3].tolist()}: divide each section by its a0"
        )
    radius = max(float(np.abs(np.roots(a)).max(initial=0.0)) for a in sos[:, 3:])
    if radius >= 1:
        raise ValueError(
            f"{name} must be stable, got a pole at radius {radius:.9g}: all must lie inside the unit circle"
        )
    return sos


def first_sample_state(sos: np.ndarray) -> np.ndarray:
    """State (n_sections, 2) after a long constant 1; times the first sample, it hides the step there."""
    from scipy.signal import sosfilt_zi

    return sosfilt_zi(sos)


# Linear filters one after the other: sections of shape (n_sections, 6), or taps of shape (n_taps,).
Filters = Sequence[np.ndarray]


def filled_after(filters: np.ndarray | Filters) -> int:
    """The smallest n with sum over k > n of |h[k]|^2 below 1e-6 of the total, h the response of all filters together.

    `filters` is one array of sections (n_sections, 6), or a sequence of such and of taps (n_taps,).

    Examples
    --------
    >>> filled_after(np.empty((0, 6)))
    0
    >>> filled_after(butterworth(250, 1, 45, 4, "the filter"))
    590
    """
    filters = _listed(filters)
    if not filters:
        return 0
    from scipy.signal import fftconvolve, sosfilt

    length = 1024
    while length <= LONGEST_RESPONSE:
        response = np.zeros(length)
        response[0] = 1.0
        for f in filters:
            response = sosfilt(f.copy(), response) if f.ndim == 2 else fftconvolve(response, f)[:length]
        energy = response**2
        to_come = energy[::-1].cumsum()[::-1]
        # Trust the tail only where the last half of the response hardly counts any more.
        if to_come[0] > 0 and to_come[length // 2] < 1e-6 * FILLED * to_come[0]:
            return int(np.count_nonzero(to_come >= FILLED * to_come[0])) - 1
        length *= 2
    raise ValueError(
        f"the filters ring for more than {LONGEST_RESPONSE} samples: raise the lowest edge or lower the order"
    )


def _listed(filters: np.ndarray | Filters) -> list[np.ndarray]:
    return [f for f in ([filters] if isinstance(filters, np.ndarray) else filters) if len(f)]


def band_delay(filters: np.ndarray | Filters, low: float, high: float, sfreq: float) -> float:
    """Power-weighted mean group delay in seconds of all filters together over the band [low, high) in Hz."""
    return path_delay([(sfreq, _listed(filters))], low, high)


def path_delay(path: Sequence[tuple[float, Filters]], low: float, high: float) -> float:
    """As `band_delay`, of filters at several sampling frequencies: pairs of one and those that run at it."""
    if not any(filters for _, filters in path):
        return 0.0
    width = (min(high, min(sfreq for sfreq, _ in path) / 2) - low) / 512
    frequency = low + width * (np.arange(512) + 0.5)
    power, delay = np.ones(512), np.zeros(512)
    for sfreq, filters in path:
        omega = 2 * np.pi / sfreq * frequency
        for f in filters:
            for polynomial, sign in [(f, 1)] if f.ndim == 1 else [(q[s], n) for q in f for s, n in HALVES]:
                own_power, own_delay = _response(polynomial, omega)
                power *= own_power**sign
                delay += sign * own_delay / sfreq
    return float(np.sum(power * delay) / np.sum(power))


HALVES = ((slice(0, 3), 1), (slice(3, 6), -1))  # zeros and poles of a section


def _response(c: np.ndarray, omega: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared magnitude and group delay in samples of c0 + c1 z^-1 + c2 z^-2 + ... on the unit circle."""
    value, slope = np.zeros(len(omega), complex), np.zeros(len(omega), complex)
    z1 = np.exp(-1j * omega)
    for k in range(len(c) - 1, -1, -1):  # Horner, from the oldest on
        value = value * z1 + c[k]
        slope = slope * z1 + k * c[k]
    power = value.real**2 + value.imag**2
    # Where a zero lies on the circle the delay is of no account: nothing passes.
    return power, (slope * value.conj()).real / np.maximum(power, np.finfo(float).tiny)


def taper_window(name: Any, length: int) -> np.ndarray:
    """A taper of `scipy.signal.get_window`, periodic as a DFT wants it, shape (length,)."""
    from scipy.signal import get_window

    try:
        return get_window(name, length)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"taper must be a name that scipy.signal.get_window knows, got {name!r}: {error}"
        ) from None


def one_sided_scale(taper: np.ndarray, sfreq: float) -> np.ndarray:
    """What turns |rfft(taper x)|^2 into a one-sided power density (unit^2/Hz), shape (n // 2 + 1,).

    As `scipy.signal.periodogram`: 2 / (sfreq sum(taper^2)), half of it at 0 Hz and at Nyquist.
    """
    n = len(taper)
    scale = np.full(n // 2 + 1, 2 / (sfreq * np.sum(taper**2)))
    scale[0] /= 2
    if n % 2 == 0:
        scale[-1] /= 2
    return scale


def band_edges(bands: Mapping[str, tuple[float, float]], n_fft: int, sfreq: float) -> np.ndarray:
    """First and past-the-last DFT bin of each band [low, high), shape (n_bands, 2).

    Raises
    ------
    ValueError
        A band that holds no bin: the window is too short for it.

    Examples
    --------
    >>> band_edges({"theta": (4, 8), "alpha": (8, 13)}, 500, 250).tolist()
    [[8, 16], [16, 26]]
    """
    # A hair less than the product, so that its rounding error cannot push an edge to the next bin.
    edges = np.array([[ceil(f * n_fft / sfreq * (1 - 1e-12)) for f in band] for band in bands.values()])
    for (name, (low, high)), (first, stop) in zip(bands.items(), edges, strict=True):
        if stop <= first:
            raise ValueError(
                f"a window of {n_fft / sfreq:g} s has a frequency every {sfreq / n_fft:g} Hz and none in the "
                f"band {name!r} ({low:g}-{high:g} Hz): use a window of at least {1 / (high - low):g} s"
            )
    return edges


def band_power_costs(length: int, hop: int, n_bins: int) -> dict[str, float]:
    """Nanoseconds per sample and channel that band powers of windows cost: by FFTs, and by running sums of DFT bins.

    Measured on an x86 server of 2023 with vectors of 64 bytes; what counts is their ratio. A quarter is put on running
    sums: an FFT forgets an artefact as soon as it has left the window, so a small gain is none.

    Examples
    --------
    >>> {hop: min(cost, key=cost.get) for hop in (10, 25, 100) for cost in [band_power_costs(500, hop, 88)]}
    {10: 'sliding', 25: 'sliding', 100: 'fft'}
    """
    n = n_bins + 2
    return {
        "fft": (0.046 * length * log2(length + 1) + 0.87 * n) / hop + 1.0,
        "sliding": 1.25 * (n * (0.035 + 0.18 / min(hop, 16) + 0.47 / hop) + 0.84),
    }


@lru_cache(maxsize=4)
def dpss_tapers(n: int, nw: float, k: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal DPSS tapers (k, n), periodic, and how much of each one's energy lies within the bandwidth.

    k None: those of the first int(2 nw) of which more than 0.9 does, at least one.
    """
    from scipy.signal.windows import dpss

    if n == 1:
        return np.ones((1, 1)), np.ones(1)
    tapers, ratios = dpss(
        n, nw, min(n, max(1, int(2 * nw))) if k is None else k, sym=False, norm=2, return_ratios=True
    )
    if k is None:
        keep = ratios > 0.9
        if not keep.any():
            keep = np.arange(len(ratios)) == ratios.argmax()
        tapers, ratios = tapers[keep], ratios[keep]
    return tapers, ratios


def wavelet_half(sfreq: float, freq: float, n_cycles: float) -> int:
    """Samples of a Morlet wavelet to either side of its centre: five standard deviations."""
    return ceil(5 * n_cycles / (2 * np.pi * freq) * sfreq) - 1


def morlet_wavelet(sfreq: float, freq: float, n_cycles: float, zero_mean: bool) -> np.ndarray:
    """A complex Morlet wavelet about its centre, the squares of its values summing to 2."""
    half = wavelet_half(sfreq, freq, n_cycles)
    t, spread = np.arange(-half, half + 1) / sfreq, n_cycles / (2 * np.pi * freq)
    wave = np.exp(2j * np.pi * freq * t)
    if zero_mean:
        wave -= np.exp(-2 * (np.pi * freq * spread) ** 2)
    wave *= np.exp(-(t**2) / (2 * spread**2))
    return wave * np.sqrt(2) / np.linalg.norm(wave)


def wavelet_parts(wavelets: Sequence[np.ndarray], n: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Length of the FFT for signals of n samples, and the even and odd part of each wavelet's spectrum about its centre.

    Divided by that length; (n_wavelets, n_fft // 2 + 1) each.
    """
    from scipy.fft import next_fast_len

    n_fft = next_fast_len(n + max(len(w) for w in wavelets) // 2, real=True)
    parts = np.zeros((2, len(wavelets), n_fft // 2 + 1))
    for i, w in enumerate(wavelets):
        half = len(w) // 2
        about_zero = np.zeros(n_fft, np.complex128)
        about_zero[: half + 1], about_zero[n_fft - half :] = w[half:], w[:half]
        spectrum = np.fft.fft(about_zero).real / n_fft
        mirrored = np.concatenate([spectrum[:1], spectrum[:0:-1]])
        parts[0, i] = (0.5 * (spectrum + mirrored))[: n_fft // 2 + 1]
        parts[1, i] = (0.5 * (spectrum - mirrored))[: n_fft // 2 + 1]
    return n_fft, parts[0], parts[1]


def wavelet_grid(low: float, high: float) -> tuple[np.ndarray, float]:
    """Middles of equal parts of a band, 1 Hz wide or a little less, and the width of a part."""
    parts = ceil((high - low) * (1 - 1e-12))
    width = (high - low) / parts
    return low + width * (np.arange(parts) + 0.5), width
