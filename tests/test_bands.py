"""Band sets and the check of a user's own."""

import copy
import pickle

import numpy as np
import pytest

from fastemo.bands import BANDS, BandSet, check_bands


def test_seed_set():
    names, edges = check_bands("seed", sfreq=200)
    assert names == ("delta", "theta", "alpha", "beta", "gamma")
    np.testing.assert_array_equal(edges, [[1, 4], [4, 8], [8, 14], [14, 31], [31, 50]])


@pytest.mark.parametrize("name", list(BANDS))
def test_every_set_is_valid(name):
    names, edges = check_bands(name, sfreq=250)
    assert names == tuple(BANDS[name])
    assert edges.shape == (len(names), 2)
    assert edges.dtype == np.float64


def test_the_three_ways_agree():
    as_set = check_bands("brainflow", 250)
    as_mapping = check_bands(dict(BANDS["brainflow"]), 250)
    as_pairs = check_bands(np.array(list(BANDS["brainflow"].values())), 250)
    assert as_set[0] == as_mapping[0]
    assert as_pairs[0] == ("2-4", "4-8", "8-13", "13-30", "30-45")
    np.testing.assert_array_equal(as_set[1], as_mapping[1])
    np.testing.assert_array_equal(as_set[1], as_pairs[1])


def test_order_and_overlap_are_the_users():
    names, edges = check_bands({"b": (12, 30), "a": (8, 13)}, 100)
    assert names == ("b", "a")
    np.testing.assert_array_equal(edges, [[12, 30], [8, 13]])


def test_a_band_may_end_at_nyquist_and_needs_no_sfreq():
    assert check_bands([(8, 64)], 128)[0] == ("8-64",)
    assert check_bands([(8, 1000)])[0] == ("8-1000",)


def test_sets_cannot_be_changed():
    with pytest.raises(TypeError):
        BANDS["seed"] = {}
    with pytest.raises(TypeError):
        BANDS["seed"]["delta"] = (0, 1)


def test_sets_survive_copy_pickle_and_comparison():
    seed = BANDS["seed"]
    for other in (copy.deepcopy(seed), pickle.loads(pickle.dumps(seed)), BandSet(dict(seed))):
        assert other == seed
        assert hash(other) == hash(seed)
        assert list(other) == list(seed)
    assert seed == dict(seed)
    assert seed != BANDS["deap"]
    assert repr(seed) == "BandSet(delta 1-4, theta 4-8, alpha 8-14, beta 14-31, gamma 31-50 Hz)"


def test_unknown_name_in_the_mapping_is_explained():
    with pytest.raises(KeyError, match="did you mean 'seed'"):
        BANDS["sed"]


@pytest.mark.parametrize(
    ("bands", "error", "message"),
    [
        ("sead", ValueError, r"no band set is called 'sead' \(did you mean 'seed'"),
        ("nonsense", ValueError, "there are standard, seed"),
        ([], ValueError, "at least one band"),
        ({}, ValueError, "at least one band"),
        ([(14, 8)], ValueError, r"must have lo < hi, got \(14, 8\): write \(8, 14\)"),
        ({"alpha": (8, 8)}, ValueError, "'alpha' must have lo < hi"),
        ({"alpha": (8, np.nan)}, ValueError, "'alpha' must be finite"),
        ({"alpha": (8, np.inf)}, ValueError, "'alpha' must be finite"),
        ({"slow": (0, 4)}, ValueError, "'slow' must start above 0 Hz, got 0"),
        ({"slow": (-1, 4)}, ValueError, "'slow' must start above 0 Hz, got -1"),
        ({"gamma": (31, 65)}, ValueError, "'gamma' reaches 65 Hz, beyond the Nyquist frequency 64 Hz"),
        ([(8, 14), (8, 14)], ValueError, "different names, got '8-14' more than once"),
        ({"": (8, 14)}, TypeError, "non-empty string"),
        ({1: (8, 14)}, TypeError, "non-empty string of one line, got 1"),
        ((8, 14), TypeError, r"band number 0 must be a pair \(lo, hi\) in Hz such as \(8, 14\), got 8"),
        ([(8, 14, 30)], TypeError, "band number 0 must be a pair"),
        ({"alpha": "ab"}, TypeError, "band 'alpha' must be a pair"),
        ({"alpha": (True, 14)}, TypeError, "band 'alpha' must be a pair"),
        (None, TypeError, "bands must be the name of a set, .*; got NoneType"),
        (8.0, TypeError, "got float"),
    ],
)  # fmt: skip
def test_bad_bands_are_refused(bands, error, message):
    with pytest.raises(error, match=message):
        check_bands(bands, 128)


@pytest.mark.parametrize("sfreq", [0, -1, np.nan])
def test_bad_sfreq_is_refused(sfreq):
    with pytest.raises(ValueError, match="sfreq must be a finite number above 0"):
        check_bands("seed", sfreq)
