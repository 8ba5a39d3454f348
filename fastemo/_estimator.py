"""What `Pipeline` stands on: parameters in the manner of scikit-learn, the door for recordings, lowering."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._atlases import common_atlas
from fastemo._lowering import Build, Feature, InputOptions, lower, until
from fastemo._program import Program
from fastemo._validate import close_matches
from fastemo.recording import Recording, as_recordings
from fastemo.stages import SignalTrainable, Stage, Trainable
from fastemo.stages.base import parameter_names

if TYPE_CHECKING:
    from fastemo.emotions import LabelSpace

__all__ = ["Estimator"]


class Estimator:
    """The inner side of `Pipeline`; an estimator to scikit-learn without importing it."""

    stages: Sequence[Stage]
    sfreq: float | None
    ch_names: Sequence[str] | None
    unit: str
    check_unit: bool
    fitted_: dict[str, dict[str, np.ndarray]]
    label_space_: LabelSpace
    classes_: np.ndarray
    provenance_: dict[str, Any]
    atlas_: Any = None
    # The program of all stages and how it came about; None where it has to be made anew.
    _cache: tuple[Build, Program] | None = None

    @property
    def named_stages(self) -> dict[str, Stage]:
        """The stages by parameter name, as scikit-learn's `make_pipeline` names them."""
        return dict(zip(parameter_names(self.stages), self.stages, strict=True))

    @property
    def decoder(self) -> Stage | None:
        """The stage that makes outputs of features, if there is one."""
        return next((stage for stage in self.stages if stage.gives == "output"), None)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; with `deep` also the stages and their parameters ("lda", "lda__shrinkage")."""
        own = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        return own | (_deep(self.named_stages) if deep else {})

    def set_params(self, **params: Any) -> Any:
        """Change parameters by name, as `get_params` gives them; all are checked before any is changed.

        What was learnt is kept only where no stage up to the last one that learns has changed.
        """
        own = self.get_params(deep=False)
        own |= {key: value for key, value in params.items() if key in own}
        changed = type(self)(**own)
        deep = {key: value for key, value in params.items() if key not in own}
        if deep:
            own["stages"] = list(_replace(changed.named_stages, deep).values())
            changed = type(self)(**own)
        if changed._learnt_from() != self._learnt_from():
            for name in [name for name in vars(self) if name.endswith("_")]:
                delattr(self, name)
        vars(self).update(own, _cache=None)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fitted_") or not any(map(_learns, self.stages))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags, TransformerTags

        kind = None
        if self.decoder is not None:
            kind = "regressor" if getattr(self.decoder, "kinds", ()) == ("intensities",) else "classifier"
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
            input_tags=InputTags(two_d_array=False, three_d_array=True, allow_nan=True),
        )

    @property
    def _n_given(self) -> int:
        """How many stages there are before the first that learns from features."""
        learning = (i for i, stage in enumerate(self.stages) if isinstance(stage, Trainable))
        return next(learning, len(self.stages))

    def _learnt_from(self) -> list[Any]:
        """All the parameters that what is learnt depends on."""
        last = max((i for i, stage in enumerate(self.stages) if _learns(stage)), default=-1)
        own = self.get_params(deep=False)
        return [list(self.stages[: last + 1]), *(own[k] for k in ("sfreq", "ch_names", "unit", "emotions"))]

    @property
    def _options(self) -> InputOptions:
        own = self.get_params(deep=False)
        return InputOptions(**{name: own[name] for name in InputOptions._fields})

    @property
    def _place(self) -> tuple[float | None, Sequence[str] | None]:
        """Sampling frequency and channels, as learnt or as given."""
        return getattr(self, "sfreq_", self.sfreq), getattr(self, "ch_names_", self.ch_names)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this pipeline is not fitted: call fit with labelled recordings first")

    def _labels(self) -> LabelSpace:
        if self.decoder is None:
            raise AttributeError("this pipeline has no decoder: add one such as LDA(), or use transform")
        self._check_fitted()
        return self.label_space_

    def _recordings(self, X: Any, y: Any = None, groups: Any = None, fresh: bool = False) -> list[Recording]:
        """X as recordings with the pipeline's rate, channels and unit; `fresh` looks at no earlier fit."""
        sfreq, ch_names = (self.sfreq, self.ch_names) if fresh else self._place
        known = None if fresh else self.atlas_
        recordings = as_recordings(X, y, sfreq, ch_names, self.unit, self.check_unit, known)
        if fresh:
            common_atlas(recordings)
        if sfreq is None or ch_names is None:
            first = recordings[0]
            recordings = as_recordings(recordings, None, first.sfreq, first.ch_names, check_unit=False)
        if groups is None:
            return recordings
        subjects = list(groups)
        if len(subjects) != len(recordings):
            raise ValueError(
                f"groups must have one subject per recording ({len(recordings)}), got {len(subjects)}"
            )
        return [rec.replace(subject=who) for rec, who in zip(recordings, subjects, strict=True)]

    def _lowered(
        self, n_stages: int | None = None, chosen: Mapping[str, Iterable[str]] | None = None
    ) -> tuple[Build, Program]:
        """The first `n_stages` stages, or all, as a program, and how it came about; `chosen` as of `Build`."""
        if n_stages is None and self._cache is not None:
            return self._cache
        sfreq, ch_names = self._place
        if sfreq is None or ch_names is None:
            raise ValueError(
                f"the pipeline needs sfreq and ch_names, got sfreq={sfreq}, ch_names={ch_names}: "
                "give them to Pipeline(...) or call fit first"
            )
        build = Build(sfreq, ch_names, self.unit, getattr(self, "label_space_", None), chosen)
        lower(dict(list(self.named_stages.items())[:n_stages]), getattr(self, "fitted_", {}), build)
        lowered = build, build.program(self._options)
        if n_stages is None:
            self._cache = lowered
        return lowered

    @property
    def _features(self) -> tuple[Feature, ...]:
        """The features that the decoder sees."""
        return self._lowered(None if hasattr(self, "fitted_") else self._n_given)[0].features

    def _feature_records(self, recordings: Sequence[Recording]) -> list[np.ndarray]:
        """The engine's records of each recording, in which the outputs are what arrives at the decoder."""
        from fastemo._offline import run

        program, steps = self.program, self._lowered()[0].steps
        last = next((i for i, step in enumerate(steps) if step.stage is self.decoder), len(steps)) - 1
        return run(until(program, steps[last].slot), recordings)

    def _decide(self, recordings: Sequence[Recording]) -> np.ndarray:
        """What the valid windows of each recording say together, shape (n_recordings, n_labels)."""
        from fastemo._offline import decide, pick_windows, run

        space = self._labels()
        outputs = run(self.program, recordings)
        picked = pick_windows(outputs, recordings, "decode", self._lowered()[0])
        return np.array(
            [decide(out["outputs"][mask], space) for out, mask in zip(outputs, picked, strict=True)]
        )

    @property
    def program(self) -> Program:
        """What the engine runs. Needs a fit if a stage learns, else only `sfreq` and `ch_names`."""
        self._check_fitted()
        return self._lowered()[1]


def _learns(stage: Stage) -> bool:
    return isinstance(stage, (SignalTrainable, Trainable))


def _deep(stages: Mapping[str, Stage]) -> dict[str, Any]:
    """Stages and their parameters: "lda", "lda__shrinkage", "features__bandpower__log"."""
    params: dict[str, Any] = {}
    for name, stage in stages.items():
        params[name] = stage
        params |= {f"{name}__{key}": value for key, value in (stage.params() | _deep(stage.nested)).items()}
    return params


def _replace(stages: Mapping[str, Stage], params: Mapping[str, Any]) -> dict[str, Stage]:
    """The stages with whole ones or single parameters of them replaced."""
    out = dict(stages)
    for key, value in params.items():
        name, _, rest = key.partition("__")
        if name not in out:
            hint = close_matches(key, _deep(out)) or list(out)
            raise ValueError(
                f"{key!r} is no parameter of this pipeline (did you mean {' or '.join(hint)}?): "
                "get_params() lists them"
            )
        if not rest:
            out[name] = value
        elif rest.partition("__")[0] in out[name].nested:
            out[name] = out[name].with_nested(_replace(out[name].nested, {rest: value}))
        else:
            out[name] = out[name].replace(**{rest: value})
    return out
