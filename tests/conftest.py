"""What all tests share."""

import os
from pathlib import Path

import numpy as np
import pytest

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
