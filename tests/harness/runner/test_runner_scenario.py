"""One scenario: its steps until one is not green, and what is owed in any case, which never makes it better."""

import pytest
from staged import OK_STEP, Reply, one_scenario, silence

from harness.errors import PrerequisiteError
from harness.ids import is_id
from harness.judging.verdict import Verdict
from harness.runner.interrupts import HOW_TO_FORCE, ForcedError

RED = "{id: red, get: /red, expect: [{status: 200}]}"


@pytest.fixture
def serving(staged):
    """A stage whose service answers what the ladders here ask for."""
    staged.service.on("GET /docs", {"id": "p1"}).on("GET /red", Reply({}, 500)).on("GET /p1", {})
    for name in ("a", "b", "c", "gone"):
        staged.service.on(f"DELETE /{name}", {}).on(f"GET /{name}", {"name": name})
    return staged


def ends(staged, word):
    return [(event.step, event.verdict) for event in staged.events(word)]


def test_a_green_scenario_leaves_its_artifacts_its_events_and_its_record(serving):
    record = serving.steps(
        "{id: docs, get: /docs, expect: [{status: 200}], capture: {pid: body.id}, save: {docs.json: body}}",
        '{id: project, get: "/${pid}", expect: [{status: 200}], save: {project_id.txt: "${pid}"}}',
        rest="evidence: [docs.json, project_id.txt]",
    ).record
    assert (record.verdict, record.reason, record.missed, record.limits) == (Verdict.PASS, "", (), ())
    assert (record.id, record.title, record.folder) == ("L01", "A rung", "mocked/L01")
    assert record.files == ("docs.json", "project_id.txt")
    assert (record.started_at, record.duration_s) == ("2025-11-14T17:14:05.000000Z", 0.02)
    assert is_id(record.trace_id)
    assert serving.names() == ["mocked/L01/docs.json", "mocked/L01/project_id.txt"]
    events = serving.events()
    assert type(events[0]).__name__ == "ScenarioStarted"
    assert (events[-1].scenario, events[-1].verdict) == ("L01", Verdict.PASS)
    assert ends(serving, "step_ended") == [("docs", Verdict.PASS), ("project", Verdict.PASS)]
    assert serving.watcher.words("scenario_started") == [("L01",)]


@pytest.mark.parametrize(
    ("answer", "verdict"), [(Reply({}, 500), Verdict.FAIL), (silence(), Verdict.ERROR), (Reply({}, 301), Verdict.FAIL)]
)
def test_a_step_that_is_not_green_ends_its_scenario(serving, answer, verdict):
    serving.service.on("GET /red", answer)
    record = serving.steps(RED, OK_STEP).record
    assert record.verdict is verdict
    assert serving.service.sent == ["GET /red"]


def test_a_limited_step_does_not_end_its_scenario(serving):
    limited = "{get: /docs, expect: [{path: body.id, eq: p2, severity: limitation}]}"
    record = serving.steps(limited, OK_STEP).record
    assert record.verdict is Verdict.LIMITED
    assert len(serving.service.sent) == 2
    assert record.missed == ()
    assert record.limits[0].endswith('test.ladder.yaml:7:31: body.id: wanted eq "p2", got "p1"')


def test_the_reason_of_a_red_scenario_is_its_first_missed_check_with_its_line(serving):
    record = serving.steps("{get: /docs, expect: [{status: 201}, {path: body.id, eq: p2}]}").record
    assert record.reason.endswith("test.ladder.yaml:7:31: status: wanted in [201], got 200")
    assert len(record.missed) == 2
    assert record.reason == record.missed[0]


def test_the_reason_stays_the_first_thing_that_was_not_green(serving):
    serving.service.on("GET /red", Reply({"error": "[REDACTED]"}, 500))
    record = serving.steps(RED).record
    assert "status: wanted in [200], got 500" in record.reason
    assert "no_secrets" in record.missed[1]


def test_an_unknown_variable_in_a_step_is_an_error_that_names_both(serving):
    text = one_scenario('{id: ask, get: "/${L00.pid}"}', OK_STEP, rest="needs: [L00]")
    first = "scenarios:\n  L00:\n    title: First\n    steps:\n      - {get: /docs, capture: {pid: body.id}}"
    record = serving.scenario(text.replace("scenarios:", first)).record
    assert record.verdict is Verdict.ERROR
    assert record.reason == "step ask: the variable 'L00.pid' has no value"
    assert serving.service.sent == []


def test_a_fault_of_the_harness_in_a_step_is_an_error_and_cleanup_follows(serving):
    serving.service.on("GET /red", RuntimeError("no such thing"))
    record = serving.steps(RED, rest="finally: [{delete: /a}]").record
    assert record.verdict is Verdict.ERROR
    assert record.reason == "step red: a fault of the harness: RuntimeError: no such thing"
    assert serving.service.sent == ["GET /red", "DELETE /a"]


