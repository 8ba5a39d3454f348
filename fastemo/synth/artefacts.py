"""What recordings hold besides the brain: eyes, muscles, heart, mains and electrodes, each with its mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastemo.montage import electrode_positions
from fastemo.synth.activity import LATENT_RATE
from fastemo.synth.subject import ARTEFACTS, Subject
from fastemo.synth.world import World

__all__ = ["Artefact", "add_artefacts"]

# Events per minute at artefact factor 1.
RATES = {"blink": 15.0, "saccade": 10.0, "muscle": 4.0, "pop": 0.3, "flat": 0.1}
RAIL = 400.0  # uV
REACH = 0.35  # radii: artefacts fall off as exp(-d / REACH)
VISIBLE = 2.0  # uV: a channel belongs to an artefact where it reaches this


class Artefact(NamedTuple):
    """A stretch of samples [start, stop) of the channels `channels` that `kind` disturbs."""

    kind: str
    start: int
    stop: int
    channels: tuple[int, ...]


def add_artefacts(
    x: np.ndarray, world: World, subject: Subject, session: int, run: int, drive: np.ndarray
) -> list[Artefact]:
    """Adds artefacts to `x` (n_channels, n_samples) in place; returns those that come and go.

    Heart, mains, slow drift of the offset and a moved face last and have no stretch.
    """
    rate = world.difficulty.artefacts
    rng = world.rng(subject.number, ARTEFACTS, session, run)
    # Kinds draw from streams of their own so as not to disturb each other.
    steady, face, *streams = rng.spawn(2 + len(RATES))
    electrodes = electrode_positions(world.ch_names)
    if world.smile > 0:
        _move_face(x, world, face, electrodes, drive)
    if rate == 0:
        return []
    _add_steady(x, world, steady, electrodes, rate)
    found = []
    minutes = x.shape[1] / world.sfreq / 60
    for (kind, per_minute), own in zip(RATES.items(), streams):
        for start in np.sort(own.integers(x.shape[1], size=own.poisson(rate * per_minute * minutes))):
            found.append(_ADD[kind](x, int(start), world, own, electrodes))
    return sorted((a for a in found if a.channels), key=lambda a: a.start)


def _move_face(
    x: np.ndarray, world: World, rng: np.random.Generator, electrodes: np.ndarray, drive: np.ndarray
) -> None:
    """Muscle activity that follows joy at the temples and anger on the forehead."""
    t, latent = np.arange(x.shape[1]) / world.sfreq, np.arange(drive.shape[1]) / LATENT_RATE
    for emotion, places in (("joy", ("T7", "T8")), ("anger", ("Fp1", "Fp2"))):
        for place in places:
            noise = _muscle_noise(rng, x.shape[1], world.sfreq)
            if emotion in world.emotions:
                felt = np.interp(t, latent, drive[world.emotions.index(emotion)])
                x += _near(electrodes, (place,), REACH)[:, None] * (world.smile * felt * noise)


def _add_steady(
    x: np.ndarray, world: World, rng: np.random.Generator, electrodes: np.ndarray, rate: float
) -> None:
    """Offset drift (20-100 uV rms, 1/f^2 in 0.01-0.1 Hz), heart (1-5 uV at 1.1 Hz), mains with a harmonic."""
    n_channels, n = x.shape
    t = np.arange(n) / world.sfreq
    freqs = np.arange(0.01, 0.1, 0.005)
    phases = rng.uniform(0, 2 * np.pi, (n_channels, len(freqs)))
    weights = freqs**-1.0 / np.sqrt((freqs**-2.0).sum() / 2)
    rms = rng.uniform(20, 100, (n_channels, 1))
    coarse = np.arange(0, n / world.sfreq + 1, 0.1)
    for c in range(n_channels):
        slow = weights @ np.sin(2 * np.pi * freqs[:, None] * coarse + phases[c][:, None])
        x[c] += rms[c] * np.interp(t, coarse, slow)

    beat = np.cumsum(1.1 * (1 + 0.05 * np.interp(t, coarse, rng.standard_normal(len(coarse))))) / world.sfreq
    heart = np.exp(-0.5 * (((beat % 1) - 0.5) / 0.02) ** 2)
    axis = electrodes @ np.array([[0.5], [0.0], [-0.8]])
    x += rng.uniform(1, 5) * axis * heart

    if world.line_freq > 0:
        swell = 1 + 0.3 * np.sin(2 * np.pi * 0.05 * t + rng.uniform(0, 2 * np.pi))
        for harmonic, size in ((1, 1.0), (2, 0.2)):
            if harmonic * world.line_freq < world.sfreq / 2:
                amplitude = rate * size * rng.uniform(1, 4, (n_channels, 1))
                x += amplitude * swell * np.sin(2 * np.pi * harmonic * world.line_freq * t)


def _put(x: np.ndarray, kind: str, start: int, topography: np.ndarray, course: np.ndarray) -> Artefact:
    """Adds a map times a time course."""
    stop = min(start + len(course), x.shape[1])
    peak = np.abs(course[: stop - start]).max()
    channels = np.flatnonzero(np.abs(topography) * peak >= VISIBLE)
    x[channels, start:stop] += topography[channels, None] * course[: stop - start]
    return Artefact(kind, start, stop, tuple(channels.tolist()))


def _near(electrodes: np.ndarray, names: tuple[str, ...], reach: float) -> np.ndarray:
    """exp(-d / reach) from the nearest of some places, 1 at the place itself."""
    places = electrode_positions(names)
    d = np.linalg.norm(electrodes[:, None] - places[None], axis=-1)
    return np.exp(-d / reach).max(axis=1)


def _blink(x, start, world, rng, electrodes):
    n = round(rng.uniform(0.2, 0.3) * world.sfreq)
    s = np.arange(n) / n
    course = (s / 0.35) ** 2 * np.exp(2 * (1 - s / 0.35)) * np.sin(np.pi * s) ** 0.5
    course *= rng.uniform(80, 200) / course.max()
    return _put(x, "blink", start, _near(electrodes, ("Fp1", "Fp2"), REACH), course)


def _saccade(x, start, world, rng, electrodes):
    n = round(rng.uniform(0.3, 1.0) * world.sfreq)
    s = np.arange(n) / world.sfreq
    course = rng.choice([-1, 1]) * rng.uniform(20, 60) * np.minimum(1, (s + 1 / world.sfreq) / 0.03)
    course *= np.exp(-s / 0.5)
    topography = _near(electrodes, ("F7",), REACH) - _near(electrodes, ("F8",), REACH)
    return _put(x, "saccade", start, topography, course)


def _muscle_noise(rng: np.random.Generator, n: int, sfreq: float) -> np.ndarray:
    """Noise of 20-90 Hz, rms 1."""
    from scipy.signal import butter, sosfilt

    top = min(90.0, 0.45 * sfreq)
    noise = sosfilt(butter(2, (20, top), "bandpass", fs=sfreq, output="sos"), rng.standard_normal(n))
    return noise / noise.std()


def _muscle(x, start, world, rng, electrodes):
    n = round(rng.uniform(0.3, 3.0) * world.sfreq)
    place = ("T7", "T8", "F7", "F8")[rng.integers(4)]
    course = rng.uniform(5, 40) * np.hanning(n) * _muscle_noise(rng, n, world.sfreq)
    return _put(x, "muscle", start, _near(electrodes, (place,), REACH), course)


def _pop(x, start, world, rng, electrodes):
    n = round(2.5 * world.sfreq)
    course = rng.choice([-1, 1]) * rng.uniform(50, 300) * np.exp(-np.arange(n) / world.sfreq / 0.5)
    topography = np.zeros(len(x))
    topography[rng.integers(len(x))] = 1
    return _put(x, "pop", start, topography, course)


def _flat(x, start, world, rng, electrodes):
    """A channel that comes off for 2 to 10 s: at the rail, at nothing, or at 0.1 uV of noise ("loose")."""
    c = int(rng.integers(len(x)))
    stop = min(start + round(rng.uniform(2, 10) * world.sfreq), x.shape[1])
    kind = ("rail", "flat", "loose")[rng.integers(3)]
    noise = 0.1 * rng.standard_normal(stop - start)
    x[c, start:stop] = {"rail": RAIL, "flat": 0.0, "loose": noise}[kind]
    return Artefact(kind, start, stop, (c,))


_ADD = {"blink": _blink, "saccade": _saccade, "muscle": _muscle, "pop": _pop, "flat": _flat}
