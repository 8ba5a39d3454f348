"""Bad channels are found and mended; what cannot be is refused in words."""

import numpy as np
import pytest

import fastemo as fe
from fastemo.artefacts import find_bad_channels, interpolate_bads, spline_matrix
from fastemo.montage import MONTAGES, electrode_positions

SFREQ = 250.0
CH = list(MONTAGES["32"])


@pytest.fixture(scope="module")
def clean():
    """A minute of a simulated brain without artefacts, high-passed, 32 channels."""
    calm = fe.synth.Difficulty.at(0.2, artefacts=0.0)
    recordings, _ = fe.synth.simulate(
        n_subjects=1, n_trials=2, trial_length=20, ch_names="32", difficulty=calm, line_freq=0.0, seed=3
    )
    x = max(recordings, key=lambda rec: rec.n_samples).data
    from scipy.signal import butter

    return fe.signal.sosfiltfilt(butter(2, 1, "highpass", fs=SFREQ, output="sos"), np.asarray(x, float))


class TestFindBadChannels:
    def test_a_clean_recording_has_none(self, clean):
        assert not find_bad_channels(clean, SFREQ).bad.any()

    def test_each_fault_has_its_name(self, clean):
        rng = np.random.default_rng(0)
        x = clean.copy()
        t = np.arange(x.shape[1]) / SFREQ
        x[3, 100] = np.nan
        x[5] = 1e-3 * rng.standard_normal(len(t))
        x[9] *= 30
        x[12] += 3 * x[12].std() * rng.standard_normal(len(t))
        x[20] = np.cumsum(rng.standard_normal(len(t))) * 0.1 + x[20].std() * np.sin(2 * np.pi * 7.3 * t + 1)
        x[25] += 20 * np.sin(2 * np.pi * 50 * t)
        found = find_bad_channels(x, SFREQ)
        expected = {3: "missing", 5: "flat", 9: "deviation", 12: "noise", 20: "correlation", 25: "line"}
        for channel, reason in expected.items():
            assert reason in found.reasons(channel), (channel, found)
        assert set(np.flatnonzero(found.bad)) == set(expected)
        assert found.names(CH) == [CH[c] for c in sorted(expected)]

    def test_scale_and_order_of_channels_do_not_matter_to_scores(self, clean):
        a, order = find_bad_channels(clean, SFREQ), np.random.default_rng(1).permutation(len(clean))
        b = find_bad_channels(2 * clean[order], SFREQ)
        for name in ("deviation", "noise", "correlation", "line"):
            np.testing.assert_allclose(getattr(b, name), getattr(a, name)[order], rtol=1e-6, atol=1e-9)

    def test_equal_channels_deviate_by_nothing(self):
        x = np.tile(np.random.default_rng(0).standard_normal(2000), (4, 1))
        assert not find_bad_channels(x, SFREQ).bad.any()

    def test_what_cannot_be_judged_is_not(self, clean):
        """At 62.5 Hz there is nothing above 50 Hz and no mains, and two channels have no company."""
        found = find_bad_channels(clean[:2, ::4], SFREQ / 4)
        assert np.isnan(found.noise).all()
        assert np.isnan(found.correlation).all()
        assert np.isnan(found.line).all()
        assert find_bad_channels(np.full((2, 500), np.nan), SFREQ).missing.all()

    def test_flat_channels_of_the_simulator_are_found(self):
        """Where most of a recording is flat the truth's mask says so too."""
        recordings, truth = fe.synth.simulate(n_subjects=1, n_trials=2, ch_names="32", seed=0)
        for i, rec in enumerate(recordings):
            x = np.asarray(rec.data, float).copy()
            x[4] = 0
            assert find_bad_channels(x, rec.sfreq).flat[4]
            assert truth.mask(i).shape == x.shape

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"x": np.zeros(10)}, "x must have 2 dimensions"),
            ({"x": np.zeros((2, 10))}, "shorter than one window"),
            ({"sfreq": 0}, "sfreq must be"),
            ({"deviation": -1}, "deviation must be"),
            ({"correlation": 2}, "correlation must be in"),
            ({"window": 0}, "window must be"),
        ],
    )
    def test_refuses(self, change, message):
        arguments = {"x": np.random.default_rng(0).standard_normal((4, 500)), "sfreq": SFREQ} | change
        with pytest.raises(ValueError, match=message):
            find_bad_channels(**arguments)

    def test_names_needs_all_names(self, clean):
        with pytest.raises(ValueError, match="must name 32 channels, got 2"):
            find_bad_channels(clean, SFREQ).names(["a", "b"])


