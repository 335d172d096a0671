"""The trace of one scenario: asked for when the last step is done, joined with the judge's own part, and written.

The backend keeps its reader waiting until the trace of an ended job is whole. One that tells no trace is no fault of a
foreign stack; of our own it leaves open what was written to its database, so that no green verdict follows.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.documents import pretty
from harness.evidence.events import TraceKept
from harness.evidence.layout import DB_WRITES, EXECUTION_TRACE, trace_file
from harness.evidence.manifest import sha256
from harness.evidence.records import DamagedRecordError, from_document, to_document
from harness.evidence.skeleton import skeleton
from harness.judging.results import CheckResult, Outcome
from harness.language.model import Request, Severity
from harness.senses.calls import Call
from harness.traces.case_names import case_id_of
from harness.traces.contents import unwatched
from harness.traces.joining import join
from harness.traces.own_spans import own_part
from harness.traces.pipeline import job_types_of
from harness.traces.records import Trace
from harness.traces.told import read_told
from harness.traces.views import db_writes, execution_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.evidence.journal import Start
    from harness.judging.observation import Exchange
    from harness.runner.scene import Scene

TRACE_PATH: Final = "/api/v1/traces/{trace_id}"
"""Where a trace is read (the route is in the README)."""

TIMEOUT_S: Final = 15.0
"""The backend waits up to 5 seconds for a trace to be whole."""

_OK: Final = 200


def ask_for_trace(scene: Scene) -> None:
    """Ask the backend for its part, when anything was sent."""
    if not scene.has_sent:
        return
    call = Call(Request("GET", TRACE_PATH.format(trace_id=scene.trace_id), TIMEOUT_S))
    exchange = scene.ask_for_trace(call)
    try:
        scene.told = read_told(_told(exchange), scene.trace_id)
        scene.why_untold = ""
    except DamagedRecordError as error:
        scene.why_untold = str(error)


def told_job_types(scene: Scene) -> tuple[str, ...]:
    """Types of the jobs in the trace, as far as that is kept."""
    is_kept = scene.told is not None and scene.around.records.recording.keeps_contents
    return job_types_of(scene.told.pipelines) if scene.told and is_kept else ()


def _told(exchange: Exchange) -> Any:  # noqa: ANN401  # JSON values
    if not exchange.answered:
        msg = f"no answer: {exchange.error}"
        raise DamagedRecordError(msg)
    if exchange.status != _OK:
        msg = f"HTTP {exchange.status}"
        raise DamagedRecordError(msg)
    return exchange.body


def is_watched(scene: Scene) -> CheckResult:
    """Whether it is known what was written to the database: without it, no writes says nothing."""
    told = scene.told
    why = unwatched(told.capture if told else None, told.dropped if told else {}, why_untold=scene.why_untold)
    got = f"inactive ({why})" if why else "active"
    outcome = Outcome.UNDECIDED if why else Outcome.HELD
    text = "implied: database writes were watched"
    return CheckResult(text, scene.scenario.mark, Severity.FAIL, outcome, "trace.capture", "active", got)


def write_trace(scene: Scene, mark: Start) -> None:
    """Write the trace and its two views.

    Args:
        scene: Of the scenario that has ended.
        mark: Where its events begin.
    """
    own = own_part(
        scene.log.since(mark), climb_trace_id=scene.around.origin.trace_id, instance=scene.around.records.run_id
    )
    joined = join(own, scene.told, case_id=case_id_of(scene.log.folder), why_untold=scene.why_untold)
    trace = _stored(scene, joined)
    scene.log.save("", EXECUTION_TRACE, _lines(execution_trace(trace)))
    scene.log.save("", DB_WRITES, _lines(db_writes(trace)))


def _lines(rows: Sequence[Mapping[str, object]]) -> str:
    """A JSON array, one row a line, so that a reader can count them and a diff shows which differ."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n" if rows else "[]\n"


def _stored(scene: Scene, trace: Trace) -> Trace:
    """Write a trace; what is derived from it is derived from what is stored."""
    records, path = scene.around.records, trace_file(trace.trace_id)
    if not records.recording.keeps_contents:
        # A worker's own summary is the one content that a trace has.
        trace = replace(trace, pipelines=tuple(skeleton(list(trace.pipelines))))
    text = pretty(to_document(trace))
    redacted = records.redactor.json(text, source=path)
    records.staging.write(path, redacted)
    _keep_digest(scene, trace.trace_id, redacted.encode())
    return trace if redacted == text else from_document(Trace, json.loads(redacted))


def _keep_digest(scene: Scene, trace_id: str, data: bytes) -> None:
    """Record which bytes were written: the log does not hold what the backend told, so nothing else could show it."""
    scene.log.event(TraceKept(scene.id, trace_id, sha256(data), len(data)))
