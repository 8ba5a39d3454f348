"""mne-connectivity's correlations of envelopes on ours."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from fastemo import signal
from fastemo._accelerate._replacement import Replacement, same_parameters
from fastemo._backend import resolve

__all__ = ["replacements"]


def replacements() -> list[Replacement]:
    """That of the installed version if its parameters are those that ours was written for."""
    made = Replacement("mne_connectivity.envelope_correlation", envelope_correlation)
    return [made] if same_parameters(made.original, envelope_correlation) else []


def envelope_correlation(
    data: Any,
    names: Any = None,
    orthogonalize: Any = "pairwise",
    log: Any = False,
    absolute: Any = True,
    verbose: Any = None,
) -> Any:
    """Of arrays: real signals, or complex ones that are analytic already."""
    epochs = [data[i] for i in range(len(data))] if isinstance(data, (list, tuple, np.ndarray)) else []
    if not epochs or not all(map(_fits, epochs)) or len({len(e) for e in epochs}) > 1:
        return NotImplemented
    if orthogonalize not in ("pairwise", False) or (orthogonalize is False and log):
        return NotImplemented
    found = []
    for epoch in epochs:
        of_epoch = _correlations(epoch, orthogonalize is not False, bool(log), bool(absolute))
        if of_epoch is None:
            return NotImplemented
        found.append(of_epoch)
    n = len(epochs[0])
    first, second = np.triu_indices(n)
    return import_module("mne_connectivity").EpochTemporalConnectivity(
        data=np.stack(found)[:, first, second, None], names=names, times=None, method="envelope correlation",
        indices="symmetric", n_epochs_used=len(epochs), n_nodes=n, events=None, event_id=None, metadata=None,
    )  # fmt: skip


def _fits(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype.char in "dD" and x.ndim == 2 and len(x) > 1 and x.shape[1] > 1


def _correlations(x: np.ndarray, orthogonal: bool, log: bool, absolute: bool) -> np.ndarray | None:
    """Of one epoch, or None where theirs divides by zero or has a logarithm of it."""
    n, n_times = x.shape
    if x.dtype.kind == "f":
        n_fft = import_module("mne.filter").next_fast_len(n_times)
        x = signal.hilbert(x, N=n_fft)[:, :n_times]
    size = np.abs(x)
    if not np.isfinite(size).all() or not size.all():
        return None
    if not orthogonal:
        size -= size.mean(axis=-1, keepdims=True)
        spread = np.linalg.norm(size, axis=-1)
        spread[spread == 0] = 1
        return size @ size.T / (spread[:, None] * spread)
    spectra = np.zeros((1, n_times, 1, 2, -(-n // 8) * 8))
    spectra[0, :, 0, 0, :n], spectra[0, :, 0, 1, :n] = x.real.T, x.imag.T
    found = resolve("envelope_correlations")(spectra, 1, n, log, 1)[0, 0, :, :n]
    if (found == 0).sum() > n:
        return None
    found = np.abs(found) if absolute else found
    return (found + found.T) / 2
