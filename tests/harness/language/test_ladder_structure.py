"""The schema and our reading of it: the same verdict as a real validator, and a place for each fault."""

import copy
import json
import random
from pathlib import Path

import jsonschema
import pytest
import yaml
from ladder_files import SCENARIOS, ladder, rendered, rules

from harness.language.nodes import Node, Source
from harness.language.structure import schema_text, validate

SCHEMA = json.loads(schema_text())
REAL = jsonschema.Draft7Validator(SCHEMA)
HERE = Path(__file__).parent


def ours(document):
    return validate(as_node(document), Source("x.yaml", ()))


def as_node(value):
    if isinstance(value, dict):
        return Node({key: as_node(child) for key, child in value.items()}, (1, 1))
    return Node(tuple(map(as_node, value)) if isinstance(value, list) else value, (1, 1))


def test_the_schema_is_a_draft_07_schema():
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_exported_schema_is_the_shipped_one():
    assert (SCENARIOS / "ladder.schema.json").read_text("utf-8") == schema_text()


def objects(schema, path="#"):
    if isinstance(schema, dict):
        if "properties" in schema:
            yield path, schema
        for key, child in schema.items():
            if key not in {"examples", "defaultSnippets", "default", "dependencies", "oneOf", "const", "enum"}:
                yield from objects(child, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, child in enumerate(schema):
            yield from objects(child, f"{path}/{index}")


def resolved(schema):
    return SCHEMA["definitions"][schema["$ref"].removeprefix("#/definitions/")] if "$ref" in schema else schema


def test_every_mapping_of_the_schema_is_closed():
    assert [path for path, schema in objects(SCHEMA) if schema.get("additionalProperties") is not False] == []


def test_every_key_has_a_description_examples_and_a_snippet():
    wanted = {"description", "examples", "defaultSnippets"}
    lacking = [
        f"{path}/{key}"
        for path, schema in objects(SCHEMA)
        for key, child in schema["properties"].items()
        # A bound inside `length` or `duration` says what it is by its operator's name.
        if not path.endswith(("operator.length", "check.duration")) and not wanted <= resolved(child).keys()
    ]
    assert lacking == []


def test_every_example_is_valid_for_its_key():
    for path, schema in objects(SCHEMA):
        for key, child in schema["properties"].items():
            part = {"definitions": SCHEMA["definitions"], **resolved(child)}
            for example in part.get("examples", ()):
                faults = list(jsonschema.Draft7Validator(part).iter_errors(example))
                assert not faults, f"{path}/{key}: {faults}"


def mutants(document, seed):
    """Each node of a document in turn, changed in one of the ways: removed, renamed, replaced."""
    dice = random.Random(seed)
    ways = (removed, renamed, *(replacing(value) for value in ODD))
    for path in 4 * list(paths(document)) if len(document["scenarios"]) == 1 else list(paths(document)):
        mutant = copy.deepcopy(document)
        dice.choice(ways)(at(mutant, path[:-1]), path[-1])
        yield mutant


ODD = (None, True, 0, -1, 1.5, "", "x y", "${x}", "10s", "10", [], [1], {}, {"eq": 1}, {"status": 200}, 1e300, "/a")


def removed(container, key):
    del container[key]


def renamed(container, key):
    if isinstance(container, dict):
        container[f"{key}s"] = container.pop(key)


def replacing(value):
    def replace(container, key):
        container[key] = copy.deepcopy(value)

    return replace


def paths(document, prefix=()):
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, child in items:
        yield (*prefix, key)
        if isinstance(child, dict | list):
            yield from paths(child, (*prefix, key))


def at(document, path):
    for key in path:
        document = document[key]
    return document


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("live.ladder.yaml", {"L01", "L06"}),
        ("mocked.ladder.yaml", {"M01", "M08"}),
        ("edits.ladder.yaml", {"E05", "E06"}),
        ("rare.ladder.yaml", {"A"}),
    ],
)
def test_our_validator_agrees_with_a_real_one_about_mutants(file, kept):
    folder = HERE if file == "rare.ladder.yaml" else SCENARIOS
    document = yaml.safe_load((folder / file).read_text("utf-8"))
    document["scenarios"] = {name: found for name, found in document["scenarios"].items() if name in kept}
    assert ours(document) == []
    invalid = 0
    for mutant in mutants(document, seed=file):
        expected = REAL.is_valid(mutant)
        found = ours(mutant)
        assert (found == []) is expected, [finding.render() for finding in found] or mutant
        invalid += not expected
    assert invalid > 100, "the corpus hardly ever breaks the schema, so agreement proves nothing"


