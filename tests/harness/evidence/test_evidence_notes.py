"""Notes: what was seen, and which cause is suspected when."""

from dataclasses import replace

import pytest
from sample_run import (
    MISSED,
    RESULT,
    WITNESS,
    Collected,
    PlainRedactor,
    exchange,
    fixed_clock,
    record_events,
    scenarios,
)

from harness.evidence.causes import SYMPTOMS, suspected_cause
from harness.evidence.events import ContainersSeen, ExchangeMade, PollAttempted
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.evidence.journal import Journal
from harness.evidence.notes import LAST_ATTEMPTS, notes
from harness.evidence.run_record import ScenarioRecord
from harness.evidence.trouble import Attempt, Trouble, gather
from harness.judging.observation import Exchange, Witness
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict

RED = next(each for each in scenarios() if each.id == "L02")
SENT = Sent("GET", "/api/v1/projects/p")


def made(status=200, error="", text="{}"):
    return ExchangeMade("L02", "s", Purpose.STEP, SENT, Answer.of(Exchange(status, {}, None, text, 0.1, error=error)))


def trouble(**facts):
    return Trouble(**{"verdict": Verdict.FAIL, "mode": "live", "exchange": made(), **facts})


def polled(why, **facts):
    attempt = Attempt(1.0, PollAttempted("L02", "s", 1, 200, 2, "", why))
    return trouble(verdict=Verdict.INCONCLUSIVE, attempts=(attempt,), **facts)


def about_container(outcome):
    return replace(MISSED, path="container of job j", outcome=outcome)


def entries():
    return record_events(Journal(Collected(), PlainRedactor(), fixed_clock()))


READY = {"status": "ready", "mode": "live", "launcher": "docker"}
NOT_READY = READY | {"status": "not_ready", "problem": "the worker image is missing"}
RUNNING = replace(WITNESS.containers[0], running=True, exit_code=None)

EXAMPLES = {
    "gate-closed": trouble(verdict=Verdict.BLOCKED, exchange=None),
    "interrupted": trouble(reason="interrupted in step result", secret_hits=1),
    "stack-not-ready": trouble(reason="the stack is not ready: [port-in-use] no", exchange=None, verdict=Verdict.ERROR),
    "secret-in-output": trouble(secret_hits=1, failure_kind="oom"),
    "backend-unreachable": trouble(exchange=made(None, "ConnectError"), verdict=Verdict.ERROR),
    "backend-dropped": trouble(exchange=made(None, "RemoteProtocolError"), verdict=Verdict.ERROR),
    "backend-slow": trouble(exchange=made(None, "ReadTimeout"), verdict=Verdict.ERROR),
    "token-refused": trouble(exchange=made(401)),
    "queue-full": trouble(exchange=made(429)),
    "backend-not-ready": trouble(exchange=made(503), readiness=NOT_READY),
    "backend-fault": trouble(exchange=made(503)),
    "redirected": trouble(exchange=made(307)),
    "mode-not-live": trouble(result={"engine": "dummy", "status": "success"}),
    "mode-not-mocked": trouble(mode="mocked", result={"engine": "template", "status": "success"}),
    "launch-failed": trouble(failure_kind="launch_failed"),
    "worker-oom": trouble(failure_kind="oom"),
    "worker-timeout": trouble(failure_kind="timeout"),
    "job-cancelled": trouble(failure_kind="cancelled"),
    "worker-lost": trouble(failure_kind="lost"),
    "worker-crashed": trouble(failure_kind="crashed"),
    "result-missing": trouble(failure_kind="result_missing"),
    "result-invalid": trouble(failure_kind="result_invalid"),
    "no-container": trouble(missed=(about_container(Outcome.MISSED),)),
    "key-absent": trouble(result={"engine": "codex", "status": "error", "logs": ["OPENAI_API_KEY=absent"]}),
    "key-refused": trouble(result={"engine": "openai", "errors": ["Error code: 401 - Incorrect API key provided"]}),
    "quota-exhausted": trouble(result={"engine": "openai", "errors": ["Error code: 429 - insufficient_quota"]}),
    "stale-result": polled("stale: job_id is that of an earlier job"),
    "worker-still-running": polled("status 404", containers=(RUNNING,)),
    "result-not-served": polled("status 404"),
    "witness-blind": trouble(missed=(about_container(Outcome.UNDECIDED),), verdict=Verdict.INCONCLUSIVE),
    "not-there": trouble(exchange=made(404)),
    "error-provoked": trouble(result={"engine": "template", "status": "error", "errors": ["forced_error"]}),
    "worker-reported-error": trouble(result=RESULT),
    "expectation-missed": trouble(missed=(MISSED,)),
    "unknown": trouble(),
}


