"""What a climb is part of, and what has set it off: the ids and the baggage that each of its requests carries.

What set a run off is told by its surroundings: ``LADDER_TRIGGER`` (else ``ci`` where ``CI`` is set, else ``manual``),
``LADDER_ISSUE_KEY`` and ``LADDER_ISSUE_STATUS``. The backend reads the same from the W3C baggage header.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

from harness.errors import UsageError
from harness.ids import new_id, new_span_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.config import Settings

TRIGGER: Final = "LADDER_TRIGGER"
ISSUE_KEY: Final = "LADDER_ISSUE_KEY"
ISSUE_STATUS: Final = "LADDER_ISSUE_STATUS"
LONGEST_VALUE: Final = 64
"""Characters of a key or a status; the backend keeps no more."""


class Source(StrEnum):
    """What may set off a run (trace model §8.3)."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    JIRA_WEBHOOK = "jira_webhook"
    CI = "ci"
    API = "api"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What has set off a run."""

    source: Source = Source.MANUAL
    issue_key: str | None = None
    issue_status: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read what the surroundings tell.

        Raises:
            UsageError: ``trigger-unknown`` or ``issue-too-long``.
        """
        given = settings.get(TRIGGER) or (Source.CI if settings.get("CI") else Source.MANUAL)
        if given not in set(Source):
            message = f"{TRIGGER}={given[:LONGEST_VALUE]!r} is none of {', '.join(Source)}"
            raise UsageError("trigger-unknown", message, f"unset {TRIGGER}, or name one of them")
        return cls(Source(given), _short(settings, ISSUE_KEY), _short(settings, ISSUE_STATUS))

    def baggage(self) -> str:
        """Members of the W3C baggage header, values percent-encoded."""
        members = {
            "evidence.trigger.source": self.source.value,
            "evidence.issue_key": self.issue_key,
            "evidence.issue_status": self.issue_status,
        }
        return ",".join(f"{name}={quote(value, safe='')}" for name, value in members.items() if value)


def _short(settings: Settings, name: str) -> str | None:
    value = settings.get(name)
    if len(value) > LONGEST_VALUE:
        message = f"{name} has {len(value)} characters; at most {LONGEST_VALUE} are kept"
        raise UsageError("issue-too-long", message, f"shorten {name}")
    return value or None


@dataclass(frozen=True, slots=True)
class Origin:
    """The trace of one climb, which the traces of its scenarios are linked to.

    Attributes:
        trace_id: Dashed.
        span_id: Root of that trace.
        trigger: Its texts have passed the redactor.
    """

    trace_id: str
    span_id: str
    trigger: Trigger

    @classmethod
    def new(cls, trigger: Trigger, redact: Callable[[str], str]) -> Self:
        """Make the ids of a climb that begins now.

        Args:
            trigger: As it was given.
            redact: Passes its texts, since they are sent and stored.
        """
        key, status = (redact(text) if text else None for text in (trigger.issue_key, trigger.issue_status))
        return cls(new_id(), new_span_id(), Trigger(trigger.source, key, status))
