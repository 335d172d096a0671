import errno
import os
import stat
from pathlib import Path

import pytest

from backend.workspace import writer
from backend.workspace.errors import ResultMissingError, ResultUnreadableError, WorkspaceError, fault_of
from worker.contract import WORKER_UID

PROJECT = "0192f0c1-2345-7abc-8def-0123456789ab"
DOCUMENTS = [(writer.write_request, "request.json"), (writer.write_result, "result.json")]
each_document = pytest.mark.parametrize(("write", "name"), DOCUMENTS)


@pytest.fixture
def workspace(tmp_path):
    return writer.create_workspace(tmp_path / "projects", PROJECT, writer.owner_for_worker())


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("request.json", "result.json", "secret"):
        (folder / name).write_text("untouched")
    yield folder
    assert {file.name: file.read_text() for file in folder.iterdir()} == dict.fromkeys(
        ("request.json", "result.json", "secret"), "untouched"
    )


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def owner_of(path: Path) -> writer.Owner:
    return writer.Owner(path.lstat().st_uid, path.lstat().st_gid)


def test_a_workspace_is_a_directory_of_the_worker_that_others_cannot_enter(tmp_path, monkeypatch):
    before = os.umask(0o077)
    try:
        workspace = writer.create_workspace(tmp_path / "some" / "where", PROJECT, writer.owner_for_worker())
    finally:
        os.umask(before)
    assert workspace == tmp_path / "some" / "where" / PROJECT
    assert mode_of(workspace) == 0o750
    assert owner_of(workspace) == writer.owner_for_worker()


def test_a_relative_root_gives_an_absolute_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = writer.create_workspace(Path("relative"), PROJECT, writer.owner_for_worker())
    assert workspace == tmp_path / "relative" / PROJECT


def test_creating_a_workspace_again_keeps_its_files(workspace):
    (workspace / "app.py").write_text("kept")
    workspace.chmod(0o700)
    assert writer.create_workspace(workspace.parent, PROJECT, writer.owner_for_worker()) == workspace
    assert (workspace / "app.py").read_text() == "kept"
    assert mode_of(workspace) == 0o750


def test_the_worker_owns_a_workspace_that_a_privileged_backend_made():
    owner = writer.owner_for_worker()
    assert owner == (
        writer.Owner(WORKER_UID, WORKER_UID) if os.geteuid() == 0 else writer.Owner(os.geteuid(), os.getegid())
    )


def test_a_backend_without_privileges_keeps_what_it_makes(bound_by_modes):
    owner = writer.owner_for_worker()
    assert owner == writer.Owner(os.geteuid(), os.getegid())
    workspace = writer.create_workspace(bound_by_modes, PROJECT, owner)
    writer.write_request(workspace, "text")
    assert {owner_of(path) for path in (workspace, *workspace.rglob("*"))} == {owner}


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc", "a\x00b", "-x", ".hidden", "x" * 129, "a\n"])
def test_a_project_id_that_is_no_plain_name_is_refused(tmp_path, name):
    for call in (
        lambda: writer.create_workspace(tmp_path, name, writer.owner_for_worker()),
        lambda: writer.remove_workspace(tmp_path, name),
    ):
        with pytest.raises(WorkspaceError) as caught:
            call()
        assert caught.value.reference == "workspace-bad-name"
    assert list(tmp_path.iterdir()) == []


def test_a_link_or_file_with_the_name_of_a_new_workspace_is_an_error(tmp_path, outside):
    (tmp_path / "linked").symlink_to(outside)
    (tmp_path / "file").write_text("x")
    for name in ("linked", "file", "file/below"):
        with pytest.raises(WorkspaceError) as caught:
            writer.create_workspace(tmp_path / Path(name).parent, Path(name).name, writer.owner_for_worker())
        assert caught.value.reference == "workspace-missing"
        assert caught.value.hint


