"""Differential entropy by every published definition: the formulas written out, and what differs between them."""

import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

import fastemo as fe
from fastemo import _backend
from fastemo.spectral import differential_entropy

FS = 200.0
BANDS = fe.BANDS["seed"]
PACKS = ("seed", "torcheeg", "libeer", "brainflow")


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return 10 * rng.standard_normal((5, 1200)).cumsum(axis=-1) + 30


@pytest.mark.parametrize("definition", ["gauss", "spectral", *PACKS])
@pytest.mark.parametrize("n", [200, 201, 400, 1200])
def test_is_the_reference(x, definition, n):
    bands = fe.BANDS["torcheeg"] if n < 400 else BANDS
    wanted = fe.reference.differential_entropy(x[:, :n], FS, bands, definition)
    assert_allclose(differential_entropy(x[:, :n], FS, bands, definition), wanted, rtol=1e-10)


def test_seed_is_the_sum_over_bins_one_early():
    """The features of SEED for one second at 200 Hz, bin by bin."""
    x = np.random.default_rng(1).standard_normal(200)
    spectrum = np.fft.fft(x * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, 201) / 201)))
    energy = [abs(spectrum[k]) ** 2 for k in range(100)]
    for name, (first, last) in {"delta": (1, 4), "alpha": (8, 14), "gamma": (31, 50)}.items():
        wanted = np.log2(100 * sum(energy[first - 1 : last]) / (last - first + 1))
        got = differential_entropy(x, FS, {name: BANDS[name]}, "seed")
        assert_allclose(got, [wanted], rtol=1e-12)
    padded = np.fft.fft(x * scipy.signal.windows.hann(202)[1:-1], 256)
    wanted = np.log2(100 * np.mean(np.abs(padded[10 - 1 : 17]) ** 2))
    assert_allclose(differential_entropy(x, FS, {"a": (8, 14)}, "seed", n_fft=256), [wanted], rtol=1e-12)


def test_the_value_of_gaussian_noise_is_its_entropy():
    """White noise of variance 1 has 2/fs per Hz: what each definition in nats or bits should say of a wide band."""
    x = np.random.default_rng(2).standard_normal((2000, 1200))
    nats = 0.5 * np.log(2 * np.pi * np.e * 2 / FS * 20)
    for definition, scale, level in [("gauss", 1, 0), ("spectral", 1, 0), ("torcheeg", np.log(2), 0)]:
        got = differential_entropy(x, FS, {"b": (20, 40)}, definition).mean() * scale
        assert_allclose(got, nats + level, atol=0.05)  # filters have slopes; TorchEEG's start at rest


def test_brainflow_has_no_correction_for_its_taper():
    """Its density is that of the tapered signal: 3/8 of the power under a Hann taper."""
    x = np.random.default_rng(3).standard_normal((500, 1200))
    plain = differential_entropy(x, FS, {"b": (20, 40)}, "spectral").mean()
    theirs = differential_entropy(x, FS, {"b": (20, 40)}, "brainflow").mean()
    assert_allclose(theirs - plain, 0.5 * np.log(3 / 8), atol=0.05)


@pytest.mark.parametrize("definition", ["gauss", "spectral", *PACKS])
def test_windows(x, definition):
    """The spectral ones see each window alone; filters run on over all of them."""
    bands = {"alpha": (8, 14), "beta": (14, 31)}
    many = differential_entropy(x, FS, bands, definition, window=1.5, hop=0.5)
    assert many.shape == (10, 5, 2)
    windows = np.lib.stride_tricks.sliding_window_view(x, 300, axis=-1)[:, ::100].swapaxes(0, 1)
    alone = differential_entropy(windows, FS, bands, definition)
    if definition in ("spectral", "seed", "brainflow"):
        assert_array_equal(many, alone)
    else:
        assert_allclose(many[5], alone[5], atol=1.5)
        assert not np.allclose(many[5], alone[5], atol=1e-6)
    if definition == "libeer":
        y = scipy.signal.filtfilt(*scipy.signal.butter(3, [0.08, 0.14], "bandpass"), x)
        wanted = 0.5 * np.log2(2 * np.pi * np.e * np.var(y[:, 500:800], axis=1, ddof=1))
        assert_allclose(many[5, :, 0], wanted, rtol=1e-10)
    if definition == "gauss":
        sos = scipy.signal.butter(4, [8, 14], "bandpass", fs=FS, output="sos")
        zi = scipy.signal.sosfilt_zi(sos)[:, None] * x[None, :, :1]
        y = scipy.signal.sosfilt(sos, x, zi=zi)[0]
        wanted = 0.5 * np.log(2 * np.pi * np.e * np.mean(y[:, 500:800] ** 2, axis=1))
        assert_allclose(many[5, :, 0], wanted, rtol=1e-12)