@pytest.mark.parametrize(
    ("check", "valid"),
    [
        ({"status": 100}, True),
        ({"status": 99}, False),
        ({"status": 599}, True),
        ({"status": 600}, False),
        ({"status": 200.0}, True),
        ({"status": True}, False),
        ({"status": []}, False),
        ({"path": "", "eq": 1}, False),
        ({"path": "a", "eq": None}, True),
        ({"path": "a", "in": []}, False),
        ({"path": "a", "length": {}}, False),
        ({"judge": {"rubric": {"a": 1}, "of": "b"}}, False),
        ({"judge": {"rubric": "", "of": "b"}}, False),
        ({"judge": {"rubric": "a"}}, False),
        ({"judge": {"rubric": "a", "of": ""}}, False),
        ({"judge": {"rubric": "a", "of": "b", "criteria": []}}, False),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "c", "text": "d"}]}}, True),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "c", "text": "d", "weight": 0}]}}, False),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "c", "text": "d", "weight": 1000}]}}, True),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "c", "text": "d", "weight": 1001}]}}, False),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "c", "weight": 1}]}}, False),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "reasoning", "text": "d"}]}}, False),
        ({"judge": {"rubric": "a", "of": "b", "criteria": [{"name": "a\nb", "text": "d"}]}}, False),
        ({"judge": {"rubric": "a", "of": "b", "context": "scenario"}}, True),
        ({"judge": {"rubric": "a", "of": "b", "context": True}}, False),
        ({"judge": {"rubric": "a", "of": "b", "model": ""}}, False),
        ({"judge": {"rubric": "a", "of": "b", "votes": 2}}, False),
        ({"judge": {"rubric": "a", "of": "b", "votes": 21}}, True),
        ({"judge": {"rubric": "a", "of": "b", "votes": 23}}, False),
        ({"judge": {"rubric": "a", "of": "b", "threshold": 1}}, True),
        ({"judge": {"rubric": "a", "of": "b", "threshold": 1.1}}, False),
        ({"no_secrets": True}, True),
        ({"no_secrets": 1}, False),
        ({"no_secrets": True, "severity": "info"}, False),
        ({"status": 200, "severity": "limitation"}, True),
        ({"any_of": [{"status": 200, "severity": "info"}]}, False),
        ({"any_of": [{"judge": {"rubric": "a", "of": "b"}}]}, False),
        ({"duration": {"lt": "0s"}}, False),
    ],
)
def test_the_bounds_of_checks_are_where_the_schema_puts_them(check, valid):
    step = {"get": "/docs", "expect": [check]}
    document = {"apiVersion": "ladder/v1", "mode": "live", "scenarios": {"A": {"title": "A", "steps": [step]}}}
    assert REAL.is_valid(document) is valid
    assert (ours(document) == []) is valid


def test_a_keyword_that_is_not_read_is_refused():
    from harness.language.structure import _Validator

    with pytest.raises(ValueError, match="maxLength"):
        _Validator({"definitions": {}}).faults(Node("x", (1, 1)), {"maxLength": 1})


@pytest.mark.parametrize("value", ["/docs\n", "x\n"])
def test_a_last_newline_does_not_slip_through_a_pattern(value):
    # Python's "$" would let it.
    step = (
        f"- {{get: /a, headers: {{X: {json.dumps(value)}}}}}" if value == "x\n" else f"- {{get: {json.dumps(value)}}}"
    )
    assert rules(ladder(step)) == ["bad-value"]


def test_a_fault_is_told_at_its_value_and_a_key_at_the_key():
    assert rendered(ladder("- get: /docs\n  expects: []\n  timeout: 5 s")) == (
        "try.ladder.yaml:8:9: error: unknown key 'expects' (did you mean 'expect'?) [unknown-key]\n"
        "        expects: []\n"
        "        ^\n"
        "try.ladder.yaml:9:18: error: a duration is a text with a unit and more than nothing, such as 500ms, 10s, "
        "1.5m or 1h [duration-unit]\n"
        "        timeout: 5 s\n"
        "                 ^"
    )
