"""The twin of the simulator for fMRI: series of regions in the scanner, with known states, responses and confounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._validate import check_positive
from fastemo.fmri import hrf
from fastemo.recording import Recording

__all__ = ["BoldTruth", "simulate_bold"]

FINE = 0.1  # seconds from step to step of activity
AR = 0.4  # of the noise, from volume to volume at any TR
SLOWEST, FASTEST_DRIFT = 6, 128.0  # cosines, and seconds of the shortest period of drift
MOTION = tuple(f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz")
RISE = 1.0  # seconds


@dataclass(frozen=True, eq=False)
class BoldTruth:
    """The truth behind the recordings of `simulate_bold`.

    Attributes
    ----------
    emotions : tuple of str
    loadings : dict of str to ndarray, shape (n_emotions, n_regions)
        By subject: what an emotion at full intensity adds to each region.
    delays : dict of str to ndarray, shape (n_regions,)
        By subject: seconds by which a region's response is later than the canonical one.
    couplings : dict of str to tuple of (int, int)
        By emotion: pairs of regions that share noise while it lasts.
    activity : list of ndarray, shape (n_emotions, n_volumes)
        Of each recording: intensity in [0, 1] at the time of each volume, before any haemodynamic lag.
    spikes : list of ndarray of int
        Of each recording: volumes in which the head jerks.
    """

    emotions: tuple[str, ...]
    loadings: dict[str, np.ndarray]
    delays: dict[str, np.ndarray]
    couplings: dict[str, tuple[tuple[int, int], ...]]
    activity: list[np.ndarray]
    spikes: list[np.ndarray]


def simulate_bold(
    n_subjects: int = 2,
    n_runs: int = 4,
    *,
    emotions: Sequence[str] = ("joy", "sadness", "fear", "neutral"),
    n_regions: int = 20,
    n_blocks: int = 8,
    block_length: float = 20.0,
    rest_length: float = 12.0,
    tr: float = 2.0,
    effect: float = 1.0,
    coupling: float = 0.6,
    drift: float = 2.0,
    motion: float = 0.5,
    spikes: float = 0.02,
    seed: int = 0,
) -> tuple[list[Recording], BoldTruth]:
    """Runs of simulated people in the scanner: blocks of emotions with rest between, as series of regions.

    A region is 100, plus what emotions add through the double-gamma response (which each region has up to 1 s earlier or
    later), AR(1) noise of unit variance that pairs of regions share while their emotion lasts, slow cosines, and what the
    head's motion adds.

    Parameters
    ----------
    n_subjects, n_runs : int
        People ("S01", ...), and runs of each (the sessions).
    emotions : sequence of str
        "neutral" adds nothing and couples nothing.
    n_regions : int
    n_blocks : int
        Per run; emotions take turns in random order.
    block_length, rest_length, tr : float
        Seconds.
    effect : float
        rms over regions of what an emotion adds, in deviations of the noise; 0 is the null. A third of it is the
        person's own.
    coupling : float in [0, 1)
        Correlation of coupled regions' noise at full intensity.
    drift, motion : float
        Deviation of the drift, and what a motion of one deviation adds to a region.
    spikes : float
        Share of volumes in which the head jerks.
    seed : int
        Everything follows from it. Person number k is the same however many others there are.

    Returns
    -------
    recordings : list of Recording
        Subject by subject, run by run: regions and the six motion parameters (`trans_x`, ...) as channels, unit "1",
        `sfreq` 1 / tr; events are the blocks as they are felt, so move them by `fmri.delay_events`.
    truth : BoldTruth

    Examples
    --------
    >>> recordings, truth = simulate_bold(1, 2, n_regions=5, tr=1.0)
    >>> recordings[0]
    Recording(11 channels, 268 s at 1 Hz, 1, subject='S01', session=1, 8 events)
    >>> truth.loadings["S01"].shape
    (4, 5)
    """
    for name, value, least in (
        ("n_subjects", n_subjects, 1), ("n_runs", n_runs, 1), ("n_regions", n_regions, 2), ("n_blocks", n_blocks, 1)
    ):  # fmt: skip
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    for name, seconds in (("block_length", block_length), ("rest_length", rest_length), ("tr", tr)):
        check_positive(name, seconds, unit="seconds")
    for name, size in (("effect", effect), ("drift", drift), ("motion", motion)):
        check_positive(name, size, zero=True)
    for name, share in (("coupling", coupling), ("spikes", spikes)):
        if check_positive(name, share, zero=True) >= 1:
            raise ValueError(f"{name} must be in [0, 1), got {share!r}")
    names = tuple(emotions)
    if isinstance(emotions, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"emotions must be distinct names, got {emotions!r}")
    felt = np.array([name != "neutral" for name in names], float)
    world = np.random.default_rng([seed, 0])
    common = world.standard_normal((len(names), n_regions))
    couplings = {}
    for name in names:
        order = world.permutation(n_regions)[: 2 * max(1, n_regions // 6)].reshape(-1, 2)
        couplings[name] = tuple((int(i), int(j)) for i, j in order) if name != "neutral" else ()
    truth = BoldTruth(names, {}, {}, couplings, [], [])
    recordings = []
    for s in range(n_subjects):
        rng = np.random.default_rng([seed, 1, s])
        subject = f"S{s + 1:02d}"
        own = np.sqrt(8 / 9) * common + rng.standard_normal(common.shape) / 3
        own *= felt[:, None] / np.sqrt((own**2).mean(axis=1, keepdims=True))
        truth.loadings[subject] = effect * own
        truth.delays[subject] = rng.uniform(-1, 1, n_regions)
        moved = rng.standard_normal((n_regions, 6))
        for run in range(n_runs):
            blocks = _blocks(rng, names, n_blocks, block_length, rest_length)
            n = int((rest_length + n_blocks * (block_length + rest_length)) / tr)
            activity = _activity(blocks, names, n * tr)
            at = np.round(np.arange(n) * tr / FINE).astype(int)
            response = _responses(activity, truth.delays[subject], n, tr)
            data = 100 + np.einsum("kr,krn->rn", truth.loadings[subject], response)
            data += _noise(rng, response, couplings, names, coupling)
            data += drift * _drift(rng, n_regions, n, tr)
            parameters, jerks = _motion(rng, n, spikes)
            data += motion * (moved @ parameters) / np.sqrt(6)
            truth.activity.append(activity[:, at])
            truth.spikes.append(jerks)
            channels = [f"region{r}" for r in range(n_regions)] + list(MOTION)
            recordings.append(
                Recording(
                    np.vstack([data, parameters]), 1 / tr, channels, "1",
                    events=blocks, subject=subject, session=run + 1,
                )
            )  # fmt: skip
    return recordings, truth


def _blocks(
    rng: np.random.Generator, names: Sequence[str], n_blocks: int, length: float, rest: float
) -> list[tuple[float, float, str]]:
    order: list[Any] = []
    while len(order) < n_blocks:
        order += rng.permutation(names).tolist()
    return [(rest + i * (length + rest), length, name) for i, name in enumerate(order[:n_blocks])]


def _activity(
    blocks: Sequence[tuple[float, float, str]], names: Sequence[str], duration: float
) -> np.ndarray:
    """Intensities (n_emotions, n_fine), which rise and fall within a second or so."""
    t = np.arange(int(np.ceil(duration / FINE)) + 1) * FINE
    out = np.zeros((len(names), len(t)))
    for onset, length, name in blocks:
        inside = (t >= onset) & (t < onset + length)
        after = t >= onset + length
        row = out[names.index(name)]
        row[inside] += -np.expm1(-(t[inside] - onset) / RISE)
        row[after] += np.exp(-(t[after] - onset - length) / RISE)
    return np.minimum(out, 1.0)


def _responses(activity: np.ndarray, delays: np.ndarray, n: int, tr: float) -> np.ndarray:
    """Haemodynamic responses (n_emotions, n_regions, n_volumes)."""
    h = hrf(FINE)
    fine = np.array([np.convolve(row, h)[: activity.shape[1]] for row in activity])
    t, volumes = np.arange(activity.shape[1]) * FINE, np.arange(n) * tr
    return np.array([[np.interp(volumes - d, t, row) for d in delays] for row in fine])


def _noise(
    rng: np.random.Generator,
    response: np.ndarray,
    couplings: dict[str, tuple[tuple[int, int], ...]],
    names: Sequence[str],
    coupling: float,
) -> np.ndarray:
    """AR(1) noise of unit variance; coupled regions have a share of it in common."""
    _, n_regions, n = response.shape
    out = _autoregressive(rng, n_regions, n)
    for k, name in enumerate(names):
        shared = _autoregressive(rng, len(couplings[name]), n)
        for common, (i, j) in zip(shared, couplings[name], strict=True):
            share = coupling * np.clip(response[k, i], 0, 1)
            for r in (i, j):
                out[r] = np.sqrt(1 - share) * out[r] + np.sqrt(share) * common
    return out


def _autoregressive(rng: np.random.Generator, n_rows: int, n: int) -> np.ndarray:
    out = rng.standard_normal((n_rows, n))
    for i in range(1, n):
        out[:, i] = AR * out[:, i - 1] + np.sqrt(1 - AR**2) * out[:, i]
    return out


def _drift(rng: np.random.Generator, n_regions: int, n: int, tr: float) -> np.ndarray:
    """Cosines of periods of 128 s or more, of unit variance together."""
    order = np.arange(1, SLOWEST + 1)
    order = order[(order == 1) | (2 * n * tr / order >= FASTEST_DRIFT)]
    cosines = np.sqrt(2) * np.cos(np.pi * order[:, None] * (np.arange(n) + 0.5) / n)
    return rng.standard_normal((n_regions, len(order))) @ cosines / np.sqrt(len(order))


def _motion(rng: np.random.Generator, n: int, spikes: float) -> tuple[np.ndarray, np.ndarray]:
    """Six parameters (6, n) that wander, and jerk in some volumes."""
    walk = np.cumsum(rng.standard_normal((6, n)), axis=1)
    walk = (walk - walk.mean(axis=1, keepdims=True)) / max(1.0, np.sqrt(n) / 2)
    jerks = np.flatnonzero(rng.random(n) < spikes)
    walk[:, jerks] += 5 * rng.standard_normal((6, len(jerks)))
    return walk, jerks
