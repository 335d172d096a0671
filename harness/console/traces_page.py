"""The list of traces: the climbs of all runs, recent first, or those that the backend itself holds.

A backend that does not answer is an error of this page, and never a list of nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.console.asked import Filters, cut
from harness.console.rendering import Page
from harness.console.trace_rows import facts_of_pipeline
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition
from harness.traces.pipeline import PipelineStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.rendering import Json
    from harness.console.sources import Sources

STATUSES: Final = tuple(status.value for status in PipelineStatus)
BACKEND: Final = "backend"

_OK: Final = 200
_RECENT: Final = "/api/v1/traces?limit=100"


def traces_page(sources: Sources, query: Mapping[str, str], here: str) -> Page:
    """The list.

    Raises:
        EvidenceError: The evidence cannot be read, or ``backend-unreachable``.
    """
    is_live = query.get("source") == BACKEND
    rows = _of_backend(sources) if is_live else recorded(sources)
    filters = Filters.of(query)
    found = [row for row in rows if is_wanted(row, filters)]
    page = cut(found, query.get("page", ""))
    document = {
        "traces": [{name: value for name, value in row.items() if name != "pipeline"} for row in page.rows],
        "source": BACKEND if is_live else "runs",
        "filters": filters.document(),
        "statuses": list(STATUSES),
        "intents": sorted({row["intent"] for row in rows if row["intent"] != "unknown"}),
        "page": page.document("/traces", filters, **({"source": BACKEND} if is_live else {})),
        "all": len(rows),
        "is_filtered": filters.is_any,
    }
    return Page("traces", "Traces", document, here)


def recorded(sources: Sources) -> list[Json]:
    """Every climb of every run, recent first."""
    rows = [row for entry in sources.shelf.entries() for row in sources.pipelines.of(entry)]
    return sorted(rows, key=lambda row: row["started_at"], reverse=True)


def is_wanted(row: Json, filters: Filters) -> bool:
    """Whether filters let a trace pass."""
    if filters.status and row["status"] != filters.status:
        return False
    names = {row["intent"], row["mode"], *(step["name"] for step in row["steps"])}
    if filters.intent and filters.intent not in names:
        return False
    text = filters.q.casefold()
    told = (row["run"], row["trace_id"], row["part"], row["intent"], row["source"], row["reason"] or "")
    return filters.on_day(row["started_at"]) and any(text in each.casefold() for each in told)


def _of_backend(sources: Sources) -> list[Json]:
    told = asked(sources, _RECENT)
    items = told.get("items") or told.get("traces")
    if not isinstance(items, list):
        raise EvidenceError("backend-unreachable", "the backend answered with something that is no list of traces", "")
    known = {entry.name for entry in sources.shelf.entries() if entry.condition is RunCondition.RUNNING}
    return [_row(each, known) for each in items if isinstance(each, dict)]


def asked(sources: Sources, path: str) -> Json:
    """What the backend answers.

    Raises:
        EvidenceError: ``backend-unreachable``; it does not, or with an error.
    """
    found = sources.backend(path)
    hint = "start it with `ladder up`, or look at the recorded traces: /traces"
    if not found.answered:
        raise EvidenceError("backend-unreachable", f"the backend does not answer: {found.error}", hint)
    if found.status != _OK or not isinstance(found.body, dict):
        raise EvidenceError("backend-unreachable", f"the backend answered {path} with HTTP {found.status}", hint)
    return found.body


def _row(item: dict[str, Any], _: set[str]) -> Json:
    pipelines: Any = item.get("pipelines")
    first = pipelines[0] if isinstance(pipelines, list) and pipelines and isinstance(pipelines[0], dict) else item
    return {
        "run": "",
        "run_href": "",
        "part": "",
        "mode": "",
        "trace_id": str(item.get("trace_id") or ""),
        "href": f"/traces/{item.get('trace_id')}?source={BACKEND}",
        "is_stored": False,
        "why": "",
        **facts_of_pipeline(first),
        "pipeline": first,
    }
