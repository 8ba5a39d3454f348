"""What happens to a recording on its way: packets that come late, never, or twice, and clocks that drift."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastemo._validate import check_positive, n_samples_of
from fastemo.recording import Recording

__all__ = ["Transmission", "transmit"]


class Transmission(NamedTuple):
    """What arrives: (data (n_channels, n), stamps (n,)) chunks, and which samples were lost, (n_samples,)."""

    chunks: list[tuple[np.ndarray, np.ndarray]]
    lost: np.ndarray


def transmit(
    recording: Recording,
    packet: float = 0.04,
    *,
    losses: float = 0.0,
    jitter: float = 0.0,
    drift: float = 0.0,
    duplicates: float = 0.0,
    seed: int = 0,
) -> Transmission:
    """A recording as a stream of stamped packets over a poor link.

    Parameters
    ----------
    recording : Recording
    packet : float
        Seconds in a packet.
    losses : float
        Losses per minute, each of 20 to 500 ms in whole packets; the first packet always arrives.
    jitter : float
        Standard deviation of the noise of stamps in seconds; stamps rise all the same.
    drift : float
        Parts per million by which the sender's clock runs fast.
    duplicates : float
        Share of packets that arrive twice, with the same stamps.
    seed : int

    Returns
    -------
    Transmission

    Raises
    ------
    ValueError, TypeError
        A negative or infinite number; `duplicates` above 1.

    Examples
    --------
    >>> from fastemo.synth import simulate_session
    >>> (live,), _ = simulate_session(10, baseline_length=0)
    >>> chunks, lost = transmit(live, losses=20)
    >>> live.n_samples, sum(len(stamps) for _, stamps in chunks), int(lost.sum())
    (2500, 2220, 280)
    """
    n = n_samples_of("packet", packet, recording.sfreq)
    losses = check_positive("losses", losses, zero=True, unit="per minute")
    jitter = check_positive("jitter", jitter, zero=True, unit="seconds")
    drift = check_positive("drift", drift, zero=True, unit="parts per million")
    duplicates = check_positive("duplicates", duplicates, zero=True)
    if duplicates > 1:
        raise ValueError(f"duplicates must be a share in [0, 1], got {duplicates:g}")
    rng = np.random.default_rng(seed)
    period = (1 + drift * 1e-6) / recording.sfreq
    noise = jitter * rng.standard_normal(recording.n_samples)
    # Stamps follow the order of samples: jitter may bunch them up but not swap them.
    stamps = np.maximum.accumulate(np.arange(recording.n_samples) * period + noise)
    stamps += np.arange(recording.n_samples) * 1e-9

    n_packets = -(-recording.n_samples // n)
    lost = np.zeros(n_packets, dtype=bool)
    for start in rng.integers(1, max(n_packets, 2), size=rng.poisson(losses * recording.duration / 60)):
        lost[start : start + max(1, round(rng.uniform(0.02, 0.5) * recording.sfreq / n))] = True
    twice = rng.random(n_packets) < duplicates
    chunks = []
    for k in np.flatnonzero(~lost):
        part = slice(k * n, (k + 1) * n)
        chunks += [(recording.data[:, part], stamps[part])] * (1 + int(twice[k]))
    return Transmission(chunks, np.repeat(lost, n)[: recording.n_samples])
