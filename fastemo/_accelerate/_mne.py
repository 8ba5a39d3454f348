"""What of MNE has a faster twin in `fastemo.spectral` and `fastemo.signal`."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fastemo import signal, spectral
from fastemo._accelerate import _mne_filter
from fastemo._accelerate._replacement import Replacement

__all__ = ["replacements"]


def psd_array_multitaper(
    x: Any, sfreq: Any, fmin: Any = 0.0, fmax: Any = np.inf, bandwidth: Any = None, adaptive: Any = False,
    low_bias: Any = True, normalization: Any = "length", remove_dc: Any = True, output: Any = "power",
    n_jobs: Any = None, *, max_iter: Any = 150, verbose: Any = None,
) -> Any:  # fmt: skip
    """Power by tapers of more than 0.9, weighted by their eigenvalues or adaptively."""
    if not _is_plain(x) or not low_bias or output != "power" or isinstance(bandwidth, str) or max_iter != 150:
        return NotImplemented
    if normalization not in ("length", "full"):
        return NotImplemented
    weights = "adaptive" if adaptive else "eigenvalue"
    f, p = spectral.multitaper(
        x, float(sfreq), fmin, fmax, bandwidth=bandwidth, weights=weights,
        detrend="constant" if remove_dc else False, threads=threads_of(n_jobs),
    )  # fmt: skip
    if normalization == "length":
        p *= float(sfreq)
    return p, f


def psd_array_welch(
    x: Any, sfreq: Any, fmin: Any = 0, fmax: Any = np.inf, n_fft: Any = 256, n_overlap: Any = 0,
    n_per_seg: Any = None, n_jobs: Any = None, average: Any = "mean", window: Any = "hamming",
    remove_dc: Any = True, *, output: Any = "power", verbose: Any = None,
) -> Any:  # fmt: skip
    """The mean of finite signals; what MNE does about bad stretches is left to it."""
    if not _is_plain(x) or average != "mean" or output != "power" or not isinstance(window, (str, tuple)):
        return NotImplemented
    length = n_fft if n_per_seg is None else n_per_seg
    if not all(type(n) is int for n in (n_fft, n_overlap, length)):
        return NotImplemented
    if not 0 <= n_overlap < length <= min(n_fft, x.shape[-1]) or not np.isfinite(x).all():
        return NotImplemented
    freqs = np.arange(n_fft // 2 + 1, dtype=float) * (sfreq / n_fft)
    inside = np.flatnonzero((freqs >= fmin) & (freqs <= fmax))
    if len(inside) == 0:
        return NotImplemented
    wanted = slice(inside[0], inside[-1] + 1)
    detrend = "constant" if remove_dc else False
    p = signal.welch(x, sfreq, window, length, n_overlap, n_fft, detrend, threads=threads_of(n_jobs))[1]
    return np.ascontiguousarray(p[..., wanted]), freqs[wanted]


def tfr_array_morlet(
    data: Any, sfreq: Any, freqs: Any, n_cycles: Any = 7.0, zero_mean: Any = True, use_fft: Any = True,
    decim: Any = 1, output: Any = "complex", n_jobs: Any = None, *, verbose: Any = None,
) -> Any:  # fmt: skip
    """Complex values, power, and its mean over epochs."""
    if not _is_plain(data) or data.ndim != 3 or data.shape[0] == 0 or type(decim) is not int:
        return NotImplemented
    if output not in ("complex", "power", "avg_power") or np.ndim(freqs) != 1:
        return NotImplemented
    done = spectral.morlet(
        data, float(sfreq), freqs, n_cycles, zero_mean=bool(zero_mean), decim=decim,
        output="complex" if output == "complex" else "power", threads=threads_of(n_jobs),
    )  # fmt: skip
    return done.mean(axis=0) if output == "avg_power" else done


def replacements() -> list[Replacement]:
    """Those of the installed version whose parameters are those that ours were written for."""
    made = _mne_filter.replacements()
    for ours in (psd_array_multitaper, psd_array_welch, tfr_array_morlet):
        replacement = Replacement(f"mne.time_frequency.{ours.__name__}", ours, within="mne")
        if same_names(replacement.original, ours):
            made.append(replacement)
    return made


def same_names(theirs: Any, ours: Any) -> bool:
    return [*inspect.signature(theirs).parameters] == [*inspect.signature(ours).parameters]


def _is_plain(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype == np.float64 and x.ndim > 0 and x.size > 0


def threads_of(n_jobs: Any) -> int:
    return n_jobs if type(n_jobs) is int and n_jobs > 1 else 1
