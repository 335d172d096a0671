"""The normal form ``nf/1`` of a trace and its digest: the same scenario run twice gives the same one (§6).

It says what happened and not when: ids, times, durations, instances and containers are left out, texts become tokens
(see ``tokens``), and of a poll's attempts only the last counts, since how many there are is a matter of time. A span
counts with its place in the tree, so that the list of them, each with its depth, tells the tree. The doubt: two things
that differ only in what is left out here, such as the contents of a file, have one digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.traces.own_requests import ATTEMPT
from harness.traces.records import HARNESS
from harness.traces.tokens import OF_EVENTS, OF_SPANS, kept, plain, tokenised
from harness.traces.walking import walk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.traces.records import DbWrite, PointEvent, Span, Trace

NORMAL_FORM: Final = "nf/1"

Json = dict[str, Any]


def structure_digest(trace: Trace) -> str:
    """SHA-256 of the normal form in canonical JSON (RFC 8785), in hex."""
    return _digest(normal_form(trace))


def normal_form(trace: Trace) -> Json:
    """What happened in a trace, as JSON.

    Args:
        trace: As it was joined or stored; the order of its spans has no influence.
    """
    spans = _without_earlier_attempts(trace.spans)
    known = {span.span_id for span in trace.spans}
    recorded = _Recorded(trace)
    return {
        "normal_form": NORMAL_FORM,
        "capture": None if trace.capture is None else {"active": trace.capture.active},
        "spans": _listed(spans, recorded),
        # What hangs on a span that nobody told has no place but happened all the same.
        "elsewhere": {
            "events": _sorted(_event(event) for event in trace.events if event.span_id not in known),
            "db_writes": _sorted(_write(write) for write in trace.db_writes if write.span_id not in known),
        },
    }


def _without_earlier_attempts(spans: Iterable[Span]) -> list[Span]:
    """Leave out all attempts of a poll but the last, and what is below them; only the judge says what an attempt is."""
    found = list(spans)
    last: dict[str | None, tuple[int, str]] = {}
    attempts = {span.span_id: span for span in found if span.service == HARNESS and ATTEMPT in span.attributes}
    for span in attempts.values():
        place = (span.ordinal or 0, span.span_id)
        last[span.parent_span_id] = max(place, last.get(span.parent_span_id, place))
    earlier = attempts.keys() - {span_id for _, span_id in last.values()}
    kept_spans, left_out = [], 0
    for turn in walk(found):
        is_earlier = turn.span.span_id in earlier
        left_out += is_earlier if turn.is_entered else 0
        if turn.is_entered and not left_out:
            kept_spans.append(turn.span)
        left_out -= is_earlier if not turn.is_entered else 0
    return kept_spans


class _Recorded:
    """What each span recorded, in the order of its own time."""

    def __init__(self, trace: Trace) -> None:
        self._events: dict[str, list[Json]] = {}
        self._writes: dict[str, list[Json]] = {}
        for event in sorted(trace.events, key=lambda each: (each.time_ns, each.seq)):
            self._events.setdefault(event.span_id, []).append(_event(event))
        for write in sorted(trace.db_writes, key=lambda each: (each.started_ns, each.txn_id, each.stmt_seq)):
            self._writes.setdefault(write.span_id, []).append(_write(write))

    def span(self, span: Span) -> Json:
        """One span, with what it recorded."""
        return {
            "name": tokenised(span.name),
            "kind": span.kind.value,
            "layer": span.layer.value,
            "component": tokenised(span.component),
            "operation": tokenised(span.operation),
            "trigger": tokenised(span.trigger),
            "service": tokenised(span.service),
            "status": span.status.value,
            "error_type": None if span.error_type is None else tokenised(span.error_type),
            "is_complete": span.end_ns is not None and not span.incomplete,
            "attributes": kept(span.attributes, OF_SPANS[span.layer]),
            "links": sorted(tokenised(link.reason) for link in span.links),
            "events": self._events.get(span.span_id, []),
            "db_writes": self._writes.get(span.span_id, []),
        }


def _event(event: PointEvent) -> Json:
    return {"name": tokenised(event.name), "attributes": kept(event.attributes, OF_EVENTS)}


def _write(write: DbWrite) -> Json:
    found = write.fingerprint
    return {
        "op": write.op.value if write.op else None,
        "tables": None if write.tables is None else [tokenised(table) for table in write.tables],
        "rows": plain(write.rows),
        "fingerprint": f"v{found.v}:{found.sha256}" if found else None,
        "outcome": write.outcome.value,
    }


@dataclass(frozen=True, slots=True)
class _Node:
    """A span that was left, so that everything below it is known.

    Attributes:
        order: Among its siblings: by ordinal, where they came one after the other, else by digest.
        digest: Of it and everything below it.
    """

    order: tuple[bool, int, str]
    digest: str
    told: Json
    children: tuple[_Node, ...]


def _listed(spans: Iterable[Span], recorded: _Recorded) -> list[Json]:
    """All spans, each with its depth, from top to bottom; flat, since a tree may be deeper than any stack."""
    waiting: list[list[_Node]] = [[]]
    for turn in walk(spans):
        if turn.is_entered:
            waiting.append([])
            continue
        children = tuple(sorted(waiting.pop(), key=lambda node: node.order))
        waiting[-1].append(_node(turn.span, recorded.span(turn.span), children))
    # The judge's own root comes first; what hangs on nothing is in no order but that of its digests.
    tops, listed = waiting[0], []
    left = [(0, node) for node in reversed([*tops[:1], *sorted(tops[1:], key=lambda node: node.digest)])]
    while left:
        depth, node = left.pop()
        listed.append({"depth": depth, **node.told})
        left += ((depth + 1, child) for child in reversed(node.children))
    return listed


def _node(span: Span, told: Json, children: tuple[_Node, ...]) -> _Node:
    digest = _digest({**told, "children": [child.digest for child in children]})
    is_in_turn = span.ordinal is not None and not span.concurrent
    return _Node((not is_in_turn, (span.ordinal or 0) if is_in_turn else 0, digest), digest, told, children)


def _sorted(found: Iterable[Json]) -> list[Json]:
    return sorted(found, key=_digest)


def _digest(document: Json) -> str:
    import rfc8785

    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
