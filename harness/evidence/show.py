"""What ``ladder show`` tells of one run: as data for ``--json``, and as text for people.

Stored text is shown as data: control characters are spelt out. A run that does not count as evidence says so in the
same place where another one tells its verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.printable import one_line, shortened
from harness.evidence.reading import RunCondition
from harness.evidence.records import to_document
from harness.evidence.run_record import RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.evidence.reading import LoadedRun, RunEntry
    from harness.evidence.run_record import RunRecord

_MAX_CELL = 100
_MAX_LINE = 1000


def show_document(run: LoadedRun) -> dict[str, Any]:
    """One run for ``--json``: its record, captures and faults."""
    return {
        **_entry_document(run.entry),
        "faults": to_document(run.faults),
        "record": to_document(run.record),
        "captures": to_document(run.state.captures) if run.state else None,
    }


def show_text(run: LoadedRun) -> str:
    """One run for people."""
    return "".join(f"{line}\n" for line in _show_lines(run))


def _entry_document(entry: RunEntry) -> dict[str, Any]:
    record = entry.record
    return {
        "run": entry.name,
        "run_id": entry.run_id or None,
        "folder": str(entry.folder),
        "condition": entry.condition.value,
        "why": entry.why,
        "signed": entry.is_signed,
        "verdict": to_document(record.verdict) if record else None,
        "started_at": record.started_at if record else None,
        "duration_s": to_document(record.duration_s) if record else None,
    }


def _word(entry: RunEntry) -> str:
    if entry.condition is not RunCondition.FINISHED:
        return entry.condition.value
    if entry.record is None or entry.record.verdict is None:
        return "none"
    ended = " (interrupted)" if entry.record.status is RunStatus.INTERRUPTED else ""
    return f"{entry.record.verdict}{ended}"


def _show_lines(run: LoadedRun) -> Iterator[str]:
    entry, record = run.entry, run.record
    yield f"run {entry.name}: {_word(entry)}"
    yield from (f"  {name}: {_cell(value)}" for name, value in _facts(entry, record).items() if value)
    yield ""
    for each in record.scenarios:
        yield _cell(f"{each.folder}: {each.verdict} result={each.result_status} ({each.duration_s:.1f} s) {each.title}")
        # The reason is often the first check that was missed.
        told = dict.fromkeys(line for line in (each.reason, *each.missed, *each.limits) if line)
        yield from (f"    {shortened(one_line(line), _MAX_LINE)}" for line in told)
    if run.faults:
        yield ""
        yield "not as recorded:"
        yield from (f"  {fault.kind}: {_cell(fault.path)}" for fault in run.faults)


def _facts(entry: RunEntry, record: RunRecord) -> dict[str, str]:
    return {
        "folder": str(entry.folder),
        "condition": f"{entry.condition}, {'signed' if entry.is_signed else 'unsigned'}",
        "note": entry.why,
        "run id": record.run_id,
        "exit code": "" if record.exit_code is None else str(record.exit_code),
        "ladders": ", ".join(f"{ladder.file} {ladder.digest[:12]}" for ladder in record.ladders),
        "commit": f"{record.git.commit or 'unknown'}{' with local changes' if record.git.dirty else ''}",
        "worker image": record.images.worker or "unknown",
        "engine": record.engine.version or "unknown",
        "base URL": record.base_url,
        "started": record.started_at,
        "duration": f"{record.duration_s:.1f} s",
        "rerun of": record.rerun_of or "",
    }


def _cell(text: str) -> str:
    return shortened(one_line(text), _MAX_CELL)
