"""What of mne-connectivity has a faster twin in `fastemo.connectivity`.

Its functions check, warn, log and build their containers themselves; what works below is ours: the spectra of
an epoch and the sums over pairs. So results differ from theirs by rounding only, and in nothing else.
"""

from __future__ import annotations

import weakref
from importlib import import_module
from typing import Any

import numpy as np

from fastemo._accelerate import _mne, _mne_envelopes
from fastemo._accelerate._replacement import Replacement, same_parameters
from fastemo._backend import resolve
from fastemo._design import wavelet_parts
from fastemo.connectivity.spectral_measures import METHODS, layout

__all__ = ["replacements"]

_LANES = 8
_MOST_BYTES = 2**30  # of spectra that are kept until all epochs are there
_PER_EPOCH = frozenset(METHODS) - {"psi"}
_OVER_TIME = frozenset(("plv", "ciplv", "pli", "wpli", "coh", "cohy", "imcoh"))
_NEED_TWO = frozenset(("ppc", "pli2_unbiased"))

_one_epoch: Replacement


def replacements() -> list[Replacement]:
    """Those of the installed version whose works have the parameters that ours were written for."""
    global _one_epoch
    made = []
    epochs, time = "mne_connectivity.spectral.epochs", "mne_connectivity.spectral.time"
    if _has(epochs, "_epoch_spectral_connectivity", epoch_spectral_connectivity):
        _one_epoch = Replacement(
            f"{epochs}._epoch_spectral_connectivity", epoch_spectral_connectivity, part=True
        )
        made.append(_public("spectral_connectivity_epochs", _one_epoch))
    if _has(time, "_parallel_con", parallel_con) and hasattr(import_module(time), "_foi_average"):
        parts = [Replacement(f"{time}._parallel_con", parallel_con, part=True)]
        morlet = Replacement(f"{time}.tfr_array_morlet", _mne.tfr_array_morlet, part=True)
        if _mne.same_names(morlet.original, _mne.tfr_array_morlet):
            parts.append(morlet)
        made.append(_public("spectral_connectivity_time", *parts))
    return made + _mne_envelopes.replacements()


def _public(name: str, *parts: Replacement) -> Replacement:
    return Replacement(
        f"mne_connectivity.{name}", None, within="mne_connectivity", parts=parts, asks=_of_pairs
    )


def _of_pairs(data: Any, other: Any = None, method: Any = "coh", *args: Any, **kwargs: Any) -> bool:
    """Whether all measures are those between two channels, of spectra that are not adaptive."""
    if kwargs.get("mt_adaptive"):
        return False
    return {method} <= _PER_EPOCH if isinstance(method, str) else set(method) <= _PER_EPOCH


def _has(module: str, name: str, ours: Any) -> bool:
    theirs = getattr(import_module(module), name, None)
    return theirs is not None and same_parameters(theirs, ours)


class _Sums:
    """Spectra of the epochs so far, in the place of what the estimators would have summed up."""

    def __init__(self, first: dict[str, Any]):
        self.first = first  # what it was called with for the first epoch
        self.epochs: list[tuple[Any, ...]] = []
        self.spectra: list[np.ndarray] = []
        self.found: dict[str, np.ndarray] = {}
        for method, estimator in zip(first["method"], first["con_methods"]):
            estimator.compute_con = _Scores(self, method, estimator)

    def add(self, epoch: tuple[Any, ...], spectra: np.ndarray) -> bool:
        if sum(s.nbytes for s in self.spectra) + spectra.nbytes > _MOST_BYTES:
            return False
        self.epochs.append(epoch)
        self.spectra.append(spectra)
        return True

    def give_back(self) -> None:
        """Let theirs do all epochs, from the first on."""
        for estimator in self.first["con_methods"]:
            del estimator.compute_con
        for epoch in self.epochs:
            _one_epoch.hand_over(**(self.first | {"data": epoch}))

    def scores(self, method: str, n_epochs: int) -> np.ndarray | None:
        """Shape (n_cons, n_freqs) or (n_cons, n_freqs, n_times); None where theirs divides by zero."""
        if n_epochs == 1 and method in _NEED_TWO:
            return None
        if not self.found:
            seeds, targets = self.first["idx_map"]
            spectra = self.spectra[0] if len(self.spectra) == 1 else np.concatenate(self.spectra, axis=1)
            self.spectra = []
            shape = self.first["con_methods"][0].csd_shape
            measures = measures_of_bins(spectra, self.first["method"], seeds, targets)
            self.found = {m: v.reshape(shape) for m, v in measures.items()}
            if n_epochs > 1:
                self.first, self.epochs = {}, []
        return self.found[method]


