"""The haemodynamic response: what a moment of activity looks like in the BOLD signal, seconds later."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from fastemo._validate import check_positive

__all__ = ["convolve_hrf", "hrf"]

# Shapes of the response and its undershoot, and the latter's size.
PEAK, UNDERSHOOT, RATIO = 6.0, 16.0, 1 / 6


def hrf(step: float, duration: float = 32.0) -> np.ndarray:
    """The double-gamma response, h(t) = t^5 e^-t / 5! - (1/6) t^15 e^-t / 15!, scaled to sum to 1.

    Peak at about 5 s, undershoot at about 15 s; the shape of SPM's and nilearn's canonical response (Friston et al.
    1998, doi:10.1006/nimg.1997.0306).

    Parameters
    ----------
    step : float
        Seconds from sample to sample; the sampling at 0, step, 2 step, ... must be finer than the response: at most
        5 s.
    duration : float
        Seconds.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> h = hrf(0.5)
    >>> float(h.argmax() * 0.5), float(h.sum().round(12))
    (5.0, 1.0)
    """
    step = check_positive("step", step, unit="seconds")
    duration = check_positive("duration", duration, unit="seconds")
    if step > 5 or duration < 2 * step:
        raise ValueError(
            f"step must be at most 5 s and half of duration, got step={step:g}, duration={duration:g}"
        )
    t = np.arange(0, duration, step)
    with np.errstate(divide="ignore"):
        log_t = np.log(t)
    shapes = [np.exp((a - 1) * log_t - t - gammaln(a)) for a in (PEAK, UNDERSHOOT)]
    h = shapes[0] - RATIO * shapes[1]
    return h / h.sum()


def convolve_hrf(x: Any, sfreq: float) -> np.ndarray:
    """Activity as the BOLD signal would show it: causal convolution with `hrf` along the last axis.

    For EEG-fMRI and for regressors of a task: convolve at the fine rate, then take every so many samples.

    Parameters
    ----------
    x : array_like, shape (..., n_samples)
    sfreq : float
        In Hz.

    Returns
    -------
    ndarray of float64, shape (..., n_samples)

    Examples
    --------
    >>> rest_task = np.repeat([0.0, 1.0, 0.0], 40)
    >>> float(convolve_hrf(rest_task, sfreq=2.0).max().round(2))
    1.14
    """
    x = np.asarray(x, np.float64)
    h = hrf(1 / check_positive("sfreq", sfreq, unit="Hz"))
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must hold samples along its last axis, got shape {x.shape}")
    out = np.zeros_like(x)
    for lag, weight in enumerate(h[: x.shape[-1]]):
        out[..., lag:] += weight * x[..., : x.shape[-1] - lag]
    return out
