"""What the backend told of a trace is taken over when it can be right, and refused when it cannot."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracing import BEGAN_NS, TRACE_ID, captured, joined, told_event, told_of, told_span, told_write

from harness.evidence.records import DamagedRecordError, to_document
from harness.traces import told as told_module
from harness.traces.normal_form import structure_digest
from harness.traces.records import Layer, Op, Outcome
from harness.traces.told import read_told
from harness.traces.views import db_writes, execution_trace


def read(document):
    return read_told(document, TRACE_ID)


def test_a_real_answer_is_taken_over_whole():
    document = captured()
    told = read_told(document, document["trace_id"])
    assert (len(told.spans), len(told.events), len(told.db_writes)) == (27, 3, 7)
    assert told.spans[2].layer is Layer.APP
    assert told.db_writes[0].op is Op.INSERT
    assert told.db_writes[0].outcome is Outcome.COMMITTED
    assert told.capture.active
    assert told.pipelines[0]["pipeline_status"] == "SUCCESS"


def test_a_real_answer_is_stored_as_it_was_told():
    document = captured()
    stored = to_document(read_told(document, document["trace_id"]))
    for name in ("spans", "events", "db_writes", "capture", "pipelines", "dropped"):
        assert stored[name] == document[name]


@pytest.mark.parametrize("document", [None, [], "trace/1", 1, {}, {"schema_version": "trace/1"}])
def test_what_is_no_trace_is_damage(document):
    with pytest.raises(DamagedRecordError):
        read(document)


def test_another_version_is_not_guessed_at():
    with pytest.raises(DamagedRecordError, match=r"no trace/1"):
        read(told_of(schema_version="trace/2"))


@pytest.mark.parametrize("trace_id", [TRACE_ID.replace("-", ""), TRACE_ID.upper(), "", None, [TRACE_ID]])
def test_another_trace_is_not_taken_for_the_one_that_was_asked_for(trace_id):
    with pytest.raises(DamagedRecordError, match="another trace"):
        read(told_of(trace_id=trace_id))


@pytest.mark.parametrize("lacking", ["incomplete", "dropped", "capture", "spans", "events", "db_writes"])
def test_a_missing_part_is_damage(lacking):
    document = told_of()
    del document[lacking]
    with pytest.raises(DamagedRecordError, match=lacking):
        read(document)


SPAN_FAULTS = {
    "span_id": ["", "0" * 16, "A" * 16, "a" * 15, "a" * 17, "a" * 16 + "\n", None, 1],
    "parent_span_id": ["", "x" * 16, 7],
    "start_ns": [-1, 10**30, None, "1", True, 1.5],
    "end_ns": [-1, 253_402_300_800 * 10**9],
    "duration_ns": [-1, 10**40],
    "kind": ["PRODUCER", None],
    "layer": ["L8", "db"],
    "status": ["MAYBE", None],
    "attributes": [{"x": {}}, {"x": []}, [], {"x": float("nan")}, {"x": 2**63}, {"x": "\ud800"}, {"\ud800": 1}],
    "links": [[{"trace_id": "x", "span_id": "a" * 16, "reason": ""}], [{"trace_id": TRACE_ID}], {}],
    "ordinal": [-1, "0"],
    "concurrent": [None, 1],
    "dropped_counts": [{"x": -1}, {"x": True}],
    "service": ["harness", None],
    "name": [None, "\udfff"],
    "step_status": ["DONE"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, them in SPAN_FAULTS.items() for value in them])
def test_a_span_that_cannot_be_right_is_damage(name, value):
    with pytest.raises(DamagedRecordError):
        read(told_of([told_span(256, **{name: value})]))


EVENT_FAULTS = {"span_id": ["g" * 16], "time_ns": [-1, 10**30], "attributes": [{"x": [1]}], "seq": ["1", True]}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, them in EVENT_FAULTS.items() for value in them])
def test_an_event_that_cannot_be_right_is_damage(name, value):
    with pytest.raises(DamagedRecordError):
        read(told_of(events=[told_event(**{name: value})]))


WRITE_FAULTS = {
    "span_id": ["g" * 16],
    "op": ["SELECT", "insert"],
    "outcome": ["done", None],
    "rows": [-1, True, "1"],
    "committed_rows": [-1],
    "stmt_seq": [-1],
    "started_ns": [-1],
    "duration_ns": [-1, None],
    "tables": ["projects", [1]],
    "fingerprint": [{"v": 0, "sha256": "c" * 64}, {"v": 1, "sha256": "c" * 63}, {"v": 1}, "c" * 64],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, them in WRITE_FAULTS.items() for value in them])
def test_a_write_that_cannot_be_right_is_damage(name, value):
    with pytest.raises(DamagedRecordError):
        read(told_of(db_writes=[told_write(**{name: value})]))


@pytest.mark.parametrize(
    "fields",
    [
        {"dropped": {"x": -1}},
        {"dropped": []},
        {"pipelines": [1]},
        {"pipelines": [[]]},
        {"capture": {"hooks": [], "active": 1, "version": 1}},
        {"capture": {"hooks": [], "active": True, "version": 1}},
        {"incomplete": "no"},
    ],
)
def test_a_head_that_cannot_be_right_is_damage(fields):
    with pytest.raises(DamagedRecordError):
        read(told_of(**fields))


def test_a_value_without_end_is_damage():
    deep = {}
    for _ in range(100_000):
        deep = {"x": deep}
    with pytest.raises(DamagedRecordError, match="without end"):
        read(told_of(pipelines=[deep]))


@pytest.mark.parametrize("where", ["name", "instance", "attributes"])
def test_a_text_without_end_is_damage(where):
    text = "x" * (told_module.LONGEST_TEXT + 1)
    assert read(told_of([told_span(256, name=text[1:])])).spans[0].name == text[1:]
    with pytest.raises(DamagedRecordError, match="a text of more than"):
        read(told_of([told_span(256, **{where: {text: 1} if where == "attributes" else text})]))


@pytest.mark.parametrize(
    ("outcome", "rows", "committed", "is_taken"),
    [
        ("committed", 2, 2, True),
        ("committed", 2, None, True),
        ("rolled_back", 2, 0, True),
        ("open", 2, None, True),
        ("committed", 2, 3, False),
        ("committed", None, 1, False),
        ("rolled_back", 2, 2, False),
        ("failed", None, 5, False),
    ],
)
def test_no_more_rows_are_there_for_good_than_the_outcome_allows(outcome, rows, committed, is_taken):
    written = told_of([told_span(256)], [], [told_write(256, outcome=outcome, rows=rows, committed_rows=committed)])
    if is_taken:
        assert read(written).db_writes[0].committed_rows == committed
    else:
        with pytest.raises(DamagedRecordError, match="committed_rows"):
            read(written)


def test_the_refusal_says_where():
    with pytest.raises(DamagedRecordError, match=r"\$\.spans\[1\]\.span_id is no span id"):
        read(told_of([told_span(256), told_span(257, span_id="z")]))


def test_a_span_that_claims_to_be_the_judges_is_refused():
    with pytest.raises(DamagedRecordError, match="is the judge"):
        read(told_of([told_span(256, service="harness")]))


def test_unknown_keys_are_ignored():
    assert read(told_of([told_span(256, colour="red")], weather="fine")) == read(told_of([told_span(256)]))


def test_the_step_status_of_a_span_becomes_an_attribute():
    (span,) = read(told_of([told_span(256, step_status="BLOCKED")])).spans
    assert span.attributes == {"evidence.step.status": "BLOCKED", "http.response.status_code": 200}
    (span,) = read(told_of([told_span(256, step_status=None)])).spans
    assert "evidence.step.status" not in span.attributes


def test_more_than_anybody_can_look_at_is_cut_and_counted(monkeypatch):
    monkeypatch.setattr(told_module, "MAX_RECORDS", 6)
    monkeypatch.setattr(told_module, "MAX_PIPELINES", 1)
    spans = [told_span(number) for number in range(256, 260)]
    told = read(
        told_of(spans, [told_event()] * 5, [told_write()] * 2, dropped={"judge": 1, "x": 2}, pipelines=[{}, {}])
    )
    assert (len(told.spans), len(told.db_writes), len(told.events), len(told.pipelines)) == (4, 2, 0, 1)
    assert told.dropped == {"judge": 7, "x": 2}


def test_the_answer_itself_is_not_changed(monkeypatch):
    monkeypatch.setattr(told_module, "MAX_RECORDS", 1)
    document = told_of([told_span(256, step_status="FAIL"), told_span(257)], [told_event()])
    before = json.dumps(document)
    read(document)
    assert json.dumps(document) == before


@pytest.mark.parametrize("ns", [0, 10**18, BEGAN_NS, 2**63 - 1])
def test_every_time_that_can_be_spelt_is_taken(ns):
    trace = joined(document=told_of([told_span(256, start_ns=ns, end_ns=0, duration_ns=ns)]))
    assert execution_trace(trace)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def paths(value, path=()):
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield path
    for key, item in items:
        yield from paths(item, (*path, key))


PLACES = [path for path in paths(told_of([told_span(256)], [told_event()], [told_write()])) if path]


@settings(deadline=None, max_examples=400)
@given(place=st.sampled_from(PLACES), value=json_values)
def test_whatever_stands_anywhere_is_damage_or_can_be_shown(place, value):
    document = told_of([told_span(256)], [told_event()], [told_write()])
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    try:
        trace = joined(document=document)
    except DamagedRecordError:
        return
    assert len(db_writes(trace)) == len(trace.db_writes)
    assert execution_trace(trace)
    assert structure_digest(trace)
    json.dumps(to_document(trace), allow_nan=False).encode()
