"""CPU targets: nothing leaks from one to another, each uses its registers, and results agree."""

import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from compilers import CORE, build_settings, built_folder, compiler, needs, run
from programs import bad_stream, decoder, filter_bank_decoder

import fastemo as fe
from fastemo import _backend, model_file

linux_x86 = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="reads x86-64 objects of Linux"
)
ALL = ("baseline", "v3", "v4")
REGISTERS = {"baseline": "xmm", "v3": "ymm", "v4": "zmm"}

PACKED = re.compile(r"v?(add|sub|mul|fn?m(add|sub)\d+)pd")
SCALAR = re.compile(r"v?(add|sub|mul|div|fn?m(add|sub)\d+)s[ds]")
FUSED = re.compile(r"vfn?m(add|sub)\d+")


def tool(name):
    return needs(shutil.which(name), name)


@pytest.fixture(scope="module")
def target_object(tmp_path_factory):
    """The object of a unit of a target as setup.py compiles it: the one it left, or the same again."""

    @cache
    def find(target: str, unit: str = "target") -> Path:
        folder = built_folder()
        if folder:
            return next(folder.glob(f"{target}/**/{unit}.o"))
        settings, out = build_settings(), tmp_path_factory.mktemp("target") / f"{target}_{unit}.o"
        flags = [*settings["FLAGS"], *settings["TARGETS"][target], "-DFASTEMO_X86", f"-DFASTEMO_NS={target}"]
        run([compiler(), *flags, "-fPIC", "-c", CORE / f"targets/{unit}.cpp", "-o", out])
        return out

    return find


def symbols(path: Path, *options: str) -> list[tuple[str, str]]:
    """(mangled name, type) of what nm lists."""
    lines = run([tool("nm"), "-P", *options, path]).stdout.splitlines()
    return [tuple(line.split()[:2]) for line in lines if not line.endswith(":")]


def mangled(table):
    return f"{len(table)}{table}"


# The units and their tables, mangled: table, signal_table, ...
UNITS = {
    path.stem: mangled("_".join([*path.stem.split("_")[1:], "table"]))
    for path in sorted((CORE / "targets").glob("target*.cpp"))
}


@linux_x86
@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("unit", UNITS)
def test_a_target_defines_nothing_outside_its_namespace(target_object, target, unit):
    defined = symbols(target_object(target, unit), "-g", "--defined-only")
    ours = re.compile(rf"_Z+NK?7fastemo{len(target)}{target}")
    assert [name for name, _ in defined if not ours.match(name)] == []
    assert (f"_ZN7fastemo{len(target)}{target}{UNITS[unit]}E", "D") in defined
    assert len(defined) > 1  # kernels beside their table


@linux_x86
@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("unit", UNITS)
def test_a_target_calls_nothing_but_memory_functions(target_object, target, unit):
    wanted = {name for name, _ in symbols(target_object(target, unit), "--undefined-only")}
    if unit == "target":
        wanted -= {f"_ZN7fastemo{len(target)}{target}{table}E" for table in UNITS.values()}
    assert wanted <= {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


@linux_x86
def test_the_library_exports_the_c_abi_and_nothing_else():
    exported = {name for name, _ in symbols(Path(fe.get_library()), "-D", "--defined-only")}
    header = (Path(fe.get_include()) / "fastemo.h").read_text()
    assert exported == set(re.findall(r"FASTEMO_API [\w* ]+?\*?(fastemo_\w+)\(", header))
    assert len(exported) == 20


@pytest.fixture(scope="module")
def code(target_object):
    """Instructions of each function of a target: {name: [(address, mnemonic, operands)]}."""

    @cache
    def disassemble(target: str, unit: str = "target") -> dict[str, list[tuple[int, str, str]]]:
        functions, current = {}, []
        text = run([tool("objdump"), "-dC", "--no-show-raw-insn", target_object(target, unit)]).stdout
        for line in text.splitlines():
            if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
                current = functions.setdefault(head[1], [])
            elif instruction := re.match(r"\s*([0-9a-f]+):\t(\S+)\s*(.*)$", line):
                current.append((int(instruction[1], 16), instruction[2], instruction[3]))
        return functions

    return disassemble


def inner_loops(instructions):
    """The bodies of loops that hold no other loop."""
    spans = []
    for address, name, operands in instructions:
        to = re.match(r"[0-9a-f]+", operands)
        if name.startswith("j") and to and int(to[0], 16) <= address:
            spans.append((int(to[0], 16), address))
    for start, end in spans:
        if not any((s, e) != (start, end) and start <= s and e <= end for s, e in spans):
            yield [i for i in instructions if start <= i[0] <= end]


def bodies(functions, kernel):
    """Of a kernel, but for its form for a signal that is alone."""
    found = [
        body
        for name, body in functions.items()
        if re.search(rf"::{kernel}[(<]", name) and "simd<double, 1>" not in name
    ]
    assert found, f"no function {kernel}"
    return found


KERNELS = (
    "section_tile",
    "bank_power",
    "sosfilt_rows",
    "sosfilt",
    "matrix",
    "affine",
    "log_map",
    "quality",
    "combine",
)
SIGNAL_KERNELS = ("sections_at_once", "transfer_rows", "polyphase_block", "add_cross_power")
STREAM_KERNELS = ("polyphase_block",)
MATRIX_KERNELS = ("gram_tile", "reflections", "rotate")


@linux_x86
@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize(
    ("unit", "kernel"),
    [("target", k) for k in KERNELS]
    + [("target_signal", k) for k in SIGNAL_KERNELS]
    + [("target_stream", k) for k in STREAM_KERNELS]
    + [("target_matrix", k) for k in MATRIX_KERNELS],
)
def test_hot_loops_use_the_registers_of_the_target(code, target, unit, kernel):
    loops = [loop for body in bodies(code(target, unit), kernel) for loop in inner_loops(body)]
    packed = [i for loop in loops for i in loop if PACKED.fullmatch(i[1])]
    assert len(packed) >= 2, "no packed arithmetic in any loop"
    assert {r for i in packed for r in re.findall(r"%([xyz]mm)", i[2])} == {REGISTERS[target]}
    assert [i for loop in loops for i in loop if SCALAR.fullmatch(i[1])] == []


@linux_x86
@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize(
    "kernel", ["linear", "reference", "matrix", "affine", "log_map", "exp_map", "lerp", "sigmoid", "quality"]
)
def test_class_a_fuses_nothing(code, target, kernel):
    """Sections fuse where a product is exact, so they are not in this list; test_same_bits looks at them."""
    assert [i for body in bodies(code(target), kernel) for i in body if FUSED.match(i[1])] == []


@linux_x86
@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("kernel", ["transfer_rows", "polyphase_lanes"])
def test_class_a_of_whole_arrays_fuses_nothing(code, target, kernel):
    found = bodies(code(target, "target_signal"), kernel)
    assert [i for body in found for i in body if FUSED.match(i[1])] == []


def in_python(script: str, **environment: str) -> subprocess.CompletedProcess:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env
    )