def test_the_causal_twin_is_as_selective_and_needs_no_future(x):
    bands = {"alpha": (8, 14)}
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((50, 6000))
    both = differential_entropy(noise, FS, bands, "libeer", window=2.0)[5:-5].mean()
    twin = differential_entropy(noise, FS, bands, "libeer", window=2.0, causal=True)[5:-5].mean()
    assert_allclose(twin, both, atol=0.02)
    changed = x.copy()
    changed[:, 900:] = 0
    before, after = (
        differential_entropy(y, FS, bands, "libeer", window=1.0, causal=True) for y in (x, changed)
    )
    assert_array_equal(before[:4], after[:4])
    before, after = (differential_entropy(y, FS, bands, "libeer", window=1.0) for y in (x, changed))
    assert (before[3] != after[3]).all()


@pytest.mark.parametrize("definition", ["gauss", "spectral", *PACKS])
def test_same_bits_whatever_lies_around(x, definition):
    bands = {"alpha": (8, 14), "beta": (14, 31)}
    entropy = differential_entropy(x, FS, bands, definition)
    wide = np.zeros((5, 3600))
    wide[:, ::3] = x
    for view in (np.asfortranarray(x), wide[:, ::3], np.stack([x, x])[1]):
        assert_array_equal(differential_entropy(view, FS, bands, definition), entropy)
    assert_array_equal(differential_entropy(x, FS, bands, definition, threads=2), entropy)
    assert_array_equal(differential_entropy(x[2], FS, bands, definition), entropy[2])
    out = np.empty_like(entropy)
    assert differential_entropy(x, FS, bands, definition, out=out) is out
    assert_array_equal(out, entropy)
    single = x.astype(np.float32)
    wanted = differential_entropy(single.astype(float), FS, bands, definition)
    assert_array_equal(differential_entropy(single, FS, bands, definition), wanted)


@pytest.mark.parametrize("definition", PACKS)
def test_silence_is_a_number(definition):
    flat = differential_entropy(np.zeros((2, 400)), FS, {"alpha": (8, 14)}, definition)
    assert np.isfinite(flat).all()
    assert (flat < -300).all()
    quiet = differential_entropy(
        np.full((1, 400), 1e-9) * np.sin(np.arange(400)), FS, {"a": (8, 14)}, definition
    )
    assert np.isfinite(quiet).all()


@pytest.mark.parametrize("definition", ["gauss", *PACKS])
def test_without_the_core(x, definition, monkeypatch):
    compiled = differential_entropy(x, FS, BANDS, definition)
    monkeypatch.setattr(_backend, "core", None)
    monkeypatch.setattr(fe.spectral._entropy, "core", None)
    monkeypatch.setattr(fe.spectral._common, "_designs", {})
    assert_allclose(differential_entropy(x, FS, BANDS, definition), compiled, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"definition": "gaus"}, "definition must be one of 'gauss', 'spectral', 'seed'"),
        ({"definition": "seed", "order": 3}, "order=3 has no meaning for definition='seed'"),
        ({"definition": "gauss", "n_fft": 512}, "n_fft=512 has no meaning for definition='gauss'"),
        ({"definition": "torcheeg", "causal": True}, "causal=True has no meaning"),
        ({"definition": "seed", "n_fft": 100}, "n_fft must be at least the 1200 samples"),
        ({"definition": "seed", "bands": {"d": (0.1, 4)}}, "use a window of at least 10 s"),
        ({"definition": "brainflow", "bands": {"d": (0.9, 1.0)}}, "use a window of at least 20 s"),
        ({"definition": "libeer", "bands": {"g": (31, 100)}}, "must end below the Nyquist"),
        ({"definition": "gauss", "hop": 0.1}, "hop=0.1 has no meaning without window"),
        ({"definition": "gauss", "window": 7.0}, "window=7 s is longer than the 6 s of x"),
        ({"definition": "torcheeg", "order": 0}, "order must be a whole number of at least 1"),
        ({"definition": "seed", "bands": {"g": (31, 120)}}, "beyond the Nyquist"),
    ],
)
def test_bad_arguments(x, options, fragment):
    with pytest.raises(ValueError, match=fragment):
        differential_entropy(**({"x": x, "sfreq": FS, "bands": BANDS} | options))


def test_libeer_needs_enough_samples(x):
    with pytest.raises(ValueError, match="needs more than 21 samples, got 20"):
        differential_entropy(x[:, :20], FS, {"a": (8, 14)}, "libeer")


