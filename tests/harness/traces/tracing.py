"""Logs of a scenario and of a climb, entry by entry, and what a backend told of them."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from harness.evidence.event_lines import Entry
from harness.evidence.events import (
    ArtifactSaved,
    CheckJudged,
    ClimbEnded,
    ClimbStarted,
    ExchangeMade,
    PollAttempted,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
    StepEnded,
    StepStarted,
)
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict
from harness.language.model import Mark, Severity
from harness.traces.joining import join
from harness.traces.own_spans import own_part
from harness.traces.told import read_told

RUN_ID = "01a1fd7d-a34e-7664-83a4-ff842e7e1018"
TRACE_ID = "01a1fd7d-b744-754c-852f-bcd89d7b3396"
CLIMB_ID = "01a1fd7d-b700-7000-8000-bcd89d7b3396"
ROOT, STEP_OF_CLIMB, CLIMB = "a" * 16, "b" * 16, "c" * 16
BEGAN = datetime(2026, 11, 21, 9, 43, 56, 997342, tzinfo=UTC)
BEGAN_NS = 1_795_254_236_997_342_000
MS = 1_000_000
CAPTURED = Path(__file__).parent / "captured"


def span_id(number):
    return f"{number:016x}"


class Log:
    """Entries as the runner records them, a millisecond apart unless told otherwise."""

    def __init__(self, t=5.0):
        self.entries = []
        self.t = t
        self._opened = BEGAN - timedelta(seconds=t)

    def add(self, event, *, after_ms=1):
        self.t = round(self.t + (after_ms / 1000 if self.entries else 0), 6)
        at = (self._opened + timedelta(seconds=self.t)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self.entries.append(Entry(len(self.entries) + 1, self.t, at, event))
        return self

    def started(self, scenario="L01", **ids):
        given = {"trace_id": TRACE_ID, "span_id": ROOT, "step_span_id": STEP_OF_CLIMB, **ids}
        return self.add(ScenarioStarted(scenario, f"Title of {scenario}", f"live/{scenario}", **given))

    def ended(self, verdict=Verdict.PASS, scenario="L01", reason="", **more):
        return self.add(ScenarioEnded(scenario, verdict, "success", reason), **more)

    def step(self, step, number=0, *, action="request", is_teardown=False, scenario="L01", **more):
        place = f"live.ladder.yaml:{number}:9"
        started = StepStarted(scenario, step, action, place, span_id(number) if number else "", is_teardown)
        return self.add(started, **more)

    def step_ended(self, step, verdict=Verdict.PASS, duration_s=0.01, scenario="L01", **more):
        return self.add(StepEnded(scenario, step, verdict, duration_s), **more)

    def exchange(self, step, number, **told):
        """An exchange that took 4 ms and has just ended."""
        given = {
            "method": "GET",
            "path": "/api/v1/ready",
            "purpose": Purpose.STEP,
            "status": 200,
            "error": "",
            "scenario": "L01",
        }
        given.update(told)
        sent = Sent(given["method"], given["path"], {}, "")
        answer = Answer(given["status"], {}, "{}", 0.004, error=given["error"])
        ident = span_id(number) if number else ""
        began_t = self.t - 0.003
        return self.add(ExchangeMade(given["scenario"], step, given["purpose"], sent, answer, ident, began_t))

    def attempt(self, step, number, attempt, status=404, why="status 404", error=""):
        """An attempt that took 2 ms and has just ended."""
        told = (status, 9, "d" * 64, why, 0.5, span_id(number) if number else "", self.t - 0.001, 0.002, error)
        return self.add(PollAttempted("L01", step, attempt, *told))

    def check(self, step, outcome=Outcome.HELD, text='{"status": 200}', scenario="L01"):
        mark = Mark("live.ladder.yaml", 111, 13)
        result = CheckResult(text, mark, Severity.FAIL, outcome, "status", "in [200]", "200")
        return self.add(CheckJudged(scenario, step, result))

    def artifact(self, step, path="live/L01/response.json", scenario="L01"):
        return self.add(ArtifactSaved(scenario, step, path))

    def climb_started(self, *scenarios, part="live", **told):
        given = {"source": "manual", "issue_key": None, "issue_status": None, **told}
        ids = {"trace_id": CLIMB_ID, "span_id": CLIMB}
        return self.add(ClimbStarted(part, "live", "live", scenarios, **ids, **given))

    def climb_ended(self, verdict=Verdict.PASS, part="live"):
        return self.add(ClimbEnded(part, verdict))

    def run_started(self):
        return self.add(RunStarted(RUN_ID, "live", "live"))

    def part(self):
        return own_part(self.entries, climb_trace_id=CLIMB_ID, instance=RUN_ID)


def scenario_log(*, waits=(404, 404), verdict=Verdict.PASS, checks=Outcome.HELD, t=5.0):
    """One scenario: a request, a poll with so many attempts before the last, and a cleanup."""
    log = Log(t).started()
    log.step("submit", 1).exchange("submit", 2, method="POST", path="/api/v1/projects/")
    log.check("submit").artifact("submit").step_ended("submit")
    log.step("result", 3, action="poll")
    for number, status in enumerate(waits, 1):
        log.attempt("result", 16 + number, number, status)
    last = len(waits) + 1
    log.attempt("result", 4, last, 200, "")
    path = "/api/v1/79a55f15-2dfe-4b5e-b391-e08e572f1883/files/.codex/result.json?wait=1"
    log.exchange("result", 4, path=path, purpose=Purpose.POLL)
    log.check("result", checks).step_ended("result", verdict, 0.02)
    log.step("remove", 5, is_teardown=True).exchange("remove", 6, method="DELETE", purpose=Purpose.COLLECT)
    log.step_ended("remove")
    return log.ended(verdict)


def captured():
    """What a backend told of a whole scenario."""
    return json.loads((CAPTURED / "trace_of_l01.json").read_text())["answer"]


def told_of(spans=(), events=(), db_writes=(), **fields):
    """A backend's answer with as little in it as is asked for."""
    document = {
        "trace_id": TRACE_ID,
        "schema_version": "trace/1",
        "incomplete": False,
        "dropped": {},
        "capture": {"hooks": ["before_cursor_execute"], "active": True, "version": 1},
        "spans": list(spans),
        "events": list(events),
        "db_writes": list(db_writes),
        "pipelines": [],
    }
    return document | fields


