"""A stub backend and a command line for each test."""

import pytest
from ladder_process import Ladder
from stub_backend import stub_backend


@pytest.fixture
def stub():
    with stub_backend() as backend:
        yield backend


@pytest.fixture
def ladder(tmp_path, stub):
    return Ladder(tmp_path, stub)