class _Scores:
    """Stands in for an estimator's `compute_con`."""

    def __init__(self, sums: _Sums, method: str, estimator: Any):
        self.sums, self.method = sums, method
        self.estimator = weakref.ref(estimator)

    def __call__(self, con_idx: Any, n_epochs: int, *powers: np.ndarray) -> None:
        estimator = self.estimator()
        assert estimator is not None
        estimator.con_scores = self.sums.scores(self.method, n_epochs)
        if estimator.con_scores is None:
            del estimator.compute_con
            alone = {"method": [self.method], "con_methods": [estimator], "accumulate_psd": False}
            _one_epoch.hand_over(**(self.sums.first | alone))
            estimator.compute_con(con_idx, n_epochs)


def epoch_spectral_connectivity(
    data: Any, sig_idx: Any, tmin_idx: Any, tmax_idx: Any, sfreq: Any, method: Any, mode: Any, window_fun: Any,
    eigvals: Any, weights: Any, wavelets: Any, freq_mask: Any, mt_adaptive: Any, idx_map: Any, n_cons: Any,
    block_size: Any, psd: Any, accumulate_psd: Any, con_method_types: Any, con_methods: Any, n_signals: Any,
    n_signals_use: Any, n_times: Any, gc_n_lags: Any, n_components: Any, spectrum_computed: Any, is_tfr_con: Any,
    accumulate_inplace: Any = True,
) -> Any:  # fmt: skip
    """One epoch of `spectral_connectivity_epochs`."""
    given = dict(locals())
    if not accumulate_inplace or not con_methods:
        return NotImplemented
    sums = getattr(con_methods[0], "sums_of_fastemo", None)
    if sums is None and hasattr(con_methods[0], "sums_of_fastemo"):
        return NotImplemented  # theirs has begun with an earlier epoch
    spectra = None
    plain = (
        not spectrum_computed and not mt_adaptive and len(data) == 1 and type(data[0]) is np.ndarray
        and data[0].dtype == np.float64 and set(map(str, method)) <= _PER_EPOCH
        and not np.any(np.equal(*idx_map))
    )  # fmt: skip
    if plain:
        x = data[0][sig_idx, tmin_idx:tmax_idx]
        spectra = _spectra(x, mode, window_fun, eigvals, wavelets, freq_mask)
    if spectra is not None:
        if sums is None:
            sums = _Sums(given)
        con_methods[0].sums_of_fastemo = sums
        if sums.add(data, spectra):
            return con_methods, psd
    if sums is not None:
        sums.give_back()
    con_methods[0].sums_of_fastemo = None
    return NotImplemented


def _spectra(x: Any, mode: str, tapers: Any, shares: Any, wavelets: Any, mask: Any) -> np.ndarray | None:
    """Shape (n_bins, 1, n_tapers, 2, n_channels padded), or None where theirs has something to say."""
    if not np.isfinite(x).all():
        return None
    if mode == "cwt_morlet":
        if max(map(len, wavelets)) > x.shape[-1]:
            return None
        n_fft, even, odd = wavelet_parts(wavelets, x.shape[-1])
        transform = resolve("WaveletTransform")(
            x.shape[-1], n_fft, even, odd, False, np.empty((len(wavelets), 0))
        )
        z = transform.compute(x, 0, 1, None, 1)
        return packed(z.reshape(len(x), 1, -1))
    tapers = np.atleast_2d(tapers * np.sqrt(shares)[:, None] if mode == "multitaper" else tapers)
    bins = np.flatnonzero(mask)
    first, stop = int(bins[0]), int(bins[-1]) + 1
    spectra = resolve("tapered_spectra")(x[None], np.ascontiguousarray(tapers), first, stop, 1)
    if len(bins) < stop - first:
        spectra = spectra[bins - first]
    power = (spectra[..., : len(x)] ** 2).sum(axis=(2, 3))
    return spectra if np.isfinite(power).all() and power.all() else None


