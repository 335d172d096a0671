"""Instants as people write them: a day, an instant with its offset, or so long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from harness.errors import UsageError

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
_AGO: Final = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def first_us(option: str, text: str, now: datetime) -> int:
    """Microseconds since 1970 at the beginning of what is meant.

    Raises:
        UsageError: ``date-invalid``, with the forms that are accepted.
    """
    return (_instant(option, text, now) - _EPOCH) // _MICROSECOND


def last_us(option: str, text: str, now: datetime) -> int:
    """The same at its end: a day ends with its last microsecond.

    Raises:
        UsageError: ``date-invalid``.
    """
    found = first_us(option, text, now)
    return found + timedelta(days=1) // _MICROSECOND - 1 if _DAY.fullmatch(text) else found


def _instant(option: str, text: str, now: datetime) -> datetime:
    try:
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if _INSTANT.fullmatch(spelt := text.upper()):
            return datetime.fromisoformat(spelt)
    except (ValueError, OverflowError):
        pass
    hint = "write a day (2026-11-01, UTC), an instant (2026-11-01T08:30:00Z), or how long ago (30m, 12h, 7d, 2w)"
    raise UsageError("date-invalid", f"{option} {text[:80]!r} is no date", hint)
