"""One step: what is judged when, what is kept of it, and whose fault it is when it is not green."""

import pytest
from staged import IMAGE, Reply, container, one_scenario, result, silence, wrapped

from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.language import lint_names
from harness.language.model import Severity
from harness.language.variables import UnknownVariableError
from harness.runner.step import carry_out

RESULT = "GET /api/v1/p1/files/.codex/result.json"
POLL = (
    '{id: result, poll: {get: "/api/v1/p1/files/.codex/result.json", unwrap: body.contents}, until: [{status: 200}],'
    " fresh_after: {step: submit, job_id: j1}, deadline: 5s, expect: [{path: doc.status, eq: success}],"
    " save: {result.json: doc}}"
)
SUBMIT = "{id: submit, post: /api/v1/projects/, json: {instruction: x}, expect: [{status: 200}]}"
LIVE = one_scenario(SUBMIT, POLL)


def checks(staged, *, implied):
    found = [event.result for event in staged.events("check")]
    return [each for each in found if each.text.startswith("implied") is implied]


def live(staged, document=None, *containers, **witness):
    """Climb a scenario whose second step waits for the work of a live worker."""
    staged.mode = "live"
    staged.watch = type(staged.watch)(*containers, **witness)
    staged.service.on("POST /api/v1/projects/", {"id": "p1"})
    # The first read of the path is the look before the step.
    staged.service.on(RESULT, Reply({}, 404), wrapped(document or result()))
    return staged.scenario(LIVE).record


def test_a_green_step_tells_its_beginning_its_exchange_its_checks_and_its_end_in_that_order(staged):
    staged.service.on("GET /docs", {"ok": True})
    end = staged.step(one_scenario("{id: docs, get: /docs, expect: [{status: 200}], save: {docs.json: body}}"))
    assert end.verdict is Verdict.PASS
    assert [type(event).__name__ for event in staged.events()] == [
        "StepStarted",
        "ExchangeMade",
        "StepObserved",
        "CheckJudged",
        "ArtifactSaved",
        "StepEnded",
    ]
    assert staged.read("mocked/L01/docs.json") == '{\n  "ok": true\n}\n'


def test_the_first_event_of_a_step_names_its_line_and_what_it_does(staged):
    staged.service.on("GET /docs", {})
    staged.step(one_scenario("{get: /docs}"))
    (started,) = staged.events("step_started")
    assert (started.step, started.action) == ("step-1", "request")
    assert started.place.endswith("test.ladder.yaml:7:9")
    assert staged.watcher.words("step_started") == [("step-1", "request")]


def test_an_observation_refers_to_the_exchange_that_it_was_made_from(staged):
    staged.service.on("GET /docs", {"a": 1})
    staged.step(one_scenario("{get: /docs, expect: [{status: 200}]}"))
    (observed,) = staged.events("observation")
    assert type(staged.events()[observed.exchange - 1]).__name__ == "ExchangeMade"


def test_a_step_is_timed_by_the_monotonic_clock(staged):
    staged.service.on("GET /docs", Reply({}, duration_s=1.25))
    staged.step(one_scenario("{get: /docs}"))
    assert staged.events("step_ended")[0].duration_s == 1.25


def test_checks_are_judged_before_the_captures_of_their_own_step_exist(staged):
    # The scenario's variable hides behind the capture of the same name as soon as that exists.
    staged.service.on("GET /docs", {"id": "new"})
    text = one_scenario(
        '{get: /docs, capture: {pid: body.id}, expect: [{path: body.id, ne: "${pid}"}]}', rest="vars: {pid: old}"
    )
    assert staged.scenario(text).record.verdict is Verdict.PASS


def test_save_may_use_the_captures_of_its_own_step(staged):
    staged.service.on("GET /docs", {"id": "p1"})
    end = staged.step(one_scenario('{get: /docs, capture: {pid: body.id}, save: {project_id.txt: "${pid}"}}'))
    assert end.verdict is Verdict.PASS
    assert staged.read("mocked/L01/project_id.txt") == "p1"


def test_no_answer_is_an_error_with_the_word_of_the_transport(staged):
    staged.service.on("GET /docs", silence("ConnectTimeout"))
    end = staged.step(one_scenario("{get: /docs, expect: [{status: 200}], save: {docs.json: body}}"))
    assert end.verdict is Verdict.ERROR
    assert end.reason == "no answer to GET /docs: ConnectTimeout"
    assert staged.names() == []


