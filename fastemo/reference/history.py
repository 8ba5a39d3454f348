"""The newest stretch of a stream, always in one piece."""

from __future__ import annotations

import numpy as np

__all__ = ["History"]


class History:
    """The last `length` samples along the last axis, oldest first.

    Room for twice as many is kept, so that most appends move nothing.
    """

    def __init__(self, shape: tuple[int, ...], length: int, dtype=np.float64) -> None:
        self.length, self.stop = length, length
        self.data = np.zeros((*shape, 2 * length), dtype)

    def append(self, block: np.ndarray) -> None:
        block = block[..., -self.length :]
        n = block.shape[-1]
        if self.stop + n > self.data.shape[-1]:
            self.data[..., : self.length] = self.last().copy()
            self.stop = self.length
        self.data[..., self.stop : self.stop + n] = block
        self.stop += n

    def last(self) -> np.ndarray:
        return self.data[..., self.stop - self.length : self.stop]

    def reset(self) -> None:
        self.data[...] = 0
        self.stop = self.length
