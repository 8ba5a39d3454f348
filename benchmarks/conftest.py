"""Fair conditions, and the table of ratios at the end of a run."""

import os

# Before NumPy is imported: one thread, and OpenBLAS as it comes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    if os.environ.pop(_name, None) is not None:
        raise SystemExit(f"{_name} slows NumPy and would flatter us: unset it and run again")

import time  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402

ROWS: list[tuple[str, str, float, float, float | None]] = []


def pytest_addoption(parser):
    parser.addoption("--ratios", help="write the table of ratios to this file, as Markdown")


def percentiles(times):
    return dict(
        zip(("p50", "p99", "p99.9"), np.percentile(times, [50, 99, 99.9]).round(3).tolist(), strict=True)
    )


def clock(call, seconds, at_least=3):
    """Times of single calls in microseconds, for about so many seconds."""
    times, stop = [], time.perf_counter() + seconds
    while len(times) < at_least or time.perf_counter() < stop:
        start = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - start) / 1e3)
    return times


@pytest.fixture
def versus(benchmark, request):
    """`versus(name, own, **peers)`: own and peers in turn, round by round, in one run; the medians' ratios.

    A peer is a call, or a pair of a call and the ratio that we hold ourselves to.
    """

    def run(name, own, rounds=7, seconds=0.15, **peers):
        calls = {"own": own, **{k: p[0] if isinstance(p, tuple) else p for k, p in peers.items()}}
        goals = {k: p[1] if isinstance(p, tuple) else None for k, p in peers.items()}
        for call in calls.values():
            call()
        times = {k: [] for k in calls}
        for _ in range(rounds):
            for key, call in calls.items():
                times[key] += clock(call, seconds)
        benchmark.pedantic(own, rounds=20, warmup_rounds=1)
        median = float(np.median(times["own"]))
        benchmark.extra_info |= {"own": percentiles(times["own"])}
        for key, goal in goals.items():
            peer = float(np.median(times[key]))
            benchmark.extra_info[key] = percentiles(times[key]) | {
                "ratio": round(peer / median, 2),
                "goal": goal,
            }
            ROWS.append((name, key.replace("_", " "), median, peer, goal))
        return times

    return run


def table():
    lines = ["| work | own us | peer | peer us | ratio | at least |", "|---|---|---|---|---|---|"]
    for name, peer, own, other, goal in ROWS:
        wanted = f"{goal:g}x" if goal else ""
        lines.append(f"| {name} | {own:.2f} | {peer} | {other:.1f} | {other / own:.1f}x | {wanted} |")
    return lines


def pytest_terminal_summary(terminalreporter, config):
    if not ROWS:
        return
    terminalreporter.section("ratios: medians in one run, microseconds")
    for line in table():
        terminalreporter.write_line(line)
    if config.getoption("--ratios"):
        with open(config.getoption("--ratios"), "w") as f:
            f.write("\n".join(table()) + "\n")
