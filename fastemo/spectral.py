"""Power in frequency bands and what follows from it: arrays in, arrays out, time along the last axis."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._design import band_edges, butterworth, first_sample_state, one_sided_scale, taper_window
from fastemo._validate import check_in, check_positive
from fastemo.bands import check_bands

__all__ = ["band_power", "differential_entropy", "rfft"]

Bands = str | Mapping[str, Sequence[float]] | Sequence[Sequence[float]]

# Below the noise of any amplifier, so that a flat channel gives a number; and the floor of a share.
FLOOR_UV2 = 1e-4
FLOOR_SHARE = 1e-12


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
    order: int = 4,
    relative: bool = False,
    log: bool = False,
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
    method : {"fft", "welch", "filterbank"}
        "fft": the one-sided density of the whole of `x` under a taper, summed over the bins of the band, times
        their spacing: what `scipy.signal.periodogram` and a sum give. "welch": the mean of that over segments
        [1]_, as `scipy.signal.welch`. "filterbank": the mean square of a causal Butterworth band-pass of `x`
        whose state starts at the first sample.
    taper : str, tuple or float
        A window of `scipy.signal.get_window`, periodic ("fft", "welch").
    detrend : {"constant", False}
        Whether the mean (of each segment) is taken off first ("fft", "welch").
    nperseg, noverlap : int, optional
        Length and overlap of the segments in samples ("welch"); by default 256, or the length of `x` if it is
        shorter, and half of a segment.
    order : int
        As in `scipy.signal.butter` ("filterbank").
    relative : bool
        Divide by the sum over the bands (0 where that is 0).
    log : bool
        Natural logarithm, of at least 1e-4 (of a share: 1e-12). The floor is meant for microvolts.
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
        A band beyond the Nyquist frequency, or in which there is no bin; an option that has no meaning for the
        method; arguments of the wrong kind.

    References
    ----------
    .. [1] Welch (1967), IEEE Transactions on Audio and Electroacoustics 15(2), doi:10.1109/TAU.1967.1161901

    Examples
    --------
    A sine of 2 uV amplitude has a power of 2 uV^2.

    >>> t = np.arange(500) / 250
    >>> x = 2 * np.sin(2 * np.pi * 10 * t)[None]
    >>> band_power(x, 250, {"theta": (4, 8), "alpha": (8, 13)}).round(6) + 0.0
    array([[0., 2.]])
    >>> band_power(x, 250, "standard", "welch", nperseg=250, relative=True).shape
    (1, 5)
    """
    x = _signals(x)
    if method == "fft":
        if nperseg is not None or noverlap is not None or order != 4:
            _only("method", method, nperseg=(nperseg, None), noverlap=(noverlap, None), order=(order, 4))
        power = _fft_bands(x.shape[-1], sfreq, bands, taper, detrend).compute(x, out, _threads(threads))
    elif method == "welch":
        _only("method", method, order=(order, 4))
        segments = _segments(x, nperseg, noverlap)
        plan = _fft_bands(segments.shape[-1], sfreq, bands, taper, detrend)
        power = plan.compute(segments, None, _threads(threads)).mean(axis=0)
    else:
        check_in("method", method, ("fft", "welch", "filterbank"))
        _only(
            "method", method,
            taper=(taper, "hann"), detrend=(detrend, "constant"), nperseg=(nperseg, None), noverlap=(noverlap, None),
        )  # fmt: skip
        power = _bank_power(x, *_bank(sfreq, bands, order), _threads(threads))
    if relative:
        total = power.sum(axis=-1, keepdims=True)
        power = np.divide(power, total, out=np.zeros_like(power), where=total != 0)
    if log:
        power = np.log(np.maximum(power, FLOOR_SHARE if relative else FLOOR_UV2))
    return _into(out, power)


