"""`fastemo demo`: simulated people; a decoder trained on some reads an unseen one live."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from fastemo.cli._common import Json, check_output, err, out, print_json, progress, told_warnings
from fastemo.cli._trace import Step, Trace

__all__ = ["COMMANDS"]

CHUNK = 0.1  # seconds of signal per push
EPISODE, PAUSE = 10.0, 3.0  # seconds
SESSION = 1  # number of the session among the simulated recordings; 0 is the rest before it


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer people, no waiting: for scripts.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the trace to this file.")] = None,
    difficulty: Annotated[float, typer.Option(min=0, max=1, help="0 is easy, 1 hopeless.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Everything simulated follows from it.")] = 0,
    speed: Annotated[float, typer.Option(min=0.1, help="Times real time.")] = 4.0,
    as_json: Json = False,
) -> None:
    """Watch emotions being decoded from a simulated EEG stream.

    Trains on simulated people, adapts to an unseen one by half a minute of rest, decodes that person live from
    chunks of 0.1 s, and prints accuracy against the truth, chance level and latency.
    """
    import fastemo as fe

    if plot is not None:
        check_output(plot)
    n_people, n_trials, n_episodes = (6, 15, 5) if quick else (8, 20, 9)
    with told_warnings(), progress("Simulating people and training on them", 3) as done:
        people, _ = fe.simulate(n_people, n_trials, trial_length=16.0, difficulty=difficulty, seed=seed)
        done(1, 3)
        pipe = fe.Pipeline(fe.presets.preset("de-lda", hop=0.25, tau=1.0, baseline=True)).fit(people)
        done(2, 3)
        schedule = _schedule(n_episodes, seed)
        duration = schedule[-1][0] + EPISODE + PAUSE
        (rest, session), truth = fe.synth.simulate_session(
            duration, subject=n_people + 1, difficulty=difficulty, schedule=schedule, seed=seed
        )
        personal = pipe.calibrate(rest)
        done(3, 3)
    err.print(
        f"Trained on {n_people} people; decoding an unseen one, {duration:g} s in chunks of {CHUNK:g} s."
    )

    engine = personal.engine()
    speed_or_none = None if quick else speed
    if as_json:
        steps = _decode(engine, rest, session, truth, None, speed_or_none)
    else:
        with Trace(out, engine.labels, live=out.is_terminal and not quick) as trace:
            steps = _decode(engine, rest, session, truth, trace, speed_or_none)
    result = _result(steps, [str(c) for c in personal.classes_], engine)
    if as_json:
        print_json(result)
    else:
        _print(result)
    if plot is not None:
        from fastemo.plot import plot_trace

        plot_trace([s.prediction for s in steps], truth=[s.truth for s in steps], path=plot)
        err.print(f"Wrote {plot}")


def _schedule(n_episodes: int, seed: int) -> list[tuple[float, float, str]]:
    """Episodes of all emotions in random order, a pause between them."""
    rng = np.random.default_rng(seed)
    names: list[str] = []
    while len(names) < n_episodes:
        names += [str(name) for name in rng.permutation(["joy", "sadness", "fear", "anger"])]
    return [(PAUSE + i * (EPISODE + PAUSE), EPISODE, name) for i, name in enumerate(names[:n_episodes])]


def _decode(
    engine: Any, rest: Any, session: Any, truth: Any, trace: Trace | None, speed: float | None
) -> list[Step]:
    """Push rest and session chunk by chunk; every prediction about the session beside the truth at its time."""
    n = round(CHUNK * session.sfreq)
    data = np.hstack([rest.data, session.data])
    begin = rest.duration
    steps: list[Step] = []
    try:
        for start in range(0, data.shape[1] - n + 1, n):
            for p in engine.push(data[:, start : start + n]):
                about = p.time - begin
                if about < 0 or not p.valid:
                    continue
                steps.append(Step(about, p, _true_label(truth, about)))
                if trace is not None:
                    trace.add(steps[-1])
            if speed is not None and start / session.sfreq >= begin:
                time.sleep(CHUNK / speed)
    except KeyboardInterrupt:
        # Enough seen: the result is about what was decoded until now.
        if not steps:
            raise
    return steps


def _true_label(truth: Any, seconds: float) -> str:
    """The strongest emotion of the session at a time, neutral where little is felt."""
    felt = dict(zip(truth.emotions, truth.intensity_at(SESSION, seconds), strict=True))
    felt.pop("neutral", None)
    best = max(felt, key=lambda name: felt[name])
    return best if felt[best] >= 0.3 else "neutral"


def _result(steps: list[Step], classes: list[str], engine: Any) -> dict[str, Any]:
    truth = np.array([s.truth for s in steps])
    decoded = np.array([str(s.label) for s in steps])
    present = [c for c in classes if (truth == c).any()]
    recall = [float((decoded[truth == c] == c).mean()) for c in present]
    latency = engine.latency()["push"]
    return {
        "n_predictions": len(steps),
        "accuracy": float((truth == decoded).mean()),
        "balanced_accuracy": float(np.mean(recall)),
        "chance": {"uniform": 1 / len(classes), "majority": float(max((truth == c).mean() for c in classes))},
        "classes": classes,
        "backend": engine.backend,
        "latency_us": {"p50": latency.p50, "p99": latency.p99, "max": latency.max},
        "counters": dict(engine.counters),
    }


def _print(result: dict[str, Any]) -> None:
    chance = result["chance"]
    out.print(
        f"accuracy {result['accuracy']:.1%} of {result['n_predictions']} predictions on an unseen person "
        f"(balanced {result['balanced_accuracy']:.1%}); chance {chance['uniform']:.1%}, "
        f"always the commonest {chance['majority']:.1%}"
    )
    us = result["latency_us"]
    out.print(
        f"latency of a push of {CHUNK:g} s: median {us['p50']:.1f} us, 99 % {us['p99']:.1f} us, "
        f"longest {us['max']:.1f} us ({result['backend']})"
    )


COMMANDS = {"demo": demo}
