"""What has set a run off: told by the surroundings, checked before anything is sent, and passed on to the backend."""

from pathlib import Path

import pytest

from harness.config import Settings
from harness.errors import UsageError
from harness.ids import is_id
from harness.runner.origin import Origin, Source, Trigger


def trigger(**environ):
    return Trigger.of(Settings(Path("/x"), Path("/x/.env"), environ))


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, Source.MANUAL),
        ({"CI": "true"}, Source.CI),
        ({"CI": ""}, Source.MANUAL),
        ({"LADDER_TRIGGER": "scheduled", "CI": "true"}, Source.SCHEDULED),
    ],
)
def test_a_run_knows_what_has_set_it_off(environ, source):
    assert trigger(**environ) == Trigger(source)


def test_a_source_that_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"LADDER_TRIGGER='cron' is none of manual, scheduled") as caught:
        trigger(LADDER_TRIGGER="cron")
    assert caught.value.reference == "trigger-unknown"


@pytest.mark.parametrize("name", ["LADDER_ISSUE_KEY", "LADDER_ISSUE_STATUS"])
def test_a_key_that_would_be_cut_is_refused_since_none_may_be_lost(name):
    assert trigger(**{name: "K" * 64})
    with pytest.raises(UsageError, match=f"{name} has 65 characters"):
        trigger(**{name: "K" * 65})


def test_a_key_and_a_status_are_spelt_so_that_no_sign_in_them_ends_the_member():
    given = trigger(LADDER_ISSUE_KEY="A,B;c=1 ü", LADDER_ISSUE_STATUS="To Do")
    assert given.baggage() == (
        "evidence.trigger.source=manual,evidence.issue_key=A%2CB%3Bc%3D1%20%C3%BC,evidence.issue_status=To%20Do"
    )


def test_a_secret_in_a_key_is_neither_sent_nor_stored():
    origin = Origin.new(Trigger(Source.API, "the-canary", None), lambda text: text.replace("canary", "[REDACTED]"))
    assert origin.trigger == Trigger(Source.API, "the-[REDACTED]", None)
    assert "canary" not in origin.trigger.baggage()


def test_every_climb_has_a_trace_of_its_own():
    one, other = (Origin.new(Trigger(), str) for _ in range(2))
    assert is_id(one.trace_id)
    assert {one.trace_id, one.span_id}.isdisjoint({other.trace_id, other.span_id})
