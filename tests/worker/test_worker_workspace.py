"""Nothing is read or written through a link (F20), and no reader ever sees half a file (F33)."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from worker_bench import PROJECT_ID

from worker.contract import parse_result
from worker.workspace import MissingFileError, UnsafePathError, Workspace


@pytest.fixture
def workspace(bench):
    umask = os.umask(0)
    with Workspace.open(str(bench.path)) as opened:
        yield opened
    os.umask(umask)


def test_f20_a_result_that_is_a_link_is_replaced_and_its_target_untouched(project, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text("theirs")
    project.result_path.unlink()
    project.result_path.symlink_to(outside)
    assert project.edit("Say hello.").result["status"] == "success"
    assert not project.result_path.is_symlink()
    assert outside.read_text() == "theirs"


def test_f20_a_request_that_is_a_link_outside_is_not_read(project, tmp_path):
    outside = tmp_path / "request.json"
    outside.write_text(json.dumps(project.request("Print the first 15 numbers.")))
    project.request_path.unlink()
    project.request_path.symlink_to(outside)
    assert project.perform().result["errors"] == ["request_invalid"]
    assert len(project.printed()) == 10


def test_f20_a_project_file_that_is_a_link_outside_is_neither_read_nor_written(project, tmp_path):
    outside = tmp_path / "app.py"
    outside.write_text("N = 10\n")
    (project.path / "app.py").unlink()
    (project.path / "app.py").symlink_to(outside)
    assert project.edit("Print the first 15 numbers.").result["errors"] == ["unsupported_layout:app.py"]
    assert outside.read_text() == "N = 10\n"


def test_f20_a_link_that_appears_between_check_and_write_is_replaced_not_followed(
    bench, workspace, *, tmp_path, monkeypatch
):
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    rename = os.rename

    def late(*names, **within):
        (bench.path / "app.py").symlink_to(outside)
        rename(*names, **within)

    monkeypatch.setattr(os, "rename", late)
    workspace.write("app.py", b"ours")
    assert (bench.path / "app.py").read_bytes() == b"ours"
    assert outside.read_text() == "theirs"


def test_a_directory_that_is_a_link_is_not_entered(bench, workspace, tmp_path):
    (bench.path / "docs").symlink_to(tmp_path)
    for use in (
        lambda: workspace.write("docs/a", b""),
        lambda: workspace.exists("docs/a"),
        lambda: read(workspace, "docs/a"),
    ):
        with pytest.raises(UnsafePathError):
            use()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def read(workspace, path, max_bytes=100):
    return workspace.read(path, max_bytes=max_bytes)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "./a", "a//b", ""])
def test_a_path_that_could_lead_out_is_refused(workspace, path):
    for use in (lambda: workspace.write(path, b""), lambda: workspace.exists(path), lambda: read(workspace, path)):
        with pytest.raises(UnsafePathError):
            use()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("app.py")])
def test_what_is_no_regular_file_is_neither_read_nor_replaced(bench, workspace, make):
    make(bench.path / "odd")
    with pytest.raises(UnsafePathError):
        read(workspace, "odd")
    with pytest.raises(UnsafePathError):
        workspace.write("odd", b"")
    assert not (bench.path / "odd").is_file() or (bench.path / "odd").is_symlink()
    assert bench.codex_names() == []


def test_a_missing_file_or_directory_is_missing(workspace):
    for path in ("gone", "gone/too"):
        assert not workspace.exists(path)
        with pytest.raises(MissingFileError):
            read(workspace, path)


def test_a_dangling_link_exists(bench, workspace):
    (bench.path / "odd").symlink_to("nowhere")
    assert workspace.exists("odd")


def test_a_long_file_is_read_only_as_far_as_shows_that_it_is_too_long(bench, workspace):
    (bench.path / "long").write_bytes(b"x" * 1000)
    assert len(read(workspace, "long", max_bytes=100)) == 101


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o444])
def test_a_file_keeps_its_mode_when_it_is_replaced(bench, workspace, mode):
    (bench.path / "tool").write_text("old")
    (bench.path / "tool").chmod(mode)
    workspace.write("tool", b"new")
    assert stat.S_IMODE((bench.path / "tool").stat().st_mode) == mode
    assert (bench.path / "tool").read_bytes() == b"new"


def test_a_new_file_and_its_directories_may_be_removed_by_who_may_write_the_workspace(bench, workspace):
    bench.path.chmod(0o2777)
    workspace.write("a/b/c", b"")
    assert stat.S_IMODE((bench.path / "a" / "b").stat().st_mode) == 0o2777
    assert stat.S_IMODE((bench.path / "a" / "b" / "c").stat().st_mode) == 0o644


def test_a_hard_link_is_cut_and_not_written_through(bench, workspace, tmp_path):
    (tmp_path / "other").write_text("theirs")
    (bench.path / "app.py").hardlink_to(tmp_path / "other")
    workspace.write("app.py", b"ours")
    assert (tmp_path / "other").read_text() == "theirs"


@pytest.mark.parametrize("call", ["fchmod", "fsync", "rename"])
def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_one(bench, workspace, *, monkeypatch, call):
    (bench.path / "app.py").write_text("old")
    bench.result_path.write_text("old")

    def failing(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(OSError, match="No space"):
        workspace.write_result(b"new")
    if call != "fsync":
        with pytest.raises(OSError, match="No space"):
            workspace.write("app.py", b"new")
        assert (bench.path / "app.py").read_text() == "old"
    assert bench.result_path.read_text() == "old"
    assert bench.codex_names() == ["result.json"]


def test_a_result_is_flushed_before_and_after_it_gets_its_name(workspace, monkeypatch):
    calls = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, _name=name, _real=real, **k: calls.append(_name) or _real(*a, **k))
    workspace.write_result(b"{}")
    assert calls == ["fsync", "rename", "fsync"]


def test_what_a_killed_attempt_left_half_written_is_removed(project):
    for name in (".result.json.0123", ".write.0123"):
        (project.path / ".codex" / name).write_text("half")
    (project.path / ".codex" / "notes").write_text("kept")
    project.edit("Say hello.")
    assert project.codex_names() == ["notes", "request.json", "result.json", "trace.jsonl"]


def test_a_workspace_that_cannot_be_used_is_closed_again(tmp_path):
    (tmp_path / ".codex").write_text("")
    before = open_descriptors()
    with pytest.raises(UnsafePathError):
        Workspace.open(str(tmp_path))
    assert open_descriptors() == before


def test_using_a_workspace_leaves_no_descriptor_open(bench, workspace):
    before = open_descriptors()
    workspace.write("a/b", b"1")
    read(workspace, "a/b")
    workspace.exists("a/c")
    os.mkfifo(bench.path / "fifo")
    for path in ("a", "fifo", "a/b/c"):
        with pytest.raises(UnsafePathError):
            read(workspace, path)
    assert open_descriptors() == before


def test_f33_a_reader_at_full_speed_never_sees_half_a_file(bench, workspace):
    bench.ask("Say hello.", job_type="initial_project")
    documents = [json.dumps(bench.perform().result | {"logs": ["x" * length]}).encode() for length in (1, 20_000)]
    programs = [b"N = 1\n", b"N = 1\n" + b"# more\n" * 3_000]
    workspace.write("app.py", programs[0])
    ended, seen, torn = threading.Event(), set(), []

    def watch():
        while not ended.is_set():
            data = bench.result_path.read_bytes()
            try:
                parse_result(data, project_id=PROJECT_ID, job_id=bench.environ["JOB_ID"], max_bytes=100_000)
            except ValueError as error:
                torn.append(error)
            program = (bench.path / "app.py").read_bytes()
            torn.extend([program] if program not in programs else [])
            seen.update({len(data), len(program)})

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for turn in range(1000):
            workspace.write_result(documents[turn % 2])
            workspace.write("app.py", programs[turn % 2])
    finally:
        ended.set()
        reader.join()
    assert torn == []
    assert len(seen) >= 4, "the reader has to have seen both forms of both files"
