"""The engine, its socket, compose and images: what is missing is told with the command that helps."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.config import Settings
from harness.doctor import engine as doctor_engine
from harness.doctor.engine import User
from harness.doctor.findings import Level
from harness.doctor.view import View
from harness.errors import PrerequisiteError
from harness.stack.engine import Socket
from harness.stack.plan import make_plan

ROOT = Path(__file__).resolve().parents[3]
OURS = frozenset({"ladder-base:latest", "ladder-backend:latest", "codex-worker:latest"})


def settings_with(tmp_path, **environ):
    return Settings(root=tmp_path, env_file=tmp_path / ".env", environ=environ)


def at(path):
    return {"DOCKER_HOST": f"unix://{path}"}


def view(**changes):
    return View(**{"version": "20.10.24", "api": "1.41", "root_dir": "/var/lib/docker", "images": OURS} | changes)


def plan_with(tmp_path, **values):
    return make_plan(settings_with(tmp_path), values, known=frozenset(values), uid=1000, gid=1000)


def test_a_socket_that_somebody_listens_at_is_ok(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "engine.sock"))
        listener.listen()
        found = doctor_engine.check_socket(settings_with(tmp_path, **at(tmp_path / "engine.sock")))
    assert found.level is Level.OK


def test_a_socket_that_nobody_listens_at_is_an_error(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "engine.sock"))
    found = doctor_engine.check_socket(settings_with(tmp_path, **at(tmp_path / "engine.sock")))
    assert (found.level, found.repair) == (Level.ERROR, "scripts/engine ensure")
    assert "nobody listens" in found.message


def test_a_missing_socket_is_named(tmp_path):
    found = doctor_engine.check_socket(settings_with(tmp_path, **at(tmp_path / "none.sock")))
    assert found.level is Level.ERROR
    assert str(tmp_path / "none.sock") in found.message


def test_a_socket_that_is_forbidden_is_told_with_its_group(tmp_path, monkeypatch):
    class Forbidden(socket.socket):
        def connect(self, address):
            raise PermissionError(13, "Permission denied")

    (tmp_path / "engine.sock").touch()
    monkeypatch.setattr(socket, "socket", Forbidden)
    found = doctor_engine.check_socket(settings_with(tmp_path, **at(tmp_path / "engine.sock")))
    assert found.level is Level.ERROR
    assert "may not be used by this user" in found.message
    assert found.repair


@pytest.mark.parametrize("host", ["tcp://192.0.2.7:2375", "ssh://somewhere"])
def test_an_engine_elsewhere_is_refused_without_being_asked(tmp_path, host):
    with pytest.raises(PrerequisiteError) as caught:
        doctor_engine.check_socket(settings_with(tmp_path, DOCKER_HOST=host))
    assert caught.value.reference == "engine-not-local"


def test_who_lacks_the_group_is_told_to_join_it():
    user = User("ada", groups=frozenset({1000}), granted=frozenset({1000}))
    repair = doctor_engine.permission_repair(Socket("/run/docker.sock", 54321), user)
    assert repair == "sudo usermod -aG 54321 ada, then log in again"


def test_who_joined_the_group_after_this_login_is_told_to_log_in_again():
    user = User("ada", groups=frozenset({1000}), granted=frozenset({1000, 54321}))
    assert doctor_engine.permission_repair(Socket("/run/docker.sock", 54321), user).startswith("log in again")


def test_nobody_is_told_to_join_the_group_of_root():
    user = User("ada", groups=frozenset({1000}), granted=frozenset({1000}))
    assert "usermod" not in doctor_engine.permission_repair(Socket("/run/docker.sock", 0), user)


@pytest.mark.parametrize("api", ["1.41", "1.50", "2.0"])
def test_an_engine_from_api_1_41_on_will_do(api):
    assert doctor_engine.check_version(view(api=api)).level is Level.OK


@pytest.mark.parametrize("api", ["1.40", "1.9", "", "unknown"])
def test_an_older_engine_or_one_that_does_not_say_will_not(api):
    assert doctor_engine.check_version(view(api=api)).level is Level.ERROR


def test_what_is_not_built_yet_is_a_warning_that_names_it(tmp_path):
    found = doctor_engine.check_images(view(images=OURS - {"ladder-base:latest"}), plan_with(tmp_path))
    assert (found.level, found.repair) == (Level.WARNING, "make up builds them")
    assert "ladder-base:latest" in found.message
    assert "codex-worker" not in found.message
    assert doctor_engine.check_images(view(), plan_with(tmp_path)).level is Level.OK


def test_a_worker_image_of_another_name_cannot_be_built_so_its_absence_is_an_error(tmp_path):
    plan = plan_with(tmp_path, CODEX_WORKER_IMAGE="their-worker:2")
    found = doctor_engine.check_images(view(), plan)
    assert found.level is Level.ERROR
    assert "docker pull their-worker:2" in found.repair
    assert doctor_engine.check_images(view(images=OURS | {"their-worker:2"}), plan).level is Level.OK


def machine(tmp_path, **commands):
    """A PATH on which only these commands are."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in commands.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return settings_with(tmp_path, PATH=str(folder), PYTHONPATH="/nowhere")


def test_compose_2_is_preferred(tmp_path):
    found = doctor_engine.check_compose(machine(tmp_path, docker="echo v2.29.1", docker_compose="echo 1.29.2"))
    assert (found.level, found.message) == (Level.OK, "docker compose 2.29.1")


def test_compose_1_29_will_do_where_the_docker_command_knows_no_compose(tmp_path):
    found = doctor_engine.check_compose(machine(tmp_path, docker="exit 1", docker_compose="echo 1.29.2"))
    assert (found.level, found.message) == (Level.OK, "docker-compose 1.29.2")


def test_an_older_compose_will_not(tmp_path):
    found = doctor_engine.check_compose(machine(tmp_path, docker_compose="echo 1.25.0"))
    assert found.level is Level.ERROR
    assert "older than 1.29" in found.message


@pytest.mark.parametrize(
    "commands", [{}, {"docker": "exit 1"}, {"docker_compose": "exit 127"}, {"docker_compose": "exit 0"}]
)
def test_no_compose_that_works_is_an_error(tmp_path, commands):
    found = doctor_engine.check_compose(machine(tmp_path, **commands))
    assert (found.level, found.repair) == (Level.ERROR, "sudo apt-get install -y docker-compose")


def test_a_compose_that_hangs_is_waited_for_a_bounded_time(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor_engine, "CALL_TIMEOUT_S", 0.05)
    found = doctor_engine.check_compose(machine(tmp_path, docker_compose="while :; do :; done"))
    assert found.level is Level.WARNING
    assert "docker-compose has not told its version" in found.message


def test_compose_gets_no_setting_of_this_process(tmp_path):
    found = doctor_engine.check_compose(machine(tmp_path, docker_compose='test -z "$PYTHONPATH" && echo 1.29.2'))
    assert found.level is Level.OK
