"""Re-referencing and spatial filters: the same linear map of the channels at every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._validate import check_channels
from fastemo.stages.base import Stage, check_names

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Bipolar", "CommonAverage", "Reference", "SpatialFilter"]


@dataclass(frozen=True, eq=False, repr=False)
class CommonAverage(Stage):
    """Subtracts the mean over channels at every sample.

    Parameters
    ----------
    exclude : sequence of str
        Channels left out of the mean (eyes, muscle, a broken one); it is subtracted from them all the same.

    Notes
    -----
    The rank falls by one: an unregularised covariance of all channels is singular.

    Examples
    --------
    >>> CommonAverage(exclude=["Fp1"])
    CommonAverage(exclude=['Fp1'])
    """

    takes = gives = "signal"
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "exclude", check_names("exclude", self.exclude))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        out = check_channels(self.exclude, build.ch_names, "the signal before CommonAverage")
        weights = np.ones(len(build.ch_names))
        weights[out] = 0
        if not weights.any():
            raise ValueError(f"CommonAverage(exclude=...) leaves no channel of {len(weights)} to average")
        build.signal("reference", weights=weights / weights.sum())


@dataclass(frozen=True, eq=False, repr=False)
class Reference(Stage):
    """Subtracts the mean of the named channels (mastoids, earlobes, Cz) from every channel.

    Parameters
    ----------
    channels : sequence of str
        The new reference; these channels stay in the signal.

    Examples
    --------
    >>> Reference(["M1", "M2"])
    Reference(channels=['M1', 'M2'])
    """

    takes = gives = "signal"
    channels: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", check_names("channels", self.channels))
        if not self.channels:
            raise ValueError("channels must name at least one channel, got none")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        weights = np.zeros(len(build.ch_names))
        weights[check_channels(self.channels, build.ch_names, "the signal before Reference")] = 1 / len(
            self.channels
        )
        build.signal("reference", weights=weights)


@dataclass(frozen=True, eq=False, repr=False)
class Bipolar(Stage):
    """Differences of pairs of channels, named "F3-F4"; only they remain.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Each gives the first minus the second.

    Examples
    --------
    >>> Bipolar([("F3", "F4"), ("O1", "O2")])
    Bipolar(pairs=[['F3', 'F4'], ['O1', 'O2']])
    """

    takes = gives = "signal"
    pairs: Sequence[tuple[str, str]]

    def __post_init__(self) -> None:
        pairs = self.pairs
        if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
            raise TypeError(f'pairs must be a list of pairs of names, such as [("F3", "F4")]; got {pairs!r}')
        for i, pair in enumerate(pairs):
            if len(check_names(f"pairs[{i}]", pair)) != 2:
                raise ValueError(f"pairs[{i}] must be two channel names, got {pair!r}")
        object.__setattr__(self, "pairs", tuple(tuple(pair) for pair in pairs))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        coef = np.zeros((len(self.pairs), len(build.ch_names)))
        for row, pair in zip(coef, self.pairs, strict=True):
            plus, minus = check_channels(pair, build.ch_names, "the signal before Bipolar")
            row[plus], row[minus] = 1, -1
        build.signal("matrix", [f"{a}-{b}" for a, b in self.pairs], coef=coef)


@dataclass(frozen=True, eq=False, repr=False)
class SpatialFilter(Stage):
    """Any linear map of the channels: Laplacian, ICA or CSP components, interpolation.

    Parameters
    ----------
    matrix : array_like, shape (n_components, n_channels)
        The output is `matrix @ x` at every sample.
    names : sequence of str, optional
        One name per component; "component0", "component1", ... by default.

    Examples
    --------
    >>> SpatialFilter([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], names=["frontal", "O1"])
    SpatialFilter(matrix=<2 x 3>, names=['frontal', 'O1'])
    """

    takes = gives = "signal"
    matrix: Any
    names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(f"matrix must have shape (n_components, n_channels), got shape {matrix.shape}")
        if not np.isfinite(matrix).all():
            raise ValueError("matrix must be finite, got NaN or infinite elements")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        if self.names is not None:
            object.__setattr__(self, "names", check_names("names", self.names))
            if len(self.names) != len(matrix):
                raise ValueError(
                    f"names must be one per row of matrix ({len(matrix)}), got {len(self.names)}"
                )

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        n_components, n_channels = self.matrix.shape
        if n_channels != len(build.ch_names):
            raise ValueError(
                f"SpatialFilter has a matrix of shape {self.matrix.shape}, but {len(build.ch_names)} "
                f"channels arrive: "
                "it must have one column per channel"
            )
        names = self.names or [f"component{i}" for i in range(n_components)]
        build.signal("matrix", names, coef=self.matrix)
