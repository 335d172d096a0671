"""A stub backend and a command line for each test."""

import pytest
from ladder_process import Ladder, Warm, WarmLadder
from stub_backend import stub_backend


@pytest.fixture
def stub():
    with stub_backend() as backend:
        yield backend


@pytest.fixture
def ladder(tmp_path, stub):
    return Ladder(tmp_path, stub)


@pytest.fixture(scope="session")
def warm():
    process = Warm()
    yield process
    process.close()


@pytest.fixture
def warm_ladder(tmp_path, stub, warm):
    return WarmLadder(tmp_path, stub, warm)
