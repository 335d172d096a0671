"""What a check came to: held, missed or undecided, with what was wanted and what was there. Pure.

A result is made to be read: ``got`` is short, on one line and without characters that could move a terminal's cursor
or turn its text around. It decides nothing; what was observed is redacted already, so nothing is hidden here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.language.model import Mark, Severity

LONGEST_SHOWN: Final = 200
"""Characters of a value in a message."""

_ITEMS_SHOWN: Final = 20
_DEPTH_SHOWN: Final = 5


class Outcome(StrEnum):
    """Whether a check held. ``UNDECIDED`` is for what could not be seen, never for what was seen to be wrong."""

    HELD = "held"
    MISSED = "missed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at the observation gave.

    Attributes:
        path: What was looked at, such as ``doc.status`` or ``container.count``.
        wanted: Operators and values, ready to be read.
        got: The value that was there, or why none could be seen.
        branch: Of ``any_of``, the item that held.
    """

    outcome: Outcome
    path: str
    wanted: str = ""
    got: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One judged check, as it is printed and stored.

    Attributes:
        text: The check as written, in one line of JSON.
        mark: Its place in the ladder.
        path: See ``Finding``, as for the rest.
    """

    text: str
    mark: Mark
    severity: Severity
    outcome: Outcome
    path: str
    wanted: str
    got: str
    branch: str = ""


def worst(findings: Iterable[Finding]) -> Finding | None:
    """The first that was missed, else the first undecided, else the last; ``None`` of nothing."""
    found = list(findings)
    for outcome in (Outcome.MISSED, Outcome.UNDECIDED):
        for finding in found:
            if finding.outcome is outcome:
                return finding
    return found[-1] if found else None


def show(value: Any) -> str:  # noqa: ANN401  # whatever was observed
    """A value as short JSON on one line, safe to print."""
    text = json.dumps(_cut(value, _DEPTH_SHOWN), ensure_ascii=False, default=repr)
    return plain(text)


def plain(text: str) -> str:
    """A text as one short line, with everything that does not print spelt out."""
    head = text[: LONGEST_SHOWN + 1]
    spelt = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in head)
    return spelt if len(spelt) <= LONGEST_SHOWN else f"{spelt[: LONGEST_SHOWN - 1]}…"


def _cut(value: Any, depth: int) -> Any:  # noqa: ANN401  # JSON values
    """So much of a value that its JSON is short; a document of megabytes is not written out to be thrown away."""
    if isinstance(value, str):
        return value[:LONGEST_SHOWN]
    if isinstance(value, int) and value.bit_length() > LONGEST_SHOWN * 3:
        return "a number of many digits"
    if isinstance(value, dict | list | tuple) and not depth:
        return "…"
    if isinstance(value, dict):
        return {str(key): _cut(item, depth - 1) for key, item in list(value.items())[:_ITEMS_SHOWN]}
    if isinstance(value, list | tuple):
        return [_cut(item, depth - 1) for item in value[:_ITEMS_SHOWN]]
    return value
