"""Transfer entropy without a model: how much the past of one signal tells of another, counted in neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastemo._backend import resolve
from fastemo._validate import check_positive
from fastemo.connectivity._arguments import (
    check_flat,
    check_seed,
    check_threads,
    epochs_of,
    names_of,
    pairs_of,
    refuse_nan,
)

__all__ = ["TransferEntropy", "knn_transfer_entropy"]


@dataclass(frozen=True, eq=False)
class TransferEntropy:
    """Transfer entropy of pairs of channels, in nats.

    Attributes
    ----------
    values : ndarray, shape (n_pairs,)
        Less the mean of the surrogates, where there are any: 0 on average where nothing is transferred.
    raw : ndarray, shape (n_pairs,)
        As estimated.
    surrogates : ndarray, shape (n_surrogates, n_pairs)
        The same of a source that was turned round in time.
    seeds, targets : ndarray of int, shape (n_pairs,)
        Sources and sinks.
    ch_names : tuple of str
    n_points : int
        Points that each value rests on; no more than half of them, often far fewer, are independent.
    conditions : tuple of tuple of int
        Of each pair the channels whose pasts were taken as known beside the sink's own.
    """

    values: np.ndarray
    raw: np.ndarray
    surrogates: np.ndarray
    seeds: np.ndarray
    targets: np.ndarray
    ch_names: tuple[str, ...]
    n_points: int
    conditions: tuple[tuple[int, ...], ...]

    @property
    def p_values(self) -> np.ndarray:
        """Share of surrogates that reach the estimate, itself counted among them; 1 without surrogates."""
        return (1 + np.sum(self.surrogates >= self.raw, axis=0)) / (1 + len(self.surrogates))

    def dense(self, fill: float = 0.0) -> np.ndarray:
        """As a matrix, shape (n_channels, n_channels), from row to column; `fill` where nothing was asked for."""
        n = len(self.ch_names)
        matrix = np.full((n, n), fill)
        matrix[self.seeds, self.targets] = self.values
        return matrix

    def to_xarray(self) -> Any:
        """As an `xarray.DataArray` with the dimensions seed and target."""
        try:
            import xarray
        except ImportError as error:
            raise ImportError("to_xarray needs xarray: pip install xarray") from error
        names = list(self.ch_names)
        return xarray.DataArray(
            self.dense(),
            dims=("seed", "target"),
            coords={"seed": names, "target": names},
            name="transfer_entropy",
            attrs={"n_points": self.n_points, "n_surrogates": len(self.surrogates)},
        )

    def __repr__(self) -> str:
        return f"<TransferEntropy: {len(self.seeds)} pairs of {self.n_points} points, {len(self.surrogates)} surrogates>"


def knn_transfer_entropy(
    x: Any,
    *,
    k: int = 4,
    order: int = 1,
    source_order: int | None = None,
    lag: int = 1,
    delay: int = 1,
    condition: str | Sequence[int] | None = None,
    condition_order: int | None = None,
    exclude: int | None = None,
    n_surrogates: int = 20,
    noise: float = 1e-10,
    seed: int = 0,
    indices: Any = None,
    ch_names: Sequence[str] | None = None,
    threads: int = 1,
) -> TransferEntropy:
    """Transfer entropy of signals of any distribution, by nearest neighbours, in nats.

    I(x_t ; y_(t-delay), y_(t-delay-lag), ... | x_(t-1), x_(t-1-lag), ...) from y to x, of every pair by itself or, with
    `condition`, given the pasts of other channels too, so that what y has from them or hands on to them does not count.
    The estimate is that of Frenzel & Pompe [1]_: no histogram and no model, k neighbours in the largest difference of
    any coordinate. `transfer_entropy` is that of Gaussian signals, faster and conditional on all other channels.

    Parameters
    ----------
    x : array_like, shape (n_epochs, n_channels, n_samples) or (n_channels, n_samples)
        Each channel is brought to mean 0 and standard deviation 1 over all epochs.
    k : int
        Neighbours: few for little bias, many for little variance.
    order, source_order : int
        Samples of the sink's and of the source's past (as many, by default).
    lag : int
        Samples between them. Smooth signals want some, about where their autocorrelation has fallen to 1/e.
    delay : int
        Samples from the source's nearest past to the sink [2]_. The values over several delays peak at that of the coupling.
    condition : "others" or sequence of int, optional
        Channels whose pasts z_(t-1), z_(t-1-lag), ... are taken as known beside the sink's own: all others, or those of
        these numbers, in either case without the pair's own two. Each makes `condition_order` coordinates more, and where
        there are many neighbours are far, which makes estimates small: of 0.25 nats four unrelated channels leave 0.20
        and ten 0.13 (1500 samples). So name the few channels that matter, or use `transfer_entropy`.
    condition_order : int, optional
        Samples of each of their pasts; `order` by default.
    exclude : int, optional
        Points of an epoch no farther than this in samples are not taken for neighbours (Theiler's window); by default
        as far as the past reaches.
    n_surrogates : int
        How often to repeat it with the source turned round in time within each epoch, which keeps both signals and breaks
        what relates them. Their mean is the bias that is taken off; 0 leaves the estimate as it is.
    noise : float
        Of random values added in standard deviations, so that no two of a quantised signal are equal [3]_.
    seed : int
        Surrogate number i is the same for any `n_surrogates`.
    indices : (seeds, targets), optional
        Sources and sinks; by default all ordered pairs.
    ch_names : sequence of str, optional
    threads : int
        Results do not depend on it.

    Returns
    -------
    TransferEntropy
        `dense()[i, j]` is from i to j.

    Raises
    ------
    ValueError, TypeError
        Too few samples for the past and the neighbours; a channel that is flat or not finite; channel numbers out of range
        or paired with themselves; a condition that leaves nothing to be given.

    References
    ----------
    .. [1] Frenzel & Pompe 2007, doi:10.1103/PhysRevLett.99.204101; Schreiber 2000, doi:10.1103/PhysRevLett.85.461.
    .. [2] Wibral et al. 2013, doi:10.1371/journal.pone.0055809.
    .. [3] Kraskov, Stoegbauer & Grassberger 2004, doi:10.1103/PhysRevE.69.066138.

    Examples
    --------
    One signal sets the size of the other: a linear model sees nothing.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2, 1500))
    >>> x[1, 1:] *= 0.2 + x[0, :-1] ** 2
    >>> result = knn_transfer_entropy(x)
    >>> result.dense().round(1) + 0.0
    array([[0. , 0.4],
           [0. , 0. ]])
    >>> bool(result.p_values[0] < 0.05)
    True

    The second of a chain hands on what the first sends to the third.

    >>> x = rng.standard_normal((3, 1500))
    >>> x[1, 1:] += x[0, :-1]
    >>> x[2, 1:] += x[1, :-1]
    >>> pair = ([0], [2])
    >>> knn_transfer_entropy(x, delay=2, indices=pair).values.round(1)
    array([0.2])
    >>> knn_transfer_entropy(x, delay=2, indices=pair, condition=[1]).values.round(1) + 0.0
    array([0.])
    """
    x = epochs_of(x).astype(np.float64)
    names = names_of(ch_names, x.shape[1])
    if not np.isfinite(x).all():
        refuse_nan(x, names)
    check_flat(x, names)
    source_order = order if source_order is None else source_order
    if condition is None and condition_order is not None:
        raise ValueError(
            f"condition_order={condition_order!r} has no meaning without condition: leave it out"
        )
    condition_order = order if condition_order is None else condition_order
    for name, value, least in (
        ("k", k, 1),
        ("order", order, 1),
        ("source_order", source_order, 1),
        ("condition_order", condition_order, 1),
        ("lag", lag, 1),
        ("delay", delay, 1),
        ("n_surrogates", n_surrogates, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    check_positive("noise", noise, zero=True)
    seed = check_seed(seed)
    threads = check_threads(threads)
    n_epochs, n_channels, n = x.shape
    seeds, targets = (
        np.nonzero(~np.eye(n_channels, dtype=bool)) if indices is None else pairs_of(indices, names)
    )
    if (seeds == targets).any():
        c = int(seeds[np.flatnonzero(seeds == targets)[0]])
        raise ValueError(
            f"indices pairs channel {c} with itself: its own past is already what is taken as known"
        )
    given = _conditions(condition, seeds, targets, n_channels)
    reach = max(1 + (order - 1) * lag, delay + (source_order - 1) * lag)
    if any(given):
        reach = max(reach, 1 + (condition_order - 1) * lag)
    exclude = reach if exclude is None else exclude
    if isinstance(exclude, bool) or not isinstance(exclude, (int, np.integer)) or exclude < 0:
        raise ValueError(f"exclude must be a whole number of at least 0, got {exclude!r}")
    # A point in the middle of the only epoch has the fewest that are far enough in time.
    points = n - reach
    fewest = n_epochs * points - min(points, 2 * exclude + 1)
    if points < 1 or fewest < k:
        raise ValueError(
            f"epochs of {n} samples leave {max(points, 0)} points after a past of {reach}, of which {max(fewest, 0)} are more "
            f"than exclude={exclude} samples away: k={k} neighbours need longer or more epochs, or a shorter past"
        )
    rng, *streams = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(1 + n_surrogates))
    x = (x - x.mean(axis=(0, 2), keepdims=True)) / x.std(axis=(0, 2), keepdims=True)
    x = x + noise * rng.standard_normal(x.shape)

    flat = n_epochs * points
    present = _embedded(x, reach, 0, 1, 1)[:, 0]
    past = _embedded(x, reach, 1, lag, order)
    other_past = _embedded(x, reach, 1, lag, condition_order) if any(given) else past
    # Epochs are farther from each other in time than anything is excluded.
    times = (np.arange(n_epochs)[:, None] * (n + exclude) + np.arange(points)).ravel().astype(float)
    from scipy.special import digamma

    table = digamma(np.arange(1, flat + 2))
    kernel = resolve("neighbour_transfer")
    shares = _shares(given, 8 * flat * (1 + order + source_order + max(map(len, given)) * condition_order))

    def estimate(sources: np.ndarray) -> np.ndarray:
        source_past = _embedded(sources, reach, delay, lag, source_order)
        out = np.empty(len(seeds))
        for pairs in shares:
            if given[pairs[0]]:
                # Each pair with a past of its own: the sink's and those that are given.
                known = np.stack([
                    np.concatenate([past[targets[p]], *other_past[list(given[p])]]) for p in pairs
                ])  # fmt: skip
                now, own = present[targets[pairs]], source_past[seeds[pairs]]
                sinks = sources_of = np.arange(len(pairs))
            else:
                now, known, own, sinks, sources_of = present, past, source_past, targets[pairs], seeds[pairs]
            out[pairs] = kernel(
                now, known, own, times, sinks, sources_of, int(k), float(exclude), table, threads
            )
        return table[k - 1] + out

    raw = estimate(x)
    null = np.empty((n_surrogates, len(seeds)))
    for row, stream in zip(null, streams):
        start = stream.integers(reach, n - reach + 1 if n > 2 * reach else n, x.shape[:2])[..., None]
        row[:] = estimate(np.take_along_axis(x, (np.arange(n) + start) % n, axis=-1))
    values = raw - null.mean(axis=0) if n_surrogates else raw
    return TransferEntropy(values, raw, null, seeds, targets, names, flat, given)


def _conditions(
    condition: Any, seeds: np.ndarray, targets: np.ndarray, n_channels: int
) -> tuple[tuple[int, ...], ...]:
    """Of each pair the channels whose pasts are given."""
    if condition is None:
        return ((),) * len(seeds)
    if isinstance(condition, str):
        if condition != "others":
            raise ValueError(f'condition must be "others" or channel numbers, got {condition!r}')
        if n_channels < 3:
            raise ValueError('condition="others" needs a third channel, and x has 2: leave it out')
        numbers = np.arange(n_channels)
    else:
        numbers = np.asarray(condition)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) == 0:
            raise ValueError(
                f'condition must be "others" or a sequence of channel numbers, got {condition!r}'
            )
        if numbers.min() < 0 or numbers.max() >= n_channels or len(np.unique(numbers)) < len(numbers):
            raise ValueError(
                f"condition must hold different channels from 0 to {n_channels - 1}, got {numbers.tolist()}"
            )
    pairs = zip(seeds.tolist(), targets.tolist(), strict=True)
    given = tuple(tuple(c for c in numbers.tolist() if c not in pair) for pair in pairs)
    if not any(given):
        raise ValueError(
            f"condition holds no channel beside the pairs' own, got {numbers.tolist()}: leave it out or name others"
        )
    return given


def _shares(given: tuple[tuple[int, ...], ...], bytes_per_pair: int) -> list[np.ndarray]:
    """Pairs that go together: as many channels given, and of those with any no more than take 64 MB."""
    numbers = np.array([len(channels) for channels in given])
    shares = []
    for number in np.unique(numbers).tolist():
        pairs = np.flatnonzero(numbers == number)
        most = max(1, 2**26 // bytes_per_pair) if number else len(pairs)
        shares += [pairs[i : i + most] for i in range(0, len(pairs), most)]
    return shares


def _embedded(x: np.ndarray, reach: int, back: int, lag: int, order: int) -> np.ndarray:
    """x_(t-back), x_(t-back-lag), ... of every t from `reach` on: (n_channels, order, n_epochs * n_points)."""
    n = x.shape[-1]
    rows = [x[:, :, reach - back - i * lag : n - back - i * lag] for i in range(order)]
    return np.ascontiguousarray(np.moveaxis(np.stack(rows), 2, 0)).reshape(x.shape[1], order, -1)
