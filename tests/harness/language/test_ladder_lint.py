"""Each rule: what it says about its fault, word for word, and that it keeps silent about look-alikes.

``golden/RULE--CASE.ladder.yaml`` is a faulty ladder, the ``.txt`` beside it what ``ladder validate`` prints.
"""

from pathlib import Path

import pytest
from ladder_files import HEAD, ladder, rendered, rules

from harness.language.findings import Rule
from harness.language.loading import check

GOLDEN = Path(__file__).parent / "golden"
FAULTY = sorted(path.name.removesuffix(".ladder.yaml") for path in GOLDEN.glob("*.ladder.yaml"))


@pytest.mark.parametrize("case", FAULTY)
def test_a_fault_is_told_word_for_word(case, monkeypatch):
    monkeypatch.chdir(GOLDEN)
    findings = check(Path(f"{case}.ladder.yaml"), {})
    assert {finding.rule.value for finding in findings} == {case.split("--")[0]}
    printed = "\n".join(finding.render() for finding in findings)
    assert printed + "\n" == Path(f"{case}.txt").read_text("utf-8")


def test_every_rule_has_a_golden_message():
    assert {case.split("--")[0] for case in FAULTY} == {rule.value for rule in Rule}


@pytest.mark.parametrize(
    ("steps", "top"),
    [
        ("- get: /api/v1/projects/", ""),
        ("- get: /api/v1/projects/?limit=5", ""),
        ("- get: /api/v1/projects/${x}", "vars: {x: a}\n"),
        ("- get: /api/v1/${x}/files/docs/app.md", "vars: {x: a}\n"),
        ("- get: /api/v1/${x}/files/docs/", "vars: {x: a}\n"),
        ("- get: /docs", ""),
        ("- get: /elsewhere/", ""),
    ],
)
def test_a_right_or_foreign_path_has_no_wrong_slash(steps, top):
    assert rules(ladder(steps, top=top)) == []


POLL = "poll: {{get: '/p/{}'}}, until: [{{status: 200}}]"


def repoll(first, second, *, more="", scenario="needs: [A]"):
    return (
        f"{HEAD}vars: {{top: x}}\nscenarios:\n"
        "  A: {title: A, steps: [{get: /docs, capture: {pid: body.id, other: body.b}}, "
        f"{{{POLL.format(first)}}}]}}\n"
        f"  B: {{title: B, {scenario}, steps: [{{id: s, get: /docs, capture: {{own: body.id}}}}, "
        f"{{{POLL.format(second)}{more}}}]}}\n"
    )


@pytest.mark.parametrize(
    ("first", "second", "more", "scenario"),
    [
        ("${pid}", "${A.pid}", "", "needs: [A]"),
        ("${pid}", "${p}", "", "needs: [A], vars: {p: '${A.pid}'}"),
        ("${top}", "${top}", "", "needs: [A]"),
        ("${pid}", "${A.pid}", ", expect: [{path: doc.job_id, ne: x}]", "needs: [A]"),
    ],
)
def test_the_same_path_under_another_name_is_polled_again(first, second, more, scenario):
    assert rules(repoll(first, second, more=more, scenario=scenario)) == ["stale-repoll"]


@pytest.mark.parametrize(
    ("first", "second", "more", "scenario"),
    [
        ("${pid}", "${A.other}", "", "needs: [A]"),
        ("${pid}", "${own}", "", "needs: [A]"),
        ("${top}", "${top}", "", "vars: {a: b}"),
        ("${pid}", "${A.pid}", ", expect: [{path: doc.job_id, eq: x}]", "needs: [A]"),
        ("${pid}", "${A.pid}", ", fresh_after: {step: s, job_id: x}", "needs: [A]"),
    ],
)
def test_another_path_or_a_pinned_job_is_no_stale_poll(first, second, more, scenario):
    assert rules(repoll(first, second, more=more, scenario=scenario)) == []


def test_a_template_that_is_used_twice_is_told_once():
    top = "templates: {t: {get: /docs, expect: [{path: '(', exists: true}]}}\n"
    assert rules(ladder("- use: t\n- use: t\n- use: t", top=top)) == ["bad-path"]


