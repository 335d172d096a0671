"""A document is believed only when each of its fields is right; each mutation here breaks exactly one."""

import json

import pytest

from worker.contract import (
    MAX_REQUEST_BYTES,
    ContractError,
    EngineName,
    JobRequest,
    JobResult,
    JobType,
    ResultStatus,
    TraceContext,
    WrittenBy,
    parse_request,
    parse_result,
)

TRACEPARENT = "00-0192f0c1c0de7000800000000000000c-00000000000000aa-01"

REQUEST = JobRequest(
    project_id="p",
    job_id="j",
    job_type=JobType.EDIT,
    instruction="do\nit \u2028 now",
    engine=EngineName.TEMPLATE,
    attempt=1,
    created_at="2025-11-14T17:14:05.000000Z",
    deadline_at="2025-11-14T17:24:05.000000Z",
    trace=TraceContext(TRACEPARENT, baggage="run=1"),
)

RESULT = JobResult(
    project_id="p",
    job_id="j",
    engine=EngineName.TEMPLATE,
    written_by=WrittenBy.WORKER,
    status=ResultStatus.SUCCESS,
    summary="done",
    created_files=("a", "b/c"),
    modified_files=("d",),
    errors=(),
    logs=("one",),
    timestamp="2025-11-14T17:14:06.000000Z",
    started_at="2025-11-14T17:14:05.000000Z",
    finished_at="2025-11-14T17:14:06.000000Z",
    trace_id="0192f0c1-c0de-7000-8000-00000000000c",
    deleted_files=("e",),
)

MISSING = object()


def changed(document, **changes):
    whole = json.loads(document.to_json()) | changes
    return json.dumps({name: value for name, value in whole.items() if value is not MISSING}).encode()


def believe_result(data):
    return parse_result(data, project_id="p", job_id="j", max_bytes=100_000)


def test_a_request_survives_the_way_to_the_worker():
    assert parse_request(REQUEST.to_json().encode(), job_id="j") == REQUEST


def test_a_request_without_optional_trace_fields_names_none_of_them():
    assert json.loads(REQUEST.to_json())["trace"] == {"traceparent": TRACEPARENT, "baggage": "run=1"}


def test_a_request_is_believed_when_the_launcher_named_no_job():
    assert parse_request(REQUEST.to_json().encode(), job_id=None).job_id == "j"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project_id", MISSING),
        ("project_id", 7),
        ("project_id", "  "),
        ("job_id", MISSING),
        ("job_id", None),
        ("job_type", "delete"),
        ("job_type", ["edit"]),
        ("instruction", ""),
        ("instruction", " \n"),
        ("instruction", 1.5),
        ("engine", "gpt"),
        ("engine", MISSING),
        ("attempt", "1"),
        ("attempt", True),
        ("created_at", MISSING),
        ("deadline_at", None),
        ("contract_version", "1"),
        ("contract_version", MISSING),
        ("trace", MISSING),
        ("trace", "00-"),
        ("trace", {}),
        ("trace", {"traceparent": 1}),
        ("trace", {"traceparent": TRACEPARENT, "tracestate": 1}),
        ("trace", {"traceparent": TRACEPARENT, "baggage": []}),
    ],
)
def test_a_request_with_one_bad_field_is_refused(field, value):
    with pytest.raises(ContractError) as caught:
        parse_request(changed(REQUEST, **{field: value}), job_id=None)
    assert caught.value.reference == "request-bad-field"