def test_a_redirect_is_a_fail_unless_the_step_names_it(staged):
    staged.service.on("GET /docs", Reply(status=307, headers={"location": "/docs/"}))
    text = one_scenario("{get: /docs}", "{get: /docs, expect: [{status: 307}]}")
    assert [staged.step(text, at).verdict for at in (0, 1)] == [Verdict.FAIL, Verdict.PASS]
    (missed,) = checks(staged, implied=True)
    assert missed.got == '307 to "/docs/"'


def test_an_answer_that_could_not_be_read_to_its_end_is_a_fail(staged):
    staged.service.on("GET /docs", Reply(error="BodyTooLarge"))
    assert staged.step(one_scenario("{get: /docs}")).verdict is Verdict.FAIL


def test_a_missed_limitation_leaves_the_step_limited(staged):
    staged.service.on("GET /docs", {"a": 1})
    end = staged.step(one_scenario("{get: /docs, expect: [{path: body.a, eq: 2, severity: limitation}]}"))
    assert end.verdict is Verdict.LIMITED


def test_a_missed_check_of_severity_info_changes_nothing(staged):
    staged.service.on("GET /docs", {"a": 1})
    end = staged.step(one_scenario("{get: /docs, expect: [{path: body.a, eq: 2, severity: info}]}"))
    assert end.verdict is Verdict.PASS


def test_an_error_of_ours_in_a_step_is_an_error_and_no_fail(staged, monkeypatch):
    monkeypatch.setattr(lint_names, "clashes", lambda draft: ())
    staged.service.on("GET /docs", {})
    end = staged.step(one_scenario("{get: /docs, save: {a.txt: status, A.txt: status}}"))
    assert end.verdict is Verdict.ERROR
    assert end.reason.startswith("[evidence-name-clash]")


@pytest.mark.parametrize(
    "step",
    [
        '{get: "/docs/${L00.pid}"}',
        '{post: /docs, json: {id: "${L00.pid}"}}',
        '{get: /docs, headers: {X-Id: "${L00.pid}"}}',
        '{get: /docs, expect: [{path: body.id, eq: "${L00.pid}"}]}',
        '{poll: {get: /docs}, until: [{path: body.id, eq: "${L00.pid}"}]}',
        '{poll: {get: /docs}, until: [{status: 200}], stop_if: [{path: body.id, eq: "${L00.pid}"}]}',
    ],
)
def test_a_step_whose_variable_was_never_captured_sends_nothing(staged, step):
    staged.service.on("GET /docs", {}).on("POST /docs", {})
    scene = staged.scene(with_l00(step))
    with pytest.raises(UnknownVariableError, match=r"L00\.pid"):
        carry_out(scene.scenario.steps[0], scene)
    assert staged.service.sent == []


def with_l00(*steps):
    text = one_scenario(*steps, rest="needs: [L00]")
    return text.replace(
        "scenarios:", "scenarios:\n  L00:\n    title: First\n    steps:\n      - {get: /, capture: {pid: body}}"
    )


def test_a_live_result_without_any_container_of_its_job_is_a_fail(staged):
    record = live(staged, result())
    assert record.verdict is Verdict.FAIL
    assert "container of job j1" in record.missed[0]
    assert "none was seen" in record.missed[0]


def test_a_live_result_counts_when_the_engine_saw_a_container_that_can_have_made_it(staged):
    assert live(staged, result(), container()).verdict is Verdict.PASS
    (proof,) = checks(staged, implied=True)
    assert (proof.text, proof.outcome) == ("implied: a container did the work", Outcome.HELD)


def test_the_container_of_another_job_proves_nothing(staged):
    assert live(staged, result(), container("j0")).verdict is Verdict.FAIL


def test_a_container_of_another_image_is_a_fail(staged):
    record = live(staged, result(), container(image="sha256:" + "00" * 32))
    assert record.verdict is Verdict.FAIL
    assert IMAGE in record.missed[0]


def test_a_container_that_ended_badly_is_a_fail(staged):
    record = live(staged, result(), container(exit_code=1))
    assert record.verdict is Verdict.FAIL
    assert "container.exit_code: wanted eq 0, got 1" in record.missed[0]


def test_a_container_that_still_runs_is_a_fail(staged):
    assert live(staged, result(), container(running=True, exit_code=None)).verdict is Verdict.FAIL


def test_a_witness_that_is_away_leaves_the_verdict_open_where_it_is_needed(staged):
    assert live(staged, result(), available=False, gap="no engine").verdict is Verdict.INCONCLUSIVE


