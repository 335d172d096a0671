"""What one answer of a poll means: ready, stop, or not yet."""

import json

import pytest
from observed import MARK, answer, check, opinion, path

from harness.judging.freshness import NO_PROJECT, Age, Wanted
from harness.judging.observation import Exchange
from harness.judging.readiness import Conditions, State, look
from harness.language.model import Pace, Poll

FRESH = Wanted("two", 0.0, NO_PROJECT)


def looked(exchange, *, until=(), stop_if=(), fresh=None):
    until = until or (check("status", (200,)),)
    poll = Poll(tuple(until), tuple(stop_if), "body.contents", None, 120.0, Pace())
    return look(exchange, Conditions(poll, fresh, MARK))


def result(**fields):
    return answer({"path": ".codex/result.json", "contents": json.dumps(fields)})


def test_an_answer_that_satisfies_until_is_ready_with_its_document():
    found = looked(result(status="error"))
    assert (found.state, found.doc, found.why) == (State.READY, {"status": "error"}, "")


def test_an_answer_that_does_not_is_not_yet_and_says_what_is_missing():
    found = looked(answer({"error": "not_found"}, status=404))
    assert (found.state, found.why) == (State.NOT_YET, "not ready: status in [200], got 404")


def test_all_of_until_must_hold():
    both = (check("status", (200,)), path("doc.status", eq="success"))
    assert looked(result(status="success"), until=both).state is State.READY
    assert looked(result(status="error"), until=both).state is State.NOT_YET


def test_stop_if_comes_before_until():
    found = looked(answer(status=500), until=[check("status", (500,))], stop_if=[check("status", (401, 500))])
    assert (found.state, found.why) == (State.STOPPED, "stopped: status in [401, 500], got 500")
    assert found.stopped_by.path == "status"


def test_any_of_stop_if_stops():
    found = looked(result(status="error"), stop_if=[check("status", (500,)), path("doc.status", eq="error")])
    assert found.state is State.STOPPED


def test_stop_if_comes_before_freshness():
    found = looked(result(status="error", job_id="one"), stop_if=[path("doc.status", eq="error")], fresh=FRESH)
    assert found.state is State.STOPPED


def test_an_undecided_condition_neither_stops_nor_is_ready():
    blind = opinion()
    assert looked(result(), until=[blind]).state is State.NOT_YET
    assert looked(result(), stop_if=[blind]).state is State.READY


def test_no_answer_is_not_yet_even_where_silence_would_satisfy_a_condition():
    silent = Exchange(None, {}, None, "", 0.1, error="ConnectError")
    found = looked(silent, stop_if=[check("not", children=[check("status", (200,))])])
    assert (found.state, found.why) == (State.NOT_YET, "no answer (ConnectError)")


def test_an_answer_too_large_to_read_is_not_yet():
    assert looked(answer(error="BodyTooLarge")).state is State.NOT_YET


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_stops_since_none_is_followed(status):
    moved = answer(status=status, headers={"location": "/x/"})
    assert looked(moved).state is State.STOPPED
    assert looked(moved, until=[check("status", (status,))]).state is State.READY


def test_a_stale_document_is_not_yet_and_a_fresh_one_is_ready():
    stale = looked(result(job_id="one"), fresh=FRESH)
    assert (stale.state, stale.why) == (State.NOT_YET, 'stale: job_id is "one", wanted "two"')
    fresh = looked(result(job_id="two"), fresh=FRESH)
    assert (fresh.state, fresh.age) == (State.READY, Age.FRESH)


def test_a_document_without_id_is_ready_with_a_reservation():
    found = looked(result(status="success"), fresh=FRESH)
    assert (found.state, found.age) == (State.READY, Age.DIFFERENT)
    assert "no job_id" in found.why


@pytest.mark.parametrize("contents", ['{"job_id": "two", "sta', "", "[]"])
def test_half_a_document_is_never_fresh(contents):
    found = looked(answer({"contents": contents}), fresh=FRESH)
    assert found.age is not Age.FRESH
