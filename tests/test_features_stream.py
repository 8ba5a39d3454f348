"""Reductions of the window in the engine: the bits of the function on the same samples, however chunks are cut."""

import json

import numpy as np
import pytest
from programs import BACKENDS, make_program, same_bits

import fastemo as fe
from fastemo import features as f
from fastemo._backend import core
from fastemo._program import Op
from fastemo.engine import Engine
from fastemo.stages import Stage

SFREQ, LENGTH, HOP = 100.0, 150, 37
CH = [f"c{i}" for i in range(11)]
Q = {"quantile__q": [0.2, 0.5]}
STAGES = [fe.TimeDomain(fe.TimeDomain.allowed, Q), fe.Complexity(fe.Complexity.allowed)]


def eeg(n_samples=700, seed=0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=(len(CH), n_samples)), axis=1) + 5 * rng.normal(
        size=(len(CH), n_samples)
    )


def pipeline(*stages):
    return fe.Pipeline([fe.Window(LENGTH / SFREQ, hop=HOP / SFREQ), *stages], sfreq=SFREQ, ch_names=CH)


def windows(x):
    return np.stack([x[:, k : k + LENGTH] for k in range(0, x.shape[1] - LENGTH + 1, HOP)])


@pytest.mark.parametrize("stage", STAGES, ids=["time domain", "complexity"])
def test_a_stage_gives_the_bits_of_the_functions(stage):
    x = eeg()
    got = pipeline(stage).transform(x)
    wanted = []
    for name in stage.features:
        params = {"quantile": {"q": Q["quantile__q"]}, "decorr_time": {"sfreq": SFREQ}}.get(name, {})
        values = getattr(f, name)(windows(x), **params)
        values = values[..., None] if values.ndim == 2 else values
        wanted.append(np.moveaxis(values, -1, 1).reshape(len(values), -1))
    np.testing.assert_array_equal(got, np.concatenate(wanted, axis=1))


@pytest.mark.parametrize("length", [150, 149])
def test_the_shape_of_the_spectrum(length):
    x = eeg()
    options = {
        "pow_freq_bands__freq_bands": [1, 4, 8, 30],
        "pow_freq_bands__log": True,
        "hjorth_mobility_spect__normalize": True,
        "spectral_entropy__normalize": True,
        "spect_slope__with_intercept": False,
        "spect_edge_freq__edge": [0.5, 0.9],
        "spect_edge_freq__ref_freq": 40,
    }
    stage = fe.SpectralShape(fe.SpectralShape.allowed, options)
    pipe = fe.Pipeline([fe.Window(length / SFREQ, hop=HOP / SFREQ), stage], sfreq=SFREQ, ch_names=CH)
    got = pipe.transform(x)
    cut = np.stack([x[:, k : k + length] for k in range(0, x.shape[1] - length + 1, HOP)])
    wanted = []
    for name in stage.features:
        method = {"method": "fft"} if name == "spectral_entropy" else {"psd_method": "fft"}
        values = getattr(f, name)(cut, SFREQ, **stage.given(name), **method)
        values = values[..., None] if values.ndim == 2 else values
        wanted.append(np.moveaxis(values, -1, 1).reshape(len(values), -1))
    np.testing.assert_allclose(got, np.concatenate(wanted, axis=1), rtol=1e-10, atol=1e-12)
    names = [name.split(":")[0] for name in pipe.get_feature_names_out()[:: len(CH)]]
    assert names[:3] == [f"pow_freq_bands_band{k}" for k in range(3)]
    assert names[-5:-2] == [f"spect_slope_{value}" for value in ("slope", "mse", "r2")]
    assert names[-2:] == ["spect_edge_freq_0.5", "spect_edge_freq_0.9"]


def test_features_are_named():
    names = pipeline(fe.TimeDomain(["quantile", "std"], Q)).get_feature_names_out()
    assert list(names[[0, 11, 22]]) == ["quantile_q0.2:c0", "quantile_q0.5:c0", "std:c0"]
    mixed = fe.Features([fe.Complexity(["katz_fd"]), fe.BandPower({"alpha": (8, 13)})])
    names = pipeline(mixed).get_feature_names_out()
    assert list(names[[0, 11]]) == ["complexity__katz_fd:c0", "bandpower__alpha:c0"]


def test_a_filter_before_the_window_delays_the_prediction():
    stages = [fe.BandPass(4, 30), fe.Window(1.5, 0.37), fe.TimeDomain(["line_length"])]
    program = fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH).program
    assert 0.01 < program.scalar("time.delay") < 0.2
    assert program.scalar("time.warmup") > 10


@pytest.mark.skipif(core is None, reason="no compiled core")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("stage", STAGES, ids=["time domain", "complexity"])
def test_chunks_and_threads_do_not_matter(stage, threads):
    program, x = pipeline(stage).program, eeg()
    whole = Engine(program).push_array(x)
    assert len(whole) == len(windows(x))
    rng = np.random.default_rng(threads)
    engine = Engine(program, threads=threads)
    cuts = np.sort(rng.integers(0, x.shape[1], 40))
    parts = [engine.push_array(chunk) for chunk in np.split(x, cuts, axis=1)]
    assert same_bits(np.concatenate(parts), whole)


