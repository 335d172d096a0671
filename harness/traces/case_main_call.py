"""Which request a scenario is about, and which engine did the work that it looked at. Pure.

The main call is the first request of a step that is no GET, else the first. Its route is what the backend's own span
says (``http.route``); where it tells none, ids in the path are put in braces, so that two runs name the same route.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import ExchangeMade
from harness.judging.documents import parse
from harness.traces.case_calls import STEPS
from harness.traces.case_records import Stage
from harness.traces.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.evidence.event_lines import Entry
    from harness.evidence.exchanges import Answer
    from harness.traces.records import Trace

STAND_INS: Final = frozenset({"dummy", "template"})

_ID: Final = re.compile(r"[0-9]+|[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class MainCall:
    """The request that a scenario is about; all empty when nothing was sent."""

    operation_name: str = ""
    route_path: str = ""
    api_method: str = ""
    request_fields: tuple[str, ...] = ()
    response_fields: tuple[str, ...] = ()


def main_call_of(entries: Sequence[Entry], trace: Trace | None) -> MainCall:
    """Describe the main call."""
    made = [each for each in _exchanges(entries) if each.purpose in STEPS]
    if not made:
        return MainCall()
    main = next((each for each in made if each.sent.method != "GET"), made[0])
    route = _told_route(trace, main.span_id) or _route(main.sent.path)
    return MainCall(
        operation_name=f"{main.sent.method} {route}",
        route_path=route,
        api_method=main.sent.method,
        request_fields=_names(parse(main.sent.text)),
        response_fields=_names(_body(main.answer)),
    )


def stage_of(entries: Sequence[Entry]) -> Stage:
    """What the results came from that were seen in answers."""
    engines = {engine for each in _exchanges(entries) for engine in _engines(each)}
    if engines - STAND_INS:
        return Stage.REAL
    return Stage.STAND_IN if engines else Stage.WIRING


def _exchanges(entries: Sequence[Entry]) -> Iterator[ExchangeMade]:
    return (entry.event for entry in entries if isinstance(entry.event, ExchangeMade))


def _engines(made: ExchangeMade) -> Iterator[str]:
    """``engine`` of a job or result, of the result inside a job, and of a result file in its wrapping."""
    body = _body(made.answer)
    if not isinstance(body, dict):
        return
    contents = body.get("contents")
    inside = parse(contents) if isinstance(contents, str) and body.get("path") == ".codex/result.json" else None
    for document in (body, body.get("result"), inside):
        engine = document.get("engine") if isinstance(document, dict) else None
        if isinstance(engine, str) and engine:
            yield engine


def _body(answer: Answer) -> Any:  # noqa: ANN401  # JSON values
    return parse(answer.text if answer.body_json is None else answer.body_json)


def _told_route(trace: Trace | None, span_id: str) -> str:
    spans = trace.spans if trace else ()
    for span in spans:
        if span.kind is Kind.SERVER and span_id and span.parent_span_id == span_id:
            route = span.attributes.get("http.route")
            return route if isinstance(route, str) else ""
    return ""


def _route(path: str) -> str:
    plain = path.partition("?")[0]
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in plain.split("/"))


def _names(body: Any) -> tuple[str, ...]:  # noqa: ANN401  # JSON values
    return tuple(sorted(body)) if isinstance(body, dict) else ()
