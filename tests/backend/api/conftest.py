"""Backends to talk to: one in mocked mode for everybody who only reads, and fresh ones whose jobs a test holds."""

from pathlib import Path

import pytest
from support.api_calls import Waiters, new_project, serve_held
from support.held_launcher import HeldLauncher
from support.http_server import ServedBackend, serve_backend


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """Mocked mode, real dummy workers; shared, so a test makes its own project when it changes one."""
    with serve_backend(tmp_path_factory.mktemp("served")) as backend:
        yield backend


@pytest.fixture(scope="session")
def client(served):
    with served.client() as found:
        yield found


@pytest.fixture(scope="session")
def finished(client):
    """A project whose first job has ended; not to be changed."""
    return new_project(client)


@pytest.fixture
def held():
    return HeldLauncher()


@pytest.fixture
def live(tmp_path: Path, held: HeldLauncher):
    """Live mode, with workers that run until the test ends them."""
    with serve_held(tmp_path, held) as backend:
        yield backend


@pytest.fixture
def caller(live: ServedBackend):
    with live.client() as found:
        yield found


@pytest.fixture
def waiters(live: ServedBackend):
    return Waiters(live)
