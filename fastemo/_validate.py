"""Argument checks that everybody uses: what was got, what is wanted, how to mend it, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "UV_PER_UNIT",
    "check_array_2d",
    "check_channels",
    "check_finite",
    "check_in",
    "check_positive",
    "check_sfreq_match",
    "check_span",
    "check_unit",
    "close_matches",
    "n_samples_of",
]

# "1" is data without a unit (simulated scores, z-scores): taken as it is.
UV_PER_UNIT = {"uV": 1.0, "mV": 1e3, "V": 1e6, "1": 1.0}

SPREAD_LIMITS_UV = (1e-3, 1e4)
TYPICAL_SPREAD_UV = 5.0
MIN_DIFFERENCES = 16
MAX_DIFFERENCES = 2_000


def check_positive(name: str, value: Any, *, zero: bool = False, unit: str = "") -> float:
    """`value` as a finite float above zero (`zero=True`: or zero); `unit` is only for the message."""
    wanted = "a finite number of at least 0" if zero else "a finite number above 0"
    wanted += f" ({unit})" if unit else ""
    if isinstance(value, (bool, np.bool_, str, bytes)):
        raise TypeError(f"{name} must be {wanted}, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {wanted}, got {value!r}") from None
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return number


def close_matches(value: Any, allowed: Iterable[Any]) -> list[str]:
    """Up to three of `allowed` that look like `value`, whatever the case."""
    from difflib import get_close_matches

    by_lower = {str(a).lower(): str(a) for a in allowed}
    return [by_lower[m] for m in get_close_matches(str(value).lower(), by_lower, n=3, cutoff=0.6)]


def _did_you_mean(value: Any, allowed: Iterable[Any]) -> str:
    matches = close_matches(value, allowed)
    return f" (did you mean {' or '.join(map(repr, matches))}?)" if matches else ""


def check_in(name: str, value: Any, allowed: Iterable[Any]) -> Any:
    """`value`, if it is one of `allowed`; the error names close matches."""
    allowed = list(allowed)
    plain = value.item() if isinstance(value, np.generic) else value
    if not any(type(plain) is type(a) and plain == a for a in allowed):
        choices = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} must be one of {choices}; got {value!r}{_did_you_mean(value, allowed)}")
    return plain


# Of the names in a sentence: the 10-20 system and more.
MOST_SHOWN = 40


def check_channels(
    wanted: Sequence[str], available: Sequence[str], where: str = "the recording"
) -> list[int]:
    """Indices of the `wanted` channels among those `available`, in the order wanted."""
    position = {name: i for i, name in enumerate(available)}
    missing = [name for name in wanted if name not in position]
    if missing:
        named = _listed([f"{name!r}{_did_you_mean(name, available)}" for name in missing])
        raise ValueError(f"{where} has no channel {named}; its channels are {_listed(available)}")
    return [position[name] for name in wanted]


def _listed(names: Sequence[Any]) -> str:
    """All names, or so many as can be read."""
    shown = ", ".join(map(str, names[:MOST_SHOWN]))
    return shown if len(names) <= MOST_SHOWN else f"{shown}, ... ({len(names)} in all)"


def check_sfreq_match(got: float, wanted: float, where: str = "the recording") -> None:
    """Refuses a sampling frequency other than the one wanted (relative tolerance 1e-6)."""
    if abs(got - wanted) > 1e-6 * wanted:
        raise ValueError(
            f"{where} has sfreq {got:g} Hz, expected {wanted:g} Hz: resample it, or use sfreq={got:g}"
        )


def check_array_2d(name: str, x: Any, n_channels: int | None = None) -> np.ndarray:
    """`x` as a native float32 or float64 array (n_channels, n_samples), without a copy if it is one."""
    if np.ma.isMaskedArray(x):
        raise TypeError(f"{name} is a masked array, expected a plain one: use {name}.filled(np.nan)")
    x = np.asarray(x)
    if x.ndim != 2:
        raise ValueError(f"{name} must have 2 dimensions (n_channels, n_samples), got shape {x.shape}")
    if 0 in x.shape:
        raise ValueError(f"{name} must hold at least one channel and one sample, got shape {x.shape}")
    if n_channels is not None and x.shape[0] != n_channels:
        hint = ": the samples come first, transpose it" if x.shape[1] == n_channels else ""
        raise ValueError(f"{name} must have {n_channels} channels (rows), got shape {x.shape}{hint}")
    if x.dtype.kind in "iu":
        return x.astype(np.float64)
    if x.dtype.kind != "f" or x.dtype.itemsize > 8:
        raise TypeError(f"{name} must be float32 or float64, got dtype {x.dtype}: use {name}.astype(float)")
    dtype = np.float64 if x.dtype.itemsize == 8 else np.float32
    return x.astype(dtype, copy=False)


def check_finite(name: str, x: np.ndarray) -> np.ndarray:
    """`x`, if it holds no NaN and no infinity; the error says how many and where the first is."""
    bad = ~np.isfinite(x)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must be finite, got {int(bad.sum())} NaN or infinite values (the first at index {first})"
        )
    return x


def n_samples_of(name: str, seconds: Any, sfreq: float) -> int:
    """A length of time as the nearest whole number of samples, at least one."""
    value = check_positive(name, seconds, unit="seconds")
    n = round(value * sfreq)
    if n < 1:
        raise ValueError(
            f"{name} must be at least one sample ({1 / sfreq:g} s at {sfreq:g} Hz), got {value:g} s"
        )
    return n


def check_span(
    start: float | None, stop: float | None, n_samples: int, sfreq: float, where: str = "the recording"
) -> tuple[int, int]:
    """First sample, and the one after the last, of a stretch in seconds; None is the start or the end."""
    first = 0 if start is None else round(check_positive("start", start, zero=True, unit="seconds") * sfreq)
    last = n_samples if stop is None else round(check_positive("stop", stop, unit="seconds") * sfreq)
    for name, value, limit in (("start", start, first < n_samples), ("stop", stop, last <= n_samples)):
        if not limit:
            raise ValueError(
                f"{name}={value:g} s is beyond the end of {where}, which lasts {n_samples / sfreq:g} s"
            )
    if last <= first:
        raise ValueError(f"stop must be later than start, got start={start}, stop={stop}")
    return first, last


def _spread_uv(data: np.ndarray, unit: str) -> float | None:
    """Median over live channels of the robust spread of the first differences in uV; None if none is live."""
    starts = np.arange(0, data.shape[1] - 1, max(1, (data.shape[1] - 1) // MAX_DIFFERENCES))
    spreads = []
    for row in data:
        with np.errstate(invalid="ignore"):
            d = row[starts + 1].astype(np.float64) - row[starts]
        d = d[np.isfinite(d) & (d != 0)]  # zeros are flat stretches, not signal
        if len(d) < MIN_DIFFERENCES:
            continue
        spread = 1.4826 * np.median(np.abs(d - np.median(d)))
        if spread > 0:
            spreads.append(spread)
    return float(np.median(spreads)) * UV_PER_UNIT[unit] if spreads else None


def check_unit(data: np.ndarray, unit: str, *, where: str = "data", claimed: str | None = None) -> None:
    """Refuses data whose size cannot be EEG in `unit`: mostly volts taken for microvolts or the reverse.

    The measure is the median over live channels of 1.4826 times the median absolute deviation of the first
    differences. Constant offsets vanish in it, differences that are exactly zero (flat ends, held samples)
    are left out, and a channel without at least 16 others is not live. It must lie within 1e-3..1e4 uV; EEG
    is about 0.1 to 100. Nothing is refused when no channel is live, nor for unit "1".

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
    unit : {"uV", "mV", "V", "1"}
    where : str
        What the message calls the data.
    claimed : {"uV", "mV", "V"}, optional
        The unit they were taken to have, if they have been converted to `unit` since.

    Raises
    ------
    ValueError
        Names the unit that fits the data.

    Examples
    --------
    >>> import numpy as np
    >>> volts = np.random.default_rng(0).normal(size=(2, 500)) * 1e-5
    >>> check_unit(volts, "V")
    >>> check_unit(volts, "uV")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: data cannot be EEG in uV: ... it looks like V taken for uV: ...
    """
    check_in("unit", unit, UV_PER_UNIT)
    spread = None if unit == "1" else _spread_uv(data, unit)
    low, high = SPREAD_LIMITS_UV
    if spread is None or low <= spread <= high:
        return
    claimed = claimed or unit
    number = spread / UV_PER_UNIT[claimed]
    units = ("uV", "mV", "V")
    likely = min(units, key=lambda u: abs(np.log(number * UV_PER_UNIT[u] / TYPICAL_SPREAD_UV)))
    guess = f'it looks like {likely} taken for {claimed}: correct the unit (unit="{likely}")'
    if likely == claimed:
        guess = "no unit fits it: check its scale"
    raise ValueError(
        f"{where} cannot be EEG in {claimed}: successive samples differ by {spread:.3g} uV (robust spread), "
        f"expected {low:g} to {high:g}; {guess}, or check_unit=False to take it as it is"
    )
