"""``ladder reeval``: a pure judgement of what was stored, its drift, its refusals, and where it is kept."""

import json
import os
import socket
from datetime import UTC, datetime

import pytest
from recorded_stage import LIVE, reseal, tree
from sample_run import PlainRedactor
from staged import silence, write_ladder

from harness.errors import UsageError
from harness.evidence.layout import EVENTS, MANIFEST, RUN, TRACE_MANIFEST
from harness.evidence.manifest import sha256
from harness.ids import is_id
from harness.language.findings import InvalidLadderError
from harness.replaying.judged_by import Project
from harness.replaying.reeval import Asked
from harness.replaying.reeval_command import Desk, say_reeval
from harness.replaying.replay import replay


def say(folder, text="", *, as_json=False, environ=None, root=None, **asked):
    project = Project(root or folder.parent.parent, environ or {})
    desk = Desk(folder.parent, PlainRedactor(), project, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    return say_reeval(desk, Asked(text or folder.name, **asked), as_json=as_json)


def document(folder, text="", **asked):
    return json.loads(say(folder, text, as_json=True, **asked).text)


def other(folder, *changes, name="other"):
    """Another ladder beside the evidence, changed at some places; gives its path."""
    text = LIVE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return str(write_ladder(folder.parent.parent / "scenarios", text, name=name, mode="live"))


def stored(folder):
    """Every evaluation that lies beside a run."""
    found = sorted((folder.parent / ".ladder/evals").glob("*/*.json"))
    return [json.loads(path.read_text()) for path in found]


def changes(told):
    """Text → old and new outcome of every check that differs."""
    checks = [
        check
        for trial in told["trials"]
        for each in trial["scenarios"]
        for step in each["steps"]
        for check in step["checks"]
    ]
    found = {}
    for check in checks:
        old, new = ((check[side] or {}).get("outcome") for side in ("old", "new"))
        if old != new:
            found[(check["new"] or check["old"])["text"]] = (old, new)
    return found


def test_a_run_judged_by_its_own_ladder_comes_to_the_same(bundle):
    said = say(bundle)
    assert (said.code, said.remark) == (0, "")
    assert 'result: held → held: {"path": "doc.status", "eq": "success"}' in said.text
    assert "verdict: PASS → PASS" in said.text
    told = document(bundle)
    assert (told["source"], told["drift"], changes(told)) == ("snapshot", [], {})


def test_the_same_in_gives_the_same_out(trials):
    one, two = document(trials), document(trials)
    for each in (one, two):
        del each["eval_id"], each["stored"]
    assert one == two


def test_an_evaluation_is_stored_beside_the_bundle_and_listed_by_replay(bundle):
    before = tree(bundle)
    told = document(bundle)
    assert tree(bundle) == before
    (found,) = stored(bundle)
    assert is_id(found["eval_id"])
    assert (found["source"], found["verdict"], found["old"]) == ("snapshot", "PASS", "PASS")
    assert found["manifest_sha256"] == sha256((bundle / MANIFEST).read_bytes())
    assert told["stored"] == [f".ladder/evals/{found['trace_id']}/{found['eval_id']}.json"]
    assert found["eval_id"] in json.dumps(json.loads(_replay(bundle))["trials"][0]["evaluations"])


def _replay(folder):
    from harness.replaying.commands import say_replay

    return say_replay(folder.parent, "", allows_partial=False, as_json=True).text


def test_no_half_of_an_evaluation_is_ever_seen(bundle, monkeypatch):
    """A rename that fails leaves nothing that a reader would take for an evaluation."""

    def fail(*_args, **_fields):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(Exception, match="cannot be written"):
        say(bundle)
    monkeypatch.undo()
    assert stored(bundle) == []
    assert say(bundle).code == 0
    assert len(stored(bundle)) == 1


def test_an_evaluation_is_stored_of_every_trial_under_its_trace(trials):
    told = document(trials)
    assert {each["trace_id"] for each in stored(trials)} == {each["trial"] for each in told["trials"]}
    assert told["aggregation"]["arithmetic"] == "PASS: 3/3 green, 1 wanted"


def test_one_trace_is_judged_by_itself(trials):
    wanted = json.loads((trials / TRACE_MANIFEST).read_text())["trials"][1]["trace_id"]
    told = document(trials, wanted)
    assert [each["trial_index"] for each in told["trials"]] == [1]
    assert [each["trace_id"] for each in stored(trials)] == [wanted]
    scenario = told["trials"][0]["scenarios"][0]["trace_id"]
    assert [each["scenario"] for each in document(trials, scenario)["trials"][0]["scenarios"]] == ["L01"]


def test_c21_new_checks_are_applied_to_old_observations(bundle, monkeypatch):
    def refuse(*_args, **_fields):
        raise AssertionError("a socket was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    path = other(
        bundle, ("{path: doc.status, eq: success}", "{path: doc.status, eq: success}, {path: doc.extra, eq: 1}")
    )
    told = document(bundle, file=path)
    assert changes(told) == {'{"path": "doc.extra", "eq": 1}': (None, "missed")}
    assert (told["old"], told["verdict"], told["exit_code"], told["reason"]) == ("PASS", "FAIL", 1, "verdict-fail")
    assert [each["half"] for each in told["drift"]] == ["judging"]
    assert told["drift"][0]["where"] == "L01 result"


def test_c19_an_edited_instruction_is_a_warning_and_with_the_flag_exit_1(bundle):
    path = other(bundle, ("G: Write a program.", "G: Write a poem."))
    said = say(bundle, file=path)
    assert said.code == 0
    assert said.remark == "warning[drift]: execution part: ladder variables: is changed"
    refused = say(bundle, file=path, is_strict=True)
    assert refused.code == 1
    assert "error[scenario-drift]" in refused.remark
    assert len(stored(bundle)) == 1


def test_an_edited_request_is_named_with_scenario_and_step(bundle):
    path = other(bundle, ("post: /make", "post: /made"))
    told = document(bundle, file=path)
    assert [(each["half"], each["where"]) for each in told["drift"]] == [("execution", "L01 submit")]


def test_an_edited_check_is_drift_of_judging_alone_and_the_strict_flag_lets_it_pass(bundle):
    path = other(bundle, ("length: {gt: 3}", "length: {gt: 1000}"))
    told = document(bundle, file=path, is_strict=True)
    assert [(each["half"], each["where"]) for each in told["drift"]] == [("judging", "L01 result")]
    assert told["verdict"] == "FAIL"


def test_comments_and_layout_are_no_drift(bundle):
    path = other(
        bundle,
        ("title: First", "title: First  # a remark\n"),
        ("[{status: 200}, {path: body.id,", "[\n          {status: 200}, {path: body.id,"),
    )
    assert document(bundle, file=path)["drift"] == []


def test_a_scenario_more_or_less_is_drift(bundle):
    less = other(bundle, (LIVE[LIVE.index("  L02:") :], ""))
    told = document(bundle, file=less)
    assert {(each["where"], each["what"]) for each in told["drift"] if each["half"] == "execution"} == {
        ("L02", "is not there any more"),
        ("L02 look", "is not there any more"),
        ("L02 order of steps", "is not there any more"),
        ("ladder order", "is changed"),
    }
    assert [each["verdict"] for each in told["trials"][0]["scenarios"]] == ["PASS", None]


def test_c20_without_a_file_there_is_no_drift_and_the_strict_flag_changes_nothing(bundle):
    plain, strict = say(bundle), say(bundle, is_strict=True)
    assert plain.text.splitlines()[:-1] == strict.text.splitlines()[:-1]
    assert "drift" not in strict.text + strict.remark


def test_a_step_that_was_never_climbed_leaves_the_verdict_open(recorded):
    recorded.whole.service.on("POST /make", {"id": "p1", "note": "nothing"})
    folder = recorded.run()
    assert json.loads((folder / RUN).read_text())["verdict"] == "FAIL"
    path = other(folder, ("{path: body.note, contains: made}", "{path: body.note, contains: nothing}"))
    told = document(folder, file=path)
    assert (told["verdict"], told["exit_code"]) == ("INCONCLUSIVE", 4)
    assert told["trials"][0]["scenarios"][0]["reasons"] == ["never climbed: result"]


def test_scenarios_that_were_blocked_by_what_is_green_now_leave_the_verdict_open(recorded):
    recorded.whole.service.on("GET /result/p1", {"status": "error", "summary": "all is done"})
    folder = recorded.run()
    path = other(folder, ("{path: doc.status, eq: success}", "{path: doc.status, eq: error}"))
    told = document(folder, file=path)
    assert [each["verdict"] for each in told["trials"][0]["scenarios"]] == ["PASS", "BLOCKED"]
    assert told["trials"][0]["reasons"] == ["never climbed: L02"]
    assert (told["old"], told["verdict"], told["exit_code"]) == ("FAIL", "INCONCLUSIVE", 4)


def test_d03_a_check_that_breaks_is_inconclusive_and_names_itself(bundle, monkeypatch):
    from harness.replaying import results_again

    def broken(check, observation):
        if check.kind == "path":
            raise ZeroDivisionError("broken")
        return evaluate(check, observation)

    evaluate = results_again.evaluate
    monkeypatch.setattr(results_again, "evaluate", broken)
    told = document(bundle)
    assert (told["verdict"], told["exit_code"], told["reason"]) == ("INCONCLUSIVE", 4, "check-error")
    assert "check-error: ZeroDivisionError: broken" in json.dumps(told)


def test_d03_a_variable_without_a_value_is_inconclusive(bundle):
    path = other(
        bundle,
        ('get: "/look/${L01.pid}", expect: [{status: 200}, {path: body.id, eq: "${L01.pid}"}]',
         'get: "/look/${L01.pid}", expect: [{status: 200}, {path: body.id, eq: "${L01.new}"}]'),
        ("capture: {pid: body.id}", "capture: {pid: body.id, new: body.new}"),
    )  # fmt: skip
    told = document(bundle, file=path)
    assert told["verdict"] == "INCONCLUSIVE"
    assert "has no value" in json.dumps(told)


def test_d05_an_error_stays_one_unless_its_checks_are_asked_for(recorded):
    recorded.whole.service.on("GET /look/p1", silence("ConnectError"))
    folder = recorded.run()
    path = other(
        folder,
        ("expect: [{status: 200}, {path: body.id, eq:", "expect: [{path: body.id, exists: false}, {path: body.id, ne:"),
    )
    told = document(folder, file=path)
    assert (told["verdict"], told["exit_code"], told["reason"]) == ("ERROR", 3, "verdict-error")
    assert document(folder)["exit_code"] == 3
    told = document(folder, judges_errors=True)
    assert (told["verdict"], told["exit_code"]) == ("FAIL", 1)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (EVENTS, b'"status":200', b'"status":201'),
        ("ladders/live.ladder.yaml", b"Write", b"Wrote"),
        (RUN, b'"recorded": "full"', b'"recorded": "fulL"'),
        (TRACE_MANIFEST, b'"recorded": "full"', b'"recorded": "none"'),
    ],
)
def test_d08_a_changed_byte_is_refused_and_named(bundle, path, old, new):
    data = (bundle / path).read_bytes()
    assert old in data
    (bundle / path).write_bytes(data.replace(old, new, 1))
    said = say(bundle)
    assert said.code == 1
    assert said.remark.startswith("error[run-damaged]")
    assert path in said.remark
    assert stored(bundle) == []


