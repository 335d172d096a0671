import pytest
from climbing import CANARY, FIRST, MISSED, record, redact, waiting

from harness.judging.verdict import Verdict
from harness.terminal.wording import LONGEST, Remark, Wording, poll_state, remarks, span, tally


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0.0 s"),
        (0, "0.0 s"),
        (3.26, "3.2 s"),
        (59.99, "59.9 s"),
        (60, "1 min 00 s"),
        (125.9, "2 min 05 s"),
        (3599.9, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_told_in_two_units_at_most(seconds, said):
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (waiting(2), "attempt 2, under way, 2 min 00 s left"),
        (waiting(2, held_s=9), "attempt 2, held by the server, 2 min 00 s left"),
        (waiting(2, next_wait_s=3), "attempt 2, next in 3.0 s, 2 min 00 s left"),
    ],
)
def test_a_poll_is_under_way_or_held_or_waits(state, said):
    assert poll_state(state) == said


def test_a_secret_is_removed_before_it_could_be_torn_apart():
    words = Wording(redact)

    assert words.safe(f"{CANARY}\n{'x' * 10}", limit=14) == "[REDACTED]\\nxx… [cut, 22 characters]"
    assert len(words.safe("x" * 5000)) < LONGEST + 40


def test_an_empty_tally_is_empty():
    assert tally(()) == ()


def test_a_pass_is_no_remark_unless_it_missed_something():
    assert remarks([record(FIRST)]) == []
    assert remarks([record(FIRST, missed=(MISSED,))]) == [Remark(Verdict.PASS, "L01", (f"missed: {MISSED}",))]
