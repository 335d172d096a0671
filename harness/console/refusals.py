"""What the console refuses or cannot do, as an error that knows its HTTP status.

An outage and a damaged bundle have words of their own; neither ever looks like an empty list. What an address names and
nobody has is 404, whatever form it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.console.rendering import Json
    from harness.errors import HarnessError

NOT_FOUND: Final = 404
UNREADABLE: Final = 500
"""What is asked for is there, and is not as it was recorded."""
UNREACHABLE: Final = 503

_UNKNOWN: Final = frozenset(
    {
        "run-unknown",
        "run-name-invalid",
        "run-prefix-short",
        "run-ambiguous",
        "scenario-unknown",
        "scenario-ambiguous",
        "trial-unknown",
        "trace-missing",
        "traces-missing",
    }
)
_OUTAGES: Final = frozenset({"evidence-unreadable", "evidence-missing", "backend-unreachable"})


class MissingError(Exception):
    """Nothing of that name is there, or nothing could have it."""

    def __init__(self, what: str = "there is no such page") -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no page, for people and programs."""

    status: int
    reference: str
    message: str
    hint: str = ""

    def document(self) -> Json:
        """The same as JSON."""
        return {"error": {"reference": self.reference, "message": self.message, "hint": self.hint}}


def refusal_of(error: HarnessError) -> Refusal:
    """What an error of the judge comes to here."""
    status = UNREADABLE
    if error.reference in _UNKNOWN:
        status = NOT_FOUND
    elif error.reference in _OUTAGES:
        status = UNREACHABLE
    return Refusal(status, error.reference, error.message, error.hint)


def fault(error: Exception) -> Refusal:
    """What the console itself does wrong; its class alone is told, since its words may quote evidence."""
    hint = "the terminal of `ladder console` has the whole story; the other pages are not concerned"
    return Refusal(UNREADABLE, "console-fault", f"a fault of the console: {type(error).__name__}", hint)


def missing(error: MissingError) -> Refusal:
    """What was not found."""
    return Refusal(NOT_FOUND, "not-found", error.what, "the list of runs has what there is")
