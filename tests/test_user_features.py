"""Features that users write: compiled, run by the engine, saved by name."""

import copy
import ctypes
import math
import pickle
import threading

import numpy as np
import pytest
from numba import njit
from sklearn.base import clone

import fastemo as fe
from fastemo import _functions, model_file
from fastemo._backend import core
from fastemo.engine import Engine
from fastemo.jit import softmax
from fastemo.model_file import ModelError
from fastemo.stages import UserFeature

CH = ["F3", "Fz", "F4"]
X = 10 * np.random.default_rng(0).standard_normal((3, 900)) + 5
WINDOW = fe.Window(1, hop=0.3)  # 100 samples every 30
STARTS = range(0, 801, 30)
needs_core = pytest.mark.skipif(core is None, reason="there is no compiled core")


@fe.feature(names=["steepest", "mean_slope"])
def slopes(x, sfreq, out):
    """The largest and the mean slope."""
    largest, total = 0.0, 0.0
    for i in range(1, len(x)):
        slope = abs(x[i] - x[i - 1])
        largest = max(largest, slope)
        total += slope
    out[0], out[1] = largest * sfreq, total * sfreq / (len(x) - 1)


@fe.feature(over="window")
def product(x):
    total = 0.0
    for i in range(x.shape[1]):
        total += x[0, i] * x[2, i]
    return total


@fe.feature
def first(x):
    return x[0]


def pipeline(*stages, **options):
    return fe.Pipeline([WINDOW, *stages], sfreq=100, ch_names=CH, check_unit=False, **options)


def test_each_channel():
    got = pipeline(slopes).transform(X)
    expected = []
    for s in STARTS:
        d = np.abs(np.diff(X[:, s : s + 100])) * 100
        expected.append(np.concatenate([d.max(axis=1), d.mean(axis=1)]))
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    names = pipeline(slopes).get_feature_names_out()
    assert list(names) == [f"{n}:{c}" for n in ("steepest", "mean_slope") for c in CH]


def test_the_whole_window():
    got = pipeline(product).transform(X)
    np.testing.assert_allclose(got[:, 0], [X[0, s : s + 100] @ X[2, s : s + 100] for s in STARTS], rtol=1e-12)
    assert list(pipeline(product).get_feature_names_out()) == ["product:window"]


def test_beside_others():
    both = fe.Features([slopes, fe.TimeDomain(["mean"]), product])
    got = pipeline(both).transform(X)
    apart = [pipeline(f).transform(X) for f in (slopes, fe.TimeDomain(["mean"]), product)]
    np.testing.assert_array_equal(got, np.hstack(apart))


def test_after_filters_and_other_channels():
    stages = [fe.Bipolar([("F3", "F4")]), fe.HighPass(1), WINDOW]
    filtered = fe.Pipeline([*stages, first], sfreq=100, ch_names=CH, check_unit=False).transform(X)
    means = fe.Pipeline(
        [*stages, fe.TimeDomain(["mean"])], sfreq=100, ch_names=CH, check_unit=False
    ).transform(X)
    assert filtered.shape == means.shape
    assert np.ptp(filtered) > 0


@pytest.mark.parametrize("stage", [slopes, product, first], ids=lambda s: s.function)
def test_streams_the_same_bits(stage):
    pipe = pipeline(stage)
    whole = pipe.transform(X)
    for threads, size in [(1, 1), (1, 7), (2, 64), (1, 900)]:
        engine = pipe.engine(threads=threads)
        chunks = [engine.push_array(X[:, i : i + size]) for i in range(0, 900, size)]
        np.testing.assert_array_equal(np.concatenate(chunks)["outputs"], whole)


@needs_core
@pytest.mark.parametrize("n_channels", [1, 8, 13])
@pytest.mark.parametrize("stage", [slopes, first])
def test_is_the_python_function(stage, n_channels):
    """The loops of both add up in the same order."""
    x = 10 * np.random.default_rng(1).standard_normal((n_channels, 400))
    names = [f"E{i}" for i in range(n_channels)]
    program = fe.Pipeline([WINDOW, stage], sfreq=100, ch_names=names, check_unit=False).fit([x]).program
    native, reference = (Engine(program, backend=b).push_array(x)["outputs"] for b in ("native", "reference"))
    np.testing.assert_array_equal(native, reference)


def test_may_call_compiled_functions():
    @njit
    def half(v):
        return v / 2

    @fe.feature(width=2)
    def shares(x, out):
        out[0], out[1] = half(x[0]), x[1]
        softmax(out)

    got = pipeline(shares).transform(X)
    e = np.exp(np.stack([X[:, STARTS] / 2, X[:, [s + 1 for s in STARTS]]]))
    np.testing.assert_allclose(got.reshape(-1, 2, 3), np.moveaxis(e / e.sum(axis=0), 2, 0), rtol=1e-12)
    assert list(pipeline(shares).get_feature_names_out())[::3] == ["shares_0:F3", "shares_1:F3"]


