"""The settings that all simulated people share, and the difficulty knob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastemo._validate import check_positive
from fastemo.montage import MONTAGES, electrode_positions
from fastemo.synth.signatures import COUPLINGS, SIGNATURES, Coupling, Effect, check_tables

__all__ = ["Difficulty", "World"]


@dataclass(frozen=True)
class Difficulty:
    """How hard the simulated data are to decode: the constants behind the knob in [0, 1].

    Parameters
    ----------
    effect : float
        Factor on the log-gains of the signature table; 0 is the null: emotions leave no trace.
    background : float
        rms of the emotion-free activity at the electrodes, in uV.
    drift : float
        Standard deviation of slow changes of log power that have nothing to do with emotion.
    shift : float
        Strength of the random mixing of channels that differs between people.
    idiosyncrasy : float
        How much signatures differ between people: change * (1 + N(0, 0.4 v)), sign flipped with probability
        0.15 v.
    artefacts : float
        Factor on artefact rates; 0 is none.
    stimulus : float
        Size of each stimulus's own pattern, the same in everybody, relative to an emotion's.
    label_noise : float
        Share of recordings that are labelled with another emotion than the true one.
    shortening : float
        Share by which emotional episodes of a continuous session are shorter.
    """

    effect: float
    background: float
    drift: float
    shift: float
    idiosyncrasy: float
    artefacts: float
    stimulus: float
    label_noise: float
    shortening: float

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            check_positive(f"difficulty: {name}", getattr(self, name), zero=True)
        for name in ("label_noise", "shortening"):
            if getattr(self, name) >= 1:
                raise ValueError(f"difficulty: {name} must be below 1, got {getattr(self, name)!r}")

    @classmethod
    def at(cls, d: float, **changes: float) -> Difficulty:
        """The constants at knob position `d`, some of them changed.

        Examples
        --------
        >>> Difficulty.at(0.2, effect=0).effect
        0
        """
        d = check_positive("difficulty", d, zero=True)
        if d > 1:
            raise ValueError(f"difficulty must be in [0, 1], got {d:g}")
        return replace(
            cls(
                effect=EFFECT * (1 - d**3) + 0.1,
                background=BACKGROUND * (1 + d),
                drift=0.1 + 0.2 * d,
                shift=0.6 * d,
                idiosyncrasy=d,
                artefacts=0.2 + 2 * d,
                stimulus=0.8 * d,
                label_noise=0.3 * d,
                shortening=0.6 * d,
            ),
            **changes,
        )


EFFECT, BACKGROUND = 5.0, 4.0


@dataclass(frozen=True)
class World:
    """Everything that simulated people have in common; `simulate` documents the fields."""

    emotions: tuple[str, ...]
    sfreq: float
    ch_names: tuple[str, ...]
    difficulty: Difficulty
    signatures: Mapping[str, Sequence[Effect]]
    couplings: Mapping[str, Sequence[Coupling]]
    coherence: float
    line_freq: float
    smile: float
    seed: int

    @classmethod
    def make(
        cls,
        emotions: Sequence[str],
        sfreq: float,
        ch_names: Sequence[str] | str | None,
        difficulty: float | Difficulty,
        signatures: Mapping[str, Sequence[Effect]] | None,
        couplings: Mapping[str, Sequence[Coupling]] | None,
        coherence: float,
        line_freq: float,
        smile: float,
        seed: int,
    ) -> World:
        """Settings as a user gives them, checked."""
        sfreq = check_positive("sfreq", sfreq, unit="Hz")
        if sfreq < 100:
            raise ValueError(f"sfreq must be at least 100 Hz, got {sfreq:g}: the bands reach up to 45 Hz")
        if isinstance(emotions, str):
            raise TypeError(f"emotions must be a sequence of names, got the string {emotions!r}")
        names = tuple(emotions)
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError(f"emotions must be at least two different names, got {names!r}")
        signatures = SIGNATURES if signatures is None else signatures
        couplings = COUPLINGS if couplings is None else couplings
        check_tables(names, signatures, couplings)
        coherence = check_positive("coherence", coherence, zero=True)
        if coherence >= 1:
            raise ValueError(f"coherence must be in [0, 1), got {coherence:g}")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
        return cls(
            names,
            sfreq,
            _channels(ch_names),
            difficulty if isinstance(difficulty, Difficulty) else Difficulty.at(difficulty),
            signatures,
            couplings,
            coherence,
            check_positive("line_freq", line_freq, zero=True, unit="Hz"),
            check_positive("smile", smile, zero=True),
            int(seed),
        )

    def rng(self, *stream: int) -> np.random.Generator:
        """Random numbers of one purpose; other purposes never disturb them."""
        return np.random.default_rng([self.seed, *stream])


def _channels(ch_names: Any) -> tuple[str, ...]:
    if ch_names is None:
        return MONTAGES["32"]
    if isinstance(ch_names, str):
        if ch_names not in MONTAGES:
            raise ValueError(f"ch_names: there is no montage {ch_names!r}; there are {', '.join(MONTAGES)}")
        return MONTAGES[ch_names]
    names = tuple(ch_names)
    if len(names) < 2:
        raise ValueError(f"ch_names must be at least two electrodes, for an average reference; got {names!r}")
    electrode_positions(names)
    return names
