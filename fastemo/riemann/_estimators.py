"""Covariances in scikit-learn's pipelines: pyRiemann's estimators by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.validation import check_is_fitted

from fastemo._validate import check_in
from fastemo.riemann._alignment import recenter
from fastemo.riemann._covariance import covariances
from fastemo.riemann._distances import DISTANCES, distances_to
from fastemo.riemann._matrices import as_stack, check_weights, invsqrtm, logm, spectral_map
from fastemo.riemann._means import MEANS, gmean
from fastemo.riemann._tangent import MAPS, tangent_space, tangent_vectors, untangent_space

__all__ = ["FGDA", "MDM", "Covariances", "FgMDM", "TangentSpace", "Whitening"]


class Covariances(TransformerMixin, BaseEstimator):
    """Windows to covariance matrices.

    Parameters
    ----------
    estimator : str
        As in `covariances`.
    shrinkage : float
        Of "shrunk".
    threads : int

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((4, 3, 100))
    >>> Covariances("oas").fit_transform(x).shape
    (4, 3, 3)
    """

    def __init__(self, estimator: str = "scm", shrinkage: float = 0.1, threads: int = 1) -> None:
        self.estimator = estimator
        self.shrinkage = shrinkage
        self.threads = threads

    def fit(self, X: Any, y: Any = None) -> Covariances:
        """Nothing is learnt."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> np.ndarray:
        """Covariances (n_windows, n_channels, n_channels) of windows (n_windows, n_channels, n_times)."""
        return covariances(X, self.estimator, shrinkage=self.shrinkage, threads=self.threads)


class TangentSpace(TransformerMixin, BaseEstimator):
    """Matrices to tangent vectors at their mean.

    Parameters
    ----------
    metric : str or dict
        Of the mean and of the map; {"mean": ..., "map": ...} for two of them.
    threads : int

    Attributes
    ----------
    reference_ : ndarray, shape (n, n)

    Examples
    --------
    >>> c = Covariances().transform(np.random.default_rng(0).standard_normal((10, 3, 100)))
    >>> t = TangentSpace().fit(c)
    >>> bool(np.allclose(t.inverse_transform(t.transform(c)), c))
    True
    """

    def __init__(self, metric: str | Mapping[str, str] = "riemann", threads: int = 1) -> None:
        self.metric = metric
        self.threads = threads

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> TangentSpace:
        """Learn the mean of matrices (n_matrices, n, n)."""
        mean, _ = _metrics(self.metric, map=MAPS)
        self.reference_ = gmean(X, metric=mean, sample_weight=sample_weight)
        self._whitening: tuple[np.ndarray, np.ndarray] | None = None
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Tangent vectors (n_matrices, n (n + 1) / 2)."""
        check_is_fitted(self)
        _, by = _metrics(self.metric, map=MAPS)
        x = as_stack("X", X)
        if by != "riemann" or x.shape[1:] != self.reference_.shape:
            return tangent_space(x, self.reference_, metric=by, threads=self.threads)
        # The root of the reference is kept: for one matrix it would be half of the work.
        kept = getattr(self, "_whitening", None)  # the reference may have been set by hand
        if kept is None or kept[0] is not self.reference_:
            kept = self._whitening = (self.reference_, invsqrtm(self.reference_))
        return tangent_vectors(x, kept[1], self.threads)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Matrices of tangent vectors."""
        check_is_fitted(self)
        _, by = _metrics(self.metric, map=MAPS)
        return untangent_space(X, self.reference_, metric=by, threads=self.threads)


