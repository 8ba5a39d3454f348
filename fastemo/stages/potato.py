"""The Riemannian potato in the stream: windows whose covariance is unlike those of clean windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastemo import riemann
from fastemo._validate import check_channels, check_in, check_positive
from fastemo.artefacts._potato import SMALLEST_DISTANCE
from fastemo.artefacts._potato import Potato as Learner
from fastemo.reference.riemann import ESTIMATORS
from fastemo.stages.alignment import MIN_CALIBRATION_WINDOWS
from fastemo.stages.base import WindowTrainable, check_names
from fastemo.stages.riemann import FLOOR, unfold

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Potato", "PotatoScore"]


@dataclass(frozen=True, eq=False, repr=False)
class _OfPotatoes(WindowTrainable):
    """What both stages share: which channels, how far, and the z-scores."""

    takes = "window"
    threshold: float = 3.0
    channels: Sequence[str] | Mapping[str, Sequence[str]] | None = None
    estimator: str = "oas"

    def __post_init__(self) -> None:
        check_positive("threshold", self.threshold)
        check_in("estimator", self.estimator, [name for name in ESTIMATORS if name != "shrunk"])
        if self.channels is None:
            return
        given = self.channels if isinstance(self.channels, Mapping) else {"": self.channels}
        checked = {}
        for name, channels in given.items():
            what = f"channels[{name!r}]" if name else "channels"
            checked[name] = check_names(what, channels)
            if not checked[name]:
                raise ValueError(f"{what} must name at least one channel, got none")
        if not checked:
            raise ValueError("channels must hold at least one group of channels, got none: leave it out")
        object.__setattr__(self, "channels", checked if isinstance(self.channels, Mapping) else checked[""])

    def _groups(self, build: Build) -> dict[str, list[int]]:
        """The channels of each potato by its name."""
        if self.channels is None:
            return {"all": list(range(len(build.ch_names)))}
        groups = self.channels if isinstance(self.channels, Mapping) else {"chosen": self.channels}
        where = f"the windows before {type(self).__name__}"
        return {name: list(check_channels(own, build.ch_names, where)) for name, own in groups.items()}

    def _covariances(self, build: Build) -> list[int]:
        """A slot of covariances for each group; the signal stays the current slot."""
        signal, names, slots = build.slot, build.ch_names, []
        for picks in self._groups(build).values():
            build.slot = signal
            if picks != list(range(len(names))):
                build.signal("matrix", [names[c] for c in picks], coef=np.eye(len(names))[picks])
            op = {"estimator": ESTIMATORS.index(self.estimator), "shrinkage": 0.0}
            slots.append(build.add("cov", [build.window()], **op))
            build.ch_names = names
        build.slot = signal
        return slots

    def observe(self, build: Build) -> None:
        slots = self._covariances(build)
        build.slot = build.add("concat", slots)

    def fit_rows(self, rows: np.ndarray, build: Build) -> dict[str, np.ndarray]:
        name = type(self).__name__
        if len(rows) < MIN_CALIBRATION_WINDOWS:
            raise ValueError(
                f"{name} needs at least {MIN_CALIBRATION_WINDOWS} windows that can be used to learn what is usual, "
                f"got {len(rows)}: give longer recordings, a minute is usual"
            )
        fitted: dict[str, np.ndarray] = {}
        usual, begin = [], 0
        for k, picks in enumerate(self._groups(build).values()):
            end = begin + len(picks) * (len(picks) + 1) // 2
            learner = Learner(self.threshold).fit(unfold(rows[:, begin:end], 1)[:, 0])
            fitted[f"mean_{k}"] = learner.mean_
            usual.append([learner.mu_, learner.sd_])
            begin = end
        return fitted | {"usual": np.array(usual)}

    def _scores(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        """The slot of z-scores, one of each group, becomes the current one."""
        slots = []
        for k, (covariances, picks) in enumerate(
            zip(self._covariances(build), self._groups(build).values(), strict=True)
        ):
            n = len(picks)
            # Unfitted it is only looked at: who runs it has been told to fit.
            mean = fitted.get(f"mean_{k}", np.eye(n))
            if mean.shape != (n, n):
                raise ValueError(
                    f"{type(self).__name__} was fitted to {len(mean)} channels, but {n} arrive: call fit again"
                )
            mu, sd = fitted["usual"][k] if fitted else (0.0, 1.0)
            build.slot = covariances
            build.add("mdm", whitening=riemann.invsqrtm(mean)[None, None], floor=FLOOR)
            build.add("affine", shift=[0.0], scale=[-1.0])
            gain = 1 / max(sd, 1e-300)
            build.add("log", gain=gain / 2, offset=-mu * gain, floor=SMALLEST_DISTANCE**2)
            slots.append(build.slot)
        if len(slots) > 1:
            build.add("concat", slots)


@dataclass(frozen=True, eq=False, repr=False)
class Potato(_OfPotatoes):
    """A gate: windows whose covariance is too far from that of clean windows abstain, with quality 0.

    z = (ln d(C, M) - mu) / s, d the affine-invariant distance, M the geometric mean of the covariances of clean windows,
    mu and s mean and deviation of ln d over them [1]_. It learns from the recordings with `role="baseline"`, or from all
    where there are none, leaving out windows beyond the threshold until none is left to leave out;
    `Pipeline.calibrate` learns anew from a person's rest.

    Parameters
    ----------
    threshold : float
        Of z; 2.5 to 3 are usual.
    channels : list of str, or mapping of str to lists of str, optional
        Those that are looked at; all if not given. A mapping makes a field of potatoes, one for each group of channels
        [2]_: a window passes where none of them objects.
    estimator : {"oas", "lwf", "scm", "cov", "corr", "sch"}
        Of the covariances, as in `fastemo.riemann.covariances`.

    Notes
    -----
    Put it behind `Window`, before the features; `PotatoScore` gives the z-scores themselves. Eigenvalues of
    M^-1/2 C M^-1/2 below 1e-10 count as that. A few channels that share a kind of artefact, such as the frontal ones
    for blinks, find it better than all, and cost less: one eigendecomposition per window and group. Windows that are
    rejected neither train a decoder nor move what is smoothed.

    References
    ----------
    .. [1] Barachant, Andreev, Congedo, The Riemannian Potato, TOBI Workshop IV, 2013, hal-00781701.
    .. [2] Barthelemy, Mayaud, Ojeda, Congedo, The Riemannian potato field, 2019, doi:10.1109/TNSRE.2019.2893113.

    Examples
    --------
    >>> Potato(2.5, channels={"eyes": ["Fp1", "Fp2"], "jaw": ["T7", "T8"]})
    Potato(threshold=2.5, channels={eyes: ['Fp1', 'Fp2'], jaw: ['T7', 'T8']})
    """

    gives = "window"

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        signal = build.slot
        self._scores(build, fitted)
        build.add("gate", limit=float(self.threshold))
        build.slot = signal


@dataclass(frozen=True, eq=False, repr=False)
class PotatoScore(_OfPotatoes):
    """The z-scores of `Potato` as features, one for each group of channels: to look at, or to choose a threshold by.

    Parameters
    ----------
    threshold : float
        Above which windows are left out of what is learnt; nothing abstains.
    channels, estimator
        As of `Potato`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastemo as fe
    >>> calm = np.random.default_rng(0).normal(0, 10, (3, 5000))
    >>> pipe = fe.Pipeline([fe.Window(1, hop=0.5), fe.PotatoScore()], sfreq=250, ch_names=["F3", "Fz", "F4"]).fit(calm)
    >>> bool((pipe.transform(5 * calm[:, :1000]) > 3).all())
    True
    """

    gives = "vector"

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        from fastemo._lowering import Feature

        delay = build._path.delay(0, build.sfreq / 2)
        self._scores(build, fitted)
        build.delays["z"] = delay
        build.becomes([Feature("z", name) for name in self._groups(build)])
