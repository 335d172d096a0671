"""Requests that are sent once, and polls: what is accepted, what ends them, and what is kept of them."""

import pytest
from staged import CANARY, Reply, one_scenario, result, silence, wrapped

from harness.evidence.exchanges import Purpose
from harness.judging.verdict import Verdict

PATH = "/api/v1/p1/files/.codex/result.json"
SUBMIT = (
    "{id: submit, post: /api/v1/projects/, json: {instruction: x}, expect: [{status: 200}], capture: {job: body.job}}"
)
NOT_YET = Reply({}, 404)


def poll(more=""):
    return (
        f'{{id: result, poll: {{get: "{PATH}", unwrap: body.contents, every: 1s, backoff: 1, jitter: 0}},'
        ' until: [{status: 200}], stop_if: [{status: [401, 500]}], fresh_after: {step: submit, job_id: "${job}"},'
        f" deadline: 5s, expect: [{{path: doc.status, eq: success}}], save: {{result.json: doc}}{more}}}"
    )


def waiting_for(staged, *answers, more="", before=NOT_YET):
    """Climb a scenario that submits job ``j2`` and polls for its result; ``before`` is what lay there before."""
    staged.service.on("POST /api/v1/projects/", {"job": "j2"})
    staged.service.on(f"GET {PATH}", before, *answers)
    return staged.scenario(one_scenario(SUBMIT, poll(more))).record


def exchanges(staged, purpose):
    return [event for event in staged.events("exchange") if event.purpose is purpose]


def test_a_request_outside_a_poll_is_sent_once_whatever_comes(staged):
    staged.service.on("GET /docs", silence())
    staged.step(one_scenario("{get: /docs}"))
    assert staged.service.sent == ["GET /docs"]
    assert staged.time.slept == []


def test_a_request_is_sent_with_its_variables_filled_in(staged):
    text = one_scenario(
        '{post: "/api/v1/${pid}/jobs", json: {of: "${count}", text: "n ${count}"}, headers: {X-Id: "${pid}"}}',
        rest="vars: {pid: p1, count: 3}",
    )
    staged.scenario(text)
    (request,) = staged.service.to("POST /api/v1/p1/jobs")
    assert request.json == {"of": 3, "text": "n 3"}
    assert request.headers == {"X-Id": "p1"}


def test_every_request_belongs_to_the_trace_of_its_scenario_and_is_a_span_of_its_own(staged):
    record = waiting_for(staged, wrapped(result("j2")))
    traces = [call.traceparent for call in staged.service.calls]
    assert len(set(traces)) == len(traces) == 3
    assert {trace[:36] for trace in traces} == {f"00-{record.trace_id.replace('-', '')}-"}
    assert {trace[-3:] for trace in traces} == {"-03"}, "sampled, and its right-most 56 bits are random"


def test_the_events_name_the_span_that_each_request_was_sent_as(staged):
    waiting_for(staged, wrapped(result("j2")))
    sent = [call.traceparent.split("-")[2] for call in staged.service.calls]
    exchanges, attempts = staged.events("exchange"), staged.events("poll_attempt")
    assert [each.span_id for each in exchanges if each.purpose != "trace"] == sent
    assert [each.span_id for each in attempts] == sent[-1:], "the accepted answer is that of the last attempt"


def test_what_has_set_the_run_off_is_told_with_every_request(staged):
    waiting_for(staged, wrapped(result("j2")))
    assert {call.baggage for call in staged.service.calls} == {"evidence.trigger.source=ci,evidence.issue_key=LAD-7"}


def test_what_is_redacted_in_an_answer_is_counted_under_its_step(staged):
    waiting_for(staged, wrapped(result("j2")))
    assert [call.source for call in staged.service.calls] == ["L01/result", "L01/submit", "L01/result"]


def test_the_result_of_an_earlier_job_is_never_accepted(staged):
    old, new = wrapped(result("j1")), wrapped(result("j2"))
    record = waiting_for(staged, old, old, new, before=old)
    assert record.verdict is Verdict.PASS
    attempts = staged.events("poll_attempt")
    assert [event.why_not_ready for event in attempts] == [
        'stale: job_id is "j1", wanted "j2"',
        'stale: job_id is "j1", wanted "j2"',
        "",
    ]
    assert '"job_id": "j2"' in staged.read("mocked/L01/result.json")


def test_a_poll_that_only_ever_sees_the_result_of_an_earlier_job_is_inconclusive(staged):
    old = wrapped(result("j1"))
    record = waiting_for(staged, old, before=old)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "stale: job_id" in record.reason
    assert record.result_status == "n/a"
    assert "result.json" not in record.files