@pytest.mark.skipif(core is None, reason="no compiled core")
@pytest.mark.parametrize("stage", STAGES, ids=["time domain", "complexity"])
def test_the_compiled_engine_agrees_with_the_reference(stage):
    program, x = pipeline(stage).program, eeg(300)
    native, reference = (
        Engine(program, backend=backend).push_array(x) for backend in ("native", "reference")
    )
    np.testing.assert_allclose(native["outputs"], reference["outputs"], rtol=1e-10, atol=1e-12)


def test_a_pipeline_with_reductions_is_saved_and_trained(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, len(CH), 300)) * 10
    x[6:] = np.cumsum(x[6:], axis=2) / 3
    stages = [fe.TimeDomain(["hjorth_mobility", "line_length"]), fe.Standardize(), fe.LDA()]
    pipe = pipeline(*stages).fit(x, ["calm"] * 6 + ["joy"] * 6)
    assert (pipe.predict(x) == ["calm"] * 6 + ["joy"] * 6).all()
    pipe.save(tmp_path / "me.fastemo")
    again = fe.load(tmp_path / "me.fastemo")
    np.testing.assert_array_equal(again.predict_proba(x), pipe.predict_proba(x))
    assert again.named_stages["timedomain"] == stages[0]


def test_a_spec_survives_json():
    stage = fe.Complexity(["higuchi_fd", "perm_entropy"], {"higuchi_fd__kmax": 5, "perm_entropy__order": 4})
    assert Stage.from_spec(json.loads(json.dumps(stage.to_spec()))) == stage


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fe.TimeDomain("mean"), TypeError, "features must be a list of names"),
        (lambda: fe.TimeDomain([]), TypeError, "features must be a list of names"),
        (lambda: fe.TimeDomain(["mean", "mean"]), ValueError, "must name each feature once"),
        (lambda: fe.TimeDomain(["line_lenght"]), ValueError, "did you mean 'line_length'"),
        (lambda: fe.TimeDomain(["katz_fd"]), ValueError, "a name in features must be one of"),
        (lambda: fe.Complexity(["katz_fd"], {"kmax": 3}), ValueError, "options must be named as a feature"),
        (lambda: fe.Complexity(["katz_fd"], {"katz_fd__kmax": 3}), ValueError, "a parameter of katz_fd"),
        (
            lambda: pipeline(fe.Complexity(["higuchi_fd"], {"higuchi_fd__kmax": 99})).program,
            ValueError,
            "198 samples",
        ),
        (
            lambda: fe.SpectralShape(["spect_slope"], {"spect_slope__psd_method": "fft"}),
            ValueError,
            "a parameter of spect_slope",
        ),
        (
            lambda: pipeline(fe.SpectralShape(["pow_freq_bands"])).program,
            ValueError,
            "Nyquist frequency, 50 Hz",
        ),
        (
            lambda: pipeline(fe.TimeDomain(["quantile"], {"quantile__q": 2})).program,
            ValueError,
            "q must be",
        ),
    ],
)
def test_stages_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()


def reduce_op(names, params, n_params):
    return Op(
        "reduce",
        (1,),
        {
            "names": np.frombuffer(names, np.uint8),
            "params": np.array(params, np.float64),
            "n_params": np.array(n_params),
        },
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "op",
    [
        reduce_op(b"nothing", [[0]], [0]),
        reduce_op(b"mean\nstd", [[0]], [0]),
        reduce_op(b"mean", [[0]], [2]),
        reduce_op(b"mean", [[0]], [-1]),
        Op("reduce", (1,), {"names": np.array([1]), "params": np.zeros((1, 1)), "n_params": np.array([0])}),
        Op("reduce", (1,), {"params": np.zeros((1, 1)), "n_params": np.array([0])}),
        Op("reduce", (0,), reduce_op(b"mean", [[0]], [0]).tensors),
    ],
)
def test_damaged_programs_are_refused(op, backend):
    program = make_program([Op("window", (0,)), op], 2, window_length=30, window_hop=10)
    with pytest.raises(ValueError, match=r"reduce|names"):
        Engine(program, backend=backend)


@pytest.mark.skipif(core is None, reason="no compiled core")
@pytest.mark.parametrize(
    ("names", "params"),
    [(b"std", [0.5]), (b"svd_entropy", [1e9, 1, 0]), (b"higuchi_fd", [16, 0]), (b"hurst_exp", [40, 0.0])],
)
def test_damaged_parameters_are_refused(names, params):
    op = reduce_op(names, [params], [len(params)])
    program = make_program([Op("window", (0,)), op], 2, window_length=30, window_hop=10)
    with pytest.raises(ValueError, match=names.decode()):
        Engine(program, backend="native")


@pytest.mark.parametrize("n_channels", [1, 7, 8, 11])
def test_undefined_values_stay_with_their_channel(n_channels):
    """What fills up a group of eight channels has no sample entropy; a decoder must not see that."""
    x = eeg(300)[:n_channels]
    linear = {"coef": np.ones((1, n_channels)), "bias": np.zeros(1)}
    reduction = f.sample_entropy.reduction(LENGTH)
    ops = [
        Op("window", (0,)),
        reduce_op(b"sample_entropy", [reduction.params], [4]),
        Op("linear", (2,), linear),
    ]
    program = make_program(ops, n_channels, window_length=LENGTH, window_hop=LENGTH)
    got = Engine(program).push_array(x)["outputs"][:, 0]
    wanted = f.sample_entropy(np.stack([x[:, :LENGTH], x[:, LENGTH:]])).sum(axis=1)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
