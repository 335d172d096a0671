"""The probe, with an engine in memory whose container is a function on the mounted directory."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests.exceptions
from captured_answers import api_error, captured_error
from fake_engine import FakeEngine

from backend.launchers.docker_engine import DockerLauncher
from backend.launchers.docker_settings import DockerSettings
from backend.launchers.workspace_probe import COMMAND
from worker.contract import Label


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "workspaces"


@pytest.fixture
def launcher(engine, root):
    settings = DockerSettings("codex-worker:latest", "instance-a", root, host_workspaces_dir=str(root))
    return DockerLauncher(settings, client_factory=engine.factory)


def mounted(body):
    return Path(body["HostConfig"]["Mounts"][0]["Source"])


def answers_truly(body):
    place = mounted(body)
    (place / "answer").write_text((place / "question").read_text()[::-1])
    return "exited with 0"


def test_a_worker_that_answers_proves_the_mapping(engine, launcher, root):
    engine.on_start = answers_truly
    assert launcher.probe_workspace(root).problem == ""
    assert launcher.status().problem == ""


def test_the_probe_is_launched_like_a_worker_and_leaves_nothing(engine, launcher, root):
    engine.on_start = answers_truly
    launcher.probe_workspace(root)
    (body,) = engine.bodies.values()
    assert body["Entrypoint"] == list(COMMAND)
    assert body["User"] == "10001:10001"
    assert body["Labels"][Label.INSTANCE] == "instance-a"
    assert engine.by_id == {}
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "case",
    [
        (lambda body: "exited with 3", "workspace-unreachable"),
        (lambda body: "exited with 0", "workspace-elsewhere"),
        (lambda body: "running", "workspace-probe-stuck"),
        (lambda body: (mounted(body) / "answer").write_text("another word") and "exited with 0", "workspace-elsewhere"),
    ],
)
def test_whatever_else_the_container_does_is_a_problem_with_a_repair(engine, launcher, case):
    engine.on_start, reference = case
    root = launcher._settings.workspace_root
    status = launcher.probe_workspace(root)
    assert status.problem.startswith(f"{reference}: ")
    assert "HOST_WORKSPACES_DIR" in status.hint
    assert engine.by_id == {}
    assert list(root.iterdir()) == []


def test_what_the_container_said_is_quoted(engine, launcher, root):
    engine.on_start = lambda body: "exited with 3"
    engine.log_chunks = [b"\x02\0\0\0\0\0\0\x3aTraceback ...\nPermissionError: [Errno 13] Permission denied: \n\n"]
    assert "PermissionError: [Errno 13]" in launcher.probe_workspace(root).problem


def test_a_wrong_mapping_stays_in_the_status_until_a_probe_succeeds(engine, launcher, root):
    engine.on_start = lambda body: "exited with 0"
    launcher.probe_workspace(root)
    assert launcher.status().problem.startswith("workspace-elsewhere: ")
    engine.on_start = answers_truly
    launcher.probe_workspace(root)
    assert launcher.status().problem == ""


def test_a_refused_mount_is_a_problem_of_the_workspace(engine, launcher, root):
    engine.faults["create"] = [captured_error("create: workspace missing")]
    assert launcher.probe_workspace(root).problem.startswith("workspace-missing: ")
    assert launcher.status().problem.startswith("workspace-missing: ")


@pytest.mark.parametrize(
    "passing", [api_error(500, "write x: no space left on device"), requests.exceptions.ConnectionError("aborted")]
)
def test_what_may_pass_is_told_and_does_not_stay(engine, launcher, passing):
    engine.faults["create"] = [passing]
    assert launcher.probe_workspace(launcher._settings.workspace_root).problem
    assert launcher.status().problem == ""


def test_a_mount_that_the_engine_refuses_stays(engine, launcher, root):
    engine.faults["create"] = [captured_error("create: workspace not absolute")]
    launcher.probe_workspace(root)
    assert launcher.status().problem.startswith("mount-refused: ")


def test_a_missing_image_is_told_and_does_not_stay_when_it_was_built(engine, launcher, root):
    images, engine.images = engine.images, {}
    assert launcher.probe_workspace(root).problem.startswith("image-missing: ")
    engine.images = images
    assert launcher.status().problem == ""


def test_a_root_that_cannot_be_written_is_told_without_starting_anything(engine, launcher, tmp_path):
    (tmp_path / "workspaces").write_text("a file")
    status = launcher.probe_workspace(tmp_path / "workspaces")
    assert status.problem.startswith("workspace-root-unusable: ")
    assert engine.bodies == {}
