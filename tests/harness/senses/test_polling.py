"""A poll's course: attempts, waits, the deadline, and what it tells meanwhile; on a clock that nobody waits for."""

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensing import Around, call, exchange, silence

from harness.judging.freshness import NO_PROJECT, Age, Wanted
from harness.judging.readiness import Conditions
from harness.judging.verdict import Verdict
from harness.language.model import Check, CheckKind, Mark, Pace, Poll
from harness.senses.pace import next_wait
from harness.senses.polling import Attempt, End, poll

MARK = Mark("live.ladder.yaml", 20, 5)
STEADY = Pace(every_s=1.0, backoff=1.0, max_every_s=5.0, jitter=0.0)
NOT_FOUND = exchange({"error": "not_found"}, status=404)


def status(*codes):
    return Check(CheckKind.STATUS, MARK, argument=codes, text=f"status {codes}")


def result(job_id="two", **answer):
    return exchange({"contents": json.dumps({"job_id": job_id, "status": "success"})}, **answer)


def run(around, *, deadline_s=30.0, pace=STEADY, fresh="two", sent=None, stop_if=()):
    wanted = Wanted(fresh, 0.0, NO_PROJECT) if fresh else None
    conditions = Conditions(Poll((status(200),), stop_if, "body.contents", None, deadline_s, pace), wanted, MARK)
    return poll(sent or call("/p/files/.codex/result.json"), conditions, around.surroundings)


def test_the_first_answer_that_is_ready_is_accepted_without_any_wait():
    around = Around(result())
    found = run(around)
    assert (found.end, found.attempts, found.age, found.verdict) == (End.READY, 1, Age.FRESH, Verdict.PASS)
    assert found.doc == {"job_id": "two", "status": "success"}
    assert around.time.slept == []


def test_a_result_of_an_earlier_job_never_satisfies_a_poll():
    around = Around(result("one"), result("one"), result("two"))
    found = run(around)
    assert (found.attempts, found.doc["job_id"]) == (3, "two")
    assert "stale" in around.attempts[0].why_not_ready


def test_a_result_of_an_earlier_job_that_stays_is_inconclusive_at_the_deadline():
    around = Around(result("one"))
    found = run(around)
    assert (found.end, found.verdict) == (End.DEADLINE, Verdict.INCONCLUSIVE)
    assert found.why == 'the deadline of 30 s passed; at last: stale: job_id is "one", wanted "two"'
    assert found.exchange.status == 200


def test_a_document_without_id_is_accepted_as_a_limitation():
    around = Around(exchange({"contents": '{"status": "success"}'}))
    found = run(around)
    assert (found.end, found.age, found.verdict) == (End.READY, Age.DIFFERENT, Verdict.LIMITED)


def test_a_condition_that_holds_fails_the_poll_at_once():
    around = Around(NOT_FOUND, exchange({"error": "x"}, status=500), result())
    found = run(around, stop_if=(status(401, 403, 500),))
    assert (found.end, found.attempts, found.verdict) == (End.STOPPED, 2, Verdict.FAIL)
    assert found.stopped_by.got == "500"


def test_a_service_that_was_never_reached_is_an_error():
    around = Around(silence())
    found = run(around)
    assert (found.end, found.verdict) == (End.UNREACHABLE, Verdict.ERROR)
    assert "no answer (ConnectError)" in found.why


def test_a_service_that_answered_once_and_fell_silent_is_inconclusive():
    around = Around(NOT_FOUND, silence("RemoteProtocolError"))
    assert run(around).verdict is Verdict.INCONCLUSIVE


def test_a_service_that_comes_up_within_the_deadline_is_fine():
    around = Around(silence(), silence(), result())
    assert run(around).end is End.READY


def test_each_attempt_is_recorded_when_it_is_over():
    around = Around(NOT_FOUND, result(duration_s=0.25))
    run(around)
    assert around.attempts == [
        Attempt(1, 0.0, 404, 22, "digest", "not ready: status in [200], got 404"),
        Attempt(2, 1.25, 200, around.attempts[1].bytes, "digest", "", 0.25),
    ]


def test_the_live_state_tells_attempt_next_wait_and_time_left():
    around = Around(NOT_FOUND, result())
    run(around, sent=call(timeout_s=1.0))
    told = [(shown.attempt, shown.next_wait_s, shown.left_s, shown.why) for shown in around.shown]
    why = "not ready: status in [200], got 404"
    assert told == [(1, 0.0, 30.0, ""), (1, 1.0, 30.0, why), (2, 0.0, 29.0, why)]


def test_waits_grow_up_to_the_longest():
    around = Around(NOT_FOUND)
    run(around, deadline_s=20.0, pace=Pace(0.5, 2.0, 4.0, 0.0))
    assert around.time.slept[:6] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_a_last_look_is_taken_before_the_deadline_and_none_after_it():
    around = Around(NOT_FOUND)
    found = run(around, deadline_s=10.0, pace=Pace(4.0, 1.0, 4.0, 0.0))
    assert around.time.slept == [4.0, 4.0, 1.5]
    assert found.attempts == 4
    assert around.time.now - 1000.0 <= 10.0


