"""The moving trace in the terminal: probabilities as bars, the last minute as a band of colours."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

__all__ = ["Step", "Trace"]

COLOURS = {
    "joy": "yellow", "sadness": "blue", "fear": "magenta", "anger": "red", "surprise": "cyan",
    "disgust": "green", "neutral": "white",
}  # fmt: skip
OTHERS = ("cyan", "magenta", "yellow", "green", "red", "blue")
LENGTH, BAR = 60, 40  # characters
SECONDS_PER_LINE = 2.0


class Step(NamedTuple):
    """A prediction, the time it is about in the recording's own time, and what is true then."""

    time: float
    prediction: Any
    truth: str | None = None

    @property
    def label(self) -> str:
        return "-" if self.prediction.label is None else str(self.prediction.label)


class Trace:
    """Shows steps as they come: moving where `live`, else a plain line every two seconds.

    A context manager; the moving picture goes when it ends.
    """

    def __init__(self, console: Console, labels: Sequence[Any], live: bool) -> None:
        self._console, self._live = console, live
        self._labels = [str(label) for label in labels]
        spare = iter(OTHERS * len(self._labels))
        self._colours = {name: COLOURS.get(name) or next(spare) for name in self._labels}
        self._steps: deque[Step] = deque(maxlen=LENGTH)
        self._block = "█" if "utf" in console.encoding.lower() else "#"
        self._picture = Live(console=console, refresh_per_second=10, transient=True)
        self._said = -np.inf

    def __enter__(self) -> Trace:
        if self._live:
            self._picture.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._picture.stop()

    def add(self, step: Step) -> None:
        self._steps.append(step)
        if self._live:
            self._picture.update(self._frame())
        elif step.time >= self._said + SECONDS_PER_LINE:
            self._said = step.time
            self._console.print(self._line(step), markup=False)

    def _line(self, step: Step) -> str:
        named = zip(self._labels, step.prediction.outputs, strict=True)
        outputs = "  ".join(f"{name} {value:.2f}" for name, value in named)
        truth = "" if step.truth is None else f"   (truth: {step.truth})"
        return f"{step.time:7.1f} s  {step.label:10}{outputs}{truth}"

    def _frame(self) -> Table:
        last = self._steps[-1]
        table = Table.grid(padding=(0, 1))
        for name, value in zip(self._labels, last.prediction.outputs, strict=True):
            filled = 0 if np.isnan(value) else round(BAR * min(max(float(value), 0.0), 1.0))
            bar = Text(self._block * filled, style=self._colours[name])
            mark = "<- truth" if name == last.truth else ""
            table.add_row(Text(name, style="bold" if name == last.label else ""), f"{value:5.2f}", bar, mark)
        table.add_row("decoded", "", self._band([step.label for step in self._steps]), "")
        if last.truth is not None:
            table.add_row("truth", "", self._band([str(step.truth) for step in self._steps]), "")
        p = last.prediction
        affect = [f"{d} {getattr(p, d):+.2f}" for d in ("valence", "arousal") if np.isfinite(getattr(p, d))]
        table.add_row("", "", "   ".join([f"{last.time:6.1f} s", *affect, f"quality {p.quality:.2f}"]), "")
        return table

    def _band(self, names: Sequence[str]) -> Text:
        line = Text()
        for name in names:
            line.append(self._block if name in self._colours else " ", style=self._colours.get(name, ""))
        return line
