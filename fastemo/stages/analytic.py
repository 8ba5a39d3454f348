"""Envelope, power, phase and frequency of rhythms, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._design import analytic_bank, band_delay, butterworth
from fastemo._validate import check_in
from fastemo.bands import BandSet, check_bands
from fastemo.stages.base import Stage, check_count
from fastemo.stages.features import FLOOR_UV2

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["MEASURES", "Analytic", "check_measures", "measure_tensors"]

# In the order of the op's bits: what a measure of the stage is made of.
PLANES = ("real", "imag", "envelope", "power", "phase_cos", "phase_sin", "frequency")
MEASURES = ("real", "imag", "envelope", "power", "phase", "frequency")


@dataclass(frozen=True, eq=False, repr=False)
class Analytic(Stage):
    """Analytic signals of bands, causally: envelope, power, phase and frequency of every channel at every sample.

    Parameters
    ----------
    bands : str, mapping or sequence of (low, high)
        In Hz; the name of a set in `fastemo.BANDS`.
    measures : str or sequence of str
        Of the analytic signal z: "envelope", abs(z), in uV; "power", abs(z)^2 / 2 in uV^2, whose mean is about the band's power;
        "phase", its cosine and its sine, 0 where z is 0; "frequency", the turn of z since the sample before, in Hz;
        "real", the signal in the band, and "imag", the same a quarter of a cycle later.
    order : int
        Of the band-pass, as in `scipy.signal.butter`.
    log, db : bool
        Power as its natural logarithm, or in decibels, of at least 1e-4 uV^2.

    Notes
    -----
    What follows works on new channels, measure by measure and band by band, named "envelope__alpha:Fz". `Window` and
    `TimeDomain(["mean", "variance"])` make features of them, `Resample` thins them out.

    The filter has the poles of the Butterworth band-pass at positive frequencies only [1]_, which makes its output
    analytic without seeing the future. It is as late as that band-pass: `delays` says how much. Predictions are dated back
    by the delay of the band that is delayed the most.

    References
    ----------
    .. [1] Reilly, Frazer, Boashash, Analytic signal generation: tips and traps, 1994, doi:10.1109/78.330385.

    Examples
    --------
    >>> stage = Analytic({"alpha": (8, 13), "beta": (13, 30)}, ["envelope", "phase"])
    >>> {band: round(seconds, 3) for band, seconds in stage.delays(250).items()}
    {'alpha': 0.197, 'beta': 0.058}
    """

    takes = gives = "signal"
    bands: Any
    measures: str | Sequence[str] = "envelope"
    order: int = 4
    log: bool = False
    db: bool = False

    def __post_init__(self) -> None:
        bands, edges = check_bands(self.bands)
        object.__setattr__(self, "bands", BandSet(dict(zip(bands, edges.tolist(), strict=True))))
        check_count("order", self.order)
        object.__setattr__(self, "measures", check_measures(self.measures, self.log, self.db))

    def delays(self, sfreq: float) -> dict[str, float]:
        """Seconds by which each band is delayed at a sampling frequency, a mean weighted with the power that passes."""
        sections = self._sections(sfreq)
        return {name: band_delay(sections[name], lo, hi, sfreq) for name, (lo, hi) in self.bands.items()}

    def _sections(self, sfreq: float) -> dict[str, np.ndarray]:
        """Filters with the same poles, which take as long to fill and are as late."""
        where = "a band of Analytic"
        return {name: butterworth(sfreq, lo, hi, self.order, where) for name, (lo, hi) in self.bands.items()}

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        poles, weights, direct = analytic_bank(build.sfreq, self.bands, self.order, "Analytic")
        planes, tensors = measure_tensors(self.measures, build.sfreq, self.log, self.db)
        names = [f"{plane}__{band}:{ch}" for plane in planes for band in self.bands for ch in build.ch_names]
        build.state_bytes += 8 * len(self.bands) * len(build.ch_names) * (2 * self.order + 3)
        build.signal("analytic", names, poles=poles, weights=weights, direct=direct, **tensors)
        build._path = build._path.detected(np.array([*self._sections(build.sfreq).values()]), self.bands)


def check_measures(measures: str | Sequence[str], log: bool, db: bool) -> str | tuple[str, ...]:
    """A known measure, or each of several once; `log` and `db` are of the power."""
    names = [measures] if isinstance(measures, str) else list(measures)
    if not names:
        raise ValueError(f"measures is empty, expected some of {', '.join(MEASURES)}")
    for name in names:
        check_in("measures", name, MEASURES)
    if log and db:
        raise ValueError("log=True and db=True ask for two scales: choose one")
    if (log or db) and "power" not in names:
        raise ValueError(f'{"log" if log else "db"}=True has no meaning without "power" in measures')
    return measures if isinstance(measures, str) else tuple(dict.fromkeys(names))


def measure_tensors(
    measures: str | Sequence[str], sfreq: float, log: bool, db: bool
) -> tuple[list[str], dict[str, Any]]:
    """Planes that an op puts out, and the tensors that say so."""
    chosen = [measures] if isinstance(measures, str) else measures
    planes = [plane for plane in PLANES if plane.partition("_")[0] in chosen]
    gain = 1.0 if log else 10 / np.log(10) if db else 0.0
    bits = sum(1 << PLANES.index(plane) for plane in planes)
    return planes, {"measures": bits, "gain": gain, "floor": FLOOR_UV2, "per_radian": sfreq / (2 * np.pi)}
