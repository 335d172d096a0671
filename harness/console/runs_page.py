"""The list of runs: newest first, filtered, fifty a page; a run that cannot be read is among them and says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from harness.console.asked import Filters, cut
from harness.console.rendering import Page, address
from harness.console.shelf import intent_of
from harness.evidence.reading import RunCondition
from harness.evidence.run_record import RunStatus
from harness.evidence.summary import parts
from harness.judging.verdict import Verdict, is_green
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.console.trust import Trust
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord

STATUSES: Final = (*(verdict.value for verdict in Verdict), "running", "partial", "damaged")


def runs_page(sources: Sources, query: Mapping[str, str], here: str) -> Page:
    """The list.

    Raises:
        EvidenceError: The source cannot be read.
    """
    entries = sources.shelf.entries()
    filters = Filters.of(query)
    found = [entry for entry in entries if _is_wanted(entry, filters)] if filters.is_any else entries
    page = cut(found, query.get("page", ""))
    trusts = sources.trusted.lately(page.rows)
    document = {
        "runs": [row_of(entry, trust) for entry, trust in zip(page.rows, trusts, strict=True)],
        "filters": filters.document(),
        "statuses": list(STATUSES),
        "intents": list(sources.shelf.intents()),
        "page": page.document("/", filters),
        "all": len(entries),
        "root": str(sources.shelf.root),
        "is_filtered": filters.is_any,
        "chosen": {"a": query.get("a", ""), "b": query.get("b", "")},
    }
    return Page("runs", "Runs", document, here)


def row_of(entry: RunEntry, trust: Trust) -> Json:
    """One run of the list."""
    record = entry.record
    return {
        **facts_of_entry(entry),
        "trust": trust.word.value,
        "stages": stages_of(record) if record else "",
        "duration": took(duration_of(entry)) if record else "",
        "href": address("runs", entry.name),
        "why": entry.why or (trust.why[0] if trust.why and entry.condition is RunCondition.FINISHED else ""),
    }


def facts_of_entry(entry: RunEntry) -> Json:
    """What a folder says of itself."""
    record = entry.record
    return {
        "run": entry.name,
        "run_id": entry.run_id or None,
        "condition": entry.condition.value,
        "word": word_of(entry),
        "interrupted": bool(record and record.status is RunStatus.INTERRUPTED),
        "mode": mode_of(record) if record else "",
        "intent": intent_of(entry),
        "started_at": record.started_at if record else None,
        "duration_s": duration_of(entry) if record else None,
    }


def word_of(entry: RunEntry) -> str:
    """The verdict of a run that has ended and is whole; what it is, of any other."""
    if entry.condition is not RunCondition.FINISHED or entry.record is None:
        return entry.condition.value
    return entry.record.verdict.value if entry.record.verdict else "no verdict"


def mode_of(record: RunRecord) -> str:
    """In which mode it was climbed."""
    return record.ladders[0].mode.value if record.ladders else ""


def stages_of(record: RunRecord) -> str:
    """How many scenarios of the first part are green; of several trials, how many trials are."""
    if record.aggregation is not None:
        return f"{record.aggregation.passed}/{record.aggregation.trials} trials"
    found = next(iter(parts(record).values()), ())
    planned = len(record.ladders[0].scenarios) if record.ladders and record.finished_at is None else len(found)
    return f"{sum(is_green(each.verdict) for each in found)}/{max(planned, len(found))}"


def duration_of(entry: RunEntry) -> float:
    """Seconds; of a run that still runs, by the wall clock."""
    record = entry.record
    if record is None or entry.condition is not RunCondition.RUNNING:
        return record.duration_s if record else 0.0
    try:
        began = datetime.fromisoformat(record.started_at)
        return max(0.0, (datetime.now(UTC) - began).total_seconds())
    except (ValueError, TypeError):
        return record.duration_s


def _is_wanted(entry: RunEntry, filters: Filters) -> bool:
    if filters.status and word_of(entry) != filters.status:
        return False
    if filters.intent and not _has_intent(entry, filters.intent):
        return False
    started = entry.record.started_at if entry.record else entry.name
    return filters.on_day(started) and (not filters.q or _mentions(entry, filters.q.casefold()))


def _has_intent(entry: RunEntry, intent: str) -> bool:
    record = entry.record
    if record is None:
        return False
    names = {name for ladder in record.ladders for name in (ladder.name, ladder.mode.value)}
    return intent in names or any(intent in {each.id, each.title} for each in record.scenarios)


def _mentions(entry: RunEntry, text: str) -> bool:
    record = entry.record
    told = [entry.name, word_of(entry), entry.why]
    if record:
        told += [record.run_id, record.git.commit or "", *(ladder.name for ladder in record.ladders)]
        told += [field for each in record.scenarios for field in (each.id, each.title, each.reason, each.trace_id)]
    return any(text in field.casefold() for field in told)
