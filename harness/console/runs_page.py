"""The list of runs: newest first, filtered, fifty a page; a run that cannot be read is among them and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.console.asked import Filters, cut
from harness.console.pass_rate import pass_rate
from harness.console.rendering import Page
from harness.console.run_rows import STATUSES, is_wanted, told_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.listed import Listed, Row
    from harness.console.rendering import Json
    from harness.console.sources import Sources


def runs_page(sources: Sources, query: Mapping[str, str], here: str) -> Page:
    """The list.

    Raises:
        EvidenceError: The source cannot be read.
    """
    listed = sources.shelf.listed()
    filters = Filters.of(query)
    found = listed.made(("runs", filters), lambda: _wanted(listed, filters))
    page = cut(found, query.get("page", ""))
    trusts = sources.trusted.lately(page.rows)
    document = {
        "runs": [told_row(row, trust) for row, trust in zip(page.rows, trusts, strict=True)],
        "filters": filters.document(),
        "choices": choices_of(listed),
        "rate": listed.made(("rate", filters), lambda: pass_rate(found, filters)),
        "page": page.document("/", filters),
        "all": len(listed.rows),
        "root": str(sources.shelf.root),
        "is_filtered": filters.is_any,
        "chosen": {"a": query.get("a", ""), "b": query.get("b", "")},
        "warnings": list(listed.warnings),
    }
    return Page("runs", "Runs", document, here)


def choices_of(listed: Listed) -> Json:
    """What can be chosen in each filter."""
    return {
        "status": list(STATUSES),
        "ladder": list(listed.ladders),
        "scenario": list(listed.scenarios),
        "intent": list(listed.intents),
        "trigger": list(listed.triggers),
    }


def _wanted(listed: Listed, filters: Filters) -> tuple[Row, ...]:
    return tuple(row for row in listed.rows if is_wanted(row, filters)) if filters.is_any else listed.rows
