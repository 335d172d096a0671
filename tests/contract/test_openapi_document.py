"""The published OpenAPI document: the contract's routes, statuses and fields, and an explanation of every part."""

import pytest
from support.http_server import serve_backend

P = "/api/v1"
EVERYWHERE = {413, 500}
OPERATIONS = {
    ("get", f"{P}/health"): ("health", {200}),
    ("get", f"{P}/ready"): ("ready", {200, 503}),
    ("post", f"{P}/projects/"): ("create_project", {200, 409, 422, 429}),
    ("get", f"{P}/projects/"): ("list_projects", {200, 400, 422}),
    ("get", f"{P}/projects/{{project_id}}"): ("get_project", {200, 404}),
    ("delete", f"{P}/projects/{{project_id}}"): ("delete_project", {200, 404}),
    ("post", f"{P}/{{project_id}}/jobs"): ("submit_job", {200, 404, 409, 422, 429}),
    ("get", f"{P}/{{project_id}}/jobs"): ("list_jobs", {200, 400, 404, 422}),
    ("get", f"{P}/{{project_id}}/jobs/{{job_id}}"): ("get_job", {200, 404}),
    ("post", f"{P}/{{project_id}}/jobs/{{job_id}}/cancel"): ("cancel_job", {200, 404, 409}),
    ("get", f"{P}/{{project_id}}/jobs/{{job_id}}/logs"): ("get_logs", {200, 404}),
    ("get", f"{P}/{{project_id}}/files"): ("list_files", {200, 404}),
    ("get", f"{P}/{{project_id}}/files/{{path}}"): ("read_file", {200, 304, 400, 404}),
    ("get", f"{P}/{{project_id}}/jobs/{{job_id}}/trace"): ("get_job_trace", {200, 404}),
    ("get", f"{P}/traces"): ("list_traces", {200, 400, 422}),
    ("get", f"{P}/traces/{{trace_id}}"): ("get_trace", {200, 404}),
    ("get", "/metrics"): ("metrics", {200}),
}
"""Contract §1.1, route by route; what every route may answer besides is ``EVERYWHERE``."""

PROJECT = {"id", "job_id", "instruction", "status", "summary", "workspace_path", "created_at", "updated_at"}
JOB = {
    *("id", "project_id", "job_type", "instruction", "status", "failure_kind", "engine", "trace_id"),
    *("created_at", "updated_at", "started_at", "finished_at"),
}
TRACE = {"trace_id", "trace_id_format", "started_at", "incomplete", "dropped", "capture", "pipelines"}
OBJECTS = {
    "ProjectOut": PROJECT,
    "ProjectDetail": PROJECT | {"jobs"},
    "JobOut": JOB,
    "JobDetail": JOB | {"result", "exit_code", "result_path", "logs_path", "container"},
    "FileList": {"files"},
    "FileEntryOut": {"path", "size"},
    "FileOut": {"path", "contents", "encoding"},
    "ErrorOut": {"error", "message", "code", "detail", "correlation_id"},
    "InvalidOut": {"error", "message", "code", "detail", "correlation_id"},
    "FaultOut": {"type", "loc", "msg", "input", "ctx"},
    "ProjectPage": {"projects", "next_cursor"},
    "JobPage": {"jobs", "next_cursor"},
    "TraceListOut": {"traces", "averages", "next_cursor"},
    "TraceSummaryOut": TRACE,
    "TraceOut": TRACE | {"schema_version", "pipeline", "spans", "events", "db_writes"},
}
"""Contract §1.2 to §1.4, trace model §2."""

WORDS = {
    "JobStatus": ["queued", "in_progress", "completed", "error"],
    "JobType": ["initial_project", "edit"],
    "FailureKind": [
        *("launch_failed", "cancelled", "timeout", "oom", "lost", "crashed", "result_missing", "result_invalid"),
    ],
    "Encoding": ["utf-8", "base64"],
}


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    with serve_backend(tmp_path_factory.mktemp("document")) as backend, backend.client() as client:
        return client.get(f"{backend.url}/openapi.json").json()


