"""A backend without HTTP on a fake engine: jobs go in by the service, and their ends are waited for, never slept for.

A bench can be restarted gracefully or killed and started again; database, workspaces, STATE_DIR and engine stay.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from backend import repository
from backend.config import load_settings
from backend.database import Database, connect
from backend.dispatcher import Dispatcher
from backend.job_control import Pace
from backend.job_copies import JobCopies
from backend.lifecycle import has_ended
from backend.metrics import Metrics
from backend.recovery import Reaper
from backend.redaction import Redactor
from backend.removal import ProjectRemoval
from backend.run_job import JobRunner
from backend.service import Service, Submission
from backend.signals import JobSignals
from backend.tracecontext import new_context
from backend.tracing.assembly import assemble_tracing
from support.fake_launcher import PATIENCE_S, FakeEngine, FakeLauncher
from worker.contract import RESULT_PATH, JobType

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from backend.models import Attempt, Job

CANARY = "sk-canary-8F3b91d7Lq0Zx5"
"""The bench's OPENAI_API_KEY."""

FAST = Pace(observe_s=30.0, patience_s=0.3, retry_s=0.005, fault_pause_s=0.005, idle_s=0.5)
"""Short waits between tries; none of them is ever what a test waits for."""


class HeardSignals(JobSignals):
    """Signals that a test without an event loop can wait for, too."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Condition()

    def ended(self, job_id: str) -> None:
        super().ended(job_id)
        with self.heard:
            self.heard.notify_all()


class Bench:
    """The parts of one backend, put together anew by every ``start``."""

    def __init__(self, url: str, base: Path, **settings: Any) -> None:
        self.base = base
        self._others = set(threading.enumerate())
        self.engine = FakeEngine()
        self._given = {
            "database_url": url,
            "workspace_root": base / "workspaces",
            "state_dir": base / "state",
            "use_dummy_worker": False,
            "openai_api_key": CANARY,
            "min_free_bytes": 0,
            **settings,
        }
        self.pace = FAST
        self.running = False
        self.database: Database | None = None
        self.set_up()

    def set_up(self, **settings: Any) -> None:
        """Put the parts together; nothing works yet."""
        if self.database is not None:
            self.database.close()
        self._given |= settings
        self.settings = load_settings(_env_file=None, **self._given)
        self.database = Database(connect(self.settings.database_url))
        self.copies = JobCopies(self.settings.state_dir)
        self.redactor = Redactor(self.settings.all_secrets)
        self.metrics, self.signals = Metrics(), HeardSignals()
        self.tracing = assemble_tracing(self.settings, self.redactor, self.metrics, name="bench")
        self.capture = self.tracing.watch(self.database.engine)
        active = "dummy" if self.settings.use_dummy_worker else "docker"
        self.launchers = {name: FakeLauncher(self.engine, name=name) for name in ("docker", "dummy")}
        self.runner = JobRunner(
            self.database,
            self.settings,
            self.launchers,
            active,
            self.copies,
            self.redactor,
            self.metrics,
            self.tracing.jobs,
            self.pace,
        )
        self.cleanup = ThreadPoolExecutor(max_workers=2)
        most = self.settings.max_concurrent_jobs
        self.dispatcher = Dispatcher(self.runner, self.signals, self.cleanup, max_concurrent=most)
        self.service = Service(self.database, self.settings, self.dispatcher, traces=self.tracing.jobs)
        self.removal = ProjectRemoval(self.database, self.copies)
        self.reaper = Reaper(
            self.database, {"docker": self.launchers["docker"]}, self.removal, self.metrics, threading.Event()
        )

    def start(self) -> None:
        """Begin to work, as at the start of the process."""
        self.running = True
        self.tracing.start()
        self.dispatcher.start()

    def stop(self) -> None:
        """Stop gracefully."""
        if self.running:
            self.dispatcher.close(patience_s=PATIENCE_S)
        self.running = False
        self.cleanup.shutdown(wait=True)
        self.tracing.close()
        self.database.close()

    def restart(self, **settings: Any) -> None:
        """Stop gracefully and start again."""
        self.stop()
        self.set_up(**settings)
        self.start()

    def kill(self) -> None:
        """End all threads without a word, as kill -9 would; what is recorded stays as it is."""
        self.engine.abandon()
        dispatcher = self.dispatcher
        with dispatcher._changed:
            dispatcher._closing = True
            dispatcher._gave_up.set()
            dispatcher._running.clear()
        dispatcher.wake()
        for thread in self.threads("supervisor", "job-", "stop-"):
            thread.join(PATIENCE_S)
        self.running = False
        self.cleanup.shutdown(wait=True)
        self.tracing.close()
        self.database.close()

    def threads(self, *prefixes: str) -> list[threading.Thread]:
        """This bench's own threads; other backends of the same test run have some of the same names."""
        own = set(threading.enumerate()) - self._others
        return [thread for thread in own if thread.name.startswith(prefixes)]

    def start_again(self, **settings: Any) -> None:
        """Start after ``kill``."""
        self.set_up(**settings)
        self.start()

    def expire(self, job: Job) -> None:
        """Let the deadline of a running job pass now."""
        self.dispatcher._running[job.id]._deadline = time.monotonic()
        self.dispatcher.wake()

    # what a caller does

    def create(self, instruction: str = "Make a program.") -> Job:
        """Submit a new project; returns its first job."""
        return self.service.create_project(Submission(JobType.INITIAL_PROJECT, instruction, new_context(), None)).latest

    def edit(self, project_id: str, instruction: str = "Edit the program.", key: str | None = None) -> Job:
        """Submit a further job."""
        return self.service.submit_job(project_id, Submission(JobType.EDIT, instruction, new_context(), key))

    def finished(self, instruction: str = "Make a program.") -> Job:
        """Submit a new project and wait for its end."""
        return self.ended(self.create(instruction))

    # what a caller sees

    def ended(self, job: Job) -> Job:
        """Wait for the end of a job."""
        with self.signals.heard:
            came = self.signals.heard.wait_for(lambda: has_ended(self.job(job).status), PATIENCE_S)
        assert came, f"job {job.instruction!r} is still {self.job(job).status}"
        return self.job(job)

    @staticmethod
    def poll(what: Callable[[], object]) -> None:
        """Wait for something that nobody announces."""
        give_up, pause = time.monotonic() + PATIENCE_S, threading.Event()
        while not what():
            assert time.monotonic() < give_up, "it did not come"
            pause.wait(0.005)

    def job(self, job: Job) -> Job:
        """The job as it is now."""
        with self.database.read() as session:
            return repository.job_by_id(session, job.id)

    def attempt(self, job: Job) -> Attempt:
        """The newest attempt of a job."""
        with self.database.read() as session:
            attempt = repository.latest_attempt(session, job.id)
        assert attempt is not None
        return attempt

    def result(self, job: Job) -> dict[str, Any]:
        """The stored result document of a job."""
        stored = self.job(job)
        assert stored.result is not None
        return json.loads(stored.result)

    def workspace(self, job: Job) -> Path:
        """The directory of a job's project."""
        return self.settings.workspace_root / job.project_id

    def workspace_result(self, job: Job) -> bytes:
        """What lies in the workspace as result."""
        return (self.workspace(job) / RESULT_PATH).read_bytes()

    def log_of(self, job: Job) -> str:
        """The kept output."""
        return self.copies.read_log(job.project_id, job.id)

    def left_of(self, job: Job) -> str:
        """What was kept of an invalid or overruled result."""
        return self.copies.read(self.copies.left_path(job.project_id, job.id))
