"""Every op of docs/program.md, written to be read.

Signals are blocks of shape (n_channels, n), windows (n_channels, length), vectors (n_rows, n_columns), with
one row where rows mean nothing. An op that reads a signal gets every block; one that makes something per
window of it is asked for its `value` where a window ends. State is all that passes from block to block, and
arithmetic per sample is elementwise, so that bits do not depend on where blocks are cut.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import numpy as np

from fastemo._functions import of_program
from fastemo.reference.analytic import Analytic, Quadrature
from fastemo.reference.coupling import Coupling
from fastemo.reference.cross import Cross, CrossPairs
from fastemo.reference.features import REDUCTIONS, reduce
from fastemo.reference.fir import Fir, Resample, Wavelets
from fastemo.reference.history import History
from fastemo.reference.kind import Kind, Slot
from fastemo.reference.repair import Repair
from fastemo.reference.riemann_ops import Congruence, Cov, FadingCov, Mdm, Tangent
from fastemo.reference.running import Rls, Running
from fastemo.reference.signal import cascade, first_state
from fastemo.reference.spectral import rfft_power
from fastemo.reference.spectral_ops import Ratio, SlidingPower, TaperPower
from fastemo.reference.subspace import Asr

__all__ = ["OPS", "Slot"]


class Reference(Kind):
    reads = "signal"
    tensors: ClassVar = {"weights": (float, ("C",))}

    def process(self, x):
        return x - weighted_sum(self.weights[None], x)


class Matrix(Kind):
    reads = "signal"
    tensors: ClassVar = {"coef": (float, ("O", "C"))}

    def slot(self):
        return Slot("signal", (len(self.coef),))

    def process(self, x):
        return weighted_sum(self.coef, x)


def weighted_sum(coef: np.ndarray, x: np.ndarray) -> np.ndarray:
    """`coef @ x` in the order of the channels; BLAS may round differently for another length of block."""
    y = np.zeros((len(coef), x.shape[1]))
    for j in range(len(x)):
        y += coef[:, j, None] * x[j]
    return y


class Sos(Kind):
    reads = "signal"
    tensors: ClassVar = {"coef": (float, ("S", 6)), "zi": (float, ("S", 2))}
    state: np.ndarray | None

    def process(self, x):
        if self.state is None:
            self.state = first_state(self.zi, x)
        return cascade(self.coef, self.state, x)

    def reset(self):
        self.state = None


class BankPower(Kind):
    """The mean square of each filter's output over the window."""

    reads = "signal"
    tensors: ClassVar = {"coef": (float, ("B", "S", 6)), "zi": (float, ("B", "S", 2))}
    state: np.ndarray | None
    squares: History

    def slot(self):
        # The filters run side by side: sections first, then what broadcasts against (band, channel).
        self.sos = np.moveaxis(self.coef, 0, 2)[..., None]
        return Slot("vector", (len(self.coef), *self.inputs[0].shape))

    def process(self, x):
        if self.state is None:
            self.state = np.moveaxis(first_state(self.zi, x), 0, 2)
        self.squares.append(cascade(self.sos, self.state, x) ** 2)

    def value(self):
        return self.squares.last().mean(axis=-1)

    def reset(self):
        self.state = None
        self.squares = History(self.output.shape, self.length)


class Window(Kind):
    reads = "signal"

    def slot(self):
        return Slot("window", (*self.inputs[0].shape, self.length))

    def process(self, x):
        self.samples.append(x)

    def value(self):
        return self.samples.last()

    def reset(self):
        self.samples = History(self.inputs[0].shape, self.length)