@each_document
def test_a_document_is_new_whole_and_the_workers(workspace, write, name):
    write(workspace, "grüße\r\n")
    path = workspace / ".codex" / name
    assert path.read_bytes() == "grüße\r\n".encode()
    assert mode_of(path) == 0o644
    assert mode_of(workspace / ".codex") == 0o755
    assert owner_of(path) == owner_of(workspace / ".codex") == owner_of(workspace)
    first = path.stat().st_ino
    held = path.open("rb")
    write(workspace, "second")
    with held:
        assert held.read() == "grüße\r\n".encode()
    assert path.read_text() == "second"
    assert path.stat().st_ino != first
    assert [file.name for file in (workspace / ".codex").iterdir()] == [name]


@each_document
def test_a_document_replaces_a_link_and_never_writes_through_it(workspace, outside, *, write, name):
    (workspace / ".codex").mkdir()
    for target in (outside / "secret", Path("../../../outside/secret"), Path("../app.py"), Path("missing")):
        (workspace / ".codex" / name).unlink(missing_ok=True)
        (workspace / ".codex" / name).symlink_to(target)
        write(workspace, "mine")
        assert not (workspace / ".codex" / name).is_symlink()
        assert (workspace / ".codex" / name).read_text() == "mine"
    assert not (workspace / "app.py").exists()


@each_document
def test_a_document_replaces_a_hard_link_and_leaves_the_other_name_alone(workspace, write, name):
    (workspace / ".codex").mkdir()
    (workspace / "app.py").write_text("kept")
    (workspace / ".codex" / name).hardlink_to(workspace / "app.py")
    write(workspace, "mine")
    assert (workspace / "app.py").read_text() == "kept"


@each_document
def test_a_link_or_file_in_place_of_the_codex_directory_is_taken_away(workspace, outside, *, write, name):
    for plant in (
        lambda path: path.symlink_to(outside),
        lambda path: path.symlink_to("missing"),
        lambda path: path.write_text("file"),
        os.mkfifo,
    ):
        codex = workspace / ".codex"
        if codex.is_dir() and not codex.is_symlink():
            (codex / name).unlink(missing_ok=True)
            codex.rmdir()
        plant(codex)
        write(workspace, "mine")
        assert not codex.is_symlink()
        assert (codex / name).read_text() == "mine"


@each_document
def test_a_directory_or_fifo_with_a_documents_name_is_taken_away(workspace, write, name):
    path = workspace / ".codex" / name
    (path / "not" / "empty").mkdir(parents=True)
    write(workspace, "mine")
    assert path.read_text() == "mine"
    path.unlink()
    os.mkfifo(path)
    write(workspace, "mine")
    assert path.read_text() == "mine"


@each_document
def test_a_locked_codex_directory_is_unlocked(bound_by_modes, write, name):
    codex = bound_by_modes / ".codex"
    codex.mkdir()
    for mode in (0, 0o500, 0o100):
        codex.chmod(mode)
        write(bound_by_modes, "mine")
        assert (codex / name).read_text() == "mine"
        assert mode_of(codex) == 0o755


@each_document
def test_a_missing_workspace_is_named_as_such_and_not_made_again(tmp_path, outside, *, write, name):
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "gone", tmp_path / "link", tmp_path / "file"):
        with pytest.raises(WorkspaceError) as caught:
            write(path, "text")
        assert caught.value.reference == "workspace-missing"
        assert str(path) in str(caught.value)
        assert caught.value.hint
    assert not (tmp_path / "gone").exists()


@each_document
def test_an_unwritable_workspace_is_an_error_with_its_repair(bound_by_modes, write, name):
    for mode in (0o500, 0):
        bound_by_modes.chmod(mode)
        with pytest.raises(WorkspaceError) as caught:
            write(bound_by_modes, "text")
        bound_by_modes.chmod(0o700)
        assert caught.value.reference == "workspace-unwritable"
        assert "chmod u+rwx" in caught.value.hint


@each_document
def test_a_full_disk_is_named_and_leaves_the_old_document_and_no_half_one(workspace, monkeypatch, *, write, name):
    write(workspace, "old")

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError) as caught:
        write(workspace, "new")
    assert caught.value.reference == "disk-full"
    assert [(file.name, file.read_text()) for file in (workspace / ".codex").iterdir()] == [(name, "old")]


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EROFS, "workspace-unwritable"),
        (errno.EPERM, "workspace-unwritable"),
        (errno.ELOOP, "workspace-missing"),
        (errno.EIO, "workspace-io-failed"),
    ],
)
def test_every_refusal_of_the_system_has_a_reference_and_a_repair(number, reference):
    fault = fault_of(OSError(number, os.strerror(number)), Path("p1"))
    assert fault.reference == reference
    assert fault.hint


