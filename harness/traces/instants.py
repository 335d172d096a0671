"""Instants of a trace: nanoseconds since 1970, as records hold them, and RFC 3339 in UTC, as people read them.

A scenario's wall clock is read once, at its start; every other instant of the judge is that one plus what the monotonic
clock has counted since, so that a clock which is set meanwhile bends no duration.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from harness.evidence.records import DamagedRecordError
from harness.evidence.timestamps import timestamp

if TYPE_CHECKING:
    from harness.evidence.event_lines import Entry

LAST_NS: Final = 253_402_300_799_999_999_999
"""The end of the year 9999: the last instant that RFC 3339 can spell."""

LONGEST_S: Final = 1e9
"""No log of one process is longer (31 years)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which instant a reading of the log's clock was: ``at_ns`` when it read ``at_t``."""

    at_ns: int
    at_t: float

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Begin with an entry.

        Raises:
            DamagedRecordError: Its time is none.
        """
        return cls(instant_of(entry.at), entry.t)

    def ns(self, t: float) -> int:
        """The instant of a reading.

        Raises:
            DamagedRecordError: It is no number of seconds that a log can have.
        """
        return max(0, self.at_ns + nanoseconds(t - self.at_t))


def nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds.

    Raises:
        DamagedRecordError: They are not finite, or more than a log can have.
    """
    # NaN is refused as well: it compares to nothing.
    if not abs(seconds) <= LONGEST_S:
        msg = f"{seconds} is no number of seconds of a log"
        raise DamagedRecordError(msg)
    return round(seconds * _NS)


def instant_of(text: str) -> int:
    """Nanoseconds since 1970 of a time in RFC 3339.

    Raises:
        DamagedRecordError: It is no time with an offset, or before 1970.
    """
    try:
        instant = datetime.fromisoformat(text)
        found = (instant - _EPOCH) // timedelta(microseconds=1) * 1000
    # A time without an offset cannot be subtracted from one that has it.
    except (ValueError, TypeError):
        found = -1
    if found < 0:
        msg = f"{text[:40]!r} is no time in UTC"
        raise DamagedRecordError(msg)
    return found


def spelt(ns: int) -> str:
    """RFC 3339 in UTC with microseconds and ``Z``; what lies outside of its years is shown as their first or last."""
    known = min(max(ns, 0), LAST_NS)
    return timestamp(_EPOCH + timedelta(microseconds=known // 1000))
