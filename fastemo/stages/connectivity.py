"""Connectivity between all pairs of channels, live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastemo._design import analytic_bank, butterworth
from fastemo._validate import check_in, check_positive
from fastemo.bands import BandSet, check_bands
from fastemo.reference.connectivity import MEASURES, PER_SAMPLE
from fastemo.stages.base import Stage, check_count

if TYPE_CHECKING:
    from fastemo._lowering import Build

__all__ = ["Connectivity"]


@dataclass(frozen=True, eq=False, repr=False)
class Connectivity(Stage):
    """Connectivity between all pairs of channels in each band, over the samples of the window.

    A causal filter per band makes analytic signals of the continuous stream; sums over their products move along with
    the window, so that a hop costs what its own samples cost, however long the window is.

    Parameters
    ----------
    bands : str, mapping or sequence of (low, high)
        In Hz, [low, high); the name of a set in `fastemo.BANDS`.
    methods : str or sequence of str
        Of "coh", "cohy" (two features per pair, real and imaginary part), "imcoh", "plv", "ciplv", "pli", "dpli",
        "wpli"; docs/connectivity.md has the formulas.
    memory : float, optional
        Time constant in seconds of an exponential memory that takes the place of the window: a sample counts
        exp(-age / memory). The window then only says when there is a prediction.
    order : int
        Of the filter bank, as in `scipy.signal.butter`.

    Notes
    -----
    Features are named "plv__alpha:Cz~Fz", the later channel first; it is the first signal x of the formulas, which
    matters for "cohy", "imcoh" and "dpli".

    Successive samples are not independent: a window of T seconds and a band of B Hz hold about 2 B T observations
    (with `memory`, 4 B memory). PLV and coherence of unrelated signals are about sqrt(pi / (4 N)) then, so compare them
    between windows of one length only.

    Sums from which old samples are taken off collect rounding errors; every fourth window they are begun anew. An
    artefact 10 000 times as large as the signal may be felt for as long as that.

    Examples
    --------
    >>> Connectivity({"alpha": (8, 13)}, methods=["plv", "wpli"])
    Connectivity(bands={alpha: 8-13}, methods=['plv', 'wpli'])
    """

    takes = "window"
    gives = "vector"
    bands: Any
    methods: str | Sequence[str] = "plv"
    memory: float | None = None
    order: int = 4

    def __post_init__(self) -> None:
        bands, edges = check_bands(self.bands)
        object.__setattr__(self, "bands", BandSet(dict(zip(bands, edges.tolist(), strict=True))))
        check_count("order", self.order)
        if self.memory is not None:
            check_positive("memory", self.memory, unit="seconds")
        names = [self.methods] if isinstance(self.methods, str) else list(self.methods)
        if not names:
            raise ValueError(f"methods is empty, expected some of {', '.join(PER_SAMPLE)}")
        for name in names:
            if name in MEASURES and name not in PER_SAMPLE:
                raise ValueError(
                    f"methods holds {name!r}, which needs independent observations; successive samples are none: "
                    f"use some of {', '.join(PER_SAMPLE)}"
                )
            check_in("methods", name, PER_SAMPLE)
        if not isinstance(self.methods, str):
            object.__setattr__(self, "methods", tuple(dict.fromkeys(names)))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        n = len(build.ch_names)
        if n < 2:
            raise ValueError(
                "Connectivity needs at least 2 channels, got 1: connectivity is between channels"
            )
        methods = [self.methods] if isinstance(self.methods, str) else self.methods
        decay = 0.0 if self.memory is None else float(np.exp(-1 / (build.sfreq * self.memory)))
        poles, weights, direct = analytic_bank(build.sfreq, self.bands, self.order, "Connectivity")
        bits = sum(1 << MEASURES.index(m) for m in methods)
        build.add("cross", poles=poles, weights=weights, direct=direct, measures=bits, decay=decay)
        # The analytic filter has the poles of this one: it takes as long to fill, and is as late.
        where = "a band of Connectivity"
        sections = [butterworth(build.sfreq, lo, hi, self.order, where) for lo, hi in self.bands.values()]
        build.through(self.bands, np.array(sections))
        sums, samples = 4 * n * n, 0 if decay else 3 * build.length * n
        build.state_bytes += 8 * len(self.bands) * (sums if decay else 2 * sums + samples)
        ordered = [m for m in MEASURES if m in methods]
        rows = [r for m in ordered for r in (["cohy_re", "cohy_im"] if m == "cohy" else [m])]
        pairs = [f"{a}~{b}" for i, a in enumerate(build.ch_names) for b in build.ch_names[:i]]
        from fastemo._lowering import Feature

        columns = [f"{row}__{band}" for row in rows for band in self.bands]
        build.becomes([Feature(column, pair) for column in columns for pair in pairs])
