"""The JSON Schema of a case: it takes a real case, and refuses every change of a single field, at every level."""

import copy
import json

import pytest
from case_builders import CASE as WHOLE

from harness.evidence.records import from_document, to_document
from harness.traces.case import Case
from harness.traces.case_schema import FILE, case_schema, validator


def of_each_shape(rows):
    """The first row of each kind; the others would only be tried again."""
    found = {}
    for row in rows:
        found.setdefault((*row, *row.get("detail", ())), row)
    return list(found.values())


LISTS = {name for name, value in WHOLE.items() if isinstance(value, list) and isinstance(value[0], dict)}
CASE = {name: of_each_shape(value) if name in LISTS else value for name, value in WHOLE.items()}


def is_valid(document):
    return validator().is_valid(document)


def objects(value, way=()):
    """The way to every object in a case whose keys are fixed."""
    if isinstance(value, dict):
        yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from objects(item, (*way, key))


def at(document, way):
    for key in way:
        document = document[key]
    return document


FIELDS = [(way, key) for way in objects(CASE) for key in at(CASE, way)]


def name(field):
    way, key = field
    return ".".join(map(str, (*way, key)))


def changed(field, new):
    way, key = field
    document = copy.deepcopy(CASE)
    at(document, way)[key] = new
    return document


def wrong_types(value):
    """Values of every other JSON type; a boolean is no number, and a number that is whole no text."""
    samples = {
        "text": "?",
        "number": 1.5,
        "integer": -7,
        "boolean": True,
        "list": [[]],
        "object": {"?": 1},
        "null": None,
    }
    kinds = {
        str: {"text"},
        int: {"integer"},
        float: {"number", "integer"},
        bool: {"boolean"},
        list: {"list"},
        dict: {"object"},
    }
    return [sample for word, sample in samples.items() if word not in kinds.get(type(value), set())]


NULLABLE = {"status", "duration_ms", "error_type", "sqlstate", "table", "sql_op", "rowcount", "parent_span_id"}
NULLABLE |= {"statement_fingerprint"}
TEXT_OR_NULL = {"table", "error_type", "sqlstate"}


def test_the_shipped_schema_is_the_one_that_the_records_give():
    assert json.loads(FILE.read_text(encoding="utf-8")) == case_schema()


def test_a_real_case_is_taken_and_survives_the_codec():
    assert list(validator().iter_errors(WHOLE)) == []
    assert to_document(from_document(Case, WHOLE)) == WHOLE


def test_the_case_has_19_fields_its_events_9_and_its_writes_11():
    assert len(CASE) == 19
    assert {len(event) for event in CASE["execution_trace"]} == {9}
    assert {len(row) for row in CASE["db_writes"]} == {11}
    assert all(CASE[name] for name in CASE), "a list that is empty shows nothing"


@pytest.mark.parametrize("field", FIELDS, ids=name)
def test_no_field_may_be_missing(field):
    way, key = field
    document = copy.deepcopy(CASE)
    del at(document, way)[key]
    assert not is_valid(document)


@pytest.mark.parametrize("way", list(objects(CASE)), ids=lambda way: ".".join(map(str, way)) or "case")
def test_no_object_has_a_field_more(way):
    document = copy.deepcopy(CASE)
    at(document, way)["extra"] = 1
    assert not is_valid(document)


@pytest.mark.parametrize("field", FIELDS, ids=name)
def test_no_field_has_another_type(field):
    way, key = field
    for wrong in wrong_types(at(CASE, way)[key]):
        may_be_null = wrong is None and (key in NULLABLE and way)
        may_be_text = isinstance(wrong, str) and at(CASE, way)[key] is None and key in TEXT_OR_NULL
        may_be_a_number = at(CASE, way)[key] is None and key == "status" and isinstance(wrong, int)
        if not (may_be_null or may_be_text or may_be_a_number):
            assert not is_valid(changed(field, wrong)), wrong


WORDS = {"stage", "layer", "purpose", "severity", "outcome", "sql_op", "api_method", "method", "signature"}


@pytest.mark.parametrize("field", [field for field in FIELDS if field[1] in WORDS], ids=name)
def test_a_word_that_is_none_of_those_allowed_is_refused(field):
    assert not is_valid(changed(field, "another"))


@pytest.mark.parametrize("status", ["LIMITED", "BLOCKED", "pass", ""])
def test_the_status_of_a_case_has_words_of_its_own(status):
    assert not is_valid(CASE | {"status": status})


@pytest.mark.parametrize("status", ["PASS", "FAIL", "SKIPPED", "XFAIL", "ERROR"])
def test_each_status_is_taken(status):
    assert is_valid(CASE | {"status": status})


@pytest.mark.parametrize("seq", [True, 0, -1, 1.5, "1", None])
def test_a_seq_is_a_whole_number_from_1(seq):
    assert not is_valid(changed((("execution_trace", 0), "seq"), seq))
    assert not is_valid(changed((("db_writes", 0), "seq"), seq))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ((("execution_trace", 0), "ts_utc"), "2025-11-14 17:14:05"),
        ((("execution_trace", 0), "ts_utc"), "2025-11-14T17:14:05.000000+01:00"),
        ((("execution_trace", 0), "status"), "OK"),
        ((("execution_trace", 0, "detail"), "span_id"), "ABCDEF0123456789"),
        ((("db_writes", 0), "layer"), "APP"),
        ((("db_writes", 0), "sql_op"), "SELECT"),
        ((("db_writes", 0), "rowcount"), -1),
        ((("db_writes", 0), "statement_fingerprint"), "61" * 32),
        ((("db_writes", 0, "detail"), "outcome"), "done"),
        (((), "determinism_hash"), "abc"),
        (((), "determinism_hash"), "0" * 64 + "\n"),
        (((), "request_fields"), ["a", "a"]),
        (((), "signature"), {"covers": "manifest.json", "in": "elsewhere"}),
        ((("api_calls_used", 0), "duration_ms"), -0.1),
        ((("api_calls_used", 0), "event"), 0),
    ],
)
def test_what_looks_like_the_right_value_is_looked_at_closely(field, wrong):
    assert not is_valid(changed(field, wrong))
