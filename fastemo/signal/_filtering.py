"""Whole recordings through FIR filters without phase shift, with MNE's arguments, designs and edges."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from fastemo._fir_design import check_taps, fir_taps
from fastemo._validate import check_in, check_positive
from fastemo.signal._arrays import check_threads, compiled, floats, into

__all__ = ["filter_data", "notch_filter"]

PHASES = ("zero", "minimum")

_convolve = compiled("convolve")


def filter_data(
    data: Any,
    sfreq: float,
    l_freq: float | Sequence[float] | None,
    h_freq: float | Sequence[float] | None,
    *,
    notch_freqs: float | Sequence[float] | None = None,
    filter_length: str | int = "auto",
    l_trans_bandwidth: str | float = "auto",
    h_trans_bandwidth: str | float = "auto",
    phase: str = "zero",
    fir_window: str = "hamming",
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Filter recordings by a FIR filter, as `mne.filter.filter_data` does by default.

    Parameters
    ----------
    data : array_like of float32 or float64, shape (..., n_samples)
    sfreq : float
        Sampling frequency in Hz.
    l_freq, h_freq : float or None
        Edges in Hz of what passes; one None makes a low-pass or a high-pass. `l_freq` above `h_freq` stops what lies
        between; both may then be sequences.
    notch_freqs : float or sequence of float, optional
        Also remove these frequencies, as `notch_filter` does, by the same filter: two for the time of one.
    filter_length : "auto", int or str
        Taps, or seconds as "10s"; by default as many as the narrowest transition needs.
    l_trans_bandwidth, h_trans_bandwidth : "auto" or float
        Width in Hz of the transitions; by default min(max(l_freq/4, 2), l_freq) and min(max(h_freq/4, 2), sfreq/2 -
        h_freq).
    phase : {"zero", "minimum"}
        "zero" reads the future of every sample; "minimum" is causal.
    fir_window : {"hamming", "hann", "blackman"}
    out : ndarray of float32 or float64, optional
        Where to put the result; may be `data` itself.
    threads : int

    Returns
    -------
    ndarray
        Like `data`, float32 for float32; or `out`.

    Raises
    ------
    ValueError
        Edges or transitions beyond 0 or the Nyquist frequency, or a length too short for a transition.

    Notes
    -----
    The design and what lies beyond the ends (the signal turned round its first and last sample, as far as there is one)
    are MNE's; results agree to rounding. With `notch_freqs` the ends are turned round once instead of twice.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 2000))
    >>> filter_data(x, 250, 1, 45, notch_freqs=50).shape
    (2, 2000)
    """
    check_in("phase", phase, PHASES)
    taps = _designed(
        sfreq, l_freq, h_freq, filter_length, l_trans_bandwidth, h_trans_bandwidth, phase, fir_window
    )
    if notch_freqs is not None:
        notch = _designed(sfreq, *_stop_bands(notch_freqs, None, 1.0), "auto", 0.5, 0.5, phase, fir_window)
        taps = np.convolve(taps, notch)
    return _filtered(taps, data, phase, out, threads)


