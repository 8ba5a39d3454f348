"""What commands share: consoles, progress, errors, spans of rest, pipelines by name."""

from __future__ import annotations

import contextlib
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fastemo.recording import Recording

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def complain(error: Exception) -> None:
    """Say an error in one sentence on stderr."""
    # Errors of usage know more than their text.
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    text = text.strip() or type(error).__name__
    # What Python calls an argument is an option here.
    text = re.sub(r"\bpass (sfreq|unit|channels|atlas)=(?=,)", r"pass --\1", text)
    text = re.sub(r"\bpass (sfreq|unit|channels)=", r"pass --\1 ", text)
    if getattr(error, "exit_code", 1) == 2:
        context = getattr(error, "ctx", None)
        text = f"{text.rstrip('.')}: see {context.command_path if context else 'fastemo'} --help"
    elif not isinstance(error, (ValueError, TypeError, OSError, ImportError, AttributeError)):
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    err.print(f"[bold red]error:[/] {_plain(text)}", soft_wrap=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(re.sub(r"\s*\n\s*", " ", text))


@contextlib.contextmanager
def told_warnings() -> Iterator[set[str]]:
    """Warnings of the library become one line each on stderr, said once; not those in the set given, which are
    said elsewhere."""
    elsewhere: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        yield elsewhere
    for text in dict.fromkeys(str(w.message) for w in caught if str(w.message) not in elsewhere):
        err.print(f"[yellow]note:[/] {_plain(text)}", soft_wrap=True)


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that vanishes when done; silent where stderr is no terminal. Call it (done, total)."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_json(value: Any) -> None:
    """One JSON document on stdout, NaN as null."""
    print(json.dumps(_jsonable(value), indent=2, allow_nan=False))


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_jsonable(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value if value is None or isinstance(value, str) else str(value)


def parse_span(text: str, name: str = "--baseline") -> tuple[float, float]:
    """Seconds "0:60" as a pair."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*:\s*(\d+(?:\.\d*)?)\s*", text)
    if not match or not float(match[1]) < float(match[2]):
        raise ValueError(f"{name} is {text!r}, expected START:STOP in seconds, such as 0:60")
    return float(match[1]), float(match[2])


def cut_baselines(recordings: Sequence[Recording], span: tuple[float, float]) -> list[Recording]:
    """Mark the span of each subject's first listed recording as their baseline; the rest of it stays data."""
    start, stop = span
    seen: set[Any] = set()
    result: list[Recording] = []
    for r in recordings:
        if r.subject in seen or r.role == "baseline":
            result.append(r)
            continue
        seen.add(r.subject)
        if r.duration < stop:
            raise ValueError(
                f"--baseline {start:g}:{stop:g} is longer than the first recording of {r.subject or 'the subject'}, "
                f"{r.duration:g} s"
            )
        result.append(r.crop(start, stop).replace(role="baseline", label=None, events=None))
        if r.duration > stop:
            result.append(r.crop(stop, r.duration))
        if start > 0:
            result.append(r.crop(0, start))
    return result


def adapts(pipe: Any) -> bool:
    """Whether `calibrate` can adapt a pipeline to a person."""
    return any(getattr(stage, "adapts", False) for stage in pipe.stages)


def make_pipeline(spec: str, hop: float | None = None, baseline: bool = False) -> Any:
    """A pipeline of a preset's name or of a TOML file of stages, which says itself what it does at rest."""
    import fastemo as fe
    from fastemo import presets

    if not spec.endswith(".toml"):
        stages = presets.preset(spec, baseline=baseline, **({} if hop is None else {"hop": hop}))
        return fe.Pipeline(stages, unit="1" if spec == "bold-logistic" else "uV")
    if hop is not None:
        raise ValueError(f"--hop is for presets: write hop = {hop:g} under Window in {spec}")
    try:
        import tomllib
    except ImportError:
        raise ValueError(
            "a pipeline in TOML needs Python 3.11 or later: use a preset, or write it in Python"
        ) from None
    with open(spec, "rb") as f:
        try:
            content = tomllib.load(f)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{spec} is no TOML: {error}") from None
    if not isinstance(content.get("stages"), list):
        raise ValueError(
            f"{spec} has no list of [[stages]]: each is a table with stage = 'BandPass' and its parameters"
        )
    try:
        return fe.Pipeline.from_spec(content.pop("stages"), **content)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{spec}: {error}") from None


def check_output(path: str | os.PathLike) -> Path:
    """A path whose folder is there, before hours of work end in an error."""
    result = Path(path)
    if not result.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {result.parent} to write {result.name} to")
    return result
