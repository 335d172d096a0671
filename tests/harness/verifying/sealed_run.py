"""A whole run to verify: a create and its poll, a look, a red scenario, a blocked one, and a rollback, all with traces.

The backend is scripted; of every request it tells a span, and of a create the rows that it wrote.
"""

import hashlib
import json

import rfc8785
from staged import Reply, told_trace, wrapped, write_ladder
from whole_runs import WholeRun

from harness.evidence import layout
from harness.evidence.records import from_document
from harness.traces.case_parts import digests_document
from harness.traces.otlp import otlp_line, otlp_log_line
from harness.traces.records import Trace
from harness.traces.views import db_writes, execution_trace
from harness.verifying.bundle import Bundle
from harness.verifying.verify import verify

LIVE = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
secrets: [OPENAI_API_KEY, OPENAI_ORG_ID]
defaults: {poll: {every: 10ms, backoff: 1, max_every: 10ms, jitter: 0}}
scenarios:
  L01:
    title: Create
    steps:
      - id: submit
        post: /api/v1/projects/
        json: {instruction: "Write a program", name: one}
        expect: [{status: 200}, {path: body.id, matches: "^[0-9a-f-]+$"}]
        capture: {pid: body.id}
        save: {response.json: body}
      - id: result
        poll: {get: "/api/v1/${pid}/files/.codex/result.json", unwrap: body.contents}
        until: [{status: 200}]
        expect: [{path: doc.status, eq: success}]
    finally: [{get: /docs, expect: [{status: 500}]}]
  L02:
    title: Read
    needs: [L01]
    steps:
      - {get: "/api/v1/projects/${L01.pid}", expect: [{status: 200}]}
  L03: {title: Red, steps: [{id: odd, get: /odd, expect: [{status: 200}]}]}
  L04: {title: Blocked, needs: [L03], steps: [{get: /docs, expect: [{status: 200}]}]}
rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}
"""
MOCKED = """
scenarios:
  M01:
    title: Smoke
    steps: [{get: /docs, expect: [{status: 200}, {path: body.extra, exists: true, severity: limitation}]}]
"""

PROJECT = "feff01fa-c5ef-4a62-907e-a4da9c1bf749"
RESULT = {"job_id": "j1", "status": "success", "summary": "done", "engine": "template", "logs": []}


def make_run(root, monkeypatch, *, live=LIVE, told=None, prepare=None):
    """Climb the ladder and give the run's folder; ``prepare`` is given the run before it begins."""
    whole = WholeRun(root, monkeypatch)
    write_ladder(root / "scenarios", live, name="live", mode="live")
    write_ladder(root / "scenarios", MOCKED, name="mocked")
    backend = Backend(whole.service)
    whole.service.trace = told or backend.told
    if prepare:
        prepare(whole)
    return whole.execute().finished.folder


class Backend:
    """Answers, and tells of every request a span and of every create two rows."""

    def __init__(self, service):
        self._service = service
        service.on("POST /api/v1/projects/", Reply({"id": PROJECT, "job_id": "j1", "status": "queued"}))
        service.on(f"GET /api/v1/{PROJECT}/files/.codex/result.json", Reply({}, 404), Reply({}, 404), wrapped(RESULT))
        service.on(f"GET /api/v1/projects/{PROJECT}", {"id": PROJECT}).on("GET /odd", Reply({}, 503)).on(
            "GET /docs", {}
        )

    def told(self, trace_id):
        calls = [call for call in self._service.calls if call.traceparent.split("-")[1] == trace_id.replace("-", "")]
        spans = [_span(number, call) for number, call in enumerate(calls)]
        made = [span for span in spans if span["operation"] == "POST"]
        writes = [_write(span, number) for span in made for number in (1, 2)]
        events = [_event(span) for span in made]
        return told_trace(trace_id, spans=spans, db_writes=writes, events=events)


def _span(number, call):
    parent = call.traceparent.split("-")[2]
    method, path = call.request.method, call.request.path
    route = path.replace(PROJECT, "{project_id}")
    return {
        "span_id": hashlib.sha256(parent.encode()).hexdigest()[:16],
        "parent_span_id": parent,
        "name": f"{method} {route}",
        "kind": "SERVER",
        "layer": "HTTP",
        "component": "api",
        "operation": method,
        "trigger": "http",
        "start_ns": 1763140445_005000000 + number,
        "end_ns": 1763140445_009000000 + number,
        "duration_ns": 4000000,
        "status": "OK",
        "service": "backend",
        "instance": "b1",
        "attributes": {"http.request.method": method, "http.route": route},
    }


