"""Runs that went another way verify as well: with secrets, odd texts, no stack, several trials, or an interrupt."""

import json

import pytest
from sealed_run import LIVE, case, failures, make_run
from staged import CANARY, Reply

from harness.errors import PrerequisiteError
from harness.evidence import layout

ODD = f"""
vars: {{base_url: "${{env:BASE_URL:-http://localhost:8000}}"}}
secrets: [OPENAI_API_KEY]
scenarios:
  L01:
    title: Odd
    steps:
      - id: ask
        post: /odd
        json: {{token: hunter2hunter2, text: "\\u202e \\x1b", key: "{CANARY}"}}
        headers: {{Authorization: "Bearer {CANARY}"}}
        expect: [{{status: 200}}, {{path: body.text, eq: x}}]
rollback: {{verify: mocked.ladder.yaml, as: mocked/RERUN}}
"""
ANSWERS = {
    "secrets": {"text": f"key {CANARY}", "api_key": CANARY, "token": "t" * 40, CANARY: 1},
    "half characters": '{"text": "\\ud800 \\u0000 \\u202e"}',
    "depth": '{"text": ' + "[" * 150 + "]" * 150 + "}",
    "an abyss": "[" * 5000,
    "no JSON": f"plain {CANARY} \x1b[2J " + "é" * 5000,
    "repeated keys": '{"a": 1, "a": 2, "engine": "codex"}',
    "a torn answer": Reply({}, 503, error="a body that ended early"),
    "silence": Reply(status=None, error="ReadTimeout"),
}
TRIALS = LIVE.replace("    title: Read\n", "    title: Read\n    trials: 2\n")


@pytest.mark.parametrize("word", ANSWERS)
def test_whatever_a_scenario_got_its_case_follows_from_what_is_stored(tmp_path, monkeypatch, word):
    folder = make_run(
        tmp_path, monkeypatch, live=ODD, prepare=lambda whole: whole.service.on("POST /odd", ANSWERS[word])
    )
    assert failures(folder) == {}
    assert CANARY not in (folder / layout.case_file("live-L01")).read_text()
    assert case(folder)["status"] in {"FAIL", "ERROR"}


def test_a_stack_that_did_not_start_leaves_cases_in_which_nothing_was_done(tmp_path, monkeypatch):
    def no_stack(whole):
        whole.starts += [PrerequisiteError("engine-unreachable", "no engine answers", "start it")] * 2

    folder = make_run(tmp_path, monkeypatch, prepare=no_stack)
    assert failures(folder) == {}
    assert (case(folder)["status"], case(folder, "live-L02")["status"]) == ("ERROR", "SKIPPED")
    assert case(folder)["execution_trace"] == []


def test_a_run_that_was_interrupted_verifies_as_far_as_it_came(tmp_path, monkeypatch):
    folder = make_run(
        tmp_path, monkeypatch, prepare=lambda whole: whole.service.on("GET /odd", whole.signal(Reply({}, 503)))
    )
    assert failures(folder) == {}
    assert json.loads((folder / layout.RUN).read_text())["status"] == "interrupted"


def test_of_a_scenario_that_was_climbed_twice_the_last_climb_is_the_case(tmp_path, monkeypatch):
    folder = make_run(tmp_path, monkeypatch, live=TRIALS)
    assert failures(folder) == {}
    run = json.loads((folder / layout.RUN).read_text())
    (record,) = (each for each in run["scenarios"] if each["id"] == "L02")
    assert record["folder"] == "trials/001/live/L02"
    assert case(folder, "trials-001-live-L02")["execution_trace"]
