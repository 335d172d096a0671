"""Folding, gates and exit codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.judging.verdict import RunFacts, Verdict, exit_code, fold, gate_after, is_green

STRICT = frozenset({"pass"})
LENIENT = frozenset({"pass", "limited"})
FROM_WORST = [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.LIMITED, Verdict.PASS]


@given(st.lists(st.sampled_from(FROM_WORST), min_size=1))
def test_the_worst_verdict_of_several_is_theirs(verdicts):
    assert fold(verdicts) is min(verdicts, key=FROM_WORST.index)


def test_nothing_to_fold_is_a_pass():
    assert fold([]) is Verdict.PASS


def test_blocked_is_no_outcome_and_cannot_be_folded():
    with pytest.raises(ValueError, match="BLOCKED is no outcome"):
        fold([Verdict.PASS, Verdict.BLOCKED])


def test_only_pass_and_limited_are_green():
    assert [verdict for verdict in Verdict if is_green(verdict)] == [Verdict.PASS, Verdict.LIMITED]


def test_the_gate_is_open_before_the_first_scenario():
    assert gate_after({}, STRICT, missed={}).is_open


def test_limited_closes_a_gate_that_only_passes_proceed():
    gate = gate_after({"L01": Verdict.LIMITED}, STRICT, missed={"L01": 2})
    assert gate.closed_by == "L01"
    assert gate.arithmetic == "gate closed: L01 LIMITED, 2 missed > 0 allowed; goes on after PASS"


def test_limited_leaves_a_lenient_gate_open():
    assert gate_after({"L01": Verdict.LIMITED}, LENIENT, missed={}).is_open


def test_a_blocked_scenario_is_never_the_cause_of_a_closed_gate():
    ended = {"L04": Verdict.FAIL, "L05": Verdict.BLOCKED}
    assert gate_after(ended, LENIENT, missed={"L04": 1}).closed_by == "L04"


@pytest.mark.parametrize(
    ("verdicts", "proceed_on", "facts", "code"),
    [
        ([Verdict.PASS], STRICT, RunFacts(), ExitCode.OK),
        ([Verdict.PASS, Verdict.LIMITED], LENIENT, RunFacts(), ExitCode.OK),
        ([Verdict.PASS, Verdict.LIMITED], STRICT, RunFacts(), ExitCode.FAILED),
        ([Verdict.FAIL, Verdict.ERROR], STRICT, RunFacts(), ExitCode.FAILED),
        ([Verdict.ERROR, Verdict.INCONCLUSIVE], STRICT, RunFacts(), ExitCode.PREREQUISITE),
        ([Verdict.INCONCLUSIVE, Verdict.PASS], STRICT, RunFacts(), ExitCode.INCONCLUSIVE),
        ([Verdict.FAIL, Verdict.BLOCKED], STRICT, RunFacts(), ExitCode.FAILED),
        ([Verdict.ERROR, Verdict.BLOCKED], STRICT, RunFacts(), ExitCode.PREREQUISITE),
        ([Verdict.LIMITED, Verdict.BLOCKED], STRICT, RunFacts(), ExitCode.FAILED),
        ([Verdict.INCONCLUSIVE, Verdict.BLOCKED], STRICT, RunFacts(), ExitCode.INCONCLUSIVE),
        ([Verdict.FAIL], STRICT, RunFacts(interrupted=True), ExitCode.INTERRUPTED),
        ([Verdict.PASS], STRICT, RunFacts(interrupted=True, secret_found=True), ExitCode.LEAK),
        ([], STRICT, RunFacts(), ExitCode.USAGE),
    ],
)
def test_the_first_rule_that_applies_gives_the_exit_code(verdicts, proceed_on, facts, code):
    named = {f"L{number:02}": verdict for number, verdict in enumerate(verdicts, 1)}
    assert exit_code(named, proceed_on, facts) is code
