"""A worker that changes its workspace while the backend reads: once at every possible step, and at full speed."""

import itertools
import os
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from backend.workspace import paths
from backend.workspace.errors import FileMissingError, FileTooLargeError, InvalidPathError, WorkspaceError
from backend.workspace.files import list_files, read_file
from backend.workspace.writer import remove_workspace, take_result, write_request, write_result

SECRET = "outside: never to be read"
READS = 400


def swap(one: Path, other: Path) -> None:
    """Exchange two names, with a moment in which the first one is missing."""
    spare = one.with_name(one.name + ".spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


@pytest.fixture
def contested(tmp_path):
    """For every name that is asked for, an inside and an outside meaning that a swap exchanges."""
    root, outside = tmp_path / "projects" / "p1", tmp_path / "outside"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "elsewhere").mkdir()
    outside.mkdir()
    for name in ("app.py", "sub/secret", "sub/deep/secret", "top"):
        (root / name).write_text("inside")
    for planted in (outside / "secret", tmp_path / "projects" / "top", tmp_path / "top"):
        planted.write_text(SECRET)
    (outside / "deep").mkdir()
    (outside / "deep" / "secret").write_text(SECRET)
    (root / "to-app").symlink_to("app.py")
    (root / "to-sub").symlink_to(root / "sub")
    (root / "evil-file").symlink_to(outside / "secret")
    (root / "evil-folder").symlink_to("../../outside")
    os.mkfifo(root / "evil-fifo")
    return root


SWAPS = {
    "a file becomes a link out": ("app.py", "evil-file"),
    "a file becomes a FIFO": ("app.py", "evil-fifo"),
    "a file becomes a directory": ("app.py", "elsewhere"),
    "a directory becomes a link out": ("sub", "evil-folder"),
    "a link inside becomes a link out": ("to-app", "evil-file"),
    "a linked directory becomes a link out": ("to-sub", "evil-folder"),
    "an inner directory becomes a link out": ("sub/deep", "evil-folder"),
    "a directory moves up": ("sub/deep", "elsewhere"),
}
ASKED = (
    "app.py",
    "to-app",
    "sub/secret",
    "to-sub/secret",
    "sub/deep/../secret",
    "sub/deep/../../top",
    "sub/deep/secret",
    "to-sub/deep/../../top",
)


def read_or_refuse(root: Path, path: str) -> str | None:
    try:
        return read_file(root, path, max_bytes=1000).contents
    except (InvalidPathError, FileMissingError):
        return None


class ChangeAt:
    """Stands in for ``pin``; makes one change right after the call with the given number."""

    def __init__(self, step, change):
        self.original, self.step, self.change, self.calls = paths.pin, step, change, 0

    def __call__(self, name, dir_fd=None):
        pinned = self.original(name, dir_fd)
        if self.calls == self.step:
            self.change()
        self.calls += 1
        return pinned


@pytest.mark.parametrize("swapped", SWAPS.values(), ids=SWAPS.keys())
@pytest.mark.parametrize("path", ASKED)
def test_a_change_at_any_step_of_a_read_never_shows_what_is_outside(contested, monkeypatch, *, swapped, path):
    one, other = (contested / name for name in swapped)
    # Each step starts from the tree that the one before left, so both directions of a swap are tried.
    for step in range(20):
        changing_pin = ChangeAt(step // 2, lambda: swap(one, other))
        with monkeypatch.context() as patched:
            patched.setattr(paths, "pin", changing_pin)
            assert read_or_refuse(contested, path) in {"inside", None}
        assert changing_pin.calls > 0


def test_a_directory_that_became_a_link_is_not_what_the_way_back_leads_to(contested, monkeypatch):
    changing_pin = ChangeAt(1, lambda: swap(contested / "sub", contested / "evil-folder"))
    monkeypatch.setattr(paths, "pin", changing_pin)
    root_fd = os.open(contested, os.O_RDONLY)
    try:
        with pytest.raises(FileMissingError, match="replaced"):
            paths.resolve(root_fd, "sub/deep/..")
    finally:
        os.close(root_fd)


@contextmanager
def changing(change):
    """Repeat a change in a thread at full speed; yields the list that counts its rounds."""
    stop, rounds, before = threading.Event(), [], sys.getswitchinterval()

    def repeat():
        while not stop.is_set():
            change()
            rounds.append(None)

    thread = threading.Thread(target=repeat)
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)


