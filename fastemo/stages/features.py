"""Features of a window: power and differential entropy by band and channel, side by side or combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._design import butterworth
from fastemo._validate import check_in, check_positive
from fastemo.bands import BandSet, check_bands
from fastemo.stages.base import Stage, check_count, parameter_names

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["BandPower", "DifferentialEntropy", "Features", "LogTransform", "RelativePower"]

# (0.01 uV)^2: below the noise of any amplifier, so that a flat channel gives a number and not minus infinity.
FLOOR_UV2 = 1e-4
# The floor of a share of the whole power.
FLOOR_SHARE = 1e-12


class _BandFeature(Stage):
    """A feature with one value per band and channel, by a filter bank or by FFT."""

    takes = "window"
    gives = "vector"
    bands: Any
    order: int

    def _check(self) -> None:
        object.__setattr__(self, "bands", _as_band_set(self.bands))
        check_count("order", self.order)

    def _bank(self, build: Build) -> None:
        sos = []
        for name, (low, high) in self.bands.items():
            where = f"the band {name!r} of {type(self).__name__}"
            sos.append(butterworth(build.sfreq, low, high, self.order, where))
        build.bank_power(self.bands, np.array(sos))

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
    method : {"fft", "filterbank"}
        "fft": the one-sided periodogram of the tapered window, summed over the band's bins times their
        spacing. "filterbank": a causal Butterworth band-pass of the continuous signal, the mean of its square
        over the window.
    relative : bool
        Divide by the sum over the bands of the channel.
    log : bool
        Natural logarithm, of at least 1e-4 uV^2 (a share: 1e-12).
    order : int
        Of the filter bank, as in `scipy.signal.butter`.
    taper : str or tuple
        For "fft": a window of `scipy.signal.get_window`.
    detrend : {"constant", False}
        For "fft": whether the mean of the window is taken off first.

    Notes
    -----
    For stationary signals both methods estimate the same power; the filter bank costs O(1) per sample and
    band whatever the window's length, and its time resolution is finer for fast bands.

    Examples
    --------
    >>> BandPower("standard", log=True)
    BandPower(bands={delta: 1-4, theta: 4-8, alpha: 8-13, beta: 13-30, gamma: 30-45}, log=True)
    """

    bands: Any
    method: str = "fft"
    relative: bool = False
    log: bool = False
    order: int = 4
    taper: Any = "hann"
    detrend: str | bool = "constant"

    def __post_init__(self) -> None:
        self._check()
        check_in("method", self.method, ("fft", "filterbank"))
        check_in("detrend", self.detrend, ("constant", False))
        if isinstance(self.taper, list):
            object.__setattr__(self, "taper", tuple(self.taper))
        if self.method == "fft":
            self._only_with("method", "filterbank", "order")
        else:
            self._only_with("method", "fft", "taper", "detrend")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        if self.method == "fft":
            build.fft_power(self.bands, self.taper, detrend=self.detrend == "constant")
        else:
            self._bank(build)
        if self.relative:
            RelativePower().lower(build, {})
        if self.log:
            LogTransform(floor=FLOOR_SHARE if self.relative else FLOOR_UV2).lower(build, {})


@dataclass(frozen=True, eq=False, repr=False)
class DifferentialEntropy(_BandFeature):
    """Differential entropy of each channel in each band, in nats: 1/2 ln(2 pi e s^2), s^2 the power in uV^2.

    Parameters
    ----------
    bands : str, mapping or sequence of (low, high)
        In Hz, [low, high); the name of a set in `fastemo.BANDS`.
    definition : {"gauss", "spectral"}
        "gauss": s^2 is the mean square over the window of a causal Butterworth band-pass (no mean removed).
        "spectral": s^2 is the one-sided band power of the window under a Hann taper.
    order : int
        Of the filter bank of "gauss", as in `scipy.signal.butter`.

    Notes
    -----
    s^2 is at least 1e-4 uV^2 ((0.01 uV)^2), so that a flat channel gives -3.19 and not minus infinity. The
    formula is exact for Gaussian signals [1]_.

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
    order: int = 4

    def __post_init__(self) -> None:
        self._check()
        check_in("definition", self.definition, ("gauss", "spectral"))
        if self.definition == "spectral":
            self._only_with("definition", "gauss", "order")

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        if self.definition == "gauss":
            self._bank(build)
        else:
            build.fft_power(self.bands, "hann", detrend=True)
        build.log(gain=0.5, offset=0.5 * np.log(2 * np.pi * np.e), floor=FLOOR_UV2)


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


def _as_band_set(bands: Any) -> BandSet:
    names, edges = check_bands(bands)
    return BandSet(dict(zip(names, edges.tolist(), strict=True)))
