"""Digests of a case's parts, so that a reader can name what was changed, and one digest of a whole run.

SHA-256 over RFC 8785. Parts are taken from the case as it is stored, whatever it is: a key that was misspelt must not
keep the event that it is in from being named. What RFC 8785 cannot spell (an integer beyond 2^53, a lone surrogate) is
spelt as text first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.documents import parse_object
from harness.evidence.records import to_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.traces.case import Case

SCHEMA: Final = "ladder.cases/1"

LISTS: Final[Mapping[str, str]] = {
    "execution_trace": "events",
    "db_writes": "writes",
    "api_calls_used": "calls",
}
"""Field of a case whose items are parts of their own → their name in the digests."""

_LARGEST: Final = 2**53 - 1

Row = tuple[str, str, str, str]
"""Case id, status, structure digest, content digest."""


@dataclass(frozen=True, slots=True)
class CaseDigests:
    """Digests of one case's parts; ``summary`` is everything but the three lists."""

    summary: str
    events: tuple[str, ...]
    writes: tuple[str, ...]
    calls: tuple[str, ...]


def parts_of(case: Case) -> CaseDigests:
    """Digests of a case."""
    return document_parts(to_document(case))


def document_parts(case: Mapping[str, Any]) -> CaseDigests:
    """Digests of a case as it was parsed; a list that is none has no parts, and belongs to the summary."""
    lists = {name for name in LISTS if isinstance(case.get(name), list)}
    summary = {name: value for name, value in case.items() if name not in lists}
    found = {LISTS[name]: tuple(digest(item) for item in case[name]) for name in lists}
    return CaseDigests(digest(summary), *(found.get(word, ()) for word in LISTS.values()))


def digest(value: object) -> str:
    """SHA-256, in hex, of a JSON value in its canonical spelling."""
    import rfc8785

    return hashlib.sha256(rfc8785.dumps(_spellable(value))).hexdigest()


def run_digest(rows: Iterable[Row]) -> str:
    """One digest of all cases of a run, in whatever order they are given."""
    return digest([list(row) for row in sorted(rows)])


def digests_document(stored: Mapping[str, bytes]) -> dict[str, Any]:
    """``cases/digests.json``.

    Args:
        stored: Case id → the bytes of its file.

    Raises:
        DamagedRecordError: One of them is no JSON object.
    """
    # One at a time, since they may be read as they are asked for.
    cases = {case_id: _entry(stored[case_id]) for case_id in sorted(stored)}
    rows = ((name, each["status"], each["structure_digest"], each["content_digest"]) for name, each in cases.items())
    return {"schema": SCHEMA, "run_digest": run_digest(rows), "cases": cases}


def _entry(data: bytes) -> dict[str, Any]:
    case = parse_object(data.decode())
    return {
        "status": case["status"],
        "structure_digest": case["determinism_hash"],
        "content_digest": hashlib.sha256(data).hexdigest(),
        **to_document(document_parts(case)),
    }


def _spellable(value: Any) -> Any:  # noqa: ANN401  # JSON values
    if isinstance(value, dict):
        return {_text(key): _spellable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_spellable(item) for item in value]
    if isinstance(value, int) and abs(value) > _LARGEST:
        return str(value)
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()
