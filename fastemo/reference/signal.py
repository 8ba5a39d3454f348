"""Filtering, written to be read: the oracle of the compiled kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["SosFilter", "cascade", "sosfilt"]


def cascade(sos: np.ndarray, state: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Second-order sections in transposed direct form II, in SciPy's order of operations.

    Parameters
    ----------
    sos : ndarray, shape (n_sections, 6, ...)
        Coefficients b0, b1, b2, 1, a1, a2, each of a shape that broadcasts against one sample of all signals:
        several filters run side by side.
    state : ndarray, shape (n_sections, 2, ...)
        Changed in place.
    x : ndarray, shape (..., n_samples)

    Returns
    -------
    ndarray, shape (..., n_samples)
        One signal for each in `state`.
    """
    y = np.empty((*state.shape[2:], x.shape[-1]), state.dtype)
    for n in range(x.shape[-1]):
        v = x[..., n]
        for (b0, b1, b2, _, a1, a2), z in zip(sos, state, strict=True):
            w = b0 * v + z[0]
            z[0] = b1 * v - a1 * w + z[1]
            z[1] = b2 * v - a2 * w
            v = w
        y[..., n] = v
    return y


def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """`scipy.signal.sosfilt`: same signature, same bits.

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)
    x : array_like
    axis : int
        The axis of time.
    zi : array_like, shape (n_sections, ..., 2, ...), optional
        Initial state: the shape of `x` with 2 in place of the length of `axis`, after n_sections.

    Returns
    -------
    y : ndarray
        Like `x`, in the common dtype of the arguments.
    zf : ndarray
        Final state, only if `zi` is given.

    Examples
    --------
    >>> sosfilt([[0.5, 0.5, 0, 1, 0, 0]], [2.0, 4.0, 6.0])
    array([1., 3., 5.])
    """
    sos, x = _sections(sos), np.asarray(x)
    if x.ndim == 0:
        raise ValueError("x must have at least one dimension, got a scalar")
    dtype = np.result_type(sos, x, *([] if zi is None else [np.asarray(zi)]))
    signals = np.moveaxis(x.astype(dtype), axis, -1)
    if zi is None:
        state = np.zeros((len(sos), 2, *signals.shape[:-1]), dtype)
    else:
        expected = list(x.shape)
        expected[axis] = 2
        if np.shape(zi) != (len(sos), *expected):
            raise ValueError(
                f"zi must have shape {(len(sos), *expected)} for these sections and x, got {np.shape(zi)}"
            )
        position = axis % x.ndim + 1
        state = np.moveaxis(np.array(zi, dtype), position, 1).copy()
    y = cascade(sos.astype(dtype), state, signals)
    y = np.moveaxis(y, -1, axis)
    return y if zi is None else (y, np.moveaxis(state, 1, position))


class SosFilter:
    """A cascade of second-order sections with its memory: successive chunks continue one recording.

    `fastemo.signal.SosFilter` is this, compiled where it can be.

    Parameters
    ----------
    sos : array_like, shape (n_sections, 6)
    n_channels : int
    zi : array_like, shape (n_sections, 2), optional
        State at the start per unit of each channel's first sample, such as `scipy.signal.sosfilt_zi(sos)`;
        zero if not given.

    Examples
    --------
    >>> f = SosFilter([[0.5, 0.5, 0, 1, 0, 0]], n_channels=1)
    >>> f.process(np.array([[2.0, 4.0]])), f.process(np.array([[6.0]]))
    (array([[1., 3.]]), array([[5.]]))
    """

    _state: Any

    def __init__(self, sos: Any, n_channels: int, zi: Any = None) -> None:
        self._sos = _sections(sos).astype(np.float64)
        self.n_channels, self.n_sections = n_channels, len(self._sos)
        if n_channels < 1:
            raise ValueError(f"n_channels must be at least 1, got {n_channels}")
        self._zi = np.zeros((self.n_sections, 2)) if zi is None else np.array(zi, np.float64)
        if self._zi.shape != (self.n_sections, 2):
            raise ValueError(f"zi must have shape ({self.n_sections}, 2), got {self._zi.shape}")
        self.reset()

    def process(
        self, chunk: np.ndarray, out: np.ndarray | None = None, layout: str = "channels_first"
    ) -> np.ndarray:
        """Filter a chunk into `out` (which may be the chunk itself) or a new float64 array of its shape.

        Raises
        ------
        ValueError, TypeError
            A chunk or an `out` of another shape or type; the state stays as it was.
        """
        x = check_process(chunk, out, layout, self.n_channels)
        if out is None:
            out = np.empty(chunk.shape)
        if x.size:
            with np.errstate(all="ignore"):  # NaN and infinity pass as they do in SciPy
                if self._state is None:
                    self._state = first_state(self._zi, x)
                y = self._filter(x)
            out[...] = y if layout == "channels_first" else y.T
        return out

    def _filter(self, x: np.ndarray) -> np.ndarray:
        return cascade(self._sos, self._state, x.astype(np.float64))

    def reset(self) -> None:
        """Forget the past: the next chunk begins a recording."""
        self._state = None


def check_process(chunk: Any, out: Any, layout: Any, n_channels: int) -> np.ndarray:
    """Everything that can be wrong with a call of `SosFilter.process`; the chunk as (n_channels, n_samples)."""
    if layout not in ("channels_first", "samples_first"):
        raise ValueError(f"layout is {layout!r}, expected 'channels_first' or 'samples_first'")
    given = {"chunk": chunk} if out is None else {"chunk": chunk, "out": out}
    for name, array in given.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(
                f"{name} is a {type(array).__name__}, expected a NumPy array of float32 or float64"
            )
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(
                f"{name} has dtype {array.dtype}, expected float32 or float64 (scale counts to the unit first)"
            )
    axes = "(n_channels, n_samples)" if layout == "channels_first" else "(n_samples, n_channels)"
    if chunk.ndim != 2:
        raise ValueError(f"chunk has {chunk.ndim} dimensions, expected 2: {axes}")
    x = chunk if layout == "channels_first" else chunk.T
    if len(x) != n_channels:
        hint = "; pass the other layout=" if x.shape[1] == n_channels else ""
        raise ValueError(f"chunk has {len(x)} channels, expected {n_channels}: its shape is {axes}{hint}")
    if out is not None and out.shape != chunk.shape:
        raise ValueError(f"out has shape {out.shape}, expected that of chunk, {chunk.shape}")
    if out is not None and not out.flags.writeable:
        raise ValueError("out is read-only")
    return x


def first_state(zi: np.ndarray, x: np.ndarray) -> np.ndarray:
    """State (n_sections, 2, n_channels) after the first sample of each channel has gone on for ever."""
    return zi[..., None] * x[:, 0].astype(np.float64)


def _sections(sos: Any) -> np.ndarray:
    sos = np.asarray(sos)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"sos must be second-order sections of shape (n_sections, 6), got shape {sos.shape}")
    if not (sos[:, 3] == 1).all():
        raise ValueError(f"sos[:, 3] (a0) must be 1, got {sos[:, 3].tolist()}: divide each section by its a0")
    return sos if sos.dtype.kind == "f" else sos.astype(np.float64)
