"""What earlier use left behind is named; what is at work is left in peace, and nothing is removed."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest

from harness.config import Settings
from harness.doctor import leftovers as doctor_leftovers
from harness.doctor.findings import Level
from harness.doctor.view import View
from harness.errors import PrerequisiteError
from harness.evidence.guarded import lock, open_folder
from harness.stack.containers import Backend
from harness.stack.plan import make_plan

OLD, NEW = "2025-01-02T03:04:05Z", "2025-01-03T03:04:05Z"


@pytest.fixture
def settings(tmp_path):
    return Settings(root=tmp_path, env_file=tmp_path / ".env", environ={"LADDER_RUN_DIR": str(tmp_path / "run")})


@pytest.fixture
def plan(settings):
    return make_plan(settings, {}, known=frozenset(), uid=1000, gid=1000)


def view(backend=None, workers=(), networks=()):
    return View(
        "20.10", "1.41", "/var/lib/docker", frozenset(), backend=backend, workers=workers, networks=networks
    )  # fmt: skip


def backend(status, home="", exit_code=0):
    return Backend("0123456789abcdef", status, exit_code, "", str(home))


def test_a_project_that_is_down_or_runs_is_ok(settings, plan):
    for found in (None, backend("running", settings.root)):
        assert doctor_leftovers.check_project(settings, plan, view(found)).level is Level.OK


def test_a_backend_that_has_ended_is_told_with_its_exit_code(settings, plan):
    found = doctor_leftovers.check_project(settings, plan, view(backend("exited", settings.root, exit_code=137)))
    assert found.level is Level.WARNING
    assert "exit code 137" in found.message
    assert "docker logs 0123456789ab" in found.repair


def test_a_project_of_another_checkout_is_refused(settings, plan, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(PrerequisiteError) as caught:
        doctor_leftovers.check_project(settings, plan, view(backend("running", elsewhere)))
    assert caught.value.reference == "project-in-use"


def test_a_checkout_that_is_gone_holds_nothing(settings, plan, tmp_path):
    found = doctor_leftovers.check_project(settings, plan, view(backend("running", tmp_path / "gone")))
    assert found.level is Level.OK


def test_workers_of_a_running_backend_are_at_work(plan):
    assert doctor_leftovers.check_workers(plan, view(backend("running"), workers=("w1",))).level is Level.OK


@pytest.mark.parametrize("gone", [None, backend("exited")])
def test_workers_without_a_backend_are_named(plan, gone):
    found = doctor_leftovers.check_workers(plan, view(gone, workers=("w1", "w2", "w3", "w4", "w5")))
    assert (found.level, found.repair) == (Level.WARNING, "make down removes them")
    assert found.message.startswith("w1, w2, w3 and 2 more of instance ladder")


def test_no_workers_are_no_leftovers(plan):
    assert doctor_leftovers.check_workers(plan, view()).level is Level.OK


def test_containers_of_killed_judges_are_named():
    found = doctor_leftovers.check_judges(replace(view(), of_judges=("ladder-judge-1",)))
    assert (found.level, found.repair) == (Level.WARNING, "make down removes them")
    assert "ladder-judge-1" in found.message
    assert doctor_leftovers.check_judges(view()).level is Level.OK


def test_a_network_without_containers_is_named(plan):
    found = doctor_leftovers.check_networks(plan, view(networks=("ladder_default",)))
    assert found.level is Level.WARNING
    assert "ladder_default" in found.message


def test_a_network_of_a_backend_that_is_there_is_its_own(plan):
    assert doctor_leftovers.check_networks(plan, view(backend("running"), networks=("n",))).level is Level.OK
    assert doctor_leftovers.check_networks(plan, view()).level is Level.OK


def test_a_run_that_no_process_holds_is_a_leftover(tmp_path):
    (tmp_path / f"{OLD}.partial").mkdir()
    found = doctor_leftovers.check_runs(tmp_path)
    assert found.level is Level.WARNING
    assert f"{OLD}.partial" in found.message
    assert (tmp_path / f"{OLD}.partial").is_dir()


def test_a_run_that_is_going_on_is_none(tmp_path):
    (tmp_path / f"{OLD}.partial").mkdir()
    descriptor = open_folder(tmp_path / f"{OLD}.partial")
    lock(descriptor)
    try:
        found = doctor_leftovers.check_runs(tmp_path)
    finally:
        os.close(descriptor)
    assert found.level is Level.OK
    assert "1 runs are going on" in found.message


@pytest.mark.parametrize("name", [NEW, "notes.partial", "keys"])
def test_finished_runs_and_other_folders_are_not_looked_into(tmp_path, name):
    (tmp_path / name).mkdir(mode=0o000)
    assert doctor_leftovers.check_runs(tmp_path).level is Level.OK


def test_an_evidence_root_that_is_not_there_yet_holds_none(tmp_path):
    assert doctor_leftovers.check_runs(tmp_path / "none").level is Level.OK


def proc_with(tmp_path, name="dockerd", state="S"):
    process = tmp_path / "proc/4711"
    process.mkdir(parents=True)
    (process / "comm").write_text(f"{name}\n")
    (process / "stat").write_text(f"4711 ({name}) {state} 1 4711 0\n")
    return tmp_path / "proc"


def leave_files(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/docker.pid").write_text("4711")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "run/docker.sock"))


def test_files_of_an_engine_that_is_gone_are_named(settings, tmp_path):
    leave_files(tmp_path)
    found = doctor_leftovers.check_engine_files(settings, tmp_path / "proc")
    assert found.level is Level.WARNING
    assert "docker.pid" in found.message
    assert "docker.sock" in found.message
    assert (tmp_path / "run/docker.pid").exists()


@pytest.mark.parametrize(("name", "state"), [("sshd", "S"), ("dockerd", "Z"), ("dockerd", "X")])
def test_a_number_that_another_process_has_or_a_zombie_is_no_engine(settings, tmp_path, name, state):
    leave_files(tmp_path)
    proc = proc_with(tmp_path, name, state)
    assert doctor_leftovers.check_engine_files(settings, proc).level is Level.WARNING


def test_files_of_an_engine_that_is_starting_are_its_own(settings, tmp_path):
    leave_files(tmp_path)
    assert doctor_leftovers.check_engine_files(settings, proc_with(tmp_path)).level is Level.OK


def test_an_engine_that_answers_from_another_process_namespace_is_alive(settings, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/docker.pid").write_text("4711")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "run/docker.sock"))
        listener.listen()
        assert doctor_leftovers.check_engine_files(settings, tmp_path / "proc").level is Level.OK


@pytest.mark.parametrize("content", ["", "not a number"])
def test_a_process_file_without_a_number_is_a_leftover(settings, tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/docker.pid").write_text(content)
    assert doctor_leftovers.check_engine_files(settings, tmp_path / "proc").level is Level.WARNING


def test_a_machine_without_an_engine_has_nothing_left(settings, tmp_path):
    assert doctor_leftovers.check_engine_files(settings, tmp_path / "proc").level is Level.OK
