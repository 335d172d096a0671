"""Runs made once for all tests; each test that breaks one gets a copy."""

import time
from itertools import count

import pytest
from recorded_stage import Recorded, copied


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    """A finished run of one trial, which nobody changes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return Recorded(tmp_path_factory.mktemp("single"), monkeypatch).run()


@pytest.fixture(scope="session")
def three(tmp_path_factory):
    """A finished run of three trials, which nobody changes; its ids are all of one minute, so they begin alike."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        milliseconds = count((1763140445000 >> 16 << 16) + 1000)
        monkeypatch.setattr(time, "time_ns", lambda: next(milliseconds) * 1_000_000)
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
