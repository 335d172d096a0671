"""The suspected cause of a red scenario: a table of symptoms, the first that fits. Pure.

It names what an engineer should look at first; it is a suspicion, never a verdict, and says so when nothing fits.
``docs/evidence/README.md`` lists the same references, and a test compares them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.judging.results import Outcome
from harness.judging.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.evidence.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Symptom:
    """One row: when it fits, and what to suspect then."""

    reference: str
    fits: Callable[[Trouble], bool]
    cause: str


def suspected_cause(trouble: Trouble) -> Symptom:
    """The first row that fits; the last one always does."""
    return next(symptom for symptom in SYMPTOMS if symptom.fits(trouble))


def _failed_as(kind: str) -> Callable[[Trouble], bool]:
    return lambda trouble: trouble.failure_kind == kind


def _ended_because(words: str) -> Callable[[Trouble], bool]:
    return lambda trouble: trouble.reason.startswith(words)


def _answered(*statuses: int) -> Callable[[Trouble], bool]:
    return lambda trouble: trouble.status in statuses


def _no_answer(*errors: str) -> Callable[[Trouble], bool]:
    return lambda trouble: trouble.transport_error in errors


def _says(*words: str) -> Callable[[Trouble], bool]:
    spoken = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in words))
    return lambda trouble: spoken.search(trouble.said) is not None


def _has_api_engine(trouble: Trouble) -> bool:
    return trouble.engine in {"openai", "codex"}


def _check_about(beginning: str, outcome: Outcome) -> Callable[[Trouble], bool]:
    return lambda trouble: any(each.outcome is outcome and each.path.startswith(beginning) for each in trouble.missed)


def _polled_in_vain(trouble: Trouble) -> bool:
    return trouble.polled_in_vain


SYMPTOMS: Final = (
    Symptom(
        "gate-closed",
        lambda trouble: trouble.verdict is Verdict.BLOCKED,
        "Nothing was sent: an earlier scenario closed the gate. Its own notes say why.",
    ),
    Symptom(
        "interrupted",
        _ended_because("interrupted"),
        "Somebody ended the run before this scenario had a verdict. `ladder run --last-failed` goes on here.",
    ),
    Symptom(
        "stack-not-ready",
        _ended_because("the stack is not ready"),
        "The stack could not be started, so nothing was sent. Repair what the reason names; try `make doctor`.",
    ),
    Symptom(
        "secret-in-output",
        lambda trouble: trouble.secret_hits > 0,
        "A secret stood in what the scenario observed. See what the worker prints and writes; then revoke the secret.",
    ),
    Symptom(
        "backend-unreachable",
        _no_answer("ConnectError", "ConnectTimeout", "ConnectionRefusedError"),
        "Nothing answers at the base URL: the backend is not running, or listens elsewhere. Try `make up`.",
    ),
    Symptom(
        "backend-dropped",
        _no_answer("ReadError", "RemoteProtocolError", "WriteError", "CloseError"),
        "The backend closed the connection without an answer: it was restarted or crashed. See its container's log.",
    ),
    Symptom(
        "backend-slow",
        _no_answer("ReadTimeout", "WriteTimeout", "PoolTimeout"),
        "The backend took the request but did not answer in time: it is overloaded, or the timeout is too short.",
    ),
    Symptom(
        "token-refused", _answered(401, 403), "The backend wants another token: compare API_TOKENS with the harness."
    ),
    Symptom("queue-full", _answered(429), "The backend's queue is full: other jobs hold it, or a job never ends."),
    Symptom(
        "backend-not-ready",
        lambda trouble: trouble.is_told_not_ready,
        "The backend says itself that it cannot run jobs; its answer names the problem and what helps. "
        "Most often the engine cannot be reached, or the worker image is not there.",
    ),
    Symptom(
        "backend-fault",
        lambda trouble: _answered(*range(500, 600))(trouble) or trouble.is_unreadable,
        "The backend failed; its log has the correlation_id.",
    ),
    Symptom(
        "redirected",
        _answered(*range(300, 400)),
        "The address redirects, and redirects are not followed: the path has one final slash too many or too few.",
    ),
    Symptom(
        "mode-not-live",
        lambda trouble: trouble.mode == "live" and (trouble.engine == "dummy" or trouble.told_mode == "mocked"),
        "The backend answers in mocked mode: USE_DUMMY_WORKER did not become False, or the stack was not restarted.",
    ),
    Symptom(
        "mode-not-mocked",
        lambda trouble: trouble.mode == "mocked" and trouble.engine not in {"", "dummy"},
        "The backend answers in live mode: USE_DUMMY_WORKER did not become True, or the stack was not restarted.",
    ),
    Symptom(
        "launch-failed",
        _failed_as("launch_failed"),
        "No worker container was started: engine unreachable, worker image missing, or workspace not mountable.",
    ),
    Symptom(
        "worker-oom", _failed_as("oom"), "The worker was killed for memory: raise WORKER_MEMORY, or see what it held."
    ),
    Symptom(
        "worker-timeout",
        _failed_as("timeout"),
        "The worker was killed at its deadline: it hangs, or JOB_TIMEOUT_SECONDS is too short for this work.",
    ),
    Symptom("job-cancelled", _failed_as("cancelled"), "The job was cancelled, or the backend was shut down meanwhile."),
    Symptom(
        "worker-lost",
        _failed_as("lost"),
        "The worker's container vanished: someone removed it, or the engine restarted.",
    ),
    Symptom("worker-crashed", _failed_as("crashed"), "The worker ended with an exit code other than 0; see its log."),
    Symptom(
        "result-missing", _failed_as("result_missing"), "The worker ended cleanly but wrote no .codex/result.json."
    ),
    Symptom(
        "result-invalid",
        _failed_as("result_invalid"),
        "The worker's result breaks the contract; see its log and result.",
    ),
    Symptom(
        "no-container",
        _check_about("container of job", Outcome.MISSED),
        "The engine saw no container of this job: nobody did the work that is shown, or another engine's did. "
        "The backend's own word about it is not believed.",
    ),
    Symptom(
        "key-absent",
        lambda trouble: _has_api_engine(trouble) and "OPENAI_API_KEY=absent" in trouble.said,
        "The engine needs OPENAI_API_KEY, and the worker had none: put it into .env.live.",
    ),
    Symptom(
        "key-refused",
        lambda trouble: _has_api_engine(trouble) and _says("Incorrect API key", "invalid_api_key", "401")(trouble),
        "The model's API refused the key: it is wrong, revoked, or of another organisation.",
    ),
    Symptom(
        "quota-exhausted",
        lambda trouble: _has_api_engine(trouble) and _says("insufficient_quota", "rate_limit", "429")(trouble),
        "The model's API refused more requests: the quota is used up, or the rate limit was met.",
    ),
    Symptom(
        "stale-result",
        lambda trouble: _polled_in_vain(trouble) and "stale" in trouble.last_why,
        "Only an earlier job's result was served until the deadline: the new job did not end, or wrote no result.",
    ),
    Symptom(
        "worker-still-running",
        lambda trouble: _polled_in_vain(trouble) and trouble.running > 0,
        "The worker was still running at the deadline: it is slow or hangs, or the step's deadline is too short.",
    ),
    Symptom(
        "result-not-served",
        _polled_in_vain,
        "No result was ready at the deadline, and no worker was seen running: see the job and the backend's log.",
    ),
    Symptom(
        "witness-blind",
        lambda trouble: (
            trouble.verdict is Verdict.INCONCLUSIVE and _check_about("container ", Outcome.UNDECIDED)(trouble)
        ),
        "The engine could not be asked about containers: see DOCKER_HOST and `ladder doctor`.",
    ),
    Symptom(
        "not-there",
        _answered(404),
        "What was asked for is not there: wrong path prefix, other data volume, or not made.",
    ),
    Symptom("error-provoked", _says("forced_error"), "The instruction provoked this error on purpose."),
    Symptom(
        "worker-reported-error",
        lambda trouble: trouble.result_status == "error",
        "The worker did its job as far as it could and reported an error itself; its codes stand in the result.",
    ),
    Symptom(
        "expectation-missed",
        lambda trouble: bool(trouble.missed),
        "The answer came, but not as expected: see the checks.",
    ),
    Symptom("unknown", lambda _: True, "No known symptom fits; events.jsonl has every exchange."),
)
"""In order of how much they explain: what makes everything else void comes first."""
