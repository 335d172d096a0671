"""The operators of checks, as a table and as properties."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import JSON

from harness.judging.operators import OPERATORS, compare, holds, same
from harness.judging.results import Outcome
from harness.language.expressions import matches

WANTED = {
    "eq": None,
    "ne": "x",
    "in": [None],
    "gt": -1,
    "gte": 0,
    "lt": 1,
    "lte": 0,
    "length": {"eq": 0},
    "contains": None,
    "contains_all": [],
    "contains_match": "",
    "matches": "",
    "one_each": [],
}


def test_the_table_of_operators_is_complete():
    assert WANTED.keys() == OPERATORS.keys()


@pytest.mark.parametrize("name", OPERATORS)
def test_null_fails_every_operator_even_one_that_asks_for_null(name):
    assert not holds(name, None, WANTED[name])


def test_exists_false_is_the_one_thing_that_null_can_pass():
    assert holds("exists", None, wanted=False)
    assert not holds("exists", None, wanted=True)


@pytest.mark.parametrize("value", [0, False, "", [], {}])
def test_what_is_empty_exists(value):
    assert holds("exists", value, wanted=True)
    assert not holds("exists", value, wanted=False)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("eq", "success", "success"),
        ("eq", 1, 1.0),
        ("eq", [1, {"a": [True]}], [1, {"a": [True]}]),
        ("eq", [1], (1,)),
        ("eq", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("ne", "template", "dummy"),
        ("ne", 1, True),
        ("in", 404, [200, 404]),
        ("gt", 2, 1),
        ("gte", 2, 2.0),
        ("lt", 1.5, 2),
        ("lte", 2, 2),
        ("gt", "2025-11-14T17:14:05Z", "2025-11-14T17:14:00Z"),
        ("length", "four", {"eq": 4}),
        ("length", [1, 2], {"gt": 1, "lt": 3}),
        ("length", {"a": 1}, {"eq": 1}),
        ("contains", ["a", {"b": 1}], {"b": 1}),
        ("contains", "one word", "word"),
        ("contains_all", ["c", "a", "b"], ["a", "b"]),
        ("contains_all", "a and b", ["a", "b"]),
        ("contains_match", ["x", "the Dummy worker"], "(?i)dummy worker"),
        ("contains_match", "the Dummy worker", "(?i)dummy worker"),
        ("matches", "app.py", r"\.py$"),
        ("one_each", ["A=1", "B=2"], ["^B=", "^A="]),
        ("one_each", ["ab", "a"], ["a", "b"]),
    ],
)
def test_it_holds(name, value, wanted):
    assert holds(name, value, wanted)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("eq", True, 1),
        ("eq", 0, False),
        ("eq", "1", 1),
        ("eq", [1, 2], [2, 1]),
        ("eq", [1], [1, 1]),
        ("eq", {"a": 1}, {"a": 1, "b": 2}),
        ("ne", 1, 1.0),
        ("in", "a", "abc"),
        ("in", True, [1]),
        ("gt", 2, 2),
        ("gt", "10", 9),
        ("gt", True, 0),
        ("lt", [1], [2]),
        ("length", 12, {"gt": 0}),
        ("length", "", {"gt": 0}),
        ("contains", 12, 1),
        ("contains", {"a": 1}, "a"),
        ("contains", "12", 1),
        ("contains", [True], 1),
        ("contains_all", ["a"], ["a", "b"]),
        ("contains_all", ["a"], "a"),
        ("contains_match", [1, None], "1"),
        ("matches", 12, "1"),
        ("matches", ["a"], "a"),
        ("matches", "a\nb", "^b$"),
        ("one_each", "ab", ["a", "b"]),
        ("one_each", ["a", "a", "b"], ["a", "b"]),
        ("one_each", ["a"], ["a", "b"]),
        ("one_each", ["a", "c"], ["a", "b"]),
    ],
)
def test_it_does_not_hold(name, value, wanted):
    assert not holds(name, value, wanted)


def test_all_operators_of_an_item_must_hold_and_the_first_that_does_not_is_told():
    found = compare("doc.n", 5, {"gt": 1, "lt": 3, "eq": 9})
    assert (found.outcome, found.path, found.wanted, found.got) == (Outcome.MISSED, "doc.n", "lt 3", "5")
    assert compare("doc.n", 2, {"gt": 1, "lt": 3}).outcome is Outcome.HELD


def test_a_document_of_any_depth_is_compared():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert same(deep, deep)
    assert not same(deep, [deep])


def test_no_pattern_can_hang_the_run():
    assert not holds("matches", "a" * 50_000 + "!", "^(a|a)*(a*)*$")


@given(JSON, JSON)
def test_values_are_equal_when_their_json_is(one, other):
    spelt = [json.dumps(value, sort_keys=True) for value in (one, other)]
    if spelt[0] == spelt[1]:
        assert same(one, other)
    if not _has_numbers(one):
        assert same(one, other) is (spelt[0] == spelt[1])


def _has_numbers(value):
    return any(character.isdigit() for character in json.dumps(value)) or "Infinity" in json.dumps(value)


@given(JSON, st.sampled_from(sorted(OPERATORS)), JSON)
def test_eq_and_ne_never_agree_on_what_is_there(value, name, wanted):
    if value is not None:
        assert holds("eq", value, wanted) is not holds("ne", value, wanted)


@given(st.lists(st.text("abc", max_size=3), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_one_each_finds_a_pairing_whenever_there_is_one(items, patterns):
    pairings = (
        all(matches(pattern, item) for pattern, item in zip(patterns, order, strict=True))
        for order in permutations(items)
    )
    assert holds("one_each", items, patterns) is (len(items) == len(patterns) and any(pairings))
