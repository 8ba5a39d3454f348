"""Linear decoders moved from what many people taught them towards what one person shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fastemo.stages.base import Labelled

__all__ = ["PRIOR_WINDOWS", "class_weights", "near"]

# How many windows' worth a decoder stays as it was.
PRIOR_WINDOWS = 20.0


def near(known: Labelled, coef: np.ndarray, bias: np.ndarray, prior: float) -> tuple[np.ndarray, np.ndarray]:
    """The most probable weights and biases of a linear decoder, given labelled windows and those before.

    Maximum a posteriori: the likelihood of the labels, and a normal distribution about `coef` and `bias` as narrow as
    `prior` windows would make it, in units of the features' deviations over the windows. So features' scales do not
    matter, and few windows move little. Classes count alike, however many windows each has.

    Parameters
    ----------
    known : Labelled
    coef, bias : ndarray, shape (n_outputs, n_features) and (n_outputs,)
    prior : float

    Returns
    -------
    coef, bias : ndarray
        Of the same shapes. Of several labels at once, one that every window has, or none, stays as it was.
    """
    x = known.rows
    mean, sd = x.mean(axis=0), x.std(axis=0)
    sd = np.where(sd > 1e-10 * np.abs(mean), sd, 0.0)
    z = np.divide(x - mean, sd, out=np.zeros_like(x), where=sd > 0)
    z = np.column_stack([z, np.ones(len(z))])
    start = np.column_stack([coef * sd, bias + coef @ mean])
    if known.kind == "intensities":
        change = _least_squares(z, known.targets, known.weight, start, prior)
    elif known.kind == "classes":
        weights = known.weight * class_weights(known.targets, known.names)
        targets = np.eye(len(bias))[known.targets]
        change = _descend(lambda v: _softmax_loss(v, z, targets, weights), start, prior)
    else:
        change = np.zeros_like(start)
        for k, there in enumerate(known.targets.T):
            if 0 < there.sum() < len(there):
                weights = known.weight * class_weights(there, ("without it", "with it"))
                change[k] = _descend(
                    lambda v, y=there, w=weights: _sigmoid_loss(v, z, y, w), start[k : k + 1], prior
                )[0]
    moved = np.divide(change[:, :-1], sd, out=np.zeros_like(coef), where=sd > 0)
    return coef + moved, bias + change[:, -1] - moved @ mean


def class_weights(y: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """A weight for each window, whose sum is theirs and the same for each class that is there; at least two are."""
    counts = np.bincount(y, minlength=len(names))
    there = np.flatnonzero(counts)
    if len(there) < 2:
        raise ValueError(
            f"labelled has windows of {names[there[0]]!r} only, of which nothing tells the others apart: "
            "give segments of at least two classes"
        )
    return len(y) / (len(there) * counts[y])


def _least_squares(
    z: np.ndarray, y: np.ndarray, weight: float, start: np.ndarray, prior: float
) -> np.ndarray:
    residual = y - z @ start.T
    normal = weight * z.T @ z + prior * np.eye(z.shape[1])
    return np.linalg.solve(normal, weight * z.T @ residual).T


def _descend(loss: Callable, start: np.ndarray, prior: float) -> np.ndarray:
    """The change of `start` that makes the loss and its own size, together, smallest: a convex problem."""
    from scipy.optimize import minimize

    # A window bends the logarithm of a probability near 1/2 by a quarter of the feature's square.
    stiffness = prior / 4

    def penalised(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat.reshape(start.shape)
        value, slope = loss(start + change)
        return value + stiffness / 2 * float(np.sum(change**2)), (slope + stiffness * change).ravel()

    options = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-8}
    found = minimize(penalised, np.zeros(start.size), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(start.shape)


def _softmax_loss(
    v: np.ndarray, z: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    scores = z @ v.T
    scores -= scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(scores).sum(axis=1))
    value = float(weights @ (log_sum - (targets * scores).sum(axis=1)))
    return value, (weights[:, None] * (np.exp(scores - log_sum[:, None]) - targets)).T @ z


def _sigmoid_loss(
    v: np.ndarray, z: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    score = z @ v[0]
    value = float(weights @ (np.logaddexp(0.0, score) - y * score))
    p = 0.5 * (1 + np.tanh(score / 2))
    return value, ((weights * (p - y)) @ z)[None]
