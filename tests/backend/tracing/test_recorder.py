"""The recorder: what it keeps, what it refuses, and that nothing it meets ever reaches the recorded (N10, N11, N15)."""

import threading

import pytest
from support.trace_bench import CANARY, PATIENCE_S, PLACE, BrokenStore, recording
from support.tracing_records import BEGIN, pipeline, span

from backend.redaction import MARKER, Redactor
from backend.tracecontext import new_context
from backend.tracing.attributes import Cleaner
from backend.tracing.current import carried, current_span, inside
from backend.tracing.memory_store import MemoryTraceStore
from backend.tracing.recorder import Limits, Opening, Recorder
from backend.tracing.spans import Kind, Layer, Link, Place, Status

OUTER = Place("job", Layer.APP, "dispatcher", "run job")
STEP = Place("step", Layer.RUNNER, "docker", "step")


@pytest.fixture
def bench():
    with recording() as found:
        yield found


@pytest.fixture
def recorder(bench):
    return bench.recorder


def test_a_span_is_kept_with_what_was_learned_about_it(bench, recorder):
    link = Link("f" * 32, "e" * 16, "unauthenticated")
    with recorder.span(PLACE, opening=Opening({"evidence.attempt": 1}, links=(link,))) as opened:
        opened.set({"container.id": "c" * 64, "nobody.knows.this": 1})
        opened.succeed()
    (kept,) = bench.kept(opened).spans
    assert (kept.place.name, kept.place.kind, kept.status, kept.instance) == ("docker run", Kind.CLIENT, "OK", "ours:1")
    assert kept.attributes == {"evidence.attempt": 1, "container.id": "c" * 64}
    assert (kept.links, kept.dropped_counts) == ((link,), {"attributes": 1})
    assert kept.duration_ns >= 0
    assert kept.end_ns >= kept.start_ns
    assert bench.tally.lost == {}


def test_the_beginning_is_there_before_the_end(bench, recorder):
    opened = recorder.open(PLACE)
    (kept,) = bench.kept(opened).spans
    assert (kept.end_ns, kept.status) == (None, Status.UNSET)
    opened.end()
    assert bench.kept(opened).spans[0].end_ns is not None


def test_a_span_is_the_parent_of_what_is_opened_within_it(bench, recorder):
    assert current_span() is None
    with recorder.span(OUTER) as outer:
        assert current_span() == outer.context
        with recorder.span(STEP) as inner:
            assert current_span() == inner.context
    assert current_span() is None
    assert inner.context.trace_id == outer.context.trace_id
    parents = {kept.span_id: kept.parent_span_id for kept in bench.kept(outer).spans}
    assert parents == {outer.context.span_id: None, inner.context.span_id: outer.context.span_id}


def test_children_in_a_row_are_numbered_and_know_what_set_them_off(bench, recorder):
    with recorder.span(OUTER) as outer:
        for _ in range(3):
            with recorder.span(STEP):
                pass
    steps = [kept for kept in bench.kept(outer).spans if kept.place.name == "step"]
    assert sorted((kept.ordinal, kept.concurrent, kept.place.trigger) for kept in steps) == [
        (number, False, "run job") for number in range(3)
    ]


def test_children_that_ran_side_by_side_say_so(bench, recorder):
    with recorder.span(OUTER) as outer:
        first, second = recorder.open(STEP), recorder.open(STEP)
        first.end()
        second.end()
        recorder.open(STEP).end()
    steps = [kept for kept in bench.kept(outer).spans if kept.place.name == "step"]
    assert [kept.concurrent for kept in sorted(steps, key=lambda kept: kept.ordinal)] == [True, True, False]


def test_a_child_of_another_process_has_no_number(bench, recorder):
    opened = recorder.open(STEP, new_context())
    opened.end()
    assert bench.kept(opened).spans[0].ordinal is None