def test_takes_what_is_compiled_already():
    @fe.feature
    @njit
    def last(x):
        return x[-1]

    np.testing.assert_array_equal(pipeline(last).transform(X), X[:, [s + 99 for s in STARTS]].T)
    assert last(X[0]) == X[0, -1]


def test_an_error_is_no_number():
    @fe.feature
    def root(x):
        if x[0] < 5:
            raise ValueError("too small")
        return math.sqrt(x[0] - 5)

    _functions.find(root.function, root.digest)._tried.add((1, 100, 100.0))
    got = pipeline(root).transform(X)
    start = X[:, STARTS].T
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(got, np.sqrt(start - 5), rtol=1e-15)
    reference = Engine(pipeline(root).fit([X]).program, backend="reference").push_array(X)["outputs"]
    np.testing.assert_array_equal(got, reference)


def test_checked_indices():
    @fe.feature(boundscheck=True)
    def beyond(x):
        return x[int(abs(x[0])) * 1000 + 1]

    _functions.find(beyond.function, beyond.digest)._tried.add((1, 100, 100.0))
    got, start = pipeline(beyond).transform(X), X[:, STARTS].T
    np.testing.assert_array_equal(np.isnan(got), np.abs(start) >= 1)


def test_is_still_a_function():
    out = np.zeros(2)
    slopes(np.array([1.0, 3.0, 2.0]), 10.0, out)
    np.testing.assert_allclose(out, [20.0, 15.0])
    assert slopes.__doc__ == "The largest and the mean slope."
    assert slopes.__name__ == "slopes"


def labelled():
    rng = np.random.default_rng(2)
    x = rng.normal(0, 5, (12, 3, 300)) * np.repeat([1, 3], 6)[:, None, None]
    return x, ["calm"] * 6 + ["joy"] * 6


def test_trains_and_is_saved(tmp_path):
    pipe = pipeline(slopes, fe.Standardize(), fe.LDA()).fit(*labelled())
    pipe.save(tmp_path / "m.fastemo")
    loaded = fe.load(tmp_path / "m.fastemo")
    assert list(loaded.predict(labelled()[0])) == labelled()[1]
    np.testing.assert_array_equal(
        loaded.predict_windows(X)["probabilities"], pipe.predict_windows(X)["probabilities"]
    )
    assert loaded.stages[1] == slopes


def test_is_not_loaded_without_its_function(tmp_path, monkeypatch):
    pipeline(first, fe.LDA()).fit(*labelled()).save(tmp_path / "m.fastemo")
    key = (first.function, first.digest)
    monkeypatch.delitem(_functions._REGISTERED, key)
    with pytest.raises(
        ModelError, match="needs the feature function 'test_user_features:first', which is not"
    ):
        fe.load(tmp_path / "m.fastemo")
    changed = copy.copy(_functions._REGISTERED[slopes.function, slopes.digest])
    monkeypatch.setitem(_functions._REGISTERED, (first.function, "another"), changed)
    with pytest.raises(ModelError, match="has changed since the model was made"):
        fe.load(tmp_path / "m.fastemo")


def test_a_file_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "wicked.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    pipeline(first, fe.LDA()).fit(*labelled()).save(tmp_path / "m.fastemo")
    tensors, metadata = model_file.read(tmp_path / "m.fastemo")
    wicked = f"wicked:first@{first.digest}".encode()
    name = next(n for n in tensors if n.endswith(".function"))
    tensors[name] = np.frombuffer(wicked, np.uint8)
    metadata["stages"] = metadata["stages"].replace(first.function, "wicked:first")
    with pytest.raises(ModelError, match="wicked:first"):
        fe.load(model_file.write(tensors, metadata))


@needs_core
def test_only_python_has_the_function(tmp_path):
    pipeline(first, fe.LDA()).fit(*labelled()).save(tmp_path / "m.fastemo")
    with pytest.raises(ValueError, match="only a Python program that defines it can run this model"):
        core.Engine((tmp_path / "m.fastemo").read_bytes())
    library = ctypes.CDLL(fe.get_library())
    engine, message = ctypes.c_void_p(), ctypes.create_string_buffer(300)
    path = str(tmp_path / "m.fastemo").encode()
    assert library.fastemo_open_file(path, ctypes.byref(engine), message, len(message)) < 0
    assert b"calls the Python function" in message.value
    assert not engine


@needs_core
@pytest.mark.parametrize(
    "given", [{"f": 1}, {"f": (1, 1, False, 2)}, {"f": (None, 1, 2)}, {"f": ()}, {1: (1, 2)}]
)
def test_the_core_takes_no_other_pointers(given):
    program = pipeline(first).fit([X]).program
    with pytest.raises((TypeError, RuntimeError)):
        core.Engine(model_file.write(program.tensors(), program.metadata), 1, given)


