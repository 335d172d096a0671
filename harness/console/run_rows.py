"""Runs as a list tells them, and which of them are asked for; everything follows from what the index says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from harness.console.listed import Row
from harness.console.rendering import address
from harness.evidence.reading import RunCondition
from harness.evidence.run_record import RunStatus
from harness.indexing.details import details_of
from harness.indexing.facts import Contents, facts_of, finite
from harness.judging.verdict import GREEN, Verdict
from harness.reporting.words import took

if TYPE_CHECKING:
    from harness.console.asked import Filters
    from harness.console.rendering import Json
    from harness.console.trust import Trust
    from harness.evidence.reading import RunEntry

STATUSES: Final = (*(verdict.value for verdict in Verdict), "running", "partial", "damaged")

_VERDICTS: Final = frozenset(verdict.value for verdict in Verdict)


def row_of(entry: RunEntry) -> Row:
    """A run that was read just now, as the index would tell it."""
    return Row(facts_of(entry, ""), Contents(entry.folder.name, ""), details_of(entry, ""))


def told_row(row: Row, trust: Trust) -> Json:
    """One run of the list."""
    facts = row.facts
    return {
        **facts_of_row(row),
        "trust": trust.word.value,
        "stages": row.details.stages,
        "duration": took(duration_of(row)) if facts.status else "",
        "href": address("runs", row.name),
        "why": facts.why or (trust.why[0] if trust.why and row.is_finished else ""),
    }


def facts_of_row(row: Row) -> Json:
    """What a folder says of itself."""
    facts = row.facts
    return {
        "run": row.name,
        "run_id": facts.run_id or None,
        "condition": facts.condition,
        "word": word_of(row),
        "interrupted": facts.status == RunStatus.INTERRUPTED,
        "mode": row.details.mode,
        "intent": facts.ladder,
        "trigger": row.details.trigger,
        "started_at": facts.started_at or None,
        "duration_s": duration_of(row) if facts.status else None,
    }


def word_of(row: Row) -> str:
    """The verdict of a run that has ended and is whole; what it is, of any other."""
    return row.facts.verdict or "no verdict" if row.is_finished else row.facts.condition


def is_green_run(row: Row) -> bool:
    """Whether it is evidence, and green."""
    return row.is_finished and row.facts.verdict in GREEN


def duration_of(row: Row) -> float:
    """Seconds; of a run that still runs, by the wall clock."""
    told = finite(row.facts.duration_s) or 0.0
    if row.facts.condition != RunCondition.RUNNING:
        return told
    try:
        began = datetime.fromisoformat(row.facts.started_at)
        return max(0.0, (datetime.now(UTC) - began).total_seconds())
    except (ValueError, TypeError):
        return told


def is_wanted(row: Row, filters: Filters) -> bool:
    """Whether filters let a run pass; a verdict is the run's, and where a scenario is named too, that scenario's."""
    facts, details = row.facts, row.details
    if not _has_status(row, filters) or not filters.on_day(int(facts.began_us)):
        return False
    if filters.ladder and f"\n{filters.ladder}\n" not in details.ladders:
        return False
    if filters.trigger and filters.trigger != details.trigger:
        return False
    if filters.scenario and f"\n{filters.scenario}\t" not in row.contents.scenarios:
        return False
    if filters.intent and not _has_intent(row, filters.intent):
        return False
    return not filters.q or filters.q.casefold() in details.words or filters.q in word_of(row)


def _has_status(row: Row, filters: Filters) -> bool:
    wanted = filters.status
    if not wanted:
        return True
    if filters.scenario and wanted in _VERDICTS:
        return row.is_finished and f"\n{filters.scenario}\t{wanted}\n" in row.contents.scenarios
    return word_of(row) == wanted


def _has_intent(row: Row, intent: str) -> bool:
    return f"\n{intent}\n" in row.details.intents or f"\n{intent}\t" in row.contents.scenarios
