"""The core without Python: the C++ tests in tests/native, plain and (FASTEMO_SANITIZE=1) under sanitizers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from compilers import build_settings, built_folder, compile_core, compiler, run, target_units

from fastemo._backend import core as core_of_package

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the flags are those of GCC and Clang")

HERE = Path(__file__).parent / "native"
TESTS = sorted(p.stem.removeprefix("test_") for p in HERE.glob("test_*.cpp"))

# The kernels are large, and both sanitizers on all of them take minutes to compile. What UBSan looks for does not
# depend on the width of registers, so the first target has UBSan, the one that runs here AddressSanitizer, by calls
# instead of inline checks, and what is between them none.
OUTLINED = ["--param", "asan-instrumentation-with-call-threshold=0"]
UNTOUCHED = "-fno-sanitize=all"
UNDEFINED = ["-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
FLAGS = {
    "plain": [],
    "address": ["-fsanitize=address", *UNDEFINED, "-fno-omit-frame-pointer", "-g1"],
    "thread": ["-fsanitize=thread", "-g1"],
}
RUNS = [(mode, test) for mode in ("plain", "address") for test in TESTS] + [("thread", "threads")]


def target_flags(mode: str) -> dict[str, list[str]]:
    targets = build_settings()["TARGETS"]
    if mode == "thread":
        return {"baseline": ["-g0"]}
    if mode == "plain":
        return {t: [] for t in targets}
    outlined = OUTLINED if "clang" not in run([compiler(), "--version"]).stdout else []
    if len(targets) == 1:
        return {"baseline": ["-g0", *outlined]}
    best = core_of_package.targets()[0] if core_of_package else list(targets)[-1]
    flags = {t: ["-g0", UNTOUCHED] for t in targets}
    flags |= {"baseline": ["-g0", "-fno-sanitize=address"]}
    return flags | {best: ["-g0", *outlined, "-fno-sanitize=undefined"]}


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """A folder for programs and the core's objects in a mode, built once; plain ones may be there already."""
    built = {}

    def build(mode):
        if mode not in built:
            folder, ready, flags = tmp_path_factory.mktemp(mode), built_folder(), target_flags(mode)
            if mode == "plain" and ready:
                objects = [*ready.glob("c_api/**/c_api.o"), ready / "libfastemo_core.a"]
            else:
                as_ever = [t for t, more in flags.items() if ready and UNTOUCHED in more]
                objects = [ready / t / f"{s}.o" for t in as_ever for s in target_units()]
                changed = {t: more for t, more in flags.items() if t not in as_ever}
                objects += compile_core(folder, FLAGS[mode], changed)
            built[mode] = folder, objects
        return built[mode]

    return build


def build(core, mode: str, test: str) -> Path:
    folder, objects = core(mode)
    settings, program = build_settings(), folder / test
    flags = [f for f in settings["FLAGS"] if not f.startswith("-O")]
    run(
        [
            compiler(),
            *flags,
            "-O1",
            "-Werror",
            *FLAGS[mode],
            HERE / f"test_{test}.cpp",
            *objects,
            "-pthread",
            "-o",
            program,
        ]
    )
    return program


def execute(program: Path, **environment: str) -> subprocess.CompletedProcess:
    options = {"capture_output": True, "text": True, "check": False, "env": {**os.environ, **environment}}
    done = subprocess.run([program], timeout=300, **options)
    if "unexpected memory mapping" in done.stderr and shutil.which("setarch"):
        # ThreadSanitizer of older compilers cannot live with much randomness of addresses.
        done = subprocess.run(["setarch", "--addr-no-randomize", program], timeout=300, **options)
    return done


@pytest.mark.parametrize(("mode", "test"), RUNS, ids=["-".join(r) for r in RUNS])
def test_native(core, mode, test):
    if mode != "plain" and os.environ.get("FASTEMO_SANITIZE") != "1":
        pytest.skip("FASTEMO_SANITIZE=1 runs it")
    done = execute(build(core, mode, test))
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    assert " passed, 0 failed" in done.stdout, said
    assert "Sanitizer" not in said, said


@pytest.mark.parametrize("target", ["baseline", "v3"])
def test_engine_on_lesser_targets(core, target):
    """The best target of this machine is what `test_native` runs on."""
    done = execute(build(core, "plain", "engine"), FASTEMO_TARGET=target)
    if "but this machine runs" in done.stderr:
        pytest.skip(f"this machine does not run {target}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_a_wrong_target_is_said_at_open(core):
    done = execute(build(core, "plain", "engine"), FASTEMO_TARGET="v9")
    assert done.returncode != 0
    assert "FASTEMO_TARGET is v9, but this machine runs " in done.stderr
