"""Traces of jobs in real containers: one from the caller's step to every write, and readable after any kill (N16)."""

from __future__ import annotations

import pytest
from backend_process import BackendProcess, running_backend
from engine_witness import EngineWitness
from scripted_image import told
from support.api_calls import get_ended, get_job, new_project

pytestmark = pytest.mark.docker

TRACEPARENT = "00-0190aaaabbbb7ccc8ddd0123456789ab-00f067aa0ba902b7-03"
LONG = "long_run: wait for a while"
CALLS = ["create", "start", "wait", "collect", "remove"]


@pytest.fixture(scope="module")
def backend(docker_api, worker_image, tmp_path_factory):
    home = tmp_path_factory.mktemp("traces")
    with running_backend(home, docker_api, image=worker_image, SLEEP_SECONDS="600") as running:
        yield running


def trace_of(backend: BackendProcess, project):
    answer = backend.client.get(f"/{project['id']}/jobs/{project['job_id']}/trace")
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_name(trace):
    return {span["name"]: span for span in trace["spans"]}


def parents(trace, name):
    """Names from a span up to the request."""
    spans, found = {span["span_id"]: span for span in trace["spans"]}, []
    span = by_name(trace)[name]
    while span is not None:
        found.append(span["name"])
        span = spans.get(span["parent_span_id"])
    return found


def test_one_trace_reaches_from_the_callers_step_into_the_container_and_to_every_write(backend):
    project = new_project(backend.client, traceparent=TRACEPARENT)
    job = get_ended(backend.client, project)
    trace, container = trace_of(backend, project), job["container"]
    spans = by_name(trace)
    assert (job["status"], trace["incomplete"], trace["dropped"]) == ("completed", False, {})
    assert parents(trace, "write files")[-4:] == ["worker run", "docker run", "job", "POST /api/v1/projects/"]
    assert spans["POST /api/v1/projects/"]["parent_span_id"] == "00f067aa0ba902b7"
    run = spans["docker run"]["attributes"]
    assert (run["container.id"], run["container.image.id"]) == (container["container_id"], container["image_digest"])
    calls = [span for span in trace["spans"] if span["parent_span_id"] == spans["docker run"]["span_id"]]
    assert [span["operation"] for span in calls if span["layer"] == "RUNNER"] == CALLS
    written = [(write["op"], *write["tables"], write["outcome"]) for write in trace["db_writes"]]
    assert sorted(written) == sorted(
        [
            *(("INSERT", table, "committed") for table in ("projects", "jobs", "attempts")),
            *(("UPDATE", table, "committed") for table in ("jobs", "jobs", "attempts", "attempts")),
        ]
    )
    assert trace["pipeline"]["pipeline_status"] == "SUCCESS"


def test_a_worker_that_is_killed_leaves_its_open_spans_marked(backend, docker_api):
    with EngineWitness(backend.instance) as witness:
        project = new_project(backend.client, LONG)
        container = witness.wait_for("start", project["job_id"])["Actor"]["ID"]
        worker_log = f"/{project['id']}/jobs/{project['job_id']}/logs"
        while "sleep_seconds=" not in backend.client.get(worker_log).text:
            get_job(backend.client, project, Prefer="wait=1")
        docker_api.kill(container)
        job = get_ended(backend.client, project)
    assert (job["status"], job["failure_kind"]) == ("error", "crashed")
    trace = trace_of(backend, project)
    spans = by_name(trace)
    assert trace["incomplete"]
    assert {name for name, span in spans.items() if span["incomplete"]} == {"worker run", "wait"}
    assert spans["read request"]["status"] == "OK"
    assert (spans["docker run"]["error_type"], trace["pipeline"]["pipeline_status"]) == ("crashed", "FAILED")


def test_a_backend_that_is_killed_leaves_a_readable_trace_and_its_next_process_goes_on_with_it(
    docker_api, scripted, tmp_path
):
    with running_backend(tmp_path, docker_api, image=scripted) as backend, EngineWitness(backend.instance) as witness:
        project = new_project(backend.client, told("hold"))
        witness.wait_for("start", project["job_id"])
        before = by_name(trace_of(backend, project))
        backend.kill()
        backend.start()
        meanwhile = trace_of(backend, project)
        assert meanwhile["pipeline"]["pipeline_status"] == "RUNNING"
        (backend.workspaces / project["id"] / "go").touch()
        assert get_ended(backend.client, project)["status"] == "completed"
        after = trace_of(backend, project)
        spans = by_name(after)
        assert after["pipeline"]["pipeline_status"] == "SUCCESS"
        for name in ("job", "docker run"):
            assert (spans[name]["span_id"], spans[name]["status"]) == (before[name]["span_id"], "OK")
        # The call in which the first process died never ended, and its successor made another one.
        waits = [span for span in after["spans"] if span["name"] == "docker wait"]
        assert sorted(span["incomplete"] for span in waits) == [False, True]
        assert after["incomplete"]
