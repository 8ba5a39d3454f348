"""Volumes to regions, runs to recordings, and the stages that learn from the stream."""

import numpy as np
import pytest

import fastemo as fe
from fastemo import fmri
from fastemo._backend import core
from fastemo.engine import Engine
from fastemo.fmri import Masker

SHAPE = (4, 5, 6)
BACKENDS = [
    pytest.param("native", marks=pytest.mark.skipif(core is None, reason="no compiled core")),
    "reference",
]


@pytest.fixture
def atlas(rng):
    return rng.integers(0, 5, SHAPE)


@pytest.fixture
def bold(rng):
    return rng.normal(100, 5, (*SHAPE, 7))


def test_labels_are_means_over_their_voxels(atlas, bold):
    masker = Masker.from_labels(atlas)
    expected = [bold[atlas == label].mean(axis=0) for label in (1, 2, 3, 4)]
    assert masker.names == ("region1", "region2", "region3", "region4")
    assert masker.n_voxels == (atlas > 0).sum()
    np.testing.assert_allclose(masker.transform(bold), expected, rtol=1e-13)


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda x: x[:, ::-1][:, ::-1]])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.uint8])
def test_one_volume_at_a_time_is_the_run(atlas, bold, layout, dtype):
    bold = bold.astype(dtype)
    masker = Masker.from_labels(atlas)
    run = masker.transform(bold)
    for i in range(bold.shape[3]):
        np.testing.assert_array_equal(masker.volume(layout(bold[..., i])), run[:, i])


def test_names_background_and_mask(atlas, bold):
    mask = atlas != 3
    with pytest.raises(ValueError, match="no voxel is left of region3"):
        Masker.from_labels(atlas, mask=mask)
    atlas = np.where(atlas == 3, 0, atlas)
    masker = Masker.from_labels(atlas, {0: "a", 1: "b", 2: "c", 4: "d"}, background=4)
    assert masker.names == ("a", "b", "c")
    np.testing.assert_allclose(masker.transform(bold)[0], bold[atlas == 0].mean(axis=0), rtol=1e-13)
    half = np.zeros(SHAPE, bool)
    half[:2] = True
    masker = Masker.from_labels(atlas, ["x", "y", "z"], mask=half)
    np.testing.assert_allclose(masker.transform(bold)[1], bold[half & (atlas == 2)].mean(axis=0), rtol=1e-13)


def test_maps(rng, bold):
    maps = rng.random((*SHAPE, 3)) * (rng.random((*SHAPE, 3)) < 0.5)
    flat, series = maps.reshape(-1, 3), bold.reshape(-1, 7)
    least = Masker.from_maps(maps).transform(bold)
    np.testing.assert_allclose(least, np.linalg.lstsq(flat, series, rcond=None)[0], rtol=1e-10)
    average = Masker.from_maps(maps, method="average").transform(bold)
    np.testing.assert_allclose(average, flat.T @ series / flat.sum(axis=0)[:, None], rtol=1e-12)
    with pytest.raises(ValueError, match="rank 2"):
        Masker.from_maps(maps[..., [0, 1, 1]])


def test_mask_gives_voxels(bold):
    mask = np.zeros(SHAPE)
    mask[1, 2, 3], mask[3, 0, 0] = 1, 2
    masker = Masker.from_mask(mask, prefix="v")
    assert masker.names == ("v0", "v1")
    np.testing.assert_array_equal(masker.transform(bold), [bold[1, 2, 3], bold[3, 0, 0]])


