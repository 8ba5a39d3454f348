"""Compilers for the tests that build something, and the core built by them."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "csrc/fastemo"


def needs(found: str | None, what: str) -> str:
    """What was found; else the test is skipped, or fails where everything compiled is required."""
    if found:
        return found
    if os.environ.get("FASTEMO_REQUIRE_NATIVE") == "1":
        pytest.fail(f"there is no {what}, and FASTEMO_REQUIRE_NATIVE=1")
    pytest.skip(f"there is no {what}")


def compiler(language: str = "c++") -> str:
    """A compiler that takes the options of GCC and Clang."""
    variable, names = (
        ("CC", ("cc", "gcc", "clang")) if language == "c" else ("CXX", ("c++", "g++", "clang++"))
    )
    configured = [(os.environ.get(variable) or sysconfig.get_config_var(variable) or "").split(" ")[0]]
    found = next(filter(None, map(shutil.which, [*configured, *names])), None)
    return needs(found, f"{language.upper()} compiler")


def run(command: list, **options) -> subprocess.CompletedProcess:
    """Run a command; a failure shows all that it said."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, check=False, **{"text": True, **options})
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


@cache
def build_settings() -> dict:
    """The names that setup.py defines: FLAGS, TARGETS and so on."""
    with mock.patch("setuptools.setup"):
        return runpy.run_path(str(ROOT / "setup.py"))


def built_folder() -> Path | None:
    """Where setup.py left the objects of the sources as they are now, if it did."""
    sources = [ROOT / "setup.py", *(p for p in CORE.rglob("*.[ch]*") if p.is_file())]
    newest = max(p.stat().st_mtime for p in sources)
    archives = [a for a in ROOT.glob("build/temp.*/libfastemo_core.a") if a.stat().st_mtime > newest]
    return archives[0].parent if archives else None


def target_units() -> list[Path]:
    """The sources that are compiled for every CPU target, without their endings, as seen from the root."""
    return sorted(p.relative_to(ROOT).with_suffix("") for p in CORE.glob("targets/target*.cpp"))


def compile_core(
    folder: Path, flags: list[str], target_flags: dict[str, list[str]], level: str = "-O1"
) -> list[Path]:
    """Objects of the core and the C ABI, with setup.py's flags but for the level of optimization.

    `target_flags` adds flags to the units of the CPU targets it names; only those are built.
    """
    settings, cxx = build_settings(), compiler()
    common = [f for f in settings["FLAGS"] if not f.startswith("-O")] + [level, "-Werror", *flags]
    if set(target_flags) != {"baseline"}:
        common.append("-DFASTEMO_X86")
    jobs = [
        (source, t, [f"-DFASTEMO_NS={t}", *settings["TARGETS"][t], *more])
        for t, more in target_flags.items()
        for source in (ROOT / f"{unit}.cpp" for unit in target_units())
    ]
    sources = [
        *CORE.glob("engine/*.cpp"),
        *CORE.glob("ops/*.cpp"),
        CORE / "targets/dispatch.cpp",
        CORE / "c_api.cpp",
    ]
    jobs += [(source, "core", []) for source in sources]

    def compile_one(job) -> Path:
        source, name, more = job
        out = folder / f"{source.parent.name}_{source.stem}_{name}.o"
        run([cxx, *common, *more, "-c", source, "-o", out])
        return out

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, jobs))
