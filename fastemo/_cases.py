"""Every kernel, op and stage, once. Tests, benchmarks and the docs' index read this table.

A case turns a signal `(n_channels, n_samples)` into numbers with one of the implementations that have it:
`"native"` (the compiled core), `"jit"` (Numba) or `"reference"` (NumPy).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from fastemo import _artefact_cases, _stream_cases
from fastemo._case_programs import (
    BANDS,
    HOP,
    LENGTH,
    SFREQ,
    _bands,
    _bandsum_op,
    _bank,
    _fft_op,
    _ops,
    _power,
    _program,
    _Run,
    _scalars,
    _score_op,
    _signal_op,
    _sliding_op,
    _sos,
    _taper_op,
    _vector_op,
)
from fastemo._connectivity_cases import (
    analytic_measures,
    analytic_spectra,
    cross_op,
    cross_spectra,
    envelope_correlations,
    neighbour_transfer,
    pairs_op,
    tapered_measures,
    wavelet_measures,
)
from fastemo._feature_cases import FEATURES_BY_KIND, reduce_op, reduce_signals, reduce_spectra
from fastemo._program import Op
from fastemo._riemann_cases import covariance_ops, of_windows
from fastemo._signal_cases import array_function as _array_function
from fastemo._signal_cases import taps as _taps
from fastemo._signal_cases import transfer as _transfer

__all__ = ["BANDS", "CASES", "SFREQ", "Case"]


@dataclass(frozen=True)
class Case:
    """One line of the table.

    `make(implementation, n_channels, n_samples)` prepares a call that takes the signal; what does not belong to
    the work itself (designs, plans, programs) is done there; calls of ops and stages bear their `program`.
    `bits` is the class of its arithmetic: "A" gives the same bits on every CPU target, "B" on all that fuse
    multiply-add.
    """

    name: str
    kind: str  # "kernel", "op" or "stage"
    bits: str
    make: Callable[[str, int, int], Callable[[np.ndarray], np.ndarray]]
    implementations: tuple[str, ...] = ("native", "reference")


def _module(implementation: str) -> ModuleType:
    from fastemo import _backend, jit, reference

    modules = {"native": _backend.core, "jit": jit, "reference": reference}
    return modules[implementation]


def _sosfilt(implementation: str, n_channels: int, n_samples: int) -> Callable:
    from fastemo._design import first_sample_state

    sos_filter = _module(implementation).SosFilter(_sos(), n_channels, first_sample_state(_sos()))

    def call(x: np.ndarray) -> np.ndarray:
        sos_filter.reset()
        return sos_filter.process(x)

    return call


def _bank_power(implementation: str, n_channels: int, n_samples: int) -> Callable:
    bank, zi = _bank()
    return lambda x: _module(implementation).bank_power(x, bank, zi)


def _fft_band_power(implementation: str, n_channels: int, n_samples: int) -> Callable:
    from fastemo._design import band_edges, one_sided_scale, taper_window

    taper = taper_window("hann", n_samples)
    edges = band_edges(BANDS, n_samples, SFREQ)
    first, stop = int(edges.min()), int(edges.max())
    scale = one_sided_scale(taper, SFREQ)[first:stop]
    weight = np.full(len(edges), SFREQ / n_samples)
    return _module(implementation).FftBandPower(taper, True, first, scale, edges - first, weight).compute


def _rfft(implementation: str, n_channels: int, n_samples: int) -> Callable:
    return lambda x: _module(implementation).rfft(x)


def _of_module(prepare: Callable, *arguments: Any) -> Callable:
    return lambda implementation, n_channels, n_samples: prepare(
        _module(implementation), *arguments, n_channels, n_samples
    )


def _function(name: str, *arguments: Any, **options: Any) -> Callable:
    """A function that has one name in the public module, in Numba and in the reference."""

    def make(implementation: str, n_channels: int, n_samples: int) -> Callable:
        from fastemo import spectral

        module = spectral if implementation == "native" else _module(implementation)
        return lambda x: getattr(module, name)(x, SFREQ, BANDS, *arguments, **options)

    return make


def _decoder(n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of three classes over the entropies of every band and channel, and their bias."""
    rng = np.random.default_rng(n_channels)
    return rng.standard_normal((3, len(BANDS) * n_channels)) / n_channels, rng.standard_normal(3)


