"""What goes wrong around a job: the backend dies, the engine balks, a container or a workspace vanishes, time runs out.

Each test ends with every job ended, the API answering, and no container left. A worker that holds until it is told to
go on makes the moment of a fault certain; a socket between backend and engine makes its place certain.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pytest
from backend_process import BackendProcess, containers_of, new_instance, running_backend
from docker.errors import NotFound
from engine_proxy import CREATE, START, engine_proxy
from engine_witness import EngineWitness
from scripted_image import told
from support.api_calls import COMMENT, GENERATE, Json, get_ended, get_job, new_job, new_project

from worker.contract import Label

pytestmark = pytest.mark.docker

LONG = "long_run: wait for a while"
HOLD = told("hold")
NEVER_STARTED = "The job was cancelled while it waited; no worker was started."


@pytest.fixture(scope="module")
def backend(docker_api, scripted, tmp_path_factory):
    """One that goes on running whatever happens to its jobs."""
    with running_backend(tmp_path_factory.mktemp("faults"), docker_api, image=scripted) as running:
        yield running


@pytest.fixture(scope="module")
def witness(backend):
    with EngineWitness(backend.instance) as watching:
        yield watching


def go_on(backend: BackendProcess, project: Json) -> None:
    """Tell a holding worker to end."""
    (backend.workspaces / project["id"] / "go").touch()


def container_of(witness: EngineWitness, project: Json) -> str:
    """Id of the container of the project's first job, once it runs."""
    return str(witness.wait_for("start", project["job_id"])["Actor"]["ID"])


def require_failure(backend: BackendProcess, project: Json, kind: str) -> Json:
    job = get_ended(backend.client, project)
    assert (job["status"], job["failure_kind"]) == ("error", kind)
    served = backend.client.get(f"/{project['id']}/files/.codex/result.json").json()
    assert json.loads(served["contents"]) == job["result"]
    assert (job["result"]["written_by"], job["result"]["errors"]) == ("backend", [kind])
    return job


def require_one_container(witness: EngineWitness, job: Json) -> None:
    """One container was made for the job, it is the one that the job tells of, and it is gone."""
    assert witness.wait_until_gone(job["id"]) == job["container"]["container_id"]
    assert job["container"]["attempt"] == 1


@dataclass(frozen=True, slots=True)
class Restarted:
    """A backend that was killed with jobs in every state, and started again.

    Attributes:
        projects: By the state in which the kill met their jobs.
        waiting: A job behind the running one of ``running``.
        created: The container that was made and not yet started.
        seen: What the API said about the running and the waiting job right after the start.
    """

    backend: BackendProcess
    witness: EngineWitness
    projects: dict[str, Json]
    waiting: Json
    created: str
    seen: tuple[str, str]


@pytest.fixture(scope="module")
def restarted(docker_api, scripted, tmp_path_factory):
    home = tmp_path_factory.mktemp("restarted")
    with (
        engine_proxy() as proxy,
        running_backend(home, docker_api, image=scripted, DOCKER_HOST=proxy.host, MAX_CONCURRENT_JOBS="8") as backend,
        EngineWitness(backend.instance) as witness,
    ):
        projects = {state: new_project(backend.client, HOLD) for state in ("running", "ended", "vanished")}
        projects["crashed"] = new_project(backend.client, told("hold", exit_code=7))
        containers = {state: container_of(witness, project) for state, project in projects.items()}
        waiting = new_job(backend.client, projects["running"], told("succeed", summary="waited"))
        proxy.lose_answer(CREATE)
        projects["creating"] = new_project(backend.client, told("succeed"))
        proxy.wait_until_reached()
        proxy.hold_back(START)
        projects["created"] = new_project(backend.client, told("succeed"))
        proxy.wait_until_reached()
        backend.kill()
        for state in ("ended", "crashed"):
            go_on(backend, projects[state])
            witness.wait_for("die", projects[state]["job_id"])
        docker_api.remove_container(containers["vanished"], force=True)
        created = witness.wait_for("create", projects["created"]["job_id"])["Actor"]["ID"]
        assert docker_api.inspect_container(created)["State"]["Status"] == "created"
        backend.start(DOCKER_HOST="")
        running = projects["running"]
        seen = tuple(get_job(backend.client, running, job)["status"] for job in (running["job_id"], waiting["id"]))
        yield Restarted(backend, witness, projects, waiting, created, seen)


