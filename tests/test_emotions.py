"""Names and points of affect, and what labels mean."""

import json

import numpy as np
import pytest

from fastemo.emotions import (
    ALIASES,
    BASIC,
    EMOTIONS,
    FACED,
    LabelSpace,
    canonical,
    label_space,
    nearest_emotions,
    to_vad,
    vad_table,
)

MIXED = "y mixes kinds of label"


def test_vocabularies_have_prototypes():
    assert len(BASIC) == 7
    assert len(FACED) == 9
    assert set(BASIC) | set(FACED) | set(ALIASES.values()) <= set(EMOTIONS)
    assert np.isfinite(vad_table(BASIC)).all()
    assert np.isfinite(vad_table(FACED)[:2]).all()
    np.testing.assert_array_less(np.abs([v[:2] for v in EMOTIONS.values()]), 1)


def test_dominance_separates_fear_from_anger():
    fear, anger = vad_table(["fear", "anger"]).T
    assert np.hypot(*(fear - anger)[:2]) < 0.2
    assert anger[2] - fear[2] > 0.8


def test_aliases():
    assert canonical(" Happiness ") == "joy"
    assert canonical("awe") == "awe"
    np.testing.assert_array_equal(vad_table(["HAPPY"]), vad_table(["joy"]))


def test_blend_formula():
    joy, fear = vad_table(["joy", "fear"]).T
    weights = np.array([[0.5, 0.25], [1.0, 1.0], [0.0, 0.0]])
    expected = [0.5 * joy + 0.25 * fear, (joy + fear) / 2, np.zeros(3)]
    np.testing.assert_allclose(to_vad(weights, ["joy", "fear"]), expected, rtol=1e-15)


def test_probabilities_give_the_expected_point():
    p = np.full(len(BASIC), 1 / len(BASIC))
    np.testing.assert_allclose(to_vad(p, BASIC), vad_table(BASIC).mean(axis=1), rtol=1e-12)


def test_undefined_dimensions_stay_undefined():
    point = to_vad([0.5, 0.5], ["joy", "contentment"])
    assert np.isfinite(point[:2]).all()
    assert np.isnan(point[2])


@pytest.mark.parametrize("name", BASIC)
def test_prototype_is_nearest_to_itself(name):
    best, *_ = nearest_emotions(EMOTIONS[name])
    assert best.name == name
    assert best.distance == 0


def test_nearest_is_a_ranking_with_weights():
    ranked = nearest_emotions((-0.65, 0.65), n=7)
    assert {r.name for r in ranked[:2]} == {"fear", "anger"}
    assert [r.distance for r in ranked] == sorted(r.distance for r in ranked)
    assert sum(r.weight for r in ranked) == pytest.approx(1)
    assert ranked[0].weight - ranked[1].weight < 0.05, "valence and arousal alone do not decide"
    assert len(nearest_emotions((0, 0))) == 3
    assert sum(r.weight for r in nearest_emotions((0, 0))) < 1


def test_dominance_decides_and_nan_is_unknown():
    assert nearest_emotions((-0.65, 0.7, 0.3), n=1)[0].name == "anger"
    assert nearest_emotions((-0.65, 0.7, -0.6), n=1)[0].name == "fear"
    assert nearest_emotions((-0.65, 0.65, np.nan)) == nearest_emotions((-0.65, 0.65))
    with_faced = nearest_emotions((-0.6, 0.7, -0.6), names=FACED, n=9)
    assert with_faced == nearest_emotions((-0.6, 0.7), names=FACED, n=9), "only shared dimensions count"


def test_own_prototypes():
    own = {"flow": (0.6, 0.3, 0.4)}
    assert nearest_emotions((0.6, 0.3), names=["flow", "joy"], emotions=own)[0].name == "flow"
    space = label_space(["flow", "joy", "rest"], emotions=own)
    np.testing.assert_array_equal(space.vad(), vad_table(["flow", "joy", "rest"], own))
    assert np.isnan(space.vad()[:, 2]).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: to_vad([0.5], ["joy", "fear"]), ValueError, r"one value per name \(2\), got shape \(1,\)"),
        (lambda: to_vad([-0.5], ["joy"]), ValueError, "weights must be at least 0, got -0.5"),
        (lambda: nearest_emotions((5, 5)), ValueError, r"vad must lie in \[-1, 1\], got \(5, 5\)"),
        (lambda: nearest_emotions((0.1,)), TypeError, "vad must be"),
        (lambda: nearest_emotions((np.nan, np.nan)), ValueError, "a dimension that every candidate has"),
        (lambda: nearest_emotions((0, 0), names=["joi"]), ValueError, r"'joi' has no prototype \(known: joy"),
        (lambda: nearest_emotions((0, 0), names=[]), ValueError, "at least one emotion"),
        (lambda: nearest_emotions((0, 0), n=0), ValueError, "n must be a whole number of at least 1, got 0"),
        (lambda: nearest_emotions((0, 0), width=0), ValueError, "width must be a finite number above 0"),
        (lambda: vad_table(["x"], {"x": (1, 2, 0)}), ValueError, r"emotions\['x'\] must lie in \[-1, 1\]"),
        (lambda: vad_table(["x"], {"x": 1.0}), TypeError, r"emotions\['x'\] must be \(valence, arousal\)"),
    ],
)
def test_bad_points_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "y",
    [["b", "a", "b"], np.array(["b", "a", "b"]), [2, 0, 2], np.array([2, 0, 2]), [True, False, True]],
)
def test_classes_keep_type_and_order_of_unique(y):
    space = label_space(y)
    assert space.kind == "classes"
    assert list(space.classes) == np.unique(y).tolist()
    assert {type(c) for c in space.classes} == {type(np.asarray(y).tolist()[0])}
    np.testing.assert_array_equal(space.encode(y), np.unique(y, return_inverse=True)[1])
    assert space.names == tuple(str(c) for c in space.classes)