@needs_core
@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        ("width", np.array([0])),
        ("width", np.array([1 << 20])),
        ("width", np.array([1.0])),
        ("over", np.array([2])),
        ("sfreq", np.array([np.nan])),
        ("function", np.array([1])),
        ("function", np.zeros((1, 1), np.uint8)),
        ("function", np.zeros(0, np.uint8)),
        ("in", np.array([0])),
    ],
)
def test_hostile_tensors(tensor, value):
    program = pipeline(first).fit([X]).program
    tensors = program.tensors()
    tensors[f"01.call.{tensor}"] = value
    functions = _functions.pointers([_functions.find(first.function, first.digest).key])
    with pytest.raises(ValueError, match="call"):
        core.Engine(model_file.write(tensors, program.metadata), 1, functions)


@needs_core
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(("tensor", "value"), [("width", 1), ("width", 3), ("over", 1)])
def test_a_file_cannot_say_what_a_function_is(backend, tensor, value):
    program = pipeline(slopes).fit([X]).program
    tensors = program.tensors()
    tensors[f"01.call.{tensor}"] = np.array([value])
    with pytest.raises(ValueError, match=r"but its function|its function.s width"):
        Engine(type(program).from_tensors(tensors, program.metadata), backend=backend)


def test_copies_and_pickles():
    for again in (
        copy.deepcopy(slopes),
        pickle.loads(pickle.dumps(slopes)),
        clone(pipeline(slopes)).stages[1],
    ):
        assert again == slopes
        assert isinstance(again, UserFeature)
    assert UserFeature(**{k: v for k, v in slopes.to_spec().items() if k != "stage"}) == slopes


def test_pipelines_keep_the_function_they_were_made_with():
    def define(gain):
        space = {"fe": fe}
        source = f"@fe.feature\ndef gained(x):\n    return {gain} * x[0]\n"
        exec(source, space)
        return space["gained"]

    one = define(1.0)
    first_pipe = pipeline(one)
    two = define(2.0)
    assert one != two
    np.testing.assert_array_equal(2 * first_pipe.transform(X), pipeline(two).transform(X))


def test_several_engines_at_once():
    pipe = pipeline(slopes)
    whole, found = pipe.transform(X), {}

    def work(i):
        engine = pipe.engine()
        found[i] = np.concatenate([engine.push_array(X[:, k : k + 30]) for k in range(0, 900, 30)])["outputs"]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for outputs in found.values():
        np.testing.assert_array_equal(outputs, whole)


class TestRefusals:
    def test_signatures(self):
        with pytest.raises(TypeError, match=r"as in f\(x, sfreq, out\); two takes \(x, y\)"):

            @fe.feature
            def two(x, y): ...

        with pytest.raises(TypeError, match="must take out"):

            @fe.feature(width=3)
            def three(x): ...

        with pytest.raises(TypeError, match=r"with a name \(def"):
            fe.feature(lambda x: x[0])
        with pytest.raises(TypeError, match="with a name"):
            fe.feature(3)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"width": 0}, "width must be"),
            ({"names": "one"}, "names must be a list"),
            ({"names": []}, "at least one"),
            ({"names": ["a", "a"]}, "different names"),
            ({"names": ["a"], "width": 2}, "1 names, but width is 2"),
            ({"over": "channels"}, "over"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises((TypeError, ValueError), match=message):
            fe.feature(**options)

    def test_what_fails_on_noise(self):
        @fe.feature
        def beyond(x):
            return x[len(x)]

        with pytest.raises(ValueError, match=r"fails on a window of shape \(100,\): IndexError"):
            pipeline(beyond).transform(X)

    def test_what_numba_cannot_compile(self):
        @fe.feature
        def texts(x):
            return len(
                sorted({str(v): v for v in x}.items(), key=lambda kv: "".join(kv[0]))
            ) + open.__name__.count("o")

        with pytest.raises(ValueError, match=r"Numba cannot compile the feature .*texts: .*\(File"):
            pipeline(texts).transform(X)

    def test_a_place_before_the_window(self):
        with pytest.raises(ValueError, match="needs windows"):
            fe.Pipeline([slopes, WINDOW])


def _returns_nothing(x):
    x.mean()


def _returns_text(x):
    return "large"


def _returns_all(x):
    return x


@pytest.mark.parametrize(
    ("function", "what"),
    [(_returns_nothing, "nothing"), (_returns_text, "'large'"), (_returns_all, "an array")],
)
def test_what_is_no_number_is_said_to_be_none(function, what):
    stage = fe.feature(function)
    pipe = fe.Pipeline([fe.Window(1, hop=0.5), stage], sfreq=100, ch_names=["Fz"])
    with pytest.raises(
        ValueError, match=f"returns {what}, expected one number: return that, or write several to out"
    ):
        pipe.engine()
