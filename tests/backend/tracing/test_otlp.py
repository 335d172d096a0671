"""Traces in OTLP/JSON, and over HTTP to a collector that is there, away, slow or broken."""

import json
import re
import socket

import pytest
import structlog
from support.api_calls import get_ended, new_project
from support.http_server import serve_backend
from support.otlp_receiver import dead_port, receiving
from support.tracing_records import BEGIN, SECOND, ended, event, span, write

from backend.tracecontext import new_trace_id
from backend.tracing.otlp import log_document, span_document, write_span
from backend.tracing.records import Outcome
from backend.tracing.sender import OtlpSender
from backend.tracing.spans import Kind, Layer, Link, Place

HTTP = Place("POST /x", Layer.HTTP, "api", "POST", "http", Kind.SERVER)
PATIENCE_S = 60


@pytest.fixture
def document():
    trace_id = new_trace_id()
    link = Link("f" * 32, "e" * 16, "unauthenticated")
    request = ended(
        span(
            trace_id,
            place=HTTP,
            links=(link,),
            attributes={"http.response.status_code": 200, "evidence.oom_killed": False},
        ),
        ordinal=2,
    )
    lost = span(trace_id, parent_span_id=request.span_id, service="worker", instance="w", incomplete=True)
    written = write(trace_id, span_id=request.span_id)
    failed = write(
        trace_id, span_id=request.span_id, outcome=Outcome.FAILED, error_type="IntegrityError", rows=None, tables=None
    )
    found = [request, lost, write_span(written, "ours:1"), write_span(failed, "ours:1")]
    return span_document(found, version="0.1.0") | log_document(
        [event(trace_id, span_id=request.span_id, attributes={"evidence.step.number": 1})], version="0.1.0"
    )


def spans(document):
    return {
        span["name"]: span
        for part in document["resourceSpans"]
        for scope in part["scopeSpans"]
        for span in scope["spans"]
    }


def plain(attributes):
    return {pair["key"]: next(iter(pair["value"].values())) for pair in attributes}


def test_a_document_is_spelt_as_otlp_wants_it(document):
    found = spans(document)["POST /x"]
    assert re.fullmatch("[0-9a-f]{32}", found["traceId"])
    assert (found["kind"], found["status"], found["startTimeUnixNano"]) == (2, {"code": 1}, str(BEGIN))
    assert found["endTimeUnixNano"] == str(BEGIN + SECOND)
    assert plain(found["attributes"]) == {
        "http.response.status_code": "200",
        "evidence.oom_killed": False,
        "evidence.layer": "HTTP",
        "evidence.component": "api",
        "evidence.operation": "POST",
        "evidence.trigger": "http",
        "evidence.ordinal": "2",
    }
    [link] = found["links"]
    assert (link["traceId"], link["spanId"], plain(link["attributes"])) == (
        *("f" * 32, "e" * 16),
        {"evidence.reason": "unauthenticated"},
    )
    json.dumps(document, allow_nan=False)


def test_each_process_is_a_resource_of_its_own(document):
    resources = [plain(part["resource"]["attributes"]) for part in document["resourceSpans"]]
    assert [(r["service.name"], r["service.instance.id"]) for r in resources] == [
        ("backend", "ours:1"),
        ("worker", "w"),
    ]
    assert {r["service.version"] for r in resources} == {"0.1.0"}


def test_a_span_whose_end_was_never_seen_has_none(document):
    found = spans(document)["docker run"]
    assert "endTimeUnixNano" not in found
    assert plain(found["attributes"])["evidence.incomplete"] is True


def test_a_database_write_is_a_client_span_below_the_span_that_wrote(document):
    found, request = spans(document)["INSERT jobs"], spans(document)["POST /x"]
    assert (found["kind"], found["parentSpanId"], found["status"]) == (3, request["spanId"], {"code": 1})
    attributes = plain(found["attributes"])
    assert attributes["db.system.name"] == "sqlite"
    assert (attributes["db.operation.name"], attributes["db.collection.name"]) == ("INSERT", "jobs")
    assert (attributes["evidence.db.rows"], attributes["evidence.db.outcome"]) == ("3", "committed")
    assert attributes["evidence.db.fingerprint"] == "v1:" + "c" * 64
    failed = spans(document)["INSERT"]
    assert (failed["status"], plain(failed["attributes"])["error.type"]) == ({"code": 2}, "IntegrityError")
    assert "evidence.db.rows" not in plain(failed["attributes"])


def test_a_write_that_was_rolled_back_is_no_success():
    undone = write_span(write(new_trace_id(), outcome=Outcome.ROLLED_BACK), "i")
    [found] = spans(span_document([undone], version="v")).values()
    assert found["status"] == {"code": 0}


def test_a_write_outside_of_every_trace_is_no_span():
    assert write_span(write(None), "i") is None


