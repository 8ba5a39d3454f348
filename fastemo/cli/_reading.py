"""The options that say how recordings are read: one set of them, whichever command reads some."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from fastemo.cli._common import progress
from fastemo.recording import Recording

__all__ = ["Reading", "StudyReading", "read_for", "read_sources", "reads"]


@dataclass(frozen=True)
class Reading:
    """Options of every command that reads recordings."""

    sfreq: Annotated[float | None, typer.Option(help="Sampling frequency in Hz, for CSV and .npy.")] = None
    channels: Annotated[
        str | None, typer.Option(help="Channels to use, or names of a CSV's columns: Fz,Cz,Pz.")
    ] = None
    unit: Annotated[str | None, typer.Option(help="uV, mV, V or 1 (none), for CSV and .npy.")] = None
    ignore: Annotated[
        str | None, typer.Option(help="Columns of a CSV that are no channels: time,marker.")
    ] = None
    atlas: Annotated[
        Path | None,
        typer.Option(
            help="For NIfTI: an image of labels, of maps, or of a mask (single voxels); a model's own by default."
        ),
    ] = None
    confounds: Annotated[
        str | None,
        typer.Option(
            help="For NIfTI: a table of confounds, or auto for fMRIPrep's beside each run; more channels."
        ),
    ] = None

    def arguments(self) -> dict[str, Any]:
        """What they are to `fastemo.read`."""
        given = {"atlas": self.atlas, "confounds": self.confounds}
        return {
            "sfreq": self.sfreq,
            "ch_names": _list(self.channels) or None,
            "unit": self.unit,
            "ignore": _list(self.ignore),
            **{name: value for name, value in given.items() if value is not None},
        }


@dataclass(frozen=True)
class StudyReading(Reading):
    """And of those that read labelled ones, whose labels may be events."""

    delay: Annotated[float, typer.Option(min=0, help="For NIfTI: seconds by which BOLD lags events.")] = 5.0
    rest: Annotated[str | None, typer.Option(help="For NIfTI: label of the time between events.")] = None

    def arguments(self) -> dict[str, Any]:
        events: dict[str, Any] = {} if self.rest is None else {"rest": self.rest}
        if self.atlas is not None:
            events["delay"] = self.delay
        return super().arguments() | events


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of its parameter `reading` as options of their own, where it stands."""
    types = get_type_hints(command, include_extras=True)
    kind = types.pop("reading")
    options = get_type_hints(kind, include_extras=True)

    def parameters() -> Iterator[inspect.Parameter]:
        for parameter in inspect.signature(command).parameters.values():
            if parameter.name != "reading":
                yield parameter.replace(annotation=types[parameter.name])
                continue
            for f in fields(kind):
                yield inspect.Parameter(
                    f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=options[f.name]
                )

    @functools.wraps(command)
    def run(**given: Any) -> None:
        reading = kind(**{f.name: given.pop(f.name) for f in fields(kind)})
        command(**given, reading=reading)

    # What the command line is made from.
    del run.__wrapped__
    run.__signature__ = inspect.Signature(list(parameters()))  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in run.__signature__.parameters.values()}  # type: ignore[attr-defined]
    return run


def _list(text: str | None) -> list[str]:
    return [name.strip() for name in text.split(",")] if text else []


def read_for(pipe: Any, source: str, reading: Reading) -> Recording:
    """A recording for a pipeline: volumes by the regions that it learnt from, if no atlas is given."""
    import fastemo as fe
    from fastemo.io._nifti import NIFTI

    own, arguments = pipe.atlas_, reading.arguments()
    if hasattr(own, "on") and reading.atlas is None and source.lower().endswith(NIFTI):
        arguments["atlas"] = own
        if reading.confounds is None and not set(pipe._place[1]) <= set(own.names):
            arguments["confounds"] = "auto"
    return fe.read(source, **arguments)


def read_sources(sources: Sequence[str], pattern: str | None, reading: Reading) -> list[Recording]:
    """Recordings of one MANIFEST.csv, or of files and folders whose names `pattern` explains."""
    from fastemo import io

    arguments = reading.arguments()
    with progress("Reading"):
        if pattern is not None:
            found: list[Recording] = []
            for source in sources:
                found += io.read_pattern(source, pattern, **arguments)
            return found
        if len(sources) != 1 or not sources[0].endswith(".csv"):
            raise ValueError(
                f"expected one MANIFEST.csv, or files and folders with --pattern; got {', '.join(sources)}"
            )
        return io.read_manifest(sources[0], **arguments)
