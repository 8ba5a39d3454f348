"""What is true of simulated recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastemo._affect import to_vad
from fastemo.bands import check_bands
from fastemo.recording import Recording
from fastemo.synth.activity import LATENT_RATE
from fastemo.synth.anatomy import SOURCES
from fastemo.synth.artefacts import Artefact
from fastemo.synth.schedule import Episode
from fastemo.synth.signatures import SYNTH_BANDS
from fastemo.synth.subject import Subject
from fastemo.synth.world import Difficulty, World

__all__ = ["Signature", "Truth"]


class Signature(NamedTuple):
    """What an emotion at full intensity does to a source's power in a band, in one person."""

    subject: str
    emotion: str
    source: str
    band: str
    change: float
    log_gain: float


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth behind the recordings of `simulate` or `simulate_session`, in the order of the recordings.

    Attributes
    ----------
    emotions : tuple of str
    labels : list of str or None
        The emotion that is really in each recording; the recording's own label may be noisy. None for
        baselines and sessions.
    intensities : list of ndarray, shape (n_emotions, n_latent)
        In [0, 1] at 100 Hz from the first sample.
    episodes : list of tuple of Episode
        The episodes of each recording.
    artefacts : list of tuple of Artefact
        The artefacts of each recording, in its samples.
    signatures : list of Signature
        The signature table of every subject, idiosyncrasies included.
    """

    world: World
    subjects: Mapping[str, Subject]
    recordings: Sequence[Recording]
    labels: list[str | None]
    intensities: list[np.ndarray]
    episodes: list[tuple[Episode, ...]]
    artefacts: list[tuple[Artefact, ...]]

    @property
    def emotions(self) -> tuple[str, ...]:
        return self.world.emotions

    @property
    def difficulty(self) -> Difficulty:
        return self.world.difficulty

    @property
    def signatures(self) -> list[Signature]:
        rows = []
        bands = list(SYNTH_BANDS)
        for subject in self.subjects.values():
            for k, j, b in np.argwhere(subject.changes):
                rows.append(
                    Signature(
                        subject.name,
                        self.emotions[k],
                        SOURCES[j].name,
                        bands[b],
                        float(subject.changes[k, j, b]),
                        float(subject.log_gains[k, j, b]),
                    )
                )
        return rows

    def mask(self, recording: int, kind: str | None = None) -> np.ndarray:
        """Where artefacts are: bool (n_channels, n_samples) for recording number `recording`.

        `kind` is "blink", "saccade", "muscle", "pop", "rail", "flat" or "loose"; None is any.
        """
        out = np.zeros(self.recordings[recording].data.shape, dtype=bool)
        for artefact in self.artefacts[recording]:
            if kind in (None, artefact.kind):
                out[list(artefact.channels), artefact.start : artefact.stop] = True
        return out

    def vad(self, recording: int) -> np.ndarray:
        """Valence, arousal and dominance of the blend at 100 Hz, shape (n_latent, 3)."""
        return to_vad(self.intensities[recording].T, self.emotions)

    def intensity_at(self, recording: int, time: float | np.ndarray) -> np.ndarray:
        """Intensities at `time` seconds from the first sample, shape (..., n_emotions)."""
        a = self.intensities[recording]
        index = np.round(np.asarray(time) * LATENT_RATE).astype(int)
        return np.moveaxis(a[:, np.clip(index, 0, a.shape[1] - 1)], 0, -1)

    def leadfield(self, subject: str | None = None, session: int = 1) -> np.ndarray:
        """Maps of the twenty sources, shape (n_channels, n_sources); `subject` None is the mean."""
        return np.mean([s.maps(self.world, session)[0] for s in self._of(subject)], axis=0)

    def pattern(
        self,
        emotion: str,
        band: str | tuple[float, float],
        subject: str | None = None,
        against: str = "others",
    ) -> np.ndarray:
        """How an emotion changes log power in a band: what a decoder's forward pattern should look like.

        Computed from sources, their power and gains, couplings, maps, background and sensor noise of the
        first session; artefacts are left out.

        Parameters
        ----------
        emotion : str
        band : str or (lo, hi)
            A band of the simulation ("delta" 1-4, "theta" 4-8, "alpha" 8-14, "beta" 14-31, "gamma" 31-45)
            or any other in Hz.
        subject : str, optional
            None is the mean over the subjects.
        against : {"others", "rest"}
            Against the mean over all simulated emotions, as forward patterns of classes are; or against rest.

        Returns
        -------
        ndarray of float64, shape (n_channels,)
            Expected change of ln(power).

        Examples
        --------
        >>> from fastemo.synth import simulate
        >>> recordings, truth = simulate(4, 2, 1.0, emotions=("fear", "neutral"))
        >>> recordings[0].ch_names[truth.pattern("fear", "theta").argmax()]
        'FC2'
        """
        if against not in ("others", "rest"):
            raise ValueError(f"against must be 'others' or 'rest', got {against!r}")
        if emotion not in self.emotions:
            raise ValueError(f"emotion must be one of {', '.join(self.emotions)}; got {emotion!r}")
        if isinstance(band, str):
            if band not in SYNTH_BANDS:
                known = ", ".join(SYNTH_BANDS)
                raise ValueError(f"band must be one of {known} or a pair (lo, hi) in Hz; got {band!r}")
            band = SYNTH_BANDS[band]
        check_bands([band], self.world.sfreq)
        return np.mean([self._pattern(s, emotion, band, against) for s in self._of(subject)], axis=0)

    def _pattern(self, subject: Subject, emotion: str, band: tuple[float, float], against: str) -> np.ndarray:
        def log_power(e: str | None) -> np.ndarray:
            return np.log(np.diag(subject.covariance(self.world, band, e)))

        reference = (
            log_power(None) if against == "rest" else np.mean([log_power(e) for e in self.emotions], axis=0)
        )
        return log_power(emotion) - reference

    def _of(self, subject: str | None) -> list[Subject]:
        if subject is None:
            return list(self.subjects.values())
        if subject not in self.subjects:
            raise ValueError(f"subject must be one of {', '.join(self.subjects)}; got {subject!r}")
        return [self.subjects[subject]]
