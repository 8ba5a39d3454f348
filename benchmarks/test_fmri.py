"""Volumes to regions against nilearn; the cost of one volume through the whole pipeline."""

import numpy as np
import pytest

import fastemo as fe
from fastemo.fmri import Masker

SHAPE, N_REGIONS = (64, 64, 36), 400


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(0)
    atlas = np.zeros(SHAPE, np.int32)
    atlas[8:56, 8:56, 4:32] = rng.integers(1, N_REGIONS + 1, (48, 48, 28))
    bold = np.asfortranarray(rng.normal(1000, 30, (*SHAPE, 40)).astype(np.float32))
    return atlas, bold


@pytest.mark.parametrize(("n", "at_least"), [(40, 2), (1, 5)])
def test_masker(versus, run, n, at_least):
    nibabel, maskers = pytest.importorskip("nibabel"), pytest.importorskip("nilearn.maskers")
    atlas, bold = run
    bold = bold[..., :n]
    image = nibabel.Nifti1Image(bold, np.eye(4))
    own = Masker.from_labels(atlas)
    theirs = maskers.NiftiLabelsMasker(nibabel.Nifti1Image(atlas, np.eye(4)), standardize=None).fit()
    np.testing.assert_allclose(own.transform(image).T, theirs.transform(image), rtol=1e-5)
    call = (lambda: own.volume(bold[..., 0])) if n == 1 else (lambda: own.transform(bold))
    versus(f"fMRI, {n} volumes to 400 regions", call, nilearn=(lambda: theirs.transform(image), at_least))


def test_one_volume(versus):
    """400 regions and 6 motion parameters through recursive GLM, despiking, z-score and a decoder of 4 classes."""
    rng = np.random.default_rng(0)
    names = [f"r{i}" for i in range(400)] + [f"m{i}" for i in range(6)]
    x = rng.normal(size=(406, 400))
    events = [(20.0 * k, 20.0, f"class{k % 4}") for k in range(20)]
    recording = fe.Recording(x, 1.0, names, "1", events=events)
    stages = [fe.RegressOut(names[400:], trend=True, tau=120), fe.Despike(4), fe.RunningStandardize()]
    stages += [fe.Window(1, 1), fe.TimeDomain(["mean"]), fe.Logistic(C=0.01)]
    pipe = fe.Pipeline(stages, unit="1").fit([recording])
    engine = pipe.engine()
    out = np.zeros(4, engine.dtype)
    volume = np.ascontiguousarray(x[:, :1])

    def glm():
        """The same recursive GLM alone, in NumPy."""
        v = inverse @ f
        total = 1 + f @ v
        coef[...] += np.outer(v / total, data - f @ coef)
        return np.subtract(inverse, np.outer(v, v) / total), data - f @ coef

    f, data = rng.normal(size=8), x[:400, 0].copy()
    inverse, coef = np.eye(8), np.zeros((8, 400))
    assert engine.push_into(volume, out) == 1
    versus(
        "fMRI one volume, 400 regions, whole pipeline",
        lambda: engine.push_into(volume, out),
        numpy_glm_alone=glm,
    )
