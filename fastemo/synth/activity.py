"""Signals of simulated brains: noise of given spectra, modulated by emotion, mixed to the electrodes.

Noise is shaped in the frequency domain over the whole session, so there are no seams anywhere in it.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from fastemo.synth.anatomy import SOURCES
from fastemo.synth.signatures import SYNTH_BANDS
from fastemo.synth.subject import NOISE_RMS, SIGNAL, Subject, links
from fastemo.synth.world import World

__all__ = ["LATENT_RATE", "brain_signal"]

LATENT_RATE = 100.0  # Hz, of intensities
KNOT = 5.0  # s between the knots of slow drift


def coloured(rng: np.random.Generator, shape: np.ndarray, n_rows: int, n_fft: int) -> np.ndarray:
    """Half spectra of unit-variance noise, (n_rows, n_bins): `shape` is the share of variance of each bin."""
    spectrum = np.zeros((n_rows, len(shape)), dtype=np.complex64)
    bins = np.flatnonzero(shape)
    draws = rng.standard_normal((n_rows, len(bins), 2), dtype=np.float32)
    scale = np.sqrt(shape[bins]).astype(np.float32) * np.float32(n_fft / 2)
    spectrum[:, bins] = (draws[..., 0] + 1j * draws[..., 1]) * scale
    return spectrum


def brain_signal(
    world: World,
    subject: Subject,
    session: int,
    drive: np.ndarray,
    extra: np.ndarray | None,
    n_samples: int,
    run: int,
) -> np.ndarray:
    """The electrodes' signal without artefacts, shape (n_channels, n_samples) in uV.

    Parameters
    ----------
    drive : ndarray, shape (n_emotions, n_latent)
        Intensities at 100 Hz.
    extra : ndarray, shape (n_sources, n_bands, n_latent), or None
        More log-gains: the patterns of stimuli.
    run : int
        Tells recordings of one session from another's random numbers.
    """
    rng = world.rng(subject.number, SIGNAL, session, run)
    n_fft = fft.next_fast_len(n_samples, real=True)
    freqs = fft.rfftfreq(n_fft, 1 / world.sfreq)
    seconds = np.arange(n_samples) / world.sfreq
    latent = np.arange(drive.shape[1]) / LATENT_RATE
    # Single precision is plenty for noise and twice as fast.
    sources_map, background_map = (m.astype(np.float32) for m in subject.maps(world, session))

    def to_samples(values: np.ndarray) -> np.ndarray:
        return np.interp(seconds, latent, values).astype(np.float32)

    n_knots = int(np.ceil(n_samples / world.sfreq / KNOT)) + 1
    knots = np.arange(n_knots) * KNOT
    activity = np.zeros((len(SOURCES), n_samples), dtype=np.float32)
    for b in range(len(SYNTH_BANDS)):
        spectrum = coloured(rng, subject.band_shape(b, freqs), len(SOURCES), n_fft)
        band = fft.irfft(spectrum, n_fft, axis=1)[:, :n_samples]
        pristine = {}
        for k, emotion in enumerate(world.emotions):
            for i, j, band_number, lag in links(world, emotion):
                if band_number != b or world.difficulty.effect == 0 or world.coherence == 0:
                    continue
                delay = np.exp(-2j * np.pi * freqs * lag).astype(np.complex64)
                pristine[k, j] = fft.irfft(spectrum[i] * delay, n_fft)[:n_samples]
        for (k, j), delayed in pristine.items():
            # Target and driver share variance so that a link leaves the power of its target alone.
            link = to_samples(np.sqrt(world.coherence) * np.clip(drive[k], 0, 1))
            band[j] = np.sqrt(1 - link**2) * band[j] + link * delayed
        drift = world.difficulty.drift * rng.standard_normal((len(SOURCES), n_knots))
        log_gains = subject.log_gains[:, :, b].T @ drive
        if extra is not None:
            log_gains += extra[:, b]
        for j in range(len(SOURCES)):
            log_gains[j] += np.interp(latent, knots, drift[j])
            band[j] *= to_samples(np.exp(0.5 * log_gains[j]))
        activity += np.sqrt(subject.power[:, b, None]).astype(np.float32) * band

    spectrum = coloured(rng, subject.background_shape(freqs), background_map.shape[1], n_fft)
    background = fft.irfft(spectrum, n_fft, axis=1)[:, :n_samples]
    x = sources_map @ activity + background_map @ background
    x += np.float32(NOISE_RMS) * rng.standard_normal(x.shape, dtype=np.float32)
    return x.astype(np.float64)
