"""Calibrating a running engine: as offline, between two pushes, without a break in the stream."""

import threading

import numpy as np
import pytest
from pipelines import CH, SFREQ, people, pipeline, recording, recordings
from programs import BACKENDS, same_bits

import fastemo as fe
from fastemo.engine import Engine

DE = fe.DifferentialEntropy({"theta": (4, 8), "alpha": (8, 13)})
HEAD = [fe.HighPass(2), fe.Window(1, hop=0.5)]
PIPELINES = {
    "Standardize": [*HEAD, DE, fe.Standardize(baseline=True), fe.LDA()],
    "Recenter": [*HEAD, fe.Covariance(), fe.Recenter(baseline=True), fe.TangentSpace(), fe.LDA()],
    "Potato": [*HEAD, fe.Potato(2.0), DE, fe.LDA()],
    "PotatoScore": [*HEAD, fe.PotatoScore()],
    "all": [*HEAD, fe.Potato(4), fe.Covariance(), fe.Recenter(baseline=True), fe.MDM()],
}


def fitted(name):
    return fe.Pipeline(PIPELINES[name]).fit(people())


def rest(seed=500, gain=2.0, seconds=20):
    return recording("rest", seconds=seconds, seed=seed, gain=gain).data


def stream(seed=900, gain=2.0):
    return recording("joy", seconds=30, seed=seed, gain=gain).data


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PIPELINES)
def test_is_the_offline_calibration_from_the_next_push_on(name, backend):
    pipe, x = fitted(name), stream()
    person = pipe.calibrate(rest())
    before, after = (Engine(p.program, backend=backend).push_array(x) for p in (pipe, person))
    engine = Engine(pipe.program, backend=backend, pipeline=pipe)
    cut = 1234
    first = engine.push_array(x[:, :cut])
    returned = engine.calibrate(rest())
    second = engine.push_array(x[:, cut:])
    n = len(first)
    assert same_bits(first, before[:n])
    assert same_bits(second, after[n:])
    assert not np.array_equal(before["outputs"][n:], after["outputs"][n:], equal_nan=True)
    assert engine.counters["samples"] == x.shape[1]
    for param, arrays in person.fitted_.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(returned.fitted_[param][key], array)


@pytest.mark.parametrize("backend", BACKENDS)
def test_smoothers_and_stamps_go_on(backend):
    pipe = pipeline(fe.LDA(), fe.Smooth(3)).set_params(standardize__baseline=True).fit(people())
    x = stream()
    stamps = 1e3 + np.arange(x.shape[1]) / SFREQ
    engine = Engine(pipe.program, backend=backend, pipeline=pipe)
    first = engine.push_array(x[:, :1000], stamps[:1000])
    person = engine.calibrate(rest())
    second = engine.push_array(x[:, 1000:], stamps[1000:])
    assert second["stamp"][0] == pytest.approx(first["stamp"][-1] + 0.5)
    raw = fe.Pipeline(list(person.stages)[:-1])
    vars(raw).update({k: v for k, v in vars(person).items() if k.endswith("_")})
    unsmoothed = Engine(raw.program, backend=backend).push_array(x)["outputs"]
    y, alpha = first["outputs"][-1], -np.expm1(-0.5 / 3)
    for got, new in zip(second["outputs"], unsmoothed[len(first) :], strict=True):
        y = y + alpha * (new - y)
        np.testing.assert_allclose(got, y, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_asr_judges_by_the_new_rest(backend):
    rng = np.random.default_rng(0)
    x = 10 * rng.standard_normal((3, 6000))
    stages = [fe.HighPass(1), fe.ASR(3, lookahead=0), fe.Window(1, hop=0.5), fe.TimeDomain(["std"])]
    pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH).fit(x)
    engine = Engine(pipe.program, backend=backend, pipeline=pipe)
    loud = 3 * x[:, :2000]
    first = engine.push_array(loud)["outputs"][4:]
    engine.calibrate(3 * x)
    second = engine.push_array(loud)["outputs"][4:]
    assert first.mean() < 20
    assert second.mean() > 27


def test_can_be_repeated_and_saved(tmp_path):
    pipe, x = fitted("Standardize"), stream()
    engine = pipe.engine()
    engine.calibrate(rest(gain=9.0))
    person = engine.calibrate(rest())
    person.save(tmp_path / "person.fastemo")
    again = fe.load(tmp_path / "person.fastemo").engine()
    assert same_bits(engine.push_array(x), again.push_array(x))
    loaded = fe.load(tmp_path / "person.fastemo").engine()
    loaded.calibrate(rest())
    assert same_bits(loaded.push_array(x), again.push_array(x)) is False  # the second stream begins elsewhere
    loaded.reset(), again.reset()
    assert same_bits(loaded.push_array(x), again.push_array(x))


def test_from_another_thread_no_push_is_refused():
    pipe = fitted("all")
    engine, person = pipe.engine(), pipe.calibrate(rest())
    x = np.tile(stream(), 4)
    ends = [Engine(p.program).push_array(x) for p in (pipe, person)]
    done, faults = threading.Event(), []

    def calibrate():
        try:
            for _ in range(8):
                engine.calibrate(rest())
        except Exception as error:
            faults.append(error)
        done.set()

    thread = threading.Thread(target=calibrate)
    thread.start()
    got, at = [], 0
    while at < x.shape[1]:
        got.append(engine.push_array(x[:, at : at + 40]))
        at += 40
        if at + 40 >= x.shape[1]:
            assert done.wait(60)
    thread.join()
    assert not faults
    got = np.concatenate(got)
    mine = [np.array([same_bits(got[i : i + 1], end[i : i + 1]) for i in range(len(got))]) for end in ends]
    assert (mine[0] | mine[1]).all()
    changed = np.flatnonzero(~mine[0])
    assert len(changed) == 0 or mine[1][changed[0] :].all()


class TestRefusals:
    def test_errors_change_nothing(self):
        pipe, x = fitted("Standardize"), stream()
        engine, untouched = pipe.engine(), pipe.engine().push_array(x)
        for bad in (rest(seconds=4), rest()[:2]):
            with pytest.raises(ValueError):  # noqa: PT011
                engine.calibrate(bad)
        assert same_bits(engine.push_array(x), untouched)

    def test_needs_a_pipeline_that_adapts(self):
        pipe = pipeline(fe.LDA()).fit(recordings())
        with pytest.raises(ValueError, match="no stage that adapts"):
            pipe.engine().calibrate(rest())
        with pytest.raises(ValueError, match=r"pipe\.engine\(\)"):
            Engine(pipe.program).calibrate(rest())

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_another_program_is_refused(self, backend):
        from fastemo import model_file

        engine = Engine(fitted("Standardize").program, backend=backend)
        for other in ("Recenter", "Potato"):
            program = fitted(other).program
            model = model_file.write(program.tensors(), program.metadata)
            with pytest.raises(ValueError, match="another program"):
                engine._engine.adopt(model if backend == "native" else program)

    def test_a_program_that_differs_elsewhere_is_refused(self):
        pipe = fitted("Standardize")
        engine = pipe.engine()
        engine._pipeline = fe.Pipeline([fe.HighPass(3), *PIPELINES["Standardize"][1:]]).fit(people())
        with pytest.raises(ValueError, match="start a new engine"):
            engine.calibrate(rest())