class TestKilledBackend:
    """``kill -9`` with one job in each state, then a start over the same data."""

    def test_a_running_worker_is_adopted_and_the_job_behind_it_goes_on_waiting(self, restarted):
        backend, project = restarted.backend, restarted.projects["running"]
        assert restarted.seen == ("in_progress", "queued")
        go_on(backend, project)
        job, behind = (
            get_ended(backend.client, project, each) for each in (project["job_id"], restarted.waiting["id"])
        )
        assert (job["status"], job["result"]["written_by"]) == ("completed", "worker")
        assert (behind["status"], behind["result"]["summary"]) == ("completed", "waited")
        assert job["finished_at"] <= behind["started_at"]
        for ended in (job, behind):
            require_one_container(restarted.witness, ended)

    @pytest.mark.parametrize(
        ("state", "status", "kind", "code"),
        [("ended", "completed", None, 0), ("crashed", "error", "crashed", 7)],
    )
    def test_a_worker_that_ended_meanwhile_is_judged_by_its_end(self, restarted, state, status, kind, code):
        job = get_ended(restarted.backend.client, restarted.projects[state])
        assert (job["status"], job["failure_kind"], job["exit_code"]) == (status, kind, code)
        require_one_container(restarted.witness, job)

    def test_a_worker_that_vanished_meanwhile_is_lost(self, restarted):
        require_failure(restarted.backend, restarted.projects["vanished"], "lost")

    def test_a_container_that_was_created_and_not_yet_started_is_started_once(self, restarted):
        job = get_ended(restarted.backend.client, restarted.projects["created"])
        assert (job["status"], job["container"]["container_id"]) == ("completed", restarted.created)
        require_one_container(restarted.witness, job)

    def test_a_container_whose_id_never_arrived_is_found_by_its_name(self, restarted):
        job = get_ended(restarted.backend.client, restarted.projects["creating"])
        assert job["status"] == "completed"
        require_one_container(restarted.witness, job)

    def test_a_worker_is_ended_at_its_own_deadline_by_the_next_process(self, run_backend, scripted, watch):
        backend = run_backend(scripted, JOB_TIMEOUT_SECONDS="3", JOB_STOP_GRACE_SECONDS="0")
        witness = watch(backend)
        project = new_project(backend.client, told("ignore_sigterm"))
        witness.wait_for("start", project["job_id"])
        backend.kill()
        backend.start(JOB_TIMEOUT_SECONDS="600")
        job = require_failure(backend, project, "timeout")
        require_one_container(witness, job)


class TestStoppedBackend:
    def test_sigterm_cancels_a_running_job_keeps_a_waiting_one_and_exits_0(
        self, run_backend, scripted, watch, docker_api
    ):
        backend = run_backend(scripted)
        project = new_project(backend.client, HOLD)
        waiting = new_job(backend.client, project, told("succeed"))
        watch(backend).wait_for("start", project["job_id"])
        assert backend.terminate() == 0
        assert containers_of(docker_api, backend.instance) == []
        backend.start()
        assert get_ended(backend.client, project, waiting["id"])["status"] == "completed"
        job = get_job(backend.client, project)
        assert (job["failure_kind"], job["container"]["stop_reason"]) == ("cancelled", "shutdown")

    def test_after_a_change_to_mocked_mode_live_projects_are_read_and_edited_without_a_container(
        self, run_backend, worker_image, watch
    ):
        backend = run_backend(worker_image)
        witness = watch(backend)
        project = new_project(backend.client, GENERATE)
        live = get_ended(backend.client, project)
        assert backend.terminate() == 0
        backend.start(USE_DUMMY_WORKER="True")
        assert backend.client.get("/ready").json()["mode"] == "mocked"
        assert get_job(backend.client, project)["result"] == live["result"]
        before = self.files(backend, project)
        edited = new_job(backend.client, project, COMMENT)
        assert edited["status"] == "completed"
        after = self.files(backend, project)
        result = get_job(backend.client, project, edited["id"])["result"]
        assert (result["engine"], result["created_files"], result["modified_files"]) == ("dummy", [], ["app.py"])
        assert after.pop("app.py") == before.pop("app.py") + f"# Edit applied: {COMMENT}\n"
        assert after == before
        assert witness.seen("create", edited["id"]) == []

    @staticmethod
    def files(backend, project):
        names = [file["path"] for file in backend.client.get(f"/{project['id']}/files").json()["files"]]
        own = [name for name in names if not name.startswith(".codex/")]
        return {name: backend.client.get(f"/{project['id']}/files/{name}").json()["contents"] for name in own}


