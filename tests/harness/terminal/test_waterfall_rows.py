"""Rows of a waterfall: the tree, the writes below it, what is folded, and that nothing odd is lost or drawn twice."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.judge_traces import BEGAN, CALL, JOB, MS, REQUEST, ROOT, STEP, WORKER, span, whole_trace, write

from harness.evidence.printable import one_line
from harness.terminal.waterfall_rows import Mark, extent_of, rows_of
from harness.terminal.waterfall_words import TIMES
from harness.traces.records import Layer, Op, Outcome, SpanStatus


def drawn(trace, *, fold=True):
    return [(row.depth, row.label) for row in rows_of(trace, fold=fold)]


def below_step(*spans, writes=()):
    return whole_trace(spans=(*whole_trace().spans[:2], *spans), db_writes=writes)


def calls(count, **fields):
    return tuple(
        span(f"{at + 100:016x}", STEP, "GET", attributes={"url.path": f"/files/{at}"}, **fields) for at in range(count)
    )


def test_a_parent_stands_before_its_children_and_a_write_below_the_span_that_wrote():
    assert drawn(whole_trace()) == [
        (0, "scenario L01"),
        (1, "step create"),
        (2, "POST /api/v1/projects/"),
        (3, "POST /api/v1/projects/"),
        (4, "job"),
        (5, "worker run"),
        (5, "UPDATE jobs 1 row committed"),
        (4, "INSERT projects 1 row committed"),
    ]


def test_a_write_stands_where_it_began_among_the_children():
    early = whole_trace(db_writes=(write(started_ns=BEGAN), write(started_ns=BEGAN + 4 * MS, tables=("jobs",))))
    labels = [label for _, label in drawn(early)]
    assert (
        labels.index("INSERT projects 1 row committed")
        < labels.index("job")
        < labels.index("INSERT jobs 1 row committed")
    )


def test_a_row_tells_its_layer_times_and_span():
    rows = {row.label: row for row in rows_of(whole_trace(), fold=True)}
    job, inserted = rows["job"], rows["INSERT projects 1 row committed"]
    assert (job.layer, job.span_id, job.duration_ns, job.count) == (Layer.APP, JOB, 10 * MS, 1)
    assert (inserted.layer, inserted.span_id, inserted.start_ns) == (Layer.DB, REQUEST, BEGAN + 5 * MS)


def test_four_look_alikes_are_four_rows_and_five_are_one():
    assert len(drawn(below_step(*calls(4)))) == 6
    rows = rows_of(below_step(*calls(5)), fold=True)
    assert (rows[-1].label, rows[-1].count, rows[-1].depth) == (f"GET … {TIMES}5", 5, 2)
    assert len(rows) == 3


def test_asked_for_all_nothing_is_folded():
    assert len(drawn(below_step(*calls(50)), fold=False)) == 52


def test_attempts_of_one_poll_are_one_row_from_the_second_on():
    attempts = [
        replace(each, attributes={"evidence.poll.attempt": at, "url.path": "/job"}) for at, each in enumerate(calls(2))
    ]
    assert drawn(below_step(*attempts))[-1] == (2, f"GET … {TIMES}2")
    assert drawn(below_step(attempts[0]))[-1] == (2, "GET /job")


def test_steps_are_never_look_alikes_because_each_has_a_name():
    steps = tuple(span(f"{at + 100:016x}", ROOT, "step", attributes={"evidence.step.id": f"s{at}"}) for at in range(9))
    assert drawn(whole_trace(spans=(whole_trace().spans[0], *steps), db_writes=()))[1:] == [
        (1, f"step s{at}") for at in range(9)
    ]


def test_a_folded_row_covers_its_spans_and_keeps_their_marks_and_writes():
    first, *others = calls(5)
    late = replace(others[0], start_ns=BEGAN, end_ns=BEGAN + 30 * MS, duration_ns=30 * MS, status=SpanStatus.ERROR)
    child = span(JOB, first.span_id, "job", end_ns=None, incomplete=True)
    written = write(JOB, outcome=Outcome.FAILED, error_type="IntegrityError")
    row = rows_of(below_step(first, late, *others[1:], child, writes=(written,)), fold=True)[-1]
    assert row.label == f"GET … {TIMES}5 (1 write)"
    assert (row.start_ns, row.end_ns, row.duration_ns) == (BEGAN, BEGAN + 30 * MS, 70 * MS)
    assert (row.marks, row.hidden_writes) == ((Mark.ERROR, Mark.INCOMPLETE), 1)


def test_only_concurrency_among_those_folded_is_theirs():
    first, *others = calls(5)
    child = span(JOB, first.span_id, "job", concurrent=True)
    assert rows_of(below_step(first, *others, child), fold=True)[-1].marks == ()


def test_many_writes_of_one_kind_below_one_span_are_one_row():
    writes = tuple(write(STEP, stmt_seq=at, started_ns=BEGAN + at) for at in range(5))
    row = rows_of(below_step(writes=writes), fold=True)[-1]
    assert (row.label, row.count) == (f"INSERT projects 1 row committed … {TIMES}5", 5)
    assert len(rows_of(below_step(writes=writes), fold=False)) == 7


def test_what_is_unknown_of_a_write_is_said_and_zero_is_zero():
    unknown = write(op=None, tables=None, rows=None, outcome=Outcome.ROLLED_BACK_TO_SAVEPOINT)
    labels = [label for _, label in drawn(whole_trace(db_writes=(unknown, write(rows=0, op=Op.DELETE))))]
    assert "unknown unknown unknown rows rolled back to savepoint" in labels
    assert "DELETE projects 0 rows committed" in labels


def test_a_failed_write_says_why_and_is_marked_and_an_open_one_too():
    failed = write(outcome=Outcome.FAILED, error_type="IntegrityError", sqlstate="23505")
    rows = {row.label: row.marks for row in rows_of(whole_trace(db_writes=(failed,)), fold=True)}
    assert rows["INSERT projects 1 row failed (IntegrityError 23505)"] == (Mark.ERROR,)
    [*_, row] = rows_of(whole_trace(db_writes=(write(outcome=Outcome.OPEN),)), fold=True)
    assert row.marks == (Mark.INCOMPLETE,)


def test_a_span_that_failed_never_ended_or_ran_side_by_side_is_marked():
    [worker] = [row for row in rows_of(whole_trace(), fold=True) if row.span_id == WORKER]
    assert (worker.marks, worker.end_ns, worker.duration_ns) == ((Mark.INCOMPLETE,), None, None)
    odd = replace(span(CALL, STEP, "GET"), status=SpanStatus.ERROR, error_type="404\x1b", concurrent=True)
    row = rows_of(below_step(odd), fold=True)[-1]
    assert (row.marks, row.failure) == ((Mark.ERROR, Mark.CONCURRENT), r"404\x1b")


def test_an_id_in_a_path_is_cut_and_what_comes_after_it_stays():
    path = "/api/v1/8b24bcf0-8f01-4d28-933a-be4f4b792abb/files/app.py"
    assert drawn(below_step(span(CALL, STEP, "GET", attributes={"url.path": path})))[-1] == (
        2,
        "GET /api/v1/8b24bcf0…/files/app.py",
    )


def test_a_span_whose_parent_is_not_there_begins_a_tree_of_its_own():
    lost = span(CALL, "f" * 16, "lost")
    assert drawn(whole_trace(spans=(*whole_trace().spans[:2], lost), db_writes=()))[-1] == (0, "lost")


def test_a_write_whose_span_is_not_there_is_shown_all_the_same():
    assert drawn(whole_trace(db_writes=(write("f" * 16),)))[-1] == (0, "INSERT projects 1 row committed")


def test_spans_that_are_their_own_ancestors_are_each_drawn_once():
    circle = (span(STEP, CALL, "a"), span(CALL, STEP, "b"), span(JOB, JOB, "c"))
    assert drawn(whole_trace(spans=(whole_trace().spans[0], *circle), db_writes=())) == [
        (0, "scenario L01"),
        (0, "a"),
        (1, "b"),
        (0, "c"),
    ]


def test_a_chain_longer_than_the_interpreters_stack_is_drawn():
    chain = tuple(span(f"{at + 1:016x}", f"{at:016x}" if at else None, "x") for at in range(5000))
    assert len(drawn(whole_trace(spans=chain, db_writes=()))) == 5000


def test_the_extent_is_the_judges_time_because_other_clocks_may_be_far_off():
    first, *others = whole_trace().spans
    far = [replace(each, start_ns=0, end_ns=10**30) for each in others if each.service != "harness"]
    extent = extent_of(whole_trace(spans=(first, *far)))
    assert (extent.start_ns, extent.end_ns) == (BEGAN, BEGAN + 20 * MS)
    alone = extent_of(whole_trace(spans=tuple(far)))
    assert (alone.start_ns, alone.end_ns) == (0, 2**63)
    assert extent.offset_ms(BEGAN + MS) == 1.0


IDS = st.sampled_from([f"{number:016x}" for number in range(8)])
INSTANTS = st.integers(-(10**30), 10**30)
SPANS = st.builds(
    lambda span_id, parent, name, times, failed: span(
        span_id,
        parent,
        name,
        start_ns=times[0],
        end_ns=times[1],
        duration_ns=times[2],
        error_type=failed,
        attributes={"evidence.poll.attempt": 1} if failed else {},
    ),
    IDS,
    st.none() | IDS,
    st.sampled_from(["GET", "job"]) | st.text(),
    st.tuples(INSTANTS, st.none() | INSTANTS, st.none() | INSTANTS),
    st.none() | st.text(),
)
WRITES = st.builds(lambda span_id, time: write(span_id, started_ns=time, duration_ns=abs(time)), IDS, INSTANTS)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SPANS, min_size=1, max_size=20), st.lists(WRITES, max_size=12), st.booleans())
def test_every_span_and_write_is_counted_exactly_once_whatever_the_trace_says(spans, writes, fold):
    trace = whole_trace(spans=tuple(spans), db_writes=tuple(writes))
    rows = rows_of(trace, fold=fold)
    assert sum(row.count for row in rows if row.layer is Layer.DB) + sum(row.hidden_writes for row in rows) == len(
        writes
    )
    assert all(one_line(row.label) == row.label for row in rows)
    shown = sum(row.count for row in rows if row.layer is not Layer.DB)
    assert shown == len(spans) if not fold else 0 < shown <= len(spans)
