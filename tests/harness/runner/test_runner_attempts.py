"""Every attempt that was made is recorded, and no other: outside of polls a request is sent once (decision 0012)."""

import json

import pytest
from staged import Reply, silence
from whole_runs import WholeRun, write_ladder

from harness.evidence.events import ExchangeMade, PollAttempted
from harness.evidence.journal import iter_events
from harness.evidence.layout import trace_file
from harness.traces.own_requests import ATTEMPT

POLLED = """
scenarios:
  L01:
    title: First
    steps:
      - {post: /p, json: {}, expect: [{status: 200}]}
      - {poll: {get: /1}, until: [{status: 200}], stop_if: [{status: 400}], deadline: 5s}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    made = WholeRun(tmp_path, monkeypatch)
    write_ladder(tmp_path / "scenarios", POLLED, name="polled")
    made.service.on("POST /p", {}).on("GET /1", {})
    return made


def climbed(run):
    """Climb twice; gives the record of the first trial and its events."""
    ended = run.trials(2, ladder="polled")
    record = ended.record.trial_records[0]
    return ended, record, [entry.event for entry in iter_events(ended.finished.folder / record.log)]


def attempts(events):
    return [(event.attempt, event.status, event.error) for event in events if isinstance(event, PollAttempted)]


def attempts_in_the_trace(ended):
    scenario = ended.record.scenarios[0]
    trace = json.loads((ended.finished.folder / trace_file(scenario.trace_id)).read_text())
    return [span["attributes"][ATTEMPT] for span in trace["spans"] if ATTEMPT in span["attributes"]]


def test_a_first_try_that_succeeds_shows_one_attempt_and_no_other(run):
    """D15."""
    ended, record, events = climbed(run)
    assert (record.status, attempts(events)) == ("PASS", [(1, 200, "")])
    assert attempts_in_the_trace(ended) == [1]
    assert run.service.sent == ["POST /p", "GET /1"] * 2


@pytest.mark.parametrize("error", ["ConnectError", "ReadTimeout", "RemoteProtocolError"])
def test_a_poll_asks_again_after_a_transport_error_and_shows_the_attempts_really_made(run, error):
    """D15."""
    run.service.on("GET /1", silence(error), silence(error), {})
    ended, record, events = climbed(run)
    assert (record.status, attempts(events)) == ("PASS", [(1, None, error), (2, None, error), (3, 200, "")])
    assert attempts_in_the_trace(ended) == [1, 2, 3]
    assert run.service.sent[:4] == ["POST /p", "GET /1", "GET /1", "GET /1"]


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_poll_asks_again_after_an_answer_that_says_not_now(run, status):
    """D15."""
    run.service.on("GET /1", Reply({}, status), {})
    _, record, events = climbed(run)
    assert (record.status, attempts(events)) == ("PASS", [(1, status, ""), (2, 200, "")])


def test_a_poll_does_not_ask_again_after_an_answer_that_stops_it(run):
    """D15."""
    run.service.on("GET /1", Reply({}, 400), {})
    _, record, events = climbed(run)
    assert (record.status, attempts(events)) == ("FAIL", [(1, 400, "")])


@pytest.mark.parametrize("answer", [silence(), silence("ReadTimeout"), Reply({}, 503), Reply({}, 504)])
def test_a_request_that_is_no_poll_is_sent_once_whatever_comes_back(run, answer):
    """D15, decision 0012."""
    run.service.on("POST /p", answer, {})
    _, record, events = climbed(run)
    sent = [event for event in events if isinstance(event, ExchangeMade) and event.sent.method == "POST"]
    assert len(sent) == 1
    # The other one is the second trial's.
    assert run.service.sent == ["POST /p", "POST /p", "GET /1"]
    assert (sent[0].answer.status, sent[0].answer.error) == (answer.status, answer.error)
    assert record.status == ("ERROR" if answer.status is None else "FAIL")
