"""Both stores keep, find, list, filter and forget traces alike (O07, O13, O15, O20; trace model §5)."""

import shutil

import pytest
from support.tracing_records import BEGIN, SECOND, completed, ended, event, pipeline, span, write

from backend.tracecontext import new_trace_id
from backend.tracing.memory_store import MemoryTraceStore
from backend.tracing.pipeline import PipelineStatus, Source, StepStatus
from backend.tracing.records import CaptureState
from backend.tracing.spans import Kind, Layer, Link, Place, Span, Status
from backend.tracing.store import open_store
from backend.tracing.stores import Batch, IntentAverage, TraceQuery


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request, tmp_path):
    if request.param == "memory":
        found = MemoryTraceStore()
    elif request.param == "sqlite":
        found = open_store(f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), tmp_path / 'l.db')}")
    else:
        name = request.getfixturevalue("migrated_postgres")
        found = open_store(request.getfixturevalue("postgres_server").emptied(name))
    yield found
    found.close()


def keep(store, *records, **more):
    store.store(Batch(records, **more))


FULL = Span(
    trace_id="0190aaaabbbb7ccc8ddd0123456789ab",
    span_id="00000000000000aa",
    parent_span_id="00000000000000bb",
    place=Place("POST /x", Layer.HTTP, "api", "POST /x", "http", Kind.SERVER),
    start_ns=BEGIN,
    end_ns=BEGIN + 5,
    duration_ns=4,
    status=Status.ERROR,
    error_type="ValueError",
    attributes={
        "http.response.status_code": 500,
        "url.path": "/ä\N{REPLACEMENT CHARACTER}",
        "evidence.oom_killed": None,
    },
    links=(Link("f" * 32, "e" * 16, "unauthenticated"),),
    ordinal=3,
    concurrent=True,
    instance="ours:1",
    dropped_counts={"attributes": 2},
    incomplete=False,
)


def test_a_trace_comes_back_as_it_was_stored(store):
    trace_id = FULL.trace_id
    point = event(trace_id, attributes={"evidence.step.number": 1})
    end = completed(pipeline(trace_id))
    capture = CaptureState(("orm", "cursor"), active=True, version=1)
    writes = (
        write(trace_id),
        write(trace_id, op=None, tables=None, rows=None, fingerprint=None, error_type="IntegrityError"),
    )
    keep(store, FULL, point, end, *writes, capture=capture)
    found = store.get(trace_id)
    assert (found.spans, found.events, found.head.pipelines) == ((FULL,), (point,), (end,))
    assert found.db_writes == writes
    assert (found.head.trace_id, found.head.id_format, found.head.started_ns) == (trace_id, "uuid7", BEGIN)
    assert (found.head.capture, found.head.dropped, found.head.incomplete) == (capture, {}, False)


def test_a_trace_that_was_not_watched_all_the_time_says_so(store):
    watched, blind = CaptureState(("a", "b"), active=True, version=1), CaptureState(("a",), active=False, version=1)
    first, second = span(), span()
    keep(store, first, second, capture=watched)
    keep(store, ended(first), capture=blind)
    keep(store, event(first.trace_id), capture=watched)
    assert store.get(first.trace_id).head.capture == blind
    assert store.get(second.trace_id).head.capture == watched


def test_an_unknown_trace_is_nothing(store):
    assert store.get("f" * 32) is None
    assert store.pipeline("nobody") is None
    assert store.get_all() == store.get_recent() == store.averages() == ()


def test_an_id_of_another_generator_is_kept_as_it_is(store):
    keep(store, span("4bf92f3577b34da6a3ce929d0e0e4736"))
    assert store.get_recent()[0].id_format == "opaque"


def test_a_running_span_is_there_and_its_end_takes_its_place(store):
    begun = span()
    keep(store, begun)
    assert store.get(begun.trace_id).spans == (begun,)
    keep(store, ended(begun))
    assert store.get(begun.trace_id).spans == (ended(begun),)


def test_a_span_that_began_and_ended_in_one_batch_is_one(store):
    begun = span()
    keep(store, begun, ended(begun))
    assert store.get(begun.trace_id).spans == (ended(begun),)


def test_an_ended_span_never_changes(store):
    begun = span()
    keep(store, ended(begun))
    keep(store, ended(begun, error_type="Forged"), begun)
    keep(store, begun)
    assert store.get(begun.trace_id).spans == (ended(begun),)


def test_a_foreign_span_never_takes_the_place_of_one_that_is_there(store):
    begun = span()
    forged = ended(begun, service="worker", error_type="Forged")
    keep(store, begun)
    keep(store, forged)
    assert store.get(begun.trace_id).spans == (begun,)
    keep(store, ended(begun))
    assert store.get(begun.trace_id).spans == (ended(begun),)


def test_who_goes_on_with_a_span_need_not_know_its_parent(store):
    begun = span(parent_span_id="b" * 16, ordinal=2)
    keep(store, begun)
    keep(store, ended(span(begun.trace_id, span_id=begun.span_id, instance="ours:2")))
    (found,) = store.get(begun.trace_id).spans
    assert (found.parent_span_id, found.ordinal, found.instance, found.status) == ("b" * 16, 2, "ours:2", "OK")


def test_an_ended_pipeline_never_changes(store):
    trace_id = new_trace_id()
    running = pipeline(trace_id)
    keep(store, running.snapshot())
    assert store.pipeline(running.pipeline_id).pipeline_status == "RUNNING"
    end = completed(running.snapshot())
    keep(store, end)
    keep(store, completed(running.snapshot(), status=StepStatus.FAIL), running)
    assert store.pipeline(running.pipeline_id) == end
    assert store.get(trace_id).head.pipelines == (end,)


