"""The judge's own part of a trace: which spans follow from which events, and when they were."""

import pytest
from tracing import BEGAN_NS, CLIMB_ID, MS, ROOT, RUN_ID, STEP_OF_CLIMB, TRACE_ID, Log, scenario_log, span_id

from harness.evidence.events import ClimbEnded, EngineTold, RunEnded, ScenarioStarted
from harness.evidence.exchanges import Purpose
from harness.evidence.records import DamagedRecordError
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.traces import span_tree
from harness.traces.own_spans import own_part
from harness.traces.records import HARNESS, Kind, Layer, Link, SpanStatus
from harness.traces.walking import walk


def by_name(part):
    return {span.attributes.get("evidence.step.id", span.name): span for span in part.spans}


def by_id(part):
    return {span.span_id: span for span in part.spans}


def tree(part):
    """Names with their depth."""
    depth, found = 0, []
    for turn in walk(part.spans):
        if turn.is_entered:
            found.append("  " * depth + turn.span.name)
        depth += 1 if turn.is_entered else -1
    return found


def test_a_scenario_is_a_tree_of_phases_steps_and_requests():
    assert tree(scenario_log().part()) == [
        "scenario",
        "  call",
        "    step",
        "      POST",
        "    step",
        "      GET",
        "      GET",
        "      GET",
        "  teardown",
        "    step",
        "      DELETE",
    ]


def test_parents_come_before_their_children_and_every_ordinal_counts_from_zero():
    seen = {None}
    counts = {}
    for span in scenario_log().part().spans:
        assert span.parent_span_id in seen
        seen.add(span.span_id)
        assert span.ordinal == (counts.setdefault(span.parent_span_id, 0) if span.parent_span_id else None)
        counts[span.parent_span_id] = counts.get(span.parent_span_id, 0) + 1


def test_the_root_names_the_case_its_verdict_and_the_climb_that_it_is_a_step_of():
    root = scenario_log().part().spans[0]
    assert (root.span_id, root.parent_span_id, root.name, root.layer) == (ROOT, None, "scenario", Layer.TEST)
    assert (root.component, root.operation, root.trigger) == ("scenario", "climb_scenario", "climb")
    assert (root.service, root.instance, root.kind) == (HARNESS, RUN_ID, Kind.INTERNAL)
    assert root.links == (Link(CLIMB_ID, STEP_OF_CLIMB, "climb"),)
    assert root.attributes == {
        "test.case.name": "L01",
        "evidence.verdict": "PASS",
        "test.case.result.status": "pass",
    }


@pytest.mark.parametrize(("climb", "step"), [("", STEP_OF_CLIMB), (CLIMB_ID, "")])
def test_without_both_ids_of_the_climb_there_is_no_link(climb, step):
    log = Log().started(step_span_id=step).ended()
    assert own_part(log.entries, climb_trace_id=climb).spans[0].links == ()


def test_the_part_has_the_id_of_the_scenarios_trace():
    assert scenario_log().part().trace_id == TRACE_ID


@pytest.mark.parametrize(
    ("verdict", "status", "error_type", "result"),
    [
        (Verdict.PASS, SpanStatus.OK, None, "pass"),
        (Verdict.LIMITED, SpanStatus.OK, None, None),
        (Verdict.FAIL, SpanStatus.ERROR, "FAIL", "fail"),
        (Verdict.ERROR, SpanStatus.ERROR, "ERROR", None),
        (Verdict.INCONCLUSIVE, SpanStatus.UNSET, None, None),
    ],
)
def test_a_verdict_decides_the_status_of_root_phase_and_step(verdict, status, error_type, result):
    part = scenario_log(verdict=verdict).part()
    spans = by_name(part)
    for name in ("scenario", "call", "result"):
        assert (spans[name].status, spans[name].error_type) == (status, error_type)
        assert spans[name].attributes["evidence.verdict"] == verdict
    assert spans["scenario"].attributes.get("test.case.result.status") == result
    # What is cleaned up after the verdict is no part of it.
    assert spans["teardown"].status is SpanStatus.OK


