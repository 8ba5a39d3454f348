"""Connectivity over time: the filter bank, the op, the stage, and the offline function over the same samples."""

import re

import numpy as np
import pytest

import fastemo as fe
from fastemo._backend import core
from fastemo._connectivity_cases import cross_op
from fastemo._design import analytic_bandpass, analytic_bank, butterworth
from fastemo.connectivity import connectivity
from fastemo.engine import Engine
from fastemo.reference.connectivity import PER_SAMPLE

SFREQ = 250.0
BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}
needs_core = pytest.mark.skipif(core is None, reason="the compiled core is not built")


def signals(n_channels=6, n=2000, seed=0):
    """Noise that shares something, a little later in each channel."""
    rng = np.random.default_rng(seed)
    shared = np.cumsum(rng.standard_normal(n + 50))
    shared -= np.linspace(shared[0], shared[-1], n + 50)
    x = 5 * rng.standard_normal((n_channels, n))
    for c in range(n_channels):
        x[c] += 0.5 * shared[50 - 2 * c : n + 50 - 2 * c]
    return x


def pipeline(stage, n_channels, length=1.0, hop=0.1, sfreq=SFREQ):
    names = [f"ch{c}" for c in range(n_channels)]
    return fe.Pipeline([fe.Window(length, hop), stage], sfreq=sfreq, ch_names=names, check_unit=False)


def response(filter_, freqs):
    poles, weights, direct = filter_
    z = np.exp(-2j * np.pi * np.asarray(freqs) / SFREQ)
    return direct + np.sum(weights / (1 - poles * z[:, None]), axis=1)


@pytest.mark.parametrize("band", [(1, 4), (4, 8), (8, 13), (13, 30), (30, 45)])
@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_the_filter_passes_positive_frequencies_of_its_band(band, order):
    from scipy.signal import sosfreqz

    filter_ = analytic_bandpass(SFREQ, *band, order, "here")
    low, high = band
    centre = np.sqrt(low * high)
    real = sosfreqz(butterworth(SFREQ, low, high, order, "here"), [centre], fs=SFREQ)[1]
    np.testing.assert_allclose(response(filter_, [centre]), 2 * real, rtol=1e-9)
    inside = np.abs(response(filter_, np.linspace(low, high, 20))) / 2
    assert ((inside > 0.5) & (inside < 1.4)).all()  # odd orders tilt the widest: one zero more at 0 Hz
    negative = np.abs(response(filter_, -np.linspace(low, high, 20))) / 2
    assert (negative < {2: 0.2, 3: 0.07}.get(order, 0.03)).all()
    assert (np.abs(response(filter_, [0, SFREQ / 2])) < 1e-9).all()


def test_a_band_of_many_octaves_is_refused():
    with pytest.raises(
        ValueError, match="the band 'all' of Connectivity is too wide for an analytic signal of order 3"
    ):
        _ = pipeline(fe.Connectivity({"all": (1, 45)}, order=3), 2).program


def test_analytic_signals_of_a_rhythm():
    """Modulus the amplitude, angle the phase: of a sine they turn steadily."""
    t = np.arange(1500) / SFREQ
    x = 3 * np.sin(2 * np.pi * 10 * t)[None, None] + 100
    bank = analytic_bank(SFREQ, {"alpha": (8, 13)}, 4, "here")
    from fastemo import reference

    spectra = reference.analytic_spectra(x, *bank, 750)
    z = spectra[0, :, 0, 0, 0] + 1j * spectra[0, :, 0, 1, 0]
    np.testing.assert_allclose(np.abs(z), 3, rtol=2e-3)
    np.testing.assert_allclose(np.diff(np.unwrap(np.angle(z))), 2 * np.pi * 10 / SFREQ, rtol=2e-3)


