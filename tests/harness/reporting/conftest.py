"""Whole runs for all tests, made by the runner itself; each test gets copies that it may break."""

import shutil
import sys
from pathlib import Path

import pytest

# The stage on which runs are made without a network belongs to the tests of the runner and of the verifier.
sys.path += [str(Path(__file__).parents[1] / "runner"), str(Path(__file__).parents[1] / "verifying")]

from stored_runs import make_run, make_trials


@pytest.fixture(scope="session")
def sealed(tmp_path_factory):
    """A finished run that nobody touches."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return make_run(tmp_path_factory.mktemp("sealed"), monkeypatch)


@pytest.fixture(scope="session")
def sealed_trials(tmp_path_factory):
    """A finished run of three trials, of which the second is red."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return make_trials(tmp_path_factory.mktemp("trials"), monkeypatch)


@pytest.fixture
def root(tmp_path):
    """An evidence root."""
    return tmp_path / "evidence"


@pytest.fixture
def bundle(sealed, root):
    """A copy of the finished run."""
    return copied(sealed, root / sealed.name)


@pytest.fixture
def twin(sealed, root):
    """Another copy, as a run of its own a minute later."""
    return copied(sealed, root / sealed.name.replace(":14:", ":15:"))


@pytest.fixture
def trials(sealed_trials, root):
    """A copy of the run of three trials, another hour."""
    return copied(sealed_trials, root / sealed_trials.name.replace("T17:", "T18:"))


def copied(folder, place):
    shutil.copytree(folder, place)
    for path in [place, *place.rglob("*")]:
        path.chmod(0o700)
    return place
