"""An exchange as it is stored: everything of it, but the body once.

The parsed body is not stored where parsing the text gives the same; a text over 100 KiB is cut and marked with its
length, and what was judged on it cannot be judged again.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from harness.evidence.records import Json
from harness.judging.observation import Exchange

MAX_TEXT_CHARS: Final = 100 * 1024


class Purpose(StrEnum):
    """Why a request was sent."""

    STEP = "step"
    POLL = "poll"
    """The accepted answer of a poll, or its last; the others are attempts."""
    BASELINE = "baseline"
    """A look before the step, for freshness or file hashes."""
    FILES = "files"
    """Listing and reading files, to hash them."""
    READINESS = "readiness"
    TRACE = "trace"
    """The backend's part of the scenario's trace; it belongs to the climb's trace itself."""
    COLLECT = "collect"
    """After the verdict: collecting on a failure, or cleaning up."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left, redacted.

    Attributes:
        path: With query, as written; never normalised.
        text: The body; empty when there was none.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status; ``None`` when no answer came, then ``error`` says why.
        body_json: The parsed body as JSON text, where parsing ``text`` gives something else.
        duration_s: From connecting to the last byte.
        bytes: Size of the body as received.
        sha256: Digest of the redacted text, before any cut.
        undecoded: Bytes of the body that are no UTF-8 and stand as U+FFFD in the text.
        cut_from: Characters that the text had before it was cut; ``None`` when it is whole.
    """

    status: int | None
    headers: Mapping[str, str]
    text: str
    duration_s: float
    bytes: int = 0
    sha256: str = ""
    error: str = ""
    undecoded: int = 0
    body_json: str | None = None
    cut_from: int | None = None

    @classmethod
    def of(cls, exchange: Exchange) -> Self:
        """Store an exchange."""
        is_long = len(exchange.text) > MAX_TEXT_CHARS
        return cls(
            status=exchange.status,
            headers=exchange.headers,
            text=exchange.text[:MAX_TEXT_CHARS],
            duration_s=exchange.duration_s,
            bytes=exchange.bytes,
            sha256=exchange.sha256,
            error=exchange.error,
            undecoded=exchange.undecoded,
            body_json=None if is_long else unless_same(exchange.body, parsed(exchange.text)),
            cut_from=len(exchange.text) if is_long else None,
        )

    @property
    def is_whole(self) -> bool:
        """Whether checks can judge it again."""
        return self.cut_from is None

    def exchange(self) -> Exchange:
        """The exchange as it was judged, when it is whole."""
        return Exchange(
            status=self.status,
            headers=self.headers,
            body=parsed(self.text) if self.body_json is None else json.loads(self.body_json),
            text=self.text,
            duration_s=self.duration_s,
            bytes=self.bytes,
            sha256=self.sha256,
            error=self.error,
            undecoded=self.undecoded,
        )


def parsed(text: str) -> Json:
    """The JSON value of a text; ``None`` when it is no JSON."""
    try:
        return json.loads(text)
    # A deeply nested document exhausts the parser's stack.
    except (ValueError, RecursionError):
        return None


def unless_same(value: object, known: object) -> str | None:
    """A value as JSON text, or ``None`` when ``known`` is the same value, key order and number types included."""
    if value is known:
        return None
    try:
        text = json.dumps(value)
    except RecursionError:
        # Too deep to be spelt, so it came from the text and from nowhere else.
        return None
    try:
        return None if text == json.dumps(known) else text
    except RecursionError:
        return text
