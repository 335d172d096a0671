"""Where the Docker launcher finds itself: beside the engine, inside a container of it, or without one."""

from __future__ import annotations

import gc
import socket
import warnings
from pathlib import Path

import docker
import docker.errors
import pytest
import requests.exceptions
from captured_answers import TEXTS, inspect
from fake_engine import FakeEngine

from backend.launchers.base import EngineUnavailableError
from backend.launchers.container_maker import own_mounts
from backend.launchers.docker_engine import DockerLauncher
from backend.launchers.docker_settings import DockerSettings
from backend.launchers.host_path import ProcessTexts

ROOT = Path("/srv/workspaces")


@pytest.fixture
def engine():
    return FakeEngine()


def lost_connection():
    return requests.exceptions.ConnectionError("Connection aborted.")


class TestWhereTheBackendRuns:
    """Without a configured directory, the launcher asks the engine about its own container."""

    @pytest.fixture
    def inside(self):
        return ProcessTexts(TEXTS["inside mountinfo"], TEXTS["inside cgroup"], "")

    def test_its_own_mounts_are_asked_for(self, engine, inside):
        engine.by_id[TEXTS["id"]] = inspect("own container with several mounts")
        assert [m["Destination"] for m in own_mounts(engine, inside)] == ["/data", "/data/workspaces", "/data/scratch"]

    def test_an_engine_that_does_not_know_the_container_runs_beside_it(self, engine, inside):
        assert own_mounts(engine, inside) is None

    def test_a_process_on_the_host_asks_nothing(self, engine):
        assert own_mounts(engine, ProcessTexts("", "", "")) is None
        assert engine.calls == []

    def test_an_engine_that_is_away_is_not_taken_for_a_host(self, engine, inside):
        engine.faults["inspect_container"] = [lost_connection()]
        with pytest.raises(EngineUnavailableError):
            own_mounts(engine, inside)


class TestRealSockets:
    """What the SDK raises when no engine is behind the socket."""

    @pytest.fixture(autouse=True)
    def _the_sdk_leaves_failed_sockets_to_the_garbage_collector(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
            gc.collect()

    def status_at(self, path):
        settings = DockerSettings("codex-worker:latest", "a", ROOT)
        return DockerLauncher(
            settings, client_factory=lambda _: docker.APIClient(base_url=f"unix://{path}", timeout=0.2)
        ).status()

    def test_a_missing_socket_is_named(self, tmp_path):
        status = self.status_at(tmp_path / "none.sock")
        assert status.engine_reachable is False
        assert status.problem.startswith("docker-socket-missing: ")
        assert "DOCKER_HOST" in status.hint

    def test_a_socket_without_a_listener_is_named(self, tmp_path):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(tmp_path / "dead.sock"))
        assert self.status_at(tmp_path / "dead.sock").problem.startswith("docker-refused: ")

    def test_an_engine_that_never_answers_is_named(self, tmp_path):
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(tmp_path / "silent.sock"))
            silent.listen()
            assert self.status_at(tmp_path / "silent.sock").problem.startswith("engine-timeout: ")