@needs_core
@pytest.mark.parametrize("length", [0.5, 0.4, 0.062])
@pytest.mark.parametrize("hop", [0.1, 0.02, 0.004, 0.7])
def test_every_window_is_the_offline_function_over_its_samples(length, hop):
    x = signals()
    methods = PER_SAMPLE
    pipe = pipeline(fe.Connectivity(BANDS, methods), len(x), length, hop)
    found = Engine(pipe.program).push_array(x)
    n, step = round(length * SFREQ), round(hop * SFREQ)
    assert len(found) == (x.shape[1] - n) // step + 1
    for k in np.unique(np.linspace(0, len(found) - 1, 12).astype(int)):
        stop = k * step + n
        assert found["index"][k] == stop - 1
        with pytest.warns(RuntimeWarning, match="independent observations"):
            result = connectivity(
                x[:, :stop], SFREQ, BANDS, methods=methods, mode="filterbank", observations="time",
                skip=(stop - n) / SFREQ,
            )  # fmt: skip
        expected = []
        for m in methods:
            expected += [result[m].real.T, result[m].imag.T] if m == "cohy" else [result[m].T]
        # Sums that move on: a rounding for every sample since they were begun anew.
        np.testing.assert_allclose(found["outputs"][k], np.ravel(expected), rtol=0, atol=1e-11)


@needs_core
@pytest.mark.parametrize("decay", [0.0, 0.99])
def test_the_engines_agree(decay):
    """Also on the measures that fe.Connectivity would not ask for together."""
    from fastemo._cases import _program

    x = signals(5)
    program = _program([cross_op(SFREQ, BANDS, decay)], 5)
    mine = Engine(program, backend="native").push_array(x)["outputs"]
    theirs = Engine(program, backend="reference").push_array(x)["outputs"]
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-11)


@needs_core
def test_chunks_and_threads_change_no_bit():
    x = signals(9)
    for stage in (fe.Connectivity(BANDS, PER_SAMPLE), fe.Connectivity(BANDS, PER_SAMPLE, memory=0.4)):
        for hop in (0.1, 0.028):
            program = pipeline(stage, 9, 0.5, hop).program
            whole = Engine(program).push_array(x)
            assert np.isfinite(whole["outputs"]).all()
            for threads, size in ((1, 1), (1, 7), (2, 100), (3, 613)):
                engine = Engine(program, threads=threads)
                parts = [engine.push_array(x[:, i : i + size]) for i in range(0, x.shape[1], size)]
                parts = np.concatenate(parts)
                assert all(parts[f].tobytes() == whole[f].tobytes() for f in whole.dtype.names)


@needs_core
def test_an_artefact_is_forgotten():
    """Large samples leave their rounding behind until sums are begun anew, four windows later at most."""
    x = signals(4, 3000)
    clean = Engine(pipeline(fe.Connectivity(BANDS, ["coh", "plv"]), 4, 0.5, 0.1).program)
    expected = clean.push_array(x)["outputs"]
    x[:, 500] += [1e4, -2e4, 5e3, 1e4]
    clean.reset()
    found = clean.push_array(x)["outputs"]
    assert np.isfinite(found).all()
    filled = 2000  # the filters have forgotten it as well
    late = [k for k in range(len(found)) if k * 25 > filled]
    np.testing.assert_allclose(found[late], expected[late], rtol=0, atol=1e-5)


