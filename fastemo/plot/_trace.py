"""Pictures, by matplotlib (``pip install fastemo[plot]``)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo.emotions import DIMENSIONS
from fastemo.plot._figure import finish

__all__ = ["plot_trace"]


def plot_trace(
    predictions: Any,
    *,
    labels: Sequence[Any] | None = None,
    truth: Sequence[Any] | None = None,
    path: str | os.PathLike | None = None,
) -> Any:
    """The course of an emotion: outputs over time, the truth if it is known, valence and arousal, quality.

    Parameters
    ----------
    predictions : list of Prediction, or structured array of `Pipeline.predict_windows`
        At least one.
    labels : sequence, optional
        Names of the outputs of an array; predictions know theirs.
    truth : sequence, optional
        The true label of each prediction.
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
        If there are no predictions, or `truth` has another length.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install fastemo[plot]") from error
    if len(predictions) == 0:
        raise ValueError("there are no predictions to plot: the recording holds no full window")
    if truth is not None and len(truth) != len(predictions):
        raise ValueError(f"truth has {len(truth)} labels for {len(predictions)} predictions")
    time, outputs, affect, quality, valid, names = _columns(predictions, labels)

    figure = Figure(figsize=(11, 7), layout="constrained")
    heights = [3, 2, 1] if affect else [3, 1]
    top, *middle, bottom = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for k, name in enumerate(names):
        top.plot(time, outputs[:, k], color=f"C{k}", label=str(name))
    if truth is not None:
        for k, name in enumerate(names):
            is_true = np.array([str(t) == str(name) for t in truth])
            top.fill_between(time, 1.02, 1.08, where=is_true, color=f"C{k}", step="mid", lw=0)
        top.text(0.0, 1.01, "truth above the curves", transform=top.transAxes, fontsize="small", va="bottom")
    top.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small")
    top.set_ylabel("outputs")
    for axes in middle:
        for name, values in affect.items():
            axes.plot(time, values, label=name)
        axes.axhline(0, color="0.8", lw=0.8)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small")
        axes.set_ylabel("affect")
    bottom.plot(time, quality, color="0.3")
    bottom.fill_between(time, 0, 1, where=~valid, color="C3", alpha=0.2, step="mid", label="not valid")
    bottom.set(ylabel="quality", xlabel="time (s)", ylim=(0, 1.05))
    if not valid.all():
        bottom.legend(loc="lower right", fontsize="small")
    return finish(figure, path)


def _columns(predictions: Any, labels: Sequence[Any] | None) -> tuple:
    if isinstance(predictions, np.ndarray):
        table: dict[str, np.ndarray] = {name: predictions[name] for name in predictions.dtype.names or ()}
        outputs = next(table[name] for name in ("probabilities", "intensities") if name in table)
        names = list(labels) if labels is not None else list(range(outputs.shape[1]))
    else:
        fields = ("time", "quality", "valid", *DIMENSIONS)
        table = {name: np.array([getattr(p, name) for p in predictions]) for name in fields}
        outputs = np.array([p.outputs for p in predictions])
        names = list(labels if labels is not None else predictions[0].labels)
    affect = {name: table[name] for name in DIMENSIONS if np.isfinite(table[name]).any()}
    return table["time"], outputs, affect, table["quality"], table["valid"].astype(bool), names
