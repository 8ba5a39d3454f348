"""What a stage is: a frozen description of one step that lowers itself to ops of the program.

A new stage is one file: a frozen dataclass that says what it `takes` and `gives`, checks its parameters in
`__post_init__` and adds its ops in `lower`. One that learns also derives from `Trainable`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastemo._validate import check_in

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = [
    "Labelled",
    "SignalTrainable",
    "Stage",
    "Trainable",
    "WindowTrainable",
    "Windows",
    "check_count",
    "check_names",
    "parameter_names",
]

INITS = ("first", "zero")


class Stage:
    """One step of a pipeline.

    Attributes
    ----------
    takes, gives : str
        "signal" (samples, before the window), "window" (samples cut into windows), "vector" (features) or "
        ""output"
        (what the decoder says). A stage that takes "any" only sets the header; one that takes "row" works on
        features and outputs alike and gives what it took.
    """

    takes: ClassVar[str]
    gives: ClassVar[str]
    after: ClassVar[
        tuple[str, ...]
    ] = ()  # the features it reads are those of one of these stages, where there are any
    registry: ClassVar[dict[str, type[Stage]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Stage.registry[cls.__name__] = cls

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        """Add this stage's ops to `build`; `fitted` holds what its `fit` returned."""
        raise NotImplementedError

    def params(self) -> dict[str, Any]:
        """The parameters by name, as they were given."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @property
    def nested(self) -> dict[str, Stage]:
        """Stages inside this one, by parameter name."""
        return {}

    def with_nested(self, stages: Mapping[str, Stage]) -> Stage:
        """The same stage around other stages."""
        raise NotImplementedError

    def replace(self, **changes: Any) -> Stage:
        """The same stage with some parameters changed, checked again."""
        unknown = [name for name in changes if name not in self.params()]
        if unknown:
            check_in(f"parameter of {type(self).__name__}", unknown[0], self.params())
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def to_spec(self) -> dict[str, Any]:
        """The stage as plain values that JSON and TOML can hold; defaults are left out."""
        spec: dict[str, Any] = {"stage": type(self).__name__}
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if not _same(value, f.default):
                spec[f.name] = _to_plain(value)
        return spec

    @staticmethod
    def from_spec(spec: Mapping[str, Any]) -> Stage:
        """The inverse of `to_spec`."""
        if not isinstance(spec, Mapping) or "stage" not in spec:
            raise ValueError(
                f'a stage must be a table with a "stage" key, such as {{"stage": "LDA"}}; got {spec!r}'
            )
        cls = Stage.registry[check_in("stage", spec["stage"], Stage.public())]
        params = {name: _from_plain(value) for name, value in spec.items() if name != "stage"}
        known = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for name in params:
            check_in(f"parameter of {cls.__name__}", name, known)
        try:
            return cls(**params)
        except TypeError as error:
            raise ValueError(f"stage {cls.__name__}: {error}") from None

    @staticmethod
    def public() -> list[str]:
        """Names of the stages that can be built."""
        return [name for name, cls in Stage.registry.items() if dataclasses.is_dataclass(cls)]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(value, other.params()[name]) for name, value in self.params().items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = []
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if not _same(value, f.default):
                shown.append(f"{f.name}={_short(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True)
class Windows:
    """The windows a stage learns from, in the order of the recordings.

    Parameters
    ----------
    rows : ndarray, shape (n_windows, n_features)
        What arrives at the stage; NaN where a window abstained.
    train, baseline : ndarray of bool, shape (n_windows,)
        Valid, labelled windows of data; valid windows of baselines.
    usable : ndarray of bool, shape (n_windows,)
        Windows that smoothers see: past the warm-up and not abstained.
    targets : ndarray, shape (n_windows,) of int or (n_windows, n_labels)
        Classes, label indicators or intensities; meaningless where `train` is False.
    subjects : ndarray of object, shape (n_windows,)
    recordings : ndarray of int, shape (n_windows,)
    names : tuple of str
        Classes, labels or intensities by the columns of the decoder's output.
    kind : str
        "classes", "multilabel" or "intensities".
    n_rows : int
        How many rows of equal length the features are laid out in, such as bands; 1 where there are none.
    """

    rows: np.ndarray
    train: np.ndarray
    baseline: np.ndarray
    usable: np.ndarray
    targets: np.ndarray
    subjects: np.ndarray
    recordings: np.ndarray
    names: tuple[str, ...]
    kind: str
    n_rows: int = 1

    def with_rows(self, rows: np.ndarray) -> Windows:
        return dataclasses.replace(self, rows=rows)


@dataclass(frozen=True)
class Labelled:
    """Labelled windows of one person, to adapt a decoder to.

    Parameters
    ----------
    rows, targets, names, kind, n_rows
        As in `Windows`, without windows that do not count.
    weight : float
        What one window counts: below 1 where windows overlap, so that together they count as many as fit side by side.
    """

    rows: np.ndarray
    targets: np.ndarray
    names: tuple[str, ...]
    kind: str
    weight: float
    n_rows: int = 1


class Trainable(Stage):
    """A stage that learns. `fit` returns arrays, which the pipeline keeps; the stage itself never changes."""

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        """The arrays that `lower` needs."""
        raise NotImplementedError

    def training_rows(self, windows: Windows, fitted: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """What the next stage learns from, where that is not simply what the lowered ops give (None)."""
        return None

    @property
    def adapts(self) -> bool:
        """Whether `calibrate` can fit it to a person."""
        return False

    def calibrate(self, rows: np.ndarray, fitted: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays for a person whose windows at rest are `rows` (n_windows, n_features)."""
        raise NotImplementedError