def packed(z: np.ndarray) -> np.ndarray | None:
    """Complex values (n_channels, n_tapers, n_bins) as `cross_spectra` takes them, each bin its own, of one observation."""
    out = np.zeros((z.shape[2], 1, z.shape[1], 2, -(-len(z) // _LANES) * _LANES))
    turned = z.transpose(2, 1, 0)
    out[:, 0, :, 0, : len(z)], out[:, 0, :, 1, : len(z)] = turned.real, turned.imag
    power = (out[..., : len(z)] ** 2).sum(axis=(2, 3))
    return out if np.isfinite(power).all() and power.all() else None


def measures_of_bins(
    spectra: np.ndarray, methods: Any, seeds: np.ndarray, targets: np.ndarray, threads: int = 1
) -> dict[str, np.ndarray]:
    """Measures (n_cons, n_bins) of spectra (n_bins, n_observations, n_tapers, 2, n_channels padded)."""
    n = int(max(seeds.max(), targets.max())) + 1
    lower = np.tril_indices(n, -1)
    every = all(np.array_equal(a, b) for a, b in zip((seeds, targets), lower))
    rows, columns, row_of, column_of, stops = layout(every, seeds, targets, n)
    if columns is not None:
        moved = np.zeros((*spectra.shape[:-1], -(-len(columns) // _LANES) * _LANES))
        moved[..., : len(columns)] = spectra[..., columns]
        spectra = moved
    steps = np.arange(len(spectra))
    edges = np.stack([steps, steps + 1, steps, steps], axis=1)
    bits = sum(1 << METHODS.index(m) for m in set(methods))
    planes = resolve("cross_spectra")(spectra, edges, rows, stops, bits, threads)
    found, at = {}, 0
    for m in (m for m in METHODS if m in methods):
        plane = planes[at][:, row_of, column_of].T
        found[m] = np.ascontiguousarray(plane)
        if m == "cohy":
            found[m] = found[m] + 1j * planes[at + 1][:, row_of, column_of].T
        at += 2 if m == "cohy" else 1
    return found


def parallel_con(
    w: Any, method: Any, kernel: Any, foi_idx: Any, source_idx: Any, target_idx: Any, signals_use: Any,
    gc_n_lags: Any, rank: Any, n_components: Any, n_jobs: Any, verbose: Any, total: Any, faverage: Any,
    weights: Any, multivariate_con: Any,
) -> Any:  # fmt: skip
    """All pairs of one epoch of `spectral_connectivity_time`."""
    plain = (
        not multivariate_con and set(method) <= _OVER_TIME and type(w) is np.ndarray and w.dtype == np.complex128
        and np.size(kernel) == 1 and w.shape[-1] > 1 and not np.any(np.equal(source_idx, target_idx))
    )  # fmt: skip
    if not plain:
        return NotImplemented
    channels, pairs = np.unique(np.r_[source_idx, target_idx], return_inverse=True)
    seeds, targets = pairs[: len(source_idx)], pairs[len(source_idx) :]
    if weights is not None and not (weights == weights[..., :1]).all():
        return NotImplemented
    by_frequency = []
    for f in range(w.shape[2]):
        z = w[channels, :, f]
        spectra = packed(z if weights is None else z * weights[:, f])
        if spectra is None:
            return NotImplemented
        # The samples are observations of one bin.
        spectra = spectra.reshape(1, *spectra.shape[:1], *spectra.shape[2:])
        found = measures_of_bins(spectra, method, seeds, targets, _mne.threads_of(n_jobs))
        if any(not found[m].all() for m in ("wpli", "ciplv") if m in found):
            return NotImplemented  # signals without any lag, where theirs divides by zero
        by_frequency.append(found)
    scores = [np.concatenate([found[m] for found in by_frequency], axis=1) for m in method]
    if isinstance(foi_idx, np.ndarray) and faverage:
        average = import_module("mne_connectivity.spectral.time")._foi_average
        scores = [average(s[..., None], foi_idx)[..., 0] for s in scores]
    return tuple([s[i] for s in scores] for i in range(len(seeds)))
