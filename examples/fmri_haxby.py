"""Decode what a person in the scanner sees, volume by volume (Haxby et al. 2001, 25 mm, not emotion but perception).

    FASTEMO_DATA=/path/to/data python examples/fmri_haxby.py

prints how well runs that were not learnt from are decoded, and then plays one of them volume by volume.
"""

import time

import numpy as np

import fastemo as fe
from fastemo.evaluation import Evaluation

# Two equal values in a row are no dead channel where a sample is a mean over a voxel of 25 mm, in whole numbers.
QUALITY = fe.Quality(flat=60.0)
VOLUME = [fe.Window(2.5, hop=2.5), fe.TimeDomain(["mean"])]

# Causal: the mean so far, older volumes counting less, comes off; three decisions are averaged (7.5 s).
LIVE = [fe.RegressOut(tau=120), QUALITY, *VOLUME, fe.Standardize(), fe.Logistic(C=0.01), fe.WindowMean(3)]
# Each of the last five volumes of a block answers by the mean of the nine up to it, less what came before.
TR, BLOCK = 2.5, 9
TAUS, SHRINKAGES = (30, 60, 120), (0.1, 0.2, 0.5)


def blocks(tau: float, shrinkage: float) -> fe.Pipeline:
    """Categories of blocks, causal."""
    mean = fe.FIR(taps=np.full(BLOCK, 1 / BLOCK))
    front = [fe.CommonAverage(), mean, fe.RegressOut(tau=tau), QUALITY, *VOLUME]
    return fe.Pipeline([*front, fe.Standardize(), fe.LDA(shrinkage)], unit="1")


def held_out_accuracy(pipe: fe.Pipeline, runs: list[fe.Recording]) -> list[float]:
    """Of each run, learnt from the others."""
    result = fe.evaluate(pipe, runs, by="session", level="event")
    return [group.scores["accuracy"] for group in result.groups]


def nested(runs: list[fe.Recording]) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy in each run, of the variant that did best within the other runs, and of all variants on average."""
    variants = [blocks(tau, shrinkage) for tau in TAUS for shrinkage in SHRINKAGES]
    found = [held_out_accuracy(pipe, runs) for pipe in variants]
    chosen = []
    for i in range(len(runs)):
        within = [np.mean(held_out_accuracy(pipe, runs[:i] + runs[i + 1 :])) for pipe in variants]
        chosen.append(found[int(np.argmax(within))][i])
    return np.array(chosen), np.mean(found, axis=0)


def show(what: str, result: Evaluation) -> None:
    found = result.scores["accuracy"]
    print(
        f"{what:45} {found.mean:.1%} [{found.low:.1%}, {found.high:.1%}] of {result.n_scored} "
        f"(chance {result.chance['majority']:.1%})"
    )


def main() -> None:
    runs = fe.datasets.haxby2001(labels="task")
    live = fe.Pipeline(LIVE, unit="1")
    show("task or rest, each volume, live", fe.evaluate(live, runs, by="session"))

    categories = [
        run.replace(events=fe.fmri.late_events(run.events, 5 * TR)) for run in fe.datasets.haxby2001()
    ]
    for what, accuracy in zip(
        ("chosen in training runs", "mean of all variants"), nested(categories), strict=True
    ):
        half = 2.201 * accuracy.std(ddof=1) / np.sqrt(len(accuracy))  # Student's t of 12 runs
        low, high = accuracy.mean() - half, accuracy.mean() + half
        print(
            f"eight categories, each block, live, {what}: {accuracy.mean():.1%} [{low:.1%}, {high:.1%}] (chance 12.5%)"
        )

    engine = live.fit(runs[:-1]).engine()
    spent = []
    for volume in runs[-1].data.T:
        began = time.perf_counter_ns()
        predictions = engine.push(volume[:, None])
        spent.append(time.perf_counter_ns() - began)
        for p in predictions:
            if p.index % 10 == 0:
                print(f"  {p.time:6.1f} s  {p.label}  {p.probabilities.round(2)}  valid: {p.valid}")
    print(f"{np.median(spent) / 1000:.0f} us per volume of {runs[-1].n_channels} regions")


if __name__ == "__main__":
    main()
