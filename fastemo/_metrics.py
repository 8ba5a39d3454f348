"""Scores of predictions against the truth, and how far a mean over groups can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["DEFINITIONS", "confusion_matrix", "mean_interval", "scores"]

# A probability of exactly 0 for what happened would make the logarithm infinite.
SMALLEST = 1e-15
CALIBRATION_BINS = 15
CONFIDENCE = 0.95

#: What each score is, by name.
DEFINITIONS = {
    "accuracy": "share of right answers",
    "balanced accuracy": "mean over the classes that occur of the share found",
    "macro F1": "mean over labels of 2 tp / (2 tp + fp + fn)",
    "micro F1": "2 tp / (2 tp + fp + fn) over all labels together",
    "kappa": "Cohen's kappa: agreement beyond that of the same answers in random order",
    "log loss": "mean of -ln p of the true class (natural logarithm)",
    "Brier": "mean of the sum over classes of (p - truth)^2, from 0 to 2",
    "ECE": "expected calibration error: |confidence - accuracy| over 15 bins of equally many windows",
    "AP - prevalence": "mean over labels of average precision less the label's share: 0 is chance",
    "Hamming": "share of labels that are wrong",
    "exact": "share of windows in which every label is right",
    "r": "Pearson correlation",
    "CCC": "concordance correlation: 2 cov / (var + var + (difference of means)^2)",
    "RMSE": "root of the mean squared error",
}


def scores(kind: str, truth: np.ndarray, outputs: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """All scores that fit a kind of label.

    Parameters
    ----------
    kind : {"classes", "multilabel", "intensities"}
    truth : ndarray, shape (n,) of int, or (n, n_labels)
        As `LabelSpace.encode` gives it.
    outputs : ndarray, shape (n, n_labels)
        Probabilities or intensities.
    names : sequence of str
        Of the labels.

    Returns
    -------
    dict of str to float
        NaN where a score is not defined, such as the correlation with a constant, or kappa of one class.

    Examples
    --------
    >>> found = scores("classes", np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), "ab")
    >>> {name: round(value, 2) for name, value in found.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'accuracy': 0.67, 'balanced accuracy': 0.75, 'macro F1': 0.67, 'kappa': 0.4,
     'log loss': 0.41, 'Brier': 0.27, 'ECE': 0.3}
    """
    if kind == "classes":
        return _of_classes(truth, outputs)
    if kind == "multilabel":
        return _of_labels(truth, outputs)
    return _of_intensities(truth, outputs, names)


def confusion_matrix(truth: np.ndarray, answers: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts of int64, shape (n_classes, n_classes): rows are the truth, columns the answers."""
    counts = np.bincount(truth * n_classes + answers, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def mean_interval(
    values: np.ndarray, interval: str = "t", rng: np.random.Generator | None = None
) -> tuple[float, float, float]:
    """Mean of one value per group and its 95 % confidence interval.

    Parameters
    ----------
    values : ndarray, shape (n_groups,)
        NaN are left out.
    interval : {"t", "bootstrap"}
        Student's t with n - 1 degrees of freedom, or the percentiles of 10 000 means of resampled groups.
    rng : numpy.random.Generator, optional
        For the bootstrap.

    Returns
    -------
    mean, low, high : float
        NaN for an interval from fewer than two values, and for the mean of none.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval(np.array([0.5, 0.6, 0.7]))]
    [0.6, 0.352, 0.848]
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    if len(values) == 1:
        return mean, np.nan, np.nan
    if interval == "bootstrap":
        rng = rng or np.random.default_rng(0)
        means = rng.choice(values, (10_000, len(values))).mean(axis=1)
        low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return mean, float(low), float(high)
    from scipy.stats import t

    reach = t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return mean, mean - float(reach), mean + float(reach)


def _of_classes(truth: np.ndarray, p: np.ndarray) -> dict[str, float]:
    answers = p.argmax(axis=1)
    counts = confusion_matrix(truth, answers, p.shape[1])
    right, n = np.diag(counts), len(truth)
    occurs, answered = counts.sum(axis=1), counts.sum(axis=0)
    expected = float(occurs @ answered) / n**2
    accuracy = right.sum() / n
    # Where the truth is one class only, these would say how often it was answered, and no more.
    several = np.count_nonzero(occurs) > 1
    own = np.maximum(p[np.arange(n), truth], SMALLEST)
    return {
        "accuracy": float(accuracy),
        "balanced accuracy": float((right[occurs > 0] / occurs[occurs > 0]).mean()) if several else np.nan,
        "macro F1": _macro_f1(right, answered - right, occurs - right) if several else np.nan,
        "kappa": float((accuracy - expected) / (1 - expected)) if several else np.nan,
        "log loss": float(-np.log(own).mean()),
        "Brier": float(((p - np.eye(p.shape[1])[truth]) ** 2).sum(axis=1).mean()),
        "ECE": _calibration_error(p.max(axis=1), answers == truth),
    }


def _of_labels(truth: np.ndarray, p: np.ndarray) -> dict[str, float]:
    answers = p > 0.5
    present = truth.astype(bool)
    tp = (answers & present).sum(axis=0)
    fp, fn = (answers & ~present).sum(axis=0), (~answers & present).sum(axis=0)
    wrong = 2 * tp.sum() + fp.sum() + fn.sum()
    gains = [_average_precision(t, s) - t.mean() for t, s in zip(present.T, p.T, strict=True) if t.any()]
    return {
        "AP - prevalence": float(np.mean(gains)) if gains else np.nan,
        "micro F1": float(2 * tp.sum() / wrong) if wrong else np.nan,
        "macro F1": _macro_f1(tp, fp, fn),
        "Hamming": float((answers != present).mean()),
        "exact": float((answers == present).all(axis=1).mean()),
    }


def _of_intensities(truth: np.ndarray, got: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    columns = {
        name: _of_intensity(y, z) for name, y, z in zip(names, truth.T, got.T, strict=True)
    }  # fmt: skip
    found = {key: float(np.mean([each[key] for each in columns.values()])) for key in ("r", "CCC", "RMSE")}
    if len(columns) > 1:
        found |= {f"{key} {name}": value for name, each in columns.items() for key, value in each.items()}
    return found


def _of_intensity(y: np.ndarray, z: np.ndarray) -> dict[str, float]:
    var_y, var_z, cov = y.var(), z.var(), ((y - y.mean()) * (z - z.mean())).mean()
    apart = (y.mean() - z.mean()) ** 2
    varies = var_y > 0 and var_z > 0
    return {
        "r": float(cov / np.sqrt(var_y * var_z)) if varies else np.nan,
        "CCC": float(2 * cov / (var_y + var_z + apart)) if varies else np.nan,
        "RMSE": float(np.sqrt(((y - z) ** 2).mean())),
    }


def _macro_f1(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> float:
    """Over the labels that occur or are answered; NaN where none is."""
    total = 2 * tp + fp + fn
    return float((2 * tp[total > 0] / total[total > 0]).mean()) if total.any() else np.nan


def _calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    order = np.argsort(confidence, kind="stable")
    bins = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    return float(sum(abs(confidence[b].sum() - right[b].sum()) for b in bins) / len(order))


def _average_precision(present: np.ndarray, score: np.ndarray) -> float:
    """sum_n (R_n - R_{n-1}) P_n over the distinct scores, from the highest."""
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.append(np.diff(score[order]) != 0, True)
    found = np.cumsum(present[order])[last_of_ties]
    precision = found / (np.flatnonzero(last_of_ties) + 1)
    return float((np.diff(found, prepend=0) * precision).sum() / found[-1])
