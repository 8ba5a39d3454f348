"""The door of the engine: checks, stamps, gaps and missing values (docs/program.md, Input)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastemo._program import Program

__all__ = ["Input", "Stretch", "check_chunk", "check_stamps"]

HOLD, INTERPOLATE, RESET = range(3)
RAISE, DROP = range(2)


@dataclass
class Row:
    """One sample of all channels on its way; `waits` marks values still to be drawn."""

    number: int
    stamp: float
    value: np.ndarray
    substituted: np.ndarray
    waits: np.ndarray


@dataclass
class Stretch:
    """Cleaned samples that follow one another; `starts` says that everything is reset before them."""

    starts: bool
    rows: list[Row] = field(default_factory=list)


def check_chunk(chunk: Any, n_channels: int, layout: str, unit: str) -> np.ndarray:
    """The chunk as an array (n_channels, n), float32 or float64."""
    if layout not in ("channels_first", "samples_first"):
        raise ValueError(f'layout must be "channels_first" or "samples_first", got {layout!r}')
    if np.ma.isMaskedArray(chunk):
        raise TypeError("chunk is a masked array, expected a plain one: use chunk.filled(np.nan)")
    chunk = np.asarray(chunk)
    if chunk.shape == (0,):
        return np.empty((n_channels, 0))
    if chunk.dtype.kind in "iu":
        raise TypeError(
            f"chunk has dtype {chunk.dtype}, expected float32 or float64 in {unit}: whole numbers are counts "
            f"of a converter, so multiply them by its {unit} per count"
        )
    if chunk.dtype not in (np.float32, np.float64):
        raise TypeError(f"chunk has dtype {chunk.dtype}, expected float32 or float64: use .astype(float)")
    axes = "(n_channels, n_samples)" if layout == "channels_first" else "(n_samples, n_channels)"
    if chunk.ndim != 2:
        raise ValueError(f"chunk has shape {chunk.shape}, expected {axes} with n_channels={n_channels}")
    x = chunk if layout == "channels_first" else chunk.T
    if len(x) != n_channels:
        other = "samples_first" if layout == "channels_first" else "channels_first"
        hint = f': pass layout="{other}"' if x.shape[1] == n_channels else ""
        raise ValueError(
            f"chunk has {len(x)} channels (shape {chunk.shape} taken as {axes}), expected {n_channels}{hint}"
        )
    return x


def check_stamps(stamps: Any, n: int) -> np.ndarray:
    """The stamps as float64 (n,)."""
    stamps = np.asarray(stamps)
    if stamps.dtype.kind not in "iuf" and stamps.size:
        raise TypeError(f"stamps have dtype {stamps.dtype}, expected float64 seconds")
    if stamps.shape != (n,):
        raise ValueError(f"stamps have shape {stamps.shape}, expected ({n},): one for each sample")
    return stamps.astype(np.float64)


class Input:
    """Turns chunks into stretches of cleaned samples."""

    def __init__(self, program: Program) -> None:
        self.n_channels = len(program.ch_names)
        self.sfreq = program.sfreq
        self.unit = program.metadata["unit"]
        self.scale = program.scalar("input.scale")
        self.policy = program.scalar("input.gap_policy")
        self.max_gap = program.scalar("input.max_gap")
        self.tolerance = program.scalar("input.gap_tolerance")
        self.on_backward = program.scalar("input.on_backward")
        self.warmup = program.scalar("time.warmup")
        self.reset()

    def reset(self) -> None:
        """As new: numbers, stamps and counters too."""
        self.number = 0
        self.stamped: bool | None = None
        self.accepted = -np.inf
        self.line: float | None = None
        self.period = 1 / self.sfreq
        self.counters = dict.fromkeys(("samples", "gaps", "filled", "nans", "dropped", "resets"), 0)
        self.begin()

    def begin(self) -> None:
        """Forget all samples, as a reset by gap does."""
        self.started = False
        self.all_missing = 0
        self.last = np.zeros(self.n_channels)
        self.seen = np.zeros(self.n_channels, bool)
        self.run = np.zeros(self.n_channels, np.int64)
        self.refill = np.zeros(self.n_channels, np.int64)
        self.withheld: deque[Row] = deque()
        self.calm = True

    def check(self, chunk: Any, stamps: Any, layout: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Everything that can be wrong with a chunk, before any of it is taken in.

        Returns the samples (n_channels, n) and their stamps (n,) or None; stamps of samples to drop are NaN.
        """
        x = check_chunk(chunk, self.n_channels, layout, self.unit)
        n = x.shape[1]
        if stamps is not None:
            stamps = check_stamps(stamps, n)
        if n and self.stamped is not None and self.stamped != (stamps is not None):
            had, has = ("stamps", "none") if self.stamped else ("no stamps", "some")
            raise ValueError(
                f"stamps: the stream began with {had} and this chunk has {has}: keep to one, or reset() first"
            )
        if stamps is None:
            return x, None
        newest = self.accepted
        for i, stamp in enumerate(stamps):
            if np.isfinite(stamp) and stamp > newest:
                newest = stamp
            elif self.on_backward == DROP:
                stamps[i] = np.nan
            else:
                wanted = f"a time after {newest}, the one before" if np.isfinite(stamp) else "a finite number"
                raise ValueError(
                    f"stamps[{i}] is {stamp}, expected {wanted}: leave such samples out, or build the "
                    'pipeline with on_backward="drop"'
                )
        return x, stamps

    def process(self, x: np.ndarray, stamps: np.ndarray | None) -> list[Stretch]:
        """Clean checked samples; what is returned may lag behind where values are withheld."""
        self.stretches = [Stretch(starts=False)]
        x = x.astype(np.float64) * self.scale
        finite = np.isfinite(x)
        if x.shape[1]:
            self.stamped = stamps is not None
        for i in range(x.shape[1]):
            if stamps is None:
                stamp = self.number / self.sfreq
            elif np.isnan(stamps[i]):
                self.counters["dropped"] += 1
                continue
            else:
                stamp = float(stamps[i])
                self.fill_gap(stamp)
                self.accepted = stamp
            self.counters["samples"] += 1
            self.counters["nans"] += int(np.count_nonzero(~finite[:, i]))
            self.sample(x[:, i], finite[:, i], stamp)
        return self.stretches

    def flush(self) -> list[Stretch]:
        """What is withheld, held where it waits."""
        self.stretches = [Stretch(starts=False)]
        while self.withheld:
            self.release(self.withheld.popleft())
        return self.stretches

    def fill_gap(self, stamp: float) -> None:
        m = self.missing_before(stamp)
        if m == 0:
            return
        self.counters["gaps"] += 1
        if self.policy == RESET or m > self.max_gap:
            self.restart()
            return
        nothing, before = np.full(self.n_channels, np.nan), self.accepted
        for j in range(1, int(m) + 1):
            self.sample(nothing, np.isfinite(nothing), before + (stamp - before) * (j / (m + 1)))
        self.counters["filled"] += int(m)

    def missing_before(self, stamp: float) -> float:
        """How many samples are missing, by a line that follows the stamps (an alpha-beta tracker)."""
        if self.line is None:
            self.line = stamp
            return 0
        error = stamp - (self.line + self.period)
        if abs(error) <= self.tolerance:
            self.line += self.period + error / 64
            self.period += error / 64 / 4096
            return 0
        missing = max(0.0, float(np.rint(error / self.period)))
        self.line = stamp
        return missing

    def sample(self, x: np.ndarray, finite: np.ndarray, stamp: float) -> None:
        """Take in one sample, real or missing."""
        number = self.number
        self.number += 1
        if finite.any():
            self.all_missing = 0
        else:
            self.all_missing += 1
            if self.policy == RESET or self.all_missing >= self.max_gap:
                self.restart()
            if not self.started:
                return
        self.started = True

        missing = ~finite
        if self.calm and not missing.any():
            self.last, self.seen = x, finite
            none = np.zeros(self.n_channels, bool)
            self.release(Row(number, stamp, x, none, none))
            return

        ended = finite & (self.run > 0)
        spoiled = ended & ((self.run > self.max_gap) | ~self.seen)
        self.refill[spoiled] = self.warmup
        refilling = finite & (self.refill > 0)
        self.refill -= refilling
        substituted = missing | refilling
        self.run = np.where(missing, self.run + 1, 0)
        for c in np.flatnonzero(ended):
            self.draw_line(int(c), float(x[c]))
        waits = missing & self.seen & (self.policy == INTERPOLATE)
        self.last = np.where(missing, self.last, x)
        self.seen = self.seen | finite
        self.withheld.append(Row(number, stamp, self.last.copy(), substituted, waits))
        while self.withheld and (not self.withheld[0].waits.any() or len(self.withheld) > self.max_gap):
            self.release(self.withheld.popleft())
        self.calm = not (self.withheld or self.run.any() or self.refill.any())

    def draw_line(self, c: int, new: float) -> None:
        """The withheld values of a channel, from the last one known to the new one."""
        rows = [row for row in self.withheld if row.waits[c]]
        for j, row in enumerate(rows, 1):
            row.value[c] = self.last[c] + (new - self.last[c]) * (j / (len(rows) + 1))
            row.waits[c] = False

    def release(self, row: Row) -> None:
        """Hand on a sample; values that still wait are held."""
        self.stretches[-1].rows.append(row)

    def restart(self) -> None:
        """Reset by gap, unless there is nothing to reset."""
        if not self.started:
            return
        while self.withheld:
            self.release(self.withheld.popleft())
        self.stretches.append(Stretch(starts=True))
        self.counters["resets"] += 1
        self.begin()