def test_point_events_are_log_records(document):
    [part] = document["resourceLogs"]
    [record] = part["scopeLogs"][0]["logRecords"]
    assert (record["eventName"], record["timeUnixNano"]) == ("job.started", str(BEGIN))
    assert record["observedTimeUnixNano"] == record["timeUnixNano"]
    request = spans(document)["POST /x"]
    assert (record["traceId"], record["spanId"]) == (request["traceId"], request["spanId"])
    assert record["severityNumber"] == 9
    attributes = plain(record["attributes"])
    assert attributes["evidence.step.number"] == "1"
    assert int(attributes["evidence.seq"]) > 0
    assert plain(part["resource"]["attributes"])["service.instance.id"] == "ours:1"


# over HTTP


def test_a_collector_is_sent_every_span_and_event_of_a_job(tmp_path):
    with receiving(tmp_path) as collector:
        with (
            serve_backend(tmp_path, otel_exporter_otlp_endpoint=collector.url) as backend,
            backend.client() as client,
        ):
            project = new_project(client)
            get_ended(client, project)
            trace = client.get(f"/{project['id']}/jobs/{project['job_id']}/trace").json()
            assert backend.backend.tracing.sender.flush(PATIENCE_S)
        # The end of the backend has sent what was left.
        sent = [span for span in collector.spans() if span["traceId"] == trace["trace_id"].replace("-", "")]
        told = [record for record in collector.log_records() if record["traceId"] == sent[0]["traceId"]]
        assert {request["path"] for request in collector.requests()} == {"/v1/traces", "/v1/logs"}
        assert {request["type"] for request in collector.requests()} == {"application/json"}
    kept = {span["span_id"]: span["name"] for span in trace["spans"]}
    assert kept.items() <= {span["spanId"]: span["name"] for span in sent}.items()
    writes = [span for span in sent if span["name"].startswith(("INSERT", "UPDATE"))]
    assert len(writes) == len(trace["db_writes"])
    assert all("endTimeUnixNano" in span for span in sent)
    assert len({span["spanId"] for span in sent}) == len(sent)
    events = [(event["name"], event["span_id"], str(event["time_ns"])) for event in trace["events"]]
    assert {"pipeline.started", "step.completed", "pipeline.completed"} <= {name for name, *_ in events}
    assert sorted(events) == sorted((each["eventName"], each["spanId"], each["timeUnixNano"]) for each in told)


@pytest.fixture
def silent():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def send_to(endpoint):
    lost = []
    sender = OtlpSender(endpoint, lost.append, instance="i", version="v")
    sender.start()
    sender.heard([ended(span()), span(), event(new_trace_id())])
    assert sender.flush(PATIENCE_S)
    sender.close()
    return sum(lost)


def test_a_collector_that_is_away_costs_only_what_it_was_to_be_sent():
    assert send_to(f"http://127.0.0.1:{dead_port()}") == 2


def test_a_collector_that_hangs_costs_only_what_it_was_to_be_sent(silent, monkeypatch):
    monkeypatch.setattr("backend.tracing.sender.TIMEOUT_S", 0.2)
    assert send_to(f"http://127.0.0.1:{silent}") == 2


def test_a_collector_that_refuses_costs_only_what_it_was_to_be_sent(tmp_path):
    with receiving(tmp_path, status=503) as collector:
        assert send_to(f"{collector.url}/base/") == 2
        assert {request["path"] for request in collector.requests()} == {"/base/v1/traces", "/base/v1/logs"}


def test_trouble_is_told_once_for_each_kind_and_again_when_it_comes_back(tmp_path, monkeypatch):
    lost, answers = [], {"/v1/traces": 200, "/v1/logs": 404}
    sender = OtlpSender("http://127.0.0.1:9", lost.append, instance="i", version="v")
    monkeypatch.setattr(sender, "_post", lambda path, body: answers[path])
    with structlog.testing.capture_logs() as told:
        for status in (404, 404, 200, 404):
            answers["/v1/logs"] = status
            sender._write([ended(span()), event(new_trace_id())])
    assert [(line["path"], line["reason"], line["records"]) for line in told] == [("/v1/logs", "404", 1)] * 2
    assert sum(lost) == 3


def test_a_job_does_not_wait_for_a_collector_that_is_away(tmp_path):
    endpoint = f"http://127.0.0.1:{dead_port()}"
    with serve_backend(tmp_path, otel_exporter_otlp_endpoint=endpoint) as backend, backend.client() as client:
        assert new_project(client)["status"] == "completed"
        assert backend.backend.tracing.recorder.stored(PATIENCE_S)
        assert backend.backend.tracing.sender.flush(PATIENCE_S)
        assert 'trace_dropped_total{stage="export"}' in client.get(f"{backend.url}/metrics").text


def test_what_waits_for_a_collector_is_bounded():
    lost = []
    sender = OtlpSender("http://127.0.0.1:9", lost.append, instance="i", version="v")
    sender.heard([ended(span()) for _ in range(5_010)])
    assert sum(lost) == 10
