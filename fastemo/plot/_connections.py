"""Connectivity: matrices, circles, and how pairs change over time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo.plot._figure import check_names, colour_limits, finish, new_figure

__all__ = ["plot_circle", "plot_dynamics", "plot_matrix"]

# More labels than this would lie on one another.
MAX_LABELS = 64


def plot_matrix(
    matrix: Any,
    ch_names: Sequence[str] | None = None,
    *,
    limits: tuple[float, float] | None = None,
    label: str = "connectivity",
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """A matrix of pairs in colours.

    Parameters
    ----------
    matrix : array_like, shape (n_channels, n_channels)
        Such as `result.dense("coh")[..., 0]`, `result.to_xarray("coh")[..., 0]` or one of
        `fastemo.fmri.sliding_connectivity`; rows are seeds. The diagonal and NaN are left blank.
    ch_names : sequence of str
        May be left out for a DataArray, which names its channels.
    limits : (float, float), optional
        Of the colours; by default those of the data, around 0 where values have both signs.
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
    ValueError, TypeError
        A matrix that is not square, names that do not fit, nothing finite off the diagonal; a result of several matrices.
    """
    values, names = _square(matrix, ch_names)
    np.fill_diagonal(values, np.nan)
    low, high, colours = colour_limits(values, limits)
    size = min(3 + 0.22 * len(names), 12)
    figure = new_figure(size + 1, size)
    axes = figure.subplots()
    image = axes.imshow(values, vmin=low, vmax=high, cmap=colours, interpolation="nearest")
    if len(names) <= MAX_LABELS:
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize="small")
        axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.set(xlabel="target", ylabel="seed")
    figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    return finish(figure, path)


def plot_circle(
    matrix: Any,
    ch_names: Sequence[str] | None = None,
    *,
    n_lines: int = 30,
    limits: tuple[float, float] | None = None,
    label: str = "connectivity",
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Channels on a circle, and lines between the pairs that go together most.

    Parameters
    ----------
    matrix : array_like, shape (n_channels, n_channels)
        Symmetric; the strongest pairs are those of the largest absolute value, NaN is none.
    ch_names : sequence of str
        As in `plot_matrix`; clockwise from the top. Electrodes of the 10-10 system are put where they lie on the head, seen from above: front
        at the top, left at the left; others keep their order.
    n_lines : int
        How many pairs at most.
    limits, label, path
        As in `plot_matrix`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from fastemo.montage import electrode_positions

    values, names = _square(matrix, ch_names)
    if not np.allclose(values, values.T, equal_nan=True):
        raise ValueError(
            "matrix must be symmetric for a circle, which has no arrows: use plot_matrix, or np.abs(matrix) where only signs "
            "differ (imcoh, psi), or the mean of both directions"
        )
    if isinstance(n_lines, bool) or not isinstance(n_lines, (int, np.integer)) or n_lines < 1:
        raise ValueError(f"n_lines must be a whole number of at least 1, got {n_lines!r}")
    rows, columns = np.triu_indices(len(names), 1)
    pairs = values[rows, columns]
    strength = np.where(np.isfinite(pairs), np.abs(pairs), -1.0)
    strongest = np.argsort(-strength, kind="stable")[:n_lines]
    strongest = strongest[strength[strongest] >= 0][::-1]  # the strongest is drawn last, on top
    low, high, colours = colour_limits(pairs[strongest], limits)

    place = electrode_positions(names, unknown="nan")
    order = _around(place)
    angle = np.empty(len(names))
    angle[order] = np.pi / 2 - 2 * np.pi * (np.arange(len(names)) + 0.5) / len(names)
    x, y = np.cos(angle), np.sin(angle)

    figure = new_figure(7.5, 6.5)
    axes = figure.subplots()
    axes.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
    axes.axis("off")
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    scale = ScalarMappable(Normalize(low, high), colormaps[colours])
    top = strength.max()
    for pair in strongest:
        a, b = rows[pair], columns[pair]
        curve = Path([(x[a], y[a]), (0, 0), (x[b], y[b])], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
        width = 0.8 + 2.5 * (strength[pair] / top if top > 0 else 0)
        axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=scale.to_rgba(pairs[pair]), lw=width))
    axes.scatter(x, y, s=25, color="0.2", zorder=3)
    for name, at in zip(names, angle, strict=True):
        turn = np.degrees(at) % 360
        flip = 90 < turn < 270
        axes.text(
            1.06 * np.cos(at), 1.06 * np.sin(at), name,
            rotation=turn + 180 * flip, rotation_mode="anchor",
            ha="right" if flip else "left", va="center", fontsize="small" if len(names) <= MAX_LABELS else 5,
        )  # fmt: skip
    figure.colorbar(scale, ax=axes, label=label, shrink=0.7)
    return finish(figure, path)


def plot_dynamics(
    matrices: Any,
    ch_names: Sequence[str] | None = None,
    times: Any = None,
    *,
    limits: tuple[float, float] | None = None,
    label: str = "correlation",
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """How pairs go together over time: a carpet with a row for each pair, the most variable at the top.

    Parameters
    ----------
    matrices : array_like, shape (n_windows, n_channels, n_channels)
        Symmetric, such as those of `fastemo.fmri.sliding_connectivity`, or a DataArray of `fastemo.fmri.to_xarray`.
    ch_names : sequence of str
        May be left out for a DataArray, as may `times`.
    times : array_like, shape (n_windows,), optional
        Seconds, rising; the windows' numbers if not given.
    limits, label, path
        As in `plot_matrix`.

    Returns
    -------
    matplotlib.figure.Figure
        Above the carpet, the mean over pairs.
    """
    m = np.asarray(matrices, np.float64)
    if m.ndim != 3 or m.shape[1] != m.shape[2] or m.shape[1] < 2 or len(m) == 0:
        raise ValueError(f"matrices must have shape (n_windows, n, n) with n of at least 2, got {m.shape}")
    names = check_names(_names_of(matrices, ch_names), m.shape[1])
    if times is None and "time" in getattr(matrices, "coords", ()):
        # Numbers of windows are no seconds.
        known = np.asarray(matrices.coords["time"].values)
        times = None if np.array_equal(known, np.arange(len(m))) else known
    at = np.arange(len(m), dtype=np.float64) if times is None else np.asarray(times, np.float64)
    if at.shape != (len(m),) or not (np.diff(at) > 0).all():
        raise ValueError(f"times must be rising, one per window ({len(m)}), got shape {at.shape}")
    rows, columns = np.triu_indices(len(names), 1)
    carpet = m[:, rows, columns].T
    low, high, colours = colour_limits(carpet, limits)
    there = np.isfinite(carpet)
    n = np.maximum(there.sum(axis=1), 1)
    mean = np.where(there, carpet, 0).sum(axis=1) / n
    spread = np.where(there, (carpet - mean[:, None]) ** 2, 0).sum(axis=1) / n
    order = np.argsort(-spread, kind="stable")

    figure = new_figure(9, min(3 + 0.16 * len(order), 10))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 4])
    together = np.where(there, carpet, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    top.plot(at, np.where(there.any(axis=0), together, np.nan), color="0.2")
    top.set_ylabel("mean over pairs")
    step = (at[1] - at[0], at[-1] - at[-2]) if len(at) > 1 else (1.0, 1.0)
    edges = np.concatenate([[at[0] - step[0] / 2], (at[1:] + at[:-1]) / 2, [at[-1] + step[1] / 2]])
    mesh = bottom.pcolormesh(
        edges, np.arange(len(order) + 1) - 0.5, carpet[order], vmin=low, vmax=high, cmap=colours
    )
    bottom.invert_yaxis()
    if len(order) <= MAX_LABELS:
        labels = [f"{names[rows[k]]} - {names[columns[k]]}" for k in order]
        bottom.set_yticks(range(len(order)), labels, fontsize="x-small")
    else:
        bottom.set_ylabel(f"{len(order)} pairs, the most variable on top")
    bottom.set_xlabel("window" if times is None else "time (s)")
    figure.colorbar(mesh, ax=[top, bottom], label=label, shrink=0.8)
    return finish(figure, path)


def _square(matrix: Any, ch_names: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    if hasattr(matrix, "dense") or hasattr(matrix, "data_vars"):
        raise TypeError(
            f'matrix is a {type(matrix).__name__}, which may hold many: take one, such as result.dense("coh")[..., 0]'
        )
    if np.iscomplexobj(matrix):
        raise TypeError("matrix is complex, as of cohy: take its absolute value, or its imaginary part")
    values = np.array(matrix, np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) < 2:
        raise ValueError(
            f"matrix must have shape (n, n) with n of at least 2, got {values.shape}: take one frequency or one window"
        )
    return values, check_names(_names_of(matrix, ch_names), len(values))


def _names_of(matrix: Any, ch_names: Sequence[str] | None) -> Sequence[str] | None:
    """The names given, or those that a DataArray has."""
    if ch_names is None and "seed" in getattr(matrix, "coords", ()):
        return [str(name) for name in np.atleast_1d(matrix.coords["seed"].values)]
    return ch_names


def _around(place: np.ndarray) -> np.ndarray:
    """Channels clockwise from the top: by the azimuth of electrodes; as they come where any is no electrode."""
    if not np.isfinite(place).all():
        return np.arange(len(place))
    azimuth = np.arctan2(place[:, 0], place[:, 1]) % (2 * np.pi)
    return np.argsort(azimuth, kind="stable")
