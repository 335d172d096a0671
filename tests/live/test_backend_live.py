"""The live ladder's calls as a user makes them: the real backend, the real worker image, the real engine, over HTTP.

Nothing that a result claims is believed: files are fetched and hashed before and after each job, the generated programs
are run, and what the backend says about a container is compared with what the engine says.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from backend_process import containers_of, running_backend
from engine_witness import EngineWitness
from scripted_image import told
from support.api_calls import COMMENT, Json, get_ended, get_job, new_job, new_project

from worker.contract import Label

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.docker

CANARY = "sk-canary-Pw4XnE7rGh2Vt9Qa"
SLEEP_SECONDS = 3
FILES = ["README.md", "app.py", "tests/test_cli.py"]
DOCUMENTS = [".codex/request.json", ".codex/result.json", ".codex/trace.jsonl"]

REFACTOR = "Refactor fibonacci() to be iterative, add an input guard, and add a docstring note."
FORCE = "force_error: provoke a controlled failure"
LONG = "long_run: generate and analyze a large codebase"
SPLIT = "Refactor by moving fibonacci() to fibonacci.py and have app.py import and use it."
TEXTS = "Enhance README with usage instructions and create CHANGELOG.md with initial entry."
ARGUMENTS = "Add CLI argument parsing so the program accepts N and prints the first N Fibonacci numbers."
MAKE_HELPER = "Add a module utils.py with helper function format_sequence(seq) that returns a comma-joined string."
USE_HELPER = "Update app.py to use format_sequence from utils.py for printing."
NEWLINE = "Append a trailing newline to README.md if missing; otherwise make no changes."
DOCS = "Add a docs/ folder with three small markdown files documenting modules (app, fibonacci, utils)."

EDITS = [
    ("Modify the CLI to print the first 15 Fibonacci numbers.", [], ["app.py"]),
    (SPLIT, ["fibonacci.py"], ["app.py"]),
    (TEXTS, ["CHANGELOG.md"], ["README.md"]),
    (ARGUMENTS, [], ["README.md", "app.py"]),
    (MAKE_HELPER, ["utils.py"], []),
    (USE_HELPER, [], ["app.py"]),
    (NEWLINE, [], []),
    (NEWLINE, [], []),
    (DOCS, ["docs/app.md", "docs/fibonacci.md", "docs/utils.md"], []),
]
"""The edit ladder: instruction, files that it creates, files that it modifies."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an HTTP client and no other knowledge of the backend."""

    http: httpx.Client

    def files(self, project: Json) -> dict[str, bytes]:
        """Every file that is listed, fetched; sizes are checked on the way."""
        listed = self.http.get(f"/{project['id']}/files").json()["files"]
        assert [file["path"] for file in listed] == sorted(file["path"] for file in listed)
        contents = {file["path"]: self.read(project, file["path"]).encode() for file in listed}
        assert {file["path"]: file["size"] for file in listed} == {path: len(data) for path, data in contents.items()}
        return contents

    def read(self, project: Json, path: str) -> str:
        answer = self.http.get(f"/{project['id']}/files/{path}")
        assert answer.status_code == 200
        return answer.json()["contents"]

    def logs(self, project: Json, job_id: str) -> str:
        return self.http.get(f"/{project['id']}/jobs/{job_id}/logs").text

    def generate(self) -> Json:
        project = new_project(self.http)
        assert get_ended(self.http, project)["status"] == "completed"
        return project

    def edit(self, project: Json, instruction: str) -> Json:
        """Run an edit; its lists must say exactly what hashes of all files say."""
        before = own_hashes(self.files(project))
        job = get_ended(self.http, project, new_job(self.http, project, instruction)["id"])
        after = own_hashes(self.files(project))
        result = job["result"]
        assert result["created_files"] == sorted(after.keys() - before.keys())
        assert result["deleted_files"] == sorted(before.keys() - after.keys())
        both = before.keys() & after.keys()
        assert result["modified_files"] == sorted(path for path in both if before[path] != after[path])
        return job


def own_hashes(files: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items() if path not in DOCUMENTS}


