"""Forward patterns: what a linear decoder's outputs look like in the brain, by class, band, channel and
region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.montage import region_groups, region_of

__all__ = ["Explanation", "forward_patterns"]


def forward_patterns(x: np.ndarray, coef: np.ndarray, centre: bool = False) -> np.ndarray:
    """Activation patterns of linear filters: A = Cov(x) W (W' Cov(x) W)^-1, for scores of unit variance.

    Weights say what to do with the features to read a class out, also to cancel what disturbs; patterns say
    how the features change with the class (Haufe 2014 [1]_).

    Parameters
    ----------
    x : ndarray, shape (n_windows, n_features)
    coef : ndarray, shape (n_outputs, n_features)
        The rows are the columns of W.
    centre : bool
        Take the mean over the outputs off the weights first, which softmax does not see.

    Returns
    -------
    ndarray, shape (n_outputs, n_features)
        The change of each feature for one standard deviation of each score, the other scores held.

    References
    ----------
    .. [1] Haufe et al., On the interpretation of weight vectors of linear models in multivariate
       neuroimaging, 2014, doi:10.1016/j.neuroimage.2013.10.067.

    Examples
    --------
    One source seen by two channels, the second of which has noise that both share:

    >>> rng = np.random.default_rng(0)
    >>> source, noise = rng.standard_normal((2, 10_000))
    >>> x = np.column_stack([source + noise, noise])
    >>> forward_patterns(x, np.array([[1.0, -1.0]])).round(1) + 0.0
    array([[1., 0.]])
    """
    weights = coef - coef.mean(axis=0) if centre else coef
    deviations = x - x.mean(axis=0)
    scores = deviations @ weights.T
    sd = scores.std(axis=0)
    scores = scores / np.where(sd > 0, sd, 1.0)
    # Centred scores of K classes have rank K - 1: the pseudo-inverse keeps to what varies.
    return np.linalg.pinv(scores.T @ scores, rcond=1e-10, hermitian=True) @ scores.T @ deviations


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Forward patterns of a fitted pipeline. Made by `Pipeline.explain`.

    Parameters
    ----------
    classes : tuple
        Classes, labels or intensities.
    bands, channels : tuple of str
        With several features in one vector a band is named with its stage: "bandpower__alpha".
    patterns : ndarray, shape (n_classes, n_bands, n_channels)
        How the feature of a band and channel changes for one standard deviation of the class's score, in the
        unit that the decoder sees (standard deviations after `Standardize`). NaN where there is no such
        feature.
    """

    classes: tuple[Any, ...]
    bands: tuple[str, ...]
    channels: tuple[str, ...]
    patterns: np.ndarray

    @classmethod
    def from_features(
        cls, classes: Sequence[Any], features: Sequence[Any], patterns: np.ndarray
    ) -> Explanation:
        """The patterns (n_classes, n_features) of named features laid out by band and channel."""
        named = [(f"{f.source}__{f.band}" if f.source else f.band, f.channel) for f in features]
        bands = tuple(dict.fromkeys(band for band, _ in named))
        channels = tuple(dict.fromkeys(channel for _, channel in named))
        grid = np.full((len(classes), len(bands), len(channels)), np.nan)
        for i, (band, channel) in enumerate(named):
            grid[:, bands.index(band), channels.index(channel)] = patterns[:, i]
        return cls(tuple(classes), bands, channels, grid)

    def by_region(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Mean pattern over the channels of each region of the head.

        Returns
        -------
        regions : tuple of str
            Those that have a channel; channels that are no electrodes of the 10-10 system are "other". Where none is
            one, as in fMRI, each channel is a region of its own.
        patterns : ndarray, shape (n_classes, n_bands, n_regions)
        """
        groups = region_groups(self.channels)
        if list(groups) == ["other"]:
            groups = {channel: [i] for i, channel in enumerate(self.channels)}
        there = np.isfinite(self.patterns)
        values = np.where(there, self.patterns, 0.0)
        sums = np.stack([values[:, :, index].sum(axis=-1) for index in groups.values()], axis=-1)
        counts = np.stack([there[:, :, index].sum(axis=-1) for index in groups.values()], axis=-1)
        return tuple(groups), np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)

    def by_pair(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Patterns of features of pairs as matrices, for `plot_circle`: "P3~C4" of `Connectivity`, "P3-C4" of `Covariance`.

        Returns
        -------
        names : tuple of str
            Of the channels in the pairs.
        matrices : ndarray, shape (n_classes, n_bands, n_channels, n_channels)
            Symmetric; NaN where there is no feature, the diagonal those of channels by themselves.

        Raises
        ------
        ValueError
            Features that are of no pairs.

        Examples
        --------
        >>> pairs = Explanation(("calm",), ("plv__alpha",), ("Cz~Fz", "Pz~Fz"), np.array([[[0.5, -0.2]]]))
        >>> names, matrices = pairs.by_pair()
        >>> names, float(matrices[0, 0, 2, 1])
        (('Cz', 'Fz', 'Pz'), -0.2)
        """
        ends = [_ends(channel, self.channels) for channel in self.channels]
        if all(a == b for a, b in ends):
            raise ValueError(
                f"the features are of channels, not of pairs ({', '.join(self.channels[:3])}, ...): use by_region, or "
                "plot_patterns"
            )
        names = tuple(dict.fromkeys(name for pair in ends for name in pair))
        matrices = np.full((*self.patterns.shape[:2], len(names), len(names)), np.nan)
        for i, (a, b) in enumerate(ends):
            at = names.index(a), names.index(b)
            matrices[:, :, at[0], at[1]] = matrices[:, :, at[1], at[0]] = self.patterns[:, :, i]
        return names, matrices

    def strongest(self, label: Any, n: int = 5) -> list[tuple[str, str, float]]:
        """The `n` largest mean patterns of a class as (region, band, value), by absolute value."""
        regions, patterns = self.by_region()
        values = patterns[self.classes.index(check_in("label", label, self.classes))]
        order = np.argsort(-np.abs(values), axis=None, kind="stable")[:n]
        return [
            (regions[r], self.bands[b], float(values[b, r]))
            for b, r in zip(*np.unravel_index(order, values.shape), strict=True)
        ]

    def to_xarray(self) -> Any:
        """The patterns as an `xarray.DataArray` with the dimensions label, band and channel.

        Beside each channel stands its `region` of the head.
        """
        try:
            import xarray
        except ImportError as error:
            raise ImportError("to_xarray needs xarray: pip install xarray") from error
        return xarray.DataArray(
            self.patterns,
            dims=("label", "band", "channel"),
            coords={
                "label": [str(label) for label in self.classes],
                "band": list(self.bands),
                "channel": list(self.channels),
                "region": ("channel", [region_of(name) for name in self.channels]),
            },
            name="pattern",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        regions, by_region = self.by_region()
        return {
            "classes": list(self.classes),
            "bands": list(self.bands),
            "channels": list(self.channels),
            "regions": list(regions),
            "patterns": self.patterns.tolist(),
            "by_region": by_region.tolist(),
        }

    def __repr__(self) -> str:
        lines = ["Forward patterns (change of the feature with the score), the strongest regions and bands:"]
        for label in self.classes:
            lines.append(f"  {label}")
            lines += [
                f"    {value:+.2f}  {band:<8} {region}" for region, band, value in self.strongest(label)
            ]
        return "\n".join(lines)


def _ends(name: str, names: Sequence[str]) -> tuple[str, str]:
    """The two channels that a feature is of: a~b, or a-b where both are there by themselves; else twice the one."""
    if "~" in name:
        first, _, second = name.partition("~")
        return first, second
    parts = name.split("-")
    for i in range(1, len(parts)):
        first, second = "-".join(parts[:i]), "-".join(parts[i:])
        if first in names and second in names:
            return first, second
    return name, name
