"""How much later one signal has what another had: the slope of their cross-spectrum's phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_in, check_positive
from fastemo.connectivity._arguments import (
    check_counts,
    check_flat,
    check_threads,
    epochs_of,
    names_of,
    pairs_of,
    refuse_nan,
)
from fastemo.connectivity._design import bins_of_bands, tapers_of
from fastemo.connectivity.result import ConnectivityResult

__all__ = ["phase_lag_time"]

GRID = 16  # delays tried per reciprocal of a band's width


def phase_lag_time(
    x: Any,
    sfreq: float,
    bands: Any = None,
    *,
    fmin: Any = None,
    fmax: Any = None,
    mode: str = "multitaper",
    mt_bandwidth: float | None = None,
    max_lag: float | None = None,
    indices: Any = None,
    ch_names: Sequence[str] | None = None,
    threads: int = 1,
) -> ConnectivityResult:
    """Delay between channels in seconds, from the slope of the phase of their cross-spectrum over a band.

    A delay turns the phase of S = X conj(Y) by 2 pi f delay, positive where Y has later what X had: **positive: the seed
    leads the target**. A phase shift that is the same at all frequencies is no delay and is fitted apart from it. So the
    band has to be wide: the error is about 0.4 sqrt(1 - C^2) / (C B sqrt(N)) seconds, C the coherence, B the width of the
    band in Hz and N the number of observations in all its bins.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        Observations are epochs and tapers.
    sfreq : float
        In Hz.
    bands, fmin, fmax, mode, mt_bandwidth, indices, ch_names
        As for `connectivity`.
    max_lag : float, optional
        Largest delay that is tried, in seconds; by default a quarter of an epoch. A window has to be some times as long as
        the delay.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ConnectivityResult
        "lag_time" and its standard error "lag_error", both in seconds, and "phase", the phase at the middle of the band in
        radians (mean of the bins by their weight), positive where the seed leads by less than half a cycle. The error is
        infinite and delay and phase are NaN where there is no more coherence than unrelated signals have in 99 of 100 cases.

    Raises
    ------
    ValueError, TypeError
        A band with fewer than three bins; fewer than two observations; a channel that is flat or not finite; channel
        numbers out of range.

    Notes
    -----
    The delay maximises abs(sum_f w(f) exp(i (phase(f) - 2 pi f delay))), the maximum likelihood of a straight line for
    phases that are known modulo a cycle, with w = C^2 / (1 - C^2), C the coherence less its bias. The phase of a bin
    has the variance 1 / (2 N w) [1]_, that of the slope follows with the correlation that the tapers make between bins.

    References
    ----------
    .. [1] Carter 1987, doi:10.1109/PROC.1987.13723; Piersol 1981, doi:10.1109/TASSP.1981.1163555.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> source = rng.standard_normal((40, 510))
    >>> x = np.stack([source[:, 10:], source[:, 6:-4]], axis=1) + rng.standard_normal((40, 2, 500))
    >>> result = phase_lag_time(x, 250, {"beta": (13, 30)}, indices=([0], [1]))
    >>> result["lag_time"].round(2), bool(result["lag_error"] < 0.001)  # four samples of 4 ms
    (array([[0.02]]), True)
    """
    x = epochs_of(x)
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    check_in("mode", mode, ("multitaper", "fourier"))
    if mode != "multitaper" and mt_bandwidth is not None:
        raise ValueError(f"mt_bandwidth={mt_bandwidth!r} has no meaning for mode={mode!r}: leave it out")
    names = names_of(ch_names, x.shape[1])
    seeds, targets = pairs_of(indices, names)
    n_epochs, _, n = x.shape
    longest = n / (4 * sfreq) if max_lag is None else check_positive("max_lag", max_lag, unit="seconds")
    if longest > n / (2 * sfreq):
        raise ValueError(
            f"max_lag is {longest:g} s, expected at most half of the {n / sfreq:g} s of an epoch: bins are too far apart to "
            "tell longer ones, pass longer epochs"
        )
    band_names, edges = bins_of_bands(bands, fmin, fmax, n, sfreq)
    for name, (first, stop) in zip(band_names, edges[:, :2].tolist()):
        if stop - first < 3:
            raise ValueError(
                f"a slope needs three bins in the band {name!r}, but {n / sfreq:g} s have {stop - first} there: use at least "
                f"{3 * n / sfreq / (stop - first):g} s or a wider band"
            )
    tapers = tapers_of(mode, n, sfreq, mt_bandwidth)
    overlaps = np.sum((tapers @ tapers.T) ** 2)
    per_bin = n_epochs * np.sum(tapers**2) ** 2 / overlaps
    methods = ("lag_time", "lag_error", "phase")
    instead = 'mode="multitaper"' if mode == "fourier" else "a larger mt_bandwidth"
    counts = dict.fromkeys(methods[:1], n_epochs * len(tapers))
    check_counts(counts, dict.fromkeys(methods[:1], per_bin), "epochs", mode, instead)
    check_flat(x, names)
    first, stop = int(edges[:, 0].min()), int(edges[:, 1].max())
    spectra = resolve("tapered_spectra")(x, tapers, first, stop, check_threads(threads))
    if not np.isfinite(spectra[0]).all():
        refuse_nan(x, names)
    z = (spectra[:, :, :, 0] + 1j * spectra[:, :, :, 1])[..., : x.shape[1]]
    z = z.reshape(len(spectra), -1, x.shape[1])
    csd = np.swapaxes(z, 1, 2) @ z.conj()
    power = np.real(np.einsum("fcc->fc", csd))
    with np.errstate(divide="ignore", invalid="ignore"):
        coherency = csd[:, seeds, targets] / np.sqrt(power[:, seeds] * power[:, targets])
    coherency = np.nan_to_num(coherency)
    # How alike the errors of two bins are, by the distance between them.
    envelope = tapers[:, None] * tapers[None]
    alike = np.sum(np.abs(np.fft.rfft(envelope)) ** 2, axis=(0, 1)) / overlaps
    columns: dict[str, list[np.ndarray]] = {m: [] for m in methods}
    for a, b in edges[:, :2]:
        freqs = np.arange(a, b) * (sfreq / n)
        found = _lags(coherency[a - first : b - first].T, freqs, per_bin, alike, longest)
        for m, values in zip(methods, found):
            columns[m].append(values)
    limits = np.stack([edges[:, 0], edges[:, 1] - 1], axis=1) * (sfreq / n)
    worth = [per_bin * (b - a) / _spread(alike, b - a) for a, b in edges[:, :2]]
    return ConnectivityResult(
        {m: np.stack(v, axis=1) for m, v in columns.items()},
        seeds,
        targets,
        names,
        limits.mean(axis=1),
        limits,
        band_names,
        dict.fromkeys(methods, float(min(worth))),
    )


def _spread(alike: np.ndarray, n: int) -> float:
    """How many bins are worth one independent bin, among n of them."""
    k = np.arange(1, min(n, len(alike)))
    return float(1 + 2 * np.sum((1 - k / n) * alike[k]))


def _lags(
    coherency: np.ndarray, freqs: np.ndarray, n: float, alike: np.ndarray, longest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delays, their errors and phases of pairs (n_pairs, n_bins) with n observations in each bin."""
    size = np.abs(coherency) ** 2
    size = np.clip((n * size - 1) / (n - 1), 0, 1 - 1e-12) if n > 1 else np.zeros_like(size)
    weights = size / (1 - size)
    phasors = np.exp(1j * np.angle(coherency))
    centred = freqs - freqs.mean()
    steps = int(np.ceil(longest * GRID * (freqs[-1] - freqs[0]))) + 1
    grid = np.linspace(-longest, longest, 2 * steps + 1)
    turns = np.exp(-2j * np.pi * np.multiply.outer(centred, grid))
    lag = grid[np.abs((weights * phasors) @ turns).argmax(axis=1)]
    step = grid[1] - grid[0]

    def height(at: np.ndarray) -> np.ndarray:
        return np.abs(
            np.sum(weights * phasors * np.exp(-2j * np.pi * np.multiply.outer(at, centred)), axis=1)
        )

    best = height(lag)
    while step > 1e-9 * longest:
        below, above = height(lag - step), height(lag + step)
        bend = below - 2 * best + above
        move = np.where(bend < 0, 0.5 * step * (below - above) / np.where(bend < 0, bend, 1), 0)
        tried = np.clip(lag + np.clip(move, -step, step), -longest, longest)
        found = height(tried)
        better = found > best
        lag, best = np.where(better, tried, lag), np.where(better, found, best)
        step /= 4
    total = weights.sum(axis=1)
    known = np.sum(weights > 0, axis=1) > 2
    safe = np.where(known, total, 1.0)[:, None]
    from_middle = centred - np.sum(weights * centred, axis=1, keepdims=True) / safe
    bent = np.sum(weights * from_middle**2, axis=1)
    known &= bent > 0
    # The slope is a sum of phases times these; a phase has the variance 1 / (2 n w).
    share = weights * from_middle / np.where(known, bent, 1.0)[:, None] / (2 * np.pi)
    scaled = share / np.sqrt(np.where(weights > 0, 2 * n * weights, 1.0))
    distance = np.abs(np.subtract.outer(np.arange(len(freqs)), np.arange(len(freqs))))
    distance = np.minimum(distance, len(alike) - 1)
    error = np.sqrt(np.maximum(np.einsum("pf,fg,pg->p", scaled, alike[distance], scaled), 0))
    turned = np.sum(weights * phasors * np.exp(-2j * np.pi * np.multiply.outer(lag, centred)), axis=1)
    middle = np.angle(turned)
    # By chance the coherencies of n observations, turned back by the best of so many delays, come to this once in a hundred.
    n_delays = max(2 * longest * (freqs[-1] - freqs[0]), 1.0)
    chance = -np.log(-np.expm1(np.log(0.99) / n_delays)) * alike[distance].sum() / n
    reached = np.abs(np.sum(coherency * np.exp(-2j * np.pi * np.multiply.outer(lag, centred)), axis=1)) ** 2
    known &= reached > chance
    nan = np.where(known, 0.0, np.nan)
    return lag + nan, np.where(known, error, np.inf), middle + nan