def test_a_witness_that_is_away_is_a_limitation_where_it_is_not_needed(staged):
    staged.is_witness_needed = False
    record = live(staged, result(), available=False, gap="no engine")
    assert record.verdict is Verdict.LIMITED
    assert "no engine" in record.limits[0]


def test_a_witness_that_may_have_missed_something_decides_nothing(staged):
    record = live(staged, result(), container(), gap="the stream broke")
    assert record.verdict is Verdict.INCONCLUSIVE


def test_a_container_check_of_the_ladder_is_softened_likewise(staged):
    staged.service.on("GET /docs", {})
    staged.watch = type(staged.watch)(available=False)
    text = one_scenario("{get: /docs, expect: [{any_of: [{container: {label: ladder.job=j1, count: 1}}]}]}")
    assert staged.step(text).verdict is Verdict.INCONCLUSIVE
    staged.is_witness_needed = False
    assert staged.step(text).verdict is Verdict.LIMITED


def test_what_the_witness_saw_to_be_wrong_stays_a_fail_even_where_it_is_not_needed(staged):
    staged.is_witness_needed = False
    assert live(staged, result()).verdict is Verdict.FAIL


def test_a_check_that_asks_no_engine_is_never_softened(staged):
    staged.is_witness_needed = False
    staged.service.on("GET /docs", {"a": 1})
    assert staged.step(one_scenario("{get: /docs, expect: [{path: body.a, eq: 2}]}")).verdict is Verdict.FAIL


def test_an_error_that_the_backend_wrote_needs_no_container(staged):
    record = live(staged, result(status="error", written_by="backend", errors=["launch_failed"]))
    assert checks(staged, implied=True) == []
    assert record.missed[0].endswith('doc.status: wanted eq "success", got "error"')


@pytest.mark.parametrize("claim", [{"written_by": "backend"}, {"written_by": "nobody"}, {"written_by": None}])
def test_a_success_needs_its_container_whoever_is_said_to_have_written_it(staged, claim):
    assert live(staged, result(**claim)).verdict is Verdict.FAIL


def test_an_error_needs_its_container_unless_the_backend_wrote_it(staged):
    live(staged, result(status="error", written_by="worker"))
    assert [each.outcome for each in checks(staged, implied=True)] == [Outcome.MISSED]


def test_a_document_without_a_job_id_is_proved_by_the_container_of_the_job_that_was_waited_for(staged):
    document = result()
    del document["job_id"]
    assert live(staged, document, container("j1")).verdict is Verdict.LIMITED


def test_a_mocked_ladder_asks_for_no_container_behind_a_result(staged):
    staged.service.on("POST /api/v1/projects/", {})
    staged.service.on(RESULT, Reply({}, 404), wrapped(result()))
    assert staged.scenario(LIVE).record.verdict is Verdict.PASS


def linking(rest):
    return one_scenario(
        "{id: ask, given: {link: {project: p1, path: way.txt, target: /etc/hostname}}, get: /api/v1/p1/files/way.txt,"
        f" expect: [{{status: 403}}], {rest}}}"
    )


def test_a_given_link_is_made_before_the_request_is_sent(staged, tmp_path):
    project = tmp_path / "workspaces/p1"
    project.mkdir(parents=True)
    staged.subject["workspaces"] = project.parent
    seen = []

    def answer(_call):
        seen.append((project / "way.txt").readlink())
        return Reply({}, 403)

    staged.service.on("GET /api/v1/p1/files/way.txt", answer)
    assert staged.step(linking("timeout: 1s")).verdict is Verdict.PASS
    assert [str(target) for target in seen] == ["/etc/hostname"]


def test_a_link_that_cannot_be_made_turns_misses_into_limitations_and_the_notes_say_why(staged):
    staged.service.on("GET /api/v1/p1/files/way.txt", Reply({}, 404))
    outcome = staged.climb(linking("timeout: 1s"))
    assert outcome.records[0].verdict is Verdict.LIMITED
    notes = staged.read("mocked/L01/notes.txt")
    assert "the link was not made, so its checks are limitations" in notes
    assert "the workspaces cannot be reached from here" in notes


def test_misses_stay_misses_where_the_link_was_made(staged, tmp_path):
    (tmp_path / "workspaces/p1").mkdir(parents=True)
    staged.subject["workspaces"] = tmp_path / "workspaces"
    staged.service.on("GET /api/v1/p1/files/way.txt", Reply({}, 200))
    end = staged.step(linking("timeout: 1s"))
    assert end.verdict is Verdict.FAIL
    assert {result.severity for result in end.results} == {Severity.FAIL}
