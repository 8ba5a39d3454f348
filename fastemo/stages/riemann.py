"""Covariances of windows as features: of the channels together, not of each alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastemo import riemann
from fastemo._design import butterworth
from fastemo._validate import check_in, check_positive
from fastemo.prediction import CLASSES
from fastemo.reference.riemann import ESTIMATORS, OF_PRODUCTS
from fastemo.riemann._tangent import tangent_vectors
from fastemo.stages._heads import class_weights
from fastemo.stages.alignment import check_baselines, subjects_of
from fastemo.stages.base import Labelled, Stage, Trainable, Windows, check_count
from fastemo.stages.decoders import Decoder
from fastemo.stages.features import as_band_set

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["MDM", "Covariance", "Recenter", "TangentSpace"]

METRICS = ("riemann", "logeuclid")
# Of whitened covariances, whose eigenvalues are about 1: where the rank is too low the rest counts as this.
FLOOR = 1e-10


@dataclass(frozen=True, eq=False, repr=False)
class Covariance(Stage):
    """Covariance of the channels in each window: the variances, and how channels go together.

    Parameters
    ----------
    estimator : {"oas", "lwf", "scm", "cov", "corr", "sch", "shrunk"}
        As in `fastemo.riemann.covariances`. "oas" and "lwf" shrink as much as the window's length calls for, and so
        have full rank also after a common average reference.
    bands : str, mapping or sequence of (low, high), optional
        A covariance for each band in Hz, of the signal behind a causal Butterworth band-pass; the name of a set in
        `fastemo.BANDS`. One of the signal as it is if not given.
    order : int
        Of the band-passes, as in `scipy.signal.butter`.
    shrinkage : float in [0, 1]
        Of "shrunk".
    tau : float, optional
        The covariances of windows, smoothed with this time constant in seconds: exponential over windows.
    memory : float, optional
        Time constant in seconds of a memory that takes the place of the window: exponential over samples, of which each
        counts exp(-age / memory), about their weighted mean. The window then only says when there is a covariance, and
        a hop costs what its own samples cost. For "oas", "scm", "cov", "corr" and "shrunk"; where the number of samples
        counts, it is the squared sum of the weights by the sum of their squares: those of about twice `memory`.

    Notes
    -----
    The rows that come out are the upper triangles; `TangentSpace`, `Recenter` and `MDM` read them, and so may any
    decoder, though a decoder is better served by `TangentSpace`. Without `memory` the window is computed anew at each
    hop.

    Examples
    --------
    >>> Covariance(bands={"alpha": (8, 13)})
    Covariance(bands={alpha: 8-13})
    """

    takes = "window"
    gives = "vector"
    estimator: str = "oas"
    bands: Any = None
    order: int = 4
    shrinkage: float = 0.1
    tau: float | None = None
    memory: float | None = None

    def __post_init__(self) -> None:
        check_in("estimator", self.estimator, ESTIMATORS)
        if self.bands is not None:
            object.__setattr__(self, "bands", as_band_set(self.bands))
        elif self.order != 4:
            raise ValueError(f"order={self.order!r} has no meaning without bands: leave it out")
        check_count("order", self.order)
        share = check_positive("shrinkage", self.shrinkage, zero=True)
        if share > 1:
            raise ValueError(f"shrinkage must be a number in [0, 1], got {self.shrinkage!r}")
        if self.estimator != "shrunk" and share != 0.1:
            raise ValueError(
                f'shrinkage has no meaning for estimator={self.estimator!r}: use estimator="shrunk"'
            )
        if self.tau is not None:
            check_positive("tau", self.tau, unit="seconds")
        if self.memory is None:
            return
        check_positive("memory", self.memory, unit="seconds")
        if self.estimator not in OF_PRODUCTS:
            raise ValueError(
                f"estimator={self.estimator!r} needs the samples of a window, which a memory does not keep: use one of "
                f"{', '.join(OF_PRODUCTS)}, or leave memory out"
            )

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        least = {"cov": 2, "sch": 3}.get(self.estimator, 1)
        if build.length < least:
            raise ValueError(
                f"Covariance({self.estimator!r}) needs windows of at least {least} samples, got {build.length}: "
                "use a longer Window"
            )
        from fastemo._lowering import Feature

        shrinkage = float(self.shrinkage) if self.estimator == "shrunk" else 0.0
        op: dict[str, Any] = {"estimator": ESTIMATORS.index(self.estimator), "shrinkage": shrinkage}
        bands = {"all": (0.0, build.sfreq / 2)} if self.bands is None else dict(self.bands)
        if self.memory is not None:
            op["forgetting"] = float(np.exp(-1 / (build.sfreq * self.memory)))
        signal, path, slots = build.slot, build._path, []
        for name, (low, high) in bands.items():
            build.slot, build._path = signal, path
            if self.bands is not None:
                sos = butterworth(build.sfreq, low, high, self.order, f"the band {name!r} of Covariance")
                build.filter(sos, from_first_sample=True)
                build.warmup = max(build.warmup, build._path.filled_after())
            build.delays[name] = build._path.delay(low, high)
            if self.memory is None:
                slots.append(build.add("cov", [build.window()], **op))
            else:
                slots.append(build.add("fading_cov", **op))
                build.state_bytes += 16 * len(build.ch_names) ** 2
        build._path = path
        if len(slots) > 1:
            build.add("concat", slots)
        pairs = list(combinations_with_replacement(build.ch_names, 2))
        names = [a if a == b else f"{a}-{b}" for a, b in pairs]
        build.becomes([Feature(band, name) for band in bands for name in names], "covariance", len(bands))
        if self.tau is not None:
            build.row("ema", alpha=-np.expm1(-build.hop_seconds / self.tau))


class _OfCovariances(Trainable):
    """A stage that learns from covariances."""

    takes = gives = "vector"
    after: ClassVar[tuple[str, ...]] = ("Covariance", "Recenter")
    metric: str

    def __post_init__(self) -> None:
        check_in("metric", self.metric, METRICS)

    def mean(self, matrices: np.ndarray) -> np.ndarray:
        """The mean of each row's matrices, (n_windows, n_rows, n, n) to (n_rows, n, n)."""
        return means(matrices, self.metric)