def differential_entropy(
    x: Any,
    sfreq: float,
    bands: Bands,
    definition: str = "gauss",
    *,
    order: int = 4,
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Differential entropy of every channel in every band, in nats, as if the band's signal were Gaussian.

    `1/2 ln(2 pi e s^2)` [1]_ with s^2 the band power in uV^2, at least 1e-4 uV^2.

    Parameters
    ----------
    x : array_like, shape (..., n_channels, n_samples)
        In uV.
    sfreq : float
        Sampling frequency in Hz.
    bands : str, mapping of names to (lo, hi), or sequence of (lo, hi)
        In Hz, [lo, hi); the name of a set in `fastemo.BANDS`.
    definition : {"gauss", "spectral"}
        "gauss": s^2 is the mean square of a causal Butterworth band-pass of `x` (no mean taken off).
        "spectral": s^2 is the band power of the whole of `x` by FFT under a Hann taper, its mean taken off.
    order : int
        Of the band-passes of "gauss", as in `scipy.signal.butter`.
    threads : int
        Results do not depend on it.
    out : ndarray of float64, shape (..., n_channels, n_bands), C-contiguous, optional

    Returns
    -------
    ndarray of float64, shape (..., n_channels, n_bands)

    References
    ----------
    .. [1] Duan, Zhu & Lu (2013), IEEE/EMBS NER, doi:10.1109/NER.2013.6695876

    Examples
    --------
    >>> differential_entropy(np.zeros((1, 500)), 250, {"alpha": (8, 13)}).round(3)
    array([[-3.186]])
    """
    check_in("definition", definition, ("gauss", "spectral"))
    if definition == "spectral":
        _only("definition", definition, order=(order, 4))
    method = "filterbank" if definition == "gauss" else "fft"
    power = band_power(x, sfreq, bands, method, order=order, threads=threads, out=out)
    np.log(2 * np.pi * np.e * np.maximum(power, FLOOR_UV2), out=power)
    power *= 0.5
    return power


def rfft(x: Any, axis: int = -1, *, threads: int = 1) -> np.ndarray:
    """Discrete Fourier transform of real signals, bins 0 to n // 2, as `scipy.fft.rfft`.

    Any length takes O(n log n). Several signals are transformed together, so pass them as one array.

    Parameters
    ----------
    x : array_like
        Real; float32 stays single precision, all else becomes float64.
    axis : int
        The axis of time.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ndarray of complex64 or complex128
        Like `x`, with n // 2 + 1 bins along `axis`.

    Examples
    --------
    >>> rfft([1.0, 0.0, -1.0, 0.0])
    array([0.+0.j, 2.+0.j, 0.+0.j])
    """
    x = _signals(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(
            f"axis must be from {-x.ndim} to {x.ndim - 1} for an array of shape {x.shape}, got {axis}"
        )
    bins = resolve("rfft")(np.moveaxis(x, axis, -1), None, _threads(threads))
    return np.moveaxis(bins, -1, axis)


def _signals(x: Any) -> np.ndarray:
    """`x` as an aligned float32 or float64 array of at least one sample; nothing is copied that need not be."""
    if type(x) is not np.ndarray or x.dtype.char not in "df" or not x.dtype.isnative or not x.flags.aligned:
        if np.ma.isMaskedArray(x):
            raise TypeError("x is a masked array, expected a plain one: use x.filled(np.nan)")
        x = np.asarray(x)
        if x.dtype.kind not in "iuf" or x.dtype.itemsize > 8:
            raise TypeError(f"x must be an array of real numbers, got dtype {x.dtype}: use x.astype(float)")
        single = x.dtype.kind == "f" and x.dtype.itemsize <= 4
        x = np.require(x, np.float32 if single else np.float64, "A")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have at least one sample along its last axis, got shape {x.shape}")
    return x


def _threads(threads: Any) -> int:
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return int(threads)


def _only(what: str, choice: str, **options: tuple[Any, Any]) -> None:
    """Refuses options, given as (value, default), that `choice` would ignore."""
    for name, (value, default) in options.items():
        if value is not default and value != default:
            raise ValueError(f"{name}={value!r} has no meaning for {what}={choice!r}: leave it out")


def _into(out: np.ndarray | None, result: np.ndarray) -> np.ndarray:
    if out is None or out is result:
        return result
    if type(out) is not np.ndarray or out.shape != result.shape or out.dtype != result.dtype:
        got = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out must be a float64 array of shape {result.shape}, got {got}")
    out[...] = result
    return out


# What was designed for the last calls: for each set of other arguments, pairs of bands and what was made for them.
_designs: dict[Hashable, list[tuple[Bands, Any]]] = {}


def _design(make: Any, bands: Bands, *arguments: Any) -> Any:
    """`make(bands, *arguments)`, once for the same arguments."""
    key = (make, *arguments)
    try:
        for known, made in _designs.get(key, ()):
            if known == bands:
                return made
    except (TypeError, ValueError):  # what cannot be hashed or compared is not kept
        return make(bands, *arguments)
    made = make(bands, *arguments)
    if len(_designs) >= 32:
        _designs.pop(next(iter(_designs)), None)
    kept = _designs.setdefault(key, [])
    kept.insert(0, (deepcopy(bands), made))
    del kept[8:]
    return made


def _fft_bands(n: int, sfreq: float, bands: Bands, taper: Any, detrend: Any) -> Any:
    return _design(_make_fft_bands, bands, n, sfreq, taper, detrend)


def _make_fft_bands(bands: Bands, n: int, sfreq: float, taper: Any, detrend: Any) -> Any:
    check_in("detrend", detrend, ("constant", False))
    names, limits = check_bands(bands, check_positive("sfreq", sfreq, unit="Hz"))
    edges = band_edges(dict(zip(names, limits.tolist())), n, sfreq)
    first, stop = int(edges.min()), int(edges.max())
    weights = taper_window(taper, n)
    scale = one_sided_scale(weights, sfreq)[first:stop]
    width = np.full(len(names), sfreq / n)
    return resolve("FftBandPower")(weights, detrend == "constant", first, scale, edges - first, width)


def _segments(x: np.ndarray, nperseg: Any, noverlap: Any) -> np.ndarray:
    """Overlapping segments of the last axis as a view, shape (n_segments, ..., nperseg)."""
    n = x.shape[-1]
    length = min(256, n) if nperseg is None else nperseg
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or not 1 <= length <= n:
        raise ValueError(f"nperseg must be from 1 to the {n} samples of x, got {length!r}")
    overlap = length // 2 if noverlap is None else noverlap
    if isinstance(overlap, bool) or not isinstance(overlap, (int, np.integer)) or not 0 <= overlap < length:
        raise ValueError(f"noverlap must be from 0 to nperseg - 1 = {length - 1}, got {overlap!r}")
    windows = np.lib.stride_tricks.sliding_window_view(x, int(length), axis=-1)[..., :: length - overlap, :]
    return np.moveaxis(windows, -2, 0)


def _bank(sfreq: float, bands: Bands, order: int) -> tuple[np.ndarray, np.ndarray]:
    return _design(_make_bank, bands, sfreq, order)


def _make_bank(bands: Bands, sfreq: float, order: int) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise ValueError(f"order must be a whole number of at least 1, got {order!r}")
    names, limits = check_bands(bands, check_positive("sfreq", sfreq, unit="Hz"))
    sos = [
        butterworth(sfreq, lo, hi, int(order), f"the band {name!r}")
        for name, (lo, hi) in zip(names, limits.tolist())
    ]
    return np.array(sos), np.array([first_sample_state(s) for s in sos])


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
