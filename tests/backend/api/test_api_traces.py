"""Traces over HTTP: whole documents by a shipped schema, lists with filters and pages, nothing that changes them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from support.api_calls import get_ended, get_job, new_job, new_project, require_envelope, serve_held
from support.held_launcher import HeldLauncher
from support.http_server import serve_backend

import backend.api
from backend.api.trace_schemas import TraceOut
from worker.contract import JobStatus

SCHEMA = Path(backend.api.__file__).with_name("trace.schema.json")
TRACEPARENT = "00-0190aaaabbbb7ccc8ddd0123456789ab-00f067aa0ba902b7-03"
TRACE_ID = "0190aaaa-bbbb-7ccc-8ddd-0123456789ab"
CANARY = "sk-canary-9Lk2Hj4Gf6"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve_backend(tmp_path_factory.mktemp("traces"), openai_api_key=CANARY) as found:
        yield found


@pytest.fixture(scope="module")
def caller(server):
    with server.client() as found:
        yield found


@pytest.fixture(scope="module")
def traced(caller):
    """The trace of a project's first job, and the job."""
    project = new_project(caller, traceparent=TRACEPARENT)
    return get_trace(caller, project), get_job(caller, project)


def get_trace(client, project, job_id=None):
    answer = client.get(f"/{project['id']}/jobs/{job_id or project['job_id']}/trace")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_shipped_schema_is_that_of_the_answers():
    """When this fails on purpose, write ``TraceOut.json_schema()`` to the file anew."""
    assert json.loads(SCHEMA.read_text()) == TraceOut.json_schema()


def test_a_trace_keeps_to_the_schema(traced):
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(traced[0], schema, jsonschema.Draft202012Validator)


def mutations(document):
    """The document with one thing wrong with it."""
    for name in document:
        yield f"without {name}", {key: value for key, value in document.items() if key != name}
    yield "with more", document | {"more": 1}
    for name, bad in (("incomplete", "no"), ("spans", {}), ("trace_id_format", "other"), ("trace_id", "x")):
        yield f"bad {name}", document | {name: bad}
    for group in ("spans", "events", "db_writes"):
        first = document[group][0]
        for name in first:
            yield f"{group} without {name}", document | {group: [{k: v for k, v in first.items() if k != name}]}
            yield f"{group} bad {name}", document | {group: [first | {name: [["wrong"]]}]}
    yield (
        "a step that is true",
        document
        | {"pipeline": document["pipeline"] | {"steps": [document["pipeline"]["steps"][0] | {"step_number": True}]}},
    )


def test_the_schema_refuses_every_single_mistake(traced):
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    accepted = [what for what, wrong in mutations(traced[0]) if validator.is_valid(wrong)]
    assert accepted == []


def test_a_trace_reaches_from_the_callers_step_to_every_database_write(traced):
    document, job = traced
    spans = {span["span_id"]: span for span in document["spans"]}
    names = {span["name"]: span for span in document["spans"]}
    assert document["trace_id"] == job["trace_id"] == TRACE_ID
    path, span = [], names["write result"]
    while span is not None:
        path.append(span["name"])
        top, span = span, spans.get(span["parent_span_id"])
    assert path == ["write result", "worker run", "dummy run", "job", "POST /api/v1/projects/"]
    assert top["parent_span_id"] == "00f067aa0ba902b7"
    assert {span["layer"] for span in spans.values()} == {"HTTP", "APP", "RUNNER", "WORKER"}
    written = [(spans[write["span_id"]]["name"], write["op"], write["tables"]) for write in document["db_writes"]]
    assert sorted(map(str, written)) == sorted(
        map(
            str,
            [
                ("POST /api/v1/projects/", "INSERT", ["projects"]),
                ("POST /api/v1/projects/", "INSERT", ["jobs"]),
                ("job", "INSERT", ["attempts"]),
                ("job", "UPDATE", ["jobs"]),
                ("dummy run", "UPDATE", ["attempts"]),
                ("job", "UPDATE", ["attempts"]),
                ("job", "UPDATE", ["jobs"]),
            ],
        )
    )
    assert {(write["outcome"], write["rows"], write["committed_rows"]) for write in document["db_writes"]} == {
        ("committed", 1, 1)
    }
    assert document["capture"]["active"]
    assert (document["incomplete"], document["dropped"]) == (False, {})


def test_the_pipeline_says_what_ran_and_how_long(traced):
    document, job = traced
    pipeline = document["pipeline"]
    assert document["pipelines"] == [pipeline]
    assert (pipeline["pipeline_id"], pipeline["trace_id"]) == (job["id"], TRACE_ID)
    assert (pipeline["pipeline_status"], pipeline["intent_type"]) == ("SUCCESS", "initial_project")
    assert [step["agent_name"] for step in pipeline["steps"]] == ["dummy"]


