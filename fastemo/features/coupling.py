"""Phase-amplitude coupling: how far the amplitude of a fast rhythm follows the phase of a slow one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.features._freq_bands import check_freq_bands
from fastemo.features._reduce import check_length, each, signals_of, whole
from fastemo.features.energy import band_pass, continued

__all__ = [
    "PhaseAmplitude",
    "coupling_plan",
    "mean_vector_length",
    "modulation_index",
    "phase_amplitude_coupling",
]

METHODS = ("modulation_index", "mvl", "normalized_mvl")
LEAST_CYCLES = 10


class PhaseAmplitude(NamedTuple):
    """What `phase_amplitude_coupling` finds; arrays of shape (..., n_channels, n_phase, n_amplitude).

    `z` (standard deviations above the mean of the surrogates) and `p` (share of them that reach the value, which
    itself counts as one) are None without surrogates.
    """

    values: np.ndarray
    z: np.ndarray | None
    p: np.ndarray | None


def mean_vector_length(phase: Any, amplitude: Any, normalize: bool = False) -> np.ndarray:
    """abs(mean(amplitude exp(i phase))) along the last axis [1]_.

    Parameters
    ----------
    phase : array_like
        In radians.
    amplitude : array_like
        Not negative; its shape and that of `phase` broadcast.
    normalize : bool
        Divide by the root mean square of the amplitude [2]_: from 0 to 1, and the same for every scale of the signal.

    Returns
    -------
    ndarray of float64
        In the unit of the amplitude, or without one; NaN where that is to be divided by 0.

    References
    ----------
    .. [1] Canolty et al., High gamma power is phase-locked to theta oscillations in human neocortex, 2006,
       doi:10.1126/science.1128115.
    .. [2] Özkurt & Schnitzler, A critical note on the definition of phase-amplitude cross-frequency coupling, 2011,
       doi:10.1016/j.jneumeth.2011.08.014.

    Examples
    --------
    >>> phase = np.linspace(0, 20 * np.pi, 1000, endpoint=False)
    >>> mean_vector_length(phase, 1 + 0.5 * np.cos(phase)).round(12)
    np.float64(0.25)
    """
    phase, amplitude = _phase_and_amplitude(phase, amplitude)
    length = np.abs((amplitude * np.exp(1j * phase)).mean(axis=-1))
    return _over_rms(length, amplitude) if normalize else length


def modulation_index(phase: Any, amplitude: Any, n_bins: int = 18) -> np.ndarray:
    """How far the mean amplitudes of bins of phase are from all alike: (ln n_bins - H) / ln n_bins [1]_.

    H is the entropy of the mean amplitudes divided by their sum: 0 for the same amplitude at all phases, 1 for
    amplitude in one bin only.

    Parameters
    ----------
    phase : array_like
        In radians; whole turns do not matter.
    amplitude : array_like
        Not negative; its shape and that of `phase` broadcast.
    n_bins : int
        At least 2.

    Returns
    -------
    ndarray of float64
        The last axis is gone. NaN where the amplitude is 0 throughout.

    References
    ----------
    .. [1] Tort et al., Measuring phase-amplitude coupling between neuronal oscillations of different frequencies,
       2010, doi:10.1152/jn.00106.2010.

    Examples
    --------
    >>> phase = np.linspace(0, 20 * np.pi, 1000, endpoint=False)
    >>> modulation_index(phase, np.ones(1000)).round(12), modulation_index(phase, 1 + np.cos(phase)).round(3)
    (np.float64(0.0), np.float64(0.104))
    """
    phase, amplitude = _phase_and_amplitude(phase, amplitude)
    n_bins = whole("n_bins", n_bins, 2)
    shape, n = amplitude.shape[:-1], amplitude.shape[-1]
    phase, amplitude = (np.broadcast_to(a, (*shape, n)).reshape(-1, n) for a in (phase, amplitude))
    values = [_index(_means(_bins(p, n_bins), a, n_bins)) for p, a in zip(phase, amplitude, strict=True)]
    return np.array(values).reshape(shape)[()]


def phase_amplitude_coupling(
    x: Any,
    sfreq: float,
    phase: Any,
    amplitude: Any,
    method: str = "modulation_index",
    *,
    n_bins: int = 18,
    n_surrogates: int = 0,
    seed: int | None = None,
    threads: int = 1,
) -> PhaseAmplitude:
    """Coupling of the phase of slow bands with the amplitude of fast bands of the same channel.

    Bands are filtered as in `energy_freq_bands`, without delay, hence not for a stream but window by window (the stage `PhaseAmplitudeCoupling`); phase and amplitude are those
    of the analytic signal. Surrogates cut the amplitude at one place and swap the two parts, which keeps all but the
    coupling.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        At least ten cycles of the slowest phase.
    sfreq : float
        In Hz.
    phase, amplitude : sequence of float, sequence of pairs, or dict of pairs
        Successive edges, or the edges of each band, in Hz. An amplitude band must be at least as wide as twice the
        highest frequency of phase: the amplitude's changes are in its sidebands.
    method : {"modulation_index", "mvl", "normalized_mvl"}
        `modulation_index`; `mean_vector_length` as it is or normalized.
    n_bins : int
        Bins of phase of the modulation index.
    n_surrogates : int
        How many; 200 allow to tell p < 0.005.
    seed : int, optional
        Of the places of the cuts, which are the same for all signals and bands.
    threads : int
        Signals are shared among so many threads; results do not depend on it.

    Returns
    -------
    PhaseAmplitude
        `values`, and `z` and `p` if there are surrogates. NaN for a signal that holds NaN or infinity, and for a
        constant (`mvl`: 0).

    Notes
    -----
    To swap the parts is to rotate the amplitude. Its sums over the bins of phase, for every rotation at once, are
    correlations made by Fourier transforms.

    Examples
    --------
    A theta rhythm of changing frequency, whose phase drives a gamma rhythm:

    >>> rng = np.random.default_rng(0)
    >>> drift = np.convolve(rng.normal(size=10000), np.hanning(500) / 20, "same")
    >>> theta = np.cos(2 * np.pi * np.cumsum(6 + drift) / 500)
    >>> gamma = (1 + theta) * np.sin(2 * np.pi * 80 * np.arange(10000) / 500)
    >>> x = theta + 0.2 * gamma + 0.1 * rng.normal(size=10000)
    >>> found = phase_amplitude_coupling(x, 500, [4, 8], [(25, 45), (60, 100)], n_surrogates=200, seed=0)
    >>> found.values.round(3), found.p < 0.01
    (array([[0.   , 0.064]]), array([[False,  True]]))
    """
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    check_in("method", method, METHODS)
    n_bins, n_surrogates = whole("n_bins", n_bins, 2), whole("n_surrogates", n_surrogates, 0)
    slow, fast = _bands("phase", phase, sfreq), _bands("amplitude", amplitude, sfreq)
    signals, shape = signals_of(x)
    n = signals.shape[1]
    _check_pairs("phase_amplitude_coupling", n, sfreq, slow, fast)
    # A swap by less than a cycle would leave some of the coupling.
    cycle = int(np.ceil(sfreq / slow.min()))
    shifts = np.random.default_rng(seed).integers(cycle, n - cycle + 1, n_surrogates)
    filters = [band_pass(sfreq, low, high) for low, high in (*slow, *fast)]
    found = np.full((1 + n_surrogates, len(signals), len(slow), len(fast)), np.nan)

    def work(i: int) -> None:
        signal = signals[i].astype(np.float64)
        if np.isfinite(signal).all():
            bands = _analytic(signal - signal[0], filters)
            found[:, i] = _coupling(bands[: len(slow)], np.abs(bands[len(slow) :]), method, n_bins, shifts)

    each(work, range(len(signals)), threads)
    found = found.reshape(1 + n_surrogates, *shape, len(slow), len(fast))
    values, surrogates = found[0], found[1:]
    if not n_surrogates:
        return PhaseAmplitude(values, None, None)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (values - surrogates.mean(axis=0)) / surrogates.std(axis=0)
    p = (1 + (surrogates >= values).sum(axis=0)) / (1 + n_surrogates)
    return PhaseAmplitude(values, z, np.where(np.isnan(values), np.nan, p))


def _check_pairs(name: str, n: int, sfreq: float, slow: np.ndarray, fast: np.ndarray) -> None:
    for low, high in fast:
        if high - low < 2 * slow.max():
            raise ValueError(
                f"amplitude has the band {low:g} to {high:g} Hz, which is {high - low:g} Hz wide, expected at least "
                f"twice the highest frequency of phase, {2 * slow.max():g} Hz: widen it"
            )
    least = int(np.ceil(LEAST_CYCLES * sfreq / slow.min()))
    check_length(name, n, least, f"{LEAST_CYCLES} cycles of {slow.min():g} Hz")


def coupling_plan(name: str, n: int, sfreq: float, phase: Any, amplitude: Any) -> tuple[int, int, np.ndarray]:
    """How `phase_amplitude_coupling` makes analytic signals of windows of n samples: samples put on at either end, length
    of the FFT, and the real spectra of the filters about their middles, divided by that length (n_bands, n_fft // 2 + 1).
    """
    slow, fast = _bands("phase", phase, sfreq), _bands("amplitude", amplitude, sfreq)
    _check_pairs(name, n, sfreq, slow, fast)
    filters = [band_pass(sfreq, low, high) for low, high in (*slow, *fast)]
    reach, n_fft = _lengths(n, filters)
    gains = np.zeros((len(filters), n_fft // 2 + 1))
    for gain, taps in zip(gains, filters, strict=True):
        half, about_zero = len(taps) // 2, np.zeros(n_fft)
        about_zero[: half + 1], about_zero[n_fft - half :] = taps[half:], taps[:half]
        gain[:] = np.fft.rfft(about_zero).real / n_fft
    return reach, n_fft, gains


def _lengths(n: int, filters: list[np.ndarray]) -> tuple[int, int]:
    from scipy.fft import next_fast_len

    half = max(len(taps) for taps in filters) // 2
    reach = min(half, n - 1)
    # What wraps around falls before the samples that are wanted.
    return reach, next_fast_len(n + 2 * reach + half)


def _phase_and_amplitude(phase: Any, amplitude: Any) -> tuple[np.ndarray, np.ndarray]:
    phase, amplitude = np.asarray(phase, np.float64), np.asarray(amplitude, np.float64)
    try:
        shape = np.broadcast_shapes(phase.shape, amplitude.shape)
    except ValueError:
        shape = ()
    if not shape or shape[-1] == 0:
        raise ValueError(
            f"phase and amplitude must have samples along their last axes and shapes that broadcast, got shapes "
            f"{phase.shape} and {amplitude.shape}"
        )
    return phase, np.broadcast_to(amplitude, shape)


def _bands(name: str, bands: Any, sfreq: float) -> np.ndarray:
    edges, _ = check_freq_bands(bands, sfreq, name)
    for low, high in edges:
        if not 0 < low < high < sfreq / 2:
            raise ValueError(
                f"{name} must rise from above 0 to below the Nyquist frequency, {sfreq / 2:g} Hz, "
                f"got the band {low:g} to {high:g} Hz"
            )
    return edges


def _analytic(signal: np.ndarray, filters: list[np.ndarray]) -> np.ndarray:
    """Analytic signals of bands: (n_bands, n_samples), without delay."""
    from scipy.fft import fft, ifft

    n = len(signal)
    reach, n_fft = _lengths(n, filters)
    longer = continued(signal[None], reach)[0]
    one_sided = fft(longer, n_fft)
    one_sided[1 : (n_fft + 1) // 2] *= 2
    one_sided[n_fft // 2 + 1 :] = 0
    bands = np.empty((len(filters), n), complex)
    for band, taps in zip(bands, filters, strict=True):
        start = reach + len(taps) // 2
        band[:] = ifft(one_sided * fft(taps, n_fft), overwrite_x=True)[start : start + n]
    return bands


def _coupling(
    slow: np.ndarray, amplitudes: np.ndarray, method: str, n_bins: int, shifts: np.ndarray
) -> np.ndarray:
    """Values, then those of surrogates: (1 + n_surrogates, n_phase, n_amplitude)."""
    from scipy.fft import irfft, rfft

    n = amplitudes.shape[1]
    found = np.empty((1 + len(shifts), len(slow), len(amplitudes)))
    for s, phase in enumerate(np.angle(slow)):
        if method == "modulation_index":
            bins = _bins(phase, n_bins)
            rows = (bins == np.arange(n_bins)[:, None]).astype(float)
            counts = np.maximum(rows.sum(axis=1), 1)
        else:
            rows = np.stack([np.cos(phase), np.sin(phase)])
        spectra = rfft(rows).conj() if len(shifts) else None
        for a, amplitude in enumerate(amplitudes):
            sums = (rows @ amplitude)[:, None]
            if spectra is not None:
                rotated = irfft(spectra * rfft(amplitude), n)[:, shifts]
                sums = np.concatenate([sums, rotated if amplitude.any() else np.zeros_like(rotated)], axis=1)
            if method == "modulation_index":
                found[:, s, a] = _index((sums / counts[:, None]).T)
            else:
                length = np.hypot(*sums) / n
                found[:, s, a] = _over_rms(length, amplitude) if method == "normalized_mvl" else length
    return found


def _bins(phase: np.ndarray, n_bins: int) -> np.ndarray:
    """Number of the bin of each phase; the first begins at -pi."""
    turns = phase / (2 * np.pi) + 0.5
    return np.minimum(((turns - np.floor(turns)) * n_bins).astype(np.intp), n_bins - 1)


def _means(bins: np.ndarray, amplitude: np.ndarray, n_bins: int) -> np.ndarray:
    """Mean amplitude of each bin; 0 where there is no sample."""
    return np.bincount(bins, amplitude, n_bins) / np.maximum(np.bincount(bins, minlength=n_bins), 1)


def _index(means: np.ndarray) -> np.ndarray:
    """Tort's index of mean amplitudes (..., n_bins)."""
    means = np.maximum(means, 0)  # a transform may leave -1e-17
    with np.errstate(divide="ignore", invalid="ignore"):
        share = means / means.sum(axis=-1, keepdims=True)
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=-1)
    return np.maximum(1 - entropy / np.log(means.shape[-1]), 0)


def _over_rms(length: Any, amplitude: np.ndarray) -> Any:
    rms = np.sqrt((amplitude**2).mean(axis=-1))
    return np.divide(length, rms, out=np.full(np.shape(length), np.nan), where=rms > 0)[()]
