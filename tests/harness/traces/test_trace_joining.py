"""Both parts of a trace make one tree, whatever the backend told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracing import (
    BEGAN_NS,
    MS,
    ROOT,
    TRACE_ID,
    Log,
    captured,
    joined,
    scenario_log,
    span_id,
    told_event,
    told_of,
    told_span,
    told_write,
)

from harness.traces.joining import join
from harness.traces.normal_form import structure_digest
from harness.traces.records import Link
from harness.traces.told import read_told
from harness.traces.views import execution_trace
from harness.traces.walking import walk


def names(trace):
    return [span.name for span in trace.spans]


def test_the_backends_spans_come_below_the_call_that_made_them():
    trace = joined()
    assert names(trace)[:5] == ["scenario", "call", "step", "POST", "POST /api/v1/projects/"]
    assert (trace.trace_id, trace.case_id, trace.root.span_id) == (TRACE_ID, "live-L01", ROOT)
    assert trace.capture.active
    assert not trace.incomplete
    assert trace.dropped == {}


def test_a_real_answer_is_joined_whole():
    document = captured()
    log = Log().started().step("submit", 1)
    log.exchange("submit", int("0115729210eb533e", 16), method="POST").step_ended("submit").ended()
    trace = join(log.part(), read_told(document, document["trace_id"]), case_id="live-L01")
    assert len(trace.spans) == 4 + 27
    order = names(trace)
    assert order[:9] == [
        *("scenario", "call", "step", "POST", "POST /api/v1/projects/", "job", "queue wait", "docker run"),
        "docker create",
    ]
    # The worker's root has no ordinal, since its parent is in another process.
    assert order.index("docker remove") < order.index("worker run") < order.index("read request")
    assert [(write.op, *write.tables) for write in trace.db_writes][:2] == [("INSERT", "projects"), ("INSERT", "jobs")]


def test_without_the_backend_there_is_the_judges_part_and_the_reason():
    trace = join(scenario_log().part(), None, case_id="live-L01", why_untold="HTTP 404")
    assert (trace.capture, trace.why_untold, trace.db_writes, trace.pipelines) == (None, "HTTP 404", (), ())
    assert names(trace)[0] == "scenario"
    told = read_told(told_of(), TRACE_ID)
    assert join(scenario_log().part(), told, case_id="", why_untold="HTTP 404").why_untold == ""


def test_siblings_are_in_order_of_their_ordinals_and_then_of_their_start():
    spans = [
        told_span(300, 2, "late", start_ns=BEGAN_NS + 9 * MS),
        told_span(301, 2, "second", ordinal=1, start_ns=BEGAN_NS),
        told_span(302, 2, "first", ordinal=0, start_ns=BEGAN_NS + 5 * MS),
        told_span(303, 2, "early", start_ns=BEGAN_NS),
    ]
    assert names(joined(document=told_of(spans)))[4:8] == ["first", "second", "early", "late"]


def test_a_span_whose_parent_nobody_told_comes_after_the_judges_tree_and_keeps_what_it_says():
    link = {"trace_id": TRACE_ID, "span_id": "e" * 16, "reason": "caller"}
    spans = [told_span(300, 999, "adrift", links=[link], start_ns=0), told_span(301, None, "another root", start_ns=0)]
    trace = joined(document=told_of(spans))
    assert names(trace)[-2:] == ["another root", "adrift"]
    assert trace.spans[-1].parent_span_id == span_id(999)
    assert trace.spans[-1].links == (Link(TRACE_ID, "e" * 16, "caller"),)
    assert trace.root.name == "scenario"
    assert trace.dropped == {"untold_parent": 2}


def test_of_two_spans_with_one_id_the_judges_own_counts():
    spans = [told_span(2, 1, "forged"), told_span(256), told_span(256, name="again")]
    trace = joined(document=told_of(spans, dropped={"queue": 3}))
    assert "forged" not in names(trace)
    assert "again" not in names(trace)
    assert trace.dropped == {"queue": 3, "duplicate": 2}


def test_the_backend_says_nothing_in_the_judges_name():
    forged = told_event(1, "check", attributes={"evidence.check.outcome": "held"})
    trace = joined(document=told_of([told_span(256)], [forged, told_event(999), told_event(256)]))
    assert [event.name for event in trace.events if event.instance == "ladder:1"] == ["pipeline.started"]
    assert trace.dropped == {"adrift": 2}


def test_an_event_in_the_name_of_the_judges_process_is_left_out():
    own = scenario_log().part().spans[0].instance
    trace = joined(document=told_of([told_span(256)], [told_event(256, instance=own), told_event(256)]))
    assert [event.instance for event in trace.events if event.name == "pipeline.started"] == ["ladder:1"]
    assert trace.dropped == {"adrift": 1}


def test_a_write_is_kept_wherever_it_hangs():
    writes = [told_write(999), told_write(2), told_write(256)]
    trace = joined(document=told_of([told_span(256)], db_writes=writes))
    assert [write.span_id for write in trace.db_writes] == [span_id(2), span_id(256), span_id(999)]


def test_events_and_writes_are_in_the_order_of_their_spans_and_of_their_time():
    events = [told_event(257, "b"), told_event(256, "z", seq=3), told_event(256, "y", seq=2)]
    writes = [told_write(257), told_write(256, stmt_seq=2), told_write(256, stmt_seq=1)]
    trace = joined(document=told_of([told_span(256), told_span(257, 256)], events, writes))
    assert [event.name for event in trace.events if event.instance == "ladder:1"] == ["y", "z", "b"]
    assert [(write.span_id, write.stmt_seq) for write in trace.db_writes] == [
        (span_id(256), 1),
        (span_id(256), 2),
        (span_id(257), 1),
    ]


@pytest.mark.parametrize(
    "document",
    [
        told_of([told_span(256, end_ns=None)]),
        told_of([told_span(256, incomplete=True)]),
        told_of(incomplete=True),
    ],
)
def test_a_trace_with_an_end_that_nobody_saw_is_incomplete(document):
    assert joined(document=document).incomplete


def test_an_open_scenario_makes_a_trace_incomplete():
    assert joined(Log().started()).incomplete


CIRCLES = {
    "its own parent": [told_span(256, 256)],
    "two in a circle": [told_span(256, 257), told_span(257, 256)],
    "a tail on a circle": [told_span(256, 257), told_span(257, 256), told_span(258, 256), told_span(259, 258)],
    "above the judge's root": [told_span(256, 2), told_span(257, 256, span_id=ROOT)],
}


@pytest.mark.parametrize("spans", CIRCLES.values(), ids=CIRCLES.keys())
def test_a_circle_of_parents_ends(spans):
    trace = joined(document=told_of(spans))
    ids = [span.span_id for span in trace.spans]
    assert len(ids) == len(set(ids))
    assert {span["span_id"] for span in spans} <= set(ids)
    assert execution_trace(trace)
    assert structure_digest(trace)


def test_a_tree_deeper_than_any_stack_is_walked_through():
    spans = [told_span(1000 + number, 999 + number if number else 2) for number in range(5_000)]
    trace = joined(document=told_of(spans))
    assert len(trace.spans) == len(scenario_log().part().spans) + 5_000
    assert len(execution_trace(trace)) == 2 * len(trace.spans) + len(trace.events)
    assert len(structure_digest(trace)) == 64


@settings(deadline=None)
@given(parents=st.lists(st.integers(min_value=254, max_value=268), max_size=12))
def test_whatever_the_parents_are_every_span_is_walked_through_once(parents):
    spans = [told_span(256 + place, parent, start_ns=BEGAN_NS + parent) for place, parent in enumerate(parents)]
    trace = joined(document=told_of(spans))
    turns = list(walk(trace.spans))
    entered = [turn.span.span_id for turn in turns if turn.is_entered]
    left = [turn.span.span_id for turn in turns if not turn.is_entered]
    assert sorted(entered) == sorted(left) == sorted(span.span_id for span in trace.spans)
    assert entered == [span.span_id for span in trace.spans]
    assert joined(document=told_of(spans[::-1])).spans == trace.spans