def test_a_lost_voxel_is_a_lost_sample_of_its_region_only(atlas, bold):
    bold[0, 0, 0, 2] = np.nan
    atlas[0, 0, 0] = 2
    lost = np.isnan(Masker.from_labels(atlas).transform(bold))
    assert lost.sum() == 1
    assert lost[1, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Masker.from_labels(np.zeros(SHAPE)), "nothing but the background 0"),
        (lambda: Masker.from_labels(np.full(SHAPE, 0.5)), "whole numbers"),
        (lambda: Masker.from_labels(np.ones((2, 2))), "must have 3 dimensions"),
        (lambda: Masker.from_labels(np.ones(SHAPE), ["a", "b"]), "one per label"),
        (lambda: Masker.from_labels(np.ones(SHAPE), {2: "a"}), r"none for the labels \[1\]"),
        (lambda: Masker.from_labels(np.ones(SHAPE), like=np.ones((2, 2, 2))), "has shape"),
        (lambda: Masker.from_labels(np.full(SHAPE, 1j)), "real numbers"),
        (lambda: Masker.from_maps(np.zeros((*SHAPE, 1))), "rank 0"),
        (lambda: Masker.from_maps(np.zeros((*SHAPE, 1)), method="average"), "no weight"),
        (lambda: Masker.from_mask(np.zeros(SHAPE)), "0 everywhere"),
        (lambda: Masker.from_mask(np.ones(SHAPE)).volume(np.ones((4, 5))), "volume must have shape"),
        (lambda: Masker.from_mask(np.ones(SHAPE)).transform(np.ones((4, 5, 5, 2))), "volumes of shape"),
        (lambda: Masker(np.ones((1, 3)), SHAPE, ["a"]), "one column per voxel"),
        (lambda: Masker(np.ones((2, 120)), SHAPE, ["a", "a"]), "distinct"),
    ],
)
def test_maskers_refuse_what_does_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_nifti(tmp_path, atlas, bold):
    nibabel = pytest.importorskip("nibabel")
    affine = np.diag([3.0, 3, 3, 1])
    image = nibabel.Nifti1Image(bold.astype(np.float32), affine)
    image.header.set_xyzt_units("mm", "msec")
    image.header.set_zooms((3, 3, 3, 800))
    nibabel.save(image, tmp_path / "bold.nii.gz")
    nibabel.save(nibabel.Nifti1Image(atlas.astype(np.int16), affine), tmp_path / "atlas.nii")
    masker = Masker.from_labels(tmp_path / "atlas.nii")
    recording = fmri.read_bold(tmp_path / "bold.nii.gz", masker, session="1")
    assert recording.sfreq == 1.25
    assert recording.source.endswith("bold.nii.gz")
    np.testing.assert_allclose(recording.data, masker.transform(bold.astype(np.float32)), rtol=1e-13)
    shifted = nibabel.Nifti1Image(bold, np.diag([2.0, 2, 2, 1]))
    with pytest.raises(ValueError, match="elsewhere than the atlas"):
        masker.transform(shifted)
    with pytest.raises(ValueError, match="pass tr="):
        fmri.read_bold(bold, masker)
    with pytest.raises(FileNotFoundError, match="no file"):
        masker.transform(tmp_path / "other.nii")
    (tmp_path / "bad.nii").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no image"):
        masker.transform(tmp_path / "bad.nii")
    whole = (tmp_path / "bold.nii.gz").read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        masker.transform(tmp_path / "cut.nii.gz")


def test_maskers_agree_with_nilearn(rng):
    nibabel, maskers = pytest.importorskip("nibabel"), pytest.importorskip("nilearn.maskers")
    atlas = rng.integers(0, 6, (8, 8, 8)).astype(np.int32)
    maps = rng.random((8, 8, 8, 4))
    bold = rng.normal(100, 5, (8, 8, 8, 10))
    image = nibabel.Nifti1Image(bold, np.eye(4))
    labels_image, maps_image = nibabel.Nifti1Image(atlas, np.eye(4)), nibabel.Nifti1Image(maps, np.eye(4))
    theirs = maskers.NiftiLabelsMasker(labels_image, standardize=None).fit_transform(image)
    np.testing.assert_allclose(Masker.from_labels(labels_image).transform(image), theirs.T, rtol=1e-10)
    theirs = maskers.NiftiMapsMasker(maps_image, standardize=None).fit_transform(image)
    np.testing.assert_allclose(Masker.from_maps(maps_image).transform(image), theirs.T, rtol=1e-8)


def test_an_atlas_on_another_grid_is_resampled(rng):
    nibabel = pytest.importorskip("nibabel")
    pytest.importorskip("nilearn")
    fine = np.kron(rng.integers(0, 4, (4, 4, 4)), np.ones((2, 2, 2), int)).astype(np.int16)
    affine = np.diag([2.0, 2, 2, 1])
    coarse = np.diag([4.0, 4, 4, 1])
    coarse[:3, 3] = 1.0  # the centre of a coarse voxel is that of eight fine ones
    target = nibabel.Nifti1Image(np.zeros((4, 4, 4, 1)), coarse)
    masker = Masker.from_labels(nibabel.Nifti1Image(fine, affine), like=target)
    exact = Masker.from_labels(fine[::2, ::2, ::2])
    x = rng.normal(size=(4, 4, 4))
    np.testing.assert_allclose(masker.volume(x), exact.volume(x), rtol=1e-13)