def test_a_trace_is_found_by_either_form_of_its_id(caller, traced):
    dashed, plain = (caller.get(f"/traces/{form}") for form in (TRACE_ID, TRACE_ID.replace("-", "")))
    assert dashed.status_code == plain.status_code == 200
    assert dashed.json() == plain.json() == traced[0]


@pytest.mark.parametrize("trace_id", ["x", "f" * 32, TRACE_ID.upper(), "%2e%2e", "%2Fetc%2Fpasswd", "0" * 31, "é"])
def test_an_unknown_or_malformed_id_is_404(caller, trace_id):
    answer = caller.get(f"/traces/{trace_id}")
    assert answer.status_code == 404
    if "%2" not in trace_id:
        require_envelope(answer, 404, "Trace not found")


def test_another_projects_job_has_no_trace_here(caller, traced):
    other = new_project(caller)
    require_envelope(caller.get(f"/{other['id']}/jobs/{traced[1]['id']}/trace"), 404, "Job not found")


def test_reading_changes_nothing_and_nothing_else_is_allowed(caller, traced):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/traces", f"/traces/{TRACE_ID}"):
            assert caller.request(method, path).status_code == 405
    caller.get("/traces", headers={"traceparent": TRACEPARENT})
    assert caller.get(f"/traces/{TRACE_ID}").json() == traced[0]


def test_two_jobs_of_one_trace_are_told_apart(caller):
    ours = TRACEPARENT.replace("0190aaaa", "0190aaab")
    project = new_project(caller, traceparent=ours)
    job = new_job(caller, project, traceparent=ours)
    first, second = get_trace(caller, project), get_trace(caller, project, job["id"])
    assert first["trace_id"] == second["trace_id"]
    assert [p["intent_type"] for p in second["pipelines"]] == ["initial_project", "edit"]
    assert (first["pipeline"]["pipeline_id"], second["pipeline"]["pipeline_id"]) == (project["job_id"], job["id"])


def test_no_secret_is_in_any_trace(caller):
    project = new_project(caller, f"Make a program called {CANARY}.")
    caller.get(f"/{project['id']}/files/{CANARY}", headers={"traceparent": TRACEPARENT.replace("0190", "0191")})
    everything = "".join(
        json.dumps(caller.get(f"/traces/{trace['trace_id']}").json())
        for trace in caller.get("/traces", params={"limit": 100}).json()["traces"]
    )
    assert CANARY not in everything
    assert "Make a program called" not in everything.replace("[REDACTED]", "")
    assert "[REDACTED]" in everything


