"""Bad channels from the good ones, by splines on the sphere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastemo._validate import check_array_2d, check_channels
from fastemo.montage import electrode_positions

__all__ = ["inverse_of_splines", "interpolate_bads", "positions_of", "repair_matrix", "spline_matrix"]

REGULARIZATION = 1e-5
STIFFNESS = 4
N_TERMS = 50


def spline_matrix(
    positions_from: Any, positions_to: Any, regularization: float = REGULARIZATION
) -> np.ndarray:
    """The map from potentials at some electrodes to those at others, by spherical splines.

    With g(t) = 1/(4 pi) sum_n (2n + 1) / (n (n + 1))^4 P_n(t), n = 1..50, the potential at direction r is
    c_0 + sum_i c_i g(r . r_i), and the c are those that go through the potentials v at the r_i, smoothed a little:
    [G + regularization I, 1; 1', 0] [c; c_0] = [v; 0]. (Perrin et al. 1989, doi:10.1016/0013-4694(89)90180-6.) This is the map
    of `mne.io.Raw.interpolate_bads` for the same directions.

    Parameters
    ----------
    positions_from : array_like, shape (n_from, 3)
        Directions of the electrodes that are known, from the centre of the head; their lengths do not matter.
    positions_to : array_like, shape (n_to, 3)
    regularization : float
        How far the splines may pass by the potentials; of g, whose largest value is 0.015.

    Returns
    -------
    ndarray of float64, shape (n_to, n_from)
        Its rows sum to 1.

    Examples
    --------
    >>> from fastemo.montage import electrode_positions
    >>> m = spline_matrix(electrode_positions(["Fz", "Pz", "C3", "C4"]), electrode_positions(["Cz"]))
    >>> m.round(2)
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    if not (np.isfinite(regularization) and regularization >= 0):
        raise ValueError(f"regularization must be a finite number of at least 0, got {regularization}")
    known, wanted = _directions("positions_from", positions_from), _directions("positions_to", positions_to)
    inverse = _inverse(known, regularization)
    return np.hstack([_g(wanted @ known.T), np.ones((len(wanted), 1))]) @ inverse[:, : len(known)]


def _inverse(known: np.ndarray, regularization: float) -> np.ndarray:
    """Of the splines' system, (n + 1, n + 1)."""
    n = len(known)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = _g(known @ known.T) + regularization * np.eye(n)
    system[n, n] = 0
    # Electrodes at the same place make it singular without the regularisation: pinv is what MNE takes too.
    return np.linalg.pinv(system)


def inverse_of_splines(
    ch_names: Sequence[str], positions: Mapping[str, Sequence[float]] | None = None
) -> np.ndarray:
    """P (n_channels, n_channels), of which -(P_bb)^-1 P_bg are the weights of any good channels g for the bad b.

    That is what `repair_matrix` holds for them: taking rows and columns out of a matrix changes its inverse so. 0 for
    channels of unknown place.
    """
    place = positions_of(ch_names, positions)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    out = np.zeros((len(ch_names), len(ch_names)))
    if len(known):
        inverse = _inverse(_directions("positions", place[known]), REGULARIZATION)[:-1, :-1]
        out[np.ix_(known, known)] = (inverse + inverse.T) / 2
    return out


def _g(cosine: np.ndarray) -> np.ndarray:
    from numpy.polynomial.legendre import legval

    n = np.arange(1, N_TERMS + 1, dtype=float)
    return legval(cosine, [0, *((2 * n + 1) / (n * (n + 1)) ** STIFFNESS / (4 * np.pi))])


def _directions(name: str, positions: Any) -> np.ndarray:
    p = np.asarray(positions, dtype=float)
    if p.ndim != 2 or p.shape[1] != 3 or not len(p):
        raise ValueError(f"{name} must have shape (n, 3), one row per electrode, got {p.shape}")
    length = np.linalg.norm(p, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise ValueError(f"{name} must be finite and off the centre of the head, got {p.tolist()}")
    return p / length


def positions_of(ch_names: Sequence[str], positions: Mapping[str, Sequence[float]] | None) -> np.ndarray:
    """Positions by name, those given before those of the 10-10 system; NaN where neither knows the channel."""
    out = electrode_positions(ch_names, unknown="nan")
    for i, name in enumerate(ch_names):
        if positions is not None and name in positions:
            out[i] = positions[name]
    return out


def repair_matrix(
    ch_names: Sequence[str],
    bads: Sequence[str],
    positions: Mapping[str, Sequence[float]] | None = None,
    where: str = "ch_names",
) -> np.ndarray:
    """Identity (n_channels, n_channels), but for the rows of the `bads`, which interpolate from the other electrodes.

    Channels of unknown place (eyes, heart) are neither source nor repaired.
    """
    bad = np.array(check_channels(bads, ch_names, where), int)
    place = positions_of(ch_names, positions)
    known = np.isfinite(place).all(axis=1)
    if not known[bad].all():
        lost = next(ch_names[i] for i in bad if not known[i])
        raise ValueError(
            f"bads: where {lost!r} lies on the head is not known: use names of the 10-10 system or give positions"
        )
    known[bad] = False
    good = np.flatnonzero(known)
    if len(bad) and len(good) < 3:
        raise ValueError(
            f"bads: {len(good)} good electrodes of known place are left to interpolate {len(bad)} from, expected at "
            "least 3: leave the bad channels out instead"
        )
    matrix = np.eye(len(ch_names))
    if len(bad):
        matrix[bad] = 0
        matrix[np.ix_(bad, good)] = spline_matrix(place[good], place[bad])
    return matrix


def interpolate_bads(
    x: Any,
    ch_names: Sequence[str],
    bads: Sequence[str],
    *,
    positions: Mapping[str, Sequence[float]] | None = None,
) -> np.ndarray:
    """The signal with its bad channels replaced by what spherical splines make of the good ones.

    Parameters
    ----------
    x : array_like, shape (n_channels, n_samples)
        NaN in bad channels does no harm.
    ch_names : sequence of str
    bads : sequence of str
        Channels to replace; `find_bad_channels(x, sfreq).names(ch_names)` finds them.
    positions : mapping of str to (x, y, z), optional
        Directions from the centre of the head by channel name, before those of the 10-10 system.

    Returns
    -------
    ndarray of float64, shape (n_channels, n_samples)
        A new array. Channels whose place is not known are left as they are.

    Raises
    ------
    ValueError
        A bad channel that is not there or whose place is not known; fewer than 3 good electrodes.

    Notes
    -----
    The rank falls by the number of bad channels: an unregularised covariance of all channels is singular. See
    `spline_matrix` for the formula; `mne.io.Raw.interpolate_bads` gives the same for the same directions.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [9.0, -9.0]])
    >>> interpolate_bads(x, ["F3", "F4", "Cz", "Fz"], bads=["Fz"]).round(9)[3]
    array([1., 2.])
    """
    x = check_array_2d("x", x, n_channels=len(ch_names)).astype(np.float64)
    matrix = repair_matrix(ch_names, bads, positions)
    bad = check_channels(bads, ch_names, "ch_names")
    if bad:
        sources = np.flatnonzero(matrix[bad].any(axis=0))
        x[bad] = matrix[bad][:, sources] @ x[sources]
    return x
