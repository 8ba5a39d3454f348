"""Asymmetries: SEED's pairs, the functions' arithmetic, and the stage in the stream."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastemo as fe
from fastemo.montage import frontal_posterior_pairs, hemisphere_pairs
from fastemo.spectral import band_power, dasm, dcau, differential_entropy, frontal_alpha_asymmetry, rasm

FS = 200.0
BANDS = {"alpha": (8, 14), "beta": (14, 31)}
SEED = [
    "FP1",
    "FPZ",
    "FP2",
    "AF3",
    "AF4",
    "F7",
    "F5",
    "F3",
    "F1",
    "FZ",
    "F2",
    "F4",
    "F6",
    "F8",
    "FT7",
    "FC5",
    "FC3",
    "FC1",
    "FCZ",
    "FC2",
    "FC4",
    "FC6",
    "FT8",
    "T7",
    "C5",
    "C3",
    "C1",
    "CZ",
    "C2",
    "C4",
    "C6",
    "T8",
    "TP7",
    "CP5",
    "CP3",
    "CP1",
    "CPZ",
    "CP2",
    "CP4",
    "CP6",
    "TP8",
    "P7",
    "P5",
    "P3",
    "P1",
    "PZ",
    "P2",
    "P4",
    "P6",
    "P8",
    "PO7",
    "PO5",
    "PO3",
    "POZ",
    "PO4",
    "PO6",
    "PO8",
    "CB1",
    "O1",
    "OZ",
    "O2",
    "CB2",
]
HOMOLOGUES = [
    (0, 2), (3, 4), (5, 13), (6, 12), (7, 11), (8, 10), (14, 22), (15, 21), (16, 20), (17, 19), (23, 31), (24, 30),
    (25, 29), (26, 28), (32, 40), (33, 39), (34, 38), (35, 37), (41, 49), (42, 48), (43, 47), (44, 46), (50, 56),
    (51, 55), (52, 54), (57, 61), (58, 60),
]  # fmt: skip
FRONT_BACK = [
    (14, 32), (15, 33), (16, 34), (17, 35), (18, 36), (19, 37), (20, 38), (21, 39), (22, 40), (5, 41), (6, 42), (7, 43),
    (8, 44), (9, 45), (10, 46), (11, 47), (12, 48), (13, 49), (0, 58), (2, 60), (1, 59), (3, 57), (4, 61),
]  # fmt: skip
NAMES = ["F3", "F4", "Fz", "P3", "P4", "Pz", "Cz"]


def test_seeds_pairs():
    at = {name: i for i, name in enumerate(SEED)}
    found = [(at[left], at[right]) for left, right in hemisphere_pairs(SEED)]
    assert sorted(found) == HOMOLOGUES
    assert sorted((at[a], at[b]) for a, b in frontal_posterior_pairs(SEED)) == sorted(FRONT_BACK)


def test_other_montages():
    assert hemisphere_pairs(["EEG T3-Ref", "EEG T4-Ref", "Cz", "ECG"]) == [("EEG T3-Ref", "EEG T4-Ref")]
    assert frontal_posterior_pairs(["AF3", "AF4", "PO3", "PO4"]) == [("AF3", "PO3"), ("AF4", "PO4")]
    assert hemisphere_pairs(["x", "y"]) == []
    assert len(hemisphere_pairs(fe.montage.MONTAGES["19"])) == 8


@pytest.fixture
def x():
    return 10 * np.random.default_rng(0).standard_normal((7, 1200)).cumsum(axis=-1)


def test_functions(x):
    d = differential_entropy(x, FS, BANDS, "seed")
    assert_array_equal(dasm(d, NAMES), d[[0, 3]] - d[[1, 4]])
    assert_array_equal(rasm(d, NAMES), d[[0, 3]] / d[[1, 4]])
    assert_array_equal(dcau(d, NAMES), d[[0, 1, 2]] - d[[3, 4, 5]])
    assert_array_equal(dasm(d, NAMES, [("Cz", "Pz")]), d[[6]] - d[[5]])
    assert_array_equal(dasm(np.stack([d, d]), NAMES)[1], dasm(d, NAMES))
    assert_array_equal(rasm([[1.0], [0.0]], ["F3", "F4"]), [[0.0]])
    power = band_power(x, FS, {"alpha": (8, 13)}, log=True)
    assert_array_equal(frontal_alpha_asymmetry(x, FS, NAMES), power[1] - power[0])
    power = band_power(x, FS, {"alpha": (9, 12)}, "multitaper", log=True)
    got = frontal_alpha_asymmetry(x, FS, NAMES, band=(9, 12), method="multitaper", pairs=[("P3", "P4")])
    assert_array_equal(got, power[4] - power[3])


def run(stages, x, backend=None):
    pipe = fe.Pipeline([fe.Window(1.0, 0.5), *stages], sfreq=FS, ch_names=NAMES, check_unit=False)
    engine = pipe.engine() if backend is None else fe.Engine(pipe.program, backend=backend)
    return pipe, engine.push_array(x)["outputs"]


@pytest.mark.parametrize("backend", [None, "reference"])
def test_stage(x, backend):
    _, d = run([fe.DifferentialEntropy(BANDS, "seed")], x)
    d = d.reshape(-1, 2, 7)
    stage = fe.Asymmetry(["dasm", "rasm", "dcau"], keep=True)
    _, got = run([fe.DifferentialEntropy(BANDS, "seed"), stage], x, backend)
    wanted = [
        d,
        d[:, :, [0, 3]] - d[:, :, [1, 4]],
        d[:, :, [0, 3]] / d[:, :, [1, 4]],
        d[:, :, :3] - d[:, :, 3:6],
    ]
    # The linear op adds up all features, the others times 0.
    assert_allclose(
        got, np.concatenate([w.reshape(len(d), -1) for w in wanted], axis=1), rtol=1e-10, atol=1e-12
    )


def test_stage_of_frontal_alpha(x):
    pipe, got = run([fe.BandPower({"alpha": (8, 13)}, log=True), fe.Asymmetry("faa")], x)
    windows = np.lib.stride_tricks.sliding_window_view(x, 200, axis=-1)[:, ::100].swapaxes(0, 1)
    assert_allclose(got, frontal_alpha_asymmetry(windows, FS, NAMES), atol=1e-12)
    assert list(pipe.get_feature_names_out()) == ["faa__alpha:F4-F3"]


def test_names_and_a_decoder_behind(x):
    features = fe.Features([fe.DifferentialEntropy(BANDS), fe.BandPower({"alpha": (8, 13)}, log=True)])
    pipe, got = run([features, fe.Asymmetry(["dasm", "dcau"])], x)
    names = list(pipe.get_feature_names_out())
    assert got.shape[1] == len(names) == 3 * 2 + 3 * 3
    assert names[0] == "differentialentropy__dasm__alpha:F3-F4"
    assert "bandpower__dcau__alpha:Fz-Pz" in names
    rng = np.random.default_rng(0)
    data = rng.standard_normal((8, 7, 600)) * np.repeat([5, 9], 4)[:, None, None]
    data[:4, 0] *= 3
    stages = [
        fe.Window(1.0, 0.5),
        fe.DifferentialEntropy(BANDS),
        fe.Asymmetry("dasm"),
        fe.Standardize(),
        fe.LDA(),
    ]
    pipe = fe.Pipeline(stages, sfreq=FS, ch_names=NAMES, check_unit=False).fit(data, ["a"] * 4 + ["b"] * 4)
    assert list(pipe.predict(data)) == ["a"] * 4 + ["b"] * 4


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (
            lambda x: dasm(x[:, :2], ["a", "b", "c", "d", "e", "f", "g"]),
            "no left and right electrodes are among",
        ),
        (
            lambda x: dcau(x[:, :2], ["a", "b", "c", "d", "e", "f", "g"]),
            "no frontal and posterior electrodes",
        ),
        (lambda x: dasm(x[:, :2], NAMES[:3]), "features must have shape"),
        (lambda x: dasm(x[:, :2], NAMES, [("F3", "F9")]), "has no channel 'F9'"),
        (lambda x: dasm(x[:, :2], NAMES, []), "at least one pair"),
        (lambda x: dasm(x[:, :2], NAMES, [("F3", "F3")]), "two different channels"),
        (lambda x: fe.Asymmetry("dams"), "kinds must be one of"),
        (lambda x: fe.Asymmetry([]), "kinds must be one or several"),
        (lambda x: fe.Asymmetry(["dasm", "rasm"], pairs=[("F3", "F4")]), "pairs= are those of one kind"),
        (lambda x: run([fe.BandPower(BANDS), fe.Asymmetry("faa")], x), "needs logarithms of powers"),
        (lambda x: run([fe.Asymmetry("faa"), fe.BandPower(BANDS)], x), "works on features"),
    ],
)
def test_bad_arguments(x, call, fragment):
    with pytest.raises(ValueError, match=fragment):
        call(x)


def test_pairs_that_are_none(x):
    with pytest.raises(TypeError, match="must be two channel names"):
        dasm(x[:, :2], NAMES, ["F3"])
