"""The compiled core. Use it through `fastemo.signal`, `fastemo.engine` and friends: they check and document."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def target() -> str: ...
def targets() -> list[str]: ...

class SosFilter:
    def __init__(
        self, sos: NDArray[np.float64], n_channels: int, zi: NDArray[np.float64] | None = None
    ) -> None: ...
    @property
    def n_channels(self) -> int: ...
    @property
    def n_sections(self) -> int: ...
    @property
    def state(self) -> NDArray[np.float64]: ...
    def process(
        self, chunk: NDArray[Any], out: NDArray[Any] | None = None, layout: str = "channels_first"
    ) -> NDArray[Any]: ...
    def reset(self) -> None: ...

class AsrFilter:
    def __init__(
        self,
        sos: NDArray[np.float64],
        zi: NDArray[np.float64],
        limit: NDArray[np.float64],
        inverse: NDArray[np.float64],
        n_blocks: int,
        hop: int,
        delay: int,
        most: int,
    ) -> None: ...
    @property
    def n_channels(self) -> int: ...
    def process(
        self, chunk: NDArray[Any], out: NDArray[Any] | None = None, layout: str = "channels_first"
    ) -> NDArray[Any]: ...
    def reset(self) -> None: ...

def bank_power(
    x: NDArray[Any], coef: NDArray[np.float64], zi: NDArray[np.float64]
) -> NDArray[np.float64]: ...

class FftBandPower:
    def __init__(
        self,
        taper: NDArray[np.float64],
        detrend: bool,
        first: int,
        scale: NDArray[np.float64],
        edges: NDArray[np.int64],
        weight: NDArray[np.float64],
    ) -> None: ...
    @property
    def n_samples(self) -> int: ...
    @property
    def n_bands(self) -> int: ...
    def compute(
        self, x: NDArray[Any], out: NDArray[np.float64] | None = None, threads: int = 1
    ) -> NDArray[np.float64]: ...

# Functions of whole arrays take plain arguments by position, and answer NotImplemented to what does not fit.
def sosfilt(sos: Any, x: Any, axis: int, zi: Any, out: Any, threads: int, /) -> Any: ...
def lfilter(b: Any, a: Any, x: Any, axis: int, zi: Any, out: Any, threads: int, /) -> Any: ...
def sosfiltfilt(
    sos: Any, zi: Any, x: Any, axis: int, extension: int, edge: int, out: Any, threads: int, /
) -> Any: ...
def filtfilt(
    b: Any, a: Any, zi: Any, x: Any, axis: int, extension: int, edge: int, out: Any, threads: int, /
) -> Any: ...
def upfirdn(
    h: Any, x: Any, up: int, down: int, axis: int, offset: int, n_out: int, out: Any, threads: int, /
) -> Any: ...
def convolve(h: Any, x: Any, axis: int, offset: int, n_out: int, out: Any, threads: int, /) -> Any: ...
def detrend(x: Any, axis: int, breaks: tuple[int, ...], level: int, out: Any, threads: int, /) -> Any: ...
def hilbert(x: Any, n: int, axis: int, threads: int, /) -> Any: ...

class SegmentSpectra:
    def __init__(
        self, taper: NDArray[np.float64], n_fft: int, detrend: int, scale: NDArray[np.float64]
    ) -> None: ...
    def mean(
        self, x: Any, axis: int, start: int, hop: int, n_segments: int, out: Any, threads: int, /
    ) -> Any: ...
    def each(
        self, x: Any, axis: int, start: int, hop: int, n_segments: int, out: Any, threads: int, /
    ) -> Any: ...
    def bins(self, x: Any, axis: int, start: int, hop: int, n_segments: int, threads: int, /) -> Any: ...
    def cross(
        self, x: Any, axis: int, start: int, hop: int, n_segments: int, y: Any, threads: int, /
    ) -> Any: ...

def reduce(
    x: NDArray[Any], names: Sequence[str], params: Sequence[Sequence[float]], threads: int = 1
) -> NDArray[np.float64]: ...

class TaperedSpectra:
    def __init__(
        self,
        tapers: NDArray[np.float64],
        detrend: bool,
        first: int,
        stop: int,
        scale: NDArray[np.float64],
        weights: NDArray[np.float64],
        eigenvalues: NDArray[np.float64],
        edges: NDArray[np.int64],
        width: NDArray[np.float64],
    ) -> None: ...
    def compute(
        self, x: NDArray[Any], hop: int, n_segments: int, in_bands: int, out: Any, threads: int, /
    ) -> NDArray[np.float64]: ...

class WaveletTransform:
    def __init__(
        self,
        n_samples: int,
        n_fft: int,
        even: NDArray[np.float64],
        odd: NDArray[np.float64],
        detrend: bool,
        share: NDArray[np.float64],
    ) -> None: ...
    def compute(self, x: NDArray[Any], what: int, step: int, out: Any, threads: int, /) -> NDArray[Any]: ...

def rfft(
    x: NDArray[Any], out: NDArray[np.complexfloating[Any]] | None = None, threads: int = 1
) -> NDArray[np.complexfloating[Any]]: ...
def tapered_spectra(
    x: NDArray[Any], tapers: NDArray[np.float64], first: int, stop: int, threads: int = 1
) -> NDArray[np.float64]: ...
def tapered_measures(
    x: NDArray[Any],
    tapers: NDArray[np.float64],
    bands: NDArray[np.intp],
    measures: int,
    apart: bool = False,
    threads: int = 1,
) -> NDArray[np.float64] | None: ...
def analytic_spectra(
    x: NDArray[Any],
    poles: NDArray[np.float64],
    weights: NDArray[np.float64],
    direct: NDArray[np.float64],
    skip: int = 0,
    threads: int = 1,
) -> NDArray[np.float64]: ...
def analytic_measures(
    x: NDArray[Any],
    poles: NDArray[np.float64],
    weights: NDArray[np.float64],
    direct: NDArray[np.float64],
    skip: int,
    measures: int,
    threads: int = 1,
) -> NDArray[np.float64] | None: ...
def wavelet_measures(
    x: NDArray[Any],
    n_fft: int,
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
    decim: int,
    first: int,
    stop: int,
    measures: int,
    threads: int = 1,
) -> NDArray[np.float64]: ...
def envelope_correlations(
    spectra: NDArray[np.float64], n_epochs: int, n_channels: int, log: bool = False, threads: int = 1
) -> NDArray[np.float64]: ...
def cross_spectra(
    spectra: NDArray[np.float64],
    bands: NDArray[np.intp],
    rows: NDArray[np.intp],
    stops: NDArray[np.intp],
    measures: int,
    threads: int = 1,
) -> NDArray[np.float64]: ...
def neighbour_transfer(
    present: NDArray[np.float64],
    sink_past: NDArray[np.float64],
    source_past: NDArray[np.float64],
    times: NDArray[np.float64],
    sinks: NDArray[np.intp],
    sources: NDArray[np.intp],
    k: int,
    exclude: float,
    digamma: NDArray[np.float64],
    threads: int = 1,
) -> NDArray[np.float64]: ...

class Engine:
    dtype: np.dtype[np.void]
    def __init__(
        self, model: bytes, threads: int = 1, functions: dict[str, tuple[Any, int, bool, Any]] = ...
    ) -> None: ...
    @property
    def n_channels(self) -> int: ...
    @property
    def bits(self) -> str: ...
    def push(
        self, chunk: NDArray[Any], stamps: NDArray[np.float64] | None = None, layout: str | None = None
    ) -> NDArray[np.void]: ...
    def push_into(
        self,
        chunk: NDArray[Any],
        out: NDArray[np.void],
        stamps: NDArray[np.float64] | None = None,
        layout: str | None = None,
    ) -> int: ...
    def flush(self) -> NDArray[np.void]: ...
    def adopt(self, model: bytes) -> None: ...
    def max_predictions(self, n_samples: int) -> int: ...
    def reset(self) -> None: ...
    def latency(self) -> list[tuple[str, int, float, float, float, float]]: ...
    def counters(self) -> dict[str, int]: ...

def read_model(source: Any) -> tuple[dict[str, NDArray[Any]], dict[str, str]]: ...

# Covariances and symmetric matrices (fastemo.reference.riemann has the same functions).
def spectral_map(
    what: str,
    function: str,
    exponent: float,
    floor: float,
    matrices: NDArray[np.float64],
    whitening: NDArray[np.float64] | None,
    threads: int,
    /,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]: ...
def congruence(
    matrices: NDArray[np.float64], whitening: NDArray[np.float64], threads: int, /
) -> NDArray[np.float64]: ...
def covariance(
    windows: NDArray[Any], estimator: int, shrinkage: float, centre: bool, threads: int, /
) -> NDArray[np.float64]: ...
def hermitian_product(samples: NDArray[Any], threads: int, /) -> NDArray[np.float64]: ...
