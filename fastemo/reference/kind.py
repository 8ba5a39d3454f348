"""What every op of the reference is made of: slots, and the checks of its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastemo._program import Op, Rate

__all__ = ["Kind", "Slot"]


@dataclass(frozen=True)
class Slot:
    """What an op puts out: a signal (C,), a window (C, length) or a vector (rows, columns)."""

    kind: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


class Kind:
    """One op: its tensors as attributes, `output` for the slot it writes, `process` and `reset`.

    `tensors` names their dtypes and shapes. A letter is a length that is the same wherever it stands: C the
    channels read, F the width read, L the length of the window, others free.
    """

    reads: str = "vector"
    smooths: ClassVar[bool] = False
    n_inputs: ClassVar[int | None] = 1  # None: any number
    tensors: ClassVar[dict[str, tuple[type, tuple[int | str, ...]]]] = {}

    def __init__(self, op: Op, inputs: list[Slot], length: int) -> None:
        self.kind, self.inputs, self.length = op.kind, inputs, length
        self.require(bool(inputs), "reads no slot")
        wanted = self.n_inputs or len(inputs)
        self.require(len(inputs) == wanted, f"reads {len(inputs)} slots, expected {wanted}")
        for slot in inputs:
            self.require(slot.kind == self.reads, f"reads a {slot.kind}, expected a {self.reads}")
        self.require(
            op.tensors.keys() == self.tensors.keys(),
            f"has tensors {[*op.tensors]}, expected {[*self.tensors]}",
        )
        self.sizes: dict[str, int] = {"C": inputs[0].shape[0], "F": inputs[0].size, "L": length}
        for name, (dtype, shape) in self.tensors.items():
            setattr(self, name, self.tensor(name, np.asarray(op[name]), dtype, shape))
        self.output = self.slot()
        self.reset()

    def require(self, condition: bool, what: str) -> None:
        if not condition:
            raise ValueError(
                f"op {self.kind} {what}: the program is damaged or was written by something else"
            )

    def tensor(self, name: str, value: np.ndarray, dtype: type, shape: tuple[int | str, ...]) -> Any:
        self.require(value.dtype == dtype, f"has {name} of dtype {value.dtype}, expected {np.dtype(dtype)}")
        self.require(bool(np.isfinite(value).all()), f"has NaN or infinity in {name}")
        if shape == (1,) and value.size == 1:
            return value.item()
        fits = value.ndim == len(shape) and all(
            n >= 1 and n == (self.sizes.setdefault(s, n) if isinstance(s, str) else s)
            for n, s in zip(value.shape, shape, strict=True)
        )
        wanted = ", ".join(str(self.sizes.get(s, s)) if isinstance(s, str) else str(s) for s in shape)
        self.require(fits, f"has {name} of shape {value.shape}, expected ({wanted})")
        return value

    def slot(self) -> Slot:
        """The slot this op writes."""
        return Slot(self.reads, self.inputs[0].shape)

    def rate_behind(self, rate: Rate) -> Rate:
        """The clock of what this op puts out, given that of what it reads."""
        return rate

    def reset(self) -> None:
        """Forget the stream."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
