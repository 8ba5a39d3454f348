"""A pipeline as a model file and back: the program, and for Python the stages and what they learnt.

Nothing is pickled. What runs after loading is the program of the file; stages and arrays are lowered again
only to show that they and the program belong together.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo import model_file
from fastemo._atlases import dump_atlas, restore_atlas
from fastemo._backend import core
from fastemo._functions import MissingFunction
from fastemo._program import Program
from fastemo._version import __version__
from fastemo.emotions import LabelSpace
from fastemo.engine import Engine
from fastemo.model_file import ModelError

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["dump", "restore", "versions"]

SELFTEST_RTOL = 1e-9
PYTHON_ONLY = ("stages", "provenance")


def versions() -> dict[str, str]:
    """Versions of what a model was made with."""
    found = {"fastemo": __version__, "python": platform.python_version()}
    for package in ("numpy", "scipy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def dump(pipe: Pipeline, provenance: Mapping[str, Any]) -> bytes:
    """The bytes of a model file of a pipeline that is ready to run."""
    program = pipe.program
    space: LabelSpace | None = getattr(pipe, "label_space_", None)
    sfreq, ch_names = pipe._place
    atlas, about_atlas = dump_atlas(pipe.atlas_)
    python = {
        "stages": pipe.to_spec(),
        "params": {name: value for name, value in pipe.get_params(deep=False).items() if name != "stages"},
        "learnt": {
            "sfreq": sfreq,
            "ch_names": ch_names,
            "label_space": None if space is None else space.to_dict(),
            "atlas": about_atlas,
        },
        "chosen": pipe._lowered()[0].choices,
    }
    fitted = {
        f"fitted.{param}.{name}": array
        for param, arrays in getattr(pipe, "fitted_", {}).items()
        for name, array in arrays.items()
    }
    signal = _selftest_input(program)
    selftest = {"selftest.input": signal, "selftest.output": _selftest_output(Engine(program), signal)}
    metadata = program.metadata | {
        "stages": json.dumps(python, default=_plain),
        "provenance": json.dumps(provenance, default=_plain),
        "selftest_target": _target(),
    }
    return model_file.write(program.tensors() | fitted | atlas | selftest, metadata)


def restore(source: Any) -> Pipeline:
    """The pipeline in a model file (a path or bytes); what `fastemo.load` does."""
    from fastemo.pipeline import Pipeline

    tensors, metadata = model_file.read(source)
    try:
        python, provenance = json.loads(metadata["stages"]), json.loads(metadata["provenance"])
        fitted = _take_fitted(tensors)
        atlas = restore_atlas(tensors, python["learnt"].get("atlas"))
        signal, expected = tensors.pop("selftest.input"), tensors.pop("selftest.output")
        written_on = metadata.pop("selftest_target")
        program = Program.from_tensors(tensors, {k: v for k, v in metadata.items() if k not in PYTHON_ONLY})
        pipe = Pipeline.from_spec(python["stages"], **python["params"])
        learnt = python["learnt"]
        vars(pipe).update(
            fitted_=fitted,
            sfreq_=learnt["sfreq"],
            ch_names_=learnt["ch_names"],
            atlas_=atlas,
            provenance_=provenance,
        )
        if learnt["label_space"] is not None:
            pipe.label_space_ = LabelSpace.from_dict(learnt["label_space"])
            pipe.classes_ = np.array(pipe.label_space_.classes)
        # Before other stages chose by cost too, only this one did.
        chosen = python.get("chosen", {})
        build, lowered = pipe._lowered(chosen=chosen if isinstance(chosen, dict) else {"BandPower": chosen})
    except MissingFunction as error:
        raise ModelError(str(error)) from None
    except (AttributeError, KeyError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise ModelError(f"damaged model file, or one of a newer fastemo: {error}; save it again") from None
    _check_same(lowered, program)
    _selftest(program, signal, expected, written_on)
    # The program of the file runs: another SciPy may design filters that differ in the last bits.
    pipe._cache = build, program
    return pipe


def _take_fitted(tensors: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    fitted: dict[str, dict[str, np.ndarray]] = {}
    for name in [name for name in tensors if name.startswith("fitted.")]:
        param, _, key = name.removeprefix("fitted.").rpartition(".")
        fitted.setdefault(param, {})[key] = tensors.pop(name)
    return fitted


def _check_same(lowered: Program, program: Program) -> None:
    """Refuses a file whose stages do not make its program, but for rounding in the design of filters."""
    ours, theirs = lowered.tensors(), program.tensors()
    same = ours.keys() == theirs.keys() and lowered.metadata == program.metadata
    same = same and all(
        a.shape == theirs[name].shape and np.allclose(a, theirs[name], rtol=1e-6, atol=1e-12, equal_nan=True)
        for name, a in ours.items()
    )
    if not same:
        raise ModelError("altered model file: its stages do not make its program; save it again")


def _target() -> str:
    return "reference" if core is None else core.target()


def _selftest_input(program: Program) -> np.ndarray:
    """A short signal (n_samples, n_channels) that fills two windows; of the size of EEG."""
    length, hop = program.scalar("window.length"), program.scalar("window.hop")
    rng = np.random.default_rng(0)
    scale = 10.0 / program.scalar("input.scale")
    return scale * rng.standard_normal(
        (program.window_rate.needed(length + min(hop, length)), len(program.ch_names))
    )


def _selftest_output(engine: Engine, signal: np.ndarray) -> np.ndarray:
    return engine.push_array(signal, layout="samples_first")["outputs"]


def _selftest(program: Program, signal: np.ndarray, expected: np.ndarray, written_on: str) -> None:
    """Refuses a model that does not give here what it gave where it was written."""
    try:
        engine = Engine(program)
        got = _selftest_output(engine, signal)
    except (ValueError, TypeError) as error:
        raise ModelError(f"damaged model file: it cannot run: {error}; save it again") from None
    here = _target()
    rtol, atol = (0.0, 0.0) if _is_exact(engine, here, written_on) else (SELFTEST_RTOL, 1e-12)
    if got.shape != expected.shape or not np.allclose(got, expected, rtol, atol, equal_nan=True):
        raise ModelError(
            f"the model fails its self-test: on {here!r} it gives other outputs than on {written_on!r}, "
            "where it was written; save it again, and if it still fails run `fastemo doctor`"
        )


def _is_exact(engine: Engine, here: str, written_on: str) -> bool:
    """Whether an engine promises the bits that it gave on another CPU target; NumPy's promises none."""
    if "reference" in (here, written_on):
        return False
    bits = engine._engine.bits
    return bits == "A" or (bits == "B" and here == written_on)


def _plain(value: Any) -> Any:
    """What JSON does not know, as what it knows."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
