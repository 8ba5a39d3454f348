"""Who may import whom: the layers of the package stay layers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fastemo

PACKAGE = Path(fastemo.__file__).parent
FAMILIES = {
    "features",
    "signal",
    "spectral",
    "connectivity",
    "fmri",
    "riemann",
}  # function families: leaves only, never each other
HEAVY = (
    "numba",
    "sklearn",
    "scipy.signal",
    "mne",
    "nibabel",
    "nilearn",
    "matplotlib",
    "pyarrow",
    "typer",
    "rich",
)


def imports(path: Path) -> set[str]:
    """Absolute names of everything a file imports, at any level of it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files():
    return list(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_only_the_backend_imports_the_core():
    guilty = [name_of(p) for p in files() if any("fastemo._core" in i for i in imports(p))]
    assert guilty == ["fastemo._backend"]


def test_the_reference_needs_numpy_and_scipy_only():
    for path in (PACKAGE / "reference").rglob("*.py"):
        for name in imports(path):
            root = name.split(".")[0]
            allowed = root in {"numpy", "scipy", "__future__"} or root in sys.stdlib_module_names
            leaves = ("_functions", "_program", "_validate", "_design", "bands", "prediction", "reference")
            ours = name.startswith("fastemo.") and name.split(".")[1] in leaves
            assert allowed or ours, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_function_families_import_leaves_only(family):
    paths = [PACKAGE / f"{family}.py", *(PACKAGE / family).rglob("*.py")]
    for name in set().union(*(imports(path) for path in paths if path.exists())):
        if name.startswith("fastemo."):
            module = name.split(".")[1]
            assert module not in FAMILIES - {family}, f"{family} imports {name}"
            assert module not in {"pipeline", "engine", "stages", "io", "cli"}, f"{family} imports {name}"


def test_nobody_calls_back_up():
    """Stages know nothing of the pipeline, the engine's face nothing of stages, leaves nothing at all."""
    lower = {"_validate": (), "_program": (), "bands": ("_validate",)}
    for module, allowed in lower.items():
        for name in imports(PACKAGE / f"{module}.py"):
            if name.startswith("fastemo."):
                assert name.split(".")[1] in allowed, f"{module} imports {name}"
    for path in (PACKAGE / "stages").rglob("*.py"):
        for name in imports(path):
            above = ("fastemo.pipeline", "fastemo.engine", "fastemo.cli")
            assert not name.startswith(above), f"{name_of(path)} imports {name}"


def test_importing_is_light():
    code = f"import sys, fastemo; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_are_short():
    long = {name_of(p): n for p in files() if (n := len(p.read_text().splitlines())) > 400}
    assert not long, f"files past 400 lines want splitting: {long}"


def test_every_public_name_resolves():
    for name in fastemo.__all__:
        assert getattr(fastemo, name) is not None
