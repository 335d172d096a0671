"""Filling ``${x}``: types kept, literals left, captured data never read as a template."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.language.model import Check, CheckKind, Mark
from harness.language.variables import (
    LONGEST,
    Scope,
    UnknownVariableError,
    fill,
    fill_check,
    fill_environment,
    is_unclosed,
    references,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)


@given(NAME, JSON)
def test_a_value_that_is_exactly_one_reference_keeps_its_type(name, value):
    found = fill(f"${{{name}}}", {name: value}.__getitem__)
    assert found == value
    assert type(found) is type(value)


@given(st.text().filter(lambda text: "${" not in text), NAME, JSON)
def test_a_reference_inside_a_text_becomes_text(before, name, value):
    found = fill(f"{before}.${{{name}}}", {name: value}.__getitem__)
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert found == f"{before}.{shown}"


@given(st.text().filter(lambda text: "${" not in text))
def test_a_text_without_a_reference_stays_as_it_is(text):
    assert fill(text, {}.__getitem__) == text


@given(st.text())
def test_an_escaped_text_comes_out_as_it_was(text):
    assert fill(text.replace("${", "$${"), {}.__getitem__) == text.replace("$${", "$${")


def test_an_escape_is_no_reference():
    assert fill("$${x} ${x}", {"x": 1}.__getitem__) == "${x} 1"
    assert references("$${x} ${y} ${z.w}") == ["y", "z.w"]
    assert (is_unclosed("$${x"), is_unclosed("${x"), is_unclosed("${x} y"), is_unclosed("${a{b}")) == (
        False,
        True,
        False,
        True,
    )


@given(JSON)
def test_captured_data_is_never_read_as_a_template(value):
    hostile = {"text": "${secret} $${x} ${env:HOME}", "more": [value]}
    scope = Scope(ladder={"secret": "s"}, captures={"c": hostile}, scenario={"v": "${c}"}, step={"w": "${v}"})
    assert scope.value("c") == hostile
    assert scope.value("v") == hostile
    assert scope.fill({"a": ["${w}"]}) == {"a": [hostile]}
    assert scope.fill("-${w}-").count("${secret}") == 1


def test_names_are_looked_up_from_the_inside_out():
    full = {"ladder": {"x": "ladder"}, "scenario": {"x": "scenario"}, "captures": {"x": "captured"}}
    assert Scope(**full, step={"x": "step"}).value("x") == "step"
    assert Scope(**full).value("x") == "captured"
    assert Scope(ladder=full["ladder"], scenario=full["scenario"]).value("x") == "scenario"
    assert Scope(ladder=full["ladder"]).value("x") == "ladder"


def test_a_value_may_use_what_lies_outside_of_it_and_never_itself():
    scope = Scope(
        ladder={"a": "A", "b": "${a}b"},
        scenario={"a": "${a}s", "c": "${got}${L01.pid}"},
        captures={"got": "G"},
        reached={"L01": {"pid": 7}},
        step={"a": "${a}w"},
    )
    assert scope.value("a") == "Asw"
    assert scope.value("b") == "Ab"
    assert scope.value("c") == "G7"
    for ladder in ({"a": "${a}"}, {"a": "${b}", "b": "${a}"}):
        with pytest.raises(UnknownVariableError):
            Scope(ladder=ladder).value("a")


@pytest.mark.parametrize("name", ["nothing", "L01.nothing", "L02.pid", "", "a b", "env:HOME", "."])
def test_a_name_without_a_value_is_an_error_that_names_it(name):
    with pytest.raises(UnknownVariableError) as caught:
        Scope(ladder={"a": 1}, reached={"L01": {"pid": 1}}).fill(f"x ${{{name}}}")
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("text", "environ", "filled"),
    [
        ("${env:A:-b}", {}, "b"),
        ("${env:A:-b}", {"A": ""}, "b"),
        ("${env:A:-b}", {"A": "c"}, "c"),
        ("${env:A}", {"A": "c"}, "c"),
        ("${env:A:-}", {}, ""),
        ("${env:A:-http://x:1}/${y}", {}, "http://x:1/${y}"),
        ("$${env:A}", {"A": "c"}, "$${env:A}"),
        ("${env:A}", {"A": "${y}"}, "$${y}"),
    ],
)
def test_the_environment_is_read_into_vars(text, environ, filled):
    assert fill_environment({"v": [text, 1]}, environ) == {"v": [filled, 1]}


def test_what_the_environment_holds_is_no_template():
    ladder = fill_environment({"y": "secret", "a": "${env:A}"}, {"A": "${y}"})
    assert Scope(ladder=ladder).value("a") == "${y}"


def test_an_unset_variable_without_default_is_an_error():
    with pytest.raises(UnknownVariableError, match="env:A"):
        fill_environment("${env:A}", {})


def test_a_check_is_filled_but_for_paths_and_patterns():
    mark = Mark("x", 1, 1)
    child = Check(CheckKind.PATH, mark, argument="doc.a", operators={"eq": "${x}", "matches": "a$"})
    outer = Check(CheckKind.ANY_OF, mark, children=(child,))
    [filled] = fill_check(outer, Scope(ladder={"x": [1]})).children
    assert (filled.argument, filled.operators) == ("doc.a", {"eq": [1], "matches": "a$"})
    container = Check(CheckKind.CONTAINER, mark, argument={"label": "a=${x}", "count": {"eq": 1}})
    assert fill_check(container, Scope(ladder={"x": "b"})).argument == {"label": "a=b", "count": {"eq": 1}}


DOUBLING = {"v0": "abcdefgh"} | {f"v{n}": "".join([f"${{v{n - 1}}}"] * 8) for n in range(1, 11)}


@pytest.mark.parametrize(
    "scope",
    [
        Scope(ladder=DOUBLING),
        Scope(ladder=DOUBLING | {"v0": ""}),
        Scope(ladder={"v0": "a"} | {f"v{n}": [f"${{v{n - 1}}}"] * 8 for n in range(1, 11)}),
        Scope(ladder={"a": "x" * 5000}, scenario={"b": "${a}" * 200}, step={"v10": "${b}" * 200}),
        Scope(captures={"text": "x" * 20_000}, step={"v10": "${text}" * 100}),
        Scope(reached={"A": {"list": ["x" * 20_000]}}, step={"v10": "${A.list}" * 100}),
    ],
    ids=["texts", "of nothing", "lists", "layers", "captures", "captures of others"],
)
def test_a_value_that_grows_without_end_is_refused(scope):
    with pytest.raises(UsageError) as caught:
        scope.fill({"body": ["${v10}"]})
    assert caught.value.reference == "value-too-long"
    assert str(LONGEST) in caught.value.message
    assert caught.value.hint


def test_a_long_answer_is_handed_on_as_it_is():
    long = "x" * (2 * LONGEST)
    assert Scope(captures={"text": long}).fill(["${text}"]) == [long]


def test_a_long_chain_of_variables_is_as_long_as_its_end():
    chain = {"v0": "x" * 50_000} | {f"v{n}": f"a${{v{n - 1}}}" for n in range(1, 100)}
    assert Scope(ladder=chain).fill("${v99}") == "a" * 99 + "x" * 50_000
