"""Ladders: gates and their arithmetic, trials, what is kept for later, and climbs that never began."""

import pytest
from staged import OK_STEP, VIEWS, FakeWatch, Reply, Service, container, one_scenario, silence

from harness.errors import InconclusiveError, PrerequisiteError
from harness.judging.verdict import Verdict
from harness.runner.climb import Part, add_remark, climb, climb_nothing
from harness.senses.engine_events import EngineEvent


def rung(name, step=OK_STEP, more=""):
    return f"  {name}:\n    title: Rung {name}\n{more}    steps:\n      - {step}\n"


def ladder(*rungs, gate=""):
    return f"{gate}scenarios:\n" + "".join(rungs)


def asking(path, more=""):
    return f"{{get: {path}, expect: [{{status: 200{more}}}]}}"


THREE = ladder(rung("L01", asking("/1")), rung("L02", asking("/2")), rung("L03", asking("/3")))
ON_LIMITED = "gate: {proceed_on: [pass, limited]}\n"


@pytest.fixture
def serving(staged):
    staged.service.on("GET /docs", {})
    for path in ("/1", "/2", "/3"):
        staged.service.on(f"GET {path}", {"id": f"p{path[1:]}"})
    return staged


def test_green_scenarios_are_climbed_in_the_order_of_the_ladder(serving):
    outcome = serving.climb(THREE)
    assert list(outcome.verdicts.items()) == [("L01", Verdict.PASS), ("L02", Verdict.PASS), ("L03", Verdict.PASS)]
    assert serving.service.sent == ["GET /1", "GET /2", "GET /3"]
    assert (outcome.is_interrupted, outcome.secret_hits) == (False, 0)


def test_a_person_is_told_of_the_ladder_its_scenarios_and_their_ends(serving):
    serving.service.on("GET /2", Reply({}, 500))
    serving.climb(THREE)
    assert serving.watcher.words("ladder_started") == [("test", ("L01", "L02", "L03"), "mocked")]
    assert serving.watcher.words("scenario_started") == [("L01",), ("L02",)]
    assert serving.watcher.words("scenario_ended") == [("L01", "PASS"), ("L02", "FAIL"), ("L03", "BLOCKED")]
    assert serving.watcher.said[-1] == ("ladder_ended", ("L01", "L02", "L03"))


@pytest.mark.parametrize(
    ("answer", "arithmetic"),
    [
        (Reply({}, 500), "gate closed: L01 FAIL, 1 missed > 0 allowed; goes on after PASS"),
        (silence(), "gate closed: L01 ERROR, 0 missed > 0 allowed; goes on after PASS"),
    ],
)
def test_after_a_red_scenario_all_others_are_listed_with_the_arithmetic_and_nothing_is_sent(
    serving, answer, arithmetic
):
    serving.service.on("GET /1", answer)
    outcome = serving.climb(THREE)
    assert serving.service.sent == ["GET /1"]
    blocked = outcome.records[1:]
    assert [(each.id, each.verdict, each.reason) for each in blocked] == [
        ("L02", Verdict.BLOCKED, arithmetic),
        ("L03", Verdict.BLOCKED, arithmetic),
    ]
    assert [(each.files, each.started_at, each.duration_s) for each in blocked] == [(("notes.txt",), None, 0.0)] * 2
    notes = serving.read("mocked/L03/notes.txt")
    assert notes.startswith(f"L03 Rung L03: BLOCKED\nreason: {arithmetic}\n")
    assert "no request was sent" in notes


def test_a_limited_scenario_closes_the_gate_where_the_ladder_goes_on_after_pass_only(serving):
    limited = rung("L01", asking("/none", ", severity: limitation"))
    assert serving.climb(ladder(limited, rung("L02"))).verdicts == {"L01": Verdict.LIMITED, "L02": Verdict.BLOCKED}


def test_the_climb_goes_on_after_limited_where_proceed_on_has_it(serving):
    limited = rung("L01", asking("/none", ", severity: limitation"))
    outcome = serving.climb(ladder(limited, rung("L02"), gate=ON_LIMITED))
    assert outcome.verdicts == {"L01": Verdict.LIMITED, "L02": Verdict.PASS}
    assert "status: wanted in [200], got 404" in serving.read("mocked/L01/notes.txt")


def test_a_green_scenario_needs_no_notes(serving):
    assert serving.climb(THREE).records[0].files == VIEWS


def test_what_the_ladder_says_about_a_scenario_is_in_its_notes(serving):
    outcome = serving.climb(one_scenario(OK_STEP, rest="notes: The API must stay responsive."))
    assert outcome.records[0].files == (*VIEWS, "notes.txt")
    assert "The API must stay responsive." in serving.read("mocked/L01/notes.txt")


def test_the_notes_of_a_red_scenario_say_what_was_missed_and_what_is_suspected(serving):
    serving.service.on("GET /1", silence("ConnectError"))
    serving.climb(THREE)
    notes = serving.read("mocked/L01/notes.txt")
    assert "reason: no answer to GET /1: ConnectError" in notes
    assert "[backend-unreachable]" in notes


