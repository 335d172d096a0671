"""Several trials: rates with their uncertainty, one verdict by one table, percentiles that are always data."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.judging.trials import Policy, aggregate, exit_code_of, is_out_of_reach, nearest_rank, wilson
from harness.judging.verdict import Verdict

PASS, LIMITED, FAIL, ERROR, OPEN = Verdict.PASS, Verdict.LIMITED, Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE
VERDICTS = st.lists(st.sampled_from([PASS, LIMITED, FAIL, ERROR, OPEN]), max_size=12)


@pytest.mark.parametrize(
    ("verdicts", "policy", "verdict", "code"),
    [
        ([PASS] * 3, Policy(), Verdict.PASS, 0),
        ([PASS, LIMITED], Policy(), Verdict.LIMITED, 0),
        ([PASS, LIMITED], Policy(proceed_on=frozenset({"pass"})), Verdict.FLAKY, 1),
        ([FAIL] * 3, Policy(), Verdict.FAIL, 1),
        ([PASS] * 5 + [FAIL] * 5, Policy(), Verdict.FLAKY, 1),
        ([PASS] * 5 + [FAIL] * 5, Policy(min_pass_rate=0.5), Verdict.PASS, 0),
        ([PASS] * 7 + [FAIL] * 3, Policy(min_pass_rate=0.7), Verdict.PASS, 0),
        ([FAIL], Policy(min_pass_rate=0), Verdict.PASS, 0),
        ([PASS, ERROR], Policy(), Verdict.ERROR, 3),
        ([PASS, ERROR], Policy(max_errors=1), Verdict.PASS, 0),
        ([PASS] + [ERROR] * 9, Policy(max_errors=9), Verdict.PASS, 0),
        ([FAIL, ERROR], Policy(), Verdict.FAIL, 1),
        ([PASS, FAIL, ERROR], Policy(), Verdict.FLAKY, 1),
        ([PASS, OPEN], Policy(), Verdict.INCONCLUSIVE, 4),
        ([PASS, OPEN, ERROR], Policy(max_errors=1), Verdict.INCONCLUSIVE, 4),
        ([ERROR, OPEN], Policy(), Verdict.ERROR, 3),
        ([OPEN], Policy(), Verdict.INCONCLUSIVE, 4),
        ([], Policy(), Verdict.INCONCLUSIVE, 4),
    ],
)
def test_the_first_rule_that_fits_decides(verdicts, policy, verdict, code):
    found = aggregate(verdicts, policy)
    assert found.verdict is verdict
    assert exit_code_of(found, policy) == ExitCode(code)


def test_flaky_is_told_also_where_the_rate_is_enough():
    found = aggregate([PASS, FAIL], Policy(min_pass_rate=0.5))
    assert (found.verdict, found.is_flaky, found.arithmetic) == (PASS, True, "PASS: 1/2 green, 0.5 wanted, flaky")


def test_what_said_nothing_about_the_subject_is_counted_beside():
    found = aggregate([PASS, ERROR, OPEN, FAIL], Policy())
    assert (found.trials, found.answered, found.passed, found.rate) == (4, 2, 1, 0.5)
    assert found.counts == {"ERROR": 1, "FAIL": 1, "INCONCLUSIVE": 1, "PASS": 1}


def test_the_chances_of_drawing_green_trials_are_exact():
    found = aggregate([PASS] * 3 + [FAIL] * 2, Policy())
    assert found.pass_at == {"1": 0.6, "2": pytest.approx(0.9), "3": 1.0, "4": 1.0, "5": 1.0}
    assert found.pass_all == {"1": 0.6, "2": 0.3, "3": 0.1, "4": 0.0, "5": 0.0}


def test_without_an_answer_there_is_no_rate():
    found = aggregate([ERROR], Policy())
    assert (found.rate, found.low, found.high, found.pass_at) == (None, None, None, {})


@pytest.mark.parametrize(
    ("passed", "answered", "low", "high"),
    # Newcombe 1998 (table I) has the last two; the others are the closed form for 0 and all of n.
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_the_interval_is_that_of_the_literature(passed, answered, low, high):
    assert wilson(passed, answered) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_rate_always_lies_in_its_interval(counted):
    low, high = wilson(*counted)
    assert 0 <= low <= counted[0] / counted[1] <= high <= 1


@pytest.mark.parametrize("counted", [(0, 0), (2, 1), (-1, 3)])
def test_no_rate_is_made_of_what_was_not_counted(counted):
    with pytest.raises(ValueError, match="is no rate"):
        wilson(*counted)


def test_a_percentile_is_never_beyond_the_data():
    assert (nearest_rank([0.1, 30], 50), nearest_rank([0.1, 30], 95)) == (0.1, 30)
    assert nearest_rank([7], 95) == 7
    assert nearest_rank(range(1, 101), 95) == 95


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0.001, 100))
def test_a_percentile_is_one_of_the_values(values, percent):
    found = nearest_rank(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= math.floor(percent / 100 * len(values))


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 101)])
def test_no_percentile_is_made_of_nothing(values, percent):
    with pytest.raises(ValueError, match="percentile"):
        nearest_rank(values, percent)


@given(VERDICTS, st.integers(0, 6), st.sampled_from([0.0, 0.5, 0.7, 0.9, 1.0]))
def test_a_run_ends_early_only_when_no_end_of_the_rest_could_make_it_green(verdicts, left, wanted):
    policy = Policy(min_pass_rate=wanted, max_errors=99)
    best = aggregate([*verdicts, *[PASS] * left], policy)
    reached = best.answered == 0 or best.verdict not in {Verdict.FLAKY, Verdict.FAIL}
    assert is_out_of_reach(verdicts, len(verdicts) + left, policy) is not reached


@given(VERDICTS)
def test_an_error_never_hides_a_failure(verdicts):
    with_error = aggregate([*verdicts, ERROR], Policy())
    assert (with_error.verdict in {Verdict.FAIL, Verdict.FLAKY}) == (FAIL in verdicts)
