"""Connectivity between pairs of channels, live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi, sqrt
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

# Independent observations; fewer are said to be few.
FEW = 10


@dataclass(frozen=True, eq=False, repr=False)
class Connectivity(Stage):
    """Connectivity between pairs of channels in each band, over the samples of the window: all pairs, or those chosen.

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
    indices : (seeds, targets), optional
        Two sequences of the same length, of names or numbers of channels (with `regions`, of those): the pairs to compute,
        by default all. Few pairs cost little: filters run on the channels in them only, and of others no product is made.
    regions : mapping of str to sequence, optional
        Names, and the channels of each by name or number, such as `{"frontal": ["F3", "Fz", "F4"], ...}`. Features are
        then means of the measures over all pairs between two regions.

    Notes
    -----
    Features are named "plv__alpha:Cz~Fz", the later channel first, or the seed of a chosen pair ("plv__alpha:frontal~parietal",
    the later region or the seed); it is the first signal x of the formulas, which matters for "cohy", "imcoh" and "dpli".

    Successive samples are not independent: a window of T seconds and a band of B Hz hold about 2 B T observations
    (with `memory`, 4 B memory). PLV and coherence of unrelated signals are about sqrt(pi / (4 N)) then, so compare them
    between windows of one length only. Fewer than 10 are noted where the pipeline is shown, and `fit` warns of them.

    Sums from which old samples are taken off collect rounding errors; every fourth window they are begun anew. An
    artefact 10 000 times as large as the signal may be felt for as long as that.

    Examples
    --------
    >>> Connectivity({"alpha": (8, 13)}, methods=["plv", "wpli"])
    Connectivity(bands={alpha: 8-13}, methods=['plv', 'wpli'])
    >>> Connectivity({"alpha": (8, 13)}, indices=(["F3", "F4"], ["P3", "P4"]))
    Connectivity(bands={alpha: 8-13}, indices=[['F3', 'F4'], ['P3', 'P4']])
    """

    takes = "window"
    gives = "vector"
    bands: Any
    methods: str | Sequence[str] = "plv"
    memory: float | None = None
    order: int = 4
    indices: Any = None
    regions: Any = None

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
        if self.regions is not None:
            object.__setattr__(self, "regions", _regions(self.regions))
        if self.indices is not None:
            object.__setattr__(self, "indices", _indices(self.indices, self.regions is not None))

    def lower(self, build: Build, fitted: Mapping[str, np.ndarray]) -> None:
        n = len(build.ch_names)
        if n < 2:
            raise ValueError(
                "Connectivity needs at least 2 channels, got 1: connectivity is between channels"
            )
        methods = [self.methods] if isinstance(self.methods, str) else self.methods
        decay = 0.0 if self.memory is None else float(np.exp(-1 / (build.sfreq * self.memory)))
        poles, weights, direct = analytic_bank(build.sfreq, self.bands, self.order, "Connectivity")
        tensors: dict[str, Any] = {"poles": poles, "weights": weights, "direct": direct, "decay": decay}
        tensors["measures"] = sum(1 << MEASURES.index(m) for m in methods)
        if self.indices is None and self.regions is None:
            pairs = [f"{a}~{b}" for i, a in enumerate(build.ch_names) for b in build.ch_names[:i]]
            build.add("cross", **tensors)
        else:
            pairs, chosen, groups = self._pairs(build.ch_names)
            used, numbers = np.unique(chosen, return_inverse=True)
            if len(used) < n:
                build.add("matrix", coef=np.eye(n)[used])
            n = len(used)
            build.add("cross_pairs", pairs=numbers.reshape(chosen.shape), groups=groups, **tensors)
        # The analytic filter has the poles of this one: it takes as long to fill, and is as late.
        where = "a band of Connectivity"
        sections = [butterworth(build.sfreq, lo, hi, self.order, where) for lo, hi in self.bands.values()]
        build.through(self.bands, np.array(sections))
        self._note_of_few(build)
        sums, samples = 4 * n * n, 0 if decay else 3 * build.length * n
        build.state_bytes += 8 * len(self.bands) * (sums if decay else 2 * sums + samples)
        ordered = [m for m in MEASURES if m in methods]
        rows = [r for m in ordered for r in (["cohy_re", "cohy_im"] if m == "cohy" else [m])]
        from fastemo._lowering import Feature

        columns = [f"{row}__{band}" for row in rows for band in self.bands]
        build.becomes([Feature(column, pair) for column in columns for pair in pairs])

    def _note_of_few(self, build: Build) -> None:
        """Says which bands hold too few independent observations of the window or of the memory."""
        seconds = build.length / build.sfreq if self.memory is None else 2 * self.memory
        held = {name: 2 * (hi - lo) * seconds for name, (lo, hi) in self.bands.items()}
        few = {name: n for name, n in held.items() if n < FEW}
        if few:
            least = min(few.values())
            what = "window" if self.memory is None else "memory"
            build.notes.append(
                f"Connectivity rests on {', '.join(f'{n:.3g} ({name})' for name, n in few.items())} independent observations: "
                f"PLV of unrelated signals is about {min(1.0, sqrt(pi / (4 * least))):.2f} there; take a longer {what} or "
                "wider bands"
            )

    def _pairs(self, ch_names: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Names of the features' pairs, pairs of channels (n, 2), and which feature each belongs to."""
        members = [(name, [i]) for i, name in enumerate(ch_names)]
        if self.regions is not None:
            members = [
                (name, [_number(c, ch_names, f"region {name!r}", "channel") for c in channels])
                for name, channels in self.regions.items()
            ]
            for name, channels in members:
                if len(set(channels)) < len(channels):
                    raise ValueError(f"region {name!r} of Connectivity holds a channel more than once")
        names = [name for name, _ in members]
        kind = "channel" if self.regions is None else "region"
        if self.indices is None:
            ends = [(a, b) for a in range(len(names)) for b in range(a)]
        else:
            seeds, targets = ([_number(v, names, "indices", kind) for v in side] for side in self.indices)
            ends = [*zip(seeds, targets)]
        pairs, groups = [], []
        for group, (a, b) in enumerate(ends):
            shared = set(members[a][1]) & set(members[b][1])
            if a == b or shared:
                what = (
                    f"the {kind} {names[a]!r} with itself"
                    if a == b
                    else (
                        f"regions {names[a]!r} and {names[b]!r}, which share channel {ch_names[min(shared)]!r}"
                    )
                )
                raise ValueError(f"Connectivity pairs {what}: leave that pair or channel out")
            between = [(i, j) for i in members[a][1] for j in members[b][1]]
            pairs += between
            groups += [group] * len(between)
        return [f"{names[a]}~{names[b]}" for a, b in ends], np.array(pairs), np.array(groups)


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _members(value: Any, where: str) -> tuple[str | int, ...]:
    """Names or numbers as a tuple of plain values."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) == 0:
        raise ValueError(f"{where} must be a sequence of names or numbers of channels, got {value!r}")
    for v in value:
        if not isinstance(v, str) and not _whole(v):
            raise ValueError(f"{where} must hold names or numbers of channels, got {v!r}")
    return tuple(v if isinstance(v, str) else int(v) for v in value)


def _regions(regions: Any) -> dict[str, tuple[str | int, ...]]:
    if not isinstance(regions, Mapping) or len(regions) < 2:
        raise ValueError(f"regions must map at least two names to channels, got {regions!r}")
    return {str(name): _members(channels, f"region {name!r}") for name, channels in regions.items()}


def _indices(indices: Any, of_regions: bool) -> tuple[tuple[str | int, ...], tuple[str | int, ...]]:
    if isinstance(indices, (str, Mapping)) or not hasattr(indices, "__len__") or len(indices) != 2:
        raise ValueError(
            f"indices must be two sequences of {'regions' if of_regions else 'channels'}, (seeds, targets), got {indices!r}"
        )
    seeds, targets = (
        _members(side, f"the {name} in indices") for name, side in zip(("seeds", "targets"), indices)
    )
    if len(seeds) != len(targets):
        raise ValueError(
            f"indices has {len(seeds)} seeds and {len(targets)} targets: expected one target per seed"
        )
    pairs = [*zip(seeds, targets)]
    if len(set(pairs)) < len(pairs):
        raise ValueError(
            f"indices holds the pair {next(p for p in pairs if pairs.count(p) > 1)} more than once"
        )
    return seeds, targets


def _number(value: str | int, names: Sequence[str], where: str, kind: str) -> int:
    if isinstance(value, str):
        if value not in names:
            check_in(f"a {kind} in {where} of Connectivity", value, names)
        return list(names).index(value)
    if not 0 <= value < len(names):
        raise ValueError(
            f"{where} of Connectivity holds {kind} {value}, expected 0 to {len(names) - 1}, or a name"
        )
    return value
