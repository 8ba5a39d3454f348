"""How a pipeline shows itself, as text and in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fastemo._lowering import Build

if TYPE_CHECKING:
    from fastemo.pipeline import Pipeline

__all__ = ["as_html", "as_text"]

LARGE_STATE = 1_000_000


def as_text(pipe: Pipeline) -> str:
    """The stages one by one and, once they are known, widths, delay, warm-up and state."""
    build = _build(pipe)
    rows = _rows(pipe, build)
    width = max(len(stage) for stage, _ in rows)
    lines = [f"{stage:<{width}}  {gives}".rstrip() for stage, gives in rows] + _facts(build)
    return "\n  ".join([f"Pipeline: {_headline(pipe, build)}", *lines])


def as_html(pipe: Pipeline) -> str:
    """The same as a table."""
    build = _build(pipe)
    rows = "".join(
        f'<tr><td style="text-align:left"><code>{escape(stage)}</code></td><td>{escape(gives)}</td></tr>'
        for stage, gives in _rows(pipe, build)
    )
    facts = "<br>".join(escape(line) for line in _facts(build))
    return f"<div><b>Pipeline</b>: {escape(_headline(pipe, build))}<table>{rows}</table>{facts}</div>"


def _build(pipe: Pipeline) -> Build | None:
    """As much of the pipeline as can be lowered now."""
    try:
        return pipe._lowered(None if hasattr(pipe, "fitted_") else pipe._n_given)[0]
    except ValueError:
        # Rate or channels are not known yet, or do not fit: whoever uses the pipeline is told.
        return None


def _headline(pipe: Pipeline, build: Build | None) -> str:
    if hasattr(pipe, "label_space_"):
        state = f"fitted to {', '.join(pipe.label_space_.names)}"
    else:
        state = "nothing to learn" if pipe.__sklearn_is_fitted__() else "not fitted"
    if build is None:
        return state
    return f"{state}; {len(build.inputs)} channels at {build.input_sfreq:g} Hz in {build.unit}"


def _rows(pipe: Pipeline, build: Build | None) -> list[tuple[str, str]]:
    """Each stage and what it gives."""
    given = [step.gives + _late(step.delay) for step in build.steps] if build else []
    given += [""] * (len(pipe.stages) - len(given))
    return [(repr(stage), gives) for stage, gives in zip(pipe.stages, given, strict=True)]


def _late(delay: float) -> str:
    return f", {1e3 * delay:.0f} ms later" if delay >= 5e-4 else ""


def _facts(build: Build | None) -> list[str]:
    if build is None:
        return []
    delays = ", ".join(f"{band} {1e3 * delay:.0f}" for band, delay in build.delays.items())
    facts = [
        f"window {build.length / build.sfreq:g} s, hop {build.hop_seconds:g} s",
        f"filters: full after {build.warmup_seconds:.2f} s; delay in ms: {delays}",
        f"state: {_size(build.state_bytes)}",
    ]
    for step in build.steps:
        if step.state_bytes > LARGE_STATE:
            facts.append(
                f"{type(step.stage).__name__} keeps {_size(step.state_bytes)}: "
                "a shorter window, or a hop that divides it in fewer parts, keeps less"
            )
    return facts + [f"note: {note}" for note in dict.fromkeys(build.notes)]


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:.1f} kB"
