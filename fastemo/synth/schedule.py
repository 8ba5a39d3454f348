"""What the simulated people feel and when: blocks of one emotion, or a session of episodes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fastemo._validate import check_positive
from fastemo.synth.activity import LATENT_RATE
from fastemo.synth.signatures import DECAY, RISE
from fastemo.synth.world import World

__all__ = ["Episode", "episodes", "intensities"]


class Episode(NamedTuple):
    """A stretch of one emotion; times in seconds from the start of the recording.

    `peak` is the intensity it tends to. `ramp` episodes rise linearly to it instead. `reported` is when the
    person would say so: later than the onset.
    """

    emotion: str
    onset: float
    duration: float
    peak: float
    ramp: bool
    reported: float


def block_levels(rng: np.random.Generator, n: int) -> np.ndarray:
    """Intensity of a settled emotion for `n` hundredths of a second: 0.7 to 1, gently wandering."""
    knots = np.arange(0, n / LATENT_RATE + 2.0, 2.0)
    level = rng.uniform(0.75, 0.95) + rng.uniform(-0.05, 0.05, len(knots))
    return np.interp(np.arange(n) / LATENT_RATE, knots, level)


def episodes(world: World, rng: np.random.Generator, duration: float) -> list[Episode]:
    """Random episodes: single ones, quick successions, blends of two and ramps.

    Every emotion comes once before any comes again; joy and anger are sometimes faint.
    """
    names = [e for e in world.emotions if e != "neutral"]
    shorter = 1 - world.difficulty.shortening
    out: list[Episode] = []
    queue: list[str] = []
    t = rng.uniform(3.0, 6.0)
    while True:
        mode = rng.choice(["single", "succession", "blend", "ramp"], p=[0.55, 0.15, 0.15, 0.15])
        n = 2 if mode in ("succession", "blend") and len(names) > 1 else 1
        if len(queue) < n:
            queue = [*queue, *(e for e in rng.permutation(names).tolist() if e not in queue)]
        together, queue = queue[:n], queue[n:]
        share = rng.dirichlet([3.0, 3.0])
        for i, emotion in enumerate(together):
            length = rng.uniform(8.0, 16.0) * shorter
            if t + length > duration:
                return out
            faint = emotion in ("joy", "anger") and rng.random() < 0.15
            peak = rng.uniform(0.2, 0.4) if faint else rng.uniform(0.8, 1.0)
            if mode == "blend" and n == 2:
                peak = float(min(1.0, 1.4 * share[i]))
            out.append(_episode(rng, emotion, t, length, peak, mode == "ramp"))
            if mode == "succession":
                t += length + rng.uniform(0.5, 2.0)
        longest = max(e.onset + e.duration for e in out)
        t = longest + rng.uniform(4.0, 10.0)


def own_episodes(
    world: World, rng: np.random.Generator, schedule: Sequence, duration: float
) -> list[Episode]:
    """A user's (onset, duration, emotion[, peak]) rows, checked."""
    out = []
    for i, row in enumerate(schedule):
        if not 3 <= len(row) <= 4:
            raise ValueError(f"schedule[{i}] must be (onset, duration, emotion[, peak]), got {row!r}")
        onset, length, emotion, peak = (*row, 1.0)[:4]
        if emotion not in world.emotions:
            raise ValueError(f"schedule[{i}]: {emotion!r} is not one of {', '.join(world.emotions)}")
        onset = check_positive(f"schedule[{i}] onset", onset, zero=True, unit="seconds")
        length = check_positive(f"schedule[{i}] duration", length, unit="seconds")
        if onset >= duration:
            raise ValueError(f"schedule[{i}] begins at {onset:g} s, but the session lasts {duration:g} s")
        peak = check_positive(f"schedule[{i}] peak", peak)
        if peak > 1:
            raise ValueError(f"schedule[{i}]: peak must be in (0, 1], got {peak:g}")
        out.append(_episode(rng, emotion, onset, length, peak, False))
    return sorted(out, key=lambda e: e.onset)


def _episode(
    rng: np.random.Generator, emotion: str, onset: float, length: float, peak: float, ramp: bool
) -> Episode:
    reported = onset + rng.lognormal(np.log(1.2), 0.3)
    return Episode(emotion, float(onset), float(length), float(peak), ramp, float(reported))


def intensities(
    world: World, rng: np.random.Generator, found: Sequence[Episode], duration: float, anticipation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Intensities of episodes at 100 Hz, and what drives the brain: the same with precursors.

    Returns
    -------
    felt, drive : ndarray, shape (n_emotions, n_latent)
        In [0, 1]. "neutral", if it is one of the emotions, is what the others leave. With `anticipation`,
        the drive begins to rise 0.5 to 2 s before each onset, up to that share of the peak.
    """
    t = np.arange(int(np.ceil(duration * LATENT_RATE))) / LATENT_RATE
    felt = np.zeros((len(world.emotions), len(t)))
    ahead = np.zeros_like(felt)
    for e in found:
        k = world.emotions.index(e.emotion)
        since, end = t - e.onset, e.onset + e.duration
        during = (since >= 0) & (t < end)
        after = t >= end
        decay = DECAY.get(e.emotion, rng.uniform(3.0, 8.0))
        rise = RISE.get(e.emotion, 1.0)
        if e.ramp:
            felt[k, during] += e.peak * since[during] / e.duration
            last = e.peak
        else:
            felt[k, during] += e.peak * -np.expm1(-since[during] / rise)
            last = e.peak * -np.expm1(-e.duration / rise)
        felt[k, after] += last * np.exp(-(t[after] - end) / decay)
        lead = rng.uniform(0.5, 2.0)
        before = (since < 0) & (since >= -lead)
        ahead[k, before] += anticipation * e.peak * (1 + since[before] / lead)
    felt = np.minimum(felt, 1.0)
    drive = np.minimum(np.maximum(felt, ahead), 1.0)
    if "neutral" in world.emotions:
        k = world.emotions.index("neutral")
        felt[k] = drive[k] = 0.0
        felt[k] = np.maximum(0.0, 1 - felt.sum(axis=0))
        drive[k] = np.maximum(0.0, 1 - drive.sum(axis=0))
    return felt, drive


def dominant(world: World, felt: np.ndarray) -> list[tuple[float, float, str]]:
    """Stretches (onset, duration, emotion) in which one emotion is stronger than the others."""
    strongest = np.where(felt.max(axis=0) > 0, felt.argmax(axis=0), -1)
    borders = [0, *(np.flatnonzero(np.diff(strongest)) + 1).tolist(), felt.shape[1]]
    return [
        (start / LATENT_RATE, (stop - start) / LATENT_RATE, world.emotions[strongest[start]])
        for start, stop in pairwise(borders)
        if strongest[start] >= 0
    ]