class TestEngine:
    def test_a_container_removed_behind_our_back_is_a_lost_job(self, backend, witness, docker_api):
        project = new_project(backend.client, HOLD)
        docker_api.remove_container(container_of(witness, project), force=True)
        require_failure(backend, project, "lost")

    def test_a_container_killed_by_somebody_else_is_a_crash(self, backend, witness, docker_api):
        project = new_project(backend.client, HOLD)
        docker_api.kill(container_of(witness, project))
        job = require_failure(backend, project, "crashed")
        assert "which this backend did not send" in job["result"]["summary"]

    def test_a_missing_image_fails_the_launch_and_readiness_names_the_repair(self, run_backend):
        backend = run_backend("ladder-no-such-image:latest")
        ready = backend.client.get("/ready")
        assert (ready.status_code, ready.json()["engine_reachable"]) == (503, True)
        assert ready.json()["problem"].startswith("image-missing: ")
        assert "build" in ready.json()["hint"]
        job = require_failure(backend, new_project(backend.client, GENERATE), "launch_failed")
        assert "image-missing" in job["result"]["summary"]
        assert backend.client.get("/health").status_code == 200

    def test_an_engine_that_goes_away_and_comes_back_costs_no_running_job(self, run_backend, scripted, watch):
        with engine_proxy() as proxy:
            backend = run_backend(scripted, DOCKER_HOST=proxy.host)
            witness = watch(backend)
            project = new_project(backend.client, HOLD)
            container_of(witness, project)
            proxy.go_away()
            away = backend.client.get("/ready")
            assert (away.status_code, away.json()["engine_reachable"]) == (503, False)
            refused = require_failure(backend, new_project(backend.client, told("succeed")), "launch_failed")
            assert "(engine-" in refused["result"]["summary"]
            assert get_job(backend.client, project)["status"] == "in_progress"
            proxy.come_back()
            go_on(backend, project)
            job = get_ended(backend.client, project)
            assert job["status"] == "completed"
            require_one_container(witness, job)
            backend.stop()


class TestWorkspace:
    @pytest.fixture
    def project(self, backend):
        made = new_project(backend.client, told("succeed"))
        assert get_ended(backend.client, made)["status"] == "completed"
        shutil.rmtree(backend.workspaces / made["id"])
        return made

    def test_a_deleted_workspace_fails_the_launch_and_is_not_made_anew(self, backend, project):
        edit = new_job(backend.client, project, told("succeed"))
        require_failure(backend, project | {"job_id": edit["id"]}, "launch_failed")
        assert not (backend.workspaces / project["id"]).exists()
        assert backend.client.get(f"/{project['id']}/files").json() == {"files": []}

    def test_a_file_in_place_of_a_workspace_fails_the_launch(self, backend, project):
        workspace = backend.workspaces / project["id"]
        workspace.write_text("no directory")
        edit = new_job(backend.client, project, told("succeed"))
        require_failure(backend, project | {"job_id": edit["id"]}, "launch_failed")
        assert workspace.read_text() == "no directory"
        assert backend.client.delete(f"/projects/{project['id']}").status_code == 200
        assert not workspace.exists()


class TestTime:
    def test_a_job_past_its_deadline_ends_as_timeout(self, run_backend, worker_image, watch):
        backend = run_backend(worker_image, JOB_TIMEOUT_SECONDS="1", SLEEP_SECONDS="30")
        witness = watch(backend)
        project = new_project(backend.client, LONG)
        job = require_failure(backend, project, "timeout")
        assert job["container"]["stop_reason"] == "timeout"
        require_one_container(witness, job)
        assert get_ended(backend.client, new_project(backend.client, "force_error: at once"))["status"] == "error"


