"""Stages lowered and run on known signals."""

import numpy as np

import fastemo as fe
from fastemo._lowering import Build, lower

CH = ["F3", "Fz", "F4", "M1"]
BANDS = {"theta": (4, 8), "alpha": (8, 13)}
WINDOW = fe.Window(1, hop=0.5)


def lowered(*stages, sfreq=100.0, ch_names=CH, fitted=None):
    build = Build(sfreq, ch_names, "uV")
    lower(dict(enumerate(stages)), fitted or {}, build)
    return build


def features(*stages, x, sfreq=100.0, ch_names=CH):
    pipe = fe.Pipeline(list(stages), sfreq=sfreq, ch_names=ch_names[: len(x)], check_unit=False)
    return pipe.transform(x)


def windows(x, length=100, hop=50):
    return [x[:, k : k + length] for k in range(0, x.shape[1] - length + 1, hop)]


def signal(n_channels=4, n=600, seed=0):
    return 10 * np.random.default_rng(seed).standard_normal((n_channels, n)) + 50
