"""Maps on the head, seen from above: any values, and what a decoder's outputs look like in the brain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo.artefacts import spline_matrix
from fastemo.montage import electrode_positions
from fastemo.patterns import Explanation
from fastemo.plot._figure import check_names, colour_limits, finish, new_figure

__all__ = ["plot_patterns", "plot_topomap"]

GRID = 96
# The map ends a little beyond the ring of the outermost electrodes, which is at 1.
EDGE = 1.1
# How far the field may pass by its values (of g, whose largest is 0.015).
SMOOTHING = 1e-7


def plot_topomap(
    values: Any,
    ch_names: Sequence[str],
    *,
    limits: tuple[float, float] | None = None,
    label: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Values of electrodes as a map of the head, interpolated by spherical splines.

    Parameters
    ----------
    values : array_like, shape (n_channels,)
        NaN is left out.
    ch_names : sequence of str
        Of the 10-10 system; at least three that have a value. Other channels are left out, with no place to be.
    limits : (float, float), optional
        Of the colours; by default those of the values, around 0 where they have both signs.
    label : str
        What the values are.
    path : path, optional
        Where to write the picture; its suffix says the format.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        Too few electrodes, names that do not fit.

    Notes
    -----
    Seen from above, nose up, left at the left; distances from the vertex are those along the scalp (azimuthal
    equidistant). The splines go through the values on the whole sphere, so that neighbours across the top count by their
    distance along it (Perrin et al. 1989, doi:10.1016/0013-4694(89)90180-6).
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1:
        raise ValueError(f"values must have shape (n_channels,), got {values.shape}")
    names = check_names(ch_names, len(values))
    low, high, colours = colour_limits(values, limits)
    figure = new_figure(4.6, 4)
    axes = figure.subplots()
    image = _draw(axes, values, _Heads(names), low, high, colours)
    figure.colorbar(image, ax=axes, label=label, shrink=0.7)
    return finish(figure, path)


def plot_patterns(
    explanation: Explanation,
    *,
    limits: tuple[float, float] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """`Pipeline.explain` on the head: a map for each class and band, all in the same colours.

    Parameters
    ----------
    explanation : Explanation
        Of a pipeline whose channels are electrodes.
    limits, path
        As in `plot_topomap`.

    Returns
    -------
    matplotlib.figure.Figure
        Rows are classes, columns bands; a map without three values is left blank.
    """
    if not isinstance(explanation, Explanation):
        raise TypeError(f"explanation must be what Pipeline.explain gives, got {type(explanation).__name__}")
    low, high, colours = colour_limits(explanation.patterns, limits)
    heads = _Heads(explanation.channels)
    n_rows, n_columns = len(explanation.classes), len(explanation.bands)
    figure = new_figure(1.2 + 1.7 * n_columns, 0.4 + 1.8 * n_rows)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    image = None
    for axes, band in zip(grid[0], explanation.bands, strict=True):
        axes.set_title(band, fontsize="medium")
    for row, name, patterns in zip(grid, explanation.classes, explanation.patterns, strict=True):
        for axes, values in zip(row, patterns, strict=True):
            if np.count_nonzero(np.isfinite(values) & heads.placed) >= 3:
                image = _draw(axes, values, heads, low, high, colours)
            else:
                axes.axis("off")
        row[0].text(-1.35, 0, str(name), rotation=90, ha="center", va="center", clip_on=False)
    if image is None:
        if any("~" in name for name in explanation.channels):
            raise ValueError(
                "the features are of pairs of channels, which have no place on the head: take names, matrices = "
                "explanation.by_pair() and plot_circle(matrices[0, 0], names)"
            )
        raise ValueError(
            "no class and band has values at three electrodes of the 10-10 system: there is no map to draw"
        )
    figure.colorbar(image, ax=grid, label="change of the feature with the score", shrink=0.7)
    return finish(figure, path)


class _Heads:
    """Where channels are on the sphere and in the picture."""

    def __init__(self, ch_names: Sequence[str]) -> None:
        self.sphere = electrode_positions(ch_names, unknown="nan")
        self.placed = np.isfinite(self.sphere).all(axis=1)
        inclination = np.arccos(np.clip(self.sphere[:, 2], -1, 1))
        azimuth = np.arctan2(self.sphere[:, 0], self.sphere[:, 1])
        radius = inclination / (np.pi / 2)
        self.flat = np.column_stack([radius * np.sin(azimuth), radius * np.cos(azimuth)])


def _draw(axes: Any, values: np.ndarray, heads: _Heads, low: float, high: float, colours: str) -> Any:
    """One head; returns what the colour bar is of."""
    from matplotlib.patches import Circle

    used = heads.placed & np.isfinite(values)
    if used.sum() < 3:
        raise ValueError(
            f"{int(used.sum())} of the channels are electrodes of the 10-10 system with a value, but a map needs 3"
        )
    edge = max(EDGE, float(np.linalg.norm(heads.flat[used], axis=1).max()) + 0.05)
    line = np.linspace(-edge, edge, GRID)
    x, y = np.meshgrid(line, line)
    # The corners too, which lie below the ears: what is cut is the picture, not the field.
    inclination, azimuth = np.hypot(x, y).ravel() * np.pi / 2, np.arctan2(x, y).ravel()
    targets = np.column_stack(
        [np.sin(inclination) * np.sin(azimuth), np.sin(inclination) * np.cos(azimuth), np.cos(inclination)]
    )
    splines = spline_matrix(heads.sphere[used], targets, regularization=SMOOTHING)
    field = (splines @ values[used]).reshape(x.shape)
    border = Circle((0, 0), edge, transform=axes.transData)
    image = axes.imshow(
        field, extent=(-edge, edge, -edge, edge), origin="lower", vmin=low, vmax=high, cmap=colours,
        interpolation="bilinear",
    )  # fmt: skip
    image.set_clip_path(border)
    axes.contour(
        line, line, np.where(np.hypot(x, y) <= edge, field, np.nan), levels=6, colors="0.3", linewidths=0.5
    )
    axes.scatter(*heads.flat[used].T, s=6, color="0.1", zorder=3)
    axes.add_patch(Circle((0, 0), 1, fill=False, color="0.2", lw=1.2))
    axes.plot([-0.12, 0, 0.12], [0.99, 1.16, 0.99], color="0.2", lw=1.2)
    for side in (-1, 1):
        axes.plot(
            side * np.array([0.99, 1.06, 1.08, 1.06, 0.99]),
            [0.16, 0.14, 0, -0.14, -0.16],
            color="0.2",
            lw=1.2,
        )
    limit = max(edge, 1.2) + 0.02
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    axes.axis("off")
    return image
