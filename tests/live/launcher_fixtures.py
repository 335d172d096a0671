"""The Docker launcher at a real engine, with programs in place of the worker; what is made is removed at the end."""

from __future__ import annotations

import secrets

import docker
import pytest
from real_launcher import CANARY, DEADLINE, IMAGE, MEMORY, PIDS

from backend.launchers.base import LaunchSpec
from backend.launchers.docker_engine import DockerLauncher
from backend.launchers.docker_settings import DockerSettings
from backend.redaction import Secret
from worker.contract import Label


@pytest.fixture(scope="session")
def engine():
    client = docker.APIClient()
    yield client
    client.close()


@pytest.fixture(scope="session")
def instance(engine):
    name = f"launcher-test-{secrets.token_hex(4)}"
    yield name
    # Instances of single tests begin with this name; nothing else on the engine does.
    for container in engine.containers(all=True, filters={"label": [Label.INSTANCE]}):
        if container["Labels"][Label.INSTANCE].startswith(name):
            engine.remove_container(container["Id"], force=True, v=True)


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "workspaces"
    place.mkdir()
    return place


@pytest.fixture
def launcher_for(instance, root):
    """Make a launcher whose containers run a program's text instead of the worker."""
    made = []

    def make(program, **changes):
        values = {
            "image": IMAGE,
            "instance": instance,
            "workspace_root": root,
            "memory": str(MEMORY),
            "pids": PIDS,
            "command": ("python3", "-I", "-c", program),
        }
        made.append(DockerLauncher(DockerSettings(**values | changes)))
        return made[-1]

    yield make
    for launcher in made:
        for handle in launcher.list():
            launcher.remove(handle)
        launcher.close()


@pytest.fixture
def spec(root):
    """An attempt of its own for each use, with a workspace that the worker's user may write to."""

    def make(**changes):
        job = f"job-{secrets.token_hex(6)}"
        workspace = root / job
        workspace.mkdir()
        workspace.chmod(0o777)
        values = {
            "project_id": "project-1",
            "job_id": job,
            "attempt": 1,
            "workspace": workspace,
            "environment": {"WORKER_ENGINE": "template"},
            "secrets": {"OPENAI_API_KEY": Secret(CANARY)},
            "deadline_at": DEADLINE,
        }
        return LaunchSpec(**values | changes)

    return make


@pytest.fixture
def run(launcher_for, spec):
    """Start a program and return launcher and handle."""

    def start(program, **changes):
        launcher = launcher_for(program, **changes)
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        return launcher, handle

    return start