def test_an_exception_is_the_error_of_its_span_and_goes_on(bench, recorder):
    with pytest.raises(ValueError, match="on purpose"), recorder.span(OUTER) as opened:
        raise ValueError("on purpose")
    (kept,) = bench.kept(opened).spans
    assert (kept.status, kept.error_type) == (Status.ERROR, "ValueError")


def test_an_end_is_final(bench, recorder):
    opened = recorder.open(OUTER)
    opened.succeed()
    opened.end()
    opened.set({"evidence.attempt": 9})
    opened.rename("other")
    opened.end()
    (kept,) = bench.kept(opened).spans
    assert (kept.attributes, kept.place.name, kept.status) == ({}, "job", "OK")


def test_a_span_that_began_some_time_ago_has_no_measured_duration(bench, recorder):
    context = new_context()
    opened = recorder.open(OUTER, opening=Opening(context=context, start_ns=BEGIN))
    opened.adopt("b" * 16)
    opened.end()
    (kept,) = bench.kept(opened).spans
    assert (kept.span_id, kept.start_ns, kept.duration_ns) == (context.span_id, BEGIN, None)
    assert kept.parent_span_id == "b" * 16


def test_events_are_numbered_and_hang_under_the_current_span(bench, recorder):
    recorder.event("nowhere", {})
    with recorder.span(OUTER) as opened:
        recorder.event("job.started", {"evidence.job.type": "edit", "secret.thing": CANARY})
        recorder.event("job.ended", {})
    events = bench.kept(opened).events
    assert [(event.name, event.seq) for event in events] == [("job.started", 1), ("job.ended", 2)]
    assert {event.span_id for event in events} == {opened.context.span_id}
    assert events[0].attributes == {"evidence.job.type": "edit"}
    assert bench.tally.lost == {"attribute": 1}
    assert bench.kept(opened).head.dropped == {"attribute": 1}


def test_a_pipeline_is_kept_as_it_was_when_it_was_handed_over(bench, recorder):
    opened = recorder.open(OUTER)
    running = pipeline(opened.context.trace_id)
    recorder.pipeline(running)
    running.complete()
    assert bench.kept(opened).head.pipelines[0].pipeline_status == "RUNNING"
    recorder.pipeline(running)
    assert bench.kept(opened).head.pipelines[0].pipeline_status == "FAILED"


def test_no_secret_is_ever_queued(bench, recorder):
    place = Place(f"GET /{CANARY}", Layer.HTTP, "api", f"GET /{CANARY}")
    with recorder.span(place, opening=Opening({"url.path": f"/files/{CANARY}"})) as opened:
        recorder.event(f"event.{CANARY}", {"url.path": CANARY})
    kept = bench.kept(opened)
    assert CANARY not in repr(kept)
    assert MARKER in kept.spans[0].attributes["url.path"]


def test_a_plain_thread_is_handed_the_span(recorder):
    seen = []
    with recorder.span(OUTER) as opened:
        work = carried(lambda: seen.append(current_span()))
        threads = [threading.Thread(target=work), threading.Thread(target=work)]
        bare = threading.Thread(target=lambda: seen.append(current_span()))
        for thread in (*threads, bare):
            thread.start()
        for thread in (*threads, bare):
            thread.join()
    assert seen.count(opened.context) == 2
    assert seen.count(None) == 1


def test_nothing_is_current_inside_of_no_span():
    with inside(None):
        assert current_span() is None


# limits


def test_a_full_queue_refuses_and_the_trace_says_what_it_lacks():
    gate, entered = threading.Event(), threading.Event()

    class Slow(MemoryTraceStore):
        def store(self, batch):
            entered.set()
            assert gate.wait(PATIENCE_S)
            super().store(batch)

    with recording(Slow(), Limits(queued=4)) as bench:
        opened = bench.recorder.open(OUTER)
        assert entered.wait(PATIENCE_S)
        for _ in range(9):
            bench.recorder.event("e", {}, opened.context)
        assert bench.tally.lost == {"queue": 5}
        gate.set()
        bench.recorder.stored(PATIENCE_S)
        opened.end()
        kept = bench.kept(opened)
    assert len(kept.events) == 4
    assert kept.head.dropped == {"queue": 5}


