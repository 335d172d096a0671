"""A link in a workspace, and nowhere else, whatever the subject says its project is called."""

import os
from pathlib import Path

import pytest

from harness.language.model import Link
from harness.senses.links import make_link

PROJECT = "0199a7c2-0000-7000-8000-000000000001"
DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def workspaces(tmp_path):
    root = tmp_path / "workspaces"
    (root / PROJECT / "docs").mkdir(parents=True)
    return root


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def link(path="escape", *, project=PROJECT, target=".."):
    return Link(project, path, target)


def test_a_link_is_made_with_its_text_as_it_is(workspaces):
    assert make_link(workspaces, link()) == ""
    assert str((workspaces / PROJECT / "escape").readlink()) == ".."


def test_a_link_may_lie_in_a_folder_and_lead_to_nothing(workspaces):
    assert make_link(workspaces, link("docs/escape", target="/nowhere/at all")) == ""
    assert str((workspaces / PROJECT / "docs" / "escape").readlink()) == "/nowhere/at all"


def test_the_same_link_twice_is_made(workspaces):
    assert [make_link(workspaces, link()) for _ in range(2)] == ["", ""]


def test_the_folder_of_the_workspaces_may_itself_be_a_link(workspaces, tmp_path):
    (tmp_path / "elsewhere").symlink_to(workspaces)
    assert make_link(tmp_path / "elsewhere", link()) == ""


@pytest.mark.parametrize(
    "plant",
    [Path.touch, Path.mkdir, os.mkfifo, lambda path: path.symlink_to("../.."), lambda path: path.symlink_to("../")],
    ids=["file", "folder", "pipe", "another link", "a link of almost the same text"],
)
def test_something_else_in_its_place_is_left_alone(workspaces, plant):
    path = workspaces / PROJECT / "escape"
    plant(path)
    before = path.lstat()
    assert "something else lies at 'escape'" in make_link(workspaces, link())
    assert path.lstat() == before


def test_without_access_nothing_is_made():
    assert "cannot be reached from here" in make_link(None, link())


@pytest.mark.parametrize(
    "project", ["", ".", "..", "a/b", f"{PROJECT}/docs", "/etc", "../outside", f"../workspaces/{PROJECT}", "a\0b"]
)
def test_an_id_that_is_no_plain_name_is_refused(workspaces, outside, tmp_path, project):
    before = tree(tmp_path)
    assert "is not a plain name" in make_link(workspaces, link(project=project))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("path", ["", "/", "/escape", "../escape", "docs/../../escape", "docs/", "./escape", "a\0b"])
def test_a_path_that_leads_elsewhere_is_refused(workspaces, tmp_path, path):
    before = tree(tmp_path)
    assert "is not a plain name" in make_link(workspaces, link(path))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("target", ["", "a\0b"])
def test_a_target_that_no_link_can_have_is_refused(workspaces, target):
    assert "no link can lead to" in make_link(workspaces, link(target=target))


def test_a_workspace_that_is_a_link_is_not_entered(workspaces, outside):
    (workspaces / "planted").symlink_to(outside)
    assert "could not be made" in make_link(workspaces, link(project="planted"))
    assert tree(outside) == []


def test_a_folder_in_the_workspace_that_is_a_link_is_not_entered(workspaces, outside):
    (workspaces / PROJECT / "planted").symlink_to(outside)
    assert "could not be made" in make_link(workspaces, link("planted/escape"))
    assert tree(outside) == []


@pytest.mark.parametrize(
    ("project", "path"),
    [("unknown", "escape"), (PROJECT, "missing/escape"), ("x" * 300, "escape"), ("\ud800", "escape")],
)
def test_what_is_not_there_is_said_in_one_line(workspaces, tmp_path, project, path):
    before = tree(tmp_path)
    found = make_link(workspaces, link(path, project=project))
    assert "could not be made" in found
    assert found.isprintable()
    assert tree(tmp_path) == before


def test_no_workspaces_at_all_is_said(tmp_path):
    assert "No such file" in make_link(tmp_path / "gone", link())


def test_no_permission_is_said(workspaces, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, whom no mode stops.
    monkeypatch.setattr(os, "symlink", refuse)
    assert "Permission denied" in make_link(workspaces, link())


def test_no_descriptor_stays_open(workspaces):
    before = len(list(DESCRIPTORS.iterdir()))
    make_link(workspaces, link("docs/escape"))
    make_link(workspaces, link("missing/escape"))
    assert len(list(DESCRIPTORS.iterdir())) == before


def test_hostile_names_are_shown_in_one_line(workspaces):
    found = make_link(workspaces, link(project="a\nPASS/b"))
    assert "\n" not in found
