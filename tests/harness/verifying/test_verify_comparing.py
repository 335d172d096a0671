"""Two values side by side: what is the same, and how the first place is named where they differ."""

import pytest

from harness.verifying.comparing import differences, part, same


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ([1], [True]), ({"a": 0}, {"a": False}), (None, 0)])
def test_what_python_takes_for_equal_is_not_the_same_in_json(one, other):
    assert not same(one, other)


def test_a_number_is_the_same_however_it_is_spelt():
    assert same({"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), ""),
        (("status",), "status"),
        (("execution_trace", 6, "seq"), "event 7 seq"),
        (("db_writes", 0, "detail", "outcome"), "write 1 detail outcome"),
        (("api_calls_used", 2), "call 3"),
        (("evidence_files", 0), "evidence_files 0"),
    ],
)
def test_a_place_in_a_case_has_a_name(path, name):
    assert part(path) == name


def test_the_item_and_the_way_into_it_are_told_where_one_key_differs():
    stored, wanted = [{"a": {"b": 1, "c": 2}}, {"a": 1}], [{"a": {"b": 1, "c": 3}}, {"a": 1}]
    assert list(differences("db_writes", stored, wanted)) == [("write 1 a c", "expected 3, found 2")]


def test_a_list_of_another_length_is_told_once_at_its_first_lacking_item():
    assert list(differences("api_calls_used", [1], [1, 2, 3])) == [("call 2", "3 are expected, 1 are there")]


def test_a_value_of_another_type_is_told_as_a_whole():
    assert list(differences("assertions", None, [])) == [("assertions", "expected [], found None")]
