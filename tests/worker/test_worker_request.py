"""A request that cannot be believed gives an error result and touches no project file (F29)."""

import json
import os
import stat

import pytest
from worker_bench import JOB_ID, PROJECT_ID, TRACE

from worker.contract import MAX_REQUEST_BYTES, ExitCode
from worker.job import perform
from worker.stop import StopSignal


def assert_refused(bench, reference, **environ):
    before = bench.files()
    ran = bench.perform(**environ)
    assert ran.code == ExitCode.OK
    assert (ran.result["status"], ran.result["errors"]) == ("error", ["request_invalid"])
    assert ran.lists == {"created": [], "modified": [], "deleted": []}
    assert f"request_invalid={reference}" in ran.result["logs"]
    assert bench.files() == before
    return ran


def whole(bench, **changes):
    return json.dumps(bench.request("Print the first 15 numbers", **changes)).encode()


def test_f29_a_missing_request_is_refused_and_no_request_is_invented(project):
    project.request_path.unlink()
    assert_refused(project, "request-missing")
    assert not project.request_path.exists()


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_f29_a_truncated_request_is_refused(project, cut):
    project.request_path.write_bytes(whole(project)[:-cut])
    assert_refused(project, "request-not-json")


@pytest.mark.parametrize("data", [b"", b"[1]", b'"x"', b"\xff\xfe{}", b"{} {}"])
def test_f29_a_corrupt_request_is_refused(project, data):
    project.request_path.write_bytes(data)
    assert_refused(project, "request-not-json")


def test_an_oversized_request_is_refused_without_being_read_whole(project):
    project.request_path.write_bytes(whole(project) + b" " * MAX_REQUEST_BYTES)
    assert_refused(project, "request-oversized")


def test_a_request_for_another_job_is_refused(project):
    project.request_path.write_bytes(whole(project, job_id="another"))
    ran = assert_refused(project, "request-wrong-job")
    assert ran.result["job_id"] == JOB_ID


def test_a_request_for_another_project_is_refused(project):
    project.request_path.write_bytes(whole(project, project_id="another"))
    assert assert_refused(project, "request-wrong-project").result["project_id"] == PROJECT_ID


@pytest.mark.parametrize("deadline", ["soon", "2025-11-14T17:24:05"])
def test_a_request_without_a_usable_deadline_is_refused(project, deadline):
    project.request_path.write_bytes(whole(project, deadline_at=deadline))
    assert_refused(project, "request-bad-field")


def test_a_request_that_is_a_link_is_refused_even_when_it_leads_to_a_good_one(project, tmp_path):
    good = tmp_path / "good.json"
    good.write_bytes(whole(project))
    project.request_path.unlink()
    project.request_path.symlink_to(good)
    assert_refused(project, "request-not-regular")


def test_a_request_that_is_a_fifo_does_not_block_the_worker(project):
    project.request_path.unlink()
    os.mkfifo(project.request_path)
    assert_refused(project, "request-not-regular")


def test_a_request_that_is_a_directory_is_refused(project):
    project.request_path.unlink()
    project.request_path.mkdir()
    assert_refused(project, "request-not-regular")


def test_a_request_that_may_not_be_read_is_refused(project, monkeypatch):
    real = os.open

    def refusing(path, flags, mode=0o777, *, dir_fd=None):
        if path == "request.json":
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    assert_refused(project, "request-unreadable")


def test_a_refused_request_is_answered_under_the_ids_that_the_launcher_named(project):
    project.request_path.unlink()
    result = project.perform(TRACEPARENT=f"00-{TRACE}-00000000000000aa-01", WORKER_ENGINE="codex").result
    assert (result["engine"], result["trace_id"]) == ("codex", "0192f0c1-c0de-7000-8000-00000000000c")
    assert result["logs"][3:5] == ["job_type=unknown", "engine=codex"]


def test_a_refused_request_of_a_dummy_has_no_presence_lines(project):
    project.request_path.unlink()
    logs = project.perform(WORKER_ENGINE="dummy").result["logs"]
    assert logs[:3] == ["Dummy worker used instead of the live worker.", "job_type=unknown", "engine=dummy"]


def test_ids_that_nobody_named_are_unknown(bench):
    del bench.environ["JOB_ID"], bench.environ["PROJECT_ID"]
    assert perform(bench.environ, stop=StopSignal(), write=[].append) == ExitCode.OK
    result = json.loads(bench.result_path.read_bytes())
    assert (result["job_id"], result["project_id"]) == ("unknown", "unknown")


def test_a_request_is_believed_when_the_launcher_named_nobody(bench):
    bench.environ |= {"JOB_ID": " ", "PROJECT_ID": ""}
    assert bench.create().result["status"] == "success"


def exit_code(environ):
    lines = []
    return perform(environ, stop=StopSignal(), write=lines.append), "\n".join(lines)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_worker_without_a_workspace_says_what_to_set(value):
    code, said = exit_code({} if value is None else {"WORKSPACE_DIR": value})
    assert code == ExitCode.USAGE
    assert "WORKSPACE_DIR" in said


def test_a_workspace_that_does_not_exist_is_unusable(tmp_path):
    assert exit_code({"WORKSPACE_DIR": str(tmp_path / "gone")})[0] == ExitCode.WORKSPACE_UNUSABLE


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_a_workspace_that_is_a_link_is_unusable(project, tmp_path, slashes):
    (tmp_path / "link").symlink_to(project.path)
    assert exit_code({"WORKSPACE_DIR": f"{tmp_path}/link{slashes}"})[0] == ExitCode.WORKSPACE_UNUSABLE


def test_a_codex_directory_that_is_a_link_is_unusable_and_nothing_is_written_through_it(project, tmp_path):
    outside = tmp_path / "outside"
    (project.path / ".codex").rename(outside)
    (outside / "result.json").unlink()
    earlier = (outside / "trace.jsonl").read_bytes()
    (project.path / ".codex").symlink_to(outside)
    code, said = exit_code(project.environ)
    assert code == ExitCode.WORKSPACE_UNUSABLE
    assert "workspace-unusable" in said
    assert sorted(path.name for path in outside.iterdir()) == ["request.json", "trace.jsonl"]
    assert (outside / "trace.jsonl").read_bytes() == earlier


def test_a_missing_codex_directory_is_made_with_the_permissions_of_the_workspace(bench):
    (bench.path / ".codex").rmdir()
    bench.path.chmod(0o2770)
    umask = os.umask(0)
    try:
        assert bench.perform().result["errors"] == ["request_invalid"]
    finally:
        os.umask(umask)
    assert stat.S_IMODE((bench.path / ".codex").stat().st_mode) == 0o2770


def test_a_result_that_cannot_be_put_in_its_place_has_an_exit_code_of_its_own(bench):
    bench.ask("Say hello.")
    bench.result_path.mkdir()
    code, said = exit_code(bench.environ)
    assert code == ExitCode.RESULT_UNWRITABLE
    assert "result-unwritable: EISDIR" in said
    assert bench.codex_names() == ["request.json", "result.json", "trace.jsonl"]
