"""What a spectrum of segments asks of the core, and what of SciPy."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastemo._backend import core
from fastemo.signal._arrays import floats, is_smooth, sliced, whole

__all__ = ["Asked", "asked_of", "pair_of"]

# From this length on SciPy's transform is faster where there is a large prime factor.
_LONG_PRIME = 100_000

_DETRENDS = {False: 0, None: 0, "constant": 1, "c": 1, "linear": 2, "l": 2}


class Asked(NamedTuple):
    """What a call asks of the core."""

    plan: Any
    frequencies: np.ndarray
    segments: tuple[np.ndarray, int, int, int, int]  # signals, axis, first sample, hop, number of segments
    first_centre: float
    two_sided: bool
    n_samples: int  # of a segment

    @property
    def signals(self) -> np.ndarray:
        return self.segments[0]

    @property
    def n_segments(self) -> int:
        return self.segments[4]

    def sided(self, bins: Any, axis: int) -> Any:
        """One side of a spectrum as both, where both are wanted; what is not an array stays as it is."""
        if not self.two_sided or bins is NotImplemented:
            return bins
        n_fft = len(self.frequencies)
        negative = np.flip(sliced(bins, axis, 1, (n_fft + 1) // 2), axis)
        return np.concatenate([bins, negative.conj() if np.iscomplexobj(bins) else negative], axis)

    def times(self, fs: float, shift: float = 0) -> np.ndarray:
        """Centres of the segments in seconds, `shift` samples earlier."""
        return (self.first_centre - shift + self.segments[3] * np.arange(self.n_segments)) / float(fs)


def asked_of(
    x: Any,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    detrend: Any,
    return_onesided: Any,
    scaling: Any,
    axis: Any,
    *,
    kind: str = "power",
    boundary: bool = False,
    padded: bool = False,
    stacklevel: int = 4,
) -> Asked | None:
    """None where SciPy must do it, or say what is wrong.

    `kind` is what the bins are scaled to: "power"; "amplitude", its root but for the doubling of one side; or
    "cross", its root.
    """
    arrays = floats(x, at_least=np.float32)
    along = axis if type(axis) is int else whole(axis)
    if core is None or arrays is None or not isinstance(along, int):
        return None
    signals = arrays[0]
    if (
        not -signals.ndim <= along < signals.ndim
        or signals.size == 0
        or (signals is not x and getattr(x, "dtype", None) == np.float16)
    ):
        return None
    n = signals.shape[along]
    options = (
        n,
        fs,
        window,
        nperseg,
        noverlap,
        nfft,
        detrend,
        return_onesided,
        scaling,
        kind,
        boundary,
        padded,
    )
    layout = None
    if type(window) in (str, tuple) and type(nperseg) in (int, type(None)) and (nperseg or 256) <= n:
        try:
            layout = _kept_layout(*options)
        except TypeError:  # something has no hash
            layout = _layout(*options)
    else:
        layout = _layout(*options, stacklevel + 1)
    if layout is None:
        return None
    plan, frequencies, start, hop, n_segments, first_centre, two_sided, length = layout
    stop = start + hop * (n_segments - 1) + length
    if _DETRENDS[detrend] == 2 and not np.isfinite(sliced(signals, along, 0, stop)).all():
        raise ValueError(
            f"detrend={detrend!r} fits lines and takes finite samples only, but x has infs or NaNs"
        )
    return Asked(plan, frequencies, (signals, along, start, hop, n_segments), first_centre, two_sided, length)


def _layout(
    n: int,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    detrend: Any,
    return_onesided: Any,
    scaling: Any,
    kind: str,
    boundary: bool,
    padded: bool,
    stacklevel: int = 5,
) -> tuple[Any, np.ndarray, int, int, int, float, bool, int] | None:
    """All but the signals."""
    length, name = _length(window, nperseg, n, stacklevel)
    if length is None:
        return None
    try:
        overlap = {None: length // 2, "eighth": length // 8}.get(noverlap, noverlap)
        overlap = int(overlap)
        n_fft = length if nfft is None else int(nfft)
        trend = _DETRENDS[detrend]
        rate = float(fs)
    except (TypeError, ValueError, KeyError):
        return None
    if not 0 <= overlap < length or n_fft < length or scaling not in ("density", "spectrum") or not rate > 0:
        return None
    hop, start, size = length - overlap, 0, n
    if boundary:
        start, size = -(length // 2), n + 2 * (length // 2)
    if padded:
        size += (-(size - length) % hop) % length
    n_segments = (size - overlap) // hop
    if size < length or n_segments < 1 or (n_fft >= _LONG_PRIME and not is_smooth(n_fft)):
        return None
    two_sided = not return_onesided
    options = (length, n_fft, trend, rate, scaling, kind, two_sided)
    plan, frequencies = _make_plan(np.asarray(window), *options) if name is None else _plan(name, *options)
    return plan, frequencies, start, hop, n_segments, 0.0 if boundary else length / 2, two_sided, length


_kept_layout = lru_cache(maxsize=64)(_layout)


def pair_of(x: Any, y: Any, options: tuple[Any, ...]) -> tuple[Asked, Asked] | None:
    """The same of two arrays whose axes but that of time broadcast; zeros fill up the shorter."""
    x, y = _equally_long(x, y, options[-1])
    first = asked_of(x, *options, kind="cross", stacklevel=5)
    other = None if first is None else asked_of(y, *options, kind="cross", stacklevel=5)
    if first is None or other is None or first.signals.ndim != other.signals.ndim:
        return None
    axis = first.segments[1]
    if first.signals.shape[axis] != other.signals.shape[axis]:
        return None
    try:
        np.broadcast_shapes(first.signals.shape, other.signals.shape)
    except ValueError:
        return None
    return first, other


def _equally_long(x: Any, y: Any, axis: Any) -> tuple[Any, Any]:
    along = whole(axis)
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray) or not isinstance(along, int):
        return x, y
    if 0 in (x.size, y.size) or not all(-a.ndim <= along < a.ndim for a in (x, y)):
        return x, y
    n = max(x.shape[along], y.shape[along])
    return _filled(x, along, n), _filled(y, along, n)


def _filled(x: np.ndarray, axis: int, n: int) -> np.ndarray:
    if x.shape[axis] == n:
        return x
    width = [(0, 0)] * x.ndim
    width[axis] = (0, n - x.shape[axis])
    return np.pad(x, width)


def _length(window: Any, nperseg: Any, n: int, stacklevel: int) -> tuple[int | None, Any]:
    """Samples per segment (None: ask SciPy) and the window if it is a name; warns as SciPy where it must shorten."""
    try:
        length = None if nperseg is None else int(nperseg)
        if isinstance(window, (str, tuple)):
            hash(window)
            length = 256 if length is None else length
            if length < 1:
                return None, None
            if length > n:
                message = f"nperseg={length} is greater than the {n} samples of x, using nperseg = {n}"
                warnings.warn(message, stacklevel=stacklevel)
                length = n
            return length, window
        values = np.asarray(window)
        if values.ndim != 1 or values.dtype.kind not in "iuf" or not 0 < len(values) <= n:
            return None, None
        return (len(values) if length in (None, len(values)) else None), None
    except (TypeError, ValueError):
        return None, None


@lru_cache(maxsize=64)
def _plan(
    window: Any, length: int, n_fft: int, trend: int, fs: float, scaling: str, kind: str, two_sided: bool
) -> tuple[Any, np.ndarray]:
    from scipy.signal import get_window

    return _make_plan(get_window(window, length), length, n_fft, trend, fs, scaling, kind, two_sided)


def _make_plan(
    taper: np.ndarray,
    length: int,
    n_fft: int,
    trend: int,
    fs: float,
    scaling: str,
    kind: str,
    two_sided: bool,
) -> tuple[Any, np.ndarray]:
    taper = taper.astype(np.float64)
    power = fs * (taper * taper).sum() if scaling == "density" else taper.sum() ** 2
    scale = np.full(n_fft // 2 + 1, 1 / power)
    if kind != "amplitude" and not two_sided:
        scale[1 : -1 if n_fft % 2 == 0 else None] *= 2
    if kind != "power":
        scale = np.sqrt(scale)
    frequencies = np.fft.fftfreq(n_fft, 1 / fs) if two_sided else np.fft.rfftfreq(n_fft, 1 / fs)
    return core.SegmentSpectra(taper, n_fft, trend, scale), frequencies