class FftPower(Kind):
    reads = "window"
    tensors: ClassVar = {
        "taper": (float, ("L",)),
        "bins": (int, (2,)),
        "scale": (float, ("N",)),
        "detrend": (int, (1,)),
    }

    def slot(self):
        first, stop = self.bins
        n_bins = self.length // 2 + 1
        self.require(0 <= first < stop <= n_bins, f"has bins {first}..{stop}, expected some of 0..{n_bins}")
        self.require(len(self.scale) == stop - first, f"has {len(self.scale)} scales for {stop - first} bins")
        self.require(self.detrend in (0, 1), f"has detrend {self.detrend}, expected 0 or 1")
        return Slot("vector", (len(self.scale), self.inputs[0].shape[0]))

    def process(self, x):
        power = rfft_power(x, self.taper, detrend=bool(self.detrend))
        return self.scale[:, None] * power[:, slice(*self.bins)].T


class Reduce(Kind):
    """Reductions of each channel's window, or of each column of a vector; a row for each of their values."""

    reads = "window"
    tensors: ClassVar = {
        "names": (np.uint8, ("N",)),
        "params": (float, ("R", "P")),
        "n_params": (int, ("R",)),
    }

    def __init__(self, op, inputs, length):
        if inputs and inputs[0].kind == "vector":
            self.reads = "vector"
        super().__init__(op, inputs, length)

    def slot(self):
        self.wanted = bytes(self.names).decode("ascii", "replace").split("\n")
        self.require(
            len(self.wanted) == len(self.params), f"has {len(self.params)} rows of params for {self.wanted}"
        )
        unknown = [name for name in self.wanted if name not in REDUCTIONS]
        self.require(not unknown, f"names the reductions {unknown}, which this version does not know")
        self.require(
            bool(((self.n_params >= 0) & (self.n_params <= self.params.shape[1])).all()),
            f"has n_params {self.n_params.tolist()} of at most {self.params.shape[1]}",
        )
        self.given = [row[:n].tolist() for row, n in zip(self.params, self.n_params, strict=True)]
        shape = self.inputs[0].shape
        n_channels, length = shape if self.reads == "window" else shape[::-1]
        probe = np.random.default_rng(0).standard_normal((1, length))
        return Slot("vector", (reduce(probe, self.wanted, self.given).shape[1], n_channels))

    def process(self, x):
        signals = x if self.reads == "window" else np.ascontiguousarray(x.T)
        return reduce(signals, self.wanted, self.given).T


class Call(Kind):
    reads = "window"
    tensors: ClassVar = {
        "function": (np.uint8, ("N",)),
        "width": (int, (1,)),
        "over": (int, (1,)),
        "sfreq": (float, (1,)),
    }

    def slot(self):
        self.user_function = of_program(bytes(self.function).decode("utf-8", "replace"))
        expected = (len(self.user_function.names), int(self.user_function.whole))
        self.require(
            (self.width, self.over) == expected, f"has not its function's width and over, {expected}"
        )
        return Slot("vector", (self.width, 1 if self.over else self.inputs[0].shape[0]))

    def process(self, x):
        return self.user_function.run(x, self.sfreq)


class BandSum(Kind):
    tensors: ClassVar = {"edges": (int, ("B", 2)), "weight": (float, ("B",))}

    def slot(self):
        n_rows, n_columns = self.inputs[0].shape
        lo, hi = self.edges.T
        self.require(
            bool(((lo >= 0) & (lo < hi) & (hi <= n_rows)).all()),
            f"has empty edges or some outside 0..{n_rows}",
        )
        return Slot("vector", (len(self.edges), n_columns))

    def process(self, x):
        return np.array(
            [w * x[lo:hi].sum(axis=0) for (lo, hi), w in zip(self.edges, self.weight, strict=True)]
        )


class Relative(Kind):
    tensors: ClassVar = {"n_rows": (int, (1,))}

    def slot(self):
        n_rows = self.inputs[0].shape[0]
        self.require(self.n_rows == n_rows, f"has n_rows {self.n_rows}, but reads {n_rows} rows")
        return super().slot()

    def process(self, x):
        total = x.sum(axis=0)
        return np.where(total == 0, 0.0, x / np.where(total == 0, 1.0, total))


