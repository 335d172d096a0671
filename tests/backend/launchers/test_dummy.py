"""Workers without a container: real child processes with small programs of the tests, and the real worker."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.launchers.base import LaunchRefusedError, LaunchSpec, Phase
from backend.launchers.dummy import DummyLauncher
from backend.redaction import Secret
from worker.contract import EngineName, JobRequest, JobType, TraceContext

FOREVER = "import signal\nprint('ready', flush=True)\nsignal.pause()\n"
DEADLINE = datetime(2026, 11, 21, 5, tzinfo=UTC)
PATIENCE_S = 30.0
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def workspace(tmp_path):
    place = tmp_path / "workspaces" / "project-1"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def run(tmp_path, workspace):
    """Launch a program's text as the worker; returns launcher and handle."""
    launchers = []

    def start(program, **changes):
        launcher = DummyLauncher(program_root=program_root(tmp_path, program))
        launchers.append(launcher)
        handle = launcher.prepare(spec(workspace, **changes))
        launcher.launch(handle)
        return launcher, handle

    yield start
    for launcher in launchers:
        for handle in launcher.list():
            launcher.remove(handle)
        launcher.close()


def program_root(tmp_path, program):
    package = tmp_path / "program" / "worker"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(program)
    return package.parent


def spec(workspace, **changes):
    values = {
        "project_id": "project-1",
        "job_id": "job-1",
        "attempt": 1,
        "workspace": workspace,
        "environment": {},
        "secrets": {},
        "deadline_at": DEADLINE,
    }
    return LaunchSpec(**values | changes)


def ended(launcher, handle):
    state = launcher.observe(handle, timeout_s=PATIENCE_S)
    assert state.phase is Phase.EXITED
    return state


def output(launcher, handle):
    ended(launcher, handle)
    return launcher.collect(handle, max_bytes=1_000_000).data.decode()


def wait_until_ready(launcher, handle):
    while b"ready" not in launcher.collect(handle, max_bytes=100).data:
        assert launcher.observe(handle, timeout_s=0.005).phase is Phase.RUNNING


class TestWhatTheProgramSees:
    def test_the_environment_is_scrubbed(self, run, workspace, monkeypatch):
        monkeypatch.setenv("CANARY_OF_THE_BACKEND", "canary")
        monkeypatch.setenv("PYTHONPATH", "/canary")
        launcher, handle = run(
            "import json, os\nprint(json.dumps(dict(os.environ)))",
            environment={"SLEEP_SECONDS": "5", "WORKER_ENGINE": "openai", "TRACEPARENT": TRACEPARENT, "OTHER": "x"},
            secrets={"OPENAI_API_KEY": Secret("canary-value-of-a-key")},
        )
        assert json.loads(output(launcher, handle)) == {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "WORKSPACE_DIR": str(workspace),
            "JOB_ID": "job-1",
            "PROJECT_ID": "project-1",
            "WORKER_ENGINE": "dummy",
            "TRACEPARENT": TRACEPARENT,
        }

    def test_nothing_in_the_workspace_can_be_imported(self, run, workspace):
        for name in ("json.py", "os.py", "runpy.py", "sitecustomize.py", "usercustomize.py", "worker/__init__.py"):
            planted = workspace / name
            planted.parent.mkdir(exist_ok=True)
            planted.write_text("raise SystemExit('hijacked')")
        launcher, handle = run(
            "import json, os, sys, worker\n"
            "print(json.dumps([os.getcwd(), [sys.flags.isolated, sys.flags.no_site], *sys.path]))"
        )
        cwd, flags, *path = json.loads(output(launcher, handle))
        assert (cwd, flags) == (str(workspace), [1, 1])
        assert "" not in path
        assert not [entry for entry in path if Path(entry).is_relative_to(workspace)]
        assert path[-1].endswith("/program")
        assert not [entry for entry in path if "site-packages" in entry]

    def test_it_has_a_session_of_its_own_and_nothing_to_read(self, run):
        launcher, handle = run(
            "import os, sys\nprint(os.getsid(0) == os.getpid(), repr(sys.stdin.read()), sys.argv[1:])"
        )
        assert output(launcher, handle) == "True '' []\n"

    def test_it_inherits_no_descriptor_but_the_lifeline(self, run):
        launcher, handle = run("import os\nprint(len(os.listdir('/proc/self/fd')))")
        # Three standard ones, the lifeline, and the one that lists them.
        assert output(launcher, handle) == "5\n"

    def test_the_real_worker_does_its_job_in_a_hostile_workspace(self, workspace):
        for name in ("json.py", "re.py", "worker/__init__.py", "worker/__main__.py"):
            (workspace / name).parent.mkdir(exist_ok=True)
            (workspace / name).write_text("raise SystemExit('hijacked')")
        request = JobRequest(
            project_id="project-1",
            job_id="job-1",
            job_type=JobType.INITIAL_PROJECT,
            instruction="print the first 10 Fibonacci numbers",
            engine=EngineName.DUMMY,
            attempt=1,
            created_at="2026-11-21T04:00:00.000000Z",
            deadline_at="2026-11-21T05:00:00.000000Z",
            trace=TraceContext(TRACEPARENT),
        )
        (workspace / ".codex").mkdir()
        (workspace / ".codex/request.json").write_text(request.to_json())
        launcher = DummyLauncher()
        handle = launcher.prepare(spec(workspace))
        launcher.launch(handle)
        assert "Dummy worker used instead of the live worker." in output(launcher, handle)
        launcher.close()
        result = json.loads((workspace / ".codex/result.json").read_text())
        assert (result["engine"], result["status"], result["job_id"]) == ("dummy", "success", "job-1")


