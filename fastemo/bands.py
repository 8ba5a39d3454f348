"""Frequency bands: the named sets that papers and tools use, and the check of anyone's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from fastemo._validate import check_positive, close_matches

__all__ = ["BANDS", "BandSet", "check_bands"]


class BandSet(Mapping[str, tuple[float, float]]):
    """A read-only ordered mapping of band names to (lo, hi) in Hz; a band is [lo, hi).

    It hashes, pickles and copies, so that it can be a parameter of a pipeline.

    Examples
    --------
    >>> BandSet({"alpha": (8, 13)})
    BandSet(alpha 8-13 Hz)
    """

    __slots__ = ("_bands",)

    def __init__(self, bands: Mapping[str, tuple[float, float]]) -> None:
        self._bands = {name: (float(lo), float(hi)) for name, (lo, hi) in bands.items()}

    def __getitem__(self, name: str) -> tuple[float, float]:
        return self._bands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bands)

    def __len__(self) -> int:
        return len(self._bands)

    def __hash__(self) -> int:
        return hash(frozenset(self._bands.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return BandSet, (dict(self._bands),)

    def __repr__(self) -> str:
        return f"BandSet({', '.join(f'{name} {lo:g}-{hi:g}' for name, (lo, hi) in self.items())} Hz)"


class _BandSets(Mapping[str, BandSet]):
    """The named sets; an unknown name is answered with those that exist."""

    def __init__(self, sets: Mapping[str, BandSet]) -> None:
        self._sets = dict(sets)

    def __getitem__(self, name: str) -> BandSet:
        if name not in self._sets:
            raise KeyError(_unknown(name))
        return self._sets[name]

    def __contains__(self, name: object) -> bool:
        return name in self._sets

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {bands!r}" for name, bands in self.items())


def _five(delta: float, theta: float, alpha: float, beta: float, gamma: float, top: float) -> BandSet:
    edges = (delta, theta, alpha, beta, gamma, top)
    names = ("delta", "theta", "alpha", "beta", "gamma")
    return BandSet(dict(zip(names, pairwise(edges), strict=True)))


_SEED = _five(1, 4, 8, 14, 31, 50)

#: Named band sets, in Hz.
#:
#: ``standard`` is the usual clinical division up to 45 Hz. The others are those of the source they are
#: named after: the SEED-IV/V/VII pages (``seed``), the text of the SEED paper of 2015 (``seed_2015``; its
#: bands leave gaps), the DEAP paper (``deap``; ``slow_alpha`` lies inside ``alpha``; its data stop at 45 Hz),
#: and the defaults of TorchEEG, LibEER, BrainFlow, mne-features, NeuroKit2 and Timeflux.
BANDS: Mapping[str, BandSet] = _BandSets(
    {
        "standard": _five(1, 4, 8, 13, 30, 45),
        "seed": _SEED,
        "seed_2015": BandSet(
            {"delta": (1, 3), "theta": (4, 7), "alpha": (8, 13), "beta": (14, 30), "gamma": (31, 50)}
        ),
        "deap": BandSet(
            {"theta": (4, 8), "slow_alpha": (8, 10), "alpha": (8, 12), "beta": (12, 30), "gamma": (30, 45)}
        ),
        "torcheeg": BandSet({"theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 49)}),
        "libeer": _five(0.5, 4, 8, 14, 30, 50),
        "libeer_psd": _SEED,
        "brainflow": _five(2, 4, 8, 13, 30, 45),
        "mne_features": _five(0.5, 4, 8, 13, 30, 100),
        "neurokit": _five(1, 4, 8, 13, 30, 80),
        "timeflux": BandSet({"delta": (1, 4), "theta": (4, 8), "alpha": (8, 12), "beta": (12, 30)}),
    }
)


def _unknown(name: object) -> str:
    matches = close_matches(name, BANDS)
    hint = f" (did you mean {' or '.join(map(repr, matches))}?)" if matches else ""
    if isinstance(name, str) and name in BANDS["standard"]:
        low, high = BANDS["standard"][name]
        hint = f", though bands are: pass {{{name!r}: ({low:g}, {high:g})}} for one"
    return f"no band set is called {name!r}{hint}; there are {', '.join(BANDS)}"


def check_bands(
    bands: str | Mapping[str, Sequence[float]] | Sequence[Sequence[float]], sfreq: float | None = None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and edges of frequency bands, whichever way they are given.

    Parameters
    ----------
    bands : str, mapping or sequence of pairs
        The name of a set in `BANDS`, a mapping of names to (lo, hi), or (lo, hi) pairs, named "8-14" and so
        on. Bands may overlap and may come in any order, which is kept. A band is [lo, hi) in Hz.
    sfreq : float, optional
        Sampling frequency in Hz; no band may reach beyond half of it. None leaves that unchecked.

    Returns
    -------
    names : tuple of str
    edges : ndarray of float64, shape (n_bands, 2)
        lo and hi of each band in Hz.

    Raises
    ------
    ValueError, TypeError
        An unknown set, no band, a name that is empty or occurs twice, edges that are not two finite numbers
        with 0 < lo < hi, or a band beyond sfreq / 2.

    Examples
    --------
    >>> check_bands([(8, 14), (14, 30.5)], sfreq=128)
    (('8-14', '14-30.5'), array([[ 8. , 14. ],
           [14. , 30.5]]))
    >>> check_bands("seed", sfreq=200)[0]
    ('delta', 'theta', 'alpha', 'beta', 'gamma')
    """
    nyquist = None if sfreq is None else check_positive("sfreq", sfreq, unit="Hz") / 2
    if isinstance(bands, str):
        if bands not in BANDS:
            raise ValueError(f"bands: {_unknown(bands)}")
        bands = BANDS[bands]
    items = _items(bands)
    if not items:
        raise ValueError('bands must hold at least one band, got none: for example bands="seed"')
    for name, (lo, hi) in items:
        if not (isfinite(lo) and isfinite(hi)):
            raise ValueError(f"bands: the edges of {name!r} must be finite, got {lo:g} and {hi:g} Hz")
        if lo <= 0:
            raise ValueError(
                f"bands: {name!r} must start above 0 Hz, got {lo:g}: 0 Hz is the offset, not a rhythm"
            )
        if lo >= hi:
            mend = f": write ({hi:g}, {lo:g})" if hi < lo else ""
            raise ValueError(f"bands: {name!r} must have lo < hi, got ({lo:g}, {hi:g}){mend}")
        if nyquist is not None and hi > nyquist:
            raise ValueError(
                f"bands: {name!r} reaches {hi:g} Hz, beyond the Nyquist frequency {nyquist:g} Hz of "
                f"sfreq={sfreq:g}: end it at {nyquist:g} Hz or below"
            )
    names = tuple(name for name, _ in items)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"bands must have different names, got {', '.join(map(repr, twice))} more than once")
    return names, np.array([edges for _, edges in items])