def printed(files: dict[str, bytes], place: Path, *arguments: str) -> list[str]:
    """What ``python app.py`` of a fetched project prints."""
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-B", "app.py", *arguments], cwd=place, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip().split(",")


@pytest.fixture(scope="module")
def backend(docker_api, worker_image, tmp_path_factory):
    home = tmp_path_factory.mktemp("live")
    settings = {"OPENAI_API_KEY": CANARY, "SLEEP_SECONDS": str(SLEEP_SECONDS)}
    with running_backend(home, docker_api, image=worker_image, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def witness(backend):
    with EngineWitness(backend.instance) as watching:
        yield watching


@pytest.fixture
def user(backend):
    return User(backend.client)


class TestLadder:
    def test_a_new_project_is_generated_by_a_live_worker_and_can_be_read(self, user, witness):
        """L01 to L04."""
        answered = new_project(user.http)
        assert answered["status"] in {"queued", "in_progress"}
        job = get_ended(user.http, answered)
        result = json.loads(user.read(answered, ".codex/result.json"))
        assert result == job["result"]
        assert (result["status"], result["engine"], result["written_by"]) == ("success", "template", "worker")
        assert (result["job_id"], result["project_id"]) == (answered["job_id"], answered["id"])
        assert result["logs"][:5] == [
            "OPENAI_API_KEY=present",
            "OPENAI_ORG_ID=absent",
            "OPENAI_PROJECT=absent",
            "job_type=initial_project",
            "engine=template",
        ]
        assert (result["created_files"], result["modified_files"]) == (FILES, [])
        assert sorted(user.files(answered)) == sorted(DOCUMENTS + FILES)
        assert user.files(answered) == user.files(answered)
        assert "def fibonacci(" in user.read(answered, "app.py")
        project = user.http.get(f"/projects/{answered['id']}").json()
        assert (project["status"], project["summary"]) == ("completed", result["summary"])
        witness.wait_until_gone(job["id"])

    def test_two_edits_change_what_they_say_and_nothing_else(self, user, tmp_path):
        """L05 and L06."""
        project = user.generate()
        commented = user.edit(project, COMMENT)
        assert commented["result"]["modified_files"] == ["app.py"]
        comment = f"# Edit applied: {COMMENT}"
        assert comment in user.read(project, "app.py").splitlines()
        refactored = user.edit(project, REFACTOR)
        assert (refactored["status"], refactored["result"]["modified_files"]) == ("completed", ["app.py"])
        assert comment in user.read(project, "app.py").splitlines()
        assert len(printed(user.files(project), tmp_path)) == 10
        jobs = user.http.get(f"/projects/{project['id']}").json()["jobs"]
        assert [job["id"] for job in jobs] == [project["job_id"], commented["id"], refactored["id"]]
        assert get_job(user.http, project, commented["id"])["result"] == commented["result"]

    def test_a_forced_error_is_the_worker_s_own_and_the_api_still_answers(self, user):
        """L07, E06."""
        project = new_project(user.http, FORCE)
        job = get_ended(user.http, project)
        assert (job["status"], job["failure_kind"], job["exit_code"]) == ("error", None, 0)
        assert (job["result"]["status"], job["result"]["errors"]) == ("error", ["forced_error"])
        assert user.http.get(f"/projects/{project['id']}").json()["status"] == "error"
        assert sorted(user.files(project)) == DOCUMENTS
        assert user.http.get("/ready").json()["status"] == "ready"

    def test_a_long_run_shows_its_progress_while_the_api_answers(self, user, witness):
        """L08."""
        project = new_project(user.http, LONG)
        job_id = project["job_id"]
        witness.wait_for("start", job_id)
        assert user.http.get(f"/{project['id']}/files/.codex/result.json").status_code == 404
        while "progress: 1.0 of" not in (text := user.logs(project, job_id)):
            assert get_job(user.http, project)["status"] == "in_progress"
        assert "sleep_seconds=3" in text
        assert "status=success" not in text
        assert user.http.get("/ready").json()["running_jobs"] >= 1
        job = get_ended(user.http, project)
        assert (job["status"], job["result"]["created_files"]) == ("completed", FILES)
        slept = [f"progress: {second}.0 of 3 s" for second in (1, 2, 3)]
        assert [line for line in job["result"]["logs"] if line.endswith(" of 3 s")] == slept
        assert user.logs(project, job_id).startswith(text)
        assert CANARY not in text

    def test_the_edit_ladder_ends_with_a_program_that_works(self, user, tmp_path):
        """E01 to E09 on one project."""
        project = user.generate()
        for instruction, created, modified in EDITS:
            job = user.edit(project, instruction)
            assert job["status"] == "completed", job
            assert (job["result"]["created_files"], job["result"]["modified_files"]) == (created, modified)
        files = {path: data.decode() for path, data in user.files(project).items()}
        assert re.search(r"(?m)^from fibonacci import fibonacci$", files["app.py"])
        assert re.search(r"(?m)^def fibonacci\(", files["fibonacci.py"])
        assert re.search(r"(?m)^def format_sequence\(", files["utils.py"])
        assert re.search(r"(?m)^## Usage$", files["README.md"])
        assert re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", files["CHANGELOG.md"])
        numbers = printed(user.files(project), tmp_path)
        assert (len(numbers), numbers[-1].strip()) == (15, "377")
        assert len(printed({}, tmp_path, "-n", "5")) == 5

    def test_two_edits_posted_while_the_first_one_runs_are_applied_once_each_in_order(self, user):
        project = user.generate()
        first = new_job(user.http, project, "long_run: the first remark")
        second = new_job(user.http, project, "the second remark")
        assert get_job(user.http, project, second["id"])["status"] == "queued"
        ended = [get_ended(user.http, project, job["id"]) for job in (first, second)]
        assert [job["result"]["job_id"] for job in ended] == [first["id"], second["id"]]
        assert ended[0]["finished_at"] <= ended[1]["started_at"]
        remarks = [line for line in user.read(project, "app.py").splitlines() if line.startswith("# Edit applied: ")]
        assert remarks == ["# Edit applied: long_run: the first remark", "# Edit applied: the second remark"]
        request = json.loads(user.read(project, ".codex/request.json"))
        assert (request["job_id"], request["instruction"]) == (second["id"], "the second remark")


class TestContainerFacts:
    @pytest.fixture
    def scripted_backend(self, run_backend, scripted):
        return run_backend(scripted)

    def test_what_a_job_says_about_its_container_is_what_the_engine_says(self, scripted_backend, watch, docker_api):
        client, witness = scripted_backend.client, watch(scripted_backend)
        project = new_project(client, told("hold", exit_code=3))
        started = witness.wait_for("start", project["job_id"])
        container = docker_api.inspect_container(started["Actor"]["ID"])
        (scripted_backend.workspaces / project["id"] / "go").touch()
        job = get_ended(client, project)
        facts = job["container"]
        assert facts["container_id"] == container["Id"]
        assert facts["image_digest"] == container["Image"] == client.get("/ready").json()["worker_image_digest"]
        assert container["Image"] == container["Config"]["Labels"][Label.IMAGE]
        # The engine counts nanoseconds, which are cut off here and there.
        assert datetime.fromisoformat(facts["started_at"]) == datetime.fromisoformat(container["State"]["StartedAt"])
        died = witness.wait_for("die", job["id"])
        assert job["exit_code"] == facts["exit_code"] == int(died["Actor"]["Attributes"]["exitCode"]) == 3
        assert facts["started_at"] < facts["finished_at"] <= job["finished_at"]
        assert (facts["granted"]["missing"], facts["warnings"]) == ([], [])
        assert witness.wait_until_gone(job["id"]) == container["Id"]
        assert containers_of(docker_api, scripted_backend.instance) == []

    def test_each_job_runs_in_a_container_of_its_own(self, user, witness):
        project = user.generate()
        jobs = [get_job(user.http, project), user.edit(project, COMMENT)]
        seen = [witness.wait_until_gone(job["id"]) for job in jobs]
        assert seen == [job["container"]["container_id"] for job in jobs]
        assert len(set(seen)) == 2
        assert [job["container"]["attempt"] for job in jobs] == [1, 1]
