"""From what was typed to what is printed and the exit code; ``--json`` prints one document, whatever happens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import ExitCode, HarnessError
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import list_runs
from harness.replaying.replay import replay
from harness.replaying.replay_document import replay_document
from harness.replaying.replay_text import replay_text, safe

if TYPE_CHECKING:
    from pathlib import Path

    from harness.replaying.replay import Finds

NOTHING = "nothing recorded"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command prints.

    Attributes:
        text: For standard output.
        remark: For standard error; the last line has the stable reason.
    """

    text: str
    remark: str
    code: ExitCode


def say_replay(root: Path, text: str, *, allows_partial: bool, as_json: bool, find: Finds = list_runs) -> Said:
    """Show a recorded run.

    Args:
        root: Where evidence lies.
        text: What was typed.
        allows_partial: Show what can be read and name the rest, with exit code 0.
        as_json: For programs.
        find: Lists the runs that could be meant.

    Raises:
        UsageError: The name is none, or fits several; with ``as_json`` that is told as the document.
    """
    try:
        found = replay(root, text, find)
    except HarnessError as error:
        return refused(error, as_json=as_json, is_warning=allows_partial and isinstance(error, EvidenceError))
    if found is None:
        return Said(spelt({"trials": [], "exit_code": 0, "reason": None}) if as_json else NOTHING, "", ExitCode.OK)
    code, reason = found.outcome(allows_partial=allows_partial)
    shown = spelt(replay_document(found, code, reason)) if as_json else replay_text(found)
    return Said(shown, _remark(reason, (*found.damage, *found.mismatches), is_error=code is not ExitCode.OK), code)


def _remark(reason: str, lines: tuple[str, ...], *, is_error: bool) -> str:
    if not lines:
        return ""
    word = f"error[{reason}]" if is_error else "warning[run-damaged]"
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{word}: {safe(lines[0])}{more}"


def refused(error: HarnessError, warnings: tuple[str, ...] = (), *, as_json: bool, is_warning: bool = False) -> Said:
    """An error as a command tells it: programs get a document, whatever is wrong.

    Raises:
        HarnessError: One of use, which is told as that of any other command.
    """
    if not isinstance(error, EvidenceError) and not as_json:
        raise error
    code = ExitCode.OK if is_warning else error.exit_code
    word = "warning" if is_warning else "error"
    told = "\n".join([*warnings, f"{word}[{error.reference}]: {lines_of(error)}"])
    return Said(spelt(failure(error, code)) if as_json else "", told, code)


def lines_of(error: HarnessError) -> str:
    """An error in words, with what repairs it."""
    return safe(error.message) + (f"\n  hint: {error.hint}" if error.hint else "")


def failure(error: HarnessError, code: ExitCode) -> dict[str, Any]:
    """An error as a document."""
    return {"exit_code": int(code), "reason": error.reference, "message": error.message, "hint": error.hint}


def spelt(document: dict[str, Any]) -> str:
    """A document for programs."""
    return json.dumps(document, indent=2)
