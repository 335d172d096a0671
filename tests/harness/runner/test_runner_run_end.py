"""Which exit code a whole run ends with."""

import pytest
from recorded_runs import scenario_record
from staged import ladder_of
from whole_runs import LIVE, MOCKED

from harness.judging.verdict import Verdict
from harness.redaction.secret import SecretSet
from harness.runner.climb import Part, PartCourse
from harness.runner.planning import Plan
from harness.runner.run_end import exit_code_of


def course(*found, hits=0):
    return PartCourse({}, records=[scenario_record(f"L0{at}", each) for at, each in enumerate(found)], secret_hits=hits)


@pytest.fixture
def planned(tmp_path):
    """A plan whose ladder goes on after PASS only."""
    proof = ladder_of(tmp_path, MOCKED, name="mocked")
    ladder = ladder_of(tmp_path, LIVE, name="live", mode="live")
    parts = [Part(each, each.scenarios, "live") for each in (ladder, proof)]
    return Plan(*parts, SecretSet(), (), None)


P, F, E, C, B, L = (Verdict[name] for name in ("PASS", "FAIL", "ERROR", "INCONCLUSIVE", "BLOCKED", "LIMITED"))


@pytest.mark.parametrize(
    ("climbed", "rolled", "code"),
    [
        ([P, P], [P], 0),
        ([P, P], None, 0),
        ([P, L], [P], 1),
        ([F, B], [P], 1),
        ([E, B], [F], 3),
        ([C, B], [F], 4),
        ([P, P], [F], 1),
        ([P, P], [E, B], 3),
        ([P, P], [C], 4),
        ([F, B], [E], 1),
    ],
)
def test_the_exit_code_is_the_ladders_and_the_rollbacks_only_after_a_green_one(planned, climbed, rolled, code):
    ends = course(*climbed), course(*rolled) if rolled else None
    assert exit_code_of(planned, *ends, is_interrupted=False) == code


@pytest.mark.parametrize("climbed", [[P], [F], [E], [C]])
def test_an_interrupt_outranks_every_verdict_and_a_secret_outranks_an_interrupt(planned, climbed):
    assert exit_code_of(planned, course(*climbed), course(F), is_interrupted=True) == 130
    assert exit_code_of(planned, course(*climbed, hits=1), course(P), is_interrupted=True) == 5
    assert exit_code_of(planned, course(*climbed), course(P, hits=1), is_interrupted=True) == 5
