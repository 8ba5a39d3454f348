"""`fastemo bench`: shipped cases timed on this machine, against NumPy and Numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer

from fastemo.cli._common import Json, err, out, print_json, progress

__all__ = ["COMMANDS"]

#: What is timed where no names are given.
SELECTION = (
    "sosfilt", "sosfiltfilt", "lfilter", "welch", "hilbert", "band_power_fft", "band_power_welch",
    "band_power_multitaper", "band_power_bank", "entropy_gauss", "entropy_fft", "cross_spectra", "covariance",
    "sliding_inference", "LDA",
)  # fmt: skip
NAMES = {"native": "compiled", "jit": "numba", "reference": "numpy"}
ROUNDS = 5


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(help="A case by its name (may be given several times); --list shows them all."),
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Print the names of all cases, time nothing.")
    ] = False,
    n_channels: Annotated[int, typer.Option("--channels", min=1, help="Of the signal.")] = 64,
    n_samples: Annotated[int, typer.Option("--samples", min=250, help="Of the signal, at 250 Hz.")] = 1000,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="To time each implementation of each case for.")
    ] = 0.25,
    as_json: Json = False,
) -> None:
    """Time kernels, ops and pipelines on this machine: the compiled core, Numba and NumPy on the same signal.

    Answers are checked before anything is timed. One thread; calls in turn; medians (p50) and the slowest hundredth (p99).
    NumPy is the reference, written to be read; other libraries are timed by benchmarks/ in the repository.
    """
    from threadpoolctl import threadpool_limits

    from fastemo import _backend

    cases = _chosen(only)
    if show_list:
        _print_list(cases if only else _chosen(["*"]), as_json)
        return
    x = 10 * np.random.default_rng(0).standard_normal((n_channels, n_samples))
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1), progress("Timing", len(cases)) as done:
        for case in cases:
            rows.append(_timed(case, x, seconds))
            done(len(rows), len(cases))
    report = {
        "target": _backend.core.target() if _backend.core else None,
        "n_channels": n_channels,
        "n_samples": n_samples,
        "cases": rows,
    }
    if as_json:
        print_json(report)
    else:
        _print(report)
    wrong = [f"{row['name']} ({row['error']})" for row in rows if row["error"]]
    if wrong:
        err.print(f"error: not timed: {'; '.join(wrong)}", markup=False)
        raise typer.Exit(1)


def _chosen(names: Sequence[str] | None) -> list[Any]:
    """Cases by name; all for "*"."""
    from fastemo._cases import CASES

    if names is not None and "*" in names:
        return list(CASES)
    known = {case.name for case in CASES}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        near = [name for name in sorted(known) if unknown[0].lower() in name.lower()]
        raise ValueError(
            f"there is no case {unknown[0]!r}: {f'did you mean {near[0]!r}? ' if near else ''}--list shows them all"
        )
    wanted = names or SELECTION
    return [case for name in dict.fromkeys(wanted) for case in CASES if case.name == name]


def _timed(case: Any, x: np.ndarray, seconds: float) -> dict[str, Any]:
    """A row of the report: times in microseconds by implementation, or why there are none."""
    from fastemo._timing import in_turn, percentiles

    row: dict[str, Any] = {"name": case.name, "kind": case.kind, "times": {}, "error": None}
    try:
        calls = _calls(case, x)
    except Exception as error:
        return row | {"error": f"cannot run: {error}"}
    expected = calls["numpy"]()
    for name, call in calls.items():
        got = call()
        if got.shape != expected.shape or not np.allclose(
            got, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max()
        ):
            return row | {"error": f"{name} does not give what numpy gives"}
    times = in_turn(calls, ROUNDS, seconds / ROUNDS)
    return row | {"times": {name: percentiles(measured) for name, measured in times.items()}}


def _calls(case: Any, x: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """The call of every implementation that is there, the fastest first."""
    from fastemo import _backend

    calls: dict[str, Callable[[], np.ndarray]] = {}
    for implementation in case.implementations:
        if implementation == "native" and _backend.core is None:
            continue
        made = case.make(implementation, *x.shape)
        calls[NAMES[implementation]] = partial(made, x)
    return calls


def _print_list(cases: Sequence[Any], as_json: bool) -> None:
    if as_json:
        print_json([{"name": case.name, "kind": case.kind} for case in cases])
        return
    for kind in ("kernel", "op", "stage"):
        names = [case.name for case in cases if case.kind == kind]
        if names:
            out.print(f"{kind}s: {', '.join(names)}", markup=False)


def _print(report: dict[str, Any]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    size = f"{report['n_channels']} channels x {report['n_samples']} samples"
    made = f"compiled for {report['target']}" if report["target"] else "there is no compiled core"
    table = Table(title=f"{size}, microseconds a call, one thread; {made}", box=SIMPLE_HEAD)
    table.add_column("case", no_wrap=True)
    for heading in ("compiled", "p99", "numba", "numpy", "to numba", "to numpy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report["cases"]:
        times = row["times"]
        cells = [
            _figure(times, *cell)
            for cell in (("compiled", "p50"), ("compiled", "p99"), ("numba", "p50"), ("numpy", "p50"))
        ]
        table.add_row(row["name"], *cells, _ratio(times, "numba"), _ratio(times, "numpy"))
    out.print(table)


def _figure(times: dict[str, dict[str, float]], name: str, percentile: str) -> str:
    """Three digits."""
    if name not in times:
        return "-"
    microseconds = times[name][percentile]
    return f"{microseconds:.0f}" if microseconds >= 99.95 else f"{microseconds:.3g}"


def _ratio(times: dict[str, dict[str, float]], name: str) -> str:
    """How many times as fast as another implementation the compiled one is."""
    if name not in times or "compiled" not in times:
        return "-"
    return f"{times[name]['p50'] / times['compiled']['p50']:.1f}x"


COMMANDS = {"bench": bench}