def test_a_run_that_was_not_finished_is_refused(bundle):
    bundle.rename(bundle.with_name(f"{bundle.name}.partial"))
    said = say(bundle)
    assert (said.code, said.remark.partition(":")[0]) == (1, "error[run-unfinished]")


def test_d16_overrides_of_the_run_are_used_again(tmp_path, monkeypatch):
    from recorded_stage import Recorded

    live = LIVE.replace("vars: {base_url", 'vars: {WANTED: "${env:WANTED:-nothing}", base_url').replace(
        "contains: made", 'eq: "${WANTED}"'
    )
    recorded = Recorded(tmp_path, monkeypatch, live=live)
    recorded.whole.environ["WANTED"] = "made it"
    folder = recorded.run()
    assert document(folder)["verdict"] == "PASS"
    # The same file, in another environment: what the run had filled in counts.
    told = document(folder, file=str(recorded.root / "scenarios/live.ladder.yaml"), environ={"WANTED": "else"})
    assert (told["verdict"], told["drift"]) == ("PASS", [])


def test_d16_so_are_those_of_a_scenarios_own_variables(tmp_path, monkeypatch):
    from recorded_stage import Recorded

    live = LIVE.replace("    title: ", '    vars: {WANTED: "${env:WANTED:-nothing}"}\n    title: ', 1).replace(
        "contains: made", 'eq: "${WANTED}"'
    )
    recorded = Recorded(tmp_path, monkeypatch, live=live)
    recorded.whole.environ["WANTED"] = "made it"
    folder = recorded.run()
    file = str(recorded.root / "scenarios/live.ladder.yaml")
    assert [document(folder, **asked)["verdict"] for asked in ({}, {"file": file, "environ": {}})] == ["PASS", "PASS"]


