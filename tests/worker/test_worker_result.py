"""What stands in a result, whatever happened to the job."""

import os
import re
import stat
import subprocess
import sys

import pytest
from worker_bench import GENERATE, JOB_ID, PROJECT_ID, ROOT

import worker.work
from worker.contract import ExitCode
from worker.engines.choice import engine_for
from worker.engines.outcome import Outcome
from worker.journal import Journal
from worker.pace import MAX_PROGRESS_LINES, pause
from worker.settings import Settings, sleep_duration

CANARY = "sk-canary-4f1d"


@pytest.fixture
def engine(monkeypatch):
    """Put another engine in the place of the real one."""

    def put(work):
        monkeypatch.setattr(worker.work, "engine_for", lambda _name: work)

    return put


def test_the_logs_of_a_live_worker_begin_with_presence_job_type_and_engine(bench):
    ran = bench.create(OPENAI_API_KEY=CANARY, OPENAI_ORG_ID="", OPENAI_PROJECT="  ")
    assert ran.result["logs"][:5] == [
        "OPENAI_API_KEY=present",
        "OPENAI_ORG_ID=absent",
        "OPENAI_PROJECT=absent",
        "job_type=initial_project",
        "engine=template",
    ]
    assert ran.lines == ran.result["logs"]


def test_no_secret_is_kept_anywhere(bench):
    environ = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT"), CANARY)
    ran = bench.create(**environ)
    assert CANARY not in repr(Settings.from_environment(environ)) + repr(ran)
    assert all(CANARY.encode() not in path.read_bytes() for path in bench.path.rglob("*") if path.is_file())


def test_a_result_names_its_job_trace_and_times(bench):
    result = bench.create().result
    assert (result["job_id"], result["project_id"], result["written_by"]) == (JOB_ID, PROJECT_ID, "worker")
    assert result["trace_id"] == "0192f0c1-c0de-7000-8000-00000000000c"
    times = [result[name] for name in ("started_at", "finished_at", "timestamp")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for time in times)
    assert times[0] <= times[1] == times[2]


def test_a_malformed_traceparent_gives_no_trace_id(bench):
    bench.ask("Say hello.", trace={"traceparent": "nonsense"})
    assert bench.perform().result["trace_id"] is None


@pytest.mark.parametrize("name", ["openai", "codex"])
def test_an_engine_that_this_worker_does_not_have_is_refused_at_once(project, monkeypatch, name):
    monkeypatch.setattr("time.sleep", lambda _seconds: pytest.fail("there is nothing to wait for"))
    before = project.files()
    project.ask("Say hello.", engine=name)
    ran = project.perform(SLEEP_SECONDS="3600")
    assert (ran.result["status"], ran.result["errors"], ran.result["engine"]) == ("error", ["engine_unavailable"], name)
    assert project.files() == before
    assert ran.code == ExitCode.OK


def test_f33_an_exception_after_one_write_still_lists_that_file_and_tells_no_secret(project, engine):
    def fails(_request, workspace, *, deadline, emit):
        workspace.write("new.txt", b"1")
        workspace.write("app.py", b"2")
        raise RuntimeError(CANARY)

    engine(fails)
    ran = project.edit("Say hello.")
    assert (ran.result["status"], ran.result["errors"]) == ("error", ["internal_error"])
    assert ran.lists == {"created": ["new.txt"], "modified": ["app.py"], "deleted": []}
    assert "exception=RuntimeError" in ran.result["logs"]
    assert CANARY not in repr(ran)
    assert "Traceback" not in repr(ran)
    assert ran.code == ExitCode.OK


def test_a_full_disk_is_named_by_its_code_alone(project, engine):
    def fails(_request, workspace, *, deadline, emit):
        raise OSError(28, f"No space for {CANARY}", CANARY)

    engine(fails)
    ran = project.edit("Say hello.")
    assert ran.result["errors"] == ["workspace_io"]
    assert "io_error=ENOSPC" in ran.result["logs"]
    assert "ENOSPC" in ran.result["summary"]
    assert CANARY not in repr(ran)


def test_deleted_files_are_listed(project, engine):
    def deletes(_request, workspace, *, deadline, emit):
        (project.path / "README.md").unlink()
        return Outcome("Gone.")

    engine(deletes)
    assert project.edit("Say hello.").lists == {"created": [], "modified": [], "deleted": ["README.md"]}


def test_an_engine_is_given_its_deadline_as_an_instant(project, engine):
    given = []
    engine(lambda _request, _workspace, *, deadline, emit: given.append(deadline) or Outcome("Done."))
    project.edit("Say hello.")
    assert given[0].isoformat() == "2025-11-14T17:24:05+00:00"


@pytest.mark.parametrize(
    ("summary", "kept"),
    [("", "The engine gave no summary."), (" \n", "The engine gave no summary."), ("x" * 600, "x" * 500)],
)
def test_a_summary_is_never_empty_and_never_long(project, engine, *, summary, kept):
    engine(lambda _request, _workspace, *, deadline, emit: Outcome(summary))
    assert project.edit("Say hello.").result["summary"] == kept


