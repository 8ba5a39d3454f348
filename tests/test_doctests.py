"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import fastemo


def modules():
    for info in pkgutil.walk_packages(fastemo.__path__, "fastemo."):
        if not info.name.split(".")[-1].startswith("_core"):
            yield info.name


@pytest.mark.parametrize("name", sorted(modules()))
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name == "fastemo.__main__":
        pytest.skip("running it is the command line")
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
