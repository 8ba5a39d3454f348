"""Which signals go together, by frequency: arrays in, a `ConnectivityResult` out."""

from fastemo.connectivity import graph
from fastemo.connectivity.autoregressive import (
    DIRECTED,
    Autoregression,
    directed_connectivity,
    fit_autoregression,
    granger,
    transfer_entropy,
)
from fastemo.connectivity.covariation import (
    correlation,
    mutual_information,
    partial_correlation,
    shrunk_covariance,
    surrogate_threshold,
    surrogates,
)
from fastemo.connectivity.delays import phase_lag_time
from fastemo.connectivity.envelopes import envelope_correlation
from fastemo.connectivity.information import TransferEntropy, knn_transfer_entropy
from fastemo.connectivity.multivariate import GROUPED, group_connectivity
from fastemo.connectivity.result import ConnectivityResult
from fastemo.connectivity.spectral_measures import METHODS, connectivity
from fastemo.connectivity.symbolic import wsmi
from fastemo.connectivity.wavelets import wavelet_connectivity

__all__ = [
    "DIRECTED",
    "GROUPED",
    "METHODS",
    "Autoregression",
    "ConnectivityResult",
    "TransferEntropy",
    "connectivity",
    "correlation",
    "directed_connectivity",
    "envelope_correlation",
    "fit_autoregression",
    "granger",
    "graph",
    "group_connectivity",
    "knn_transfer_entropy",
    "mutual_information",
    "partial_correlation",
    "phase_lag_time",
    "shrunk_covariance",
    "surrogate_threshold",
    "surrogates",
    "transfer_entropy",
    "wavelet_connectivity",
    "wsmi",
]
