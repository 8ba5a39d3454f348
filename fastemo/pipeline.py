"""The pipeline: stages in order, an estimator as scikit-learn knows it, and one file to save it in."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._estimator import Estimator
from fastemo._input_options import BACKWARD_POLICIES, GAP_POLICIES
from fastemo._order import check_order
from fastemo._validate import UV_PER_UNIT, check_in, check_positive
from fastemo.recording import Recording
from fastemo.stages import Stage
from fastemo.stages._heads import PRIOR_WINDOWS
from fastemo.stages.base import check_names

if TYPE_CHECKING:
    from fastemo.engine import Engine
    from fastemo.patterns import Explanation

__all__ = ["Pipeline", "load"]


class Pipeline(Estimator):
    """Stages in order, from samples to emotions. Fitted in Python, run by the compiled engine.

    Parameters
    ----------
    stages : list of stages
        Signal stages, one `Window`, features, and usually a decoder. They never change; what they learn is
        kept in `fitted_`.
    sfreq : float, optional
        Sampling frequency in Hz; that of the training recordings if not given. Needed for arrays.
    ch_names : list of str, optional
        Channels to use, in order; those of the first training recording if not given.
    unit : {"uV", "mV", "V", "1"}
        What `Engine.push` is given, and arrays are in; recordings in another unit are converted. "1"
        is none.
    gap_policy : {"hold", "interpolate", "reset"}
        What stands in for lost and NaN samples: the last one, a line (then samples wait for the end of the
        gap), or nothing, and the filters start anew.
    max_gap : float
        Seconds; a longer gap is a reset.
    gap_tolerance : float, optional
        Seconds a time stamp may be off its place before it means a gap; max(2 samples, 40 ms) if not given.
    on_backward : {"raise", "drop"}
        What to do with samples whose stamps go backward.
    check_unit : bool
        Refuse recordings whose size cannot be EEG in their unit.
    emotions : mapping of str to (valence, arousal[, dominance]), optional
        Your own places of labels in the emotion space, in [-1, 1]; they come before
        `fastemo.emotions.EMOTIONS`.

    Attributes
    ----------
    fitted_ : dict
        What each stage has learnt: arrays by parameter name ("lda") and their own ("coef").
    classes_ : ndarray
        Classes, labels or intensities in the order of the outputs.
    label_space_ : LabelSpace
        What the labels are: "classes", "multilabel" or "intensities".
    provenance_ : dict
        What it was trained on, when and with which versions.
    atlas_ : fastemo.fmri.Masker or None
        What the regions of its training runs were made by. Saved with it, but for maps of more than 64 MB, of which only
        `names` and `digest` are kept; runs of another atlas are refused, and paths of NIfTI files are read with it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastemo as fe
    >>> rng = np.random.default_rng(0)
    >>> calm, joy = rng.normal(0, 5, (4, 2, 1000)), rng.normal(0, 15, (4, 2, 1000))
    >>> stages = [fe.HighPass(4), fe.Window(1, hop=0.5), fe.BandPower("standard", log=True), fe.LDA()]
    >>> pipe = fe.Pipeline(stages, sfreq=250, ch_names=["F3", "F4"])
    >>> pipe = pipe.fit(np.concatenate([calm, joy]), ["calm"] * 4 + ["joy"] * 4)
    >>> pipe.predict(joy[:2])
    array(['joy', 'joy'], dtype='<U4')
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        unit: str = "uV",
        gap_policy: str = "hold",
        max_gap: float = 1.0,
        gap_tolerance: float | None = None,
        on_backward: str = "raise",
        check_unit: bool = True,
        emotions: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        check_order(stages)
        if sfreq is not None:
            check_positive("sfreq", sfreq, unit="Hz")
        if ch_names is not None:
            check_names("ch_names", ch_names)
        check_in("unit", unit, UV_PER_UNIT)
        check_in("gap_policy", gap_policy, GAP_POLICIES)
        check_positive("max_gap", max_gap, zero=True, unit="seconds")
        if gap_tolerance is not None:
            check_positive("gap_tolerance", gap_tolerance, unit="seconds")
        check_in("on_backward", on_backward, BACKWARD_POLICIES)
        # scikit-learn's clone wants each parameter back as it was given.
        self.stages = stages
        self.sfreq = sfreq
        self.ch_names = ch_names
        self.unit = unit
        self.gap_policy = gap_policy
        self.max_gap = max_gap
        self.gap_tolerance = gap_tolerance
        self.on_backward = on_backward
        self.check_unit = check_unit
        self.emotions = emotions

    @classmethod
    def from_spec(cls, spec: Sequence[Mapping[str, Any]], **params: Any) -> Pipeline:
        """A pipeline of stages given as plain tables, such as JSON and TOML hold.

        Parameters
        ----------
        spec : list of mappings
            Each with its class under "stage" and its parameters beside.
        **params
            Those of `Pipeline`.

        Examples
        --------
        >>> spec = [{"stage": "Window", "length": 2, "hop": 1}, {"stage": "BandPower", "bands": "seed"}]
        >>> Pipeline.from_spec(spec)
        Pipeline: nothing to learn
          Window(length=2, hop=1)
          BandPower(bands={delta: 1-4, theta: 4-8, alpha: 8-14, beta: 14-31, gamma: 31-50})
        """
        if isinstance(spec, (str, Mapping)) or not isinstance(spec, Sequence):
            raise TypeError(f'spec must be a list of tables such as {{"stage": "LDA"}}, got {spec!r}')
        return cls([Stage.from_spec(table) for table in spec], **params)

    def to_spec(self) -> list[dict[str, Any]]:
        """The stages as plain tables; the inverse of `from_spec`."""
        return [stage.to_spec() for stage in self.stages]

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Pipeline:
        """Learn from labelled recordings.

        Parameters
        ----------
        X : recordings
            What `fastemo.recording.as_recordings` takes: a list of Recordings, an array (n, n_channels,
            n_samples), MNE Raws or Epochs, paths.
        y : sequence, optional
            One label per recording: str or int; a set of str for several at once; a float or a dict of
            floats for intensities. By default the recordings' own labels or events.
        groups : sequence, optional
            The subject of each recording, in place of the recordings' own.

        Returns
        -------
        Pipeline
            Itself.

        Notes
        -----
        Windows take their labels from the recording's events, else from its label. Only valid windows train:
        the filters have filled, no sample was lost, the quality suffices. Recordings with `role="baseline"`
        scale each subject's features where a stage asks for it and never train the decoder.
        """
        from fastemo._training import fit

        vars(self).update(fit(self, X, y, groups), _cache=None)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """One answer per recording, over its valid windows.

        Returns
        -------
        ndarray, shape (n_recordings,)
            The class with the largest mean log probability; for several labels at once a frozenset of those
            whose mean probability exceeds 0.5; the mean intensity, with shape (n_recordings, n_intensities)
            if there are several.

        Raises
        ------
        ValueError
            A recording shorter than a window, or of which every window abstained. Where no window is valid
            all are used, with a warning.
        """
        return self._answers(self._recordings(X))

    def _answers(self, recordings: Sequence[Recording]) -> np.ndarray:
        from fastemo._offline import present

        together, space = self._decide(recordings), self._labels()
        if space.kind == "classes":
            return self.classes_[together.argmax(axis=1)]
        if space.kind == "intensities":
            return together[:, 0] if len(space) == 1 else together
        answers = np.empty(len(together), object)
        answers[:] = [present(row, space) for row in together]
        return answers

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of each recording, shape (n_recordings, n_classes), in the order of `classes_`.

        For classes the geometric mean over valid windows, scaled to sum to 1; for several labels at once the
        mean.
        """
        if self._labels().kind == "intensities":
            raise AttributeError("this pipeline predicts intensities, not probabilities: use predict")
        return self._decide(self._recordings(X))

    def predict_windows(self, X: Any) -> Any:
        """What the engine says about each window of a recording.

        Parameters
        ----------
        X : Recording, array (n_channels, n_samples) or whatever holds one recording; or a list of them

        Returns
        -------
        structured ndarray, shape (n_windows,), or a list of them
            Fields `index` and `stamp` of the newest sample, `time` the window is about, `probabilities` or
            `intensities`, `valence`, `arousal`, `dominance`, `quality`, `channel_quality`, `valid`,
            `abstained` and `label` (None where abstained). The same bits as from `Engine.push` in chunks of
            any size and `Engine.flush` at the end.
        """
        from fastemo._offline import run, window_table

        space = self._labels()
        recordings = self._recordings(X)
        tables = [window_table(records, space) for records in run(self.program, recordings)]
        return tables if _several(X, recordings) else tables[0]

    def transform(self, X: Any) -> Any:
        """Features of each window, before the decoder.

        Returns
        -------
        ndarray of float64, shape (n_windows, n_features), or a list of them
            One array for one recording, a list for several. NaN where a window abstained.
        """
        # Without anything to learn, rate and channels may be those of the recordings.
        ready = copy.copy(self).fit(X) if None in self._place and self.__sklearn_is_fitted__() else self
        recordings = ready._recordings(X)
        rows = [records["outputs"].copy() for records in ready._feature_records(recordings)]
        return rows if _several(X, recordings) else rows[0]

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """`fit`, then `transform` of the same recordings."""
        return self.fit(X, y, groups).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns of `transform`, as "alpha:Fz"; `input_features` is there for scikit-learn."""
        return np.array([feature.name for feature in self._features], object)

    def score(self, X: Any, y: Any = None) -> float:
        """Share of recordings whose predicted class or set of labels is right; for intensities R^2, averaged.

        Baselines are left out. Windows labelled by events are scored by `fastemo.evaluate`.
        """
        from fastemo._offline import score

        space = self._labels()
        recordings = [rec for rec in self._recordings(X, y) if rec.role == "data"]
        if not recordings:
            raise ValueError('X holds only baselines (role="baseline"), which are never scored: add data')
        return score(self._answers(recordings), [rec.label for rec in recordings], space)

    def engine(self, threads: int = 1) -> Engine:
        """A new engine that runs this pipeline live: `push` samples, get predictions."""
        from fastemo.engine import Engine

        return Engine(self.program, threads=threads, pipeline=self)

    def calibrate(
        self, rest: Any = None, labelled: Any = None, y: Any = None, *, prior: float = PRIOR_WINDOWS
    ) -> Pipeline:
        """A new pipeline adapted to a person: to their rest, which needs no labels, to labelled segments, or both.

        Parameters
        ----------
        rest : Recording, array or list of them, optional
            About a minute; its valid windows are used, of which there must be five. Stages that adapt learn from it.
        labelled : recordings, optional
            What `fit` takes, of this person and with labels or events that the pipeline knows, of two classes at least.
            The decoder moves towards them.
        y : sequence, optional
            One label per recording of `labelled`, in place of their own.
        prior : float
            How many windows' worth of evidence the decoder's weights count as they are: the larger, the less a few
            segments move them.

        Returns
        -------
        Pipeline
            This one stays as it is.

        Notes
        -----
        Weights are the most probable ones given the labels and a normal distribution about the former ones; `MDM` moves
        each class's mean along the geodesic towards the person's. Windows that overlap count as many as fit side by
        side, and classes count alike. A segment cut out by itself loses the time that filters take to fill: one
        recording with events does not.
        """
        from fastemo.adaptation import calibrate

        return calibrate(self, rest, labelled, y, prior)

    def explain(self) -> Explanation:
        """Forward patterns: how the features of each region and band change with each class."""
        from fastemo.patterns import Explanation

        self._labels()
        name = next(name for name, stage in self.named_stages.items() if stage is self.decoder)
        patterns = self.fitted_[name]["patterns"]
        return Explanation.from_features(self.label_space_.classes, self._features, patterns)

    @property
    def delays(self) -> dict[str, float]:
        """Seconds by which each stage delays what it passes, by parameter name.

        Of a filter its mean group delay, weighted by the power it passes; of the window half its length. `time` of a
        prediction is its stamp less the window's and less the delay of the filters in the band that is delayed the most;
        `print(pipe)` lists the bands. Before `fit`, of the stages up to the first that learns.

        Examples
        --------
        >>> spec = [{"stage": "FIR", "high": 40}, {"stage": "Window", "length": 1, "hop": 0.5}, {"stage": "TimeDomain",
        ...         "features": ["std"]}]
        >>> Pipeline.from_spec(spec, sfreq=250, ch_names=["Fz"]).delays
        {'fir': 0.164, 'window': 0.498, 'timedomain': 0.0}
        """
        steps = self._lowered(None if hasattr(self, "fitted_") else self._n_given)[0].steps
        return {name: round(step.delay, 9) for name, step in zip(self.named_stages, steps, strict=False)}

    def save(self, path: str | os.PathLike[str], evaluation: Mapping[str, Any] | None = None) -> None:
        """Write one file that Python, C++ and C can run; `evaluation` is kept in it for people to read.

        Examples
        --------
        >>> import tempfile
        >>> spec = [{"stage": "Window", "length": 2, "hop": 1}, {"stage": "BandPower", "bands": "seed"}]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Pipeline.from_spec(spec, sfreq=250, ch_names=["Fz"]).save(f"{folder}/power.fastemo")
        ...     pipe = load(f"{folder}/power.fastemo")
        >>> [op.kind for op in pipe.program.ops]
        ['window', 'fft_power', 'bandsum']
        """
        from pathlib import Path

        from fastemo._saving import dump

        provenance = dict(getattr(self, "provenance_", {}))
        if evaluation is not None:
            provenance["evaluation"] = dict(evaluation)
        Path(path).write_bytes(dump(self, provenance))

    def __repr__(self) -> str:
        from fastemo._repr import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from fastemo._repr import as_html

        return as_html(self)


def load(path: str | os.PathLike[str]) -> Pipeline:
    """The pipeline in a model file; it predicts the same bits as the one that was saved.

    Parameters
    ----------
    path : str or path, or bytes
        Where it is, or the file itself.

    Raises
    ------
    fastemo.model_file.ModelError
        A file that is damaged, altered or newer, or whose self-test fails on this machine.
    """
    from fastemo._saving import restore

    return restore(path)


def _several(X: Any, recordings: Sequence[Recording]) -> bool:
    """Whether X means several recordings, even if it holds one."""
    return len(recordings) > 1 or isinstance(X, (list, tuple)) or getattr(X, "ndim", 2) == 3
