"""A ladder of thousands of scenarios is read in time that grows with it, whatever they need, and whatever is wrong."""

import sys

import pytest
from ladder_files import HEAD, examined

from harness.language.climb import Order

FEW = 150


def _scenarios(count, needs=lambda _: "", steps=lambda _: "{get: /docs}"):
    each = (f"  S{n}: {{title: A, {needs(n)}steps: [{steps(n)}]}}\n" for n in range(count))
    return f"{HEAD}scenarios:\n{''.join(each)}"


def _needing(numbers):
    named = ", ".join(f"S{number}" for number in numbers)
    return f"needs: [{named}], " if named else ""


SHAPES = {
    "alone": _scenarios,
    "each needs the one before": lambda count: _scenarios(count, lambda n: _needing([n - 1] if n else [])),
    "each needs ten before": lambda count: _scenarios(count, lambda n: _needing(range(max(0, n - 10), n))),
    "each uses a capture of the first": lambda count: _scenarios(
        count,
        lambda n: _needing([n - 1] if n else []),
        lambda n: "{get: '/a/${S0.pid}'}" if n else "{get: /docs, capture: {pid: body.id}}",
    ),
    "each polls": lambda count: _scenarios(
        count,
        lambda n: _needing([n - 1] if n else []),
        lambda n: f"{{poll: {{get: '/p/{n}'}}, until: [{{status: 200}}]}}",
    ),
    "a circle": lambda count: _scenarios(count, lambda n: _needing([(n + 1) % count])),
    "backwards": lambda count: _scenarios(count, lambda n: _needing([n + 1] if n + 1 < count else [])),
    "nothing is known": lambda count: _scenarios(
        count, lambda n: f"needs: [X{n}], ", lambda n: f"{{copy: {{from: Y{n}, files: [a.json]}}}}, {{get: '/${{z}}'}}"
    ),
    "many steps": lambda count: _scenarios(
        1, steps=lambda _: ", ".join(f"{{get: '/a/{n}', capture: {{c{n}: body.id}}}}" for n in range(count))
    ),
    "many variables": lambda count: (
        f"{HEAD}vars:\n  v0: a\n" + "".join(f"  v{n}: b ${{v{n - 1}}}\n" for n in range(1, count)) + "scenarios:\n"
        "  S: {title: A, steps: [{get: /docs}]}\n"
    ),
    "many needs": lambda count: _scenarios(count + 1, lambda n: _needing(range(count)) if n == count else ""),
}


def _calls(text):
    """How many functions are called, and generators resumed, while a ladder is examined."""
    made = 0

    def count(_frame, event, _argument):
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        examined(text)
    finally:
        sys.setprofile(before)
    return made


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_twice_as_many_take_at_most_a_little_more_than_twice_the_work(shape):
    few, many = 2 * FEW, 4 * FEW
    examined(shape(few))
    assert _calls(shape(many)) <= 2.3 * _calls(shape(few))


def test_a_long_circle_is_told_by_its_beginning_and_its_end():
    message = examined(SHAPES["a circle"](30))[1][0].message
    assert message == "'S0' needs itself: S0 → S1 → S2 → S3 → S4 → S5 → S6 → S7 → … → S0"


def test_ways_through_others_are_found_in_any_order_of_the_file():
    order = Order({"C": ("B",), "A": (), "B": ("A", "elsewhere"), "D": ("C",)})
    assert [name for name in "ABCD" if order.reaches("D", name)] == ["A", "B", "C"]
    assert list(order.reached("D")) == ["C", "A", "B"]
    assert (order.circles, order.reaches("A", "elsewhere"), order.comes_before("C", "B")) == ((), False, True)


def test_two_circles_through_one_scenario_end():
    order = Order({"A": ("B", "C"), "B": ("A",), "C": ("A",), "D": ("D",)})
    assert sorted(map(set, order.circles), key=len) == [{"D"}, {"A", *order.circles[0]} - {"D"}]
    assert order.reaches("B", "A")


def test_a_fault_in_a_line_of_a_million_shows_its_surroundings():
    before, after = "a" * 4000, "b" * 4000
    text = f"{HEAD}scenarios: {{A: {{title: {before}, steps: [{{get: '/${{x}}'}}, {{get: /{after}}}]}}}}\n"
    head, shown, caret = examined(text)[1][0].render().splitlines()
    assert "unknown variable 'x'" in head
    assert len(shown) == 160
    assert shown[len(caret) - 1 :].startswith("'/${x}'")
