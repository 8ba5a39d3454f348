"""Simulated people: what differs between them, and the spectra and maps that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastemo.bands import check_bands
from fastemo.montage import electrode_positions
from fastemo.synth.anatomy import SOURCES, leadfield, source_index
from fastemo.synth.signatures import SYNTH_BANDS, change_table
from fastemo.synth.world import World

__all__ = ["Subject"]

N_BACKGROUND = 20
APERIODIC_RMS = 4.5  # of a source at its best electrode, 1-45 Hz, uV
BACKGROUND_LOW = 0.5  # Hz
NOISE_RMS = 0.7  # of the sensors, uV
HEAD_RADIUS = 0.095  # m

TRAITS, SESSION, SCHEDULE, SIGNAL, ARTEFACTS, STIMULI = range(6)


@dataclass(frozen=True)
class Subject:
    """One simulated person; arrays are indexed by emotion k, source j, band b and channel c.

    Parameters
    ----------
    name : str
    exponent, alpha_peak : float
        Of the 1/f spectrum; of the alpha rhythm in Hz.
    edges : ndarray, shape (n_bands + 1,)
        The person's own borders of the bands in Hz.
    power : ndarray, shape (n_sources, n_bands)
        Resting power of each source in uV^2 at its best electrode.
    changes : ndarray, shape (n_emotions, n_sources, n_bands)
        The person's own signature table: relative changes of power.
    log_gains : ndarray, shape (n_emotions, n_sources, n_bands)
        ln(1 + changes) times the effect of the difficulty: what a full-blown emotion adds to log power.
    spatial : ndarray, shape (n_channels, n_channels)
        The person's own gains and mixing of channels.
    background : ndarray, shape (n_background, 3)
        Positions of the emotion-free sources.
    """

    name: str
    number: int
    exponent: float
    alpha_peak: float
    edges: np.ndarray
    power: np.ndarray
    changes: np.ndarray
    log_gains: np.ndarray
    spatial: np.ndarray
    background: np.ndarray

    @classmethod
    def draw(cls, world: World, number: int) -> Subject:
        """Person `number` of a world, always the same one."""
        rng = world.rng(number, TRAITS)
        n_channels, d = len(world.ch_names), world.difficulty
        exponent = float(np.clip(rng.normal(1.2, 0.2), 0.6, 1.8))
        alpha_peak = float(np.clip(rng.normal(10.0, 0.8), 8.5, 12.5))
        edges = np.array([lo for lo, _ in SYNTH_BANDS.values()] + [45.0])
        edges[1:4] += np.clip(rng.normal(0.0, 0.5), -1.0, 1.0)

        gains = np.exp(rng.normal(0.0, 0.2, n_channels))
        mixing = _expm(d.shift * _unit_random(rng, n_channels))
        directions = rng.standard_normal((N_BACKGROUND, 3))
        directions[:, 2] = np.abs(directions[:, 2])
        directions *= 0.7 / np.linalg.norm(directions, axis=1, keepdims=True)

        own = change_table(world.emotions, world.signatures)
        jitter = 1 + 0.4 * d.idiosyncrasy * rng.standard_normal(own.shape)
        flips = np.where(rng.random(own.shape) < 0.15 * d.idiosyncrasy, -1.0, 1.0)
        own = np.maximum(own * jitter * flips, -0.9)

        aperiodic = _power_law(edges[:-1], edges[1:], exponent)
        power = np.tile(APERIODIC_RMS**2 * aperiodic / aperiodic.sum(), (len(SOURCES), 1))
        power[:, list(SYNTH_BANDS).index("alpha")] += [s.alpha_rms**2 for s in SOURCES]
        return cls(
            name=f"S{number:02d}",
            number=number,
            exponent=exponent,
            alpha_peak=alpha_peak,
            edges=edges,
            power=power,
            changes=own,
            log_gains=d.effect * np.log1p(own),
            spatial=mixing * gains,
            background=directions,
        )

    def band_shape(self, band: int, freqs: np.ndarray) -> np.ndarray:
        """Power spectral density of band number `band` at `freqs`, summing to 1; the same for all sources."""
        lo, hi = self.edges[band : band + 2]
        inside = (freqs >= lo) & (freqs < hi)
        shape = np.where(inside, np.maximum(freqs, lo) ** -self.exponent, 0.0)
        shape /= shape.sum()
        if list(SYNTH_BANDS)[band] == "alpha":
            # An AR(2) resonance 2 Hz wide in continuous form, beside a fifth of 1/f activity.
            peak = np.where(inside, 1 / ((freqs**2 - self.alpha_peak**2) ** 2 + (2.0 * freqs) ** 2), 0.0)
            shape = 0.2 * shape + 0.8 * peak / peak.sum()
        return shape

    def background_shape(self, freqs: np.ndarray) -> np.ndarray:
        """The same for the emotion-free sources: 1/f from 0.5 Hz on."""
        shape = np.where(freqs >= BACKGROUND_LOW, np.maximum(freqs, BACKGROUND_LOW) ** -self.exponent, 0.0)
        return shape / shape.sum()

    def maps(self, world: World, session: int) -> tuple[np.ndarray, np.ndarray]:
        """Maps of sources and of the background in a session, (n_channels, n_sources) and (n_channels, 20).

        A session has its own gain and its own small rotation of the cap. The background is scaled to the rms
        that the difficulty asks for, on average over the channels.
        """
        rng = world.rng(self.number, SESSION, session)
        gain = rng.uniform(0.9, 1.1)
        axis = rng.standard_normal(3)
        angle = rng.uniform(0.003, 0.008) / HEAD_RADIUS
        electrodes = electrode_positions(world.ch_names) @ _rotation(axis / np.linalg.norm(axis), angle).T
        sources = leadfield(electrodes, [s.position for s in SOURCES])
        background = leadfield(electrodes, self.background)
        background *= world.difficulty.background / np.sqrt((background**2).sum(axis=1).mean())
        return gain * self.spatial @ sources, gain * self.spatial @ background

    def covariance(
        self,
        world: World,
        band: tuple[float, float],
        emotion: str | None = None,
        intensity: float = 1.0,
        session: int = 1,
    ) -> np.ndarray:
        """Expected covariance of the channels in a frequency band in uV^2, without artefacts and slow drift.

        Shape (n_channels, n_channels). `emotion` None is rest.
        """
        lo, hi = check_bands([band], world.sfreq)[1][0]
        freqs = np.arange(0.0, world.sfreq / 2, 0.02)
        inside = (freqs >= lo) & (freqs < hi)
        k = None if emotion is None else world.emotions.index(emotion)
        gains = np.ones_like(self.power) if k is None else np.exp(intensity * self.log_gains[k])
        rms = np.sqrt(self.power * gains)
        shapes = [self.band_shape(b, freqs) for b in range(rms.shape[1])]
        shares = np.array([shape[inside].sum() for shape in shapes])
        cross = np.diag((rms**2) @ shares)
        for i, j, b, lag in links(world, emotion):
            rho = world.coherence * intensity**2 * (world.difficulty.effect > 0)
            in_phase = (shapes[b] * np.cos(2 * np.pi * freqs * lag))[inside].sum()
            cross[[i, j], [j, i]] += np.sqrt(rho) * rms[i, b] * rms[j, b] * in_phase
        sources, background = self.maps(world, session)
        share = self.background_shape(freqs)[inside].sum()
        noise = NOISE_RMS**2 * (hi - lo) / (world.sfreq / 2)
        return (
            sources @ cross @ sources.T
            + share * background @ background.T
            + noise * np.eye(len(world.ch_names))
        )


def links(world: World, emotion: str | None) -> list[tuple[int, int, int, float]]:
    """An emotion's couplings as (source, target, band) numbers and lag."""
    bands = list(SYNTH_BANDS)
    return [
        (source_index(c.source), source_index(c.target), bands.index(c.band), c.lag)
        for c in (() if emotion is None else world.couplings.get(emotion, ()))
    ]


def _power_law(lo: np.ndarray, hi: np.ndarray, exponent: float) -> np.ndarray:
    """Integral of f^-exponent from lo to hi."""
    p = 1 - exponent
    return np.log(hi / lo) if abs(p) < 1e-9 else (hi**p - lo**p) / p


def _unit_random(rng: np.random.Generator, n: int) -> np.ndarray:
    """A random matrix of spectral norm 1, symmetric or skew."""
    a = rng.standard_normal((n, n))
    a = a + a.T if rng.random() < 0.5 else a - a.T
    return a / np.linalg.norm(a, 2)


def _expm(a: np.ndarray) -> np.ndarray:
    from scipy.linalg import expm

    return expm(a)


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