def notch_filter(
    x: Any,
    Fs: float,
    freqs: float | Sequence[float],
    *,
    filter_length: str | int = "auto",
    notch_widths: float | Sequence[float] | None = None,
    trans_bandwidth: float = 1.0,
    phase: str = "zero",
    fir_window: str = "hamming",
    out: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Remove line noise by a FIR filter, as `mne.filter.notch_filter` does by default.

    Parameters
    ----------
    x : array_like of float32 or float64, shape (..., n_samples)
    Fs : float
        Sampling frequency in Hz.
    freqs : float or sequence of float
        Frequencies in Hz to remove, such as `np.arange(50, 250, 50)`.
    filter_length : "auto", int or str
        As in `filter_data`.
    notch_widths : float or sequence of float, optional
        Width in Hz of each; `freqs / 200` by default.
    trans_bandwidth : float
        Width in Hz of both transitions together.
    phase, fir_window, out, threads
        As in `filter_data`.

    Returns
    -------
    ndarray
        Like `x`; or `out`.

    Examples
    --------
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
    >>> bool(np.abs(notch_filter(hum, 500, 50)[2000:3000]).max() < 0.01)
    True
    """
    check_in("phase", phase, PHASES)
    check_positive("trans_bandwidth", trans_bandwidth, unit="Hz")
    half = trans_bandwidth / 2
    lows, highs = _stop_bands(freqs, notch_widths, trans_bandwidth)
    taps = _designed(Fs, lows, highs, filter_length, half, half, phase, fir_window)
    return _filtered(taps, x, phase, out, threads)


def _stop_bands(freqs: Any, widths: Any, transition: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Upper and lower pass edges round each frequency."""
    freqs = np.atleast_1d(np.asarray(freqs, np.float64))
    if freqs.ndim != 1 or freqs.size == 0:
        raise ValueError(f"freqs must be one frequency or a list of them, got shape {freqs.shape}")
    widths = freqs / 200 if widths is None else np.atleast_1d(np.asarray(widths, np.float64))
    if (widths < 0).any() or widths.size not in (1, freqs.size):
        raise ValueError(
            f"notch_widths must be one width of at least 0 Hz, or one for each of {freqs.size} freqs, got {widths}"
        )
    apart = widths / 2 + transition / 2
    return tuple((freqs + apart).tolist()), tuple((freqs - apart).tolist())


def _designed(
    sfreq: Any, l_freq: Any, h_freq: Any, length: Any, l_width: Any, h_width: Any, phase: str, window: str
) -> np.ndarray:
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    edges = [
        None if f is None else tuple(np.atleast_1d(np.asarray(f, float)).tolist()) for f in (l_freq, h_freq)
    ]
    widths = [None if isinstance(w, str) and w == "auto" else w for w in (l_width, h_width)]
    for name, width in zip(("l_trans_bandwidth", "h_trans_bandwidth"), widths, strict=True):
        if width is not None:
            check_positive(name, width, unit="Hz")
    return _design(sfreq, *edges, *widths, _samples(length, sfreq), window, phase)


@lru_cache(maxsize=32)
def _design(
    sfreq: float, low: Any, high: Any, low_width: Any, high_width: Any, length: Any, window: str, phase: str
) -> np.ndarray:
    if low is None and high is None:
        return np.ones(1)
    kind = "minimum" if phase == "minimum" else "linear"
    taps = fir_taps(sfreq, low, high, low_width, high_width, length, window, kind)
    taps.flags.writeable = False
    return taps


def _samples(length: Any, sfreq: float) -> int | None:
    if isinstance(length, str):
        if length == "auto":
            return None
        number, unit = (length[:-2], 1e-3) if length.endswith("ms") else (length.removesuffix("s"), 1.0)
        try:
            if number == length:
                raise ValueError
            return int(np.ceil(float(number) * unit * sfreq))
        except ValueError:
            raise ValueError(
                f'filter_length must be "auto", a number of taps, or a time as "10s" or "500ms", got {length!r}'
            ) from None
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1:
        raise ValueError(f"filter_length must be at least one tap, got {length!r}")
    return int(length)


def _filtered(taps: np.ndarray, data: Any, phase: str, out: np.ndarray | None, threads: int) -> np.ndarray:
    threads = check_threads(threads)
    arrays = floats(data, integers=np.float64)
    if arrays is None or arrays[0].ndim == 0 or arrays[0].size == 0:
        got = (
            f"dtype {data.dtype}, shape {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        )
        raise ValueError(
            f"data must be real numbers, float32 or float64, of shape (..., n_samples), got {got}"
        )
    x, taps = arrays[0], check_taps(taps)
    n, order = x.shape[-1], len(taps) - 1
    ahead = order // 2 if phase == "zero" else 0  # samples of its future that a result needs
    behind = order - ahead
    if out is not None and (
        np.may_share_memory(out, x) or out.shape != x.shape or out.dtype.char not in "fd"
    ):
        return into(out, _filtered(taps, x, phase, None, threads))
    if n <= 2 * order + 2:
        reach = min(order, n - 1)
        return _convolved(taps, _turned(x, reach, reach), reach + ahead, n, out, threads, x.dtype)
    # The ends are done again by themselves, so that nothing long is copied.
    y = _convolved(taps, x, ahead, n, out, threads, x.dtype)
    if behind:
        head = _turned(x[..., : order + 1], behind, 0)
        y[..., :behind] = _convolved(taps, head, order, behind, None, threads, x.dtype)
    if ahead:
        tail = _turned(x[..., n - order - 1 :], 0, ahead)
        y[..., n - ahead :] = _convolved(taps, tail, order + 1, ahead, None, threads, x.dtype)
    return y


def _turned(x: np.ndarray, before: int, behind: int) -> np.ndarray:
    """`x` with so many samples before and behind it, turned round its ends."""
    head = 2 * x[..., :1] - x[..., before:0:-1]
    tail = 2 * x[..., -1:] - x[..., -2 : -behind - 2 : -1]
    return np.concatenate([head, x, tail], axis=-1)


def _convolved(
    taps: np.ndarray, x: np.ndarray, offset: int, n_out: int, out: np.ndarray | None, threads: int, dtype: Any
) -> np.ndarray:
    """Results from number `offset` of the full convolution on."""
    if out is None:
        out = np.empty((*x.shape[:-1], n_out), dtype)
    if _convolve(taps, x, x.ndim - 1, offset, n_out, out, threads) is NotImplemented:
        from scipy.signal import oaconvolve

        shaped = taps.reshape((1,) * (x.ndim - 1) + (-1,))
        out[...] = oaconvolve(x, shaped, axes=-1)[..., offset : offset + n_out]
    return out
