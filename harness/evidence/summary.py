"""``summary.txt`` for programs, ``summary.md`` for people: the same verdicts, read from the run's record. Pure."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from harness.evidence.layout import part_of
from harness.evidence.printable import one_line, shortened
from harness.evidence.trial_summary import trial_line, trials_markdown, trials_text
from harness.judging.verdict import is_green

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.evidence.run_record import RunRecord, ScenarioRecord
    from harness.evidence.trial_summary import TrialsTold

MAX_CELL: Final = 200

MOST_TABLES: Final = 20
"""Of trials that are not green; all are in ``reports/``."""

_MARKUP: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#~"})


def run_summary(record: RunRecord, told: TrialsTold) -> str:
    """``summary.txt`` of a whole run: its scenarios; of several trials, a line for each, and what they add up to."""
    if record.aggregation is None:
        return summary_text(record.scenarios)
    return "".join(f"{trial_line(each)}\n" for each in record.trial_records) + trials_text(record, told)


def summary_text(scenarios: Iterable[ScenarioRecord]) -> str:
    """One line for each scenario: ``<ID>: <verdict> result=<status>``."""
    return "".join(f"{each.id}: {each.verdict} result={one_line(each.result_status)}\n" for each in scenarios)


def parts(record: RunRecord) -> dict[str, tuple[ScenarioRecord, ...]]:
    """Scenarios by the part that their folders lie in, such as ``live`` and ``mocked/RERUN``."""
    found: dict[str, tuple[ScenarioRecord, ...]] = {}
    for each in record.scenarios:
        part = part_of(each.folder)
        found[part] = (*found.get(part, ()), each)
    return found


def summary_markdown(record: RunRecord, told: TrialsTold | None = None) -> str:
    """The run on one page. Observed text is escaped, so that nothing in it becomes markup.

    Args:
        record: The run.
        told: What several trials add up to besides the verdict; of these, only those that are not green have a table.
    """
    shown, left = _shown(record)
    page = [*_head(record), *trials_markdown(record, told), *_tables(shown)]
    more = ["", f"{left} more trials are not green."] if left else []
    return "\n".join([*page, *_details(shown), *more]) + "\n"


def _shown(record: RunRecord) -> tuple[dict[str, tuple[ScenarioRecord, ...]], int]:
    """The parts that have a table, and how many more would have one."""
    found = parts(record)
    if record.aggregation is None:
        return found, 0
    red = {
        part: scenarios for part, scenarios in found.items() if not all(is_green(each.verdict) for each in scenarios)
    }
    return dict(islice(red.items(), MOST_TABLES)), max(0, len(red) - MOST_TABLES)


def _head(record: RunRecord) -> Iterator[str]:
    verdict = record.verdict or "no verdict"
    yield f"# Run {record.folder}: {verdict}"
    yield ""
    commit = record.git.commit or "unknown"
    dirty = {True: ", with local changes", False: ""}.get(bool(record.git.dirty), "")
    facts = {
        "run id": record.run_id,
        "status": record.status,
        "exit code": "none" if record.exit_code is None else str(record.exit_code),
        "commit": f"{commit}{dirty}",
        "worker image": record.images.worker or "unknown",
        "engine": record.engine.version or "unknown",
        "base URL": record.base_url,
        "started": record.started_at,
        "duration": f"{record.duration_s:.1f} s",
        "rerun of": record.rerun_of or "",
    }
    yield from (f"- {name}: {_safe(value)}" for name, value in facts.items() if value)


def _tables(shown: Mapping[str, Iterable[ScenarioRecord]]) -> Iterator[str]:
    for part, scenarios in shown.items():
        yield from ("", f"## {_safe(part)}", "", "| ID | title | verdict | result | duration | reason |")
        yield "|---|---|---|---|---|---|"
        yield from (_row(each) for each in scenarios)


def _row(each: ScenarioRecord) -> str:
    words = (each.id, each.title, each.verdict, each.result_status, f"{each.duration_s:.1f} s", each.reason)
    return "| " + " | ".join(_safe(word) for word in words) + " |"


def _details(shown: Mapping[str, Iterable[ScenarioRecord]]) -> Iterator[str]:
    for each in chain.from_iterable(shown.values()):
        lines = [*each.missed, *(f"limitation: {limit}" for limit in each.limits)]
        if lines:
            yield from ("", f"### {_safe(each.folder)}", "", *(f"- {_safe(line)}" for line in lines))


def _safe(text: str) -> str:
    return shortened(one_line(text), MAX_CELL).translate(_MARKUP)