def _sliding_inference(implementation: str, n_channels: int, n_samples: int) -> Callable:
    from fastemo._design import first_sample_state

    coef, bias = _decoder(n_channels)
    if implementation != "native":
        infer, sos, (bank, _) = _module(implementation).sliding_inference, _sos(), _bank()
        return lambda x: infer(x, sos, bank, LENGTH, HOP, coef, bias)
    ops = [
        Op("sos", (0,), {"coef": _sos(), "zi": first_sample_state(_sos())}),
        _bands(1),
        Op("log", (2,), _scalars(gain=0.5, offset=0.5 * float(np.log(2 * np.pi * np.e)), floor=1e-4)),
        Op("linear", (3,), {"coef": coef, "bias": bias}),
        Op("softmax", (4,), {}),
    ]
    return _Run(_program(ops, n_channels), implementation)


def _linear(link: str) -> Callable:
    """Every sample of the signal as a vector of features."""

    def make(implementation: str, n_channels: int, n_samples: int) -> Callable:
        module, (coef, bias) = _module(implementation), _decoder(n_channels)
        coef = coef[:, :n_channels] / 10

        def call(x: np.ndarray) -> np.ndarray:
            out = np.empty((x.shape[1], len(bias)))
            for features, row in zip(x.T.astype(np.float64), out, strict=True):
                module.linear_scores(coef, bias, features, row)
                getattr(module, link)(row)
            return out

        return call

    return make


def _stage(build: Callable[[ModuleType], list], labels: tuple = ("calm", "joy")) -> Callable:
    """A pipeline, fitted on noise of two sizes where it learns, through the native or the reference engine."""

    def make(implementation: str, n_channels: int, n_samples: int) -> Callable:
        import fastemo as fe

        names = [f"ch{c}" for c in range(n_channels)]
        pipe = fe.Pipeline(build(fe), sfreq=SFREQ, ch_names=names, check_unit=False)
        if not pipe.__sklearn_is_fitted__():
            rng = np.random.default_rng(1)
            x = rng.standard_normal((6, n_channels, 1500)) * np.repeat([5, 9], 3)[:, None, None]
            pipe.fit(x, [labels[0]] * 3 + [labels[1]] * 3)
        return _Run(pipe.program, implementation)

    return make


def _front(*stages: Callable[[ModuleType], Any]) -> Callable:
    """Signal stages in front of window and band power."""
    return _stage(
        lambda fe: [*(s(fe) for s in stages), fe.Window(0.5, 0.1), fe.BandPower(BANDS, "filterbank")]
    )


def _back(*stages: Callable[[ModuleType], Any], labels: tuple = ("calm", "joy")) -> Callable:
    """What follows window and differential entropy."""
    head = lambda fe: [fe.HighPass(4), fe.Window(0.5, 0.1), fe.DifferentialEntropy(BANDS)]  # noqa: E731
    return _stage(lambda fe: [*head(fe), *(s(fe) for s in stages)], labels)


def _feature(*stages: Callable[[ModuleType], Any]) -> Callable:
    return _stage(lambda fe: [fe.Window(0.5, 0.1), *(s(fe) for s in stages)])


def _entropy(definition: str) -> Callable:
    return _feature(lambda fe: fe.DifferentialEntropy(BANDS, definition))


def _user_function(name: str) -> Any:
    from fastemo import _case_functions

    return getattr(_case_functions, name)


def _call_op() -> Op:
    return _user_function("call_op")(_user_function("steepness"), SFREQ)


EVERYWHERE = ("native", "jit", "reference")
kernel, op, stage = partial(Case, kind="kernel"), partial(Case, kind="op"), partial(Case, kind="stage")

