"""`fastemo info` and `fastemo doctor`."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib import metadata
from typing import Annotated, Any

import numpy as np
import typer

from fastemo._atlases import described
from fastemo.cli._common import Json, adapts, err, out, print_json, told_warnings
from fastemo.cli._reading import Reading, reads

__all__ = ["COMMANDS"]


@reads
def info(
    path: Annotated[str, typer.Argument(help="A model file or a recording.")],
    *,
    reading: Reading,
    as_json: Json = False,
) -> None:
    """Say what a model file is and was trained on, or what a recording holds and how good it is."""
    with told_warnings():
        if path.endswith(".fastemo"):
            content, text = _model(path)
        else:
            content, text = _recording(path, reading.arguments())
    if as_json:
        print_json(content)
    else:
        out.print(text, markup=False)


def _model(path: str) -> tuple[dict[str, Any], str]:
    import fastemo as fe

    pipe = fe.load(path)
    program, provenance = pipe.program, dict(pipe.provenance_)
    content = {
        "stages": pipe.to_spec(),
        "labels": program.labels,
        "sfreq": program.sfreq,
        "unit": program.metadata["unit"],
        "ch_names": program.ch_names,
        "window_s": program.scalar("window.length") / program.window_sfreq,
        "hop_s": program.scalar("window.hop") / program.window_sfreq,
        "warmup_s": program.scalar("time.warmup") / program.sfreq,
        "delay_s": program.scalar("time.delay"),
        "causal": _causal(program),
        "adapts": adapts(pipe),
        "atlas": None,
        "provenance": provenance,
    }
    evaluation = provenance.pop("evaluation", None)
    lines = [repr(pipe)]
    if content["causal"]:
        lines.append("causal: yes; cutting off what comes after a window changes no bit of its prediction")
    else:
        lines.append("causal: no; predictions depend on what comes after their window")
    if content["adapts"]:
        lines.append("adapts to a person by their rest: decode --baseline 0:60")
    if pipe.atlas_ is not None:
        carried = hasattr(pipe.atlas_, "on")
        content["atlas"] = {
            "regions": list(pipe.atlas_.names),
            "digest": pipe.atlas_.digest,
            "carried": carried,
        }
        how = "reads NIfTI by it" if carried else "is not in the file: decode --atlas"
        lines.append(f"atlas: {described(pipe.atlas_)}; {how}")
    lines.append("trained on:")
    lines += [f"  {key}: {_one_line(value)}" for key, value in provenance.items()]
    lines += (
        _evaluation_lines(evaluation) if evaluation else ["not evaluated: train --evaluate subject does it"]
    )
    content["evaluation"] = evaluation
    return content, "\n".join(lines)


def _causal(program: Any) -> bool:
    """Whether predictions stay the same to the bit when the signal ends with their window."""
    from fastemo.engine import Engine

    length, hop = program.scalar("window.length"), program.scalar("window.hop")
    rate = program.window_rate
    n, cut = program.scalar("time.warmup") + rate.span(length + 4 * hop), rate.span(2 * hop)
    scale = 10.0 / program.scalar("input.scale")
    x = scale * np.random.default_rng(0).standard_normal((len(program.ch_names), n))
    whole, part = (Engine(program).push_array(signal)["outputs"] for signal in (x, x[:, : n - cut]))
    return np.array_equal(whole[: len(part)], part, equal_nan=True)


def _one_line(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _three(value: float) -> str:
    """With three decimals; what rounds to zero has no sign."""
    return f"{round(value, 3) + 0.0:.3f}"


def _evaluation_lines(found: dict[str, Any]) -> list[str]:
    """The scores of an evaluation that a model file keeps."""
    by, n = found["by"], found["n_groups"]
    lines = [f"evaluated on {n} unseen {by}s (features scaled by: {found['normalisation']}):"]
    for name, score in found["scores"].items():
        if score["mean"] is not None:
            low, high = score["low"], score["high"]
            interval = "" if low is None else f", 95 % interval {_three(low)} to {_three(high)}"
            lines.append(f"  {name}: {_three(score['mean'])}{interval}")
    chance = [f"{name} {value:.3f}" for name, value in found["chance"].items()]
    return lines + ([f"  chance: {', '.join(chance)}"] if chance else [])


def _recording(path: str, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    import fastemo as fe

    recording = fe.read(path, check_unit=False, **options)
    length = min(max(2.0, 8 / recording.sfreq), recording.duration)
    probe = fe.Pipeline(
        [fe.Window(length, length), fe.BandPower({"all": (2 / length, recording.sfreq / 2.5)})],
        sfreq=recording.sfreq, ch_names=recording.ch_names, check_unit=False,
    )  # fmt: skip
    windows = probe.engine().push_array(recording.data)
    quality = windows["channel_quality"].mean(axis=0)
    spread = 1.4826 * np.median(np.abs(np.diff(recording.data, axis=1)), axis=1)
    content = {
        "n_channels": recording.n_channels,
        "ch_names": list(recording.ch_names),
        "sfreq": recording.sfreq,
        "duration_s": recording.duration,
        "unit": recording.unit,
        "quality": float(quality.mean()),
        "channel_quality": dict(zip(recording.ch_names, quality.tolist(), strict=True)),
        "n_windows": len(windows),
        "n_abstained": int(windows["abstained"].astype(bool).sum()),
        "spread_of_differences": dict(zip(recording.ch_names, spread.tolist(), strict=True)),
    }
    bad = [name for name, q in zip(recording.ch_names, quality, strict=True) if q < 0.9]
    lines = [
        f"{recording.n_channels} channels at {recording.sfreq:g} Hz, {recording.duration:g} s, in {recording.unit}",
        "  " + " ".join(recording.ch_names),
        f"quality {quality.mean():.3f} over {len(windows)} windows of {length:g} s; "
        f"too bad to decode: {_stretches(windows, length) or 'none'}",
        f"channels below 0.9: {', '.join(bad) or 'none'}",
        f"spread of sample-to-sample differences: {np.median(spread):.3g} {recording.unit} (median channel)",
    ]
    return content, "\n".join(lines)


def _stretches(windows: np.ndarray, length: float) -> str:
    """The times of consecutive windows that abstained."""
    bad = np.flatnonzero(np.diff(np.concatenate([[0], windows["abstained"], [0]]).astype(int)))
    return ", ".join(f"{a * length:g}-{b * length:g} s" for a, b in bad.reshape(-1, 2))


def doctor(as_json: Json = False) -> None:
    """Say what this installation can do, and test it; exits with 1 if the core gives wrong results."""
    from fastemo import __version__, _backend

    compiler = next((c for c in ("c++", "g++", "clang++", "cl") if shutil.which(c)), None)
    packages = ("numpy", "scipy", "numba", "scikit-learn", "mne", "pyarrow", "matplotlib")
    report: dict[str, Any] = {
        "fastemo": __version__,
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}",
        "compiled_core": _backend.core is not None,
        "cpu_targets": _backend.core.targets() if _backend.core else [],
        "cpu_target_used": _backend.core.target() if _backend.core else None,
        "compiler": compiler,
        "packages": {name: _version(name) for name in packages},
    }
    if _backend.core is None:
        report["why_no_core"] = _backend.native_error
    report["self_test"] = _self_test() if _backend.core else "skipped: there is no compiled core to compare"
    failed = report["self_test"].startswith("FAILED")
    if as_json:
        print_json(report)
    else:
        for key, value in report.items():
            if isinstance(value, dict):
                value = ", ".join(f"{k} {v or 'absent'}" for k, v in value.items())
            elif isinstance(value, list):
                value = ", ".join(value)
            out.print(f"{key.replace('_', ' '):16s} {value}", markup=False)
    if failed:
        err.print("error: the compiled core gives wrong results on this machine", markup=False)
        raise typer.Exit(1)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _self_test() -> str:
    """Every kernel and op on one signal, the core against the reference."""
    from fastemo._cases import CASES

    x = 10 * np.random.default_rng(0).standard_normal((9, 400))
    tried = [case for case in CASES if case.kind != "stage" and "native" in case.implementations]
    for case in tried:
        try:
            native, expected = (case.make(i, *x.shape)(x) for i in ("native", "reference"))
        except Exception as error:
            return f"FAILED: {case.kind} {case.name} cannot run: {error}"
        if not np.allclose(native, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()):
            return f"FAILED: {case.kind} {case.name} differs from the reference"
    return f"passed: {len(tried)} kernels and ops agree with the reference"


COMMANDS = {"info": info, "doctor": doctor}
