"""Calls timed against each other, in turn, so that whatever else the machine does slows them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["PERCENTILES", "clock", "in_turn", "percentiles"]

PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}


def clock(call: Callable[[], Any], seconds: float) -> list[float]:
    """Times of single calls in microseconds, for about so many seconds; of one at least."""
    times, stop = [], time.perf_counter() + seconds
    while True:
        start = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - start) / 1e3)
        if time.perf_counter() >= stop:
            return times


def in_turn(calls: Mapping[str, Callable[[], Any]], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Times in microseconds of all calls, each for `seconds` in every round, after one call that does not count."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name] += clock(call, seconds)
    return times


def percentiles(times: list[float]) -> dict[str, float]:
    """Median and slow calls, in microseconds."""
    values = np.percentile(times, list(PERCENTILES.values())).round(3).tolist()
    return dict(zip(PERCENTILES, values, strict=True))
