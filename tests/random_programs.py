"""Programs of any ops and any header, and streams with any faults, from a seed."""

from __future__ import annotations

import numpy as np
from programs import make_program
from scipy.fft import next_fast_len
from scipy.signal import butter, sosfilt_zi

from fastemo._connectivity_cases import cross_op, pairs_op
from fastemo._program import Op, Program
from fastemo.reference.connectivity import MEASURES
from fastemo.reference.riemann import ESTIMATORS, OF_PRODUCTS

LABELS = ("calm", "valence", "joy", "arousal", "dominance")

# Names of reductions and how many parameters they have; the last two need two and three samples.
REDUCTIONS = [
    ("mean", 0), ("variance", 1), ("ptp_amp", 0), ("rms", 0), ("quantile", 3), ("line_length", 0),
    ("teager_energy", 0),
]  # fmt: skip


class _Ops:
    """Ops in the making, with the number of rows and columns of every slot."""

    def __init__(self, rng: np.random.Generator, n_channels: int, length: int) -> None:
        self.rng, self.length = rng, length
        self.ops: list[Op] = []
        self.shapes = [(1, n_channels)]
        self.rates: list[tuple] = [()]  # of the signals: how they were resampled

    def add(self, kind, inputs, shape, **tensors) -> int:
        arrays = {name: np.atleast_1d(np.asarray(value)) for name, value in tensors.items()}
        self.ops.append(Op(kind, tuple(inputs), arrays))
        self.shapes.append(shape)
        self.rates.append(self.rates[inputs[0]])
        return len(self.ops)

    def sections(self, n_sections):
        low = self.rng.uniform(1, 20)
        return butter(n_sections, [low, low + self.rng.uniform(3, 25)], "bandpass", fs=100, output="sos")

    def signal(self, slot: int) -> int:
        kinds = [
            "reference",
            "matrix",
            "sos",
            "rls",
            "running",
            "fir",
            "resample",
            "asr",
            "analytic",
            "wavelets",
            "quadrature",
        ]
        if self.shapes[slot] == self.shapes[0] and not self.rates[slot]:
            kinds.append("repair")
        kind, (_, n) = self.rng.choice(kinds), self.shapes[slot]
        if kind == "reference":
            return self.add(kind, [slot], (1, n), weights=self.rng.dirichlet(np.ones(n)))
        if kind == "matrix":
            n_out = int(self.rng.integers(1, 12))
            return self.add(kind, [slot], (1, n_out), coef=self.rng.normal(size=(n_out, n)))
        if kind == "rls":
            keep = self.rng.permutation(n)[: self.rng.integers(1, n + 1)]
            regressors = self.rng.permutation(np.arange(-2, n))[: self.rng.integers(1, 4)]
            return self.add(
                kind, [slot], (1, len(keep)),
                keep=keep, regressors=regressors, forgetting=self.rng.choice([0.9, 1.0]), ridge=1e-3,
            )  # fmt: skip
        if kind == "running":
            clip, scaled = self.rng.choice([0.0, 1.5]), self.rng.integers(0, 2)
            return self.add(kind, [slot], (1, n), forgetting=0.9, clip=clip, start=5, scaled=scaled)
        if kind == "analytic":
            # Phase and frequency of what is nothing but rounding would be anything.
            bits, bank = (
                int(self.rng.integers(1, 16)),
                (int(self.rng.integers(1, 3)), int(self.rng.integers(1, 4))),
            )
            turn = 0.9 * np.exp(1j * self.rng.uniform(0.3, 2, bank))
            poles = np.stack([turn.real, turn.imag], axis=-1)
            return self.add(
                kind, [slot], (1, bits.bit_count() * bank[0] * n),
                poles=poles, weights=self.rng.normal(size=poles.shape), direct=self.rng.normal(size=(bank[0], 2)),
                measures=bits, gain=self.rng.choice([0.0, 1.0]), floor=1.0, per_radian=1.0,
            )  # fmt: skip
        if kind == "quadrature":
            bits = int(self.rng.integers(1, 16))
            taps = self.rng.normal(size=self.rng.choice([3, 17, 41]))
            block = self.rng.choice([0, 16]) if len(taps) > 16 else 0
            turned = self.add("fir", [slot], (1, n), taps=taps, block=block, first=self.rng.integers(0, 2))
            return self.add(
                kind, [slot, turned], (1, bits.bit_count() * n), delay=self.rng.integers(0, 70),
                measures=bits, gain=self.rng.choice([0.0, 1.0]), floor=1.0, per_radian=1.0,
            )  # fmt: skip
        if kind == "wavelets":
            lengths = 2 * self.rng.integers(0, 40, self.rng.integers(1, 4)) + 1
            taps = self.rng.normal(size=(int(lengths.sum()), 2)) / 8
            delay = int(lengths.max()) // 2 + int(self.rng.integers(0, 60))
            return self.add(
                kind, [slot], (1, n), taps=taps, lengths=lengths, weights=self.rng.uniform(0, 1, len(lengths)),
                delay=delay, block=self.rng.choice([0, 16, 32, 128]),
            )  # fmt: skip
        if kind == "repair":
            return self.repair(slot, n)
        if kind == "resample":
            up, down = self.rng.integers(1, 6, 2)
            taps = self.rng.normal(size=self.rng.choice([1, 4, 31]))
            first = self.rng.integers(0, 2)
            at = self.add(kind, [slot], (1, n), taps=taps, up=up, down=down, first=first)
            self.rates[at] = (*self.rates[slot], (up, down))
            return at
        if kind == "fir":
            n_taps = int(self.rng.choice([1, 2, 17, 60, 200]))
            block = int(self.rng.choice([0, *(b for b in (16, 32, 128) if b < n_taps)]))
            taps = self.rng.normal(size=n_taps) / np.sqrt(n_taps)
            return self.add(kind, [slot], (1, n), taps=taps, block=block, first=self.rng.integers(0, 2))
        sos = self.sections(self.rng.integers(1, 4))
        if kind == "asr":
            return self.asr(slot, n, sos)
        return self.add(kind, [slot], (1, n), coef=sos, zi=sosfilt_zi(sos) * self.rng.integers(0, 2))

    def repair(self, slot: int, n: int) -> int:
        """Judged by the input, whose faults the streams are full of; some channels have no place."""
        rng = self.rng
        mix = np.eye(n) + 0.3 * rng.normal(size=(n, n)) / np.sqrt(n)
        placed = rng.random(n) < 0.9
        return self.add(
            "repair", [0, slot], (1, n),
            inverse=mix @ mix.T * np.outer(placed, placed), most=rng.integers(1, n + 1),
            hop=rng.integers(1, 30), n_blocks=rng.integers(1, 5), flat=rng.choice([2, 5]),
            rail=rng.choice([50.0, 1e300]), step=rng.choice([30.0, 1e300]), noisy=rng.choice([0.2, 1.0]),
            share=rng.choice([0.0, 0.3]),
        )  # fmt: skip

    def asr(self, slot: int, n: int, sos: np.ndarray) -> int:
        """With a limit that is met now and then, far above what is nothing but rounding."""
        rng = self.rng
        mix = np.eye(n) + 0.3 * rng.normal(size=(n, n)) / np.sqrt(n)
        return self.add(
            "asr", [slot], (1, n),
            coef=sos, zi=sosfilt_zi(sos) * rng.integers(0, 2),
            limit=rng.uniform(50, 400) * mix @ mix.T, inverse=mix @ mix.T,
            n_blocks=rng.integers(1, 5), hop=rng.integers(1, 30), delay=rng.integers(0, 20),
            most=rng.integers(1, n + 1),
        )  # fmt: skip

    def matrices(self, slot: int) -> int:
        """Covariances of a signal, or what becomes of them.

        Where logarithms follow they are shrunk, and what is smaller than the floor does not count, so that their
        condition is good; correlations of what is nothing but rounding would be anything.
        """
        rng, n = self.rng, self.shapes[slot][1]
        kind = rng.choice(["cov", "congruence", "tangent", "mdm"])
        known = [
            name for name in ESTIMATORS if name not in ("corr", "sch") and (name, self.length) != ("cov", 1)
        ]
        windows = [self.add("window", [slot], (1, n))]
        if rng.random() < 0.3:
            scaled = self.add("matrix", [slot], (1, n), coef=np.diag(rng.uniform(0.5, 2, n)))
            windows.append(self.add("window", [scaled], (1, n)))
        rows = []
        for window in windows:
            logs = kind in ("tangent", "mdm")
            estimator = "shrunk" if logs else rng.choice(known)
            share = rng.uniform(0.3, 1) if estimator == "shrunk" else 0.0
            triangle = (1, n * (n + 1) // 2)
            tensors = {"estimator": ESTIMATORS.index(estimator), "shrinkage": share}
            if estimator in OF_PRODUCTS and rng.random() < 0.3:
                signal, tensors["forgetting"] = self.ops[window - 1].inputs, rng.choice([0.9, 1.0])
                rows.append(self.add("fading_cov", signal, triangle, **tensors))
            else:
                rows.append(self.add("cov", [window], triangle, **tensors))
        at = rows[0] if len(rows) == 1 else self.concat(rows)
        n_classes = int(rng.integers(1, 4))
        whitening = np.eye(n) + 0.3 * rng.normal(size=(n_classes, len(rows), n, n)) / np.sqrt(n)
        if kind == "congruence":
            return self.add(kind, [at], self.shapes[at], matrix=whitening[0])
        if kind == "tangent":
            return self.add(kind, [at], self.shapes[at], whitening=whitening[0], floor=1.0)
        if kind == "mdm":
            return self.add(kind, [at], (1, n_classes), whitening=whitening, floor=1.0)
        return at

    def cross(self) -> int:
        """Connectivity of the input; of what filters leave of a flat signal, it would be that of rounding.

        So would be lags of the first samples, which have one phase in every channel: no measure made of signs.
        """
        rng, n = self.rng, self.shapes[0][1]
        chosen = [m for m in ("coh", "cohy", "imcoh", "plv") if rng.random() < 0.5] or ["coh"]
        bands = {"slow": (4.0, 8.0), "fast": (8.0, 30.0)}
        if rng.random() < 0.5:
            del bands["slow"]
        tensors = cross_op(100.0, bands, float(rng.choice([0.0, 0.9, 0.99]))).tensors
        tensors["measures"] = sum(1 << MEASURES.index(m) for m in chosen)
        n_rows = (len(chosen) + ("cohy" in chosen)) * len(bands)
        if rng.random() < 0.5:
            return self.add("cross", [0], (n_rows, n * (n - 1) // 2), **tensors)
        listed = pairs_op(100.0, bands, 0.0, n, int(rng.integers(1, n))).tensors
        tensors |= {name: listed[name] for name in ("pairs", "groups")}
        return self.add("cross_pairs", [0], (n_rows, int(listed["groups"].max()) + 1), **tensors)

    def power(self, slot: int) -> int:
        """A vector of powers of a signal, or of how channels go together."""
        n = self.shapes[slot][1]
        if self.rng.random() < 0.25:
            return self.matrices(slot)
        if slot == 0 and n > 1 and self.length > 7 and self.rng.random() < 0.25:
            return self.cross()
        if self.length >= 4 and self.rng.random() < 0.15:
            return self.sliding_power(slot, n)
        if self.rng.random() < 0.5:
            bank = np.array([self.sections(2) for _ in range(self.rng.integers(1, 4))])
            zi = np.array([sosfilt_zi(sos) for sos in bank])
            return self.add("bank_power", [slot], (len(bank), n), coef=bank, zi=zi)
        window = self.add("window", [slot], (1, n))
        if self.rng.random() < 0.3:
            return self.reduce(window, self.length)
        if self.rng.random() < 0.3:
            return self.taper_power(window, n)
        if self.length >= 2 and self.rng.random() < 0.1:
            return self.coupling(window, n)
        first = int(self.rng.integers(0, self.length // 2 + 1))
        stop = int(self.rng.integers(first, self.length // 2 + 1)) + 1
        taper, scale = self.rng.uniform(0, 1, self.length), self.rng.uniform(0, 1, stop - first)
        power = self.add(
            "fft_power", [window], (stop - first, n),
            taper=taper, bins=[first, stop], scale=scale, detrend=self.rng.integers(0, 2),
        )  # fmt: skip
        if self.rng.random() < 0.3:
            return self.reduce(power, stop - first)
        if self.rng.random() < 0.5:
            return power
        edges = np.sort(self.rng.integers(0, stop - first + 1, (self.rng.integers(1, 4), 2)), axis=1)
        edges[:, 1] += edges[:, 0] == edges[:, 1]
        edges -= (edges[:, 1:] > stop - first).astype(int)
        return self.add(
            "bandsum", [power], (len(edges), n), edges=edges, weight=self.rng.uniform(0, 1, len(edges))
        )

    def taper_power(self, window: int, n: int) -> int:
        rng = self.rng
        length, n_tapers = int(rng.integers(1, self.length + 1)), int(rng.integers(1, 4))
        first = int(rng.integers(0, length // 2 + 1))
        stop = int(rng.integers(first, length // 2 + 1)) + 1
        return self.add(
            "taper_power", [window], (stop - first, n),
            tapers=rng.uniform(0, 1, (n_tapers, length)), weights=rng.uniform(0, 1, n_tapers),
            hop=rng.integers(1, self.length + 1), bins=[first, stop], scale=rng.uniform(0, 1, stop - first),
            detrend=rng.integers(0, 2),
        )  # fmt: skip

    def coupling(self, window: int, n: int) -> int:
        """Mean vector lengths: bins of phase are none that rounding cannot change."""
        rng, reach = self.rng, int(self.rng.integers(0, self.length))
        n_fft = next_fast_len(self.length + 2 * reach + int(rng.integers(0, 9)))
        gains = rng.uniform(0, 1, (3, n_fft // 2 + 1)) / n_fft
        rows = self.add(
            "coupling", [window], (2, n),
            gains=gains, n_fft=n_fft, reach=reach, n_phase=1, method=1, n_bins=4,
        )  # fmt: skip
        return self.add("log", [rows], (2, n), gain=1.0, offset=0.0, floor=1e-3)

    def sliding_power(self, slot: int, n: int) -> int:
        """With a floor far above what is left of samples that are gone."""
        rng = self.rng
        first = int(rng.integers(1, self.length // 2 + 1))
        stop = int(rng.integers(first, self.length // 2 + 1)) + 1
        power = self.add(
            "sliding_power", [slot], (1, n),
            taper=rng.uniform(0, 1, 2), detrend=rng.integers(0, 2), bins=[first, stop],
            scale=rng.uniform(0, 1, stop - first), edges=[[0, stop - first]], weight=[1e-9],
        )  # fmt: skip
        return self.add("log", [power], (1, n), gain=1.0, offset=20.0, floor=1e-3)

    def reduce(self, slot: int, n_samples: int) -> int:
        """Reductions that rounding cannot make jump."""
        rng, known = self.rng, REDUCTIONS[: min(n_samples, 3) - 3 or None]
        chosen = [known[i] for i in rng.integers(0, len(known), rng.integers(1, 5))]
        given = [[rng.uniform() for _ in range(n)] if name == "quantile" else [0.0] * n for name, n in chosen]
        params = np.zeros((len(given), 3))
        for row, values in zip(params, given, strict=True):
            row[: len(values)] = values
        rows = sum(n if name == "quantile" else 1 for name, n in chosen)
        names = np.frombuffer("\n".join(name for name, _ in chosen).encode(), np.uint8)
        shape = (rows, self.shapes[slot][1])
        return self.add("reduce", [slot], shape, names=names, params=params, n_params=[*map(len, given)])

    def vector(self, slot: int) -> int:
        kind, shape = (
            self.rng.choice(["relative", "log", "affine", "ema", "boxcar", "ratio", "gate"]),
            self.shapes[slot],
        )
        size = shape[0] * shape[1]
        if kind == "relative":
            # Shares of what is nothing but rounding would be anything.
            apart = self.add("log", [slot], shape, gain=1.0, offset=20.0, floor=1e-6)
            return self.add(kind, [apart], shape, n_rows=shape[0])
        if kind == "log":
            return self.add(kind, [slot], shape, gain=self.rng.normal(), offset=self.rng.normal(), floor=1e-4)
        if kind == "affine":
            shift, scale = self.rng.normal(size=(2, size))
            return self.add(kind, [slot], shape, shift=shift, scale=scale)
        if kind == "ratio":
            away = self.add("log", [slot], shape, gain=1.0, offset=20.0, floor=1e-6)
            return self.add(kind, [slot, away], shape)
        if kind == "gate":
            return self.add(kind, [slot], shape, limit=self.rng.choice([0.01, 1e2, 1e4]))
        if kind == "ema":
            return self.add(kind, [slot], shape, alpha=self.rng.choice([0.1, 0.5, 1.0]))
        return self.add(kind, [slot], shape, n=self.rng.integers(1, 5))

    def concat(self, slots: list[int]) -> int:
        shapes = [self.shapes[s] for s in slots]
        stacks = len({cols for _, cols in shapes}) == 1
        shape = (sum(r for r, _ in shapes), shapes[0][1]) if stacks else (1, sum(r * c for r, c in shapes))
        return self.add("concat", slots, shape)

    def linear(self, slot: int, n_out: int) -> int:
        size = int(np.prod(self.shapes[slot]))
        coef = self.rng.normal(size=(n_out, size)) / size
        return self.add("linear", [slot], (1, n_out), coef=coef, bias=self.rng.normal(size=n_out))


def random_program(seed: int) -> Program:
    """Any mix of ops behind any header; the outputs are well conditioned, so that two engines must agree."""
    rng = np.random.default_rng(seed)
    n_channels, length = int(rng.integers(1, 12)), int(rng.integers(1, 40))
    kind = int(rng.integers(0, 4))
    build = _Ops(rng, n_channels, length)
    signals, vectors = [0], []
    for _ in range(rng.integers(0, 4)):
        signals.append(build.signal(int(rng.choice(signals))))
    rate = build.rates[int(rng.choice(signals))]
    signals = [s for s in signals if build.rates[s] == rate]
    for _ in range(rng.integers(1, 4)):
        vectors.append(build.power(int(rng.choice(signals))))
    for _ in range(rng.integers(0, 4)):
        vectors.append(build.vector(int(rng.choice(vectors))))
    slot = build.concat([int(s) for s in rng.choice(vectors, rng.integers(1, 4))])
    labels, vad = (), None
    if kind:
        slot = build.add("log", [slot], build.shapes[slot], gain=0.5, offset=0.0, floor=1e-4)
        if kind == 3 or rng.random() < 0.7:
            slot = build.linear(slot, int(rng.integers(1, 6)))
        if kind < 3:
            slot = build.add("softmax" if kind == 1 else "sigmoid", [slot], build.shapes[slot])
        n_outputs = int(np.prod(build.shapes[slot]))
        labels = tuple(LABELS[k] if k < len(LABELS) else f"label {k}" for k in rng.permutation(n_outputs))
        vad = rng.uniform(-1, 1, (3, n_outputs))
        vad[rng.random(vad.shape) < 0.05] = np.nan
    if rng.random() < 0.5:
        slot = build.vector(slot) if kind == 0 else build.add("ema", [slot], build.shapes[slot], alpha=0.3)
    header = {
        "input_scale": float(rng.choice([1.0, 1e-3, 0.1, 1e6])),
        "input_gap_policy": int(rng.integers(0, 3)),
        "input_max_gap": int(rng.integers(1, 12)),
        "input_gap_tolerance": float(rng.choice([0.0, 0.004, 0.015, 0.03])),
        "input_on_backward": int(rng.integers(0, 2)),
        "window_length": length,
        "window_hop": int(rng.integers(1, 50)),
        "quality_flat": int(rng.choice([2, 3, 5, 1 << 40])),
        "quality_rail": float(rng.choice([50.0, np.inf])),
        "quality_step": float(rng.choice([30.0, 80.0, np.inf])),
        # Fractions that windows do have: the limit itself is still good.
        "quality_noisy": float(rng.integers(0, length + 1) / length),
        "quality_minimum": float(rng.choice([0.0, 0.3, 0.7, 1.0])),
        "time_warmup": int(rng.choice([0, 1, 7, 40])),
        "time_delay": float(rng.uniform(-0.1, 0.5)),
        "output_kind": kind,
    }
    return make_program(build.ops, n_channels, labels=labels, vad=vad, **header)


def random_stream(seed: int, program: Program, n: int = 300) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples (n_channels, n) in the program's unit with runs that are missing, flat or wild, and their stamps.

    Stamps, if any, jitter, drift, stand still, go back, are no numbers, and leave gaps about as long as `max_gap`.
    """
    rng = np.random.default_rng(seed)
    n_channels, max_gap = len(program.ch_names), program.scalar("input.max_gap")
    x = rng.normal(size=(n_channels, n)) * 20
    if rng.random() < 0.3:
        x = 10 * np.rint(x / 10)  # meets the limits of quality exactly, and stands still
    for _ in range(rng.integers(0, 9)):
        some = rng.random(n_channels) < rng.choice([0.2, 0.5, 1.0])
        start = int(rng.choice([0, rng.integers(0, n)]))
        run = slice(start, start + int(rng.choice([1, 2, max_gap - 1, max_gap, max_gap + 1, 3 * max_gap])))
        x[some, run] = rng.choice([np.nan, np.nan, np.nan, np.inf, -np.inf, 0.0, 7.0, 100.0])
    x /= program.scalar("input.scale")
    if rng.random() < 0.3:
        return x, None
    jitter = rng.choice([0.0, 0.1, 0.8])
    steps = np.ones(n) * rng.choice([1.0, 1.001, 0.98]) + jitter * rng.uniform(-1, 1, n)
    for _ in range(rng.integers(0, 8)):
        steps[rng.integers(0, n)] += rng.choice(
            [0.5, 1.5, 2.5, max_gap, max_gap + 1, 2 * max_gap, 1e4, -3, -0.9]
        )
    stamps = 1e3 + np.cumsum(steps) / 100
    for _ in range(rng.integers(0, 4)):
        i = rng.integers(1, n)
        stamps[i] = rng.choice([stamps[i - 1], np.nan, np.inf, stamps[i] - 1, -np.inf])
    return x, stamps
