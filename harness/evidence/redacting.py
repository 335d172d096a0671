"""The little that evidence needs of the redactor, so that tests can stand in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.redaction.redacted import RedactedText


class Redacts(Protocol):
    """Makes texts that may be written. ``source`` names the file that the hits are counted under."""

    def text(self, text: str, *, source: str = "") -> RedactedText:
        """Redact a text."""

    def json(self, document: str, *, source: str = "") -> RedactedText:
        """Redact a JSON document by key and by value, keeping its shape and spacing."""

    def line(self, document: str, *, source: str = "") -> RedactedText:
        """Look once more at a JSON document whose parts have all been redacted; much cheaper than ``json``."""
