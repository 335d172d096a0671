"""From nodes to values: templates, inheritance, normal forms, marks and digests."""

import pytest
from ladder_files import HEAD, built, first_step, ladder

from harness.language.model import CheckKind, Copy, Freshness, Link, Pace, Severity, WorkerLogs

POLL = "{poll: {get: /p}, until: [{status: 200}]}"


def test_keys_beside_use_win_and_the_rest_is_merged():
    top = (
        "templates:\n"
        "  t: {id: inner, poll: {get: /a, unwrap: body.x, every: 1s}, until: [{status: 200}], timeout: 1s,\n"
        "    headers: {A: a, B: b}, expect: [{status: 200}], capture: {x: body.x, y: body.y}, save: {x.json: body}}\n"
    )
    step = first_step(
        ladder(
            "- {use: t, id: outer, poll: {every: 2s}, timeout: 3s, headers: {C: c}, with: {v: 1},\n"
            "   expect: [{path: doc, exists: true}], capture: {y: body.z}, save: {y.json: doc}}",
            top=top,
        )
    )
    assert (step.id, step.action.path, step.action.timeout_s) == ("outer", "/a", 3.0)
    assert step.action.headers == {"C": "c"}
    assert (step.poll.unwrap, step.poll.pace.every_s) == ("body.x", 2.0)
    assert [check.kind for check in step.expect] == [CheckKind.STATUS, CheckKind.PATH]
    assert step.capture == {"x": "body.x", "y": "body.z"}
    assert step.save == {"x.json": "body", "y.json": "doc"}
    assert step.variables == {"v": 1}


def test_a_check_from_a_template_has_the_line_of_the_template():
    step = first_step(ladder("- use: t", top="templates:\n  t:\n    get: /a\n    expect:\n      - status: 200\n"))
    assert str(step.expect[0].mark).endswith("try.ladder.yaml:7:9")
    assert str(step.mark).endswith("try.ladder.yaml:12:9")


def test_bounds_are_inherited_from_the_ladder_to_the_template_to_the_step():
    top = (
        "defaults: {timeout: 1s, deadline: 2s, poll: {every: 100ms, backoff: 3, max_every: 1m, jitter: 0}}\n"
        "templates: {t: {poll: {get: /q, every: 3s}, until: [{status: 200}], timeout: 4s, deadline: 5s}}\n"
    )
    plain, template, step = (
        built(
            ladder(
                f"- {POLL}\n- use: t\n- {{use: t, timeout: 6s, deadline: 7s, poll: {{get: /r, every: 8s}}}}", top=top
            )
        )
        .scenarios[0]
        .steps
    )
    assert (plain.action.timeout_s, plain.poll.deadline_s, plain.poll.pace) == (1.0, 2.0, Pace(0.1, 3, 60.0, 0))
    assert (template.action.timeout_s, template.poll.deadline_s, template.poll.pace) == (
        4.0,
        5.0,
        Pace(3.0, 3, 60.0, 0),
    )
    assert (step.action.timeout_s, step.poll.deadline_s, step.poll.pace.every_s) == (6.0, 7.0, 8.0)


def test_without_defaults_the_bounds_of_the_language_hold():
    step = first_step(ladder(f"- {POLL}"))
    assert (step.action.timeout_s, step.poll.deadline_s, step.poll.pace) == (10.0, 120.0, Pace(0.5, 1.6, 5.0, 0.2))


@pytest.mark.parametrize(
    ("written", "kind", "argument", "operators"),
    [
        ("{status: 200}", "status", (200,), {}),
        ("{status: [200, 202]}", "status", (200, 202), {}),
        ("{path: body, length: 3, ne: x}", "path", "body", {"length": {"eq": 3}, "ne": "x"}),
        ("{path: body, length: {gt: 0}}", "path", "body", {"length": {"gt": 0}}),
        ("{headers: {Content-Type: {contains: json}}}", "headers", {"content-type": {"contains": "json"}}, {}),
        ("{duration: {lt: 1.5s, gt: 20ms}}", "duration", {"lt": 1.5, "gt": 0.02}, {}),
        ("{schema: result.schema.json}", "schema", "result.schema.json", {}),
        ("{no_secrets: true}", "no_secrets", True, {}),
        (
            "{files_changed: {since: step-1, created: [a], modified: {contains: b}}}",
            "files_changed",
            {"project": "${pid}", "since": "step-1", "created": {"eq": ["a"]}, "modified": {"contains": "b"}},
            {},
        ),
        (
            "{container: {label: 'a=${pid}', count: 1, running: {lt: 2}, oom_killed: false, image: x}}",
            "container",
            {
                "label": "a=${pid}",
                "count": {"eq": 1},
                "running": {"lt": 2},
                "oom_killed": {"eq": False},
                "image": {"eq": "x"},
            },
            {},
        ),
        (
            "{prints: {image: x, args: [app.py, -n, '5'], numbers: {length: 5}}}",
            "prints",
            {
                "project": "${pid}",
                "image": "x",
                "args": ["app.py", "-n", "5"],
                "exit_code": {"eq": 0},
                "numbers": {"length": {"eq": 5}},
            },
            {},
        ),
        (
            "{judge: {rubric: Good., of: body}}",
            "judge",
            {
                "rubric": "Good.",
                "of": {"path": "body"},
                "tools": None,
                "criteria": [{"name": "rubric", "weight": 1, "text": "How well the data meets the rubric."}],
                "votes": 3,
                "threshold": 0.7,
                "context": None,
                "model": None,
            },
            {},
        ),
        (
            "{judge: {rubric: A, of: 'A ${pid}', tools: doc.logs, criteria: [{name: a, text: b}], votes: 5, model: m}}",
            "judge",
            {
                "rubric": "A",
                "of": {"value": "A ${pid}"},
                "tools": {"path": "doc.logs"},
                "criteria": [{"name": "a", "weight": 1, "text": "b"}],
                "votes": 5,
                "threshold": 0.7,
                "context": None,
                "model": "m",
            },
            {},
        ),
    ],
)
def test_each_check_has_one_normal_form(written, kind, argument, operators):
    check = first_step(ladder(f"- {{get: /docs, expect: [{written}]}}", top="vars: {pid: x}\n")).expect[0]
    assert (check.kind.value, check.argument, check.operators, check.children) == (kind, argument, operators, ())


