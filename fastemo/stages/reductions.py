"""Features of a window that are reductions of each channel's samples or spectrum: statistics, shape, complexity."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastemo._validate import check_in
from fastemo.stages.base import Stage

if TYPE_CHECKING:
    from fastemo._lowering import Build
    from fastemo.features._reduce import Reduction

__all__ = ["Complexity", "SpectralShape", "TimeDomain"]


class _Reductions(Stage):
    """Named features of `fastemo.features`, made in one pass over the window."""

    takes = "window"
    gives = "vector"
    allowed: ClassVar[tuple[str, ...]]
    features: Sequence[str]
    options: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        features = self.features
        if isinstance(features, str) or not isinstance(features, Sequence) or not features:
            raise TypeError(
                f'features must be a list of names, such as ["{self.allowed[0]}"]; got {features!r}'
            )
        for name in features:
            check_in("a name in features", name, self.allowed)
        if len(set(features)) != len(features):
            raise ValueError(f"features must name each feature once, got {list(features)!r}")
        object.__setattr__(self, "features", tuple(features))
        if self.options is not None:
            object.__setattr__(self, "options", dict(self.options))
        for key in self.options or {}:
            name, _, param = key.partition("__")
            if name not in features or not param:
                raise ValueError(
                    f"options must be named as a feature, two underscores and its parameter, "
                    f'such as "{features[0]}__...", got {key!r}'
                )
            check_in(f"a parameter of {name}", param, self.parameters(name))

    def given(self, name: str) -> dict[str, Any]:
        """The options of one feature."""
        start = f"{name}__"
        options = (self.options or {}).items()
        return {key.removeprefix(start): value for key, value in options if key.startswith(start)}

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        from fastemo.features import FEATURES

        reductions = []
        for name in self.features:
            given = self.given(name)
            if "sfreq" in inspect.signature(FEATURES[name]).parameters:
                given["sfreq"] = build.sfreq
            reductions.append(FEATURES[name].reduction(build.length, **given))
        _reduce(build, build.window(), self.features, reductions)

    def parameters(self, name: str) -> list[str]:
        """What one feature can be told."""
        from fastemo.features import FEATURES

        return [p for p in inspect.signature(FEATURES[name]).parameters if p not in ("x", "sfreq", "threads")]


def _reduce(build: Build, slot: int, features: Sequence[str], reductions: Sequence[Reduction]) -> None:
    """One op for all of them, a row for each of their values."""
    params = np.zeros((len(features), max(1, *(len(r.params) for r in reductions))))
    for row, reduction in zip(params, reductions, strict=True):
        row[: len(reduction.params)] = reduction.params
    build.add(
        "reduce",
        [slot],
        names=np.frombuffer("\n".join(r.name for r in reductions).encode(), np.uint8),
        params=params,
        n_params=[len(r.params) for r in reductions],
    )
    build.rows(
        [
            name if value is None else f"{name}_{value}"
            for name, reduction in zip(features, reductions, strict=True)
            for value in reduction.values or (None,)
        ]
    )


@dataclass(frozen=True, eq=False, repr=False)
class TimeDomain(_Reductions):
    """Statistics and shape of each channel's window, as the functions of these names in `fastemo.features`.

    Parameters
    ----------
    features : sequence of str
        Of mean, variance, std, ptp_amp, rms, skewness, kurtosis, quantile, hjorth_activity, hjorth_mobility,
        hjorth_complexity, zero_crossings, num_zerocross, higher_order_crossings, line_length, teager_energy,
        decorr_time, wavelet_coef_energy, teager_kaiser_energy.
    options : dict, optional
        Parameters of theirs, named "feature__parameter".

    Notes
    -----
    Each window is computed anew from its samples: the values have the bits of the function on the same samples.

    Examples
    --------
    >>> TimeDomain(["line_length", "quantile"], options={"quantile__q": [0.25, 0.75]})
    TimeDomain(features=['line_length', 'quantile'], options={quantile__q: 0.25-0.75})
    """

    allowed = (
        "mean", "variance", "std", "ptp_amp", "rms", "skewness", "kurtosis", "quantile",
        "hjorth_activity", "hjorth_mobility", "hjorth_complexity",
        "zero_crossings", "num_zerocross", "higher_order_crossings", "line_length", "teager_energy",
        "decorr_time", "wavelet_coef_energy", "teager_kaiser_energy",
    )  # fmt: skip
    features: Sequence[str]
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Complexity(_Reductions):
    """Entropy and fractal dimension of each channel's window, as the functions of these names in `fastemo.features`.

    Parameters
    ----------
    features : sequence of str
        Of sample_entropy, samp_entropy, app_entropy, perm_entropy, svd_entropy, svd_fisher_info, lempel_ziv,
        katz_fd, petrosian_fd, higuchi_fd, detrended_fluctuation, hurst_exp.
    options : dict, optional
        Parameters of theirs, named "feature__parameter".

    Notes
    -----
    Each window is computed anew from its samples: the values have the bits of the function on the same samples.

    Examples
    --------
    >>> Complexity(["sample_entropy", "higuchi_fd"], options={"higuchi_fd__kmax": 5})
    Complexity(features=['sample_entropy', 'higuchi_fd'], options={higuchi_fd__kmax: 5})
    """

    allowed = (
        "sample_entropy", "samp_entropy", "app_entropy", "perm_entropy",
        "svd_entropy", "svd_fisher_info", "lempel_ziv",
        "katz_fd", "petrosian_fd", "higuchi_fd", "detrended_fluctuation", "hurst_exp",
    )  # fmt: skip
    features: Sequence[str]
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class SpectralShape(_Reductions):
    """Shape of the spectrum of each channel's window, as the functions of these names in `fastemo.features`.

    Parameters
    ----------
    features : sequence of str
        Of pow_freq_bands, hjorth_mobility_spect, hjorth_complexity_spect, spect_entropy, spectral_entropy,
        spect_slope, spect_edge_freq.
    options : dict, optional
        Parameters of theirs, named "feature__parameter".

    Notes
    -----
    The spectrum is that of the whole window less its mean, without a taper: mne-features' `psd_method="fft"`,
    antropy's `method="fft"`, up to 256 Hz. Values are the functions' to rounding.

    Examples
    --------
    >>> SpectralShape(["spect_edge_freq"], options={"spect_edge_freq__edge": [0.5, 0.95]})
    SpectralShape(features=['spect_edge_freq'], options={spect_edge_freq__edge: 0.5-0.95})
    """

    allowed = (
        "pow_freq_bands", "hjorth_mobility_spect", "hjorth_complexity_spect",
        "spect_entropy", "spectral_entropy", "spect_slope", "spect_edge_freq",
    )  # fmt: skip
    features: Sequence[str]
    options: Mapping[str, Any] | None = None

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        from fastemo.features._reduce import check_length
        from fastemo.features._spectral_reductions import SPECTRAL
        from fastemo.features.psd import TOP_HZ, one_sided

        n = build.length
        check_length(f"SpectralShape after Window({n / build.sfreq:g})", n, 4)
        freqs = np.arange(n // 2 + 1) * (build.sfreq / n)
        freqs = freqs[freqs <= min(TOP_HZ, build.sfreq / 2)]
        scale = one_sided(np.full(n // 2 + 1, 1 / n**2), n)[: len(freqs)]
        build.add(
            "fft_power", [build.window()], taper=np.ones(n), bins=[0, len(freqs)], scale=scale, detrend=1
        )
        reductions = [SPECTRAL[name](freqs, build.sfreq, **self.given(name)) for name in self.features]
        _reduce(build, build.slot, self.features, reductions)

    def parameters(self, name: str) -> list[str]:
        from fastemo.features._spectral_reductions import SPECTRAL

        return [p for p in inspect.signature(SPECTRAL[name]).parameters if p not in ("freqs", "sfreq")]
