"""Where electrodes are: 10-10 positions on the unit sphere and the region of the head each one covers.

x points to the right ear, y to the nose, z up. Electrodes lie on rings: Fpz, T7, Oz and T8 are 92 degrees
from the vertex, steps along the midline are 23 degrees and steps along the ring 18 degrees (the 10 % steps
of the standard system, Oostenveld & Praamstra 2001, doi:10.1016/S1388-2457(00)00527-7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from fastemo._validate import close_matches

__all__ = [
    "MONTAGES",
    "REGIONS",
    "electrode_name",
    "electrode_positions",
    "frontal_posterior_pairs",
    "hemisphere_pairs",
    "region_groups",
    "region_of",
]

#: Usual channel sets: the 10-20 system, 32 channels of the 10-10 system, and two consumer headsets.
MONTAGES: dict[str, tuple[str, ...]] = {
    "19": (
        "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8",
        "P7", "P3", "Pz", "P4", "P8", "O1", "O2",
    ),
    "32": (
        "Fp1", "AF3", "F7", "F3", "FC1", "FC5", "T7", "C3", "CP1", "CP5", "P7", "P3", "Pz", "PO3", "O1", "Oz",
        "O2", "PO4", "P4", "P8", "CP6", "CP2", "C4", "T8", "FC6", "FC2", "F4", "F8", "AF4", "Fp2", "Fz", "Cz",
    ),
    "insight": ("AF3", "AF4", "T7", "T8", "Pz"),
    "epoc": ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"),
}  # fmt: skip

_LOBES = {
    "NZ": "frontal", "FP": "frontal", "AF": "frontal", "F": "frontal",
    "FC": "central", "C": "central", "CP": "central",
    "FT": "temporal", "T": "temporal", "TP": "temporal",
    "P": "parietal",
    "PO": "occipital", "O": "occipital", "I": "occipital", "CB": "occipital",
}  # fmt: skip

#: Every answer of `region_of`, front to back and left to right.
REGIONS = (
    *(f"{lobe} {side}" for lobe in ("frontal", "central") for side in ("left", "midline", "right")),
    "temporal left",
    "temporal right",
    *(f"{lobe} {side}" for lobe in ("parietal", "occipital") for side in ("left", "midline", "right")),
    "other",
)

# Rows front to back: the letters at the ring, between ring and midline, and where the row crosses the midline
# in steps of 23 degrees forward of the vertex.
_ROWS = (
    ("AF", "AF", 3), ("F", "F", 2), ("FT", "FC", 1), ("T", "C", 0),
    ("TP", "CP", -1), ("P", "P", -2), ("PO", "PO", -3),
)  # fmt: skip
_STEP, _ALONG, _RING = np.radians(23.0), np.radians(18.0), np.radians(92.0)

# Old names of the 10-20 system, ear lobes at the nearest mastoid sites, and SEED's cerebellar pair.
_SYNONYMS = {
    "T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8",
    "M1": "TP9", "M2": "TP10", "A1": "TP9", "A2": "TP10", "CB1": "PO9", "CB2": "PO10",
}  # fmt: skip

_DECORATION = re.compile(r"^EEG[\s_:-]*|[\s_-]*(REF|LE|AVG|CLE)$|\.+$", re.IGNORECASE)


@cache
def _positions() -> dict[str, np.ndarray]:
    """Unit vectors by upper-case name."""
    out: dict[str, np.ndarray] = {}

    def place(name: str, inclination: float, azimuth: float) -> None:
        s = np.sin(inclination)
        out[name] = np.array([s * np.sin(azimuth), s * np.cos(azimuth), np.cos(inclination)])

    for k, name in enumerate(("CZ", "FCZ", "FZ", "AFZ", "FPZ", "NZ")):
        place(name, k * _STEP, 0.0)
    for k, name in enumerate(("CPZ", "PZ", "POZ", "OZ", "IZ"), 1):
        place(name, k * _STEP, np.pi)
    for side, parity in ((-1, 1), (1, 0)):
        for name, azimuth in (("FP", _ALONG), ("O", np.pi - _ALONG)):
            place(f"{name}{2 - parity}", _RING, side * azimuth)
        for outer, inner, step in _ROWS:
            azimuth = side * (np.pi / 2 - step * _ALONG)
            place(f"{outer}{8 - parity}", _RING, azimuth)
            place(f"{outer}{10 - parity}", _RING + _STEP, azimuth)
            middle = out[f"{inner}Z"]
            for k in (1, 2, 3):
                name = f"{inner}{2 * k - parity}"
                out[name] = _along_row(middle, out[f"{outer}{8 - parity}"], k / 4)
    return out


def _along_row(middle: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """A point on the circle through `middle`, `end` and the mirror image of `end`, towards `end`."""
    chord = end * [0, 1, 1] - middle
    half_width, sag = abs(end[0]), np.linalg.norm(chord)
    radius = (half_width**2 + sag**2) / (2 * sag)
    down = chord / sag
    angle = share * np.arctan2(half_width, radius - sag)
    across = np.array([np.sign(end[0]), 0.0, 0.0])
    return middle + radius * (1 - np.cos(angle)) * down + radius * np.sin(angle) * across


def electrode_name(ch_name: str) -> str:
    """A channel's electrode in upper case, without what recorders add to it.

    Examples
    --------
    >>> [electrode_name(name) for name in ("EEG Fp1-Ref", "Fc5.", "T3", "A2-A1")]
    ['FP1', 'FC5', 'T7', 'A2-A1']
    """
    name = str(ch_name).strip()
    while (shorter := _DECORATION.sub("", name).strip()) != name:
        name = shorter
    name = name.upper()
    return _SYNONYMS.get(name, name)


def electrode_positions(ch_names: Iterable[str], unknown: str = "raise") -> np.ndarray:
    """Positions of electrodes on the unit sphere.

    Parameters
    ----------
    ch_names : iterable of str
        Names of the 10-20 or 10-10 system in any case, with or without "EEG" and a reference.
    unknown : {"raise", "nan"}
        What to do with other names.

    Returns
    -------
    ndarray of float64, shape (n_channels, 3)
        x right, y front, z up.

    Raises
    ------
    ValueError
        A channel that is not of the 10-10 system, unless `unknown` is "nan".

    Examples
    --------
    >>> electrode_positions(["Cz", "T8"]).round(2) + 0.0
    array([[ 0.  ,  0.  ,  1.  ],
           [ 1.  ,  0.  , -0.03]])
    """
    if unknown not in ("raise", "nan"):
        raise ValueError(f"unknown must be 'raise' or 'nan', got {unknown!r}")
    known = _positions()
    names = list(ch_names)
    missing = [name for name in names if electrode_name(name) not in known]
    if missing and unknown == "raise":
        near = close_matches(electrode_name(missing[0]), known)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise ValueError(
            f"ch_names: {missing[0]!r} is not an electrode of the 10-10 system{hint}; "
            "rename it or leave it out"
        )
    nowhere = np.full(3, np.nan)
    return np.array([known.get(electrode_name(name), nowhere) for name in names]).reshape(-1, 3)


def region_of(ch_name: str) -> str:
    """The region of the head that a channel lies over: one of `REGIONS`.

    Frontal is Fp, AF and F; central FC, C and CP; temporal FT, T and TP; parietal P; occipital PO, O and I.
    Odd numbers are left, even ones right. A name that is not of the 10-10 system is "other".

    Examples
    --------
    >>> [region_of(name) for name in ("F3", "Cz", "EEG T4-Ref", "Oz", "ECG")]
    ['frontal left', 'central midline', 'temporal right', 'occipital midline', 'other']
    """
    name = electrode_name(ch_name)
    match = re.fullmatch(r"([A-Z]+?)(Z|\d+)", name)
    if match is None or name not in _positions():
        return "other"
    lobe = _LOBES["NZ" if name == "NZ" else match[1]]
    side = "midline" if match[2] == "Z" else "left" if int(match[2]) % 2 else "right"
    return f"{lobe} {side}"


def region_groups(ch_names: Sequence[str]) -> dict[str, list[int]]:
    """Channel indices by region, in the order of `REGIONS`; regions without a channel are left out."""
    found = [region_of(name) for name in ch_names]
    return {region: [i for i, r in enumerate(found) if r == region] for region in REGIONS if region in found}


_SITE = re.compile(r"([A-Z]+?)(Z|[0-9]+)")

# Rows behind the central one, from the rows before it; SEED's cap has a cerebellar pair behind AF3 and AF4.
_BEHIND = {"FP": ("O",), "AF": ("CB", "PO"), "F": ("P",), "FC": ("CP",), "FT": ("TP",)}
_CEREBELLAR = {"3": "1", "4": "2"}


def hemisphere_pairs(ch_names: Sequence[str]) -> list[tuple[str, str]]:
    """Left channels with their homologues on the right: an odd number with the next even one of its row.

    In the order of the left channels; SEED's 62 give its 27 pairs.

    Examples
    --------
    >>> hemisphere_pairs(MONTAGES["insight"])
    [('AF3', 'AF4'), ('T7', 'T8')]
    """
    sites = _sites(ch_names)
    pairs = []
    for (row, place), name in sites.items():
        if place != "Z" and int(place) % 2 == 1 and (row, str(int(place) + 1)) in sites:
            pairs.append((name, sites[row, str(int(place) + 1)]))
    return pairs


def frontal_posterior_pairs(ch_names: Sequence[str]) -> list[tuple[str, str]]:
    """Frontal channels with those as far behind the middle: Fp-O, AF-PO, F-P, FC-CP, FT-TP, of the same number.

    In the order of the frontal channels; SEED's 62 give its 23 pairs, for AF3 and AF4 with CB1 and CB2.

    Examples
    --------
    >>> frontal_posterior_pairs(["Fp1", "Fz", "F4", "Pz", "P4", "O1"])
    [('Fp1', 'O1'), ('Fz', 'Pz'), ('F4', 'P4')]
    """
    sites = _sites(ch_names)
    pairs = []
    for (row, place), name in sites.items():
        for behind in _BEHIND.get(row, ()):
            at = (behind, _CEREBELLAR.get(place, "") if behind == "CB" else place)
            if at in sites:
                pairs.append((name, sites[at]))
                break
    return pairs


def _sites(ch_names: Sequence[str]) -> dict[tuple[str, str], str]:
    """Channels by row and place of their electrodes."""
    sites: dict[tuple[str, str], str] = {}
    for ch_name in ch_names:
        name = str(ch_name).strip()
        while (shorter := _DECORATION.sub("", name).strip()) != name:
            name = shorter
        name = name.upper()
        found = _SITE.fullmatch(name if name.startswith("CB") else _SYNONYMS.get(name, name))
        if found:
            sites.setdefault((found[1], found[2]), ch_name)
    return sites
