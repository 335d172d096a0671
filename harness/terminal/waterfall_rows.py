"""A trace as rows of a waterfall: which line stands where, how deep, and when. Pure; widths and colours come later.

A parent stands before its children and a write below the span that wrote. Attempts of one poll, and more than four
look-alikes below one parent, are one row, which keeps every mark of what it hides. Stored traces may be odd: each span
becomes a row exactly once, whatever its parent says, and times are kept where numbers can be drawn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.terminal.waterfall_words import NAMING, folded_words, safe, span_words, write_words
from harness.traces.records import HARNESS, Layer, Outcome, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.traces.records import DbWrite, Span, Trace

FOLDED_FROM: Final = 5
"""Look-alikes below one parent from which they are one row."""

_ATTEMPT: Final = "evidence.poll.attempt"
_ATTEMPTS_FROM: Final = 2
_FARTHEST_NS: Final = 2**63


class Mark(StrEnum):
    """What a reader must see about a row."""

    ERROR = "ERROR"
    INCOMPLETE = "incomplete"
    CONCURRENT = "concurrent"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture.

    Attributes:
        depth: Of the tree, from 0.
        label: Safe to be shown.
        span_id: Of the span, or of the span that wrote; of the first one when several are folded.
        end_ns: ``None`` when its end was never seen.
        duration_ns: By a monotonic clock; of several the sum of those that are known.
        marks: In the order of ``Mark``.
        failure: What kind it was, safe to be shown; empty of what did not fail, and of several.
        count: How many spans or writes it stands for.
        hidden_writes: How many writes below a folded row have no row of their own.
    """

    depth: int
    label: str
    layer: Layer
    span_id: str
    start_ns: int
    end_ns: int | None
    duration_ns: int | None
    marks: tuple[Mark, ...] = ()
    failure: str = ""
    count: int = 1
    hidden_writes: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """The time of a trace: that of the judge's own spans, since another machine's clock may be far off."""

    start_ns: int
    end_ns: int

    def offset_ms(self, ns: int) -> float:
        """Milliseconds since the beginning; negative before it."""
        return (ns - self.start_ns) / 1e6


def rows_of(trace: Trace, *, fold: bool) -> tuple[Row, ...]:
    """Every span and write once, parents first; ``fold`` makes look-alikes one row."""
    return tuple(_Tree(trace).rows(fold=fold))


def extent_of(trace: Trace) -> Extent:
    """From the first start to the last end that the judge saw; of all spans when none is the judge's."""
    spans = [span for span in trace.spans if span.service == HARNESS] or trace.spans
    starts = [_kept(span.start_ns) for span in spans]
    ends = [_kept(span.end_ns) for span in spans if span.end_ns is not None]
    return Extent(min(starts, default=0), max(starts + ends, default=0))


