"""The words of a waterfall: what a span or a write is called on a screen, safe to be shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.evidence.printable import one_line, shortened

if TYPE_CHECKING:
    from harness.traces.records import DbWrite, Span, Trace

TIMES: Final = "\N{MULTIPLICATION SIGN}"

NAMING: Final = ("evidence.step.id", "test.case.name", "evidence.agent.name")
"""Attributes that give a span a name of its own."""

_PATH: Final = "url.path"

_LONGEST: Final = 200
_UUID: Final = re.compile(r"([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def span_words(span: Span) -> str:
    """A span's name, and what tells it apart from others of that name.

    Of an id in a path the beginning is enough, since what comes after it tells paths apart.
    """
    return safe(_UUID.sub(_beginning, _named(span)[: _LONGEST * 2]))


def write_words(write: DbWrite) -> str:
    """A write in words, such as ``INSERT projects 1 row committed``; what is unknown is said to be."""
    return safe(f"{op_word(write)} {tables_word(write)} {rows_words(write)} {outcome_words(write)}")


def folded_words(words: str, count: int, hidden_writes: int = 0) -> str:
    """Several of one name as one, with the writes that go under with them."""
    writes = f" ({hidden_writes} write{'' if hidden_writes == 1 else 's'})" if hidden_writes else ""
    return f"{safe(words)} … {TIMES}{count}{writes}"


def op_word(write: DbWrite) -> str:
    """What the statement does."""
    return write.op.value if write.op else "unknown"


def tables_word(write: DbWrite) -> str:
    """Its tables."""
    return "unknown" if write.tables is None else safe(", ".join(write.tables))


def rows_words(write: DbWrite) -> str:
    """How many rows it touched; 0 only where the database said so."""
    return "unknown rows" if write.rows is None else f"{write.rows} row{'' if write.rows == 1 else 's'}"


def outcome_words(write: DbWrite) -> str:
    """What became of it, and why when it failed."""
    why = " ".join(word for word in (write.error_type, write.sqlstate) if word)
    return safe(f"{write.outcome.value.replace('_', ' ')}{f' ({why})' if why else ''}")


def capture_words(trace: Trace) -> str:
    """Whether database writes were watched."""
    if trace.capture and trace.capture.active:
        return f"capture: active ({len(trace.capture.hooks)} hooks)"
    why = "the backend's hooks are not installed" if trace.capture else trace.why_untold or "the backend told nothing"
    return safe(f"capture inactive: {why}")


def lost_words(trace: Trace) -> str:
    """Records that the trace lacks, by what lost them."""
    return safe(", ".join(f"{count} by {stage}" for stage, count in trace.dropped.items() if count))


def safe(text: str) -> str:
    """One line that a terminal obeys nothing in, cut where nobody reads on."""
    # Cut before as well, because spelling out what is never shown of a huge text takes its time.
    return shortened(one_line(text[: _LONGEST * 2]), _LONGEST)


def _beginning(found: re.Match[str]) -> str:
    return f"{found[1]}…"


def _named(span: Span) -> str:
    for name in (*NAMING, _PATH):
        detail = span.attributes.get(name)
        is_said = name == _PATH and "/" in span.name
        if isinstance(detail, str) and detail and not is_said:
            return f"{span.name} {detail}"
    return span.name
