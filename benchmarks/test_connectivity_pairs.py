"""A hop of streaming connectivity of chosen pairs, against that of all pairs."""

import numpy as np
import pytest

import fastemo as fe
from fastemo.engine import Engine

FS = 500.0
BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}
METHODS = ["plv", "wpli", "imcoh"]


def hops(x, **options):
    pipe = fe.Pipeline(
        [fe.Window(1000 / FS, 10 / FS), fe.Connectivity(BANDS, METHODS, **options)],
        sfreq=FS, ch_names=[f"ch{c}" for c in range(64)], check_unit=False,
    )  # fmt: skip
    engine, at = Engine(pipe.program), 2000
    out = np.empty(4, engine.dtype)
    engine.push_array(x[:, :2000])

    def hop():
        nonlocal at
        at = at + 10 if at + 20 <= x.shape[1] else 2000
        assert engine.push_into(x[:, at : at + 10], out) == 1
        return out["outputs"][0]

    return hop


@pytest.mark.parametrize("n_pairs", [1, 30, 300, 1000, 2016])
def test_chosen_pairs(versus, n_pairs):
    x = np.random.default_rng(0).standard_normal((64, 32000))
    picks = np.sort(np.random.default_rng(1).permutation(2016)[:n_pairs])
    seeds, targets = (side[picks] for side in np.tril_indices(64, -1))
    some, all_pairs = hops(x, indices=(seeds, targets)), hops(x)
    chosen = all_pairs().reshape(-1, 2016)[:, picks]
    np.testing.assert_allclose(some().reshape(-1, n_pairs), chosen, atol=1e-9)
    versus(f"64 ch, 5 bands, hop 10, {n_pairs} pairs of 2016", some, rounds=5, all_pairs=all_pairs)
