"""Schemas, program output, and the reading of answers as documents."""

import json
import socket

import pytest
from observed import answer, check, seen

from harness.judging import schema_checks
from harness.judging.checks import evaluate
from harness.judging.documents import MAX_DEPTH, parse, unwrapped
from harness.judging.observation import ProgramRun
from harness.judging.program_checks import integers_in, program_key
from harness.judging.results import Outcome

SCHEMA = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"enum": ["success", "error"]},
        "logs": {"type": "array", "items": {"type": "string"}},
        "a/b": {"type": "object", "patternProperties": {"^x~": {"type": "integer"}}},
        "name": {"pattern": "^[a-z]+$"},
    },
}


def by_schema(doc, schema=SCHEMA):
    schemas = {} if schema is None else {"result.schema.json": schema}
    return evaluate(check("schema", "result.schema.json"), seen(doc, schemas=schemas))


def test_a_document_that_satisfies_the_schema_holds():
    assert by_schema({"status": "error", "logs": ["a"], "name": "app"}).outcome is Outcome.HELD


@pytest.mark.parametrize(
    ("doc", "pointer"),
    [
        ({"status": "success", "logs": ["a", 7]}, "doc/logs/1"),
        ({"status": "success", "a/b": {"x~1": "one"}}, "doc/a~1b/x~01"),
        ({"status": "done"}, "doc/status"),
        ({"status": "success", "name": "App"}, "doc/name"),
        ({}, "doc"),
        (None, "doc"),
    ],
)
def test_the_pointer_of_the_mismatch_is_told(doc, pointer):
    found = by_schema(doc)
    assert (found.outcome, found.path) == (Outcome.MISSED, pointer)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "no such type"},
        {"properties": {"status": {"pattern": "(?!lookahead)"}}},
    ],
)
def test_a_schema_that_cannot_be_applied_decides_nothing(schema):
    assert by_schema({"status": "success"}, schema).outcome is Outcome.UNDECIDED


def test_a_reference_out_of_the_schema_is_not_fetched():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        foreign = {"$ref": f"http://127.0.0.1:{listener.getsockname()[1]}/schema.json"}
        assert by_schema({"status": "success"}, foreign).outcome is Outcome.UNDECIDED
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_schema_is_made_ready_once_and_one_that_differs_is_another():
    rules = {"const": 1}
    schema_checks._validator.cache_clear()
    schema_checks.make_ready(rules)
    assert [by_schema(doc, dict(rules)).outcome for doc in (1, 2)] == [Outcome.HELD, Outcome.MISSED]
    assert schema_checks._validator.cache_info().misses == 1
    # A validator of its own copy: what becomes of the caller's document changes nothing that was made before.
    rules["const"] = 2
    assert [by_schema(doc, rules).outcome for doc in (1, 2)] == [Outcome.MISSED, Outcome.HELD]
    assert [by_schema(doc, {"const": True}).outcome for doc in (1, True)] == [Outcome.MISSED, Outcome.HELD]


def test_a_schema_that_cannot_be_applied_is_made_ready_without_a_word():
    schema_checks.make_ready({"type": 5})
    schema_checks.make_ready({"$ref": "elsewhere.json"})


def test_the_first_mismatch_is_the_one_that_the_schema_writes_first():
    doc = {"a": 1}
    required, properties = ("required", ["b"]), ("properties", {"a": {"type": "string"}})
    assert "required" in by_schema(doc, dict([required, properties])).wanted
    assert "type" in by_schema(doc, dict([properties, required])).wanted


def test_a_pattern_of_a_schema_cannot_hang_the_run():
    assert by_schema("a" * 50_000 + "!", {"pattern": "^(a|a)*$"}).outcome is Outcome.MISSED


ARGUMENT = {"project": "p", "image": "sha256:1", "args": ["app.py", "-n", "5"], "exit_code": {"eq": 0}}


def printed(run, **wanted):
    programs = {program_key(ARGUMENT): run} if run else {}
    return evaluate(check("prints", ARGUMENT | wanted), seen(programs=programs)).outcome


def test_the_output_of_a_program_is_judged():
    run = ProgramRun(0, "0, 1, 1, 2, 3\n")
    assert printed(run, numbers={"eq": [0, 1, 1, 2, 3]}, stdout={"contains": "2, 3"}) is Outcome.HELD
    assert printed(run, numbers={"length": {"eq": 10}}) is Outcome.MISSED
    assert printed(run, stdout={"matches": "^1"}) is Outcome.MISSED
    assert printed(ProgramRun(1, "")) is Outcome.MISSED


def test_a_program_that_was_not_or_could_not_be_run_decides_nothing():
    assert printed(None) is Outcome.UNDECIDED
    assert printed(ProgramRun(None, "", "no engine")) is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0, 1, 1", [0, 1, 1]),
        ("-5 and 1-2", [-5, 1, 2]),
        ("v2 3rd x4 5.5 1.2.3", []),
        ("fib(10)=55.", [10, 55]),
        ("", []),
    ],
)
def test_integers_are_digits_that_stand_alone(text, numbers):
    assert integers_in(text) == numbers


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "Infinity", "[1,]", "'a'", "[" * 200_000, "1" * 10_000])
def test_what_is_no_json_has_no_value(text):
    assert parse(text) is None


@pytest.mark.parametrize("value", [{"a": [1, 2.5, True, None]}, [], 0, False, "é\u2028"])
def test_what_is_json_has_its_value(value):
    assert parse(json.dumps(value)) == value


def wrapped(contents, expression="body.contents"):
    return unwrapped(answer({"path": "x", "contents": contents}), expression)


def test_the_text_inside_the_answer_is_the_document():
    assert wrapped('{"status": "success"}') == {"status": "success"}


@pytest.mark.parametrize("contents", ['{"status": "succ', "", "aGk="])
def test_half_a_document_is_none(contents):
    assert wrapped(contents) is None


def test_without_an_expression_or_when_it_finds_nothing_the_body_is_the_document():
    assert wrapped("{}", None) == {"path": "x", "contents": "{}"}
    assert wrapped("{}", "body.nothing") == {"path": "x", "contents": "{}"}


def test_what_is_wrapped_as_a_value_is_the_document_too():
    assert wrapped({"status": "error"}) == {"status": "error"}


def test_a_document_is_read_as_long_as_it_can_be_searched_spelt_and_stored():
    assert parse("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH) is not None
    assert parse("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1)) is None
    assert parse('{"a":' * 800 + "1" + "}" * 800) is None
