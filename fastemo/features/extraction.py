"""Many features of many epochs in one call, in the shape and with the numbers of mne-features."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastemo._validate import check_in, check_positive
from fastemo.features import bivariate, entropy, fractal, shape, statistics, wavelets
from fastemo.features._freq_bands import BANDS, band_pairs, check_freq_bands
from fastemo.features._reduce import Reduction, reduce_signals, signals_of, whole
from fastemo.features.energy import energy_freq_bands
from fastemo.features.psd import power_spectrum
from fastemo.features.spectrum import _moment, bands_of, edge_of, entropy_of, slope_of

__all__ = ["BIVARIATE", "MNE_FEATURES", "extract_features"]

PSD = ("psd_method", "psd_params")


class Alias(NamedTuple):
    """An mne-features name: how to get its values, which parameters it takes, what they are called here.

    `fixed` are ours that it does not have; `names` gives the names of several values per channel.
    """

    function: Any
    params: Mapping[str, str] = {}
    fixed: Mapping[str, Any] = {}
    names: Callable[..., list[str]] | None = None


def _quantiles(q: Any = 0.75) -> list[str]:
    n = len(q) if np.ndim(q) else 1
    return [str(i) for i in range(n)] if n > 1 else [""]


def _bands(freq_bands: Any = BANDS, **_: Any) -> list[str]:
    return check_freq_bands(freq_bands, np.inf)[1]


def _powers(
    freq_bands: Any = BANDS, ratios: str | None = None, ratios_triu: bool = False, **_: Any
) -> list[str]:
    bands = _bands(freq_bands)
    pairs = [f"{bands[i]}/{bands[j]}" for i, j in band_pairs(len(bands), ratios_triu)]
    return {None: bands, "all": bands + pairs, "only": pairs}[ratios]


def _line(with_intercept: bool = True, **_: Any) -> list[str]:
    return ["intercept", "slope", "MSE", "R2"][not with_intercept :]


def _edges(edge: Any = None, **_: Any) -> list[str]:
    return [str(i) for i in range(1 if edge is None else len(edge))]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


WAVELET = {"wavelet_name": "wavelet"}
EMBEDDING = {"tau": "delay", "emb": "order"}
PEER = {"definition": "mne_features"}

# Reductions of the signals, all made in one pass.
REDUCED = {
    "mean": Alias(statistics.mean),
    "variance": Alias(statistics.variance),
    "std": Alias(statistics.std),
    "ptp_amp": Alias(statistics.ptp_amp),
    "skewness": Alias(statistics.skewness),
    "kurtosis": Alias(statistics.kurtosis),
    "rms": Alias(statistics.rms),
    "quantile": Alias(statistics.quantile, _same("q"), names=_quantiles),
    "hurst_exp": Alias(fractal.hurst_exp),
    "app_entropy": Alias(entropy.app_entropy, {"emb": "order"}, PEER),
    "samp_entropy": Alias(entropy.sample_entropy, {"emb": "order"}, PEER),
    "decorr_time": Alias(fractal.decorr_time, {"sfreq": "sfreq"}),
    "hjorth_mobility": Alias(shape.hjorth_mobility, {}, PEER),
    "hjorth_complexity": Alias(shape.hjorth_complexity, {}, PEER),
    "higuchi_fd": Alias(fractal.higuchi_fd, _same("kmax"), PEER),
    "katz_fd": Alias(fractal.katz_fd),
    "zero_crossings": Alias(shape.zero_crossings, _same("threshold")),
    "line_length": Alias(shape.line_length),
    "svd_entropy": Alias(entropy.svd_entropy, EMBEDDING, {"order": 10, "delay": 2}),
    "svd_fisher_info": Alias(entropy.svd_fisher_info, EMBEDDING),
    "wavelet_coef_energy": Alias(wavelets.wavelet_coef_energy, WAVELET),
    "teager_kaiser_energy": Alias(wavelets.teager_kaiser_energy, WAVELET),
}

# What is read off a spectrum, which is made once for each way of making it.
SPECTRAL = {
    "pow_freq_bands": Alias(
        bands_of, _same("freq_bands", "normalize", "ratios", "ratios_triu", "log"), names=_powers
    ),
    "hjorth_mobility_spect": Alias(
        lambda psd, freqs, normalize=False: _moment(psd, freqs, 2, normalize), _same("normalize")
    ),
    "hjorth_complexity_spect": Alias(
        lambda psd, freqs, normalize=False: _moment(psd, freqs, 4, normalize), _same("normalize")
    ),
    "spect_slope": Alias(slope_of, _same("fmin", "fmax", "with_intercept"), names=_line),
    "spect_entropy": Alias(lambda psd, freqs: entropy_of(psd)),
    "spect_edge_freq": Alias(edge_of, _same("ref_freq", "edge"), names=_edges),
}
FILTERED = {"energy_freq_bands": Alias(energy_freq_bands, _same("freq_bands", "deriv_filt"), names=_bands)}
MNE_FEATURES = REDUCED | SPECTRAL | FILTERED
# Of pairs of channels.
BIVARIATE = {
    "max_cross_corr": Alias(
        bivariate.max_cross_corr, {"sfreq": "sfreq"} | _same("include_diag"), {"sides": "first"}
    ),
    "phase_lock_val": Alias(bivariate.phase_lock_val, _same("include_diag")),
    "nonlin_interdep": Alias(bivariate.nonlin_interdep, _same("tau", "emb", "nn", "include_diag")),
    "time_corr": Alias(bivariate.time_corr, _same("with_eigenvalues", "include_diag")),
    "spect_corr": Alias(
        bivariate.spect_corr, {"sfreq": "sfreq"} | _same("with_eigenvalues", "include_diag", *PSD)
    ),
}
KNOWN = MNE_FEATURES | BIVARIATE


def extract_features(
    X: Any,
    sfreq: float,
    selected_funcs: Sequence[str | tuple[str, Callable[[np.ndarray], Any]]],
    funcs_params: Mapping[str, Any] | None = None,
    n_jobs: int = 1,
    ch_names: Sequence[str] | None = None,
    return_as_df: bool = False,
    separator: str = "_",
    *,
    threads: int | None = None,
) -> Any:
    """Features of epochs: mne-features' `extract_features`, its 29 features of channels and 5 of pairs.

    Values are mne-features' own.

    Parameters
    ----------
    X : array_like, shape (n_epochs, n_channels, n_times)
    sfreq : float
        In Hz.
    selected_funcs : sequence of str or (str, callable)
        mne-features' names, and functions of yours from (n_channels, n_times) to an array, called epoch by epoch.
    funcs_params : dict, optional
        Parameters as "name__parameter", such as {"higuchi_fd__kmax": 5}.
    n_jobs : int
        Their name for `threads`; -1 is as many as the machine has cores.
    ch_names : sequence of str, optional
        For the columns of the data frame; "ch0", "ch1", ... by default.
    return_as_df : bool
        A pandas DataFrame with columns (name, channel and value).
    separator : str
        Between channel and value in these.
    threads : int, optional
        Signals are shared among so many threads, instead of `n_jobs`. Results do not depend on it.

    Returns
    -------
    ndarray of float64, shape (n_epochs, n_features), or DataFrame
        Feature after feature, each with its values channel by channel, or pair by pair (the upper triangle by rows) and
        then its eigenvalues. NaN where a value is not defined and for a
        channel that holds NaN or infinity (mne-features raises ValueError there).

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(5, 3, 512))
    >>> extract_features(X, 256, ["std", "samp_entropy", "pow_freq_bands"]).shape
    (5, 21)
    """
    if threads is None:
        threads = (os.cpu_count() or 1) if n_jobs == -1 else whole("n_jobs", n_jobs, 1)
    table, names = labelled_features(X, sfreq, selected_funcs, funcs_params, ch_names, separator, threads)
    return _frame(table, names) if return_as_df else table


def labelled_features(
    X: Any, sfreq: float, selected_funcs: Any, funcs_params: Any, ch_names: Any, separator: str, threads: int
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """The table of `extract_features`, and of each column the feature and its channel and value."""
    sfreq = check_positive("sfreq", sfreq, unit="Hz")
    signals, shape_of_x = signals_of(X)
    if len(shape_of_x) != 2:
        raise ValueError(
            f"X must have 3 dimensions (n_epochs, n_channels, n_times), got shape {(*shape_of_x, signals.shape[1])}"
        )
    n_epochs, n_channels = shape_of_x
    if ch_names is not None and len(ch_names) != n_channels:
        raise ValueError(f"ch_names must name {n_channels} channels, got {len(ch_names)}")
    funcs = _check_funcs(selected_funcs)
    params = _check_params(funcs, funcs_params)
    values = _reduced(signals, sfreq, funcs, params, threads)
    values |= _spectral(signals, sfreq, funcs, params, threads)
    blocks, names = [], []
    columns: list[str] | None
    for name, function in funcs.items():
        if name in FILTERED:
            values[name] = energy_freq_bands(signals, sfreq, threads=threads, **params[name])
        if name in BIVARIATE:
            epochs = signals.reshape(n_epochs, n_channels, -1)
            rows, columns = _by_pair(name, epochs, sfreq, params[name], threads)
        elif function is None:
            rows, columns = _by_channel(name, values[name], n_epochs, n_channels, params[name])
        else:
            epochs = signals.reshape(n_epochs, n_channels, -1)
            rows = np.stack([np.ravel(function(epoch, **params[name])) for epoch in epochs])
            columns = [f"ch{c}" for c in range(n_channels)] if rows.shape[1] == n_channels else None
            columns = columns or [str(i) for i in range(rows.shape[1])]
        blocks.append(rows)
        names += [(name, _shown(column, ch_names, separator)) for column in columns]
    return np.concatenate(blocks, axis=1), names


def _check_funcs(selected: Any) -> dict[str, Callable[..., Any] | None]:
    if isinstance(selected, str) or not isinstance(selected, Sequence) or not selected:
        raise ValueError(f'selected_funcs must be a list of features, such as ["std"]; got {selected!r}')
    funcs: dict[str, Callable[..., Any] | None] = {}
    for item in selected:
        if isinstance(item, str):
            name, function = check_in("a name in selected_funcs", item, KNOWN), None
        elif isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) and callable(item[1]):
            name, function = item
            if name in KNOWN:
                raise ValueError(
                    f"selected_funcs gives your function the name {name!r} of a built-in one: rename it"
                )
        else:
            raise ValueError(f"selected_funcs must hold names and (name, function) pairs, got {item!r}")
        if name in funcs:
            raise ValueError(f"selected_funcs names {name!r} twice")
        funcs[name] = function
    return funcs


def _check_params(funcs: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    params: dict[str, dict[str, Any]] = {name: {} for name in funcs}
    for key, value in (given or {}).items():
        name, _, param = key.partition("__")
        if name not in funcs or not param:
            raise ValueError(
                f"funcs_params must be named as a selected feature, two underscores and its parameter, got {key!r}"
            )
        if funcs[name] is None:
            allowed = [p for p in KNOWN[name].params if p != "sfreq"]
            allowed += (
                PSD if name in SPECTRAL else ["metric"] if name in ("app_entropy", "samp_entropy") else []
            )
            check_in(f"a parameter of {name}", param, allowed)
        if param == "metric":
            if value != "chebyshev":
                raise ValueError(f"{key} must be 'chebyshev', the only metric there is, got {value!r}")
            continue
        params[name][param] = value
    return params


def _reduced(signals, sfreq, funcs, params, threads):
    reductions: dict[str, Reduction] = {}
    for name in funcs:
        if name in REDUCED:
            alias = REDUCED[name]
            given = params[name] | ({"sfreq": sfreq} if "sfreq" in alias.params else {})
            ours = dict(alias.fixed) | {alias.params[p]: value for p, value in given.items()}
            reductions[name] = alias.function.reduction(signals.shape[1], **ours)
    if not reductions:
        return {}
    table = reduce_signals(signals, list(reductions.values()), threads)
    stops = np.cumsum([1 if r.values is None else len(r.values) for r in reductions.values()])
    return dict(zip(reductions, np.split(table, stops[:-1], axis=1), strict=True))


def _spectral(signals, sfreq, funcs, params, threads):
    spectra: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    values = {}
    for name in funcs:
        if name in SPECTRAL:
            given = dict(params[name])
            how = {p: given.pop(p) for p in PSD if p in given}
            key = repr(how)
            if key not in spectra:
                spectra[key] = power_spectrum(signals, sfreq, **how, threads=threads)
            if name == "pow_freq_bands":
                given["sfreq"] = sfreq
            values[name] = SPECTRAL[name].function(*spectra[key], **given)
    return values


def _by_pair(
    name: str, epochs: np.ndarray, sfreq: float, params: Mapping[str, Any], threads: int
) -> tuple[np.ndarray, list[str]]:
    """Rows of epochs of a feature of pairs, and their column names."""
    alias = BIVARIATE[name]
    rate = {"sfreq": sfreq} if "sfreq" in alias.params else {}
    rows = alias.function(epochs, **rate, **alias.fixed, **params, threads=threads)
    n = epochs.shape[1]
    first, second = np.triu_indices(n, 0 if params.get("include_diag", False) else 1)
    columns = [f"ch{i}-ch{j}" for i, j in zip(first, second, strict=True)]
    return rows, columns + [f"eig{i}" for i in range(rows.shape[1] - len(columns))]


def _by_channel(name, values, n_epochs, n_channels, params):
    """Rows of epochs and their column names, in mne-features' order."""
    values = values.reshape(n_epochs, n_channels, -1)
    n_values = values.shape[2]
    namer = MNE_FEATURES[name].names
    if name == "teager_kaiser_energy":
        names = [f"{k}_{stat}" for k in range(n_values // 2) for stat in ("mean", "std")]
    elif name == "wavelet_coef_energy":
        names = [str(k) for k in range(n_values)]
    else:
        names = namer(**params) if namer else [""]
    # Ratios come after the powers of all channels.
    split = len(_bands(**params)) if params.get("ratios") == "all" else n_values
    parts = [slice(0, split), slice(split, n_values)]
    rows = np.concatenate([values[:, :, part].reshape(n_epochs, -1) for part in parts], axis=1)
    columns = [
        f"ch{c}__{n}" if n else f"ch{c}" for part in parts for c in range(n_channels) for n in names[part]
    ]
    return rows, columns


def _shown(column: str, ch_names: Sequence[str] | None, separator: str) -> str:
    pair = re.fullmatch(r"ch(\d+)-ch(\d+)", column)
    channel = re.match(r"ch(\d+)(?=__|$)", column)
    if pair and ch_names is not None:
        column = "-".join(str(ch_names[int(i)]) for i in pair.groups())
    elif channel and ch_names is not None:
        column = str(ch_names[int(channel[1])]) + column[channel.end() :]
    return column.replace("__", separator)


def _frame(table: np.ndarray, names: list[tuple[str, str]]) -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("return_as_df=True needs pandas: pip install pandas") from None
    return pd.DataFrame(table, columns=pd.MultiIndex.from_tuples(names))