# lists


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A backend with jobs that succeeded, failed and were cancelled, oldest first, and its client."""
    held = HeldLauncher()
    with serve_held(tmp_path_factory.mktemp("several"), held) as backend, backend.client() as client:
        made = {}
        for name in ("good", "bad", "cancelled"):
            baggage = "evidence.trigger.source=ci" if name == "good" else "evidence.trigger.source=nonsense"
            project = new_project(client, traceparent=f"00-{len(made) + 1:032x}-00f067aa0ba902b7-03", baggage=baggage)
            held.wait_until_running(project["job_id"])
            if name == "cancelled":
                client.post(f"/{project['id']}/jobs/{project['job_id']}/cancel")
            else:
                held.finish(project["job_id"], **({} if name == "good" else {"status": "error", "errors": ["why"]}))
            assert get_ended(client, project)["status"] in set(JobStatus)
            made[name] = get_trace(client, project)
        yield client, made


def names(several, **filters):
    client, made = several
    answer = client.get("/traces", params=filters)
    assert answer.status_code == 200, answer.text
    known = {trace["trace_id"]: name for name, trace in made.items()}
    return [known[trace["trace_id"]] for trace in answer.json()["traces"] if trace["trace_id"] in known]


def test_the_newest_trace_comes_first(several):
    assert names(several) == ["cancelled", "bad", "good"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"status": "SUCCESS"}, ["good"]),
        ({"status": "FAILED"}, ["bad"]),
        ({"status": "CANCELLED"}, ["cancelled"]),
        ({"status": "RUNNING"}, []),
        ({"intent_type": "initial_project"}, ["cancelled", "bad", "good"]),
        ({"intent_type": "edit"}, []),
        ({"source": "ci"}, ["good"]),
        ({"source": "unknown", "status": "FAILED"}, ["bad"]),
        ({"source": "api"}, []),
        ({"until": "2001-01-01T00:00:00Z"}, []),
        ({"since": "2001-01-01T00:00:00+02:00"}, ["cancelled", "bad", "good"]),
        ({"since": "9999-12-31T23:59:59Z"}, []),
        ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, ["cancelled", "bad", "good"]),
    ],
)
def test_filters_let_pass_what_they_name(several, filters, found):
    assert names(several, **filters) == found


def test_dates_are_compared_as_instants(several):
    _, made = several
    start = datetime.fromisoformat(made["bad"]["started_at"]).astimezone(UTC)
    later = (start + timedelta(milliseconds=1)).isoformat()
    assert names(several, since=start.isoformat(), until=later) == ["bad"]


@pytest.mark.parametrize(
    "filters",
    [
        {"status": "failed"},
        {"source": "x"},
        {"since": "yesterday"},
        {"since": "2025-01-01T00:00:00"},
        {"until": "0.5"},
        {"limit": 0},
    ],
)
def test_a_filter_that_means_nothing_is_422(several, filters):
    assert several[0].get("/traces", params=filters).status_code == 422


@pytest.mark.parametrize("cursor", ["x", "", "1", "1-", "-1", "1-g", f"{'f' * 16}-1", "1-1-1"])
def test_a_cursor_of_somebody_else_is_400(several, cursor):
    require_envelope(several[0].get("/traces", params={"cursor": cursor}), 400, "Invalid cursor")


def test_pages_meet(several):
    client, _ = several
    seen, query = [], {"limit": 2}
    while True:
        page = client.get("/traces", params=query).json()
        seen += [trace["trace_id"] for trace in page["traces"]]
        if "next_cursor" not in page:
            break
        query["cursor"] = page["next_cursor"]
    whole = client.get("/traces", params={"limit": 100}).json()
    assert seen == [trace["trace_id"] for trace in whole["traces"]]
    assert len(seen) == len(set(seen))


def test_a_failed_trace_names_the_step_and_the_reason(several):
    client, made = several
    [found] = client.get("/traces", params={"status": "FAILED"}).json()["traces"]
    [pipeline] = found["pipelines"]
    assert pipeline["steps"][0]["status"] == "FAIL"
    assert pipeline["final_error"] == pipeline["steps"][0]["error_message"]
    assert pipeline["final_error"].startswith("result_error")
    assert found["trace_id"] == made["bad"]["trace_id"]


def test_average_durations_are_those_of_the_ended_pipelines(several):
    client, made = several
    durations = [
        (
            datetime.fromisoformat(trace["pipeline"]["completed_at"])
            - datetime.fromisoformat(trace["pipeline"]["started_at"])
        ).total_seconds()
        for trace in made.values()
    ]
    [mean] = client.get("/traces").json()["averages"]
    assert (mean["intent_type"], mean["count"]) == ("initial_project", 3)
    assert mean["average_duration_s"] == pytest.approx(sum(durations) / 3, abs=1e-6)


def test_traces_survive_a_restart(tmp_path):
    with serve_backend(tmp_path) as backend, backend.client() as client:
        project = new_project(client)
        before = get_trace(client, project)
    with serve_backend(tmp_path) as backend, backend.client() as client:
        assert get_trace(client, project) == before


def test_a_running_job_has_a_trace_that_says_so(tmp_path):
    held = HeldLauncher()
    with serve_held(tmp_path, held) as backend, backend.client() as client:
        project = new_project(client)
        held.wait_until_running(project["job_id"])
        document = get_trace(client, project)
        assert document["pipeline"]["pipeline_status"] == "RUNNING"
        assert document["pipeline"]["steps"][0]["status"] == "STARTED"
        assert {span["name"] for span in document["spans"] if span["end_ns"] is None} >= {"job", "docker run"}
        assert not document["incomplete"]
        held.finish(project["job_id"])


def test_with_recording_off_there_are_no_traces_and_jobs_are_the_same(tmp_path):
    with serve_backend(tmp_path, trace_enabled=False) as backend, backend.client() as client:
        project = new_project(client)
        assert project["status"] == "completed"
        assert client.get("/traces").json() == {"traces": [], "averages": []}
        answer = client.get(f"/{project['id']}/jobs/{project['job_id']}/trace")
        require_envelope(answer, 404, "Trace not found")


def test_tokens_guard_traces_too(tmp_path):
    with serve_backend(tmp_path, api_tokens=("token-5Rt6Yu7Io8",)) as backend, backend.client() as client:
        for path in ("/traces", f"/traces/{TRACE_ID}", "/a/jobs/b/trace"):
            assert client.get(path).status_code == 401


def test_the_metrics_tell_of_hooks_and_losses(server, caller):
    metrics = caller.get(f"{server.url}/metrics").text
    assert 'capture_active{hook="before_cursor_execute"} 1.0' in metrics
    assert "trace_incomplete_total 0.0" in metrics
    assert 'pipeline_runs_total{intent_type="initial_project",status="SUCCESS"}' in metrics
    assert 'trace_id="' not in metrics


def test_openmetrics_shows_a_trace_as_an_example_of_a_step(server, caller, traced):
    answer = caller.get(f"{server.url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    examples = [line for line in answer.text.splitlines() if "# {" in line]
    assert examples
    assert all(line.startswith("step_duration_seconds_bucket") for line in examples)
    assert answer.text.endswith("# EOF\n")
