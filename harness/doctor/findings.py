"""What ``ladder doctor`` found: one finding for each thing it looked at, good or bad, and how it is told.

An error is what a run would stop at, or what lets a secret out; a run survives a warning. A check that breaks is an
error of that check and never ends the others. Its words are then ours or the operating system's: the text of any other
exception may quote a value, and any value may be a secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.errors import ExitCode, HarnessError
from harness.evidence.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: Its stable name, in kebab-case.
        message: What was seen, and where.
        repair: A command or a sentence that helps; empty when nothing is to be done.
    """

    check: str
    level: Level
    message: str
    repair: str = ""


def ok(check: str, message: str) -> Finding:
    """Nothing is to be done."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, repair: str) -> Finding:
    """A run goes on, but somebody should know."""
    return Finding(check, Level.WARNING, message, repair)


def error(check: str, message: str, repair: str) -> Finding:
    """A run would stop, or a secret gets out."""
    return Finding(check, Level.ERROR, message, repair)


def not_checked(check: str, because: str) -> Finding:
    """Say that nobody looked; the reason is a finding of its own, with its own repair."""
    return warning(check, f"not checked: {because}", "repair that first, then run `ladder doctor` again")


def look(check: str, judge: Callable[[], Finding]) -> Finding:
    """Run one check; whatever breaks it becomes its finding."""
    try:
        return judge()
    except HarnessError as broken:
        return error(check, broken.message, broken.hint)
    except Exception as broken:  # noqa: BLE001  # one check that breaks must not hide what the others see
        return error(check, f"the check broke: {words_of(broken)}", "repair what it names, then run it again")


def words_of(broken: Exception) -> str:
    """Name an exception without the text that it may quote, except the system's own words."""
    kind = type(broken).__name__
    if not isinstance(broken, OSError) or not broken.strerror:
        return kind
    return f"{kind}: {broken.strerror}" + (f": {broken.filename}" if broken.filename else "")


def render(findings: Sequence[Finding]) -> str:
    """One line for each finding, the repair below those that are not ok, and a last line with the sums."""
    width = max((len(found.check) for found in findings), default=0)
    lines = [line for found in findings for line in _lines(found, width)]
    return "\n".join([*lines, f"{_count(findings, Level.ERROR)} errors, {_count(findings, Level.WARNING)} warnings"])


def _lines(found: Finding, width: int) -> Iterable[str]:
    yield f"{found.level:7}  {found.check:{width}}  {one_line(found.message)}"
    if found.level is not Level.OK and found.repair:
        yield f"{'':7}  {'':{width}}  repair: {one_line(found.repair)}"


def as_json(findings: Sequence[Finding]) -> str:
    """The same as an object with ``findings``, ``errors`` and ``warnings``."""
    told = {
        "findings": [asdict(found) for found in findings],
        "errors": _count(findings, Level.ERROR),
        "warnings": _count(findings, Level.WARNING),
    }
    return json.dumps(told, indent=2)


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """3 when anything is an error; warnings pass."""
    return ExitCode.PREREQUISITE if _count(findings, Level.ERROR) else ExitCode.OK


def _count(findings: Sequence[Finding], level: Level) -> int:
    return sum(found.level is level for found in findings)
