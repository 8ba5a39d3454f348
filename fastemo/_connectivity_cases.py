"""Cases of connectivity: what `fastemo._cases` asks of the core and of the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from fastemo._program import Op
from fastemo.reference.connectivity import MEASURES, PER_SAMPLE, tapered_spectra

__all__ = [
    "analytic_measures",
    "analytic_spectra",
    "cross_op",
    "cross_spectra",
    "envelope_correlations",
    "neighbour_transfer",
    "pairs_op",
    "tapered_measures",
    "wavelet_measures",
]


def cross_spectra(module: ModuleType, n_channels: int, n_samples: int) -> Callable:
    """Every measure between all channels, over segments of 20 samples."""
    tapers = np.stack([np.hanning(20), np.sin(np.pi * (np.arange(20) + 0.5) / 10)])
    bands, rows = np.array([[0, 3, 0, 3], [3, 8, 4, 8]]), np.arange(n_channels)

    def call(x: np.ndarray) -> np.ndarray:
        segments = x[:, : n_samples // 20 * 20].reshape(n_channels, -1, 20).swapaxes(0, 1)
        if not hasattr(module, "tapered_spectra"):  # NumPy's bits depend on the layout
            segments = np.ascontiguousarray(segments)
        spectra = getattr(module, "tapered_spectra", tapered_spectra)(segments, tapers, 1, 9)
        planes = module.cross_spectra(spectra, bands, rows, np.full(n_channels, n_channels), (1 << 12) - 1)
        return planes[..., :n_channels]

    return call


def tapered_measures(module: ModuleType, n_channels: int, n_samples: int) -> Callable:
    """Coherence alone, and what needs no signs, of all pairs over the same segments."""
    tapers = np.stack([np.hanning(20), np.sin(np.pi * (np.arange(20) + 0.5) / 10)])
    bands = np.array([[1, 4, 1, 4], [4, 9, 5, 9], [2, 3, 2, 3]])

    def call(x: np.ndarray) -> np.ndarray:
        segments = x[:, : n_samples // 20 * 20].reshape(n_channels, -1, 20).swapaxes(0, 1)
        planes = [module.tapered_measures(segments, tapers, bands, m) for m in (1, _without_signs())]
        return np.concatenate(planes)

    return call


def analytic_spectra(
    module: ModuleType,
    sfreq: float,
    bands: Mapping[str, tuple[float, float]],
    n_channels: int,
    n_samples: int,
) -> Callable:
    """Analytic signals of a filter bank."""
    from fastemo._design import analytic_bank

    bank = analytic_bank(sfreq, bands, 4, "the cases")
    return lambda x: module.analytic_spectra(x[None], *bank, 20)[..., :n_channels]


def envelope_correlations(module: ModuleType, log: bool, n_channels: int, n_samples: int) -> Callable:
    """Of neighbouring samples as the two parts of analytic signals, in two epochs."""
    half = n_samples // 4

    def call(x: np.ndarray) -> np.ndarray:
        z = np.zeros((1, 2 * half, 1, 2, -(-n_channels // 8) * 8))
        z[0, :, 0, 0, :n_channels], z[0, :, 0, 1, :n_channels] = (
            x[:, : 2 * half].T,
            x[:, 2 * half : 4 * half].T,
        )
        found = module.envelope_correlations(z, 2, n_channels, log)[..., :n_channels]
        return found + np.eye(n_channels)  # whose own is nothing but rounding

    return call


def neighbour_transfer(module: ModuleType, n_channels: int, n_samples: int) -> Callable:
    """Transfer entropy of the channels in a ring, two samples of past each."""
    from scipy.special import digamma

    n = n_samples - 2
    sinks = np.arange(n_channels)

    def call(x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float64)
        past = np.stack([x[:, 1:-1], x[:, :-2]], axis=1)
        return module.neighbour_transfer(
            x[:, 2:],
            past,
            past[:, :1],
            np.arange(n),
            sinks,
            np.roll(sinks, 1),
            3,
            1.0,
            digamma(np.arange(n + 1) + 1),
        )

    return call


def analytic_measures(
    module: ModuleType,
    sfreq: float,
    bands: Mapping[str, tuple[float, float]],
    n_channels: int,
    n_samples: int,
) -> Callable:
    """What goes over the samples of a filter bank, of all pairs, but for signs (see cross_op)."""
    from fastemo._design import analytic_bank

    bank = analytic_bank(sfreq, bands, 4, "the cases")
    return lambda x: module.analytic_measures(x[None], *bank, 20, _without_signs())


def wavelet_measures(module: ModuleType, sfreq: float, n_channels: int, n_samples: int) -> Callable:
    """The same over every third sample of transforms by wavelets."""
    from fastemo._design import morlet_wavelet, wavelet_parts

    wavelets = [morlet_wavelet(sfreq, f, 3.0, False) for f in (8.0, 20.0)]
    n_fft, even, odd = wavelet_parts(wavelets, n_samples)
    stop = (n_samples - 1) // 3
    return lambda x: module.wavelet_measures(x[None], n_fft, even, odd, 3, 1, stop, _without_signs())


def _without_signs() -> int:
    return sum(1 << i for i, m in enumerate(MEASURES) if m in PER_SAMPLE and "pli" not in (m, m[1:]))


def cross_op(sfreq: float, bands: Mapping[str, tuple[float, float]], decay: float) -> Op:
    """Every measure that goes over samples, of the input, but for the two that are made of signs.

    The first response of a filter has the same phase in every channel: the sign of its imaginary part is rounding.
    """
    from fastemo._design import analytic_bank

    poles, weights, direct = analytic_bank(sfreq, bands, 4, "the cases")
    bits = _without_signs()
    tensors = {"poles": poles, "weights": weights, "direct": direct}
    return Op("cross", (0,), tensors | {"measures": np.array([bits]), "decay": np.array([decay])})


def pairs_op(
    sfreq: float, bands: Mapping[str, tuple[float, float]], decay: float, n_channels: int, most: int = 2
) -> Op:
    """The same of each channel with up to `most` of those before it, both ways, averaged over neighbouring pairs."""
    op = cross_op(sfreq, bands, decay)
    below = [(i, j) for i in range(n_channels) for j in range(max(i - most, 0), i)]
    pairs = np.array([pair[:: 1 if k % 3 else -1] for k, pair in enumerate(below)])
    groups = np.minimum(np.arange(len(pairs)) // 2, len(pairs) // 3)
    return Op("cross_pairs", (0,), op.tensors | {"pairs": pairs, "groups": groups})
