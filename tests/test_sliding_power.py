"""Running sums of DFT bins: the windows' own transforms, whatever the chunks, and after ten million samples."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastemo as fe
from fastemo._backend import core
from fastemo._case_programs import _program
from fastemo._program import Op, Program

FS = 250.0
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
native = pytest.mark.skipif(core is None, reason="the compiled core is not built")


def powers(method, x, length, hop, bands=BANDS, chunks=None, backend=None, **options):
    names = [f"ch{c}" for c in range(len(x))]
    stages = [fe.Window(length / FS, hop / FS), fe.BandPower(bands, method, **options)]
    pipe = fe.Pipeline(stages, sfreq=FS, ch_names=names, check_unit=False)
    engine = pipe.engine() if backend is None else fe.Engine(pipe.program, backend=backend)
    cuts = [0, x.shape[1]] if chunks is None else chunks
    parts = [engine.push_array(x[:, a:b])["outputs"] for a, b in pairwise(cuts)]
    return np.concatenate(parts)


@pytest.mark.parametrize("taper", ["hann", "hamming", "boxcar"])
@pytest.mark.parametrize(
    ("length", "hop"),
    [
        (500, 10),
        (500, 7),
        (499, 10),
        (250, 250),
        (125, 1),
        (125, 33),
        (125, 200),
        (256, 16),
        (300, 40),
        (128, 17),
    ],
)
def test_is_the_fft_of_every_window(length, hop, taper):
    x = 10 * np.random.default_rng(length).standard_normal((9, 20 * length + 13)) + 50
    for detrend in ("constant", False):
        options = {"taper": taper, "detrend": detrend}
        wanted = powers("fft", x, length, hop, **options)
        assert len(wanted) > 50 or hop > 100
        # Sums of some thousand values of this size, and of the offset in the first of them.
        assert_allclose(powers("sliding", x, length, hop, **options), wanted, rtol=1e-10)


@native
@pytest.mark.parametrize(("length", "hop"), [(200, 10), (200, 7), (125, 33), (60, 90)])
def test_same_bits_for_any_chunks_and_neighbours(length, hop):
    rng = np.random.default_rng(hop)
    x = 10 * rng.standard_normal((11, 4000))
    bands = {"a": (12.0, 40.0), "b": (40.0, 90.0)}
    whole = powers("sliding", x, length, hop, bands)
    for _ in range(3):
        cuts = [0, *np.sort(rng.integers(0, 4000, 60)), 4000]
        assert_array_equal(powers("sliding", x, length, hop, bands, cuts), whole)
    assert_array_equal(powers("sliding", x, length, hop, bands, list(range(4001))), whole)
    alone = powers("sliding", x[3:4], length, hop, bands)
    assert_array_equal(alone, whole.reshape(len(whole), 2, 11)[:, :, 3])


@native
def test_reset_is_a_new_stream():
    x = np.random.default_rng(0).standard_normal((3, 900))
    pipe = fe.Pipeline(
        [fe.Window(0.8, 0.04), fe.BandPower(BANDS, "sliding")],
        sfreq=FS,
        ch_names=["a", "b", "c"],
        check_unit=False,
    )
    engine = pipe.engine()
    first = engine.push_array(x)["outputs"]
    engine.push_array(1e6 * x[:, ::-1])
    engine.reset()
    assert_array_equal(engine.push_array(x)["outputs"], first)


@native
def test_an_artefact_is_forgotten():
    """A billion times the signal leaves rounding behind, until the sums begin anew."""
    x = np.random.default_rng(0).standard_normal((2, 30_000))
    x[:, 5000:5100] += 1e9
    wanted = powers("fft", x, 500, 10)
    got = powers("sliding", x, 500, 10)
    ends = 500 + 10 * np.arange(len(got))
    late = ends > 5100 + 500 + 9 * 500
    assert np.abs(got[~late] / wanted[~late] - 1).max() > 1e-9
    assert_allclose(got[late], wanted[late], rtol=1e-11)


@native
def test_nothing_has_drifted_after_ten_million_samples():
    """Windows at the end, and late between two fresh starts, against their own transforms."""
    length, hop, n = 500, 10, 250_000
    rng = np.random.default_rng(1)
    x = 10 * rng.standard_normal((1, n)) + 3
    pipe = fe.Pipeline(
        [fe.Window(length / FS, hop / FS), fe.BandPower({"a": (8, 13)}, "sliding")],
        sfreq=FS, ch_names=["a"], check_unit=False,
    )  # fmt: skip
    engine = pipe.engine()
    worst = 0.0
    for _ in range(40):
        got = engine.push_array(x)["outputs"][-400:, 0]
        last = x[0, -(400 * hop + length - hop) :]
        windows = np.lib.stride_tricks.sliding_window_view(last, length)[::hop]
        wanted = fe.spectral.band_power(windows, FS, {"a": (8, 13)})[:, 0]
        worst = max(worst, np.abs(got / wanted - 1).max())
    assert engine.counters["samples"] == 10_000_000
    assert worst < 1e-12


@native
@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize(
    "change",
    [
        {"bins": np.array([0, 5])}, {"bins": np.array([3, 64])}, {"bins": np.array([5, 5])}, {"scale": np.ones(4)},
        {"edges": np.array([[0, 6]])}, {"edges": np.array([[2, 2]])}, {"weight": np.ones(2)},
        {"detrend": np.array([2])}, {"taper": np.ones(3)},
    ],
)  # fmt: skip
def test_damaged_tensors_are_refused(engine, change):
    tensors = {
        "taper": np.array([0.5, 0.5]), "detrend": np.array([1]), "bins": np.array([1, 6]), "scale": np.ones(5),
        "edges": np.array([[0, 5]]), "weight": np.ones(1),
    }  # fmt: skip
    fe.Engine(_program([Op("sliding_power", (0,), tensors)], 3), backend=engine)
    with pytest.raises(ValueError, match="sliding_power"):
        fe.Engine(_program([Op("sliding_power", (0,), tensors | change)], 3), backend=engine)


@native
def test_endless_windows_are_refused():
    good = _program([Op("sliding_power", (0,), {
        "taper": np.array([0.5, 0.5]), "detrend": np.array([1]), "bins": np.array([1, 6]), "scale": np.ones(5),
        "edges": np.array([[0, 5]]), "weight": np.ones(1)})], 1)  # fmt: skip
    endless = Program(good.ops, good.header | {"window.length": np.array([1 << 21])}, good.metadata)
    with pytest.raises(ValueError, match="slides over a window of 2097152 samples"):
        fe.Engine(endless)


def test_parameters():
    with pytest.raises(ValueError, match="taper must be one of 'hann', 'hamming', 'boxcar'"):
        fe.BandPower(BANDS, "sliding", taper="blackman")
    with pytest.raises(ValueError, match="none in the band 'low'"):
        powers("sliding", np.zeros((1, 500)), 100, 10, {"low": (1.0, 1.5)})
    assert "sliding" in repr(fe.BandPower(BANDS, "sliding"))


def kinds(length, hop, bands=BANDS, **options):
    stages = [fe.Window(length / FS, hop / FS), fe.BandPower(bands, **options)]
    return [op.kind for op in fe.Pipeline(stages, sfreq=FS, ch_names=["a"]).program.ops]


def test_is_chosen_where_it_costs_less():
    sliding, by_fft = ["sliding_power"], ["window", "fft_power", "bandsum"]
    assert kinds(500, 25) == sliding
    assert kinds(500, 250) == by_fft
    # The more bins, the sooner running sums of them cost more than an FFT.
    assert kinds(500, 50, {"alpha": (8, 13)}) == sliding
    assert kinds(500, 50, {"all": (1, 120)}) == by_fft
    # The parameter forces either, and what cannot slide does not.
    assert kinds(500, 25, method="fft") == by_fft
    assert kinds(500, 250, method="sliding") == sliding
    assert kinds(500, 25, taper=("kaiser", 8.0)) == by_fft


def test_both_choices_give_the_same_numbers():
    x = 10 * np.random.default_rng(4).standard_normal((5, 6000)) + 20
    for hop in (10, 50, 100, 250):
        assert_allclose(powers("auto", x, 500, hop), powers("fft", x, 500, hop), rtol=1e-10)


def test_a_saved_model_keeps_to_what_was_chosen(tmp_path, monkeypatch):
    stages = [
        fe.Window(2, 0.2),
        fe.Features(
            [
                fe.DifferentialEntropy({"all": (1, 120)}, "spectral"),
                fe.BandPower(BANDS),
                fe.DifferentialEntropy(BANDS, "spectral"),
                fe.BandPower({"all": (1, 120)}, log=True),
            ]
        ),
    ]
    pipe = fe.Pipeline(stages, sfreq=FS, ch_names=["a", "b"])
    pipe.save(tmp_path / "power.fastemo")
    made = [op.kind for op in pipe.program.ops]
    assert made.count("sliding_power") == 2
    assert made.count("fft_power") == 2
    monkeypatch.setattr("fastemo.stages._window_power.band_power_costs", lambda *_: {"fft": 1, "sliding": 0})
    again = fe.load(tmp_path / "power.fastemo")
    assert [op.kind for op in again.program.ops] == made
    again.save(tmp_path / "again.fastemo")
    assert [op.kind for op in fe.load(tmp_path / "again.fastemo").program.ops] == made
    monkeypatch.setattr("fastemo.stages._window_power.band_power_costs", lambda *_: {"fast": 0})
    with pytest.raises(fe.model_file.ModelError, match="was chosen, expected one of fast"):
        fe.load(tmp_path / "power.fastemo")


class TestDifferentialEntropy:
    """Of the band power of windows: by the same choice."""

    def pipe(self, hop, **options):
        stages = [fe.Window(500 / FS, hop / FS), fe.DifferentialEntropy(BANDS, "spectral", **options)]
        return fe.Pipeline(stages, sfreq=FS, ch_names=["a", "b", "c"])

    def kinds(self, hop, **options):
        return [op.kind for op in self.pipe(hop, **options).program.ops]

    def test_slides_where_that_costs_less(self):
        assert self.kinds(25) == ["sliding_power", "log"]
        assert self.kinds(250) == ["window", "fft_power", "bandsum", "log"]
        assert self.kinds(25, method="fft") == self.kinds(250)
        assert self.kinds(250, method="sliding") == self.kinds(25)

    def test_gives_the_same_numbers(self):
        x = 10 * np.random.default_rng(5).standard_normal((3, 4000)) + 20
        by_fft, sliding = (
            self.pipe(25, method=method).engine().push_array(x)["outputs"] for method in ("fft", "sliding")
        )
        assert_allclose(sliding, by_fft, rtol=1e-10)
        last = fe.spectral.differential_entropy(x[:, -500:], FS, BANDS, "spectral")
        assert_allclose(sliding[-1].reshape(-1, 3), last.T if last.shape[0] == 3 else last, rtol=1e-9)

    def test_a_choice_is_for_spectra_only(self):
        with pytest.raises(ValueError, match="method='sliding' has no meaning for definition='gauss'"):
            fe.DifferentialEntropy(BANDS, method="sliding")
        with pytest.raises(ValueError, match="method must be one of"):
            fe.DifferentialEntropy(BANDS, "spectral", method="welch")

    @pytest.mark.parametrize("chosen", [None, []])
    def test_models_saved_before_there_was_a_choice_stay_as_they_are(self, chosen, tmp_path):
        import json

        from fastemo import model_file

        self.pipe(25, method="fft").save(tmp_path / "made.fastemo")
        tensors, metadata = model_file.read(tmp_path / "made.fastemo")
        python = json.loads(metadata["stages"])
        del python["stages"][1]["method"], python["chosen"]
        if chosen is not None:
            python["chosen"] = chosen
        old = model_file.write(tensors, metadata | {"stages": json.dumps(python)})
        kinds = [op.kind for op in fe.load(old).program.ops]
        assert kinds == ["window", "fft_power", "bandsum", "log"]