@pytest.mark.parametrize("swapped", SWAPS.values(), ids=SWAPS.keys())
def test_changes_at_full_speed_never_show_what_is_outside(contested, swapped):
    one, other = (contested / name for name in swapped)
    with changing(lambda: swap(one, other)) as rounds:
        seen = {read_or_refuse(contested, path) for _ in range(READS) for path in ASKED}
        listings = {entry.path for _ in range(READS // 4) for entry in list_files(contested)}
    assert rounds
    assert seen <= {"inside", None}
    assert "inside" in seen
    assert {Path(path).name for path in listings} <= {
        "app.py",
        "secret",
        "top",
        "to-app",
        "elsewhere",
        "evil-file",
        "evil-fifo",
    } | {f"{name}.spare" for name in ("app.py", "to-app")}


def test_a_listing_never_enters_a_directory_that_became_a_link_out(contested):
    (contested.parent.parent / "outside" / "only-outside").write_text(SECRET)
    one, other = contested / "sub", contested / "evil-folder"
    with changing(lambda: swap(one, other)) as rounds:
        listed = {Path(entry.path).name for _ in range(READS) for entry in list_files(contested)}
    assert rounds
    assert "secret" in listed
    assert "only-outside" not in listed


def test_a_file_that_grows_and_shrinks_is_read_up_to_the_limit_and_not_further(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")

    def grow_and_shrink():
        file.write_bytes(b"x" * 300_000)
        os.truncate(file, 10)

    with changing(grow_and_shrink) as rounds:
        for _ in range(READS):
            try:
                assert len(read_file(tmp_path, "file", max_bytes=200_000).data) <= 200_000
            except FileTooLargeError:
                continue
    assert rounds


def test_a_file_that_grew_after_its_size_was_taken_is_too_large(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x" * 10)
    original = paths.pin

    def pin_then_grow(name, dir_fd=None):
        pinned = original(name, dir_fd)
        (tmp_path / "file").write_bytes(b"x" * 11)
        return pinned

    monkeypatch.setattr(paths, "pin", pin_then_grow)
    with pytest.raises(FileTooLargeError):
        read_file(tmp_path, "file", max_bytes=10)


def test_a_file_that_shrank_after_its_size_was_taken_is_read_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x" * 10)
    original = paths.pin

    def pin_then_shrink(name, dir_fd=None):
        pinned = original(name, dir_fd)
        os.truncate(tmp_path / "file", 3)
        return pinned

    monkeypatch.setattr(paths, "pin", pin_then_shrink)
    assert read_file(tmp_path, "file", max_bytes=10).data == b"xxx"


def test_documents_are_never_written_through_a_link_that_is_planted_meanwhile(contested):
    outside = contested.parent.parent / "outside"
    before = sorted(outside.rglob("*"))
    aside = (contested / f"aside{number}" for number in itertools.count())

    def plant():
        with suppress(OSError):
            (contested / ".codex").rename(next(aside))
        with suppress(OSError):
            (contested / ".codex").symlink_to(outside)

    with changing(plant) as rounds:
        for _ in range(READS // 4):
            with suppress(WorkspaceError):
                write_request(contested, "request")
    assert rounds
    assert sorted(outside.rglob("*")) == before
    assert (outside / "secret").read_text() == SECRET


def test_a_reader_at_full_speed_never_sees_half_a_result(tmp_path):
    (tmp_path / ".codex").mkdir()
    documents = {f'{{"n": {number}, "fill": "{"x" * number * 997}"}}' for number in range(20)}
    write_result(tmp_path, min(documents))
    with changing(lambda: [write_result(tmp_path, document) for document in documents]) as rounds:
        seen = {take_result(tmp_path, 1_000_000).decode() for _ in range(2000)}
    assert rounds
    assert seen <= documents


def test_a_tree_that_is_still_being_written_is_removed_or_reported_and_never_left_by_a_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    project = tmp_path / "p1"

    def write():
        with suppress(OSError):
            (project / "a" / "b").mkdir(parents=True, exist_ok=True)
            (project / "a" / "link").symlink_to(outside)
            swap(project / "a" / "b", project / "a" / "link")

    with changing(write) as rounds:
        for _ in range(READS // 4):
            with suppress(WorkspaceError):
                remove_workspace(tmp_path, "p1")
    assert rounds
    remove_workspace(tmp_path, "p1")
    assert not project.exists()
    assert (outside / "kept").read_text() == "kept"
