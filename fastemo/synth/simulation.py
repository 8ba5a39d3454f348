"""Simulated data sets and sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastemo._validate import check_positive, n_samples_of
from fastemo.recording import Recording
from fastemo.synth.activity import LATENT_RATE, brain_signal
from fastemo.synth.anatomy import source_index
from fastemo.synth.artefacts import Artefact, add_artefacts
from fastemo.synth.schedule import Episode, block_levels, dominant, episodes, intensities, own_episodes
from fastemo.synth.signatures import EVOKED, Coupling, Effect, change_table
from fastemo.synth.subject import SCHEDULE, STIMULI, Subject
from fastemo.synth.truth import Truth
from fastemo.synth.world import Difficulty, World

__all__ = ["simulate", "simulate_session"]

EMOTIONS = ("joy", "sadness", "fear", "anger", "neutral")
BLOCKS, LIVE = 0, 1


def simulate(
    n_subjects: int = 8,
    n_trials: int = 40,
    trial_length: float = 10.0,
    *,
    emotions: Sequence[str] = EMOTIONS,
    difficulty: float | Difficulty = 0.2,
    baseline_length: float = 30.0,
    n_sessions: int = 1,
    stimuli_per_emotion: int = 4,
    sfreq: float = 250.0,
    ch_names: Sequence[str] | str | None = None,
    signatures: Mapping[str, Sequence[Effect]] | None = None,
    couplings: Mapping[str, Sequence[Coupling]] | None = None,
    coherence: float = 0.3,
    line_freq: float = 50.0,
    smile: float = 0.0,
    seed: int = 0,
) -> tuple[list[Recording], Truth]:
    """Labelled trials of simulated people: one emotion per recording, and a baseline before each session.

    Parameters
    ----------
    n_subjects, n_trials, n_sessions : int
        People ("S01", "S02", ...), trials per session (emotions balanced, in random order), sessions per
        person.
    trial_length, baseline_length : float
        Seconds. A baseline length of 0 leaves baselines out.
    emotions : sequence of str
        Rows of the signature table.
    difficulty : float or Difficulty
        A knob in [0, 1] (the module says what a simple decoder reaches), or the constants themselves.
    stimuli_per_emotion : int
        Stimuli take turns; each adds its own pattern to the brain, the same in everybody.
    sfreq : float
        Hz, at least 100.
    ch_names : sequence of str, or a name of `fastemo.montage.MONTAGES`, optional
        Electrodes of the 10-10 system; the 32 of "32" by default.
    signatures, couplings : mapping, optional
        What emotions do, instead of `SIGNATURES` and `COUPLINGS`.
    coherence : float
        Coherence of coupled sources in their band at full intensity, in [0, 1).
    line_freq : float
        Frequency of the mains in Hz; 0 for none.
    smile : float
        rms in uV of the muscle activity (20-90 Hz) of a face in full joy, at the temples, or anger, at the
        forehead: something to read that is not the brain.
    seed : int
        Everything follows from it. Person number k is the same however many others there are.

    Returns
    -------
    recordings : list of Recording
        Subject by subject, session by session: the baseline (role "baseline"), then the trials. Data are
        float64 in uV.
    truth : Truth

    Raises
    ------
    ValueError, TypeError
        Any argument that does not fit, by name.

    Examples
    --------
    >>> recordings, truth = simulate(n_subjects=2, n_trials=5, trial_length=4)
    >>> len(recordings), recordings[0].role
    (12, 'baseline')
    >>> recordings[1].label, recordings[1].stimulus, recordings[1].data.shape
    ('sadness', 'sadness 1', (32, 1000))
    >>> truth.labels[1], truth.intensities[1].shape
    ('sadness', (5, 400))
    """
    world = World.make(
        emotions, sfreq, ch_names, difficulty, signatures, couplings, coherence, line_freq, smile, seed
    )
    n_subjects = _count("n_subjects", n_subjects)
    n_trials = _count("n_trials", n_trials)
    n_sessions = _count("n_sessions", n_sessions)
    n_stimuli = _count("stimuli_per_emotion", stimuli_per_emotion)
    length = n_samples_of("trial_length", trial_length, world.sfreq)
    rest = _rest_samples(baseline_length, world)
    patterns = _stimulus_patterns(world, n_stimuli)

    out = _Collector(world)
    for number in range(1, n_subjects + 1):
        subject = out.subject(number)
        for session in range(1, n_sessions + 1):
            rng = world.rng(number, SCHEDULE, session, BLOCKS)
            trials = _trials(world, rng, n_trials, n_stimuli)
            starts = [rest + length * i for i in range(n_trials + 1)]
            n_latent = int(np.ceil(starts[-1] / world.sfreq * LATENT_RATE)) + 1
            drive = np.zeros((len(world.emotions), n_latent))
            extra = np.zeros((*patterns.shape[2:], n_latent), dtype=np.float32)
            for trial, start in zip(trials, starts):
                first = _latent(start, world)
                last = _latent(start + length, world)
                k = world.emotions.index(trial.emotion)
                drive[k, first:last] = block_levels(rng, last - first)
                extra[..., first:last] = patterns[k, trial.stimulus, ..., None]
            x = brain_signal(world, subject, session, drive, extra, starts[-1], BLOCKS)
            artefacts = add_artefacts(x, world, subject, session, BLOCKS, drive)
            if rest:
                out.add(x, drive, artefacts, 0, rest, subject=subject.name, session=session, role="baseline")
            for i, (trial, start) in enumerate(zip(trials, starts)):
                out.add(
                    x,
                    drive,
                    artefacts,
                    start,
                    start + length,
                    true_label=trial.emotion,
                    label=trial.label,
                    subject=subject.name,
                    session=session,
                    trial=i + 1,
                    stimulus=f"{trial.emotion} {trial.stimulus + 1}",
                )
    return out.result()


def simulate_session(
    duration: float = 120.0,
    subject: int = 1,
    *,
    emotions: Sequence[str] = EMOTIONS,
    difficulty: float | Difficulty = 0.2,
    baseline_length: float = 30.0,
    schedule: Sequence[Sequence[Any]] | None = None,
    anticipation: float = 0.0,
    session: int = 1,
    sfreq: float = 250.0,
    ch_names: Sequence[str] | str | None = None,
    signatures: Mapping[str, Sequence[Effect]] | None = None,
    couplings: Mapping[str, Sequence[Coupling]] | None = None,
    coherence: float = 0.3,
    line_freq: float = 50.0,
    smile: float = 0.0,
    seed: int = 0,
) -> tuple[list[Recording], Truth]:
    """One person's continuous session: episodes with onsets and decays, blends, quick successions and ramps.

    Parameters
    ----------
    duration : float
        Seconds of the session, after the baseline.
    subject : int
        Number of the person: the same one as in `simulate` with the same seed and settings.
    schedule : sequence of (onset, duration, emotion[, peak]), optional
        Episodes in seconds from the start of the session, instead of random ones.
    anticipation : float
        Share of the peak that the brain's response reaches before the onset, over the last 0.5 to 2 s. At 0
        nothing precedes an emotion, and no decoder can be early.
    session : int
        Number of the session; of `simulate` with `n_sessions` the cap sits alike in the same session.

    The other parameters are those of `simulate`.

    Returns
    -------
    recordings : list of Recording
        The baseline, if `baseline_length` is above 0, then the session, a direct continuation of it. The
        events of the session are the stretches in which one emotion is the strongest.
    truth : Truth

    Raises
    ------
    ValueError, TypeError
        Any argument that does not fit, by name.

    Examples
    --------
    >>> (rest, live), truth = simulate_session(20, schedule=[(5, 10, "fear")])
    >>> [(event.onset, event.label) for event in live.events]
    [(0.0, 'neutral'), (5.21, 'fear'), (17.08, 'neutral')]
    >>> truth.intensity_at(1, 10.0).round(2)
    array([0., 0., 1., 0., 0.])
    """
    world = World.make(
        emotions, sfreq, ch_names, difficulty, signatures, couplings, coherence, line_freq, smile, seed
    )
    number, session = _count("subject", subject), _count("session", session)
    anticipation = check_positive("anticipation", anticipation, zero=True)
    if anticipation > 1:
        raise ValueError(f"anticipation must be in [0, 1], got {anticipation:g}")
    length = n_samples_of("duration", duration, world.sfreq)
    rest = _rest_samples(baseline_length, world)
    rng = world.rng(number, SCHEDULE, session, LIVE)
    seconds = length / world.sfreq
    if schedule is None:
        found = episodes(world, rng, seconds)
    else:
        found = own_episodes(world, rng, schedule, seconds)
    felt, response = intensities(world, rng, found, seconds, anticipation)
    quiet = np.zeros((len(world.emotions), _latent(rest, world)))
    felt, drive = np.hstack([quiet, felt]), np.hstack([quiet, response])

    out = _Collector(world)
    person = out.subject(number)
    x = brain_signal(world, person, session, drive, None, rest + length, LIVE)
    _add_evoked(x, world, person, session, found, rest)
    artefacts = add_artefacts(x, world, person, session, LIVE, drive)
    about: dict[str, Any] = {"subject": person.name, "session": session}
    if rest:
        out.add(x, felt, artefacts, 0, rest, role="baseline", **about)
    events = dominant(world, felt[:, quiet.shape[1] :])
    out.add(x, felt, artefacts, rest, rest + length, found=tuple(found), events=events, **about)
    return out.result()


class _Trial(NamedTuple):
    emotion: str
    stimulus: int
    label: str


def _trials(world: World, rng: np.random.Generator, n_trials: int, n_stimuli: int) -> list[_Trial]:
    """Balanced emotions in random order; an emotion's stimuli take turns; some labels are wrong."""
    order = [world.emotions[i % len(world.emotions)] for i in range(n_trials)]
    shown = dict.fromkeys(world.emotions, 0)
    out = []
    for i in rng.permutation(n_trials):
        emotion = label = order[i]
        if rng.random() < world.difficulty.label_noise:
            label = str(rng.choice([e for e in world.emotions if e != emotion]))
        out.append(_Trial(emotion, shown[emotion] % n_stimuli, label))
        shown[emotion] += 1
    return out


