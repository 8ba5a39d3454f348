"""Sample and approximate entropy, permutation entropy, entropy of singular values."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastemo.reference.features.statistics import std

__all__ = ["app_entropy", "perm_entropy", "sample_entropy", "svd_entropy", "svd_fisher_info"]


def embed(x, order, delay=1):
    """Delayed samples of one signal, (n_templates, order)."""
    return sliding_window_view(x, (order - 1) * delay + 1)[:, ::delay]


def _alike(templates, r, inclusive):
    """Which pairs of templates differ by less than r, or by r at most, in every sample."""
    distance = np.abs(templates[:, None] - templates[None]).max(axis=2)
    return distance <= r if inclusive else distance < r


def _tolerance(x, tolerance, ddof):
    return 0.2 * std(x[None], ddof)[0] if tolerance < 0 else tolerance


def sample_entropy(x, order, tolerance, ddof, inclusive):
    return [_sample_entropy(s, int(order), _tolerance(s, tolerance, ddof), inclusive) for s in x]


def _sample_entropy(x, order, r, inclusive):
    pairs = []
    for templates in (embed(x, order)[:-1], embed(x, order + 1)):
        alike = _alike(templates, r, inclusive)
        pairs.append(np.count_nonzero(np.triu(alike, 1)))
    return -np.log(pairs[1] / pairs[0]) + 0.0 if all(pairs) else np.nan


def app_entropy(x, order, tolerance, ddof):
    return [_app_entropy(s, int(order), _tolerance(s, tolerance, ddof)) for s in x]


def _app_entropy(x, order, r):
    phi = [np.log(_alike(embed(x, m), r, True).mean(axis=1)).mean() for m in (order, order + 1)]
    return phi[0] - phi[1]


def shannon(p):
    """-sum p log2 p, of the rows of p."""
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=-1)


def perm_entropy(x, order, delay, normalize):
    order = int(order)
    entropies = []
    for signal in x:
        patterns = embed(signal, order, int(delay)).argsort(axis=1, kind="stable")
        _, counts = np.unique(patterns @ order ** np.arange(order), return_counts=True)
        entropies.append(shannon(counts / counts.sum()))
    if normalize:
        return np.minimum(np.array(entropies) / math.log2(math.factorial(order)), 1)
    return np.array(entropies) + 0.0


def _singular_shares(x, order, delay):
    values = np.array([np.linalg.svd(embed(s, int(order), int(delay)), compute_uv=False) for s in x])
    missing = np.zeros((len(x), int(order) - values.shape[1]))  # of an embedding with fewer rows than columns
    return np.concatenate([values, missing], axis=1) / values.sum(axis=1, keepdims=True)


def svd_entropy(x, order, delay, normalize):
    shares = _singular_shares(x, order, delay)
    entropy = shannon(shares) / (math.log2(order) if normalize else 1)
    return np.where(np.isnan(shares[:, 0]), np.nan, entropy)


def svd_fisher_info(x, order, delay):
    shares = _singular_shares(x, order, delay)
    before = shares[:, :-1]
    terms = np.where(before != 0, np.diff(shares) ** 2 / np.where(before != 0, before, 1), 0)
    return terms.sum(axis=1)
