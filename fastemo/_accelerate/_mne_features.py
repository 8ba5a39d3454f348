"""What of mne-features has a faster twin in `fastemo.features`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from fastemo._accelerate._replacement import Replacement, same_parameters
from fastemo.features import extract_features
from fastemo.features.extraction import BIVARIATE, MNE_FEATURES

__all__ = ["replacements"]

# NumPy does these of one array as fast; the others from so many samples on not.
_LEFT = {"mean", "variance", "std", "ptp_amp", "rms", "line_length"}
_SMALL = {
    "higuchi_fd": 32000, "katz_fd": 16000, "zero_crossings": 16000, "hjorth_mobility": 4000, "quantile": 4000,
    "wavelet_coef_energy": 1000,
}  # fmt: skip


def replacements() -> list[Replacement]:
    made = [Replacement("mne_features.feature_extraction.extract_features", _extract)]
    for kind, names in (("univariate", MNE_FEATURES), ("bivariate", BIVARIATE)):
        module = import_module(f"mne_features.{kind}")
        for name in names:
            theirs = getattr(module, f"compute_{name}", None)
            if theirs is not None and name not in _LEFT:
                replacement = Replacement(f"mne_features.{kind}.compute_{name}", _of_one_epoch(name, theirs))
                replacement.dispatcher = _with_parameters(replacement.dispatcher)
                made.append(replacement)
    return made if same_parameters(made[0].original, _extract) else made[1:]


def _extract(
    X: Any,
    sfreq: float,
    selected_funcs: Any,
    funcs_params: Any = None,
    n_jobs: int = 1,
    ch_names: Any = None,
    return_as_df: bool = False,
    separator: str = "_",
) -> Any:
    if not _fits(X, 3) or return_as_df or not all(isinstance(f, str) for f in selected_funcs):
        return NotImplemented
    found = extract_features(X, sfreq, selected_funcs, funcs_params, n_jobs)
    return found if np.isfinite(found).all() else NotImplemented


def _of_one_epoch(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    parameters = signature(theirs)

    def ours(*args: Any, **kwargs: Any) -> Any:
        given = parameters.bind(*args, **kwargs).arguments
        data, sfreq = given.pop("data"), given.pop("sfreq", 1.0)
        if not _fits(data, 2) or data.size < _SMALL.get(name, 0):
            return NotImplemented
        options = {f"{name}__{key}": value for key, value in given.items()}
        found = extract_features(data[None], sfreq, [name], options or None)[0]
        return found if np.isfinite(found).all() else NotImplemented

    return ours


def _with_parameters(dispatcher: Callable[..., Any]) -> Callable[..., Any]:
    """mne-features reads the parameters of a function and their defaults off its code, not its signature."""
    parameters = signature(dispatcher).parameters
    names, scope = ", ".join(parameters), {"dispatcher": dispatcher}
    exec(f"def function({names}):\n    return dispatcher({names})", scope)
    function: Any = scope["function"]
    function.__defaults__ = tuple(p.default for p in parameters.values() if p.default is not p.empty) or None
    return wraps(dispatcher)(function)


def _fits(x: Any, ndim: int) -> bool:
    return type(x) is np.ndarray and x.dtype == np.float64 and x.ndim == ndim and x.size > 0
