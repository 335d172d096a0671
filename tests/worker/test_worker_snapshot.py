"""File lists come from what lies on disk, and from nothing else."""

import os

import pytest

from worker import snapshot
from worker.snapshot import Bounds, Changes, compare, take
from worker.workspace import Workspace


@pytest.fixture
def workspace(bench):
    with Workspace.open(str(bench.path)) as opened:
        yield opened


def changes(workspace, act):
    before = take(workspace)
    act()
    return compare(before, take(workspace))


def test_a_new_a_changed_and_a_removed_file_are_told_apart(bench, workspace):
    for name in ("b", "c", "d/e"):
        (bench.path / name).parent.mkdir(exist_ok=True)
        (bench.path / name).write_text(name)

    def act():
        (bench.path / "a").write_text("")
        (bench.path / "b").write_text("B")
        (bench.path / "d" / "e").rename(bench.path / "d" / "f")

    assert changes(workspace, act) == Changes(created=("a", "d/f"), modified=("b",), deleted=("d/e",))


def test_an_edit_of_equal_length_at_the_same_time_is_seen(bench, workspace):
    path = bench.path / "a"
    path.write_text("1")
    times = path.stat()

    def act():
        path.write_text("2")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert changes(workspace, act).modified == ("a",)


def test_a_file_that_is_only_touched_is_not_modified(bench, workspace):
    (bench.path / "a").write_text("1")
    assert changes(workspace, lambda: os.utime(bench.path / "a", (0, 0))) == Changes()


def test_a_change_of_mode_is_a_modification(bench, workspace):
    (bench.path / "a").write_text("1")
    assert changes(workspace, lambda: (bench.path / "a").chmod(0o755)).modified == ("a",)


def test_a_link_counts_by_its_target_and_is_not_followed(bench, workspace, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("")
    (bench.path / "link").symlink_to("one")

    def act():
        (bench.path / "link").unlink()
        (bench.path / "link").symlink_to("two")
        (bench.path / "out").symlink_to(tmp_path / "elsewhere")

    assert changes(workspace, act) == Changes(created=("out",), modified=("link",))


def test_a_file_that_becomes_a_link_to_the_same_text_is_modified(bench, workspace):
    (bench.path / "a").write_text("1")
    (bench.path / "b").write_text("1")

    def act():
        (bench.path / "a").unlink()
        (bench.path / "a").symlink_to("b")

    assert changes(workspace, act).modified == ("a",)


def test_our_own_directory_caches_and_special_files_are_left_out(bench, workspace):
    def act():
        for name in (".codex", "__pycache__", "src/__pycache__", ".pytest_cache", "src/.codex"):
            (bench.path / name).mkdir(parents=True, exist_ok=True)
            (bench.path / name / "file").write_text("")
        os.mkfifo(bench.path / "fifo")

    assert changes(workspace, act) == Changes(created=("src/.codex/file",))


def test_the_log_says_what_the_lists_leave_out(bench):
    logs = bench.create().result["logs"]
    assert logs[5] == f"lists_leave_out={','.join(snapshot.LEFT_OUT)}"
    assert ".codex" in logs[5]
    assert "__pycache__" in logs[5]


def test_a_name_that_is_not_utf8_is_counted_and_not_listed(project):
    (project.path / os.fsdecode(b"caf\xe9")).write_text("")
    (project.path / os.fsdecode(b"dir\xff")).mkdir()
    (project.path / os.fsdecode(b"dir\xff") / "inside").write_text("")
    ran = project.edit("Say hello.")
    assert ran.lists["modified"] == ["app.py"]
    assert "unlisted_names=2" in ran.result["logs"]


def test_names_that_are_odd_but_utf8_are_listed_and_sorted(bench, workspace):
    names = ["a\nb", "ä", "z", "\U0001f600", "a b"]
    assert changes(workspace, lambda: [(bench.path / name).write_text("") for name in names]).created == tuple(
        sorted(names)
    )


@pytest.mark.parametrize(
    "bounds", [Bounds(entries=3), Bounds(total_bytes=5), Bounds(depth=1)], ids=["entries", "bytes", "depth"]
)
def test_a_look_that_reaches_a_bound_is_incomplete_and_calls_nothing_deleted(bench, workspace, bounds):
    (bench.path / "a" / "b" / "c").mkdir(parents=True)
    for name in ("1", "2", "3", "a/4", "a/b/5", "a/b/c/6"):
        (bench.path / name).write_text("xx")
    whole = take(workspace)
    assert whole.complete
    partial = take(workspace, bounds)
    assert not partial.complete
    assert len(partial.entries) < len(whole.entries) or bounds.total_bytes == 5
    assert compare(whole, partial).deleted == ()


def test_a_workspace_that_fits_its_bounds_exactly_is_complete(bench, workspace):
    (bench.path / "a").write_text("12345")
    assert take(workspace, Bounds(entries=2, total_bytes=5, depth=0)).complete


@pytest.mark.parametrize("bound", ["MAX_ENTRIES", "MAX_TOTAL_BYTES"])
def test_a_workspace_that_is_too_large_is_not_worked_on(project, monkeypatch, bound):
    before = project.files()
    small = Bounds(**{bound.removeprefix("MAX_").lower(): 2})
    monkeypatch.setattr(snapshot, "Bounds", lambda: small)
    ran = project.edit("Say hello.")
    assert (ran.result["status"], ran.result["errors"]) == ("error", ["workspace_too_large"])
    assert project.files() == before


def test_an_engine_that_outgrows_the_bounds_is_told_so_and_what_was_seen_is_listed(bench, monkeypatch):
    monkeypatch.setattr(snapshot, "Bounds", lambda: Bounds(entries=3))
    ran = bench.create()
    assert ran.result["errors"] == ["workspace_too_large"]
    assert any("incomplete" in line for line in ran.result["logs"])
    # The bound counts .codex too; tests/ is the entry that goes beyond it.
    assert ran.lists == {"created": ["README.md", "app.py"], "modified": [], "deleted": []}


def test_a_file_that_may_not_be_read_is_counted_and_judged_by_its_inode(bench, workspace, monkeypatch):
    (bench.path / "secret").write_text("1")
    real = os.open

    def refusing(path, flags, mode=0o777, *, dir_fd=None):
        if path == "secret":
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    before = take(workspace)
    assert before.unreadable == 1
    assert compare(before, take(workspace)) == Changes()
    (bench.path / "secret").write_text("12")
    assert compare(before, take(workspace)).modified == ("secret",)


def test_a_directory_that_vanishes_while_we_look_is_counted(bench, workspace, monkeypatch):
    (bench.path / "gone").mkdir()
    real = os.open

    def vanishing(path, flags, mode=0o777, *, dir_fd=None):
        if path == "gone":
            raise FileNotFoundError(2, "No such file or directory")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", vanishing)
    assert take(workspace).unreadable == 1