def test_captures_of_green_scenarios_are_kept_after_each_of_them(serving):
    serving.service.on("GET /2", Reply({"id": "p2"}, 500))
    steps = [asking(f"/{at}").replace("}]}", "}], capture: {pid: body.id}}") for at in (1, 2, 3)]
    outcome = serving.climb(ladder(*(rung(f"L0{at}", step) for at, step in enumerate(steps, start=1))))
    assert outcome.captures == {"L01": {"pid": "p1"}}
    assert serving.kept == [({"L01": {"pid": "p1"}}, 1), ({"L01": {"pid": "p1"}}, 2), ({"L01": {"pid": "p1"}}, 3)]


def test_captures_that_were_taken_over_may_be_referred_to_and_are_kept(serving):
    needing = ladder(
        rung("L01", "{get: /1, capture: {pid: body.id}}"), rung("L02", '{get: "/${L01.pid}"}', "    needs: [L01]\n")
    )
    made = serving.ladder(needing)
    serving.service.on("GET /earlier", {})
    part = Part(made, (made.scenario("L02"),), "mocked", captures={"L01": {"pid": "earlier"}})
    outcome = climb(serving.around(), part, keep=serving.keep)
    assert outcome.verdicts == {"L02": Verdict.PASS}
    assert outcome.captures == {"L01": {"pid": "earlier"}, "L02": {}}
    assert part.captures == {"L01": {"pid": "earlier"}}


def trials(count, step=OK_STEP):
    return one_scenario(step, rest=f"trials: {count}")


def test_several_trials_have_a_folder_each_and_one_record(serving):
    step = "{get: /1, expect: [{status: 200}], save: {body.json: body}}"
    outcome = serving.climb(trials(3, step))
    assert serving.names() == [f"trials/00{at}/mocked/L01/body.json" for at in (0, 1, 2)]
    assert outcome.verdicts == {"L01": Verdict.PASS}
    assert outcome.records[0].duration_s == pytest.approx(0.03)


def test_the_first_trial_that_is_not_green_is_the_last(serving):
    serving.service.on("GET /1", {}, Reply({}, 500), {})
    outcome = serving.climb(trials(3, asking("/1")))
    assert outcome.verdicts == {"L01": Verdict.FAIL}
    assert outcome.records[0].folder == "trials/001/mocked/L01"
    assert len(serving.service.sent) == 2
    assert outcome.captures == {}


def test_one_limited_trial_makes_the_scenario_limited(serving):
    serving.service.on("GET /1", Reply({}, 500), {})
    outcome = serving.climb(trials(2, asking("/1", ", severity: limitation")))
    assert outcome.verdicts == {"L01": Verdict.LIMITED}
    assert len(outcome.records[0].limits) == 1


def test_a_trial_that_was_interrupted_is_the_last(serving):
    serving.service.on("GET /1", serving.ctrl_c())
    outcome = serving.climb(trials(3, asking("/1")))
    assert (outcome.is_interrupted, outcome.verdicts) == (True, {"L01": Verdict.INCONCLUSIVE})
    assert serving.service.sent == ["GET /1"]


def test_after_ctrl_c_nothing_more_is_sent_and_the_others_say_why(serving):
    serving.service.on("GET /1", serving.ctrl_c())
    outcome = serving.climb(THREE)
    assert outcome.is_interrupted
    assert outcome.verdicts == {"L01": Verdict.INCONCLUSIVE, "L02": Verdict.BLOCKED, "L03": Verdict.BLOCKED}
    assert outcome.records[1].reason == "interrupted; nothing was sent"
    assert serving.service.sent == ["GET /1"]


def test_ctrl_c_during_a_cleanup_keeps_the_next_scenario_from_starting(serving):
    serving.service.on("DELETE /1", serving.ctrl_c())
    outcome = serving.climb(ladder(rung("L01", OK_STEP, "    finally: [{delete: /1}]\n"), rung("L02")))
    assert outcome.is_interrupted
    assert outcome.verdicts == {"L01": Verdict.PASS, "L02": Verdict.BLOCKED}


def test_the_end_of_a_ladder_is_told_even_where_a_climb_breaks_off(serving):
    def full(_outcome):
        raise PrerequisiteError("evidence-unwritable", "the disk is full")

    with pytest.raises(PrerequisiteError):
        climb(serving.around(), serving.part(THREE), keep=full)
    assert serving.watcher.said[-1] == ("ladder_ended", ("L01",))


def test_a_worker_container_of_our_own_backend_makes_a_mocked_scenario_red(serving):
    serving.subject["instance"] = "ladder-test"
    serving.watch = FakeWatch(container())
    record = serving.climb(THREE).records[0]
    assert record.verdict is Verdict.FAIL
    assert "container.count: wanted eq 0, got 1 (implied: no worker container was made)" in record.reason


def test_the_worker_of_another_backend_does_not_matter_to_a_mocked_scenario(serving):
    serving.subject["instance"] = "another"
    serving.watch = FakeWatch(container())
    assert set(serving.climb(THREE).verdicts.values()) == {Verdict.PASS}


