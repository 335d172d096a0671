"""The closed vocabulary of checks: one check and one observation in, one result out. Pure, and never an exception.

What was seen to be wrong is missed; what could not be seen is undecided, so that a blind judge never says that
something passed, nor that it failed. A step's results fold into its verdict by severity. The doubt that remains is
told by each result: an undecided check names what was not observed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.judging.container_checks import container
from harness.judging.documents import view
from harness.judging.file_checks import files_changed
from harness.judging.judge_checks import opinion
from harness.judging.operators import compare
from harness.judging.program_checks import prints
from harness.judging.results import CheckResult, Finding, Outcome, plain, show, worst
from harness.judging.schema_checks import schema
from harness.judging.verdict import Verdict, fold
from harness.language.expressions import ExpressionError, search
from harness.language.model import Check, CheckKind, Mark, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.judging.observation import Exchange, Observation


CHECK_ERROR: Final = "check-error"
"""Reason of a check that could not be judged because it broke."""


def evaluate(check: Check, observation: Observation) -> CheckResult:
    """Judge one check.

    Args:
        check: With its variables filled in.
        observation: Redacted, as everything that is judged.
    """
    try:
        found = find(check, observation)
    except (ExpressionError, RecursionError) as error:
        # Lint refuses what is no expression; how deep a document is nested is the subject's choice.
        found = Finding(Outcome.UNDECIDED, check.kind, got=plain(f"this cannot be judged: {error}"))
    except Exception as error:  # noqa: BLE001  # a check that breaks is never blamed on the subject, nor ends the others
        found = Finding(Outcome.UNDECIDED, check.kind, got=plain(f"{CHECK_ERROR}: {type(error).__name__}: {error}"))
    return result_of(check, found)


def result_of(check: Check, found: Finding) -> CheckResult:
    """A finding together with the check that it answers."""
    return CheckResult(
        text=check.text,
        mark=check.mark,
        severity=check.severity,
        outcome=found.outcome,
        path=found.path,
        wanted=found.wanted,
        got=found.got,
        branch=found.branch,
    )


def find(check: Check, observation: Observation) -> Finding:
    """What a check finds, its severity left aside.

    Raises:
        ExpressionError: A path is no JMESPath, or a pattern no RE2.
    """
    return _FINDERS[check.kind](check, observation)


def verdict_of(results: Iterable[CheckResult]) -> Verdict:
    """The verdict of a step that was answered: what each check's outcome means under its severity, folded."""
    return fold(_MEANS.get((result.severity, result.outcome), Verdict.PASS) for result in results)


_MEANS: Final[Mapping[tuple[Severity, Outcome], Verdict]] = {
    (Severity.FAIL, Outcome.MISSED): Verdict.FAIL,
    (Severity.FAIL, Outcome.UNDECIDED): Verdict.INCONCLUSIVE,
    (Severity.LIMITATION, Outcome.MISSED): Verdict.LIMITED,
    # Not everything was seen to hold, which is more than a PASS may leave open.
    (Severity.LIMITATION, Outcome.UNDECIDED): Verdict.LIMITED,
}


def step_verdict(exchange: Exchange, results: Iterable[CheckResult]) -> Verdict:
    """The verdict of a step: without any answer there is nothing to judge, and the environment is at fault."""
    return verdict_of(results) if exchange.answered else Verdict.ERROR


def implied(exchange: Exchange, expect: Iterable[Check], mark: Mark) -> tuple[CheckResult, ...]:
    """What every answer must satisfy without being asked: it was read to its end, and it is no redirect.

    Redirects are not followed, so a 3xx is a FAIL, except where a ``status`` check of the step names that code.

    Args:
        exchange: The answer.
        expect: The step's checks.
        mark: Where the step stands.
    """
    findings: list[Finding] = []
    if exchange.answered and exchange.error:
        findings.append(Finding(Outcome.MISSED, "body", "an answer that can be read", exchange.error))
    if is_redirect(exchange) and exchange.status not in set(_named_codes(expect)):
        target = show(exchange.headers.get("location", ""))
        findings.append(
            Finding(Outcome.MISSED, "status", "no redirect; none is followed", f"{exchange.status} to {target}")
        )
    unwritten = Check(kind=CheckKind.STATUS, mark=mark, text="implied")
    return tuple(result_of(unwritten, finding) for finding in findings)