def test_a_fault_of_the_harness_in_the_cleanup_keeps_nothing_else_from_being_done(serving):
    serving.service.on("DELETE /b", RuntimeError("no such thing"))
    climbed = serving.steps(OK_STEP, rest="finally: [{delete: /a}, {delete: /b}]")
    assert climbed.record.verdict is Verdict.PASS
    assert serving.service.sent == ["GET /docs", "DELETE /b", "DELETE /a"]


def test_evidence_that_cannot_be_written_ends_the_climb(serving, monkeypatch):
    serving.service.on("GET /docs", {})
    error = PrerequisiteError("evidence-unwritable", "the disk is full")

    def refuse(_event):
        raise error

    scene = serving.scene(one_scenario(OK_STEP))
    monkeypatch.setattr(serving.journal, "record", refuse)
    with pytest.raises(PrerequisiteError, match="the disk is full"):
        serving.scenario_of(scene)


COLLECT = """
collect_on_fail:
  - {id: seen, get: /a, save: {a.json: body}}
  - {id: job, get: "/${pid}", save: {job.json: body}}
"""
FINALLY = "finally: [{id: last, delete: /b}, {id: first, delete: /c}]"


@pytest.mark.parametrize(
    ("answer", "verdict"), [(Reply({}, 500), Verdict.FAIL), (silence(), Verdict.ERROR), ({}, Verdict.INCONCLUSIVE)]
)
def test_what_a_red_scenario_needs_is_collected_before_it_is_cleaned_up(serving, answer, verdict):
    serving.service.on("GET /red", answer)
    red = "{id: red, get: /red, expect: [{status: 200}, {container: {label: ladder.job=j1, count: 1}}]}"
    serving.watch.seen = type(serving.watch.seen)(available=False)
    steps = one_scenario("{get: /docs, capture: {pid: body.id}}", red, rest=FINALLY)
    climbed = serving.scenario(COLLECT + steps)
    assert climbed.record.verdict is verdict
    assert serving.service.sent == ["GET /docs", "GET /red", "GET /a", "GET /p1", "DELETE /c", "DELETE /b"]
    assert climbed.record.files == ("a.json", "job.json")


def test_a_deadline_that_passed_is_reason_enough_to_collect(serving):
    poll = "{poll: {get: /red}, until: [{status: 200}], deadline: 1s}"
    assert serving.scenario(COLLECT + captured(poll)).record.verdict is Verdict.INCONCLUSIVE
    assert "GET /a" in serving.service.sent


def captured(*steps):
    return one_scenario("{get: /docs, capture: {pid: body.id}}", *steps)


@pytest.mark.parametrize("severity", ["limitation", "info"])
def test_nothing_is_collected_of_a_green_scenario(serving, severity):
    step = f"{{get: /red, expect: [{{status: 200, severity: {severity}}}]}}"
    serving.scenario(COLLECT + captured(step))
    assert serving.service.sent == ["GET /docs", "GET /red"]


def test_what_was_never_captured_is_skipped_and_the_rest_is_collected(serving):
    text = COLLECT.replace("- {id: seen", '- {id: logs, get: "/${pid}/logs"}\n  - {id: seen')
    later = one_scenario(RED, "{get: /docs, capture: {pid: body.id}}")
    climbed = serving.scenario(text + later)
    assert serving.service.sent == ["GET /red", "GET /a"]
    assert [(event.step, event.why) for event in serving.events("step_skipped")] == [
        ("logs", "the variable 'pid' has no value"),
        ("job", "the variable 'pid' has no value"),
    ]
    assert climbed.record.verdict is Verdict.FAIL


def test_finally_runs_from_last_to_first_after_a_green_scenario_too(serving):
    assert serving.steps(OK_STEP, rest=FINALLY).record.verdict is Verdict.PASS
    assert serving.service.sent == ["GET /docs", "DELETE /c", "DELETE /b"]


def test_a_cleanup_whose_variable_was_never_captured_is_skipped(serving):
    rest = 'finally: [{id: last, delete: /b}, {id: project, delete: "/${pid}", expect: [{status: 200}]}]'
    serving.steps(RED, "{get: /docs, capture: {pid: body.id}}", rest=rest)
    assert serving.service.sent == ["GET /red", "DELETE /b"]
    assert [event.step for event in serving.events("step_skipped")] == ["project"]


