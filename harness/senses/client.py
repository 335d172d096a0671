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
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Self

import httpcore
import httpx

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

LONGEST_BODY: Final = 32 << 20
"""Bytes; a file of 5 MiB whose every byte needs six in JSON still fits."""

MOST_HARMLESS: Final = 500
"""Headers that are remembered because redacting them changed nothing."""

BODY_TOO_LARGE: Final = "BodyTooLarge"

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
        self._url = httpx.URL(address.origin)
        self._harmless: set[tuple[str, str]] = set()
        self._time_left = TimeLeft()
        self._http = httpx.Client(
            transport=BoundedTransport(address, self._time_left),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def exchange(self, call: Call) -> Exchange:
        """Send one request once and return what came, within the request's ``timeout_s``."""
        request = self._prepare(call)
        begun = self._clock()
        self._time_left.start(call.request.timeout_s)
        try:
            answer = self._http.send(request, stream=True)
            try:
                body = _read(answer)
            finally:
                answer.close()
        except _FAILURES as failure:
            return Exchange(None, {}, None, "", self._clock() - begun, error=type(failure).__name__)
        raw = _Raw(answer.status_code, dict(answer.headers), body, self._clock() - begun)
        return self._redacted(raw, call.source)

    def _prepare(self, call: Call) -> httpx.Request:
        content = json.dumps(call.request.json).encode() if call.request.has_json else None
        headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "ladder"}
        if content is not None:
            headers["content-type"] = "application/json"
        if self._token:
            headers["authorization"] = f"Bearer {self._token.reveal()}"
        if call.traceparent:
            headers["traceparent"] = call.traceparent
        headers |= {name.lower(): value for name, value in call.request.headers.items()}
        return httpx.Request(
            call.request.method,
            self._url,
            headers=[(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()],
            content=content,
            extensions={"target": self._address.target(call.request.path)},
        )

    def _redacted(self, raw: _Raw, source: str) -> Exchange:
        headers = self._headers(raw.headers, source)
        if raw.body is None:
            return Exchange(raw.status, headers, None, "", raw.duration_s, error=BODY_TOO_LARGE)
        text = self._redacts.json(raw.body.decode("utf-8", "replace"), source=source) if raw.body else ""
        return Exchange(
            status=raw.status,
            headers=headers,
            body=parse(text),
            text=text,
            duration_s=raw.duration_s,
            bytes=len(raw.body),
            sha256=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
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


def _read(answer: httpx.Response) -> bytes | None:
    """The body; ``None`` when it is too large, and then the rest is left unread."""
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_raw():
        size += len(part)
        if size > LONGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