class TestInterpolation:
    def test_is_mnes(self, clean):
        """The same directions, the same potentials; MNE computes in volts, which changes the rounding only."""
        mne = pytest.importorskip("mne")
        bads = ["T7", "Fz", "O2"]
        place = dict(zip(CH, electrode_positions(CH) * 0.095, strict=True))
        info = mne.create_info(CH, SFREQ, "eeg")
        info.set_montage(mne.channels.make_dig_montage(place, coord_frame="head"))
        info["bads"] = bads
        raw = mne.io.RawArray(clean * 1e-6, info, verbose="error")
        raw.interpolate_bads(method="spline", origin=(0.0, 0.0, 0.0), verbose="error")
        got = interpolate_bads(clean, CH, bads)
        np.testing.assert_allclose(got, raw.get_data() * 1e6, rtol=0, atol=1e-9 * np.abs(clean).max())

    def test_smooth_fields_come_back(self):
        """A field of low order on the sphere is what splines are good at."""
        place = electrode_positions(CH)
        rng = np.random.default_rng(0)
        x = (place @ rng.standard_normal((3, 3)) * place).sum(axis=1, keepdims=True) + place[:, :1] + 3
        bads = ["C3", "Pz"]
        broken = x.copy()
        broken[[CH.index(b) for b in bads]] = np.nan
        assert np.abs(interpolate_bads(broken, CH, bads) - x).max() < 0.05 * np.ptp(x)

    def test_beats_the_mean_on_a_simulated_brain(self, clean):
        for name in ("C3", "Fz", "P4"):
            c = CH.index(name)
            got = interpolate_bads(clean, CH, [name])
            assert np.corrcoef(got[c], clean[c])[0, 1] > 0.8
            np.testing.assert_array_equal(np.delete(got, c, axis=0), np.delete(clean, c, axis=0))

    def test_channels_of_unknown_place_are_left_alone(self, clean):
        x = np.vstack([clean, 1e3 * clean[:1]])
        got = interpolate_bads(x, [*CH, "EOG"], ["Cz"])
        np.testing.assert_array_equal(got[:-1], interpolate_bads(clean, CH, ["Cz"]))
        np.testing.assert_array_equal(got[-1], x[-1])

    def test_rows_sum_to_one_and_lengths_do_not_matter(self):
        a, b = electrode_positions(CH[:20]), electrode_positions(CH[20:])
        m = spline_matrix(a, b)
        np.testing.assert_allclose(m.sum(axis=1), 1, atol=1e-9)
        np.testing.assert_allclose(spline_matrix(95 * a, 3 * b), m, atol=1e-12)

    def test_no_bads_is_a_copy(self, clean):
        got = interpolate_bads(clean, CH, [])
        np.testing.assert_array_equal(got, clean)
        assert got is not clean
        assert not np.shares_memory(got, clean)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda x: interpolate_bads(x, CH, ["T9x"]), "has no channel 'T9x'"),
            (lambda x: interpolate_bads(x, [*CH[:-1], "odd"], ["odd"]), "where 'odd' lies"),
            (lambda x: interpolate_bads(x, CH, CH[:30]), "2 good electrodes"),
            (lambda x: interpolate_bads(x[:5], CH, ["Cz"]), "must have 32 channels"),
            (lambda x: spline_matrix(np.zeros((2, 3)), np.ones((1, 3))), "off the centre"),
            (lambda x: spline_matrix(np.ones(3), np.ones((1, 3))), "must have shape"),
        ],
    )
    def test_refuses(self, clean, call, message):
        with pytest.raises(ValueError, match=message):
            call(clean)


