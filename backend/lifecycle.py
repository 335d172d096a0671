"""The life of a job: which moves are legal, and how a job's end follows from its attempt.

queued → in_progress → completed | error, and queued → error. An ended job never changes again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from worker.contract import JobStatus

ENDED: Final = frozenset({JobStatus.COMPLETED, JobStatus.ERROR})
UNFINISHED: Final = frozenset({JobStatus.QUEUED, JobStatus.IN_PROGRESS})

_LEGAL: Final = {
    JobStatus.QUEUED: frozenset({JobStatus.IN_PROGRESS, JobStatus.ERROR}),
    JobStatus.IN_PROGRESS: ENDED,
    JobStatus.COMPLETED: frozenset[JobStatus](),
    JobStatus.ERROR: frozenset[JobStatus](),
}


class IllegalMoveError(RuntimeError):
    """A job was to make a move that its state does not allow; a fault of ours, never of a caller."""


def check_move(present: str, target: JobStatus) -> None:
    """Let a legal move pass.

    Raises:
        IllegalMoveError: The move is not among the legal ones.
    """
    if target not in _LEGAL[JobStatus(present)]:
        msg = f"a job cannot go from {present} to {target}"
        raise IllegalMoveError(msg)


def has_ended(status: str) -> bool:
    """Whether a job in this state will never change again."""
    return status in ENDED


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def later_than(previous: datetime, present: datetime) -> datetime:
    """An instant for ``updated_at``, which grows with every change even when the clock stands still or steps back."""
    return max(present, previous + timedelta(microseconds=1))


def rfc3339(instant: datetime) -> str:
    """Spell an aware instant in UTC with microseconds and ``Z`` (RFC 3339)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