def test_severities_have_their_defaults():
    step = first_step(
        ladder(
            "- get: /docs\n  expect:\n    - {status: 200}\n    - {status: 200, severity: limitation}\n"
            "    - {judge: {rubric: x, of: body}}\n    - {judge: {rubric: x, of: body}, severity: fail}\n"
        )
    )
    assert [check.severity for check in step.expect] == [
        Severity.FAIL,
        Severity.LIMITATION,
        Severity.INFO,
        Severity.FAIL,
    ]


def test_nested_checks_keep_their_marks_and_words():
    step = first_step(
        ladder("- get: /docs\n  expect:\n    - any_of:\n        - {status: 200}\n        - not: [{status: 500}]\n")
    )
    [outer] = step.expect
    assert outer.text == '{"any_of": [{"status": 200}, {"not": [{"status": 500}]}]}'
    assert [(child.kind.value, child.mark.line) for child in outer.children] == [("status", 10), ("not", 11)]
    assert outer.children[1].children[0].argument == (500,)


def test_every_kind_of_step_becomes_its_action():
    text = (
        f"{HEAD}vars: {{pid: p}}\nscenarios:\n  A: {{title: A, steps: [{{get: /a, save: {{a.txt: status}}}}]}}\n"
        "  B:\n    title: B\n    needs: [A]\n    steps:\n      - copy: {from: A, files: [a.txt]}\n"
        "      - {id: s, post: /b, json: null, given: {link: {path: l, target: ..}}}\n"
        "      - {poll: {get: /c}, until: [{status: 200}], fresh_after: {step: s, job_id: '${pid}'}}\n"
        "    finally: [{docker_logs: {label: 'a=b', as: x.log}}]\n"
    )
    copy, post, poll = built(text).scenarios[1].steps
    [logs] = built(text).scenarios[1].cleanup
    assert copy.action == Copy("A", ("a.txt",))
    assert (post.action.method, post.action.has_json, post.action.json) == ("POST", True, None)
    assert post.given == Link("${pid}", "l", "..")
    assert (poll.action.method, poll.action.has_json) == ("GET", False)
    assert poll.poll.fresh_after == Freshness("s", "${pid}")
    assert logs.action == WorkerLogs("a=b", "x.log")
    assert [step.id for step in (copy, post, poll, logs)] == ["step-1", "s", "step-3", "step-4"]


def test_a_ladder_has_its_name_from_the_file_when_it_gives_none():
    assert built(ladder("- get: /docs")).name == "try"
    assert built(ladder("- get: /docs", top="name: other\n")).name == "other"


BASE = ladder("- {get: /docs, expect: [{status: 200}]}", top="vars: {u: '${env:U:-x}'}\n", scenario="evidence: []")


def digests(text, environ=()):
    found = built(text, environ)
    return found.digest, found.execution_digest, found.judging_digest


def changed(text, environ=()):
    return tuple(new != old for new, old in zip(digests(text, environ), digests(BASE), strict=True))


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("title: A\n", "title: A  # a comment\n", (True, False, False)),
        ("{get: /docs, expect: [{status: 200}]}", "{expect: [{status: [200]}], get: '/docs'}", (True, False, False)),
        ("{status: 200}", "{status: 201}", (True, False, True)),
        ("{status: 200}", "{status: 200, severity: info}", (True, False, True)),
        ("title: A", "title: B", (True, False, True)),
        ("mode: live", "mode: live\ngate: {proceed_on: [limited]}", (True, False, True)),
        ("/docs", "/doc", (True, True, False)),
        ("mode: live", "mode: mocked", (True, True, False)),
        (":-x}", ":-y}", (True, True, False)),
        ("get: /docs", "get: /docs, timeout: 11s", (True, True, False)),
        ("get: /docs", "get: /docs, timeout: 10s", (True, False, False)),
        ("get: /docs", "get: /docs, save: {a.txt: status}", (True, True, False)),
    ],
)
def test_a_change_moves_the_digest_of_its_part_and_no_other(old, new, parts):
    assert BASE.replace(old, new) != BASE
    assert changed(BASE.replace(old, new)) == parts


def test_the_environment_moves_no_digest():
    assert changed(BASE, {"U": "other"}) == (False, False, False)
    assert built(BASE, {"U": "other"}).variables == {"u": "other"}


def test_a_template_in_place_of_a_step_moves_only_the_file_s_digest():
    other = ladder(
        "- use: t",
        top="vars: {u: '${env:U:-x}'}\ntemplates: {t: {get: /docs, expect: [{status: 200}]}}\n",
        scenario="evidence: []",
    )
    assert changed(other) == (True, False, False)