def test_traces_that_are_read_cannot_be_changed_by_their_reader(store):
    trace_id = new_trace_id()
    keep(store, pipeline(trace_id))
    store.get(trace_id).head.pipelines[0].complete(final_error="by a reader")
    store.get_recent()[0].pipelines[0].complete(final_error="by a reader")
    assert store.get(trace_id).head.pipelines[0].pipeline_status == "RUNNING"


def test_events_come_in_the_order_of_their_time(store):
    trace_id = new_trace_id()
    points = [event(trace_id, time_ns=BEGIN + n) for n in (3, 1, 2)]
    keep(store, *points)
    assert [point.time_ns - BEGIN for point in store.get(trace_id).events] == [1, 2, 3]


def test_what_was_lost_is_said_and_added_up(store):
    begun = span()
    keep(store, begun)
    keep(store, lost={begun.trace_id: {"queue": 2}, "f" * 32: {"queue": 1}})
    keep(store, lost={begun.trace_id: {"queue": 1, "store": 4}})
    assert store.get(begun.trace_id).head.dropped == {"queue": 3, "store": 4}
    assert (store.get("f" * 32).head.dropped, store.get("f" * 32).spans) == ({"queue": 1}, ())


def several(store):
    """Five traces, oldest first, stored in another order: two with pipelines that ended, one running, two without."""
    made = [new_trace_id() for _ in range(5)]
    order = {
        3: [pipeline(made[3], intent="initial_project", source=Source.MANUAL, start_s=3)],
        1: [completed(pipeline(made[1], start_s=1), status=StepStatus.FAIL, after_s=4)],
        4: [span(made[4], start_ns=BEGIN + 4 * SECOND)],
        0: [span(made[0])],
        2: [completed(pipeline(made[2], start_s=2), after_s=2)],
    }
    for records in order.values():
        keep(store, *records)
    return made


def listed(store, made, **filters):
    return [made.index(head.trace_id) for head in store.search(TraceQuery(**{"limit": 10} | filters))]


def test_the_newest_come_first_whatever_the_order_of_arrival(store):
    made = several(store)
    assert [made.index(head.trace_id) for head in store.get_all()] == [4, 3, 2, 1, 0]
    assert [made.index(head.trace_id) for head in store.get_recent(2)] == [4, 3]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"limit": 2}, [4, 3]),
        ({"status": PipelineStatus.RUNNING}, [3]),
        ({"status": PipelineStatus.FAILED}, [1]),
        ({"intent_type": "edit"}, [2, 1]),
        ({"intent_type": "edit", "status": PipelineStatus.SUCCESS}, [2]),
        ({"source": Source.MANUAL}, [3]),
        ({"source": Source.MANUAL, "intent_type": "edit"}, []),
        ({"intent_type": "edit\0"}, []),
        ({"since_ns": BEGIN + 2 * SECOND}, [4, 3, 2]),
        ({"until_ns": BEGIN + 2 * SECOND}, [1, 0]),
        ({"since_ns": BEGIN + SECOND, "until_ns": BEGIN + 4 * SECOND, "intent_type": "edit"}, [2, 1]),
    ],
)
def test_filters_let_pass_what_they_name(store, filters, found):
    assert listed(store, several(store), **filters) == found


def test_pages_meet_without_gap_or_overlap_also_among_traces_of_one_instant(store):
    made = [new_trace_id() for _ in range(5)]
    for trace_id in made:
        keep(store, span(trace_id))
    seen, after = [], None
    while page := store.search(TraceQuery(limit=2, after=after)):
        seen += [head.trace_id for head in page]
        after = page[-1].started_ns, page[-1].seq
    assert seen == made[::-1]


def test_averages_count_what_ended_by_intent(store):
    several(store)
    assert store.averages() == (IntentAverage("edit", 2, 3.0),)


def test_open_spans_of_earlier_processes_are_marked_once(store):
    early, other, present = span(instance="ours:1"), span(instance="ours2:1"), span(instance="ours:2")
    done = ended(span(instance="ours:1"))
    keep(store, early, other, present, done)
    assert store.abandon("ours:", "ours:2") == 1
    marked = {head.trace_id for head in store.get_all() if head.incomplete}
    assert marked == {early.trace_id}
    assert store.get(early.trace_id).spans[0].incomplete
    # Whoever goes on with it takes the mark away.
    keep(store, span(early.trace_id, span_id=early.span_id, instance="ours:2"))
    assert not store.get(early.trace_id).head.incomplete


def test_the_oldest_are_forgotten_and_a_running_pipeline_never(store):
    made = several(store)
    assert store.prune(keep=1, before_ns=0) == 3
    assert listed(store, made) == [4, 3]
    assert store.prune(keep=9, before_ns=BEGIN + 99 * SECOND) == 1
    assert listed(store, made) == [3]


def test_many_are_forgotten_as_well_as_few(store):
    keep(store, *[span() for _ in range(450)])
    assert store.prune(keep=7, before_ns=0) == 443
    assert len(store.get_all()) == 7


def test_polls_push_no_job_out(store):
    job = completed(pipeline(new_trace_id()))
    keep(store, job, *[span(start_ns=BEGIN + n * SECOND) for n in range(1, 9)])
    assert store.prune(keep=3, before_ns=0) == 5
    assert store.get(job.trace_id) is not None


def test_a_removed_trace_leaves_nothing(store):
    trace_id = new_trace_id()
    keep(store, span(trace_id), event(trace_id), completed(pipeline(trace_id, pipeline_id="p")))
    store.clear()
    assert store.get_all() == ()
    keep(store, span(trace_id))
    found = store.get(trace_id)
    assert (len(found.spans), found.events, found.head.pipelines, store.pipeline("p")) == (1, (), (), None)
