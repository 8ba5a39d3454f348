"""Cross-spectra and the measures taken from them, written to be read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from fastemo.reference.tapers import WaveletTransform

__all__ = [
    "MEASURES",
    "PER_SAMPLE",
    "analytic",
    "analytic_measures",
    "analytic_spectra",
    "cross_spectra",
    "envelope_correlations",
    "measures_of",
    "pair_sums",
    "tapered_measures",
    "tapered_spectra",
    "wavelet_measures",
    "wavelet_spectra",
]

LANES = 8  # channels are padded to whole groups, as the compiled core has them

MEASURES = (
    "coh", "cohy", "imcoh", "plv", "ciplv", "ppc", "pli", "pli2_unbiased", "dpli", "wpli", "wpli2_debiased", "psi",
)  # fmt: skip
# Those that need no independent observations: successive samples will do.
PER_SAMPLE = ("coh", "cohy", "imcoh", "plv", "ciplv", "pli", "dpli", "wpli")


def tapered_spectra(x: np.ndarray, tapers: np.ndarray, first: int, stop: int, threads: int = 1) -> np.ndarray:
    """Bins [first, stop) of every tapered signal less its mean.

    (n_observations, n_channels, n) -> (n_bins, n_observations, n_tapers, 2, n_channels padded to whole groups); the last
    axis but one is real and imaginary part. `threads` is there for the signature.
    """
    x = x.astype(np.float64)
    x = x - x.mean(axis=-1, keepdims=True)
    bins = np.fft.rfft(x[:, None] * tapers[:, None, :])[..., first:stop]
    out = np.zeros((stop - first, len(x), len(tapers), 2, -(-x.shape[1] // LANES) * LANES))
    out[..., 0, : x.shape[1]] = np.moveaxis(bins.real, -1, 0)
    out[..., 1, : x.shape[1]] = np.moveaxis(bins.imag, -1, 0)
    return out


def cross_spectra(
    spectra: np.ndarray,
    bands: np.ndarray,
    rows: np.ndarray,
    stops: np.ndarray,
    measures: int,
    threads: int = 1,
) -> np.ndarray:
    """Planes of measures, (n_planes, n_bands, n_rows, n_channels), averaged over the bins of each band.

    `bands` (n_bands, 4): first and past-the-last bin, and those of the phase slope. `measures` is the sum of 2^i over
    positions i in `MEASURES`; "cohy" has two planes. Row r is channel `rows[r]` against channels [0, `stops[r]`).
    """
    wanted = [m for i, m in enumerate(MEASURES) if measures >> i & 1]
    z = spectra[:, :, :, 0] + 1j * spectra[:, :, :, 1]
    planes = []
    for first, stop, inside, until in bands:
        by_bin = [measures_of(pair_sums(z[b], rows), rows) for b in range(first, stop)]
        band = {m: np.mean([of[m] for of in by_bin], axis=0) for m in wanted if m != "psi"}
        coherency = [of["cohy"] for of in by_bin[inside - first : max(until, inside) - first]]
        slopes = [np.imag(np.conj(a) * b) for a, b in itertools.pairwise(coherency)]
        band["psi"] = np.sum(slopes, axis=0) if slopes else np.zeros(by_bin[0]["coh"].shape)
        of_band = []
        for m in wanted:
            of_band += [band[m].real, band[m].imag] if m == "cohy" else [band[m]]
        planes.append(of_band)
    out = np.moveaxis(np.array(planes), 0, 1)
    return np.where(np.arange(z.shape[-1]) < np.asarray(stops)[:, None], out, 0.0)


def tapered_measures(
    x: np.ndarray,
    tapers: np.ndarray,
    bands: np.ndarray,
    measures: int,
    apart: bool = False,
    threads: int = 1,
    cross: Callable[..., np.ndarray] = cross_spectra,
) -> np.ndarray | None:
    """Measures of all pairs below the diagonal, (n_planes, n_bands, n_pairs), or None if x holds NaN or infinity.

    x as for `tapered_spectra`, bands and measures as for `cross_spectra`; `apart`: each taper is an observation.
    """
    if not np.isfinite(x).all():
        return None
    first = int(bands[:, 0].min())
    spectra = tapered_spectra(x, tapers, first, int(bands[:, 1].max()))
    if not np.isfinite(spectra[0]).all():
        return None
    if apart:
        spectra = spectra.reshape(len(spectra), -1, 1, *spectra.shape[3:])
    seeds, targets = np.tril_indices(x.shape[1], -1)
    rows = np.arange(1, x.shape[1])
    return cross(spectra, bands - first, rows, rows, measures)[:, :, seeds - 1, targets]


def pair_sums(z: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """Sums over observations that measures are made of; z is (n_observations, n_tapers, n_channels)."""
    x, y = z[:, :, rows, None], z[:, :, None, :]
    # Products and differences one by one, so that two copies of a channel have no imaginary part at all.
    re = np.sum(x.real * y.real + x.imag * y.imag, axis=1)
    im = np.sum(x.imag * y.real - x.real * y.imag, axis=1)
    s = re + 1j * im
    return {
        "n": float(len(z)),
        "power": np.sum(np.abs(z) ** 2, axis=(0, 1)),
        "cross": s.sum(0),
        "phase": np.sum(s * _inverse(np.abs(s)), axis=0),
        "sign": np.sign(im).sum(0),
        "magnitude": np.abs(im).sum(0),
        "square": np.sum(im**2, axis=0),
    }


def measures_of(sums: dict[str, Any], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Every measure but the phase slope, from those sums."""
    n, power, phase, sign = sums["n"], sums["power"], sums["phase"], sums["sign"]
    coherency = sums["cross"] * _inverse(np.sqrt(power[rows, None] * power))
    in_phase = 1 - np.clip(phase.real / n, -1, 1) ** 2
    total, magnitude, square = sums["cross"].imag, sums["magnitude"], sums["square"]
    with np.errstate(divide="ignore", invalid="ignore"):  # of one observation there is no debiased form
        ppc = (np.abs(phase) ** 2 - n) / np.float64(n * (n - 1))
        pli2 = (sign**2 / n - 1) / np.float64(n - 1)
    return {
        "coh": np.abs(coherency),
        "cohy": coherency,
        "imcoh": coherency.imag,
        "plv": np.abs(phase) / n,
        "ciplv": np.abs(phase.imag) / n / np.sqrt(np.where(in_phase == 0, 1, in_phase)),
        "ppc": ppc,
        "pli": np.abs(sign) / n,
        "pli2_unbiased": pli2,
        "dpli": (sign + n) / (2 * n),
        "wpli": np.abs(total) * _inverse(magnitude),
        "wpli2_debiased": (total**2 - square) * _inverse(magnitude**2 - square),
    }


