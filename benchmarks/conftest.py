"""Fair conditions, and the table of ratios at the end of a run."""

import os

# Before NumPy is imported: one thread, and OpenBLAS as it comes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    if os.environ.pop(_name, None) is not None:
        raise SystemExit(f"{_name} slows NumPy and would flatter us: unset it and run again")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from fastemo._timing import clock, in_turn, percentiles  # noqa: E402

ROWS: list[tuple[str, str, float, float, float | None]] = []


def pytest_addoption(parser):
    parser.addoption("--ratios", help="write the table of ratios to this file, as Markdown")


def pytest_configure(config):
    # A benchmark whose peer is not there is skipped before it is timed.
    config.addinivalue_line("filterwarnings", "ignore:Benchmark fixture was not used")


@pytest.fixture
def versus(benchmark, request):
    """`versus(name, own, **peers)`: own and peers in turn, round by round, in one run; the medians' ratios.

    A peer is a call, or a pair of a call and the ratio that we hold ourselves to. With --benchmark-disable every call
    is made once, which shows that benchmarks run and their answers are right.
    """

    def run(name, own, rounds=7, seconds=0.15, **peers):
        calls = {"own": own, **{k: p[0] if isinstance(p, tuple) else p for k, p in peers.items()}}
        goals = {k: p[1] if isinstance(p, tuple) else None for k, p in peers.items()}
        if benchmark.disabled:
            times = {key: clock(call, 0) for key, call in calls.items()}
        else:
            times = in_turn(calls, rounds, seconds)
        median = float(np.median(times["own"]))
        benchmark.pedantic(own, rounds=int(np.clip(seconds * 1e6 / median, 1, 20)))
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
    if not ROWS or config.getoption("benchmark_disable"):
        return
    terminalreporter.section("ratios: medians in one run, microseconds")
    for line in table():
        terminalreporter.write_line(line)
    if config.getoption("--ratios"):
        with open(config.getoption("--ratios"), "w") as f:
            f.write("\n".join(table()) + "\n")