class TestEnds:
    @pytest.mark.parametrize(
        ("program", "code"),
        [
            ("", 0),
            ("raise SystemExit(74)", 74),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
            ("1/0", 1),
        ],
    )
    def test_exit_codes_are_those_of_a_container(self, run, program, code):
        state = ended(*run(program))
        assert state.exit_code == code
        assert state.started_at <= state.finished_at <= datetime.now(UTC)
        assert (state.granted, state.image_digest, state.oom_killed) == ({}, None, False)

    def test_a_worker_that_runs_is_reported_as_running(self, run):
        launcher, handle = run(FOREVER)
        assert launcher.observe(handle, timeout_s=0).phase is Phase.RUNNING

    def test_a_stop_asks_first(self, run):
        launcher, handle = run("import signal, sys\nsignal.signal(15, lambda *_: sys.exit(7))\n" + FOREVER)
        wait_until_ready(launcher, handle)
        launcher.stop(handle, grace_s=PATIENCE_S)
        assert ended(launcher, handle).exit_code == 7

    def test_a_stop_kills_what_does_not_listen(self, run):
        launcher, handle = run(
            "import signal\nsignal.signal(15, signal.SIG_IGN)\nprint('ready', flush=True)\nwhile 1: signal.pause()"
        )
        wait_until_ready(launcher, handle)
        launcher.stop(handle, grace_s=0)
        assert ended(launcher, handle).exit_code == 128 + signal.SIGKILL

    def test_stopping_what_has_ended_or_is_gone_is_harmless(self, run):
        launcher, handle = run("")
        ended(launcher, handle)
        launcher.stop(handle, grace_s=1)
        launcher.remove(handle)
        launcher.stop(handle, grace_s=1)
        launcher.remove(handle)

    def test_removing_a_running_worker_kills_it(self, run, workspace):
        launcher, handle = run(LOCKED + FOREVER)
        wait_until_ready(launcher, handle)
        launcher.remove(handle)
        assert_died(workspace)
        assert launcher.observe(handle, timeout_s=0).phase is Phase.GONE


LOCKED = """\
import fcntl, os
lock = open("lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
"""
OUTLIVING = """\
import os, time
if os.fork() == 0:
    time.sleep(60)
    open("survived", "w").close()
"""