class _Tree:
    """Children by parent. Spans are told apart by their place, because a damaged trace may repeat an id."""

    def __init__(self, trace: Trace) -> None:
        self._spans = trace.spans
        self._children: dict[str, list[int]] = defaultdict(list)
        self._writes: dict[str, list[DbWrite]] = defaultdict(list)
        known = {span.span_id for span in trace.spans}
        self._roots = [at for at, span in enumerate(trace.spans) if span.parent_span_id not in known]
        for at, span in enumerate(trace.spans):
            if span.parent_span_id in known:
                self._children[span.parent_span_id or ""].append(at)
        for write in sorted(trace.db_writes, key=lambda write: write.started_ns):
            self._writes[write.span_id].append(write)
        self._lost_writes = [write for write in trace.db_writes if write.span_id not in known]
        self._seen: set[int] = set()

    def rows(self, *, fold: bool) -> Iterator[Row]:
        """Walk with a stack of its own: a chain of parents may be longer than the interpreter's."""
        # Spans that are their own ancestors hang under no root, and are begun with the first of each circle.
        for start in (*self._roots, *range(len(self._spans))):
            stack: list[Row | tuple[int, list[int]]] = [(0, [start])]
            while stack:
                found = stack.pop()
                if isinstance(found, Row):
                    yield found
                    continue
                depth, group = found
                members = [at for at in group if at not in self._seen]
                if not members:
                    continue
                self._seen.update(members)
                if len(members) > 1:
                    yield self._folded(depth, members)
                else:
                    yield self._row(depth, members[0])
                    stack.extend(reversed(self._below(depth + 1, members[0], fold=fold)))
        yield from (_write_row(0, [write]) for write in self._lost_writes)

    def _below(self, depth: int, at: int, *, fold: bool) -> list[Row | tuple[int, list[int]]]:
        """Groups of children and rows of writes, in the order of their start."""
        span_id = self._spans[at].span_id
        # A repeated id must not draw the writes below it twice.
        written = _write_groups(self._writes.pop(span_id, []), fold=fold)
        rows = [_write_row(depth, group) for group in written]
        found: list[Row | tuple[int, list[int]]] = []
        for group in self._groups(self._children.get(span_id, []), fold=fold):
            began = self._spans[group[0]].start_ns
            while rows and rows[0].start_ns <= began:
                found.append(rows.pop(0))
            found.append((depth, group))
        return [*found, *rows]

    def _groups(self, places: Sequence[int], *, fold: bool) -> list[list[int]]:
        alike: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for at in places:
            alike[_likeness(self._spans[at])].append(at)
        folded = {
            key
            for key, members in alike.items()
            if fold and len(members) >= (_ATTEMPTS_FROM if key[1] else FOLDED_FROM)
        }
        groups: list[list[int]] = []
        for at in places:
            key = _likeness(self._spans[at])
            if key not in folded:
                groups.append([at])
            elif alike[key][0] == at:
                groups.append(alike[key])
        return groups

    def _row(self, depth: int, at: int) -> Row:
        span = self._spans[at]
        start, end = _kept(span.start_ns), None if span.end_ns is None else _kept(span.end_ns)
        took = span.duration_ns if span.duration_ns is not None or end is None else end - start
        duration = None if took is None else _kept(took)
        words, failure = span_words(span), safe(span.error_type or "")
        return Row(depth, words, span.layer, span.span_id, start, end, duration, _marks([span]), failure)

    def _folded(self, depth: int, members: Sequence[int]) -> Row:
        rows = [self._row(depth, at) for at in members]
        below = self._take_below(members)
        writes = [write for span in below for write in self._writes.pop(span.span_id, [])]
        ends = [row.end_ns for row in rows if row.end_ns is not None]
        took = [row.duration_ns for row in rows if row.duration_ns is not None]
        marks = {mark for row in rows for mark in row.marks} | set(_marks(below)) - {Mark.CONCURRENT}
        marks |= {mark for write in writes for mark in _write_marks(write)}
        return replace(
            rows[0],
            label=folded_words(self._spans[members[0]].name, len(rows), len(writes)),
            start_ns=min(row.start_ns for row in rows),
            end_ns=max(ends) if len(ends) == len(rows) else None,
            duration_ns=sum(took) if took else None,
            marks=tuple(mark for mark in Mark if mark in marks),
            failure="",
            count=len(rows),
            hidden_writes=len(writes),
        )

    def _take_below(self, members: Sequence[int]) -> list[Span]:
        """The members and all below them, which have no row from now on."""
        found, waiting = [], list(members)
        while waiting:
            span = self._spans[waiting.pop()]
            found.append(span)
            fresh = [at for at in self._children.get(span.span_id, []) if at not in self._seen]
            self._seen.update(fresh)
            waiting += fresh
        return found


def _likeness(span: Span) -> tuple[str, bool]:
    """Siblings that share it may be one row; a step or scenario has a name of its own, a request only a path."""
    own = (str(span.attributes.get(name, "")) for name in NAMING)
    return " ".join((span.name, *own)), _ATTEMPT in span.attributes


def _write_groups(writes: Sequence[DbWrite], *, fold: bool) -> list[list[DbWrite]]:
    said = Counter(map(write_words, writes))
    groups: dict[object, list[DbWrite]] = defaultdict(list)
    for at, write in enumerate(writes):
        words = write_words(write)
        groups[words if fold and said[words] >= FOLDED_FROM else at].append(write)
    return list(groups.values())


def _write_row(depth: int, writes: Sequence[DbWrite]) -> Row:
    first, last = writes[0], writes[-1]
    return Row(
        depth,
        folded_words(write_words(first), len(writes)) if len(writes) > 1 else write_words(first),
        Layer.DB,
        first.span_id,
        _kept(first.started_ns),
        _kept(last.started_ns + last.duration_ns),
        _kept(sum(write.duration_ns for write in writes)),
        _write_marks(first),
        count=len(writes),
    )


def _write_marks(write: DbWrite) -> tuple[Mark, ...]:
    if write.outcome is Outcome.FAILED:
        return (Mark.ERROR,)
    return (Mark.INCOMPLETE,) if write.outcome is Outcome.OPEN else ()


def _marks(spans: Sequence[Span]) -> tuple[Mark, ...]:
    holds = {
        Mark.ERROR: any(span.status is SpanStatus.ERROR for span in spans),
        Mark.INCOMPLETE: any(span.incomplete or span.end_ns is None for span in spans),
        Mark.CONCURRENT: any(span.concurrent for span in spans),
    }
    return tuple(mark for mark in Mark if holds[mark])


def _kept(ns: int) -> int:
    return max(-_FARTHEST_NS, min(ns, _FARTHEST_NS))