@dataclass(frozen=True, eq=False, repr=False)
class Recenter(_OfCovariances):
    """Moves covariances so that their mean is the identity: M^-1/2 C M^-1/2 (Zanini 2018 [1]_).

    Parameters
    ----------
    baseline : bool
        True: M is the mean of each person's own rest. In training every subject is moved by their recordings with
        `role="baseline"`; `Pipeline.calibrate` does the same for a new person. Without a calibration the mean of the
        training subjects' means stands in.
        False: M is the mean of the training windows, the same for everyone.
    metric : {"riemann", "logeuclid"}
        Of the mean.

    References
    ----------
    .. [1] Zanini, Congedo, Jutten, Said, Berthoumieu, Transfer learning: a Riemannian geometry framework with
       applications to brain-computer interfaces, 2018, doi:10.1109/TBME.2017.2742541.

    Examples
    --------
    >>> Recenter(baseline=True)
    Recenter(baseline=True)
    """

    baseline: bool = False
    metric: str = "riemann"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.baseline, (bool, np.bool_)):
            raise TypeError(f"baseline must be True or False, got {self.baseline!r}")

    @property
    def adapts(self) -> bool:
        return self.baseline

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        if not self.baseline:
            return self._roots(self.mean(matrices_of(windows, windows.train)))
        check_baselines("Recenter", windows)
        own = [self.mean(matrices_of(windows, here)) for here in self._rests(windows)]
        return self._roots(self.mean(np.stack(own)))

    def _rests(self, windows: Windows) -> list[np.ndarray]:
        return [windows.baseline & (windows.subjects == subject) for subject in subjects_of(windows)]

    def _roots(self, mean: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": mean, "whitening": riemann.invsqrtm(mean)}

    def training_rows(self, windows: Windows, fitted: Mapping[str, np.ndarray]) -> np.ndarray | None:
        rows = np.full(windows.rows.shape, np.nan)
        if not self.baseline:
            moved(rows, windows, np.isfinite(windows.rows).all(axis=1), fitted["whitening"])
            return rows
        for subject, rest in zip(subjects_of(windows), self._rests(windows), strict=True):
            own = (windows.subjects == subject) & np.isfinite(windows.rows).all(axis=1)
            moved(rows, windows, own, riemann.invsqrtm(self.mean(matrices_of(windows, rest))))
        return rows

    def calibrate(self, rows: np.ndarray, fitted: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._roots(self.mean(unfold(rows, len(fitted["mean"]))))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        check_covariances(build, type(self).__name__, fitted["whitening"])
        build.add("congruence", matrix=fitted["whitening"])


@dataclass(frozen=True, eq=False, repr=False)
class TangentSpace(_OfCovariances):
    """Covariances as vectors at their mean, for any decoder; their length is the distance from the mean.

    Parameters
    ----------
    metric : {"riemann", "logeuclid"}
        "riemann": the upper triangle of ln(M^-1/2 C M^-1/2) [1]_; "logeuclid": of ln C - ln M [2]_. Off the diagonal
        times the root of 2.

    Notes
    -----
    Eigenvalues below 1e-10 ("logeuclid": 1e-10 uV^2) count as that.

    References
    ----------
    .. [1] Barachant, Bonnet, Congedo, Jutten, Multiclass brain-computer interface classification by Riemannian
       geometry, 2012, doi:10.1109/TBME.2011.2172210.
    .. [2] Arsigny, Fillard, Pennec, Ayache, Geometric means in a novel vector space structure on symmetric
       positive-definite matrices, 2007, doi:10.1137/050637996.

    Examples
    --------
    >>> TangentSpace()
    TangentSpace()
    """

    metric: str = "riemann"

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        mean = self.mean(matrices_of(windows, windows.train))
        if self.metric == "riemann":
            return {"mean": mean, "whitening": riemann.invsqrtm(mean)}
        shift = np.concatenate([riemann.upper(riemann.logm(m)) for m in mean])
        return {
            "mean": mean,
            "whitening": np.broadcast_to(np.eye(mean.shape[-1]), mean.shape).copy(),
            "shift": shift,
        }

    def training_rows(self, windows: Windows, fitted: Mapping[str, np.ndarray]) -> np.ndarray | None:
        rows = np.full(windows.rows.shape, np.nan)
        here = np.isfinite(windows.rows).all(axis=1)
        matrices = matrices_of(windows, here)
        vectors = [logs(matrices[:, r], w) for r, w in enumerate(fitted["whitening"])]
        rows[here] = np.concatenate(vectors, axis=1) - fitted.get("shift", 0.0)
        return rows

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        check_covariances(build, type(self).__name__, fitted["whitening"])
        build.add("tangent", whitening=fitted["whitening"], floor=FLOOR)
        build.becomes(build.features, "tangent", len(fitted["whitening"]))
        if "shift" in fitted:
            build.affine(fitted["shift"], np.ones(len(fitted["shift"])))


@dataclass(frozen=True, eq=False, repr=False)
class MDM(Decoder):
    """Minimum distance to the mean: a window belongs to the class whose mean covariance is nearest [1]_.

    Probabilities are the softmax of minus the squared distances, summed over bands. There is nothing to tune, which is
    its charm; with many channels or windows a linear decoder behind `TangentSpace` usually does better.

    Parameters
    ----------
    metric : {"riemann", "logeuclid"}
        Of the means; distances are affine-invariant.

    References
    ----------
    .. [1] Barachant, Bonnet, Congedo, Jutten, Multiclass brain-computer interface classification by Riemannian
       geometry, 2012, doi:10.1109/TBME.2011.2172210.

    Examples
    --------
    >>> MDM()
    MDM()
    """

    kinds = ("classes",)
    after: ClassVar[tuple[str, ...]] = ("Covariance", "Recenter")
    metric: str = "riemann"

    def __post_init__(self) -> None:
        check_in("metric", self.metric, METRICS)

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        self.check_kind(windows)
        y = windows.targets[windows.train]
        self.check_counts(y, windows.names)
        matrices = matrices_of(windows, windows.train)
        own = np.stack([means(matrices[y == k], self.metric) for k in range(len(windows.names))])
        return self._about(own)

    def adapt(self, known: Labelled, fitted: Mapping[str, np.ndarray], prior: float) -> dict[str, np.ndarray]:
        """Each class's mean, moved along the geodesic towards that of the person's windows as far as they count."""
        y, own = known.targets, fitted["means"].copy()
        class_weights(y, known.names)
        matrices = unfold(known.rows, known.n_rows)
        for k in np.unique(y):
            n = known.weight * np.count_nonzero(y == k)
            there = means(matrices[y == k], self.metric)
            own[k] = [
                riemann.geodesic(a, b, n / (n + prior), metric=self.metric)
                for a, b in zip(own[k], there, strict=True)
            ]
        return self._about(own)

    def _about(self, own: np.ndarray) -> dict[str, np.ndarray]:
        """What is kept of the classes' means."""
        middle = means(own, self.metric)
        whitening = riemann.invsqrtm(middle)
        patterns = [
            np.concatenate([logs(m[None], w)[0] for m, w in zip(one, whitening, strict=True)]) for one in own
        ]
        return {"means": own, "whitening": riemann.invsqrtm(own), "patterns": np.array(patterns)}

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        check_covariances(build, type(self).__name__, fitted["whitening"][0])
        build.add("mdm", whitening=fitted["whitening"], floor=FLOOR)
        build.add("softmax")
        build.output_kind = CLASSES


def check_covariances(build: Build, name: str, learnt: np.ndarray) -> None:
    """Refuses what are no covariances, or those of other channels or bands than there were (n_rows, n, n)."""
    if build.scale != "covariance":
        raise ValueError(f"{name} needs covariances, but other features arrive: put it after Covariance(...)")
    n_rows, n = learnt.shape[:2]
    if n_rows * (n * (n + 1) // 2) != build.width:
        raise ValueError(
            f"{name} was fitted to {n} channels, but {build.width} features arrive: call fit again"
        )


def means(matrices: np.ndarray, metric: str) -> np.ndarray:
    """The mean of each row's matrices, (n_windows, n_rows, n, n) to (n_rows, n, n)."""
    return np.stack([riemann.gmean(matrices[:, r], metric=metric) for r in range(matrices.shape[1])])


def logs(matrices: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """What the op `tangent` makes of matrices (n_matrices, n, n) under one whitening."""
    return tangent_vectors(matrices, whitening, floor=FLOOR)


def moved(rows: np.ndarray, windows: Windows, here: np.ndarray, whitening: np.ndarray) -> None:
    """Puts the congruent matrices of some windows into their rows."""
    matrices = whitening @ matrices_of(windows, here) @ whitening.swapaxes(-1, -2)
    i, j = np.triu_indices(matrices.shape[-1])
    rows[here] = matrices[..., i, j].reshape(len(matrices), -1)


def matrices_of(windows: Windows, which: np.ndarray) -> np.ndarray:
    """Covariances (n_windows, n_rows, n, n) of some windows."""
    return unfold(windows.rows[which], windows.n_rows)


def unfold(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Rows of upper triangles (n_windows, n_rows n (n + 1) / 2) as matrices."""
    triangles = rows.reshape(len(rows), n_rows, -1)
    n = int(np.sqrt(2 * triangles.shape[-1]))
    i, j = np.triu_indices(n)
    out = np.empty((len(rows), n_rows, n, n))
    out[..., i, j] = out[..., j, i] = triangles
    return out
