"""Checks on the answer itself, the lists of checks, severities, and what is implied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import MARK, answer, check, opinion, path, seen

from harness.judging.checks import evaluate, implied, step_verdict, verdict_of
from harness.judging.observation import Exchange, Observation
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict
from harness.language.model import CheckKind, Severity

RESULT = {
    "job_id": "j",
    "status": "success",
    "errors": [],
    "summary": "done",
    "logs": ["OPENAI_API_KEY=present", "OPENAI_ORG_ID=absent", "OPENAI_PROJECT=absent", "job_type=edit"],
}
PRESENCE = path(
    "doc.logs[?starts_with(@, 'OPENAI_')]",
    one_each=[
        "^OPENAI_API_KEY=(present|absent)$",
        "^OPENAI_ORG_ID=(present|absent)$",
        "^OPENAI_PROJECT=(present|absent)$",
    ],
)
HELD = path("doc.status", eq="success")
MISSED = path("doc.status", eq="error")
OPEN = opinion()


def outcome(item, observation=None):
    return evaluate(item, observation or seen(RESULT)).outcome


def test_a_result_names_check_place_path_wanted_and_got():
    assert evaluate(MISSED, seen(RESULT)) == CheckResult(
        text='{"path": "doc.status", "eq": "error"}',
        mark=MARK,
        severity=Severity.FAIL,
        outcome=Outcome.MISSED,
        path="doc.status",
        wanted='eq "error"',
        got='"success"',
    )


@pytest.mark.parametrize("root", ["status", "headers.allow", "body.summary", "text", "doc.summary"])
def test_a_path_starts_from_each_root(root):
    observation = seen(RESULT, exchange=answer(RESULT, headers={"allow": "GET"}))
    assert outcome(path(root, exists=True), observation) is Outcome.HELD


@pytest.mark.parametrize("operators", [{"ne": "dummy"}, {"length": {"gte": 0}}, {"eq": None}, {"matches": ""}])
def test_ne_and_its_like_cannot_pass_on_a_missing_field(operators):
    assert outcome(path("doc.engine", **operators)) is Outcome.MISSED


def test_a_path_that_makes_no_sense_for_the_document_is_null():
    assert outcome(path("sort(doc.status)", exists=True)) is Outcome.MISSED


def test_an_expression_that_is_none_is_undecided_not_raised():
    found = evaluate(path("doc.[", eq=1), seen(RESULT))
    assert found.outcome is Outcome.UNDECIDED
    assert "cannot be judged" in found.got


def test_presence_lines_match_one_to_one():
    assert outcome(PRESENCE) is Outcome.HELD


@pytest.mark.parametrize("line", ["OPENAI_API_KEY=sk-canary", "OPENAI_API_KEY=present", "OPENAI_API_KEY=presentXYZ"])
def test_a_further_line_with_the_name_of_a_secret_fails_f06(line):
    logs = [*RESULT["logs"], line]
    assert outcome(PRESENCE, seen({**RESULT, "logs": logs})) is Outcome.MISSED


def test_a_presence_line_with_more_behind_it_fails_f06():
    logs = ["OPENAI_API_KEY=presentXYZ", *RESULT["logs"][1:]]
    assert outcome(PRESENCE, seen({**RESULT, "logs": logs})) is Outcome.MISSED


def test_a_status_is_one_of_the_codes():
    assert outcome(check("status", (200, 202))) is Outcome.HELD
    found = evaluate(check("status", (400,)), seen(exchange=answer(status=404)))
    assert (found.outcome, found.wanted, found.got) == (Outcome.MISSED, "in [400]", "404")


def test_a_status_of_no_answer_is_missed_and_says_why():
    silent = Exchange(None, {}, None, "", 0.1, error="ConnectError")
    assert evaluate(check("status", (200,)), Observation(silent)).got == "no answer (ConnectError)"


def test_headers_are_found_whatever_their_case_and_numbers_in_them_are_numbers():
    observation = seen(exchange=answer(headers={"content-type": "application/json", "content-length": "17"}))
    wanted = {"content-type": {"contains": "json"}, "content-length": {"gt": 9}}
    assert outcome(check("headers", wanted), observation) is Outcome.HELD
    assert outcome(check("headers", {"Content-Length": {"eq": "17"}}), observation) is Outcome.HELD
    found = evaluate(check("headers", {"content-length": {"lt": 9}, "allow": {"exists": True}}), observation)
    assert (found.outcome, found.path) == (Outcome.MISSED, "headers.content-length")


def test_a_duration_is_judged_by_its_seconds_and_missing_without_an_answer():
    assert outcome(check("duration", {"lt": 2.0}), seen(exchange=answer(duration_s=1.9))) is Outcome.HELD
    assert outcome(check("duration", {"lt": 2.0}), seen(exchange=answer(duration_s=2.0))) is Outcome.MISSED
    silent = Exchange(None, {}, None, "", 0.1, error="ReadTimeout")
    assert outcome(check("duration", {"lt": 2.0}), Observation(silent)) is Outcome.MISSED


def test_one_redaction_is_a_secret_found():
    assert outcome(check("no_secrets", True), seen(secret_hits=0)) is Outcome.HELD
    assert outcome(check("no_secrets", True), seen(secret_hits=1)) is Outcome.MISSED


def test_no_model_was_asked_so_an_opinion_is_undecided():
    assert outcome(OPEN) is Outcome.UNDECIDED


def test_every_kind_of_the_language_can_be_judged():
    arguments = {
        CheckKind.PATH: "doc",
        CheckKind.STATUS: (200,),
        CheckKind.HEADERS: {"a": {"exists": True}},
        CheckKind.DURATION: {"lt": 1.0},
        CheckKind.SCHEMA: "x.json",
        CheckKind.FILES_CHANGED: {"since": "submit", "project": "p"},
        CheckKind.CONTAINER: {"label": "ladder.project=p", "count": {"eq": 0}},
        CheckKind.PRINTS: {"project": "p", "image": "i", "args": ("app.py",), "exit_code": {"eq": 0}},
        CheckKind.JUDGE: OPEN.argument,
    }
    for kind in CheckKind:
        assert outcome(check(kind, arguments.get(kind))) in Outcome


def test_any_of_names_the_branch_that_held():
    found = evaluate(check("any_of", children=[MISSED, HELD]), seen(RESULT))
    assert (found.outcome, found.branch) == (Outcome.HELD, HELD.text)


def test_any_of_that_missed_names_all_branches():
    found = evaluate(check("any_of", children=[MISSED, path("doc.errors", length={"gt": 0})]), seen(RESULT))
    assert (found.outcome, found.path) == (Outcome.MISSED, "doc.status or doc.errors")
    assert found.wanted == 'eq "error" or length {"gt": 0}'


@pytest.mark.parametrize(
    ("kind", "children", "expected"),
    [
        ("any_of", [MISSED, OPEN], Outcome.UNDECIDED),
        ("any_of", [OPEN, HELD], Outcome.HELD),
        ("any_of", [MISSED, MISSED], Outcome.MISSED),
        ("all_of", [HELD, HELD], Outcome.HELD),
        ("all_of", [OPEN, MISSED], Outcome.MISSED),
        ("all_of", [HELD, OPEN], Outcome.UNDECIDED),
        ("not", [MISSED, MISSED], Outcome.HELD),
        ("not", [MISSED, HELD], Outcome.MISSED),
        ("not", [OPEN, HELD], Outcome.MISSED),
        ("not", [MISSED, OPEN], Outcome.UNDECIDED),
    ],
)
def test_lists_of_checks_add_up(kind, children, expected):
    assert outcome(check(kind, children=children)) is expected


FORMULAS = st.recursive(
    st.sampled_from([HELD, MISSED]),
    lambda inner: st.builds(
        lambda kind, children: check(kind, children=children),
        st.sampled_from(["any_of", "all_of", "not"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@given(FORMULAS)
def test_lists_of_decided_checks_are_boolean_logic(formula):
    assert (outcome(formula) is Outcome.HELD) is truth(formula)


def truth(item):
    if item.kind is CheckKind.PATH:
        return item is HELD
    held = [truth(child) for child in item.children]
    return {"any_of": any(held), "all_of": all(held), "not": not any(held)}[item.kind]


@pytest.mark.parametrize(
    ("severity", "item", "verdict"),
    [
        (Severity.FAIL, MISSED, Verdict.FAIL),
        (Severity.FAIL, OPEN, Verdict.INCONCLUSIVE),
        (Severity.FAIL, HELD, Verdict.PASS),
        (Severity.LIMITATION, MISSED, Verdict.LIMITED),
        (Severity.LIMITATION, OPEN, Verdict.LIMITED),
        (Severity.LIMITATION, HELD, Verdict.PASS),
        (Severity.INFO, MISSED, Verdict.PASS),
        (Severity.INFO, OPEN, Verdict.PASS),
    ],
)
def test_severity_decides_what_an_outcome_means(severity, item, verdict):
    judged = check(item.kind, item.argument, severity=severity, **item.operators)
    assert verdict_of([evaluate(judged, seen(RESULT))]) is verdict


def test_a_failure_outranks_what_is_open():
    assert verdict_of(evaluate(item, seen(RESULT)) for item in (OPEN, MISSED, HELD)) is Verdict.FAIL
    assert verdict_of([]) is Verdict.PASS


def test_a_step_without_an_answer_is_an_error_and_no_failure():
    silent = Exchange(None, {}, None, "", 0.1, error="ConnectError")
    results = [evaluate(check("status", (200,)), Observation(silent))]
    assert step_verdict(silent, results) is Verdict.ERROR
    assert step_verdict(answer(), []) is Verdict.PASS


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_redirect_fails_a_step_that_does_not_name_it(status):
    moved = answer(status=status, headers={"location": "/elsewhere"})
    (found,) = implied(moved, [check("status", (200,))], MARK)
    assert (found.outcome, found.severity, found.got) == (Outcome.MISSED, Severity.FAIL, f'{status} to "/elsewhere"')
    assert implied(moved, [check("status", (status,))], MARK) == ()
    assert implied(moved, [check("any_of", children=[check("status", (status,))])], MARK) == ()
    assert implied(moved, [check("not", children=[check("status", (status,))])], MARK) != ()


def test_an_answer_that_could_not_be_read_fails_its_step():
    (found,) = implied(answer(error="BodyTooLarge"), [], MARK)
    assert (found.outcome, found.got) == (Outcome.MISSED, "BodyTooLarge")


def test_an_ordinary_answer_implies_nothing_more():
    assert implied(answer(RESULT), [], MARK) == ()


def test_a_check_that_breaks_is_nobodys_failure_and_ends_no_other(monkeypatch):
    def broken(_check, _observation):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("harness.judging.checks.find", broken)
    found = evaluate(HELD, seen(RESULT))
    assert (found.outcome, found.got) == (Outcome.UNDECIDED, "check-error: ZeroDivisionError: of ours")
    assert verdict_of([found]) is Verdict.INCONCLUSIVE