def _items(bands: Any) -> list[tuple[str, tuple[float, float]]]:
    wanted = "the name of a set, a mapping of names to (lo, hi), or a sequence of (lo, hi) pairs"
    if isinstance(bands, Mapping):
        for name in bands:
            if not isinstance(name, str) or not name or "\n" in name:
                raise TypeError(f"bands: a name must be a non-empty string of one line, got {name!r}")
        return [(name, _pair(repr(name), edges)) for name, edges in bands.items()]
    if not isinstance(bands, (Sequence, np.ndarray)) or isinstance(bands, bytes) or np.ndim(bands) == 0:
        raise TypeError(f"bands must be {wanted}; got {type(bands).__name__}")
    pairs = [_pair(f"number {i}", edges) for i, edges in enumerate(bands)]
    return [(f"{lo:g}-{hi:g}", (lo, hi)) for lo, hi in pairs]


def _pair(which: str, edges: Any) -> tuple[float, float]:
    try:
        lo, hi = edges
        if isinstance(edges, (str, bytes)) or isinstance(lo, bool) or isinstance(hi, bool):
            raise TypeError
        return float(lo), float(hi)
    except (TypeError, ValueError):
        raise TypeError(
            f"bands: band {which} must be a pair (lo, hi) in Hz such as (8, 14), got {edges!r}"
        ) from None