def told_span(number, parent=2, name="POST /api/v1/projects/", **fields):
    given = {
        "span_id": span_id(number),
        "parent_span_id": None if parent is None else span_id(parent),
        "name": name,
        "kind": "SERVER",
        "layer": "HTTP",
        "component": "api",
        "operation": "POST",
        "trigger": "http",
        "start_ns": BEGAN_NS + 2 * MS,
        "end_ns": BEGAN_NS + 4 * MS,
        "duration_ns": 2 * MS,
        "status": "OK",
        "error_type": None,
        "attributes": {"http.response.status_code": 200},
        "links": [],
        "ordinal": None,
        "concurrent": False,
        "service": "backend",
        "instance": "ladder:1",
        "dropped_counts": {},
        "incomplete": False,
    }
    return given | fields


def told_event(number=256, name="pipeline.started", **fields):
    given = {
        "span_id": span_id(number),
        "name": name,
        "time_ns": BEGAN_NS + 3 * MS,
        "seq": 1,
        "instance": "ladder:1",
        "attributes": {"evidence.intent_type": "initial_project"},
    }
    return given | fields


def told_write(number=256, **fields):
    given = {
        "span_id": span_id(number),
        "system": "sqlite",
        "txn_id": "fe6177e3fc620813",
        "stmt_seq": 1,
        "op": "INSERT",
        "tables": ["projects"],
        "batch_size": 1,
        "rows": 1,
        "rows_source": "cursor",
        "fingerprint": {"v": 1, "sha256": "c" * 64},
        "outcome": "committed",
        "error_type": None,
        "sqlstate": None,
        "started_ns": BEGAN_NS + 3 * MS,
        "duration_ns": MS // 4,
    }
    found = given | fields
    return {"committed_rows": found["rows"] if found["outcome"] == "committed" else 0, **found}


def joined(log=None, document=None, **fields):
    """A whole trace, from a log and an answer."""
    document = told_of([told_span(256)], [told_event()], [told_write()]) if document is None else document
    told = read_told(document, TRACE_ID)
    trace = join((log or scenario_log()).part(), told, case_id="live-L01")
    return replace(trace, **fields)


def recorded_again(document, seed):
    """An answer as another run would have given it: other ids and instances, later, and not quite as fast."""
    text = json.dumps(document).replace(document["trace_id"], "@trace@")
    prints = {write["fingerprint"]["sha256"] for write in document["db_writes"]}
    ids = set(re.findall(r'"([0-9a-f]{16}|[0-9a-f]{64}|[0-9a-f-]{36}|[0-9a-f]{32})"', text)) - prints
    for place, known in enumerate(sorted(ids), 1):
        text = text.replace(known, _other_id(known, place * 1_000_003 + seed))
    again = json.loads(text.replace("@trace@", document["trace_id"]))
    for record in (*again["spans"], *again["events"], *again["db_writes"]):
        for name in {"start_ns", "end_ns", "time_ns", "started_ns"} & record.keys():
            record[name] = record[name] and record[name] + seed * MS
        if record.get("duration_ns"):
            record["duration_ns"] += seed
        if "instance" in record:
            record["instance"] += str(seed)
    return again


def _other_id(known, number):
    return str(UUID(int=number)) if "-" in known else f"{number:0{len(known)}x}"
