"""Connectivity of chosen pairs and of regions in the stream: the numbers of all pairs, whatever the way there."""

import re
from dataclasses import replace

import numpy as np
import pytest
from test_connectivity_stream import BANDS, SFREQ, needs_core, pipeline, signals

import fastemo as fe
from fastemo._connectivity_cases import pairs_op
from fastemo.engine import Engine
from fastemo.reference.connectivity import PER_SAMPLE

N = 12


def outputs(stage, x, length=0.5, hop=0.1, **options):
    """Features by name: (n_windows,) each."""
    pipe = pipeline(stage, len(x), length, hop)
    found = Engine(pipe.program, **options).push_array(x)["outputs"]
    return dict(zip(pipe.get_feature_names_out(), found.T))


def turned(name, value):
    """What a measure of a pair is, given that of the pair the other way round."""
    if name in ("imcoh", "cohy_im"):
        return -value
    return 1 - value if name == "dpli" else value


@needs_core
@pytest.mark.parametrize("memory", [None, 0.4])
@pytest.mark.parametrize("n_pairs", [1, 5, 16, 17, 60])
def test_chosen_pairs_are_those_of_all(memory, n_pairs):
    """Of few pairs sums are gathered, of many (60 of 66) all are made: the same numbers."""
    x = signals(N, 1500)
    everything = outputs(fe.Connectivity(BANDS, PER_SAMPLE, memory=memory), x)
    rng = np.random.default_rng(n_pairs)
    picks = rng.permutation(66)[:n_pairs]
    seeds, targets = (side[picks] for side in np.tril_indices(N, -1))
    swap = rng.random(n_pairs) < 0.5
    seeds, targets = np.where(swap, targets, seeds), np.where(swap, seeds, targets)
    chosen = outputs(fe.Connectivity(BANDS, PER_SAMPLE, memory=memory, indices=(seeds, targets)), x)
    assert len(chosen) == 9 * 3 * n_pairs
    for name, values in chosen.items():
        row, pair = name.split(":")
        measure = row.split("__")[0]
        first, second = pair.split("~")
        if pair in {f"ch{a}~ch{b}" for a, b in zip(*np.tril_indices(N, -1))}:
            expected = everything[name]
        else:
            expected = turned(measure, everything[f"{row}:{second}~{first}"])
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-13, err_msg=name)


@needs_core
def test_a_list_has_the_bits_of_all_pairs():
    x = signals(N, 1500)
    everything = outputs(fe.Connectivity(BANDS, PER_SAMPLE), x)
    chosen = outputs(fe.Connectivity(BANDS, PER_SAMPLE, indices=([11, 3], [2, 0])), x)
    for name, values in chosen.items():
        np.testing.assert_array_equal(values, everything[name])


@needs_core
def test_a_list_of_all_pairs_has_their_bits():
    """In their order no list is kept at all, in another one it is read from their values."""
    x = signals(N, 1500)
    everything = outputs(fe.Connectivity(BANDS, PER_SAMPLE), x)
    seeds, targets = np.tril_indices(N, -1)
    for picks in (np.arange(66), np.random.default_rng(0).permutation(66)):
        chosen = outputs(fe.Connectivity(BANDS, PER_SAMPLE, indices=(seeds[picks], targets[picks])), x)
        assert set(chosen) == set(everything)
        for name, values in chosen.items():
            np.testing.assert_array_equal(values, everything[name])


@needs_core
def test_regions_are_means_over_their_pairs():
    x = signals(N, 1500)
    regions = {"left": ["ch0", "ch1"], "middle": [5, "ch6", 7], "right": ["ch11"]}
    everything = outputs(fe.Connectivity(BANDS, ["plv", "imcoh"]), x)
    found = outputs(fe.Connectivity(BANDS, ["plv", "imcoh"], regions=regions), x)
    assert list(found)[:3] == [
        "imcoh__theta:middle~left",
        "imcoh__theta:right~left",
        "imcoh__theta:right~middle",
    ]
    for measure in ("plv", "imcoh"):
        expected = np.mean(
            [everything[f"{measure}__beta:ch{a}~ch{b}"] for a in (5, 6, 7) for b in (0, 1)], axis=0
        )
        np.testing.assert_allclose(found[f"{measure}__beta:middle~left"], expected, atol=1e-13)
    one = outputs(
        fe.Connectivity(BANDS, ["plv", "imcoh"], regions=regions, indices=(["left"], ["middle"])), x
    )
    assert list(one) == [f"{m}__{band}:left~middle" for m in ("imcoh", "plv") for band in BANDS]
    np.testing.assert_allclose(one["imcoh__beta:left~middle"], -found["imcoh__beta:middle~left"], atol=1e-13)


@needs_core
@pytest.mark.parametrize("memory", [None, 0.4])
@pytest.mark.parametrize(
    "chosen",
    [
        {"indices": ([0, 3, 2], [8, 1, 5])},
        {"regions": {"a": [0, 1, 2], "b": [3, 4, 5, 6, 7, 8]}},  # many of the pairs
        {"regions": {"a": [0], "b": [4], "c": [8, 5]}},
    ],
)
def test_chunks_and_threads_change_no_bit(memory, chosen):
    x = signals(9)
    for hop in (0.1, 0.028):
        program = pipeline(fe.Connectivity(BANDS, PER_SAMPLE, memory, **chosen), 9, 0.5, hop).program
        whole = Engine(program).push_array(x)
        assert np.isfinite(whole["outputs"]).all()
        for threads, size in ((1, 1), (1, 7), (2, 100), (3, 613)):
            engine = Engine(program, threads=threads)
            parts = [engine.push_array(x[:, i : i + size]) for i in range(0, x.shape[1], size)]
            parts = np.concatenate(parts)
            assert all(parts[f].tobytes() == whole[f].tobytes() for f in whole.dtype.names)