def test_tables(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("onset\tduration\ttrial_type\n15.0\t22.5\tface\n40\t2\tn/a\n52.5\t22.5\thouse\n")
    assert fmri.read_events(path) == [(15.0, 22.5, "face"), (52.5, 22.5, "house")]
    with pytest.raises(ValueError, match="'emotion'"):
        fmri.read_events(path, "emotion")
    path.write_text("onset\tduration\ttrial_type\nsoon\t22.5\tface\n")
    with pytest.raises(ValueError, match="line 2: onset and duration must be numbers"):
        fmri.read_events(path)
    path.write_text("onset\tduration\ttrial_type\n1\t22.5\n")
    with pytest.raises(ValueError, match="rows of 3 and 2 columns"):
        fmri.read_events(path)
    table = tmp_path / "confounds.tsv"
    motion = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
    table.write_text("\t".join(["csf", *motion]) + "\nn/a\t1\t2\t3\t4\t5\t6\n7\t1\t2\t3\t4\t5\t7\n")
    assert list(fmri.read_confounds(table)) == motion
    assert fmri.read_confounds(table, ["csf", "rot_z"])["csf"].tolist() == [0, 7]
    table.write_text(" 1.0  2.0\n3.0 4.0\n")
    assert fmri.read_confounds(table)["confound1"].tolist() == [2, 4]
    table.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        fmri.read_confounds(table)


def test_events_of_a_run(atlas, bold):
    masker = Masker.from_labels(atlas)
    confounds = {"motion": np.arange(7.0)}
    rec = fmri.read_bold(
        bold, masker, tr=2, events=[(2, 6, "joy")], delay=4, rest="rest", confounds=confounds, subject="a"
    )
    assert rec.ch_names == (*masker.names, "motion")
    assert rec.unit == "1"
    assert [tuple(e) for e in rec.events] == [(0, 6, "rest"), (6, 6, "joy"), (12, 2, "rest")]
    with pytest.raises(ValueError, match="one value per volume"):
        fmri.read_bold(bold, masker, tr=2, confounds={"motion": np.arange(6.0)})
    assert fmri.delay_events([(0, 5, "a"), (8, 4, "b")], 3, 10) == [(3, 5, "a")]


def test_the_response_is_the_one_of_the_formula():
    t = np.arange(0, 32, 0.1)
    by_hand = t**5 * np.exp(-t) / 120 - t**15 * np.exp(-t) / 1307674368000 / 6
    np.testing.assert_allclose(fmri.hrf(0.1), by_hand / by_hand.sum(), rtol=1e-12, atol=1e-15)
    x = np.random.default_rng(0).normal(size=(3, 200))
    expected = [np.convolve(row, fmri.hrf(0.5))[:200] for row in x]
    np.testing.assert_allclose(fmri.convolve_hrf(x, 2.0), expected, rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="at most 5 s"):
        fmri.hrf(6.0)


def run(stages, x, backend="reference", sfreq=0.5, size=None, names=None):
    """What the signal stages make of x, by an engine whose window is one sample."""
    names = names or [f"ch{i}" for i in range(len(x))]
    tail = [fe.Quality(flat=1e6, minimum=0), fe.Window(1 / sfreq, 1 / sfreq), fe.TimeDomain(["mean"])]
    program = fe.Pipeline([*stages, *tail], sfreq=sfreq, ch_names=names, unit="1").program
    engine = Engine(program, backend=backend)
    size = size or x.shape[1]
    parts = [engine.push_array(x[:, i : i + size]) for i in range(0, x.shape[1], size)]
    return np.concatenate(parts)["outputs"].T


@pytest.mark.parametrize("backend", BACKENDS)
def test_recursive_regression_is_ordinary_least_squares_on_the_samples_so_far(rng, backend):
    x = rng.normal(size=(5, 60)) + 100 + np.linspace(0, 10, 60)
    x[:3] += 4 * x[3:4] - 2 * x[4:5]
    got = run([fe.RegressOut(["ch3", "ch4"], trend=True)], x, backend)
    assert got.shape == (3, 60)
    for n in (10, 35, 60):
        design = np.column_stack([np.ones(n), np.arange(n), x[3, :n], x[4, :n]])
        fit = design @ np.linalg.lstsq(design, x[:3, :n].T, rcond=None)[0]
        # The ridge, with regressors that nearly are one.
        np.testing.assert_allclose(got[:, n - 1], x[:3, n - 1] - fit[-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_forgetting_constant_is_an_exponential_average(rng, backend):
    x = rng.normal(size=(2, 50)) + 30
    tau = 20.0
    weights = np.exp(-2 / tau) ** np.arange(50)[::-1]
    got = run([fe.RegressOut(tau=tau, ridge=1e-9)], x, backend)
    expected = x[:, -1] - (x * weights).sum(axis=1) / weights.sum()
    np.testing.assert_allclose(got[:, -1], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_regressor_that_stands_still_does_no_harm(rng, backend):
    """Its direction is never excited; forgetting alone would let its variance grow without end."""
    x = rng.normal(size=(2, 4000)) + 10
    x[1] = 0.0
    x[1, -200:] = rng.normal(size=200)
    x[0, -200:] += 3 * x[1, -200:]
    got = run([fe.RegressOut(["ch1"], tau=20.0, ridge=1e-7)], x, backend)
    assert np.isfinite(got).all()
    assert got[0, -150:].std() < 1.2  # the new regressor, worth three deviations, has been learnt


@pytest.mark.parametrize("difference", [0.0, 1e-12, 1e-9, 1e-6, 1e-3])
def test_regressors_that_are_nearly_the_same_do_no_harm(rng, difference):
    """As two EOG channels, or a confound given twice: their common part is taken off all the same, for hours."""
    n = 200_000 if core is not None else 2_000
    shared = 10 * rng.normal(size=n)
    x = rng.normal(size=(3, n))
    x[0] += 3 * shared
    x[1], x[2] = shared, shared * (1 + difference * x[2])
    stages = [fe.RegressOut(["ch1", "ch2"], tau=5.0)]
    got = run(stages, x, "reference" if core is None else "native", sfreq=250.0)[0]
    assert got[100:].std() == pytest.approx(1.0, abs=0.03)
    assert np.abs(got[-1000:]).max() < 6


@pytest.mark.parametrize("backend", BACKENDS)
def test_running_z_scores(rng, backend):
    x = rng.normal(size=(3, 80)) * 5 + 100
    x[2] = 7.0
    got = run([fe.RunningStandardize()], x, backend)
    for n in (2, 30, 80):
        expected = (x[:2, n - 1] - x[:2, :n].mean(axis=1)) / x[:2, :n].std(axis=1)
        np.testing.assert_allclose(got[:2, n - 1], expected, rtol=1e-10)
    assert (got[2] == 0).all()
    weights = np.exp(-2 / 30.0) ** np.arange(80)[::-1]
    weights /= weights.sum()
    mean = x[0] @ weights
    expected = (x[0, -1] - mean) / np.sqrt((x[0] - mean) ** 2 @ weights)
    assert run([fe.RunningStandardize(tau=30.0)], x, backend)[0, -1] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_spikes_are_cut_off_and_steps_let_through(rng, backend):
    x = rng.normal(size=(1, 200))
    x[0, 100] = 50.0
    got = run([fe.Despike(3.0, start=40.0)], x, backend)[0]
    before = x[0, :100]
    # 3 deviations cut a few ordinary samples too, which moves the limit a little.
    assert got[100] == pytest.approx(before.mean() + 3 * before.std(), rel=0.05)
    assert (got[:20] == x[0, :20]).all()
    assert np.mean(got != x[0]) < 0.03
    step = np.concatenate([x[0, :100], x[0, :100] + 20])[None]
    assert run([fe.Despike(3.0, tau=40.0, start=40.0)], step, backend)[0, -50:].mean() > 18
    flat_first = np.r_[np.full(30, 5.0), rng.normal(5, 1, 170)][None]
    assert np.ptp(run([fe.Despike(3.0, start=10.0)], flat_first, backend)[0, -100:]) > 1


@pytest.mark.skipif(core is None, reason="no compiled core")
@pytest.mark.parametrize("size", [1, 7, 200])
def test_chunks_and_backends_do_not_matter(rng, size):
    x = rng.normal(size=(9, 200)) * 3 + 40
    stages = [
        fe.RegressOut(["ch2", "ch7"], trend=True, tau=60),
        fe.Despike(2.5, tau=40, start=20),
        fe.RunningStandardize(tau=80),
    ]
    whole = run(stages, x, "native")
    np.testing.assert_array_equal(run(stages, x, "native", size=size), whole)
    np.testing.assert_allclose(run(stages, x, "reference", size=size), whole, rtol=1e-12, atol=1e-12)


def test_warm_up_is_declared():
    stages = [
        fe.RegressOut(warmup=30),
        fe.RunningStandardize(warmup=50),
        fe.Window(2, 2),
        fe.TimeDomain(["mean"]),
    ]
    records = Engine(fe.Pipeline(stages, sfreq=0.5, ch_names=["a"], unit="1").program).push_array(
        np.random.default_rng(0).normal(size=(1, 60))
    )
    assert records["valid"].astype(bool).argmax() == 25


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fe.RegressOut(constant=False), ValueError, "nothing to regress on"),
        (lambda: fe.RegressOut(tau=0), ValueError, "tau must be"),
        (lambda: fe.RegressOut(ridge=1e-200), ValueError, "ridge must be"),
        (lambda: fe.RegressOut("trans_x"), TypeError, "list of channel names"),
        (lambda: fe.RegressOut(constant=1), TypeError, "True or False"),
        (lambda: fe.Despike(0), ValueError, "threshold"),
        (lambda: fe.RunningStandardize(warmup=-1), ValueError, "warmup"),
        (lambda: run([fe.RegressOut(["x"])], np.ones((2, 5))), ValueError, "no channel 'x'"),
        (lambda: run([fe.RegressOut(["ch0", "ch1"])], np.ones((2, 5))), ValueError, "leaves no channel"),
    ],
)
def test_stages_refuse_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_evaluate_by_event(rng):
    """An event's windows answer together: more often right than each alone, and one score per event."""
    recordings = []
    for session in range(4):
        x = rng.normal(size=(2, 240))
        labels = ["joy", "calm"] * 6
        for k, label in enumerate(labels):
            x[0, 20 * k : 20 * k + 20] += 0.5 if label == "joy" else -0.5
        events = [(20 * k, 20, label) for k, label in enumerate(labels)]
        recordings.append(fe.Recording(x, 1.0, unit="1", events=events, session=session, subject="a"))
    stages = [fe.Quality(flat=1e6), fe.Window(1, 1), fe.TimeDomain(["mean"]), fe.LDA()]
    pipe = fe.Pipeline(stages, unit="1")
    single, together = (
        fe.evaluate(pipe, recordings, by="session", level=level) for level in ("window", "event")
    )
    assert (single.n_scored, together.n_scored) == (960, 48)
    assert together.accuracy > single.accuracy + 0.15
    assert together.chance["majority"] == 0.5


def test_events_and_whole_recordings_are_scored_together(rng):
    """A recording without events counts as one, with its own label."""
    recordings = []
    for session in range(3):
        for sign, label in ((1, "joy"), (-1, "calm")):
            x = rng.normal(size=(2, 40)) + 2 * sign
            recordings.append(fe.Recording(x, 1.0, unit="1", label=label, session=session, subject="a"))
        x = np.repeat([2.0, -2.0], 20) + rng.normal(size=(2, 40))
        events = [(0, 20, "joy"), (20, 20, "calm")]
        recordings.append(fe.Recording(x, 1.0, unit="1", events=events, session=session, subject="a"))
    stages = [fe.Quality(flat=1e6), fe.Window(1, 1), fe.TimeDomain(["mean"]), fe.LDA()]
    result = fe.evaluate(fe.Pipeline(stages, unit="1"), recordings, by="session", level="event")
    assert result.n_scored == 12
    assert result.accuracy == 1.0