def test_a_result_is_read_as_it_was_left(workspace):
    writer.write_request(workspace, "{}")
    (workspace / ".codex" / "result.json").write_bytes(b"\xff any bytes")
    assert writer.take_result(workspace, 100) == b"\xff any bytes"
    assert writer.take_result(workspace, 11) == b"\xff any bytes"


def test_a_result_above_the_limit_is_oversized_even_if_it_grew_meanwhile(workspace, monkeypatch):
    writer.write_result(workspace, "x" * 11)
    with pytest.raises(ResultUnreadableError) as caught:
        writer.take_result(workspace, 10)
    assert caught.value.reference == "result-oversized"
    original, path = writer.pin, workspace / ".codex" / "result.json"

    def pin_then_grow(name, dir_fd=None):
        pinned = original(name, dir_fd)
        path.write_bytes(b"x" * 100)
        return pinned

    monkeypatch.setattr(writer, "pin", pin_then_grow)
    with pytest.raises(ResultUnreadableError):
        writer.take_result(workspace, 50)


def test_no_result_is_missing(workspace, tmp_path):
    for path in (tmp_path / "gone", workspace):
        with pytest.raises(ResultMissingError):
            writer.take_result(path, 10)
    writer.write_request(workspace, "{}")
    with pytest.raises(ResultMissingError):
        writer.take_result(workspace, 10)


@pytest.mark.parametrize(
    "plant",
    [
        lambda path: path.symlink_to("request.json"),
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.symlink_to("missing"),
        lambda path: path.mkdir(),
        os.mkfifo,
    ],
    ids=["link inside", "link outside", "dangling link", "directory", "fifo"],
)
def test_a_result_that_is_no_regular_file_is_not_read(workspace, plant):
    writer.write_request(workspace, "{}")
    plant(workspace / ".codex" / "result.json")
    with pytest.raises(ResultUnreadableError) as caught:
        writer.take_result(workspace, 10_000)
    assert caught.value.reference == "result-not-regular"
    writer.clear_result(workspace)
    with pytest.raises(ResultMissingError):
        writer.take_result(workspace, 10_000)


def test_a_result_behind_a_linked_codex_directory_is_not_read(workspace, outside):
    (workspace / ".codex").symlink_to(outside)
    with pytest.raises(ResultUnreadableError) as caught:
        writer.take_result(workspace, 10_000)
    assert caught.value.reference == "result-not-regular"


def test_a_result_that_may_not_be_read_is_unreadable(bound_by_modes):
    writer.write_result(bound_by_modes, "{}")
    (bound_by_modes / ".codex" / "result.json").chmod(0)
    with pytest.raises(ResultUnreadableError) as caught:
        writer.take_result(bound_by_modes, 10)
    assert caught.value.reference == "result-unreadable"


def test_clearing_a_result_removes_only_the_name_and_only_that(workspace, outside):
    writer.write_request(workspace, "{}")
    (workspace / ".codex" / "result.json").symlink_to(outside / "result.json")
    writer.clear_result(workspace)
    writer.clear_result(workspace)
    assert [file.name for file in (workspace / ".codex").iterdir()] == ["request.json"]


def test_clearing_the_result_of_a_missing_workspace_is_an_error(tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        writer.clear_result(tmp_path / "gone")
    assert caught.value.reference == "workspace-missing"


def test_headroom_tells_what_is_free_for_everyone(tmp_path):
    free_bytes, free_inodes = writer.disk_headroom(tmp_path)
    assert free_bytes % 512 == 0
    assert free_bytes > 0
    assert free_inodes > 0


def test_a_file_system_without_fixed_inodes_counts_as_one_with_very_many():
    # procfs reports no inodes at all, as btrfs does, and no free bytes either.
    assert writer.disk_headroom(Path("/proc")).free_inodes > 2**60


def test_headroom_of_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        writer.disk_headroom(tmp_path / "gone")
    assert caught.value.reference == "workspace-missing"