CASES: tuple[Case, ...] = (
    kernel("sosfilt", bits="A", make=_sosfilt, implementations=EVERYWHERE),
    kernel("bank_power", bits="A", make=_bank_power, implementations=EVERYWHERE),
    kernel("fft_band_power", bits="B", make=_fft_band_power, implementations=EVERYWHERE),
    kernel("rfft", bits="B", make=_rfft),
    kernel("cross_spectra", bits="B", make=_of_module(cross_spectra), implementations=EVERYWHERE),
    kernel("envelope_correlations", bits="B", make=_of_module(envelope_correlations, False)),
    kernel("envelope_correlations log", bits="B", make=_of_module(envelope_correlations, True)),
    kernel("neighbour_transfer", bits="A", make=_of_module(neighbour_transfer)),
    kernel("analytic_measures", bits="B", make=_of_module(analytic_measures, SFREQ, BANDS)),
    kernel("tapered_measures", bits="B", make=_of_module(tapered_measures)),
    kernel("wavelet_measures", bits="B", make=_of_module(wavelet_measures, SFREQ)),
    kernel("analytic_spectra", bits="B", make=_of_module(analytic_spectra, SFREQ, BANDS)),
    kernel("band_power_fft", bits="B", make=_function("band_power"), implementations=EVERYWHERE),
    kernel("band_power_welch", bits="B", make=_function("band_power", "welch")),
    kernel("band_power_multitaper", bits="B", make=_function("band_power", "multitaper")),
    kernel("multitaper", bits="B", make=_array_function(lambda m, x: m.multitaper(x, SFREQ), False)),
    kernel("multitaper_adaptive", bits="B", make=_array_function(
        lambda m, x: m.multitaper(x, SFREQ, weights="adaptive"), False)),
    kernel("morlet", bits="B", make=_array_function(lambda m, x: m.morlet(x, SFREQ, [20, 40], 3.0), False)),
    kernel("band_power_bank", bits="A", make=_function("band_power", "filterbank"), implementations=EVERYWHERE),
    kernel("entropy_gauss", bits="A", make=_function("differential_entropy"), implementations=EVERYWHERE),
    kernel("entropy_fft", bits="B", make=_function("differential_entropy", "spectral"), implementations=EVERYWHERE),
    kernel("linear_softmax", bits="A", make=_linear("softmax"), implementations=("jit", "reference")),
    kernel("linear_sigmoid", bits="A", make=_linear("sigmoid"), implementations=("jit", "reference")),
    kernel("sliding_inference", bits="A", make=_sliding_inference, implementations=EVERYWHERE),
    kernel("sosfiltfilt", bits="A", make=_array_function(lambda m, x: m.sosfiltfilt(_sos(), x))),
    kernel("lfilter", bits="A", make=_array_function(lambda m, x: m.lfilter(*_transfer(), x))),
    kernel("filtfilt", bits="A", make=_array_function(lambda m, x: m.filtfilt(*_transfer(), x))),
    kernel("upfirdn", bits="A", make=_array_function(lambda m, x: m.upfirdn(_taps(41), x, 3, 2))),
    kernel("resample_poly", bits="A", make=_array_function(lambda m, x: m.resample_poly(x, 16, 25, axis=-1))),
    kernel("oaconvolve", bits="B", make=_array_function(
        lambda m, x: m.oaconvolve(x, _taps(151).reshape((1,) * (x.ndim - 1) + (-1,)), "same"))),
    kernel("detrend", bits="A", make=_array_function(lambda m, x: m.detrend(x))),
    kernel("hilbert", bits="B", make=_array_function(lambda m, x: m.hilbert(x))),
    kernel("welch", bits="B", make=_array_function(lambda m, x: m.welch(x, SFREQ, nperseg=64))),
    kernel("csd", bits="B", make=_array_function(lambda m, x: m.csd(x, x**2, SFREQ, nperseg=64))),
    kernel("coherence", bits="B", make=_array_function(lambda m, x: m.coherence(x, x**2, SFREQ, nperseg=64))),
    kernel("spectrogram", bits="B", make=_array_function(
        lambda m, x: m.spectrogram(x, SFREQ, window="hann", nperseg=64))),
    kernel("stft", bits="B", make=_array_function(lambda m, x: m.stft(x, nperseg=64))),
    *(kernel(f"reduce {kind}", bits="A", make=_of_module(reduce_signals, SFREQ, kind)) for kind in FEATURES_BY_KIND),
    kernel("covariance", bits="B", make=_of_module(of_windows, lambda m, x, c: c)),
    kernel("congruence", bits="B", make=_of_module(of_windows, lambda m, x, c: m.congruence(c, c[0], 1))),
    kernel("spectral_map", bits="B", make=_of_module(of_windows,
        lambda m, x, c: m.spectral_map("tangent", "log", 0.0, 0.0, c, np.eye(len(c[0]))[None] / 10, 1))),
    kernel("hermitian_product", bits="B", make=_of_module(of_windows,
        lambda m, x, c: m.hermitian_product(np.stack([x, x[..., ::-1]], axis=-1), 1))),
    kernel("reduce spectra", bits="A", make=_of_module(reduce_spectra, SFREQ, False)),
    kernel("reduce moments", bits="A", make=_of_module(reduce_spectra, SFREQ, True)),
    op("reference", bits="A", make=_signal_op("reference", lambda n, rng: {"weights": rng.random(n) / n})),
    op("matrix", bits="A", make=_signal_op("matrix", lambda n, rng: {"coef": rng.standard_normal((n + 2, n))})),
    op("sos", bits="A", make=_signal_op("sos", lambda n, rng: {"coef": _sos(), "zi": np.zeros((4, 2))})),
    op("fir", bits="A", make=_signal_op("fir", lambda n, rng: {"taps": _taps(31), **_scalars(block=0, first=1)})),
    op("fir fft", bits="B", make=_signal_op("fir", lambda n, rng: {"taps": _taps(301), **_scalars(block=64, first=1)})),
    *(op(name, bits=bits, make=_signal_op(name.split()[0], tensors))
      for name, bits, tensors in (*_artefact_cases.SIGNAL_OPS, *_stream_cases.SIGNAL_OPS)),
    op("resample", bits="A", make=_signal_op(
        "resample", lambda n, rng: {"taps": 4 * _taps(41), **_scalars(up=4, down=5, first=1)})),
    op("bank_power", bits="A", make=_ops(lambda n, rng: [_bands()])),
    op("fft_power", bits="B", make=_ops(_fft_op)),
    op("reduce", bits="A", make=_ops(lambda n, rng: [Op("window", (0,)), reduce_op(1, LENGTH, SFREQ)])),
    op("taper_power", bits="B", make=_ops(_taper_op)),
    op("sliding_power", bits="B", make=_ops(_sliding_op)),
    op("cross", bits="B", make=_ops(lambda n, rng: [cross_op(SFREQ, BANDS, 0.0)])),
    op("cross_pairs", bits="B", make=_ops(lambda n, rng: [pairs_op(SFREQ, BANDS, 0.0, n)])),
    op("cross_pairs dense", bits="B", make=_ops(lambda n, rng: [pairs_op(SFREQ, BANDS, 0.98, n, n)])),
    op("cross fading", bits="B", make=_ops(lambda n, rng: [cross_op(SFREQ, BANDS, 0.98)])),
    op("coupling", bits="B", make=_ops(lambda n, rng: [Op("window", (0,)), _stream_cases.coupling_op()])),
    op("quadrature", bits="B", make=_ops(lambda n, rng: [*_stream_cases.quadrature_ops(), _power(2)])),
    op("call", bits="A", make=_ops(lambda n, rng: [Op("window", (0,)), _call_op()])),
    op("bandsum", bits="B", make=_ops(_bandsum_op)),
    op("relative", bits="A", make=_vector_op("relative", lambda n, rng: _scalars(n_rows=3))),
    op("log", bits="A", make=_vector_op("log", lambda n, rng: _scalars(gain=2.0, offset=-1.0, floor=1e-4))),
    op("affine", bits="A", make=_vector_op(
        "affine", lambda n, rng: {"shift": rng.standard_normal(3 * n), "scale": rng.standard_normal(3 * n)})),
    op("concat", bits="A", make=_ops(lambda n, rng: [_bands(), _power(), Op("concat", (2, 1, 2))])),
    op("ratio", bits="A", make=_ops(lambda n, rng: [_bands(), _power(), Op("concat", (2, 2, 2)), Op("ratio", (1, 3))])),
    op("linear", bits="A", make=_vector_op(
        "linear", lambda n, rng: {"coef": rng.standard_normal((5, 3 * n)), "bias": rng.standard_normal(5)})),
    op("fading_cov", bits="A", make=_ops(partial(covariance_ops, "fading_cov"))),
    *(op(kind, bits="B", make=_ops(partial(covariance_ops, kind))) for kind in ("cov", "congruence", "tangent", "mdm")),
    op("softmax", bits="A", make=_score_op("softmax")),
    op("sigmoid", bits="A", make=_score_op("sigmoid")),
    op("ema", bits="A", make=_vector_op("ema", lambda n, rng: _scalars(alpha=0.3))),
    op("boxcar", bits="A", make=_vector_op("boxcar", lambda n, rng: _scalars(n=3))),
    op("repair", bits="A", make=_ops(lambda n, rng: [*_artefact_cases.repair_ops(n, rng), _power(2)])),
    op("gate", bits="A", make=_vector_op("gate", lambda n, rng: _scalars(limit=1e9))),
    op("rls", bits="A", make=_signal_op("rls", lambda n, rng: {
        "keep": np.arange(n), "regressors": np.array([-1, -2]), **_scalars(forgetting=0.99, ridge=1e-6)})),
    op("running", bits="A", make=_signal_op(
        "running", lambda n, rng: _scalars(forgetting=0.98, clip=1.5, start=20, scaled=1))),
    stage("CommonAverage", bits="A", make=_front(lambda fe: fe.CommonAverage())),
    stage("Reference", bits="A", make=_front(lambda fe: fe.Reference(["ch0"]))),
    stage("Bipolar", bits="A", make=_front(lambda fe: fe.Bipolar([("ch0", "ch1")]))),
    stage("SpatialFilter", bits="A", make=_front(lambda fe: fe.SpatialFilter([[1.0] + [0.0] * 6, [0.5] * 7]))),
    *(stage(name, bits=bits, make=_front(make))
      for name, bits, make in (*_artefact_cases.FRONT_STAGES, *_stream_cases.FRONT_STAGES)),
    stage("BandPass", bits="A", make=_front(lambda fe: fe.BandPass(1, 45))),
    stage("HighPass", bits="A", make=_front(lambda fe: fe.HighPass(1))),
    stage("LowPass", bits="A", make=_front(lambda fe: fe.LowPass(40))),
    stage("Notch", bits="A", make=_front(lambda fe: fe.Notch(50))),
    stage("CustomSos", bits="A", make=_front(lambda fe: fe.CustomSos(_sos()))),
    stage("RegressOut", bits="A", make=_front(lambda fe: fe.RegressOut(["ch0"], trend=True, tau=1.0))),
    stage("Despike", bits="A", make=_front(lambda fe: fe.Despike(1.5, tau=0.5, start=0.2))),
    stage("RunningStandardize", bits="A", make=_front(lambda fe: fe.RunningStandardize(tau=1.0))),
    stage("FIR", bits="B", make=_front(lambda fe: fe.FIR(4, 40))),
    stage("FIR minimum", bits="A", make=_front(lambda fe: fe.FIR(high=40, high_transition=20, phase="minimum"))),
    stage("FIR cascade", bits="B", make=_front(lambda fe: fe.FIR(4), lambda fe: fe.FIR(high=40))),
    stage("RemoveDrift", bits="B", make=_front(lambda fe: fe.RemoveDrift(0.4))),
    stage("Resample", bits="A", make=_front(lambda fe: fe.Resample(160))),
    stage("Decimate", bits="A", make=_front(lambda fe: fe.Decimate(2, phase="minimum"))),
    stage("Quality", bits="A", make=_front(lambda fe: fe.Quality(flat=0.1, rail=60.0, step=40.0))),
    stage("BandPower", bits="B", make=_feature(lambda fe: fe.BandPower(BANDS))),
    stage("BandPower fft", bits="B", make=_feature(lambda fe: fe.BandPower(BANDS, "fft"))),
    stage("BandPower filterbank", bits="A", make=_feature(lambda fe: fe.BandPower(BANDS, "filterbank"))),
    stage("BandPower relative log", bits="B", make=_feature(
        lambda fe: fe.BandPower(BANDS, relative=True, log=True))),
    stage("DifferentialEntropy", bits="A", make=_feature(lambda fe: fe.DifferentialEntropy(BANDS))),
    stage("DifferentialEntropy spectral", bits="B", make=_feature(
        lambda fe: fe.DifferentialEntropy(BANDS, "spectral"))),
    stage("Connectivity", bits="B", make=_feature(lambda fe: fe.Connectivity(BANDS, ["plv", "wpli", "imcoh"]))),
    stage("Connectivity pairs", bits="B", make=_feature(
        lambda fe: fe.Connectivity(BANDS, ["plv", "imcoh", "cohy"], indices=([0, 1], [1, 0])))),
    stage("Connectivity memory", bits="B", make=_feature(lambda fe: fe.Connectivity(BANDS, "cohy", memory=0.5))),
    stage("TimeDomain", bits="A", make=_feature(lambda fe: fe.TimeDomain(fe.TimeDomain.allowed))),
    stage("Complexity", bits="A", make=_feature(lambda fe: fe.Complexity(fe.Complexity.allowed))),
    stage("SpectralShape", bits="B", make=_feature(lambda fe: fe.SpectralShape(fe.SpectralShape.allowed))),
    stage("BandPower sliding", bits="B", make=_feature(lambda fe: fe.BandPower(BANDS, "sliding", taper="hamming"))),
    stage("BandPower welch", bits="B", make=_feature(lambda fe: fe.BandPower(BANDS, "welch"))),
    stage("BandPower morlet", bits="B", make=_feature(lambda fe: fe.BandPower(BANDS, "morlet", n_cycles=3.0, log=True))),
    stage("PhaseAmplitudeCoupling", bits="B", make=_stage(lambda fe: [
        fe.Window(0.6, 0.1), fe.PhaseAmplitudeCoupling({"slow": (17, 19)}, {"fast": (40, 90), "faster": (60, 110)}, "mvl")])),
    stage("BandPower multitaper", bits="B", make=_feature(lambda fe: fe.BandPower(BANDS, "multitaper", db=True))),
    *(stage(f"DifferentialEntropy {name}", bits=bits, make=_entropy(name))
      for name, bits in {"seed": "B", "torcheeg": "A", "libeer": "A", "brainflow": "B"}.items()),
    stage("Asymmetry", bits="A", make=_stage(
        lambda fe: [fe.Window(0.5, 0.1), fe.DifferentialEntropy(BANDS), fe.Asymmetry("rasm", [("ch0", "ch1")])])),
    stage("UserFeature", bits="A", make=_feature(lambda fe: _user_function("coupling"))),
    stage("Features", bits="B", make=_feature(
        lambda fe: fe.Features([fe.BandPower(BANDS, log=True), fe.DifferentialEntropy(BANDS)]))),
    stage("LogTransform", bits="A", make=_stage(
        lambda fe: [fe.Window(0.5, 0.1), fe.BandPower(BANDS, "filterbank"), fe.LogTransform()])),
    stage("RelativePower", bits="A", make=_stage(
        lambda fe: [fe.Window(0.5, 0.1), fe.BandPower(BANDS, "filterbank"), fe.RelativePower()])),
    stage("Covariance", bits="B", make=_feature(lambda fe: fe.Covariance("lwf", BANDS, tau=1.0))),
    stage("Covariance memory", bits="A", make=_feature(lambda fe: fe.Covariance("oas", BANDS, memory=1.0))),
    stage("Recenter", bits="B", make=_feature(lambda fe: fe.Covariance(), lambda fe: fe.Recenter())),
    stage("TangentSpace", bits="B", make=_feature(
        lambda fe: fe.Covariance("shrunk", BANDS), lambda fe: fe.Recenter(), lambda fe: fe.TangentSpace(), lambda fe: fe.LDA())),
    stage("TangentSpace logeuclid", bits="B", make=_feature(
        lambda fe: fe.Covariance(), lambda fe: fe.TangentSpace("logeuclid"))),
    stage("MDM", bits="B", make=_feature(lambda fe: fe.Covariance("oas", BANDS), lambda fe: fe.MDM())),
    stage("Potato", bits="B", make=_feature(
        lambda fe: fe.Potato(1e9, {"one": ["ch0"], "again": ["ch0"]}), lambda fe: fe.BandPower(BANDS))),
    stage("PotatoScore", bits="B", make=_feature(lambda fe: fe.PotatoScore())),
    stage("Standardize", bits="A", make=_back(lambda fe: fe.Standardize())),
    stage("LDA", bits="A", make=_back(lambda fe: fe.Standardize(), lambda fe: fe.LDA())),
    stage("Logistic", bits="A", make=_back(lambda fe: fe.Standardize(), lambda fe: fe.Logistic())),
    stage("Ridge", bits="A", make=_back(lambda fe: fe.Ridge(), labels=({"joy": 0.1}, {"joy": 0.9}))),
    stage("Smooth", bits="A", make=_back(lambda fe: fe.Smooth(0.5))),
    stage("WindowMean", bits="A", make=_back(lambda fe: fe.WindowMean(3))),
)  # fmt: skip
