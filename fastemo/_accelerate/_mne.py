"""What of MNE has a faster twin in `fastemo.spectral` and `fastemo.signal`."""

from __future__ import annotations

import inspect
from importlib import import_module
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


def spect_func(epoch: Any, func: Any, freq_sl: Any, average: Any, *, output: Any = "power") -> Any:
    """The mean over segments of finite signals: behind `psd_array_welch`, which says what it has to say itself."""
    given = getattr(func, "keywords", {})
    names = {"detrend", "noverlap", "nperseg", "nfft", "fs", "window", "mode"}
    if average != "mean" or output != "power" or set(given) != names or given["mode"] != "psd":
        return NotImplemented
    if not _is_plain(epoch) or given["nperseg"] > epoch.shape[-1] or not np.isfinite(epoch).all():
        return NotImplemented
    p = signal.welch(
        epoch,
        given["fs"],
        given["window"],
        given["nperseg"],
        given["noverlap"],
        given["nfft"],
        given["detrend"],
    )[1]
    return np.ascontiguousarray(p[..., freq_sl])


def tfr_array_morlet(
    data: Any, sfreq: Any, freqs: Any, n_cycles: Any = 7.0, zero_mean: Any = True, use_fft: Any = True,
    decim: Any = 1, output: Any = "complex", n_jobs: Any = None, *, verbose: Any = None,
) -> Any:  # fmt: skip
    """Complex values, power, and its mean over epochs."""
    if isinstance(decim, slice) and decim.start in (None, 0) and decim.stop is None:
        decim = 1 if decim.step is None else decim.step  # as the methods of Epochs and Evoked have it
    if not _is_plain(data) or data.ndim != 3 or data.shape[0] == 0 or type(decim) is not int or decim < 1:
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
    welch = "mne.time_frequency.psd"
    if same_names(getattr(import_module(welch), "_spect_func", len), spect_func):
        parts = [Replacement(f"{welch}._spect_func", spect_func, part=True)]
        made.append(Replacement("mne.time_frequency.psd_array_welch", None, within="mne", parts=parts))
    for ours in (psd_array_multitaper, tfr_array_morlet):
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