def _stimulus_patterns(world: World, n_stimuli: int) -> np.ndarray:
    """Log-gains that each stimulus adds, (n_emotions, n_stimuli, n_sources, n_bands), everybody's alike.

    Their size is relative to the mean size of an emotion's own log-gains.
    """
    table = world.difficulty.effect * np.log1p(change_table(world.emotions, world.signatures))
    sizes = np.linalg.norm(table, axis=(1, 2))
    size = sizes[sizes > 0].mean() if (sizes > 0).any() else 0.0
    rng = world.rng(STIMULI)
    out = rng.standard_normal((len(world.emotions), n_stimuli, *table.shape[1:]))
    out /= np.linalg.norm(out, axis=(2, 3), keepdims=True)
    return world.difficulty.stimulus * size * out


def _add_evoked(
    x: np.ndarray, world: World, person: Subject, session: int, found: Sequence[Episode], rest: int
) -> None:
    """Waves at the onsets of episodes."""
    t = np.arange(x.shape[1]) / world.sfreq
    sources = person.maps(world, session)[0]
    for episode in found:
        if episode.emotion not in EVOKED or world.difficulty.effect == 0:
            continue
        wave = EVOKED[episode.emotion]
        centre = rest / world.sfreq + episode.onset + wave.peak
        course = wave.amplitude * episode.peak * np.exp(-0.5 * ((t - centre) / wave.width) ** 2)
        both = [source_index(f"{wave.region} {side}") for side in "LR"]
        x += sources[:, both].sum(axis=1)[:, None] * course


