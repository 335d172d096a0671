"""What is wrong with a ladder, one finding per fault, in the form that compilers use: place, rule, line and caret.

A finding never stops the reading: all faults of a file are told at once. Whoever needs a ladder that can be climbed
gets an ``InvalidLadderError`` with all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.language.model import Mark


MOST_COMPARED: Final = 300
"""Words; with thousands of faults in a ladder of thousands of names, comparing each with each takes minutes."""

_SHOWN: Final = 160
"""Characters of a line that are shown; a file may be a single line of a million."""


class Rule(StrEnum):
    """The stable name behind each finding."""

    NOT_YAML = "not-yaml"
    DUPLICATE_KEY = "duplicate-key"
    BOOL_KEY = "bool-key"
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    BAD_VALUE = "bad-value"
    DURATION_UNIT = "duration-unit"
    MISSING_FILE = "missing-file"
    UNKNOWN_TEMPLATE = "unknown-template"
    UNKNOWN_SCENARIO = "unknown-scenario"
    UNKNOWN_STEP = "unknown-step"
    UNKNOWN_VARIABLE = "unknown-variable"
    SECRET_IN_TEMPLATE = "secret-in-template"  # noqa: S105  # the name of a rule
    NEEDS_CYCLE = "needs-cycle"
    NEEDS_ORDER = "needs-order"
    BAD_PATH = "bad-path"
    BAD_PATTERN = "bad-pattern"
    EVIDENCE_UNREACHABLE = "evidence-unreachable"
    STALE_REPOLL = "stale-repoll"
    WRONG_SLASH = "wrong-slash"
    UNTIL_JUDGES = "until-judges"
    VALUE_TOO_LONG = "value-too-long"
    UNSAFE_NAME = "unsafe-name"
    NAME_CLASH = "name-clash"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault at one place.

    Attributes:
        line_text: The line of the file that ``mark`` names; empty when there is none.
    """

    mark: Mark
    rule: Rule
    message: str
    line_text: str = ""

    def render(self) -> str:
        """The finding as ``ladder validate`` prints it: one line, then the line of the file and a caret."""
        head = f"{self.mark}: error: {self.message} [{self.rule}]"
        if not self.line_text:
            return head
        first = max(0, self.mark.column - 1 - _SHOWN // 2) if len(self.line_text) > _SHOWN else 0
        # A tab or control character would move the caret, and the file is not ours to trust on a terminal.
        part = self.line_text[first : first + _SHOWN]
        shown = "".join(character if character.isprintable() else " " for character in part)
        return f"{head}\n{shown}\n{' ' * (self.mark.column - 1 - first)}^"


class InvalidLadderError(ScenarioError):
    """A ladder that cannot be climbed; nothing was sent.

    Attributes:
        findings: All faults, in the order of the file; never empty.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0]
        hint = f"{count(len(self.findings))}; see them with: ladder validate {first.mark.file}"
        super().__init__(first.rule, first.message, hint, place=(first.mark.file, first.mark.line, first.mark.column))

    def render(self) -> str:
        """All findings, and how many there are."""
        return "\n".join([*(finding.render() for finding in self.findings), count(len(self.findings))])


def count(number: int) -> str:
    """The closing line of a report, such as ``2 errors``."""
    return f"{number} error{'' if number == 1 else 's'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'expect'?)`` for the nearest known word; nothing when none is near, or too many are known."""
    from difflib import get_close_matches
    from itertools import islice

    known = list(islice(known, MOST_COMPARED + 1))
    if len(known) > MOST_COMPARED:
        return ""
    near = get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
