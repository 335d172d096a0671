"""Asking a model, against an endpoint that is a process of its own: what is sent, what is kept, what goes wrong."""

import json
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sensing import CANARY, CanaryRedactor
from support.model_endpoint import model_endpoint, vote

from harness.config import Settings
from harness.judging.judge_checks import LONGEST_REPLY, tally
from harness.judging.judge_prompts import Question, messages_of, prompt_digest
from harness.judging.results import Outcome
from harness.senses.model_judge import BASE_URL, MODEL, USUAL_BASE_URL, Endpoint, Means, ModelJudge, endpoint_of
from harness.senses.model_wire import LONGEST_ANSWER

ROOT = Path(__file__).parents[3]
KEY = "sk-test-0f9e8d7c6b5a4321"
QUESTION = Question("Good.", (("rubric", "How well."),), "the work")
ARGUMENT = {"votes": 3, "threshold": 0.7, "criteria": [{"name": "rubric", "weight": 1, "text": "How well."}]}


def settings(folder, **environ):
    return Settings.from_env({"LADDER_ENV_FILE": str(folder / ".env"), **environ})


def opened(folder, url, *, model="judge-model", **means):
    endpoint = endpoint_of(settings(folder, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=url), model)
    assert isinstance(endpoint, Endpoint), endpoint
    return ModelJudge(endpoint, Means(CanaryRedactor(), **means))


@pytest.fixture
def asking(tmp_path):
    """Ask an endpoint that replies as told; gives the judgement and the endpoint."""

    def ask(*replies, votes=3, question=QUESTION, **means):
        with model_endpoint(tmp_path, *replies) as endpoint, opened(tmp_path, endpoint.url, **means) as judge:
            return judge.ask(question, votes), endpoint

    return ask


def outcome(judgement):
    return tally(ARGUMENT, judgement.votes).outcome


def test_each_vote_is_one_request_and_all_of_it_is_kept(asking):
    judgement, endpoint = asking(vote(0.9), vote(0.8, "nearly"), vote(0.1, "no"))
    assert outcome(judgement) is Outcome.HELD
    assert [each.reply for each in judgement.votes] == [vote(0.9), vote(0.8, "nearly"), vote(0.1, "no")]
    assert [each.reasoning for each in judgement.votes] == ["it is so", "nearly", "no"]
    assert {(each.model, each.prompt_tokens, each.completion_tokens) for each in judgement.votes} == {
        ("told-model-2026", 120, 9)
    }
    assert all(each.duration_s > 0 and not each.error for each in judgement.votes)
    assert judgement.model == "judge-model"
    assert [request["path"] for request in endpoint.asked] == ["/v1/chat/completions"] * 3
    assert {request["body"]["model"] for request in endpoint.asked} == {"judge-model"}


def test_each_vote_has_a_fence_of_its_own_from_which_its_prompt_can_be_made_again(asking):
    judgement, endpoint = asking(vote())
    fences = [each.fence for each in judgement.votes]
    assert len(set(fences)) == 3
    for each, request in zip(judgement.votes, endpoint.asked, strict=True):
        assert request["body"]["messages"] == messages_of(QUESTION, each.fence, str)
        assert each.prompt_sha256 == prompt_digest(request["body"]["messages"])


