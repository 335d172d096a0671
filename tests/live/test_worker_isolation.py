"""Workers that lie, crash, flood, hog or try to get out: what the backend makes of them, and what they never reach.

One image does all of it; the instruction of a job says what. Each job is a real container that the real backend
launched, and each claim is read back over HTTP, from the backend's own files, or from the engine.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from backend_process import running_backend
from engine_proxy import engine_socket
from engine_witness import EngineWitness
from installed_copy import install_copy
from scripted_image import told
from support.api_calls import Json, get_ended, get_job, new_job, new_project

pytestmark = pytest.mark.docker

CANARY = "sk-canary-3qZ8vT1mYw6Kd0Rj"
LOG_BYTES = 64 * 1024
PIDS = 32
PLAIN_USER = 12345
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("isolation")


@pytest.fixture(scope="module")
def backend(docker_api, scripted, home):
    with running_backend(
        home, docker_api, image=scripted, OPENAI_API_KEY=CANARY, WORKER_MEMORY="48m", WORKER_PIDS=str(PIDS),
        MAX_LOG_BYTES=str(LOG_BYTES), JOB_TIMEOUT_SECONDS="120",
    ) as running:  # fmt: skip
        yield running


@pytest.fixture(scope="module")
def witness(backend):
    with EngineWitness(backend.instance) as watching:
        yield watching


@pytest.fixture
def client(backend):
    return backend.client


def first_job(client: httpx.Client, do: str, **arguments: object) -> tuple[Json, Json]:
    """A new project whose first job does as told; gives the project and the ended job."""
    project = new_project(client, told(do, **arguments))
    return project, get_ended(client, project)


def next_job(client: httpx.Client, project: Json, do: str, **arguments: object) -> Json:
    return get_ended(client, project, new_job(client, project, told(do, **arguments))["id"])


def read(client: httpx.Client, project: Json, path: str) -> httpx.Response:
    return client.get(f"/{project['id']}/files/{path}")


def listed(client: httpx.Client, project: Json) -> dict[str, int]:
    return {file["path"]: file["size"] for file in client.get(f"/{project['id']}/files").json()["files"]}


def logs(client: httpx.Client, job: Json) -> str:
    answer = client.get(f"/{job['project_id']}/jobs/{job['id']}/logs")
    assert answer.status_code == 200
    return answer.text


def require_failure(client: httpx.Client, job: Json, kind: str) -> None:
    """The job failed, everything that tells of it agrees, and the backend wrote the result itself."""
    assert (job["status"], job["failure_kind"]) == ("error", kind)
    assert (job["result"]["written_by"], job["result"]["errors"]) == ("backend", [kind])
    assert job["result"]["job_id"] == job["id"]
    project = client.get(f"/projects/{job['project_id']}").json()
    assert (project["status"], project["summary"]) == ("error", job["result"]["summary"])
    served = client.get(f"/{job['project_id']}/files/.codex/result.json").json()
    assert json.loads(served["contents"]) == job["result"]


def delete(client: httpx.Client, backend, project: Json) -> None:
    """Deleting the project leaves nothing of it: no answer, no directory, no copies."""
    assert client.delete(f"/projects/{project['id']}").status_code == 200
    assert client.get(f"/projects/{project['id']}").status_code == 404
    assert not (backend.workspaces / project["id"]).exists()
    assert not (backend.home / "state" / "jobs" / project["id"]).exists()


class TestEnds:
    @pytest.mark.parametrize(
        ("do", "arguments"),
        [
            ("leave_half", {}),
            ("leave_list", {}),
            ("leave_huge", {}),
            ("leave_fifo", {}),
            ("leave_directory", {}),
            ("leave_fields", {"contents": "print(1)"}),
            ("leave_fields", {"status": "done"}),
            ("leave_fields", {"project_id": "00000000-0000-4000-8000-000000000000"}),
            ("leave_fields", {"created_files": ["../../etc/passwd"]}),
        ],
    )
    def test_a_result_that_breaks_the_contract_never_completes_a_job(self, client, do, arguments):
        _, job = first_job(client, do, **arguments)
        require_failure(client, job, "result_invalid")
        assert job["exit_code"] == 0

    def test_the_result_of_an_earlier_job_is_not_taken_for_this_one_s(self, client):
        project, first = first_job(client, "keep_result")
        assert first["status"] == "completed"
        second = next_job(client, project, "leave_kept_result")
        require_failure(client, second, "result_invalid")
        assert get_job(client, project)["result"] == first["result"]

    def test_a_worker_that_leaves_nothing_serves_no_older_result(self, client):
        project, first = first_job(client, "succeed")
        assert first["status"] == "completed"
        require_failure(client, next_job(client, project, "leave_nothing"), "result_missing")

    def test_a_worker_that_exits_1_has_crashed_whatever_result_it_left(self, client):
        project, job = first_job(client, "succeed_and_exit", code=1)
        require_failure(client, job, "crashed")
        assert job["exit_code"] == 1
        assert "exit code 1" in job["result"]["summary"]
        assert next_job(client, project, "succeed")["status"] == "completed"

    def test_a_segmentation_fault_is_a_crash_with_its_signal_named(self, client):
        _, job = first_job(client, "succeed_and_segfault")
        require_failure(client, job, "crashed")
        assert job["exit_code"] == 139
        assert "SIGSEGV" in job["result"]["summary"]

    def test_a_worker_over_the_memory_limit_ends_as_oom(self, client):
        _, job = first_job(client, "exhaust_memory")
        require_failure(client, job, "oom")
        assert (job["exit_code"], job["container"]["oom_killed"]) == (137, True)

    def test_a_child_killed_for_memory_is_a_warning_and_the_result_decides(self, client):
        _, job = first_job(client, "exhaust_memory_in_a_child")
        assert job["result"]["logs"] == ["child=-9"]
        assert (job["status"], job["failure_kind"]) == ("completed", None)
        assert "oom-killed-child" in job["container"]["warnings"]

    def test_a_fork_bomb_meets_the_pid_limit_and_nobody_else_notices(self, client):
        _, job = first_job(client, "fork_without_end")
        assert (job["status"], job["failure_kind"]) == ("error", None)
        count, refusal = job["result"]["logs"]
        assert 0 < int(count) < PIDS
        assert "[Errno 11]" in refusal
        assert client.get("/ready").status_code == 200

    def test_a_worker_that_ignores_sigterm_is_killed_when_its_job_is_cancelled(self, client, backend, witness):
        project = new_project(client, told("ignore_sigterm"))
        witness.wait_for("start", project["job_id"])
        while "ready" not in logs(client, {"project_id": project["id"], "id": project["job_id"]}):
            assert get_job(client, project)["status"] == "in_progress"
        # It has written a result that says success; until its end nobody is told.
        assert (backend.workspaces / project["id"] / ".codex/result.json").exists()
        assert read(client, project, ".codex/result.json").status_code == 404
        assert ".codex/result.json" not in listed(client, project)
        assert client.post(f"/{project['id']}/jobs/{project['job_id']}/cancel").status_code == 200
        job = get_ended(client, project)
        require_failure(client, job, "cancelled")
        assert (job["exit_code"], job["container"]["stop_reason"]) == (137, "cancelled")
        witness.wait_until_gone(job["id"])


class TestWhatIsLeftLyingAbout:
    def test_a_flooded_log_is_cut_to_its_end_and_says_so(self, client):
        _, job = first_job(client, "flood")
        assert job["status"] == "completed"
        text = logs(client, job)
        assert text.startswith("[older output was dropped]\n")
        assert text.endswith("\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\0 the very end")
        assert len(text.encode()) < LOG_BYTES + 100
        assert (job["container"]["log_truncated"], job["container"]["log_bytes"]) == (True, LOG_BYTES)

    def test_a_full_tmp_is_the_worker_s_own_error(self, client):
        _, job = first_job(client, "fill_tmp")
        # Where a tmpfs counts as memory of the worker, the smaller limit answers first.
        assert (job["status"], job["failure_kind"]) in {("error", None), ("error", "oom")}
        if job["failure_kind"] is None:
            assert "[Errno 28]" in job["result"]["logs"][0]

    def test_a_file_of_200_mebibytes_is_listed_never_read_and_deleted(self, client, backend):
        project, job = first_job(client, "write_big_file")
        assert job["status"] == "completed"
        assert listed(client, project)["big.bin"] == 200 * MEBIBYTE
        assert read(client, project, "big.bin").status_code == 413
        delete(client, backend, project)

    def test_locked_directories_and_files_are_left_out_and_still_deleted(self, client, backend):
        project, job = first_job(client, "lock_everything")
        assert job["status"] == "completed"
        workspace = backend.workspaces / project["id"]
        assert stat.S_IMODE((workspace / "locked").stat().st_mode) == 0
        assert client.get(f"/{project['id']}/files").status_code == 200
        delete(client, backend, project)

    def test_fifos_sockets_and_odd_links_hold_up_no_listing_and_no_reading(self, client, backend):
        project, job = first_job(client, "leave_special_files")
        assert job["status"] == "completed"
        assert set(listed(client, project)) == {".codex/request.json", ".codex/result.json", "plain.txt"}
        answers = {path: read(client, project, path).status_code for path in ("fifo", "socket", "loop", "dangling")}
        assert answers == {"fifo": 404, "socket": 404, "loop": 400, "dangling": 404}
        assert read(client, project, "plain.txt").json()["contents"] == "plain"
        delete(client, backend, project)


class TestLinks:
    @pytest.fixture
    def outside(self, tmp_path):
        """A file of the host that no worker may make the backend read or write."""
        path = tmp_path / "outside.json"
        path.write_text('{"of": "the host"}')
        path.chmod(0o666)
        return path

    def test_links_in_place_of_files_make_the_backend_read_and_write_nothing_outside(self, client, backend, outside):
        project, job = first_job(client, "link_files_out", target=str(outside))
        require_failure(client, job, "result_invalid")
        assert [read(client, project, path).status_code for path in ("app.py", ".codex/request.json")] == [400, 400]
        assert set(listed(client, project)) == {".codex/result.json"}
        later = next_job(client, project, "succeed")
        assert later["status"] == "completed"
        assert json.loads(read(client, project, ".codex/request.json").json()["contents"])["job_id"] == later["id"]
        assert outside.read_text() == '{"of": "the host"}'
        delete(client, backend, project)
        assert outside.read_text() == '{"of": "the host"}'

    def test_a_result_that_is_a_link_to_the_kept_copy_of_another_one_is_refused(self, client):
        _, other = first_job(client, "succeed")
        _, job = first_job(client, "leave_link", target=other["result_path"])
        require_failure(client, job, "result_invalid")

    def test_a_linked_codex_directory_is_replaced_and_never_followed(self, client, backend, outside):
        project, job = first_job(client, "link_codex_out", target=str(outside.parent))
        require_failure(client, job, "result_invalid")
        assert next_job(client, project, "succeed")["status"] == "completed"
        assert not (backend.workspaces / project["id"] / ".codex").is_symlink()
        assert [path.name for path in outside.parent.iterdir()] == [outside.name]
        delete(client, backend, project)
        assert outside.read_text() == '{"of": "the host"}'


class TestSecrets:
    def test_a_secret_that_a_worker_prints_or_writes_as_its_result_is_kept_nowhere(self, client, backend, docker_api):
        project, job = first_job(client, "tell_secret")
        assert job["status"] == "completed"
        assert job["container"]["redactions"] > 0
        answers = [
            json.dumps(get_job(client, project)),
            client.get(f"/projects/{project['id']}").text,
            client.get("/projects/").text,
            read(client, project, ".codex/result.json").text,
            read(client, project, ".codex/request.json").text,
            logs(client, job),
            httpx.get(f"{client.base_url.copy_with(path='/metrics')}", trust_env=False).text,
        ]
        kept = [path.read_bytes() for path in backend.home.rglob("*") if path.is_file()]
        assert any(b"[REDACTED]" in content for content in kept)
        everything = "\n".join([*answers, *backend.log]).encode() + b"\n".join(kept)
        for form in self.forms():
            assert form not in everything

    @staticmethod
    def forms() -> list[bytes]:
        """What must not be found: whole, reversed, encoded, or either half of the split value."""
        half = len(CANARY) // 2
        plain = [CANARY, CANARY[:half], CANARY[half:], CANARY[::-1], "".join(f"\\u{ord(c):04x}" for c in CANARY)]
        # The middle of the base64 text, which does not depend on the characters around the value.
        return [text.encode() for text in plain] + [b"c2stY2FuYXJ5", b"3qZ8", b"ay1jYW5hcnk"]


@pytest.fixture(scope="module")
def found(backend):
    """What a hostile worker reached, while another project lies beside its own."""
    neighbour, _ = first_job(backend.client, "write_file", path="app.py", text="not yours")
    places = {"port": backend.port, "pid": backend.pid, "directory": neighbour["workspace_path"]}
    _, job = first_job(backend.client, "look_around", **places)
    assert job["status"] == "completed", job
    return json.loads(job["result"]["logs"][0])


class TestEscape:
    def test_it_sees_its_own_documents_and_those_of_no_other_project(self, found):
        assert found["documents"] == ["/workspace/.codex/request.json"]
        assert found["host_directory"] == "ENOENT"

    def test_it_writes_to_its_workspace_and_to_places_that_vanish_with_it(self, found):
        assert {"/workspace", "/workspace/.codex", "/tmp"} <= set(found["writable"])
        assert set(found["writable"]) <= {"/workspace", "/workspace/.codex", "/tmp", "/dev/shm", "/dev/mqueue"}
        assert found["own_program"] in {"EROFS", "EACCES"}

    def test_it_finds_no_engine_no_backend_and_no_network(self, found):
        assert (found["sockets"], found["engine"]) == ([], "ENOENT")
        assert found["backend_on_loopback"] == "ECONNREFUSED"
        assert found["bridge_gateway"] == "ENETUNREACH"
        assert found["raw_socket"] == "EPERM"
        assert found["interfaces"] == ["lo"]

    def test_it_is_not_root_and_cannot_become_root(self, found):
        assert 0 not in found["ids"]
        assert (found["setuid"], found["setgid"], found["setgroups"]) == ("EPERM", "EPERM", "EPERM")
        assert found["own_user_namespace"] == "EPERM"

    def test_it_sees_and_touches_no_process_but_its_own(self, found):
        assert found["processes"] == ["docker-init", "python3"]
        assert (found["trace_the_backend"], found["kill_the_backend"]) == ("ESRCH", "ESRCH")

    def test_it_cannot_mount_make_devices_or_speak_to_the_kernel(self, found):
        refused = {found[name] for name in ("mount", "remount", "chroot", "device", "give_away")}
        assert refused == {"EPERM"}
        assert {found["core_pattern"], found["sysrq"]} <= {"EROFS", "EACCES", "ENOENT"}


class TestPlainUser:
    """A backend without root: its workers run as its own user, so that user can delete whatever they leave."""

    @pytest.fixture(scope="class")
    @classmethod
    def plain(cls, docker_api, scripted):
        # Not below the test's own directory: its parents are locked to other users.
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            called = cls.without_root(home)
            with running_backend(home, docker_api, image=scripted, **called) as running:
                yield running

    @staticmethod
    def without_root(home: Path) -> dict[str, Any]:
        """How to run a backend without root; as root, that needs another user and a program which it can reach."""
        if os.geteuid() != 0:
            return {}
        copy = install_copy(home)
        os.chown(home, PLAIN_USER, PLAIN_USER)
        user, group = f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}"
        engine = f"--groups={Path(engine_socket()).stat().st_gid}"
        python = ["setpriv", user, group, engine, "--inh-caps=-all", "--no-new-privs", str(copy.python)]
        return {"python": python} | copy.environment

    @staticmethod
    def rights(process: int) -> dict[str, str]:
        """The kernel's word on who a process is and what it may do."""
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def test_the_backend_has_no_right_that_a_plain_user_has_not(self, plain):
        rights = self.rights(plain.pid)
        assert "0" not in rights["Uid"].split()
        assert {int(rights[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}

    def test_everything_that_a_worker_leaves_belongs_to_it_and_is_deleted(self, plain, docker_api):
        user = plain.workspaces.stat().st_uid
        assert user != 0
        project, job = first_job(plain.client, "lock_everything")
        assert job["status"] == "completed"
        assert job["container"]["granted"]["user"].startswith(f"{user}:")
        assert (plain.workspaces / project["id"] / "locked").stat().st_uid == user
        delete(plain.client, plain, project)
