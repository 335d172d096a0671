"""Verdicts: what a scenario's outcomes add up to, when the next one may start, and which exit code follows. Pure.

A check that misses is data, never an exception. FAIL outranks ERROR outranks INCONCLUSIVE outranks LIMITED outranks
PASS, so that a broken environment can never hide a failure of the subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Verdict(StrEnum):
    """The end of a scenario, of a trial or of a run."""

    PASS = "PASS"  # noqa: S105  # a verdict, no password
    LIMITED = "LIMITED"
    FAIL = "FAIL"
    ERROR = "ERROR"
    INCONCLUSIVE = "INCONCLUSIVE"
    BLOCKED = "BLOCKED"
    """Of a scenario only: nothing was sent."""
    FLAKY = "FLAKY"
    """Of several trials only: some passed, and too few."""


FROM_WORST: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.LIMITED, Verdict.PASS)
GREEN: Final = frozenset({Verdict.PASS, Verdict.LIMITED})


def fold(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; PASS when there is none. BLOCKED is no outcome of a step and is not folded.

    Raises:
        ValueError: BLOCKED or FLAKY is among them.
    """
    found = set(verdicts)
    if odd := found - set(FROM_WORST):
        msg = f"{', '.join(sorted(odd))} is no outcome of a step, so it cannot be folded"
        raise ValueError(msg)
    return next((verdict for verdict in FROM_WORST if verdict in found), Verdict.PASS)


def is_green(verdict: Verdict) -> bool:
    """Whether a step or scenario counts as done."""
    return verdict in GREEN


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a scenario may start.

    Attributes:
        closed_by: The scenario that closed it; ``None`` when it is open.
        arithmetic: The reason as one line, such as ``gate closed: L04 FAIL, 1 missed > 0 allowed``.
    """

    closed_by: str | None = None
    arithmetic: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the climb goes on."""
        return self.closed_by is None


def gate_after(ended: Mapping[str, Verdict], proceed_on: frozenset[str], *, missed: Mapping[str, int]) -> Gate:
    """Decide whether the next scenario may start: a ladder is climbed in strict order, so one red scenario closes it.

    Args:
        ended: Verdicts of the scenarios before it, in order.
        proceed_on: Lower-case verdict words of the ladder's gate.
        missed: How many checks each of them missed.
    """
    red = [name for name, verdict in ended.items() if verdict.value.lower() not in proceed_on]
    if not red:
        return Gate()
    # The cause is told, not the last link of the chain: a blocked scenario is never the reason of another one.
    cause = next((name for name in red if ended[name] is not Verdict.BLOCKED), red[0])
    allowed = ", ".join(sorted(word.upper() for word in proceed_on))
    arithmetic = (
        f"gate closed: {cause} {ended[cause]}, {missed.get(cause, 0)} missed > 0 allowed; goes on after {allowed}"
    )
    return Gate(cause, arithmetic)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What decides the exit code besides the verdicts."""

    secret_found: bool = False
    interrupted: bool = False


def exit_code(verdicts: Mapping[str, Verdict], proceed_on: frozenset[str], facts: RunFacts) -> ExitCode:
    """The exit code of a run, the first that applies: 5 secret, 130 interrupted, 1 FAIL, 3 ERROR, 4 INCONCLUSIVE.

    LIMITED ends with 1 unless the gate goes on after it; a BLOCKED scenario takes its cause's code, which is in the
    list anyway. An empty run proves nothing and is a usage error.
    """
    found = set(verdicts.values())
    limited_is_red = Verdict.LIMITED in found and "limited" not in proceed_on
    rules = (
        (facts.secret_found, ExitCode.LEAK),
        (facts.interrupted, ExitCode.INTERRUPTED),
        (not found, ExitCode.USAGE),
        (Verdict.FAIL in found, ExitCode.FAILED),
        (Verdict.ERROR in found, ExitCode.PREREQUISITE),
        (Verdict.INCONCLUSIVE in found, ExitCode.INCONCLUSIVE),
        (limited_is_red, ExitCode.FAILED),
        (Verdict.BLOCKED in found, ExitCode.INCONCLUSIVE),
    )
    return next((code for applies, code in rules if applies), ExitCode.OK)
