"""Features of a window: power and differential entropy by band and channel, side by side or combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._definitions import DEFINITIONS, brainflow_bins, hann_between, seed_bins
from fastemo._design import (
    butterworth,
    dpss_tapers,
    one_sided_scale,
    taper_window,
)
from fastemo._validate import check_in, check_positive, n_samples_of
from fastemo.bands import BandSet, check_bands
from fastemo.stages._morlet import morlet_power
from fastemo.stages._window_power import COSINES, tapered_power
from fastemo.stages.base import Stage, check_count, parameter_names

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["BandPower", "DifferentialEntropy", "Features", "LogTransform", "RelativePower"]

# (0.01 uV)^2: below the noise of any amplifier, so that a flat channel gives a number and not minus infinity.
FLOOR_UV2 = 1e-4
# The floor of a share of the whole power.
FLOOR_SHARE = 1e-12

METHODS = ("auto", "fft", "sliding", "welch", "multitaper", "morlet", "filterbank")
TAPERED = ("auto", "fft", "sliding")


class _BandFeature(Stage):
    """A feature with one value per band and channel, by a filter bank or from spectra."""

    takes = "window"
    gives = "vector"
    bands: Any
    order: int | None

    def _check(self) -> None:
        object.__setattr__(self, "bands", as_band_set(self.bands))
        if self.order is not None:
            check_count("order", self.order)

    def _sections(self, build: Build, default: int) -> np.ndarray:
        """The filters of the bank, (n_bands, n_sections, 6)."""
        order = default if self.order is None else self.order
        sos = []
        for name, (low, high) in self.bands.items():
            where = f"the band {name!r} of {type(self).__name__}"
            sos.append(butterworth(build.sfreq, low, high, order, where))
        return np.array(sos)

    def _only_with(self, option: str, value: str, *names: str) -> None:
        """Refuses parameters that the chosen option would ignore."""
        for name in names:
            default = type(self).__dataclass_fields__[name].default  # type: ignore[attr-defined]
            if getattr(self, name) != default:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} has no meaning for {option}={getattr(self, option)!r}: "
                    f"leave it out or choose {option}={value!r}"
                )


@dataclass(frozen=True, eq=False, repr=False)
class BandPower(_BandFeature):
    """Power of each channel in each band, in uV^2.

    Parameters
    ----------
    bands : str, mapping or sequence of (low, high)
        In Hz, [low, high); the name of a set in `fastemo.BANDS`.
    method : {"auto", "fft", "sliding", "welch", "multitaper", "morlet", "filterbank"}
        "fft": the one-sided periodogram of the tapered window, summed over the band's bins times their
        spacing. "sliding": the same to rounding by running sums, whose cost per window grows with the hop and the
        width of the bands, not with the window. "auto": the cheaper of these two, which is "sliding" for hops below
        a tenth of the window or so. "welch": the mean of that over segments of the window. "multitaper": of the window under DPSS
        tapers, weighted by their eigenvalues. "morlet": the mean over the window of the power of Morlet wavelets 1 Hz apart or less, that of
        `fastemo.spectral.morlet` as a density, later by half of the longest wavelet. "filterbank": a causal Butterworth band-pass of the continuous
        signal, the mean of its square over the window.
    relative : bool
        Divide by the sum over the bands of the channel.
    log : bool
        Natural logarithm, of at least 1e-4 uV^2 (a share: 1e-12).
    order : int, optional
        Of the filter bank, as in `scipy.signal.butter`; 4 unless given.
    taper : str or tuple
        For "auto", "fft" and "welch": a window of `scipy.signal.get_window`; for "sliding": "hann", "hamming" or "boxcar".
    detrend : {"constant", False}
        For all but "morlet" and "filterbank": whether the mean of the window (of each segment) is taken off first.
    db : bool
        10 log10 of the same, in decibels.
    segment : float, optional
        For "welch": length of a segment in seconds, half of the window unless given; segments overlap by half.
    bandwidth : float, optional
        For "multitaper": full width in Hz over which the spectrum is smoothed; 8 bins unless given.

    n_cycles : float
        For "morlet": cycles of a wavelet, 2 pi f times its standard deviation in time.

    Notes
    -----
    For stationary signals all methods estimate the same power; the filter bank costs O(1) per sample and
    band whatever the window's length, and its time resolution is finer for fast bands.

    Examples
    --------
    >>> BandPower("standard", log=True)
    BandPower(bands={delta: 1-4, theta: 4-8, alpha: 8-13, beta: 13-30, gamma: 30-45}, log=True)
    """

    bands: Any
    method: str = "auto"
    relative: bool = False
    log: bool = False
    order: int | None = None
    taper: Any = "hann"
    detrend: str | bool = "constant"
    db: bool = False
    segment: float | None = None
    bandwidth: float | None = None
    n_cycles: float = 7.0

    def __post_init__(self) -> None:
        self._check()
        check_in("method", self.method, METHODS)
        check_in("detrend", self.detrend, ("constant", False))
        if isinstance(self.taper, list):
            object.__setattr__(self, "taper", tuple(self.taper))
        if self.method != "filterbank":
            self._only_with("method", "filterbank", "order")
        if self.method in ("filterbank", "morlet"):
            self._only_with("method", "fft", "detrend")
        if self.method == "sliding":
            check_in("taper", self.taper, COSINES)
        elif self.method not in ("auto", "fft", "welch"):
            self._only_with("method", "fft", "taper")
        if self.method != "welch":
            self._only_with("method", "welch", "segment")
        if self.method != "multitaper":
            self._only_with("method", "multitaper", "bandwidth")
        check_positive("n_cycles", self.n_cycles)
        if self.method != "morlet":
            self._only_with("method", "morlet", "n_cycles")
        if self.log and self.db:
            raise ValueError("log=True and db=True ask for two scales: choose one")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        detrend = self.detrend == "constant"
        method = self.method
        if method in TAPERED:
            tapered_power(build, self.bands, method, self.taper, detrend, "BandPower")
        elif method == "welch":
            seconds = build.length / build.sfreq
            segment = seconds / 2 if self.segment is None else self.segment
            n = n_samples_of("segment", segment, build.sfreq)
            if n > build.length:
                raise ValueError(
                    f"segment={segment:g} s is longer than the window of {seconds:g} s: shorten it"
                )
            taper = taper_window(self.taper, n)[None]
            scale = one_sided_scale(taper[0], build.sfreq)
            build.density_power(self.bands, taper, scale, detrend, np.ones(1), n - n // 2)
        elif method == "multitaper":
            tapers, ratios = dpss_tapers(build.length, self._half_bandwidth(build), None)
            scale = one_sided_scale(tapers[0] / np.linalg.norm(tapers[0]), build.sfreq)
            build.density_power(self.bands, tapers, scale, detrend, ratios / ratios.sum())
        elif method == "morlet":
            morlet_power(build, self.bands, self.n_cycles)
        else:
            build.bank_power(self.bands, self._sections(build, 4))
        if self.relative:
            RelativePower().lower(build, {})
        floor = FLOOR_SHARE if self.relative else FLOOR_UV2
        if self.log:
            LogTransform(floor=floor).lower(build, {})
        elif self.db:
            build.log(gain=10 / np.log(10), offset=0.0, floor=floor)

    def _half_bandwidth(self, build: Build) -> float:
        """Times the length of the window."""
        n = build.length
        if self.bandwidth is None:
            return min(4.0, n / 2 * 0.999)
        nw = check_positive("bandwidth", self.bandwidth, unit="Hz") * n / (2 * build.sfreq)
        if not 0.5 <= nw < n / 2:
            raise ValueError(
                f"bandwidth={self.bandwidth:g} Hz must be from {build.sfreq / n:g} Hz (what a window of "
                f"{n / build.sfreq:g} s resolves) up to sfreq={build.sfreq:g} Hz"
            )
        return nw


@dataclass(frozen=True, eq=False, repr=False)
class DifferentialEntropy(_BandFeature):
    """Differential entropy of each channel in each band, 1/2 ln(2 pi e s^2) with s^2 the power in uV^2.

    Parameters
    ----------
    bands : str, mapping or sequence of (low, high)
        In Hz, [low, high); the name of a set in `fastemo.BANDS`.
    definition : {"gauss", "spectral", "seed", "torcheeg", "libeer", "brainflow"}
        "gauss": s^2 is the mean square over the window of a causal Butterworth band-pass (no mean removed), in
        nats. "spectral": s^2 is the one-sided band power of the window under a Hann taper, in nats. "seed" and
        "brainflow" are those of `fastemo.spectral.differential_entropy`, window by window. "torcheeg" and
        "libeer" are their causal twins: filters of the same selectivity that run on over the stream instead of
        starting anew in each window, or of seeing the future; the mean of the band is not taken off, as there is
        none.
    order : int, optional
        Of the filter bank of "gauss" (4), "torcheeg" (5) and "libeer" (3), as in `scipy.signal.butter`.
    method : {"auto", "fft", "sliding"}
        For "spectral": how its band power is made, as in `BandPower`.

    Notes
    -----
    In "gauss" and "spectral" s^2 is at least 1e-4 uV^2 ((0.01 uV)^2), so that a flat channel gives -3.19 and not
    minus infinity. The formula is exact for Gaussian signals [1]_.

    References
    ----------
    .. [1] Duan, Zhu, Lu, Differential entropy feature for EEG-based emotion classification, 2013,
       doi:10.1109/NER.2013.6695876.

    Examples
    --------
    >>> DifferentialEntropy({"alpha": (8, 13)}, definition="spectral")
    DifferentialEntropy(bands={alpha: 8-13}, definition='spectral')
    """

    bands: Any
    definition: str = "gauss"
    order: int | None = None
    method: str = "auto"

    def __post_init__(self) -> None:
        self._check()
        check_in("definition", self.definition, DEFINITIONS)
        check_in("method", self.method, TAPERED)
        if self.definition != "spectral":
            self._only_with("definition", "spectral", "method")
        if DEFINITIONS[self.definition].order is None:
            self._only_with("definition", "gauss", "order")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        d = DEFINITIONS[self.definition]
        n, offset = build.length, d.offset
        if d.order is not None:
            sos = self._sections(build, d.order)
            if self.definition == "libeer":
                sos = np.concatenate([sos, sos], axis=1)  # what both ways do to the spectrum
                offset += d.gain * np.log(n / max(n - 1, 1))
            build.bank_power(self.bands, sos, at_rest=self.definition != "gauss")
        elif self.definition == "spectral":
            tapered_power(build, self.bands, self.method, "hann", True, "DifferentialEntropy")
        elif self.definition == "seed":
            edges = seed_bins(self.bands, n, build.sfreq)
            scale = np.ones(n // 2 + 1)
            build.band_spectrum(
                self.bands, edges, 1 / np.diff(edges)[:, 0], hann_between(n)[None], scale, False
            )
        else:
            self._as_brainflow(build)
        build.log(gain=d.gain, offset=offset, floor=d.floor)

    def _as_brainflow(self, build: Build) -> None:
        n_fft, hop, edges = brainflow_bins(self.bands, build.length, build.sfreq)
        scale = np.full(n_fft // 2 + 1, 2 / (build.sfreq * n_fft))
        scale[[0, -1]] /= 2
        half, taper = np.full(len(edges), 0.5 * build.sfreq / n_fft), taper_window("hann", n_fft)[None]
        build.band_spectrum(self.bands, edges, half, taper, scale, False, np.ones(1), hop)
        # The sum of trapezoids is half of that of their left ends and half of that of their right ends.
        pairs = 2 * np.arange(len(self.bands))[:, None] + np.array([0, 2])
        build.add("bandsum", edges=pairs, weight=np.ones(len(pairs)))


@dataclass(frozen=True, eq=False, repr=False)
class Features(Stage):
    """Several features of the same window, one after the other in one vector.

    Parameters
    ----------
    features : sequence of stages
        Features such as `BandPower` and `DifferentialEntropy`. Their names get the stage in front:
        "bandpower__alpha:Fz".

    Examples
    --------
    >>> Features([BandPower({"alpha": (8, 13)}), DifferentialEntropy({"gamma": (30, 45)})])
    Features(features=[BandPower(bands={alpha: 8-13}), DifferentialEntropy(bands={gamma: 30-45})])
    """

    takes = "window"
    gives = "vector"
    features: Sequence[Stage]

    def __post_init__(self) -> None:
        features = self.features
        if isinstance(features, Stage) or not isinstance(features, Sequence) or not features:
            raise TypeError(f"features must be a list of feature stages, got {features!r}")
        for i, feature in enumerate(features):
            if not isinstance(feature, Stage) or (feature.takes, feature.gives) != ("window", "vector"):
                raise TypeError(
                    f"features[{i}] must be a stage that makes features of a window, such as BandPower(...); "
                    f"got {feature!r}"
                )
        object.__setattr__(self, "features", tuple(features))

    @property
    def nested(self) -> dict[str, Stage]:
        return dict(zip(parameter_names(self.features), self.features, strict=True))

    def with_nested(self, stages: Mapping[str, Stage]) -> Features:
        return Features(tuple(stages.values()))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.fan_out(self.nested)


@dataclass(frozen=True, eq=False, repr=False)
class LogTransform(Stage):
    """Natural logarithm of power features.

    Parameters
    ----------
    floor : float
        Smaller values count as this; in the unit of the features (uV^2, or a share).

    Examples
    --------
    >>> LogTransform()
    LogTransform()
    """

    takes = gives = "vector"
    floor: float = FLOOR_UV2

    def __post_init__(self) -> None:
        check_positive("floor", self.floor)

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.require_power(self)
        build.log(gain=1.0, offset=0.0, floor=self.floor)


@dataclass(frozen=True, eq=False, repr=False)
class RelativePower(Stage):
    """Each band's share of the channel's power over all bands; 0 where that is 0.

    Examples
    --------
    >>> RelativePower()
    RelativePower()
    """

    takes = gives = "vector"

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        build.require_power(self)
        build.relative()


def as_band_set(bands: Any) -> BandSet:
    names, edges = check_bands(bands)
    return BandSet(dict(zip(names, edges.tolist(), strict=True)))
