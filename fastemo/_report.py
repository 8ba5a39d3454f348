"""What an evaluation found, for people and for programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Evaluation", "GroupScore", "Score", "Shuffled"]

SHARES = (
    "accuracy",
    "balanced accuracy",
    "macro F1",
    "micro F1",
    "ECE",
    "Hamming",
    "exact",
    "AP - prevalence",
)
#: Scores that are better when smaller.
LOSSES = ("log loss", "Brier", "ECE", "Hamming", "RMSE")


class Score(NamedTuple):
    """Mean over groups, its 95 % confidence interval, and the score of all windows together."""

    mean: float
    low: float
    high: float
    together: float


class GroupScore(NamedTuple):
    """A group that was held out: its name, how many windows of it were scored, and the scores."""

    name: str
    n: int
    scores: dict[str, float]


class Shuffled(NamedTuple):
    """The control: a score with labels shuffled, once per shuffle."""

    score: str
    values: tuple[float, ...]
    found: float

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def p_value(self) -> float:
        """Share of shuffles that score at least as well, the true labels counted among them."""
        return (1 + sum(value >= self.found for value in self.values)) / (1 + len(self.values))


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What `fastemo.evaluate` found. Shows itself as a table.

    Attributes
    ----------
    by : str
        What was held out: "subject", ..., "group" for one's own.
    level : str
        What was scored: each "window" or each "recording".
    kind : str
        Of the labels: "classes", "multilabel" or "intensities".
    classes : tuple
        Classes, labels or intensities.
    normalisation : str
        What the features of a held-out person are scaled by: "none", "train statistics" or "pre-trial rest
        baseline".
    calibrated : bool
    interval : str
        "t" or "bootstrap".
    n_folds : int
    counts : dict of str to int
        Windows of all groups: "windows", of which "scored", "not valid" (filters not yet full, lost samples),
        "abstained" (too bad) and "unlabelled".
    groups : tuple of GroupScore
        In the order of the recordings; without those that had nothing to score.
    scores : dict of str to Score
        By the names of `fastemo.evaluation.DEFINITIONS`.
    chance : dict of str to float
        Accuracy without looking at the signal: always the commonest class ("majority", by the mean over groups of
        the classes' shares), any class ("uniform"). Empty unless the labels are classes.
    confusion : ndarray of int64, shape (n_classes, n_classes), or None
        Rows are the truth, columns the answers.
    stimuli_seen : float or None
        Share of the held-out recordings whose stimulus is in their training too.
    shuffled : Shuffled or None
    notes : tuple of str
        What to know before believing the figures.
    """

    by: str
    level: str
    kind: str
    classes: tuple[Any, ...]
    normalisation: str
    calibrated: bool
    interval: str
    n_folds: int
    counts: dict[str, int]
    groups: tuple[GroupScore, ...]
    scores: dict[str, Score]
    chance: dict[str, float]
    confusion: np.ndarray | None
    stimuli_seen: float | None
    shuffled: Shuffled | None
    notes: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Mean over groups; only for classes."""
        if "accuracy" not in self.scores:
            raise AttributeError(f"labels that are {self.kind} have no accuracy: see scores")
        return self.scores["accuracy"].mean

    @property
    def n_groups(self) -> int:
        return len(self.groups)

    @property
    def n_scored(self) -> int:
        """Windows or recordings that were scored."""
        return sum(group.n for group in self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None where a number is not defined."""
        return {
            "by": self.by,
            "level": self.level,
            "kind": self.kind,
            "classes": list(self.classes),
            "normalisation": self.normalisation,
            "calibrated": self.calibrated,
            "interval": self.interval,
            "n_folds": self.n_folds,
            "n_groups": self.n_groups,
            "n_scored": self.n_scored,
            "counts": dict(self.counts),
            "scores": {
                name: {key: _plain(value) for key, value in score._asdict().items()}
                for name, score in self.scores.items()
            },
            "chance": dict(self.chance),
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "groups": [
                {"name": g.name, "n": g.n, "scores": {k: _plain(v) for k, v in g.scores.items()}}
                for g in self.groups
            ],
            "stimuli_seen": self.stimuli_seen,
            "shuffled": None
            if self.shuffled is None
            else {
                "score": self.shuffled.score,
                "n": len(self.shuffled.values),
                "mean": _plain(self.shuffled.mean),
                "p_value": self.shuffled.p_value,
            },
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return "\n".join([*self._headline(), "", *self._table(), *self._rest()])

    def _headline(self) -> list[str]:
        left_out = [
            f"{name} {n}" for name, n in self.counts.items() if name not in ("windows", "scored") and n
        ]
        aside = f" ({', '.join(left_out)})" if left_out else ""
        groups = f"{self.n_groups} {self.by}s"
        held_out = (
            "one held out at a time" if self.n_folds == self.n_groups else f"held out in {self.n_folds} folds"
        )
        return [
            f"Evaluation on unseen {self.by}s: {groups}, {held_out}; {self.n_scored} {self.level}s scored",
            f"  of {self.counts['windows']} windows{aside}",
            f"  {', '.join(map(str, self.classes))}; features scaled by: {self.normalisation}",
        ]

    def _table(self) -> list[str]:
        width = max(len(name) for name in (*self.scores, "chance (majority)"))
        over = f"over {self.by}s:"
        lines = [f"  {over:{width}}  {'mean':>8}  {'95 % interval':>17}  {'all together':>12}"]
        for name, s in self.scores.items():
            interval = f"[{shown(name, s.low)}, {shown(name, s.high)}]" if math.isfinite(s.low) else ""
            together = shown(name, s.together)
            lines.append(f"  {name:{width}}  {shown(name, s.mean):>8}  {interval:>17}  {together:>12}")
        lines += [
            f"  {f'chance ({name})':{width}}  {shown('accuracy', p):>8}" for name, p in self.chance.items()
        ]
        if self.shuffled is not None:
            null = self.shuffled
            lines.append(
                f"  labels shuffled {len(null.values)} times: {null.score} {shown(null.score, null.mean)} on average, "
                f"p = {null.p_value:.3g}"
            )
        return lines

    def _rest(self) -> list[str]:
        lines = []
        if self.confusion is not None:
            lines += ["", *_confusion_lines(self.confusion, [str(c) for c in self.classes])]
        first = next(iter(self.scores))
        ranked = sorted(self.groups, key=lambda g: g.scores[first])
        if len(ranked) > 1:
            worst, best = (f"{g.name} {shown(first, g.scores[first])}" for g in (ranked[0], ranked[-1]))
            lines += ["", f"  {first} by {self.by}: worst {worst}, best {best}"]
        return lines + [f"  note: {note}" for note in self.notes]


def _confusion_lines(counts: np.ndarray, names: list[str]) -> list[str]:
    """Percent of each true class, by answer."""
    width = max(map(len, (*names, "truth")))
    columns = [max(len(name), 6) for name in names]
    head = "  ".join(f"{name:>{w}}" for name, w in zip(names, columns, strict=True))
    lines = [f"  {'truth':{width}}  {head}  {'n':>6}   (% of each true class, by answer)"]
    for name, row in zip(names, counts, strict=True):
        total = int(row.sum())
        cells = "  ".join(
            f"{100 * n / total if total else math.nan:>{w}.1f}" for n, w in zip(row, columns, strict=True)
        )
        lines.append(f"  {name:{width}}  {cells}  {total:>6}")
    return lines


def shown(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    text = f"{100 * value:.1f}" if name in SHARES else f"{value:.3f}"
    return (text.removeprefix("-") if float(text) == 0 else text) + (" %" if name in SHARES else "")


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