@needs_core
def test_a_memory_that_fades():
    """The sums are those of all samples so far, each with its weight."""
    x = signals(3, 800)
    pipe = pipeline(fe.Connectivity({"alpha": (8, 13)}, ["plv", "imcoh", "pli"], memory=0.3), 3, 0.2, 0.1)
    found = Engine(pipe.program).push_array(x)["outputs"][-1]
    from fastemo import reference

    stop = (800 - 50) // 25 * 25 + 50
    spectra = reference.analytic_spectra(
        x[None, :, :stop], *analytic_bank(SFREQ, {"a": (8, 13)}, 4, "here"), 0
    )
    z = (spectra[0, :, 0, 0] + 1j * spectra[0, :, 0, 1])[:, :3]
    weights = np.exp(-np.arange(stop)[::-1] / (0.3 * SFREQ))
    weights /= weights.sum()
    for at, (i, j) in enumerate([(1, 0), (2, 0), (2, 1)]):
        s = z[1:, i] * z[1:, j].conj()  # the first sample is taken off, and so is 0
        power = [weights[1:] @ np.abs(z[1:, c]) ** 2 for c in (i, j)]
        assert found[3 + at] == pytest.approx(
            abs(weights[1:] @ (s / abs(s))), abs=1e-10
        )  # after imcoh: bits' order
        assert found[at] == pytest.approx((weights[1:] @ s).imag / np.sqrt(power[0] * power[1]), abs=1e-10)
        # The second sample is in phase everywhere, its sign rounding; it hardly counts any more.
        assert found[6 + at] == pytest.approx(abs(weights[1:] @ np.sign(s.imag)), abs=1e-4)


def test_copies_of_a_channel():
    x = signals(4)
    x[3] = x[1]
    for memory in (None, 0.4):
        pipe = pipeline(fe.Connectivity(BANDS, ["imcoh", "plv", "wpli", "pli", "dpli"], memory=memory), 4)
        names = list(pipe.get_feature_names_out())
        last = dict(zip(names, Engine(pipe.program).push_array(x)["outputs"][-1]))
        for band in BANDS:
            assert last[f"imcoh__{band}:ch3~ch1"] == 0
            assert last[f"wpli__{band}:ch3~ch1"] == 0
            assert last[f"pli__{band}:ch3~ch1"] == 0
            assert last[f"dpli__{band}:ch3~ch1"] == pytest.approx(0.5, abs=1e-15)
            assert last[f"plv__{band}:ch3~ch1"] == pytest.approx(1, abs=1e-9)


def test_a_lag_has_its_sign_and_zero_lag_none():
    """ch1 follows ch0 by 12 ms; ch2 is ch0 with noise, at once."""
    rng = np.random.default_rng(0)
    source = rng.standard_normal(5003)
    x = np.stack([source[3:], source[:-3], source[3:]]) + 0.3 * rng.standard_normal((3, 5000))
    pipe = pipeline(fe.Connectivity({"beta": (13, 30)}, ["plv", "dpli", "wpli"]), 3, 8.0, 1.0)
    last = dict(zip(pipe.get_feature_names_out(), Engine(pipe.program).push_array(x)["outputs"][-1]))
    assert last["dpli__beta:ch1~ch0"] < 0.1
    assert last["wpli__beta:ch1~ch0"] > 0.9
    assert last["plv__beta:ch2~ch0"] > 0.8
    assert last["wpli__beta:ch2~ch0"] < 0.4