def _write(span, number):
    return {
        "span_id": span["span_id"],
        "system": "sqlite",
        "txn_id": "fe6177e3fc620813",
        "stmt_seq": number,
        "op": "INSERT",
        "tables": ["projects" if number == 1 else "jobs"],
        "batch_size": 1,
        "rows": 1,
        "committed_rows": 1,
        "rows_source": "cursor",
        "fingerprint": {"v": 1, "sha256": f"6{number}" * 32},
        "outcome": "committed",
        "error_type": None,
        "sqlstate": None,
        "started_ns": span["start_ns"] + number,
        "duration_ns": 247967,
    }


def _event(span):
    return {
        "span_id": span["span_id"],
        "name": "pipeline.started",
        "time_ns": span["start_ns"] + 5,
        "seq": 1,
        "instance": "b1",
        "attributes": {"evidence.intent_type": "initial_project"},
    }


def case(folder, case_id="live-L01"):
    """A stored case."""
    return json.loads((folder / layout.case_file(case_id)).read_text())


def rewrite(folder, path, document):
    """Put a document where another one was, spelt as the harness spells it."""
    (folder / path).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def reseal(folder):
    """Make manifest and SHA256SUMS fit the files again, as whoever changed a file on purpose would."""
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    manifest = json.loads((folder / layout.MANIFEST).read_text())
    known = {file["path"]: file for file in manifest["files"]}
    manifest["files"] = []
    for path in found:
        if path not in layout.UNLISTED:
            data = (folder / path).read_bytes()
            fresh = {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "executable": False}
            manifest["files"].append({**known.get(path, {}), **fresh})
    put_manifest(folder, manifest)


def put_manifest(folder, manifest):
    """Write a manifest and the sums that fit it."""
    data = rfc8785.dumps(manifest)
    (folder / layout.MANIFEST).write_bytes(data)
    lines = [f"{file['sha256']}  {file['path']}\n" for file in manifest["files"]]
    digest = hashlib.sha256(data).hexdigest()
    (folder / layout.SUMS).write_text("".join([*lines, f"{digest}  {layout.MANIFEST}\n"]))


def redigest(folder):
    """Make the digests of the cases fit the cases again, in their own file and in the manifest."""
    stored = {path.stem: path.read_bytes() for path in (folder / layout.CASES).iterdir() if path.stem != "digests"}
    document = digests_document(stored)
    rewrite(folder, layout.CASE_DIGESTS, document)
    manifest = json.loads((folder / layout.MANIFEST).read_text())
    names = ("structure_digest", "content_digest")
    manifest["cases"] = {case_id: {name: each[name] for name in names} for case_id, each in document["cases"].items()}
    manifest["run_digest"] = document["run_digest"]
    put_manifest(folder, manifest)
    reseal(folder)


def log_of(folder):
    """The events of a run as JSON."""
    return [json.loads(line) for line in (folder / layout.EVENTS).read_text().splitlines()]


def put_log(folder, events):
    """Write a log as the harness spells one."""
    lines = (json.dumps(event, separators=(",", ":")) for event in events)
    (folder / layout.EVENTS).write_text("".join(f"{line}\n" for line in lines))


def rekeep(folder):
    """Make the log tell of the traces that lie there now."""
    events = log_of(folder)
    for event in (event for event in events if event["type"] == "trace_kept"):
        data = (folder / layout.trace_file(event["trace_id"])).read_bytes()
        event.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    put_log(folder, events)


def reexport(folder):
    """Make the OTLP forms anew from the traces that lie there now."""
    run = json.loads((folder / layout.RUN).read_text())
    told = {"version": run["harness_version"], "run_id": run["run_id"]}
    begun = [event for event in log_of(folder) if event["type"] in {"climb_started", "scenario_started"}]
    paths = [folder / layout.trace_file(event["trace_id"]) for event in begun]
    traces = [from_document(Trace, json.loads(path.read_text())) for path in paths]
    for path, form in ((layout.OTLP_TRACES, otlp_line), (layout.OTLP_LOGS, otlp_log_line)):
        (folder / path).write_text("".join(form(trace, **told) + "\n" for trace in traces))


def remake(folder, scenario="L01"):
    """Make all that follows from a scenario's trace anew but what the log tells, as whoever changed it would."""
    stored = next(each for each in Bundle(folder).cases() if each.record.id == scenario)
    for name, made in ((layout.EXECUTION_TRACE, execution_trace), (layout.DB_WRITES, db_writes)):
        rewrite(folder, f"{stored.record.folder}/{name}", made(stored.trace))
    rewrite(folder, stored.path, stored.derived)
    reexport(folder)
    redigest(folder)


def failures(folder, *, strict=True, checks=None):
    """What a bundle fails, by check: every fault as one line."""
    report = verify(folder, strict=strict, checks=checks)
    return {
        check.name: [f"{each.kind} {each.file}: {each.part}: {each.what}" for each in check.faults]
        for check in report.checks
        if check.faults
    }