def test_a_document_that_only_differs_from_the_earlier_one_is_a_limitation_that_says_so(staged):
    old, new = result(), result(summary="other")
    del old["job_id"], new["job_id"]
    record = waiting_for(staged, wrapped(old), wrapped(new), before=wrapped(old))
    assert record.verdict is Verdict.LIMITED
    assert "it has no job_id and only differs" in record.limits[0]
    assert [event.why_not_ready[:5] for event in staged.events("poll_attempt")] == ["stale", ""]


def test_stop_if_fails_the_step_at_once(staged):
    record = waiting_for(staged, NOT_YET, Reply({}, 500), wrapped(result("j2")))
    assert record.verdict is Verdict.FAIL
    assert record.reason.startswith("stopped: status")
    assert len(staged.events("poll_attempt")) == 2
    assert staged.time.passed < 5


def test_a_redirect_stops_a_poll_at_once(staged):
    record = waiting_for(staged, Reply(status=302, headers={"location": "/login"}))
    assert record.verdict is Verdict.FAIL
    assert len(staged.events("poll_attempt")) == 1


def test_a_deadline_that_passes_while_the_service_answers_is_inconclusive(staged):
    record = waiting_for(staged, NOT_YET)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.reason == "the deadline of 5 s passed; at last: not ready: status in [200], got 404"


def test_a_service_that_was_never_reached_until_the_deadline_is_an_error(staged):
    record = waiting_for(staged, silence("ConnectError"))
    assert record.verdict is Verdict.ERROR
    assert record.reason == "the deadline of 5 s passed; at last: no answer (ConnectError)"


def test_one_answer_among_many_failures_makes_the_deadline_inconclusive(staged):
    record = waiting_for(staged, silence(), NOT_YET, silence())
    assert record.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("last", [NOT_YET, Reply({}, 500), silence()])
def test_of_a_poll_that_was_never_ready_nothing_is_judged_captured_or_saved(staged, last):
    record = waiting_for(staged, last, more=", capture: {found: status}")
    assert record.files == ()
    assert [event.name for event in staged.events("capture")] == ["job"]
    assert [event.step for event in staged.events("check", "observation")] == ["submit", "submit"]
    assert staged.names() == []


def test_a_poll_is_judged_once_on_the_answer_that_was_accepted(staged):
    record = waiting_for(staged, NOT_YET, wrapped(result("j2", status="error")), wrapped(result("j2")))
    assert record.verdict is Verdict.FAIL
    assert record.result_status == "error"
    assert [event.step for event in staged.events("check")] == ["submit", "result"]


def test_every_attempt_is_an_event_and_only_the_accepted_answer_an_exchange(staged):
    waiting_for(staged, NOT_YET, NOT_YET, wrapped(result("j2")))
    attempts = staged.events("poll_attempt")
    assert [(event.attempt, event.status) for event in attempts] == [(1, 404), (2, 404), (3, 200)]
    (accepted,) = exchanges(staged, Purpose.POLL)
    assert accepted.answer.status == 200
    assert accepted.answer.sha256 == attempts[-1].sha256


def test_a_person_is_shown_what_a_poll_is_waiting_for(staged):
    waiting_for(staged, NOT_YET, wrapped(result("j2")))
    assert (1, "not ready: status in [200], got 404") in staged.watcher.words("waiting")


def test_the_request_of_a_poll_is_recorded_without_what_the_waiting_added(staged):
    waiting_for(staged, wrapped(result("j2")))
    assert staged.service.calls[-1].request.headers["prefer"].startswith("wait=")
    assert exchanges(staged, Purpose.POLL)[0].sent.headers == {}


def test_a_secret_in_an_attempt_that_was_not_accepted_makes_the_scenario_fail(staged):
    record = waiting_for(staged, wrapped(result("j1", summary=CANARY)), wrapped(result("j2")))
    assert record.verdict is Verdict.FAIL
    assert "OPENAI_API_KEY" in record.reason


def test_a_marker_in_an_attempt_that_was_not_accepted_makes_the_scenario_fail(staged):
    record = waiting_for(staged, wrapped(result("j1", summary="[REDACTED]")), wrapped(result("j2")))
    assert record.verdict is Verdict.FAIL
    assert "taken out by the subject itself" in record.reason


def test_a_poll_without_unwrap_takes_the_body_for_its_document(staged):
    staged.service.on("GET /ready", {"mode": "live"})
    record = staged.steps("{poll: {get: /ready}, until: [{status: 200}], expect: [{path: doc.mode, eq: live}]}").record
    assert record.verdict is Verdict.PASS
    assert record.result_status == "n/a"


def test_ctrl_c_in_the_wait_of_a_poll_comes_out_of_it(staged):
    staged.time.on_sleep = staged.interrupts.arrive
    record = waiting_for(staged, NOT_YET)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.reason == "interrupted in step result"