def test_a_trace_has_a_largest_size_and_what_has_begun_may_still_end():
    with recording(limits=Limits(per_trace=3)) as bench:
        with bench.recorder.span(OUTER) as opened:
            for _ in range(5):
                with bench.recorder.span(STEP):
                    pass
        kept = bench.kept(opened)
    assert len(kept.spans) == 3
    assert all(span.end_ns for span in kept.spans)
    assert kept.head.dropped == {"limit": 3}


def test_spans_of_a_worker_count_as_well():
    with recording(limits=Limits(per_trace=2)) as bench:
        opened = bench.recorder.open(OUTER)
        bench.recorder.take(span(opened.context.trace_id, service="worker") for _ in range(5))
        kept = bench.kept(opened)
    assert len(kept.spans) == 2
    assert kept.head.dropped == {"limit": 4}


# trouble


def test_a_store_that_fails_is_counted_and_the_trace_says_so_later():
    with recording(BrokenStore()) as bench:
        opened = bench.recorder.open(OUTER)
        assert bench.kept(opened) is None
        assert bench.tally.lost == {"store": 1}
        bench.store.broken = False
        opened.end()
        kept = bench.kept(opened)
    assert kept.spans[0].end_ns is not None
    assert kept.head.dropped == {"store": 1}


def test_what_was_lost_last_is_said_at_the_end():
    with recording(BrokenStore()) as bench:
        opened = bench.recorder.open(OUTER)
        assert bench.kept(opened) is None
        bench.store.broken = False
    assert bench.store.get(opened.context.trace_id).head.dropped == {"store": 1}


class Raising:
    """Stands for any part that fails, whatever is asked of it."""

    def __getattr__(self, name):
        def fail(*args, **kwargs):
            raise RuntimeError(name)

        return fail


@pytest.mark.parametrize("part", ["_cleaner", "_families", "_writer", "_store", "_counts", "_event_numbers"])
def test_whatever_part_of_it_fails_the_work_goes_on(part):
    with recording() as bench:
        whole = getattr(bench.recorder, part)
        setattr(bench.recorder, part, Raising())
        with bench.recorder.span(OUTER, opening=Opening({"evidence.attempt": 1})) as opened:
            opened.set({"url.path": "x"})
            bench.recorder.event("e", {"url.path": "x"})
            bench.recorder.take([span()])
            bench.recorder.pipeline(pipeline(opened.context.trace_id))
        bench.recorder.stored(PATIENCE_S)
        setattr(bench.recorder, part, whole)
    assert bench.tally.lost or part == "_counts"


def test_a_listener_that_fails_keeps_nothing_from_being_stored(bench, recorder):
    recorder.listeners.append(Raising().listen)
    opened = recorder.open(OUTER)
    assert bench.kept(opened).spans
    assert bench.tally.lost == {"listener": 1}


def test_a_recorder_that_is_off_gives_ids_and_keeps_nothing():
    counts = Raising()
    recorder = Recorder(None, Cleaner(Redactor({})), counts, instance="i", limits=Limits())
    recorder.start()
    with recorder.span(OUTER) as opened:
        recorder.event("e", {})
        recorder.take([span()])
        assert current_span() == opened.context
    assert recorder.stored(0)
    recorder.close()


def test_the_end_of_the_process_waits_for_what_is_queued():
    with recording() as bench:
        opened = bench.recorder.open(OUTER)
    assert bench.store.get(opened.context.trace_id).spans


def test_after_the_end_nothing_is_taken_and_that_is_counted():
    with recording() as bench:
        pass
    bench.recorder.open(OUTER)
    assert bench.tally.lost == {"queue": 1}