def test_classes_have_a_vad_table():
    space = label_space(["sad", "rest", "Joy"])
    assert space.classes == ("Joy", "rest", "sad")
    np.testing.assert_array_equal(space.vad(), vad_table(["joy", "rest", "sadness"]))
    assert np.isnan(label_space([0, 1]).vad()).all()


@pytest.mark.parametrize("kind", [set, frozenset, list, tuple, np.array])
def test_multilabel(kind):
    y = [kind(["joy", "surprise"]), kind(["fear"]), set()]
    space = label_space(y)
    assert space.kind == "multilabel"
    assert space.names == ("fear", "joy", "surprise")
    np.testing.assert_array_equal(space.encode(y), [[0, 1, 1], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(space.vad(), vad_table(space.names))


def test_intensities():
    y = [{"arousal": 0.3, "joy": 1}, {"joy": 0.5, "arousal": -0.2}]
    space = label_space(y)
    assert space.kind == "intensities"
    assert space.names == ("arousal", "joy")
    encoded = space.encode(y)
    assert encoded.dtype == np.float64
    np.testing.assert_array_equal(encoded, [[0.3, 1], [-0.2, 0.5]])


def test_vad_of_intensities_selects_the_outputs_so_named():
    space = label_space([{"arousal": 0.3, "valence": 0.1, "joy": 1.0}])
    outputs = np.array([0.3, 0.1, 1.0])
    np.testing.assert_array_equal(space.vad() @ outputs, [0.1, 0.3, np.nan])


@pytest.mark.parametrize("y", [[0.1, 0.5], np.array([0.1, 0.5]), [0, 0.5], np.float32([0.25, 0.5])])
def test_floats_are_one_intensity(y):
    space = label_space(y)
    assert (space.kind, space.names) == ("intensities", ("value",))
    np.testing.assert_array_equal(space.encode(y), np.asarray(y, dtype=float)[:, None])


@pytest.mark.parametrize("y", [["a", "b"], [1, 2], [{"a"}, {"b"}], [{"valence": 0.5}, {"valence": 0.1}]])
def test_spaces_compare_hash_and_survive_json(y):
    space = label_space(y)
    again = LabelSpace.from_dict(json.loads(json.dumps(space.to_dict(), allow_nan=False)))
    assert again == space
    assert hash(again) == hash(space)
    np.testing.assert_array_equal(again.vad(), space.vad())
    assert len(again) == len(space.names)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([], ValueError, "at least one label"),
        ("joy", TypeError, "y must be a sequence of labels, got 'joy'"),
        (3, TypeError, "y must be a sequence"),
        (["joy", "joy"], ValueError, r"at least two classes, got only 'joy' \(2 times\)"),
        (["joy", 1], ValueError, rf"{MIXED}: y\[0\] is a str, y\[1\] is a int"),
        ([True, 1, 0], ValueError, MIXED),
        (["joy", {"fear"}], ValueError, MIXED),
        ([{"joy": 1.0}, 0.5], ValueError, MIXED),
        (["joy", None], ValueError, r"y\[1\] is None"),
        ([0.1, np.nan], ValueError, r"y\[1\] must be finite, got nan"),
        ([{"v": 0.1}, {"v": np.inf}], ValueError, "intensity 'v' must be finite, got inf"),
        ([{"v": "a"}], TypeError, "intensity 'v' must be a number, got 'a'"),
        ([{1: 0.5}], TypeError, "names of intensities must be non-empty strings, got 1"),
        ([{}], ValueError, "must hold at least one"),
        ([{"v": 0.1}, {"a": 0.2}], ValueError, r"y\[1\] has intensities a, expected v"),
        ([set(), set()], ValueError, "2 empty sets"),
        ([{"joy"}, {"joy", "fear"}], ValueError, "'joy' in every set"),
        ([{1}, {2}], TypeError, r"y\[0\] must hold names, got 1 in it"),
        ([[0.1, 0.2]], TypeError, r"got 0.1 in it; numbers need names too"),
        ([object(), object()], TypeError, r"y\[0\] must be a str or int, .* got object"),
    ],
)
def test_bad_labels_are_refused(y, error, message):
    with pytest.raises(error, match=message):
        label_space(y)


@pytest.mark.parametrize(
    ("known", "y", "error", "message"),
    [
        (["a", "b"], ["c"], ValueError, r"y\[0\] is 'c', expected one of 'a', 'b'"),
        (["a", "b"], [0], ValueError, r"y\[0\] is 0, expected one of 'a', 'b'"),
        ([0, 1], [0.5], ValueError, r"kind 'intensities', expected 'classes' \(0, 1\)"),
        ([{"a"}, {"b"}], [{"a", "c"}], ValueError, r"y\[0\] is 'c'"),
        ([{"v": 0.1}], [{"a": 0.1}], ValueError, r"y\[0\] has intensities a, expected v"),
        (["a", "b"], [], ValueError, "at least one label"),
    ],
)
def test_bad_labels_do_not_encode(known, y, error, message):
    with pytest.raises(error, match=message):
        label_space(known).encode(y)


def test_one_class_encodes_in_a_space_of_two():
    np.testing.assert_array_equal(label_space(["a", "b"]).encode(["b", "b"]), [1, 1])
