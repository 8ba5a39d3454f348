#!/usr/bin/env python3
"""One command from a bare clone: make a virtual environment, install fastemo in it, and run something.

    python3 dev.py demo     watch emotions being decoded from a simulated EEG stream
    python3 dev.py test     run the tests
    python3 dev.py bench    run the benchmarks against the peers
    python3 dev.py python   a Python with fastemo installed

Needs Python 3.10 or later and, for full speed, a C++ compiler. Uses the standard library only; further
arguments go to the command (`python3 dev.py test -k engine`). The environment is .venv beside this file; delete
it to start anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# The program to run in the environment and the extras it needs. Programs rather than `python -m`, which would
# find the sources beside this file before the installed package.
SOURCES = {".py", ".pyi", ".pxd", ".cpp", ".hpp", ".h"}
COMMANDS = {
    "demo": (["fastemo", "demo"], ""),
    "test": (["pytest"], "[test]"),
    "bench": (["pytest", "benchmarks"], "[test,peers]"),
    "python": (["python"], ""),
}


def run(*command: str | Path, **options) -> None:
    """Run a command; end with its exit code if it fails."""
    done = subprocess.run([str(part) for part in command], check=False, **options)
    if done.returncode:
        sys.exit(done.returncode)


def make_venv() -> None:
    """Make the environment, also where the system's Python has no ensurepip."""
    if PYTHON.exists():
        return
    print(f"Making a virtual environment in {VENV}", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, check=False).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", "--without-pip", VENV], check=False).returncode == 0:
        bring_pip()
        return
    shutil.rmtree(VENV, ignore_errors=True)
    # A Python without the venv module: pip (even the system's, which may refuse to install) can bring virtualenv.
    target = ROOT / ".virtualenv"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", target, "virtualenv"]
    run(*pip)
    run(sys.executable, "-m", "virtualenv", VENV, env={**os.environ, "PYTHONPATH": str(target)})
    shutil.rmtree(target)


def bring_pip() -> None:
    """Install pip into an environment that has none: through the system's pip, else from its bootstrap script."""
    has_pip = (
        subprocess.run(
            [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
        ).returncode
        == 0
    )
    if has_pip:
        run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip")
        return
    script = VENV / "get-pip.py"
    try:
        urllib.request.urlretrieve("https://bootstrap.pypa.io/get-pip.py", script)
    except OSError as error:
        sys.exit(
            f"This Python has neither ensurepip nor pip, and get-pip.py cannot be fetched ({error}): install python3-venv"
        )
    run(PYTHON, script, "--quiet")


def sources_hash() -> str:
    """Changes whenever an installation would."""
    digest = hashlib.sha256()
    files = [ROOT / "pyproject.toml", ROOT / "setup.py"]
    for folder in ("csrc", "fastemo"):
        files += [
            p for p in (ROOT / folder).rglob("*") if p.suffix in {".py", ".pyi", ".pxd", ".cpp", ".hpp", ".h"}
        ]
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def install(extras: str) -> None:
    """Install the project as it is now, with the extras a command needs, unless that is done already."""
    stamp = VENV / f".installed{extras}"
    state = sources_hash()
    if stamp.exists() and stamp.read_text() == state:
        return
    print(f"Installing fastemo{extras} (a minute or two the first time)", flush=True)
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{ROOT}{extras}")
    for other in VENV.glob(".installed*"):
        other.unlink()  # they may be of older sources
    stamp.write_text(state)


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__)
        sys.exit(0 if arguments in ([], ["-h"], ["--help"]) else 2)
    if sys.version_info < (3, 10):  # noqa: UP036 - whoever runs this has not installed anything yet
        sys.exit(f"fastemo needs Python 3.10 or later, this is {sys.version.split()[0]}")
    command, *rest = arguments
    (program, *options), extras = COMMANDS[command]
    make_venv()
    install(extras)
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    if command == "test":
        environment.setdefault("FASTEMO_REQUIRE_NATIVE", "1")
    if command == "bench":
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            environment.pop(name, None)
    folder = ROOT if command in {"test", "bench"} else None
    path = shutil.which(program, path=str(PYTHON.parent))
    sys.exit(subprocess.run([path, *options, *rest], cwd=folder, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
