"""Cross-spectra and the measures taken from them, written to be read."""

from __future__ import annotations

import itertools

import numpy as np

__all__ = ["MEASURES", "cross_spectra", "tapered_spectra"]

LANES = 8  # channels are padded to whole groups, as the compiled core has them

MEASURES = (
    "coh", "cohy", "imcoh", "plv", "ciplv", "ppc", "pli", "pli2_unbiased", "dpli", "wpli", "wpli2_debiased", "psi",
)  # fmt: skip


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
    power = np.sum(np.abs(z) ** 2, axis=(1, 2))
    planes = []
    for first, stop, inside, until in bands:
        by_bin = [_measures(z[b], power[b], rows) for b in range(first, stop)]
        band = {m: np.mean([of[m] for of in by_bin], axis=0) for m in MEASURES[:-1]}
        coherency = [of["cohy"] for of in by_bin[inside - first : max(until, inside) - first]]
        slopes = [np.imag(np.conj(a) * b) for a, b in itertools.pairwise(coherency)]
        band["psi"] = np.sum(slopes, axis=0) if slopes else np.zeros(band["coh"].shape)
        of_band = []
        for m in wanted:
            of_band += [band[m].real, band[m].imag] if m == "cohy" else [band[m]]
        planes.append(of_band)
    out = np.moveaxis(np.array(planes), 0, 1)
    return np.where(np.arange(z.shape[-1]) < np.asarray(stops)[:, None], out, 0.0)


def _measures(z: np.ndarray, power: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Every measure but the phase slope in one bin; z is (n_observations, n_tapers, n_channels)."""
    n = len(z)
    x, y = z[:, :, rows, None], z[:, :, None, :]
    # Products and differences one by one, so that two copies of a channel have no imaginary part at all.
    re = np.sum(x.real * y.real + x.imag * y.imag, axis=1)
    im = np.sum(x.imag * y.real - x.real * y.imag, axis=1)
    s = re + 1j * im
    coherency = s.sum(0) * _inverse(np.sqrt(power[rows, None] * power))
    u = np.sum(s * _inverse(np.abs(s)), axis=0)
    in_phase = 1 - np.clip(u.real / n, -1, 1) ** 2
    sign = np.sign(im).sum(0)
    total, magnitude, square = im.sum(0), np.abs(im).sum(0), (im**2).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of one observation there is no debiased form
        pairs = n * (n - 1.0)
        ppc = (np.abs(u) ** 2 - n) / np.float64(pairs)
        pli2 = (sign**2 / n - 1) / np.float64(n - 1)
    return {
        "coh": np.abs(coherency),
        "cohy": coherency,
        "imcoh": coherency.imag,
        "plv": np.abs(u) / n,
        "ciplv": np.abs(u.imag) / n / np.sqrt(np.where(in_phase == 0, 1, in_phase)),
        "ppc": ppc,
        "pli": np.abs(sign) / n,
        "pli2_unbiased": pli2,
        "dpli": (sign + n) / (2 * n),
        "wpli": np.abs(total) * _inverse(magnitude),
        "wpli2_debiased": (total**2 - square) * _inverse(magnitude**2 - square),
    }


def _inverse(x: np.ndarray) -> np.ndarray:
    """1 / x, and 0 where x is 0."""
    return np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)
