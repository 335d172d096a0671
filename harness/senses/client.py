"""The service over HTTP: one request in, one ``Exchange`` out, whatever happened on the way.

A request is sent once, to the path as written, over a connection that is kept. Redirects are not followed and cookies
not kept, so that an answer depends on nothing but its request. A transport's failure is an exchange with ``error``,
never an exception; what comes back has been through the redactor before anybody sees it. The token is sent, and shown
nowhere. The doubt: of a request that failed on the way nobody knows whether the service acted on it.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import httpcore

from harness.judging.documents import parse
from harness.judging.observation import Exchange
from harness.redaction.redacted import MARKER_BYTES
from harness.senses.wire import BoundedTransport, TimeLeft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from harness.redaction.secret import Secret
    from harness.senses.address import Address
    from harness.senses.calls import Call, Redacts
    from harness.senses.wire import Headers

LONGEST_BODY: Final = 32 << 20
"""Bytes; a file of 5 MiB whose every byte needs six in JSON still fits."""

MOST_HARMLESS: Final = 500
"""Headers that are remembered because redacting them changed nothing."""

BODY_TOO_LARGE: Final = "BodyTooLarge"

_HAVE_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods that say so when their body is empty (RFC 9110, 8.6)."""

_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""What the transport raises; ``OSError`` is a name that cannot be resolved, or a TLS failure."""


class Client:
    """One client of one service; used by one thread at a time.

    Args:
        address: Where the service is.
        redacts: Everything that is returned has passed it.
        token: For ``Authorization: Bearer``; ``None`` where the service asks for none.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self,
        address: Address,
        redacts: Redacts,
        *,
        token: Secret | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address, self._redacts, self._token, self._clock = address, redacts, token, clock
        self._harmless: set[tuple[str, str]] = set()
        self._time_left = TimeLeft()
        self._transport = BoundedTransport(address, self._time_left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def break_off(self) -> None:
        """Make the request that is under way fail at once; may be called from another thread."""
        self._transport.break_off()

    def exchange(self, call: Call) -> Exchange:
        """Send one request once and return what came, within the request's ``timeout_s``."""
        content = json.dumps(call.request.json).encode() if call.request.has_json else b""
        headers, target = self._headers_for(call, content), self._address.target(call.request.path)
        begun = self._clock()
        self._time_left.start(call.request.timeout_s)
        try:
            answer = self._transport.send(call.request.method, target, headers=headers, content=content)
            try:
                body = _read(answer)
            finally:
                answer.close()
        except _FAILURES as failure:
            return Exchange(None, {}, None, "", self._clock() - begun, error=type(failure).__name__)
        raw = _Raw(answer.status, _by_name(answer.headers), body, self._clock() - begun)
        return self._redacted(raw, call.source)

    def _headers_for(self, call: Call, content: bytes) -> Headers:
        headers = {"host": self._address.host_header, "accept": "*/*", "accept-encoding": "identity"}
        headers["user-agent"] = "ladder"
        if content or call.request.method in _HAVE_BODIES:
            headers["content-length"] = str(len(content))
        if content:
            headers["content-type"] = "application/json"
        if self._token:
            headers["authorization"] = f"Bearer {self._token.reveal()}"
        headers |= {name: value for name in ("traceparent", "baggage") if (value := getattr(call, name))}
        headers |= {name.lower(): value for name, value in call.request.headers.items()}
        return [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()]

    def _redacted(self, raw: _Raw, source: str) -> Exchange:
        headers = self._headers(raw.headers, source)
        if raw.body is None:
            return Exchange(raw.status, headers, None, "", raw.duration_s, error=BODY_TOO_LARGE)
        decoded, undecoded = _decoded(raw.body)
        text = self._redacts.json(decoded, source=source) if decoded else ""
        return Exchange(
            status=raw.status,
            headers=headers,
            # JSON between systems is UTF-8 (RFC 8259, 8.1), and nobody is judged by what we put in the place of bytes.
            body=None if undecoded else parse(text),
            text=text,
            duration_s=raw.duration_s,
            bytes=len(raw.body),
            sha256=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
            undecoded=undecoded,
            marked=raw.body.count(MARKER_BYTES),
        )

    def _headers(self, headers: Mapping[str, str], source: str) -> dict[str, str]:
        """Redact by name and by value. Most are the same every time, and a search takes longer than the request."""
        known = {name: value for name, value in headers.items() if (name, value) in self._harmless}
        if len(known) == len(headers):
            return known
        others = {name: value for name, value in headers.items() if name not in known}
        redacted: dict[str, str] = json.loads(self._redacts.json(json.dumps(others), source=source))
        if len(self._harmless) < MOST_HARMLESS:
            self._harmless |= others.items() & redacted.items()
        return known | redacted


@dataclass(frozen=True, slots=True)
class _Raw:
    """An answer as it came, before redaction; ``body`` is ``None`` when it was too large."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    duration_s: float


def _decoded(body: bytes) -> tuple[str, int]:
    """The text of a body, with U+FFFD for what is no UTF-8, and how many bytes that were."""
    try:
        return body.decode(), 0
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace"), len(body) - len(body.decode("utf-8", "ignore").encode())


def _by_name(headers: Headers) -> dict[str, str]:
    """Headers by their names in lower case; one that is there twice is joined by a comma (RFC 9110, 5.2)."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = joined[key] + b", " + value if key in joined else value
    try:
        return {name.decode(): value.decode() for name, value in joined.items()}
    except UnicodeDecodeError:
        # What is no UTF-8 is read byte by byte, so that nothing of it is lost.
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in joined.items()}


def _read(answer: httpcore.Response) -> bytes | None:
    """The body; ``None`` when it is too large, and then the rest is left unread."""
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_stream():
        size += len(part)
        if size > LONGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
