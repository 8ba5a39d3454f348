"""What measures of connectivity come in: values with their pairs, frequencies and number of observations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["ConnectivityResult"]

# The value of the pair (target, seed), given that of (seed, target); all other measures are the same both ways.
REVERSED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "cohy": np.conj,
    "imcoh": np.negative,
    "psi": np.negative,
    "dpli": lambda value: 1 - value,
    "lag_time": np.negative,
    "phase": np.negative,
}
# Measures of a direction: that of the reversed pair is another number.
ONE_WAY = {"gc", "gc_tr", "pdc", "gpdc", "ffpdc", "pdcf", "dtf", "gdtf", "ffdtf", "ddtf", "granger"}


@dataclass(frozen=True, eq=False)
class ConnectivityResult:
    """Measures of connectivity between pairs of channels.

    Attributes
    ----------
    values : dict of str to ndarray, shape (n_pairs, n_freqs)
        Each measure, complex for "cohy" and float64 for the others. `result["coh"]` is short for
        `result.values["coh"]`.
    seeds, targets : ndarray of int, shape (n_pairs,)
        The pairs. Without `indices` they are the lower triangle, row by row.
    ch_names : tuple of str
    freqs : ndarray, shape (n_freqs,)
        Mean frequency of the bins of each band, or the bin's own frequency, in Hz.
    limits : ndarray, shape (n_freqs, 2)
        Lowest and highest bin of each band in Hz.
    bands : tuple of str
        Their names.
    n_observations : dict of str to float
        The effective number of independent observations under each measure. Values from different numbers
        cannot be compared, those of "ppc", "pli2_unbiased" and "wpli2_debiased" excepted.
    patterns : dict of str to ndarray, shape (2, n_pairs, n_channels, n_freqs)
        Of "cacoh" and "mic" between groups: how the combination of seeds and that of targets show in the channels of
        their group, NaN past its last. Signs of the two are arbitrary. Empty for other measures. Of several components the
        shape is (2, n_pairs, n_components, n_channels, n_freqs).
    components : dict of str to ndarray, shape (n_pairs, n_components, n_freqs)
        Of "cacoh" and "mic" where several were asked for: the value of each; the first is in `values` too.

    Examples
    --------
    >>> from fastemo.connectivity import connectivity
    >>> x = np.random.default_rng(0).standard_normal((20, 3, 500))
    >>> result = connectivity(x, 250, {"alpha": (8, 13)}, methods=["coh", "wpli"])
    >>> result["coh"].shape, result.dense("coh").shape
    ((3, 1), (3, 3, 1))
    """

    values: dict[str, np.ndarray]
    seeds: np.ndarray
    targets: np.ndarray
    ch_names: tuple[str, ...]
    freqs: np.ndarray
    limits: np.ndarray
    bands: tuple[str, ...]
    n_observations: dict[str, float]
    patterns: dict[str, np.ndarray] = field(default_factory=dict)
    components: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(self.values)

    def __getitem__(self, method: str) -> np.ndarray:
        return self.values[self._method(method)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def dense(self, method: str | None = None, fill: float = 0.0) -> np.ndarray:
        """One measure as matrices, shape (n_channels, n_channels, n_freqs), row = seed.

        Both halves are filled: "imcoh" and "psi" change sign when seed and target change places, "cohy" becomes its
        conjugate, "dpli" its difference from 1. Measures of a direction ("gc", "pdc" and the like) are from row to
        column, and only where they were asked for. The diagonal and pairs that were not asked for are `fill`.
        `method` may be left out if there is only one.
        """
        method = self._method(method)
        value = self.values[method]
        n = len(self.ch_names)
        matrix = np.full((n, n, value.shape[1]), fill, dtype=value.dtype)
        if method not in ONE_WAY:
            matrix[self.targets, self.seeds] = REVERSED.get(method, np.asarray)(value)
        matrix[self.seeds, self.targets] = value
        return matrix

    def to_xarray(self, method: str | None = None) -> Any:
        """One measure as an `xarray.DataArray` with the dimensions seed, target and freq; several as a `Dataset`."""
        try:
            import xarray
        except ImportError as error:
            raise ImportError("to_xarray needs xarray: pip install xarray") from error
        if method is None and len(self.values) > 1:
            return xarray.Dataset({m: self.to_xarray(m) for m in self.values})
        method = self._method(method)
        return xarray.DataArray(
            self.dense(method),
            dims=("seed", "target", "freq"),
            coords={
                "seed": list(self.ch_names),
                "target": list(self.ch_names),
                "freq": self.freqs,
                "band": ("freq", list(self.bands)),
            },
            name=method,
            attrs={"n_observations": self.n_observations[method]},
        )

    def __repr__(self) -> str:
        n = ", ".join(f"{method} of {self.n_observations[method]:.4g}" for method in self.values)
        return (
            f"<ConnectivityResult: {len(self.seeds)} pairs, {len(self.freqs)} frequencies; observations: {n}>"
        )

    def _method(self, method: str | None) -> str:
        if method is None and len(self.values) == 1:
            return next(iter(self.values))
        if method not in self.values:
            raise KeyError(f"method must be one of {', '.join(self.values)}; got {method!r}")
        return method
