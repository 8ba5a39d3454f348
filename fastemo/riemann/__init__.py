"""Covariance matrices as points of a curved space: pyRiemann's names, compiled and many at a time.

Matrices are real symmetric or complex Hermitian, in arrays of shape (..., n, n); results are float64 or complex128.
What is compiled is compiled for real matrices; Hermitian ones go through NumPy.
"""

from importlib import import_module as _import_module

from fastemo.riemann._alignment import align, recenter
from fastemo.riemann._covariance import covariances, covariances_EP, cross_spectrum, hermitian_product
from fastemo.riemann._distances import (
    distance,
    distance_euclid,
    distance_harmonic,
    distance_kullback,
    distance_kullback_right,
    distance_kullback_sym,
    distance_logchol,
    distance_logdet,
    distance_logeuclid,
    distance_riemann,
    distance_wasserstein,
    pairwise_distance,
)
from fastemo.riemann._matrices import expm, invsqrtm, logm, powm, sqrtm
from fastemo.riemann._means import (
    geodesic,
    geodesic_euclid,
    geodesic_logeuclid,
    geodesic_riemann,
    geodesic_wasserstein,
    gmean,
    mean_euclid,
    mean_harmonic,
    mean_kullback_sym,
    mean_logchol,
    mean_logeuclid,
    mean_riemann,
    mean_wasserstein,
)
from fastemo.riemann._robust import covariance_mest
from fastemo.riemann._tangent import exp_map, log_map, tangent_space, untangent_space, unupper, upper

_ESTIMATORS = ("Covariances", "TangentSpace", "MDM", "FGDA", "FgMDM", "Whitening")

__all__ = [
    "covariances", "covariances_EP", "covariance_mest", "cross_spectrum", "hermitian_product",
    "sqrtm", "invsqrtm", "logm", "expm", "powm",
    "distance", "distance_euclid", "distance_harmonic", "distance_kullback", "distance_kullback_right",
    "distance_kullback_sym", "distance_logchol", "distance_logdet", "distance_logeuclid", "distance_riemann",
    "distance_wasserstein", "pairwise_distance",
    "gmean", "mean_euclid", "mean_harmonic", "mean_kullback_sym", "mean_logchol", "mean_logeuclid", "mean_riemann",
    "mean_wasserstein",
    "geodesic", "geodesic_euclid", "geodesic_logeuclid", "geodesic_riemann", "geodesic_wasserstein",
    "tangent_space", "untangent_space", "log_map", "exp_map", "upper", "unupper",
    "recenter", "align",
    *_ESTIMATORS,
]  # fmt: skip


def __getattr__(name: str):
    if name in _ESTIMATORS:  # they need scikit-learn, which takes a second to import
        return getattr(_import_module("fastemo.riemann._estimators"), name)
    raise AttributeError(f"module 'fastemo.riemann' has no attribute {name!r}")