def test_every_symptom_has_an_example_and_a_name_of_its_own():
    assert [symptom.reference for symptom in SYMPTOMS] == list(EXAMPLES)


@pytest.mark.parametrize("reference", EXAMPLES)
def test_the_symptom_leads_to_its_cause(reference):
    assert suspected_cause(EXAMPLES[reference]).reference == reference


@pytest.mark.parametrize(
    "facts",
    [
        {"result": {"engine": "template", "status": "success", "summary": "8401 rows, 4290 cells"}},
        {"result": {"engine": "template", "status": "success", "errors": [], "logs": ["OPENAI_API_KEY=absent"]}},
        {"mode": "mocked", "result": {"engine": "dummy", "status": "success"}},
        {"mode": "live", "readiness": READY},
        {"mode": "mocked", "readiness": READY},
        {"readiness": NOT_READY},
    ],
)
def test_a_look_alike_is_not_taken_for_a_symptom(facts):
    assert suspected_cause(trouble(**facts)).reference == "unknown"


def test_the_notes_of_a_red_scenario_tell_state_polls_log_and_cause():
    found = gather(entries(), verdict=Verdict.FAIL, mode="live", worker_log="line 1\nline 2\n")
    assert notes(RED, found, remarks=["the rollback started here"]) == (
        "L02 Simple CLI scaffold: FAIL\n"
        "reason: 1 check missed\n"
        "\n"
        "remarks\n"
        "  the rollback started here\n"
        "\n"
        "observed\n"
        "  last request: GET /api/v1/p/files/.codex/result.json → 200, 11 bytes, 0.012 s (step result)\n"
        '  last body: {"id": "p"}\n'
        "  result: status=error engine=template\n"
        "  result summary: refused\n"
        '  result errors: ["unsupported_layout:app.py"]\n'
        "\n"
        "missed checks\n"
        '  live.ladder.yaml:41:9 [fail] missed: doc.status: wanted eq "success", got "error"\n'
        "\n"
        "last poll attempts (1 in all)\n"
        "  1. t=0.010 s status 404 9 bytes: status 404\n"
        "\n"
        "containers\n"
        f"  c0ffeec0ffee exit code 0 oom_killed=false image=sha256:{'ab' * 32}\n"
        "\n"
        "worker log, last 20 lines\n"
        "  line 1\n"
        "  line 2\n"
        "\n"
        "suspected cause\n"
        "  [worker-reported-error] The worker did its job as far as it could and reported an error itself; "
        "its codes stand in the result.\n"
    )


def test_notes_of_a_green_scenario_suspect_nothing():
    green = ScenarioRecord("L07", "Negative", "live/L07", Verdict.PASS, "error")
    text = notes(green, trouble(verdict=Verdict.PASS), remarks=["The error is provoked on purpose."])
    assert "The error is provoked on purpose." in text
    assert "suspected cause" not in text


def test_a_limitation_is_told():
    limited = ScenarioRecord("L06", "Edit", "live/L06", Verdict.LIMITED, "success", limits=("app.py is unchanged",))
    assert "remarks\n  app.py is unchanged\n" in notes(limited, trouble(verdict=Verdict.LIMITED))


def test_a_scenario_that_sent_nothing_has_notes_too():
    blocked = ScenarioRecord("L03", "", "live/L03", Verdict.BLOCKED, reason="gate closed: L02 FAIL")
    text = notes(blocked, Trouble(Verdict.BLOCKED, "live"))
    assert "no request was sent" in text
    assert "[gate-closed]" in text


