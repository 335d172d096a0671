"""The backend as a process: killed in the middle of a job, stopped, restarted, refused, two at a time (F14, F22)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text
from support.free_ports import free_port

from backend.database import connect, migrate

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
CANARY = "sk-canary-9Zq4Lw8Xv2"
MAKE = "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
EDIT = {"job_type": "edit", "instruction": "Append a comment line to app.py describing the change."}


class Process:
    """One backend process in a folder of its own; it may be started there again."""

    def __init__(self, folder: Path, database_url: str, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        self.environment = kept | {
            "PYTHONPATH": str(ROOT),
            "PORT": str(self.port),
            "DATABASE_URL": database_url,
            "OPENAI_API_KEY": CANARY,
            "JOB_STOP_GRACE_SECONDS": "0.2",
            "MIN_FREE_BYTES": "0",
            **environment,
        }
        folder.mkdir(parents=True, exist_ok=True)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=PATIENCE_S, trust_env=False)

    def launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "backend"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )

    def start(self) -> None:
        self.launch()
        ended = None
        while ended is None:
            with suppress(httpx.ConnectError):
                self.client.get("/health")
                return
            # To ask without a pause would take from the process what it needs to start.
            with suppress(subprocess.TimeoutExpired):
                ended = self.child.wait(0.02)
        msg = (self.folder / "log").read_text()
        raise AssertionError(msg)

    def end(self, number: int) -> int:
        self.child.send_signal(number)
        return self.child.wait(PATIENCE_S)

    def close(self) -> None:
        self.client.close()
        if self.child.poll() is None:
            self.end(signal.SIGKILL)

    def log(self) -> list[dict]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def project(self, instruction: str = MAKE) -> dict:
        return self.client.post("/projects/", json={"instruction": instruction}).raise_for_status().json()

    def edit(self, project: dict, **headers: str) -> dict:
        return self.client.post(f"/{project['id']}/jobs", json=EDIT, headers=headers).raise_for_status().json()

    def job(self, job: dict, **headers: str) -> dict:
        found = self.client.get(f"/{job['project_id']}/jobs/{job['id']}", headers=headers)
        return found.raise_for_status().json()

    def held_job(self, project: dict) -> tuple[dict, int]:
        """A job whose worker was frozen while it ran, and the worker's process id."""
        for _ in range(50):
            job = self.edit(project, Prefer="respond-async")
            while self.job(job)["status"] in {"queued", "in_progress"}:
                if (worker := self._freeze_worker()) is not None and self.job(job)["status"] == "in_progress":
                    return job, worker
        msg = "no worker could be caught while it ran"
        raise AssertionError(msg)

    def _freeze_worker(self) -> int | None:
        tasks = Path(f"/proc/{self.child.pid}/task").glob("*/children")
        for children in tasks:
            with suppress(OSError):
                for number in map(int, children.read_text().split()):
                    # Before it has become the worker, its maker waits for it and would be frozen, too.
                    if b"dummy_child" in Path(f"/proc/{number}/cmdline").read_bytes():
                        os.kill(number, signal.SIGSTOP)
                        return number
        return None


