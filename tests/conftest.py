"""What all tests share."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# How fast a machine is decides no test.
settings.register_profile("fastemo", deadline=None)
settings.load_profile("fastemo")

# Programs that tests start shall import the package under test too, not the sources in the current folder.
os.environ.setdefault("PYTHONSAFEPATH", "1")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real recordings; tests that need it are skipped by name where it is not set."""
    folder = os.environ.get("FASTEMO_DATA")
    if not folder:
        pytest.skip("FASTEMO_DATA names no folder of real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def fitted():
    """A small fitted pipeline; tests may use it, but not change it."""
    from pipelines import pipeline, recordings

    import fastemo as fe

    return pipeline(fe.LDA(), fe.Smooth(1)).fit(recordings())


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    """A recording in a file."""
    from recording_files import NAMES, SFREQ, X

    path = tmp_path / "calm.npz"
    np.savez(path, data=X, sfreq=SFREQ, ch_names=NAMES, unit="uV")
    return path