def test_a_step_says_which_it_is_and_where_it_stands():
    step = by_name(scenario_log().part())["result"]
    assert (step.name, step.component, step.operation, step.trigger) == ("step", "step", "poll", "call")
    assert step.attributes["evidence.step.place"] == "live.ladder.yaml:3:9"


def test_a_request_is_a_client_span_below_its_step_without_its_query():
    part = (
        Log().started().step("a", 1).exchange("a", 2, method="POST", path="/x?token=1").step_ended("a").ended().part()
    )
    span = by_id(part)[span_id(2)]
    assert (span.name, span.kind, span.layer, span.component) == ("POST", Kind.CLIENT, Layer.HTTP, "client")
    assert (span.operation, span.trigger, span.parent_span_id) == ("POST", "request", span_id(1))
    assert span.attributes == {
        "http.request.method": "POST",
        "url.path": "/x",
        "http.response.status_code": 200,
        "evidence.purpose": "step",
    }


@pytest.mark.parametrize(
    ("status", "error", "end"),
    [
        (200, "", (SpanStatus.OK, None)),
        (302, "", (SpanStatus.OK, None)),
        (404, "", (SpanStatus.ERROR, "404")),
        (503, "", (SpanStatus.ERROR, "503")),
        (None, "ConnectError", (SpanStatus.ERROR, "ConnectError")),
        (None, "", (SpanStatus.ERROR, "_OTHER")),
        # A status came, but not the whole body.
        (200, "BodyTooLarge", (SpanStatus.ERROR, "BodyTooLarge")),
    ],
)
def test_a_request_ends_as_the_conventions_for_clients_say(status, error, end):
    part = Log().started().step("a", 1).exchange("a", 2, status=status, error=error).ended().part()
    span = by_id(part)[span_id(2)]
    assert (span.status, span.error_type) == end
    assert ("http.response.status_code" in span.attributes) == (status is not None)


def test_the_attempts_of_a_poll_are_spans_and_the_last_is_the_polls_exchange():
    part = scenario_log(waits=(404, 503)).part()
    attempts = [span for span in part.spans if "evidence.poll.attempt" in span.attributes]
    path = "/api/v1/79a55f15-2dfe-4b5e-b391-e08e572f1883/files/.codex/result.json"
    assert [span.span_id for span in attempts] == [span_id(17), span_id(18), span_id(4)]
    assert [span.attributes["evidence.poll.attempt"] for span in attempts] == [1, 2, 3]
    assert [span.attributes["evidence.poll.why_not_ready"] for span in attempts] == ["status 404", "status 404", ""]
    assert [span.error_type for span in attempts] == ["404", "503", None]
    assert {(span.name, span.attributes["url.path"], span.attributes["evidence.purpose"]) for span in attempts} == {
        ("GET", path, "poll")
    }
    assert [span.ordinal for span in attempts] == [0, 1, 2]
    assert part.spans[0].dropped_counts == {}


def test_attempts_whose_exchange_never_came_have_no_path():
    log = Log().started().step("a", 1, action="poll").attempt("a", 2, 1, None, "no answer", "ReadTimeout")
    span = by_id(log.part())[span_id(2)]
    assert (span.name, span.error_type, "url.path" in span.attributes) == ("GET", "ReadTimeout", False)


def test_attempts_of_one_poll_never_get_the_path_of_another():
    log = Log().started().step("a", 1, action="poll").attempt("a", 2, 1).step_ended("a", Verdict.INCONCLUSIVE)
    log.step("b", 3, action="poll").exchange("b", 4, path="/b", purpose=Purpose.POLL).step_ended("b").ended()
    spans = by_id(log.part())
    assert "url.path" not in spans[span_id(2)].attributes
    assert (spans[span_id(4)].attributes["url.path"], spans[span_id(4)].parent_span_id) == ("/b", span_id(3))


