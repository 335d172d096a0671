"""Every way a job can end, from the queue to the kept copies (backend-contract §2.4; F01, F02, F15)."""

import json
from datetime import datetime

import pytest
from support.fake_worker import another_jobs, document, failing, half_json

from backend.launchers.base import EngineUnavailableError, LaunchRefusedError
from worker.contract import RESULT_PATH, JobStatus

MAKE = "Make a program."

LEFT_BY_WORKER = {
    "oom": ({"exit_code": 137, "oom_killed": True, "leaves": None}, "memory"),
    "crashed": ({"exit_code": 3, "leaves": None}, "exit code 3"),
    "lost": ({"vanishes": True}, "vanished"),
    "result_missing": ({"leaves": None}, "no result"),
    "result_invalid": ({"leaves": half_json}, "result-not-json"),
}


def assert_written_by_the_backend(bench, job, kind):
    """The backend's own document: in the database, in the workspace and among the copies, byte for byte the same."""
    result = bench.result(job)
    assert (result["written_by"], result["status"], result["errors"]) == ("backend", "error", [kind])
    assert (result["job_id"], result["project_id"], result["trace_id"]) == (job.id, job.project_id, job.trace_id)
    assert result["created_files"] == result["modified_files"] == result["deleted_files"] == []
    assert result["summary"] == job.summary != ""
    assert '"logs": [' in job.result
    assert job.result.endswith("}\n")
    assert bench.copies.read(bench.copies.result_path(job.project_id, job.id)) == job.result


@pytest.mark.parametrize("kind", LEFT_BY_WORKER)
def test_a_worker_that_ends_badly_leaves_a_readable_end(bench, kind):
    behaviour, words = LEFT_BY_WORKER[kind]
    bench.engine.tell(MAKE, **behaviour)
    job = bench.finished()
    assert (job.status, job.failure_kind) == (JobStatus.ERROR, kind)
    assert words in job.summary
    assert_written_by_the_backend(bench, job, kind)
    assert bench.workspace_result(job) == job.result.encode()
    assert bench.log_of(job) == ("" if kind == "lost" else "worker: done\n")
    bench.engine.wait_until(lambda: not bench.engine.workers)


def test_a_failure_kind_is_counted_once(bench):
    bench.engine.tell(MAKE, exit_code=3)
    bench.finished()
    assert 'job_failures_total{failure_kind="crashed"} 1.0' in bench.metrics.render(queued=0, running=0).decode()


def test_a_valid_result_with_status_error_is_the_workers_own_failure(bench):
    bench.engine.tell(MAKE, leaves=failing)
    job = bench.finished()
    assert (job.status, job.failure_kind) == (JobStatus.ERROR, None)
    assert job.summary == "It failed as it was told to."
    assert bench.result(job)["written_by"] == "worker"
    assert bench.left_of(job) == ""


def test_a_valid_result_is_kept_byte_for_byte(bench):
    made = []
    bench.engine.tell(MAKE, leaves=lambda request: made.append(document(request, extra=[1, "ü"])) or made[0])
    job = bench.finished()
    assert (job.status, job.failure_kind) == (JobStatus.COMPLETED, None)
    assert job.result.encode() == bench.workspace_result(job) == made[0]
    assert bench.copies.read(bench.copies.result_path(job.project_id, job.id)).encode() == made[0]


@pytest.mark.parametrize(
    ("leaves", "reference"),
    [
        (another_jobs, "result-wrong-job"),
        (lambda request: document(request, project_id="another"), "result-wrong-project"),
        (lambda request: document(request, contract_version=2), "result-wrong-version"),
        (lambda request: document(request, contents="…"), "result-has-contents"),
        (lambda request: document(request, summary=""), "result-bad-field"),
        (lambda request: document(request, extra="x" * 2**20), "result-oversized"),
        (lambda request: b"[" * 500 + b"]" * 500, "result-not-json"),
        (
            lambda request: document(request, extra="TOWER").replace(b'"TOWER"', b"[" * 200 + b"]" * 200),
            "result-not-json",
        ),
        (lambda request: document(request, extra="BIG").replace(b'"BIG"', b"1e999"), "result-not-json"),
        (lambda request: document(request, extra="LONE").replace(b"LONE", rb"\ud800"), "result-not-json"),
    ],
)
def test_a_result_that_breaks_the_contract_is_never_served(bench, leaves, reference):
    bench.engine.tell(MAKE, leaves=leaves)
    job = bench.finished()
    assert (job.status, job.failure_kind) == (JobStatus.ERROR, "result_invalid")
    assert reference in job.summary
    assert_written_by_the_backend(bench, job, "result_invalid")


def test_what_an_invalid_worker_left_is_kept_beside_the_backends_document(bench):
    bench.engine.tell(MAKE, leaves=half_json)
    job = bench.finished()
    left = bench.left_of(job)
    assert left.startswith('{\n  "contract_version": 1')
    assert left not in {"", job.result}


def test_a_valid_result_does_not_outweigh_a_crash_and_is_kept(bench):
    bench.engine.tell(MAKE, exit_code=70)
    job = bench.finished()
    assert job.failure_kind == "crashed"
    assert json.loads(bench.left_of(job))["status"] == "success"
    assert_written_by_the_backend(bench, job, "crashed")


def test_an_older_jobs_result_is_never_taken_for_the_present_ones(bench):
    first = bench.finished()
    bench.engine.tell("again", leaves=lambda request: first.result.encode())
    second = bench.ended(bench.edit(first.project_id, "again"))
    assert second.failure_kind == "result_invalid"
    assert bench.result(second)["job_id"] == second.id
    assert_written_by_the_backend(bench, second, "result_invalid")


