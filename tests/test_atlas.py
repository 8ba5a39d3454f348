"""An atlas goes with what is made of it: recordings, pipelines, model files."""

import pickle

import numpy as np
import pytest

import fastemo as fe
from fastemo import _atlases, fmri
from fastemo.fmri import Masker
from fastemo.fmri._images import Image
from fastemo.model_file import ModelError

SHAPE, TR = (6, 5, 4), 2.0
AFFINE = np.diag([3.0, 3, 3, 1])
NAMES = {1: "amygdala", 2: "insula", 3: "thalamus"}


def labels(seed=0):
    return np.random.default_rng(seed).integers(0, 4, SHAPE).astype(np.int16)


def masker(seed=0, names=NAMES, **options):
    return Masker.from_labels(Image(labels(seed), AFFINE), names, **options)


def runs(made_by, n=3):
    rng = np.random.default_rng(1)
    events = [(20.0 * i, 10.0, "joy" if i % 2 else "calm") for i in range(6)]
    return [
        fmri.read_bold(rng.normal(100, 1, (*SHAPE, 60)), made_by, tr=TR, events=events, session=i)
        for i in range(n)
    ]


def pipeline():
    stages = [fe.Quality(flat=60), fe.Window(TR, hop=TR), fe.TimeDomain(["mean"]), fe.Standardize(), fe.LDA()]
    return fe.Pipeline(stages, unit="1")


def image(data, affine=AFFINE, tr=TR):
    nibabel = pytest.importorskip("nibabel")
    made = nibabel.Nifti1Image(data, affine)
    made.header.set_zooms((*np.abs(np.diag(affine))[:3], tr)[: data.ndim])
    made.header.set_xyzt_units("mm", "sec")
    return made


def test_a_digest_tells_atlases_apart():
    one = masker()
    same = Masker.from_labels(Image(labels().astype(np.float64) * 10, AFFINE), [*NAMES.values()])
    assert one.digest == same.digest
    assert len(one.digest) == 64
    mask = np.ones(SHAPE, bool)
    mask[0] = False
    maps = np.stack([labels() == k for k in (1, 2, 3)], axis=-1).astype(np.float32)
    others = [
        masker(1),
        masker(names=None),
        masker(names=["insula", "amygdala", "thalamus"]),
        masker(mask=mask),
        Masker.from_labels(Image(labels(), AFFINE + np.eye(4))),
        Masker.from_labels(labels(), NAMES),
        Masker.from_maps(maps),
        Masker.from_maps(maps, method="average"),
        Masker.from_mask(labels()),
        Masker.from_mask(labels() > 1),
    ]
    assert len({one.digest, *(m.digest for m in others)}) == 1 + len(others)


def test_an_atlas_that_is_not_of_whole_numbers_is_refused_on_any_grid():
    pytest.importorskip("nilearn")
    elsewhere = image(np.zeros((3, 3, 2, 2), np.float32), np.diag([6.0, 6, 6, 1]))
    with pytest.raises(ValueError, match="must hold whole numbers"):
        Masker.from_labels(Image(labels() / 3, AFFINE), like=elsewhere)


def test_on_another_grid_it_is_the_atlas_resampled():
    pytest.importorskip("nilearn")
    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = 3
    elsewhere = image(np.zeros((5, 4, 3, 2), np.float32), affine)
    moved, expected = masker().on(elsewhere), masker(like=elsewhere)
    assert moved.shape == (5, 4, 3)
    assert moved.names == expected.names == tuple(NAMES.values())
    assert moved.digest == expected.digest == masker().digest
    volume = np.random.default_rng(0).normal(size=(5, 4, 3))
    np.testing.assert_array_equal(moved.volume(volume), expected.volume(volume))
    same = masker()
    assert same.on(image(np.zeros((*SHAPE, 2), np.float32))) is same
    assert same.on(np.zeros(SHAPE)) is same
    # A region that has no voxel there would be a channel of nothing.
    affine[:3, 3] = 15, 12, 9
    with pytest.raises(ValueError, match=r"no voxel is left of (amygdala|insula|thalamus)"):
        masker().on(image(np.zeros((5, 4, 3, 2), np.float32), affine))
    affine[:3, 3] = 1e3
    with pytest.raises(ValueError, match="atlas cannot be brought to the voxels of the volumes"):
        masker().on(image(np.zeros((5, 4, 3, 2), np.float32), affine))
    with pytest.raises(
        ValueError, match="only weights are known: make a masker of its maps or mask with like="
    ):
        Masker.from_mask(Image(labels(), AFFINE)).on(elsewhere)


