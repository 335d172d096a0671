"""An engine that does not answer is told, and costs no descriptor, however often it is asked."""

import gc
import socket
from pathlib import Path

import docker
import pytest

from harness.config import Settings
from harness.errors import PrerequisiteError
from harness.senses.engine import DockerEngine, EngineLostError
from harness.senses.programs import run_program
from harness.stack import engine


@pytest.fixture(params=["missing", "dead"])
def address(request, tmp_path):
    path = tmp_path / "docker.sock"
    if request.param == "dead":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    return {"DOCKER_HOST": f"unix://{path}"}


def open_descriptors():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def witness(address):
    with pytest.raises(EngineLostError) as caught:
        DockerEngine.connect(address)
    return str(caught.value)


def stack(address):
    settings = Settings(Path("/"), Path("/nothing"), address)
    with pytest.raises(PrerequisiteError) as caught, engine.connect(settings):
        pass
    assert caught.value.reference == "engine-unreachable"
    return caught.value.message


def program(address):
    return run_program(address, {"app.py": b""}, image="x", args=["app.py"], redact=str).error


@pytest.mark.parametrize("ask", [witness, stack, program])
def test_nobody_is_left_on_the_line(ask, address):
    # Whatever is imported on the way opens its files now.
    ask(address)
    before = open_descriptors()
    said = {ask(address) for _ in range(3)}
    # A descriptor that is left open is a warning as well, and those are errors.
    assert open_descriptors() == before
    assert len(said) == 1
    assert address["DOCKER_HOST"].removeprefix("unix://") in said.pop()


class Client:
    made = 0

    def __init__(self, **options):
        Client.made += 1
        self.closed = False
        if Client.made == 2:
            raise docker.errors.DockerException("gone")
        Client.first = self

    def close(self):
        self.closed = True


def test_the_first_of_two_clients_is_closed_when_there_is_no_second(monkeypatch):
    monkeypatch.setattr(Client, "made", 0)
    monkeypatch.setattr(docker, "APIClient", Client)
    with pytest.raises(EngineLostError):
        DockerEngine.connect({"DOCKER_HOST": "tcp://127.0.0.1:9"})
    assert Client.first.closed


@pytest.mark.parametrize(("host", "asked"), [("tcp://127.0.0.1:9", False), ("", True), ("unix://", True)])
def test_only_a_local_socket_is_knocked_at(monkeypatch, host, asked):
    seen = []
    monkeypatch.setattr(engine, "DEFAULT_SOCKET", "/nonexistent/docker.sock")
    try:
        engine.knock({"DOCKER_HOST": host})
    except FileNotFoundError as error:
        seen.append(error.filename)
    assert seen == (["/nonexistent/docker.sock"] if asked else [])
