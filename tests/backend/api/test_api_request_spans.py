"""The span of a request: whose trace it continues, and what it says (N17)."""

import pytest
from support.api_calls import get_ended, new_project
from support.http_server import serve_backend

from backend.tracing.spans import Kind, Layer, Status, undashed

TRACE, SPAN = "0190aaaabbbb7ccc8ddd0123456789ab", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-03"
TOKEN = "token-3Rf5Tg7Yh9"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def backend(tmp_path):
    with serve_backend(tmp_path) as found:
        yield found


@pytest.fixture
def guarded(tmp_path):
    with serve_backend(tmp_path, api_tokens=(TOKEN,)) as found:
        yield found


def kept(backend, trace_id):
    """Spans of a trace by name, after everything so far was stored."""
    tracing = backend.backend.tracing
    assert tracing.recorder.stored(60)
    found = tracing.store.get(undashed(trace_id))
    return {span.place.name: span for span in found.spans} if found else None


def requests(backend):
    """All spans of requests."""
    tracing = backend.backend.tracing
    assert tracing.recorder.stored(60)
    found = [span for head in tracing.store.get_all() for span in tracing.store.get(head.trace_id).spans]
    return [span for span in found if span.place.kind is Kind.SERVER]


def test_a_callers_trace_is_continued_and_the_request_described(backend):
    with backend.client() as client:
        answer = client.get("/projects/nobody", headers={"traceparent": TRACEPARENT})
    (span,) = kept(backend, TRACE).values()
    assert (span.parent_span_id, span.place.layer, span.place.kind) == (SPAN, Layer.HTTP, Kind.SERVER)
    assert span.place.name == "GET /api/v1/projects/{project_id}"
    assert span.attributes == {
        "http.request.method": "GET",
        "url.path": "/api/v1/projects/nobody",
        "http.route": "/api/v1/projects/{project_id}",
        "http.response.status_code": 404,
    }
    assert (span.status, span.end_ns is None) == (Status.UNSET, False)
    assert undashed(answer.json()["correlation_id"]) == TRACE


def test_a_job_hangs_under_the_request_that_asked_for_it(backend):
    with backend.client() as client:
        project = new_project(client, traceparent=TRACEPARENT)
        get_ended(client, project)
    spans = kept(backend, TRACE)
    post = spans["POST /api/v1/projects/"]
    assert (post.parent_span_id, post.status) == (SPAN, Status.OK)
    assert spans["job"].parent_span_id == post.span_id
    assert spans["dummy run"].parent_span_id == spans["job"].span_id
    assert spans["job"].place.trigger == "POST"


def test_without_a_context_a_request_has_a_trace_of_its_own(backend):
    with backend.client() as client:
        answer = client.get("/projects/nobody")
    (span,) = kept(backend, answer.json()["correlation_id"]).values()
    assert (span.parent_span_id, span.links) == (None, ())


@pytest.mark.parametrize(
    "header", ["nonsense", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", TRACEPARENT + "-x"]
)
def test_a_malformed_context_is_counted_and_ignored(backend, header):
    with backend.client() as client:
        answer = client.get("/projects/nobody", headers={"traceparent": header})
        metrics = client.get(f"{backend.url}/metrics").text
    assert answer.status_code == 404
    (span,) = kept(backend, answer.json()["correlation_id"]).values()
    assert (span.parent_span_id, span.links) == (None, ())
    assert 'trace_dropped_total{stage="traceparent"} 1.0' in metrics


def test_a_strangers_context_is_linked_and_not_continued(guarded):
    with guarded.client() as client:
        answer = client.get("/projects/", headers={"traceparent": TRACEPARENT})
    assert answer.status_code == 401
    assert kept(guarded, TRACE) is None
    (span,) = kept(guarded, answer.json()["correlation_id"]).values()
    assert [(link.trace_id, link.span_id, link.reason) for link in span.links] == [(TRACE, SPAN, "unauthenticated")]


def test_a_bearers_context_is_continued(guarded):
    with guarded.client(headers=BEARER) as client:
        assert client.get("/projects/", headers={"traceparent": TRACEPARENT}).status_code == 200
    assert set(kept(guarded, TRACE)) == {"GET /api/v1/projects/"}


@pytest.mark.parametrize("path", ["/health", "/ready", "/traces", f"/traces/{TRACE}", "/a/jobs/b/trace"])
def test_probes_and_reads_of_traces_are_not_kept(backend, path):
    with backend.client() as client:
        client.get(path)
        client.get(f"{backend.url}/metrics")
        client.get(f"{backend.url}/openapi.json")
    assert requests(backend) == []


def test_a_probe_within_a_callers_trace_is_kept_and_a_read_of_traces_is_not_even_then(backend):
    with backend.client(headers={"traceparent": TRACEPARENT}) as client:
        client.get("/health")
        client.get(f"/traces/{TRACE}")
    assert set(kept(backend, TRACE)) == {"GET /api/v1/health"}


def test_a_fault_of_ours_is_an_error_of_its_span(backend, monkeypatch):
    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr(backend.backend.parts.service, "projects", fail)
    with backend.client() as client:
        answer = client.get("/projects/")
    (span,) = kept(backend, answer.json()["correlation_id"]).values()
    assert (span.status, span.error_type) == (Status.ERROR, "500")


def test_a_recorder_that_breaks_changes_no_answer(backend, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError

    recorder = backend.backend.tracing.recorder
    monkeypatch.setattr(recorder, "_families", broken)
    monkeypatch.setattr(recorder, "_put", broken)
    with backend.client(headers={"traceparent": TRACEPARENT}) as client:
        assert client.get("/projects/").json() == {"projects": []}
        assert new_project(client)["status"] == "completed"
        assert 'trace_dropped_total{stage="span"}' in client.get(f"{backend.url}/metrics").text


def test_what_callers_make_up_is_no_name(backend):
    backend.raw("/nothing/at/all", method="PROPFIND")
    (span,) = requests(backend)
    assert (span.place.name, span.attributes["http.request.method"]) == ("other unmatched", "other")


def test_the_log_line_of_a_request_names_its_span(backend):
    with backend.client() as client:
        answer = client.get("/projects/nobody", headers={"traceparent": TRACEPARENT})
    [line] = [line for line in backend.log if line["event"] == "http.request"]
    (span,) = kept(backend, TRACE).values()
    assert (line["trace_id"], line["span_id"], line["trace_flags"]) == (
        answer.json()["correlation_id"],
        span.span_id,
        "03",
    )