def test_nothing_but_the_request_goes_out(asking, monkeypatch):
    """The library adds headers about this machine and from the environment, and would go through a proxy."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-canary")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-canary")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: canary\nAuthorization: Bearer canary")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/nowhere")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    judgement, endpoint = asking(vote(), votes=1)
    assert not judgement.votes[0].error
    (request,) = endpoint.asked
    assert request["headers"] == {
        "host": f"127.0.0.1:{endpoint.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "ladder",
        "content-type": "application/json",
        "content-length": request["headers"]["content-length"],
        "authorization": f"Bearer {KEY}",
    }
    assert set(request["body"]) == {"model", "messages"}


D18 = [vote(95), '{"rubric": 1e999}', '{"rubric": NaN}', vote("high"), '{"reasoning": "fine"}', vote(True)]


@pytest.mark.parametrize("bad", D18)
def test_a_reply_that_is_none_is_kept_and_counts_for_nothing_d18(asking, bad):
    judgement, _ = asking(vote(0.9), bad, bad)
    assert outcome(judgement) is Outcome.UNDECIDED
    assert [each.reply for each in judgement.votes] == [vote(0.9), bad, bad]
    assert [each.reasoning for each in judgement.votes] == ["it is so", "", ""]


@pytest.mark.parametrize(
    ("refusal", "why", "requests"),
    [
        ({"status": 401, "body": {"error": {"message": f"Incorrect key: {KEY}", "code": "invalid_api_key"}}},
         "the model's endpoint answered 401 (invalid_api_key)", 1),
        ({"status": 403, "body": "no"}, "the model's endpoint answered 403", 1),
        ({"status": 404, "body": {"error": {"type": "model_not_found", "code": 7}}},
         "the model's endpoint answered 404 (model_not_found)", 1),
        ({"status": 302, "location": "/elsewhere"}, "the model's endpoint answered 302", 1),
        ({"status": 429, "body": {"error": {"code": "insufficient_quota"}}},
         "the model's endpoint answered 429 (insufficient_quota)", 2),
        ({"status": 500, "body": {"error": {"code": "a b; <c>"}}}, "the model's endpoint answered 500", 2),
        ({"status": 503, "body": "<html>", "type": "text/html"}, "the model's endpoint answered 503", 2),
    ],
    ids=lambda value: str(value["status"]) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_refusal_is_no_opinion_and_is_not_asked_for_more_often_than_it_can_help(asking, refusal, why, requests):
    judgement, endpoint = asking(refusal)
    assert outcome(judgement) is Outcome.UNDECIDED
    assert [each.error for each in judgement.votes] == [why] * requests
    assert len(endpoint.asked) == requests


def test_a_vote_that_fails_once_is_not_repeated_and_the_others_decide(asking):
    judgement, endpoint = asking({"status": 500}, vote(0.9), vote(0.9))
    assert outcome(judgement) is Outcome.HELD
    assert len(endpoint.asked) == len(judgement.votes) == 3


@pytest.mark.parametrize(
    "strange",
    [
        {"body": "not json"},
        {"body": ""},
        {"body": "[]"},
        {"body": "null"},
        {"body": "3"},
        {"body": {}},
        {"body": {"choices": []}},
        {"body": {"choices": None}},
        {"body": {"choices": [{"message": None}]}},
        {"body": {"choices": [{"message": {"content": None}}]}},
        {"body": {"choices": [{"message": {"content": [{"type": "text", "text": "x"}]}}]}},
        {"body": {"choices": {"0": 1}}},
        {"body": {"choices": "abc"}},
        {"body": "[" * 50_000},
        {"body": vote(), "type": "text/plain"},
        {"body": {"error": {"message": "no"}}},
    ],
    ids=lambda value: str(value.get("body"))[:30],
)
def test_an_answer_of_another_form_is_no_opinion(asking, strange):
    judgement, _ = asking(strange, votes=1)
    assert judgement.votes[0].error in {
        "the model's answer holds no text",
        "the model's answer could not be read (JSONDecodeError)",
        "the model's answer could not be read (RecursionError)",
    }


@pytest.mark.parametrize("usage", [None, {}, "many", {"prompt_tokens": -1, "completion_tokens": True}, [1]])
def test_what_is_told_of_tokens_counts_only_as_numbers(asking, usage):
    body = {"choices": [{"message": {"content": vote()}}], "model": 7, "usage": usage}
    judgement, _ = asking({"body": body}, votes=1)
    (found,) = judgement.votes
    assert (found.error, found.model, found.prompt_tokens, found.completion_tokens) == ("", "", None, None)


def test_a_reply_of_20_mb_is_not_read_to_its_end(asking):
    judgement, _ = asking({"length": 20_000_000})
    assert outcome(judgement) is Outcome.UNDECIDED
    assert {each.error for each in judgement.votes} == {
        f"the model could not be asked (its answer is longer than {LONGEST_ANSWER} bytes)"
    }
    assert sum(len(each.reply) for each in judgement.votes) == 0


def test_a_long_reply_is_cut_marked_and_no_vote(asking):
    long = vote(1, "x" * LONGEST_REPLY)
    judgement, _ = asking(long, votes=1)
    (found,) = judgement.votes
    assert (found.reply, found.cut_from, found.reasoning) == (long[:LONGEST_REPLY], len(long), "")


@pytest.mark.parametrize("slow", [{"hang": True}, {"drip": True}])
def test_a_slow_reply_ends_at_the_votes_own_time(asking, slow):
    """A byte now and then keeps nobody waiting either. Nothing here measures; without a bound it would never end."""
    judgement, endpoint = asking(slow, votes=1, timeout_s=0.3)
    assert [each.error for each in judgement.votes] == ["the model did not answer within 0.3 s"]
    assert len(endpoint.asked) == 1


def test_an_endpoint_that_is_not_there_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with opened(tmp_path, f"http://127.0.0.1:{port}/v1") as judge:
        judgement = judge.ask(QUESTION, 3)
    assert {each.error for each in judgement.votes} == {"the model could not be asked (ConnectError)"}


def test_a_secret_in_question_or_reply_is_neither_sent_nor_kept(asking):
    question = Question(f"Good {CANARY}.", (("rubric", "x"),), f"work {CANARY}", tools=CANARY, task=CANARY)
    judgement, endpoint = asking(
        vote(0.9, f"it says {CANARY}"), CANARY, {"status": 400, "body": CANARY}, question=question
    )
    assert CANARY not in json.dumps(endpoint.asked)
    assert CANARY not in repr(judgement)
    assert judgement.votes[0].reasoning == "it says [REDACTED]"


def test_reasoning_is_looked_at_again_when_it_is_decoded(asking):
    escaped = "".join(f"\\u{ord(one):04x}" for one in CANARY)
    judgement, _ = asking(f'{{"rubric": 1, "reasoning": "it says {escaped}"}}', votes=1)
    assert judgement.votes[0].reasoning == "it says [REDACTED]"


def test_the_key_is_in_no_judgement(asking):
    judgement, _ = asking({"status": 401, "body": {"error": {"message": KEY, "code": KEY, "type": KEY}}}, votes=1)
    assert judgement.votes[0].error == "the model's endpoint answered 401"
    assert KEY not in repr(judgement)


def test_lone_halves_of_characters_do_not_break_the_keeping(asking):
    body = '{"choices": [{"message": {"content": "\\ud800 no"}}], "model": "\\udfff"}'
    judgement, _ = asking({"body": body}, votes=1)
    (found,) = judgement.votes
    assert (found.reply, found.model) == ("? no", "?")


def test_what_is_too_long_to_be_judged_is_not_sent(asking):
    judgement, endpoint = asking(vote(), question=Question("Good.", (("rubric", "x"),), "x" * 102_401))
    assert "longer than 102400 characters" in judgement.error
    assert endpoint.asked == []


def test_the_library_says_nothing_whatever_its_settings_ask_for(tmp_path):
    """In a process of its own, because the library reads its log level when it is loaded."""
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from harness.judging.judge_prompts import Question\n"
        "from harness.redaction.secret import Secret\n"
        "from harness.senses.address import Address\n"
        "from harness.senses.model_judge import Endpoint, Means, ModelJudge\n"
        "from sensing import CanaryRedactor\n"
        "with ModelJudge(Endpoint(Address.parse(sys.argv[1]), Secret('k'), 'm'), Means(CanaryRedactor())) as judge:\n"
        "    print(judge.ask(Question('a', (('rubric', 'b'),), 'c'), 1).votes[0].reply)\n"
    )
    with model_endpoint(tmp_path, vote()) as endpoint:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, endpoint.url, ROOT, Path(__file__).parent],
            capture_output=True,
            text=True,
            check=False,
            env={"OPENAI_LOG": "debug", "PATH": "/usr/bin:/bin"},
        )
    assert (done.stdout, done.stderr) == (f"{vote()}\n", "")


def test_quiet_is_what_those_loggers_are_and_no_others(asking):
    asking(vote(), votes=1)
    assert logging.getLogger("openai").getEffectiveLevel() > logging.CRITICAL
    assert logging.getLogger("ladder").getEffectiveLevel() <= logging.CRITICAL


def test_the_environment_outranks_env_live_which_outranks_env(tmp_path):
    (tmp_path / ".env").write_text(f"{BASE_URL}=http://a/v1\n{MODEL}=m-a\nOPENAI_API_KEY=key-a-123456\n")
    found = endpoint_of(settings(tmp_path), "m-check")
    assert (found.address.host, found.model, found.key.reveal()) == ("a", "m-a", "key-a-123456")
    (tmp_path / ".env.live").write_text(f"{BASE_URL}=http://b/v1\nOPENAI_API_KEY=key-b-123456\n")
    found = endpoint_of(settings(tmp_path), "m-check")
    assert (found.address.host, found.model, found.key.reveal()) == ("b", "m-a", "key-b-123456")
    found = endpoint_of(settings(tmp_path, **{BASE_URL: "https://c:8443/x/", MODEL: "m-c"}), "m-check")
    assert (found.address.host, found.address.prefix, found.model) == ("c", "/x", "m-c")
    assert "key-b" not in repr(found)


def test_the_model_of_the_check_serves_where_the_setting_is_absent(tmp_path):
    found = endpoint_of(settings(tmp_path, OPENAI_API_KEY=KEY, **{MODEL: ""}), "m-check")
    assert found.model == "m-check"
    assert f"{found.address.scheme}://{found.address.host}{found.address.prefix}" == USUAL_BASE_URL


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"OPENAI_API_KEY": KEY}, "no judge model is set (LADDER_JUDGE_MODEL, or model in the check)"),
        ({MODEL: "m"}, "no model can be asked: OPENAI_API_KEY is absent"),
        ({MODEL: "m", "OPENAI_API_KEY": ""}, "no model can be asked: OPENAI_API_KEY is absent"),
        ({MODEL: "m", "OPENAI_API_KEY": KEY, BASE_URL: "ftp://x"}, "base_url is no http or https URL with a host"),
        ({MODEL: "m", "OPENAI_API_KEY": KEY, BASE_URL: f"http://u:{KEY}@x"}, "holds a user name or password"),
    ],
)
def test_why_nobody_can_be_asked_is_told_without_a_value(tmp_path, environ, why):
    found = endpoint_of(settings(tmp_path, **environ), None)
    assert why in found
    assert KEY not in found


def test_an_environment_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / ".env.live").mkdir()
    assert "[env-file-unreadable]" in endpoint_of(settings(tmp_path, OPENAI_API_KEY=KEY), "m")
