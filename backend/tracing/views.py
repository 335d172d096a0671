"""The use cases of reading traces; nothing here changes one.

A reader first waits a moment until the traces of jobs that have ended are whole and stored, so that whoever saw the end
of a job finds all of its trace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from backend.errors import InvalidRequestError, NotFoundError
from backend.tracing.spans import undashed

if TYPE_CHECKING:
    from backend.tracing.job_traces import JobTraces
    from backend.tracing.pipeline import Pipeline
    from backend.tracing.stores import IntentAverage, Position, StoredTrace, TraceHead, TraceQuery, TraceStore

NO_TRACE: Final = "Trace not found"
WHOLE_S: Final = 5.0
"""How long a reader waits for a trace to be whole; a worker is removed in a tenth of a second."""
CURSOR_PATTERN: Final = "^[0-9a-f]{1,16}-[0-9a-f]{1,16}$"
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LARGEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class TracePage:
    """Part of the list of traces; ``next_cursor`` is ``None`` on the last part."""

    traces: tuple[TraceHead, ...]
    averages: tuple[IntentAverage, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TraceViews:
    """Reads traces; with recording off there are none."""

    store: TraceStore | None
    jobs: JobTraces

    def page(self, query: TraceQuery, cursor: str | None) -> TracePage:
        """List traces, newest first.

        Raises:
            InvalidRequestError: The cursor is none of ours.
        """
        after = _decode(cursor)
        if self.store is None:
            return TracePage((), (), None)
        self.jobs.recorder.stored(WHOLE_S)
        since_ns, until_ns = _bounded(query.since_ns), _bounded(query.until_ns)
        asked = replace(query, limit=query.limit + 1, after=after, since_ns=since_ns, until_ns=until_ns)
        found = self.store.search(asked)
        shown = found[: query.limit]
        more = len(found) > query.limit
        return TracePage(shown, self.store.averages(), _encode(shown[-1]) if more else None)

    def trace(self, trace_id: str, job_id: str | None = None) -> tuple[StoredTrace, Pipeline | None]:
        """One trace, with the pipeline of a job in it, or its first.

        Raises:
            NotFoundError: There is no such trace.
        """
        if self.store is None or not _TRACE_ID.fullmatch(trace_id):
            raise NotFoundError("unknown-id", NO_TRACE)
        wire_id = undashed(trace_id)
        self.jobs.whole(wire_id, WHOLE_S)
        if (found := self.store.get(wire_id)) is None:
            raise NotFoundError("unknown-id", NO_TRACE)
        pipelines = [p for p in found.head.pipelines if job_id in {None, p.pipeline_id}]
        return found, pipelines[0] if pipelines else None


def _bounded(ns: int | None) -> int | None:
    """A time as far as the database can count; nothing was recorded beyond."""
    return None if ns is None else min(max(ns, 0), _LARGEST)


def _encode(head: TraceHead) -> str:
    return f"{head.started_ns:x}-{head.seq:x}"


def _decode(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    start, _, seq = cursor.partition("-")
    if not re.fullmatch(CURSOR_PATTERN.strip("^$"), cursor) or max(int(start, 16), int(seq, 16)) > _LARGEST:
        raise InvalidRequestError("bad-cursor", "Invalid cursor")
    return int(start, 16), int(seq, 16)
