"""How missed checks are told in lines."""

import pytest

from harness.judging.results import CheckResult, Outcome
from harness.language.model import Mark, Severity
from harness.runner.ends import lines, missed_line


def found(outcome=Outcome.MISSED, severity=Severity.FAIL, **fields):
    usual = {"text": "{}", "path": "doc.status", "wanted": 'eq "success"', "got": '"error"'}
    return CheckResult(mark=Mark("live.ladder.yaml", 41, 9), severity=severity, outcome=outcome, **usual | fields)


def test_a_missed_check_tells_its_line_its_path_what_was_wanted_and_what_was_there():
    assert missed_line(found()) == 'live.ladder.yaml:41:9: doc.status: wanted eq "success", got "error"'


def test_a_check_that_could_not_be_decided_says_so():
    told = missed_line(found(Outcome.UNDECIDED, wanted="", got="no engine"))
    assert told == "live.ladder.yaml:41:9: undecided: doc.status: wanted a decision, got no engine"


def test_a_check_that_nobody_wrote_says_what_it_is():
    assert missed_line(found(text="implied: no_secrets")).endswith("(implied: no_secrets)")


@pytest.mark.parametrize(("severity", "count"), [(Severity.FAIL, 2), (Severity.LIMITATION, 1), (Severity.INFO, 0)])
def test_lines_are_those_of_one_severity_that_did_not_hold(severity, count):
    results = [
        found(),
        found(Outcome.UNDECIDED),
        found(Outcome.HELD),
        found(severity=Severity.LIMITATION),
        found(Outcome.HELD, severity=Severity.INFO),
    ]
    assert len(lines(results, severity)) == count
