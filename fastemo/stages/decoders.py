"""Decoders: from features to probabilities of classes or labels, or to intensities. All are linear at run
time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastemo._validate import check_positive
from fastemo.patterns import forward_patterns
from fastemo.stages._heads import near
from fastemo.stages.base import Labelled, Trainable, Windows

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["LDA", "Decoder", "Logistic", "Ridge"]

KIND_NAMES = {
    "classes": "one class per window",
    "multilabel": "several labels at once",
    "intensities": "intensities",
}


class Decoder(Trainable):
    """A linear map of the features, learnt by scikit-learn; softmax or sigmoids make probabilities of it.

    Subclasses say which `kinds` of labels they learn, and give the `weights`.
    """

    takes = "vector"
    gives = "output"
    kinds: ClassVar[tuple[str, ...]] = ("classes", "multilabel")

    def weights(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n_outputs, n_features) and bias (n_outputs,).

        For two classes there may be one output: the second class against the first.
        """
        raise NotImplementedError

    def check_kind(self, windows: Windows) -> None:
        """Refuses labels that this decoder does not learn."""
        if windows.kind not in self.kinds:
            able = "Ridge" if windows.kind == "intensities" else "LDA or Logistic"
            raise ValueError(
                f"{type(self).__name__} cannot learn labels that are {KIND_NAMES[windows.kind]}: use {able}"
            )

    def check_counts(self, y: np.ndarray, names: Sequence[str]) -> None:
        """Refuses classes that hardly occur."""
        counts = np.bincount(y, minlength=len(names))
        few = [repr(name) for name, n in zip(names, counts, strict=True) if n < 2]
        if few:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 valid windows of each class, got fewer of "
                f"{', '.join(few)}: use longer recordings or a shorter hop, or leave the class out"
            )

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        self.check_kind(windows)
        x, y = windows.rows[windows.train], windows.targets[windows.train]
        if windows.kind == "intensities":
            coef, bias = self.weights(x, y)
        elif windows.kind == "multilabel":
            coef, bias = self._one_against_rest(x, y, windows.names)
        else:
            coef, bias = self._classes(x, y, windows.names)
        return {
            "coef": coef,
            "bias": bias,
            "patterns": forward_patterns(x, coef, centre=windows.kind == "classes"),
        }

    def adapt(self, known: Labelled, fitted: Mapping[str, np.ndarray], prior: float) -> dict[str, np.ndarray]:
        """The arrays for a person some of whose windows have labels; `prior` windows' worth stays as learnt."""
        coef, bias = near(known, fitted["coef"], fitted["bias"], prior)
        patterns = forward_patterns(known.rows, coef, centre=known.kind == "classes")
        return {"coef": coef, "bias": bias, "patterns": patterns}

    def _classes(self, x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        self.check_counts(y, names)
        coef, bias = self.weights(x, y)
        if len(coef) == 1:
            # One score s for two classes: softmax(-s/2, s/2) is the logistic function of s.
            coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
        return coef, bias

    def _one_against_rest(
        self, x: np.ndarray, y: np.ndarray, names: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        coef, bias = np.empty((len(names), x.shape[1])), np.empty(len(names))
        for k, name in enumerate(names):
            with_it = int(y[:, k].sum())
            if min(with_it, len(y) - with_it) < 2:
                raise ValueError(
                    f"{type(self).__name__} needs at least 2 valid windows with the label {name!r} and 2 "
                    f"without it, got {with_it} and {len(y) - with_it}: leave the label out or add recordings"
                )
            w, b = self.weights(x, y[:, k].astype(int))
            coef[k], bias[k] = w[-1], b[-1]
        return coef, bias

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.decode(fitted["coef"], fitted["bias"])


@dataclass(frozen=True, eq=False, repr=False)
class LDA(Decoder):
    """Linear discriminant analysis; for several labels at once, each against its absence.

    Parameters
    ----------
    shrinkage : "auto", float in [0, 1] or None
        How far the covariance is pulled towards a multiple of the identity: by Ledoit and Wolf's formula
        [1]_, by this much, or not at all (then it must have full rank).
    priors : sequence of float, optional
        Probability of each class, in the order of `classes_`; by default their share of the training windows.

    References
    ----------
    .. [1] Ledoit, Wolf, Honey, I shrunk the sample covariance matrix, 2004, doi:10.3905/jpm.2004.110.

    Examples
    --------
    >>> LDA(), LDA(shrinkage=0.1)
    (LDA(), LDA(shrinkage=0.1))
    """

    shrinkage: Any = "auto"
    priors: Sequence[float] | None = None

    def __post_init__(self) -> None:
        s = self.shrinkage
        if not (s is None or s == "auto" or (isinstance(s, (int, float)) and 0 <= s <= 1)):
            raise ValueError(f'shrinkage must be "auto", a number in [0, 1] or None, got {s!r}')
        if self.priors is not None:
            priors = [check_positive("priors", p, zero=True) for p in self.priors]
            if abs(sum(priors) - 1) > 1e-6:
                raise ValueError(f"priors must sum to 1, got {priors} with sum {sum(priors):g}")
            object.__setattr__(self, "priors", tuple(priors))

    def fit(self, windows: Windows) -> dict[str, np.ndarray]:
        if self.priors is not None and windows.kind != "classes":
            raise ValueError("priors have no meaning for several labels at once: leave them out")
        if self.priors is not None and len(self.priors) != len(windows.names):
            raise ValueError(f"priors must be one per class ({len(windows.names)}), got {len(self.priors)}")
        return super().fit(windows)

    def weights(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        if not self.shrinkage:
            self._check_rank(x, y)
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=self.shrinkage, priors=self.priors)
        lda.fit(x, y)
        return lda.coef_, lda.intercept_

    def _check_rank(self, x: np.ndarray, y: np.ndarray) -> None:
        within = np.concatenate([x[y == k] - x[y == k].mean(axis=0) for k in np.unique(y)])
        scale = within.std(axis=0)
        within = within / np.where(scale > 0, scale, 1.0)
        rank = int(np.linalg.matrix_rank(within.T @ within, hermitian=True))
        if rank < x.shape[1]:
            raise ValueError(
                f"LDA with shrinkage={self.shrinkage!r} needs a covariance of full rank, but {x.shape[1]} "
                f"features in {len(x)} windows have rank {rank}: "
                'use shrinkage="auto", fewer features or more windows'
            )


@dataclass(frozen=True, eq=False, repr=False)
class Logistic(Decoder):
    """Multinomial logistic regression; for several labels at once, each against its absence.

    Parameters
    ----------
    C : float
        Inverse strength of the L2 penalty, as in scikit-learn: smaller is simpler.

    Examples
    --------
    >>> Logistic(C=0.1)
    Logistic(C=0.1)
    """

    C: float = 1.0

    def __post_init__(self) -> None:
        check_positive("C", self.C)

    def weights(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=self.C, max_iter=1000).fit(x, y)
        return model.coef_, model.intercept_


@dataclass(frozen=True, eq=False, repr=False)
class Ridge(Decoder):
    """Ridge regression of intensities, one or several at once.

    Parameters
    ----------
    alpha : float
        Strength of the L2 penalty, as in scikit-learn.

    Examples
    --------
    >>> Ridge(alpha=10)
    Ridge(alpha=10)
    """

    kinds = ("intensities",)
    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_positive("alpha", self.alpha, zero=True)

    def weights(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.linear_model import Ridge as RidgeRegression

        model = RidgeRegression(alpha=self.alpha).fit(x, y)
        return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
