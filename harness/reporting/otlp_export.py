"""The traces of a run as OTLP/JSON, one request a line: how far the run can be believed, then spans, then point events.

They are made from the stored traces, in the order in which the run's log tells that they began. One that cannot be
read is told in a log record in its place; a collector shows that where it shows the rest.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import ClimbStarted, ScenarioStarted
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import iter_events
from harness.evidence.printable import one_line
from harness.evidence.records import DamagedRecordError
from harness.reporting.logs import logs_of
from harness.traces.instants import instant_of
from harness.traces.otlp import SCOPE, otlp_line, otlp_log_line
from harness.traces.reading import load_trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord
    from harness.reporting.standing import Standing
    from harness.traces.records import Trace

_INFO: Final = 9
_ERROR: Final = 17
"""Severity numbers of the log data model."""


def otlp_export(entry: RunEntry, record: RunRecord, standing: Standing) -> str:
    """Spell all traces of a run."""
    told = {"version": record.harness_version, "run_id": record.run_id}
    found, lost = _traces(entry, record)
    severity = _INFO if standing.is_sound else _ERROR
    lines = [_remark(record, " ".join(standing.lines), severity)]
    lines += [_remark(record, why, _ERROR) for why in lost]
    lines += [otlp_line(trace, **told) for trace in found]
    lines += [otlp_log_line(trace, **told) for trace in found]
    return "".join(f"{line}\n" for line in lines)


def _traces(entry: RunEntry, record: RunRecord) -> tuple[list[Trace], list[str]]:
    found, lost = [], []
    for trace_id in _ids(entry, record):
        try:
            found.append(load_trace(entry, trace_id).trace)
        except EvidenceError as error:
            lost.append(error.message.removeprefix(f"{entry.folder}/"))
    return found, lost


def _ids(entry: RunEntry, record: RunRecord) -> list[str]:
    """Each climb before its scenarios; where the log cannot be read, the record tells the rest."""
    known: dict[str, None] = {}
    for log in logs_of(entry.folder, record):
        with suppress(EvidenceError):
            for trace_id in _begun(log):
                known[trace_id] = None
    known.update(dict.fromkeys(each.trace_id for each in record.scenarios if each.trace_id))
    return list(known)


def _begun(log: Path) -> Iterator[str]:
    for each in iter_events(log):
        if isinstance(each.event, ClimbStarted | ScenarioStarted) and each.event.trace_id:
            yield each.event.trace_id


def _remark(record: RunRecord, text: str, severity: int) -> str:
    body = {"stringValue": one_line(text)}
    when = _time(record.finished_at or record.started_at)
    log: dict[str, Any] = {"timeUnixNano": when, "observedTimeUnixNano": when, "severityNumber": severity, "body": body}
    names = {"service.name": SCOPE, "service.version": record.harness_version, "cicd.pipeline.run.id": record.run_id}
    attributes = [{"key": name, "value": {"stringValue": one_line(value)}} for name, value in names.items()]
    scope = {"scope": {"name": SCOPE}, "logRecords": [log]}
    request = {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [scope]}]}
    return json.dumps(request, separators=(",", ":"))


def _time(text: str) -> str:
    try:
        return str(instant_of(text))
    except DamagedRecordError:
        return "0"
