"""Artifact subspace reconstruction: what is far larger than at rest is put together again from the rest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastemo._backend import resolve
from fastemo._design import check_sos, first_sample_state
from fastemo._validate import check_array_2d, check_finite, check_positive, n_samples_of
from fastemo.artefacts._amplitudes import clean_amplitudes, clean_samples, window_rms

__all__ = ["ASR", "AsrState", "calibrate_asr", "shaping_filter"]

# How much each frequency counts: eyes and muscles more than the rhythms of the brain.
GAINS = {0.0: 3.0, 2.0: 0.75, 3.0: 0.33, 13.0: 0.33, 16.0: 1.0, 40.0: 1.0, 80.0: 3.0}
ORDER = 8
LEAST_SECONDS = 10.0


class AsrState(NamedTuple):
    """What a calibration has learnt.

    Attributes
    ----------
    covariance : ndarray, shape (n_channels, n_channels)
        U, of the shaped clean signal; the mixing matrix of the literature is its square root.
    thresholds : ndarray, shape (n_channels, n_channels)
        T: rows are the principal directions of U times the largest amplitude that counts as brain.
    clean : ndarray of bool, shape (n_samples,)
        Samples that were clean enough to learn from.
    """

    covariance: np.ndarray
    thresholds: np.ndarray
    clean: np.ndarray

    def tensors(self) -> dict[str, np.ndarray]:
        """Q = T'T, with a little on its diagonal for directions in which there is no signal, and W = U^-1."""
        limit = self.thresholds.T @ self.thresholds
        limit += 1e-10 * np.trace(limit) / len(limit) * np.eye(len(limit))
        inverse = np.linalg.pinv(self.covariance, rcond=1e-10, hermitian=True)
        return {"limit": (limit + limit.T) / 2, "inverse": (inverse + inverse.T) / 2}


def shaping_filter(sfreq: float) -> np.ndarray:
    """The filter that weighs frequencies before their power is judged, as second-order sections.

    A recursive filter of order 8 with gains 3, 0.75, 0.33, 0.33, 1, 1, 3 at 0, 2, 3, 13, 16, 40 and 80 Hz (Mullen et
    al. 2015), by the modified Yule-Walker method: the denominator from the autocorrelation that belongs to the gains,
    the numerator by least squares to the minimum-phase impulse response (Friedlander & Porat 1984,
    doi:10.1109/TAES.1984.310437).

    Parameters
    ----------
    sfreq : float
        At least 100 Hz.

    Returns
    -------
    ndarray, shape (4, 6)

    Examples
    --------
    >>> shaping_filter(250.0).shape
    (4, 6)
    """
    if check_positive("sfreq", sfreq, unit="Hz") < 100:
        raise ValueError(f"sfreq must be at least 100 Hz for the shaping filter of ASR, got {sfreq:g}")
    return _yule_walker(float(sfreq)).copy()