class TestNeighbours:
    """Two backends, and what is left of an earlier one, on one engine."""

    @pytest.fixture
    def leave_container(self, docker_api, scripted):
        """Leave a running container behind, with the labels that a backend would have given it."""
        left = []

        def leave(instance):
            made = docker_api.create_container(
                scripted,
                ["python3", "-c", "import signal; signal.pause()"],
                labels={Label.INSTANCE: instance, Label.PROJECT: "gone", Label.JOB: "gone", Label.ATTEMPT: "1"},
                host_config=docker_api.create_host_config(network_mode="none"),
            )["Id"]
            left.append(made)
            docker_api.start(made)
            return made

        yield leave
        for container in left:
            with suppress(NotFound):
                docker_api.remove_container(container, force=True)

    def test_a_starting_backend_reaps_its_own_orphans_and_touches_no_neighbour(
        self, backend, witness, run_backend, scripted, docker_api, leave_container
    ):
        name = new_instance()
        # The engine lists the newest first, so what belongs to others would have been removed before the orphan.
        orphan, foreign = leave_container(name), leave_container(f"{name}-other")
        project = new_project(backend.client, HOLD)
        neighbours = {foreign, container_of(witness, project)}
        second = run_backend(scripted, LADDER_INSTANCE=name)
        second.wait_for_log(lambda line: '"worker.reaped"' in line)
        assert [event["ref"] for event in second.events("worker.reaped")] == [orphan]
        assert get_ended(second.client, new_project(second.client, told("succeed")))["status"] == "completed"
        assert second.client.get(f"/projects/{project['id']}").status_code == 404
        assert second.terminate() == 0
        assert all(docker_api.inspect_container(container)["State"]["Running"] for container in neighbours)
        go_on(backend, project)
        job = get_ended(backend.client, project)
        assert job["status"] == "completed"
        require_one_container(witness, job)


class TestLoad:
    WAITING = 30

    def test_with_every_place_taken_and_thirty_more_waiting_every_get_answers_and_every_job_ends(
        self, run_backend, scripted, watch
    ):
        backend = run_backend(scripted, MAX_CONCURRENT_JOBS="2", JOB_TIMEOUT_SECONDS="300")
        client, witness = backend.client, watch(backend)
        running = [new_project(client, HOLD) for _ in range(2)]
        for project in running:
            witness.wait_for("start", project["job_id"])
        waiting = [new_project(client, told("succeed")) for _ in range(self.WAITING)]
        with ThreadPoolExecutor(self.WAITING) as pool:
            waits = [pool.submit(get_ended, client, project) for project in waiting]
            for path in self.paths(running[0], waiting[0]):
                assert client.get(path).status_code == 200, path
            ready = client.get("/ready").json()
            assert (ready["running_jobs"], ready["queue_depth"]) == (2, self.WAITING)
            for project in waiting[2:]:
                self.cancel_waiting(client, project)
            for project in running:
                go_on(backend, project)
            ended = [wait.result() for wait in waits]
        # The summary is compared for what it tells of another end: an engine that went away shows there.
        ends = [(job["status"], job["failure_kind"], job["result"]["summary"]) for job in ended]
        assert ends[:2] == [("completed", None, "Done as told.")] * 2
        assert set(ends[2:]) == {("error", "cancelled", NEVER_STARTED)}
        assert [get_ended(client, project)["status"] for project in running] == ["completed", "completed"]
        assert not [project for project in waiting[2:] if witness.seen("create", project["job_id"])]

    @staticmethod
    def cancel_waiting(client, project):
        answer = client.post(f"/{project['id']}/jobs/{project['job_id']}/cancel")
        assert answer.status_code == 200, answer.text
        assert (answer.json()["status"], answer.json()["failure_kind"]) == ("error", "cancelled")

    @staticmethod
    def paths(running: Json, waiting: Json) -> list[str]:
        found = ["/health", "/ready", "/projects/", "/../../docs", "/../../openapi.json", "/../../metrics"]
        for project in (running, waiting):
            place = f"/{project['id']}"
            job = f"{place}/jobs/{project['job_id']}"
            found += [f"/projects{place}", f"{place}/files", f"{place}/jobs", job, f"{job}/logs"]
        return found