def is_redirect(exchange: Exchange) -> bool:
    """Whether the status is a 3xx."""
    return exchange.status is not None and 300 <= exchange.status < 400  # noqa: PLR2004  # HTTP 3xx


def _named_codes(checks: Iterable[Check]) -> Iterable[int]:
    for check in checks:
        if check.kind is CheckKind.STATUS:
            yield from check.argument
        if check.kind in {CheckKind.ANY_OF, CheckKind.ALL_OF}:
            yield from _named_codes(check.children)


def _path(check: Check, observation: Observation) -> Finding:
    value = search(check.argument, view(observation.exchange, observation.doc))
    return compare(check.argument, value, check.operators)


def _status(check: Check, observation: Observation) -> Finding:
    exchange = observation.exchange
    if not exchange.answered:
        wanted = f"in {show(check.argument)}"
        return Finding(Outcome.MISSED, "status", wanted, f"no answer ({exchange.error})")
    return compare("status", exchange.status, {"in": check.argument})


def _headers(check: Check, observation: Observation) -> Finding:
    found = [_header(observation, name.lower(), operators) for name, operators in check.argument.items()]
    return worst(found) or Finding(Outcome.HELD, "headers")


def _header(observation: Observation, name: str, operators: Mapping[str, Any]) -> Finding:
    value: Any = observation.exchange.headers.get(name)
    # A header is a text; where a ladder asks for a number, one that is written as a number is one.
    asks_for_number = any(_is_number(wanted) for wanted in operators.values())
    if asks_for_number and isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:_LONGEST_NUMBER])
    return compare(f"headers.{name}", value, operators)


_LONGEST_NUMBER: Final = 100


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _duration(check: Check, observation: Observation) -> Finding:
    exchange = observation.exchange
    return compare("duration", round(exchange.duration_s, 6) if exchange.answered else None, check.argument)


def _no_secrets(_check: Check, observation: Observation) -> Finding:
    return compare("no_secrets", observation.secret_hits, {"eq": 0})


def _any_of(check: Check, observation: Observation) -> Finding:
    findings: list[Finding] = []
    for child in check.children:
        found = find(child, observation)
        if found.outcome is Outcome.HELD:
            return Finding(Outcome.HELD, found.path, found.wanted, found.got, branch=child.text)
        findings.append(found)
    undecided = any(found.outcome is Outcome.UNDECIDED for found in findings)
    return Finding(
        Outcome.UNDECIDED if undecided else Outcome.MISSED,
        " or ".join(found.path for found in findings),
        " or ".join(found.wanted for found in findings),
        "; ".join(found.got for found in findings),
    )


def _all_of(check: Check, observation: Observation) -> Finding:
    found = worst(find(child, observation) for child in check.children)
    return found or Finding(Outcome.HELD, "all_of")


def _not(check: Check, observation: Observation) -> Finding:
    """None of the children may hold; one that could not be decided leaves this open."""
    findings = [find(child, observation) for child in check.children]
    for found in findings:
        if found.outcome is Outcome.HELD:
            return Finding(Outcome.MISSED, found.path, f"not {found.wanted}", found.got)
    open_one = next((found for found in findings if found.outcome is Outcome.UNDECIDED), None)
    return open_one or Finding(Outcome.HELD, " and ".join(found.path for found in findings), "not any of these")


_FINDERS: Final[Mapping[CheckKind, Callable[[Check, Observation], Finding]]] = {
    CheckKind.PATH: _path,
    CheckKind.STATUS: _status,
    CheckKind.HEADERS: _headers,
    CheckKind.DURATION: _duration,
    CheckKind.SCHEMA: schema,
    CheckKind.NO_SECRETS: _no_secrets,
    CheckKind.FILES_CHANGED: files_changed,
    CheckKind.CONTAINER: container,
    CheckKind.PRINTS: prints,
    CheckKind.JUDGE: opinion,
    CheckKind.ANY_OF: _any_of,
    CheckKind.ALL_OF: _all_of,
    CheckKind.NOT: _not,
}
