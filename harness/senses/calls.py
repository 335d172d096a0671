"""What the senses hand to one another: a request that is ready to be sent, how it is sent, and what redacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.judging.observation import Exchange
    from harness.language.model import Request


@dataclass(frozen=True, slots=True)
class Call:
    """One request to send, its variables filled in.

    Attributes:
        traceparent: W3C trace context of this request; empty for none.
        baggage: W3C baggage, such as what has set the run off; empty for none.
        source: What redactions are counted under, such as ``L01/submit``.
    """

    request: Request
    traceparent: str = ""
    baggage: str = ""
    source: str = "http"


Send: TypeAlias = "Callable[[Call], Exchange]"
"""Sends one request once; ``Client.exchange``."""


class Redacts(Protocol):
    """What the senses need of the redactor."""

    def text(self, text: str, *, source: str = "") -> str:
        """Redact a text."""

    def json(self, document: str, *, source: str = "") -> str:
        """Redact a JSON document by key and value; what does not parse is redacted as text."""