def test_only_the_last_attempts_of_the_last_poll_and_the_tail_of_the_log_are_told():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    attempts = [
        *(PollAttempted("L02", "first", n, 404, 0, "", "status 404") for n in range(1, 4)),
        *(PollAttempted("L02", "second", n, None, 0, "", f"why {n}") for n in range(1, 21)),
    ]
    found = gather(
        [journal.record(each) for each in attempts],
        verdict=Verdict.ERROR,
        mode="live",
        worker_log="".join(f"log {n}\n" for n in range(1, 41)),
    )
    text = notes(RED, found)
    assert "last poll attempts (20 in all)" in text
    assert [f"why {n}\n" in text for n in (15, 16, 20)] == [False, True, True]
    assert text.count("no answer") == LAST_ATTEMPTS
    assert [f"log {n}\n" in text for n in (20, 21, 40)] == [False, True, True]


def test_what_was_observed_is_printed_as_data():
    hostile = "\x1b[2J\u202e\x00" + "y" * 2000
    found = trouble(exchange=made(500, text=hostile), worker_log=hostile)
    text = notes(RED, found)
    assert not set(text) & {"\x1b", "\u202e", "\x00"}
    assert "[cut, " in text
    assert max(map(len, text.splitlines())) < 600


def test_the_failure_kind_is_found_in_the_jobs_of_a_project():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    body = '{"id": "p", "jobs": [{"failure_kind": null}, {"failure_kind": "oom"}, "odd"]}'
    sent = ExchangeMade("L02", "s", Purpose.STEP, SENT, Answer.of(exchange(body)))
    assert gather([journal.record(sent)], verdict=Verdict.FAIL, mode="live").failure_kind == "oom"


@pytest.mark.parametrize(
    ("mode", "body", "cause"),
    [
        ("live", '{"status": "ready", "mode": "mocked", "launcher": "dummy"}', "mode-not-live"),
        ("live", '{"failure_kind": null, "engine": "dummy", "status": "completed"}', "mode-not-live"),
        ("mocked", '{"failure_kind": null, "engine": "template", "status": "in_progress"}', "mode-not-mocked"),
    ],
)
def test_what_the_backend_tells_of_itself_and_of_its_jobs_shows_a_wrong_mode(mode, body, cause):
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    sent = ExchangeMade("L02", "s", Purpose.STEP, SENT, Answer.of(exchange(body)))
    assert suspected_cause(gather([journal.record(sent)], verdict=Verdict.FAIL, mode=mode)).reference == cause


def test_a_backend_that_is_not_ready_says_so_itself():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    body = '{"status": "not_ready", "mode": "live", "launcher": "docker", "problem": "no engine"}'
    told = gather([journal.record(made(503, text=body))], verdict=Verdict.FAIL, mode="live")
    assert suspected_cause(told).reference == "backend-not-ready"


def test_files_that_the_backend_fails_to_read_are_a_fault_of_the_backend():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    read = replace(made(500), purpose=Purpose.FILES)
    found = gather([journal.record(each) for each in (read, made())], verdict=Verdict.INCONCLUSIVE, mode="live")
    assert (found.status, suspected_cause(found).reference) == (200, "backend-fault")


def test_containers_of_projects_that_the_scenario_never_asked_for_are_not_told():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    own, foreign = (replace(RUNNING, labels={"ladder.project": project}) for project in ("p", "q"))
    seen = [made(), ContainersSeen("L02", Witness(True, (own, foreign)))]
    found = gather([journal.record(each) for each in seen], verdict=Verdict.FAIL, mode="live")
    assert found.containers == (own,)


def test_the_result_is_found_inside_the_answer_of_the_file_api():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    body = '{"path": "x", "contents": "{\\"status\\": \\"error\\", \\"logs\\": []}"}'
    sent = ExchangeMade("L02", "s", Purpose.POLL, SENT, Answer.of(exchange(body)))
    assert gather([journal.record(sent)], verdict=Verdict.FAIL, mode="live").result_status == "error"


def test_what_was_collected_afterwards_tells_of_the_job_but_is_not_the_trouble():
    journal = Journal(Collected(), PlainRedactor(), fixed_clock())
    before = ExchangeMade("L02", "s", Purpose.BASELINE, SENT, Answer.of(exchange('{"logs": [], "status": "success"}')))
    failed = made(503)
    after = ExchangeMade("L02", "c", Purpose.COLLECT, SENT, Answer.of(exchange('{"failure_kind": "lost"}')))
    found = gather([journal.record(each) for each in (before, failed, after)], verdict=Verdict.FAIL, mode="live")
    assert (found.status, found.failure_kind, found.result_status) == (503, "lost", "")
