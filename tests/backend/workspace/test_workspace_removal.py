import os
from pathlib import Path

import pytest

from backend.workspace import removal, tree
from backend.workspace.errors import WorkspaceError
from backend.workspace.writer import remove_workspace


def test_a_workspace_is_removed_with_everything_in_it_and_nothing_else(place):
    os.mkfifo(place.root / "fifo")
    (place.root / "out").symlink_to(place.outside)
    (place.root / "sub" / "out").symlink_to(place.outside / "secret")
    Path(os.fsdecode(os.fsencode(place.root) + b"/folder-\xff")).mkdir()
    neighbour = place.root.parent / "p2"
    neighbour.mkdir()
    remove_workspace(place.root.parent, "p1")
    assert list(place.root.parent.iterdir()) == [neighbour]
    assert sorted(path.name for path in place.outside.rglob("*")) == ["folder", "secret", "secret"]


def test_removing_a_workspace_that_is_gone_is_harmless(tmp_path):
    remove_workspace(tmp_path, "gone")
    remove_workspace(tmp_path / "no-root", "gone")


def test_a_link_in_place_of_a_workspace_is_removed_and_its_target_kept(place):
    (place.root.parent / "linked").symlink_to(place.outside)
    remove_workspace(place.root.parent, "linked")
    assert not (place.root.parent / "linked").is_symlink()
    assert (place.outside / "secret").exists()


def test_locked_directories_are_unlocked_and_removed(bound_by_modes):
    project = bound_by_modes / "p1"
    (project / "a" / "b" / "c").mkdir(parents=True)
    for name in ("file", "a/file", "a/b/file", "a/b/c/file"):
        (project / name).write_text("x")
        (project / name).chmod(0)
    for name, mode in (("a/b/c", 0), ("a/b", 0o500), ("a", 0o200), (".", 0)):
        (project / name).chmod(mode)
    remove_workspace(bound_by_modes, "p1")
    assert list(bound_by_modes.iterdir()) == []


def test_unlocking_changes_nothing_behind_a_link(bound_by_modes):
    (bound_by_modes / "outside").mkdir(mode=0o500)
    (bound_by_modes / "p1").mkdir()
    (bound_by_modes / "p1" / "link").symlink_to(bound_by_modes / "outside")
    remove_workspace(bound_by_modes, "p1")
    assert (bound_by_modes / "outside").stat().st_mode & 0o777 == 0o500


def test_a_workspace_that_may_not_be_removed_is_an_error(bound_by_modes):
    (bound_by_modes / "p1").mkdir()
    bound_by_modes.chmod(0o500)
    with pytest.raises(WorkspaceError) as caught:
        remove_workspace(bound_by_modes, "p1")
    bound_by_modes.chmod(0o700)
    assert caught.value.reference == "workspace-unwritable"


def test_a_tree_deeper_than_recursion_descriptors_and_paths_reach_is_removed(scratch, make_chain):
    (scratch / "p1").mkdir()
    make_chain(scratch / "p1", name="d", levels=3000)
    make_chain(scratch / "p1", name="e", levels=50)
    remove_workspace(scratch, "p1")
    assert list(scratch.iterdir()) == []


def test_a_directory_that_fills_again_while_it_is_removed_is_emptied_again(tmp_path, monkeypatch):
    (tmp_path / "p1" / "a").mkdir(parents=True)
    refills = iter(range(3))
    original = removal._unlink_files

    def unlink_then_refill(fd):
        found = original(fd)
        if next(refills, None) is not None:
            (tmp_path / "p1" / "late").write_text("x")
        return found

    monkeypatch.setattr(removal, "_unlink_files", unlink_then_refill)
    remove_workspace(tmp_path, "p1")
    assert not (tmp_path / "p1").exists()


def test_a_directory_that_never_stops_filling_is_reported(tmp_path, monkeypatch):
    (tmp_path / "p1").mkdir()
    original = removal._unlink_files

    def unlink_then_refill(fd):
        found = original(fd)
        (tmp_path / "p1" / "late").write_text("x")
        return found

    monkeypatch.setattr(removal, "_unlink_files", unlink_then_refill)
    with pytest.raises(WorkspaceError) as caught:
        remove_workspace(tmp_path, "p1")
    assert caught.value.reference == "workspace-io-failed"


def test_a_cursor_whose_directory_was_moved_goes_back_by_names_and_not_to_the_new_parent(tmp_path):
    for name in ("a/b", "a/c", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    fd = os.open(tmp_path, os.O_RDONLY)
    with tree.TreeCursor(fd) as cursor:
        outer = cursor.enter(cursor.root, "a")
        cursor.enter(outer, "b")
        (tmp_path / "a" / "b").rename(tmp_path / "elsewhere" / "b")
        assert cursor.enter(outer, "c").names() == ["a", "c"]
        assert os.fstat(cursor.goto(outer)).st_ino == (tmp_path / "a").stat().st_ino
    os.close(fd)


def test_a_cursor_does_not_take_a_new_directory_of_the_same_name_for_the_old_one(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    fd = os.open(tmp_path, os.O_RDONLY)
    with tree.TreeCursor(fd) as cursor:
        outer = cursor.enter(cursor.root, "a")
        inner = cursor.enter(outer, "b")
        (tmp_path / "a").rename(tmp_path / "moved")
        (tmp_path / "a" / "b").mkdir(parents=True)
        cursor.goto(cursor.root)
        with pytest.raises(OSError, match="moved or replaced"):
            cursor.goto(inner)
    os.close(fd)