def test_no_request_outlives_the_deadline():
    around = Around(lambda sent: silence("ReadTimeout", sent.request.timeout_s))
    run(around, deadline_s=25.0, pace=STEADY)
    assert around.time.now - 1000.0 <= 25.1
    assert around.service.calls[-1].request.timeout_s < 10.0


def test_one_attempt_is_made_however_short_the_deadline():
    around = Around(NOT_FOUND)
    assert run(around, deadline_s=0.001).attempts == 1


@given(st.integers(), st.floats(0.1, 5), st.floats(1, 3), st.floats(0, 1), st.floats(0.2, 60))
def test_whatever_the_pace_the_deadline_holds_and_every_poll_ends(seed, every_s, backoff, jitter, deadline_s):
    around = Around(exchange(status=404, duration_s=0.01), seed=seed)
    found = run(around, deadline_s=deadline_s, pace=Pace(every_s, backoff, 5.0, jitter))
    assert found.end is End.DEADLINE
    assert around.time.now - 1000.0 <= deadline_s + 0.05


@given(st.integers(), st.integers(0, 5000))
def test_a_wait_is_every_times_a_power_of_backoff_at_most_max_every_give_or_take_the_jitter(seed, before):
    pace = Pace(0.5, 1.6, 5.0, 0.2)
    bare = min(0.5 * 1.6 ** min(before, 100), 5.0)
    assert 0.8 * bare <= next_wait(pace, before, Random(seed)) <= 1.2 * bare


def test_the_same_seed_waits_the_same_and_another_one_does_not():
    waits = []
    for seed in (1, 1, 2):
        around = Around(NOT_FOUND, seed=seed)
        run(around, pace=Pace(0.5, 1.6, 5.0, 0.2))
        waits.append(around.time.slept)
    assert waits[0] == waits[1] != waits[2]


def test_ctrl_c_while_waiting_passes():
    def interrupt(_seconds):
        raise KeyboardInterrupt

    around = Around(NOT_FOUND)
    around.surroundings = replace(around.surroundings, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(around)
    assert len(around.attempts) == 1


def test_ctrl_c_while_a_request_is_under_way_passes():
    def interrupt(_sent):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Around(interrupt))


def waits_for(result_after_s, *, says=True):
    """A server that holds a request back until the result is there, or for as long as it was asked to."""
    elapsed = [0.0]

    def serve(sent):
        held = float(sent.request.headers.get("prefer", "wait=0").removeprefix("wait="))
        left = result_after_s - elapsed[0]
        elapsed[0] += min(held, max(left, 0.0))
        headers = {"preference-applied": f"wait={held:g}"} if says else {}
        if left <= held:
            return result(duration_s=max(left, 0.0), headers=headers)
        return exchange({"error": "not_found"}, status=404, duration_s=held, headers=headers)

    return serve


@pytest.mark.parametrize("says", [True, False])
def test_where_the_server_waits_the_answer_is_there_without_any_sleep(says):
    around = Around(waits_for(25.5, says=says))
    found = run(around, deadline_s=120.0)
    assert found.end is End.READY
    assert around.time.slept == []
    assert around.time.now - 1000.0 == 25.5
    assert around.service.offers == ["wait=9", "wait=9", "wait=9"]


def test_the_wait_that_is_asked_for_leaves_time_to_answer_within_timeout_deadline_and_contract():
    around = Around(waits_for(1e9))
    run(around, deadline_s=100.0, sent=call(timeout_s=600.0))
    assert around.service.offers[0] == "wait=60"
    assert around.service.offers[1] == "wait=39"
    bounds = [sent.request.timeout_s for sent in around.service.calls]
    held = [int((offer or "wait=0").removeprefix("wait=")) for offer in around.service.offers]
    assert all(asked <= bound - 1 for asked, bound in zip(held, bounds, strict=True) if asked)


def test_a_server_that_does_not_wait_is_asked_once_and_then_polled_at_the_pace():
    around = Around(exchange(status=404, duration_s=0.01))
    run(around, deadline_s=10.0)
    assert around.service.offers[:3] == ["wait=9", None, None]
    assert set(around.time.slept[:5]) == {1.0}


def test_a_server_that_says_it_waits_and_answers_at_once_is_not_asked_without_end():
    around = Around(result("one", duration_s=0.1, headers={"preference-applied": "wait=9"}))
    found = run(around, deadline_s=10.0)
    assert found.attempts <= 12
    assert around.time.slept[0] == pytest.approx(0.9)


def test_a_server_that_cannot_be_asked_to_wait_in_time_is_polled():
    around = Around(lambda sent: silence("ReadTimeout", sent.request.timeout_s))
    run(around, deadline_s=60.0)
    assert around.service.offers[:2] == ["wait=9", None]


def test_a_server_that_is_not_up_yet_is_still_asked_to_wait_later():
    around = Around(silence(), silence(), waits_for(3.0))
    assert run(around).end is End.READY
    assert around.service.offers == ["wait=9"] * 3


def test_a_preference_of_the_step_is_sent_as_it_is():
    around = Around(NOT_FOUND, result())
    run(around, sent=call(headers={"Prefer": "respond-async"}))
    assert [sent.request.headers for sent in around.service.calls] == [{"Prefer": "respond-async"}] * 2


def test_a_short_timeout_leaves_no_time_to_wait():
    around = Around(result())
    run(around, sent=call(timeout_s=1.5))
    assert around.service.offers == [None]
