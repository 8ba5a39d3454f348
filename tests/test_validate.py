"""What the argument checks let through, and what they say when they do not."""

import numpy as np
import pytest

from fastemo import _validate as v

RNG = np.random.default_rng(0)
EEG_UV = np.cumsum(RNG.normal(size=(4, 2000)), axis=1)


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_positive_refuses_values(value):
    with pytest.raises(ValueError, match=r"hop must be a finite number above 0 \(seconds\), got"):
        v.check_positive("hop", value, unit="seconds")


@pytest.mark.parametrize("value", [True, "2", None, [1, 2]])
def test_positive_refuses_what_is_no_number(value):
    with pytest.raises(TypeError, match="hop must be a finite number above 0, got"):
        v.check_positive("hop", value)


def test_positive_returns_a_float():
    assert v.check_positive("start", 0, zero=True) == 0.0
    assert isinstance(v.check_positive("hop", np.int64(3)), float)
    with pytest.raises(ValueError, match="at least 0, got -1"):
        v.check_positive("start", -1, zero=True)


def test_in_names_what_was_meant():
    assert v.check_in("unit", np.str_("uV"), ["uV", "V"]) == "uV"
    with pytest.raises(
        ValueError, match=r"method must be one of 'fft', 'welch'; got 'Welsh' \(did you mean 'welch'\?\)"
    ):
        v.check_in("method", "Welsh", ("fft", "welch"))


@pytest.mark.parametrize("value", [True, 1.0, np.arange(3), ["a"]])
def test_in_takes_no_lookalikes(value):
    with pytest.raises(ValueError, match="order must be one of"):
        v.check_in("order", value, [1, 2, "a"])


def test_channels_are_found_in_order():
    assert v.check_channels(["O2", "Fz"], ["Fz", "O1", "O2"]) == [2, 0]
    with pytest.raises(
        ValueError, match=r"a.edf has no channel 'FZ' \(did you mean 'Fz'\?\), 'X9'; its channels are Fz, O1"
    ):
        v.check_channels(["FZ", "O1", "X9"], ["Fz", "O1"], "a.edf")
    many = [f"voxel{i}" for i in range(5000)]
    with pytest.raises(
        ValueError, match=r"its channels are voxel0, .*, voxel39, \.\.\. \(5000 in all\)$"
    ) as told:
        v.check_channels(["insula"], many)
    assert len(str(told.value)) < 500


def test_sfreq_match():
    v.check_sfreq_match(250.0, 250.0 + 1e-5)
    with pytest.raises(ValueError, match=r"sfreq 250 Hz, expected 256 Hz: .* sfreq=250"):
        v.check_sfreq_match(250, 256)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_array_of_samples_is_not_copied(dtype):
    x = np.zeros((2, 5), dtype)
    assert v.check_array_2d("x", x) is x


@pytest.mark.parametrize(("dtype", "out"), [(np.int16, np.float64), (">f4", "=f4"), (np.float16, np.float32)])
def test_array_of_other_numbers_is_converted(dtype, out):
    x = v.check_array_2d("x", np.arange(6).reshape(2, 3).astype(dtype))
    assert x.dtype == out
    assert x.dtype.isnative
    np.testing.assert_array_equal(x, [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (np.zeros(3), ValueError, r"2 dimensions \(n_channels, n_samples\), got shape \(3,\)"),
        (np.zeros((0, 5)), ValueError, r"at least one channel and one sample, got shape \(0, 5\)"),
        (np.zeros((5, 4)), ValueError, r"4 channels \(rows\), got shape \(5, 4\): the samples come first"),
        (np.zeros((4, 2), complex), TypeError, "float32 or float64, got dtype complex128"),
        (np.zeros((4, 2), bool), TypeError, "got dtype bool"),
        (np.full((4, 2), "a"), TypeError, "got dtype <U1"),
        (np.ma.masked_array(np.zeros((4, 2))), TypeError, r"masked array.*filled\(np.nan\)"),
    ],
)
def test_array_refuses(x, error, says):
    with pytest.raises(error, match=says):
        v.check_array_2d("x", x, n_channels=4)