@pytest.mark.parametrize("definition", ["gauss", "torcheeg"])
def test_bands_need_a_cycle(x, definition):
    bands = {"delta": (1, 4), "alpha": (8, 14)}
    with pytest.raises(
        ValueError, match=r"less than one cycle of the band 'delta' .* at least 0.25 s.*min_length"
    ):
        differential_entropy(x[:, : int(FS) // 4 - 1], FS, bands, definition)
    assert np.isfinite(differential_entropy(x[:, : int(FS) // 4], FS, bands, definition)).all()


def outputs(stage, x, length=1.5, hop=0.5):
    names = [f"ch{c}" for c in range(len(x))]
    pipe = fe.Pipeline([fe.Window(length, hop), stage], sfreq=FS, ch_names=names, check_unit=False)
    n_bands = len(stage.bands)
    return pipe.engine().push_array(x)["outputs"].reshape(-1, n_bands, len(x)).swapaxes(1, 2)


@pytest.mark.parametrize("definition", ["gauss", "spectral", *PACKS])
@pytest.mark.parametrize("order", [None, 2])
def test_the_stage_is_the_function_in_its_causal_form(x, definition, order):
    bands = {"alpha": (8, 14), "beta": (14, 31)}
    if order and definition not in ("gauss", "torcheeg", "libeer"):
        with pytest.raises(ValueError, match="order=2 has no meaning"):
            fe.DifferentialEntropy(bands, definition, order=order)
        return
    got = outputs(fe.DifferentialEntropy(bands, definition, order=order), x)
    options = {"causal": True} if definition == "libeer" else {}
    wanted = differential_entropy(x, FS, bands, definition, order=order, window=1.5, hop=0.5, **options)
    if definition in ("torcheeg", "libeer"):
        # The mean of a window of the band is taken off by the function: a share of 1e-3 of the power or so.
        assert_allclose(got, wanted, atol=0.02)
        sos = scipy.signal.butter(
            order or {"torcheeg": 5, "libeer": 3}[definition], [8, 14], "band", fs=FS, output="sos"
        )
        y = scipy.signal.sosfilt(sos, x)
        if definition == "libeer":
            y = scipy.signal.sosfilt(sos, y) * np.sqrt(300 / 299)
        wanted = 0.5 * np.log2(2 * np.pi * np.e * np.mean(y[:, 400:700] ** 2, axis=1))
        assert_allclose(got[4, :, 0], wanted, rtol=1e-9)
    else:
        assert_allclose(got, wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("stage", "function"),
    [
        ({"method": "welch"}, {"method": "welch", "nperseg": 150}),
        (
            {"method": "welch", "segment": 0.5, "taper": "hamming"},
            {"method": "welch", "nperseg": 100, "taper": "hamming"},
        ),
        ({"method": "multitaper"}, {"method": "multitaper"}),
        (
            {"method": "multitaper", "bandwidth": 3.0, "db": True},
            {"method": "multitaper", "bandwidth": 3.0, "db": True},
        ),
        ({"method": "fft", "db": True, "relative": True}, {"method": "fft", "db": True, "relative": True}),
        (
            {"method": "multitaper", "detrend": False, "log": True},
            {"method": "multitaper", "detrend": False, "log": True},
        ),
    ],
)
def test_band_power_of_windows_is_the_function(x, stage, function):
    bands = {"alpha": (8, 14), "beta": (14, 31)}
    got = outputs(fe.BandPower(bands, **stage), x)
    windows = np.lib.stride_tricks.sliding_window_view(x, 300, axis=-1)[:, ::100].swapaxes(0, 1)
    assert_allclose(got, fe.spectral.band_power(windows, FS, bands, **function), rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"method": "welch", "bandwidth": 3.0}, "bandwidth=3.0 has no meaning"),
        ({"method": "multitaper", "segment": 0.5}, "segment=0.5 has no meaning"),
        ({"method": "multitaper", "taper": "hamming"}, "taper='hamming' has no meaning"),
        ({"method": "filterbank", "detrend": False}, "detrend=False has no meaning"),
        ({"method": "fft", "order": 3}, "order=3 has no meaning"),
        ({"log": True, "db": True}, "choose one"),
        ({"method": "welch", "segment": 2.0}, "segment=2 s is longer than the window of 1.5 s"),
        ({"method": "multitaper", "bandwidth": 0.3}, "bandwidth=0.3 Hz must be from"),
        ({"method": "welch", "segment": 0.05}, "use a window of at least"),
    ],
)
def test_bad_parameters_of_stages(x, options, fragment):
    with pytest.raises(ValueError, match=fragment):
        outputs(fe.BandPower({"alpha": (8, 14)}, **options), x)


@pytest.mark.skipif(_backend.core is None, reason="the compiled core is not built")
@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize(
    "change",
    [
        {"tapers": np.ones((1, 126))}, {"hop": np.array([0])}, {"bins": np.array([0, 32])}, {"bins": np.array([3, 3])},
        {"weights": np.ones(2)}, {"scale": np.ones(4)}, {"detrend": np.array([2])}, {"tapers": np.ones(60)},
    ],
)  # fmt: skip
def test_damaged_tensors_are_refused(engine, change):
    from fastemo._case_programs import _program
    from fastemo._program import Op

    tensors = {
        "tapers": np.ones((1, 60)), "weights": np.ones(1), "hop": np.array([20]), "bins": np.array([0, 5]),
        "scale": np.ones(5), "detrend": np.array([1]),
    }  # fmt: skip
    good = _program([Op("window", (0,)), Op("taper_power", (1,), tensors)], 3)
    fe.Engine(good, backend=engine)
    bad = _program([Op("window", (0,)), Op("taper_power", (1,), tensors | change)], 3)
    with pytest.raises(ValueError, match="taper_power"):
        fe.Engine(bad, backend=engine)