@pytest.mark.filterwarnings("ignore:Connectivity rests on:RuntimeWarning")
def test_a_pipeline_of_it():
    """Features by name, saved and loaded, in front of a decoder."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 3, 1000))
    x[6:, 1] += 2 * np.roll(x[6:, 0], 2, axis=-1)
    y = ["apart"] * 6 + ["together"] * 6
    pipe = fe.Pipeline(
        [fe.Window(1.0, 0.25), fe.Connectivity(BANDS, ["plv", "cohy"]), fe.Standardize(), fe.LDA()],
        sfreq=SFREQ, ch_names=["Fz", "Cz", "Pz"], check_unit=False,
    )  # fmt: skip
    pipe.fit(x, y)
    assert (pipe.predict(x) == y).mean() > 0.9
    names = list(pipe.get_feature_names_out())
    assert names[:3] == ["cohy_re__theta:Cz~Fz", "cohy_re__theta:Pz~Fz", "cohy_re__theta:Pz~Cz"]
    assert names[-1] == "plv__beta:Pz~Cz"
    assert len(names) == 3 * 3 * 3


def test_few_observations_are_noted_and_warned_of():
    """A band of 5 Hz holds 10 independent observations a second."""
    names, data = ["a", "b", "c"], np.random.default_rng(0).standard_normal((2, 3, 3000))

    def made(length, **options):
        stages = [
            fe.Window(length, 0.5),
            fe.Connectivity({"alpha": (8, 13), "beta": (13, 30)}, **options),
            fe.LDA(),
        ]
        return fe.Pipeline(stages, sfreq=250, ch_names=names)

    said = r"Connectivity rests on 5 \(alpha\) independent observations: PLV of unrelated signals is about 0\.40 there; "
    with pytest.warns(RuntimeWarning, match=said + "take a longer window") as seen:
        pipe = made(0.5).fit(data, ["x", "y"])
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert "note: Connectivity rests on 5 (alpha)" in repr(pipe)
    with pytest.warns(RuntimeWarning, match="take a longer memory"):
        made(1.0, memory=0.25).fit(data, ["x", "y"])
    for enough in (made(1.0), made(0.5, memory=0.5)):
        assert "note" not in repr(enough.fit(data, ["x", "y"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": []}, "methods is empty"),
        ({"methods": "plw"}, "did you mean 'plv'"),
        ({"methods": "ppc"}, "needs independent observations"),
        ({"memory": 0}, "memory must be a finite number above 0"),
        ({"order": 0}, "order"),
    ],
)
def test_bad_parameters(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fe.Connectivity(BANDS, **arguments)


def test_one_channel_is_refused():
    with pytest.raises(ValueError, match="needs at least 2 channels, got 1"):
        _ = pipeline(fe.Connectivity(BANDS), 1).program


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "filterbank"}, "go together"),
        ({"observations": "time"}, "go together"),
        ({"mode": "filterbank", "observations": "time", "methods": "ppc"}, "needs independent observations"),
        ({"mode": "filterbank", "observations": "time", "faverage": False}, "has no bins"),
        ({"mode": "filterbank", "observations": "time", "order": 0}, "order must be a whole number"),
        ({"mode": "filterbank", "observations": "time", "skip": 9}, "pass a longer signal, or skip="),
        ({"order": 4}, "order=4 has no meaning for mode='multitaper'"),
        ({"skip": 4}, "skip=4 has no meaning for mode='multitaper'"),
    ],
)
def test_bad_options_of_time(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        connectivity(signals(), SFREQ, BANDS, **options)


def test_observations_over_time_know_how_many_they_are():
    x = signals(3, 5000)
    result = connectivity(x, SFREQ, {"alpha": (8, 13)}, methods="plv", mode="filterbank", observations="time")
    skipped = 5000 - result.n_observations["plv"] / 10 * SFREQ
    assert 100 < skipped < 500  # what the filters take to fill
    np.testing.assert_array_equal(result.limits, [[8, 13]])
    with pytest.warns(RuntimeWarning, match="rest on 5 independent observations"):
        connectivity(
            x[:, :250],
            SFREQ,
            {"alpha": (8, 13)},
            methods="plv",
            mode="filterbank",
            observations="time",
            skip=0.5,
        )
    noise = np.random.default_rng(1).standard_normal((30, 20, 500))
    result = connectivity(
        noise, SFREQ, {"alpha": (8, 13)}, methods="plv", mode="filterbank", observations="time", skip=1
    )
    # The bias that N independent observations have.
    assert result["plv"].mean() == pytest.approx(np.sqrt(np.pi / (4 * result.n_observations["plv"])), rel=0.3)


@needs_core
def test_the_core_refuses_what_does_not_fit():
    x = np.zeros((1, 3, 40))
    poles, weights, direct = analytic_bank(SFREQ, BANDS, 2, "here")
    for bad in (
        (x[0], poles, weights, direct, 0),
        (x, poles[..., 0], weights, direct, 0),
        (x, poles, weights[:1], direct, 0),
        (x, poles, weights, direct[:1], 0),
        (x, poles, weights, direct, 40),
        (x, poles, weights, direct, -1),
        (x, poles * 0 + 0.8, weights, direct, 0),
    ):
        with pytest.raises(ValueError, match=r"must have shape|skip is|unit circle"):
            core.analytic_spectra(*bad)


@needs_core
def test_chosen_pairs_and_threads_change_nothing():
    x = np.stack([signals(9, 900), signals(9, 900, 1)])
    options = {"mode": "filterbank", "observations": "time", "skip": 0.5, "methods": PER_SAMPLE}
    result = connectivity(x, SFREQ, BANDS, **options)
    shared = connectivity(np.asfortranarray(x), SFREQ, BANDS, threads=3, **options)
    some = connectivity(x, SFREQ, BANDS, indices=([8, 2], [3, 5]), **options)
    for m in PER_SAMPLE:
        np.testing.assert_array_equal(shared[m], result[m])
        np.testing.assert_allclose(some[m][0], result.dense(m)[8, 3], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(some[m][1], result.dense(m)[2, 5], rtol=1e-9, atol=1e-12)
    poles, weights, direct = analytic_bank(SFREQ, BANDS, 2, "here")
    for measures in (0, 1 << 5, 1 << 12):
        with pytest.raises(ValueError, match="measures is"):
            core.analytic_measures(x, poles, weights, direct, 0, measures)
    with pytest.raises(ValueError, match="at least 2"):
        core.analytic_measures(x[:, :1], poles, weights, direct, 0, 1)


@needs_core
@pytest.mark.parametrize("n_channels", [2, 7, 17])
@pytest.mark.parametrize(
    "methods",
    [
        ["plv"], ["coh"], ["plv", "ciplv"], ["coh", "cohy", "imcoh"], ["wpli"], ["wpli", "imcoh"],
        ["pli", "dpli", "wpli"], ["coh", "plv"], ["ciplv", "pli"], PER_SAMPLE,
    ],
)  # fmt: skip
def test_measures_that_share_different_sums(methods, n_channels):
    """More samples than are turned at once, in two epochs, whatever sums are taken; copies of a channel among them."""
    from fastemo.reference import connectivity as reference

    x = np.stack([signals(n_channels, 1100), signals(n_channels, 1100, 1)])
    x[:, -1] = x[:, 0]
    bank = analytic_bank(SFREQ, BANDS, 3, "here")
    bits = sum(1 << reference.MEASURES.index(m) for m in methods)
    found = core.analytic_measures(x, *bank, 30, bits)
    expected = reference.analytic_measures(x, *bank, 30, bits)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(core.analytic_measures(x, *bank, 30, bits, 2), found)
    copies = found[:, :, -n_channels + 1]  # the last channel and the first
    of_copies = {"coh": [1], "cohy": [1, 0], "plv": [1], "dpli": [0.5]}
    values = [v for m in PER_SAMPLE if m in methods for v in of_copies.get(m, [0])]
    for value, plane in zip(values, copies, strict=True):
        np.testing.assert_allclose(plane, value, rtol=1e-12, atol=0)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poles": np.full((3, 4, 2), 0.8)}, "unit circle"),
        ({"measures": np.array([0])}, "measures"),
        ({"measures": np.array([1 << 5])}, "measures"),
        ({"decay": np.array([1.0])}, "decay"),
        ({"weights": np.zeros((3, 3, 2))}, "weights"),
    ],
)
def test_bad_programs(backend, change, message):
    from dataclasses import replace

    from fastemo._cases import _program

    if backend == "native" and core is None:
        pytest.skip("there is no compiled core")
    op = cross_op(SFREQ, BANDS, 0.0)
    with pytest.raises(ValueError, match=message):
        Engine(_program([replace(op, tensors=op.tensors | change)], 3), backend=backend)
    with pytest.raises(ValueError, match="1 channel"):
        Engine(_program([op], 1), backend=backend)
