"""Whole recordings through the engine, and what their windows say together."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from fastemo._backend import core
from fastemo._lowering import Build
from fastemo._program import Program
from fastemo.emotions import LabelSpace
from fastemo.engine import Engine
from fastemo.recording import Recording

__all__ = ["called", "decide", "digest", "pick_windows", "present", "run", "score", "window_table"]

# A probability of exactly 0 would outvote every other window.
SMALLEST = 1e-12


def called(recordings: Sequence[Recording], i: int) -> str:
    """What a message calls a recording."""
    rec = recordings[i]
    if rec.source is not None:
        return str(rec.source)
    about = [f"{name} {getattr(rec, name)!r}" for name in ("subject", "session", "trial")]
    about = [text for text in about if not text.endswith(" None")]
    return f"recording {i}" + (f" ({', '.join(about)})" if about else "")


def run(program: Program, recordings: Sequence[Recording]) -> list[np.ndarray]:
    """The predictions of each recording, as structured arrays of the engine's dtype."""
    length = program.scalar("window.length")
    for i, rec in enumerate(recordings):
        if rec.n_samples < program.window_rate.needed(length):
            raise ValueError(
                f"{called(recordings, i)} lasts {rec.duration:g} s, shorter than one window of "
                f"{length / program.window_sfreq:g} s: use longer recordings or a shorter Window"
            )
    return _for_each(lambda rec: _whole(Engine(program), rec.data), recordings)


def _whole(engine: Engine, data: np.ndarray) -> np.ndarray:
    """The predictions of a stream that ends with these samples."""
    found, held_back = engine.push_array(data), engine.flush_array()
    return np.concatenate([found, held_back]) if len(held_back) else found


def digest(recordings: Sequence[Recording]) -> str:
    """SHA-256 of the samples of all recordings, in order."""
    from hashlib import sha256

    parts = _for_each(lambda rec: sha256(np.ascontiguousarray(rec.data).data).digest(), recordings)
    return sha256(b"".join(parts)).hexdigest()


def _for_each(function: Callable[[Recording], Any], recordings: Sequence[Recording]) -> list[Any]:
    """The function of each recording, in order; on all cores where the compiled engine leaves Python free."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, len(recordings)) if core is not None else 1
    if workers < 2:
        return [function(rec) for rec in recordings]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, recordings))


def pick_windows(
    outputs: Sequence[np.ndarray], recordings: Sequence[Recording], purpose: str, build: Build
) -> list[np.ndarray]:
    """Which windows of each recording count: the valid ones, else all that did not abstain, with a warning.

    Returns
    -------
    list of ndarray of bool, shape (n_windows,)

    Raises
    ------
    ValueError
        A recording of which every window abstained.
    """
    picked, without = [], []
    for i, out in enumerate(outputs):
        mask = out["valid"].astype(bool)
        if not mask.any():
            abstained = out["abstained"].astype(bool)
            mask = ~abstained & np.isfinite(out["outputs"]).all(axis=1)
            if not mask.any() and not abstained.all():
                raise ValueError(
                    f"{called(recordings, i)} is too bad to {purpose}: no window that did not abstain is finite, so its "
                    "samples are too large to be squared: check its unit, or leave it out"
                )
            if not mask.any():
                raise ValueError(
                    f"{called(recordings, i)} is too bad to {purpose}: all {len(out)} windows abstained, the "
                    f"best has quality {out['quality'].max():.2f}: leave it out or {_lower(out)}"
                )
            without.append(i)
        picked.append(mask)
    if without:
        warnings.warn(
            f"{len(without)} of {len(outputs)} recordings have no valid window, so all their windows count "
            f"(first {called(recordings, without[0])}): the filters take {build.warmup_seconds:.2g} s "
            f"to fill before a window of {build.length / build.sfreq:g} s, and lost samples make one invalid",
            UserWarning,
            stacklevel=5,
        )
    return picked


def _lower(out: np.ndarray) -> str:
    """What would let more windows pass: a gate gives those that it refuses the quality 0."""
    refused = (out["quality"] == 0) & out["channel_quality"].any(axis=1)
    return "raise Potato(threshold=...)" if refused.any() else "lower Quality(minimum=...)"


def decide(outputs: np.ndarray, space: LabelSpace) -> np.ndarray:
    """What the windows of one recording say together, (n_windows, n_labels) to (n_labels,).

    Probabilities of classes: exp of the mean logarithm, scaled to sum to 1. Others: the mean.
    """
    if space.kind != "classes":
        return outputs.mean(axis=0)
    mean_log = np.log(np.maximum(outputs, SMALLEST)).mean(axis=0)
    together = np.exp(mean_log - mean_log.max())
    return together / together.sum()


def present(probabilities: np.ndarray, space: LabelSpace) -> frozenset:
    """The labels that are more probable than not."""
    return frozenset(name for name, p in zip(space.classes, probabilities, strict=True) if p > 0.5)


def score(predicted: np.ndarray, labels: Sequence[Any], space: LabelSpace) -> float:
    """Share of right answers; for intensities R^2, averaged over them."""
    truth = space.encode(labels)
    if space.kind == "classes":
        return float(np.mean([p == label for p, label in zip(predicted, labels, strict=True)]))
    if space.kind == "multilabel":
        return float(np.mean([p == frozenset(label) for p, label in zip(predicted, labels, strict=True)]))
    residual = ((truth - predicted.reshape(truth.shape)) ** 2).sum(axis=0)
    total = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    if (total == 0).any():
        raise ValueError("R^2 needs labels that vary, got the same value throughout: score more recordings")
    return float(np.mean(1 - residual / total))


def window_table(records: np.ndarray, space: LabelSpace) -> np.ndarray:
    """The engine's records for people: outputs by their right name, labels as the user wrote them."""
    outputs = "intensities" if space.kind == "intensities" else "probabilities"
    names = {name: name for name in records.dtype.names if name != "class_index"}  # type: ignore[union-attr]
    names["outputs"] = outputs
    fields: list[tuple] = [
        (new, records.dtype[old].base, records.dtype[old].shape) for old, new in names.items()
    ]
    fields = [(name, bool, ()) if name in ("valid", "abstained") else (name, *rest) for name, *rest in fields]
    if space.kind != "intensities":
        fields.append(("label", object))
    table = np.empty(len(records), fields)
    for old, new in names.items():
        table[new] = records[old]
    if space.kind == "classes":
        # The last entry answers index -1: without an answer there is no label.
        table["label"] = np.array([*space.classes, None], object)[records["class_index"]]
    elif space.kind == "multilabel":
        answered = np.isfinite(records["outputs"]).all(axis=1)
        pairs = zip(records["outputs"], answered, strict=True)
        table["label"] = [present(row, space) if there else None for row, there in pairs]
    return table