def test_the_question_for_the_trace_and_requests_without_an_id_are_no_spans():
    log = Log().started().step("a", 1).exchange("a", 0).attempt("a", 0, 1).step_ended("a")
    log.exchange("", 9, purpose=Purpose.TRACE).ended()
    assert tree(log.part()) == ["scenario", "  call", "    step"]


def test_every_instant_follows_from_the_scenarios_clock():
    log = Log(t=77.0).started().step("a", 1, after_ms=2).exchange("a", 2).step_ended("a", duration_s=0.0123, after_ms=9)
    part = log.ended(after_ms=5).part()
    spans = by_name(part)
    step, call = spans["a"], by_id(part)[span_id(2)]
    assert spans["scenario"].start_ns == BEGAN_NS
    assert (step.start_ns, step.end_ns, step.duration_ns) == (BEGAN_NS + 2 * MS, BEGAN_NS + 14_300_000, 12_300_000)
    assert (call.start_ns, call.end_ns, call.duration_ns) == (BEGAN_NS - MS, BEGAN_NS + 3 * MS, 4 * MS)
    assert (spans["call"].start_ns, spans["call"].end_ns) == (step.start_ns, step.end_ns)
    assert spans["scenario"].duration_ns == spans["scenario"].end_ns - BEGAN_NS == 17 * MS


def test_a_clock_that_was_set_meanwhile_bends_no_duration():
    log = scenario_log()
    plain = log.part()
    hour_later = [
        type(entry)(entry.seq, entry.t, entry.at if place == 0 else "2026-11-21T23:00:00.000000Z", entry.event)
        for place, entry in enumerate(log.entries)
    ]
    assert own_part(hour_later, climb_trace_id=CLIMB_ID, instance=RUN_ID) == plain


def test_the_same_events_give_the_same_part():
    assert scenario_log().part() == scenario_log().part()


def test_checks_and_artifacts_are_events_of_their_step_or_of_the_scenario():
    log = Log().started().step("a", 1).check("a", Outcome.MISSED, "x" * 300).artifact("a").step_ended("a").check("")
    events = log.ended().part().events
    assert [(event.span_id, event.name, event.seq) for event in events] == [
        (span_id(1), "check", 3),
        (span_id(1), "artifact", 4),
        (ROOT, "check", 6),
    ]
    assert events[0].attributes == {
        "evidence.check.text": "x" * 200,
        "evidence.check.severity": "fail",
        "evidence.check.outcome": "missed",
    }
    assert events[1].attributes == {"evidence.artifact.path": "live/L01/response.json"}
    assert (events[0].time_ns, events[0].instance) == (BEGAN_NS + 2 * MS, RUN_ID)


def test_a_killed_run_leaves_open_spans():
    log = Log().started().step("a", 1).exchange("a", 2)
    spans = by_name(log.part())
    for name in ("scenario", "call", "a"):
        assert (spans[name].end_ns, spans[name].duration_ns, spans[name].incomplete) == (None, None, True)
        assert spans[name].status is SpanStatus.UNSET
    assert not spans["GET"].incomplete


def test_a_step_that_ctrl_c_ended_stays_open_and_its_phase_is_undecided():
    log = Log().started().step("a", 1).step("b", 2, is_teardown=True).step_ended("b")
    spans = by_name(log.ended(Verdict.INCONCLUSIVE).part())
    assert (spans["a"].end_ns, spans["a"].incomplete) == (None, True)
    assert (spans["call"].status, spans["call"].end_ns) == (SpanStatus.UNSET, spans["teardown"].start_ns)
    assert "evidence.verdict" not in spans["call"].attributes
    assert spans["teardown"].attributes["evidence.verdict"] == "PASS"


def test_a_step_ends_once():
    log = Log().started().step("a", 1).step_ended("a", duration_s=0.001).step_ended("a", Verdict.FAIL, 0.5).ended()
    step = by_name(log.part())["a"]
    assert (step.duration_ns, step.status) == (MS, SpanStatus.OK)