@pytest.mark.parametrize(("needed", "verdict"), [(True, Verdict.INCONCLUSIVE), (False, Verdict.LIMITED)])
def test_without_a_witness_nobody_can_say_that_no_container_was_made(serving, needed, verdict):
    serving.subject["instance"] = "ladder-test"
    serving.watch, serving.is_witness_needed = FakeWatch(available=False), needed
    assert serving.climb(THREE).verdicts["L01"] is verdict


def test_of_a_foreign_stack_nothing_is_said_about_containers(serving):
    serving.watch = FakeWatch(container())
    assert set(serving.climb(THREE).verdicts.values()) == {Verdict.PASS}
    assert serving.events("containers") == []


def test_each_event_of_the_engine_is_recorded_once_with_the_scenario_that_it_came_in(serving):
    serving.watch.told = (EngineEvent(1, "c1", "start", {"ladder.job": "j1"}, image="i", name="n"),)
    serving.climb(THREE)
    (told,) = serving.events("engine")
    assert (told.scenario, told.time_ns, told.container, told.action) == ("L01", 1, "c1", "start")
    assert (told.labels, told.image, told.name, told.exit_code) == ({"ladder.job": "j1"}, "i", "n", None)


class NeverSends(Service):
    def __call__(self, call):
        raise AssertionError(call)


@pytest.fixture
def nothing(staged):
    """Climb nothing of three scenarios, because of an error or because of Ctrl-C."""
    staged.service = NeverSends(staged.time, staged.redactor)

    def climbed(error, text=THREE):
        return climb_nothing(staged.around(), staged.part(text), error)

    return climbed


def test_a_stack_that_does_not_start_makes_the_first_scenario_an_error_and_blocks_the_others(nothing, staged):
    outcome = nothing(PrerequisiteError("engine-away", "no engine answers", "start it"))
    assert outcome.verdicts == {"L01": Verdict.ERROR, "L02": Verdict.BLOCKED, "L03": Verdict.BLOCKED}
    first, second, _ = outcome.records
    assert first.reason == "the stack is not ready: [engine-away] no engine answers"
    assert second.reason.startswith("gate closed: L01 ERROR")
    assert [each.files for each in outcome.records] == [("notes.txt",)] * 3
    assert "repair: start it" in staged.read("mocked/L01/notes.txt")
    assert not outcome.is_interrupted
    assert staged.watcher.words("scenario_ended") == [("L01", "ERROR"), ("L02", "BLOCKED"), ("L03", "BLOCKED")]


def test_a_stack_that_does_not_get_ready_in_time_is_inconclusive(nothing):
    outcome = nothing(InconclusiveError("not-ready", "it did not get ready"))
    assert outcome.verdicts["L01"] is Verdict.INCONCLUSIVE


def test_ctrl_c_before_the_stack_is_ready_is_inconclusive_and_interrupted(nothing):
    outcome = nothing(None)
    assert outcome.is_interrupted
    assert outcome.records[0].verdict is Verdict.INCONCLUSIVE
    assert outcome.records[0].reason == "interrupted before the stack was ready; nothing was sent"


def test_where_nothing_can_be_climbed_every_scenario_says_why_whatever_the_gate_lets_pass(nothing):
    gate = "gate: {proceed_on: [pass, error, inconclusive]}\n"
    outcome = nothing(PrerequisiteError("engine-away", "no engine answers"), gate + THREE)
    assert [each.verdict for each in outcome.records[1:]] == [Verdict.BLOCKED] * 2
    assert all(each.reason for each in outcome.records)


def test_a_remark_is_added_to_the_notes_of_the_last_scenario_that_was_climbed(serving):
    serving.service.on("GET /2", Reply({}, 500))
    outcome = serving.climb(THREE)
    add_remark(outcome, "rollback: started")
    add_remark(outcome, "rollback: ended")
    notes = serving.read("mocked/L02/notes.txt")
    assert notes.index("rollback: started") < notes.index("rollback: ended")
    assert "L02 Rung L02: FAIL" in notes
    assert "rollback" not in serving.read("mocked/L03/notes.txt")


def test_a_remark_gives_notes_to_a_green_scenario_and_its_record_lists_them(serving):
    outcome = serving.climb(THREE)
    add_remark(outcome, "rollback: started")
    assert [each.files for each in outcome.records] == [VIEWS, VIEWS, (*VIEWS, "notes.txt")]
    assert "rollback: started" in serving.read("mocked/L03/notes.txt")


def test_a_remark_after_trials_goes_to_the_last_of_them(serving):
    outcome = serving.climb(trials(2))
    add_remark(outcome, "rollback: started")
    assert serving.names() == ["trials/001/mocked/L01/notes.txt"]
    assert outcome.records[0].files == (*VIEWS, "notes.txt")


def test_a_remark_about_nothing_that_was_climbed_is_left_out(serving):
    serving.interrupts.arrive()
    outcome = serving.climb(THREE)
    add_remark(outcome, "rollback: started")
    assert {each.verdict for each in outcome.records} == {Verdict.BLOCKED}
    assert "rollback" not in serving.read("mocked/L01/notes.txt")