class Log(Kind):
    tensors: ClassVar = {"gain": (float, (1,)), "offset": (float, (1,)), "floor": (float, (1,))}

    def slot(self):
        self.require(self.floor >= 1e-300, f"has floor {self.floor}, expected at least 1e-300")
        return super().slot()

    def process(self, x):
        return self.gain * np.log(np.maximum(x, self.floor)) + self.offset


class Affine(Kind):
    tensors: ClassVar = {"shift": (float, ("F",)), "scale": (float, ("F",))}

    def process(self, x):
        return (x - self.shift.reshape(x.shape)) * self.scale.reshape(x.shape)


class Concat(Kind):
    """Rows upon rows where all have as many columns, else one row."""

    n_inputs = None

    def slot(self):
        n_columns = self.inputs[0].shape[1]
        if all(slot.shape[1] == n_columns for slot in self.inputs):
            return Slot("vector", (sum(slot.shape[0] for slot in self.inputs), n_columns))
        return Slot("vector", (1, sum(slot.size for slot in self.inputs)))

    def process(self, *x):
        return np.concatenate([v.ravel() for v in x]).reshape(self.output.shape)


class Linear(Kind):
    tensors: ClassVar = {"coef": (float, ("K", "F")), "bias": (float, ("K",))}

    def slot(self):
        return Slot("vector", (1, len(self.bias)))

    def process(self, x):
        return (self.coef @ x.ravel() + self.bias)[None]


class Softmax(Kind):
    def process(self, x):
        e = np.exp(x - x.max())
        return e / e.sum()


class Sigmoid(Kind):
    def process(self, x):
        return 1 / (1 + np.exp(-x))


class Ema(Kind):
    """Exponential smoothing; the first window it sees is its start."""

    smooths = True
    tensors: ClassVar = {"alpha": (float, (1,))}
    y: np.ndarray | None

    def slot(self):
        self.require(0 < self.alpha <= 1, f"has alpha {self.alpha}, expected above 0 and up to 1")
        return super().slot()

    def process(self, x):
        self.y = x if self.y is None else self.y + self.alpha * (x - self.y)
        return self.y

    def reset(self):
        self.y = None


class Boxcar(Kind):
    """The mean of the last n windows it has seen."""

    smooths = True
    tensors: ClassVar = {"n": (int, (1,))}
    seen: deque[np.ndarray]

    def slot(self):
        self.require(self.n >= 1, f"has n {self.n}, expected at least 1")
        return super().slot()

    def process(self, x):
        self.seen.append(x)
        return sum(self.seen) / len(self.seen)

    def reset(self):
        self.seen = deque(maxlen=self.n)


class Gate(Kind):
    """Lets windows pass whose values are all at most the limit; the values go on as they are."""

    tensors: ClassVar = {"limit": (float, (1,))}

    def process(self, x):
        return x

    def lets_pass(self, x):
        """Whether a window with these values passes."""
        return bool((x <= self.limit).all())


OPS = {
    "reference": Reference,
    "matrix": Matrix,
    "sos": Sos,
    "fir": Fir,
    "analytic": Analytic,
    "quadrature": Quadrature,
    "asr": Asr,
    "resample": Resample,
    "bank_power": BankPower,
    "coupling": Coupling,
    "cross": Cross,
    "cross_pairs": CrossPairs,
    "wavelets": Wavelets,
    "window": Window,
    "fft_power": FftPower,
    "reduce": Reduce,
    "call": Call,
    "bandsum": BandSum,
    "relative": Relative,
    "log": Log,
    "affine": Affine,
    "concat": Concat,
    "linear": Linear,
    "softmax": Softmax,
    "sigmoid": Sigmoid,
    "ema": Ema,
    "boxcar": Boxcar,
    "gate": Gate,
    "repair": Repair,
    "rls": Rls,
    "running": Running,
    "ratio": Ratio,
    "taper_power": TaperPower,
    "sliding_power": SlidingPower,
    "cov": Cov,
    "fading_cov": FadingCov,
    "congruence": Congruence,
    "tangent": Tangent,
    "mdm": Mdm,
}
