"""Checks that ask a model for its opinion, judged again: from stored votes, and anew only when that is asked for."""

import json
from datetime import UTC, datetime

import pytest
from recorded_stage import Recorded
from staged import CANARY
from support.model_endpoint import model_endpoint, vote

from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.replaying.judged_by import Project
from harness.replaying.reeval import Asked
from harness.replaying.reeval_command import Desk, say_reeval

LIVE = """
vars: {G: Write a program.}
scenarios:
  L01:
    title: Opinions
    steps:
      - id: submit
        post: /make
        json: {instruction: "${G}"}
        expect:
          - judge: {rubric: It is a program., of: body.note, model: judge-model, context: scenario}
            severity: fail
"""


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """A run whose three votes were two in favour, and the surroundings of another endpoint."""
    recorded = Recorded(tmp_path, monkeypatch, live=LIVE)
    environ = recorded.whole.environ
    environ |= {"LADDER_ENV_FILE": str(tmp_path / ".env"), "OPENAI_API_KEY": CANARY}
    with model_endpoint(tmp_path, vote(0.9), vote(0.2), vote(0.7)) as endpoint:
        environ["OPENAI_BASE_URL"] = endpoint.url
        folder = recorded.run()
        assert len(endpoint.asked) == 3
    (tmp_path / "endpoint-asked.jsonl").unlink()
    return folder, environ


def say(folder, environ, **asked):
    redactor = Redactor(SecretSet((NamedSecret("OPENAI_API_KEY", Secret(CANARY)),)))
    project = Project(folder.parent.parent, environ)
    desk = Desk(folder.parent, redactor, project, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    return json.loads(say_reeval(desk, Asked(folder.name, **asked), as_json=True).text)


def result(told):
    (step,) = told["trials"][0]["scenarios"][0]["steps"]
    return step["checks"][0]["new"]


def test_d18_stored_votes_are_counted_and_nobody_is_asked(judged, tmp_path):
    folder, environ = judged
    with model_endpoint(tmp_path, vote(0.1)) as endpoint:
        told = say(folder, {**environ, "OPENAI_BASE_URL": endpoint.url})
        assert endpoint.asked == []
    assert (told["verdict"], told["judgements"]) == ("PASS", [])
    assert result(told)["got"] == "2 in favour, 1 against (0.9, 0.2, 0.7)"


def test_stored_votes_are_counted_anew_under_another_threshold(judged, tmp_path):
    folder, environ = judged
    ladder = tmp_path / "scenarios/other.ladder.yaml"
    ladder.write_text(
        (tmp_path / "scenarios/live.ladder.yaml").read_text().replace("model: ", "threshold: 0.8, model: ")
    )
    told = say(folder, environ, file=str(ladder))
    assert (told["verdict"], [each["half"] for each in told["drift"]]) == ("FAIL", ["judging"])
    assert result(told)["got"].startswith("1 in favour, 2 against")


def test_c14_asked_anew_the_model_gets_the_text_of_the_scenario(judged, tmp_path):
    folder, environ = judged
    with model_endpoint(tmp_path, vote(0.1)) as endpoint:
        told = say(folder, {**environ, "OPENAI_BASE_URL": endpoint.url}, judges_live=True)
        prompts = endpoint.prompts()
    assert len(prompts) == 3
    assert all("Write a program." in user and "made it" in user for _, user in prompts)
    assert (told["verdict"], told["exit_code"]) == ("FAIL", 1)
    (judgement,) = told["judgements"]
    assert [json.loads(each["reply"])["rubric"] for each in judgement["votes"]] == [0.1] * 3


def test_what_was_said_anew_lies_in_the_evaluation_without_the_key(judged, tmp_path):
    folder, environ = judged
    with model_endpoint(tmp_path, vote(0.9, reasoning=f"It says {CANARY}.")) as endpoint:
        told = say(folder, {**environ, "OPENAI_BASE_URL": endpoint.url}, judges_live=True)
    text = (folder.parent / told["stored"][0]).read_text()
    assert CANARY not in text
    assert json.loads(text)["judgements"][0]["votes"][0]["prompt_sha256"]


def test_d18_a_model_that_cannot_be_asked_leaves_the_verdict_open(judged, tmp_path):
    folder, environ = judged
    with model_endpoint(tmp_path, {"status": 401}) as endpoint:
        told = say(folder, {**environ, "OPENAI_BASE_URL": endpoint.url}, judges_live=True)
    assert (told["verdict"], told["exit_code"]) == ("INCONCLUSIVE", 4)
    told = say(folder, {"LADDER_ENV_FILE": environ["LADDER_ENV_FILE"]}, judges_live=True)
    assert told["verdict"] == "INCONCLUSIVE"
