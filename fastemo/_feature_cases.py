"""Parts of the cases: reductions of windows and of spectra, and what pairs of channels have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from fastemo._program import Op

__all__ = ["FEATURES_BY_KIND", "reduce_op", "reduce_signals", "reduce_spectra"]

FEATURES_BY_KIND = {
    "statistics": ("mean", "std", "ptp_amp", "rms", "skewness", "kurtosis", "quantile"),
    "shape": (
        "hjorth_mobility", "hjorth_complexity", "zero_crossings", "num_zerocross", "line_length",
        "teager_energy", "higher_order_crossings",
    ),
    "fractal": ("katz_fd", "petrosian_fd", "higuchi_fd", "detrended_fluctuation", "hurst_exp", "decorr_time"),
    "entropy": ("sample_entropy", "app_entropy", "perm_entropy", "svd_entropy", "svd_fisher_info", "lempel_ziv"),
    "wavelets": ("wavelet_coef_energy", "teager_kaiser_energy"),
}  # fmt: skip


def _described(features: Sequence[str], n_samples: int, sfreq: float) -> tuple[list[str], list[Any]]:
    """Names and parameters of reductions as the core takes them, at their defaults."""
    from fastemo.features import FEATURES

    needs = {"decorr_time": {"sfreq": sfreq}}
    reductions = [FEATURES[name].reduction(n_samples, **needs.get(name, {})) for name in features]
    return [r.name for r in reductions], [r.params for r in reductions]


def reduce_signals(module: ModuleType, sfreq: float, kind: str, n_channels: int, n_samples: int) -> Callable:
    """Reductions of one kind of each signal."""
    names, params = _described(FEATURES_BY_KIND[kind], n_samples, sfreq)
    return lambda x: module.reduce(x, names, params)


def reduce_spectra(
    module: ModuleType, sfreq: float, moments: bool, n_channels: int, n_samples: int
) -> Callable:
    """What is read off a spectrum, of squares in its place: moments, which are large numbers, or the rest."""
    from fastemo.features._spectral_reductions import SPECTRAL

    freqs = np.arange(n_samples) * (sfreq / 2 / n_samples)
    given: dict[str, dict[str, Any]] = {"spect_edge_freq": {"edge": [0.3, 0.9]}}
    wanted = [name for name in SPECTRAL if name.startswith("hjorth") == moments]
    reductions = [SPECTRAL[name](freqs, sfreq, **given.get(name, {})) for name in wanted]
    names, params = [r.name for r in reductions], [r.params for r in reductions]
    return lambda x: module.reduce(np.square(x, dtype=np.float64), names, params)


def reduce_op(slot: int, n_samples: int, sfreq: float) -> Op:
    """Statistics and entropies of a slot of windows."""
    names, given = _described(FEATURES_BY_KIND["statistics"] + FEATURES_BY_KIND["entropy"], n_samples, sfreq)
    params = np.zeros((len(given), max(map(len, given))))
    for row, values in zip(params, given, strict=True):
        row[: len(values)] = values
    text = np.frombuffer("\n".join(names).encode(), np.uint8)
    n_params = np.array([len(values) for values in given])
    return Op("reduce", (slot,), {"names": text, "params": params, "n_params": n_params})