def test_finite_says_where():
    x = np.zeros((2, 3))
    assert v.check_finite("x", x) is x
    x[1, 2] = np.inf
    with pytest.raises(ValueError, match=r"x must be finite, got 1 .* index \(1, 2\)"):
        v.check_finite("x", x)


def test_lengths_are_rounded_to_whole_samples():
    assert v.n_samples_of("length", 0.1, 128) == 13
    with pytest.raises(
        ValueError, match=r"hop must be at least one sample \(0.01 s at 100 Hz\), got 0.001 s"
    ):
        v.n_samples_of("hop", 0.001, 100)


def test_span():
    assert v.check_span(None, None, 100, 10) == (0, 100)
    assert v.check_span(1.02, 10, 100, 10) == (10, 100)


@pytest.mark.parametrize(
    ("start", "stop", "says"),
    [
        (10, None, "start=10 s is beyond the end of a.edf, which lasts 10 s"),
        (0, 10.1, "stop=10.1 s is beyond the end"),
        (5, 5, "stop must be later than start, got start=5, stop=5"),
        (-1, 5, "start must be a finite number of at least 0"),
        (None, np.nan, "stop must be a finite number above 0"),
    ],
)
def test_span_refuses(start, stop, says):
    with pytest.raises(ValueError, match=says):
        v.check_span(start, stop, 100, 10, "a.edf")


@pytest.mark.parametrize("unit", ["uV", "mV", "V"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_accepts_eeg(unit, dtype):
    v.check_unit((EEG_UV / v.UV_PER_UNIT[unit]).astype(dtype), unit)


@pytest.mark.parametrize(("true", "claimed"), [("V", "uV"), ("uV", "V")])
def test_unit_names_the_mix_up(true, claimed):
    data = EEG_UV / v.UV_PER_UNIT[true]
    with pytest.raises(ValueError, match=f"looks like {true} taken for {claimed}: .* or check_unit=False"):
        v.check_unit(data, claimed)


def test_unit_says_when_no_unit_fits():
    with pytest.raises(ValueError, match="no unit fits it: check its scale"):
        v.check_unit(EEG_UV * 1e5, "uV")


def test_unit_sees_the_mix_up_behind_offsets_flat_ends_and_dead_channels():
    volts = EEG_UV * 1e-6 + 4200e-6
    volts[:, 300:] = 0.0
    volts[0] = 1.0
    with pytest.raises(ValueError, match="looks like V taken for uV"):
        v.check_unit(volts, "uV")


@pytest.mark.parametrize(
    "data",
    [
        EEG_UV + 1e9,
        np.concatenate([EEG_UV, np.zeros((4, 50_000))], axis=1),
        np.concatenate([EEG_UV, np.full((3, 2000), 7.0)]),
        np.repeat(EEG_UV, 10, axis=1),
        np.where(RNG.random(EEG_UV.shape) < 0.6, np.nan, EEG_UV),
        np.round(EEG_UV / 5) * 5,
    ],
    ids=["offset", "flat end", "flat channels", "held samples", "mostly NaN", "coarse"],
)
def test_unit_is_not_fooled(data):
    v.check_unit(data, "uV")


@pytest.mark.parametrize(
    ("data", "unit"),
    [
        (np.zeros((2, 100)), "uV"),
        (np.full((2, 100), np.nan), "uV"),
        (np.arange(200.0).reshape(2, 100) * 1e9, "uV"),
        (EEG_UV[:, :10] * 1e-9, "uV"),
        (EEG_UV[:, :1], "uV"),
        (EEG_UV * 1e-9, "1"),
    ],
    ids=["zeros", "NaN", "ramp", "too short", "one sample", "no unit"],
)
def test_unit_does_not_judge_what_it_cannot(data, unit):
    v.check_unit(data, unit)


def test_unit_must_be_known():
    with pytest.raises(ValueError, match=r"unit must be one of .*did you mean 'uV' or 'V'"):
        v.check_unit(EEG_UV, "UV")
