"""The five tables of a scenario, and its checks: rows of what was observed, and why a table has none.

A table that is empty because nothing happened and one that is empty because nobody looked are told apart.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import ArtifactSaved
from harness.evidence.exchanges import Purpose
from harness.evidence.records import to_document
from harness.traces.case_calls import exchanges_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.console.climbed import Climbed
    from harness.console.rendering import Json
    from harness.evidence.exchanges import Answer
    from harness.traces.case_records import ApiCall

    Row = dict[str, Any]

MOST_FIELDS: Final = 200
"""Of one body; the whole body stands beside its step."""

HTTP_STATUS: Final = "HTTP status"
"""Told beside the fields of the body, one of which may well be called status."""

_START: Final = ".start"
_DEPTH: Final = 4


def tables_of(found: Climbed) -> Json:
    """All tables, each as rows and the reason why there are none."""
    return {
        "execution_trace": _table(_events(found), _why_no_trace(found)),
        "db_writes": _table(_writes(found), _why_no_writes(found)),
        "apis_used": _table(_calls(found), _why(found, "no request was sent")),
        "synthetic_input": _table(list(_inputs(found)), _why(found, "no step sent a body")),
        "produced_output": _table(list(_outputs(found)), _why(found, "no step got an answer")),
        "assertions": _table(_assertions(found), _why(found, "nothing was checked")),
    }


def _table(rows: list[Row], why: str) -> Json:
    return {"rows": rows, "count": len(rows), "why_empty": "" if rows else why}


def _why(found: Climbed, nothing: str) -> str:
    if found.case is None:
        return f"nothing can be told: {found.why}"
    return (
        nothing if found.record.started_at else f"it was not climbed: {found.record.reason or 'no reason is recorded'}"
    )


def _why_no_trace(found: Climbed) -> str:
    return _why(found, f"no trace: {found.why_untraced}" if found.trace is None else "the trace holds no event")


def _why_no_writes(found: Climbed) -> str:
    told = {
        "active": "no writes observed (capture active)",
        "inactive": "capture inactive: writes were not watched, so that none were seen says nothing",
        "unknown": f"capture unknown: {found.why_untraced or 'the backend told nothing about it'}",
    }
    return _why(found, told[found.capture])


def _events(found: Climbed) -> list[Row]:
    rows: list[Row] = [to_document(each) for each in found.case.execution_trace] if found.case else []
    return [{**row, "duration_ms": row["detail"].get("duration_ms")} for row in rows]


def _writes(found: Climbed) -> list[Row]:
    rows: list[Row] = [to_document(each) for each in found.case.db_writes] if found.case else []
    return [{**row, "outcome": str(row["detail"].get("outcome", "unknown")).replace("_", " ")} for row in rows]


def _calls(found: Climbed) -> list[Row]:
    calls = found.case.api_calls_used if found.case else ()
    totals = Counter(_poll(call) for call in calls if call.purpose is Purpose.POLL)
    done: Counter[tuple[str, str]] = Counter()
    operations = _operations(found)
    rows: list[Row] = []
    for call in calls:
        done[_poll(call)] += 1
        is_poll = call.purpose is Purpose.POLL
        attempt = f"{done[_poll(call)]} of {totals[_poll(call)]}" if is_poll else "1 of 1"
        operation = operations.get(call.span_id, "")
        rows.append({**to_document(call), "operation": operation or "unknown", "attempt": attempt})
    return rows


def _poll(call: ApiCall) -> tuple[str, str]:
    return call.step, call.purpose.value


def _operations(found: Climbed) -> dict[str, str]:
    """Span of a request → the route that answered it, as the backend told it."""
    events = found.case.execution_trace if found.case else ()
    began = (each for each in events if each.event_type.endswith(_START) and each.component == "api")
    return {str(each.detail.get("parent_span_id")): each.event_type.removesuffix(_START) for each in began}


def _inputs(found: Climbed) -> Iterator[Row]:
    for sent in found.case.synthetic_input if found.case else ():
        if sent.body:
            request = f"{sent.method} {sent.path}"
            yield from ({"step": sent.step, "request": request, **field} for field in _fields(sent.body))


def _outputs(found: Climbed) -> Iterator[Row]:
    """What came back, from the events where they are there, since a case holds the beginning of a long body only."""
    files = _files(found)
    made = [(each.step, each.answer) for each in exchanges_of(found.entries)]
    for step, answer in made:
        told = {"step": step, "file": ", ".join(files[step])}
        yield {**told, "field": HTTP_STATUS, **_status(answer)}
        if answer.text:
            yield from ({**told, **field} for field in _fields(answer.text))
    for got in found.case.observed_output if found.case and not made else ():
        told = {"step": got.step, "file": ""}
        yield {**told, "field": HTTP_STATUS, "type": _type(got.status), "value": _spelt(got.status)}
        yield from ({**told, **field} for field in (_fields(got.body) if got.body else ()))


def _status(answer: Answer) -> Row:
    if answer.status is None:
        return {"type": "none", "value": f"no answer: {answer.error}"}
    return {"type": "integer", "value": str(answer.status)}


def _files(found: Climbed) -> defaultdict[str, list[str]]:
    """Step → artifacts that were made from it."""
    saved: defaultdict[str, list[str]] = defaultdict(list)
    for entry in found.entries:
        if isinstance(entry.event, ArtifactSaved) and entry.event.step:
            saved[entry.event.step].append(entry.event.path)
    return saved


def _assertions(found: Climbed) -> list[Row]:
    return [to_document(each) for each in found.case.assertions] if found.case else []


def _fields(text: str) -> list[Row]:
    """The fields of a JSON body; any other body is one text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [{"field": "body", "type": "text", "value": text}]
    rows: list[Row] = []
    for path, each in _leaves(value, "", 0):
        if len(rows) == MOST_FIELDS:
            rows.append({"field": "…", "type": "", "value": "the rest stands beside its step"})
            break
        rows.append({"field": path or "body", "type": _type(each), "value": _spelt(each)})
    return rows


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # JSON values
    if isinstance(value, dict) and value and depth < _DEPTH:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list) and value and depth < _DEPTH:
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{at}]", depth + 1)
    else:
        yield path, value


def _type(value: Any) -> str:  # noqa: ANN401  # JSON values
    names = {bool: "boolean", int: "integer", float: "number", str: "text", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _spelt(value: Any) -> str:  # noqa: ANN401  # JSON values
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
