"""Whole runs with the opinion of a model: from the command line to the sealed bundle, the key in ``.env.live``."""

import json

import pytest
from ladder_process import texts, verdicts
from support.model_endpoint import model_endpoint, vote

pytestmark = pytest.mark.processes

CANARY = "sk-canary-Qz7mK2vXb9Lw4TgR8nYp"
JUDGED = """\
apiVersion: ladder/v1
name: small
mode: mocked
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
scenarios:
  S01:
    title: Create
    steps:
      - id: submit
        post: /api/v1/projects/
        json: {instruction: Print ten numbers.}
        expect:
          - {status: 200}
          - judge: {rubric: The summary is true., of: body.summary, tools: body.status, context: scenario, model: m-1,
                criteria: [{name: correct, weight: 2, text: It is true.}, {name: secret-free, text: No secret.}]}
            severity: fail
"""


def score(correct, **more):
    return json.dumps({"correct": correct, "secret-free": 1, "reasoning": "so", **more})


@pytest.fixture
def judged(ladder, tmp_path):
    ladder.file.write_text(JUDGED)
    ladder.has_secret("OPENAI_API_KEY", CANARY)

    def run(*replies):
        with model_endpoint(tmp_path, *replies) as endpoint:
            done = ladder.run(*ladder.climb(), environ={"OPENAI_BASE_URL": endpoint.url})
            return done, endpoint

    return run


def test_a_run_is_sealed_with_every_reply_and_without_the_key(judged, ladder, stub):
    stub.summary = f"The key is {CANARY}."
    done, endpoint = judged(score(0.9), score(0.9, reasoning=f"It says {CANARY}."), "high")
    # The subject showed the secret; that the model was in favour changes nothing about it.
    assert done.returncode == 5, done.stderr
    entry = ladder.sealed()
    assert CANARY not in texts(entry) + done.stdout + done.stderr
    assert [request["headers"]["authorization"] for request in endpoint.asked] == [f"Bearer {CANARY}"] * 3
    assert CANARY not in json.dumps([request["body"] for request in endpoint.asked])
    lines = [json.loads(line) for line in (entry.folder / "events.jsonl").read_text().splitlines()]
    (judgement,) = next(line["judgements"].values() for line in lines if line.get("judgements"))
    assert [each["reply"] for each in judgement["votes"]] == [
        score(0.9),
        score(0.9, reasoning="It says [REDACTED]."),
        "high",
    ]
    assert all(each["prompt_sha256"] and each["fence"] for each in judgement["votes"])


@pytest.mark.parametrize(
    ("replies", "code", "verdict"),
    [
        ([score(1)], 0, "PASS"),
        ([score(1, reasoning=CANARY)], 0, "PASS"),
        ([score(0.1)], 1, "FAIL"),
        ([{"status": 401, "body": {"error": {"message": CANARY}}}], 4, "INCONCLUSIVE"),
        ([score(1), vote("high"), score(95)], 4, "INCONCLUSIVE"),
    ],
)
def test_votes_against_fail_a_run_and_votes_that_cannot_be_had_leave_it_open_d18(
    judged, ladder, replies, code, verdict
):
    done, _ = judged(*replies)
    assert done.returncode == code, done.stderr
    assert verdicts(ladder.sealed()) == {"S01": verdict}
    assert ladder.run("verify", "--latest", "--out", str(ladder.out)).returncode == 0
