"""What of pyRiemann has a faster twin in `fastemo.riemann`: real matrices of full rank."""

from __future__ import annotations

from collections.abc import Callable, Container
from importlib import import_module
from typing import Any

import numpy as np

from fastemo import riemann
from fastemo._accelerate._replacement import Replacement, same_parameters
from fastemo.riemann._tangent import tangent_vectors

__all__ = ["replacements"]

_DISTANCES: dict[Any, Callable[..., Any]] = {
    "riemann": riemann.distance_riemann,
    "logeuclid": riemann.distance_logeuclid,
    "wasserstein": riemann.distance_wasserstein,
}
_MAPS = ("riemann", "logeuclid", "wasserstein")
_EXP_MAPS = ("riemann", "logeuclid")  # theirs is a product of matrices for the other
_SMALL = 256  # values of matrices: Wasserstein's geodesic of fewer is theirs


def replacements() -> list[Replacement]:
    """Those of the installed version, from 0.12 on, whose parameters are those that ours were written for."""
    ours: dict[str, dict[str, Any]] = {
        "covariance": {"covariances": covariances},
        "mean": {"gmean": gmean, "mean_riemann": mean_riemann, "mean_logeuclid": mean_logeuclid},
        "distance": {
            "distance": distance, "pairwise_distance": pairwise_distance,
            **{f"distance_{name}": _between(f) for name, f in _DISTANCES.items()},
        },
        "geodesic": {
            "geodesic": geodesic,
            **{f"geodesic_{name}": _on_geodesic(getattr(riemann, f"geodesic_{name}")) for name in _MAPS},
        },
        "tangentspace": {
            **{name: _at_reference(getattr(riemann, name)) for name in ("tangent_space", "log_map")},
            "exp_map": _at_reference(riemann.exp_map, _EXP_MAPS),
            "untangent_space": untangent_space,
        },
        "base": {
            **{name: _of_matrices(getattr(riemann, name)) for name in ("sqrtm", "invsqrtm", "logm", "expm")},
            "powm": powm,
        },
    }  # fmt: skip
    made = []
    for module, functions in ours.items():
        try:
            theirs = import_module(f"pyriemann.geometry.{module}")
        except ModuleNotFoundError:
            continue
        for name, function in functions.items():
            if hasattr(theirs, name):
                made.append(Replacement(f"pyriemann.geometry.{module}.{name}", function, within="pyriemann"))
    return [r for r in made if r.name in _LOOSE or same_parameters(r.original, r.ours)]


# Theirs take what they hand on as *args and **kwargs, or by keyword only.
_LOOSE = (
    "covariances", "gmean", "mean_riemann", "mean_logeuclid", "tangent_space", "untangent_space", "log_map", "exp_map",
)  # fmt: skip


def covariances(X: Any, estimator: Any = "cov", **kwds: Any) -> Any:
    if not _is_plain(X, 2) or estimator not in ("cov", "scm", "corr", "lwf", "oas", "sch"):
        return NotImplemented
    if not set(kwds) <= {"assume_centered"} or (kwds and estimator not in ("scm", "lwf", "oas")):
        return NotImplemented
    found = riemann.covariances(X, estimator, **kwds)
    # Where a channel is constant theirs may warn.
    return found if np.einsum("...ii->...i", found).all() else NotImplemented


def gmean(X: Any, *args: Any, metric: Any = "riemann", sample_weight: Any = None, **kwargs: Any) -> Any:
    if args or metric not in ("riemann", "logeuclid"):
        return NotImplemented
    return (mean_riemann if metric == "riemann" else mean_logeuclid)(X, sample_weight=sample_weight, **kwargs)


def mean_riemann(
    X: Any, *, tol: Any = 10e-9, maxiter: Any = 50, init: Any = None, sample_weight: Any = None
) -> Any:
    """pyRiemann's descent, step by step, so that it ends where theirs ends."""
    weights = _weights(X, sample_weight)
    if weights is None or (init is not None and not (_is_plain(init, 2) and init.shape == X.shape[1:])):
        return NotImplemented
    mean = np.tensordot(weights, X, axes=(0, 0)) if init is None else init
    step, longest = 1.0, np.inf
    for _ in range(maxiter):
        root, inverse = riemann.sqrtm(mean), riemann.invsqrtm(mean)
        tangent = riemann.unupper(weights @ tangent_vectors(X, inverse))
        mean = root @ riemann.expm(step * tangent) @ root
        mean = (mean + mean.T) / 2
        length = np.linalg.norm(tangent)
        if step * length < longest:
            step, longest = 0.95 * step, step * length
        else:
            step *= 0.5
        if length <= tol or step <= tol:
            return mean
    return NotImplemented  # theirs warns


