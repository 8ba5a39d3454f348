"""What the engine says about one window: a record of a structured array, and a view that names its fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Prediction", "prediction_dtype"]

FEATURES, CLASSES, MULTILABEL, INTENSITIES = range(4)


def prediction_dtype(n_outputs: int, n_channels: int) -> np.dtype:
    """The record of one prediction, laid out as the C struct of docs/program.md.

    Parameters
    ----------
    n_outputs : int
        Width of `outputs`.
    n_channels : int
        Channels of the input, the width of `channel_quality`.

    Returns
    -------
    numpy.dtype
        Structured; its size is a multiple of 8 bytes.

    Examples
    --------
    >>> prediction_dtype(n_outputs=3, n_channels=19).itemsize
    240
    """
    fields = [
        ("index", np.int64, ()),
        ("time", np.float64, ()),
        ("stamp", np.float64, ()),
        ("outputs", np.float64, (n_outputs,)),
        ("valence", np.float64, ()),
        ("arousal", np.float64, ()),
        ("dominance", np.float64, ()),
        ("quality", np.float64, ()),
        ("channel_quality", np.float64, (n_channels,)),
        ("class_index", np.int32, ()),
        ("valid", np.uint8, ()),
        ("abstained", np.uint8, ()),
    ]
    formats = [np.dtype((kind, shape)) for _, kind, shape in fields]
    ends = np.cumsum([f.itemsize for f in formats]).tolist()
    return np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "formats": formats,
            "offsets": [0, *ends[:-1]],
            "itemsize": -(-ends[-1] // 8) * 8,
        }
    )


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """One prediction: a view of one record of the array that `Engine.push` fills.

    Parameters
    ----------
    record : numpy.void
        One element of an array of `engine.dtype`.
    labels : sequence of str
        Names of the outputs; empty where there is no decoder.
    kind : {0, 1, 2, 3}
        What the outputs are: features, class probabilities, independent label probabilities, intensities.

    Attributes
    ----------
    index : int
        Number of the newest sample of the window.
    time : float
        The time it is about, in seconds: the window's centre less the delay of the filters.
    stamp : float
        Stamp of the newest sample of the window, in seconds.
    outputs : ndarray, shape (n_outputs,)
        Also as `probabilities` (kinds 1 and 2), `intensities` (3) or `features` (0); NaN when abstained.
    label : str or None
        The most probable class; None when abstained, where an output is not finite, or where the outputs are
        no class probabilities.
    valence, arousal, dominance : float
        NaN where the labels do not define them.
    quality, channel_quality : float; ndarray, shape (n_channels,)
        From 0 (unusable) to 1.
    valid : bool
        The filters had filled, no sample was substituted, the engine did not abstain and every output is finite.
    abstained : bool
        The signal was too bad to say anything.

    Examples
    --------
    >>> records = np.zeros(1, prediction_dtype(2, 1))
    >>> records["outputs"], records["class_index"] = [0.25, 0.75], 1
    >>> Prediction(records[0], ("calm", "joy"), kind=1).label
    'joy'
    """

    record: np.void
    labels: Sequence[str]
    kind: int

    @property
    def index(self) -> int:
        return int(self.record["index"])

    @property
    def time(self) -> float:
        return float(self.record["time"])

    @property
    def stamp(self) -> float:
        return float(self.record["stamp"])

    @property
    def outputs(self) -> np.ndarray:
        return self.record["outputs"]

    @property
    def probabilities(self) -> np.ndarray:
        return self._outputs_as("probabilities")

    @property
    def intensities(self) -> np.ndarray:
        return self._outputs_as("intensities")

    @property
    def features(self) -> np.ndarray:
        return self._outputs_as("features")

    def _outputs_as(self, name: str) -> np.ndarray:
        own = self._outputs_name
        if name != own:
            raise AttributeError(f"this pipeline puts out {own}, not {name}: use prediction.{own}")
        return self.outputs

    @property
    def _outputs_name(self) -> str:
        return {FEATURES: "features", INTENSITIES: "intensities"}.get(self.kind, "probabilities")

    @property
    def label(self) -> str | None:
        best = int(self.record["class_index"])
        return self.labels[best] if 0 <= best < len(self.labels) else None

    @property
    def valence(self) -> float:
        return float(self.record["valence"])

    @property
    def arousal(self) -> float:
        return float(self.record["arousal"])

    @property
    def dominance(self) -> float:
        return float(self.record["dominance"])

    @property
    def quality(self) -> float:
        return float(self.record["quality"])

    @property
    def channel_quality(self) -> np.ndarray:
        return self.record["channel_quality"]

    @property
    def valid(self) -> bool:
        return bool(self.record["valid"])

    @property
    def abstained(self) -> bool:
        return bool(self.record["abstained"])

    def __repr__(self) -> str:
        parts = [f"time={self.time:.3f}"]
        if self.label is not None:
            parts.append(f"label={self.label!r}")
        if self.abstained:
            parts.append("abstained")
        elif self.kind == FEATURES:
            parts.append(f"{len(self.outputs)} features")
        else:
            named = zip(self.labels, self.outputs, strict=True)
            parts.append(f"{self._outputs_name}=({', '.join(f'{name} {p:.2f}' for name, p in named)})")
        for name in ("valence", "arousal", "dominance"):
            value = getattr(self, name)
            if not np.isnan(value):
                parts.append(f"{name}={value:.2f}")
        parts.append(f"quality={self.quality:.2f}")
        if not self.valid and not self.abstained:
            parts.append("not valid")
        return f"Prediction({', '.join(parts)})"