native = pytest.mark.skipif(_backend.core is None, reason="the compiled core is not there")
TARGETS = _backend.core.targets() if _backend.core else []


@native
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_can_be_forced(target):
    done = in_python("from fastemo._backend import core; print(core.target())", FASTEMO_TARGET=target)
    assert done.stdout.strip() == target, done.stderr


@native
def test_the_best_target_is_chosen():
    done = in_python("from fastemo._backend import core; print(core.target())", FASTEMO_TARGET="")
    assert done.stdout.strip() == TARGETS[0]
    assert TARGETS[-1] == "baseline"


@native
@pytest.mark.parametrize("required", ["0", "1"])
def test_a_wrong_target_is_an_error(required):
    done = in_python("import fastemo._backend", FASTEMO_TARGET="v9", FASTEMO_REQUIRE_NATIVE=required)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == f"ImportError: FASTEMO_TARGET is v9, but this machine runs {', '.join(TARGETS)}"


DECODE = """
import numpy as np
from fastemo._backend import core
model, samples, out = {arguments!r}
with np.load(samples) as given:
    np.save(out, core.Engine(open(model, "rb").read()).push(given["x"], given["stamps"]))
"""


@pytest.fixture(scope="module", params=[1, 5, 19, 64])
def decoded(request, tmp_path_factory):
    """Predictions of a program on a target, as bytes and as an array."""
    folder = tmp_path_factory.mktemp("targets")
    x, stamps = bad_stream(3, n=1500, n_channels=request.param)
    np.savez(folder / "samples.npz", x=x, stamps=stamps)

    @cache
    def decode(make, target: str) -> np.ndarray:
        program = make(request.param, quality_minimum=0.3)
        (folder / "m.fastemo").write_bytes(model_file.write(program.tensors(), program.metadata))
        out = folder / f"{make.__name__}_{target}.npy"
        arguments = [str(folder / "m.fastemo"), str(folder / "samples.npz"), str(out)]
        done = in_python(DECODE.format(arguments=arguments), FASTEMO_TARGET=target)
        assert done.returncode == 0, done.stderr
        return np.load(out)

    return decode


@native
@pytest.mark.parametrize("target", TARGETS[1:])
def test_same_bits_without_fft(decoded, target):
    best = decoded(filter_bank_decoder, TARGETS[0])
    assert len(best) > 30
    assert np.isfinite(best["outputs"]).any()
    assert decoded(filter_bank_decoder, target).tobytes() == best.tobytes()


@native
@pytest.mark.skipif(
    not {"v3", "v4"} <= set(TARGETS), reason="this machine runs one target with fused multiply-add"
)
def test_same_bits_with_fft_wherever_operations_fuse(decoded):
    assert decoded(decoder, "v3").tobytes() == decoded(decoder, "v4").tobytes()


@native
@pytest.mark.skipif(len(TARGETS) < 2, reason="this machine runs one target")
def test_fft_agrees_where_nothing_fuses(decoded):
    best, baseline = decoded(decoder, TARGETS[0]), decoded(decoder, "baseline")
    for name in best.dtype.names:
        # 1e-12 relative to the largest power of the window, before logarithm and decoder
        np.testing.assert_allclose(baseline[name], best[name], rtol=1e-11, atol=1e-11)