def test_a_workspace_that_vanishes_under_the_engine_is_an_error_with_the_engine_s_own(project, engine, monkeypatch):
    def vanishes(_request, _workspace, *, deadline, emit):
        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "scandir", refuse)
        return Outcome("Partly.", ("mine",))

    engine(vanishes)
    ran = project.edit("Say hello.")
    assert ran.result["errors"] == ["mine", "workspace_io"]


def test_there_is_an_engine_for_each_name_that_this_worker_has():
    assert engine_for("template") is engine_for("dummy") is not None
    assert engine_for("codex") is None


@pytest.mark.parametrize(("text", "shown"), [("0", "0"), ("0.002", "0.002"), ("1e-3", "0.001")])
def test_the_sleep_is_logged(bench, text, shown):
    assert f"sleep_seconds={shown}" in bench.create(SLEEP_SECONDS=text).result["logs"]


def test_a_blank_sleep_is_no_sleep_and_not_logged(bench):
    assert not any("sleep" in line for line in bench.create(SLEEP_SECONDS=" ").result["logs"])


@pytest.mark.parametrize("text", ["-1", "3601", "nan", "inf", "ten", "1,5"])
def test_a_sleep_that_is_no_number_from_0_to_3600_is_an_error_and_touches_nothing(bench, text):
    ran = bench.create(SLEEP_SECONDS=text)
    assert (ran.result["status"], ran.result["errors"]) == ("error", ["sleep_seconds_invalid"])
    assert "sleep_seconds=invalid" in ran.result["logs"]
    assert bench.files() == {}


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0.0), ("3600", 3600.0), ("1.5", 1.5), ("3600.1", None), ("-0.1", None)]
)
def test_a_sleep_duration_is_read_as_a_number(text, seconds):
    assert sleep_duration(text) == seconds


@pytest.mark.parametrize(("seconds", "steps"), [(0, 0), (0.5, 1), (3, 3), (2.5, 3), (60, 60), (3600, 60)])
def test_a_sleep_tells_its_progress_about_once_a_second_and_never_floods(seconds, steps):
    slept, lines = [], []
    pause(seconds, lines.append, sleep=slept.append)
    assert len(slept) == len(lines) == steps <= MAX_PROGRESS_LINES
    assert sum(slept) == pytest.approx(seconds)
    assert not lines or lines[-1] == f"progress: {seconds:.1f} of {seconds:g} s"


def test_a_log_line_is_one_line_of_printable_ascii():
    written = []
    journal = Journal(written.append)
    journal.emit("a\nOPENAI_API_KEY=present\r\x1b[31m\u2028ä\ud800\\")
    assert journal.lines == ("a\\nOPENAI_API_KEY=present\\r\\x1b[31m\\u2028\\xe4\\ud800\\",)
    assert written == list(journal.lines)


def finished(bench, **environ):
    with bench.command(**environ) as process:
        output = process.stdout.read()
    return process.returncode, output


def test_the_program_prints_its_log_and_exits_0(bench):
    bench.ask(GENERATE, job_type="initial_project")
    code, output = finished(bench)
    assert code == ExitCode.OK
    assert output.splitlines() == bench.result()["logs"]
    assert len(bench.printed()) == 10


def test_the_program_makes_files_that_others_may_read_whatever_the_umask(bench):
    bench.path.chmod(0o777)
    bench.ask(GENERATE, job_type="initial_project")
    umask = os.umask(0o077)
    try:
        assert finished(bench)[0] == ExitCode.OK
    finally:
        os.umask(umask)
    modes = {
        path: stat.S_IMODE((bench.path / path).stat().st_mode) for path in ("tests", "app.py", ".codex/result.json")
    }
    assert modes == {"tests": 0o777, "app.py": 0o644, ".codex/result.json": 0o644}


def test_the_program_exits_0_for_a_job_that_failed(bench):
    bench.ask("force_error")
    assert finished(bench)[0] == ExitCode.OK
    assert bench.result()["status"] == "error"


def test_the_program_has_an_exit_code_for_a_missing_workspace(bench):
    assert finished(bench, WORKSPACE_DIR="")[0] == ExitCode.USAGE
    assert finished(bench, WORKSPACE_DIR=str(bench.path / "gone"))[0] == ExitCode.WORKSPACE_UNUSABLE


@pytest.mark.parametrize("closing", ["closed", "broken"])
def test_a_stdout_that_nobody_reads_does_not_fail_the_job(bench, closing):
    bench.ask(GENERATE, job_type="initial_project")
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "worker"]
            if closing == "broken"
            else ["sh", "-c", f"exec {sys.executable} -m worker >&-"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **bench.environ},
            stdout=write_end,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write_end)
    assert (ran.returncode, ran.stderr) == (ExitCode.OK, b"")
    assert bench.result()["status"] == "success"
