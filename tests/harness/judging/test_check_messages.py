"""What a message shows of a value: short, on one line, and harmless to a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import JSON

from harness.judging.results import LONGEST_SHOWN, plain, show


@given(JSON | st.text(max_size=500))
def test_every_value_is_shown_on_one_short_printable_line(value):
    shown = show(value)
    assert len(shown) <= LONGEST_SHOWN
    assert shown.isprintable()


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\u202etxt.exe", "a\nb", "\u2028", "\x00", "\ud800"])
def test_what_could_move_a_cursor_or_turn_text_around_is_spelt_out(hostile):
    assert show(hostile).isprintable()
    assert "\\" in plain(hostile)


def test_a_long_value_ends_with_an_ellipsis():
    assert show("x" * 10_000).endswith("…")
    assert show(list(range(100_000))).startswith("[0, 1, 2")


def test_a_number_without_end_is_not_written_out():
    assert show(10**10_000) == '"a number of many digits"'


def test_a_deep_document_is_cut():
    deep = []
    for _ in range(50_000):
        deep = [deep]
    assert "…" in show(deep)