@lru_cache(maxsize=32)
def _yule_walker(sfreq: float) -> np.ndarray:
    from scipy.linalg import toeplitz
    from scipy.signal import lfilter, tf2sos

    nyquist = sfreq / 2
    edges = [min(f, nyquist - 1) for f in GAINS] + [nyquist]
    n = 2048
    gain = np.interp(np.linspace(0, nyquist, n // 2 + 1), edges, [*GAINS.values(), 3.0])
    lags = 4 * ORDER
    correlation = np.fft.irfft(gain**2)[: lags + 1] * np.hamming(2 * lags + 1)[lags:]
    rows = np.arange(ORDER + 1, lags + 1)
    system = correlation[rows[:, None] - np.arange(1, ORDER + 1)]
    a = np.r_[1.0, np.linalg.lstsq(system, -correlation[rows], rcond=None)[0]]
    poles = np.roots(a)
    outside = np.abs(poles) > 1
    poles[outside] = 1 / poles[outside].conj()
    a = np.poly(poles).real
    cepstrum = np.fft.irfft(np.log(gain))
    cepstrum[1 : n // 2] *= 2
    cepstrum[n // 2 + 1 :] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[: n // 2]
    impulse = lfilter([1.0], a, np.r_[1.0, np.zeros(len(response) - 1)])
    b = np.linalg.lstsq(toeplitz(impulse, np.zeros(ORDER + 1)), response, rcond=None)[0]
    return tf2sos(b, a)


def calibrate_asr(
    x: Any,
    sfreq: float,
    cutoff: float = 20.0,
    *,
    window: float = 0.5,
    max_bad_channels: float = 0.2,
    shaping: Any = None,
) -> AsrState:
    """What ASR has to know of a person: covariance and amplitudes of their clean signal.

    1. Windows in which more than `max_bad_channels` of the channels have an amplitude beyond -3.5 or 5 standard
    deviations of clean ones are left out. 2. The rest is shaped (`shaping_filter`). 3. U is the geometric median of
    the covariances of its tenths of a second. 4. Along each eigenvector of U, mean mu and deviation s of the amplitude
    (rms of windows) of clean signal are found by fitting a generalised Gaussian to its lower part. 5. T has the
    eigenvectors times mu + cutoff s for rows. (Mullen et al. 2015, doi:10.1109/TBME.2015.2481482.)

    Parameters
    ----------
    x : array_like, shape (n_channels, n_samples)
        High-passed (0.5 to 1 Hz), fairly clean; a minute is usual, ten seconds the least.
    sfreq : float
        Sampling frequency in Hz.
    cutoff : float
        20 to 30 is mild, 5 to 10 severe.
    window : float
        Seconds.
    max_bad_channels : float
        Share of channels that may be bad in a window that is kept.
    shaping : array_like, shape (n_sections, 6), optional
        Another filter than `shaping_filter(sfreq)`.

    Returns
    -------
    AsrState

    Raises
    ------
    ValueError
        Less than ten seconds, before or after the choice of windows; samples that are not finite; a flat recording.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(0, 10, (4, 5000))
    >>> calibrate_asr(x, sfreq=250).thresholds.shape
    (4, 4)
    """
    x = check_finite("x", check_array_2d("x", x).astype(np.float64, copy=False))
    return calibrate_on([x], sfreq, cutoff, window, max_bad_channels, shaping)


def calibrate_on(
    signals: Sequence[np.ndarray],
    sfreq: float,
    cutoff: float,
    window: float,
    max_bad_channels: float = 0.2,
    shaping: Any = None,
) -> AsrState:
    """`calibrate_asr` of several recordings together."""
    from fastemo.signal import sosfilt

    check_positive("sfreq", sfreq, unit="Hz")
    check_positive("cutoff", cutoff)
    if not 0 <= check_positive("max_bad_channels", max_bad_channels, zero=True) < 1:
        raise ValueError(f"max_bad_channels must be a share below 1, got {max_bad_channels!r}")
    n = n_samples_of("window", window, sfreq)
    sos = shaping_filter(float(sfreq)) if shaping is None else check_sos(shaping)
    least = max(LEAST_SECONDS * sfreq, 20 * n)
    _check_long(sum(x.shape[1] for x in signals), least, sfreq, "lasts")
    signals = [x for x in signals if x.shape[1] > n]
    clean = clean_samples(signals, n, max_bad_channels)
    parts = [x[:, keep] for x, keep in zip(signals, clean, strict=True)]
    parts = [x for x in parts if x.shape[1] > n]
    _check_long(sum(x.shape[1] for x in parts), least, sfreq, "has a clean part of")
    zi = first_sample_state(sos)[:, None]
    parts = [sosfilt(sos, x, zi=zi * x[:, :1])[0] for x in parts]
    n_block = max(1, round(0.1 * sfreq))
    covariance = _geometric_median(np.concatenate([_block_covariances(x, n_block) for x in parts]))
    values, directions = np.linalg.eigh(covariance)
    if not values[-1] > 0:
        raise ValueError("x must not be flat, got a signal without any power")
    rms = np.concatenate([window_rms(directions.T @ x, n) for x in parts], axis=1)
    mu, sd = np.array([clean_amplitudes(row) for row in rms]).T
    return AsrState(covariance, (mu + cutoff * sd)[:, None] * directions.T, np.concatenate(clean))


def _check_long(n: int, least: float, sfreq: float, what: str) -> None:
    if n < least:
        raise ValueError(
            f"the signal to calibrate on {what} {n / sfreq:.3g} s, expected at least {least / sfreq:g} s: give a longer recording "
            "at rest, a minute is usual"
        )


def _block_covariances(x: np.ndarray, n: int) -> np.ndarray:
    blocks = x[:, : x.shape[1] // n * n].reshape(len(x), -1, n).swapaxes(0, 1)
    return blocks @ blocks.swapaxes(1, 2) / n


def _geometric_median(matrices: np.ndarray) -> np.ndarray:
    """The matrix with the least sum of (Frobenius) distances to all (Weiszfeld's iteration)."""
    flat = matrices.reshape(len(matrices), -1)
    median = flat.mean(axis=0)
    for _ in range(500):
        distance = np.linalg.norm(flat - median, axis=1)
        weight = 1 / np.maximum(distance, max(1e-12 * distance.max(), 1e-300))
        before, median = median, weight @ flat / weight.sum()
        if np.linalg.norm(median - before) <= 1e-9 * np.linalg.norm(median):
            break
    return median.reshape(matrices.shape[1:])


class ASR:
    """Artifact subspace reconstruction: calibrate once, then clean chunk by chunk.

    Every `hop` the covariance S of the last `window` of the shaped signal is compared with the calibration: a
    direction v of its eigenvectors is too large where v'Sv >= |T v|^2. Directions that are too large are taken out and
    put in again as the calibration's covariance predicts them from all others: R = I - V (V'WV)^-1 V'W, W = U^-1,
    which is the M (diag(keep) V'M)^+ V' of the literature. The signal itself, not the shaped one, goes through R; from
    one R to the next along half a cosine.

    Parameters
    ----------
    sfreq : float
        Sampling frequency in Hz, at least 100.
    cutoff : float
        How many standard deviations above the mean clean amplitude a direction may reach. 20 to 30 is mild, 5 to 10
        severe.
    window : float
        Seconds; rounded to whole hops.
    hop : float
        Seconds between comparisons.
    lookahead : float
        Seconds that the signal is held back so that an artefact is seen before it comes out. 0: none; then the first
        `hop` to 2 `hop` of an artefact pass.
    max_removed : float
        Share of the directions that may be taken out at once.
    shaping : array_like, shape (n_sections, 6), optional
        The filter that weighs frequencies; `shaping_filter(sfreq)` by default.

    Attributes
    ----------
    state_ : AsrState
        What the calibration has learnt.
    delay : int
        Samples that come out of `process` so much later.

    Notes
    -----
    Results are the same to the bit for every chunking. Never train a decoder on cleaned data and run it on raw data,
    or the reverse. ASR changes covariances: rank and size of what it takes out.

    References
    ----------
    Mullen et al. 2015, doi:10.1109/TBME.2015.2481482; Chang et al. 2020, doi:10.1109/TBME.2019.2930186.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> brain = lambda n: rng.normal(0, 5, (8, 8)) @ rng.normal(0, 1, (8, n))
    >>> mix = rng.normal(0, 5, (8, 8))
    >>> asr = ASR(sfreq=250).fit(mix @ rng.normal(0, 1, (8, 7500)))
    >>> x = mix @ rng.normal(0, 1, (8, 1000))
    >>> x[:, 500:600] += 1000 * rng.normal(0, 1, (8, 1))
    >>> bool(abs(asr.transform(x)).max() < abs(x).max() / 5)
    True
    """

    state_: AsrState

    def __init__(
        self,
        sfreq: float,
        cutoff: float = 20.0,
        *,
        window: float = 0.5,
        hop: float = 0.1,
        lookahead: float = 0.25,
        max_removed: float = 0.66,
        shaping: Any = None,
    ) -> None:
        self.sfreq = check_positive("sfreq", sfreq, unit="Hz")
        self.cutoff = check_positive("cutoff", cutoff)
        self.window = check_positive("window", window, unit="seconds")
        self.shaping = shaping_filter(self.sfreq) if shaping is None else check_sos(shaping)
        self.geometry = asr_geometry(self.sfreq, window, hop, lookahead)
        self.delay = self.geometry["delay"]
        self.max_removed = check_share(max_removed)
        self._filter: Any = None

    def fit(self, x: Any) -> ASR:
        """Calibrate on a signal at rest, (n_channels, n_samples); see `calibrate_asr`. The stream starts anew."""
        return self.set_state(
            calibrate_asr(x, self.sfreq, self.cutoff, window=self.window, shaping=self.shaping)
        )

    def set_state(self, state: AsrState) -> ASR:
        """Take over a calibration; the stream starts anew."""
        zi, n = first_sample_state(self.shaping), len(state.covariance)
        design = {**state.tensors(), **self.geometry, "most": n_removable(self.max_removed, n)}
        self._filter = resolve("AsrFilter")(self.shaping, zi, **design)
        self.state_ = state
        return self

    def process(self, chunk: Any, out: np.ndarray | None = None) -> np.ndarray:
        """Clean the next chunk of the stream.

        Parameters
        ----------
        chunk : ndarray of float32 or float64, shape (n_channels, n)
            Of any strides and length.
        out : ndarray of float32 or float64, of the chunk's shape, optional
            May be `chunk` itself.

        Returns
        -------
        ndarray, shape (n_channels, n)
            The samples `delay` earlier. Before there are any, the first sample.

        Raises
        ------
        ValueError, TypeError, RuntimeError
            A chunk of another shape or type or with samples that are not finite; before `fit`. The stream is as before.
        """
        if self._filter is None:
            raise RuntimeError("this ASR is not calibrated: call fit with a minute of clean signal first")
        chunk = np.asarray(chunk)
        if chunk.dtype.kind == "f":
            check_finite("chunk", chunk)
        return self._filter.process(chunk, out)

    def reset(self) -> None:
        """Forget the stream; the calibration stays."""
        if self._filter is not None:
            self._filter.reset()

    def transform(self, x: Any) -> np.ndarray:
        """A whole recording, cleaned and in time: (n_channels, n_samples), float64. The stream starts anew."""
        x = check_array_2d("x", x)
        self.reset()
        # What is held back comes out when the signal goes on, mirrored at its end.
        tail = np.pad(x, ((0, 0), (0, self.delay)), "symmetric") if self.delay else x
        cleaned = self.process(tail)[:, self.delay :]
        self.reset()
        return cleaned


def asr_geometry(sfreq: float, window: float, hop: float, lookahead: float) -> dict[str, int]:
    """Times in samples: the window in whole hops."""
    n_hop = n_samples_of("hop", hop, sfreq)
    n_window = n_samples_of("window", window, sfreq)
    if n_window < n_hop:
        raise ValueError(f"window must be at least one hop ({hop:g} s), got {window:g} s")
    delay = round(check_positive("lookahead", lookahead, zero=True, unit="seconds") * sfreq)
    return {"n_blocks": max(1, round(n_window / n_hop)), "hop": n_hop, "delay": delay}


def check_share(max_removed: float) -> float:
    share = check_positive("max_removed", max_removed)
    if share > 1:
        raise ValueError(f"max_removed must be a share in (0, 1], got {max_removed!r}")
    return share


def n_removable(share: float, n_channels: int) -> int:
    """So many directions may be taken out: the share, rounded, and one more, as in the published code."""
    return min(n_channels, int(np.floor(share * n_channels + 0.5)) + 1)