@pytest.mark.parametrize(
    "made",
    [
        lambda: masker(),
        lambda: Masker.from_labels(labels()),
        lambda: masker(mask=Image(np.arange(120).reshape(SHAPE) % 7, AFFINE)),
        lambda: Masker.from_labels(labels().astype(np.int64) * 70000 - 70000, background=-70000),
        lambda: Masker.from_labels(np.arange(300).reshape(10, 6, 5)),
        lambda: Masker.from_maps(np.random.default_rng(0).random((*SHAPE, 3))),
        lambda: Masker.from_mask(labels()),
        lambda: Masker(np.eye(4, 120), SHAPE, "abcd"),
    ],
)
def test_tensors_keep_it_to_the_bit(made):
    one = made()
    two = Masker.from_tensors(one.to_tensors(), one.names, one.digest)
    assert (two.names, two.shape, two.digest, two.n_voxels) == (
        one.names,
        one.shape,
        one.digest,
        one.n_voxels,
    )
    volume = np.random.default_rng(0).normal(size=one.shape)
    np.testing.assert_array_equal(two.volume(volume), one.volume(volume))
    assert (two.affine is None) == (one.affine is None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.zeros((2, 2, 2, 3), np.uint8)}, "image of uint8 of shape"),
        ({"labels": np.zeros((2, 2, 2, 1))}, "image of float64"),
        ({"placed": np.full((*SHAPE, 4), 255, np.uint8)}, "4294967295 regions, but 3 names"),
        ({"placed": np.zeros((0, 1, 1, 1), np.uint8)}, "of shape"),
        ({"placed": np.zeros((*SHAPE, 1), np.uint8)}, "no voxel is left"),
        ({"affine": np.eye(3)}, "affine that is no 4 x 4"),
        ({"place": np.full((4, 4), np.nan)}, "place that is no 4 x 4"),
        ({"labels": np.ones((*SHAPE, 1), np.uint8)}, "another one than it says"),
    ],
)
def test_tensors_that_make_no_atlas(changes, message):
    one = masker()
    with pytest.raises(ValueError, match=message):
        Masker.from_tensors(one.to_tensors() | changes, one.names, one.digest)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"voxel": np.array([0, 1, 2, 120])}, "index"),
        ({"region": np.array([0, 1, 2, -1])}, "negative"),
        ({"weight": np.array([1.0, 1, 1, np.nan])}, "finite"),
        ({"shape": np.array([1 << 40, 1, 1])}, "volumes of shape"),
        ({"shape": np.array([6, 5])}, "volumes of shape"),
        ({"shape": np.array([6.0, 5, np.inf])}, "volumes of shape"),
    ],
)
def test_weights_that_make_no_atlas(changes, message):
    one = Masker(np.eye(4, 120), SHAPE, "abcd")
    with pytest.raises(ValueError, match=message):
        Masker.from_tensors(one.to_tensors() | changes, one.names, one.digest)


def test_recordings_carry_it():
    run = runs(masker(), 1)[0]
    assert run.atlas.digest == masker().digest
    assert run.pick(["insula"]).crop(10, 20).atlas is run.atlas
    again = pickle.loads(pickle.dumps(run))
    assert again == run
    assert run != run.replace(atlas=masker(1))
    assert run != run.replace(atlas=None)
    with pytest.raises(TypeError, match=r"atlas must be a fastemo\.fmri\.Masker, got str"):
        run.replace(atlas="atlas.nii")


def test_a_model_carries_it(tmp_path):
    made_by = masker()
    pipe = pipeline().fit(runs(made_by))
    assert pipe.atlas_ is made_by or pipe.atlas_.digest == made_by.digest
    pipe.save(tmp_path / "m.fastemo")
    loaded = fe.load(tmp_path / "m.fastemo")
    assert loaded.atlas_.names == made_by.names
    volume = np.random.default_rng(0).normal(size=SHAPE)
    np.testing.assert_array_equal(loaded.atlas_.volume(volume), made_by.volume(volume))
    assert loaded.predict(runs(made_by)).tolist() == pipe.predict(runs(made_by)).tolist()
    # What was saved before, and what never saw volumes, has none.
    plain = [run.replace(atlas=None) for run in runs(made_by)]
    assert pipe.fit(plain).atlas_ is None
    pipe.save(tmp_path / "n.fastemo")
    assert fe.load(tmp_path / "n.fastemo").atlas_ is None
    # Recordings of no known atlas are taken by the names of their channels.
    assert len(loaded.predict(plain)) == 3