def test_d16_the_wanted_rate_of_the_run_counts_again(recorded):
    answers = [{"id": "p1", "note": note} for note in ("made", "made", "none", "none")]
    recorded.whole.service.on("POST /make", *answers)
    folder = recorded.run_trials(4, min_pass_rate=0.5)
    told = document(folder)
    assert (told["verdict"], told["exit_code"]) == ("PASS", 0)
    assert told["aggregation"]["is_flaky"]
    assert "2/4 green, 0.5 wanted" in told["aggregation"]["arithmetic"]


def test_a_promised_file_counts_again(bundle):
    path = other(
        bundle,
        ("evidence: [one.json]", "evidence: [one.json, two.json]"),
        ("save: {one.json: body}", "save: {one.json: body, two.json: body}"),
    )
    told = document(bundle, file=path)
    assert told["verdict"] == "FAIL"
    assert told["trials"][0]["scenarios"][0]["reasons"] == [
        "live/L01/two.json is missing, and the scenario promises it"
    ]


def test_d21_a_scenario_file_outside_the_project_is_not_read(bundle, tmp_path_factory):
    outside = write_ladder(tmp_path_factory.mktemp("outside"), LIVE, name="other", mode="live")
    with pytest.raises(UsageError) as caught:
        say(bundle, file=str(outside))
    assert caught.value.reference == "ladder-outside"
    link = bundle.parent.parent / "scenarios/link.ladder.yaml"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)
    with pytest.raises(UsageError):
        say(bundle, file=str(link))