def test_a_worker_that_writes_nothing_does_not_inherit_the_result_before_it(bench):
    first = bench.finished()
    bench.engine.tell("again", leaves=None)
    second = bench.ended(bench.edit(first.project_id, "again"))
    assert second.failure_kind == "result_missing"
    assert json.loads(bench.workspace_result(second))["job_id"] == second.id


@pytest.mark.parametrize("method", ["prepare", "launch"])
def test_a_refused_launch_says_who_refused_and_why(bench, method):
    bench.engine.refuse(method, LaunchRefusedError("image-missing", "no image codex-worker:latest", "build it"))
    job = bench.finished()
    assert (job.status, job.failure_kind) == (JobStatus.ERROR, "launch_failed")
    assert "image-missing" in job.summary
    assert_written_by_the_backend(bench, job, "launch_failed")
    bench.engine.wait_until(lambda: not bench.engine.workers)
    assert bench.finished("next").status == JobStatus.COMPLETED


def test_an_engine_that_does_not_answer_at_all_is_a_failed_launch(bench):
    bench.engine.refuse("prepare", EngineUnavailableError("engine-away", "no answer from the socket"))
    job = bench.finished()
    assert job.failure_kind == "launch_failed"
    assert "engine-away" in job.summary


def test_a_start_whose_answer_was_lost_is_looked_at_and_not_repeated_blindly(bench):
    bench.engine.refuse("launch", EngineUnavailableError("engine-away", "the connection broke"))
    job = bench.finished()
    assert job.status == JobStatus.COMPLETED
    assert bench.engine.launched == [(job.id, 1)]


def test_a_worker_whose_name_is_taken_by_our_own_earlier_try_is_adopted(bench):
    bench.engine.refuse("launch", EngineUnavailableError("engine-away", "the connection broke"))
    with bench.engine.hold("launch"):
        job = bench.create()
        bench.engine.wait_until(lambda: "launch" in bench.engine.calls)
        known = bench.engine.worker(job.id).handle
    bench.ended(job)
    assert bench.attempt(job).ref == known.ref


def test_a_fault_of_the_backend_itself_ends_the_job_and_removes_its_worker(bench):
    bench.engine.refuse("observe", ZeroDivisionError("a bug"))
    job = bench.finished()
    assert (job.status, job.failure_kind) == (JobStatus.ERROR, "lost")
    assert "ZeroDivisionError" in job.summary
    bench.engine.wait_until(lambda: not bench.engine.workers)


def test_a_deleted_workspace_fails_the_launch_and_not_the_backend(bench):
    first = bench.finished()
    bench.workspace(first).rename(bench.base / "elsewhere")
    job = bench.ended(bench.edit(first.project_id))
    assert job.failure_kind == "launch_failed"
    assert "workspace-missing" in job.summary
    assert bench.result(job)["errors"] == ["launch_failed"]
    assert bench.job(first).result == first.result


def test_a_workspace_replaced_by_a_file_fails_the_launch(bench):
    first = bench.finished()
    bench.workspace(first).rename(bench.base / "elsewhere")
    bench.workspace(first).write_text("no directory")
    job = bench.ended(bench.edit(first.project_id))
    assert job.failure_kind == "launch_failed"
    assert bench.workspace(first).read_text() == "no directory"


def test_a_workspace_root_that_cannot_be_made_fails_the_launch(make_bench, tmp_path):
    bench = make_bench()
    (tmp_path / "workspaces").write_text("no directory")
    bench.start()
    job = bench.finished()
    assert job.failure_kind == "launch_failed"
    assert_written_by_the_backend(bench, job, "launch_failed")


def test_without_disk_headroom_nothing_is_launched(make_bench):
    bench = make_bench(min_free_bytes=2**62)
    bench.start()
    job = bench.finished()
    assert job.failure_kind == "launch_failed"
    assert "disk-full" in job.summary
    assert bench.engine.launched == []


def test_a_job_whose_copies_cannot_be_kept_still_ends_with_its_result(make_bench, tmp_path):
    bench = make_bench()
    (tmp_path / "state").write_text("no directory")
    bench.start()
    job = bench.finished()
    assert job.status == JobStatus.COMPLETED
    assert bench.result(job)["job_id"] == job.id
    assert bench.log_of(job) == ""


def test_a_result_that_is_a_link_is_not_read(bench, tmp_path):
    (tmp_path / "secret").write_text("outside")

    def link(job):
        path = bench.workspace(job) / RESULT_PATH
        path.unlink(missing_ok=True)
        path.symlink_to(tmp_path / "secret")

    bench.engine.tell(MAKE, holds=True, leaves=None)
    job = bench.create()
    bench.engine.wait_launched(job.id)
    link(job)
    bench.engine.release(job.id)
    job = bench.ended(job)
    assert job.failure_kind == "result_invalid"
    assert "outside" not in job.result
    assert (tmp_path / "secret").read_text() == "outside"


def test_the_facts_of_the_attempt_are_kept(bench):
    job = bench.finished()
    attempt = bench.attempt(job)
    assert (attempt.number, attempt.phase, attempt.exit_code) == (1, "ended", 0)
    assert attempt.container_id == attempt.ref
    assert attempt.image_digest == "sha256:" + "a" * 64
    assert (attempt.granted, attempt.redactions) == ({"network": "none", "missing": []}, 0)
    assert (attempt.log_bytes, attempt.log_truncated) == (len("worker: done\n"), False)
    assert {"prepare", "launch", "run", "collect"} <= set(attempt.timings_ms)
    assert isinstance(attempt.started_at, datetime)
    assert attempt.started_at <= attempt.finished_at <= bench.job(job).finished_at