def assert_died(workspace):
    """Wait until the holder of the lock is dead; one that ends by itself leaves a mark."""
    with (workspace / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert not (workspace / "survived").exists()


class TestNothingIsLeftBehind:
    def test_what_the_program_left_running_dies_with_it(self, run, workspace):
        launcher, handle = run(LOCKED + OUTLIVING)
        ended(launcher, handle)
        assert_died(workspace)

    def test_closing_the_launcher_ends_its_workers(self, run, workspace):
        launcher, handle = run(LOCKED + FOREVER)
        wait_until_ready(launcher, handle)
        launcher.close()
        assert_died(workspace)
        assert ended(launcher, handle).exit_code == 128 + signal.SIGKILL
        launcher.close()

    def test_workers_die_with_a_backend_that_was_killed(self, tmp_path, workspace):
        root = program_root(
            tmp_path, LOCKED + "print('ready', flush=True)\nimport time\ntime.sleep(60)\nopen('survived', 'w')"
        )
        backend = (
            "import os, sys\nfrom pathlib import Path\nfrom test_dummy import DummyLauncher, spec, wait_until_ready\n"
            "launcher = DummyLauncher(program_root=Path(sys.argv[1]))\n"
            "handle = launcher.prepare(spec(Path(sys.argv[2])))\nlauncher.launch(handle)\n"
            "wait_until_ready(launcher, handle)\nos.kill(os.getpid(), 9)\n"
        )
        here = [str(Path(__file__).parent), *filter(None, sys.path)]
        killed = subprocess.run(
            [sys.executable, "-c", backend, root, workspace],
            env={"PYTHONPATH": os.pathsep.join(here)},
            timeout=PATIENCE_S,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        assert_died(workspace)


class TestOutput:
    def test_stdout_and_stderr_are_one_text_in_the_order_of_writing(self, run):
        launcher, handle = run("import sys\nfor n in range(3): print(n, flush=True); print(-n, file=sys.stderr)")
        assert output(launcher, handle) == "0\n0\n1\n-1\n2\n-2\n"

    def test_a_flood_is_cut_to_its_newest_bytes(self, run):
        launcher, handle = run("import sys\nsys.stdout.write('x' * 20_000_000 + 'the end')")
        ended(launcher, handle)
        log = launcher.collect(handle, max_bytes=1000)
        assert log.truncated
        assert log.data == b"x" * 993 + b"the end"

    def test_a_program_that_closes_its_output_is_still_waited_for(self, run):
        launcher, handle = run("import os, sys\nprint('said', flush=True)\nos.close(1); os.close(2)\nos._exit(5)")
        assert ended(launcher, handle).exit_code == 5
        assert launcher.collect(handle, max_bytes=100).data == b"said\n"

    def test_there_is_none_before_the_start_and_after_the_end_of_all(self, workspace):
        launcher = DummyLauncher()
        handle = launcher.prepare(spec(workspace))
        assert launcher.collect(handle, max_bytes=100).data == b""
        launcher.remove(handle)
        assert launcher.collect(handle, max_bytes=100).data == b""
        launcher.close()


class TestTable:
    @pytest.fixture
    def launcher(self):
        launcher = DummyLauncher()
        yield launcher
        launcher.close()

    def test_a_prepared_worker_is_created_and_not_running(self, launcher, workspace):
        handle = launcher.prepare(spec(workspace))
        assert launcher.observe(handle, timeout_s=PATIENCE_S).phase is Phase.CREATED
        assert launcher.list() == (handle,)

    def test_the_same_attempt_is_adopted_and_another_is_not(self, launcher, workspace):
        first = launcher.prepare(spec(workspace))
        assert launcher.prepare(spec(workspace)) == first
        assert launcher.prepare(spec(workspace, attempt=2)) != first

    def test_a_second_launch_starts_nothing(self, run, workspace):
        launcher, handle = run("open('starts', 'a').write('once')")
        launcher.launch(handle)
        ended(launcher, handle)
        launcher.launch(handle)
        assert (workspace / "starts").read_text() == "once"

    def test_a_handle_of_an_earlier_process_is_gone(self, launcher, workspace):
        earlier = DummyLauncher()
        handle = earlier.prepare(spec(workspace))
        earlier.close()
        launcher.prepare(spec(workspace))
        assert launcher.observe(handle, timeout_s=PATIENCE_S).phase is Phase.GONE
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.launch(handle)
        assert refused.value.reference == "worker-removed"

    def test_a_missing_workspace_refuses(self, launcher, tmp_path):
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.prepare(spec(tmp_path / "missing"))
        assert refused.value.reference == "workspace-missing"

    def test_a_workspace_that_vanished_after_preparing_refuses(self, launcher, workspace):
        handle = launcher.prepare(spec(workspace))
        workspace.rmdir()
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.launch(handle)
        assert refused.value.reference == "process-not-started"

    def test_the_status_asks_for_no_engine(self, launcher):
        assert (launcher.status().name, launcher.status().engine_reachable, launcher.status().problem) == (
            "dummy",
            None,
            "",
        )
