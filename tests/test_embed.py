"""The core runs without Python: the examples are built, and give the bytes that Python gives."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from programs import decoder

import fastemo as fe
from fastemo import _backend, _embed, model_file

EXAMPLES = Path(__file__).parents[1] / "examples"
CC, CXX = (next((c for c in names if shutil.which(c)), None) for names in (("cc", "gcc"), ("c++", "g++")))

if os.environ.get("FASTEMO_REQUIRE_NATIVE") != "1":
    pytestmark = pytest.mark.skipif(
        _backend.core is None or not CC or not CXX or sys.platform == "win32",
        reason="needs the core and a compiler",
    )


@pytest.fixture(scope="module")
def model():
    program = decoder(5, window_length=20, window_hop=7)
    return model_file.write(program.tensors(), program.metadata)


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).standard_normal((333, 5)) * 20


@pytest.fixture(scope="module")
def expected(model, samples):
    return _backend.core.Engine(model).push(samples, layout="samples_first")


def build(folder, compiler, *options):
    source = next(p for p in folder.iterdir() if p.suffix in (".c", ".cpp"))
    library = Path(fe.get_library())
    return [
        compiler, *options, "-Wall", "-Wextra", "-Werror", "-I", fe.get_include(), str(source), str(library),
        f"-Wl,-rpath,{library.parent}",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def c_program(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "decode"
    subprocess.run([*build(EXAMPLES / "embed_c", CC, "-std=c11", "-O1"), "-o", path], check=True)
    return path


@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_c_gives_the_bytes_of_python(c_program, model, samples, expected, chunk, tmp_path):
    path = tmp_path / "m.fastemo"
    path.write_bytes(model)
    done = subprocess.run(
        [c_program, path, str(chunk)], input=samples.tobytes(), capture_output=True, check=True
    )
    assert len(expected) > 40
    assert done.stdout == expected.tobytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.fastemo", "5"], "nowhere.fastemo"),
        (["m.fastemo", "0"], "from 1 on"),
        (["m.fastemo", "9" * 17], "from 1 on"),
        ([], "usage"),
    ],
)
def test_c_program_says_what_is_wrong(c_program, model, arguments, words, tmp_path):
    (tmp_path / "m.fastemo").write_bytes(model)
    done = subprocess.run([c_program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr


def test_cpp_gives_the_labels_of_python(model, samples, expected, tmp_path):
    program, path = tmp_path / "decode", tmp_path / "m.fastemo"
    path.write_bytes(model)
    subprocess.run([*build(EXAMPLES / "embed_cpp", CXX, "-std=c++17", "-O1"), "-o", program], check=True)
    done = subprocess.run([program, path, "25"], input=samples.tobytes(), capture_output=True, check=True)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [int(r[0]) for r in rows] == expected["index"].tolist()
    assert [float(r[1]) for r in rows] == expected["time"].tolist()
    labels = ["calm", "joy", "-"]
    assert [r[2] for r in rows] == [labels[k] for k in expected["class_index"]]
    assert [int(r[3]) for r in rows] == expected["valid"].tolist()


@pytest.fixture(scope="module")
def cython_folder(tmp_path_factory):
    pytest.importorskip("Cython")
    folder = shutil.copytree(EXAMPLES / "embed_cython", tmp_path_factory.mktemp("cython") / "example")
    run_python(folder, "setup.py")
    return folder


def run_python(folder, *arguments):
    env = {**os.environ, "PYTHONPATH": f"{Path(fe.__file__).parents[1]}{os.pathsep}{folder}"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, check=True)


DECODE = """
import sys, decoding, numpy as np
with open("m.fastemo", "rb") as file:
    sys.stdout.buffer.write(decoding.decode(file.read(), np.load("x.npy"), int(sys.argv[1])))
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("chunk", [1, 17, 1000])
def test_cython_gives_the_bytes_of_python(cython_folder, model, samples, chunk, dtype):
    x = samples.astype(dtype)
    np.save(cython_folder / "x.npy", x)
    (cython_folder / "m.fastemo").write_bytes(model)
    done = run_python(cython_folder, "-c", DECODE, str(chunk))
    expected = _backend.core.Engine(model).push(x, layout="samples_first")
    assert len(expected) > 40
    assert done.stdout == expected.tobytes()


def test_paths_are_refused_without_the_core(monkeypatch, tmp_path):
    monkeypatch.setattr(_embed, "_PACKAGE", tmp_path)
    for get in (fe.get_include, fe.get_library):
        with pytest.raises(FileNotFoundError, match="installed without its compiled core"):
            get()


def test_pkg_config_and_cmake_find_it(tmp_path):
    lib = Path(fe.get_library()).parent
    config = (lib / "pkgconfig" / "fastemo.pc").read_text()
    assert f"Version: {fe.__version__}" in config
    assert "-I${prefix}/include" in config
    if shutil.which("pkg-config"):
        env = {**os.environ, "PKG_CONFIG_PATH": str(lib / "pkgconfig")}
        done = subprocess.run(
            ["pkg-config", "--cflags", "fastemo"], env=env, capture_output=True, text=True, check=True
        )
        assert Path(done.stdout.strip().removeprefix("-I"), "fastemo.h").exists()
        assert done.stderr == ""
    if not shutil.which("cmake"):
        return
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.15)\nproject(try C)\nfind_package(fastemo 0.1 REQUIRED CONFIG)\n"
        "add_executable(try try.c)\ntarget_link_libraries(try fastemo::fastemo)\n"
    )
    (tmp_path / "try.c").write_text(
        "#include <fastemo.h>\nint main(void) { return fastemo_abi_version() != 1; }\n"
    )
    for step in (["-S", ".", "-B", "build", f"-Dfastemo_DIR={lib / 'cmake/fastemo'}"], ["--build", "build"]):
        subprocess.run(["cmake", *step], cwd=tmp_path, capture_output=True, check=True)
    subprocess.run([tmp_path / "build" / "try"], check=True)


def declarations(text, strip):
    """Functions, structs and values that a header or a .pxd declares: {name: its declaration without spaces}."""
    text = re.sub(strip, " ", text, flags=re.S | re.M)
    found = {
        name: re.sub(r"\s|(?<=\()void(?=\))", "", declaration)
        for declaration, name in re.findall(
            r"^ *((?:const )?\w+\*? +\*?(fastemo_\w+)\([^)]*\))", text, flags=re.M
        )
    }
    return text, found


def test_pxd_declares_the_header():
    """Every function, field and status of fastemo.h stands in cengine.pxd, with its type and in its order."""
    header = (Path(fe.get_include()) / "fastemo.h").read_text()
    header, functions = declarations(header, r"/\*.*?\*/|^#.*?$|FASTEMO_API")
    pxd, declared = declarations((Path(fe.__file__).parent / "cengine.pxd").read_text(), r"#.*?$")
    assert len(functions) == 20
    assert declared == functions

    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", header, flags=re.S):
        fields = []
        for line in filter(None, map(str.strip, body.split(";"))):
            kind, names = re.fullmatch(r"(.*?[\s*])(\w+(?:, \w+)*)", line).groups()
            fields += [f"{kind.strip()} {field}" for field in names.split(", ")]
        block = re.search(rf"struct {name}:\n((?: {{8}}.*\n)+)", pxd)[1]
        assert [line.strip() for line in block.splitlines()] == fields, name
    (values,) = re.findall(r"typedef enum fastemo_status \{(.*?)\}", header, flags=re.S)
    block = re.search(r"enum fastemo_status:\n((?: {8}.*\n)+)", pxd)[1]
    assert block.split() == re.findall(r"FASTEMO_\w+", values)
