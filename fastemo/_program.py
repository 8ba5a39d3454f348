"""Programs: the lowered form of a pipeline (see docs/program.md)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["FORMAT_VERSION", "Op", "Program"]

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Op:
    """One primitive operation: its kind, the slots it reads and its tensors."""

    kind: str
    inputs: tuple[int, ...]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.tensors[name]


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
