"""A duration has changed only outside of a band: wide for single climbs, from the samples where there are enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting.timing_changes import ENOUGH, RULE, SINGLE_S, Measured, is_outside

SECONDS = st.floats(min_value=0, max_value=1e5, allow_nan=False)


def outside(before, after):
    return is_outside(Measured.of(before), Measured.of(after))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([0.01], [0.9], False),
        ([10.0], [19.9], False),
        ([10.0], [20.1], True),
        ([20.1], [10.0], True),
        ([0.4], [1.5], True),
        ([0.0], [1.1], True),
        ([5.0, 5.1], [9.0, 9.2], False),
    ],
)
def test_single_climbs_need_more_than_double_and_more_than_a_second(before, after, told):
    assert outside(before, after) is told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([1.0, 1.01, 0.99, 1.02, 1.0], [1.2, 1.21, 1.19, 1.2, 1.22], True),
        ([1.0, 1.01, 0.99, 1.02, 1.0], [1.05, 1.06, 1.04, 1.05, 1.05], False),
        ([1.0, 1.4, 0.6, 1.3, 0.7], [1.5, 1.9, 1.1, 1.8, 1.2], False),
        ([0.01] * 5, [0.04] * 5, False),
        ([0.01] * 5, [0.07] * 5, True),
        ([1.0, 1.0, 1.0, 1.0, 9.0], [1.0, 1.0, 1.0, 1.0, 1.0], False),
    ],
)
def test_enough_samples_make_a_band_of_their_own(before, after, told):
    assert outside(before, after) is told


@given(st.lists(SECONDS, min_size=1, max_size=ENOUGH * 2))
def test_no_samples_are_outside_of_their_own_band(values):
    assert not outside(values, values)


@given(SECONDS, SECONDS)
def test_whether_a_single_climb_is_outside_does_not_depend_on_which_came_first(one, other):
    assert outside([one], [other]) == outside([other], [one])


@given(SECONDS)
def test_less_than_a_second_is_never_outside_for_single_climbs(one):
    assert not outside([one], [one + SINGLE_S * 0.99])


def test_the_band_is_told_in_words():
    assert "more than 2 times as long or short and differs by more than 1 s" in RULE
    assert "10%" in RULE