def mean_logeuclid(X: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
    weights = _weights(X, sample_weight)
    return NotImplemented if weights is None else riemann.mean_logeuclid(X, weights)


def distance(A: Any, B: Any, metric: Any = "riemann", squared: Any = False) -> Any:
    if metric not in _DISTANCES or not _is_plain(A, 2) or not _is_plain(B, 2):
        return NotImplemented
    if A.shape == B.shape:
        return _DISTANCES[metric](A, B, squared)
    if A.ndim == 3 and B.ndim == 2:
        return _DISTANCES[metric](A, B, squared)[..., None]
    return NotImplemented


def pairwise_distance(X: Any, Y: Any = None, metric: Any = "riemann", squared: Any = False) -> Any:
    if metric not in ("riemann", "logeuclid") or not _is_plain(X, 3) or X.ndim != 3:
        return NotImplemented
    if Y is not None and not (_is_plain(Y, 3) and Y.ndim == 3):
        return NotImplemented
    return riemann.pairwise_distance(X, Y, metric, squared)


def _between(function: Callable[..., Any]) -> Callable[..., Any]:
    def ours(A: Any, B: Any, squared: Any = False) -> Any:
        plain = _is_plain(A, 2) and _is_plain(B, 2) and (B.ndim == 2 or A.shape == B.shape)
        return function(A, B, squared) if plain else NotImplemented

    return ours


def _at_reference(function: Callable[..., Any], metrics: Container[str] = _MAPS) -> Callable[..., Any]:
    def ours(X: Any, Cref: Any, *, metric: Any = "riemann", **kwargs: Any) -> Any:
        plain = _is_plain(X, 2) and _is_plain(Cref, 2) and Cref.ndim == 2
        return (
            function(X, Cref, metric=metric) if plain and not kwargs and metric in metrics else NotImplemented
        )

    return ours


def untangent_space(T: Any, Cref: Any, *, metric: Any = "riemann") -> Any:
    plain = _is_plain(T, 1) and _is_plain(Cref, 2) and Cref.ndim == 2
    return (
        riemann.untangent_space(T, Cref, metric=metric) if plain and metric in _EXP_MAPS else NotImplemented
    )


def powm(C: Any, alpha: Any) -> Any:
    return riemann.powm(C, alpha) if _is_plain(C, 2) and _is_number(alpha) else NotImplemented


def geodesic(A: Any, B: Any, alpha: Any, metric: Any = "riemann") -> Any:
    if metric not in _MAPS:
        return NotImplemented
    return _on_geodesic(getattr(riemann, f"geodesic_{metric}"))(A, B, alpha)


def _on_geodesic(function: Callable[..., Any]) -> Callable[..., Any]:
    def ours(A: Any, B: Any, alpha: Any = 0.5) -> Any:
        plain = _is_plain(A, 2) and _is_plain(B, 2) and A.shape == B.shape and _is_number(alpha)
        plain = plain and (A.size >= _SMALL or function is not riemann.geodesic_wasserstein)
        return function(A, B, alpha) if plain else NotImplemented

    return ours


def _of_matrices(function: Callable[..., Any]) -> Callable[..., Any]:
    def ours(C: Any) -> Any:
        return function(C) if _is_plain(C, 2) else NotImplemented

    return ours


def _weights(X: Any, sample_weight: Any) -> np.ndarray | None:
    """Weights that sum to 1, where both fit."""
    if not _is_plain(X, 3) or X.ndim != 3 or X.shape[1] != X.shape[2]:
        return None
    if sample_weight is None:
        return np.full(len(X), 1 / len(X))
    if type(sample_weight) is not np.ndarray or sample_weight.shape != (len(X),):
        return None
    return sample_weight / sample_weight.sum() if (sample_weight > 0).all() else None


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool)


def _is_plain(x: Any, ndim: int) -> bool:
    return type(x) is np.ndarray and x.dtype == np.float64 and x.ndim >= ndim and x.size > 0
