"""Programs: the lowered form of a pipeline (see docs/program.md)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["FORMAT_VERSION", "Op", "Program", "Rate"]

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Op:
    """One primitive operation: its kind, the slots it reads and its tensors."""

    kind: str
    inputs: tuple[int, ...]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.tensors[name]


class Rate:
    """The clock of a signal: which of its samples are there with how many of the input's, counted since the reset.

    Parameters
    ----------
    steps : tuple of (up, down)
        How the input was resampled, one change after the other. Sample m needs what was there up to place m down/up.
    """

    def __init__(self, steps: tuple[tuple[int, int], ...] = ()) -> None:
        self.steps = steps
        self.ratio = Fraction(1)
        for up, down in steps:
            self.ratio *= Fraction(up, down)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rate) and other.steps == self.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def samples(self, n: Any) -> Any:
        """Samples that are there with the first n of the input."""
        for up, down in self.steps:
            n = -(-n * up // down)
        return n

    def newest(self, m: Any) -> Any:
        """The input's sample that comes last of those that sample m needs."""
        for up, down in reversed(self.steps):
            m = m * down // up
        return m

    def needed(self, m: int) -> int:
        """Samples of the input that the first m need."""
        return self.newest(m - 1) + 1 if m > 0 else 0

    def first(self, m: int) -> int:
        """The first of the input's samples that speak for sample m and later, and not for those before m alone."""
        return min(self.needed(m), self.newest(m))

    def span(self, m: int) -> int:
        """No m samples in a row have more of the input's samples that speak for them."""
        for up, down in reversed(self.steps):
            m = m * down // up + 2
        return m

    @property
    def period(self) -> float:
        """Samples of the input from one sample to the next."""
        period = 1.0
        for up, down in self.steps:
            period *= down / up
        return period

    def beyond(self, m: int) -> float:
        """How far the place of sample m is beyond the newest it needs, in samples of the input."""
        if not self.steps:
            return 0.0
        (up, down), before = self.steps[-1], Rate(self.steps[:-1])
        return before.beyond(m * down // up) + m * down % up / up * before.period


@dataclass(frozen=True)
class Program:
    """Ops in order, the header and the metadata. Op number i writes slot i + 1."""

    ops: tuple[Op, ...]
    header: dict[str, np.ndarray]
    metadata: dict[str, str]

    @property
    def sfreq(self) -> float:
        return float(self.metadata["sfreq"])

    @property
    def ch_names(self) -> list[str]:
        return self.metadata["ch_names"].split("\n")

    @property
    def labels(self) -> list[str]:
        return self.metadata["labels"].split("\n") if self.metadata["labels"] else []

    @property
    def window_rate(self) -> Rate:
        """The clock of the signals that windows are cut from; `window.length` and `window.hop` count its samples."""
        steps: list[tuple[int, int]] = []
        slot = len(self.ops)
        while slot:
            op = self.ops[slot - 1]
            if op.kind == "resample":
                steps.insert(0, (int(op["up"].item()), int(op["down"].item())))
            if not 0 <= op.inputs[0] < slot:
                raise ValueError(
                    f"op {slot - 1} ({op.kind}) reads slot {op.inputs[0]}, expected one written before it"
                )
            slot = op.inputs[0]
        return Rate(tuple(steps))

    @property
    def window_sfreq(self) -> float:
        """Sampling frequency of the signals that windows are cut from, in Hz."""
        return float(self.sfreq * self.window_rate.ratio)

    def scalar(self, name: str):
        """A one-element header tensor as a Python number."""
        return self.header[name].reshape(()).item()

    def tensors(self) -> dict[str, np.ndarray]:
        """All tensors by their name in the file."""
        out = dict(self.header)
        for i, op in enumerate(self.ops):
            out[f"{i:02d}.{op.kind}.in"] = np.array(op.inputs, np.int64)
            out |= {f"{i:02d}.{op.kind}.{name}": value for name, value in op.tensors.items()}
        return out

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> Program:
        """The inverse of `tensors`."""
        header: dict[str, np.ndarray] = {}
        found: dict[int, tuple[str, dict[str, np.ndarray]]] = {}
        for name, value in tensors.items():
            number, _, rest = name.partition(".")
            if not number.isdigit():
                header[name] = value
                continue
            kind, _, param = rest.partition(".")
            known = found.setdefault(int(number), (kind, {}))
            if known[0] != kind:
                raise ValueError(f"op {number} is both {known[0]!r} and {kind!r}")
            known[1][param] = value
        if sorted(found) != list(range(len(found))):
            raise ValueError(f"op numbers are not consecutive: {sorted(found)}")
        ops = []
        for i in range(len(found)):
            kind, params = found[i]
            if "in" not in params:
                raise ValueError(f"op {i} ({kind}) does not name its inputs")
            inputs = tuple(int(slot) for slot in params.pop("in"))
            ops.append(Op(kind, inputs, params))
        return cls(tuple(ops), header, metadata)

    def with_metadata(self, **metadata: str) -> Program:
        return replace(self, metadata=self.metadata | metadata)
