"""`ladder up` and `ladder down` against the real engine: started, left alone, changed, side by side, gone."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import docker
import httpx
import pytest
from support.free_ports import free_port

ROOT = Path(__file__).resolve().parents[2]
GOAL = "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."

pytestmark = pytest.mark.docker


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack with a name, port, settings file and data of its own."""

    home: Path
    project: str
    port: int

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def environ(self) -> dict[str, str]:
        own = {
            "LADDER_ENV_FILE": str(self.home / ".env"),
            "LADDER_PROJECT": self.project,
            "PORT": str(self.port),
            "DATA_DIR": str(self.home / "data"),
            # The engine belongs to whoever runs the tests; no `down` in here may take it away.
            "LADDER_ENGINE_HELD": "1",
        }
        return dict(os.environ) | own

    def ladder(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=ROOT, env=self.environ | environ, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def up(self, *arguments: str, **environ: str) -> None:
        done = self.ladder("up", *arguments, **environ)
        assert done.returncode == 0, done.stderr

    def backend(self, engine: docker.DockerClient) -> str | None:
        found = engine.containers.list(filters={"label": f"com.docker.compose.project={self.project}"})
        return found[0].id if found else None


@pytest.fixture
def engine():
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def new_stack(tmp_path):
    made = []

    def make() -> Stack:
        name = f"lt-{secrets.token_hex(3)}"
        stack = Stack(tmp_path / name, name, free_port())
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.ladder("down")


def left_of(engine, project):
    filters = {"label": f"com.docker.compose.project={project}"}
    workers = engine.containers.list(all=True, filters={"label": f"ladder.instance={project}"})
    return [*engine.containers.list(all=True, filters=filters), *engine.networks.list(filters=filters), *workers]


def test_a_stack_comes_up_is_left_alone_changes_its_mode_and_leaves_nothing(new_stack, engine):
    stack = new_stack()
    stack.up()
    assert httpx.get(f"{stack.api}/ready").json()["mode"] == "mocked"
    first = stack.backend(engine)

    stack.up()
    assert stack.backend(engine) == first

    stack.up("--mode", "live")
    assert stack.backend(engine) != first
    ready = httpx.get(f"{stack.api}/ready").json()
    assert (ready["mode"], ready["instance"]) == ("live", stack.project)
    assert ready["worker_image_digest"] == engine.images.get("codex-worker:latest").id
    assert "USE_DUMMY_WORKER=False" in (stack.home / ".env").read_text().splitlines()

    assert stack.ladder("down").returncode == 0
    assert left_of(engine, stack.project) == []
    assert not (ROOT / "var/stack" / stack.project).exists()
    assert stack.ladder("down").returncode == 0


def test_two_stacks_run_side_by_side_and_one_goes_without_the_other(new_stack, engine):
    one, two = new_stack(), new_stack()
    one.up("--mode", "live")
    two.up()
    projects = [
        httpx.post(
            f"{stack.api}/projects/", json={"instruction": GOAL}, headers={"Prefer": "wait=30"}, timeout=60
        ).json()
        for stack in (one, two)
    ]
    assert [project["status"] for project in projects] == ["completed", "completed"]
    for stack, project in zip((one, two), projects, strict=True):
        assert (stack.home / "data/workspaces" / project["id"] / "app.py").exists()

    assert one.ladder("down").returncode == 0
    assert left_of(engine, one.project) == []
    assert httpx.get(f"{two.api}/ready").status_code == 200


def test_a_rebuilt_stack_still_reads_every_project(new_stack):
    stack = new_stack()
    stack.up()
    made = httpx.post(f"{stack.api}/projects/", json={"instruction": GOAL}, timeout=60).json()
    stack.up("--mode", "live")
    assert httpx.get(f"{stack.api}/projects/{made['id']}").json()["status"] == "completed"


def test_workers_that_a_killed_backend_left_behind_are_removed_by_down(new_stack, engine):
    stack = new_stack()
    stack.up("--mode", "live", SLEEP_SECONDS="300")
    httpx.post(
        f"{stack.api}/projects/", json={"instruction": "long_run: wait"}, headers={"Prefer": "wait=2"}, timeout=60
    )
    workers = {"label": f"ladder.instance={stack.project}"}
    assert engine.containers.list(filters=workers)
    engine.containers.get(stack.backend(engine)).kill()
    assert engine.containers.list(filters=workers)
    assert stack.ladder("down").returncode == 0
    assert left_of(engine, stack.project) == []


def test_a_protected_stack_is_waited_for_with_its_token_and_no_value_is_shown(new_stack, engine):
    stack = new_stack()
    stack.home.mkdir()
    token = f"canary-{secrets.token_hex(16)}"
    (stack.home / ".env.live").write_text(f"API_TOKENS={token}\nOPENAI_API_KEY={token}-key\n")
    done = stack.ladder("up", API_TOKENS="", OPENAI_API_KEY="")
    assert done.returncode == 0, done.stderr
    assert token not in done.stdout + done.stderr
    assert httpx.get(f"{stack.api}/ready").status_code == 401
    assert httpx.get(f"{stack.api}/ready", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    container = engine.containers.get(stack.backend(engine))
    assert token not in str(container.labels) + str(container.attrs["Args"])
    assert token not in container.logs().decode()
    assert token not in (ROOT / "var/stack" / stack.project / "settings.env").read_text()


def test_a_taken_port_is_named_with_another_to_try(new_stack):
    stack = new_stack()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.port))
        taken.listen()
        done = stack.ladder("up")
    assert done.returncode == 3
    assert "error[port-in-use]" in done.stderr


def test_a_backend_that_cannot_start_is_reported_with_the_end_of_its_log(new_stack):
    stack = new_stack()
    done = stack.ladder("up", MAX_CONCURRENT_JOBS="many")
    assert done.returncode == 3
    assert "error[backend-ended]" in done.stderr
    assert "MAX_CONCURRENT_JOBS" in done.stderr


def test_a_project_of_another_checkout_is_not_touched(new_stack, engine, tmp_path):
    stack = new_stack()
    labels = {
        "com.docker.compose.project": stack.project,
        "com.docker.compose.service": "backend",
        "com.docker.compose.project.working_dir": str(tmp_path),
    }
    stranger = engine.containers.create("codex-worker:latest", labels=labels, network_mode="none")
    try:
        for command in ("up", "down"):
            done = stack.ladder(command)
            assert done.returncode == 3
            assert "error[project-in-use]" in done.stderr
        assert engine.containers.get(stranger.id).status == "created"
    finally:
        stranger.remove(force=True)


def test_the_built_images_touch_no_network_run_as_nobody_special_and_hold_compiled_code(engine):
    code = (
        "import os, pathlib, sys; print(os.getuid(), len(list(pathlib.Path('/opt/ladder').rglob('*.pyc'))) > 3, "
        "os.access('/opt/ladder', os.W_OK), os.getcwd())"
    )
    for image in ("codex-worker:latest", "ladder-backend:latest"):
        said = engine.containers.run(image, ["python3", "-c", code], network_mode="none", read_only=True, remove=True)
        assert said.decode().split() == ["10001", "True", "False", "/opt/ladder"]
