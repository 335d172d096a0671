"""The two spellings of an instant: a folder's name to the second, and a record's time to the microsecond. Both UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_FOLDER: Final = "%Y-%m-%dT%H:%M:%SZ"


def folder_name(instant: datetime) -> str:
    """``2025-11-14T17:14:05Z``, as ``date -u +%FT%TZ`` prints it."""
    return instant.astimezone(UTC).strftime(_FOLDER)


def is_folder_name(text: str) -> bool:
    """Whether a text is the name of a run's folder, without ``.partial``."""
    try:
        # strptime takes "2025-1-4" as well; only the one spelling is a name.
        return folder_name(datetime.strptime(text, _FOLDER).replace(tzinfo=UTC)) == text
    except ValueError:
        return False


def timestamp(instant: datetime) -> str:
    """RFC 3339 with microseconds and ``Z``."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def epoch_ms(text: str) -> int:
    """Milliseconds since 1970 of a time that ``timestamp`` wrote.

    Raises:
        ValueError: The text is no such time.
    """
    instant = datetime.fromisoformat(text)
    return round(instant.timestamp() * 1000)