class _Collector:
    """Cuts sessions into recordings and keeps their truth beside them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.subjects: dict[str, Subject] = {}
        self.recordings: list[Recording] = []
        self.labels: list[str | None] = []
        self.intensities: list[np.ndarray] = []
        self.episodes: list[tuple[Episode, ...]] = []
        self.artefacts: list[tuple[Artefact, ...]] = []

    def subject(self, number: int) -> Subject:
        person = Subject.draw(self.world, number)
        self.subjects[person.name] = person
        return person

    def add(
        self,
        x: np.ndarray,
        latent: np.ndarray,
        artefacts: Sequence[Artefact],
        start: int,
        stop: int,
        true_label: str | None = None,
        found: tuple[Episode, ...] = (),
        **about: Any,
    ) -> None:
        data = x[:, start:stop].copy()
        self.recordings.append(Recording(data, self.world.sfreq, self.world.ch_names, **about))
        self.labels.append(true_label)
        first = _latent(start, self.world)
        self.intensities.append(latent[:, first : first + _latent(stop - start, self.world)].copy())
        self.episodes.append(found)
        self.artefacts.append(
            tuple(
                a._replace(start=max(a.start, start) - start, stop=min(a.stop, stop) - start)
                for a in artefacts
                if a.start < stop and a.stop > start
            )
        )

    def result(self) -> tuple[list[Recording], Truth]:
        truth = Truth(
            self.world,
            self.subjects,
            tuple(self.recordings),
            self.labels,
            self.intensities,
            self.episodes,
            self.artefacts,
        )
        return self.recordings, truth


def _latent(n_samples: int, world: World) -> int:
    """Samples as a number of intensity values."""
    return round(n_samples / world.sfreq * LATENT_RATE)


def _rest_samples(baseline_length: float, world: World) -> int:
    length = check_positive("baseline_length", baseline_length, zero=True, unit="seconds")
    return n_samples_of("baseline_length", length, world.sfreq) if length else 0


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)