class SignalTrainable(Stage):
    """A stage before the window that learns from the signal that arrives at it.

    It is fitted to the recordings with `role="baseline"` where there are any, else to all; `Pipeline.calibrate` fits
    it to a person.
    """

    adapts: ClassVar[bool] = True

    def fit_signal(self, signals: Sequence[np.ndarray], sfreq: float) -> dict[str, np.ndarray]:
        """The arrays that `lower` needs, from recordings (n_channels, n_samples) in uV."""
        raise NotImplementedError


class WindowTrainable(SignalTrainable):
    """A stage right behind the window that learns from what its own ops make of each window."""

    def observe(self, build: Build) -> None:
        """Lower what it learns from; the current slot then holds a row for each window."""
        raise NotImplementedError

    def fit_rows(self, rows: np.ndarray, build: Build) -> dict[str, np.ndarray]:
        """The arrays that `lower` needs, from such rows (n_windows, n_values); `build` is as `observe` left it."""
        raise NotImplementedError


def check_count(name: str, value: Any) -> int:
    """`value` as an int of at least 1."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number of at least 1, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def check_names(name: str, value: Any) -> tuple[str, ...]:
    """`value` as a tuple of distinct channel names."""
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(v, str) for v in value)
    ):
        raise TypeError(f'{name} must be a list of channel names, such as ["M1", "M2"]; got {value!r}')
    if len(set(value)) != len(value):
        raise ValueError(f"{name} must name each channel once, got {list(value)!r}")
    return tuple(value)


def parameter_names(stages: Sequence[Stage]) -> list[str]:
    """Names as scikit-learn's `make_pipeline` gives them: "lda"; "bandpass-1", "bandpass-2" for several."""
    names = [type(stage).__name__.lower() for stage in stages]
    seen: dict[str, int] = {}
    for i, name in enumerate(list(names)):
        if names.count(name) > 1 or name in seen:
            seen[name] = seen.get(name, 0) + 1
            names[i] = f"{name}-{seen[name]}"
    return names


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and np.array_equal(a, b)
    return type(a) is type(b) and a == b


def _to_plain(value: Any) -> Any:
    if isinstance(value, Stage):
        return value.to_spec()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(k): _to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(v) for v in value]
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Stage.from_spec(value) if "stage" in value else {k: _from_plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_from_plain(v) for v in value]
    return value


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{' x '.join(map(str, value.shape))}>"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float)) for v in value):
        return "-".join(f"{v:g}" for v in value) if len(value) == 2 else repr(list(value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_short(v) for v in value) + "]"
    return repr(value)
