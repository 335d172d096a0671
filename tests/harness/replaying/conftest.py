"""Runs made once for all tests; each test that breaks one gets a copy."""

import pytest
from recorded_stage import Recorded, copied


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    """A finished run of one trial, which nobody changes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return Recorded(tmp_path_factory.mktemp("single"), monkeypatch).run()


@pytest.fixture(scope="session")
def three(tmp_path_factory):
    """A finished run of three trials, which nobody changes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return Recorded(tmp_path_factory.mktemp("three"), monkeypatch).run_trials(3)


@pytest.fixture
def bundle(single, tmp_path):
    """A copy of the run of one trial."""
    return copied(single, tmp_path / "evidence")


@pytest.fixture
def trials(three, tmp_path):
    """A copy of the run of three trials."""
    return copied(three, tmp_path / "evidence")


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A checkout to make other runs in."""
    return Recorded(tmp_path, monkeypatch)