def test_a_fault_in_a_template_that_nobody_uses_is_told():
    assert rules(ladder("- get: /docs", top="templates: {t: {get: /docs, save: {a.txt: 'bdy'}}}\n")) == ["bad-path"]


def test_all_faults_are_told_at_once_and_in_the_order_of_the_file():
    text = ladder(
        "- {get: '/${a}', save: {a.txt: bdy}}\n- {get: '/${b}', capture: {c: 'f(body)'}}", scenario="evidence: [z.txt]"
    )
    assert rules(text) == [
        "evidence-unreachable",
        "unknown-variable",
        "bad-path",
        "unknown-variable",
        "bad-path",
    ]


def test_the_caret_stays_below_the_fault_when_a_line_holds_a_tab_or_an_escape():
    text = ladder('- {get: /docs,\t"x": 1}')
    [_, line, caret] = rendered(text).split("\n")
    assert "\t" not in line
    assert line[caret.index("^") :].startswith('"x"')


@pytest.mark.parametrize(
    "path",
    [
        "status",
        'headers."content-type"',
        "body.jobs[-1].id",
        "sort(body.files[].path)",
        "length(doc.logs[?starts_with(@, 'x')])",
        "sort_by(body.files, &size)[0].path",
        "[status, body.a]",
        "{a: status, b: doc.x}",
        "doc.a || `[]`",
        "doc.files[?size > `3`].path | [0]",
        "!doc.a && body.b == 'x'",
        "body | files[0]",
    ],
)
def test_a_good_path_is_let_pass(path):
    assert (
        rules(
            ladder(
                f"- get: /docs\n  capture:\n    a: {path!r}"
                if "'" not in path
                else f'- get: /docs\n  capture:\n    a: "{path}"'
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "path", ["[bdy, status]", "{a: bdy}", "body.a || bdy", "sort(bdy)", "bdy[?a == b]", "bdy | [0]"]
)
def test_an_unknown_root_is_found_wherever_it_stands(path):
    assert rules(ladder(f'- get: /docs\n  capture:\n    a: "{path}"')) == ["bad-path"]


def test_names_are_looked_up_in_all_that_is_reached_and_in_nothing_else():
    chain = (
        f"{HEAD}scenarios:\n"
        "  A: {title: A, steps: [{get: /docs, capture: {a: status}}]}\n"
        "  B: {title: B, needs: [A], steps: [{get: /docs, capture: {b: status}}]}\n"
        "  C: {title: C, needs: [B], vars: {v: '${A.a}'}, steps: [{get: '/${A.a}/${B.b}/${v}'}]}\n"
        "  D: {title: D, needs: [A], steps: [{get: '/${A.a}'}, {get: '/${B.b}'}]}\n"
    )
    assert rendered(chain).splitlines()[0].startswith("try.ladder.yaml:7:61: error: 'B.b' is not reached")
    assert rules(chain) == ["unknown-variable"]


def test_cleanup_may_use_what_any_step_captures_and_collecting_what_any_scenario_does():
    text = ladder(
        "- {get: /docs, capture: {a: status}}",
        scenario="finally: [{get: '/${a}'}]",
        top="collect_on_fail: [{get: '/${a}'}, {docker_logs: {label: 'x=${b}', as: x.log}}]\n",
    )
    assert [line for line in rendered(text).splitlines() if "error" in line] == [
        "try.ladder.yaml:3:57: error: unknown variable 'b' [unknown-variable]"
    ]


def test_a_save_may_use_the_captures_of_its_own_step_and_expect_may_not():
    step = "- {get: /docs, capture: {a: status}, save: {a.txt: '${a}'}, expect: [{path: status, eq: '${a}'}]}"
    assert rendered(ladder(step)).splitlines()[0] == (
        "try.ladder.yaml:7:95: error: 'a' gets its value only later [unknown-variable]"
    )


def test_vars_may_read_the_environment_and_what_stands_above_them():
    top = "vars: {a: '${env:A:-x}', b: '${a}${env:B}'}\n"
    assert rules(ladder("- get: /docs", top=top), {"B": "y"}) == []
    assert rules(ladder("- get: /docs", top="vars: {a: '${b}', b: x}\n")) == ["unknown-variable"]