def test_a_cleanup_can_never_improve_a_verdict(serving):
    record = serving.steps(RED, rest="finally: [{get: /docs, expect: [{status: 200}]}]").record
    assert record.verdict is Verdict.FAIL
    assert "got 500" in record.reason


def test_a_cleanup_that_goes_wrong_does_not_change_the_verdict_and_is_told_in_the_notes(serving):
    rest = "finally: [{id: gone, delete: /red, expect: [{status: 200}]}]"
    outcome = serving.climb(one_scenario(OK_STEP, rest=rest))
    assert outcome.verdicts == {"L01": Verdict.PASS}
    assert "after the verdict, step gone ended FAIL" in serving.read("mocked/L01/notes.txt")


def test_what_finally_saves_is_evidence(serving):
    rest = "evidence: [files.json]\nfinally: [{get: /a, save: {files.json: body}}]"
    assert serving.steps(OK_STEP, rest=rest).record.verdict is Verdict.PASS


@pytest.mark.parametrize("during", ["a request", "a pause"])
def test_ctrl_c_ends_the_steps_and_finally_still_runs(serving, during):
    serving.time.on_sleep = serving.interrupts.arrive
    if during == "a request":
        serving.service.on("GET /red", serving.ctrl_c())
    poll = "{id: red, poll: {get: /red}, until: [{status: 200}], deadline: 10s}"
    climbed = serving.scenario(COLLECT.replace("${pid}", "p1") + one_scenario(poll, OK_STEP, rest=FINALLY))
    assert climbed.is_interrupted
    assert climbed.record.verdict is Verdict.INCONCLUSIVE
    assert climbed.record.reason == "interrupted in step red"
    # Nothing is collected: somebody is waiting.
    assert serving.service.sent == ["GET /red", "DELETE /c", "DELETE /b"]
    assert HOW_TO_FORCE in serving.watcher.words("note")[0]


def test_ctrl_c_before_a_request_keeps_it_from_being_sent(serving):
    serving.interrupts.arrive()
    climbed = serving.steps(OK_STEP, rest=FINALLY)
    assert climbed.is_interrupted
    assert serving.service.sent == ["DELETE /c", "DELETE /b"]


def test_a_cleanup_during_which_ctrl_c_comes_is_finished(serving):
    serving.service.on("DELETE /c", serving.ctrl_c())
    climbed = serving.steps(OK_STEP, rest=FINALLY)
    assert climbed.record.verdict is Verdict.PASS
    assert serving.service.sent == ["GET /docs", "DELETE /c", "DELETE /b"]


def test_what_is_collected_is_collected_although_ctrl_c_comes_meanwhile_and_finally_follows(serving):
    serving.service.on("GET /a", serving.ctrl_c())
    serving.scenario(COLLECT + captured(RED) + "\n    finally: [{delete: /b}]")
    assert serving.service.sent == ["GET /docs", "GET /red", "GET /a", "GET /p1", "DELETE /b"]


def test_a_second_ctrl_c_during_finally_comes_out(serving):
    serving.service.on("GET /red", serving.ctrl_c()).on("DELETE /c", serving.ctrl_c())
    with pytest.raises(ForcedError):
        serving.steps(RED, rest=FINALLY)
    assert serving.service.sent == ["GET /red", "DELETE /c"]


def test_a_scenario_that_was_not_interrupted_says_so(serving):
    assert not serving.steps(RED).is_interrupted


def test_a_promised_file_that_is_missing_is_a_fail(serving):
    record = serving.steps("{get: /docs, save: {a.json: body.nothing}}", rest="evidence: [a.json]").record
    assert record.verdict is Verdict.FAIL
    assert record.reason == "mocked/L01/a.json is missing, and the scenario promises it"


def test_a_promised_file_that_is_empty_is_a_fail(serving):
    serving.service.on("GET /docs", {"id": ""})
    step = '{get: /docs, capture: {pid: body.id}, save: {a.txt: "${pid}"}}'
    record = serving.steps(step, rest="evidence: [a.txt]").record
    assert record.verdict is Verdict.FAIL
    assert record.reason == "mocked/L01/a.txt is empty, and the scenario promises it"


def test_a_file_that_nobody_promised_may_be_missing(serving):
    assert serving.steps("{get: /docs, save: {a.json: body.nothing}}").record.verdict is Verdict.PASS


def test_after_a_red_step_a_missing_file_is_no_other_reason(serving):
    record = serving.steps(RED, "{get: /docs, save: {a.json: body}}", rest="evidence: [a.json]").record
    assert "got 500" in record.reason


def test_promised_notes_are_no_missing_file_since_they_come_last(serving):
    rest = "notes: It is meant so.\nevidence: [notes.txt]"
    assert serving.steps(OK_STEP, rest=rest).record.verdict is Verdict.PASS
