"""Legal moves of a job, and instants as the contract spells them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.lifecycle import IllegalMoveError, check_move, has_ended, later_than, now, rfc3339
from worker.contract import JobStatus

LEGAL = {
    ("queued", "in_progress"),
    ("queued", "error"),
    ("in_progress", "completed"),
    ("in_progress", "error"),
}
instants = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds


@pytest.mark.parametrize("present", JobStatus)
@pytest.mark.parametrize("target", JobStatus)
def test_every_move_is_legal_or_refused(present, target):
    if (present, target) in LEGAL:
        check_move(present, target)
    else:
        with pytest.raises(IllegalMoveError, match=f"{present} to {target}"):
            check_move(present, target)


def test_a_state_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="paused"):
        check_move("paused", JobStatus.ERROR)


def test_only_two_states_are_ends():
    assert [status.value for status in JobStatus if has_ended(status)] == ["completed", "error"]


@given(instants, instants)
def test_a_change_is_always_later_than_the_one_before(previous, present):
    later = later_than(previous, present)
    assert later > previous
    assert later >= present
    assert later == present or later - previous == timedelta(microseconds=1)


@given(instants, st.integers(-14, 14))
def test_instants_are_spelt_in_utc_with_microseconds(instant, hours):
    text = rfc3339(instant.astimezone(timezone(timedelta(hours=hours))))
    assert len(text) == len("2025-11-14T17:14:05.123456Z")
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == instant


def test_now_knows_its_time_zone():
    assert now().utcoffset() == timedelta(0)
