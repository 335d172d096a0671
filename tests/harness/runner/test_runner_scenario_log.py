"""What a scenario leaves holds no secret, and a secret that had to be taken out makes it FAIL."""

import json

import pytest
from staged import CANARY, OK_STEP, Reply, in_base64, one_scenario

from harness.judging.verdict import Verdict

STEP = "{id: ask, get: /docs, expect: [{status: 200}], save: {body.json: body, body.txt: text}}"


def holding(staged, told, *, step=STEP, rest=""):
    """Climb a scenario whose only answer holds a text."""
    staged.service.on("GET /docs", Reply({"log": f"the key is {told} and on"}))
    outcome = staged.climb(one_scenario(step, rest=rest))
    return outcome, outcome.records[0]


def forms(value):
    return {
        value.encode(),
        in_base64(value).encode(),
        in_base64(f"key={value}").encode(),
        value.encode().hex().encode(),
    }


@pytest.mark.parametrize(
    "told",
    [CANARY, in_base64(CANARY), in_base64(f"key={CANARY}"), CANARY.encode().hex(), json.dumps(CANARY)],
    ids=["raw", "base64", "base64 inside", "hex", "json"],
)
def test_a_secret_in_an_answer_makes_its_scenario_fail_and_is_in_no_byte_of_the_folder(staged, told):
    outcome, record = holding(staged, told)
    assert record.verdict is Verdict.FAIL
    assert outcome.secret_hits > 0
    assert "no_secrets: wanted eq 0" in record.reason
    assert "OPENAI_API_KEY" in record.reason
    assert "mocked/L01/body.json, mocked/L01/body.txt" in record.reason
    written = staged.bytes_written()
    assert "[REDACTED]" in staged.read("mocked/L01/body.json")
    assert not [form for form in (told.encode(), *forms(CANARY)) if form in written]


def test_a_secret_in_a_header_counts_as_well(staged):
    staged.service.on("GET /docs", Reply({}, headers={"x-echo": CANARY}))
    assert staged.climb(one_scenario(STEP)).verdicts == {"L01": Verdict.FAIL}
    assert CANARY.encode() not in staged.bytes_written()


def test_a_secret_that_no_file_holds_is_told_all_the_same(staged):
    _, record = holding(staged, CANARY, step="{get: /docs, expect: [{status: 200}]}")
    assert "in no saved file" in record.reason


def test_what_the_subject_has_taken_out_itself_makes_the_scenario_fail_too(staged):
    outcome, record = holding(staged, "[REDACTED]")
    assert record.verdict is Verdict.FAIL
    assert outcome.secret_hits == 1
    assert "1 (taken out by the subject itself; mocked/L01/body.json, mocked/L01/body.txt)" in record.reason


def test_the_check_for_secrets_is_an_event_and_a_missed_check(staged):
    _, record = holding(staged, CANARY)
    judged = [event.result for event in staged.events("check") if event.result.text == "implied: no_secrets"]
    assert len(judged) == len(record.missed) == 1


def test_a_secret_that_comes_with_the_cleanup_makes_a_green_scenario_fail(staged):
    staged.service.on("DELETE /a", {"echo": CANARY})
    outcome, record = holding(staged, "no secret", rest="finally: [{delete: /a}]")
    assert record.verdict is Verdict.FAIL
    assert outcome.secret_hits == 1


def test_a_secret_is_told_once_however_often_it_came(staged):
    staged.service.on("DELETE /a", {"echo": CANARY})
    outcome, record = holding(staged, CANARY, rest="finally: [{delete: /a}]")
    assert len(record.missed) == 1
    assert outcome.secret_hits == 2


def test_what_was_found_in_one_scenario_is_not_held_against_the_next(staged):
    staged.service.on("GET /docs", {"log": CANARY}, {"log": "clean"})
    text = one_scenario(STEP) + "\n" + one_scenario(STEP, name="L02").removeprefix("scenarios:\n")
    outcome = staged.climb("gate: {proceed_on: [pass, fail]}\n" + text)
    assert outcome.verdicts == {"L01": Verdict.FAIL, "L02": Verdict.PASS}


def test_a_captured_secret_is_kept_and_sent_without_its_value(staged):
    staged.service.on("GET /docs", {"token_of": CANARY}).on("POST /docs", {})
    staged.steps(
        "{get: /docs, capture: {it: body.token_of}}", '{post: /docs, json: {it: "${it}"}, headers: {X-It: "${it}"}}'
    )
    assert [event.value for event in staged.events("capture")] == ["[REDACTED]"]
    assert staged.service.calls[-1].request.json == {"it": "[REDACTED]"}


def test_a_secret_in_what_a_ladder_sends_is_recorded_without_its_value(staged):
    text = f'{{post: "/docs?key={CANARY}", json: {{key: "{CANARY}"}}, headers: {{X-Any: "{CANARY}"}}}}'
    staged.service.on(f"POST /docs?key={CANARY}", {})
    record = staged.steps(text).record
    (made,) = staged.events("exchange")
    assert (made.sent.path, made.sent.headers["X-Any"]) == ("/docs?key=[REDACTED]", "[REDACTED]")
    assert "[REDACTED]" in made.sent.text
    assert record.verdict is Verdict.FAIL
    assert CANARY.encode() not in staged.bytes_written()


def test_a_scenario_without_any_secret_says_nothing_about_them(staged):
    outcome, record = holding(staged, "no secret")
    assert (record.verdict, outcome.secret_hits) == (Verdict.PASS, 0)


def test_a_file_that_is_saved_twice_holds_what_was_saved_last(staged):
    staged.service.on("GET /docs", {"n": 1}, {"n": 2})
    record = staged.steps("{get: /docs, save: {a.txt: body.n}}", "{get: /docs, save: {a.txt: body.n}}").record
    assert staged.read("mocked/L01/a.txt") == "2\n"
    assert record.files == ("a.txt",)
    assert [event.path for event in staged.events("artifact")] == ["mocked/L01/a.txt"] * 2


def test_more_texts_than_are_remembered_are_redacted_all_the_same(staged, monkeypatch):
    monkeypatch.setattr("harness.runner.scenario_log.MOST_REMEMBERED", 1)
    for path in ("/docs", "/other", f"/{CANARY}"):
        staged.service.on(f"GET {path}", {})
    staged.steps(OK_STEP, "{get: /other}", f"{{get: /{CANARY}}}")
    assert [event.sent.path for event in staged.events("exchange")] == ["/docs", "/other", "/[REDACTED]"]
