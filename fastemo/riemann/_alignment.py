"""Bringing people or sessions to a common place: whitening each by its own mean, of matrices or of signals."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastemo._validate import check_in
from fastemo.riemann._covariance import covariances
from fastemo.riemann._matrices import as_stack, congruence, invsqrtm
from fastemo.riemann._means import MEANS, gmean

__all__ = ["align", "recenter"]


def recenter(
    X: Any, groups: Any = None, *, metric: str = "riemann", reference: Any = None, threads: int = 1
) -> np.ndarray:
    """Covariances moved so that the mean of each group is the identity: M^-1/2 X M^-1/2 (Zanini 2018 [1]_).

    Parameters
    ----------
    X : array_like, shape (n_matrices, n, n)
    groups : sequence, shape (n_matrices,), optional
        Person or session of each matrix; one group if not given.
    metric : str
        Of the mean, as in `gmean`.
    reference : array_like, shape (n, n), optional
        The mean to move by, such as that of a rest, in place of the groups' own.
    threads : int

    Returns
    -------
    ndarray, shape (n_matrices, n, n)

    Notes
    -----
    The mean of a group uses all its matrices: where they are test data the result is transductive (labels are not
    seen, the future is). For what must run live give the `reference` of a rest recorded before.

    References
    ----------
    .. [1] Zanini, Congedo, Jutten, Said, Berthoumieu, Transfer learning: a Riemannian geometry framework with
       applications to brain-computer interfaces, 2018, doi:10.1109/TBME.2017.2742541.

    Examples
    --------
    >>> recenter([2 * np.eye(2), 8 * np.eye(2)]).round(9)[:, 0, 0]
    array([0.5, 2. ])
    """
    check_in("metric", metric, MEANS)
    x = as_stack("X", X)
    if x.ndim != 3 or len(x) == 0:
        raise ValueError(f"X must have shape (n_matrices, n, n), got {x.shape}")
    if reference is not None:
        if groups is not None:
            raise ValueError("groups have no meaning with a reference: leave one of them out")
        return congruence(x, invsqrtm(_one("reference", reference, x)), threads)
    out = np.empty_like(x)
    for own in _members(groups, len(x)):
        out[own] = congruence(x[own], invsqrtm(gmean(x[own], metric=metric)), threads)
    return out


def align(
    X: Any, groups: Any = None, *, metric: str = "euclid", reference: Any = None, threads: int = 1
) -> np.ndarray:
    """Signals whitened by the mean covariance of their group: R^-1/2 X (He and Wu 2020 [1]_ with "euclid").

    Parameters
    ----------
    X : array_like of real numbers, shape (n_trials, n_channels, n_times)
        Filtered and about zero: no means are taken off.
    groups : sequence, shape (n_trials,), optional
        Person or session of each trial; one group if not given.
    metric : str
        Of the mean, as in `gmean`.
    reference : array_like, shape (n_channels, n_channels), optional
        The mean to whiten by, such as that of a rest, in place of the groups' own.
    threads : int

    Returns
    -------
    ndarray of float64, shape (n_trials, n_channels, n_times)
        Whose mean covariance in each group is the identity.

    References
    ----------
    .. [1] He, Wu, Transfer learning for brain-computer interfaces: a Euclidean space data alignment approach, 2020,
       doi:10.1109/TBME.2019.2913914.

    Examples
    --------
    >>> x = 3 * np.random.default_rng(0).standard_normal((5, 2, 1000))
    >>> y = align(x)
    >>> (y @ y.swapaxes(1, 2) / 1000).mean(axis=0).round(9) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    check_in("metric", metric, MEANS)
    x = np.asarray(X)
    if x.ndim != 3 or len(x) == 0:
        raise ValueError(f"X must have shape (n_trials, n_channels, n_times), got {x.shape}")
    if reference is not None:
        if groups is not None:
            raise ValueError("groups have no meaning with a reference: leave one of them out")
        return invsqrtm(_one("reference", reference, x)) @ x
    c = covariances(x, "scm", assume_centered=True, threads=threads)
    out = np.empty(x.shape)
    for own in _members(groups, len(x)):
        out[own] = invsqrtm(gmean(c[own], metric=metric)) @ x[own]
    return out


def _one(name: str, matrix: Any, x: np.ndarray) -> np.ndarray:
    m = as_stack(name, matrix)
    if m.shape != (x.shape[1], x.shape[1]):
        raise ValueError(f"{name} must have shape {(x.shape[1], x.shape[1])}, got {m.shape}")
    return m


def _members(groups: Any, n: int) -> list[np.ndarray]:
    """Which rows belong to each group."""
    if groups is None:
        return [np.ones(n, bool)]
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ValueError(f"groups must name the group of each of {n}, got shape {names.shape}")
    return [names == name for name in dict.fromkeys(names.tolist())]
