"""`ladder doctor` on this very machine, with the real engine: what it sees is so, and it leaves all as it was."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from pathlib import Path

import docker
import pytest

from harness.config import Settings
from harness.doctor.examination import diagnose
from harness.doctor.findings import Level, render

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.docker


@pytest.fixture
def engine():
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def project():
    return f"lt-doctor-{secrets.token_hex(3)}"


@pytest.fixture
def settings(tmp_path, project):
    shutil.copyfile(ROOT / ".env.example", tmp_path / ".env")
    (tmp_path / ".env").chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"LADDER_PROJECT": project, "PORT": str(port), "DATA_DIR": str(tmp_path / "data")}
    return Settings(root=ROOT, env_file=tmp_path / ".env", environ=dict(os.environ) | own)


def by_check(settings, out):
    findings = diagnose(settings, out=out)
    return {found.check: found for found in findings}


def test_the_machine_that_runs_the_live_tests_has_what_a_run_needs(settings, engine, tmp_path):
    found = by_check(settings, tmp_path / "out")
    told = render(tuple(found.values()))
    of_this_machine = {"engine-socket", "engine", "compose", "images", "project", "port", "env-file", "env-values"}
    assert {name: found[name].level for name in of_this_machine} == dict.fromkeys(of_this_machine, Level.OK), told
    assert engine.version()["Version"] in found["engine"].message
    assert engine.info()["DockerRootDir"] in found["disk-engine"].message


def test_what_is_left_on_the_engine_is_named_and_left(settings, engine, project, tmp_path):
    labels = {"ladder.instance": project, "ladder.job": "j1"}
    worker = engine.containers.create("codex-worker:latest", labels=labels, network_mode="none")
    network = engine.networks.create(f"{project}_default", labels={"com.docker.compose.project": project})
    try:
        found = by_check(settings, tmp_path / "out")
        assert worker.name in found["leftover-workers"].message
        assert f"{project}_default" in found["leftover-networks"].message
        assert {found[name].level for name in ("leftover-workers", "leftover-networks")} == {Level.WARNING}
        worker.reload()
        network.reload()
    finally:
        worker.remove(force=True)
        network.remove()
    again = by_check(settings, tmp_path / "out")
    assert {again[name].level for name in ("leftover-workers", "leftover-networks")} == {Level.OK}


def test_a_project_that_another_checkout_started_is_an_error(settings, engine, project, tmp_path):
    labels = {
        "com.docker.compose.project": project,
        "com.docker.compose.service": "backend",
        "com.docker.compose.project.working_dir": str(tmp_path),
    }
    stranger = engine.containers.create("codex-worker:latest", labels=labels, network_mode="none")
    try:
        found = by_check(settings, tmp_path / "out")["project"]
    finally:
        stranger.remove(force=True)
    assert found.level is Level.ERROR
    assert str(tmp_path) in found.message


def test_the_container_that_holds_the_port_is_named(settings, engine, tmp_path):
    port = int(settings.environ["PORT"])
    holder = engine.containers.run(
        "codex-worker:latest",
        entrypoint=["python3", "-c", "import signal; signal.pause()"],
        ports={"8000/tcp": ("127.0.0.1", port)},
        init=True,
        detach=True,
    )
    try:
        found = by_check(settings, tmp_path / "out")["port"]
    finally:
        holder.remove(force=True)
    assert found.level is Level.ERROR
    assert f"held by the container {holder.name}" in found.message
