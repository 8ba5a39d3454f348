"""Channels that break in the stream are interpolated while they are bad: when, from which, and when nothing can be."""

import numpy as np
import pytest
from programs import BACKENDS, same_bits

import fastemo as fe
from fastemo.artefacts import interpolate_bads
from fastemo.artefacts._interpolation import inverse_of_splines, repair_matrix
from fastemo.engine import Engine

CH = [
    "Fp1",
    "Fp2",
    "F7",
    "F3",
    "Fz",
    "F4",
    "F8",
    "T7",
    "C3",
    "Cz",
    "C4",
    "T8",
    "P7",
    "P3",
    "Pz",
    "P4",
    "P8",
    "O1",
    "O2",
]
SFREQ = 100
STATS = fe.TimeDomain(["mean", "std"])
T7, PZ = CH.index("T7"), CH.index("Pz")


def brain(n=1000, seed=0, n_channels=19):
    """Smooth over the head: a few sources, and a little of each channel's own."""
    from fastemo.montage import electrode_positions

    rng = np.random.default_rng(seed)
    place = electrode_positions(CH)[:n_channels]
    x = place @ rng.normal(0, 10, (3, n)) + rng.normal(0, 1, (n_channels, n))
    return x


def flat(x, channel, start, stop):
    x = x.copy()
    x[channel, start:stop] = x[channel, start]
    return x


def pipeline(*stages, window=0.1, **options):
    ahead = stages or (fe.InterpolateBads(),)
    return fe.Pipeline([*ahead, fe.Window(window, hop=window), STATS], sfreq=SFREQ, ch_names=CH, **options)


def means(pipe, x, backend=None):
    """The mean of each channel in each window."""
    return Engine(pipe.program, backend=backend).push_array(x)["outputs"][:, : len(CH)]


