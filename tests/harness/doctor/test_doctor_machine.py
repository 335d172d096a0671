"""Room, folders, overrides and proxies: what surrounds a stack is told before a run stops at it."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple

import pytest

from harness.config import Settings
from harness.doctor import machine as doctor_machine
from harness.doctor.findings import Level
from harness.stack.plan import make_plan

CANARY = "canary-4f7a9b21c3"
MIB = 1024**2
Usage = namedtuple("Usage", "total used free")


def settings_with(tmp_path, **environ):
    return Settings(root=tmp_path, env_file=tmp_path / ".env", environ=environ)


def plan_in(tmp_path, *, uid=1000, **values):
    values = {"DATA_DIR": str(tmp_path / "data")} | values
    return make_plan(settings_with(tmp_path), values, known=frozenset(values), uid=uid, gid=uid)


def with_free(monkeypatch, size):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(size, 0, size))
    return asked


@pytest.mark.parametrize(
    ("free", "level"),
    [(63 * MIB, Level.ERROR), (65 * MIB, Level.WARNING), (1023 * MIB, Level.WARNING), (2048 * MIB, Level.OK)],
)
def test_room_is_judged_by_the_floor_below_which_no_job_is_accepted(tmp_path, monkeypatch, free, level):
    with_free(monkeypatch, free)
    assert doctor_machine.check_data_room(plan_in(tmp_path)).level is level
    assert doctor_machine.check_engine_room(str(tmp_path)).level is level


def test_the_floor_is_the_one_that_was_set(tmp_path, monkeypatch):
    with_free(monkeypatch, 2048 * MIB)
    assert doctor_machine.check_data_room(plan_in(tmp_path, MIN_FREE_BYTES=str(4096 * MIB))).level is Level.ERROR


def test_a_folder_that_is_not_there_yet_is_measured_where_it_will_be(tmp_path, monkeypatch):
    asked = with_free(monkeypatch, 2048 * MIB)
    doctor_machine.check_data_room(plan_in(tmp_path, DATA_DIR=str(tmp_path / "not/yet/there")))
    assert asked == [tmp_path]


def test_a_disk_that_takes_no_more_files_is_told(tmp_path, monkeypatch):
    Facts = namedtuple("Facts", "f_files f_favail")
    monkeypatch.setattr(os, "statvfs", lambda path: Facts(1000, 12))
    with_free(monkeypatch, 2048 * MIB)
    found = doctor_machine.check_data_room(plan_in(tmp_path))
    assert found.level is Level.WARNING
    assert "12 more files" in found.message
    monkeypatch.setattr(os, "statvfs", lambda path: Facts(0, 0))
    assert doctor_machine.check_data_room(plan_in(tmp_path)).level is Level.OK


@pytest.mark.parametrize("root", ["", "/nowhere/docker"])
def test_an_engine_folder_that_cannot_be_seen_is_no_green(root):
    found = doctor_machine.check_engine_room(root)
    assert found.level is Level.WARNING
    assert "not checked" in found.message


@pytest.fixture
def as_user(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def test_data_that_another_user_owns_is_told_with_the_command(tmp_path, as_user):
    mine = tmp_path.stat().st_uid
    (tmp_path / "data/state").mkdir(parents=True)
    found = doctor_machine.check_data_folders(plan_in(tmp_path, uid=mine + 4321))
    assert found.level is Level.ERROR
    assert found.repair.startswith(f"sudo chown -R {mine + 4321}:")


def test_data_that_the_backends_user_may_write_is_ok(tmp_path, as_user):
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o777)
    assert doctor_machine.check_data_folders(plan_in(tmp_path)).level is Level.OK


@pytest.mark.parametrize(
    ("owner", "group", "mode", "may"),
    [
        (1000, 5, 0o700, True),
        (1000, 5, 0o577, False),
        (5, 1000, 0o770, True),
        (5, 1000, 0o757, False),
        (5, 5, 0o777, True),
        (5, 5, 0o775, False),
    ],
)
def test_the_bits_of_owner_group_and_others_decide_in_that_order(tmp_path, owner, group, mode, may):
    class Folder:
        def stat(self):
            return os.stat_result((mode, 0, 0, 0, owner, group, 0, 0, 0, 0))

    assert doctor_machine.writable(Folder(), plan_in(tmp_path)) is may


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "data").touch()
    assert doctor_machine.check_data_folders(plan_in(tmp_path)).level is Level.ERROR


def test_root_hands_folders_over_whoever_owns_them(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "data").mkdir(mode=0o500)
    assert doctor_machine.check_data_folders(plan_in(tmp_path, uid=0)).level is Level.OK


def test_a_mode_in_the_environment_outranks_the_file_and_is_told(tmp_path):
    (tmp_path / ".env").write_text("USE_DUMMY_WORKER=True\n")
    other = doctor_machine.check_mode(settings_with(tmp_path, USE_DUMMY_WORKER="False"))
    same = doctor_machine.check_mode(settings_with(tmp_path, USE_DUMMY_WORKER="true"))
    assert (other.level, other.repair) == (Level.WARNING, "unset USE_DUMMY_WORKER")
    assert "says otherwise" in other.message
    assert same.level is Level.WARNING
    assert "says the same now" in same.message


@pytest.mark.parametrize("environ", [{}, {"USE_DUMMY_WORKER": ""}])
def test_without_it_the_file_decides(tmp_path, environ):
    assert doctor_machine.check_mode(settings_with(tmp_path, **environ)).level is Level.OK


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_that_would_be_asked_for_loopback_is_told_without_its_address(tmp_path, name):
    found = doctor_machine.check_proxy(settings_with(tmp_path, **{name: f"http://user:{CANARY}@proxy:3128"}))
    assert found.level is Level.WARNING
    assert name in found.message
    assert "127.0.0.1 and localhost" in found.message
    assert CANARY not in found.message + found.repair


@pytest.mark.parametrize(
    ("exceptions", "caught"),
    [
        ("127.0.0.1,localhost", []),
        ("LOCALHOST , 127.0.0.0/8", []),
        ("*", []),
        ("localhost", ["127.0.0.1"]),
        ("127.0.0.1", ["localhost"]),
        ("10.0.0.0/8,.example.com,not/a/network", ["127.0.0.1", "localhost"]),
        ("27.0.0.1,host", ["127.0.0.1", "localhost"]),
        ("", ["127.0.0.1", "localhost"]),
    ],
)
def test_exceptions_are_read_as_names_domains_and_networks(tmp_path, exceptions, caught):
    found = doctor_machine.check_proxy(settings_with(tmp_path, http_proxy="http://proxy:3128", NO_PROXY=exceptions))
    assert (found.level is Level.OK) == (not caught)
    assert [host for host in doctor_machine.LOOPBACK if not doctor_machine.is_excepted(host, exceptions)] == caught


def test_a_proxy_for_https_only_does_not_touch_the_stack(tmp_path):
    assert doctor_machine.check_proxy(settings_with(tmp_path, HTTPS_PROXY="http://proxy:3128")).level is Level.OK


def test_a_domain_in_the_exceptions_holds_for_the_hosts_below_it():
    assert doctor_machine.is_excepted("a.example.com", ".example.com")
    assert doctor_machine.is_excepted("a.example.com", "example.com")
    assert not doctor_machine.is_excepted("notexample.com", "example.com")