def test_another_atlas_is_refused(tmp_path):
    pipe = pipeline().fit(runs(masker()))
    pipe.save(tmp_path / "m.fastemo")
    for one in (pipe, fe.load(tmp_path / "m.fastemo")):
        for method in (one.predict, one.predict_windows, one.transform, one.score):
            with pytest.raises(
                ValueError, match=r"regions of another atlas .* than the pipeline learnt from"
            ):
                method(runs(masker(1)))
    # Told before names are compared.
    with pytest.raises(ValueError, match="another atlas"):
        pipe.predict(runs(masker(1, names=None)))
    both = [*runs(masker(), 2), *runs(masker(1), 2)]
    for learn in (pipeline().fit, lambda x: fe.evaluate(pipeline(), x, by="session")):
        with pytest.raises(ValueError, match=r"regions of one atlas .* of another"):
            learn(both)
    assert pipe.fit(runs(masker(1))).atlas_.digest == masker(1).digest


def test_of_large_maps_the_digest_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(_atlases, "MOST_BYTES", 100)
    maps = Masker.from_maps(np.random.default_rng(0).random((*SHAPE, 3)), [*NAMES.values()])
    pipeline().fit(runs(maps)).save(tmp_path / "m.fastemo")
    pipe = fe.load(tmp_path / "m.fastemo")
    assert (pipe.atlas_.names, pipe.atlas_.digest) == (maps.names, maps.digest)
    pipe.predict(runs(maps))
    with pytest.raises(ValueError, match="another atlas"):
        pipe.predict(runs(masker()))
    # And once more, from what is known of it.
    pipe.save(tmp_path / "n.fastemo")
    assert fe.load(tmp_path / "n.fastemo").atlas_ == pipe.atlas_


def test_an_altered_atlas_is_no_model(tmp_path):
    from fastemo import model_file

    pipe = pipeline().fit(runs(masker()))
    pipe.save(tmp_path / "m.fastemo")
    tensors, metadata = model_file.read(tmp_path / "m.fastemo")
    tensors["atlas.labels"] = np.ones_like(tensors["atlas.labels"])
    with pytest.raises(ModelError, match="the atlas is another one than it says"):
        fe.load(model_file.write(tensors, metadata))


def test_files_are_read_by_the_atlas_of_the_pipeline(tmp_path):
    pytest.importorskip("nibabel")
    pytest.importorskip("nilearn")
    import nibabel

    inner = np.zeros(SHAPE, np.int16)
    inner[1:-1, 1:-1, 1:-1] = labels()[1:-1, 1:-1, 1:-1]
    made_by = Masker.from_labels(Image(inner, AFFINE), NAMES)
    pipe = pipeline().fit(runs(made_by))
    data = np.random.default_rng(2).normal(100, 1, (*SHAPE, 40)).astype(np.float32)
    nibabel.save(image(data), tmp_path / "a_bold.nii.gz")
    recording = fe.read(tmp_path / "a_bold.nii.gz", atlas=made_by)
    expected = pipe.predict_windows(recording)
    by_path = pipe.predict_windows(tmp_path / "a_bold.nii.gz")
    np.testing.assert_array_equal(by_path["probabilities"], expected["probabilities"])
    # Voxels half as large: each of a region's is there eight times.
    fine = data.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    affine = np.diag([1.5, 1.5, 1.5, 1])
    affine[:3, 3] = -0.75
    nibabel.save(image(fine, affine), tmp_path / "b_bold.nii.gz")
    finer = pipe.predict_windows(str(tmp_path / "b_bold.nii.gz"))
    np.testing.assert_allclose(finer["probabilities"], expected["probabilities"], rtol=1e-6)
    unknown = pipeline().fit([run.replace(atlas=None) for run in runs(masker())])
    with pytest.raises(ValueError, match="no atlas is known"):
        unknown.predict(tmp_path / "a_bold.nii.gz")