def test_inverse_gives_the_weights_of_any_set():
    inverse = inverse_of_splines(CH)
    for bads in (["Cz"], ["T7", "Pz"], ["Fp1", "Fp2", "F7", "F3", "O1"]):
        bad = [CH.index(name) for name in bads]
        good = [c for c in range(len(CH)) if c not in bad]
        weights = -np.linalg.solve(inverse[np.ix_(bad, bad)], inverse[np.ix_(bad, good)])
        np.testing.assert_allclose(weights, repair_matrix(CH, bads)[np.ix_(bad, good)], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
class TestRepair:
    def test_replaces_a_flat_channel_while_it_is_bad(self, backend):
        """Flat from 300 on: from 325 the run is long enough, at 380 half the second is flat; good again at 650."""
        x = flat(brain(), T7, 300, 600)
        whole, mended = x.reshape(19, -1, 10).mean(axis=2).T, interpolate_bads(x, CH, ["T7"])
        mended = mended.reshape(19, -1, 10).mean(axis=2).T
        got = means(pipeline(), x, backend)
        is_mended = ~np.isclose(got[:, T7], whole[:, T7], rtol=0, atol=1e-9)
        assert np.flatnonzero(is_mended).tolist() == list(range(38, 65))
        np.testing.assert_allclose(got[is_mended], mended[is_mended], atol=1e-9)
        np.testing.assert_array_equal(np.delete(got, T7, axis=1), means(pipeline(fe.CustomSos(IDENTITY)), x, backend)
                                      [:, [c for c in range(19) if c != T7]])  # fmt: skip

    @pytest.mark.parametrize(
        ("quality", "spoil"),
        [
            (fe.Quality(rail=500.0), lambda x: np.where(np.arange(x.size) % 2, 600.0, x)),
            (fe.Quality(step=100.0), lambda x: x + 200.0 * (np.arange(x.size) % 5 == 0)),
            (fe.Quality(muscle=0.7), lambda x: x + 90 * np.sin(2 * np.pi * 37 * np.arange(x.size) / SFREQ)),
            (fe.Quality(line=3.0, line_freq=36), lambda x: x + 90 * np.sin(2 * np.pi * 36 * np.arange(x.size) / SFREQ)),
        ],
        ids=["railed", "noisy", "muscle", "line"],
    )  # fmt: skip
    def test_every_check_finds_its_fault(self, backend, quality, spoil):
        x = fe.signal.sosfilt(LOWPASS, brain(2000))
        y = x.copy()
        y[PZ, 500:] = spoil(y[PZ, 500:])
        pipe = pipeline(fe.InterpolateBads(quality), window=0.5)
        got = means(pipe, y, backend)
        mended = interpolate_bads(y, CH, ["Pz"]).reshape(19, -1, 50).mean(axis=2).T
        np.testing.assert_allclose(got[14:], mended[14:], atol=1e-8)
        whole = y.reshape(19, -1, 50).mean(axis=2).T
        np.testing.assert_allclose(got[4:10], whole[4:10], atol=1e-8)

    def test_two_sets_one_after_the_other(self, backend):
        x = flat(flat(brain(1500), T7, 300, 700), PZ, 500, 900)
        got = means(pipeline(), x, backend)
        for bads, begin, stop in ((["T7"], 40, 57), (["T7", "Pz"], 58, 75), (["Pz"], 76, 94)):
            mended = interpolate_bads(x, CH, bads).reshape(19, -1, 10).mean(axis=2).T
            np.testing.assert_allclose(got[begin:stop], mended[begin:stop], atol=1e-9)

    def test_too_many_abstain(self, backend):
        """Five of 19 are more than a quarter: nothing is replaced, and windows with such a sample do not pass."""
        x = brain(1200)
        for channel in range(5):
            x = flat(x, channel, 300, 600)
        program = pipeline(fe.Quality(minimum=0.0), fe.InterpolateBads(), window=0.3).program
        out = Engine(program, backend=backend).push_array(x)
        assert np.flatnonzero(out["abstained"]).tolist() == list(range(380 // 30, 650 // 30 + 1))
        assert (out["quality"][out["abstained"] == 1] == 0).all()
        assert np.isfinite(out["outputs"][out["abstained"] == 0]).all()
        ample = pipeline(fe.Quality(minimum=0.0), fe.InterpolateBads(most=0.3), window=0.3).program
        assert not Engine(ample, backend=backend).push_array(x)["abstained"].any()

    def test_chunks_do_not_matter(self, backend):
        x = flat(flat(brain(1200), T7, 200, 500), PZ, 333, 700)
        for channel in range(6):
            x = flat(x, channel, 800, 950)
        quality = fe.Quality(muscle=0.8, step=45, noisy=0.02)
        repair = fe.InterpolateBads(quality, window=0.4, hop=0.07)
        stages = [fe.Quality(minimum=0.0), fe.HighPass(1), repair, fe.CommonAverage(), fe.Resample(64)]
        pipe = fe.Pipeline([*stages, fe.Window(0.5, hop=0.1), STATS], sfreq=SFREQ, ch_names=CH)
        whole = Engine(pipe.program, backend=backend).push_array(x)
        assert 0 < whole["abstained"].sum() < len(whole)
        rng = np.random.default_rng(1)
        for most in (2, 13, 300):
            engine, parts, at = Engine(pipe.program, backend=backend), [], 0
            while at < x.shape[1]:
                n = int(rng.integers(1, most + 1))
                parts.append(engine.push_array(x[:, at : at + n]))
                at += n
            assert same_bits(np.concatenate(parts), whole)
            engine.reset()
            assert same_bits(engine.push_array(x), whole)

    def test_unknown_places_are_left_alone(self, backend):
        names = [*CH[:-1], "ECG"]
        x = flat(flat(brain(), 18, 300, 600), T7, 300, 600)
        stages = [fe.InterpolateBads(), fe.Window(0.1, hop=0.1), STATS]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=names)
        got = Engine(pipe.program, backend=backend).push_array(x)["outputs"][:, :19]
        np.testing.assert_allclose(got[:, 18], x[18].reshape(-1, 10).mean(axis=1), atol=1e-9)
        mended = interpolate_bads(x, names, ["T7"]).reshape(19, -1, 10).mean(axis=2).T
        np.testing.assert_allclose(got[40:60], mended[40:60], atol=1e-9)


IDENTITY = np.array([[1.0, 0, 0, 1, 0, 0]])
LOWPASS = np.array([[0.0675, 0.1349, 0.0675, 1, -1.143, 0.4128]])  # about 10 Hz


def test_native_and_reference_agree_on_a_cut_stream():
    rng = np.random.default_rng(5)
    x = np.clip(brain(3000) * (1 + 5 * (rng.random((19, 1)) < 0.2)), -70, 70)
    pipe = pipeline(fe.HighPass(1), fe.InterpolateBads(fe.Quality(rail=60, step=60, noisy=0.05), share=0.02))
    outs = [Engine(pipe.program, backend=b).push_array(x) for b in ("native", "reference")]
    for name in ("outputs", "quality", "abstained"):
        np.testing.assert_allclose(outs[0][name], outs[1][name], rtol=1e-9, atol=1e-9)


def test_asr_learns_from_what_is_mended():
    x = flat(brain(6000), T7, 1000, 3000)
    stages = [fe.HighPass(1), fe.InterpolateBads(), fe.ASR(), fe.Window(1, hop=0.5), STATS]
    pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH).fit(x)
    assert np.isfinite(pipe.transform(x)[4:]).all()


def test_is_saved(tmp_path):
    x = flat(brain(), T7, 300, 600)
    pipe = pipeline(
        fe.InterpolateBads(fe.Quality(step=100, line=5, line_freq=40), positions={"T7": (-1, 0, 0)})
    )
    pipe.save(tmp_path / "repair.fastemo")
    again = fe.load(tmp_path / "repair.fastemo")
    assert again.stages == pipe.stages
    assert same_bits(again.engine().push_array(x), pipe.engine().push_array(x))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fe.InterpolateBads("strict"), TypeError, "quality must be a Quality"),
        (lambda: fe.InterpolateBads(share=1.5), ValueError, "share must be"),
        (lambda: fe.InterpolateBads(most=0), ValueError, "most must be"),
        (lambda: fe.InterpolateBads(window=0.05), ValueError, "at least one hop"),
        (lambda: fe.InterpolateBads(positions={"Cz": (0, 0, 0)}), ValueError, "off the centre"),
        (lambda: pipeline(fe.Bipolar([("Fz", "Cz")]), fe.InterpolateBads()).program, ValueError, "channels of the rec"),
        (lambda: pipeline(fe.Resample(64), fe.InterpolateBads()).program, ValueError, "before Resample"),
        (
            lambda: fe.Pipeline([fe.InterpolateBads(), fe.Window(1, 1), STATS], 100, ["Fz", "Cz", "x"]).program,
            ValueError, "at least 4 electrodes",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"most": [0]}, "most"),
        ({"hop": [0]}, "hop"),
        ({"flat": [1]}, "flat"),
        ({"share": [-0.1]}, "share"),
        ({"inverse": np.eye(18)}, "inverse"),
        ({"ratio": [1.0]}, "coef|zi"),
    ],
)
def test_damaged_programs_are_refused(backend, change, message):
    from fastemo._program import Op, Program

    program = pipeline().program
    op = program.ops[0]
    arrays = {name: np.asarray(value, float if name in ("share", "inverse", "ratio") else np.int64)
              for name, value in change.items()}  # fmt: skip
    broken = Program(
        (Op(op.kind, op.inputs, op.tensors | arrays), *program.ops[1:]), program.header, program.metadata
    )
    with pytest.raises(
        (ValueError, fe.model_file.ModelError) if hasattr(fe, "model_file") else ValueError, match=message
    ):
        Engine(broken, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_matrix_of_no_splines_repairs_nothing(backend):
    from fastemo._program import Op, Program

    program = pipeline(fe.Quality(minimum=0.0), fe.InterpolateBads()).program
    op = program.ops[0]
    tensors = op.tensors | {"inverse": np.ones((19, 19))}
    broken = Program((Op(op.kind, op.inputs, tensors), *program.ops[1:]), program.header, program.metadata)
    x = flat(flat(brain(), T7, 300, 600), PZ, 300, 600)
    assert Engine(broken, backend=backend).push_array(x)["abstained"].sum() > 20
