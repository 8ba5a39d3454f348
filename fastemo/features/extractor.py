"""mne-features' transformer for pipelines of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from fastemo.features.extraction import extract_features, labelled_features

__all__ = ["FeatureExtractor"]


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """Features of epochs as a step of scikit-learn: `extract_features` with its arguments, and names.

    Parameters
    ----------
    sfreq : float
        In Hz.
    selected_funcs : sequence of str or (str, callable)
        As `extract_features` takes them.
    params : dict, optional
        Parameters as "name__parameter", such as {"higuchi_fd__kmax": 5}. `set_params` takes them directly, so that
        a search can vary them: {"featureextractor__higuchi_fd__kmax": [5, 10]}.
    ch_names : sequence of str, optional
        "ch0", "ch1", ... by default.
    separator : str
        In the names of features.
    n_jobs : int
        Threads; -1 is as many as the machine has cores. Results do not depend on it.

    Attributes
    ----------
    n_channels_ : int
    n_samples_ : int
        Of the epochs that `fit` saw; `transform` takes no others.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(5, 2, 512))
    >>> extractor = FeatureExtractor(256, ["std", "quantile"], {"quantile__q": [0.1, 0.9]}, ["Fz", "Cz"])
    >>> extractor.fit_transform(X).shape
    (5, 6)
    >>> extractor.get_feature_names_out()[[0, 2, 3]].tolist()
    ['Fz_std', 'Fz_0_quantile', 'Fz_1_quantile']
    """

    def __init__(
        self,
        sfreq: float = 256.0,
        selected_funcs: Sequence[str | tuple[str, Callable[[np.ndarray], Any]]] | None = None,
        params: Mapping[str, Any] | None = None,
        ch_names: Sequence[str] | None = None,
        separator: str = "_",
        n_jobs: int = 1,
    ) -> None:
        self.sfreq = sfreq
        self.selected_funcs = selected_funcs
        self.params = params
        self.ch_names = ch_names
        self.separator = separator
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> FeatureExtractor:
        """Note the shape of the epochs (n_epochs, n_channels, n_samples) and check all parameters on the first."""
        shape = np.shape(X)
        if len(shape) != 3 or shape[0] == 0:
            raise ValueError(f"X must have shape (n_epochs, n_channels, n_times) with an epoch, got {shape}")
        _, names = labelled_features(
            X[:1], self.sfreq, self.selected_funcs, self.params, self.ch_names, self.separator, 1
        )
        self._names = np.array([f"{column}{self.separator}{name}" for name, column in names], dtype=object)
        self.n_channels_, self.n_samples_ = shape[1:]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Features (n_epochs, n_features) of epochs like those that were fitted."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if np.shape(X)[1:] != (self.n_channels_, self.n_samples_):
            raise ValueError(
                f"X must have epochs of {self.n_channels_} channels x {self.n_samples_} samples as in fit, got shape "
                f"{np.shape(X)}"
            )
        return extract_features(X, self.sfreq, self.selected_funcs or (), self.params, self.n_jobs)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Channel, value and feature, joined by the separator."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._names

    def set_params(self, **params: Any) -> FeatureExtractor:
        """Change parameters; "name__parameter" of a feature changes `params`."""
        of_features = {key: params.pop(key) for key in list(params) if "__" in key}
        super().set_params(**params)
        if of_features:
            self.params = dict(self.params or {}) | of_features
        return self
