"""What is known of a pipeline that has been lowered: its features by name, and what each stage did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fastemo.stages.base import Stage

__all__ = ["Feature", "Step"]


class Feature(NamedTuple):
    """Where a feature comes from: band, channel and, where several stages make up the row, its stage."""

    band: str
    channel: str
    source: str = ""

    @property
    def name(self) -> str:
        return f"{self.source}__{self.band}:{self.channel}" if self.source else f"{self.band}:{self.channel}"


@dataclass(frozen=True)
class Step:
    """What a stage did: the slot that holds its result, and for people what that is, what it remembers and its delay."""

    stage: Stage
    slot: int
    gives: str
    state_bytes: int
    delay: float
