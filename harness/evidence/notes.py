"""``notes.txt``: what was seen around one scenario and what is suspected, in plain text for the next pair of eyes.

Everything observed is printed as data: control characters are spelt out and long lines cut. A green scenario may have
notes too (a provoked error, a limitation, what started the rollback); they name no cause.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from harness.evidence.causes import suspected_cause
from harness.evidence.printable import block, one_line, shortened
from harness.judging.verdict import is_green

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.evidence.events import ExchangeMade
    from harness.evidence.run_record import ScenarioRecord
    from harness.evidence.trouble import Attempt, Trouble
    from harness.judging.observation import ContainerFact
    from harness.judging.results import CheckResult

LAST_ATTEMPTS: Final = 5
LOG_LINES: Final = 20
MAX_CHARS: Final = 500


def notes(scenario: ScenarioRecord, trouble: Trouble, *, remarks: Sequence[str] = ()) -> str:
    """The text of ``notes.txt``.

    Args:
        scenario: How it ended.
        trouble: What was observed.
        remarks: What the ladder says about the scenario, limitations, what started the rollback.
    """
    sections = {
        "remarks": [*remarks, *scenario.limits],
        "observed": list(_observed(trouble)),
        "missed checks": [_check(each) for each in trouble.missed] or list(scenario.missed),
        f"last poll attempts ({len(trouble.attempts)} in all)": [
            _attempt(a) for a in trouble.attempts[-LAST_ATTEMPTS:]
        ],
        "containers": [_container(each) for each in trouble.containers],
        f"worker log, last {LOG_LINES} lines": trouble.worker_log.splitlines()[-LOG_LINES:],
        "suspected cause": list(_cause(trouble)),
    }
    parts = [f"{_line(f'{scenario.id} {scenario.title}')}: {scenario.verdict}\n"]
    parts += [f"reason: {_line(scenario.reason)}\n"] if scenario.reason else []
    parts += [_section(heading, lines) for heading, lines in sections.items() if lines]
    return block("".join(parts))


def _section(heading: str, lines: Sequence[str]) -> str:
    return f"\n{heading}\n" + "".join(f"  {_line(line)}\n" for line in lines)


def _observed(trouble: Trouble) -> Iterator[str]:
    yield from _last_exchange(trouble.exchange) if trouble.exchange else ("no request was sent",)
    if trouble.failure_kind:
        yield f"job failure_kind: {trouble.failure_kind}"
    if trouble.result:
        found = trouble.result
        yield f"result: status={trouble.result_status or 'n/a'} engine={trouble.engine or 'n/a'}"
        yield f"result summary: {found.get('summary', 'n/a')}"
        yield f"result errors: {json.dumps(found.get('errors', []), ensure_ascii=False)}"
    if trouble.secret_hits:
        yield f"secrets redacted in what was observed: {trouble.secret_hits}"


def _last_exchange(made: ExchangeMade) -> Iterator[str]:
    answer = made.answer
    came = "no answer" if answer.status is None else f"{answer.status}, {answer.bytes} bytes"
    came += f": {answer.error}" if answer.error else ""
    yield f"last request: {made.sent.method} {made.sent.path} → {came}, {answer.duration_s:.3f} s (step {made.step})"
    if answer.text:
        yield f"last body: {answer.text}"


def _check(check: CheckResult) -> str:
    return f"{check.mark} [{check.severity}] {check.outcome}: {check.path}: wanted {check.wanted}, got {check.got}"


def _attempt(attempt: Attempt) -> str:
    fact = attempt.fact
    status = "no answer" if fact.status is None else f"status {fact.status}"
    return f"{fact.attempt}. t={attempt.t:.3f} s {status} {fact.bytes} bytes: {fact.why_not_ready or 'ready'}"


def _container(fact: ContainerFact) -> str:
    state = "running" if fact.running else f"exit code {fact.exit_code}"
    return f"{fact.id[:12]} {state} oom_killed={str(fact.oom_killed).lower()} image={fact.image or 'unknown'}"


def _cause(trouble: Trouble) -> Iterator[str]:
    if not is_green(trouble.verdict):
        found = suspected_cause(trouble)
        yield f"[{found.reference}] {found.cause}"


def _line(text: str) -> str:
    return shortened(one_line(text), MAX_CHARS)