def test_d02_a_ladder_with_faults_and_a_missing_one_are_refused(bundle):
    path = other(
        bundle, ("expect: [{status: 200}, {path: body.id, matches", "expects: [{status: 200}, {path: body.id, matches")
    )
    with pytest.raises(InvalidLadderError):
        say(bundle, file=path)
    with pytest.raises(UsageError) as caught:
        say(bundle, file="nowhere")
    assert caught.value.reference == "ladder-missing"
    assert document(bundle, file="nowhere")["reason"] == "ladder-missing"


def test_d02_a_run_without_its_ladder_says_so(bundle):
    (bundle / "ladders/live.ladder.yaml").unlink()
    reseal(bundle)
    said = say(bundle)
    assert (said.code, said.remark.partition(":")[0]) == (1, "error[snapshot-missing]")
    assert replay(bundle.parent, "").again is None


def test_d19_what_was_recorded_is_shown_and_never_obeyed(recorded):
    odd = "[bold]\x1b[31mred[/etc/passwd]"
    recorded.whole.service.on("POST /make", {"id": "p1", "note": odd})
    text = say(recorded.run()).text
    assert "\x1b" not in text
    assert "[bold]" in text
    assert "[/etc/passwd]" in text


def test_d05_an_error_is_not_made_a_failure_either_unless_its_checks_are_asked_for(recorded):
    recorded.whole.service.on("GET /look/p1", silence("ConnectError"))
    folder = recorded.run()
    path = other(folder, ("length: {gt: 3}", "length: {gt: 1000}"))
    told = document(folder, file=path)
    assert (told["verdict"], told["exit_code"]) == ("ERROR", 3)
    assert told["trials"][0]["reasons"] == ["it ended as ERROR"]
    assert document(folder, file=path, judges_errors=True)["verdict"] == "FAIL"
