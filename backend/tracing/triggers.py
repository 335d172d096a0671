"""What set a job off, as the caller's baggage says it; without a word of it, the API did.

Members of the W3C baggage header: ``evidence.trigger.source``, ``evidence.issue_key`` and ``evidence.issue_status``.
Values are percent-encoded; a member that cannot be read counts as not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from backend.tracing.pipeline import Source, Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backend.tracing.attributes import Cleaner

SOURCE: Final = "evidence.trigger.source"
ISSUE_KEY: Final = "evidence.issue_key"
ISSUE_STATUS: Final = "evidence.issue_status"
_MAX_CHARS: Final = 64


def trigger_of(baggage: str | None, intent_type: str, cleaner: Cleaner) -> Trigger:
    """Read what the baggage says about why a job was asked for."""
    members = dict(_members(baggage or ""))

    def text(name: str) -> str | None:
        return cleaner.text(members[name], limit=_MAX_CHARS) if members.get(name) else None

    given = members.get(SOURCE, Source.API.value)
    source = Source(given) if given in set(Source) else Source.UNKNOWN
    return Trigger(source, intent_type, issue_key=text(ISSUE_KEY), issue_status=text(ISSUE_STATUS))


def without_secrets(baggage: str | None, cleaner: Cleaner) -> str | None:
    """The baggage that is stored and handed to the worker: members that hold a secret of this process are left out."""
    if baggage is None:
        return None
    kept = [member for member in baggage.split(",") if _is_clean(member, cleaner)]
    return ",".join(kept) or None


def _is_clean(member: str, cleaner: Cleaner) -> bool:
    return all(cleaner.text(text, limit=len(text)) == text for text in (member, unquote(member)))


def _members(baggage: str) -> Iterator[tuple[str, str]]:
    for member in baggage.split(","):
        # Behind a semicolon stand properties, of which none is ours.
        name, equals, value = member.partition(";")[0].partition("=")
        if equals:
            yield name.strip(), unquote(value.strip())