@pytest.fixture
def make_process(tmp_path, request):
    """Makes processes, none of which outlives the test or has written the secret anywhere."""
    made = []

    def make(name, database_url, **environment):
        made.append(Process(tmp_path / name, database_url, **environment))
        return made[-1]

    yield make
    for process in made:
        process.close()
    stored = [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert stored == []


@pytest.fixture
def process(make_process, empty_database):
    process = make_process("backend", empty_database)
    process.start()
    return process


def gone(number: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def until(what) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up, "it did not come"


def test_a_backend_killed_in_the_middle_of_a_job_settles_it_at_its_next_start(process):
    project = process.project()
    running, worker = process.held_job(project)
    waiting = process.edit(project, Prefer="respond-async")
    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    os.kill(worker, signal.SIGCONT)
    until(lambda: gone(worker))
    process.start()
    ended = process.job(running, Prefer="wait=60")
    assert (ended["status"], ended["failure_kind"]) == ("error", "lost")
    assert (ended["result"]["written_by"], ended["result"]["errors"]) == ("backend", ["lost"])
    assert process.job(waiting, Prefer="wait=60")["status"] == "completed"
    jobs = process.client.get(f"/projects/{project['id']}").json()["jobs"]
    assert {job["status"] for job in jobs} <= {"completed", "error"}
    assert process.client.get("/ready").json()["running_jobs"] == 0


def test_a_stop_answers_who_waits_ends_the_job_and_leaves_nothing_behind(process):
    project = process.project()
    job, worker = process.held_job(project)
    with closing(socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE_S)) as waiting:
        path = f"/api/v1/{project['id']}/jobs/{job['id']}"
        waiting.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nPrefer: wait=60\r\nConnection: close\r\n\r\n".encode())
        # Connections are taken in order: when this later one has its answer, the one above is being served.
        httpx.get(f"{process.client.base_url}health", trust_env=False, timeout=PATIENCE_S).raise_for_status()
        assert process.end(signal.SIGTERM) == 0
        answer = waiting.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert job["id"].encode() in answer
    assert gone(worker)
    process.start()
    ended = process.job(job)
    assert (ended["status"], ended["failure_kind"]) == ("error", "cancelled")
    assert "shut down" in ended["result"]["summary"]


def test_everything_is_readable_after_a_restart(process):
    project = process.project()
    edited = process.edit(project)
    failed = process.project("force_error: provoke a controlled failure")
    addresses = [
        f"/projects/{project['id']}",
        f"/projects/{failed['id']}",
        f"/{project['id']}/files",
        f"/{project['id']}/files/app.py",
        f"/{project['id']}/files/.codex/result.json",
        f"/{project['id']}/jobs/{edited['id']}",
        f"/{project['id']}/jobs/{edited['id']}/logs",
        f"/{project['id']}/jobs/{project['job_id']}",
        "/projects/",
    ]
    before = [process.client.get(address).raise_for_status().content for address in addresses]
    assert process.end(signal.SIGTERM) == 0
    process.start()
    assert [process.client.get(address).content for address in addresses] == before
    assert process.edit(project)["status"] == "completed"


def test_two_backends_run_side_by_side(make_process, tmp_path):
    two = [make_process(name, f"sqlite:///{tmp_path}/{name}/ladder.db") for name in ("one", "two")]
    for process in two:
        process.start()
    projects = [process.project() for process in two]
    assert [project["status"] for project in projects] == ["completed", "completed"]
    assert two[0].client.get(f"/projects/{projects[1]['id']}").status_code == 404
    instances = {process.client.get("/ready").json()["instance"] for process in two}
    assert len(instances) == 2
    assert two[0].end(signal.SIGTERM) == 0
    assert two[1].edit(projects[1])["status"] == "completed"
    two[0].start()
    assert two[0].client.get("/ready").json()["instance"] in instances
    assert two[0].edit(projects[0])["status"] == "completed"


def test_the_log_is_one_json_object_a_line_with_levels_that_fit(process):
    project = process.project()
    process.client.get(f"/projects/{CANARY}")
    assert process.end(signal.SIGTERM) == 0
    lines = process.log()
    assert all({"event", "level", "timestamp", "logger"} <= set(line) for line in lines)
    requests = {line["status"]: line["level"] for line in lines if line["event"] == "http.request"}
    assert requests == {200: "info", 404: "warning"}
    (started,) = [line for line in lines if line["event"] == "backend.started"]
    assert (started["OPENAI_API_KEY"], started["OPENAI_ORG_ID"]) == ("present", "absent")
    (ended,) = [line for line in lines if line["event"] == "job.ended"]
    assert (ended["job_id"], ended["status"]) == (project["job_id"], "completed")
    assert "backend.stopped" in [line["event"] for line in lines]


@contextmanager
def foreign_schema(url):
    engine = create_engine(connect(url).url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (foreign_column TEXT)"))
    yield
    engine.dispose()


def refused(process) -> dict:
    process.launch()
    assert process.child.wait(PATIENCE_S) == 3
    (problem,) = [line for line in process.log() if line["level"] in {"warning", "error", "critical"}]
    assert (problem["event"], problem["level"]) == ("backend.not_started", "error")
    assert problem["hint"]
    assert "Traceback" not in json.dumps(process.log())
    return problem


def test_a_failed_migration_stops_the_start_with_one_clear_line(make_process, empty_database):
    with foreign_schema(empty_database):
        problem = refused(make_process("backend", empty_database))
    assert problem["reference"] == "migration-failed"
    assert "jobs" in problem["problem"]


def test_a_schema_that_does_not_fit_its_mark_stops_the_start(make_process, empty_database):
    engine = connect(empty_database)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs DROP COLUMN summary"))
    engine.dispose()
    problem = refused(make_process("backend", empty_database))
    assert problem["reference"] == "schema-mismatch"
    assert "jobs.summary" in problem["problem"]


def test_a_database_that_does_not_answer_stops_the_start_without_its_password(make_process):
    problem = refused(make_process("backend", f"postgresql://user:{CANARY}@127.0.0.1:1/ladder"))
    assert problem["reference"] == "database-unreachable"


def test_bad_settings_stop_the_start_in_the_same_form(make_process):
    problem = refused(make_process("backend", f"no address {CANARY}"))
    assert problem["reference"] == "settings-invalid"
    assert "DATABASE_URL" in problem["problem"]


def test_a_port_that_is_taken_stops_the_start(make_process, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = make_process("backend", f"sqlite:///{tmp_path}/l.db", PORT=str(taken.getsockname()[1]))
        process.launch()
        assert process.child.wait(PATIENCE_S) == 3
    assert [line["level"] for line in process.log() if "address already in use" in line["event"]] == ["error"]


def test_a_directory_that_cannot_be_used_stops_the_start(make_process, tmp_path):
    (tmp_path / "file").write_text("")
    problem = refused(make_process("backend", f"sqlite:///{tmp_path}/l.db", STATE_DIR=f"{tmp_path}/file/state"))
    assert problem["reference"] == "directory-unusable"


@pytest.mark.postgres
def test_the_password_of_the_database_is_in_no_line(make_process, postgres_server):
    url = postgres_server.create("with_password").replace("ladder@", f"ladder:{CANARY}@")
    process = make_process("backend", url)
    process.start()
    assert process.project()["status"] == "completed"
    assert process.end(signal.SIGTERM) == 0
    postgres_server.drop("with_password")
