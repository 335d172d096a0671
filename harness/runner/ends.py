"""How a step ended, and how the checks of a scenario are told in lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.judging.results import CheckResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.judging.verdict import Verdict
    from harness.language.model import Severity


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step ended.

    Attributes:
        results: Every check that was judged, implied ones too.
        reason: Why it is not green, where no check says so.
    """

    verdict: Verdict
    results: tuple[CheckResult, ...] = ()
    reason: str = ""


def missed_line(result: CheckResult) -> str:
    """One line for people: where it stands, what was wanted, what was there."""
    word = "" if result.outcome is Outcome.MISSED else f"{result.outcome}: "
    branch = f" ({result.text})" if result.text.startswith("implied") else ""
    return f"{result.mark}: {word}{result.path}: wanted {result.wanted or 'a decision'}, got {result.got}{branch}"


def lines(results: Iterable[CheckResult], severity: Severity) -> tuple[str, ...]:
    """The lines of all checks of a severity that did not hold."""
    return tuple(
        missed_line(each) for each in results if each.severity is severity and each.outcome is not Outcome.HELD
    )