class MDM(ClassifierMixin, TransformerMixin, BaseEstimator):
    """Minimum distance to the mean: each class is its mean, a matrix belongs to the nearest (Barachant 2012 [1]_).

    Parameters
    ----------
    metric : str or dict
        Of the means and of the distances; {"mean": ..., "distance": ...} for two of them.
    threads : int

    Attributes
    ----------
    classes_ : ndarray
    covmeans_ : ndarray, shape (n_classes, n, n)

    References
    ----------
    .. [1] Barachant, Bonnet, Congedo, Jutten, Multiclass brain-computer interface classification by Riemannian
       geometry, 2012, doi:10.1109/TBME.2011.2172210.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((20, 2, 200)) * np.array([[1.0, 1.0], [1.0, 3.0]])[np.arange(20) % 2, :, None]
    >>> c = Covariances().transform(x)
    >>> float(MDM().fit(c, np.arange(20) % 2).score(c, np.arange(20) % 2))
    1.0
    """

    def __init__(self, metric: str | Mapping[str, str] = "riemann", threads: int = 1) -> None:
        self.metric = metric
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MDM:
        """Learn the mean of each class."""
        mean, _ = _metrics(self.metric, distance=DISTANCES)
        x, y = _labelled(X, y)
        weights = check_weights(sample_weight, len(x))
        if mean != "euclid":
            logm(x, threads=self.threads)  # refuses by its number in X, not in its class
        self.classes_ = np.unique(y)
        self.covmeans_ = np.stack(
            [gmean(x[y == k], metric=mean, sample_weight=weights[y == k]) for k in self.classes_]
        )
        self._whitening: tuple[np.ndarray, np.ndarray] | None = None
        return self

    def _squared(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        _, by = _metrics(self.metric, distance=DISTANCES)
        x = as_stack("X", X)
        if x.ndim != 3 or x.shape[1:] != self.covmeans_.shape[1:]:
            raise ValueError(f"X must have shape (n_matrices, *{self.covmeans_.shape[1:]}), got {x.shape}")
        if by != "riemann" or x.dtype.kind == "c" or self.covmeans_.dtype.kind == "c":
            return distances_to(x, self.covmeans_, by, self.threads)
        # The roots of the means are kept: for one matrix they would be half of the work.
        kept = getattr(self, "_whitening", None)  # the means may have been set by hand
        if kept is None or kept[0] is not self.covmeans_:
            kept = self._whitening = (self.covmeans_, invsqrtm(self.covmeans_))
        return spectral_map("distances", x, kept[1], threads=self.threads)

    def transform(self, X: Any) -> np.ndarray:
        """Distances to the class means (n_matrices, n_classes)."""
        return np.sqrt(self._squared(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class of the nearest mean."""
        return self.classes_[self._squared(X).argmin(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Softmax of minus the squared distances."""
        d2 = self._squared(X)
        e = np.exp(d2.min(axis=1, keepdims=True) - d2)
        return e / e.sum(axis=1, keepdims=True)


class FGDA(TransformerMixin, BaseEstimator):
    """Geodesic filtering: matrices projected in tangent space onto what separates the classes, and back.

    Parameters
    ----------
    metric : str or dict
        As in `TangentSpace`.
    threads : int

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((20, 3, 100))
    >>> c = Covariances().transform(x)
    >>> FGDA().fit(c, np.arange(20) % 2).transform(c).shape
    (20, 3, 3)
    """

    def __init__(self, metric: str | Mapping[str, str] = "riemann", threads: int = 1) -> None:
        self.metric = metric
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> FGDA:
        """Learn the mean and the directions that separate the classes."""
        x, y = _labelled(X, y)
        self.tangent_ = TangentSpace(self.metric, self.threads).fit(x, sample_weight=sample_weight)
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        w = lda.fit(self.tangent_.transform(x), y).coef_
        self.projection_ = w.T @ np.linalg.pinv(w @ w.T) @ w
        self.classes_ = lda.classes_
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Filtered matrices, of the shape of X."""
        check_is_fitted(self)
        return self.tangent_.inverse_transform(self.tangent_.transform(X) @ self.projection_)


class FgMDM(ClassifierMixin, TransformerMixin, BaseEstimator):
    """`MDM` after `FGDA` (Barachant 2010, doi:10.1007/978-3-642-15995-4_78).

    Parameters
    ----------
    metric : str or dict
        {"mean": ..., "distance": ..., "map": ...} for several.
    threads : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((20, 2, 200)) * np.array([[1.0, 1.0], [1.0, 3.0]])[np.arange(20) % 2, :, None]
    >>> c = Covariances().transform(x)
    >>> float(FgMDM().fit(c, np.arange(20) % 2).score(c, np.arange(20) % 2))
    1.0
    """

    def __init__(self, metric: str | Mapping[str, str] = "riemann", threads: int = 1) -> None:
        self.metric = metric
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> FgMDM:
        """Learn the filter and the class means behind it."""
        self.fgda_ = FGDA(self.metric, self.threads).fit(X, y, sample_weight)
        self.mdm_ = MDM(self.metric, self.threads).fit(self.fgda_.transform(X), y, sample_weight)
        self.classes_ = self.mdm_.classes_
        return self

    def _filtered(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.fgda_.transform(X)

    def transform(self, X: Any) -> np.ndarray:
        """Distances to the class means (n_matrices, n_classes)."""
        filtered = self._filtered(X)
        return self.mdm_.transform(filtered)

    def predict(self, X: Any) -> np.ndarray:
        """The class of the nearest mean."""
        filtered = self._filtered(X)
        return self.mdm_.predict(filtered)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Softmax of minus the squared distances."""
        filtered = self._filtered(X)
        return self.mdm_.predict_proba(filtered)


class Whitening(TransformerMixin, BaseEstimator):
    """Matrices re-centred by the mean of those it was fitted to: M^-1/2 C M^-1/2.

    Parameters
    ----------
    metric : str
        Of the mean, as in `gmean`.
    threads : int

    Attributes
    ----------
    reference_ : ndarray, shape (n, n)

    Examples
    --------
    >>> c = np.stack([2 * np.eye(2), 8 * np.eye(2)])
    >>> Whitening("riemann").fit(c).transform(c).round(9)[:, 0, 0]
    array([0.5, 2. ])
    """

    def __init__(self, metric: str = "euclid", threads: int = 1) -> None:
        self.metric = metric
        self.threads = threads

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Whitening:
        """Learn the mean."""
        self.reference_ = gmean(X, metric=self.metric, sample_weight=sample_weight)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Re-centred matrices."""
        check_is_fitted(self)
        return recenter(X, reference=self.reference_, threads=self.threads)


def _metrics(metric: Any, **other: Mapping[str, Any]) -> tuple[str, str]:
    """The metric of the mean and the other one, from one name or a dict."""
    ((key, allowed),) = other.items()
    if isinstance(metric, Mapping):
        missing = [name for name in ("mean", key) if name not in metric]
        if missing:
            raise ValueError(f"metric must have the keys 'mean' and {key!r}, got {sorted(metric)}")
        chosen = metric["mean"], metric[key]
    else:
        chosen = metric, metric
    return check_in("metric", chosen[0], MEANS), check_in("metric", chosen[1], allowed)


def _labelled(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = as_stack("X", X), np.asarray(y)
    if x.ndim != 3 or y.shape != (len(x),):
        raise ValueError(
            f"X must have shape (n_matrices, n, n) and y one label each, got {x.shape} and {y.shape}"
        )
    if len(np.unique(y)) < 2:
        raise ValueError(f"y must hold at least two classes, got {np.unique(y).tolist()}")
    return x, y