@needs_core
@pytest.mark.parametrize("most", [1, 2, 8])
@pytest.mark.parametrize("decay", [0.0, 0.99])
def test_the_engines_agree(most, decay):
    from fastemo._cases import _program

    x = signals(9, 1200)
    program = _program([pairs_op(SFREQ, BANDS, decay, 9, most)], 9)
    mine = Engine(program, backend="native").push_array(x)["outputs"]
    theirs = Engine(program, backend="reference").push_array(x)["outputs"]
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-11)


def test_only_what_is_needed_is_filtered():
    """Of 40 channels the two in the only pair; the others' share of the state is not there."""
    stage = fe.Connectivity(BANDS, "plv", indices=(["ch39"], ["ch7"]))
    few, all_pairs = pipeline(stage, 40), pipeline(fe.Connectivity(BANDS, "plv"), 40)
    op = few.program.ops[-1]
    assert op.kind == "cross_pairs"
    np.testing.assert_array_equal(op["pairs"], [[1, 0]])
    assert few.program.ops[0]["coef"].shape == (2, 40)
    assert [o.kind for o in all_pairs.program.ops] == ["cross"]


@pytest.mark.filterwarnings("ignore:Connectivity rests on:RuntimeWarning")
def test_a_pipeline_of_regions_is_saved(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 4, 1000))
    x[6:, 1] += 2 * np.roll(x[6:, 0], 2, axis=-1)
    y = ["apart"] * 6 + ["together"] * 6
    stage = fe.Connectivity(
        BANDS, "plv", regions={"front": ["Fz"], "back": ["Cz", "Pz"]}, indices=(["front"], [1])
    )
    pipe = fe.Pipeline(
        [fe.Window(1.0, 0.25), fe.Features([stage, fe.BandPower(BANDS)]), fe.Standardize(), fe.LDA()],
        sfreq=SFREQ, ch_names=["Fz", "Cz", "Pz", "Oz"], check_unit=False,
    )  # fmt: skip
    pipe.fit(x, y)
    names = list(pipe.get_feature_names_out())
    assert names[:3] == [f"connectivity__plv__{band}:front~back" for band in BANDS]
    assert len(names) == 3 + 3 * 4
    pipe.save(tmp_path / "regions.fastemo")
    again = fe.load(tmp_path / "regions.fastemo")
    assert repr(again) == repr(pipe)
    np.testing.assert_array_equal(again.predict(x), pipe.predict(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"indices": "ab"}, "indices must be two sequences of channels"),
        ({"indices": ([0], [1], [2])}, "indices must be two sequences of channels"),
        ({"indices": (["a"], "b")}, "the targets in indices must be a sequence"),
        ({"indices": ([], [])}, "the seeds in indices must be a sequence"),
        ({"indices": ([0.5], [1])}, "the seeds in indices must hold names or numbers of channels, got 0.5"),
        ({"indices": ([True], [1])}, "got True"),
        ({"indices": ([0, 1], [2])}, "2 seeds and 1 targets"),
        ({"indices": ([0, 0], [2, 2])}, "the pair (0, 2) more than once"),
        ({"regions": {"a": [0]}}, "regions must map at least two names"),
        ({"regions": ["a", "b"]}, "regions must map at least two names"),
        ({"regions": {"a": [], "b": [1]}}, "region 'a' must be a sequence"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fe.Connectivity(BANDS, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"indices": (["ch0"], ["ch9"])}, "'ch9'"),
        ({"indices": ([0], [4])}, "indices of Connectivity holds channel 4, expected 0 to 3"),
        ({"indices": ([-1], [0])}, "holds channel -1"),
        ({"indices": (["ch1"], [1])}, "the channel 'ch1' with itself"),
        ({"regions": {"a": ["ch0"], "b": ["ch0", "ch1"]}}, "'b' and 'a', which share channel 'ch0'"),
        ({"regions": {"a": ["ch0"], "b": [1, "ch1"]}}, "region 'b' of Connectivity holds a channel more than once"),
        ({"regions": {"a": ["ch0"], "b": ["Cz"]}}, "'Cz'"),
        ({"regions": {"a": [0], "b": [1]}, "indices": (["a"], ["c"])}, "'c'"),
        ({"regions": {"a": [0], "b": [1]}, "indices": ([0], [2])}, "holds region 2, expected 0 to 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_channels(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        _ = pipeline(fe.Connectivity(BANDS, **options), 4).program


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": np.array([[0, 5], [1, 0]])}, "pairs"),
        ({"pairs": np.array([[0, -1], [1, 0]])}, "pairs"),
        ({"pairs": np.array([[0, 0], [1, 0]])}, "itself"),
        ({"pairs": np.array([[0, 1]])}, "groups"),
        ({"pairs": np.zeros((2, 3), int)}, "pairs"),
        ({"groups": np.array([0, 2])}, "groups"),
        ({"groups": np.array([1, 1])}, "groups"),
        ({"groups": np.array([1, 0])}, "groups"),
        ({"measures": np.array([1 << 5])}, "measures"),
    ],
)
def test_bad_programs(backend, change, message):
    if backend == "native":
        from fastemo._backend import core

        if core is None:
            pytest.skip("the compiled core is not built")
    from fastemo._cases import _program

    op = pairs_op(SFREQ, BANDS, 0.0, 3, 1)
    tensors = op.tensors | {"pairs": np.array([[1, 0], [2, 1]]), "groups": np.array([0, 1])}
    Engine(_program([replace(op, tensors=tensors)], 3), backend=backend)
    with pytest.raises((ValueError, RuntimeError), match=message):
        Engine(_program([replace(op, tensors=tensors | change)], 3), backend=backend)
