"""A trace of the judge by hand: scenario, step and call, the backend's request and job, the worker, and the writes."""

from dataclasses import replace

from harness.traces.records import (
    Capture,
    DbWrite,
    Fingerprint,
    Kind,
    Layer,
    Link,
    Op,
    Outcome,
    PointEvent,
    Span,
    SpanStatus,
    Trace,
)

TRACE_ID = "01a1fd7d-b744-754c-852f-bcd89d7b3396"
CLIMB_ID = "01a1fd7d-b700-7000-8000-bcd89d7b3396"
BEGAN = 1_795_254_237_000_000_000
MS = 1_000_000
ROOT, STEP, CALL, REQUEST, JOB, WORKER = (f"{number:016x}" for number in range(1, 7))


def span(span_id, parent, name, **fields):
    """A span of the judge that lasted from the third to the thirteenth millisecond, unless told otherwise."""
    given = {
        "kind": Kind.INTERNAL,
        "layer": Layer.TEST,
        "component": "step",
        "operation": name,
        "trigger": "climb",
        "start_ns": BEGAN + 3 * MS,
        "end_ns": BEGAN + 13 * MS,
        "duration_ns": 10 * MS,
        "status": SpanStatus.OK,
        "instance": "run-1",
    }
    return Span(span_id, parent, name, **{**given, **fields})


def write(span_id=REQUEST, **fields):
    given = {
        "system": "sqlite",
        "txn_id": "fe6177e3fc620813",
        "stmt_seq": 1,
        "op": Op.INSERT,
        "tables": ("projects",),
        "batch_size": 1,
        "rows": 1,
        "committed_rows": 1,
        "rows_source": "cursor",
        "fingerprint": Fingerprint(1, "c" * 64),
        "outcome": Outcome.COMMITTED,
        "error_type": None,
        "sqlstate": None,
        "started_ns": BEGAN + 5 * MS,
        "duration_ns": MS // 4,
    }
    return DbWrite(span_id, **{**given, **fields})


def whole_trace(**fields):
    """Every layer once; 20 ms long."""
    backend = {"service": "backend", "instance": "ladder:1"}
    spans = (
        span(
            ROOT,
            None,
            "scenario",
            component="scenario",
            operation="climb_scenario",
            start_ns=BEGAN,
            end_ns=BEGAN + 20 * MS,
            duration_ns=20 * MS,
            attributes={"test.case.name": "L01", "evidence.verdict": "PASS"},
            links=(Link(CLIMB_ID, "e" * 16, "climb"),),
        ),
        span(STEP, ROOT, "step", ordinal=0, attributes={"evidence.step.id": "create"}),
        span(
            CALL,
            STEP,
            "POST",
            kind=Kind.CLIENT,
            layer=Layer.HTTP,
            component="client",
            ordinal=0,
            attributes={"http.request.method": "POST", "url.path": "/api/v1/projects/", "evidence.ratio": 0.5},
        ),
        span(
            REQUEST,
            CALL,
            "POST /api/v1/projects/",
            kind=Kind.SERVER,
            layer=Layer.HTTP,
            component="api",
            operation="POST",
            trigger="http",
            attributes={"http.response.status_code": 200, "evidence.oom_killed": False, "evidence.failure_kind": None},
            **backend,
        ),
        span(JOB, REQUEST, "job", layer=Layer.APP, component="dispatcher", operation="run_codex_job", **backend),
        span(
            WORKER,
            JOB,
            "worker run",
            layer=Layer.WORKER,
            component="worker",
            end_ns=None,
            duration_ns=None,
            status=SpanStatus.UNSET,
            incomplete=True,
            service="worker",
            instance="w" * 32,
        ),
    )
    found = Trace(
        trace_id=TRACE_ID,
        case_id="live-L01",
        spans=spans,
        events=(PointEvent(JOB, "pipeline.started", BEGAN + 6 * MS, 1, "ladder:1", {"evidence.intent_type": "x"}),),
        db_writes=(write(), write(JOB, stmt_seq=2, tables=("jobs",), op=Op.UPDATE)),
        capture=Capture(("before_cursor_execute", "close"), active=True, version=1),
        incomplete=True,
    )
    return replace(found, **fields)