@pytest.fixture(scope="module")
def operations(document):
    return {(method, path): found for path, methods in document["paths"].items() for method, found in methods.items()}


def schemas_of(answer):
    return {kind: content["schema"] for kind, content in answer.get("content", {}).items()}


def test_routes_and_statuses_are_those_of_the_contract(operations):
    found = {at: (op["operationId"], {int(status) for status in op["responses"]}) for at, op in operations.items()}
    assert found == {at: (name, statuses | EVERYWHERE) for at, (name, statuses) in OPERATIONS.items()}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_have_the_fields_of_the_contract(document, name):
    schema = document["components"]["schemas"][name]
    assert set(schema["properties"]) == OBJECTS[name]


def test_fields_that_may_be_missing_are_those_that_the_contract_marks(document):
    schemas = document["components"]["schemas"]
    objects = {name: schema for name, schema in schemas.items() if "properties" in schema}
    optional = {name: set(schema["properties"]) - set(schema.get("required", ())) for name, schema in objects.items()}
    assert {name: fields for name, fields in optional.items() if fields} == {
        "ErrorOut": {"detail"},
        "FaultOut": {"input", "ctx"},
        "ProjectPage": {"next_cursor"},
        "JobPage": {"next_cursor"},
        "TraceListOut": {"next_cursor"},
    } | {name: {"problem", "hint"} for name in ("Readiness", "NotReady")}


@pytest.mark.parametrize("name", WORDS)
def test_words_are_those_of_the_contract(document, name):
    assert document["components"]["schemas"][name]["enum"] == WORDS[name]


def test_every_error_has_the_envelope(operations):
    for at, operation in operations.items():
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            name = {"422": "InvalidOut", "503": "NotReady"}.get(status, "ErrorOut")
            assert schemas_of(answer) == {"application/json": {"$ref": f"#/components/schemas/{name}"}}, (at, status)


def test_successes_have_their_media_type_and_schema(operations):
    for at, operation in operations.items():
        (kind, schema), *others = schemas_of(operation["responses"]["200"]).items()
        assert others == ([("application/openmetrics-text", {"type": "string"})] if at[1] == "/metrics" else [])
        plain = at[1].endswith(("/logs", "/metrics"))
        assert kind == ("text/plain" if plain else "application/json")
        assert schema == {"type": "string"} if plain else "$ref" in schema


def test_a_304_has_an_etag_and_no_body(operations):
    answers = operations["get", f"{P}/{{project_id}}/files/{{path}}"]["responses"]
    assert schemas_of(answers["304"]) == {}
    assert "ETag" in answers["304"]["headers"]
    assert {"ETag", "Preference-Applied"} == set(answers["200"]["headers"])


def test_headers_that_always_come_are_required(operations):
    for operation in operations.values():
        for status, name in (("429", "Retry-After"), ("401", "WWW-Authenticate")):
            if status in operation["responses"]:
                assert operation["responses"][status]["headers"][name]["required"]


def test_preferences_are_documented_where_they_are_followed(operations):
    def has(operation):
        return any(parameter["name"].lower() == "prefer" for parameter in operation.get("parameters", ()))

    followed = {operation["operationId"] for operation in operations.values() if has(operation)}
    assert followed == {"create_project", "submit_job", "get_job", "read_file"}
    for operation in operations.values():
        assert ("Preference-Applied" in operation["responses"]["200"].get("headers", {})) == has(operation)


def test_every_part_is_explained(document, operations):
    assert document["info"]["description"]
    for operation in operations.values():
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        assert all(answer["description"] for answer in operation["responses"].values())
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (operation["operationId"], parameter["name"])


def test_nothing_is_described_that_is_not_used(document):
    text = repr(document)
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}'" in text, name
    assert "HTTPValidationError" not in text


def test_operation_ids_do_not_change_with_the_prefix(tmp_path, operations):
    with serve_backend(tmp_path, api_v1_str="/v9") as backend, backend.client() as client:
        paths = client.get(f"{backend.url}/openapi.json").json()["paths"]
    names = {operation["operationId"] for methods in paths.values() for operation in methods.values()}
    assert names == {operation["operationId"] for operation in operations.values()}
