"""``summary.txt`` for programs, ``summary.md`` for people: the same verdicts, read from the run's record. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence.layout import part_of
from harness.evidence.printable import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence.run_record import RunRecord, ScenarioRecord

MAX_CELL: Final = 200

_MARKUP: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#~"})


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


def summary_markdown(record: RunRecord) -> str:
    """The run on one page. Observed text is escaped, so that nothing in it becomes markup."""
    return "\n".join([*_head(record), *_tables(record), *_details(record)]) + "\n"


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


def _tables(record: RunRecord) -> Iterator[str]:
    for part, scenarios in parts(record).items():
        yield from ("", f"## {_safe(part)}", "", "| ID | title | verdict | result | duration | reason |")
        yield "|---|---|---|---|---|---|"
        yield from (_row(each) for each in scenarios)


def _row(each: ScenarioRecord) -> str:
    words = (each.id, each.title, each.verdict, each.result_status, f"{each.duration_s:.1f} s", each.reason)
    return "| " + " | ".join(_safe(word) for word in words) + " |"


def _details(record: RunRecord) -> Iterator[str]:
    for each in record.scenarios:
        lines = [*each.missed, *(f"limitation: {limit}" for limit in each.limits)]
        if lines:
            yield from ("", f"### {_safe(each.folder)}", "", *(f"- {_safe(line)}" for line in lines))


def _safe(text: str) -> str:
    return shortened(one_line(text), MAX_CELL).translate(_MARKUP)
