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
# After the scan: a straight line comes off each whole run.
AFTERWARDS = [QUALITY, *VOLUME, fe.Standardize(), fe.Logistic(C=0.01)]


def detrended(runs: list[fe.Recording]) -> list[fe.Recording]:
    """The runs without their linear trend: unlabelled, each on its own, but with a look ahead."""
    return [run.replace(data=fe.signal.detrend(run.data)) for run in runs]


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

    categories = fe.datasets.haxby2001(labels="category")
    pipe = fe.Pipeline(AFTERWARDS, unit="1")
    show(
        "eight categories, each block, after the scan",
        fe.evaluate(pipe, detrended(categories), by="session", level="event"),
    )
    causal = fe.Pipeline([fe.RegressOut(tau=120), *AFTERWARDS], unit="1")
    show("eight categories, each block, live", fe.evaluate(causal, categories, by="session", level="event"))

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
