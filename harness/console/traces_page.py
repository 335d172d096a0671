"""The list of traces: the climbs of all runs, recent first, or those that the backend itself holds.

A backend that does not answer is an error of this page, and never a list of nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.console.asked import Filters, cut
from harness.console.rendering import Page
from harness.console.runs_page import choices_of
from harness.console.time_units import us_of
from harness.console.trace_rows import facts_of_pipeline
from harness.evidence.faults import EvidenceError
from harness.traces.pipeline import PipelineStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
    listed, filters = sources.shelf.listed(), Filters.of(query)
    rows = _of_backend(sources) if is_live else recorded(sources)
    found = _wanted(rows, filters) if is_live else listed.made(("traces", filters), lambda: _wanted(rows, filters))
    page = cut(found, query.get("page", ""))
    broken = _broken(sources, {row["run"] for row in page.rows if row["is_stored"]})
    document = {
        "traces": [_shown(row, broken.get(row["run"], "")) for row in page.rows],
        "source": BACKEND if is_live else "runs",
        "filters": filters.document(),
        "choices": _choices_of(rows) if is_live else {**choices_of(listed), "status": list(STATUSES)},
        "page": page.document("/traces", filters, **({"source": BACKEND} if is_live else {})),
        "all": len(rows),
        "is_filtered": filters.is_any,
    }
    return Page("traces", "Traces", document, here)


def _shown(row: Json, broken: str) -> Json:
    """A row of the list; of a run that is not as it was recorded, that comes first."""
    why = f"broken: {broken}" if broken else row["why"]
    return {**{name: value for name, value in row.items() if name != "pipeline"}, "why": why}


def _broken(sources: Sources, names: Collection[str]) -> dict[str, str]:
    """Why runs are not to be relied on, by run."""
    known = sources.shelf.listed().by_name
    found = [known[name] for name in names if name in known]
    trusts = zip(found, sources.trusted.lately(found), strict=True)
    return {row.name: (*trust.why, "it is not as it was recorded")[0] for row, trust in trusts if trust.is_broken}


def recorded(sources: Sources) -> list[Json]:
    """Every climb of every run, recent first."""
    return sources.pipelines.all(sources.shelf)


def _wanted(rows: list[Json], filters: Filters) -> list[Json]:
    return [row for row in rows if is_wanted(row, filters)] if filters.is_any else rows


def _choices_of(rows: list[Json]) -> Json:
    """What can be chosen among traces that no run holds."""
    steps = {step["name"] for row in rows for step in row["steps"]}
    found = {"intent": {row["intent"] for row in rows}, "trigger": {row["source"] for row in rows}, "scenario": steps}
    return {
        "status": list(STATUSES),
        "ladder": [],
        **{name: sorted(words - {"unknown", ""}) for name, words in found.items()},
    }


def is_wanted(row: Json, filters: Filters) -> bool:
    """Whether filters let a trace pass."""
    steps = {step["name"] for step in row["steps"]}
    asked = (
        (filters.status, {row["status"]}),
        (filters.ladder, {row["intent"]}),
        (filters.scenario, steps),
        (filters.intent, {row["intent"], row["mode"], *row["job_types"], *steps}),
        (filters.trigger, {row["source"]}),
    )
    if any(word and word not in found for word, found in asked):
        return False
    text = filters.q.casefold()
    told = (row["run"], row["trace_id"], row["part"], row["intent"], row["source"], row["reason"] or "")
    return filters.on_day(_began_us(row)) and any(text in each.casefold() for each in told)


def _began_us(row: Json) -> int:
    """When a climb began; where it says nothing of the kind, when its run did by its name."""
    return next((us for text in (row["started_at"], row["run"]) if (us := us_of(text)) is not None), 0)


def _of_backend(sources: Sources) -> list[Json]:
    told = ask_backend(sources, _RECENT)
    items = told.get("traces")
    if not isinstance(items, list):
        raise EvidenceError("backend-unreachable", "the backend answered with something that is no list of traces", "")
    return [_row(each) for each in items if isinstance(each, dict)]


def ask_backend(sources: Sources, path: str) -> Json:
    """The body of what the backend answers to a GET of a path.

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


def _row(item: dict[str, Any]) -> Json:
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
