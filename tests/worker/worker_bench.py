"""A workspace with a request in it, and the worker run on it in this process or in its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from worker.contract import parse_result
from worker.job import perform
from worker.stop import StopSignal

ROOT = Path(__file__).resolve().parents[2]
PROJECT_ID = "0192f0c1-0000-7000-8000-00000000000a"
JOB_ID = "0192f0c1-0000-7000-8000-00000000000b"
TRACE = "0192f0c1c0de7000800000000000000c"
GENERATE = "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
NEWLINE = "Append a trailing newline to README.md if missing."
DOCS = "Add a docs folder."
USE = "Use format_sequence in app.py."
MAKE = "Add a helper module utils.py."
ARGUMENTS = "Parse command-line arguments."
SPLIT = "Move fibonacci() to fibonacci.py."
TEXTS = "Enhance the README."
ITERATIVE = "Refactor to an iterative loop with a guard."
COUNT = "Print the first 15 numbers."


@dataclass(frozen=True)
class Ran:
    """What one run of the worker left."""

    code: int
    lines: list[str]
    result: dict = field(default_factory=dict)

    @property
    def lists(self):
        return {name: self.result[f"{name}_files"] for name in ("created", "modified", "deleted")}


class Bench:
    """One project's directory."""

    def __init__(self, path):
        self.path = path
        self.environ = {"WORKSPACE_DIR": str(path), "JOB_ID": JOB_ID, "PROJECT_ID": PROJECT_ID}
        (path / ".codex").mkdir(parents=True)

    @property
    def request_path(self):
        return self.path / ".codex" / "request.json"

    @property
    def result_path(self):
        return self.path / ".codex" / "result.json"

    def request(self, instruction="Say hello.", **changes):
        document = {
            "project_id": PROJECT_ID,
            "job_id": JOB_ID,
            "job_type": "edit",
            "instruction": instruction,
            "engine": "template",
            "attempt": 1,
            "created_at": "2025-11-14T17:14:05.000000Z",
            "deadline_at": "2025-11-14T17:24:05.000000Z",
            "contract_version": 1,
            "trace": {"traceparent": f"00-{TRACE}-00000000000000aa-01"},
        }
        return document | changes

    def ask(self, instruction, **changes):
        self.request_path.write_text(json.dumps(self.request(instruction, **changes), indent=2))

    def perform(self, *, stop=None, write=None, **environ):
        """Run the worker in this process and believe its result as the backend would."""
        lines = []
        code = perform(self.environ | environ, stop=stop or StopSignal(), write=write or lines.append)
        return Ran(int(code), lines, self.result())

    def result(self):
        data = self.result_path.read_bytes()
        return parse_result(data, project_id=PROJECT_ID, job_id=JOB_ID, max_bytes=1024 * 1024)

    def edit(self, instruction, **environ):
        self.ask(instruction)
        return self.perform(**environ)

    def create(self, instruction=GENERATE, **environ):
        self.ask(instruction, job_type="initial_project")
        return self.perform(**environ)

    def command(self, **environ):
        """Start the worker as the container does, with its output readable line by line."""
        return subprocess.Popen(
            [sys.executable, "-m", "worker"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def codex_names(self):
        return sorted(path.name for path in (self.path / ".codex").iterdir())

    def files(self):
        """Every project file by path, with its bytes."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and not {".codex", "__pycache__"} & set(path.relative_to(self.path).parts)
        }

    def text(self, path):
        return (self.path / path).read_text()

    def run(self, *arguments, cwd=None):
        """Run the generated project with the same Python and nothing of ours on its path."""
        return subprocess.run(
            [sys.executable, "-B", *arguments],
            cwd=cwd or self.path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def printed(self, *options):
        """The numbers that app.py prints."""
        ran = self.run("app.py", *options)
        assert (ran.returncode, ran.stderr) == (0, "")
        return [int(number) for number in ran.stdout.split(",")]

    def assert_own_test_passes(self):
        ran = self.run("-m", "unittest", "tests/test_cli.py")
        assert ran.returncode == 0, ran.stderr
        assert "Ran 1 test" in ran.stderr


def assert_success(ran, created=(), modified=()):
    assert (ran.result["status"], ran.result["errors"]) == ("success", [])
    assert ran.lists == {"created": list(created), "modified": list(modified), "deleted": []}


def assert_no_change(ran):
    assert_success(ran)
    assert ran.result["summary"].startswith("No changes:")


def assert_refused(project, instruction, code):
    before = project.files()
    ran = project.edit(instruction)
    assert (ran.result["status"], ran.result["errors"]) == ("error", [code])
    assert ran.lists == {"created": [], "modified": [], "deleted": []}
    assert project.files() == before