class TestInterpolateStage:
    def test_does_what_the_function_does(self, clean):
        tail = [fe.Window(1, hop=0.5), fe.BandPower({"alpha": (8, 13)})]
        kinds = {"sfreq": SFREQ, "ch_names": CH, "check_unit": False}
        broken = clean.copy()
        broken[[3, 8]] = 40 * np.random.default_rng(0).standard_normal((2, clean.shape[1]))
        bads = [CH[3], CH[8]]
        got = fe.Pipeline([fe.Interpolate(bads), *tail], **kinds).transform(broken)
        expected = fe.Pipeline(tail, **kinds).transform(interpolate_bads(broken, CH, bads))
        np.testing.assert_allclose(got, expected, rtol=1e-9)

    def test_survives_a_file(self, tmp_path):
        places = {"ch0": (0, 0, 1), "ch1": (1, 0, 0.1), "ch2": (0, 1, 0), "ch3": (-1, 0, 0)}
        stages = [fe.Interpolate(["ch0"], places), fe.Window(1, 1), fe.BandPower({"alpha": (8, 13)})]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=[*places])
        pipe.save(tmp_path / "m.fastemo")
        again = fe.load(tmp_path / "m.fastemo")
        assert again.stages[0] == stages[0]
        np.testing.assert_array_equal(again.program.ops[0]["coef"], pipe.program.ops[0]["coef"])

    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: fe.Interpolate([]), ValueError, "at least one channel"),
            (lambda: fe.Interpolate("Cz"), TypeError, "list of channel names"),
            (lambda: fe.Interpolate(["Cz"], [1]), TypeError, "positions must map"),
            (lambda: fe.Interpolate(["Cz"], {"Cz": (0, 0, 0)}), ValueError, "off the centre"),
        ],
    )
    def test_refuses(self, make, error, message):
        with pytest.raises(error, match=message):
            make()

    def test_refuses_channels_that_do_not_arrive(self):
        stages = [fe.Bipolar([("F3", "F4")]), fe.Interpolate(["F3"]), fe.Window(1, 1), fe.BandPower("seed")]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=CH)
        with pytest.raises(ValueError, match="the signal before Interpolate has no channel 'F3'"):
            pipe.engine()


class TestOutputsThatAreNotFinite:
    """Samples near the largest double overflow in squares: neither a class nor a valid window comes of them."""

    @pytest.mark.parametrize("backend", ["native", "reference"])
    def test_are_no_answer(self, backend):
        from fastemo._backend import core
        from fastemo._cases import _program
        from fastemo._program import Op
        from fastemo.engine import Engine

        if backend == "native" and core is None:
            pytest.skip("there is no compiled core")
        power = Op(
            "bank_power", (0,), {"coef": np.array([[[1.0, 0, 0, 1, 0, 0]]]), "zi": np.zeros((1, 1, 2))}
        )
        scores = Op("linear", (1,), {"coef": np.array([[1.0, -1.0], [0.0, 0.0]]), "bias": np.zeros(2)})
        program = _program([power, scores, Op("softmax", (2,), {})], 2)
        program.header.update({"output.kind": np.array([1]), "output.vad": np.zeros((3, 2))})
        program.metadata["labels"] = "calm\njoy"
        x = np.random.default_rng(0).standard_normal((2, 500))
        x[:, 200:203] = 1e200
        records = Engine(program, backend=backend).push_array(x)
        broken = ~np.isfinite(records["outputs"]).all(axis=1)
        assert 0 < broken.sum() < len(records)
        assert (records["class_index"][broken] == -1).all()
        assert not records["valid"][broken].any()
        assert not records["abstained"].any()
        assert (records["class_index"][~broken] >= 0).all()
        assert records["valid"][~broken].all()
        assert np.isnan(records["valence"][broken]).all()

    def test_recordings_without_an_answer_are_refused(self):
        rng = np.random.default_rng(0)
        stages = [
            fe.Quality(step=None),
            fe.Window(1, 1),
            fe.BandPower({"alpha": (8, 13)}, "filterbank"),
            fe.LDA(),
        ]
        pipe = fe.Pipeline(stages, sfreq=SFREQ, ch_names=["O1", "O2"], check_unit=False)
        pipe.fit(rng.normal(0, 5, (4, 2, 1500)) * np.array([1, 1, 3, 3])[:, None, None], ["a", "a", "b", "b"])
        with pytest.raises(ValueError, match="too bad to decode: no window that did not abstain is finite"):
            pipe.predict(1e200 * rng.standard_normal((1, 2, 1500)))
