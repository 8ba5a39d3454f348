"""The compiled core's Python face refuses what would crash it."""

import threading

import numpy as np
import pytest
from programs import filter_bank_decoder

from fastemo import _backend, model_file

core = _backend.core
pytestmark = pytest.mark.skipif(core is None, reason="the compiled core is not there")

SOS = np.array([[0.2, 0.4, 0.2, 1, -0.5, 0.3]])


def engine(n_channels=3, **options):
    program = filter_bank_decoder(n_channels)
    return core.Engine(model_file.write(program.tensors(), program.metadata), **options)


def test_objects_that_were_never_initialised():
    with pytest.raises(TypeError, match="without calling __init__"):
        core.Engine.__new__(core.Engine).push_into(np.zeros((3, 5)), np.zeros(1))
    with pytest.raises(TypeError, match="without calling __init__"):
        core.SosFilter.__new__(core.SosFilter).process(np.zeros((3, 5)))


@pytest.mark.parametrize("n_channels", [0, -1, 1 << 25, (1 << 63) - 1])
def test_numbers_of_channels_that_cannot_be(n_channels):
    with pytest.raises(ValueError, match=f"n_channels is {n_channels}, expected 1 to"):
        core.SosFilter(SOS, n_channels)


def test_more_channels_than_memory():
    wide = np.broadcast_to(np.zeros((1, 1)), (1 << 59, 1))
    with pytest.raises(ValueError, match="expected"):
        core.bank_power(wide, SOS[None], np.zeros((1, 1, 2)))


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_numbers_of_threads_that_cannot_be(threads):
    with pytest.raises(ValueError, match=f"threads is {threads}, expected 1 to 256"):
        engine(threads=threads)


def test_a_model_that_is_none():
    for model in (b"", b"x" * 100, bytes(1 << 10)):
        with pytest.raises(model_file.ModelError):
            core.Engine(model)
    with pytest.raises(TypeError):
        core.Engine("path")


def test_a_model_that_asks_for_too_much_memory():
    program = filter_bank_decoder(3, input_gap_policy=1, input_max_gap=1 << 27)
    with pytest.raises(model_file.ModelError, match="more memory than there is, or more than 4096 MB"):
        core.Engine(model_file.write(program.tensors(), program.metadata))


def refusals(work, others):
    """What `others` raise while `work` runs in another thread; each must be let through again afterwards."""
    errors = []
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive() and len(errors) < 3:
        for other in others:
            try:
                other()
            except RuntimeError as error:
                errors.append(str(error))
    thread.join()
    for other in others:
        other()
    return errors


def test_an_engine_belongs_to_one_thread_at_a_time():
    e, x = engine(16), np.random.default_rng(0).normal(size=(16, 400_000))
    errors = refusals(lambda: e.push(x), [e.reset, lambda: e.push(x[:, :1])])
    assert errors
    assert set(errors) == {
        "this engine is taking a chunk in another thread: give each thread an engine of its own"
    }


def test_a_filter_belongs_to_one_thread_at_a_time():
    f, x = core.SosFilter(SOS, 16), np.random.default_rng(0).normal(size=(16, 2_000_000))
    errors = refusals(lambda: f.process(x, out=x), [f.reset, lambda: f.process(np.ones((16, 1)))])
    assert errors
    assert set(errors) == {"this filter is processing a chunk in another thread"}