def analytic(
    poles: np.ndarray, weights: np.ndarray, direct: np.ndarray, state: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Analytic signals (n_bands, n_channels, n) of x (n_channels, n): y = direct x + sum_k weight_k s_k.

    `poles` and `weights` are (n_bands, n_poles), `direct` (n_bands,); `state` (n_bands, n_poles, n_channels) is changed
    in place, s_k <- pole_k s_k + x.
    """
    y = np.empty((len(poles), *x.shape), complex)
    for n in range(x.shape[1]):
        state[:] = poles[..., None] * state + x[:, n]
        y[..., n] = direct[:, None] * x[:, n] + np.sum(weights[..., None] * state, axis=1)
    return y


def analytic_spectra(
    x: np.ndarray, poles: np.ndarray, weights: np.ndarray, direct: np.ndarray, skip: int, threads: int = 1
) -> np.ndarray:
    """Analytic signals, less the first sample, as observations from sample `skip` on: (n_bands, n_epochs (n - skip), 1, 2, n_channels padded).

    x is (n_epochs, n_channels, n); poles and weights (n_bands, n_poles, 2) and direct (n_bands, 2) are pairs of real and
    imaginary part.
    """
    poles, weights, direct = (_complex(a) for a in (poles, weights, direct))
    kept = x.shape[-1] - skip
    out = np.zeros((len(poles), len(x) * kept, 1, 2, -(-x.shape[1] // LANES) * LANES))
    for e, epoch in enumerate(x.astype(np.float64)):
        state = np.zeros((*poles.shape, len(epoch)), complex)
        y = analytic(poles, weights, direct, state, epoch - epoch[:, :1])[..., skip:].swapaxes(1, 2)
        out[:, e * kept : (e + 1) * kept, 0, 0, : x.shape[1]] = y.real
        out[:, e * kept : (e + 1) * kept, 0, 1, : x.shape[1]] = y.imag
    return out


def analytic_measures(
    x: np.ndarray,
    poles: np.ndarray,
    weights: np.ndarray,
    direct: np.ndarray,
    skip: int,
    measures: int,
    threads: int = 1,
) -> np.ndarray | None:
    """Measures of all pairs below the diagonal over the samples of `analytic_spectra`: (n_planes, n_bands, n_pairs).

    None if x holds NaN or infinity.
    """
    if not np.isfinite(x).all():
        return None
    spectra = analytic_spectra(x, poles, weights, direct, skip)
    return _of_pairs(spectra, x.shape[1], measures)


def _of_pairs(spectra: np.ndarray, n_channels: int, measures: int) -> np.ndarray:
    steps, rows = np.arange(len(spectra)), np.arange(n_channels)
    planes = cross_spectra(spectra, np.stack([steps, steps + 1, steps, steps], axis=1), rows, rows, measures)
    seeds, targets = np.tril_indices(n_channels, -1)
    return planes[:, :, seeds, targets]


def wavelet_spectra(
    x: np.ndarray, n_fft: int, even: np.ndarray, odd: np.ndarray, decim: int, first: int, stop: int
) -> np.ndarray:
    """Wavelet transforms at every decim'th sample, of those [first, stop), as observations.

    x is (n_epochs, n_channels, n), `even` and `odd` as for `WaveletTransform`; (n_wavelets, n_epochs (stop - first), 1, 2,
    n_channels padded).
    """
    n_epochs, n_channels, n = x.shape
    transform = WaveletTransform(n, n_fft, even, odd, False, np.empty((len(even), 0)))
    out = np.zeros((len(even), n_epochs, stop - first, 1, 2, -(-n_channels // LANES) * LANES))
    for e in range(n_epochs):
        z = np.moveaxis(transform.compute(x[e], 0, decim)[:, :, first:stop], 0, -1)
        out[:, e, :, 0, 0, :n_channels], out[:, e, :, 0, 1, :n_channels] = z.real, z.imag
    return out.reshape(len(even), -1, 1, 2, out.shape[-1])


def wavelet_measures(
    x: np.ndarray,
    n_fft: int,
    even: np.ndarray,
    odd: np.ndarray,
    decim: int,
    first: int,
    stop: int,
    measures: int,
    threads: int = 1,
) -> np.ndarray:
    """Measures of all pairs below the diagonal over the samples of `wavelet_spectra`: (n_planes, n_wavelets, n_pairs)."""
    return _of_pairs(wavelet_spectra(x, n_fft, even, odd, decim, first, stop), x.shape[1], measures)


def envelope_correlations(
    spectra: np.ndarray, n_epochs: int, n_channels: int, log: bool = False, threads: int = 1
) -> np.ndarray:
    """Correlations of envelopes j with what of signal i is out of phase with j: (n_bands, n_epochs, i, j padded).

    `spectra` is what `analytic_spectra` gives. With `log` both are logarithms of squares. 0 where either is constant.
    """
    n_bands, n_all, stride = spectra.shape[0], spectra.shape[1], spectra.shape[-1]
    z = _complex(np.moveaxis(spectra[:, :, 0], 2, -1)).reshape(n_bands, n_epochs, n_all // n_epochs, stride)
    out = np.zeros((n_bands, n_epochs, n_channels, stride))
    for at in np.ndindex(n_bands, n_epochs):
        signals = z[at].T[:n_channels]
        size = np.abs(signals)
        envelopes = np.log(size**2) if log else size
        for i, x in enumerate(signals):
            apart = np.abs(x.imag * signals.real - x.real * signals.imag) * _inverse(size)
            apart[i] = 1.0
            apart = np.log(np.maximum(apart**2, np.finfo(float).tiny)) if log else apart
            for j in range(n_channels):
                out[at][i, j] = _correlation(apart[j], envelopes[j])
    return out


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def _complex(pairs: np.ndarray) -> np.ndarray:
    return pairs[..., 0] + 1j * pairs[..., 1]


def _inverse(x: np.ndarray) -> np.ndarray:
    """1 / x, and 0 where x is 0."""
    return np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)
