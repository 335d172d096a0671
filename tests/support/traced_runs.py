"""Runs with traces as they lie in a folder, as small as they can be; whoever reads them checks no sums."""

import json
from dataclasses import replace

from harness.evidence.git_facts import GitFacts
from harness.evidence.layout import MANIFEST, RUN, SUMS, trace_file
from harness.evidence.records import to_document
from harness.evidence.run_record import LadderRecord, Redaction, RunRecord, RunStatus, ScenarioRecord, encode_run
from harness.judging.verdict import Verdict
from harness.language.model import Mode
from support.judge_traces import CLIMB_ID, TRACE_ID, span, whole_trace

NAME = "2026-11-21T09:43:56Z"
RUN_ID = "01a1fd7d-b600-7000-8000-bcd89d7b3396"
OTHER_ID = "01a1fd7d-b745-754c-852f-bcd89d7b3396"
BEGAN_AT = "2026-11-21T09:43:57.000000Z"

FIRST = ScenarioRecord(
    "L01", "Create", "live/L01", Verdict.PASS, "success", trace_id=TRACE_ID, started_at=BEGAN_AT, duration_s=0.02
)
SECOND = ScenarioRecord(
    "L02", "Edit", "live/L02", Verdict.FAIL, "error", "missed", trace_id=OTHER_ID, started_at=BEGAN_AT, duration_s=1.5
)
BLOCKED = ScenarioRecord("L03", "Read", "live/L03", Verdict.BLOCKED, reason="gate closed: L02 FAIL")


def climb_trace():
    """The climb's own trace."""
    root = span("c" * 16, None, "climb", component="climb")
    step = span("e" * 16, "c" * 16, "pipeline step", attributes={"evidence.agent.name": "L01"})
    pipeline = {"pipeline_status": "PARTIAL"}
    return whole_trace(
        trace_id=CLIMB_ID,
        case_id="",
        spans=(root, step),
        events=(),
        db_writes=(),
        capture=None,
        why_untold="the trace of a climb is the judge's alone",
        incomplete=False,
        pipelines=(pipeline,),
    )


def other_trace(**fields):
    """That of the second scenario, of which the backend told nothing."""
    first = whole_trace()
    own = {"spans": first.spans[:3], "events": (), "db_writes": (), "capture": None, "why_untold": "HTTP 404"}
    return replace(first, trace_id=OTHER_ID, case_id="live-L02", incomplete=False, **{**own, **fields})


def record_of(scenarios, name=NAME, run_id=RUN_ID):
    digest = "ab" * 32
    live = LadderRecord("live", "scenarios/live.ladder.yaml", Mode.LIVE, digest, digest, digest)
    return RunRecord(
        run_id=run_id,
        folder=name,
        status=RunStatus.FINISHED,
        started_at=BEGAN_AT,
        harness_version="0.1.0",
        base_url="http://127.0.0.1:8000",
        ladders=(live,),
        git=GitFacts("c" * 40, False),
        redaction=Redaction("1", 1),
        verdict=Verdict.FAIL,
        exit_code=1,
        duration_s=2.0,
        scenarios=tuple(scenarios),
    )


def store_run(root, scenarios=(FIRST, SECOND, BLOCKED), traces=None, **named):
    """Put a run there; returns its folder."""
    record = record_of(scenarios, **named)
    folder = root / record.folder
    (folder / "traces").mkdir(parents=True)
    (folder / RUN).write_text(encode_run(record), encoding="utf-8")
    for name in (MANIFEST, SUMS):
        (folder / name).write_text("")
    for trace in (whole_trace(), other_trace(), climb_trace()) if traces is None else traces:
        (folder / trace_file(trace.trace_id)).write_text(json.dumps(to_document(trace)), encoding="utf-8")
    return folder