def test_a_scenario_without_a_step_has_no_phase():
    assert tree(Log().started().ended(Verdict.ERROR).part()) == ["scenario"]


def test_nothing_after_the_end_of_the_scenario_is_part_of_it():
    plain = scenario_log().part()
    log = scenario_log()
    log.step("late", 99).check("").add(EngineTold("L01", 1, "c0ffee", "die", {})).ended(Verdict.FAIL)
    log.add(RunEnded("finished", Verdict.PASS))
    assert log.part() == plain


@pytest.mark.parametrize(
    "event",
    [ScenarioStarted("L01", "again", "live/L01"), ClimbEnded("live", Verdict.PASS), RunEnded("finished", Verdict.PASS)],
)
def test_a_scenario_without_an_end_ends_where_something_else_begins(event):
    log = Log().started().step("a", 1).add(event).step("b", 2).ended()
    assert tree(log.part()) == ["scenario", "  call", "    step"]


def test_events_of_other_scenarios_and_before_the_start_are_ignored():
    log = Log().run_started().climb_started("L01").started().step("x", 9, scenario="L02").check("x", scenario="L02")
    assert tree(log.ended().part()) == ["scenario"]
    assert log.part().events == ()


@pytest.mark.parametrize("entries", [[], Log().run_started().entries])
def test_events_without_a_scenario_have_no_part(entries):
    with pytest.raises(DamagedRecordError, match="no scenario starts"):
        own_part(entries)


@pytest.mark.parametrize("at", ["", "yesterday", "2026-11-21T09:43:56", "1960-01-01T00:00:00Z"])
def test_a_start_at_no_time_is_damage(at):
    (entry,) = Log().started().entries
    with pytest.raises(DamagedRecordError, match="no time"):
        own_part([type(entry)(entry.seq, entry.t, at, entry.event)])


@pytest.mark.parametrize("duration_s", [float("inf"), float("nan"), 1e12])
def test_a_duration_that_no_log_can_have_is_damage(duration_s):
    with pytest.raises(DamagedRecordError, match="no number of seconds"):
        Log().started().step("a", 1).step_ended("a", duration_s=duration_s).part()


def test_what_comes_after_the_limit_is_counted_in_the_root(monkeypatch):
    monkeypatch.setattr(span_tree, "MAX_SPANS", 5)
    monkeypatch.setattr(span_tree, "MAX_EVENTS", 2)
    log = Log().started().step("a", 1)
    for number in range(2, 8):
        log.exchange("a", number).check("a")
    part = log.step_ended("a").ended().part()
    assert len(part.spans) == 5
    assert len(part.events) == 2
    assert part.spans[0].dropped_counts == {"spans": 4, "events": 4}
    assert not any(span.incomplete for span in part.spans)


def test_a_step_beyond_the_limit_takes_nothing_with_it(monkeypatch):
    monkeypatch.setattr(span_tree, "MAX_SPANS", 3)
    log = Log().started().step("a", 1).step_ended("a").step("a", 2).check("a", Outcome.MISSED)
    part = log.step_ended("a", Verdict.FAIL).ended(Verdict.FAIL).part()
    assert by_name(part)["a"].attributes["evidence.verdict"] == "PASS"
    assert [event.span_id for event in part.events] == [ROOT]


def test_ids_of_earlier_logs_are_made_from_what_they_say():
    log = Log().started(trace_id="", span_id="", step_span_id="").step("a").step_ended("a").step("a").ended()
    part = log.part()
    assert len(by_id(part)) == 4
    assert all(len(span.span_id) == 16 for span in part.spans)
    assert part == log.part()


def test_one_id_twice_is_one_span():
    part = Log().started().step("a", 1).exchange("a", 2).exchange("a", 2, status=500).ended().part()
    assert by_id(part)[span_id(2)].status is SpanStatus.OK
    assert part.spans[0].dropped_counts == {"duplicate": 1}