@pytest.mark.parametrize(
    ("data", "reference"),
    [
        (b"", "request-not-json"),
        (b"{", "request-not-json"),
        (b"[]", "request-not-json"),
        (b"null", "request-not-json"),
        (b"\xff{}", "request-not-json"),
        (b'{"attempt": NaN}', "request-not-json"),
        (b"[" * 100_000, "request-not-json"),
        (b" " * (MAX_REQUEST_BYTES + 1), "request-oversized"),
        (changed(REQUEST, contract_version=2), "request-wrong-version"),
        (changed(REQUEST, job_id="other"), "request-wrong-job"),
        (REQUEST.to_json().encode()[:-20], "request-not-json"),
    ],
)
def test_a_request_that_is_no_request_is_refused_by_name(data, reference):
    with pytest.raises(ContractError) as caught:
        parse_request(data, job_id="j")
    assert caught.value.reference == reference


@pytest.mark.parametrize("header", ["", "00", TRACEPARENT.upper(), TRACEPARENT.replace("-", ""), TRACEPARENT[:-3]])
def test_a_malformed_traceparent_has_no_trace_id(header):
    assert TraceContext(header).trace_id is None


def test_a_trace_id_is_spelled_with_dashes():
    assert TraceContext(TRACEPARENT).trace_id == "0192f0c1-c0de-7000-8000-00000000000c"


def test_a_result_is_believed_with_extra_keys_and_keeps_them():
    assert believe_result(changed(RESULT, model="m"))["model"] == "m"


def test_a_result_without_deleted_files_is_still_whole():
    assert believe_result(changed(RESULT, deleted_files=MISSING))["status"] == "success"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project_id", MISSING),
        ("job_id", ""),
        ("engine", "other"),
        ("written_by", "nobody"),
        ("written_by", MISSING),
        ("status", "completed"),
        ("status", MISSING),
        ("summary", " "),
        ("summary", MISSING),
        ("timestamp", 3),
        ("timestamp", MISSING),
        ("created_files", MISSING),
        ("created_files", "a"),
        ("created_files", ["b", "a"]),
        ("created_files", ["/a"]),
        ("created_files", ["./a"]),
        ("created_files", ["a/../b"]),
        ("created_files", [""]),
        ("created_files", ["a", "a"]),
        ("created_files", ["d"]),
        ("modified_files", [1]),
        ("modified_files", MISSING),
        ("deleted_files", ["a"]),
        ("errors", "forced_error"),
        ("errors", [None]),
        ("errors", MISSING),
        ("logs", {"a": 1}),
        ("logs", MISSING),
    ],
)
def test_a_result_with_one_bad_field_is_refused(field, value):
    with pytest.raises(ContractError) as caught:
        believe_result(changed(RESULT, **{field: value}))
    assert caught.value.reference == "result-bad-field"


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({"job_id": "other"}, "result-wrong-job"),
        ({"project_id": "other"}, "result-wrong-project"),
        ({"contract_version": 2}, "result-wrong-version"),
        ({"contents": None}, "result-has-contents"),
        ({"summary": "x" * 100_000}, "result-oversized"),
    ],
)
def test_a_result_of_something_else_is_refused_by_name(changes, reference):
    with pytest.raises(ContractError) as caught:
        believe_result(changed(RESULT, **changes))
    assert caught.value.reference == reference


def test_a_result_is_written_in_the_order_of_the_contract():
    assert list(json.loads(RESULT.to_json())) == [
        "contract_version",
        "project_id",
        "job_id",
        "engine",
        "written_by",
        "status",
        "summary",
        "created_files",
        "modified_files",
        "errors",
        "logs",
        "timestamp",
        "started_at",
        "finished_at",
        "trace_id",
        "deleted_files",
    ]


def test_the_log_array_of_a_result_opens_on_a_line_of_its_own():
    assert '\n  "logs": [\n    "one"\n' in RESULT.to_json()
    assert RESULT.to_json().endswith("}\n")


def test_a_lone_surrogate_is_escaped_and_other_text_is_not():
    assert "\u2028" in REQUEST.to_json()
    lone = JobRequest(**{name: getattr(REQUEST, name) for name in REQUEST.__slots__} | {"instruction": "\ud800"})
    assert parse_request(lone.to_json().encode(), job_id="j").instruction == "\ud800"
