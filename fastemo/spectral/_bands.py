"""Power in frequency bands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import ceil
from operator import itemgetter
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import (
    band_edges,
    butterworth,
    filled_after,
    first_sample_state,
    one_sided_scale,
    taper_window,
    wavelet_grid,
    wavelet_half,
)
from fastemo._validate import check_in, check_positive
from fastemo.bands import check_bands
from fastemo.spectral._common import (
    FLOOR_SHARE,
    FLOOR_UV2,
    KEPT,
    Bands,
    check_cycle,
    count,
    designed,
    into,
    number_of_threads,
    only,
    signals,
)
from fastemo.spectral._multitaper import taper_plan
from fastemo.spectral._wavelets import wavelet_band_plan

__all__ = ["band_power", "min_length"]

METHODS = ("fft", "welch", "multitaper", "morlet", "filterbank")
_DEFAULTS: dict[str, Any] = {
    "taper": "hann", "detrend": "constant", "nperseg": None, "noverlap": None, "bandwidth": None,
    "weights": "eigenvalue", "n_cycles": 7.0, "order": 4,
}  # fmt: skip
_OPTIONS = {
    "fft": ("taper", "detrend"),
    "welch": ("taper", "detrend", "nperseg", "noverlap"),
    "multitaper": ("detrend", "bandwidth", "weights"),
    "morlet": ("detrend", "n_cycles"),
    "filterbank": ("order",),
}
# Of each method: what picks the options of the others, and what these are where they are left alone.
_OF_OTHERS: dict[str, tuple[Any, tuple[Any, ...]]] = {}
for _method, _own in _OPTIONS.items():
    _at = [i for i, name in enumerate(_DEFAULTS) if name not in _own]
    _OF_OTHERS[_method] = itemgetter(*_at), itemgetter(*_at)(tuple(_DEFAULTS.values()))


def band_power(
    x: Any,
    sfreq: float,
    bands: Bands,
    method: str = "fft",
    *,
    taper: Any = "hann",
    detrend: str | bool = "constant",
    nperseg: int | None = None,
    noverlap: int | None = None,
    bandwidth: float | None = None,
    weights: str = "eigenvalue",
    n_cycles: float = 7.0,
    order: int = 4,
    relative: bool = False,
    log: bool = False,
    db: bool = False,
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Power of every channel in every band, in the squared unit of `x`.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        float32 or float64 of any strides, taken as it lies in memory; integers are converted. A NaN makes the
        powers of its channel NaN.
    sfreq : float
        Sampling frequency in Hz.
    bands : str, mapping of names to (lo, hi), or sequence of (lo, hi)
        In Hz, [lo, hi); the name of a set in `fastemo.BANDS`.
    method : {"fft", "welch", "multitaper", "morlet", "filterbank"}
        "fft": the one-sided density of the whole of `x` under a taper, summed over the bins of the band, times
        their spacing: what `scipy.signal.periodogram` and a sum give. "welch": the mean of that over segments
        [1]_, as `scipy.signal.welch`. "multitaper": the same sum over the density of `multitaper` [2]_, as that
        of `mne.time_frequency.psd_array_multitaper(normalization="full")`. "morlet": the mean over time of
        Morlet wavelets' power [3]_ at frequencies 1 Hz apart or less, in the middle of as many equal parts of
        the band; what lies beyond the ends of `x` is allowed for, so that white noise has its true power in
        windows of any length. "filterbank": the mean square of a causal Butterworth band-pass of `x` whose
        state starts at the first sample.
    taper : str, tuple or float
        A window of `scipy.signal.get_window`, periodic ("fft", "welch").
    detrend : {"constant", False}
        Whether the mean (of each segment) is taken off first (all but "filterbank").
    nperseg, noverlap : int, optional
        Length and overlap of the segments in samples ("welch"); by default 256, or the length of `x` if it is
        shorter, and half of a segment.
    bandwidth : float, optional
        Full width in Hz over which "multitaper" smooths; by default 8 bins.
    weights : {"eigenvalue", "uniform", "adaptive"}
        Of the tapers ("multitaper"), as in `multitaper`.
    n_cycles : float
        Cycles of a wavelet, 2 pi f times its standard deviation in time ("morlet").
    order : int
        As in `scipy.signal.butter` ("filterbank").
    relative : bool
        Divide by the sum over the bands (0 where that is 0).
    log : bool
        Natural logarithm, of at least 1e-4 (of a share: 1e-12). The floor is meant for microvolts.
    db : bool
        10 log10 of the same, in decibels.
    threads : int
        Results do not depend on it.
    out : ndarray of float64, shape (..., n_channels, n_bands), C-contiguous, optional
        Where to put the result.

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_bands)

    Raises
    ------
    ValueError, TypeError
        A band beyond the Nyquist frequency; a window too short for a band, with the length that it needs; an
        option that has no meaning for the method; arguments of the wrong kind.

    See Also
    --------
    min_length : how long a window must be.

    References
    ----------
    .. [1] Welch (1967), IEEE Transactions on Audio and Electroacoustics 15(2), doi:10.1109/TAU.1967.1161901
    .. [2] Thomson (1982), Proceedings of the IEEE 70(9), doi:10.1109/PROC.1982.12433
    .. [3] Tallon-Baudry et al. (1997), Journal of Neuroscience 17(2), doi:10.1523/JNEUROSCI.17-02-00722.1997

    Examples
    --------
    A sine of 2 uV amplitude has a power of 2 uV^2.

    >>> t = np.arange(500) / 250
    >>> x = 2 * np.sin(2 * np.pi * 10 * t)[None]
    >>> band_power(x, 250, {"theta": (4, 8), "alpha": (8, 13)}).round(6) + 0.0
    array([[0., 2.]])
    >>> band_power(x, 250, "standard", "welch", nperseg=250, relative=True).shape
    (1, 5)
    >>> band_power(x, 250, {"alpha": (8, 13)}, "multitaper", bandwidth=2).round(1)
    array([[2.]])
    """
    x = signals(x)
    if method not in _OPTIONS:
        check_in("method", method, METHODS)
    given = (taper, detrend, nperseg, noverlap, bandwidth, weights, n_cycles, order)
    of_others, defaults = _OF_OTHERS[method]
    if of_others(given) != defaults:
        for name, default, value in zip(_DEFAULTS, _DEFAULTS.values(), given):
            if name not in _OPTIONS[method]:
                only("method", method, **{name: (value, default)})
    if log and db:
        raise ValueError("log=True and db=True ask for two scales: choose one")
    n, n_threads = x.shape[-1], number_of_threads(threads)
    if method == "fft":
        plan = designed(_fft_bands, bands, n, sfreq, taper, detrend)
        power = plan.compute(x, out, n_threads)
    elif method == "welch":
        length, hop = _segments(n, nperseg, noverlap)
        if length == n:
            plan = designed(_fft_bands, bands, n, sfreq, taper, detrend)
            power = plan.compute(x, out, n_threads)
        else:
            plan = designed(_welch_bands, bands, length, sfreq, taper, detrend)
            power = plan.compute(x, hop, (n - length) // hop + 1, 1, out, n_threads)
    elif method == "multitaper":
        plan = designed(taper_plan, bands, n, sfreq, bandwidth, weights, detrend, keep=n <= KEPT)
        power = plan.compute(x, 1, 1, 1, out, n_threads)
    elif method == "morlet":
        plan = designed(wavelet_band_plan, bands, n, sfreq, n_cycles, detrend, keep=n <= KEPT)
        power = plan.compute(x, 2, 1, out, n_threads)
    else:
        sos, zi, names, edges = designed(_bank, bands, sfreq, order)
        check_cycle(n, sfreq, names, edges)
        power = _bank_power(x, sos, zi, n_threads)
    if relative:
        total = power.sum(axis=-1, keepdims=True)
        shares = np.divide(power, total, out=np.zeros_like(power), where=total != 0)
        power = into(power, shares) if power is out else shares
    if log or db:
        power = np.maximum(power, FLOOR_SHARE if relative else FLOOR_UV2, out=power)
        (np.log if log else np.log10)(power, out=power)
        if db:
            power *= 10
    return into(out, power)


def min_length(
    bands: Bands,
    method: str = "fft",
    sfreq: float = 250.0,
    *,
    cycles: float = 2.0,
    bandwidth: float | None = None,
    n_cycles: float = 7.0,
    order: int = 4,
) -> float:
    """How long a window must be, in seconds, for the power in all of these bands to mean something.

    So many cycles of the lowest edge must fit into it, and further, by method: "fft", "welch" (of a segment) and
    "multitaper": every band must hold a frequency of the DFT; "multitaper": and be as wide as the smoothing, by
    default 8 over the length of the window; "morlet": the longest wavelet, ten standard deviations, must fit;
    "filterbank": the filters must have filled, to all but 1e-6 of their energy. The same rules say when
    `band_power` refuses: where a band holds no frequency, a wavelet does not fit, or a filter bank gets less than a
    cycle of a band's upper edge.

    Parameters
    ----------
    bands : str, mapping of names to (lo, hi), or sequence of (lo, hi)
        In Hz.
    method : {"fft", "welch", "multitaper", "morlet", "filterbank"}
    sfreq : float
        Sampling frequency in Hz.
    cycles : float
        Of the lowest edge; 0 leaves that rule out.
    bandwidth, n_cycles, order
        As in `band_power`.

    Returns
    -------
    float
        A whole number of samples, in seconds.

    Examples
    --------
    >>> min_length("seed", "fft", 200)
    2.0
    >>> min_length({"alpha": (8, 13)}, "multitaper", 200)
    1.6
    >>> min_length({"alpha": (8, 13)}, "morlet", 200)
    1.315
    """
    check_in("method", method, METHODS)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    _, edges = check_bands(bands, sfreq)
    lo, hi = edges.T
    needed = [check_positive("cycles", cycles, zero=True) / lo.min()]
    if method in ("fft", "welch", "multitaper"):
        needed.append(1 / (hi - lo).min())
    if method == "multitaper":
        if bandwidth is None:
            needed.append(8 / (hi - lo).min())
        elif check_positive("bandwidth", bandwidth, unit="Hz") > (hi - lo).min():
            raise ValueError(
                f"bandwidth={bandwidth:g} Hz is wider than the band of {(hi - lo).min():g} Hz: no window is long enough"
            )
        else:
            needed.append(1 / bandwidth)
    samples = ceil(max(needed) * sfreq * (1 - 1e-12))
    if method == "morlet":
        lowest = min(wavelet_grid(*band)[0].min() for band in edges.tolist())
        samples = max(samples, 2 * wavelet_half(sfreq, lowest, check_positive("n_cycles", n_cycles)) + 1)
    if method == "filterbank":
        sos = designed(_bank, bands, sfreq, order)[0]
        samples = max(samples, *(filled_after(s) for s in sos))
    return samples / sfreq


def _fft_bands(bands: Bands, n: int, sfreq: float, taper: Any, detrend: Any) -> Any:
    weights, first, _, scale, edges, width = _bins(bands, n, sfreq, taper, detrend)
    scale = scale[first : first + int(edges.max())]
    return resolve("FftBandPower")(weights, detrend == "constant", first, scale, edges, width)


def _welch_bands(bands: Bands, n: int, sfreq: float, taper: Any, detrend: Any) -> Any:
    weights, first, stop, scale, edges, width = _bins(bands, n, sfreq, taper, detrend)
    none = np.empty(0)
    return resolve("TaperedSpectra")(
        weights[None], detrend == "constant", first, stop, scale, np.ones(1), none, edges, width
    )


def _bins(bands: Bands, n: int, sfreq: float, taper: Any, detrend: Any) -> tuple[Any, ...]:
    check_in("detrend", detrend, ("constant", False))
    names, limits = check_bands(bands, check_positive("sfreq", sfreq, unit="Hz"))
    edges = band_edges(dict(zip(names, limits.tolist())), n, sfreq)
    first, stop = int(edges.min()), int(edges.max())
    weights = taper_window(taper, n)
    return (
        weights,
        first,
        stop,
        one_sided_scale(weights, sfreq),
        edges - first,
        np.full(len(names), sfreq / n),
    )


def _segments(n: int, nperseg: Any, noverlap: Any) -> tuple[int, int]:
    """Length of segments, and samples from one to the next."""
    if type(nperseg) is int and noverlap is None and 1 <= nperseg <= n:
        return nperseg, nperseg - nperseg // 2
    length = min(256, n) if nperseg is None else nperseg
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or not 1 <= length <= n:
        raise ValueError(f"nperseg must be from 1 to the {n} samples of x, got {length!r}")
    overlap = length // 2 if noverlap is None else noverlap
    if isinstance(overlap, bool) or not isinstance(overlap, (int, np.integer)) or not 0 <= overlap < length:
        raise ValueError(f"noverlap must be from 0 to nperseg - 1 = {length - 1}, got {overlap!r}")
    return int(length), int(length - overlap)


def _bank(
    bands: Bands, sfreq: float, order: int
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], np.ndarray]:
    order = count("order", order)
    names, limits = check_bands(bands, check_positive("sfreq", sfreq, unit="Hz"))
    sos = [
        butterworth(sfreq, lo, hi, order, f"the band {name!r}")
        for name, (lo, hi) in zip(names, limits.tolist())
    ]
    return np.array(sos), np.array([first_sample_state(s) for s in sos]), names, limits


def _bank_power(x: np.ndarray, sos: np.ndarray, zi: np.ndarray, threads: int) -> np.ndarray:
    kernel = resolve("bank_power")
    rows = x.reshape(-1, x.shape[-1])
    if len(rows) == 0:
        return np.empty((*x.shape[:-1], len(sos)))
    groups = -(-len(rows) // 8)
    cuts = sorted({8 * (groups * i // threads) for i in range(threads)})
    parts = [rows[a:b] for a, b in zip(cuts, [*cuts[1:], len(rows)])]
    if len(parts) == 1:
        powers = [kernel(rows, sos, zi)]
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            powers = list(pool.map(lambda part: kernel(part, sos, zi), parts))
    return np.concatenate(powers).reshape(*x.shape[:-1], len(sos))
